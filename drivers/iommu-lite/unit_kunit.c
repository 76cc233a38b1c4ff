// SPDX-License-Identifier: GPL-2.0-only
/*
 * What units of different abilities have in common: unit.c is compiled here
 * with the capabilities of machines that are not at hand.
 */
#include <kunit/test.h>

#include "iommu-lite.h"

#undef pr_fmt
#include "unit.c"

struct il_limits il_limits;

/* The rest of the module is not here */
int il_fault_start(struct dmar_drhd_unit *unit)
{
	return 0;
}

void il_fault_stop(struct dmar_drhd_unit *unit)
{
}

void il_fault_resume(struct dmar_drhd_unit *unit)
{
}

void il_irq_start(struct dmar_drhd_unit *unit)
{
}

void il_irq_stop(struct dmar_drhd_unit *unit)
{
}

void il_irq_quiesce(struct dmar_drhd_unit *unit)
{
}

void il_irq_resume(struct dmar_drhd_unit *unit)
{
}

#define SAGAW(levels)	(BIT_ULL(8) << ((levels) - 2))
#define MGAW(bits)	((u64)((bits) - 1) << 16)
#define PAGES_2M	BIT_ULL(34)
#define PAGES_1G	BIT_ULL(35)
#define CACHING		BIT_ULL(7)
#define COHERENT	BIT_ULL(0)
#define PASS		BIT_ULL(6)
#define SNOOP		BIT_ULL(7)

#define NR_UNITS	2

static const struct {
	u64 cap[NR_UNITS], ecap[NR_UNITS];
	struct il_limits limits;
	u8 levels[NR_UNITS];
} machines[] = {
	/* QEMU, 39 and 48 bits */
	{ { SAGAW(3) | MGAW(39) | PAGES_2M | PAGES_1G }, { PASS },
	  { .levels = 3, .top = 3, .leaf_levels = 3, .address_bits = 39,
	    .pass_through = true }, { 3 } },
	{ { SAGAW(3) | SAGAW(4) | MGAW(48) | PAGES_2M | CACHING },
	  { PASS | SNOOP },
	  { .levels = 4, .top = 4, .leaf_levels = 2, .address_bits = 48,
	    .snoop = true, .caching = true, .pass_through = true }, { 4 } },
	/* A notebook: 39 bits seen, four levels only */
	{ { SAGAW(4) | MGAW(39) | PAGES_2M | PAGES_1G,
	    SAGAW(4) | MGAW(39) | PAGES_2M | PAGES_1G },
	  { COHERENT | PASS, COHERENT | PASS | SNOOP },
	  { .levels = 4, .top = 4, .leaf_levels = 3, .address_bits = 39,
	    .coherent = true, .pass_through = true }, { 4, 4 } },
	/* Graphics of three levels beside a unit of three and four */
	{ { SAGAW(3) | MGAW(39), SAGAW(3) | SAGAW(4) | MGAW(48) | PAGES_2M },
	  { 0, COHERENT | PASS },
	  { .levels = 3, .top = 3, .leaf_levels = 1, .address_bits = 39 },
	  { 3, 3 } },
	/* Nothing in common: a tree of four, entered one lower by the first */
	{ { SAGAW(3) | MGAW(39) | PAGES_2M, SAGAW(4) | MGAW(48) | PAGES_2M },
	  { PASS, PASS },
	  { .levels = 4, .top = 3, .leaf_levels = 2, .address_bits = 39,
	    .pass_through = true }, { 3, 4 } },
	/* A server: five levels where 57 bits are seen */
	{ { SAGAW(4) | SAGAW(5) | MGAW(57) | PAGES_2M | PAGES_1G }, { 0 },
	  { .levels = 5, .top = 5, .leaf_levels = 3, .address_bits = 57 },
	  { 5 } },
	/* 57 bits seen by one only: four levels do for both */
	{ { SAGAW(4) | SAGAW(5) | MGAW(57), SAGAW(4) | MGAW(48) }, { 0 },
	  { .levels = 4, .top = 4, .leaf_levels = 1, .address_bits = 48 },
	  { 4, 4 } },
	/* 1 GiB without 2 MiB is no use */
	{ { SAGAW(4) | MGAW(48) | PAGES_1G }, { 0 },
	  { .levels = 4, .top = 4, .leaf_levels = 1, .address_bits = 48 },
	  { 4 } },
};

static void units_in_common(struct kunit *test)
{
	struct dmar_drhd_unit *units = kunit_kcalloc(test, NR_UNITS,
						     sizeof(*units),
						     GFP_KERNEL);
	const struct il_limits *wanted;
	int i, j;

	KUNIT_ASSERT_NOT_NULL(test, units);
	for (i = 0; i < ARRAY_SIZE(machines); i++) {
		INIT_LIST_HEAD(&il_units);
		for (j = 0; j < NR_UNITS && machines[i].cap[j]; j++) {
			units[j].cap = machines[i].cap[j];
			units[j].ecap = machines[i].ecap[j];
			KUNIT_ASSERT_EQ(test, choose_levels(&units[j]), 0);
			list_add_tail(&units[j].list, &il_units);
		}
		KUNIT_ASSERT_EQ(test, il_units_limits(), 0);
		wanted = &machines[i].limits;
		KUNIT_EXPECT_EQ_MSG(test, il_limits.levels, wanted->levels,
				    "machine %d", i);
		KUNIT_EXPECT_EQ_MSG(test, il_limits.top, wanted->top,
				    "machine %d", i);
		KUNIT_EXPECT_EQ_MSG(test, il_limits.leaf_levels,
				    wanted->leaf_levels, "machine %d", i);
		KUNIT_EXPECT_EQ_MSG(test, il_limits.address_bits,
				    wanted->address_bits, "machine %d", i);
		KUNIT_EXPECT_EQ(test, il_limits.coherent, wanted->coherent);
		KUNIT_EXPECT_EQ(test, il_limits.snoop, wanted->snoop);
		KUNIT_EXPECT_EQ(test, il_limits.caching, wanted->caching);
		KUNIT_EXPECT_EQ(test, il_limits.pass_through,
				wanted->pass_through);
		while (j--)
			KUNIT_EXPECT_EQ_MSG(test, units[j].levels,
					    machines[i].levels[j],
					    "machine %d unit %d", i, j);
	}
	INIT_LIST_HEAD(&il_units);
	KUNIT_EXPECT_EQ(test, il_units_limits(), -ENODEV);
}

static void no_usable_depth(struct kunit *test)
{
	struct dmar_drhd_unit *unit = kunit_kzalloc(test, sizeof(*unit),
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, unit);
	/* Two and six levels are reserved */
	unit->cap = SAGAW(2) | SAGAW(6) | MGAW(48);
	KUNIT_EXPECT_EQ(test, choose_levels(unit), -ENODEV);
}

static struct kunit_case unit_cases[] = {
	KUNIT_CASE(units_in_common),
	KUNIT_CASE(no_usable_depth),
	{}
};

static struct kunit_suite unit_suite = {
	.name = "iommu-lite-unit",
	.test_cases = unit_cases,
};

kunit_test_suite(unit_suite);
