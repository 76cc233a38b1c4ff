// SPDX-License-Identifier: GPL-2.0-only
/*
 * The configuration space of a lent device, as the guest sees it: header, BARs and the
 * capabilities below are the runner's, the rest is read from the device and cannot be
 * written. A capability that is not in the table is not in the list.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "lent.h"

#define HEADER_SIZE		0x40	/* of the part that all functions have */

/* Bits that a write of 1 clears (PCI 3.0, section 6.2.3; PCIe 3.0, section 7.8.5) */
#define STATUS_CLEARED		0xf900
#define DEVICE_STATUS_CLEARED	0x000f

/*
 * The module shows one extended capability, the serial number, as the first and only one
 * (PCIe 3.0, section 7.12); everything else there is 0.
 */
static int read_all(struct lent *lent)
{
	for (unsigned int at = 0; at < PCI_CONFIG_SIZE + PCI_EXT_CAP_DSN_SIZEOF; at += 4) {
		u32 value;
		int ret = iommu_read_config(lent->fd, at, 4, &value);

		if (ret)
			return ret;
		pci_put32(lent->pci.config, at, value);
	}
	return 0;
}

/* The runner's own, for good. */
static void emulate(struct lent *lent, unsigned int at, unsigned int size)
{
	memset(lent->live + at, 0, size);
}

static void show_pm(struct lent *lent, u8 at)
{
	u8 *config = lent->pci.config;
	u16 pmc = pci_get16(config, at + PCI_PM_PMC);

	/*
	 * The device stays in D0, and no PME comes. A driver that puts it to sleep and
	 * wakes it finds it as it was, which is what No_Soft_Reset says (PCI PM 1.2, 3.2.4).
	 */
	pci_put16(config, at + PCI_PM_PMC, pmc & ~PCI_PM_CAP_PME_MASK);
	pci_put32(config, at + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	pci_put16(lent->pci.writable, at + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
	emulate(lent, at, PCI_PM_SIZEOF);
}

static void show_msi(struct lent *lent, u8 at)
{
	u8 *writable = lent->pci.writable;
	u8 *config = lent->pci.config;
	u16 flags = pci_get16(config, at + PCI_MSI_FLAGS) &
		    (PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	unsigned int data = flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32;
	unsigned int size = data + 2, order = 0;

	while (2u << order <= lent->irq.info.msi)
		order++;
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		size = data + 12;
	memset(config + at + PCI_MSI_FLAGS, 0, size - PCI_MSI_FLAGS);
	pci_put16(config, at + PCI_MSI_FLAGS, flags | order << 1);
	pci_put16(writable, at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	pci_put32(writable, at + PCI_MSI_ADDRESS_LO, ~3u);
	if (flags & PCI_MSI_FLAGS_64BIT)
		pci_put32(writable, at + PCI_MSI_ADDRESS_HI, ~0u);
	pci_put16(writable, at + data, 0xffff);
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		pci_put32(writable, at + data + 4, (1ull << lent->irq.info.msi) - 1);
	emulate(lent, at, size);
}

static void show_msix(struct lent *lent, u8 at)
{
	const struct iommu_lite_irq_info *info = &lent->irq.info;
	u8 *config = lent->pci.config;

	pci_put16(config, at + PCI_MSIX_FLAGS, info->msix - 1);
	pci_put16(lent->pci.writable, at + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_put32(config, at + PCI_MSIX_TABLE, info->msix_table_offset | info->msix_table_bar);
	pci_put32(config, at + PCI_MSIX_PBA, info->msix_pba_offset | info->msix_pba_bar);
	emulate(lent, at, PCI_CAP_MSIX_SIZEOF);
	lent->irq.msix.cap = at;
}

/*
 * On the guest's bus 0 there is no link above the device, so an endpoint is one of the
 * root complex, without registers of link and slot (PCIe 3.0, sections 1.3.2.3 and 7.8).
 */
static void show_express(struct lent *lent, u8 at)
{
	u8 *config = lent->pci.config;
	u8 *writable = lent->pci.writable;
	u16 flags = pci_get16(config, at + PCI_EXP_FLAGS) & (PCI_EXP_FLAGS_VERS |
							     PCI_EXP_FLAGS_TYPE);
	u32 capability = pci_get32(config, at + PCI_EXP_DEVCAP);
	bool second = (flags & PCI_EXP_FLAGS_VERS) >= 2;
	unsigned int size = second ? PCI_EXP_LNKCAP2 : PCI_EXP_LNKCAP;
	u32 timeouts = second ? pci_get32(config, at + PCI_EXP_DEVCAP2) : 0;
	u8 type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;

	if (type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END)
		flags = (flags & PCI_EXP_FLAGS_VERS) | PCI_EXP_TYPE_RC_END << 4;
	memset(config + at + PCI_EXP_FLAGS, 0, size - PCI_EXP_FLAGS);
	pci_put16(config, at + PCI_EXP_FLAGS, flags);
	pci_put32(config, at + PCI_EXP_DEVCAP, capability);
	pci_put16(writable, at + PCI_EXP_DEVCTL,
		  capability & PCI_EXP_DEVCAP_FLR ? 0xffff : (u16)~PCI_EXP_DEVCTL_BCR_FLR);
	/* Completion timeouts, of all that the second structure knows. */
	if (second) {
		pci_put32(config, at + PCI_EXP_DEVCAP2, timeouts & 0x1f);
		pci_put16(writable, at + PCI_EXP_DEVCTL2, 0x1f);
	}
	emulate(lent, at, size);

	pci_put16(lent->live, at + PCI_EXP_DEVSTA, 0x3f);
	pci_put16(writable, at + PCI_EXP_DEVSTA, DEVICE_STATUS_CLEARED);
	pci_put16(lent->forward, at + PCI_EXP_DEVSTA, DEVICE_STATUS_CLEARED);
}

static void show_af(struct lent *lent, u8 at)
{
	u8 *config = lent->pci.config;

	config[at + PCI_AF_LENGTH] = PCI_CAP_AF_SIZEOF;
	config[at + PCI_AF_CTRL] = 0;
	config[at + PCI_AF_STATUS] = 0;
	if (config[at + PCI_AF_CAP] & PCI_AF_CAP_FLR)
		lent->pci.writable[at + PCI_AF_CTRL] = PCI_AF_CTRL_FLR;
	emulate(lent, at, PCI_CAP_AF_SIZEOF);
}

/* Read-only, and as the device has it now: to know it harms nobody. */
static void show_as_is(struct lent *lent, u8 at)
{
	emulate(lent, at, PCI_CAP_SIZEOF);
}

/**
 * struct capability - one that the guest may see
 * @id: PCI_CAP_ID_*
 * @size: bytes that must be there
 * @show: fill it in at an offset of configuration space
 */
static const struct capability {
	u8 id;
	u8 size;
	void (*show)(struct lent *lent, u8 at);
} capabilities[] = {
	{ PCI_CAP_ID_PM, PCI_PM_SIZEOF, show_pm },
	{ PCI_CAP_ID_MSI, 24, show_msi },
	{ PCI_CAP_ID_VNDR, 3, show_as_is },
	{ PCI_CAP_ID_EXP, PCI_EXP_LNKCAP2, show_express },
	{ PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF, show_msix },
	{ PCI_CAP_ID_SATA, 8, show_as_is },
	{ PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF, show_af },
};

static const struct capability *find_capability(const struct lent *lent, u8 id, u8 at)
{
	if ((id == PCI_CAP_ID_MSI && !lent->irq.info.msi) ||
	    (id == PCI_CAP_ID_MSIX && !lent->irq.info.msix))
		return NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (capabilities[i].id == id && at + capabilities[i].size <= PCI_CONFIG_SIZE)
			return &capabilities[i];
	return NULL;
}

static void show_capabilities(struct lent *lent)
{
	u8 *config = lent->pci.config;
	unsigned int link = PCI_CAPABILITY_LIST;
	u8 at = config[PCI_CAPABILITY_LIST] & ~3;
	bool has_list = config[PCI_STATUS] & PCI_STATUS_CAP_LIST;
	u64 seen = 0;	/* a bit for each place: a list may be a circle */

	config[PCI_CAPABILITY_LIST] = 0;
	config[PCI_STATUS] &= ~PCI_STATUS_CAP_LIST;
	while (has_list && at >= HEADER_SIZE && !(seen >> (at / 4) & 1)) {
		u8 id = config[at + PCI_CAP_LIST_ID];
		u8 next = config[at + PCI_CAP_LIST_NEXT] & ~3;
		const struct capability *capability = find_capability(lent, id, at);

		/* A second one of a kind that the runner emulates is not shown. */
		if (capability && (!lent->caps[id] || capability->show == show_as_is)) {
			capability->show(lent, at);
			lent->caps[id] = at;
			config[link] = at;
			config[at + PCI_CAP_LIST_NEXT] = 0;
			config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
			link = at + PCI_CAP_LIST_NEXT;
		}
		seen |= 1ull << (at / 4);
		at = next;
	}
}

static void show_header(struct lent *lent)
{
	struct pci_device *dev = &lent->pci;

	pci_put16(dev->config, PCI_COMMAND, 0);
	pci_put16(dev->writable, PCI_COMMAND,
		  PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		  PCI_COMMAND_INTX_DISABLE);
	pci_put16(lent->forward, PCI_COMMAND,
		  PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR);
	pci_put16(lent->live, PCI_STATUS, (u16)~PCI_STATUS_CAP_LIST);
	pci_put16(dev->writable, PCI_STATUS, STATUS_CLEARED);
	pci_put16(lent->forward, PCI_STATUS, STATUS_CLEARED);
	dev->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	dev->config[PCI_HEADER_TYPE] &= 0x7f;	/* the guest has this function only */
	dev->config[PCI_BIST] = 0;
	memset(dev->config + PCI_BASE_ADDRESS_0, 0, 4 * PCI_BARS);
	pci_put32(dev->config, PCI_ROM_ADDRESS, 0);
	dev->config[PCI_INTERRUPT_PIN] = lent->irq.info.intx ? 1 : 0;
	dev->writable[PCI_INTERRUPT_LINE] = 0xff;
}

/* What the device has in these bytes now, where the guest sees that. */
static void reading(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	struct lent *lent = container_of(dev, struct lent, pci);

	for (unsigned int at = offset & ~3u; at < offset + size; at += 4) {
		u32 live = pci_get32(lent->live, at);
		u32 value = ~0u;

		if (!live)
			continue;
		if (!lent->gone)
			iommu_read_config(lent->fd, at, 4, &value);
		pci_put32(dev->config, at, (pci_get32(dev->config, at) & ~live) | (value & live));
	}
	if (lent->gone) {
		memset(dev->config + offset, 0xff, size);
	} else if (lent->caps[PCI_CAP_ID_MSI]) {
		u8 *cap = dev->config + lent->caps[PCI_CAP_ID_MSI];
		u16 flags = pci_get16(cap, PCI_MSI_FLAGS);

		if (flags & PCI_MSI_FLAGS_MASKBIT)
			pci_put32(cap, flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_PENDING_64 :
				  PCI_MSI_PENDING_32, msix_pba_read(&lent->irq.msi, 0, 4));
	}
}

static bool touches(unsigned int offset, unsigned int size, unsigned int first,
		    unsigned int bytes)
{
	return offset < first + bytes && first < offset + size;
}

/* A word at a time: bits that a 1 clears are in words of their own. */
static void forward(struct lent *lent, unsigned int offset, unsigned int size)
{
	for (unsigned int at = offset & ~1u; at < offset + size; at += 2) {
		u16 mask = pci_get16(lent->forward, at);
		u16 value = pci_get16(lent->pci.config, at) & mask;
		u32 own = 0;

		if (!mask)
			continue;
		if (at == PCI_COMMAND) {
			iommu_read_config(lent->fd, at, 2, &own);
			value |= own & ~mask;
		}
		iommu_write_config(lent->fd, at, 2, value);
	}
}

static bool wants_reset(struct lent *lent)
{
	u8 *config = lent->pci.config;
	u8 express = lent->caps[PCI_CAP_ID_EXP], af = lent->caps[PCI_CAP_ID_AF];

	return (express && (pci_get16(config, express + PCI_EXP_DEVCTL) &
			    PCI_EXP_DEVCTL_BCR_FLR)) ||
	       (af && (config[af + PCI_AF_CTRL] & PCI_AF_CTRL_FLR));
}

static void written(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	struct lent *lent = container_of(dev, struct lent, pci);
	u8 msi = lent->caps[PCI_CAP_ID_MSI], msix = lent->caps[PCI_CAP_ID_MSIX];

	if (lent->gone)
		return;
	if (wants_reset(lent)) {
		lent_reset(lent);
		return;
	}
	forward(lent, offset, size);
	if (touches(offset, size, PCI_COMMAND, 2) ||
	    (msi && touches(offset, size, msi, 24)) ||
	    (msix && touches(offset, size, msix, PCI_CAP_MSIX_SIZEOF)))
		lent_irq_update(lent);
}

/**
 * lent_config_init() - make the guest's configuration space of the device's
 * @lent: the device, with its interrupts; it gets its BARs afterwards
 *
 * Return: 0, or a negative errno after a message.
 */
int lent_config_init(struct lent *lent)
{
	int ret;

	lent->pci.name = lent->name;
	lent->pci.reading = reading;
	lent->pci.written = written;
	lent->pci.decode = lent_bar_decode;
	ret = read_all(lent);
	if (ret)
		return fail(ret, "cannot read the configuration space of %s: %s", lent->name,
			    strerror(-ret));
	memset(lent->live + HEADER_SIZE, 0xff, PCI_CONFIG_SIZE - HEADER_SIZE);
	show_header(lent);
	show_capabilities(lent);
	return 0;
}

/**
 * lent_config_reset() - what a reset of the function leaves of the guest's settings
 * @lent: the device, its bus's lock held; its interrupts are off
 *
 * All that the guest can write is 0 again (PCIe 3.0, section 6.6.2), and no BAR is
 * decoded; what cannot be written is not touched.
 */
void lent_config_reset(struct lent *lent)
{
	struct pci_device *dev = &lent->pci;

	for (unsigned int i = 0; i < PCI_EXT_CONFIG_SIZE; i++)
		dev->config[i] &= ~dev->writable[i];
	pci_update_decoding(dev->pci);
}
