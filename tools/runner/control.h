/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Each guest's socket, over which other vmxl commands ask and tell it things: one
 * line of words there, one line "ok" or "error WHY" and perhaps more back.
 */
#ifndef VMXL_CONTROL_H
#define VMXL_CONTROL_H

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <sys/un.h>

#include "util.h"

#define CONTROL_LINE_MAX	256

struct machine;

/**
 * struct control - a running guest's side
 * @machine: the guest
 * @address: of the socket; its path is empty without one
 * @listen_fd: the socket
 * @stop_fd: eventfd: the thread is to end
 */
struct control {
	struct machine *machine;
	struct sockaddr_un address;
	int listen_fd, stop_fd;
	pthread_t thread;
	bool has_thread;
};

void control_start(struct control *control, struct machine *m);
void control_stop(struct control *control);

/* control-path.c */
int control_directory(char path[PATH_MAX], bool make);
int control_address(const char *directory, const char *entry, struct sockaddr_un *address);
int control_connect(const char *directory, const char *entry);

#endif /* VMXL_CONTROL_H */
