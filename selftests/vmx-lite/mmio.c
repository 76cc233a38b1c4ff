// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions whose memory operand is no memory.  A table of them runs twice
 * from the same registers: on RAM, where the CPU executes them, and on MMIO,
 * where the engine does.  Registers, flags and the device's bytes must be
 * equal, so that the CPU itself says what is right.
 */
#include <kselftest_harness.h>

#include "vl.h"

#define CF	0x001
#define PF	0x004
#define AF	0x010
#define ZF	0x040
#define SF	0x080
#define OF	0x800
#define ALL	(CF | PF | AF | ZF | SF | OF)
#define LOGIC	(ALL & ~AF)		/* AND, OR, XOR, TEST leave AF undefined */
#define BIT	CF			/* BT and its kind leave the others undefined */

#define RAM_AT	0x28000		/* where the operand lies in RAM */
#define BEFORE	64		/* bytes of the device before the operand */
#define SIZE	256

/* %rbx is the operand; @flags are those that are defined after it. */
#define E64(insn, flags)	VL_INSN(64, insn, flags, 4)
#define INSN(insn, flags)	asm(E64(insn, flags))
#define INSN32(insn, flags)	asm(VL_INSN(32, insn, flags, 1))

/* MOV, of each size, from and to each kind of register */
INSN("movb %al, (%rbx)", ALL);
INSN("movb %ah, (%rbx)", ALL);
INSN("movb %sil, (%rbx)", ALL);
INSN("movb %r9b, (%rbx)", ALL);
INSN("movw %ax, (%rbx)", ALL);
INSN("movl %eax, (%rbx)", ALL);
INSN("movq %rax, (%rbx)", ALL);
INSN("movq %r15, (%rbx)", ALL);
INSN("movb (%rbx), %al", ALL);
INSN("movb (%rbx), %ch", ALL);
INSN("movb (%rbx), %dil", ALL);
INSN("movw (%rbx), %dx", ALL);
INSN("movl (%rbx), %edx", ALL);
INSN("movq (%rbx), %rdx", ALL);
INSN("movq (%rbx), %r8", ALL);
INSN("movl (%rbx), %ebx", ALL);
INSN("movb $0x5a, (%rbx)", ALL);
INSN("movw $0x5aa5, (%rbx)", ALL);
INSN("movl $0x12345678, (%rbx)", ALL);
INSN("movq $-5, (%rbx)", ALL);
/* addressing */
INSN("movl 8(%rbx), %eax", ALL);
INSN("movl -8(%rbx), %eax", ALL);
INSN("movl 128(%rbx), %eax", ALL);
INSN("movl (%rbx,%r10), %eax", ALL);
INSN("movl 4(%rbx,%r10,8), %eax", ALL);
INSN("movl %eax, -4(%rbx,%r10,4)", ALL);
INSN("movl 3(%rbx), %eax", ALL);
INSN("movq 5(%rbx), %rax", ALL);
INSN("addr32 movl (%ebx), %eax", ALL);
INSN("movl %fs:(%rbx), %eax", ALL);
INSN("mov (%r13), %eax", ALL);
INSN("mov (%r12), %eax", ALL);
INSN("mov 4(%rbp), %eax", ALL);
/* MOVZX, MOVSX */
INSN("movzbw (%rbx), %ax", ALL);
INSN("movzbl (%rbx), %eax", ALL);
INSN("movzbq (%rbx), %rax", ALL);
INSN("movzwl (%rbx), %eax", ALL);
INSN("movzwq (%rbx), %rax", ALL);
INSN("movsbw (%rbx), %ax", ALL);
INSN("movsbl (%rbx), %eax", ALL);
INSN("movsbq (%rbx), %r11", ALL);
INSN("movswl (%rbx), %eax", ALL);
INSN("movswq (%rbx), %rax", ALL);
INSN("movslq (%rbx), %rax", ALL);
/* arithmetic and logic: memory as destination, as source, and immediates */
#define ARITH(op, flags)						\
	asm(E64(#op "b %al, (%rbx)", flags)				\
	    E64(#op "w %ax, (%rbx)", flags)				\
	    E64(#op "l %eax, (%rbx)", flags)				\
	    E64(#op "q %rax, (%rbx)", flags)				\
	    E64(#op "b (%rbx), %al", flags)				\
	    E64(#op "w (%rbx), %ax", flags)				\
	    E64(#op "l (%rbx), %eax", flags)				\
	    E64(#op "q (%rbx), %rax", flags)				\
	    E64(#op "b $0x81, (%rbx)", flags)				\
	    E64(#op "w $0x8001, (%rbx)", flags)				\
	    E64(#op "l $0x80000001, (%rbx)", flags)			\
	    E64(#op "l $-2, (%rbx)", flags)				\
	    E64(#op "q $-2, (%rbx)", flags))
ARITH(add, ALL);
ARITH(sub, ALL);
ARITH(cmp, ALL);
ARITH(and, LOGIC);
ARITH(or, LOGIC);
ARITH(xor, LOGIC);
INSN("testb %al, (%rbx)", LOGIC);
INSN("testw %ax, (%rbx)", LOGIC);
INSN("testl %eax, (%rbx)", LOGIC);
INSN("testq %rax, (%rbx)", LOGIC);
INSN("testb $0x80, (%rbx)", LOGIC);
INSN("testl $0x80000000, (%rbx)", LOGIC);
INSN("testq $-1, (%rbx)", LOGIC);
INSN("lock addl %eax, (%rbx)", ALL);
INSN("lock orb $0x80, (%rbx)", LOGIC);
INSN("lock xorq %rax, (%rbx)", LOGIC);
/* XCHG */
INSN("xchgb %al, (%rbx)", ALL);
INSN("xchgw %ax, (%rbx)", ALL);
INSN("xchgl %eax, (%rbx)", ALL);
INSN("xchgq %rax, (%rbx)", ALL);
/* BT, BTS, BTR, BTC: a register may reach beyond the operand, an immediate not */
#define BITS(op)							\
	asm(E64(#op "w %r10w, (%rbx)", BIT)				\
	    E64(#op "l %r10d, (%rbx)", BIT)				\
	    E64(#op "q %r10, (%rbx)", BIT)				\
	    E64(#op "l %r11d, (%rbx)", BIT)				\
	    E64(#op "q %r11, (%rbx)", BIT)				\
	    E64(#op "l %r14d, (%rbx)", BIT)				\
	    E64(#op "w $9, (%rbx)", BIT)				\
	    E64(#op "l $31, (%rbx)", BIT)				\
	    E64(#op "q $63, (%rbx)", BIT))
BITS(bt);
BITS(bts);
BITS(btr);
BITS(btc);
INSN("lock btsl $7, (%rbx)", BIT);
/* string instructions: one side is the device, or both */
INSN("movsb", ALL);
INSN("movsw", ALL);
INSN("movsl", ALL);
INSN("movsq", ALL);
INSN("rep movsb", ALL);
INSN("rep movsl", ALL);
INSN("stosb", ALL);
INSN("stosw", ALL);
INSN("stosl", ALL);
INSN("stosq", ALL);
INSN("rep stosb", ALL);
INSN("rep stosl", ALL);
INSN("std; rep stosw; cld", ALL);
INSN("std; movsl; cld", ALL);
/* in 32-bit code: the accumulator's own forms, and 16-bit addresses */
INSN32("movb %al, (%ebx)", ALL);
INSN32("movw %ax, 2(%ebx)", ALL);
INSN32("movl %eax, 4(%ebx,%ecx,4)", ALL);
INSN32("movl (%ebx), %esi", ALL);
INSN32("addl %eax, (%ebx)", ALL);
INSN32("orb $1, (%ebx)", LOGIC);
INSN32("movzwl (%ebx), %eax", ALL);
INSN32("xchgl %edx, (%ebx)", ALL);
INSN32("rep movsl", ALL);
INSN32("stosl", ALL);
INSN32("btsl %ecx, (%ebx)", BIT);

FIXTURE(mmio) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	uint8_t device[SIZE];
	unsigned int reads, writes;
};

FIXTURE_SETUP(mmio)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(mmio)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static void fill(uint8_t *p)
{
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		p[i] = 0x93 + i * 0x35;
}

static void start(struct vl_vcpu *vcpu, const struct vl_insn *t, uint64_t operand,
		  struct vmx_lite_regs *regs)
{
	size_t len = t->end - t->code;

	memcpy(vcpu->vm->ram + VL_CODE, t->code, len);
	vcpu->vm->ram[VL_CODE + len] = 0xf4;
	*regs = (struct vmx_lite_regs){
		.rax = 0x8877665544332211, .rbx = operand, .rcx = 5, .rdx = 0x0102030405060708,
		.rbp = operand, .rsi = operand + 32, .rdi = operand, .rsp = VL_STACK,
		.r8 = 8, .r9 = 0x9999, .r10 = 3, .r11 = 100, .r12 = operand, .r13 = operand,
		.r14 = -70, .r15 = 0xf0f1f2f3f4f5f6f7,
		.rip = VL_CODE, .rflags = VL_FLAGS | CF | PF,
	};
	if (t->how == VL_PROT) {
		regs->rax = 0x80332211;
		regs->rdx = 0x81020304;
	}
	vl_set_regs(vcpu, regs);
}

/* Run to HLT, being the device of all that comes. */
static int serve(struct __test_metadata *_metadata, struct vl_vcpu *vcpu, uint8_t *device,
		 unsigned int *reads, unsigned int *writes)
{
	struct vmx_lite_run *run = vcpu->run;
	uint64_t offset;
	int exit;

	*reads = *writes = 0;
	while ((exit = vl_run(vcpu)) == VM_EXITCODE_MMIO) {
		offset = run->mmio.gpa - VL_MMIO;
		ASSERT_GE(SIZE, offset + run->mmio.size) vl_describe(vcpu, exit);
		ASSERT_NE(0, run->mmio.size);
		ASSERT_EQ(0, run->mmio.size & (run->mmio.size - 1));
		EXPECT_EQ(VL_CODE, run->rip & ~0xfULL);
		if (run->mmio.is_write) {
			memcpy(device + offset, &run->mmio.data, run->mmio.size);
			++*writes;
		} else {
			run->mmio.data = 0xeeeeeeeeeeeeeeeeULL;
			memcpy(&run->mmio.data, device + offset, run->mmio.size);
			++*reads;
		}
		ASSERT_GT(64, *reads + *writes);
	}
	return exit;
}

TEST_F(mmio, table)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	uint8_t *ram = self->vm.ram + RAM_AT;
	struct vmx_lite_regs before, on_ram, on_mmio;
	unsigned int reads, writes, i, bad = 0;
	const struct vl_insn *t;
	__u64 *a, *b, *init;
	int exit;

	ASSERT_LT(150, __stop_vl_insns - __start_vl_insns);
	for (t = __start_vl_insns; t < __stop_vl_insns; t++) {
		vl_set_mode(vcpu, t->how);
		fill(ram);
		fill(self->device);
		start(vcpu, t, RAM_AT + BEFORE, &before);
		ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
		vl_get_regs(vcpu, &on_ram);

		start(vcpu, t, VL_MMIO + BEFORE, &before);
		exit = serve(_metadata, vcpu, self->device, &reads, &writes);
		EXPECT_EQ(VM_EXITCODE_HLT, exit) {
			TH_LOG("%s", t->text);
			vl_describe(vcpu, exit);
		}
		if (exit != VM_EXITCODE_HLT)
			continue;
		EXPECT_NE(0, reads + writes) TH_LOG("%s: no exit", t->text);
		vl_get_regs(vcpu, &on_mmio);

		EXPECT_EQ(0, memcmp(ram, self->device, SIZE)) TH_LOG("%s: memory", t->text);
		EXPECT_EQ(on_ram.rip, on_mmio.rip) TH_LOG("%s", t->text);
		EXPECT_EQ(on_ram.rflags & t->want, on_mmio.rflags & t->want)
			TH_LOG("%s: flags", t->text);
		EXPECT_EQ(on_ram.rflags & ~ALL, on_mmio.rflags & ~ALL) TH_LOG("%s", t->text);
		/* An address differs by the distance of the two operands. */
		a = &on_ram.rax;
		b = &on_mmio.rax;
		init = &before.rax;
		for (i = 0; i < (t->how == VL_LONG ? 16 : 8); i++) {
			bool moved = init[i] - VL_MMIO < SIZE && b[i] - VL_MMIO < SIZE;

			EXPECT_EQ(moved ? a[i] - RAM_AT : a[i], moved ? b[i] - VL_MMIO : b[i]) {
				TH_LOG("%s: register %u", t->text, i);
				bad++;
			}
		}
	}
	EXPECT_EQ(0, bad);
}

/* One access, of the instruction's size, to the right address: what a device relies on. */
static const struct {
	uint8_t code[8];
	uint8_t len, size, reads, writes;
	uint64_t data;		/* of the write */
} accesses[] = {
	{ { 0x88, 0x03 }, 2, 1, 0, 1, 0x11 },			/* movb %al, (%rbx) */
	{ { 0x66, 0x89, 0x03 }, 3, 2, 0, 1, 0x2211 },
	{ { 0x89, 0x03 }, 2, 4, 0, 1, 0x44332211 },
	{ { 0x48, 0x89, 0x03 }, 3, 8, 0, 1, 0x8877665544332211 },
	{ { 0x8a, 0x03 }, 2, 1, 1, 0, 0 },
	{ { 0x48, 0x8b, 0x03 }, 3, 8, 1, 0, 0 },
	{ { 0x0f, 0xb7, 0x03 }, 3, 2, 1, 0, 0 },		/* movzwl */
	{ { 0x01, 0x03 }, 2, 4, 1, 1, 0x44332211 + 0x10 },	/* addl */
	{ { 0x39, 0x03 }, 2, 4, 1, 0, 0 },			/* cmpl */
	{ { 0x87, 0x03 }, 2, 4, 1, 1, 0x44332211 },		/* xchgl */
	{ { 0x48, 0xc7, 0x03, 0xfe, 0xff, 0xff, 0xff }, 7, 8, 0, 1, -2ULL },
};

TEST_F(mmio, accesses)
{
	struct vmx_lite_run *run = self->vcpu.run;
	struct vmx_lite_regs regs;
	unsigned int i;
	struct vl_insn t = { .how = VL_LONG };

	for (i = 0; i < ARRAY_SIZE(accesses); i++) {
		t.code = accesses[i].code;
		t.end = t.code + accesses[i].len;
		start(&self->vcpu, &t, VL_MMIO + BEFORE, &regs);
		if (accesses[i].reads) {
			ASSERT_EXIT(VM_EXITCODE_MMIO, &self->vcpu);
			EXPECT_EQ(0, run->mmio.is_write);
			EXPECT_EQ(accesses[i].size, run->mmio.size) TH_LOG("access %u", i);
			EXPECT_EQ(VL_MMIO + BEFORE, run->mmio.gpa);
			EXPECT_EQ(VL_CODE, run->rip);
			vl_get_regs(&self->vcpu, &regs);
			EXPECT_EQ(VL_CODE, regs.rip);
			EXPECT_EQ(0x8877665544332211, regs.rax);
			run->mmio.data = 0x10;
		}
		if (accesses[i].writes) {
			ASSERT_EXIT(VM_EXITCODE_MMIO, &self->vcpu);
			EXPECT_EQ(1, run->mmio.is_write);
			EXPECT_EQ(accesses[i].size, run->mmio.size) TH_LOG("access %u", i);
			EXPECT_EQ(VL_MMIO + BEFORE, run->mmio.gpa);
			EXPECT_EQ(accesses[i].data, run->mmio.data) TH_LOG("access %u", i);
		}
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		vl_get_regs(&self->vcpu, &regs);
		EXPECT_EQ(VL_CODE + accesses[i].len + 1, regs.rip);
	}
}

/* From RAM to the device and back; and the operand half RAM, half device. */
TEST_F(mmio, mixed)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rcx = 16,
		.rsi = VL_DATA, .rdi = VL_MMIO,
	};
	unsigned int reads, writes;

	fill(self->vm.ram + VL_DATA);
	memset(self->device, 0, SIZE);
	vl_load_bytes(&self->vm, VL_CODE, 0xf3, 0xa5, 0xf4);	/* rep movsl; hlt */
	vl_set_regs(vcpu, &regs);
	ASSERT_EQ(VM_EXITCODE_HLT, serve(_metadata, vcpu, self->device, &reads, &writes));
	EXPECT_EQ(0, reads);
	EXPECT_EQ(16, writes);
	EXPECT_EQ(0, memcmp(self->device, self->vm.ram + VL_DATA, 64));
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(0, regs.rcx);
	EXPECT_EQ(VL_MMIO + 64, regs.rdi);

	regs = (struct vmx_lite_regs){
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rcx = 8,
		.rsi = VL_MMIO, .rdi = VL_DATA + 0x1000,
	};
	vl_set_regs(vcpu, &regs);
	ASSERT_EQ(VM_EXITCODE_HLT, serve(_metadata, vcpu, self->device, &reads, &writes));
	EXPECT_EQ(8, reads);
	EXPECT_EQ(0, writes);
	EXPECT_EQ(0, memcmp(self->device, self->vm.ram + VL_DATA + 0x1000, 32));

	/* The first device page right behind RAM. */
	vl_load_bytes(&self->vm, VL_CODE, 0x48, 0x89, 0x03, 0xf4);	/* movq %rax, (%rbx) */
	regs = (struct vmx_lite_regs){
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS,
		.rax = 0x1122334455667788, .rbx = self->vm.ram_size - 4,
	};
	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(self->vm.ram_size, vcpu->run->mmio.gpa);
	EXPECT_EQ(4, vcpu->run->mmio.size);
	EXPECT_EQ(0x11223344, vcpu->run->mmio.data & 0xffffffff);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	EXPECT_EQ(0x5566778800000000ULL, vl_read64(&self->vm, self->vm.ram_size - 8) &
		  0xffffffff00000000ULL);
}

/* The instruction lies across two pages, the second of them elsewhere. */
TEST_F(mmio, insn_across_pages)
{
	struct vmx_lite_regs regs = {
		.rip = 0x40001ffd, .rsp = VL_STACK, .rflags = VL_FLAGS, .rax = 0xabcd,
		.rbx = VL_MMIO,
	};

	/* 0x40001000 is 0x101000, 0x40002000 is 0x150000: movl %eax, 0x80000000(%rbx), 6 bytes */
	vl_write64(&self->vm, VL_PD + 512 * 8, 0x30007);
	vl_write64(&self->vm, 0x30008, 0x101007);
	vl_write64(&self->vm, 0x30010, 0x150007);
	vl_load_bytes(&self->vm, 0x101ffd, 0x89, 0x83, 0x00);
	vl_load_bytes(&self->vm, 0x150000, 0x01, 0x00, 0x20, 0xf4);
	vl_set_regs(&self->vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_MMIO, &self->vcpu);
	/* VL_MMIO + 0x20000100 */
	EXPECT_EQ(VL_MMIO + 0x20000100ULL, self->vcpu.run->mmio.gpa);
	EXPECT_EQ(0xabcd, self->vcpu.run->mmio.data);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(0x40002004, self->vcpu.run->rip);
}

/* Real mode: 16-bit addresses, a segment's base, a limit that ends it. */
TEST_F(mmio, real_mode)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_segs segs;
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rax = 0xbeef, .rbx = 0x10,
		.rsi = 4,
	};

	ASSERT_EQ(0, vl_unset_memory(&self->vm, 0, self->vm.ram_size));
	ASSERT_EQ(0, vl_set_memory(&self->vm, 0, 0xa0000, self->vm.ram, 0));
	vl_set_mode(vcpu, VL_REAL);
	/* mov %ax, %es:8(%bx,%si); hlt */
	vl_load_bytes(&self->vm, VL_CODE, 0x26, 0x89, 0x40, 0x08, 0xf4);
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_GET_SEGS, &segs));
	segs.es.selector = 0xb800;
	segs.es.base = 0xb8000;
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_SET_SEGS, &segs));
	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(0xb8000 + 0x10 + 4 + 8, vcpu->run->mmio.gpa);
	EXPECT_EQ(2, vcpu->run->mmio.size);
	EXPECT_EQ(0xbeef, vcpu->run->mmio.data);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
}

/* An instruction nobody emulates: said, with its bytes, and the VM lives on. */
TEST_F(mmio, not_emulated)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rbx = VL_MMIO,
	};

	vl_load_bytes(&self->vm, VL_CODE, 0xd9, 0x03, 0xf4);	/* flds (%rbx) */
	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_EMULATION, vcpu->run->internal.why);
	ASSERT_LE(2, vcpu->run->internal.insn_len);
	EXPECT_EQ(0xd9, vcpu->run->internal.insn[0]);
	EXPECT_EQ(0x03, vcpu->run->internal.insn[1]);
	EXPECT_EQ(VL_MMIO, vcpu->run->internal.gpa);
	vl_start(vcpu, VL_CODE + 2, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
}

/* Code fetched from no memory. */
TEST_F(mmio, fetch)
{
	vl_start(&self->vcpu, VL_MMIO, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, &self->vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_EMULATION, self->vcpu.run->internal.why);
	EXPECT_EQ(VL_MMIO, self->vcpu.run->internal.gpa);
}

/* Page tables that lie in no memory. */
TEST_F(mmio, page_tables)
{
	struct vmx_lite_control c;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.cr3 = VL_MMIO;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, &self->vcpu);
}

/* The device's answer to a read is asked for again if user space went elsewhere meanwhile. */
TEST_F(mmio, abandoned)
{
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rbx = VL_MMIO,
	};

	vl_load_bytes(&self->vm, VL_CODE, 0x8b, 0x03, 0xf4);		/* mov (%rbx), %eax */
	vl_load_bytes(&self->vm, VL_CODE + 0x100, 0x90, 0xf4);
	vl_set_regs(&self->vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_MMIO, &self->vcpu);
	self->vcpu.run->mmio.data = 0x1234;
	vl_start(&self->vcpu, VL_CODE + 0x100, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(0, regs.rax);
	EXPECT_EQ(VL_CODE + 0x102, regs.rip);
}

TEST_HARNESS_MAIN
