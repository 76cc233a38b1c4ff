// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own accesses to guest memory.
 *
 * They go through the process's mapping, which is the guest's memory by
 * definition: the kernel's page fault does what an EPT violation would.
 *
 * Device memory is not for them: it wants accesses of the very size and number the
 * guest makes.  To them it is no RAM.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "vmx-lite.h"
#include "memory_regions.h"

static void __user *memory_user(const struct vl_region *region, u64 gpa)
{
	return (void __user *)(region->user_addr + (unsigned long)(gpa - region->gpa));
}

static void memory_log(struct vl_region *region, u64 gpa, size_t len)
{
	u64 page = PHYS_PFN(gpa - region->gpa);
	u64 last = PHYS_PFN(gpa + len - 1 - region->gpa);

	if (!(READ_ONCE(region->flags) & VMX_LITE_MEM_LOG_DIRTY))
		return;
	/* After the data: who reads and clears the log in between has them, or the bit. */
	smp_mb__before_atomic();
	for (; page <= last; page++)
		set_bit(page, region->dirty);
}

static struct vl_region *memory_find_ram(struct vl_vm *vm, u64 gpa)
{
	struct vl_region *region = vl_memory_find(vm, gpa);

	return region && !region->device ? region : NULL;
}

/* The same for writing: 0, -ENXIO or -EROFS. */
static int memory_find_writable(struct vl_vm *vm, u64 gpa, struct vl_region **region)
{
	*region = memory_find_ram(vm, gpa);
	if (!*region)
		return -ENXIO;
	return READ_ONCE((*region)->flags) & VMX_LITE_MEM_READONLY ? -EROFS : 0;
}

/* The region and how many of @len bytes from @gpa lie in it, 0 if there is none. */
static size_t memory_piece(struct vl_vm *vm, u64 gpa, size_t len,
			   struct vl_region **region)
{
	*region = memory_find_ram(vm, gpa);
	return *region ? min_t(u64, len, vl_region_end(*region) - gpa) : 0;
}

/*
 * Words go in one access, as a CPU's would: another vCPU may be changing the page
 * table entry that is read.
 */
static int memory_copy_from(void *data, const void __user *from, size_t n)
{
	switch (n) {
	case 4:
		return get_user(*(u32 *)data, (const u32 __user *)from);
	case 8:
		return get_user(*(u64 *)data, (const u64 __user *)from);
	default:
		return copy_from_user(data, from, n) ? -EFAULT : 0;
	}
}

static int memory_copy_to(void __user *to, const void *data, size_t n)
{
	switch (n) {
	case 4:
		return put_user(*(const u32 *)data, (u32 __user *)to);
	case 8:
		return put_user(*(const u64 *)data, (u64 __user *)to);
	default:
		return copy_to_user(to, data, n) ? -EFAULT : 0;
	}
}

/**
 * vl_memory_read() - read guest memory
 * @vm: the VM
 * @gpa: first guest-physical address; the range may cross pages and regions
 * @data: where to
 * @len: bytes; 4 or 8, not across regions, are read in one access
 *
 * Context: a thread of vm->mm; may sleep.
 * Return: 0; -ENXIO: some of it is no RAM; -EFAULT: the process has no such memory.
 */
int vl_memory_read(struct vl_vm *vm, u64 gpa, void *data, size_t len)
{
	struct vl_region *region;
	int idx, ret = 0;
	size_t n;

	idx = srcu_read_lock(&vm->mem.srcu);
	for (; len && !ret; gpa += n, data += n, len -= n) {
		n = memory_piece(vm, gpa, len, &region);
		ret = n ? memory_copy_from(data, memory_user(region, gpa), n) : -ENXIO;
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}

/**
 * vl_memory_write() - write guest memory
 * @vm: the VM
 * @gpa: first guest-physical address; the range may cross pages and regions
 * @data: where from
 * @len: bytes; 4 or 8, not across regions, are written in one access
 *
 * On failure some of it may be written.
 *
 * Context: a thread of vm->mm; may sleep.
 * Return: 0; -ENXIO: some of it is no RAM; -EROFS: some is read-only; -EFAULT: the
 * process has no such memory or may not write to it.
 */
int vl_memory_write(struct vl_vm *vm, u64 gpa, const void *data, size_t len)
{
	struct vl_region *region;
	int idx, ret = 0;
	size_t n;

	idx = srcu_read_lock(&vm->mem.srcu);
	for (; len && !ret; gpa += n, data += n, len -= n) {
		n = memory_piece(vm, gpa, len, &region);
		if (!n) {
			ret = -ENXIO;
		} else if (READ_ONCE(region->flags) & VMX_LITE_MEM_READONLY) {
			ret = -EROFS;
		} else {
			ret = memory_copy_to(memory_user(region, gpa), data, n);
			/* Also what was written before a fault. */
			memory_log(region, gpa, n);
		}
	}
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}

/**
 * vl_memory_poke() - write one byte of guest memory, if that takes no page fault
 * @vm: the VM
 * @gpa: guest-physical address
 * @value: the byte
 *
 * Context: a thread of vm->mm; does not sleep, interrupts may be off.
 * Return: 0; -ENXIO: no RAM; -EROFS: read-only; -EFAULT: the process may not write there,
 * or not without a page fault.
 */
int vl_memory_poke(struct vl_vm *vm, u64 gpa, u8 value)
{
	struct vl_region *region;
	int idx, ret;

	idx = srcu_read_lock(&vm->mem.srcu);
	ret = memory_find_writable(vm, gpa, &region);
	if (!ret) {
		pagefault_disable();
		ret = put_user(value, (u8 __user *)memory_user(region, gpa));
		pagefault_enable();
	}
	if (!ret)
		memory_log(region, gpa, sizeof(value));
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}

static int memory_cmpxchg32(u32 __user *ptr, u32 old, u32 new)
{
	bool done;

	if (!user_access_begin(ptr, sizeof(*ptr)))
		return -EFAULT;
	done = unsafe_try_cmpxchg_user(ptr, &old, new, fault);
	user_access_end();
	return done ? 0 : -EAGAIN;
fault:
	user_access_end();
	return -EFAULT;
}

static int memory_cmpxchg64(u64 __user *ptr, u64 old, u64 new)
{
	bool done;

	if (!user_access_begin(ptr, sizeof(*ptr)))
		return -EFAULT;
	done = unsafe_try_cmpxchg_user(ptr, &old, new, fault);
	user_access_end();
	return done ? 0 : -EAGAIN;
fault:
	user_access_end();
	return -EFAULT;
}

/**
 * vl_memory_cmpxchg() - change guest memory if it is as expected, atomically
 * @vm: the VM
 * @gpa: guest-physical address, a multiple of @len
 * @old: what is expected
 * @new: what to put there
 * @len: bytes, 4 or 8
 *
 * For accessed and dirty bits of the guest's page tables, which other vCPUs may
 * be changing.
 *
 * Context: a thread of vm->mm; may sleep.
 * Return: 0; -EAGAIN: it is not @old; -EINVAL: @len or alignment; -ENXIO: no RAM;
 * -EROFS: read-only; -EFAULT: as vl_memory_write().
 */
int vl_memory_cmpxchg(struct vl_vm *vm, u64 gpa, u64 old, u64 new, unsigned int len)
{
	struct vl_region *region;
	int idx, ret;

	if ((len != 4 && len != 8) || gpa & (len - 1))
		return -EINVAL;

	idx = srcu_read_lock(&vm->mem.srcu);
	ret = memory_find_writable(vm, gpa, &region);
	if (ret)
		goto unlock;
	if (len == 4)
		ret = memory_cmpxchg32(memory_user(region, gpa), old, new);
	else
		ret = memory_cmpxchg64(memory_user(region, gpa), old, new);
	if (!ret)
		memory_log(region, gpa, len);
unlock:
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ret;
}

/**
 * vl_memory_is_ram() - does a guest access reach RAM?
 * @vm: the VM
 * @gpa: guest-physical address
 * @write: for writing: a read-only region is then no RAM
 *
 * Context: may sleep.
 * Return: it does.
 */
bool vl_memory_is_ram(struct vl_vm *vm, u64 gpa, bool write)
{
	struct vl_region *region;
	bool ram;
	int idx;

	idx = srcu_read_lock(&vm->mem.srcu);
	ram = write ? !memory_find_writable(vm, gpa, &region) : !!memory_find_ram(vm, gpa);
	srcu_read_unlock(&vm->mem.srcu, idx);
	return ram;
}
