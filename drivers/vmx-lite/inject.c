// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into the guest: exceptions, NMIs, interrupts; what an exit cut off
 * half-way is injected again.  SDM vol. 3, 25.8.3, 27.6, 28.2.4.
 */
#include <linux/kernel.h>
#include <asm/trapnr.h>

#include "apicv.h"
#include "trace.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

/* Vectors 0, 10 to 13: two of them in a row are a double fault. */
#define CONTRIBUTORY	(BIT(X86_TRAP_DE) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) | \
			 BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP))

static bool contributory(u8 vector)
{
	return vector < 32 && (CONTRIBUTORY & BIT(vector));
}

/*
 * Faults, whose saved RFLAGS.RF is 1 so that an instruction breakpoint does not
 * fire again when the instruction is restarted (SDM vol. 3, 18.3.1.1).
 */
#define FAULTS		(CONTRIBUTORY | BIT(X86_TRAP_BR) | BIT(X86_TRAP_UD) | \
			 BIT(X86_TRAP_NM) | BIT(X86_TRAP_PF) | BIT(X86_TRAP_MF) | \
			 BIT(X86_TRAP_AC) | BIT(X86_TRAP_XF))

static void set_pending(struct vl_hw *hw, u8 vector, u8 type, bool has_error, u32 error)
{
	hw->pending = (struct vmx_lite_event) {
		.vector = vector,
		.type = type,
		.error_valid = has_error,
		.error_code = has_error ? error : 0,
	};
	hw->pending_valid = true;
}

/* An event that waits behind an exception goes back to where it came from. */
static void put_back(struct vl_hw *hw)
{
	switch (hw->pending.type) {
	case VMX_LITE_EVENT_INTR:
		hw->ext_vector = hw->pending.vector;
		break;
	case VMX_LITE_EVENT_NMI:
		hw->nmi_pending = min(hw->nmi_pending + 1, 2);
		break;
	default:
		/* A software event is raised again when its instruction is restarted. */
		break;
	}
}

/**
 * vl_inject_exception() - raise an exception in the guest
 * @vcpu: loaded
 * @vector: 0 to 31
 * @has_error: it has an error code (dropped in real mode: SDM vol. 3, 21.1.4)
 * @error: it
 *
 * On top of another one that is still to be delivered it becomes a double
 * fault, or shuts the VM down, as SDM vol. 3, table 6-5 says.
 * Context: the vCPU's thread.
 */
void vl_inject_exception(struct vl_vcpu *vcpu, u8 vector, bool has_error, u32 error)
{
	struct vl_hw *hw = &vcpu->hw;

	if (hw->pending_valid && hw->pending.type == VMX_LITE_EVENT_EXCEPTION) {
		u8 first = hw->pending.vector;

		if (first == X86_TRAP_DF) {
			hw->pending_valid = false;
			vl_vm_suspend(vcpu->vm, VM_SUSPEND_TRIPLEFAULT);
			return;
		}
		if ((contributory(first) && contributory(vector)) ||
		    (first == X86_TRAP_PF &&
		     (vector == X86_TRAP_PF || contributory(vector)))) {
			vector = X86_TRAP_DF;
			has_error = true;
			error = 0;
		}
	} else if (hw->pending_valid) {
		put_back(hw);
	}
	has_error = has_error && (vmcs_read(GUEST_CR0) & X86_CR0_PE);
	if (FAULTS & BIT(vector))
		vmcs_write(GUEST_RFLAGS, vmcs_read(GUEST_RFLAGS) | X86_EFLAGS_RF);
	set_pending(hw, vector, VMX_LITE_EVENT_EXCEPTION, has_error, error);
	hw->pending_len = 0;
	vl_request(vcpu, VL_REQ_EVENT);
}

/**
 * vl_inject_int1() - deliver the #DB of an INT1 that exited
 * @vcpu: loaded, after the exit
 *
 * Unlike other debug exceptions it leaves DR6 alone and returns behind its
 * instruction (SDM vol. 3, 6.4.4 and 25.8.3).
 */
void vl_inject_int1(struct vl_vcpu *vcpu)
{
	set_pending(&vcpu->hw, X86_TRAP_DB, VMX_LITE_EVENT_PRIV_EXCEPTION, false, 0);
	vcpu->hw.pending_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	vl_request(vcpu, VL_REQ_EVENT);
}

void vl_inject_ud(struct vl_vcpu *vcpu)
{
	vl_inject_exception(vcpu, X86_TRAP_UD, false, 0);
}

void vl_inject_gp(struct vl_vcpu *vcpu)
{
	vl_inject_exception(vcpu, X86_TRAP_GP, true, 0);
}

/**
 * vl_requeue_vectoring() - an exit cut the delivery of an event: deliver it again
 * @vcpu: loaded, after an exit; hw.idt_vectoring is valid
 *
 * SDM vol. 3, 28.2.4.
 */
void vl_requeue_vectoring(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u32 info = hw->idt_vectoring;
	u8 type = (info & VECTORING_INFO_TYPE_MASK) >> 8;

	set_pending(hw, info & VECTORING_INFO_VECTOR_MASK, type,
		    info & VECTORING_INFO_DELIVER_CODE_MASK,
		    vmcs_read32(IDT_VECTORING_ERROR_CODE));
	hw->pending_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	/* Delivery has blocked NMIs; the new one must find them unblocked. */
	if (type == VMX_LITE_EVENT_NMI)
		vmcs_clear_bits(GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_NMI);
	vl_request(vcpu, VL_REQ_EVENT);
}

/**
 * vl_cancel_injection() - the entry failed: what it was to inject waits again
 * @vcpu: the vCPU, loaded
 * Context: the vCPU's thread, loaded.
 */
void vl_cancel_injection(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u32 info = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	set_pending(hw, info & INTR_INFO_VECTOR_MASK,
		    (info & INTR_INFO_INTR_TYPE_MASK) >> 8,
		    info & INTR_INFO_DELIVER_CODE_MASK,
		    vmcs_read32(VM_ENTRY_EXCEPTION_ERROR_CODE));
	hw->pending_len = vmcs_read32(VM_ENTRY_INSTRUCTION_LEN);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	vl_request(vcpu, VL_REQ_EVENT);
}

/**
 * vl_latch_nmi() - an NMI has come
 * @vcpu: the vCPU, loaded
 *
 * One is in service, or on its way there, and one is latched: more are lost (SDM
 * vol. 3, 6.7.1).
 * Context: the vCPU's thread.
 */
void vl_latch_nmi(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	bool taken = (vmcs_read32(GUEST_INTERRUPTIBILITY_INFO) & GUEST_INTR_STATE_NMI) ||
		     (hw->pending_valid && hw->pending.type == VMX_LITE_EVENT_NMI);

	hw->nmi_pending = min(hw->nmi_pending + 1, taken ? 1 : 2);
	vl_request(vcpu, VL_REQ_EVENT);
}

/**
 * vl_set_proc() - set or clear a primary processor-based control
 * @hw: of the loaded vCPU
 * @bit: CPU_BASED_*
 * @on: which
 */
void vl_set_proc(struct vl_hw *hw, u32 bit, bool on)
{
	u32 proc = on ? hw->proc | bit : hw->proc & ~bit;

	if (proc == hw->proc)
		return;
	hw->proc = proc;
	vmcs_write(CPU_BASED_VM_EXEC_CONTROL, proc);
}

enum inject_stat { STAT_INTR, STAT_NMI, STAT_EXCEPTION };

static void inject(struct vl_vcpu *vcpu, const struct vmx_lite_event *event, u8 len)
{
	static const u8 stat[] = {
		[VMX_LITE_EVENT_INTR] = STAT_INTR,
		[VMX_LITE_EVENT_NMI] = STAT_NMI,
		[VMX_LITE_EVENT_EXCEPTION] = STAT_EXCEPTION,
		[VMX_LITE_EVENT_SOFT_INT] = STAT_INTR,
		[VMX_LITE_EVENT_PRIV_EXCEPTION] = STAT_EXCEPTION,
		[VMX_LITE_EVENT_SOFT_EXCEPTION] = STAT_EXCEPTION,
	};
	u32 info = INTR_INFO_VALID_MASK | event->type << 8 | event->vector;

	if (event->error_valid) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		vmcs_write(VM_ENTRY_EXCEPTION_ERROR_CODE, event->error_code);
	}
	if (event->type >= VMX_LITE_EVENT_SOFT_INT)
		vmcs_write(VM_ENTRY_INSTRUCTION_LEN, len);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, info);
	vcpu->hw.stats.injected[stat[event->type]]++;
	trace_vl_inject(vcpu, info, event->error_code);
}

/* The vector of an interrupt that waits, and its source; -1 if there is none. */
static int waiting_vector(struct vl_vcpu *vcpu)
{
	if (vcpu->hw.ext_vector >= 0)
		return vcpu->hw.ext_vector;
	return vl_lapic_pending(vcpu);
}

/* The same, without what the CPU delivers by itself. */
static int injected_vector(struct vl_vcpu *vcpu)
{
	if (vcpu->hw.apicv & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
		return vcpu->hw.ext_vector;
	return waiting_vector(vcpu);
}

/*
 * An 8259A in user space asserts INTR and LINT0 lets it through.  It outranks
 * the local APIC, which has no say in it (SDM vol. 3, 11.8.1).
 */
static bool extint_waits(struct vl_vcpu *vcpu)
{
	return unlikely(READ_ONCE(vcpu->run->intr_pin)) && vl_lapic_passes_intr(vcpu->lapic);
}

/*
 * Is the CPU to deliver a local interrupt, but not yet, as another event comes first?  The
 * gate of that event clears RFLAGS.IF, which holds the CPU back too (SDM vol. 3, 30.2.2); but
 * not every one: Bochs forgets IF when an interrupt of the host is there at the same time.
 * While an interrupt window is asked for, none is recognized at all (30.2.1).
 */
static bool delivery_held(struct vl_vcpu *vcpu, bool injected)
{
	return injected && (vcpu->hw.apicv & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) &&
	       vl_lapic_pending(vcpu) >= 0;
}

static void take_vector(struct vl_vcpu *vcpu, int vector)
{
	if (vcpu->hw.ext_vector >= 0) {
		vcpu->hw.ext_vector = -1;
	} else {
		vl_lapic_ack(vcpu, vector);
		vl_pv_eoi_offer(vcpu, vector);
	}
}

static bool nmi_blocked(u32 blocking)
{
	/* Some CPUs want STI blocking gone too (SDM vol. 3, 27.3.1.5). */
	return blocking & (GUEST_INTR_STATE_NMI | GUEST_INTR_STATE_MOV_SS |
			   GUEST_INTR_STATE_STI);
}

static bool interrupts_blocked(u32 blocking)
{
	return (blocking & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)) ||
	       !(vmcs_read(GUEST_RFLAGS) & X86_EFLAGS_IF);
}

static void update_tpr_threshold(struct vl_vcpu *vcpu)
{
	u32 threshold;

	if (!vl_has(VMX_LITE_FEAT_TPR_SHADOW))
		return;
	threshold = vl_lapic_tpr_threshold(vcpu);
	if (threshold == vcpu->hw.tpr_threshold)
		return;
	vcpu->hw.tpr_threshold = threshold;
	vmcs_write(TPR_THRESHOLD, threshold);
}

/**
 * vl_inject_events() - choose what the next entry injects, and open windows
 * @vcpu: the vCPU, loaded
 *
 * One event an entry: first what was cut off or raised by us, then an NMI, then
 * an interrupt (SDM vol. 3, table 6-2).  For the rest ask for an exit as soon
 * as the guest can take it.
 * Context: interrupts off, right before the entry.
 */
void vl_inject_events(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	u32 blocking = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	struct vmx_lite_event event = { };
	bool injected = false, in_sti;
	int vector;

	if (hw->pending_valid) {
		inject(vcpu, &hw->pending, hw->pending_len);
		hw->pending_valid = false;
		injected = true;
	}
	if (hw->nmi_pending && !injected && !nmi_blocked(blocking)) {
		event.type = VMX_LITE_EVENT_NMI;
		event.vector = X86_TRAP_NMI;
		hw->nmi_pending--;
		inject(vcpu, &event, 0);
		injected = true;
	}
	vector = injected_vector(vcpu);
	if (vector >= 0 && !injected && !interrupts_blocked(blocking)) {
		event.type = VMX_LITE_EVENT_INTR;
		event.vector = vector;
		take_vector(vcpu, vector);
		inject(vcpu, &event, 0);
		injected = true;
		vector = injected_vector(vcpu);
	}
	/*
	 * In an STI's shadow an NMI window may be open although the NMI cannot be
	 * injected (SDM vol. 3, 26.2): the guest would exit without end.  The
	 * interrupt window opens behind the next instruction.
	 */
	in_sti = !injected && (blocking & GUEST_INTR_STATE_STI);
	vl_set_proc(hw, CPU_BASED_NMI_WINDOW_EXITING, hw->nmi_pending && !in_sti);
	vl_set_proc(hw, CPU_BASED_INTR_WINDOW_EXITING,
		    vector >= 0 || extint_waits(vcpu) || (hw->nmi_pending && in_sti) ||
		    delivery_held(vcpu, injected));
	if (hw->apicv & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
		vl_apicv_sync(vcpu);
	else
		update_tpr_threshold(vcpu);
}

/**
 * vl_vcpu_has_event() - would a halted vCPU wake up?
 * @vcpu: the vCPU, loaded
 * Context: the vCPU's thread, loaded.
 * Return: whether it would.
 */
bool vl_vcpu_has_event(struct vl_vcpu *vcpu)
{
	u32 blocking = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	if (vcpu->hw.pending_valid)
		return true;
	/* A single step over the HLT traps at once. */
	if (vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS) & VL_DR6_BS)
		return true;
	if (vcpu->hw.nmi_pending && !nmi_blocked(blocking))
		return true;
	return !interrupts_blocked(blocking) &&
	       (waiting_vector(vcpu) >= 0 || extint_waits(vcpu));
}

/**
 * vl_extint_ready() - must user space be asked for the vector of its 8259A now?
 * @vcpu: the vCPU, loaded
 *
 * The vector is asked for when the guest can take it, as hardware's interrupt
 * acknowledge cycle does: until then a request of higher priority may come, or
 * this one may be withdrawn.
 * Context: the vCPU's thread, loaded.
 * Return: whether it must.
 */
bool vl_extint_ready(struct vl_vcpu *vcpu)
{
	return extint_waits(vcpu) && vcpu->activity == VMX_LITE_RUNNING &&
	       !vcpu->hw.pending_valid && vcpu->hw.ext_vector < 0 &&
	       !interrupts_blocked(vmcs_read32(GUEST_INTERRUPTIBILITY_INFO));
}

/**
 * vl_update_exceptions() - which exceptions exit
 * @vcpu: loaded
 *
 * #DB and #AC always: a guest can make the CPU deliver either for ever without
 * a chance for an interrupt.  #MC is the host's.
 */
void vl_update_exceptions(struct vl_vcpu *vcpu)
{
	u32 bitmap = BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_MC);

	if (vcpu->hw.cap[VM_CAP_DEBUG_EXIT])
		bitmap |= BIT(X86_TRAP_BP);
	vmcs_write(EXCEPTION_BITMAP, bitmap);
}
