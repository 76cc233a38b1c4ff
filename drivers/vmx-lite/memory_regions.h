/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of a VM's memory regions: which user memory stands at which
 * guest-physical address.  Pure: no VM, no locks; see memory.h for those.
 */
#ifndef VL_MEMORY_REGIONS_H
#define VL_MEMORY_REGIONS_H

#include <linux/bits.h>
#include <linux/mmu_notifier.h>
#include <linux/types.h>

#include <linux/vmx_lite.h>

struct vl_vm;

/* Bytes of the largest region that may log dirty pages: a bitmap of 32 MiB */
#define VL_DIRTY_MAX_SIZE	BIT_ULL(40)

/**
 * struct vl_region - guest-physical memory that is user memory
 * @vm: whose
 * @gpa: first byte
 * @size: bytes
 * @user_addr: address of the first byte in vm->mm
 * @device: what the process has there is device memory, else RAM
 * @flags: VMX_LITE_MEM_*
 * @dirty: a bit for each 4 KiB page written since it was last cleared; there
 *	from the first LOG_DIRTY on
 * @notifier: tells of changes to the user memory
 */
struct vl_region {
	struct vl_vm *vm;		/* (r) */
	u64 gpa;			/* (r) */
	u64 size;			/* (r) */
	unsigned long user_addr;	/* (r) */
	bool device;			/* (r) */
	u32 flags;			/* written under (m) and (e) */
	unsigned long *dirty;		/* set once under (m) and (e); bits are (a) */
	struct mmu_interval_notifier notifier;
};

/**
 * struct vl_regions - regions sorted by address
 * @nr: how many
 * @region: they
 *
 * Never changed once published; a change makes a new one.
 */
struct vl_regions {
	unsigned int nr;
	struct vl_region *region[];
};

/**
 * vl_region_end() - where a region ends
 * @region: the region
 *
 * Return: guest-physical address of the byte after it.
 */
static inline u64 vl_region_end(const struct vl_region *region)
{
	return region->gpa + region->size;
}

int vl_region_check(const struct vmx_lite_memory_region *r, unsigned int gpa_bits,
		    u64 user_max);
struct vl_regions *vl_regions_alloc(unsigned int nr);
struct vl_region *vl_regions_find(const struct vl_regions *regions, u64 gpa);
struct vl_region *vl_regions_overlap(const struct vl_regions *regions, u64 gpa, u64 size);
struct vl_regions *vl_regions_add(const struct vl_regions *old, struct vl_region *region);
struct vl_regions *vl_regions_remove(const struct vl_regions *old,
				     const struct vl_region *region);

#endif /* VL_MEMORY_REGIONS_H */
