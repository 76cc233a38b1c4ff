// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations in device memory: a BAR that the process has mapped by page
 * number, without a struct page (VM_PFNMAP).
 *
 * Its driver brings pages in when they are touched and takes them away with
 * unmap_mapping_range(), which the region's notifier tells as it does for RAM.
 * What cannot be mapped, since the device is gone or does not decode its BAR or the
 * process has unmapped it, is answered by user space, as is any MMIO.
 *
 * The guest cannot fetch instructions from it: nothing needs it, and none of the
 * engine's own accesses to guest memory reach it either.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "memory_regions.h"
#include "memory_type.h"
#include "vmx-lite.h"

/* Lost races with invalidations after which the guest simply tries again */
#define DEVICE_TRIES	16

/**
 * struct device_fault - an EPT violation in device memory
 * @vm: whose
 * @region: where
 * @gpa: page that is wanted
 * @write: for a write
 * @page: what the process has there
 * @type: memory type for the EPT
 * @level: the largest page that may be mapped
 */
struct device_fault {
	struct vl_vm *vm;
	struct vl_region *region;
	u64 gpa;
	bool write;
	struct vl_pfnmap page;
	u64 type;
	enum vl_ept_level level;
};

static unsigned long device_addr(const struct device_fault *f, u64 gpa)
{
	return f->region->user_addr + (gpa - f->region->gpa);
}

/**
 * vl_memory_is_device() - is this a mapping by page number?
 * @vma: of the process
 *
 * A private one is not: a write makes its pages ordinary memory.
 *
 * Context: mmap_lock held.
 * Return: it is.
 */
bool vl_memory_is_device(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_PFNMAP && vma->vm_flags & VM_SHARED;
}

/* Large BARs are in one piece, and one fault should do for 2 MiB of them. */
static enum vl_ept_level device_level(const struct device_fault *f,
				      struct vm_area_struct *vma)
{
	const u64 size = vl_ept_size(VL_EPT_2M);
	const unsigned int pages = size >> PAGE_SHIFT;
	u64 start = ALIGN_DOWN(f->gpa, size);
	unsigned long pfn = ALIGN_DOWN(f->page.pfn, pages);
	struct vl_pfnmap page;
	unsigned long addr;
	unsigned int i;

	if (f->vm->mem.ept.max_level < VL_EPT_2M || f->type & VL_EPT_IGNORE_PAT ||
	    start < f->region->gpa || start + size > vl_region_end(f->region) ||
	    f->page.pfn - pfn != PHYS_PFN(f->gpa - start))
		return VL_EPT_4K;
	addr = device_addr(f, start);
	if (addr < vma->vm_start || addr + size > vma->vm_end)
		return VL_EPT_4K;
	for (i = 0; i < pages; i++)
		if (vl_follow_pfnmap(vma, addr + i * PAGE_SIZE, &page) ||
		    page.pfn != pfn + i || page.writable != f->page.writable ||
		    vl_memory_type(vma->vm_page_prot, page.prot, false) != f->type)
			return VL_EPT_4K;
	return VL_EPT_2M;
}

/* As an access of the process would; mmap_lock is dropped and taken again if need be. */
static int device_touch(const struct device_fault *f)
{
	bool unlocked;
	int ret;

	ret = fixup_user_fault(f->vm->mm, device_addr(f, f->gpa),
			       f->write ? FAULT_FLAG_WRITE : 0, &unlocked);
	if (ret == -EFAULT || ret == -EHWPOISON)
		return VL_FAULT_MMIO;
	return ret ?: -EBUSY;
}

/* 0: found, -EBUSY: look again, VL_FAULT_MMIO, or another error */
static int device_find(struct device_fault *f)
{
	unsigned long addr = device_addr(f, f->gpa);
	struct vm_area_struct *vma;
	int ret = VL_FAULT_MMIO;

	if (mmap_read_lock_killable(f->vm->mm))
		return -EINTR;
	vma = vma_lookup(f->vm->mm, addr);
	if (!vma || !vl_memory_is_device(vma))
		goto out;
	if (vl_follow_pfnmap(vma, addr, &f->page) || (f->write && !f->page.writable)) {
		ret = device_touch(f);
		goto out;
	}
	f->type = vl_memory_type(vma->vm_page_prot, f->page.prot, page_is_ram(f->page.pfn));
	if (f->type == VL_MEMORY_REFUSED)
		goto out;
	f->level = device_level(f, vma);
	ret = 0;
out:
	mmap_read_unlock(f->vm->mm);
	return ret;
}

/* Enter what was found into the EPT; under mem.lock. */
static int device_install(const struct device_fault *f, struct vl_memory_gather *gather)
{
	bool readonly = f->region->flags & VMX_LITE_MEM_READONLY;
	u64 attr = f->type | VL_EPT_READ;

	/* The flags may have changed since vl_memory_fault() looked. */
	if (f->write && readonly)
		return VL_FAULT_MMIO;
	if (f->page.writable && !readonly)
		attr |= VL_EPT_WRITE;
	return vl_ept_map(&f->vm->mem.ept, f->gpa, PFN_PHYS(f->page.pfn), f->level, attr,
			  &gather->ept);
}

/**
 * vl_memory_device_fault() - an EPT violation in a region of device memory
 * @vm: the VM
 * @region: with @device set
 * @gpa: guest-physical address that was accessed
 * @access: VMX_LITE_ACCESS_READ, WRITE, EXEC: what was tried; no write if the
 *	region is read-only
 *
 * Context: a vCPU's thread, in vm->mm, within a read section of vm->mem.srcu; may sleep.
 * Return: VL_FAULT_MAPPED: run the guest again; VL_FAULT_MMIO: it cannot be mapped;
 * -ENOMEM; -EINTR: a fatal signal.
 */
int vl_memory_device_fault(struct vl_vm *vm, struct vl_region *region, u64 gpa, u32 access)
{
	struct device_fault f = {
		.vm = vm,
		.region = region,
		.gpa = gpa & PAGE_MASK,
		.write = access & VMX_LITE_ACCESS_WRITE,
	};
	struct vl_memory_gather gather;
	unsigned int tries;
	unsigned long seq;
	int ret;

	if (access & VMX_LITE_ACCESS_EXEC)
		return VL_FAULT_MMIO;

	for (tries = 0; tries < DEVICE_TRIES; tries++) {
		ret = vl_memory_donate(vm);
		if (ret)
			return ret;

		seq = mmu_interval_read_begin(&region->notifier);
		ret = device_find(&f);
		if (ret && ret != -EBUSY)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (ret)
			continue;

		vl_memory_lock(vm, region, &gather);
		ret = -EAGAIN;
		if (!mmu_interval_read_retry(&region->notifier, seq))
			ret = device_install(&f, &gather);
		vl_memory_unlock(vm, &gather);
		if (ret != -EAGAIN)
			return ret;
	}
	/* Touching it helps nothing, or it comes and goes: in that case user space may know. */
	return ret == -EBUSY ? VL_FAULT_MMIO : VL_FAULT_MAPPED;
}
