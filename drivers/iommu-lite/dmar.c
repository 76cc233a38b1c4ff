// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMAR table parser, see dmar.h.
 *
 * Firmware is not trusted: every length is checked before the bytes it covers
 * are read, and the first fault ends the walk with its offset.
 */
#include "dmar.h"

#define TABLE_HEADER		48u	/* ACPI header, width, flags, reserved */
#define TABLE_OFF_LENGTH	4
#define TABLE_OFF_REVISION	8
#define TABLE_OFF_OEM_ID	10
#define TABLE_OFF_OEM_TABLE_ID	16
#define TABLE_OFF_HAW		36
#define TABLE_OFF_FLAGS		37

#define ENTRY_HEADER		4u	/* type and length */
#define SCOPE_HEADER		6u	/* up to the path */

/* Below, not even the interrupt window is addressable; above, no CPU goes */
#define HAW_MIN			32
#define HAW_MAX			52

static u64 get_le(const u8 *p, unsigned int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

static int fault(struct dmar_walk *walk, u32 offset, const char *what)
{
	walk->error_offset = offset;
	walk->error = what;
	return -EINVAL;
}

static void parse_drhd(struct dmar_entry *e, const u8 *p)
{
	e->flags = p[4];
	e->segment = get_le(p + 6, 2);
	e->base = get_le(p + 8, 8);
	e->limit = e->base + (4096ull << (p[5] & 0x0f)) - 1;
}

static int check_drhd(struct dmar_walk *walk, const struct dmar_entry *e)
{
	if (!e->base)
		return fault(walk, e->offset + 8, "DRHD register base is 0");
	if (e->base == ~0ull)
		return fault(walk, e->offset + 8,
			     "DRHD register base is all ones");
	if (e->base & 4095)
		return fault(walk, e->offset + 8,
			     "DRHD register base is not page-aligned");
	if (e->limit < e->base)
		return fault(walk, e->offset + 8,
			     "DRHD registers pass the end of memory");
	return 0;
}

static void parse_rmrr(struct dmar_entry *e, const u8 *p)
{
	e->segment = get_le(p + 6, 2);
	e->base = get_le(p + 8, 8);
	e->limit = get_le(p + 16, 8);
}

static int check_rmrr(struct dmar_walk *walk, const struct dmar_entry *e)
{
	if (e->limit < e->base)
		return fault(walk, e->offset + 16,
			     "RMRR ends before it begins");
	return 0;
}

static void parse_flags_segment(struct dmar_entry *e, const u8 *p)
{
	e->flags = p[4];
	e->segment = get_le(p + 6, 2);
}

static void parse_rhsa(struct dmar_entry *e, const u8 *p)
{
	e->base = get_le(p + 8, 8);
	e->proximity = get_le(p + 16, 4);
}

static void parse_andd(struct dmar_entry *e, const u8 *p)
{
	e->acpi_device = p[7];
	e->name = (const char *)p + 8;
}

static int check_andd(struct dmar_walk *walk, const struct dmar_entry *e)
{
	if (!memchr(e->name, 0, e->length - 8))
		return fault(walk, e->offset + 8,
			     "ANDD object name has no end");
	return 0;
}

static void parse_sidp(struct dmar_entry *e, const u8 *p)
{
	e->segment = get_le(p + 6, 2);
}

static const struct {
	const char *name;
	u16 min_length;
	bool has_scopes;	/* from min_length on */
	void (*parse)(struct dmar_entry *e, const u8 *p);
	int (*check)(struct dmar_walk *walk, const struct dmar_entry *e);
} types[DMAR_NR_TYPES] = {
	[DMAR_DRHD] = { "DRHD", 16, true, parse_drhd, check_drhd },
	[DMAR_RMRR] = { "RMRR", 24, true, parse_rmrr, check_rmrr },
	[DMAR_ATSR] = { "ATSR", 8, true, parse_flags_segment, NULL },
	[DMAR_RHSA] = { "RHSA", 20, false, parse_rhsa, NULL },
	[DMAR_ANDD] = { "ANDD", 9, false, parse_andd, check_andd },
	[DMAR_SATC] = { "SATC", 8, true, parse_flags_segment, NULL },
	[DMAR_SIDP] = { "SIDP", 8, true, parse_sidp, NULL },
};

static const char * const scope_names[DMAR_NR_SCOPE_TYPES] = {
	[DMAR_SCOPE_ENDPOINT] = "endpoint",
	[DMAR_SCOPE_BRIDGE] = "bridge",
	[DMAR_SCOPE_IOAPIC] = "IOAPIC",
	[DMAR_SCOPE_HPET] = "HPET",
	[DMAR_SCOPE_NAMESPACE] = "namespace",
};

/**
 * dmar_type_name() - the specification's name of a remapping structure
 * @type: any number
 *
 * Return: four letters, or NULL for a type that is not known.
 */
const char *dmar_type_name(unsigned int type)
{
	return type < DMAR_NR_TYPES ? types[type].name : NULL;
}

/**
 * dmar_scope_name() - a word for a device scope type
 * @type: any number
 *
 * Return: the word, or NULL for a type that is not known.
 */
const char *dmar_scope_name(unsigned int type)
{
	return type < DMAR_NR_SCOPE_TYPES ? scope_names[type] : NULL;
}

/**
 * dmar_next_scope() - step through the device scopes of a structure
 * @entry: as given to a handler: its scopes have been checked
 * @position: 0 before the first call; updated
 * @scope: filled with the next scope; @scope->path points into the table
 *
 * VT-d specification 8.3.1.
 *
 * Return: false after the last scope.
 */
bool dmar_next_scope(const struct dmar_entry *entry, u32 *position,
		     struct dmar_scope *scope)
{
	const u8 *p;

	if (*position >= entry->scopes_length)
		return false;
	p = entry->scopes + *position;
	scope->type = p[0];
	scope->flags = p[2];
	scope->enumeration_id = p[4];
	scope->bus = p[5];
	scope->hops = (p[1] - SCOPE_HEADER) / 2;
	scope->path = p + SCOPE_HEADER;
	*position += p[1];
	return true;
}

static int check_scopes(struct dmar_walk *walk, const struct dmar_entry *e,
			u32 start)
{
	u32 left, at;

	for (at = 0; at < e->scopes_length; at += e->scopes[at + 1]) {
		left = e->scopes_length - at;
		if (left < SCOPE_HEADER)
			return fault(walk, start + at,
				     "device scope is cut off");
		if (e->scopes[at + 1] < SCOPE_HEADER + 2)
			return fault(walk, start + at + 1,
				     "device scope is too short for a path");
		if (e->scopes[at + 1] > left)
			return fault(walk, start + at + 1,
				     "device scope passes its structure's end");
		if (e->scopes[at + 1] & 1)
			return fault(walk, start + at + 1,
				     "device scope has half a path entry");
	}
	return 0;
}

/* Two structures for one unit would have it programmed twice */
static int check_duplicate(struct dmar_walk *walk, const struct dmar_entry *e,
			   const u8 *data)
{
	u32 at;

	for (at = TABLE_HEADER; at < e->offset; at += get_le(data + at + 2, 2))
		if (get_le(data + at, 2) == DMAR_DRHD &&
		    get_le(data + at + 8, 8) == e->base)
			return fault(walk, e->offset + 8,
				     "second DRHD with the same register base");
	return 0;
}

static int parse_entry(struct dmar_walk *walk, struct dmar_entry *e,
		       const u8 *data)
{
	const u8 *p = data + e->offset;
	u16 min = types[e->type].min_length;
	int ret = 0;

	if (e->length < min)
		return fault(walk, e->offset + 2,
			     "structure is too short for its type");
	if (types[e->type].has_scopes) {
		e->scopes = p + min;
		e->scopes_length = e->length - min;
	}
	types[e->type].parse(e, p);
	if (types[e->type].check)
		ret = types[e->type].check(walk, e);
	if (!ret)
		ret = check_scopes(walk, e, e->offset + min);
	if (!ret && e->type == DMAR_DRHD)
		ret = check_duplicate(walk, e, data);
	return ret;
}

static int parse_header(struct dmar_walk *walk, const u8 *data, size_t size)
{
	struct dmar_table *t = &walk->table;
	u8 sum = 0;
	u32 i;

	if (size < TABLE_HEADER)
		return fault(walk, 0, "table is shorter than its header");
	if (memcmp(data, "DMAR", 4))
		return fault(walk, 0, "signature is not DMAR");
	t->length = get_le(data + TABLE_OFF_LENGTH, 4);
	if (t->length < TABLE_HEADER || t->length > DMAR_MAX_LENGTH)
		return fault(walk, TABLE_OFF_LENGTH,
			     "length of the table is out of range");
	if (t->length > size)
		return fault(walk, TABLE_OFF_LENGTH, "table is cut off");
	for (i = 0; i < t->length; i++)
		sum += data[i];
	if (sum)
		return fault(walk, 9, "checksum of the table is wrong");
	t->revision = data[TABLE_OFF_REVISION];
	t->haw = data[TABLE_OFF_HAW] < HAW_MAX ? data[TABLE_OFF_HAW] + 1 : 0;
	if (t->haw < HAW_MIN)
		return fault(walk, TABLE_OFF_HAW,
			     "host address width is out of range");
	t->flags = data[TABLE_OFF_FLAGS];
	memcpy(t->oem_id, data + TABLE_OFF_OEM_ID, 6);
	memcpy(t->oem_table_id, data + TABLE_OFF_OEM_TABLE_ID, 8);
	return 0;
}

/**
 * dmar_walk_table() - check a DMAR table and hand out its structures in order
 * @walk: callbacks; the results are left in it
 * @data: the table
 * @size: bytes readable at @data
 *
 * Structures before a fault have been handed out when it is found, so a caller
 * that must not act on a bad table walks it once without callbacks first.
 * VT-d specification, chapter 8. Does not sleep, takes no lock.
 *
 * Return: 0; -EINVAL with @walk->error and @walk->error_offset set; or what a
 * callback returned.
 */
int dmar_walk_table(struct dmar_walk *walk, const void *data, size_t size)
{
	int (*handler)(struct dmar_walk *walk, const struct dmar_entry *e);
	const u8 *bytes = data;
	u32 offset, left;
	int ret;

	memset(&walk->table, 0, sizeof(walk->table));
	walk->nr_unknown = 0;
	walk->error = NULL;
	walk->error_offset = 0;

	ret = parse_header(walk, bytes, size);
	if (ret)
		return ret;

	for (offset = TABLE_HEADER; offset < walk->table.length;) {
		struct dmar_entry e = { .offset = offset };

		left = walk->table.length - offset;
		if (left < ENTRY_HEADER)
			return fault(walk, offset, "structure is cut off");
		e.type = get_le(bytes + offset, 2);
		e.length = get_le(bytes + offset + 2, 2);
		if (!e.length)
			return fault(walk, offset + 2,
				     "structure has length 0");
		if (e.length < ENTRY_HEADER)
			return fault(walk, offset + 2,
				     "structure is shorter than its header");
		if (e.length > left)
			return fault(walk, offset + 2,
				     "structure passes the table's end");
		if (e.type < DMAR_NR_TYPES) {
			ret = parse_entry(walk, &e, bytes);
			handler = walk->handler[e.type];
		} else {
			walk->nr_unknown++;
			handler = walk->unknown;
		}
		if (!ret && handler)
			ret = handler(walk, &e);
		if (ret)
			return ret;
		offset += e.length;
	}
	return 0;
}
