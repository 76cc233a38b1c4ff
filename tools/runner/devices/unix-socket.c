// SPDX-License-Identifier: GPL-2.0-only
/* UNIX sockets that programs of this host connect to. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unix-socket.h"
#include "util.h"

/* What a guest that was killed has left, and nobody listens at, is in the way. */
static void remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return;
	if (!lstat(address->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

/**
 * unix_listen() - make a socket and listen at it
 * @path: of at most UNIX_PATH_LEN bytes; the caller removes it in the end
 * @backlog: as for listen()
 *
 * Return: the socket, which does not block; or a negative errno, and nothing is there.
 */
int unix_listen(const char *path, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	remove_stale(&address);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		ret = -errno;
		goto out_close;
	}
	if (listen(fd, backlog)) {
		ret = -errno;
		goto out_unlink;
	}
	return fd;

out_unlink:
	unlink(path);
out_close:
	close(fd);
	return ret;
}
