/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From protected mode with flat segments and no paging to 64-bit mode, at
 * guest_main(EBX, EAX). Included by what is entered first.
 */
#define MSR_EFER	0xc0000080

	.text
	.code32
	.globl	start32
start32:
	cli
	mov	%eax, %ebp
	mov	$stack_top, %esp
	/* 1 GiB, one to one, in pages of 2 MiB. */
	mov	$pdpt, %eax
	or	$3, %eax
	mov	%eax, pml4
	mov	$pd, %eax
	or	$3, %eax
	mov	%eax, pdpt
	xor	%ecx, %ecx
1:	mov	%ecx, %eax
	shl	$21, %eax
	or	$0x83, %eax
	mov	%eax, pd(, %ecx, 8)
	inc	%ecx
	cmp	$512, %ecx
	jne	1b
	mov	%cr4, %eax
	or	$0x20, %eax
	mov	%eax, %cr4
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	lgdt	gdt_pointer
	ljmpl	$0x08, $2f
	.code64
2:	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%ebx, %edi
	mov	%ebp, %esi
	call	guest_main
3:	hlt
	jmp	3b

	.section .rodata
	.balign	8
gdt:	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.bss
	.balign	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4096
	.skip	8192
stack_top:

	.section .note.GNU-stack, "", @progbits
