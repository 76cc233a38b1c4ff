// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: which pages the guest wrote.
 *
 * A region that logs has a bitmap.  With dirty bits in the EPT the log collects
 * them when it is read, and when an entry goes.  Without them a page is mapped
 * writable only once it is in the bitmap, and read-only again when the log is
 * cleared.  Either way a page is mapped writable as 4 KiB only.
 *
 * Writes of the kernel on the guest's behalf are logged, writes of user space to
 * its own memory are not: it knows them.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "vmx-lite.h"
#include "memory_regions.h"

/* Pages whose bits are one page: what is done under one hold of the lock, 128 MiB */
#define DIRTY_CHUNK	(BITS_PER_BYTE * PAGE_SIZE)

/*
 * Move the bits of @nr pages from page @first of the region to @bits, at once for
 * all vCPUs: a write before is in @bits, one after it is in the next log.
 */
static void dirty_take(struct vl_vm *vm, struct vl_region *region, u64 first,
		       unsigned int nr, bool clear, unsigned long *bits)
{
	u64 gpa = region->gpa + PFN_PHYS(first);
	u64 end = gpa + PFN_PHYS((u64)nr);
	struct vl_ept *ept = &vm->mem.ept;
	struct vl_memory_gather gather;
	unsigned long i;

	bitmap_zero(bits, DIRTY_CHUNK);
	vl_memory_lock(vm, region, &gather);
	if (ept->ad)
		vl_ept_harvest(ept, gpa, end, VL_EPT_DIRTY, &gather.ept);
	else if (clear)
		vl_ept_write_protect(ept, gpa, end, &gather.ept);

	i = first;
	for_each_set_bit_from(i, region->dirty, first + nr) {
		__set_bit(i - first, bits);
		if (clear)
			clear_bit(i, region->dirty);
	}
	vl_memory_unlock(vm, &gather);
}

/* User space never got the bits: they are still to be told. */
static void dirty_put_back(struct vl_region *region, u64 first, const unsigned long *bits)
{
	unsigned long i;

	for_each_set_bit(i, bits, DIRTY_CHUNK)
		set_bit(first + i, region->dirty);
}

static int dirty_copy(struct vl_vm *vm, struct vl_region *region,
		      const struct vmx_lite_dirty_log *log)
{
	u64 __user *to = u64_to_user_ptr(log->bitmap);
	bool clear = log->flags & VMX_LITE_DIRTY_CLEAR;
	u64 first = PHYS_PFN(log->gpa - region->gpa);
	u64 pages = PHYS_PFN(log->size);
	unsigned long *bits;
	int ret = 0;

	bits = (unsigned long *)__get_free_page(GFP_KERNEL);
	if (!bits)
		return -ENOMEM;

	while (pages) {
		unsigned int nr = min_t(u64, pages, DIRTY_CHUNK);
		unsigned int words = BITS_TO_U64(nr);

		dirty_take(vm, region, first, nr, clear, bits);
		if (copy_to_user(to, bits, words * sizeof(*to))) {
			if (clear)
				dirty_put_back(region, first, bits);
			ret = -EFAULT;
			break;
		}
		first += nr;
		pages -= nr;
		to += words;
		cond_resched();
	}
	free_page((unsigned long)bits);
	return ret;
}

/**
 * vl_memory_dirty_log() - VM_GET_DIRTY_LOG
 * @vm: the VM
 * @log: as user space gave it
 *
 * A page that is reported was written since it was last cleared; with CLEAR every
 * write after is in the next report.
 *
 * Context: a thread of vm->mm; may sleep.
 * Return: 0; -EINVAL: unaligned, empty, wrapping, unknown flags, padding not 0;
 * -ENOENT: the range does not lie in one region that logs; -EFAULT: the bitmap
 * cannot be written: what it lacks stays in the log; -ENOMEM.
 */
int vl_memory_dirty_log(struct vl_vm *vm, const struct vmx_lite_dirty_log *log)
{
	struct vl_region *region;
	int idx, ret = -ENOENT;

	if (log->flags & ~VMX_LITE_DIRTY_CLEAR || log->pad || !log->size ||
	    (log->gpa | log->size) & ~PAGE_MASK || log->gpa + log->size < log->gpa)
		return -EINVAL;

	idx = srcu_read_lock(&vm->mem.srcu);
	region = vl_memory_find(vm, log->gpa);
	if (region && log->gpa + log->size <= vl_region_end(region) &&
	    READ_ONCE(region->flags) & VMX_LITE_MEM_LOG_DIRTY)
		ret = dirty_copy(vm, region, log);
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}
