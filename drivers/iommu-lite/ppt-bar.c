// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of a lent device: mapped into user space, or accessed for it.
 *
 * Mappings are made by page faults, so that they can be taken away at any time
 * and come back: while the device is reset, while its holder has decoding off,
 * and for good when the device goes.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "ppt.h"
#include "uapi.h"

/* Where a BAR begins in the file: its number above any size a BAR can have */
#define BAR_SHIFT	44
#define BAR_WC		BIT(3)

static u64 bar_offset(unsigned int index, bool wc)
{
	return (u64)(index | (wc ? BAR_WC : 0)) << BAR_SHIFT;
}

/* A page is the least that can be given away */
static bool can_map(struct il_lent *lent, unsigned int index)
{
	u64 size = pci_resource_len(lent->pdev, index);

	return index < IOMMU_LITE_BARS &&
	       pci_resource_flags(lent->pdev, index) & IORESOURCE_MEM &&
	       size && size < 1ull << BAR_SHIFT &&
	       PAGE_ALIGNED(pci_resource_start(lent->pdev, index) | size);
}

/* Index of the PCI core */
static unsigned int resource_of(unsigned int index)
{
	return index == IOMMU_LITE_ROM ? PCI_ROM_RESOURCE : index;
}

/**
 * il_lent_get_bar() - IOMMU_LITE_GET_BAR
 * @object: of a device fd
 * @arg: .bar
 *
 * Return: 0; -EPERM where the device is not bound to this driver; -ENODEV;
 * -EINVAL.
 */
int il_lent_get_bar(struct il_object *object, union il_arg *arg)
{
	struct il_lent *lent = il_lent_of(object);
	struct iommu_lite_bar *bar = &arg->bar;
	unsigned long flags;
	u32 index = bar->index;

	if (IS_ERR(lent))
		return PTR_ERR(lent);
	if (index > IOMMU_LITE_ROM ||
	    memchr_inv((u8 *)bar + sizeof(index), 0,
		       sizeof(*bar) - sizeof(index)))
		return -EINVAL;
	if (!READ_ONCE(lent->live))
		return -ENODEV;
	bar->size = pci_resource_len(lent->pdev, resource_of(index));
	flags = pci_resource_flags(lent->pdev, resource_of(index));
	if (!bar->size)
		return 0;
	if (flags & IORESOURCE_IO)
		bar->flags |= IOMMU_LITE_BAR_IO;
	if (flags & IORESOURCE_MEM_64)
		bar->flags |= IOMMU_LITE_BAR_64;
	if (flags & IORESOURCE_PREFETCH)
		bar->flags |= IOMMU_LITE_BAR_PREFETCH;
	if (index == IOMMU_LITE_ROM)
		bar->flags |= IOMMU_LITE_BAR_READONLY;
	if (can_map(lent, index)) {
		bar->flags |= IOMMU_LITE_BAR_MMAP;
		bar->offset = bar_offset(index, false);
		if (flags & IORESOURCE_PREFETCH) {
			bar->flags |= IOMMU_LITE_BAR_WC;
			bar->wc_offset = bar_offset(index, true);
		}
	}
	return 0;
}

static vm_fault_t bar_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct il_lent *lent = vma->vm_private_data;
	u64 offset = (u64)vmf->pgoff << PAGE_SHIFT;
	unsigned int index = (offset >> BAR_SHIFT) & ~BAR_WC;
	u64 at = offset & ((1ull << BAR_SHIFT) - 1);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	down_read(&lent->memory_lock);
	if (lent->live && lent->command & PCI_COMMAND_MEMORY)
		ret = vmf_insert_pfn(vma, vmf->address & PAGE_MASK,
				     (pci_resource_start(lent->pdev, index) +
				      at) >> PAGE_SHIFT);
	up_read(&lent->memory_lock);
	return ret;
}

static const struct vm_operations_struct bar_vm_ops = {
	.fault = bar_fault,
};

/*
 * The kernel keeps one memory type for each page of a machine. Pages that are
 * mapped uncached must not turn write-combining under their user.
 */
static int use_bar(struct il_lent *lent, unsigned int index,
		   enum il_bar_use use)
{
	struct il_bar *bar = lent->bars + index;
	int ret;

	if (bar->use == use)
		return 0;
	if (bar->use != IL_BAR_UNUSED)
		return -EBUSY;
	if (use == IL_BAR_WRITE_COMBINING) {
		ret = arch_io_reserve_memtype_wc(pci_resource_start(lent->pdev,
								    index),
						 pci_resource_len(lent->pdev,
								  index));
		if (ret)
			return ret;
	}
	bar->use = use;
	return 0;
}

static bool meets_pages(struct il_pages pages, u64 first, u64 last)
{
	return pages.first <= pages.last && pages.first <= last &&
	       first <= pages.last;
}

/**
 * il_lent_mmap() - map a BAR, or a part of one
 * @lent: the device
 * @vma: its offset says which
 *
 * Context: mmap_lock is held.
 *
 * Return: 0; -ENODEV; -EINVAL for what is no BAR, beyond its end or private;
 * -EACCES for pages with the MSI-X table or its pending bits, and for the
 * write-combining view of a BAR without one; -EBUSY where it is mapped the
 * other way.
 */
int il_lent_mmap(struct il_lent *lent, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 at = offset & ((1ull << BAR_SHIFT) - 1);
	u64 size = vma->vm_end - vma->vm_start;
	unsigned int number = offset >> BAR_SHIFT, index = number & ~BAR_WC;
	bool wc = number & BAR_WC;
	u64 first = at >> PAGE_SHIFT, last = (at + size - 1) >> PAGE_SHIFT;
	int ret;

	if (offset >> BAR_SHIFT > (BAR_WC | (IOMMU_LITE_BARS - 1)) ||
	    !(vma->vm_flags & VM_SHARED) || !can_map(lent, index) ||
	    at + size > pci_resource_len(lent->pdev, index))
		return -EINVAL;
	if (wc && !(pci_resource_flags(lent->pdev, index) &
		    IORESOURCE_PREFETCH))
		return -EACCES;
	if (meets_pages(il_span_pages(&lent->table, index), first, last) ||
	    meets_pages(il_span_pages(&lent->pba, index), first, last))
		return -EACCES;
	down_write(&lent->memory_lock);
	ret = lent->live ? use_bar(lent, index, wc ? IL_BAR_WRITE_COMBINING :
						     IL_BAR_UNCACHED) : -ENODEV;
	if (!ret)
		lent->mapping = vma->vm_file->f_mapping;
	up_write(&lent->memory_lock);
	if (ret)
		return ret;
	vma->vm_private_data = lent;
	vma->vm_ops = &bar_vm_ops;
	vma->vm_page_prot = wc ? pgprot_writecombine(vma->vm_page_prot) :
				 pgprot_noncached(vma->vm_page_prot);
	il_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

/**
 * il_lent_revoke() - take all mappings away, until they are touched again
 * @lent: its memory_lock is held for writing
 */
void il_lent_revoke(struct il_lent *lent)
{
	if (lent->mapping)
		unmap_mapping_range(lent->mapping, 0, 0, 1);
}

static int read_rom(struct il_lent *lent)
{
	void __iomem *rom;
	size_t size;

	if (lent->rom)
		return 0;
	/* Decoders may be shared: nobody else looks meanwhile (PCI 6.2.5.2) */
	down_write(&lent->memory_lock);
	il_lent_revoke(lent);
	rom = pci_map_rom(lent->pdev, &size);
	if (rom) {
		lent->rom = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (lent->rom)
			memcpy_fromio(lent->rom, rom, size);
		lent->rom_size = size;
		pci_unmap_rom(lent->pdev, rom);
	}
	up_write(&lent->memory_lock);
	if (!rom)
		return -EIO;
	return lent->rom ? 0 : -ENOMEM;
}

/* Beyond the image there is nothing */
static int access_rom(struct il_lent *lent, struct iommu_lite_access *access)
{
	int ret;

	if (access->flags & IOMMU_LITE_ACCESS_WRITE)
		return 0;
	ret = read_rom(lent);
	if (ret)
		return ret;
	access->value = 0;
	if (access->offset + access->size > lent->rom_size)
		memset(&access->value, 0xff, access->size);
	else
		memcpy(&access->value, lent->rom + access->offset,
		       access->size);
	return 0;
}

static void read_io(void __iomem *at, struct iommu_lite_access *access)
{
	switch (access->size) {
	case 1:
		access->value = ioread8(at);
		break;
	case 2:
		access->value = ioread16(at);
		break;
	case 4:
		access->value = ioread32(at);
		break;
	default:
		access->value = readq(at);
		break;
	}
}

static void write_io(void __iomem *at, const struct iommu_lite_access *access)
{
	switch (access->size) {
	case 1:
		iowrite8(access->value, at);
		break;
	case 2:
		iowrite16(access->value, at);
		break;
	case 4:
		iowrite32(access->value, at);
		break;
	default:
		writeq(access->value, at);
		break;
	}
	wmb();	/* it may be write-combining */
}

static int access_io(struct il_lent *lent, struct iommu_lite_access *access)
{
	struct il_bar *bar = lent->bars + access->index;
	bool write = access->flags & IOMMU_LITE_ACCESS_WRITE;
	bool ports = pci_resource_flags(lent->pdev, access->index) &
		     IORESOURCE_IO;

	if (ports && access->size == 8)
		return -EINVAL;
	if (!(READ_ONCE(lent->command) &
	      (ports ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		return -EIO;
	if (il_span_touches(&lent->table, access->index, access->offset,
			    access->size) ||
	    il_span_touches(&lent->pba, access->index, access->offset,
			    access->size)) {
		if (!write)
			access->value = 0;
		return 0;
	}
	if (!bar->io)
		bar->io = pci_iomap(lent->pdev, access->index, 0);
	if (!bar->io)
		return -ENOMEM;
	if (write)
		write_io(bar->io + access->offset, access);
	else
		read_io(bar->io + access->offset, access);
	return 0;
}

static bool access_is_sane(const struct iommu_lite_access *access)
{
	return !access->pad && !(access->flags & ~IOMMU_LITE_ACCESS_WRITE) &&
	       is_power_of_2(access->size) && access->size <= 8 &&
	       IS_ALIGNED(access->offset, access->size) &&
	       access->index <= IOMMU_LITE_ROM;
}

/**
 * il_lent_access_bar() - IOMMU_LITE_ACCESS_BAR
 * @object: of a device fd
 * @arg: .access
 *
 * May sleep.
 *
 * Return: 0; -EPERM; -ENODEV; -EINVAL for what is not in a BAR; -EIO where
 * the holder has decoding off, or the ROM does not answer; -ENOMEM.
 */
int il_lent_access_bar(struct il_object *object, union il_arg *arg)
{
	struct il_lent *lent = il_lent_of(object);
	struct iommu_lite_access *access = &arg->access;
	u64 size;
	int ret;

	if (IS_ERR(lent))
		return PTR_ERR(lent);
	if (!access_is_sane(access))
		return -EINVAL;
	mutex_lock(&lent->lock);
	size = pci_resource_len(lent->pdev, resource_of(access->index));
	if (!lent->live)
		ret = -ENODEV;
	else if (access->offset >= size || size - access->offset < access->size)
		ret = -EINVAL;
	else if (access->index == IOMMU_LITE_ROM)
		ret = access_rom(lent, access);
	else
		ret = access_io(lent, access);
	mutex_unlock(&lent->lock);
	return ret;
}

/**
 * il_lent_open_bars() - take the device's BARs
 * @lent: enabled
 *
 * Return: 0 or -EBUSY where a driver without a device uses them.
 */
int il_lent_open_bars(struct il_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	u32 place;

	lent->table.bar = PCI_STD_NUM_BARS;
	lent->pba.bar = PCI_STD_NUM_BARS;
	if (pdev->msix_cap) {
		u64 entries = pci_msix_vec_count(pdev);

		pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE,
				      &place);
		lent->table = (struct il_span){
			.bar = place & PCI_MSIX_TABLE_BIR,
			.offset = place & PCI_MSIX_TABLE_OFFSET,
			.size = entries * PCI_MSIX_ENTRY_SIZE,
		};
		pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_PBA,
				      &place);
		lent->pba = (struct il_span){
			.bar = place & PCI_MSIX_PBA_BIR,
			.offset = place & PCI_MSIX_PBA_OFFSET,
			.size = DIV_ROUND_UP(entries, 64) * 8,
		};
	}
	return pci_request_selected_regions(pdev,
					    pci_select_bars(pdev,
							    IORESOURCE_MEM |
							    IORESOURCE_IO),
					    IL_PPT_NAME);
}

/**
 * il_lent_close_bars() - give the device's BARs back
 * @lent: no longer live; nothing is mapped
 */
void il_lent_close_bars(struct il_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	unsigned int index;

	for (index = 0; index < IOMMU_LITE_BARS; index++) {
		struct il_bar *bar = lent->bars + index;

		if (bar->io)
			pci_iounmap(pdev, bar->io);
		if (bar->use == IL_BAR_WRITE_COMBINING)
			arch_io_free_memtype_wc(pci_resource_start(pdev, index),
						pci_resource_len(pdev, index));
		*bar = (struct il_bar){};
	}
	kvfree(lent->rom);
	lent->rom = NULL;
	pci_release_selected_regions(pdev,
				     pci_select_bars(pdev, IORESOURCE_MEM |
							   IORESOURCE_IO));
}
