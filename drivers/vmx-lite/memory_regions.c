// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of a VM's memory regions.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "memory_regions.h"

/**
 * vl_region_check() - is this a region at all?
 * @r: as user space gave it
 * @gpa_bits: width of a guest-physical address
 * @user_max: end of the user's address space
 *
 * Return: 0; -EINVAL: unaligned, empty, wrapping or beyond @gpa_bits, unknown
 * flags, padding not 0; -EFAULT: the user range leaves the user's address space;
 * -E2BIG: larger than VL_DIRTY_MAX_SIZE with LOG_DIRTY.
 */
int vl_region_check(const struct vmx_lite_memory_region *r, unsigned int gpa_bits,
		    u64 user_max)
{
	u64 end;

	if (r->flags & ~(VMX_LITE_MEM_READONLY | VMX_LITE_MEM_LOG_DIRTY) || r->pad)
		return -EINVAL;
	if (!r->size || (r->gpa | r->size | r->user_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (check_add_overflow(r->gpa, r->size, &end) || end > 1ULL << gpa_bits)
		return -EINVAL;
	if (check_add_overflow(r->user_addr, r->size, &end) || end > user_max)
		return -EFAULT;
	if (r->flags & VMX_LITE_MEM_LOG_DIRTY && r->size > VL_DIRTY_MAX_SIZE)
		return -E2BIG;
	return 0;
}

/* Index of the first region that ends after @gpa */
static unsigned int regions_index(const struct vl_regions *regions, u64 gpa)
{
	unsigned int lo = 0, hi = regions->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (vl_region_end(regions->region[mid]) > gpa)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/**
 * vl_regions_overlap() - the first region that shares bytes with a range
 * @regions: the list
 * @gpa: first byte
 * @size: bytes, not 0
 *
 * Return: the region or NULL.
 */
struct vl_region *vl_regions_overlap(const struct vl_regions *regions, u64 gpa, u64 size)
{
	unsigned int i = regions_index(regions, gpa);

	if (i == regions->nr)
		return NULL;
	/* Not gpa + size, which may be one more than the largest number. */
	if (regions->region[i]->gpa > gpa && regions->region[i]->gpa - gpa >= size)
		return NULL;
	return regions->region[i];
}

/**
 * vl_regions_find() - the region an address lies in
 * @regions: the list
 * @gpa: any guest-physical address
 *
 * Return: the region or NULL.
 */
struct vl_region *vl_regions_find(const struct vl_regions *regions, u64 gpa)
{
	return vl_regions_overlap(regions, gpa, 1);
}

/**
 * vl_regions_alloc() - a list to be filled
 * @nr: how many regions
 *
 * Context: may sleep.
 * Return: the list, to be kfree()d, or NULL.
 */
struct vl_regions *vl_regions_alloc(unsigned int nr)
{
	struct vl_regions *regions;

	regions = kzalloc(struct_size(regions, region, nr), GFP_KERNEL_ACCOUNT);
	if (regions)
		regions->nr = nr;
	return regions;
}

/**
 * vl_regions_add() - a list with one region more
 * @old: the list; it stays as it is
 * @region: overlaps none of it
 *
 * Context: may sleep.
 * Return: the new list; ERR_PTR: -ENOSPC: VMX_LITE_MAX_REGIONS are there; -ENOMEM.
 */
struct vl_regions *vl_regions_add(const struct vl_regions *old, struct vl_region *region)
{
	unsigned int at = regions_index(old, region->gpa);
	struct vl_regions *new;

	if (old->nr >= VMX_LITE_MAX_REGIONS)
		return ERR_PTR(-ENOSPC);
	new = vl_regions_alloc(old->nr + 1);
	if (!new)
		return ERR_PTR(-ENOMEM);

	memcpy(new->region, old->region, at * sizeof(region));
	new->region[at] = region;
	memcpy(new->region + at + 1, old->region + at, (old->nr - at) * sizeof(region));
	return new;
}

/**
 * vl_regions_remove() - a list with one region less
 * @old: the list; it stays as it is
 * @region: one of it
 *
 * Context: may sleep.
 * Return: the new list; ERR_PTR: -ENOMEM.
 */
struct vl_regions *vl_regions_remove(const struct vl_regions *old,
				     const struct vl_region *region)
{
	struct vl_regions *new = vl_regions_alloc(old->nr - 1);
	unsigned int i, n = 0;

	if (!new)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < old->nr; i++)
		if (old->region[i] != region)
			new->region[n++] = old->region[i];
	return new;
}
