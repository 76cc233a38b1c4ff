// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the list of memory regions, on any machine.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "ept.h"
#include "memory_regions.h"
#include "memory_type.h"

#define GPA_BITS	40
#define USER_MAX	0x7ffffffff000ULL

static void memory_test_check(struct kunit *test)
{
	static const struct {
		struct vmx_lite_memory_region r;
		int ret;
		const char *what;
	} cases[] = {
		{ { 0, SZ_4K, 0x10000, 0, 0 }, 0, "one page" },
		{ { 0, BIT_ULL(GPA_BITS), 0, 0, 0 }, 0, "all guest memory" },
		{ { BIT_ULL(GPA_BITS) - SZ_4K, SZ_4K, 0, 3, 0 }, 0, "last page, all flags" },
		{ { 0, SZ_4K, USER_MAX - SZ_4K, 0, 0 }, 0, "last user page" },
		{ { 0, 0, 0, 0, 0 }, -EINVAL, "empty" },
		{ { 1, SZ_4K, 0, 0, 0 }, -EINVAL, "gpa unaligned" },
		{ { 0, SZ_4K - 1, 0, 0, 0 }, -EINVAL, "size unaligned" },
		{ { 0, SZ_4K, 0x800, 0, 0 }, -EINVAL, "user address unaligned" },
		{ { 0, SZ_4K, 0, 4, 0 }, -EINVAL, "unknown flag" },
		{ { 0, SZ_4K, 0, 0, 1 }, -EINVAL, "padding" },
		{ { BIT_ULL(GPA_BITS), SZ_4K, 0, 0, 0 }, -EINVAL, "gpa beyond the width" },
		{ { BIT_ULL(GPA_BITS) - SZ_4K, SZ_8K, 0, 0, 0 }, -EINVAL, "end beyond the width" },
		{ { -SZ_4K, SZ_4K, 0, 0, 0 }, -EINVAL, "gpa wraps to 0" },
		{ { -SZ_4K, SZ_8K, 0, 0, 0 }, -EINVAL, "gpa wraps" },
		{ { 0, SZ_4K, USER_MAX, 0, 0 }, -EFAULT, "kernel address" },
		{ { 0, SZ_8K, USER_MAX - SZ_4K, 0, 0 }, -EFAULT, "end beyond user space" },
		{ { 0, SZ_8K, -SZ_4K, 0, 0 }, -EFAULT, "user address wraps" },
	};
	static const struct vmx_lite_memory_region big = {
		.size = VL_DIRTY_MAX_SIZE + SZ_4K,
		.flags = VMX_LITE_MEM_LOG_DIRTY,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vl_region_check(&cases[i].r, GPA_BITS, USER_MAX),
				    cases[i].ret, "%s", cases[i].what);
	KUNIT_EXPECT_EQ(test, vl_region_check(&big, 46, USER_MAX), -E2BIG);
}

/* 4 KiB at 16 KiB, 8 KiB at 20 KiB right behind it, 4 KiB at 4 GiB */
static struct vl_region memory_test_regions[] = {
	{ .gpa = 4ULL * SZ_1G, .size = SZ_4K },
	{ .gpa = SZ_16K, .size = SZ_4K },
	{ .gpa = SZ_16K + SZ_4K, .size = SZ_8K },
};

#define HIGH	(&memory_test_regions[0])
#define FIRST	(&memory_test_regions[1])
#define SECOND	(&memory_test_regions[2])

/* The same list with one more; the old one is freed. */
static struct vl_regions *memory_test_add(struct kunit *test, struct vl_regions *old,
					  struct vl_region *region)
{
	struct vl_regions *new = vl_regions_add(old, region);

	kfree(old);
	KUNIT_ASSERT_FALSE(test, IS_ERR(new));
	return new;
}

static struct vl_regions *memory_test_list(struct kunit *test)
{
	struct vl_regions *regions = vl_regions_alloc(0);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, regions);
	for (i = 0; i < ARRAY_SIZE(memory_test_regions); i++)
		regions = memory_test_add(test, regions, &memory_test_regions[i]);
	return regions;
}

static void memory_test_sorted(struct kunit *test)
{
	struct vl_regions *regions = memory_test_list(test);
	struct vl_regions *less;

	KUNIT_EXPECT_EQ(test, regions->nr, 3);
	KUNIT_EXPECT_PTR_EQ(test, regions->region[0], FIRST);
	KUNIT_EXPECT_PTR_EQ(test, regions->region[1], SECOND);
	KUNIT_EXPECT_PTR_EQ(test, regions->region[2], HIGH);

	less = vl_regions_remove(regions, SECOND);
	KUNIT_EXPECT_EQ(test, less->nr, 2);
	KUNIT_EXPECT_PTR_EQ(test, less->region[0], FIRST);
	KUNIT_EXPECT_PTR_EQ(test, less->region[1], HIGH);
	KUNIT_EXPECT_PTR_EQ(test, vl_regions_find(less, SECOND->gpa), NULL);
	KUNIT_EXPECT_PTR_EQ(test, vl_regions_find(regions, SECOND->gpa), SECOND);
	kfree(less);
	kfree(regions);
}

static void memory_test_find(struct kunit *test)
{
	const struct {
		u64 gpa;
		struct vl_region *region;
	} cases[] = {
		{ 0, NULL },
		{ SZ_16K - 1, NULL },
		{ SZ_16K, FIRST },
		{ SZ_16K + SZ_4K - 1, FIRST },
		{ SZ_16K + SZ_4K, SECOND },
		{ SZ_16K + SZ_4K + SZ_8K - 1, SECOND },
		{ SZ_16K + SZ_4K + SZ_8K, NULL },
		{ 4ULL * SZ_1G - 1, NULL },
		{ 4ULL * SZ_1G, HIGH },
		{ 4ULL * SZ_1G + SZ_4K, NULL },
		{ ~0ULL, NULL },
	};
	struct vl_regions *regions = memory_test_list(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, vl_regions_find(regions, cases[i].gpa),
					cases[i].region, "gpa %#llx", cases[i].gpa);
	kfree(regions);
}

static void memory_test_overlap(struct kunit *test)
{
	const struct {
		u64 gpa;
		u64 size;
		struct vl_region *region;
	} cases[] = {
		{ 0, SZ_16K, NULL },
		{ 0, SZ_16K + SZ_4K, FIRST },
		{ 0, BIT_ULL(40), FIRST },
		{ SZ_16K + SZ_4K, SZ_4K, SECOND },
		{ SZ_16K + SZ_8K, SZ_16K, SECOND },
		{ SZ_32K, SZ_1G, NULL },
		{ SZ_32K, 4ULL * SZ_1G - SZ_32K, NULL },
		{ SZ_32K, 4ULL * SZ_1G, HIGH },
		{ 4ULL * SZ_1G + SZ_4K, SZ_4K, NULL },
		{ -SZ_4K, SZ_4K, NULL },
	};
	struct vl_regions *regions = memory_test_list(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, vl_regions_overlap(regions, cases[i].gpa,
								 cases[i].size),
					cases[i].region, "case %u", i);
	kfree(regions);
}

static void memory_test_full(struct kunit *test)
{
	struct vl_regions *regions = vl_regions_alloc(0);
	struct vl_region *many;
	unsigned int i;

	many = kunit_kcalloc(test, VMX_LITE_MAX_REGIONS + 1, sizeof(*many), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, many);
	KUNIT_ASSERT_NOT_NULL(test, regions);
	for (i = 0; i <= VMX_LITE_MAX_REGIONS; i++) {
		many[i].gpa = (u64)i * SZ_4K;
		many[i].size = SZ_4K;
	}

	/* From the highest down: each goes to the front. */
	for (i = VMX_LITE_MAX_REGIONS; i > 0; i--)
		regions = memory_test_add(test, regions, &many[i]);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vl_regions_add(regions, &many[0])), -ENOSPC);
	for (i = 1; i <= VMX_LITE_MAX_REGIONS; i++)
		KUNIT_EXPECT_PTR_EQ(test, vl_regions_find(regions, many[i].gpa), &many[i]);
	kfree(regions);
}

static pgprot_t memory_test_prot(enum page_cache_mode mode)
{
	return __pgprot(_PAGE_PRESENT | _PAGE_USER | _PAGE_RW | cachemode2protval(mode));
}

/* SDM vol. 3, table 12-10: what a PAT entry says, and 29.3.7.2: how the EPT says it. */
static void memory_test_type(struct kunit *test)
{
	static const struct {
		enum page_cache_mode vma, entry;
		bool ram;
		u64 type;
	} cases[] = {
#define MODE(mode)	_PAGE_CACHE_MODE_##mode
		{ MODE(UC), MODE(UC), false, 0 },
		{ MODE(UC_MINUS), MODE(UC_MINUS), false, 0 },
		{ MODE(UC_MINUS), MODE(UC_MINUS), true, 0 },
		{ MODE(WC), MODE(WC), false, 1 << 3 },
		{ MODE(WC), MODE(UC_MINUS), false, 1 << 3 },
		{ MODE(WC), MODE(WC), true, 1 << 3 },
		{ MODE(WT), MODE(WT), false, 0 },
		{ MODE(WP), MODE(WP), false, 0 },
		{ MODE(WB), MODE(UC_MINUS), false, 0 },
		{ MODE(WB), MODE(UC), true, 0 },
		{ MODE(WB), MODE(WC), true, 0 },
		{ MODE(UC), MODE(WB), true, 0 },
		{ MODE(WB), MODE(WB), true, 6 << 3 | 1 << 6 },
		{ MODE(WB), MODE(WB), false, VL_MEMORY_REFUSED },
#undef MODE
	};
	unsigned int i;

	if (cachemode2protval(_PAGE_CACHE_MODE_WC) ==
	    cachemode2protval(_PAGE_CACHE_MODE_UC_MINUS))
		kunit_skip(test, "the kernel does not use the PAT");
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    vl_memory_type(memory_test_prot(cases[i].vma),
						   memory_test_prot(cases[i].entry),
						   cases[i].ram),
				    cases[i].type, "row %u", i);

	/* In an entry of a large page the bit of the PAT says that it is large. */
	KUNIT_EXPECT_EQ(test, vl_memory_type(memory_test_prot(_PAGE_CACHE_MODE_WB),
					     __pgprot(_PAGE_PRESENT | _PAGE_PSE), true),
			VL_EPT_TYPE_WB | VL_EPT_IGNORE_PAT);
	KUNIT_EXPECT_EQ(test, vl_memory_type(memory_test_prot(_PAGE_CACHE_MODE_UC_MINUS),
					     __pgprot(_PAGE_PRESENT | _PAGE_PSE | _PAGE_PCD),
					     false),
			VL_EPT_TYPE_UC);
}

static struct kunit_case memory_test_cases[] = {
	KUNIT_CASE(memory_test_check),
	KUNIT_CASE(memory_test_sorted),
	KUNIT_CASE(memory_test_find),
	KUNIT_CASE(memory_test_overlap),
	KUNIT_CASE(memory_test_full),
	KUNIT_CASE(memory_test_type),
	{}
};

static struct kunit_suite memory_test_suite = {
	.name = "vmx-lite-memory",
	.test_cases = memory_test_cases,
};

kunit_test_suites(&memory_test_suite);
