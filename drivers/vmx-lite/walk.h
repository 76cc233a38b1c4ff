/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk of the guest's own page tables: guest-virtual (linear) to guest-physical address.
 *
 * Pure code: guest memory is read by callback. It also builds in user space.
 */
#ifndef VL_WALK_H
#define VL_WALK_H

#include <linux/types.h>

/* What the translation is for; READ may be left out where WRITE or EXEC is given. */
#define VL_ACCESS_READ		0x1
#define VL_ACCESS_WRITE		0x2
#define VL_ACCESS_EXEC		0x4
#define VL_ACCESS_IMPLICIT	0x8	/* supervisor access at any CPL: GDT, IDT, LDT, TSS */

/**
 * struct vl_walk - the paging state, the way to memory, and the result
 * @cr0: guest CR0 as the guest sees it; PG and WP matter
 * @cr3: guest CR3
 * @cr4: guest CR4 as the guest sees it; PSE, PAE, LA57, SMEP, SMAP, PKE matter
 * @efer: guest IA32_EFER; LMA and NXE matter
 * @pdpte: with PAE paging the four entries the CPU holds (VMCS fields), not memory's
 * @pkru: protection-key rights, with CR4.PKE
 * @rflags_ac: RFLAGS.AC: suspends SMAP for explicit accesses
 * @cpl: current privilege level, 0 to 3
 * @maxphyaddr: the guest's physical-address width, 32 to 52: entry bits beyond are reserved
 * @read: read @len (4 or 8, aligned) bytes of a paging structure at @gpa; 0 or -errno
 * @cmpxchg: replace @len (4 or 8, aligned) bytes at @gpa, if they still equal @old, by
 *	@new, atomically. 0: done; -EAGAIN: they differ; else -errno. NULL: leave
 *	accessed and dirty bits alone (a look from outside, not an access by the CPU).
 * @ctx: for the callbacks
 * @gpa: out: the translated address
 * @pf_error: out: page-fault error code (SDM vol. 3, 4.7), valid with -EFAULT
 * @level: out: 0 without paging, else level of the mapping entry: 1 PTE, 2 PDE, 3 PDPTE
 * @page_shift: out: log2 of the page's size: 12, 21, 22 or 30 (12 without paging)
 * @writable: out: the guest's tables let this page be written at some privilege (R/W in all levels)
 * @user: out: U/S is set in all levels
 * @exec: out: XD is clear in all levels
 */
struct vl_walk {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 pdpte[4];
	u32 pkru;
	bool rflags_ac;
	u8 cpl;
	u8 maxphyaddr;
	int (*read)(void *ctx, u64 gpa, void *data, unsigned int len);
	int (*cmpxchg)(void *ctx, u64 gpa, u64 old, u64 new, unsigned int len);
	void *ctx;

	u64 gpa;
	u32 pf_error;
	u8 level;
	u8 page_shift;
	bool writable;
	bool user;
	bool exec;
};

int vl_walk(struct vl_walk *w, u64 gva, u32 access);

#endif /* VL_WALK_H */
