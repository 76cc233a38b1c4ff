// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device scopes on machines of a few bridges: scope.c is compiled here with
 * functions and buses that exist only in memory.
 */
#include <kunit/test.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "iommu-lite.h"

static struct pci_dev *fake_get(int segment, unsigned int bus,
				unsigned int devfn);

#define pci_get_domain_bus_and_slot	fake_get
#define pci_dev_put(dev)		((void)(dev))
#include "scope.c"

LIST_HEAD(il_units);
LIST_HEAD(il_atsrs);
LIST_HEAD(il_satcs);

/*
 * Segment 0: 00:02.0 an endpoint; 00:1c.0 a root port to bus 1, on which 00.0
 * is a switch's upstream port to bus 2, on which 03.0 is a downstream port to
 * bus 3 with 00.0 and its virtual function 00.1; 00:1c.4 a root port to bus 4,
 * on which 00.0 is a bridge to the PCI bus 5 with 01.0 and the PCI bridge
 * 02.0 to bus 6 with 04.0. Segment 1: 00:02.0.
 */
enum {
	SEG0_BUS0, BUS1, BUS2, BUS3, BUS4, BUS5, BUS6, SEG1_BUS0, NR_BUSES
};

enum {
	GFX, PORT, UP, DOWN, DEEP, VIRTUAL, PORT2, PCIE_PCI, LEGACY, PCI_PCI,
	DEEP_LEGACY, OTHER_SEGMENT, NR_DEVICES
};

static const struct {
	u8 bus, devfn;
	s8 subordinate;
	u8 pcie_type;		/* 0xff: no PCI Express device */
} devices[NR_DEVICES] = {
	[GFX]		= { SEG0_BUS0, PCI_DEVFN(2, 0), -1,
			    PCI_EXP_TYPE_RC_END },
	[PORT]		= { SEG0_BUS0, PCI_DEVFN(0x1c, 0), BUS1,
			    PCI_EXP_TYPE_ROOT_PORT },
	[UP]		= { BUS1, PCI_DEVFN(0, 0), BUS2,
			    PCI_EXP_TYPE_UPSTREAM },
	[DOWN]		= { BUS2, PCI_DEVFN(3, 0), BUS3,
			    PCI_EXP_TYPE_DOWNSTREAM },
	[DEEP]		= { BUS3, PCI_DEVFN(0, 0), -1, PCI_EXP_TYPE_ENDPOINT },
	[VIRTUAL]	= { BUS3, PCI_DEVFN(0, 1), -1, PCI_EXP_TYPE_ENDPOINT },
	[PORT2]		= { SEG0_BUS0, PCI_DEVFN(0x1c, 4), BUS4,
			    PCI_EXP_TYPE_ROOT_PORT },
	[PCIE_PCI]	= { BUS4, PCI_DEVFN(0, 0), BUS5,
			    PCI_EXP_TYPE_PCI_BRIDGE },
	[LEGACY]	= { BUS5, PCI_DEVFN(1, 0), -1, 0xff },
	[PCI_PCI]	= { BUS5, PCI_DEVFN(2, 0), BUS6, 0xff },
	[DEEP_LEGACY]	= { BUS6, PCI_DEVFN(4, 0), -1, 0xff },
	[OTHER_SEGMENT]	= { SEG1_BUS0, PCI_DEVFN(2, 0), -1,
			    PCI_EXP_TYPE_RC_END },
};

static struct machine {
	struct pci_sysdata segment[2];
	struct pci_bus bus[NR_BUSES];
	struct pci_dev dev[NR_DEVICES];
} *machine;

static struct pci_dev *fake_get(int segment, unsigned int bus,
				unsigned int devfn)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++)
		if (pci_domain_nr(machine->dev[i].bus) == segment &&
		    machine->dev[i].bus->number == bus &&
		    machine->dev[i].devfn == devfn)
			return &machine->dev[i];
	return NULL;
}

static int make_machine(struct kunit *test)
{
	struct pci_dev *dev;
	int i;

	machine = kunit_kzalloc(test, sizeof(*machine), GFP_KERNEL);
	if (!machine)
		return -ENOMEM;
	machine->segment[1].domain = 1;
	for (i = 0; i < NR_BUSES; i++) {
		machine->bus[i].number = i == SEG1_BUS0 ? 0 : i;
		machine->bus[i].sysdata = &machine->segment[i == SEG1_BUS0];
	}
	for (i = 0; i < NR_DEVICES; i++) {
		dev = &machine->dev[i];
		dev->bus = &machine->bus[devices[i].bus];
		dev->devfn = devices[i].devfn;
		if (devices[i].pcie_type != 0xff) {
			dev->pcie_cap = 0x40;
			dev->pcie_flags_reg = devices[i].pcie_type << 4;
		}
		if (devices[i].subordinate < 0)
			continue;
		dev->subordinate = &machine->bus[devices[i].subordinate];
		dev->subordinate->self = dev;
		dev->subordinate->parent = dev->bus;
	}
	machine->dev[VIRTUAL].is_virtfn = 1;
	machine->dev[VIRTUAL].physfn = &machine->dev[DEEP];
	INIT_LIST_HEAD(&il_units);
	INIT_LIST_HEAD(&il_atsrs);
	INIT_LIST_HEAD(&il_satcs);
	return 0;
}

/* Scopes as they stand in a table */
static const u8 to_gfx[] = { 1, 8, 0, 0, 0, 0, 2, 0 };
static const u8 to_deep[] = { 1, 14, 0, 0, 0, 0, 0x1c, 0, 0, 0, 3, 0, 0, 0 };
static const u8 to_port[] = { 2, 8, 0, 0, 0, 0, 0x1c, 0 };
static const u8 to_switch[] = { 2, 12, 0, 0, 0, 0, 0x1c, 0, 0, 0, 3, 0 };
static const u8 to_bus_5[] = { 1, 8, 0, 0, 0, 5, 1, 0 };
static const u8 to_nothing[] = { 1, 10, 0, 0, 0, 0, 2, 0, 1, 0 };
static const u8 to_ioapic[] = { 3, 8, 0, 0, 2, 0, 2, 0 };
static const u8 to_two[] = {
	3, 8, 0, 0, 2, 0, 0x1f, 0,
	1, 8, 0, 0, 0, 0, 2, 0,
	2, 8, 0, 0, 0, 0, 0x1c, 4,
};

/* Without SR-IOV a virtual function is a function like others */
#define VF_OF_DEEP	(IS_ENABLED(CONFIG_PCI_IOV) ? BIT(VIRTUAL) : 0)

#define ENTRY(array) \
	{ .scopes = (array), .scopes_length = sizeof(array) }

static void scopes_cover(struct kunit *test)
{
	static const struct {
		struct dmar_entry entry;
		u32 covered;	/* bit of each device */
	} cases[] = {
		{ ENTRY(to_gfx), BIT(GFX) },
		{ ENTRY(to_deep), BIT(DEEP) | VF_OF_DEEP },
		{ ENTRY(to_port), BIT(PORT) | BIT(UP) | BIT(DOWN) | BIT(DEEP) |
				  BIT(VIRTUAL) },
		{ ENTRY(to_switch), BIT(DOWN) | BIT(DEEP) | BIT(VIRTUAL) },
		{ ENTRY(to_bus_5), BIT(LEGACY) },
		{ ENTRY(to_nothing), 0 },
		{ ENTRY(to_ioapic), 0 },
		{ ENTRY(to_two), BIT(GFX) | BIT(PORT2) | BIT(PCIE_PCI) |
				 BIT(LEGACY) | BIT(PCI_PCI) |
				 BIT(DEEP_LEGACY) },
		{ { .segment = 1, .scopes = to_gfx,
		    .scopes_length = sizeof(to_gfx) }, BIT(OTHER_SEGMENT) },
		{ { .segment = 1, .scopes = to_deep,
		    .scopes_length = sizeof(to_deep) }, 0 },
	};
	u32 covered;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (covered = 0, j = 0; j < NR_DEVICES; j++)
			if (il_entry_covers(&cases[i].entry, &machine->dev[j]))
				covered |= BIT(j);
		KUNIT_EXPECT_EQ_MSG(test, covered, cases[i].covered,
				    "case %d", i);
	}
}

/* Bridges may be renumbered: the path is what counts */
static void paths_follow_renumbering(struct kunit *test)
{
	const struct dmar_entry entry = ENTRY(to_deep);

	machine->bus[BUS3].number = 0x77;
	machine->bus[BUS1].number = 0x55;
	KUNIT_EXPECT_TRUE(test, il_entry_covers(&entry, &machine->dev[DEEP]));
	machine->dev[DOWN].subordinate = NULL;
	KUNIT_EXPECT_FALSE(test, il_entry_covers(&entry, &machine->dev[DEEP]));
}

static void add_unit(struct kunit *test, struct dmar_drhd_unit *unit,
		     u16 segment, bool include_all, const u8 *scopes, u32 size)
{
	unit->segment = segment;
	unit->include_all = include_all;
	unit->hdr = (struct dmar_entry){
		.segment = segment,
		.scopes = scopes,
		.scopes_length = size,
	};
	list_add_tail(&unit->list, &il_units);
}

static void include_all_comes_last(struct kunit *test)
{
	struct dmar_drhd_unit *units = kunit_kcalloc(test, 3, sizeof(*units),
						     GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, units);
	/* First in the table, which the specification does not want */
	add_unit(test, &units[0], 0, true, NULL, 0);
	add_unit(test, &units[1], 0, false, to_gfx, sizeof(to_gfx));
	add_unit(test, &units[2], 0, false, to_switch, sizeof(to_switch));
	for (i = 0; i < NR_DEVICES; i++) {
		struct dmar_drhd_unit *wanted = &units[0];

		if (i == GFX)
			wanted = &units[1];
		if (i == DOWN || i == DEEP || i == VIRTUAL)
			wanted = &units[2];
		if (i == OTHER_SEGMENT)
			wanted = NULL;
		KUNIT_EXPECT_PTR_EQ(test, il_unit_of(&machine->dev[i]),
				    wanted);
	}
}

static void requester_ids(struct kunit *test)
{
	static const struct {
		int device;
		u16 sids[3];
		unsigned int count;
	} cases[] = {
		{ GFX, { 0x0010 }, 1 },
		{ DEEP, { 0x0300 }, 1 },
		{ VIRTUAL, { 0x0301 }, 1 },
		{ PCIE_PCI, { 0x0400 }, 1 },
		{ LEGACY, { 0x0508, 0x0500 }, 2 },
		{ DEEP_LEGACY, { 0x0620, 0x0510, 0x0500 }, 3 },
	};
	unsigned long aliases[BITS_TO_LONGS(256)] = {};
	u16 sids[4];
	int i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_ASSERT_EQ(test,
				il_collect_sids(&machine->dev[cases[i].device],
						sids, 4), cases[i].count);
		for (j = 0; j < cases[i].count; j++)
			KUNIT_EXPECT_EQ_MSG(test, sids[j], cases[i].sids[j],
					    "case %d", i);
	}
	/* A quirky device speaks as another function, too; and room is kept */
	set_bit(PCI_DEVFN(0, 5), aliases);
	machine->dev[DEEP].dma_alias_mask = aliases;
	KUNIT_EXPECT_EQ(test, il_collect_sids(&machine->dev[DEEP], sids, 4),
			2);
	KUNIT_EXPECT_EQ(test, sids[1], 0x0305);
	KUNIT_EXPECT_EQ(test, il_collect_sids(&machine->dev[DEEP_LEGACY],
					      sids, 2), 2);
}

static void ats_by_root_port(struct kunit *test)
{
	struct il_region port = { .entry = ENTRY(to_port) };
	struct il_region all = { .entry.flags = DMAR_ATSR_ALL_PORTS };

	KUNIT_EXPECT_FALSE(test, il_ats_allowed(&machine->dev[DEEP]));
	KUNIT_EXPECT_TRUE(test, il_ats_allowed(&machine->dev[GFX]));
	list_add(&port.list, &il_atsrs);
	KUNIT_EXPECT_TRUE(test, il_ats_allowed(&machine->dev[DEEP]));
	KUNIT_EXPECT_TRUE(test, il_ats_allowed(&machine->dev[VIRTUAL]));
	KUNIT_EXPECT_FALSE(test, il_ats_allowed(&machine->dev[PCIE_PCI]));
	list_add(&all.list, &il_atsrs);
	KUNIT_EXPECT_TRUE(test, il_ats_allowed(&machine->dev[PCIE_PCI]));
}

static struct kunit_case scope_cases[] = {
	KUNIT_CASE(scopes_cover),
	KUNIT_CASE(paths_follow_renumbering),
	KUNIT_CASE(include_all_comes_last),
	KUNIT_CASE(requester_ids),
	KUNIT_CASE(ats_by_root_port),
	{}
};

static struct kunit_suite scope_suite = {
	.name = "iommu-lite-scope",
	.init = make_machine,
	.test_cases = scope_cases,
};

kunit_test_suite(scope_suite);
