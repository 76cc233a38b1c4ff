// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level page tables, see pagetable.h.
 *
 * Unmapping has two steps, with the owner's flush between or after them.
 * Detaching takes permissions from the highest entry that lies wholly inside
 * the range, so that a gigabyte may go with one write, but keeps the entry's
 * address. Reaping finds what hangs there, hands out leaves and table pages
 * and clears the entry.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/cacheflush.h>

#include "compat.h"
#include "pagetable.h"

#define PTE_PRESENT	(IL_PTE_READ | IL_PTE_WRITE)
/* Hardware ignores bits 61:52 (VT-d specification 9.8) */
#define PTE_DETACHED	BIT_ULL(52)

#define TABLE_ENTRIES	512u

static unsigned int entry_index(u64 iova, unsigned int level)
{
	return iova >> (12 + 9 * (level - 1)) & (TABLE_ENTRIES - 1);
}

static bool entry_is_leaf(u64 pte, unsigned int level)
{
	return level == 1 || pte & IL_PTE_LARGE;
}

static u64 *entry_table(u64 pte)
{
	return phys_to_virt(pte & IL_PTE_ADDRESS);
}

/* Entries are written with their cache lines where walks do not snoop */
static void sync_entries(const struct il_pagetable *pt, u64 *first,
			 unsigned int count)
{
	if (!pt->coherent)
		clflush_cache_range(first, count * sizeof(*first));
}

/*
 * In an exclusive tree a table page carries its number of entries and its
 * place: page->private and page->index.
 */
static unsigned long table_count(struct page *page)
{
	return page_private(page) >> 4;
}

static unsigned int table_level(struct page *page)
{
	return page_private(page) & 15;
}

static void count_entries(struct il_pagetable *pt, u64 *table, long change)
{
	struct page *page = virt_to_page(table);

	if (!pt->exclusive)
		return;
	set_page_private(page, page_private(page) + change * 16);
	if (!list_empty(&page->lru)) {
		list_del_init(&page->lru);
		pt->nr_empty--;
	}
	if (!table_count(page) && table_level(page) < pt->top) {
		list_add_tail(&page->lru, &pt->empty);
		pt->nr_empty++;
	}
}

static u64 *alloc_table(struct il_pagetable *pt, u64 iova, unsigned int level,
			gfp_t gfp)
{
	struct page *page = alloc_pages_node(pt->node, gfp | __GFP_ZERO, 0);

	if (!page)
		return NULL;
	il_account_table(page, 1);
	INIT_LIST_HEAD(&page->lru);
	page->index = iova >> PAGE_SHIFT;
	set_page_private(page, level);
	atomic_long_inc(&pt->nr_tables);
	sync_entries(pt, page_address(page), TABLE_ENTRIES);
	return page_address(page);
}

/* Off the tree, onto a list; il_pt_free_list() gives the page back */
static void retire_table(struct il_pagetable *pt, u64 *table,
			 struct list_head *freelist)
{
	struct page *page = virt_to_page(table);

	if (pt->exclusive && !list_empty(&page->lru)) {
		list_del_init(&page->lru);
		pt->nr_empty--;
	}
	set_page_private(page, 0);
	page->index = 0;
	atomic_long_dec(&pt->nr_tables);
	list_add_tail(&page->lru, freelist);
}

/**
 * il_pt_free_list() - free table pages that no hardware can reach any more
 * @freelist: pages by page->lru; empty afterwards
 *
 * Any context.
 */
void il_pt_free_list(struct list_head *freelist)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, freelist, lru) {
		list_del(&page->lru);
		il_account_table(page, -1);
		__free_page(page);
	}
}

/**
 * il_pt_init() - make an empty tree
 * @pt: with @levels, @top, @leaf_levels, @coherent, @exclusive and @node set
 *
 * The tables down to level @top are made here and stay: entry 0 of each leads
 * to the root of units that walk fewer levels. May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int il_pt_init(struct il_pagetable *pt)
{
	unsigned int level;
	u64 *table, *next;

	atomic_long_set(&pt->nr_tables, 0);
	pt->nr_empty = 0;
	INIT_LIST_HEAD(&pt->empty);
	pt->root = alloc_table(pt, 0, pt->levels, GFP_KERNEL_ACCOUNT);
	if (!pt->root)
		return -ENOMEM;
	for (table = pt->root, level = pt->levels; level > pt->top; level--) {
		next = alloc_table(pt, 0, level - 1, GFP_KERNEL_ACCOUNT);
		if (!next) {
			il_pt_destroy(pt);
			return -ENOMEM;
		}
		table[0] = virt_to_phys(next) | PTE_PRESENT;
		sync_entries(pt, table, 1);
		count_entries(pt, table, 1);
		table = next;
	}
	return 0;
}

/**
 * il_pt_root() - where a unit that walks so many levels starts
 * @pt: the tree
 * @levels: @pt->top to @pt->levels
 *
 * Return: physical address of the table of that level for IOVA 0.
 */
phys_addr_t il_pt_root(const struct il_pagetable *pt, unsigned int levels)
{
	u64 *table = pt->root;
	unsigned int level;

	for (level = pt->levels; level > levels; level--)
		table = entry_table(table[0]);
	return virt_to_phys(table);
}

/* The table below an entry, made if the entry is empty */
static u64 *next_table(struct il_pagetable *pt, u64 *table, u64 *entry,
		       u64 iova, unsigned int level, gfp_t gfp)
{
	u64 pte = READ_ONCE(*entry), mine, *next;

	if (!pte) {
		next = alloc_table(pt, iova & ~(il_pt_span(level) - 1),
				   level - 1, gfp);
		if (!next)
			return ERR_PTR(-ENOMEM);
		mine = virt_to_phys(next) | PTE_PRESENT;
		pte = cmpxchg64(entry, 0ull, mine);
		if (!pte) {
			sync_entries(pt, entry, 1);
			count_entries(pt, table, 1);
			count_entries(pt, next, 0);
			return next;
		}
		/* Another mapper of this tree was faster: take its table */
		il_account_table(virt_to_page(next), -1);
		atomic_long_dec(&pt->nr_tables);
		free_page((unsigned long)next);
	}
	if (entry_is_leaf(pte, level))
		return ERR_PTR(-EEXIST);
	return entry_table(pte);
}

static unsigned int leaf_level(const struct il_pagetable *pt, u64 iova,
			       phys_addr_t phys, u64 size)
{
	unsigned int level;

	for (level = pt->leaf_levels; level > 1; level--)
		if (!((iova | phys) & (il_pt_span(level) - 1)) &&
		    size >= il_pt_span(level))
			break;
	return level;
}

/* One run of leaves inside one table; returns how many or -errno */
static int map_run(struct il_pagetable *pt, u64 iova, phys_addr_t phys,
		   u64 size, u64 bits, gfp_t gfp, u64 *span)
{
	unsigned int want = leaf_level(pt, iova, phys, size), level, count, i;
	u64 *table = pt->root, *entry, pte;

	for (level = pt->levels;; level--) {
		entry = table + entry_index(iova, level);
		/* A table of smaller pages may be here: then use those */
		if (level <= want && (level == 1 || !READ_ONCE(*entry)))
			break;
		table = next_table(pt, table, entry, iova, level, gfp);
		if (IS_ERR(table))
			return PTR_ERR(table);
	}
	*span = il_pt_span(level);
	count = min_t(u64, TABLE_ENTRIES - entry_index(iova, level),
		      size / *span);
	pte = phys | bits | (level > 1 ? IL_PTE_LARGE : 0);
	for (i = 0; i < count && !entry[i]; i++, pte += *span)
		WRITE_ONCE(entry[i], pte);
	if (!i)
		return -EEXIST;
	sync_entries(pt, entry, i);
	count_entries(pt, table, i);
	return i;
}

/**
 * il_pt_map() - map a run of physical memory with the largest pages it allows
 * @pt: the tree
 * @iova: first address, a multiple of 4096; the run must not pass il_pt_last()
 * @phys: physical address, a multiple of 4096
 * @size: bytes, a multiple of 4096, not 0
 * @bits: IL_PTE_READ, IL_PTE_WRITE (one of them at least), IL_PTE_SNOOP
 * @gfp: for tables
 * @mapped: bytes that are mapped when it returns, error or not
 *
 * The caller invalidates where units cache non-present entries. Sleeps only if
 * @gfp does.
 *
 * Return: 0; -EEXIST where something is mapped there; -ENOMEM.
 */
int il_pt_map(struct il_pagetable *pt, u64 iova, phys_addr_t phys, u64 size,
	      u64 bits, gfp_t gfp, u64 *mapped)
{
	u64 span;
	int done;

	*mapped = 0;
	while (*mapped < size) {
		done = map_run(pt, iova + *mapped, phys + *mapped,
			       size - *mapped, bits, gfp, &span);
		if (done < 0)
			return done;
		*mapped += done * span;
	}
	return 0;
}

/* A large leaf whose half is to go becomes a table of smaller ones */
static u64 *split_leaf(struct il_pagetable *pt, u64 *entry, u64 iova,
		       unsigned int level)
{
	u64 pte = *entry, span = il_pt_span(level - 1);
	u64 *table = alloc_table(pt, iova & ~(il_pt_span(level) - 1),
				 level - 1, GFP_ATOMIC);
	unsigned int i;

	if (!table)
		return NULL;
	if (level - 1 == 1)
		pte &= ~IL_PTE_LARGE;
	for (i = 0; i < TABLE_ENTRIES; i++)
		table[i] = pte + i * span;
	sync_entries(pt, table, TABLE_ENTRIES);
	WRITE_ONCE(*entry, virt_to_phys(table) | PTE_PRESENT);
	sync_entries(pt, entry, 1);
	count_entries(pt, table, TABLE_ENTRIES);
	return table;
}

static int detach_in(struct il_pagetable *pt, u64 *table, unsigned int level,
		     u64 first, u64 last)
{
	u64 span = il_pt_span(level), at, stop, pte, *entry, *dirty = NULL;
	unsigned int dirty_count = 0;
	u64 *below;
	int ret = 0;

	for (at = first;; at = stop + 1) {
		stop = min(last, at | (span - 1));
		entry = table + entry_index(at, level);
		pte = READ_ONCE(*entry);
		if (!(pte & PTE_PRESENT))
			goto next;
		if (!(at & (span - 1)) && stop - at == span - 1 &&
		    level <= pt->top) {
			WRITE_ONCE(*entry, (pte & ~PTE_PRESENT) | PTE_DETACHED);
			if (!dirty)
				dirty = entry;
			dirty_count = entry - dirty + 1;
			goto next;
		}
		below = entry_is_leaf(pte, level) ?
			split_leaf(pt, entry, at, level) : entry_table(pte);
		ret = below ? detach_in(pt, below, level - 1, at, stop) :
			      -ENOMEM;
next:
		if (ret || stop == last)
			break;
	}
	if (dirty)
		sync_entries(pt, dirty, dirty_count);
	return ret;
}

/**
 * il_pt_detach() - first step of an unmap: hardware loses sight of a range
 * @pt: the tree
 * @iova: first address, a multiple of 4096
 * @size: bytes, a multiple of 4096, not 0
 *
 * Whatever happens, il_pt_reap() of the same range has to follow. Does not
 * sleep.
 *
 * Return: 0; -ENOMEM where a large page had to be split and could not: a part
 * of the range is then still mapped.
 */
int il_pt_detach(struct il_pagetable *pt, u64 iova, u64 size)
{
	return detach_in(pt, pt->root, pt->levels, iova, iova + size - 1);
}

static void reap_leaf(struct il_reaper *reaper, u64 pte, unsigned int level)
{
	u64 span = il_pt_span(level);

	reaper->bytes += span;
	if (reaper->leaf)
		reaper->leaf(reaper, pte & IL_PTE_ADDRESS & ~(span - 1), span);
}

/* A table that hangs on a detached entry: everything in it goes */
static void reap_tree(struct il_pagetable *pt, u64 *table, unsigned int level,
		      struct il_reaper *reaper)
{
	unsigned int i;

	for (i = 0; i < TABLE_ENTRIES; i++) {
		u64 pte = table[i];

		if (!pte)
			continue;
		if (entry_is_leaf(pte, level))
			reap_leaf(reaper, pte, level);
		else
			reap_tree(pt, entry_table(pte), level - 1, reaper);
	}
	retire_table(pt, table, &reaper->freelist);
}

static void reap_in(struct il_pagetable *pt, u64 *table, unsigned int level,
		    u64 first, u64 last, struct il_reaper *reaper)
{
	u64 span = il_pt_span(level), at, stop, pte, *entry;
	long gone = 0;

	for (at = first;; at = stop + 1) {
		stop = min(last, at | (span - 1));
		entry = table + entry_index(at, level);
		pte = READ_ONCE(*entry);
		if (pte & PTE_DETACHED) {
			if (entry_is_leaf(pte, level))
				reap_leaf(reaper, pte, level);
			else
				reap_tree(pt, entry_table(pte), level - 1,
					  reaper);
			WRITE_ONCE(*entry, 0);
			gone++;
		} else if (pte && !entry_is_leaf(pte, level)) {
			reap_in(pt, entry_table(pte), level - 1, at, stop,
				reaper);
		}
		if (stop == last)
			break;
	}
	if (gone)
		count_entries(pt, table, -gone);
}

/**
 * il_pt_reap() - second step of an unmap: collect what has been detached
 * @pt: the tree
 * @iova: as given to il_pt_detach()
 * @size: as given to il_pt_detach()
 * @reaper: initialised by il_reaper_init(), @leaf set where wanted
 *
 * The table pages on @reaper->freelist and the memory of the leaves may be
 * reused only after the flush, which may come before or after this call. Does
 * not sleep.
 */
void il_pt_reap(struct il_pagetable *pt, u64 iova, u64 size,
		struct il_reaper *reaper)
{
	reap_in(pt, pt->root, pt->levels, iova, iova + size - 1, reaper);
}

/**
 * il_pt_take() - unmap a range that lies in one table of 4 KiB pages
 * @pt: the tree
 * @iova: first address, a multiple of 4096
 * @size: bytes, a multiple of 4096, not 0
 * @bytes: what was mapped
 *
 * The short way of il_pt_detach() and il_pt_reap() for most buffers. The flush
 * has to follow. Does not sleep.
 *
 * Return: one of the leaves, 0 where there was none; or ~0 with nothing done
 * where the range needs the long way.
 */
u64 il_pt_take(struct il_pagetable *pt, u64 iova, u64 size, u64 *bytes)
{
	u64 *table = pt->root, pte, leaf = 0;
	unsigned int level, count, i;
	long gone = 0;

	*bytes = 0;
	if ((iova ^ (iova + size - 1)) >> 21 || size == il_pt_span(2))
		return ~0ull;
	for (level = pt->levels; level > 1; level--) {
		pte = READ_ONCE(table[entry_index(iova, level)]);
		if (!pte)
			return 0;
		if (entry_is_leaf(pte, level))
			return ~0ull;
		table = entry_table(pte);
	}
	table += entry_index(iova, 1);
	count = size >> PAGE_SHIFT;
	for (i = 0; i < count; i++) {
		if (!table[i])
			continue;
		leaf = table[i];
		WRITE_ONCE(table[i], 0);
		gone++;
	}
	*bytes = (u64)gone << PAGE_SHIFT;
	sync_entries(pt, table, count);
	count_entries(pt, table, -gone);
	return leaf;
}

/**
 * il_pt_prune() - take the empty tables out of an exclusive tree
 * @pt: the tree
 * @freelist: receives them, to be freed after a flush of the whole domain
 *
 * Parents that become empty by it go too. Does not sleep.
 */
void il_pt_prune(struct il_pagetable *pt, struct list_head *freelist)
{
	struct page *page;
	unsigned int level;
	u64 iova, *table, *entry;

	while (!list_empty(&pt->empty)) {
		page = list_first_entry(&pt->empty, struct page, lru);
		iova = (u64)page->index << PAGE_SHIFT;
		table = pt->root;
		for (level = pt->levels; level > table_level(page) + 1; level--)
			table = entry_table(table[entry_index(iova, level)]);
		entry = table + entry_index(iova, level);
		WRITE_ONCE(*entry, 0);
		sync_entries(pt, entry, 1);
		retire_table(pt, page_address(page), freelist);
		count_entries(pt, table, -1);
	}
}

/**
 * il_pt_lookup() - find the leaf that translates an address
 * @pt: the tree
 * @iova: 0..il_pt_last()
 * @size: bytes the leaf covers, or where there is none, bytes from the
 *	beginning of the hole's entry
 *
 * Any context, also while other ranges change.
 *
 * Return: the leaf's entry, or 0.
 */
u64 il_pt_lookup(const struct il_pagetable *pt, u64 iova, u64 *size)
{
	u64 *table = pt->root, pte;
	unsigned int level;

	for (level = pt->levels;; level--) {
		pte = READ_ONCE(table[entry_index(iova, level)]);
		*size = il_pt_span(level);
		if (!(pte & PTE_PRESENT))
			return 0;
		if (entry_is_leaf(pte, level))
			return pte;
		table = entry_table(pte);
	}
}

/**
 * il_pt_destroy() - free the whole tree
 * @pt: no unit may reach it any more
 */
void il_pt_destroy(struct il_pagetable *pt)
{
	struct il_reaper reaper;

	il_reaper_init(&reaper);
	if (pt->root)
		reap_tree(pt, pt->root, pt->levels, &reaper);
	il_pt_free_list(&reaper.freelist);
	pt->root = NULL;
}
