/*
 * VMX emulation for TCG: what its files share.
 *
 * Section numbers are those of the Intel SDM, volume 3, as numbered since 2022:
 * 25 VMCS, 26 non-root operation, 27 VM entries, 28 VM exits, 29 EPT and VPID,
 * 31 instructions, appendix A capabilities.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#ifndef I386_VMX_H
#define I386_VMX_H

#include "cpu.h"
#include "tcg/helper-tcg.h"
#include "vmcs.h"

#define VMX_REVISION            0x00564d58u
#define VMX_REGION_SIZE         (VMX_VMCS_QWORDS * sizeof(uint64_t))
#define VMX_PREEMPTION_SHIFT    5
#define VMX_MAX_MSR_LIST        512
#define VMX_CR3_TARGETS         4

#define MSR_IA32_DEBUGCTLMSR    0x1d9

#define VMX_EPTP_AD             0x40
#define VMX_EPT_QUAL_READ       0x001
#define VMX_EPT_QUAL_WRITE      0x002
#define VMX_EPT_QUAL_FETCH      0x004
#define VMX_EPT_QUAL_GLA_VALID  0x080
#define VMX_EPT_QUAL_GLA_FINAL  0x100
#define VMX_EPT_QUAL_NMI_IRET   0x1000

#define VMX_NO_POINTER          (~0ull)

/* Fields of a VMCS region that no encoding reaches: the group 0:1 */
#define VMX_HEADER_LAUNCHED     1       /* 8 bytes: not 0 after VMLAUNCH */

static inline unsigned vmx_slot(uint32_t enc)
{
    unsigned group = VMCS_ENC_WIDTH(enc) << 2 | VMCS_ENC_TYPE(enc);

    /* The header comes first: swap control and read-only fields */
    return (group ^ 1) * VMX_VMCS_GROUP_FIELDS + VMCS_ENC_INDEX(enc);
}

static inline uint64_t vmx_read(CPUX86State *env, uint32_t enc)
{
    return env->vmx_storage.vmcs[vmx_slot(enc)];
}

static inline void vmx_write(CPUX86State *env, uint32_t enc, uint64_t val)
{
    env->vmx_storage.vmcs[vmx_slot(enc)] = val;
}

static inline bool vmx_ept_enabled(CPUX86State *env)
{
    return env->vmx.proc2 & VMX_SECONDARY_EXEC_ENABLE_EPT;
}

static inline bool vmx_virtual_nmis(CPUX86State *env)
{
    return env->vmx.pin & VMX_PIN_BASED_VIRTUAL_NMIS;
}

/* Secondary controls count only where they are activated (25.6.2) */
static inline uint32_t vmx_proc2(CPUX86State *env)
{
    return vmx_read(env, VMCS_PRI_PROC_BASED_CTLS) &
           VMX_CPU_BASED_ACTIVATE_SECONDARY_CONTROLS ?
           vmx_read(env, VMCS_SEC_PROC_BASED_CTLS) : 0;
}

static inline bool vmx_canonical(uint64_t addr)
{
    return (int64_t)(addr << 16) >> 16 == addr;
}

/* PAE paging, where PDPTEs are registers (4.4.1) */
static inline bool vmx_pae_paging(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return (cr0 & CR0_PG_MASK) && (cr4 & CR4_PAE_MASK) &&
           !(efer & MSR_EFER_LMA);
}

/* caps.c */
uint64_t vmx_capability(CPUX86State *env, uint32_t msr);
uint64_t vmx_cr0_fixed(CPUX86State *env, bool guest);
bool vmx_physical_ok(CPUX86State *env, uint64_t addr, uint64_t align);

/* field.c */
void vmx_init_fields(CPUX86State *env);

/* instruction.c */
G_NORETURN void vmx_fail(CPUX86State *env, uint32_t error, const char *why,
                         uintptr_t ra);
bool vmx_eptp_ok(CPUX86State *env, uint64_t eptp);

/* check-control.c, check-host.c, check-guest.c: NULL or what is wrong */
const char *vmx_check_controls(CPUX86State *env);
const char *vmx_check_host(CPUX86State *env);
const char *vmx_check_guest(CPUX86State *env, uint64_t *qualification);
bool vmx_pat_ok(uint64_t pat);
uint64_t vmx_efer_valid(CPUX86State *env);
bool vmx_pdptes_ok(CPUX86State *env, const uint64_t *pdpte);

/* tlb.c */
void vmx_tlb_mark_host(CPUX86State *env);
void vmx_tlb_mark_guest(CPUX86State *env);
void vmx_tlb_enter_guest(CPUX86State *env);
void vmx_tlb_enter_host(CPUX86State *env);
void vmx_tlb_invalidate(CPUX86State *env, bool ept);

/* load.c */
void vmx_load_crs(CPUX86State *env, uint64_t cr0, uint64_t cr3, uint64_t cr4,
                  uint64_t efer);
void vmx_load_host(CPUX86State *env);
void vmx_load_guest(CPUX86State *env);
void vmx_save_guest(CPUX86State *env);

/* exit.c */
G_NORETURN void vmx_abort(CPUX86State *env, uint32_t indicator);
G_NORETURN void vmx_fail_entry(CPUX86State *env, uint32_t reason,
                               uint64_t qualification, const char *why);
G_NORETURN void vmx_exit_event(CPUX86State *env, uint32_t reason,
                               uint64_t qualification, uint32_t info,
                               uint32_t error, uintptr_t ra);

/* msrlist.c: 0, or the number of the entry that failed, from 1 */
uint32_t vmx_load_msrs(CPUX86State *env, uint64_t addr, uint32_t count);
uint32_t vmx_store_msrs(CPUX86State *env, uint64_t addr, uint32_t count);

/* event.c */
void vmx_irq_request(CPUX86State *env, uint32_t set, uint32_t clear);
void vmx_start_events(CPUX86State *env);

/* timer.c */
void vmx_timer_start(CPUX86State *env);
bool vmx_timer_expired(CPUX86State *env);
void vmx_timer_stop(CPUX86State *env, bool save);

/* ept: in target/i386/tcg/sysemu/excp_helper.c, by ept.c.inc */
uint64_t vmx_guest_physical_ldq(CPUX86State *env, uint64_t gpa, uintptr_t ra);

#endif
