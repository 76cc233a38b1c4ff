// SPDX-License-Identifier: GPL-2.0-only
/* The 8259A pair: initialization, priorities, ends of interrupts, the cascade. */
#include "pic.h"
#include "tap.h"

#define MASTER	0x20
#define SLAVE	0xa0

static struct bus ports;
static struct pic pic;
static bool intr;

static void set_intr(struct irqchip *chip, bool level)
{
	(void)chip;
	intr = level;
}

static struct irqchip chip = { .set_intr = set_intr };

static void out(u16 port, u8 value)
{
	bus_write(&ports, port, 1, value);
}

static u8 in(u16 port)
{
	return bus_read(&ports, port, 1);
}

/* As a BIOS does it: vectors 8 and 0x70, everything unmasked. */
static void initialize(u8 icw4)
{
	out(MASTER, 0x11);
	out(MASTER + 1, 0x08);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, icw4);
	out(SLAVE, 0x11);
	out(SLAVE + 1, 0x70);
	out(SLAVE + 1, 0x02);
	out(SLAVE + 1, icw4);
	out(MASTER + 1, 0);
	out(SLAVE + 1, 0);
}

static void setup(u8 icw4)
{
	intr = false;
	bus_init(&ports, 0xffff);
	EXPECT_EQ(pic_init(&pic, &ports, &chip), 0);
	initialize(icw4);
}

static void teardown(void)
{
	pic_destroy(&pic, &ports);
	bus_destroy(&ports);
}

static void raise(unsigned int irq)
{
	pic_set_line(&pic, irq, true);
}

static void lower(unsigned int irq)
{
	pic_set_line(&pic, irq, false);
}

static u8 isr(u16 port)
{
	out(port, 0x0b);
	return in(port);
}

static u8 irr(u16 port)
{
	out(port, 0x0a);
	return in(port);
}

static void quiet_before_init(void)
{
	bus_init(&ports, 0xffff);
	EXPECT_EQ(pic_init(&pic, &ports, &chip), 0);
	raise(0);
	EXPECT_EQ(intr, 0);
	out(MASTER, 0x11);
	out(MASTER + 1, 0x08);
	out(MASTER + 1, 0x04);
	lower(0);
	raise(0);
	EXPECT_EQ(intr, 0);	/* ICW4 is still to come */
	out(MASTER + 1, 0x01);
	EXPECT_EQ(intr, 1);
	EXPECT_EQ(pic_acknowledge(&pic), 8);
	teardown();
}

static void edge(void)
{
	setup(1);
	raise(4);
	EXPECT_EQ(intr, 1);
	EXPECT_EQ(irr(MASTER), 0x10);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 4);
	EXPECT_EQ(intr, 0);
	EXPECT_EQ(irr(MASTER), 0);
	EXPECT_EQ(isr(MASTER), 0x10);
	raise(4);		/* still high: no edge */
	out(MASTER, 0x20);
	EXPECT_EQ(isr(MASTER), 0);
	EXPECT_EQ(intr, 0);
	lower(4);
	raise(4);
	EXPECT_EQ(intr, 1);
	lower(4);		/* gone before it was acknowledged */
	EXPECT_EQ(intr, 0);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 7);
	EXPECT_EQ(isr(MASTER), 0);
	teardown();
}

static void level(void)
{
	setup(1);
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	EXPECT_EQ(in(0x4d0), 0xf8);	/* 0, 1 and 2 are edges always */
	EXPECT_EQ(in(0x4d1), 0xde);	/* and 8 and 13 */
	raise(5);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 5);
	EXPECT_EQ(intr, 0);
	out(MASTER, 0x20);
	EXPECT_EQ(intr, 1);		/* as long as it is high */
	lower(5);
	EXPECT_EQ(intr, 0);
	teardown();
}

static void nesting(void)
{
	setup(1);
	raise(4);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 4);
	raise(6);
	EXPECT_EQ(intr, 0);		/* lower priority waits */
	raise(1);
	EXPECT_EQ(intr, 1);		/* higher does not */
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 1);
	EXPECT_EQ(isr(MASTER), 0x12);
	out(MASTER, 0x20);		/* the highest in service ends */
	EXPECT_EQ(isr(MASTER), 0x10);
	out(MASTER, 0x64);		/* a specific one */
	EXPECT_EQ(isr(MASTER), 0);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 6);
	teardown();
}

static void mask(void)
{
	setup(1);
	out(MASTER + 1, 0x01);
	EXPECT_EQ(in(MASTER + 1), 0x01);
	raise(0);
	EXPECT_EQ(intr, 0);
	EXPECT_EQ(irr(MASTER), 0x01);
	out(MASTER + 1, 0);
	EXPECT_EQ(intr, 1);
	teardown();
}

static void cascade(void)
{
	setup(1);
	raise(12);
	EXPECT_EQ(irr(SLAVE), 0x10);
	EXPECT_EQ(pic_acknowledge(&pic), 0x70 + 4);
	EXPECT_EQ(isr(MASTER), 0x04);
	EXPECT_EQ(isr(SLAVE), 0x10);
	raise(8);			/* higher, of the slave: waits for the master's EOI */
	EXPECT_EQ(intr, 0);
	out(MASTER, 0x20);
	EXPECT_EQ(intr, 1);
	EXPECT_EQ(pic_acknowledge(&pic), 0x70);
	out(SLAVE, 0x20);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	EXPECT_EQ(isr(SLAVE), 0);
	EXPECT_EQ(intr, 0);
	/* Two at once are two interrupts. */
	raise(14);
	raise(15);
	EXPECT_EQ(pic_acknowledge(&pic), 0x70 + 6);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	EXPECT_EQ(intr, 1);
	EXPECT_EQ(pic_acknowledge(&pic), 0x70 + 7);
	teardown();
}

static void special_fully_nested(void)
{
	setup(0x11);
	raise(12);
	EXPECT_EQ(pic_acknowledge(&pic), 0x70 + 4);
	raise(8);			/* does not wait for the master's EOI */
	EXPECT_EQ(intr, 1);
	EXPECT_EQ(pic_acknowledge(&pic), 0x70);
	raise(3);
	EXPECT_EQ(intr, 0);
	teardown();
}

static void automatic_eoi(void)
{
	setup(0x03);
	raise(4);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 4);
	EXPECT_EQ(isr(MASTER), 0);
	raise(6);
	EXPECT_EQ(intr, 1);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 6);
	raise(9);
	EXPECT_EQ(pic_acknowledge(&pic), 0x70 + 1);
	teardown();
}

static void rotation(void)
{
	setup(1);
	out(MASTER, 0xc3);		/* 3 is the lowest: 4 is the highest */
	raise(0);
	raise(4);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 4);
	out(MASTER, 0xa0);		/* EOI, and 4 becomes the lowest */
	raise(5);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 5);
	out(MASTER, 0xe5);		/* the same, specific */
	EXPECT_EQ(pic_acknowledge(&pic), 8);
	teardown();
}

static void special_mask(void)
{
	setup(1);
	raise(1);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 1);
	out(MASTER + 1, 0x02);
	raise(5);
	EXPECT_EQ(intr, 0);
	out(MASTER, 0x68);		/* what is masked blocks nothing */
	EXPECT_EQ(intr, 1);
	EXPECT_EQ(pic_acknowledge(&pic), 8 + 5);
	out(MASTER, 0x20);		/* ends 5, not the masked 1 */
	EXPECT_EQ(isr(MASTER), 0x02);
	out(MASTER, 0x48);
	raise(6);
	EXPECT_EQ(intr, 0);
	teardown();
}

static void polling(void)
{
	setup(1);
	out(MASTER, 0x0c);
	EXPECT_EQ(in(MASTER), 0);
	raise(3);
	out(MASTER, 0x0c);
	EXPECT_EQ(in(MASTER), 0x83);
	EXPECT_EQ(isr(MASTER), 0x08);
	EXPECT_EQ(intr, 0);
	teardown();
}

static void takes_nonsense(void)
{
	setup(1);
	for (unsigned int i = 0; i < 256; i++) {
		out(MASTER, i);
		out(SLAVE + 1, i);
		out(SLAVE, 255 - i);
		out(MASTER + 1, i * 7);
		pic_set_line(&pic, i % PIC_LINES, i & 0x10);
		pic_acknowledge(&pic);
		in(MASTER);
	}
	initialize(1);
	for (unsigned int i = 0; i < PIC_LINES; i++)
		lower(i);
	raise(0);
	EXPECT_EQ(pic_acknowledge(&pic), 8);
	teardown();
}

static const struct tap_test tests[] = {
	{ "pic: quiet until it is initialized", quiet_before_init },
	{ "pic: edges, and a spurious interrupt", edge },
	{ "pic: levels", level },
	{ "pic: priorities nest", nesting },
	{ "pic: masks", mask },
	{ "pic: cascade", cascade },
	{ "pic: special fully nested mode", special_fully_nested },
	{ "pic: automatic end of interrupt", automatic_eoi },
	{ "pic: rotation", rotation },
	{ "pic: special mask mode", special_mask },
	{ "pic: poll command", polling },
	{ "pic: takes nonsense", takes_nonsense },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
