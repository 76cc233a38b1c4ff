/*
 * VM exits (SDM chapter 28) and VM-entry failures (27.8).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "exec/exec-all.h"
#include "sysemu/runstate.h"
#include "trace.h"
#include "vmx.h"

/* VMX abort (28.7): the CPU stops; here the machine resets */
G_NORETURN void vmx_abort(CPUX86State *env, uint32_t indicator)
{
    CPUState *cs = env_cpu(env);

    qemu_log_mask(LOG_GUEST_ERROR, "vmx: VMX abort %u\n", indicator);
    x86_stl_phys(cs, env->vmx.vmcs_ptr + 4, indicator);
    env->vmx.on = false;
    env->vmx.vmcs_valid = false;
    qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
    cs->halted = 1;
    cs->exception_index = EXCP_HLT;
    cpu_loop_exit(cs);
}

/* From the guest's state, saved or given up, to the host's */
static G_NORETURN void enter_host(CPUX86State *env)
{
    CPUState *cs = env_cpu(env);

    env->vmx.guest = false;
    env->vmx.mtf = false;
    env->vmx.mtf_pending = false;
    env->vmx.halted = false;
    env->vmx.vec_info = 0;
    env->vmx.injecting = false;
    env->vmx.int_n = false;
    env->vmx.iret_unblocked = false;
    env->hflags &= ~HF_GUEST_MASK;
    env->hflags2 &= ~HF2_NPT_MASK;
    env->tsc_offset = 0;
    env->old_exception = -1;
    vmx_irq_request(env, 0, CPU_INTERRUPT_VIRQ);
    vmx_load_host(env);
    vmx_tlb_enter_host(env);
    if (vmx_load_msrs(env, vmx_read(env, VMCS_EXIT_MSR_LOAD_ADDR),
                      vmx_read(env, VMCS_EXIT_MSR_LOAD_COUNT))) {
        vmx_abort(env, VMX_ABORT_LOAD_MSR);
    }
    cs->halted = 0;
    cs->exception_index = -1;
    cpu_loop_exit(cs);
}

/*
 * The state of the guest is not saved: it was wrong, or is still what the VMCS
 * says.
 */
G_NORETURN void vmx_fail_entry(CPUX86State *env, uint32_t reason,
                               uint64_t qualification, const char *why)
{
    trace_vmx_entry_failure(env_cpu(env)->cpu_index, reason, qualification,
                            why);
    qemu_log_mask(LOG_GUEST_ERROR, "vmx: VM entry fails, reason %u: %s\n",
                  reason, why);
    vmx_write(env, VMCS_EXIT_REASON, reason | EXIT_REASON_ENTRY_FAILURE);
    vmx_write(env, VMCS_EXIT_QUALIFICATION, qualification);
    env->vmx.guest_tlb = (X86VMXTLBTag) { };
    enter_host(env);
}

/* Reasons that are events, not instructions: RF stays as it is (28.3.3) */
static bool is_event(uint32_t reason)
{
    switch (reason) {
    case EXIT_REASON_EXCEPTION ... EXIT_REASON_TASK_SWITCH:
    case EXIT_REASON_MTF:
    case EXIT_REASON_TPR_BELOW_THRESHOLD:
    case EXIT_REASON_VMX_PREEMPT:
        return true;
    default:
        return false;
    }
}

static void update_rf(CPUX86State *env, uint32_t reason, uint32_t info)
{
    bool fault = reason == EXIT_REASON_EPT_FAULT ||
                 reason == EXIT_REASON_EPT_MISCONFIG ||
                 ((info & VMCS_INTR_VALID) &&
                  (info & VMCS_INTR_T_MASK) == VMCS_INTR_T_HWEXCEPTION &&
                  (info & VMCS_INTR_VECTOR) != EXCP01_DB);

    if (fault) {
        if (!env->vmx.vec_info) {
            env->eflags |= RF_MASK;
        }
    } else if (!is_event(reason)) {
        env->eflags &= ~RF_MASK;
    }
}

/* 28.2: information about the exit, read-only fields */
static void write_exit_information(CPUX86State *env, uint32_t reason,
                                   uint64_t qualification, uint32_t info,
                                   uint32_t error)
{
    uint32_t vec_info = env->vmx.vec_info;
    uint32_t length = vec_info ? env->vmx.vec_len : env->vmx.insn_len;

    if (env->vmx.iret_unblocked && !vec_info) {
        if (info & VMCS_INTR_VALID) {
            info |= VMCS_INTR_NMI_UNBLOCK;
        } else if (reason == EXIT_REASON_EPT_FAULT) {
            qualification |= VMX_EPT_QUAL_NMI_IRET;
        }
    }
    vmx_write(env, VMCS_EXIT_REASON, reason);
    vmx_write(env, VMCS_EXIT_QUALIFICATION, qualification);
    vmx_write(env, VMCS_EXIT_INTR_INFO, info);
    if (info & VMCS_INTR_DEL_ERRCODE) {
        vmx_write(env, VMCS_EXIT_INTR_ERRCODE, error);
    }
    vmx_write(env, VMCS_IDT_VECTORING_INFO, vec_info);
    if (vec_info & VMCS_INTR_DEL_ERRCODE) {
        vmx_write(env, VMCS_IDT_VECTORING_ERROR, env->vmx.vec_err);
    }
    vmx_write(env, VMCS_EXIT_INSTRUCTION_LENGTH, length);
    vmx_write(env, VMCS_ENTRY_INTR_INFO,
              vmx_read(env, VMCS_ENTRY_INTR_INFO) & ~VMCS_INTR_VALID);
}

static bool is_nmi(uint32_t info)
{
    return (info & VMCS_INTR_VALID) &&
           (info & VMCS_INTR_T_MASK) == VMCS_INTR_T_NMI;
}

/*
 * Leave the guest.  @info and @error describe the event that is the reason, if
 * it is one; @ra is the helper's return address, 0 between instructions.
 */
G_NORETURN void vmx_exit_event(CPUX86State *env, uint32_t reason,
                               uint64_t qualification, uint32_t info,
                               uint32_t error, uintptr_t ra)
{
    CPUState *cs = env_cpu(env);
    uint32_t exit;

    cpu_restore_state(cs, ra);
    /* The translation block is left for good: its clock may be read */
    cs->can_do_io = 1;
    trace_vmx_exit(cs->cpu_index, reason, qualification, info, env->eip,
                   env->vmx.insn_len);
    exit = vmx_read(env, VMCS_EXIT_CTLS);
    vmx_timer_stop(env, exit & VMX_VM_EXIT_SAVE_VMX_PREEMPTION_TIMER);
    update_rf(env, reason, info);
    write_exit_information(env, reason, qualification, info, error);
    vmx_save_guest(env);
    vmx_tlb_mark_guest(env);
    if (vmx_store_msrs(env, vmx_read(env, VMCS_EXIT_MSR_STORE_ADDR),
                       vmx_read(env, VMCS_EXIT_MSR_STORE_COUNT))) {
        vmx_abort(env, VMX_ABORT_SAVE_MSR);
    }
    env->hflags2 &= ~HF2_NMI_MASK;
    if (is_nmi(info)) {
        env->hflags2 |= HF2_NMI_MASK;
    }
    enter_host(env);
}

G_NORETURN void cpu_vmx_exit(CPUX86State *env, uint32_t reason,
                             uint64_t qualification, uintptr_t ra)
{
    vmx_exit_event(env, reason, qualification, 0, 0, ra);
}

/* The exception that ends in shutdown is not being delivered (28.2.4) */
G_NORETURN void cpu_vmx_triple_fault(CPUX86State *env, uintptr_t ra)
{
    env->vmx.vec_info = 0;
    cpu_vmx_exit(env, EXIT_REASON_TRIPLE_FAULT, 0, ra);
}

/* 28.2.1: @walk, an access to a paging structure on the way to @gla */
G_NORETURN void cpu_vmx_ept_exit(CPUX86State *env, uint64_t gla, uint64_t gpa,
                                 bool gla_valid, bool walk, uintptr_t ra)
{
    uint64_t qualification = env->vmx.ept_qual;

    vmx_write(env, VMCS_GUEST_PHYSICAL_ADDRESS, gpa);
    if (env->vmx.ept_misconfig) {
        cpu_vmx_exit(env, EXIT_REASON_EPT_MISCONFIG, 0, ra);
    }
    if (gla_valid) {
        vmx_write(env, VMCS_GUEST_LINEAR_ADDRESS, gla);
        qualification |= VMX_EPT_QUAL_GLA_VALID;
        if (!walk) {
            qualification |= VMX_EPT_QUAL_GLA_FINAL;
        }
    }
    /* With A/D flags, walks of the guest's page tables are writes (29.3.3.2) */
    if (walk && (env->vmx.eptp & VMX_EPTP_AD)) {
        qualification |= VMX_EPT_QUAL_READ | VMX_EPT_QUAL_WRITE;
    }
    cpu_vmx_exit(env, EXIT_REASON_EPT_FAULT, qualification, ra);
}
