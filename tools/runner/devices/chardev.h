/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a guest's console is on the host: a terminal, a file, or a socket. */
#ifndef VMXL_CHARDEV_H
#define VMXL_CHARDEV_H

#include <poll.h>
#include <sys/uio.h>

#include "util.h"

#define CHARDEV_POLL_MAX	2

/* Standard output, with input by who reads it; a pseudo-terminal; and so on */
enum chardev_kind { CHARDEV_STDIO, CHARDEV_PTY, CHARDEV_FILE, CHARDEV_SOCKET };

/**
 * struct chardev - bytes to and from the host
 * @path: of the file or socket
 * @fd: what is read and written; -1 while nobody is connected
 * @listen_fd: of a socket, or -1
 * @ended: who is connected will send no more, but may read
 * @complained: the user was told that writing fails
 */
struct chardev {
	enum chardev_kind kind;
	const char *path;
	int fd, listen_fd;
	bool ended, complained;
};

int chardev_parse(struct chardev *cd, char *text);
int chardev_open(struct chardev *cd, const char *what);
void chardev_close(struct chardev *cd);
unsigned int chardev_poll(struct chardev *cd, struct pollfd *fds, bool in, bool out,
			  int *timeout);
void chardev_polled(struct chardev *cd, const struct pollfd *fds, unsigned int nr);
size_t chardev_read(struct chardev *cd, const struct iovec *iov, unsigned int nr);
size_t chardev_write(struct chardev *cd, const struct iovec *iov, unsigned int nr);

#endif /* VMXL_CHARDEV_H */
