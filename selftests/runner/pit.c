// SPDX-License-Identifier: GPL-2.0-only
/* The 8254: modes, latches, formats, the interrupt of counter 0, and port 0x61. */
#include "pit.h"
#include "tap.h"

static struct bus ports;
static struct irqchip chip;
static struct pit pit;
static u64 now;
static unsigned int edges;
static int line;

static u64 test_now(struct pit *p)
{
	(void)p;
	return now;
}

static void set_line(struct irqchip *c, unsigned int gsi, int level)
{
	(void)c;
	EXPECT_EQ(gsi, 0);
	edges += level && !line;
	line = level;
}

static void setup(void)
{
	bus_init(&ports, 0xffff);
	chip = (struct irqchip) { .set_line = set_line };
	EXPECT_EQ(pit_init(&pit, &ports, &chip, 1000), 0);
	pit.now = test_now;
	now = 1000000;
	edges = 0;
	line = 0;
}

static void teardown(void)
{
	pit_destroy(&pit, &ports);
	bus_destroy(&ports);
}

static void out(u16 port, u8 value)
{
	bus_write(&ports, port, 1, value);
}

static u8 in(u16 port)
{
	return bus_read(&ports, port, 1);
}

/* Counter, both bytes, of a mode */
static void program(unsigned int counter, unsigned int mode, u16 count)
{
	out(0x43, counter << 6 | 0x30 | mode << 1);
	out(0x40 + counter, count);
	out(0x40 + counter, count >> 8);
}

static u16 read16(unsigned int counter)
{
	u8 low = in(0x40 + counter);

	return low | in(0x40 + counter) << 8;
}

static u8 status(unsigned int counter)
{
	out(0x43, 0xe0 | 2 << counter);
	return in(0x40 + counter);
}

static bool output(unsigned int counter)
{
	return status(counter) & 0x80;
}

static void rate_generator(void)
{
	setup();
	program(0, 2, 1000);
	EXPECT_EQ(read16(0), 1000);
	now += 1;
	EXPECT_EQ(read16(0), 999);
	EXPECT(output(0));
	now += 998;
	EXPECT_EQ(read16(0), 1);
	EXPECT(!output(0));	/* low while the count is 1 */
	now += 1;
	EXPECT_EQ(read16(0), 1000);
	EXPECT(output(0));
	teardown();
}

static void square_wave(void)
{
	setup();
	program(0, 3, 1000);
	now += 1;
	EXPECT_EQ(read16(0), 998);	/* by twos */
	EXPECT(output(0));
	now += 498;
	EXPECT(output(0));
	now += 1;
	EXPECT(!output(0));
	now += 499;
	EXPECT(!output(0));
	now += 1;
	EXPECT(output(0));
	program(0, 3, 5);		/* odd: high one tick longer */
	now += 2;
	EXPECT(output(0));
	now += 1;
	EXPECT(!output(0));
	teardown();
}

static void terminal_count(void)
{
	setup();
	out(0x43, 0x30);
	EXPECT(!output(0));		/* low from the control word on */
	out(0x40, 10);
	out(0x40, 0);
	now += 9;
	EXPECT(!output(0));
	EXPECT_EQ(read16(0), 1);
	now += 1;
	EXPECT(output(0));
	EXPECT_EQ(read16(0), 0);
	now += 1;
	EXPECT_EQ(read16(0), 0xffff);	/* counts on */
	EXPECT(output(0));
	teardown();
}

static void strobe(void)
{
	setup();
	program(0, 4, 10);
	now += 9;
	EXPECT(output(0));
	now += 1;
	EXPECT(!output(0));
	now += 1;
	EXPECT(output(0));
	teardown();
}

static void gate(void)
{
	setup();
	out(0x61, 0);
	program(2, 0, 100);		/* stands still without gate */
	now += 50;
	EXPECT_EQ(read16(2), 100);
	out(0x61, 1);
	now += 30;
	EXPECT_EQ(read16(2), 70);
	out(0x61, 0);
	now += 1000;
	EXPECT_EQ(read16(2), 70);
	EXPECT_EQ(in(0x61) & 0x20, 0);
	out(0x61, 1);
	now += 70;
	EXPECT_EQ(in(0x61) & 0x23, 0x21);
	/* Modes 2 and 3 start anew, and are high meanwhile. */
	program(2, 2, 100);
	now += 99;
	EXPECT(!output(2));
	out(0x61, 0);
	EXPECT(output(2));
	out(0x61, 1);
	EXPECT_EQ(read16(2), 100);
	teardown();
}

static void one_shot(void)
{
	setup();
	out(0x61, 0);
	program(2, 1, 100);
	now += 500;
	EXPECT(output(2));		/* waits for its trigger */
	out(0x61, 1);
	EXPECT(!output(2));
	now += 99;
	EXPECT(!output(2));
	now += 1;
	EXPECT(output(2));
	out(0x61, 0);
	out(0x61, 1);			/* again */
	EXPECT(!output(2));
	teardown();
}

static void latches(void)
{
	setup();
	program(0, 2, 0x1234);
	out(0x43, 0x00);
	now += 0x100;
	out(0x43, 0x00);		/* the first stays */
	EXPECT_EQ(read16(0), 0x1234);
	EXPECT_EQ(read16(0), 0x1134);
	/* Read back: status comes first, then the count. */
	out(0x43, 0xc2);
	EXPECT_EQ(in(0x40), 0x80 | 0x30 | 2 << 1);
	now += 0x100;
	EXPECT_EQ(read16(0), 0x1134);
	/* Of two counters at once */
	program(1, 2, 0x4321);
	out(0x43, 0xd6);
	now += 0x10;
	EXPECT_EQ(read16(0), 0x1034);
	EXPECT_EQ(read16(1), 0x4321);
	teardown();
}

static void formats(void)
{
	setup();
	out(0x43, 0x14);		/* low byte only */
	out(0x40, 200);
	now += 1;
	EXPECT_EQ(in(0x40), 199);
	EXPECT_EQ(in(0x40), 199);
	out(0x43, 0x24);		/* high byte only */
	out(0x40, 2);
	now += 1;
	EXPECT_EQ(in(0x40), 1);
	out(0x43, 0x35);		/* BCD */
	out(0x40, 0x00);
	out(0x40, 0x10);
	EXPECT_EQ(read16(0), 0x1000);
	now += 1;
	EXPECT_EQ(read16(0), 0x0999);
	out(0x43, 0x35);
	out(0x40, 0);			/* 10000 */
	out(0x40, 0);
	EXPECT_EQ(read16(0), 0);
	now += 1;
	EXPECT_EQ(read16(0), 0x9999);
	program(0, 2, 0);		/* 65536 */
	now += 1;
	EXPECT_EQ(read16(0), 0xffff);
	EXPECT_EQ(status(0) & 0x3f, 0x34);
	out(0x43, 0x3e);		/* mode 7 is mode 3 */
	EXPECT_EQ(status(0), 0x80 | 0x40 | 0x36);
	teardown();
}

static void new_count_waits(void)
{
	setup();
	program(0, 2, 100);
	now += 30;
	out(0x40, 50);
	out(0x40, 0);
	EXPECT_EQ(read16(0), 70);
	EXPECT_EQ(status(0) & 0x40, 0x40);	/* not loaded yet */
	now += 70;
	EXPECT_EQ(read16(0), 50);
	EXPECT_EQ(status(0) & 0x40, 0);
	now += 49;
	EXPECT_EQ(read16(0), 1);
	now += 1;
	EXPECT_EQ(read16(0), 50);
	teardown();
}

static void interrupts(void)
{
	setup();
	EXPECT_EQ(pit_update(&pit), PIT_NEVER);
	program(0, 2, 1000);
	EXPECT_EQ(pit_update(&pit), 1000);
	now += 999;
	EXPECT_EQ(pit_update(&pit), 1);
	EXPECT_EQ(edges, 0);
	now += 1;
	EXPECT_EQ(pit_update(&pit), 1000);
	EXPECT_EQ(edges, 1);
	now += 5500;			/* what was missed is one */
	EXPECT_EQ(pit_update(&pit), 500);
	EXPECT_EQ(edges, 2);
	program(0, 0, 300);		/* once */
	EXPECT_EQ(pit_update(&pit), 300);
	now += 300;
	EXPECT_EQ(pit_update(&pit), PIT_NEVER);
	EXPECT_EQ(edges, 3);
	out(0x43, 0x34);		/* no count: no interrupt */
	EXPECT_EQ(pit_update(&pit), PIT_NEVER);
	now += 100000;
	EXPECT_EQ(pit_update(&pit), PIT_NEVER);
	EXPECT_EQ(edges, 3);
	teardown();
}

static void refresh(void)
{
	setup();
	EXPECT_EQ((in(0x61) ^ in(0x61)) & 0x10, 0x10);
	out(0x61, 0xff);
	EXPECT_EQ(in(0x61) & 0x0f, 0x03);
	teardown();
}

static void takes_nonsense(void)
{
	setup();
	for (unsigned int i = 0; i < 0x10000; i++) {
		out(0x40 + i % 4, i >> 8 ^ i);
		out(0x61, i >> 4);
		now += i * 2654435761u;
		in(0x40 + i % 3);
		pit_update(&pit);
	}
	EXPECT_EQ(in(0x43), 0xff);
	teardown();
}

static const struct tap_test tests[] = {
	{ "pit: mode 2, rate generator", rate_generator },
	{ "pit: mode 3, square wave", square_wave },
	{ "pit: mode 0, terminal count", terminal_count },
	{ "pit: mode 4, strobe", strobe },
	{ "pit: the gate", gate },
	{ "pit: mode 1, one-shot", one_shot },
	{ "pit: latches", latches },
	{ "pit: bytes, BCD and status", formats },
	{ "pit: a new count waits for the end of the cycle", new_count_waits },
	{ "pit: interrupts of counter 0", interrupts },
	{ "pit: refresh and speaker bits", refresh },
	{ "pit: takes nonsense", takes_nonsense },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
