// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers and modes: the ladder from real mode to 64 bits and back,
 * and what MOV to a control register allows (SDM vol. 3, 2.5).
 */
#include <kselftest_harness.h>

#include "vl.h"

/* selftests/guests/ladder.S: each rung writes a letter to the serial port. */
VL_GUEST(ladder, 16, ".incbin \"" GUESTS "/ladder.bin\"");

#define LADDER_AT	0x8000

FIXTURE(modes) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(modes)
{
	vl_vm_init(&self->vm, 4 << 20);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(modes)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

TEST_F(modes, ladder)
{
	char out[32] = "";
	unsigned int n = 0;

	vl_set_mode(&self->vcpu, VL_REAL);
	vl_load(&self->vm, LADDER_AT, ladder);
	vl_start(&self->vcpu, LADDER_AT, VL_FLAGS);
	for (;;) {
		ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
		if (self->vcpu.run->inout.port != 0x3f8)
			break;
		ASSERT_GT(sizeof(out) - 1, n);
		out[n++] = *(uint8_t *)self->vcpu.data;
	}
	EXPECT_STREQ("RPGACLcpr\n", out);
	EXPECT_EQ(0xf4, self->vcpu.run->inout.port);
	EXPECT_EQ(0x10, *(uint8_t *)self->vcpu.data);
}

/*
 * A table of code, all from 64-bit mode at CPL 0: it ends with HLT and RAX as
 * said, or with the exception that is said.
 */
#define NONE		255
#define TRY(insns, rax, vector)	asm(VL_INSN(64, insns, rax, vector))

/* CR0: helpers start with PE, NE, ET, WP, PG. */
TRY("mov %cr0, %rax", 0x80010031, 255);
TRY("mov %cr0, %rax; or $8, %eax; mov %rax, %cr0; mov %cr0, %rax", 0x80010039, 255);
TRY("mov %cr0, %rax; or $8, %eax; mov %rax, %cr0; clts; mov %cr0, %rax", 0x80010031, 255);
TRY("mov %cr0, %rax; and $~0x20, %eax; mov %rax, %cr0; mov %cr0, %rax", 0x80010011, 255);
TRY("smsw %rax", 0x80010031, 255);
TRY("mov $0xf, %eax; lmsw %ax; smsw %rax", 0x8001003f, 255);
/* LMSW cannot clear PE: SDM vol. 2 */
TRY("xor %eax, %eax; lmsw %ax; smsw %rax", 0x80010031, 255);
/* ET is 1 whatever is written. */
TRY("mov $0x80010021, %eax; mov %rax, %cr0; mov %cr0, %rax", 0x80010031, 255);
/* Reserved bits below 32 are ignored, those above are #GP. */
TRY("mov $0x80010131, %eax; mov %rax, %cr0; mov %cr0, %rax; and $~0x100, %eax", 0x80010031, 255);
TRY("movabs $0x180010031, %rax; mov %rax, %cr0", 0, 13);
TRY("mov $0x80010030, %eax; mov %rax, %cr0", 0, 13);		/* PG without PE */
TRY("mov $0xa0010031, %eax; mov %rax, %cr0", 0, 13);		/* NW without CD */
TRY("mov $0xe0010031, %eax; mov %rax, %cr0; mov %cr0, %rax", 0xe0010031, 255);
TRY("mov $0xc0010031, %eax; mov %rax, %cr0; mov %cr0, %rax", 0xc0010031, 255);
/* Paging off is not possible in 64-bit mode. */
TRY("mov $0x00010031, %eax; mov %rax, %cr0", 0, 13);
/* CR4: PAE; VMXE is the host's own. */
TRY("mov %cr4, %rax", 0x20, 255);
TRY("mov $0x0230, %eax; mov %rax, %cr4; mov %cr4, %rax", 0x230, 255);
TRY("mov $0x2020, %eax; mov %rax, %cr4", 0, 13);		/* VMXE */
TRY("mov $0x0000, %eax; mov %rax, %cr4", 0, 13);		/* PAE off */
TRY("mov $0x8020, %eax; mov %rax, %cr4", 0, 13);		/* bit 15 */
TRY("movabs $0x100000020, %rax; mov %rax, %cr4", 0, 13);
TRY("movabs $0x8000000000000020, %rax; mov %rax, %cr4", 0, 13);
/* CR3 */
TRY("mov %cr3, %rax; mov %rax, %cr3; mov %cr3, %rax", 0x10000, 255);
TRY("mov $0x10018, %eax; mov %rax, %cr3; mov %cr3, %rax", 0x10018, 255);
TRY("movabs $0x0010000000010000, %rax; mov %rax, %cr3", 0, 13);
TRY("movabs $0x4000000000010000, %rax; mov %rax, %cr3", 0, 13);
/* CR8 */
TRY("mov $15, %eax; mov %rax, %cr8; xor %eax, %eax; mov %cr8, %rax", 15, 255);
TRY("mov $16, %eax; mov %rax, %cr8", 0, 13);
/* CR2 takes anything. */
TRY("mov $-1, %rax; mov %rax, %cr2; xor %eax, %eax; mov %cr2, %rax", -1, 255);
/* No such registers */
TRY(".byte 0x0f, 0x20, 0xc8", 0, 6);				/* CR1 */
TRY(".byte 0x0f, 0x22, 0xe8", 0, 6);				/* CR5 */
/* EFER: LMA is read-only, SCE and NXE may change. */
TRY("mov $0xc0000080, %ecx; rdmsr", 0xd00, 255);
TRY("mov $0xc0000080, %ecx; mov $0x101, %eax; xor %edx, %edx; wrmsr; rdmsr", 0x501, 255);
TRY("mov $0xc0000080, %ecx; mov $0x103, %eax; xor %edx, %edx; wrmsr", 0, 13);
/* VMX instructions are #UD for a guest without VMX; VMCALL too. */
TRY("vmcall", 0, 6);
TRY("mov $0x20000, %eax; vmxon (%rax)", 0, 6);
TRY("mov $0x20000, %eax; vmptrld (%rax)", 0, 6);
TRY("vmlaunch", 0, 6);
TRY("vmresume", 0, 6);
TRY("vmxoff", 0, 6);
TRY("vmread %rax, %rbx", 0, 6);
/* Caches: allowed, and do nothing that one could see. */
TRY("wbinvd; mov $1, %eax", 1, 255);
TRY("invd; mov $1, %eax", 1, 255);
TRY("invlpg 0x1000; mov $1, %eax", 1, 255);
/* Without a CPUID table there is no XSAVE, RDTSCP or INVPCID. */
TRY("ud2", 0, 6);
TRY("xor %ecx, %ecx; xgetbv", 0, 6);

TEST_F(modes, control_registers)
{
	const struct vl_insn *t;
	struct vmx_lite_regs regs;
	int exit;

	ASSERT_LT(30, __stop_vl_insns - __start_vl_insns);
	for (t = __start_vl_insns; t < __stop_vl_insns; t++) {
		vl_set_mode(&self->vcpu, VL_LONG);
		memcpy(self->vm.ram + VL_CODE, t->code, t->end - t->code);
		self->vm.ram[VL_CODE + (t->end - t->code)] = 0xf4;
		exit = vl_run(&self->vcpu);
		if (t->how == NONE) {
			EXPECT_EQ(VM_EXITCODE_HLT, exit) {
				TH_LOG("%s", t->text);
				vl_describe(&self->vcpu, exit);
			}
			if (exit != VM_EXITCODE_HLT)
				continue;
			vl_get_regs(&self->vcpu, &regs);
			EXPECT_EQ(t->want, regs.rax) TH_LOG("%s", t->text);
			continue;
		}
		EXPECT_EQ(VM_EXITCODE_INOUT, exit) {
			TH_LOG("%s", t->text);
			vl_describe(&self->vcpu, exit);
		}
		if (exit != VM_EXITCODE_INOUT)
			continue;
		EXPECT_EQ(VL_PORT_VECTOR, self->vcpu.run->inout.port) TH_LOG("%s", t->text);
		EXPECT_EQ(t->how, *(uint8_t *)self->vcpu.data) TH_LOG("%s", t->text);
	}
}

/*
 * The TLB: a page changes under the guest's feet; INVLPG, a new CR3 and CR4.PGE
 * each make the change seen, also of a global page the last.
 */
VL_GUEST(tlb, 64,
	 "mov 0x40000000, %eax;"	/* fills the TLB */
	 "movq $0x102103, 0x30000;"	/* the PTE, global: now page 0x102000 */
	 "invlpg 0x40000000; mov 0x40000000, %ebx;"
	 "movq $0x103003, 0x30000;"
	 "mov %cr3, %rcx; mov %rcx, %cr3;"
	 "mov %cr4, %rdx; xor $0x80, %edx; mov %rdx, %cr4; mov 0x40000000, %ecx; hlt");

TEST_F(modes, tlb)
{
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;
	unsigned int pge;

	for (pge = 0; pge < 2; pge++) {
		vl_set_mode(&self->vcpu, VL_LONG);
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
		c.cr4 |= pge << 7;
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
		vl_write64(&self->vm, VL_PD + 512 * 8, 0x30003);
		vl_write64(&self->vm, 0x30000, 0x101103);
		vl_write64(&self->vm, 0x101000, 0x1111);
		vl_write64(&self->vm, 0x102000, 0x2222);
		vl_write64(&self->vm, 0x103000, 0x3333);
		vl_load(&self->vm, VL_CODE, tlb);
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		vl_get_regs(&self->vcpu, &regs);
		EXPECT_EQ(0x1111, regs.rax);
		EXPECT_EQ(0x2222, regs.rbx);
		EXPECT_EQ(0x3333, regs.rcx);
	}
}

/* New tables by user space: nothing of the old remains. */
TEST_F(modes, tlb_set_control)
{
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;

	/* mov 0x40000000, %eax; hlt */
	vl_load_bytes(&self->vm, VL_CODE, 0x8b, 0x04, 0x25, 0, 0, 0, 0x40, 0xf4);
	vl_write64(&self->vm, VL_PD + 512 * 8, 0x30003);
	vl_write64(&self->vm, 0x30000, 0x101003);
	vl_write64(&self->vm, 0x101000, 0x1111);
	vl_write64(&self->vm, 0x102000, 0x2222);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_write64(&self->vm, 0x30000, 0x102003);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(0x2222, regs.rax);
}

/* PAE: MOV to CR3 loads the four PDPTEs, and checks them (SDM vol. 3, 4.4.1). */
VL_GUEST(pae_cr3, 32, "mov $0x31000, %eax; mov %eax, %cr3; mov 0x40000000, %ebx; hlt");

TEST_F(modes, pdptes)
{
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;
	struct vl_frame frame;
	unsigned int i;

	vl_set_mode(&self->vcpu, VL_PAE);
	vl_load(&self->vm, VL_CODE, pae_cr3);
	/* 1 GiB is the first 2 MiB once more. */
	vl_write64(&self->vm, 0x31000, VL_PD | 1);
	vl_write64(&self->vm, 0x31008, VL_PD | 1);
	vl_write64(&self->vm, 0x31010, 0);
	vl_write64(&self->vm, 0x31018, 0);
	memcpy(self->vm.ram, "abcd", 4);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(0x64636261, regs.rbx);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(vl_read64(&self->vm, 0x31000 + i * 8), c.pdpte[i]);

	/* A reserved bit: #GP, and CR3 stays. */
	vl_set_mode(&self->vcpu, VL_PAE);
	vl_write64(&self->vm, 0x31008, VL_PD | 3);
	ASSERT_VECTOR(13, &self->vcpu);
	vl_get_frame(&self->vcpu, 13, &frame);
	EXPECT_EQ(VL_CODE + 5, frame.rip);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	EXPECT_EQ(VL_PDPT_PAE, c.cr3);
}

/* Long mode cannot be entered with a 16-bit TSS: SDM vol. 2, MOV to control registers */
TEST_F(modes, long_mode_16_bit_tss)
{
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;
	struct vmx_lite_segs segs;

	vl_set_mode(&self->vcpu, VL_PROT);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.efer |= 1 << 8;	/* LME */
	c.cr4 |= 1 << 5;	/* PAE */
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &segs));
	segs.tr.attr = 0x83;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &segs));
	vl_load_bytes(&self->vm, VL_CODE, 0x0f, 0x22, 0xc0, 0xf4);	/* mov %eax, %cr0 */
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	vl_get_regs(&self->vcpu, &regs);
	regs.rax = c.cr0 | 1U << 31;
	vl_set_regs(&self->vcpu, &regs);
	ASSERT_VECTOR(13, &self->vcpu);
}

/* EFER.NXE: the bit is what makes XD mean something. */
TEST_F(modes, no_execute)
{
	struct vl_frame frame;

	vl_load_bytes(&self->vm, 0x100000, 0xf4);
	vl_write64(&self->vm, VL_PD + 512 * 8, 0x30003);
	vl_write64(&self->vm, 0x30000, 0x100003 | 1ULL << 63);
	vl_start(&self->vcpu, 0x40000000, VL_FLAGS);
	ASSERT_VECTOR(14, &self->vcpu);
	vl_get_frame(&self->vcpu, 14, &frame);
	EXPECT_EQ(0x11, frame.error);
	EXPECT_EQ(0x40000000, frame.rip);
	vl_write64(&self->vm, 0x30000, 0x100003);
	vl_set_frame_rip(&self->vcpu, 14, VL_CODE);
	/* invlpg 0x40000000; jmp *%rax, which holds it */
	vl_load_bytes(&self->vm, VL_CODE, 0x0f, 0x01, 0x3c, 0x25, 0, 0, 0, 0x40,
		      0xb8, 0, 0, 0, 0x40, 0xff, 0xe0);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(0x40000001, self->vcpu.run->rip);
}

/* 16-bit protected mode and virtual-8086 mode, in which much else is different. */
TEST_F(modes, virtual_8086)
{
	struct vmx_lite_segs s;
	struct vl_frame frame;
	struct vmx_lite_segment seg = { .selector = 0x100, .base = 0x1000, .limit = 0xffff,
					.attr = 0xf3 };

	vl_set_mode(&self->vcpu, VL_PROT);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &s));
	s.cs = seg;
	s.ds = seg;
	s.es = seg;
	s.ss = seg;
	s.fs = seg;
	s.gs = seg;
	vl_start(&self->vcpu, 0x10, VL_FLAGS | 1 << 17 | 3 << 12);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &s));
	/* mov $0x1234, %ax; mov %ax, 0x200; then HLT, which is #GP there */
	vl_load_bytes(&self->vm, 0x1010, 0xb8, 0x34, 0x12, 0xa3, 0x00, 0x02, 0xf4);
	/* The gate leads to CPL 0 by the TSS: ESP0, SS0. */
	self->vm.ram[VL_TSS + 8] = VL_DS;
	ASSERT_VECTOR(13, &self->vcpu);
	vl_get_frame(&self->vcpu, 13, &frame);
	EXPECT_EQ(0x16, frame.rip);
	EXPECT_EQ(0x100, frame.cs);
	EXPECT_EQ(1 << 17, frame.rflags & 1 << 17);
	EXPECT_EQ(0x1234, vl_read64(&self->vm, 0x1200) & 0xffff);
}

TEST_HARNESS_MAIN
