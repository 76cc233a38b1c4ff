/* SPDX-License-Identifier: GPL-2.0-only */
/* A PC's keyboard controller, with nothing plugged in. */
#ifndef VMXL_I8042_H
#define VMXL_I8042_H

#include "bus.h"
#include "irqchip.h"

/**
 * struct i8042 - the controller; guarded by @lock but for the first group
 * @mode: byte 0 of its RAM, the "command byte"
 * @full: @out waits to be read
 * @wants: command that takes the next byte at port 0x60; 0 if none does
 */
struct i8042 {
	struct io_region data;		/* 0x60 */
	struct io_region command;	/* 0x64 */
	struct irqchip *irqchip;
	struct power *power;
	pthread_mutex_t lock;

	u8 ram[32];
	u8 out, output_port, wants;
	bool full, from_aux, timed_out, last_was_command;
};

int i8042_init(struct i8042 *dev, struct bus *ports, struct irqchip *irqchip,
	       struct power *power);
void i8042_destroy(struct i8042 *dev, struct bus *ports);

#endif /* VMXL_I8042_H */
