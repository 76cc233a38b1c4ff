// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can this CPU run our guests, with which controls, and if not, why not.
 * SDM vol. 3, appendix A.
 */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/vmx.h>

#include "vmx.h"

static const char * const reason_text[] = {
	[VMX_LITE_OK] = "this machine can run guests",
	[VMX_LITE_NOT_INTEL] =
		"this CPU has no VT-x, or the hypervisor above does not pass it on: enable nesting there",
	[VMX_LITE_FIRMWARE_OFF] =
		"VT-x is disabled by firmware: enable Virtualization Technology in its setup",
	[VMX_LITE_BUSY] =
		"another hypervisor holds VT-x: if it is KVM, rmmod kvm_intel",
	[VMX_LITE_NO_EPT] =
		"this CPU has no extended page tables (EPT), which vmx-lite needs",
	[VMX_LITE_NO_UNRESTRICTED_GUEST] =
		"this CPU cannot run real-mode guests (unrestricted guest), which vmx-lite needs",
	[VMX_LITE_NO_CONTROLS] =
		"this CPU lacks a VT-x control that vmx-lite needs: see the line above",
	[VMX_LITE_CPUS_DIFFER] =
		"the CPUs of this machine differ in VT-x capabilities: update firmware and microcode",
	[VMX_LITE_VMXON_FAILED] =
		"VMXON failed on a CPU: VT-x is held by firmware or another hypervisor",
};

/**
 * vl_reason_text() - a sentence for a reason code
 * @reason: as vl_preflight() returned it
 * Context: any.
 * Return: a constant sentence.
 */
const char *vl_reason_text(enum vmx_lite_reason reason)
{
	return reason < ARRAY_SIZE(reason_text) ? reason_text[reason] : "unknown reason";
}

static bool apicv;
module_param(apicv, bool, 0444);
MODULE_PARM_DESC(apicv, "Let the CPU deliver interrupts and do EOIs, if it can (default: off)");

#define APICV_CONTROLS	(SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | \
			 SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | \
			 SECONDARY_EXEC_APIC_REGISTER_VIRT | \
			 SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)

/* A control word: what we must have, and what we take if it is there. */
struct control {
	const char *name;
	u32 msr;
	u32 true_msr;
	u32 need;
	u32 want;
};

enum { PIN, PROC, PROC2, EXIT, ENTRY };

static const struct control controls[] = {
	[PIN] = { "pin-based", MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS,
		.need = PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING |
			PIN_BASED_VIRTUAL_NMIS },
	[PROC] = { "processor-based", MSR_IA32_VMX_PROCBASED_CTLS,
		MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
		.need = CPU_BASED_HLT_EXITING | CPU_BASED_MWAIT_EXITING |
			CPU_BASED_MONITOR_EXITING | CPU_BASED_RDPMC_EXITING |
			CPU_BASED_MOV_DR_EXITING | CPU_BASED_UNCOND_IO_EXITING |
			CPU_BASED_USE_MSR_BITMAPS | CPU_BASED_USE_TSC_OFFSETTING |
			CPU_BASED_ACTIVATE_SECONDARY_CONTROLS,
		.want = CPU_BASED_TPR_SHADOW },
	[PROC2] = { "secondary", MSR_IA32_VMX_PROCBASED_CTLS2, 0,
		.need = SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_UNRESTRICTED_GUEST,
		.want = SECONDARY_EXEC_ENABLE_VPID | SECONDARY_EXEC_ENABLE_RDTSCP |
			SECONDARY_EXEC_ENABLE_INVPCID | SECONDARY_EXEC_WBINVD_EXITING |
			SECONDARY_EXEC_PAUSE_LOOP_EXITING | APICV_CONTROLS },
	[EXIT] = { "VM-exit", MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS,
		.need = VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_SAVE_DEBUG_CONTROLS |
			VM_EXIT_SAVE_IA32_EFER | VM_EXIT_LOAD_IA32_EFER |
			VM_EXIT_SAVE_IA32_PAT | VM_EXIT_LOAD_IA32_PAT },
	[ENTRY] = { "VM-entry", MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
		.need = VM_ENTRY_LOAD_DEBUG_CONTROLS | VM_ENTRY_LOAD_IA32_EFER |
			VM_ENTRY_LOAD_IA32_PAT },
};

/* Low half: bits that must be 1; high half: bits that may be 1 (SDM vol. 3, A.3). */
static u64 control_caps(const struct control *c, bool have_true)
{
	u64 caps = 0;

	/* A missing MSR reads as 0: nothing may be set. */
	rdmsrl_safe(have_true && c->true_msr ? c->true_msr : c->msr, &caps);
	return caps;
}

static bool control_fit(const struct control *c, u64 caps, u32 *out)
{
	u32 must = caps, may = caps >> 32;

	if (c->need & ~may) {
		pr_err("vmx-lite: this CPU lacks the %s controls %#x\n", c->name,
		       c->need & ~may);
		return false;
	}
	*out = must | c->need | (c->want & may);
	return true;
}

static enum vmx_lite_reason check_ept(struct vl_vmx *vmx, u32 may_proc, u32 may_proc2)
{
	const u64 need = VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT | VMX_EPT_INVEPT_BIT |
			 VMX_EPT_EXTENT_CONTEXT_BIT;
	const u64 vpid = VMX_VPID_INVVPID_BIT << 32 | VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT << 32;
	u64 cap = 0;

	rdmsrl_safe(MSR_IA32_VMX_EPT_VPID_CAP, &cap);
	if (!(may_proc2 & SECONDARY_EXEC_ENABLE_EPT) || (cap & need) != need)
		return VMX_LITE_NO_EPT;
	if (!(may_proc2 & SECONDARY_EXEC_UNRESTRICTED_GUEST))
		return VMX_LITE_NO_UNRESTRICTED_GUEST;

	vmx->features |= VMX_LITE_FEAT_VIRTUAL_NMI | VMX_LITE_FEAT_TSC_DEADLINE;
	if (cap & VMX_EPT_2MB_PAGE_BIT)
		vmx->features |= VMX_LITE_FEAT_EPT_2M;
	if (cap & VMX_EPT_1GB_PAGE_BIT)
		vmx->features |= VMX_LITE_FEAT_EPT_1G;
	if (cap & VMX_EPT_AD_BIT)
		vmx->features |= VMX_LITE_FEAT_EPT_AD;
	if ((may_proc2 & SECONDARY_EXEC_ENABLE_VPID) && (cap & vpid) == vpid)
		vmx->features |= VMX_LITE_FEAT_VPID;
	if (may_proc & CPU_BASED_MONITOR_TRAP_FLAG)
		vmx->features |= VMX_LITE_FEAT_MTRAP;
	if (may_proc & CPU_BASED_PAUSE_EXITING)
		vmx->features |= VMX_LITE_FEAT_PAUSE_EXIT;
	if (may_proc2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING)
		vmx->features |= VMX_LITE_FEAT_PAUSE_LOOP;
	if (may_proc & CPU_BASED_TPR_SHADOW)
		vmx->features |= VMX_LITE_FEAT_TPR_SHADOW;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		vmx->features |= VMX_LITE_FEAT_XSAVE;
	return VMX_LITE_OK;
}

/*
 * All else of it is only worth its while with virtual-interrupt delivery, which
 * needs the TPR shadow (SDM vol. 3, 27.2.1.1).  Each vCPU has it on as apicv.c says.
 */
static void check_apicv(struct vl_vmx *vmx)
{
	if (apicv && (vmx->proc & CPU_BASED_TPR_SHADOW) &&
	    (vmx->proc2 & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)) {
		vmx->features |= VMX_LITE_FEAT_APICV;
		vmx->apicv = vmx->proc2 & APICV_CONTROLS;
	} else {
		/* Where the CPU does EOIs there is no exit to save. */
		vmx->features |= VMX_LITE_FEAT_PV_EOI;
	}
	vmx->proc2 &= ~APICV_CONTROLS;
}

/* Some CPUs hang when a guest runs code in a page whose size changed under it. */
static bool itlb_multihit(void)
{
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT))
		return false;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &caps);
	return !(caps & ARCH_CAP_PSCHANGE_MC_NO);
}

/**
 * vl_preflight() - read this CPU's VT-x capabilities
 * @vmx: out: what vl_vmx is to hold, complete if VMX_LITE_OK is returned
 *
 * Changes nothing on the CPU.
 * Context: preemption off where the result is compared between CPUs.
 * Return: VMX_LITE_OK or why not.
 */
enum vmx_lite_reason vl_preflight(struct vl_vmx *vmx)
{
	enum vmx_lite_reason reason;
	u64 caps[ARRAY_SIZE(controls)];
	u64 feat = 0, basic = 0;
	bool have_true;
	int i;

	memset(vmx, 0, sizeof(*vmx));
	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL || !this_cpu_has(X86_FEATURE_VMX)) {
		/* The kernel clears the VMX flag when firmware locked it off. */
		if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL &&
		    (cpuid_ecx(1) & BIT(5)))
			return VMX_LITE_FIRMWARE_OFF;
		return VMX_LITE_NOT_INTEL;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &feat) ||
	    (feat & (FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) !=
		    (FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		return VMX_LITE_FIRMWARE_OFF;
	if (rdmsrl_safe(MSR_IA32_VMX_BASIC, &basic))
		return VMX_LITE_NOT_INTEL;

	vmx->revision = basic & GENMASK(30, 0);
	have_true = basic & BIT_ULL(55);
	for (i = 0; i < ARRAY_SIZE(controls); i++)
		caps[i] = control_caps(&controls[i], have_true);

	reason = check_ept(vmx, caps[PROC] >> 32, caps[PROC2] >> 32);
	if (reason)
		return reason;
	if (!control_fit(&controls[PIN], caps[PIN], &vmx->pin) ||
	    !control_fit(&controls[PROC], caps[PROC], &vmx->proc) ||
	    !control_fit(&controls[PROC2], caps[PROC2], &vmx->proc2) ||
	    !control_fit(&controls[EXIT], caps[EXIT], &vmx->exit) ||
	    !control_fit(&controls[ENTRY], caps[ENTRY], &vmx->entry))
		return VMX_LITE_NO_CONTROLS;
	/* With EPT, CR3 and INVLPG exits would be pure cost: they must be off-able. */
	if (vmx->proc & (CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING |
			 CPU_BASED_INVLPG_EXITING))
		return VMX_LITE_NO_CONTROLS;
	if (!(vmx->proc & CPU_BASED_TPR_SHADOW))
		vmx->proc |= CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING;
	check_apicv(vmx);
	if (!(vmx->features & VMX_LITE_FEAT_VPID))
		vmx->proc2 &= ~SECONDARY_EXEC_ENABLE_VPID;

	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, vmx->cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx->cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx->cr4_fixed1);
	rdmsrl(MSR_EFER, vmx->host_efer);
	rdmsrl(MSR_IA32_CR_PAT, vmx->host_pat);
	vmx->nx_huge_pages = itlb_multihit();
	return VMX_LITE_OK;
}
