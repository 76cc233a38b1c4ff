// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the instruction emulator: the table, and what a table cannot say. */
#include <kunit/test.h>

#include <linux/string.h>

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emulate_kunit.h"

#define RIP_64		0x7f0000400000
#define RIP_OTHER	0x1000
#define NO_ACCESS	(~0U)

/* Memory that expects a list of accesses, and may refuse one of them. */
struct fake {
	struct vl_emul e;
	u64 gpr[VL_NR_GPRS];
	struct kunit *test;
	const struct emul_access *accesses;
	unsigned int next;
	unsigned int refuse;		/* index of the access that does not succeed */
	int refuse_with;
	u64 probed[2];
	unsigned int probed_size[2];
	unsigned int probes;
};

static struct fake *to_fake(struct vl_emul *e)
{
	return container_of(e, struct fake, e);
}

static int fake_access(struct vl_emul *e, char type, u64 gla, unsigned int size,
		       const struct emul_access **access)
{
	struct fake *f = to_fake(e);
	const struct emul_access *a = &f->accesses[f->next];

	KUNIT_EXPECT_EQ(f->test, type, a->type);
	KUNIT_EXPECT_EQ(f->test, gla, a->gla);
	KUNIT_EXPECT_EQ(f->test, size, (unsigned int)a->size);
	if (type != a->type || size != a->size)
		return VL_EMUL_UNHANDLED;
	if (f->next == f->refuse) {
		e->fault.vector = X86_TRAP_PF;
		return f->refuse_with;
	}
	f->next++;
	*access = a;
	return VL_EMUL_DONE;
}

static int fake_read(struct vl_emul *e, u64 gla, void *data, unsigned int size)
{
	const struct emul_access *a;
	int ret = fake_access(e, 'R', gla, size, &a);

	if (!ret)
		memcpy(data, &a->value, size);
	return ret;
}

static bool fake_was_probed(const struct fake *f, u64 gla, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < f->probes; i++) {
		if (gla - f->probed[i] < f->probed_size[i] &&
		    gla - f->probed[i] + size <= f->probed_size[i])
			return true;
	}
	return false;
}

static int fake_write(struct vl_emul *e, u64 gla, const void *data, unsigned int size)
{
	struct fake *f = to_fake(e);
	const struct emul_access *a;
	u64 value = 0;
	int ret;

	KUNIT_EXPECT_TRUE(f->test, fake_was_probed(f, gla, size));
	ret = fake_access(e, 'W', gla, size, &a);
	if (ret)
		return ret;
	memcpy(&value, data, size);
	KUNIT_EXPECT_EQ(f->test, value, a->value);
	return VL_EMUL_DONE;
}

static int fake_probe(struct vl_emul *e, u64 gla, unsigned int size)
{
	struct fake *f = to_fake(e);

	KUNIT_EXPECT_EQ(f->test, f->next, 0U);
	KUNIT_EXPECT_NE(f->test, size, 0U);
	KUNIT_EXPECT_LE(f->test, (gla & 0xfff) + size, 0x1000ULL);
	KUNIT_EXPECT_LT(f->test, f->probes, 2U);
	if (f->probes < 2) {
		f->probed[f->probes] = gla;
		f->probed_size[f->probes++] = size;
	}
	return VL_EMUL_DONE;
}

static const struct vl_emul_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.probe = fake_probe,
};

/* 64-bit mode: bases of ES, SS and DS must not count. */
static const struct vl_emul_seg segments_64[VL_EMUL_NR_SEGS] = {
	[VL_EMUL_ES] = { 0x200000, 0, 0x1c000 },
	[VL_EMUL_CS] = { 0x100000, 0, 0xa09b },
	[VL_EMUL_SS] = { 0x300000, 0, 0x1c000 },
	[VL_EMUL_DS] = { 0x500000, 0, 0x1c000 },
	[VL_EMUL_FS] = { 0x7f0000000000, 0, 0x1c000 },
	[VL_EMUL_GS] = { 0xffff888000000000, 0, 0x1c000 },
};

static const struct vl_emul_seg segments_32[VL_EMUL_NR_SEGS] = {
	[VL_EMUL_ES] = { 0x200000, 0xffffffff, 0xc093 },
	[VL_EMUL_CS] = { 0, 0xffffffff, 0xc09b },
	[VL_EMUL_SS] = { 0x300000, 0xffffffff, 0xc093 },
	[VL_EMUL_DS] = { 0, 0xffffffff, 0xc093 },
	[VL_EMUL_FS] = { 0x400000, 0xffffffff, 0xc093 },
	[VL_EMUL_GS] = { 0x500000, 0xffffffff, 0xc093 },
};

static const struct vl_emul_seg segments_real[VL_EMUL_NR_SEGS] = {
	[VL_EMUL_ES] = { 0x20000, 0xffff, 0x93 },
	[VL_EMUL_CS] = { 0xf0000, 0xffff, 0x9b },
	[VL_EMUL_SS] = { 0x30000, 0xffff, 0x93 },
	[VL_EMUL_DS] = { 0x10000, 0xffff, 0x93 },
	[VL_EMUL_FS] = { 0x40000, 0xffff, 0x93 },
	[VL_EMUL_GS] = { 0x50000, 0xffff, 0x93 },
};

static void set_registers(u64 *gpr, const struct emul_reg *list, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < max && list[i].reg; i++)
		gpr[list[i].reg - 1] = list[i].value;
}

static void fake_init(struct fake *f, struct kunit *test, u8 mode)
{
	static const struct emul_access none;
	unsigned int i;

	memset(f, 0, sizeof(*f));
	f->test = test;
	f->accesses = &none;
	f->refuse = NO_ACCESS;
	f->e.ops = &fake_ops;
	f->e.gpr = f->gpr;
	f->e.mode = mode;
	f->e.real = mode == 2;
	f->e.movbe = true;
	f->e.rip = mode == 8 ? RIP_64 : RIP_OTHER;
	f->e.rflags = X86_EFLAGS_FIXED;
	memcpy(f->e.seg, mode == 8 ? segments_64 : mode == 4 ? segments_32 : segments_real,
	       sizeof(f->e.seg));
	for (i = 0; i < VL_NR_GPRS; i++)
		f->gpr[i] = (mode == 8 ? 0x1111111111111111ULL : 0x11111111) * i;
}

/* Bytes behind the instruction must not matter. */
static void fake_load(struct fake *f, const u8 *code, unsigned int len)
{
	memset(f->e.insn, 0xff, sizeof(f->e.insn));
	memcpy(f->e.insn, code, len);
	f->e.insn_len = VL_EMUL_INSN_MAX;
}

static void fake_init_case(struct fake *f, struct kunit *test, const struct emul_case *c)
{
	fake_init(f, test, c->mode);
	fake_load(f, c->code, c->len);
	f->accesses = c->accesses;
	f->e.rflags |= c->flags;
	set_registers(f->gpr, c->in, ARRAY_SIZE(c->in));
}

static void expect_unchanged(const struct fake *f, const struct emul_case *c)
{
	struct fake fresh;

	fake_init_case(&fresh, f->test, c);
	KUNIT_EXPECT_EQ(f->test, memcmp(f->gpr, fresh.gpr, sizeof(f->gpr)), 0);
	KUNIT_EXPECT_EQ(f->test, f->e.rip, fresh.e.rip);
	KUNIT_EXPECT_EQ(f->test, f->e.rflags, fresh.e.rflags);
}

static void expect_done(const struct fake *f, const struct emul_case *c)
{
	struct fake want;
	unsigned int i;

	fake_init_case(&want, f->test, c);
	set_registers(want.gpr, c->out, ARRAY_SIZE(c->out));
	for (i = 0; i < VL_NR_GPRS; i++)
		KUNIT_EXPECT_EQ_MSG(f->test, f->gpr[i], want.gpr[i], "%s: register %u", c->name, i);
	KUNIT_EXPECT_EQ_MSG(f->test, f->e.rflags & ~c->undefined,
			    c->out_flags | X86_EFLAGS_FIXED, "%s", c->name);
	KUNIT_EXPECT_EQ_MSG(f->test, f->e.rip, want.e.rip + (c->more ? 0 : c->len), "%s", c->name);
}

static bool case_writes(const struct emul_case *c)
{
	unsigned int i;

	for (i = 0; c->accesses[i].type; i++) {
		if (c->accesses[i].type == 'W')
			return true;
	}
	return false;
}

/* Each row as it stands. */
static void emul_table_test(struct kunit *test)
{
	const struct emul_case *c = test->param_value;
	struct fake f;

	fake_init_case(&f, test, c);
	KUNIT_ASSERT_EQ_MSG(test, vl_emulate(&f.e), c->result, "%s", c->name);
	KUNIT_EXPECT_EQ_MSG(test, f.accesses[f.next].type, 0, "%s: accesses left", c->name);
	if (!case_writes(c))
		KUNIT_EXPECT_EQ_MSG(test, f.probes, 0U, "%s", c->name);
	if (c->result == VL_EMUL_DONE)
		expect_done(&f, c);
	else
		expect_unchanged(&f, c);
	if (c->result == VL_EMUL_FAULT) {
		KUNIT_EXPECT_EQ(test, f.e.fault.vector, c->vector);
		KUNIT_EXPECT_EQ(test, f.e.fault.error, 0U);
		KUNIT_EXPECT_EQ(test, f.e.fault.has_error,
				c->vector != X86_TRAP_UD && c->mode != 2);
	}
}

/* Each access of each row refused in turn: nothing may have changed, and it can run again. */
static void emul_refuse_test(struct kunit *test)
{
	static const int results[] = { VL_EMUL_AGAIN, VL_EMUL_FAULT, VL_EMUL_UNHANDLED };
	const struct emul_case *c = test->param_value;
	unsigned int i, j;
	struct fake f;

	for (i = 0; c->accesses[i].type; i++) {
		for (j = 0; j < ARRAY_SIZE(results); j++) {
			fake_init_case(&f, test, c);
			f.refuse = i;
			f.refuse_with = results[j];
			KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), results[j]);
			expect_unchanged(&f, c);
		}
		f.refuse = NO_ACCESS;
		f.next = 0;
		f.probes = 0;
		KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_DONE);
		expect_done(&f, c);
	}
}

/* Each row with its last bytes not fetched. */
static void emul_fetch_test(struct kunit *test)
{
	const struct emul_case *c = test->param_value;
	unsigned int len;
	struct fake f;

	if (c->result != VL_EMUL_DONE)
		return;
	for (len = 0; len < c->len; len++) {
		fake_init_case(&f, test, c);
		f.e.insn_len = len;
		KUNIT_EXPECT_EQ_MSG(test, vl_emulate(&f.e), VL_EMUL_FETCH, "%s, %u bytes",
				    c->name, len);
		KUNIT_EXPECT_EQ(test, f.next, 0U);
		expect_unchanged(&f, c);
	}
	fake_init_case(&f, test, c);
	f.e.insn_len = c->len;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_DONE);
}

static const void *emul_next_case(const void *prev, char *desc)
{
	const struct emul_case *c = prev ? (const struct emul_case *)prev + 1 : vl_emul_cases;

	if (c == vl_emul_cases + vl_emul_nr_cases)
		return NULL;
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
	return c;
}

/* Segment checks of protected mode: an 8-byte row each. */
struct segment_case {
	const char *name;
	struct vl_emul_seg seg;
	u32 offset;
	bool write;
	bool compare;
	bool stack;
	bool align_check;
	u8 vector;	/* 0: no fault */
};

#define AR_DATA		0xc093
#define AR_DATA_RO	0xc091
#define AR_DOWN		0xc097
#define AR_DOWN_16	0x8097
#define AR_CODE		0xc09b
#define AR_CODE_X	0xc099
#define AR_CONFORMING	0xc09f
#define AR_NULL		0x1c093

static const struct segment_case segment_cases[] = {
	{ "data, read", { 0x10000, 0xfff, AR_DATA }, 0xffc },
	{ "data, write", { 0x10000, 0xfff, AR_DATA }, 0xffc, .write = true },
	{ "data, behind the limit", { 0x10000, 0xfff, AR_DATA }, 0xffd, .vector = X86_TRAP_GP },
	{ "data, far behind", { 0x10000, 0xfff, AR_DATA }, 0xfffffffd, .vector = X86_TRAP_GP },
	{ "stack, behind the limit", { 0x10000, 0xfff, AR_DATA }, 0xffd, .stack = true,
	  .vector = X86_TRAP_SS },
	{ "read-only, read", { 0x10000, 0xfff, AR_DATA_RO }, 0 },
	{ "read-only, compare", { 0x10000, 0xfff, AR_DATA_RO }, 0, .compare = true },
	{ "read-only, write", { 0x10000, 0xfff, AR_DATA_RO }, 0, .write = true,
	  .vector = X86_TRAP_GP },
	{ "code, read", { 0x10000, 0xfff, AR_CODE }, 0 },
	{ "code, write", { 0x10000, 0xfff, AR_CODE }, 0, .write = true, .vector = X86_TRAP_GP },
	{ "execute-only, read", { 0x10000, 0xfff, AR_CODE_X }, 0, .vector = X86_TRAP_GP },
	{ "conforming code, below the limit", { 0x10000, 0xfff, AR_CONFORMING }, 0xffc },
	{ "conforming code, behind the limit", { 0x10000, 0xfff, AR_CONFORMING }, 0x1000,
	  .vector = X86_TRAP_GP },
	{ "expand-down, above the limit", { 0x10000, 0xfff, AR_DOWN }, 0x1000 },
	{ "expand-down, at the limit", { 0x10000, 0xfff, AR_DOWN }, 0xfff,
	  .vector = X86_TRAP_GP },
	{ "expand-down, at the top", { 0x10000, 0xfff, AR_DOWN }, 0xfffffffc },
	{ "expand-down, over the top", { 0x10000, 0xfff, AR_DOWN }, 0xfffffffd,
	  .vector = X86_TRAP_GP },
	{ "expand-down, 16-bit, at the top", { 0x10000, 0xfff, AR_DOWN_16 }, 0xfffc },
	{ "expand-down, 16-bit, over the top", { 0x10000, 0xfff, AR_DOWN_16 }, 0xfffd,
	  .vector = X86_TRAP_GP },
	{ "null", { 0, 0xffffffff, AR_NULL }, 0, .vector = X86_TRAP_GP },
	{ "null stack", { 0, 0xffffffff, AR_NULL }, 0, .stack = true, .vector = X86_TRAP_SS },
	{ "aligned", { 0x10000, 0xfff, AR_DATA }, 4, .align_check = true },
	{ "not aligned", { 0x10000, 0xfff, AR_DATA }, 2, .align_check = true,
	  .vector = X86_TRAP_AC },
	{ "base not aligned", { 0x10001, 0xfff, AR_DATA }, 3, .align_check = true },
	{ "not aligned, behind the limit", { 0x10000, 0xfff, AR_DATA }, 0xffd,
	  .align_check = true, .vector = X86_TRAP_GP },
};

static void emul_segment_test(struct kunit *test)
{
	/* mov eax, MEM; mov MEM, eax; cmp MEM, eax: with MEM [ebx] or [ebp] */
	const struct segment_case *c = test->param_value;
	u8 code[] = { c->write ? 0x89 : c->compare ? 0x39 : 0x8b, c->stack ? 0x45 : 0x43, 0 };
	struct emul_access access[2] = {
		{ c->write ? 'W' : 'R', 4, (u32)(c->seg.base + c->offset), 5 },
	};
	struct fake f;
	int ret;

	fake_init(&f, test, 4);
	fake_load(&f, code, sizeof(code));
	f.e.seg[c->stack ? VL_EMUL_SS : VL_EMUL_DS] = c->seg;
	f.e.align_check = c->align_check;
	f.gpr[VL_RAX] = 5;
	f.gpr[VL_RBX] = c->offset;
	f.gpr[VL_RBP] = c->offset;
	f.accesses = access;

	ret = vl_emulate(&f.e);
	KUNIT_EXPECT_EQ(test, ret, c->vector ? VL_EMUL_FAULT : VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, f.next, c->vector ? 0U : 1U);
	if (c->vector) {
		KUNIT_EXPECT_EQ(test, f.e.fault.vector, c->vector);
		KUNIT_EXPECT_TRUE(test, f.e.fault.has_error);
		KUNIT_EXPECT_EQ(test, f.e.fault.error, 0U);
	}
}

static void segment_case_name(const struct segment_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(segment, segment_cases, segment_case_name);

/* Virtual-8086 mode: no types, but the limit; and error codes, unlike real mode. */
static void emul_v86_test(struct kunit *test)
{
	static const u8 store[] = { 0x2e, 0x89, 0x07 };		/* mov cs:[bx], ax */
	static const struct emul_access access[] = { { 'W', 2, 0xf1000, 0x1234 }, { 0 } };
	struct fake f;

	fake_init(&f, test, 2);
	fake_load(&f, store, sizeof(store));
	f.e.rflags |= X86_EFLAGS_VM;
	f.e.seg[VL_EMUL_CS].ar = 0xfb;
	f.gpr[VL_RAX] = 0x1234;
	f.gpr[VL_RBX] = 0x1000;
	f.accesses = access;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, f.next, 1U);

	f.e.rip = RIP_OTHER;
	f.gpr[VL_RBX] = 0xffff;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, f.e.fault.vector, X86_TRAP_GP);
	KUNIT_EXPECT_TRUE(test, f.e.fault.has_error);
}

/* With 57-bit addresses more is canonical, and not all. */
static void emul_la57_test(struct kunit *test)
{
	static const u8 load[] = { 0x8a, 0x03 };		/* mov al, [rbx] */
	static const struct emul_access access[] = { { 'R', 1, 0x800000000000, 1 }, { 0 } };
	struct fake f;

	fake_init(&f, test, 8);
	fake_load(&f, load, sizeof(load));
	f.e.la57 = true;
	f.accesses = access;
	f.gpr[VL_RBX] = 0x800000000000;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_DONE);

	f.e.rip = RIP_64;
	f.gpr[VL_RBX] = 0x100000000000000;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, f.e.fault.vector, X86_TRAP_GP);
}

/* RF ends with the instruction, not with an iteration before the last; RIP wraps at 32 bits. */
static void emul_retire_test(struct kunit *test)
{
	static const u8 rep_stosb[] = { 0xf3, 0xaa };
	static const struct emul_access access[] = {
		{ 'W', 1, 0x202000, 5 }, { 'W', 1, 0x202001, 5 }, { 0 }
	};
	struct fake f;

	fake_init(&f, test, 4);
	fake_load(&f, rep_stosb, sizeof(rep_stosb));
	f.e.rip = 0xffffffff;
	f.e.rflags |= X86_EFLAGS_RF;
	f.gpr[VL_RAX] = 5;
	f.gpr[VL_RCX] = 2;
	f.gpr[VL_RDI] = 0x2000;
	f.accesses = access;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, f.e.rip, 0xffffffffULL);
	KUNIT_EXPECT_TRUE(test, f.e.rflags & X86_EFLAGS_RF);

	f.next = 0;
	f.accesses = access + 1;
	f.probes = 0;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_DONE);
	KUNIT_EXPECT_EQ(test, f.e.rip, 1ULL);
	KUNIT_EXPECT_FALSE(test, f.e.rflags & X86_EFLAGS_RF);
}

/* Without CPUID's MOVBE the opcode is not one. */
static void emul_movbe_test(struct kunit *test)
{
	static const u8 movbe[] = { 0x0f, 0x38, 0xf0, 0x03 };
	struct fake f;

	fake_init(&f, test, 8);
	fake_load(&f, movbe, sizeof(movbe));
	f.e.movbe = false;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_UNHANDLED);
}

static int refuse_second_probe(struct vl_emul *e, u64 gla, unsigned int size)
{
	struct fake *f = to_fake(e);

	KUNIT_EXPECT_EQ(f->test, size, 2U);
	if (f->probes++ == 0)
		return VL_EMUL_DONE;
	e->fault = (struct vl_emul_fault){ X86_TRAP_PF, true, 6, gla };
	return VL_EMUL_FAULT;
}

/* The page behind cannot be written: the fault names it, and nothing was read or written. */
static void emul_probe_test(struct kunit *test)
{
	static const u8 add[] = { 0x01, 0x03 };			/* add [rbx], eax */
	static const struct vl_emul_ops ops = {
		.read = fake_read, .write = fake_write, .probe = refuse_second_probe,
	};
	struct fake f;

	fake_init(&f, test, 8);
	fake_load(&f, add, sizeof(add));
	f.e.ops = &ops;
	f.gpr[VL_RBX] = 0x1ffe;
	KUNIT_EXPECT_EQ(test, vl_emulate(&f.e), VL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, f.next, 0U);
	KUNIT_EXPECT_EQ(test, f.e.fault.vector, X86_TRAP_PF);
	KUNIT_EXPECT_EQ(test, f.e.fault.cr2, 0x2000ULL);
	KUNIT_EXPECT_EQ(test, f.e.rip, (u64)RIP_64);
}

static struct kunit_case emulate_tests[] = {
	KUNIT_CASE_PARAM(emul_table_test, emul_next_case),
	KUNIT_CASE_PARAM(emul_refuse_test, emul_next_case),
	KUNIT_CASE_PARAM(emul_fetch_test, emul_next_case),
	KUNIT_CASE_PARAM(emul_segment_test, segment_gen_params),
	KUNIT_CASE(emul_v86_test),
	KUNIT_CASE(emul_la57_test),
	KUNIT_CASE(emul_retire_test),
	KUNIT_CASE(emul_movbe_test),
	KUNIT_CASE(emul_probe_test),
	{}
};

static struct kunit_suite emulate_suite = {
	.name = "vmx_lite_emulate",
	.test_cases = emulate_tests,
};

kunit_test_suite(emulate_suite);
