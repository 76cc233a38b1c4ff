// SPDX-License-Identifier: GPL-2.0-only
/* The bus: ranges that may and may not be, and who answers where. */
#include <errno.h>

#include "bus.h"
#include "tap.h"

static u64 last_offset, last_value;
static unsigned int last_size;

static u64 answer(struct io_region *region, u64 offset, unsigned int size)
{
	last_offset = offset;
	last_size = size;
	return region->start;
}

static void take(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	(void)region;
	last_offset = offset;
	last_size = size;
	last_value = value;
}

static struct io_region region(u64 start, u64 size)
{
	return (struct io_region) {
		.start = start, .size = size, .name = "test", .read = answer, .write = take,
	};
}

static void refuses_bad_ranges(void)
{
	static const struct {
		u64 start, size;
		int wanted;
	} cases[] = {
		{ 0x100, 0x10, -EEXIST },	/* the same */
		{ 0x0f0, 0x11, -EEXIST },	/* its first byte */
		{ 0x10f, 0x01, -EEXIST },	/* its last byte */
		{ 0x104, 0x04, -EEXIST },	/* inside */
		{ 0x000, 0x1000, -EEXIST },	/* around */
		{ 0x200, 0, -EINVAL },
		{ 0xffff, 2, -EINVAL },		/* over the end */
		{ 0x10000, 1, -EINVAL },	/* beyond it */
		{ 0x200, UINT64_MAX, -EINVAL },	/* wraps */
	};
	struct io_region good = region(0x100, 0x10);
	struct bus bus;

	EXPECT_EQ(bus_init(&bus, 0xffff), 0);
	EXPECT_EQ(bus_add(&bus, &good), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct io_region bad = region(cases[i].start, cases[i].size);

		EXPECT_EQ(bus_add(&bus, &bad), cases[i].wanted);
	}
	EXPECT_EQ(bus.nr, 1);
	bus_destroy(&bus);
}

static void takes_neighbours_and_the_last_byte(void)
{
	struct io_region a = region(0x100, 0x10), b = region(0x110, 0x10),
			 c = region(0x0ff, 1), d = region(0xffff, 1);
	struct bus bus;

	EXPECT_EQ(bus_init(&bus, 0xffff), 0);
	EXPECT_EQ(bus_add(&bus, &a), 0);
	EXPECT_EQ(bus_add(&bus, &b), 0);
	EXPECT_EQ(bus_add(&bus, &c), 0);
	EXPECT_EQ(bus_add(&bus, &d), 0);
	EXPECT_EQ(bus_read(&bus, 0x0ff, 1), 0xff);
	EXPECT_EQ(bus_read(&bus, 0x10f, 1), 0x00);	/* 0x100 cut to a byte */
	EXPECT_EQ(bus_read(&bus, 0x110, 2), 0x110);
	EXPECT_EQ(bus_read(&bus, 0xffff, 1), 0xff);
	bus_destroy(&bus);
}

/* Many regions, added in an order that is neither rising nor falling. */
static void finds_each_of_many(void)
{
	enum { NR = 257 };
	struct io_region regions[NR];
	struct bus bus;

	EXPECT_EQ(bus_init(&bus, UINT64_MAX), 0);
	for (unsigned int i = 0; i < NR; i++) {
		unsigned int k = i * 100 % NR;

		regions[k] = region((u64)k << 32, 0x1000);
		EXPECT_EQ(bus_add(&bus, &regions[k]), 0);
	}
	for (unsigned int k = 0; k < NR; k++) {
		EXPECT_EQ(bus_read(&bus, ((u64)k << 32) + 0xff8, 8), (u64)k << 32);
		EXPECT_EQ(last_offset, 0xff8);
		EXPECT_EQ(bus_read(&bus, ((u64)k << 32) + 0x1000, 4), 0xffffffff);
	}
	for (unsigned int k = 0; k < NR; k += 2)
		bus_remove(&bus, &regions[k]);
	for (unsigned int k = 0; k < NR; k++)
		EXPECT_EQ(bus_read(&bus, (u64)k << 32, 8),
			  k % 2 ? (u64)k << 32 : UINT64_MAX);
	bus_destroy(&bus);
}

static void nobody_reads_as_ones(void)
{
	struct io_region a = region(0x100, 4);
	struct io_region deaf = { .start = 0x200, .size = 4, .name = "deaf" };
	struct bus bus;

	EXPECT_EQ(bus_init(&bus, 0xffff), 0);
	EXPECT_EQ(bus_read(&bus, 0x100, 1), 0xff);
	EXPECT_EQ(bus_add(&bus, &a), 0);
	EXPECT_EQ(bus_add(&bus, &deaf), 0);
	EXPECT_EQ(bus_read(&bus, 0x0ff, 2), 0xffff);	/* straddles the start */
	EXPECT_EQ(bus_read(&bus, 0x103, 2), 0xffff);	/* straddles the end */
	EXPECT_EQ(bus_read(&bus, 0x200, 4), 0xffffffff);
	bus_write(&bus, 0x200, 4, 1);
	bus_write(&bus, 0x300, 4, 1);
	bus_destroy(&bus);
}

static void writes_are_cut_to_their_size(void)
{
	struct io_region a = region(0x100, 8);
	struct bus bus;

	EXPECT_EQ(bus_init(&bus, 0xffff), 0);
	EXPECT_EQ(bus_add(&bus, &a), 0);
	bus_write(&bus, 0x102, 2, 0x12345678);
	EXPECT_EQ(last_value, 0x5678);
	EXPECT_EQ(last_offset, 2);
	EXPECT_EQ(last_size, 2);
	bus_write(&bus, 0x100, 8, UINT64_MAX);
	EXPECT_EQ(last_value, UINT64_MAX);
	bus_destroy(&bus);
}

static void removing_a_stranger_does_nothing(void)
{
	struct io_region a = region(0x100, 8), stranger = region(0x100, 8);
	struct bus bus;

	EXPECT_EQ(bus_init(&bus, 0xffff), 0);
	EXPECT_EQ(bus_add(&bus, &a), 0);
	bus_remove(&bus, &stranger);
	EXPECT_EQ(bus.nr, 1);
	bus_remove(&bus, &a);
	bus_remove(&bus, &a);
	EXPECT_EQ(bus.nr, 0);
	bus_destroy(&bus);
}

static const struct tap_test tests[] = {
	{ "bus: refuses empty, wrapping and overlapping ranges", refuses_bad_ranges },
	{ "bus: takes neighbours and the last byte", takes_neighbours_and_the_last_byte },
	{ "bus: finds each of many", finds_each_of_many },
	{ "bus: where nobody answers, ones are read", nobody_reads_as_ones },
	{ "bus: writes are cut to their size", writes_are_cut_to_their_size },
	{ "bus: removing a stranger does nothing", removing_a_stranger_does_nothing },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
