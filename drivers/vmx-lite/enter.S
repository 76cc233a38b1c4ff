/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch between host and guest, nothing else.  SDM vol. 3, chapters 27, 28.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/asm-offsets.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#define GPR(n)			(n * 8)(%rax)

/* vcpu.h: flags of vl_enter() and struct vl_enter */
#define ENTER_RESUME_BIT	0
#define ENTER_SPEC_CTRL		2
#define CTX_GUEST_SPEC_CTRL	0
#define CTX_HOST_SPEC_CTRL	8
#define CTX_HOST_RSP		16

#define FIELD_HOST_RSP		0x6c14

	.section .noinstr.text, "ax"

/*
 * int vl_enter(u64 *gpr, unsigned long flags, struct vl_enter *ctx)
 *
 * Enters the guest and comes back after its VM exit, with the guest's general
 * registers (but RSP) in @gpr.  Context: interrupts off, the VMCS current.
 * Returns 0 after a VM exit, 1 if VMLAUNCH or VMRESUME failed.
 */
SYM_FUNC_START(vl_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx

	push	%rdx
	push	%rsi
	push	%rdi
	mov	%rsi, %rbx

	cmp	%rsp, CTX_HOST_RSP(%rdx)
	je	.Lhost_rsp_done
	mov	%rsp, CTX_HOST_RSP(%rdx)
	mov	$FIELD_HOST_RSP, %eax
.Lhost_rsp:
	vmwrite	%rsp, %rax
.Lhost_rsp_done:
	test	$ENTER_SPEC_CTRL, %bl
	jz	.Lspec_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	CTX_GUEST_SPEC_CTRL(%rdx), %eax
	mov	CTX_GUEST_SPEC_CTRL+4(%rdx), %edx
	wrmsr
.Lspec_done:
	mov	%rdi, %rax
	/* CF decides below: neither MOV nor the buffer clearing changes it. */
	bt	$ENTER_RESUME_BIT, %ebx

	mov	GPR(1), %rcx
	mov	GPR(2), %rdx
	mov	GPR(3), %rbx
	mov	GPR(5), %rbp
	mov	GPR(6), %rsi
	mov	GPR(7), %rdi
	mov	GPR(8), %r8
	mov	GPR(9), %r9
	mov	GPR(10), %r10
	mov	GPR(11), %r11
	mov	GPR(12), %r12
	mov	GPR(13), %r13
	mov	GPR(14), %r14
	mov	GPR(15), %r15
	mov	GPR(0), %rax

	/* The stack is here as it will be after the VM exit. */
	UNWIND_HINT_SAVE

	/* What the host left in the CPU's buffers is not the guest's to sample. */
	CLEAR_CPU_BUFFERS

	jnc	.Llaunch
.Lresume:
	vmresume
	jmp	.Lfail
.Llaunch:
	vmlaunch
	jmp	.Lfail

	_ASM_EXTABLE(.Lhost_rsp, .Lhost_rsp_done)
	_ASM_EXTABLE(.Lresume, .Lfail)
	_ASM_EXTABLE(.Llaunch, .Lfail)

/* HOST_RIP: the guest's registers are live, RSP is ours again. */
SYM_INNER_LABEL_ALIGN(vl_vmexit, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	push	%rax
	mov	8(%rsp), %rax
	pop	GPR(0)
	mov	%rcx, GPR(1)
	mov	%rdx, GPR(2)
	mov	%rbx, GPR(3)
	mov	%rbp, GPR(5)
	mov	%rsi, GPR(6)
	mov	%rdi, GPR(7)
	mov	%r8, GPR(8)
	mov	%r9, GPR(9)
	mov	%r10, GPR(10)
	mov	%r11, GPR(11)
	mov	%r12, GPR(12)
	mov	%r13, GPR(13)
	mov	%r14, GPR(14)
	mov	%r15, GPR(15)
	xor	%ebx, %ebx
	jmp	.Lout
.Lfail:
	mov	$1, %ebx
.Lout:
	/* No guest value may steer the host, not even speculatively. */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE
	pop	%rdi
	pop	%rsi
	pop	%rdi
	test	$ENTER_SPEC_CTRL, %sil
	jz	.Lspec_host
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	CTX_HOST_SPEC_CTRL(%rdi), %eax
	mov	CTX_HOST_SPEC_CTRL+4(%rdi), %edx
	wrmsr
.Lspec_host:
	/* No return is predicted past the jump with the guest's SPEC_CTRL still on. */
	ALTERNATIVE "", "lfence", X86_FEATURE_MSR_SPEC_CTRL
	CLEAR_BRANCH_HISTORY_VMEXIT

	mov	%ebx, %eax
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(vl_enter)
