// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports for test guests, as other emulators have them: a write to 0xF4 ends
 * the machine with (value << 1) | 1 as vmxl's exit status, a byte written to
 * 0xE9 is printed, and reading 0xE9 gives 0xE9, so that a guest can tell.
 */
#include <linux/vmx_lite.h>

#include "debugexit.h"

static void exit_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct debugexit *dev = container_of(region, struct debugexit, exit);
	int unset = -1;

	(void)offset;
	(void)size;
	/* vCPUs may race here: the first one counts. */
	__atomic_compare_exchange_n(&dev->status, &unset, (int)((value << 1 | 1) & 0xff),
				    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	dev->power->suspend(dev->power, VM_SUSPEND_POWEROFF);
}

static u64 console_read(struct io_region *region, u64 offset, unsigned int size)
{
	(void)region;
	(void)offset;
	(void)size;
	return DEBUGCON_PORT;
}

static void console_write(struct io_region *region, u64 offset, unsigned int size,
			  u64 value)
{
	struct debugexit *dev = container_of(region, struct debugexit, console);

	(void)offset;
	(void)size;
	dev->print(value);
}

/**
 * debugexit_status() - the exit status that the guest asked for
 * @dev: the device
 *
 * Return: 1 to 255, or -1 if it asked for none.
 */
int debugexit_status(struct debugexit *dev)
{
	return __atomic_load_n(&dev->status, __ATOMIC_SEQ_CST);
}

/**
 * debugexit_init() - put the test ports on a bus
 * @dev: the device
 * @ports: port bus
 * @power: what ends the guest
 * @print: where bytes from port 0xE9 go; any vCPU's thread
 *
 * Return: 0 or the errno of bus_add().
 */
int debugexit_init(struct debugexit *dev, struct bus *ports, struct power *power,
		   void (*print)(u8 byte))
{
	int ret;

	*dev = (struct debugexit) {
		.exit = {
			.start = DEBUGEXIT_PORT,
			.size = 4,
			.name = "debug-exit",
			.write = exit_write,
		},
		.console = {
			.start = DEBUGCON_PORT,
			.size = 1,
			.name = "debug-console",
			.read = console_read,
			.write = console_write,
		},
		.power = power,
		.print = print,
		.status = -1,
	};
	ret = bus_add(ports, &dev->exit);
	return ret ? ret : bus_add(ports, &dev->console);
}

/**
 * debugexit_destroy() - take the test ports off their bus
 * @dev: the device
 * @ports: the bus it is on
 */
void debugexit_destroy(struct debugexit *dev, struct bus *ports)
{
	bus_remove(ports, &dev->exit);
	bus_remove(ports, &dev->console);
}
