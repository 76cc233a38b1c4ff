// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidation against a unit of a few lines: qi.c is compiled here with
 * register accesses that act at once, as VT-d specification 6.5.2 says.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/iopoll.h>

#include "iommu-lite.h"

static u32 fake_readl(const void __iomem *address);
static u64 fake_readq(const void __iomem *address);
static void fake_writel(u32 value, void __iomem *address);
static void fake_writeq(u64 value, void __iomem *address);

#undef pr_fmt
#undef readl
#undef readq
#undef writel
#undef writeq
#define readl	fake_readl
#define readq	fake_readq
#define writel	fake_writel
#define writeq	fake_writeq
#include "qi.c"

#define REGISTERS	0x1000

/**
 * struct fake - the unit
 * @registers: what is read
 * @log: descriptors taken, wait descriptors left out
 * @count: of @log
 * @refuse: descriptors to call invalid before the next is accepted
 * @drop_waits: waits to drop with a device-TLB timeout
 * @dead: takes nothing any more
 */
static struct fake {
	u8 registers[REGISTERS];
	struct il_qi_desc log[1024];
	unsigned int count;
	unsigned int refuse;
	unsigned int drop_waits;
	bool dead;
} fake;

static u32 *reg32(unsigned int offset)
{
	return (u32 *)(fake.registers + offset);
}

static u64 *reg64(unsigned int offset)
{
	return (u64 *)(fake.registers + offset);
}

static void take(struct il_qi_desc desc)
{
	u32 *status;

	if (QI_TYPE(desc.lo) != QI_WAIT) {
		fake.log[fake.count++ % ARRAY_SIZE(fake.log)] = desc;
	} else if (fake.drop_waits) {
		fake.drop_waits--;
		*reg32(DMAR_FSTS) |= FSTS_ITE;
	} else {
		status = phys_to_virt(desc.hi);
		*status = desc.lo >> 32;
	}
}

static void run_queue(void)
{
	struct il_qi_desc *ring = phys_to_virt(*reg64(DMAR_IQA) & PAGE_MASK);

	while (!fake.dead && !(*reg32(DMAR_FSTS) & FSTS_IQE) &&
	       *reg32(DMAR_GSTS) & GCMD_QIE &&
	       *reg64(DMAR_IQH) != *reg64(DMAR_IQT)) {
		struct il_qi_desc desc = ring[*reg64(DMAR_IQH) / 16];

		if (fake.refuse && QI_TYPE(desc.lo) != QI_WAIT) {
			fake.refuse--;
			*reg32(DMAR_FSTS) |= FSTS_IQE;
			return;
		}
		*reg64(DMAR_IQH) = (*reg64(DMAR_IQH) + 16) % PAGE_SIZE;
		take(desc);
	}
}

static unsigned int offset_of(const void __iomem *address)
{
	return (__force const u8 *)address - fake.registers;
}

static u32 fake_readl(const void __iomem *address)
{
	return *reg32(offset_of(address));
}

static u64 fake_readq(const void __iomem *address)
{
	return *reg64(offset_of(address));
}

static void fake_writel(u32 value, void __iomem *address)
{
	switch (offset_of(address)) {
	case DMAR_GCMD:
		*reg32(DMAR_GSTS) = value & GSTS_PERSISTENT;
		if (!(value & GCMD_QIE))
			*reg64(DMAR_IQH) = 0;
		break;
	case DMAR_FSTS:
		*reg32(DMAR_FSTS) &= ~value;
		break;
	case DMAR_IQT:
		*reg64(DMAR_IQT) = value;
		break;
	}
	run_queue();
}

static void fake_writeq(u64 value, void __iomem *address)
{
	unsigned int offset = offset_of(address);

	/* Command registers finish at once, unless the unit is dead */
	if ((offset == DMAR_CCMD || offset == 0x108) && !fake.dead) {
		struct il_qi_desc desc = { value, *reg64(0x100) };

		fake.log[fake.count++ % ARRAY_SIZE(fake.log)] = desc;
		value &= ~BIT_ULL(63);
	}
	*reg64(offset) = value;
}

static struct dmar_drhd_unit *make_unit(struct kunit *test, bool queue)
{
	struct dmar_drhd_unit *unit = kunit_kzalloc(test, sizeof(*unit),
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, unit);
	memset(&fake, 0, sizeof(fake));
	unit->reg = (__force void __iomem *)fake.registers;
	unit->node = NUMA_NO_NODE;
	unit->ecap = 0x10ull << 8;	/* IOTLB registers at 0x100 */
	unit->cap = BIT_ULL(54) | BIT_ULL(55);
	raw_spin_lock_init(&unit->register_lock);
	if (queue)
		KUNIT_ASSERT_EQ(test, il_qi_start(unit), 0);
	return unit;
}

static const struct {
	struct il_inv inv;
	u64 hi, lo;
} encodings[] = {
	{ { .kind = IL_INV_CONTEXT_GLOBAL }, 0, 0x11 },
	{ { .kind = IL_INV_CONTEXT_DEVICE, .did = 0x1234, .sid = 0xabcd },
	  0, 0x0000abcd12340031 },
	{ { .kind = IL_INV_IOTLB_GLOBAL }, 0, 0xd2 },
	{ { .kind = IL_INV_IOTLB_DOMAIN, .did = 0xffff }, 0, 0xffff00e2 },
	{ { .kind = IL_INV_IOTLB_PAGES, .did = 2, .address = 0x123456789000 },
	  0x123456789000, 0x000200f2 },
	{ { .kind = IL_INV_IOTLB_PAGES, .did = 2, .address = 0x200000,
	    .order = 9, .hint = true }, 0x200049, 0x000200f2 },
	{ { .kind = IL_INV_DEVICE_TLB, .sid = 0x0100, .depth = 31,
	    .address = 0x5000 }, 0x5000, 0x00000100001f0003 },
	{ { .kind = IL_INV_DEVICE_TLB, .sid = 0x0100, .address = 0x4000,
	    .order = 1 }, 0x4001, 0x0000010000000003 },
	{ { .kind = IL_INV_DEVICE_TLB, .sid = 0x0100, .address = 0x4000,
	    .order = 2 }, 0x5001, 0x0000010000000003 },
	{ { .kind = IL_INV_DEVICE_TLB, .sid = 0x0100, .address = 0x40000000,
	    .order = 18 }, 0x5ffff001, 0x0000010000000003 },
	{ { .kind = IL_INV_DEVICE_TLB, .sid = 1, .order = 52 },
	  0x7ffffffffffff001, 0x0000000100000003 },
	{ { .kind = IL_INV_DEVICE_TLB, .sid = 1, .pfsid = 0xabcd },
	  0, 0xabc000010000d003 },
	{ { .kind = IL_INV_IEC_GLOBAL }, 0, 0x4 },
	{ { .kind = IL_INV_IEC_INDEX, .index = 0xfffe, .order = 1 },
	  0, 0x0000fffe08000014 },
};

static void descriptors_as_hardware_reads_them(struct kunit *test)
{
	struct il_qi_desc desc;
	int i;

	for (i = 0; i < ARRAY_SIZE(encodings); i++) {
		il_qi_encode(&encodings[i].inv, &desc);
		KUNIT_EXPECT_EQ_MSG(test, desc.hi, encodings[i].hi, "case %d",
				    i);
		KUNIT_EXPECT_EQ_MSG(test, desc.lo, encodings[i].lo, "case %d",
				    i);
	}
}

static void ranges_are_covered(struct kunit *test)
{
	static const struct {
		u64 first, last, address;
		u8 order;
	} cases[] = {
		{ 0x1000, 0x1fff, 0x1000, 0 },
		{ 0x1000, 0x2fff, 0x0000, 2 },
		{ 0x2000, 0x3fff, 0x2000, 1 },
		{ 0x1fff, 0x2000, 0x0000, 2 },
		{ 0x200000, 0x3fffff, 0x200000, 9 },
		{ 0x200000, 0x400000, 0, 11 },
		{ 0, 0xffffffffffff, 0, 36 },
		{ 0, ~0ull, 0, 52 },
		{ 0x7ffff000, 0x80000fff, 0, 20 },
	};
	struct il_inv inv;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		il_inv_range(&inv, cases[i].first, cases[i].last);
		KUNIT_EXPECT_EQ_MSG(test, inv.address, cases[i].address,
				    "case %d", i);
		KUNIT_EXPECT_EQ_MSG(test, inv.order, cases[i].order,
				    "case %d", i);
	}
}

static void stop_unit(struct dmar_drhd_unit *unit)
{
	il_qi_stop(unit);
	il_qi_free(unit);
}

static void queue_goes_round(struct kunit *test)
{
	struct dmar_drhd_unit *unit = make_unit(test, true);
	struct il_inv inv[40] = {};
	int i;

	for (i = 0; i < ARRAY_SIZE(inv); i++) {
		inv[i].kind = IL_INV_IOTLB_DOMAIN;
		inv[i].did = i;
	}
	for (i = 0; i < 20; i++)
		KUNIT_ASSERT_EQ(test, il_invalidate(unit, inv, 40), 0);
	KUNIT_EXPECT_EQ(test, fake.count, 800);
	for (i = 0; i < 800; i++)
		KUNIT_EXPECT_EQ(test, fake.log[i].lo,
				0xe2ull | (u64)(i % 40) << 16);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->stats.iotlb), 800);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->stats.errors), 0);
	stop_unit(unit);
	KUNIT_EXPECT_EQ(test, *reg32(DMAR_GSTS), 0u);
}

static void a_bad_descriptor_becomes_a_global_one(struct kunit *test)
{
	const struct il_inv inv[] = {
		{ .kind = IL_INV_CONTEXT_DEVICE, .sid = 8, .did = 3 },
		{ .kind = IL_INV_IOTLB_DOMAIN, .did = 3 },
	};
	struct dmar_drhd_unit *unit = make_unit(test, true);

	fake.refuse = 1;
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, inv, 2), 0);
	KUNIT_EXPECT_EQ(test, fake.count, 2);
	KUNIT_EXPECT_EQ(test, fake.log[0].lo, 0x11ull);
	KUNIT_EXPECT_EQ(test, fake.log[1].lo, 0x300e2ull);
	fake.refuse = 1;
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, inv + 1, 1), 0);
	KUNIT_EXPECT_EQ(test, fake.log[2].lo, 0xd2ull);
	KUNIT_EXPECT_EQ(test, *reg32(DMAR_FSTS), 0u);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->stats.errors), 2);
	stop_unit(unit);
}

static void dropped_waits_are_queued_again(struct kunit *test)
{
	const struct il_inv inv = { .kind = IL_INV_DEVICE_TLB, .sid = 8 };
	struct dmar_drhd_unit *unit = make_unit(test, true);

	fake.drop_waits = 3;
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, &inv, 1), 0);
	KUNIT_EXPECT_EQ(test, fake.drop_waits, 0);
	KUNIT_EXPECT_EQ(test, *reg32(DMAR_FSTS), 0u);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->stats.errors), 3);
	/* And goes on as before */
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, &inv, 1), 0);
	KUNIT_EXPECT_EQ(test, fake.count, 2);
	stop_unit(unit);
}

static void a_dead_unit_does_not_hang(struct kunit *test)
{
	const struct il_inv inv[] = {
		{ .kind = IL_INV_IOTLB_GLOBAL },
		{ .kind = IL_INV_CONTEXT_GLOBAL },
	};
	struct dmar_drhd_unit *unit = make_unit(test, true);

	fake.dead = true;
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, inv, 1), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, atomic64_read(&unit->stats.errors), 1);
	fake.dead = false;
	stop_unit(unit);
	unit = make_unit(test, false);
	fake.dead = true;
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, inv, 1), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, inv + 1, 1), -ETIMEDOUT);
}

static void registers_without_a_queue(struct kunit *test)
{
	const struct il_inv inv[] = {
		{ .kind = IL_INV_CONTEXT_GLOBAL },
		{ .kind = IL_INV_CONTEXT_DEVICE, .sid = 0x10, .did = 5 },
		{ .kind = IL_INV_IOTLB_GLOBAL },
		{ .kind = IL_INV_IOTLB_DOMAIN, .did = 5 },
		{ .kind = IL_INV_IOTLB_PAGES, .did = 5, .address = 0x8000,
		  .order = 3, .hint = true },
	};
	/* 11.4.5, 11.4.6: drains of reads and writes asked for */
	static const u64 wanted[] = {
		0xa000000000000000, 0xe000000000100005, 0x9003000000000000,
		0xa003000500000000, 0xb003000500000000,
	};
	struct dmar_drhd_unit *unit = make_unit(test, false);
	int i;

	KUNIT_EXPECT_EQ(test, il_invalidate(unit, inv, ARRAY_SIZE(inv)), 0);
	KUNIT_ASSERT_EQ(test, fake.count, 5);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ_MSG(test, fake.log[i].lo, wanted[i], "case %d",
				    i);
	KUNIT_EXPECT_EQ(test, fake.log[4].hi, 0x8043ull);
}

static void a_predecessors_queue_is_stopped(struct kunit *test)
{
	struct dmar_drhd_unit *unit = make_unit(test, false);
	const struct il_inv inv = { .kind = IL_INV_IOTLB_GLOBAL };

	*reg32(DMAR_GSTS) = GCMD_QIE | GCMD_TE;
	*reg64(DMAR_IQH) = 0x40;
	*reg64(DMAR_IQT) = 0x40;
	KUNIT_ASSERT_EQ(test, il_qi_start(unit), 0);
	KUNIT_EXPECT_EQ(test, *reg32(DMAR_GSTS), GCMD_QIE | GCMD_TE);
	KUNIT_EXPECT_EQ(test, il_invalidate(unit, &inv, 1), 0);
	KUNIT_EXPECT_EQ(test, fake.count, 1);
	KUNIT_EXPECT_EQ(test, *reg64(DMAR_IQH), 0x20ull);
	stop_unit(unit);
	KUNIT_EXPECT_EQ(test, *reg32(DMAR_GSTS), GCMD_TE);
}

static struct kunit_case qi_cases[] = {
	KUNIT_CASE(descriptors_as_hardware_reads_them),
	KUNIT_CASE(ranges_are_covered),
	KUNIT_CASE(queue_goes_round),
	KUNIT_CASE(a_bad_descriptor_becomes_a_global_one),
	KUNIT_CASE(dropped_waits_are_queued_again),
	KUNIT_CASE(a_dead_unit_does_not_hang),
	KUNIT_CASE(registers_without_a_queue),
	KUNIT_CASE(a_predecessors_queue_is_stopped),
	{}
};

static struct kunit_suite qi_suite = {
	.name = "iommu-lite-qi",
	.test_cases = qi_cases,
};

kunit_test_suite(qi_suite);
