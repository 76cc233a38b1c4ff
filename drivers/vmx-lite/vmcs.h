/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMCS: instructions that touch it, and its life (vmcs.c).
 * SDM vol. 3, chapter 25 and 31.
 *
 * Each instruction has an exception-table entry: when another CPU's emergency
 * or reboot path has taken VMX operation from this one, the instruction raises
 * #UD, and then has no effect instead of bringing the host down.
 */
#ifndef VL_VMCS_H
#define VL_VMCS_H

#include <linux/errno.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

struct vl_vcpu;

/**
 * vmcs_read() - VMREAD of the current VMCS
 * @field: an encoding of SDM vol. 3, appendix B
 * Context: a vCPU is loaded (preemption may be on: the notifier reloads).
 * Return: the value, 0 if there is no such field.
 */
static __always_inline unsigned long vmcs_read(unsigned long field)
{
	unsigned long value = 0;

	asm volatile("1: vmread %[field], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "+r" (value) : [field] "r" (field) : "cc");
	return value;
}

static __always_inline u32 vmcs_read32(unsigned long field)
{
	return vmcs_read(field);
}

void vl_vmwrite_failed(unsigned long field, unsigned long value);

/**
 * vmcs_write() - VMWRITE to the current VMCS
 * @field: an encoding of SDM vol. 3, appendix B
 * @value: its new value
 * Context: as vmcs_read().
 */
static __always_inline void vmcs_write(unsigned long field, unsigned long value)
{
	bool failed;

	asm volatile("1: vmwrite %[value], %[field]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccna" (failed)
		     : [field] "r" (field), [value] "rm" (value));
	if (unlikely(failed))
		vl_vmwrite_failed(field, value);
}

static inline void vmcs_set_bits(unsigned long field, u32 bits)
{
	vmcs_write(field, vmcs_read32(field) | bits);
}

static inline void vmcs_clear_bits(unsigned long field, u32 bits)
{
	vmcs_write(field, vmcs_read32(field) & ~bits);
}

static inline int vl_vmptrld(u64 pa)
{
	bool failed = true;

	asm volatile("1: vmptrld %[pa]\n"
		     "   setna %[failed]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [failed] "+rm" (failed) : [pa] "m" (pa) : "cc", "memory");
	return failed ? -EIO : 0;
}

static inline void vl_vmclear(u64 pa)
{
	asm volatile("1: vmclear %[pa]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : [pa] "m" (pa) : "cc", "memory");
}

struct vl_inv_operand {
	u64 first;		/* INVEPT: EPTP; INVVPID: VPID */
	u64 second;		/* INVEPT: 0; INVVPID: linear address */
};

static inline void vl_invept(unsigned long type, u64 eptp)
{
	struct vl_inv_operand op = { .first = eptp };

	asm volatile("1: invept %[op], %[type]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : [op] "m" (op), [type] "r" (type) : "cc", "memory");
}

static inline void vl_invvpid(unsigned long type, u16 vpid)
{
	struct vl_inv_operand op = { .first = vpid };

	asm volatile("1: invvpid %[op], %[type]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : [op] "m" (op), [type] "r" (type) : "cc", "memory");
}

/* Segment registers by their place in the VMCS: fields of the next lie 2 further. */
enum vl_segment {
	VL_SEG_ES, VL_SEG_CS, VL_SEG_SS, VL_SEG_DS, VL_SEG_FS, VL_SEG_GS,
	VL_SEG_LDTR, VL_SEG_TR,
	VL_NR_VMCS_SEGS
};

#define VMCS_SEG_SELECTOR(n)	(GUEST_ES_SELECTOR + 2 * (n))
#define VMCS_SEG_BASE(n)	(GUEST_ES_BASE + 2 * (n))
#define VMCS_SEG_LIMIT(n)	(GUEST_ES_LIMIT + 2 * (n))
#define VMCS_SEG_AR(n)		(GUEST_ES_AR_BYTES + 2 * (n))

struct page;

/**
 * struct vl_vmcs - one VMCS region and what goes with it
 * @page: the region, or NULL
 * @pa: its physical address
 * @msr_bitmap: 4 KiB, SDM vol. 3, 25.6.9
 * @launched: VMRESUME, not VMLAUNCH
 */
struct vl_vmcs {
	struct page *page;
	u64 pa;
	unsigned long *msr_bitmap;
	bool launched;
};

int vl_vmcs_alloc(struct vl_vmcs *vmcs);
void vl_vmcs_free(struct vl_vmcs *vmcs);
void vl_vmcs_setup(struct vl_vcpu *vcpu);
void vl_vmcs_reset_guest(struct vl_vcpu *vcpu);
void vl_msr_bitmap_pass(struct vl_vmcs *vmcs, u32 msr, bool read, bool write);
void vl_msr_bitmap_trap(struct vl_vmcs *vmcs, u32 msr);
const char *vl_vmcs_guest_problem(void);

#endif /* VL_VMCS_H */
