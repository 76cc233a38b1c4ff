// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PVH guest that breaks the rules of the queues of each virtio device that it finds
 * on PCI bus 0: the device must ask for a reset, and take a good queue after it.
 */
#include "guest.h"

#define SLOTS		32
#define VENDOR		0x1af4
#define FIRST_DEVICE	0x1040
#define BARS		0x20000000u
#define BAR_SIZE	0x10000u

/* The common configuration at the beginning of BAR 0 (virtio 1.2, section 4.1.4.3) */
#define DRIVER_FEATURE_SELECT	8
#define DRIVER_FEATURE		12
#define STATUS			20
#define QUEUE_SELECT		22
#define QUEUE_SIZE		24
#define QUEUE_ENABLE		28
#define QUEUE_DESC		32
#define QUEUE_AVAIL		40
#define QUEUE_USED		48
#define NOTIFY			0x3000

#define FEATURES_OK		0x0b
#define DRIVER_OK		0x0f
#define NEEDS_RESET		0x40

#define F_INDIRECT		(1u << 28)
#define F_VERSION_1		1	/* in the high half */

#define NEXT			1
#define WRITE			2
#define INDIRECT		4

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define SIZE			8
/* How often to look whether the device has noticed */
#define LOOKS			1000000

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static struct {
	struct desc desc[SIZE];
	uint16_t avail_flags, avail_idx, avail[SIZE + 1];
	uint8_t pad[2];
	uint16_t used_flags, used_idx;
	struct {
		uint32_t id, len;
	} used[SIZE];
	uint16_t avail_event;
	struct desc indirect[2];
	uint8_t data[64];
} ring __attribute__((aligned(4096)));

static volatile uint8_t *bar;

static uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("in %1, %0" : "=a" (value) : "Nd" (port));
	return value;
}

static void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("out %0, %1" : : "a" (value), "Nd" (port));
}

static uint32_t config_read(uint32_t slot, uint32_t offset)
{
	outl(0xcf8, 0x80000000 | slot << 11 | offset);
	return inl(0xcfc);
}

static void config_write(uint32_t slot, uint32_t offset, uint32_t value)
{
	outl(0xcf8, 0x80000000 | slot << 11 | offset);
	outl(0xcfc, value);
}

static void put8(uint32_t offset, uint8_t value)
{
	*(bar + offset) = value;
}

static void put16(uint32_t offset, uint16_t value)
{
	*(volatile uint16_t *)(bar + offset) = value;
}

static void put32(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(bar + offset) = value;
}

static void put_address(uint32_t offset, uint64_t value)
{
	put32(offset, value);
	put32(offset + 4, value >> 32);
}

/* The queue that each device takes chains from by itself, by its type */
static const uint8_t queue_of[] = {
	[1] = 1,	/* net: transmit */
	[2] = 0,	/* block */
	[3] = 1,	/* console: transmit */
	[4] = 0,	/* entropy */
	[5] = 0,	/* balloon: inflate */
	[9] = 0,	/* 9P */
	[19] = 1,	/* socket: transmit */
};

/* The first descriptors, and those of an indirect table at INDIRECT_AT */
#define DATA_AT		((uint64_t)(uintptr_t)ring.data)
#define INDIRECT_AT	((uint64_t)(uintptr_t)ring.indirect)

static const struct rule {
	const char *name;
	uint16_t size;		/* of the queue */
	uint16_t idx;		/* of the available ring */
	uint16_t head;
	int outside, in_table;	/* where the first points to, if not to data */
	uint32_t len;
	uint16_t flags, next;
	struct desc indirect;
} rules[] = {
	{ "a loop", SIZE, 1, 0, 0, 0, 1, NEXT, 0, { } },
	{ "outside RAM", SIZE, 1, 0, 1, 0, 1, WRITE, 0, { } },
	{ "too long", SIZE, 1, 0, 0, 0, 0xffffffff, WRITE, 0, { } },
	{ "next beyond the table", SIZE, 1, 0, 0, 0, 1, NEXT, SIZE, { } },
	{ "a head beyond the table", SIZE, 1, SIZE, 0, 0, 1, WRITE, 0, { } },
	{ "more than the ring holds", SIZE, SIZE + 1, 0, 0, 0, 1, WRITE, 0, { } },
	{ "indirect in indirect", SIZE, 1, 0, 0, 1, 16, INDIRECT, 0, { 0, 16, INDIRECT, 0 } },
	{ "half an indirect entry", SIZE, 1, 0, 0, 1, 8, INDIRECT, 0, { } },
	{ "a size of 3", 3, 1, 0, 0, 0, 1, WRITE, 0, { } },
	{ "a size of 0", 0, 1, 0, 0, 0, 1, WRITE, 0, { } },
};

static void clear(void)
{
	uint8_t *at = (uint8_t *)&ring;
	uint32_t i;

	for (i = 0; i < sizeof(ring); i++)
		at[i] = 0;
}

static void start(uint32_t queue, uint16_t size)
{
	put8(STATUS, 0);
	put8(STATUS, 3);
	put32(DRIVER_FEATURE_SELECT, 0);
	put32(DRIVER_FEATURE, F_INDIRECT);
	put32(DRIVER_FEATURE_SELECT, 1);
	put32(DRIVER_FEATURE, F_VERSION_1);
	put8(STATUS, FEATURES_OK);
	put16(QUEUE_SELECT, queue);
	put16(QUEUE_SIZE, size);
	put_address(QUEUE_DESC, (uintptr_t)ring.desc);
	put_address(QUEUE_AVAIL, (uintptr_t)&ring.avail_flags);
	put_address(QUEUE_USED, (uintptr_t)&ring.used_flags);
	put16(QUEUE_ENABLE, 1);
	put8(STATUS, DRIVER_OK);
}

static int breaks(const struct rule *rule, uint32_t queue)
{
	uint32_t i;

	clear();
	ring.desc[0].addr = rule->outside ? 0xfee00000 : rule->in_table ? INDIRECT_AT : DATA_AT;
	ring.desc[0].len = rule->len;
	ring.desc[0].flags = rule->flags;
	ring.desc[0].next = rule->next;
	ring.indirect[0] = rule->indirect;
	ring.indirect[0].addr = INDIRECT_AT;
	ring.avail[0] = rule->head;
	ring.avail_idx = rule->idx;
	start(queue, rule->size);
	put16(NOTIFY + 4 * queue, queue);
	for (i = 0; i < LOOKS; i++)
		if (bar[STATUS] & NEEDS_RESET)
			break;
	if (i == LOOKS || *(volatile uint16_t *)&ring.used_idx)
		return 0;
	put8(STATUS, 0);
	return !bar[STATUS];
}

/* What a device does not understand, but a good chain: it comes back, or breaks it. */
static int revives(uint32_t queue)
{
	uint32_t i;

	clear();
	ring.desc[0].addr = DATA_AT;
	ring.desc[0].len = sizeof(ring.data);
	ring.desc[0].flags = WRITE;
	ring.avail_idx = 1;
	start(queue, SIZE);
	put16(NOTIFY + 4 * queue, queue);
	for (i = 0; i < LOOKS; i++)
		if (*(volatile uint16_t *)&ring.used_idx || (bar[STATUS] & NEEDS_RESET))
			return 1;
	return 0;
}

static uint32_t test(uint32_t slot, uint32_t type)
{
	uint32_t queue = queue_of[type], i, bad = 0;

	/* What is mapped here ends at 1 GiB. */
	config_write(slot, 0x10, BARS + slot * BAR_SIZE);
	config_write(slot, 0x14, 0);
	config_write(slot, 4, 6);	/* memory, bus master */
	bar = (volatile uint8_t *)(uintptr_t)(BARS + slot * BAR_SIZE);
	put_number("queues: device of type ", type);
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (!breaks(&rules[i], queue)) {
			put("queues: not broken by ");
			put(rules[i].name);
			put("\n");
			bad++;
		}
	if (!revives(queue)) {
		put("queues: not revived\n");
		bad++;
	}
	put8(STATUS, 0);
	return bad;
}

void guest_main(void)
{
	uint32_t slot, bad = 0, devices = 0;

	for (slot = 0; slot < SLOTS; slot++) {
		uint32_t id = config_read(slot, 0);
		uint32_t type = (id >> 16) - FIRST_DEVICE;

		if ((id & 0xffff) != VENDOR || type >= sizeof(queue_of))
			continue;
		bad += test(slot, type);
		devices++;
	}
	put_number("queues: devices: ", devices);
	if (bad || !devices)
		leave("queues: failed\n", 0x11);
	leave("queues: done\n", 0x10);
}
