// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest TSC = host TSC + offset (SDM vol. 3, 26.3): the same on all vCPUs of a VM,
 * running on while nobody runs them, and never going back, although the host's TSC
 * may do so: by a sleep of the machine, or where CPUs differ.
 */
#include <linux/list.h>
#include <linux/spinlock.h>

#include "vmx-lite.h"

/* All VMs. Held for a few instructions only, with preemption off: see vl_tsc_resume(). */
static LIST_HEAD(vms);
static DEFINE_SPINLOCK(vms_lock);

/* Host TSC when the machine went to sleep */
static u64 slept_at;

/**
 * vl_tsc_add_vm() - the TSC of a new VM's vCPUs begins at 0
 * @vm: the VM
 * @now: host TSC
 * Context: process.
 */
void vl_tsc_add_vm(struct vl_vm *vm, u64 now)
{
	vm->tsc_offset = -now;
	spin_lock(&vms_lock);
	list_add(&vm->tsc_list, &vms);
	spin_unlock(&vms_lock);
}

/**
 * vl_tsc_remove_vm() - the opposite of vl_tsc_add_vm()
 * @vm: the VM, whose vCPUs are still there
 * Context: process.
 */
void vl_tsc_remove_vm(struct vl_vm *vm)
{
	spin_lock(&vms_lock);
	list_del(&vm->tsc_list);
	spin_unlock(&vms_lock);
}

/**
 * vl_tsc_suspend() - the machine goes to sleep
 * @now: host TSC
 * Context: the last CPU that is online, interrupts off.
 */
void vl_tsc_suspend(u64 now)
{
	slept_at = now;
}

static void shift(struct vl_vm *vm, u64 delta)
{
	struct vl_vcpu *vcpu;
	unsigned int i = 0;

	WRITE_ONCE(vm->tsc_offset, vm->tsc_offset + delta);
	while ((vcpu = vl_next_vcpu(vm, &i)))
		WRITE_ONCE(vcpu->hw.tsc_offset, vcpu->hw.tsc_offset + delta);
}

/**
 * vl_tsc_resume() - the machine wakes up
 * @now: host TSC
 *
 * In a sleep that takes the power away it has begun at 0 again: all guests go on from
 * where they were. One that has counted on is right as it is, and so are they.
 *
 * No vCPU is loaded: the threads are frozen outside VM_RUN, and their VMCSs take
 * the new offset when they are loaded again. No other CPU is online to hold the lock.
 * Context: the only CPU that is online, interrupts off.
 */
void vl_tsc_resume(u64 now)
{
	struct vl_vm *vm;

	if (now >= slept_at)
		return;
	spin_lock(&vms_lock);
	list_for_each_entry(vm, &vms, tsc_list)
		shift(vm, slept_at - now);
	spin_unlock(&vms_lock);
}

/**
 * vl_tsc_leave() - a vCPU leaves a CPU whose TSC is not to be trusted
 * @vcpu: its thread is being switched out, or VM_RUN ends
 * @now: this CPU's TSC
 * Context: preemption off.
 */
void vl_tsc_leave(struct vl_vcpu *vcpu, u64 now)
{
	vcpu->hw.last_tsc = now + vcpu->hw.tsc_offset;
}

/**
 * vl_tsc_arrive() - it comes to another one: its TSC goes on from there at least
 * @vcpu: being loaded; VMCS field TSC offset is to be written after this
 * @now: this CPU's TSC
 * Context: preemption off.
 */
void vl_tsc_arrive(struct vl_vcpu *vcpu, u64 now)
{
	u64 guest = now + vcpu->hw.tsc_offset;

	/* Signed: what the guest has set may be about to wrap. */
	if ((s64)(guest - vcpu->hw.last_tsc) < 0)
		WRITE_ONCE(vcpu->hw.tsc_offset, vcpu->hw.last_tsc - now);
}
