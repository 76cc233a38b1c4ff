// SPDX-License-Identifier: GPL-2.0-only
/*
 * The INTR pin: an interrupt controller of user space behind LINT0 (SDM vol. 3,
 * 11.5.1, 11.4.3).  The vector is asked for when the guest can take it, not before.
 */
#include <kselftest_harness.h>

#include "vl.h"

#define LVT0		(0x350 / 4)
#define SPIV		(0x0f0 / 4)
#define EXTINT		0x00700
#define MASKED		0x10000
#define FIXED		0x00040
#define SPIV_ENABLED	0x001ff
#define APIC_BASE_MSR	0x1b
#define APIC_BASE_EN	(1ULL << 11)

FIXTURE(extint) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_VARIANT(extint) {
	enum vl_mode mode;
};

FIXTURE_VARIANT_ADD(extint, real) { .mode = VL_REAL };
FIXTURE_VARIANT_ADD(extint, protected) { .mode = VL_PROT };
FIXTURE_VARIANT_ADD(extint, long_mode) { .mode = VL_LONG };

FIXTURE_SETUP(extint)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, variant->mode);
}

FIXTURE_TEARDOWN(extint)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static void set_lint0(struct vl_vcpu *vcpu, uint32_t lvt)
{
	struct vmx_lite_lapic lapic;

	if (vl_ioctl(vcpu->fd, VM_GET_LAPIC, &lapic))
		vl_die("GET_LAPIC");
	lapic.regs[SPIV] = SPIV_ENABLED;
	lapic.regs[LVT0] = lvt;
	if (vl_ioctl(vcpu->fd, VM_SET_LAPIC, &lapic))
		vl_die("SET_LAPIC");
}

/* Masked, as after reset, and in another mode the pin does not reach the CPU. */
TEST_F(extint, pin_is_shut)
{
	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4, 0x90, 0xf4, 0x90, 0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	self->vcpu.run->intr_pin = 1;
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	set_lint0(&self->vcpu, MASKED | EXTINT);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	set_lint0(&self->vcpu, FIXED);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* out; sti; nop; nop; hlt: asked for behind the instruction that follows STI. */
TEST_F(extint, window)
{
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0xe6, 0x80, 0xfb, 0x90, 0x90, 0xf4);
	set_lint0(&self->vcpu, EXTINT);
	self->vcpu.run->intr_pin = 1;
	ASSERT_OUT(0x80, 0, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_EXTINT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 4, self->vcpu.run->rip);
	/* Asked again, until there is a vector. */
	ASSERT_EXIT(VM_EXITCODE_EXTINT, &self->vcpu);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x41, -1));
	/* The next request waits for the handler's IRET. */
	ASSERT_VECTOR(0x41, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x41, &frame);
	EXPECT_EQ(VL_CODE + 4, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_EXTINT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 4, self->vcpu.run->rip);
	self->vcpu.run->intr_pin = 0;
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* A request that is withdrawn before the guest can take it leaves nothing behind. */
TEST_F(extint, withdrawn)
{
	vl_load_bytes(&self->vm, VL_CODE, 0xe6, 0x80, 0xfb, 0x90, 0x90, 0xf4);
	set_lint0(&self->vcpu, EXTINT);
	self->vcpu.run->intr_pin = 1;
	ASSERT_OUT(0x80, 0, &self->vcpu);
	self->vcpu.run->intr_pin = 0;
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 6, self->vcpu.run->rip);
}

/* sti; hlt; out: the pin ends the halt, and the vector comes behind it. */
TEST_F(extint, halt)
{
	struct vl_frame frame;

	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_HALT_EXIT, 0));
	vl_load_bytes(&self->vm, VL_CODE, 0xfb, 0xf4, 0xe6, 0x80);
	set_lint0(&self->vcpu, EXTINT);
	self->vcpu.run->intr_pin = 1;
	ASSERT_EXIT(VM_EXITCODE_EXTINT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 2, self->vcpu.run->rip);
	self->vcpu.run->intr_pin = 0;
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x42, -1));
	ASSERT_VECTOR(0x42, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x42, &frame);
	EXPECT_EQ(VL_CODE + 2, frame.rip);
	ASSERT_OUT(0x80, 0, &self->vcpu);
}

/* Past the local APIC's own: the pin comes first (0x61 waits meanwhile). */
TEST_F(extint, before_the_local_apic)
{
	const struct vmx_lite_msi msi = { .address = VL_LAPIC, .data = 0x61 };

	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	set_lint0(&self->vcpu, EXTINT);
	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_SIGNAL_MSI, &msi));
	self->vcpu.run->intr_pin = 1;
	ASSERT_EXIT(VM_EXITCODE_EXTINT, &self->vcpu);
	self->vcpu.run->intr_pin = 0;
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_INTR, 0x41, -1));
	ASSERT_VECTOR(0x41, &self->vcpu);
	ASSERT_VECTOR(0x61, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* With the local APIC off, LINT0 is INTR whatever its LVT said. */
TEST_F(extint, local_apic_off)
{
	uint64_t base;

	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xf4);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	ASSERT_EQ(0, vl_get_msr(&self->vcpu, APIC_BASE_MSR, &base));
	ASSERT_EQ(0, vl_set_msr(&self->vcpu, APIC_BASE_MSR, base & ~APIC_BASE_EN));
	self->vcpu.run->intr_pin = 1;
	ASSERT_EXIT(VM_EXITCODE_EXTINT, &self->vcpu);
	EXPECT_EQ(VL_CODE, self->vcpu.run->rip);
	self->vcpu.run->intr_pin = 0;
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* The guest opens the pin by itself: enable the local APIC, then LINT0; then spin. */
VL_GUEST(open_pin, 32,
	 "movl $0x1ff, 0xfee000f0; movl $0x700, 0xfee00350; 1: jmp 1b");

TEST_F(extint, guest_opens_it)
{
	if (variant->mode != VL_PROT)
		SKIP(return, "one mode is enough");
	vl_load(&self->vm, VL_CODE, open_pin);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	self->vcpu.run->intr_pin = 1;
	ASSERT_EXIT(VM_EXITCODE_EXTINT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 20, self->vcpu.run->rip);
}

TEST_HARNESS_MAIN
