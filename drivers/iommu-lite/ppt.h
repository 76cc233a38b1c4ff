/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device lent to user space: what the files ppt*.c share.
 *
 * Locks, outer before inner: the device's own (held by the driver core around
 * probe and remove, and by us around open, close and reset), claims_lock of
 * uapi-device.c, lent->lock, lent->memory_lock, vector->lock.
 */
#ifndef IOMMU_LITE_PPT_H
#define IOMMU_LITE_PPT_H

#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/iommu_lite.h>

#define IL_PPT_NAME	"iommu-lite"

#define IL_NR_BARS	(IOMMU_LITE_BARS + 1)

/* How a BAR is mapped into user space: one way at a time, as x86 wants it */
enum il_bar_use {
	IL_BAR_UNUSED = 0,
	IL_BAR_UNCACHED,
	IL_BAR_WRITE_COMBINING,
};

/**
 * struct il_bar - a BAR of a lent device
 * @io: the kernel's own mapping, made when first needed (lent->lock)
 * @use: of all mappings of the device fd (lent->memory_lock, for writing)
 */
struct il_bar {
	void __iomem *io;
	enum il_bar_use use;
};

/**
 * struct il_pages - pages of a BAR that are never mapped
 * @first: number of the first
 * @last: number of the last; less than @first: none
 */
struct il_pages {
	u64 first;
	u64 last;
};

/**
 * struct il_span - bytes of a BAR
 * @bar: which; PCI_STD_NUM_BARS: none
 * @offset: first byte
 * @size: bytes
 */
struct il_span {
	unsigned int bar;
	u64 offset;
	u64 size;
};

#define IL_CONFIG_SIZE	4096

/**
 * struct il_config - what the holder of a device makes of its configuration
 *	space, byte by byte
 * @image: what is read where @fixed has a 1
 * @fixed: bits that are read from @image
 * @writable: bits that a write changes in the device
 */
struct il_config {
	u8 image[IL_CONFIG_SIZE];
	u8 fixed[IL_CONFIG_SIZE];
	u8 writable[IL_CONFIG_SIZE];
};

/**
 * struct il_vector - an interrupt of a lent device
 * @lock: guards @eventfd, and all of INTx
 * @eventfd: who is told, or NULL
 * @irq: Linux interrupt
 */
struct il_vector {
	spinlock_t lock;	/* guards @eventfd, and all of INTx */
	struct eventfd_ctx *eventfd;
	unsigned int irq;
};

/**
 * struct il_intx - the pin (vector 0's lock)
 * @can_mask: by the command register; else by the interrupt controller
 * @active: a handler is installed
 * @on: the device can interrupt
 * @masked: it has interrupted, and waits for the resample
 * @off: the holder has set the Interrupt Disable bit
 * @paused: the device is being reset
 * @resample: signalled when the interrupt has been dealt with (lent->lock)
 * @wait: in the wait queue of @resample
 * @table: finds that queue
 * @work: unmasks
 */
struct il_intx {
	bool can_mask;
	bool active;
	bool on;
	bool masked;
	bool off;
	bool paused;
	struct eventfd_ctx *resample;
	wait_queue_entry_t wait;
	poll_table table;
	struct work_struct work;
};

/**
 * struct il_lent - a device that is open through /dev/iommu-lite and bound to
 *	this driver
 * @pdev: the device; the fd has a reference (r)
 * @remapped: its messages name entries of the unit's table (r)
 * @lock: guards what has no other letter
 * @attached: it is in a domain: it may be a bus master
 * @saved: its state before it was opened
 * @config: filter of the configuration space (r)
 * @table: its MSI-X table (r)
 * @pba: its pending bits (r)
 * @bars: see there
 * @rom: copy of the expansion ROM, made when first read
 * @rom_size: bytes of @rom
 * @type: enum iommu_lite_irq_type in use, -1: none
 * @nr_vectors: entries of @vectors in use
 * @vectors: its interrupts
 * @pin: vector of INTx (r)
 * @intx: see there
 * @memory_lock: guards what follows; taken by page faults
 * @live: it is ours: cleared when driver or device go
 * @command: the holder's PCI_COMMAND_IO and PCI_COMMAND_MEMORY
 * @mapping: of the fd's file, once something is mapped
 */
struct il_lent {
	struct pci_dev *pdev;
	bool remapped;
	struct mutex lock;	/* guards the following */
	bool attached;
	struct pci_saved_state *saved;
	struct il_config *config;
	struct il_span table;
	struct il_span pba;
	struct il_bar bars[IL_NR_BARS];
	void *rom;
	size_t rom_size;
	int type;
	unsigned int nr_vectors;
	struct il_vector *vectors;
	struct il_vector pin;
	struct il_intx intx;
	struct rw_semaphore memory_lock;	/* guards the following */
	bool live;
	u16 command;
	struct address_space *mapping;
};

/* ppt-bar.c */
int il_lent_open_bars(struct il_lent *lent);
void il_lent_close_bars(struct il_lent *lent);
void il_lent_revoke(struct il_lent *lent);

/* ppt-filter.c */
struct il_pages il_span_pages(const struct il_span *span, unsigned int bar);
bool il_span_touches(const struct il_span *span, unsigned int bar, u64 offset,
		     u64 size);
void il_config_build(struct il_config *config, const u8 *space,
		     unsigned int size);
u8 il_config_write(const struct il_config *config, unsigned int offset, u8 old,
		   u8 value);

/* ppt-config.c */
int il_lent_open_config(struct il_lent *lent);
void il_lent_close_config(struct il_lent *lent);

/* ppt-irq.c */
void il_lent_open_irqs(struct il_lent *lent);
void il_lent_close_irqs(struct il_lent *lent);
void il_lent_intx_disable(struct il_lent *lent, bool off);
bool il_lent_intx_disabled(struct il_lent *lent);
void il_lent_bus_master(struct il_lent *lent, bool on);
void il_lent_intx_pause(struct il_lent *lent, bool paused);

/* ppt-reset.c */
int il_lent_do_reset(struct il_lent *lent);
void il_lent_quiet(struct il_lent *lent);

#endif
