/*
 * Checks on the VM-execution, VM-exit and VM-entry controls (27.2.1).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "vmx.h"
#include "check.h"

/* Bits 31:0 of the capability must be 1, bits outside 63:32 must be 0 */
static bool control_ok(CPUX86State *env, uint32_t true_msr, uint32_t val)
{
    uint64_t cap = vmx_capability(env, true_msr);

    return !(~val & (uint32_t)cap) && !(val & ~(uint32_t)(cap >> 32));
}

static bool page_ok(CPUX86State *env, uint32_t field)
{
    return vmx_physical_ok(env, vmx_read(env, field), 4096);
}

/* An area of 16-byte entries; its address counts only when it has any */
static bool msr_area_ok(CPUX86State *env, uint32_t addr_field,
                        uint32_t count_field)
{
    uint64_t addr = vmx_read(env, addr_field);
    uint64_t count = vmx_read(env, count_field);

    return !count || (vmx_physical_ok(env, addr, 16) &&
                      vmx_physical_ok(env, addr + count * 16 - 1, 1));
}

static const char *check_tpr_shadow(CPUX86State *env)
{
    uint32_t threshold = vmx_read(env, VMCS_TPR_THRESHOLD);
    uint64_t page = vmx_read(env, VMCS_VIRTUAL_APIC_ADDR);

    REQUIRE(vmx_physical_ok(env, page, 4096), "virtual-APIC address");
    REQUIRE(!(threshold & ~0xfu), "TPR threshold: bits 31:4");
    REQUIRE(threshold <= x86_ldub_phys(env_cpu(env), page + 0x80) >> 4,
            "TPR threshold above the virtual TPR");
    return NULL;
}

/* 27.2.1.1 */
static const char *check_execution(CPUX86State *env)
{
    uint32_t pin = vmx_read(env, VMCS_PIN_BASED_CTLS);
    uint32_t proc = vmx_read(env, VMCS_PRI_PROC_BASED_CTLS);
    uint32_t proc2 = vmx_proc2(env);

    REQUIRE(control_ok(env, MSR_IA32_VMX_TRUE_PINBASED_CTLS, pin),
            "pin-based controls: reserved bits");
    REQUIRE(control_ok(env, MSR_IA32_VMX_TRUE_PROCBASED_CTLS, proc),
            "primary processor-based controls: reserved bits");
    REQUIRE(control_ok(env, MSR_IA32_VMX_PROCBASED_CTLS2, proc2),
            "secondary processor-based controls: reserved bits");
    REQUIRE(vmx_read(env, VMCS_CR3_TARGET_COUNT) <= VMX_CR3_TARGETS,
            "CR3-target count");
    if (proc & VMX_CPU_BASED_USE_IO_BITMAPS) {
        REQUIRE(page_ok(env, VMCS_IO_BITMAP_A), "I/O bitmap A address");
        REQUIRE(page_ok(env, VMCS_IO_BITMAP_B), "I/O bitmap B address");
    }
    if (proc & VMX_CPU_BASED_USE_MSR_BITMAPS) {
        REQUIRE(page_ok(env, VMCS_MSR_BITMAP), "MSR bitmap address");
    }
    if (proc & VMX_CPU_BASED_TPR_SHADOW) {
        REQUIRE_ALL(check_tpr_shadow(env));
    }
    REQUIRE(!(pin & VMX_PIN_BASED_VIRTUAL_NMIS) ||
            (pin & VMX_PIN_BASED_NMI_EXITING),
            "virtual NMIs without NMI exiting");
    REQUIRE(!(proc & VMX_CPU_BASED_VIRTUAL_NMI_PENDING) ||
            (pin & VMX_PIN_BASED_VIRTUAL_NMIS),
            "NMI-window exiting without virtual NMIs");
    if (proc2 & VMX_SECONDARY_EXEC_ENABLE_VPID) {
        REQUIRE(vmx_read(env, VMCS_VPID), "VPID 0");
    }
    if (proc2 & VMX_SECONDARY_EXEC_ENABLE_EPT) {
        REQUIRE(vmx_eptp_ok(env, vmx_read(env, VMCS_EPTP)), "EPT pointer");
    }
    REQUIRE(!(proc2 & VMX_SECONDARY_EXEC_UNRESTRICTED_GUEST) ||
            (proc2 & VMX_SECONDARY_EXEC_ENABLE_EPT),
            "unrestricted guest without EPT");
    return NULL;
}

/* 27.2.1.2 */
static const char *check_exit(CPUX86State *env)
{
    uint32_t exit = vmx_read(env, VMCS_EXIT_CTLS);

    REQUIRE(control_ok(env, MSR_IA32_VMX_TRUE_EXIT_CTLS, exit),
            "VM-exit controls: reserved bits");
    REQUIRE(!(exit & VMX_VM_EXIT_SAVE_VMX_PREEMPTION_TIMER) ||
            (vmx_read(env, VMCS_PIN_BASED_CTLS) &
             VMX_PIN_BASED_VMX_PREEMPTION_TIMER),
            "save preemption timer without the timer");
    REQUIRE(msr_area_ok(env, VMCS_EXIT_MSR_STORE_ADDR,
                        VMCS_EXIT_MSR_STORE_COUNT),
            "VM-exit MSR-store area");
    REQUIRE(msr_area_ok(env, VMCS_EXIT_MSR_LOAD_ADDR,
                        VMCS_EXIT_MSR_LOAD_COUNT),
            "VM-exit MSR-load area");
    return NULL;
}


/* 27.2.1.3, VM-entry interruption information */
static const char *check_injection(CPUX86State *env)
{
    uint32_t info = vmx_read(env, VMCS_ENTRY_INTR_INFO);
    uint32_t error = vmx_read(env, VMCS_ENTRY_EXCEPTION_ERROR);
    uint32_t length = vmx_read(env, VMCS_ENTRY_INST_LENGTH);
    uint32_t type = info & VMCS_INTR_T_MASK;
    uint32_t vector = info & VMCS_INTR_VECTOR;
    bool real = (vmx_proc2(env) & VMX_SECONDARY_EXEC_UNRESTRICTED_GUEST) &&
                !(vmx_read(env, VMCS_GUEST_CR0) & CR0_PE_MASK);
    bool wants_error = type == VMCS_INTR_T_HWEXCEPTION &&
                       exception_has_error_code(vector) && !real;

    REQUIRE(type != VMCS_INTR_T_RESERVED, "injection: reserved type");
    REQUIRE(type != VMCS_INTR_T_OTHER ||
            (env->features[FEAT_VMX_PROCBASED_CTLS] &
             VMX_CPU_BASED_MONITOR_TRAP_FLAG),
            "injection: other event without monitor trap flag");
    REQUIRE(type != VMCS_INTR_T_NMI || vector == EXCP02_NMI,
            "injection: NMI with another vector than 2");
    REQUIRE(type != VMCS_INTR_T_HWEXCEPTION || vector < 32,
            "injection: exception vector above 31");
    REQUIRE(type != VMCS_INTR_T_OTHER || !vector,
            "injection: other event with a vector");
    REQUIRE(!(info & VMCS_INTR_RESERVED), "injection: reserved bits");
    REQUIRE(!(info & VMCS_INTR_DEL_ERRCODE) == !wants_error,
            "injection: error code for this vector and mode");
    if (wants_error) {
        REQUIRE(!(error & 0xffff0000), "injection: error code, bits 31:16");
    }
    if (type >= VMCS_INTR_T_SWINTR && type <= VMCS_INTR_T_SWEXCEPTION) {
        REQUIRE(length <= 15 && length, "injection: instruction length");
    }
    return NULL;
}

/* 27.2.1.3 */
static const char *check_entry(CPUX86State *env)
{
    REQUIRE(control_ok(env, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
                       vmx_read(env, VMCS_ENTRY_CTLS)),
            "VM-entry controls: reserved bits");
    if (vmx_read(env, VMCS_ENTRY_INTR_INFO) & VMCS_INTR_VALID) {
        REQUIRE_ALL(check_injection(env));
    }
    REQUIRE(msr_area_ok(env, VMCS_ENTRY_MSR_LOAD_ADDR,
                        VMCS_ENTRY_MSR_LOAD_COUNT),
            "VM-entry MSR-load area");
    return NULL;
}

const char *vmx_check_controls(CPUX86State *env)
{
    REQUIRE_ALL(check_execution(env));
    REQUIRE_ALL(check_exit(env));
    REQUIRE_ALL(check_entry(env));
    return NULL;
}
