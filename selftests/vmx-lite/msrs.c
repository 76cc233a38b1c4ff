// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_GET_MSRS and VM_SET_MSRS, and the RDMSR and WRMSR exits.
 */
#include <kselftest_harness.h>

#include "vl.h"

#define BAD_POINTER		((void *)8)
#define NONCANONICAL		0x0000800000000000ULL

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_PAT			0x277
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_FMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_NONE		0x4b564d00	/* no Intel CPU has it */
#define MSR_FEATURE_CONTROL	0x3a

VL_GUEST(rdmsr, 64, "rdmsr; hlt");
VL_GUEST(wrmsr, 64, "wrmsr; hlt");

FIXTURE(msrs) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(msrs)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(msrs)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static void start_msr(struct vl_vcpu *vcpu, bool write, uint32_t index, uint64_t value)
{
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rcx = index,
		.rax = (uint32_t)value, .rdx = value >> 32,
	};

	if (write)
		vl_load(vcpu->vm, VL_CODE, wrmsr);
	else
		vl_load(vcpu->vm, VL_CODE, rdmsr);
	vl_set_regs(vcpu, &regs);
}

static const struct {
	const char *name;
	uint32_t index;
	uint64_t value;
} good[] = {
	{ "SYSENTER_CS", MSR_SYSENTER_CS, 0x10 },
	{ "SYSENTER_ESP", MSR_SYSENTER_ESP, 0xffff800012345678ULL },
	{ "SYSENTER_EIP", MSR_SYSENTER_EIP, 0xffff800087654321ULL },
	{ "PAT", MSR_PAT, 0x0007010600070406ULL },
	{ "EFER", MSR_EFER, VL_EFER_LME | VL_EFER_LMA | VL_EFER_NXE | 1 },
	{ "STAR", MSR_STAR, 0x0023001000000000ULL },
	{ "LSTAR", MSR_LSTAR, 0xffffffff81000000ULL },
	{ "CSTAR", MSR_CSTAR, 0xffffffff81000040ULL },
	{ "FMASK", MSR_FMASK, 0x47700 },
	{ "FS_BASE", MSR_FS_BASE, 0x00007f0012345000ULL },
	{ "GS_BASE", MSR_GS_BASE, 0xffff888000000000ULL },
	{ "KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, 0x1234567800ULL },
};

TEST_F(msrs, set_get)
{
	uint64_t value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_EQ(1, vl_set_msr(&self->vcpu, good[i].index, good[i].value) + 1)
			TH_LOG("%s", good[i].name);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		value = 0;
		EXPECT_EQ(0, vl_get_msr(&self->vcpu, good[i].index, &value))
			TH_LOG("%s", good[i].name);
		EXPECT_EQ(good[i].value, value) TH_LOG("%s", good[i].name);
	}
}

/* What user space sets, the guest reads; and the other way. */
TEST_F(msrs, guest_and_user)
{
	struct vmx_lite_regs regs;
	uint64_t value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, vl_set_msr(&self->vcpu, good[i].index, good[i].value));
		start_msr(&self->vcpu, false, good[i].index, ~0ULL);
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		vl_get_regs(&self->vcpu, &regs);
		EXPECT_EQ(good[i].value, regs.rdx << 32 | regs.rax) TH_LOG("%s", good[i].name);

		if (good[i].index == MSR_EFER)
			continue;
		ASSERT_EQ(0, vl_set_msr(&self->vcpu, good[i].index, 0));
		start_msr(&self->vcpu, true, good[i].index, good[i].value);
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		ASSERT_EQ(0, vl_get_msr(&self->vcpu, good[i].index, &value));
		EXPECT_EQ(good[i].value, value) TH_LOG("%s", good[i].name);
	}
}

static const struct {
	const char *what;
	uint32_t index;
	uint64_t value;
} bad[] = {
	/* WRMSR of a non-canonical address is #GP: SDM vol. 2, WRMSR. */
	{ "SYSENTER_ESP not canonical", MSR_SYSENTER_ESP, NONCANONICAL },
	{ "SYSENTER_EIP not canonical", MSR_SYSENTER_EIP, NONCANONICAL },
	{ "LSTAR not canonical", MSR_LSTAR, NONCANONICAL },
	{ "CSTAR not canonical", MSR_CSTAR, NONCANONICAL },
	{ "FS_BASE not canonical", MSR_FS_BASE, NONCANONICAL },
	{ "GS_BASE not canonical", MSR_GS_BASE, NONCANONICAL },
	{ "KERNEL_GS_BASE not canonical", MSR_KERNEL_GS_BASE, NONCANONICAL },
	/* Memory types 2, 3 and above 7 do not exist: SDM vol. 3, 12.12.2. */
	{ "PAT type 2", MSR_PAT, 0x0007040600070402ULL },
	{ "PAT type 3 in the last entry", MSR_PAT, 0x0307040600070406ULL },
	{ "PAT type 8", MSR_PAT, 0x0007040600080406ULL },
	{ "EFER bit 1", MSR_EFER, VL_EFER_LME | VL_EFER_LMA | 2 },
	{ "EFER bit 63", MSR_EFER, VL_EFER_LME | VL_EFER_LMA | 1ULL << 63 },
	{ "FMASK bit 32", MSR_FMASK, 1ULL << 32 },
	{ "APIC base bit 0", MSR_APIC_BASE, VL_LAPIC | 0x901 },
	{ "APIC base bit 52", MSR_APIC_BASE, VL_LAPIC | 0x900 | 1ULL << 52 },
};

TEST_F(msrs, bad_values)
{
	struct vl_frame frame;
	uint64_t before, after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(0, vl_get_msr(&self->vcpu, bad[i].index, &before));
		EXPECT_EQ(-EINVAL, vl_set_msr(&self->vcpu, bad[i].index, bad[i].value))
			TH_LOG("%s", bad[i].what);
		/* What the guest writes without an exit the CPU checks, and TCG does not. */
		if (vl_under_tcg() && bad[i].value == NONCANONICAL &&
		    bad[i].index != MSR_LSTAR && bad[i].index != MSR_CSTAR)
			continue;
		start_msr(&self->vcpu, true, bad[i].index, bad[i].value);
		ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
		ASSERT_EQ(13, *(uint8_t *)self->vcpu.data) TH_LOG("%s", bad[i].what);
		vl_get_frame(&self->vcpu, 13, &frame);
		EXPECT_EQ(VL_CODE, frame.rip);
		EXPECT_EQ(0, frame.error);
		ASSERT_EQ(0, vl_get_msr(&self->vcpu, bad[i].index, &after));
		EXPECT_EQ(before, after) TH_LOG("%s", bad[i].what);
	}
}

/* LME may not change while paging is on: SDM vol. 3, 4.1.1. */
TEST_F(msrs, efer_lme_with_paging)
{
	start_msr(&self->vcpu, true, MSR_EFER, VL_EFER_NXE);
	ASSERT_VECTOR(13, &self->vcpu);
}

TEST_F(msrs, arguments)
{
	struct vmx_lite_msr list[VMX_LITE_MAX_MSRS + 1] = {
		{ .index = MSR_LSTAR, .value = 0x1000 },
		{ .index = MSR_CSTAR, .value = 0x2000 },
		{ .index = MSR_NONE, .value = 0x3000 },
		{ .index = MSR_STAR, .value = 0x4000 },
	};
	struct vmx_lite_msrs msrs = { .count = 4, .done = 99, .entries = (uintptr_t)list };
	uint64_t value = 0;

	/* It ends at the first that fails; those before it are done. */
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_MSRS, &msrs));
	EXPECT_EQ(2, msrs.done);
	ASSERT_EQ(0, vl_get_msr(&self->vcpu, MSR_CSTAR, &value));
	EXPECT_EQ(0x2000, value);
	ASSERT_EQ(0, vl_get_msr(&self->vcpu, MSR_STAR, &value));
	EXPECT_EQ(0, value);
	list[0].value = 0;
	list[1].value = 0;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_GET_MSRS, &msrs));
	EXPECT_EQ(2, msrs.done);
	EXPECT_EQ(0x1000, list[0].value);
	EXPECT_EQ(0x2000, list[1].value);

	msrs.count = 0;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_GET_MSRS, &msrs));
	msrs.count = VMX_LITE_MAX_MSRS + 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_GET_MSRS, &msrs));
	msrs.count = ~0U;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_MSRS, &msrs));
	msrs.count = 1;
	list[0].pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_MSRS, &msrs));
	msrs.entries = 8;
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vcpu.fd, VM_SET_MSRS, &msrs));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vcpu.fd, VM_GET_MSRS, &msrs));
}

/* An MSR the engine does not know is user space's to answer. */
TEST_F(msrs, read_exit)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;
	struct vl_frame frame;

	start_msr(vcpu, false, MSR_NONE, ~0ULL);
	ASSERT_EXIT(VM_EXITCODE_RDMSR, vcpu);
	EXPECT_EQ(MSR_NONE, vcpu->run->msr.index);
	EXPECT_EQ(VL_CODE, vcpu->run->rip);
	EXPECT_EQ(2, vcpu->run->insn_len);
	EXPECT_EQ(0, vcpu->run->msr.error);
	vcpu->run->msr.value = 0xfedcba9876543210ULL;
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	vl_get_regs(vcpu, &regs);
	/* RDMSR clears the upper halves: SDM vol. 2. */
	EXPECT_EQ(0x76543210, regs.rax);
	EXPECT_EQ(0xfedcba98, regs.rdx);
	EXPECT_EQ(MSR_NONE, regs.rcx);
	EXPECT_EQ(VL_CODE + 3, regs.rip);

	start_msr(vcpu, false, MSR_NONE, 0x1111111122222222ULL);
	ASSERT_EXIT(VM_EXITCODE_RDMSR, vcpu);
	vcpu->run->msr.error = 1;
	vcpu->run->msr.value = ~0ULL;
	ASSERT_VECTOR(13, vcpu);
	vl_get_frame(vcpu, 13, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	EXPECT_EQ(0, frame.error);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(0x11111111, regs.rdx);
}

TEST_F(msrs, write_exit)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;
	struct vl_frame frame;

	start_msr(vcpu, true, MSR_NONE, 0xfedcba9876543210ULL);
	ASSERT_EXIT(VM_EXITCODE_WRMSR, vcpu);
	EXPECT_EQ(MSR_NONE, vcpu->run->msr.index);
	EXPECT_EQ(0xfedcba9876543210ULL, vcpu->run->msr.value);
	EXPECT_EQ(0, vcpu->run->msr.error);
	EXPECT_EQ(VL_CODE, vcpu->run->rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(VL_CODE + 3, regs.rip);

	start_msr(vcpu, true, MSR_NONE, 1);
	ASSERT_EXIT(VM_EXITCODE_WRMSR, vcpu);
	vcpu->run->msr.error = 1;
	ASSERT_VECTOR(13, vcpu);
	vl_get_frame(vcpu, 13, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	EXPECT_EQ(0, frame.error);
}

/* The host's VMX stays its own: no guest sees or makes VMX through an MSR. */
TEST_F(msrs, no_vmx)
{
	uint32_t index;
	int exit;

	for (index = 0x480; index <= 0x491; index++) {
		start_msr(&self->vcpu, false, index, 0);
		exit = vl_run(&self->vcpu);
		/* #GP, or a question to user space: never the host's value. */
		if (exit == VM_EXITCODE_RDMSR) {
			EXPECT_EQ(index, self->vcpu.run->msr.index);
			continue;
		}
		ASSERT_EQ(VM_EXITCODE_INOUT, exit) vl_describe(&self->vcpu, exit);
		EXPECT_EQ(13, *(uint8_t *)self->vcpu.data);
	}
}

/* Not at CPL 3: SDM vol. 2, RDMSR. */
TEST_F(msrs, user_mode)
{
	struct vmx_lite_segs segs;

	start_msr(&self->vcpu, false, MSR_NONE, 0);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &segs));
	segs.cs.selector = VL_UCS64;
	segs.cs.attr |= 3 << 5;
	segs.ss.selector = VL_UDS;
	segs.ss.attr |= 3 << 5;
	segs.ds = segs.ss;
	segs.es = segs.ss;
	segs.fs = segs.ss;
	segs.gs = segs.ss;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &segs));
	ASSERT_VECTOR(13, &self->vcpu);
}

TEST_HARNESS_MAIN
