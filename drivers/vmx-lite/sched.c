// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a vCPU has nothing to do but wait: HLT and the wait for SIPI, which sleep
 * after a while of polling, and loops of PAUSE, which give the CPU to a vCPU that
 * may be what they wait for.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>

#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns, "Longest time in ns that a halted vCPU looks for an event before it sleeps (0: it sleeps at once)");

/* What the first short sleep makes of a polling time of 0 */
#define POLL_START_NS	10000U

/* ---- HLT, and the wait for SIPI ---- */

static bool may_wake(struct vl_vcpu *vcpu)
{
	const unsigned long stir = BIT(VL_REQ_NMI) | BIT(VL_REQ_INIT) | BIT(VL_REQ_SIPI) |
				   BIT(VL_REQ_SUSPEND) | BIT(VL_REQ_SPINUP);

	if ((vcpu->requests[0] & stir) || READ_ONCE(vcpu->run->immediate_exit) ||
	    READ_ONCE(vl_stopping) || signal_pending(current))
		return true;
	return vcpu->activity == VMX_LITE_HALTED && vl_vcpu_has_event(vcpu);
}

/* Until @end, as long as nobody else wants this CPU. */
static bool poll(struct vl_vcpu *vcpu, u64 end)
{
	vcpu->hw.stats.halt_polls++;
	do {
		if (may_wake(vcpu)) {
			vcpu->hw.stats.halt_poll_hits++;
			return true;
		}
		cpu_relax();
	} while (single_task_running() && !need_resched() && ktime_get_ns() < end);
	return false;
}

/*
 * The next polling time: more, if a sleep was so short that more would have saved it;
 * none after one that was too long for any; else the same.
 */
static unsigned int next_poll_ns(unsigned int now, u64 waited, unsigned int limit)
{
	if (waited > limit)
		return 0;
	if (waited > now)
		now = max(2 * now, POLL_START_NS);
	return min(now, limit);
}

static void sleep(struct vl_vcpu *vcpu)
{
	DECLARE_SWAITQUEUE(wait);

	for (;;) {
		prepare_to_swait_exclusive(&vcpu->wait, &wait, TASK_INTERRUPTIBLE);
		if (may_wake(vcpu))
			break;
		schedule();
	}
	finish_swait(&vcpu->wait, &wait);
}

/**
 * vl_vcpu_wait() - HLT, or the wait for SIPI: until an event, a request or a signal
 * @vcpu: loaded; its activity says which
 *
 * A halted vCPU that an event wakes is running when this returns.
 * Context: the vCPU's thread.
 */
void vl_vcpu_wait(struct vl_vcpu *vcpu)
{
	/* 2^31 ns, so that the doubled time is still a number of 32 bits. */
	unsigned int limit = min(READ_ONCE(halt_poll_ns), 1U << 31);
	struct vl_hw *hw = &vcpu->hw;
	u64 begin;

	hw->stats.halts++;
	if (vcpu->activity != VMX_LITE_HALTED || !limit) {
		sleep(vcpu);
	} else {
		begin = ktime_get_ns();
		if (!hw->poll_ns || !poll(vcpu, begin + hw->poll_ns))
			sleep(vcpu);
		hw->poll_ns = next_poll_ns(hw->poll_ns, ktime_get_ns() - begin, limit);
	}
	if (vcpu->activity == VMX_LITE_HALTED && vl_vcpu_has_event(vcpu)) {
		WRITE_ONCE(vcpu->activity, VMX_LITE_RUNNING);
		vl_request(vcpu, VL_REQ_EVENT);
	}
}

/* ---- loops of PAUSE ---- */

/**
 * vl_vcpu_note_thread() - another thread than before calls VM_RUN
 * @vcpu: vcpu->lock held
 * Context: the thread, from now on the vCPU's; may sleep.
 */
void vl_vcpu_note_thread(struct vl_vcpu *vcpu)
{
	struct pid *old = rcu_dereference_protected(vcpu->pid, lockdep_is_held(&vcpu->lock));

	rcu_assign_pointer(vcpu->pid, get_task_pid(current, PIDTYPE_PID));
	if (old) {
		synchronize_rcu();
		put_pid(old);
	}
}

static bool yield_to_vcpu(struct vl_vcpu *vcpu)
{
	struct task_struct *task;
	bool yielded;

	rcu_read_lock();
	task = get_pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	rcu_read_unlock();
	if (!task)
		return false;
	yielded = yield_to(task, true) > 0;
	put_task_struct(task);
	return yielded;
}

/*
 * Whoever spins as well waits for the same, more likely than not: every second time
 * only, since it may wait for us.
 */
static bool is_candidate(struct vl_vcpu *vcpu)
{
	if (!READ_ONCE(vcpu->preempted))
		return false;
	if (!READ_ONCE(vcpu->spins))
		return true;
	WRITE_ONCE(vcpu->spins_turn, !READ_ONCE(vcpu->spins_turn));
	return READ_ONCE(vcpu->spins_turn);
}

/**
 * vl_vcpu_yield() - a vCPU spins: let another one of the VM run that wants to
 * @vcpu: loaded, after an exit
 *
 * Takes turns among those that were preempted or woken and have no CPU. SDM vol. 3,
 * 26.1.3: PAUSE-loop exiting, the only way to see this.
 * Context: the vCPU's thread; may schedule.
 */
void vl_vcpu_yield(struct vl_vcpu *vcpu)
{
	struct vl_vm *vm = vcpu->vm;
	unsigned int count = READ_ONCE(vm->nr_vcpus);
	unsigned int i, id = READ_ONCE(vm->last_yield);

	WRITE_ONCE(vcpu->spins, true);
	for (i = 0; i < count; i++) {
		struct vl_vcpu *other;

		id = id + 1 < count ? id + 1 : 0;
		/* Pairs with the store in vm.c: the vCPU is complete. */
		other = smp_load_acquire(&vm->vcpus[id]);
		if (!other || other == vcpu || !is_candidate(other) || !yield_to_vcpu(other))
			continue;
		WRITE_ONCE(vm->last_yield, id);
		vcpu->hw.stats.yields++;
		break;
	}
	WRITE_ONCE(vcpu->spins, false);
}
