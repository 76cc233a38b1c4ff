// SPDX-License-Identifier: GPL-2.0-only
/* What loaders share: the memory map, and the CPU's modes. */
#include <errno.h>
#include <string.h>

#include "boot.h"
#include "pci.h"

/* Access rights as in the VMCS: SDM vol. 3, table 25-2. */
#define ATTR_CODE32	0xc09b
#define ATTR_CODE64	0xa09b
#define ATTR_DATA	0xc093
#define ATTR_TSS	0x008b

#define SEL_CODE	0x10	/* __BOOT_CS of Linux' boot protocol */
#define SEL_DATA	0x18	/* __BOOT_DS */
#define SEL_TSS		0x20

#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_NE		(1ULL << 5)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)

#define PTE_P		(1ULL << 0)
#define PTE_W		(1ULL << 1)
#define PTE_PS		(1ULL << 7)

/**
 * boot_memmap() - what is where in guest-physical memory
 * @ram: the RAM
 * @map: out: MEMMAP_MAX entries
 *
 * Return: how many entries were filled; they are sorted.
 */
unsigned int boot_memmap(const struct guest_ram *ram, struct memmap_entry *map)
{
	const struct memmap_entry all[] = {
		{ 0, BOOT_EBDA, MEMMAP_RAM },
		{ BOOT_EBDA, BOOT_VGA_HOLE - BOOT_EBDA, MEMMAP_RESERVED },
		{ BOOT_ACPI_TABLES, BOOT_HIGH - BOOT_ACPI_TABLES, MEMMAP_RESERVED },
		{ BOOT_HIGH, ram->lowmem - BOOT_HIGH, MEMMAP_RAM },
		/* PCI Firmware Specification 3.0, 4.1.2, note 2: reserved here, too. */
		{ PCI_ECAM_BASE, PCI_ECAM_SIZE, MEMMAP_RESERVED },
		{ VM_HIGHMEM_BASE, ram->highmem, MEMMAP_RAM },
	};
	unsigned int n = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].size)
			map[n++] = all[i];
	return n;
}

/**
 * boot_put_string() - store a command line
 * @ram: the RAM
 * @gpa: where to
 * @text: the command line
 * @room: bytes there, with the NUL
 * @what: whose it is, for the message
 *
 * Return: 0, or a negative errno after a message.
 */
int boot_put_string(const struct guest_ram *ram, u64 gpa, const char *text, u64 room,
		    const char *what)
{
	u64 len = strlen(text) + 1;

	if (len > room)
		return fail(-E2BIG,
			    "the command line of %s is too long: %llu bytes, %llu are allowed",
			    what, len - 1, room - 1);
	memcpy(ram_at(ram, gpa, len), text, len);
	return 0;
}

/* A descriptor (SDM vol. 3, 3.4.5) of base 0 from a limit and a VMCS attribute. */
static u64 descriptor(u64 limit, u64 attr)
{
	if (attr & 0x8000)
		limit >>= 12;
	return (limit & 0xffff) | (attr & 0xff) << 40 | (limit >> 16 & 0xf) << 48 |
	       (attr >> 12 & 0xf) << 52;
}

static void flat_segments(const struct guest_ram *ram, struct vcpu_state *state, u32 code)
{
	const struct vmx_lite_segment data = {
		.limit = 0xffffffff, .attr = ATTR_DATA, .selector = SEL_DATA,
	};
	u64 *gdt = ram_at(ram, BOOT_GDT, 6 * sizeof(*gdt));

	gdt[SEL_CODE / 8] = descriptor(0xffffffff, code);
	gdt[SEL_DATA / 8] = descriptor(0xffffffff, ATTR_DATA);
	gdt[SEL_TSS / 8] = descriptor(0x67, ATTR_TSS);
	gdt[SEL_TSS / 8 + 1] = 0;	/* 16 bytes in long mode */

	state->segs.cs = (struct vmx_lite_segment) {
		.limit = 0xffffffff, .attr = code, .selector = SEL_CODE,
	};
	state->segs.ds = data;
	state->segs.es = data;
	state->segs.ss = data;
	state->segs.fs = data;
	state->segs.gs = data;
	state->segs.tr = (struct vmx_lite_segment) {
		.limit = 0x67, .attr = ATTR_TSS, .selector = SEL_TSS,
	};
	state->segs.ldtr = (struct vmx_lite_segment) { .attr = VMX_LITE_SEG_UNUSABLE };
	state->segs.gdtr = (struct vmx_lite_dtable) {
		.base = BOOT_GDT, .limit = 6 * sizeof(*gdt) - 1,
	};
	/* Empty: an interrupt before the guest has its own is a triple fault. */
	state->segs.idtr = (struct vmx_lite_dtable) { 0 };
}

/**
 * boot_protected_mode() - 32-bit protected mode, flat, without paging
 * @ram: gets a GDT at BOOT_GDT
 * @state: reset state in, changed
 */
void boot_protected_mode(const struct guest_ram *ram, struct vcpu_state *state)
{
	flat_segments(ram, state, ATTR_CODE32);
	state->control.cr0 = CR0_PE | CR0_ET | CR0_NE;
}

/**
 * boot_long_mode() - 64-bit mode with the first 4 GiB mapped at their addresses
 * @ram: gets a GDT at BOOT_GDT and tables at BOOT_PAGE_TABLES
 * @state: reset state in, changed
 */
void boot_long_mode(const struct guest_ram *ram, struct vcpu_state *state)
{
	u64 *pml4 = ram_at(ram, BOOT_PAGE_TABLES, 6 * 4096);
	u64 *pdpt = pml4 + 512;
	u64 *pd = pdpt + 512;

	memset(pml4, 0, 2 * 4096);
	pml4[0] = (BOOT_PAGE_TABLES + 4096) | PTE_P | PTE_W;
	for (u64 i = 0; i < 4; i++)
		pdpt[i] = (BOOT_PAGE_TABLES + (2 + i) * 4096) | PTE_P | PTE_W;
	for (u64 i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | PTE_P | PTE_W | PTE_PS;

	flat_segments(ram, state, ATTR_CODE64);
	state->control.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	state->control.cr3 = BOOT_PAGE_TABLES;
	state->control.cr4 = CR4_PAE;
	state->control.efer = EFER_LME | EFER_LMA;
}
