/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load all registers from the state page, run the instruction, save them all. Only MOV
 * stands between, so that flags pass unharmed. Signals need an alternate stack.
 */
#include "native-run.h"

	.text
	.code64

	.macro save_frame
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, STATE + S_RSP
	.endm

	.globl	native_run64
native_run64:
	save_frame
	pushq	STATE + S_FLAGS
	popfq
	mov	STATE + 0, %rax
	mov	STATE + 8, %rcx
	mov	STATE + 16, %rdx
	mov	STATE + 24, %rbx
	mov	STATE + 32, %rsp
	mov	STATE + 40, %rbp
	mov	STATE + 48, %rsi
	mov	STATE + 56, %rdi
	mov	STATE + 64, %r8
	mov	STATE + 72, %r9
	mov	STATE + 80, %r10
	mov	STATE + 88, %r11
	mov	STATE + 96, %r12
	mov	STATE + 104, %r13
	mov	STATE + 112, %r14
	mov	STATE + 120, %r15
	ljmp	*STATE + S_INSN

	.globl	native_tail64
native_tail64:
	mov	%rax, STATE + 0
	mov	%rcx, STATE + 8
	mov	%rdx, STATE + 16
	mov	%rbx, STATE + 24
	mov	%rsp, STATE + 32
	mov	%rbp, STATE + 40
	mov	%rsi, STATE + 48
	mov	%rdi, STATE + 56
	mov	%r8, STATE + 64
	mov	%r9, STATE + 72
	mov	%r10, STATE + 80
	mov	%r11, STATE + 88
	mov	%r12, STATE + 96
	mov	%r13, STATE + 104
	mov	%r14, STATE + 112
	mov	%r15, STATE + 120
	mov	STATE + S_RSP, %rsp
	pushfq
	popq	STATE + S_FLAGS

	.globl	native_back64
native_back64:
	mov	STATE + S_RSP, %rsp
	cld
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.globl	native_run32
native_run32:
	save_frame
	mov	$LOW_STACK, %esp
	ljmp	*STATE + S_HEAD32

	/* GS is flat and holds the state; the other data segments are the test's. */
	.code32
	.globl	native_head32
native_head32:
	mov	$SEL_DATA, %eax
	mov	%eax, %gs
	pushl	%gs:STATE + S_FLAGS
	popfl
	mov	%gs:STATE + S_DATA_SEL, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%gs:STATE + 32, %esp
	mov	%gs:STATE + 8, %ecx
	mov	%gs:STATE + 16, %edx
	mov	%gs:STATE + 24, %ebx
	mov	%gs:STATE + 40, %ebp
	mov	%gs:STATE + 48, %esi
	mov	%gs:STATE + 56, %edi
	mov	%gs:STATE + 0, %eax
	ljmp	*%gs:STATE + S_INSN

	.globl	native_tail32
native_tail32:
	mov	%eax, %gs:STATE + 0
	mov	%ecx, %gs:STATE + 8
	mov	%edx, %gs:STATE + 16
	mov	%ebx, %gs:STATE + 24
	mov	%esp, %gs:STATE + 32
	mov	%ebp, %gs:STATE + 40
	mov	%esi, %gs:STATE + 48
	mov	%edi, %gs:STATE + 56
	mov	$SEL_DATA, %eax
	mov	%eax, %ss
	mov	$LOW_STACK, %esp
	mov	%eax, %ds
	mov	%eax, %es
	pushfl
	popl	%gs:STATE + S_FLAGS
	ljmp	*%gs:STATE + S_BACK64

	.section .note.GNU-stack, "", @progbits
