/* SPDX-License-Identifier: GPL-2.0-only */
/* The emulator's own: a decoded instruction, and what its files call in each other. */
#ifndef VL_EMULATE_INSN_H
#define VL_EMULATE_INSN_H

#include <linux/bits.h>
#include <linux/types.h>

#include "emulate.h"

enum vl_gpr {
	VL_RAX, VL_RCX, VL_RDX, VL_RBX, VL_RSP, VL_RBP, VL_RSI, VL_RDI,
	VL_NR_GPRS = 16
};

/* What an instruction computes. */
enum vl_op {
	VL_OP_NONE,
	VL_OP_ADD, VL_OP_OR, VL_OP_ADC, VL_OP_SBB, VL_OP_AND, VL_OP_SUB, VL_OP_XOR, VL_OP_CMP,
	VL_OP_TEST, VL_OP_NOT, VL_OP_NEG, VL_OP_INC, VL_OP_DEC,
	VL_OP_MOV, VL_OP_MOVSX, VL_OP_MOVBE, VL_OP_CMOV, VL_OP_SET,
	VL_OP_XCHG, VL_OP_XADD, VL_OP_CMPXCHG,
	VL_OP_BT, VL_OP_BTS, VL_OP_BTR, VL_OP_BTC,
	/* Operations with a shape of their own follow; the ALU does not know them. */
	VL_OP_PUSH, VL_OP_POP,
	VL_OP_MOVS, VL_OP_CMPS, VL_OP_STOS, VL_OP_LODS, VL_OP_SCAS,
	VL_NR_OPS
};

/* Operands, named as in the SDM's opcode map: E is ModRM's memory operand, G its register. */
enum vl_form {
	VL_FORM_NONE,
	VL_FORM_E_G,		/* destination memory, source register */
	VL_FORM_G_E,		/* destination register, source memory */
	VL_FORM_E_IZ,		/* destination memory, immediate of at most 4 bytes */
	VL_FORM_E_IB,		/* destination memory, sign-extended byte */
	VL_FORM_E,		/* memory alone */
	VL_FORM_O_A,		/* destination a bare offset, source rAX */
	VL_FORM_A_O,		/* destination rAX, source a bare offset */
	VL_FORM_STRING,		/* rSI and rDI */
};

/**
 * struct vl_insn - a decoded instruction
 * @op: enum vl_op
 * @form: enum vl_form
 * @cond: condition code of CMOVcc and SETcc
 * @len: bytes of the whole instruction
 * @osize: operand size: 1, 2, 4 or 8 bytes
 * @msize: size of the memory operand; differs from @osize for MOVZX, MOVSX, MOVSXD
 * @asize: address size: 2, 4 or 8 bytes
 * @reg: ModRM.reg with REX.R
 * @seg: segment of the memory operand, enum vl_emul_segreg
 * @rex: a REX prefix is there: byte registers 4 to 7 are SPL, BPL, SIL, DIL
 * @lock: LOCK prefix
 * @rep: 0, 0xf2 or 0xf3
 * @base: number of the base register, or -1
 * @index: number of the index register, or -1
 * @scale: log2 of the index's factor
 * @rip_relative: @disp counts from the next instruction
 * @disp: displacement, sign-extended; or the bare offset
 * @imm: immediate, sign-extended
 */
struct vl_insn {
	u8 op;
	u8 form;
	u8 cond;
	u8 len;
	u8 osize;
	u8 msize;
	u8 asize;
	u8 reg;
	u8 seg;
	bool rex;
	bool lock;
	u8 rep;
	s8 base;
	s8 index;
	u8 scale;
	bool rip_relative;
	u64 disp;
	u64 imm;
};

#define VL_ALU_READS_DST	BIT(0)
#define VL_ALU_WRITES_DST	BIT(1)
#define VL_ALU_WRITES_SRC	BIT(2)
#define VL_ALU_WRITES_ACC	BIT(3)
#define VL_ALU_LOCKABLE		BIT(4)

/**
 * struct vl_alu - operands of one computation
 * @dst: in, out: destination, zero-extended from @size bytes
 * @src: in, out: source
 * @acc: in, out: rAX, for CMPXCHG
 * @rflags: in, out: RFLAGS
 * @size: operand size in bytes
 * @src_size: the source's size before extension
 * @cond: condition code
 * @writes: in, out: VL_ALU_WRITES_*: what is to be written back
 */
struct vl_alu {
	u64 dst;
	u64 src;
	u64 acc;
	u64 rflags;
	u8 size;
	u8 src_size;
	u8 cond;
	u8 writes;
};

static inline u64 vl_size_mask(unsigned int size)
{
	return size >= 8 ? ~0ULL : BIT_ULL(size * 8) - 1;
}

static inline u64 vl_sign_extend(u64 value, unsigned int size)
{
	unsigned int shift = 64 - size * 8;

	return (u64)((s64)(value << shift) >> shift);
}

/* Write the low @size bytes of a register; 32-bit results clear the upper half. */
static inline void vl_gpr_write(u64 *reg, u64 value, unsigned int size)
{
	u64 mask = vl_size_mask(size);

	if (size == 4)
		*reg = value & mask;
	else
		*reg = (*reg & ~mask) | (value & mask);
}

void vl_string_step(u64 *reg, u64 rflags, unsigned int size, unsigned int asize);

int vl_insn_decode(struct vl_emul *e, struct vl_insn *insn);

unsigned int vl_alu_flags(enum vl_op op);
void vl_alu_execute(enum vl_op op, struct vl_alu *alu);

int vl_emul_exception(struct vl_emul *e, u8 vector);
int vl_emul_address(struct vl_emul *e, u8 seg, u64 offset, unsigned int size, bool write,
		    u64 *gla);
int vl_emul_mem_read(struct vl_emul *e, u64 gla, u64 *value, unsigned int size);
int vl_emul_mem_write(struct vl_emul *e, u64 gla, u64 value, unsigned int size);
int vl_emul_mem_probe(struct vl_emul *e, u64 gla, unsigned int size);
void vl_emul_retire(struct vl_emul *e, unsigned int len);

#endif /* VL_EMULATE_INSN_H */
