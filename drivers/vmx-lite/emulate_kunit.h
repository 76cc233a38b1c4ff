/* SPDX-License-Identifier: GPL-2.0-only */
/* One row of the instruction table, emulate_table_kunit.c. */
#ifndef VL_EMULATE_KUNIT_H
#define VL_EMULATE_KUNIT_H

#include "emulate-insn.h"

/* Registers; 0 ends a list. */
enum {
	T_RAX = 1, T_RCX, T_RDX, T_RBX, T_RSP, T_RBP, T_RSI, T_RDI,
	T_R8, T_R9, T_R10, T_R11, T_R12, T_R13, T_R14, T_R15
};

struct emul_reg {
	u8 reg;
	u64 value;
};

/* A memory access: what a read ('R') finds, what a write ('W') must bring. 0 ends a list. */
struct emul_access {
	char type;
	u8 size;
	u64 gla;
	u64 value;
};

/**
 * struct emul_case - an instruction, the state it runs in and what it must do
 * @name: assembly
 * @mode: as in struct vl_emul; 2 is real mode
 * @len: bytes in @code
 * @code: the instruction
 * @in: registers that are not at the default of the test
 * @flags: RFLAGS before, without the fixed bit
 * @accesses: all memory accesses, in their order
 * @out: registers that change
 * @out_flags: RFLAGS afterwards, without the fixed bit
 * @undefined: flags that the SDM leaves open
 * @more: a repeated instruction goes on: RIP stays
 * @result: enum vl_emul_result; nothing changes unless VL_EMUL_DONE
 * @vector: of the exception, with VL_EMUL_FAULT
 */
struct emul_case {
	const char *name;
	u8 mode;
	u8 len;
	u8 code[VL_EMUL_INSN_MAX];
	struct emul_reg in[4];
	u64 flags;
	struct emul_access accesses[9];
	struct emul_reg out[4];
	u64 out_flags;
	u64 undefined;
	bool more;
	int result;
	u8 vector;
};

extern const struct emul_case vl_emul_cases[];
extern const unsigned int vl_emul_nr_cases;

#endif /* VL_EMULATE_KUNIT_H */
