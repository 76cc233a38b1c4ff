// SPDX-License-Identifier: GPL-2.0-only
/* 9P2000.L: walking to files, their content and their attributes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "p9.h"

/* Names of a walk at most */
#define NAMES_MAX	16

/* Tgetattr: what is answered: all but birth, generation and data version */
#define GETATTR_BASIC	0x7ffULL

/* Tsetattr: which are to be set */
enum {
	SET_MODE = 1 << 0,
	SET_UID = 1 << 1,
	SET_GID = 1 << 2,
	SET_SIZE = 1 << 3,
	SET_ATIME = 1 << 4,	/* to now, without the next */
	SET_MTIME = 1 << 5,
	SET_ATIME_TO = 1 << 7,
	SET_MTIME_TO = 1 << 8,
};

#define LOCK_SUCCESS	0
#define UNLOCKED	2	/* F_UNLCK of the protocol */
#define CLIENT_ID_MAX	256

/**
 * p9_attach() - fid[4] afid[4] uname[s] aname[s] n_uname[4]: the shared directory
 * @server: the server
 * @in: request
 * @out: qid[13]
 *
 * Users are not told apart: all is done as the user who runs this process.
 *
 * Return: 0, or a negative errno.
 */
int p9_attach(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	u32 id = p9_get32(in), afid = p9_get32(in);
	char user[CLIENT_ID_MAX], tree[PATH_MAX];
	int fd, ret;

	p9_get_string(in, user, sizeof(user));
	p9_get_string(in, tree, sizeof(tree));
	if (in->error)
		return in->error;
	if (afid != P9_NOFID)
		return -EINVAL;
	if (*tree && strcmp(tree, "/"))
		return -ENOENT;
	fd = fcntl(server->root_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = p9_add_fid(server, id, fd);
	return ret ? ret : p9_put_qid(server, out, server->root_fd);
}

/* Where @names lead from @fd, and a qid for each; as far as they exist. */
static int walk_names(struct p9_server *server, struct p9_buffer *out, int from,
		      char names[][NAME_MAX + 1], u16 nr, u16 *walked)
{
	int fd = fcntl(from, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	for (*walked = 0; *walked < nr; (*walked)++) {
		int next = p9_step(server, fd, names[*walked]);

		if (next < 0) {
			close(fd);
			return next;
		}
		close(fd);
		fd = next;
		p9_put_qid(server, out, fd);
	}
	return fd;
}

/**
 * p9_walk() - fid[4] newfid[4] nwname[2] nwname*(wname[s]): go to a file
 * @server: the server
 * @in: request
 * @out: nwqid[2] nwqid*(qid[13]); if fewer than names, there is no new fid
 *
 * Return: 0, or a negative errno.
 */
int p9_walk(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	char names[NAMES_MAX][NAME_MAX + 1];
	u32 new_id = p9_get32(in), start = out->pos, end;
	u16 nr = p9_get16(in), walked = 0;
	int fd;

	if (nr > NAMES_MAX)
		return -EINVAL;
	for (u16 i = 0; i < nr; i++) {
		p9_get_string(in, names[i], sizeof(names[i]));
		if (!*names[i] || strchr(names[i], '/') || !strcmp(names[i], "."))
			return -EINVAL;
	}
	if (in->error)
		return in->error;
	p9_put16(out, 0);
	fd = walk_names(server, out, fid->fd, names, nr, &walked);
	if (fd < 0 && !walked)
		return fd;
	end = out->pos;
	out->pos = start;
	p9_put16(out, walked);
	out->pos = end;
	if (fd < 0)
		return 0;
	if (new_id != fid->id)
		return p9_add_fid(server, new_id, fd);
	if (fid->io_fd >= 0) {
		close(fd);
		return -EBADF;
	}
	p9_move_fid(fid, fd, -1);
	return 0;
}

/**
 * p9_lopen() - fid[4] flags[4]: open a file
 * @server: the server
 * @in: request
 * @out: qid[13] iounit[4]
 *
 * Return: 0, or a negative errno.
 */
int p9_lopen(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	u32 flags = p9_get32(in);
	int fd;

	if (in->error)
		return in->error;
	if (fid->io_fd >= 0)
		return -EBADF;
	if (server->read_only && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)))
		return -EROFS;
	fd = p9_open(fid->fd, flags);
	if (fd < 0)
		return fd;
	fid->io_fd = fd;
	p9_put_qid(server, out, fd);
	p9_put32(out, 0);	/* as much as a message holds */
	return 0;
}

/**
 * p9_read() - fid[4] offset[8] count[4]: read a file
 * @server: the server
 * @in: request
 * @out: count[4] data[count]
 *
 * Return: 0, or a negative errno.
 */
int p9_read(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	u64 offset = p9_get64(in);
	u32 count = p9_get32(in);
	u8 *length = p9_get_bytes(out, sizeof(u32));
	ssize_t n;

	if (in->error)
		return in->error;
	if (fid->io_fd < 0 || !length)
		return -EBADF;
	n = pread(fid->io_fd, out->data + out->pos, MIN(count, out->size - out->pos), offset);
	if (n < 0)
		return -errno;
	count = n;
	memcpy(length, &count, sizeof(count));
	out->pos += count;
	return 0;
}

/**
 * p9_write() - fid[4] offset[8] count[4] data[count]: write a file
 * @server: the server
 * @in: request
 * @out: count[4]
 *
 * Return: 0, or a negative errno.
 */
int p9_write(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	u64 offset = p9_get64(in);
	u32 count = p9_get32(in);
	const u8 *data = p9_get_bytes(in, count);
	ssize_t n;

	if (in->error)
		return in->error;
	if (fid->io_fd < 0)
		return -EBADF;
	n = pwrite(fid->io_fd, data, count, offset);
	if (n < 0)
		return -errno;
	p9_put32(out, n);
	return 0;
}

/**
 * p9_fsync() - fid[4] datasync[4]: wait until a file is on its disk
 * @server: the server
 * @in: request
 * @out: nothing
 *
 * Return: 0, or a negative errno.
 */
int p9_fsync(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	bool data_only = p9_get32(in);

	(void)out;
	if (in->error)
		return in->error;
	if (fid->io_fd < 0)
		return -EBADF;
	return (data_only ? fdatasync(fid->io_fd) : fsync(fid->io_fd)) ? -errno : 0;
}

static void put_time(struct p9_buffer *out, const struct timespec *time)
{
	p9_put64(out, time->tv_sec);
	p9_put64(out, time->tv_nsec);
}

/**
 * p9_getattr() - fid[4] request_mask[8]: what a file is
 * @server: the server
 * @in: request
 * @out: valid[8] qid[13] mode[4] uid[4] gid[4] nlink[8] rdev[8] size[8] blksize[8]
 *	blocks[8] and atime, mtime, ctime, btime as sec[8] nsec[8], gen[8]
 *	data_version[8]
 *
 * Return: 0, or a negative errno.
 */
int p9_getattr(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	const struct timespec none = { };
	struct stat st;

	p9_get64(in);
	if (in->error)
		return in->error;
	if (fstat(fid->fd, &st))
		return -errno;
	p9_put64(out, GETATTR_BASIC);
	p9_put_qid(server, out, fid->fd);
	p9_put32(out, st.st_mode);
	p9_put32(out, st.st_uid);
	p9_put32(out, st.st_gid);
	p9_put64(out, st.st_nlink);
	p9_put64(out, st.st_rdev);
	p9_put64(out, st.st_size);
	p9_put64(out, st.st_blksize);
	p9_put64(out, st.st_blocks);
	put_time(out, &st.st_atim);
	put_time(out, &st.st_mtim);
	put_time(out, &st.st_ctim);
	put_time(out, &none);
	p9_put64(out, 0);
	p9_put64(out, 0);
	return 0;
}

static int set_size(const struct p9_fid *fid, u64 size)
{
	char path[32];
	struct stat st;

	if (size > INT64_MAX)
		return -EFBIG;
	if (fstat(fid->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* What the file was opened for may be more than its mode allows now. */
	if (fid->io_fd >= 0 && !ftruncate(fid->io_fd, size))
		return 0;
	p9_proc_path(fid->fd, path);
	return truncate(path, size) ? -errno : 0;
}

static int set_owner(const struct p9_fid *fid, u32 valid, u32 uid, u32 gid)
{
	return fchownat(fid->fd, "", valid & SET_UID ? uid : (uid_t)-1,
			valid & SET_GID ? gid : (gid_t)-1, AT_EMPTY_PATH) ? -errno : 0;
}

static void get_time(struct p9_buffer *in, u32 valid, u32 set, u32 set_to,
		     struct timespec *time)
{
	time->tv_sec = p9_get64(in);
	time->tv_nsec = p9_get64(in);
	/* The kernel knows two special numbers of nanoseconds. */
	if (!(valid & set))
		time->tv_nsec = UTIME_OMIT;
	else if (!(valid & set_to))
		time->tv_nsec = UTIME_NOW;
	else if (time->tv_nsec < 0 || time->tv_nsec > 999999999)
		in->error = -EINVAL;
}

/**
 * p9_setattr() - fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime_sec[8]
 *	atime_nsec[8] mtime_sec[8] mtime_nsec[8]: change what a file is
 * @server: the server
 * @in: request
 * @out: nothing
 *
 * Return: 0, or a negative errno; then some may have been changed.
 */
int p9_setattr(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	u32 valid = p9_get32(in), mode = p9_get32(in), uid = p9_get32(in), gid = p9_get32(in);
	u64 size = p9_get64(in);
	struct timespec times[2];
	int ret = 0;

	(void)out;
	get_time(in, valid, SET_ATIME, SET_ATIME_TO, &times[0]);
	get_time(in, valid, SET_MTIME, SET_MTIME_TO, &times[1]);
	if (in->error)
		return in->error;
	if (valid & (SET_UID | SET_GID))
		ret = set_owner(fid, valid, uid, gid);
	if (!ret && (valid & SET_MODE))
		ret = p9_chmod(fid->fd, mode);
	if (!ret && (valid & SET_SIZE))
		ret = set_size(fid, size);
	if (!ret && (valid & (SET_ATIME | SET_MTIME)) &&
	    utimensat(fid->fd, "", times, AT_EMPTY_PATH))
		ret = -errno;
	return ret;
}

/**
 * p9_statfs() - fid[4]: the file system
 * @server: the server
 * @in: request
 * @out: type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8]
 *	namelen[4]
 *
 * Return: 0, or a negative errno.
 */
int p9_statfs(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);
	struct statfs st;
	u64 id;

	if (in->error)
		return in->error;
	if (fstatfs(fid->fd, &st))
		return -errno;
	memcpy(&id, &st.f_fsid, sizeof(id));
	p9_put32(out, st.f_type);
	p9_put32(out, st.f_bsize);
	p9_put64(out, st.f_blocks);
	p9_put64(out, st.f_bfree);
	p9_put64(out, st.f_bavail);
	p9_put64(out, st.f_files);
	p9_put64(out, st.f_ffree);
	p9_put64(out, id);
	p9_put32(out, st.f_namelen);
	return 0;
}

/* type[1], before a lock's: */
struct lock {
	u64 start, length;
	u32 process;
	char client[CLIENT_ID_MAX];
};

static void get_lock(struct p9_buffer *in, struct lock *lock)
{
	lock->start = p9_get64(in);
	lock->length = p9_get64(in);
	lock->process = p9_get32(in);
	p9_get_string(in, lock->client, sizeof(lock->client));
}

/**
 * p9_lock() - fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s]
 * @server: the server
 * @in: request
 * @out: status[1]
 *
 * The guest's kernel keeps locks between its own processes, and asks afterwards;
 * there are none between the guest and others.
 *
 * Return: 0, or a negative errno.
 */
int p9_lock(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct lock lock;

	p9_get_fid(server, in);
	p9_get8(in);
	p9_get32(in);
	get_lock(in, &lock);
	if (in->error)
		return in->error;
	p9_put8(out, LOCK_SUCCESS);
	return 0;
}

/**
 * p9_getlock() - fid[4] type[1] start[8] length[8] proc_id[4] client_id[s]
 * @server: the server
 * @in: request
 * @out: type[1] start[8] length[8] proc_id[4] client_id[s]: that there is none
 *
 * Return: 0, or a negative errno.
 */
int p9_getlock(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct lock lock;

	p9_get_fid(server, in);
	p9_get8(in);
	get_lock(in, &lock);
	if (in->error)
		return in->error;
	p9_put8(out, UNLOCKED);
	p9_put64(out, lock.start);
	p9_put64(out, lock.length);
	p9_put32(out, lock.process);
	p9_put_string(out, lock.client);
	return 0;
}
