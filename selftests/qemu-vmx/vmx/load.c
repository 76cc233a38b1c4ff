/*
 * Guest and host state between the VMCS and the CPU (27.3.2, 28.3, 28.5).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "exec/exec-all.h"
#include "vmx.h"

/* What follows the segment registers in the VMCS */
#define SEG_LDTR    (R_GS + 1)
#define SEG_TR      (R_GS + 2)

/* CR0 bits that transitions leave alone (27.3.2.1, 28.5.1) */
#define CR0_KEPT    (CR0_CD_MASK | CR0_NW_MASK)

/*
 * Setting CR0 and CR4 beforehand keeps the functions that derive the hidden
 * flags from flushing the TLB: tlb.c does that where it is needed.
 */
void vmx_load_crs(CPUX86State *env, uint64_t cr0, uint64_t cr3, uint64_t cr4,
                  uint64_t efer)
{
    cr0 = (cr0 & ~(uint64_t)CR0_KEPT) | (env->cr[0] & CR0_KEPT);
    env->efer &= ~(uint64_t)(MSR_EFER_LME | MSR_EFER_LMA);
    env->hflags &= ~(HF_LMA_MASK | HF_CS64_MASK);
    env->cr[0] = cr0;
    env->cr[4] = cr4;
    cpu_x86_update_cr0(env, cr0);
    cpu_x86_update_cr4(env, cr4);
    env->cr[3] = cr3;
    cpu_load_efer(env, efer);
}

static void load_eflags(CPUX86State *env, uint32_t eflags)
{
    env->eflags = 0;
    cpu_load_eflags(env, eflags,
                    ~(CC_O | CC_S | CC_Z | CC_A | CC_P | CC_C | DF_MASK));
}

/*
 * QEMU numbers the segment registers as the VMCS does, with LDTR and TR next.
 * QEMU has no "unusable": such a segment is not present.  SS keeps its DPL,
 * which is the CPL.  QEMU's TR is never busy.
 */
static uint32_t access_rights(const SegmentCache *sc)
{
    uint32_t ar = (sc->flags >> 8) & 0xf0ff;

    return sc->flags & DESC_P_MASK ? ar :
           (ar & 3 << VMCS_AR_DPL_SHIFT) | VMCS_AR_UNUSABLE;
}

static uint32_t segment_flags(uint32_t ar)
{
    if (ar & VMCS_AR_UNUSABLE) {
        return (ar & 3 << VMCS_AR_DPL_SHIFT) << 8;
    }
    return (ar & 0xf0ff) << 8;
}

static void save_segment(CPUX86State *env, int n, const SegmentCache *sc)
{
    uint32_t ar = access_rights(sc);

    /* QEMU does not always set "accessed" when it loads CS; CPUs do */
    if ((ar & (VMCS_AR_S | VMCS_AR_UNUSABLE)) == VMCS_AR_S) {
        ar |= 1;
    }
    vmx_write(env, VMCS_GUEST_ES_SELECTOR + 2 * n, sc->selector);
    vmx_write(env, VMCS_GUEST_ES_BASE + 2 * n, sc->base);
    vmx_write(env, VMCS_GUEST_ES_LIMIT + 2 * n, sc->limit);
    vmx_write(env, VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * n, ar);
}

static SegmentCache guest_segment(CPUX86State *env, int n)
{
    uint32_t ar = vmx_read(env, VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * n);

    return (SegmentCache) {
        .selector = vmx_read(env, VMCS_GUEST_ES_SELECTOR + 2 * n),
        .base = vmx_read(env, VMCS_GUEST_ES_BASE + 2 * n),
        .limit = vmx_read(env, VMCS_GUEST_ES_LIMIT + 2 * n),
        .flags = segment_flags(ar),
    };
}

static void load_pdptes(CPUX86State *env)
{
    CPUState *cs = env_cpu(env);
    uint64_t table = env->cr[3] & ~0x1full;
    int i;

    for (i = 0; i < 4; i++) {
        env->vmx.pdpte[i] = vmx_ept_enabled(env) ?
                            vmx_read(env, VMCS_GUEST_PDPTE0 + 2 * i) :
                            x86_ldq_phys(cs, table + 8 * i);
    }
}

/* 27.3.2.1: IA32_EFER without its own field follows the IA-32e mode control */
static uint64_t guest_efer(CPUX86State *env, uint32_t entry)
{
    uint64_t efer = env->efer;

    if (entry & VMX_VM_ENTRY_LOAD_IA32_EFER) {
        return vmx_read(env, VMCS_GUEST_IA32_EFER);
    }
    efer &= ~(uint64_t)MSR_EFER_LMA;
    if (vmx_read(env, VMCS_GUEST_CR0) & CR0_PG_MASK) {
        efer &= ~(uint64_t)MSR_EFER_LME;
    }
    if (entry & VMX_VM_ENTRY_IA32E_MODE) {
        efer |= MSR_EFER_LMA | MSR_EFER_LME;
    }
    return efer;
}

void vmx_load_guest(CPUX86State *env)
{
    uint32_t entry = vmx_read(env, VMCS_ENTRY_CTLS);
    uint32_t blocking = vmx_read(env, VMCS_GUEST_INTERRUPTIBILITY);
    int i;

    vmx_load_crs(env, vmx_read(env, VMCS_GUEST_CR0),
                 vmx_read(env, VMCS_GUEST_CR3), vmx_read(env, VMCS_GUEST_CR4),
                 guest_efer(env, entry));
    if (vmx_pae_paging(env->cr[0], env->cr[4], env->efer)) {
        load_pdptes(env);
    }
    if (entry & VMX_VM_ENTRY_LOAD_IA32_PAT) {
        env->pat = vmx_read(env, VMCS_GUEST_IA32_PAT);
    }
    if (entry & VMX_VM_ENTRY_LOAD_DEBUG_CONTROLS) {
        cpu_x86_update_dr7(env, vmx_read(env, VMCS_GUEST_DR7));
        env->vmx.debugctl = vmx_read(env, VMCS_GUEST_IA32_DEBUGCTL);
    }
    env->sysenter_cs = vmx_read(env, VMCS_GUEST_IA32_SYSENTER_CS);
    env->sysenter_esp = vmx_read(env, VMCS_GUEST_IA32_SYSENTER_ESP);
    env->sysenter_eip = vmx_read(env, VMCS_GUEST_IA32_SYSENTER_EIP);
    load_eflags(env, vmx_read(env, VMCS_GUEST_RFLAGS));
    for (i = R_ES; i <= R_GS; i++) {
        SegmentCache sc = guest_segment(env, i);

        cpu_x86_load_seg_cache(env, i, sc.selector, sc.base, sc.limit,
                               sc.flags);
    }
    env->ldt = guest_segment(env, SEG_LDTR);
    env->tr = guest_segment(env, SEG_TR);
    env->tr.flags &= ~DESC_TSS_BUSY_MASK;
    env->gdt.base = vmx_read(env, VMCS_GUEST_GDTR_BASE);
    env->gdt.limit = vmx_read(env, VMCS_GUEST_GDTR_LIMIT);
    env->idt.base = vmx_read(env, VMCS_GUEST_IDTR_BASE);
    env->idt.limit = vmx_read(env, VMCS_GUEST_IDTR_LIMIT);
    env->regs[R_ESP] = vmx_read(env, VMCS_GUEST_RSP);
    env->eip = vmx_read(env, VMCS_GUEST_RIP);

    env->hflags &= ~HF_INHIBIT_IRQ_MASK;
    if (blocking & (VMCS_INTERRUPTIBILITY_STI | VMCS_INTERRUPTIBILITY_MOVSS)) {
        env->hflags |= HF_INHIBIT_IRQ_MASK;
        env->vmx.mov_ss = blocking & VMCS_INTERRUPTIBILITY_MOVSS;
    }
    env->hflags2 &= ~HF2_NMI_MASK;
    if (blocking & VMCS_INTERRUPTIBILITY_NMI) {
        env->hflags2 |= HF2_NMI_MASK;
    }
}

/* 28.3.4 */
static void save_non_register_state(CPUX86State *env, uint32_t eflags)
{
    uint32_t blocking = 0, pending = 0;

    if (env->hflags & HF_INHIBIT_IRQ_MASK) {
        blocking |= env->vmx.mov_ss ? VMCS_INTERRUPTIBILITY_MOVSS :
                                      VMCS_INTERRUPTIBILITY_STI;
    }
    /* The trap of the instruction before is still to come */
    if ((eflags & TF_MASK) && (blocking || env->vmx.mtf_pending)) {
        pending |= VMCS_PENDING_DBG_BS;
    }
    if (env->hflags2 & HF2_NMI_MASK) {
        blocking |= VMCS_INTERRUPTIBILITY_NMI;
    }
    vmx_write(env, VMCS_GUEST_INTERRUPTIBILITY, blocking);
    vmx_write(env, VMCS_GUEST_PENDING_DBG_EXCEPTIONS, pending);
    vmx_write(env, VMCS_GUEST_ACTIVITY, env->vmx.halted ? VMCS_ACTIVITY_HLT :
              VMCS_ACTIVITY_ACTIVE);
}

static void save_msrs(CPUX86State *env, uint32_t exit)
{
    uint32_t entry = vmx_read(env, VMCS_ENTRY_CTLS);

    vmx_write(env, VMCS_GUEST_IA32_SYSENTER_CS, env->sysenter_cs);
    vmx_write(env, VMCS_GUEST_IA32_SYSENTER_ESP, env->sysenter_esp);
    vmx_write(env, VMCS_GUEST_IA32_SYSENTER_EIP, env->sysenter_eip);
    if (exit & VMX_VM_EXIT_SAVE_DEBUG_CONTROLS) {
        vmx_write(env, VMCS_GUEST_DR7, env->dr[7]);
        vmx_write(env, VMCS_GUEST_IA32_DEBUGCTL, env->vmx.debugctl);
    }
    if (exit & VMX_VM_EXIT_SAVE_IA32_EFER) {
        vmx_write(env, VMCS_GUEST_IA32_EFER, env->efer);
    }
    if (exit & VMX_VM_EXIT_SAVE_IA32_PAT) {
        vmx_write(env, VMCS_GUEST_IA32_PAT, env->pat);
    }
    if (env->features[FEAT_VMX_MISC] & MSR_VMX_MISC_STORE_LMA) {
        entry &= ~VMX_VM_ENTRY_IA32E_MODE;
        if (env->efer & MSR_EFER_LMA) {
            entry |= VMX_VM_ENTRY_IA32E_MODE;
        }
        vmx_write(env, VMCS_ENTRY_CTLS, entry);
    }
}

void vmx_save_guest(CPUX86State *env)
{
    uint32_t exit = vmx_read(env, VMCS_EXIT_CTLS);
    uint32_t eflags = cpu_compute_eflags(env);
    SegmentCache tr = env->tr;
    int i;

    vmx_write(env, VMCS_GUEST_CR0, env->cr[0]);
    vmx_write(env, VMCS_GUEST_CR3, env->cr[3]);
    vmx_write(env, VMCS_GUEST_CR4, env->cr[4]);
    save_msrs(env, exit);
    vmx_write(env, VMCS_GUEST_RFLAGS, eflags);
    vmx_write(env, VMCS_GUEST_RIP, env->eip);
    vmx_write(env, VMCS_GUEST_RSP, env->regs[R_ESP]);
    for (i = R_ES; i <= R_GS; i++) {
        save_segment(env, i, &env->segs[i]);
    }
    tr.flags |= DESC_TSS_BUSY_MASK;
    save_segment(env, SEG_LDTR, &env->ldt);
    save_segment(env, SEG_TR, &tr);
    vmx_write(env, VMCS_GUEST_GDTR_BASE, env->gdt.base);
    vmx_write(env, VMCS_GUEST_GDTR_LIMIT, env->gdt.limit);
    vmx_write(env, VMCS_GUEST_IDTR_BASE, env->idt.base);
    vmx_write(env, VMCS_GUEST_IDTR_LIMIT, env->idt.limit);
    save_non_register_state(env, eflags);
    if (vmx_ept_enabled(env) &&
        vmx_pae_paging(env->cr[0], env->cr[4], env->efer)) {
        for (i = 0; i < 4; i++) {
            vmx_write(env, VMCS_GUEST_PDPTE0 + 2 * i, env->vmx.pdpte[i]);
        }
    }
}

/* 28.5.2 */
static void load_host_segments(CPUX86State *env, bool host64)
{
    const uint32_t data = DESC_G_MASK | DESC_B_MASK | DESC_P_MASK |
                          DESC_S_MASK | DESC_W_MASK | DESC_A_MASK;
    const uint32_t code = DESC_G_MASK | DESC_P_MASK | DESC_S_MASK |
                          DESC_CS_MASK | DESC_R_MASK | DESC_A_MASK;
    int i;

    for (i = R_ES; i <= R_GS; i++) {
        uint16_t selector = vmx_read(env, VMCS_HOST_ES_SELECTOR + 2 * i);
        uint64_t base = 0;
        uint32_t flags = data;

        if (i == R_CS) {
            flags = code | (host64 ? DESC_L_MASK : DESC_B_MASK);
        } else if (i == R_FS) {
            base = vmx_read(env, VMCS_HOST_FS_BASE);
        } else if (i == R_GS) {
            base = vmx_read(env, VMCS_HOST_GS_BASE);
        }
        if (!selector && i != R_CS) {
            flags = 0;
        }
        cpu_x86_load_seg_cache(env, i, selector, base, 0xffffffff, flags);
    }
    env->tr = (SegmentCache) {
        .selector = vmx_read(env, VMCS_HOST_TR_SELECTOR),
        .base = vmx_read(env, VMCS_HOST_TR_BASE),
        .limit = 0x67,
        .flags = DESC_P_MASK | 9 << DESC_TYPE_SHIFT,
    };
    env->ldt = (SegmentCache) { };
    env->gdt.base = vmx_read(env, VMCS_HOST_GDTR_BASE);
    env->gdt.limit = 0xffff;
    env->idt.base = vmx_read(env, VMCS_HOST_IDTR_BASE);
    env->idt.limit = 0xffff;
}

void vmx_load_host(CPUX86State *env)
{
    uint32_t exit = vmx_read(env, VMCS_EXIT_CTLS);
    bool host64 = exit & VMX_VM_EXIT_HOST_ADDR_SPACE_SIZE;
    uint64_t efer = env->efer & ~(uint64_t)(MSR_EFER_LME | MSR_EFER_LMA);

    if (exit & VMX_VM_EXIT_LOAD_IA32_EFER) {
        efer = vmx_read(env, VMCS_HOST_IA32_EFER);
    } else if (host64) {
        efer |= MSR_EFER_LME | MSR_EFER_LMA;
    }
    if (exit & VMX_VM_EXIT_LOAD_IA32_PAT) {
        env->pat = vmx_read(env, VMCS_HOST_IA32_PAT);
    }
    vmx_load_crs(env, vmx_read(env, VMCS_HOST_CR0),
                 vmx_read(env, VMCS_HOST_CR3), vmx_read(env, VMCS_HOST_CR4),
                 efer);
    cpu_x86_update_dr7(env, DR7_FIXED_1);
    env->vmx.debugctl = 0;
    env->sysenter_cs = vmx_read(env, VMCS_HOST_IA32_SYSENTER_CS);
    env->sysenter_esp = vmx_read(env, VMCS_HOST_IA32_SYSENTER_ESP);
    env->sysenter_eip = vmx_read(env, VMCS_HOST_IA32_SYSENTER_EIP);
    load_eflags(env, 2);
    load_host_segments(env, host64);
    env->regs[R_ESP] = vmx_read(env, VMCS_HOST_RSP);
    env->eip = vmx_read(env, VMCS_HOST_RIP);
    env->hflags &= ~HF_INHIBIT_IRQ_MASK;
}
