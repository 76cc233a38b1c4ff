// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupts of a lent device. iommu-lite signals an eventfd for each, and vmx-lite
 * turns it into the guest's message or pin: the runner only joins them when the guest
 * programs them.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lent.h"

/* All, masked or not: what comes while the guest has one masked gathers in its eventfd. */
static int set_vectors(struct lent *lent, enum iommu_lite_irq_type type, struct msix *msix,
		       unsigned int count)
{
	int *fds, ret;

	if (!msix_open(msix))
		return -EMFILE;
	fds = malloc(count * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		fds[i] = msix->vectors[i].fd;
	ret = iommu_set_irqs(lent->fd, type, fds, count, -1);
	free(fds);
	return ret;
}

static void explain(struct lent *lent, int ret)
{
	if (ret && !lent->gone)
		lent_complain(lent, "gets no interrupts", ret);
}

static u8 msi_cap(const struct lent *lent)
{
	return lent->caps[PCI_CAP_ID_MSI];
}

static u16 msi_flags(const struct lent *lent)
{
	return pci_get16(lent->pci.config, msi_cap(lent) + PCI_MSI_FLAGS);
}

/* Messages the guest allows: a power of 2 (PCI 3.0, section 6.8.1.3). */
static unsigned int msi_count(const struct lent *lent)
{
	unsigned int count = 1u << ((msi_flags(lent) & PCI_MSI_FLAGS_QSIZE) >> 4);

	return MIN(count, lent->irq.msi.nr);
}

static void program_msi(struct lent *lent)
{
	const u8 *cap = lent->pci.config + msi_cap(lent);
	bool wide = msi_flags(lent) & PCI_MSI_FLAGS_64BIT;
	u64 address = pci_get32(cap, PCI_MSI_ADDRESS_LO);
	unsigned int count = msi_count(lent);
	u32 masks = 0;
	u16 data;

	if (wide)
		address |= (u64)pci_get32(cap, PCI_MSI_ADDRESS_HI) << 32;
	data = pci_get16(cap, wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
	if (msi_flags(lent) & PCI_MSI_FLAGS_MASKBIT)
		masks = pci_get32(cap, wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
	/* The device puts the vector into the low bits of the data. */
	for (unsigned int i = 0; i < lent->irq.msi.nr; i++)
		msix_program(&lent->irq.msi, i, address, (data & ~(count - 1)) | i,
			     i >= count || (masks >> i & 1));
}

static void intx_route(struct lent *lent, bool on)
{
	struct irqchip *chip = lent->board->irqchip;
	struct lent_irq *irq = &lent->irq;

	if (on == irq->intx_routed)
		return;
	irq->intx_routed = on;
	if (!on) {
		chip->unroute_msi(chip, irq->intx_fd);
		return;
	}
	explain(lent, chip->route_pin(chip, irq->intx_fd,
				      PCI_GSI_BASE + pci_line(&lent->pci),
				      irq->resample_fd));
	/* Nobody heard of an EOI in between: the device may be masked since. */
	eventfd_write(irq->resample_fd, 1);
}

static enum lent_irq_mode wanted_mode(const struct lent *lent)
{
	const struct lent_irq *irq = &lent->irq;
	const u8 *config = lent->pci.config;

	if (lent->gone)
		return LENT_NO_IRQ;
	if (irq->msix.cap &&
	    (pci_get16(config, irq->msix.cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE))
		return LENT_MSIX;
	if (msi_cap(lent) && (msi_flags(lent) & PCI_MSI_FLAGS_ENABLE))
		return LENT_MSI;
	return irq->info.intx ? LENT_INTX : LENT_NO_IRQ;
}

static void switch_off(struct lent *lent)
{
	struct lent_irq *irq = &lent->irq;

	switch (irq->mode) {
	case LENT_MSIX:
		iommu_set_irqs(lent->fd, IOMMU_LITE_IRQ_MSIX, NULL, 0, -1);
		break;
	case LENT_MSI:
		iommu_set_irqs(lent->fd, IOMMU_LITE_IRQ_MSI, NULL, 0, -1);
		msix_enable(&irq->msi, false, false);
		break;
	case LENT_INTX:
		intx_route(lent, false);
		iommu_set_irqs(lent->fd, IOMMU_LITE_IRQ_INTX, NULL, 0, -1);
		break;
	case LENT_NO_IRQ:
		break;
	}
	irq->mode = LENT_NO_IRQ;
}

static void switch_on(struct lent *lent, enum lent_irq_mode mode)
{
	struct lent_irq *irq = &lent->irq;
	int ret = 0;

	switch (mode) {
	case LENT_MSIX:
		ret = set_vectors(lent, IOMMU_LITE_IRQ_MSIX, &irq->msix, irq->msix.nr);
		break;
	case LENT_MSI:
		ret = set_vectors(lent, IOMMU_LITE_IRQ_MSI, &irq->msi, msi_count(lent));
		break;
	case LENT_INTX:
		ret = iommu_set_irqs(lent->fd, IOMMU_LITE_IRQ_INTX, &irq->intx_fd, 1,
				     irq->resample_fd);
		break;
	case LENT_NO_IRQ:
		break;
	}
	irq->mode = mode;
	explain(lent, ret);
}

/**
 * lent_irq_update() - let interrupts follow configuration space
 * @lent: the device, its bus's lock held
 *
 * MSI-X goes before MSI, either before INTx (PCI 3.0, section 6.8).
 */
void lent_irq_update(struct lent *lent)
{
	struct lent_irq *irq = &lent->irq;
	enum lent_irq_mode mode = wanted_mode(lent);
	u16 command = pci_get16(lent->pci.config, PCI_COMMAND);

	if (mode != irq->mode)
		switch_off(lent);
	if (irq->msix.cap)
		msix_control_written(&irq->msix, &lent->pci);
	if (mode == LENT_MSI) {
		program_msi(lent);
		msix_enable(&irq->msi, true, false);
	}
	if (mode != irq->mode)
		switch_on(lent, mode);
	if (mode == LENT_INTX)
		intx_route(lent, !(command & PCI_COMMAND_INTX_DISABLE));
}

/**
 * lent_irq_off() - no interrupt comes any more, none is pending
 * @lent: the device, its bus's lock held, or on no bus
 */
void lent_irq_off(struct lent *lent)
{
	switch_off(lent);
	msix_reset(&lent->irq.msix);
	msix_reset(&lent->irq.msi);
}

/* A large device has more vectors than a process usually has descriptors. */
static void allow_eventfds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/**
 * lent_irq_init() - learn how the device interrupts
 * @lent: the device
 *
 * Return: 0, or a negative errno after a message; lent_irq_destroy() is due in any case.
 */
int lent_irq_init(struct lent *lent)
{
	struct irqchip *chip = lent->board->irqchip;
	struct lent_irq *irq = &lent->irq;
	int ret, failed;

	irq->intx_fd = -1;
	irq->resample_fd = -1;
	ret = iommu_get_irq_info(lent->fd, &irq->info);
	if (ret)
		memset(&irq->info, 0, sizeof(irq->info));
	/* What would not fit the capability is not there. */
	if (irq->info.msix > PCI_MSIX_FLAGS_QSIZE + 1 || irq->info.msix_table_bar >= PCI_BARS ||
	    irq->info.msix_pba_bar >= PCI_BARS)
		irq->info.msix = 0;
	irq->info.msi = MIN(irq->info.msi, LENT_MSI_MAX);

	failed = msix_init(&irq->msi, chip, irq->info.msi);
	ret = ret ? ret : failed;
	failed = msix_init(&irq->msix, chip, irq->info.msix);
	ret = ret ? ret : failed;
	allow_eventfds();
	if (!ret && irq->info.intx) {
		irq->intx_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		irq->resample_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (irq->intx_fd < 0 || irq->resample_fd < 0)
			ret = -errno;
	}
	return ret ? fail(ret, "cannot set up the interrupts of %s: %s", lent->name,
			  strerror(-ret)) : 0;
}

/**
 * lent_irq_destroy() - undo lent_irq_init(), whether it succeeded or not
 * @lent: the device, on no bus, closed
 */
void lent_irq_destroy(struct lent *lent)
{
	struct lent_irq *irq = &lent->irq;

	msix_destroy(&irq->msi);
	msix_destroy(&irq->msix);
	if (irq->intx_fd >= 0)
		close(irq->intx_fd);
	if (irq->resample_fd >= 0)
		close(irq->resample_fd);
}
