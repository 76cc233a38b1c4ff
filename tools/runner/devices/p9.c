// SPDX-License-Identifier: GPL-2.0-only
/* A server of 9P2000.L: which request does what. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "p9.h"

#define VERSION	"9P2000.L"

/* Types of messages; an answer's is one more. */
enum {
	P9_RLERROR = 7,
	P9_TSTATFS = 8,
	P9_TLOPEN = 12,
	P9_TLCREATE = 14,
	P9_TSYMLINK = 16,
	P9_TMKNOD = 18,
	P9_TREADLINK = 22,
	P9_TGETATTR = 24,
	P9_TSETATTR = 26,
	P9_TREADDIR = 40,
	P9_TFSYNC = 50,
	P9_TLOCK = 52,
	P9_TGETLOCK = 54,
	P9_TLINK = 70,
	P9_TMKDIR = 72,
	P9_TRENAMEAT = 74,
	P9_TUNLINKAT = 76,
	P9_TVERSION = 100,
	P9_TATTACH = 104,
	P9_TFLUSH = 108,
	P9_TWALK = 110,
	P9_TREAD = 116,
	P9_TWRITE = 118,
	P9_TCLUNK = 120,
	P9_TREMOVE = 122,
};

/**
 * p9_reset() - forget all fids
 * @server: the server
 */
void p9_reset(struct p9_server *server)
{
	for (unsigned int i = 0; i < P9_BUCKETS; i++)
		while (server->fids[i])
			p9_clunk(server, server->fids[i]);
	server->msize = P9_MSIZE_MAX;
}

/* A new session: all of the last is over. */
static int version(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	u32 msize = p9_get32(in);
	char text[32];

	p9_get_string(in, text, sizeof(text));
	if (in->error)
		return in->error;
	if (msize < P9_MSIZE_MIN)
		return -EMSGSIZE;
	p9_reset(server);
	server->msize = MIN(msize, P9_MSIZE_MAX);
	p9_put32(out, server->msize);
	p9_put_string(out, strcmp(text, VERSION) ? "unknown" : VERSION);
	return 0;
}

static int clunk(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	struct p9_fid *fid = p9_get_fid(server, in);

	(void)out;
	if (in->error)
		return in->error;
	p9_clunk(server, fid);
	return 0;
}

/* A fid has no name here, so its file cannot be removed; the guest uses unlinkat. */
static int remove_fid(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	int ret = clunk(server, in, out);

	return ret ? ret : -EOPNOTSUPP;
}

/* Requests are answered one after the other: the one to be flushed already is. */
static int flush(struct p9_server *server, struct p9_buffer *in, struct p9_buffer *out)
{
	(void)server;
	(void)out;
	p9_get16(in);
	return in->error;
}

static const struct {
	p9_handler *handle;
	bool writes;
} requests[] = {
	[P9_TSTATFS] = { p9_statfs, false },
	[P9_TLOPEN] = { p9_lopen, false },
	[P9_TLCREATE] = { p9_lcreate, true },
	[P9_TSYMLINK] = { p9_symlink, true },
	[P9_TMKNOD] = { p9_mknod, true },
	[P9_TREADLINK] = { p9_readlink, false },
	[P9_TGETATTR] = { p9_getattr, false },
	[P9_TSETATTR] = { p9_setattr, true },
	[P9_TREADDIR] = { p9_readdir, false },
	[P9_TFSYNC] = { p9_fsync, false },
	[P9_TLOCK] = { p9_lock, false },
	[P9_TGETLOCK] = { p9_getlock, false },
	[P9_TLINK] = { p9_link, true },
	[P9_TMKDIR] = { p9_mkdir, true },
	[P9_TRENAMEAT] = { p9_renameat, true },
	[P9_TUNLINKAT] = { p9_unlinkat, true },
	[P9_TVERSION] = { version, false },
	[P9_TATTACH] = { p9_attach, false },
	[P9_TFLUSH] = { flush, false },
	[P9_TWALK] = { p9_walk, false },
	[P9_TREAD] = { p9_read, false },
	[P9_TWRITE] = { p9_write, true },
	[P9_TCLUNK] = { clunk, false },
	[P9_TREMOVE] = { remove_fid, false },
};

static int handle(struct p9_server *server, u8 type, struct p9_buffer *in,
		  struct p9_buffer *out)
{
	if (type >= ARRAY_SIZE(requests) || !requests[type].handle)
		return -EOPNOTSUPP;
	if (requests[type].writes && server->read_only)
		return -EROFS;
	return requests[type].handle(server, in, out);
}

static u32 finish(struct p9_buffer *out, u8 type, u16 tag)
{
	u32 len = out->pos;

	out->pos = 0;
	p9_put32(out, len);
	p9_put8(out, type);
	p9_put16(out, tag);
	return len;
}

/**
 * p9_serve() - answer a request
 * @server: the server
 * @request: the request
 * @len: bytes of it, P9_HEADER_SIZE at least
 * @reply: out: the answer
 * @room: bytes there, P9_ERROR_SIZE at least; the answer is an error if it needs
 *	more
 *
 * Return: bytes of the answer.
 */
u32 p9_serve(struct p9_server *server, u8 *request, u32 len, u8 *reply, u32 room)
{
	struct p9_buffer in = { .data = request, .size = len };
	struct p9_buffer out = { .data = reply, .size = room, .pos = P9_HEADER_SIZE };
	int ret = -EBADMSG;
	u32 size;
	u16 tag;
	u8 type;

	size = p9_get32(&in);
	type = p9_get8(&in);
	tag = p9_get16(&in);
	if (size >= P9_HEADER_SIZE && size <= len) {
		in.size = size;
		ret = handle(server, type, &in, &out);
	}
	if (!ret)
		ret = out.error;
	if (!ret)
		return finish(&out, type + 1, tag);
	out = (struct p9_buffer) { .data = reply, .size = room, .pos = P9_HEADER_SIZE };
	p9_put32(&out, -ret);
	return finish(&out, P9_RLERROR, tag);
}

/* Each fid needs a descriptor, or two: more than most limits give at first. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = MIN(limit.rlim_max, limit.rlim_cur + 2 * P9_FIDS_MAX);
	setrlimit(RLIMIT_NOFILE, &limit);
}

/**
 * p9_init() - share a directory
 * @server: the server
 * @path: the directory
 * @read_only: nothing may be changed
 *
 * Return: 0, or a negative errno after a message; p9_destroy() is due in any case.
 */
int p9_init(struct p9_server *server, const char *path, bool read_only)
{
	int fd;

	*server = (struct p9_server) { .read_only = read_only, .msize = P9_MSIZE_MAX };
	server->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (server->root_fd < 0 || fstat(server->root_fd, &server->root))
		return fail(-errno, "cannot share directory %s: %s", path, strerror(errno));
	fd = p9_reopen(server->root_fd, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT)
		return fail(fd, "cannot share directory %s: /proc is not mounted", path);
	if (fd < 0)
		return fail(fd, "cannot share directory %s: %s", path, strerror(-fd));
	close(fd);
	raise_limit();
	return 0;
}

/**
 * p9_destroy() - undo p9_init(), whether it succeeded or not
 * @server: the server
 */
void p9_destroy(struct p9_server *server)
{
	p9_reset(server);
	if (server->root_fd >= 0)
		close(server->root_fd);
}
