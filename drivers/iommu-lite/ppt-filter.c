// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the holder of a lent device does not get: pure. Of its configuration
 * space what is not in the tables cannot be written; of its BARs the pages of
 * the MSI-X table cannot be mapped.
 */
#include "ppt.h"

/**
 * struct rule - bits that the holder of a device may change
 * @offset: of a byte, in the header or a capability
 * @mask: the bits. Those that a 1 clears are among them or the byte has no
 *	@mask: what is written back unchanged must not clear any
 */
struct rule {
	u8 offset;
	u8 mask;
};

/* PCI 6.2; the command register is handled apart. RW1C: error bits of status */
static const struct rule header_rules[] = {
	{ PCI_STATUS + 1, 0xf9 },
	{ PCI_INTERRUPT_LINE, 0xff },
	{}
};

/* PCI Express 7.5.3.4: Relaxed Ordering; 7.5.3.5: RW1C error bits */
static const struct rule express_rules[] = {
	{ PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_RELAX_EN },
	{ PCI_EXP_DEVSTA, 0x4f },
	{}
};

static const struct rule read_only[] = { {} };

/**
 * struct capability - what is known of a capability that is shown
 * @rules: what may be written
 *
 * Power management, MSI and MSI-X are for the holder to emulate: what they do
 * to the device is done by ioctls. Vendor-specific ones are windows into
 * anything.
 */
struct capability {
	const struct rule *rules;
};

static const struct capability capabilities[] = {
	[PCI_CAP_ID_PM] = { read_only },
	[PCI_CAP_ID_MSI] = { read_only },
	[PCI_CAP_ID_PCIX] = { read_only },
	[PCI_CAP_ID_VNDR] = { read_only },
	[PCI_CAP_ID_SSVID] = { read_only },
	[PCI_CAP_ID_EXP] = { express_rules },
	[PCI_CAP_ID_MSIX] = { read_only },
	[PCI_CAP_ID_SATA] = { read_only },
	[PCI_CAP_ID_AF] = { read_only },
};

static bool is_shown(u8 id)
{
	return id < ARRAY_SIZE(capabilities) && capabilities[id].rules;
}

static void fix(struct il_config *config, unsigned int offset, u8 value)
{
	config->image[offset] = value;
	config->fixed[offset] = 0xff;
}

static void apply(struct il_config *config, unsigned int base,
		  const struct rule *rule)
{
	for (; rule->mask; rule++)
		if (base + rule->offset < PCI_CFG_SPACE_SIZE)
			config->writable[base + rule->offset] = rule->mask;
}

/* Each is four bytes at least, so that no list is longer than this */
#define MAX_CAPABILITIES	((PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF) / 4)

static void walk_capabilities(struct il_config *config, const u8 *space)
{
	unsigned int link = PCI_CAPABILITY_LIST, left = MAX_CAPABILITIES;
	unsigned int at;

	if (!(space[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return;
	for (at = space[link] & ~3; at >= PCI_STD_HEADER_SIZEOF && left--;
	     at = space[at + PCI_CAP_LIST_NEXT] & ~3) {
		if (!is_shown(space[at]))
			continue;
		apply(config, at, capabilities[space[at]].rules);
		fix(config, link, at);
		link = at + PCI_CAP_LIST_NEXT;
	}
	fix(config, link, 0);
}

#define MAX_EXTENDED	((PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 8)

/*
 * Of the extended capabilities only the serial number is harmless: the others
 * configure links, error reports, virtual functions and what the IOMMU relies
 * on. All of the rest reads as 0, an empty list (PCI Express 7.6.2).
 */
static void walk_extended(struct il_config *config, const u8 *space,
			  unsigned int size)
{
	unsigned int at = PCI_CFG_SPACE_SIZE, left = MAX_EXTENDED;
	u32 header;

	memset(config->fixed + PCI_CFG_SPACE_SIZE, 0xff,
	       IL_CONFIG_SIZE - PCI_CFG_SPACE_SIZE);
	while (size == IL_CONFIG_SIZE && at >= PCI_CFG_SPACE_SIZE &&
	       at <= size - 12 && left--) {
		header = le32_to_cpup((const __le32 *)(space + at));
		if (PCI_EXT_CAP_ID(header) == PCI_EXT_CAP_ID_DSN) {
			memcpy(config->image + PCI_CFG_SPACE_SIZE, space + at,
			       12);
			/* The last of the list: only id and version stay */
			config->image[PCI_CFG_SPACE_SIZE + 2] &= 0x0f;
			config->image[PCI_CFG_SPACE_SIZE + 3] = 0;
			return;
		}
		at = PCI_EXT_CAP_NEXT(header);
	}
}

/**
 * il_config_build() - work out what of a configuration space is shown
 * @config: filled
 * @space: the device's own, 4096 bytes
 * @size: bytes that the device has: 256 or 4096
 *
 * Lists of capabilities are linked past what is hidden; a list that a broken
 * device has made a ring ends somewhere.
 */
void il_config_build(struct il_config *config, const u8 *space,
		     unsigned int size)
{
	memset(config, 0, sizeof(*config));
	apply(config, 0, header_rules);
	walk_capabilities(config, space);
	walk_extended(config, space, size);
}

/**
 * il_config_write() - what a write to a byte makes of it
 * @config: the filter
 * @offset: of the byte, 0 to 4095
 * @old: as the device has it
 * @value: as the holder wants it
 *
 * Return: the byte to write; of no meaning where nothing is writable.
 */
u8 il_config_write(const struct il_config *config, unsigned int offset, u8 old,
		   u8 value)
{
	u8 mask = config->writable[offset];

	return (old & ~mask) | (value & mask);
}

/**
 * il_span_pages() - the pages of a BAR that a span lies on
 * @span: MSI-X table or pending bits
 * @bar: which BAR
 *
 * Return: the pages, @first above @last where it does not lie there.
 */
struct il_pages il_span_pages(const struct il_span *span, unsigned int bar)
{
	struct il_pages none = { .first = 1 };

	if (span->bar != bar || !span->size)
		return none;
	return (struct il_pages){
		.first = span->offset >> PAGE_SHIFT,
		.last = (span->offset + span->size - 1) >> PAGE_SHIFT,
	};
}

/**
 * il_span_touches() - does an access meet a span?
 * @span: MSI-X table or pending bits
 * @bar: BAR of the access
 * @offset: its first byte
 * @size: its bytes, not 0
 *
 * Return: true where one byte at least is in both.
 */
bool il_span_touches(const struct il_span *span, unsigned int bar, u64 offset,
		     u64 size)
{
	return span->bar == bar && span->size &&
	       offset < span->offset + span->size &&
	       span->offset < offset + size;
}
