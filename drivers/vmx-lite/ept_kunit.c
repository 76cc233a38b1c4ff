// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the extended page table, on any machine.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include <linux/vmx_lite.h>

#include "ept.h"

#define FEAT_ALL	(VMX_LITE_FEAT_EPT_2M | VMX_LITE_FEAT_EPT_1G | VMX_LITE_FEAT_EPT_AD)
#define ATTR		(VL_EPT_RWX | VL_EPT_TYPE_WB | VL_EPT_IGNORE_PAT)
#define ATTR_RO		(ATTR & ~VL_EPT_WRITE)

/* What vl_ept_gather.written was told */
struct ept_written {
	struct vl_ept_gather gather;
	unsigned int count;
	u64 gpa;
	u64 hpa;
	enum vl_ept_level level;
};

static void ept_test_written(struct vl_ept_gather *gather, u64 gpa, u64 hpa,
			     enum vl_ept_level level)
{
	struct ept_written *w = container_of(gather, struct ept_written, gather);

	w->count++;
	w->gpa = gpa;
	w->hpa = hpa;
	w->level = level;
}

static void ept_test_written_init(struct ept_written *w)
{
	memset(w, 0, sizeof(*w));
	vl_ept_gather_init(&w->gather);
	w->gather.written = ept_test_written;
}

static void ept_test_stock(struct kunit *test, struct vl_ept *ept)
{
	struct page *page;

	while (vl_ept_low(ept)) {
		page = vl_ept_table_alloc();
		KUNIT_ASSERT_NOT_NULL(test, page);
		vl_ept_donate(ept, page);
	}
}

static int ept_test_init(struct kunit *test)
{
	struct vl_ept *ept = kunit_kzalloc(test, sizeof(*ept), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ept);
	KUNIT_ASSERT_EQ(test, vl_ept_init(ept, FEAT_ALL, 46), 0);
	test->priv = ept;
	return 0;
}

static void ept_test_exit(struct kunit *test)
{
	struct vl_ept *ept = test->priv;

	if (ept && ept->root)
		vl_ept_destroy(ept);
}

/* Map with a full stock; nothing may be due for a flush. */
static void ept_test_map(struct kunit *test, u64 gpa, u64 hpa, enum vl_ept_level level,
			 u64 attr)
{
	struct vl_ept *ept = test->priv;
	struct vl_ept_gather gather;

	vl_ept_gather_init(&gather);
	ept_test_stock(test, ept);
	KUNIT_ASSERT_EQ(test, vl_ept_map(ept, gpa, hpa, level, attr, &gather), 0);
	KUNIT_EXPECT_FALSE(test, gather.flush);
	KUNIT_EXPECT_TRUE(test, list_empty(&gather.tables));
}

static void ept_test_expect(struct kunit *test, u64 gpa, u64 hpa, enum vl_ept_level level,
			    u64 rights)
{
	enum vl_ept_level found = 0;
	u64 entry = vl_ept_lookup(test->priv, gpa, &found);

	KUNIT_EXPECT_EQ(test, found, level);
	KUNIT_EXPECT_EQ(test, entry & VL_EPT_ADDR_MASK, hpa);
	KUNIT_EXPECT_EQ(test, entry & VL_EPT_RWX, rights);
	KUNIT_EXPECT_EQ(test, entry & (VL_EPT_TYPE_MASK | VL_EPT_IGNORE_PAT),
			VL_EPT_TYPE_WB | VL_EPT_IGNORE_PAT);
	KUNIT_EXPECT_EQ(test, !!(entry & VL_EPT_LARGE), level > VL_EPT_4K);
}

static void ept_test_expect_none(struct kunit *test, u64 gpa)
{
	enum vl_ept_level level;

	KUNIT_EXPECT_EQ(test, vl_ept_lookup(test->priv, gpa, &level), 0);
}

/* The entry itself, for what the CPU would do to it */
static u64 *ept_test_entry(struct vl_ept *ept, u64 gpa, enum vl_ept_level level)
{
	u64 *table = ept->root;
	int at;

	for (at = VL_EPT_ROOT; at > level; at--)
		table = phys_to_virt(table[(gpa >> vl_ept_shift(at)) & 511] & VL_EPT_ADDR_MASK);
	return &table[(gpa >> vl_ept_shift(level)) & 511];
}

static void ept_test_zap(struct kunit *test, u64 gpa, u64 end, bool flush,
			 unsigned int tables)
{
	struct vl_ept *ept = test->priv;
	unsigned long before = ept->nr_tables;
	struct vl_ept_gather gather;

	vl_ept_gather_init(&gather);
	vl_ept_zap(ept, gpa, end, &gather);
	KUNIT_EXPECT_EQ(test, gather.flush, flush);
	KUNIT_EXPECT_EQ(test, before - ept->nr_tables, tables);
	vl_ept_gather_free(&gather);
}

static void ept_test_pointer(struct kunit *test)
{
	static const struct {
		u32 features;
		u64 bits;
		enum vl_ept_level level;
	} cases[] = {
		{ 0, 0x1e, VL_EPT_4K },
		{ VMX_LITE_FEAT_EPT_2M, 0x1e, VL_EPT_2M },
		{ VMX_LITE_FEAT_EPT_AD, 0x5e, VL_EPT_4K },
		{ FEAT_ALL, 0x5e, VL_EPT_1G },
	};
	struct vl_ept ept;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_ASSERT_EQ(test, vl_ept_init(&ept, cases[i].features, 39), 0);
		KUNIT_EXPECT_EQ(test, vl_ept_pointer(&ept),
				virt_to_phys(ept.root) | cases[i].bits);
		KUNIT_EXPECT_EQ(test, ept.max_level, cases[i].level);
		KUNIT_EXPECT_EQ(test, ept.nr_tables, 1);
		vl_ept_destroy(&ept);
	}
	KUNIT_EXPECT_EQ(test, vl_ept_init(&ept, 0, 31), -EINVAL);
	KUNIT_EXPECT_EQ(test, vl_ept_init(&ept, 0, 49), -EINVAL);
}

static void ept_test_sizes(struct kunit *test)
{
	static const struct {
		u64 gpa;
		u64 hpa;
		enum vl_ept_level level;
		unsigned long tables;		/* in all, the root included */
	} cases[] = {
		{ 0, 0x1000, VL_EPT_4K, 4 },
		{ 0x1000, 0x7000, VL_EPT_4K, 4 },
		{ 0x200000, 0x40000000, VL_EPT_2M, 4 },
		{ 0x40000000, 0x80000000, VL_EPT_1G, 4 },
		{ 0x80000000, 0x123000, VL_EPT_4K, 6 },
		{ BIT_ULL(46) - SZ_4K, BIT_ULL(51), VL_EPT_4K, 9 },
	};
	struct vl_ept *ept = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ept_test_map(test, cases[i].gpa, cases[i].hpa, cases[i].level, ATTR);
		KUNIT_EXPECT_EQ(test, ept->nr_tables, cases[i].tables);
	}
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ept_test_expect(test, cases[i].gpa, cases[i].hpa, cases[i].level, VL_EPT_RWX);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 4);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_2M], 1);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_1G], 1);
	ept_test_expect_none(test, 0x2000);
	ept_test_expect_none(test, 0x80001000);
	ept_test_expect_none(test, BIT_ULL(46));
}

/* The page round the address is mapped, from its own start. */
static void ept_test_round(struct kunit *test)
{
	ept_test_map(test, SZ_1G + SZ_2M + 0x5000, SZ_2M + 0x5000, VL_EPT_2M, ATTR);
	ept_test_expect(test, SZ_1G + SZ_2M, SZ_2M, VL_EPT_2M, VL_EPT_RWX);
	ept_test_map(test, 0x5123, 0x7123, VL_EPT_4K, ATTR);
	ept_test_expect(test, 0x5000, 0x7000, VL_EPT_4K, VL_EPT_RWX);
}

static void ept_test_invalid(struct kunit *test)
{
	static const struct {
		u64 gpa;
		u64 hpa;
		enum vl_ept_level level;
		u64 attr;
	} cases[] = {
		{ 0, 0, VL_EPT_ROOT, ATTR },
		{ 0, 0, 0, ATTR },
		{ BIT_ULL(46), 0, VL_EPT_4K, ATTR },
		{ ~0ULL, ~0ULL, VL_EPT_4K, ATTR },
		{ 0, BIT_ULL(52), VL_EPT_4K, ATTR },
		{ 0, SZ_4K, VL_EPT_2M, ATTR },
		{ SZ_2M, 0, VL_EPT_1G, ATTR },
		{ 0, 0, VL_EPT_4K, 0 },
		{ 0, 0, VL_EPT_4K, VL_EPT_WRITE | VL_EPT_TYPE_WB },
		{ 0, 0, VL_EPT_4K, ATTR | VL_EPT_LARGE },
		{ 0, 0, VL_EPT_4K, ATTR | VL_EPT_DIRTY },
	};
	struct vl_ept *ept = test->priv;
	struct vl_ept_gather gather;
	unsigned int i;

	ept_test_stock(test, ept);
	vl_ept_gather_init(&gather);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vl_ept_map(ept, cases[i].gpa, cases[i].hpa,
						     cases[i].level, cases[i].attr, &gather),
				    -EINVAL, "case %u", i);
	KUNIT_EXPECT_EQ(test, ept->nr_tables, 1);

	ept->max_level = VL_EPT_2M;
	KUNIT_EXPECT_EQ(test, vl_ept_map(ept, 0, 0, VL_EPT_1G, ATTR, &gather), -EINVAL);
	KUNIT_EXPECT_EQ(test, vl_ept_map(ept, 0, 0, VL_EPT_2M, ATTR, &gather), 0);
}

static void ept_test_out_of_stock(struct kunit *test)
{
	struct vl_ept *ept = test->priv;
	struct vl_ept_gather gather;
	int given;

	vl_ept_gather_init(&gather);
	for (given = 0; given < VL_EPT_MAX_TABLES; given++) {
		KUNIT_EXPECT_EQ(test, vl_ept_map(ept, 0, 0, VL_EPT_4K, ATTR, &gather), -EAGAIN);
		ept_test_expect_none(test, 0);
		vl_ept_donate(ept, vl_ept_table_alloc());
	}
	KUNIT_EXPECT_EQ(test, vl_ept_map(ept, 0, 0, VL_EPT_4K, ATTR, &gather), 0);
	KUNIT_EXPECT_EQ(test, ept->nr_spare, 0);
	/* The same table again needs none. */
	KUNIT_EXPECT_EQ(test, vl_ept_map(ept, SZ_4K, 0, VL_EPT_4K, ATTR, &gather), 0);
	KUNIT_EXPECT_EQ(test, vl_ept_map(ept, SZ_2M, 0, VL_EPT_2M, ATTR, &gather), 0);
	KUNIT_EXPECT_EQ(test, vl_ept_split(ept, SZ_2M, 0), -EAGAIN);
	ept_test_expect(test, SZ_2M, 0, VL_EPT_2M, VL_EPT_RWX);
}

/* Rights are added, not taken; dirty bits stay. */
static void ept_test_rights(struct kunit *test)
{
	struct vl_ept *ept = test->priv;

	ept_test_map(test, 0, SZ_2M, VL_EPT_4K, ATTR_RO);
	ept_test_expect(test, 0, SZ_2M, VL_EPT_4K, VL_EPT_READ | VL_EPT_EXEC);
	*ept_test_entry(ept, 0, VL_EPT_4K) |= VL_EPT_DIRTY;
	ept_test_map(test, 0, SZ_2M, VL_EPT_4K, ATTR);
	ept_test_expect(test, 0, SZ_2M, VL_EPT_4K, VL_EPT_RWX);
	ept_test_map(test, 0, SZ_2M, VL_EPT_4K, ATTR_RO);
	ept_test_expect(test, 0, SZ_2M, VL_EPT_4K, VL_EPT_RWX);
	KUNIT_EXPECT_TRUE(test, *ept_test_entry(ept, 0, VL_EPT_4K) & VL_EPT_DIRTY);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 1);
}

/* Other memory at the same place: the old translation must go. */
static void ept_test_replace(struct kunit *test)
{
	struct vl_ept *ept = test->priv;
	struct ept_written w;

	ept_test_map(test, 0, SZ_2M, VL_EPT_4K, ATTR);
	*ept_test_entry(ept, 0, VL_EPT_4K) |= VL_EPT_DIRTY;
	ept_test_written_init(&w);
	KUNIT_EXPECT_EQ(test, vl_ept_map(ept, 0, SZ_4M, VL_EPT_4K, ATTR_RO, &w.gather), 0);
	KUNIT_EXPECT_TRUE(test, w.gather.flush);
	KUNIT_EXPECT_EQ(test, w.count, 1);
	KUNIT_EXPECT_EQ(test, w.hpa, SZ_2M);
	ept_test_expect(test, 0, SZ_4M, VL_EPT_4K, VL_EPT_READ | VL_EPT_EXEC);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 1);
}

/* A large page takes the place of an empty table only. */
static void ept_test_large_over_table(struct kunit *test)
{
	struct vl_ept *ept = test->priv;
	struct vl_ept_gather gather;

	ept_test_map(test, SZ_4K, SZ_2M + SZ_4K, VL_EPT_4K, ATTR);
	ept_test_map(test, 0, SZ_2M, VL_EPT_2M, ATTR);
	ept_test_expect(test, 0, SZ_2M, VL_EPT_4K, VL_EPT_RWX);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 2);
	KUNIT_EXPECT_EQ(test, ept->nr_tables, 4);

	ept_test_zap(test, 0, SZ_2M - SZ_4K, true, 0);
	vl_ept_gather_init(&gather);
	ept_test_stock(test, ept);
	KUNIT_EXPECT_EQ(test, vl_ept_map(ept, 0, SZ_2M, VL_EPT_2M, ATTR, &gather), 0);
	KUNIT_EXPECT_TRUE(test, gather.flush);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&gather.tables), 1);
	KUNIT_EXPECT_EQ(test, ept->nr_tables, 3);
	vl_ept_gather_free(&gather);
	ept_test_expect(test, 0, SZ_2M, VL_EPT_2M, VL_EPT_RWX);
}

static void ept_test_split(struct kunit *test)
{
	struct vl_ept *ept = test->priv;
	u64 gpa = SZ_1G + 5 * SZ_2M;
	unsigned int i;

	ept_test_map(test, SZ_1G, SZ_2G, VL_EPT_1G, VL_EPT_READ | VL_EPT_WRITE |
		     VL_EPT_TYPE_WB | VL_EPT_IGNORE_PAT);
	*ept_test_entry(ept, gpa, VL_EPT_1G) |= VL_EPT_DIRTY;
	ept_test_stock(test, ept);
	KUNIT_ASSERT_EQ(test, vl_ept_split(ept, gpa + 7 * SZ_4K, VL_EPT_EXEC), 0);

	for (i = 0; i < 512; i++) {
		u64 offset = i * SZ_4K;

		ept_test_expect(test, gpa + offset, SZ_2G + 5 * SZ_2M + offset, VL_EPT_4K,
				VL_EPT_RWX);
		/* A CPU that holds the large page as dirty will not set it again. */
		KUNIT_EXPECT_TRUE(test, *ept_test_entry(ept, gpa + offset, VL_EPT_4K) &
				  VL_EPT_DIRTY);
		if (i != 5)
			ept_test_expect(test, SZ_1G + i * (u64)SZ_2M, SZ_2G + i * (u64)SZ_2M,
					VL_EPT_2M, VL_EPT_READ | VL_EPT_WRITE);
	}
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_1G], 0);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_2M], 511);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 512);
	KUNIT_EXPECT_EQ(test, ept->nr_tables, 4);

	KUNIT_EXPECT_EQ(test, vl_ept_split(ept, gpa, 0), 0);
	KUNIT_EXPECT_EQ(test, vl_ept_split(ept, SZ_2G, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, ept->nr_tables, 4);
}

/* A 4 KiB page with more rights breaks a large one, one with no more does not. */
static void ept_test_map_within_large(struct kunit *test)
{
	struct vl_ept *ept = test->priv;

	ept_test_map(test, 0, SZ_1G, VL_EPT_2M, ATTR_RO);
	ept_test_map(test, 3 * SZ_4K, SZ_1G + 3 * SZ_4K, VL_EPT_4K, ATTR_RO);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_2M], 1);

	ept_test_map(test, 3 * SZ_4K, SZ_1G + 3 * SZ_4K, VL_EPT_4K, ATTR);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_2M], 0);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 512);
	ept_test_expect(test, 2 * SZ_4K, SZ_1G + 2 * SZ_4K, VL_EPT_4K,
			VL_EPT_READ | VL_EPT_EXEC);
	ept_test_expect(test, 3 * SZ_4K, SZ_1G + 3 * SZ_4K, VL_EPT_4K, VL_EPT_RWX);
	ept_test_expect(test, 4 * SZ_4K, SZ_1G + 4 * SZ_4K, VL_EPT_4K,
			VL_EPT_READ | VL_EPT_EXEC);
}

static void ept_test_zap_ranges(struct kunit *test)
{
	struct vl_ept *ept = test->priv;

	ept_test_zap(test, 0, BIT_ULL(46), false, 0);

	ept_test_map(test, 0, 0, VL_EPT_4K, ATTR);
	ept_test_map(test, SZ_4K, SZ_4K, VL_EPT_4K, ATTR);
	ept_test_map(test, SZ_2M, SZ_2M, VL_EPT_2M, ATTR);
	ept_test_map(test, SZ_1G, SZ_1G, VL_EPT_1G, ATTR);

	/* Between what is mapped */
	ept_test_zap(test, 2 * SZ_4K, SZ_2M, false, 0);
	/* One page of a table, one byte of a large page */
	ept_test_zap(test, SZ_4K, 2 * SZ_4K, true, 0);
	ept_test_expect(test, 0, 0, VL_EPT_4K, VL_EPT_RWX);
	ept_test_expect_none(test, SZ_4K);
	ept_test_zap(test, SZ_4M - SZ_4K, SZ_4M, true, 0);
	ept_test_expect_none(test, SZ_2M);
	/* Two tables of the first 1 GiB, not the large page behind it */
	ept_test_zap(test, 0, SZ_1G, true, 2);
	ept_test_expect_none(test, 0);
	ept_test_expect(test, SZ_1G, SZ_1G, VL_EPT_1G, VL_EPT_RWX);
	/* Beyond the guest-physical width there is nothing to walk. */
	ept_test_zap(test, SZ_1G, ~0ULL, true, 0);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 0);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_2M], 0);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_1G], 0);
	ept_test_zap(test, 0, ~0ULL, true, 1);
	KUNIT_EXPECT_EQ(test, ept->nr_tables, 1);
}

/* Tables are out of reach, yet whole and not freed, until the flush is over. */
static void ept_test_flush_before_free(struct kunit *test)
{
	struct vl_ept *ept = test->priv;
	struct vl_ept_gather gather;
	struct page *page, *leaf;
	u64 *entry;

	ept_test_map(test, SZ_1G, 0, VL_EPT_4K, ATTR);
	entry = ept_test_entry(ept, SZ_1G, VL_EPT_2M);
	leaf = virt_to_page(phys_to_virt(*entry & VL_EPT_ADDR_MASK));
	get_page(leaf);

	vl_ept_gather_init(&gather);
	vl_ept_zap(ept, SZ_1G, SZ_2G, &gather);
	ept_test_expect_none(test, SZ_1G);
	KUNIT_EXPECT_TRUE(test, gather.flush);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&gather.tables), 2);
	list_for_each_entry(page, &gather.tables, lru) {
		KUNIT_EXPECT_EQ(test, page_count(page), page == leaf ? 2 : 1);
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(page_address(page), 0, PAGE_SIZE), NULL);
	}
	vl_ept_gather_free(&gather);
	KUNIT_EXPECT_EQ(test, page_count(leaf), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&gather.tables));
	put_page(leaf);
}

static void ept_test_write_protect(struct kunit *test)
{
	struct vl_ept *ept = test->priv;
	struct ept_written w;

	ept_test_map(test, 0, 0, VL_EPT_4K, ATTR);
	ept_test_map(test, SZ_4K, SZ_4K, VL_EPT_4K, ATTR);
	ept_test_map(test, SZ_2M, SZ_2M, VL_EPT_2M, ATTR);
	*ept_test_entry(ept, 0, VL_EPT_4K) |= VL_EPT_DIRTY;

	ept_test_written_init(&w);
	vl_ept_write_protect(ept, 0, SZ_4K, &w.gather);
	KUNIT_EXPECT_TRUE(test, w.gather.flush);
	KUNIT_EXPECT_EQ(test, w.count, 0);
	KUNIT_EXPECT_TRUE(test, *ept_test_entry(ept, 0, VL_EPT_4K) & VL_EPT_DIRTY);
	ept_test_expect(test, 0, 0, VL_EPT_4K, VL_EPT_READ | VL_EPT_EXEC);
	ept_test_expect(test, SZ_4K, SZ_4K, VL_EPT_4K, VL_EPT_RWX);
	ept_test_expect(test, SZ_2M, SZ_2M, VL_EPT_2M, VL_EPT_RWX);

	w.gather.flush = false;
	vl_ept_write_protect(ept, 0, SZ_4K, &w.gather);
	KUNIT_EXPECT_FALSE(test, w.gather.flush);

	vl_ept_write_protect(ept, 0, SZ_1G, &w.gather);
	KUNIT_EXPECT_TRUE(test, w.gather.flush);
	ept_test_expect(test, SZ_2M, SZ_2M, VL_EPT_2M, VL_EPT_READ | VL_EPT_EXEC);
	KUNIT_EXPECT_EQ(test, ept->mapped[VL_EPT_4K], 2);
	KUNIT_EXPECT_EQ(test, ept->nr_tables, 4);
}

static void ept_test_harvest(struct kunit *test)
{
	struct vl_ept *ept = test->priv;
	struct ept_written w;
	u64 *page, *large;

	ept_test_map(test, SZ_4K, SZ_1G, VL_EPT_4K, ATTR);
	ept_test_map(test, SZ_2M, SZ_4M, VL_EPT_2M, ATTR);
	page = ept_test_entry(ept, SZ_4K, VL_EPT_4K);
	large = ept_test_entry(ept, SZ_2M, VL_EPT_2M);
	*page |= VL_EPT_ACCESSED | VL_EPT_DIRTY;
	*large |= VL_EPT_ACCESSED;

	/* Accessed bits alone: no page counts as written, dirty bits stay. */
	ept_test_written_init(&w);
	vl_ept_harvest(ept, 0, SZ_1G, VL_EPT_ACCESSED, &w.gather);
	KUNIT_EXPECT_TRUE(test, w.gather.flush);
	KUNIT_EXPECT_EQ(test, w.count, 0);
	KUNIT_EXPECT_EQ(test, *page & (VL_EPT_ACCESSED | VL_EPT_DIRTY), VL_EPT_DIRTY);
	KUNIT_EXPECT_EQ(test, *large & VL_EPT_ACCESSED, 0);

	ept_test_written_init(&w);
	vl_ept_harvest(ept, SZ_2M, SZ_1G, VL_EPT_DIRTY, &w.gather);
	KUNIT_EXPECT_FALSE(test, w.gather.flush);
	KUNIT_EXPECT_EQ(test, w.count, 0);

	vl_ept_harvest(ept, 0, SZ_2M, VL_EPT_DIRTY, &w.gather);
	KUNIT_EXPECT_TRUE(test, w.gather.flush);
	KUNIT_EXPECT_EQ(test, w.count, 1);
	KUNIT_EXPECT_EQ(test, w.gpa, SZ_4K);
	KUNIT_EXPECT_EQ(test, w.hpa, SZ_1G);
	KUNIT_EXPECT_EQ(test, w.level, VL_EPT_4K);
	KUNIT_EXPECT_EQ(test, *page & VL_EPT_DIRTY, 0);
	ept_test_expect(test, SZ_4K, SZ_1G, VL_EPT_4K, VL_EPT_RWX);

	/* A part of a large page stands for all of it. */
	*large |= VL_EPT_DIRTY;
	vl_ept_harvest(ept, SZ_2M + SZ_4K, SZ_2M + 2 * SZ_4K, VL_EPT_DIRTY, &w.gather);
	KUNIT_EXPECT_EQ(test, w.count, 2);
	KUNIT_EXPECT_EQ(test, w.gpa, SZ_2M);
	KUNIT_EXPECT_EQ(test, w.hpa, SZ_4M);
	KUNIT_EXPECT_EQ(test, w.level, VL_EPT_2M);

	/* An entry that goes is asked, too. */
	*page |= VL_EPT_DIRTY;
	vl_ept_zap(ept, 0, SZ_1G, &w.gather);
	KUNIT_EXPECT_EQ(test, w.count, 3);
	KUNIT_EXPECT_EQ(test, w.gpa, SZ_4K);
	vl_ept_gather_free(&w.gather);
}

static struct kunit_case ept_test_cases[] = {
	KUNIT_CASE(ept_test_pointer),
	KUNIT_CASE(ept_test_sizes),
	KUNIT_CASE(ept_test_round),
	KUNIT_CASE(ept_test_invalid),
	KUNIT_CASE(ept_test_out_of_stock),
	KUNIT_CASE(ept_test_rights),
	KUNIT_CASE(ept_test_replace),
	KUNIT_CASE(ept_test_large_over_table),
	KUNIT_CASE(ept_test_split),
	KUNIT_CASE(ept_test_map_within_large),
	KUNIT_CASE(ept_test_zap_ranges),
	KUNIT_CASE(ept_test_flush_before_free),
	KUNIT_CASE(ept_test_write_protect),
	KUNIT_CASE(ept_test_harvest),
	{}
};

static struct kunit_suite ept_test_suite = {
	.name = "vmx-lite-ept",
	.init = ept_test_init,
	.exit = ept_test_exit,
	.test_cases = ept_test_cases,
};

kunit_test_suites(&ept_test_suite);
