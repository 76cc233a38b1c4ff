// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmarks' machine under vmx-lite.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vmx_lite.h>

#include "bench.h"

static struct vmx_lite_info info;
static int dev, vm;
static unsigned int nr_cpus;
static struct {
	int fd;
	struct vmx_lite_run *run;
} vcpus[CPUS_MAX];

static void must(int fd, unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(fd, cmd, arg) < 0)
		die("%s: %s", what, strerror(errno));
}

static void vl_map(uint64_t gpa, void *addr, size_t size)
{
	struct vmx_lite_memory_region r = {
		.gpa = gpa, .size = size, .user_addr = (uintptr_t)addr,
	};

	must(vm, VM_SET_MEMORY, &r, "VM_SET_MEMORY");
}

static void vl_set_state(int vcpu)
{
	struct vmx_lite_segment data = { .selector = DS, .limit = ~0U, .attr = 0xc093 };
	struct vmx_lite_control c;
	struct vmx_lite_segs s = {
		.cs = { .selector = CS64, .limit = ~0U, .attr = 0xa09b },
		.ds = data, .es = data, .ss = data, .fs = data, .gs = data,
		.tr = { .limit = 0x67, .attr = 0x8b },
		.ldtr = { .attr = VMX_LITE_SEG_UNUSABLE },
		.gdtr = { .base = GDT, .limit = 0x17 },
		.idtr = { .base = IDT, .limit = 0xfff },
	};

	must(vcpu, VM_GET_CONTROL, &c, "VM_GET_CONTROL");
	c.cr0 = 0x80010031;
	c.cr3 = PML4;
	c.cr4 = 0x20;
	c.efer = 0x500;
	must(vcpu, VM_SET_CONTROL, &c, "VM_SET_CONTROL");
	must(vcpu, VM_SET_SEGS, &s, "VM_SET_SEGS");
}

static void create_vcpu(unsigned int cpu)
{
	static struct vmx_lite_cpuid_entry entries[VMX_LITE_MAX_CPUID];
	struct vmx_lite_cpuid cpuid = {
		.count = VMX_LITE_MAX_CPUID, .entries = (uintptr_t)entries,
	};
	struct vmx_lite_create_vcpu create = { .id = cpu };
	struct vmx_lite_events events;
	struct vmx_lite_run *run;
	int vcpu;

	vcpu = ioctl(vm, VM_CREATE_VCPU, &create);
	if (vcpu < 0)
		die("VM_CREATE_VCPU: %s", strerror(errno));
	run = mmap(NULL, info.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	must(dev, VMX_LITE_GET_CPUID, &cpuid, "VMX_LITE_GET_CPUID");
	must(vcpu, VM_SET_CPUID, &cpuid, "VM_SET_CPUID");
	vl_set_state(vcpu);
	must(vcpu, VM_GET_EVENTS, &events, "VM_GET_EVENTS");
	events.activity = VMX_LITE_RUNNING;
	must(vcpu, VM_SET_EVENTS, &events, "VM_SET_EVENTS");
	vcpus[cpu].fd = vcpu;
	vcpus[cpu].run = run;
}

static void vl_create(void *ram, unsigned int cpus)
{
	struct vmx_lite_create_vm create_vm = { .name = "bench" };

	dev = open("/dev/vmx-lite", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("/dev/vmx-lite: %s", strerror(errno));
	must(dev, VMX_LITE_GET_INFO, &info, "VMX_LITE_GET_INFO");
	vm = ioctl(dev, VMX_LITE_CREATE_VM, &create_vm);
	if (vm < 0)
		die("VMX_LITE_CREATE_VM: %s", strerror(errno));
	vl_map(0, ram, RAM_SIZE);
	nr_cpus = cpus;
	for (unsigned int i = 0; i < cpus; i++)
		create_vcpu(i);
}

static void vl_start(unsigned int cpu, uint64_t rsi, uint64_t rdi, uint64_t rbx)
{
	struct vmx_lite_regs regs = {
		.rip = CODE(cpu), .rsp = STACK(cpu),
		.rflags = 2, .rsi = rsi, .rdi = rdi, .rbx = rbx,
	};

	must(vcpus[cpu].fd, VM_SET_REGS, &regs, "VM_SET_REGS");
}

static enum exit vl_run(unsigned int cpu, uint16_t *port)
{
	const struct vmx_lite_run *run = vcpus[cpu].run;

	if (ioctl(vcpus[cpu].fd, VM_RUN, 0) < 0)
		die("VM_RUN: %s", strerror(errno));
	switch (run->exit_reason) {
	case VM_EXITCODE_INOUT:
		*port = run->inout.port;
		return EXIT_PORT;
	case VM_EXITCODE_MMIO:
		return EXIT_MMIO;
	default:
		return EXIT_OTHER;
	}
}

static void vl_destroy(void)
{
	for (unsigned int i = 0; i < nr_cpus; i++) {
		munmap(vcpus[i].run, info.run_size);
		close(vcpus[i].fd);
	}
	close(vm);
	close(dev);
}

const struct hypervisor vmx_lite = {
	.name = "vmx-lite",
	.create = vl_create,
	.map = vl_map,
	.start = vl_start,
	.run = vl_run,
	.destroy = vl_destroy,
};
