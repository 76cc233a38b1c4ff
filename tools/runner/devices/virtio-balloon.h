/* SPDX-License-Identifier: GPL-2.0-only */
/* A balloon: memory that the guest gives back for a while. */
#ifndef VMXL_VIRTIO_BALLOON_H
#define VMXL_VIRTIO_BALLOON_H

#include <linux/virtio_balloon.h>

#include "peripheral.h"
#include "virtio.h"

/**
 * struct balloon_stats - what the guest tells of its memory (5.5.6.4)
 * @known: bits by tag: which of @values were told
 * @values: by tag, VIRTIO_BALLOON_S_*
 */
struct balloon_stats {
	u32 known;
	u64 values[VIRTIO_BALLOON_S_NR];
};

/**
 * struct virtio_balloon - a memory balloon; guarded by the device's lock
 * @first: bytes that it should have at first
 * @held: the guest's buffer for statistics waits to be asked for, at @head
 */
struct virtio_balloon {
	struct peripheral p;
	struct virtio_device vd;
	u64 first;
	struct balloon_stats stats;
	bool held;
	u16 head;
};

/* In bytes: what the balloon should be, and what it is. */
struct balloon_size {
	u64 wanted, actual;
};

int virtio_balloon_resize(struct virtio_balloon *balloon, u64 bytes);
void virtio_balloon_look(struct virtio_balloon *balloon, struct balloon_size *size,
			 struct balloon_stats *stats);

#endif /* VMXL_VIRTIO_BALLOON_H */
