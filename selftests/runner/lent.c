// SPDX-License-Identifier: GPL-2.0-only
/* A lent device as its guest sees it, over an iommu-lite that is only made up. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot.h"
#include "lent.h"
#include "tap.h"

#define SLOT		1		/* the first that is free */
#define BDF		(SLOT << 3)
#define GSI		(16 + SLOT)

/* Capabilities of the device, in the order of its list */
#define PM		0x40
#define VPD		0x48
#define MSI		0x50
#define EXPRESS		0x70
#define VENDOR		0xb0
#define MSIX		0xc0
#define AF		0xd0
#define OTHER		0xe0		/* registers of no capability */
#define SERIAL		0x100

#define BAR0_SIZE	0x10000
#define TABLE		0x2800		/* not at the start of its page */
#define PBA		0x2f00		/* on the table's page */
#define VECTORS		70		/* pending bits of more than a u64 */
#define DEVICE_FD_SIZE	0x40000
#define WC_OFFSET	0x20000

/* ------------------------------------------------------------ the device */

static u8 device[PCI_EXT_CONFIG_SIZE];
static struct iommu_lite_bar device_bars[PCI_REGIONS];
static struct iommu_lite_irq_info device_irqs;
static struct iommu_lite_region device_region;
static u32 device_flags, refuse_reason;
static int map_result;

static struct {
	unsigned int bar;
	u64 offset, value;
	unsigned int size;
	unsigned int count;
} bar_access, bar_written, config_written;

static struct {
	enum iommu_lite_irq_type type;
	int fds[2048];
	unsigned int count;
	int resample_fd;
	unsigned int calls;
} irqs;

static unsigned int resets, attached, mapped_first, closed_domain;
static u64 mapped_bytes;

int iommu_parse_bdf(const char *text, struct iommu_bdf *bdf)
{
	*bdf = (struct iommu_bdf) { .devfn = 0x18 };
	return strcmp(text, "0000:00:03.0") ? -EINVAL : 0;
}

int iommu_open(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

int iommu_create_domain(int fd)
{
	(void)fd;
	return eventfd(0, EFD_CLOEXEC);
}

int iommu_open_lent(int fd, const struct iommu_bdf *bdf, uint32_t flags, uint32_t *reason)
{
	int device_fd;

	(void)fd;
	EXPECT_EQ(bdf->devfn, 0x18);
	*reason = refuse_reason;
	if (refuse_reason == IOMMU_LITE_UNSAFE_INTERRUPTS &&
	    (flags & IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS))
		*reason = IOMMU_LITE_OK;
	if (*reason)
		return -EPERM;
	device_fd = memfd_create("device", MFD_CLOEXEC);
	EXPECT_EQ(ftruncate(device_fd, DEVICE_FD_SIZE), 0);
	return device_fd;
}

const char *iommu_reason_text(uint32_t reason)
{
	(void)reason;
	return "for a test";
}

int iommu_map(int domain, uint64_t iova, void *memory, uint64_t size, uint32_t flags)
{
	(void)domain;
	(void)memory;
	EXPECT_EQ(flags, IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE);
	EXPECT_EQ(iova, 0);
	if (map_result)
		return map_result;
	mapped_bytes += size;
	return 0;
}

int iommu_attach(int fd, int domain)
{
	(void)fd;
	(void)domain;
	mapped_first = mapped_bytes != 0;
	attached++;
	return 0;
}

int iommu_device_info(int fd, struct iommu_lite_device_info *info)
{
	(void)fd;
	info->flags = device_flags;
	return 0;
}

int iommu_get_regions(int fd, struct iommu_lite_region *regions, uint32_t *count)
{
	(void)fd;
	regions[0] = device_region;
	*count = 1;
	return 0;
}

/* A memfd always has something to read: there is nothing. */
int iommu_read_faults(int fd, struct iommu_lite_fault *faults, unsigned int max)
{
	(void)fd;
	(void)faults;
	(void)max;
	usleep(1000);
	return -EAGAIN;
}

int iommu_get_bar(int fd, unsigned int index, struct iommu_lite_bar *bar)
{
	(void)fd;
	*bar = device_bars[index];
	bar->index = index;
	return 0;
}

int iommu_read_bar(int fd, unsigned int index, uint64_t offset, unsigned int size,
		   uint64_t *value)
{
	(void)fd;
	EXPECT_EQ(offset % size, 0);
	EXPECT(offset + size <= device_bars[index].size);
	bar_access.bar = index;
	bar_access.offset = offset;
	bar_access.size = size;
	bar_access.count++;
	*value = 0x8877665544332211;
	return 0;
}

int iommu_write_bar(int fd, unsigned int index, uint64_t offset, unsigned int size,
		    uint64_t value)
{
	(void)fd;
	EXPECT_EQ(offset % size, 0);
	EXPECT(offset + size <= device_bars[index].size);
	bar_written.bar = index;
	bar_written.offset = offset;
	bar_written.size = size;
	bar_written.value = value;
	bar_written.count++;
	return 0;
}

int iommu_read_config(int fd, unsigned int offset, unsigned int size, uint32_t *value)
{
	(void)fd;
	EXPECT_EQ(offset % size, 0);
	*value = 0;
	memcpy(value, device + offset, size);
	return 0;
}

int iommu_write_config(int fd, unsigned int offset, unsigned int size, uint32_t value)
{
	(void)fd;
	EXPECT_EQ(offset % size, 0);
	config_written.offset = offset;
	config_written.size = size;
	config_written.value = value;
	config_written.count++;
	if (offset == PCI_COMMAND)
		memcpy(device + offset, &value, size);
	return 0;
}

int iommu_get_irq_info(int fd, struct iommu_lite_irq_info *info)
{
	(void)fd;
	*info = device_irqs;
	return 0;
}

int iommu_set_irqs(int fd, enum iommu_lite_irq_type type, const int *fds, unsigned int count,
		   int resample_fd)
{
	(void)fd;
	/* One type at a time. */
	EXPECT(!irqs.count || irqs.type == type);
	irqs.type = type;
	irqs.count = count;
	irqs.resample_fd = resample_fd;
	irqs.calls++;
	if (count)
		memcpy(irqs.fds, fds, count * sizeof(*fds));
	return 0;
}

int iommu_reset(int fd)
{
	(void)fd;
	EXPECT_EQ(irqs.count, 0);
	resets++;
	return 0;
}

/* ------------------------------------------------------------ the module */

#define ROUTES_MAX	256

static struct route {
	int fd;
	u64 address;
	u32 data;
	int gsi;
} routes[ROUTES_MAX];
static unsigned int nr_routes;

static struct window {
	u64 gpa, size;
	void *addr;
} windows[16];
static unsigned int nr_windows;

static struct route *route_of(int fd)
{
	for (unsigned int i = 0; i < nr_routes; i++)
		if (routes[i].fd == fd)
			return &routes[i];
	return NULL;
}

static int add_route(struct route new)
{
	struct route *r = route_of(new.fd);

	EXPECT(r || nr_routes < ROUTES_MAX);
	if (!r)
		r = &routes[nr_routes++];
	*r = new;
	return 0;
}

static int route_msi(struct irqchip *chip, int fd, u64 address, u32 data)
{
	(void)chip;
	return add_route((struct route) { fd, address, data, -1 });
}

static int route_pin(struct irqchip *chip, int fd, unsigned int gsi, int resample_fd)
{
	(void)chip;
	EXPECT(resample_fd >= 0);
	return add_route((struct route) { fd, 0, 0, gsi });
}

static void unroute(struct irqchip *chip, int fd)
{
	struct route *r = route_of(fd);

	(void)chip;
	EXPECT(r);
	if (r)
		*r = routes[--nr_routes];
}

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	(void)gsi;
	(void)level;
}

static int map(struct irqchip *chip, u64 gpa, void *addr, u64 size)
{
	(void)chip;
	EXPECT_EQ(gpa % 4096 | size % 4096 | (uintptr_t)addr % 4096, 0);
	if (gpa < 0x100000)		/* RAM is there */
		return -EEXIST;
	windows[nr_windows++] = (struct window) { gpa, size, addr };
	return 0;
}

static void unmap(struct irqchip *chip, u64 gpa, u64 size)
{
	(void)chip;
	for (unsigned int i = 0; i < nr_windows; i++)
		if (windows[i].gpa == gpa && windows[i].size == size) {
			windows[i] = windows[--nr_windows];
			return;
		}
	EXPECT(!"what is unmapped was mapped");
}

static struct irqchip irqchip = {
	.set_line = set_line,
	.route_msi = route_msi,
	.unroute_msi = unroute,
	.route_pin = route_pin,
	.map = map,
	.unmap = unmap,
};

/* ------------------------------------------------------------ the guest */

static struct bus ports, mmio;
static struct reset reset;
static struct power power;
static struct pci_bus pci;
static struct guest_ram ram;
static struct lending lending;
static struct board board = {
	.name = "guest",
	.ram = &ram,
	.irqchip = &irqchip,
	.pci = &pci,
	.lending = &lending,
};

static struct lent lent;
static u64 base;

static u32 config(unsigned int offset, unsigned int size)
{
	return pci_config_read(&pci, BDF, offset, size);
}

static void set_config(unsigned int offset, unsigned int size, u32 value)
{
	pci_config_write(&pci, BDF, offset, size, value);
}

static u64 get(u64 offset, unsigned int size)
{
	return bus_read(&mmio, base + offset, size);
}

static void put(u64 offset, unsigned int size, u64 value)
{
	bus_write(&mmio, base + offset, size, value);
}

static void capability(unsigned int at, u8 id, u8 next)
{
	device[at] = id;
	device[at + 1] = next;
}

static void make_device(void)
{
	memset(device, 0, sizeof(device));
	pci_put32(device, PCI_VENDOR_ID, 0x11e81234);
	pci_put16(device, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	pci_put16(device, PCI_STATUS, PCI_STATUS_CAP_LIST | PCI_STATUS_INTERRUPT);
	pci_put32(device, PCI_CLASS_REVISION, 0x01080210);
	device[PCI_HEADER_TYPE] = 0x80;
	pci_put32(device, PCI_BASE_ADDRESS_0, 0xfe00000c);
	pci_put32(device, PCI_SUBSYSTEM_VENDOR_ID, 0x11001af4);
	device[PCI_INTERRUPT_PIN] = 3;
	device[PCI_CAPABILITY_LIST] = PM;
	capability(PM, PCI_CAP_ID_PM, VPD);
	pci_put16(device, PM + PCI_PM_PMC, 0xfe03);
	capability(VPD, PCI_CAP_ID_VPD, MSI);
	capability(MSI, PCI_CAP_ID_MSI, EXPRESS);
	pci_put16(device, MSI + PCI_MSI_FLAGS,
		  PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 3 << 1);
	capability(EXPRESS, PCI_CAP_ID_EXP, VENDOR);
	pci_put16(device, EXPRESS + PCI_EXP_FLAGS, 2);
	pci_put32(device, EXPRESS + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR | 1);
	pci_put16(device, EXPRESS + PCI_EXP_DEVSTA, 0x21);
	pci_put32(device, EXPRESS + PCI_EXP_LNKCAP, 0x12345678);
	capability(VENDOR, PCI_CAP_ID_VNDR, MSIX);
	pci_put32(device, VENDOR + 4, 0xabcdef01);
	capability(MSIX, PCI_CAP_ID_MSIX, AF);
	pci_put16(device, MSIX + PCI_MSIX_FLAGS, VECTORS - 1);
	capability(AF, PCI_CAP_ID_AF, 0);
	device[AF + PCI_AF_CAP] = PCI_AF_CAP_TP | PCI_AF_CAP_FLR;
	pci_put32(device, OTHER, 0x600df00d);
	pci_put32(device, SERIAL, PCI_EXT_CAP_ID_DSN | 1 << 16);
	pci_put32(device, SERIAL + 8, 0xfeedface);

	memset(device_bars, 0, sizeof(device_bars));
	device_bars[0] = (struct iommu_lite_bar) {
		.size = BAR0_SIZE,
		.flags = IOMMU_LITE_BAR_64 | IOMMU_LITE_BAR_PREFETCH | IOMMU_LITE_BAR_MMAP |
			 IOMMU_LITE_BAR_WC,
		.wc_offset = WC_OFFSET,
	};
	device_bars[2] = (struct iommu_lite_bar) { .size = 256 };
	device_bars[3] = (struct iommu_lite_bar) { .size = 32, .flags = IOMMU_LITE_BAR_IO };
	device_bars[PCI_ROM_BAR] = (struct iommu_lite_bar) {
		.size = 0x1000,
		.flags = IOMMU_LITE_BAR_READONLY,
	};
	device_irqs = (struct iommu_lite_irq_info) {
		.intx = 1,
		.msi = 8,
		.msix = VECTORS,
		.msix_table_offset = TABLE,
		.msix_pba_offset = PBA,
	};
	device_region = (struct iommu_lite_region) {
		0xfee00000, 0xfeefffff, IOMMU_LITE_REGION_MSI, 0
	};
	device_flags = IOMMU_LITE_DEVICE_LENT;
	refuse_reason = IOMMU_LITE_OK;
	map_result = 0;
	memset(&irqs, 0, sizeof(irqs));
	memset(&bar_access, 0, sizeof(bar_access));
	memset(&bar_written, 0, sizeof(bar_written));
	memset(&config_written, 0, sizeof(config_written));
	resets = 0;
	attached = 0;
	mapped_bytes = 0;
	closed_domain = 0;
	nr_routes = 0;
	nr_windows = 0;
}

static int parse(const char *text)
{
	static char copy[64];

	memset(&lent, 0, sizeof(lent));
	snprintf(copy, sizeof(copy), "%s", text);
	return lent_kind.parse(&lent.p, copy);
}

static void make_board(void)
{
	make_device();
	memset(&lending, 0, sizeof(lending));
	ram = (struct guest_ram) { .base = calloc(1, MIB), .lowmem = MIB };
	bus_init(&ports, 0xffff);
	bus_init(&mmio, UINT64_MAX);
	EXPECT_EQ(reset_init(&reset, &ports, &power), 0);
	EXPECT_EQ(pci_init(&pci, &ports, &mmio, &irqchip, &reset), 0);
}

static void setup(void)
{
	make_board();
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	base = config(PCI_BASE_ADDRESS_0, 4) & ~0xfu;
}

static void teardown(void)
{
	lent_kind.destroy(&lent.p);
	EXPECT_EQ(mmio.nr, 1);			/* ECAM */
	EXPECT_EQ(pci.io.nr, 0);
	EXPECT_EQ(nr_windows, 0);
	EXPECT_EQ(nr_routes, 0);
	EXPECT_EQ(irqs.count, 0);
	EXPECT(!lending_pins(&lending));
	pci_destroy(&pci, &ports);
	reset_destroy(&reset, &ports);
	bus_destroy(&mmio);
	bus_destroy(&ports);
	free(ram.base);
}

static void enable(void)
{
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

/* ------------------------------------------------------------ tests */

static void options(void)
{
	EXPECT_EQ(parse("0000:00:03.0,rom=off,unsafe-interrupts"), 0);
	EXPECT(lent.no_rom);
	EXPECT_EQ(lent.flags, IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS);
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT(!lent.no_rom);
	EXPECT_EQ(lent.flags, 0);
	EXPECT_EQ(parse("eth0"), -EINVAL);
	EXPECT_EQ(parse("0000:00:03.0,rom=on"), -EINVAL);
	EXPECT_EQ(parse("0000:00:03.0,"), -EINVAL);
}

static void header(void)
{
	setup();
	EXPECT_EQ(attached, 1);
	EXPECT(mapped_first);
	EXPECT_EQ(mapped_bytes, MIB);
	EXPECT(lending_pins(&lending));
	EXPECT_EQ(config(PCI_VENDOR_ID, 4), 0x11e81234);
	EXPECT_EQ(config(PCI_CLASS_REVISION, 4), 0x01080210);
	EXPECT_EQ(config(PCI_HEADER_TYPE, 1), 0);	/* one function here */
	EXPECT_EQ(config(PCI_SUBSYSTEM_VENDOR_ID, 4), 0x11001af4);
	EXPECT_EQ(config(PCI_INTERRUPT_PIN, 1), 1);
	EXPECT_EQ(config(PCI_INTERRUPT_LINE, 1), GSI);
	EXPECT_EQ(config(PCI_COMMAND, 2), 0);
	EXPECT_EQ(config(PCI_STATUS, 2), PCI_STATUS_CAP_LIST | PCI_STATUS_INTERRUPT);
	pci_put16(device, PCI_STATUS, PCI_STATUS_REC_MASTER_ABORT);
	EXPECT_EQ(config(PCI_STATUS, 2), PCI_STATUS_CAP_LIST | PCI_STATUS_REC_MASTER_ABORT);
	EXPECT_EQ(config(OTHER, 4), 0x600df00d);
	pci_put32(device, OTHER, 0x600df11d);
	EXPECT_EQ(config(OTHER + 1, 1), 0xf1);		/* always as it is now */
	teardown();
}

/* What the guest writes reaches the device where it must, and nowhere else. */
static void forwarded(void)
{
	setup();
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	EXPECT_EQ(config_written.count, 1);
	EXPECT_EQ(config_written.offset, PCI_COMMAND);
	EXPECT_EQ(config_written.size, 2);
	/* The device decodes on: the guest's decoding is the runner's matter. */
	EXPECT_EQ(config_written.value,
		  PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	set_config(PCI_COMMAND, 2, 0);
	EXPECT_EQ(config_written.value, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	set_config(PCI_STATUS, 2, 0xffff);
	EXPECT_EQ(config_written.offset, PCI_STATUS);
	EXPECT_EQ(config_written.value, 0xf900);
	set_config(EXPRESS + PCI_EXP_DEVSTA, 2, 0xffff);
	EXPECT_EQ(config_written.offset, EXPRESS + PCI_EXP_DEVSTA);
	EXPECT_EQ(config_written.value, 0xf);
	EXPECT_EQ(config_written.count, 4);
	set_config(OTHER, 4, 0);
	set_config(VPD + 2, 2, 0xffff);
	set_config(VENDOR + 4, 4, 0);
	set_config(PM + PCI_PM_CTRL, 2, 3);
	set_config(EXPRESS + PCI_EXP_DEVCTL, 2, 0x2810);
	set_config(PCI_BASE_ADDRESS_0, 4, 0xd0000000);
	EXPECT_EQ(config_written.count, 4);
	EXPECT_EQ(config(VENDOR + 4, 4), 0xabcdef01);
	EXPECT_EQ(config(PM + PCI_PM_CTRL, 2), 3 | PCI_PM_CTRL_NO_SOFT_RESET);
	EXPECT_EQ(config(EXPRESS + PCI_EXP_DEVCTL, 2), 0x2810);
	teardown();
}

static void capabilities(void)
{
	static const u8 wanted[] = { PM, MSI, EXPRESS, VENDOR, MSIX, AF, 0 };
	u8 at;

	setup();
	at = config(PCI_CAPABILITY_LIST, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(wanted); i++) {
		EXPECT_EQ(at, wanted[i]);
		at = at ? config(at + PCI_CAP_LIST_NEXT, 1) : 0;
	}
	EXPECT_EQ(config(PM + PCI_PM_PMC, 2), 0x0603);		/* no PME */
	EXPECT_EQ(config(MSI + PCI_MSI_FLAGS, 2),
		  PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 3 << 1);
	EXPECT_EQ(config(EXPRESS + PCI_EXP_FLAGS, 2), 2 | PCI_EXP_TYPE_RC_END << 4);
	EXPECT_EQ(config(EXPRESS + PCI_EXP_LNKCAP, 4), 0);
	EXPECT_EQ(config(EXPRESS + PCI_EXP_DEVSTA, 2), 0x21);
	EXPECT_EQ(config(SERIAL, 4), PCI_EXT_CAP_ID_DSN | 1 << 16);
	EXPECT_EQ(config(SERIAL + 8, 4), 0xfeedface);
	set_config(SERIAL + 8, 4, 0);
	EXPECT_EQ(config(SERIAL + 8, 4), 0xfeedface);
	EXPECT_EQ(config_written.count, 0);
	EXPECT_EQ(config(SERIAL + 12, 4), 0);
	EXPECT_EQ(config(MSIX + PCI_MSIX_TABLE, 4), TABLE);
	EXPECT_EQ(config(MSIX + PCI_MSIX_PBA, 4), PBA);
	set_config(MSIX + PCI_MSIX_TABLE, 4, 0);
	EXPECT_EQ(config(MSIX + PCI_MSIX_TABLE, 4), TABLE);
	teardown();

	/* Without what they need, MSI and MSI-X are not there. */
	make_board();
	device_irqs = (struct iommu_lite_irq_info) { 0 };
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	EXPECT_EQ(config(PM + PCI_CAP_LIST_NEXT, 1), EXPRESS);
	EXPECT_EQ(config(VENDOR + PCI_CAP_LIST_NEXT, 1), AF);
	EXPECT_EQ(config(PCI_INTERRUPT_PIN, 1), 0);
	EXPECT_EQ(irqs.calls, 0);
	teardown();
}

/* A list that never ends, and one that leaves configuration space. */
static void broken_lists(void)
{
	make_board();
	device[AF + 1] = PM;
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	EXPECT_EQ(config(AF + PCI_CAP_LIST_NEXT, 1), 0);
	teardown();

	make_board();
	device[PCI_CAPABILITY_LIST] = 0xfc;
	capability(0xfc, PCI_CAP_ID_MSIX, 0x10);
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	EXPECT_EQ(config(PCI_CAPABILITY_LIST, 1), 0);
	EXPECT(!(config(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST));
	teardown();
}

static const struct window *window_at(u64 gpa)
{
	for (unsigned int i = 0; i < nr_windows; i++)
		if (windows[i].gpa == gpa)
			return &windows[i];
	return NULL;
}

static void bars_follow(void)
{
	setup();
	EXPECT_EQ(config(PCI_BASE_ADDRESS_0, 4) & 0xf, 0xc);
	EXPECT_EQ(nr_windows, 0);		/* not before the guest decodes */
	enable();
	EXPECT_EQ(nr_windows, 2);
	EXPECT_EQ(window_at(base)->size, 0x2000);
	EXPECT_EQ(window_at(base + 0x3000)->size, BAR0_SIZE - 0x3000);
	/* Uncached: what is written there is in the device's file at the BAR's offset. */
	((char *)window_at(base + 0x3000)->addr)[5] = 0x5a;
	{
		char byte = 0;

		EXPECT_EQ(pread(lent.fd, &byte, 1, 0x3005), 1);
		EXPECT_EQ(byte, 0x5a);
	}
	set_config(PCI_BASE_ADDRESS_1, 4, 0x20);	/* far above */
	EXPECT_EQ(nr_windows, 2);
	EXPECT(window_at((0x20ull << 32) + base));
	set_config(PCI_BASE_ADDRESS_1, 4, 0);
	set_config(PCI_BASE_ADDRESS_0, 4, 0xfec00000);	/* the APICs answer there */
	EXPECT_EQ(nr_windows, 0);
	set_config(PCI_BASE_ADDRESS_0, 4, 0);		/* and here RAM */
	EXPECT_EQ(nr_windows, 0);
	set_config(PCI_BASE_ADDRESS_0, 4, 0xd0000000);
	EXPECT_EQ(nr_windows, 2);
	set_config(PCI_COMMAND, 2, 0);
	EXPECT_EQ(nr_windows, 0);
	teardown();
}

static void accesses(void)
{
	u64 small, port, rom;

	setup();
	small = config(PCI_BASE_ADDRESS_2, 4);
	port = config(PCI_BASE_ADDRESS_3, 4) & ~3u;
	rom = config(PCI_ROM_ADDRESS, 4);
	set_config(PCI_ROM_ADDRESS, 4, rom | 1);
	enable();
	EXPECT_EQ(bus_read(&mmio, small + 8, 8), 0x8877665544332211);
	EXPECT_EQ(bar_access.bar, 2);
	EXPECT_EQ(bar_access.offset, 8);
	EXPECT_EQ(bar_access.size, 8);
	bus_write(&mmio, small + 0xff, 1, 0x77);
	EXPECT_EQ(bar_written.offset, 0xff);
	EXPECT_EQ(bar_written.value, 0x77);
	/* Piece by piece where it is not aligned: 1 + 2 + 1 */
	bar_access.count = 0;
	EXPECT_EQ(bus_read(&mmio, small + 0x11, 4), 0x11221111);
	EXPECT_EQ(bar_access.count, 3);
	bar_written.count = 0;
	bus_write(&mmio, small + 0x16, 8, 0x8877665544332211);	/* 2 + 4 + 2 */
	EXPECT_EQ(bar_written.count, 3);
	EXPECT_EQ(bar_written.offset, 0x1c);
	EXPECT_EQ(bar_written.value & 0xffff, 0x8877);
	EXPECT_EQ(bus_read(&ports, port + 4, 4), 0x44332211);
	EXPECT_EQ(bar_access.bar, 3);
	EXPECT_EQ(bus_read(&mmio, rom + 0xffc, 4), 0x44332211);
	EXPECT_EQ(bar_access.bar, PCI_ROM_BAR);
	teardown();

	make_board();
	EXPECT_EQ(parse("0000:00:03.0,rom=off"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	set_config(PCI_ROM_ADDRESS, 4, ~0u);
	EXPECT_EQ(config(PCI_ROM_ADDRESS, 4), 0);
	teardown();
}

/* Registers on the page of the table and the pending bits are the device's. */
static void table_page(void)
{
	setup();
	enable();
	EXPECT_EQ(get(TABLE - 4, 4), 0x44332211);
	EXPECT_EQ(bar_access.offset, TABLE - 4);
	EXPECT_EQ(get(TABLE + 16 * VECTORS, 8), 0x8877665544332211);
	EXPECT_EQ(bar_access.offset, TABLE + 16 * VECTORS);
	EXPECT_EQ(get(PBA + 16, 4), 0x44332211);	/* 70 bits are two words */
	EXPECT_EQ(bar_access.offset, PBA + 16);
	put(TABLE - 2, 2, 0x1234);
	EXPECT_EQ(bar_written.offset, TABLE - 2);

	bar_access.count = 0;
	bar_written.count = 0;
	for (unsigned int i = 0; i < VECTORS; i++)
		EXPECT_EQ(get(TABLE + 16 * i + 8, 8), 1ull << 32);	/* masked */
	put(TABLE, 8, 0x1fee00000);
	put(TABLE + 8, 4, 0x4041);
	EXPECT_EQ(get(TABLE, 4), 0xfee00000);
	EXPECT_EQ(get(TABLE + 4, 4), 1);
	EXPECT_EQ(get(TABLE + 8, 4), 0x4041);
	put(PBA, 8, ~0ull);
	EXPECT_EQ(get(PBA, 8), 0);
	EXPECT_EQ(get(PBA + 8, 4), 0);
	EXPECT_EQ(bar_access.count, 0);
	EXPECT_EQ(bar_written.count, 0);
	teardown();
}

/* The table at a page's end and the pending bits in another BAR, on its first page. */
static void table_elsewhere(void)
{
	make_board();
	device_bars[4] = (struct iommu_lite_bar) {
		.size = 0x4000,
		.flags = IOMMU_LITE_BAR_MMAP,
		.offset = BAR0_SIZE,
	};
	device_irqs.msix_table_offset = 0x1ff0;		/* goes on in the next page */
	device_irqs.msix_pba_bar = 4;
	device_irqs.msix_pba_offset = 0;
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	base = config(PCI_BASE_ADDRESS_0, 4) & ~0xfu;
	EXPECT_EQ(config(MSIX + PCI_MSIX_TABLE, 4), 0x1ff0);
	EXPECT_EQ(config(MSIX + PCI_MSIX_PBA, 4), 4);
	enable();
	EXPECT_EQ(nr_windows, 3);
	EXPECT_EQ(window_at(base)->size, 0x1000);
	EXPECT_EQ(window_at(base + 0x3000)->size, BAR0_SIZE - 0x3000);
	EXPECT_EQ(window_at(config(PCI_BASE_ADDRESS_4, 4) + 0x1000)->size, 0x3000);
	put(0x2000, 4, 0xfee01000);			/* the second entry */
	EXPECT_EQ(get(0x2000, 4), 0xfee01000);
	EXPECT_EQ(bar_written.count, 0);
	teardown();
}

static eventfd_t sent(int fd)
{
	eventfd_t count;

	return eventfd_read(fd, &count) ? 0 : count;
}

static void msix(void)
{
	int fd;

	setup();
	enable();
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_INTX);
	EXPECT_EQ(irqs.count, 1);
	/* Message Control as the upper half of a write of 4 bytes. */
	set_config(MSIX, 4, (u32)PCI_MSIX_FLAGS_ENABLE << 16);
	EXPECT_EQ(config(MSIX, 4),
		  PCI_CAP_ID_MSIX | AF << 8 | (u32)(PCI_MSIX_FLAGS_ENABLE | (VECTORS - 1)) << 16);
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_MSIX);
	EXPECT_EQ(irqs.count, VECTORS);
	EXPECT_EQ(irqs.resample_fd, -1);
	for (unsigned int i = 0; i < VECTORS; i++)
		EXPECT(irqs.fds[i] >= 0);
	EXPECT_EQ(nr_routes, 0);

	/* It interrupts before the guest has set it up: that pends, too. */
	eventfd_write(irqs.fds[3], 1);
	EXPECT_EQ(get(PBA, 8), 8);
	put(TABLE + 16 * 65, 8, 0xfee01000);
	put(TABLE + 16 * 65 + 8, 8, 0x4051);		/* data and unmasked at once */
	EXPECT_EQ(irqs.calls, 3);			/* no more than it took to enable */
	fd = irqs.fds[65];
	EXPECT_EQ(nr_routes, 1);
	EXPECT_EQ(route_of(fd)->address, 0xfee01000);
	EXPECT_EQ(route_of(fd)->data, 0x4051);

	put(TABLE + 16 * 65 + 12, 4, 1);
	EXPECT_EQ(nr_routes, 0);
	eventfd_write(fd, 1);				/* the device interrupts */
	EXPECT_EQ(get(PBA, 8), 8);
	EXPECT_EQ(get(PBA + 8, 8), 2);
	EXPECT_EQ(get(PBA + 8, 1), 2);
	put(TABLE + 16 * 65 + 8, 4, 0x4052);
	put(TABLE + 16 * 65 + 12, 4, 0);
	EXPECT_EQ(route_of(fd)->data, 0x4052);
	EXPECT_EQ(get(PBA + 8, 8), 0);			/* the module takes it */
	EXPECT_EQ(sent(fd), 1);

	set_config(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	EXPECT_EQ(nr_routes, 0);
	eventfd_write(fd, 1);
	EXPECT_EQ(get(PBA + 8, 8), 2);
	set_config(MSIX + PCI_MSIX_FLAGS, 2, 0);
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_INTX);
	EXPECT_EQ(get(PBA + 8, 8), 0);
	EXPECT_EQ(sent(fd), 0);
	teardown();
}

static void msi(void)
{
	setup();
	enable();
	set_config(MSI + PCI_MSI_ADDRESS_LO, 4, 0xfee02003);
	set_config(MSI + PCI_MSI_ADDRESS_HI, 4, 0);
	set_config(MSI + PCI_MSI_DATA_64, 2, 0x4033);
	set_config(MSI + PCI_MSI_MASK_64, 4, 4);
	/* 4 of the 8 messages */
	set_config(MSI, 4, (PCI_MSI_FLAGS_ENABLE | 2 << 4) << 16);
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_MSI);
	EXPECT_EQ(irqs.count, 4);
	EXPECT_EQ(nr_routes, 3);
	for (unsigned int i = 0; i < 4; i++) {
		const struct route *r = route_of(irqs.fds[i]);

		EXPECT(irqs.fds[i] >= 0);
		if (i == 2) {
			EXPECT(!r);
			continue;
		}
		EXPECT_EQ(r->address, 0xfee02000);
		EXPECT_EQ(r->data, 0x4030 | i);		/* the low bits are the vector's */
	}
	eventfd_write(irqs.fds[2], 1);
	EXPECT_EQ(config(MSI + PCI_MSI_PENDING_64, 4), 4);
	set_config(MSI + PCI_MSI_MASK_64, 4, 0);
	EXPECT_EQ(config(MSI + PCI_MSI_PENDING_64, 4), 0);
	EXPECT(route_of(irqs.fds[2]));
	set_config(MSI + PCI_MSI_DATA_64, 2, 0x4040);
	EXPECT_EQ(route_of(irqs.fds[3])->data, 0x4043);
	/* MSI-X goes before, and what MSI was comes back. */
	set_config(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_MSIX);
	EXPECT_EQ(nr_routes, 0);
	set_config(MSIX + PCI_MSIX_FLAGS, 2, 0);
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_MSI);
	EXPECT_EQ(nr_routes, 4);
	set_config(MSI + PCI_MSI_FLAGS, 2, 0);
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_INTX);
	EXPECT_EQ(route_of(irqs.fds[0])->gsi, GSI);
	teardown();
}

static void intx(void)
{
	setup();
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_INTX);
	EXPECT_EQ(irqs.count, 1);
	EXPECT(irqs.resample_fd >= 0);
	EXPECT_EQ(route_of(irqs.fds[0])->gsi, GSI);
	sent(irqs.resample_fd);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	EXPECT_EQ(nr_routes, 0);
	EXPECT_EQ(irqs.count, 1);		/* it pends in the eventfd */
	set_config(PCI_COMMAND, 2, 0);
	EXPECT_EQ(nr_routes, 1);
	EXPECT_EQ(sent(irqs.resample_fd), 1);	/* no EOI was heard */
	teardown();
}

static void resets_function(void)
{
	setup();
	enable();
	set_config(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	put(TABLE + 8, 8, 0x4051);
	set_config(EXPRESS + PCI_EXP_DEVCTL, 2, 0xa810);
	EXPECT_EQ(resets, 1);
	EXPECT_EQ(config(PCI_COMMAND, 2), 0);
	EXPECT_EQ(config(PCI_BASE_ADDRESS_0, 4), 0xc);
	EXPECT_EQ(config(EXPRESS + PCI_EXP_DEVCTL, 2), 0);
	EXPECT_EQ(config(MSIX + PCI_MSIX_FLAGS, 2), VECTORS - 1);
	EXPECT_EQ(nr_windows, 0);
	EXPECT_EQ(mmio.nr, 1);			/* ECAM */
	EXPECT_EQ(irqs.type, IOMMU_LITE_IRQ_INTX);
	set_config(PCI_BASE_ADDRESS_0, 4, base);
	enable();
	EXPECT_EQ(nr_windows, 2);
	EXPECT_EQ(get(TABLE + 8, 8), 1ull << 32);
	set_config(AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	EXPECT_EQ(resets, 2);
	EXPECT_EQ(config(AF + PCI_AF_CTRL, 1), 0);
	teardown();

	make_board();
	pci_put32(device, EXPRESS + PCI_EXP_DEVCAP, 0);		/* without FLR */
	device[AF + PCI_AF_CAP] = 0;
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	set_config(EXPRESS + PCI_EXP_DEVCTL, 2, 0xffff);
	EXPECT_EQ(config(EXPRESS + PCI_EXP_DEVCTL, 2), 0x7fff);
	set_config(AF + PCI_AF_CTRL, 1, 1);
	EXPECT_EQ(resets, 0);
	teardown();
}

static void unplugged(void)
{
	setup();
	enable();
	bar_access.count = 0;
	lent_is_gone(&lent);
	EXPECT_EQ(nr_windows, 0);
	EXPECT_EQ(nr_routes, 0);
	EXPECT_EQ(irqs.count, 0);
	EXPECT_EQ(config(PCI_VENDOR_ID, 4), 0xffffffff);
	EXPECT_EQ(config(OTHER + 1, 1), 0xff);
	EXPECT_EQ(config(PCI_COMMAND, 2), 0xffff);
	EXPECT_EQ(get(0x100, 4), 0xffffffff);
	enable();
	set_config(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(nr_windows, 0);
	EXPECT_EQ(irqs.count, 0);
	EXPECT_EQ(bar_access.count, 0);
	teardown();
}

static void refused(void)
{
	make_board();
	refuse_reason = IOMMU_LITE_UNSAFE_INTERRUPTS;
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), -EPERM);
	teardown();

	make_board();
	refuse_reason = IOMMU_LITE_UNSAFE_INTERRUPTS;
	EXPECT_EQ(parse("0000:00:03.0,unsafe-interrupts"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), 0);
	teardown();

	make_board();
	device_flags = 0;			/* not bound to iommu-lite */
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), -ENODEV);
	EXPECT_EQ(attached, 0);
	teardown();

	make_board();
	device_region = (struct iommu_lite_region) { 0xfffff, 0x1fffff, 0, 0 };
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), -EBUSY);
	EXPECT_EQ(attached, 0);
	teardown();

	make_board();
	map_result = -ENOMEM;
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), -ENOMEM);
	EXPECT_EQ(attached, 0);
	teardown();

	make_board();
	device_bars[4] = (struct iommu_lite_bar) { .size = 0x80000000 };
	EXPECT_EQ(parse("0000:00:03.0"), 0);
	EXPECT_EQ(lent_kind.create(&lent.p, &board), -ENOSPC);
	teardown();
}

/* Any access anywhere. The sanitizers and the fake device watch. */
static void hostile(void)
{
	static const unsigned int sizes[] = { 1, 2, 4, 8 };

	setup();
	for (unsigned int offset = 0; offset < PCI_EXT_CONFIG_SIZE; offset++)
		for (unsigned int i = 0; i < 3; i++) {
			set_config(offset, sizes[i], 0xffffffff);
			config(offset, sizes[i]);
			set_config(offset, sizes[i], 0x55555555);
			config(offset, sizes[i]);
		}
	EXPECT_EQ(config(PCI_VENDOR_ID, 4), 0x11e81234);
	set_config(PCI_BASE_ADDRESS_0, 4, base);
	set_config(PCI_BASE_ADDRESS_1, 4, 0);
	set_config(PCI_BASE_ADDRESS_2, 4, 0xc8000000);
	set_config(MSI + PCI_MSI_FLAGS, 2, 0);
	set_config(MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	enable();
	EXPECT(nr_windows);
	for (u64 offset = 0x2000; offset < 0x3000; offset++)
		for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
			put(offset, sizes[i], 0);
			get(offset, sizes[i]);
			put(offset, sizes[i], UINT64_MAX);
			get(offset, sizes[i]);
		}
	teardown();
}

static const struct tap_test tests[] = {
	{ "lent: options", options },
	{ "lent: header", header },
	{ "lent: what the device is told", forwarded },
	{ "lent: capabilities", capabilities },
	{ "lent: broken lists of capabilities", broken_lists },
	{ "lent: BARs follow the guest", bars_follow },
	{ "lent: accesses one by one", accesses },
	{ "lent: other registers on the MSI-X table's page", table_page },
	{ "lent: MSI-X table over two pages, pending bits in another BAR", table_elsewhere },
	{ "lent: MSI-X", msix },
	{ "lent: MSI", msi },
	{ "lent: INTx", intx },
	{ "lent: reset", resets_function },
	{ "lent: unplugged", unplugged },
	{ "lent: refused, in each stage", refused },
	{ "lent: hostile accesses", hostile },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
