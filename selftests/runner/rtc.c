// SPDX-License-Identifier: GPL-2.0-only
/* The real-time clock: formats, setting it, and what firmware leaves in CMOS. */
#include "rtc.h"
#include "tap.h"

static struct bus ports;
static struct rtc rtc;
static time_t now;

static time_t test_now(void)
{
	return now;
}

static u8 get(u8 index)
{
	bus_write(&ports, 0x70, 1, index);
	return bus_read(&ports, 0x71, 1);
}

static void set(u8 index, u8 value)
{
	bus_write(&ports, 0x70, 1, index);
	bus_write(&ports, 0x71, 1, value);
}

static void setup(u64 lowmem, u64 highmem)
{
	bus_init(&ports, 0xffff);
	EXPECT_EQ(rtc_init(&rtc, &ports, lowmem, highmem), 0);
	rtc.now = test_now;
	now = 1709217296;	/* Thu 29 Feb 2024 14:34:56 UTC */
}

static void teardown(void)
{
	rtc_destroy(&rtc, &ports);
	bus_destroy(&ports);
}

static void expect_time(u8 sec, u8 min, u8 hour, u8 wday, u8 day, u8 month, u8 year, u8 century)
{
	EXPECT_EQ(get(0), sec);
	EXPECT_EQ(get(2), min);
	EXPECT_EQ(get(4), hour);
	EXPECT_EQ(get(6), wday);
	EXPECT_EQ(get(7), day);
	EXPECT_EQ(get(8), month);
	EXPECT_EQ(get(9), year);
	EXPECT_EQ(get(0x32), century);
}

static void tells_time(void)
{
	setup(512 * MIB, 0);
	EXPECT_EQ(get(0x0b), 0x02);	/* 24 hours, BCD */
	expect_time(0x56, 0x34, 0x14, 5, 0x29, 0x02, 0x24, 0x20);
	set(0x0b, 0x06);
	expect_time(56, 34, 14, 5, 29, 2, 24, 20);
	set(0x0b, 0x00);
	EXPECT_EQ(get(4), 0x82);	/* 2 pm */
	now += 10 * 3600;		/* 00:34 */
	EXPECT_EQ(get(4), 0x12);	/* 12 am */
	now += 12 * 3600;		/* 12:34 */
	EXPECT_EQ(get(4), 0x92);	/* 12 pm */
	EXPECT_EQ(get(8), 0x03);
	EXPECT_EQ(get(7), 0x01);	/* 2024 has a 29 February */
	teardown();
}

static void can_be_set(void)
{
	setup(512 * MIB, 0);
	set(0x0b, 0x82);		/* hold it */
	set(0x00, 0x58);
	set(0x02, 0x59);
	set(0x04, 0x23);
	set(0x07, 0x31);
	set(0x08, 0x12);
	set(0x09, 0x99);
	set(0x32, 0x19);
	now += 100;			/* it stands still meanwhile */
	EXPECT_EQ(get(0x00), 0x58);
	set(0x0b, 0x02);
	expect_time(0x58, 0x59, 0x23, 6, 0x31, 0x12, 0x99, 0x19);
	now += 2;
	expect_time(0x00, 0x00, 0x00, 7, 0x01, 0x01, 0x00, 0x20);
	teardown();
}

static void takes_nonsense(void)
{
	setup(512 * MIB, 0);
	for (unsigned int i = 0; i < 0x80; i++)
		set(i, 0xff);
	for (unsigned int mode = 0; mode < 256; mode++) {
		set(0x0b, mode);
		for (unsigned int i = 0; i < 0x80; i++)
			get(i);
	}
	teardown();
}

static void flags(void)
{
	setup(512 * MIB, 0);
	get(0x0c);
	EXPECT_EQ(get(0x0c), 0);
	now++;
	EXPECT_EQ(get(0x0c), 0x10);	/* the update flag, cleared by reading */
	EXPECT_EQ(get(0x0c), 0);
	EXPECT_EQ(get(0x0d), 0x80);	/* battery good */
	set(0x0d, 0);
	EXPECT_EQ(get(0x0d), 0x80);
	set(0x0a, 0xff);
	EXPECT_EQ(get(0x0a), 0x7f);	/* no update in progress */
	teardown();
}

static void index_bit_7_is_not_index(void)
{
	setup(512 * MIB, 0);
	set(0x0f, 0x5a);
	EXPECT_EQ(get(0x8f), 0x5a);
	EXPECT_EQ(bus_read(&ports, 0x70, 1), 0xff);
	bus_write(&ports, 0x70, 2, 0xa50e);	/* index and data at once */
	EXPECT_EQ(get(0x0e), 0xa5);
	teardown();
}

static unsigned int get16(u8 index)
{
	return get(index) | get(index + 1) << 8;
}

static void memory_sizes(void)
{
	static const struct {
		u64 lowmem, highmem;
		unsigned int base, ext, high, above;
	} cases[] = {
		{ MIB, 0, 640, 0, 0, 0 },
		{ 2 * MIB, 0, 640, 1024, 0, 0 },
		{ 512 * MIB, 0, 640, 65535, (512 - 16) * 16, 0 },
		{ 3 * GIB, 3 * GIB, 640, 65535, (3072 - 16) * 16, 3072 * 16 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(cases[i].lowmem, cases[i].highmem);
		EXPECT_EQ(get16(0x15), cases[i].base);
		EXPECT_EQ(get16(0x17), cases[i].ext);
		EXPECT_EQ(get16(0x30), cases[i].ext);
		EXPECT_EQ(get16(0x34), cases[i].high);
		EXPECT_EQ(get16(0x5b) | get(0x5d) << 16, cases[i].above);
		teardown();
	}
}

static const struct tap_test tests[] = {
	{ "rtc: tells the time in each format", tells_time },
	{ "rtc: can be set, and runs on", can_be_set },
	{ "rtc: takes nonsense", takes_nonsense },
	{ "rtc: flags and read-only registers", flags },
	{ "rtc: index and data ports", index_bit_7_is_not_index },
	{ "rtc: memory sizes in CMOS are true", memory_sizes },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
