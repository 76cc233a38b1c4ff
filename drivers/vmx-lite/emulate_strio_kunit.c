// SPDX-License-Identifier: GPL-2.0-only
/* Tests of string port I/O: batches, directions, segments and what ends a batch early. */
#include <kunit/test.h>

#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emulate-insn.h"

#define RAM_BASE	0x10000
#define RAM_SIZE	0x3000
#define DEVICE		0x20000	/* not RAM: one element at a time */
#define MAX_ELEMENTS	4096
#define RIP		0x400000

struct fake {
	struct vl_emul e;
	struct kunit *test;
	u64 gpr[VL_NR_GPRS];
	u8 ram[RAM_SIZE];
	u8 data[MAX_ELEMENTS];
	bool ram_gone;
	unsigned int device_accesses;
	int device_result;
};

static struct fake *to_fake(struct vl_emul *e)
{
	return container_of(e, struct fake, e);
}

static u8 *fake_bytes(struct fake *f, u64 gla, unsigned int size)
{
	if (gla < RAM_BASE || gla + size > RAM_BASE + RAM_SIZE || f->ram_gone)
		return NULL;
	return f->ram + (gla - RAM_BASE);
}

static int fake_elsewhere(struct fake *f)
{
	f->device_accesses++;
	if (f->device_result == VL_EMUL_FAULT)
		f->e.fault.vector = X86_TRAP_PF;
	return f->device_result;
}

static int fake_read(struct vl_emul *e, u64 gla, void *data, unsigned int size)
{
	u8 *bytes = fake_bytes(to_fake(e), gla, size);

	if (!bytes) {
		memset(data, 0xd0, size);
		return fake_elsewhere(to_fake(e));
	}
	memcpy(data, bytes, size);
	return VL_EMUL_DONE;
}

static int fake_write(struct vl_emul *e, u64 gla, const void *data, unsigned int size)
{
	u8 *bytes = fake_bytes(to_fake(e), gla, size);

	if (!bytes)
		return fake_elsewhere(to_fake(e));
	memcpy(bytes, data, size);
	return VL_EMUL_DONE;
}

static int fake_ram(struct vl_emul *e, u64 gla, void *data, unsigned int len, bool write)
{
	struct fake *f = to_fake(e);
	u8 *bytes = fake_bytes(f, gla, len);

	KUNIT_EXPECT_LE(f->test, (gla & 0xfff) + len, 0x1000ULL);
	if (!bytes)
		return VL_EMUL_UNHANDLED;
	if (data && write)
		memcpy(bytes, data, len);
	else if (data)
		memcpy(data, bytes, len);
	return VL_EMUL_DONE;
}

static const struct vl_emul_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.ram = fake_ram,
};

/* Too large for a stack. */
static struct fake *fake_init(struct kunit *test, u8 mode)
{
	struct fake *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->test = test;
	f->e.ops = &fake_ops;
	f->e.gpr = f->gpr;
	f->e.mode = mode;
	f->e.rip = RIP;
	f->e.rflags = X86_EFLAGS_FIXED;
	for (i = 0; i < VL_EMUL_NR_SEGS; i++)
		f->e.seg[i] = (struct vl_emul_seg){ 0, 0xffffffff, 0xc093 };
	for (i = 0; i < RAM_SIZE; i++)
		f->ram[i] = i * 7 + i / 256;
	return f;
}

/* A batch: how it begins and how it must end. */
struct batch_case {
	const char *name;
	bool in;
	bool rep;
	bool backwards;
	u8 size;
	u8 addr_size;
	u64 pointer;		/* RSI or RDI */
	u64 rcx;
	u32 max;
	u32 count;		/* elements of the first batch */
	u64 pointer_after;
	u64 rcx_after;
	bool retires;
};

static const struct batch_case batch_cases[] = {
	{ "outsb", .size = 1, .addr_size = 8, .pointer = 0x10010, .rcx = 9, .max = 64,
	  .count = 1, .pointer_after = 0x10011, .rcx_after = 9, .retires = true },
	{ "insw, backwards", .in = true, .backwards = true, .size = 2, .addr_size = 8,
	  .pointer = 0x10010, .rcx = 9, .max = 64,
	  .count = 1, .pointer_after = 0x1000e, .rcx_after = 9, .retires = true },
	{ "rep outsb, count 0", .rep = true, .size = 1, .addr_size = 8, .pointer = 0x10010,
	  .max = 64, .count = 0, .pointer_after = 0x10010, .retires = true },
	{ "rep outsb", .rep = true, .size = 1, .addr_size = 8, .pointer = 0x10010, .rcx = 20,
	  .max = 64, .count = 20, .pointer_after = 0x10024, .retires = true },
	{ "rep outsb, more than the buffer", .rep = true, .size = 1, .addr_size = 8,
	  .pointer = 0x10010, .rcx = 20, .max = 8,
	  .count = 8, .pointer_after = 0x10018, .rcx_after = 12 },
	{ "rep outsw, to the page's end", .rep = true, .size = 2, .addr_size = 8,
	  .pointer = 0x10ff0, .rcx = 20, .max = 64,
	  .count = 8, .pointer_after = 0x11000, .rcx_after = 12 },
	{ "rep outsd, not aligned, to the page's end", .rep = true, .size = 4, .addr_size = 8,
	  .pointer = 0x10ff1, .rcx = 20, .max = 64,
	  .count = 3, .pointer_after = 0x10ffd, .rcx_after = 17 },
	{ "rep outsd, across the page's end", .rep = true, .size = 4, .addr_size = 8,
	  .pointer = 0x10ffd, .rcx = 17, .max = 64,
	  .count = 1, .pointer_after = 0x11001, .rcx_after = 16 },
	{ "rep outsw, backwards", .rep = true, .backwards = true, .size = 2, .addr_size = 8,
	  .pointer = 0x10010, .rcx = 5, .max = 64,
	  .count = 5, .pointer_after = 0x10006, .retires = true },
	{ "rep outsw, backwards, to the page's begin", .rep = true, .backwards = true, .size = 2,
	  .addr_size = 8, .pointer = 0x11004, .rcx = 9, .max = 64,
	  .count = 3, .pointer_after = 0x10ffe, .rcx_after = 6 },
	{ "rep outsw, backwards, from the page's end", .rep = true, .backwards = true, .size = 2,
	  .addr_size = 8, .pointer = 0x10ffe, .rcx = 5, .max = 64,
	  .count = 5, .pointer_after = 0x10ff4, .retires = true },
	{ "rep outsd, backwards, across the page's begin", .rep = true, .backwards = true,
	  .size = 4, .addr_size = 8, .pointer = 0x10fff, .rcx = 9, .max = 64,
	  .count = 1, .pointer_after = 0x10ffb, .rcx_after = 8 },
	{ "rep insd", .in = true, .rep = true, .size = 4, .addr_size = 8, .pointer = 0x11800,
	  .rcx = 0x100, .max = 1024, .count = 0x100, .pointer_after = 0x11c00, .retires = true },
	{ "rep insb, a page", .in = true, .rep = true, .size = 1, .addr_size = 8,
	  .pointer = 0x11000, .rcx = 0x1001, .max = 4096,
	  .count = 0x1000, .pointer_after = 0x12000, .rcx_after = 1 },
	{ "rep insw, backwards", .in = true, .rep = true, .backwards = true, .size = 2,
	  .addr_size = 8, .pointer = 0x11010, .rcx = 4, .max = 64,
	  .count = 4, .pointer_after = 0x11008, .retires = true },
	{ "rep insd, across the page's end", .in = true, .rep = true, .size = 4, .addr_size = 8,
	  .pointer = 0x10ffe, .rcx = 2, .max = 64,
	  .count = 1, .pointer_after = 0x11002, .rcx_after = 1 },
	{ "rep outsb, 32-bit addresses", .rep = true, .size = 1, .addr_size = 4,
	  .pointer = 0x5555555500010010, .rcx = 0x5555555500000002, .max = 64,
	  .count = 2, .pointer_after = 0x10012, .retires = true },
	{ "rep outsb, 64-bit count", .rep = true, .size = 1, .addr_size = 8, .pointer = 0x10010,
	  .rcx = 0x100000000, .max = 4,
	  .count = 4, .pointer_after = 0x10014, .rcx_after = 0xfffffffc },
};

/* Where in RAM element @i is, counted from the first. */
static unsigned int batch_offset(const struct batch_case *c, unsigned int i)
{
	u64 first = c->addr_size == 4 ? (u32)c->pointer : c->pointer;

	return (c->backwards ? first - i * c->size : first + i * c->size) - RAM_BASE;
}

static void strio_batch_test(struct kunit *test)
{
	const struct batch_case *c = test->param_value;
	struct fake *f = fake_init(test, 8);
	struct vl_emul_strio io = {
		.in = c->in, .rep = c->rep, .size = c->size, .addr_size = c->addr_size,
		.seg = c->in ? VL_EMUL_ES : VL_EMUL_DS, .insn_len = 2,
	};
	u64 *pointer = &f->gpr[c->in ? VL_RDI : VL_RSI];
	u8 *wanted = kunit_kzalloc(test, RAM_SIZE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, wanted);
	memcpy(wanted, f->ram, RAM_SIZE);
	*pointer = c->pointer;
	f->gpr[VL_RCX] = c->rcx;
	if (c->backwards)
		f->e.rflags |= X86_EFLAGS_DF;

	KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, c->max), VL_EMUL_DONE);
	KUNIT_ASSERT_EQ(test, io.count, c->count);
	if (c->count) {
		KUNIT_EXPECT_EQ(test, *pointer, c->pointer);
		KUNIT_EXPECT_EQ(test, f->gpr[VL_RCX], c->rcx);
		KUNIT_EXPECT_EQ(test, f->e.rip, (u64)RIP);
	}
	for (i = 0; !c->in && i < io.count; i++)
		KUNIT_EXPECT_EQ(test, memcmp(f->data + i * c->size,
					     f->ram + batch_offset(c, i), c->size), 0);

	for (i = 0; c->in && i < io.count * c->size; i++)
		f->data[i] = i * 3 + 1;
	for (i = 0; c->in && i < io.count; i++)
		memcpy(wanted + batch_offset(c, i), f->data + i * c->size, c->size);
	for (i = 0; io.done < io.count && i < io.count; i++)
		KUNIT_ASSERT_EQ(test, vl_emul_strio_finish(&f->e, &io, f->data), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.done, io.count);
	KUNIT_EXPECT_EQ(test, memcmp(wanted, f->ram, RAM_SIZE), 0);
	KUNIT_EXPECT_EQ(test, *pointer, c->pointer_after);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RCX], c->rcx_after);
	KUNIT_EXPECT_EQ(test, f->e.rip, (u64)RIP + (c->retires ? 2 : 0));
}

static void batch_case_name(const struct batch_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(batch, batch_cases, batch_case_name);

/* 16-bit addresses wrap: the batch ends before, and the segment's base counts. */
static void strio_wrap_test(struct kunit *test)
{
	struct fake *f = fake_init(test, 2);
	struct vl_emul_strio io = {
		.rep = true, .size = 2, .addr_size = 2, .seg = VL_EMUL_FS, .insn_len = 3,
	};

	f->e.real = true;
	f->e.seg[VL_EMUL_FS] = (struct vl_emul_seg){ 0x1100, 0xffff, 0x93 };
	f->gpr[VL_RSI] = 0x1234fffc;
	f->gpr[VL_RCX] = 0x12340004;
	KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.count, 1U);
	KUNIT_EXPECT_EQ(test, memcmp(f->data, f->ram + 0x10fc, 2), 0);
	KUNIT_ASSERT_EQ(test, vl_emul_strio_finish(&f->e, &io, NULL), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RSI], 0x1234fffeULL);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RCX], 0x12340003ULL);
	KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.count, 1U);
	KUNIT_ASSERT_EQ(test, vl_emul_strio_finish(&f->e, &io, NULL), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RSI], 0x12340000ULL);

	/* Also where the segment is larger than the addresses. */
	f->e.seg[VL_EMUL_FS].limit = 0xffffffff;
	f->gpr[VL_RSI] = 0xfff0;
	f->gpr[VL_RCX] = 0x20;
	KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.count, 1U);
	f->gpr[VL_RCX] = 8;
	KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.count, 8U);

	/* One byte of the element lies behind the limit. */
	f->e.seg[VL_EMUL_FS].limit = 0xffff;
	f->gpr[VL_RSI] = 0xffff;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, f->e.fault.vector, X86_TRAP_GP);
	KUNIT_EXPECT_FALSE(test, f->e.fault.has_error);
	KUNIT_EXPECT_EQ(test, io.count, 0U);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RSI], 0xffffULL);
}

/* The segment ends within the page: what lies in it goes out, then the fault comes. */
static void strio_limit_test(struct kunit *test)
{
	struct fake *f = fake_init(test, 4);
	struct vl_emul_strio io = {
		.rep = true, .size = 4, .addr_size = 4, .seg = VL_EMUL_DS, .insn_len = 2,
	};
	unsigned int done;

	f->e.seg[VL_EMUL_DS].limit = RAM_BASE + 0xb;
	f->gpr[VL_RSI] = RAM_BASE;
	f->gpr[VL_RCX] = 5;
	for (done = 0; done < 3; done += io.count) {
		KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_DONE);
		KUNIT_ASSERT_NE(test, io.count, 0U);
		KUNIT_ASSERT_LE(test, done + io.count, 3U);
		KUNIT_ASSERT_EQ(test, vl_emul_strio_finish(&f->e, &io, NULL), VL_EMUL_DONE);
	}
	KUNIT_EXPECT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, f->e.fault.vector, X86_TRAP_GP);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RSI], RAM_BASE + 12ULL);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RCX], 2ULL);
}

/* Memory that is not RAM: one element at a time, by the ops that know how to wait. */
static void strio_device_test(struct kunit *test)
{
	struct fake *f = fake_init(test, 8);
	struct vl_emul_strio io = {
		.rep = true, .size = 4, .addr_size = 8, .seg = VL_EMUL_DS, .insn_len = 2,
	};

	f->gpr[VL_RSI] = DEVICE;
	f->gpr[VL_RDI] = DEVICE;
	f->gpr[VL_RCX] = 3;
	f->device_result = VL_EMUL_AGAIN;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_AGAIN);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RSI], (u64)DEVICE);
	KUNIT_EXPECT_EQ(test, io.count, 0U);
	f->device_result = VL_EMUL_DONE;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_start(&f->e, &io, f->data, 64), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.count, 1U);
	KUNIT_EXPECT_EQ(test, f->data[0], 0xd0);

	io = (struct vl_emul_strio){
		.in = true, .rep = true, .size = 4, .addr_size = 8, .seg = VL_EMUL_ES,
		.insn_len = 2,
	};
	f->device_accesses = 0;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_start(&f->e, &io, NULL, 64), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.count, 1U);
	KUNIT_EXPECT_EQ(test, f->device_accesses, 0U);
	f->device_result = VL_EMUL_AGAIN;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_finish(&f->e, &io, f->data), VL_EMUL_AGAIN);
	KUNIT_EXPECT_EQ(test, io.done, 0U);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RDI], (u64)DEVICE);
	f->device_result = VL_EMUL_DONE;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_finish(&f->e, &io, f->data), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RDI], (u64)DEVICE + 4);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RCX], 2ULL);
}

/* The RAM of a batch goes away before it ends: elements one by one, and a fault between. */
static void strio_ram_gone_test(struct kunit *test)
{
	struct fake *f = fake_init(test, 8);
	struct vl_emul_strio io = {
		.in = true, .rep = true, .size = 2, .addr_size = 8, .seg = VL_EMUL_ES,
		.insn_len = 2,
	};

	f->gpr[VL_RDI] = RAM_BASE;
	f->gpr[VL_RCX] = 4;
	KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, NULL, 64), VL_EMUL_DONE);
	KUNIT_ASSERT_EQ(test, io.count, 4U);
	f->ram_gone = true;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_finish(&f->e, &io, f->data), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.done, 1U);
	f->device_result = VL_EMUL_FAULT;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_finish(&f->e, &io, f->data), VL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, io.done, 1U);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RDI], RAM_BASE + 2ULL);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RCX], 3ULL);
	KUNIT_EXPECT_EQ(test, f->e.rip, (u64)RIP);
}

/* User space set RCX while the batch was with it: nothing runs past it. */
static void strio_count_changed_test(struct kunit *test)
{
	struct fake *f = fake_init(test, 8);
	struct vl_emul_strio io = {
		.in = true, .rep = true, .size = 2, .addr_size = 8, .seg = VL_EMUL_ES,
		.insn_len = 2,
	};

	f->gpr[VL_RDI] = RAM_BASE;
	f->gpr[VL_RCX] = 4;
	KUNIT_ASSERT_EQ(test, vl_emul_strio_start(&f->e, &io, NULL, 64), VL_EMUL_DONE);
	f->gpr[VL_RCX] = 3;
	KUNIT_EXPECT_EQ(test, vl_emul_strio_finish(&f->e, &io, f->data), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, io.done, io.count);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RCX], 3ULL);
	KUNIT_EXPECT_EQ(test, f->gpr[VL_RDI], (u64)RAM_BASE);
}

static struct kunit_case strio_tests[] = {
	KUNIT_CASE_PARAM(strio_batch_test, batch_gen_params),
	KUNIT_CASE(strio_wrap_test),
	KUNIT_CASE(strio_limit_test),
	KUNIT_CASE(strio_device_test),
	KUNIT_CASE(strio_ram_gone_test),
	KUNIT_CASE(strio_count_changed_test),
	{}
};

static struct kunit_suite strio_suite = {
	.name = "vmx_lite_strio",
	.test_cases = strio_tests,
};

kunit_test_suite(strio_suite);
