/*
 * VMX capability MSRs and IA32_FEATURE_CONTROL.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "vmx.h"

/* Controls that are 1 by default, and their feature word (A.2) */
typedef struct VMXControlMSR {
    uint32_t msr;
    uint32_t default1;
    FeatureWord word;
    bool is_true;               /* default1 bits may be offered as 0 */
} VMXControlMSR;

static const VMXControlMSR control_msrs[] = {
    { MSR_IA32_VMX_PINBASED_CTLS, 0x00000016, FEAT_VMX_PINBASED_CTLS, false },
    { MSR_IA32_VMX_PROCBASED_CTLS, 0x0401e172, FEAT_VMX_PROCBASED_CTLS, false },
    { MSR_IA32_VMX_EXIT_CTLS, 0x00036dff, FEAT_VMX_EXIT_CTLS, false },
    { MSR_IA32_VMX_ENTRY_CTLS, 0x000011ff, FEAT_VMX_ENTRY_CTLS, false },
    { MSR_IA32_VMX_PROCBASED_CTLS2, 0, FEAT_VMX_SECONDARY_CTLS, true },
    { MSR_IA32_VMX_TRUE_PINBASED_CTLS, 0x00000016, FEAT_VMX_PINBASED_CTLS,
      true },
    { MSR_IA32_VMX_TRUE_PROCBASED_CTLS, 0x0401e172, FEAT_VMX_PROCBASED_CTLS,
      true },
    { MSR_IA32_VMX_TRUE_EXIT_CTLS, 0x00036dff, FEAT_VMX_EXIT_CTLS, true },
    { MSR_IA32_VMX_TRUE_ENTRY_CTLS, 0x000011ff, FEAT_VMX_ENTRY_CTLS, true },
};

/* A feature bit says that the control can be 0 and 1; others are fixed */
static uint64_t control_value(CPUX86State *env, const VMXControlMSR *c)
{
    uint32_t features = env->features[c->word];
    uint32_t must_be_1, may_be_1;

    if (c->word == FEAT_VMX_EXIT_CTLS &&
        (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_LM)) {
        features |= VMX_VM_EXIT_HOST_ADDR_SPACE_SIZE;
    }
    must_be_1 = c->is_true ? c->default1 & ~features : c->default1;
    may_be_1 = c->default1 | features;
    return (uint64_t)may_be_1 << 32 | must_be_1;
}

static uint64_t ept_vpid_value(CPUX86State *env)
{
    uint64_t caps = env->features[FEAT_VMX_EPT_VPID_CAPS];

    /* Memory types have no property: they come with EPT itself */
    if (caps & MSR_VMX_EPT_PAGE_WALK_LENGTH_4) {
        caps |= MSR_VMX_EPT_UC | MSR_VMX_EPT_WB;
    }
    return caps;
}

static uint64_t misc_value(CPUX86State *env)
{
    return env->features[FEAT_VMX_MISC] | VMX_CR3_TARGETS << 16 |
           VMX_PREEMPTION_SHIFT;
}

static uint64_t vmcs_enum_value(CPUX86State *env)
{
    uint32_t highest = 0;
    int i;

    for (i = 0; i < VMX_VMCS_GROUPS; i++) {
        if (env->vmx_storage.fields[i]) {
            highest = MAX(highest, 31 - clz32(env->vmx_storage.fields[i]));
        }
    }
    return highest << 1;
}

/*
 * The bits that CR0 must have set in VMX operation (A.7).  Unrestricted guests
 * are free in PE and PG (25.6.2).
 */
uint64_t vmx_cr0_fixed(CPUX86State *env, bool guest)
{
    uint64_t fixed = CR0_PE_MASK | CR0_NE_MASK | CR0_PG_MASK;

    if (guest && (env->vmx.proc2 & VMX_SECONDARY_EXEC_UNRESTRICTED_GUEST)) {
        fixed &= ~(uint64_t)(CR0_PE_MASK | CR0_PG_MASK);
    }
    return fixed;
}

bool vmx_physical_ok(CPUX86State *env, uint64_t addr, uint64_t align)
{
    return !(addr & (align - 1)) &&
           !(addr & ~MAKE_64BIT_MASK(0, env_archcpu(env)->phys_bits));
}

uint64_t vmx_capability(CPUX86State *env, uint32_t msr)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(control_msrs); i++) {
        if (control_msrs[i].msr == msr) {
            return control_value(env, &control_msrs[i]);
        }
    }
    switch (msr) {
    case MSR_IA32_VMX_BASIC:
        return VMX_REVISION | (uint64_t)VMX_REGION_SIZE << 32 |
               6ull << 50 /* write-back */ | env->features[FEAT_VMX_BASIC];
    case MSR_IA32_VMX_MISC:
        return misc_value(env);
    case MSR_IA32_VMX_CR0_FIXED0:
        return vmx_cr0_fixed(env, false);
    case MSR_IA32_VMX_CR0_FIXED1:
        return 0xffffffff;
    case MSR_IA32_VMX_CR4_FIXED0:
        return CR4_VMXE_MASK;
    case MSR_IA32_VMX_CR4_FIXED1:
        return (uint32_t)~cr4_reserved_bits(env);
    case MSR_IA32_VMX_VMCS_ENUM:
        return vmcs_enum_value(env);
    case MSR_IA32_VMX_EPT_VPID_CAP:
        return ept_vpid_value(env);
    default:
        g_assert_not_reached();
    }
}

/* Each MSR is there only with the feature that it describes (A.1 to A.11) */
static bool capability_exists(CPUX86State *env, uint32_t msr)
{
    uint64_t proc2 = env->features[FEAT_VMX_SECONDARY_CTLS];

    switch (msr) {
    case MSR_IA32_VMX_BASIC ... MSR_IA32_VMX_VMCS_ENUM:
        return true;
    case MSR_IA32_VMX_PROCBASED_CTLS2:
        return env->features[FEAT_VMX_PROCBASED_CTLS] &
               VMX_CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
    case MSR_IA32_VMX_EPT_VPID_CAP:
        return proc2 & (VMX_SECONDARY_EXEC_ENABLE_EPT |
                        VMX_SECONDARY_EXEC_ENABLE_VPID);
    case MSR_IA32_VMX_TRUE_PINBASED_CTLS ... MSR_IA32_VMX_TRUE_ENTRY_CTLS:
        return env->features[FEAT_VMX_BASIC] & MSR_VMX_BASIC_TRUE_CTLS;
    default:
        return false;
    }
}

bool cpu_vmx_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val, bool *fault)
{
    if (!cpu_has_vmx(env)) {
        return false;
    }
    switch (msr) {
    case MSR_IA32_FEATURE_CONTROL:
        *val = env->msr_ia32_feature_control;
        return true;
    case MSR_IA32_DEBUGCTLMSR:
        *val = env->vmx.debugctl;
        return true;
    case MSR_IA32_VMX_BASIC ... MSR_IA32_VMX_VMFUNC:
        vmx_init_fields(env);
        *fault = !capability_exists(env, msr);
        *val = *fault ? 0 : vmx_capability(env, msr);
        return true;
    default:
        return false;
    }
}

bool cpu_vmx_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val, bool *fault)
{
    if (!cpu_has_vmx(env)) {
        return false;
    }
    switch (msr) {
    case MSR_IA32_FEATURE_CONTROL:
        *fault = env->msr_ia32_feature_control & FEATURE_CONTROL_LOCKED;
        if (!*fault) {
            env->msr_ia32_feature_control = val;
        }
        return true;
    case MSR_IA32_DEBUGCTLMSR:
        env->vmx.debugctl = val;
        return true;
    case MSR_IA32_VMX_BASIC ... MSR_IA32_VMX_VMFUNC:
        *fault = true;
        return true;
    default:
        return false;
    }
}
