/* SPDX-License-Identifier: GPL-2.0-only */
/* Ways to reset a PC: the keyboard controller's line, and port 0xCF9. */
#ifndef VMXL_RESET_H
#define VMXL_RESET_H

#include "bus.h"
#include "irqchip.h"

#define RESET_CONTROL_PORT	0xcf9
#define RESET_CONTROL_FULL	0x06	/* what the FADT tells to write there */

struct reset {
	struct io_region keyboard;
	struct power *power;
	pthread_mutex_t lock;
	u8 control;		/* guarded by @lock */
};

int reset_init(struct reset *reset, struct bus *ports, struct power *power);
void reset_yield_keyboard(struct reset *reset, struct bus *ports);
void reset_destroy(struct reset *reset, struct bus *ports);
u8 reset_control_read(struct reset *reset);
void reset_control_write(struct reset *reset, u8 value);

#endif /* VMXL_RESET_H */
