/* SPDX-License-Identifier: GPL-2.0-only */
/* dsdt.aml, made by iasl from dsdt.asl */
	.section .rodata
	.globl	dsdt_aml, dsdt_aml_end
	.balign	16
dsdt_aml:
	.incbin	"dsdt.aml"
dsdt_aml_end:
	.section .note.GNU-stack, "", @progbits
