// SPDX-License-Identifier: GPL-2.0-only
/* fw_cfg by ports and by DMA, and the script that places the ACPI tables. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "fwcfg.h"
#include "loader.h"
#include "tap.h"

#define RAM_SIZE	0x10000

static struct bus ports;
static struct fwcfg fw;
static char ram_bytes[RAM_SIZE];
static struct guest_ram ram = { .base = ram_bytes, .lowmem = RAM_SIZE };

static void setup(void)
{
	bus_init(&ports, 0xffff);
	memset(ram_bytes, 0xaa, sizeof(ram_bytes));
	EXPECT_EQ(fwcfg_init(&fw, &ports, &ram), 0);
	EXPECT_EQ(fwcfg_add(&fw, FWCFG_NB_CPUS, "\x02", 2), 0);
	EXPECT_EQ(fwcfg_add_file(&fw, "etc/one", "hello", 5), 0);
	EXPECT_EQ(fwcfg_add_file(&fw, "etc/two", "world!", 6), 0);
	EXPECT_EQ(fwcfg_finish(&fw), 0);
}

static void teardown(void)
{
	fwcfg_destroy(&fw, &ports);
	bus_destroy(&ports);
}

static void select_key(u16 key)
{
	bus_write(&ports, 0x510, 2, key);
}

static void read_bytes(void *to, unsigned int len)
{
	for (u8 *p = to; len--; p++)
		*p = bus_read(&ports, 0x511, 1);
}

static void by_ports(void)
{
	char text[8];

	setup();
	select_key(0);
	read_bytes(text, 6);
	EXPECT(!memcmp(text, "QEMU\0\0", 6));	/* zeroes follow */
	select_key(1);
	EXPECT_EQ(bus_read(&ports, 0x511, 1), 3);
	select_key(0x4242);			/* no such item */
	EXPECT_EQ(bus_read(&ports, 0x511, 1), 0);
	select_key(FWCFG_NB_CPUS);
	EXPECT_EQ(bus_read(&ports, 0x511, 1), 2);
	select_key(FWCFG_NB_CPUS);		/* from its start again */
	EXPECT_EQ(bus_read(&ports, 0x511, 1), 2);
	bus_write(&ports, 0x511, 1, 0xff);	/* read-only */
	select_key(FWCFG_NB_CPUS);
	EXPECT_EQ(bus_read(&ports, 0x511, 1), 2);
	teardown();
}

static void directory(void)
{
	struct {
		u32 count;
		struct {
			u32 size;
			u16 key, reserved;
			char name[56];
		} files[2];
	} dir;
	char text[6];

	setup();
	select_key(0x19);
	read_bytes(&dir, sizeof(dir));
	EXPECT_EQ(be32toh(dir.count), 2);
	EXPECT(!strcmp(dir.files[0].name, "etc/one"));
	EXPECT_EQ(be32toh(dir.files[0].size), 5);
	EXPECT(!strcmp(dir.files[1].name, "etc/two"));
	EXPECT_EQ(be32toh(dir.files[1].size), 6);
	EXPECT(be16toh(dir.files[0].key) >= 0x20);
	select_key(be16toh(dir.files[1].key));
	read_bytes(text, 6);
	EXPECT(!memcmp(text, "world!", 6));
	teardown();
}

/* A request at @gpa; returns what becomes of its control word. */
static u32 dma(u64 gpa, u32 control, u32 length, u64 address)
{
	struct {
		u32 control, length;
		u64 address;
	} request = { htobe32(control), htobe32(length), htobe64(address) };

	if (gpa <= RAM_SIZE - sizeof(request))
		memcpy(ram_bytes + gpa, &request, sizeof(request));
	bus_write(&ports, 0x514, 4, htobe32(gpa >> 32));
	bus_write(&ports, 0x518, 4, htobe32(gpa));
	if (gpa > RAM_SIZE - sizeof(request))
		return 0;
	memcpy(&request, ram_bytes + gpa, sizeof(request));
	return be32toh(request.control);
}

static void by_dma(void)
{
	setup();
	EXPECT_EQ(be32toh(bus_read(&ports, 0x514, 4)), 0x51454d55);	/* "QEMU" */
	EXPECT_EQ(be32toh(bus_read(&ports, 0x518, 4)), 0x20434647);	/* " CFG" */
	/* Select file 1 and read. */
	EXPECT_EQ(dma(0x100, 0x21u << 16 | 8 | 2, 4, 0x1000), 0);
	EXPECT(!memcmp(ram_bytes + 0x1000, "worl\xaa", 5));
	/* Go on, beyond its end. */
	EXPECT_EQ(dma(0x100, 2, 4, 0x2000), 0);
	EXPECT(!memcmp(ram_bytes + 0x2000, "d!\0\0\xaa", 5));
	/* Skip */
	EXPECT_EQ(dma(0x100, 0x20u << 16 | 8 | 4, 3, 0), 0);
	EXPECT_EQ(dma(0x100, 2, 2, 0x3000), 0);
	EXPECT(!memcmp(ram_bytes + 0x3000, "lo\xaa", 3));
	EXPECT_EQ(dma(0x100, 0x20u << 16 | 8 | 4, 0xffffffff, 0), 0);
	EXPECT_EQ(dma(0x100, 2, 1, 0x3000), 0);
	EXPECT_EQ(ram_bytes[0x3000], 0);
	teardown();
}

static void bad_dma(void)
{
	char before[RAM_SIZE];

	setup();
	EXPECT_EQ(dma(0x100, 0x20u << 16 | 8 | 0x10, 4, 0x1000), 1);	/* a write */
	EXPECT_EQ(dma(0x100, 0x20u << 16 | 8 | 2, 4, RAM_SIZE - 3), 1);
	EXPECT_EQ(dma(0x100, 0x20u << 16 | 8 | 2, 0xffffffff, 0x1000), 1);
	EXPECT_EQ(dma(0x100, 0x20u << 16 | 8 | 2, 4, ~0ULL), 1);
	EXPECT_EQ(dma(0x100, 0, 4, 0x1000), 0);		/* asks for nothing */
	memcpy(before, ram_bytes, RAM_SIZE);
	dma(RAM_SIZE - 15, 0, 0, 0);			/* request outside of RAM */
	dma(~0ULL, 0, 0, 0);
	dma(1ULL << 32, 0, 0, 0);
	EXPECT(!memcmp(before, ram_bytes, RAM_SIZE));
	/* Over itself: whole in the end, with its result. */
	EXPECT_EQ(dma(0x100, 0x20u << 16 | 8 | 2, 16, 0x100), 0);
	teardown();
}

static void too_many(void)
{
	char name[16];

	setup();
	for (unsigned int i = 2; i < FWCFG_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "etc/%u", i);
		EXPECT_EQ(fwcfg_add_file(&fw, name, "x", 1), 0);
	}
	EXPECT(fwcfg_add_file(&fw, "etc/more", "x", 1) < 0);
	teardown();
}

/* ---- the ACPI tables: do what firmware does with the script, look at the result ---- */

#define TABLES_AT	0x7ff00000u

static u64 get(const u8 *at, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, at, size);
	return value;
}

static u8 sum(const u8 *p, u32 len)
{
	u8 total = 0;

	while (len--)
		total += *p++;
	return total;
}

static u8 *file_named(struct acpi_files *files, const void *name, u32 *size)
{
	bool is_rsdp = !strcmp(name, ACPI_FILE_RSDP);

	EXPECT(is_rsdp || !strcmp(name, ACPI_FILE_TABLES));
	*size = is_rsdp ? sizeof(files->rsdp) : files->tables_size;
	return is_rsdp ? files->rsdp : files->tables;
}

static void run_command(struct acpi_files *files, const u8 *c)
{
	u32 size, target_size, at;
	u8 *file = file_named(files, c + 4, &size);
	u64 value;

	switch (get(c, 4)) {
	case 1:
		EXPECT_EQ(c[64], strcmp((char *)c + 4, ACPI_FILE_RSDP) ? 1 : 2);
		break;
	case 2:
		at = get(c + 116, 4);
		EXPECT(at + c[120] <= size);
		value = get(file + at, c[120]);
		file_named(files, c + 60, &target_size);
		EXPECT(value < target_size);
		value += TABLES_AT;
		memcpy(file + at, &value, c[120]);
		break;
	case 3:
		at = get(c + 60, 4);
		EXPECT(get(c + 64, 4) + get(c + 68, 4) <= size);
		file[at] -= sum(file + get(c + 64, 4), get(c + 68, 4));
		break;
	default:
		EXPECT_EQ(get(c, 4), 3);
	}
}

static const u8 *table_at(struct acpi_files *files, u64 gpa, const char *signature)
{
	const u8 *table = files->tables + (gpa - TABLES_AT);

	EXPECT(gpa >= TABLES_AT && gpa + 36 <= TABLES_AT + files->tables_size);
	EXPECT(!memcmp(table, signature, 4));
	if (memcmp(signature, "FACS", 4))
		EXPECT_EQ(sum(table, get(table + 4, 4)), 0);
	return table;
}

static void acpi_tables(void)
{
	static const char *const names[] = { "FACP", "APIC", "SPCR" };
	struct topology topology = { 2, 2, 1 };
	struct acpi_files files;
	const u8 *rsdt, *xsdt, *fadt, *dsdt, *window;

	EXPECT_EQ(acpi_files_make(&files, &topology, 3 * GIB - MIB), 0);
	EXPECT_EQ(files.script_size % 128, 0);
	for (u32 at = 0; at < files.script_size; at += 128)
		run_command(&files, files.script + at);

	EXPECT(!memcmp(files.rsdp, "RSD PTR ", 8));
	EXPECT_EQ(sum(files.rsdp, 20), 0);
	EXPECT_EQ(sum(files.rsdp, 36), 0);
	rsdt = table_at(&files, get(files.rsdp + 16, 4), "RSDT");
	xsdt = table_at(&files, get(files.rsdp + 24, 8), "XSDT");
	/* No MCFG: a 440FX has no ECAM. */
	EXPECT_EQ(get(rsdt + 4, 4), 36 + 4 * ARRAY_SIZE(names));
	EXPECT_EQ(get(xsdt + 4, 4), 36 + 8 * ARRAY_SIZE(names));
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(get(rsdt + 36 + 4 * i, 4), get(xsdt + 36 + 8 * i, 8));
		table_at(&files, get(xsdt + 36 + 8 * i, 8), names[i]);
	}
	EXPECT_EQ(table_at(&files, get(xsdt + 44, 8), "APIC")[40], 1);	/* two 8259As */
	fadt = table_at(&files, get(xsdt + 36, 8), "FACP");
	table_at(&files, get(fadt + 36, 4), "FACS");
	dsdt = table_at(&files, get(fadt + 40, 4), "DSDT");
	EXPECT_EQ(get(fadt + 140, 8), get(fadt + 40, 4));
	/* The window for BARs begins where RAM ends: 0x87 is a DWORD range, type 0 memory. */
	window = memmem(dsdt, get(dsdt + 4, 4), "\x87\x17\0\0", 4);
	EXPECT(window);
	EXPECT_EQ(get(window + 10, 4), 3 * GIB - MIB);
	EXPECT_EQ(get(window + 14, 4), 0xfebfffff);
	EXPECT_EQ(get(window + 22, 4), 0xfec00000 - (3 * GIB - MIB));
	acpi_files_free(&files);
}

static const struct tap_test tests[] = {
	{ "fwcfg: selector and data port", by_ports },
	{ "fwcfg: directory", directory },
	{ "fwcfg: DMA", by_dma },
	{ "fwcfg: bad DMA", bad_dma },
	{ "fwcfg: too many files", too_many },
	{ "fwcfg: the script places ACPI tables", acpi_tables },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
