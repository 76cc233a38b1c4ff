// SPDX-License-Identifier: GPL-2.0-only
/*
 * One PCI bus behind a host bridge: configuration mechanism 1 (PCI Local Bus
 * 3.0, section 3.2.2.3.2).
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "pci.h"

#define PCI_ADDRESS_PORT	0xcf8
#define PCI_ADDRESS_ENABLE	0x80000000u
#define PCI_ADDRESS_MASK	0x80fffffcu

#define BRIDGE_VENDOR		0x8086
#define BRIDGE_DEVICE		0x0d57
#define CLASS_BRIDGE_HOST	0x060000

/* Only function 0 of bus 0 exists. */
static struct pci_device *device_at(struct pci_bus *pci, unsigned int bdf)
{
	return bdf < PCI_SLOTS << 3 && !(bdf & 7) ? pci->slots[bdf >> 3] : NULL;
}

/* Interrupt Status tells the line's state, disabled or not (PCI 3.0, 6.2.3). */
static void prepare_read(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	pthread_mutex_lock(&dev->pci->intx_lock);
	dev->config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
	if (dev->intx)
		dev->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	pthread_mutex_unlock(&dev->pci->intx_lock);
	if (dev->reading)
		dev->reading(dev, offset, size);
}

/**
 * pci_config_read() - a guest's read of configuration space
 * @pci: the bus
 * @bdf: bus << 8 | device << 3 | function
 * @offset: byte
 * @size: 1, 2 or 4
 *
 * Return: the value; all ones where there is no device or no register.
 */
u32 pci_config_read(struct pci_bus *pci, unsigned int bdf, unsigned int offset,
		    unsigned int size)
{
	struct pci_device *dev;
	u32 value = ~0u;

	pthread_mutex_lock(&pci->lock);
	dev = device_at(pci, bdf);
	if (dev && offset <= PCI_CONFIG_SIZE - size) {
		prepare_read(dev, offset, size);
		value = 0;
		memcpy(&value, dev->config + offset, size);
	}
	pthread_mutex_unlock(&pci->lock);
	return value;
}

/**
 * pci_config_write() - a guest's write to configuration space
 * @pci: the bus
 * @bdf: bus << 8 | device << 3 | function
 * @offset: byte
 * @size: 1, 2 or 4
 * @value: what
 */
void pci_config_write(struct pci_bus *pci, unsigned int bdf, unsigned int offset,
		      unsigned int size, u32 value)
{
	struct pci_device *dev;

	pthread_mutex_lock(&pci->lock);
	dev = device_at(pci, bdf);
	if (!dev || offset > PCI_CONFIG_SIZE - size)
		goto out;
	for (unsigned int i = 0; i < size; i++) {
		u8 mask = dev->writable[offset + i];
		u8 *byte = &dev->config[offset + i];

		*byte = (*byte & ~mask) | ((value >> (8 * i)) & mask);
	}
	if (offset < PCI_BASE_ADDRESS_2)
		pci_update_decoding(pci);
	if (offset < PCI_STATUS)
		pci_update_intx(dev);
	if (dev->written)
		dev->written(dev, offset, size);
out:
	pthread_mutex_unlock(&pci->lock);
}

static u64 address_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, address);
	u64 value;

	if (offset == RESET_CONTROL_PORT - PCI_ADDRESS_PORT && size == 1)
		return reset_control_read(pci->reset);
	/* Only a 4-byte access reaches the address register. */
	if (size != 4)
		return ~0ULL;
	pthread_mutex_lock(&pci->lock);
	value = pci->select;
	pthread_mutex_unlock(&pci->lock);
	return value;
}

static void address_write(struct io_region *region, u64 offset, unsigned int size,
			  u64 value)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, address);

	if (offset == RESET_CONTROL_PORT - PCI_ADDRESS_PORT && size == 1) {
		reset_control_write(pci->reset, value);
		return;
	}
	if (size != 4)
		return;
	pthread_mutex_lock(&pci->lock);
	pci->select = value & PCI_ADDRESS_MASK;
	pthread_mutex_unlock(&pci->lock);
}

static u32 selected(struct pci_bus *pci)
{
	u32 select;

	pthread_mutex_lock(&pci->lock);
	select = pci->select;
	pthread_mutex_unlock(&pci->lock);
	return select;
}

static u64 data_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, data);
	u32 select = selected(pci);

	if (!(select & PCI_ADDRESS_ENABLE))
		return ~0ULL;
	return pci_config_read(pci, (select >> 8) & 0xffff, (select & 0xfc) + offset, size);
}

static void data_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, data);
	u32 select = selected(pci);

	if (select & PCI_ADDRESS_ENABLE)
		pci_config_write(pci, (select >> 8) & 0xffff, (select & 0xfc) + offset,
				 size, value);
}

/* As firmware does it, since some guests do not. Decoding is theirs to enable. */
static void place_bar(struct pci_bus *pci, struct pci_device *dev)
{
	u32 at = ALIGN_UP(pci->next_bar, MAX(dev->bar.size, 4096));

	if (!dev->bar.size)
		return;
	pci->next_bar = at + dev->bar.size;
	pci_put32(dev->config, PCI_BASE_ADDRESS_0,
		  at | pci_get32(dev->config, PCI_BASE_ADDRESS_0));
}

/**
 * pci_add() - put a device into a slot, its BAR into the window for BARs
 * @pci: the bus; the guest does not run yet
 * @slot: 1 to PCI_SLOTS - 1
 * @dev: stays the caller's
 *
 * Return: 0; -EINVAL for a slot that cannot be; -EBUSY for a slot in use.
 */
int pci_add(struct pci_bus *pci, unsigned int slot, struct pci_device *dev)
{
	int ret = 0;

	if (slot >= PCI_SLOTS)
		return -EINVAL;
	pthread_mutex_lock(&pci->lock);
	if (pci->slots[slot]) {
		ret = -EBUSY;
	} else {
		dev->pci = pci;
		dev->slot = slot;
		if (dev->config[PCI_INTERRUPT_PIN])
			dev->config[PCI_INTERRUPT_LINE] = PCI_GSI_BASE + slot % PCI_GSIS;
		place_bar(pci, dev);
		pci->slots[slot] = dev;
	}
	pthread_mutex_unlock(&pci->lock);
	return ret;
}

/**
 * pci_remove() - take a device out of its slot
 * @pci: the bus; the guest does not run any more
 * @dev: the device; nothing happens if it is in no slot
 *
 * No function of the device runs any more on return.
 */
void pci_remove(struct pci_bus *pci, struct pci_device *dev)
{
	if (!dev->pci)
		return;
	pthread_mutex_lock(&pci->lock);
	pci_put16(dev->config, PCI_COMMAND, 0);
	pci_update_decoding(pci);
	pthread_mutex_lock(&pci->intx_lock);
	pci->slots[dev->slot] = NULL;
	pthread_mutex_unlock(&pci->intx_lock);
	pthread_mutex_unlock(&pci->lock);
	dev->pci = NULL;
}

static void bridge_init(struct pci_bus *pci, struct pci_device *dev)
{
	*dev = (struct pci_device) { .name = "host-bridge", .pci = pci };
	pci_put16(dev->config, PCI_VENDOR_ID, BRIDGE_VENDOR);
	pci_put16(dev->config, PCI_DEVICE_ID, BRIDGE_DEVICE);
	pci_put32(dev->config, PCI_CLASS_REVISION, CLASS_BRIDGE_HOST << 8);
}

/**
 * pci_init() - make a PCI bus with its host bridge
 * @pci: the bus
 * @ports: port bus
 * @mmio: where BARs answer
 * @irqchip: where INTx goes
 * @reset: answers at port 0xCF9, inside the address port
 *
 * Return: 0 or the errno of bus_add().
 */
int pci_init(struct pci_bus *pci, struct bus *ports, struct bus *mmio,
	     struct irqchip *irqchip, struct reset *reset)
{
	int ret;

	*pci = (struct pci_bus) {
		.address = {
			.start = PCI_ADDRESS_PORT,
			.size = 4,
			.name = "pci-address",
			.read = address_read,
			.write = address_write,
		},
		.data = {
			.start = PCI_ADDRESS_PORT + 4,
			.size = 4,
			.name = "pci-data",
			.read = data_read,
			.write = data_write,
		},
		.reset = reset,
		.mmio = mmio,
		.irqchip = irqchip,
		.next_bar = PCI_MMIO_BASE,
	};
	pthread_mutex_init(&pci->lock, NULL);
	pthread_mutex_init(&pci->intx_lock, NULL);
	bridge_init(pci, &pci->bridge);
	pci->slots[0] = &pci->bridge;

	ret = bus_add(ports, &pci->address);
	return ret ? ret : bus_add(ports, &pci->data);
}

/**
 * pci_destroy() - undo pci_init()
 * @pci: the bus
 * @ports: the bus it is on
 */
void pci_destroy(struct pci_bus *pci, struct bus *ports)
{
	bus_remove(ports, &pci->address);
	bus_remove(ports, &pci->data);
	pthread_mutex_destroy(&pci->intx_lock);
	pthread_mutex_destroy(&pci->lock);
}
