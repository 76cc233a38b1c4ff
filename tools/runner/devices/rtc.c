// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PC's real-time clock: Motorola's MC146818A at ports 0x70 and 0x71, with a
 * century byte. It keeps UTC. It has no interrupt (the DSDT names none):
 * the flags of register C can be polled.
 *
 * Registers that hold the time are computed when read. While the guest holds
 * the clock (register B, SET) they are RAM, and become the time at the end.
 */
#include <errno.h>
#include <string.h>

#include "rtc.h"

enum {
	RTC_SECONDS = 0x00,
	RTC_MINUTES = 0x02,
	RTC_HOURS = 0x04,
	RTC_WEEKDAY = 0x06,
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_BASE_MEMORY = 0x15,		/* KiB, to 640 */
	RTC_EXT_MEMORY = 0x17,		/* KiB above 1 MiB, to 65535 */
	RTC_EXT_MEMORY_2 = 0x30,
	RTC_CENTURY = 0x32,
	RTC_HIGH_MEMORY = 0x34,		/* 64 KiB blocks above 16 MiB below 4 GiB */
	RTC_ABOVE_4G = 0x5b,		/* 64 KiB blocks, 3 bytes */
};

#define RTC_A_DIVIDER	0x20	/* 32.768 kHz */
#define RTC_A_RATE	0x06	/* 1024 Hz */
#define RTC_A_UIP	0x80
#define RTC_B_SET	0x80
#define RTC_B_BINARY	0x04
#define RTC_B_24H	0x02
#define RTC_C_UF	0x10
#define RTC_D_VALID	0x80
#define RTC_PM		0x80

static u8 encode(const struct rtc *rtc, int value)
{
	if (rtc->cmos[RTC_B] & RTC_B_BINARY)
		return value;
	return value / 10 << 4 | value % 10;
}

static int decode(const struct rtc *rtc, u8 value)
{
	if (rtc->cmos[RTC_B] & RTC_B_BINARY)
		return value;
	return (value >> 4) * 10 + (value & 0xf);
}

static u8 encode_hour(const struct rtc *rtc, int hour)
{
	if (rtc->cmos[RTC_B] & RTC_B_24H)
		return encode(rtc, hour);
	return encode(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? RTC_PM : 0);
}

static int decode_hour(const struct rtc *rtc, u8 value)
{
	if (rtc->cmos[RTC_B] & RTC_B_24H)
		return decode(rtc, value);
	return decode(rtc, value & ~RTC_PM) % 12 + (value & RTC_PM ? 12 : 0);
}

/* Write the guest's present time into the registers, unless it holds them. */
static void latch(struct rtc *rtc)
{
	time_t t = rtc->now() + rtc->offset;
	struct tm tm;

	if ((rtc->cmos[RTC_B] & RTC_B_SET) || !gmtime_r(&t, &tm))
		return;
	rtc->cmos[RTC_SECONDS] = encode(rtc, tm.tm_sec);
	rtc->cmos[RTC_MINUTES] = encode(rtc, tm.tm_min);
	rtc->cmos[RTC_HOURS] = encode_hour(rtc, tm.tm_hour);
	rtc->cmos[RTC_WEEKDAY] = encode(rtc, tm.tm_wday + 1);
	rtc->cmos[RTC_DAY] = encode(rtc, tm.tm_mday);
	rtc->cmos[RTC_MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->cmos[RTC_YEAR] = encode(rtc, tm.tm_year % 100);
	rtc->cmos[RTC_CENTURY] = encode(rtc, tm.tm_year / 100 + 19);
}

/* Take what the guest wrote into the registers as the time. */
static void unlatch(struct rtc *rtc)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->cmos[RTC_SECONDS]),
		.tm_min = decode(rtc, rtc->cmos[RTC_MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->cmos[RTC_HOURS]),
		.tm_mday = decode(rtc, rtc->cmos[RTC_DAY]),
		.tm_mon = decode(rtc, rtc->cmos[RTC_MONTH]) - 1,
		.tm_year = (decode(rtc, rtc->cmos[RTC_CENTURY]) - 19) * 100 +
			   decode(rtc, rtc->cmos[RTC_YEAR]),
	};

	rtc->offset = timegm(&tm) - rtc->now();
}

static u8 read_c(struct rtc *rtc)
{
	time_t t = rtc->now();
	u8 flags = t != rtc->last_update ? RTC_C_UF : 0;

	rtc->last_update = t;
	return flags;
}

static bool is_time(u8 index)
{
	switch (index) {
	case RTC_SECONDS: case RTC_MINUTES: case RTC_HOURS: case RTC_WEEKDAY:
	case RTC_DAY: case RTC_MONTH: case RTC_YEAR: case RTC_CENTURY:
		return true;
	default:
		return false;
	}
}

static void write_b(struct rtc *rtc, u8 value)
{
	bool held = rtc->cmos[RTC_B] & RTC_B_SET;

	if (!held && (value & RTC_B_SET))
		latch(rtc);
	/* The mode bits must say how to read what was written: set them first. */
	rtc->cmos[RTC_B] = value;
	if (held && !(value & RTC_B_SET))
		unlatch(rtc);
}

static void write_data(struct rtc *rtc, u8 value)
{
	switch (rtc->index) {
	case RTC_A:
		rtc->cmos[RTC_A] = value & ~RTC_A_UIP;
		break;
	case RTC_B:
		write_b(rtc, value);
		break;
	case RTC_C:
	case RTC_D:	/* read-only */
		break;
	default:
		if (is_time(rtc->index) && !(rtc->cmos[RTC_B] & RTC_B_SET)) {
			latch(rtc);
			rtc->cmos[rtc->index] = value;
			unlatch(rtc);
		} else {
			rtc->cmos[rtc->index] = value;
		}
	}
}

static u8 read_data(struct rtc *rtc)
{
	if (rtc->index == RTC_C)
		return read_c(rtc);
	if (is_time(rtc->index))
		latch(rtc);
	return rtc->cmos[rtc->index];
}

static u64 rtc_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct rtc *rtc = container_of(region, struct rtc, region);
	u64 value = ~0ULL;

	if (offset != 1 || size != 1)
		return value;	/* the index is write-only */
	pthread_mutex_lock(&rtc->lock);
	value = read_data(rtc);
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct rtc *rtc = container_of(region, struct rtc, region);

	pthread_mutex_lock(&rtc->lock);
	if (offset == 0)
		rtc->index = value & (RTC_SIZE - 1);	/* bit 7 masks NMIs */
	if (offset + size == 2)
		write_data(rtc, value >> (8 * (size - 1)));
	pthread_mutex_unlock(&rtc->lock);
}

static void put16(u8 *p, u64 value)
{
	value = MIN(value, 0xffff);
	p[0] = value;
	p[1] = value >> 8;
}

/* The sizes that a PC's firmware leaves here, and they are true. */
static void store_memory_sizes(struct rtc *rtc, u64 lowmem, u64 highmem)
{
	u64 above = highmem >> 16;

	put16(&rtc->cmos[RTC_BASE_MEMORY], MIN(lowmem >> 10, 640));
	if (lowmem > MIB) {
		put16(&rtc->cmos[RTC_EXT_MEMORY], (lowmem - MIB) >> 10);
		put16(&rtc->cmos[RTC_EXT_MEMORY_2], (lowmem - MIB) >> 10);
	}
	if (lowmem > 16 * MIB)
		put16(&rtc->cmos[RTC_HIGH_MEMORY], (lowmem - 16 * MIB) >> 16);
	above = MIN(above, 0xffffff);
	put16(&rtc->cmos[RTC_ABOVE_4G], above & 0xffff);
	rtc->cmos[RTC_ABOVE_4G + 2] = above >> 16;
}

static time_t host_now(void)
{
	return time(NULL);
}

/**
 * rtc_init() - put a real-time clock on a bus
 * @rtc: the clock
 * @ports: port bus
 * @lowmem: bytes of RAM from address 0
 * @highmem: bytes of RAM from 4 GiB
 *
 * Return: 0 or the errno of bus_add().
 */
int rtc_init(struct rtc *rtc, struct bus *ports, u64 lowmem, u64 highmem)
{
	*rtc = (struct rtc) {
		.region = {
			.start = 0x70,
			.size = 2,
			.name = "rtc",
			.read = rtc_read,
			.write = rtc_write,
		},
		.now = host_now,
		.cmos = {
			[RTC_A] = RTC_A_DIVIDER | RTC_A_RATE,
			[RTC_B] = RTC_B_24H,
			[RTC_D] = RTC_D_VALID,
		},
	};
	store_memory_sizes(rtc, lowmem, highmem);
	pthread_mutex_init(&rtc->lock, NULL);
	return bus_add(ports, &rtc->region);
}

/**
 * rtc_destroy() - take a clock off its bus
 * @rtc: the clock
 * @ports: the bus it is on
 */
void rtc_destroy(struct rtc *rtc, struct bus *ports)
{
	bus_remove(ports, &rtc->region);
	pthread_mutex_destroy(&rtc->lock);
}
