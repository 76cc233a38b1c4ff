// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables (ACPI 6.4, chapter 5): RSDP, XSDT, FADT, FACS, MADT, MCFG, SPCR, and
 * the DSDT that iasl compiled. They lie at BOOT_ACPI_TABLES, in memory that
 * the memory map calls reserved.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "acpipm.h"
#include "boot.h"
#include "pci.h"
#include "reset.h"
#include "uart.h"

extern const char dsdt_aml[], dsdt_aml_end[], dsdt_firmware_aml[], dsdt_firmware_aml_end[];

#define LAPIC_BASE	0xfee00000u
#define IOAPIC_BASE	0xfec00000u

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __attribute__((packed));

/* Generic Address Structure (5.2.3.2) */
struct acpi_gas {
	u8 space;
	u8 bits;
	u8 offset;
	u8 access;
	u64 address;
} __attribute__((packed));

#define GAS_IO	1

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __attribute__((packed));

#define NR_TABLES	4	/* FADT, MADT, MCFG, SPCR */

struct acpi_rsdt {
	struct acpi_header header;
	u32 entries[NR_TABLES];
} __attribute__((packed));

struct acpi_xsdt {
	struct acpi_header header;
	u64 entries[NR_TABLES];
} __attribute__((packed));

struct acpi_facs {
	char signature[4];
	u32 length;
	u32 hardware_signature;
	u32 waking_vector;
	u32 global_lock;
	u32 flags;
	u64 x_waking_vector;
	u8 version;
	u8 reserved[31];
} __attribute__((packed));

struct acpi_fadt {
	struct acpi_header header;
	u32 facs;
	u32 dsdt;
	u8 int_model;
	u8 pm_profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	u32 pm1a_evt_blk, pm1b_evt_blk, pm1a_cnt_blk, pm1b_cnt_blk;
	u32 pm2_cnt_blk, pm_tmr_blk, gpe0_blk, gpe1_blk;
	u8 pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len;
	u8 gpe0_blk_len, gpe1_blk_len, gpe1_base, cst_cnt;
	u16 p_lvl2_lat, p_lvl3_lat;
	u16 flush_size, flush_stride;
	u8 duty_offset, duty_width;
	u8 day_alrm, mon_alrm, century;
	u16 iapc_boot_arch;
	u8 reserved;
	u32 flags;
	struct acpi_gas reset_reg;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor_version;
	u64 x_facs, x_dsdt;
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt;
	struct acpi_gas x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
	struct acpi_gas sleep_control, sleep_status;
	u64 hypervisor_id;
} __attribute__((packed));

#define BOOT_ARCH_LEGACY	(1u << 0)	/* devices on an ISA bus: COM1, RTC */
#define BOOT_ARCH_NO_VGA	(1u << 2)
#define BOOT_ARCH_NO_ASPM	(1u << 4)

#define FADT_WBINVD		(1u << 0)
#define FADT_C1			(1u << 2)
#define FADT_NO_SLEEP_BUTTON	(1u << 5)
#define FADT_NO_FIXED_RTC	(1u << 6)
#define FADT_TMR_VAL_EXT	(1u << 8)
#define FADT_RESET_REG		(1u << 10)

#define RTC_CENTURY_INDEX	0x32

struct acpi_madt {
	struct acpi_header header;
	u32 lapic_address;
	u32 flags;
} __attribute__((packed));

struct madt_lapic {
	u8 type, length, processor_id, apic_id;
	u32 flags;
} __attribute__((packed));

struct madt_ioapic {
	u8 type, length, id, reserved;
	u32 address;
	u32 gsi_base;
} __attribute__((packed));

struct madt_override {
	u8 type, length, bus, source;
	u32 gsi;
	u16 flags;
} __attribute__((packed));

struct madt_lapic_nmi {
	u8 type, length, processor_id;
	u16 flags;
	u8 lint;
} __attribute__((packed));

/* An id that needs a local x2APIC entry does not arise. */
_Static_assert(VMX_LITE_MAX_VCPUS < 255, "ids of 8 bits are enough");

#define MADT_PCAT_COMPAT	1u
#define MADT_ENABLED		1u
#define MADT_LEVEL_HIGH		0x0du
#define MADT_ALL_PROCESSORS	0xff

/* PCI Firmware Specification 3.0, section 4.1.2, with one segment */
struct acpi_mcfg {
	struct acpi_header header;
	u64 reserved;
	u64 base;
	u16 segment;
	u8 first_bus, last_bus;
	u32 reserved2;
} __attribute__((packed));

/* Microsoft's Serial Port Console Redirection table, revision 2 */
struct acpi_spcr {
	struct acpi_header header;
	u8 interface;
	u8 reserved1[3];
	struct acpi_gas base;
	u8 interrupt_type, irq;
	u32 gsi;
	u8 baud, parity, stop, flow, terminal;
	u8 reserved2;
	u16 pci_device, pci_vendor;
	u8 pci_bus, pci_slot, pci_function;
	u32 pci_flags;
	u8 pci_segment;
	u32 reserved3;
} __attribute__((packed));

#define SPCR_16550		0
#define SPCR_IRQ_IOAPIC		(1u << 1)
#define SPCR_115200		7
#define SPCR_VT100		0

/* Where tables go, one after the other. */
struct cursor {
	const struct guest_ram *ram;
	u64 at;
	u64 end;
};

static void *reserve(struct cursor *c, u64 size, u64 align, u64 *gpa)
{
	u64 at = ALIGN_UP(c->at, align);

	if (at > c->end || size > c->end - at)
		return NULL;
	c->at = at + size;
	*gpa = at;
	return memset(ram_at(c->ram, at, size), 0, size);
}

static u8 checksum(const void *data, u64 size)
{
	const u8 *p = data;
	u8 sum = 0;

	while (size--)
		sum += *p++;
	return -sum;
}

static void finish(struct acpi_header *h, const char *signature, u8 revision, u32 length)
{
	memcpy(h->signature, signature, 4);
	h->length = length;
	h->revision = revision;
	memcpy(h->oem_id, "VMXLIT", 6);
	memcpy(h->oem_table_id, "VMXL", 4);
	memcpy(h->oem_table_id + 4, signature, 4);
	h->oem_revision = 1;
	memcpy(h->creator_id, "VMXL", 4);
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = checksum(h, length);
}

static struct acpi_gas io_gas(u64 port, u8 bytes)
{
	return (struct acpi_gas) {
		.space = GAS_IO,
		.bits = bytes * 8,
		/* 1, 2, 3 for bytes, words, double words */
		.access = bytes == 4 ? 3 : bytes,
		.address = port,
	};
}

/* DWORD address space descriptor of memory (6.4.3.5.2): there is one in the DSDT. */
struct acpi_window {
	u8 tag;
	u16 length;
	u8 type;
	u8 flags[2];
	u32 granularity;
	u32 start, last;
	u32 offset;
	u32 size;
} __attribute__((packed));

static void move_window(struct acpi_header *dsdt, u64 size, u32 start)
{
	static const u8 tag[] = { 0x87, sizeof(struct acpi_window) - 3, 0, 0 };
	struct acpi_window *window = memmem(dsdt, size, tag, sizeof(tag));

	window->start = start;
	window->size = window->last - start + 1;
	dsdt->checksum = 0;
	dsdt->checksum = checksum(dsdt, size);
}

static void *put_dsdt(struct cursor *c, u32 window, u64 *gpa)
{
	const char *aml = window ? dsdt_firmware_aml : dsdt_aml;
	u64 size = (window ? dsdt_firmware_aml_end : dsdt_aml_end) - aml;
	void *dsdt = reserve(c, size, 16, gpa);

	if (dsdt)
		memcpy(dsdt, aml, size);
	if (dsdt && window)
		move_window(dsdt, size, window);
	return dsdt;
}

static int build_fadt(struct cursor *c, u32 window, u64 *gpa)
{
	u64 dsdt_gpa, facs_gpa;
	void *dsdt = put_dsdt(c, window, &dsdt_gpa);
	struct acpi_facs *facs = reserve(c, sizeof(*facs), 64, &facs_gpa);
	struct acpi_fadt *fadt = reserve(c, sizeof(*fadt), 16, gpa);

	if (!dsdt || !facs || !fadt)
		return -ENOSPC;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;

	fadt->facs = facs_gpa;
	fadt->dsdt = dsdt_gpa;
	fadt->x_dsdt = dsdt_gpa;
	fadt->sci_int = ACPIPM_SCI_IRQ;
	fadt->pm1a_evt_blk = ACPIPM_EVENT_PORT;
	fadt->pm1a_cnt_blk = ACPIPM_CONTROL_PORT;
	fadt->pm_tmr_blk = ACPIPM_TIMER_PORT;
	fadt->pm1_evt_len = 4;
	fadt->pm1_cnt_len = 2;
	fadt->pm_tmr_len = 4;
	/* Over 100 and 1000 microseconds: no C2, no C3 (5.2.9). */
	fadt->p_lvl2_lat = 101;
	fadt->p_lvl3_lat = 1001;
	fadt->century = RTC_CENTURY_INDEX;
	fadt->iapc_boot_arch = BOOT_ARCH_LEGACY | BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_ASPM;
	fadt->flags = FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON | FADT_NO_FIXED_RTC |
		      FADT_TMR_VAL_EXT | FADT_RESET_REG;
	fadt->reset_reg = io_gas(RESET_CONTROL_PORT, 1);
	fadt->reset_value = RESET_CONTROL_FULL;
	fadt->minor_version = 4;
	fadt->x_pm1a_evt = io_gas(ACPIPM_EVENT_PORT, 4);
	fadt->x_pm1a_evt.access = 2;	/* two registers of two bytes */
	fadt->x_pm1a_cnt = io_gas(ACPIPM_CONTROL_PORT, 2);
	fadt->x_pm_tmr = io_gas(ACPIPM_TIMER_PORT, 4);
	memcpy(&fadt->hypervisor_id, "vmx-lite", 8);
	finish(&fadt->header, "FACP", 6, sizeof(*fadt));
	return 0;
}

static int build_madt(struct cursor *c, const struct topology *t, u32 flags, u64 *gpa)
{
	unsigned int cpus = topology_cpus(t);
	u64 size = sizeof(struct acpi_madt) + cpus * sizeof(struct madt_lapic) +
		   sizeof(struct madt_ioapic) + sizeof(struct madt_override) +
		   sizeof(struct madt_lapic_nmi);
	struct acpi_madt *madt = reserve(c, size, 16, gpa);
	struct madt_lapic_nmi *nmi;
	struct madt_override *sci;
	struct madt_ioapic *ioapic;
	struct madt_lapic *lapic;

	if (!madt)
		return -ENOSPC;
	madt->lapic_address = LAPIC_BASE;
	madt->flags = flags;

	lapic = (void *)(madt + 1);
	for (unsigned int i = 0; i < cpus; i++)
		*lapic++ = (struct madt_lapic) {
			.type = 0, .length = sizeof(*lapic),
			.processor_id = i, .apic_id = topology_apic_id(t, i),
			.flags = MADT_ENABLED,
		};
	ioapic = (void *)lapic;
	/* An id that no CPU has: the same space in the eyes of old guests. */
	*ioapic = (struct madt_ioapic) {
		.type = 1, .length = sizeof(*ioapic),
		.id = topology_apic_id(t, cpus - 1) + 1, .address = IOAPIC_BASE,
	};
	sci = (void *)(ioapic + 1);
	*sci = (struct madt_override) {
		.type = 2, .length = sizeof(*sci), .source = ACPIPM_SCI_IRQ,
		.gsi = ACPIPM_SCI_IRQ, .flags = MADT_LEVEL_HIGH,
	};
	nmi = (void *)(sci + 1);
	*nmi = (struct madt_lapic_nmi) {
		.type = 4, .length = sizeof(*nmi),
		.processor_id = MADT_ALL_PROCESSORS, .lint = 1,
	};
	finish(&madt->header, "APIC", 5, size);
	return 0;
}

static int build_mcfg(struct cursor *c, u64 *gpa)
{
	struct acpi_mcfg *mcfg = reserve(c, sizeof(*mcfg), 16, gpa);

	if (!mcfg)
		return -ENOSPC;
	mcfg->base = PCI_ECAM_BASE;
	mcfg->last_bus = PCI_ECAM_SIZE / PCI_ECAM_BUS_SIZE - 1;
	finish(&mcfg->header, "MCFG", 1, sizeof(*mcfg));
	return 0;
}

static int build_spcr(struct cursor *c, u64 *gpa)
{
	struct acpi_spcr *spcr = reserve(c, sizeof(*spcr), 16, gpa);

	if (!spcr)
		return -ENOSPC;
	spcr->interface = SPCR_16550;
	spcr->base = io_gas(UART_COM1_PORT, 1);
	spcr->interrupt_type = SPCR_IRQ_IOAPIC;
	spcr->irq = UART_COM1_IRQ;
	spcr->gsi = UART_COM1_IRQ;
	spcr->baud = SPCR_115200;
	spcr->stop = 1;
	spcr->terminal = SPCR_VT100;
	spcr->pci_device = 0xffff;
	spcr->pci_vendor = 0xffff;
	finish(&spcr->header, "SPCR", 2, sizeof(*spcr));
	return 0;
}

static int build_root(struct cursor *c, struct acpi_rsdp *rsdp, const u64 *tables,
		      unsigned int nr)
{
	u64 rsdt_gpa, xsdt_gpa;
	struct acpi_rsdt *rsdt = reserve(c, sizeof(*rsdt), 16, &rsdt_gpa);
	struct acpi_xsdt *xsdt = reserve(c, sizeof(*xsdt), 16, &xsdt_gpa);

	if (!rsdt || !xsdt)
		return -ENOSPC;
	for (unsigned int i = 0; i < nr; i++) {
		rsdt->entries[i] = tables[i];
		xsdt->entries[i] = tables[i];
	}
	finish(&rsdt->header, "RSDT", 1, offsetof(struct acpi_rsdt, entries[nr]));
	finish(&xsdt->header, "XSDT", 1, offsetof(struct acpi_xsdt, entries[nr]));

	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "VMXLIT", 6);
	rsdp->revision = 2;
	rsdp->rsdt = rsdt_gpa;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt_gpa;
	rsdp->checksum = checksum(rsdp, offsetof(struct acpi_rsdp, length));
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
	return 0;
}

/**
 * acpi_build() - write the ACPI tables
 * @ram: the RAM
 * @t: of the CPUs
 * @window: where BARs begin that firmware places, below PCI_MMIO_END; 0 without firmware
 * @rsdp: out: where the root pointer is
 *
 * With firmware there is no ECAM, and there are two 8259As.
 *
 * Return: 0, or a negative errno after a message.
 */
int acpi_build(const struct guest_ram *ram, const struct topology *t, u32 window, u64 *rsdp)
{
	struct cursor c = {
		.ram = ram, .at = BOOT_ACPI_TABLES, .end = BOOT_MP_TABLE,
	};
	struct acpi_rsdp *root = reserve(&c, sizeof(*root), 16, rsdp);
	u64 tables[NR_TABLES];
	unsigned int n = 0;
	int ret;

	ret = build_fadt(&c, window, &tables[n++]);
	if (!ret)
		ret = build_madt(&c, t, window ? MADT_PCAT_COMPAT : 0, &tables[n++]);
	if (!ret && !window)
		ret = build_mcfg(&c, &tables[n++]);
	if (!ret)
		ret = build_spcr(&c, &tables[n++]);
	if (!ret)
		ret = build_root(&c, root, tables, n);
	if (ret)
		return fail(ret, "the ACPI tables of %u CPUs do not fit below 1 MiB",
			    topology_cpus(t));
	return 0;
}
