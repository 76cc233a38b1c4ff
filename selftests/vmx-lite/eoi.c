// SPDX-License-Identifier: GPL-2.0-only
/*
 * The paravirtual EOI, as KVM's guests know it (Linux, Documentation/virt/kvm/x86/msr.rst,
 * MSR_KVM_PV_EOI_EN): when it is offered, what the guest may make of it, and when not.
 *
 * An exit at the wrong moment, for an interrupt of the host or a page that is new,
 * withdraws the offer: that an EOI may be skipped is seen among many, that it must not be
 * at each.
 */
#include <kselftest_harness.h>

#include "vl.h"

#define MSR_PV_EOI	0x4b564d04
#define PV_EOI_ON	1
#define EXIT_WRMSR	32		/* SDM vol. 3, appendix C */

#define LAPIC_ISR	0x100
#define VECTOR_LOW	0x40
#define VECTOR_HIGH	0x50

#define PORT_IDLE	0xf0		/* the guest waits for interrupts */
#define PORT_EARLY	0xf1		/* in the handler, before the EOI */

/* The guest's memory, by number in its code */
#define FLAGS		0x20000		/* the four bytes */
#define SKIPPED		0x21000		/* EOIs by a cleared bit */
#define WRITTEN		0x21008		/* EOIs by the register */
#define EARLY		0x21010		/* the handler exits before its EOI */
#define IGNORE		0x21018		/* the handler does not look at the bit */
#define SEEN		0x21020		/* bit 0 of the four bytes, if any handler found it set */

#define MANY		100

VL_GUEST(idle, 64,
	 "mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr;"
	 "mov $0x80f, %ecx; mov $0x1ff, %eax; xor %edx, %edx; wrmsr;"
	 "1: sti; nop; cli; out %al, $0xf0; jmp 1b;"
	 "idle_handler: push %rax; push %rcx; push %rdx;"
	 "cmpl $0, 0x21010; je 2f; out %al, $0xf1;"
	 "2: mov 0x20000, %eax; and $1, %eax; or %eax, 0x21020;"
	 "cmpl $0, 0x21018; jne 3f;"
	 "btrl $0, 0x20000; jc 4f;"
	 "3: incl 0x21008; mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; jmp 5f;"
	 "4: incl 0x21000;"
	 "5: pop %rdx; pop %rcx; pop %rax; iretq");
VL_LABEL(idle_handler);

FIXTURE(eoi) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

static void set_gate(struct vl_vm *vm, uint8_t vector)
{
	uint64_t to = VL_CODE + (idle_handler - idle);

	vl_write64(vm, VL_IDT + vector * 16, (to & 0xffff) | VL_CS64 << 16 | 0x8eULL << 40);
	vl_write64(vm, VL_IDT + vector * 16 + 8, 0);
}

FIXTURE_SETUP(eoi)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	vl_host_cpuid(&self->vcpu);
	vl_load(&self->vm, VL_CODE, idle);
	set_gate(&self->vm, VECTOR_LOW);
	set_gate(&self->vm, VECTOR_HIGH);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	ASSERT_EQ(PORT_IDLE, self->vcpu.run->inout.port);
	ASSERT_EQ(0, vl_set_msr(&self->vcpu, MSR_PV_EOI, FLAGS | PV_EOI_ON));
}

FIXTURE_TEARDOWN(eoi)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static int send(struct vl_vm *vm, uint8_t vector)
{
	struct vmx_lite_msi m = { .address = 0xfee00000, .data = vector };

	return vl_ioctl(vm->fd, VM_SIGNAL_MSI, &m);
}

static bool in_service(struct vl_vcpu *vcpu, uint8_t vector)
{
	struct vmx_lite_lapic lapic;

	if (vl_ioctl(vcpu->fd, VM_GET_LAPIC, &lapic))
		vl_die("GET_LAPIC");
	return lapic.regs[(LAPIC_ISR + vector / 32 * 16) / 4] >> vector % 32 & 1;
}

static uint32_t word(struct vl_vm *vm, uint64_t gpa)
{
	return vl_read64(vm, gpa);
}

#define ASSERT_PORT(want, vcpu) do {					\
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);				\
	ASSERT_EQ(want, (vcpu)->run->inout.port)			\
		vl_describe(vcpu, VM_EXITCODE_INOUT);			\
} while (0)

/* How the interrupts until now were ended: by the register so many times at least */
#define EXPECT_ENDED(all, written) do {					\
	EXPECT_EQ(all, word(&self->vm, SKIPPED) + word(&self->vm, WRITTEN)); \
	EXPECT_LE(written, word(&self->vm, WRITTEN));			\
	EXPECT_EQ(false, in_service(&self->vcpu, VECTOR_LOW));		\
	EXPECT_EQ(false, in_service(&self->vcpu, VECTOR_HIGH));		\
	EXPECT_EQ(0, word(&self->vm, FLAGS) & 1);			\
} while (0)

TEST_F(eoi, saves_the_exit)
{
	struct vmx_lite_stats before, after;
	int i;

	vl_stats(&self->vcpu, &before);
	for (i = 0; i < MANY; i++) {
		ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
		ASSERT_PORT(PORT_IDLE, &self->vcpu);
		EXPECT_ENDED(i + 1, 0);
	}
	EXPECT_LT(0, word(&self->vm, SKIPPED));
	vl_stats(&self->vcpu, &after);
	EXPECT_EQ(word(&self->vm, WRITTEN), after.exits[EXIT_WRMSR] - before.exits[EXIT_WRMSR]);
	EXPECT_EQ(word(&self->vm, SKIPPED), after.eoi_skips - before.eoi_skips);
}

TEST_F(eoi, only_where_asked_for)
{
	struct vmx_lite_stats stats;
	int i;

	ASSERT_EQ(0, vl_set_msr(&self->vcpu, MSR_PV_EOI, FLAGS));
	for (i = 0; i < MANY; i++) {
		ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
		ASSERT_PORT(PORT_IDLE, &self->vcpu);
		EXPECT_ENDED(i + 1, i + 1);
	}
	EXPECT_EQ(0, word(&self->vm, SEEN));
	vl_stats(&self->vcpu, &stats);
	EXPECT_EQ(0, stats.eoi_skips);
}

/* A guest that writes the register all the same has done one EOI, not two. */
TEST_F(eoi, may_be_ignored)
{
	struct vmx_lite_stats stats;
	int i;

	vl_write64(&self->vm, IGNORE, 1);
	/* Nothing beyond the byte with the bit is written. */
	vl_write64(&self->vm, FLAGS, 0xffffff00ffffff00ULL);
	for (i = 0; i < MANY; i++) {
		ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
		ASSERT_PORT(PORT_IDLE, &self->vcpu);
		EXPECT_ENDED(i + 1, i + 1);
	}
	EXPECT_EQ(1, word(&self->vm, SEEN));
	EXPECT_EQ(0xffffff00ffffff00ULL, vl_read64(&self->vm, FLAGS));
	vl_stats(&self->vcpu, &stats);
	EXPECT_EQ(0, stats.eoi_skips);
}

/* The EOI of the first lets the second come: it has to exit. */
TEST_F(eoi, not_with_another_waiting)
{
	int i;

	for (i = 0; i < MANY; i++) {
		ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
		ASSERT_LE(0, send(&self->vm, VECTOR_HIGH));
		ASSERT_PORT(PORT_IDLE, &self->vcpu);
		EXPECT_ENDED(2 * (i + 1), i + 1);
	}
	EXPECT_LT(0, word(&self->vm, SKIPPED));
}

/* One that exits first finds the offer withdrawn, and the interrupt in service. */
TEST_F(eoi, withdrawn_by_an_exit)
{
	vl_write64(&self->vm, EARLY, 1);
	ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
	ASSERT_PORT(PORT_EARLY, &self->vcpu);
	EXPECT_EQ(0, word(&self->vm, FLAGS) & 1);
	EXPECT_EQ(true, in_service(&self->vcpu, VECTOR_LOW));
	ASSERT_PORT(PORT_IDLE, &self->vcpu);
	EXPECT_ENDED(1, 1);
}

/* Priorities are as ever: one that comes during the other waits, or interrupts it. */
TEST_F(eoi, another_comes_meanwhile)
{
	vl_write64(&self->vm, EARLY, 1);
	ASSERT_LE(0, send(&self->vm, VECTOR_HIGH));
	ASSERT_PORT(PORT_EARLY, &self->vcpu);
	ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
	vl_write64(&self->vm, EARLY, 0);
	ASSERT_PORT(PORT_IDLE, &self->vcpu);
	EXPECT_ENDED(2, 1);
}

/* The IOAPIC waits for the EOI of a level. */
TEST_F(eoi, not_of_a_level)
{
	struct vmx_lite_irq_line line = { .gsi = 10 };
	const uint64_t remote_irr = 1 << 14, level = 1 << 15;
	struct vmx_lite_ioapic io;
	int i;

	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_IOAPIC, &io));
	io.redirect[10] = level | VECTOR_LOW;
	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_SET_IOAPIC, &io));
	for (i = 0; i < MANY; i++) {
		/* Low again at once: the IOAPIC still waits, and the line asks but once. */
		line.level = 1;
		ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_IRQ_LINE, &line));
		line.level = 0;
		ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_IRQ_LINE, &line));
		ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_IOAPIC, &io));
		EXPECT_EQ(remote_irr, io.redirect[10] & remote_irr);
		ASSERT_PORT(PORT_IDLE, &self->vcpu);
		EXPECT_ENDED(i + 1, i + 1);
		ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_IOAPIC, &io));
		EXPECT_EQ(0, io.redirect[10] & remote_irr);
	}
	EXPECT_EQ(0, word(&self->vm, SEEN));
}

/* Of VM_INJECT's interrupts the local APIC knows nothing. */
TEST_F(eoi, not_of_an_injected_one)
{
	int i;

	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, VECTOR_LOW, -1));
		ASSERT_PORT(PORT_IDLE, &self->vcpu);
		EXPECT_ENDED(i + 1, i + 1);
	}
	EXPECT_EQ(0, word(&self->vm, SEEN));
}

/* Where there is no memory, or none to be written, interrupts are ended as ever. */
TEST_F(eoi, bad_memory)
{
	const uint64_t high = VL_RAM_MIN;

	ASSERT_EQ(0, vl_set_msr(&self->vcpu, MSR_PV_EOI, VL_MMIO | PV_EOI_ON));
	ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
	ASSERT_PORT(PORT_IDLE, &self->vcpu);
	EXPECT_ENDED(1, 1);

	/* Read-only to the guest: then to us as well. */
	ASSERT_EQ(0, vl_set_memory(&self->vm, high, 4096, self->vm.ram + 0x30000,
				   VMX_LITE_MEM_READONLY));
	ASSERT_EQ(0, vl_set_msr(&self->vcpu, MSR_PV_EOI, high | PV_EOI_ON));
	ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
	ASSERT_PORT(PORT_IDLE, &self->vcpu);
	EXPECT_ENDED(2, 2);
	EXPECT_EQ(0, word(&self->vm, 0x30000));

	/* The process has given it up. */
	ASSERT_EQ(0, vl_unset_memory(&self->vm, high, 4096));
	ASSERT_EQ(0, vl_set_memory(&self->vm, high, 4096, (void *)(1ULL << 20), 0));
	ASSERT_LE(0, send(&self->vm, VECTOR_LOW));
	ASSERT_PORT(PORT_IDLE, &self->vcpu);
	EXPECT_ENDED(3, 3);
}

VL_GUEST(write_msr, 64,
	 "mov $0x4b564d04, %ecx; wrmsr; out %al, $0xf0");

TEST_F(eoi, values)
{
	struct vmx_lite_regs regs = { .rsp = VL_STACK, .rip = VL_CODE, .rflags = VL_FLAGS };
	uint64_t value;

	ASSERT_EQ(0, vl_get_msr(&self->vcpu, MSR_PV_EOI, &value));
	EXPECT_EQ(FLAGS | PV_EOI_ON, value);
	EXPECT_NE(0, vl_set_msr(&self->vcpu, MSR_PV_EOI, FLAGS | 2 | PV_EOI_ON));
	EXPECT_NE(0, vl_set_msr(&self->vcpu, MSR_PV_EOI, 1ULL << 63 | PV_EOI_ON));
	ASSERT_EQ(0, vl_get_msr(&self->vcpu, MSR_PV_EOI, &value));
	EXPECT_EQ(FLAGS | PV_EOI_ON, value);

	vl_load(&self->vm, VL_CODE, write_msr);
	regs.rax = FLAGS + 4 + PV_EOI_ON;
	vl_set_regs(&self->vcpu, &regs);
	ASSERT_PORT(PORT_IDLE, &self->vcpu);
	ASSERT_EQ(0, vl_get_msr(&self->vcpu, MSR_PV_EOI, &value));
	EXPECT_EQ(FLAGS + 4 + PV_EOI_ON, value);
	/* #GP: a reserved bit */
	regs.rax = 2;
	vl_set_regs(&self->vcpu, &regs);
	ASSERT_VECTOR(13, &self->vcpu);
}

VL_GUEST(send_init, 64,
	 "mov $0x830, %ecx; mov $1, %edx; mov $0x4500, %eax; wrmsr; out %al, $0xf0");

/* INIT switches it off: what the address meant to the guest is forgotten. */
TEST_F(eoi, init)
{
	struct vmx_lite_regs regs = { .rsp = VL_STACK, .rip = VL_CODE, .rflags = VL_FLAGS };
	struct vl_vcpu other;
	uint64_t value;

	vl_vcpu_init(&other, &self->vm, 1, VL_LONG);
	ASSERT_EQ(0, vl_set_msr(&other, MSR_PV_EOI, FLAGS | PV_EOI_ON));
	vl_load(&self->vm, VL_CODE, send_init);
	vl_set_regs(&self->vcpu, &regs);
	ASSERT_PORT(PORT_IDLE, &self->vcpu);
	other.run->immediate_exit = 1;
	ASSERT_EXIT(VM_EXITCODE_INTR, &other);
	ASSERT_EQ(0, vl_get_msr(&other, MSR_PV_EOI, &value));
	EXPECT_EQ(0, value);
	vl_vcpu_exit(&other);
}

TEST_HARNESS_MAIN
