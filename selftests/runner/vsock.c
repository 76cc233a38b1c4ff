// SPDX-License-Identifier: GPL-2.0-only
/* The virtio socket device: connections both ways, credit, shutdown, nonsense. */
#include <errno.h>
#include <linux/virtio_vsock.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fakeguest.h"

#define CID		3
#define GUEST_PORT	5000
#define RX		(FAKE_DATA + 0x80000)	/* the guest's buffers, BUFFER bytes each */
#define BUFFER		4096
#define HEADER		sizeof(struct virtio_vsock_hdr)
#define NR_RX		8
#define ALLOC		65536

static struct fake g;
static u16 seen;		/* packets that the guest has looked at */
static u32 guest_forwarded;	/* bytes that it has consumed */

static int unix_socket(const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", fake_folder(), name);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static int listen_at(const char *name)
{
	struct sockaddr_un address;
	int fd = unix_socket(name, &address);

	unlink(address.sun_path);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	EXPECT_EQ(listen(fd, 4), 0);
	return fd;
}

static int connect_to(const char *name)
{
	struct sockaddr_un address;
	int fd = unix_socket(name, &address);

	EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void give_buffer(unsigned int i)
{
	fake_describe(&g, FAKE_DESC(0), i, RX + i * BUFFER, BUFFER, VRING_DESC_F_WRITE, 0);
	fake_offer(&g, 0, i);
}

static void setup(void)
{
	char *text;

	EXPECT(asprintf(&text, "%s/vsock,cid=%u", fake_folder(), CID) > 0);
	EXPECT(fake_open(&g, &vsock_kind, text));
	free(text);
	fake_start(&g);
	seen = 0;
	guest_forwarded = 0;
	EXPECT_EQ(fake_get(&g, FAKE_DEVICE, 8), CID);
	for (unsigned int i = 0; i < NR_RX; i++)
		give_buffer(i);
}

static struct virtio_vsock_hdr packet(u16 op, u32 host_port)
{
	return (struct virtio_vsock_hdr) {
		.src_cid = CID, .dst_cid = 2, .src_port = GUEST_PORT, .dst_port = host_port,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = op, .buf_alloc = ALLOC,
		.fwd_cnt = guest_forwarded,
	};
}

static void send_raw(const struct virtio_vsock_hdr *header, const void *data, u32 len)
{
	static u8 whole[HEADER + 70000];

	memcpy(whole, header, HEADER);
	if (len)
		memcpy(whole + HEADER, data, len);
	fake_ask(&g, 1, whole, HEADER + len, 0);
}

static void send_data(u32 host_port, const void *data, u32 len)
{
	struct virtio_vsock_hdr header = packet(VIRTIO_VSOCK_OP_RW, host_port);

	header.len = len;
	send_raw(&header, data, len);
}

static void send_op(u16 op, u32 host_port)
{
	const struct virtio_vsock_hdr header = packet(op, host_port);

	send_raw(&header, NULL, 0);
}

/* The next packet for the guest, or NULL; its data follows. */
static const struct virtio_vsock_hdr *next(void)
{
	static u8 copy[BUFFER];
	unsigned int id;

	fake_turn(&g);
	if (fake_used(&g, 0)->idx == seen)
		return NULL;
	id = fake_used(&g, 0)->ring[seen++ % FAKE_QUEUE_SIZE].id;
	memcpy(copy, fake_at(&g, RX + id * BUFFER), BUFFER);
	give_buffer(id);
	return (const void *)copy;
}

static u32 expect(u16 op)
{
	const struct virtio_vsock_hdr *header = next();

	EXPECT(header);
	if (!header)
		return 0;
	EXPECT_EQ(header->op, op);
	EXPECT_EQ(header->src_cid, 2);
	EXPECT_EQ(header->dst_cid, CID);
	return header->src_port;
}

/* A connection that the guest has asked for; the host's end. */
static int guest_connects(int listener)
{
	send_op(VIRTIO_VSOCK_OP_REQUEST, 1000);
	EXPECT_EQ(expect(VIRTIO_VSOCK_OP_RESPONSE), 1000);
	return accept4(listener, NULL, NULL, SOCK_NONBLOCK);
}

static void guest_connects_and_talks(void)
{
	int listener = listen_at("vsock_1000"), fd;
	const struct virtio_vsock_hdr *header;
	char data[64] = "";

	setup();
	fd = guest_connects(listener);
	EXPECT(fd >= 0);
	send_data(1000, "question", 8);
	EXPECT_EQ(read(fd, data, sizeof(data)), 8);
	EXPECT(!memcmp(data, "question", 8));
	EXPECT_EQ(write(fd, "answer", 6), 6);
	header = next();
	EXPECT(header && header->op == VIRTIO_VSOCK_OP_RW && header->len == 6);
	EXPECT(header && header->fwd_cnt == 8 && header->buf_alloc);
	EXPECT(header && !memcmp(header + 1, "answer", 6));
	/* The guest shuts: the host reads the end, and the guest a reset. */
	send_data(1000, "last", 4);
	{
		struct virtio_vsock_hdr shut = packet(VIRTIO_VSOCK_OP_SHUTDOWN, 1000);

		shut.flags = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
		send_raw(&shut, NULL, 0);
	}
	expect(VIRTIO_VSOCK_OP_RST);
	EXPECT_EQ(read(fd, data, sizeof(data)), 4);
	EXPECT_EQ(read(fd, data, sizeof(data)), 0);
	EXPECT(!next());
	close(fd);
	close(listener);
	fake_close(&g);
}

static void host_connects(void)
{
	char data[64] = "";
	u32 port;
	int fd;

	setup();
	fd = connect_to("vsock");
	fake_turn(&g);
	EXPECT_EQ(write(fd, "CONN", 4), 4);
	EXPECT(!next());
	EXPECT_EQ(write(fd, "ECT 5000\nearly", 14), 14);
	port = expect(VIRTIO_VSOCK_OP_REQUEST);
	EXPECT(!next());			/* nothing before it is accepted */
	send_op(VIRTIO_VSOCK_OP_RESPONSE, port);
	EXPECT(read(fd, data, sizeof(data)) > 0);
	EXPECT(!strncmp(data, "OK ", 3) && (u32)atoi(data + 3) == port);
	EXPECT_EQ(expect(VIRTIO_VSOCK_OP_RW), port);
	/* The host closes: the guest is told, and answers by a reset. */
	close(fd);
	EXPECT_EQ(expect(VIRTIO_VSOCK_OP_SHUTDOWN), port);
	send_op(VIRTIO_VSOCK_OP_RST, port);
	send_data(port, "x", 1);		/* there is no such connection any more */
	EXPECT_EQ(expect(VIRTIO_VSOCK_OP_RST), port);
	fake_close(&g);
}

static void bad_greetings(void)
{
	static const char *const greetings[] = {
		"CONNECT\n", "CONNECT x\n", "CONNECT -1\n", "CONNECT 4294967295\n",
		"CONNECT 5000x\n", "HELLO 5000\n", "CONNECT 00000000005000\n", "\n",
	};
	char byte;

	setup();
	for (unsigned int i = 0; i < ARRAY_SIZE(greetings); i++) {
		int fd = connect_to("vsock");
		ssize_t n;

		EXPECT(write(fd, greetings[i], strlen(greetings[i])) > 0);
		fake_turn(&g);			/* it is accepted, then heard */
		EXPECT(!next());
		n = read(fd, &byte, 1);
		EXPECT(!n || (n < 0 && errno == ECONNRESET));
		close(fd);
	}
	fake_close(&g);
}

/* The guest refuses, or nobody listens on the host. */
static void refusals(void)
{
	char byte;
	u32 port;
	int fd;

	setup();
	send_op(VIRTIO_VSOCK_OP_REQUEST, 1234);
	EXPECT_EQ(expect(VIRTIO_VSOCK_OP_RST), 1234);
	fd = connect_to("vsock");
	EXPECT_EQ(write(fd, "CONNECT 77\n", 11), 11);
	fake_turn(&g);
	port = expect(VIRTIO_VSOCK_OP_REQUEST);
	{
		struct virtio_vsock_hdr reset = packet(VIRTIO_VSOCK_OP_RST, port);

		reset.src_port = 77;
		send_raw(&reset, NULL, 0);
	}
	EXPECT_EQ(read(fd, &byte, 1), 0);
	EXPECT(!next());
	close(fd);
	fake_close(&g);
}

/* A host that does not read: the guest may send what is agreed and no more. */
static void guest_has_credit(void)
{
	static u8 data[16384], back[16384];
	int listener = listen_at("vsock_1000"), fd;
	u32 sent = 0, got = 0;
	ssize_t n;

	setup();
	fd = guest_connects(listener);
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 251;
	/* The socket takes some, then the device's buffer; credit is told on the way. */
	for (;;) {
		const struct virtio_vsock_hdr *header;
		struct virtio_vsock_hdr ask = packet(VIRTIO_VSOCK_OP_CREDIT_REQUEST, 1000);
		u32 room;

		send_raw(&ask, NULL, 0);
		do
			header = next();
		while (header && header->op != VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		EXPECT(header);
		if (!header)
			break;
		room = header->buf_alloc - (sent - header->fwd_cnt);
		if (room < sizeof(data))
			break;
		send_data(1000, data, sizeof(data));
		sent += sizeof(data);
	}
	EXPECT(!fake_broken(&g));
	EXPECT(sent >= ALLOC);
	/* All of it arrives once the host reads. */
	while (got < sent) {
		n = read(fd, back, MIN(sizeof(back) - got % sizeof(back), sent - got));
		if (n < 0) {
			while (next())
				;
			n = read(fd, back, MIN(sizeof(back) - got % sizeof(back), sent - got));
		}
		if (n <= 0)
			break;
		EXPECT(!memcmp(back, data + got % sizeof(data), n));
		got += n;
	}
	EXPECT_EQ(got, sent);
	close(fd);
	close(listener);
	fake_close(&g);
}

static void overdrawn_credit(void)
{
	int listener = listen_at("vsock_1000"), fd;
	static u8 data[65536];
	unsigned int i;

	setup();
	fd = guest_connects(listener);
	for (i = 0; i < 64; i++) {
		const struct virtio_vsock_hdr *header;

		send_data(1000, data, sizeof(data));
		header = next();
		if (header && header->op == VIRTIO_VSOCK_OP_RST)
			break;
	}
	EXPECT(i < 64);
	EXPECT(!fake_broken(&g));
	close(fd);
	close(listener);
	fake_close(&g);
}

/* The guest's buffer is full: the host waits, and goes on when there is room. */
static void host_has_credit(void)
{
	int listener = listen_at("vsock_1000"), fd;
	const struct virtio_vsock_hdr *header;
	static u8 data[65536];
	u32 got = 0, asked = 0;

	setup();
	{
		struct virtio_vsock_hdr request = packet(VIRTIO_VSOCK_OP_REQUEST, 1000);

		request.buf_alloc = 5000;
		send_raw(&request, NULL, 0);
	}
	expect(VIRTIO_VSOCK_OP_RESPONSE);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	EXPECT_EQ(write(fd, data, sizeof(data)), sizeof(data));
	while ((header = next())) {
		if (header->op == VIRTIO_VSOCK_OP_RW)
			got += header->len;
		else
			asked += header->op == VIRTIO_VSOCK_OP_CREDIT_REQUEST;
	}
	EXPECT_EQ(got, 5000);
	EXPECT_EQ(asked, 1);
	guest_forwarded = got;
	send_op(VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1000);
	while ((header = next()))
		if (header->op == VIRTIO_VSOCK_OP_RW)
			got += header->len;
	EXPECT_EQ(got, sizeof(data));		/* ALLOC is more than the rest */
	/* To have consumed what was never sent is nonsense. */
	guest_forwarded = got + 1;
	send_op(VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1000);
	expect(VIRTIO_VSOCK_OP_RST);
	close(fd);
	close(listener);
	fake_close(&g);
}

/* One direction is shut, the other goes on. */
static void half_closed(void)
{
	int listener = listen_at("vsock_1000"), fd;
	const struct virtio_vsock_hdr *header;
	char data[16];

	setup();
	fd = guest_connects(listener);
	shutdown(fd, SHUT_WR);
	header = next();
	EXPECT(header && header->op == VIRTIO_VSOCK_OP_SHUTDOWN);
	EXPECT(header && header->flags == VIRTIO_VSOCK_SHUTDOWN_SEND);
	send_data(1000, "still", 5);
	EXPECT_EQ(read(fd, data, sizeof(data)), 5);
	{
		struct virtio_vsock_hdr shut = packet(VIRTIO_VSOCK_OP_SHUTDOWN, 1000);

		shut.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
		send_raw(&shut, NULL, 0);
	}
	EXPECT_EQ(read(fd, data, sizeof(data)), 0);
	/* Now both are. */
	header = next();
	EXPECT(header && header->op == VIRTIO_VSOCK_OP_SHUTDOWN && header->flags == 3);
	send_data(1000, "too late", 8);
	expect(VIRTIO_VSOCK_OP_RST);
	close(fd);
	close(listener);
	fake_close(&g);
}

static void nonsense_is_reset(void)
{
	static const struct {
		u64 offset;
		u32 size, value;
		bool answered;
	} cases[] = {
		{ offsetof(struct virtio_vsock_hdr, src_cid), 4, 9, false },	/* another's name */
		{ offsetof(struct virtio_vsock_hdr, dst_cid), 4, 9, true },
		{ offsetof(struct virtio_vsock_hdr, type), 2, 7, true },
		{ offsetof(struct virtio_vsock_hdr, op), 2, 0, true },
		{ offsetof(struct virtio_vsock_hdr, op), 2, 8, true },
		{ offsetof(struct virtio_vsock_hdr, op), 2, 0xffff, true },
		{ offsetof(struct virtio_vsock_hdr, len), 4, 1, true },
		{ offsetof(struct virtio_vsock_hdr, len), 4, 0xffffffff, true },
		{ offsetof(struct virtio_vsock_hdr, op), 2, VIRTIO_VSOCK_OP_RST, false },
	};

	setup();
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct virtio_vsock_hdr header = packet(VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1000);
		const struct virtio_vsock_hdr *reply;

		memcpy((u8 *)&header + cases[i].offset, &cases[i].value, cases[i].size);
		send_raw(&header, NULL, 0);
		reply = next();
		EXPECT_EQ(!!reply, cases[i].answered);
		EXPECT(!reply || reply->op == VIRTIO_VSOCK_OP_RST);
	}
	EXPECT(!fake_broken(&g));
	fake_close(&g);
}

/* Answers wait for buffers, but not more than so many: then the guest's packets do. */
static void answers_are_bounded(void)
{
	const struct virtio_vsock_hdr header = packet(VIRTIO_VSOCK_OP_RW, 1000);
	unsigned int taken = 0;

	setup();
	fake_start(&g);				/* without buffers */
	memcpy(fake_at(&g, FAKE_DATA), &header, HEADER);
	fake_describe(&g, FAKE_DESC(1), 0, FAKE_DATA, HEADER, 0, 0);
	for (unsigned int i = 0; i < 200; i++) {
		fake_offer(&g, 1, 0);
		fake_turn(&g);
		if (fake_used(&g, 1)->idx == taken)
			break;
		taken = fake_used(&g, 1)->idx;
	}
	EXPECT_EQ(taken, 64);
	for (unsigned int i = 0; i < NR_RX; i++)
		give_buffer(i);
	fake_turn(&g);
	EXPECT_EQ(fake_used(&g, 0)->idx, NR_RX);
	EXPECT_EQ(fake_used(&g, 1)->idx, 65);
	EXPECT(!fake_broken(&g));
	fake_close(&g);
}

static const struct tap_test tests[] = {
	{ "vsock: the guest connects and talks", guest_connects_and_talks },
	{ "vsock: the host connects", host_connects },
	{ "vsock: greetings that are none", bad_greetings },
	{ "vsock: refusals", refusals },
	{ "vsock: a host that does not read", guest_has_credit },
	{ "vsock: a guest that sends more than it may", overdrawn_credit },
	{ "vsock: a guest that does not read", host_has_credit },
	{ "vsock: half closed", half_closed },
	{ "vsock: nonsense is reset", nonsense_is_reset },
	{ "vsock: answers that wait are bounded", answers_are_bounded },
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return tap_main(tests, ARRAY_SIZE(tests));
}
