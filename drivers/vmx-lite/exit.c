// SPDX-License-Identifier: GPL-2.0-only
/*
 * One handler a VM-exit reason, in a table.  SDM vol. 3, appendix C.
 *
 * A handler returns VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/trapnr.h>

#include "apicv.h"
#include "trace.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

typedef int (*exit_fn)(struct vl_vcpu *vcpu);

static int to_user(struct vl_vcpu *vcpu, enum vmx_lite_exit_reason reason)
{
	vcpu->run->rip = vmcs_read(GUEST_RIP);
	vcpu->run->insn_len = 0;
	return vl_exit_to_user(vcpu, reason);
}

static int exit_debug(struct vl_vcpu *vcpu, u8 vector, u64 dr6)
{
	vcpu->run->debug.vector = vector;
	vcpu->run->debug.dr6 = dr6;
	vcpu->run->debug.pad = 0;
	return to_user(vcpu, VM_EXITCODE_DEBUG);
}

/* SDM vol. 3, 18.2.3 and table 28-1: the qualification holds what DR6 would get. */
static int exit_db(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u64 bits = vmcs_read(EXIT_QUALIFICATION) & VL_DR6_WRITABLE;
	u64 dr6 = (hw->dr6 & ~VL_DR6_HIT) | VL_DR6_FIXED | bits;

	/*
	 * The step over an STI leaves its shadow, and the exit no pending step: a pair
	 * that VM entry refuses while TF is set (SDM vol. 3, 27.3.1.5).  The delivery of
	 * the exception ends the shadow anyway.
	 */
	if (vmcs_read(GUEST_RFLAGS) & X86_EFLAGS_TF) {
		vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO,
				GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);
		vl_request(vcpu, VL_REQ_EVENT);
	}
	if (hw->cap[VM_CAP_DEBUG_EXIT])
		return exit_debug(vcpu, X86_TRAP_DB, dr6);
	hw->dr6 = dr6;
	/* Delivery clears DR7.GD; the exit did not. */
	if (bits & VL_DR6_BD) {
		hw->dr7 &= ~VL_DR7_GD;
		vmcs_write(GUEST_DR7, hw->dr7);
	}
	vl_inject_exception(vcpu, X86_TRAP_DB, false, 0);
	return VL_RESUME;
}

/* In the qualification of an EPT violation, and in the VM-exit interruption information */
#define NMI_UNBLOCKING	BIT(12)

/* SDM vol. 3, 28.2.3: an IRET that faulted has already unblocked NMIs. */
static void restore_nmi_blocking(struct vl_vcpu *vcpu, u64 info)
{
	if ((info & NMI_UNBLOCKING) &&
	    !(vcpu->hw.idt_vectoring & VECTORING_INFO_VALID_MASK))
		vmcs_set_bits(GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_NMI);
}

/* SDM vol. 3, 6.15, interrupt 17: CR0.AM, RFLAGS.AC and CPL 3. */
static bool checks_alignment(struct vl_vcpu *vcpu)
{
	return (vl_guest_cr0() & X86_CR0_AM) && (vmcs_read(GUEST_RFLAGS) & X86_EFLAGS_AC) &&
	       ((vmcs_read32(VMCS_SEG_AR(VL_SEG_SS)) >> 5) & 3) == 3;
}

/* The guest's, or the host's, which asks the CPU for one on a split lock. */
static int exit_ac(struct vl_vcpu *vcpu)
{
	if (boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) && !checks_alignment(vcpu)) {
		if (handle_guest_split_lock(vmcs_read(GUEST_RIP)))
			return VL_RESUME;
		return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_UNEXPECTED_EXIT, 0);
	}
	vl_inject_exception(vcpu, X86_TRAP_AC, true, vmcs_read32(VM_EXIT_INTR_ERROR_CODE));
	return VL_RESUME;
}

static int exit_exception(struct vl_vcpu *vcpu)
{
	u32 info = vmcs_read32(VM_EXIT_INTR_INFO);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	/* The host's NMI: run.c has called its handler. */
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		return VL_RESUME;
	restore_nmi_blocking(vcpu, info);
	switch (vector) {
	case X86_TRAP_DB:
		if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION &&
		    !vcpu->hw.cap[VM_CAP_DEBUG_EXIT]) {
			vl_inject_int1(vcpu);
			return VL_RESUME;
		}
		return exit_db(vcpu);
	case X86_TRAP_BP:
		exit_debug(vcpu, X86_TRAP_BP, 0);
		vcpu->run->insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		return VL_TO_USER;
	case X86_TRAP_AC:
		return exit_ac(vcpu);
	case X86_TRAP_MC:
		/* The host's too. */
		return VL_RESUME;
	default:
		return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_UNEXPECTED_EXIT, 0);
	}
}

static int exit_nothing(struct vl_vcpu *vcpu)
{
	return VL_RESUME;
}

static int exit_triple_fault(struct vl_vcpu *vcpu)
{
	vl_vm_suspend(vcpu->vm, VM_SUSPEND_TRIPLEFAULT);
	return VL_RESUME;
}

static int exit_window(struct vl_vcpu *vcpu)
{
	vl_request(vcpu, VL_REQ_EVENT);
	return VL_RESUME;
}

/* To user space, behind the instruction that exited. */
static int skip_to_user(struct vl_vcpu *vcpu, enum vmx_lite_exit_reason reason)
{
	vl_vcpu_skip(vcpu);
	/* This exit is the one behind the instruction. */
	vcpu->hw.mtrap_armed = false;
	to_user(vcpu, reason);
	vcpu->run->insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	return VL_TO_USER;
}

static int exit_hlt(struct vl_vcpu *vcpu)
{
	if (vcpu->hw.cap[VM_CAP_HALT_EXIT])
		return skip_to_user(vcpu, VM_EXITCODE_HLT);
	vl_vcpu_skip(vcpu);
	WRITE_ONCE(vcpu->activity, VMX_LITE_HALTED);
	return VL_RESUME;
}

static int exit_pause(struct vl_vcpu *vcpu)
{
	if (vcpu->hw.cap[VM_CAP_PAUSE_EXIT])
		return skip_to_user(vcpu, VM_EXITCODE_PAUSE);
	vl_vcpu_skip(vcpu);
	vl_vcpu_yield(vcpu);
	return VL_RESUME;
}

static int exit_mtrap(struct vl_vcpu *vcpu)
{
	return to_user(vcpu, VM_EXITCODE_MTRAP);
}

/* INVD and WBINVD: guest memory is coherent, there is nothing to write back. */
static int exit_skip(struct vl_vcpu *vcpu)
{
	vl_vcpu_skip(vcpu);
	return VL_RESUME;
}

/* Instructions that the guest's CPUID does not offer. */
static int exit_ud(struct vl_vcpu *vcpu)
{
	vl_inject_ud(vcpu);
	return VL_RESUME;
}

static int exit_gp(struct vl_vcpu *vcpu)
{
	vl_inject_gp(vcpu);
	return VL_RESUME;
}

static int exit_tpr(struct vl_vcpu *vcpu)
{
	vl_request(vcpu, VL_REQ_EVENT);
	return VL_RESUME;
}

/* SDM vol. 3, table 28-7: bits 2:0 of the qualification are the access. */
static int exit_ept_violation(struct vl_vcpu *vcpu)
{
	u64 qualification = vmcs_read(EXIT_QUALIFICATION);
	u64 gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);
	u32 access = qualification & (VMX_LITE_ACCESS_READ | VMX_LITE_ACCESS_WRITE |
				      VMX_LITE_ACCESS_EXEC);
	int ret;

	restore_nmi_blocking(vcpu, qualification);
	vcpu->hw.l1d_flush = true;
	if (vl_apicv_fault(vcpu, gpa))
		return VL_RESUME;
	ret = vl_memory_fault(vcpu->vm, gpa, access);
	trace_vl_ept_fault(vcpu, gpa, qualification, ret);
	if (ret == VL_FAULT_MAPPED) {
		vcpu->hw.stats.ept_faults++;
		return VL_RESUME;
	}
	if (ret == -EINTR)
		return to_user(vcpu, VM_EXITCODE_INTR);
	if (ret < 0)
		return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_MEMORY, ret);
	if (vcpu->hw.idt_vectoring & VECTORING_INFO_VALID_MASK)
		return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_DELIVERY, 0);
	return vl_mmio_exit(vcpu, gpa, qualification);
}

static int exit_ept_misconfig(struct vl_vcpu *vcpu)
{
	return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_EPT_MISCONFIG, 0);
}

static int exit_unexpected(struct vl_vcpu *vcpu)
{
	return vl_exit_internal(vcpu, VMX_LITE_INTERNAL_UNEXPECTED_EXIT, 0);
}

static const exit_fn handlers[VMX_LITE_STAT_REASONS] = {
	[EXIT_REASON_EXCEPTION_NMI] = exit_exception,
	[EXIT_REASON_EXTERNAL_INTERRUPT] = exit_nothing,
	[EXIT_REASON_TRIPLE_FAULT] = exit_triple_fault,
	[EXIT_REASON_INIT_SIGNAL] = exit_nothing,
	[EXIT_REASON_INTERRUPT_WINDOW] = exit_window,
	[EXIT_REASON_NMI_WINDOW] = exit_window,
	[EXIT_REASON_CPUID] = vl_exit_cpuid,
	[EXIT_REASON_HLT] = exit_hlt,
	[EXIT_REASON_INVD] = exit_skip,
	[EXIT_REASON_RDPMC] = exit_gp,
	[EXIT_REASON_VMCALL] = exit_ud,
	[EXIT_REASON_VMCLEAR] = exit_ud,
	[EXIT_REASON_VMLAUNCH] = exit_ud,
	[EXIT_REASON_VMPTRLD] = exit_ud,
	[EXIT_REASON_VMPTRST] = exit_ud,
	[EXIT_REASON_VMREAD] = exit_ud,
	[EXIT_REASON_VMRESUME] = exit_ud,
	[EXIT_REASON_VMWRITE] = exit_ud,
	[EXIT_REASON_VMOFF] = exit_ud,
	[EXIT_REASON_VMON] = exit_ud,
	[EXIT_REASON_CR_ACCESS] = vl_exit_cr,
	[EXIT_REASON_DR_ACCESS] = vl_exit_dr,
	[EXIT_REASON_IO_INSTRUCTION] = vl_exit_io,
	[EXIT_REASON_MSR_READ] = vl_exit_rdmsr,
	[EXIT_REASON_MSR_WRITE] = vl_exit_wrmsr,
	[EXIT_REASON_MWAIT_INSTRUCTION] = exit_ud,
	[EXIT_REASON_MONITOR_TRAP_FLAG] = exit_mtrap,
	[EXIT_REASON_MONITOR_INSTRUCTION] = exit_ud,
	[EXIT_REASON_PAUSE_INSTRUCTION] = exit_pause,
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = exit_tpr,
	[EXIT_REASON_APIC_ACCESS] = vl_exit_apic_access,
	[EXIT_REASON_EOI_INDUCED] = vl_exit_eoi,
	[EXIT_REASON_EPT_VIOLATION] = exit_ept_violation,
	[EXIT_REASON_EPT_MISCONFIG] = exit_ept_misconfig,
	[EXIT_REASON_INVEPT] = exit_ud,
	[EXIT_REASON_INVVPID] = exit_ud,
	[EXIT_REASON_WBINVD] = exit_skip,
	[EXIT_REASON_XSETBV] = vl_exit_xsetbv,
	[EXIT_REASON_APIC_WRITE] = vl_exit_apic_write,
	[EXIT_REASON_INVPCID] = exit_ud,
	[EXIT_REASON_VMFUNC] = exit_ud,
};

/* Exits that can cut off the delivery of an event (SDM vol. 3, 28.2.4). */
static bool may_vector(u32 reason)
{
	switch (reason) {
	case EXIT_REASON_EXCEPTION_NMI:
	case EXIT_REASON_TRIPLE_FAULT:
	case EXIT_REASON_TASK_SWITCH:
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
	case EXIT_REASON_APIC_ACCESS:
		return true;
	default:
		return false;
	}
}

/**
 * vl_handle_exit() - what the last exit needs
 * @vcpu: loaded, after an exit
 * Return: VL_RESUME, VL_TO_USER, or -errno.
 */
int vl_handle_exit(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u32 reason = (u16)hw->exit_reason;
	exit_fn handler;

	trace_vl_exit(vcpu, reason);
	if (unlikely(reason >= VMX_LITE_STAT_REASONS))
		return exit_unexpected(vcpu);
	hw->stats.exits[reason]++;

	hw->idt_vectoring = 0;
	if (may_vector(reason)) {
		hw->idt_vectoring = vmcs_read32(IDT_VECTORING_INFO_FIELD);
		if (unlikely(hw->idt_vectoring & VECTORING_INFO_VALID_MASK))
			vl_requeue_vectoring(vcpu);
	}
	/* Handlers jump through a table a guest chooses the index of. */
	handler = handlers[array_index_nospec(reason, VMX_LITE_STAT_REASONS)];
	if (unlikely(!handler))
		return exit_unexpected(vcpu);
	return handler(vcpu);
}
