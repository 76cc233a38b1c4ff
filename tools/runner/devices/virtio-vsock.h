/* SPDX-License-Identifier: GPL-2.0-only */
/* Stream sockets between guest and host: the host's are UNIX sockets. */
#ifndef VMXL_VIRTIO_VSOCK_H
#define VMXL_VIRTIO_VSOCK_H

#include <linux/virtio_vsock.h>
#include <sys/queue.h>

#include "unix-socket.h"
#include "virtio.h"

#define VSOCK_CID_HOST		2
#define VSOCK_CID_MIN		3	/* of guests (virtio 1.2, section 5.10.4) */
#define VSOCK_CID_DEFAULT	3
#define VSOCK_CONNS_MAX		256
/* What the guest may send ahead of what the host's socket takes, in bytes */
#define VSOCK_BUFFER_SIZE	65536u
/* Resets that wait for a buffer of the guest's */
#define VSOCK_RESETS_MAX	64
/* "_" and a port are added to the socket's path, which has to fit in sun_path. */
#define VSOCK_PATH_MAX		(UNIX_PATH_LEN - 11)

/**
 * struct vsock_config - as the command line gives it
 * @path: of the UNIX socket, or NULL for no device
 * @cid: the guest's context id
 */
struct vsock_config {
	const char *path;
	u32 cid;
};

/**
 * enum vsock_state - where a connection is
 * @VSOCK_GREETING: a host's program has not yet said which port it wants
 * @VSOCK_REQUESTED: the guest has not yet answered to a request
 * @VSOCK_OPEN: data flow
 * @VSOCK_LINGERING: the guest has closed, what it sent is still to be written
 */
enum vsock_state { VSOCK_GREETING, VSOCK_REQUESTED, VSOCK_OPEN, VSOCK_LINGERING };

/* Packets that a connection has to send: bits of vsock_conn.pending, sent in this order */
enum {
	VSOCK_SEND_REQUEST = 1 << 0,
	VSOCK_SEND_RESPONSE = 1 << 1,
	VSOCK_SEND_SHUTDOWN = 1 << 2,
	VSOCK_SEND_CREDIT_REQUEST = 1 << 3,
	VSOCK_SEND_CREDIT = 1 << 4,
};

/**
 * struct vsock_conn - a connection; its numbers are those of section 5.10.6.3
 * @fd: the host's socket; -1 once it is gone
 * @pending: VSOCK_SEND_*
 * @readable: reading @fd may give data; @writable: writing may take some
 * @hung_up: the host's program has closed its end
 * @asked: for credit, since the guest last gave some
 * @guest_shut: VIRTIO_VSOCK_SHUTDOWN_*, as the guest said; @host_shut as it is told
 * @peer_alloc, @peer_fwd: the guest's buffer, and what it has consumed
 * @sent: bytes sent to the guest
 * @received: bytes from the guest; @forwarded: of those, written to @fd
 * @told: @forwarded as the guest knows it
 * @buffer: what @fd did not yet take, or NULL: @fill bytes from @start on, round
 */
struct vsock_conn {
	TAILQ_ENTRY(vsock_conn) link;
	int fd;
	enum vsock_state state;
	u32 guest_port, host_port;
	u8 pending;
	bool readable, writable, hung_up, asked;
	u8 guest_shut, host_shut;
	u32 peer_alloc, peer_fwd, sent;
	u32 received, forwarded, told;
	u8 *buffer;
	u32 start, fill;
};

TAILQ_HEAD(vsock_conns, vsock_conn);

/**
 * struct virtio_vsock - a socket device; guarded by the device's lock
 * @path: of the socket that the host's programs connect to
 * @listen_fd: that socket; @epoll_fd: it and all connections
 * @conns: connections, @nr_conns of them; who has sent goes to the end
 * @next_port: of the host's, for its connections
 * @resets: answers to packets that belong to no connection; @nr_resets
 * @has_buffer: the next packet for the guest goes to @buffer
 */
struct virtio_vsock {
	struct virtio_device vd;
	u32 cid;
	const char *path;
	int listen_fd, epoll_fd;
	struct vsock_conns conns;
	unsigned int nr_conns;
	u32 next_port;
	struct virtio_vsock_hdr resets[VSOCK_RESETS_MAX];
	unsigned int nr_resets;
	bool has_buffer;
	struct virtq_chain buffer;
};

int vsock_parse(struct vsock_config *config, char *text);
int virtio_vsock_init(struct virtio_vsock *vs, const struct vsock_config *config,
		      const struct guest_ram *ram, struct irqchip *irqchip);
void virtio_vsock_destroy(struct virtio_vsock *vs);

/* vsock-conn.c: connections and their sockets, with the device's lock held */
struct vsock_conn *vsock_find(struct virtio_vsock *vs, u32 guest_port, u32 host_port);
struct vsock_conn *vsock_add(struct virtio_vsock *vs, int fd, enum vsock_state state);
void vsock_remove(struct virtio_vsock *vs, struct vsock_conn *conn);
void vsock_let_go(struct virtio_vsock *vs, struct vsock_conn *conn);
bool vsock_connect(struct virtio_vsock *vs, u32 guest_port, u32 host_port);
bool vsock_accepted(struct vsock_conn *conn);
void vsock_forward(struct vsock_conn *conn, struct iovec *iov, unsigned int nr, u32 len);
ssize_t vsock_fetch(struct vsock_conn *conn, struct iovec *iov, unsigned int nr);
void vsock_guest_shuts(struct vsock_conn *conn, u8 flags);
bool vsock_take_credit(struct vsock_conn *conn, u32 alloc, u32 forwarded);
u32 vsock_credit(const struct vsock_conn *conn);
void vsock_poll_host(struct virtio_vsock *vs);

#endif /* VMXL_VIRTIO_VSOCK_H */
