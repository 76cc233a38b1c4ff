/* SPDX-License-Identifier: GPL-2.0-only */
/* fw_cfg: what firmware wants to know of the machine, as numbered items and files. */
#ifndef VMXL_FWCFG_H
#define VMXL_FWCFG_H

#include "bus.h"

struct guest_ram;

#define FWCFG_NB_CPUS		0x05
#define FWCFG_MAX_CPUS		0x0f

#define FWCFG_FILES_MAX		16
#define FWCFG_NAME_LEN		56	/* with the NUL */

/* An item; read-only once the guest runs */
struct fwcfg_item {
	u16 key;
	u32 size;
	u8 *data;
	char name[FWCFG_NAME_LEN];	/* empty if it is no file */
};

/**
 * struct fwcfg - the device
 * @selected: item that is read, or NULL; @offset: next byte of it; @lock
 * @dma_high: upper half of the address of a DMA request; @lock
 */
struct fwcfg {
	struct io_region ports;		/* 0x510 and 0x511 */
	struct io_region dma;		/* 0x514 to 0x51b */
	const struct guest_ram *ram;
	struct fwcfg_item items[FWCFG_FILES_MAX + 8];
	unsigned int nr_items, nr_files;
	pthread_mutex_t lock;
	const struct fwcfg_item *selected;
	u32 offset;
	u32 dma_high;
};

int fwcfg_init(struct fwcfg *fw, struct bus *ports, const struct guest_ram *ram);
void fwcfg_destroy(struct fwcfg *fw, struct bus *ports);
int fwcfg_add(struct fwcfg *fw, u16 key, const void *data, u32 size);
int fwcfg_add_file(struct fwcfg *fw, const char *name, const void *data, u32 size);
int fwcfg_finish(struct fwcfg *fw);

#endif /* VMXL_FWCFG_H */
