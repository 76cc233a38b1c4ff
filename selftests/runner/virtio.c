// SPDX-License-Identifier: GPL-2.0-only
/* A virtio device behind its PCI registers: BAR, MSI-X, status, hostile accesses. */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tap.h"
#include "virtio.h"

#define RAM_SIZE	MIB
#define DESC		0x1000
#define AVAIL		0x2000
#define USED		0x3000
#define DATA		0x4000
#define SLOT		3
#define BDF		(SLOT << 3)
#define GSI		(16 + SLOT)

#define COMMON		0x0000
#define ISR		0x1000
#define DEVICE		0x2000
#define NOTIFY		0x3000
#define TABLE		0x4000
#define PBA		0x5000
#define BAR_SIZE	0x8000

#define FEATURES_HIGH	1		/* VERSION_1 */

static struct bus ports, mmio;
static struct reset reset;
static struct pci_bus pci;
static struct virtio_device vd;
static struct guest_ram ram;
static struct power power;
static u64 base;
static int line, doorbells, routes, unroutes;
static u64 route_address;
static u32 route_data;
static int route_fd;

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	EXPECT_EQ(gsi, GSI);
	line = level;
}

static int route_msi(struct irqchip *chip, int fd, u64 address, u32 data)
{
	(void)chip;
	routes++;
	route_fd = fd;
	route_address = address;
	route_data = data;
	return 0;
}

static void unroute_msi(struct irqchip *chip, int fd)
{
	(void)chip;
	EXPECT_EQ(fd, route_fd);
	unroutes++;
}

static int route_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	(void)chip;
	EXPECT_EQ(fd, vd.kick_fd);
	EXPECT_EQ(gpa, base + NOTIFY + 4 * doorbells);
	doorbells++;
	return 0;
}

static void unroute_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	(void)chip;
	(void)gpa;
	(void)fd;
	doorbells--;
}

static struct irqchip irqchip = {
	.set_line = set_line,
	.route_msi = route_msi,
	.unroute_msi = unroute_msi,
	.route_doorbell = route_doorbell,
	.unroute_doorbell = unroute_doorbell,
};

/* Gives back each chain, with as many bytes as there is room for. */
static void echo_run(struct virtio_device *dev)
{
	struct virtq_chain chain;

	while (virtio_pop(dev, 1, &chain))
		virtio_push(dev, 1, chain.head, chain.nr_in);
	virtio_interrupt(dev, 1);
}

static const struct virtio_ops echo_ops = {
	.type = 42,
	.class = 0xff0000,
	.nr_queues = 2,
	.run = echo_run,
};

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

static void setup(void)
{
	line = 0;
	doorbells = 0;
	routes = 0;
	unroutes = 0;
	ram = (struct guest_ram) { .base = calloc(1, RAM_SIZE), .lowmem = RAM_SIZE };
	bus_init(&ports, 0xffff);
	bus_init(&mmio, UINT64_MAX);
	EXPECT_EQ(reset_init(&reset, &ports, &power), 0);
	EXPECT_EQ(pci_init(&pci, &ports, &mmio, &irqchip, &reset), 0);
	EXPECT_EQ(virtio_init(&vd, &echo_ops, "echo", &ram, &irqchip), 0);
	vd.config[0] = 0x11;
	vd.config[7] = 0x88;
	EXPECT_EQ(virtio_plug(&vd, &pci, SLOT), 0);
	base = config(PCI_BASE_ADDRESS_0, 4) & ~0xfu;
}

static void teardown(void)
{
	virtio_unplug(&vd);
	EXPECT_EQ(mmio.nr, 1);
	EXPECT_EQ(doorbells, 0);
	virtio_destroy(&vd);
	pci_destroy(&pci, &ports);
	reset_destroy(&reset, &ports);
	bus_destroy(&mmio);
	bus_destroy(&ports);
	free(ram.base);
}

static void enable(void)
{
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void negotiate(void)
{
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 1);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	put(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(VIRTIO_PCI_COMMON_GF, 4, FEATURES_HIGH);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 11);
}

static void enable_queue(unsigned int queue, u16 size, u64 desc)
{
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	put(VIRTIO_PCI_COMMON_Q_SIZE, 2, size);
	put(VIRTIO_PCI_COMMON_Q_DESCLO, 4, desc);
	put(VIRTIO_PCI_COMMON_Q_DESCHI, 4, desc >> 32);
	put(VIRTIO_PCI_COMMON_Q_AVAILLO, 4, AVAIL);
	put(VIRTIO_PCI_COMMON_Q_USEDLO, 4, USED);
	put(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

/* The device's thread runs: wait until it has reached a state, or long enough. */
static bool reaches(bool (*state)(void))
{
	for (unsigned int i = 0; i < 20000; i++) {
		bool there;

		pthread_mutex_lock(&vd.lock);
		there = state();
		pthread_mutex_unlock(&vd.lock);
		if (there)
			return true;
		usleep(500);
	}
	return false;
}

static bool one_used(void)
{
	return ((struct vring_used *)(ram.base + USED))->idx == 1;
}

static bool needs_reset(void)
{
	return vd.status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static bool has_line(void)
{
	return line;
}

static void bar_moves(void)
{
	setup();
	EXPECT_EQ(mmio.nr, 1);			/* ECAM: not before the guest says so */
	set_config(PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	set_config(PCI_BASE_ADDRESS_1, 4, 0xffffffff);
	EXPECT_EQ(config(PCI_BASE_ADDRESS_0, 4), (u32)~(BAR_SIZE - 1) | 4);
	EXPECT_EQ(config(PCI_BASE_ADDRESS_1, 4), 0xffffffff);
	base = 0x300000000;
	set_config(PCI_BASE_ADDRESS_0, 4, base);
	set_config(PCI_BASE_ADDRESS_1, 4, base >> 32);
	enable();
	EXPECT_EQ(doorbells, 2);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	base = 0;				/* half way */
	set_config(PCI_BASE_ADDRESS_1, 4, 0);
	EXPECT_EQ(mmio.nr, 2);
	set_config(PCI_COMMAND, 2, 0);
	base = 0xd0000000;
	set_config(PCI_BASE_ADDRESS_0, 4, base);
	EXPECT_EQ(doorbells, 0);
	enable();
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	EXPECT_EQ(bus_read(&mmio, 0x300000000, 4), 0xffffffff);
	EXPECT_EQ(config(PCI_BASE_ADDRESS_0, 4), 0xd0000004);
	EXPECT_EQ(config(PCI_BASE_ADDRESS_2, 4), 0);
	teardown();
}

/* Two BARs at one place: the first answers, the second once it is alone. */
static void bars_overlap(void)
{
	static struct pci_device other = { .name = "other", .bars[0].region.name = "other" };

	setup();
	pci_make_function(&other, 1, 2, 3);
	pci_make_bar(&other, 0, PCI_BASE_ADDRESS_MEM_TYPE_64, 4096);
	EXPECT_EQ(pci_add(&pci, 9, &other), 0);
	enable();
	pci_config_write(&pci, 9 << 3, PCI_BASE_ADDRESS_0, 4, base + 0x1000);
	pci_config_write(&pci, 9 << 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(mmio.nr, 2);
	EXPECT(!other.bars[0].decoded);
	set_config(PCI_COMMAND, 2, 0);
	EXPECT(other.bars[0].decoded);
	pci_remove(&pci, &other);
	EXPECT_EQ(mmio.nr, 1);
	teardown();
}

static void capabilities(void)
{
	unsigned int seen = 0, at;
	unsigned int msix = 0;

	setup();
	EXPECT_EQ(config(PCI_VENDOR_ID, 4), 0x106a1af4);
	EXPECT(config(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	for (at = config(PCI_CAPABILITY_LIST, 1); at && seen < 32; at = config(at + 1, 1)) {
		EXPECT_EQ(at % 4, 0);
		seen++;
		if (config(at, 1) == PCI_CAP_ID_MSIX)
			msix = at;
		else
			EXPECT_EQ(config(at, 1), PCI_CAP_ID_VNDR);
	}
	EXPECT_EQ(seen, 6);
	EXPECT_EQ(config(msix + PCI_MSIX_FLAGS, 2), 2);	/* three vectors */
	EXPECT_EQ(config(msix + PCI_MSIX_TABLE, 4), TABLE);
	EXPECT_EQ(config(msix + PCI_MSIX_PBA, 4), PBA);
	set_config(msix + PCI_MSIX_FLAGS, 2, 0xffff);
	EXPECT_EQ(config(msix + PCI_MSIX_FLAGS, 2), 0xc002);
	teardown();
}

static void status_machine(void)
{
	setup();
	enable();
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 7);	/* DRIVER_OK without FEATURES_OK */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 11);	/* without VERSION_1 */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	put(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(VIRTIO_PCI_COMMON_GF, 4, 3);	/* one that was not offered */
	put(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	put(VIRTIO_PCI_COMMON_GFSELECT, 4, 2);	/* beyond 64 bits: lost */
	put(VIRTIO_PCI_COMMON_GF, 4, 0xffffffff);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_GF, 4), 0);
	negotiate();
	put(VIRTIO_PCI_COMMON_GF, 4, 0);	/* too late */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_GF, 4), FEATURES_HIGH);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 1);	/* bits do not go away */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 11);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0x40);	/* nor is NEEDS_RESET the driver's */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 11);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0x8f);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 0x8f);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_GF, 4), 0);
	teardown();
}

static void features_offered(void)
{
	setup();
	enable();
	put(VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_DF, 4), 1u << 28 | 1u << 29);
	put(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_DF, 4), 1);
	put(VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_DF, 4), 0);
	put(VIRTIO_PCI_COMMON_DFSELECT, 4, 0xffffffff);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_DF, 4), 0);
	teardown();
}

static void queue_registers(void)
{
	setup();
	enable();
	negotiate();
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), VIRTQ_SIZE_MAX);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_NOFF, 2), 1);
	put(VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);	/* there are 0 to 2 */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	put(VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_MSIX, 2), 2);
	put(VIRTIO_PCI_COMMON_MSIX, 2, 0xfffe);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_MSIX, 2), 0xffff);
	enable_queue(1, 8, 0x123456789000);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x56789000);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_DESCHI, 4), 0x1234);
	put(VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);	/* it is enabled: too late */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 8);
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);	/* no such queue */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	put(VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	put(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xffff);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	teardown();
}

/* Any access anywhere: nothing but what the fields are. The sanitizers watch. */
static void hostile_registers(void)
{
	static const unsigned int sizes[] = { 1, 2, 4, 8 };

	setup();
	enable();
	for (u64 offset = 0; offset < BAR_SIZE; offset += offset % 0x1000 < 0x80 ? 1 : 0xf80 / 8)
		for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
			put(offset, sizes[i], UINT64_MAX);
			get(offset, sizes[i]);
			put(offset, sizes[i], 0x0101010101010101);
			get(offset, sizes[i]);
		}
	EXPECT_EQ(get(DEVICE, 1), 0x11);	/* read-only */
	EXPECT_EQ(get(DEVICE, 8), 0x8800000000000011);
	EXPECT_EQ(get(DEVICE + VIRTIO_CONFIG_MAX - 4, 8), 0);
	for (unsigned int offset = 0; offset < PCI_CONFIG_SIZE; offset++)
		for (unsigned int i = 0; i < 3; i++) {
			set_config(offset, sizes[i], 0xffffffff);
			config(offset, sizes[i]);
			set_config(offset, sizes[i], 0x55555555);
			config(offset, sizes[i]);
		}
	EXPECT_EQ(config(PCI_VENDOR_ID, 4), 0x106a1af4);
	teardown();
}

static void hand_over(u16 flags)
{
	struct vring_desc *desc = (void *)(ram.base + DESC);
	struct vring_avail *avail = (void *)(ram.base + AVAIL);

	desc[0] = (struct vring_desc) { DATA, 4, flags, 0 };
	avail->ring[0] = 0;
	__atomic_store_n(&avail->idx, 1, __ATOMIC_RELEASE);
}

static void start(void)
{
	enable();
	negotiate();
	enable_queue(1, 8, DESC);
}

static void kick(void)
{
	put(NOTIFY + 4, 2, 1);
}

static void echoes_by_intx(void)
{
	setup();
	start();
	hand_over(VRING_DESC_F_WRITE);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	kick();
	EXPECT(reaches(one_used));
	EXPECT(reaches(has_line));
	EXPECT(config(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		   PCI_COMMAND_INTX_DISABLE);
	EXPECT_EQ(line, 0);
	enable();
	EXPECT_EQ(line, 1);
	EXPECT_EQ(get(ISR, 1), 1);
	EXPECT_EQ(line, 0);
	EXPECT_EQ(get(ISR, 1), 0);
	EXPECT(!(config(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT));
	teardown();
}

static eventfd_t sent(void)
{
	eventfd_t count;

	return eventfd_read(route_fd, &count) ? 0 : count;
}

static void msix_masks(void)
{
	setup();
	enable();
	msix_signal(&vd.msix, 0);		/* it is off: nothing is kept */
	EXPECT_EQ(get(PBA, 8), 0);
	set_config(vd.msix.cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(get(TABLE + 12, 4), 1);	/* masked at first */
	put(TABLE, 8, 0xfee00003);		/* the low bits are not there */
	put(TABLE + 8, 4, 0x1234);
	EXPECT_EQ(get(TABLE, 4), 0xfee00000);
	msix_signal(&vd.msix, 0);
	EXPECT_EQ(routes, 0);
	EXPECT_EQ(get(PBA, 8), 1);
	set_config(vd.msix.cap + PCI_MSIX_FLAGS, 2,
		   PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	put(TABLE + 12, 4, 0);
	EXPECT_EQ(get(PBA, 8), 1);		/* the function is masked */
	set_config(vd.msix.cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(get(PBA, 8), 0);
	EXPECT_EQ(routes, 1);
	EXPECT_EQ(route_address, 0xfee00000);
	EXPECT_EQ(route_data, 0x1234);
	EXPECT_EQ(sent(), 1);
	msix_signal(&vd.msix, 0);
	EXPECT_EQ(routes, 1);			/* the module knows it already */
	EXPECT_EQ(sent(), 1);
	put(TABLE + 8, 4, 0x1235);
	msix_signal(&vd.msix, 0);
	EXPECT_EQ(routes, 2);
	EXPECT_EQ(route_data, 0x1235);
	EXPECT_EQ(sent(), 1);
	put(TABLE + 12, 4, 1);			/* masked: nobody listens any more */
	EXPECT_EQ(unroutes, 1);
	msix_signal(&vd.msix, 0);
	EXPECT_EQ(get(PBA, 4), 1);
	set_config(vd.msix.cap + PCI_MSIX_FLAGS, 2, 0);	/* off: forgotten */
	set_config(vd.msix.cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(get(PBA, 4), 0);
	msix_signal(&vd.msix, 3);		/* no such vector */
	msix_signal(&vd.msix, 0xffff);
	put(PBA, 8, UINT64_MAX);		/* read-only */
	EXPECT_EQ(get(PBA, 8), 0);
	put(TABLE + 3 * 16, 4, UINT32_MAX);	/* beyond the table */
	EXPECT_EQ(get(TABLE + 3 * 16, 4), 0);
	EXPECT_EQ(routes, 2);
	teardown();
}

static void breaks_and_recovers(void)
{
	setup();
	start();
	put(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	hand_over(VRING_DESC_F_NEXT);		/* a loop */
	kick();
	EXPECT(reaches(needs_reset));
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 15 | 0x40);
	EXPECT_EQ(get(ISR, 1), 2);		/* a configuration change */
	EXPECT(!one_used());
	memset(ram.base, 0, RAM_SIZE);
	start();
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	hand_over(VRING_DESC_F_WRITE);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	EXPECT(reaches(one_used));
	teardown();
}

static void broken_at_once(void)
{
	setup();
	enable();
	enable_queue(1, 8, DESC);		/* before FEATURES_OK: not heard */
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	negotiate();
	enable_queue(1, 7, DESC);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 11 | 0x40);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	negotiate();
	enable_queue(0, 8, RAM_SIZE);
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_STATUS, 1), 11 | 0x40);
	teardown();
}

/* Without bus mastering nothing is done; when it comes back, what waits is done. */
static void needs_bus_master(void)
{
	setup();
	start();
	put(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	hand_over(VRING_DESC_F_WRITE);
	kick();
	pthread_mutex_lock(&vd.lock);
	EXPECT(!virtio_running(&vd));
	pthread_mutex_unlock(&vd.lock);
	EXPECT(!one_used());
	enable();
	EXPECT(reaches(one_used));
	teardown();
}

static void access_by_configuration(void)
{
	unsigned int cap;

	setup();
	cap = vd.access_cap;
	/* Works without memory decoding (4.1.4.9). */
	set_config(cap + 8, 4, COMMON + VIRTIO_PCI_COMMON_NUMQ);
	set_config(cap + 12, 4, 2);
	EXPECT_EQ(config(cap + 16, 4), 2);
	set_config(cap + 8, 4, COMMON + VIRTIO_PCI_COMMON_STATUS);
	set_config(cap + 12, 4, 1);
	set_config(cap + 16, 4, 0x103);
	EXPECT_EQ(vd.status, 3);
	set_config(cap + 8, 4, 0xfffffffc);	/* outside: nothing */
	set_config(cap + 12, 4, 4);
	set_config(cap + 16, 4, 0);
	EXPECT_EQ(config(cap + 16, 4), 0);
	set_config(cap + 4, 1, 1);		/* no such BAR */
	set_config(cap + 8, 4, COMMON + VIRTIO_PCI_COMMON_STATUS);
	set_config(cap + 12, 4, 1);
	set_config(cap + 16, 4, 0);
	EXPECT_EQ(vd.status, 3);
	set_config(cap + 4, 1, 0);
	set_config(cap + 12, 4, 3);		/* no such width */
	set_config(cap + 16, 4, 0);
	EXPECT_EQ(vd.status, 3);
	teardown();
}

/* vCPUs at the registers while another moves the BAR and the device works. */
static void *hammer(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 20000; i++) {
		get(i % 8 * 0x1000, 4);
		put(NOTIFY, 2, 0);
		if (!(i % 64))
			put(VIRTIO_PCI_COMMON_STATUS, 1, i % 256);
	}
	return NULL;
}

static void many_threads(void)
{
	pthread_t threads[3];

	setup();
	start();
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, hammer, NULL);
	for (unsigned int i = 0; i < 2000; i++) {
		set_config(PCI_COMMAND, 2, i % 2 ? 6 : 0);
		config(PCI_STATUS, 2);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	enable();
	EXPECT_EQ(get(VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	teardown();
}

static const struct tap_test tests[] = {
	{ "pci: the BAR has a size, moves and goes", bar_moves },
	{ "pci: BARs that overlap", bars_overlap },
	{ "virtio: capabilities", capabilities },
	{ "virtio: the status", status_machine },
	{ "virtio: features", features_offered },
	{ "virtio: queue registers", queue_registers },
	{ "virtio: hostile accesses to registers", hostile_registers },
	{ "virtio: a chain there and back, with INTx", echoes_by_intx },
	{ "msix: masks, pending bits, messages", msix_masks },
	{ "virtio: a broken queue stops the device until a reset", breaks_and_recovers },
	{ "virtio: a queue that cannot be", broken_at_once },
	{ "virtio: bus mastering", needs_bus_master },
	{ "virtio: access through configuration space", access_by_configuration },
	{ "virtio: many threads", many_threads },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
