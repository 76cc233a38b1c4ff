// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: any bytes as instruction, registers, segments and memory. Whatever they
 * are, the emulator and the page-table walk stay within their buffers and their promises.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "../../drivers/vmx-lite/emulate.h"
#include "../../drivers/vmx-lite/walk.h"

/* POP to memory across two pages: four pieces read and four written. */
#define MAX_ACCESSES	16
#define MAX_REFUSALS	16
#define NOT_REFUSED	(~0U)

/* The fuzzer's bytes, taken from the front; zeros when they are used up. */
struct input {
	const u8 *data;
	size_t left;
};

static void take(struct input *in, void *to, size_t size)
{
	size_t n = size < in->left ? size : in->left;

	memset(to, 0, size);
	memcpy(to, in->data, n);
	in->data += n;
	in->left -= n;
}

static u64 take_number(struct input *in, size_t size)
{
	u64 value = 0;

	take(in, &value, size);
	return value;
}

#define require(condition)						\
do {									\
	if (!(condition)) {						\
		fprintf(stderr, "%d: %s\n", __LINE__, #condition);	\
		abort();						\
	}								\
} while (0)

/* One run of the emulator, and what it touched. */
struct run {
	struct vl_emul e;
	u64 gpr[16];
	u64 seed;
	unsigned int refuse;
	unsigned int accesses;
	unsigned int writes;
	u64 digest;
};

static struct run *to_run(struct vl_emul *e)
{
	return (struct run *)((char *)e - offsetof(struct run, e));
}

static u64 mix(u64 a, u64 b)
{
	u64 z = (a ^ b) * 0x9e3779b97f4a7c15ULL;

	return z ^ z >> 29;
}

static int access_memory(struct run *r, u64 gla, unsigned int size)
{
	require(size == 1 || size == 2 || size == 4 || size == 8);
	require((gla & 0xfff) + size <= 0x1000);
	require(r->e.mode == 8 || gla + size <= 1ULL << 32);
	require(r->accesses < MAX_ACCESSES);
	return r->accesses++ == r->refuse ? VL_EMUL_AGAIN : VL_EMUL_DONE;
}

static int fuzz_read(struct vl_emul *e, u64 gla, void *data, unsigned int size)
{
	struct run *r = to_run(e);
	u64 value = mix(r->seed, gla);
	int ret = access_memory(r, gla, size);

	require(!r->writes);
	if (!ret)
		memcpy(data, &value, size);
	r->digest = mix(r->digest, gla + size);
	return ret;
}

static int fuzz_write(struct vl_emul *e, u64 gla, const void *data, unsigned int size)
{
	struct run *r = to_run(e);
	u64 value = 0;
	int ret = access_memory(r, gla, size);

	memcpy(&value, data, size);
	r->digest = mix(r->digest, mix(value, gla + size));
	r->writes += !ret;
	return ret;
}

static int fuzz_probe(struct vl_emul *e, u64 gla, unsigned int size)
{
	require(size && (gla & 0xfff) + size <= 0x1000);
	require(!to_run(e)->accesses);
	return VL_EMUL_DONE;
}

static int fuzz_ram(struct vl_emul *e, u64 gla, void *data, unsigned int len, bool write)
{
	struct run *r = to_run(e);

	require(len && (gla & 0xfff) + len <= 0x1000);
	if (r->seed & 1)
		return VL_EMUL_UNHANDLED;
	if (data && !write)
		memset(data, (u8)mix(r->seed, gla), len);
	return VL_EMUL_DONE;
}

static const struct vl_emul_ops fuzz_ops = {
	.read = fuzz_read,
	.write = fuzz_write,
	.probe = fuzz_probe,
	.ram = fuzz_ram,
};

static void take_run(struct input *in, struct run *r)
{
	u8 bits = take_number(in, 1);
	unsigned int i;

	memset(r, 0, sizeof(*r));
	r->refuse = NOT_REFUSED;
	r->e.ops = &fuzz_ops;
	r->e.mode = 2 << (bits & 3) % 3;
	r->e.real = r->e.mode != 8 && (bits & 4);
	r->e.la57 = bits & 8;
	r->e.align_check = bits & 16;
	r->e.movbe = bits & 32;
	r->e.insn_len = take_number(in, 1) % (VL_EMUL_INSN_MAX + 1);
	take(in, r->e.insn, sizeof(r->e.insn));
	r->e.rflags = take_number(in, 4) | 2;
	r->seed = take_number(in, 8);
	r->e.rip = take_number(in, 4);
	for (i = 0; i < 16; i++)
		r->gpr[i] = i < 8 ? take_number(in, 8) : mix(r->seed, i);
	for (i = 0; i < VL_EMUL_NR_SEGS; i++) {
		r->e.seg[i].base = take_number(in, r->e.mode == 8 ? 8 : 4);
		r->e.seg[i].limit = take_number(in, 4);
		r->e.seg[i].ar = take_number(in, 4);
	}
}

static int run(struct run *r, const struct run *start, unsigned int refuse)
{
	*r = *start;
	r->refuse = refuse;
	r->e.gpr = r->gpr;
	return vl_emulate(&r->e);
}

static bool same_state(const struct run *a, const struct run *b)
{
	return a->e.rip == b->e.rip && a->e.rflags == b->e.rflags &&
	       !memcmp(a->gpr, b->gpr, sizeof(a->gpr));
}

static void fuzz_instruction(struct input *in)
{
	struct run start, first, other;
	unsigned int i;
	int ret;

	take_run(in, &start);
	ret = run(&first, &start, NOT_REFUSED);
	require(ret == VL_EMUL_DONE || ret == VL_EMUL_FAULT || ret == VL_EMUL_UNHANDLED ||
		ret == VL_EMUL_FETCH);
	if (ret != VL_EMUL_DONE) {
		require(same_state(&first, &start));
		require(!first.writes);
	} else if (first.e.rip != start.e.rip) {
		u64 len = first.e.rip - start.e.rip;

		require((start.e.mode == 8 ? len : (u32)len) <= start.e.insn_len);
	}

	/* Bytes that were not fetched do not matter. */
	memset(start.e.insn + start.e.insn_len, 0x5a, VL_EMUL_INSN_MAX - start.e.insn_len);
	require(run(&other, &start, NOT_REFUSED) == ret);
	require(same_state(&other, &first) && other.digest == first.digest);

	for (i = 0; i < first.accesses && i < MAX_REFUSALS; i++) {
		require(run(&other, &start, i) == VL_EMUL_AGAIN);
		require(same_state(&other, &start));
	}
}

static void fuzz_strio(struct input *in)
{
	struct vl_emul_strio io = { 0 };
	struct run r;
	u8 *data;
	u32 max, calls = 0;
	u8 bits;
	int ret;

	take_run(in, &r);
	r.e.gpr = r.gpr;
	bits = take_number(in, 1);
	io.in = bits & 1;
	io.rep = bits & 2;
	io.size = 1 << (bits >> 2 & 3) % 3;
	io.addr_size = 2 << (bits >> 4 & 3) % 3;
	io.seg = io.in ? VL_EMUL_ES : (bits >> 6) + 2;
	io.insn_len = 1 + take_number(in, 1) % 15;
	max = 1 + take_number(in, 2) % 1024;
	data = calloc(max, io.size);

	ret = vl_emul_strio_start(&r.e, &io, data, max);
	require(!ret || !io.count);
	require(io.count <= max);
	if (!ret && io.count) {
		while (io.done < io.count && calls++ < max) {
			r.accesses = 0;
			ret = vl_emul_strio_finish(&r.e, &io, data);
			if (ret)
				break;
		}
		require(ret || io.done == io.count);
	}
	free(data);
}

static struct input *walk_input;
static unsigned int walk_reads;

static int fuzz_walk_read(void *ctx, u64 gpa, void *data, unsigned int len)
{
	require(len == 4 || len == 8);
	require(!(gpa & (len - 1)) && gpa < 1ULL << 52);
	require(++walk_reads <= 5 * 8);
	take(ctx, data, len);
	/* Without this hardly any entry would be present. */
	*(u8 *)data ^= 7;
	return walk_input->left & 64 ? 0 : -(walk_input->left % 37 == 1);
}

static int fuzz_walk_cmpxchg(void *ctx, u64 gpa, u64 old, u64 new, unsigned int len)
{
	(void)gpa;
	require(len == 4 || len == 8);
	require((new & old) == old && new != old && !((new ^ old) & ~0x60ULL));
	return take_number(ctx, 1) & 1 ? -EAGAIN : 0;
}

static void fuzz_walk(struct input *in)
{
	struct vl_walk w = { .ctx = in, .read = fuzz_walk_read };
	u64 gva;
	u32 access;
	u8 bits;
	int ret;

	walk_input = in;
	walk_reads = 0;
	bits = take_number(in, 1);
	w.cmpxchg = bits & 1 ? fuzz_walk_cmpxchg : NULL;
	w.rflags_ac = bits & 2;
	w.cpl = bits >> 2 & 3;
	w.maxphyaddr = 32 + (bits >> 4) + (bits >> 6);
	w.cr0 = take_number(in, 4) ^ 0x80000000;
	w.cr3 = take_number(in, 8) & ((1ULL << 52) - 1);
	w.cr4 = take_number(in, 4) ^ 0x20;
	w.efer = take_number(in, 2);
	w.pkru = take_number(in, 4);
	take(in, w.pdpte, sizeof(w.pdpte));
	for (ret = 0; ret < 4; ret++)
		w.pdpte[ret] &= (1ULL << 52) - 1;
	gva = take_number(in, 8);
	access = take_number(in, 1) & 15;

	ret = vl_walk(&w, gva, access);
	require(ret == 0 || ret == -EFAULT || ret == -EIO || ret == -ERANGE || ret == -EAGAIN);
	if (!ret) {
		require(w.gpa < 1ULL << 52);
		require(w.page_shift >= 12 && w.page_shift <= 30 && w.level <= 3);
		require(!((w.gpa ^ gva) & 0xfff));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };

	switch (take_number(&in, 1) & 3) {
	case 0:
		fuzz_strio(&in);
		break;
	case 1:
		fuzz_walk(&in);
		break;
	default:
		fuzz_instruction(&in);
		break;
	}
	return 0;
}
