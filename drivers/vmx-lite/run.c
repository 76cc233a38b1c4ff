// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_RUN: finish the last exit, then enter the guest until user space is
 * needed.  SDM vol. 3, chapters 27 and 28.
 */
#include <linux/entry-kvm.h>
#include <linux/hw_breakpoint.h>
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/spec-ctrl.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "trace.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

/*
 * The host's code for work before a guest's entry notes a signal in KVM's vCPU.  We have
 * none, so here is one that nobody reads.
 */
static struct kvm_run sink_run;
static struct kvm_vcpu sink = { .run = &sink_run };

/**
 * vl_exit_to_user() - end VM_RUN with a reason
 * @vcpu: whose run page's union is filled, or needs nothing
 * @reason: what it is
 * Return: VL_TO_USER.
 */
int vl_exit_to_user(struct vl_vcpu *vcpu, enum vmx_lite_exit_reason reason)
{
	vcpu->run->exit_reason = reason;
	return VL_TO_USER;
}

/**
 * vl_exit_internal() - end VM_RUN because the engine cannot go on
 * @vcpu: loaded, after an exit
 * @why: what happened
 * @error: -errno, or 0
 *
 * The instruction's bytes, if they are known, are filled in by the caller.
 * Return: VL_TO_USER.
 */
int vl_exit_internal(struct vl_vcpu *vcpu, enum vmx_lite_internal why, int error)
{
	struct vmx_lite_run *run = vcpu->run;

	memset(&run->internal, 0, sizeof(run->internal));
	run->rip = vmcs_read(GUEST_RIP);
	run->internal.why = why;
	run->internal.vmx_reason = vcpu->hw.exit_reason;
	run->internal.qualification = vmcs_read(EXIT_QUALIFICATION);
	run->internal.gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);
	run->internal.gva = vmcs_read(GUEST_LINEAR_ADDRESS);
	run->internal.error = error;
	run->internal.idt_vectoring = vcpu->hw.idt_vectoring;
	return vl_exit_to_user(vcpu, VM_EXITCODE_INTERNAL);
}

/**
 * vl_vcpu_skip() - go on behind the instruction that exited
 * @vcpu: loaded, after an exit with an instruction length
 *
 * As if the instruction had retired: its STI or MOV SS shadow ends, and a
 * single step traps (SDM vol. 3, 25.4.2 and 27.7.3).
 */
void vl_vcpu_skip(struct vl_vcpu *vcpu)
{
	vl_vcpu_skip_from(vcpu, vmcs_read(GUEST_RIP), vmcs_read32(VM_EXIT_INSTRUCTION_LEN));
}

/**
 * vl_vcpu_skip_from() - the same, where both numbers are known
 * @vcpu: loaded
 * @old: RIP of the instruction
 * @len: its length
 */
void vl_vcpu_skip_from(struct vl_vcpu *vcpu, unsigned long old, u32 len)
{
	unsigned long rip = old + len;

	/* RIP wraps at 32 bits, outside 64-bit mode. */
	if (unlikely((old ^ rip) >> 32) && !(vmcs_read32(VMCS_SEG_AR(VL_SEG_CS)) & BIT(13)))
		rip = (u32)rip;
	vmcs_write(GUEST_RIP, rip);
	vl_vcpu_retire(vcpu);
}

/**
 * vl_vcpu_retire() - what goes with the end of an emulated instruction
 * @vcpu: loaded; RIP and RFLAGS are up to date
 */
void vl_vcpu_retire(struct vl_vcpu *vcpu)
{
	const u32 shadow = GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS;
	u32 blocking = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	if (unlikely(blocking & shadow)) {
		vmcs_write(GUEST_INTERRUPTIBILITY_INFO, blocking & ~shadow);
		vl_request(vcpu, VL_REQ_EVENT);
	}
	if (unlikely(vmcs_read(GUEST_RFLAGS) & X86_EFLAGS_TF))
		vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, VL_DR6_BS);
	/* The monitor trap flag sees only what the CPU executes. */
	vcpu->hw.mtrap_armed = vcpu->hw.cap[VM_CAP_MTRAP_EXIT];
}

static int fail_entry(struct vl_vcpu *vcpu, enum vmx_lite_fail why, const char *what)
{
	struct vmx_lite_run *run = vcpu->run;

	memset(&run->fail_entry, 0, sizeof(run->fail_entry));
	run->rip = vmcs_read(GUEST_RIP);
	run->fail_entry.why = why;
	run->fail_entry.vmx_reason = vcpu->hw.exit_reason;
	run->fail_entry.insn_error = vmcs_read32(VM_INSTRUCTION_ERROR);
	run->fail_entry.qualification = vmcs_read(EXIT_QUALIFICATION);
	strscpy(run->fail_entry.what, what, sizeof(run->fail_entry.what));
	return vl_exit_to_user(vcpu, VM_EXITCODE_FAIL_ENTRY);
}

/* SDM vol. 3, table 27-1 and 27.8: what failed where. */
static int explain_failure(struct vl_vcpu *vcpu, bool launched)
{
	if (!launched) {
		vcpu->hw.exit_reason = 0;
		if (READ_ONCE(vl_stopping))
			return -ESHUTDOWN;
		return fail_entry(vcpu, VMX_LITE_FAIL_INSTRUCTION,
				  "VM entry: the CPU refused the VMCS's controls or host state");
	}
	switch ((u16)vcpu->hw.exit_reason) {
	case EXIT_REASON_INVALID_STATE:
		return fail_entry(vcpu, VMX_LITE_FAIL_GUEST_STATE, vl_vmcs_guest_problem());
	case EXIT_REASON_MSR_LOAD_FAIL:
		return fail_entry(vcpu, VMX_LITE_FAIL_MSR_LOAD, "an MSR could not be loaded");
	default:
		return fail_entry(vcpu, VMX_LITE_FAIL_MACHINE_CHECK,
				  "a machine check during VM entry");
	}
}

/*
 * The kernel's guest_state_enter_irqoff() and guest_state_exit_irqoff(), but for
 * telling RCU each time that this CPU is quiescent, which costs a fifth of a short
 * exit: the host's tick makes the guest exit, and enter_once() tells it then.
 */
static __always_inline void enter_guest_context(void)
{
	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);
}

static __always_inline void leave_guest_context(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();

	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
}

/* From here to the end, no instrumentation: RCU may not be watching. */
static noinstr int enter_irqoff(struct vl_vcpu *vcpu, unsigned long flags)
{
	struct vl_hw *hw = &vcpu->hw;
	int failed;

	enter_guest_context();
	if (hw->cr2 != native_read_cr2())
		native_write_cr2(hw->cr2);
	failed = vl_enter(vcpu->gpr, flags, &hw->enter);
	hw->cr2 = native_read_cr2();
	if (likely(!failed)) {
		hw->exit_reason = vmcs_read32(VM_EXIT_REASON);
		/* NMIs stay blocked from the exit until the host's handler returns. */
		if (unlikely(hw->exit_reason == EXIT_REASON_EXCEPTION_NMI)) {
			if ((vmcs_read32(VM_EXIT_INTR_INFO) &
			     (INTR_INFO_VALID_MASK | INTR_INFO_INTR_TYPE_MASK)) ==
			    (INTR_INFO_VALID_MASK | INTR_TYPE_NMI_INTR))
				asm volatile("int $2");
		}
	}
	leave_guest_context();
	return failed;
}

static unsigned long enter_flags(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	unsigned long flags = hw->vmcs.launched ? VL_ENTER_RESUME : 0;

	if (static_cpu_has(X86_FEATURE_MSR_SPEC_CTRL)) {
		hw->enter.guest_spec_ctrl = hw->store.spec_ctrl;
		hw->enter.host_spec_ctrl = spec_ctrl_current();
		/* With kernel IBRS the write itself is the barrier (retbleed). */
		if (hw->enter.guest_spec_ctrl != hw->enter.host_spec_ctrl ||
		    cpu_feature_enabled(X86_FEATURE_KERNEL_IBRS))
			flags |= VL_ENTER_SPEC_CTRL;
	}
	return flags;
}

/*
 * A machine check in the guest, or one that ended the entry (SDM vol. 3, 27.9), is
 * the host's.  Its handler reads the banks of this CPU, and another machine check
 * before that would shut it down: so here, before interrupts and preemption.
 */
static void forward_machine_check(struct vl_vcpu *vcpu)
{
	const u32 mask = INTR_INFO_VALID_MASK | INTR_INFO_INTR_TYPE_MASK |
			 INTR_INFO_VECTOR_MASK;
	u16 reason = vcpu->hw.exit_reason;

	if (reason == EXIT_REASON_MCE_DURING_VMENTRY ||
	    (reason == EXIT_REASON_EXCEPTION_NMI &&
	     (vmcs_read32(VM_EXIT_INTR_INFO) & mask) ==
		     (INTR_INFO_VALID_MASK | INTR_TYPE_HARD_EXCEPTION | X86_TRAP_MC)))
		asm volatile("int $18");
}

/*
 * One entry and exit.  Returns VL_RESUME after an exit to be handled, with
 * hw.entered telling whether there was one; else as vl_vcpu_run().
 */
static int enter_once(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	bool breakpoints = hw->dr7 & 0xff;
	bool event;
	int failed;

	hw->entered = false;
	preempt_disable();
	if (!hw->host.switched)
		vl_host_switch_in(vcpu);
	local_irq_disable();
	WRITE_ONCE(vcpu->mode, VL_IN_GUEST);
	/* Pairs with vl_vcpu_kick() and vl_vm_flush_ept(): we see it, or they us. */
	smp_mb();

	if (unlikely(test_bit(VL_REQ_FLUSH_EPT, vcpu->requests)) &&
	    test_and_clear_bit(VL_REQ_FLUSH_EPT, vcpu->requests))
		vl_invept(VMX_EPT_EXTENT_CONTEXT, vl_ept_pointer(&vcpu->vm->mem.ept));
	event = test_bit(VL_REQ_EVENT, vcpu->requests) &&
		test_and_clear_bit(VL_REQ_EVENT, vcpu->requests);
	if (unlikely(vcpu->requests[0] || xfer_to_guest_mode_work_pending() ||
		     READ_ONCE(vcpu->run->immediate_exit))) {
		WRITE_ONCE(vcpu->mode, VL_OUTSIDE);
		if (event)
			vl_request(vcpu, VL_REQ_EVENT);
		local_irq_enable();
		preempt_enable();
		return VL_RESUME;
	}
	/* What comes from now on comes with an interrupt that ends the entry at once. */
	if (event)
		vl_inject_events(vcpu);

	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	vl_host_refresh(vcpu);
	if (unlikely(breakpoints))
		vl_debug_load(vcpu);
	if (unlikely(hw->switch_xcr0))
		xsetbv(XCR_XFEATURE_ENABLED_MASK, hw->xcr0);
	trace_vl_entry(vcpu);
	hw->stats.entries++;
	vl_l1d_flush(vcpu);
	vl_mmio_data_clear(vcpu);

	guest_timing_enter_irqoff();
	failed = enter_irqoff(vcpu, enter_flags(vcpu));
	/*
	 * While preemption is off: a move to another CPU clears the VMCS.  SDM vol. 3,
	 * 27.8: a failure to load the guest leaves the launch state as it was.
	 */
	if (!failed && !(hw->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		hw->vmcs.launched = true;

	WRITE_ONCE(vcpu->mode, VL_OUTSIDE);
	/* While it is this CPU that returns to user space next, or switches threads. */
	vl_note_guest_branches();
	if (likely(!failed))
		forward_machine_check(vcpu);
	if (unlikely(hw->switch_xcr0))
		xsetbv(XCR_XFEATURE_ENABLED_MASK, vl_host_xcr0);
	if (unlikely(breakpoints || hw_breakpoint_active()))
		vl_debug_restore(vcpu);
	/* VM exit has cleared it (SDM vol. 3, 28.5.1). */
	if (unlikely(hw->host.debugctl))
		update_debugctlmsr(hw->host.debugctl);
	/* The tick that may be pending counts as the guest's time: take it first. */
	if (!failed && hw->exit_reason == EXIT_REASON_EXTERNAL_INTERRUPT) {
		vl_rcu_note_guest();
		local_irq_enable();
		local_irq_disable();
	}
	guest_timing_exit_irqoff();
	local_irq_enable();
	preempt_enable();

	hw->entered = !failed;
	if (unlikely(failed || (hw->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY))) {
		int ret = explain_failure(vcpu, !failed);

		/* Not before: what it was to inject may be the reason. */
		vl_cancel_injection(vcpu);
		return ret;
	}
	return VL_RESUME;
}

/* SDM vol. 3, 9.4.1: after an INIT, IA32_APIC_BASE.BSP says who begins at once. */
static void take_init(struct vl_vcpu *vcpu)
{
	vl_vcpu_reset(vcpu, true);
	WRITE_ONCE(vcpu->activity, vl_lapic_base(vcpu) & MSR_IA32_APICBASE_BSP ?
				   VMX_LITE_RUNNING : VMX_LITE_WAIT_SIPI);
}

/* SDM vol. 3, 9.4.4: the vector is the page to begin at; who does not wait ignores it. */
static void take_sipi(struct vl_vcpu *vcpu)
{
	u32 sipi = xchg(&vcpu->sipi, 0);
	u8 vector = sipi;

	if (vcpu->activity != VMX_LITE_WAIT_SIPI || !(sipi & VL_SIPI_VALID))
		return;
	vmcs_write(GUEST_CS_SELECTOR, vector << 8);
	vmcs_write(GUEST_CS_BASE, (u64)vector << 12);
	vmcs_write(GUEST_RIP, 0);
	WRITE_ONCE(vcpu->activity, VMX_LITE_RUNNING);
}

/* A start-up IPI of this vCPU found nobody who runs its target: one exit a target. */
static int exit_spinup(struct vl_vcpu *vcpu)
{
	u32 id = find_first_bit(vcpu->spinup, VMX_LITE_MAX_VCPUS);
	struct vmx_lite_run *run = vcpu->run;

	__clear_bit(id, vcpu->spinup);
	if (bitmap_empty(vcpu->spinup, VMX_LITE_MAX_VCPUS))
		clear_bit(VL_REQ_SPINUP, vcpu->requests);
	memset(&run->spinup_ap, 0, sizeof(run->spinup_ap));
	run->rip = vmcs_read(GUEST_RIP);
	run->insn_len = 0;
	run->spinup_ap.vcpu = id;
	/* An INIT that has come since counts again when the vCPU runs. */
	run->spinup_ap.rip = (u64)(u8)READ_ONCE(vcpu->vm->vcpus[id]->sipi) << 12;
	return vl_exit_to_user(vcpu, VM_EXITCODE_SPINUP_AP);
}

/* What other threads asked for, but FLUSH_EPT and EVENT: those are for enter_once(). */
static int service_requests(struct vl_vcpu *vcpu)
{
	bool sipi;

	if (likely(!(vcpu->requests[0] &
		     ~(BIT(VL_REQ_FLUSH_EPT) | BIT(VL_REQ_EVENT)))))
		return VL_RESUME;
	if (test_bit(VL_REQ_SUSPEND, vcpu->requests)) {
		vcpu->run->suspended.how = READ_ONCE(vcpu->vm->suspended);
		vcpu->run->rip = vmcs_read(GUEST_RIP);
		return vl_exit_to_user(vcpu, VM_EXITCODE_SUSPENDED);
	}
	if (test_bit(VL_REQ_SPINUP, vcpu->requests))
		return exit_spinup(vcpu);
	/* First, so that a SIPI which comes with its INIT right now waits for it. */
	sipi = test_and_clear_bit(VL_REQ_SIPI, vcpu->requests);
	if (test_and_clear_bit(VL_REQ_INIT, vcpu->requests))
		take_init(vcpu);
	if (sipi)
		take_sipi(vcpu);
	if (test_and_clear_bit(VL_REQ_NMI, vcpu->requests))
		vl_latch_nmi(vcpu);
	return VL_RESUME;
}

typedef int (*complete_fn)(struct vl_vcpu *vcpu);

static const complete_fn completions[] = {
	[VL_COMPLETE_IN] = vl_complete_in,
	[VL_COMPLETE_OUT] = vl_complete_out,
	[VL_COMPLETE_STRING] = vl_string_finish,
	[VL_COMPLETE_RDMSR] = vl_complete_msr,
	[VL_COMPLETE_WRMSR] = vl_complete_msr,
	[VL_COMPLETE_MMIO] = vl_mmio_complete,
};

static int complete_last_exit(struct vl_vcpu *vcpu)
{
	enum vl_completion what = vcpu->hw.completion;

	if (what == VL_COMPLETE_NONE)
		return VL_RESUME;
	vcpu->hw.completion = VL_COMPLETE_NONE;
	return completions[what](vcpu);
}

static int run_loop(struct vl_vcpu *vcpu)
{
	int ret;

	for (;;) {
		ret = service_requests(vcpu);
		if (ret != VL_RESUME)
			return ret;
		if (READ_ONCE(vl_stopping))
			return -ESHUTDOWN;
		if (READ_ONCE(vcpu->run->immediate_exit) || signal_pending(current)) {
			vcpu->run->rip = vmcs_read(GUEST_RIP);
			return vl_exit_to_user(vcpu, VM_EXITCODE_INTR);
		}
		if (unlikely(vcpu->hw.mtrap_armed)) {
			vcpu->hw.mtrap_armed = false;
			vcpu->run->rip = vmcs_read(GUEST_RIP);
			vcpu->run->insn_len = 0;
			return vl_exit_to_user(vcpu, VM_EXITCODE_MTRAP);
		}
		if (unlikely(vl_extint_ready(vcpu))) {
			vcpu->run->rip = vmcs_read(GUEST_RIP);
			return vl_exit_to_user(vcpu, VM_EXITCODE_EXTINT);
		}
		if (unlikely(vcpu->activity != VMX_LITE_RUNNING)) {
			vl_vcpu_wait(vcpu);
			continue;
		}

		ret = enter_once(vcpu);
		if (unlikely(vcpu->hw.pv_eoi_offered))
			vl_pv_eoi_settle(vcpu);
		if (ret == VL_RESUME && vcpu->hw.entered)
			ret = vl_handle_exit(vcpu);
		if (ret != VL_RESUME)
			return ret;
		if (__xfer_to_guest_mode_work_pending() &&
		    xfer_to_guest_mode_handle_work(&sink) == -EINTR) {
			vcpu->run->rip = vmcs_read(GUEST_RIP);
			return vl_exit_to_user(vcpu, VM_EXITCODE_INTR);
		}
	}
}

/**
 * vl_vcpu_run() - VM_RUN
 * @vcpu: loaded, vcpu->lock held, by a thread of the VM's process
 * Return: 0 with vcpu->run filled; -ESHUTDOWN if the host is going down;
 * another -errno of the completion of the last exit.
 */
int vl_vcpu_run(struct vl_vcpu *vcpu)
{
	int ret;

	/* The pin may have risen since the last entry. */
	if (unlikely(READ_ONCE(vcpu->run->intr_pin)))
		vl_request(vcpu, VL_REQ_EVENT);
	if (unlikely(rcu_access_pointer(vcpu->pid) != task_pid(current))) {
		vl_vcpu_note_thread(vcpu);
		/* Pairs with ask_for_thread() in irq.c. */
		xchg(&vcpu->thread, VL_THREAD_RUNS);
	}
	fpu_swap_kvm_fpstate(&vcpu->hw.fpu, true);
	ret = complete_last_exit(vcpu);
	if (ret == VL_RESUME)
		ret = run_loop(vcpu);
	fpu_swap_kvm_fpstate(&vcpu->hw.fpu, false);
	vcpu->hw.stats.user_exits++;
	return ret;
}
