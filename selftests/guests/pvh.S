/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PVH guest: entered at pvh_entry, with EBX the address of the start info.
 */
#define XEN_ELFNOTE_PHYS32_ENTRY	18

	.section .note.Xen, "a", @note
	.balign	4
	.long	4, 4, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.long	pvh_entry

	.text
	.code32
	.globl	pvh_entry
pvh_entry:
	jmp	start32

#include "long-mode.S"
