/* SPDX-License-Identifier: GPL-2.0-only */
/* dsdt.aml and dsdt-firmware.aml, made by iasl from dsdt.asl */
	.section .rodata
	.globl	dsdt_aml, dsdt_aml_end
	.balign	16
dsdt_aml:
	.incbin	"dsdt.aml"
dsdt_aml_end:
	.globl	dsdt_firmware_aml, dsdt_firmware_aml_end
	.balign	16
dsdt_firmware_aml:
	.incbin	"dsdt-firmware.aml"
dsdt_firmware_aml_end:
	.section .note.GNU-stack, "", @progbits
