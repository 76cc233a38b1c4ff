// SPDX-License-Identifier: GPL-2.0-only
/* Where guests' sockets are: NAME.PID in vmxl/guests, which is the user's alone. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"

#define SYSTEM_DIRECTORY	"/run"

/**
 * control_directory() - the directory of the sockets
 * @path: out
 * @make: make it where it is missing
 *
 * Root's guests are in one place, however root came to be.
 *
 * Return: 0 or a negative errno.
 */
int control_directory(char path[PATH_MAX], bool make)
{
	const char *base = geteuid() ? getenv("XDG_RUNTIME_DIR") : NULL;
	int len;

	if (!base || *base != '/')
		base = SYSTEM_DIRECTORY;
	len = snprintf(path, PATH_MAX, "%s/vmxl", base);
	if (len < PATH_MAX && make && mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	len = snprintf(path, PATH_MAX, "%s/vmxl/guests", base);
	if (len < PATH_MAX && make && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/**
 * control_address() - the address of a guest's socket
 * @directory: from control_directory()
 * @entry: NAME.PID
 * @address: out
 *
 * Return: 0 or -ENAMETOOLONG.
 */
int control_address(const char *directory, const char *entry, struct sockaddr_un *address)
{
	int len;

	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	len = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", directory, entry);
	return len < (int)sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}

/**
 * control_connect() - reach a guest
 * @directory: from control_directory()
 * @entry: what is in the directory; removed if nobody listens there any more
 *
 * Return: a socket, or a negative errno.
 */
int control_connect(const char *directory, const char *entry)
{
	struct sockaddr_un address;
	struct stat file;
	int fd, ret;

	ret = control_address(directory, entry, &address);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = -errno;
	close(fd);
	/* Left by a vmxl that was killed. */
	if (ret == -ECONNREFUSED && !lstat(address.sun_path, &file) && S_ISSOCK(file.st_mode))
		unlink(address.sun_path);
	return ret;
}
