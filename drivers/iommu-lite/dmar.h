/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI DMA remapping reporting table (VT-d specification, chapter 8):
 * a checked walk over a table in memory, one callback a structure type.
 *
 * Pure: no allocation, no locks, no kernel services. Built into the module,
 * into its KUnit module and into user space.
 */
#ifndef IOMMU_LITE_DMAR_H
#define IOMMU_LITE_DMAR_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
#endif

/* Real tables have a few hundred bytes; larger ones are nonsense */
#define DMAR_MAX_LENGTH		65536u

/* Remapping structure types, VT-d specification 8.2 */
enum dmar_type {
	DMAR_DRHD	= 0,
	DMAR_RMRR	= 1,
	DMAR_ATSR	= 2,
	DMAR_RHSA	= 3,
	DMAR_ANDD	= 4,
	DMAR_SATC	= 5,
	DMAR_SIDP	= 6,
	DMAR_NR_TYPES
};

/* Device scope types, VT-d specification 8.3.1 */
enum dmar_scope_type {
	DMAR_SCOPE_ENDPOINT	= 1,
	DMAR_SCOPE_BRIDGE	= 2,
	DMAR_SCOPE_IOAPIC	= 3,
	DMAR_SCOPE_HPET		= 4,
	DMAR_SCOPE_NAMESPACE	= 5,
	DMAR_NR_SCOPE_TYPES
};

/* Flags of the table, VT-d specification 8.1 */
#define DMAR_INTR_REMAP			0x01
#define DMAR_X2APIC_OPT_OUT		0x02
#define DMAR_DMA_CTRL_PLATFORM_OPT_IN	0x04

#define DMAR_DRHD_INCLUDE_PCI_ALL	0x01	/* 8.3 */
#define DMAR_ATSR_ALL_PORTS		0x01	/* 8.5 */
#define DMAR_SATC_ATC_REQUIRED		0x01	/* 8.8 */

/**
 * struct dmar_table - what the table's header says
 * @length: bytes of the table, header included
 * @revision: revision of the table's layout
 * @haw: host address width in bits (32..52)
 * @flags: DMAR_INTR_REMAP and so on
 * @oem_id: six characters and a NUL
 * @oem_table_id: eight characters and a NUL
 */
struct dmar_table {
	u32 length;
	u8 revision;
	u8 haw;
	u8 flags;
	char oem_id[7];
	char oem_table_id[9];
};

/**
 * struct dmar_entry - one remapping structure, decoded
 * @offset: of the structure from the start of the table, in bytes
 * @type: enum dmar_type, or a number this parser does not know
 * @length: of the structure, in bytes
 * @flags: DRHD, ATSR, SATC
 * @segment: DRHD, RMRR, ATSR, SATC, SIDP: PCI segment
 * @base: DRHD and RHSA: register base; RMRR: first byte
 * @limit: RMRR: last byte; DRHD: last byte of the registers
 * @proximity: RHSA: proximity domain
 * @acpi_device: ANDD: device number
 * @name: ANDD: object name, NUL-terminated inside the table
 * @scopes: first device scope
 * @scopes_length: bytes of all device scopes
 */
struct dmar_entry {
	u32 offset;
	u16 type;
	u16 length;
	u8 flags;
	u16 segment;
	u64 base;
	u64 limit;
	u32 proximity;
	u8 acpi_device;
	const char *name;
	const u8 *scopes;
	u32 scopes_length;
};

/**
 * struct dmar_scope - one device scope, decoded
 * @type: enum dmar_scope_type, or a number this parser does not know
 * @flags: of the scope (SATC and SIDP use them)
 * @enumeration_id: IOAPIC id, HPET number or ACPI device number
 * @bus: bus on which the path starts
 * @hops: entries of @path, 1 or more
 * @path: @hops pairs of device and function
 */
struct dmar_scope {
	u8 type;
	u8 flags;
	u8 enumeration_id;
	u8 bus;
	u8 hops;
	const u8 *path;
};

/**
 * struct dmar_walk - a walk and its result; embed it to carry state
 * @handler: called for each structure of a type; NULL skips the type; an error
 *	ends the walk and is returned
 * @unknown: called for types from DMAR_NR_TYPES on; NULL skips them
 * @table: filled before the first callback
 * @nr_unknown: structures of unknown type seen
 * @error_offset: after -EINVAL, where in the table the fault is
 * @error: after -EINVAL, what is wrong there, for people
 */
struct dmar_walk {
	int (*handler[DMAR_NR_TYPES])(struct dmar_walk *walk,
				      const struct dmar_entry *entry);
	int (*unknown)(struct dmar_walk *walk, const struct dmar_entry *entry);
	struct dmar_table table;
	unsigned int nr_unknown;
	u32 error_offset;
	const char *error;
};

int dmar_walk_table(struct dmar_walk *walk, const void *data, size_t size);
bool dmar_next_scope(const struct dmar_entry *entry, u32 *position,
		     struct dmar_scope *scope);
const char *dmar_type_name(unsigned int type);
const char *dmar_scope_name(unsigned int type);

#endif
