/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invalidation of what units and devices cache (VT-d specification 6.5).
 */
#ifndef IOMMU_LITE_QI_H
#define IOMMU_LITE_QI_H

#include <linux/types.h>

struct dmar_drhd_unit;
struct il_qi;

enum il_inv_kind {
	IL_INV_CONTEXT_GLOBAL,
	IL_INV_CONTEXT_DEVICE,
	IL_INV_IOTLB_GLOBAL,
	IL_INV_IOTLB_DOMAIN,
	IL_INV_IOTLB_PAGES,
	IL_INV_DEVICE_TLB,
	IL_INV_IEC_GLOBAL,
	IL_INV_IEC_INDEX,
};

/**
 * struct il_inv - one invalidation
 * @kind: what to invalidate
 * @did: domain id (CONTEXT_DEVICE, IOTLB_DOMAIN, IOTLB_PAGES)
 * @sid: requester id (CONTEXT_DEVICE, DEVICE_TLB)
 * @pfsid: requester id of the physical function, 0 without ECAP.DIT
 *	(DEVICE_TLB)
 * @depth: invalidations the device can queue, 0..31 (DEVICE_TLB)
 * @hint: no table above the leaf level has changed (IOTLB_PAGES)
 * @index: of an interrupt remapping entry (IEC_INDEX)
 * @order: 2^order pages from @address on, which is aligned to them, or entries
 *	from @index on
 * @address: IOVA (IOTLB_PAGES, DEVICE_TLB)
 */
struct il_inv {
	enum il_inv_kind kind;
	u16 did;
	u16 sid;
	u16 pfsid;
	u8 depth;
	bool hint;
	u16 index;
	u8 order;
	u64 address;
};

/**
 * struct il_qi_desc - a descriptor of the queue (128 bits)
 * @lo: type and parameters
 * @hi: address
 */
struct il_qi_desc {
	u64 lo;
	u64 hi;
};

#define IL_INV_WHOLE_ORDER	52	/* of a device-TLB: all of it */

void il_inv_range(struct il_inv *inv, u64 first, u64 last);
void il_qi_encode(const struct il_inv *inv, struct il_qi_desc *desc);
int il_qi_start(struct dmar_drhd_unit *unit);
int il_qi_restart(struct dmar_drhd_unit *unit);
void il_qi_stop(struct dmar_drhd_unit *unit);
void il_qi_free(struct dmar_drhd_unit *unit);
bool il_qi_recover(struct dmar_drhd_unit *unit);
int il_invalidate(struct dmar_drhd_unit *unit, const struct il_inv *inv,
		  unsigned int count);
void il_qi_state(struct dmar_drhd_unit *unit, u64 *head, u64 *tail,
		 u32 *completed);
struct il_qi_desc il_qi_desc_at(struct dmar_drhd_unit *unit,
				unsigned int index);

#endif
