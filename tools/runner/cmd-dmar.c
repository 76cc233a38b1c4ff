// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmxl dmar: print a DMAR table, this machine's or a file's, one line a
 * structure, with the structure's device scopes indented below it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../drivers/iommu-lite/dmar.h"
#include "cmd.h"

#define SYSTEM_TABLE	"/sys/firmware/acpi/tables/DMAR"
#define NO_TABLE \
	"this machine has no DMAR table: enable VT-d in the firmware's set-up"

static void print_scopes(const struct dmar_entry *e)
{
	struct dmar_scope scope;
	u32 position = 0;

	while (dmar_next_scope(e, &position, &scope)) {
		const char *name = dmar_scope_name(scope.type);
		unsigned int i;

		if (name)
			printf("    %s", name);
		else
			printf("    scope type %u", scope.type);
		printf(" bus %02x path", scope.bus);
		for (i = 0; i < scope.hops; i++)
			printf(" %02x.%x", scope.path[2 * i],
			       scope.path[2 * i + 1]);
		if (scope.type != DMAR_SCOPE_ENDPOINT &&
		    scope.type != DMAR_SCOPE_BRIDGE)
			printf(" id %u", scope.enumeration_id);
		if (scope.flags)
			printf(" flags 0x%02x", scope.flags);
		putchar('\n');
	}
}

static int print_drhd(struct dmar_walk *walk, const struct dmar_entry *e)
{
	(void)walk;
	printf("DRHD segment %04x flags 0x%02x%s registers 0x%llx-0x%llx\n",
	       e->segment, e->flags,
	       e->flags & DMAR_DRHD_INCLUDE_PCI_ALL ? " INCLUDE_PCI_ALL" : "",
	       (unsigned long long)e->base, (unsigned long long)e->limit);
	print_scopes(e);
	return 0;
}

static int print_rmrr(struct dmar_walk *walk, const struct dmar_entry *e)
{
	(void)walk;
	printf("RMRR segment %04x memory 0x%llx-0x%llx\n", e->segment,
	       (unsigned long long)e->base, (unsigned long long)e->limit);
	print_scopes(e);
	return 0;
}

static int print_atsr(struct dmar_walk *walk, const struct dmar_entry *e)
{
	(void)walk;
	printf("ATSR segment %04x flags 0x%02x%s\n", e->segment, e->flags,
	       e->flags & DMAR_ATSR_ALL_PORTS ? " ALL_PORTS" : "");
	print_scopes(e);
	return 0;
}

static int print_rhsa(struct dmar_walk *walk, const struct dmar_entry *e)
{
	(void)walk;
	printf("RHSA registers 0x%llx proximity domain %u\n",
	       (unsigned long long)e->base, e->proximity);
	return 0;
}

static int print_andd(struct dmar_walk *walk, const struct dmar_entry *e)
{
	const unsigned char *p;

	(void)walk;
	printf("ANDD device %u name ", e->acpi_device);
	for (p = (const unsigned char *)e->name; *p; p++)
		putchar(*p >= ' ' && *p < 0x7f ? *p : '?');
	putchar('\n');
	return 0;
}

static int print_satc(struct dmar_walk *walk, const struct dmar_entry *e)
{
	(void)walk;
	printf("SATC segment %04x flags 0x%02x%s\n", e->segment, e->flags,
	       e->flags & DMAR_SATC_ATC_REQUIRED ? " ATC_REQUIRED" : "");
	print_scopes(e);
	return 0;
}

static int print_sidp(struct dmar_walk *walk, const struct dmar_entry *e)
{
	(void)walk;
	printf("SIDP segment %04x\n", e->segment);
	print_scopes(e);
	return 0;
}

static int print_unknown(struct dmar_walk *walk, const struct dmar_entry *e)
{
	(void)walk;
	printf("UNKNOWN type %u, %u bytes skipped\n", e->type, e->length);
	return 0;
}

/* OEM fields are firmware's: keep control characters off the terminal */
static void print_text(const char *label, const char *text)
{
	printf("%s", label);
	for (; *text; text++)
		putchar(*text >= ' ' && *text < 0x7f ? *text : '?');
}

static void print_header(const struct dmar_table *t)
{
	printf("DMAR revision %u, %u bytes, host address width %u", t->revision,
	       t->length, t->haw);
	print_text(", OEM ", t->oem_id);
	print_text(" ", t->oem_table_id);
	printf(", flags 0x%02x%s%s%s\n", t->flags,
	       t->flags & DMAR_INTR_REMAP ? " INTR_REMAP" : "",
	       t->flags & DMAR_X2APIC_OPT_OUT ? " X2APIC_OPT_OUT" : "",
	       t->flags & DMAR_DMA_CTRL_PLATFORM_OPT_IN ?
	       " DMA_CTRL_PLATFORM_OPT_IN" : "");
}

static int read_table(const char *path, unsigned char *data, size_t *size)
{
	FILE *file = fopen(path, "rb");
	int failed;

	if (!file)
		return -errno;
	errno = 0;
	*size = fread(data, 1, DMAR_MAX_LENGTH, file);
	failed = ferror(file) ? (errno ? -errno : -EIO) : 0;
	fclose(file);
	return failed;
}

/**
 * cmd_dmar() - the command "vmxl dmar [FILE]"
 * @argc: number of words, the command's own name included
 * @argv: "dmar" and at most one file name; without, this machine's table
 *
 * Return: 0; 1 on wrong usage or a bad table or file; 2 where this machine
 * has no table.
 */
int cmd_dmar(int argc, char **argv)
{
	struct dmar_walk check = { 0 };
	struct dmar_walk print = {
		.handler = {
			[DMAR_DRHD] = print_drhd,
			[DMAR_RMRR] = print_rmrr,
			[DMAR_ATSR] = print_atsr,
			[DMAR_RHSA] = print_rhsa,
			[DMAR_ANDD] = print_andd,
			[DMAR_SATC] = print_satc,
			[DMAR_SIDP] = print_sidp,
		},
		.unknown = print_unknown,
	};
	const char *path = argc == 2 ? argv[1] : SYSTEM_TABLE;
	unsigned char *data;
	size_t size = 0;
	int ret;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		fprintf(stderr, "usage: vmxl dmar [FILE]\n");
		return 1;
	}
	data = malloc(DMAR_MAX_LENGTH);
	if (!data) {
		fprintf(stderr, "vmxl dmar: out of memory\n");
		return 1;
	}
	ret = read_table(path, data, &size);
	if (ret) {
		if (argc == 1 && ret == -ENOENT)
			fprintf(stderr, "vmxl dmar: " NO_TABLE "\n");
		else
			fprintf(stderr, "vmxl dmar: %s: %s\n", path,
				strerror(-ret));
		free(data);
		return argc == 1 && ret == -ENOENT ? 2 : 1;
	}
	/* The header line comes first, but only where there is a header */
	ret = dmar_walk_table(&check, data, size);
	if (!ret || check.table.haw) {
		print_header(&check.table);
		dmar_walk_table(&print, data, size);
	}
	if (ret) {
		fflush(stdout);
		fprintf(stderr, "vmxl dmar: %s: offset 0x%x: %s\n", path,
			check.error_offset, check.error);
	}
	free(data);
	return ret ? 1 : 0;
}
