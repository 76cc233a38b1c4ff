// SPDX-License-Identifier: GPL-2.0-only
/* --rng: a virtio entropy device (virtio 1.2, section 5.4). */
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#include "iov.h"
#include "peripheral.h"
#include "virtio.h"

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

struct rng {
	struct peripheral p;
	struct virtio_device vd;
};

static int rng_create(struct peripheral *p, const struct board *board)
{
	struct rng *rng = container_of(p, struct rng, p);
	int ret = virtio_init(&rng->vd, &rng_ops, "rng", board->ram, board->irqchip);

	if (ret)
		return fail(ret, "cannot make rng: %s", strerror(-ret));
	return virtio_join(&rng->vd, board);
}

static void rng_destroy(struct peripheral *p)
{
	struct rng *rng = container_of(p, struct rng, p);

	virtio_unplug(&rng->vd);
	virtio_destroy(&rng->vd);
}

const struct peripheral_kind rng_kind = {
	.option = "rng",
	.help = "a source of random numbers",
	.plural = "sources of random numbers",
	.max = 1,
	.size = sizeof(struct rng),
	.create = rng_create,
	.destroy = rng_destroy,
};
