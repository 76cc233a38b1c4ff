/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A multiboot 1 guest: EAX holds the loader's magic, EBX the address of the
 * information (multiboot specification 0.6.96, 3.2).
 */
#define MAGIC	0x1badb002
#define FLAGS	0x00000003	/* page-aligned modules, memory information */

	.section .multiboot, "a"
	.balign	4
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.code32
	.globl	multiboot_entry
multiboot_entry:
	cli
	mov	$stack_top, %esp
	push	%ebx
	push	%eax
	call	guest_main
1:	hlt
	jmp	1b

	.bss
	.balign	16
	.skip	4096
stack_top:

	.section .note.GNU-stack, "", @progbits
