// SPDX-License-Identifier: GPL-2.0-only
/*
 * One PCI bus behind a host bridge: configuration mechanism 1 (PCI Local Bus
 * 3.0, section 3.2.2.3.2), and the enhanced one of PCI Express (PCI Express
 * Base 3.0, section 7.2.2).
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

/* Only bus 0 exists. */
static struct pci_device *device_at(struct pci_bus *pci, unsigned int bdf)
{
	struct pci_device *dev = bdf < PCI_SLOTS << 3 ? pci->slots[bdf >> 3] : NULL;
	unsigned int function = bdf & 7;

	return dev && function ? dev->functions[function - 1] : dev;
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
	if (dev && offset <= PCI_EXT_CONFIG_SIZE - size) {
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
	if (!dev || offset > PCI_EXT_CONFIG_SIZE - size)
		goto out;
	for (unsigned int i = 0; i < size; i++) {
		u8 mask = dev->writable[offset + i];
		u8 *byte = &dev->config[offset + i];

		*byte = (*byte & ~mask) | ((value >> (8 * i)) & mask);
	}
	if (offset < PCI_CAPABILITY_LIST)
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

static u64 ecam_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, ecam);

	if (size > 4)
		return ~0ULL;
	return pci_config_read(pci, offset / PCI_EXT_CONFIG_SIZE, offset % PCI_EXT_CONFIG_SIZE,
			       size);
}

static void ecam_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, ecam);

	if (size <= 4)
		pci_config_write(pci, offset / PCI_EXT_CONFIG_SIZE,
				 offset % PCI_EXT_CONFIG_SIZE, size, value);
}

/* Room in a window; 0 if there is none. */
static u64 take(u64 *next, u64 end, u64 size)
{
	u64 at = ALIGN_UP(*next, size);

	if (at >= end || size > end - at)
		return 0;
	*next = at + size;
	return at;
}

static u64 take_for(struct pci_bus *pci, struct pci_device *dev, unsigned int index)
{
	u64 size = dev->bars[index].region.size;
	u64 at;

	if (pci_bar_is_io(dev, index))
		return take(&pci->next_io, PCI_PORTS_END, size);
	/* A page of its own each: what is mapped for one is not another's. */
	size = MAX(size, 4096);
	at = take(&pci->next_memory, PCI_MMIO_END, size);
	if (!at && pci_bar_is_64(dev, index))
		at = take(&pci->next_memory64, pci->end_memory64, size);
	return at;
}

/* As firmware does it, since some guests do not. Decoding is theirs to enable. */
static int place_bars(struct pci_bus *pci, struct pci_device *dev)
{
	for (unsigned int i = 0; i < PCI_REGIONS; i++) {
		unsigned int reg = pci_bar_register(i);
		u64 at;

		if (!dev->bars[i].region.size)
			continue;
		at = take_for(pci, dev, i);
		if (!at)
			return -ENOSPC;
		pci_put32(dev->config, reg,
			  at | (pci_get32(dev->config, reg) & ~pci_get32(dev->writable, reg)));
		if (pci_bar_is_64(dev, i))
			pci_put32(dev->config, reg + 4, at >> 32);
	}
	return 0;
}

/**
 * pci_open_window64() - allow BARs at PCI_MMIO64_BASE, if nothing else is there
 * @pci: the bus; the guest does not run yet
 * @ram_end: where RAM ends
 * @address_bits: width of a guest-physical address
 */
void pci_open_window64(struct pci_bus *pci, u64 ram_end, unsigned int address_bits)
{
	if (ram_end <= PCI_MMIO64_BASE && PCI_MMIO64_END - 1 <= (1ULL << address_bits) - 1)
		pci->end_memory64 = PCI_MMIO64_END;
}

/**
 * pci_free_slot() - find a place for a device
 * @pci: the bus
 *
 * Return: the first free slot; PCI_SLOTS, which pci_add() refuses, if there is none.
 */
unsigned int pci_free_slot(struct pci_bus *pci)
{
	unsigned int slot = 0;

	pthread_mutex_lock(&pci->lock);
	while (slot < PCI_SLOTS && pci->slots[slot])
		slot++;
	pthread_mutex_unlock(&pci->lock);
	return slot;
}

/**
 * pci_add() - put a device into a slot, its BARs into the windows for BARs
 * @pci: the bus; the guest does not run yet
 * @slot: 1 to PCI_SLOTS - 1
 * @dev: stays the caller's
 *
 * Return: 0; -EINVAL for a slot that cannot be; -EBUSY for a slot in use; -ENOSPC
 * if the BARs are larger than the windows.
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
			dev->config[PCI_INTERRUPT_LINE] = PCI_GSI_BASE + pci_line(dev);
		ret = place_bars(pci, dev);
		if (ret)
			dev->pci = NULL;
		else
			pci->slots[slot] = dev;
		for (unsigned int i = 0; i < ARRAY_SIZE(dev->functions); i++)
			if (dev->functions[i])
				dev->functions[i]->pci = pci;
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

static u64 io_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, io_window);

	return bus_read(&pci->io, region->start + offset, size);
}

static void io_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct pci_bus *pci = container_of(region, struct pci_bus, io_window);

	bus_write(&pci->io, region->start + offset, size, value);
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
 * @mmio: where BARs and ECAM answer
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
		.ecam = {
			.start = PCI_ECAM_BASE,
			.size = PCI_ECAM_SIZE,
			.name = "pci-ecam",
			.read = ecam_read,
			.write = ecam_write,
			/* A write may move BARs on the same bus. */
			.permanent = true,
		},
		.io_window = {
			.start = PCI_PORTS_BASE,
			.size = PCI_PORTS_END - PCI_PORTS_BASE,
			.name = "pci-io",
			.read = io_read,
			.write = io_write,
		},
		.reset = reset,
		.mmio = mmio,
		.irqchip = irqchip,
		.next_io = PCI_PORTS_BASE,
		.next_memory = PCI_MMIO_BASE,
		.next_memory64 = PCI_MMIO64_BASE,
	};
	pthread_mutex_init(&pci->lock, NULL);
	pthread_mutex_init(&pci->intx_lock, NULL);
	bridge_init(pci, &pci->bridge);
	pci->slots[0] = &pci->bridge;

	/* A bus of their own: ports move while the port bus's lock is held. */
	ret = bus_init(&pci->io, PCI_PORTS_END - 1);
	if (!ret)
		ret = bus_add(ports, &pci->address);
	if (!ret)
		ret = bus_add(ports, &pci->data);
	if (!ret)
		ret = bus_add(mmio, &pci->ecam);
	return ret ? ret : bus_add(ports, &pci->io_window);
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
	bus_remove(ports, &pci->io_window);
	bus_remove(pci->mmio, &pci->ecam);
	bus_destroy(&pci->io);
	pthread_mutex_destroy(&pci->intx_lock);
	pthread_mutex_destroy(&pci->lock);
}
