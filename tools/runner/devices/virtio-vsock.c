// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio socket device (virtio 1.2, section 5.10): its packets. Connections are
 * in vsock-conn.c.
 *
 * Nothing that the guest does makes this process keep more than it allows: each
 * connection has one buffer, which the guest's credit is for, and there are so many
 * connections and answers that wait. While there is no room for another answer,
 * the guest's packets are left in its queue (5.10.6.1.1).
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "iov.h"
#include "peripheral.h"
#include "unix-socket.h"
#include "virtio-vsock.h"

#define CLASS_OTHER	0xff0000
#define HEADER_SIZE	sizeof(struct virtio_vsock_hdr)
#define PACKET_MAX	65536u
/* Packets taken, and given, before the registers are looked after */
#define BATCH		64
#define BACKLOG		16
#define SHUTDOWN_BOTH	(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, QUEUE_EVENT, NR_QUEUES };

/* ---- to the guest ---- */

/* A packet for the guest, which has consumed what the header says of ours. */
static struct virtio_vsock_hdr header_of(const struct virtio_vsock *vs,
					 const struct vsock_conn *conn, u16 op)
{
	return (struct virtio_vsock_hdr) {
		.src_cid = VSOCK_CID_HOST,
		.dst_cid = vs->cid,
		.src_port = conn->host_port,
		.dst_port = conn->guest_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = VSOCK_BUFFER_SIZE,
		.fwd_cnt = conn->forwarded,
	};
}

/* An answer to a packet that has no connection, or none any more. */
static void reset_peer(struct virtio_vsock *vs, const struct virtio_vsock_hdr *packet)
{
	vs->resets[vs->nr_resets++] = (struct virtio_vsock_hdr) {
		.src_cid = packet->dst_cid,
		.dst_cid = packet->src_cid,
		.src_port = packet->dst_port,
		.dst_port = packet->src_port,
		.type = packet->type,
		.op = VIRTIO_VSOCK_OP_RST,
	};
}

static bool has_buffer(struct virtio_vsock *vs)
{
	struct virtio_device *vd = &vs->vd;

	if (vs->has_buffer)
		return true;
	if (!virtio_pop(vd, QUEUE_RECEIVE, &vs->buffer))
		return false;
	if (iov_size(vs->buffer.iov + vs->buffer.nr_out, vs->buffer.nr_in) <= HEADER_SIZE) {
		virtio_break(vd, QUEUE_RECEIVE, "a buffer is too small for a packet");
		return false;
	}
	vs->has_buffer = true;
	return true;
}

/* Give the buffer back, with a header and what follows it already. */
static void send_packet(struct virtio_vsock *vs, const struct virtio_vsock_hdr *header)
{
	iov_write(vs->buffer.iov + vs->buffer.nr_out, vs->buffer.nr_in, header, HEADER_SIZE);
	vs->has_buffer = false;
	virtio_push(&vs->vd, QUEUE_RECEIVE, vs->buffer.head, HEADER_SIZE + header->len);
}

/* Read as much as the guest has room for into its own buffer. */
static u32 fetch(struct virtio_vsock *vs, struct vsock_conn *conn)
{
	struct iovec pieces[VIRTQ_SEGS_MAX], *iov = pieces;
	unsigned int nr = vs->buffer.nr_in;
	u64 room, size;

	memcpy(pieces, vs->buffer.iov + vs->buffer.nr_out, nr * sizeof(*iov));
	size = iov_size(iov, nr) - HEADER_SIZE;
	room = MIN(MIN(size, PACKET_MAX), vsock_credit(conn));
	iov_skip(&iov, &nr, HEADER_SIZE);
	iov_cut(iov, &nr, size - room);
	return vsock_fetch(conn, iov, nr);
}

static bool has_data(struct vsock_conn *conn)
{
	if (conn->state != VSOCK_OPEN || conn->fd < 0 || !conn->readable ||
	    (conn->pending & VSOCK_SEND_RESPONSE) ||
	    (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) ||
	    (conn->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND))
		return false;
	if (vsock_credit(conn))
		return true;
	/* The guest need not tell of its own accord that it has room again. */
	if (!conn->asked)
		conn->pending |= VSOCK_SEND_CREDIT_REQUEST;
	conn->asked = true;
	return false;
}

static const struct {
	u8 bit;
	u16 op;
} pending_ops[] = {
	{ VSOCK_SEND_REQUEST, VIRTIO_VSOCK_OP_REQUEST },
	{ VSOCK_SEND_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE },
	{ VSOCK_SEND_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN },
	{ VSOCK_SEND_CREDIT_REQUEST, VIRTIO_VSOCK_OP_CREDIT_REQUEST },
	{ VSOCK_SEND_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE },
};

/* The next packet of a connection; false if it has none. */
static bool next_packet(struct virtio_vsock *vs, struct vsock_conn *conn,
			struct virtio_vsock_hdr *header)
{
	u32 len = has_data(conn) ? fetch(vs, conn) : 0;

	if (len) {
		*header = header_of(vs, conn, VIRTIO_VSOCK_OP_RW);
		header->len = len;
		conn->sent += len;
	} else {
		unsigned int i = 0;

		if (!conn->pending)
			return false;
		while (!(conn->pending & pending_ops[i].bit))
			i++;
		conn->pending &= ~pending_ops[i].bit;
		*header = header_of(vs, conn, pending_ops[i].op);
		if (header->op == VIRTIO_VSOCK_OP_SHUTDOWN)
			header->flags = conn->host_shut;
	}
	/* Each packet tells of credit. */
	conn->told = conn->forwarded;
	conn->pending &= ~VSOCK_SEND_CREDIT;
	return true;
}

static bool send_of_connection(struct virtio_vsock *vs)
{
	struct virtio_vsock_hdr header;
	struct vsock_conn *conn;

	TAILQ_FOREACH(conn, &vs->conns, link) {
		if (!conn->pending && !has_data(conn) && !conn->pending)
			continue;
		if (!has_buffer(vs))
			return false;
		if (!next_packet(vs, conn, &header))
			continue;
		send_packet(vs, &header);
		/* The others have their turn first. */
		TAILQ_REMOVE(&vs->conns, conn, link);
		TAILQ_INSERT_TAIL(&vs->conns, conn, link);
		return true;
	}
	return false;
}

static bool send_reset(struct virtio_vsock *vs)
{
	if (!vs->nr_resets || !has_buffer(vs))
		return false;
	send_packet(vs, &vs->resets[0]);
	memmove(vs->resets, vs->resets + 1, --vs->nr_resets * sizeof(vs->resets[0]));
	return true;
}

static void send_all(struct virtio_vsock *vs)
{
	for (unsigned int i = 0; send_reset(vs) || send_of_connection(vs); i++)
		if (i == BATCH) {
			eventfd_write(vs->vd.kick_fd, 1);
			break;
		}
}

/* ---- from the guest ---- */

/**
 * struct packet - a packet of the guest's
 * @data, @nr_data: what follows its header, as long as @header.len says
 */
struct packet {
	struct virtio_vsock_hdr header;
	struct iovec *data;
	unsigned int nr_data;
};

/* These return whether the packet makes sense; if not the connection is reset. */
static bool take_request(struct virtio_vsock *vs, struct vsock_conn *conn,
			 struct packet *packet)
{
	if (conn || !vsock_connect(vs, packet->header.src_port, packet->header.dst_port))
		return false;
	conn = vsock_find(vs, packet->header.src_port, packet->header.dst_port);
	return vsock_take_credit(conn, packet->header.buf_alloc, packet->header.fwd_cnt);
}

static bool take_response(struct virtio_vsock *vs, struct vsock_conn *conn,
			  struct packet *packet)
{
	(void)vs;
	(void)packet;
	return conn->state == VSOCK_REQUESTED && !(conn->pending & VSOCK_SEND_REQUEST) &&
	       vsock_accepted(conn);
}

static bool take_reset(struct virtio_vsock *vs, struct vsock_conn *conn,
		       struct packet *packet)
{
	(void)packet;
	/* After all its data, a reset only ends what is over. */
	if (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
		vsock_let_go(vs, conn);
	else
		vsock_remove(vs, conn);
	return true;
}

/* Both directions shut: the answer to that is a reset (5.10.6.5). */
static bool take_shutdown(struct virtio_vsock *vs, struct vsock_conn *conn,
			  struct packet *packet)
{
	if (conn->state != VSOCK_OPEN)
		return false;
	vsock_guest_shuts(conn, packet->header.flags);
	if (conn->guest_shut == SHUTDOWN_BOTH) {
		reset_peer(vs, &packet->header);
		vsock_let_go(vs, conn);
	}
	return true;
}

static bool take_data(struct virtio_vsock *vs, struct vsock_conn *conn,
		      struct packet *packet)
{
	u32 len = packet->header.len;

	(void)vs;
	if (conn->state != VSOCK_OPEN || (conn->pending & VSOCK_SEND_RESPONSE) ||
	    (conn->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	    len > VSOCK_BUFFER_SIZE - (conn->received - conn->forwarded))
		return false;
	vsock_forward(conn, packet->data, packet->nr_data, len);
	return true;
}

static bool take_credit(struct virtio_vsock *vs, struct vsock_conn *conn,
			struct packet *packet)
{
	(void)vs;
	(void)packet;
	return conn->state == VSOCK_OPEN;
}

static bool take_credit_request(struct virtio_vsock *vs, struct vsock_conn *conn,
				struct packet *packet)
{
	(void)vs;
	(void)packet;
	conn->pending |= VSOCK_SEND_CREDIT;
	return conn->state == VSOCK_OPEN;
}

static const struct {
	bool (*take)(struct virtio_vsock *vs, struct vsock_conn *conn, struct packet *packet);
	bool without_conn;
	bool has_data;
} ops[] = {
	[VIRTIO_VSOCK_OP_REQUEST] = { take_request, true, false },
	[VIRTIO_VSOCK_OP_RESPONSE] = { take_response, false, false },
	[VIRTIO_VSOCK_OP_RST] = { take_reset, false, false },
	[VIRTIO_VSOCK_OP_SHUTDOWN] = { take_shutdown, false, false },
	[VIRTIO_VSOCK_OP_RW] = { take_data, false, true },
	[VIRTIO_VSOCK_OP_CREDIT_UPDATE] = { take_credit, false, false },
	[VIRTIO_VSOCK_OP_CREDIT_REQUEST] = { take_credit_request, false, false },
};

static bool is_sound(const struct packet *packet)
{
	const struct virtio_vsock_hdr *header = &packet->header;

	return header->dst_cid == VSOCK_CID_HOST &&
	       header->type == VIRTIO_VSOCK_TYPE_STREAM &&
	       header->op < ARRAY_SIZE(ops) && ops[header->op].take &&
	       header->len <= PACKET_MAX &&
	       header->len == iov_size(packet->data, packet->nr_data) &&
	       (ops[header->op].has_data || !header->len);
}

/* Sections 5.10.6.2 and 5.10.6.4: what is not understood is reset, but not a reset. */
static void take_packet(struct virtio_vsock *vs, struct packet *packet)
{
	const struct virtio_vsock_hdr *header = &packet->header;
	struct vsock_conn *conn = NULL;

	/* In another's name */
	if (header->src_cid != vs->cid)
		return;
	if (header->dst_cid == VSOCK_CID_HOST && header->type == VIRTIO_VSOCK_TYPE_STREAM)
		conn = vsock_find(vs, header->src_port, header->dst_port);
	if (is_sound(packet) &&
	    (conn ? vsock_take_credit(conn, header->buf_alloc, header->fwd_cnt)
		  : ops[header->op].without_conn) &&
	    ops[header->op].take(vs, conn, packet))
		return;
	/* It may be new, or gone. */
	if (header->dst_cid == VSOCK_CID_HOST && header->type == VIRTIO_VSOCK_TYPE_STREAM)
		conn = vsock_find(vs, header->src_port, header->dst_port);
	if (conn)
		vsock_remove(vs, conn);
	if (header->op != VIRTIO_VSOCK_OP_RST)
		reset_peer(vs, header);
}

/* Take the next packet; false if there is none, or no room for its answer. */
static bool take_next(struct virtio_vsock *vs)
{
	struct virtq_chain chain;
	struct packet packet;

	if (vs->nr_resets == VSOCK_RESETS_MAX ||
	    !virtio_pop(&vs->vd, QUEUE_TRANSMIT, &chain))
		return false;
	if (iov_read(chain.iov, chain.nr_out, &packet.header, HEADER_SIZE) < HEADER_SIZE) {
		virtio_break(&vs->vd, QUEUE_TRANSMIT, "a packet has no header");
		return false;
	}
	packet.data = chain.iov;
	packet.nr_data = chain.nr_out;
	iov_skip(&packet.data, &packet.nr_data, HEADER_SIZE);
	take_packet(vs, &packet);
	virtio_push(&vs->vd, QUEUE_TRANSMIT, chain.head, 0);
	return true;
}

/* ---- the device ---- */

static struct virtio_vsock *vsock_of(struct virtio_device *vd)
{
	return container_of(vd, struct virtio_vsock, vd);
}

static void vsock_run(struct virtio_device *vd)
{
	struct virtio_vsock *vs = vsock_of(vd);
	unsigned int i = 0;

	do
		send_all(vs);
	while (i++ < BATCH && take_next(vs));
	if (i > BATCH)
		eventfd_write(vd->kick_fd, 1);
	send_all(vs);
	virtio_interrupt(vd, QUEUE_RECEIVE);
	virtio_interrupt(vd, QUEUE_TRANSMIT);
}

static void drop_all(struct virtio_vsock *vs)
{
	while (!TAILQ_EMPTY(&vs->conns))
		vsock_remove(vs, TAILQ_FIRST(&vs->conns));
}

static void vsock_reset(struct virtio_device *vd)
{
	struct virtio_vsock *vs = vsock_of(vd);

	drop_all(vs);
	vs->nr_resets = 0;
	vs->has_buffer = false;
}

static unsigned int vsock_poll(struct virtio_device *vd, struct pollfd *fds, int *timeout)
{
	(void)timeout;
	fds[0] = (struct pollfd) { .fd = vsock_of(vd)->epoll_fd, .events = POLLIN };
	return 1;
}

static void vsock_polled(struct virtio_device *vd, struct pollfd *fds, unsigned int nr)
{
	if (nr && fds[0].revents)
		vsock_poll_host(vsock_of(vd));
}

static const struct virtio_ops vsock_ops = {
	.type = VIRTIO_ID_VSOCK,
	.class = CLASS_OTHER,
	.nr_queues = NR_QUEUES,
	.run = vsock_run,
	.reset = vsock_reset,
	.poll = vsock_poll,
	.polled = vsock_polled,
};

static int listen_at(struct virtio_vsock *vs, const char *path)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	vs->listen_fd = unix_listen(path, BACKLOG);
	if (vs->listen_fd < 0)
		return fail(vs->listen_fd, "cannot make the socket %s: %s", path,
			    strerror(-vs->listen_fd));
	vs->path = path;
	vs->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (vs->epoll_fd < 0 ||
	    epoll_ctl(vs->epoll_fd, EPOLL_CTL_ADD, vs->listen_fd, &event))
		return fail(-errno, "cannot listen at %s: %s", path, strerror(errno));
	return 0;
}

/**
 * virtio_vsock_init() - make a socket device
 * @vs: the device
 * @config: its socket and context id
 * @ram: guest memory
 * @irqchip: interrupts and doorbells
 *
 * Return: 0, or a negative errno after a message; virtio_vsock_destroy() is due in
 * any case.
 */
int virtio_vsock_init(struct virtio_vsock *vs, const struct vsock_config *config,
		      const struct guest_ram *ram, struct irqchip *irqchip)
{
	const struct virtio_vsock_config space = { .guest_cid = config->cid };
	int ret;

	*vs = (struct virtio_vsock) { .cid = config->cid, .listen_fd = -1, .epoll_fd = -1 };
	TAILQ_INIT(&vs->conns);
	ret = virtio_init(&vs->vd, &vsock_ops, "vsock", ram, irqchip);
	if (ret)
		return fail(ret, "cannot make vsock: %s", strerror(-ret));
	memcpy(vs->vd.config, &space, sizeof(space));
	return listen_at(vs, config->path);
}

/**
 * virtio_vsock_destroy() - undo virtio_vsock_init(), whether it succeeded or not
 * @vs: the device, unplugged
 */
void virtio_vsock_destroy(struct virtio_vsock *vs)
{
	drop_all(vs);
	if (vs->path)
		unlink(vs->path);
	if (vs->listen_fd >= 0)
		close(vs->listen_fd);
	if (vs->epoll_fd >= 0)
		close(vs->epoll_fd);
	virtio_destroy(&vs->vd);
}

struct vsock {
	struct peripheral p;
	struct vsock_config config;
	struct virtio_vsock vs;
};

/**
 * vsock_parse() - read the value of --vsock
 * @config: out
 * @text: PATH[,cid=N]; changed, and kept
 *
 * Return: 0, or -EINVAL after a message.
 */
int vsock_parse(struct vsock_config *config, char *text)
{
	char *comma = strrchr(text, ',');
	u64 cid = VSOCK_CID_DEFAULT;

	if (comma && !strncmp(comma, ",cid=", 5)) {
		if (parse_u64(comma + 5, UINT32_MAX - 1, &cid) || cid < VSOCK_CID_MIN)
			return fail(-EINVAL, "cid=%s is no number from %u to %u", comma + 5,
				    VSOCK_CID_MIN, UINT32_MAX - 1);
		*comma = '\0';
	}
	if (!*text || strlen(text) > VSOCK_PATH_MAX)
		return fail(-EINVAL, "--vsock needs a path of 1 to %u bytes", VSOCK_PATH_MAX);
	*config = (struct vsock_config) { .path = text, .cid = cid };
	return 0;
}

static int vsock_kind_parse(struct peripheral *p, char *text)
{
	return vsock_parse(&container_of(p, struct vsock, p)->config, text);
}

static int vsock_create(struct peripheral *p, const struct board *board)
{
	struct vsock *vsock = container_of(p, struct vsock, p);
	int ret = virtio_vsock_init(&vsock->vs, &vsock->config, board->ram, board->irqchip);

	return ret ? ret : virtio_join(&vsock->vs.vd, board);
}

static void vsock_destroy(struct peripheral *p)
{
	struct vsock *vsock = container_of(p, struct vsock, p);

	virtio_unplug(&vsock->vs.vd);
	virtio_vsock_destroy(&vsock->vs);
}

const struct peripheral_kind vsock_kind = {
	.option = "vsock",
	.argument = "PATH[,cid=N]",
	.help = "stream sockets: the guest's port P of the host is the\n"
		"UNIX socket PATH_P, and \"CONNECT P\" at PATH is the guest's",
	.plural = "socket devices",
	.max = 1,
	.size = sizeof(struct vsock),
	.parse = vsock_kind_parse,
	.create = vsock_create,
	.destroy = vsock_destroy,
};
