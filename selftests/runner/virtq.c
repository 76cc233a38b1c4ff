// SPDX-License-Identifier: GPL-2.0-only
/* The split virtqueue, good and hostile. */
#include <linux/virtio_pci.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "virtq.h"

#define RAM_SIZE	(2 * MIB)
#define SIZE		8
#define DESC		0x1000
#define AVAIL		0x2000
#define USED		0x3000
#define INDIRECT	0x4000
#define DATA		0x10000
#define FEATURES	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX | \
			 1ULL << VIRTIO_RING_F_INDIRECT_DESC)

static struct guest_ram ram;
static struct virtq vq;
static struct virtq_chain chain;

/* Exactly the RAM, so that the address sanitizer sees what leaves it. */
static void setup(u64 features)
{
	ram = (struct guest_ram) { .base = calloc(1, RAM_SIZE), .lowmem = RAM_SIZE };
	virtq_reset(&vq);
	vq.size = SIZE;
	vq.desc_gpa = DESC;
	vq.avail_gpa = AVAIL;
	vq.used_gpa = USED;
	EXPECT_EQ(virtq_start(&vq, &ram, features), 0);
}

static void teardown(void)
{
	free(ram.base);
}

static void *at(u64 gpa)
{
	return ram.base + gpa;
}

static void descriptor(u64 table, unsigned int i, u64 addr, u32 len, u16 flags, u16 next)
{
	((struct vring_desc *)at(table))[i] = (struct vring_desc) { addr, len, flags, next };
}

static void make_available(u16 head)
{
	struct vring_avail *avail = at(AVAIL);

	avail->ring[avail->idx % SIZE] = head;
	avail->idx++;
}

static void takes_chains(void)
{
	struct vring_used *used;

	setup(FEATURES);
	EXPECT(!virtq_pop(&vq, &chain));
	descriptor(DESC, 3, DATA, 16, VRING_DESC_F_NEXT, 5);
	descriptor(DESC, 5, DATA + 0x100, 0, VRING_DESC_F_NEXT, 0);	/* an empty one */
	descriptor(DESC, 0, DATA + 0x200, 512, VRING_DESC_F_WRITE, 77);
	make_available(3);
	EXPECT(virtq_pop(&vq, &chain));
	EXPECT_EQ(chain.head, 3);
	EXPECT_EQ(chain.nr_out, 1);
	EXPECT_EQ(chain.nr_in, 1);
	EXPECT_EQ((char *)chain.iov[0].iov_base - ram.base, DATA);
	EXPECT_EQ(chain.iov[0].iov_len, 16);
	EXPECT_EQ((char *)chain.iov[1].iov_base - ram.base, DATA + 0x200);
	EXPECT_EQ(chain.iov[1].iov_len, 512);
	EXPECT(!virtq_pop(&vq, &chain));
	EXPECT(!vq.fault);

	virtq_push(&vq, 3, 512);
	used = at(USED);
	EXPECT_EQ(used->idx, 1);
	EXPECT_EQ(used->ring[0].id, 3);
	EXPECT_EQ(used->ring[0].len, 512);
	teardown();
}

/* Both indices wrap at 65536 and the entries at the size. */
static void wraps(void)
{
	struct vring_used *used;

	setup(FEATURES);
	for (unsigned int i = 0; i < SIZE; i++)
		descriptor(DESC, i, DATA, 1, 0, 0);
	for (unsigned int i = 0; i < 0x10003; i++) {
		make_available(i % SIZE);
		if (!virtq_pop(&vq, &chain) || chain.head != i % SIZE)
			break;
		virtq_push(&vq, chain.head, i);
	}
	used = at(USED);
	EXPECT_EQ(used->idx, 3);
	EXPECT_EQ(used->ring[2].len, 0x10002);
	EXPECT(!vq.fault);
	teardown();
}

static void takes_a_full_ring(void)
{
	setup(FEATURES);
	for (unsigned int i = 0; i < SIZE; i++) {
		descriptor(DESC, i, DATA, 1, 0, 0);
		make_available(i);
	}
	for (unsigned int i = 0; i < SIZE; i++)
		EXPECT(virtq_pop(&vq, &chain));
	EXPECT(!virtq_pop(&vq, &chain));
	EXPECT(!vq.fault);
	teardown();
}

static void takes_indirect_chains(void)
{
	setup(FEATURES);
	descriptor(DESC, 1, DATA, 8, VRING_DESC_F_NEXT, 2);
	descriptor(DESC, 2, INDIRECT, 3 * 16, VRING_DESC_F_INDIRECT, 0);
	descriptor(INDIRECT, 0, DATA + 8, 8, VRING_DESC_F_NEXT, 2);
	descriptor(INDIRECT, 2, DATA + 16, 8, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	descriptor(INDIRECT, 1, DATA + 24, 8, VRING_DESC_F_WRITE, 0);
	make_available(1);
	EXPECT(virtq_pop(&vq, &chain));
	EXPECT_EQ(chain.head, 1);
	EXPECT_EQ(chain.nr_out, 2);
	EXPECT_EQ(chain.nr_in, 2);
	EXPECT_EQ((char *)chain.iov[3].iov_base - ram.base, DATA + 24);
	teardown();
}

/* An indirect table longer than a chain may be: all of one kind of buffer. */
static void long_chain(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		descriptor(INDIRECT, i, DATA, 1, i + 1 < nr ? VRING_DESC_F_NEXT : 0, i + 1);
	descriptor(DESC, 0, INDIRECT, nr * 16, VRING_DESC_F_INDIRECT, 0);
}

static void takes_the_longest_chain(void)
{
	setup(FEATURES);
	long_chain(VIRTQ_SEGS_MAX);
	make_available(0);
	EXPECT(virtq_pop(&vq, &chain));
	EXPECT_EQ(chain.nr_out, VIRTQ_SEGS_MAX);
	teardown();
}

#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define INDIR	VRING_DESC_F_INDIRECT

static const struct hostile {
	const char *fault;
	struct vring_desc desc[3];	/* 0 to 2 of the queue's table */
	struct vring_desc indirect[2];
} hostile[] = {
	{ "a chain has a loop", { { DATA, 1, NEXT, 0 } }, { } },
	{ "a chain has a loop", { { DATA, 1, NEXT, 1 }, { DATA, 0, NEXT, 0 } }, { } },
	{ "a chain has a loop", { { INDIRECT, 32, INDIR, 0 } },
	  { { DATA, 1, NEXT, 1 }, { DATA, 1, NEXT, 0 } } },
	{ "a descriptor's index is beyond its table", { { DATA, 1, NEXT, SIZE } }, { } },
	{ "a descriptor's index is beyond its table", { { DATA, 1, NEXT, 65535 } }, { } },
	{ "a descriptor's index is beyond its table", { { INDIRECT, 16, INDIR, 0 } },
	  { { DATA, 1, NEXT, 1 } } },
	{ "a buffer is not in memory", { { RAM_SIZE, 1, 0, 0 } }, { } },
	{ "a buffer is not in memory", { { RAM_SIZE - 1, 2, 0, 0 } }, { } },
	{ "a buffer is not in memory", { { DATA, 0xffffffff, WRITE, 0 } }, { } },
	{ "a buffer is not in memory", { { UINT64_MAX, 2, WRITE, 0 } }, { } },
	{ "a buffer is not in memory", { { VM_HIGHMEM_BASE, 1, 0, 0 } }, { } },
	{ "a buffer to read follows one to write",
	  { { DATA, 1, NEXT | WRITE, 1 }, { DATA, 1, 0, 0 } }, { } },
	{ "an indirect table has a bad length", { { INDIRECT, 0, INDIR, 0 } }, { } },
	{ "an indirect table has a bad length", { { INDIRECT, 17, INDIR, 0 } }, { } },
	{ "an indirect table is not in memory", { { RAM_SIZE - 16, 32, INDIR, 0 } }, { } },
	{ "an indirect table is not in memory", { { DATA, 0xfffffff0, INDIR, 0 } }, { } },
	{ "an indirect descriptor has a next one", { { INDIRECT, 16, INDIR | NEXT, 1 } }, { } },
	{ "an indirect table is in an indirect table", { { INDIRECT, 16, INDIR, 0 } },
	  { { INDIRECT, 16, INDIR, 0 } } },
};

static void refuses_hostile_chains(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(hostile); i++) {
		setup(FEATURES);
		memcpy(at(DESC), hostile[i].desc, sizeof(hostile[i].desc));
		memcpy(at(INDIRECT), hostile[i].indirect, sizeof(hostile[i].indirect));
		make_available(0);
		EXPECT(!virtq_pop(&vq, &chain));
		if (!vq.fault || strcmp(vq.fault, hostile[i].fault))
			printf("# case %u: %s, wanted: %s\n", i, vq.fault, hostile[i].fault);
		EXPECT(vq.fault && !strcmp(vq.fault, hostile[i].fault));
		/* It stays broken. */
		descriptor(DESC, 0, DATA, 1, 0, 0);
		EXPECT(!virtq_pop(&vq, &chain));
		EXPECT(!virtq_rearm(&vq));
		teardown();
	}
}

static void refuses_hostile_rings(void)
{
	struct vring_avail *avail;

	setup(FEATURES);
	avail = at(AVAIL);
	avail->idx = SIZE + 1;
	EXPECT(!virtq_pop(&vq, &chain));
	EXPECT(vq.fault);
	teardown();

	setup(FEATURES);
	make_available(SIZE);
	EXPECT(!virtq_pop(&vq, &chain));
	EXPECT(vq.fault);
	teardown();

	setup(FEATURES);
	make_available(0);
	long_chain(VIRTQ_SEGS_MAX + 1);
	EXPECT(!virtq_pop(&vq, &chain));
	EXPECT(vq.fault);
	teardown();

	setup(1ULL << VIRTIO_F_VERSION_1);	/* without INDIRECT_DESC */
	descriptor(DESC, 0, INDIRECT, 16, VRING_DESC_F_INDIRECT, 0);
	make_available(0);
	EXPECT(!virtq_pop(&vq, &chain));
	EXPECT(vq.fault);
	teardown();
}

static void refuses_bad_places(void)
{
	static const struct {
		u16 size;
		u64 desc, avail, used;
	} bad[] = {
		{ 0, DESC, AVAIL, USED },
		{ 3, DESC, AVAIL, USED },
		{ 2 * VIRTQ_SIZE_MAX, DESC, AVAIL, USED },
		{ 32768, DESC, AVAIL, USED },
		{ SIZE, DESC + 8, AVAIL, USED },
		{ SIZE, DESC, AVAIL + 1, USED },
		{ SIZE, DESC, AVAIL, USED + 2 },
		{ SIZE, RAM_SIZE - 16, AVAIL, USED },
		{ SIZE, DESC, RAM_SIZE - 20, USED },	/* all but its event */
		{ SIZE, DESC, AVAIL, RAM_SIZE - 68 },	/* likewise */
		{ SIZE, UINT64_MAX - 15, AVAIL, USED },
		{ SIZE, DESC, UINT64_MAX - 1, USED },
		{ SIZE, DESC, AVAIL, UINT64_MAX - 3 },
	};

	setup(FEATURES);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		virtq_reset(&vq);
		vq.size = bad[i].size;
		vq.desc_gpa = bad[i].desc;
		vq.avail_gpa = bad[i].avail;
		vq.used_gpa = bad[i].used;
		EXPECT_EQ(virtq_start(&vq, &ram, FEATURES), -22);
		EXPECT(vq.fault);
		EXPECT(!virtq_pop(&vq, &chain));
	}
	virtq_reset(&vq);
	virtq_push(&vq, 0, 0);		/* given back after a reset: nothing happens */
	EXPECT(!virtq_wants_interrupt(&vq));
	teardown();

	/* The last bytes of RAM will do. */
	setup(FEATURES);
	virtq_reset(&vq);
	vq.size = SIZE;
	vq.desc_gpa = DESC;
	vq.avail_gpa = AVAIL;
	vq.used_gpa = RAM_SIZE - 72;	/* multiple of 4: 4 + 8 * 8 + 2, and 2 spare */
	EXPECT_EQ(virtq_start(&vq, &ram, FEATURES), 0);
	EXPECT(!virtq_rearm(&vq));
	teardown();
}

static void interrupts_by_event(void)
{
	struct vring_avail *avail;

	setup(FEATURES);
	avail = at(AVAIL);
	EXPECT(!virtq_wants_interrupt(&vq));	/* nothing was pushed */
	avail->ring[SIZE] = 2;			/* after the third */
	virtq_push(&vq, 0, 0);
	EXPECT(!virtq_wants_interrupt(&vq));
	virtq_push(&vq, 1, 0);
	EXPECT(!virtq_wants_interrupt(&vq));
	virtq_push(&vq, 2, 0);
	EXPECT(virtq_wants_interrupt(&vq));
	EXPECT(!virtq_wants_interrupt(&vq));	/* once */
	virtq_push(&vq, 3, 0);
	EXPECT(!virtq_wants_interrupt(&vq));
	avail->ring[SIZE] = 5;			/* within a batch */
	for (unsigned int i = 0; i < 4; i++)
		virtq_push(&vq, i, 0);
	EXPECT(virtq_wants_interrupt(&vq));
	teardown();
}

static void interrupts_by_flag(void)
{
	struct vring_avail *avail;

	setup(1ULL << VIRTIO_F_VERSION_1);
	avail = at(AVAIL);
	virtq_push(&vq, 0, 0);
	EXPECT(virtq_wants_interrupt(&vq));
	avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtq_push(&vq, 0, 0);
	EXPECT(!virtq_wants_interrupt(&vq));
	teardown();
}

static void asks_for_kicks(void)
{
	struct vring_used *used;
	u16 *event;

	setup(FEATURES);
	used = at(USED);
	event = (u16 *)&used->ring[SIZE];
	descriptor(DESC, 0, DATA, 1, 0, 0);
	make_available(0);
	EXPECT(virtq_rearm(&vq));		/* something is there */
	EXPECT(virtq_pop(&vq, &chain));
	EXPECT_EQ(*event, 0);
	EXPECT(!virtq_rearm(&vq));
	EXPECT_EQ(*event, 1);
	teardown();
}

static const struct tap_test tests[] = {
	{ "virtq: takes chains and gives them back", takes_chains },
	{ "virtq: wraps", wraps },
	{ "virtq: takes a full ring", takes_a_full_ring },
	{ "virtq: takes indirect chains", takes_indirect_chains },
	{ "virtq: takes the longest chain", takes_the_longest_chain },
	{ "virtq: refuses hostile chains", refuses_hostile_chains },
	{ "virtq: refuses hostile rings", refuses_hostile_rings },
	{ "virtq: refuses bad sizes and places", refuses_bad_places },
	{ "virtq: interrupts by event index", interrupts_by_event },
	{ "virtq: interrupts by flag", interrupts_by_flag },
	{ "virtq: asks for kicks", asks_for_kicks },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
