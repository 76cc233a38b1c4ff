// SPDX-License-Identifier: GPL-2.0-only
/* What PCI functions have in common: header, BARs, capabilities, INTx. */
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
		  PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

/**
 * pci_bar_register() - where a BAR is in configuration space
 * @index: 0 to 5, or PCI_ROM_BAR
 *
 * Return: its offset.
 */
unsigned int pci_bar_register(unsigned int index)
{
	return index == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * index;
}

/**
 * pci_bar_is_io() - is a BAR one of ports?
 * @dev: the function
 * @index: 0 to 5, or PCI_ROM_BAR
 *
 * Return: whether it is.
 */
bool pci_bar_is_io(const struct pci_device *dev, unsigned int index)
{
	return index != PCI_ROM_BAR &&
	       (dev->config[pci_bar_register(index)] & PCI_BASE_ADDRESS_SPACE_IO);
}

/**
 * pci_bar_is_64() - does a BAR go on in the next one?
 * @dev: the function
 * @index: 0 to 5, or PCI_ROM_BAR
 *
 * Return: whether it does.
 */
bool pci_bar_is_64(const struct pci_device *dev, unsigned int index)
{
	u8 low = dev->config[pci_bar_register(index)];

	return index < PCI_BARS - 1 && !(low & PCI_BASE_ADDRESS_SPACE_IO) &&
	       (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

/**
 * pci_make_bar() - give a function a BAR or an expansion ROM
 * @dev: a device not yet on a bus; the BAR's region has name and functions
 * @index: 0 to 5, or PCI_ROM_BAR
 * @type: PCI_BASE_ADDRESS_SPACE_IO, PCI_BASE_ADDRESS_MEM_*; 0 for the ROM
 * @size: a power of 2; from 4 bytes for ports, 16 for memory, 2 KiB for the ROM;
 *	more than 2 GiB only for one of 64 bits, which takes the next index, too
 *
 * The bits of the address that the size leaves are writable, which is what
 * the guest finds out the size by (PCI 3.0, section 6.2.5.1).
 */
void pci_make_bar(struct pci_device *dev, unsigned int index, u32 type, u64 size)
{
	unsigned int at = pci_bar_register(index);
	u64 writable = ~(size - 1);
	u32 enable = index == PCI_ROM_BAR ? PCI_ROM_ADDRESS_ENABLE : 0;

	dev->bars[index].dev = dev;
	dev->bars[index].region.size = size;
	pci_put32(dev->config, at, type);
	pci_put32(dev->writable, at, writable | enable);
	if (pci_bar_is_64(dev, index))
		pci_put32(dev->writable, at + 4, writable >> 32);
	dev->writable[PCI_COMMAND] |= pci_bar_is_io(dev, index) ? PCI_COMMAND_IO
								: PCI_COMMAND_MEMORY;
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

static u64 bar_address(const struct pci_device *dev, unsigned int index)
{
	unsigned int at = pci_bar_register(index);
	u64 address = pci_get32(dev->config, at);

	if (index == PCI_ROM_BAR)
		return address & (u32)PCI_ROM_ADDRESS_MASK;
	if (pci_bar_is_io(dev, index))
		return address & (u32)PCI_BASE_ADDRESS_IO_MASK;
	if (pci_bar_is_64(dev, index))
		address |= (u64)pci_get32(dev->config, at + 4) << 32;
	return address & PCI_BASE_ADDRESS_MEM_MASK;
}

static bool bar_enabled(const struct pci_device *dev, unsigned int index)
{
	u16 command = pci_get16(dev->config, PCI_COMMAND);

	if (!dev->bars[index].region.size)
		return false;
	if (index == PCI_ROM_BAR &&
	    !(dev->config[PCI_ROM_ADDRESS] & PCI_ROM_ADDRESS_ENABLE))
		return false;
	return command & (pci_bar_is_io(dev, index) ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

static struct bus *bus_of(struct pci_device *dev, unsigned int index)
{
	return pci_bar_is_io(dev, index) ? &dev->pci->io : dev->pci->mmio;
}

static void decode(struct pci_device *dev, unsigned int index, bool on)
{
	dev->bars[index].decoded = on;
	if (dev->decode)
		dev->decode(dev, index, on);
}

static void stop_decoding(struct pci_device *dev)
{
	for (unsigned int i = 0; i < PCI_REGIONS; i++) {
		struct pci_bar *bar = &dev->bars[i];

		if (!bar->decoded ||
		    (bar_enabled(dev, i) && bar_address(dev, i) == bar->region.start))
			continue;
		decode(dev, i, false);
		bus_remove(bus_of(dev, i), &bar->region);
	}
}

static void start_decoding(struct pci_device *dev)
{
	for (unsigned int i = 0; i < PCI_REGIONS; i++) {
		struct pci_bar *bar = &dev->bars[i];

		if (bar->decoded || !bar_enabled(dev, i))
			continue;
		bar->region.start = bar_address(dev, i);
		if (!bus_add(bus_of(dev, i), &bar->region))
			decode(dev, i, true);
	}
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
	for (unsigned int i = 0; i < PCI_SLOTS; i++)
		if (pci->slots[i])
			stop_decoding(pci->slots[i]);
	for (unsigned int i = 0; i < PCI_SLOTS; i++)
		if (pci->slots[i])
			start_decoding(pci->slots[i]);
}

/**
 * pci_line() - the line that a function's interrupt pin is wired to
 * @dev: the function, in its slot, with a pin
 *
 * Return: 0 to PCI_GSIS - 1: the GSI but for PCI_GSI_BASE.
 */
unsigned int pci_line(const struct pci_device *dev)
{
	return (dev->slot + dev->config[PCI_INTERRUPT_PIN] - 1) % PCI_GSIS;
}

/* Lines are shared: one is high while any of its devices wants it to be. */
static void update_line(struct pci_bus *pci, unsigned int line)
{
	bool level = false;

	for (unsigned int i = 0; i < PCI_SLOTS; i++) {
		const struct pci_device *dev = pci->slots[i];

		level |= dev && dev->intx && !dev->intx_disabled && pci_line(dev) == line;
	}
	if (level == pci->lines[line])
		return;
	pci->lines[line] = level;
	pci->irqchip->set_line(pci->irqchip, PCI_GSI_BASE + line, level);
}

/**
 * pci_set_intx() - assert or release a function's interrupt pin
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
	update_line(pci, pci_line(dev));
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
	update_line(pci, pci_line(dev));
	pthread_mutex_unlock(&pci->intx_lock);
}
