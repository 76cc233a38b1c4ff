/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM's memory: regions of user memory, faulted in on demand, never pinned.
 */
#ifndef VL_MEMORY_H
#define VL_MEMORY_H

#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>

#include <linux/vmx_lite.h>

#include "ept.h"

struct seq_file;
struct vm_area_struct;
struct vl_region;
struct vl_regions;
struct vl_vm;

/**
 * struct vl_memory - vm->mem
 * @lock: the lock called (e); a spinlock, since a notifier may not sleep.
 *	vl_vm_flush_ept() is called under it, so that no one sees a changed
 *	entry whose old translation is still in use.
 * @ept: the page table
 * @srcu: readers of @regions and users of a region
 * @regions: the region list
 * @device: there is, or was, a region of device memory
 */
struct vl_memory {
	spinlock_t lock;			/* (e) */
	struct vl_ept ept;			/* (e); ept.root, geometry (r) */
	struct srcu_struct srcu;
	struct vl_regions __rcu *regions;	/* replaced under (m) */
	bool device;				/* set once under (m) */
};

enum vl_fault {
	VL_FAULT_MAPPED = 0,	/* run the guest again */
	VL_FAULT_MMIO = 1,	/* for user space to answer: see vl_memory_fault() */
};

int vl_memory_init(struct vl_vm *vm, u32 features, unsigned int gpa_bits);
void vl_memory_destroy(struct vl_vm *vm);
int vl_memory_set(struct vl_vm *vm, const struct vmx_lite_memory_region *r);
int vl_memory_unset(struct vl_vm *vm, const struct vmx_lite_memory_region *r);
int vl_memory_dirty_log(struct vl_vm *vm, const struct vmx_lite_dirty_log *log);

int vl_memory_fault(struct vl_vm *vm, u64 gpa, u32 access);
int vl_memory_read(struct vl_vm *vm, u64 gpa, void *data, size_t len);
int vl_memory_write(struct vl_vm *vm, u64 gpa, const void *data, size_t len);
int vl_memory_poke(struct vl_vm *vm, u64 gpa, u8 value);
int vl_memory_cmpxchg(struct vl_vm *vm, u64 gpa, u64 old, u64 new, unsigned int len);
bool vl_memory_is_ram(struct vl_vm *vm, u64 gpa, bool write);
void vl_memory_show(struct vl_vm *vm, struct seq_file *m);

/* ---- between memory.c, memory_fault.c, memory_device.c and dirty.c ---- */

/**
 * struct vl_memory_gather - changes to a region's EPT entries
 * @ept: what the page table leaves to be done
 * @region: whose entries
 * @log: note pages that were written in its dirty bitmap
 */
struct vl_memory_gather {
	struct vl_ept_gather ept;
	struct vl_region *region;
	bool log;
};

void vl_memory_lock(struct vl_vm *vm, struct vl_region *region,
		    struct vl_memory_gather *gather);
void vl_memory_unlock(struct vl_vm *vm, struct vl_memory_gather *gather);
struct vl_region *vl_memory_find(struct vl_vm *vm, u64 gpa);
int vl_memory_donate(struct vl_vm *vm);
bool vl_memory_is_device(const struct vm_area_struct *vma);
int vl_memory_device_fault(struct vl_vm *vm, struct vl_region *region, u64 gpa, u32 access);

#endif /* VL_MEMORY_H */
