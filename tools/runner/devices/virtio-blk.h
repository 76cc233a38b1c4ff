/* SPDX-License-Identifier: GPL-2.0-only */
/* A disk: a file or block device as a virtio block device. */
#ifndef VMXL_VIRTIO_BLK_H
#define VMXL_VIRTIO_BLK_H

#include <liburing.h>

#include "virtio.h"

struct blk_request;

/**
 * struct disk_config - a disk, as the command line gives it
 * @path: file or block device
 * @read_only: the guest may not write
 */
struct disk_config {
	const char *path;
	bool read_only;
};

/**
 * struct virtio_blk - a disk; all is the virtio device's thread's, with its lock
 * @fd: the file
 * @sectors: its size, in units of 512 bytes
 * @ring: the kernel's I/O queue; @has_ring once it is there
 * @done_fd: eventfd: @ring has completions
 * @requests: by the head of their chain
 * @in_flight: requests in @ring
 */
struct virtio_blk {
	struct virtio_device vd;
	int fd;
	bool read_only;
	u64 sectors;
	struct io_uring ring;
	bool has_ring;
	int done_fd;
	struct blk_request *requests;
	unsigned int in_flight;
};

int virtio_blk_init(struct virtio_blk *blk, const struct disk_config *config,
		    unsigned int index, const struct guest_ram *ram,
		    struct irqchip *irqchip);
void virtio_blk_destroy(struct virtio_blk *blk);

#endif /* VMXL_VIRTIO_BLK_H */
