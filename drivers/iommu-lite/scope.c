// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device scopes (VT-d specification 8.3.1) to PCI devices.
 *
 * Nothing is remembered: bus numbers may change, devices come and go, so a
 * path is followed through the bridges each time it is asked about.
 */
#include <linux/pci.h>

#include "iommu-lite.h"

/**
 * il_scope_target() - follow a scope's path, hop by hop
 * @segment: PCI segment
 * @scope: the scope
 * @bus: bus of the last hop
 * @devfn: device and function of the last hop
 *
 * The last hop need not exist; each before it has to be a bridge. May sleep.
 *
 * Return: false where a bridge on the way is missing.
 */
bool il_scope_target(u16 segment, const struct dmar_scope *scope, u8 *bus,
		     u8 *devfn)
{
	struct pci_dev *bridge;
	unsigned int hop;

	*bus = scope->bus;
	for (hop = 0;; hop++) {
		*devfn = PCI_DEVFN(scope->path[2 * hop] & 0x1f,
				   scope->path[2 * hop + 1] & 7);
		if (hop + 1 == scope->hops)
			return true;
		bridge = pci_get_domain_bus_and_slot(segment, *bus, *devfn);
		if (!bridge || !bridge->subordinate) {
			pci_dev_put(bridge);
			return false;
		}
		*bus = bridge->subordinate->number;
		pci_dev_put(bridge);
	}
}

/* VMD hides its devices in a domain of their own; their DMA is the VMD's */
static struct pci_dev *real_dma_device(struct pci_dev *pdev)
{
#if IS_ENABLED(CONFIG_VMD)
	struct pci_sysdata *sysdata = to_pci_sysdata(pdev->bus);

	if (sysdata && sysdata->vmd_dev)
		return sysdata->vmd_dev;
#endif
	return pci_physfn(pdev);
}

static bool scope_covers(const struct dmar_scope *scope, u16 segment,
			 struct pci_dev *pdev)
{
	struct pci_dev *up;
	u8 bus, devfn;

	if (scope->type != DMAR_SCOPE_ENDPOINT &&
	    scope->type != DMAR_SCOPE_BRIDGE)
		return false;
	if (!il_scope_target(segment, scope, &bus, &devfn))
		return false;
	if (pdev->bus->number == bus && pdev->devfn == devfn)
		return true;
	if (scope->type == DMAR_SCOPE_ENDPOINT)
		return false;
	for (up = pdev->bus->self; up; up = up->bus->self)
		if (up->bus->number == bus && up->devfn == devfn)
			return true;
	return false;
}

/**
 * il_entry_covers() - is a device in the scopes of a structure?
 * @entry: DRHD, RMRR, ATSR or SATC
 * @pdev: any function; a virtual one counts as its physical one
 *
 * An endpoint scope covers that function, a bridge scope the bridge and all
 * below it. May sleep.
 *
 * Return: true where it is.
 */
bool il_entry_covers(const struct dmar_entry *entry, struct pci_dev *pdev)
{
	struct dmar_scope scope;
	u32 position = 0;

	pdev = real_dma_device(pdev);
	if (pci_domain_nr(pdev->bus) != entry->segment)
		return false;
	while (dmar_next_scope(entry, &position, &scope))
		if (scope_covers(&scope, entry->segment, pdev))
			return true;
	return false;
}

/**
 * il_unit_of() - the unit that governs a device
 * @pdev: any function
 *
 * VT-d specification 8.4: INCLUDE_PCI_ALL comes last. May sleep.
 *
 * Return: the unit, or NULL.
 */
struct dmar_drhd_unit *il_unit_of(struct pci_dev *pdev)
{
	struct dmar_drhd_unit *unit, *rest = NULL;
	int segment = pci_domain_nr(real_dma_device(pdev)->bus);

	list_for_each_entry(unit, &il_units, list) {
		if (unit->include_all && unit->segment == segment && !rest)
			rest = unit;
		if (il_entry_covers(&unit->hdr, pdev))
			return unit;
	}
	return rest;
}

static void add_sid(u16 sid, u16 *sids, unsigned int max, unsigned int *count)
{
	unsigned int i;

	for (i = 0; i < *count; i++)
		if (sids[i] == sid)
			return;
	if (*count < max)
		sids[(*count)++] = sid;
}

/**
 * il_collect_sids() - the requester ids that a device's DMA can carry
 * @pdev: any function
 * @sids: filled, the device's own first
 * @max: room in @sids; 256 is always enough for one bus's aliases
 *
 * Bridges between PCI Express and PCI speak for what is below them (VT-d
 * specification 3.4.1; PCI Express to PCI Bridge specification 2.3).
 *
 * Return: how many.
 */
unsigned int il_collect_sids(struct pci_dev *pdev, u16 *sids, unsigned int max)
{
	struct pci_dev *bridge;
	unsigned int count = 0, devfn;

	if (pdev->bus != real_dma_device(pdev)->bus && !pdev->is_virtfn)
		pdev = real_dma_device(pdev);
	add_sid(pci_dev_id(pdev), sids, max, &count);
	if (pdev->dma_alias_mask)
		for_each_set_bit(devfn, pdev->dma_alias_mask, 256)
			add_sid(PCI_DEVID(pdev->bus->number, devfn), sids, max,
				&count);
	for (bridge = pdev->bus->self; bridge; bridge = bridge->bus->self) {
		if (pci_is_pcie(bridge)) {
			switch (pci_pcie_type(bridge)) {
			case PCI_EXP_TYPE_PCI_BRIDGE:
				add_sid(PCI_DEVID(bridge->subordinate->number,
						  0), sids, max, &count);
				break;
			case PCI_EXP_TYPE_PCIE_BRIDGE:
				add_sid(pci_dev_id(bridge), sids, max, &count);
				break;
			}
		} else if (bridge->dev_flags & PCI_DEV_FLAG_PCIE_BRIDGE_ALIAS) {
			add_sid(PCI_DEVID(bridge->subordinate->number, 0),
				sids, max, &count);
		} else {
			add_sid(pci_dev_id(bridge), sids, max, &count);
		}
	}
	return count;
}

/**
 * il_ats_allowed() - may a device cache translations?
 * @pdev: a PCI Express endpoint
 *
 * VT-d specification 8.5 and 8.8: its root port is in an ATSR of its segment,
 * or it is integrated and in a SATC. May sleep.
 *
 * Return: true where it may.
 */
bool il_ats_allowed(struct pci_dev *pdev)
{
	struct pci_dev *port = pci_physfn(pdev);
	struct il_region *region;
	int segment = pci_domain_nr(pdev->bus);

	list_for_each_entry(region, &il_satcs, list)
		if (il_entry_covers(&region->entry, pdev))
			return true;
	/* Integrated endpoints without a SATC: the platform says nothing */
	if (pci_is_root_bus(port->bus))
		return true;
	while (port->bus->self)
		port = port->bus->self;
	list_for_each_entry(region, &il_atsrs, list) {
		if (region->entry.segment != segment)
			continue;
		if (region->entry.flags & DMAR_ATSR_ALL_PORTS ||
		    il_entry_covers(&region->entry, port))
			return true;
	}
	return false;
}
