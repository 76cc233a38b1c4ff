// SPDX-License-Identifier: GPL-2.0-only
/*
 * EOI without an exit: the paravirtual EOI that Linux guests know from KVM
 * (Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN).
 *
 * The guest names four bytes of its memory.  With an interrupt whose EOI nobody waits
 * for, we set bit 0 there; a guest that clears the bit has done the EOI, and need not
 * write the register.  What it did is looked up after the next exit, whatever that
 * is for, and until then the local APIC still holds the interrupt in ISR.
 *
 * An EOI is waited for by the IOAPIC, if the interrupt is level-triggered, and by
 * interrupts in IRR.  One that comes to IRR later makes the vCPU exit: the offer is
 * withdrawn then, if the guest has not taken it.
 */
#include <linux/kernel.h>
#include <asm/apicdef.h>
#include <asm/kvm_para.h>

#include "vcpu.h"
#include "vmx-lite.h"

#define PV_EOI_RESERVED		BIT(1)
#define PV_EOI_SKIP		BIT(0)

/**
 * vl_pv_eoi_set() - write MSR_KVM_PV_EOI_EN
 * @vcpu: loaded
 * @value: bit 0: on; bits 63:2: guest-physical address of the four bytes
 *
 * An address where there is no memory that can be written is never offered anything.
 * Return: 0, or -EINVAL for a reserved bit or an address beyond MAXPHYADDR: #GP(0).
 */
int vl_pv_eoi_set(struct vl_vcpu *vcpu, u64 value)
{
	if ((value & PV_EOI_RESERVED) || value >> vcpu->hw.maxphyaddr)
		return -EINVAL;
	vcpu->hw.pv_eoi = value;
	return 0;
}

/**
 * vl_pv_eoi_offer() - an interrupt is about to be injected: may its EOI be skipped?
 * @vcpu: loaded
 * @vector: which has just gone from IRR to ISR
 * Context: interrupts off, right before the entry.
 */
void vl_pv_eoi_offer(struct vl_vcpu *vcpu, u8 vector)
{
	u64 value = vcpu->hw.pv_eoi;

	if (!(value & KVM_MSR_ENABLED) || !vl_lapic_eoi_is_local(vcpu, vector))
		return;
	if (!vl_memory_poke(vcpu->vm, value & ~KVM_MSR_ENABLED, PV_EOI_SKIP))
		vcpu->hw.pv_eoi_offered = true;
}

/**
 * vl_pv_eoi_settle() - has the guest taken the offer?  If not, withdraw it
 * @vcpu: loaded, after the entry that vl_pv_eoi_offer() was for; offered
 *
 * Where the process has taken the memory away meanwhile, the guest has to do the EOI.
 * Context: the vCPU's thread; may sleep.
 */
void vl_pv_eoi_settle(struct vl_vcpu *vcpu)
{
	u64 gpa = vcpu->hw.pv_eoi & ~KVM_MSR_ENABLED;
	u8 flags;

	vcpu->hw.pv_eoi_offered = false;
	if (vl_memory_read(vcpu->vm, gpa, &flags, sizeof(flags)))
		return;
	if (flags & PV_EOI_SKIP) {
		flags &= ~PV_EOI_SKIP;
		vl_memory_write(vcpu->vm, gpa, &flags, sizeof(flags));
		return;
	}
	vcpu->hw.stats.eoi_skips++;
	vl_lapic_eoi(vcpu);
}
