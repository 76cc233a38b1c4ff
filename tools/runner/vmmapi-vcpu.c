// SPDX-License-Identifier: GPL-2.0-only
/* A virtual CPU: running it, events, capabilities, counters. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "vmmapi.h"
#include "vmmapi-internal.h"

/**
 * vm_vcpu_open() - create a vCPU
 * @ctx: the VM
 * @vcpuid: 0 to vmx_lite_info.max_vcpus - 1; also the local APIC id
 * @vcpup: out; free it with vm_vcpu_close()
 *
 * Return: 0, -EINVAL, -EEXIST, -ENOMEM.
 */
int vm_vcpu_open(struct vmctx *ctx, int vcpuid, struct vcpu **vcpup)
{
	struct vmx_lite_create_vcpu create = { .id = vcpuid };
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));
	int ret;

	if (!vcpu)
		return -ENOMEM;
	vcpu->ctx = ctx;
	vcpu->id = vcpuid;
	vcpu->fd = ioctl(ctx->fd, VM_CREATE_VCPU, &create);
	if (vcpu->fd < 0) {
		ret = -errno;
		goto out_free;
	}
	vcpu->run = mmap(NULL, ctx->info.run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		ret = -errno;
		goto out_close;
	}
	*vcpup = vcpu;
	return 0;

out_close:
	close(vcpu->fd);
out_free:
	free(vcpu);
	return ret;
}

/**
 * vm_vcpu_close() - end a vCPU
 * @vcpu: from vm_vcpu_open(), or NULL; no thread may be running it
 */
void vm_vcpu_close(struct vcpu *vcpu)
{
	if (!vcpu)
		return;
	munmap(vcpu->run, vcpu->ctx->info.run_size);
	close(vcpu->fd);
	free(vcpu);
}

/**
 * vcpu_id() - a vCPU's number, which is its local APIC id
 * @vcpu: the vCPU
 */
int vcpu_id(struct vcpu *vcpu)
{
	return vcpu->id;
}

/**
 * vcpu_fd() - the vCPU fd, for ioctls this library has no function for
 * @vcpu: the vCPU
 */
int vcpu_fd(struct vcpu *vcpu)
{
	return vcpu->fd;
}

/**
 * vcpu_run_page() - the page in which exits are described
 * @vcpu: the vCPU
 */
struct vmx_lite_run *vcpu_run_page(struct vcpu *vcpu)
{
	return vcpu->run;
}

/**
 * vcpu_io_data() - where the data of an INOUT exit lie
 * @vcpu: the vCPU
 * @size: out: bytes there
 */
void *vcpu_io_data(struct vcpu *vcpu, size_t *size)
{
	*size = vcpu->ctx->info.data_size;
	return (char *)vcpu->run + vcpu->ctx->info.data_offset;
}

/**
 * vm_run() - run a vCPU until something needs this process
 * @vcpu: the vCPU; no other thread may be running it
 *
 * Return: 0, with the exit in the run page (VM_EXITCODE_INTR for a signal),
 * or a negative errno.
 */
int vm_run(struct vcpu *vcpu)
{
	return vmm_ioctl(vcpu->fd, VM_RUN, NULL);
}

/**
 * vcpu_kick() - make vm_run() return soon with VM_EXITCODE_INTR
 * @vcpu: the vCPU
 *
 * Takes effect at the next entry; a thread that is in the guest already must
 * also get a signal.  Whoever runs the vCPU clears immediate_exit again.
 *
 * Context: any thread, and signal handlers.
 */
void vcpu_kick(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

/**
 * vm_gla2gpa() - translate a linear address as the guest would
 * @vcpu: the vCPU
 * @gla: linear address
 * @access: VMX_LITE_ACCESS_*
 * @gpa: out, if no fault
 * @fault: out: 1 if the guest would take a page fault
 *
 * Return: 0 or a negative errno.
 */
int vm_gla2gpa(struct vcpu *vcpu, __u64 gla, __u32 access, __u64 *gpa, int *fault)
{
	struct vmx_lite_translate tr = { .gva = gla, .access = access };
	int ret = vmm_ioctl(vcpu->fd, VM_TRANSLATE, &tr);

	if (ret)
		return ret;
	*gpa = tr.gpa;
	*fault = tr.fault;
	return 0;
}

/**
 * vm_copyin() - read guest memory at a linear address
 * @vcpu: the vCPU
 * @gla: linear address
 * @buf: out
 * @len: bytes
 *
 * Return: 0; -EFAULT where a page is not mapped or is not RAM; another errno.
 */
int vm_copyin(struct vcpu *vcpu, __u64 gla, void *buf, size_t len)
{
	char *to = buf;

	while (len) {
		size_t n = 4096 - (gla & 4095);
		__u64 gpa;
		int fault, ret;
		void *from;

		if (n > len)
			n = len;
		ret = vm_gla2gpa(vcpu, gla, VMX_LITE_ACCESS_READ, &gpa, &fault);
		if (ret)
			return ret;
		from = fault ? NULL : vm_map_gpa(vcpu->ctx, gpa, n);
		if (!from)
			return -EFAULT;
		memcpy(to, from, n);
		to += n;
		gla += n;
		len -= n;
	}
	return 0;
}

static int inject(struct vcpu *vcpu, struct vmx_lite_event event)
{
	return vmm_ioctl(vcpu->fd, VM_INJECT, &event);
}

/**
 * vm_inject_exception() - raise an exception at the next entry
 * @vcpu: the vCPU
 * @vector: 0 to 31, not 2
 * @errcode_valid: 1 if it has an error code
 * @errcode: the error code
 *
 * Return: 0, -EINVAL, -EBUSY if another event is waiting.
 */
int vm_inject_exception(struct vcpu *vcpu, int vector, int errcode_valid,
			__u32 errcode)
{
	return inject(vcpu, (struct vmx_lite_event) {
		.vector = vector,
		.type = VMX_LITE_EVENT_EXCEPTION,
		.error_valid = !!errcode_valid,
		.error_code = errcode,
	});
}

/**
 * vm_inject_nmi() - send an NMI, delivered when NMIs are not blocked
 * @vcpu: the vCPU
 *
 * Return: 0 or a negative errno.
 */
int vm_inject_nmi(struct vcpu *vcpu)
{
	return inject(vcpu, (struct vmx_lite_event) {
		.vector = 2,
		.type = VMX_LITE_EVENT_NMI,
	});
}

/**
 * vm_inject_intr() - an external interrupt past the local APIC
 * @vcpu: the vCPU
 * @vector: 0 to 255
 *
 * Return: 0, -EINVAL, -EBUSY.
 */
int vm_inject_intr(struct vcpu *vcpu, int vector)
{
	return inject(vcpu, (struct vmx_lite_event) {
		.vector = vector,
		.type = VMX_LITE_EVENT_INTR,
	});
}

static const char *const capability_names[VM_CAP_MAX] = {
	[VM_CAP_HALT_EXIT] = "hlt_exit",
	[VM_CAP_MTRAP_EXIT] = "mtrap_exit",
	[VM_CAP_PAUSE_EXIT] = "pause_exit",
	[VM_CAP_DEBUG_EXIT] = "debug_exit",
};

/**
 * vm_capability_name2type() - a capability by its name
 * @name: such as "hlt_exit"
 *
 * Return: enum vmx_lite_cap, or -1.
 */
int vm_capability_name2type(const char *name)
{
	for (int i = 0; i < VM_CAP_MAX; i++)
		if (!strcmp(capability_names[i], name))
			return i;
	return -1;
}

/**
 * vm_capability_type2name() - the name of a capability
 * @type: enum vmx_lite_cap
 *
 * Return: the name, or NULL.
 */
const char *vm_capability_type2name(int type)
{
	return type >= 0 && type < VM_CAP_MAX ? capability_names[type] : NULL;
}

/**
 * vm_get_capability() - whether a capability is on
 * @vcpu: the vCPU
 * @cap: which
 * @val: out: 0 or 1
 *
 * Return: 0, -EINVAL, -ENODEV where the CPU lacks it.
 */
int vm_get_capability(struct vcpu *vcpu, enum vmx_lite_cap cap, int *val)
{
	struct vmx_lite_capability c = { .type = cap };
	int ret = vmm_ioctl(vcpu->fd, VM_GET_CAPABILITY, &c);

	if (!ret)
		*val = c.value;
	return ret;
}

/**
 * vm_set_capability() - turn a capability on or off
 * @vcpu: the vCPU
 * @cap: which
 * @val: 0 or 1
 *
 * Return: 0, -EINVAL, -ENODEV where the CPU lacks it.
 */
int vm_set_capability(struct vcpu *vcpu, enum vmx_lite_cap cap, int val)
{
	struct vmx_lite_capability c = { .type = cap, .value = val };

	return vmm_ioctl(vcpu->fd, VM_SET_CAPABILITY, &c);
}

/**
 * vm_set_cpuid() - what CPUID tells the guest
 * @vcpu: the vCPU, not yet run
 * @entries: the leaves
 * @count: 1 to VMX_LITE_MAX_CPUID
 *
 * Return: 0, -EINVAL, -E2BIG.
 */
int vm_set_cpuid(struct vcpu *vcpu, const struct vmx_lite_cpuid_entry *entries,
		 unsigned int count)
{
	struct vmx_lite_cpuid cpuid = {
		.count = count,
		.entries = (uintptr_t)entries,
	};

	return vmm_ioctl(vcpu->fd, VM_SET_CPUID, &cpuid);
}

/**
 * vm_set_activity() - running, halted, or waiting for a start-up IPI
 * @vcpu: the vCPU
 * @activity: which
 *
 * Return: 0 or a negative errno.
 */
int vm_set_activity(struct vcpu *vcpu, enum vmx_lite_activity activity)
{
	struct vmx_lite_events events;
	int ret = vmm_ioctl(vcpu->fd, VM_GET_EVENTS, &events);

	if (ret)
		return ret;
	events.activity = activity;
	return vmm_ioctl(vcpu->fd, VM_SET_EVENTS, &events);
}

/**
 * vcpu_reset() - put a vCPU into the state after RESET, ready to run
 * @vcpu: the vCPU
 *
 * Return: 0 or a negative errno.
 */
int vcpu_reset(struct vcpu *vcpu)
{
	struct vcpu_state state;
	int ret;

	vcpu_reset_state(&state);
	ret = vm_set_state(vcpu, &state);
	return ret ? ret : vm_set_activity(vcpu, VMX_LITE_RUNNING);
}

/**
 * vm_get_stats() - a vCPU's counters
 * @vcpu: the vCPU
 * @stats: out
 *
 * Return: 0 or a negative errno.
 */
int vm_get_stats(struct vcpu *vcpu, struct vmx_lite_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	return vmm_ioctl(vcpu->fd, VM_GET_STATS, stats);
}

/* SDM vol. 3, appendix C */
static const char *const exit_reason_names[] = {
	[0] = "exception or NMI",
	[1] = "external interrupt",
	[2] = "triple fault",
	[3] = "INIT signal",
	[4] = "start-up IPI",
	[5] = "I/O SMI",
	[6] = "other SMI",
	[7] = "interrupt window",
	[8] = "NMI window",
	[9] = "task switch",
	[10] = "CPUID",
	[11] = "GETSEC",
	[12] = "HLT",
	[13] = "INVD",
	[14] = "INVLPG",
	[15] = "RDPMC",
	[16] = "RDTSC",
	[17] = "RSM",
	[18] = "VMCALL",
	[19] = "VMCLEAR",
	[20] = "VMLAUNCH",
	[21] = "VMPTRLD",
	[22] = "VMPTRST",
	[23] = "VMREAD",
	[24] = "VMRESUME",
	[25] = "VMWRITE",
	[26] = "VMXOFF",
	[27] = "VMXON",
	[28] = "control register",
	[29] = "MOV DR",
	[30] = "I/O instruction",
	[31] = "RDMSR",
	[32] = "WRMSR",
	[33] = "invalid guest state",
	[34] = "MSR loading",
	[36] = "MWAIT",
	[37] = "monitor trap flag",
	[39] = "MONITOR",
	[40] = "PAUSE",
	[41] = "machine check at entry",
	[43] = "TPR below threshold",
	[44] = "APIC access",
	[45] = "virtualized EOI",
	[46] = "GDTR or IDTR",
	[47] = "LDTR or TR",
	[48] = "EPT violation",
	[49] = "EPT misconfiguration",
	[50] = "INVEPT",
	[51] = "RDTSCP",
	[52] = "preemption timer",
	[53] = "INVVPID",
	[54] = "WBINVD",
	[55] = "XSETBV",
	[56] = "APIC write",
	[57] = "RDRAND",
	[58] = "INVPCID",
	[59] = "VMFUNC",
	[60] = "ENCLS",
	[61] = "RDSEED",
	[62] = "page-modification log full",
	[63] = "XSAVES",
	[64] = "XRSTORS",
	[66] = "SPP event",
	[67] = "UMWAIT",
	[68] = "TPAUSE",
	[69] = "LOADIWKEY",
	[72] = "ENQCMD PASID",
	[74] = "bus lock",
	[75] = "notify window",
};

/**
 * vm_exit_reason_name() - an exit reason in words
 * @basic_reason: bits 15:0 of the exit reason field
 *
 * Return: the name, never NULL.
 */
const char *vm_exit_reason_name(unsigned int basic_reason)
{
	if (basic_reason < ARRAY_SIZE(exit_reason_names) &&
	    exit_reason_names[basic_reason])
		return exit_reason_names[basic_reason];
	return "reserved";
}
