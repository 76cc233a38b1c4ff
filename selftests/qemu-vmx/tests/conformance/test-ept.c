// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT: violations, misconfigurations, accessed and dirty flags (SDM volume 3,
 * 29.3), PDPTEs (27.3.1.6), and unrestricted guests (25.6.2).
 */
#include "guest.h"
#include "vmx.h"

#define PRESENT		3ull
#define ACCESSED	0x20ull
#define DIRTY		0x40ull
#define EPT_ACCESSED	0x100ull
#define EPT_DIRTY	0x200ull
#define PAGE_NUMBER	5		/* in the arena */
#define TARGET		(ARENA + PAGE_NUMBER * PAGE_SIZE + 0x18)
/* The guest's own page tables, in the arena too */
#define TABLES		16
#define TABLE(i)	(ARENA + (TABLES + (i)) * PAGE_SIZE)
/* A linear address that only they map, to TARGET's page */
#define LINEAR		0x7f0000000000ul
#define REAL_CODE	0x8000ul
#define REAL_VECTORS	0x6000ul

enum access { LOAD, STORE, MODIFY, FETCH };

static void (*const code[])(void) = { g_load, g_store, g_modify, g_fetch };

static void setup(enum access access, uint64_t addr, bool accessed_dirty)
{
	baseline(code[access]);
	enable(0, 0, PROC2_EPT);
	set(VMCS_EPTP, ept_build(accessed_dirty));
	regs.rsi = addr;
	regs.rdi = addr;
}

static void write_target(uint64_t val)
{
	*(volatile uint64_t *)TARGET = val;
}

/* One leaf entry, and the access that it must stop */
static void test_violations(void)
{
	static const struct {
		const char *name;
		enum access access;
		uint64_t rights;
		uint64_t qualification, mask;
	} cases[] = {
		{ "EPT: read of nothing", LOAD, 0, 0x181, 0x1ff },
		{ "EPT: write to nothing", STORE, 0, 0x182, 0x1ff },
		{ "EPT: fetch from nothing", FETCH, 0, 0x184, 0x1ff },
		{ "EPT: write to a read-only page", STORE, 1, 0x18a, 0x1ff },
		{ "EPT: write to read and execute", STORE, 5, 0x1aa, 0x1ff },
		{ "EPT: fetch from read and write", FETCH, 3, 0x19c, 0x1ff },
		{ "EPT: read-modify-write of a read-only page", MODIFY, 1, 0x18a,
		  0x1fe },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vm_exit e;

		setup(cases[i].access, TARGET, false);
		*ept_arena_entry(PAGE_NUMBER) &= ~7ull;
		*ept_arena_entry(PAGE_NUMBER) |= cases[i].rights;
		e = run();
		report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
			    (e.qualification & cases[i].mask) ==
			    cases[i].qualification &&
			    e.physical == TARGET && e.linear == TARGET &&
			    !(e.vectoring >> 31), cases[i].name, &e);
	}
}

static void test_allowed(void)
{
	struct vm_exit e;

	setup(LOAD, TARGET, false);
	write_target(0x1122334455667788);
	*ept_arena_entry(PAGE_NUMBER) &= ~6ull;
	e = run();
	report_exit(guest_done(&e) && regs.rax == 0x1122334455667788,
		    "EPT: read of a read-only page", &e);
	setup(STORE, TARGET, false);
	/* another page behind the same guest-physical address */
	*ept_arena_entry(PAGE_NUMBER) = (ARENA + 7 * PAGE_SIZE) | 6 << 3 | 7;
	write_target(0);
	regs.rax = 0x77;
	e = run();
	report_exit(guest_done(&e) && *(volatile uint64_t *)(ARENA + 7 *
		    PAGE_SIZE + 0x18) == 0x77 &&
		    !*(volatile uint64_t *)TARGET, "EPT translates", &e);
	if (ept_vpid_capability() & 1) {
		setup(FETCH, TARGET, false);
		write_target(0x90c1010f);	/* VMCALL */
		*ept_arena_entry(PAGE_NUMBER) &= ~3ull;
		e = run();
		report_exit(!e.entered && e.reason == EXIT_REASON_VMCALL &&
			    e.rip == TARGET, "EPT: fetch from an execute-only page",
			    &e);
		setup(LOAD, TARGET, false);
		*ept_arena_entry(PAGE_NUMBER) &= ~3ull;
		e = run();
		report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
			    (e.qualification & 0x1ff) == 0x1a1,
			    "EPT: read of an execute-only page", &e);
	} else {
		skip("EPT: execute-only pages", "not there");
	}
}

/*
 * Walks of the guest's page tables
 */

/* 4-level tables in the arena: LINEAR, and the first GiB to itself */
static void build_guest_tables(void)
{
	volatile uint64_t *pml4 = (void *)TABLE(0);
	volatile uint64_t *low = (void *)TABLE(1);
	volatile uint64_t *pdpt = (void *)TABLE(2);
	volatile uint64_t *pd = (void *)TABLE(3);
	volatile uint64_t *pt = (void *)TABLE(4);
	volatile uint64_t *low_pd = (void *)TABLE(5);
	int i;

	for (i = 0; i < 512; i++) {
		pml4[i] = 0;
		low[i] = 0;
		pdpt[i] = 0;
		pd[i] = 0;
		pt[i] = 0;
		low_pd[i] = (uint64_t)i << 21 | 0x80 | ACCESSED | DIRTY | PRESENT;
	}
	pml4[0] = TABLE(1) | ACCESSED | PRESENT;
	low[0] = TABLE(5) | ACCESSED | PRESENT;
	pml4[LINEAR >> 39 & 511] = TABLE(2) | ACCESSED | PRESENT;
	pdpt[0] = TABLE(3) | ACCESSED | PRESENT;
	pd[0] = TABLE(4) | ACCESSED | PRESENT;
	pt[0] = (TARGET & ~0xfffull) | ACCESSED | DIRTY | PRESENT;
}

static void setup_tables(enum access access, bool accessed_dirty)
{
	setup(access, LINEAR + 0x18, accessed_dirty);
	build_guest_tables();
	set(VMCS_GUEST_CR3, TABLE(0));
}

/* 2 MiB and 1 GiB pages, other memory than without EPT */
static void test_large_pages(void)
{
	struct vm_exit e;

	setup(LOAD, 2 * ARENA + 0x12318, false);
	*(volatile uint64_t *)(ARENA + 0x12318) = 0x2222;
	*ept_directory_entry(2 * ARENA >> 21) = ARENA | 0x80 | 6 << 3 | 7;
	e = run();
	report_exit(guest_done(&e) && regs.rax == 0x2222, "EPT: a 2 MiB page", &e);
	if (!(ept_vpid_capability() >> 17 & 1)) {
		skip("EPT: a 1 GiB page", "not there");
		return;
	}
	setup_tables(LOAD, false);
	/* linear to the second GiB, which shows the first */
	*(volatile uint64_t *)TABLE(4) = ((TARGET & ~0xfffull) + (1ull << 30)) |
					 ACCESSED | DIRTY | PRESENT;
	*ept_gib_entry(1) = 0x80 | 6 << 3 | 7;
	write_target(0x3333);
	e = run();
	*ept_gib_entry(1) = 0;
	report_exit(guest_done(&e) && regs.rax == 0x3333, "EPT: a 1 GiB page", &e);
}

/* Entries that are wrong in themselves: the change is to the leaf or its table */
static void test_misconfigurations(void)
{
	static const struct {
		const char *name;
		bool directory;
		uint64_t set, clear;
	} cases[] = {
		{ "EPT misconfiguration: write without read", false, 0, 1 },
		{ "EPT misconfiguration: write and execute without read", false,
		  4, 1 },
		{ "EPT misconfiguration: memory type 2", false, 2 << 3, 7 << 3 },
		{ "EPT misconfiguration: memory type 7", false, 7 << 3, 0 },
		{ "EPT misconfiguration: address beyond physical addresses",
		  false, 1ull << 51, 0 },
		{ "EPT misconfiguration: reserved bits of a table's entry", true,
		  1 << 3, 0 },
		{ "EPT misconfiguration: unaligned 2 MiB page", true,
		  1 << 7 | 6 << 3 | 0x1000, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vm_exit e;
		uint64_t *entry = ept_arena_entry(PAGE_NUMBER);

		if (cases[i].directory)
			entry = ept_directory_entry(ARENA >> 21);
		setup(LOAD, TARGET, false);
		*entry = (*entry & ~cases[i].clear) | cases[i].set;
		e = run();
		report_exit(!e.entered && e.reason == EXIT_REASON_EPT_MISCONFIG &&
			    e.physical == TARGET, cases[i].name, &e);
	}
}

/* What changes in EPT counts after INVEPT */
static void test_invalidation(void)
{
	struct vm_exit e;

	setup(LOAD, TARGET, false);
	if (control_allowed(MSR_VMX_PROC2, PROC2_EPT | PROC2_VPID)) {
		enable(0, 0, PROC2_VPID);
		set(VMCS_VPID, 7);
	}
	e = run();
	report_exit(guest_done(&e), "EPT: read of a page", &e);
	*ept_arena_entry(PAGE_NUMBER) &= ~7ull;
	try_invept(1, get(VMCS_EPTP), 0);
	set(VMCS_GUEST_RIP, (uint64_t)g_load);
	e = resume();
	report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT,
		    "EPT: the page is gone after INVEPT", &e);
	/* a violation leaves nothing cached: no INVEPT */
	*ept_arena_entry(PAGE_NUMBER) |= 7;
	e = resume();
	report_exit(guest_done(&e), "EPT: the page is back without INVEPT", &e);
}

static void test_accessed_dirty(void)
{
	uint64_t flags = EPT_ACCESSED | EPT_DIRTY;
	struct vm_exit e;

	if (!(ept_vpid_capability() >> 21 & 1)) {
		skip("EPT accessed and dirty flags", "not there");
		return;
	}
	setup(LOAD, TARGET, true);
	e = run();
	report_exit(guest_done(&e) &&
		    (*ept_arena_entry(PAGE_NUMBER) & flags) == EPT_ACCESSED &&
		    (*ept_directory_entry(ARENA >> 21) & EPT_ACCESSED),
		    "EPT: a read sets accessed", &e);
	set(VMCS_GUEST_RIP, (uint64_t)g_store);
	e = resume();
	report_exit(guest_done(&e) &&
		    (*ept_arena_entry(PAGE_NUMBER) & flags) == flags,
		    "EPT: a write then sets dirty", &e);
	setup(STORE, TARGET, false);
	e = run();
	report_exit(guest_done(&e) && !(*ept_arena_entry(PAGE_NUMBER) & flags),
		    "EPT: no flags without bit 6 of the EPT pointer", &e);
}

static void test_walks(void)
{
	volatile uint64_t *pt = (void *)TABLE(4);
	const uint64_t entry_addr = TABLE(4);
	struct vm_exit e;

	setup_tables(LOAD, false);
	write_target(0x99);
	e = run();
	report_exit(guest_done(&e) && regs.rax == 0x99,
		    "EPT: guest page tables are walked", &e);

	setup_tables(LOAD, false);
	*ept_arena_entry(TABLES + 4) &= ~7ull;
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
		    (e.qualification & 0x1f9) == 0x081 &&
		    e.physical == entry_addr && e.linear == LINEAR + 0x18,
		    "EPT: a page table that is not there", &e);

	setup_tables(LOAD, false);
	*ept_arena_entry(TABLES + 4) &= ~2ull;
	e = run();
	report_exit(guest_done(&e),
		    "EPT: a read-only page table, flags set already", &e);

	setup_tables(LOAD, false);
	*ept_arena_entry(TABLES + 4) &= ~2ull;
	pt[0] &= ~ACCESSED;
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
		    (e.qualification & 0x1ba) == 0x0aa &&
		    e.physical == entry_addr && e.linear == LINEAR + 0x18 &&
		    !(pt[0] & ACCESSED),
		    "EPT: accessed flag in a read-only page table", &e);

	setup_tables(STORE, false);
	*ept_arena_entry(TABLES + 4) &= ~2ull;
	pt[0] &= ~DIRTY;
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
		    (e.qualification & 0x1ba) == 0x0aa &&
		    e.physical == entry_addr && !(pt[0] & DIRTY),
		    "EPT: dirty flag in a read-only page table", &e);

	setup_tables(STORE, false);
	pt[0] &= ~(ACCESSED | DIRTY);
	e = run();
	report_exit(guest_done(&e) && (pt[0] & (ACCESSED | DIRTY)) ==
		    (ACCESSED | DIRTY),
		    "guest page tables get accessed and dirty flags", &e);

	setup_tables(LOAD, false);
	pt[0] = 0;
	e = run();
	report_exit(guest_fault(&e) == 14, "a guest page fault stays in the guest",
		    &e);
	if (!(ept_vpid_capability() >> 21 & 1))
		return;
	setup_tables(LOAD, true);
	*ept_arena_entry(TABLES + 4) &= ~2ull;
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
		    (e.qualification & 0x1bb) == 0x0ab &&
		    e.physical == entry_addr,
		    "EPT: walks are writes with accessed and dirty flags", &e);
}

/* Delivery of an event runs into EPT: it is vectoring information */
static void test_vectoring(void)
{
	struct vm_exit e;

	setup(LOAD, TARGET, false);
	set(VMCS_GUEST_IDTR_BASE, TARGET & ~0xfffull);
	*ept_arena_entry(PAGE_NUMBER) &= ~7ull;
	set(VMCS_ENTRY_INTR_INFO, 0x80000b0d);
	set(VMCS_ENTRY_EXCEPTION_ERROR, 0x18);
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
		    e.vectoring == 0x80000b0d && e.vectoring_error == 0x18 &&
		    (e.qualification & 0x1ff) == 0x181,
		    "EPT: violation while an event is delivered", &e);
}

/*
 * PAE: PDPTEs come from the VMCS at entry, and from memory at MOV to CR3
 */
static void setup_pae(void (*start)(void))
{
	volatile uint64_t *directory = (void *)TABLE(8);
	int i;

	baseline(start);
	enable(0, 0, PROC2_EPT);
	set(VMCS_EPTP, ept_build(false));
	for (i = 0; i < 512; i++)
		directory[i] = (uint64_t)i << 21 | 0x80 | PRESENT;
	/* the 2 MiB at 0x3fe00000 show the arena */
	directory[511] = ARENA | 0x80 | PRESENT;
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) & ~ENTRY_IA32E);
	set(VMCS_GUEST_CS_SELECTOR, 0x18);
	set(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
	set(VMCS_GUEST_CR3, TABLE(9));
	set(VMCS_GUEST_PDPTE0, TABLE(8) | 1);
	set(VMCS_GUEST_PDPTE1, 0);
	set(VMCS_GUEST_PDPTE2, 0);
	set(VMCS_GUEST_PDPTE3, 0);
	regs.rsi = 0x3fe00000 + (TARGET - ARENA);
}

static void test_pdptes(void)
{
	volatile uint64_t *pdpt = (void *)TABLE(9);
	struct vm_exit e;
	int i;

	for (i = 0; i < 4; i++)
		pdpt[i] = 0;
	setup_pae(g_pae_load);
	write_target(0x4321);
	e = run();
	report_exit(guest_done(&e) && (uint32_t)regs.rax == 0x4321 && !pdpt[0],
		    "PAE: PDPTEs come from the VMCS", &e);
	report_values(get(VMCS_GUEST_PDPTE0) == (TABLE(8) | 1),
		      "PAE: PDPTEs are saved", TABLE(8) | 1,
		      get(VMCS_GUEST_PDPTE0));

	if (control_default(MSR_VMX_PROC) & PROC_CR3_LOAD) {
		skip("PAE: MOV to CR3", "always exits");
		return;
	}
	setup_pae(g_pae_set_cr3);
	pdpt[0] = TABLE(8) | 1;
	pdpt[1] = 0;
	regs.rax = TABLE(9);
	e = run();
	report_exit(guest_done(&e) && (uint32_t)regs.rax == 0x4321 &&
		    pdpt[0] == (TABLE(8) | 1),
		    "PAE: MOV to CR3 loads the PDPTEs", &e);
	setup_pae(g_pae_set_cr3);
	pdpt[1] = TABLE(8) | 7;
	regs.rax = TABLE(9);
	/* without an IDT the fault ends in a triple fault */
	set(VMCS_GUEST_IDTR_LIMIT, 0);
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_TRIPLE_FAULT,
		    "PAE: MOV to CR3 refuses reserved bits in a PDPTE", &e);
	setup_pae(g_pae_set_cr3);
	pdpt[1] = 0;
	*ept_arena_entry(TABLES + 9) &= ~7ull;
	regs.rax = TABLE(9);
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_EPT_FAULT &&
		    (e.qualification & 0x81) == 1 && e.physical >= TABLE(9) &&
		    e.physical < TABLE(9) + 32,
		    "PAE: PDPTEs that EPT does not map", &e);
	setup_pae(g_pae_load);
	set(VMCS_GUEST_PDPTE2, 0x1e7);
	e = run();
	report_exit(!e.entered && e.reason == FAILED_ENTRY &&
		    e.qualification == 2, "PAE: reserved bits in a PDPTE field",
		    &e);
}

/*
 * Real mode
 */
static void test_real_mode(void)
{
	volatile uint16_t *vectors = (void *)REAL_VECTORS;
	volatile uint8_t *to = (void *)REAL_CODE;
	struct vm_exit e;
	int i;

	if (!control_allowed(MSR_VMX_PROC2, PROC2_EPT | PROC2_UNRESTRICTED)) {
		skip("real mode", "no unrestricted guest");
		return;
	}
	for (i = 0; i < real_code_end - real_code; i++)
		to[i] = real_code[i];
	/* INT 21h leads to the VMCALL of the code */
	vectors[0x42] = real_code_end - real_code - 3;
	vectors[0x43] = REAL_CODE >> 4;
	baseline((void (*)(void))0);
	enable(0, 0, PROC2_EPT | PROC2_UNRESTRICTED);
	set(VMCS_EPTP, ept_build(false));
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) & ~ENTRY_IA32E);
	set(VMCS_GUEST_CR0, 0x30);
	set(VMCS_GUEST_CR4, 0x2000);
	for (i = 0; i < 6; i++) {
		set(VMCS_GUEST_ES_SELECTOR + 2 * i, 0);
		set(VMCS_GUEST_ES_BASE + 2 * i, 0);
		set(VMCS_GUEST_ES_LIMIT + 2 * i, 0xffff);
		set(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * i, i == 1 ? 0x9b : 0x93);
	}
	set(VMCS_GUEST_CS_SELECTOR, REAL_CODE >> 4);
	set(VMCS_GUEST_CS_BASE, REAL_CODE);
	set(VMCS_GUEST_IDTR_BASE, REAL_VECTORS);
	set(VMCS_GUEST_IDTR_LIMIT, 0x3ff);
	set(VMCS_GUEST_RSP, 0x7000);
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_VMCALL &&
		    regs.rbx == 0x1234 && get(VMCS_GUEST_DS_BASE) == 0x12340 &&
		    get(VMCS_GUEST_RSP) == 0x7000 - 6,
		    "real mode: segments and INT", &e);
}

void test_ept(void)
{
	if (!control_allowed(MSR_VMX_PROC2, PROC2_EPT)) {
		skip("EPT", "not there");
		return;
	}
	test_violations();
	test_allowed();
	test_large_pages();
	test_misconfigurations();
	test_invalidation();
	test_accessed_dirty();
	test_walks();
	test_vectoring();
	test_pdptes();
	test_real_mode();
}
