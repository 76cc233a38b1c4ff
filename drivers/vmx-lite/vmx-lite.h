/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's objects and what its parts offer one another.
 *
 * Locks, outermost first:
 *   vm->lock		(m) creation of vCPUs, the region list, irqfds
 *   vcpu->lock		(v) held by the one thread that runs or edits a vCPU
 *   vm->mem.lock	(e) the EPT tables; see memory.h
 *   spinlocks of the interrupt controllers; see lapic.h and ioapic.h
 * What a field is guarded by stands behind it: (r) read-only once created,
 * (c) the CPU the vCPU is loaded on, (a) atomic.
 */
#ifndef VMX_LITE_H
#define VMX_LITE_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/swait.h>
#include <linux/types.h>

#include <linux/vmx_lite.h>

#include "ept.h"
#include "memory.h"
#include "ioapic.h"
#include "irqfd.h"
#include "ioeventfd.h"
#include "lapic.h"
#include "vcpu.h"

struct dentry;

/* ModRM order: index of a register in vl_vcpu.gpr */
enum vl_gpr {
	VL_RAX, VL_RCX, VL_RDX, VL_RBX, VL_RSP, VL_RBP, VL_RSI, VL_RDI,
	VL_R8, VL_R9, VL_R10, VL_R11, VL_R12, VL_R13, VL_R14, VL_R15,
	VL_NR_GPRS
};

/* vl_vcpu.requests: work before the next entry, set by any thread */
enum vl_request {
	VL_REQ_FLUSH_EPT,	/* INVEPT of this VM on this CPU */
	VL_REQ_EVENT,		/* look at the local APIC, NMIs and windows again */
	VL_REQ_NMI,		/* an NMI was sent */
	VL_REQ_INIT,		/* an INIT was sent */
	VL_REQ_SIPI,		/* a start-up IPI was sent: vcpu->sipi */
	VL_REQ_SPINUP,		/* this vCPU has started others: vcpu->spinup */
	VL_REQ_SUSPEND,		/* the VM was suspended */
	VL_NR_REQS
};

/* vl_vcpu.mode: where the vCPU's thread is; decides whether a kick needs an IPI */
enum vl_mode {
	VL_OUTSIDE,		/* user space, or handling an exit */
	VL_IN_GUEST,		/* interrupts off, entering or in the guest */
	VL_EXITING,		/* kicked while IN_GUEST */
};

/* vl_vcpu.thread: is there somebody who runs the vCPU? */
enum vl_thread {
	VL_THREAD_NONE,		/* VM_RUN was never called */
	VL_THREAD_WANTED,	/* nor now, but user space was told to start one */
	VL_THREAD_RUNS,		/* VM_RUN was called: it sees requests now or when called again */
};

#define VL_SIPI_VALID	BIT(8)	/* vl_vcpu.sipi: a vector is in bits 7:0 */

/*
 * struct vl_vm - a virtual machine: one fd of VMX_LITE_CREATE_VM
 * @mm: whose user addresses the regions are; ioctls of others get EIO
 */
struct vl_vm {
	struct kref kref;		/* the VM fd and each vCPU fd */
	struct mutex lock;
	struct mm_struct *mm;		/* (r), mmgrab()ed */
	char name[VMX_LITE_NAME_LEN];	/* (r) */
	unsigned int id;		/* (r) */

	struct vl_memory mem;		/* memory.c */
	struct vl_ioapic ioapic;	/* ioapic.c */
	struct vl_irqfds irqfds;	/* irqfd.c */
	struct vl_ioeventfds ioeventfds;	/* ioeventfd.c */

	/* Set once by VM_CREATE_VCPU under (m), read by all with READ_ONCE. */
	struct vl_vcpu *vcpus[VMX_LITE_MAX_VCPUS];
	unsigned int nr_vcpus;		/* highest id + 1; (m), READ_ONCE */

	struct page *apic_page;		/* the xAPIC's, in the EPT; set once under (m) */
	bool apic_inhibited;		/* it is not there any more; (e), READ_ONCE */

	u32 suspended;			/* enum vmx_lite_suspend_how, (a) once */
	unsigned int last_yield;	/* id of the last vCPU that got a CPU by it; (a) */
	u64 tsc_offset;			/* of new vCPUs; tsc.c, (r) but for a sleep of the host */
	struct list_head tsc_list;	/* tsc.c */
	struct dentry *debugfs;		/* (r) */
};

/*
 * struct vl_vcpu - a virtual CPU: one fd of VM_CREATE_VCPU
 *
 * It is loaded on a CPU (its VMCS current there) from the start of an ioctl
 * that touches its VMCS to the end, and through preemption by a preempt
 * notifier.
 */
struct vl_vcpu {
	struct vl_vm *vm;		/* (r) */
	u32 id;				/* (r) */
	struct mutex lock;
	struct vmx_lite_run *run;	/* (r), shared with user space: trust nothing */

	u64 gpr[VL_NR_GPRS];		/* (v) RSP is in the VMCS */
	struct vl_lapic *lapic;		/* (r), lapic.c */
	DECLARE_BITMAP(requests, VL_NR_REQS);	/* (a) */
	int mode;			/* enum vl_mode, (a) */
	struct swait_queue_head wait;	/* the thread waiting in HLT */
	struct pid __rcu *pid;		/* of the thread that called VM_RUN last; (v) */
	/* Hints for vl_vcpu_yield(); (a) */
	bool preempted;			/* the thread wants a CPU and has none */
	bool spins;			/* it is in a loop of PAUSE */
	bool spins_turn;
	u32 sipi;			/* VL_SIPI_VALID and a vector, or 0; (a) */
	u32 thread;			/* enum vl_thread, (a) */
	DECLARE_BITMAP(spinup, VMX_LITE_MAX_VCPUS);	/* (v) SPINUP_AP exits to come */
	u32 activity;			/* enum vmx_lite_activity, (v), READ_ONCE by others */

	struct vl_hw hw;		/* (v) the rest: vcpu.h */
};

/* ---- vcpu.c: for the other parts of the module ---- */

/**
 * vl_request() - ask a vCPU's thread for work before its next entry
 * @vcpu: the vCPU
 * @req: enum vl_request
 * Context: any, interrupts included.  Follow it with vl_vcpu_kick().
 */
static inline void vl_request(struct vl_vcpu *vcpu, enum vl_request req)
{
	/* Whoever sees the bit also sees what was stored before it. */
	smp_mb__before_atomic();
	set_bit(req, vcpu->requests);
}

/**
 * vl_vcpu_kick() - make a vCPU look at its requests soon
 * @vcpu: the vCPU
 *
 * Wakes its thread from HLT, or makes it leave the guest by an IPI.
 * Context: any, interrupts included; does not sleep or wait for the vCPU.
 */
void vl_vcpu_kick(struct vl_vcpu *vcpu);

/**
 * vl_vm_flush_ept() - no vCPU uses a translation older than this call
 * @vm: the VM
 *
 * Sets VL_REQ_FLUSH_EPT on each vCPU and waits until those now in the guest
 * have left it.  Call it after changing EPT entries and before freeing what
 * they mapped.
 * Context: interrupts on; may be called under vm->mem.lock.
 */
void vl_vm_flush_ept(struct vl_vm *vm);

/**
 * vl_vm_suspend() - end all runs of a VM
 * @vm: the VM
 * @how: enum vmx_lite_suspend_how; the first one counts
 * Context: any.
 * Return: 0, or -EBUSY if the VM is suspended already.
 */
int vl_vm_suspend(struct vl_vm *vm, u32 how);

/**
 * vl_vcpu_guest_tsc() - the guest's TSC now
 * @vcpu: the vCPU
 * Context: any.
 * Return: the TSC.
 */
u64 vl_vcpu_guest_tsc(struct vl_vcpu *vcpu);

/* ---- tsc.c ---- */
void vl_tsc_add_vm(struct vl_vm *vm, u64 now);
void vl_tsc_remove_vm(struct vl_vm *vm);
void vl_tsc_suspend(u64 now);
void vl_tsc_resume(u64 now);
void vl_tsc_leave(struct vl_vcpu *vcpu, u64 now);
void vl_tsc_arrive(struct vl_vcpu *vcpu, u64 now);

/**
 * vl_next_vcpu() - walk over a VM's vCPUs
 * @vm: the VM
 * @id: where to begin; out: one behind the vCPU returned
 * Context: any.
 * Return: the next vCPU, NULL after the last.
 */
static inline struct vl_vcpu *vl_next_vcpu(struct vl_vm *vm, unsigned int *id)
{
	while (*id < READ_ONCE(vm->nr_vcpus)) {
		/* Pairs with the store in vm.c: the vCPU is complete. */
		struct vl_vcpu *vcpu = smp_load_acquire(&vm->vcpus[(*id)++]);

		if (vcpu)
			return vcpu;
	}
	return NULL;
}

#endif /* VMX_LITE_H */
