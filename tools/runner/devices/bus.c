// SPDX-License-Identifier: GPL-2.0-only
/* Ranges of ports or of guest-physical addresses, and who answers there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"

/**
 * bus_init() - make an empty bus
 * @bus: the bus
 * @limit: highest address on it
 *
 * Return: 0 or a negative errno.
 */
int bus_init(struct bus *bus, u64 limit)
{
	*bus = (struct bus) { .limit = limit };
	return -pthread_rwlock_init(&bus->lock, NULL);
}

/**
 * bus_destroy() - forget all regions
 * @bus: the bus; nobody uses it any more
 */
void bus_destroy(struct bus *bus)
{
	free(bus->regions);
	pthread_rwlock_destroy(&bus->lock);
}

/* Index of the first region that ends after @addr; bus->nr if none does. */
static unsigned int lower_bound(const struct bus *bus, u64 addr)
{
	unsigned int lo = 0, hi = bus->nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		const struct io_region *r = bus->regions[mid];

		if (r->start + (r->size - 1) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * bus_add() - let a device answer a range
 * @bus: the bus
 * @region: stays the caller's; must outlive its place on the bus
 *
 * Return: 0; -EINVAL if it is empty or leaves the bus; -EEXIST if it overlaps
 * another; -ENOMEM.
 */
int bus_add(struct bus *bus, struct io_region *region)
{
	struct io_region **regions;
	unsigned int i;
	int ret = 0;

	if (!region->size || region->start > bus->limit ||
	    region->size - 1 > bus->limit - region->start)
		return -EINVAL;

	pthread_rwlock_wrlock(&bus->lock);
	i = lower_bound(bus, region->start);
	if (i < bus->nr && bus->regions[i]->start <= region->start + (region->size - 1)) {
		ret = -EEXIST;
		goto out;
	}
	regions = realloc(bus->regions, (bus->nr + 1) * sizeof(*regions));
	if (!regions) {
		ret = -ENOMEM;
		goto out;
	}
	memmove(regions + i + 1, regions + i, (bus->nr - i) * sizeof(*regions));
	regions[i] = region;
	bus->regions = regions;
	bus->nr++;
out:
	pthread_rwlock_unlock(&bus->lock);
	return ret;
}

/**
 * bus_remove() - take a range off the bus
 * @bus: the bus
 * @region: which; nothing happens if it is not there
 *
 * No call of the region's functions runs any more on return, so it must not
 * be called from one. A permanent region is removed when no vCPU runs.
 */
void bus_remove(struct bus *bus, struct io_region *region)
{
	unsigned int i;

	pthread_rwlock_wrlock(&bus->lock);
	i = lower_bound(bus, region->start);
	if (i < bus->nr && bus->regions[i] == region) {
		bus->nr--;
		memmove(bus->regions + i, bus->regions + i + 1,
			(bus->nr - i) * sizeof(*bus->regions));
	}
	pthread_rwlock_unlock(&bus->lock);
}

/* Who answers all of @size bytes at @addr. */
static struct io_region *find(const struct bus *bus, u64 addr, unsigned int size)
{
	unsigned int i = lower_bound(bus, addr);
	struct io_region *r;

	if (i == bus->nr)
		return NULL;
	r = bus->regions[i];
	if (addr < r->start || size > r->size - (addr - r->start))
		return NULL;
	return r;
}

static u64 ones(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

/**
 * bus_read() - a guest's read
 * @bus: the bus
 * @addr: port or guest-physical address
 * @size: bytes: 1, 2, 4 or 8
 *
 * Return: the value; all ones where nobody answers, as on PCI.
 */
u64 bus_read(struct bus *bus, u64 addr, unsigned int size)
{
	struct io_region *r;
	u64 value = ~0ULL;
	bool unlocked;

	pthread_rwlock_rdlock(&bus->lock);
	r = find(bus, addr, size);
	unlocked = r && r->permanent;
	if (unlocked)
		pthread_rwlock_unlock(&bus->lock);
	if (r && r->read)
		value = r->read(r, addr - r->start, size);
	if (!unlocked)
		pthread_rwlock_unlock(&bus->lock);
	return value & ones(size);
}

/**
 * bus_write() - a guest's write; lost where nobody answers
 * @bus: the bus
 * @addr: port or guest-physical address
 * @size: bytes: 1, 2, 4 or 8
 * @value: what is written; higher bytes do not count
 */
void bus_write(struct bus *bus, u64 addr, unsigned int size, u64 value)
{
	struct io_region *r;
	bool unlocked;

	pthread_rwlock_rdlock(&bus->lock);
	r = find(bus, addr, size);
	unlocked = r && r->permanent;
	if (unlocked)
		pthread_rwlock_unlock(&bus->lock);
	if (r && r->write)
		r->write(r, addr - r->start, size, value & ones(size));
	if (!unlocked)
		pthread_rwlock_unlock(&bus->lock);
}

/**
 * bus_name() - who answers at an address, for traces
 * @bus: the bus
 * @addr: port or guest-physical address
 *
 * Return: the region's name, or "nothing".
 */
const char *bus_name(struct bus *bus, u64 addr)
{
	const struct io_region *r;
	const char *name;

	pthread_rwlock_rdlock(&bus->lock);
	r = find(bus, addr, 1);
	name = r ? r->name : "nothing";
	pthread_rwlock_unlock(&bus->lock);
	return name;
}
