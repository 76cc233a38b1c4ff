/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine that starts in firmware: its image, and the devices it needs. */
#ifndef VMXL_FIRMWARE_H
#define VMXL_FIRMWARE_H

#include "fwcfg.h"
#include "fwports.h"
#include "flash.h"
#include "i440fx.h"
#include "i8042.h"
#include "irqchip.h"
#include "pic.h"
#include "pit.h"
#include "topology.h"

struct board;
struct reset;
struct vmctx;

/**
 * struct firmware_config - what the user wants
 * @name: "seabios", "ovmf" or a file; NULL for no firmware
 * @vars: file of OVMF's variables, or NULL
 */
struct firmware_config {
	const char *name;
	const char *vars;
};

/* A file's contents, mapped; @base is NULL if there is none */
struct firmware_file {
	u8 *base;
	u64 size;
};

/**
 * struct firmware - the image and the devices; @made steps of the making are done
 */
struct firmware {
	struct vmctx *ctx;
	const struct board *board;
	struct reset *reset;
	struct firmware_file code, vars;
	int vars_fd;		/* whose lock keeps others away; -1 if there is none */
	struct pic pic;
	struct pit pit;
	struct i8042 i8042;
	struct fwports fwports;
	struct fwcfg fwcfg;
	struct flash flash;
	struct i440fx chipset;
	bool trace;
	unsigned int made;
};

int firmware_parse(struct firmware_config *config, char *text);
int firmware_create(struct firmware *fw, const struct firmware_config *config,
		    const struct board *board, struct reset *reset,
		    const struct topology *topology, bool trace);
void firmware_destroy(struct firmware *fw);

/* firmware-image.c */
int firmware_open(struct firmware *fw, const struct firmware_config *config);
void firmware_close(struct firmware *fw);

#endif /* VMXL_FIRMWARE_H */
