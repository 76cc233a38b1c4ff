// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-X (PCI Local Bus 3.0, section 6.8.2). Each vector is an eventfd that the
 * module turns into its message, so that an interrupt takes one write() of the
 * device's thread. The module is told a message when it is first sent.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "msix.h"

#define ADDRESS_MASK	0xfffffffcu	/* 4-byte aligned */

/**
 * msix_init() - give a function the capability MSI-X
 * @msix: what it keeps
 * @dev: the function, not yet on a bus
 * @irqchip: where messages go
 * @nr: vectors, 1 to MSIX_VECTORS_MAX
 * @table: offset of the table in BAR 0, a multiple of 8
 * @pba: offset of the pending bits in BAR 0, a multiple of 8
 *
 * Return: 0 or a negative errno.
 */
int msix_init(struct msix *msix, struct pci_device *dev, struct irqchip *irqchip,
	      unsigned int nr, u32 table, u32 pba)
{
	*msix = (struct msix) { .irqchip = irqchip };
	pthread_mutex_init(&msix->lock, NULL);
	msix->vectors = calloc(nr, sizeof(*msix->vectors));
	if (!msix->vectors)
		return -ENOMEM;
	for (; msix->nr < nr; msix->nr++) {
		struct msix_vector *v = &msix->vectors[msix->nr];

		v->control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		v->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (v->fd < 0)
			return -errno;
	}

	msix->cap = pci_add_capability(dev, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	pci_put16(dev->config, msix->cap + PCI_MSIX_FLAGS, nr - 1);
	pci_put16(dev->writable, msix->cap + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_put32(dev->config, msix->cap + PCI_MSIX_TABLE, table);
	pci_put32(dev->config, msix->cap + PCI_MSIX_PBA, pba);
	return 0;
}

/**
 * msix_destroy() - undo msix_init(), whether it succeeded or not
 * @msix: nobody uses it any more
 */
void msix_destroy(struct msix *msix)
{
	for (unsigned int i = 0; i < msix->nr; i++) {
		if (msix->vectors[i].routed)
			msix->irqchip->unroute_msi(msix->irqchip, msix->vectors[i].fd);
		close(msix->vectors[i].fd);
	}
	free(msix->vectors);
	pthread_mutex_destroy(&msix->lock);
}

/* A message that the module refuses would have gone nowhere on a PC, too. */
static void send(struct msix *msix, struct msix_vector *v)
{
	u64 address = v->address_low | (u64)v->address_high << 32;

	if (!v->routed || v->routed_address != address || v->routed_data != v->data) {
		if (msix->irqchip->route_msi(msix->irqchip, v->fd, address, v->data))
			return;
		v->routed = true;
		v->routed_address = address;
		v->routed_data = v->data;
	}
	eventfd_write(v->fd, 1);
}

static void send_pending(struct msix *msix)
{
	if (!msix->enabled || msix->masked)
		return;
	for (unsigned int i = 0; i < msix->nr; i++) {
		struct msix_vector *v = &msix->vectors[i];

		if (!(msix->pending >> i & 1) || (v->control & PCI_MSIX_ENTRY_CTRL_MASKBIT))
			continue;
		msix->pending &= ~(1ULL << i);
		send(msix, v);
	}
}

static u32 *table_word(struct msix *msix, u64 offset)
{
	struct msix_vector *v = &msix->vectors[offset / PCI_MSIX_ENTRY_SIZE];

	if (offset >= (u64)msix->nr * PCI_MSIX_ENTRY_SIZE)
		return NULL;
	switch (offset % PCI_MSIX_ENTRY_SIZE) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		return &v->address_low;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		return &v->address_high;
	case PCI_MSIX_ENTRY_DATA:
		return &v->data;
	default:
		return &v->control;
	}
}

/* Software is to use aligned words of 4 or 8 bytes; others do nothing here. */
static bool table_access(u64 offset, unsigned int size)
{
	return (size == 4 || size == 8) && !(offset % size);
}

/**
 * msix_table_read() - a guest's read of the table
 * @msix: MSI-X
 * @offset: byte of the table
 * @size: 1, 2, 4 or 8
 *
 * Return: the value; 0 beyond the table.
 */
u64 msix_table_read(struct msix *msix, u64 offset, unsigned int size)
{
	u64 value = 0;

	if (!table_access(offset, size))
		return 0;
	pthread_mutex_lock(&msix->lock);
	for (unsigned int i = 0; i < size; i += 4) {
		const u32 *word = table_word(msix, offset + i);

		if (word)
			value |= (u64)*word << (8 * i);
	}
	pthread_mutex_unlock(&msix->lock);
	return value;
}

/**
 * msix_table_write() - a guest's write to the table
 * @msix: MSI-X
 * @offset: byte of the table
 * @size: 1, 2, 4 or 8
 * @value: what
 */
void msix_table_write(struct msix *msix, u64 offset, unsigned int size, u64 value)
{
	if (!table_access(offset, size))
		return;
	pthread_mutex_lock(&msix->lock);
	for (unsigned int i = 0; i < size; i += 4) {
		u32 *word = table_word(msix, offset + i);

		if (!word)
			break;
		*word = value >> (8 * i);
		switch ((offset + i) % PCI_MSIX_ENTRY_SIZE) {
		case PCI_MSIX_ENTRY_LOWER_ADDR:
			*word &= ADDRESS_MASK;
			break;
		case PCI_MSIX_ENTRY_VECTOR_CTRL:
			*word &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
			break;
		}
	}
	send_pending(msix);
	pthread_mutex_unlock(&msix->lock);
}

/**
 * msix_pba_read() - a guest's read of the pending bits
 * @msix: MSI-X
 * @offset: byte of the pending bits
 * @size: 1, 2, 4 or 8
 *
 * Return: the value.
 */
u64 msix_pba_read(struct msix *msix, u64 offset, unsigned int size)
{
	u64 value;

	if (offset + size > sizeof(msix->pending))
		return 0;
	pthread_mutex_lock(&msix->lock);
	value = msix->pending >> (8 * offset);
	pthread_mutex_unlock(&msix->lock);
	return value;
}

/**
 * msix_control_written() - the guest may have changed Message Control
 * @msix: MSI-X
 * @dev: the function, its bus's lock held
 *
 * Return: whether MSI-X is enabled now, which silences INTx.
 */
bool msix_control_written(struct msix *msix, const struct pci_device *dev)
{
	u16 flags = pci_get16(dev->config, msix->cap + PCI_MSIX_FLAGS);
	bool enabled = flags & PCI_MSIX_FLAGS_ENABLE;

	pthread_mutex_lock(&msix->lock);
	msix->enabled = enabled;
	msix->masked = flags & PCI_MSIX_FLAGS_MASKALL;
	send_pending(msix);
	pthread_mutex_unlock(&msix->lock);
	return enabled;
}

/**
 * msix_enabled() - does the function interrupt by MSI-X?
 * @msix: MSI-X
 *
 * Return: whether it does.
 */
bool msix_enabled(struct msix *msix)
{
	bool enabled;

	pthread_mutex_lock(&msix->lock);
	enabled = msix->enabled;
	pthread_mutex_unlock(&msix->lock);
	return enabled;
}

/**
 * msix_signal() - send a vector's message, now or when it is unmasked
 * @msix: MSI-X
 * @vector: which; nothing happens for one that is not there
 *
 * Context: any thread.
 */
void msix_signal(struct msix *msix, unsigned int vector)
{
	if (vector >= msix->nr)
		return;
	pthread_mutex_lock(&msix->lock);
	if (msix->enabled) {
		msix->pending |= 1ULL << vector;
		send_pending(msix);
	}
	pthread_mutex_unlock(&msix->lock);
}
