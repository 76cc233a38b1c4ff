// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables as firmware wants them: a file, and a script of where it must
 * add the addresses that it gives the tables and then mend checksums (QEMU's
 * hw/acpi/bios-linker-loader.c describes its commands).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "loader.h"

#define CMD_ALLOCATE		1
#define CMD_ADD_POINTER		2
#define CMD_ADD_CHECKSUM	3
#define BAR_START		0x80000000u

#define ZONE_HIGH		1
#define ZONE_F_SEGMENT		2

struct loader_command {
	u32 command;
	union {
		struct {
			char file[56];
			u32 align;
			u8 zone;
		} __attribute__((packed)) allocate;
		struct {
			char file[56];
			char target[56];
			u32 offset;
			u8 size;
		} __attribute__((packed)) pointer;
		struct {
			char file[56];
			u32 offset;
			u32 start;
			u32 length;
		} __attribute__((packed)) checksum;
		char pad[124];
	};
} __attribute__((packed));

_Static_assert(sizeof(struct loader_command) == 128, "the interface says so");

/* Offsets within tables (ACPI 6.4, 5.2.5, 5.2.6 and 5.2.9) */
#define RSDP_SIZE		36
#define RSDP_V1_SIZE		20
#define RSDP_CHECKSUM		8
#define RSDP_RSDT		16
#define RSDP_XSDT		24
#define RSDP_CHECKSUM_2		32
#define TABLE_LENGTH		4
#define TABLE_CHECKSUM		9
#define TABLE_ENTRIES		36
#define FADT_FACS		36
#define FADT_DSDT		40
#define FADT_X_FACS		132
#define FADT_X_DSDT		140

/* Tables being translated: addresses become offsets within the file. */
struct translation {
	struct acpi_files *files;
	char *ram;		/* guest-physical 0 to BOOT_HIGH */
	u32 end;		/* of the last table */
};

static u64 get(const void *at, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, at, size);
	return le64toh(value);
}

/* The field is larger, and zero. */
static void put_name(char *field, const char *name)
{
	memcpy(field, name, strlen(name));
}

static struct loader_command *add_command(struct translation *t, u32 command)
{
	struct loader_command *c = (void *)t->files->script;

	if (t->files->nr_commands == ACPI_LOADER_COMMANDS)
		return NULL;
	c += t->files->nr_commands++;
	c->command = htole32(command);
	return c;
}

static int allocate(struct translation *t, const char *file, u32 align, u8 zone)
{
	struct loader_command *c = add_command(t, CMD_ALLOCATE);

	if (!c)
		return -ENOSPC;
	put_name(c->allocate.file, file);
	c->allocate.align = htole32(align);
	c->allocate.zone = zone;
	return 0;
}

/* The pointer of @size bytes at @at, which is at @offset of @file. 0 stays 0. */
static int translate(struct translation *t, const char *file, u32 offset, void *at, u8 size)
{
	u64 value = get(at, size);
	struct loader_command *c;

	if (!value)
		return 0;
	c = add_command(t, CMD_ADD_POINTER);
	if (!c)
		return -ENOSPC;
	put_name(c->pointer.file, file);
	put_name(c->pointer.target, ACPI_FILE_TABLES);
	c->pointer.offset = htole32(offset);
	c->pointer.size = size;
	value = htole64(value - BOOT_ACPI_TABLES);
	memcpy(at, &value, size);
	return 0;
}

static int mend(struct translation *t, const char *file, u8 *field, u32 offset, u32 start,
		u32 length)
{
	struct loader_command *c = add_command(t, CMD_ADD_CHECKSUM);

	if (!c)
		return -ENOSPC;
	put_name(c->checksum.file, file);
	c->checksum.offset = htole32(offset);
	c->checksum.start = htole32(start);
	c->checksum.length = htole32(length);
	*field = 0;	/* the sum is taken with it */
	return 0;
}

static void note_end(struct translation *t, u32 gpa)
{
	t->end = MAX(t->end, gpa + (u32)get(t->ram + gpa + TABLE_LENGTH, 4));
}

static int translate_in(struct translation *t, u32 gpa, u32 offset, u8 size)
{
	u64 target = get(t->ram + gpa + offset, size);

	if (target)
		note_end(t, target);
	return translate(t, ACPI_FILE_TABLES, gpa - BOOT_ACPI_TABLES + offset,
			 t->ram + gpa + offset, size);
}

static int mend_table(struct translation *t, u32 gpa)
{
	u32 at = gpa - BOOT_ACPI_TABLES;

	note_end(t, gpa);
	return mend(t, ACPI_FILE_TABLES, (u8 *)t->ram + gpa + TABLE_CHECKSUM,
		    at + TABLE_CHECKSUM, at, get(t->ram + gpa + TABLE_LENGTH, 4));
}

static int translate_fadt(struct translation *t, u32 gpa)
{
	int ret = translate_in(t, gpa, FADT_FACS, 4);

	if (!ret)
		ret = translate_in(t, gpa, FADT_DSDT, 4);
	if (!ret)
		ret = translate_in(t, gpa, FADT_X_FACS, 8);
	if (!ret)
		ret = translate_in(t, gpa, FADT_X_DSDT, 8);
	return ret;
}

static int translate_table(struct translation *t, u32 gpa)
{
	int ret = 0;

	if (!memcmp(t->ram + gpa, "FACP", 4))
		ret = translate_fadt(t, gpa);
	return ret ? ret : mend_table(t, gpa);
}

/* An RSDT or XSDT; the tables themselves are translated once. */
static int translate_root(struct translation *t, u32 gpa, u8 entry, bool tables)
{
	u32 length = get(t->ram + gpa + TABLE_LENGTH, 4);
	int ret = 0;

	for (u32 at = TABLE_ENTRIES; at + entry <= length && !ret; at += entry) {
		if (tables)
			ret = translate_table(t, get(t->ram + gpa + at, entry));
		if (!ret)
			ret = translate_in(t, gpa, at, entry);
	}
	return ret ? ret : mend_table(t, gpa);
}

static int translate_rsdp(struct translation *t, u8 *rsdp)
{
	u32 rsdt = get(rsdp + RSDP_RSDT, 4), xsdt = get(rsdp + RSDP_XSDT, 8);
	int ret;

	ret = translate_root(t, rsdt, 4, true);
	if (!ret)
		ret = translate_root(t, xsdt, 8, false);
	if (!ret)
		ret = translate(t, ACPI_FILE_RSDP, RSDP_RSDT, rsdp + RSDP_RSDT, 4);
	if (!ret)
		ret = translate(t, ACPI_FILE_RSDP, RSDP_XSDT, rsdp + RSDP_XSDT, 8);
	if (!ret)
		ret = mend(t, ACPI_FILE_RSDP, rsdp + RSDP_CHECKSUM, RSDP_CHECKSUM, 0,
			   RSDP_V1_SIZE);
	if (!ret)
		ret = mend(t, ACPI_FILE_RSDP, rsdp + RSDP_CHECKSUM_2, RSDP_CHECKSUM_2, 0,
			   RSDP_SIZE);
	return ret;
}

/**
 * acpi_files_make() - the ACPI tables for firmware
 * @files: out; free it with acpi_files_free(), also on errors
 * @topology: of the CPUs
 * @lowmem: bytes of RAM from address 0
 *
 * Return: 0, or a negative errno after a message.
 */
int acpi_files_make(struct acpi_files *files, const struct topology *topology, u64 lowmem)
{
	struct guest_ram ram = { .base = calloc(1, BOOT_HIGH), .lowmem = BOOT_HIGH };
	struct translation t = { .files = files, .ram = ram.base };
	u64 rsdp;
	int ret;

	*files = (struct acpi_files) {
		.script = calloc(ACPI_LOADER_COMMANDS, sizeof(struct loader_command)),
	};
	ret = -ENOMEM;
	if (!ram.base || !files->script) {
		fail(ret, "no memory");
		goto out;
	}
	/* Where both SeaBIOS and OVMF see room for BARs behind a 440FX. */
	ret = acpi_build(&ram, topology, MAX(lowmem, BAR_START), &rsdp);
	if (ret)
		goto out;
	memcpy(files->rsdp, ram.base + rsdp, sizeof(files->rsdp));
	memset(ram.base + rsdp, 0, sizeof(files->rsdp));
	ret = allocate(&t, ACPI_FILE_RSDP, 16, ZONE_F_SEGMENT);
	if (!ret)
		ret = allocate(&t, ACPI_FILE_TABLES, 64, ZONE_HIGH);
	if (!ret)
		ret = translate_rsdp(&t, files->rsdp);
	if (ret) {
		fail(ret, "the ACPI tables are too many for the firmware");
		goto out;
	}
	files->script_size = files->nr_commands * sizeof(struct loader_command);
	files->tables_size = t.end - BOOT_ACPI_TABLES;
	files->tables = malloc(files->tables_size);
	ret = files->tables ? 0 : fail(-ENOMEM, "no memory");
	if (!ret)
		memcpy(files->tables, ram.base + BOOT_ACPI_TABLES, files->tables_size);
out:
	free(ram.base);
	return ret;
}

/**
 * acpi_files_free() - undo acpi_files_make()
 * @files: the files
 */
void acpi_files_free(struct acpi_files *files)
{
	free(files->script);
	free(files->tables);
}
