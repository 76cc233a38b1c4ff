// SPDX-License-Identifier: GPL-2.0-only
/* A virtio entropy device (virtio 1.2, section 5.4). */
#include <linux/virtio_ids.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#include "iov.h"
#include "virtio-rng.h"

#define CLASS_OTHER	0xff0000
/* What one chain is given at most: a guest's pool needs 64 bytes at a time. */
#define BYTES_MAX	4096

static void rng_run(struct virtio_device *vd)
{
	struct virtq_chain chain;
	u8 bytes[BYTES_MAX];

	for (unsigned int i = 0; virtio_pop(vd, 0, &chain); i++) {
		const struct iovec *in = chain.iov + chain.nr_out;
		u64 size = iov_size(in, chain.nr_in);
		ssize_t got;

		if (!size) {
			virtio_break(vd, 0, "a request has no room for random bytes");
			break;
		}
		got = getrandom(bytes, MIN(size, sizeof(bytes)), 0);
		virtio_push(vd, 0, chain.head,
			    iov_write(in, chain.nr_in, bytes, MAX(got, 0)));
		/* The registers must be served, too: go on after a look at them. */
		if (i == VIRTQ_SIZE_MAX) {
			eventfd_write(vd->kick_fd, 1);
			break;
		}
	}
	virtio_interrupt(vd, 0);
}

static const struct virtio_ops rng_ops = {
	.type = VIRTIO_ID_RNG,
	.class = CLASS_OTHER,
	.nr_queues = 1,
	.run = rng_run,
};

/**
 * virtio_rng_init() - make an entropy device
 * @vd: the device
 * @ram: guest memory
 * @irqchip: interrupts and doorbells
 *
 * Return: 0 or a negative errno; virtio_destroy() is due in any case.
 */
int virtio_rng_init(struct virtio_device *vd, const struct guest_ram *ram,
		    struct irqchip *irqchip)
{
	return virtio_init(vd, &rng_ops, "rng", ram, irqchip);
}
