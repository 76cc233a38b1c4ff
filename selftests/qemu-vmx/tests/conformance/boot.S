/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry by multiboot (or by loader.S, in the same state), long mode with an
 * identity map of 4 GiB, exceptions, and the way into a guest and back.
 */
#define MB_MAGIC	0x1badb002
#define MB_FLAGS	0x00010003	/* addresses below, align, memory */

	.section .head, "ax"
	.code32
	.globl	start32
	jmp	start32			/* loader.S jumps to the first byte */
	.align	4
multiboot:
	.long	MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)
	.long	multiboot, image_start, image_data_end, image_end, start32

start32:
	cli
	mov	$stack_top, %esp
	/* identity map: one PML4 entry, four PDPT entries, 2 MiB pages */
	movl	$pdpt + 3, pml4
	mov	$pdpt, %edi
	mov	$page_dirs + 3, %eax
	mov	$4, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$4096, %eax
	loop	1b
	mov	$page_dirs, %edi
	mov	$0x83, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x200000, %eax
	loop	1b
	mov	$0x30, %eax		/* PAE, PGE off; PSE on */
	mov	%eax, %cr4
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x901, %eax		/* SCE, LME, NXE */
	wrmsr
	mov	$0x80000031, %eax	/* PG, NE, ET, PE */
	mov	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$0x08, $start64

	.code64
start64:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$stack_top, %rsp
	/* TSS descriptor base */
	lea	tss(%rip), %rax
	mov	%ax, gdt + 0x28 + 2
	shr	$16, %rax
	mov	%al, gdt + 0x28 + 4
	mov	%ah, gdt + 0x28 + 7
	mov	$0x28, %eax
	ltr	%ax
	call	main
1:	hlt
	jmp	1b

	.data
	.align	16
	.globl	gdt, gdt_pointer, tss
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 08: 64-bit code */
	.quad	0x00cf93000000ffff	/* 10: data */
	.quad	0x00cf9b000000ffff	/* 18: 32-bit code */
	.quad	0x00cffb000000ffff	/* 20: 32-bit code, DPL 3 */
	.quad	0x0000890000000067	/* 28: TSS, 64 bits */
	.quad	0
	.quad	0x0000890000000067	/* 38: another TSS, 32 bits */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.quad	gdt
tss:	.skip	104

/* Exceptions of the host: all vectors push an error code and their number */
	.text
	.globl	host_vectors
	.align	16
host_vectors:
	.set	vector, 0
	.rept	32
	.align	16
	.if	(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
	.else
	push	$0
	.endif
	push	$vector
	jmp	host_exception
	.set	vector, vector + 1
	.endr

host_exception:
	push	%rax
	mov	fixup(%rip), %rax
	test	%rax, %rax
	jz	1f
	mov	%rax, 24(%rsp)		/* RIP of the frame */
	movq	$0, fixup(%rip)
	mov	8(%rsp), %eax
	mov	%eax, exception_vector(%rip)
	mov	16(%rsp), %eax
	mov	%eax, exception_error(%rip)
	pop	%rax
	add	$16, %rsp
	iretq
1:	mov	8(%rsp), %edi
	mov	24(%rsp), %rsi
	mov	16(%rsp), %rdx
	call	unexpected_exception

/* Interrupts of the host: count, and acknowledge */
	.globl	host_interrupt
	.align	16
host_interrupt:
	incl	interrupts(%rip)
	push	%rax
	mov	$0xfee000b0, %eax
	movl	$0, (%rax)
	pop	%rax
	iretq

/*
 * int vm_enter(struct regs *regs, bool resume): 0 exit, 1 VMfailInvalid,
 * 2 VMfailValid
 */
	.globl	vm_enter, vm_exit
vm_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	$0x6c14, %eax		/* host RSP */
	vmwrite	%rsp, %rax
	test	%esi, %esi
	mov	0(%rdi), %rax
	mov	8(%rdi), %rbx
	mov	16(%rdi), %rcx
	mov	24(%rdi), %rdx
	mov	32(%rdi), %rsi
	mov	48(%rdi), %rbp
	mov	40(%rdi), %rdi
	jnz	1f
	vmlaunch
	jmp	2f
1:	vmresume
2:	mov	$1, %eax
	jc	3f
	mov	$2, %eax
3:	pop	%rdi
	jmp	4f
vm_exit:
	push	%rdi
	mov	8(%rsp), %rdi
	popq	40(%rdi)
	mov	%rax, 0(%rdi)
	mov	%rbx, 8(%rdi)
	mov	%rcx, 16(%rdi)
	mov	%rdx, 24(%rdi)
	mov	%rsi, 32(%rdi)
	mov	%rbp, 48(%rdi)
	add	$8, %rsp
	xor	%eax, %eax
4:	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/* VMLAUNCH in the shadow of MOV SS: the same results */
	.globl	vm_enter_mov_ss
vm_enter_mov_ss:
	mov	%ss, %eax
	mov	%eax, %ss
	vmlaunch
	mov	$1, %eax
	jc	1f
	mov	$2, %eax
1:	ret

	.bss
	.align	4096
	.globl	pml4
pml4:	.skip	4096
pdpt:	.skip	4096
page_dirs:
	.skip	4 * 4096
	.skip	16384
stack_top:

	.section .note.GNU-stack, "", @progbits
