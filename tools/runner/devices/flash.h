/* SPDX-License-Identifier: GPL-2.0-only */
/* Flash memory that firmware keeps its variables in. */
#ifndef VMXL_FLASH_H
#define VMXL_FLASH_H

#include "bus.h"
#include "irqchip.h"

#define FLASH_BLOCK	4096

/**
 * struct flash - flash memory; all but the first group is guarded by @lock
 * @base: its contents, a multiple of FLASH_BLOCK
 * @array: reads give the contents, else @status
 * @mapped: the guest reads the contents without exits
 * @command: whose second cycle is awaited; 0 if none
 */
struct flash {
	struct io_region region;
	struct irqchip *irqchip;
	u8 *base;
	pthread_mutex_t lock;

	bool array, mapped;
	u8 command, status;
};

int flash_init(struct flash *flash, struct bus *mmio, struct irqchip *irqchip, u64 gpa,
	       void *base, u64 size);
void flash_destroy(struct flash *flash, struct bus *mmio);

#endif /* VMXL_FLASH_H */
