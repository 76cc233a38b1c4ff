// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BARs of a lent device. What can be mapped is guest memory while the guest
 * decodes it; ports, BARs smaller than a page and the pages of the MSI-X table and its
 * pending bits are accesses one by one.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>

#include "lent.h"

#define PAGE_BYTES	4096u

struct range {
	u64 start, end;
};

static struct range table_range(const struct iommu_lite_irq_info *info)
{
	return (struct range) {
		info->msix_table_offset,
		info->msix_table_offset + (u64)info->msix * PCI_MSIX_ENTRY_SIZE,
	};
}

/* A bit a vector, in words of 64 (PCI 3.0, section 6.8.2.7). */
static struct range pba_range(const struct iommu_lite_irq_info *info)
{
	return (struct range) {
		info->msix_pba_offset,
		info->msix_pba_offset + ALIGN_UP(info->msix, 64) / 8,
	};
}

static bool in_table(const struct lent *lent, unsigned int index, u64 offset)
{
	const struct iommu_lite_irq_info *info = &lent->irq.info;
	struct range table = table_range(info);

	return info->msix && index == info->msix_table_bar && offset >= table.start &&
	       offset < table.end;
}

static bool in_pba(const struct lent *lent, unsigned int index, u64 offset)
{
	const struct iommu_lite_irq_info *info = &lent->irq.info;
	struct range pba = pba_range(info);

	return info->msix && index == info->msix_pba_bar && offset >= pba.start &&
	       offset < pba.end;
}

static u64 read_piece(struct lent *lent, unsigned int index, u64 offset, unsigned int size)
{
	uint64_t value;

	if (in_table(lent, index, offset))
		return msix_table_read(&lent->irq.msix,
				       offset - lent->irq.info.msix_table_offset, size);
	if (in_pba(lent, index, offset))
		return msix_pba_read(&lent->irq.msix,
				     offset - lent->irq.info.msix_pba_offset, size);
	if (lent->gone || iommu_read_bar(lent->fd, index, offset, size, &value))
		return ~0ULL;
	return value;
}

static void write_piece(struct lent *lent, unsigned int index, u64 offset, unsigned int size,
			u64 value)
{
	if (in_table(lent, index, offset))
		msix_table_write(&lent->irq.msix, offset - lent->irq.info.msix_table_offset,
				 size, value);
	else if (!in_pba(lent, index, offset) && !lent->gone)
		iommu_write_bar(lent->fd, index, offset, size, value);
}

/* The module takes aligned accesses only, and of ports no 8 bytes. */
static unsigned int piece_size(const struct pci_device *dev, unsigned int index, u64 offset,
			       unsigned int size)
{
	unsigned int piece = pci_bar_is_io(dev, index) ? 4 : 8;

	while (piece > size || offset % piece)
		piece /= 2;
	return piece;
}

static struct lent *lent_of(struct io_region *region, unsigned int *index)
{
	struct pci_bar *bar = container_of(region, struct pci_bar, region);

	*index = bar - bar->dev->bars;
	return container_of(bar->dev, struct lent, pci);
}

static u64 bar_read(struct io_region *region, u64 offset, unsigned int size)
{
	unsigned int index, piece;
	struct lent *lent = lent_of(region, &index);
	u64 value = 0;

	for (unsigned int done = 0; done < size; done += piece) {
		u64 part;

		piece = piece_size(&lent->pci, index, offset + done, size - done);
		part = read_piece(lent, index, offset + done, piece);
		if (piece < 8)
			part &= (1ULL << (8 * piece)) - 1;
		value |= part << (8 * done);
	}
	return value;
}

static void bar_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	unsigned int index, piece;
	struct lent *lent = lent_of(region, &index);

	for (unsigned int done = 0; done < size; done += piece) {
		piece = piece_size(&lent->pci, index, offset + done, size - done);
		write_piece(lent, index, offset + done, piece, value >> (8 * done));
	}
}

static int add_window(struct lent *lent, unsigned int index, u64 offset, u64 start, u64 end)
{
	struct lent_bar *bar = &lent->bars[index];
	struct lent_window *w = &bar->windows[bar->nr];

	if (start >= end)
		return 0;
	*w = (struct lent_window) { .start = start, .size = end - start };
	w->addr = mmap(NULL, w->size, PROT_READ | PROT_WRITE, MAP_SHARED, lent->fd,
		       offset + start);
	if (w->addr == MAP_FAILED)
		return fail(-errno, "cannot map BAR %u of %s: %s", index, lent->name,
			    strerror(errno));
	bar->nr++;
	return 0;
}

/*
 * All pages but those with the table or the pending bits. Uncached in any case: with
 * EPT's uncached type the guest's PAT decides, as on the host (SDM vol. 3, 29.3.7).
 */
static int map_windows(struct lent *lent, const struct iommu_lite_bar *bar)
{
	const struct iommu_lite_irq_info *info = &lent->irq.info;
	struct range traps[2] = { { 0, 0 }, { 0, 0 } };
	u64 at = 0;
	int ret = 0;

	if (!(bar->flags & IOMMU_LITE_BAR_MMAP) || bar->size < PAGE_BYTES ||
	    bar->index == PCI_ROM_BAR)
		return 0;
	if (info->msix && info->msix_table_bar == bar->index)
		traps[0] = table_range(info);
	if (info->msix && info->msix_pba_bar == bar->index)
		traps[1] = pba_range(info);
	if (traps[1].start < traps[0].start) {
		struct range first = traps[1];

		traps[1] = traps[0];
		traps[0] = first;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(traps) && !ret; i++) {
		if (traps[i].start == traps[i].end)
			continue;
		ret = add_window(lent, bar->index, bar->offset, at,
				 ALIGN_DOWN(traps[i].start, PAGE_BYTES));
		at = MAX(at, ALIGN_UP(traps[i].end, PAGE_BYTES));
	}
	return ret ? ret : add_window(lent, bar->index, bar->offset, at, bar->size);
}

static u32 bar_type(const struct iommu_lite_bar *bar)
{
	if (bar->index == PCI_ROM_BAR)
		return 0;
	if (bar->flags & IOMMU_LITE_BAR_IO)
		return PCI_BASE_ADDRESS_SPACE_IO;
	return (bar->flags & IOMMU_LITE_BAR_64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
	       (bar->flags & IOMMU_LITE_BAR_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

/**
 * lent_bars_init() - give the guest's function the device's BARs, and map them here
 * @lent: the device, with its configuration space and interrupts
 *
 * Return: 0, or a negative errno after a message; lent_bars_destroy() is due in any case.
 */
int lent_bars_init(struct lent *lent)
{
	for (unsigned int i = 0; i < PCI_REGIONS; i++) {
		struct io_region *region = &lent->pci.bars[i].region;
		struct iommu_lite_bar bar;
		int ret = iommu_get_bar(lent->fd, i, &bar);

		if (ret)
			return fail(ret, "iommu-lite tells nothing of BAR %u of %s: %s", i,
				    lent->name, strerror(-ret));
		if (!bar.size || (i == PCI_ROM_BAR && lent->no_rom))
			continue;
		pci_make_bar(&lent->pci, i, bar_type(&bar), bar.size);
		region->name = lent->name;
		region->read = bar_read;
		region->write = bar_write;
		ret = map_windows(lent, &bar);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * lent_bars_destroy() - undo lent_bars_init()
 * @lent: the device, on no bus
 */
void lent_bars_destroy(struct lent *lent)
{
	for (unsigned int i = 0; i < PCI_REGIONS; i++) {
		struct lent_bar *bar = &lent->bars[i];

		for (unsigned int n = 0; n < bar->nr; n++)
			munmap(bar->windows[n].addr, bar->windows[n].size);
		bar->nr = 0;
	}
}

/* The APICs answer here, whatever else the guest puts there. */
static bool among_apics(u64 gpa, u64 size)
{
	return gpa < 0x100000000ULL && gpa + size > PCI_MMIO_END;
}

/**
 * lent_bar_decode() - the windows follow their BAR
 * @dev: the guest's function, its bus's lock held
 * @index: of the BAR
 * @on: it begins or ends to answer at its region's start
 *
 * A window that the module refuses, over RAM for example, is accessed one by one.
 */
void lent_bar_decode(struct pci_device *dev, unsigned int index, bool on)
{
	struct lent *lent = container_of(dev, struct lent, pci);
	struct irqchip *chip = lent->board->irqchip;
	struct lent_bar *bar = &lent->bars[index];

	for (unsigned int i = 0; i < bar->nr; i++) {
		struct lent_window *w = &bar->windows[i];
		u64 gpa = dev->bars[index].region.start + w->start;

		if (w->mapped)
			chip->unmap(chip, gpa, w->size);
		w->mapped = on && !among_apics(gpa, w->size) &&
			    !chip->map(chip, gpa, w->addr, w->size);
	}
}
