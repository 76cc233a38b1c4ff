// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level page tables against what VT-d specification 3.7 says.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "pagetable.h"

#define RW	(IL_PTE_READ | IL_PTE_WRITE)

static void make(struct kunit *test, struct il_pagetable *pt,
		 unsigned int levels, unsigned int top, unsigned int leaves,
		 bool exclusive)
{
	*pt = (struct il_pagetable){
		.levels = levels,
		.top = top,
		.leaf_levels = leaves,
		.exclusive = exclusive,
		.node = NUMA_NO_NODE,
	};
	KUNIT_ASSERT_EQ(test, il_pt_init(pt), 0);
}

static int map(struct il_pagetable *pt, u64 iova, phys_addr_t phys, u64 size)
{
	u64 mapped;
	int ret = il_pt_map(pt, iova, phys, size, RW, GFP_KERNEL, &mapped);

	return ret ?: mapped == size ? 0 : -EIO;
}

static u64 unmap(struct il_pagetable *pt, u64 iova, u64 size)
{
	struct il_reaper reaper;

	il_reaper_init(&reaper);
	if (il_pt_detach(pt, iova, size))
		return ~0ull;
	il_pt_reap(pt, iova, size, &reaper);
	il_pt_free_list(&reaper.freelist);
	return reaper.bytes;
}

static u64 translate(struct il_pagetable *pt, u64 iova)
{
	u64 size, pte = il_pt_lookup(pt, iova, &size);

	if (!pte)
		return ~0ull;
	return (pte & IL_PTE_ADDRESS & ~(size - 1)) | (iova & (size - 1));
}

static const struct {
	u64 iova;
	u64 phys;
	u64 size;
	unsigned int leaves;
	u64 page;		/* size of the leaf at @iova */
	long tables;		/* beyond the root, of four levels */
} selection[] = {
	{ 0, 0, SZ_4K, 3, SZ_4K, 3 },
	{ 0, 0, SZ_2M, 3, SZ_2M, 2 },
	{ 0, 0, SZ_1G, 3, SZ_1G, 1 },
	{ 0, 0, SZ_2M, 1, SZ_4K, 3 },
	{ 0, 0, SZ_1G, 2, SZ_2M, 2 },
	{ SZ_2M, SZ_4M, SZ_2M, 3, SZ_2M, 2 },
	{ SZ_2M, SZ_4K, SZ_2M, 3, SZ_4K, 3 },
	{ SZ_4K, SZ_4K, SZ_2M, 3, SZ_4K, 4 },
	{ SZ_1G, SZ_2M, SZ_1G, 3, SZ_2M, 2 },
	{ SZ_2M, SZ_2M, SZ_2M - SZ_4K, 3, SZ_4K, 3 },
	{ SZ_1G - SZ_2M, SZ_2G - SZ_2M, SZ_1G + SZ_2M, 3, SZ_2M, 2 },
	{ (1ull << 48) - SZ_4K, 1ull << 51, SZ_4K, 3, SZ_4K, 3 },
};

static void largest_pages(struct kunit *test)
{
	struct il_pagetable pt;
	u64 size, at;
	int i;

	for (i = 0; i < ARRAY_SIZE(selection); i++) {
		make(test, &pt, 4, 4, selection[i].leaves, false);
		KUNIT_EXPECT_EQ(test, map(&pt, selection[i].iova,
					  selection[i].phys,
					  selection[i].size), 0);
		il_pt_lookup(&pt, selection[i].iova, &size);
		KUNIT_EXPECT_EQ_MSG(test, size, selection[i].page, "case %d",
				    i);
		KUNIT_EXPECT_EQ_MSG(test, atomic_long_read(&pt.nr_tables),
				    1 + selection[i].tables, "case %d", i);
		for (at = 0; at < selection[i].size; at += SZ_1M)
			KUNIT_EXPECT_EQ(test,
					translate(&pt, selection[i].iova + at),
					selection[i].phys + at);
		at = selection[i].size - 1;
		KUNIT_EXPECT_EQ(test, translate(&pt, selection[i].iova + at),
				selection[i].phys + at);
		KUNIT_EXPECT_EQ(test, unmap(&pt, selection[i].iova,
					    selection[i].size),
				selection[i].size);
		KUNIT_EXPECT_EQ(test, translate(&pt, selection[i].iova),
				~0ull);
		il_pt_destroy(&pt);
	}
}

/* The formats of 9.8, as hardware reads them */
static void entries_as_hardware_reads_them(struct kunit *test)
{
	struct il_pagetable pt;
	u64 *table, mapped;

	make(test, &pt, 3, 3, 3, false);
	KUNIT_ASSERT_EQ(test, map(&pt, SZ_1G, SZ_2G, SZ_1G), 0);
	KUNIT_EXPECT_EQ(test, pt.root[1], 0x80000083ull);
	KUNIT_ASSERT_EQ(test, map(&pt, SZ_2G + SZ_2M, SZ_4M, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, pt.root[2] & 0xfff, 3ull);
	table = phys_to_virt(pt.root[2] & IL_PTE_ADDRESS);
	KUNIT_EXPECT_EQ(test, table[1], 0x400083ull);
	KUNIT_ASSERT_EQ(test, il_pt_map(&pt, SZ_2G + SZ_4K, 0x5000, SZ_4K,
					IL_PTE_READ | IL_PTE_SNOOP, GFP_KERNEL,
					&mapped), 0);
	table = phys_to_virt(table[0] & IL_PTE_ADDRESS);
	KUNIT_EXPECT_EQ(test, table[1], 0x5801ull);
	KUNIT_EXPECT_EQ(test, table[0], 0ull);
	il_pt_destroy(&pt);
}

static void overlaps_are_refused(struct kunit *test)
{
	static const struct {
		u64 iova, size, mapped;
	} cases[] = {
		{ SZ_2M, SZ_4K, 0 },
		{ SZ_2M, SZ_2M, 0 },
		{ SZ_4M - SZ_4K, SZ_8K, 0 },
		{ SZ_2M - SZ_4K, SZ_8K, SZ_4K },
		{ SZ_8M, SZ_2M, 0 },
		{ SZ_8M - SZ_2M, SZ_4M, SZ_2M },
		{ 0, SZ_1G, SZ_2M },
	};
	struct il_pagetable pt;
	u64 mapped;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make(test, &pt, 4, 4, 3, false);
		KUNIT_ASSERT_EQ(test, map(&pt, SZ_2M, SZ_2M, SZ_2M), 0);
		KUNIT_ASSERT_EQ(test, map(&pt, SZ_8M, SZ_16M, SZ_4K), 0);
		KUNIT_EXPECT_EQ(test,
				il_pt_map(&pt, cases[i].iova, 0, cases[i].size,
					  RW, GFP_KERNEL, &mapped), -EEXIST);
		KUNIT_EXPECT_EQ_MSG(test, mapped, cases[i].mapped, "case %d",
				    i);
		KUNIT_EXPECT_EQ(test, translate(&pt, SZ_2M), (u64)SZ_2M);
		KUNIT_EXPECT_EQ(test, translate(&pt, SZ_8M), (u64)SZ_16M);
		il_pt_destroy(&pt);
	}
}

static void a_large_page_is_split(struct kunit *test)
{
	struct il_pagetable pt;
	u64 at;

	make(test, &pt, 4, 4, 3, false);
	KUNIT_ASSERT_EQ(test, map(&pt, SZ_1G, 0, SZ_1G), 0);
	KUNIT_EXPECT_EQ(test, unmap(&pt, SZ_1G + SZ_2M + SZ_4K, SZ_8K),
			(u64)SZ_8K);
	for (at = 0; at < SZ_8M; at += SZ_4K)
		KUNIT_EXPECT_EQ(test, translate(&pt, SZ_1G + at),
				at == SZ_2M + SZ_4K || at == SZ_2M + SZ_8K ?
				~0ull : at);
	KUNIT_EXPECT_EQ(test, unmap(&pt, SZ_1G, SZ_1G), (u64)SZ_1G - SZ_8K);
	/* Its tables went with it: the root and the level below */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&pt.nr_tables), 2L);
	il_pt_destroy(&pt);
}

static void detached_is_out_of_sight(struct kunit *test)
{
	struct il_reaper reaper;
	struct il_pagetable pt;

	make(test, &pt, 4, 4, 3, true);
	KUNIT_ASSERT_EQ(test, map(&pt, SZ_4K, SZ_4K, SZ_4M), 0);
	KUNIT_ASSERT_EQ(test, il_pt_detach(&pt, SZ_4K, SZ_4M), 0);
	KUNIT_EXPECT_EQ(test, translate(&pt, SZ_4K), ~0ull);
	KUNIT_EXPECT_EQ(test, translate(&pt, SZ_2M), ~0ull);
	KUNIT_EXPECT_EQ(test, translate(&pt, SZ_4M), ~0ull);
	il_reaper_init(&reaper);
	il_pt_reap(&pt, SZ_4K, SZ_4M, &reaper);
	KUNIT_EXPECT_EQ(test, reaper.bytes, (u64)SZ_4M);
	il_pt_free_list(&reaper.freelist);
	KUNIT_EXPECT_EQ(test, map(&pt, SZ_4K, SZ_1G, SZ_4M), 0);
	il_pt_destroy(&pt);
}

struct leaves {
	struct il_reaper reaper;
	u64 next;
	unsigned int count;
	bool in_order;
};

static void see_leaf(struct il_reaper *reaper, phys_addr_t phys, u64 size)
{
	struct leaves *leaves = container_of(reaper, struct leaves, reaper);

	leaves->in_order &= phys == leaves->next;
	leaves->next = phys + size;
	leaves->count++;
}

static void reaped_leaves_come_in_order(struct kunit *test)
{
	struct leaves leaves = { .next = SZ_2M - SZ_4K, .in_order = true };
	struct il_pagetable pt;

	make(test, &pt, 4, 4, 3, true);
	KUNIT_ASSERT_EQ(test, map(&pt, SZ_1G + SZ_2M - SZ_4K, SZ_2M - SZ_4K,
				  SZ_2M + SZ_8K), 0);
	il_reaper_init(&leaves.reaper);
	leaves.reaper.leaf = see_leaf;
	KUNIT_ASSERT_EQ(test, il_pt_detach(&pt, SZ_1G, SZ_8M), 0);
	il_pt_reap(&pt, SZ_1G, SZ_8M, &leaves.reaper);
	KUNIT_EXPECT_TRUE(test, leaves.in_order);
	KUNIT_EXPECT_EQ(test, leaves.count, 3);
	KUNIT_EXPECT_EQ(test, leaves.next, (u64)SZ_4M + SZ_4K);
	il_pt_free_list(&leaves.reaper.freelist);
	il_pt_destroy(&pt);
}

/* Units that walk fewer levels start lower, and their root stays */
static void roots_of_fewer_levels(struct kunit *test)
{
	static const struct {
		unsigned int levels, top;
	} cases[] = { { 4, 3 }, { 5, 4 }, { 5, 3 }, { 3, 3 }, { 5, 5 } };
	struct il_pagetable pt;
	phys_addr_t root;
	u64 *table;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make(test, &pt, cases[i].levels, cases[i].top, 3, true);
		KUNIT_EXPECT_EQ(test, il_pt_last(&pt),
				(1ull << (12 + 9 * cases[i].top)) - 1);
		root = il_pt_root(&pt, cases[i].top);
		KUNIT_EXPECT_EQ(test, il_pt_root(&pt, cases[i].levels),
				(phys_addr_t)virt_to_phys(pt.root));
		KUNIT_EXPECT_EQ(test, map(&pt, 0, 0, SZ_1G), 0);
		if (cases[i].top == 3) {
			table = phys_to_virt(root);
			KUNIT_EXPECT_EQ(test, table[0], 0x83ull);
		}
		KUNIT_EXPECT_EQ(test, unmap(&pt, 0, il_pt_last(&pt) + 1),
				(u64)SZ_1G);
		KUNIT_EXPECT_EQ(test, il_pt_root(&pt, cases[i].top), root);
		il_pt_destroy(&pt);
	}
}

static void empty_tables_are_pruned(struct kunit *test)
{
	struct il_pagetable pt;
	LIST_HEAD(freelist);
	u64 i;

	make(test, &pt, 4, 4, 3, true);
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, map(&pt, i * SZ_2M, 0, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, pt.nr_empty, 0);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, unmap(&pt, i * SZ_2M, SZ_4K),
				(u64)SZ_4K);
	KUNIT_EXPECT_EQ(test, pt.nr_empty, 100);
	/* One is used again, and is not empty then */
	KUNIT_ASSERT_EQ(test, map(&pt, 7 * SZ_2M, SZ_4K, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, pt.nr_empty, 99);
	il_pt_prune(&pt, &freelist);
	il_pt_free_list(&freelist);
	KUNIT_EXPECT_EQ(test, pt.nr_empty, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&pt.nr_tables), 4L);
	KUNIT_EXPECT_EQ(test, translate(&pt, 7 * SZ_2M), (u64)SZ_4K);
	KUNIT_EXPECT_EQ(test, unmap(&pt, 7 * SZ_2M, SZ_4K), (u64)SZ_4K);
	/* Parents that become empty go, too; the root stays */
	il_pt_prune(&pt, &freelist);
	il_pt_free_list(&freelist);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&pt.nr_tables), 1L);
	KUNIT_EXPECT_EQ(test, map(&pt, 0, 0, SZ_4K), 0);
	il_pt_destroy(&pt);
}

/* Mapped slots of 4 KiB, against a plain array; fixed pseudo-random order */
static void random_against_an_array(struct kunit *test, bool exclusive)
{
	enum { SLOTS = 4096, ROUNDS = 3000 };
	u64 *model = kunit_kcalloc(test, SLOTS, sizeof(*model), GFP_KERNEL);
	u32 seed = 12345, slot, count, i;
	struct il_pagetable pt;
	LIST_HEAD(freelist);
	u64 bytes, wanted;
	int round;

	KUNIT_ASSERT_NOT_NULL(test, model);
	make(test, &pt, 4, 4, 3, exclusive);
	for (round = 0; round < ROUNDS; round++) {
		seed = seed * 1103515245 + 12345;
		slot = seed >> 8 & (SLOTS - 1);
		count = 1 + (seed >> 20) % 700;
		if (seed >> 28 == 0) {
			slot &= ~511u;
			count = 1024;
		}
		count = min(count, SLOTS - slot);
		for (i = 0; i < count && !model[slot + i]; i++)
			;
		if (i == count) {
			u64 phys = (u64)slot * SZ_4K + (seed & 1 ? SZ_1G : 0);

			KUNIT_ASSERT_EQ(test,
					map(&pt, (u64)slot * SZ_4K, phys,
					    (u64)count * SZ_4K), 0);
			for (i = 0; i < count; i++)
				model[slot + i] = phys + (u64)i * SZ_4K + 1;
		} else {
			for (wanted = 0, i = 0; i < count; i++) {
				wanted += model[slot + i] ? SZ_4K : 0;
				model[slot + i] = 0;
			}
			bytes = unmap(&pt, (u64)slot * SZ_4K,
				      (u64)count * SZ_4K);
			KUNIT_ASSERT_EQ(test, bytes, wanted);
		}
		if (exclusive && pt.nr_empty > 3) {
			il_pt_prune(&pt, &freelist);
			il_pt_free_list(&freelist);
		}
	}
	for (slot = 0; slot < SLOTS; slot++)
		KUNIT_EXPECT_EQ(test, translate(&pt, (u64)slot * SZ_4K),
				model[slot] - 1);
	il_pt_destroy(&pt);
}

static void the_short_way(struct kunit *test)
{
	struct il_pagetable pt;
	u64 bytes;

	make(test, &pt, 4, 4, 3, true);
	KUNIT_ASSERT_EQ(test, map(&pt, SZ_4K, SZ_1G, SZ_16K), 0);
	KUNIT_ASSERT_EQ(test, map(&pt, SZ_4M, SZ_4M, SZ_2M), 0);
	/* A part of it, with a hole before */
	KUNIT_EXPECT_EQ(test, il_pt_take(&pt, 0, SZ_8K, &bytes),
			(u64)SZ_1G | RW);
	KUNIT_EXPECT_EQ(test, bytes, (u64)SZ_4K);
	KUNIT_EXPECT_EQ(test, translate(&pt, SZ_4K), ~0ull);
	KUNIT_EXPECT_EQ(test, translate(&pt, SZ_8K), (u64)SZ_1G + SZ_4K);
	/* Nothing there, at two levels */
	KUNIT_EXPECT_EQ(test, il_pt_take(&pt, SZ_1M, SZ_4K, &bytes), 0ull);
	KUNIT_EXPECT_EQ(test, il_pt_take(&pt, SZ_2G, SZ_4K, &bytes), 0ull);
	KUNIT_EXPECT_EQ(test, bytes, 0ull);
	/* Not for a large page, nor across tables, nor for a whole one */
	KUNIT_EXPECT_EQ(test, il_pt_take(&pt, SZ_4M, SZ_4K, &bytes), ~0ull);
	KUNIT_EXPECT_EQ(test, il_pt_take(&pt, SZ_2M - SZ_4K, SZ_8K, &bytes),
			~0ull);
	KUNIT_EXPECT_EQ(test, il_pt_take(&pt, 0, SZ_2M, &bytes), ~0ull);
	KUNIT_EXPECT_EQ(test, translate(&pt, SZ_4M), (u64)SZ_4M);
	KUNIT_EXPECT_EQ(test, unmap(&pt, 0, SZ_1G), (u64)SZ_2M + SZ_16K - SZ_4K);
	il_pt_destroy(&pt);
}

static void random_shared(struct kunit *test)
{
	random_against_an_array(test, false);
}

static void random_exclusive(struct kunit *test)
{
	random_against_an_array(test, true);
}

struct mapper {
	struct il_pagetable *pt;
	unsigned int index;
	int result;
	struct completion done;
};

/* Every other page of the same tables is the other mapper's */
static int map_and_unmap(void *data)
{
	struct mapper *mapper = data;
	u64 iova;
	int round;

	for (round = 0; round < 20 && !mapper->result; round++) {
		for (iova = mapper->index * SZ_4K; iova < SZ_16M;
		     iova += SZ_8K)
			mapper->result = mapper->result ?:
				map(mapper->pt, iova, iova, SZ_4K);
		for (iova = mapper->index * SZ_4K; iova < SZ_16M;
		     iova += SZ_8K)
			if (translate(mapper->pt, iova) != iova ||
			    unmap(mapper->pt, iova, SZ_4K) != SZ_4K)
				mapper->result = -EIO;
		cond_resched();
	}
	complete(&mapper->done);
	return 0;
}

static void two_mappers_at_once(struct kunit *test)
{
	struct mapper mappers[2] = {};
	struct il_pagetable pt;
	struct task_struct *task;
	int i;

	make(test, &pt, 4, 4, 3, false);
	for (i = 0; i < 2; i++) {
		mappers[i].pt = &pt;
		mappers[i].index = i;
		init_completion(&mappers[i].done);
	}
	task = kthread_run(map_and_unmap, &mappers[1], "il-mapper");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	map_and_unmap(&mappers[0]);
	wait_for_completion(&mappers[1].done);
	KUNIT_EXPECT_EQ(test, mappers[0].result, 0);
	KUNIT_EXPECT_EQ(test, mappers[1].result, 0);
	/* All went, but the tables that neither covered wholly */
	KUNIT_EXPECT_EQ(test, unmap(&pt, 0, SZ_16M), 0ull);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&pt.nr_tables), 3L);
	il_pt_destroy(&pt);
}

static struct kunit_case pagetable_cases[] = {
	KUNIT_CASE(largest_pages),
	KUNIT_CASE(entries_as_hardware_reads_them),
	KUNIT_CASE(overlaps_are_refused),
	KUNIT_CASE(a_large_page_is_split),
	KUNIT_CASE(detached_is_out_of_sight),
	KUNIT_CASE(reaped_leaves_come_in_order),
	KUNIT_CASE(roots_of_fewer_levels),
	KUNIT_CASE(empty_tables_are_pruned),
	KUNIT_CASE(the_short_way),
	KUNIT_CASE(random_shared),
	KUNIT_CASE(random_exclusive),
	KUNIT_CASE(two_mappers_at_once),
	{}
};

static struct kunit_suite pagetable_suite = {
	.name = "iommu-lite-pagetable",
	.test_cases = pagetable_cases,
};

kunit_test_suite(pagetable_suite);
