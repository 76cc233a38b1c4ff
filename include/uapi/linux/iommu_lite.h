/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * iommu-lite: what memory a PCI device may reach, with Intel VT-d.
 *
 * /dev/iommu-lite gives domain fds (IOMMU_LITE_CREATE_DOMAIN) and device fds
 * (IOMMU_LITE_OPEN_DEVICE).  A device attached to a domain reaches what is
 * mapped there and nothing else.  An object lives as long as its fd: closing a
 * device fd detaches the device, closing a domain fd unmaps and unpins all of
 * it, once no device is attached.  Every ioctl is described in
 * docs/uapi.md.
 *
 * Conventions are those of vmx_lite.h: fixed-width padded structures, unknown
 * flags and non-zero padding are EINVAL, a longer structure with a non-zero
 * unknown tail is E2BIG, an unknown ioctl is ENOTTY.
 */
#ifndef _UAPI_LINUX_IOMMU_LITE_H
#define _UAPI_LINUX_IOMMU_LITE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMMU_LITE_API_VERSION	1

#define IOMMU_LITE_MAX_REGIONS	64

/* Why a device can or cannot be opened: iommu_lite_open_device.reason. */
enum iommu_lite_reason {
	IOMMU_LITE_OK = 0,
	IOMMU_LITE_NO_DEVICE,		/* no such PCI function */
	IOMMU_LITE_NO_UNIT,		/* no remapping unit governs it */
	IOMMU_LITE_DRIVER_BOUND,	/* it, or one of its group, has a driver */
	IOMMU_LITE_GROUP_BUSY,		/* its group belongs to somebody else */
	IOMMU_LITE_RMRR,		/* firmware uses it behind our back */
	IOMMU_LITE_BRIDGE,		/* bridges cannot be lent */
	IOMMU_LITE_ALREADY_OPEN,
	IOMMU_LITE_UNSAFE_INTERRUPTS,	/* it could forge interrupts: see the flag */
};

/* iommu_lite_info.features: what all units of this machine can do. */
#define IOMMU_LITE_FEAT_2M		(1U << 0)
#define IOMMU_LITE_FEAT_1G		(1U << 1)
#define IOMMU_LITE_FEAT_SNOOP		(1U << 2)	/* no-snoop DMA is snooped */
#define IOMMU_LITE_FEAT_CACHING		(1U << 3)	/* a unit is emulated */
#define IOMMU_LITE_FEAT_PASS_THROUGH	(1U << 4)
#define IOMMU_LITE_FEAT_COHERENT	(1U << 5)	/* page walks snoop */
#define IOMMU_LITE_FEAT_INTR_REMAP	(1U << 6)	/* lent devices' interrupts are remapped */
#define IOMMU_LITE_FEAT_POSTED		(1U << 7)	/* and could be posted */

/**
 * struct iommu_lite_info - IOMMU_LITE_GET_INFO
 * @api_version: IOMMU_LITE_API_VERSION of the module
 * @features: IOMMU_LITE_FEAT_*
 * @nr_units: remapping units, for IOMMU_LITE_GET_UNIT
 * @address_bits: width of an IOVA
 * @page_sizes: bit n: pages of 2^n bytes
 */
struct iommu_lite_info {
	__u32 api_version;
	__u32 features;
	__u32 nr_units;
	__u32 address_bits;
	__u64 page_sizes;
	__u64 pad[3];
};

/* iommu_lite_unit.flags */
#define IOMMU_LITE_UNIT_INCLUDE_ALL	(1U << 0)
#define IOMMU_LITE_UNIT_QUEUE		(1U << 1)	/* queued invalidation */
#define IOMMU_LITE_UNIT_DEVICE_TLB	(1U << 2)

/**
 * struct iommu_lite_unit - IOMMU_LITE_GET_UNIT
 * @index: in: 0 to iommu_lite_info.nr_units - 1
 * @flags: IOMMU_LITE_UNIT_*
 * @register_base: physical address of the registers
 * @cap: Capability Register
 * @ecap: Extended Capability Register
 * @segment: PCI segment
 * @nr_devices: functions it governs that are present
 * @node: NUMA node or -1
 * @levels: page-table levels in use
 * @inv_context: context-cache invalidations so far
 * @inv_iotlb: IOTLB invalidations so far
 * @inv_device_tlb: device-TLB invalidations so far
 * @faults: fault records taken so far
 */
struct iommu_lite_unit {
	__u32 index;
	__u32 flags;
	__u64 register_base;
	__u64 cap;
	__u64 ecap;
	__u32 segment;
	__u32 nr_devices;
	__s32 node;
	__u32 levels;
	__u64 inv_context;
	__u64 inv_iotlb;
	__u64 inv_device_tlb;
	__u64 faults;
	__u64 pad[2];
};

/**
 * struct iommu_lite_create_domain - IOMMU_LITE_CREATE_DOMAIN: the domain fd
 * @flags: 0
 */
struct iommu_lite_create_domain {
	__u32 flags;
	__u32 pad;
};

/*
 * iommu_lite_open_device.flags: the caller trusts whoever programs the device.
 * A write of the device to 0xfeexxxxx is an interrupt of this host that nothing
 * checks, as long as the host's own interrupts need the compatibility format.
 */
#define IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS	(1U << 0)

/**
 * struct iommu_lite_open_device - IOMMU_LITE_OPEN_DEVICE: the device fd
 * @segment: PCI segment
 * @bus: bus
 * @devfn: device << 3 | function
 * @flags: IOMMU_LITE_OPEN_*
 * @reason: out, on an error too: enum iommu_lite_reason
 */
struct iommu_lite_open_device {
	__u16 segment;
	__u8 bus;
	__u8 devfn;
	__u32 flags;
	__u32 reason;
	__u32 pad;
};

/* ------------------------------------------------------------ domain fd */

#define IOMMU_LITE_MAP_READ	(1U << 0)	/* the device may read */
#define IOMMU_LITE_MAP_WRITE	(1U << 1)	/* the device may write */

/**
 * struct iommu_lite_map - IOMMU_LITE_MAP
 * @iova: address the device uses, a multiple of 4096
 * @user_addr: where the memory lies in the caller, a multiple of 4096
 * @size: bytes, a multiple of 4096, not 0
 * @flags: IOMMU_LITE_MAP_*, one at least
 *
 * The memory is pinned, and counts against RLIMIT_MEMLOCK, until it is
 * unmapped.
 */
struct iommu_lite_map {
	__u64 iova;
	__u64 user_addr;
	__u64 size;
	__u32 flags;
	__u32 pad;
};

#define IOMMU_LITE_UNMAP_ALL	(1U << 0)	/* @iova and @size must be 0 */

/**
 * struct iommu_lite_unmap - IOMMU_LITE_UNMAP
 * @iova: first address, a multiple of 4096
 * @size: bytes, a multiple of 4096; mappings lie in it wholly or not at all
 * @flags: IOMMU_LITE_UNMAP_*
 * @unmapped: out: bytes that were mapped
 *
 * When it returns, no device reaches the memory any more.
 */
struct iommu_lite_unmap {
	__u64 iova;
	__u64 size;
	__u32 flags;
	__u32 pad;
	__u64 unmapped;
};

/**
 * struct iommu_lite_query - IOMMU_LITE_QUERY
 * @iova: in: an address; out: where its mapping begins
 * @user_addr: out: what IOMMU_LITE_MAP was given
 * @size: out: likewise
 * @flags: out: likewise
 * @pad: 0
 * @page_size: out: bytes of the page that translates @iova
 */
struct iommu_lite_query {
	__u64 iova;
	__u64 user_addr;
	__u64 size;
	__u32 flags;
	__u32 pad;
	__u64 page_size;
};

/**
 * struct iommu_lite_domain_info - IOMMU_LITE_DOMAIN_INFO
 * @mapped: bytes mapped
 * @nr_maps: mappings
 * @table_pages: pages of page tables
 * @nr_devices: devices attached
 * @id: of the domain in debugfs and traces
 */
struct iommu_lite_domain_info {
	__u64 mapped;
	__u64 nr_maps;
	__u64 table_pages;
	__u32 nr_devices;
	__u32 id;
	__u64 pad[2];
};

/* ------------------------------------------------------------ device fd */

/**
 * struct iommu_lite_attach - IOMMU_LITE_ATTACH
 * @domain_fd: a domain of the same /dev/iommu-lite file
 * @flags: 0
 */
struct iommu_lite_attach {
	__s32 domain_fd;
	__u32 flags;
};

enum iommu_lite_region_type {
	IOMMU_LITE_REGION_DIRECT,	/* the device wants it mapped 1:1 */
	IOMMU_LITE_REGION_RELAXABLE,	/* likewise, while firmware drives it */
	IOMMU_LITE_REGION_RESERVED,	/* never map it */
	IOMMU_LITE_REGION_MSI,		/* never map it: interrupts */
};

struct iommu_lite_region {
	__u64 first;
	__u64 last;
	__u32 type;
	__u32 pad;
};

/**
 * struct iommu_lite_regions - IOMMU_LITE_GET_REGIONS
 * @count: in: room at @regions; out: regions there are (E2BIG: more than room)
 * @regions: user address of struct iommu_lite_region[]
 */
struct iommu_lite_regions {
	__u32 count;
	__u32 pad;
	__u64 regions;
};

/**
 * struct iommu_lite_fault_eventfd - IOMMU_LITE_SET_FAULT_EVENTFD
 * @fd: an eventfd, or -1 for none
 * @flags: 0
 */
struct iommu_lite_fault_eventfd {
	__s32 fd;
	__u32 flags;
};

#define IOMMU_LITE_DEVICE_ATTACHED	(1U << 0)
#define IOMMU_LITE_DEVICE_GONE		(1U << 1)
#define IOMMU_LITE_DEVICE_ATS		(1U << 2)	/* it caches translations */
#define IOMMU_LITE_DEVICE_LENT		(1U << 3)	/* bound to iommu-lite */
#define IOMMU_LITE_DEVICE_INTR_REMAP	(1U << 4)	/* its interrupts are remapped */

/**
 * struct iommu_lite_device_info - IOMMU_LITE_DEVICE_INFO
 * @flags: IOMMU_LITE_DEVICE_*
 * @unit: index of the unit that governs it
 * @group: IOMMU group, as in /sys/kernel/iommu_groups
 * @group_devices: functions in the group
 * @faults: fault records that named it
 * @lost: records that read() could not deliver: it came too late
 */
struct iommu_lite_device_info {
	__u32 flags;
	__u32 unit;
	__u32 group;
	__u32 group_devices;
	__u64 faults;
	__u64 lost;
	__u64 pad[2];
};

#define IOMMU_LITE_FAULT_READ	(1U << 0)	/* else a write */

/**
 * struct iommu_lite_fault - what read() of a device fd gives
 * @address: IOVA, a multiple of 4096
 * @time_ns: CLOCK_MONOTONIC
 * @reason: VT-d specification 7.2.3
 * @flags: IOMMU_LITE_FAULT_*
 * @requester: bus << 8 | devfn as hardware saw it
 */
struct iommu_lite_fault {
	__u64 address;
	__u64 time_ns;
	__u32 reason;
	__u32 flags;
	__u16 requester;
	__u16 pad[3];
};

/* ------------------------------------------------------------ lent devices */

/*
 * A device bound to the driver iommu-lite (driver_override) is lent: its fd gives
 * its registers, its configuration space and its interrupts.  Opening and closing
 * the fd resets it; without the driver what follows is EPERM.
 */

#define IOMMU_LITE_BARS		6
#define IOMMU_LITE_ROM		6	/* index of the expansion ROM */
#define IOMMU_LITE_MAX_IRQS	2048

/* iommu_lite_bar.flags */
#define IOMMU_LITE_BAR_IO		(1U << 0)	/* ports, else memory */
#define IOMMU_LITE_BAR_64		(1U << 1)	/* takes two BARs */
#define IOMMU_LITE_BAR_PREFETCH		(1U << 2)
#define IOMMU_LITE_BAR_MMAP		(1U << 3)	/* @offset can be mapped */
#define IOMMU_LITE_BAR_WC		(1U << 4)	/* also write-combining, at @wc_offset */
#define IOMMU_LITE_BAR_READONLY		(1U << 5)	/* the ROM */

/**
 * struct iommu_lite_bar - IOMMU_LITE_GET_BAR
 * @index: in: 0 to 5, or IOMMU_LITE_ROM
 * @flags: out: IOMMU_LITE_BAR_*
 * @size: out: bytes, 0 without one (and for the upper half of a 64-bit BAR)
 * @offset: out: for mmap() of the device fd, uncached
 * @wc_offset: out: likewise, write-combining
 *
 * Pages that hold the MSI-X table or its pending bits cannot be mapped (EACCES
 * for a mapping that touches them): IOMMU_LITE_ACCESS_BAR reaches what else lies
 * on them.
 */
struct iommu_lite_bar {
	__u32 index;
	__u32 flags;
	__u64 size;
	__u64 offset;
	__u64 wc_offset;
	__u64 pad[2];
};

#define IOMMU_LITE_ACCESS_WRITE	(1U << 0)	/* else a read */

/**
 * struct iommu_lite_access - IOMMU_LITE_ACCESS_BAR, IOMMU_LITE_ACCESS_CONFIG
 * @index: BAR 0 to 5 or IOMMU_LITE_ROM; 0 for the configuration space
 * @size: bytes: 1, 2, 4, and 8 in memory
 * @offset: a multiple of @size
 * @value: in or out; the MSI-X table and its pending bits read as 0 and ignore
 *	writes
 * @flags: IOMMU_LITE_ACCESS_*
 *
 * Writes to the configuration space reach the device where they are harmless,
 * and are ignored elsewhere (docs/uapi.md has the table): BARs, interrupt
 * capabilities and power management are the caller's to emulate.  Bus mastering
 * is refused (EPERM) while no domain is attached.
 */
struct iommu_lite_access {
	__u32 index;
	__u32 size;
	__u64 offset;
	__u64 value;
	__u32 flags;
	__u32 pad;
};

enum iommu_lite_irq_type {
	IOMMU_LITE_IRQ_INTX = 0,
	IOMMU_LITE_IRQ_MSI,
	IOMMU_LITE_IRQ_MSIX,
};

/**
 * struct iommu_lite_irq_info - IOMMU_LITE_GET_IRQ_INFO
 * @intx: 1 if it has a pin that can be shared safely (or that nobody shares)
 * @msi: messages it can send, 0 to 32
 * @msix: entries of its table, 0 to 2048
 * @msix_table_bar: BAR of the table
 * @msix_table_offset: where it begins
 * @msix_pba_bar: BAR of the pending bits
 * @msix_pba_offset: where they begin
 */
struct iommu_lite_irq_info {
	__u32 intx;
	__u32 msi;
	__u32 msix;
	__u32 msix_table_bar;
	__u32 msix_table_offset;
	__u32 msix_pba_bar;
	__u32 msix_pba_offset;
	__u32 pad[5];
};

/**
 * struct iommu_lite_irqs - IOMMU_LITE_SET_IRQS: interrupts to eventfds
 * @type: enum iommu_lite_irq_type; one type is in use at a time
 * @count: vectors, from 0 on: all there are from now on; 0: interrupts off
 * @fds: user address of __s32[@count]: eventfds, -1: nobody listens
 * @resample_fd: with INTX an eventfd: when it is signalled, the pin, which is masked
 *	when it interrupts, is unmasked; -1 otherwise
 * @flags: 0
 *
 * Calling it again with the same @type and @count replaces eventfds without
 * losing an interrupt.
 */
struct iommu_lite_irqs {
	__u32 type;
	__u32 count;
	__u64 fds;
	__s32 resample_fd;
	__u32 flags;
};

/* ------------------------------------------------------------ numbers */

#define IOMMU_LITE_IOC	0xb8

#define IOMMU_LITE_GET_INFO \
	_IOR(IOMMU_LITE_IOC, 0x00, struct iommu_lite_info)
#define IOMMU_LITE_GET_UNIT \
	_IOWR(IOMMU_LITE_IOC, 0x01, struct iommu_lite_unit)
#define IOMMU_LITE_CREATE_DOMAIN \
	_IOW(IOMMU_LITE_IOC, 0x02, struct iommu_lite_create_domain)
#define IOMMU_LITE_OPEN_DEVICE \
	_IOWR(IOMMU_LITE_IOC, 0x03, struct iommu_lite_open_device)

#define IOMMU_LITE_MAP \
	_IOW(IOMMU_LITE_IOC, 0x20, struct iommu_lite_map)
#define IOMMU_LITE_UNMAP \
	_IOWR(IOMMU_LITE_IOC, 0x21, struct iommu_lite_unmap)
#define IOMMU_LITE_QUERY \
	_IOWR(IOMMU_LITE_IOC, 0x22, struct iommu_lite_query)
#define IOMMU_LITE_DOMAIN_INFO \
	_IOR(IOMMU_LITE_IOC, 0x23, struct iommu_lite_domain_info)

#define IOMMU_LITE_ATTACH \
	_IOW(IOMMU_LITE_IOC, 0x40, struct iommu_lite_attach)
#define IOMMU_LITE_DETACH \
	_IO(IOMMU_LITE_IOC, 0x41)
#define IOMMU_LITE_GET_REGIONS \
	_IOWR(IOMMU_LITE_IOC, 0x42, struct iommu_lite_regions)
#define IOMMU_LITE_SET_FAULT_EVENTFD \
	_IOW(IOMMU_LITE_IOC, 0x43, struct iommu_lite_fault_eventfd)
#define IOMMU_LITE_DEVICE_INFO \
	_IOR(IOMMU_LITE_IOC, 0x44, struct iommu_lite_device_info)

#define IOMMU_LITE_GET_BAR \
	_IOWR(IOMMU_LITE_IOC, 0x60, struct iommu_lite_bar)
#define IOMMU_LITE_ACCESS_BAR \
	_IOWR(IOMMU_LITE_IOC, 0x61, struct iommu_lite_access)
#define IOMMU_LITE_ACCESS_CONFIG \
	_IOWR(IOMMU_LITE_IOC, 0x62, struct iommu_lite_access)
#define IOMMU_LITE_GET_IRQ_INFO \
	_IOR(IOMMU_LITE_IOC, 0x63, struct iommu_lite_irq_info)
#define IOMMU_LITE_SET_IRQS \
	_IOW(IOMMU_LITE_IOC, 0x64, struct iommu_lite_irqs)
#define IOMMU_LITE_RESET \
	_IO(IOMMU_LITE_IOC, 0x65)

#endif
