// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPU does of the local APIC by itself (SDM vol. 3, chapter 30).
 *
 * With virtual-interrupt delivery the CPU takes interrupts from IRR to ISR and delivers
 * them, and does EOIs, in the register page; it keeps the highest of each in the VMCS (RVI
 * and SVI), which vl_apicv_sync() sets before an entry to what the page says.  Software
 * changes IRR and ISR only outside of the guest: senders leave their vectors in
 * lapic->posted and make the vCPU exit, as they do without all this.
 *
 * In x2APIC mode the guest reads registers and writes TPR, EOI and self-IPI without an
 * exit.  In xAPIC mode that is so for TPR, EOI and self-IPIs; register reads are
 * left to exits there, since the CPU would also complete register writes, and
 * several of those need the old value.
 *
 * The xAPIC's page in the EPT is one a VM, and its vCPUs may be in different modes: one
 * that leaves xAPIC mode must not find memory there.  So it goes when the first does.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "apicv.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

#define X2APIC_MSRS	0x100

/* Registers whose writes in x2APIC mode are the CPU's: SDM vol. 3, 30.5 */
static const u32 written_msrs[] = {
	APIC_BASE_MSR + (APIC_TASKPRI >> 4),
	APIC_BASE_MSR + (APIC_EOI >> 4),
	APIC_BASE_MSR + (APIC_SELF_IPI >> 4),
};

/* SDM vol. 3, table 28-6: access type in the qualification of an APIC-access exit */
#define ACCESS_TYPE(qualification)	((qualification) >> 12 & 0xf)
#define ACCESS_DELIVERY			3

#define X2APIC_CONTROLS	(SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | \
			 SECONDARY_EXEC_APIC_REGISTER_VIRT)

static bool apicv_on_page(const struct vl_vcpu *vcpu)
{
	const struct vl_lapic *lapic = vcpu->lapic;

	return vl_lapic_enabled(lapic) && !vl_lapic_in_x2apic(lapic) &&
	       (lapic->base & PAGE_MASK) == VL_LAPIC_DEFAULT_BASE;
}

/*
 * SDM vol. 3, 27.2.1.1: never x2APIC mode and APIC accesses both.  An APIC that is disabled by
 * software takes no interrupt (11.4.7.2), but the CPU would give it a self-IPI.
 */
static u32 apicv_controls(const struct vl_vcpu *vcpu)
{
	bool on = vl_lapic_enabled(vcpu->lapic) &&
		  (vl_lapic_reg(vcpu->lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED);
	u32 controls = on ? SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY : 0;

	if (on && vl_lapic_in_x2apic(vcpu->lapic) &&
	    (vl_vmx.apicv & X2APIC_CONTROLS) == X2APIC_CONTROLS)
		controls |= X2APIC_CONTROLS;
	if (apicv_on_page(vcpu) && vcpu->vm->apic_page)
		controls |= SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	return controls;
}

static void apicv_set_msrs(struct vl_vcpu *vcpu, bool pass)
{
	struct vl_vmcs *vmcs = &vcpu->hw.vmcs;
	u32 msr;
	int i;

	for (msr = APIC_BASE_MSR; msr < APIC_BASE_MSR + X2APIC_MSRS; msr++)
		if (pass && vl_lapic_msr_plain(vcpu, msr))
			vl_msr_bitmap_pass(vmcs, msr, true, false);
		else
			vl_msr_bitmap_trap(vmcs, msr);
	for (i = 0; pass && i < ARRAY_SIZE(written_msrs); i++)
		vl_msr_bitmap_pass(vmcs, written_msrs[i], false, true);
}

/**
 * vl_apicv_inhibit() - no page for the xAPIC in this VM's EPT any more
 * @vm: the VM
 *
 * Accesses to it are EPT violations then, for all its vCPUs.
 * Context: may sleep.
 */
void vl_apicv_inhibit(struct vl_vm *vm)
{
	struct vl_ept_gather gather;

	if (READ_ONCE(vm->apic_inhibited))
		return;
	vl_ept_gather_init(&gather);
	spin_lock(&vm->mem.lock);
	WRITE_ONCE(vm->apic_inhibited, true);
	vl_ept_zap(&vm->mem.ept, VL_LAPIC_DEFAULT_BASE, VL_LAPIC_DEFAULT_BASE + PAGE_SIZE,
		   &gather);
	if (gather.flush)
		vl_vm_flush_ept(vm);
	spin_unlock(&vm->mem.lock);
	vl_ept_gather_free(&gather);
}

/**
 * vl_apicv_set_mode() - the local APIC's mode may be another one
 * @vcpu: loaded
 *
 * The MSRs of an x2APIC are the guest's own only while the CPU virtualizes
 * them: without that control it would reach the host's.
 * Context: the vCPU's thread; may sleep.
 */
void vl_apicv_set_mode(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u32 controls;

	if (!vl_has(VMX_LITE_FEAT_APICV))
		return;
	if (!apicv_on_page(vcpu))
		vl_apicv_inhibit(vcpu->vm);

	controls = apicv_controls(vcpu);
	if (controls == hw->apicv)
		return;
	apicv_set_msrs(vcpu, controls & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
	vmcs_write(SECONDARY_VM_EXEC_CONTROL,
		   (vmcs_read32(SECONDARY_VM_EXEC_CONTROL) & ~hw->apicv) | controls);
	hw->apicv = controls;
	vl_request(vcpu, VL_REQ_EVENT);
}

/**
 * vl_apicv_prepare() - what the first vCPU of a VM needs
 * @vm: vm->lock held
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int vl_apicv_prepare(struct vl_vm *vm)
{
	if (vm->apic_page || !(vl_vmx.apicv & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES))
		return 0;
	vm->apic_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vm->apic_page ? 0 : -ENOMEM;
}

/**
 * vl_apicv_cleanup() - the opposite of vl_apicv_prepare()
 * @vm: its vCPUs and its EPT are gone
 */
void vl_apicv_cleanup(struct vl_vm *vm)
{
	if (vm->apic_page)
		__free_page(vm->apic_page);
}

/**
 * vl_apicv_setup() - fields of a new VMCS
 * @vcpu: loaded for the first time
 * Context: preemption off.
 */
void vl_apicv_setup(struct vl_vcpu *vcpu)
{
	int i;

	if (!vl_has(VMX_LITE_FEAT_APICV))
		return;
	vcpu->lapic->apicv = true;
	vmcs_write(GUEST_INTR_STATUS, 0);
	for (i = 0; i < ARRAY_SIZE(vcpu->hw.eoi_exits); i++)
		vmcs_write(EOI_EXIT_BITMAP0 + 2 * i, 0);
	if (vcpu->vm->apic_page)
		vmcs_write(APIC_ACCESS_ADDR, page_to_phys(vcpu->vm->apic_page));
}

/**
 * vl_apicv_sync() - let the CPU know what the register page says
 * @vcpu: loaded
 *
 * RVI and SVI (SDM vol. 3, 25.4.2), and which EOIs are to exit: those of
 * level-triggered vectors, for the IOAPIC (25.6.8).
 * Context: interrupts off, right before the entry.
 */
void vl_apicv_sync(struct vl_vcpu *vcpu)
{
	u64 exits[ARRAY_SIZE(vcpu->hw.eoi_exits)];
	u16 status = vl_lapic_guest_status(vcpu);
	int i;

	if (vmcs_read(GUEST_INTR_STATUS) != status)
		vmcs_write(GUEST_INTR_STATUS, status);
	vl_lapic_eoi_exits(vcpu->lapic, exits);
	for (i = 0; i < ARRAY_SIZE(exits); i++) {
		if (exits[i] == vcpu->hw.eoi_exits[i])
			continue;
		vcpu->hw.eoi_exits[i] = exits[i];
		vmcs_write(EOI_EXIT_BITMAP0 + 2 * i, exits[i]);
	}
}

/**
 * vl_apicv_fault() - an EPT violation that may be for the xAPIC's page
 * @vcpu: loaded, after the exit
 * @gpa: guest-physical address of the access
 *
 * Context: may sleep.
 * Return: was it, and is the page there now?
 */
bool vl_apicv_fault(struct vl_vcpu *vcpu, u64 gpa)
{
	struct vl_vm *vm = vcpu->vm;
	struct vl_ept_gather gather;
	int ret = -EBUSY;

	if (!(vcpu->hw.apicv & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) ||
	    (gpa & PAGE_MASK) != VL_LAPIC_DEFAULT_BASE || READ_ONCE(vm->apic_inhibited))
		return false;
	do {
		if (vl_memory_donate(vm))
			return false;
		vl_ept_gather_init(&gather);
		spin_lock(&vm->mem.lock);
		if (!vm->apic_inhibited)
			ret = vl_ept_map(&vm->mem.ept, VL_LAPIC_DEFAULT_BASE,
					 page_to_phys(vm->apic_page), VL_EPT_4K,
					 VL_EPT_READ | VL_EPT_WRITE | VL_EPT_TYPE_WB |
					 VL_EPT_IGNORE_PAT, &gather);
		else
			ret = -EBUSY;
		if (gather.flush)
			vl_vm_flush_ept(vm);
		spin_unlock(&vm->mem.lock);
		vl_ept_gather_free(&gather);
	} while (ret == -EAGAIN);
	return !ret;
}

/**
 * vl_exit_apic_access() - an access to the xAPIC's page that the CPU leaves to us
 * @vcpu: loaded, after the exit
 *
 * SDM vol. 3, 30.4.  The instruction has not been executed.
 * Return: as vl_handle_exit().
 */
int vl_exit_apic_access(struct vl_vcpu *vcpu)
{
	if (ACCESS_TYPE(vmcs_read(EXIT_QUALIFICATION)) == ACCESS_DELIVERY ||
	    vcpu->hw.idt_vectoring & VECTORING_INFO_VALID_MASK)
		return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_DELIVERY, 0);
	return vl_mmio_emulate(vcpu);
}

/**
 * vl_exit_apic_write() - the guest has written a register in the page
 * @vcpu: loaded, after the exit
 *
 * SDM vol. 3, 30.4.3.3: the instruction is done, its effect is ours.
 * Return: as vl_handle_exit().
 */
int vl_exit_apic_write(struct vl_vcpu *vcpu)
{
	vl_lapic_written(vcpu, vmcs_read(EXIT_QUALIFICATION) & (PAGE_SIZE - 16));
	return VL_RESUME;
}

/**
 * vl_exit_eoi() - the CPU has done the EOI of a level-triggered interrupt
 * @vcpu: loaded, after the exit
 *
 * SDM vol. 3, 30.1.4.
 * Return: VL_RESUME.
 */
int vl_exit_eoi(struct vl_vcpu *vcpu)
{
	vl_lapic_eoi_done(vcpu, vmcs_read(EXIT_QUALIFICATION) & 0xff);
	return VL_RESUME;
}
