/*
 * VMX instructions but for VMREAD, VMWRITE, VMLAUNCH and VMRESUME (SDM 31.3).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "trace.h"
#include "vmx.h"

static void set_status_flags(CPUX86State *env, uint32_t flags)
{
    CC_SRC = flags;
    CC_OP = CC_OP_EFLAGS;
}

/*
 * VMfail (31.2): VMfailValid with a current VMCS, else VMfailInvalid, and then
 * the next instruction.  Does not return, so that the translated code after the
 * helper (which writes VMREAD's destination) is not run.
 */
void vmx_fail(CPUX86State *env, uint32_t error, const char *why, uintptr_t ra)
{
    CPUState *cs = env_cpu(env);

    cpu_restore_state(cs, ra);
    trace_vmx_fail(cs->cpu_index, env->eip, error, why);
    qemu_log_mask(LOG_GUEST_ERROR, "vmx: VMfail(%u) at 0x" TARGET_FMT_lx
                  ": %s\n", error, env->eip, why);
    if (env->vmx.vmcs_valid && error) {
        vmx_write(env, VMCS_INSTRUCTION_ERROR, error);
        set_status_flags(env, CC_Z);
    } else {
        set_status_flags(env, CC_C);
    }
    env->eip += env->vmx.insn_len;
    env->hflags &= ~HF_INHIBIT_IRQ_MASK;
    cpu_loop_exit_noexc(cs);
}

static void write_back_vmcs(CPUX86State *env)
{
    if (env->vmx.vmcs_valid) {
        cpu_physical_memory_write(env->vmx.vmcs_ptr, env->vmx_storage.vmcs,
                                  VMX_REGION_SIZE);
        env->vmx.vmcs_valid = false;
    }
}

/* What all VMX instructions check before they look at their operands */
void helper_vmx_check(CPUX86State *env, uint32_t reason)
{
    uintptr_t ra = GETPC();
    bool vmxon = reason == EXIT_REASON_VMXON;
    bool enabled = vmxon ? env->cr[4] & CR4_VMXE_MASK : env->vmx.on;

    if (reason == EXIT_REASON_VMCALL && env->vmx.guest) {
        cpu_vmx_exit(env, reason, 0, ra);
    }
    if (!enabled || !(env->cr[0] & CR0_PE_MASK) || (env->eflags & VM_MASK) ||
        ((env->hflags & HF_LMA_MASK) && !(env->hflags & HF_CS64_MASK))) {
        raise_exception_ra(env, EXCP06_ILLOP, ra);
    }
    if (env->vmx.guest) {
        bool memory = reason != EXIT_REASON_VMXOFF &&
                      reason != EXIT_REASON_VMLAUNCH &&
                      reason != EXIT_REASON_VMRESUME;

        vmx_write(env, VMCS_EXIT_INSTRUCTION_INFO,
                  memory ? env->vmx.insn_info : 0);
        cpu_vmx_exit(env, reason, memory ? env->vmx.insn_disp : 0, ra);
    }
    if (env->hflags & HF_CPL_MASK) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
}

void helper_vmx_vmcall(CPUX86State *env)
{
    /* No dual-monitor treatment of SMM: VMCALL has nobody to call (32.15.2) */
    vmx_fail(env, VMX_ERR_VMCALL_IN_ROOT, "VMCALL in VMX root operation",
             GETPC());
}

void helper_vmx_vmxon(CPUX86State *env, uint64_t ptr)
{
    const uint64_t enable = FEATURE_CONTROL_LOCKED |
                            FEATURE_CONTROL_VMXON_ENABLED_OUTSIDE_SMX;
    uint64_t cr0_fixed = vmx_cr0_fixed(env, false);
    uintptr_t ra = GETPC();

    if (env->vmx.on) {
        vmx_fail(env, VMX_ERR_VMXON_IN_ROOT, "VMXON in VMX root operation", ra);
    }
    if ((env->cr[0] & cr0_fixed) != cr0_fixed ||
        (env->msr_ia32_feature_control & enable) != enable ||
        env->a20_mask != -1) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    if (!vmx_physical_ok(env, ptr, VMX_REGION_SIZE)) {
        vmx_fail(env, 0, "VMXON pointer", ra);
    }
    if (x86_ldl_phys(env_cpu(env), ptr) != VMX_REVISION) {
        vmx_fail(env, 0, "VMXON region: revision identifier", ra);
    }
    vmx_init_fields(env);
    env->vmx.on = true;
    env->vmx.vmxon_ptr = ptr;
    env->vmx.vmcs_valid = false;
    set_status_flags(env, 0);
}

void helper_vmx_vmxoff(CPUX86State *env)
{
    write_back_vmcs(env);
    env->vmx.on = false;
    env->vmx.eptp = 0;
    env->vmx.guest_tlb = (X86VMXTLBTag) { };
    set_status_flags(env, 0);
}

void helper_vmx_vmptrld(CPUX86State *env, uint64_t ptr)
{
    uintptr_t ra = GETPC();

    if (!vmx_physical_ok(env, ptr, VMX_REGION_SIZE)) {
        vmx_fail(env, VMX_ERR_VMPTRLD_ADDRESS, "VMPTRLD address", ra);
    }
    if (ptr == env->vmx.vmxon_ptr) {
        vmx_fail(env, VMX_ERR_VMPTRLD_VMXON_POINTER,
                 "VMPTRLD of the VMXON pointer", ra);
    }
    /* Bit 31 would make it a shadow VMCS, which is not offered */
    if (x86_ldl_phys(env_cpu(env), ptr) != VMX_REVISION) {
        vmx_fail(env, VMX_ERR_VMPTRLD_REVISION,
                 "VMPTRLD: revision identifier", ra);
    }
    if (!env->vmx.vmcs_valid || env->vmx.vmcs_ptr != ptr) {
        write_back_vmcs(env);
        cpu_physical_memory_read(ptr, env->vmx_storage.vmcs, VMX_REGION_SIZE);
        env->vmx.vmcs_ptr = ptr;
        env->vmx.vmcs_valid = true;
    }
    set_status_flags(env, 0);
}

void helper_vmx_vmclear(CPUX86State *env, uint64_t ptr)
{
    uintptr_t ra = GETPC();

    if (!vmx_physical_ok(env, ptr, VMX_REGION_SIZE)) {
        vmx_fail(env, VMX_ERR_VMCLEAR_ADDRESS, "VMCLEAR address", ra);
    }
    if (ptr == env->vmx.vmxon_ptr) {
        vmx_fail(env, VMX_ERR_VMCLEAR_VMXON_POINTER,
                 "VMCLEAR of the VMXON pointer", ra);
    }
    if (env->vmx.vmcs_valid && env->vmx.vmcs_ptr == ptr) {
        env->vmx_storage.vmcs[VMX_HEADER_LAUNCHED] = 0;
        write_back_vmcs(env);
    } else {
        x86_stq_phys(env_cpu(env), ptr + VMX_HEADER_LAUNCHED * 8, 0);
    }
    set_status_flags(env, 0);
}

uint64_t helper_vmx_vmptrst(CPUX86State *env)
{
    return env->vmx.vmcs_valid ? env->vmx.vmcs_ptr : VMX_NO_POINTER;
}

/* 29.2.1: the pointer that INVEPT and VM entry accept */
bool vmx_eptp_ok(CPUX86State *env, uint64_t eptp)
{
    uint64_t caps = vmx_capability(env, MSR_IA32_VMX_EPT_VPID_CAP);
    int type = eptp & 7;

    return (type == 6 ? caps & MSR_VMX_EPT_WB :
            type == 0 ? caps & MSR_VMX_EPT_UC : 0) &&
           (eptp >> 3 & 7) == 3 && (caps & MSR_VMX_EPT_PAGE_WALK_LENGTH_4) &&
           (!(eptp & VMX_EPTP_AD) || (caps & MSR_VMX_EPT_AD_BITS)) &&
           !(eptp & 0xf80) && vmx_physical_ok(env, eptp & ~0xfffull, 1);
}

static const char *check_invept(CPUX86State *env, uint64_t type, uint64_t eptp,
                                uint64_t reserved)
{
    uint64_t caps = vmx_capability(env, MSR_IA32_VMX_EPT_VPID_CAP);

    switch (type) {
    case 1:
        if (!(caps & MSR_VMX_EPT_INVEPT_SINGLE_CONTEXT)) {
            return "INVEPT type";
        }
        if (!vmx_eptp_ok(env, eptp)) {
            return "INVEPT descriptor: EPT pointer";
        }
        break;
    case 2:
        if (!(caps & MSR_VMX_EPT_INVEPT_ALL_CONTEXT)) {
            return "INVEPT type";
        }
        break;
    default:
        return "INVEPT type";
    }
    return reserved ? "INVEPT descriptor: reserved bits" : NULL;
}

static const char *check_invvpid(CPUX86State *env, uint64_t type, uint64_t vpid,
                                 uint64_t addr)
{
    uint64_t caps = vmx_capability(env, MSR_IA32_VMX_EPT_VPID_CAP);

    if (type > 3 || !(caps & MSR_VMX_EPT_INVVPID_SINGLE_ADDR << type)) {
        return "INVVPID type";
    }
    if (vpid & ~0xffffull) {
        return "INVVPID descriptor: reserved bits";
    }
    if (type != 2 && !vpid) {
        return "INVVPID descriptor: VPID 0";
    }
    if (type == 0 && !vmx_canonical(addr)) {
        return "INVVPID descriptor: linear address";
    }
    return NULL;
}

/* Are INVEPT and INVVPID there at all?  Else #UD. */
void helper_vmx_check_invalidate(CPUX86State *env, uint32_t vpid)
{
    uint64_t caps = env->features[FEAT_VMX_EPT_VPID_CAPS];

    if (!(caps & (vpid ? MSR_VMX_EPT_INVVPID : MSR_VMX_EPT_INVEPT))) {
        raise_exception_ra(env, EXCP06_ILLOP, GETPC());
    }
}

void helper_vmx_invalidate(CPUX86State *env, uint32_t vpid, target_ulong type,
                           uint64_t low, uint64_t high)
{
    const char *why = vpid ? check_invvpid(env, type, low, high) :
                             check_invept(env, type, low, high);

    if (why) {
        vmx_fail(env, VMX_ERR_INVALIDATE_OPERAND, why, GETPC());
    }
    vmx_tlb_invalidate(env, !vpid);
    set_status_flags(env, 0);
}
