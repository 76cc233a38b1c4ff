// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmarks' machine under KVM, with its interrupt controllers in the
 * kernel, as ours are.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define MAX_CPUID	128

static int dev, vm, run_size;
static unsigned int slots, nr_cpus;
static struct {
	int fd;
	struct kvm_run *run;
} vcpus[CPUS_MAX];

static void must(int fd, unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(fd, cmd, arg) < 0)
		die("%s: %s", what, strerror(errno));
}

static void kvm_map(uint64_t gpa, void *addr, size_t size)
{
	struct kvm_userspace_memory_region r = {
		.slot = slots++, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)addr,
	};

	must(vm, KVM_SET_USER_MEMORY_REGION, &r, "KVM_SET_USER_MEMORY_REGION");
}

static void kvm_set_state(int vcpu)
{
	struct kvm_segment data = {
		.selector = DS, .limit = ~0U, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1,
	};
	struct kvm_sregs s;

	must(vcpu, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
	s.ds = data;
	s.es = data;
	s.ss = data;
	s.fs = data;
	s.gs = data;
	s.cs = data;
	s.cs.selector = CS64;
	s.cs.type = 11;
	s.cs.db = 0;
	s.cs.l = 1;
	s.gdt.base = GDT;
	s.gdt.limit = 0x17;
	s.idt.base = IDT;
	s.idt.limit = 0xfff;
	s.cr0 = 0x80010031;
	s.cr3 = PML4;
	s.cr4 = 0x20;
	s.efer = 0x500;
	must(vcpu, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
}

static void create_vcpu(unsigned int cpu)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[MAX_CPUID];
	} cpuid;

	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct kvm_run *run;
	int vcpu;

	vcpu = ioctl(vm, KVM_CREATE_VCPU, (unsigned long)cpu);
	if (vcpu < 0)
		die("KVM_CREATE_VCPU: %s", strerror(errno));
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	cpuid.head.nent = MAX_CPUID;
	must(dev, KVM_GET_SUPPORTED_CPUID, &cpuid, "KVM_GET_SUPPORTED_CPUID");
	must(vcpu, KVM_SET_CPUID2, &cpuid, "KVM_SET_CPUID2");
	kvm_set_state(vcpu);
	must(vcpu, KVM_SET_MP_STATE, &runnable, "KVM_SET_MP_STATE");
	vcpus[cpu].fd = vcpu;
	vcpus[cpu].run = run;
}

static void kvm_create(void *ram, unsigned int cpus)
{
	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("/dev/kvm: %s", strerror(errno));
	vm = ioctl(dev, KVM_CREATE_VM, 0UL);
	if (vm < 0)
		die("KVM_CREATE_VM: %s", strerror(errno));
	must(vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000UL, "KVM_SET_TSS_ADDR");
	must(vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
	run_size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	slots = 0;
	kvm_map(0, ram, RAM_SIZE);
	nr_cpus = cpus;
	for (unsigned int i = 0; i < cpus; i++)
		create_vcpu(i);
}

static void kvm_start(unsigned int cpu, uint64_t rsi, uint64_t rdi, uint64_t rbx)
{
	struct kvm_regs regs = {
		.rip = CODE(cpu), .rsp = STACK(cpu),
		.rflags = 2, .rsi = rsi, .rdi = rdi, .rbx = rbx,
	};

	must(vcpus[cpu].fd, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

static enum exit kvm_run(unsigned int cpu, uint16_t *port)
{
	const struct kvm_run *run = vcpus[cpu].run;

	if (ioctl(vcpus[cpu].fd, KVM_RUN, 0) < 0)
		die("KVM_RUN: %s", strerror(errno));
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		*port = run->io.port;
		return EXIT_PORT;
	case KVM_EXIT_MMIO:
		return EXIT_MMIO;
	default:
		return EXIT_OTHER;
	}
}

static void kvm_destroy(void)
{
	for (unsigned int i = 0; i < nr_cpus; i++) {
		munmap(vcpus[i].run, run_size);
		close(vcpus[i].fd);
	}
	close(vm);
	close(dev);
}

const struct hypervisor kvm = {
	.name = "kvm",
	.create = kvm_create,
	.map = kvm_map,
	.start = kvm_start,
	.run = kvm_run,
	.destroy = kvm_destroy,
};
