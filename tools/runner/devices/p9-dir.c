// SPDX-License-Identifier: GPL-2.0-only
/* 9P2000.L: directories, and the names in them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "p9.h"

/* An entry of Rreaddir but for its name: qid, offset, type, and the name's length */
#define ENTRY_SIZE	(13 + 8 + 1 + 2)
#define DIRENTS_MAX	32768
/* What may be set of a new file's mode */
#define NEW_MODE	(S_ISVTX | 0777)
#define REMOVE_DIR	0x200u

/* A new file, open; its mode is the guest's, whatever this process's umask says. */
static int create_file(int dir, const char *name, u32 flags, u32 mode)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC |
			(flags & (O_ACCMODE | O_APPEND | O_DSYNC | O_SYNC)), 0600);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode & NEW_MODE)) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

/* What is there already, opened, and as O_PATH in @path_fd. */
static int open_existing(const struct p9_server *server, int dir, const char *name,
			 u32 flags, int *path_fd)
{
	int fd;

	*path_fd = p9_step(server, dir, name);
	if (*path_fd < 0)
		return *path_fd;
	fd = p9_open(*path_fd, flags);
	if (fd < 0)
		close(*path_fd);
	return fd;
}

/* @name opened, made if it is not there, and as O_PATH in @path_fd. */
static int create_or_open(const struct p9_server *server, int dir, const char *name,
			  u32 flags, u32 mode, int *path_fd)
{
	int fd;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	fd = create_file(dir, name, flags, mode);
	if (fd == -EEXIST && !(flags & O_EXCL))
		return open_existing(server, dir, name, flags, path_fd);
	if (fd < 0)
		return fd;
	*path_fd = p9_reopen(fd, O_PATH);
	if (*path_fd >= 0)
		return fd;
	close(fd);
	return *path_fd;
}

/**
 * p9_lcreate() - fid[4] name[s] flags[4] mode[4] gid[4]: make a file and open it
 * @server: the server
 * @in: request; the fid is the directory, and the file afterwards
 * @out: qid[13] iounit[4]
 *
 * Return: 0, or a negative errno.
 */
int p9_lcreate(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	char name[NAME_MAX + 1];
	int fd, path_fd = -1;
	u32 flags, mode;

	p9_get_name(in, name);
	flags = p9_get32(in);
	mode = p9_get32(in);
	p9_get32(in);
	if (in->error)
		return in->error;
	if (fid->io_fd >= 0)
		return -EBADF;
	fd = create_or_open(server, fid->fd, name, flags, mode, &path_fd);
	if (fd < 0)
		return fd;
	p9_move_fid(fid, path_fd, fd);
	p9_put_qid(server, out, fd);
	p9_put32(out, 0);
	return 0;
}

/* The qid of what was just made */
static int put_new_qid(const struct p9_server *server, struct p9_buffer *out, int dir,
		       const char *name)
{
	int fd = p9_step(server, dir, name), ret;

	if (fd < 0)
		return fd;
	ret = p9_put_qid(server, out, fd);
	close(fd);
	return ret;
}

/**
 * p9_mkdir() - dfid[4] name[s] mode[4] gid[4]: make a directory
 * @server: the server
 * @in: request
 * @out: qid[13]
 *
 * Return: 0, or a negative errno.
 */
int p9_mkdir(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	char name[NAME_MAX + 1];
	int fd, ret;
	u32 mode;

	p9_get_name(in, name);
	mode = p9_get32(in);
	p9_get32(in);
	if (in->error)
		return in->error;
	if (mkdirat(fid->fd, name, 0700))
		return -errno;
	fd = p9_step(server, fid->fd, name);
	if (fd < 0)
		return fd;
	ret = p9_chmod(fd, mode & NEW_MODE);
	if (!ret)
		ret = p9_put_qid(server, out, fd);
	close(fd);
	return ret;
}

/**
 * p9_mknod() - dfid[4] name[s] mode[4] major[4] minor[4] gid[4]: make a file
 * @server: the server
 * @in: request; only regular files
 * @out: qid[13]
 *
 * Return: 0, or a negative errno.
 */
int p9_mknod(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	char name[NAME_MAX + 1];
	u32 mode;
	int fd;

	p9_get_name(in, name);
	mode = p9_get32(in);
	p9_get_bytes(in, 3 * sizeof(u32));
	if (in->error)
		return in->error;
	if ((mode & S_IFMT) && !S_ISREG(mode))
		return -EPERM;
	fd = create_file(fid->fd, name, O_WRONLY, mode);
	if (fd < 0)
		return fd;
	p9_put_qid(server, out, fd);
	close(fd);
	return 0;
}

/**
 * p9_symlink() - dfid[4] name[s] symtgt[s] gid[4]: make a symbolic link
 * @server: the server
 * @in: request; the guest follows links itself, here nobody does
 * @out: qid[13]
 *
 * Return: 0, or a negative errno.
 */
int p9_symlink(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	char name[NAME_MAX + 1], target[PATH_MAX];

	p9_get_name(in, name);
	p9_get_string(in, target, sizeof(target));
	p9_get32(in);
	if (in->error)
		return in->error;
	if (symlinkat(target, fid->fd, name))
		return -errno;
	return put_new_qid(server, out, fid->fd, name);
}

/**
 * p9_readlink() - fid[4]: where a symbolic link points to
 * @server: the server
 * @in: request
 * @out: target[s]
 *
 * Return: 0, or a negative errno.
 */
int p9_readlink(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	char target[PATH_MAX];
	ssize_t n;

	if (in->error)
		return in->error;
	n = readlinkat(fid->fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOENT ? -EINVAL : -errno;
	target[n] = '\0';
	p9_put_string(out, target);
	return 0;
}

/**
 * p9_link() - dfid[4] fid[4] name[s]: give a file another name
 * @server: the server
 * @in: request
 * @out: nothing
 *
 * Return: 0, or a negative errno.
 */
int p9_link(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *dir = p9_get_fid(server, in), *fid = p9_get_fid(server, in);
	char name[NAME_MAX + 1], path[32];

	(void)out;
	p9_get_name(in, name);
	if (in->error)
		return in->error;
	p9_proc_path(fid->fd, path);
	return linkat(AT_FDCWD, path, dir->fd, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/**
 * p9_renameat() - olddirfid[4] oldname[s] newdirfid[4] newname[s]: rename
 * @server: the server
 * @in: request
 * @out: nothing
 *
 * Return: 0, or a negative errno.
 */
int p9_renameat(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	char old_name[NAME_MAX + 1], new_name[NAME_MAX + 1];
	struct p9_fid *old_dir, *new_dir;

	(void)out;
	old_dir = p9_get_fid(server, in);
	p9_get_name(in, old_name);
	new_dir = p9_get_fid(server, in);
	p9_get_name(in, new_name);
	if (in->error)
		return in->error;
	return renameat(old_dir->fd, old_name, new_dir->fd, new_name) ? -errno : 0;
}

/**
 * p9_unlinkat() - dirfid[4] name[s] flags[4]: remove a name
 * @server: the server
 * @in: request
 * @out: nothing
 *
 * Return: 0, or a negative errno.
 */
int p9_unlinkat(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *dir = p9_get_fid(server, in);
	char name[NAME_MAX + 1];
	u32 flags;

	(void)out;
	p9_get_name(in, name);
	flags = p9_get32(in);
	if (in->error)
		return in->error;
	if (flags & ~REMOVE_DIR)
		return -EINVAL;
	return unlinkat(dir->fd, name, flags ? AT_REMOVEDIR : 0) ? -errno : 0;
}

/* What is above the shared directory is nobody's business: it is its own parent. */
static u64 number_of(const struct p9_server *server, int fd, const struct dirent64 *entry)
{
	struct stat st;

	if (!strcmp(entry->d_name, "..") && !fstat(fd, &st) &&
	    st.st_ino == server->root.st_ino && st.st_dev == server->root.st_dev)
		return st.st_ino;
	return entry->d_ino;
}

/* Add entries while there is room; returns how many were. */
static unsigned int put_entries(const struct p9_server *server, struct p9_buffer *out, int fd,
				const char *entries, ssize_t len)
{
	unsigned int nr = 0;

	for (ssize_t at = 0; at < len; nr++) {
		const struct dirent64 *entry = (const void *)(entries + at);

		if (ENTRY_SIZE + strlen(entry->d_name) > out->size - out->pos)
			break;
		p9_put_raw_qid(out, p9_qid_type(DTTOIF(entry->d_type)), 0,
			       number_of(server, fd, entry));
		p9_put64(out, entry->d_off);
		p9_put8(out, entry->d_type);
		p9_put_string(out, entry->d_name);
		at += entry->d_reclen;
	}
	return nr;
}

/**
 * p9_readdir() - fid[4] offset[8] count[4]: names of a directory
 * @server: the server
 * @in: request; the offset is 0, or that of an earlier entry, to go on behind it
 * @out: count[4] and entries: qid[13] offset[8] type[1] name[s]
 *
 * Return: 0, or a negative errno.
 */
int p9_readdir(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	u64 offset = p9_get64(in);
	u32 count = p9_get32(in);
	u8 *length = p9_get_bytes(out, sizeof(u32));
	char entries[DIRENTS_MAX] __attribute__((aligned(8)));
	u32 start = out->pos;
	ssize_t len;

	if (in->error)
		return in->error;
	if (fid->io_fd < 0 || !length)
		return -EBADF;
	if (lseek(fid->io_fd, offset, SEEK_SET) < 0)
		return -errno;
	out->size = start + MIN(count, out->size - start);
	len = getdents64(fid->io_fd, entries, sizeof(entries));
	if (len < 0)
		return -errno;
	if (len && !put_entries(server, out, fid->io_fd, entries, len))
		return -EINVAL;
	count = out->pos - start;
	memcpy(length, &count, sizeof(count));
	return 0;
}
