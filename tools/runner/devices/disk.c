// SPDX-License-Identifier: GPL-2.0-only
/* --disk */
#include <string.h>

#include "peripheral.h"
#include "virtio-blk.h"

struct disk {
	struct peripheral p;
	struct disk_config config;
	struct virtio_blk blk;
};

static int disk_parse(struct peripheral *p, char *text)
{
	struct disk *disk = container_of(p, struct disk, p);
	size_t len = strlen(text);

	disk->config.path = text;
	if (len > 3 && !strcmp(text + len - 3, ",ro")) {
		text[len - 3] = '\0';
		disk->config.read_only = true;
	}
	return 0;
}

static int disk_create(struct peripheral *p, const struct board *board)
{
	struct disk *disk = container_of(p, struct disk, p);
	int ret = virtio_blk_init(&disk->blk, &disk->config, p->index, board->ram,
				  board->irqchip);

	return ret ? ret : virtio_join(&disk->blk.vd, board);
}

static void disk_destroy(struct peripheral *p)
{
	struct disk *disk = container_of(p, struct disk, p);

	virtio_unplug(&disk->blk.vd);
	virtio_blk_destroy(&disk->blk);
}

const struct peripheral_kind disk_kind = {
	.option = "disk",
	.argument = "FILE[,ro]",
	.help = "a file or block device as a disk; may be given again",
	.plural = "disks",
	.max = 16,
	.size = sizeof(struct disk),
	.parse = disk_parse,
	.create = disk_create,
	.destroy = disk_destroy,
};
