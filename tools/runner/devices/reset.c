// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways to reset a PC: the pulse of the keyboard controller's output port, and
 * the reset control register that lies within the PCI address port.
 */
#include <linux/vmx_lite.h>

#include "reset.h"

#define KBD_CMD_PULSE_RESET	0xfe	/* output port bit 0 low for a moment */
#define RESET_CONTROL_CPU	0x04	/* a rising edge resets */
#define RESET_CONTROL_MASK	0x0e

static u64 keyboard_read(struct io_region *region, u64 offset, unsigned int size)
{
	(void)region;
	(void)offset;
	(void)size;
	/* Nothing to read, ready for a command: what a reset waits for. */
	return 0;
}

static void keyboard_write(struct io_region *region, u64 offset, unsigned int size,
			   u64 value)
{
	struct reset *reset = container_of(region, struct reset, keyboard);

	(void)offset;
	(void)size;
	if ((value & 0xff) == KBD_CMD_PULSE_RESET)
		reset->power->suspend(reset->power, VM_SUSPEND_RESET);
}

/**
 * reset_control_read() - port 0xCF9
 * @reset: the device
 */
u8 reset_control_read(struct reset *reset)
{
	u8 value;

	pthread_mutex_lock(&reset->lock);
	value = reset->control;
	pthread_mutex_unlock(&reset->lock);
	return value;
}

/**
 * reset_control_write() - port 0xCF9
 * @reset: the device
 * @value: bit 2 resets when it becomes 1
 */
void reset_control_write(struct reset *reset, u8 value)
{
	bool rising;

	pthread_mutex_lock(&reset->lock);
	rising = (value & ~reset->control) & RESET_CONTROL_CPU;
	reset->control = value & RESET_CONTROL_MASK;
	pthread_mutex_unlock(&reset->lock);
	if (rising)
		reset->power->suspend(reset->power, VM_SUSPEND_RESET);
}

/**
 * reset_init() - make a PC that can be reset
 * @reset: the device
 * @ports: port bus
 * @power: what ends the guest
 *
 * Port 0xCF9 is given by pci_init(), which calls reset_control_*().
 *
 * Return: 0 or the errno of bus_add().
 */
int reset_init(struct reset *reset, struct bus *ports, struct power *power)
{
	*reset = (struct reset) {
		.keyboard = {
			.start = 0x64,
			.size = 1,
			.name = "keyboard-reset",
			.read = keyboard_read,
			.write = keyboard_write,
		},
		.power = power,
	};
	pthread_mutex_init(&reset->lock, NULL);
	return bus_add(ports, &reset->keyboard);
}

/**
 * reset_yield_keyboard() - leave port 0x64 to a keyboard controller, with its reset line
 * @reset: the device
 * @ports: the bus it is on
 */
void reset_yield_keyboard(struct reset *reset, struct bus *ports)
{
	bus_remove(ports, &reset->keyboard);
}

/**
 * reset_destroy() - undo reset_init()
 * @reset: the device
 * @ports: the bus it is on
 */
void reset_destroy(struct reset *reset, struct bus *ports)
{
	bus_remove(ports, &reset->keyboard);
	pthread_mutex_destroy(&reset->lock);
}
