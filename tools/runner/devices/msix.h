/* SPDX-License-Identifier: GPL-2.0-only */
/* MSI-X, and the vectors of MSI: a table and pending bits. */
#ifndef VMXL_MSIX_H
#define VMXL_MSIX_H

#include "pci.h"

/**
 * struct msix_vector - an entry of the table (PCI 3.0, section 6.8.2)
 * @fd: eventfd that sends the message, -1 until it is needed; while the vector
 *	is masked, that it has a count is the pending bit
 * @routed: the module sends @routed_address, @routed_data for @fd
 */
struct msix_vector {
	u32 address_low, address_high, data, control;
	int fd;
	bool routed;
	u64 routed_address;
	u32 routed_data;
};

/**
 * struct msix - MSI-X of a function
 * @irqchip: where messages go
 * @nr: vectors
 * @cap: offset of the capability
 * @lock: guards what follows; innermost
 */
struct msix {
	struct irqchip *irqchip;
	unsigned int nr;
	u8 cap;
	pthread_mutex_t lock;
	bool enabled, masked;
	struct msix_vector *vectors;
};

int msix_init(struct msix *msix, struct irqchip *irqchip, unsigned int nr);
void msix_add_capability(struct msix *msix, struct pci_device *dev, u32 table, u32 pba);
void msix_destroy(struct msix *msix);
u64 msix_table_read(struct msix *msix, u64 offset, unsigned int size);
void msix_table_write(struct msix *msix, u64 offset, unsigned int size, u64 value);
u64 msix_pba_read(struct msix *msix, u64 offset, unsigned int size);
bool msix_control_written(struct msix *msix, const struct pci_device *dev);
void msix_enable(struct msix *msix, bool enabled, bool masked);
void msix_program(struct msix *msix, unsigned int vector, u64 address, u32 data, bool masked);
bool msix_open(struct msix *msix);
void msix_reset(struct msix *msix);
bool msix_enabled(struct msix *msix);
void msix_signal(struct msix *msix, unsigned int vector);

#endif /* VMXL_MSIX_H */
