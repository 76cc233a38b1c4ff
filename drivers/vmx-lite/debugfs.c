// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/vmx-lite/VM/: memory, and a file of counters a vCPU.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "vcpu.h"
#include "vmx-lite.h"

/* Basic exit reasons by their names in SDM vol. 3, appendix C. */
static const char * const reason_names[VMX_LITE_STAT_REASONS] = {
	[0] = "exception or NMI", [1] = "external interrupt", [2] = "triple fault",
	[3] = "INIT", [4] = "SIPI", [5] = "I/O SMI", [6] = "SMI", [7] = "interrupt window",
	[8] = "NMI window", [9] = "task switch", [10] = "CPUID", [11] = "GETSEC",
	[12] = "HLT", [13] = "INVD", [14] = "INVLPG", [15] = "RDPMC", [16] = "RDTSC",
	[17] = "RSM", [18] = "VMCALL", [19] = "VMCLEAR", [20] = "VMLAUNCH",
	[21] = "VMPTRLD", [22] = "VMPTRST", [23] = "VMREAD", [24] = "VMRESUME",
	[25] = "VMWRITE", [26] = "VMXOFF", [27] = "VMXON", [28] = "control register",
	[29] = "MOV DR", [30] = "I/O instruction", [31] = "RDMSR", [32] = "WRMSR",
	[33] = "entry failure: guest state", [34] = "entry failure: MSR loading",
	[36] = "MWAIT", [37] = "monitor trap flag", [39] = "MONITOR", [40] = "PAUSE",
	[41] = "entry failure: machine check", [43] = "TPR below threshold",
	[44] = "APIC access", [45] = "virtualized EOI", [46] = "GDTR or IDTR",
	[47] = "LDTR or TR", [48] = "EPT violation", [49] = "EPT misconfiguration",
	[50] = "INVEPT", [51] = "RDTSCP", [52] = "preemption timer", [53] = "INVVPID",
	[54] = "WBINVD", [55] = "XSETBV", [56] = "APIC write", [57] = "RDRAND",
	[58] = "INVPCID", [59] = "VMFUNC", [60] = "ENCLS", [61] = "RDSEED",
	[62] = "page-modification log full", [63] = "XSAVES", [64] = "XRSTORS",
};

static struct dentry *root;

static int vcpu_show(struct seq_file *m, void *unused)
{
	const struct vl_vcpu *vcpu = m->private;
	const struct vmx_lite_stats *s = &vcpu->hw.stats;
	int i;

	for (i = 0; i < VMX_LITE_STAT_REASONS; i++)
		if (s->exits[i])
			seq_printf(m, "exit %2d %-30s %llu\n", i,
				   reason_names[i] ? reason_names[i] : "", s->exits[i]);
	seq_printf(m, "entries %llu\n", s->entries);
	seq_printf(m, "user_exits %llu\n", s->user_exits);
	seq_printf(m, "injected_interrupts %llu\n", s->injected[0]);
	seq_printf(m, "injected_nmis %llu\n", s->injected[1]);
	seq_printf(m, "injected_exceptions %llu\n", s->injected[2]);
	seq_printf(m, "ept_faults %llu\n", s->ept_faults);
	seq_printf(m, "halts %llu\n", s->halts);
	seq_printf(m, "kicks %llu\n", s->kicks);
	seq_printf(m, "halt_polls %llu\n", s->halt_polls);
	seq_printf(m, "halt_poll_hits %llu\n", s->halt_poll_hits);
	seq_printf(m, "halt_poll_ns %u\n", READ_ONCE(vcpu->hw.poll_ns));
	seq_printf(m, "yields %llu\n", s->yields);
	seq_printf(m, "eoi_skips %llu\n", s->eoi_skips);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcpu);

static int memory_show(struct seq_file *m, void *unused)
{
	vl_memory_show(m->private, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(memory);

/**
 * vl_debugfs_init() - make the directory; its lack is no reason to fail
 */
void vl_debugfs_init(void)
{
	root = debugfs_create_dir("vmx-lite", NULL);
}

/**
 * vl_debugfs_exit() - the opposite of vl_debugfs_init()
 */
void vl_debugfs_exit(void)
{
	debugfs_remove(root);
}

/**
 * vl_debugfs_add_vm() - a VM's directory: its number, and its name if it has one
 * @vm: the VM
 */
void vl_debugfs_add_vm(struct vl_vm *vm)
{
	char name[16 + VMX_LITE_NAME_LEN];
	char *slash;

	snprintf(name, sizeof(name), "%u%s%s", vm->id, vm->name[0] ? "-" : "", vm->name);
	while ((slash = strchr(name, '/')))
		*slash = '_';
	vm->debugfs = debugfs_create_dir(name, root);
	debugfs_create_file("memory", 0400, vm->debugfs, vm, &memory_fops);
}

/**
 * vl_debugfs_add_vcpu() - a vCPU's file
 * @vcpu: the vCPU
 */
void vl_debugfs_add_vcpu(struct vl_vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	debugfs_create_file(name, 0400, vcpu->vm->debugfs, vcpu, &vcpu_fops);
}

/**
 * vl_debugfs_remove_vm() - the VM's files are gone and nobody reads them any more
 * @vm: the VM
 */
void vl_debugfs_remove_vm(struct vl_vm *vm)
{
	debugfs_remove(vm->debugfs);
}
