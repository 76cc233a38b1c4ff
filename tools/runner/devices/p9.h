/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server of 9P2000.L, the protocol by which Linux mounts another's directory
 * (Linux: include/net/9p/9p.h; diod: protocol.md).
 *
 * A fid of the guest's is a file descriptor here, made by O_PATH one name after the
 * other from the shared directory, following no symbolic link and never "..": so
 * whatever is renamed meanwhile, no fid leaves the directory.
 */
#ifndef VMXL_P9_H
#define VMXL_P9_H

#include <limits.h>
#include <sys/stat.h>

#include "util.h"

#define P9_HEADER_SIZE	7	/* size, type and tag of a message */
#define P9_MSIZE_MIN	4096
#define P9_MSIZE_MAX	(256 * 1024)
#define P9_ERROR_SIZE	11	/* Rlerror: what each answer needs room for */
#define P9_FIDS_MAX	8192
#define P9_NOFID	0xffffffffu

/**
 * struct p9_buffer - a message, read or written from its beginning
 * @error: negative errno once it was too short, or had a bad name
 */
struct p9_buffer {
	u8 *data;
	u32 size, pos;
	int error;
};

/**
 * struct p9_fid - a file or directory of the guest's
 * @id: the guest's name for it
 * @fd: O_PATH
 * @io_fd: opened for reading or writing, or -1
 */
struct p9_fid {
	struct p9_fid *next;
	u32 id;
	int fd, io_fd;
};

#define P9_BUCKETS	256

/**
 * struct p9_server - a shared directory; used by one thread at a time
 * @root_fd: the directory, O_PATH; @root: what it is
 * @msize: longest message
 */
struct p9_server {
	bool read_only;
	int root_fd;
	struct stat root;
	u32 msize;
	struct p9_fid *fids[P9_BUCKETS];
	unsigned int nr_fids;
};

int p9_init(struct p9_server *server, const char *path, bool read_only);
void p9_destroy(struct p9_server *server);
void p9_reset(struct p9_server *server);
u32 p9_serve(struct p9_server *server, u8 *request, u32 len, u8 *reply, u32 room);

/* p9-wire.c: what messages are made of */
u8 p9_get8(struct p9_buffer *buf);
u16 p9_get16(struct p9_buffer *buf);
u32 p9_get32(struct p9_buffer *buf);
u64 p9_get64(struct p9_buffer *buf);
u8 *p9_get_bytes(struct p9_buffer *buf, u32 len);
void p9_get_string(struct p9_buffer *buf, char *to, u32 size);
void p9_get_name(struct p9_buffer *buf, char name[NAME_MAX + 1]);
void p9_put8(struct p9_buffer *buf, u8 value);
void p9_put16(struct p9_buffer *buf, u16 value);
void p9_put32(struct p9_buffer *buf, u32 value);
void p9_put64(struct p9_buffer *buf, u64 value);
void p9_put_string(struct p9_buffer *buf, const char *text);

/* p9-fid.c: files and their descriptors */
struct p9_fid *p9_find(struct p9_server *server, u32 id);
struct p9_fid *p9_get_fid(struct p9_server *server, struct p9_buffer *in);
int p9_add_fid(struct p9_server *server, u32 id, int fd);
void p9_clunk(struct p9_server *server, struct p9_fid *fid);
void p9_move_fid(struct p9_fid *fid, int fd, int io_fd);
int p9_step(const struct p9_server *server, int from, const char *name);
int p9_reopen(int fd, int flags);
int p9_open(int fd, u32 flags);
int p9_chmod(int fd, u32 mode);
void p9_proc_path(int fd, char path[32]);
int p9_put_qid(const struct p9_server *server, struct p9_buffer *out, int fd);
void p9_put_raw_qid(struct p9_buffer *out, u8 type, u32 version, u64 path);
u8 p9_qid_type(u32 mode);

/*
 * Handlers of requests: they read @in and write @out, both behind the header, and
 * return 0 or a negative errno for the guest.
 */
typedef int p9_handler(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out);

/* p9-file.c */
p9_handler p9_attach, p9_walk, p9_lopen, p9_read, p9_write, p9_fsync, p9_getattr, p9_setattr,
	   p9_statfs, p9_lock, p9_getlock;

/* p9-dir.c */
p9_handler p9_lcreate, p9_mkdir, p9_mknod, p9_symlink, p9_readlink, p9_link, p9_renameat,
	   p9_unlinkat, p9_readdir;

#endif /* VMXL_P9_H */
