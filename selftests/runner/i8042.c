// SPDX-License-Identifier: GPL-2.0-only
/* The keyboard controller, and the single ports beside it. */
#include <linux/vmx_lite.h>

#include "fwports.h"
#include "i8042.h"
#include "tap.h"

static struct bus ports;
static struct irqchip chip;
static struct power power;
static struct i8042 dev;
static int lines[16];
static unsigned int resets;
static u8 printed[4];
static unsigned int nr_printed;

static void set_line(struct irqchip *c, unsigned int gsi, int level)
{
	(void)c;
	lines[gsi] = level;
}

static void suspend(struct power *p, int how)
{
	(void)p;
	EXPECT_EQ(how, VM_SUSPEND_RESET);
	resets++;
}

static void setup(void)
{
	bus_init(&ports, 0xffff);
	chip = (struct irqchip) { .set_line = set_line };
	power = (struct power) { .suspend = suspend };
	resets = 0;
	EXPECT_EQ(i8042_init(&dev, &ports, &chip, &power), 0);
}

static void teardown(void)
{
	i8042_destroy(&dev, &ports);
	bus_destroy(&ports);
}

static u8 in(u16 port)
{
	return bus_read(&ports, port, 1);
}

static void out(u16 port, u8 value)
{
	bus_write(&ports, port, 1, value);
}

static u8 ask(u8 command)
{
	out(0x64, command);
	EXPECT_EQ(in(0x64) & 0x01, 1);
	return in(0x60);
}

static void self_test(void)
{
	setup();
	EXPECT_EQ(in(0x64), 0x10);
	EXPECT_EQ(ask(0xaa), 0x55);
	EXPECT_EQ(in(0x64), 0x1c);	/* passed; the last write was a command */
	EXPECT_EQ(ask(0xab), 0);
	EXPECT_EQ(ask(0xa9), 0);
	EXPECT_EQ(ask(0xc0), 0x80);
	teardown();
}

static void mode_byte(void)
{
	setup();
	EXPECT_EQ(ask(0x20), 0x30);
	out(0x64, 0x60);
	out(0x60, 0x47);
	EXPECT_EQ(in(0x64) & 0x08, 0);
	EXPECT_EQ(ask(0x20), 0x47);
	EXPECT_EQ(ask(0x20), 0x47);
	out(0x64, 0xad);
	out(0x64, 0xa7);
	EXPECT_EQ(ask(0x20), 0x77);
	out(0x64, 0xae);
	out(0x64, 0xa8);
	EXPECT_EQ(ask(0x20), 0x47);
	out(0x64, 0x7f);
	out(0x60, 0x5a);
	EXPECT_EQ(ask(0x3f), 0x5a);
	teardown();
}

static void nothing_plugged_in(void)
{
	setup();
	out(0x60, 0xff);		/* reset the keyboard */
	EXPECT_EQ(in(0x64) & 0x61, 0x41);	/* time-out */
	EXPECT_EQ(in(0x60), 0xfe);
	EXPECT_EQ(in(0x64) & 0x61, 0);
	out(0x64, 0xd4);
	out(0x60, 0xff);		/* the mouse */
	EXPECT_EQ(in(0x64) & 0x61, 0x61);
	EXPECT_EQ(in(0x60), 0xfe);
	teardown();
}

static void interrupts(void)
{
	setup();
	out(0x64, 0x60);
	out(0x60, 0x03);
	EXPECT_EQ(lines[1], 0);
	out(0x64, 0xd2);		/* as if the keyboard had sent it */
	out(0x60, 0x1c);
	EXPECT_EQ(lines[1], 1);
	EXPECT_EQ(lines[12], 0);
	EXPECT_EQ(in(0x60), 0x1c);
	EXPECT_EQ(lines[1], 0);
	out(0x64, 0xd3);		/* the mouse */
	out(0x60, 0x08);
	EXPECT_EQ(lines[12], 1);
	EXPECT_EQ(lines[1], 0);
	EXPECT_EQ(in(0x64) & 0x21, 0x21);
	EXPECT_EQ(in(0x60), 0x08);
	EXPECT_EQ(lines[12], 0);
	out(0x64, 0x60);
	out(0x60, 0x00);
	out(0x64, 0xd2);
	out(0x60, 0x1c);
	EXPECT_EQ(lines[1], 0);
	teardown();
}

static void output_port(void)
{
	setup();
	EXPECT_EQ(ask(0xd0), 0x03);
	out(0x64, 0xd1);
	out(0x60, 0xdd);
	EXPECT_EQ(ask(0xd0), 0xdd);
	EXPECT_EQ(resets, 0);
	out(0x64, 0xd1);
	out(0x60, 0xfe);
	EXPECT_EQ(resets, 1);
	out(0x64, 0xff);		/* pulses nothing */
	EXPECT_EQ(resets, 1);
	out(0x64, 0xfe);
	EXPECT_EQ(resets, 2);
	teardown();
}

static void print(u8 byte)
{
	printed[nr_printed++ % sizeof(printed)] = byte;
}

static void single_ports(void)
{
	struct fwports fw;

	setup();
	EXPECT_EQ(fwports_init(&fw, &ports, &power, print), 0);
	EXPECT_EQ(in(0x92), 0x02);
	out(0x92, 0x00);
	EXPECT_EQ(in(0x92), 0x00);
	EXPECT_EQ(resets, 0);
	out(0x92, 0x03);
	EXPECT_EQ(resets, 1);
	out(0x92, 0x03);		/* an edge resets */
	EXPECT_EQ(resets, 1);
	EXPECT_EQ(in(0x402), 0xe9);
	out(0x402, 'x');
	EXPECT_EQ(nr_printed, 1);
	EXPECT_EQ(printed[0], 'x');
	fwports_destroy(&fw, &ports);
	EXPECT_EQ(fwports_init(&fw, &ports, &power, NULL), 0);
	EXPECT_EQ(in(0x402), 0xff);
	out(0x402, 'y');
	EXPECT_EQ(nr_printed, 1);
	fwports_destroy(&fw, &ports);
	teardown();
}

static void takes_nonsense(void)
{
	setup();
	for (unsigned int i = 0; i < 0x10000; i++) {
		out(i & 1 ? 0x60 : 0x64, i >> 4);
		in(i & 2 ? 0x60 : 0x64);
	}
	EXPECT_EQ(ask(0xaa), 0x55);
	teardown();
}

static const struct tap_test tests[] = {
	{ "i8042: tests", self_test },
	{ "i8042: command byte", mode_byte },
	{ "i8042: keyboard and mouse time out", nothing_plugged_in },
	{ "i8042: interrupts", interrupts },
	{ "i8042: output port and reset", output_port },
	{ "i8042: port 0x92 and port 0x402", single_ports },
	{ "i8042: takes nonsense", takes_nonsense },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
