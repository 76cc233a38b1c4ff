/*
 * VMX state of one virtual CPU, part of CPUX86State.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#ifndef I386_VMX_STATE_H
#define I386_VMX_STATE_H

/*
 * A VMCS region: 16 groups (width and type) of 32 fields of 8 bytes.  There is
 * no 16-bit read-only field, so that group holds the header.
 */
#define VMX_VMCS_GROUPS         16
#define VMX_VMCS_GROUP_FIELDS   32
#define VMX_VMCS_QWORDS         (VMX_VMCS_GROUPS * VMX_VMCS_GROUP_FIELDS)

/* What the entries of one half of the TLB were made from */
typedef struct X86VMXTLBTag {
    uint64_t cr3;
    uint64_t eptp;
    uint64_t mode;              /* CR0, CR4 and EFER bits that steer paging */
    uint16_t vpid;
} X86VMXTLBTag;

/* Cleared by CPU reset */
typedef struct X86VMXState {
    bool on;                    /* in VMX operation */
    bool guest;                 /* in VMX non-root operation */
    bool smm_on;                /* on, guest and mtf while in SMM */
    bool smm_guest;
    bool smm_mtf;
    bool vmcs_valid;            /* there is a current VMCS, at vmcs_ptr */
    bool injecting;             /* the next delivery is the injected event */
    bool int_n;                 /* a software interrupt comes from INT n */
    bool mov_ss;                /* HF_INHIBIT_IRQ stems from MOV SS, not STI */
    bool iret_unblocked;        /* this IRET has unblocked NMIs */
    bool halted;                /* guest is in the HLT activity state */
    bool mtf;                   /* monitor trap flag is on */
    bool mtf_pending;           /* exit before the next instruction */
    bool timer_on;
    bool ept_misconfig;         /* last EPT walk: configuration, not access */
    uint8_t insn_len;           /* set by x86_restore_state_to_opc() */
    uint32_t pin, proc, proc2;  /* controls of the current guest */
    uint32_t vec_info;          /* event being delivered */
    uint32_t vec_err;
    uint32_t vec_len;
    uint32_t insn_info;         /* operands of the instruction, for its exit */
    uint64_t insn_disp;
    uint64_t vmxon_ptr, vmcs_ptr;
    uint64_t eptp;
    uint64_t ept_qual;          /* last EPT walk: qualification, bits 5:0 */
    uint64_t fault_addr;        /* linear address of the last page fault */
    uint64_t pdpte[4];
    uint64_t debugctl;
    uint64_t ple_first;         /* TSC at the first PAUSE of a loop */
    uint64_t ple_last;          /* and at the last; 0: none since VM entry */
    X86VMXTLBTag host_tlb, guest_tlb;
} X86VMXState;

/* An IRET is complete: false if it is not VMX that says what happens to NMIs */
static inline bool x86_vmx_iret_done(X86VMXState *vmx)
{
    vmx->iret_unblocked = false;
    return vmx->guest;
}

/* Survives CPU reset */
typedef struct X86VMXStorage {
    uint64_t vmcs[VMX_VMCS_QWORDS];
    uint32_t fields[VMX_VMCS_GROUPS];   /* which fields exist */
    struct QEMUTimer *timer;
    uint64_t deadline;                  /* TSC at which the timer has expired */
} X86VMXStorage;

#endif
