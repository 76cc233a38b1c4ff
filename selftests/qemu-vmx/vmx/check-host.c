/*
 * Checks on the host-state area (27.2.2 to 27.2.4).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "vmx.h"
#include "check.h"

/* A PAT entry is UC, WC, WT, WP, WB or UC- (volume 3, 12.12.2) */
bool vmx_pat_ok(uint64_t pat)
{
    int i;

    for (i = 0; i < 64; i += 8) {
        uint8_t type = pat >> i;

        if (type > 7 || type == 2 || type == 3) {
            return false;
        }
    }
    return true;
}

/* The bits of IA32_EFER that are not reserved on this CPU */
uint64_t vmx_efer_valid(CPUX86State *env)
{
    uint64_t valid = 0;

    if (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_SYSCALL) {
        valid |= MSR_EFER_SCE;
    }
    if (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_LM) {
        valid |= MSR_EFER_LME | MSR_EFER_LMA;
    }
    if (env->features[FEAT_8000_0001_EDX] & CPUID_EXT2_NX) {
        valid |= MSR_EFER_NXE;
    }
    return valid;
}

/* 27.2.2 */
static const char *check_registers(CPUX86State *env, bool host64)
{
    uint32_t exit = vmx_read(env, VMCS_EXIT_CTLS);
    uint64_t cr0 = vmx_read(env, VMCS_HOST_CR0);
    uint64_t cr4 = vmx_read(env, VMCS_HOST_CR4);
    uint64_t fixed = vmx_cr0_fixed(env, false);

    REQUIRE((cr0 & fixed) == fixed && !(cr0 >> 32), "host CR0: fixed bits");
    REQUIRE((cr4 & CR4_VMXE_MASK) && !(cr4 & cr4_reserved_bits(env)),
            "host CR4: fixed bits");
    REQUIRE(vmx_physical_ok(env, vmx_read(env, VMCS_HOST_CR3), 1),
            "host CR3: reserved bits");
    REQUIRE(vmx_canonical(vmx_read(env, VMCS_HOST_IA32_SYSENTER_ESP)),
            "host IA32_SYSENTER_ESP not canonical");
    REQUIRE(vmx_canonical(vmx_read(env, VMCS_HOST_IA32_SYSENTER_EIP)),
            "host IA32_SYSENTER_EIP not canonical");
    if (exit & VMX_VM_EXIT_LOAD_IA32_PAT) {
        REQUIRE(vmx_pat_ok(vmx_read(env, VMCS_HOST_IA32_PAT)),
                "host IA32_PAT: memory type");
    }
    if (exit & VMX_VM_EXIT_LOAD_IA32_EFER) {
        uint64_t efer = vmx_read(env, VMCS_HOST_IA32_EFER);

        REQUIRE(!(efer & ~vmx_efer_valid(env)),
                "host IA32_EFER: reserved bits");
        REQUIRE(!(efer & MSR_EFER_LMA) == !host64 &&
                !(efer & MSR_EFER_LME) == !host64,
                "host IA32_EFER: LMA and LME against address-space size");
    }
    return NULL;
}

/* 27.2.3 */
static const char *check_segments(CPUX86State *env, bool host64)
{
    uint32_t field;

    for (field = VMCS_HOST_ES_SELECTOR; field <= VMCS_HOST_TR_SELECTOR;
         field += 2) {
        REQUIRE(!(vmx_read(env, field) & 7), "host selector: RPL or TI");
    }
    REQUIRE(vmx_read(env, VMCS_HOST_CS_SELECTOR), "host CS selector 0");
    REQUIRE(vmx_read(env, VMCS_HOST_TR_SELECTOR), "host TR selector 0");
    REQUIRE(host64 || vmx_read(env, VMCS_HOST_SS_SELECTOR),
            "host SS selector 0 in a 32-bit host");
    for (field = VMCS_HOST_FS_BASE; field <= VMCS_HOST_IDTR_BASE; field += 2) {
        REQUIRE(vmx_canonical(vmx_read(env, field)),
                "host segment or table base not canonical");
    }
    return NULL;
}

/* 27.2.4 */
static const char *check_address_space(CPUX86State *env, bool host64)
{
    bool guest64 = vmx_read(env, VMCS_ENTRY_CTLS) & VMX_VM_ENTRY_IA32E_MODE;
    uint64_t cr4 = vmx_read(env, VMCS_HOST_CR4);
    uint64_t rip = vmx_read(env, VMCS_HOST_RIP);

    REQUIRE(!(env->efer & MSR_EFER_LMA) == !host64,
            "host address-space size against the current mode");
    REQUIRE(host64 || !guest64, "IA-32e mode guest of a 32-bit host");
    if (host64) {
        REQUIRE(cr4 & CR4_PAE_MASK, "64-bit host without CR4.PAE");
        REQUIRE(vmx_canonical(rip), "host RIP not canonical");
    } else {
        REQUIRE(!(cr4 & CR4_PCIDE_MASK), "32-bit host with CR4.PCIDE");
        REQUIRE(!(rip >> 32), "32-bit host: RIP, bits 63:32");
    }
    return NULL;
}

const char *vmx_check_host(CPUX86State *env)
{
    bool host64 = vmx_read(env, VMCS_EXIT_CTLS) &
                  VMX_VM_EXIT_HOST_ADDR_SPACE_SIZE;

    REQUIRE_ALL(check_registers(env, host64));
    REQUIRE_ALL(check_segments(env, host64));
    REQUIRE_ALL(check_address_space(env, host64));
    return NULL;
}
