/* SPDX-License-Identifier: GPL-2.0-only */
/* UNIX sockets that programs of this host connect to. */
#ifndef VMXL_UNIX_SOCKET_H
#define VMXL_UNIX_SOCKET_H

/* The longest path of one, without the NUL */
#define UNIX_PATH_LEN	107

int unix_listen(const char *path, int backlog);

#endif /* VMXL_UNIX_SOCKET_H */
