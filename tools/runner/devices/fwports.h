/* SPDX-License-Identifier: GPL-2.0-only */
/* Single ports that firmware uses: system control port A, and its debug output. */
#ifndef VMXL_FWPORTS_H
#define VMXL_FWPORTS_H

#include "bus.h"
#include "irqchip.h"

/**
 * struct fwports - the ports
 * @print: where debug output goes, any vCPU's thread; NULL if nobody listens
 * @control: port 0x92 as written; atomic
 */
struct fwports {
	struct io_region control_a;	/* 0x92 */
	struct io_region debug;		/* 0x402 */
	struct power *power;
	void (*print)(u8 byte);
	u8 control;
};

int fwports_init(struct fwports *dev, struct bus *ports, struct power *power,
		 void (*print)(u8 byte));
void fwports_destroy(struct fwports *dev, struct bus *ports);

#endif /* VMXL_FWPORTS_H */
