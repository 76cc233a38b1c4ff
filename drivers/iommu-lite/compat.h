/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where Debian's kernels differ. The HAVE_ names come from probes of the
 * kernel's headers in Kbuild.
 */
#ifndef IOMMU_LITE_COMPAT_H
#define IOMMU_LITE_COMPAT_H

#include <linux/anon_inodes.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/syscore_ops.h>
#include <linux/vmstat.h>

#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#ifdef HAVE_IOMMU_SETUP_DMA_OPS
#include <linux/dma-map-ops.h>
#endif

/*
 * The core frees table pages of a flush queue itself, and where it accounts
 * them it expects that they have been accounted.
 */
static inline void il_account_table(struct page *page, int pages)
{
#ifdef HAVE_NR_IOMMU_PAGES
	mod_node_page_state(page_pgdat(page), NR_IOMMU_PAGES, pages);
	mod_lruvec_page_state(page, NR_SECONDARY_PAGETABLE, pages);
#endif
}

static inline void il_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef HAVE_EVENTFD_SIGNAL_1ARG
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

static inline void il_vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
#ifdef HAVE_VM_FLAGS_SET
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline bool il_has_driver_override(struct pci_dev *pdev)
{
#ifdef HAVE_DEVICE_DRIVER_OVERRIDE
	/* Whether there is one, not which: its lock has nothing to guard */
	return READ_ONCE(pdev->dev.driver_override.name);
#else
	return pdev->driver_override;
#endif
}

static inline void il_scatter_vectors(struct irq_alloc_info *info)
{
#ifdef HAVE_X86_CONTIGUOUS_VECTORS
	info->flags &= ~X86_IRQ_ALLOC_CONTIGUOUS_VECTORS;
#endif
}

/* A file descriptor with an inode of its own, whose mappings can be undone */
static inline int il_own_inode_getfd(const char *name,
				     const struct file_operations *fops,
				     void *data, int flags)
{
#ifdef HAVE_ANON_INODE_CREATE_GETFILE
	int fd = get_unused_fd_flags(flags);
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_create_getfile(name, fops, data, flags, NULL);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
#else
	return anon_inode_getfd_secure(name, fops, data, flags, NULL);
#endif
}

/* Older cores leave pointers to the ops in the buses: nobody else may */
static inline void il_clear_bus_ops(void)
{
#ifdef HAVE_BUS_IOMMU_OPS
	pci_bus_type.iommu_ops = NULL;
	platform_bus_type.iommu_ops = NULL;
#endif
}

/* Older cores have the driver switch a device's DMA ops */
static inline void il_setup_dma_ops(struct device *dev)
{
#ifdef HAVE_IOMMU_SETUP_DMA_OPS
	set_dma_ops(dev, NULL);
	iommu_setup_dma_ops(dev, 0, U64_MAX);
#endif
}

static inline void il_reset_dma_ops(struct device *dev)
{
#ifdef HAVE_IOMMU_SETUP_DMA_OPS
	set_dma_ops(dev, NULL);
#endif
}

#endif
