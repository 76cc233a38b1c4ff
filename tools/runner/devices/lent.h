/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device of this host, lent to the guest through iommu-lite.
 *
 * What the guest does to configuration space runs with pci_bus.lock, accesses to
 * BARs that are not mapped run in any vCPU's thread, and a thread of the device's
 * own takes its fault records and notices when it is gone.
 */
#ifndef VMXL_LENT_H
#define VMXL_LENT_H

#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>

#include "iommuapi.h"
#include "msix.h"
#include "peripheral.h"

#define LENT_NAME_LEN	16	/* of 0000:00:03.0 with the NUL */
#define LENT_MSI_MAX	32
/* What is left of a BAR without the pages of the MSI-X table and pending bits. */
#define LENT_WINDOWS	3

/**
 * struct lending - what the devices lent to one guest share
 * @iommu: of iommu_open()
 * @domain: guest memory, pinned, at its guest-physical addresses
 * @users: devices; the other fields are valid if there are any
 */
struct lending {
	int iommu;
	int domain;
	unsigned int users;
};

/**
 * struct lent_window - pages of a BAR that the guest reaches without an exit
 * @start: in the BAR
 * @size: bytes, not 0
 * @addr: where they are mapped here
 * @mapped: the guest has them; pci_bus.lock
 */
struct lent_window {
	u64 start, size;
	void *addr;
	bool mapped;
};

struct lent_bar {
	struct lent_window windows[LENT_WINDOWS];
	unsigned int nr;
};

enum lent_irq_mode { LENT_NO_IRQ, LENT_INTX, LENT_MSI, LENT_MSIX };

/**
 * struct lent_irq - a device's interrupts, which go by eventfds from module to module
 * @info: what the device has
 * @mode: what is in use; pci_bus.lock
 * @intx_fd, @resample_fd: eventfds; -1 without INTx
 * @intx_routed: @intx_fd raises the pin; pci_bus.lock
 * @msi: its vectors; as msix: without any if the device has none
 */
struct lent_irq {
	struct iommu_lite_irq_info info;
	enum lent_irq_mode mode;
	int intx_fd, resample_fd;
	bool intx_routed;
	struct msix msi;
	struct msix msix;
};

/**
 * struct lent - a lent device
 * @no_rom: the guest sees no expansion ROM
 * @flags: IOMMU_LITE_OPEN_*
 * @name: 0000:00:03.0
 * @fd: of iommu_open_lent(), or -1
 * @live: bits of configuration space that each read takes from the device
 * @forward: bits whose writes the device gets; a word at a time
 * @caps: offsets of capabilities the guest sees, by PCI_CAP_ID_*; or 0
 * @complained: the user was told of a request that failed; pci_bus.lock
 * @gone: it was unplugged
 * @fault_records: taken by @thread
 */
struct lent {
	struct peripheral p;
	struct iommu_bdf bdf;
	bool no_rom;
	u32 flags;
	char name[LENT_NAME_LEN];

	const struct board *board;
	bool sharing;		/* it is one of lending.users */
	int fd;
	struct pci_device pci;
	u8 live[PCI_EXT_CONFIG_SIZE];
	u8 forward[PCI_EXT_CONFIG_SIZE];
	u8 caps[PCI_CAP_ID_MAX + 1];
	struct lent_bar bars[PCI_REGIONS];
	struct lent_irq irq;
	bool complained;
	atomic_bool gone;

	pthread_t thread;
	bool has_thread;
	int stop_fd;
	atomic_ullong fault_records;
};

/* lending.c */
int lending_join(struct lent *lent);
void lending_leave(struct lent *lent);
bool lending_pins(const struct lending *lending);

/* lent.c */
void lent_reset(struct lent *lent);
void lent_complain(struct lent *lent, const char *what, int err);
void lent_take_faults(struct lent *lent);
void lent_is_gone(struct lent *lent);

/* lent-config.c */
int lent_config_init(struct lent *lent);
void lent_config_reset(struct lent *lent);

/* lent-bar.c */
int lent_bars_init(struct lent *lent);
void lent_bars_destroy(struct lent *lent);
void lent_bar_decode(struct pci_device *dev, unsigned int index, bool on);

/* lent-irq.c */
int lent_irq_init(struct lent *lent);
void lent_irq_destroy(struct lent *lent);
void lent_irq_update(struct lent *lent);
void lent_irq_off(struct lent *lent);

#endif /* VMXL_LENT_H */
