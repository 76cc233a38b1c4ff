// SPDX-License-Identifier: GPL-2.0-only
/*
 * streams listen|connect PATH|CID:PORT: join standard input and output with a stream
 * socket, of UNIX or of vsock. The end of the input shuts the socket for writing; the
 * program ends when both ways have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_vm vm;
	};
	socklen_t len;
};

/* A way from one file to another, with a buffer in between. */
struct way {
	int from, to;
	bool done;
	size_t start, fill;
	char data[65536];
};

static void die(const char *what)
{
	fprintf(stderr, "streams: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct address parse(const char *text)
{
	struct address address = { };
	unsigned int cid, port;

	if (sscanf(text, "%u:%u", &cid, &port) == 2) {
		address.vm.svm_family = AF_VSOCK;
		address.vm.svm_cid = cid;
		address.vm.svm_port = port;
		address.len = sizeof(address.vm);
	} else {
		address.un.sun_family = AF_UNIX;
		snprintf(address.un.sun_path, sizeof(address.un.sun_path), "%s", text);
		address.len = sizeof(address.un);
	}
	return address;
}

static int join(const char *how, const char *text)
{
	struct address address = parse(text);
	int fd = socket(address.any.sa_family, SOCK_STREAM, 0);
	int one;

	if (fd < 0)
		die("socket");
	if (!strcmp(how, "connect")) {
		if (connect(fd, &address.any, address.len))
			die("connect");
		return fd;
	}
	if (bind(fd, &address.any, address.len) || listen(fd, 1))
		die("listen");
	/* Who comes earlier is refused. */
	fprintf(stderr, "streams: listening\n");
	one = accept(fd, NULL, NULL);
	if (one < 0)
		die("accept");
	close(fd);
	return one;
}

static void fill(struct way *way)
{
	ssize_t n = read(way->from, way->data, sizeof(way->data));

	if (n < 0)
		die("read");
	way->start = 0;
	way->fill = n;
	if (n)
		return;
	way->done = true;
	shutdown(way->to, SHUT_WR);
}

static void drain(struct way *way)
{
	ssize_t n = write(way->to, way->data + way->start, way->fill);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		die("write");
	way->start += n;
	way->fill -= n;
}

int main(int argc, char **argv)
{
	static struct way ways[2];
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: streams listen|connect PATH|CID:PORT\n");
		return 2;
	}
	fd = join(argv[1], argv[2]);
	/* Else a write that has room for a part would wait for the rest. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ways[0].from = STDIN_FILENO;
	ways[0].to = fd;
	ways[1].from = fd;
	ways[1].to = STDOUT_FILENO;
	while (!ways[0].done || !ways[1].done) {
		struct pollfd fds[2];

		for (int i = 0; i < 2; i++) {
			fds[i].fd = ways[i].done ? -1 : ways[i].fill ? ways[i].to : ways[i].from;
			fds[i].events = ways[i].fill ? POLLOUT : POLLIN;
		}
		if (poll(fds, 2, -1) < 0)
			die("poll");
		for (int i = 0; i < 2; i++) {
			if (!fds[i].revents)
				continue;
			if (ways[i].fill)
				drain(&ways[i]);
			else
				fill(&ways[i]);
		}
	}
	return 0;
}
