// SPDX-License-Identifier: GPL-2.0-only
/* A guest that is this program: a machine with one virtio device. */
#include <ftw.h>
#include <liburing.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fakeguest.h"

#define PAGE		4096
/* How often to wait for what the kernel does by itself, 100 ms each */
#define TURNS_MAX	200

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	(void)gsi;
	(void)level;
}

static int route_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	(void)chip;
	(void)gpa;
	(void)fd;
	return 0;
}

static void unroute_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	(void)chip;
	(void)gpa;
	(void)fd;
}

/* RAM with nothing around it. */
static void make_ram(struct fake *g)
{
	char *at = mmap(NULL, FAKE_RAM_SIZE + 2 * PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(at + PAGE, FAKE_RAM_SIZE, PROT_READ | PROT_WRITE);
	g->ram = (struct guest_ram) { .base = at + PAGE, .lowmem = FAKE_RAM_SIZE };
}

static void stop_thread(struct virtio_device *vd)
{
	eventfd_write(vd->stop_fd, 1);
	pthread_join(vd->thread, NULL);
	vd->has_thread = false;
}

/**
 * fake_open() - make a machine with a device
 * @g: the guest
 * @kind: of the device
 * @text: its option's value, or NULL
 *
 * Return: whether there is one; fake_close() is due in any case.
 */
bool fake_open(struct fake *g, const struct peripheral_kind *kind, const char *text)
{
	int ret;

	*g = (struct fake) {
		.irqchip = {
			.set_line = set_line,
			.route_doorbell = route_doorbell,
			.unroute_doorbell = unroute_doorbell,
		},
	};
	make_ram(g);
	bus_init(&g->ports, 0xffff);
	bus_init(&g->mmio, UINT64_MAX);
	EXPECT_EQ(reset_init(&g->reset, &g->ports, &g->power), 0);
	EXPECT_EQ(pci_init(&g->pci, &g->ports, &g->mmio, &g->irqchip, &g->reset), 0);
	g->board = (struct board) {
		.name = "fake",
		.ram = &g->ram,
		.irqchip = &g->irqchip,
		.power = &g->power,
		.ports = &g->ports,
		.mmio = &g->mmio,
		.pci = &g->pci,
		.lending = &g->lending,
		.terminal = &g->terminal,
	};
	snprintf(g->text, sizeof(g->text), "%s", text ? text : "");
	ret = peripherals_add(&g->list, kind, text ? g->text : NULL);
	if (!ret)
		ret = peripherals_create(g->list, &g->board);
	if (ret)
		return false;
	g->vd = container_of(g->pci.slots[1], struct virtio_device, pci);
	stop_thread(g->vd);
	g->base = pci_config_read(&g->pci, 1 << 3, PCI_BASE_ADDRESS_0, 4) & ~0xfu;
	fake_bus_master(g, true);
	return true;
}

/**
 * fake_close() - undo fake_open()
 * @g: the guest
 */
void fake_close(struct fake *g)
{
	peripherals_destroy(g->list);
	peripherals_free(g->list);
	pci_destroy(&g->pci, &g->ports);
	reset_destroy(&g->reset, &g->ports);
	bus_destroy(&g->mmio);
	bus_destroy(&g->ports);
	munmap(g->ram.base - PAGE, FAKE_RAM_SIZE + 2 * PAGE);
}

/**
 * fake_get() - read a register
 * @g: the guest
 * @offset: in BAR 0
 * @size: bytes
 *
 * Return: the value.
 */
u64 fake_get(struct fake *g, u64 offset, unsigned int size)
{
	return bus_read(&g->mmio, g->base + offset, size);
}

/**
 * fake_put() - write a register
 * @g: the guest
 * @offset: in BAR 0
 * @size: bytes
 * @value: what
 */
void fake_put(struct fake *g, u64 offset, unsigned int size, u64 value)
{
	bus_write(&g->mmio, g->base + offset, size, value);
}

/**
 * fake_bus_master() - let the device use memory, or not
 * @g: the guest
 * @on: let it
 */
void fake_bus_master(struct fake *g, bool on)
{
	pci_config_write(&g->pci, 1 << 3, PCI_COMMAND, 2,
			 PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0));
}

/**
 * fake_negotiate() - reset the device and accept all that it offers
 * @g: the guest
 */
void fake_negotiate(struct fake *g)
{
	fake_put(g, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	memset(g->ram.base, 0, FAKE_DATA);
	fake_put(g, VIRTIO_PCI_COMMON_STATUS, 1, 1);
	fake_put(g, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	for (unsigned int i = 0; i < 2; i++) {
		fake_put(g, VIRTIO_PCI_COMMON_DFSELECT, 4, i);
		fake_put(g, VIRTIO_PCI_COMMON_GFSELECT, 4, i);
		fake_put(g, VIRTIO_PCI_COMMON_GF, 4, fake_get(g, VIRTIO_PCI_COMMON_DF, 4));
	}
	fake_put(g, VIRTIO_PCI_COMMON_STATUS, 1, 11);
	EXPECT_EQ(fake_get(g, VIRTIO_PCI_COMMON_STATUS, 1), 11);
}

/**
 * fake_set_queue() - enable a queue
 * @g: the guest
 * @q: which
 * @size: entries
 * @desc: physical address of its descriptors; @avail and @used as well
 * @avail: available ring
 * @used: used ring
 */
void fake_set_queue(struct fake *g, unsigned int q, u16 size, u64 desc, u64 avail, u64 used)
{
	fake_put(g, VIRTIO_PCI_COMMON_Q_SELECT, 2, q);
	fake_put(g, VIRTIO_PCI_COMMON_Q_SIZE, 2, size);
	fake_put(g, VIRTIO_PCI_COMMON_Q_DESCLO, 4, desc);
	fake_put(g, VIRTIO_PCI_COMMON_Q_DESCHI, 4, desc >> 32);
	fake_put(g, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, avail);
	fake_put(g, VIRTIO_PCI_COMMON_Q_AVAILHI, 4, avail >> 32);
	fake_put(g, VIRTIO_PCI_COMMON_Q_USEDLO, 4, used);
	fake_put(g, VIRTIO_PCI_COMMON_Q_USEDHI, 4, used >> 32);
	fake_put(g, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

/**
 * fake_start() - as a driver begins: reset, features, queues
 * @g: the guest
 */
void fake_start(struct fake *g)
{
	fake_negotiate(g);
	for (unsigned int q = 0; q < g->vd->ops->nr_queues; q++)
		fake_set_queue(g, q, FAKE_QUEUE_SIZE, FAKE_DESC(q), FAKE_AVAIL(q),
			       FAKE_USED(q));
	fake_put(g, VIRTIO_PCI_COMMON_STATUS, 1, 15);
}

static void turn(struct fake *g, int limit)
{
	struct virtio_device *vd = g->vd;
	struct pollfd fds[VIRTIO_POLL_MAX];
	unsigned int nr = 0;
	int timeout = -1;

	pthread_mutex_lock(&vd->lock);
	if (vd->ops->poll)
		nr = vd->ops->poll(vd, fds, &timeout);
	EXPECT(nr <= VIRTIO_POLL_MAX);
	pthread_mutex_unlock(&vd->lock);
	poll(fds, nr, limit);
	pthread_mutex_lock(&vd->lock);
	if (vd->ops->polled)
		vd->ops->polled(vd, fds, nr);
	if (virtio_running(vd))
		vd->ops->run(vd);
	pthread_mutex_unlock(&vd->lock);
}

/**
 * fake_turn() - what the device's thread does each time it is woken
 * @g: the guest
 */
void fake_turn(struct fake *g)
{
	turn(g, 0);
}

/**
 * fake_settle() - let the device work until it has given so many chains back
 * @g: the guest
 * @q: the queue
 * @used: how many in all
 */
void fake_settle(struct fake *g, unsigned int q, u16 used)
{
	fake_turn(g);
	for (unsigned int i = 0; i < TURNS_MAX && !fake_broken(g); i++) {
		if (fake_used(g, q)->idx == used)
			return;
		turn(g, 100);
	}
}

/**
 * fake_at() - guest memory
 * @g: the guest
 * @gpa: where
 *
 * Return: its address here.
 */
void *fake_at(struct fake *g, u64 gpa)
{
	return g->ram.base + gpa;
}

/**
 * fake_describe() - write a descriptor
 * @g: the guest
 * @table: its table
 * @i: its index
 * @addr: its fields, as the others
 * @len: bytes
 * @flags: VRING_DESC_F_*
 * @next: index
 */
void fake_describe(struct fake *g, u64 table, unsigned int i, u64 addr, u32 len, u16 flags,
		   u16 next)
{
	((struct vring_desc *)fake_at(g, table))[i] =
		(struct vring_desc) { addr, len, flags, next };
}

/**
 * fake_offer() - make a chain available
 * @g: the guest
 * @q: in which queue
 * @head: its first descriptor
 */
void fake_offer(struct fake *g, unsigned int q, u16 head)
{
	struct vring_avail *avail = fake_at(g, FAKE_AVAIL(q));

	avail->ring[avail->idx++ % FAKE_QUEUE_SIZE] = head;
}

/**
 * fake_send() - make a chain available: data at FAKE_DATA, and room behind it
 * @g: the guest
 * @q: in which queue
 * @data: to read
 * @len: bytes
 * @room: bytes to write
 */
void fake_send(struct fake *g, unsigned int q, const void *data, u32 len, u32 room)
{
	u64 behind = FAKE_DATA + ALIGN_UP(len, 64);

	if (len)
		memcpy(fake_at(g, FAKE_DATA), data, len);
	fake_describe(g, FAKE_DESC(q), 0, FAKE_DATA, len, room ? VRING_DESC_F_NEXT : 0, 1);
	fake_describe(g, FAKE_DESC(q), 1, behind, room, VRING_DESC_F_WRITE, 0);
	fake_offer(g, q, len ? 0 : 1);
}

/**
 * fake_ask() - fake_send(), and wait for the answer, which is behind the data
 * @g: the guest
 * @q: in which queue
 * @data: to read
 * @len: bytes
 * @room: bytes to write
 *
 * Return: bytes that were written.
 */
u32 fake_ask(struct fake *g, unsigned int q, const void *data, u32 len, u32 room)
{
	u16 before = fake_used(g, q)->idx;

	fake_send(g, q, data, len, room);
	fake_settle(g, q, before + 1);
	EXPECT_EQ(fake_used(g, q)->idx, (u16)(before + 1));
	return fake_used(g, q)->ring[before % FAKE_QUEUE_SIZE].len;
}

/**
 * fake_used() - the used ring of a queue
 * @g: the guest
 * @q: the queue
 *
 * Return: the ring.
 */
struct vring_used *fake_used(struct fake *g, unsigned int q)
{
	return fake_at(g, FAKE_USED(q));
}

/**
 * fake_broken() - does the device want to be reset?
 * @g: the guest
 *
 * Return: whether it does.
 */
bool fake_broken(struct fake *g)
{
	return fake_get(g, VIRTIO_PCI_COMMON_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/**
 * fake_has_io_uring() - can there be disks?
 *
 * Return: whether this host lets this program use io_uring.
 */
bool fake_has_io_uring(void)
{
	struct io_uring ring;

	if (io_uring_queue_init(1, &ring, 0))
		return false;
	io_uring_queue_exit(&ring);
	return true;
}

static char folder[32];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/**
 * fake_folder() - a folder for the test's files
 *
 * Return: its path.
 */
const char *fake_folder(void)
{
	static bool made;

	if (!made) {
		snprintf(folder, sizeof(folder), "/tmp/vmxl-test-XXXXXX");
		if (!mkdtemp(folder))
			abort();
		atexit(remove_folder);
	}
	made = true;
	return folder;
}

/**
 * fake_path() - the path of a file of the test's
 * @name: its name
 *
 * Return: the path, for free().
 */
char *fake_path(const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", fake_folder(), name) < 0)
		abort();
	return path;
}
