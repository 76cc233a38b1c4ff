// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MP table (Intel MultiProcessor Specification 1.4, chapter 4), for
 * guests without ACPI.
 */
#include <errno.h>
#include <string.h>

#include "boot.h"
#include "pci.h"

#define LAPIC_BASE	0xfee00000u
#define IOAPIC_BASE	0xfec00000u
#define APIC_VERSION	0x14
#define IOAPIC_VERSION	0x11
#define ISA_IRQS	16

struct mp_floating {
	char signature[4];
	u32 table;
	u8 length;		/* in units of 16 bytes */
	u8 revision;
	u8 checksum;
	u8 features[5];
};

struct mp_header {
	char signature[4];
	u16 length;
	u8 revision;
	u8 checksum;
	char oem_id[8];
	char product_id[12];
	u32 oem_table;
	u16 oem_table_size;
	u16 entries;
	u32 lapic;
	u16 extended_length;
	u8 extended_checksum;
	u8 reserved;
};

struct mp_processor {
	u8 type, apic_id, apic_version, flags;
	u32 signature, features;
	u32 reserved[2];
};

struct mp_bus {
	u8 type, id;
	char name[6];
};

struct mp_ioapic {
	u8 type, id, version, flags;
	u32 address;
};

/* Both for lines of the IOAPIC and of the local APICs */
struct mp_interrupt {
	u8 type, kind;
	u16 flags;
	u8 bus, irq, apic, pin;
};

enum { MP_PROCESSOR, MP_BUS, MP_IOAPIC, MP_IO_INTERRUPT, MP_LOCAL_INTERRUPT };
enum { KIND_INT, KIND_NMI };

#define CPU_ENABLED	1
#define CPU_BOOT	2
#define IOAPIC_ENABLED	1
#define ALL_LAPICS	0xff
#define LEVEL_HIGH	0x0d
#define SCI_IRQ		9
/* Linux takes the number of a PCI bus for its id here. */
#define BUS_PCI		0
#define BUS_ISA		1

struct cursor {
	char *at;
	u16 entries;
};

static void put(struct cursor *c, const void *entry, size_t size)
{
	memcpy(c->at, entry, size);
	c->at += size;
	c->entries++;
}

static void put_cpus(struct cursor *c, const struct topology *t)
{
	for (unsigned int i = 0; i < topology_cpus(t); i++)
		put(c, &(struct mp_processor) {
			.type = MP_PROCESSOR,
			.apic_id = topology_apic_id(t, i),
			.apic_version = APIC_VERSION,
			.flags = CPU_ENABLED | (i ? 0 : CPU_BOOT),
			.signature = 0x600,
			.features = 0x201,	/* FPU and APIC; the rest is in CPUID */
		}, sizeof(struct mp_processor));
}

static void put_interrupts(struct cursor *c, unsigned int ioapic)
{
	for (unsigned int i = 0; i < ISA_IRQS; i++) {
		/* There is no cascade and no PIT. */
		if (i == 0 || i == 2)
			continue;
		put(c, &(struct mp_interrupt) {
			.type = MP_IO_INTERRUPT,
			.kind = KIND_INT,
			.flags = i == SCI_IRQ ? LEVEL_HIGH : 0,
			.bus = BUS_ISA,
			.irq = i,
			.apic = ioapic,
			.pin = i,
		}, sizeof(struct mp_interrupt));
	}
	for (unsigned int i = PCI_PINS; i < PCI_SLOTS * PCI_PINS; i++)
		put(c, &(struct mp_interrupt) {
			.type = MP_IO_INTERRUPT,
			.kind = KIND_INT,
			.bus = BUS_PCI,
			.irq = i,	/* slot << 2 | pin (appendix D.3) */
			.apic = ioapic,
			.pin = PCI_GSI_BASE + (i / PCI_PINS + i % PCI_PINS) % PCI_GSIS,
		}, sizeof(struct mp_interrupt));
	put(c, &(struct mp_interrupt) {
		.type = MP_LOCAL_INTERRUPT,
		.kind = KIND_NMI,
		.bus = BUS_ISA,
		.apic = ALL_LAPICS,
		.pin = 1,
	}, sizeof(struct mp_interrupt));
}

static u8 checksum(const void *data, size_t size)
{
	const u8 *p = data;
	u8 sum = 0;

	while (size--)
		sum += *p++;
	return -sum;
}

/**
 * mptable_build() - write the MP table
 * @ram: the RAM
 * @t: of the CPUs
 *
 * Return: 0.
 */
int mptable_build(const struct guest_ram *ram, const struct topology *t)
{
	u32 ioapic_id = topology_apic_id(t, topology_cpus(t) - 1) + 1;
	struct mp_floating *fp = ram_at(ram, BOOT_MP_TABLE, BOOT_HIGH - BOOT_MP_TABLE);
	struct mp_header *header = (void *)(fp + 1);
	struct cursor c = { .at = (char *)(header + 1) };

	_Static_assert(sizeof(*fp) + sizeof(*header) +
		       VMX_LITE_MAX_VCPUS * sizeof(struct mp_processor) +
		       (ISA_IRQS + PCI_SLOTS * PCI_PINS + 4) * sizeof(struct mp_interrupt) <=
		       BOOT_HIGH - BOOT_MP_TABLE,
		       "the MP table fits");

	put_cpus(&c, t);
	put(&c, &(struct mp_bus) { MP_BUS, BUS_PCI, "PCI   " }, sizeof(struct mp_bus));
	put(&c, &(struct mp_bus) { MP_BUS, BUS_ISA, "ISA   " }, sizeof(struct mp_bus));
	put(&c, &(struct mp_ioapic) {
		.type = MP_IOAPIC,
		.id = ioapic_id,
		.version = IOAPIC_VERSION,
		.flags = IOAPIC_ENABLED,
		.address = IOAPIC_BASE,
	}, sizeof(struct mp_ioapic));
	put_interrupts(&c, ioapic_id);

	*header = (struct mp_header) {
		.length = c.at - (char *)header,
		.revision = 4,
		.entries = c.entries,
		.lapic = LAPIC_BASE,
	};
	memcpy(header->signature, "PCMP", 4);
	memcpy(header->oem_id, "VMXLITE ", 8);
	memcpy(header->product_id, "VMXL        ", 12);
	header->checksum = checksum(header, header->length);

	*fp = (struct mp_floating) {
		.table = BOOT_MP_TABLE + sizeof(*fp),
		.length = 1,
		.revision = 4,
	};
	memcpy(fp->signature, "_MP_", 4);
	fp->checksum = checksum(fp, sizeof(*fp));
	return 0;
}
