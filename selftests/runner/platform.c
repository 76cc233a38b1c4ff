// SPDX-License-Identifier: GPL-2.0-only
/* PCI configuration, reset, ACPI's fixed hardware and the test ports. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vmx_lite.h>

#include "acpipm.h"
#include "debugexit.h"
#include "pci.h"
#include "reset.h"
#include "tap.h"

#define ADDRESS	0xcf8
#define DATA	0xcfc

static struct bus ports, mmio;
static struct reset reset;
static struct pci_bus pci;
static struct acpipm pm;
static struct debugexit debugexit;
static int how, suspends, sci;
static char printed;

static void suspend(struct power *p, int h)
{
	(void)p;
	how = h;
	suspends++;
}

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	EXPECT_EQ(gsi, ACPIPM_SCI_IRQ);
	sci = level;
}

static void print(u8 byte)
{
	printed = byte;
}

static struct power power = { .suspend = suspend };
static struct irqchip irqchip = { .set_line = set_line };

static void setup(void)
{
	how = 0;
	suspends = 0;
	sci = 0;
	bus_init(&ports, 0xffff);
	bus_init(&mmio, UINT64_MAX);
	EXPECT_EQ(reset_init(&reset, &ports, &power), 0);
	EXPECT_EQ(pci_init(&pci, &ports, &mmio, &irqchip, &reset), 0);
	EXPECT_EQ(acpipm_init(&pm, &ports, &irqchip, &power, 2000000), 0);
	EXPECT_EQ(debugexit_init(&debugexit, &ports, &power, print), 0);
}

static void teardown(void)
{
	debugexit_destroy(&debugexit, &ports);
	acpipm_destroy(&pm, &ports);
	pci_destroy(&pci, &ports);
	reset_destroy(&reset, &ports);
	EXPECT_EQ(ports.nr, 0);
	EXPECT_EQ(mmio.nr, 0);
	bus_destroy(&mmio);
	bus_destroy(&ports);
}

static u32 config(u32 address, unsigned int size)
{
	bus_write(&ports, ADDRESS, 4, 0x80000000 | (address & 0xfffffc));
	return bus_read(&ports, DATA + (address & 3), size);
}

static void pci_bridge(void)
{
	setup();
	EXPECT_EQ(config(0, 4), 0x0d578086);
	EXPECT_EQ(config(0, 2), 0x8086);
	EXPECT_EQ(config(2, 2), 0x0d57);
	EXPECT_EQ(config(0x0a, 2), 0x0600);	/* a host bridge */
	EXPECT_EQ(config(0x0e, 1), 0);		/* one function, header type 0 */
	EXPECT_EQ(config(1 << 8, 4), 0xffffffff);	/* no function 1 */
	EXPECT_EQ(config(1 << 11, 4), 0xffffffff);	/* no device 1 */
	EXPECT_EQ(config(1 << 16, 4), 0xffffffff);	/* no bus 1 */
	EXPECT_EQ(config(0xff << 16, 4), 0xffffffff);
	teardown();
}

static void pci_address_port(void)
{
	setup();
	bus_write(&ports, ADDRESS, 4, 0xffffffff);
	EXPECT_EQ(bus_read(&ports, ADDRESS, 4), 0x80fffffc);
	bus_write(&ports, ADDRESS, 4, 0);	/* not enabled: no device answers */
	EXPECT_EQ(bus_read(&ports, DATA, 4), 0xffffffff);
	bus_write(&ports, ADDRESS, 1, 0x55);	/* only double words count */
	bus_write(&ports, ADDRESS, 2, 0x5555);
	EXPECT_EQ(bus_read(&ports, ADDRESS, 4), 0);
	teardown();
}

static unsigned int written_offset, written_size;

static void written(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	(void)dev;
	written_offset = offset;
	written_size = size;
}

#define ECAM	0xfeb00000ULL	/* PCI Express 3.0, 7.2.2: bus << 20 | slot << 15 | ... */

/* What mechanism 1 reaches, and the registers behind, in memory. */
static void pci_ecam(void)
{
	struct pci_device dev = { .name = "test", .written = written };
	u64 at = ECAM + (3 << 15);

	setup();
	pci_make_function(&dev, 0x1234, 0x5678, 0xff0000);
	pci_make_bar(&dev, 0, PCI_BASE_ADDRESS_MEM_TYPE_32, 4096);
	pci_put32(dev.config, 0x100, 0x00010003);
	pci_put32(dev.writable, 0xffc, 0xffff0000);
	EXPECT_EQ(pci_add(&pci, 3, &dev), 0);

	EXPECT_EQ(bus_read(&mmio, ECAM, 4), 0x0d578086);
	EXPECT_EQ(bus_read(&mmio, at, 4), 0x56781234);
	EXPECT_EQ(bus_read(&mmio, at + 2, 2), 0x5678);
	EXPECT_EQ(bus_read(&mmio, at + 0x100, 4), 0x00010003);
	EXPECT_EQ(bus_read(&mmio, at + 0x100, 8), ~0ULL);	/* 4 bytes at most */
	EXPECT_EQ(bus_read(&mmio, at + 0x1000, 4), 0xffffffff);	/* function 1 */
	EXPECT_EQ(bus_read(&mmio, at + (1 << 15), 4), 0xffffffff);	/* slot 4 */
	bus_write(&mmio, at + 0xffc, 4, 0x55556666);
	EXPECT_EQ(bus_read(&mmio, at + 0xffc, 4), 0x55550000);
	EXPECT_EQ(written_offset, 0xffc);
	bus_write(&mmio, at + 0xff8, 8, ~0ULL);
	EXPECT_EQ(bus_read(&mmio, at + 0xffc, 4), 0x55550000);
	/* Decoding begins by a write that the same bus carries. */
	bus_write(&mmio, at + PCI_BASE_ADDRESS_0, 4, 0xc0001000);
	bus_write(&mmio, at + PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(mmio.nr, 2);
	/* A BAR may not cover it. */
	bus_write(&mmio, at + PCI_BASE_ADDRESS_0, 4, ECAM);
	EXPECT_EQ(mmio.nr, 1);
	EXPECT_EQ(bus_read(&mmio, at, 4), 0x56781234);
	pci_remove(&pci, &dev);
	teardown();
}

static unsigned int raised_gsi;

static void note_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	if (level)
		raised_gsi = gsi;
}

/* INTA to INTD of a slot are on lines that follow each other. */
static void pci_pins(void)
{
	struct irqchip saved = irqchip;

	setup();
	irqchip.set_line = note_line;
	for (unsigned int slot = 1; slot < 32; slot++) {
		for (unsigned int pin = 1; pin <= 4; pin++) {
			struct pci_device dev = { .name = "test" };

			pci_make_function(&dev, 0x1234, 0x5678, 0xff0000);
			dev.config[PCI_INTERRUPT_PIN] = pin;
			EXPECT_EQ(pci_add(&pci, slot, &dev), 0);
			EXPECT_EQ(dev.config[PCI_INTERRUPT_LINE], 16 + (slot + pin - 1) % 8);
			pci_set_intx(&dev, true);
			EXPECT_EQ(raised_gsi, 16 + (slot + pin - 1) % 8);
			pci_set_intx(&dev, false);
			pci_remove(&pci, &dev);
		}
	}
	irqchip = saved;
	teardown();
}

static void pci_devices(void)
{
	struct pci_device dev = { .name = "test", .written = written };

	setup();
	pci_put32(dev.config, 0, 0x12345678);
	pci_put32(dev.writable, 0x10, 0xfffff000);
	EXPECT_EQ(pci_add(&pci, 0, &dev), -EBUSY);
	EXPECT_EQ(pci_add(&pci, 32, &dev), -EINVAL);
	EXPECT_EQ(pci_add(&pci, 31, &dev), 0);
	EXPECT_EQ(pci_add(&pci, 31, &dev), -EBUSY);
	EXPECT_EQ(config(31 << 11, 4), 0x12345678);
	config(31 << 11, 4);
	bus_write(&ports, DATA, 4, 0);		/* read-only */
	EXPECT_EQ(bus_read(&ports, DATA, 4), 0x12345678);
	config(31 << 11 | 0x10, 4);
	bus_write(&ports, DATA, 4, 0xffffffff);
	EXPECT_EQ(bus_read(&ports, DATA, 4), 0xfffff000);
	bus_write(&ports, DATA + 2, 1, 0x34);
	EXPECT_EQ(bus_read(&ports, DATA, 4), 0xff34f000);
	EXPECT_EQ(written_offset, 0x12);
	EXPECT_EQ(written_size, 1);
	EXPECT_EQ(pci_config_read(&pci, 31 << 3, 4093, 4), 0xffffffff);
	pci_config_write(&pci, 31 << 3, 4093, 4, 0);
	EXPECT_EQ(written_offset, 0x12);
	teardown();
}

static u64 bar_read(struct io_region *region, u64 offset, unsigned int size)
{
	(void)region;
	(void)size;
	return 0x11 + offset;
}

static u32 all_ones(unsigned int reg)
{
	u32 old = pci_config_read(&pci, 3 << 3, reg, 4), ones;

	pci_config_write(&pci, 3 << 3, reg, 4, ~0u);
	ones = pci_config_read(&pci, 3 << 3, reg, 4);
	pci_config_write(&pci, 3 << 3, reg, 4, old);
	return ones;
}

/* PCI 3.0, sections 6.2.5.1 and 6.2.5.2 */
static void pci_bars(void)
{
	struct pci_device dev = { .name = "test" }, large = { .name = "large" };

	setup();
	for (unsigned int i = 0; i < PCI_REGIONS; i++)
		dev.bars[i].region.read = bar_read;
	pci_make_function(&dev, 1, 2, 3);
	pci_make_bar(&dev, 0, PCI_BASE_ADDRESS_SPACE_IO, 8);
	pci_make_bar(&dev, 1, 0, 256);
	pci_make_bar(&dev, 2, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
		     0x200000000);
	pci_make_bar(&dev, 5, PCI_BASE_ADDRESS_MEM_PREFETCH, MIB);
	pci_make_bar(&dev, PCI_ROM_BAR, 0, 0x10000);
	EXPECT_EQ(pci_add(&pci, 3, &dev), -ENOSPC);	/* 8 GiB below 4 GiB */
	pci_open_window64(&pci, 0x2000001000, 40);	/* RAM is there */
	EXPECT_EQ(pci_add(&pci, 3, &dev), -ENOSPC);
	pci_open_window64(&pci, 0x2000000000, 37);
	EXPECT_EQ(pci_add(&pci, 3, &dev), -ENOSPC);
	pci_open_window64(&pci, 0x2000000000, 38);
	EXPECT_EQ(pci_add(&pci, 3, &dev), 0);

	EXPECT_EQ(all_ones(PCI_BASE_ADDRESS_0), 0xfffffff9);
	EXPECT_EQ(all_ones(PCI_BASE_ADDRESS_1), 0xffffff00);
	EXPECT_EQ(all_ones(PCI_BASE_ADDRESS_2), 0x0000000c);
	EXPECT_EQ(all_ones(PCI_BASE_ADDRESS_3), 0xfffffffe);
	EXPECT_EQ(all_ones(PCI_BASE_ADDRESS_4), 0);
	EXPECT_EQ(all_ones(PCI_BASE_ADDRESS_5), 0xfff00008);
	EXPECT_EQ(all_ones(PCI_ROM_ADDRESS), 0xffff0001);
	EXPECT_EQ(pci_config_read(&pci, 3 << 3, PCI_BASE_ADDRESS_3, 4), 0x20);

	EXPECT_EQ(mmio.nr, 1);
	pci_config_write(&pci, 3 << 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(mmio.nr, 1 + 3);				/* the ROM has a bit of its own */
	EXPECT_EQ(bus_read(&mmio, 0x2000000004, 4), 0x15);
	pci_config_write(&pci, 3 << 3, PCI_ROM_ADDRESS, 4, 0xd0000001);
	EXPECT_EQ(mmio.nr, 1 + 4);
	EXPECT_EQ(bus_read(&mmio, 0xd000fffc, 4), 0x1000d);

	/* Ports follow a write that comes by ports. */
	config(3 << 11 | PCI_BASE_ADDRESS_0, 4);
	bus_write(&ports, DATA, 4, 0xc008);
	EXPECT_EQ(bus_read(&ports, 0xc008, 1), 0xff);
	config(3 << 11 | PCI_COMMAND, 4);
	bus_write(&ports, DATA, 2, PCI_COMMAND_IO);
	EXPECT_EQ(mmio.nr, 1);
	EXPECT_EQ(bus_read(&ports, 0xc009, 1), 0x12);
	config(3 << 11 | PCI_BASE_ADDRESS_0, 4);
	bus_write(&ports, DATA, 4, 0x60);		/* below the bridge's window */
	EXPECT_EQ(bus_read(&ports, 0x64, 1), 0);
	EXPECT_EQ(bus_read(&ports, 0xc009, 1), 0xff);

	pci_make_bar(&large, 0, 0, 0x80000000);
	EXPECT_EQ(pci_add(&pci, 4, &large), -ENOSPC);
	pci_remove(&pci, &dev);
	EXPECT_EQ(pci.io.nr, 0);
	teardown();
}

static void resets(void)
{
	setup();
	EXPECT_EQ(bus_read(&ports, 0x64, 1), 0);
	bus_write(&ports, 0x64, 1, 0xd1);
	EXPECT_EQ(suspends, 0);
	bus_write(&ports, 0x64, 1, 0xfe);
	EXPECT_EQ(suspends, 1);
	EXPECT_EQ(how, VM_SUSPEND_RESET);
	bus_write(&ports, 0xcf9, 1, 0x02);
	EXPECT_EQ(suspends, 1);
	EXPECT_EQ(bus_read(&ports, 0xcf9, 1), 0x02);
	bus_write(&ports, 0xcf9, 1, 0x06);	/* the bit rises */
	EXPECT_EQ(suspends, 2);
	bus_write(&ports, 0xcf9, 1, 0x06);	/* it does not */
	EXPECT_EQ(suspends, 2);
	teardown();
}

static void powers_off(void)
{
	setup();
	EXPECT_EQ(bus_read(&ports, 0x604, 2) & 1, 1);	/* ACPI mode */
	bus_write(&ports, 0x604, 2, 5 << 10);	/* the type alone does nothing */
	bus_write(&ports, 0x604, 2, 1 << 10 | 1 << 13);	/* nor S1 */
	EXPECT_EQ(suspends, 0);
	bus_write(&ports, 0x604, 2, 5 << 10 | 1 << 13);
	EXPECT_EQ(suspends, 1);
	EXPECT_EQ(how, VM_SUSPEND_POWEROFF);
	EXPECT_EQ(bus_read(&ports, 0x604, 2) & 1 << 13, 0);
	bus_write(&ports, 0x605, 1, 5 << 2 | 1 << 5);	/* as a byte */
	EXPECT_EQ(suspends, 2);
	teardown();
}

static void power_button(void)
{
	setup();
	acpipm_press_power_button(&pm);
	EXPECT_EQ(sci, 0);
	EXPECT_EQ(bus_read(&ports, 0x600, 2), 1 << 8);
	bus_write(&ports, 0x602, 2, 1 << 8);
	EXPECT_EQ(sci, 1);
	EXPECT_EQ(bus_read(&ports, 0x600, 4), 1 << 24 | 1 << 8);
	bus_write(&ports, 0x600, 2, 0);		/* ones clear, zeros do not */
	EXPECT_EQ(sci, 1);
	bus_write(&ports, 0x600, 2, 1 << 8);
	EXPECT_EQ(sci, 0);
	bus_write(&ports, 0x602, 2, 0xffff);
	EXPECT_EQ(bus_read(&ports, 0x602, 2), 1 << 10 | 1 << 8 | 1 << 5);
	teardown();
}

static void pm_timer_runs(void)
{
	u32 a, b = 0;

	setup();
	a = bus_read(&ports, 0x608, 4);
	/* 32 bits: at the lowest rate a TSC has, it moves long before this ends. */
	for (unsigned int i = 0; i < 10000000 && (b = bus_read(&ports, 0x608, 4)) == a; i++)
		;
	EXPECT(b - a > 0 && b - a < 0x80000000);
	teardown();
}

static void debug_ports(void)
{
	setup();
	EXPECT_EQ(bus_read(&ports, 0xe9, 1), 0xe9);
	bus_write(&ports, 0xe9, 1, 'x');
	EXPECT_EQ(printed, 'x');
	EXPECT_EQ(debugexit_status(&debugexit), -1);
	bus_write(&ports, 0xf4, 4, 0x10);
	EXPECT_EQ(how, VM_SUSPEND_POWEROFF);
	EXPECT_EQ(debugexit_status(&debugexit), 0x21);
	bus_write(&ports, 0xf4, 1, 0);		/* the first one counts */
	EXPECT_EQ(debugexit_status(&debugexit), 0x21);
	teardown();
	setup();
	bus_write(&ports, 0xf4, 1, 0xff);	/* an exit status has 8 bits */
	EXPECT_EQ(debugexit_status(&debugexit), 0xff);
	teardown();
}

static const struct tap_test tests[] = {
	{ "pci: the host bridge, and nobody else", pci_bridge },
	{ "pci: the address port", pci_address_port },
	{ "pci: devices and their writable bits", pci_devices },
	{ "pci: configuration space in memory", pci_ecam },
	{ "pci: interrupt pins", pci_pins },
	{ "pci: BARs of each kind", pci_bars },
	{ "reset: keyboard controller and port 0xcf9", resets },
	{ "acpi: S5 powers off", powers_off },
	{ "acpi: the power button", power_button },
	{ "acpi: the timer runs", pm_timer_runs },
	{ "debug ports", debug_ports },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
