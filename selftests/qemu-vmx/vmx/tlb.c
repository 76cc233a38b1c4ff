/*
 * Which cached translations survive VM entries and exits (29.4).
 *
 * Root and non-root operation have MMU indexes of their own, so that with VPIDs
 * a transition flushes nothing.  The guest's half of the TLB holds one address
 * space at a time: entering another flushes it.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "exec/exec-all.h"
#include "vmx.h"

static X86VMXTLBTag current_tag(CPUX86State *env)
{
    return (X86VMXTLBTag) {
        .cr3 = env->cr[3],
        .mode = (env->cr[0] & (CR0_PE_MASK | CR0_WP_MASK | CR0_PG_MASK)) |
                (uint64_t)env->cr[4] << 32 |
                (env->efer & (MSR_EFER_LMA | MSR_EFER_NXE)),
    };
}

static X86VMXTLBTag guest_tag(CPUX86State *env)
{
    X86VMXTLBTag tag = current_tag(env);

    if (env->vmx.proc2 & VMX_SECONDARY_EXEC_ENABLE_VPID) {
        tag.vpid = vmx_read(env, VMCS_VPID);
    }
    if (vmx_ept_enabled(env)) {
        tag.eptp = vmx_read(env, VMCS_EPTP);
    }
    return tag;
}

static bool same_tag(const X86VMXTLBTag *a, const X86VMXTLBTag *b)
{
    return a->cr3 == b->cr3 && a->eptp == b->eptp && a->mode == b->mode &&
           a->vpid == b->vpid;
}

/* Before the host's registers go */
void vmx_tlb_mark_host(CPUX86State *env)
{
    env->vmx.host_tlb = current_tag(env);
}

/* Before the guest's registers go */
void vmx_tlb_mark_guest(CPUX86State *env)
{
    env->vmx.guest_tlb = guest_tag(env);
}

/*
 * With the guest's registers in place.  Without VPIDs, transitions invalidate
 * the translations of both sides: they share VPID 0.
 */
void vmx_tlb_enter_guest(CPUX86State *env)
{
    CPUState *cs = env_cpu(env);
    X86VMXTLBTag tag = guest_tag(env);

    if (vmx_ept_enabled(env) && env->vmx.eptp != tag.eptp) {
        env->vmx.eptp = tag.eptp;
        tlb_flush_by_mmuidx(cs, 1 << MMU_NESTED_IDX);
    }
    if (!tag.vpid || !same_tag(&tag, &env->vmx.guest_tlb)) {
        tlb_flush_by_mmuidx(cs, MMU_VMX_GUEST_BITS);
    }
}

/* With the host's registers in place */
void vmx_tlb_enter_host(CPUX86State *env)
{
    X86VMXTLBTag tag = current_tag(env);

    if (!env->vmx.guest_tlb.vpid || !same_tag(&tag, &env->vmx.host_tlb)) {
        tlb_flush_by_mmuidx(env_cpu(env), MMU_VMX_HOST_BITS);
    }
}

/* INVVPID, and INVEPT with the translations of guest-physical addresses */
void vmx_tlb_invalidate(CPUX86State *env, bool ept)
{
    tlb_flush_by_mmuidx(env_cpu(env), MMU_VMX_GUEST_BITS |
                        (ept ? 1 << MMU_NESTED_IDX : 0));
}
