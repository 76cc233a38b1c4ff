/* SPDX-License-Identifier: GPL-2.0-only */
/* Ranges of ports or of guest-physical addresses, and who answers there. */
#ifndef VMXL_BUS_H
#define VMXL_BUS_H

#include <pthread.h>

#include "util.h"

/**
 * struct io_region - a range that a device answers; part of the device
 * @start: first port or guest-physical address
 * @size: bytes, not 0
 * @name: for traces
 * @read: value at byte @offset of the range; @size is 1, 2, 4 or 8
 * @write: the same for a write
 * @permanent: it stays on the bus while vCPUs run, and its functions run without
 *	the bus's lock: they may add other regions and remove them
 *
 * Called from any vCPU's thread, at the same time: a device has its own lock.
 */
struct io_region {
	u64 start;
	u64 size;
	const char *name;
	u64 (*read)(struct io_region *region, u64 offset, unsigned int size);
	void (*write)(struct io_region *region, u64 offset, unsigned int size, u64 value);
	bool permanent;
};

/* A bus: @regions sorted by start, without overlaps; guarded by @lock */
struct bus {
	pthread_rwlock_t lock;
	u64 limit;		/* highest address */
	struct io_region **regions;
	unsigned int nr;
};

int bus_init(struct bus *bus, u64 limit);
void bus_destroy(struct bus *bus);
int bus_add(struct bus *bus, struct io_region *region);
void bus_remove(struct bus *bus, struct io_region *region);
u64 bus_read(struct bus *bus, u64 addr, unsigned int size);
void bus_write(struct bus *bus, u64 addr, unsigned int size, u64 value);
const char *bus_name(struct bus *bus, u64 addr);

#endif /* VMXL_BUS_H */
