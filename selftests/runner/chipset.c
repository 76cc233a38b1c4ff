// SPDX-License-Identifier: GPL-2.0-only
/* Flash memory, and the chipset's shadow RAM, with a guest memory of our own. */
#include <linux/pci_regs.h>
#include <linux/vmx_lite.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "flash.h"
#include "i440fx.h"
#include "tap.h"

#define FLASH_AT	0xffc00000ULL
#define FLASH_SIZE	(4 * FLASH_BLOCK)
#define MAPPINGS	32

static struct mapping {
	u64 gpa, size;
	u8 *addr;
	bool rom;
} mappings[MAPPINGS];

static int add_mapping(u64 gpa, void *addr, u64 size, bool rom)
{
	struct mapping *free = NULL;

	for (unsigned int i = 0; i < MAPPINGS; i++) {
		struct mapping *m = &mappings[i];

		if (!m->size)
			free = m;
		else
			EXPECT(gpa + size <= m->gpa || gpa >= m->gpa + m->size);
	}
	*free = (struct mapping) { gpa, size, addr, rom };
	return 0;
}

static int map(struct irqchip *chip, u64 gpa, void *addr, u64 size)
{
	(void)chip;
	return add_mapping(gpa, addr, size, false);
}

static int map_rom(struct irqchip *chip, u64 gpa, void *addr, u64 size)
{
	(void)chip;
	return add_mapping(gpa, addr, size, true);
}

static void unmap(struct irqchip *chip, u64 gpa, u64 size)
{
	bool found = false;

	(void)chip;
	for (unsigned int i = 0; i < MAPPINGS; i++) {
		if (mappings[i].size != size || mappings[i].gpa != gpa)
			continue;
		mappings[i].size = 0;
		found = true;
	}
	EXPECT(found);
}

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	(void)gsi;
	(void)level;
}

static struct irqchip chip = {
	.set_line = set_line, .map = map, .map_rom = map_rom, .unmap = unmap,
};

static struct bus ports, mmio;

static struct mapping *mapping_at(u64 gpa)
{
	for (unsigned int i = 0; i < MAPPINGS; i++)
		if (gpa >= mappings[i].gpa && gpa - mappings[i].gpa < mappings[i].size)
			return &mappings[i];
	return NULL;
}

/* The guest's accesses: what is mapped does not exit, but writes to ROM do. */
static u8 peek(u64 gpa)
{
	struct mapping *m = mapping_at(gpa);

	return m ? m->addr[gpa - m->gpa] : bus_read(&mmio, gpa, 1);
}

static void poke(u64 gpa, u8 value)
{
	struct mapping *m = mapping_at(gpa);

	if (m && !m->rom)
		m->addr[gpa - m->gpa] = value;
	else
		bus_write(&mmio, gpa, 1, value);
}

static bool nothing_mapped(void)
{
	for (unsigned int i = 0; i < MAPPINGS; i++)
		if (mappings[i].size)
			return false;
	return true;
}

/* ---- flash ---- */

static u8 contents[FLASH_SIZE];
static struct flash flash;

static void flash_setup(void)
{
	bus_init(&mmio, ~0ULL);
	for (unsigned int i = 0; i < FLASH_SIZE; i++)
		contents[i] = i * 7 | 0x80;
	EXPECT_EQ(flash_init(&flash, &mmio, &chip, FLASH_AT, contents, FLASH_SIZE), 0);
}

static void flash_teardown(void)
{
	flash_destroy(&flash, &mmio);
	bus_destroy(&mmio);
	EXPECT(nothing_mapped());
}

static void reads(void)
{
	flash_setup();
	EXPECT_EQ(peek(FLASH_AT + 5), contents[5]);
	EXPECT(mapping_at(FLASH_AT) && mapping_at(FLASH_AT)->rom);
	poke(FLASH_AT, 0x70);
	EXPECT_EQ(peek(FLASH_AT + 5), 0x80);	/* ready */
	EXPECT(!mapping_at(FLASH_AT));
	poke(FLASH_AT + 123, 0xff);
	EXPECT_EQ(peek(FLASH_AT + 5), contents[5]);
	EXPECT(mapping_at(FLASH_AT));
	flash_teardown();
}

/* How OVMF finds out what it has. */
static void probe(void)
{
	u8 old;

	flash_setup();
	old = peek(FLASH_AT);
	poke(FLASH_AT, 0x50);
	EXPECT_EQ(peek(FLASH_AT), old);
	poke(FLASH_AT, 0x70);
	EXPECT_EQ(peek(FLASH_AT), 0);
	poke(FLASH_AT, 0xff);
	EXPECT_EQ(peek(FLASH_AT), old);
	flash_teardown();
}

static void writes(void)
{
	flash_setup();
	contents[10] = 0xff;
	poke(FLASH_AT + 10, 0x10);
	poke(FLASH_AT + 10, 0x5a);
	EXPECT_EQ(peek(FLASH_AT + 10), 0x80);	/* status */
	poke(FLASH_AT + 11, 0x40);
	poke(FLASH_AT + 11, 0x0f);
	poke(FLASH_AT, 0xff);
	EXPECT_EQ(peek(FLASH_AT + 10), 0x5a);
	EXPECT_EQ(peek(FLASH_AT + 11), (11 * 7 | 0x80) & 0x0f);	/* no zero becomes one */
	EXPECT_EQ(contents[10], 0x5a);
	EXPECT_EQ(contents[12], 12 * 7 | 0x80);
	flash_teardown();
}

static void erases(void)
{
	flash_setup();
	poke(FLASH_AT + FLASH_BLOCK + 1, 0x20);
	poke(FLASH_AT + FLASH_BLOCK + 1, 0xd0);
	poke(FLASH_AT, 0xff);
	for (unsigned int i = 0; i < FLASH_SIZE; i++)
		if (contents[i] != (i / FLASH_BLOCK == 1 ? 0xff : (u8)(i * 7 | 0x80)))
			EXPECT_EQ(i, -1);
	/* Without confirmation nothing happens, and it is said. */
	poke(FLASH_AT, 0x20);
	poke(FLASH_AT, 0x00);
	EXPECT_EQ(peek(FLASH_AT), 0xb0);
	poke(FLASH_AT, 0x50);
	EXPECT_EQ(contents[0], 0x80);
	EXPECT_EQ(peek(FLASH_AT), 0x80);
	flash_teardown();
}

static void flash_nonsense(void)
{
	flash_setup();
	for (unsigned int i = 0; i < 0x20000; i++) {
		poke(FLASH_AT + i * 2654435761u % FLASH_SIZE, i * 40503u >> 3);
		peek(FLASH_AT + i % FLASH_SIZE);
	}
	bus_write(&mmio, FLASH_AT + FLASH_SIZE - 8, 8, 0x10);
	bus_write(&mmio, FLASH_AT + FLASH_SIZE - 8, 8, 0);
	bus_write(&mmio, FLASH_AT + FLASH_SIZE - 4, 8, 0);	/* not all of it is ours */
	flash_teardown();
}

/* ---- chipset ---- */

static u8 rom[I440FX_ROM_SIZE];
static struct guest_ram ram = { .lowmem = MIB };
static struct pci_bus pci;
static struct reset reset;
static struct i440fx chipset;

static void chipset_setup(void)
{
	bus_init(&ports, 0xffff);
	bus_init(&mmio, ~0ULL);
	ram.base = calloc(1, MIB);
	memset(rom, 0x5a, sizeof(rom));
	EXPECT_EQ(pci_init(&pci, &ports, &mmio, &chip, &reset), 0);
	EXPECT_EQ(i440fx_init(&chipset, &pci, &chip, &ram, rom), 0);
}

static void chipset_teardown(void)
{
	i440fx_destroy(&chipset);
	pci_destroy(&pci, &ports);
	bus_destroy(&mmio);
	bus_destroy(&ports);
	free(ram.base);
	EXPECT(nothing_mapped());
}

static void ids(void)
{
	chipset_setup();
	EXPECT_EQ(pci_config_read(&pci, 0, 0, 4), 0x12378086);
	EXPECT_EQ(pci_config_read(&pci, 0, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x11001af4);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3, 0, 4), 0x70008086);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3, PCI_CLASS_DEVICE, 2), 0x0601);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3, PCI_HEADER_TYPE, 1), 0x80);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3 | 1, 0, 4), ~0u);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3 | 3, 0, 4), 0x71138086);
	/* ACPI's registers are where FADT says, and stay there. */
	pci_config_write(&pci, 1 << 3 | 3, 0x40, 4, 0xb001);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3 | 3, 0x40, 4), 0x601);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3 | 3, 0x80, 1), 1);
	pci_config_write(&pci, 1 << 3, 0x60, 1, 0x0b);
	EXPECT_EQ(pci_config_read(&pci, 1 << 3, 0x60, 4), 0x8080800b);
	/* No ECAM, no more. */
	EXPECT_EQ(bus_read(&mmio, PCI_ECAM_BASE, 4), 0xffffffff);
	chipset_teardown();
}

static void rom_at_reset(void)
{
	chipset_setup();
	EXPECT_EQ(peek(0xc0000), 0xff);
	EXPECT_EQ(peek(0xdffff), 0xff);
	EXPECT_EQ(peek(0xe0000), 0x5a);
	EXPECT_EQ(peek(0xfffff), 0x5a);
	poke(0xf0000, 1);
	poke(0xc0000, 1);
	EXPECT_EQ(peek(0xf0000), 0x5a);
	EXPECT_EQ((u8)ram.base[0xf0000], 0);
	EXPECT_EQ((u8)ram.base[0xc0000], 0);
	chipset_teardown();
}

/* What SeaBIOS does: shadow it all, copy, then close parts of it. */
static void shadow(void)
{
	chipset_setup();
	pci_config_write(&pci, 0, 0x58, 4, 0x33333000);
	pci_config_write(&pci, 0, 0x5c, 4, 0x33333333);
	EXPECT_EQ(pci_config_read(&pci, 0, 0x59, 1), 0x30);
	for (u64 gpa = 0xc0000; gpa < MIB; gpa += 0x1000) {
		EXPECT_EQ(peek(gpa), 0);
		poke(gpa, gpa >> 12);
		EXPECT_EQ((u8)ram.base[gpa], (u8)(gpa >> 12));
	}
	pci_config_write(&pci, 0, 0x59, 1, 0x10);	/* the last one read-only */
	pci_config_write(&pci, 0, 0x5b, 1, 0x31);	/* and 0xc8000 */
	EXPECT_EQ(peek(0xf1000), 0xf1);
	poke(0xf1000, 0);
	EXPECT_EQ(peek(0xf1000), 0xf1);
	poke(0xc8000, 0);
	EXPECT_EQ(peek(0xc8000), 0xc8);
	poke(0xcc000, 1);
	EXPECT_EQ(peek(0xcc000), 1);
	pci_config_write(&pci, 0, 0x59, 1, 0);		/* ROM again */
	EXPECT_EQ(peek(0xf1000), 0x5a);
	EXPECT_EQ((u8)ram.base[0xf1000], 0xf1);
	chipset_teardown();
}

/* Reads from ROM, writes to the RAM below: a copy onto itself fills it. */
static void write_through(void)
{
	chipset_setup();
	pci_config_write(&pci, 0, 0x59, 1, 0x20);
	poke(0xf0123, peek(0xf0123));
	EXPECT_EQ(peek(0xf0123), 0x5a);
	EXPECT_EQ((u8)ram.base[0xf0123], 0x5a);
	pci_config_write(&pci, 0, 0x5a, 1, 0x02);
	poke(0xc0000, 0x77);
	EXPECT_EQ(peek(0xc0000), 0xff);
	EXPECT_EQ((u8)ram.base[0xc0000], 0x77);
	poke(0xc4000, 0x77);
	EXPECT_EQ((u8)ram.base[0xc4000], 0);
	chipset_teardown();
}

static const struct tap_test tests[] = {
	{ "flash: array and status", reads },
	{ "flash: OVMF's probe", probe },
	{ "flash: writes", writes },
	{ "flash: erases", erases },
	{ "flash: takes nonsense", flash_nonsense },
	{ "chipset: ids and fixed registers", ids },
	{ "chipset: ROM at reset", rom_at_reset },
	{ "chipset: shadow RAM", shadow },
	{ "chipset: writes through ROM", write_through },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
