// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPU does not switch between host and guest by itself: segment
 * selectors, a few MSRs, debug registers; and what the host's speculation
 * mitigations want done.  SDM vol. 3, 28.5; vol. 1 of the side-channel guidance.
 *
 * The guest's side is loaded before the first entry of a VM_RUN and the host's
 * is put back when the thread leaves the CPU or returns to user space: nothing
 * in the kernel depends on it in between.
 */
#include <linux/hardirq.h>
#include <linux/hw_breakpoint.h>
#include <linux/percpu.h>
#include <linux/sched/smt.h>
#include <asm/cpu_entry_area.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

static const u32 switched_msrs[VL_NR_SWITCHED_MSRS] = {
	[VL_MSR_STAR] = MSR_STAR,
	[VL_MSR_LSTAR] = MSR_LSTAR,
	[VL_MSR_CSTAR] = MSR_CSTAR,
	[VL_MSR_SYSCALL_MASK] = MSR_SYSCALL_MASK,
	[VL_MSR_TSC_AUX] = MSR_TSC_AUX,
};

static DEFINE_PER_CPU(struct vl_host_msrs, host_msrs);

static DEFINE_STATIC_KEY_FALSE(l1d_flush);
static void *l1d_pages;
#define L1D_ORDER	4		/* 64 KiB: twice the largest L1D affected */

/**
 * vl_switched_msr_index() - the MSR number of a switched MSR
 * @msr: enum vl_switched_msr
 * Context: any.
 * Return: the number.
 */
u32 vl_switched_msr_index(enum vl_switched_msr msr)
{
	return switched_msrs[msr];
}

static bool has_switched_msr(enum vl_switched_msr msr)
{
	return msr != VL_MSR_TSC_AUX || (vl_vmx.proc2 & SECONDARY_EXEC_ENABLE_RDTSCP);
}

static const struct vl_host_msrs *host_msrs_here(void)
{
	struct vl_host_msrs *host = this_cpu_ptr(&host_msrs);
	int i;

	if (likely(host->known))
		return host;
	for (i = 0; i < VL_NR_SWITCHED_MSRS; i++)
		if (has_switched_msr(i))
			rdmsrl(switched_msrs[i], host->value[i]);
	host->known = true;
	return host;
}

/* A selector the CPU may load on VM exit: TI and RPL are 0 (SDM vol. 3, 27.2.3). */
static u16 exit_selector(u16 selector)
{
	return selector & (SEGMENT_TI_MASK | SEGMENT_RPL_MASK) ? 0 : selector;
}

/**
 * vl_host_switch_in() - load the guest's side
 * @vcpu: loaded
 * Context: the vCPU's thread, preemption off.
 */
void vl_host_switch_in(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	struct vl_host *host = &hw->host;
	const u64 *host_msr = host->msrs->value;
	u64 fs_base;
	int i;

	if (likely(is_64bit_mm(current->mm))) {
		current_save_fsgs();
		host->fs = current->thread.fsindex;
		host->gs = current->thread.gsindex;
		host->kernel_gs_base = current->thread.gsbase;
		fs_base = current->thread.fsbase;
	} else {
		/* Where a selector gives the base, the thread's copy of it may be 0. */
		savesegment(fs, host->fs);
		savesegment(gs, host->gs);
		host->kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
		fs_base = __rdmsr(MSR_FS_BASE);
	}
	savesegment(ds, host->ds);
	savesegment(es, host->es);
	store_ldt(host->ldt);
	host->debugctl = get_debugctlmsr();

	vmcs_write(HOST_FS_SELECTOR, exit_selector(host->fs));
	vmcs_write(HOST_GS_SELECTOR, exit_selector(host->gs));
	vmcs_write(HOST_FS_BASE, fs_base);

	native_wrmsrl(MSR_KERNEL_GS_BASE, hw->kernel_gs_base);
	for (i = 0; i < VL_NR_SWITCHED_MSRS; i++)
		if (hw->msr[i] != host_msr[i])
			native_wrmsrl(switched_msrs[i], hw->msr[i]);
	hw->l1d_flush = true;
	host->switched = true;
}

/**
 * vl_host_switch_out() - put the host's side back
 * @vcpu: loaded
 * Context: the vCPU's thread, preemption off.
 */
void vl_host_switch_out(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	struct vl_host *host = &hw->host;
	const u64 *host_msr;
	int i;

	if (!host->switched)
		return;
	host_msr = host->msrs->value;
	hw->kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	for (i = 0; i < VL_NR_SWITCHED_MSRS; i++)
		if (hw->msr[i] != host_msr[i])
			native_wrmsrl(switched_msrs[i], host_msr[i]);

	if (host->ldt || exit_selector(host->fs) != host->fs ||
	    exit_selector(host->gs) != host->gs) {
		asm volatile("lldt %0" : : "rm" (host->ldt));
		load_gs_index(host->gs);
	}
	if (exit_selector(host->fs) != host->fs)
		loadsegment(fs, host->fs);
	if (unlikely(host->ds | host->es)) {
		loadsegment(ds, host->ds);
		loadsegment(es, host->es);
	}
	/* VM exit left the TSS and GDT with limits of its own (SDM vol. 3, 28.5.2). */
	invalidate_tss_limit();
	load_fixmap_gdt(raw_smp_processor_id());
	native_wrmsrl(MSR_KERNEL_GS_BASE, host->kernel_gs_base);
	host->switched = false;
}

/**
 * vl_host_refresh() - host fields that may have changed since the last entry
 * @vcpu: the vCPU, loaded
 * Context: interrupts off.
 */
void vl_host_refresh(struct vl_vcpu *vcpu)
{
	struct vl_host *host = &vcpu->hw.host;
	unsigned long cr3 = __get_current_cr3_fast();
	unsigned long cr4 = cr4_read_shadow();

	if (unlikely(cr3 != host->cr3)) {
		vmcs_write(HOST_CR3, cr3);
		host->cr3 = cr3;
	}
	if (unlikely(cr4 != host->cr4)) {
		vmcs_write(HOST_CR4, cr4);
		host->cr4 = cr4;
	}
}

/**
 * vl_host_load_cpu() - host fields that depend on the CPU
 * @vcpu: the vCPU, loaded
 * Context: preemption off, the vCPU is loaded and has come to another CPU.
 */
void vl_host_load_cpu(struct vl_vcpu *vcpu)
{
	int cpu = smp_processor_id();
	u64 value;

	vmcs_write(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_write(HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_write(HOST_IA32_SYSENTER_ESP, value);
	rdmsrl(MSR_GS_BASE, value);
	vmcs_write(HOST_GS_BASE, value);
	vcpu->hw.host.msrs = host_msrs_here();
	vcpu->hw.host.cr3 = 0;
	vcpu->hw.host.cr4 = 0;
}

/**
 * vl_debug_load() - debug registers for the guest
 * @vcpu: the vCPU, loaded
 *
 * DR7 is the CPU's to switch; DR6 is kept by the #DB exit.
 * Context: interrupts off, before the entry.
 */
void vl_debug_load(struct vl_vcpu *vcpu)
{
	const u64 *dr = vcpu->hw.dr;

	/* The host's own breakpoints must not fire on half-loaded addresses. */
	set_debugreg(0, 7);
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
	set_debugreg(VL_DR6_FIXED, 6);
}

/**
 * vl_debug_restore() - the host's breakpoints again
 * @vcpu: whose registers are loaded
 *
 * VM exit has set DR7 to 0x400 (SDM vol. 3, 28.5.1).
 * Context: interrupts off, after the exit.
 */
void vl_debug_restore(struct vl_vcpu *vcpu)
{
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

/* Interrupts of the host since the last flush; they note it for KVM. */
static bool l1d_interrupted(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	bool interrupted = kvm_get_cpu_l1tf_flush_l1d();

	kvm_clear_cpu_l1tf_flush_l1d();
	return interrupted;
#else
	return true;
#endif
}

/**
 * vl_l1d_flush() - empty the L1 data cache on CPUs with L1TF
 * @vcpu: about to enter its guest
 *
 * A guest could read any line in it through a not-present EPT entry.  Short exits
 * touch nothing but the guest's own; what else may bring other data in is the first
 * entry on this CPU (vl_host_switch_in()), exits that sleep or emulate, and
 * interrupts.
 * Context: interrupts off, before the entry.
 */
void vl_l1d_flush(struct vl_vcpu *vcpu)
{
	unsigned int i;

	if (!static_branch_unlikely(&l1d_flush))
		return;
	if (!l1d_interrupted() && !vcpu->hw.l1d_flush)
		return;
	vcpu->hw.l1d_flush = false;
	if (static_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
		return;
	}
	for (i = 0; i < PAGE_SIZE << L1D_ORDER; i += L1_CACHE_BYTES)
		READ_ONCE(*(u8 *)(l1d_pages + i));
}

/**
 * vl_mmio_data_clear() - leave no stale data where a guest can read it from a device
 * @vcpu: about to enter its guest
 *
 * On CPUs where only who reaches device memory can (Processor MMIO Stale Data); on those with
 * MDS or TAA the entry clears the buffers anyway.
 * Context: interrupts off, before the entry.
 */
void vl_mmio_data_clear(struct vl_vcpu *vcpu)
{
	if (static_branch_unlikely(&mmio_stale_data_clear) &&
	    READ_ONCE(vcpu->vm->mem.device))
		x86_clear_cpu_buffers();
}

/**
 * vl_mitigations_init() - decide what this machine needs
 * Context: module load.
 * Return: 0 or -ENOMEM.
 */
int __init vl_mitigations_init(void)
{
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) || l1tf_mitigation == L1TF_MITIGATION_OFF)
		return 0;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	if (caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		l1d_pages = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, L1D_ORDER);
		if (!l1d_pages)
			return -ENOMEM;
	}
	static_branch_enable(&l1d_flush);
	if (sched_smt_active())
		pr_warn("vmx-lite: this CPU has L1TF and hyper-threading is on: a guest may read what the other thread of its core works on; boot with nosmt\n");
	return 0;
}

/**
 * vl_mitigations_exit() - the opposite of vl_mitigations_init()
 */
void vl_mitigations_exit(void)
{
	free_pages((unsigned long)l1d_pages, L1D_ORDER);
}
