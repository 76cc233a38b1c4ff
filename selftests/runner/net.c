// SPDX-License-Identifier: GPL-2.0-only
/* Networks: their names, and libslirp's with good frames and bad. */
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "virtio-net.h"

static unsigned int frames;
static u8 last[NET_FRAME_MAX];
static size_t last_len;

static bool can_receive(struct net_card *card)
{
	(void)card;
	return true;
}

static void receive(struct net_card *card, const void *frame, size_t len)
{
	(void)card;
	frames++;
	last_len = len;
	EXPECT(len <= sizeof(last));
	memcpy(last, frame, len);
}

static int parse(struct net_config *config, const char *text)
{
	static char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	return net_parse(config, copy);
}

static void parses(void)
{
	struct net_config config;

	EXPECT_EQ(parse(&config, "user"), 0);
	EXPECT(!config.tap);
	EXPECT_EQ(config.nr_forwards, 0);
	EXPECT_EQ(parse(&config, "user,hostfwd=tcp:8022:22,hostfwd=udp:65535:1"), 0);
	EXPECT_EQ(config.nr_forwards, 2);
	EXPECT(!config.forwards[0].udp);
	EXPECT_EQ(config.forwards[0].host_port, 8022);
	EXPECT_EQ(config.forwards[0].guest_port, 22);
	EXPECT(config.forwards[1].udp);
	EXPECT_EQ(config.forwards[1].host_port, 65535);
	EXPECT_EQ(config.forwards[1].guest_port, 1);
	EXPECT_EQ(parse(&config, "tap=tap0"), 0);
	EXPECT(config.tap && !strcmp(config.tap, "tap0"));
}

static struct net *make_user(void)
{
	const struct net_config config = { };
	struct net *net = NULL;

	EXPECT_EQ(net_user_create(&config, &net), 0);
	net->can_receive = can_receive;
	net->receive = receive;
	frames = 0;
	return net;
}

static const u8 mac[6] = { 0x52, 0x54, 0, 0x76, 0x6d, 0 };

/* Who has 10.0.2.2? (RFC 826) */
static const u8 question[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x76, 0x6d, 0, 8, 6,
	0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0x76, 0x6d, 0, 10, 0, 2, 15,
	0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
};

static void answers_arp(void)
{
	static const u8 sender[] = { 10, 0, 2, 2 };
	struct net *net = make_user();

	net->send(net, question, sizeof(question));
	EXPECT_EQ(frames, 1);
	EXPECT(last_len >= 42);
	EXPECT(!memcmp(last, mac, 6));
	EXPECT_EQ(last[21], 2);			/* a reply */
	EXPECT(!memcmp(last + 28, sender, 4));
	net->destroy(net);
}

/* Frames of each length and of many kinds: the sanitizers watch. */
static void survives_nonsense(void)
{
	static const u16 types[] = { 0x0800, 0x0806, 0x86dd, 0x8100, 0x0000, 0xffff };
	struct pollfd fds[VIRTIO_POLL_MAX];
	struct net *net = make_user();
	u8 frame[NET_FRAME_MAX];
	int timeout = -1;

	srandom(1);
	for (size_t len = NET_FRAME_MIN; len <= sizeof(frame); len++) {
		for (size_t i = 0; i < len; i++)
			frame[i] = random();
		memcpy(frame + 6, mac, 6);
		frame[12] = types[len % ARRAY_SIZE(types)] >> 8;
		frame[13] = types[len % ARRAY_SIZE(types)];
		net->send(net, frame, len);
	}
	EXPECT(net->poll(net, fds, &timeout) <= VIRTIO_POLL_MAX);
	net->polled(net, fds, 0);
	net->destroy(net);
}

/* A card without its thread, so that all happens in turn. */
#define RAM_SIZE	MIB
#define HEADER		12
#define QUEUE(q)	(0x10000 + (q) * 0x4000)
#define BUFFER(q)	(0x40000 + (q) * 0x4000)

static struct guest_ram ram;
static struct bus ports, mmio;
static struct reset reset;
static struct power power;
static struct pci_bus pci;
static struct net_card card;

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	(void)gsi;
	(void)level;
}

static struct irqchip irqchip = { .set_line = set_line };

static void start_queue(unsigned int q)
{
	struct virtq *vq = &card.vd.queues[q];

	vq->size = 4;
	vq->desc_gpa = QUEUE(q);
	vq->avail_gpa = QUEUE(q) + 0x1000;
	vq->used_gpa = QUEUE(q) + 0x2000;
	EXPECT_EQ(virtq_start(vq, &ram, 1ULL << VIRTIO_F_VERSION_1), 0);
}

static void card_setup(void)
{
	const struct net_config config = { };

	ram = (struct guest_ram) { .base = calloc(1, RAM_SIZE), .lowmem = RAM_SIZE };
	bus_init(&ports, 0xffff);
	bus_init(&mmio, UINT64_MAX);
	EXPECT_EQ(reset_init(&reset, &ports, &power), 0);
	EXPECT_EQ(pci_init(&pci, &ports, &mmio, &irqchip, &reset), 0);
	EXPECT_EQ(virtio_net_init(&card, &config, 0, &ram, &irqchip), 0);
	EXPECT_EQ(pci_add(&pci, 1, &card.vd.pci), 0);
	card.vd.bus_master = true;
	card.vd.status = 15;
	start_queue(0);
	start_queue(1);
}

static void card_teardown(void)
{
	virtio_unplug(&card.vd);
	virtio_net_destroy(&card);
	pci_destroy(&pci, &ports);
	reset_destroy(&reset, &ports);
	bus_destroy(&mmio);
	bus_destroy(&ports);
	free(ram.base);
}

static void hand_over(unsigned int q, u32 len)
{
	struct vring_avail *avail = (void *)(ram.base + QUEUE(q) + 0x1000);
	struct vring_desc *desc = (void *)(ram.base + QUEUE(q));

	desc[0] = (struct vring_desc) { BUFFER(q), len, q ? 0 : VRING_DESC_F_WRITE, 0 };
	avail->ring[avail->idx++ % 4] = 0;
}

static struct vring_used *used(unsigned int q)
{
	return (void *)(ram.base + QUEUE(q) + 0x2000);
}

static void ask(u32 len)
{
	memcpy(ram.base + BUFFER(1) + HEADER, question, sizeof(question));
	hand_over(1, len);
	card.vd.ops->run(&card.vd);
}

static void card_sends_and_receives(void)
{
	card_setup();
	EXPECT(!memcmp(card.vd.config, mac, sizeof(mac)));
	hand_over(0, HEADER + NET_FRAME_MAX);
	ask(HEADER + sizeof(question));
	EXPECT_EQ(used(1)->idx, 1);
	EXPECT_EQ(used(0)->idx, 1);
	EXPECT(used(0)->ring[0].len >= HEADER + 42);
	EXPECT_EQ(ram.base[BUFFER(0) + 10], 1);		/* one buffer */
	EXPECT(!memcmp(ram.base + BUFFER(0) + HEADER, mac, sizeof(mac)));
	EXPECT_EQ(ram.base[BUFFER(0) + HEADER + 21], 2);	/* a reply */
	EXPECT_EQ(card.vd.isr, 1);
	card_teardown();
}

static void card_loses_what_is_no_frame(void)
{
	static const u32 lengths[] = {
		1, HEADER, HEADER + NET_FRAME_MIN - 1, HEADER + NET_FRAME_MAX + 1, 0x80000,
	};

	card_setup();
	hand_over(0, HEADER + NET_FRAME_MAX);
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		ask(lengths[i]);
		EXPECT_EQ(used(1)->idx, i + 1);		/* given back all the same */
	}
	EXPECT_EQ(used(0)->idx, 0);
	EXPECT_EQ(card.vd.status, 15);
	card_teardown();
}

static void card_without_buffers(void)
{
	card_setup();
	ask(HEADER + sizeof(question));			/* the answer is lost */
	EXPECT_EQ(used(1)->idx, 1);
	EXPECT_EQ(card.vd.status, 15);
	hand_over(0, HEADER + 20);			/* too small */
	ask(HEADER + sizeof(question));
	EXPECT_EQ(card.vd.status, 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(used(0)->idx, 0);
	ask(HEADER + sizeof(question));			/* it stands still */
	card_teardown();
}

static const struct tap_test tests[] = {
	{ "net: names of networks", parses },
	{ "net: libslirp answers ARP", answers_arp },
	{ "net: libslirp survives nonsense", survives_nonsense },
	{ "net: a card sends and receives", card_sends_and_receives },
	{ "net: what is no frame is lost", card_loses_what_is_no_frame },
	{ "net: a card without buffers, and with small ones", card_without_buffers },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
