// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chipset that SeaBIOS and OVMF know: Intel's 440FX (290549) with a PIIX (290562),
 * as far as they look: ids, shadow RAM (PAM registers), and the base of ACPI's registers,
 * which is fixed, as if the firmware had set it already.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "acpipm.h"
#include "boot.h"
#include "i440fx.h"

#define VENDOR_INTEL		0x8086
#define DEVICE_440FX		0x1237
#define DEVICE_PIIX3_ISA	0x7000
#define DEVICE_PIIX4_PM		0x7113
#define CLASS_BRIDGE_HOST	0x060000
#define CLASS_BRIDGE_ISA	0x060100
#define CLASS_BRIDGE_OTHER	0x068000
/* Without these SeaBIOS takes the machine for real hardware. */
#define SUBSYSTEM_VENDOR	0x1af4
#define SUBSYSTEM_DEVICE	0x1100
#define PM_FUNCTION		3

#define PAM0			0x59
#define PAM_LAST		0x5f
#define PAM_READ		1	/* reads go to RAM, not to ROM */
#define PAM_WRITE		2
#define PAM_START		0xc0000
#define PAM_SIZE		0x4000	/* of all segments but the last */
#define PAM_LAST_START		0xf0000
#define PAM_LAST_SIZE		0x10000
#define PAM_NOTHING		0xff	/* of @seen: nothing is mapped */

#define PM_BASE			0x40
#define PM_BASE_IO		1
#define PM_DEVACTB		0x58
#define PM_DEVACTB_APMC		(1u << 25)	/* SMI by port 0xB2 is set up: there is no SMM */
#define PM_MISC			0x80
#define PM_MISC_IO		1	/* the registers at PM_BASE are on */
#define PIRQ_ROUTE		0x60	/* 4 bytes */
#define PIRQ_OFF		0x80

static u64 segment_start(unsigned int i)
{
	return i == I440FX_SEGMENTS - 1 ? PAM_LAST_START : PAM_START + i * PAM_SIZE;
}

static u64 segment_size(unsigned int i)
{
	return i == I440FX_SEGMENTS - 1 ? PAM_LAST_SIZE : PAM_SIZE;
}

/* PAM0's upper half is the last segment, then each register has two. */
static u8 attributes(const struct i440fx *chipset, unsigned int i)
{
	const u8 *pam = chipset->bridge.config + PAM0;
	u8 bits = i == I440FX_SEGMENTS - 1 ? pam[0] >> 4 : pam[1 + i / 2] >> (i % 2 * 4);

	return bits & (PAM_READ | PAM_WRITE);
}

static bool is_rom(u64 gpa)
{
	return gpa >= BOOT_HIGH - I440FX_ROM_SIZE;
}

static void hide(struct i440fx *chipset, unsigned int i)
{
	u64 gpa = segment_start(i);

	if (chipset->seen[i] != PAM_NOTHING &&
	    ((chipset->seen[i] & PAM_READ) || is_rom(gpa)))
		chipset->irqchip->unmap(chipset->irqchip, gpa, segment_size(i));
	chipset->seen[i] = PAM_NOTHING;
}

static int show(struct i440fx *chipset, unsigned int i, u8 attr)
{
	struct irqchip *irqchip = chipset->irqchip;
	u64 gpa = segment_start(i), size = segment_size(i);
	char *ram = ram_at(chipset->ram, gpa, size);
	int ret = 0;

	if (attr == PAM_READ)
		ret = irqchip->map_rom(irqchip, gpa, ram, size);
	else if (attr & PAM_READ)
		ret = irqchip->map(irqchip, gpa, ram, size);
	else if (is_rom(gpa))
		ret = irqchip->map_rom(irqchip, gpa,
				       chipset->rom + (gpa - (BOOT_HIGH - I440FX_ROM_SIZE)),
				       size);
	if (!ret)
		chipset->seen[i] = attr;
	return ret;
}

static int update_shadow(struct i440fx *chipset)
{
	int ret = 0;

	for (unsigned int i = 0; i < I440FX_SEGMENTS && !ret; i++) {
		u8 attr = attributes(chipset, i);

		if (attr == chipset->seen[i])
			continue;
		hide(chipset, i);
		ret = show(chipset, i, attr);
	}
	return ret;
}

static void bridge_written(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	struct i440fx *chipset = container_of(dev, struct i440fx, bridge);

	if (offset <= PAM_LAST && offset + size > PAM0 && update_shadow(chipset))
		note("the module refuses a change of shadow RAM: the firmware will fail");
}

/* What is written through ROM, as a copy from ROM to the RAM below does it. */
static void shadow_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct i440fx *chipset = container_of(region, struct i440fx, shadow);
	u64 gpa = PAM_START + offset;
	unsigned int i = MIN(offset / PAM_SIZE, I440FX_SEGMENTS - 1u);

	/* Without the PCI bus's lock: who changes it meanwhile gets one or the other. */
	if (__atomic_load_n(&chipset->seen[i], __ATOMIC_RELAXED) == PAM_WRITE)
		memcpy(ram_at(chipset->ram, gpa, size), &value, size);
}

static void make_function(struct pci_device *dev, const char *name, u16 device, u32 class)
{
	*dev = (struct pci_device) { .name = name };
	pci_put16(dev->config, PCI_VENDOR_ID, VENDOR_INTEL);
	pci_put16(dev->config, PCI_DEVICE_ID, device);
	pci_put32(dev->config, PCI_CLASS_REVISION, class << 8);
	pci_put16(dev->config, PCI_SUBSYSTEM_VENDOR_ID, SUBSYSTEM_VENDOR);
	pci_put16(dev->config, PCI_SUBSYSTEM_ID, SUBSYSTEM_DEVICE);
	dev->config[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
}

static void make_bridge(struct pci_device *bridge)
{
	make_function(bridge, "440fx", DEVICE_440FX, CLASS_BRIDGE_HOST);
	bridge->writable[PAM0] = 0x30;
	memset(bridge->writable + PAM0 + 1, 0x33, PAM_LAST - PAM0);
	bridge->written = bridge_written;
}

static void make_piix(struct i440fx *chipset)
{
	struct pci_device *isa = &chipset->isa, *pm = &chipset->pm;

	make_function(isa, "piix3-isa", DEVICE_PIIX3_ISA, CLASS_BRIDGE_ISA);
	isa->config[PCI_HEADER_TYPE] = 0x80;	/* more functions */
	memset(isa->config + PIRQ_ROUTE, PIRQ_OFF, 4);
	memset(isa->writable + PIRQ_ROUTE, 0x8f, 4);

	make_function(pm, "piix4-pm", DEVICE_PIIX4_PM, CLASS_BRIDGE_OTHER);
	pci_put32(pm->config, PM_BASE, ACPIPM_EVENT_PORT | PM_BASE_IO);
	pci_put32(pm->config, PM_DEVACTB, PM_DEVACTB_APMC);
	pm->config[PM_MISC] = PM_MISC_IO;
	pm->config[PCI_INTERRUPT_LINE] = ACPIPM_SCI_IRQ;
	isa->functions[PM_FUNCTION - 1] = pm;
}

/**
 * i440fx_init() - make the chipset of a machine that firmware boots
 * @chipset: the chipset
 * @pci: whose host bridge it replaces; slot PIIX_SLOT must be free
 * @irqchip: in which nothing lies between 640 KiB and 1 MiB
 * @ram: seen there when the firmware says so
 * @rom: I440FX_ROM_SIZE bytes, seen there until then
 *
 * Return: 0 or a negative errno; i440fx_destroy() is due in any case.
 */
int i440fx_init(struct i440fx *chipset, struct pci_bus *pci, struct irqchip *irqchip,
		const struct guest_ram *ram, void *rom)
{
	int ret;

	*chipset = (struct i440fx) {
		.shadow = {
			.start = PAM_START,
			.size = BOOT_HIGH - PAM_START,
			.name = "shadow-ram",
			.write = shadow_write,
		},
		.pci = pci,
		.irqchip = irqchip,
		.ram = ram,
		.rom = rom,
	};
	memset(chipset->seen, PAM_NOTHING, sizeof(chipset->seen));
	make_bridge(&chipset->bridge);
	make_piix(chipset);
	pci_remove(pci, &pci->bridge);
	/* A 440FX has no ECAM: firmware puts BARs there. */
	bus_remove(pci->mmio, &pci->ecam);
	ret = pci_add(pci, 0, &chipset->bridge);
	if (!ret)
		ret = pci_add(pci, PIIX_SLOT, &chipset->isa);
	if (!ret)
		ret = bus_add(pci->mmio, &chipset->shadow);
	return ret ? ret : update_shadow(chipset);
}

/**
 * i440fx_destroy() - undo i440fx_init()
 * @chipset: the chipset; no vCPU runs
 */
void i440fx_destroy(struct i440fx *chipset)
{
	bus_remove(chipset->pci->mmio, &chipset->shadow);
	pci_remove(chipset->pci, &chipset->isa);
	pci_remove(chipset->pci, &chipset->bridge);
	for (unsigned int i = 0; i < I440FX_SEGMENTS; i++)
		hide(chipset, i);
}
