// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU and vector registers, in the kernel's own guest container:
 * the scheduler switches them with the thread.  SDM vol. 1, chapter 13.
 */
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>

#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

/* Components a guest may have: no protection keys, AMX or supervisor state. */
#define GUEST_XFEATURES	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | \
			 XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | \
			 XFEATURE_MASK_Hi16_ZMM)
#define XSAVE_HEADER	512	/* where XSTATE_BV is, in the standard form */

/* XCR0 as the host runs with. */
u64 vl_host_xcr0;

static u64 guest_xcr0;
static u32 xsave_size;

/**
 * vl_fpu_setup() - what the host's FPU can give a guest
 * Context: module load.
 * Return: 0 or -ENOMEM.
 */
int vl_fpu_setup(void)
{
	struct fpu_guest fpu = { };

	if (!fpu_alloc_guest_fpstate(&fpu))
		return -ENOMEM;
	guest_xcr0 = XFEATURE_MASK_FP;
	if (boot_cpu_has(X86_FEATURE_XSAVE)) {
		vl_host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
		guest_xcr0 |= vl_host_xcr0 & fpu.xfeatures & GUEST_XFEATURES;
	}
	/* Without XSAVE the container ends before the header, which we always pass. */
	xsave_size = max_t(u32, fpu.uabi_size, XSAVE_HEADER + 64);
	fpu_free_guest_fpstate(&fpu);
	return 0;
}

/**
 * vl_fpu_xcr0_mask() - bits a guest may set in XCR0
 * Return: the bits.
 */
u64 vl_fpu_xcr0_mask(void)
{
	return guest_xcr0;
}

/**
 * vl_fpu_xsave_size() - bytes of VM_GET_XSAVE
 * Return: bytes.
 */
u32 vl_fpu_xsave_size(void)
{
	return xsave_size;
}

/**
 * vl_fpu_init() - registers for a new vCPU
 * @vcpu: the vCPU
 * Return: 0 or -ENOMEM.
 */
int vl_fpu_init(struct vl_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->hw.fpu) ? 0 : -ENOMEM;
}

/**
 * vl_fpu_destroy() - the opposite of vl_fpu_init()
 * @vcpu: the vCPU
 */
void vl_fpu_destroy(struct vl_vcpu *vcpu)
{
	fpu_free_guest_fpstate(&vcpu->hw.fpu);
}

static int from_user_format(struct vl_vcpu *vcpu, const void *area)
{
	u32 pkru = 0;

	return fpu_copy_uabi_to_guest_fpstate(&vcpu->hw.fpu, area, guest_xcr0, &pkru);
}

/**
 * vl_fpu_reset() - the state after RESET (SDM vol. 3, table 10-1)
 * @vcpu: the vCPU
 *
 * Context: the FPU is not in use: not within VM_RUN's loop, or after it has
 * been switched out.
 */
void vl_fpu_reset(struct vl_vcpu *vcpu)
{
	u16 *area = kzalloc(xsave_size, GFP_KERNEL_ACCOUNT);

	if (!area)
		return;
	area[0] = 0x37f;		/* FCW; FNINIT's, which is what software expects */
	*(u32 *)((u8 *)area + 24) = 0x1f80;	/* MXCSR */
	*(u64 *)((u8 *)area + XSAVE_HEADER) = XFEATURE_MASK_FPSSE;
	if (from_user_format(vcpu, area))
		pr_warn_once("vmx-lite: the kernel refused a reset FPU state\n");
	kfree(area);
}

/**
 * vl_fpu_get() - VM_GET_XSAVE
 * @vcpu: the vCPU
 * @args: from user space
 * Return: 0, -EINVAL, -EFAULT, -ENOMEM.
 */
int vl_fpu_get(struct vl_vcpu *vcpu, const struct vmx_lite_xsave *args)
{
	void *area;
	int err = 0;

	if (args->pad || args->size < xsave_size)
		return -EINVAL;
	area = kzalloc(xsave_size, GFP_KERNEL_ACCOUNT);
	if (!area)
		return -ENOMEM;
	fpu_copy_guest_fpstate_to_uabi(&vcpu->hw.fpu, area, xsave_size, guest_xcr0, 0);
	if (copy_to_user(u64_to_user_ptr(args->addr), area, xsave_size))
		err = -EFAULT;
	kfree(area);
	return err;
}

/**
 * vl_fpu_set() - VM_SET_XSAVE
 * @vcpu: the vCPU
 * @args: from user space
 *
 * The kernel checks the header, MXCSR and that every component is allowed.
 * Return: 0, -EINVAL, -EFAULT, -ENOMEM.
 */
int vl_fpu_set(struct vl_vcpu *vcpu, const struct vmx_lite_xsave *args)
{
	void *area;
	int err;

	if (args->pad || args->size < xsave_size)
		return -EINVAL;
	area = memdup_user(u64_to_user_ptr(args->addr), xsave_size);
	if (IS_ERR(area))
		return PTR_ERR(area);
	err = from_user_format(vcpu, area);
	kfree(area);
	return err;
}
