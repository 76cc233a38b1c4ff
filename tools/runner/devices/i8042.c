// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PC's keyboard controller (Intel 8042; IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device Controller"). Nothing is plugged in: a
 * byte sent to keyboard or mouse times out.
 */
#include <linux/vmx_lite.h>

#include "i8042.h"

#define DATA_PORT		0x60
#define COMMAND_PORT		0x64

#define STATUS_FULL		0x01
#define STATUS_SYSTEM		0x04	/* the self test has passed */
#define STATUS_COMMAND		0x08	/* the last write was to port 0x64 */
#define STATUS_UNLOCKED		0x10
#define STATUS_AUX		0x20
#define STATUS_TIMEOUT		0x40

#define MODE			0	/* byte of its RAM */
#define MODE_KBD_IRQ		0x01
#define MODE_AUX_IRQ		0x02
#define MODE_SYSTEM		0x04
#define MODE_KBD_OFF		0x10
#define MODE_AUX_OFF		0x20

#define PORT_NOT_RESET		0x01
#define PORT_A20		0x02
#define RESEND			0xfe	/* what a device that cannot be reached "says" */

#define KBD_IRQ			1
#define AUX_IRQ			12

enum command {
	CMD_READ_RAM = 0x20, CMD_WRITE_RAM = 0x60, CMD_AUX_OFF = 0xa7, CMD_AUX_ON = 0xa8,
	CMD_AUX_TEST = 0xa9, CMD_SELF_TEST = 0xaa, CMD_KBD_TEST = 0xab, CMD_KBD_OFF = 0xad,
	CMD_KBD_ON = 0xae, CMD_READ_INPUT = 0xc0, CMD_READ_OUTPUT = 0xd0,
	CMD_WRITE_OUTPUT = 0xd1, CMD_WRITE_KBD = 0xd2, CMD_WRITE_AUX = 0xd3,
	CMD_SEND_AUX = 0xd4, CMD_PULSE = 0xf0,
};

#define SELF_TEST_PASSED	0x55
#define TEST_PASSED		0x00
#define INPUT_UNLOCKED		0x80

/* Called with the lock held, so that the lines end as the last update says. */
static void update_lines(struct i8042 *dev)
{
	bool kbd = dev->full && !dev->from_aux && (dev->ram[MODE] & MODE_KBD_IRQ);
	bool aux = dev->full && dev->from_aux && (dev->ram[MODE] & MODE_AUX_IRQ);

	dev->irqchip->set_line(dev->irqchip, KBD_IRQ, kbd);
	dev->irqchip->set_line(dev->irqchip, AUX_IRQ, aux);
}

static void put(struct i8042 *dev, u8 byte, bool aux)
{
	dev->out = byte;
	dev->full = true;
	dev->from_aux = aux;
	dev->timed_out = false;
	update_lines(dev);
}

static void put_timeout(struct i8042 *dev, bool aux)
{
	put(dev, RESEND, aux);
	dev->timed_out = true;
}

/* Returns true if the machine is to be reset. */
static bool write_output_port(struct i8042 *dev, u8 value)
{
	/* A20 cannot be masked here, but what was written is read back. */
	dev->output_port = value | PORT_NOT_RESET;
	return !(value & PORT_NOT_RESET);
}

static bool run_command(struct i8042 *dev, u8 command)
{
	switch (command) {
	case CMD_READ_RAM ... CMD_READ_RAM + 0x1f:
		put(dev, dev->ram[command & 0x1f], false);
		break;
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 0x1f:
	case CMD_WRITE_OUTPUT ... CMD_SEND_AUX:
		dev->wants = command;
		break;
	case CMD_AUX_OFF:
		dev->ram[MODE] |= MODE_AUX_OFF;
		break;
	case CMD_AUX_ON:
		dev->ram[MODE] &= ~MODE_AUX_OFF;
		break;
	case CMD_KBD_OFF:
		dev->ram[MODE] |= MODE_KBD_OFF;
		break;
	case CMD_KBD_ON:
		dev->ram[MODE] &= ~MODE_KBD_OFF;
		break;
	case CMD_AUX_TEST:
	case CMD_KBD_TEST:
		put(dev, TEST_PASSED, false);
		break;
	case CMD_SELF_TEST:
		dev->ram[MODE] |= MODE_SYSTEM;
		put(dev, SELF_TEST_PASSED, false);
		break;
	case CMD_READ_INPUT:
		put(dev, INPUT_UNLOCKED, false);
		break;
	case CMD_READ_OUTPUT:
		put(dev, dev->output_port, false);
		break;
	case CMD_PULSE ... CMD_PULSE + 0xf:
		/* Bits that are 0 pulse lines 3 to 0 of the output port. */
		return !(command & PORT_NOT_RESET);
	}
	return false;
}

static bool take_byte(struct i8042 *dev, u8 value)
{
	u8 command = dev->wants;

	dev->wants = 0;
	switch (command) {
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 0x1f:
		dev->ram[command & 0x1f] = value;
		update_lines(dev);
		break;
	case CMD_WRITE_OUTPUT:
		return write_output_port(dev, value);
	case CMD_WRITE_KBD:
		put(dev, value, false);
		break;
	case CMD_WRITE_AUX:
		put(dev, value, true);
		break;
	default:
		put_timeout(dev, command == CMD_SEND_AUX);
	}
	return false;
}

static void reset_if(struct i8042 *dev, bool reset)
{
	if (reset)
		dev->power->suspend(dev->power, VM_SUSPEND_RESET);
}

static u64 data_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct i8042 *dev = container_of(region, struct i8042, data);
	u8 value;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&dev->lock);
	value = dev->out;
	dev->full = false;
	dev->timed_out = false;
	update_lines(dev);
	pthread_mutex_unlock(&dev->lock);
	return value;
}

static void data_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct i8042 *dev = container_of(region, struct i8042, data);
	bool reset;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&dev->lock);
	dev->last_was_command = false;
	reset = take_byte(dev, value);
	pthread_mutex_unlock(&dev->lock);
	reset_if(dev, reset);
}

static u64 status_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct i8042 *dev = container_of(region, struct i8042, command);
	u8 status = STATUS_UNLOCKED;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&dev->lock);
	if (dev->full)
		status |= STATUS_FULL | (dev->from_aux ? STATUS_AUX : 0);
	if (dev->ram[MODE] & MODE_SYSTEM)
		status |= STATUS_SYSTEM;
	if (dev->last_was_command)
		status |= STATUS_COMMAND;
	if (dev->timed_out)
		status |= STATUS_TIMEOUT;
	pthread_mutex_unlock(&dev->lock);
	return status;
}

static void command_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct i8042 *dev = container_of(region, struct i8042, command);
	bool reset;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&dev->lock);
	dev->last_was_command = true;
	dev->wants = 0;
	reset = run_command(dev, value);
	pthread_mutex_unlock(&dev->lock);
	reset_if(dev, reset);
}

/**
 * i8042_init() - put a keyboard controller on a bus
 * @dev: the controller
 * @ports: port bus, on which nobody answers at port 0x64 any more
 * @irqchip: gets lines 1 and 12
 * @power: what resets the machine
 *
 * Return: 0 or the errno of bus_add(); i8042_destroy() is due in any case.
 */
int i8042_init(struct i8042 *dev, struct bus *ports, struct irqchip *irqchip,
	       struct power *power)
{
	int ret;

	*dev = (struct i8042) {
		.data = {
			.start = DATA_PORT,
			.size = 1,
			.name = "keyboard-data",
			.read = data_read,
			.write = data_write,
		},
		.command = {
			.start = COMMAND_PORT,
			.size = 1,
			.name = "keyboard-command",
			.read = status_read,
			.write = command_write,
		},
		.irqchip = irqchip,
		.power = power,
		.output_port = PORT_NOT_RESET | PORT_A20,
		.ram = { [MODE] = MODE_KBD_OFF | MODE_AUX_OFF },
	};
	pthread_mutex_init(&dev->lock, NULL);
	ret = bus_add(ports, &dev->data);
	return ret ? ret : bus_add(ports, &dev->command);
}

/**
 * i8042_destroy() - undo i8042_init()
 * @dev: the controller
 * @ports: the bus it is on
 */
void i8042_destroy(struct i8042 *dev, struct bus *ports)
{
	bus_remove(ports, &dev->data);
	bus_remove(ports, &dev->command);
	pthread_mutex_destroy(&dev->lock);
}
