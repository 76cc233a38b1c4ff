/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The extended page table: guest-physical to host-physical addresses
 * (SDM vol. 3, 29.3).
 *
 * The table only, no policy: it knows neither VMs nor user memory and runs on
 * a machine without VT-x.  It has no lock: but for vl_ept_low() and
 * vl_ept_table_alloc(), which need none, the caller serialises all calls.
 *
 * Nothing here allocates while the caller holds its lock: tables come from a
 * stock that vl_ept_donate() fills beforehand.  Tables that go away are
 * gathered and freed by the caller after the flush: a CPU walks them until then.
 */
#ifndef VL_EPT_H
#define VL_EPT_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

struct page;

/* Bits of an entry (SDM vol. 3, 29.3.2) */
#define VL_EPT_READ		BIT_ULL(0)
#define VL_EPT_WRITE		BIT_ULL(1)
#define VL_EPT_EXEC		BIT_ULL(2)
#define VL_EPT_RWX		(VL_EPT_READ | VL_EPT_WRITE | VL_EPT_EXEC)
#define VL_EPT_TYPE_MASK	GENMASK_ULL(5, 3)
#define VL_EPT_TYPE_UC		0ULL
#define VL_EPT_TYPE_WC		BIT_ULL(3)
#define VL_EPT_TYPE_WB		(6ULL << 3)
#define VL_EPT_IGNORE_PAT	BIT_ULL(6)
#define VL_EPT_LARGE		BIT_ULL(7)
#define VL_EPT_ACCESSED		BIT_ULL(8)
#define VL_EPT_DIRTY		BIT_ULL(9)
#define VL_EPT_ADDR_MASK	GENMASK_ULL(51, 12)

/* What vl_ept_map() takes */
#define VL_EPT_ATTR_MASK	(VL_EPT_RWX | VL_EPT_TYPE_MASK | VL_EPT_IGNORE_PAT)

/* Guest-physical addresses that four levels can translate */
#define VL_EPT_MAX_GPA_BITS	48

/* Tables that one fault takes at most: three levels below the root */
#define VL_EPT_MAX_TABLES	3

enum vl_ept_level {
	VL_EPT_4K = 1,
	VL_EPT_2M,
	VL_EPT_1G,
	VL_EPT_ROOT,
};

/**
 * vl_ept_shift() - how many bits of an address an entry of a level leaves alone
 * @level: VL_EPT_4K to VL_EPT_ROOT
 *
 * Return: 12, 21, 30 or 39.
 */
static inline unsigned int vl_ept_shift(enum vl_ept_level level)
{
	return 12 + 9 * (level - 1);
}

/**
 * vl_ept_size() - how much an entry of a level maps
 * @level: VL_EPT_4K to VL_EPT_ROOT
 *
 * Return: bytes.
 */
static inline u64 vl_ept_size(enum vl_ept_level level)
{
	return 1ULL << vl_ept_shift(level);
}

/**
 * struct vl_ept - an extended page table
 * @root: the PML4 table
 * @spare: pages for new tables, linked by their lru
 * @nr_spare: how many
 * @gpa_bits: width of a guest-physical address, at most VL_EPT_MAX_GPA_BITS
 * @max_level: largest page the CPU takes
 * @ad: the CPU keeps accessed and dirty bits
 * @nr_tables: tables in use, the root included
 * @mapped: pages mapped now, by level (index 0 is unused)
 */
struct vl_ept {
	u64 *root;
	struct list_head spare;
	unsigned int nr_spare;
	unsigned int gpa_bits;
	enum vl_ept_level max_level;
	bool ad;

	unsigned long nr_tables;
	unsigned long mapped[VL_EPT_ROOT];
};

/**
 * struct vl_ept_gather - what an operation leaves to be done
 * @tables: tables that left the EPT, to be freed after the flush
 * @flush: a CPU may hold a translation that is no longer true
 * @written: called for a page whose dirty bit was found set in an entry that
 *	is now gone or clean, or NULL.  @gpa and @hpa are the page's start.
 */
struct vl_ept_gather {
	struct list_head tables;
	bool flush;
	void (*written)(struct vl_ept_gather *gather, u64 gpa, u64 hpa,
			enum vl_ept_level level);
};

int vl_ept_init(struct vl_ept *ept, u32 features, unsigned int gpa_bits);
void vl_ept_destroy(struct vl_ept *ept);
u64 vl_ept_pointer(const struct vl_ept *ept);

bool vl_ept_low(const struct vl_ept *ept);
struct page *vl_ept_table_alloc(void);
void vl_ept_donate(struct vl_ept *ept, struct page *page);

void vl_ept_gather_init(struct vl_ept_gather *gather);
void vl_ept_gather_free(struct vl_ept_gather *gather);

int vl_ept_map(struct vl_ept *ept, u64 gpa, u64 hpa, enum vl_ept_level level,
	       u64 attr, struct vl_ept_gather *gather);
int vl_ept_split(struct vl_ept *ept, u64 gpa, u64 grant);
void vl_ept_zap(struct vl_ept *ept, u64 gpa, u64 end, struct vl_ept_gather *gather);
void vl_ept_write_protect(struct vl_ept *ept, u64 gpa, u64 end,
			  struct vl_ept_gather *gather);
void vl_ept_harvest(struct vl_ept *ept, u64 gpa, u64 end, u64 bits,
		    struct vl_ept_gather *gather);
u64 vl_ept_lookup(const struct vl_ept *ept, u64 gpa, enum vl_ept_level *level);

#endif /* VL_EPT_H */
