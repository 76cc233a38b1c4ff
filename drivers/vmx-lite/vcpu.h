/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of a vCPU that only the engine's core touches, and what the core's
 * files offer one another.  All of it belongs to the thread that holds
 * vcpu->lock, but for what is marked (a): atomic, or (c): the CPU it is loaded on.
 */
#ifndef VL_VCPU_H
#define VL_VCPU_H

#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/types.h>
#include <asm/fpu/types.h>
#include <asm/msr-index.h>
#include <asm/page.h>
#include <asm/processor-flags.h>

#include <linux/vmx_lite.h>

#include "emulate.h"
#include "vmcs.h"

struct vl_host_msrs;
struct vl_vcpu;
struct vl_vm;

/* What a guest may set (SDM vol. 3, 2.5, 2.2.1, 5.4.1) */
#define VL_CR0_DEFINED		(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
				 X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
				 X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
#define VL_EFER_DEFINED		((u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))
#define VL_PDPTE_RESERVED	0x1e6ULL

/* Guests have 48-bit linear addresses: vmx-lite shows them no LA57. */
static inline bool vl_canonical(u64 address)
{
	return __is_canonical_address(address, 48);
}

/* Bits of DR6 and DR7 (SDM vol. 3, 18.2.3, 18.2.4) */
#define VL_DR6_BD		BIT(13)
#define VL_DR6_BS		BIT(14)
#define VL_DR6_BT		BIT(15)
#define VL_DR6_FIXED		0xffff0ff0ULL
#define VL_DR6_HIT		0xfULL
#define VL_DR6_WRITABLE	(VL_DR6_HIT | VL_DR6_BD | VL_DR6_BS | VL_DR6_BT)
#define VL_DR7_GD		BIT(13)
#define VL_DR7_FIXED		BIT(10)
#define VL_DR7_WRITABLE	0xffff2bffULL

/* The mapping of a vCPU fd: the run page, then the data page. */
#define VL_RUN_ORDER		1
#define VL_RUN_SIZE		(PAGE_SIZE << VL_RUN_ORDER)
#define VL_DATA_OFFSET		PAGE_SIZE
#define VL_DATA_SIZE		PAGE_SIZE

/* What enter.S needs; the order is known there. */
struct vl_enter {
	u64 guest_spec_ctrl;
	u64 host_spec_ctrl;
	u64 host_rsp;		/* as in the VMCS */
};

/* The host's side while the guest's is in the CPU (host.c). */
struct vl_host {
	const struct vl_host_msrs *msrs;	/* of the CPU it is loaded on */
	bool switched;
	u16 fs, gs, ds, es, ldt;
	u64 kernel_gs_base;
	u64 debugctl;
	unsigned long cr3, cr4;	/* as in the VMCS */
};

/* MSRs that the CPU does not switch on entry and exit: host.c's table. */
enum vl_switched_msr {
	VL_MSR_STAR,
	VL_MSR_LSTAR,
	VL_MSR_CSTAR,
	VL_MSR_SYSCALL_MASK,
	VL_MSR_TSC_AUX,
	VL_NR_SWITCHED_MSRS
};

#define VL_MTRR_VARIABLE	8
#define VL_MTRR_FIXED		11

/* MSRs that are only remembered (msr.c) */
struct vl_msr_store {
	u64 mtrr_def;
	u64 mtrr_fixed[VL_MTRR_FIXED];
	u64 mtrr_var[2 * VL_MTRR_VARIABLE];
	u64 misc_enable;
	u64 bios_sign_id;
	u64 tsc_adjust;
	u64 spec_ctrl;
	u64 arch_capabilities;
};

/* The host's values, which do not change while a CPU is up. */
struct vl_host_msrs {
	bool known;
	u64 value[VL_NR_SWITCHED_MSRS];
};

/* What VM_RUN has to finish before it enters the guest again. */
enum vl_completion {
	VL_COMPLETE_NONE,
	VL_COMPLETE_IN,		/* IN: RAX from the data page, then skip */
	VL_COMPLETE_OUT,	/* OUT: skip */
	VL_COMPLETE_STRING,	/* INS, OUTS: the emulator's batch */
	VL_COMPLETE_RDMSR,
	VL_COMPLETE_WRMSR,
	VL_COMPLETE_MMIO,	/* read: emulate again; write: the next one */
};

#define VL_MMIO_LOG		16

struct vl_mmio_access {
	u64 gpa;
	u64 data;
	u8 size;
};

/* MMIO of the instruction being emulated (mmio.c). */
struct vl_mmio {
	/* The page of the EPT violation, whose translation the CPU has checked. */
	u64 gla_page;
	u64 gpa_page;
	u32 gla_access;		/* VL_ACCESS_*; 0: not known */
	bool waiting;		/* reads[nr_reads] is with user space */
	u8 nr_reads;		/* answered, in program order */
	u8 next_read;		/* of this run of the emulator */
	u8 nr_writes;
	u8 next_write;		/* not yet shown to user space */
	struct vl_mmio_access reads[VL_MMIO_LOG];
	struct vl_mmio_access writes[VL_MMIO_LOG];
};

/*
 * struct vl_cpuid - a vCPU's CPUID table, sorted by function and index
 * @max_basic: highest basic leaf, whose values a leaf beyond it returns
 */
struct vl_cpuid {
	u32 count;
	u32 max_basic;
	struct vmx_lite_cpuid_entry entry[];
};

struct vl_hw {
	struct vl_vmcs vmcs;
	struct list_head loaded;	/* (c) vmx.c: VMCSs active on this CPU */
	int cpu;			/* (a) CPU the VMCS is active on, -1 none */
	int last_cpu;			/* CPU the guest ran on last, -1 none */
	struct preempt_notifier notifier;
	u16 vpid;

	struct vl_enter enter;
	struct vl_host host;
	struct fpu_guest fpu;
	u64 xcr0;
	bool l1d_flush;			/* the host has used the L1 data cache */
	bool switch_xcr0;		/* XCR0 differs from the host's while the guest runs */

	/* Controls as in the VMCS */
	u32 proc;
	u32 entry_controls;
	u32 exception_bitmap;
	u32 tpr_threshold;
	u32 apicv;			/* secondary, by the local APIC's mode */
	u64 eoi_exits[4];

	/* The last exit */
	u32 exit_reason;
	u32 idt_vectoring;
	bool entered;			/* exit_reason is of a VM exit */

	/* Guest state outside the VMCS and the general registers */
	u64 cr2;
	u64 dr[4];
	u64 dr6;
	u64 dr7;			/* as in the VMCS */
	u64 efer;			/* as in the VMCS */
	u64 tsc_offset;			/* READ_ONCE by others */
	u64 last_tsc;			/* the guest's, on the CPU it left: tsc.c */
	u64 msr[VL_NR_SWITCHED_MSRS];
	u64 kernel_gs_base;		/* while not switched in */
	u64 pv_eoi;			/* MSR_KVM_PV_EOI_EN: pv_eoi.c */
	struct vl_msr_store store;

	/* Events */
	struct vmx_lite_event pending;	/* to be injected first of all */
	u8 pending_len;			/* instruction length, software events */
	bool pending_valid;
	u8 nmi_pending;			/* 0 to 2 */
	int ext_vector;			/* VM_INJECT of INTR, -1 none */
	bool pv_eoi_offered;		/* the guest may skip the EOI of what was injected */

	u8 cap[VM_CAP_MAX];
	bool mtrap_armed;		/* an emulated instruction has retired: MTRAP */
	enum vl_completion completion;
	struct vl_mmio mmio;
	u64 io_rip;			/* of the IN or OUT with user space */
	u32 io_len;
	u8 in_size;			/* bytes of an IN's operand */
	bool msr_write;			/* the MSR exit is of WRMSR */
	bool string_active;		/* the MMIO is of INS or OUTS to @string_port */
	u16 string_port;
	struct vl_emul_strio string;

	struct vl_cpuid *cpuid;
	u8 maxphyaddr;			/* the guest's */
	u64 cr4_allowed;
	u64 xcr0_allowed;

	unsigned int poll_ns;		/* how long the next HLT polls: sched.c */
	struct vmx_lite_stats stats;
};

/* The guest's control registers as it sees them. */
u64 vl_guest_cr0(void);
u64 vl_guest_cr4(void);

/* run.c handlers return one of these, or -errno for VM_RUN to return. */
#define VL_RESUME	1	/* enter the guest again */
#define VL_TO_USER	0	/* vcpu->run says why */

/* ---- vcpu.c ---- */
int vl_vcpu_create(struct vl_vm *vm, u32 id, struct vl_vcpu **out);
void vl_vcpu_destroy(struct vl_vcpu *vcpu);
void vl_vcpu_load(struct vl_vcpu *vcpu);
void vl_vcpu_put(struct vl_vcpu *vcpu);
void vl_vcpu_reset(struct vl_vcpu *vcpu, bool init);

/* ---- run.c ---- */
int vl_vcpu_run(struct vl_vcpu *vcpu);
void vl_vcpu_skip(struct vl_vcpu *vcpu);
void vl_vcpu_skip_from(struct vl_vcpu *vcpu, unsigned long old, u32 len);
void vl_vcpu_retire(struct vl_vcpu *vcpu);
int vl_exit_to_user(struct vl_vcpu *vcpu, enum vmx_lite_exit_reason reason);
int vl_exit_internal(struct vl_vcpu *vcpu, enum vmx_lite_internal why, int error);

/* ---- sched.c ---- */
void vl_vcpu_wait(struct vl_vcpu *vcpu);
void vl_vcpu_note_thread(struct vl_vcpu *vcpu);
void vl_vcpu_yield(struct vl_vcpu *vcpu);

/* ---- exit.c, exit-cr.c, exit-io.c ---- */
int vl_handle_exit(struct vl_vcpu *vcpu);
int vl_exit_cr(struct vl_vcpu *vcpu);
int vl_exit_dr(struct vl_vcpu *vcpu);
int vl_exit_xsetbv(struct vl_vcpu *vcpu);
int vl_exit_io(struct vl_vcpu *vcpu);
int vl_complete_in(struct vl_vcpu *vcpu);
int vl_complete_out(struct vl_vcpu *vcpu);
int vl_set_cr0(struct vl_vcpu *vcpu, u64 value);
int vl_set_cr4(struct vl_vcpu *vcpu, u64 value);
int vl_set_efer(struct vl_vcpu *vcpu, u64 value);
bool vl_xcr0_valid(struct vl_vcpu *vcpu, u64 value);
int vl_set_xcr0(struct vl_vcpu *vcpu, u64 value);
void vl_load_cr0(struct vl_vcpu *vcpu, u64 value);
void vl_load_cr4(struct vl_vcpu *vcpu, u64 value);
void vl_load_efer(struct vl_vcpu *vcpu, u64 value);
void vl_flush_guest_tlb(struct vl_vcpu *vcpu);

/* ---- mmio.c ---- */
int vl_mmio_exit(struct vl_vcpu *vcpu, u64 gpa, u64 qualification);
int vl_mmio_emulate(struct vl_vcpu *vcpu);
int vl_mmio_complete(struct vl_vcpu *vcpu);
void vl_mmio_drop(struct vl_vcpu *vcpu);
int vl_string_start(struct vl_vcpu *vcpu);
int vl_string_finish(struct vl_vcpu *vcpu);
int vl_translate(struct vl_vcpu *vcpu, u64 gva, u32 access, bool user, u64 *gpa, u32 *error);

/* ---- inject.c ---- */
void vl_set_proc(struct vl_hw *hw, u32 bit, bool on);
void vl_inject_exception(struct vl_vcpu *vcpu, u8 vector, bool has_error, u32 error);
void vl_inject_int1(struct vl_vcpu *vcpu);
void vl_inject_ud(struct vl_vcpu *vcpu);
void vl_inject_gp(struct vl_vcpu *vcpu);
void vl_requeue_vectoring(struct vl_vcpu *vcpu);
void vl_cancel_injection(struct vl_vcpu *vcpu);
void vl_latch_nmi(struct vl_vcpu *vcpu);
void vl_inject_events(struct vl_vcpu *vcpu);
bool vl_vcpu_has_event(struct vl_vcpu *vcpu);
bool vl_extint_ready(struct vl_vcpu *vcpu);
void vl_update_exceptions(struct vl_vcpu *vcpu);

/* ---- pv_eoi.c ---- */
int vl_pv_eoi_set(struct vl_vcpu *vcpu, u64 value);
void vl_pv_eoi_offer(struct vl_vcpu *vcpu, u8 vector);
void vl_pv_eoi_settle(struct vl_vcpu *vcpu);

/* ---- host.c ---- */
void vl_host_switch_in(struct vl_vcpu *vcpu);
void vl_host_switch_out(struct vl_vcpu *vcpu);
void vl_host_refresh(struct vl_vcpu *vcpu);
void vl_host_load_cpu(struct vl_vcpu *vcpu);
u32 vl_switched_msr_index(enum vl_switched_msr msr);
void vl_debug_load(struct vl_vcpu *vcpu);
void vl_debug_restore(struct vl_vcpu *vcpu);
void vl_l1d_flush(struct vl_vcpu *vcpu);
void vl_mmio_data_clear(struct vl_vcpu *vcpu);
int vl_mitigations_init(void);
void vl_mitigations_exit(void);

/* ---- enter.S ---- */
#define VL_ENTER_RESUME		1
#define VL_ENTER_SPEC_CTRL	2
int vl_enter(u64 *gpr, unsigned long flags, struct vl_enter *ctx);
void vl_vmexit(void);

/* ---- cpuid.c, msr.c, fpu.c ---- */
int vl_cpuid_setup(void);
void vl_cpuid_cleanup(void);
int vl_cpuid_init(struct vl_vcpu *vcpu);
void vl_cpuid_ready(struct vl_vcpu *vcpu);
int vl_cpuid_set(struct vl_vcpu *vcpu, const struct vmx_lite_cpuid *args);
int vl_cpuid_get(const struct vl_cpuid *table, struct vmx_lite_cpuid *args);
struct vl_cpuid *vl_cpuid_supported(void);
void vl_cpuid_update(struct vl_vcpu *vcpu);
int vl_exit_cpuid(struct vl_vcpu *vcpu);
bool vl_guest_has(struct vl_vcpu *vcpu, u32 function, u32 index, int reg, u32 bit);

void vl_msr_init(struct vl_vcpu *vcpu);
void vl_msr_reset(struct vl_vcpu *vcpu);
int vl_msr_get(struct vl_vcpu *vcpu, u32 index, u64 *value, bool user);
int vl_msr_set(struct vl_vcpu *vcpu, u32 index, u64 value, bool user);
int vl_exit_rdmsr(struct vl_vcpu *vcpu);
int vl_exit_wrmsr(struct vl_vcpu *vcpu);
int vl_complete_msr(struct vl_vcpu *vcpu);
void vl_set_tsc_offset(struct vl_vcpu *vcpu, u64 offset);

extern u64 vl_host_xcr0;
int vl_fpu_setup(void);
u64 vl_fpu_xcr0_mask(void);
u32 vl_fpu_xsave_size(void);
int vl_fpu_init(struct vl_vcpu *vcpu);
void vl_fpu_destroy(struct vl_vcpu *vcpu);
void vl_fpu_reset(struct vl_vcpu *vcpu);
int vl_fpu_get(struct vl_vcpu *vcpu, const struct vmx_lite_xsave *args);
int vl_fpu_set(struct vl_vcpu *vcpu, const struct vmx_lite_xsave *args);

/* ---- state.c ---- */
long vl_vcpu_ioctl(struct vl_vcpu *vcpu, unsigned int cmd, unsigned long arg);

/* ---- debugfs.c ---- */
void vl_debugfs_init(void);
void vl_debugfs_exit(void);
void vl_debugfs_add_vm(struct vl_vm *vm);
void vl_debugfs_add_vcpu(struct vl_vcpu *vcpu);
void vl_debugfs_remove_vm(struct vl_vm *vm);

#endif /* VL_VCPU_H */
