/* SPDX-License-Identifier: GPL-2.0-only */
/* One PCI bus behind a host bridge: configuration mechanism 1. */
#ifndef VMXL_PCI_H
#define VMXL_PCI_H

#include "bus.h"
#include "reset.h"

#define PCI_CONFIG_SIZE	256
#define PCI_SLOTS	32

struct pci_bus;

/**
 * struct pci_device - function 0 of a slot; part of a device
 * @name: for traces
 * @config: configuration space, guarded by the bus's lock
 * @writable: bits that the guest may change, as a mask over @config
 * @written: called with the lock held after a write of @size bytes at
 *	@offset; may be NULL
 */
struct pci_device {
	const char *name;
	u8 config[PCI_CONFIG_SIZE];
	u8 writable[PCI_CONFIG_SIZE];
	void (*written)(struct pci_device *dev, unsigned int offset, unsigned int size);
};

struct pci_bus {
	struct io_region address;	/* 0xCF8 to 0xCFB */
	struct io_region data;		/* 0xCFC to 0xCFF */
	struct reset *reset;
	pthread_mutex_t lock;
	u32 select;			/* guarded by @lock */
	struct pci_device *slots[PCI_SLOTS];	/* guarded by @lock */
	struct pci_device bridge;
};

int pci_init(struct pci_bus *pci, struct bus *ports, struct reset *reset);
void pci_destroy(struct pci_bus *pci, struct bus *ports);
int pci_add(struct pci_bus *pci, unsigned int slot, struct pci_device *dev);
u32 pci_config_read(struct pci_bus *pci, unsigned int bdf, unsigned int offset,
		    unsigned int size);
void pci_config_write(struct pci_bus *pci, unsigned int bdf, unsigned int offset,
		      unsigned int size, u32 value);
void pci_put16(u8 *config, unsigned int offset, u16 value);
void pci_put32(u8 *config, unsigned int offset, u32 value);

#endif /* VMXL_PCI_H */
