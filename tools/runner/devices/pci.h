/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One PCI bus behind a host bridge: configuration mechanism 1, and memory-mapped
 * configuration space (ECAM).
 *
 * Locks, outermost first: the port bus's (read), pci_bus.lock, the MMIO bus's
 * or pci_bus.io's (write), a device's own, pci_bus.intx_lock. A device's handler
 * runs with its bus's lock (read), so nothing may take pci_bus.lock there.
 */
#ifndef VMXL_PCI_H
#define VMXL_PCI_H

#include "bus.h"
#include "irqchip.h"
#include "reset.h"

#define PCI_CONFIG_SIZE		256	/* what mechanism 1 reaches */
#define PCI_EXT_CONFIG_SIZE	4096	/* what ECAM reaches */
#define PCI_SLOTS	32

/*
 * INTA of slot S is GSI 16 + S % 8, INTB the next and so on: as _PRT in dsdt.asl and
 * mptable.c have it.
 */
#define PCI_GSI_BASE	16
#define PCI_GSIS	8
#define PCI_PINS	4

/* ECAM of bus 0, as in MCFG, the memory map and dsdt.asl. */
#define PCI_ECAM_BASE	0xfeb00000u
#define PCI_ECAM_BUS_SIZE	0x100000u
#define PCI_ECAM_SIZE	PCI_ECAM_BUS_SIZE

/* Where BARs are put at the start: the windows of _CRS in dsdt.asl. */
#define PCI_MMIO_BASE	0xc0000000u
#define PCI_MMIO_END	PCI_ECAM_BASE
#define PCI_MMIO64_BASE	0x2000000000ull
#define PCI_MMIO64_END	0x4000000000ull
#define PCI_PORTS_BASE	0x1000u
#define PCI_PORTS_END	0x10000u

#define PCI_BARS	6
#define PCI_ROM_BAR	6	/* index of the expansion ROM */
#define PCI_REGIONS	7

struct pci_bus;
struct pci_device;

/**
 * struct pci_bar - BAR or expansion ROM of a function
 * @region: who answers; @region.size is 0 without one, @region.start the bus's
 * @dev: the function; set by pci_make_bar()
 * @decoded: it is on its bus; pci_bus.lock
 */
struct pci_bar {
	struct io_region region;
	struct pci_device *dev;
	bool decoded;
};

/**
 * struct pci_device - function of a slot; part of a device
 * @name: for traces
 * @config: configuration space, guarded by the bus's lock
 * @writable: bits that the guest may change, as a mask over @config
 * @bars: by index; PCI_ROM_BAR is the expansion ROM
 * @reading: called with the lock held before a read; may be NULL
 * @written: called with the lock held after a write of @size bytes at
 *	@offset; may be NULL
 * @functions: functions 1 to 7 of the slot, if this is function 0; without BARs and INTx
 * @decode: a BAR begins or ends to answer at its @region.start; with the lock
 *	held; may be NULL
 */
struct pci_device {
	const char *name;
	u8 config[PCI_EXT_CONFIG_SIZE];
	u8 writable[PCI_EXT_CONFIG_SIZE];
	struct pci_bar bars[PCI_REGIONS];
	struct pci_device *functions[7];
	void (*reading)(struct pci_device *dev, unsigned int offset, unsigned int size);
	void (*written)(struct pci_device *dev, unsigned int offset, unsigned int size);
	void (*decode)(struct pci_device *dev, unsigned int index, bool on);

	struct pci_bus *pci;		/* read-only after pci_add() */
	unsigned int slot;		/* the same */
	u8 last_cap, free_cap;		/* of the capability list; before pci_add() */
	bool intx, intx_disabled;	/* pci_bus.intx_lock */
};

struct pci_bus {
	struct io_region address;	/* 0xCF8 to 0xCFB */
	struct io_region data;		/* 0xCFC to 0xCFF */
	struct io_region ecam;
	struct reset *reset;
	struct bus *mmio;
	struct irqchip *irqchip;
	pthread_mutex_t lock;
	u32 select;			/* guarded by @lock */
	struct pci_device *slots[PCI_SLOTS];	/* guarded by @lock */
	struct pci_device bridge;
	pthread_mutex_t intx_lock;
	bool lines[PCI_GSIS];		/* guarded by @intx_lock */
	struct io_region io_window;	/* ports PCI_PORTS_BASE to PCI_PORTS_END, answered by @io */
	struct bus io;
	/* Where the next BAR is put; before the guest runs. */
	u64 next_io, next_memory, next_memory64, end_memory64;
};

int pci_init(struct pci_bus *pci, struct bus *ports, struct bus *mmio,
	     struct irqchip *irqchip, struct reset *reset);
void pci_destroy(struct pci_bus *pci, struct bus *ports);
void pci_open_window64(struct pci_bus *pci, u64 ram_end, unsigned int address_bits);
unsigned int pci_free_slot(struct pci_bus *pci);
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
void pci_make_bar(struct pci_device *dev, unsigned int index, u32 type, u64 size);
unsigned int pci_bar_register(unsigned int index);
bool pci_bar_is_io(const struct pci_device *dev, unsigned int index);
bool pci_bar_is_64(const struct pci_device *dev, unsigned int index);
u8 pci_add_capability(struct pci_device *dev, u8 id, unsigned int size);
void pci_update_decoding(struct pci_bus *pci);
unsigned int pci_line(const struct pci_device *dev);
void pci_set_intx(struct pci_device *dev, bool level);
void pci_update_intx(struct pci_device *dev);

#endif /* VMXL_PCI_H */
