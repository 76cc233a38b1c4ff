// SPDX-License-Identifier: GPL-2.0-only
/*
 * The INOUT exit: IN and OUT of each size, the string instructions, and REP.
 */
#include <kselftest_harness.h>

#include "vl.h"

#define PORT	0x510
#define RBX	0x1122334455667788ULL

FIXTURE(inout) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(inout)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(inout)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

struct single {
	const char *name;
	uint8_t code[4];
	uint8_t len;
	uint16_t port;
	uint8_t size;
	bool in;
	uint64_t rax;		/* before */
	uint64_t value;		/* on the bus */
	uint64_t after;		/* RAX after */
};

static const struct single singles[] = {
	{ "out al, imm8", { 0xe6, 0x80 }, 2, 0x80, 1, false, RBX, 0x88, RBX },
	{ "out eax, imm8", { 0xe7, 0x81 }, 2, 0x81, 4, false, RBX, 0x55667788, RBX },
	{ "out ax, imm8", { 0x66, 0xe7, 0x82 }, 3, 0x82, 2, false, RBX, 0x7788, RBX },
	{ "out al, dx", { 0xee }, 1, PORT, 1, false, RBX, 0x88, RBX },
	{ "out ax, dx", { 0x66, 0xef }, 2, PORT, 2, false, RBX, 0x7788, RBX },
	{ "out eax, dx", { 0xef }, 1, PORT, 4, false, RBX, 0x55667788, RBX },
	{ "rex.w out dx", { 0x48, 0xef }, 2, PORT, 4, false, RBX, 0x55667788, RBX },
	/* An 8- or 16-bit result leaves the rest alone, a 32-bit one clears it. */
	{ "in al, imm8", { 0xe4, 0x80 }, 2, 0x80, 1, true, RBX, 0xa5, 0x11223344556677a5 },
	{ "in eax, imm8", { 0xe5, 0x81 }, 2, 0x81, 4, true, RBX, 0xdeadbeef, 0xdeadbeef },
	{ "in al, dx", { 0xec }, 1, PORT, 1, true, RBX, 0xa5, 0x11223344556677a5 },
	{ "in ax, dx", { 0x66, 0xed }, 2, PORT, 2, true, RBX, 0xbeef, 0x112233445566beef },
	{ "in eax, dx", { 0xed }, 1, PORT, 4, true, RBX, 0xdeadbeef, 0xdeadbeef },
	{ "rep in is in", { 0xf3, 0xed }, 2, PORT, 4, true, RBX, 0xdeadbeef, 0xdeadbeef },
};

TEST_F(inout, single)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;
	const struct single *t;
	uint32_t value;

	for (t = singles; t < singles + ARRAY_SIZE(singles); t++) {
		memcpy(self->vm.ram + VL_CODE, t->code, t->len);
		self->vm.ram[VL_CODE + t->len] = 0xf4;
		vl_start(vcpu, VL_CODE, VL_FLAGS);
		vl_get_regs(vcpu, &regs);
		regs.rax = t->rax;
		regs.rdx = 0xffff0000 | PORT;	/* only DX is the port */
		vl_set_regs(vcpu, &regs);

		ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
		EXPECT_EQ(t->port, vcpu->run->inout.port) TH_LOG("%s", t->name);
		EXPECT_EQ(t->size, vcpu->run->inout.size) TH_LOG("%s", t->name);
		EXPECT_EQ(1, vcpu->run->inout.count) TH_LOG("%s", t->name);
		EXPECT_EQ(t->in ? VMX_LITE_INOUT_IN : 0, vcpu->run->inout.flags)
			TH_LOG("%s", t->name);
		EXPECT_EQ(t->len, vcpu->run->insn_len) TH_LOG("%s", t->name);
		EXPECT_EQ(VL_CODE, vcpu->run->rip) TH_LOG("%s", t->name);
		if (t->in) {
			/* What lies beyond the size must not matter. */
			value = t->value;
			memset(vcpu->data, 0x5a, 16);
			memcpy(vcpu->data, &value, t->size);
		} else {
			value = 0;
			memcpy(&value, vcpu->data, t->size);
			EXPECT_EQ(t->value, value) TH_LOG("%s", t->name);
		}
		/* Not done before it is run again. */
		vl_get_regs(vcpu, &regs);
		EXPECT_EQ(VL_CODE, regs.rip) TH_LOG("%s", t->name);

		ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
		vl_get_regs(vcpu, &regs);
		EXPECT_EQ(t->after, regs.rax) TH_LOG("%s", t->name);
		EXPECT_EQ(VL_CODE + t->len + 1, regs.rip) TH_LOG("%s", t->name);
		EXPECT_EQ(VL_FLAGS, regs.rflags) TH_LOG("%s", t->name);
	}
}

/* Changing RIP before the exit is completed means: the guest goes on there. */
TEST_F(inout, abandoned)
{
	struct vmx_lite_regs regs;

	vl_load_bytes(&self->vm, VL_CODE, 0xec, 0xf4);			/* in al, dx; hlt */
	vl_load_bytes(&self->vm, VL_CODE + 0x100, 0x90, 0x90, 0xf4);	/* nop; nop; hlt */
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	vl_start(&self->vcpu, VL_CODE + 0x100, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(VL_CODE + 0x103, regs.rip);
	EXPECT_EQ(0, regs.rax);
}

/* The same where the read of an OUTS waited: the next MMIO read is that of another. */
TEST_F(inout, abandoned_outs)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;

	vl_load_bytes(&self->vm, VL_CODE, 0x6e, 0xf4);			/* outsb; hlt */
	vl_load_bytes(&self->vm, VL_CODE + 0x100, 0x8a, 0x06, 0xf4);	/* mov al, [rsi]; hlt */
	vl_start(vcpu, VL_CODE, VL_FLAGS);
	vl_get_regs(vcpu, &regs);
	regs.rsi = VL_MMIO;
	regs.rdx = PORT;
	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(VL_MMIO, vcpu->run->mmio.gpa);

	regs.rip = VL_CODE + 0x100;
	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(VL_MMIO, vcpu->run->mmio.gpa);
	vcpu->run->mmio.data = 0x5c;
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(0x5c, regs.rax & 0xff);
	EXPECT_EQ(VL_MMIO, regs.rsi);
}

/*
 * A run of a string instruction: @bus collects, or gives, what went over the
 * port, whatever the number of exits it takes.
 */
struct string_run {
	unsigned int exits;
	unsigned int items;
	unsigned int bytes;
	int last;		/* the exit that ended it */
};

static struct string_run run_string(struct __test_metadata *_metadata, struct vl_vcpu *vcpu,
				    bool in, unsigned int size, uint8_t *bus, unsigned int room)
{
	struct string_run r = { 0 };
	unsigned int n;

	while ((r.last = vl_run(vcpu)) == VM_EXITCODE_INOUT) {
		if (!(vcpu->run->inout.flags & VMX_LITE_INOUT_STRING))
			break;
		EXPECT_EQ(PORT, vcpu->run->inout.port);
		EXPECT_EQ(size, vcpu->run->inout.size);
		EXPECT_EQ(in, !!(vcpu->run->inout.flags & VMX_LITE_INOUT_IN));
		ASSERT_NE(0, vcpu->run->inout.count);
		n = vcpu->run->inout.count * size;
		ASSERT_GE(vcpu->vm->info.data_size, n);
		ASSERT_GE(room, r.bytes + n);
		if (in)
			memcpy(vcpu->data, bus + r.bytes, n);
		else
			memcpy(bus + r.bytes, vcpu->data, n);
		r.bytes += n;
		r.items += vcpu->run->inout.count;
		r.exits++;
	}
	return r;
}

struct string {
	const char *name;
	uint8_t code[5];
	uint8_t len;
	uint8_t size;
	bool in;
	bool rep;
	bool backwards;
	uint64_t count;		/* RCX */
	uint64_t addr;		/* RSI or RDI */
};

#define FAR_END		(VL_DATA + 0x8000)
static const struct string strings[] = {
	{ "outsb", { 0x6e }, 1, 1, false, false, false, 7, VL_DATA },
	{ "outsw", { 0x66, 0x6f }, 2, 2, false, false, false, 7, VL_DATA },
	{ "outsd", { 0x6f }, 1, 4, false, false, false, 7, VL_DATA },
	{ "outsb back", { 0x6e }, 1, 1, false, false, true, 7, VL_DATA },
	{ "insb", { 0x6c }, 1, 1, true, false, false, 7, VL_DATA },
	{ "insw", { 0x66, 0x6d }, 2, 2, true, false, false, 7, VL_DATA },
	{ "insd", { 0x6d }, 1, 4, true, false, false, 7, VL_DATA },
	{ "insd back", { 0x6d }, 1, 4, true, false, true, 7, VL_DATA },
	{ "outsd across a page", { 0x6f }, 1, 4, false, false, false, 7, VL_DATA + 0xffe },
	{ "insd across a page", { 0x6d }, 1, 4, true, false, false, 7, VL_DATA + 0xffe },
	{ "insw across a page", { 0x66, 0x6d }, 2, 2, true, false, false, 7, VL_DATA + 0xfff },
	{ "rep outsb", { 0xf3, 0x6e }, 2, 1, false, true, false, 100, VL_DATA },
	{ "rep outsw", { 0xf3, 0x66, 0x6f }, 3, 2, false, true, false, 100, VL_DATA },
	{ "rep outsd", { 0xf3, 0x6f }, 2, 4, false, true, false, 100, VL_DATA },
	{ "rep insb", { 0xf3, 0x6c }, 2, 1, true, true, false, 100, VL_DATA },
	{ "rep insw", { 0xf3, 0x66, 0x6d }, 3, 2, true, true, false, 100, VL_DATA },
	{ "rep insd", { 0xf3, 0x6d }, 2, 4, true, true, false, 100, VL_DATA },
	{ "repne insd", { 0xf2, 0x6d }, 2, 4, true, true, false, 100, VL_DATA },
	{ "rep of 1", { 0xf3, 0x6f }, 2, 4, false, true, false, 1, VL_DATA },
	{ "rep outsb back", { 0xf3, 0x6e }, 2, 1, false, true, true, 100, FAR_END },
	{ "rep outsd back", { 0xf3, 0x6f }, 2, 4, false, true, true, 100, FAR_END },
	{ "rep insw back", { 0xf3, 0x66, 0x6d }, 3, 2, true, true, true, 100, FAR_END },
	{ "rep outsb over pages", { 0xf3, 0x6e }, 2, 1, false, true, false, 9000, VL_DATA + 77 },
	{ "rep outsd over pages", { 0xf3, 0x6f }, 2, 4, false, true, false, 5000, VL_DATA + 0xfff },
	{ "rep insd over pages", { 0xf3, 0x6d }, 2, 4, true, true, false, 5000, VL_DATA + 0xffd },
	{ "rep insd back over pages", { 0xf3, 0x6d }, 2, 4, true, true, true, 5000, FAR_END - 1 },
	{ "rep of 0, out", { 0xf3, 0x6f }, 2, 4, false, true, false, 0, VL_DATA },
	{ "rep of 0, in", { 0xf3, 0x6c }, 2, 1, true, true, false, 0, VL_DATA },
	/* Address size 32: ECX, ESI and EDI; the upper halves go. */
	{ "addr32 rep outsd", { 0xf3, 0x67, 0x6f }, 3, 4, false, true, false,
		0xffffffff0000000aULL, 0x700000000ULL | VL_DATA },
	{ "addr32 rep insb", { 0xf3, 0x67, 0x6c }, 3, 1, true, true, false,
		0xffffffff0000000aULL, 0x700000000ULL | VL_DATA },
};

static uint8_t bus[0x10000], shadow[0x10000];

TEST_F(inout, strings)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	const struct string *t;
	uint8_t *ram = self->vm.ram + VL_DATA;
	struct vmx_lite_regs regs;
	struct string_run r;
	uint64_t addr, count, items, after, step, i;
	bool addr32;

	for (t = strings; t < strings + ARRAY_SIZE(strings); t++) {
		addr32 = t->code[1] == 0x67;
		count = addr32 ? (uint32_t)t->count : t->count;
		addr = addr32 ? (uint32_t)t->addr : t->addr;
		items = t->rep ? count : 1;
		step = t->backwards ? -(uint64_t)t->size : t->size;

		for (i = 0; i < sizeof(bus); i++) {
			ram[i] = i * 7 + (i >> 8) + t->size;
			shadow[i] = ram[i];
			bus[i] = t->in ? i * 13 + (i >> 8) + 1 : 0;
		}
		memcpy(self->vm.ram + VL_CODE, t->code, t->len);
		self->vm.ram[VL_CODE + t->len] = 0xf4;
		regs = (struct vmx_lite_regs){
			.rip = VL_CODE, .rsp = VL_STACK, .rcx = t->count, .rdx = PORT,
			.rsi = t->in ? RBX : t->addr, .rdi = t->in ? t->addr : RBX,
			.rflags = VL_FLAGS | (t->backwards ? VL_FLAG_DF : 0),
		};
		vl_set_regs(vcpu, &regs);
		r = run_string(_metadata, vcpu, t->in, t->size, bus, sizeof(bus));
		ASSERT_EQ(VM_EXITCODE_HLT, r.last) {
			TH_LOG("%s", t->name);
			vl_describe(vcpu, r.last);
		}
		EXPECT_EQ(items, r.items) TH_LOG("%s", t->name);
		/* Not one exit an item: that is what count is for. */
		EXPECT_GE(items / 8 + 3, r.exits) TH_LOG("%s: %u exits", t->name, r.exits);

		for (i = 0; i < items; i++) {
			uint8_t *p = shadow + (addr - VL_DATA) + i * step;

			if (t->in)
				memcpy(p, bus + i * t->size, t->size);
			else
				EXPECT_EQ(0, memcmp(p, bus + i * t->size, t->size))
					TH_LOG("%s: item %llu", t->name, (unsigned long long)i);
		}
		EXPECT_EQ(0, memcmp(shadow, ram, sizeof(shadow))) TH_LOG("%s: memory", t->name);

		vl_get_regs(vcpu, &regs);
		after = addr + items * step;
		if (addr32 && !items)
			after = t->addr;
		EXPECT_EQ(t->in ? RBX : after, regs.rsi) TH_LOG("%s", t->name);
		EXPECT_EQ(t->in ? after : RBX, regs.rdi) TH_LOG("%s", t->name);
		EXPECT_EQ(t->rep ? 0 : t->count, regs.rcx) TH_LOG("%s", t->name);
		EXPECT_EQ(VL_CODE + t->len + 1, regs.rip) TH_LOG("%s", t->name);
	}
}

/* Real mode: a segment override, and SI that wraps at 64 KiB. */
TEST_F(inout, real_mode)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_segs segs;
	struct vmx_lite_regs regs;
	struct string_run r;
	unsigned int i;

	vl_set_mode(vcpu, VL_REAL);
	for (i = 0; i < 0x10000; i++)
		self->vm.ram[0x30000 + i] = i * 3 + (i >> 8);
	vl_load_bytes(&self->vm, VL_CODE, 0x65, 0xf3, 0x6e, 0xf4);	/* rep outsb gs:[si] */
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_GET_SEGS, &segs));
	segs.gs.selector = 0x3000;
	segs.gs.base = 0x30000;
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_SET_SEGS, &segs));
	regs = (struct vmx_lite_regs){
		.rip = VL_CODE, .rsp = VL_STACK, .rcx = 0xabcd0010, .rdx = PORT,
		.rsi = 0xfff8, .rflags = VL_FLAGS,
	};
	vl_set_regs(vcpu, &regs);
	r = run_string(_metadata, vcpu, false, 1, bus, sizeof(bus));
	ASSERT_EQ(VM_EXITCODE_HLT, r.last) vl_describe(vcpu, r.last);
	EXPECT_EQ(16, r.items);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(self->vm.ram[0x30000 + ((0xfff8 + i) & 0xffff)], bus[i]);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(8, regs.rsi);
	/* CX counts: the upper half of ECX stays. */
	EXPECT_EQ(0xabcd0000, regs.rcx);
}

/*
 * Memory that ends in the middle: the elements before it are moved, the
 * registers say so, then comes the page fault (SDM vol. 2, REP: the
 * instruction is resumed after the handler returns).
 */
TEST_F(inout, page_fault)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;
	struct vl_frame frame;
	struct string_run r;
	unsigned int in;

	for (in = 0; in < 2; in++) {
		/* The 2 MiB at 0x40000000 are RAM's page 0..., the next are not present. */
		vl_write64(&self->vm, VL_PD + 512 * 8, 0x83);
		vl_write64(&self->vm, VL_PD + 513 * 8, 0);
		vl_load_bytes(&self->vm, VL_CODE, 0xf3, in ? 0x6d : 0x6f, 0xf4);
		regs = (struct vmx_lite_regs){
			.rip = VL_CODE, .rsp = VL_STACK, .rcx = 10, .rdx = PORT,
			.rsi = 0x401ffff4, .rdi = 0x401ffff4, .rflags = VL_FLAGS,
		};
		vl_set_regs(vcpu, &regs);
		memset(self->vm.ram + 0x1ffff0, 0x77, 16);
		memset(bus, 0x33, 64);
		r = run_string(_metadata, vcpu, in, 4, bus, sizeof(bus));
		/* The three that fit. */
		EXPECT_EQ(3, r.items);
		ASSERT_EQ(VM_EXITCODE_INOUT, r.last) vl_describe(vcpu, r.last);
		ASSERT_EQ(VL_PORT_VECTOR, vcpu->run->inout.port) vl_describe(vcpu, r.last);
		ASSERT_EQ(14, *(uint8_t *)vcpu->data);
		vl_get_frame(vcpu, 14, &frame);
		EXPECT_EQ(VL_CODE, frame.rip);
		EXPECT_EQ(in ? 2 : 0, frame.error);
		ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_GET_CONTROL, &c));
		EXPECT_EQ(0x40200000, c.cr2);
		vl_get_regs(vcpu, &regs);
		EXPECT_EQ(7, regs.rcx);
		EXPECT_EQ(0x40200000, in ? regs.rdi : regs.rsi);
		EXPECT_EQ(in ? 0x33 : 0x77, self->vm.ram[0x1fffff]);

		/* The handler maps it; the rest follows. */
		vl_write64(&self->vm, VL_PD + 513 * 8, 0x83);
		r = run_string(_metadata, vcpu, in, 4, bus, sizeof(bus));
		ASSERT_EQ(VM_EXITCODE_HLT, r.last) vl_describe(vcpu, r.last);
		EXPECT_EQ(7, r.items);
		vl_get_regs(vcpu, &regs);
		EXPECT_EQ(0, regs.rcx);
		EXPECT_EQ(0x4020001c, in ? regs.rdi : regs.rsi);
	}
}

/* INS into what is no memory: bytes from the port go out as MMIO. */
TEST_F(inout, ins_to_mmio)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rdx = PORT, .rdi = VL_MMIO, .rflags = VL_FLAGS,
	};
	uint32_t value = 0x89abcdef;

	vl_load_bytes(&self->vm, VL_CODE, 0x6d, 0xf4);
	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	memcpy(vcpu->data, &value, 4);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(1, vcpu->run->mmio.is_write);
	EXPECT_EQ(4, vcpu->run->mmio.size);
	EXPECT_EQ(VL_MMIO, vcpu->run->mmio.gpa);
	EXPECT_EQ(value, vcpu->run->mmio.data & 0xffffffff);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(VL_MMIO + 4, regs.rdi);
}

/* Ports the guest may not touch at its privilege raise #GP, and no exit. */
TEST_F(inout, not_permitted)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_segs segs;
	struct vl_frame frame;

	vl_load_bytes(&self->vm, VL_CODE, 0xee, 0xf4);
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_GET_SEGS, &segs));
	segs.cs.selector = VL_UCS64;
	segs.cs.attr |= 3 << 5;
	segs.ss.selector = VL_UDS;
	segs.ss.attr |= 3 << 5;
	segs.ds = segs.ss;
	segs.es = segs.ss;
	segs.fs = segs.ss;
	segs.gs = segs.ss;
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_SET_SEGS, &segs));
	ASSERT_VECTOR(13, vcpu);
	vl_get_frame(vcpu, 13, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	EXPECT_EQ(0, frame.error);
	EXPECT_EQ(VL_UCS64, frame.cs);
}

TEST_HARNESS_MAIN
