// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_INJECT: exceptions, interrupts and NMIs, when they may be delivered, and
 * what becomes of one whose delivery faults (SDM vol. 3, 27.6 and 28.2.4).
 */
#include <sched.h>

#include <kselftest_harness.h>

#include "vl.h"

#define BAD_POINTER	((void *)8)
#define RCX_MARK	0x51

FIXTURE(inject) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_VARIANT(inject) {
	enum vl_mode mode;
};

FIXTURE_VARIANT_ADD(inject, real) { .mode = VL_REAL };
FIXTURE_VARIANT_ADD(inject, protected) { .mode = VL_PROT };
FIXTURE_VARIANT_ADD(inject, pae) { .mode = VL_PAE };
FIXTURE_VARIANT_ADD(inject, long_mode) { .mode = VL_LONG };

FIXTURE_SETUP(inject)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, variant->mode);
}

FIXTURE_TEARDOWN(inject)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static bool pending(struct vl_vcpu *vcpu)
{
	struct vmx_lite_events e;

	if (vl_ioctl(vcpu->fd, VM_GET_EVENTS, &e))
		vl_die("GET_EVENTS");
	return e.pending_valid || e.nmi_pending;
}

/* ------------------------------------------------------------ exceptions */

TEST_F(inject, exceptions)
{
	static const uint8_t vectors[] = { 0, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 19 };
	struct vl_frame frame;
	unsigned int i;
	bool error;

	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		error = vl_vector_has_error(vectors[i]);
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
		ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_EXCEPTION, vectors[i],
				       !error ? -1 : vectors[i] == 8 ? 0 : 0x30 + (int)i))
			TH_LOG("vector %u", vectors[i]);
		ASSERT_VECTOR(vectors[i], &self->vcpu);
		vl_get_frame(&self->vcpu, vectors[i], &frame);
		EXPECT_EQ(VL_CODE, frame.rip) TH_LOG("vector %u", vectors[i]);
		EXPECT_EQ(VL_FLAG_IF, frame.rflags & VL_FLAG_IF);
		/* Real mode pushes no error code: SDM vol. 3, 21.1.4. */
		error &= variant->mode != VL_REAL;
		EXPECT_EQ(error && vectors[i] != 8 ? 0x30 + i : 0, frame.error)
			TH_LOG("vector %u", vectors[i]);
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		EXPECT_EQ(VL_CODE + 1, self->vcpu.run->rip);
	}
}

TEST_F(inject, bad)
{
	static const struct {
		const char *what;
		struct vmx_lite_event e;
	} bad[] = {
		{ "type 1", { .vector = 32, .type = 1 } },
		{ "software interrupt", { .vector = 32, .type = VMX_LITE_EVENT_SOFT_INT } },
		{ "privileged exception", { .vector = 1,
					    .type = VMX_LITE_EVENT_PRIV_EXCEPTION } },
		{ "software exception", { .vector = 3, .type = VMX_LITE_EVENT_SOFT_EXCEPTION } },
		{ "type 7", { .vector = 32, .type = 7 } },
		{ "type 255", { .vector = 32, .type = 255 } },
		{ "exception 32", { .vector = 32, .type = VMX_LITE_EVENT_EXCEPTION } },
		{ "NMI 3", { .vector = 3, .type = VMX_LITE_EVENT_NMI } },
		{ "padding", { .vector = 32, .pad = 1 } },
		{ "error_valid 2", { .vector = 13, .type = VMX_LITE_EVENT_EXCEPTION,
				     .error_valid = 2 } },
		{ "error code, not valid", { .vector = 6, .type = VMX_LITE_EVENT_EXCEPTION,
					     .error_code = 1 } },
		{ "interrupt with an error code", { .vector = 32, .error_valid = 1 } },
		{ "#UD with an error code", { .vector = 6, .type = VMX_LITE_EVENT_EXCEPTION,
					      .error_valid = 1 } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_INJECT, &bad[i].e))
			TH_LOG("%s", bad[i].what);
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vcpu.fd, VM_INJECT, BAD_POINTER));
	EXPECT_EQ(false, pending(&self->vcpu));
	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* ------------------------------------------------------------ interrupts */

TEST_F(inject, interrupt)
{
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x41, -1));
	ASSERT_VECTOR(0x41, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x41, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	EXPECT_EQ(VL_FLAG_IF, frame.rflags & VL_FLAG_IF);
	EXPECT_EQ(false, pending(&self->vcpu));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* out; sti; nop; nop; hlt: delivered after the instruction behind STI. */
TEST_F(inject, interrupt_window)
{
	struct vmx_lite_events e;
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0xe6, 0x80, 0xfb, 0x90, 0x90, 0xf4);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x42, -1));
	ASSERT_OUT(0x80, 0, &self->vcpu);
	/* Still waiting, and said to be. */
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(1, e.pending_valid);
	EXPECT_EQ(0x42, e.pending.vector);
	EXPECT_EQ(VMX_LITE_EVENT_INTR, e.pending.type);
	ASSERT_VECTOR(0x42, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x42, &frame);
	EXPECT_EQ(VL_CODE + 4, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* An interrupt that waits behind an exception survives being saved and restored. */
TEST_F(inject, interrupt_behind_exception)
{
	struct vmx_lite_events e, none = { 0 };

	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x46, -1));
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_EXCEPTION, 6, -1));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(1, e.pending_valid);
	EXPECT_EQ(6, e.pending.vector);
	EXPECT_EQ(1, e.intr_valid);
	EXPECT_EQ(0x46, e.intr_vector);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_EVENTS, &none));
	ASSERT_EQ(false, pending(&self->vcpu));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_EVENTS, &e));
	ASSERT_VECTOR(6, &self->vcpu);
	ASSERT_VECTOR(0x46, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(false, pending(&self->vcpu));
}

/* An NMI that finds an STI's shadow comes behind it, and the guest goes on. */
TEST_F(inject, nmi_in_sti_shadow)
{
	struct vmx_lite_events e = { .nmi_pending = 1, .interruptibility = VMX_LITE_BLOCK_STI };
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0x90, 0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_EVENTS, &e));
	ASSERT_VECTOR(2, &self->vcpu);
	vl_get_frame(&self->vcpu, 2, &frame);
	EXPECT_EQ(VL_CODE + 1, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* STI; HLT: the interrupt ends the halt, and comes after it. */
TEST_F(inject, sti_hlt)
{
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0xfb, 0xf4, 0xf4);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x43, -1));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 2, self->vcpu.run->rip);
	ASSERT_VECTOR(0x43, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x43, &frame);
	EXPECT_EQ(VL_CODE + 2, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 3, self->vcpu.run->rip);
}

/* mov %ss, %ax; sti; nop; mov %ax, %ss; nop; nop; hlt: MOV SS blocks for one instruction. */
TEST_F(inject, mov_ss)
{
	struct vmx_lite_events e;
	struct vl_frame frame;
	unsigned int i;

	/* mov %ss, %eax; out; mov %eax, %ss; out; nop; hlt */
	vl_load_bytes(&self->vm, VL_CODE, 0x8c, 0xd0, 0xe6, 0x80, 0x8e, 0xd0, 0xe6, 0x81, 0x90,
		      0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	ASSERT_EQ(0x81, self->vcpu.run->inout.port);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(VMX_LITE_BLOCK_MOV_SS, e.interruptibility);
	/* The OUT is not done yet: the interrupt comes behind it. */
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x44, -1));
	ASSERT_VECTOR(0x44, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x44, &frame);
	EXPECT_EQ(VL_CODE + 8, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);

	/* Set by hand: neither STI nor MOV SS lets one in before an instruction has run. */
	for (i = VMX_LITE_BLOCK_STI; i <= VMX_LITE_BLOCK_MOV_SS; i <<= 1) {
		vl_load_bytes(&self->vm, VL_CODE, 0x90, 0x90, 0xf4);
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
		e.interruptibility = i;
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_EVENTS, &e));
		ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x45, -1));
		ASSERT_VECTOR(0x45, &self->vcpu);
		vl_get_frame(&self->vcpu, 0x45, &frame);
		EXPECT_EQ(VL_CODE + 1, frame.rip) TH_LOG("blocking %u", i);
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	}
}

TEST_F(inject, all_vectors)
{
	unsigned int v;

	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	for (v = 16; v < 256; v++) {
		/* An interrupt pushes no error code: the stubs of 17 and 21 would drop one. */
		if (vl_vector_has_error(v))
			continue;
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
		ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, v, -1));
		ASSERT_VECTOR(v, &self->vcpu);
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	}
}

/* ------------------------------------------------------------ NMIs */

/*
 * An NMI blocks NMIs until IRET (SDM vol. 3, 6.7.1): the second of two comes
 * when the first's handler returns, a third of the same time is lost.
 */
TEST_F(inject, nmi)
{
	struct vmx_lite_events e;
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4);
	/* IF does not matter. */
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	ASSERT_VECTOR(2, &self->vcpu);
	vl_get_frame(&self->vcpu, 2, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(VMX_LITE_BLOCK_NMI, e.interruptibility);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	/* The handler's OUT is done, then IRET, then the next. */
	ASSERT_VECTOR(2, &self->vcpu);
	vl_get_frame(&self->vcpu, 2, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(0, e.interruptibility);
	EXPECT_EQ(0, e.nmi_pending);
}

/* The same if the engine looks at each of them before the next comes. */
TEST_F(inject, nmi_latched_once)
{
	struct vmx_lite_events e;
	unsigned int i;

	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	ASSERT_VECTOR(2, &self->vcpu);
	self->vcpu.run->immediate_exit = 1;
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
		ASSERT_EXIT(VM_EXITCODE_INTR, &self->vcpu);
	}
	self->vcpu.run->immediate_exit = 0;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(1, e.nmi_pending);
	ASSERT_VECTOR(2, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* Blocking is a vCPU's own: the next one on the same CPU has none (SDM vol. 3, 27.7.1). */
TEST_F(inject, nmi_blocked_in_another)
{
	struct vl_vcpu other;
	struct vmx_lite_events e;
	cpu_set_t set, all;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	vl_vcpu_init(&other, &self->vm, 1, variant->mode);
	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	ASSERT_VECTOR(2, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, &other);
	ASSERT_EQ(0, vl_ioctl(other.fd, VM_GET_EVENTS, &e));
	vl_vcpu_exit(&other);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	if (e.interruptibility == VMX_LITE_BLOCK_NMI && vl_under_bochs())
		SKIP(return, "in Bochs VM entry blocks NMIs but never unblocks them");
	EXPECT_EQ(0, e.interruptibility);
}

/* An NMI and an interrupt at once: the NMI first, the interrupt in or after its handler. */
TEST_F(inject, nmi_before_interrupt)
{
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x46, -1));
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	ASSERT_VECTOR(2, &self->vcpu);
	vl_get_frame(&self->vcpu, 2, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	/* The NMI's gate cleared IF. */
	ASSERT_VECTOR(0x46, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x46, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* ------------------------------------------------------------ delivery that faults */

/*
 * The stack's page is a new one in EPT: pushing the frame is an EPT violation
 * in the middle of the delivery; the event must be delivered after all, once.
 */
TEST_F(inject, idt_vectoring)
{
	static const struct {
		uint8_t type, vector;
	} events[] = {
		{ VMX_LITE_EVENT_INTR, 0x47 }, { VMX_LITE_EVENT_NMI, 2 },
		{ VMX_LITE_EVENT_EXCEPTION, 6 }, { VMX_LITE_EVENT_EXCEPTION, 13 },
	};
	struct vmx_lite_stats before, after;
	struct vmx_lite_regs regs = { .rip = VL_CODE, .rflags = VL_FLAGS | VL_FLAG_IF };
	struct vl_frame frame;
	unsigned int i;
	bool error;

	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		/* A page the guest has not touched, and the host has not either. */
		regs.rsp = variant->mode == VL_REAL ? 0xd000 : 0x100000;
		ASSERT_EQ(0, madvise(self->vm.ram + regs.rsp - 0x1000, 0x1000, MADV_DONTNEED));
		vl_set_regs(&self->vcpu, &regs);
		error = events[i].vector == 13;
		vl_stats(&self->vcpu, &before);
		ASSERT_EQ(0, vl_inject(&self->vcpu, events[i].type, events[i].vector,
				       error ? 0x77 : -1));
		ASSERT_VECTOR(events[i].vector, &self->vcpu);
		vl_stats(&self->vcpu, &after);
		EXPECT_LE(1, after.ept_faults - before.ept_faults);
		vl_get_frame(&self->vcpu, events[i].vector, &frame);
		EXPECT_EQ(VL_CODE, frame.rip);
		EXPECT_EQ(error && variant->mode != VL_REAL ? 0x77 : 0, frame.error);
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		EXPECT_EQ(VL_CODE + 2, self->vcpu.run->rip);
		EXPECT_EQ(false, pending(&self->vcpu));
	}
}

/* INT n and INT3 pushed to such a stack: a replay needs the instruction's length. */
TEST_F(inject, software_vectoring)
{
	struct vmx_lite_regs regs = { .rip = VL_CODE, .rflags = VL_FLAGS };
	struct vl_frame frame;
	unsigned int i;

	vl_load_bytes(&self->vm, VL_CODE, 0xcd, 0x48, 0xcc, 0xf4);
	regs.rsp = variant->mode == VL_REAL ? 0xd000 : 0x100000;
	for (i = 0; i < 2; i++) {
		vl_set_mode(&self->vcpu, variant->mode);
		regs.rip = VL_CODE + i * 2;
		ASSERT_EQ(0, madvise(self->vm.ram + regs.rsp - 0x1000, 0x1000, MADV_DONTNEED));
		vl_set_regs(&self->vcpu, &regs);
		ASSERT_VECTOR(i ? 3 : 0x48, &self->vcpu);
		vl_get_frame(&self->vcpu, i ? 3 : 0x48, &frame);
		EXPECT_EQ(VL_CODE + (i ? 3 : 2), frame.rip);
	}
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* ------------------------------------------------------------ in 64-bit mode only */

FIXTURE(inject_long) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(inject_long)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(inject_long)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

/* A stack that is no memory: delivery cannot go on, and that is said. */
TEST_F(inject_long, vectoring_to_mmio)
{
	struct vmx_lite_regs regs = { .rip = VL_CODE, .rflags = VL_FLAGS };

	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	regs.rsp = VL_MMIO + 0x1000;
	vl_set_regs(&self->vcpu, &regs);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_EXCEPTION, 6, -1));
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, &self->vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_DELIVERY, self->vcpu.run->internal.why);
	/* The page of the stack's top. */
	EXPECT_EQ(VL_MMIO, self->vcpu.run->internal.gpa & ~0xfffULL);
}

/* A fault while a fault is delivered is a double fault (SDM vol. 3, table 6-5). */
TEST_F(inject_long, double_fault)
{
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	/* The gate of #GP is not present: #NP with #GP gives #DF. */
	self->vm.ram[VL_IDT + 13 * 16 + 5] &= 0x7f;
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_EXCEPTION, 13, 0));
	ASSERT_VECTOR(8, &self->vcpu);
	vl_get_frame(&self->vcpu, 8, &frame);
	EXPECT_EQ(0, frame.error);
	EXPECT_EQ(VL_CODE, frame.rip);
	if (vl_under_tcg())
		SKIP(return, "TCG gives a bad gate's error code wrong");
	/* That of an interrupt: #NP, with the gate's index, IDT and EXT in the error code. */
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	self->vm.ram[VL_IDT + 0x49 * 16 + 5] &= 0x7f;
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x49, -1));
	ASSERT_VECTOR(11, &self->vcpu);
	vl_get_frame(&self->vcpu, 11, &frame);
	EXPECT_EQ(0x49 << 3 | 2 | 1, frame.error);
}

TEST_HARNESS_MAIN
