// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_TRANSLATE over tables built here, in each paging mode; the guest then
 * tries the same access, so that the CPU confirms what the table says.
 */
#include <kselftest_harness.h>

#include "vl.h"

#define P	0x1ULL
#define W	0x2ULL
#define U	0x4ULL
#define PS	0x80ULL
#define NX	(1ULL << 63)
#define R	VMX_LITE_ACCESS_READ
#define WR	VMX_LITE_ACCESS_WRITE
#define X	VMX_LITE_ACCESS_EXEC
#define USR	VMX_LITE_ACCESS_USER

/* Page-fault error code: SDM vol. 3, 4.7. */
#define E_P	1
#define E_W	2
#define E_U	4
#define E_RSVD	8
#define E_I	16

/* Spare pages for tables. */
#define PT	0x30000		/* pages of 4 KiB at 1 GiB */
#define PDPT2	0x31000		/* of PML4 entry 256: the upper half */
#define PD2	0x32000

FIXTURE(translate) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(translate)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(translate)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

struct walk {
	const char *what;
	uint64_t gva;
	uint32_t access;
	uint64_t gpa;
	int error;		/* -1: no fault */
};

static void check(struct __test_metadata *_metadata, struct vl_vcpu *vcpu, const struct walk *w)
{
	struct vmx_lite_translate t = { .gva = w->gva, .access = w->access, .gpa = 99 };

	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_TRANSLATE, &t)) TH_LOG("%s", w->what);
	EXPECT_EQ(w->error >= 0, t.fault) TH_LOG("%s", w->what);
	EXPECT_EQ(w->error >= 0 ? w->error : 0, t.error_code) TH_LOG("%s", w->what);
	if (w->error < 0)
		EXPECT_EQ(w->gpa, t.gpa) TH_LOG("%s", w->what);
}

/* The guest reads or writes at the address itself, at CPL 0. */
static void confirm(struct __test_metadata *_metadata, struct vl_vcpu *vcpu, const struct walk *w)
{
	struct vmx_lite_regs regs = { .rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS,
				      .rax = w->gva };
	struct vl_frame frame;
	int exit;

	if (w->access != R && w->access != WR)
		return;
	/* mov (%eax or %rax), %bl, or mov %bl, to it; hlt */
	vl_load_bytes(vcpu->vm, VL_CODE, w->access == R ? 0x8a : 0x88, 0x18, 0xf4);
	vl_set_regs(vcpu, &regs);
	exit = vl_run(vcpu);
	if (w->error < 0) {
		if (exit == VM_EXITCODE_MMIO) {
			EXPECT_EQ(w->gpa, vcpu->run->mmio.gpa) TH_LOG("%s", w->what);
			exit = vl_run(vcpu);
		}
		EXPECT_EQ(VM_EXITCODE_HLT, exit) TH_LOG("%s: CPU", w->what);
		return;
	}
	ASSERT_EQ(VM_EXITCODE_INOUT, exit) {
		TH_LOG("%s: CPU", w->what);
		vl_describe(vcpu, exit);
	}
	ASSERT_EQ(14, *(uint8_t *)vcpu->data) TH_LOG("%s: CPU", w->what);
	vl_get_frame(vcpu, 14, &frame);
	/* TCG leaves P out of a reserved bit's error code. */
	if (w->error & E_RSVD && vl_under_tcg())
		frame.error |= E_P;
	EXPECT_EQ(w->error, frame.error) TH_LOG("%s: CPU", w->what);
}

TEST_F(translate, no_paging)
{
	static const struct walk walks[] = {
		{ "low", 0x12345, R, 0x12345, -1 },
		{ "high", 0xfffff123, WR, 0xfffff123, -1 },
		{ "user, execute", 0x1234, X | USR, 0x1234, -1 },
	};
	unsigned int i;

	vl_set_mode(&self->vcpu, VL_PROT);
	for (i = 0; i < ARRAY_SIZE(walks); i++)
		check(_metadata, &self->vcpu, &walks[i]);
}

TEST_F(translate, long_mode)
{
	static const struct walk walks[] = {
		{ "2 MiB page", 0x123456, R, 0x123456, -1 },
		{ "last of 4 GiB", 0xffffffff, R, 0xffffffff, -1 },
		{ "execute as user", 0x123456, X | USR, 0x123456, -1 },
		{ "4 KiB page", 0x40000abc, WR, 0x100abc, -1 },
		{ "not present", 0x40001000, R, 0, 0 },
		{ "not present, write", 0x40001000, WR, 0, E_W },
		{ "not present, user", 0x40001000, R | USR, 0, E_U },
		{ "not present, execute", 0x40001000, X, 0, E_I },
		{ "read-only, read", 0x40002000, R, 0x100000, -1 },
		{ "read-only, write", 0x40002fff, WR, 0, E_P | E_W },
		{ "read-only, user write", 0x40002fff, WR | USR, 0, E_P | E_W | E_U },
		{ "supervisor's", 0x40003000, R, 0x100000, -1 },
		{ "supervisor's, user", 0x40003000, R | USR, 0, E_P | E_U },
		{ "no execute, read", 0x40004000, R, 0x100000, -1 },
		{ "no execute", 0x40004000, X, 0, E_P | E_I },
		{ "no execute, user", 0x40004000, X | USR, 0, E_P | E_I | E_U },
		{ "reserved bit", 0x40005000, R, 0, E_P | E_RSVD },
		{ "reserved bit, write", 0x40005000, WR, 0, E_P | E_RSVD | E_W },
		{ "upper half", 0xffff800000000123ULL, R, 0x123, -1 },
		{ "upper half, 4 KiB", 0xffff800000201456ULL, R, 0x101456, -1 },
		{ "PML4 entry absent", 0x8000000000ULL, R, 0, 0 },
		{ "PDPT entry absent", 0x100000000ULL, R, 0, 0 },
		{ "read-only by the PDPT entry", 0xffff800040000000ULL, WR, 0, E_P | E_W },
		{ "no execute by the PDPT entry", 0xffff800040000000ULL, X, 0, E_P | E_I },
		{ "reserved bits of a 2 MiB page", 0xffff800000400000ULL, R, 0, E_P | E_RSVD },
	};
	struct vl_vm *vm = &self->vm;
	unsigned int i;

	vl_write64(vm, VL_PD + 512 * 8, PT | P | W | U);
	vl_write64(vm, PT + 0 * 8, 0x100000 | P | W | U);
	vl_write64(vm, PT + 1 * 8, 0x100000 | W | U);
	vl_write64(vm, PT + 2 * 8, 0x100000 | P | U);
	vl_write64(vm, PT + 3 * 8, 0x100000 | P | W);
	vl_write64(vm, PT + 4 * 8, 0x100000 | P | W | U | NX);
	vl_write64(vm, PT + 5 * 8, 0x100000 | P | W | U | 1ULL << 51);
	vl_write64(vm, VL_PML4 + 256 * 8, PDPT2 | P | W | U);
	vl_write64(vm, PDPT2, PD2 | P | W | U);
	vl_write64(vm, PDPT2 + 8, PD2 | P | U | NX);
	vl_write64(vm, PD2, 0 | P | W | U | PS);
	vl_write64(vm, PD2 + 8, (PT + 0x3000) | P | W | U);
	vl_write64(vm, PT + 0x3000 + 8, 0x101000 | P | W | U);
	vl_write64(vm, PD2 + 16, (1 << 13) | P | W | U | PS);
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		check(_metadata, &self->vcpu, &walks[i]);
		confirm(_metadata, &self->vcpu, &walks[i]);
	}
	/* Not canonical: no page fault, but #GP; there is no translation to give. */
	{
		struct vmx_lite_translate t = { .gva = 1ULL << 47, .access = R };

		EXPECT_EQ(-ERANGE, vl_ioctl(self->vcpu.fd, VM_TRANSLATE, &t));
	}
}

TEST_F(translate, pae)
{
	static const struct walk walks[] = {
		{ "2 MiB page", 0x123456, R, 0x123456, -1 },
		{ "fourth GiB", 0xc0201000, R, 0xc0201000, -1 },
		{ "4 KiB page", 0x40000abc, R, 0x100abc, -1 },
		{ "read-only, write", 0x40002fff, WR, 0, E_P | E_W },
		/* XD is reserved without EFER.NXE. */
		{ "bit 63", 0x40004000, R, 0, E_P | E_RSVD },
		{ "not present, execute: no I without NXE", 0x40001000, X, 0, 0 },
	};
	struct vl_vm *vm = &self->vm;
	unsigned int i;

	vl_set_mode(&self->vcpu, VL_PAE);
	vl_write64(vm, VL_PD + 512 * 8, PT | P | W | U);
	vl_write64(vm, PT + 0 * 8, 0x100000 | P | W | U);
	vl_write64(vm, PT + 1 * 8, 0);
	vl_write64(vm, PT + 2 * 8, 0x100000 | P | U);
	vl_write64(vm, PT + 4 * 8, 0x100000 | P | W | U | NX);
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		check(_metadata, &self->vcpu, &walks[i]);
		confirm(_metadata, &self->vcpu, &walks[i]);
	}
}

TEST_F(translate, paged32)
{
	static const struct walk walks[] = {
		{ "4 MiB page", 0x123456, R, 0x123456, -1 },
		{ "high 4 MiB page", 0xffc00001, R, 0xffc00001, -1 },
		{ "4 KiB page", 0x40000abc, WR, 0x100abc, -1 },
		{ "not present", 0x40001000, R, 0, 0 },
		{ "read-only, write", 0x40002fff, WR, 0, E_P | E_W },
		{ "supervisor's, user", 0x40003000, R | USR, 0, E_P | E_U },
		/* Bits 39:32 of a 4 MiB page are in bits 20:13; 21 is reserved. */
		{ "reserved bit 21", 0x40400000, R, 0, E_P | E_RSVD },
	};
	static const struct {
		unsigned int at;
		uint32_t value;
	} entries[] = {
		{ VL_PD32 + 256 * 4, PT | 7 }, { VL_PD32 + 257 * 4, 1 << 21 | 0x87 },
		{ PT, 0x100000 | 7 }, { PT + 4, 0x100000 | 6 }, { PT + 8, 0x100000 | 5 },
		{ PT + 12, 0x100000 | 3 },
	};
	unsigned int i;

	vl_set_mode(&self->vcpu, VL_PAGED);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		memcpy(self->vm.ram + entries[i].at, &entries[i].value, 4);
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		check(_metadata, &self->vcpu, &walks[i]);
		confirm(_metadata, &self->vcpu, &walks[i]);
	}
}

/* CR0.WP: without it the supervisor writes where it likes. */
TEST_F(translate, write_protect)
{
	static const struct walk allowed = { "WP = 0", 0x40002000, WR, 0x100000, -1 };
	static const struct walk refused = { "WP = 0, user", 0x40002000, WR | USR, 0,
					     E_P | E_W | E_U };
	struct vmx_lite_control c;

	vl_write64(&self->vm, VL_PD + 512 * 8, PT | P | W | U);
	vl_write64(&self->vm, PT + 2 * 8, 0x100000 | P | U);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.cr0 &= ~VL_CR0_WP;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	check(_metadata, &self->vcpu, &allowed);
	confirm(_metadata, &self->vcpu, &allowed);
	check(_metadata, &self->vcpu, &refused);
}

/* A look from outside leaves the accessed and dirty bits alone. */
TEST_F(translate, no_side_effects)
{
	struct vmx_lite_translate t = { .gva = 0x40000000, .access = WR };

	vl_write64(&self->vm, VL_PD + 512 * 8, PT | P | W | U);
	vl_write64(&self->vm, PT, 0x100000 | P | W | U);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_TRANSLATE, &t));
	EXPECT_EQ(0x100000 | P | W | U, vl_read64(&self->vm, PT));
}

TEST_F(translate, bad)
{
	struct vmx_lite_translate t = { .gva = 0x1000 };

	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_TRANSLATE, &t));
	t.access = 1 << 4 | R;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_TRANSLATE, &t));
	t.access = R;
	t.pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_TRANSLATE, &t));
	t.pad = 0;
	EXPECT_EQ(0, vl_ioctl(self->vcpu.fd, VM_TRANSLATE, &t));
}

TEST_HARNESS_MAIN
