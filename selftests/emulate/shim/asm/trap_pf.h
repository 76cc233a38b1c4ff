/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_TRAP_PF_H
#define SHIM_ASM_TRAP_PF_H

#include <linux/bits.h>

#define X86_PF_PROT	BIT(0)
#define X86_PF_WRITE	BIT(1)
#define X86_PF_USER	BIT(2)
#define X86_PF_RSVD	BIT(3)
#define X86_PF_INSTR	BIT(4)
#define X86_PF_PK	BIT(5)

#endif
