/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A multiboot 2 guest: EAX holds the loader's magic, EBX the address of the
 * information (Multiboot2 specification 2.0, 3.3).
 */
#define MAGIC		0xe85250d6
#define LENGTH		(header_end - header)

	.section .multiboot, "a"
	.balign	8
header:
	.long	MAGIC, 0, LENGTH, -(MAGIC + LENGTH)
	/* Command line, modules, memory, memory map, RSDP: all needed. */
	.short	1, 0
	.long	request_end - (. - 4)
	.long	1, 3, 4, 6, 15
request_end:
	.balign	8
	/* A display would be nice, but need not be. */
	.short	5, 1
	.long	20, 640, 480, 32
	.balign	8
	/* Modules on pages */
	.short	6, 0
	.long	8
	.short	0, 0
	.long	8
header_end:

	.text
	.code32
	.globl	multiboot2_entry
multiboot2_entry:
	jmp	start32

#include "long-mode.S"
