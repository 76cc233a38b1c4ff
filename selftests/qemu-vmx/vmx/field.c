/*
 * VMCS fields: which exist, VMREAD and VMWRITE.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "vmx.h"

/* A field exists where the CPU offers one of these features (appendix B) */
typedef struct VMXFieldRange {
    uint32_t first, last;       /* encodings, full access */
    FeatureWord word;
    uint64_t features;          /* 0: always */
} VMXFieldRange;

static const VMXFieldRange field_ranges[] = {
    { VMCS_VPID, VMCS_VPID,
      FEAT_VMX_SECONDARY_CTLS, VMX_SECONDARY_EXEC_ENABLE_VPID },
    { VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_TR_SELECTOR },
    { VMCS_HOST_ES_SELECTOR, VMCS_HOST_TR_SELECTOR },

    { VMCS_IO_BITMAP_A, VMCS_IO_BITMAP_B },
    { VMCS_MSR_BITMAP, VMCS_MSR_BITMAP,
      FEAT_VMX_PROCBASED_CTLS, VMX_CPU_BASED_USE_MSR_BITMAPS },
    { VMCS_EXIT_MSR_STORE_ADDR, VMCS_EXECUTIVE_VMCS },
    { VMCS_TSC_OFFSET, VMCS_TSC_OFFSET },
    { VMCS_VIRTUAL_APIC_ADDR, VMCS_VIRTUAL_APIC_ADDR,
      FEAT_VMX_PROCBASED_CTLS, VMX_CPU_BASED_TPR_SHADOW },
    { VMCS_EPTP, VMCS_EPTP,
      FEAT_VMX_SECONDARY_CTLS, VMX_SECONDARY_EXEC_ENABLE_EPT },
    { VMCS_GUEST_PHYSICAL_ADDRESS, VMCS_GUEST_PHYSICAL_ADDRESS,
      FEAT_VMX_SECONDARY_CTLS, VMX_SECONDARY_EXEC_ENABLE_EPT },
    { VMCS_LINK_POINTER, VMCS_GUEST_IA32_DEBUGCTL },
    { VMCS_GUEST_IA32_PAT, VMCS_GUEST_IA32_PAT, FEAT_VMX_ENTRY_CTLS,
      VMX_VM_ENTRY_LOAD_IA32_PAT },
    { VMCS_GUEST_IA32_EFER, VMCS_GUEST_IA32_EFER, FEAT_VMX_ENTRY_CTLS,
      VMX_VM_ENTRY_LOAD_IA32_EFER },
    { VMCS_GUEST_PDPTE0, VMCS_GUEST_PDPTE3,
      FEAT_VMX_SECONDARY_CTLS, VMX_SECONDARY_EXEC_ENABLE_EPT },
    { VMCS_HOST_IA32_PAT, VMCS_HOST_IA32_PAT,
      FEAT_VMX_EXIT_CTLS, VMX_VM_EXIT_LOAD_IA32_PAT },
    { VMCS_HOST_IA32_EFER, VMCS_HOST_IA32_EFER,
      FEAT_VMX_EXIT_CTLS, VMX_VM_EXIT_LOAD_IA32_EFER },

    { VMCS_PIN_BASED_CTLS, VMCS_ENTRY_INST_LENGTH },
    { VMCS_TPR_THRESHOLD, VMCS_TPR_THRESHOLD,
      FEAT_VMX_PROCBASED_CTLS, VMX_CPU_BASED_TPR_SHADOW },
    { VMCS_SEC_PROC_BASED_CTLS, VMCS_SEC_PROC_BASED_CTLS,
      FEAT_VMX_PROCBASED_CTLS, VMX_CPU_BASED_ACTIVATE_SECONDARY_CONTROLS },
    { VMCS_PLE_GAP, VMCS_PLE_WINDOW,
      FEAT_VMX_SECONDARY_CTLS, VMX_SECONDARY_EXEC_PAUSE_LOOP_EXITING },
    { VMCS_INSTRUCTION_ERROR, VMCS_EXIT_INSTRUCTION_INFO },
    { VMCS_GUEST_ES_LIMIT, VMCS_GUEST_IA32_SYSENTER_CS },
    { VMCS_PREEMPTION_TIMER_VALUE, VMCS_PREEMPTION_TIMER_VALUE,
      FEAT_VMX_PINBASED_CTLS, VMX_PIN_BASED_VMX_PREEMPTION_TIMER },
    { VMCS_HOST_IA32_SYSENTER_CS, VMCS_HOST_IA32_SYSENTER_CS },

    { VMCS_CR0_MASK, VMCS_CR3_TARGET3 },
    { VMCS_EXIT_QUALIFICATION, VMCS_GUEST_LINEAR_ADDRESS },
    { VMCS_GUEST_CR0, VMCS_GUEST_IA32_SYSENTER_EIP },
    { VMCS_HOST_CR0, VMCS_HOST_RIP },
};

void vmx_init_fields(CPUX86State *env)
{
    uint32_t *fields = env->vmx_storage.fields;
    size_t i;
    uint32_t enc;

    if (fields[0]) {
        return;
    }
    for (i = 0; i < ARRAY_SIZE(field_ranges); i++) {
        const VMXFieldRange *r = &field_ranges[i];

        if (r->features && !(env->features[r->word] & r->features)) {
            continue;
        }
        for (enc = r->first; enc <= r->last; enc += 2) {
            fields[vmx_slot(enc) / VMX_VMCS_GROUP_FIELDS] |=
                1u << VMCS_ENC_INDEX(enc);
        }
    }
}

static bool field_exists(CPUX86State *env, uint64_t enc)
{
    const uint64_t used = VMCS_ENC_HIGH | 0x1f << 1 | 3 << 10 | 3 << 13;

    if (enc & ~used) {
        return false;
    }
    if ((enc & VMCS_ENC_HIGH) && VMCS_ENC_WIDTH(enc) != VMCS_WIDTH_64) {
        return false;
    }
    return env->vmx_storage.fields[vmx_slot(enc) / VMX_VMCS_GROUP_FIELDS] &
           1u << VMCS_ENC_INDEX(enc);
}

static void check_access(CPUX86State *env, uint64_t enc, uintptr_t ra)
{
    if (!env->vmx.vmcs_valid) {
        vmx_fail(env, 0, "no current VMCS", ra);
    }
    if (!field_exists(env, enc)) {
        vmx_fail(env, VMX_ERR_UNSUPPORTED_FIELD, "unsupported VMCS field", ra);
    }
}

target_ulong helper_vmx_vmread(CPUX86State *env, target_ulong enc)
{
    uint64_t val;

    check_access(env, enc, GETPC());
    val = vmx_read(env, enc);
    return enc & VMCS_ENC_HIGH ? val >> 32 : val;
}

void helper_vmx_vmwrite(CPUX86State *env, target_ulong enc, target_ulong val)
{
    uint64_t old;

    check_access(env, enc, GETPC());
    if (VMCS_ENC_TYPE(enc) == VMCS_TYPE_READ_ONLY) {
        vmx_fail(env, VMX_ERR_READ_ONLY_FIELD, "read-only VMCS field", GETPC());
    }
    old = vmx_read(env, enc);
    switch (VMCS_ENC_WIDTH(enc)) {
    case VMCS_WIDTH_16:
        val = (uint16_t)val;
        break;
    case VMCS_WIDTH_32:
        val = (uint32_t)val;
        break;
    case VMCS_WIDTH_64:
        if (enc & VMCS_ENC_HIGH) {
            val = deposit64(old, 32, 32, val);
        } else if (!(env->hflags & HF_CS64_MASK)) {
            /* outside 64-bit mode bits 63:32 of the field are cleared */
            val = (uint32_t)val;
        }
        break;
    default:
        break;
    }
    vmx_write(env, enc, val);
}
