// SPDX-License-Identifier: GPL-2.0-only
/*
 * The uAPI of iommu-lite as C functions, see iommuapi.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "iommuapi.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static int call(int fd, unsigned long request, void *argument)
{
	int ret = ioctl(fd, request, argument);

	return ret < 0 ? -errno : ret;
}

/**
 * iommu_parse_bdf() - read a PCI function's name
 * @text: "0000:00:03.0", or "00:03.0" in segment 0
 * @bdf: filled
 *
 * Return: 0 or -EINVAL.
 */
int iommu_parse_bdf(const char *text, struct iommu_bdf *bdf)
{
	unsigned int segment = 0, bus, device, function;
	char end;

	if (sscanf(text, "%4x:%2x:%2x.%1x%c", &segment, &bus, &device,
		   &function, &end) != 4) {
		segment = 0;
		if (sscanf(text, "%2x:%2x.%1x%c", &bus, &device, &function,
			   &end) != 3)
			return -EINVAL;
	}
	if (device > 31 || function > 7)
		return -EINVAL;
	bdf->segment = segment;
	bdf->bus = bus;
	bdf->devfn = device << 3 | function;
	return 0;
}

/**
 * iommu_open() - open /dev/iommu-lite
 *
 * Return: a descriptor; -ENOENT: iommu-lite is not loaded.
 */
int iommu_open(void)
{
	int fd = open("/dev/iommu-lite", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/**
 * iommu_get_info() - what the machine's units have in common
 * @fd: from iommu_open()
 * @info: filled
 *
 * Return: 0 or -errno.
 */
int iommu_get_info(int fd, struct iommu_lite_info *info)
{
	return call(fd, IOMMU_LITE_GET_INFO, info);
}

/**
 * iommu_get_unit() - one remapping unit
 * @fd: from iommu_open()
 * @index: 0 to info.nr_units - 1
 * @unit: filled
 *
 * Return: 0; -EINVAL for an index that is too high.
 */
int iommu_get_unit(int fd, unsigned int index, struct iommu_lite_unit *unit)
{
	memset(unit, 0, sizeof(*unit));
	unit->index = index;
	return call(fd, IOMMU_LITE_GET_UNIT, unit);
}

/**
 * iommu_create_domain() - make a domain that maps this process's memory
 * @fd: from iommu_open()
 *
 * Return: a descriptor or -errno.
 */
int iommu_create_domain(int fd)
{
	struct iommu_lite_create_domain create = { 0 };

	return call(fd, IOMMU_LITE_CREATE_DOMAIN, &create);
}

/**
 * iommu_open_lent() - take a device from the kernel
 * @fd: from iommu_open()
 * @bdf: which
 * @flags: IOMMU_LITE_OPEN_*
 * @reason: enum iommu_lite_reason, for iommu_reason_text(); may be NULL
 *
 * Return: a descriptor or -errno.
 */
int iommu_open_lent(int fd, const struct iommu_bdf *bdf, uint32_t flags, uint32_t *reason)
{
	struct iommu_lite_open_device open = {
		.segment = bdf->segment,
		.bus = bdf->bus,
		.devfn = bdf->devfn,
		.flags = flags,
	};
	int ret = call(fd, IOMMU_LITE_OPEN_DEVICE, &open);

	if (reason)
		*reason = open.reason;
	return ret;
}

/**
 * iommu_open_device() - take a device for its DMA only
 * @fd: from iommu_open()
 * @bdf: which
 * @reason: enum iommu_lite_reason, for iommu_reason_text(); may be NULL
 *
 * Return: a descriptor or -errno.
 */
int iommu_open_device(int fd, const struct iommu_bdf *bdf, uint32_t *reason)
{
	return iommu_open_lent(fd, bdf, 0, reason);
}

/**
 * iommu_reason_text() - why a device cannot be opened, and what to do
 * @reason: enum iommu_lite_reason
 *
 * Return: a sentence.
 */
const char *iommu_reason_text(uint32_t reason)
{
	static const char * const texts[] = {
		[IOMMU_LITE_OK] = "nothing is in the way",
		[IOMMU_LITE_NO_DEVICE] = "there is no such PCI device",
		[IOMMU_LITE_NO_UNIT] =
			"no remapping unit governs it: enable VT-d in the firmware's set-up",
		[IOMMU_LITE_DRIVER_BOUND] =
			"it or a device of its group has a driver: unbind that first",
		[IOMMU_LITE_GROUP_BUSY] =
			"a device of its group belongs to another process: end that first",
		[IOMMU_LITE_RMRR] =
			"firmware uses it through reserved memory (RMRR): it cannot be lent",
		[IOMMU_LITE_BRIDGE] = "it is a bridge: lend what is behind it",
		[IOMMU_LITE_ALREADY_OPEN] = "it is open already",
		[IOMMU_LITE_UNSAFE_INTERRUPTS] =
			"its DMA could forge interrupts of this host, which are not remapped",
	};

	return reason < ARRAY_SIZE(texts) ? texts[reason] : "unknown reason";
}

/**
 * iommu_map() - let devices of a domain reach memory
 * @domain: from iommu_create_domain()
 * @iova: address the devices use, a multiple of 4096
 * @memory: a multiple of 4096
 * @size: bytes, a multiple of 4096
 * @flags: IOMMU_LITE_MAP_READ, IOMMU_LITE_MAP_WRITE
 *
 * Return: 0 or -errno as docs/uapi.md has it.
 */
int iommu_map(int domain, uint64_t iova, void *memory, uint64_t size,
	      uint32_t flags)
{
	struct iommu_lite_map map = {
		.iova = iova,
		.user_addr = (uintptr_t)memory,
		.size = size,
		.flags = flags,
	};

	return call(domain, IOMMU_LITE_MAP, &map);
}

/**
 * iommu_unmap() - take memory from the devices of a domain
 * @domain: from iommu_create_domain()
 * @iova: first address
 * @size: bytes
 * @unmapped: bytes that were mapped; may be NULL
 *
 * Return: 0; -ENOENT where nothing is mapped; -EINVAL where a mapping lies
 * across an end of the range.
 */
int iommu_unmap(int domain, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	struct iommu_lite_unmap unmap = { .iova = iova, .size = size };
	int ret = call(domain, IOMMU_LITE_UNMAP, &unmap);

	if (unmapped)
		*unmapped = unmap.unmapped;
	return ret;
}

/**
 * iommu_unmap_all() - take all memory from the devices of a domain
 * @domain: from iommu_create_domain()
 * @unmapped: bytes that were mapped; may be NULL
 *
 * Return: 0 or -errno.
 */
int iommu_unmap_all(int domain, uint64_t *unmapped)
{
	struct iommu_lite_unmap unmap = { .flags = IOMMU_LITE_UNMAP_ALL };
	int ret = call(domain, IOMMU_LITE_UNMAP, &unmap);

	if (unmapped)
		*unmapped = unmap.unmapped;
	return ret;
}

/**
 * iommu_query() - the mapping that holds an address
 * @domain: from iommu_create_domain()
 * @iova: the address
 * @query: filled
 *
 * Return: 0; -ENOENT where nothing is mapped.
 */
int iommu_query(int domain, uint64_t iova, struct iommu_lite_query *query)
{
	memset(query, 0, sizeof(*query));
	query->iova = iova;
	return call(domain, IOMMU_LITE_QUERY, query);
}

/**
 * iommu_domain_info() - a domain's size
 * @domain: from iommu_create_domain()
 * @info: filled
 *
 * Return: 0 or -errno.
 */
int iommu_domain_info(int domain, struct iommu_lite_domain_info *info)
{
	return call(domain, IOMMU_LITE_DOMAIN_INFO, info);
}

/**
 * iommu_attach() - let a device reach what a domain maps, and nothing else
 * @device: from iommu_open_device()
 * @domain: from iommu_create_domain() of the same iommu_open()
 *
 * Return: 0; -EBUSY where it, or another of its group, is elsewhere.
 */
int iommu_attach(int device, int domain)
{
	struct iommu_lite_attach attach = { .domain_fd = domain };

	return call(device, IOMMU_LITE_ATTACH, &attach);
}

/**
 * iommu_detach() - block a device's DMA again
 * @device: from iommu_open_device()
 *
 * Return: 0; -EINVAL where it is not attached.
 */
int iommu_detach(int device)
{
	return call(device, IOMMU_LITE_DETACH, NULL);
}

/**
 * iommu_get_regions() - address ranges with a meaning of their own
 * @device: from iommu_open_device()
 * @regions: filled
 * @count: in: room; out: regions there are
 *
 * Return: 0; -E2BIG where there is not room for all.
 */
int iommu_get_regions(int device, struct iommu_lite_region *regions,
		      uint32_t *count)
{
	struct iommu_lite_regions get = {
		.count = *count,
		.regions = (uintptr_t)regions,
	};
	int ret = call(device, IOMMU_LITE_GET_REGIONS, &get);

	*count = get.count;
	return ret;
}

/**
 * iommu_set_fault_eventfd() - be told of each fault
 * @device: from iommu_open_device()
 * @eventfd: an eventfd, or -1 for none
 *
 * Return: 0 or -errno.
 */
int iommu_set_fault_eventfd(int device, int eventfd)
{
	struct iommu_lite_fault_eventfd set = { .fd = eventfd };

	return call(device, IOMMU_LITE_SET_FAULT_EVENTFD, &set);
}

/**
 * iommu_device_info() - a device's state
 * @device: from iommu_open_device()
 * @info: filled
 *
 * Return: 0 or -errno.
 */
int iommu_device_info(int device, struct iommu_lite_device_info *info)
{
	return call(device, IOMMU_LITE_DEVICE_INFO, info);
}

/**
 * iommu_read_faults() - take fault records
 * @device: from iommu_open_device(); waits unless it is O_NONBLOCK
 * @faults: filled
 * @max: room in @faults
 *
 * Return: how many; 0 where the device is gone; -EAGAIN; -EINTR.
 */
int iommu_read_faults(int device, struct iommu_lite_fault *faults,
		      unsigned int max)
{
	ssize_t ret = read(device, faults, max * sizeof(*faults));

	return ret < 0 ? -errno : (int)(ret / (ssize_t)sizeof(*faults));
}

/**
 * iommu_fault_text() - a fault's reason (VT-d specification 7.2.3)
 * @reason: iommu_lite_fault.reason
 *
 * Return: a few words.
 */
const char *iommu_fault_text(uint32_t reason)
{
	static const char * const texts[] = {
		[0x1] = "no root entry",
		[0x2] = "blocked",
		[0x3] = "invalid context entry",
		[0x4] = "beyond the address width",
		[0x5] = "not mapped for writing",
		[0x6] = "not mapped for reading",
		[0x7] = "page table not readable",
		[0x8] = "root table not readable",
		[0x9] = "context table not readable",
		[0xa] = "reserved bits in a root entry",
		[0xb] = "reserved bits in a context entry",
		[0xc] = "reserved bits in a page-table entry",
		[0xd] = "translation request blocked",
	};

	if (reason < ARRAY_SIZE(texts) && texts[reason])
		return texts[reason];
	return "unknown reason";
}

/**
 * iommu_get_bar() - what a BAR of a lent device is
 * @device: from iommu_open_lent()
 * @index: 0 to 5, or IOMMU_LITE_ROM
 * @bar: filled; its size is 0 without one
 *
 * Return: 0; -EPERM where the device is not lent.
 */
int iommu_get_bar(int device, unsigned int index, struct iommu_lite_bar *bar)
{
	memset(bar, 0, sizeof(*bar));
	bar->index = index;
	return call(device, IOMMU_LITE_GET_BAR, bar);
}

/**
 * iommu_read_bar() - read a register of a lent device
 * @device: from iommu_open_lent()
 * @index: 0 to 5, or IOMMU_LITE_ROM
 * @offset: a multiple of @size
 * @size: bytes: 1, 2, 4, and 8 in memory
 * @value: filled
 *
 * Return: 0; -EPERM where the device is not lent; -ENODEV where it is gone.
 */
int iommu_read_bar(int device, unsigned int index, uint64_t offset, unsigned int size,
		   uint64_t *value)
{
	struct iommu_lite_access access = { .index = index, .size = size, .offset = offset };
	int ret = call(device, IOMMU_LITE_ACCESS_BAR, &access);

	*value = access.value;
	return ret;
}

/**
 * iommu_write_bar() - write a register of a lent device
 * @device: from iommu_open_lent()
 * @index: 0 to 5
 * @offset: a multiple of @size
 * @size: bytes: 1, 2, 4, and 8 in memory
 * @value: what
 *
 * Return: 0; -EPERM where the device is not lent; -ENODEV where it is gone.
 */
int iommu_write_bar(int device, unsigned int index, uint64_t offset, unsigned int size,
		    uint64_t value)
{
	struct iommu_lite_access access = {
		.index = index,
		.size = size,
		.offset = offset,
		.value = value,
		.flags = IOMMU_LITE_ACCESS_WRITE,
	};

	return call(device, IOMMU_LITE_ACCESS_BAR, &access);
}

/**
 * iommu_read_config() - read a lent device's configuration space
 * @device: from iommu_open_lent()
 * @offset: a multiple of @size
 * @size: bytes: 1, 2, 4
 * @value: filled
 *
 * Return: 0; -EPERM where the device is not lent; -ENODEV where it is gone.
 */
int iommu_read_config(int device, unsigned int offset, unsigned int size, uint32_t *value)
{
	struct iommu_lite_access access = { .size = size, .offset = offset };
	int ret = call(device, IOMMU_LITE_ACCESS_CONFIG, &access);

	*value = access.value;
	return ret;
}

/**
 * iommu_write_config() - write a lent device's configuration space
 * @device: from iommu_open_lent()
 * @offset: a multiple of @size
 * @size: bytes: 1, 2, 4
 * @value: what; the kernel lets through what does no harm
 *
 * Return: 0; -EPERM where the device is not lent, or bus mastering without a
 * domain; -ENODEV where it is gone.
 */
int iommu_write_config(int device, unsigned int offset, unsigned int size, uint32_t value)
{
	struct iommu_lite_access access = {
		.size = size,
		.offset = offset,
		.value = value,
		.flags = IOMMU_LITE_ACCESS_WRITE,
	};

	return call(device, IOMMU_LITE_ACCESS_CONFIG, &access);
}

/**
 * iommu_get_irq_info() - how a lent device can interrupt
 * @device: from iommu_open_lent()
 * @info: filled
 *
 * Return: 0; -EPERM where the device is not lent.
 */
int iommu_get_irq_info(int device, struct iommu_lite_irq_info *info)
{
	return call(device, IOMMU_LITE_GET_IRQ_INFO, info);
}

/**
 * iommu_set_irqs() - send a lent device's interrupts to eventfds
 * @device: from iommu_open_lent()
 * @type: which of its interrupts; one type is in use at a time
 * @fds: eventfds, -1 for a vector nobody listens to
 * @count: how many; 0: interrupts off
 * @resample_fd: with INTx an eventfd that unmasks the pin, else -1
 *
 * Return: 0 or -errno as docs/uapi.md has it.
 */
int iommu_set_irqs(int device, enum iommu_lite_irq_type type, const int *fds,
		   unsigned int count, int resample_fd)
{
	struct iommu_lite_irqs irqs = {
		.type = type,
		.count = count,
		.fds = (uintptr_t)fds,
		.resample_fd = resample_fd,
	};

	return call(device, IOMMU_LITE_SET_IRQS, &irqs);
}

/**
 * iommu_reset() - reset a lent device
 * @device: from iommu_open_lent()
 *
 * Return: 0; -EPERM where the device is not lent; -ENODEV where it is gone;
 * -ENOTTY where it cannot be reset.
 */
int iommu_reset(int device)
{
	return call(device, IOMMU_LITE_RESET, NULL);
}
