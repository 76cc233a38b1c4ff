/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_TRAPNR_H
#define SHIM_ASM_TRAPNR_H

#define X86_TRAP_UD	6
#define X86_TRAP_SS	12
#define X86_TRAP_GP	13
#define X86_TRAP_PF	14
#define X86_TRAP_AC	17

#endif
