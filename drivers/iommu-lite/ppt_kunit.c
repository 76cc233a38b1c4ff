// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is pure about lent devices: the filter of the configuration space, the
 * pages that are cut out of BARs, interrupt remapping entries.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "irte.h"
#include "ppt.h"

/* A space of capabilities: id, where, where the next is */
struct link {
	u8 at, id, next;
};

static u8 *make_space(struct kunit *test, const struct link *links)
{
	u8 *space = kunit_kzalloc(test, IL_CONFIG_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, space);
	memset(space, 0x11, PCI_CFG_SPACE_SIZE);
	space[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	space[PCI_CAPABILITY_LIST] = links->at;
	for (; links->at; links++) {
		space[links->at] = links->id;
		space[links->at + PCI_CAP_LIST_NEXT] = links->next;
	}
	return space;
}

static struct il_config *make_config(struct kunit *test, const u8 *space,
				     unsigned int size)
{
	struct il_config *config = kunit_kzalloc(test, sizeof(*config),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, config);
	il_config_build(config, space, size);
	return config;
}

static u8 shown(const struct il_config *config, const u8 *space,
		unsigned int at)
{
	return (space[at] & ~config->fixed[at]) |
	       (config->image[at] & config->fixed[at]);
}

/* The offsets of capabilities as the holder finds them, the last one 0 */
static void expect_list(struct kunit *test, const struct il_config *config,
			const u8 *space, const u8 *wanted)
{
	unsigned int at = PCI_CAPABILITY_LIST, count = 0;

	do {
		at = shown(config, space, at);
		KUNIT_EXPECT_EQ_MSG(test, at, wanted[count], "capability %u",
				    count);
		at += PCI_CAP_LIST_NEXT;
	} while (wanted[count++]);
}

static void unknown_capabilities_are_left_out(struct kunit *test)
{
	static const struct link links[] = {
		{ 0x40, PCI_CAP_ID_VPD, 0x48 },
		{ 0x48, PCI_CAP_ID_PM, 0x50 },
		{ 0x50, 0x7f, 0x58 },
		{ 0x58, PCI_CAP_ID_EA, 0x60 },
		{ 0x60, PCI_CAP_ID_EXP, 0xa0 },
		{ 0xa0, PCI_CAP_ID_MSIX, 0xb0 },
		{ 0xb0, PCI_CAP_ID_HT, 0 },
		{}
	};
	static const u8 wanted[] = { 0x48, 0x60, 0xa0, 0 };
	u8 *space = make_space(test, links);

	expect_list(test, make_config(test, space, 256), space, wanted);
}

static void a_ring_of_capabilities_ends(struct kunit *test)
{
	static const struct link ring[] = {
		{ 0x40, 0x7e, 0x48 },
		{ 0x48, 0x7f, 0x40 },
		{}
	};
	static const struct link itself[] = {
		{ 0x40, PCI_CAP_ID_PM, 0x40 },
		{}
	};
	static const u8 empty[] = { 0 };
	struct il_config *config;
	u8 *space;

	space = make_space(test, ring);
	expect_list(test, make_config(test, space, 256), space, empty);
	space = make_space(test, itself);
	config = make_config(test, space, 256);
	KUNIT_EXPECT_EQ(test, shown(config, space, PCI_CAPABILITY_LIST), 0x40);
}

static void capabilities_at_odd_places(struct kunit *test)
{
	/* Low bits are reserved, the header holds none; one at the very end */
	static const struct link odd[] = {
		{ 0x43, 0, 0 },
		{}
	};
	static const struct link last[] = {
		{ 0xfc, PCI_CAP_ID_EXP, 0x10 },
		{}
	};
	static const u8 wanted[] = { 0xfc, 0 };
	struct il_config *config;
	u8 *space;

	space = make_space(test, odd);
	space[0x40] = PCI_CAP_ID_PM;
	space[0x41] = 0;
	config = make_config(test, space, 256);
	KUNIT_EXPECT_EQ(test, shown(config, space, PCI_CAPABILITY_LIST), 0x40);
	space = make_space(test, last);
	expect_list(test, make_config(test, space, 4096), space, wanted);
}

static void only_the_table_can_be_written(struct kunit *test)
{
	static const struct link links[] = {
		{ 0x40, PCI_CAP_ID_EXP, 0x80 },
		{ 0x80, PCI_CAP_ID_PM, 0x90 },
		{ 0x90, PCI_CAP_ID_MSI, 0xb0 },
		{ 0xb0, PCI_CAP_ID_VNDR, 0 },
		{}
	};
	static const struct {
		unsigned int at;
		u8 mask;
	} writable[] = {
		{ 0x07, 0xf9 },		/* errors in the status register */
		{ 0x3c, 0xff },		/* interrupt line */
		{ 0x48, 0x10 },		/* relaxed ordering */
		{ 0x4a, 0x4f },		/* errors in the device status */
	};
	u8 *space = make_space(test, links), mask;
	struct il_config *config = make_config(test, space, 4096);
	unsigned int at, next = 0;

	for (at = 0; at < IL_CONFIG_SIZE; at++) {
		mask = 0;
		if (next < ARRAY_SIZE(writable) && writable[next].at == at)
			mask = writable[next++].mask;
		KUNIT_EXPECT_EQ_MSG(test, config->writable[at], mask,
				    "offset 0x%x", at);
	}
	KUNIT_EXPECT_EQ(test, il_config_write(config, 0x48, 0xa5, 0xff), 0xb5);
	KUNIT_EXPECT_EQ(test, il_config_write(config, 0x48, 0xb5, 0x00), 0xa5);
	/* An error that nobody clears stays: a 0 is written for it */
	KUNIT_EXPECT_EQ(test, il_config_write(config, 0x4a, 0x0f, 0x00), 0x00);
	KUNIT_EXPECT_EQ(test, il_config_write(config, 0x4a, 0x1f, 0x02), 0x12);
}

static void put_dword(u8 *space, unsigned int at, u32 value)
{
	*(__le32 *)(space + at) = cpu_to_le32(value);
}

static u32 shown_dword(const struct il_config *config, const u8 *space,
		       unsigned int at)
{
	return shown(config, space, at) | shown(config, space, at + 1) << 8 |
	       shown(config, space, at + 2) << 16 |
	       (u32)shown(config, space, at + 3) << 24;
}

static void of_the_extended_only_the_serial_number(struct kunit *test)
{
	static const struct link none[] = { {} };
	u8 *space = make_space(test, none);
	struct il_config *config;
	unsigned int at;

	/* AER, then the serial number, then ACS */
	put_dword(space, 0x100, PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x150 << 20);
	put_dword(space, 0x104, 0xdeadbeef);
	put_dword(space, 0x150, PCI_EXT_CAP_ID_DSN | 1 << 16 | 0x200 << 20);
	put_dword(space, 0x154, 0x01234567);
	put_dword(space, 0x158, 0x89abcdef);
	put_dword(space, 0x200, PCI_EXT_CAP_ID_ACS | 1 << 16);
	put_dword(space, 0x204, 0xdeadbeef);
	config = make_config(test, space, 4096);
	KUNIT_EXPECT_EQ(test, shown_dword(config, space, 0x100), 0x00010003);
	KUNIT_EXPECT_EQ(test, shown_dword(config, space, 0x104), 0x01234567);
	KUNIT_EXPECT_EQ(test, shown_dword(config, space, 0x108), 0x89abcdef);
	for (at = 0x10c; at < IL_CONFIG_SIZE; at += 4)
		KUNIT_EXPECT_EQ(test, shown_dword(config, space, at), 0);
	/* One without: all 0, and a ring ends */
	put_dword(space, 0x150, PCI_EXT_CAP_ID_ACS | 0x100 << 20);
	config = make_config(test, space, 4096);
	for (at = 0x100; at < IL_CONFIG_SIZE; at += 4)
		KUNIT_EXPECT_EQ(test, shown_dword(config, space, at), 0);
	/* At the end of the space: not beyond it */
	put_dword(space, 0x150, PCI_EXT_CAP_ID_ACS | 0xffcu << 20);
	put_dword(space, 0xffc, PCI_EXT_CAP_ID_DSN | 1 << 16);
	config = make_config(test, space, 4096);
	KUNIT_EXPECT_EQ(test, shown_dword(config, space, 0x100), 0);
}

static void pages_with_the_table_are_cut_out(struct kunit *test)
{
	static const struct {
		struct il_span span;
		unsigned int bar;
		struct il_pages pages;
	} cases[] = {
		{ { 0, 0x2000, 16 }, 0, { 2, 2 } },
		{ { 0, 0x2000, 0x1000 }, 0, { 2, 2 } },
		{ { 0, 0x2000, 0x1010 }, 0, { 2, 3 } },
		{ { 0, 0x2ff0, 32 }, 0, { 2, 3 } },
		{ { 0, 0, 2048 * 16 }, 0, { 0, 7 } },
		{ { 1, 0x2000, 16 }, 0, { 1, 0 } },
		{ { 0, 0x2000, 0 }, 0, { 1, 0 } },
		{ { PCI_STD_NUM_BARS }, 0, { 1, 0 } },
	};
	struct il_pages pages;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pages = il_span_pages(&cases[i].span, cases[i].bar);
		KUNIT_EXPECT_EQ_MSG(test, pages.first, cases[i].pages.first,
				    "case %d", i);
		KUNIT_EXPECT_EQ_MSG(test, pages.last, cases[i].pages.last,
				    "case %d", i);
	}
}

static void accesses_that_touch_the_table(struct kunit *test)
{
	static const struct il_span span = { 2, 0x1008, 0x30 };
	static const struct {
		unsigned int bar;
		u64 offset, size;
		bool touches;
	} cases[] = {
		{ 2, 0x1000, 8, false },
		{ 2, 0x1004, 8, true },
		{ 2, 0x1008, 1, true },
		{ 2, 0x1037, 1, true },
		{ 2, 0x1038, 8, false },
		{ 1, 0x1008, 8, false },
		{ 2, 0x1000, 0x100, true },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    il_span_touches(&span, cases[i].bar,
						    cases[i].offset,
						    cases[i].size),
				    cases[i].touches, "case %d", i);
}

/* 9.10: by the bits of the figure */
static void entries_as_hardware_reads_them(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, il_irte_target(0x31, 0, false), 0x310001ull);
	KUNIT_EXPECT_EQ(test, il_irte_target(0xef, 0xff, false),
			0xff0000ef0001ull);
	KUNIT_EXPECT_EQ(test, il_irte_target(0x22, 0x02, true),
			0x020000220005ull);
}

static void sources_that_are_compared(struct kunit *test)
{
	static const struct {
		u16 sids[3];
		unsigned int count;
		u64 wanted;
	} cases[] = {
		/* alone: its id, in full */
		{ { 0x0018 }, 1, 0x40018 },
		{ { 0xfeff }, 1, 0x4feff },
		/* below a bridge to PCI: its bus */
		{ { 0x0308, 0x0300 }, 2, 0x80303 },
		/* another bridge in between: from the upper bus on */
		{ { 0x0510, 0x0408, 0x0400 }, 3, 0x80405 },
		/* a bridge that speaks for itself */
		{ { 0x0510, 0x00f0 }, 2, 0x400f0 },
		/* a device that takes a second function's id */
		{ { 0x0200, 0x0201 }, 2, 0x80202 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    il_irte_source(cases[i].sids,
						   cases[i].count),
				    cases[i].wanted, "case %d", i);
}

/* 5.1.2.2: handle[14:0] in bits 19:5, handle[15] in bit 2 */
static void messages_in_remappable_format(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, il_irte_message(0), 0xfee00018u);
	KUNIT_EXPECT_EQ(test, il_irte_message(1), 0xfee00038u);
	KUNIT_EXPECT_EQ(test, il_irte_message(0x7fff), 0xfeeffff8u);
	KUNIT_EXPECT_EQ(test, il_irte_message(0x8000), 0xfee0001cu);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(unknown_capabilities_are_left_out),
	KUNIT_CASE(a_ring_of_capabilities_ends),
	KUNIT_CASE(capabilities_at_odd_places),
	KUNIT_CASE(only_the_table_can_be_written),
	KUNIT_CASE(of_the_extended_only_the_serial_number),
	KUNIT_CASE(pages_with_the_table_are_cut_out),
	KUNIT_CASE(accesses_that_touch_the_table),
	KUNIT_CASE(entries_as_hardware_reads_them),
	KUNIT_CASE(sources_that_are_compared),
	KUNIT_CASE(messages_in_remappable_format),
	{}
};

static struct kunit_suite suite = {
	.name = "iommu-lite-lent",
	.test_cases = cases,
};

kunit_test_suite(suite);
