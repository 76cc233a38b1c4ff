// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a vCPU fd: reading and writing its state.  What could not
 * pass VM entry is refused here where it can be seen alone.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "ioctl.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"
#include "walk.h"

/* ---- general registers ---- */

#define RFLAGS_ALLOWED	0x3f7fd7ULL

static long get_regs(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	struct vmx_lite_regs *regs = arg;

	vcpu->gpr[VL_RSP] = vmcs_read(GUEST_RSP);
	BUILD_BUG_ON(offsetof(struct vmx_lite_regs, rip) != sizeof(vcpu->gpr));
	memcpy(regs, vcpu->gpr, sizeof(vcpu->gpr));
	regs->rip = vmcs_read(GUEST_RIP);
	regs->rflags = vmcs_read(GUEST_RFLAGS);
	return 0;
}

static long set_regs(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	const struct vmx_lite_regs *regs = arg;

	if ((regs->rflags & ~RFLAGS_ALLOWED) || !vl_canonical(regs->rip))
		return -EINVAL;
	memcpy(vcpu->gpr, regs, sizeof(vcpu->gpr));
	vmcs_write(GUEST_RSP, regs->rsp);
	vmcs_write(GUEST_RIP, regs->rip);
	vmcs_write(GUEST_RFLAGS, regs->rflags | X86_EFLAGS_FIXED);
	/* The instruction whose exit waits for an answer is not at RIP any more. */
	vl_mmio_drop(vcpu);
	vcpu->hw.mtrap_armed = false;
	vl_request(vcpu, VL_REQ_EVENT);
	return 0;
}

/* ---- segments ---- */

#define SEG_ATTR_ALLOWED	0x1f0ffU

/* The order of struct vmx_lite_segs is that of the VMCS. */
static struct vmx_lite_segment *segment(struct vmx_lite_segs *segs, int n)
{
	return &segs->es + n;
}

static long get_segs(void *object, void *arg)
{
	struct vmx_lite_segs *segs = arg;
	int i;

	for (i = 0; i < VL_NR_VMCS_SEGS; i++) {
		struct vmx_lite_segment *seg = segment(segs, i);

		seg->selector = vmcs_read(VMCS_SEG_SELECTOR(i));
		seg->base = vmcs_read(VMCS_SEG_BASE(i));
		seg->limit = vmcs_read32(VMCS_SEG_LIMIT(i));
		seg->attr = vmcs_read32(VMCS_SEG_AR(i));
	}
	segs->gdtr.base = vmcs_read(GUEST_GDTR_BASE);
	segs->gdtr.limit = vmcs_read(GUEST_GDTR_LIMIT);
	segs->idtr.base = vmcs_read(GUEST_IDTR_BASE);
	segs->idtr.limit = vmcs_read(GUEST_IDTR_LIMIT);
	return 0;
}

static bool segment_valid(const struct vmx_lite_segment *seg, int n)
{
	bool wide = n == VL_SEG_FS || n == VL_SEG_GS || n == VL_SEG_LDTR || n == VL_SEG_TR;

	if ((seg->attr & ~SEG_ATTR_ALLOWED) || seg->pad[0] || seg->pad[1] || seg->pad[2])
		return false;
	if (seg->attr & VMX_LITE_SEG_UNUSABLE)
		return n != VL_SEG_CS && n != VL_SEG_TR && vl_canonical(seg->base);
	return wide ? vl_canonical(seg->base) : !(seg->base >> 32);
}

static bool dtable_valid(const struct vmx_lite_dtable *table)
{
	return vl_canonical(table->base) && !table->pad[0] && !table->pad[1] && !table->pad[2];
}

static long set_segs(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	struct vmx_lite_segs *segs = arg;
	int i;

	for (i = 0; i < VL_NR_VMCS_SEGS; i++)
		if (!segment_valid(segment(segs, i), i))
			return -EINVAL;
	if (!dtable_valid(&segs->gdtr) || !dtable_valid(&segs->idtr))
		return -EINVAL;
	for (i = 0; i < VL_NR_VMCS_SEGS; i++) {
		const struct vmx_lite_segment *seg = segment(segs, i);

		vmcs_write(VMCS_SEG_SELECTOR(i), seg->selector);
		vmcs_write(VMCS_SEG_BASE(i), seg->base);
		vmcs_write(VMCS_SEG_LIMIT(i), seg->limit);
		vmcs_write(VMCS_SEG_AR(i), seg->attr);
	}
	vmcs_write(GUEST_GDTR_BASE, segs->gdtr.base);
	vmcs_write(GUEST_GDTR_LIMIT, segs->gdtr.limit);
	vmcs_write(GUEST_IDTR_BASE, segs->idtr.base);
	vmcs_write(GUEST_IDTR_LIMIT, segs->idtr.limit);
	vl_request(vcpu, VL_REQ_EVENT);
	return 0;
}

/* ---- control registers ---- */

static long get_control(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	struct vmx_lite_control *c = arg;
	int i;

	c->cr0 = vl_guest_cr0();
	c->cr2 = vcpu->hw.cr2;
	c->cr3 = vmcs_read(GUEST_CR3);
	c->cr4 = vl_guest_cr4();
	c->cr8 = vl_lapic_tpr(vcpu);
	c->efer = vcpu->hw.efer;
	c->xcr0 = vcpu->hw.xcr0;
	c->apic_base = vl_lapic_base(vcpu);
	for (i = 0; i < 4; i++)
		c->pdpte[i] = vmcs_read(GUEST_PDPTR0 + 2 * i);
	return 0;
}

static bool pae_paging(const struct vmx_lite_control *c)
{
	return (c->cr0 & X86_CR0_PG) && (c->cr4 & X86_CR4_PAE) && !(c->efer & EFER_LMA);
}

/* The whole must be a state a CPU can be in; the way there does not matter. */
static bool control_valid(struct vl_vcpu *vcpu, const struct vmx_lite_control *c)
{
	u64 high = ~GENMASK_ULL(vcpu->hw.maxphyaddr - 1, 0);
	bool lma = c->efer & EFER_LMA;
	int i;

	if (c->cr0 & ~(u64)VL_CR0_DEFINED)
		return false;
	if (((c->cr0 & X86_CR0_PG) && !(c->cr0 & X86_CR0_PE)) ||
	    ((c->cr0 & X86_CR0_NW) && !(c->cr0 & X86_CR0_CD)))
		return false;
	if ((c->cr4 & ~vcpu->hw.cr4_allowed) || (c->cr3 & high) || c->cr8 > 15)
		return false;
	if (c->efer & ~VL_EFER_DEFINED)
		return false;
	if (lma != ((c->efer & EFER_LME) && (c->cr0 & X86_CR0_PG)))
		return false;
	if ((lma && !(c->cr4 & X86_CR4_PAE)) || (!lma && (c->cr4 & X86_CR4_PCIDE)))
		return false;
	if (!vl_xcr0_valid(vcpu, c->xcr0))
		return false;
	for (i = 0; pae_paging(c) && i < 4; i++)
		if ((c->pdpte[i] & 1) && (c->pdpte[i] & (high | VL_PDPTE_RESERVED)))
			return false;
	return true;
}

static long set_control(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	const struct vmx_lite_control *c = arg;
	int i, err;

	if (!control_valid(vcpu, c))
		return -EINVAL;
	err = vl_lapic_restore_base(vcpu, c->apic_base);
	if (err)
		return err;
	vl_load_efer(vcpu, c->efer);
	vl_load_cr4(vcpu, c->cr4);
	vl_load_cr0(vcpu, c->cr0);
	vmcs_write(GUEST_CR3, c->cr3);
	vcpu->hw.cr2 = c->cr2;
	vl_lapic_set_tpr(vcpu, c->cr8);
	if (pae_paging(c))
		for (i = 0; i < 4; i++)
			vmcs_write(GUEST_PDPTR0 + 2 * i, c->pdpte[i]);
	vl_set_xcr0(vcpu, c->xcr0);
	vl_flush_guest_tlb(vcpu);
	vl_request(vcpu, VL_REQ_EVENT);
	return 0;
}

static long get_debug(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	struct vmx_lite_debug *d = arg;

	memcpy(d, vcpu->hw.dr, sizeof(vcpu->hw.dr));
	d->dr6 = vcpu->hw.dr6;
	d->dr7 = vcpu->hw.dr7;
	return 0;
}

static long set_debug(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	const struct vmx_lite_debug *d = arg;

	if (d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	memcpy(vcpu->hw.dr, d, sizeof(vcpu->hw.dr));
	vcpu->hw.dr6 = d->dr6 | VL_DR6_FIXED;
	vcpu->hw.dr7 = (d->dr7 & VL_DR7_WRITABLE) | VL_DR7_FIXED;
	vmcs_write(GUEST_DR7, vcpu->hw.dr7);
	return 0;
}

/* ---- MSRs, FPU, CPUID ---- */

static long do_msrs(struct vl_vcpu *vcpu, struct vmx_lite_msrs *args, bool set)
{
	struct vmx_lite_msr __user *entries = u64_to_user_ptr(args->entries);
	struct vmx_lite_msr msr;
	u32 i;
	int err;

	args->done = 0;
	if (!args->count || args->count > VMX_LITE_MAX_MSRS)
		return -EINVAL;
	for (i = 0; i < args->count; i++) {
		if (copy_from_user(&msr, &entries[i], sizeof(msr)))
			return -EFAULT;
		if (msr.pad)
			return -EINVAL;
		err = set ? vl_msr_set(vcpu, msr.index, msr.value, true) :
			    vl_msr_get(vcpu, msr.index, &msr.value, true);
		if (err)
			return -EINVAL;
		if (!set && copy_to_user(&entries[i], &msr, sizeof(msr)))
			return -EFAULT;
		args->done++;
	}
	return 0;
}

static long get_msrs(void *object, void *arg)
{
	return do_msrs(object, arg, false);
}

static long set_msrs(void *object, void *arg)
{
	return do_msrs(object, arg, true);
}

static long get_xsave(void *object, void *arg)
{
	return vl_fpu_get(object, arg);
}

static long set_xsave(void *object, void *arg)
{
	return vl_fpu_set(object, arg);
}

static long get_cpuid(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;

	return vl_cpuid_get(vcpu->hw.cpuid, arg);
}

static long set_cpuid(void *object, void *arg)
{
	return vl_cpuid_set(object, arg);
}

static long translate(void *object, void *arg)
{
	struct vmx_lite_translate *t = arg;
	const u32 kinds = VMX_LITE_ACCESS_READ | VMX_LITE_ACCESS_WRITE | VMX_LITE_ACCESS_EXEC;
	int err;

	BUILD_BUG_ON((VMX_LITE_ACCESS_READ ^ VL_ACCESS_READ) |
		     (VMX_LITE_ACCESS_WRITE ^ VL_ACCESS_WRITE) |
		     (VMX_LITE_ACCESS_EXEC ^ VL_ACCESS_EXEC));
	if (t->pad || (t->access & ~(kinds | VMX_LITE_ACCESS_USER)) || !(t->access & kinds))
		return -EINVAL;
	err = vl_translate(object, t->gva, t->access & kinds, t->access & VMX_LITE_ACCESS_USER,
			   &t->gpa, &t->error_code);
	t->fault = err == -EFAULT;
	if (t->fault)
		t->gpa = 0;
	else
		t->error_code = 0;
	return t->fault ? 0 : err;
}

/* ---- events ---- */

/* Vectors that push an error code (SDM vol. 3, 6.3.1). */
static bool has_error_code(u8 vector)
{
	const u32 with = BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) |
			 BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |
			 BIT(X86_TRAP_AC);

	return vector < 32 && (with & BIT(vector));
}

static bool event_valid(const struct vmx_lite_event *e)
{
	if (e->pad || e->error_valid > 1 || (!e->error_valid && e->error_code))
		return false;
	switch (e->type) {
	case VMX_LITE_EVENT_INTR:
	case VMX_LITE_EVENT_SOFT_INT:
		return !e->error_valid;
	case VMX_LITE_EVENT_NMI:
		return e->vector == X86_TRAP_NMI && !e->error_valid;
	case VMX_LITE_EVENT_EXCEPTION:
		return e->vector < 32 && e->vector != X86_TRAP_NMI &&
		       e->error_valid == has_error_code(e->vector) && !(e->error_code >> 16);
	case VMX_LITE_EVENT_PRIV_EXCEPTION:
		return e->vector == X86_TRAP_DB && !e->error_valid;
	case VMX_LITE_EVENT_SOFT_EXCEPTION:
		return (e->vector == X86_TRAP_BP || e->vector == X86_TRAP_OF) &&
		       !e->error_valid;
	default:
		return false;
	}
}

static long inject_event(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	const struct vmx_lite_event *e = arg;

	if (!event_valid(e))
		return -EINVAL;
	switch (e->type) {
	case VMX_LITE_EVENT_INTR:
		if (vcpu->hw.ext_vector >= 0)
			return -EBUSY;
		vcpu->hw.ext_vector = e->vector;
		vl_request(vcpu, VL_REQ_EVENT);
		return 0;
	case VMX_LITE_EVENT_NMI:
		vl_request(vcpu, VL_REQ_NMI);
		return 0;
	case VMX_LITE_EVENT_EXCEPTION:
		if (vcpu->hw.pending_valid)
			return -EBUSY;
		vl_inject_exception(vcpu, e->vector, e->error_valid, e->error_code);
		return 0;
	default:
		return -EINVAL;
	}
}

/* An NMI may come from any thread, while the vCPU runs; the rest from its own. */
static long inject(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	const struct vmx_lite_event *e = arg;
	long ret;

	if (e->type == VMX_LITE_EVENT_NMI) {
		ret = event_valid(e) ? inject_event(vcpu, arg) : -EINVAL;
		vl_vcpu_kick(vcpu);
		return ret;
	}
	if (!mutex_trylock(&vcpu->lock))
		return -EBUSY;
	vl_vcpu_load(vcpu);
	ret = inject_event(vcpu, arg);
	vl_vcpu_put(vcpu);
	mutex_unlock(&vcpu->lock);
	return ret;
}

static long get_events(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	struct vmx_lite_events *ev = arg;
	struct vl_hw *hw = &vcpu->hw;

	if (hw->pending_valid) {
		ev->pending = hw->pending;
		ev->insn_len = hw->pending_len;
		ev->pending_valid = 1;
		if (hw->ext_vector >= 0) {
			ev->intr_valid = 1;
			ev->intr_vector = hw->ext_vector;
		}
	} else if (hw->ext_vector >= 0) {
		ev->pending.vector = hw->ext_vector;
		ev->pending.type = VMX_LITE_EVENT_INTR;
		ev->pending_valid = 1;
	}
	ev->nmi_pending = min(hw->nmi_pending + test_bit(VL_REQ_NMI, vcpu->requests), 2);
	ev->interruptibility = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	ev->activity = vcpu->activity;
	ev->pending_debug = vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS);
	return 0;
}

#define PENDING_DEBUG_ALLOWED	(BIT(14) | BIT(12) | 15)

static bool events_valid(const struct vmx_lite_events *ev)
{
	const u32 shadow = VMX_LITE_BLOCK_STI | VMX_LITE_BLOCK_MOV_SS;
	int i;

	for (i = 0; i < ARRAY_SIZE(ev->pad); i++)
		if (ev->pad[i])
			return false;
	if (ev->pending_valid > 1 || ev->nmi_pending > 2 || ev->pending.pad)
		return false;
	if (ev->intr_valid > ev->pending_valid || (ev->intr_vector && !ev->intr_valid))
		return false;
	if (ev->pending_valid && !event_valid(&ev->pending))
		return false;
	if (ev->pending_valid && ev->pending.type >= VMX_LITE_EVENT_SOFT_INT &&
	    (!ev->insn_len || ev->insn_len > 15))
		return false;
	if ((ev->interruptibility & ~(shadow | VMX_LITE_BLOCK_NMI)) ||
	    (ev->interruptibility & shadow) == shadow)
		return false;
	if (ev->pending_debug & ~(u64)PENDING_DEBUG_ALLOWED)
		return false;
	/* SDM vol. 3, 27.3.1.5: only a running CPU has a shadow. */
	if ((ev->interruptibility & shadow) && ev->activity != VMX_LITE_RUNNING)
		return false;
	return ev->activity == VMX_LITE_RUNNING || ev->activity == VMX_LITE_HALTED ||
	       ev->activity == VMX_LITE_WAIT_SIPI;
}

static long set_events(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	const struct vmx_lite_events *ev = arg;
	struct vl_hw *hw = &vcpu->hw;

	if (!events_valid(ev))
		return -EINVAL;
	/*
	 * An interrupt waits until the guest can take it; what was half delivered is
	 * such, if no other is behind it.
	 */
	hw->ext_vector = ev->intr_valid ? ev->intr_vector : -1;
	hw->pending_valid = ev->pending_valid;
	if (ev->pending_valid && ev->pending.type == VMX_LITE_EVENT_INTR && !ev->intr_valid) {
		hw->pending_valid = false;
		hw->ext_vector = ev->pending.vector;
	}
	hw->pending = ev->pending;
	hw->pending_len = ev->insn_len;
	hw->nmi_pending = ev->nmi_pending;
	clear_bit(VL_REQ_NMI, vcpu->requests);
	vmcs_write(GUEST_INTERRUPTIBILITY_INFO, ev->interruptibility);
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, ev->pending_debug);
	WRITE_ONCE(vcpu->activity, ev->activity);
	vl_request(vcpu, VL_REQ_EVENT);
	return 0;
}

/* ---- local APIC, capabilities, TSC, statistics ---- */

static long get_lapic(void *object, void *arg)
{
	return vl_lapic_get_state(object, arg);
}

static long set_lapic(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;

	vl_request(vcpu, VL_REQ_EVENT);
	return vl_lapic_set_state(vcpu, arg);
}

/* Has the CPU what this capability needs? */
static bool capability_there(u32 type)
{
	return !(type == VM_CAP_MTRAP_EXIT && !vl_has(VMX_LITE_FEAT_MTRAP)) &&
	       !(type == VM_CAP_PAUSE_EXIT && !vl_has(VMX_LITE_FEAT_PAUSE_EXIT));
}

static long get_capability(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	struct vmx_lite_capability *cap = arg;

	if (cap->type >= VM_CAP_MAX || cap->value)
		return -EINVAL;
	if (!capability_there(cap->type))
		return -ENODEV;
	cap->value = vcpu->hw.cap[array_index_nospec(cap->type, VM_CAP_MAX)];
	return 0;
}

static long set_capability(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	const struct vmx_lite_capability *cap = arg;
	struct vl_hw *hw = &vcpu->hw;

	if (cap->type >= VM_CAP_MAX || cap->value > 1)
		return -EINVAL;
	if (!capability_there(cap->type))
		return -ENODEV;
	hw->cap[array_index_nospec(cap->type, VM_CAP_MAX)] = cap->value;
	vl_set_proc(hw, CPU_BASED_MONITOR_TRAP_FLAG, hw->cap[VM_CAP_MTRAP_EXIT]);
	hw->mtrap_armed &= hw->cap[VM_CAP_MTRAP_EXIT];
	vl_set_proc(hw, CPU_BASED_PAUSE_EXITING, hw->cap[VM_CAP_PAUSE_EXIT]);
	vl_update_exceptions(vcpu);
	return 0;
}

static long get_tsc(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;
	struct vmx_lite_tsc *tsc = arg;

	tsc->offset = vcpu->hw.tsc_offset;
	return 0;
}

static long set_tsc(void *object, void *arg)
{
	const struct vmx_lite_tsc *tsc = arg;

	vl_set_tsc_offset(object, tsc->offset);
	return 0;
}

static long get_stats(void *object, void *arg)
{
	struct vl_vcpu *vcpu = object;

	memcpy(arg, &vcpu->hw.stats, sizeof(vcpu->hw.stats));
	return 0;
}

static const struct vl_ioctl vcpu_ioctls[] = {
	{ VM_GET_REGS, VL_IOCTL_LOADED, get_regs },
	{ VM_SET_REGS, VL_IOCTL_LOADED, set_regs },
	{ VM_GET_SEGS, VL_IOCTL_LOADED, get_segs },
	{ VM_SET_SEGS, VL_IOCTL_LOADED, set_segs },
	{ VM_GET_CONTROL, VL_IOCTL_LOADED, get_control },
	{ VM_SET_CONTROL, VL_IOCTL_LOADED, set_control },
	{ VM_GET_DEBUG, VL_IOCTL_LOADED, get_debug },
	{ VM_SET_DEBUG, VL_IOCTL_LOADED, set_debug },
	{ VM_GET_MSRS, VL_IOCTL_LOADED, get_msrs },
	{ VM_SET_MSRS, VL_IOCTL_LOADED, set_msrs },
	{ VM_GET_XSAVE, VL_IOCTL_LOCKED, get_xsave },
	{ VM_SET_XSAVE, VL_IOCTL_LOCKED, set_xsave },
	{ VM_GET_CPUID, VL_IOCTL_LOCKED, get_cpuid },
	{ VM_SET_CPUID, VL_IOCTL_LOADED, set_cpuid },
	{ VM_TRANSLATE, VL_IOCTL_LOADED, translate },
	{ VM_INJECT, VL_IOCTL_ANY, inject },
	{ VM_GET_EVENTS, VL_IOCTL_LOADED, get_events },
	{ VM_SET_EVENTS, VL_IOCTL_LOADED, set_events },
	{ VM_GET_LAPIC, VL_IOCTL_LOADED, get_lapic },
	{ VM_SET_LAPIC, VL_IOCTL_LOADED, set_lapic },
	{ VM_GET_CAPABILITY, VL_IOCTL_LOCKED, get_capability },
	{ VM_SET_CAPABILITY, VL_IOCTL_LOADED, set_capability },
	{ VM_GET_TSC, VL_IOCTL_LOCKED, get_tsc },
	{ VM_SET_TSC, VL_IOCTL_LOADED, set_tsc },
	{ VM_GET_STATS, VL_IOCTL_ANY, get_stats },
};

/* Without the copying, for the hottest of all. */
static long run(struct vl_vcpu *vcpu)
{
	long ret;

	if (!mutex_trylock(&vcpu->lock))
		return -EBUSY;
	vl_vcpu_load(vcpu);
	ret = vl_vcpu_run(vcpu);
	vl_vcpu_put(vcpu);
	mutex_unlock(&vcpu->lock);
	return ret;
}

/**
 * vl_vcpu_ioctl() - an ioctl on a vCPU fd
 * @vcpu: the vCPU
 * @cmd: its number
 * @arg: user address of its structure
 * Context: process.
 * Return: docs/uapi.md.
 */
long vl_vcpu_ioctl(struct vl_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	const struct vl_ioctl *ioctl;
	long ret;

	if (likely(cmd == VM_RUN))
		return run(vcpu);
	ioctl = vl_ioctl_find(vcpu_ioctls, ARRAY_SIZE(vcpu_ioctls), cmd);
	if (!ioctl)
		return -ENOTTY;
	if (ioctl->mode == VL_IOCTL_ANY)
		return vl_ioctl_call(ioctl, cmd, arg, vcpu);
	if (!mutex_trylock(&vcpu->lock))
		return -EBUSY;
	if (ioctl->mode == VL_IOCTL_LOADED)
		vl_vcpu_load(vcpu);
	ret = vl_ioctl_call(ioctl, cmd, arg, vcpu);
	if (ioctl->mode == VL_IOCTL_LOADED)
		vl_vcpu_put(vcpu);
	mutex_unlock(&vcpu->lock);
	return ret;
}
