// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's memory: regions, and what changes to the user memory do to them.
 *
 * Nothing is pinned.  memory_fault.c maps a page of the process; a notifier
 * for each region unmaps it before the kernel moves, frees or write-protects it.
 *
 * Who may use a page when.  A fault looks the page up and maps it under
 * mem.lock, unless the notifier's sequence number shows that the user memory
 * changed meanwhile.  An invalidation first makes the number stale, under the
 * same lock, then unmaps and flushes.  So a page that is mapped has not been
 * invalidated, and belongs to the process: neither side takes a reference.
 *
 * What tells the kernel that the guest wrote.  A writable page is mapped only
 * where the process may write without a fault; the kernel takes that right
 * away through the notifier whenever it wants to see the next write (write-back,
 * copy on write, soft-dirty).  That a process's entry is writable does not make
 * it dirty, though: the entry of a page swapped in by a read, or given up by
 * MADV_FREE, can be clean, and a page whose entries are all clean is dropped
 * without being written out.  So the page itself is marked: when its EPT entry
 * goes and has the dirty bit, or, on a CPU without those, when it is mapped.
 * Both happen while the process's entry still stands, which is when a notifier
 * may do it (struct mmu_notifier_ops, invalidate_range_start).
 *
 * What the guest read is not told: an interval notifier has no hooks for the
 * accessed bits.  Reclaim sees the guest's pages age as untouched ones would,
 * and one that was in use costs an EPT fault and comes back from the swap cache.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "apicv.h"
#include "vmx-lite.h"
#include "memory_regions.h"

static bool ept_ad = true;
module_param(ept_ad, bool, 0444);
MODULE_PARM_DESC(ept_ad, "Use EPT accessed and dirty bits, if the CPU has them (off: guests may keep page tables in read-only memory)");

static void memory_written(struct vl_ept_gather *gather, u64 gpa, u64 hpa,
			   enum vl_ept_level level)
{
	struct vl_memory_gather *mg = container_of(gather, struct vl_memory_gather, ept);

	if (mg->region->device)
		return;
	set_page_dirty(pfn_to_page(PHYS_PFN(hpa)));
	/* A writable large page of a region that logs is from before it did. */
	if (mg->log && level == VL_EPT_4K)
		set_bit(PHYS_PFN(gpa - mg->region->gpa), mg->region->dirty);
}

/**
 * vl_memory_lock() - start to change a region's EPT entries
 * @vm: the VM
 * @region: its region
 * @gather: to be initialised
 *
 * Context: process; takes vm->mem.lock.
 */
void vl_memory_lock(struct vl_vm *vm, struct vl_region *region,
		    struct vl_memory_gather *gather)
	__acquires(&vm->mem.lock)
{
	vl_ept_gather_init(&gather->ept);
	gather->ept.written = memory_written;
	gather->region = region;

	spin_lock(&vm->mem.lock);
	gather->log = region->flags & VMX_LITE_MEM_LOG_DIRTY;
}

/**
 * vl_memory_unlock() - make changes of EPT entries take effect
 * @vm: the VM
 * @gather: what was gathered since vl_memory_lock()
 *
 * Returns when no vCPU uses an entry that was changed.
 * Context: process; releases vm->mem.lock.
 */
void vl_memory_unlock(struct vl_vm *vm, struct vl_memory_gather *gather)
	__releases(&vm->mem.lock)
{
	if (gather->ept.flush)
		vl_vm_flush_ept(vm);
	spin_unlock(&vm->mem.lock);
	vl_ept_gather_free(&gather->ept);
}

/* In pieces of 1 GiB, so that vCPUs with a fault do not wait long for the lock. */
static void memory_zap(struct vl_vm *vm, struct vl_region *region, u64 gpa, u64 end,
		       bool log, bool may_sleep)
{
	struct vl_memory_gather gather;
	u64 next;

	for (; gpa < end; gpa = next) {
		next = min(end, ALIGN_DOWN(gpa, SZ_1G) + SZ_1G);

		vl_memory_lock(vm, region, &gather);
		gather.log &= log;
		vl_ept_zap(&vm->mem.ept, gpa, next, &gather.ept);
		vl_memory_unlock(vm, &gather);
		if (may_sleep)
			cond_resched();
	}
}

static bool memory_invalidate(struct mmu_interval_notifier *notifier,
			      const struct mmu_notifier_range *range, unsigned long seq)
{
	struct vl_region *region = container_of(notifier, struct vl_region, notifier);
	struct vl_vm *vm = region->vm;
	u64 first, end;

	spin_lock(&vm->mem.lock);
	mmu_interval_set_seq(notifier, seq);
	spin_unlock(&vm->mem.lock);

	first = max_t(u64, range->start, region->user_addr) - region->user_addr;
	end = min_t(u64, range->end - region->user_addr, region->size);
	memory_zap(vm, region, region->gpa + first, region->gpa + end, true,
		   mmu_notifier_range_blockable(range));
	return true;
}

static const struct mmu_interval_notifier_ops memory_notifier_ops = {
	.invalidate = memory_invalidate,
};

/**
 * vl_memory_init() - a VM's memory, without any yet
 * @vm: whose mm is set
 * @features: VMX_LITE_FEAT_EPT_* of the CPUs
 * @gpa_bits: width of a guest-physical address, 32 to VL_EPT_MAX_GPA_BITS
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, -EINVAL for @gpa_bits.
 */
int vl_memory_init(struct vl_vm *vm, u32 features, unsigned int gpa_bits)
{
	struct vl_memory *mem = &vm->mem;
	struct vl_regions *empty;
	int ret;

	if (!ept_ad)
		features &= ~VMX_LITE_FEAT_EPT_AD;

	spin_lock_init(&mem->lock);
	empty = vl_regions_alloc(0);
	if (!empty)
		return -ENOMEM;
	RCU_INIT_POINTER(mem->regions, empty);

	ret = init_srcu_struct(&mem->srcu);
	if (ret)
		goto err_regions;
	ret = vl_ept_init(&mem->ept, features, gpa_bits);
	if (ret)
		goto err_srcu;
	return 0;

err_srcu:
	cleanup_srcu_struct(&mem->srcu);
err_regions:
	kfree(empty);
	return ret;
}

static struct vl_regions *memory_regions(struct vl_vm *vm)
{
	return rcu_dereference_protected(vm->mem.regions, lockdep_is_held(&vm->lock) ||
					 !kref_read(&vm->kref));
}

/* Publish a new list; afterwards no one uses the old one. */
static void memory_publish(struct vl_vm *vm, struct vl_regions *new)
{
	struct vl_regions *old = memory_regions(vm);

	rcu_assign_pointer(vm->mem.regions, new);
	synchronize_srcu(&vm->mem.srcu);
	kfree(old);
}

/* No fault can bring the region back: it is in no list. */
static void memory_free_region(struct vl_vm *vm, struct vl_region *region)
{
	/* The notifier still holds the pages off from being freed under us. */
	memory_zap(vm, region, region->gpa, vl_region_end(region), false, true);
	mmu_interval_notifier_remove(&region->notifier);
	kvfree(region->dirty);
	kfree(region);
}

/**
 * vl_memory_destroy() - free a VM's memory
 * @vm: no vCPU of it is left
 *
 * Context: the last reference to @vm; may sleep.  The process may be another
 * one, or exiting.
 */
void vl_memory_destroy(struct vl_vm *vm)
{
	struct vl_regions *regions = memory_regions(vm);
	unsigned int i;

	for (i = 0; i < regions->nr; i++)
		memory_free_region(vm, regions->region[i]);
	kfree(regions);
	vl_ept_destroy(&vm->mem.ept);
	cleanup_srcu_struct(&vm->mem.srcu);
}

/*
 * Is a new region RAM or device memory?  It is either for its whole life: what the process
 * maps there later is used only if it is of that kind.
 */
static int memory_check_vmas(struct vl_vm *vm, struct vl_region *region)
{
	VMA_ITERATOR(vmi, vm->mm, region->user_addr);
	struct vm_area_struct *vma;
	bool ram = false;
	int ret = 0;

	if (mmap_read_lock_killable(vm->mm))
		return -EINTR;
	for_each_vma_range(vmi, vma, region->user_addr + region->size) {
		if (vl_memory_is_device(vma))
			region->device = true;
		else
			ram = true;
		if (vma->vm_flags & (VM_IO | VM_PFNMAP) && ram)
			ret = -EOPNOTSUPP;
	}
	mmap_read_unlock(vm->mm);
	if (region->device && ram)
		ret = -EOPNOTSUPP;
	else if (region->device && region->flags & VMX_LITE_MEM_LOG_DIRTY)
		ret = -EINVAL;
	return ret;
}

static int memory_alloc_dirty(struct vl_region *region, u32 flags)
{
	unsigned long *dirty;

	if (!(flags & VMX_LITE_MEM_LOG_DIRTY) || region->dirty)
		return 0;
	dirty = kvcalloc(BITS_TO_LONGS(PHYS_PFN(region->size)), sizeof(*dirty),
			 GFP_KERNEL_ACCOUNT);
	if (!dirty)
		return -ENOMEM;
	region->dirty = dirty;
	return 0;
}

/* Change the flags, and let the guest fault everything in again under the new ones. */
static int memory_set_flags(struct vl_vm *vm, struct vl_region *region, u32 flags)
{
	bool log = region->flags & VMX_LITE_MEM_LOG_DIRTY;
	int ret;

	if (flags == region->flags)
		return 0;
	if (region->device && flags & VMX_LITE_MEM_LOG_DIRTY)
		return -EINVAL;
	ret = memory_alloc_dirty(region, flags);
	if (ret)
		return ret;
	if (!log && region->dirty)
		memset(region->dirty, 0,
		       BITS_TO_LONGS(PHYS_PFN(region->size)) * sizeof(*region->dirty));

	spin_lock(&vm->mem.lock);
	WRITE_ONCE(region->flags, flags);
	spin_unlock(&vm->mem.lock);
	memory_zap(vm, region, region->gpa, vl_region_end(region), log, true);
	return 0;
}

static int memory_add(struct vl_vm *vm, const struct vmx_lite_memory_region *r)
{
	struct vl_region *region;
	struct vl_regions *new;
	int ret;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return -ENOMEM;
	region->vm = vm;
	region->gpa = r->gpa;
	region->size = r->size;
	region->user_addr = r->user_addr;
	region->flags = r->flags;

	ret = memory_check_vmas(vm, region);
	if (ret)
		goto err_region;
	ret = memory_alloc_dirty(region, r->flags);
	if (ret)
		goto err_region;
	new = vl_regions_add(memory_regions(vm), region);
	ret = PTR_ERR_OR_ZERO(new);
	if (ret)
		goto err_dirty;
	ret = mmu_interval_notifier_insert(&region->notifier, vm->mm, region->user_addr,
					   region->size, &memory_notifier_ops);
	if (ret)
		goto err_list;
	if (region->device)
		WRITE_ONCE(vm->mem.device, true);
	memory_publish(vm, new);
	/* The process's memory is there instead, which is changed and zapped as such. */
	if (region->gpa <= VL_LAPIC_DEFAULT_BASE && vl_region_end(region) > VL_LAPIC_DEFAULT_BASE)
		vl_apicv_inhibit(vm);
	return 0;

err_list:
	kfree(new);
err_dirty:
	kvfree(region->dirty);
err_region:
	kfree(region);
	return ret;
}

/**
 * vl_memory_set() - VM_SET_MEMORY: add a region or change its flags
 * @vm: the VM
 * @r: as user space gave it
 *
 * A region that begins to log starts with every page clean.
 *
 * Context: vm->lock held, in a thread of vm->mm; may sleep.
 * Return: 0; -EINVAL: unaligned, empty, wrapping, beyond the guest-physical
 * width, unknown flags, padding not 0, LOG_DIRTY of device memory; -EFAULT: not
 * within the user's address space; -E2BIG: more than VL_DIRTY_MAX_SIZE to log;
 * -EEXIST: overlaps a region that is not the very same; -ENOSPC: VMX_LITE_MAX_REGIONS are there;
 * -EOPNOTSUPP: device memory beside RAM, or mapped privately or page by page
 * (VM_MIXEDMAP); -ENOMEM; -EINTR.
 */
int vl_memory_set(struct vl_vm *vm, const struct vmx_lite_memory_region *r)
{
	struct vl_region *region;
	int ret;

	lockdep_assert_held(&vm->lock);

	ret = vl_region_check(r, vm->mem.ept.gpa_bits, TASK_SIZE_MAX);
	if (ret)
		return ret;

	region = vl_regions_overlap(memory_regions(vm), r->gpa, r->size);
	if (!region)
		return memory_add(vm, r);
	if (region->gpa != r->gpa || region->size != r->size ||
	    region->user_addr != r->user_addr)
		return -EEXIST;
	return memory_set_flags(vm, region, r->flags);
}

/**
 * vl_memory_unset() - VM_UNSET_MEMORY: remove a region
 * @vm: the VM
 * @r: as user space gave it
 *
 * Context: vm->lock held, in a thread of vm->mm; may sleep.
 * Return: 0; -EINVAL: user address, flags or padding not 0; -ENOENT: no region
 * has this address and size; -ENOMEM.
 */
int vl_memory_unset(struct vl_vm *vm, const struct vmx_lite_memory_region *r)
{
	struct vl_region *region;
	struct vl_regions *new;

	lockdep_assert_held(&vm->lock);

	if (r->user_addr || r->flags || r->pad)
		return -EINVAL;
	region = vl_regions_find(memory_regions(vm), r->gpa);
	if (!region || region->gpa != r->gpa || region->size != r->size)
		return -ENOENT;

	new = vl_regions_remove(memory_regions(vm), region);
	if (IS_ERR(new))
		return PTR_ERR(new);
	memory_publish(vm, new);
	memory_free_region(vm, region);
	return 0;
}

/**
 * vl_memory_find() - the region an address lies in
 * @vm: the VM
 * @gpa: any guest-physical address
 *
 * Context: within a read section of vm->mem.srcu, which keeps the region.
 * Return: the region or NULL.
 */
struct vl_region *vl_memory_find(struct vl_vm *vm, u64 gpa)
{
	return vl_regions_find(srcu_dereference(vm->mem.regions, &vm->mem.srcu), gpa);
}

/**
 * vl_memory_show() - print regions and page table counters
 * @vm: the VM
 * @m: a debugfs file
 *
 * Context: may sleep.
 */
void vl_memory_show(struct vl_vm *vm, struct seq_file *m)
{
	const struct vl_ept *ept = &vm->mem.ept;
	const struct vl_regions *regions;
	const struct vl_region *region;
	unsigned int i;
	int idx;

	seq_printf(m, "ept_tables %lu\n", READ_ONCE(ept->nr_tables));
	seq_printf(m, "ept_spare %u\n", READ_ONCE(ept->nr_spare));
	seq_printf(m, "ept_4k %lu\n", READ_ONCE(ept->mapped[VL_EPT_4K]));
	seq_printf(m, "ept_2m %lu\n", READ_ONCE(ept->mapped[VL_EPT_2M]));
	seq_printf(m, "ept_1g %lu\n", READ_ONCE(ept->mapped[VL_EPT_1G]));

	idx = srcu_read_lock(&vm->mem.srcu);
	regions = srcu_dereference(vm->mem.regions, &vm->mem.srcu);
	for (i = 0; i < regions->nr; i++) {
		region = regions->region[i];
		seq_printf(m, "region %#llx-%#llx user %#lx flags %#x%s\n",
			   region->gpa, vl_region_end(region), region->user_addr,
			   READ_ONCE(region->flags), region->device ? " device" : "");
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
}
