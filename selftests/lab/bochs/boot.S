/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot sector of Bochs machines: it enters an uncompressed Linux kernel in long mode
 * (Documentation/arch/x86/boot.rst, 64-bit protocol), which saves the emulated CPU the
 * decompression. labkit/bochs.py writes the disk: this sector, 16 sectors with
 * boot_params and the command line, then kernel and initramfs in blocks of 256 sectors,
 * which are read by READ MULTIPLE (ATA/ATAPI-6, 8.29).
 */

#define BOOT_PARAMS	0x10000
#define PAGE_TABLES	0x20000
#define KERNEL		0x1000000
#define INITRD		0x8000000
#define BLOCK		256		/* sectors read by one command */
#define MULTIPLE	16		/* sectors a data request */

#define BP_E820_ENTRIES	0x1e8
#define BP_E820_TABLE	0x2d0
#define E820_MAX	32

	.code16
	.globl	_start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	ljmp	$0, $1f
1:
	movw	$packet, %si		/* DL is still the BIOS's drive */
	movb	$0x42, %ah
	int	$0x13
	jc	fail

	movw	$(BOOT_PARAMS >> 4), %ax
	movw	%ax, %es
	xorl	%ebx, %ebx
	movw	$BP_E820_TABLE, %di
	movw	$E820_MAX, %bp
2:	movl	$0xe820, %eax
	movl	$20, %ecx
	movl	$0x534d4150, %edx
	int	$0x15
	jc	3f
	addw	$20, %di
	incb	%es:BP_E820_ENTRIES
	decw	%bp
	jz	3f
	testl	%ebx, %ebx
	jnz	2b
3:
	cli
	inb	$0x92, %al		/* A20 */
	orb	$2, %al
	andb	$0xfe, %al
	outb	%al, $0x92
	movb	$0xff, %al		/* both 8259s masked */
	outb	%al, $0x21
	outb	%al, $0xa1

	/* The first GiB, one to one */
	movw	$(PAGE_TABLES >> 4), %ax
	movw	%ax, %es
	xorw	%di, %di
	xorl	%eax, %eax
	movw	$0x800, %cx
	cld
	rep stosl
	movl	$(PAGE_TABLES + 0x1003), %es:0
	movb	$0x83, %es:0x1000
	lgdt	gdt_pointer
	movl	$PAGE_TABLES, %eax
	movl	%eax, %cr3
	movl	$0xa0, %eax		/* PGE | PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	btsl	$8, %eax
	wrmsr
	movl	$0x80000011, %eax	/* PG | ET | PE */
	movl	%eax, %cr0
	ljmpl	$0x10, $long_mode

fail:	movb	$'!', %al
	outb	%al, $0xe9
4:	hlt
	jmp	4b

	.code64
long_mode:
	movw	$0x18, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x1f000, %esp

	movw	$0x1f2, %dx		/* SET MULTIPLE MODE */
	movb	$MULTIPLE, %al
	outb	%al, %dx
	movb	$0xc6, %al
	call	command
	call	wait_idle

	movl	$17, %ebx		/* EBX: the next sector */
	movl	$KERNEL, %edi
	movl	kernel_blocks(%rip), %ebp
	call	load
	movl	$INITRD, %edi
	movl	initrd_blocks(%rip), %ebp
	call	load

	movl	$BOOT_PARAMS, %esi
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	xorl	%ebx, %ebx
	movl	entry(%rip), %eax
	jmp	*%rax

/* Read EBP blocks from sector EBX on to EDI. */
load:
	movw	$0x1f2, %dx
	movb	$0, %al			/* 256 sectors */
	outb	%al, %dx
	movl	%ebx, %eax
	incw	%dx
	outb	%al, %dx
	shrl	$8, %eax
	incw	%dx
	outb	%al, %dx
	shrl	$8, %eax
	incw	%dx
	outb	%al, %dx
	movb	$0xe0, %al		/* LBA, first drive; 8 GiB are enough */
	incw	%dx
	outb	%al, %dx
	movb	$0xc4, %al		/* READ MULTIPLE */
	call	command
	movl	$(BLOCK / MULTIPLE), %esi
5:	call	wait_idle
	testb	$0x08, %al		/* DRQ */
	jz	5b
	movw	$0x1f0, %dx
	movl	$(MULTIPLE * 256), %ecx
	rep insw
	decl	%esi
	jnz	5b
	addl	$BLOCK, %ebx
	decl	%ebp
	jnz	load
	ret

command:
	movw	$0x1f7, %dx
	outb	%al, %dx
	ret

/* AL: the status, once the drive is not busy. */
wait_idle:
	movw	$0x1f7, %dx
	inb	%dx, %al
	testb	$0x80, %al
	jnz	wait_idle
	ret

	.balign	8
gdt:	.quad	0, 0, 0x00af9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
packet:	.byte	16, 0
	.word	16, 0, BOOT_PARAMS >> 4
	.quad	1

	.org	498			/* labkit/bochs.py fills these in */
entry:	.long	0
kernel_blocks:
	.long	0
initrd_blocks:
	.long	0
	.word	0xaa55
