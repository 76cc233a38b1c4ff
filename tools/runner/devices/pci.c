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

/* Only function 0 of bus 0 exists. */
static struct pci_device *device_at(struct pci_bus *pci, unsigned int bdf)
{
	return bdf < PCI_SLOTS << 3 && !(bdf & 7) ? pci->slots[bdf >> 3] : NULL;
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

/**
 * pci_add() - put a device into a slot
 * @pci: the bus
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
	if (pci->slots[slot])
		ret = -EBUSY;
	else
		pci->slots[slot] = dev;
	pthread_mutex_unlock(&pci->lock);
	return ret;
}

static void bridge_init(struct pci_device *dev)
{
	*dev = (struct pci_device) { .name = "host-bridge" };
	pci_put16(dev->config, PCI_VENDOR_ID, BRIDGE_VENDOR);
	pci_put16(dev->config, PCI_DEVICE_ID, BRIDGE_DEVICE);
	pci_put32(dev->config, PCI_CLASS_REVISION, CLASS_BRIDGE_HOST << 8);
}

/**
 * pci_init() - make a PCI bus with its host bridge
 * @pci: the bus
 * @ports: port bus
 * @reset: answers at port 0xCF9, inside the address port
 *
 * Return: 0 or the errno of bus_add().
 */
int pci_init(struct pci_bus *pci, struct bus *ports, struct reset *reset)
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
	};
	pthread_mutex_init(&pci->lock, NULL);
	bridge_init(&pci->bridge);
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
	pthread_mutex_destroy(&pci->lock);
}
