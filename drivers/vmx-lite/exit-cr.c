// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control and debug registers, EFER and XCR0: what the guest may write, and
 * what follows from it.  SDM vol. 3, 2.5, 5.10.4, 18.2, 26.6.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

/**
 * vl_guest_cr0() - CR0 as the guest sees it
 * Context: the vCPU is loaded.
 * Return: CR0.
 */
u64 vl_guest_cr0(void)
{
	u64 mask = vmcs_read(CR0_GUEST_HOST_MASK);

	return (vmcs_read(CR0_READ_SHADOW) & mask) | (vmcs_read(GUEST_CR0) & ~mask);
}

/**
 * vl_guest_cr4() - CR4 as the guest sees it
 * Context: the vCPU is loaded.
 * Return: CR4.
 */
u64 vl_guest_cr4(void)
{
	u64 mask = vmcs_read(CR4_GUEST_HOST_MASK);

	return (vmcs_read(CR4_READ_SHADOW) & mask) | (vmcs_read(GUEST_CR4) & ~mask);
}

/**
 * vl_flush_guest_tlb() - drop what the CPU cached of the guest's own paging
 * @vcpu: the vCPU, loaded
 *
 * Without a VPID every VM entry does so (SDM vol. 3, 29.4.3.1).
 */
void vl_flush_guest_tlb(struct vl_vcpu *vcpu)
{
	if (vcpu->hw.vpid)
		vl_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vcpu->hw.vpid);
}

void vl_load_cr0(struct vl_vcpu *vcpu, u64 value)
{
	vmcs_write(CR0_READ_SHADOW, value);
	vmcs_write(GUEST_CR0, (value & ~(X86_CR0_NW | X86_CR0_CD)) | X86_CR0_NE | X86_CR0_ET);
}

static void update_xcr0_switch(struct vl_vcpu *vcpu)
{
	vcpu->hw.switch_xcr0 = (vmcs_read(CR4_READ_SHADOW) & X86_CR4_OSXSAVE) &&
			       vcpu->hw.xcr0 != vl_host_xcr0;
}

void vl_load_cr4(struct vl_vcpu *vcpu, u64 value)
{
	u64 host = cr4_read_shadow() & X86_CR4_MCE;

	vmcs_write(CR4_READ_SHADOW, value);
	/* A machine check in the guest must reach the host, whatever the guest wants. */
	vmcs_write(GUEST_CR4, (value & ~X86_CR4_MCE) | vl_vmx.cr4_fixed0 | host);
	update_xcr0_switch(vcpu);
}

void vl_load_efer(struct vl_vcpu *vcpu, u64 value)
{
	struct vl_hw *hw = &vcpu->hw;
	u32 entry = hw->entry_controls & ~VM_ENTRY_IA32E_MODE;

	if (value & EFER_LMA)
		entry |= VM_ENTRY_IA32E_MODE;
	hw->efer = value;
	vmcs_write(GUEST_IA32_EFER, value);
	hw->entry_controls = entry;
	vmcs_write(VM_ENTRY_CONTROLS, entry);
}

/* SDM vol. 3, 5.4.1: with PAE paging MOV to CR loads the PDPTEs, and may fault. */
static int load_pdptes(struct vl_vcpu *vcpu, u64 cr3)
{
	u64 reserved = VL_PDPTE_RESERVED | ~GENMASK_ULL(vcpu->hw.maxphyaddr - 1, 0);
	u64 pdpte[4];
	int i;

	if (vl_memory_read(vcpu->vm, cr3 & 0xffffffe0, pdpte, sizeof(pdpte)))
		return -EINVAL;
	for (i = 0; i < 4; i++)
		if ((pdpte[i] & 1) && (pdpte[i] & reserved))
			return -EINVAL;
	for (i = 0; i < 4; i++)
		vmcs_write(GUEST_PDPTR0 + 2 * i, pdpte[i]);
	return 0;
}

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LME);
}

/**
 * vl_set_cr0() - MOV to CR0, or user space
 * @vcpu: loaded
 * @value: new CR0 as the guest sees it
 *
 * Enters and leaves long mode with it: SDM vol. 3, 10.8.5.
 * Return: 0, or -EINVAL where a MOV would raise #GP(0).
 */
int vl_set_cr0(struct vl_vcpu *vcpu, u64 value)
{
	u64 old = vl_guest_cr0(), cr4 = vl_guest_cr4(), efer = vcpu->hw.efer;

	if (value >> 32)
		return -EINVAL;
	value = (value & VL_CR0_DEFINED) | X86_CR0_ET;
	if ((value & X86_CR0_PG) && !(value & X86_CR0_PE))
		return -EINVAL;
	if ((value & X86_CR0_NW) && !(value & X86_CR0_CD))
		return -EINVAL;
	if (!(value & X86_CR0_PG) && (cr4 & X86_CR4_PCIDE))
		return -EINVAL;

	if ((value ^ old) & X86_CR0_PG) {
		u32 cs = vmcs_read32(VMCS_SEG_AR(VL_SEG_CS));

		if ((value & X86_CR0_PG) && (efer & EFER_LME)) {
			/* SDM vol. 2, MOV to CR: also with a 16-bit TSS in TR. */
			if (!(cr4 & X86_CR4_PAE) || (cs & BIT(13)) ||
			    !(vmcs_read32(VMCS_SEG_AR(VL_SEG_TR)) & BIT(3)))
				return -EINVAL;
			efer |= EFER_LMA;
		} else if (!(value & X86_CR0_PG) && (efer & EFER_LMA)) {
			if (cs & BIT(13))
				return -EINVAL;
			efer &= ~EFER_LMA;
		}
	}
	if (pae_paging(value, cr4, efer) &&
	    ((value ^ old) & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) &&
	    load_pdptes(vcpu, vmcs_read(GUEST_CR3)))
		return -EINVAL;

	if (efer != vcpu->hw.efer)
		vl_load_efer(vcpu, efer);
	vl_load_cr0(vcpu, value);
	if ((value ^ old) & (X86_CR0_PG | X86_CR0_WP))
		vl_flush_guest_tlb(vcpu);
	return 0;
}

/**
 * vl_set_cr4() - MOV to CR4, or user space
 * @vcpu: loaded
 * @value: new CR4 as the guest sees it
 * Return: 0, or -EINVAL where a MOV would raise #GP(0).
 */
int vl_set_cr4(struct vl_vcpu *vcpu, u64 value)
{
	const u64 paging = X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP |
			   X86_CR4_SMAP | X86_CR4_PCIDE | X86_CR4_LA57;
	u64 old = vl_guest_cr4(), efer = vcpu->hw.efer;

	if (value & ~vcpu->hw.cr4_allowed)
		return -EINVAL;
	if ((efer & EFER_LMA) && !(value & X86_CR4_PAE))
		return -EINVAL;
	if ((value & X86_CR4_PCIDE) && !(old & X86_CR4_PCIDE) &&
	    (!(efer & EFER_LMA) || (vmcs_read(GUEST_CR3) & 0xfff)))
		return -EINVAL;
	if (pae_paging(vl_guest_cr0(), value, efer) &&
	    ((value ^ old) & (X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP)) &&
	    load_pdptes(vcpu, vmcs_read(GUEST_CR3)))
		return -EINVAL;

	vl_load_cr4(vcpu, value);
	if ((value ^ old) & X86_CR4_OSXSAVE)
		vl_cpuid_update(vcpu);
	if ((value ^ old) & paging)
		vl_flush_guest_tlb(vcpu);
	return 0;
}

/**
 * vl_set_efer() - WRMSR of IA32_EFER, or user space
 * @vcpu: loaded
 * @value: new EFER; LMA follows LME and CR0.PG
 * Return: 0, or -EINVAL where WRMSR would raise #GP(0).
 */
int vl_set_efer(struct vl_vcpu *vcpu, u64 value)
{
	u64 old = vcpu->hw.efer;

	if (value & ~VL_EFER_DEFINED)
		return -EINVAL;
	if (((value ^ old) & EFER_LME) && (vl_guest_cr0() & X86_CR0_PG))
		return -EINVAL;
	value = (value & ~(u64)EFER_LMA) | (old & EFER_LMA);
	vl_load_efer(vcpu, value);
	if ((value ^ old) & EFER_NX)
		vl_flush_guest_tlb(vcpu);
	return 0;
}

/**
 * vl_xcr0_valid() - may XCR0 hold this (SDM vol. 1, 13.3)
 * @vcpu: the vCPU, loaded
 * @value: XCR0
 * Return: whether it may.
 */
bool vl_xcr0_valid(struct vl_vcpu *vcpu, u64 value)
{
	const u64 avx512 = XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 |
			   XFEATURE_MASK_Hi16_ZMM;

	if (!(value & XFEATURE_MASK_FP) || (value & ~vcpu->hw.xcr0_allowed))
		return false;
	if ((value & XFEATURE_MASK_YMM) && !(value & XFEATURE_MASK_SSE))
		return false;
	return !(value & avx512) ||
	       ((value & avx512) == avx512 && (value & XFEATURE_MASK_YMM));
}

/**
 * vl_set_xcr0() - XSETBV of XCR0, or user space
 * @vcpu: loaded
 * @value: new XCR0
 * Return: 0, or -EINVAL where XSETBV would raise #GP(0).
 */
int vl_set_xcr0(struct vl_vcpu *vcpu, u64 value)
{
	if (!vl_xcr0_valid(vcpu, value))
		return -EINVAL;
	vcpu->hw.xcr0 = value;
	update_xcr0_switch(vcpu);
	vl_cpuid_update(vcpu);
	return 0;
}

/* A MOV to or from CR8 where the CPU has no TPR shadow. */
static int set_cr8(struct vl_vcpu *vcpu, u64 value)
{
	if (value & ~15ULL)
		return -EINVAL;
	vl_lapic_set_tpr(vcpu, value);
	vl_request(vcpu, VL_REQ_EVENT);
	return 0;
}

static u64 *gpr_sync(struct vl_vcpu *vcpu, unsigned int reg)
{
	if (reg == VL_RSP)
		vcpu->gpr[VL_RSP] = vmcs_read(GUEST_RSP);
	return &vcpu->gpr[reg];
}

static bool in_64bit_mode(struct vl_vcpu *vcpu)
{
	return (vcpu->hw.efer & EFER_LMA) && (vmcs_read32(VMCS_SEG_AR(VL_SEG_CS)) & BIT(13));
}

/* Operands are 64 bits in 64-bit mode, else 32. */
static u64 gpr_read(struct vl_vcpu *vcpu, unsigned int reg)
{
	u64 value = *gpr_sync(vcpu, reg);

	return in_64bit_mode(vcpu) ? value : (u32)value;
}

static void gpr_write(struct vl_vcpu *vcpu, unsigned int reg, u64 value)
{
	vcpu->gpr[reg] = in_64bit_mode(vcpu) ? value : (u32)value;
	if (reg == VL_RSP)
		vmcs_write(GUEST_RSP, vcpu->gpr[reg]);
}

static int finish(struct vl_vcpu *vcpu, int err)
{
	if (err)
		vl_inject_gp(vcpu);
	else
		vl_vcpu_skip(vcpu);
	return VL_RESUME;
}

static int move_to_cr(struct vl_vcpu *vcpu, unsigned int cr, u64 value)
{
	switch (cr) {
	case 0:
		return finish(vcpu, vl_set_cr0(vcpu, value));
	case 4:
		return finish(vcpu, vl_set_cr4(vcpu, value));
	case 8:
		return finish(vcpu, set_cr8(vcpu, value));
	default:
		return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_UNEXPECTED_EXIT, 0);
	}
}

enum cr_access { MOV_TO_CR, MOV_FROM_CR, CLTS, LMSW };

/**
 * vl_exit_cr() - exit reason 28: control-register accesses
 * @vcpu: the vCPU, loaded
 *
 * SDM vol. 3, table 28-3: register, access type, general register, LMSW source.
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_exit_cr(struct vl_vcpu *vcpu)
{
	u64 qualification = vmcs_read(EXIT_QUALIFICATION);
	unsigned int cr = qualification & 15;
	unsigned int reg = (qualification >> 8) & 15;
	u64 msw;

	switch ((qualification >> 4) & 3) {
	case MOV_TO_CR:
		return move_to_cr(vcpu, cr, gpr_read(vcpu, reg));
	case MOV_FROM_CR:
		/* Only CR8 reads exit. */
		gpr_write(vcpu, reg, vl_lapic_tpr(vcpu));
		return finish(vcpu, 0);
	case CLTS:
		return finish(vcpu, vl_set_cr0(vcpu, vl_guest_cr0() & ~X86_CR0_TS));
	default:
		/* LMSW sets PE but cannot clear it. */
		msw = (qualification >> 16) & 15;
		return finish(vcpu, vl_set_cr0(vcpu, (vl_guest_cr0() & ~14ULL) | msw));
	}
}

static int dr_write(struct vl_vcpu *vcpu, unsigned int dr, u64 value)
{
	struct vl_hw *hw = &vcpu->hw;

	switch (dr) {
	case 0 ... 3:
		hw->dr[dr] = value;
		return 0;
	case 6:
		if (value >> 32)
			return -EINVAL;
		hw->dr6 = (value & VL_DR6_WRITABLE) | VL_DR6_FIXED;
		return 0;
	default:
		if (value >> 32)
			return -EINVAL;
		hw->dr7 = (value & VL_DR7_WRITABLE) | VL_DR7_FIXED;
		vmcs_write(GUEST_DR7, hw->dr7);
		return 0;
	}
}

/**
 * vl_exit_dr() - exit reason 29: MOV to or from a debug register
 * @vcpu: the vCPU, loaded
 *
 * SDM vol. 3, table 28-4; 18.2.4 for DR7.GD, 18.2.2 for DR4 and DR5.
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_exit_dr(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u64 qualification = vmcs_read(EXIT_QUALIFICATION);
	unsigned int dr = qualification & 7;
	unsigned int reg = (qualification >> 8) & 15;

	if (dr == 4 || dr == 5) {
		if (vl_guest_cr4() & X86_CR4_DE) {
			vl_inject_ud(vcpu);
			return VL_RESUME;
		}
		dr += 2;
	}
	if (hw->dr7 & VL_DR7_GD) {
		hw->dr6 = (hw->dr6 & ~VL_DR6_HIT) | VL_DR6_BD;
		hw->dr7 &= ~VL_DR7_GD;
		vmcs_write(GUEST_DR7, hw->dr7);
		vl_inject_exception(vcpu, X86_TRAP_DB, false, 0);
		return VL_RESUME;
	}
	if (!(qualification & BIT(4)))
		return finish(vcpu, dr_write(vcpu, dr, gpr_read(vcpu, reg)));
	gpr_write(vcpu, reg, dr < 4 ? hw->dr[dr] : dr == 6 ? hw->dr6 : hw->dr7);
	return finish(vcpu, 0);
}

/**
 * vl_exit_xsetbv() - exit reason 55
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_exit_xsetbv(struct vl_vcpu *vcpu)
{
	u64 value = (u32)vcpu->gpr[VL_RAX] | vcpu->gpr[VL_RDX] << 32;

	if ((u32)vcpu->gpr[VL_RCX])
		return finish(vcpu, -EINVAL);
	return finish(vcpu, vl_set_xcr0(vcpu, value));
}
