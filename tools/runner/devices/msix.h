/* SPDX-License-Identifier: GPL-2.0-only */
/* MSI-X: a table and pending bits in BAR 0. */
#ifndef VMXL_MSIX_H
#define VMXL_MSIX_H

#include "pci.h"

#define MSIX_VECTORS_MAX	64	/* the pending bits fit a u64 */

/**
 * struct msix_vector - an entry of the table (PCI 3.0, section 6.8.2)
 * @fd: eventfd that sends the message
 * @routed: the module knows the message of @fd: @routed_address, @routed_data
 */
struct msix_vector {
	u32 address_low, address_high, data, control;
	int fd;
	bool routed;
	u64 routed_address;
	u32 routed_data;
};

/* All but the first three is guarded by @lock, which is innermost. */
struct msix {
	struct irqchip *irqchip;
	unsigned int nr;
	u8 cap;
	pthread_mutex_t lock;
	bool enabled, masked;
	u64 pending;
	struct msix_vector *vectors;
};

int msix_init(struct msix *msix, struct pci_device *dev, struct irqchip *irqchip,
	      unsigned int nr, u32 table, u32 pba);
void msix_destroy(struct msix *msix);
u64 msix_table_read(struct msix *msix, u64 offset, unsigned int size);
void msix_table_write(struct msix *msix, u64 offset, unsigned int size, u64 value);
u64 msix_pba_read(struct msix *msix, u64 offset, unsigned int size);
bool msix_control_written(struct msix *msix, const struct pci_device *dev);
bool msix_enabled(struct msix *msix);
void msix_signal(struct msix *msix, unsigned int vector);

#endif /* VMXL_MSIX_H */
