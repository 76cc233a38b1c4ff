/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that is this program: a machine with one virtio device, whose registers,
 * queues and memory the test has in hand. The device has no thread, so that all
 * happens in turn.
 */
#ifndef RUNNER_FAKEGUEST_H
#define RUNNER_FAKEGUEST_H

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "boot.h"
#include "lent.h"
#include "peripherals.h"
#include "tap.h"
#include "virtio.h"

#define FAKE_RAM_SIZE	(2 * MIB)
#define FAKE_QUEUE_SIZE	16
#define FAKE_DESC(q)	(0x10000ULL + (q) * 0x4000)
#define FAKE_AVAIL(q)	(FAKE_DESC(q) + 0x1000)
#define FAKE_USED(q)	(FAKE_DESC(q) + 0x2000)
#define FAKE_INDIRECT(q) (FAKE_DESC(q) + 0x3000)
#define FAKE_DATA	0x100000ULL

/* Pages of BAR 0 */
#define FAKE_COMMON	0x0000
#define FAKE_ISR	0x1000
#define FAKE_DEVICE	0x2000
#define FAKE_NOTIFY	0x3000

struct fake {
	struct bus ports, mmio;
	struct reset reset;
	struct power power;
	struct irqchip irqchip;
	struct pci_bus pci;
	struct guest_ram ram;
	struct lending lending;
	struct console_port *terminal;
	struct board board;
	struct peripheral *list;
	struct virtio_device *vd;
	u64 base;
	char text[256];
};

bool fake_open(struct fake *g, const struct peripheral_kind *kind, const char *text);
void fake_close(struct fake *g);
u64 fake_get(struct fake *g, u64 offset, unsigned int size);
void fake_put(struct fake *g, u64 offset, unsigned int size, u64 value);
void fake_bus_master(struct fake *g, bool on);
void fake_negotiate(struct fake *g);
void fake_set_queue(struct fake *g, unsigned int q, u16 size, u64 desc, u64 avail, u64 used);
void fake_start(struct fake *g);
void fake_turn(struct fake *g);
void fake_settle(struct fake *g, unsigned int q, u16 used);
void *fake_at(struct fake *g, u64 gpa);
void fake_offer(struct fake *g, unsigned int q, u16 head);
void fake_describe(struct fake *g, u64 table, unsigned int i, u64 addr, u32 len, u16 flags,
		   u16 next);
void fake_send(struct fake *g, unsigned int q, const void *data, u32 len, u32 room);
struct vring_used *fake_used(struct fake *g, unsigned int q);
bool fake_broken(struct fake *g);
u32 fake_ask(struct fake *g, unsigned int q, const void *data, u32 len, u32 room);

/* Disks need io_uring, which some containers refuse. */
bool fake_has_io_uring(void);

/* A folder for the test's files, gone at the end */
const char *fake_folder(void);
char *fake_path(const char *name);

#endif /* RUNNER_FAKEGUEST_H */
