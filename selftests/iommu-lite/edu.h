/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's edu device (docs/specs/edu.rst): a DMA engine in a few registers,
 * driven from user space through sysfs.
 */
#ifndef EDU_H
#define EDU_H

#include <stdbool.h>
#include <stdint.h>

#include "iommuapi.h"

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

/* Most bytes of one transfer */
#define EDU_MAX_SIZE	2048

struct edu {
	struct iommu_bdf bdf;
	volatile uint32_t *registers;
};

bool edu_open(struct edu *edu, unsigned int nth);
void edu_close(struct edu *edu);
bool edu_bus_master(struct edu *edu, bool on);
bool edu_is_bus_master(struct edu *edu);
bool edu_start(struct edu *edu, uint64_t address, unsigned int size,
	       bool to_memory);
bool edu_wait(struct edu *edu);
bool edu_from_memory(struct edu *edu, uint64_t address, unsigned int size);
bool edu_to_memory(struct edu *edu, uint64_t address, unsigned int size);

#endif
