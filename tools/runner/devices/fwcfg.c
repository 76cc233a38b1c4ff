// SPDX-License-Identifier: GPL-2.0-only
/*
 * fw_cfg, after QEMU's docs/specs/fw_cfg.rst: a selector and a data port, a
 * directory of files, and DMA. Items cannot be written.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "fwcfg.h"

#define SELECTOR_PORT		0x510
#define DMA_PORT		0x514

#define KEY_SIGNATURE		0x00
#define KEY_ID			0x01
#define KEY_DIRECTORY		0x19
#define KEY_FIRST_FILE		0x20

#define ID_TRADITIONAL		0x01
#define ID_DMA			0x02

#define DMA_SIGNATURE		0x51454d5520434647ULL	/* "QEMU CFG" */
#define DMA_ERROR		0x01u
#define DMA_READ		0x02u
#define DMA_SKIP		0x04u
#define DMA_SELECT		0x08u
#define DMA_WRITE		0x10u

struct dma_request {
	u32 control;
	u32 length;
	u64 address;
} __attribute__((packed));

struct directory_entry {
	u32 size;
	u16 key;
	u16 reserved;
	char name[FWCFG_NAME_LEN];
} __attribute__((packed));

static void select_item(struct fwcfg *fw, u16 key)
{
	fw->selected = NULL;
	fw->offset = 0;
	for (unsigned int i = 0; i < fw->nr_items; i++)
		if (fw->items[i].key == key)
			fw->selected = &fw->items[i];
}

/* Behind the end of an item, and of none, are zeroes. */
static void take(struct fwcfg *fw, u8 *to, u32 len)
{
	u32 left = fw->selected ? fw->selected->size - fw->offset : 0;
	u32 n = MIN(len, left);

	if (to) {
		if (n)
			memcpy(to, fw->selected->data + fw->offset, n);
		memset(to + n, 0, len - n);
	}
	fw->offset += n;
}

static u64 data_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct fwcfg *fw = container_of(region, struct fwcfg, ports);
	u8 byte;

	if (offset != 1 || size != 1)
		return ~0ULL;
	pthread_mutex_lock(&fw->lock);
	take(fw, &byte, 1);
	pthread_mutex_unlock(&fw->lock);
	return byte;
}

static void selector_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct fwcfg *fw = container_of(region, struct fwcfg, ports);

	if (offset || size != 2)
		return;
	pthread_mutex_lock(&fw->lock);
	select_item(fw, value);
	pthread_mutex_unlock(&fw->lock);
}

static u32 run_request(struct fwcfg *fw, u32 control, u32 length, u64 address)
{
	u8 *to = NULL;

	if (control & DMA_SELECT)
		select_item(fw, control >> 16);
	if (control & DMA_READ) {
		to = ram_at(fw->ram, address, length);
		if (!to)
			return DMA_ERROR;
	} else if (control & DMA_WRITE) {
		return DMA_ERROR;
	} else if (!(control & DMA_SKIP)) {
		return 0;
	}
	take(fw, to, length);
	return 0;
}

static void run_dma(struct fwcfg *fw, u64 gpa)
{
	struct dma_request *guest = ram_at(fw->ram, gpa, sizeof(*guest));
	struct dma_request request;
	u32 result;

	if (!guest)
		return;
	memcpy(&request, guest, sizeof(request));
	result = run_request(fw, be32toh(request.control), be32toh(request.length),
			     be64toh(request.address));
	result = htobe32(result);
	memcpy(&guest->control, &result, sizeof(result));
}

static u64 dma_read(struct io_region *region, u64 offset, unsigned int size)
{
	u64 signature = htobe64(DMA_SIGNATURE);

	(void)region;
	(void)size;
	return signature >> (8 * offset);
}

/* Big-endian, the upper half first; the lower half starts it. */
static void dma_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct fwcfg *fw = container_of(region, struct fwcfg, dma);

	if (size != 4 || offset % 4)
		return;
	pthread_mutex_lock(&fw->lock);
	if (!offset) {
		fw->dma_high = be32toh(value);
	} else {
		run_dma(fw, (u64)fw->dma_high << 32 | be32toh(value));
		fw->dma_high = 0;
	}
	pthread_mutex_unlock(&fw->lock);
}

static int add(struct fwcfg *fw, u16 key, const char *name, const void *data, u32 size)
{
	struct fwcfg_item *item;

	if (fw->nr_items == ARRAY_SIZE(fw->items))
		return -ENOSPC;
	item = &fw->items[fw->nr_items];
	*item = (struct fwcfg_item) { .key = key, .size = size, .data = malloc(size) };
	if (!item->data)
		return -ENOMEM;
	memcpy(item->data, data, size);
	snprintf(item->name, sizeof(item->name), "%s", name);
	fw->nr_items++;
	return 0;
}

/**
 * fwcfg_add() - give an item
 * @fw: the device; the guest does not run yet
 * @key: FWCFG_*
 * @data: copied
 * @size: bytes, not 0
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int fwcfg_add(struct fwcfg *fw, u16 key, const void *data, u32 size)
{
	return add(fw, key, "", data, size);
}

/**
 * fwcfg_add_file() - give a file
 * @fw: the device; the guest does not run yet
 * @name: path, shorter than FWCFG_NAME_LEN
 * @data: copied
 * @size: bytes, not 0
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data, u32 size)
{
	int ret;

	if (fw->nr_files == FWCFG_FILES_MAX)
		return -ENOSPC;
	ret = add(fw, KEY_FIRST_FILE + fw->nr_files, name, data, size);
	if (!ret)
		fw->nr_files++;
	return ret;
}

/**
 * fwcfg_finish() - all files are there: make their directory
 * @fw: the device; the guest does not run yet
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int fwcfg_finish(struct fwcfg *fw)
{
	struct {
		u32 count;
		struct directory_entry entries[FWCFG_FILES_MAX];
	} __attribute__((packed)) dir = { .count = htobe32(fw->nr_files) };
	unsigned int n = 0;

	for (unsigned int i = 0; i < fw->nr_items; i++) {
		const struct fwcfg_item *item = &fw->items[i];

		if (!item->name[0])
			continue;
		dir.entries[n].size = htobe32(item->size);
		dir.entries[n].key = htobe16(item->key);
		memcpy(dir.entries[n].name, item->name, FWCFG_NAME_LEN);
		n++;
	}
	return fwcfg_add(fw, KEY_DIRECTORY, &dir, sizeof(dir.count) + n * sizeof(*dir.entries));
}

/**
 * fwcfg_init() - put the device on a bus
 * @fw: the device, empty
 * @ports: port bus
 * @ram: for DMA
 *
 * Return: 0 or a negative errno; fwcfg_destroy() is due in any case.
 */
int fwcfg_init(struct fwcfg *fw, struct bus *ports, const struct guest_ram *ram)
{
	u32 id = htole32(ID_TRADITIONAL | ID_DMA);
	int ret;

	*fw = (struct fwcfg) {
		.ports = {
			.start = SELECTOR_PORT,
			.size = 2,
			.name = "fw-cfg",
			.read = data_read,
			.write = selector_write,
		},
		.dma = {
			.start = DMA_PORT,
			.size = 8,
			.name = "fw-cfg-dma",
			.read = dma_read,
			.write = dma_write,
		},
		.ram = ram,
	};
	pthread_mutex_init(&fw->lock, NULL);
	ret = fwcfg_add(fw, KEY_SIGNATURE, "QEMU", 4);
	if (!ret)
		ret = fwcfg_add(fw, KEY_ID, &id, sizeof(id));
	if (!ret)
		ret = bus_add(ports, &fw->ports);
	if (!ret)
		ret = bus_add(ports, &fw->dma);
	return ret;
}

/**
 * fwcfg_destroy() - undo fwcfg_init() and fwcfg_add*()
 * @fw: the device
 * @ports: the bus it is on
 */
void fwcfg_destroy(struct fwcfg *fw, struct bus *ports)
{
	bus_remove(ports, &fw->ports);
	bus_remove(ports, &fw->dma);
	for (unsigned int i = 0; i < fw->nr_items; i++)
		free(fw->items[i].data);
	pthread_mutex_destroy(&fw->lock);
}
