/* SPDX-License-Identifier: GPL-2.0-only */
/* A split virtqueue, as the device sees it. */
#ifndef VMXL_VIRTQ_H
#define VMXL_VIRTQ_H

#include <sys/uio.h>

#include "boot.h"

#define VIRTQ_SIZE_MAX	256
#define VIRTQ_SEGS_MAX	128	/* buffers of a chain */

/**
 * struct virtq - a split virtqueue (virtio 1.2, section 2.7)
 * @size: entries, as the guest chose; the next three are physical addresses
 * @enabled: the guest enabled it
 * @vector: of MSI-X, or VIRTIO_MSI_NO_VECTOR
 * @desc: descriptor table in this process, once virtq_start() has checked it;
 *	@avail and @used likewise, else NULL
 * @next_avail: the next entry of the available ring to take
 * @next_used: the next entry of the used ring to fill
 * @signalled: @next_used when an interrupt was last thought of
 * @fault: what the guest did wrong, or NULL; such a queue gives no more chains
 *
 * Guarded by the device's lock.
 */
struct virtq {
	u16 size;
	u64 desc_gpa, avail_gpa, used_gpa;
	bool enabled;
	u16 vector;

	bool event_idx, indirect;
	const struct guest_ram *ram;
	const u8 *desc;
	const u8 *avail;
	u8 *used;
	u16 next_avail, next_used, signalled;
	const char *fault;
};

/**
 * struct virtq_chain - a chain of buffers that the guest has made available
 * @head: index of its first descriptor, to give it back by
 * @iov: @nr_out buffers to read, then @nr_in buffers to write
 */
struct virtq_chain {
	u16 head;
	unsigned int nr_out, nr_in;
	struct iovec iov[VIRTQ_SEGS_MAX];
};

void virtq_reset(struct virtq *vq);
int virtq_start(struct virtq *vq, const struct guest_ram *ram, u64 features);
bool virtq_pop(struct virtq *vq, struct virtq_chain *chain);
bool virtq_rearm(struct virtq *vq);
void virtq_push(struct virtq *vq, u16 head, u32 len);
bool virtq_wants_interrupt(struct virtq *vq);

#endif /* VMXL_VIRTQ_H */
