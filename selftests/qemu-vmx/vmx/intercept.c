/*
 * Instructions that exit from VMX non-root operation, or behave differently
 * there (26.1, 26.3).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "vmx.h"

#define CR_ACCESS_MOV_FROM  0x10
#define CR_ACCESS_CLTS      0x20
#define CR_ACCESS_LMSW      0x30
#define CR_ACCESS_LMSW_MEM  0x40
#define DR_ACCESS_MOV_FROM  0x10

/* The encoding of translate.c: register, its operand, direction */
#define INFO_REG(info)      ((info) & 0xf)
#define INFO_GPR(info)      ((info) & 0xf00)
#define INFO_WRITE          0x10000

/* Which control, in which word, makes an instruction of SVM's exit */
typedef struct VMXIntercept {
    uint32_t svm_type;
    uint32_t reason;
    bool secondary;
    uint32_t control;           /* 0: always */
} VMXIntercept;

static const VMXIntercept intercepts[] = {
    { SVM_EXIT_CPUID, EXIT_REASON_CPUID },
    { SVM_EXIT_INVD, EXIT_REASON_INVD },
    { SVM_EXIT_HLT, EXIT_REASON_HLT, false, VMX_CPU_BASED_HLT_EXITING },
    { SVM_EXIT_RDTSC, EXIT_REASON_RDTSC, false, VMX_CPU_BASED_RDTSC_EXITING },
    { SVM_EXIT_RDTSCP, EXIT_REASON_RDTSCP, false, VMX_CPU_BASED_RDTSC_EXITING },
    { SVM_EXIT_RDPMC, EXIT_REASON_RDPMC, false, VMX_CPU_BASED_RDPMC_EXITING },
    { SVM_EXIT_PAUSE, EXIT_REASON_PAUSE, false, VMX_CPU_BASED_PAUSE_EXITING },
    { SVM_EXIT_MONITOR, EXIT_REASON_MONITOR, false,
      VMX_CPU_BASED_MONITOR_EXITING },
    { SVM_EXIT_MWAIT, EXIT_REASON_MWAIT, false, VMX_CPU_BASED_MWAIT_EXITING },
    { SVM_EXIT_WBINVD, EXIT_REASON_WBINVD, true,
      VMX_SECONDARY_EXEC_WBINVD_EXITING },
    { SVM_EXIT_XSETBV, EXIT_REASON_XSETBV },
};

static bool bitmap_test(CPUX86State *env, uint64_t bitmap, uint32_t bit)
{
    return x86_ldub_phys(env_cpu(env), bitmap + bit / 8) >> (bit & 7) & 1;
}

/* 25.6.9 */
static bool msr_exits(CPUX86State *env, uint32_t msr, bool write)
{
    uint64_t bitmap = vmx_read(env, VMCS_MSR_BITMAP) + (write ? 2048 : 0);

    if (!(env->vmx.proc & VMX_CPU_BASED_USE_MSR_BITMAPS)) {
        return true;
    }
    if (msr <= 0x1fff) {
        return bitmap_test(env, bitmap, msr);
    }
    if (msr >= 0xc0000000 && msr <= 0xc0001fff) {
        return bitmap_test(env, bitmap + 1024, msr & 0x1fff);
    }
    return true;
}

/* NMIs are unblocked even if the IRET then faults (26.3) */
static void unblock_nmis(CPUX86State *env)
{
    if ((env->hflags2 & HF2_NMI_MASK) &&
        (!(env->vmx.pin & VMX_PIN_BASED_NMI_EXITING) ||
         vmx_virtual_nmis(env))) {
        env->hflags2 &= ~HF2_NMI_MASK;
        env->vmx.iret_unblocked = true;
    }
}

/* PAUSE-loop exiting, whose time is the TSC's (26.1.3) */
static bool pause_loop_exits(CPUX86State *env)
{
    uint64_t last = env->vmx.ple_last;
    uint64_t now;

    if (!(env->vmx.proc2 & VMX_SECONDARY_EXEC_PAUSE_LOOP_EXITING) ||
        (env->hflags & HF_CPL_MASK)) {
        return false;
    }
    /* PAUSE ends its block, so that counted instructions tell the time here */
    env_cpu(env)->can_do_io = 1;
    now = cpu_get_tsc(env);
    env->vmx.ple_last = now;
    if (!last || now - last > vmx_read(env, VMCS_PLE_GAP)) {
        env->vmx.ple_first = now;
        return false;
    }
    return now - env->vmx.ple_first > vmx_read(env, VMCS_PLE_WINDOW);
}

/*
 * The hooks that SVM has in the translator and the helpers serve VMX too.
 */
void cpu_vmx_intercept(CPUX86State *env, uint32_t svm_type, uint64_t param,
                       uintptr_t ra)
{
    size_t i;

    switch (svm_type) {
    case SVM_EXIT_EXCP_BASE ... SVM_EXIT_EXCP_BASE + 31:
        cpu_vmx_check_exception(env, svm_type - SVM_EXIT_EXCP_BASE, param, ra);
        return;
    case SVM_EXIT_MSR:
        if (msr_exits(env, env->regs[R_ECX], param)) {
            cpu_vmx_exit(env, param ? EXIT_REASON_WRMSR : EXIT_REASON_RDMSR, 0,
                         ra);
        }
        return;
    case SVM_EXIT_IRET:
        unblock_nmis(env);
        return;
    case SVM_EXIT_PAUSE:
        if (!(env->vmx.proc & VMX_CPU_BASED_PAUSE_EXITING) &&
            pause_loop_exits(env)) {
            cpu_vmx_exit(env, EXIT_REASON_PAUSE, 0, ra);
        }
        break;
    case SVM_EXIT_RDTSCP:
        if (!(env->vmx.proc2 & VMX_SECONDARY_EXEC_RDTSCP)) {
            raise_exception_ra(env, EXCP06_ILLOP, ra);
        }
        break;
    default:
        break;
    }
    for (i = 0; i < ARRAY_SIZE(intercepts); i++) {
        const VMXIntercept *in = &intercepts[i];
        uint32_t controls = in->secondary ? env->vmx.proc2 : env->vmx.proc;

        if (in->svm_type == svm_type) {
            if (!in->control || (controls & in->control)) {
                cpu_vmx_exit(env, in->reason, 0, ra);
            }
            return;
        }
    }
}

/*
 * I/O instructions
 */

static bool io_exits(CPUX86State *env, uint32_t port, uint32_t size)
{
    uint32_t i;

    if (!(env->vmx.proc & VMX_CPU_BASED_USE_IO_BITMAPS)) {
        return env->vmx.proc & VMX_CPU_BASED_UNCOND_IO_EXITING;
    }
    for (i = port; i < port + size; i++) {
        /* an access that wraps always exits (26.1.3) */
        if (i > 0xffff ||
            bitmap_test(env, vmx_read(env, i & 0x8000 ? VMCS_IO_BITMAP_B :
                                                        VMCS_IO_BITMAP_A),
                        i & 0x7fff)) {
            return true;
        }
    }
    return false;
}

static uint64_t address_mask(uint32_t insn_info)
{
    switch (insn_info >> 7 & 7) {
    case 0:
        return 0xffff;
    case 1:
        return 0xffffffff;
    default:
        return ~0ull;
    }
}

/* 28.2.1, linear address of INS and OUTS: ES:rDI, or segment:rSI */
static uint64_t string_address(CPUX86State *env, bool in)
{
    uint32_t info = env->vmx.insn_info;
    int seg = in ? R_ES : info >> 15 & 7;
    uint64_t addr = env->regs[in ? R_EDI : R_ESI] & address_mask(info);

    if (!(env->hflags & HF_CS64_MASK)) {
        return (uint32_t)(env->segs[seg].base + addr);
    }
    return seg == R_FS || seg == R_GS ? env->segs[seg].base + addr : addr;
}

/* @svm_param: size, direction, string and REP as SVM encodes them */
void cpu_vmx_check_io(CPUX86State *env, uint32_t port, uint32_t svm_param,
                      uintptr_t ra)
{
    uint32_t size = svm_param >> SVM_IOIO_SIZE_SHIFT & 7;
    bool in = svm_param & SVM_IOIO_TYPE_MASK;
    bool string = svm_param & SVM_IOIO_STR_MASK;
    bool rep = svm_param & SVM_IOIO_REP_MASK;
    uint64_t qualification;

    port &= 0xffff;
    if (string && rep &&
        !(env->regs[R_ECX] & address_mask(env->vmx.insn_info))) {
        return;
    }
    if (!io_exits(env, port, size)) {
        return;
    }
    qualification = (size - 1) | in << 3 | string << 4 |
                    (string && rep) << 5 |
                    (svm_param & VMX_IOIO_IMMEDIATE ? 0x40 : 0) |
                    (uint64_t)port << 16;
    if (string) {
        vmx_write(env, VMCS_GUEST_LINEAR_ADDRESS, string_address(env, in));
        vmx_write(env, VMCS_EXIT_INSTRUCTION_INFO,
                  in ? env->vmx.insn_info & 0x380 : env->vmx.insn_info);
    }
    cpu_vmx_exit(env, EXIT_REASON_INOUT, qualification, ra);
}

/*
 * Control registers
 */

static bool is_cr3_target(CPUX86State *env, uint64_t val)
{
    uint32_t count = vmx_read(env, VMCS_CR3_TARGET_COUNT);
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (vmx_read(env, VMCS_CR3_TARGET0 + 2 * i) == val) {
            return true;
        }
    }
    return false;
}

static bool cr_write_exits(CPUX86State *env, int cr, uint64_t val)
{
    switch (cr) {
    case 0:
        return (val ^ vmx_read(env, VMCS_CR0_SHADOW)) &
               vmx_read(env, VMCS_CR0_MASK);
    case 3:
        return (env->vmx.proc & VMX_CPU_BASED_CR3_LOAD_EXITING) &&
               !is_cr3_target(env, val);
    case 4:
        return (val ^ vmx_read(env, VMCS_CR4_SHADOW)) &
               vmx_read(env, VMCS_CR4_MASK);
    case 8:
        return env->vmx.proc & VMX_CPU_BASED_CR8_LOAD_EXITING;
    default:
        return false;
    }
}

static bool cr_read_exits(CPUX86State *env, int cr)
{
    switch (cr) {
    case 3:
        return env->vmx.proc & VMX_CPU_BASED_CR3_STORE_EXITING;
    case 8:
        return env->vmx.proc & VMX_CPU_BASED_CR8_STORE_EXITING;
    default:
        return false;
    }
}

/* MOV to and from a control register; @val: what is written */
void helper_vmx_cr_access(CPUX86State *env, uint32_t info, target_ulong val)
{
    int cr = INFO_REG(info);
    bool write = info & INFO_WRITE;

    if (!env->vmx.guest) {
        return;
    }
    if (write ? cr_write_exits(env, cr, val) : cr_read_exits(env, cr)) {
        cpu_vmx_exit(env, EXIT_REASON_CR_ACCESS,
                     cr | (write ? 0 : CR_ACCESS_MOV_FROM) | INFO_GPR(info),
                     GETPC());
    }
}

void helper_vmx_clts(CPUX86State *env)
{
    uint64_t mask = env->vmx.guest ? vmx_read(env, VMCS_CR0_MASK) : 0;

    if (!(mask & CR0_TS_MASK)) {
        helper_clts(env);
    } else if (vmx_read(env, VMCS_CR0_SHADOW) & CR0_TS_MASK) {
        cpu_vmx_exit(env, EXIT_REASON_CR_ACCESS, CR_ACCESS_CLTS, GETPC());
    }
}

/* LMSW cannot clear PE: bit 0 counts only where it would set it (26.1.3) */
void helper_vmx_lmsw(CPUX86State *env, target_ulong src, uint32_t memory,
                     target_ulong addr)
{
    uint64_t mask, shadow, changed;

    if (!env->vmx.guest) {
        return;
    }
    mask = vmx_read(env, VMCS_CR0_MASK);
    shadow = vmx_read(env, VMCS_CR0_SHADOW);
    changed = (src ^ shadow) & mask;
    if ((changed & 0xe) || (changed & src & CR0_PE_MASK)) {
        if (memory) {
            vmx_write(env, VMCS_GUEST_LINEAR_ADDRESS, addr);
        }
        cpu_vmx_exit(env, EXIT_REASON_CR_ACCESS, CR_ACCESS_LMSW |
                     (memory ? CR_ACCESS_LMSW_MEM : 0) |
                     (uint64_t)(src & 0xffff) << 16, GETPC());
    }
}

/* CR0 or CR4 as the guest reads it; CR0 for SMSW too */
target_ulong cpu_vmx_read_cr(CPUX86State *env, int cr)
{
    uint64_t mask = vmx_read(env, cr ? VMCS_CR4_MASK : VMCS_CR0_MASK);
    uint64_t shadow = vmx_read(env, cr ? VMCS_CR4_SHADOW : VMCS_CR0_SHADOW);

    return (env->cr[cr] & ~mask) | (shadow & mask);
}

static bool cr0_ok(CPUX86State *env, uint64_t cr0)
{
    uint64_t fixed = vmx_cr0_fixed(env, env->vmx.guest);
    bool pg = cr0 & CR0_PG_MASK;

    if ((cr0 & fixed) != fixed || cr0 >> 32) {
        return false;
    }
    if ((pg && !(cr0 & CR0_PE_MASK)) ||
        ((cr0 & CR0_NW_MASK) && !(cr0 & CR0_CD_MASK))) {
        return false;
    }
    if (pg && !(env->cr[0] & CR0_PG_MASK) && (env->efer & MSR_EFER_LME)) {
        return (env->cr[4] & CR4_PAE_MASK) &&
               !(env->segs[R_CS].flags & DESC_L_MASK);
    }
    return pg || !(env->hflags & HF_CS64_MASK);
}

static bool cr4_ok(CPUX86State *env, uint64_t cr4)
{
    return (cr4 & CR4_VMXE_MASK) && !(cr4 & cr4_reserved_bits(env)) &&
           !(cr4 >> 32) &&
           (!(env->efer & MSR_EFER_LMA) || (cr4 & CR4_PAE_MASK));
}

/* 4.4.1: MOV to CR loads the PDPTEs, through EPT, and checks them */
static bool load_pdptes(CPUX86State *env, int cr, target_ulong val,
                        uintptr_t ra)
{
    const uint64_t cr0_reload = CR0_CD_MASK | CR0_NW_MASK | CR0_PG_MASK;
    const uint64_t cr4_reload = CR4_PAE_MASK | CR4_PGE_MASK | CR4_PSE_MASK |
                                CR4_SMEP_MASK;
    uint64_t cr0 = cr == 0 ? val : env->cr[0];
    uint64_t cr3 = cr == 3 ? val : env->cr[3];
    uint64_t cr4 = cr == 4 ? val : env->cr[4];
    uint64_t pdpte[4];
    int i;

    if (!vmx_pae_paging(cr0, cr4, env->efer) || (env->efer & MSR_EFER_LME)) {
        return true;
    }
    if ((cr == 0 && !((cr0 ^ env->cr[0]) & cr0_reload)) ||
        (cr == 4 && !((cr4 ^ env->cr[4]) & cr4_reload))) {
        return true;
    }
    for (i = 0; i < 4; i++) {
        pdpte[i] = vmx_guest_physical_ldq(env, (cr3 & 0xffffffe0) + 8 * i, ra);
    }
    if (!vmx_pdptes_ok(env, pdpte)) {
        return false;
    }
    memcpy(env->vmx.pdpte, pdpte, sizeof(pdpte));
    return true;
}

/* What a MOV to CR0, CR3 or CR4 in VMX operation really loads, or #GP(0) */
target_ulong cpu_vmx_write_cr(CPUX86State *env, int cr, target_ulong val,
                              uintptr_t ra)
{
    bool ok = true;

    if (cr != 0 && cr != 3 && cr != 4) {
        return val;
    }
    if (env->vmx.guest && cr != 3) {
        uint64_t mask = vmx_read(env, cr ? VMCS_CR4_MASK : VMCS_CR0_MASK);

        val = (env->cr[cr] & mask) | (val & ~mask);
    }
    if (cr == 0) {
        val |= CR0_ET_MASK;
        ok = cr0_ok(env, val);
    } else if (cr == 4) {
        ok = cr4_ok(env, val);
    }
    if (ok && env->vmx.guest) {
        ok = load_pdptes(env, cr, val, ra);
    }
    if (!ok) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    return val;
}

/*
 * The TPR shadow (30.1.1, 30.3): CR8 is bits 7:4 of the virtual TPR
 */

static uint64_t virtual_tpr(CPUX86State *env)
{
    return vmx_read(env, VMCS_VIRTUAL_APIC_ADDR) + 0x80;
}

bool cpu_vmx_read_tpr(CPUX86State *env, target_ulong *val)
{
    if (!env->vmx.guest || !(env->vmx.proc & VMX_CPU_BASED_TPR_SHADOW)) {
        return false;
    }
    *val = x86_ldub_phys(env_cpu(env), virtual_tpr(env)) >> 4;
    return true;
}

bool cpu_vmx_write_tpr(CPUX86State *env, target_ulong val, uintptr_t ra)
{
    CPUState *cs = env_cpu(env);

    if (val > 0xf) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    if (!env->vmx.guest || !(env->vmx.proc & VMX_CPU_BASED_TPR_SHADOW)) {
        return false;
    }
    x86_stl_phys(cs, virtual_tpr(env), val << 4);
    if (val < (vmx_read(env, VMCS_TPR_THRESHOLD) & 0xf)) {
        /* a trap: the instruction is complete */
        cpu_restore_state(cs, ra);
        env->eip += env->vmx.insn_len;
        env->hflags &= ~HF_INHIBIT_IRQ_MASK;
        cpu_vmx_exit(env, EXIT_REASON_TPR_BELOW_THRESHOLD, 0, 0);
    }
    return true;
}

/*
 * Others
 */

void helper_vmx_dr_access(CPUX86State *env, uint32_t info)
{
    if (env->vmx.guest && (env->vmx.proc & VMX_CPU_BASED_MOV_DR_EXITING)) {
        cpu_vmx_exit(env, EXIT_REASON_DR_ACCESS, INFO_REG(info) |
                     (info & INFO_WRITE ? 0 : DR_ACCESS_MOV_FROM) |
                     INFO_GPR(info), GETPC());
    }
}

void helper_vmx_invlpg(CPUX86State *env, target_ulong addr)
{
    if (env->vmx.guest && (env->vmx.proc & VMX_CPU_BASED_INVLPG_EXITING)) {
        cpu_vmx_exit(env, EXIT_REASON_INVLPG, addr, GETPC());
    }
}
