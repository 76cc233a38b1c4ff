// SPDX-License-Identifier: GPL-2.0-only
/*
 * One VMCS: its memory, the fields that never change, and the guest's reset
 * state.  SDM vol. 3, chapter 25; 10.1.1 for the state after RESET and INIT.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/segment.h>

#include "apicv.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

/* SDM vol. 3, 26.1.3: PAUSEs that follow one another within the gap are a loop. */
static unsigned int ple_gap = 128;
module_param(ple_gap, uint, 0444);
MODULE_PARM_DESC(ple_gap, "TSC cycles between two PAUSEs of one loop");

static unsigned int ple_window = 4096;
module_param(ple_window, uint, 0444);
MODULE_PARM_DESC(ple_window, "TSC cycles that a loop of PAUSE in the guest's kernel may last before another vCPU gets its turn (0: for ever)");

/* A field the CPU does not have: our mistake, worth one line. */
void vl_vmwrite_failed(unsigned long field, unsigned long value)
{
	pr_err_ratelimited("vmx-lite: VMWRITE of %#lx to field %#lx failed, error %u\n",
			   value, field, vmcs_read32(VM_INSTRUCTION_ERROR));
}

/**
 * vl_vmcs_alloc() - memory for a VMCS and its MSR bitmap
 * @vmcs: zeroed
 * Context: may sleep.
 * Return: 0 or -ENOMEM; nothing is left to free then.
 */
int vl_vmcs_alloc(struct vl_vmcs *vmcs)
{
	vmcs->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vmcs->page)
		return -ENOMEM;
	vmcs->msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vmcs->msr_bitmap) {
		__free_page(vmcs->page);
		vmcs->page = NULL;
		return -ENOMEM;
	}
	/* Every MSR exits until somebody says it need not. */
	memset(vmcs->msr_bitmap, 0xff, PAGE_SIZE);
	vmcs->pa = page_to_phys(vmcs->page);
	*(u32 *)page_address(vmcs->page) = vl_vmx.revision;
	return 0;
}

/**
 * vl_vmcs_free() - the opposite of vl_vmcs_alloc()
 * @vmcs: may be half built, or not at all
 * Context: the VMCS is active on no CPU.
 */
void vl_vmcs_free(struct vl_vmcs *vmcs)
{
	if (!vmcs->page)
		return;
	free_page((unsigned long)vmcs->msr_bitmap);
	__free_page(vmcs->page);
	vmcs->page = NULL;
}

/**
 * vl_msr_bitmap_pass() - let the guest at an MSR without an exit
 * @vmcs: whose bitmap, read by the CPU at each access
 * @msr: 0 to 0x1fff or 0xc0000000 to 0xc0001fff
 * @read: RDMSR
 * @write: WRMSR
 *
 * SDM vol. 3, 25.6.9: four bitmaps of 1 KiB: low and high reads, then writes.
 */
void vl_msr_bitmap_pass(struct vl_vmcs *vmcs, u32 msr, bool read, bool write)
{
	unsigned int bit = (msr & 0x1fff) + (msr >= 0xc0000000 ? 8 * 1024 : 0);

	if (read)
		clear_bit(bit, vmcs->msr_bitmap);
	if (write)
		clear_bit(bit + 8 * 2048, vmcs->msr_bitmap);
}

/**
 * vl_msr_bitmap_trap() - let reads and writes of an MSR exit
 * @vmcs: whose bitmap
 * @msr: as vl_msr_bitmap_pass()
 */
void vl_msr_bitmap_trap(struct vl_vmcs *vmcs, u32 msr)
{
	unsigned int bit = (msr & 0x1fff) + (msr >= 0xc0000000 ? 8 * 1024 : 0);

	set_bit(bit, vmcs->msr_bitmap);
	set_bit(bit + 8 * 2048, vmcs->msr_bitmap);
}

struct msr_pass {
	u32 msr;
	bool write;
};

/* Reads are of what the CPU holds while the guest runs; see host.c and msr.c. */
static const struct msr_pass msr_pass[] = {
	{ MSR_FS_BASE, true },
	{ MSR_GS_BASE, true },
	{ MSR_KERNEL_GS_BASE, true },
	{ MSR_IA32_SYSENTER_CS, true },
	{ MSR_IA32_SYSENTER_ESP, true },
	{ MSR_IA32_SYSENTER_EIP, true },
	{ MSR_IA32_TSC, false },
	{ MSR_STAR, false },
	{ MSR_LSTAR, false },
	{ MSR_CSTAR, false },
	{ MSR_SYSCALL_MASK, false },
};

static void setup_host(void)
{
	struct desc_ptr idt;
	u32 low, high;
	u64 value;

	/* The kernel's FPU use never relies on CR0.TS any more. */
	vmcs_write(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write(HOST_DS_SELECTOR, 0);
	vmcs_write(HOST_ES_SELECTOR, 0);
	vmcs_write(HOST_FS_SELECTOR, 0);
	vmcs_write(HOST_GS_SELECTOR, 0);
	vmcs_write(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	store_idt(&idt);
	vmcs_write(HOST_IDTR_BASE, idt.address);
	rdmsr(MSR_IA32_SYSENTER_CS, low, high);
	vmcs_write(HOST_IA32_SYSENTER_CS, low);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_write(HOST_IA32_SYSENTER_EIP, value);
	vmcs_write(HOST_IA32_EFER, vl_vmx.host_efer);
	vmcs_write(HOST_IA32_PAT, vl_vmx.host_pat);
	vmcs_write(HOST_RIP, (unsigned long)vl_vmexit);
}

/* CR0 and CR4 bits the guest changes without us. */
#define CR0_GUEST_OWNED	(X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_WP | X86_CR0_AM)
#define CR4_GUEST_OWNED	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | \
			 X86_CR4_PCE | X86_CR4_PGE | X86_CR4_OSFXSR | \
			 X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE)

/**
 * vl_vmcs_setup() - fill the fields that stay
 * @vcpu: loaded for the first time
 * Context: preemption off.
 */
void vl_vmcs_setup(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u32 proc2 = vl_vmx.proc2;
	int i;

	hw->proc = vl_vmx.proc;
	hw->entry_controls = vl_vmx.entry;
	vmcs_write(PIN_BASED_VM_EXEC_CONTROL, vl_vmx.pin);
	vmcs_write(CPU_BASED_VM_EXEC_CONTROL, hw->proc);
	/* SDM vol. 3, 27.2.1.1: VPIDs enabled and VPID 0 would fail the entry. */
	if (!hw->vpid)
		proc2 &= ~SECONDARY_EXEC_ENABLE_VPID;
	if (!ple_window)
		proc2 &= ~SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	vmcs_write(SECONDARY_VM_EXEC_CONTROL, proc2);
	vmcs_write(VM_EXIT_CONTROLS, vl_vmx.exit);
	vmcs_write(VM_ENTRY_CONTROLS, hw->entry_controls);

	/* Page faults are the guest's own: no vector 14 in the bitmap. */
	vmcs_write(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write(CR3_TARGET_COUNT, 0);
	vmcs_write(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmcs_write(MSR_BITMAP, __pa(hw->vmcs.msr_bitmap));
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write(EPT_POINTER, vl_ept_pointer(&vcpu->vm->mem.ept));
	if (hw->vpid)
		vmcs_write(VIRTUAL_PROCESSOR_ID, hw->vpid);
	if (proc2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING) {
		vmcs_write(PLE_GAP, ple_gap);
		vmcs_write(PLE_WINDOW, ple_window);
	}
	if (vl_has(VMX_LITE_FEAT_TPR_SHADOW)) {
		vmcs_write(VIRTUAL_APIC_PAGE_ADDR, vl_lapic_page_hpa(vcpu));
		vmcs_write(TPR_THRESHOLD, 0);
	}
	vl_apicv_setup(vcpu);
	vmcs_write(CR0_GUEST_HOST_MASK, ~CR0_GUEST_OWNED);
	vmcs_write(CR4_GUEST_HOST_MASK, ~(CR4_GUEST_OWNED & vl_vmx.cr4_fixed1));

	for (i = 0; i < ARRAY_SIZE(msr_pass); i++)
		vl_msr_bitmap_pass(&hw->vmcs, msr_pass[i].msr, true, msr_pass[i].write);
	setup_host();
}

struct reset_segment {
	u16 selector;
	u32 base;
	u32 attr;
};

/* SDM vol. 3, table 10-1; all limits are 0xffff. */
static const struct reset_segment reset_segments[VL_NR_VMCS_SEGS] = {
	{ .attr = 0x93 },				/* ES */
	{ 0xf000, 0xffff0000, 0x9b },			/* CS */
	{ .attr = 0x93 },				/* SS */
	{ .attr = 0x93 },				/* DS */
	{ .attr = 0x93 },				/* FS */
	{ .attr = 0x93 },				/* GS */
	{ .attr = 0x82 },				/* LDTR */
	{ .attr = 0x8b },				/* TR */
};

/**
 * vl_vmcs_reset_guest() - segments, tables and the rest as after RESET or INIT
 * @vcpu: loaded
 * Context: may be preempted.
 */
void vl_vmcs_reset_guest(struct vl_vcpu *vcpu)
{
	int i;

	for (i = 0; i < VL_NR_VMCS_SEGS; i++) {
		const struct reset_segment *seg = &reset_segments[i];

		vmcs_write(VMCS_SEG_SELECTOR(i), seg->selector);
		vmcs_write(VMCS_SEG_BASE(i), seg->base);
		vmcs_write(VMCS_SEG_LIMIT(i), 0xffff);
		vmcs_write(VMCS_SEG_AR(i), seg->attr);
	}
	vmcs_write(GUEST_GDTR_BASE, 0);
	vmcs_write(GUEST_GDTR_LIMIT, 0xffff);
	vmcs_write(GUEST_IDTR_BASE, 0);
	vmcs_write(GUEST_IDTR_LIMIT, 0xffff);
	vmcs_write(GUEST_CR3, 0);
	vmcs_write(GUEST_DR7, 0x400);
	vmcs_write(GUEST_RIP, 0xfff0);
	vmcs_write(GUEST_RSP, 0);
	vmcs_write(GUEST_RFLAGS, X86_EFLAGS_FIXED);
	vmcs_write(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_write(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write(GUEST_IA32_DEBUGCTL, 0);
	for (i = 0; i < 4; i++)
		vmcs_write(GUEST_PDPTR0 + 2 * i, 0);
}
