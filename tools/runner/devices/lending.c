// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the devices lent to a guest share: one domain of iommu-lite with the guest's
 * memory, so that each device reaches it at its guest-physical addresses, and nothing
 * else: neither this process's other memory nor another device's registers.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot.h"
#include "lent.h"

static int open_iommu(void)
{
	int fd = iommu_open();

	switch (fd) {
	case -ENOENT:
	case -ENXIO:
		return fail(fd, "iommu-lite is not loaded: vmxl check BDF says what to do");
	case -EACCES:
	case -EPERM:
		return fail(fd, "you may not use /dev/iommu-lite: run vmxl as root");
	}
	if (fd < 0)
		return fail(fd, "cannot open /dev/iommu-lite: %s", strerror(-fd));
	return fd;
}

static int explain_map(int ret, u64 size)
{
	struct rlimit limit;

	if (ret != -ENOMEM)
		return fail(ret, "iommu-lite refuses to map the guest's memory: %s",
			    strerror(-ret));
	if (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur < size)
		return fail(ret, "DMA needs %llu MiB pinned, and ulimit -l is %llu MiB: raise it",
			    size >> 20, (u64)limit.rlim_cur >> 20);
	return fail(ret, "DMA needs %llu MiB pinned, and this host has less free: see --memory",
		    size >> 20);
}

/* The module uses the largest pages that both addresses allow; huge ones come as THP. */
static int map_ram(int domain, const struct guest_ram *ram)
{
	const u32 flags = IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE;
	int ret = iommu_map(domain, 0, ram->base, ram->lowmem, flags);

	if (!ret && ram->highmem)
		ret = iommu_map(domain, VM_HIGHMEM_BASE, ram->base + ram->lowmem,
				ram->highmem, flags);
	return ret ? explain_map(ret, ram->lowmem + ram->highmem) : 0;
}

static int open_lending(struct lending *lending, const struct guest_ram *ram)
{
	int ret;

	lending->iommu = open_iommu();
	if (lending->iommu < 0)
		return lending->iommu;
	lending->domain = iommu_create_domain(lending->iommu);
	if (lending->domain < 0) {
		ret = fail(lending->domain, "iommu-lite gives no domain: %s",
			   strerror(-lending->domain));
		goto out_close;
	}
	ret = map_ram(lending->domain, ram);
	if (!ret)
		return 0;
	close(lending->domain);
out_close:
	close(lending->iommu);
	return ret;
}

/**
 * lending_join() - let a device share the guest's domain, which the first one makes
 * @lent: the device
 *
 * On return guest memory is pinned and mapped.
 *
 * Return: 0, or a negative errno after a message.
 */
int lending_join(struct lent *lent)
{
	struct lending *lending = lent->board->lending;
	int ret = lending->users ? 0 : open_lending(lending, lent->board->ram);

	if (ret)
		return ret;
	lending->users++;
	lent->sharing = true;
	return 0;
}

/**
 * lending_leave() - undo lending_join(); the last one unpins guest memory
 * @lent: the device, detached
 */
void lending_leave(struct lent *lent)
{
	struct lending *lending = lent->board->lending;

	if (!lent->sharing)
		return;
	lent->sharing = false;
	if (--lending->users)
		return;
	close(lending->domain);
	close(lending->iommu);
}

/**
 * lending_pins() - do devices reach guest memory by DMA?
 * @lending: a machine's; may be NULL
 *
 * Return: whether they do: a page that is given back to the host and comes again would
 * be another one than the devices'.
 */
bool lending_pins(const struct lending *lending)
{
	return lending && lending->users;
}
