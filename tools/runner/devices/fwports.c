// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single ports that firmware uses: system control port A (IBM PS/2 Hardware
 * Interface Technical Reference) with its A20 gate and fast reset, and port 0x402, at
 * which SeaBIOS and OVMF print what they do if it reads as 0xE9.
 */
#include <linux/vmx_lite.h>

#include "fwports.h"

#define CONTROL_A_PORT	0x92
#define CONTROL_RESET	0x01
#define CONTROL_A20	0x02
#define DEBUG_PORT	0x402
#define DEBUG_HERE	0xe9

static u64 control_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct fwports *dev = container_of(region, struct fwports, control_a);

	(void)offset;
	(void)size;
	return __atomic_load_n(&dev->control, __ATOMIC_RELAXED);
}

/* A20 cannot be masked here (nor on CPUs of today), but reads as written. */
static void control_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct fwports *dev = container_of(region, struct fwports, control_a);
	u8 old = __atomic_exchange_n(&dev->control, (u8)value, __ATOMIC_RELAXED);

	(void)offset;
	(void)size;
	if (value & ~old & CONTROL_RESET)
		dev->power->suspend(dev->power, VM_SUSPEND_RESET);
}

static u64 debug_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct fwports *dev = container_of(region, struct fwports, debug);

	(void)offset;
	(void)size;
	return dev->print ? DEBUG_HERE : ~0ULL;
}

static void debug_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct fwports *dev = container_of(region, struct fwports, debug);

	(void)offset;
	(void)size;
	if (dev->print)
		dev->print(value);
}

/**
 * fwports_init() - put the ports on a bus
 * @dev: the ports
 * @ports: port bus
 * @power: what resets the machine
 * @print: where debug output goes; NULL if it is not wanted
 *
 * Return: 0 or the errno of bus_add(); fwports_destroy() is due in any case.
 */
int fwports_init(struct fwports *dev, struct bus *ports, struct power *power,
		 void (*print)(u8 byte))
{
	int ret;

	*dev = (struct fwports) {
		.control_a = {
			.start = CONTROL_A_PORT,
			.size = 1,
			.name = "control-a",
			.read = control_read,
			.write = control_write,
		},
		.debug = {
			.start = DEBUG_PORT,
			.size = 1,
			.name = "firmware-debug",
			.read = debug_read,
			.write = debug_write,
		},
		.power = power,
		.print = print,
		.control = CONTROL_A20,
	};
	ret = bus_add(ports, &dev->control_a);
	return ret ? ret : bus_add(ports, &dev->debug);
}

/**
 * fwports_destroy() - undo fwports_init()
 * @dev: the ports
 * @ports: the bus they are on
 */
void fwports_destroy(struct fwports *dev, struct bus *ports)
{
	bus_remove(ports, &dev->control_a);
	bus_remove(ports, &dev->debug);
}
