// SPDX-License-Identifier: GPL-2.0-only
/* What PCI functions have in common: header, BAR, capabilities, INTx. */
#include <assert.h>
#include <linux/pci_regs.h>

#include "pci.h"

#define CAPABILITIES_START	0x40

/**
 * pci_put16() - store a little-endian value in configuration space
 * @config: configuration space
 * @offset: to PCI_CONFIG_SIZE - 2
 * @value: what
 */
void pci_put16(u8 *config, unsigned int offset, u16 value)
{
	config[offset] = value;
	config[offset + 1] = value >> 8;
}

/**
 * pci_put32() - store a little-endian value in configuration space
 * @config: configuration space
 * @offset: to PCI_CONFIG_SIZE - 4
 * @value: what
 */
void pci_put32(u8 *config, unsigned int offset, u32 value)
{
	pci_put16(config, offset, value);
	pci_put16(config, offset + 2, value >> 16);
}

/**
 * pci_get16() - read a little-endian value of configuration space
 * @config: configuration space
 * @offset: to PCI_CONFIG_SIZE - 2
 *
 * Return: the value.
 */
u16 pci_get16(const u8 *config, unsigned int offset)
{
	return config[offset] | config[offset + 1] << 8;
}

/**
 * pci_get32() - read a little-endian value of configuration space
 * @config: configuration space
 * @offset: to PCI_CONFIG_SIZE - 4
 *
 * Return: the value.
 */
u32 pci_get32(const u8 *config, unsigned int offset)
{
	return pci_get16(config, offset) | (u32)pci_get16(config, offset + 2) << 16;
}

/**
 * pci_make_function() - fill in the header of a function (PCI 3.0, section 6.1)
 * @dev: a device not yet on a bus
 * @vendor: vendor id
 * @device: device id
 * @class: class, subclass and interface
 */
void pci_make_function(struct pci_device *dev, u16 vendor, u16 device, u32 class)
{
	pci_put16(dev->config, PCI_VENDOR_ID, vendor);
	pci_put16(dev->config, PCI_DEVICE_ID, device);
	pci_put32(dev->config, PCI_CLASS_REVISION, class << 8);
	dev->config[PCI_INTERRUPT_PIN] = 1;	/* INTA */
	dev->writable[PCI_INTERRUPT_LINE] = 0xff;
	dev->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	pci_put16(dev->writable, PCI_COMMAND,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

/**
 * pci_make_bar() - give a function BAR 0, of memory with 64-bit addresses
 * @dev: a device not yet on a bus; its @bar has name and functions
 * @size: a power of 2, from 16 bytes to 2 GiB
 *
 * The bits of the address that the size leaves are writable, which is what
 * the guest finds out the size by (PCI 3.0, section 6.2.5.1).
 */
void pci_make_bar(struct pci_device *dev, u64 size)
{
	dev->bar.size = size;
	pci_put32(dev->config, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_64);
	pci_put32(dev->writable, PCI_BASE_ADDRESS_0, ~(u32)(size - 1));
	pci_put32(dev->writable, PCI_BASE_ADDRESS_1, ~0u);
}

/**
 * pci_add_capability() - make room at the end of the capability list
 * @dev: a device not yet on a bus
 * @id: capability's id
 * @size: bytes, with id and next pointer; all must fit in configuration space
 *
 * Return: offset of the capability.
 */
u8 pci_add_capability(struct pci_device *dev, u8 id, unsigned int size)
{
	unsigned int at = dev->free_cap ? dev->free_cap : CAPABILITIES_START;

	assert(at + size < PCI_CONFIG_SIZE);
	dev->config[dev->last_cap ? dev->last_cap + PCI_CAP_LIST_NEXT
				  : PCI_CAPABILITY_LIST] = at;
	dev->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	dev->config[at + PCI_CAP_LIST_ID] = id;
	dev->last_cap = at;
	dev->free_cap = ALIGN_UP(at + size, 4);
	return at;
}

static u64 bar_address(const struct pci_device *dev)
{
	u32 low = pci_get32(dev->config, PCI_BASE_ADDRESS_0);

	return (low & (u32)PCI_BASE_ADDRESS_MEM_MASK) |
	       (u64)pci_get32(dev->config, PCI_BASE_ADDRESS_1) << 32;
}

static bool bar_enabled(const struct pci_device *dev)
{
	return dev->bar.size &&
	       (pci_get16(dev->config, PCI_COMMAND) & PCI_COMMAND_MEMORY);
}

static void decode(struct pci_device *dev, bool on)
{
	dev->decoded = on;
	if (dev->decode)
		dev->decode(dev, on);
}

/**
 * pci_update_decoding() - let BARs answer where the guest has put them
 * @pci: the bus, its lock held
 *
 * A BAR that overlaps another that answers already stays silent until one of
 * them moves.
 */
void pci_update_decoding(struct pci_bus *pci)
{
	for (unsigned int i = 0; i < PCI_SLOTS; i++) {
		struct pci_device *dev = pci->slots[i];

		if (!dev || !dev->decoded ||
		    (bar_enabled(dev) && bar_address(dev) == dev->bar.start))
			continue;
		decode(dev, false);
		bus_remove(pci->mmio, &dev->bar);
	}
	for (unsigned int i = 0; i < PCI_SLOTS; i++) {
		struct pci_device *dev = pci->slots[i];

		if (!dev || dev->decoded || !bar_enabled(dev))
			continue;
		dev->bar.start = bar_address(dev);
		if (!bus_add(pci->mmio, &dev->bar))
			decode(dev, true);
	}
}

/* Lines are shared: one is high while any of its devices wants it to be. */
static void update_line(struct pci_bus *pci, unsigned int line)
{
	bool level = false;

	for (unsigned int i = line; i < PCI_SLOTS; i += PCI_GSIS) {
		const struct pci_device *dev = pci->slots[i];

		level |= dev && dev->intx && !dev->intx_disabled;
	}
	if (level == pci->lines[line])
		return;
	pci->lines[line] = level;
	pci->irqchip->set_line(pci->irqchip, PCI_GSI_BASE + line, level);
}

/**
 * pci_set_intx() - assert or release a function's INTA
 * @dev: the function
 * @level: assert it
 *
 * Context: any thread, also with the device's lock; takes the bus's intx_lock.
 */
void pci_set_intx(struct pci_device *dev, bool level)
{
	struct pci_bus *pci = dev->pci;

	pthread_mutex_lock(&pci->intx_lock);
	dev->intx = level;
	update_line(pci, dev->slot % PCI_GSIS);
	pthread_mutex_unlock(&pci->intx_lock);
}

/**
 * pci_update_intx() - follow the Interrupt Disable bit (PCI 3.0, section 6.2.2)
 * @dev: the function, its bus's lock held
 */
void pci_update_intx(struct pci_device *dev)
{
	struct pci_bus *pci = dev->pci;

	pthread_mutex_lock(&pci->intx_lock);
	dev->intx_disabled = pci_get16(dev->config, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
	update_line(pci, dev->slot % PCI_GSIS);
	pthread_mutex_unlock(&pci->intx_lock);
}
