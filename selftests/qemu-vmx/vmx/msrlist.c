/*
 * MSR-load and MSR-store areas (25.7.2, 25.8.2, 27.4, 28.4, 28.6).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "vmx.h"

#define MSR_IA32_SMBASE             0x9e
#define MSR_IA32_SMM_MONITOR_CTL    0x9b
#define MSR_X2APIC_FIRST            0x800
#define MSR_X2APIC_LAST             0x8ff

/* The state behind these has fields of its own, or must not change here */
static bool load_forbidden(uint32_t msr)
{
    return msr == MSR_FSBASE || msr == MSR_GSBASE ||
           msr == MSR_IA32_SMM_MONITOR_CTL ||
           (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST);
}

uint32_t vmx_load_msrs(CPUX86State *env, uint64_t addr, uint32_t count)
{
    CPUState *cs = env_cpu(env);
    uint32_t i;

    for (i = 1; i <= count; i++, addr += 16) {
        uint64_t head = x86_ldq_phys(cs, addr);
        uint64_t val = x86_ldq_phys(cs, addr + 8);

        if (i > VMX_MAX_MSR_LIST || head >> 32 || load_forbidden(head) ||
            !cpu_x86_wrmsr(env, head, val)) {
            return i;
        }
    }
    return 0;
}

uint32_t vmx_store_msrs(CPUX86State *env, uint64_t addr, uint32_t count)
{
    CPUState *cs = env_cpu(env);
    uint64_t val;
    uint32_t i;

    for (i = 1; i <= count; i++, addr += 16) {
        uint64_t head = x86_ldq_phys(cs, addr);

        if (i > VMX_MAX_MSR_LIST || head >> 32 || head == MSR_IA32_SMBASE ||
            (head >= MSR_X2APIC_FIRST && head <= MSR_X2APIC_LAST) ||
            !cpu_x86_rdmsr(env, head, &val)) {
            return i;
        }
        x86_stq_phys(cs, addr + 8, val);
    }
    return 0;
}
