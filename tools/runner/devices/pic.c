// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two cascaded 8259A interrupt controllers of a PC (Intel 8259A data sheet,
 * order number 231468), with the edge/level control registers of PCI chipsets
 * instead of ICW1's LTIM. Of 8080 mode and buffered mode a PC has no use.
 */
#include "pic.h"

#define MASTER_PORT	0x20
#define SLAVE_PORT	0xa0
#define MASTER_ELCR	0x4d0
#define SLAVE_ELCR	0x4d1

#define ICW1		0x10
#define ICW1_ICW4	0x01
#define ICW1_SINGLE	0x02
#define ICW4_AUTO_EOI	0x02
#define ICW4_SFNM	0x10

#define OCW3		0x08
#define OCW3_READ	0x02	/* bit 0 chooses ISR or IRR */
#define OCW3_POLL	0x04
#define OCW3_SMM_SET	0x40	/* bit 5 is the special mask mode */

#define POLL_VALID	0x80
#define SPURIOUS	7

/* Bits 7 to 5 of OCW2 */
enum ocw2 {
	AUTO_ROTATE_CLEAR, EOI, NOP, SPECIFIC_EOI, AUTO_ROTATE_SET, ROTATE_EOI, SET_PRIORITY,
	ROTATE_SPECIFIC_EOI,
};

/* The first of @bits in the chip's order of priority; 8 if there is none. */
static unsigned int rank(const struct pic_chip *chip, u8 bits)
{
	unsigned int i = 0;

	while (i < 8 && !(bits & (1u << ((chip->first + i) & 7))))
		i++;
	return i;
}

/* Special fully nested mode: the order of the slave's inputs is its own affair. */
static bool may_nest(const struct pic_chip *chip, unsigned int input)
{
	return chip->fully_nested_slave && chip == &chip->pic->master && input == PIC_CASCADE;
}

/* The input to be served; -1 if there is none. */
static int pending(const struct pic_chip *chip)
{
	u8 blocking = chip->isr;
	unsigned int request, served, input;

	if (!chip->ready)
		return -1;
	/* Special mask mode: what is masked blocks nothing but itself. */
	if (chip->special_mask)
		blocking &= ~chip->imr;
	request = rank(chip, chip->irr & ~chip->imr);
	served = rank(chip, blocking);
	if (request == 8 || request > served)
		return -1;
	input = (chip->first + request) & 7;
	return request < served || may_nest(chip, input) ? (int)input : -1;
}

static void set_input(struct pic_chip *chip, unsigned int input, bool level)
{
	u8 bit = 1u << input;

	/* The latch of an edge lasts as long as the input is high. */
	if (!level)
		chip->irr &= ~bit;
	else if ((chip->elcr & bit) || !(chip->inputs & bit))
		chip->irr |= bit;
	chip->inputs = level ? chip->inputs | bit : chip->inputs & ~bit;
}

static void update(struct pic *pic)
{
	bool intr;

	set_input(&pic->master, PIC_CASCADE, pending(&pic->slave) >= 0);
	intr = pending(&pic->master) >= 0;
	if (intr == pic->intr)
		return;
	pic->intr = intr;
	pic->irqchip->set_intr(pic->irqchip, intr);
}

/* The chip's side of an acknowledge cycle: which input it is. */
static unsigned int acknowledge(struct pic_chip *chip)
{
	int input = pending(chip);
	u8 bit;

	if (input < 0)
		return SPURIOUS;
	bit = 1u << input;
	if (!(chip->elcr & bit))
		chip->irr &= ~bit;
	if (!chip->auto_eoi)
		chip->isr |= bit;
	else if (chip->auto_rotate)
		chip->first = (input + 1) & 7;
	return input;
}

/**
 * pic_acknowledge() - the CPU's interrupt acknowledge cycle
 * @pic: the controllers
 *
 * Context: any thread.
 *
 * Return: the vector; that of input 7 if the request is gone.
 */
u8 pic_acknowledge(struct pic *pic)
{
	unsigned int input;
	u8 vector;

	pthread_mutex_lock(&pic->lock);
	input = acknowledge(&pic->master);
	vector = pic->master.base + input;
	if (input == PIC_CASCADE && (pic->master.isr & (1u << PIC_CASCADE) ||
				     pic->master.auto_eoi)) {
		vector = pic->slave.base + acknowledge(&pic->slave);
		/* The slave's output falls for a moment: its next request is an edge. */
		set_input(&pic->master, PIC_CASCADE, false);
	}
	update(pic);
	pthread_mutex_unlock(&pic->lock);
	return vector;
}

/**
 * pic_set_line() - change the level of an interrupt line
 * @pic: the controllers
 * @irq: 0 to PIC_LINES - 1
 * @level: high
 *
 * Context: any thread, also with a device's lock.
 */
void pic_set_line(struct pic *pic, unsigned int irq, bool level)
{
	pthread_mutex_lock(&pic->lock);
	set_input(irq < 8 ? &pic->master : &pic->slave, irq & 7, level);
	update(pic);
	pthread_mutex_unlock(&pic->lock);
}

/* ICW1 clears everything but the inputs, which must rise again to count. */
static void start_init(struct pic_chip *chip, u8 icw1)
{
	chip->irr = chip->inputs & chip->elcr;
	chip->isr = 0;
	chip->imr = 0;
	chip->first = 0;
	chip->ready = false;
	chip->single = icw1 & ICW1_SINGLE;
	chip->wants_icw4 = icw1 & ICW1_ICW4;
	chip->auto_eoi = false;
	chip->auto_rotate = false;
	chip->fully_nested_slave = false;
	chip->special_mask = false;
	chip->poll = false;
	chip->read_isr = false;
	chip->expects = 2;
}

static void end_init(struct pic_chip *chip)
{
	chip->expects = 0;
	chip->ready = true;
}

static void continue_init(struct pic_chip *chip, u8 value)
{
	switch (chip->expects) {
	case 2:
		chip->base = value & 0xf8;
		if (!chip->single) {
			chip->expects = 3;
			return;
		}
		break;
	case 3:		/* a PC's cascade is wired, whatever ICW3 says */
		break;
	default:
		chip->auto_eoi = value & ICW4_AUTO_EOI;
		chip->fully_nested_slave = value & ICW4_SFNM;
		end_init(chip);
		return;
	}
	chip->expects = 4;
	if (!chip->wants_icw4)
		end_init(chip);
}

static void end_of_interrupt(struct pic_chip *chip, unsigned int input, bool rotate)
{
	chip->isr &= ~(1u << input);
	if (rotate)
		chip->first = (input + 1) & 7;
}

static void operate(struct pic_chip *chip, u8 ocw2)
{
	unsigned int input = ocw2 & 7, first;

	switch ((enum ocw2)(ocw2 >> 5)) {
	case AUTO_ROTATE_CLEAR:
	case AUTO_ROTATE_SET:
		chip->auto_rotate = ocw2 >> 5 == AUTO_ROTATE_SET;
		break;
	case EOI:
	case ROTATE_EOI:
		/* In special mask mode, what is masked is not the one that ends. */
		first = rank(chip, chip->special_mask ? chip->isr & ~chip->imr : chip->isr);
		if (first < 8)
			end_of_interrupt(chip, (chip->first + first) & 7,
					 ocw2 >> 5 == ROTATE_EOI);
		break;
	case SPECIFIC_EOI:
	case ROTATE_SPECIFIC_EOI:
		end_of_interrupt(chip, input, ocw2 >> 5 == ROTATE_SPECIFIC_EOI);
		break;
	case SET_PRIORITY:
		chip->first = (input + 1) & 7;
		break;
	case NOP:
		break;
	}
}

static void write_command(struct pic_chip *chip, u8 value)
{
	if (value & ICW1) {
		start_init(chip, value);
	} else if (value & OCW3) {
		if (value & OCW3_READ)
			chip->read_isr = value & 1;
		if (value & OCW3_SMM_SET)
			chip->special_mask = value & 0x20;
		chip->poll = value & OCW3_POLL;
	} else {
		operate(chip, value);
	}
}

static void pic_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct pic_chip *chip = container_of(region, struct pic_chip, command);
	struct pic *pic = chip->pic;

	if (size != 1)
		return;
	pthread_mutex_lock(&pic->lock);
	if (!offset)
		write_command(chip, value);
	else if (chip->expects)
		continue_init(chip, value);
	else
		chip->imr = value;
	update(pic);
	pthread_mutex_unlock(&pic->lock);
}

/* Poll command: the read is the acknowledge cycle. */
static u8 poll(struct pic_chip *chip)
{
	chip->poll = false;
	if (pending(chip) < 0)
		return 0;
	return POLL_VALID | acknowledge(chip);
}

static u64 pic_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pic_chip *chip = container_of(region, struct pic_chip, command);
	struct pic *pic = chip->pic;
	u8 value;

	if (size != 1)
		return ~0ULL;
	pthread_mutex_lock(&pic->lock);
	if (chip->poll) {
		value = poll(chip);
		update(pic);
	} else if (offset) {
		value = chip->imr;
	} else {
		value = chip->read_isr ? chip->isr : chip->irr;
	}
	pthread_mutex_unlock(&pic->lock);
	return value;
}

static u64 elcr_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pic_chip *chip = container_of(region, struct pic_chip, trigger);
	u8 value;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&chip->pic->lock);
	value = chip->elcr;
	pthread_mutex_unlock(&chip->pic->lock);
	return value;
}

static void elcr_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct pic_chip *chip = container_of(region, struct pic_chip, trigger);
	struct pic *pic = chip->pic;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&pic->lock);
	chip->elcr = value & chip->elcr_mask;
	chip->irr |= chip->inputs & chip->elcr;
	update(pic);
	pthread_mutex_unlock(&pic->lock);
}

/* Timer, keyboard, cascade, clock and coprocessor are edges always. */
static void chip_init(struct pic *pic, struct pic_chip *chip, u16 port, u16 trigger,
		      u8 elcr_mask, const char *name)
{
	*chip = (struct pic_chip) {
		.command = {
			.start = port,
			.size = 2,
			.name = name,
			.read = pic_read,
			.write = pic_write,
		},
		.trigger = {
			.start = trigger,
			.size = 1,
			.name = "pic-trigger",
			.read = elcr_read,
			.write = elcr_write,
		},
		.pic = pic,
		.elcr_mask = elcr_mask,
	};
}

/**
 * pic_init() - put both controllers on a bus
 * @pic: the controllers
 * @ports: port bus
 * @irqchip: where the master's output goes; must not call back
 *
 * Return: 0 or the errno of bus_add(); pic_destroy() is due in any case.
 */
int pic_init(struct pic *pic, struct bus *ports, struct irqchip *irqchip)
{
	int ret;

	*pic = (struct pic) { .irqchip = irqchip };
	pthread_mutex_init(&pic->lock, NULL);
	chip_init(pic, &pic->master, MASTER_PORT, MASTER_ELCR, 0xf8, "pic-master");
	chip_init(pic, &pic->slave, SLAVE_PORT, SLAVE_ELCR, 0xde, "pic-slave");
	ret = bus_add(ports, &pic->master.command);
	if (!ret)
		ret = bus_add(ports, &pic->slave.command);
	if (!ret)
		ret = bus_add(ports, &pic->master.trigger);
	if (!ret)
		ret = bus_add(ports, &pic->slave.trigger);
	return ret;
}

/**
 * pic_destroy() - undo pic_init()
 * @pic: the controllers
 * @ports: the bus they are on
 */
void pic_destroy(struct pic *pic, struct bus *ports)
{
	bus_remove(ports, &pic->master.command);
	bus_remove(ports, &pic->slave.command);
	bus_remove(ports, &pic->master.trigger);
	bus_remove(ports, &pic->slave.trigger);
	pthread_mutex_destroy(&pic->lock);
}
