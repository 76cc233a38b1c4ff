/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where Debian's kernels differ. The HAVE_ names come from probes of the
 * kernel's headers in Kbuild.
 */
#ifndef IOMMU_LITE_COMPAT_H
#define IOMMU_LITE_COMPAT_H

#include <linux/eventfd.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/syscore_ops.h>
#include <linux/vmstat.h>

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
