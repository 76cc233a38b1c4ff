/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One PCI bus behind a host bridge: configuration mechanism 1.
 *
 * Locks, outermost first: the port bus's (read), pci_bus.lock, the MMIO bus's
 * (write), a device's own, pci_bus.intx_lock. A device's MMIO handler runs with
 * the MMIO bus's lock (read), so nothing may take pci_bus.lock there.
 */
#ifndef VMXL_PCI_H
#define VMXL_PCI_H

#include "bus.h"
#include "irqchip.h"
#include "reset.h"

#define PCI_CONFIG_SIZE	256
#define PCI_SLOTS	32

/* INTA of slot S is GSI 16 + S % 8: as _PRT in dsdt.asl and mptable.c have it. */
#define PCI_GSI_BASE	16
#define PCI_GSIS	8

/* Where BARs are put at the start: in the window of _CRS in dsdt.asl. */
#define PCI_MMIO_BASE	0xc0000000u

struct pci_bus;

/**
 * struct pci_device - function 0 of a slot; part of a device
 * @name: for traces
 * @config: configuration space, guarded by the bus's lock
 * @writable: bits that the guest may change, as a mask over @config
 * @bar: BAR 0, of 64 bits; size 0 without one; @bar.start is the bus's
 * @reading: called with the lock held before a read; may be NULL
 * @written: called with the lock held after a write of @size bytes at
 *	@offset; may be NULL
 * @decode: BAR 0 begins or ends to answer at @bar.start; with the lock held;
 *	may be NULL
 */
struct pci_device {
	const char *name;
	u8 config[PCI_CONFIG_SIZE];
	u8 writable[PCI_CONFIG_SIZE];
	struct io_region bar;
	void (*reading)(struct pci_device *dev, unsigned int offset, unsigned int size);
	void (*written)(struct pci_device *dev, unsigned int offset, unsigned int size);
	void (*decode)(struct pci_device *dev, bool on);

	struct pci_bus *pci;		/* read-only after pci_add() */
	unsigned int slot;		/* the same */
	bool decoded;			/* BAR 0 is on the MMIO bus; pci_bus.lock */
	u8 last_cap, free_cap;		/* of the capability list; before pci_add() */
	bool intx, intx_disabled;	/* pci_bus.intx_lock */
};

struct pci_bus {
	struct io_region address;	/* 0xCF8 to 0xCFB */
	struct io_region data;		/* 0xCFC to 0xCFF */
	struct reset *reset;
	struct bus *mmio;
	struct irqchip *irqchip;
	pthread_mutex_t lock;
	u32 select;			/* guarded by @lock */
	struct pci_device *slots[PCI_SLOTS];	/* guarded by @lock */
	struct pci_device bridge;
	pthread_mutex_t intx_lock;
	bool lines[PCI_GSIS];		/* guarded by @intx_lock */
	u32 next_bar;			/* where the next BAR is put; before the guest runs */
};

int pci_init(struct pci_bus *pci, struct bus *ports, struct bus *mmio,
	     struct irqchip *irqchip, struct reset *reset);
void pci_destroy(struct pci_bus *pci, struct bus *ports);
int pci_add(struct pci_bus *pci, unsigned int slot, struct pci_device *dev);
void pci_remove(struct pci_bus *pci, struct pci_device *dev);
u32 pci_config_read(struct pci_bus *pci, unsigned int bdf, unsigned int offset,
		    unsigned int size);
void pci_config_write(struct pci_bus *pci, unsigned int bdf, unsigned int offset,
		      unsigned int size, u32 value);

/* pci-device.c */
void pci_put16(u8 *config, unsigned int offset, u16 value);
void pci_put32(u8 *config, unsigned int offset, u32 value);
u16 pci_get16(const u8 *config, unsigned int offset);
u32 pci_get32(const u8 *config, unsigned int offset);
void pci_make_function(struct pci_device *dev, u16 vendor, u16 device, u32 class);
void pci_make_bar(struct pci_device *dev, u64 size);
u8 pci_add_capability(struct pci_device *dev, u8 id, unsigned int size);
void pci_update_decoding(struct pci_bus *pci);
void pci_set_intx(struct pci_device *dev, bool level);
void pci_update_intx(struct pci_device *dev);

#endif /* VMXL_PCI_H */
