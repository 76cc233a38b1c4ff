// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of emulated instructions: results and flags, SDM vol. 2 and vol. 1, 3.4.3.
 *
 * Flags the SDM calls undefined: AF of logic operations is cleared, all others are left.
 */
#include <linux/swab.h>

#include <asm/processor-flags.h>

#include "emulate-insn.h"

#define FLAGS_ARITH	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_SF | X86_EFLAGS_OF)

static u64 alu_sign_bit(const struct vl_alu *a)
{
	return BIT_ULL(a->size * 8 - 1);
}

static bool alu_even_parity(u8 value)
{
	value ^= value >> 4;
	value ^= value >> 2;
	value ^= value >> 1;
	return !(value & 1);
}

static void alu_set_flag(struct vl_alu *a, u64 flag, bool on)
{
	a->rflags = on ? a->rflags | flag : a->rflags & ~flag;
}

static u64 alu_set_result_flags(struct vl_alu *a, u64 result)
{
	result &= vl_size_mask(a->size);
	alu_set_flag(a, X86_EFLAGS_ZF, !result);
	alu_set_flag(a, X86_EFLAGS_SF, result & alu_sign_bit(a));
	alu_set_flag(a, X86_EFLAGS_PF, alu_even_parity(result));
	return result;
}

static u64 alu_add_carry(struct vl_alu *a, u64 x, u64 y, bool carry)
{
	u64 r = x + y + carry;
	u64 carries = (x & y) | ((x | y) & ~r);

	alu_set_flag(a, X86_EFLAGS_CF, carries & alu_sign_bit(a));
	alu_set_flag(a, X86_EFLAGS_AF, (x ^ y ^ r) & BIT(4));
	alu_set_flag(a, X86_EFLAGS_OF, (x ^ r) & (y ^ r) & alu_sign_bit(a));
	return alu_set_result_flags(a, r);
}

static u64 alu_sub_borrow(struct vl_alu *a, u64 x, u64 y, bool borrow)
{
	u64 r = x - y - borrow;
	u64 borrows = (~x & y) | (~(x ^ y) & r);

	alu_set_flag(a, X86_EFLAGS_CF, borrows & alu_sign_bit(a));
	alu_set_flag(a, X86_EFLAGS_AF, (x ^ y ^ r) & BIT(4));
	alu_set_flag(a, X86_EFLAGS_OF, (x ^ y) & (x ^ r) & alu_sign_bit(a));
	return alu_set_result_flags(a, r);
}

static u64 alu_logic(struct vl_alu *a, u64 result)
{
	a->rflags &= ~FLAGS_ARITH;
	return alu_set_result_flags(a, result);
}

static void alu_add(struct vl_alu *a)
{
	a->dst = alu_add_carry(a, a->dst, a->src, false);
}

static void alu_adc(struct vl_alu *a)
{
	a->dst = alu_add_carry(a, a->dst, a->src, a->rflags & X86_EFLAGS_CF);
}

static void alu_sub(struct vl_alu *a)
{
	a->dst = alu_sub_borrow(a, a->dst, a->src, false);
}

static void alu_sbb(struct vl_alu *a)
{
	a->dst = alu_sub_borrow(a, a->dst, a->src, a->rflags & X86_EFLAGS_CF);
}

static void alu_cmp(struct vl_alu *a)
{
	alu_sub_borrow(a, a->dst, a->src, false);
}

static void alu_and(struct vl_alu *a)
{
	a->dst = alu_logic(a, a->dst & a->src);
}

static void alu_or(struct vl_alu *a)
{
	a->dst = alu_logic(a, a->dst | a->src);
}

static void alu_xor(struct vl_alu *a)
{
	a->dst = alu_logic(a, a->dst ^ a->src);
}

static void alu_test(struct vl_alu *a)
{
	alu_logic(a, a->dst & a->src);
}

static void alu_not(struct vl_alu *a)
{
	a->dst = ~a->dst;
}

static void alu_neg(struct vl_alu *a)
{
	a->dst = alu_sub_borrow(a, 0, a->dst, false);
}

static void alu_inc(struct vl_alu *a)
{
	u64 carry = a->rflags & X86_EFLAGS_CF;

	a->dst = alu_add_carry(a, a->dst, 1, false);
	alu_set_flag(a, X86_EFLAGS_CF, carry);
}

static void alu_dec(struct vl_alu *a)
{
	u64 carry = a->rflags & X86_EFLAGS_CF;

	a->dst = alu_sub_borrow(a, a->dst, 1, false);
	alu_set_flag(a, X86_EFLAGS_CF, carry);
}

static void alu_mov(struct vl_alu *a)
{
	a->dst = a->src;
}

static void alu_movsx(struct vl_alu *a)
{
	a->dst = vl_sign_extend(a->src, a->src_size);
}

static void alu_movbe(struct vl_alu *a)
{
	a->dst = swab64(a->src) >> (64 - a->size * 8);
}

/* Condition codes, SDM vol. 1, appendix B: bit 0 negates. */
static bool alu_condition(const struct vl_alu *a)
{
	bool cf = a->rflags & X86_EFLAGS_CF;
	bool zf = a->rflags & X86_EFLAGS_ZF;
	bool sf = a->rflags & X86_EFLAGS_SF;
	bool of = a->rflags & X86_EFLAGS_OF;
	bool pf = a->rflags & X86_EFLAGS_PF;
	const bool met[8] = { of, cf, zf, cf || zf, sf, pf, sf != of, zf || sf != of };

	return met[a->cond >> 1 & 7] != (a->cond & 1);
}

static void alu_cmov(struct vl_alu *a)
{
	if (alu_condition(a))
		a->dst = a->src;
}

static void alu_set(struct vl_alu *a)
{
	a->dst = alu_condition(a);
}

static void alu_xchg(struct vl_alu *a)
{
	u64 old = a->dst;

	a->dst = a->src;
	a->src = old;
}

static void alu_xadd(struct vl_alu *a)
{
	u64 old = a->dst;

	a->dst = alu_add_carry(a, a->dst, a->src, false);
	a->src = old;
}

/* The destination is written in any case, with its own value if the comparison failed. */
static void alu_cmpxchg(struct vl_alu *a)
{
	alu_sub_borrow(a, a->acc, a->dst, false);
	if (a->acc == a->dst) {
		a->dst = a->src;
	} else {
		a->acc = a->dst;
		a->writes |= VL_ALU_WRITES_ACC;
	}
}

static u64 alu_test_bit(struct vl_alu *a)
{
	u64 bit = BIT_ULL(a->src & (a->size * 8 - 1));

	alu_set_flag(a, X86_EFLAGS_CF, a->dst & bit);
	return bit;
}

static void alu_bt(struct vl_alu *a)
{
	alu_test_bit(a);
}

static void alu_bts(struct vl_alu *a)
{
	a->dst |= alu_test_bit(a);
}

static void alu_btr(struct vl_alu *a)
{
	a->dst &= ~alu_test_bit(a);
}

static void alu_btc(struct vl_alu *a)
{
	a->dst ^= alu_test_bit(a);
}

#define READ_ONLY	VL_ALU_READS_DST
#define WRITE_ONLY	VL_ALU_WRITES_DST
#define UPDATE		(VL_ALU_READS_DST | VL_ALU_WRITES_DST | VL_ALU_LOCKABLE)
#define EXCHANGE	(UPDATE | VL_ALU_WRITES_SRC)

static const struct alu_op {
	void (*execute)(struct vl_alu *a);
	u8 flags;
} alu_ops[] = {
	[VL_OP_ADD] = { alu_add, UPDATE },
	[VL_OP_OR] = { alu_or, UPDATE },
	[VL_OP_ADC] = { alu_adc, UPDATE },
	[VL_OP_SBB] = { alu_sbb, UPDATE },
	[VL_OP_AND] = { alu_and, UPDATE },
	[VL_OP_SUB] = { alu_sub, UPDATE },
	[VL_OP_XOR] = { alu_xor, UPDATE },
	[VL_OP_CMP] = { alu_cmp, READ_ONLY },
	[VL_OP_TEST] = { alu_test, READ_ONLY },
	[VL_OP_NOT] = { alu_not, UPDATE },
	[VL_OP_NEG] = { alu_neg, UPDATE },
	[VL_OP_INC] = { alu_inc, UPDATE },
	[VL_OP_DEC] = { alu_dec, UPDATE },
	[VL_OP_MOV] = { alu_mov, WRITE_ONLY },
	[VL_OP_MOVSX] = { alu_movsx, WRITE_ONLY },
	[VL_OP_MOVBE] = { alu_movbe, WRITE_ONLY },
	[VL_OP_CMOV] = { alu_cmov, VL_ALU_READS_DST | VL_ALU_WRITES_DST },
	[VL_OP_SET] = { alu_set, WRITE_ONLY },
	[VL_OP_XCHG] = { alu_xchg, EXCHANGE },
	[VL_OP_XADD] = { alu_xadd, EXCHANGE },
	[VL_OP_CMPXCHG] = { alu_cmpxchg, UPDATE },
	[VL_OP_BT] = { alu_bt, READ_ONLY },
	[VL_OP_BTS] = { alu_bts, UPDATE },
	[VL_OP_BTR] = { alu_btr, UPDATE },
	[VL_OP_BTC] = { alu_btc, UPDATE },
};

/**
 * vl_alu_flags() - what an operation does to its operands
 * @op: an operation before VL_OP_PUSH
 *
 * Context: any.
 * Return: VL_ALU_*; VL_ALU_LOCKABLE means with a memory destination.
 */
unsigned int vl_alu_flags(enum vl_op op)
{
	return alu_ops[op].flags;
}

/**
 * vl_alu_execute() - compute
 * @op: an operation before VL_OP_PUSH
 * @alu: operands and flags, in and out
 *
 * Context: any.
 */
void vl_alu_execute(enum vl_op op, struct vl_alu *alu)
{
	alu->writes = alu_ops[op].flags;
	alu_ops[op].execute(alu);
}
