// SPDX-License-Identifier: GPL-2.0-only
/*
 * The extended page table (SDM vol. 3, 29.3).
 *
 * CPUs read the table, and set accessed and dirty bits in it, while it
 * changes.  Hence a present entry is only ever changed by an atomic
 * instruction, and a table only linked once it is filled.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <linux/vmx_lite.h>

#include "ept.h"

#define EPT_ENTRIES	512

/* EPT pointer (SDM vol. 3, 25.6.11) */
#define EPTP_TYPE_WB	6ULL
#define EPTP_WALK_4	(3ULL << 3)
#define EPTP_AD		BIT_ULL(6)

static bool ept_present(u64 entry)
{
	return entry & VL_EPT_RWX;
}

static bool ept_is_table(u64 entry, int level)
{
	return ept_present(entry) && level > VL_EPT_4K && !(entry & VL_EPT_LARGE);
}

static u64 *ept_table(u64 entry)
{
	return phys_to_virt(entry & VL_EPT_ADDR_MASK);
}

static u64 *ept_entry(u64 *table, u64 gpa, int level)
{
	return &table[(gpa >> vl_ept_shift(level)) & (EPT_ENTRIES - 1)];
}

static u64 ept_align(u64 addr, int level)
{
	return addr & ~(vl_ept_size(level) - 1);
}

/* Set bits of a present entry without losing those the CPU sets meanwhile. */
static void ept_grant(u64 *entry, u64 bits)
{
	u64 old = READ_ONCE(*entry);

	while ((old & bits) != bits && !try_cmpxchg64(entry, &old, old | bits))
		;
}

/**
 * vl_ept_init() - an empty page table
 * @ept: to be filled in
 * @features: VMX_LITE_FEAT_EPT_* that may be used
 * @gpa_bits: width of a guest-physical address, 32 to VL_EPT_MAX_GPA_BITS
 *
 * Context: may sleep.
 * Return: 0, -EINVAL for @gpa_bits, -ENOMEM.
 */
int vl_ept_init(struct vl_ept *ept, u32 features, unsigned int gpa_bits)
{
	struct page *root;

	if (gpa_bits < 32 || gpa_bits > VL_EPT_MAX_GPA_BITS)
		return -EINVAL;

	root = vl_ept_table_alloc();
	if (!root)
		return -ENOMEM;

	memset(ept, 0, sizeof(*ept));
	INIT_LIST_HEAD(&ept->spare);
	ept->root = page_address(root);
	ept->nr_tables = 1;
	ept->gpa_bits = gpa_bits;
	ept->ad = features & VMX_LITE_FEAT_EPT_AD;
	ept->max_level = features & VMX_LITE_FEAT_EPT_1G ? VL_EPT_1G :
			 features & VMX_LITE_FEAT_EPT_2M ? VL_EPT_2M : VL_EPT_4K;
	return 0;
}

static void ept_free_tables(u64 *table, int level)
{
	int i;

	for (i = 0; level > VL_EPT_4K && i < EPT_ENTRIES; i++)
		if (ept_is_table(table[i], level))
			ept_free_tables(ept_table(table[i]), level - 1);
	free_page((unsigned long)table);
	cond_resched();
}

static void ept_free_list(struct list_head *list)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/**
 * vl_ept_destroy() - free a page table that no CPU uses any more
 * @ept: initialised by vl_ept_init()
 *
 * Context: may sleep.
 */
void vl_ept_destroy(struct vl_ept *ept)
{
	ept_free_tables(ept->root, VL_EPT_ROOT);
	ept_free_list(&ept->spare);
	ept->root = NULL;
}

/**
 * vl_ept_pointer() - the EPT pointer of the VMCS (SDM vol. 3, 25.6.11)
 * @ept: the page table
 *
 * Context: any.
 * Return: write-back tables, four levels, accessed and dirty bits if used.
 */
u64 vl_ept_pointer(const struct vl_ept *ept)
{
	return virt_to_phys(ept->root) | EPTP_TYPE_WB | EPTP_WALK_4 |
	       (ept->ad ? EPTP_AD : 0);
}

/**
 * vl_ept_low() - does the stock of tables want a donation?
 * @ept: the page table
 *
 * A stock that is not low suffices for one vl_ept_map() and vl_ept_split() of
 * the same address.
 * Context: any; without the caller's lock the answer is a guess.
 * Return: there are fewer than VL_EPT_MAX_TABLES.
 */
bool vl_ept_low(const struct vl_ept *ept)
{
	return READ_ONCE(ept->nr_spare) < VL_EPT_MAX_TABLES;
}

/**
 * vl_ept_table_alloc() - an empty table for vl_ept_donate()
 *
 * It is charged to the caller's memory cgroup.
 * Context: may sleep.
 * Return: the page or NULL.
 */
struct page *vl_ept_table_alloc(void)
{
	return alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

/**
 * vl_ept_donate() - add a table to the stock
 * @ept: the page table
 * @page: from vl_ept_table_alloc(); now owned by @ept
 *
 * Context: the caller's lock; does not sleep.
 */
void vl_ept_donate(struct vl_ept *ept, struct page *page)
{
	list_add(&page->lru, &ept->spare);
	WRITE_ONCE(ept->nr_spare, ept->nr_spare + 1);
}

static u64 *ept_take_table(struct vl_ept *ept)
{
	struct page *page = list_first_entry(&ept->spare, struct page, lru);

	list_del(&page->lru);
	WRITE_ONCE(ept->nr_spare, ept->nr_spare - 1);
	ept->nr_tables++;
	return page_address(page);
}

/**
 * vl_ept_gather_init() - start to gather
 * @gather: to be initialised; the caller may then set @written
 */
void vl_ept_gather_init(struct vl_ept_gather *gather)
{
	memset(gather, 0, sizeof(*gather));
	INIT_LIST_HEAD(&gather->tables);
}

/**
 * vl_ept_gather_free() - free gathered tables
 * @gather: after whose flush, if @gather->flush, all CPUs are past the tables
 *
 * Context: any.
 */
void vl_ept_gather_free(struct vl_ept_gather *gather)
{
	ept_free_list(&gather->tables);
}

static void ept_gather_table(struct vl_ept *ept, u64 *table,
			     struct vl_ept_gather *gather)
{
	list_add(&virt_to_page(table)->lru, &gather->tables);
	ept->nr_tables--;
	/* Also an empty table can be in a paging-structure cache (SDM vol. 3, 29.4.2). */
	gather->flush = true;
}

static void ept_note_written(struct vl_ept_gather *gather, u64 gpa, u64 entry, int level)
{
	if (entry & VL_EPT_DIRTY && gather->written)
		gather->written(gather, ept_align(gpa, level), entry & VL_EPT_ADDR_MASK, level);
}

static void ept_zap_leaf(struct vl_ept *ept, u64 *entry, int level, u64 gpa,
			 struct vl_ept_gather *gather)
{
	/*
	 * Once the entry is clear no CPU can set its dirty bit: it would have
	 * to walk to it.  One that cached the translation as dirty has set it.
	 */
	u64 old = xchg(entry, 0);

	ept->mapped[level]--;
	gather->flush = true;
	ept_note_written(gather, gpa, old, level);
}

/* Replace a large page by a table of the next smaller ones, worth the same. */
static void ept_split_leaf(struct vl_ept *ept, u64 *entry, int level)
{
	u64 size = vl_ept_size(level - 1);
	u64 *table = ept_take_table(ept);
	u64 old = READ_ONCE(*entry);
	u64 first;
	int i;

	do {
		first = level - 1 > VL_EPT_4K ? old : old & ~VL_EPT_LARGE;
		for (i = 0; i < EPT_ENTRIES; i++)
			table[i] = first + i * size;
	} while (!try_cmpxchg64(entry, &old, virt_to_phys(table) | VL_EPT_RWX));

	ept->mapped[level]--;
	ept->mapped[level - 1] += EPT_ENTRIES;
}

/* Does a large page map @gpa to @hpa already, with all the rights of @attr? */
static bool ept_maps(u64 entry, int level, u64 gpa, u64 hpa, u64 attr)
{
	u64 offset = gpa & (vl_ept_size(level) - 1) & PAGE_MASK;

	return ept_present(entry) && !ept_is_table(entry, level) &&
	       !(attr & VL_EPT_RWX & ~entry) &&
	       (entry & VL_EPT_ADDR_MASK) + offset == (hpa & PAGE_MASK);
}

/* The table behind an entry, made new or of a large page; NULL: none in stock. */
static u64 *ept_descend(struct vl_ept *ept, u64 *entry, int level)
{
	u64 old = READ_ONCE(*entry);

	if (ept_is_table(old, level))
		return ept_table(old);
	if (!ept->nr_spare)
		return NULL;
	if (ept_present(old))
		ept_split_leaf(ept, entry, level);
	else
		WRITE_ONCE(*entry, virt_to_phys(ept_take_table(ept)) | VL_EPT_RWX);
	return ept_table(READ_ONCE(*entry));
}

static bool ept_table_empty(const u64 *table)
{
	return !memchr_inv(table, 0, PAGE_SIZE);
}

static int ept_set_leaf(struct vl_ept *ept, u64 *entry, int level, u64 gpa, u64 new,
			struct vl_ept_gather *gather)
{
	const u64 same = VL_EPT_ADDR_MASK | VL_EPT_TYPE_MASK | VL_EPT_IGNORE_PAT;
	u64 old = READ_ONCE(*entry);

	if (ept_present(old) && !((old ^ new) & same)) {
		ept_grant(entry, new & VL_EPT_RWX);
		return 0;
	}
	if (ept_present(old))
		ept_zap_leaf(ept, entry, level, gpa, gather);
	WRITE_ONCE(*entry, new);
	ept->mapped[level]++;
	return 0;
}

/**
 * vl_ept_map() - map the page round an address
 * @ept: the page table
 * @gpa: a guest-physical address
 * @hpa: where it lies in host memory
 * @level: the largest page that may be used; @gpa and @hpa are alike below
 *	its size
 * @attr: VL_EPT_RWX bits (READ at least), a memory type, perhaps IGNORE_PAT
 * @gather: initialised; afterwards says if a flush is due
 *
 * Where smaller pages are mapped already, so is this; a larger page with fewer
 * rights is split.  Rights are only ever added to what maps the same memory.
 * New and more permissive translations need no flush (SDM vol. 3, 29.4.3.1): a
 * CPU that still holds the old one faults, and the fault drops it.
 *
 * Context: the caller's lock; does not sleep.
 * Return: 0; -EAGAIN if the stock has run out: donate, then try again; -EINVAL.
 */
int vl_ept_map(struct vl_ept *ept, u64 gpa, u64 hpa, enum vl_ept_level level, u64 attr,
	       struct vl_ept_gather *gather)
{
	u64 *table = ept->root;
	u64 *entry, old;
	int at;

	if (level < VL_EPT_4K || level > ept->max_level || gpa >> ept->gpa_bits ||
	    !(attr & VL_EPT_READ) || attr & ~VL_EPT_ATTR_MASK ||
	    hpa & ~(VL_EPT_ADDR_MASK | ~PAGE_MASK) || (gpa ^ hpa) & (vl_ept_size(level) - 1))
		return -EINVAL;

	for (at = VL_EPT_ROOT; ; at--) {
		entry = ept_entry(table, gpa, at);
		old = READ_ONCE(*entry);

		if (at <= level && !ept_is_table(old, at))
			break;
		if (at <= level && ept_table_empty(ept_table(old))) {
			WRITE_ONCE(*entry, 0);
			ept_gather_table(ept, ept_table(old), gather);
			break;
		}
		if (ept_maps(old, at, gpa, hpa, attr))
			return 0;
		table = ept_descend(ept, entry, at);
		if (!table)
			return -EAGAIN;
	}

	return ept_set_leaf(ept, entry, at, gpa,
			    ept_align(hpa, at) | attr | (at > VL_EPT_4K ? VL_EPT_LARGE : 0),
			    gather);
}

/**
 * vl_ept_split() - break the page that maps an address down to 4 KiB pages
 * @ept: the page table
 * @gpa: a guest-physical address
 * @grant: VL_EPT_RWX bits to add to the 4 KiB pages that come of it, or to the
 *	one there is
 *
 * The same memory stays mapped, so that no flush is due.
 *
 * Context: the caller's lock; does not sleep.
 * Return: 0; -ENOENT if nothing is mapped there; -EAGAIN if the stock has run out.
 */
int vl_ept_split(struct vl_ept *ept, u64 gpa, u64 grant)
{
	u64 *table = ept->root;
	bool split = false;
	u64 *entry, old;
	int at, i;

	for (at = VL_EPT_ROOT; at > VL_EPT_4K; at--) {
		entry = ept_entry(table, gpa, at);
		old = READ_ONCE(*entry);
		if (!ept_present(old))
			return -ENOENT;
		split = !ept_is_table(old, at);
		table = ept_descend(ept, entry, at);
		if (!table)
			return -EAGAIN;
	}

	entry = ept_entry(table, gpa, VL_EPT_4K);
	if (!ept_present(READ_ONCE(*entry)))
		return -ENOENT;
	if (!split)
		ept_grant(entry, grant);
	for (i = 0; split && i < EPT_ENTRIES; i++)
		ept_grant(&table[i], grant);
	return 0;
}

/* Stands for all of an entry where ept_range() takes bits to clear */
#define EPT_ZAP		(~0ULL)

static void ept_clear_leaf(u64 *entry, int level, u64 gpa, u64 bits,
			   struct vl_ept_gather *gather)
{
	u64 old = READ_ONCE(*entry);

	if (!(old & bits))
		return;
	while (!try_cmpxchg64(entry, &old, old & ~bits))
		;
	gather->flush = true;
	if (bits & VL_EPT_DIRTY)
		ept_note_written(gather, gpa, old, level);
}

static void ept_range(struct vl_ept *ept, u64 *table, int level, u64 gpa, u64 end,
		      u64 bits, struct vl_ept_gather *gather)
{
	u64 size = vl_ept_size(level);
	u64 next, *entry, old;

	for (; gpa < end; gpa = next) {
		next = min(ept_align(gpa, level) + size, end);
		entry = ept_entry(table, gpa, level);
		old = READ_ONCE(*entry);

		if (!ept_present(old))
			continue;
		if (!ept_is_table(old, level)) {
			if (bits == EPT_ZAP)
				ept_zap_leaf(ept, entry, level, gpa, gather);
			else
				ept_clear_leaf(entry, level, gpa, bits, gather);
			continue;
		}
		ept_range(ept, ept_table(old), level - 1, gpa, next, bits, gather);
		if (bits == EPT_ZAP && next - gpa == size) {
			WRITE_ONCE(*entry, 0);
			ept_gather_table(ept, ept_table(old), gather);
		}
	}
}

static void ept_do_range(struct vl_ept *ept, u64 gpa, u64 end, u64 bits,
			 struct vl_ept_gather *gather)
{
	end = min(end, 1ULL << ept->gpa_bits);
	ept_range(ept, ept->root, VL_EPT_ROOT, gpa, end, bits, gather);
}

/**
 * vl_ept_zap() - unmap a range
 * @ept: the page table
 * @gpa: first byte
 * @end: byte after the last
 * @gather: initialised; gets the tables of whole 2 MiB, 1 GiB and 512 GiB in
 *	the range, and is told of pages that were written
 *
 * Large pages that begin or end outside the range go too.
 *
 * Context: the caller's lock; does not sleep.  The time grows with what is
 * mapped in the range: the caller takes a long one in pieces.
 */
void vl_ept_zap(struct vl_ept *ept, u64 gpa, u64 end, struct vl_ept_gather *gather)
{
	ept_do_range(ept, gpa, end, EPT_ZAP, gather);
}

/**
 * vl_ept_write_protect() - make what is mapped in a range read-only
 * @ept: the page table
 * @gpa: first byte
 * @end: byte after the last
 * @gather: initialised; afterwards says if a flush is due
 *
 * Large pages that begin or end outside the range become read-only too.
 *
 * Context: as vl_ept_zap().
 */
void vl_ept_write_protect(struct vl_ept *ept, u64 gpa, u64 end,
			  struct vl_ept_gather *gather)
{
	ept_do_range(ept, gpa, end, VL_EPT_WRITE, gather);
}

/**
 * vl_ept_harvest() - collect and clear accessed and dirty bits (SDM vol. 3, 29.3.5)
 * @ept: the page table
 * @gpa: first byte
 * @end: byte after the last
 * @bits: VL_EPT_ACCESSED, VL_EPT_DIRTY or both
 * @gather: initialised; is told of pages that were written, if @bits has DIRTY
 *
 * Large pages that begin or end outside the range are included.
 *
 * Context: as vl_ept_zap().
 */
void vl_ept_harvest(struct vl_ept *ept, u64 gpa, u64 end, u64 bits,
		    struct vl_ept_gather *gather)
{
	ept_do_range(ept, gpa, end, bits, gather);
}

/**
 * vl_ept_lookup() - the entry that maps an address
 * @ept: the page table
 * @gpa: a guest-physical address
 * @level: out: the size of its page; set only where something is mapped
 *
 * Context: the caller's lock; does not sleep.
 * Return: the entry, 0 if nothing is mapped.
 */
u64 vl_ept_lookup(const struct vl_ept *ept, u64 gpa, enum vl_ept_level *level)
{
	u64 *table = ept->root;
	u64 entry;
	int at;

	if (gpa >> ept->gpa_bits)
		return 0;

	for (at = VL_EPT_ROOT; ; at--) {
		entry = READ_ONCE(*ept_entry(table, gpa, at));
		if (!ept_is_table(entry, at))
			break;
		table = ept_table(entry);
	}
	if (!ept_present(entry))
		return 0;
	*level = at;
	return entry;
}
