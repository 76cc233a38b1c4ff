// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations: bring in the user memory behind a guest-physical address.
 */
#include <linux/cpu.h>
#include <linux/hmm.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <asm/cpufeature.h>

#include "vmx-lite.h"
#include "memory_regions.h"

/*
 * Pages round the wanted one that are mapped with it if the process has them.
 */
#define FAULT_AROUND	16

/* Lost races with invalidations after which the guest simply tries again */
#define FAULT_TRIES	16

/**
 * struct memory_fault - an EPT violation
 * @vm: whose
 * @region: where
 * @gpa: page that is wanted
 * @write: for a write
 * @exec: for an instruction fetch
 * @touched: it was faulted into the process
 * @first: first page of the window in @pfns
 * @nr: pages in the window
 * @pfns: what the process has there, as hmm_range_fault() says it
 */
struct memory_fault {
	struct vl_vm *vm;
	struct vl_region *region;
	u64 gpa;
	bool write;
	bool exec;
	bool touched;
	u64 first;
	unsigned int nr;
	unsigned long pfns[FAULT_AROUND];
};

/*
 * CPUs with the ITLB multihit erratum hang when a guest fetches instructions
 * from a page whose size it changes.  There large pages are not executable:
 * a fetch breaks them down, and all instructions come from 4 KiB pages.
 */
static bool memory_small_exec(void)
{
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
}

static u64 memory_user_addr(const struct vl_region *region, u64 gpa)
{
	return region->user_addr + (gpa - region->gpa);
}

static u64 memory_pfn(unsigned long hmm_pfn)
{
	return hmm_pfn & ~HMM_PFN_FLAGS;
}

/* The largest page that lies in the process, the guest and the region alike. */
static enum vl_ept_level memory_level(const struct memory_fault *f, unsigned long hmm_pfn)
{
	const struct vl_region *region = f->region;
	unsigned int order = hmm_pfn_to_map_order(hmm_pfn);
	int level;

	for (level = f->vm->mem.ept.max_level; level > VL_EPT_4K; level--) {
		u64 size = vl_ept_size(level);
		u64 start = ALIGN_DOWN(f->gpa, size);

		if (PAGE_SHIFT + order >= vl_ept_shift(level) &&
		    start >= region->gpa && start + size <= vl_region_end(region) &&
		    !((region->gpa ^ region->user_addr) & (size - 1)))
			break;
	}
	return level;
}

static int memory_map_page(const struct memory_fault *f, u64 gpa, unsigned long hmm_pfn,
			   enum vl_ept_level level, bool writable,
			   struct vl_memory_gather *gather)
{
	struct vl_ept *ept = &f->vm->mem.ept;
	u64 attr = VL_EPT_READ | VL_EPT_TYPE_WB | VL_EPT_IGNORE_PAT;

	if (writable)
		attr |= VL_EPT_WRITE;
	if (level == VL_EPT_4K || !memory_small_exec())
		attr |= VL_EPT_EXEC;
	/* Without a dirty bit this is the only time to tell: see memory.c. */
	if (writable && !ept->ad)
		set_page_dirty(pfn_to_page(memory_pfn(hmm_pfn)));

	return vl_ept_map(ept, gpa, PFN_PHYS(memory_pfn(hmm_pfn)), level, attr,
			  &gather->ept);
}

/* Rights beyond reading that cost nothing if not used; under mem.lock. */
static bool memory_may_write(const struct memory_fault *f, unsigned long hmm_pfn,
			     const struct vl_memory_gather *gather)
{
	return hmm_pfn & HMM_PFN_WRITE && !(f->region->flags & VMX_LITE_MEM_READONLY) &&
	       (f->vm->mem.ept.ad || !gather->log);
}

static void memory_map_around(const struct memory_fault *f,
			      struct vl_memory_gather *gather)
{
	struct vl_ept *ept = &f->vm->mem.ept;
	enum vl_ept_level level;
	unsigned int i;

	for (i = 0; i < f->nr; i++) {
		u64 gpa = f->first + i * PAGE_SIZE;

		if (!(f->pfns[i] & HMM_PFN_VALID) || vl_ept_lookup(ept, gpa, &level))
			continue;
		/* Writable without a dirty bit would mean dirty, which no one knows yet. */
		if (memory_map_page(f, gpa, f->pfns[i], VL_EPT_4K,
				    ept->ad && memory_may_write(f, f->pfns[i], gather),
				    gather))
			return;
	}
}

/* Enter what was found into the EPT; under mem.lock. */
static int memory_install(const struct memory_fault *f, struct vl_memory_gather *gather)
{
	unsigned long hmm_pfn = f->pfns[PHYS_PFN(f->gpa - f->first)];
	struct vl_ept *ept = &f->vm->mem.ept;
	enum vl_ept_level level = memory_level(f, hmm_pfn);
	bool writable = f->write || memory_may_write(f, hmm_pfn, gather);
	int ret;

	/* The flags may have changed since vl_memory_fault() looked. */
	if (f->write && f->region->flags & VMX_LITE_MEM_READONLY)
		return VL_FAULT_MMIO;

	/* Pages are logged one by one. */
	if (gather->log && writable)
		level = VL_EPT_4K;

	ret = memory_map_page(f, f->gpa, hmm_pfn, level, writable, gather);
	if (!ret && f->exec && level > VL_EPT_4K && memory_small_exec())
		ret = vl_ept_split(ept, f->gpa, VL_EPT_EXEC);
	if (ret)
		return ret;

	if (gather->log && f->write && !ept->ad)
		set_bit(PHYS_PFN(f->gpa - f->region->gpa), f->region->dirty);
	if (level == VL_EPT_4K)
		memory_map_around(f, gather);
	return VL_FAULT_MAPPED;
}

/**
 * vl_memory_donate() - see to it that the EPT has tables for one fault
 * @vm: the VM
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int vl_memory_donate(struct vl_vm *vm)
{
	struct vl_memory *mem = &vm->mem;
	struct page *page;

	while (vl_ept_low(&mem->ept)) {
		page = vl_ept_table_alloc();
		if (!page)
			return -ENOMEM;
		spin_lock(&mem->lock);
		vl_ept_donate(&mem->ept, page);
		spin_unlock(&mem->lock);
	}
	return 0;
}

static void memory_window(struct memory_fault *f)
{
	const u64 size = (f->touched ? 1 : FAULT_AROUND) * PAGE_SIZE;
	u64 end = min(ALIGN_DOWN(f->gpa, size) + size, vl_region_end(f->region));

	f->first = max(ALIGN_DOWN(f->gpa, size), f->region->gpa);
	f->nr = PHYS_PFN(end - f->first);
}

/*
 * Fault in the wanted page as an access of the process would.  Not done by
 * hmm_range_fault(), which holds mmap_lock while the page is read from disk, fails
 * where userfaultfd is to provide it, and faults in the pages behind it, too,
 * which may have been given up on purpose.
 */
static int memory_touch(struct memory_fault *f)
{
	struct mm_struct *mm = f->vm->mm;
	bool unlocked;
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = fixup_user_fault(mm, memory_user_addr(f->region, f->gpa),
			       f->write ? FAULT_FLAG_WRITE : 0, &unlocked);
	mmap_read_unlock(mm);
	f->touched = true;
	return ret == -EHWPOISON ? -EFAULT : ret;
}

/* See what the process has in the window; if it does not suffice, touch it again. */
static int memory_ask(struct memory_fault *f, unsigned long seq)
{
	unsigned long want = HMM_PFN_VALID | (f->write ? HMM_PFN_WRITE : 0);
	struct mm_struct *mm = f->vm->mm;
	struct hmm_range range = {
		.notifier = &f->region->notifier,
		.notifier_seq = seq,
		.start = memory_user_addr(f->region, f->first),
		.end = memory_user_addr(f->region, f->first) + f->nr * PAGE_SIZE,
		.hmm_pfns = f->pfns,
	};
	unsigned long got;
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = hmm_range_fault(&range);
	mmap_read_unlock(mm);
	if (ret)
		return ret;

	got = f->pfns[PHYS_PFN(f->gpa - f->first)];
	if (got & HMM_PFN_ERROR)
		return -EFAULT;
	f->touched = !(want & ~got);
	return f->touched ? 0 : -EBUSY;
}

/*
 * Find the page, and perhaps its neighbours.  The walk without locks tells for
 * little whether it is there.  If it had to be touched, it is new, and its
 * neighbours are likely not there; if it is small as well, that is all to know.
 */
static int memory_get_pages(struct memory_fault *f, unsigned long seq)
{
	unsigned long addr = memory_user_addr(f->region, f->gpa);
	struct page *page;
	bool small = false;

	if (get_user_page_fast_only(addr, f->write ? FOLL_WRITE : 0, &page)) {
		small = PAGE_SHIFT + folio_order(page_folio(page)) < vl_ept_shift(VL_EPT_2M);
		/* The notifier's sequence number, not a reference, keeps it. */
		put_page(page);
	} else if (!f->touched) {
		return memory_touch(f) ?: -EBUSY;
	}

	memory_window(f);
	if (small && f->touched && f->write) {
		f->pfns[0] = page_to_pfn(page) | HMM_PFN_VALID | HMM_PFN_WRITE;
		return 0;
	}
	return memory_ask(f, seq);
}

static int memory_fault_in(struct memory_fault *f)
{
	struct vl_memory_gather gather;
	unsigned int tries;
	unsigned long seq;
	int ret;

	for (tries = 0; tries < FAULT_TRIES; tries++) {
		ret = vl_memory_donate(f->vm);
		if (ret)
			return ret;

		seq = mmu_interval_read_begin(&f->region->notifier);
		ret = memory_get_pages(f, seq);
		if (ret && ret != -EBUSY)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (ret)
			continue;

		vl_memory_lock(f->vm, f->region, &gather);
		ret = -EAGAIN;
		if (!mmu_interval_read_retry(&f->region->notifier, seq))
			ret = memory_install(f, &gather);
		vl_memory_unlock(f->vm, &gather);
		if (ret != -EAGAIN)
			return ret;
	}
	/* The guest faults again, after its thread has looked for signals. */
	return VL_FAULT_MAPPED;
}

/**
 * vl_memory_fault() - an EPT violation
 * @vm: the VM
 * @gpa: guest-physical address that was accessed
 * @access: VMX_LITE_ACCESS_READ, WRITE, EXEC: what was tried
 *
 * The page is mapped as large as the process has it.  A read also gets what
 * further rights are there without a fault.
 *
 * Context: a vCPU's thread, in vm->mm; may sleep, for as long as it takes to
 * read the page from disk.
 * Return: VL_FAULT_MAPPED: run the guest again; VL_FAULT_MMIO: no memory there, a
 * write to a read-only region, or device memory that cannot be mapped; -EFAULT: the
 * process has no such memory or may not write to it; -ENOMEM; -EINTR: a fatal signal.
 */
int vl_memory_fault(struct vl_vm *vm, u64 gpa, u32 access)
{
	struct memory_fault f = {
		.vm = vm,
		.gpa = gpa & PAGE_MASK,
		.write = access & VMX_LITE_ACCESS_WRITE,
		.exec = access & VMX_LITE_ACCESS_EXEC,
	};
	int idx, ret = VL_FAULT_MMIO;

	idx = srcu_read_lock(&vm->mem.srcu);
	f.region = vl_memory_find(vm, gpa);
	if (f.region &&
	    !(f.write && READ_ONCE(f.region->flags) & VMX_LITE_MEM_READONLY))
		ret = f.region->device ? vl_memory_device_fault(vm, f.region, gpa, access) :
					 memory_fault_in(&f);
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}
