// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_SET_CPUID and VM_GET_CPUID, and what the guest's CPUID says (SDM vol. 2).
 */
#include <kselftest_harness.h>

#include "vl.h"

VL_GUEST(cpuid, 64, "cpuid; hlt");

FIXTURE(cpuid) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(cpuid)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	vl_load(&self->vm, VL_CODE, cpuid);
}

FIXTURE_TEARDOWN(cpuid)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static int set_cpuid(struct vl_vcpu *vcpu, const struct vmx_lite_cpuid_entry *e, uint32_t count)
{
	struct vmx_lite_cpuid c = { .count = count, .entries = (uintptr_t)e };

	return vl_ioctl(vcpu->fd, VM_SET_CPUID, &c);
}

static int get_cpuid(struct vl_vcpu *vcpu, struct vmx_lite_cpuid_entry *e, uint32_t *count)
{
	struct vmx_lite_cpuid c = { .count = *count, .entries = (uintptr_t)e };
	int ret = vl_ioctl(vcpu->fd, VM_GET_CPUID, &c);

	*count = c.count;
	return ret;
}

/* The upper halves of all four are cleared. */
static void guest_cpuid(struct __test_metadata *_metadata, struct vl_vcpu *vcpu, uint32_t eax,
			uint32_t ecx, uint64_t out[4])
{
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS,
		.rax = 0xdead000000000000ULL | eax, .rbx = ~0ULL,
		.rcx = 0xdead000000000000ULL | ecx, .rdx = ~0ULL,
	};

	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	vl_get_regs(vcpu, &regs);
	out[0] = regs.rax;
	out[1] = regs.rbx;
	out[2] = regs.rcx;
	out[3] = regs.rdx;
}

#define INDEXED	VMX_LITE_CPUID_INDEXED
static const struct vmx_lite_cpuid_entry table[] = {
	{ 0x0, 0, 0, 0x7, 0x756e6547, 0x6c65746e, 0x49656e69, 0 },
	{ 0x1, 0, 0, 0x000306c3, 0x00010800, 0x80000001, 0x078bfbff, 0 },
	{ 0x4, 0, INDEXED, 0x11, 0x12, 0x13, 0x14, 0 },
	{ 0x4, 1, INDEXED, 0x21, 0x22, 0x23, 0x24, 0 },
	{ 0x7, 0, INDEXED, 0, 0x31, 0, 0x34, 0 },
	{ 0x40000000, 0, 0, 0x40000000, 0x41414141, 0x42424242, 0x43434343, 0 },
	{ 0x80000000, 0, 0, 0x80000001, 0, 0, 0, 0 },
	{ 0x80000001, 0, 0, 0, 0, 0x121, 0x2c100800, 0 },
};

static const struct {
	const char *what;
	uint32_t eax, ecx;
	uint32_t want[4];
} lookups[] = {
	{ "leaf 0", 0, 0, { 7, 0x756e6547, 0x6c65746e, 0x49656e69 } },
	{ "ECX of an unindexed leaf", 0, 77, { 7, 0x756e6547, 0x6c65746e, 0x49656e69 } },
	{ "leaf 4.0", 4, 0, { 0x11, 0x12, 0x13, 0x14 } },
	{ "leaf 4.1", 4, 1, { 0x21, 0x22, 0x23, 0x24 } },
	{ "leaf 4.2, not there", 4, 2, { 0, 0, 0, 0 } },
	{ "leaf 3, a hole", 3, 0, { 0, 0, 0, 0 } },
	{ "hypervisor leaf", 0x40000000, 0, { 0x40000000, 0x41414141, 0x42424242, 0x43434343 } },
	{ "extended", 0x80000001, 0, { 0, 0, 0x121, 0x2c100800 } },
	/* Beyond the last: the data of the highest basic leaf. */
	{ "beyond the basic", 0x8, 0, { 0, 0x31, 0, 0x34 } },
	{ "beyond the extended", 0x80000002, 0, { 0, 0x31, 0, 0x34 } },
};

TEST_F(cpuid, lookup)
{
	uint64_t out[4];
	unsigned int i, j;

	ASSERT_EQ(0, set_cpuid(&self->vcpu, table, ARRAY_SIZE(table)));
	for (i = 0; i < ARRAY_SIZE(lookups); i++) {
		guest_cpuid(_metadata, &self->vcpu, lookups[i].eax, lookups[i].ecx, out);
		for (j = 0; j < 4; j++)
			EXPECT_EQ(lookups[i].want[j], out[j])
				TH_LOG("%s: register %u", lookups[i].what, j);
	}
}

/* Bits of leaf 1 that follow the state: OSXSAVE (CR4), APIC (its base MSR). */
TEST_F(cpuid, dynamic)
{
	struct vmx_lite_control c;
	uint64_t out[4];

	vl_host_cpuid(&self->vcpu);
	guest_cpuid(_metadata, &self->vcpu, 1, 0, out);
	EXPECT_EQ(0, out[2] & 1 << 27);
	EXPECT_EQ(1 << 9, out[3] & 1 << 9);
	/* VMX is not for guests. */
	EXPECT_EQ(0, out[2] & 1 << 5);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.apic_base &= ~(1ULL << 11);
	if (self->vm.info.features & VMX_LITE_FEAT_XSAVE)
		c.cr4 |= VL_CR4_OSXSAVE;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	guest_cpuid(_metadata, &self->vcpu, 1, 0, out);
	EXPECT_EQ(0, out[3] & 1 << 9);
	if (self->vm.info.features & VMX_LITE_FEAT_XSAVE)
		EXPECT_EQ(1 << 27, out[2] & 1 << 27);
}

/* CPUID.0DH: what XCR0 enables needs how many bytes (SDM vol. 1, 13.2). */
TEST_F(cpuid, xsave_size)
{
	struct vmx_lite_control c;
	uint64_t out[4];

	if (!(self->vm.info.features & VMX_LITE_FEAT_XSAVE))
		SKIP(return, "the CPU has no XSAVE");
	vl_host_cpuid(&self->vcpu);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.cr4 |= VL_CR4_OSXSAVE;
	c.xcr0 = 1;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	guest_cpuid(_metadata, &self->vcpu, 0xd, 0, out);
	EXPECT_EQ(3, out[0] & 3);
	EXPECT_EQ(576, out[1]);
	EXPECT_LE(576, out[2]);
	if (!(out[0] & 4))
		SKIP(return, "the CPU has no AVX");
	c.xcr0 = 7;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	guest_cpuid(_metadata, &self->vcpu, 0xd, 0, out);
	EXPECT_EQ(576 + 256, out[1]);
}

TEST_F(cpuid, get)
{
	struct vmx_lite_cpuid_entry e[VMX_LITE_MAX_CPUID];
	uint32_t count = 0;

	ASSERT_EQ(0, set_cpuid(&self->vcpu, table, ARRAY_SIZE(table)));
	EXPECT_EQ(-E2BIG, get_cpuid(&self->vcpu, e, &count));
	EXPECT_EQ(ARRAY_SIZE(table), count);
	count = VMX_LITE_MAX_CPUID;
	memset(e, 0xff, sizeof(e));
	EXPECT_EQ(0, get_cpuid(&self->vcpu, e, &count));
	ASSERT_EQ(ARRAY_SIZE(table), count);
	EXPECT_EQ(0, memcmp(&table[2], &e[2], sizeof(table) - sizeof(table[0]) * 2));
	EXPECT_EQ(0, memcmp(&table[0], &e[0], sizeof(table[0])));
}

TEST_F(cpuid, bad)
{
	struct vmx_lite_cpuid_entry e[VMX_LITE_MAX_CPUID + 1];
	struct vmx_lite_cpuid c = { .count = 1, .pad = 1, .entries = (uintptr_t)e };
	uint64_t out[4];
	unsigned int i;

	ASSERT_EQ(0, set_cpuid(&self->vcpu, table, ARRAY_SIZE(table)));
	memset(e, 0, sizeof(e));
	for (i = 0; i < ARRAY_SIZE(e); i++)
		e[i].function = 0x80000000 + i;
	EXPECT_EQ(-E2BIG, set_cpuid(&self->vcpu, e, VMX_LITE_MAX_CPUID + 1));
	EXPECT_EQ(-E2BIG, set_cpuid(&self->vcpu, e, ~0U));
	EXPECT_EQ(-EFAULT, set_cpuid(&self->vcpu, (void *)8, 1));
	e[0].flags = 2;
	EXPECT_EQ(-EINVAL, set_cpuid(&self->vcpu, e, 1));
	e[0].flags = 0;
	e[0].pad = 1;
	EXPECT_EQ(-EINVAL, set_cpuid(&self->vcpu, e, 1));
	e[0].pad = 0;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_CPUID, &c));
	/* None of them changed the table. */
	guest_cpuid(_metadata, &self->vcpu, 4, 1, out);
	EXPECT_EQ(0x22, out[1]);
	EXPECT_EQ(0, set_cpuid(&self->vcpu, e, VMX_LITE_MAX_CPUID));
}

TEST_HARNESS_MAIN
