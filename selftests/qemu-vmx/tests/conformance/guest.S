/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What guests run.  Each piece ends with VMCALL; its name says what is in it, and
 * a label NAME_end is behind the instruction that a test is about.
 */
	.macro	piece name:req
	.globl	g_\name
	.align	16
g_\name:
	.endm

	.macro	done
	vmcall
	hlt
	.endm

/* g_NAME: one instruction, and the end */
	.macro	one name:req, insn:vararg
	piece	\name
	\insn
	done
	.endm

	.text
	.globl	guest_vectors
	.align	16
guest_vectors:
	.rept	256
	.align	16
	vmcall
	hlt
	.endr

	one	done, nop
	one	cpuid, cpuid
	one	hlt, hlt
	one	invd, invd
	one	wbinvd, wbinvd
	one	invlpg, invlpg 0x1234(%rip)
	one	rdpmc, rdpmc
	one	rdtsc, rdtsc
	one	rdtscp, rdtscp
	one	pause, pause
	piece	pause_loop
	pause
	dec	%ecx
	jnz	g_pause_loop
	done
	one	monitor, monitor
	one	mwait, mwait
	one	ud2, ud2
	one	int3, int3
	one	int_3, .byte 0xcd, 3
	one	int_80, int $0x80
	one	int_20, int $0x20
	one	rdmsr, rdmsr
	one	wrmsr, wrmsr
	one	xsetbv, xsetbv
	one	in8, inb $0x70, %al
	one	out8, outb %al, $0x70
	one	in16, inw %dx, %ax
	one	out32, outl %eax, %dx
	one	insb, insb
	one	rep_insw, rep insw
	one	outsl, outsl
	one	rep_outsb, rep outsb %fs:(%esi), %dx
	one	get_cr0, mov %cr0, %rax
	one	set_cr0, mov %rax, %cr0
	one	get_cr3, mov %cr3, %rbx
	one	set_cr3, mov %rbx, %cr3
	one	get_cr4, mov %cr4, %rax
	one	set_cr4, mov %rax, %cr4
	one	get_cr8, mov %cr8, %rcx
	one	set_cr8, mov %rcx, %cr8
	one	clts, clts
	one	smsw, smsw %rax
	one	lmsw, lmsw %ax
	one	lmsw_memory, lmsw (%rsi)
	one	get_dr7, mov %dr7, %rdx
	one	set_dr3, mov %rdx, %dr3
	one	vmxoff, vmxoff
	one	vmlaunch, vmlaunch
	one	vmresume, vmresume
	one	vmptrld, vmptrld 16(%rax,%rcx,4)
	one	vmclear, vmclear (%rbx)
	one	vmptrst, vmptrst -8(%rdi)
	one	vmxon, vmxon (%rax)
	one	vmread, vmread %rbx, %rcx
	one	vmwrite, vmwrite %rcx, %rbx
	one	invept, invept (%rax), %rbx
	one	invvpid, invvpid (%rax), %rbx
	one	load, mov (%rsi), %rax
	one	store, mov %rax, (%rdi)
	one	modify, incl (%rdi)
	one	fetch, jmp *%rsi
	one	divide, div %ecx

	/* interrupts on, and off again before the end */
	piece	sti
	sti
	.globl	g_sti_1
g_sti_1:
	nop
	.globl	g_sti_2
g_sti_2:
	nop
	done

	piece	mov_ss
	mov	%ss, %eax
	mov	%eax, %ss
	.globl	g_mov_ss_1
g_mov_ss_1:
	cpuid
	done

	piece	nops
	nop
	.globl	g_nops_1
g_nops_1:
	nop
	done

	piece	spin
	jmp	g_spin

	piece	sti_hlt
	sti
	hlt
	done

	/* RBX and RAX to the local APIC's ICR, at RDI, and time for it to arrive */
	piece	icr
	mov	%ebx, 0x10(%rdi)
	mov	%eax, (%rdi)
	mov	$1000000, %ecx
1:	loop	1b
	done

	/* software SMI of the chip set's APM port, and time for it to arrive */
	piece	smi
	out	%al, $0xb2
	mov	$100000, %ecx
1:	loop	1b
	done

	piece	iret
	mov	%rsp, %rcx
	mov	%ss, %eax
	push	%rax
	push	%rcx
	pushf
	mov	%cs, %eax
	push	%rax
	lea	1f(%rip), %rax
	push	%rax
	iretq
1:	nop
	.globl	g_iret_1
g_iret_1:
	nop
	done

	/* IRET that faults: RSP is where nothing can be popped from */
	piece	iret_fault
	iretq
	done

	/* single step over one instruction */
	piece	step
	pushf
	orl	$0x100, (%rsp)
	popf
	nop
	.globl	g_step_1
g_step_1:
	nop
	done

	/* in compatibility mode, then back: tasks switch only there */
	.code32
	piece	task_jump
	ljmp	$0x38, $0
	done
	piece	task_call
	lcall	$0x38, $0
	done
	piece	pae_load
	mov	(%esi), %eax
	done
	piece	pae_set_cr3
	mov	%eax, %cr3
	mov	(%esi), %eax
	done

	/* real mode: copied to where its 16 bits reach */
	.code16
	.globl	real_code, real_code_end
real_code:
	mov	$0x1234, %ax
	mov	%ax, %ds
	mov	%ds, %bx
	int	$0x21
	vmcall
real_code_end:

	.code64
	.bss
	.align	4096
	.globl	guest_idt
guest_idt:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
