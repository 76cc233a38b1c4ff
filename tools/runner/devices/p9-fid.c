// SPDX-License-Identifier: GPL-2.0-only
/* Files of a shared directory: the guest's fids, and descriptors that stay below. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "p9.h"

/* Types of a qid */
#define QTDIR		0x80
#define QTSYMLINK	0x02
#define QTFILE		0x00

/* What a guest's open may ask for beside reading and writing; the rest is its own. */
#define OPEN_FLAGS	(O_TRUNC | O_APPEND | O_DSYNC | O_SYNC | O_DIRECTORY)

/**
 * p9_find() - the fid of a number
 * @server: the server
 * @id: the guest's number
 *
 * Return: the fid, or NULL.
 */
struct p9_fid *p9_find(struct p9_server *server, u32 id)
{
	struct p9_fid *fid = server->fids[id % P9_BUCKETS];

	while (fid && fid->id != id)
		fid = fid->next;
	return fid;
}

/**
 * p9_get_fid() - take a fid off a request
 * @server: the server
 * @in: the request; @in->error is set if there is no such fid
 *
 * Return: the fid, or NULL.
 */
struct p9_fid *p9_get_fid(struct p9_server *server, struct p9_buffer *in)
{
	u32 id = p9_get32(in);
	struct p9_fid *fid = in->error ? NULL : p9_find(server, id);

	if (!fid && !in->error)
		in->error = -EBADF;
	return fid;
}

/**
 * p9_add_fid() - give a file a number
 * @server: the server
 * @id: the guest's number for it
 * @fd: the file, by O_PATH; closed if this fails
 *
 * Return: 0, or a negative errno.
 */
int p9_add_fid(struct p9_server *server, u32 id, int fd)
{
	struct p9_fid *fid = NULL;
	int ret;

	ret = id == P9_NOFID || p9_find(server, id) ? -EBADF : -ENFILE;
	if (ret == -ENFILE && server->nr_fids < P9_FIDS_MAX) {
		fid = malloc(sizeof(*fid));
		ret = -ENOMEM;
	}
	if (!fid) {
		close(fd);
		return ret;
	}
	*fid = (struct p9_fid) {
		.next = server->fids[id % P9_BUCKETS],
		.id = id,
		.fd = fd,
		.io_fd = -1,
	};
	server->fids[id % P9_BUCKETS] = fid;
	server->nr_fids++;
	return 0;
}

static void close_files(struct p9_fid *fid)
{
	close(fid->fd);
	if (fid->io_fd >= 0)
		close(fid->io_fd);
}

/**
 * p9_clunk() - forget a fid
 * @server: the server
 * @fid: the fid; gone afterwards
 */
void p9_clunk(struct p9_server *server, struct p9_fid *fid)
{
	struct p9_fid **at = &server->fids[fid->id % P9_BUCKETS];

	while (*at != fid)
		at = &(*at)->next;
	*at = fid->next;
	server->nr_fids--;
	close_files(fid);
	free(fid);
}

/**
 * p9_move_fid() - let a fid be another file
 * @fid: the fid
 * @fd: the file, by O_PATH
 * @io_fd: the file, open, or -1
 */
void p9_move_fid(struct p9_fid *fid, int fd, int io_fd)
{
	close_files(fid);
	fid->fd = fd;
	fid->io_fd = io_fd;
}

/**
 * p9_step() - look for a name in a directory
 * @server: the server
 * @from: the directory, by O_PATH
 * @name: without a slash; ".." only of the shared directory, which it is itself
 *
 * Return: the file, by O_PATH; or a negative errno.
 */
int p9_step(const struct p9_server *server, int from, const char *name)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV,
	};
	struct stat st;
	int fd;

	if (!strcmp(name, "..")) {
		if (fstat(from, &st) || st.st_ino != server->root.st_ino ||
		    st.st_dev != server->root.st_dev)
			return -EACCES;
		fd = fcntl(from, F_DUPFD_CLOEXEC, 0);
	} else {
		fd = syscall(SYS_openat2, from, name, &how, sizeof(how));
	}
	return fd < 0 ? -errno : fd;
}

/**
 * p9_proc_path() - a path that is a file, for calls that take no O_PATH descriptor
 * @fd: the file, no symbolic link
 * @path: out
 */
void p9_proc_path(int fd, char path[32])
{
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

/**
 * p9_reopen() - open a file again
 * @fd: the file, a regular one or a directory, by O_PATH or open
 * @flags: of open()
 *
 * Return: a new descriptor, or a negative errno.
 */
int p9_reopen(int fd, int flags)
{
	char path[32];
	int ret;

	p9_proc_path(fd, path);
	ret = open(path, flags | O_CLOEXEC | O_NOCTTY);
	return ret < 0 ? -errno : ret;
}

/**
 * p9_open() - open a file as the guest wants it
 * @fd: the file, by O_PATH: only regular files and directories are opened
 * @flags: of the protocol, which are those of open() on x86
 *
 * Return: a new descriptor, or a negative errno.
 */
int p9_open(int fd, u32 flags)
{
	struct stat st;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return S_ISLNK(st.st_mode) ? -ELOOP : -EACCES;
	return p9_reopen(fd, flags & (O_ACCMODE | OPEN_FLAGS));
}

/**
 * p9_chmod() - set the mode of a file
 * @fd: the file, by O_PATH or open
 * @mode: permissions; what would run as this process's user is refused
 *
 * Return: 0, or a negative errno.
 */
int p9_chmod(int fd, u32 mode)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	if ((mode & (S_ISUID | S_ISGID)) && !S_ISDIR(st.st_mode))
		return -EPERM;
	p9_proc_path(fd, path);
	return chmod(path, mode & 07777) ? -errno : 0;
}

/**
 * p9_qid_type() - the type of a qid
 * @mode: of stat()
 *
 * Return: the type.
 */
u8 p9_qid_type(u32 mode)
{
	if (S_ISDIR(mode))
		return QTDIR;
	return S_ISLNK(mode) ? QTSYMLINK : QTFILE;
}

/**
 * p9_put_raw_qid() - add a qid to a reply
 * @out: the reply
 * @type: directory, symbolic link or other
 * @version: differs after changes
 * @path: differs between files
 */
void p9_put_raw_qid(struct p9_buffer *out, u8 type, u32 version, u64 path)
{
	p9_put8(out, type);
	p9_put32(out, version);
	p9_put64(out, path);
}

/**
 * p9_put_qid() - add a file's qid to a reply
 * @server: the server
 * @out: the reply
 * @fd: the file
 *
 * Return: 0, or a negative errno.
 */
int p9_put_qid(const struct p9_server *server, struct p9_buffer *out, int fd)
{
	struct stat st;
	u32 version;

	if (fstat(fd, &st))
		return -errno;
	version = st.st_mtim.tv_sec ^ st.st_mtim.tv_nsec ^ (u64)st.st_size << 8;
	/* Subvolumes of one file system number their files alike. */
	p9_put_raw_qid(out, p9_qid_type(st.st_mode), version,
		       st.st_ino ^ (u64)(st.st_dev - server->root.st_dev) << 48);
	return 0;
}
