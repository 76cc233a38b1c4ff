// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMAR parser in the kernel. All its cases are in selftests/iommu-lite;
 * these show that the kernel's build of it counts the same way.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "dmar.h"

/* A DRHD with a two-hop endpoint and an IOAPIC, an RMRR, an RHSA */
static const u8 structures[] = {
	/* 48: DRHD */
	0, 0, 32, 0, 0, 0, 1, 0, 0x00, 0x00, 0xd9, 0xfe, 0, 0, 0, 0,
	/* 64: endpoint, 74: IOAPIC, filled up to a multiple of 16 */
	1, 10, 0, 0, 0, 3, 0x1c, 4, 2, 1,
	3, 6 + 0, 0, 0, 2, 0xf0,
	/* 80: RMRR */
	1, 0, 24, 0, 0, 0, 0, 0,
	0x00, 0x10, 0, 0, 0, 0, 0, 0, 0xff, 0x1f, 0, 0, 0, 0, 0, 0,
};

static u8 *make_table(struct kunit *test, u32 *size)
{
	u8 *table, sum = 0;
	u32 i;

	*size = 48 + sizeof(structures);
	table = kunit_kzalloc(test, *size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, table);
	memcpy(table, "DMAR", 4);
	table[4] = *size;
	table[36] = 38;
	memcpy(table + 48, structures, sizeof(structures));
	/* An IOAPIC scope needs a path: cut the DRHD's scopes to the first */
	table[50] = 26;
	memmove(table + 74, table + 80, *size - 80);
	*size -= 6;
	table[4] = *size;
	for (i = 0; i < *size; i++)
		sum += table[i];
	table[9] = -sum;
	return table;
}

struct seen {
	struct dmar_walk walk;
	unsigned int units, regions, hops;
	u64 base, limit;
};

static int see_drhd(struct dmar_walk *walk, const struct dmar_entry *e)
{
	struct seen *seen = container_of(walk, struct seen, walk);
	struct dmar_scope scope;
	u32 position = 0;

	seen->units++;
	seen->base = e->base;
	while (dmar_next_scope(e, &position, &scope))
		seen->hops += scope.hops;
	return 0;
}

static int see_rmrr(struct dmar_walk *walk, const struct dmar_entry *e)
{
	struct seen *seen = container_of(walk, struct seen, walk);

	seen->regions++;
	seen->limit = e->limit;
	return 0;
}

static void walks_in_order(struct kunit *test)
{
	struct seen seen = {
		.walk.handler = {
			[DMAR_DRHD] = see_drhd,
			[DMAR_RMRR] = see_rmrr,
		},
	};
	u32 size;
	u8 *table = make_table(test, &size);

	KUNIT_ASSERT_EQ(test, dmar_walk_table(&seen.walk, table, size), 0);
	KUNIT_EXPECT_EQ(test, seen.walk.table.haw, 39);
	KUNIT_EXPECT_EQ(test, seen.units, 1);
	KUNIT_EXPECT_EQ(test, seen.base, 0xfed90000ull);
	KUNIT_EXPECT_EQ(test, seen.hops, 2);
	KUNIT_EXPECT_EQ(test, seen.regions, 1);
	KUNIT_EXPECT_EQ(test, seen.limit, 0x1fffull);
}

/* KASAN would see a read past the allocation at each of these lengths */
static void never_reads_outside(struct kunit *test)
{
	u32 size, cut, i;
	u8 *table = make_table(test, &size), *copy, sum;

	for (cut = 0; cut < size; cut++) {
		struct dmar_walk walk = {};

		copy = kmemdup(table, max(cut, 1u), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		if (cut >= 48) {
			copy[4] = cut;
			copy[9] = 0;
			for (sum = 0, i = 0; i < cut; i++)
				sum += copy[i];
			copy[9] = -sum;
		}
		/* Cut between two structures a table is whole */
		KUNIT_EXPECT_EQ(test, dmar_walk_table(&walk, copy, cut),
				cut == 48 || cut == 74 ? 0 : -EINVAL);
		KUNIT_EXPECT_EQ(test, !walk.error, cut == 48 || cut == 74);
		kfree(copy);
	}
}

static int refuse(struct dmar_walk *walk, const struct dmar_entry *e)
{
	return -ENOMEM;
}

static void stops_where_a_handler_fails(struct kunit *test)
{
	struct seen seen = {
		.walk.handler = {
			[DMAR_DRHD] = refuse,
			[DMAR_RMRR] = see_rmrr,
		},
	};
	u32 size;
	u8 *table = make_table(test, &size);

	KUNIT_EXPECT_EQ(test, dmar_walk_table(&seen.walk, table, size),
			-ENOMEM);
	KUNIT_EXPECT_NULL(test, seen.walk.error);
	KUNIT_EXPECT_EQ(test, seen.regions, 0);
}

static struct kunit_case dmar_cases[] = {
	KUNIT_CASE(walks_in_order),
	KUNIT_CASE(never_reads_outside),
	KUNIT_CASE(stops_where_a_handler_fails),
	{}
};

static struct kunit_suite dmar_suite = {
	.name = "iommu-lite-dmar",
	.test_cases = dmar_cases,
};

kunit_test_suite(dmar_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of iommu-lite");
