/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flat guest, entered in real mode at 0000:8000: it climbs from real mode
 * through protected mode, 32-bit paging and PAE to 64-bit mode and back down,
 * and writes a letter to the first serial port on each rung (SDM vol. 3, 9.8
 * and 9.9).  It ends with OUT of 10h to port F4h.
 */
#define BASE		0x8000
#define PAGES		0x20000		/* page tables */
#define STACK		0x7000
#define COM1		0x3f8

#define SEL_CODE32	0x08
#define SEL_DATA	0x10
#define SEL_CODE64	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28

#define CR0_PE		0x00000001
#define CR0_PG		0x80000000
#define CR4_PSE		0x10
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define EFER_LMA	0x400

#define AT(label)	(label - start + BASE)

	.macro say letter
	mov	$COM1, %dx
	mov	$\letter, %al
	out	%al, %dx
	.endm

	.text
	.globl	start
start:
	.code16
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$STACK, %sp
	say	'R'
	/* An interrupt in real mode: the handler adds 1. */
	movw	$AT(int_handler), 0x60 * 4
	movw	$0, 0x60 * 4 + 2
	mov	$41, %bx
	int	$0x60
	cmp	$42, %bx
	jne	fail16
	/* The A20 line and segments: 16-bit addresses beyond 1 MiB. */
	mov	$0xffff, %ax
	mov	%ax, %es
	movl	$0x12345678, %es:0x10
	lgdtl	AT(gdt_pointer)
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $AT(protected)

int_handler:
	inc	%bx
	iret

fail16:
	say	'!'
	mov	$0x11, %al
	out	%al, $0xf4
1:	hlt
	jmp	1b

	.code32
protected:
	mov	$SEL_DATA, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%ax, %fs
	mov	%ax, %gs
	mov	$STACK, %esp
	cmpl	$0x12345678, 0x100000
	jne	fail32
	say	'P'

	/* 32-bit paging: 4 MiB one to one, and the same once more at 4 MiB. */
	movl	$0x83, PAGES
	movl	$0x83, PAGES + 4
	mov	%cr4, %eax
	or	$CR4_PSE, %eax
	mov	%eax, %cr4
	mov	$PAGES, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	movl	$0xabcdef01, 0x500100
	cmpl	$0xabcdef01, 0x100100
	jne	fail32
	say	'G'

	/* PAE: off, then on with other tables: 2 MiB one to one, and once more at 1 GiB. */
	call	paging_off
	movl	$PAGES + 0x2001, PAGES + 0x1000
	movl	$0, PAGES + 0x1004
	movl	$PAGES + 0x2001, PAGES + 0x1008
	movl	$0, PAGES + 0x100c
	movl	$0, PAGES + 0x1010
	movl	$0, PAGES + 0x1014
	movl	$0, PAGES + 0x1018
	movl	$0, PAGES + 0x101c
	movl	$0x83, PAGES + 0x2000
	movl	$0, PAGES + 0x2004
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$PAGES + 0x1000, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	movl	$0x55aa55aa, 0x40100200
	cmpl	$0x55aa55aa, 0x100200
	jne	fail32
	say	'A'

	/* Long mode: the compatibility rung, then 64 bits. */
	call	paging_off
	movl	$PAGES + 0x4003, PAGES + 0x3000
	movl	$0, PAGES + 0x3004
	movl	$PAGES + 0x5003, PAGES + 0x4000
	movl	$0, PAGES + 0x4004
	movl	$0x83, PAGES + 0x5000
	movl	$0, PAGES + 0x5004
	/* The last PML4 entry: the same at the top of the upper half. */
	movl	$PAGES + 0x4003, PAGES + 0x3ff8
	movl	$0, PAGES + 0x3ffc
	mov	$PAGES + 0x3000, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	rdmsr
	test	$EFER_LMA, %eax
	jz	fail32
	say	'C'
	ljmpl	$SEL_CODE64, $AT(long_mode)

	.code64
long_mode:
	movabs	$0x1122334455667788, %r8
	movabs	$0xffffff8000100300, %r9
	mov	%r8, (%r9)
	cmp	%r8, 0x100300
	jne	fail64
	/* A 32-bit result clears the upper half. */
	mov	$-1, %rax
	mov	%eax, %eax
	shr	$32, %rax
	jnz	fail64
	say	'L'
	/* And down. */
	ljmpl	*AT(compatibility_pointer)
fail64:
	say	'!'
	mov	$0x11, %al
	out	%al, $0xf4
1:	hlt
	jmp	1b

	.code32
compatibility:
	mov	$SEL_DATA, %ax
	mov	%ax, %ss
	say	'c'
	call	paging_off
	mov	$MSR_EFER, %ecx
	rdmsr
	test	$EFER_LMA, %eax
	jnz	fail32
	and	$~EFER_LME, %eax
	wrmsr
	mov	%cr4, %eax
	and	$~(CR4_PAE | CR4_PSE), %eax
	mov	%eax, %cr4
	say	'p'
	ljmpl	$SEL_CODE16, $AT(protected16)

paging_off:
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	xor	%eax, %eax
	mov	%eax, %cr3
	ret

fail32:
	say	'!'
	mov	$0x11, %al
	out	%al, $0xf4
1:	hlt
	jmp	1b

	.code16
protected16:
	mov	$SEL_DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$0, $AT(real)
real:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$STACK, %sp
	mov	$41, %bx
	int	$0x60
	cmp	$42, %bx
	jne	fail16
	say	'r'
	say	'\n'
	mov	$0x10, %al
	out	%al, $0xf4
1:	hlt
	jmp	1b

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* 32-bit code */
	.quad	0x00cf93000000ffff	/* data */
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00009b000000ffff	/* 16-bit code */
	.quad	0x000093000000ffff	/* 16-bit data */
gdt_pointer:
	.word	. - gdt - 1
	.long	AT(gdt)
compatibility_pointer:
	.long	AT(compatibility)
	.word	SEL_CODE32
