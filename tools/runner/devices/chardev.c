// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a guest's console is on the host. Nothing here waits: what the host does
 * not take now stays with the guest. While nobody is there to read, what the guest
 * writes is thrown away, as at a port without a cable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "chardev.h"
#include "iov.h"
#include "unix-socket.h"

/*
 * Bytes written at once where the file may be one that blocks: what poll() promises
 * room for in a pipe (a page) and in a terminal (less).
 */
#define PIPE_ROOM	4096
#define TERMINAL_ROOM	256
/* How often to see whether somebody has opened a pseudo-terminal, in ms */
#define LOOK_MS		200

static const struct {
	const char *name;	/* with "=" if a path follows */
	enum chardev_kind kind;
} kinds[] = {
	{ "stdio", CHARDEV_STDIO },
	{ "pty", CHARDEV_PTY },
	{ "file=", CHARDEV_FILE },
	{ "socket=", CHARDEV_SOCKET },
};

/**
 * chardev_parse() - read where a console is to be
 * @cd: out
 * @text: stdio, pty, file=PATH or socket=PATH; kept
 *
 * Return: 0, or -EINVAL after a message.
 */
int chardev_parse(struct chardev *cd, char *text)
{
	*cd = (struct chardev) { .fd = -1, .listen_fd = -1 };
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].name);
		bool has_path = kinds[i].name[len - 1] == '=';

		if (strncmp(text, kinds[i].name, len) || (!has_path && text[len]))
			continue;
		cd->kind = kinds[i].kind;
		cd->path = text + len;
		if (has_path && (!*cd->path || strlen(cd->path) > UNIX_PATH_LEN))
			return fail(-EINVAL, "%s needs a path of 1 to %u bytes",
				    kinds[i].name, UNIX_PATH_LEN);
		return 0;
	}
	return fail(-EINVAL, "a console is at stdio, pty, file=PATH or socket=PATH, not '%s'",
		    text);
}

static int open_pty(struct chardev *cd, const char *what)
{
	struct termios raw;

	cd->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (cd->fd < 0 || grantpt(cd->fd) || unlockpt(cd->fd))
		return fail(-errno, "cannot make a pseudo-terminal: %s", strerror(errno));
	/* Else it would echo to the guest what the guest writes. */
	if (!tcgetattr(cd->fd, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(cd->fd, TCSANOW, &raw);
	}
	note("%s is at %s", what, ptsname(cd->fd));
	return 0;
}

static int open_file(struct chardev *cd, const char *what)
{
	cd->fd = open(cd->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
	if (cd->fd < 0)
		return fail(-errno, "cannot write %s to %s: %s", what, cd->path,
			    strerror(errno));
	return 0;
}

static int open_socket(struct chardev *cd, const char *what)
{
	int fd = unix_listen(cd->path, 1);

	if (fd < 0)
		return fail(fd, "cannot make the socket %s for %s: %s", cd->path, what,
			    strerror(-fd));
	cd->listen_fd = fd;
	return 0;
}

/**
 * chardev_open() - make what chardev_parse() has read about
 * @cd: from chardev_parse()
 * @what: what it is for, for messages
 *
 * Return: 0, or a negative errno after a message; chardev_close() is due in any
 * case.
 */
int chardev_open(struct chardev *cd, const char *what)
{
	switch (cd->kind) {
	case CHARDEV_PTY:
		return open_pty(cd, what);
	case CHARDEV_FILE:
		return open_file(cd, what);
	case CHARDEV_SOCKET:
		return open_socket(cd, what);
	default:
		cd->fd = STDOUT_FILENO;
		return 0;
	}
}

/**
 * chardev_close() - undo chardev_open(), whether it succeeded or not
 * @cd: from chardev_parse()
 */
void chardev_close(struct chardev *cd)
{
	if (cd->fd >= 0 && cd->kind != CHARDEV_STDIO)
		close(cd->fd);
	if (cd->listen_fd >= 0) {
		close(cd->listen_fd);
		unlink(cd->path);
	}
	cd->fd = -1;
	cd->listen_fd = -1;
}

static short ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* Is somebody there who reads? */
static bool connected(const struct chardev *cd)
{
	return cd->fd >= 0 && (cd->kind != CHARDEV_PTY || !(ready(cd->fd, 0) & POLLHUP));
}

static void disconnect(struct chardev *cd)
{
	if (cd->kind != CHARDEV_SOCKET)
		return;
	close(cd->fd);
	cd->fd = -1;
	cd->ended = false;
}

/**
 * chardev_poll() - say what to wait for
 * @cd: the device
 * @fds: out: at most CHARDEV_POLL_MAX
 * @in: bytes are wanted
 * @out: bytes wait to be written
 * @timeout: made shorter if need be, in ms; -1 is none
 *
 * Return: how many of @fds.
 */
unsigned int chardev_poll(struct chardev *cd, struct pollfd *fds, bool in, bool out,
			  int *timeout)
{
	bool reads = cd->kind == CHARDEV_PTY || cd->kind == CHARDEV_SOCKET;
	short events = (in && reads && !cd->ended ? POLLIN : 0) | (out ? POLLOUT : 0);
	unsigned int nr = 0;

	if (connected(cd)) {
		/* Who hangs up is noticed by reading or writing, or else by poll(). */
		if (events || cd->ended)
			fds[nr++] = (struct pollfd) { .fd = cd->fd, .events = events };
	} else if (cd->kind == CHARDEV_PTY) {
		*timeout = LOOK_MS;
	} else if (cd->listen_fd >= 0) {
		fds[nr++] = (struct pollfd) { .fd = cd->listen_fd, .events = POLLIN };
	}
	return nr;
}

/**
 * chardev_polled() - after poll() with what chardev_poll() has filled in
 * @cd: the device
 * @fds: from poll()
 * @nr: how many
 */
void chardev_polled(struct chardev *cd, const struct pollfd *fds, unsigned int nr)
{
	if (!nr || !fds[0].revents)
		return;
	if (cd->ended && fds[0].fd == cd->fd && (fds[0].revents & (POLLHUP | POLLERR)))
		disconnect(cd);
	else if (cd->fd < 0 && fds[0].fd == cd->listen_fd)
		cd->fd = accept4(cd->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/**
 * chardev_read() - take what the host has for the guest
 * @cd: the device; standard input is another's
 * @iov: where to
 * @nr: its pieces
 *
 * Return: bytes, 0 if there are none now.
 */
size_t chardev_read(struct chardev *cd, const struct iovec *iov, unsigned int nr)
{
	ssize_t n;

	if (cd->fd < 0 || cd->ended || cd->kind == CHARDEV_STDIO || cd->kind == CHARDEV_FILE)
		return 0;
	n = readv(cd->fd, iov, nr);
	if (n > 0)
		return n;
	if (!n)
		cd->ended = cd->kind == CHARDEV_SOCKET;
	else if (errno != EAGAIN && errno != EINTR)
		disconnect(cd);
	return 0;
}

/* At a file that may block, no more than there is room for. */
static ssize_t write_stdout(const struct iovec *iov)
{
	size_t room = isatty(STDOUT_FILENO) ? TERMINAL_ROOM : PIPE_ROOM;
	short events = ready(STDOUT_FILENO, POLLOUT);

	if (!events) {
		errno = EAGAIN;
		return -1;
	}
	return write(STDOUT_FILENO, iov->iov_base, MIN(iov->iov_len, room));
}

static ssize_t write_some(const struct chardev *cd, const struct iovec *iov, unsigned int nr)
{
	const struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = nr };

	switch (cd->kind) {
	case CHARDEV_STDIO:
		return write_stdout(iov);
	case CHARDEV_SOCKET:
		return sendmsg(cd->fd, &message, MSG_NOSIGNAL);
	default:
		return writev(cd->fd, iov, nr);
	}
}

/**
 * chardev_write() - give the host what the guest writes
 * @cd: the device
 * @iov: what
 * @nr: its pieces, one at least
 *
 * Return: bytes taken, or thrown away if nobody is there; 0 if none are taken now.
 */
size_t chardev_write(struct chardev *cd, const struct iovec *iov, unsigned int nr)
{
	ssize_t n;

	if (!connected(cd))
		return iov_size(iov, nr);
	n = write_some(cd, iov, nr);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (cd->kind == CHARDEV_FILE && !cd->complained)
		note("cannot write the guest's console to %s: %s", cd->path, strerror(errno));
	cd->complained = true;
	disconnect(cd);
	return iov_size(iov, nr);
}
