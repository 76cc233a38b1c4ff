// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instruction decoding, SDM vol. 2: chapter 2 (format), appendix A (opcode map).
 *
 * Only forms with a memory operand are known: others never need emulation.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emulate-insn.h"

enum opcode_flags {
	BYTE = BIT(0),		/* operands are bytes whatever the prefixes say */
	SRC_BYTE = BIT(1),	/* the memory operand is a byte */
	SRC_WORD = BIT(2),	/* the memory operand is a word */
	SRC_DWORD = BIT(3),	/* the memory operand is at most a doubleword */
	ONLY_64 = BIT(4),	/* in 64-bit mode only; another instruction elsewhere */
	NOT_64 = BIT(5),	/* not in 64-bit mode */
	WIDE_64 = BIT(6),	/* operand size in 64-bit mode: 8 without REX.W, never 4 */
	DWORD_NP = BIT(7),	/* operand size 8 with REX.W, else 4; #UD with 66, F2 or F3 */
};

enum opcode_group {
	NO_GROUP, GROUP_1, GROUP_1A, GROUP_3, GROUP_4, GROUP_5, GROUP_8, GROUP_11
};

struct opcode {
	u8 op;
	u8 form;
	u8 flags;
	u8 group;
};

/* The six forms of an arithmetic operation, less the two without memory. */
#define EB_GB(operation)	{ .op = (operation), .form = VL_FORM_E_G, .flags = BYTE }
#define EV_GV(operation)	{ .op = (operation), .form = VL_FORM_E_G }
#define GB_EB(operation)	{ .op = (operation), .form = VL_FORM_G_E, .flags = BYTE }
#define GV_EV(operation)	{ .op = (operation), .form = VL_FORM_G_E }

static const struct opcode opcodes_1byte[256] = {
	[0x00] = EB_GB(VL_OP_ADD), EV_GV(VL_OP_ADD), GB_EB(VL_OP_ADD), GV_EV(VL_OP_ADD),
	[0x08] = EB_GB(VL_OP_OR), EV_GV(VL_OP_OR), GB_EB(VL_OP_OR), GV_EV(VL_OP_OR),
	[0x10] = EB_GB(VL_OP_ADC), EV_GV(VL_OP_ADC), GB_EB(VL_OP_ADC), GV_EV(VL_OP_ADC),
	[0x18] = EB_GB(VL_OP_SBB), EV_GV(VL_OP_SBB), GB_EB(VL_OP_SBB), GV_EV(VL_OP_SBB),
	[0x20] = EB_GB(VL_OP_AND), EV_GV(VL_OP_AND), GB_EB(VL_OP_AND), GV_EV(VL_OP_AND),
	[0x28] = EB_GB(VL_OP_SUB), EV_GV(VL_OP_SUB), GB_EB(VL_OP_SUB), GV_EV(VL_OP_SUB),
	[0x30] = EB_GB(VL_OP_XOR), EV_GV(VL_OP_XOR), GB_EB(VL_OP_XOR), GV_EV(VL_OP_XOR),
	[0x38] = EB_GB(VL_OP_CMP), EV_GV(VL_OP_CMP), GB_EB(VL_OP_CMP), GV_EV(VL_OP_CMP),
	[0x63] = { VL_OP_MOVSX, VL_FORM_G_E, SRC_DWORD | ONLY_64 },
	[0x80] = { VL_OP_NONE, VL_FORM_E_IB, BYTE, GROUP_1 },
	[0x81] = { VL_OP_NONE, VL_FORM_E_IZ, 0, GROUP_1 },
	[0x82] = { VL_OP_NONE, VL_FORM_E_IB, BYTE | NOT_64, GROUP_1 },
	[0x83] = { VL_OP_NONE, VL_FORM_E_IB, 0, GROUP_1 },
	[0x84] = { VL_OP_TEST, VL_FORM_E_G, BYTE },
	[0x85] = { VL_OP_TEST, VL_FORM_E_G },
	[0x86] = { VL_OP_XCHG, VL_FORM_E_G, BYTE },
	[0x87] = { VL_OP_XCHG, VL_FORM_E_G },
	[0x88] = { VL_OP_MOV, VL_FORM_E_G, BYTE },
	[0x89] = { VL_OP_MOV, VL_FORM_E_G },
	[0x8a] = { VL_OP_MOV, VL_FORM_G_E, BYTE },
	[0x8b] = { VL_OP_MOV, VL_FORM_G_E },
	[0x8f] = { VL_OP_NONE, VL_FORM_E, WIDE_64, GROUP_1A },
	[0xa0] = { VL_OP_MOV, VL_FORM_A_O, BYTE },
	[0xa1] = { VL_OP_MOV, VL_FORM_A_O },
	[0xa2] = { VL_OP_MOV, VL_FORM_O_A, BYTE },
	[0xa3] = { VL_OP_MOV, VL_FORM_O_A },
	[0xa4] = { VL_OP_MOVS, VL_FORM_STRING, BYTE },
	[0xa5] = { VL_OP_MOVS, VL_FORM_STRING },
	[0xa6] = { VL_OP_CMPS, VL_FORM_STRING, BYTE },
	[0xa7] = { VL_OP_CMPS, VL_FORM_STRING },
	[0xaa] = { VL_OP_STOS, VL_FORM_STRING, BYTE },
	[0xab] = { VL_OP_STOS, VL_FORM_STRING },
	[0xac] = { VL_OP_LODS, VL_FORM_STRING, BYTE },
	[0xad] = { VL_OP_LODS, VL_FORM_STRING },
	[0xae] = { VL_OP_SCAS, VL_FORM_STRING, BYTE },
	[0xaf] = { VL_OP_SCAS, VL_FORM_STRING },
	[0xc6] = { VL_OP_NONE, VL_FORM_E_IB, BYTE, GROUP_11 },
	[0xc7] = { VL_OP_NONE, VL_FORM_E_IZ, 0, GROUP_11 },
	[0xf6] = { VL_OP_NONE, VL_FORM_E, BYTE, GROUP_3 },
	[0xf7] = { VL_OP_NONE, VL_FORM_E, 0, GROUP_3 },
	[0xfe] = { VL_OP_NONE, VL_FORM_E, BYTE, GROUP_4 },
	[0xff] = { VL_OP_NONE, VL_FORM_E, 0, GROUP_5 },
};

static const struct opcode opcodes_0f[256] = {
	[0x40 ... 0x4f] = { VL_OP_CMOV, VL_FORM_G_E },
	[0x90 ... 0x9f] = { VL_OP_SET, VL_FORM_E, BYTE },
	[0xa3] = { VL_OP_BT, VL_FORM_E_G },
	[0xab] = { VL_OP_BTS, VL_FORM_E_G },
	[0xb0] = { VL_OP_CMPXCHG, VL_FORM_E_G, BYTE },
	[0xb1] = { VL_OP_CMPXCHG, VL_FORM_E_G },
	[0xb3] = { VL_OP_BTR, VL_FORM_E_G },
	[0xb6] = { VL_OP_MOV, VL_FORM_G_E, SRC_BYTE },
	[0xb7] = { VL_OP_MOV, VL_FORM_G_E, SRC_WORD },
	[0xba] = { VL_OP_NONE, VL_FORM_E_IB, 0, GROUP_8 },
	[0xbb] = { VL_OP_BTC, VL_FORM_E_G },
	[0xbe] = { VL_OP_MOVSX, VL_FORM_G_E, SRC_BYTE },
	[0xbf] = { VL_OP_MOVSX, VL_FORM_G_E, SRC_WORD },
	[0xc0] = { VL_OP_XADD, VL_FORM_E_G, BYTE },
	[0xc1] = { VL_OP_XADD, VL_FORM_E_G },
	[0xc3] = { VL_OP_MOV, VL_FORM_E_G, DWORD_NP },		/* MOVNTI */
};

static const struct opcode movbe_load = { VL_OP_MOVBE, VL_FORM_G_E };
static const struct opcode movbe_store = { VL_OP_MOVBE, VL_FORM_E_G };
static const struct opcode unknown;

/* By ModRM.reg; no form means the opcode's own, no operation an instruction not known here. */
static const struct opcode groups[][8] = {
	[GROUP_1] = {
		{ VL_OP_ADD }, { VL_OP_OR }, { VL_OP_ADC }, { VL_OP_SBB },
		{ VL_OP_AND }, { VL_OP_SUB }, { VL_OP_XOR }, { VL_OP_CMP },
	},
	[GROUP_1A] = { { VL_OP_POP } },
	[GROUP_3] = {
		{ VL_OP_TEST, VL_FORM_E_IZ }, { VL_OP_TEST, VL_FORM_E_IZ },
		{ VL_OP_NOT }, { VL_OP_NEG },
	},
	[GROUP_4] = { { VL_OP_INC }, { VL_OP_DEC } },
	[GROUP_5] = {
		{ VL_OP_INC }, { VL_OP_DEC }, [6] = { VL_OP_PUSH, VL_FORM_E, WIDE_64 },
	},
	[GROUP_8] = {
		[4] = { VL_OP_BT }, { VL_OP_BTS }, { VL_OP_BTR }, { VL_OP_BTC },
	},
	[GROUP_11] = { { VL_OP_MOV } },
};

/* The prefixes and the place in the bytes. @missing: they ended too early. */
struct decoder {
	const struct vl_emul *e;
	struct vl_insn *insn;
	u8 pos;
	bool missing;
	bool operand_override;
	bool address_override;
	s8 seg_override;
	u8 rex;
};

#define REX_B	BIT(0)
#define REX_X	BIT(1)
#define REX_R	BIT(2)
#define REX_W	BIT(3)

static u8 decode_byte(struct decoder *d)
{
	if (d->pos >= d->e->insn_len || d->pos >= VL_EMUL_INSN_MAX) {
		d->missing = true;
		return 0;
	}
	return d->e->insn[d->pos++];
}

/* Little-endian, sign-extended. */
static u64 decode_number(struct decoder *d, unsigned int size)
{
	u64 value = 0;
	unsigned int i;

	for (i = 0; i < size; i++)
		value |= (u64)decode_byte(d) << (8 * i);
	return vl_sign_extend(value, size);
}

/* SDM vol. 2, 2.1.1. In 64-bit mode ES, CS, SS and DS overrides are null prefixes. */
static bool decode_prefix(struct decoder *d, u8 byte)
{
	bool long_mode = d->e->mode == 8;

	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		if (!long_mode)
			d->seg_override = byte >> 3 & 3;
		return true;
	case 0x64:
	case 0x65:
		d->seg_override = byte - 0x64 + VL_EMUL_FS;
		return true;
	case 0x66:
		d->operand_override = true;
		return true;
	case 0x67:
		d->address_override = true;
		return true;
	case 0xf0:
		d->insn->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		d->insn->rep = byte;
		return true;
	default:
		return false;
	}
}

/* Prefixes, then the first opcode byte. REX counts only right before the opcode. */
static u8 decode_prefixes(struct decoder *d)
{
	u8 byte = decode_byte(d);

	while (!d->missing) {
		if (d->e->mode == 8 && (byte & 0xf0) == 0x40)
			d->rex = byte;
		else if (decode_prefix(d, byte))
			d->rex = 0;
		else
			break;
		byte = decode_byte(d);
	}
	return byte;
}

static const struct opcode *decode_0f38(struct decoder *d)
{
	u8 byte = decode_byte(d);

	/* With F2 the same bytes are CRC32. */
	if (d->insn->rep || !d->e->movbe)
		return &unknown;
	if (byte == 0xf0)
		return &movbe_load;
	if (byte == 0xf1)
		return &movbe_store;
	return &unknown;
}

static const struct opcode *decode_opcode(struct decoder *d)
{
	u8 byte = decode_prefixes(d);

	if (byte != 0x0f)
		return &opcodes_1byte[byte];
	byte = decode_byte(d);
	if (byte == 0x38)
		return decode_0f38(d);
	d->insn->cond = byte & 0xf;
	return &opcodes_0f[byte];
}

static u8 decode_address_size(const struct decoder *d)
{
	if (!d->address_override)
		return d->e->mode;
	return d->e->mode == 4 ? 2 : 4;
}

/* SDM vol. 2, 2.2.1.2, table 3-4 of vol. 1. */
static u8 decode_operand_size(const struct decoder *d, unsigned int flags)
{
	if (flags & BYTE)
		return 1;
	if (d->rex & REX_W)
		return 8;
	if (flags & DWORD_NP)
		return 4;
	if (d->operand_override)
		return d->e->mode == 2 ? 4 : 2;
	if (d->e->mode == 8)
		return flags & WIDE_64 ? 8 : 4;
	return d->e->mode;
}

static u8 decode_memory_size(const struct vl_insn *insn, unsigned int flags)
{
	if (flags & SRC_BYTE)
		return 1;
	if (flags & SRC_WORD)
		return 2;
	if ((flags & SRC_DWORD) && insn->osize > 4)
		return 4;
	return insn->osize;
}

/* SDM vol. 2, table 2-1. */
static void decode_modrm16(struct decoder *d, u8 mod, u8 rm)
{
	static const s8 bases[8] = {
		VL_RBX, VL_RBX, VL_RBP, VL_RBP, VL_RSI, VL_RDI, VL_RBP, VL_RBX
	};
	static const s8 indexes[8] = { VL_RSI, VL_RDI, VL_RSI, VL_RDI, -1, -1, -1, -1 };
	struct vl_insn *insn = d->insn;

	if (mod == 0 && rm == 6) {
		insn->disp = decode_number(d, 2);
		return;
	}
	insn->base = bases[rm];
	insn->index = indexes[rm];
	if (mod)
		insn->disp = decode_number(d, mod);
}

/* SDM vol. 2, tables 2-2 and 2-3; 2.2.1.6 (RIP-relative). */
static void decode_modrm32(struct decoder *d, u8 mod, u8 rm)
{
	struct vl_insn *insn = d->insn;
	u8 base = rm;

	if (rm == 4) {
		u8 sib = decode_byte(d);
		u8 index = (sib >> 3 & 7) | (d->rex & REX_X ? 8 : 0);

		base = sib & 7;
		if (index != VL_RSP)
			insn->index = index;
		insn->scale = sib >> 6;
	}

	if (mod == 0 && base == 5) {
		insn->rip_relative = rm == 5 && d->e->mode == 8;
		insn->disp = decode_number(d, 4);
		return;
	}
	insn->base = base | (d->rex & REX_B ? 8 : 0);
	if (mod)
		insn->disp = decode_number(d, mod == 1 ? 1 : 4);
}

/* RSP and RBP as base mean the stack segment; R12 and R13 do not. */
static u8 decode_segment(const struct decoder *d)
{
	const struct vl_insn *insn = d->insn;

	if (d->seg_override >= 0)
		return d->seg_override;
	return insn->base == VL_RSP || insn->base == VL_RBP ? VL_EMUL_SS : VL_EMUL_DS;
}

static int decode_checks(struct decoder *d, unsigned int flags)
{
	const struct vl_insn *insn = d->insn;
	bool mem_dst = insn->form == VL_FORM_E_G || insn->form == VL_FORM_E_IZ ||
		       insn->form == VL_FORM_E_IB || insn->form == VL_FORM_E;
	bool prefixed = d->operand_override || insn->rep;

	if ((flags & DWORD_NP) && prefixed)
		return false;
	if (!insn->lock)
		return true;
	return mem_dst && insn->op < VL_OP_PUSH && (vl_alu_flags(insn->op) & VL_ALU_LOCKABLE);
}

/**
 * vl_insn_decode() - decode the instruction at e->insn
 * @e: the emulation
 * @insn: out
 *
 * Context: any.
 * Return: VL_EMUL_DONE; VL_EMUL_FETCH: more bytes are needed; VL_EMUL_FAULT: #GP(0), longer
 * than 15 bytes, or #UD, LOCK or another prefix where it must not be;
 * VL_EMUL_UNHANDLED: not known, or without memory operand.
 */
int vl_insn_decode(struct vl_emul *e, struct vl_insn *insn)
{
	struct decoder d = { .e = e, .insn = insn, .seg_override = -1 };
	const struct opcode *opcode, *member;
	unsigned int flags;
	u8 modrm, mod, rm;

	*insn = (struct vl_insn){ .base = -1, .index = -1 };
	opcode = decode_opcode(&d);
	if (d.missing)
		goto missing;
	if (!opcode->form)
		return VL_EMUL_UNHANDLED;
	if (opcode->flags & (e->mode == 8 ? NOT_64 : ONLY_64))
		return VL_EMUL_UNHANDLED;

	flags = opcode->flags;
	insn->op = opcode->op;
	insn->form = opcode->form;
	insn->rex = d.rex;
	insn->asize = decode_address_size(&d);

	switch (insn->form) {
	case VL_FORM_STRING:
		break;
	case VL_FORM_A_O:
	case VL_FORM_O_A:
		insn->disp = decode_number(&d, insn->asize);
		break;
	default:
		modrm = decode_byte(&d);
		if (d.missing)
			goto missing;
		mod = modrm >> 6;
		rm = modrm & 7;
		insn->reg = (modrm >> 3 & 7) | (d.rex & REX_R ? 8 : 0);
		if (opcode->group) {
			member = &groups[opcode->group][modrm >> 3 & 7];
			insn->op = member->op;
			if (member->form)
				insn->form = member->form;
			flags |= member->flags;
		}
		if (mod == 3 || !insn->op)
			return VL_EMUL_UNHANDLED;
		if (insn->asize == 2)
			decode_modrm16(&d, mod, rm);
		else
			decode_modrm32(&d, mod, rm);
		break;
	}

	insn->osize = decode_operand_size(&d, flags);
	insn->msize = decode_memory_size(insn, flags);
	insn->seg = decode_segment(&d);
	if (insn->form == VL_FORM_E_IZ)
		insn->imm = decode_number(&d, insn->osize > 4 ? 4 : insn->osize);
	else if (insn->form == VL_FORM_E_IB)
		insn->imm = decode_number(&d, 1);
	if (d.missing)
		goto missing;

	insn->len = d.pos;
	if (!decode_checks(&d, flags))
		return vl_emul_exception(e, X86_TRAP_UD);
	return VL_EMUL_DONE;

missing:
	return e->insn_len < VL_EMUL_INSN_MAX ? VL_EMUL_FETCH : vl_emul_exception(e, X86_TRAP_GP);
}
