/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A boot sector for machines without multiboot (Bochs): load the sectors that
 * follow to 1 MiB and jump there in protected mode.  The number of sectors is at
 * the end of this one, before the signature.
 */
#define BUFFER		0x1000		/* segment: 64 KiB at 0x10000 */
#define CHUNK		64		/* sectors */

	.code16
	.globl	_start
_start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7c00, %sp
	in	$0x92, %al		/* A20 */
	or	$2, %al
	out	%al, $0x92
next:
	mov	$packet, %si
	mov	$0x42, %ah		/* extended read */
	mov	$0x80, %dl
	sti
	int	$0x13
	cli
	jc	failed
	lgdt	gdt_pointer
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmp	$8, $copy
failed:
	hlt
	jmp	failed

	.code32
copy:
	mov	$16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$BUFFER << 4, %esi
	mov	target, %edi
	mov	$CHUNK * 512 / 4, %ecx
	rep movsl
	mov	%edi, target
	addl	$CHUNK, lba
	subw	$CHUNK, sectors
	ja	1f
	mov	$0x100000, %eax
	jmp	*%eax
1:	ljmp	$24, $back16

	.code16
back16:
	mov	$32, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$0xfe, %al
	mov	%eax, %cr0
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	jmp	next

	.align	4
packet:	.byte	16, 0
	.word	CHUNK, 0, BUFFER
lba:	.long	1, 0
target:	.long	0x100000
	.align	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 08: 32-bit code */
	.quad	0x00cf93000000ffff	/* 10: data */
	.quad	0x00009b000000ffff	/* 18: 16-bit code */
	.quad	0x000093000000ffff	/* 20: 16-bit data */
gdt_pointer:
	.word	39
	.long	gdt
	.org	508
sectors:
	.word	0
	.word	0xaa55

	.section .note.GNU-stack, "", @progbits
