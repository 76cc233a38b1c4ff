/*
 * VM entry: VMLAUNCH and VMRESUME (SDM chapter 27).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "trace.h"
#include "vmx.h"

/* 31.3, VMLAUNCH/VMRESUME; 27.2: what makes the instruction fail */
static void check_instruction(CPUX86State *env, bool resume, uintptr_t ra)
{
    bool launched = env->vmx_storage.vmcs[VMX_HEADER_LAUNCHED];
    const char *why;

    if (!env->vmx.vmcs_valid) {
        vmx_fail(env, 0, "no current VMCS", ra);
    }
    if ((env->hflags & HF_INHIBIT_IRQ_MASK) && env->vmx.mov_ss) {
        vmx_fail(env, VMX_ERR_ENTRY_MOV_SS, "blocking by MOV SS", ra);
    }
    if (!resume && launched) {
        vmx_fail(env, VMX_ERR_VMLAUNCH_NOT_CLEAR,
                 "VMLAUNCH with a VMCS that is not clear", ra);
    }
    if (resume && !launched) {
        vmx_fail(env, VMX_ERR_VMRESUME_NOT_LAUNCHED,
                 "VMRESUME with a VMCS that is not launched", ra);
    }
    why = vmx_check_controls(env);
    if (why) {
        vmx_fail(env, VMX_ERR_ENTRY_CONTROLS, why, ra);
    }
    why = vmx_check_host(env);
    if (why) {
        vmx_fail(env, VMX_ERR_ENTRY_HOST_STATE, why, ra);
    }
}

static void load_controls(CPUX86State *env)
{
    env->vmx.pin = vmx_read(env, VMCS_PIN_BASED_CTLS);
    env->vmx.proc = vmx_read(env, VMCS_PRI_PROC_BASED_CTLS);
    env->vmx.proc2 = vmx_proc2(env);
    env->vmx.mtf = env->vmx.proc & VMX_CPU_BASED_MONITOR_TRAP_FLAG;
    env->vmx.ple_last = 0;
    env->intercept = 0;
    env->intercept_exceptions = 0;
    env->tsc_offset = env->vmx.proc & VMX_CPU_BASED_USE_TSC_OFFSETING ?
                      vmx_read(env, VMCS_TSC_OFFSET) : 0;
    if (vmx_ept_enabled(env)) {
        env->hflags2 |= HF2_NPT_MASK;
    } else {
        env->hflags2 &= ~HF2_NPT_MASK;
    }
}

/* Returns to a translated jump out of the block, or not at all */
void helper_vmx_vmentry(CPUX86State *env, uint32_t resume)
{
    uint64_t qualification;
    uint32_t failed;
    const char *why;

    check_instruction(env, resume, GETPC());
    vmx_tlb_mark_host(env);
    why = vmx_check_guest(env, &qualification);
    if (why) {
        vmx_fail_entry(env, EXIT_REASON_ENTRY_GUEST_STATE, qualification, why);
    }
    load_controls(env);
    vmx_load_guest(env);
    vmx_tlb_enter_guest(env);
    failed = vmx_load_msrs(env, vmx_read(env, VMCS_ENTRY_MSR_LOAD_ADDR),
                           vmx_read(env, VMCS_ENTRY_MSR_LOAD_COUNT));
    if (failed) {
        vmx_fail_entry(env, EXIT_REASON_ENTRY_MSR_LOAD, failed,
                       "VM-entry MSR-load area: entry");
    }
    env->vmx_storage.vmcs[VMX_HEADER_LAUNCHED] = 1;
    env->vmx.guest = true;
    env->hflags |= HF_GUEST_MASK;
    trace_vmx_entry(env_cpu(env)->cpu_index, env->eip, env->cr[0],
                    vmx_read(env, VMCS_ENTRY_INTR_INFO));
    if (env->vmx.pin & VMX_PIN_BASED_VMX_PREEMPTION_TIMER) {
        vmx_timer_start(env);
    }
    vmx_start_events(env);
}
