// SPDX-License-Identifier: GPL-2.0-only
/* An EPT that maps the first GiB to itself, and the arena in 4 KiB pages. */
#include "vmx.h"

#define PAGE __attribute__((aligned(PAGE_SIZE)))
#define RWX	7ull
#define WB_LEAF	(6ull << 3)
#define LARGE	(1ull << 7)
#define GIB_ENTRIES 512

static uint64_t ept_pml4[512] PAGE, ept_pdpt[512] PAGE, ept_pd[512] PAGE;
uint64_t ept_arena_pt[512] PAGE;

/* The EPT pointer, with accessed and dirty flags if asked for */
uint64_t ept_build(bool accessed_dirty)
{
	int i;

	ept_pml4[0] = (uint64_t)ept_pdpt | RWX;
	ept_pdpt[0] = (uint64_t)ept_pd | RWX;
	for (i = 0; i < GIB_ENTRIES; i++)
		ept_pd[i] = (uint64_t)i << 21 | LARGE | WB_LEAF | RWX;
	ept_pd[ARENA >> 21] = (uint64_t)ept_arena_pt | RWX;
	for (i = 0; i < 512; i++)
		ept_arena_pt[i] = (ARENA + i * PAGE_SIZE) | WB_LEAF | RWX;
	try_invept(2, 0, 0);
	return (uint64_t)ept_pml4 | 3 << 3 | 6 | (accessed_dirty ? 0x40 : 0);
}

uint64_t *ept_arena_entry(int page)
{
	return &ept_arena_pt[page];
}

uint64_t *ept_gib_entry(int i)
{
	return &ept_pdpt[i];
}

uint64_t *ept_directory_entry(int i)
{
	return &ept_pd[i];
}
