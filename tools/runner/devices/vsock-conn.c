// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections between the guest's stream sockets and the host's UNIX sockets,
 * their buffers and their credit (virtio 1.2, section 5.10.6.3).
 *
 * A program of the host connects to PATH and says "CONNECT PORT\n"; it is told
 * "OK PORT\n" when the guest has accepted. The guest connects to port P of the host
 * where a program listens on PATH_P.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "iov.h"
#include "virtio-vsock.h"

#define SHUTDOWN_BOTH	(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)
#define EVENTS_BATCH	64
/* The longest greeting: "CONNECT 4294967295\n" */
#define GREETING_MAX	19
/* Ports of the host's, for connections that begin there */
#define FIRST_PORT	0x40000000u

/**
 * vsock_find() - the connection of a pair of ports
 * @vs: the device
 * @guest_port: the guest's
 * @host_port: the host's
 *
 * Return: the connection, or NULL.
 */
struct vsock_conn *vsock_find(struct virtio_vsock *vs, u32 guest_port, u32 host_port)
{
	struct vsock_conn *conn;

	TAILQ_FOREACH(conn, &vs->conns, link)
		if ((conn->state == VSOCK_REQUESTED || conn->state == VSOCK_OPEN) &&
		    conn->guest_port == guest_port && conn->host_port == host_port)
			return conn;
	return NULL;
}

/**
 * vsock_add() - make a connection
 * @vs: the device
 * @fd: the host's socket, not blocking; closed if this fails
 * @state: the first
 *
 * Return: the connection; NULL if there are too many.
 */
struct vsock_conn *vsock_add(struct virtio_vsock *vs, int fd, enum vsock_state state)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	struct vsock_conn *conn = NULL;

	if (vs->nr_conns < VSOCK_CONNS_MAX)
		conn = calloc(1, sizeof(*conn));
	if (!conn)
		goto out_close;
	conn->fd = fd;
	conn->state = state;
	conn->readable = true;
	conn->writable = true;
	event.data.ptr = conn;
	if (epoll_ctl(vs->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		goto out_free;
	TAILQ_INSERT_TAIL(&vs->conns, conn, link);
	vs->nr_conns++;
	return conn;

out_free:
	free(conn);
out_close:
	close(fd);
	return NULL;
}

/* Closing takes it out of the epoll set, too: nobody else has this file. */
static void close_host(struct vsock_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	conn->fill = 0;
	free(conn->buffer);
	conn->buffer = NULL;
}

/**
 * vsock_remove() - end a connection at once
 * @vs: the device
 * @conn: the connection; gone afterwards
 */
void vsock_remove(struct virtio_vsock *vs, struct vsock_conn *conn)
{
	TAILQ_REMOVE(&vs->conns, conn, link);
	vs->nr_conns--;
	close_host(conn);
	free(conn);
}

/**
 * vsock_let_go() - the guest has closed: end a connection once all is written
 * @vs: the device
 * @conn: the connection; perhaps gone afterwards
 */
void vsock_let_go(struct virtio_vsock *vs, struct vsock_conn *conn)
{
	if (!conn->fill) {
		vsock_remove(vs, conn);
		return;
	}
	conn->state = VSOCK_LINGERING;
	conn->pending = 0;
}

/**
 * vsock_connect() - the guest asks for a connection
 * @vs: the device
 * @guest_port: its port
 * @host_port: names the socket
 *
 * Return: whether there is one; then a response is pending.
 */
bool vsock_connect(struct virtio_vsock *vs, u32 guest_port, u32 host_port)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct vsock_conn *conn;
	int fd;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s_%u", vs->path, host_port);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return false;
	}
	conn = vsock_add(vs, fd, VSOCK_OPEN);
	if (!conn)
		return false;
	conn->guest_port = guest_port;
	conn->host_port = host_port;
	conn->pending = VSOCK_SEND_RESPONSE;
	return true;
}

/**
 * vsock_accepted() - the guest accepts a connection: tell the host's program
 * @conn: the connection, requested
 *
 * Return: false if nobody is there any more.
 */
bool vsock_accepted(struct vsock_conn *conn)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "OK %u\n", conn->host_port);

	conn->state = VSOCK_OPEN;
	return conn->fd >= 0 &&
	       send(conn->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) == len;
}

/* The host's program does not read any more: what is for it is thrown away. */
static void host_stops_reading(struct vsock_conn *conn)
{
	conn->forwarded += conn->fill;
	conn->fill = 0;
	if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
		return;
	conn->host_shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
	conn->pending |= VSOCK_SEND_SHUTDOWN;
}

/* Returns the bytes that the socket took. */
static size_t write_host(struct vsock_conn *conn, struct iovec *iov, unsigned int nr)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = nr };
	ssize_t n;

	if (!conn->writable)
		return 0;
	n = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0)
		return n;
	conn->writable = false;
	if (errno != EAGAIN && errno != EINTR)
		host_stops_reading(conn);
	return 0;
}

static void consumed(struct vsock_conn *conn, u32 len)
{
	conn->forwarded += len;
	if (conn->state == VSOCK_OPEN && conn->forwarded - conn->told >= VSOCK_BUFFER_SIZE / 2)
		conn->pending |= VSOCK_SEND_CREDIT;
}

static void end_of_guest(struct vsock_conn *conn)
{
	if ((conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) && !conn->fill && conn->fd >= 0)
		shutdown(conn->fd, SHUT_WR);
}

/* Write what waits; its buffer wraps, so in at most two pieces. */
static void flush(struct vsock_conn *conn)
{
	while (conn->fill && conn->writable) {
		u32 first = MIN(conn->fill, VSOCK_BUFFER_SIZE - conn->start);
		struct iovec iov[] = {
			{ conn->buffer + conn->start, first },
			{ conn->buffer, conn->fill - first },
		};
		size_t n = write_host(conn, iov, ARRAY_SIZE(iov));

		if (!n)
			break;
		conn->start = (conn->start + n) % VSOCK_BUFFER_SIZE;
		conn->fill -= n;
		consumed(conn, n);
	}
	if (!conn->fill) {
		free(conn->buffer);
		conn->buffer = NULL;
		conn->start = 0;
		end_of_guest(conn);
	}
}

/* The guest's credit says that there is room. */
static void keep(struct vsock_conn *conn, const struct iovec *iov, unsigned int nr)
{
	for (; nr; nr--, iov++)
		for (size_t done = 0; done < iov->iov_len;) {
			u32 end = (conn->start + conn->fill) % VSOCK_BUFFER_SIZE;
			size_t n = MIN(iov->iov_len - done, VSOCK_BUFFER_SIZE - end);

			memcpy(conn->buffer + end, (char *)iov->iov_base + done, n);
			conn->fill += n;
			done += n;
		}
}

/**
 * vsock_forward() - data from the guest
 * @conn: an open connection
 * @iov: the data; changed
 * @nr: its pieces
 * @len: its length, within the guest's credit
 */
void vsock_forward(struct vsock_conn *conn, struct iovec *iov, unsigned int nr, u32 len)
{
	size_t n = 0;

	conn->received += len;
	if (!len)
		return;
	if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		consumed(conn, len);
		return;
	}
	if (!conn->fill)
		n = write_host(conn, iov, nr);
	consumed(conn, n);
	if (n == len)
		return;
	if (!conn->buffer)
		conn->buffer = malloc(VSOCK_BUFFER_SIZE);
	if (!conn->buffer)
		host_stops_reading(conn);
	if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		consumed(conn, len - n);
		return;
	}
	iov_skip(&iov, &nr, n);
	keep(conn, iov, nr);
	flush(conn);
}

static void end_of_host(struct vsock_conn *conn)
{
	u8 flags = VIRTIO_VSOCK_SHUTDOWN_SEND |
		   (conn->hung_up ? VIRTIO_VSOCK_SHUTDOWN_RCV : 0);

	if ((conn->host_shut & flags) == flags)
		return;
	conn->host_shut |= flags;
	conn->pending |= VSOCK_SEND_SHUTDOWN;
}

/**
 * vsock_fetch() - read data for the guest
 * @conn: an open connection
 * @iov: where to
 * @nr: its pieces
 *
 * Return: bytes; 0 if there are none now; at the end a shutdown is pending.
 */
ssize_t vsock_fetch(struct vsock_conn *conn, struct iovec *iov, unsigned int nr)
{
	ssize_t n = readv(conn->fd, iov, nr);

	if (n > 0)
		return n;
	conn->readable = false;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	conn->hung_up |= n < 0;
	end_of_host(conn);
	return 0;
}

/**
 * vsock_guest_shuts() - the guest will send or receive no more
 * @conn: an open connection
 * @flags: VIRTIO_VSOCK_SHUTDOWN_*
 */
void vsock_guest_shuts(struct vsock_conn *conn, u8 flags)
{
	conn->guest_shut |= flags & SHUTDOWN_BOTH;
	if (conn->fd < 0)
		return;
	if (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
		shutdown(conn->fd, SHUT_RD);
	end_of_guest(conn);
}

/**
 * vsock_take_credit() - what a packet of the guest's says of its buffer
 * @conn: the connection
 * @alloc: its size
 * @forwarded: bytes of ours that it has consumed so far
 *
 * Return: false if it has consumed what was never sent, or less than before.
 */
bool vsock_take_credit(struct vsock_conn *conn, u32 alloc, u32 forwarded)
{
	if (forwarded - conn->peer_fwd > conn->sent - conn->peer_fwd)
		return false;
	conn->peer_alloc = alloc;
	conn->peer_fwd = forwarded;
	conn->asked = false;
	return true;
}

/**
 * vsock_credit() - what the guest has room for
 * @conn: the connection
 *
 * Return: bytes.
 */
u32 vsock_credit(const struct vsock_conn *conn)
{
	u32 in_flight = conn->sent - conn->peer_fwd;

	return conn->peer_alloc > in_flight ? conn->peer_alloc - in_flight : 0;
}

static u32 free_port(struct virtio_vsock *vs)
{
	struct vsock_conn *conn;
	u32 port;

	do {
		port = FIRST_PORT + vs->next_port++ % FIRST_PORT;
		TAILQ_FOREACH(conn, &vs->conns, link)
			if (conn->host_port == port)
				break;
	} while (conn);
	return port;
}

/*
 * Take the first line, and only that, from what the host's program says: its port
 * is in conn.guest_port then. Returns 0, -EAGAIN if it is not there yet, or -EPROTO.
 */
static int greeting(struct vsock_conn *conn)
{
	char text[GREETING_MAX + 1], *newline;
	u64 port;
	ssize_t n;

	n = recv(conn->fd, text, GREETING_MAX, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPROTO;
	text[n] = '\0';
	newline = strchr(text, '\n');
	if (!newline)
		return n && n < GREETING_MAX ? -EAGAIN : -EPROTO;
	n = newline + 1 - text;
	if (recv(conn->fd, text, n, MSG_DONTWAIT) != n)
		return -EPROTO;
	*newline = '\0';
	if (strncmp(text, "CONNECT ", 8) || parse_u64(text + 8, UINT32_MAX - 1, &port))
		return -EPROTO;
	conn->guest_port = port;
	return 0;
}

static void greet(struct virtio_vsock *vs, struct vsock_conn *conn)
{
	int ret = greeting(conn);

	if (ret == -EAGAIN)
		return;
	if (ret) {
		vsock_remove(vs, conn);
		return;
	}
	conn->host_port = free_port(vs);
	conn->state = VSOCK_REQUESTED;
	conn->pending = VSOCK_SEND_REQUEST;
}

static void accept_hosts(struct virtio_vsock *vs)
{
	for (;;) {
		int fd = accept4(vs->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		/* Nobody could answer. */
		if (!virtio_running(&vs->vd))
			close(fd);
		else
			vsock_add(vs, fd, VSOCK_GREETING);
	}
}

/* The host's program is gone while the guest still thinks about it. */
static void hang_up(struct vsock_conn *conn)
{
	conn->hung_up = true;
	if (conn->state == VSOCK_REQUESTED)
		close_host(conn);
	else if (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
		end_of_host(conn);
}

static void handle_event(struct virtio_vsock *vs, struct vsock_conn *conn, u32 events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		conn->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		conn->writable = true;
	if (conn->state == VSOCK_GREETING) {
		greet(vs, conn);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR))
		hang_up(conn);
	if (conn->fd >= 0)
		flush(conn);
	if (conn->state == VSOCK_LINGERING && !conn->fill)
		vsock_remove(vs, conn);
}

/**
 * vsock_poll_host() - see what happened to the host's sockets
 * @vs: the device
 */
void vsock_poll_host(struct virtio_vsock *vs)
{
	struct epoll_event events[EVENTS_BATCH];
	int nr = epoll_wait(vs->epoll_fd, events, EVENTS_BATCH, 0);

	/* An event ends no connection but its own. */
	for (int i = 0; i < nr; i++)
		if (events[i].data.ptr)
			handle_event(vs, events[i].data.ptr, events[i].events);
		else
			accept_hosts(vs);
}
