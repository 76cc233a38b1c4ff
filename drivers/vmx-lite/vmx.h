/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VT-x on the host's CPUs: what they offer, and turning it on and off.
 * SDM vol. 3, chapters 24 and A.
 */
#ifndef VL_VMX_H
#define VL_VMX_H

#include <linux/list.h>
#include <linux/types.h>

#include <linux/vmx_lite.h>

struct vl_vcpu;

/*
 * struct vl_vmx - the controls that every VMCS starts with, and features
 *
 * Computed once by vl_vmx_init() from the capability MSRs; the same on all CPUs.
 */
struct vl_vmx {
	u32 revision;
	u32 pin;
	u32 proc;
	u32 proc2;
	u32 exit;
	u32 entry;
	u32 apicv;		/* secondary, by the local APIC's mode: not in proc2 */
	u32 features;		/* VMX_LITE_FEAT_* */
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 host_efer;
	u64 host_pat;
	bool nx_huge_pages;	/* ITLB multihit: huge pages must not be executable */
};

extern struct vl_vmx vl_vmx __ro_after_init;
extern bool vl_stopping;

enum vmx_lite_reason vl_preflight(struct vl_vmx *vmx);
const char *vl_reason_text(enum vmx_lite_reason reason);

int vl_vmx_init(void);
void vl_vmx_exit(void);
void vl_vmx_load(struct vl_vcpu *vcpu);
void vl_vmx_unload(struct vl_vcpu *vcpu);

/**
 * vl_has() - does the host offer a feature?
 * @feature: one VMX_LITE_FEAT_*
 * Return: whether it does.
 */
static inline bool vl_has(u32 feature)
{
	return vl_vmx.features & feature;
}

/**
 * vl_guest_phys_bits() - width of guest-physical addresses
 *
 * Four EPT levels reach 48 bits, and no guest may see more than the host has.
 * Return: the number of bits.
 */
unsigned int vl_guest_phys_bits(void);

#endif /* VL_VMX_H */
