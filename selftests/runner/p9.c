// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server of shared directories: what Linux never asks. That it does what Linux
 * asks is devices-vm's to find out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakeguest.h"
#include "p9.h"

#define ROOT	1	/* fid of the shared directory */

static struct p9_server server;
static u8 request[P9_MSIZE_MAX], reply[P9_MSIZE_MAX];
static u8 *at;
static u32 room = P9_MSIZE_MAX;

static void put(u64 value, unsigned int len)
{
	memcpy(at, &value, len);
	at += len;
}

static void put_text(const char *text)
{
	put(strlen(text), 2);
	memcpy(at, text, strlen(text));
	at += strlen(text);
}

static void begin(u8 type)
{
	at = request + 4;
	put(type, 1);
	put(0x1234, 2);
}

/* Returns 0 or the errno of the answer. */
static int finish(void)
{
	u32 len = at - request, answer, error;

	at = request;
	put(len, 4);
	answer = p9_serve(&server, request, len, reply, room);
	EXPECT(answer >= 7 && answer <= room);
	EXPECT(!memcmp(reply, &answer, 4));
	EXPECT_EQ(reply[5] | reply[6] << 8, 0x1234);
	if (reply[4] != 7) {
		EXPECT_EQ(reply[4], request[4] + 1);
		return 0;
	}
	memcpy(&error, reply + 7, 4);
	return error;
}

static int walk(u32 fid, u32 new_fid, const char *name)
{
	begin(110);
	put(fid, 4);
	put(new_fid, 4);
	put(!!name, 2);
	if (name)
		put_text(name);
	return finish();
}

static int clunk(u32 fid)
{
	begin(120);
	put(fid, 4);
	return finish();
}

static int lopen(u32 fid, u32 flags)
{
	begin(12);
	put(fid, 4);
	put(flags, 4);
	return finish();
}

static int lcreate(u32 fid, const char *name, u32 flags)
{
	begin(14);
	put(fid, 4);
	put_text(name);
	put(flags, 4);
	put(0644, 4);
	put(0, 4);
	return finish();
}

static int attach(u32 fid)
{
	begin(104);
	put(fid, 4);
	put(P9_NOFID, 4);
	put_text("root");
	put_text("");
	put(0, 4);
	return finish();
}

static int write_file(const char *name, const char *text)
{
	char *path = fake_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0;

	close(fd);
	free(path);
	return ret;
}

static void link_to(const char *target, const char *name)
{
	char *path = fake_path(name);

	unlink(path);
	EXPECT_EQ(symlink(target, path), 0);
	free(path);
}

static void folder(const char *name)
{
	char *path = fake_path(name);

	mkdir(path, 0755);
	free(path);
}

static void setup(bool read_only)
{
	char *path = fake_path("share/fifo");

	folder("share");
	folder("share/dir");
	folder("outside");
	EXPECT_EQ(write_file("outside/secret", "secret"), 0);
	EXPECT_EQ(write_file("share/file", "public"), 0);
	link_to("../outside", "share/up");
	link_to("/", "share/root");
	link_to("dir", "share/down");
	link_to("../outside/made", "share/dangling");
	unlink(path);
	EXPECT_EQ(mkfifo(path, 0666), 0);
	free(path);
	path = fake_path("share");
	EXPECT_EQ(p9_init(&server, path, read_only), 0);
	free(path);
	EXPECT_EQ(attach(ROOT), 0);
}

static void no_way_out(void)
{
	static const struct {
		const char *name;
		int error;
	} names[] = {
		{ "..", 0 },			/* of the root: the root */
		{ ".", EINVAL }, { "", EINVAL }, { "/", EINVAL }, { "/etc", EINVAL },
		{ "dir/..", EINVAL }, { "../outside", EINVAL }, { "none", ENOENT },
		{ "up", 0 }, { "root", 0 }, { "down", 0 },	/* the links themselves */
	};
	char *made = fake_path("outside/made");

	setup(false);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		int error = walk(ROOT, 10, names[i].name);

		if (error != names[i].error)
			printf("# %s: error %d\n", names[i].name, error);
		EXPECT_EQ(error, names[i].error);
		if (error)
			continue;
		/* Nothing is behind it that is not below the root. */
		EXPECT(walk(10, 11, "outside"));
		EXPECT(walk(10, 11, "secret"));
		EXPECT(walk(10, 11, "etc"));
		if (i) {
			EXPECT_EQ(lopen(10, O_RDONLY), ELOOP);
			EXPECT(lcreate(10, "made", O_WRONLY));
		}
		EXPECT_EQ(clunk(10), 0);
	}
	/* From below the root there is no way up but clunking. */
	EXPECT_EQ(walk(ROOT, 10, "dir"), 0);
	EXPECT_EQ(walk(10, 11, ".."), EACCES);
	EXPECT_EQ(clunk(10), 0);
	/* A link is not followed to make a file, either. */
	EXPECT_EQ(walk(ROOT, 10, NULL), 0);
	EXPECT_EQ(lcreate(10, "dangling", O_WRONLY), ELOOP);
	EXPECT_EQ(lcreate(10, "up", O_WRONLY | O_TRUNC), ELOOP);
	EXPECT_EQ(lcreate(10, "../outside/made", O_WRONLY), EINVAL);
	EXPECT_EQ(lcreate(10, "fifo", O_WRONLY), EACCES);
	EXPECT(access(made, F_OK));
	free(made);
	p9_destroy(&server);
}

/* A directory that is moved while the guest is in it, and one that becomes a link */
static void renames_meanwhile(void)
{
	char *dir = fake_path("share/dir"), *moved = fake_path("outside/moved");

	setup(false);
	EXPECT_EQ(walk(ROOT, 10, "dir"), 0);
	EXPECT_EQ(rename(dir, moved), 0);
	link_to("../outside", "share/dir");
	EXPECT_EQ(walk(10, 11, ".."), EACCES);
	EXPECT_EQ(walk(10, 11, "secret"), ENOENT);
	EXPECT_EQ(walk(ROOT, 12, "dir"), 0);
	EXPECT_EQ(walk(12, 13, "secret"), ENOTDIR);
	EXPECT_EQ(unlink(dir), 0);
	EXPECT_EQ(rename(moved, dir), 0);
	free(dir);
	free(moved);
	p9_destroy(&server);
}

static void special_files(void)
{
	setup(false);
	EXPECT_EQ(walk(ROOT, 10, "fifo"), 0);
	EXPECT_EQ(lopen(10, O_RDONLY), EACCES);
	EXPECT_EQ(lopen(10, O_RDWR), EACCES);
	begin(18);				/* mknod */
	put(ROOT, 4);
	put_text("null");
	put(S_IFCHR | 0666, 4);
	put(1, 4);
	put(3, 4);
	put(0, 4);
	EXPECT_EQ(finish(), EPERM);
	EXPECT_EQ(walk(ROOT, 11, "file"), 0);
	begin(26);				/* setattr: set-user-ID */
	put(11, 4);
	put(1, 4);
	put(04755, 4);

	memset(at, 0, 48);
	at += 48;
	EXPECT_EQ(finish(), EPERM);
	p9_destroy(&server);
}

static void read_only(void)
{
	setup(true);
	EXPECT_EQ(lcreate(ROOT, "new", O_WRONLY), EROFS);
	EXPECT_EQ(walk(ROOT, 10, "file"), 0);
	EXPECT_EQ(lopen(10, O_WRONLY), EROFS);
	EXPECT_EQ(lopen(10, O_RDWR), EROFS);
	EXPECT_EQ(lopen(10, O_RDONLY | O_TRUNC), EROFS);
	EXPECT_EQ(lopen(10, O_RDONLY), 0);
	for (unsigned int type = 0; type < 256; type++) {
		static const u8 writes[] = { 14, 16, 18, 26, 70, 72, 74, 76, 118 };

		if (!memchr(writes, type, sizeof(writes)))
			continue;
		begin(type);
		EXPECT_EQ(finish(), EROFS);
	}
	p9_destroy(&server);
}

static void fids(void)
{
	setup(false);
	EXPECT_EQ(attach(ROOT), EBADF);			/* in use */
	EXPECT_EQ(attach(P9_NOFID), EBADF);
	EXPECT_EQ(walk(99, 10, NULL), EBADF);
	EXPECT_EQ(clunk(99), EBADF);
	EXPECT_EQ(walk(ROOT, 10, "file"), 0);
	EXPECT_EQ(walk(ROOT, 10, "file"), EBADF);
	EXPECT_EQ(walk(10, 11, "x"), ENOTDIR);
	EXPECT_EQ(lopen(10, 3), EINVAL);
	begin(116);					/* not open */
	put(10, 4);
	put(0, 8);
	put(100, 4);
	EXPECT_EQ(finish(), EBADF);
	EXPECT_EQ(lopen(10, O_RDONLY), 0);
	EXPECT_EQ(lopen(10, O_RDONLY), EBADF);		/* twice */
	begin(118);
	put(10, 4);
	put(0, 8);
	put(1, 4);
	put('x', 1);
	EXPECT_EQ(finish(), EBADF);			/* for reading */
	begin(116);
	put(10, 4);
	put(UINT64_MAX, 8);
	put(100, 4);
	EXPECT_EQ(finish(), EINVAL);
	p9_reset(&server);
	EXPECT_EQ(clunk(ROOT), EBADF);
	/* So many and no more, and all can be given back. */
	EXPECT_EQ(attach(ROOT), 0);
	for (u32 i = 1; i < P9_FIDS_MAX; i++)
		if (walk(ROOT, 1000 + i, NULL)) {
			EXPECT_EQ(i, P9_FIDS_MAX);
			break;
		}
	EXPECT_EQ(walk(ROOT, 999, NULL), ENFILE);
	p9_destroy(&server);
	EXPECT_EQ(server.nr_fids, 0);
}

/* Each request cut short at each byte: an error, and nothing is read behind it. */
static void cut_short(void)
{
	setup(false);
	for (unsigned int type = 0; type < 256; type++)
		for (u32 len = 7; len < 64; len++) {
			u8 *exact = malloc(len);
			u32 answer;

			memset(exact, 0, len);
			memcpy(exact, &len, 4);
			exact[4] = type;
			answer = p9_serve(&server, exact, len, reply, 64);
			EXPECT(answer >= 7 && answer <= 64);
			/* Longer than it is */
			exact[0] = len + 1;
			answer = p9_serve(&server, exact, len, reply, 64);
			EXPECT_EQ(answer, P9_ERROR_SIZE);
			free(exact);
		}
	p9_destroy(&server);
}

static void small_answers(void)
{
	setup(false);
	room = P9_ERROR_SIZE;
	EXPECT_EQ(walk(ROOT, 20, "file"), EBADMSG);
	room = 64;
	EXPECT_EQ(walk(ROOT, 21, "file"), 0);
	EXPECT_EQ(lopen(21, O_RDONLY), 0);
	begin(116);
	put(21, 4);
	put(0, 8);
	put(0xffffffff, 4);
	EXPECT_EQ(finish(), 0);
	EXPECT_EQ(reply[7], 6);
	EXPECT(!memcmp(reply + 11, "public", 6));
	begin(24);					/* attributes need more */
	put(21, 4);
	put(UINT64_MAX, 8);
	EXPECT_EQ(finish(), EBADMSG);
	room = P9_MSIZE_MAX;
	p9_destroy(&server);
}

static void versions(void)
{
	setup(false);
	begin(100);
	put(P9_MSIZE_MIN - 1, 4);
	put_text("9P2000.L");
	EXPECT_EQ(finish(), EMSGSIZE);
	begin(100);
	put(0xffffffff, 4);
	put_text("9P2000.u");
	EXPECT_EQ(finish(), 0);
	EXPECT(!memcmp(reply + 11, "\007\000unknown", 9));
	EXPECT_EQ(server.msize, P9_MSIZE_MAX);
	EXPECT_EQ(clunk(ROOT), EBADF);			/* the session began anew */
	p9_destroy(&server);
}

/* The parent of the shared directory is itself, also where it is listed. */
static void lists_no_parent(void)
{
	u64 parent = 0, self = 0, path;
	u32 count;

	setup(false);
	EXPECT_EQ(walk(ROOT, 10, NULL), 0);
	EXPECT_EQ(lopen(10, O_RDONLY | O_DIRECTORY), 0);
	begin(40);
	put(10, 4);
	put(0, 8);
	put(8192, 4);
	EXPECT_EQ(finish(), 0);
	memcpy(&count, reply + 7, 4);
	for (const u8 *entry = reply + 11; entry < reply + 11 + count;) {
		u16 len = entry[22] | entry[23] << 8;

		memcpy(&path, entry + 5, 8);
		if (len == 1 && entry[24] == '.')
			self = path;
		if (len == 2 && !memcmp(entry + 24, "..", 2))
			parent = path;
		entry += 24 + len;
	}
	EXPECT(self);
	EXPECT_EQ(parent, self);
	begin(40);					/* no room for one */
	put(10, 4);
	put(0, 8);
	put(10, 4);
	EXPECT_EQ(finish(), EINVAL);
	p9_destroy(&server);
}

static const struct tap_test tests[] = {
	{ "9p: no way out of the directory", no_way_out },
	{ "9p: renames meanwhile", renames_meanwhile },
	{ "9p: special files", special_files },
	{ "9p: read-only", read_only },
	{ "9p: fids", fids },
	{ "9p: requests cut short", cut_short },
	{ "9p: answers that have little room", small_answers },
	{ "9p: versions", versions },
	{ "9p: the parent is not listed", lists_no_parent },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
