// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt remapping entries: pure, see irte.h.
 */
#include "irte.h"

/**
 * il_irte_target() - lower half of an entry: where the interrupt goes
 * @vector: of the CPU
 * @apic_id: destination, xAPIC
 * @logical: @apic_id is a set of CPUs
 *
 * VT-d specification 9.10: present, fixed delivery, edge, no redirection.
 *
 * Return: the half.
 */
u64 il_irte_target(u8 vector, u8 apic_id, bool logical)
{
	return IRTE_PRESENT | (logical ? IRTE_LOGICAL : 0) | (u64)vector << 16 |
	       (u64)apic_id << 40;
}

/**
 * il_irte_source() - upper half of an entry: who may send the interrupt
 * @sids: requester ids of the device, its own first, then what bridges make of
 *	it, the nearest first
 * @count: of @sids, 1 at least
 *
 * VT-d specification 9.10. One id is compared in full (SVT 1). A bridge from
 * PCI Express to PCI speaks as device 0 of the bus below it, or lets a device's
 * own id pass (PCI Express to PCI Bridge specification 2.3): the bus is
 * compared (SVT 2). Another bridge speaks for itself only.
 *
 * Return: the half.
 */
u64 il_irte_source(const u16 *sids, unsigned int count)
{
	u16 own = sids[0], top = sids[count - 1];

	if (count > 1 && (top >> 8 == own >> 8 || !(top & 0xff)))
		return 2ull << 18 | (top & 0xff00) | own >> 8;
	return 1ull << 18 | top;
}

/**
 * il_irte_message() - the address a device writes to for an entry
 * @index: of the entry
 *
 * VT-d specification 5.1.2.2: remappable format. The data is added to the index
 * (subhandle valid), so that the messages of a device with several follow each
 * other; it is 0 for the first.
 *
 * Return: lower half of the address; the upper one is 0.
 */
u32 il_irte_message(u16 index)
{
	return 0xfee00000 | BIT(4) | BIT(3) | (index & 0x7fff) << 5 |
	       index >> 15 << 2;
}
