// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_GET_XSAVE and VM_SET_XSAVE, XSETBV, and whose registers are whose.
 */
#include <cpuid.h>

#include <kselftest_harness.h>

#include "vl.h"

/* SDM vol. 1, 13.4: the XSAVE area. */
#define MXCSR		24
#define XMM(n)		(160 + 16 * (n))
#define XSTATE_BV	512
#define XCOMP_BV	520
#define XCR0_X87	1ULL
#define XCR0_SSE	2ULL
#define XCR0_AVX	4ULL

VL_GUEST(xmm_swap, 64,
	 "movups %xmm0, 0x20000; movups %xmm15, 0x20010; stmxcsr 0x20020;"
	 "movups 0x20100, %xmm0; movups 0x20110, %xmm15; ldmxcsr 0x20120; hlt");
VL_GUEST(xsetbv, 64, "xsetbv; xor %ecx, %ecx; xgetbv; hlt");
VL_GUEST(x87, 64, "fninit; fldpi; fld1; hlt; faddp; fstpt 0x20000; hlt");

FIXTURE(xsave) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	uint8_t *area;
	uint32_t size;
	bool has_xsave;
};

FIXTURE_SETUP(xsave)
{
	struct vmx_lite_control c;

	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	vl_host_cpuid(&self->vcpu);
	self->size = self->vm.info.xsave_size;
	self->area = calloc(1, self->size + 64);
	self->has_xsave = self->vm.info.features & VMX_LITE_FEAT_XSAVE;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.cr4 |= VL_CR4_OSFXSR | (self->has_xsave ? VL_CR4_OSXSAVE : 0);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
}

FIXTURE_TEARDOWN(xsave)
{
	free(self->area);
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static int get(struct vl_vcpu *vcpu, void *area, uint32_t size)
{
	struct vmx_lite_xsave x = { .addr = (uintptr_t)area, .size = size };

	return vl_ioctl(vcpu->fd, VM_GET_XSAVE, &x);
}

static int set(struct vl_vcpu *vcpu, const void *area, uint32_t size)
{
	struct vmx_lite_xsave x = { .addr = (uintptr_t)area, .size = size };

	return vl_ioctl(vcpu->fd, VM_SET_XSAVE, &x);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

/* SDM vol. 3, table 10-1: FCW 37FH or 40H, MXCSR 1F80H. */
TEST_F(xsave, reset)
{
	uint32_t mxcsr;
	unsigned int i;

	ASSERT_EQ(0, get(&self->vcpu, self->area, self->size));
	memcpy(&mxcsr, self->area + MXCSR, 4);
	EXPECT_EQ(0x1f80, mxcsr);
	for (i = 0; i < 256; i++)
		EXPECT_EQ(0, self->area[XMM(0) + i]);
	if (self->has_xsave)
		EXPECT_EQ(0, get64(self->area + XCOMP_BV));
}

TEST_F(xsave, set_guest_get)
{
	uint8_t *ram = self->vm.ram + VL_DATA;
	uint32_t mxcsr = 0x1fa5, new_mxcsr = 0x7f80;
	unsigned int i;

	ASSERT_EQ(0, get(&self->vcpu, self->area, self->size));
	for (i = 0; i < 256; i++)
		self->area[XMM(0) + i] = i ^ 0x5a;
	memcpy(self->area + MXCSR, &mxcsr, 4);
	if (self->has_xsave)
		put64(self->area + XSTATE_BV, XCR0_X87 | XCR0_SSE);
	ASSERT_EQ(0, set(&self->vcpu, self->area, self->size));

	for (i = 0; i < 32; i++)
		ram[0x100 + i] = 200 - i;
	memcpy(ram + 0x120, &new_mxcsr, 4);
	vl_load(&self->vm, VL_CODE, xmm_swap);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(0, memcmp(ram, self->area + XMM(0), 16));
	EXPECT_EQ(0, memcmp(ram + 16, self->area + XMM(15), 16));
	EXPECT_EQ(0, memcmp(ram + 32, &mxcsr, 4));

	memset(self->area, 0xcc, self->size);
	ASSERT_EQ(0, get(&self->vcpu, self->area, self->size));
	EXPECT_EQ(0, memcmp(ram + 0x100, self->area + XMM(0), 16));
	EXPECT_EQ(0, memcmp(ram + 0x110, self->area + XMM(15), 16));
	for (i = 16; i < 240; i++)
		EXPECT_EQ(i ^ 0x5a, self->area[XMM(0) + i]);
	memcpy(&mxcsr, self->area + MXCSR, 4);
	EXPECT_EQ(new_mxcsr, mxcsr);
}

TEST_F(xsave, bad)
{
	struct vmx_lite_xsave x = { .addr = (uintptr_t)self->area, .size = self->size };
	uint32_t mxcsr;

	ASSERT_EQ(0, get(&self->vcpu, self->area, self->size));
	EXPECT_EQ(-EINVAL, get(&self->vcpu, self->area, self->size - 1));
	EXPECT_EQ(-EINVAL, set(&self->vcpu, self->area, self->size - 1));
	EXPECT_EQ(-EINVAL, set(&self->vcpu, self->area, 0));
	EXPECT_EQ(-EFAULT, get(&self->vcpu, (void *)64, self->size));
	EXPECT_EQ(-EFAULT, set(&self->vcpu, (void *)64, self->size));
	x.pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_GET_XSAVE, &x));
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_XSAVE, &x));
	/* Loading this would be #GP in the host: SDM vol. 1, 10.5.1.2. */
	mxcsr = 0x80001f80;
	memcpy(self->area + MXCSR, &mxcsr, 4);
	if (self->has_xsave)
		put64(self->area + XSTATE_BV, XCR0_X87 | XCR0_SSE);
	EXPECT_EQ(-EINVAL, set(&self->vcpu, self->area, self->size));
	if (!self->has_xsave)
		return;
	/* SDM vol. 1, 13.8.1: what XRSTOR refuses. */
	ASSERT_EQ(0, get(&self->vcpu, self->area, self->size));
	put64(self->area + XSTATE_BV, 1ULL << 62);
	EXPECT_EQ(-EINVAL, set(&self->vcpu, self->area, self->size));
	ASSERT_EQ(0, get(&self->vcpu, self->area, self->size));
	put64(self->area + XCOMP_BV, 1ULL << 63);
	EXPECT_EQ(-EINVAL, set(&self->vcpu, self->area, self->size));
	ASSERT_EQ(0, get(&self->vcpu, self->area, self->size));
	put64(self->area + XCOMP_BV + 8, 1);
	EXPECT_EQ(-EINVAL, set(&self->vcpu, self->area, self->size));
}

/* x87 state lives on across exits: 1 + pi, with a stop in the middle. */
TEST_F(xsave, x87)
{
	/* pi + 1 = 4.14159...: exponent 4001H, the mantissa of pi / 4 + 1 / 4. */
	static const uint8_t want[10] = { 0x1a, 0x61, 0xb4, 0x10, 0x51, 0xed, 0x87, 0x84, 0x01,
					  0x40 };
	long double host = 1;

	vl_load(&self->vm, VL_CODE, x87);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	/* Use the registers of our own meanwhile. */
	asm volatile("fldl2t; faddp" : "+t" (host));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(0, memcmp(want, self->vm.ram + VL_DATA, 10));
	EXPECT_EQ(1, host > 4.3L && host < 4.4L);
}

static const struct {
	const char *what;
	uint32_t index;
	uint64_t value;
	bool ok;
} xcr0s[] = {
	{ "x87", 0, XCR0_X87, true },
	{ "x87 and SSE", 0, XCR0_X87 | XCR0_SSE, true },
	/* SDM vol. 1, 13.3 */
	{ "nothing", 0, 0, false },
	{ "SSE without x87", 0, XCR0_SSE, false },
	{ "AVX without SSE", 0, XCR0_X87 | XCR0_AVX, false },
	{ "bit 63", 0, XCR0_X87 | 1ULL << 63, false },
	{ "half of AVX-512", 0, XCR0_X87 | XCR0_SSE | XCR0_AVX | 1ULL << 5, false },
	{ "half of MPX", 0, XCR0_X87 | 1ULL << 3, false },
	{ "XCR1", 1, XCR0_X87, false },
};

TEST_F(xsave, xsetbv)
{
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;
	unsigned int i;

	if (!self->has_xsave)
		SKIP(return, "the CPU has no XSAVE");
	vl_load(&self->vm, VL_CODE, xsetbv);
	for (i = 0; i < ARRAY_SIZE(xcr0s); i++) {
		regs = (struct vmx_lite_regs){
			.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS,
			.rcx = xcr0s[i].index, .rax = (uint32_t)xcr0s[i].value,
			.rdx = xcr0s[i].value >> 32,
		};
		vl_set_regs(&self->vcpu, &regs);
		if (!xcr0s[i].ok) {
			ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
			EXPECT_EQ(13, *(uint8_t *)self->vcpu.data) TH_LOG("%s", xcr0s[i].what);
			continue;
		}
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		vl_get_regs(&self->vcpu, &regs);
		EXPECT_EQ(xcr0s[i].value, regs.rdx << 32 | regs.rax) TH_LOG("%s", xcr0s[i].what);
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
		EXPECT_EQ(xcr0s[i].value, c.xcr0) TH_LOG("%s", xcr0s[i].what);
	}

	/* #UD without CR4.OSXSAVE. */
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.cr4 &= ~VL_CR4_OSXSAVE;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	ASSERT_VECTOR(6, &self->vcpu);
}

/*
 * Two guests and the host, each with its own value in XMM0 to XMM15: after
 * each run everyone still finds his own.
 */
TEST_F(xsave, isolation)
{
	struct vl_vcpu other;
	struct vl_vm vm;
	struct vl_vcpu *vcpus[] = { &self->vcpu, &other };
	struct vmx_lite_control c;
	uint8_t mine[16], now[16];
	unsigned int i, round;

	vl_vm_init(&vm, 0);
	vl_vcpu_init(&other, &vm, 0, VL_LONG);
	ASSERT_EQ(0, vl_ioctl(other.fd, VM_GET_CONTROL, &c));
	c.cr4 |= VL_CR4_OSFXSR;
	ASSERT_EQ(0, vl_ioctl(other.fd, VM_SET_CONTROL, &c));
	for (i = 0; i < 2; i++) {
		vl_load(vcpus[i]->vm, VL_CODE, xmm_swap);
		memset(vcpus[i]->vm->ram + VL_DATA + 0x100, 0xa0 + i, 32);
		put64(vcpus[i]->vm->ram + VL_DATA + 0x120, 0x1f80);
	}
	memset(mine, 0x11, 16);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 2; i++) {
			long ret;

			vl_start(vcpus[i], VL_CODE, VL_FLAGS);
			asm volatile("movups %2, %%xmm0; movups %2, %%xmm15;"
				     "syscall;"
				     "movups %%xmm0, %1"
				     : "=a" (ret), "=m" (now)
				     : "m" (mine), "0" (16L), "D" ((long)vcpus[i]->fd),
				       "S" ((long)VM_RUN), "d" (0L)
				     : "rcx", "r11", "xmm0", "xmm15", "memory");
			ASSERT_EQ(0, ret);
			ASSERT_EQ(VM_EXITCODE_HLT, vcpus[i]->run->exit_reason)
				vl_describe(vcpus[i], vcpus[i]->run->exit_reason);
			EXPECT_EQ(0, memcmp(mine, now, 16)) TH_LOG("the host lost its XMM0");
			/* What it found is what it left there in the last round, 0 at first. */
			memset(now, round ? 0xa0 + i : 0, 16);
			EXPECT_EQ(0, memcmp(vcpus[i]->vm->ram + VL_DATA, now, 16))
				TH_LOG("guest %u, round %u: XMM0", i, round);
			EXPECT_EQ(0, memcmp(vcpus[i]->vm->ram + VL_DATA + 16, now, 16))
				TH_LOG("guest %u, round %u: XMM15", i, round);
		}
	}
	vl_vcpu_exit(&other);
	vl_vm_exit(&vm);
}

TEST_HARNESS_MAIN
