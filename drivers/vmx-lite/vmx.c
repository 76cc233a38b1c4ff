// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation on each CPU: on while the module is loaded, through CPU
 * hotplug and suspend, and off before a reboot, a kexec or a crash kernel.
 * SDM vol. 3, 24.7 and 32.1.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>
#include <asm/tsc.h>

#include "compat.h"
#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

struct vl_vmx vl_vmx __ro_after_init;

/* The machine is going down: no VM enters its guest any more. */
bool vl_stopping;

/**
 * struct vl_cpu - this CPU's part
 * @region: VMXON region
 * @on: in VMX operation
 * @current_vcpu: whose VMCS is current
 * @loaded: vCPUs whose VMCS may be cached here; changed by this CPU only,
 *	interrupts off
 */
struct vl_cpu {
	struct page *region;
	bool on;
	struct vl_vcpu *current_vcpu;
	struct list_head loaded;
};

static DEFINE_PER_CPU(struct vl_cpu, vl_cpu);
static enum cpuhp_state hotplug_state;

unsigned int vl_guest_phys_bits(void)
{
	return min_t(unsigned int, boot_cpu_data.x86_phys_bits, VL_EPT_MAX_GPA_BITS);
}

static int vmx_on(u64 pa)
{
	bool failed = true;

	asm volatile("1: vmxon %[pa]\n"
		     "   setna %[failed]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [failed] "+rm" (failed) : [pa] "m" (pa) : "cc", "memory");
	return failed ? -EIO : 0;
}

static void vmx_off(void)
{
	asm volatile("1: vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
}

/* Context: this CPU, interrupts off. */
static enum vmx_lite_reason cpu_enable(void)
{
	struct vl_cpu *cpu = this_cpu_ptr(&vl_cpu);
	struct vl_vmx vmx;
	enum vmx_lite_reason reason;

	reason = vl_preflight(&vmx);
	if (reason)
		return reason;
	/* Cores of one machine may differ in nothing that a VMCS depends on. */
	if (vmx.revision != vl_vmx.revision || vmx.pin != vl_vmx.pin ||
	    vmx.proc != vl_vmx.proc || vmx.proc2 != vl_vmx.proc2 ||
	    vmx.apicv != vl_vmx.apicv || vmx.exit != vl_vmx.exit || vmx.entry != vl_vmx.entry ||
	    vmx.features != vl_vmx.features)
		return VMX_LITE_CPUS_DIFFER;
	if (cr4_read_shadow() & X86_CR4_VMXE)
		return VMX_LITE_BUSY;

	/* Where the CPU cannot trace in VMX operation, perf has to be told. */
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	if (vmx_on(page_to_phys(cpu->region))) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return VMX_LITE_VMXON_FAILED;
	}
	cpu->on = true;
	/* What an earlier user of VT-x cached means nothing to us. */
	vl_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	return VMX_LITE_OK;
}

/* Context: the CPU the VMCS is active on, interrupts off. */
static void unload_local(struct vl_vcpu *vcpu)
{
	struct vl_cpu *cpu = this_cpu_ptr(&vl_cpu);

	vl_vmclear(vcpu->hw.vmcs.pa);
	vcpu->hw.vmcs.launched = false;
	list_del_init(&vcpu->hw.loaded);
	/* The next load begins from nothing, also on this CPU: it may have slept meanwhile. */
	vcpu->hw.last_cpu = -1;
	if (cpu->current_vcpu == vcpu)
		cpu->current_vcpu = NULL;
	/* Pairs with the read in vl_vmx_load(): cleared before it is free to take. */
	smp_store_release(&vcpu->hw.cpu, -1);
}

/* Context: this CPU, interrupts off. */
static void cpu_disable(void)
{
	struct vl_cpu *cpu = this_cpu_ptr(&vl_cpu);
	struct vl_vcpu *vcpu, *next;

	if (!cpu->on)
		return;
	list_for_each_entry_safe(vcpu, next, &cpu->loaded, hw.loaded)
		unload_local(vcpu);
	vmx_off();
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
	cpu->on = false;
}

static void cpu_disable_ipi(void *unused)
{
	cpu_disable();
}

static void unload_ipi(void *arg)
{
	struct vl_vcpu *vcpu = arg;

	/* The CPU may have gone down in between, and cleared it then. */
	if (READ_ONCE(vcpu->hw.cpu) == raw_smp_processor_id())
		unload_local(vcpu);
}

/**
 * vl_vmx_unload() - write a vCPU's VMCS back to memory, wherever it is
 * @vcpu: the vCPU
 *
 * SDM vol. 3, 25.1: a VMCS may be active on one CPU only, so it is cleared
 * before another takes it or its memory is freed.
 * Context: interrupts on; not the vCPU's thread in the middle of a run.
 */
void vl_vmx_unload(struct vl_vcpu *vcpu)
{
	int cpu;

	/* Pairs with unload_local(): what -1 says has happened. */
	cpu = smp_load_acquire(&vcpu->hw.cpu);
	if (cpu >= 0)
		smp_call_function_single(cpu, unload_ipi, vcpu, 1);
}

/**
 * vl_vmx_load() - make a vCPU's VMCS current on this CPU
 * @vcpu: nobody else loads it meanwhile
 * Context: preemption off, interrupts on.
 */
void vl_vmx_load(struct vl_vcpu *vcpu)
{
	struct vl_cpu *cpu = this_cpu_ptr(&vl_cpu);
	struct vl_hw *hw = &vcpu->hw;
	int here = smp_processor_id();
	unsigned long flags;

	if (READ_ONCE(hw->cpu) != here) {
		vl_vmx_unload(vcpu);
		local_irq_save(flags);
		vl_vmclear(hw->vmcs.pa);
		list_add(&hw->loaded, &cpu->loaded);
		WRITE_ONCE(hw->cpu, here);
		local_irq_restore(flags);
	}
	if (cpu->current_vcpu != vcpu) {
		vl_vmptrld(hw->vmcs.pa);
		cpu->current_vcpu = vcpu;
		/* One guest must not steer another's speculation. */
		indirect_branch_prediction_barrier();
	}
	if (hw->last_cpu != here) {
		vl_host_load_cpu(vcpu);
		if (unlikely(check_tsc_unstable()))
			vl_tsc_arrive(vcpu, rdtsc());
		vmcs_write(TSC_OFFSET, hw->tsc_offset);
		/* What this CPU cached of our EPT may be older than a flush elsewhere. */
		vl_request(vcpu, VL_REQ_FLUSH_EPT);
		hw->last_cpu = here;
	}
}

/* NMI or crash context: stop at nothing, wait for nobody. */
static void emergency_disable(void)
{
	struct vl_cpu *cpu = this_cpu_ptr(&vl_cpu);
	struct vl_vcpu *vcpu;

	if (!cpu->on)
		return;
	/* The crash kernel's dump shall hold the VMCSs as memory, not cache. */
	list_for_each_entry(vcpu, &cpu->loaded, hw.loaded)
		vl_vmclear(vcpu->hw.vmcs.pa);
	vmx_off();
	cr4_clear_bits(X86_CR4_VMXE);
	cpu->on = false;
}

static int bring_up(unsigned int cpu)
{
	enum vmx_lite_reason reason;
	unsigned long flags;

	local_irq_save(flags);
	reason = cpu_enable();
	local_irq_restore(flags);
	if (!reason)
		return 0;
	pr_err("vmx-lite: CPU %u: %s\n", cpu, vl_reason_text(reason));
	return reason == VMX_LITE_BUSY ? -EBUSY : -ENODEV;
}

static int take_down(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	cpu_disable();
	local_irq_restore(flags);
	return 0;
}

static int on_suspend(void)
{
	cpu_disable();
	vl_tsc_suspend(rdtsc());
	return 0;
}

static void on_resume(void)
{
	enum vmx_lite_reason reason = cpu_enable();

	if (reason)
		pr_err("vmx-lite: after resume: %s\n", vl_reason_text(reason));
	vl_tsc_resume(rdtsc());
}

static void on_shutdown(void)
{
	WRITE_ONCE(vl_stopping, true);
	on_each_cpu(cpu_disable_ipi, NULL, 1);
}

VL_DEFINE_SYSCORE(vl_syscore, on_suspend, on_resume, on_shutdown);

static int on_reboot(struct notifier_block *nb, unsigned long event, void *data)
{
	on_shutdown();
	return NOTIFY_OK;
}

static struct notifier_block reboot_nb = { .notifier_call = on_reboot };

/*
 * While we are here kvm_intel would fail at its first VM or, on 6.1, warn about
 * the emergency callback: say no where an administrator sees it, at its load.
 */
static int on_module(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *mod = data;

	if (event != MODULE_STATE_COMING || strcmp(mod->name, "kvm_intel"))
		return NOTIFY_DONE;
	pr_info("vmx-lite: holds VT-x, so kvm_intel is not loaded: rmmod vmx_lite first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block module_nb = { .notifier_call = on_module };

/* A loaded kvm_intel may hold VT-x only from its first VM on: look for itself. */
static bool kvm_intel_loaded(void)
{
	struct path path;

	if (kern_path("/sys/module/kvm_intel", 0, &path))
		return false;
	path_put(&path);
	return true;
}

static void free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vl_cpu *c = per_cpu_ptr(&vl_cpu, cpu);

		if (c->region)
			__free_page(c->region);
		c->region = NULL;
	}
}

static int alloc_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vl_cpu *c = per_cpu_ptr(&vl_cpu, cpu);

		INIT_LIST_HEAD(&c->loaded);
		c->region = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!c->region) {
			free_regions();
			return -ENOMEM;
		}
		*(u32 *)page_address(c->region) = vl_vmx.revision;
	}
	return 0;
}

/**
 * vl_vmx_init() - take VT-x on all CPUs, now and as they come online
 *
 * Context: module load; may sleep.
 * Return: 0; -ENODEV where VT-x is missing or off, -EBUSY where somebody else
 * holds it, with a sentence in the kernel log; -ENOMEM.
 */
int __init vl_vmx_init(void)
{
	enum vmx_lite_reason reason;
	int err;

	preempt_disable();
	reason = vl_preflight(&vl_vmx);
	preempt_enable();
	if (reason) {
		pr_err("vmx-lite: %s\n", vl_reason_text(reason));
		return -ENODEV;
	}
	if (kvm_intel_loaded()) {
		pr_err("vmx-lite: kvm_intel holds VT-x: rmmod kvm_intel\n");
		return -EBUSY;
	}

	err = alloc_regions();
	if (err)
		return err;
	err = register_module_notifier(&module_nb);
	if (err)
		goto free;
	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "vmx-lite:online", bring_up,
				take_down);
	if (err < 0)
		goto unregister_module;
	hotplug_state = err;
	cpu_emergency_register_virt_callback(emergency_disable);
	err = register_reboot_notifier(&reboot_nb);
	if (err)
		goto unregister_cpus;
	vl_register_syscore(vl_syscore);
	return 0;

unregister_cpus:
	cpu_emergency_unregister_virt_callback(emergency_disable);
	cpuhp_remove_state(hotplug_state);
unregister_module:
	unregister_module_notifier(&module_nb);
free:
	free_regions();
	return err;
}

/**
 * vl_vmx_exit() - give VT-x back on all CPUs
 * Context: module unload, no VM left; may sleep.
 */
void vl_vmx_exit(void)
{
	vl_unregister_syscore(vl_syscore);
	unregister_reboot_notifier(&reboot_nb);
	cpu_emergency_unregister_virt_callback(emergency_disable);
	cpuhp_remove_state(hotplug_state);
	unregister_module_notifier(&module_nb);
	free_regions();
}
