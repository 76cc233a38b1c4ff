/*
 * Checks on the guest-state area (27.3.1).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "vmx.h"
#include "check.h"

/* Exit qualifications of failed VM entries (27.8) */
#define FAIL_PDPTE          2
#define FAIL_NMI            3
#define FAIL_LINK_POINTER   4

/* What most checks need to know about the guest */
typedef struct VMXGuest {
    CPUX86State *env;
    uint32_t entry;             /* VM-entry controls */
    uint64_t cr0, cr4, rflags;
    bool ia32e;
    bool v8086;
    bool unrestricted;
} VMXGuest;

typedef enum VMXSegment {
    SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR,
    SEG_COUNT
} VMXSegment;

/* Each of the eight segments has its fields at the same distance */
static uint64_t seg_field(const VMXGuest *g, uint32_t es_field, VMXSegment seg)
{
    return vmx_read(g->env, es_field + 2 * seg);
}

static uint16_t seg_selector(const VMXGuest *g, VMXSegment seg)
{
    return seg_field(g, VMCS_GUEST_ES_SELECTOR, seg);
}

static uint32_t seg_ar(const VMXGuest *g, VMXSegment seg)
{
    return seg_field(g, VMCS_GUEST_ES_ACCESS_RIGHTS, seg);
}

static uint64_t seg_base(const VMXGuest *g, VMXSegment seg)
{
    return seg_field(g, VMCS_GUEST_ES_BASE, seg);
}

static uint32_t seg_limit(const VMXGuest *g, VMXSegment seg)
{
    return seg_field(g, VMCS_GUEST_ES_LIMIT, seg);
}

static bool seg_usable(const VMXGuest *g, VMXSegment seg)
{
    return !(seg_ar(g, seg) & VMCS_AR_UNUSABLE);
}

static int ar_type(uint32_t ar)
{
    return ar & VMCS_AR_TYPE;
}

static int ar_dpl(uint32_t ar)
{
    return ar >> VMCS_AR_DPL_SHIFT & 3;
}

/* 27.3.1.1 */
static const char *check_control_registers(const VMXGuest *g)
{
    CPUX86State *env = g->env;
    uint64_t fixed = vmx_cr0_fixed(env, false);
    uint64_t cr3 = vmx_read(env, VMCS_GUEST_CR3);

    if (g->unrestricted) {
        fixed &= ~(uint64_t)(CR0_PE_MASK | CR0_PG_MASK);
    }
    REQUIRE((g->cr0 & fixed) == fixed && !(g->cr0 >> 32),
            "guest CR0: fixed bits");
    REQUIRE(!(g->cr0 & CR0_PG_MASK) || (g->cr0 & CR0_PE_MASK),
            "guest CR0: PG without PE");
    REQUIRE((g->cr4 & CR4_VMXE_MASK) && !(g->cr4 & cr4_reserved_bits(env)),
            "guest CR4: fixed bits");
    if (g->ia32e) {
        REQUIRE(g->cr0 & CR0_PG_MASK, "IA-32e mode guest without CR0.PG");
        REQUIRE(g->cr4 & CR4_PAE_MASK, "IA-32e mode guest without CR4.PAE");
    } else {
        REQUIRE(!(g->cr4 & CR4_PCIDE_MASK),
                "guest CR4.PCIDE outside IA-32e mode");
    }
    REQUIRE(vmx_physical_ok(env, cr3, 1), "guest CR3: reserved bits");
    return NULL;
}

/* 27.3.1.1 */
static const char *check_msrs(const VMXGuest *g)
{
    CPUX86State *env = g->env;
    uint64_t efer = vmx_read(env, VMCS_GUEST_IA32_EFER);

    if (g->entry & VMX_VM_ENTRY_LOAD_DEBUG_CONTROLS) {
        REQUIRE(!(vmx_read(env, VMCS_GUEST_IA32_DEBUGCTL) & ~0x7fc3ull),
                "guest IA32_DEBUGCTL: reserved bits");
        REQUIRE(!(vmx_read(env, VMCS_GUEST_DR7) >> 32),
                "guest DR7: bits 63:32");
    }
    REQUIRE(vmx_canonical(vmx_read(env, VMCS_GUEST_IA32_SYSENTER_ESP)),
            "guest IA32_SYSENTER_ESP not canonical");
    REQUIRE(vmx_canonical(vmx_read(env, VMCS_GUEST_IA32_SYSENTER_EIP)),
            "guest IA32_SYSENTER_EIP not canonical");
    if (g->entry & VMX_VM_ENTRY_LOAD_IA32_PAT) {
        REQUIRE(vmx_pat_ok(vmx_read(env, VMCS_GUEST_IA32_PAT)),
                "guest IA32_PAT: memory type");
    }
    if (g->entry & VMX_VM_ENTRY_LOAD_IA32_EFER) {
        REQUIRE(!(efer & ~vmx_efer_valid(env)),
                "guest IA32_EFER: reserved bits");
        REQUIRE(!(efer & MSR_EFER_LMA) == !g->ia32e,
                "guest IA32_EFER.LMA against IA-32e mode guest");
        REQUIRE(!(g->cr0 & CR0_PG_MASK) ||
                !(efer & MSR_EFER_LMA) == !(efer & MSR_EFER_LME),
                "guest IA32_EFER: LMA against LME with paging");
    }
    return NULL;
}

/* 27.3.1.2, selectors */
static const char *check_selectors(const VMXGuest *g)
{
    REQUIRE(!(seg_selector(g, SEG_TR) & 4), "guest TR selector: TI");
    REQUIRE(!seg_usable(g, SEG_LDTR) || !(seg_selector(g, SEG_LDTR) & 4),
            "guest LDTR selector: TI");
    REQUIRE(g->v8086 || g->unrestricted ||
            (seg_selector(g, SEG_SS) & 3) == (seg_selector(g, SEG_CS) & 3),
            "guest SS selector: RPL against CS");
    return NULL;
}

/* 27.3.1.2, bases */
static const char *check_bases(const VMXGuest *g)
{
    int i;

    if (g->v8086) {
        for (i = SEG_ES; i <= SEG_GS; i++) {
            REQUIRE(seg_base(g, i) == (uint64_t)seg_selector(g, i) << 4,
                    "virtual-8086 guest: segment base");
        }
    }
    REQUIRE(vmx_canonical(seg_base(g, SEG_TR)), "guest TR base not canonical");
    REQUIRE(vmx_canonical(seg_base(g, SEG_FS)), "guest FS base not canonical");
    REQUIRE(vmx_canonical(seg_base(g, SEG_GS)), "guest GS base not canonical");
    REQUIRE(!seg_usable(g, SEG_LDTR) || vmx_canonical(seg_base(g, SEG_LDTR)),
            "guest LDTR base not canonical");
    REQUIRE(!(seg_base(g, SEG_CS) >> 32), "guest CS base: bits 63:32");
    REQUIRE(!seg_usable(g, SEG_SS) || !(seg_base(g, SEG_SS) >> 32),
            "guest SS base: bits 63:32");
    REQUIRE(!seg_usable(g, SEG_DS) || !(seg_base(g, SEG_DS) >> 32),
            "guest DS base: bits 63:32");
    REQUIRE(!seg_usable(g, SEG_ES) || !(seg_base(g, SEG_ES) >> 32),
            "guest ES base: bits 63:32");
    return NULL;
}

/* 27.3.1.2, limits and access rights in virtual-8086 mode */
static const char *check_v8086_segments(const VMXGuest *g)
{
    int i;

    for (i = SEG_ES; i <= SEG_GS; i++) {
        REQUIRE(seg_limit(g, i) == 0xffff,
                "virtual-8086 guest: segment limit");
        REQUIRE(seg_ar(g, i) == 0xf3,
                "virtual-8086 guest: segment access rights");
    }
    return NULL;
}

/* Granularity against limit, for any segment */
static bool granularity_ok(uint32_t ar, uint32_t limit)
{
    return ar & VMCS_AR_G ? (limit & 0xfff) == 0xfff : !(limit & 0xfff00000);
}

static const char *check_cs(const VMXGuest *g)
{
    uint32_t ar = seg_ar(g, SEG_CS), ss = seg_ar(g, SEG_SS);
    int type = ar_type(ar), dpl = ar_dpl(ar);

    REQUIRE(type == 9 || type == 11 || type == 13 || type == 15 ||
            (type == 3 && g->unrestricted), "guest CS: type");
    REQUIRE(ar & VMCS_AR_S, "guest CS: S");
    switch (type) {
    case 3:
        REQUIRE(dpl == 0, "guest CS: DPL of a data segment");
        break;
    case 9:
    case 11:
        REQUIRE(dpl == ar_dpl(ss), "guest CS: DPL against SS");
        break;
    default:
        REQUIRE(dpl <= ar_dpl(ss), "guest CS: DPL of a conforming segment");
        break;
    }
    REQUIRE(ar & VMCS_AR_P, "guest CS: P");
    REQUIRE(!(ar & VMCS_AR_RESERVED), "guest CS: reserved bits");
    REQUIRE(!g->ia32e || !(ar & VMCS_AR_L) || !(ar & VMCS_AR_DB),
            "guest CS: D with L");
    REQUIRE(granularity_ok(ar, seg_limit(g, SEG_CS)), "guest CS: granularity");
    return NULL;
}

static const char *check_ss(const VMXGuest *g)
{
    uint32_t ar = seg_ar(g, SEG_SS), cs = seg_ar(g, SEG_CS);
    int type = ar_type(ar);

    REQUIRE(g->unrestricted || ar_dpl(ar) == (seg_selector(g, SEG_SS) & 3),
            "guest SS: DPL against RPL");
    REQUIRE((ar_type(cs) != 3 && (g->cr0 & CR0_PE_MASK)) || !ar_dpl(ar),
            "guest SS: DPL in real mode");
    if (!seg_usable(g, SEG_SS)) {
        return NULL;
    }
    REQUIRE(type == 3 || type == 7, "guest SS: type");
    REQUIRE(ar & VMCS_AR_S, "guest SS: S");
    REQUIRE(ar & VMCS_AR_P, "guest SS: P");
    REQUIRE(!(ar & VMCS_AR_RESERVED), "guest SS: reserved bits");
    REQUIRE(granularity_ok(ar, seg_limit(g, SEG_SS)), "guest SS: granularity");
    return NULL;
}

static const char *check_data_segment(const VMXGuest *g, VMXSegment seg)
{
    uint32_t ar = seg_ar(g, seg);
    int type = ar_type(ar);

    if (!seg_usable(g, seg)) {
        return NULL;
    }
    REQUIRE(type & 1, "guest data segment: not accessed");
    REQUIRE(!(type & 8) || (type & 2),
            "guest data segment: code that cannot be read");
    REQUIRE(ar & VMCS_AR_S, "guest data segment: S");
    REQUIRE(g->unrestricted || type > 11 ||
            ar_dpl(ar) >= (seg_selector(g, seg) & 3),
            "guest data segment: DPL against RPL");
    REQUIRE(ar & VMCS_AR_P, "guest data segment: P");
    REQUIRE(!(ar & VMCS_AR_RESERVED), "guest data segment: reserved bits");
    REQUIRE(granularity_ok(ar, seg_limit(g, seg)),
            "guest data segment: granularity");
    return NULL;
}

static const char *check_tr(const VMXGuest *g)
{
    uint32_t ar = seg_ar(g, SEG_TR);
    int type = ar_type(ar);

    REQUIRE(type == 11 || (type == 3 && !g->ia32e), "guest TR: type");
    REQUIRE(!(ar & VMCS_AR_S), "guest TR: S");
    REQUIRE(ar & VMCS_AR_P, "guest TR: P");
    REQUIRE(!(ar & VMCS_AR_RESERVED), "guest TR: reserved bits");
    REQUIRE(granularity_ok(ar, seg_limit(g, SEG_TR)), "guest TR: granularity");
    REQUIRE(!(ar & VMCS_AR_UNUSABLE), "guest TR: unusable");
    return NULL;
}

static const char *check_ldtr(const VMXGuest *g)
{
    uint32_t ar = seg_ar(g, SEG_LDTR);

    if (!seg_usable(g, SEG_LDTR)) {
        return NULL;
    }
    REQUIRE(ar_type(ar) == 2, "guest LDTR: type");
    REQUIRE(!(ar & VMCS_AR_S), "guest LDTR: S");
    REQUIRE(ar & VMCS_AR_P, "guest LDTR: P");
    REQUIRE(!(ar & VMCS_AR_RESERVED), "guest LDTR: reserved bits");
    REQUIRE(granularity_ok(ar, seg_limit(g, SEG_LDTR)),
            "guest LDTR: granularity");
    return NULL;
}

/* 27.3.1.2 */
static const char *check_segments(const VMXGuest *g)
{
    static const VMXSegment data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };
    size_t i;

    REQUIRE_ALL(check_selectors(g));
    REQUIRE_ALL(check_bases(g));
    if (g->v8086) {
        REQUIRE_ALL(check_v8086_segments(g));
    } else {
        REQUIRE_ALL(check_cs(g));
        REQUIRE_ALL(check_ss(g));
        for (i = 0; i < ARRAY_SIZE(data); i++) {
            REQUIRE_ALL(check_data_segment(g, data[i]));
        }
    }
    REQUIRE_ALL(check_tr(g));
    REQUIRE_ALL(check_ldtr(g));
    return NULL;
}

/* 27.3.1.3 */
static const char *check_tables(const VMXGuest *g)
{
    REQUIRE(vmx_canonical(vmx_read(g->env, VMCS_GUEST_GDTR_BASE)),
            "guest GDTR base not canonical");
    REQUIRE(vmx_canonical(vmx_read(g->env, VMCS_GUEST_IDTR_BASE)),
            "guest IDTR base not canonical");
    REQUIRE(!(vmx_read(g->env, VMCS_GUEST_GDTR_LIMIT) >> 16),
            "guest GDTR limit: bits 31:16");
    REQUIRE(!(vmx_read(g->env, VMCS_GUEST_IDTR_LIMIT) >> 16),
            "guest IDTR limit: bits 31:16");
    return NULL;
}

/* 27.3.1.4 */
static const char *check_rip_rflags(const VMXGuest *g)
{
    const uint64_t reserved = ~0x3f7fd7ull;
    uint32_t info = vmx_read(g->env, VMCS_ENTRY_INTR_INFO);
    uint64_t rip = vmx_read(g->env, VMCS_GUEST_RIP);
    bool cs64 = g->ia32e && (seg_ar(g, SEG_CS) & VMCS_AR_L);

    /* bits 63:48 alike is enough: bit 47 may differ from them */
    REQUIRE(cs64 ? (uint64_t)((int64_t)rip >> 48) + 1 <= 1 : !(rip >> 32),
            "guest RIP");
    REQUIRE(!(g->rflags & reserved) && (g->rflags & 2),
            "guest RFLAGS: reserved bits");
    REQUIRE(!g->v8086 || (!g->ia32e && (g->cr0 & CR0_PE_MASK)),
            "guest RFLAGS.VM in this mode");
    REQUIRE(!(info & VMCS_INTR_VALID) ||
            (info & VMCS_INTR_T_MASK) != VMCS_INTR_T_HWINTR ||
            (g->rflags & IF_MASK),
            "external interrupt injected with guest RFLAGS.IF 0");
    return NULL;
}

/* 27.3.1.5, activity state */
static const char *check_activity(const VMXGuest *g)
{
    CPUX86State *env = g->env;
    uint32_t activity = vmx_read(env, VMCS_GUEST_ACTIVITY);
    uint32_t blocking = vmx_read(env, VMCS_GUEST_INTERRUPTIBILITY);
    uint32_t info = vmx_read(env, VMCS_ENTRY_INTR_INFO);
    uint32_t type = info & VMCS_INTR_T_MASK, vector = info & VMCS_INTR_VECTOR;

    REQUIRE(activity == VMCS_ACTIVITY_ACTIVE ||
            (activity == VMCS_ACTIVITY_HLT &&
             (env->features[FEAT_VMX_MISC] & MSR_VMX_MISC_ACTIVITY_HLT)),
            "guest activity state");
    if (activity == VMCS_ACTIVITY_ACTIVE) {
        return NULL;
    }
    REQUIRE(!ar_dpl(seg_ar(g, SEG_SS)), "guest in HLT above CPL 0");
    REQUIRE(!(blocking & (VMCS_INTERRUPTIBILITY_STI |
                          VMCS_INTERRUPTIBILITY_MOVSS)),
            "guest in HLT with blocking by STI or MOV SS");
    REQUIRE(!(info & VMCS_INTR_VALID) ||
            type == VMCS_INTR_T_HWINTR || type == VMCS_INTR_T_NMI ||
            (type == VMCS_INTR_T_HWEXCEPTION &&
             (vector == EXCP01_DB || vector == EXCP12_MCHK)) ||
            type == VMCS_INTR_T_OTHER,
            "guest in HLT: this event does not wake it");
    return NULL;
}

/* 27.3.1.5, interruptibility; an injected NMI has its own qualification */
static const char *check_interruptibility(const VMXGuest *g, uint64_t *qual)
{
    CPUX86State *env = g->env;
    uint32_t blocking = vmx_read(env, VMCS_GUEST_INTERRUPTIBILITY);
    uint32_t info = vmx_read(env, VMCS_ENTRY_INTR_INFO);
    uint32_t type = info & VMCS_INTR_T_MASK;
    bool sti = blocking & VMCS_INTERRUPTIBILITY_STI;
    bool movss = blocking & VMCS_INTERRUPTIBILITY_MOVSS;

    REQUIRE(!(blocking & ~0xfu), "guest interruptibility: reserved bits");
    REQUIRE(!sti || !movss, "guest blocking by STI and by MOV SS");
    REQUIRE(!sti || (g->rflags & IF_MASK), "guest blocking by STI with IF 0");
    REQUIRE(!(blocking & VMCS_INTERRUPTIBILITY_SMI),
            "guest blocking by SMI outside SMM");
    if (!(info & VMCS_INTR_VALID)) {
        return NULL;
    }
    REQUIRE(type != VMCS_INTR_T_HWINTR || (!sti && !movss),
            "external interrupt injected while blocked");
    if (type == VMCS_INTR_T_NMI) {
        REQUIRE(!movss, "NMI injected with blocking by MOV SS");
        *qual = FAIL_NMI;
        REQUIRE(!sti, "NMI injected with blocking by STI");
        *qual = 0;
        REQUIRE(!(blocking & VMCS_INTERRUPTIBILITY_NMI) ||
                !(vmx_read(env, VMCS_PIN_BASED_CTLS) &
                  VMX_PIN_BASED_VIRTUAL_NMIS),
                "NMI injected with virtual-NMI blocking");
    }
    return NULL;
}

/* 27.3.1.5, pending debug exceptions */
static const char *check_pending_debug(const VMXGuest *g)
{
    const uint64_t valid = VMCS_PENDING_DBG_B_MASK |
                           VMCS_PENDING_DBG_ENABLED_BP | VMCS_PENDING_DBG_BS;
    CPUX86State *env = g->env;
    uint64_t pending = vmx_read(env, VMCS_GUEST_PENDING_DBG_EXCEPTIONS);
    uint32_t blocking = vmx_read(env, VMCS_GUEST_INTERRUPTIBILITY);
    bool btf = vmx_read(env, VMCS_GUEST_IA32_DEBUGCTL) & 2;
    bool step = (g->rflags & TF_MASK) && !btf;

    REQUIRE(!(pending & ~valid),
            "guest pending debug exceptions: reserved bits");
    if ((blocking & (VMCS_INTERRUPTIBILITY_STI |
                     VMCS_INTERRUPTIBILITY_MOVSS)) ||
        vmx_read(env, VMCS_GUEST_ACTIVITY) == VMCS_ACTIVITY_HLT) {
        REQUIRE(!(pending & VMCS_PENDING_DBG_BS) == !step,
                "guest pending debug exceptions: BS against TF");
    }
    return NULL;
}

/* 27.3.1.5, VMCS link pointer: there are no shadow VMCSs to point to */
static const char *check_link_pointer(const VMXGuest *g, uint64_t *qual)
{
    uint64_t link = vmx_read(g->env, VMCS_LINK_POINTER);

    if (link == VMX_NO_POINTER) {
        return NULL;
    }
    *qual = FAIL_LINK_POINTER;
    REQUIRE(vmx_physical_ok(g->env, link, 4096), "VMCS link pointer");
    REQUIRE(x86_ldl_phys(env_cpu(g->env), link) == VMX_REVISION,
            "VMCS link pointer: revision identifier");
    *qual = 0;
    return NULL;
}

/* 4.4.1: reserved bits of the PDPTEs that are present */
bool vmx_pdptes_ok(CPUX86State *env, const uint64_t *pdpte)
{
    int i;

    for (i = 0; i < 4; i++) {
        if ((pdpte[i] & PG_PRESENT_MASK) &&
            ((pdpte[i] & 0x1e6) || !vmx_physical_ok(env, pdpte[i], 1))) {
            return false;
        }
    }
    return true;
}

/* 27.3.1.6 */
static const char *check_pdptes(const VMXGuest *g, uint64_t *qual)
{
    CPUX86State *env = g->env;
    uint64_t pdpte[4];
    int i;

    if (!(g->cr0 & CR0_PG_MASK) || !(g->cr4 & CR4_PAE_MASK) || g->ia32e) {
        return NULL;
    }
    for (i = 0; i < 4; i++) {
        if (vmx_proc2(env) & VMX_SECONDARY_EXEC_ENABLE_EPT) {
            pdpte[i] = vmx_read(env, VMCS_GUEST_PDPTE0 + 2 * i);
        } else {
            pdpte[i] = x86_ldq_phys(env_cpu(env),
                                    (vmx_read(env, VMCS_GUEST_CR3) & ~0x1full)
                                    + 8 * i);
        }
    }
    *qual = FAIL_PDPTE;
    REQUIRE(vmx_pdptes_ok(env, pdpte), "guest PDPTE: reserved bits");
    *qual = 0;
    return NULL;
}

const char *vmx_check_guest(CPUX86State *env, uint64_t *qual)
{
    VMXGuest g = {
        .env = env,
        .entry = vmx_read(env, VMCS_ENTRY_CTLS),
        .cr0 = vmx_read(env, VMCS_GUEST_CR0),
        .cr4 = vmx_read(env, VMCS_GUEST_CR4),
        .rflags = vmx_read(env, VMCS_GUEST_RFLAGS),
        .unrestricted = vmx_proc2(env) & VMX_SECONDARY_EXEC_UNRESTRICTED_GUEST,
    };

    *qual = 0;
    g.ia32e = g.entry & VMX_VM_ENTRY_IA32E_MODE;
    g.v8086 = g.rflags & VM_MASK;
    REQUIRE_ALL(check_control_registers(&g));
    REQUIRE_ALL(check_msrs(&g));
    REQUIRE_ALL(check_segments(&g));
    REQUIRE_ALL(check_tables(&g));
    REQUIRE_ALL(check_rip_rflags(&g));
    REQUIRE_ALL(check_activity(&g));
    REQUIRE_ALL(check_interruptibility(&g, qual));
    REQUIRE_ALL(check_pending_debug(&g));
    REQUIRE_ALL(check_link_pointer(&g, qual));
    REQUIRE_ALL(check_pdptes(&g, qual));
    return NULL;
}
