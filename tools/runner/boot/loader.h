/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables as files and a script for firmware. */
#ifndef VMXL_LOADER_H
#define VMXL_LOADER_H

#include "topology.h"
#include "util.h"

#define ACPI_FILE_RSDP		"etc/acpi/rsdp"
#define ACPI_FILE_TABLES	"etc/acpi/tables"
#define ACPI_FILE_SCRIPT	"etc/table-loader"

#define ACPI_LOADER_COMMANDS	64

/**
 * struct acpi_files - what firmware reads by fw_cfg
 * @script: @nr_commands of 128 bytes
 */
struct acpi_files {
	u8 rsdp[36];
	u8 *tables;
	u32 tables_size;
	u8 *script;
	u32 script_size;
	unsigned int nr_commands;
};

int acpi_files_make(struct acpi_files *files, const struct topology *topology, u64 lowmem);
void acpi_files_free(struct acpi_files *files);

#endif /* VMXL_LOADER_H */
