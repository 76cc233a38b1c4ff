// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-X (PCI Local Bus 3.0, section 6.8.2). Each vector is an eventfd that the
 * module turns into its message, so that an interrupt takes one write() of the
 * device's thread, or none where a module signals it for a lent device. While a
 * vector is masked nobody reads its eventfd: the count that it gathers is sent
 * when the module is joined to it again.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "msix.h"

#define ADDRESS_MASK	0xfffffffcu	/* 4-byte aligned */

/**
 * msix_init() - make MSI-X, off and masked
 * @msix: what it keeps
 * @irqchip: where messages go
 * @nr: vectors, 1 to 2048
 *
 * Return: 0 or -ENOMEM; msix_destroy() is due in any case.
 */
int msix_init(struct msix *msix, struct irqchip *irqchip, unsigned int nr)
{
	*msix = (struct msix) { .irqchip = irqchip };
	pthread_mutex_init(&msix->lock, NULL);
	msix->vectors = calloc(nr, sizeof(*msix->vectors));
	if (!msix->vectors)
		return -ENOMEM;
	msix->nr = nr;
	for (unsigned int i = 0; i < nr; i++) {
		msix->vectors[i].control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		msix->vectors[i].fd = -1;
	}
	return 0;
}

/**
 * msix_add_capability() - give a function the capability MSI-X
 * @msix: MSI-X
 * @dev: the function, not yet on a bus
 * @table: offset of the table in its BAR, a multiple of 8, | the BAR's index
 * @pba: the same for the pending bits
 */
void msix_add_capability(struct msix *msix, struct pci_device *dev, u32 table, u32 pba)
{
	msix->cap = pci_add_capability(dev, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	pci_put16(dev->config, msix->cap + PCI_MSIX_FLAGS, msix->nr - 1);
	pci_put16(dev->writable, msix->cap + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_put32(dev->config, msix->cap + PCI_MSIX_TABLE, table);
	pci_put32(dev->config, msix->cap + PCI_MSIX_PBA, pba);
}

static void unroute(struct msix *msix, struct msix_vector *v)
{
	if (v->routed)
		msix->irqchip->unroute_msi(msix->irqchip, v->fd);
	v->routed = false;
}

/**
 * msix_destroy() - undo msix_init(), whether it succeeded or not
 * @msix: nobody uses it any more
 */
void msix_destroy(struct msix *msix)
{
	for (unsigned int i = 0; i < msix->nr; i++) {
		unroute(msix, &msix->vectors[i]);
		if (msix->vectors[i].fd >= 0)
			close(msix->vectors[i].fd);
	}
	free(msix->vectors);
	pthread_mutex_destroy(&msix->lock);
}

/* Without an eventfd, which is for the host to allow more, there is no interrupt. */
static bool open_vector(struct msix_vector *v)
{
	if (v->fd < 0)
		v->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return v->fd >= 0;
}

/* A message that the module refuses would have gone nowhere on a PC, too. */
static void update(struct msix *msix, struct msix_vector *v)
{
	u64 address = v->address_low | (u64)v->address_high << 32;

	if (!msix->enabled || msix->masked || (v->control & PCI_MSIX_ENTRY_CTRL_MASKBIT) ||
	    !open_vector(v)) {
		unroute(msix, v);
		return;
	}
	if (v->routed && v->routed_address == address && v->routed_data == v->data)
		return;
	if (msix->irqchip->route_msi(msix->irqchip, v->fd, address, v->data)) {
		unroute(msix, v);
		return;
	}
	v->routed = true;
	v->routed_address = address;
	v->routed_data = v->data;
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
		update(msix, &msix->vectors[(offset + i) / PCI_MSIX_ENTRY_SIZE]);
	}
	pthread_mutex_unlock(&msix->lock);
}

static bool pending(const struct msix *msix, u64 vector)
{
	struct pollfd fd = { .events = POLLIN };

	if (vector >= msix->nr || msix->vectors[vector].routed)
		return false;
	fd.fd = msix->vectors[vector].fd;
	return fd.fd >= 0 && poll(&fd, 1, 0) == 1;
}

/**
 * msix_pba_read() - a guest's read of the pending bits
 * @msix: MSI-X
 * @offset: byte of the pending bits
 * @size: 1, 2, 4 or 8
 *
 * Return: the value; 0 beyond them.
 */
u64 msix_pba_read(struct msix *msix, u64 offset, unsigned int size)
{
	u64 value = 0;

	if (offset >= msix->nr)
		return 0;
	pthread_mutex_lock(&msix->lock);
	for (unsigned int i = 0; i < 8 * size; i++)
		value |= (u64)pending(msix, 8 * offset + i) << i;
	pthread_mutex_unlock(&msix->lock);
	return value;
}

/**
 * msix_enable() - switch all vectors
 * @msix: MSI-X
 * @enabled: messages are sent; if not, what is pending is forgotten
 * @masked: all messages wait
 */
void msix_enable(struct msix *msix, bool enabled, bool masked)
{
	eventfd_t count;

	pthread_mutex_lock(&msix->lock);
	msix->enabled = enabled;
	msix->masked = masked;
	for (unsigned int i = 0; i < msix->nr; i++) {
		update(msix, &msix->vectors[i]);
		if (!enabled && msix->vectors[i].fd >= 0)
			eventfd_read(msix->vectors[i].fd, &count);
	}
	pthread_mutex_unlock(&msix->lock);
}

/**
 * msix_program() - set a vector that is in no table, as those of MSI
 * @msix: MSI-X
 * @vector: less than its number of vectors
 * @address: message address
 * @data: message data
 * @masked: the message waits
 */
void msix_program(struct msix *msix, unsigned int vector, u64 address, u32 data, bool masked)
{
	struct msix_vector *v = &msix->vectors[vector];

	pthread_mutex_lock(&msix->lock);
	v->address_low = address & ADDRESS_MASK;
	v->address_high = address >> 32;
	v->data = data;
	v->control = masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0;
	update(msix, v);
	pthread_mutex_unlock(&msix->lock);
}

/**
 * msix_open() - give all vectors their eventfds before they are used
 * @msix: MSI-X
 *
 * Return: whether there are enough.
 */
bool msix_open(struct msix *msix)
{
	bool all = true;

	pthread_mutex_lock(&msix->lock);
	for (unsigned int i = 0; i < msix->nr; i++)
		all &= open_vector(&msix->vectors[i]);
	pthread_mutex_unlock(&msix->lock);
	return all;
}

/**
 * msix_reset() - what a reset of the function leaves: off, masked, all else zero
 * @msix: MSI-X
 */
void msix_reset(struct msix *msix)
{
	msix_enable(msix, false, false);
	for (unsigned int i = 0; i < msix->nr; i++)
		msix_program(msix, i, 0, 0, true);
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

	msix_enable(msix, enabled, flags & PCI_MSIX_FLAGS_MASKALL);
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
	if (msix->enabled && open_vector(&msix->vectors[vector]))
		eventfd_write(msix->vectors[vector].fd, 1);
	pthread_mutex_unlock(&msix->lock);
}
