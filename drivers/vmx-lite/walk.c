// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walk of the guest's page tables, Intel SDM vol. 3, chapter 4 (Paging).
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/types.h>

#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trap_pf.h>

#include "walk.h"

/* Bits of paging-structure entries, SDM vol. 3, tables 4-5, 4-10 and 4-20. */
#define ENTRY_P			BIT_ULL(0)
#define ENTRY_RW		BIT_ULL(1)
#define ENTRY_US		BIT_ULL(2)
#define ENTRY_A			BIT_ULL(5)
#define ENTRY_D			BIT_ULL(6)
#define ENTRY_PS		BIT_ULL(7)
#define ENTRY_XD		BIT_ULL(63)
#define ENTRY_PKEY_SHIFT	59
#define ENTRY_PKEY_MASK		15

#define PHYS_BITS_MAX		52
#define PHYS_MASK_4K		GENMASK_ULL(PHYS_BITS_MAX - 1, 12)
#define PSE36_PHYS_BITS_MAX	40

#define LEVELS_MAX		5
/* Another vCPU that keeps changing the tables costs its own guest time, not the host's. */
#define RACES_MAX		8

/* A paging mode; memory is read for @levels levels. PAE's top level is w->pdpte. */
struct paging_mode {
	u8 levels;
	u8 entry_len;
	u8 index_bits;
	u8 linear_bits;
};

static const struct paging_mode paging_32bit = { 2, 4, 10, 32 };
static const struct paging_mode paging_pae = { 2, 8, 9, 32 };
static const struct paging_mode paging_4level = { 4, 8, 9, 48 };
static const struct paging_mode paging_5level = { 5, 8, 9, 57 };

/* The entries a walk went through, by level - 1, for their accessed and dirty bits. */
struct walk_path {
	u64 gpa[LEVELS_MAX];
	u64 entry[LEVELS_MAX];
};

static const struct paging_mode *walk_mode(const struct vl_walk *w)
{
	if (!(w->cr4 & X86_CR4_PAE))
		return &paging_32bit;
	if (!(w->efer & EFER_LMA))
		return &paging_pae;
	return w->cr4 & X86_CR4_LA57 ? &paging_5level : &paging_4level;
}

static bool walk_canonical(u64 gva, unsigned int bits)
{
	s64 top = (s64)gva >> (bits - 1);

	return top == 0 || top == -1;
}

static bool walk_user_access(const struct vl_walk *w, u32 access)
{
	return w->cpl == 3 && !(access & VL_ACCESS_IMPLICIT);
}

/* SDM vol. 3, 4.7: what the error code says beyond the cause. */
static int walk_fault(struct vl_walk *w, u32 access, u32 cause)
{
	bool nx = (w->cr4 & X86_CR4_PAE) && (w->efer & EFER_NX);

	if (access & VL_ACCESS_WRITE)
		cause |= X86_PF_WRITE;
	if (walk_user_access(w, access))
		cause |= X86_PF_USER;
	if ((access & VL_ACCESS_EXEC) && (nx || (w->cr4 & X86_CR4_SMEP)))
		cause |= X86_PF_INSTR;
	w->pf_error = cause;
	return -EFAULT;
}

static bool walk_is_leaf(const struct vl_walk *w, const struct paging_mode *m, int level,
			 u64 entry)
{
	if (level == 1)
		return true;
	if (level > 3 || !(entry & ENTRY_PS))
		return false;
	return m != &paging_32bit || (w->cr4 & X86_CR4_PSE);
}

/* SDM vol. 3, 4.3: a 4 MiB page's address bits 39:32 are in bits 20:13 of its PDE. */
static u64 walk_reserved_32bit(const struct vl_walk *w, int level, bool leaf)
{
	unsigned int bits = w->maxphyaddr;

	if (level == 1 || !leaf)
		return 0;
	if (bits > PSE36_PHYS_BITS_MAX)
		bits = PSE36_PHYS_BITS_MAX;
	return GENMASK_ULL(21, bits - 19);
}

/* The bits that must be 0 in a present entry, SDM vol. 3, 4.3, 4.4.2 and 4.5.4. */
static u64 walk_reserved(const struct vl_walk *w, const struct paging_mode *m, int level,
			 bool leaf)
{
	u64 bits = 0;

	if (m == &paging_32bit)
		return walk_reserved_32bit(w, level, leaf);

	if (w->maxphyaddr < PHYS_BITS_MAX)
		bits |= GENMASK_ULL(PHYS_BITS_MAX - 1, w->maxphyaddr);
	if (m == &paging_pae)
		bits |= GENMASK_ULL(62, PHYS_BITS_MAX);
	if (!(w->efer & EFER_NX))
		bits |= ENTRY_XD;
	if (level > 3)
		bits |= ENTRY_PS;
	if (leaf && level > 1)
		bits |= GENMASK_ULL(12 + (level - 1) * m->index_bits - 1, 13);
	return bits;
}

/* SDM vol. 3, 4.6.2: protection keys govern data accesses to user-mode addresses. */
static bool walk_pkey_denies(const struct vl_walk *w, u64 leaf, u32 access)
{
	unsigned int key = leaf >> ENTRY_PKEY_SHIFT & ENTRY_PKEY_MASK;
	bool access_disable = w->pkru >> (2 * key) & 1;
	bool write_disable = w->pkru >> (2 * key + 1) & 1;

	if (!(w->efer & EFER_LMA) || !(w->cr4 & X86_CR4_PKE))
		return false;
	if (!w->user || (access & VL_ACCESS_EXEC))
		return false;
	if (access_disable)
		return true;
	return write_disable && (access & VL_ACCESS_WRITE) &&
	       ((w->cr0 & X86_CR0_WP) || walk_user_access(w, access));
}

/* SDM vol. 3, 4.6.1, for the rights that walk_once() has collected in @w. */
static bool walk_rights_allow(const struct vl_walk *w, u32 access)
{
	bool user = walk_user_access(w, access);

	if (user && !w->user)
		return false;

	if (access & VL_ACCESS_EXEC) {
		if (!user && w->user && (w->cr4 & X86_CR4_SMEP))
			return false;
		return w->exec;
	}

	if (!user && w->user && (w->cr4 & X86_CR4_SMAP) &&
	    (!w->rflags_ac || (access & VL_ACCESS_IMPLICIT)))
		return false;

	if ((access & VL_ACCESS_WRITE) && !w->writable)
		return !user && !(w->cr0 & X86_CR0_WP);
	return true;
}

static int walk_read(struct vl_walk *w, const struct paging_mode *m, u64 gpa, u64 *entry)
{
	u32 entry32;

	if (m->entry_len == sizeof(*entry))
		return w->read(w->ctx, gpa, entry, sizeof(*entry)) ? -EIO : 0;

	if (w->read(w->ctx, gpa, &entry32, sizeof(entry32)))
		return -EIO;
	*entry = entry32;
	return 0;
}

/*
 * SDM vol. 3, 4.8. The bits are set once the access is known to be allowed, from the leaf
 * upwards: an entry that changed meanwhile makes the whole walk void.
 */
static int walk_set_accessed(struct vl_walk *w, const struct paging_mode *m,
			     const struct walk_path *path, u32 access)
{
	int level;

	for (level = w->level; level <= m->levels; level++) {
		u64 old = path->entry[level - 1];
		u64 new = old | ENTRY_A;
		int ret;

		if (level == w->level && (access & VL_ACCESS_WRITE))
			new |= ENTRY_D;
		if (new == old)
			continue;
		ret = w->cmpxchg(w->ctx, path->gpa[level - 1], old, new, m->entry_len);
		if (ret)
			return ret == -EAGAIN ? -EAGAIN : -EIO;
	}
	return 0;
}

static u64 walk_leaf_address(const struct vl_walk *w, const struct paging_mode *m, u64 entry,
			     u64 gva)
{
	u64 offset_mask = BIT_ULL(w->page_shift) - 1;
	u64 page = entry & PHYS_MASK_4K & ~offset_mask;

	if (m == &paging_32bit && w->level == 2)
		page |= (entry >> 13 & 0xff) << 32;
	return page | (gva & offset_mask);
}

static int walk_once(struct vl_walk *w, const struct paging_mode *m, u64 gva, u32 access)
{
	u64 index_mask = BIT_ULL(m->index_bits) - 1;
	u64 entry = w->cr3;
	struct walk_path path;
	bool leaf = false;
	u32 cause;
	int level;
	int ret;

	w->writable = true;
	w->user = true;
	w->exec = true;

	if (m == &paging_32bit) {
		entry = (u32)entry;
	} else if (m == &paging_pae) {
		entry = w->pdpte[gva >> 30 & 3];
		if (!(entry & ENTRY_P))
			return walk_fault(w, access, 0);
	}

	for (level = m->levels; ; level--) {
		unsigned int shift = 12 + (level - 1) * m->index_bits;
		u64 gpa = (entry & PHYS_MASK_4K) +
			  (gva >> shift & index_mask) * m->entry_len;

		ret = walk_read(w, m, gpa, &entry);
		if (ret)
			return ret;
		path.gpa[level - 1] = gpa;
		path.entry[level - 1] = entry;

		if (!(entry & ENTRY_P))
			return walk_fault(w, access, 0);
		leaf = walk_is_leaf(w, m, level, entry);
		if (entry & walk_reserved(w, m, level, leaf))
			return walk_fault(w, access, X86_PF_PROT | X86_PF_RSVD);

		if (!(entry & ENTRY_RW))
			w->writable = false;
		if (!(entry & ENTRY_US))
			w->user = false;
		if (entry & ENTRY_XD)
			w->exec = false;
		if (leaf) {
			w->level = level;
			w->page_shift = shift;
			break;
		}
	}

	cause = walk_pkey_denies(w, entry, access) ? X86_PF_PK : 0;
	if (cause || !walk_rights_allow(w, access))
		return walk_fault(w, access, cause | X86_PF_PROT);

	w->gpa = walk_leaf_address(w, m, entry, gva);
	return w->cmpxchg ? walk_set_accessed(w, m, &path, access) : 0;
}

/**
 * vl_walk() - translate a guest-virtual (linear) address as the guest's CPU would
 * @w: paging state and callbacks in, result out
 * @gva: linear address; only bits 31:0 count outside IA-32e mode
 * @access: VL_ACCESS_*
 *
 * With @w->cmpxchg the walk acts for the CPU and sets accessed flags in all entries and the dirty
 * flag of a written page (SDM vol. 3, 4.8), only if the access is allowed. PAE's
 * PDPTEs have no such flags. Without it nothing in memory changes.
 *
 * The CPU's own PDPTE.PS (1 GiB pages) is taken as supported.
 *
 * Context: that of the callbacks; no lock of its own.
 * Return: 0; -EFAULT: page fault, @w->pf_error is its error code (SDM vol. 3, 4.7); -ERANGE:
 * @gva is not canonical (#GP or #SS, not #PF); -EIO: a paging structure lies outside
 * what the callbacks reach; -EAGAIN: the tables kept changing during the walk, try again.
 */
int vl_walk(struct vl_walk *w, u64 gva, u32 access)
{
	const struct paging_mode *m = walk_mode(w);
	int races;
	int ret;

	w->pf_error = 0;

	if (!(w->cr0 & X86_CR0_PG)) {
		w->gpa = (u32)gva;
		w->level = 0;
		w->page_shift = 12;
		w->writable = true;
		w->user = true;
		w->exec = true;
		return 0;
	}

	if (m->linear_bits == 32)
		gva = (u32)gva;
	else if (!walk_canonical(gva, m->linear_bits))
		return -ERANGE;

	for (races = 0; races < RACES_MAX; races++) {
		ret = walk_once(w, m, gva, access);
		if (ret != -EAGAIN)
			break;
	}
	return ret;
}
