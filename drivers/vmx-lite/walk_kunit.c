// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the page-table walk: every paging mode, right and reserved bit, from SDM vol. 3, 4. */
#include <kunit/test.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trap_pf.h>

#include "walk.h"

/* Entry bits, as the SDM writes them. */
#define P	0x1ULL
#define RW	0x2ULL
#define US	0x4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define XD	0x8000000000000000ULL
#define PK(n)	((u64)(n) << 59)
#define KEEP	(P | RW | US)

#define T_READ	VL_ACCESS_READ
#define T_WRITE	VL_ACCESS_WRITE
#define T_EXEC	VL_ACCESS_EXEC
#define T_SYSTEM	VL_ACCESS_IMPLICIT

#define E_P	X86_PF_PROT
#define E_W	X86_PF_WRITE
#define E_U	X86_PF_USER
#define E_R	X86_PF_RSVD
#define E_I	X86_PF_INSTR
#define E_K	X86_PF_PK

#define CR4_PAE		X86_CR4_PAE
#define CR4_5		(X86_CR4_PAE | X86_CR4_LA57)
#define CR4_K		(X86_CR4_PAE | X86_CR4_PKE)
#define CR4_SMEP_SMAP	(X86_CR4_PAE | X86_CR4_SMEP | X86_CR4_SMAP)
#define LMA		EFER_LMA
#define NXE		EFER_NX
#define WP		X86_CR0_WP

#define MAX_ENTRIES	5

/* A paging-structure entry in memory; @gpa 0 ends a list. */
struct walk_entry {
	u64 gpa;
	u64 value;
};

/**
 * struct walk_case - paging state, tables, an access, and what comes of it
 * @name: what is tested
 * @cr0: beside PG; NO_PAGING instead of it
 * @cr3: root
 * @cr4: as it is
 * @efer: as it is
 * @long4: 4-level paging with NXE, root at 0x1000, @gva GVA_4 unless said otherwise
 * @pkru: protection-key rights
 * @pdpte: PAE's PDPTEs 0 and 3
 * @entries: tables in memory; all else cannot be read
 * @gva: address to translate
 * @access: VL_ACCESS_*
 * @cpl: privilege level
 * @ac: RFLAGS.AC
 * @maxphyaddr: 0 for 46
 * @ret: wanted return value
 * @gpa: wanted address, with 0
 * @pf_error: wanted error code, with -EFAULT
 * @level: wanted level, with 0
 * @page_shift: wanted size, with 0
 * @rights: wanted RW, US, XD, with 0
 */
struct walk_case {
	const char *name;
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	bool long4;
	u32 pkru;
	u64 pdpte[2];
	struct walk_entry entries[MAX_ENTRIES];
	u64 gva;
	u32 access;
	u8 cpl;
	bool ac;
	u8 maxphyaddr;
	int ret;
	u64 gpa;
	u32 pf_error;
	u8 level;
	u8 page_shift;
	u64 rights;
};

#define NO_PAGING	X86_CR0_PG	/* the test flips it */

/* 0x00c03123 in 32-bit paging: PDE 3, PTE 3. */
#define TREE_32(pde, pte)	{ { 0x100c, 0x2000 | (pde) }, { 0x200c, 0x7000 | (pte) } }
/* 0xc0a03123 in PAE paging: PDPTE 3, PDE 5, PTE 3. */
#define TREE_PAE(pde, pte)	{ { 0x3028, 0x4000 | (pde) }, { 0x4018, 0x123457000 | (pte) } }
/* 0x0000018140a03123 in 4-level paging: PML4E 3, PDPTE 5, PDE 5, PTE 3. */
#define GVA_4			0x0000018140a03123ULL
#define TREE_4(pml4e, pdpte, pde, pte)					\
	{ { 0x1018, 0x2000 | (pml4e) }, { 0x2028, 0x3000 | (pdpte) },	\
	  { 0x3028, 0x4000 | (pde) }, { 0x4018, 0x123457000 | (pte) } }

static const struct walk_case walk_cases[] = {
	{ "no paging", .cr0 = NO_PAGING, .gva = 0x123456789, .access = T_WRITE,
	  .gpa = 0x23456789, .level = 0, .page_shift = 12, .rights = RW | US },

	/* 32-bit paging */
	{ "32-bit", .cr3 = 0x1018, .entries = TREE_32(KEEP, KEEP), .gva = 0x00c03123,
	  .access = T_WRITE, .cpl = 3, .gpa = 0x7123, .level = 1, .page_shift = 12,
	  .rights = RW | US },
	{ "32-bit, upper half of the address ignored", .cr3 = 0x1000,
	  .entries = TREE_32(KEEP, KEEP), .gva = 0xffffffff00c03123, .access = T_READ,
	  .gpa = 0x7123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "32-bit, PDE not present", .cr3 = 0x1000, .entries = TREE_32(RW | US, KEEP),
	  .gva = 0x00c03123, .access = T_READ, .ret = -EFAULT },
	{ "32-bit, PTE not present, user write", .cr3 = 0x1000, .entries = TREE_32(KEEP, RW | US),
	  .gva = 0x00c03123, .access = T_WRITE, .cpl = 3, .ret = -EFAULT,
	  .pf_error = E_W | E_U },
	{ "32-bit, PS without CR4.PSE is a table", .cr3 = 0x1000,
	  .entries = TREE_32(KEEP | PS, KEEP), .gva = 0x00c03123, .access = T_READ,
	  .gpa = 0x7123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "32-bit, 4 MiB", .cr3 = 0x1000, .cr4 = X86_CR4_PSE,
	  .entries = { { 0x100c, 0x08400000 | KEEP | PS } }, .gva = 0x00c03123, .access = T_READ,
	  .gpa = 0x08403123, .level = 2, .page_shift = 22, .rights = RW | US },
	{ "32-bit, 4 MiB, PSE-36", .cr3 = 0x1000, .cr4 = X86_CR4_PSE,
	  .entries = { { 0x100c, 0x08400000 | 0x5a << 13 | KEEP | PS } }, .gva = 0x00c03123,
	  .access = T_READ, .gpa = 0x5a08403123, .level = 2, .page_shift = 22, .rights = RW | US },
	{ "32-bit, 4 MiB, bit 21 reserved", .cr3 = 0x1000, .cr4 = X86_CR4_PSE,
	  .entries = { { 0x100c, 0x08400000 | 1 << 21 | KEEP | PS } }, .gva = 0x00c03123,
	  .access = T_READ, .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "32-bit, 4 MiB, beyond 36 bits", .cr3 = 0x1000, .cr4 = X86_CR4_PSE, .maxphyaddr = 36,
	  .entries = { { 0x100c, 0x08400000 | 0x10 << 13 | KEEP | PS } }, .gva = 0x00c03123,
	  .access = T_READ, .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "32-bit, 4 MiB, the last of 36 bits", .cr3 = 0x1000, .cr4 = X86_CR4_PSE,
	  .maxphyaddr = 36, .entries = { { 0x100c, 0x08400000 | 0x08 << 13 | KEEP | PS } },
	  .gva = 0x00c03123, .access = T_READ, .gpa = 0x808403123, .level = 2, .page_shift = 22,
	  .rights = RW | US },
	{ "32-bit, a table's address has bits 21:12", .cr3 = 0x1000, .cr4 = X86_CR4_PSE,
	  .entries = { { 0x100c, 0x003ff000 | KEEP }, { 0x3ff00c, 0xfffff000 | KEEP } },
	  .gva = 0x00c03123, .access = T_READ, .gpa = 0xfffff123, .level = 1,
	  .page_shift = 12, .rights = RW | US },
	{ "32-bit, PTE's PAT bit is no page size", .cr3 = 0x1000, .cr4 = X86_CR4_PSE,
	  .entries = TREE_32(KEEP, KEEP | PS), .gva = 0x00c03123, .access = T_READ,
	  .gpa = 0x7123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "32-bit, fetch has no I bit", .cr3 = 0x1000, .efer = NXE, .entries = TREE_32(KEEP, 0),
	  .gva = 0x00c03123, .access = T_EXEC, .ret = -EFAULT },
	{ "32-bit, fetch has the I bit with SMEP", .cr3 = 0x1000, .cr4 = X86_CR4_SMEP,
	  .entries = TREE_32(KEEP, 0), .gva = 0x00c03123, .access = T_EXEC, .ret = -EFAULT,
	  .pf_error = E_I },

	/* PAE paging */
	{ "PAE", .cr4 = CR4_PAE, .pdpte = { 0, 0x3000 | P }, .entries = TREE_PAE(KEEP, KEEP),
	  .gva = 0xc0a03123, .access = T_WRITE, .cpl = 3, .gpa = 0x123457123, .level = 1,
	  .page_shift = 12, .rights = RW | US },
	{ "PAE, PDPTE not present", .cr4 = CR4_PAE, .pdpte = { 0x3000 | P, 0x3000 },
	  .entries = TREE_PAE(KEEP, KEEP), .gva = 0xc0a03123, .access = T_READ, .ret = -EFAULT },
	{ "PAE, the first PDPTE", .cr4 = CR4_PAE, .pdpte = { 0x3000 | P, 0 },
	  .entries = TREE_PAE(KEEP, KEEP), .gva = 0x00a03123, .access = T_READ,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "PAE, 2 MiB", .cr4 = CR4_PAE, .pdpte = { 0, 0x3000 | P },
	  .entries = { { 0x3028, 0x123400000 | KEEP | PS } }, .gva = 0xc0a03123, .access = T_READ,
	  .gpa = 0x123403123, .level = 2, .page_shift = 21, .rights = RW | US },
	{ "PAE, 2 MiB, bit 13 reserved", .cr4 = CR4_PAE, .pdpte = { 0, 0x3000 | P },
	  .entries = { { 0x3028, 0x123402000 | KEEP | PS } }, .gva = 0xc0a03123, .access = T_READ,
	  .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "PAE, XD without NXE reserved", .cr4 = CR4_PAE, .pdpte = { 0, 0x3000 | P },
	  .entries = TREE_PAE(KEEP, KEEP | XD), .gva = 0xc0a03123, .access = T_READ,
	  .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "PAE, XD, fetch", .cr4 = CR4_PAE, .efer = NXE, .pdpte = { 0, 0x3000 | P },
	  .entries = TREE_PAE(KEEP, KEEP | XD), .gva = 0xc0a03123, .access = T_EXEC,
	  .ret = -EFAULT, .pf_error = E_P | E_I },
	{ "PAE, bit 62 reserved", .cr4 = CR4_PAE, .pdpte = { 0, 0x3000 | P },
	  .entries = TREE_PAE(KEEP, KEEP | 1ULL << 62), .gva = 0xc0a03123, .access = T_READ,
	  .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "PAE knows no protection keys", .cr4 = CR4_K, .pkru = 1, .pdpte = { 0, 0x3000 | P },
	  .entries = TREE_PAE(KEEP, KEEP), .gva = 0xc0a03123, .access = T_READ, .cpl = 3,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },

	/* 4-level paging */
	{ "4-level", .long4 = true, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_WRITE,
	  .cpl = 3, .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "4-level, CR3's PCID and bit 63 ignored", .cr3 = 0x8000000000001fff, .cr4 = CR4_PAE,
	  .efer = LMA, .gva = GVA_4, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_READ,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "4-level, upper half", .long4 = true, .gva = 0xffff998140a03123,
	  .entries = { { 0x1998, 0x2000 | KEEP }, { 0x2028, 0x3000 | KEEP },
		       { 0x3028, 0x4000 | KEEP }, { 0x4018, 0x123457000 | KEEP } },
	  .access = T_READ, .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "4-level, 2 MiB", .long4 = true,
	  .entries = { { 0x1018, 0x2000 | KEEP }, { 0x2028, 0x3000 | KEEP },
		       { 0x3028, 0x123400000 | KEEP | PS } },
	  .access = T_READ, .gpa = 0x123403123, .level = 2, .page_shift = 21, .rights = RW | US },
	{ "4-level, 2 MiB, bit 20 reserved", .long4 = true,
	  .entries = { { 0x1018, 0x2000 | KEEP }, { 0x2028, 0x3000 | KEEP },
		       { 0x3028, 0x123500000 | KEEP | PS } },
	  .access = T_READ, .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "4-level, 2 MiB, PAT", .long4 = true,
	  .entries = { { 0x1018, 0x2000 | KEEP }, { 0x2028, 0x3000 | KEEP },
		       { 0x3028, 0x123401000 | KEEP | PS } },
	  .access = T_READ, .gpa = 0x123403123, .level = 2, .page_shift = 21, .rights = RW | US },
	{ "4-level, 1 GiB", .long4 = true,
	  .entries = { { 0x1018, 0x2000 | KEEP }, { 0x2028, 0x140000000 | KEEP | PS } },
	  .access = T_READ, .gpa = 0x140a03123, .level = 3, .page_shift = 30, .rights = RW | US },
	{ "4-level, 1 GiB, bit 29 reserved", .long4 = true,
	  .entries = { { 0x1018, 0x2000 | KEEP }, { 0x2028, 0x160000000 | KEEP | PS } },
	  .access = T_READ, .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "4-level, PS in PML4E reserved", .long4 = true,
	  .entries = TREE_4(KEEP | PS, KEEP, KEEP, KEEP), .access = T_READ,
	  .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "4-level, address beyond MAXPHYADDR", .long4 = true,
	  .entries = TREE_4(KEEP, KEEP | 1ULL << 46, KEEP, KEEP), .access = T_WRITE, .cpl = 3,
	  .ret = -EFAULT, .pf_error = E_P | E_W | E_U | E_R },
	{ "4-level, all of 52 bits", .long4 = true, .maxphyaddr = 52,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | 1ULL << 51), .access = T_READ,
	  .gpa = 0x8000123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "4-level, bits 52 to 62 ignored", .long4 = true,
	  .entries = TREE_4(KEEP | 0x7ffULL << 52, KEEP, KEEP, KEEP | 0x7ffULL << 52),
	  .access = T_READ, .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "4-level, reserved bits of an absent entry do not count", .long4 = true,
	  .entries = TREE_4(KEEP, KEEP, KEEP, 1ULL << 50), .access = T_READ, .ret = -EFAULT },
	{ "4-level, not canonical", .long4 = true, .gva = 0x800000000000, .access = T_READ,
	  .ret = -ERANGE },
	{ "4-level, table outside memory", .long4 = true,
	  .entries = { { 0x1018, 0x2000 | KEEP }, { 0x2028, 0x9000 | KEEP } },
	  .access = T_READ, .ret = -EIO },
	{ "5-level", .cr3 = 0x9000, .cr4 = CR4_5, .efer = LMA | NXE,
	  .gva = GVA_4 | 7ULL << 48,
	  .entries = { { 0x9038, 0x1000 | KEEP }, { 0x1018, 0x2000 | KEEP },
		       { 0x2028, 0x3000 | KEEP }, { 0x3028, 0x4000 | KEEP },
		       { 0x4018, 0x123457000 | KEEP } },
	  .access = T_WRITE, .cpl = 3, .gpa = 0x123457123, .level = 1, .page_shift = 12,
	  .rights = RW | US },
	{ "5-level, PS in PML5E reserved", .cr3 = 0x9000, .cr4 = CR4_5, .efer = LMA,
	  .gva = GVA_4 | 7ULL << 48, .entries = { { 0x9038, 0x1000 | KEEP | PS } },
	  .access = T_READ, .ret = -EFAULT, .pf_error = E_P | E_R },
	{ "5-level, not canonical", .cr3 = 0x9000, .cr4 = CR4_5, .efer = LMA,
	  .gva = 0x100000000000000, .access = T_READ, .ret = -ERANGE },

	/* rights */
	{ "user, supervisor PTE", .long4 = true, .entries = TREE_4(KEEP, KEEP, KEEP, P | RW),
	  .access = T_READ, .cpl = 3, .ret = -EFAULT, .pf_error = E_P | E_U },
	{ "user, supervisor PML4E", .long4 = true, .entries = TREE_4(P | RW, KEEP, KEEP, KEEP),
	  .access = T_READ, .cpl = 3, .ret = -EFAULT, .pf_error = E_P | E_U },
	{ "user, read-only PDE", .long4 = true, .entries = TREE_4(KEEP, KEEP, P | US, KEEP),
	  .access = T_WRITE, .cpl = 3, .ret = -EFAULT, .pf_error = E_P | E_W | E_U },
	{ "user, read-only PDE, read", .long4 = true, .entries = TREE_4(KEEP, KEEP, P | US, KEEP),
	  .access = T_READ, .cpl = 3, .gpa = 0x123457123, .level = 1, .page_shift = 12,
	  .rights = US },
	{ "user, implicit access to supervisor page", .long4 = true,
	  .entries = TREE_4(KEEP, KEEP, KEEP, P | RW), .access = T_WRITE | T_SYSTEM, .cpl = 3,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW },
	{ "supervisor write, read-only, WP clear", .long4 = true,
	  .entries = TREE_4(KEEP, KEEP, KEEP, P), .access = T_WRITE, .gpa = 0x123457123,
	  .level = 1, .page_shift = 12, .rights = 0 },
	{ "supervisor write, read-only, WP set", .long4 = true, .cr0 = WP,
	  .entries = TREE_4(KEEP, KEEP, KEEP, P), .access = T_WRITE, .ret = -EFAULT,
	  .pf_error = E_P | E_W },
	{ "user write, read-only, WP clear", .long4 = true,
	  .entries = TREE_4(KEEP, KEEP, KEEP, P | US), .access = T_WRITE, .cpl = 3,
	  .ret = -EFAULT, .pf_error = E_P | E_W | E_U },
	{ "CPL 1 is supervisor", .long4 = true, .entries = TREE_4(KEEP, KEEP, KEEP, P | RW),
	  .access = T_READ, .cpl = 1, .gpa = 0x123457123, .level = 1, .page_shift = 12,
	  .rights = RW },
	{ "fetch, XD in PTE", .long4 = true, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | XD),
	  .access = T_EXEC, .ret = -EFAULT, .pf_error = E_P | E_I },
	{ "fetch, XD in PML4E", .long4 = true, .entries = TREE_4(KEEP | XD, KEEP, KEEP, KEEP),
	  .access = T_EXEC, .cpl = 3, .ret = -EFAULT, .pf_error = E_P | E_I | E_U },
	{ "read, XD", .long4 = true, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | XD),
	  .access = T_READ,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US | XD },
	{ "fetch, user page, no SMEP", .long4 = true, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP),
	  .access = T_EXEC, .gpa = 0x123457123, .level = 1, .page_shift = 12,
	  .rights = RW | US },
	{ "fetch, user page, SMEP", .long4 = true, .cr4 = CR4_SMEP_SMAP,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_EXEC, .ret = -EFAULT,
	  .pf_error = E_P | E_I },
	{ "fetch by user, SMEP", .long4 = true, .cr4 = CR4_SMEP_SMAP,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_EXEC, .cpl = 3,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "fetch, supervisor page, SMEP", .long4 = true, .cr4 = CR4_SMEP_SMAP,
	  .entries = TREE_4(KEEP, KEEP, P | RW, KEEP), .access = T_EXEC, .gpa = 0x123457123,
	  .level = 1, .page_shift = 12, .rights = RW },
	{ "read, user page, SMAP", .long4 = true, .cr4 = CR4_SMEP_SMAP,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_READ, .ret = -EFAULT,
	  .pf_error = E_P },
	{ "read, user page, SMAP, AC", .long4 = true, .cr4 = CR4_SMEP_SMAP, .ac = true,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_READ, .gpa = 0x123457123,
	  .level = 1, .page_shift = 12, .rights = RW | US },
	{ "implicit read, user page, SMAP, AC", .long4 = true, .cr4 = CR4_SMEP_SMAP, .ac = true,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_READ | T_SYSTEM, .ret = -EFAULT,
	  .pf_error = E_P },
	{ "write, user page, SMAP, AC, WP, read-only", .long4 = true, .cr0 = WP,
	  .cr4 = CR4_SMEP_SMAP, .ac = true, .entries = TREE_4(KEEP, KEEP, KEEP, P | US),
	  .access = T_WRITE, .ret = -EFAULT, .pf_error = E_P | E_W },
	{ "read by user, SMAP", .long4 = true, .cr4 = CR4_SMEP_SMAP, .cpl = 3,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_READ, .gpa = 0x123457123,
	  .level = 1, .page_shift = 12, .rights = RW | US },

	/* protection keys */
	{ "key 5, access disabled", .long4 = true, .cr4 = CR4_K, .pkru = 1 << 10, .cpl = 3,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)), .access = T_READ,
	  .ret = -EFAULT, .pf_error = E_P | E_U | E_K },
	{ "key 5, another key's bit", .long4 = true, .cr4 = CR4_K, .pkru = 1 << 12, .cpl = 3,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)), .access = T_READ,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "key 5, without CR4.PKE", .long4 = true, .pkru = 3 << 10, .cpl = 3,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)), .access = T_READ,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "key 5, write disabled, user write", .long4 = true, .cr4 = CR4_K,
	  .pkru = 2 << 10, .cpl = 3, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)),
	  .access = T_WRITE, .ret = -EFAULT, .pf_error = E_P | E_W | E_U | E_K },
	{ "key 5, write, all other keys disabled", .long4 = true, .cr4 = CR4_K,
	  .pkru = ~(3U << 10), .cpl = 3, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)),
	  .access = T_WRITE, .gpa = 0x123457123, .level = 1, .page_shift = 12,
	  .rights = RW | US },
	{ "key 5, write disabled, read", .long4 = true, .cr4 = CR4_K, .pkru = 2 << 10, .cpl = 3,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)), .access = T_READ,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "key 5, write disabled, supervisor write, WP clear", .long4 = true, .cr4 = CR4_K,
	  .pkru = 2 << 10, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)), .access = T_WRITE,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
	{ "key 5, write disabled, supervisor write, WP set", .long4 = true, .cr0 = WP, .cr4 = CR4_K,
	  .pkru = 2 << 10, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)), .access = T_WRITE,
	  .ret = -EFAULT, .pf_error = E_P | E_W | E_K },
	{ "key 5, access disabled, supervisor page", .long4 = true, .cr4 = CR4_K, .pkru = 1 << 10,
	  .entries = TREE_4(KEEP, KEEP, KEEP, P | RW | PK(5)), .access = T_READ,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW },
	{ "key 5, access disabled, fetch", .long4 = true, .cr4 = CR4_K, .pkru = 1 << 10, .cpl = 3,
	  .entries = TREE_4(KEEP, KEEP, KEEP, KEEP | PK(5)), .access = T_EXEC,
	  .gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US },
};

/* The guest's memory, and what another CPU does to it. */
struct fake {
	struct kunit *test;
	struct walk_entry entries[MAX_ENTRIES];
	unsigned int reads;
	unsigned int races;		/* so many exchanges find another value */
	int cmpxchg_error;
	u64 race_bits;			/* what the other CPU sets */
};

static struct walk_entry *fake_entry(struct fake *f, u64 gpa)
{
	unsigned int i;

	for (i = 0; i < MAX_ENTRIES && f->entries[i].gpa; i++) {
		if (f->entries[i].gpa == gpa)
			return &f->entries[i];
	}
	return NULL;
}

static int fake_read(void *ctx, u64 gpa, void *data, unsigned int len)
{
	struct fake *f = ctx;
	struct walk_entry *e = fake_entry(f, gpa);

	f->reads++;
	if (!e)
		return -ENXIO;
	memcpy(data, &e->value, len);
	return 0;
}

static int fake_cmpxchg(void *ctx, u64 gpa, u64 old, u64 new, unsigned int len)
{
	struct fake *f = ctx;
	struct walk_entry *e = fake_entry(f, gpa);

	KUNIT_ASSERT_NOT_NULL(f->test, e);
	if (f->cmpxchg_error)
		return f->cmpxchg_error;
	if (f->races) {
		f->races--;
		e->value |= f->race_bits;
		return -EAGAIN;
	}
	KUNIT_EXPECT_EQ(f->test, e->value, old);
	KUNIT_EXPECT_EQ(f->test, new & ~old & ~(A | D), 0ULL);
	memcpy(&e->value, &new, len);
	return 0;
}

static void walk_init(struct vl_walk *w, struct fake *f, struct kunit *test,
		      const struct walk_case *c)
{
	memset(w, 0, sizeof(*w));
	memset(f, 0, sizeof(*f));
	memcpy(f->entries, c->entries, sizeof(f->entries));
	f->test = test;
	w->cr0 = c->cr0 ^ X86_CR0_PG;
	w->cr3 = c->cr3;
	w->cr4 = c->cr4;
	w->efer = c->efer;
	if (c->long4) {
		w->cr3 = 0x1000;
		w->cr4 |= X86_CR4_PAE;
		w->efer = LMA | NXE;
	}
	w->pkru = c->pkru;
	w->pdpte[0] = c->pdpte[0];
	w->pdpte[3] = c->pdpte[1];
	w->rflags_ac = c->ac;
	w->cpl = c->cpl;
	w->maxphyaddr = c->maxphyaddr ? c->maxphyaddr : 46;
	w->read = fake_read;
	w->ctx = f;
}

static int walk_case_run(struct vl_walk *w, const struct walk_case *c)
{
	return vl_walk(w, c->gva || !c->long4 ? c->gva : GVA_4, c->access);
}

static void expect_result(struct kunit *test, const struct vl_walk *w, const struct walk_case *c,
			  int ret)
{
	KUNIT_EXPECT_EQ_MSG(test, ret, c->ret, "%s", c->name);
	if (ret == -EFAULT)
		KUNIT_EXPECT_EQ_MSG(test, w->pf_error, c->pf_error, "%s", c->name);
	if (ret)
		return;
	KUNIT_EXPECT_EQ_MSG(test, w->gpa, c->gpa, "%s", c->name);
	KUNIT_EXPECT_EQ_MSG(test, w->level, c->level, "%s", c->name);
	KUNIT_EXPECT_EQ_MSG(test, w->page_shift, c->page_shift, "%s", c->name);
	KUNIT_EXPECT_EQ_MSG(test, w->writable, !!(c->rights & RW), "%s", c->name);
	KUNIT_EXPECT_EQ_MSG(test, w->user, !!(c->rights & US), "%s", c->name);
	KUNIT_EXPECT_EQ_MSG(test, w->exec, !(c->rights & XD), "%s", c->name);
}

/* A look: memory stays as it is. */
static void walk_table_test(struct kunit *test)
{
	const struct walk_case *c = test->param_value;
	struct vl_walk w;
	struct fake f;

	walk_init(&w, &f, test, c);
	expect_result(test, &w, c, walk_case_run(&w, c));
	KUNIT_EXPECT_EQ(test, memcmp(f.entries, c->entries, sizeof(f.entries)), 0);
}

/* An access by the CPU: the same result, and accessed and dirty bits where it succeeds. */
static void walk_accessed_test(struct kunit *test)
{
	const struct walk_case *c = test->param_value;
	struct vl_walk w;
	struct fake f;
	unsigned int i;
	int ret;

	walk_init(&w, &f, test, c);
	w.cmpxchg = fake_cmpxchg;
	ret = walk_case_run(&w, c);
	expect_result(test, &w, c, ret);
	for (i = 0; i < MAX_ENTRIES && c->entries[i].gpa; i++) {
		bool last = i + 1 == MAX_ENTRIES || !c->entries[i + 1].gpa;
		u64 want = c->entries[i].value;

		if (!ret && w.level)
			want |= last && (c->access & T_WRITE) ? A | D : A;
		KUNIT_EXPECT_EQ_MSG(test, f.entries[i].value, want, "%s: entry %u", c->name, i);
	}

	/* Once they are set nothing is written any more. */
	f.cmpxchg_error = -EIO;
	expect_result(test, &w, c, walk_case_run(&w, c));
}

static void walk_case_name(const struct walk_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(walk, walk_cases, walk_case_name);

static const struct walk_case race_case = {
	"race", .long4 = true, .entries = TREE_4(KEEP, KEEP, KEEP, KEEP), .access = T_WRITE,
	.gpa = 0x123457123, .level = 1, .page_shift = 12, .rights = RW | US,
};

/* Another CPU changes an entry in between: the walk begins again, but not for ever. */
static void walk_race_test(struct kunit *test)
{
	struct vl_walk w;
	struct fake f;

	walk_init(&w, &f, test, &race_case);
	w.cmpxchg = fake_cmpxchg;
	f.races = 1;
	f.race_bits = A;
	expect_result(test, &w, &race_case, walk_case_run(&w, &race_case));
	KUNIT_EXPECT_EQ(test, f.reads, 8U);
	KUNIT_EXPECT_EQ(test, f.entries[3].value, race_case.entries[3].value | A | D);

	walk_init(&w, &f, test, &race_case);
	w.cmpxchg = fake_cmpxchg;
	f.races = 1000;
	KUNIT_EXPECT_EQ(test, walk_case_run(&w, &race_case), -EAGAIN);
	KUNIT_EXPECT_LE(test, f.reads, 100U);

	/* The other CPU takes the page's right to be written away: nobody may see it dirty. */
	walk_init(&w, &f, test, &race_case);
	w.cr0 |= X86_CR0_WP;
	w.cmpxchg = fake_cmpxchg;
	f.races = 1;
	f.race_bits = 1ULL << 50;
	KUNIT_EXPECT_EQ(test, walk_case_run(&w, &race_case), -EFAULT);
	KUNIT_EXPECT_EQ(test, w.pf_error, E_P | E_W | E_R);
	KUNIT_EXPECT_EQ(test, f.entries[3].value & D, 0ULL);

	walk_init(&w, &f, test, &race_case);
	w.cmpxchg = fake_cmpxchg;
	f.cmpxchg_error = -ENXIO;
	KUNIT_EXPECT_EQ(test, walk_case_run(&w, &race_case), -EIO);
}

static struct kunit_case walk_tests[] = {
	KUNIT_CASE_PARAM(walk_table_test, walk_gen_params),
	KUNIT_CASE_PARAM(walk_accessed_test, walk_gen_params),
	KUNIT_CASE(walk_race_test),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "vmx_lite_walk",
	.test_cases = walk_tests,
};

kunit_test_suite(walk_suite);
