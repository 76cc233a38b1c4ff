// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first steps: code runs in each mode, says so on a port, and halts.
 */
#include <kselftest_harness.h>

#include "vl.h"

VL_GUEST(hello16, 16, "mov $'V', %al; out %al, $0xf1; hlt; mov $'W', %al; out %al, $0xf1; hlt");
VL_GUEST(hello32, 32, "mov $'V', %al; out %al, $0xf1; hlt; mov $'W', %al; out %al, $0xf1; hlt");

FIXTURE(hello) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_VARIANT(hello) {
	enum vl_mode mode;
};

FIXTURE_VARIANT_ADD(hello, real) { .mode = VL_REAL };
FIXTURE_VARIANT_ADD(hello, protected) { .mode = VL_PROT };
FIXTURE_VARIANT_ADD(hello, paged) { .mode = VL_PAGED };
FIXTURE_VARIANT_ADD(hello, pae) { .mode = VL_PAE };
FIXTURE_VARIANT_ADD(hello, long_mode) { .mode = VL_LONG };

FIXTURE_SETUP(hello)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, variant->mode);
}

FIXTURE_TEARDOWN(hello)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

TEST_F(hello, out_and_halt)
{
	struct vmx_lite_regs regs;

	/* The same bytes mean the same in 32 and in 64 bits. */
	if (variant->mode == VL_REAL)
		vl_load(&self->vm, VL_CODE, hello16);
	else
		vl_load(&self->vm, VL_CODE, hello32);
	ASSERT_OUT(0xf1, 'V', &self->vcpu);
	EXPECT_EQ(1, self->vcpu.run->inout.size);
	EXPECT_EQ(1, self->vcpu.run->inout.count);
	EXPECT_EQ(2, self->vcpu.run->insn_len);
	EXPECT_EQ(VL_CODE + 2, self->vcpu.run->rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 5, self->vcpu.run->rip);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(VL_CODE + 5, regs.rip);
	EXPECT_EQ('V', regs.rax);
	EXPECT_EQ(VL_STACK, regs.rsp);
	EXPECT_EQ(VL_FLAGS, regs.rflags);
	ASSERT_OUT(0xf1, 'W', &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* Start again elsewhere with all registers given, and find them all there. */
TEST_F(hello, registers)
{
	struct vmx_lite_regs in, out;
	__u64 *p = &in.rax, mask;
	unsigned int i;

	/* nop; hlt */
	vl_load_bytes(&self->vm, VL_CODE + 0x100, 0x90, 0xf4);
	memset(&in, 0, sizeof(in));
	for (i = 0; i < 16; i++)
		p[i] = 0x0123456789abcdefULL * (i + 1) ^ i;
	in.rip = VL_CODE + 0x100;
	/* CF PF AF ZF SF DF OF: what a program may have. */
	in.rflags = VL_FLAGS | 0xcd5;
	vl_set_regs(&self->vcpu, &in);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_get_regs(&self->vcpu, &out);
	/* Outside 64-bit mode the upper halves are nobody's. */
	mask = variant->mode == VL_LONG ? ~0ULL : 0xffffffff;
	p = &out.rax;
	for (i = 0; i < (variant->mode == VL_LONG ? 16 : 8); i++)
		EXPECT_EQ((&in.rax)[i] & mask, p[i] & mask) {
			TH_LOG("register %u", i);
		}
	EXPECT_EQ(in.rflags, out.rflags);
	EXPECT_EQ(VL_CODE + 0x102, out.rip);
}

TEST_HARNESS_MAIN
