// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtio PCI transport (virtio 1.2, section 4.1). All structures are in
 * BAR 0, each in a page of its own; each queue has its own notification
 * address, which the module turns into an eventfd.
 */
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include <sys/eventfd.h>

#include "virtio.h"

#define VENDOR			0x1af4
#define DEVICE_BASE		0x1040	/* plus the virtio device id (4.1.2) */

/* BAR 0, by pages of 4 KiB */
enum { PAGE_COMMON, PAGE_ISR, PAGE_DEVICE, PAGE_NOTIFY, PAGE_TABLE, PAGE_PBA };
#define BAR_SIZE		0x8000
#define PAGE_SHIFT		12
#define PAGE_BYTES		(1u << PAGE_SHIFT)
#define NOTIFY_MULTIPLIER	4

static struct virtq *selected(struct virtio_device *vd)
{
	return vd->queue_select < vd->ops->nr_queues ? &vd->queues[vd->queue_select] : NULL;
}

/* The common configuration (4.1.4.3): widths of its fields, by offset. */
static const u8 field_size[] = {
	[VIRTIO_PCI_COMMON_DFSELECT] = 4,
	[VIRTIO_PCI_COMMON_DF] = 4,
	[VIRTIO_PCI_COMMON_GFSELECT] = 4,
	[VIRTIO_PCI_COMMON_GF] = 4,
	[VIRTIO_PCI_COMMON_MSIX] = 2,
	[VIRTIO_PCI_COMMON_NUMQ] = 2,
	[VIRTIO_PCI_COMMON_STATUS] = 1,
	[VIRTIO_PCI_COMMON_CFGGENERATION] = 1,
	[VIRTIO_PCI_COMMON_Q_SELECT] = 2,
	[VIRTIO_PCI_COMMON_Q_SIZE] = 2,
	[VIRTIO_PCI_COMMON_Q_MSIX] = 2,
	[VIRTIO_PCI_COMMON_Q_ENABLE] = 2,
	[VIRTIO_PCI_COMMON_Q_NOFF] = 2,
	[VIRTIO_PCI_COMMON_Q_DESCLO] = 4,
	[VIRTIO_PCI_COMMON_Q_DESCHI] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILLO] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILHI] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDLO] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDHI] = 4,
};

/* Drivers access each field whole, those of 64 bits by halves (4.1.3.1). */
static bool is_field(u64 offset, unsigned int size)
{
	return offset < ARRAY_SIZE(field_size) && field_size[offset] == size;
}

static u32 queue_read(const struct virtio_device *vd, const struct virtq *vq, u64 offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return vq->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return vq->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return vq->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return vd->queue_select;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return vq->desc_gpa;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return vq->desc_gpa >> 32;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return vq->avail_gpa;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return vq->avail_gpa >> 32;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return vq->used_gpa;
	default:
		return vq->used_gpa >> 32;
	}
}

static u32 common_read(struct virtio_device *vd, u64 offset)
{
	const struct virtq *vq = selected(vd);

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return vd->device_select;
	case VIRTIO_PCI_COMMON_DF:
		return vd->device_select < 2 ? vd->offered >> (32 * vd->device_select) : 0;
	case VIRTIO_PCI_COMMON_GFSELECT:
		return vd->driver_select;
	case VIRTIO_PCI_COMMON_GF:
		return vd->driver_select < 2 ? vd->accepted >> (32 * vd->driver_select) : 0;
	case VIRTIO_PCI_COMMON_MSIX:
		return vd->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return vd->ops->nr_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return vd->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return vd->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return vd->queue_select;
	default:
		/* A size of 0 says that there is no such queue. */
		return vq ? queue_read(vd, vq, offset) : 0;
	}
}

static void put_low(u64 *address, u32 value)
{
	*address = (*address & ~0xffffffffULL) | value;
}

static void put_high(u64 *address, u32 value)
{
	*address = (*address & 0xffffffff) | (u64)value << 32;
}

/* A vector that is not there is not taken, which the driver sees (4.1.5.1.2). */
static u16 vector_or_none(const struct virtio_device *vd, u32 vector)
{
	return vector < vd->msix.nr ? vector : VIRTIO_MSI_NO_VECTOR;
}

static void queue_write(struct virtio_device *vd, struct virtq *vq, u64 offset, u32 value)
{
	if (offset == VIRTIO_PCI_COMMON_Q_MSIX) {
		vq->vector = vector_or_none(vd, value);
		return;
	}
	if (vq->enabled)	/* the rest holds still until a reset */
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		vq->size = value;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (value == 1)
			virtio_enable_queue(vd, vd->queue_select);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		put_low(&vq->desc_gpa, value);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		put_high(&vq->desc_gpa, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		put_low(&vq->avail_gpa, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		put_high(&vq->avail_gpa, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		put_low(&vq->used_gpa, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		put_high(&vq->used_gpa, value);
		break;
	}
}

static void write_features(struct virtio_device *vd, u32 value)
{
	if (vd->driver_select > 1 || (vd->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (vd->driver_select)
		put_high(&vd->accepted, value);
	else
		put_low(&vd->accepted, value);
}

static void common_write(struct virtio_device *vd, u64 offset, u32 value)
{
	struct virtq *vq = selected(vd);

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		vd->device_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		vd->driver_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		write_features(vd, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		vd->config_vector = vector_or_none(vd, value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_set_status(vd, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		vd->queue_select = value;
		break;
	default:
		if (vq)
			queue_write(vd, vq, offset, value);
	}
}

/* Reading acknowledges, and takes INTx away (4.1.4.5.1). */
static u8 isr_read(struct virtio_device *vd)
{
	u8 isr = vd->isr;

	vd->isr = 0;
	pci_set_intx(&vd->pci, false);
	return isr;
}

static u64 config_read(const struct virtio_device *vd, u64 offset, unsigned int size)
{
	u64 value = 0;

	if (offset + size <= sizeof(vd->config))
		memcpy(&value, vd->config + offset, size);
	return value;
}

static void config_write(struct virtio_device *vd, u64 offset, unsigned int size, u64 value)
{
	if (vd->ops->config_written && offset + size <= sizeof(vd->config))
		vd->ops->config_written(vd, offset, size, value);
}

static u64 bar_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct virtio_device *vd = container_of(region, struct virtio_device, pci.bars[0].region);
	u64 in_page = offset % PAGE_BYTES, value = 0;

	switch (offset >> PAGE_SHIFT) {
	case PAGE_TABLE:
		return msix_table_read(&vd->msix, in_page, size);
	case PAGE_PBA:
		return msix_pba_read(&vd->msix, in_page, size);
	}
	pthread_mutex_lock(&vd->lock);
	switch (offset >> PAGE_SHIFT) {
	case PAGE_COMMON:
		if (is_field(in_page, size))
			value = common_read(vd, in_page);
		break;
	case PAGE_ISR:
		if (!in_page)
			value = isr_read(vd);
		break;
	case PAGE_DEVICE:
		value = config_read(vd, in_page, size);
		break;
	}
	pthread_mutex_unlock(&vd->lock);
	return value;
}

static void bar_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct virtio_device *vd = container_of(region, struct virtio_device, pci.bars[0].region);
	u64 in_page = offset % PAGE_BYTES;

	switch (offset >> PAGE_SHIFT) {
	case PAGE_TABLE:
		msix_table_write(&vd->msix, in_page, size, value);
		break;
	case PAGE_NOTIFY:
		/* Only what is no doorbell of the module's comes here. */
		if (in_page / NOTIFY_MULTIPLIER < vd->ops->nr_queues)
			eventfd_write(vd->kick_fd, 1);
		break;
	case PAGE_COMMON:
		pthread_mutex_lock(&vd->lock);
		if (is_field(in_page, size))
			common_write(vd, in_page, value);
		pthread_mutex_unlock(&vd->lock);
		break;
	case PAGE_DEVICE:
		pthread_mutex_lock(&vd->lock);
		config_write(vd, in_page, size, value);
		pthread_mutex_unlock(&vd->lock);
		break;
	}
}

/*
 * The doorbells follow BAR 0. Where the module refuses one, the write arrives
 * in bar_write(), which is slower and does the same.
 */
static void decode(struct pci_device *dev, unsigned int index, bool on)
{
	struct virtio_device *vd = container_of(dev, struct virtio_device, pci);
	u64 gpa = dev->bars[0].region.start + (PAGE_NOTIFY << PAGE_SHIFT);

	(void)index;
	for (unsigned int i = 0; i < vd->ops->nr_queues; i++, gpa += NOTIFY_MULTIPLIER) {
		if (on)
			vd->irqchip->route_doorbell(vd->irqchip, gpa, vd->kick_fd);
		else
			vd->irqchip->unroute_doorbell(vd->irqchip, gpa, vd->kick_fd);
	}
}

/* The window of the capability for configuration access (4.1.4.9), if it is valid. */
static bool access_window(const struct virtio_device *vd, u32 *offset, u32 *length)
{
	const u8 *cap = vd->pci.config + vd->access_cap;

	*offset = pci_get32(cap, offsetof(struct virtio_pci_cap, offset));
	*length = pci_get32(cap, offsetof(struct virtio_pci_cap, length));
	return !cap[offsetof(struct virtio_pci_cap, bar)] &&
	       (*length == 1 || *length == 2 || *length == 4) && !(*offset % *length) &&
	       *offset < BAR_SIZE;
}

static bool is_access_data(const struct virtio_device *vd, unsigned int offset)
{
	return offset - vd->access_cap - sizeof(struct virtio_pci_cap) < 4;
}

static void reading(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	struct virtio_device *vd = container_of(dev, struct virtio_device, pci);
	u32 at, length;

	(void)size;
	if (is_access_data(vd, offset) && access_window(vd, &at, &length))
		pci_put32(dev->config, vd->access_cap + sizeof(struct virtio_pci_cap),
			  bar_read(&dev->bars[0].region, at, length));
}

static void written(struct pci_device *dev, unsigned int offset, unsigned int size)
{
	struct virtio_device *vd = container_of(dev, struct virtio_device, pci);
	u32 at, length, value;

	(void)size;
	if (is_access_data(vd, offset) && access_window(vd, &at, &length)) {
		value = pci_get32(dev->config,
				  vd->access_cap + sizeof(struct virtio_pci_cap));
		bar_write(&dev->bars[0].region, at, length,
			  length == 4 ? value : value & ((1u << (8 * length)) - 1));
	}
	if (offset < PCI_STATUS) {
		pthread_mutex_lock(&vd->lock);
		vd->bus_master = pci_get16(dev->config, PCI_COMMAND) & PCI_COMMAND_MASTER;
		pthread_mutex_unlock(&vd->lock);
		eventfd_write(vd->kick_fd, 1);
	}
	if (offset - vd->msix.cap < sizeof(u32) && msix_control_written(&vd->msix, dev))
		pci_set_intx(dev, false);
}

static u8 add_cap(struct virtio_device *vd, u8 type, u32 page, u32 length, u8 size)
{
	u8 at = pci_add_capability(&vd->pci, PCI_CAP_ID_VNDR, size);
	u8 *cap = vd->pci.config + at;

	cap[offsetof(struct virtio_pci_cap, cap_len)] = size;
	cap[offsetof(struct virtio_pci_cap, cfg_type)] = type;
	pci_put32(cap, offsetof(struct virtio_pci_cap, offset), page << PAGE_SHIFT);
	pci_put32(cap, offsetof(struct virtio_pci_cap, length), length);
	return at;
}

static void add_access_cap(struct virtio_device *vd)
{
	u8 *writable;

	vd->access_cap = add_cap(vd, VIRTIO_PCI_CAP_PCI_CFG, 0, 0,
				 sizeof(struct virtio_pci_cfg_cap));
	writable = vd->pci.writable + vd->access_cap;
	writable[offsetof(struct virtio_pci_cap, bar)] = 0xff;
	memset(writable + offsetof(struct virtio_pci_cap, offset), 0xff, 12);
}

/**
 * virtio_pci_init() - make the PCI function of a virtio device
 * @vd: the device
 *
 * Return: 0 or a negative errno.
 */
int virtio_pci_init(struct virtio_device *vd)
{
	unsigned int nr = vd->ops->nr_queues;
	u8 notify;
	int ret;

	vd->pci = (struct pci_device) {
		.name = vd->name,
		.bars[0].region = { .name = vd->name, .read = bar_read, .write = bar_write },
		.reading = reading,
		.written = written,
		.decode = decode,
	};
	pci_make_function(&vd->pci, VENDOR, DEVICE_BASE + vd->ops->type, vd->ops->class);
	vd->pci.config[PCI_REVISION_ID] = 1;	/* not transitional (4.1.2.1) */
	pci_put16(vd->pci.config, PCI_SUBSYSTEM_VENDOR_ID, VENDOR);
	pci_put16(vd->pci.config, PCI_SUBSYSTEM_ID, 0x40);
	pci_make_bar(&vd->pci, 0, PCI_BASE_ADDRESS_MEM_TYPE_64, BAR_SIZE);

	add_cap(vd, VIRTIO_PCI_CAP_COMMON_CFG, PAGE_COMMON, ARRAY_SIZE(field_size) + 3,
		sizeof(struct virtio_pci_cap));
	add_cap(vd, VIRTIO_PCI_CAP_ISR_CFG, PAGE_ISR, 1, sizeof(struct virtio_pci_cap));
	add_cap(vd, VIRTIO_PCI_CAP_DEVICE_CFG, PAGE_DEVICE, VIRTIO_CONFIG_MAX,
		sizeof(struct virtio_pci_cap));
	notify = add_cap(vd, VIRTIO_PCI_CAP_NOTIFY_CFG, PAGE_NOTIFY, nr * NOTIFY_MULTIPLIER,
			 sizeof(struct virtio_pci_notify_cap));
	pci_put32(vd->pci.config, notify + sizeof(struct virtio_pci_cap), NOTIFY_MULTIPLIER);
	add_access_cap(vd);
	ret = msix_init(&vd->msix, vd->irqchip, nr + 1);
	if (!ret)
		msix_add_capability(&vd->msix, &vd->pci, PAGE_TABLE << PAGE_SHIFT,
				    PAGE_PBA << PAGE_SHIFT);
	return ret;
}

/**
 * virtio_pci_signal() - interrupt the guest
 * @vd: the device, its lock held
 * @vector: of MSI-X
 * @cause: VIRTIO_ISR_*, for INTx
 */
void virtio_pci_signal(struct virtio_device *vd, u16 vector, u8 cause)
{
	if (msix_enabled(&vd->msix)) {
		msix_signal(&vd->msix, vector);
		return;
	}
	vd->isr |= cause;
	pci_set_intx(&vd->pci, true);
}
