/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-level page tables (VT-d specification 3.7 and 9.8).
 *
 * Locking is the owner's choice. Shared: calls on ranges that do not overlap
 * may run at the same time without a lock, as the DMA API calls them; tables
 * that become empty piece by piece stay until a larger unmap covers them.
 * Exclusive: one call at a time; empty tables are counted and can be pruned.
 */
#ifndef IOMMU_LITE_PAGETABLE_H
#define IOMMU_LITE_PAGETABLE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#define IL_PTE_READ		BIT_ULL(0)
#define IL_PTE_WRITE		BIT_ULL(1)
#define IL_PTE_LARGE		BIT_ULL(7)
#define IL_PTE_SNOOP		BIT_ULL(11)
#define IL_PTE_ADDRESS		GENMASK_ULL(51, 12)

#define IL_PT_MAX_LEVELS	5

/**
 * struct il_pagetable - one translation, from IOVA to physical address
 * @root: highest table
 * @levels: of the whole tree, 3 to 5
 * @top: level that must stay reachable as a root of its own, 3 to @levels:
 *	units that walk fewer levels than the tree has start there
 * @leaf_levels: highest level of a leaf: 1 (4 KiB), 2 (2 MiB) or 3 (1 GiB)
 * @coherent: hardware snoops the CPU's caches when it walks
 * @exclusive: the owner serialises all calls
 * @node: NUMA node of new tables
 * @nr_tables: pages in the tree
 * @nr_empty: tables on @empty (exclusive only)
 * @empty: tables without an entry, by page->lru (exclusive only)
 */
struct il_pagetable {
	u64 *root;
	u8 levels;
	u8 top;
	u8 leaf_levels;
	bool coherent;
	bool exclusive;
	int node;
	atomic_long_t nr_tables;
	unsigned int nr_empty;
	struct list_head empty;
};

/**
 * struct il_reaper - what il_pt_reap() does with what it finds
 * @leaf: called for each leaf that has been detached; may be NULL
 * @freelist: receives table pages, by page->lru, to be freed after the flush
 * @bytes: sum of the leaves
 */
struct il_reaper {
	void (*leaf)(struct il_reaper *reaper, phys_addr_t phys, u64 size);
	struct list_head freelist;
	u64 bytes;
};

static inline u64 il_pt_span(unsigned int level)
{
	return 1ull << (12 + 9 * (level - 1));
}

/* Highest IOVA that a unit walking @top levels can translate */
static inline u64 il_pt_last(const struct il_pagetable *pt)
{
	return (il_pt_span(pt->top) << 9) - 1;
}

int il_pt_init(struct il_pagetable *pt);
void il_pt_destroy(struct il_pagetable *pt);
phys_addr_t il_pt_root(const struct il_pagetable *pt, unsigned int levels);
int il_pt_map(struct il_pagetable *pt, u64 iova, phys_addr_t phys, u64 size,
	      u64 bits, gfp_t gfp, u64 *mapped);
int il_pt_detach(struct il_pagetable *pt, u64 iova, u64 size);
void il_pt_reap(struct il_pagetable *pt, u64 iova, u64 size,
		struct il_reaper *reaper);
u64 il_pt_take(struct il_pagetable *pt, u64 iova, u64 size, u64 *bytes);
void il_pt_prune(struct il_pagetable *pt, struct list_head *freelist);
void il_pt_free_list(struct list_head *freelist);
u64 il_pt_lookup(const struct il_pagetable *pt, u64 iova, u64 *size);

static inline void il_reaper_init(struct il_reaper *reaper)
{
	reaper->leaf = NULL;
	INIT_LIST_HEAD(&reaper->freelist);
	reaper->bytes = 0;
}

#endif
