/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries of an interrupt remapping table and the messages that name them
 * (VT-d specification 5.1.2.2, 9.10).
 */
#ifndef IOMMU_LITE_IRTE_H
#define IOMMU_LITE_IRTE_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * struct il_irte - an entry: 128 bits, read whole by hardware
 * @lo: present, vector, destination
 * @hi: who may use it
 */
struct il_irte {
	u64 lo;
	u64 hi;
};

#define IRTE_PRESENT		BIT_ULL(0)
#define IRTE_LOGICAL		BIT_ULL(2)
#define IRTE_VECTOR(e)		((e) >> 16 & 0xff)
#define IRTE_APIC_ID(e)		((e) >> 40 & 0xff)
#define IRTE_SID(hi)		((hi) & 0xffff)
#define IRTE_SVT(hi)		((hi) >> 18 & 3)

u64 il_irte_target(u8 vector, u8 apic_id, bool logical);
u64 il_irte_source(const u16 *sids, unsigned int count);
u32 il_irte_message(u16 index);

#endif
