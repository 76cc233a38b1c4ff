/* SPDX-License-Identifier: GPL-2.0-only */
/* The chipset that firmware knows: Intel's 440FX with a PIIX. */
#ifndef VMXL_I440FX_H
#define VMXL_I440FX_H

#include "irqchip.h"
#include "pci.h"

struct guest_ram;

#define I440FX_SEGMENTS		13
#define I440FX_ROM_SIZE		0x20000		/* bytes of ROM that end at 1 MiB */
#define PIIX_SLOT		1

/**
 * struct i440fx - host bridge with shadow RAM; ISA bridge and power management
 * @rom: the last I440FX_ROM_SIZE bytes of firmware
 * @seen: PAM attributes as guest memory is now; the PCI bus's lock
 */
struct i440fx {
	struct io_region shadow;	/* 768 KiB to 1 MiB */
	struct pci_bus *pci;
	struct irqchip *irqchip;
	const struct guest_ram *ram;
	u8 *rom;
	struct pci_device bridge;
	struct pci_device isa;
	struct pci_device pm;
	u8 seen[I440FX_SEGMENTS];
};

int i440fx_init(struct i440fx *chipset, struct pci_bus *pci, struct irqchip *irqchip,
		const struct guest_ram *ram, void *rom);
void i440fx_destroy(struct i440fx *chipset);

#endif /* VMXL_I440FX_H */
