// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual CPU: its life, loading it on a CPU, and telling it things.
 */
#include <linux/cpumask.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/tsc.h>

#include "apicv.h"
#include "compat.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

static DEFINE_IDA(vpids);

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct vl_vcpu *vcpu = container_of(notifier, struct vl_vcpu, hw.notifier);

	WRITE_ONCE(vcpu->preempted, false);
	vl_vmx_load(vcpu);
}

static void leave_cpu(struct vl_vcpu *vcpu)
{
	vl_host_switch_out(vcpu);
	if (unlikely(check_tsc_unstable()))
		vl_tsc_leave(vcpu, rdtsc());
}

static void sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct vl_vcpu *vcpu = container_of(notifier, struct vl_vcpu, hw.notifier);

	leave_cpu(vcpu);
	if (task_is_running(current))
		WRITE_ONCE(vcpu->preempted, true);
}

static struct preempt_ops preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

/**
 * vl_vcpu_load() - make a vCPU's VMCS current on this CPU, and keep it so
 * @vcpu: vcpu->lock held
 *
 * Through preemption and migration until vl_vcpu_put().
 * Context: process, may not nest.
 */
void vl_vcpu_load(struct vl_vcpu *vcpu)
{
	preempt_disable();
	vl_vmx_load(vcpu);
	preempt_notifier_register(&vcpu->hw.notifier);
	preempt_enable();
}

/**
 * vl_vcpu_put() - the opposite of vl_vcpu_load()
 * @vcpu: the vCPU, loaded
 *
 * The VMCS stays active on this CPU: the next load there costs little.
 */
void vl_vcpu_put(struct vl_vcpu *vcpu)
{
	preempt_disable();
	leave_cpu(vcpu);
	preempt_notifier_unregister(&vcpu->hw.notifier);
	preempt_enable();
}

/**
 * vl_vcpu_reset() - the state after RESET or INIT
 * @vcpu: loaded
 * @init: INIT, not RESET: MSRs, FPU and the cache bits of CR0 stay
 *
 * SDM vol. 3, 10.1.1, table 10-1.
 */
void vl_vcpu_reset(struct vl_vcpu *vcpu, bool init)
{
	const u64 cache = X86_CR0_NW | X86_CR0_CD;
	struct vl_hw *hw = &vcpu->hw;

	memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
	vcpu->gpr[VL_RDX] = 0x600;
	vl_vmcs_reset_guest(vcpu);
	vl_load_efer(vcpu, 0);
	vl_load_cr0(vcpu, X86_CR0_ET | (init ? vl_guest_cr0() & cache : cache));
	vl_load_cr4(vcpu, 0);
	hw->cr2 = 0;
	memset(hw->dr, 0, sizeof(hw->dr));
	hw->dr6 = VL_DR6_FIXED;
	hw->dr7 = VL_DR7_FIXED;
	hw->pending_valid = false;
	hw->nmi_pending = 0;
	hw->ext_vector = -1;
	hw->pv_eoi = 0;
	vl_mmio_drop(vcpu);
	if (!init) {
		vl_msr_reset(vcpu);
		vl_fpu_reset(vcpu);
		vl_set_xcr0(vcpu, XFEATURE_MASK_FP);
	}
	vl_lapic_reset(vcpu, init);
	vl_apicv_set_mode(vcpu);
	vl_cpuid_update(vcpu);
	vl_update_exceptions(vcpu);
	vl_flush_guest_tlb(vcpu);
	vl_request(vcpu, VL_REQ_EVENT);
}

/**
 * vl_vcpu_create() - a vCPU in its reset state
 * @vm: vm->lock held
 * @id: 0 to VMX_LITE_MAX_VCPUS - 1
 * @out: out
 * Context: may sleep.
 * Return: 0, -ENOMEM, or another -errno of its parts.
 */
int vl_vcpu_create(struct vl_vm *vm, u32 id, struct vl_vcpu **out)
{
	struct vl_vcpu *vcpu;
	struct vl_hw *hw;
	int err;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return -ENOMEM;
	hw = &vcpu->hw;
	vcpu->vm = vm;
	vcpu->id = id;
	mutex_init(&vcpu->lock);
	init_swait_queue_head(&vcpu->wait);
	INIT_LIST_HEAD(&hw->loaded);
	preempt_notifier_init(&hw->notifier, &preempt_ops);
	hw->cpu = -1;
	hw->last_cpu = -1;
	/* A vCPU but the first waits for its start-up IPI (SDM vol. 3, 9.4). */
	vcpu->activity = id ? VMX_LITE_WAIT_SIPI : VMX_LITE_RUNNING;

	err = -ENOMEM;
	vcpu->run = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_COMP,
					     VL_RUN_ORDER);
	if (!vcpu->run)
		goto free_vcpu;
	if (vl_has(VMX_LITE_FEAT_VPID)) {
		/* VPID 0 is the host's.  None left: the TLB is flushed at each entry. */
		int vpid = ida_alloc_range(&vpids, 1, U16_MAX, GFP_KERNEL);

		hw->vpid = vpid > 0 ? vpid : 0;
	}
	err = vl_vmcs_alloc(&hw->vmcs);
	if (err)
		goto free_run;
	err = vl_fpu_init(vcpu);
	if (err)
		goto free_vmcs;
	err = vl_cpuid_init(vcpu);
	if (err)
		goto free_fpu;
	err = vl_apicv_prepare(vm);
	if (err)
		goto free_cpuid;
	err = vl_lapic_create(vcpu);
	if (err)
		goto free_cpuid;

	vl_cpuid_ready(vcpu);
	vl_msr_init(vcpu);
	vl_vcpu_load(vcpu);
	vl_vmcs_setup(vcpu);
	vl_vcpu_reset(vcpu, false);
	vl_vcpu_put(vcpu);
	*out = vcpu;
	return 0;

free_cpuid:
	kfree(hw->cpuid);
free_fpu:
	vl_fpu_destroy(vcpu);
free_vmcs:
	vl_vmcs_free(&hw->vmcs);
free_run:
	if (hw->vpid)
		ida_free(&vpids, hw->vpid);
	free_pages((unsigned long)vcpu->run, VL_RUN_ORDER);
free_vcpu:
	kfree(vcpu);
	return err;
}

/**
 * vl_vcpu_destroy() - the opposite of vl_vcpu_create()
 * @vcpu: the vCPU
 * Context: nobody else can reach the vCPU any more; may sleep.
 */
void vl_vcpu_destroy(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;

	vl_lapic_destroy(vcpu);
	vl_vmx_unload(vcpu);
	kfree(hw->cpuid);
	vl_fpu_destroy(vcpu);
	vl_vmcs_free(&hw->vmcs);
	if (hw->vpid)
		ida_free(&vpids, hw->vpid);
	free_pages((unsigned long)vcpu->run, VL_RUN_ORDER);
	put_pid(rcu_access_pointer(vcpu->pid));
	kfree(vcpu);
}

void vl_vcpu_kick(struct vl_vcpu *vcpu)
{
	int cpu;

	if (swq_has_sleeper(&vcpu->wait)) {
		WRITE_ONCE(vcpu->preempted, true);
		swake_up_one(&vcpu->wait);
	}
	/* Pairs with the store in run.c: either it sees the request or we its mode. */
	smp_mb__after_atomic();
	if (cmpxchg(&vcpu->mode, VL_IN_GUEST, VL_EXITING) != VL_IN_GUEST)
		return;
	cpu = READ_ONCE(vcpu->hw.cpu);
	if (cpu >= 0 && cpu != raw_smp_processor_id()) {
		vcpu->hw.stats.kicks++;
		smp_send_reschedule(cpu);
	}
}

/* The interrupt itself makes the CPU leave the guest. */
static void flush_ack(void *unused)
{
}

void vl_vm_flush_ept(struct vl_vm *vm)
{
	struct vl_vcpu *vcpu;
	unsigned int i = 0;
	cpumask_var_t mask;
	bool have_mask = zalloc_cpumask_var(&mask, GFP_ATOMIC);
	bool any = false;
	int me = get_cpu();

	while ((vcpu = vl_next_vcpu(vm, &i))) {
		vl_request(vcpu, VL_REQ_FLUSH_EPT);
		/* Pairs with run.c: it sees the request, or we see it in the guest. */
		smp_mb__after_atomic();
		if (READ_ONCE(vcpu->mode) != VL_OUTSIDE) {
			int cpu = READ_ONCE(vcpu->hw.cpu);

			if (cpu < 0 || cpu == me)
				continue;
			any = true;
			if (have_mask)
				cpumask_set_cpu(cpu, mask);
		}
	}
	if (any)
		smp_call_function_many(have_mask ? mask : cpu_online_mask, flush_ack, NULL, 1);
	put_cpu();
	if (have_mask)
		free_cpumask_var(mask);
}

u64 vl_vcpu_guest_tsc(struct vl_vcpu *vcpu)
{
	return rdtsc() + READ_ONCE(vcpu->hw.tsc_offset);
}
