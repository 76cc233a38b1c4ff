// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator against this machine's own CPU: random instructions with random operands,
 * run by both, must leave the same registers, defined flags and memory.
 *
 * usage: native [COUNT [SEED]]
 */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <asm/processor-flags.h>
#include <cpuid.h>
#include <linux/kernel.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../drivers/vmx-lite/emulate.h"
#include "native-run.h"

#define ARENA_SIZE	0x4000
#define GS_BASE		0x1234567
#define MARGIN		0x200	/* room for string steps and bit offsets round an operand */

#define CF		X86_EFLAGS_CF
#define PF		X86_EFLAGS_PF
#define AF		X86_EFLAGS_AF
#define ZF		X86_EFLAGS_ZF
#define SF		X86_EFLAGS_SF
#define OF		X86_EFLAGS_OF
#define ALL_FLAGS	(CF | PF | AF | ZF | SF | OF)

enum kind { MODRM, BITS, OFFSET, STRING, STACK };
enum imm { NO_IMM, IMM8, IMMZ };
enum traits { LOCK = 1, ALIGN = 2, ONLY64 = 4, PLAIN = 8, REP = 16, BYTES = 32, BE = 64 };

/* What the generator knows of an instruction; @group -1 leaves ModRM.reg to chance. */
static const struct template {
	const char *name;
	u8 opcode[3];
	u8 opcode_len;
	s8 group;
	enum kind kind;
	enum imm imm;
	unsigned int traits;
	unsigned int undefined;
} templates[] = {
	{ "add Eb,Gb", { 0x00 }, 1, -1, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "add Ev,Gv", { 0x01 }, 1, -1, MODRM, NO_IMM, LOCK, 0 },
	{ "add Gb,Eb", { 0x02 }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "add Gv,Ev", { 0x03 }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "add Eb,Ib", { 0x80 }, 1, 0, MODRM, IMM8, LOCK | BYTES, 0 },
	{ "add Ev,Iz", { 0x81 }, 1, 0, MODRM, IMMZ, LOCK, 0 },
	{ "add Ev,Ib", { 0x83 }, 1, 0, MODRM, IMM8, LOCK, 0 },
	{ "or Eb,Gb", { 0x08 }, 1, -1, MODRM, NO_IMM, LOCK | BYTES, AF },
	{ "or Ev,Gv", { 0x09 }, 1, -1, MODRM, NO_IMM, LOCK, AF },
	{ "or Gb,Eb", { 0x0a }, 1, -1, MODRM, NO_IMM, BYTES, AF },
	{ "or Gv,Ev", { 0x0b }, 1, -1, MODRM, NO_IMM, 0, AF },
	{ "or Eb,Ib", { 0x80 }, 1, 1, MODRM, IMM8, LOCK | BYTES, AF },
	{ "or Ev,Iz", { 0x81 }, 1, 1, MODRM, IMMZ, LOCK, AF },
	{ "or Ev,Ib", { 0x83 }, 1, 1, MODRM, IMM8, LOCK, AF },
	{ "adc Eb,Gb", { 0x10 }, 1, -1, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "adc Ev,Gv", { 0x11 }, 1, -1, MODRM, NO_IMM, LOCK, 0 },
	{ "adc Gb,Eb", { 0x12 }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "adc Gv,Ev", { 0x13 }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "adc Eb,Ib", { 0x80 }, 1, 2, MODRM, IMM8, LOCK | BYTES, 0 },
	{ "adc Ev,Iz", { 0x81 }, 1, 2, MODRM, IMMZ, LOCK, 0 },
	{ "adc Ev,Ib", { 0x83 }, 1, 2, MODRM, IMM8, LOCK, 0 },
	{ "sbb Eb,Gb", { 0x18 }, 1, -1, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "sbb Ev,Gv", { 0x19 }, 1, -1, MODRM, NO_IMM, LOCK, 0 },
	{ "sbb Gb,Eb", { 0x1a }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "sbb Gv,Ev", { 0x1b }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "sbb Eb,Ib", { 0x80 }, 1, 3, MODRM, IMM8, LOCK | BYTES, 0 },
	{ "sbb Ev,Iz", { 0x81 }, 1, 3, MODRM, IMMZ, LOCK, 0 },
	{ "sbb Ev,Ib", { 0x83 }, 1, 3, MODRM, IMM8, LOCK, 0 },
	{ "and Eb,Gb", { 0x20 }, 1, -1, MODRM, NO_IMM, LOCK | BYTES, AF },
	{ "and Ev,Gv", { 0x21 }, 1, -1, MODRM, NO_IMM, LOCK, AF },
	{ "and Gb,Eb", { 0x22 }, 1, -1, MODRM, NO_IMM, BYTES, AF },
	{ "and Gv,Ev", { 0x23 }, 1, -1, MODRM, NO_IMM, 0, AF },
	{ "and Eb,Ib", { 0x80 }, 1, 4, MODRM, IMM8, LOCK | BYTES, AF },
	{ "and Ev,Iz", { 0x81 }, 1, 4, MODRM, IMMZ, LOCK, AF },
	{ "and Ev,Ib", { 0x83 }, 1, 4, MODRM, IMM8, LOCK, AF },
	{ "sub Eb,Gb", { 0x28 }, 1, -1, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "sub Ev,Gv", { 0x29 }, 1, -1, MODRM, NO_IMM, LOCK, 0 },
	{ "sub Gb,Eb", { 0x2a }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "sub Gv,Ev", { 0x2b }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "sub Eb,Ib", { 0x80 }, 1, 5, MODRM, IMM8, LOCK | BYTES, 0 },
	{ "sub Ev,Iz", { 0x81 }, 1, 5, MODRM, IMMZ, LOCK, 0 },
	{ "sub Ev,Ib", { 0x83 }, 1, 5, MODRM, IMM8, LOCK, 0 },
	{ "xor Eb,Gb", { 0x30 }, 1, -1, MODRM, NO_IMM, LOCK | BYTES, AF },
	{ "xor Ev,Gv", { 0x31 }, 1, -1, MODRM, NO_IMM, LOCK, AF },
	{ "xor Gb,Eb", { 0x32 }, 1, -1, MODRM, NO_IMM, BYTES, AF },
	{ "xor Gv,Ev", { 0x33 }, 1, -1, MODRM, NO_IMM, 0, AF },
	{ "xor Eb,Ib", { 0x80 }, 1, 6, MODRM, IMM8, LOCK | BYTES, AF },
	{ "xor Ev,Iz", { 0x81 }, 1, 6, MODRM, IMMZ, LOCK, AF },
	{ "xor Ev,Ib", { 0x83 }, 1, 6, MODRM, IMM8, LOCK, AF },
	{ "cmp Eb,Gb", { 0x38 }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "cmp Ev,Gv", { 0x39 }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmp Gb,Eb", { 0x3a }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "cmp Gv,Ev", { 0x3b }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmp Eb,Ib", { 0x80 }, 1, 7, MODRM, IMM8, BYTES, 0 },
	{ "cmp Ev,Iz", { 0x81 }, 1, 7, MODRM, IMMZ, 0, 0 },
	{ "cmp Ev,Ib", { 0x83 }, 1, 7, MODRM, IMM8, 0, 0 },
	{ "movsxd", { 0x63 }, 1, -1, MODRM, NO_IMM, ONLY64, 0 },
	{ "test Eb,Gb", { 0x84 }, 1, -1, MODRM, NO_IMM, BYTES, AF },
	{ "test Ev,Gv", { 0x85 }, 1, -1, MODRM, NO_IMM, 0, AF },
	{ "xchg Eb,Gb", { 0x86 }, 1, -1, MODRM, NO_IMM, LOCK | ALIGN | BYTES, 0 },
	{ "xchg Ev,Gv", { 0x87 }, 1, -1, MODRM, NO_IMM, LOCK | ALIGN, 0 },
	{ "mov Eb,Gb", { 0x88 }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "mov Ev,Gv", { 0x89 }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "mov Gb,Eb", { 0x8a }, 1, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "mov Gv,Ev", { 0x8b }, 1, -1, MODRM, NO_IMM, 0, 0 },
	{ "pop Ev", { 0x8f }, 1, 0, STACK, NO_IMM, 0, 0 },
	{ "mov al,Ob", { 0xa0 }, 1, -1, OFFSET, NO_IMM, BYTES, 0 },
	{ "mov rax,Ov", { 0xa1 }, 1, -1, OFFSET, NO_IMM, 0, 0 },
	{ "mov Ob,al", { 0xa2 }, 1, -1, OFFSET, NO_IMM, BYTES, 0 },
	{ "mov Ov,rax", { 0xa3 }, 1, -1, OFFSET, NO_IMM, 0, 0 },
	{ "movsb", { 0xa4 }, 1, -1, STRING, NO_IMM, REP | BYTES, 0 },
	{ "movs", { 0xa5 }, 1, -1, STRING, NO_IMM, REP, 0 },
	{ "cmpsb", { 0xa6 }, 1, -1, STRING, NO_IMM, REP | BYTES, 0 },
	{ "cmps", { 0xa7 }, 1, -1, STRING, NO_IMM, REP, 0 },
	{ "stosb", { 0xaa }, 1, -1, STRING, NO_IMM, REP | BYTES, 0 },
	{ "stos", { 0xab }, 1, -1, STRING, NO_IMM, REP, 0 },
	{ "lodsb", { 0xac }, 1, -1, STRING, NO_IMM, REP | BYTES, 0 },
	{ "lods", { 0xad }, 1, -1, STRING, NO_IMM, REP, 0 },
	{ "scasb", { 0xae }, 1, -1, STRING, NO_IMM, REP | BYTES, 0 },
	{ "scas", { 0xaf }, 1, -1, STRING, NO_IMM, REP, 0 },
	{ "mov Eb,Ib", { 0xc6 }, 1, 0, MODRM, IMM8, BYTES, 0 },
	{ "mov Ev,Iz", { 0xc7 }, 1, 0, MODRM, IMMZ, 0, 0 },
	{ "test Eb,Ib", { 0xf6 }, 1, 0, MODRM, IMM8, BYTES, AF },
	{ "test Ev,Iz", { 0xf7 }, 1, 0, MODRM, IMMZ, 0, AF },
	{ "not Eb", { 0xf6 }, 1, 2, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "not Ev", { 0xf7 }, 1, 2, MODRM, NO_IMM, LOCK, 0 },
	{ "neg Eb", { 0xf6 }, 1, 3, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "neg Ev", { 0xf7 }, 1, 3, MODRM, NO_IMM, LOCK, 0 },
	{ "inc Eb", { 0xfe }, 1, 0, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "inc Ev", { 0xff }, 1, 0, MODRM, NO_IMM, LOCK, 0 },
	{ "dec Eb", { 0xfe }, 1, 1, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "dec Ev", { 0xff }, 1, 1, MODRM, NO_IMM, LOCK, 0 },
	{ "push Ev", { 0xff }, 1, 6, STACK, NO_IMM, 0, 0 },
	{ "cmovo", { 0x0f, 0x40 }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmovae", { 0x0f, 0x43 }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmovz", { 0x0f, 0x44 }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmovbe", { 0x0f, 0x46 }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmovs", { 0x0f, 0x48 }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmovp", { 0x0f, 0x4a }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmovl", { 0x0f, 0x4c }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "cmovg", { 0x0f, 0x4f }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "setb", { 0x0f, 0x92 }, 2, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "setnz", { 0x0f, 0x95 }, 2, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "seta", { 0x0f, 0x97 }, 2, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "setge", { 0x0f, 0x9d }, 2, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "setle", { 0x0f, 0x9e }, 2, -1, MODRM, NO_IMM, BYTES, 0 },
	{ "bt Ev,Gv", { 0x0f, 0xa3 }, 2, -1, BITS, NO_IMM, 0, OF | SF | AF | PF },
	{ "bts Ev,Gv", { 0x0f, 0xab }, 2, -1, BITS, NO_IMM, LOCK, OF | SF | AF | PF },
	{ "btr Ev,Gv", { 0x0f, 0xb3 }, 2, -1, BITS, NO_IMM, LOCK, OF | SF | AF | PF },
	{ "btc Ev,Gv", { 0x0f, 0xbb }, 2, -1, BITS, NO_IMM, LOCK, OF | SF | AF | PF },
	{ "bt Ev,Ib", { 0x0f, 0xba }, 2, 4, MODRM, IMM8, 0, OF | SF | AF | PF },
	{ "bts Ev,Ib", { 0x0f, 0xba }, 2, 5, MODRM, IMM8, LOCK, OF | SF | AF | PF },
	{ "btr Ev,Ib", { 0x0f, 0xba }, 2, 6, MODRM, IMM8, LOCK, OF | SF | AF | PF },
	{ "btc Ev,Ib", { 0x0f, 0xba }, 2, 7, MODRM, IMM8, LOCK, OF | SF | AF | PF },
	{ "cmpxchg Eb,Gb", { 0x0f, 0xb0 }, 2, -1, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "cmpxchg Ev,Gv", { 0x0f, 0xb1 }, 2, -1, MODRM, NO_IMM, LOCK, 0 },
	{ "xadd Eb,Gb", { 0x0f, 0xc0 }, 2, -1, MODRM, NO_IMM, LOCK | BYTES, 0 },
	{ "xadd Ev,Gv", { 0x0f, 0xc1 }, 2, -1, MODRM, NO_IMM, LOCK, 0 },
	{ "movzx Gv,Eb", { 0x0f, 0xb6 }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "movzx Gv,Ew", { 0x0f, 0xb7 }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "movsx Gv,Eb", { 0x0f, 0xbe }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "movsx Gv,Ew", { 0x0f, 0xbf }, 2, -1, MODRM, NO_IMM, 0, 0 },
	{ "movnti", { 0x0f, 0xc3 }, 2, -1, MODRM, NO_IMM, PLAIN, 0 },
	{ "movbe Gv,Ev", { 0x0f, 0x38, 0xf0 }, 3, -1, MODRM, NO_IMM, BE, 0 },
	{ "movbe Ev,Gv", { 0x0f, 0x38, 0xf1 }, 3, -1, MODRM, NO_IMM, BE, 0 },
};

#define NR_TEMPLATES	ARRAY_SIZE(templates)

/* One case: instruction, registers and memory before, and what each side made of them. */
struct trial {
	const struct template *t;
	u8 mode;
	u8 insn[32];
	unsigned int len;
	u64 gpr[16];
	u64 rflags;
	u64 native_gpr[16];
	u64 native_rflags;
	u64 emul_gpr[16];
	u64 emul_rflags;
	u64 emul_rip;
};

static struct native_state *const state = (void *)STATE;
static u8 *const code = (void *)CODE;
static u8 *const arena = (void *)ARENA;
static u8 arena_before[ARENA_SIZE];
static u8 arena_emulated[ARENA_SIZE];
static struct trial trial;
static bool have_movbe;
static bool have_16bit;

static u64 random_state;

static u64 random64(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static unsigned int below(unsigned int n)
{
	return random64() % n;
}

/* Numbers at the edges, where flags turn. */
static u64 random_operand(void)
{
	static const u64 edges[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffffULL, 0x8000000000000000ULL, ~0ULL,
	};

	return below(3) ? random64() : edges[below(ARRAY_SIZE(edges))];
}

static void print_trial(FILE *out)
{
	unsigned int i;

	fprintf(out, "# %s, %u-bit:", trial.t->name, trial.mode * 8);
	for (i = 0; i < trial.len; i++)
		fprintf(out, " %02x", trial.insn[i]);
	fprintf(out, "\n# rflags %llx: CPU %llx, emulator %llx\n", trial.rflags,
		trial.native_rflags, trial.emul_rflags);
	for (i = 0; i < 16; i++)
		fprintf(out, "# r%-2u %016llx: CPU %016llx, emulator %016llx\n", i, trial.gpr[i],
			trial.native_gpr[i], trial.emul_gpr[i]);
}

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	printf("not ok 1 native: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (trial.t)
		print_trial(stdout);
	exit(1);
}

/* --- the generator ------------------------------------------------------------------ */

struct generator {
	u8 osize;
	u8 asize;
	u8 rex;
	u64 target;		/* linear address the operand shall have */
	u64 origin;		/* linear address of offset 0 of the data segments */
	u64 fixed;		/* registers whose value is settled, by bit */
};

static void put(u64 value, unsigned int size)
{
	memcpy(trial.insn + trial.len, &value, size);
	trial.len += size;
}

static u64 mask_of(unsigned int size)
{
	return size == 8 ? ~0ULL : (1ULL << size * 8) - 1;
}

/* Bits above the address size are noise that must not matter. */
static void set_address_register(struct generator *g, unsigned int reg, u64 value)
{
	u64 noise = random64() & ~mask_of(g->asize);

	if (trial.mode != 8)
		noise &= 0xffffffff;
	trial.gpr[reg] = (value & mask_of(g->asize)) | noise;
	g->fixed |= 1ULL << reg;
}

/* ModRM with 16-bit addresses, and the registers that lead to the target. */
static void put_operand16(struct generator *g, unsigned int reg)
{
	static const s8 bases[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };
	static const s8 indexes[8] = { 6, 7, 6, 7, -1, -1, -1, -1 };
	unsigned int mod = below(3), rm = below(8);
	u64 offset = g->target - g->origin;
	u64 disp = random64();

	put(mod << 6 | (reg & 7) << 3 | rm, 1);
	if (mod == 0 && rm == 6) {
		put(offset, 2);
		return;
	}
	if (mod == 0)
		disp = 0;
	else
		put(disp, mod);
	disp = mod == 1 ? (u64)(s8)disp : disp;
	if (indexes[rm] >= 0) {
		set_address_register(g, indexes[rm], random64());
		offset -= trial.gpr[(int)indexes[rm]];
	}
	set_address_register(g, bases[rm], offset - disp);
}

static void put_operand32(struct generator *g, unsigned int reg, unsigned int imm_len)
{
	unsigned int mod = below(3), rm = below(8), sib, base, index, scale;
	bool rex_b = g->rex & 1, rex_x = g->rex & 2;
	u64 offset = g->target - g->origin;
	u64 disp = mod == 1 ? (u64)(s8)random64() : (u64)(s32)random64();

	if (mod == 0)
		disp = 0;
	put(mod << 6 | (reg & 7) << 3 | rm, 1);
	base = rm | (rex_b ? 8 : 0);

	if (rm == 4) {
		sib = below(256);
		scale = sib >> 6;
		index = (sib >> 3 & 7) | (rex_x ? 8 : 0);
		base = (sib & 7) | (rex_b ? 8 : 0);
		if (index == base)
			sib &= ~0xc0, scale = 0;
		put(sib, 1);
		if (mod == 0 && (sib & 7) == 5) {
			if (index != 4) {
				set_address_register(g, index, below(0x1000));
				offset -= (trial.gpr[index] & mask_of(g->asize)) << scale;
			}
			put(offset, 4);
			return;
		}
		if (index != 4 && index == base) {
			/* Twice the register: the displacement makes it even. */
			disp += (offset - disp) & 1;
			if (mod == 0 && (offset & 1))
				offset--;
			if (mod == 1 && disp == 0x80)
				disp = (u64)-128 + (offset & 1);
			set_address_register(g, base, (offset - disp) / 2);
			if (mod)
				put(disp, mod == 1 ? 1 : 4);
			return;
		}
		if (index != 4) {
			set_address_register(g, index, random64());
			offset -= (trial.gpr[index] & mask_of(g->asize)) << scale;
		}
	} else if (mod == 0 && rm == 5) {
		if (trial.mode == 8)
			offset -= CODE + trial.len + 4 + imm_len;
		put(offset, 4);
		return;
	}

	set_address_register(g, base, offset - disp);
	if (mod)
		put(disp, mod == 1 ? 1 : 4);
}

static void put_prefixes(struct generator *g)
{
	/* In 32-bit code CS is where the code is. */
	static const u8 segments[] = { 0x26, 0x36, 0x3e, 0x2e };
	unsigned int nr_segments = trial.mode == 8 ? 4 : 3;
	const struct template *t = trial.t;
	unsigned int flags = t->traits;
	bool w66 = !(flags & PLAIN) && !below(3);
	bool w67 = !below(4);
	bool lock = (flags & LOCK) && !below(3);
	unsigned int i;

	if (trial.mode == 8 && t->kind != STACK && !below(6)) {
		put(0x65, 1);
		g->origin = GS_BASE;
	}
	for (i = below(3) ? 0 : 1 + below(2); i; i--)
		put(segments[below(nr_segments)], 1);
	if (w66)
		put(0x66, 1);
	if (w67)
		put(0x67, 1);
	if (lock)
		put(0xf0, 1);
	if ((flags & REP) && below(2))
		put(0xf2 + below(2), 1);
	if (trial.mode == 8 && !below(8))
		put(0x48, 1), put(segments[below(4)], 1);	/* a REX that does not count */
	g->rex = trial.mode == 8 && below(3) ? 0x40 | below(16) : 0;
	if (g->rex)
		put(g->rex, 1);

	if (flags & BYTES)
		g->osize = 1;
	else if (g->rex & 8)
		g->osize = 8;
	else if (w66)
		g->osize = trial.mode == 2 ? 4 : 2;
	else
		g->osize = trial.mode == 8 ? (t->kind == STACK ? 8 : 4) : trial.mode;
	g->asize = !w67 ? trial.mode : trial.mode == 4 ? 2 : 4;
	if (lock)
		g->target &= -8ULL;
}

/* A register as bit offset that stays within the margin. */
static bool set_bit_offset(struct generator *g, unsigned int reg)
{
	if (g->fixed >> reg & 1)
		return false;
	trial.gpr[reg] = (random64() & ~mask_of(g->osize)) |
			 ((u64)(s64)((int)below(1600) - 800) & mask_of(g->osize));
	if (trial.mode != 8)
		trial.gpr[reg] &= 0xffffffff;
	return true;
}

static bool generate_string(struct generator *g)
{
	u64 other = ARENA + MARGIN + below(ARENA_SIZE - 2 * MARGIN);

	set_address_register(g, 6, g->target - g->origin);
	set_address_register(g, 7, other - (trial.mode == 8 ? 0 : g->origin));
	set_address_register(g, 1, below(6));
	/* Equal data now and then, so that REPE goes on. */
	if (below(2))
		memset(arena_before, below(2) ? (u8)trial.gpr[0] : 0, ARENA_SIZE);
	return true;
}

static bool generate_stack(struct generator *g, unsigned int reg)
{
	u64 stack = ARENA + MARGIN + 8 * below((ARENA_SIZE - 2 * MARGIN) / 8);

	/* With RSP as the operand's base the target is the stack itself. */
	put_operand32(g, reg, 0);
	if (g->fixed >> 4 & 1)
		return g->asize == 8 && trial.gpr[4] - ARENA - MARGIN < ARENA_SIZE - 2 * MARGIN;
	trial.gpr[4] = stack - g->origin;
	return true;
}

/* One instruction and its operands; false if this throw of the dice makes none. */
static bool generate(void)
{
	const struct template *t = &templates[below(NR_TEMPLATES)];
	struct generator g = { .target = ARENA + MARGIN + below(ARENA_SIZE - 2 * MARGIN) };
	unsigned int imm_len = 0, reg, i;

	if (!below(4))	/* where accesses are cut */
		g.target = ARENA + 0x1000 * (1 + below(ARENA_SIZE / 0x1000 - 1)) - below(9);
	if (t->traits & ALIGN)
		g.target &= -8ULL;

	memset(&trial, 0, sizeof(trial));
	trial.t = t;
	trial.mode = 2 << below(3);
	if ((trial.mode == 2 && !have_16bit) || (trial.mode != 8 && (t->traits & ONLY64)) ||
	    ((t->traits & BE) && !have_movbe))
		return false;
	/* 16-bit addresses need a segment that begins at the arena. */
	g.origin = trial.mode == 8 || !have_16bit ? 0 : ARENA;
	for (i = 0; i < 16; i++)
		trial.gpr[i] = random_operand() & (trial.mode == 8 ? ~0ULL : 0xffffffff);
	trial.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF | (random64() & ALL_FLAGS) |
		       (below(2) ? X86_EFLAGS_DF : 0);
	for (i = 0; i < ARENA_SIZE; i += 8) {
		u64 value = random_operand();

		memcpy(arena_before + i, &value, 8);
	}

	put_prefixes(&g);
	if (g.asize == 2 && g.origin == 0)
		return false;
	memcpy(trial.insn + trial.len, t->opcode, t->opcode_len);
	trial.len += t->opcode_len;

	if (t->imm == IMM8)
		imm_len = 1;
	else if (t->imm == IMMZ)
		imm_len = g.osize == 8 ? 4 : g.osize;

	reg = t->group >= 0 ? (unsigned int)t->group : below(8);
	switch (t->kind) {
	case STRING:
		return generate_string(&g);
	case OFFSET:
		put(g.target - g.origin, g.asize);
		return true;
	case STACK:
		if (g.asize == 2)
			return false;
		return generate_stack(&g, reg);
	case MODRM:
	case BITS:
		if (g.asize == 2)
			put_operand16(&g, reg);
		else
			put_operand32(&g, reg, imm_len);
		break;
	}
	if (t->kind == BITS && !set_bit_offset(&g, reg | (g.rex & 4 ? 8 : 0)))
		return false;
	put(random_operand(), imm_len);

	/* CMPXCHG that succeeds. */
	if (below(2))
		memcpy(arena_before + (g.target - ARENA), &trial.gpr[0], 8);
	return true;
}

/* --- the CPU ------------------------------------------------------------------------ */

static void on_signal(int number)
{
	fail("the CPU raised signal %d", number);
}

static void set_far(struct far_pointer *p, unsigned int selector, unsigned long offset)
{
	p->selector = selector;
	p->offset = offset;
}

/* In an LDT: entry 0 is 16-bit code, entry 1 data, both beginning where the tests need them. */
#define SEL_LDT_CODE16	0x07
#define SEL_LDT_DATA	0x0f

static bool set_ldt(unsigned int entry, unsigned int base, bool code_segment)
{
	struct user_desc desc = {
		.entry_number = entry,
		.base_addr = base,
		.limit = 0xffff,
		.seg_32bit = !code_segment,
		.contents = code_segment ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA,
	};

	return !syscall(SYS_modify_ldt, 1, &desc, sizeof(desc));
}

static void *map_low(unsigned long address, size_t size, int prot)
{
	void *p = mmap((void *)address, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		fail("cannot map memory at %lx", address);
	return p;
}

static void prepare_cpu(void)
{
	static u8 signal_stack[0x10000];
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	unsigned int a, b, c, d;

	map_low(STATE, 0x4000, PROT_READ | PROT_WRITE | PROT_EXEC);
	map_low(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE);
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);

	have_movbe = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_MOVBE);
	have_16bit = set_ldt(0, CODE, true) && set_ldt(1, ARENA, false);
	set_far(&state->head32, SEL_CODE32, (unsigned long)native_head32);
	set_far(&state->back64, SEL_CODE64, (unsigned long)native_back64);
}

/* The instruction, and behind it a far jump to the tail through the state page. */
static void run_cpu(void)
{
	static const u8 jump64[] = { 0xff, 0x2c, 0x25 };
	static const u8 jump32[] = { 0x65, 0xff, 0x2d };
	static const u8 jump16[] = { 0x66, 0x67, 0x65, 0xff, 0x2d };
	const u8 *jump = trial.mode == 8 ? jump64 : trial.mode == 4 ? jump32 : jump16;
	unsigned int jump_len = trial.mode == 2 ? sizeof(jump16) : sizeof(jump32);
	u32 tail = STATE + S_TAIL;

	memcpy(code, trial.insn, trial.len);
	memcpy(code + trial.len, jump, jump_len);
	memcpy(code + trial.len + jump_len, &tail, sizeof(tail));
	memcpy(arena, arena_before, ARENA_SIZE);
	memcpy(state->gpr, trial.gpr, sizeof(state->gpr));
	state->rflags = trial.rflags;

	if (trial.mode == 8) {
		if (syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE))
			fail("cannot set the GS base");
		set_far(&state->insn, SEL_CODE64, CODE);
		set_far(&state->tail, SEL_CODE64, (unsigned long)native_tail64);
		native_run64();
	} else {
		if (trial.mode == 4)
			set_far(&state->insn, SEL_CODE32, CODE);
		else
			set_far(&state->insn, SEL_LDT_CODE16, 0);
		set_far(&state->tail, SEL_CODE32, (unsigned long)native_tail32);
		state->data_selector = have_16bit ? SEL_LDT_DATA : SEL_DATA;
		native_run32();
	}

	memcpy(trial.native_gpr, state->gpr, sizeof(state->gpr));
	trial.native_rflags = state->rflags;
}

/* --- the emulator ------------------------------------------------------------------- */

static u8 *emulated(u64 gla, unsigned int size)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		fail("access of %u bytes", size);
	if ((gla & 0xfff) + size > 0x1000)
		fail("access of %u bytes at %llx crosses a page", size, gla);
	if (gla < ARENA || gla + size > ARENA + ARENA_SIZE)
		fail("access at %llx, outside the operand", gla);
	return arena_emulated + (gla - ARENA);
}

static bool wrote;

static int emul_read(struct vl_emul *e, u64 gla, void *data, unsigned int size)
{
	(void)e;
	if (wrote)
		fail("read at %llx after a write", gla);
	memcpy(data, emulated(gla, size), size);
	return below(8) ? VL_EMUL_DONE : VL_EMUL_AGAIN;
}

static int emul_write(struct vl_emul *e, u64 gla, const void *data, unsigned int size)
{
	(void)e;
	wrote = true;
	memcpy(emulated(gla, size), data, size);
	return VL_EMUL_DONE;
}

static int emul_probe(struct vl_emul *e, u64 gla, unsigned int size)
{
	(void)e;
	if ((gla & 0xfff) + size > 0x1000)
		fail("probe of %u bytes at %llx crosses a page", size, gla);
	return VL_EMUL_DONE;
}

static const struct vl_emul_ops emul_ops = {
	.read = emul_read,
	.write = emul_write,
	.probe = emul_probe,
};

static void run_emulator(void)
{
	bool flat = trial.mode == 8 || !have_16bit;
	const struct vl_emul_seg data = {
		.base = flat ? 0 : ARENA, .limit = flat ? ~0U : 0xffff, .ar = 0xc0f3,
	};
	u64 start = trial.mode == 2 ? 0 : CODE;
	struct vl_emul e = {
		.ops = &emul_ops, .gpr = trial.emul_gpr, .rip = start, .rflags = trial.rflags,
		.mode = trial.mode, .movbe = true, .insn_len = VL_EMUL_INSN_MAX,
		.seg = { data, data, data, data, data, data },
	};
	unsigned int runs;
	int ret = VL_EMUL_DONE;

	if (trial.mode == 8)
		e.seg[VL_EMUL_GS].base = GS_BASE;
	memcpy(e.insn, code, VL_EMUL_INSN_MAX);
	memcpy(arena_emulated, arena_before, ARENA_SIZE);
	memcpy(trial.emul_gpr, trial.gpr, sizeof(trial.gpr));

	for (runs = 0; e.rip == start; runs++) {
		u64 before[16], rflags = e.rflags;

		if (runs > 1000)
			fail("the emulator does not end");
		wrote = false;
		memcpy(before, trial.emul_gpr, sizeof(before));
		ret = vl_emulate(&e);
		if (ret == VL_EMUL_AGAIN) {
			if (memcmp(before, trial.emul_gpr, sizeof(before)) || e.rip != start ||
			    e.rflags != rflags || wrote)
				fail("a run that must be repeated changed something");
			continue;
		}
		if (ret != VL_EMUL_DONE)
			fail("the emulator returns %d", ret);
	}
	trial.emul_rflags = e.rflags;
	trial.emul_rip = e.rip;
	if (e.rip != start + trial.len)
		fail("length %llu, not %u", e.rip - start, trial.len);
}

static void compare(void)
{
	u64 ignored = trial.t->undefined;
	unsigned int i;

	/* In other modes bits 63:32 do not exist. */
	for (i = 0; i < (trial.mode == 8 ? 16 : 8); i++) {
		u64 differ = trial.native_gpr[i] ^ trial.emul_gpr[i];

		if (trial.mode == 8 ? differ : (u32)differ)
			fail("register %u differs", i);
	}
	if ((trial.native_rflags ^ trial.emul_rflags) & ~ignored)
		fail("flags differ");
	for (i = 0; i < ARENA_SIZE; i++) {
		if (arena[i] != arena_emulated[i])
			fail("memory at %x: CPU %02x, emulator %02x", ARENA + i, arena[i],
			     arena_emulated[i]);
	}
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 300000;
	unsigned long seen[NR_TEMPLATES] = { 0 };
	unsigned long modes[9] = { 0 };
	unsigned long i, done;

	random_state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	printf("TAP version 13\n1..1\n");
	prepare_cpu();

	for (done = 0; done < count; ) {
		if (!generate() || trial.len > VL_EMUL_INSN_MAX)
			continue;
		run_cpu();
		run_emulator();
		compare();
		seen[trial.t - templates]++;
		modes[trial.mode]++;
		done++;
	}

	trial.t = NULL;
	for (i = 0; i < NR_TEMPLATES; i++) {
		if (!seen[i] && (have_movbe || !(templates[i].traits & BE)))
			fail("%s was never tried", templates[i].name);
	}
	printf("ok 1 native: %lu instructions, %lu in 64-bit, %lu in 32-bit, %lu in 16-bit code\n",
	       count, modes[8], modes[4], modes[2]);
	return 0;
}
