/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vmx-lite: virtual CPUs with Intel VT-x.
 *
 * /dev/vmx-lite gives a VM fd (VMX_LITE_CREATE_VM), a VM fd gives vCPU fds
 * (VM_CREATE_VCPU).  An object lives as long as its fd; closing the last one
 * undoes everything.  Every ioctl is described in docs/uapi.md.
 *
 * Conventions: all structures are fixed-width and padded; "flags" must hold
 * only the bits defined here and padding must be 0, else EINVAL.  The size in
 * the ioctl number versions a structure: the kernel accepts a shorter one of
 * an older header (the rest counts as 0) and a longer one whose unknown tail
 * is 0 (else E2BIG).  An unknown ioctl is ENOTTY.
 */
#ifndef _UAPI_LINUX_VMX_LITE_H
#define _UAPI_LINUX_VMX_LITE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VMX_LITE_API_VERSION	1

#define VMX_LITE_MAX_VCPUS	64
#define VMX_LITE_MAX_REGIONS	128
#define VMX_LITE_MAX_CPUID	256
#define VMX_LITE_MAX_MSRS	256
#define VMX_LITE_NAME_LEN	32
#define VMX_LITE_IOAPIC_PINS	24

/* Why this machine can or cannot run guests: vmx_lite_info.reason. */
enum vmx_lite_reason {
	VMX_LITE_OK = 0,
	VMX_LITE_NOT_INTEL,		/* no VT-x in CPUID */
	VMX_LITE_FIRMWARE_OFF,		/* IA32_FEATURE_CONTROL locked without VMX */
	VMX_LITE_BUSY,			/* another hypervisor holds VT-x */
	VMX_LITE_NO_EPT,
	VMX_LITE_NO_UNRESTRICTED_GUEST,
	VMX_LITE_NO_CONTROLS,		/* some other needed control is missing */
	VMX_LITE_CPUS_DIFFER,		/* VMX capabilities are not equal on all CPUs */
	VMX_LITE_VMXON_FAILED,
};

/* vmx_lite_info.features: what this host's CPUs offer. */
#define VMX_LITE_FEAT_VPID		(1U << 0)
#define VMX_LITE_FEAT_EPT_2M		(1U << 1)
#define VMX_LITE_FEAT_EPT_1G		(1U << 2)
#define VMX_LITE_FEAT_EPT_AD		(1U << 3)
#define VMX_LITE_FEAT_MTRAP		(1U << 4)	/* VM_CAP_MTRAP_EXIT */
#define VMX_LITE_FEAT_PAUSE_EXIT	(1U << 5)	/* VM_CAP_PAUSE_EXIT */
#define VMX_LITE_FEAT_TPR_SHADOW	(1U << 6)
#define VMX_LITE_FEAT_APICV		(1U << 7)	/* the CPU delivers interrupts */
#define VMX_LITE_FEAT_XSAVE		(1U << 8)
#define VMX_LITE_FEAT_VIRTUAL_NMI	(1U << 9)
#define VMX_LITE_FEAT_TSC_DEADLINE	(1U << 10)
#define VMX_LITE_FEAT_PAUSE_LOOP	(1U << 11)	/* loops of PAUSE yield the CPU */
#define VMX_LITE_FEAT_PV_EOI		(1U << 12)	/* MSR_KVM_PV_EOI_EN saves exits */

/**
 * struct vmx_lite_info - VMX_LITE_GET_INFO
 * @api_version: VMX_LITE_API_VERSION of the module
 * @reason: enum vmx_lite_reason
 * @features: VMX_LITE_FEAT_*
 * @max_vcpus: vCPUs a VM may have
 * @max_regions: memory regions a VM may have
 * @guest_phys_bits: width of a guest-physical address
 * @run_size: bytes to mmap at offset 0 of a vCPU fd
 * @data_offset: offset of the I/O data within that mapping
 * @data_size: bytes of I/O data
 * @xsave_size: bytes VM_GET_XSAVE and VM_SET_XSAVE transfer
 * @tsc_khz: frequency of the host's TSC, which guests share
 */
struct vmx_lite_info {
	__u32 api_version;
	__u32 reason;
	__u32 features;
	__u32 max_vcpus;
	__u32 max_regions;
	__u32 guest_phys_bits;
	__u32 run_size;
	__u32 data_offset;
	__u32 data_size;
	__u32 xsave_size;
	__u32 tsc_khz;
	__u32 pad[5];
};

/**
 * struct vmx_lite_create_vm - VMX_LITE_CREATE_VM, returns the VM fd
 * @flags: 0
 * @name: NUL-terminated, shown in debugfs and traces; may be empty
 */
struct vmx_lite_create_vm {
	__u32 flags;
	__u32 pad;
	char name[VMX_LITE_NAME_LEN];
};

struct vmx_lite_cpuid_entry {
	__u32 function;
	__u32 index;
	__u32 flags;			/* VMX_LITE_CPUID_INDEXED */
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 pad;
};

#define VMX_LITE_CPUID_INDEXED	(1U << 0)	/* @index (ECX) is significant */

/**
 * struct vmx_lite_cpuid - VMX_LITE_GET_CPUID, VM_SET_CPUID, VM_GET_CPUID
 * @count: entries at @entries; on GET in: room, out: filled (E2BIG: needed)
 * @entries: user address of struct vmx_lite_cpuid_entry[]
 */
struct vmx_lite_cpuid {
	__u32 count;
	__u32 pad;
	__u64 entries;
};

/* ------------------------------------------------------------ VM fd */

#define VMX_LITE_MEM_READONLY	(1U << 0)	/* guest writes exit as MMIO */
#define VMX_LITE_MEM_LOG_DIRTY	(1U << 1)

/**
 * struct vmx_lite_memory_region - VM_SET_MEMORY, VM_UNSET_MEMORY
 * @gpa: guest-physical start, a multiple of 4096
 * @size: bytes, a multiple of 4096, not 0
 * @user_addr: where it lies in the caller's memory, a multiple of 4096
 * @flags: VMX_LITE_MEM_*
 *
 * SET adds a region, or changes the flags of the very same one.  UNSET takes
 * @gpa and @size of an existing region; @user_addr and @flags must be 0.
 */
struct vmx_lite_memory_region {
	__u64 gpa;
	__u64 size;
	__u64 user_addr;
	__u32 flags;
	__u32 pad;
};

#define VMX_LITE_DIRTY_CLEAR	(1U << 0)	/* forget what is reported */

/**
 * struct vmx_lite_dirty_log - VM_GET_DIRTY_LOG
 * @gpa: start of the range, within one LOG_DIRTY region
 * @size: bytes
 * @bitmap: user address; bit N is page N of the range, rounded up to 8 bytes
 * @flags: VMX_LITE_DIRTY_CLEAR
 */
struct vmx_lite_dirty_log {
	__u64 gpa;
	__u64 size;
	__u64 bitmap;
	__u32 flags;
	__u32 pad;
};

/**
 * struct vmx_lite_create_vcpu - VM_CREATE_VCPU, returns the vCPU fd
 * @id: 0 to VMX_LITE_MAX_VCPUS - 1; also the local APIC id
 * @flags: 0
 */
struct vmx_lite_create_vcpu {
	__u32 id;
	__u32 flags;
};

/**
 * struct vmx_lite_irq_line - VM_IRQ_LINE
 * @gsi: IOAPIC pin, 0 to 23
 * @level: 0 or 1
 */
struct vmx_lite_irq_line {
	__u32 gsi;
	__u32 level;
};

/* struct vmx_lite_msi - VM_SIGNAL_MSI: address and data as on the PCI bus */
struct vmx_lite_msi {
	__u64 address;
	__u32 data;
	__u32 pad;
};

#define VMX_LITE_IRQFD_DEASSIGN	(1U << 0)
#define VMX_LITE_IRQFD_MSI	(1U << 1)	/* send @msi; else raise @gsi */
#define VMX_LITE_IRQFD_RESAMPLE	(1U << 2)	/* level: signal @resample_fd on EOI */

/**
 * struct vmx_lite_irqfd - VM_IRQFD: an eventfd that is an interrupt
 * @fd: eventfd; assigning it again replaces what it sends
 * @flags: VMX_LITE_IRQFD_*
 * @gsi: IOAPIC pin, if not MSI
 * @resample_fd: eventfd, with RESAMPLE, else 0
 * @msi: with MSI
 */
struct vmx_lite_irqfd {
	__s32 fd;
	__u32 flags;
	__u32 gsi;
	__s32 resample_fd;
	struct vmx_lite_msi msi;
};

#define VMX_LITE_IOEVENTFD_DEASSIGN	(1U << 0)
#define VMX_LITE_IOEVENTFD_PIO		(1U << 1)	/* @addr is a port */
#define VMX_LITE_IOEVENTFD_DATAMATCH	(1U << 2)	/* only writes of @datamatch */

/**
 * struct vmx_lite_ioeventfd - VM_IOEVENTFD: a guest write that is an eventfd
 * @addr: guest-physical address or port
 * @datamatch: with DATAMATCH, else 0
 * @len: 1, 2, 4, 8 bytes, or 0 for any length (not with DATAMATCH)
 * @fd: eventfd
 * @flags: VMX_LITE_IOEVENTFD_*
 */
struct vmx_lite_ioeventfd {
	__u64 addr;
	__u64 datamatch;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u32 pad;
};

/**
 * struct vmx_lite_ioapic - VM_GET_IOAPIC, VM_SET_IOAPIC (82093AA)
 * @id: IOAPIC id register
 * @select: register select
 * @irr: lines now asserted
 * @pad: 0
 * @redirect: redirection table, without reserved bits
 */
struct vmx_lite_ioapic {
	__u32 id;
	__u32 select;
	__u32 irr;
	__u32 pad;
	__u64 redirect[VMX_LITE_IOAPIC_PINS];
};

enum vmx_lite_suspend_how {
	VM_SUSPEND_NONE = 0,
	VM_SUSPEND_RESET,
	VM_SUSPEND_POWEROFF,
	VM_SUSPEND_HALT,
	VM_SUSPEND_TRIPLEFAULT,
};

/* struct vmx_lite_suspend - VM_SUSPEND: end all vCPUs' runs with SUSPENDED */
struct vmx_lite_suspend {
	__u32 how;			/* enum vmx_lite_suspend_how, not NONE */
	__u32 pad;
};

/* ------------------------------------------------------------ vCPU fd: state */

/* VM_GET_REGS, VM_SET_REGS: general registers, in ModRM order */
struct vmx_lite_regs {
	__u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	__u64 r8, r9, r10, r11, r12, r13, r14, r15;
	__u64 rip, rflags;
};

#define VMX_LITE_SEG_UNUSABLE	(1U << 16)

/* @attr: access rights as in the VMCS (SDM vol. 3, 25.4.1, table 25-2) */
struct vmx_lite_segment {
	__u64 base;
	__u32 limit;
	__u32 attr;
	__u16 selector;
	__u16 pad[3];
};

struct vmx_lite_dtable {
	__u64 base;
	__u16 limit;
	__u16 pad[3];
};

/* VM_GET_SEGS, VM_SET_SEGS */
struct vmx_lite_segs {
	struct vmx_lite_segment es, cs, ss, ds, fs, gs, ldtr, tr;
	struct vmx_lite_dtable gdtr, idtr;
};

/* VM_GET_CONTROL, VM_SET_CONTROL; @pdpte counts only with PAE paging */
struct vmx_lite_control {
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 efer;
	__u64 xcr0;
	__u64 apic_base;
	__u64 pdpte[4];
};

/* VM_GET_DEBUG, VM_SET_DEBUG */
struct vmx_lite_debug {
	__u64 dr0, dr1, dr2, dr3, dr6, dr7;
};

struct vmx_lite_msr {
	__u32 index;
	__u32 pad;
	__u64 value;
};

/**
 * struct vmx_lite_msrs - VM_GET_MSRS, VM_SET_MSRS
 * @count: 1 to VMX_LITE_MAX_MSRS
 * @done: out: how many succeeded; the first that fails ends it with EINVAL
 * @entries: user address of struct vmx_lite_msr[]
 */
struct vmx_lite_msrs {
	__u32 count;
	__u32 done;
	__u64 entries;
};

/**
 * struct vmx_lite_xsave - VM_GET_XSAVE, VM_SET_XSAVE
 * @addr: user address of an XSAVE area in standard form (SDM vol. 1, 13.4)
 * @size: bytes there, at least vmx_lite_info.xsave_size
 */
struct vmx_lite_xsave {
	__u64 addr;
	__u32 size;
	__u32 pad;
};

#define VMX_LITE_ACCESS_READ	(1U << 0)
#define VMX_LITE_ACCESS_WRITE	(1U << 1)
#define VMX_LITE_ACCESS_EXEC	(1U << 2)
#define VMX_LITE_ACCESS_USER	(1U << 3)	/* as CPL 3; else as CPL 0 */

/**
 * struct vmx_lite_translate - VM_TRANSLATE: a linear to a guest-physical address
 * @gva: linear address
 * @gpa: out
 * @access: VMX_LITE_ACCESS_*
 * @fault: out: 0, or 1 if the guest would take a page fault
 * @error_code: out: of that page fault
 * @pad: 0
 */
struct vmx_lite_translate {
	__u64 gva;
	__u64 gpa;
	__u32 access;
	__u32 fault;
	__u32 error_code;
	__u32 pad;
};

enum vmx_lite_event_type {		/* SDM vol. 3, 25.8.3 */
	VMX_LITE_EVENT_INTR = 0,
	VMX_LITE_EVENT_NMI = 2,
	VMX_LITE_EVENT_EXCEPTION = 3,
	VMX_LITE_EVENT_SOFT_INT = 4,
	VMX_LITE_EVENT_PRIV_EXCEPTION = 5,
	VMX_LITE_EVENT_SOFT_EXCEPTION = 6,
};

/**
 * struct vmx_lite_event - VM_INJECT: an event for the next entry
 * @vector: 0 to 255; 2 for an NMI; 0 to 31 for an exception
 * @type: INTR (an external interrupt past the local APIC, delivered when the
 *	guest can take it), NMI (pends, delivered when unblocked) or EXCEPTION
 * @error_valid: 1 if the exception has an error code
 * @error_code: it
 */
struct vmx_lite_event {
	__u8 vector;
	__u8 type;
	__u8 error_valid;
	__u8 pad;
	__u32 error_code;
};

#define VMX_LITE_BLOCK_STI	(1U << 0)	/* SDM vol. 3, table 25-3 */
#define VMX_LITE_BLOCK_MOV_SS	(1U << 1)
#define VMX_LITE_BLOCK_NMI	(1U << 3)

enum vmx_lite_activity {
	VMX_LITE_RUNNING = 0,
	VMX_LITE_HALTED = 1,
	VMX_LITE_WAIT_SIPI = 3,
};

/**
 * struct vmx_lite_events - VM_GET_EVENTS, VM_SET_EVENTS
 * @pending: event to be injected by the next entry, valid if @pending_valid
 * @insn_len: of a software interrupt or exception in @pending
 * @pending_valid: 0 or 1
 * @nmi_pending: NMIs waiting, 0 to 2
 * @intr_valid: 1 if behind @pending an INTR of VM_INJECT waits, too
 * @intr_vector: of that; 0 if there is none
 * @pad: 0
 * @interruptibility: VMX_LITE_BLOCK_*
 * @activity: enum vmx_lite_activity
 * @pending_debug: SDM vol. 3, table 25-4
 */
struct vmx_lite_events {
	struct vmx_lite_event pending;
	__u8 insn_len;
	__u8 pending_valid;
	__u8 nmi_pending;
	__u8 intr_valid;
	__u8 intr_vector;
	__u8 pad[3];
	__u32 interruptibility;
	__u32 activity;
	__u64 pending_debug;
};

/* VM_GET_LAPIC, VM_SET_LAPIC: the register page, 16 bytes a register */
struct vmx_lite_lapic {
	__u32 regs[256];
};

enum vmx_lite_cap {			/* after bhyve's vm_set_capability() */
	VM_CAP_HALT_EXIT = 0,		/* HLT exits to user space (else waits in the kernel) */
	VM_CAP_MTRAP_EXIT,		/* exit after one instruction */
	VM_CAP_PAUSE_EXIT,		/* PAUSE exits to user space */
	VM_CAP_DEBUG_EXIT,		/* #DB and #BP exit to user space */
	VM_CAP_MAX
};

/* VM_GET_CAPABILITY, VM_SET_CAPABILITY; ENODEV where the CPU lacks it */
struct vmx_lite_capability {
	__u32 type;			/* enum vmx_lite_cap */
	__u32 value;			/* 0 or 1 */
};

/* VM_GET_TSC, VM_SET_TSC: guest TSC = host TSC + @offset */
struct vmx_lite_tsc {
	__u64 offset;
};

#define VMX_LITE_STAT_REASONS	80

/**
 * struct vmx_lite_stats - VM_GET_STATS
 * @exits: by basic exit reason (SDM vol. 3, appendix C)
 * @entries: VM entries
 * @user_exits: returns of VM_RUN
 * @injected: events injected: interrupts, NMIs, exceptions
 * @ept_faults: guest pages mapped on demand
 * @halts: waits for an interrupt in the kernel
 * @kicks: times another thread made the vCPU leave the guest
 * @halt_polls: halts that looked for an event for a while before they slept
 * @halt_poll_hits: those of them that found one, and did not sleep
 * @yields: PAUSE loops (exits[40]) that gave their CPU to another vCPU
 * @eoi_skips: interrupts that the guest ended without an exit, by MSR_KVM_PV_EOI_EN
 */
struct vmx_lite_stats {
	__u64 exits[VMX_LITE_STAT_REASONS];
	__u64 entries;
	__u64 user_exits;
	__u64 injected[3];
	__u64 ept_faults;
	__u64 halts;
	__u64 kicks;
	__u64 halt_polls;
	__u64 halt_poll_hits;
	__u64 yields;
	__u64 eoi_skips;
	__u64 pad[4];
};

/* ------------------------------------------------------------ the run page */

enum vmx_lite_exit_reason {
	VM_EXITCODE_NONE = 0,
	VM_EXITCODE_INOUT,
	VM_EXITCODE_MMIO,
	VM_EXITCODE_RDMSR,
	VM_EXITCODE_WRMSR,
	VM_EXITCODE_HLT,
	VM_EXITCODE_PAUSE,
	VM_EXITCODE_MTRAP,
	VM_EXITCODE_DEBUG,
	VM_EXITCODE_SPINUP_AP,
	VM_EXITCODE_IOAPIC_EOI,
	VM_EXITCODE_SUSPENDED,
	VM_EXITCODE_INTR,		/* a signal, or immediate_exit */
	VM_EXITCODE_FAIL_ENTRY,		/* VM entry failed: see why */
	VM_EXITCODE_INTERNAL,		/* the engine cannot go on: see why */
	VM_EXITCODE_EXTINT,		/* the guest takes an interrupt of the INTR pin */
	VM_EXITCODE_MAX
};

#define VMX_LITE_INOUT_IN	(1U << 0)
#define VMX_LITE_INOUT_STRING	(1U << 1)
#define VMX_LITE_INOUT_REP	(1U << 2)

enum vmx_lite_internal {
	VMX_LITE_INTERNAL_EMULATION = 1,	/* instruction not emulated: bytes in insn */
	VMX_LITE_INTERNAL_UNEXPECTED_EXIT,	/* exit reason nobody asked for */
	VMX_LITE_INTERNAL_EPT_MISCONFIG,
	VMX_LITE_INTERNAL_DELIVERY,		/* exit in the middle of delivering an event */
	VMX_LITE_INTERNAL_MEMORY,		/* guest memory could not be faulted in: error */
};

enum vmx_lite_fail {
	VMX_LITE_FAIL_INSTRUCTION = 1,	/* VMLAUNCH/VMRESUME failed: insn_error */
	VMX_LITE_FAIL_GUEST_STATE,	/* exit reason 33: invalid guest state */
	VMX_LITE_FAIL_MSR_LOAD,		/* exit reason 34 */
	VMX_LITE_FAIL_MACHINE_CHECK,	/* exit reason 41 */
};

/**
 * struct vmx_lite_run - the start of the vCPU fd's mapping
 * @immediate_exit: in: not 0: VM_RUN completes the last exit, then returns
 *	with INTR before entering the guest.  A signal handler may set it.
 * @intr_pin: in: level of the INTR pin, where an interrupt controller of user
 *	space (8259A) ends: while not 0, VM_RUN returns with EXTINT as soon as the
 *	guest can take the interrupt; VM_INJECT gives it the vector
 * @exit_reason: out: enum vmx_lite_exit_reason
 * @insn_len: length of the instruction that exited, 0 if it has none
 * @rip: where the guest is; for INOUT, MMIO, RDMSR, WRMSR the instruction,
 *	completed when VM_RUN is called again; for others the next one
 *
 * Data the guest is to receive (INOUT in, MMIO read, RDMSR) is written here
 * before VM_RUN is called again.
 */
struct vmx_lite_run {
	__u8 immediate_exit;
	__u8 intr_pin;
	__u8 pad0[6];
	__u32 exit_reason;
	__u32 insn_len;
	__u64 rip;
	__u64 pad1[5];
	union {
		/* INOUT: @count items of @size bytes at data_offset of the mapping */
		struct {
			__u16 port;
			__u8 size;		/* 1, 2, 4 */
			__u8 flags;		/* VMX_LITE_INOUT_* */
			__u32 count;		/* 1, or more with REP */
		} inout;
		/* MMIO: one aligned or unaligned access of @size bytes */
		struct {
			__u64 gpa;
			__u64 data;
			__u8 size;		/* 1, 2, 4, 8 */
			__u8 is_write;
			__u8 pad[6];
		} mmio;
		/* RDMSR, WRMSR; set @error to 1 to give the guest #GP(0) */
		struct {
			__u32 index;
			__u32 error;
			__u64 value;
		} msr;
		/* DEBUG */
		struct {
			__u32 vector;		/* 1 (#DB) or 3 (#BP) */
			__u32 pad;
			__u64 dr6;
		} debug;
		/*
		 * SPINUP_AP: call VM_RUN for @vcpu, in a thread of its own; it will
		 * begin at @rip, the page of the start-up IPI, by itself.
		 */
		struct {
			__u32 vcpu;
			__u32 pad;
			__u64 rip;
		} spinup_ap;
		struct {
			__u32 vector;
			__u32 pad;
		} ioapic_eoi;
		struct {
			__u32 how;		/* enum vmx_lite_suspend_how */
			__u32 pad;
		} suspended;
		/* FAIL_ENTRY: @what names the field or rule, NUL-terminated */
		struct {
			__u32 why;		/* enum vmx_lite_fail */
			__u32 vmx_reason;	/* exit reason field */
			__u32 insn_error;	/* VM-instruction error field */
			__u32 pad;
			__u64 qualification;
			char what[96];
		} fail_entry;
		/* INTERNAL */
		struct {
			__u32 why;		/* enum vmx_lite_internal */
			__u32 vmx_reason;
			__u64 qualification;
			__u64 gpa;
			__u64 gva;
			__s32 error;		/* -errno, or 0 */
			__u8 insn_len;		/* bytes in insn */
			__u8 insn[15];
			__u32 idt_vectoring;
		} internal;
		__u8 pad2[256];
	};
};

/* ------------------------------------------------------------ ioctls */

#define VMX_LITE_IOC	0xb7

#define VMX_LITE_GET_INFO	_IOR(VMX_LITE_IOC, 0x00, struct vmx_lite_info)
#define VMX_LITE_CREATE_VM	_IOW(VMX_LITE_IOC, 0x01, struct vmx_lite_create_vm)
#define VMX_LITE_GET_CPUID	_IOWR(VMX_LITE_IOC, 0x02, struct vmx_lite_cpuid)

#define VM_SET_MEMORY		_IOW(VMX_LITE_IOC, 0x20, struct vmx_lite_memory_region)
#define VM_UNSET_MEMORY		_IOW(VMX_LITE_IOC, 0x21, struct vmx_lite_memory_region)
#define VM_GET_DIRTY_LOG	_IOW(VMX_LITE_IOC, 0x22, struct vmx_lite_dirty_log)
#define VM_CREATE_VCPU		_IOW(VMX_LITE_IOC, 0x23, struct vmx_lite_create_vcpu)
#define VM_IRQ_LINE		_IOW(VMX_LITE_IOC, 0x24, struct vmx_lite_irq_line)
#define VM_SIGNAL_MSI		_IOW(VMX_LITE_IOC, 0x25, struct vmx_lite_msi)
#define VM_IRQFD		_IOW(VMX_LITE_IOC, 0x26, struct vmx_lite_irqfd)
#define VM_IOEVENTFD		_IOW(VMX_LITE_IOC, 0x27, struct vmx_lite_ioeventfd)
#define VM_GET_IOAPIC		_IOR(VMX_LITE_IOC, 0x28, struct vmx_lite_ioapic)
#define VM_SET_IOAPIC		_IOW(VMX_LITE_IOC, 0x29, struct vmx_lite_ioapic)
#define VM_SUSPEND		_IOW(VMX_LITE_IOC, 0x2a, struct vmx_lite_suspend)

#define VM_RUN			_IO(VMX_LITE_IOC, 0x40)
#define VM_GET_REGS		_IOR(VMX_LITE_IOC, 0x41, struct vmx_lite_regs)
#define VM_SET_REGS		_IOW(VMX_LITE_IOC, 0x42, struct vmx_lite_regs)
#define VM_GET_SEGS		_IOR(VMX_LITE_IOC, 0x43, struct vmx_lite_segs)
#define VM_SET_SEGS		_IOW(VMX_LITE_IOC, 0x44, struct vmx_lite_segs)
#define VM_GET_CONTROL		_IOR(VMX_LITE_IOC, 0x45, struct vmx_lite_control)
#define VM_SET_CONTROL		_IOW(VMX_LITE_IOC, 0x46, struct vmx_lite_control)
#define VM_GET_DEBUG		_IOR(VMX_LITE_IOC, 0x47, struct vmx_lite_debug)
#define VM_SET_DEBUG		_IOW(VMX_LITE_IOC, 0x48, struct vmx_lite_debug)
#define VM_GET_MSRS		_IOWR(VMX_LITE_IOC, 0x49, struct vmx_lite_msrs)
#define VM_SET_MSRS		_IOWR(VMX_LITE_IOC, 0x4a, struct vmx_lite_msrs)
#define VM_GET_XSAVE		_IOW(VMX_LITE_IOC, 0x4b, struct vmx_lite_xsave)
#define VM_SET_XSAVE		_IOW(VMX_LITE_IOC, 0x4c, struct vmx_lite_xsave)
#define VM_GET_CPUID		_IOWR(VMX_LITE_IOC, 0x4d, struct vmx_lite_cpuid)
#define VM_SET_CPUID		_IOW(VMX_LITE_IOC, 0x4e, struct vmx_lite_cpuid)
#define VM_TRANSLATE		_IOWR(VMX_LITE_IOC, 0x4f, struct vmx_lite_translate)
#define VM_INJECT		_IOW(VMX_LITE_IOC, 0x50, struct vmx_lite_event)
#define VM_GET_EVENTS		_IOR(VMX_LITE_IOC, 0x51, struct vmx_lite_events)
#define VM_SET_EVENTS		_IOW(VMX_LITE_IOC, 0x52, struct vmx_lite_events)
#define VM_GET_LAPIC		_IOR(VMX_LITE_IOC, 0x53, struct vmx_lite_lapic)
#define VM_SET_LAPIC		_IOW(VMX_LITE_IOC, 0x54, struct vmx_lite_lapic)
#define VM_GET_CAPABILITY	_IOWR(VMX_LITE_IOC, 0x55, struct vmx_lite_capability)
#define VM_SET_CAPABILITY	_IOW(VMX_LITE_IOC, 0x56, struct vmx_lite_capability)
#define VM_GET_TSC		_IOR(VMX_LITE_IOC, 0x57, struct vmx_lite_tsc)
#define VM_SET_TSC		_IOW(VMX_LITE_IOC, 0x58, struct vmx_lite_tsc)
#define VM_GET_STATS		_IOR(VMX_LITE_IOC, 0x59, struct vmx_lite_stats)

#endif /* _UAPI_LINUX_VMX_LITE_H */
