/* SPDX-License-Identifier: GPL-2.0-only */
/* One instruction run on this machine's own CPU, in 64-bit, 32-bit or 16-bit code. */
#ifndef NATIVE_RUN_H
#define NATIVE_RUN_H

/* Below 4 GiB, so that 32-bit code and absolute addresses reach it. */
#define STATE		0x20000000
#define CODE		0x20001000
#define LOW_STACK	0x20004000
#define ARENA		0x20010000

/* Offsets in the state page. */
#define S_FLAGS		128
#define S_RSP		136
#define S_INSN		144	/* far pointer: the instruction */
#define S_TAIL		152	/* far pointer: what runs after it */
#define S_HEAD32	160	/* far pointer: into 32-bit code */
#define S_BACK64	168	/* far pointer: out of it */
#define S_DATA_SEL	176

/* Linux's selectors for user space. */
#define SEL_CODE32	0x23
#define SEL_DATA	0x2b
#define SEL_CODE64	0x33

#ifndef __ASSEMBLER__
#include <linux/types.h>

struct far_pointer {
	u32 offset;
	u16 selector;
	u16 pad;
};

struct native_state {
	u64 gpr[16];
	u64 rflags;
	u64 rsp;
	struct far_pointer insn;
	struct far_pointer tail;
	struct far_pointer head32;
	struct far_pointer back64;
	u32 data_selector;
};

void native_run64(void);
void native_tail64(void);
void native_run32(void);
void native_head32(void);
void native_tail32(void);
void native_back64(void);
#endif

#endif
