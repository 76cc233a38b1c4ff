/* SPDX-License-Identifier: GPL-2.0-only */
/* Ports for test guests: 0xF4 ends the machine, 0xE9 prints. */
#ifndef VMXL_DEBUGEXIT_H
#define VMXL_DEBUGEXIT_H

#include "bus.h"
#include "irqchip.h"

#define DEBUGEXIT_PORT	0xf4
#define DEBUGCON_PORT	0xe9

struct debugexit {
	struct io_region exit;
	struct io_region console;
	struct power *power;
	void (*print)(u8 byte);
	int status;		/* -1, or what the guest said first: (value << 1) | 1 */
};

int debugexit_init(struct debugexit *dev, struct bus *ports, struct power *power,
		   void (*print)(u8 byte));
void debugexit_destroy(struct debugexit *dev, struct bus *ports);
int debugexit_status(struct debugexit *dev);

#endif /* VMXL_DEBUGEXIT_H */
