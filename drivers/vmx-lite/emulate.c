// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulation of one instruction, run from the start each time: memory is read first, written
 * last, and registers change only when nothing can fail any more. An instruction that must
 * wait for user space is simply run again with the answers at hand.
 */
#include <linux/string.h>

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emulate-insn.h"

#define AR_DEFAULT_BIG	BIT(14)
#define REP_NE		0xf2

/* One run: the guest's registers as they will be if it ends well. */
struct run {
	struct vl_emul *e;
	struct vl_insn insn;
	u64 gpr[VL_NR_GPRS];
	u64 rflags;
	bool again;		/* a repeated instruction goes on */
};

static bool byte_register_high(const struct run *r, u8 reg)
{
	return !r->insn.rex && reg >= VL_RSP && reg <= VL_RDI;
}

static u64 reg_read(const struct run *r, u8 reg, unsigned int size)
{
	if (size == 1 && byte_register_high(r, reg))
		return r->gpr[reg - VL_RSP] >> 8 & 0xff;
	return r->gpr[reg] & vl_size_mask(size);
}

static void reg_write(struct run *r, u8 reg, u64 value, unsigned int size)
{
	u64 *high = &r->gpr[reg & 3];

	if (size == 1 && byte_register_high(r, reg))
		*high = (*high & ~0xff00ULL) | (value & 0xff) << 8;
	else
		vl_gpr_write(&r->gpr[reg], value, size);
}

/* SDM vol. 1, 3.7.5: the offset wraps at the address size. */
static u64 operand_offset(const struct run *r)
{
	const struct vl_insn *insn = &r->insn;
	u64 offset = insn->disp;

	if (insn->rip_relative)
		offset += r->e->rip + insn->len;
	if (insn->base >= 0)
		offset += r->gpr[insn->base];
	if (insn->index >= 0)
		offset += r->gpr[insn->index] << insn->scale;
	return offset & vl_size_mask(insn->asize);
}

/*
 * SDM vol. 2, BT: a bit offset in a register is signed and reaches beyond the operand, in
 * steps of the operand size.
 */
static u64 bit_operand_offset(const struct run *r)
{
	const struct vl_insn *insn = &r->insn;
	s64 bit = vl_sign_extend(r->gpr[insn->reg], insn->osize);
	u64 step = bit >> (insn->osize == 8 ? 6 : insn->osize == 4 ? 5 : 4);

	return (operand_offset(r) + step * insn->osize) & vl_size_mask(insn->asize);
}

static bool is_bit_op(const struct vl_insn *insn)
{
	return insn->op >= VL_OP_BT && insn->op <= VL_OP_BTC;
}

/* Where an operand will be written: all that can fault before a device sees anything. */
static int locate_for_write(struct vl_emul *e, u8 seg, u64 offset, unsigned int size, u64 *gla)
{
	int ret = vl_emul_address(e, seg, offset, size, true, gla);

	return ret ? ret : vl_emul_mem_probe(e, *gla, size);
}

static int locate(struct vl_emul *e, u8 seg, u64 offset, unsigned int size, bool write,
		  u64 *gla)
{
	if (write)
		return locate_for_write(e, seg, offset, size, gla);
	return vl_emul_address(e, seg, offset, size, false, gla);
}

static int load(struct vl_emul *e, u8 seg, u64 offset, unsigned int size, u64 *value)
{
	u64 gla;
	int ret = vl_emul_address(e, seg, offset, size, false, &gla);

	return ret ? ret : vl_emul_mem_read(e, gla, value, size);
}

/* Destination memory; source a register or an immediate. */
static int run_to_memory(struct run *r)
{
	const struct vl_insn *insn = &r->insn;
	unsigned int flags = vl_alu_flags(insn->op);
	bool from_reg = insn->form == VL_FORM_E_G || insn->form == VL_FORM_O_A;
	struct vl_alu alu = {
		.src = from_reg ? reg_read(r, insn->reg, insn->osize) : insn->imm,
		.acc = reg_read(r, VL_RAX, insn->osize),
		.rflags = r->rflags,
		.size = insn->osize,
		.src_size = insn->osize,
		.cond = insn->cond,
	};
	u64 offset, gla;
	int ret;

	offset = is_bit_op(insn) && from_reg ? bit_operand_offset(r) : operand_offset(r);
	ret = locate(r->e, insn->seg, offset, insn->msize, flags & VL_ALU_WRITES_DST, &gla);
	if (ret)
		return ret;
	if (flags & VL_ALU_READS_DST) {
		ret = vl_emul_mem_read(r->e, gla, &alu.dst, insn->msize);
		if (ret)
			return ret;
	}

	vl_alu_execute(insn->op, &alu);

	if (alu.writes & VL_ALU_WRITES_DST) {
		ret = vl_emul_mem_write(r->e, gla, alu.dst, insn->msize);
		if (ret)
			return ret;
	}
	if (alu.writes & VL_ALU_WRITES_SRC)
		reg_write(r, insn->reg, alu.src, insn->osize);
	if (alu.writes & VL_ALU_WRITES_ACC)
		reg_write(r, VL_RAX, alu.acc, insn->osize);
	r->rflags = alu.rflags;
	return VL_EMUL_DONE;
}

static int run_from_memory(struct run *r)
{
	const struct vl_insn *insn = &r->insn;
	struct vl_alu alu = {
		.dst = reg_read(r, insn->reg, insn->osize),
		.rflags = r->rflags,
		.size = insn->osize,
		.src_size = insn->msize,
		.cond = insn->cond,
	};
	int ret;

	ret = load(r->e, insn->seg, operand_offset(r), insn->msize, &alu.src);
	if (ret)
		return ret;

	vl_alu_execute(insn->op, &alu);

	if (alu.writes & VL_ALU_WRITES_DST)
		reg_write(r, insn->reg, alu.dst, insn->osize);
	r->rflags = alu.rflags;
	return VL_EMUL_DONE;
}

static unsigned int stack_size(const struct vl_emul *e)
{
	if (e->mode == 8)
		return 8;
	return e->seg[VL_EMUL_SS].ar & AR_DEFAULT_BIG ? 4 : 2;
}

/* SDM vol. 2, PUSH: the operand's address uses RSP as it was. */
static int run_push(struct run *r)
{
	const struct vl_insn *insn = &r->insn;
	unsigned int size = stack_size(r->e);
	u64 rsp = (r->gpr[VL_RSP] - insn->osize) & vl_size_mask(size);
	u64 value, gla;
	int ret;

	ret = locate_for_write(r->e, VL_EMUL_SS, rsp, insn->osize, &gla);
	if (ret)
		return ret;
	ret = load(r->e, insn->seg, operand_offset(r), insn->msize, &value);
	if (ret)
		return ret;
	ret = vl_emul_mem_write(r->e, gla, value, insn->osize);
	if (ret)
		return ret;
	vl_gpr_write(&r->gpr[VL_RSP], rsp, size);
	return VL_EMUL_DONE;
}

/* SDM vol. 2, POP: the operand's address uses RSP as it is afterwards. */
static int run_pop(struct run *r)
{
	const struct vl_insn *insn = &r->insn;
	unsigned int size = stack_size(r->e);
	u64 from = r->gpr[VL_RSP] & vl_size_mask(size);
	u64 value, gla;
	int ret;

	vl_gpr_write(&r->gpr[VL_RSP], from + insn->osize, size);
	ret = locate_for_write(r->e, insn->seg, operand_offset(r), insn->msize, &gla);
	if (ret)
		return ret;
	ret = load(r->e, VL_EMUL_SS, from, insn->osize, &value);
	if (ret)
		return ret;
	return vl_emul_mem_write(r->e, gla, value, insn->osize);
}

/* What the string instructions touch. */
enum string_use {
	STR_SRC = BIT(0),	/* reads seg:[rSI] */
	STR_DST_READ = BIT(1),	/* reads ES:[rDI] */
	STR_DST_WRITE = BIT(2),	/* writes ES:[rDI] */
	STR_LOAD_ACC = BIT(3),	/* rAX becomes the source */
	STR_COMPARE = BIT(4),	/* sets flags; REPE and REPNE look at ZF */
};

#define STR_DST		(STR_DST_READ | STR_DST_WRITE)

static const u8 string_uses[VL_NR_OPS] = {
	[VL_OP_MOVS] = STR_SRC | STR_DST_WRITE,
	[VL_OP_CMPS] = STR_SRC | STR_DST_READ | STR_COMPARE,
	[VL_OP_STOS] = STR_DST_WRITE,
	[VL_OP_LODS] = STR_SRC | STR_LOAD_ACC,
	[VL_OP_SCAS] = STR_DST_READ | STR_COMPARE,
};

static int string_memory(struct run *r, unsigned int use)
{
	const struct vl_insn *insn = &r->insn;
	u64 mask = vl_size_mask(insn->asize);
	u64 source = reg_read(r, VL_RAX, insn->osize);
	u64 dest = 0, gla = 0;
	int ret;

	if (use & STR_DST) {
		ret = locate(r->e, VL_EMUL_ES, r->gpr[VL_RDI] & mask, insn->osize,
			     use & STR_DST_WRITE, &gla);
		if (ret)
			return ret;
	}
	if (use & STR_SRC) {
		ret = load(r->e, insn->seg, r->gpr[VL_RSI] & mask, insn->osize, &source);
		if (ret)
			return ret;
	}
	if (use & STR_DST_READ) {
		ret = vl_emul_mem_read(r->e, gla, &dest, insn->osize);
		if (ret)
			return ret;
	}
	if (use & STR_DST_WRITE) {
		ret = vl_emul_mem_write(r->e, gla, source, insn->osize);
		if (ret)
			return ret;
	}

	if (use & STR_LOAD_ACC)
		reg_write(r, VL_RAX, source, insn->osize);
	if (use & STR_COMPARE) {
		struct vl_alu alu = {
			.dst = source, .src = dest, .rflags = r->rflags, .size = insn->osize,
		};

		vl_alu_execute(VL_OP_CMP, &alu);
		r->rflags = alu.rflags;
	}
	return VL_EMUL_DONE;
}

/* One iteration. SDM vol. 2, REP: the count is looked at before, ZF after the operation. */
static int run_string(struct run *r)
{
	const struct vl_insn *insn = &r->insn;
	unsigned int use = string_uses[insn->op];
	u64 count = r->gpr[VL_RCX] & vl_size_mask(insn->asize);
	int ret;

	if (insn->rep && !count)
		return VL_EMUL_DONE;

	ret = string_memory(r, use);
	if (ret)
		return ret;

	if (use & STR_SRC)
		vl_string_step(&r->gpr[VL_RSI], r->rflags, insn->osize, insn->asize);
	if (use & STR_DST)
		vl_string_step(&r->gpr[VL_RDI], r->rflags, insn->osize, insn->asize);
	if (!insn->rep)
		return VL_EMUL_DONE;

	vl_gpr_write(&r->gpr[VL_RCX], count - 1, insn->asize);
	r->again = count > 1;
	if (use & STR_COMPARE)
		r->again &= !!(r->rflags & X86_EFLAGS_ZF) == (insn->rep != REP_NE);
	return VL_EMUL_DONE;
}

static int run_insn(struct run *r)
{
	switch (r->insn.op) {
	case VL_OP_PUSH:
		return run_push(r);
	case VL_OP_POP:
		return run_pop(r);
	default:
		break;
	}

	switch (r->insn.form) {
	case VL_FORM_STRING:
		return run_string(r);
	case VL_FORM_G_E:
	case VL_FORM_A_O:
		return run_from_memory(r);
	default:
		return run_to_memory(r);
	}
}

/**
 * vl_string_step() - step a string instruction's pointer
 * @reg: RSI or RDI
 * @rflags: RFLAGS; DF is the direction
 * @size: bytes to step over: one element, or several
 * @asize: address size in bytes: 2, 4 or 8
 *
 * Context: any.
 */
void vl_string_step(u64 *reg, u64 rflags, unsigned int size, unsigned int asize)
{
	vl_gpr_write(reg, rflags & X86_EFLAGS_DF ? *reg - size : *reg + size, asize);
}

/**
 * vl_emul_retire() - move RIP behind an instruction
 * @e: the emulation
 * @len: bytes of the instruction
 *
 * RF ends with the instruction (SDM vol. 3, 18.3.1.1).
 *
 * Context: any.
 */
void vl_emul_retire(struct vl_emul *e, unsigned int len)
{
	e->rip += len;
	if (e->mode != 8)
		e->rip = (u32)e->rip;
	e->rflags &= ~X86_EFLAGS_RF;
}

/**
 * vl_emulate() - emulate one instruction, or one iteration of a repeated one
 * @e: the guest's state and the instruction's bytes, see struct vl_emul
 *
 * Reads come first, in the same order each run, then at most one operand is written, then
 * @e changes. Whatever is returned but VL_EMUL_DONE leaves e->gpr, e->rip and e->rflags alone.
 *
 * Context: that of the callbacks; no lock of its own.
 * Return: enum vl_emul_result.
 */
int vl_emulate(struct vl_emul *e)
{
	struct run r = { .e = e, .rflags = e->rflags };
	int ret;

	ret = vl_insn_decode(e, &r.insn);
	if (ret)
		return ret;

	memcpy(r.gpr, e->gpr, sizeof(r.gpr));
	ret = run_insn(&r);
	if (ret)
		return ret;

	memcpy(e->gpr, r.gpr, sizeof(r.gpr));
	e->rflags = r.rflags;
	if (!r.again)
		vl_emul_retire(e, r.insn.len);
	return VL_EMUL_DONE;
}
