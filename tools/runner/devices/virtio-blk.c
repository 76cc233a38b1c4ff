// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio block device (virtio 1.2, section 5.2) over io_uring.
 *
 * A request is in flight from its chain to its status byte; the guest may have
 * as many as the queue has entries, and so many fit into the ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iov.h"
#include "virtio-blk.h"

#define CLASS_STORAGE_OTHER	0x018000
#define SECTOR_SHIFT		9
#define SECTOR_BYTES		(1u << SECTOR_SHIFT)
#define DISK_BLOCK_SIZE		512
/* The longest discard: 2 GiB; a request has one segment. */
#define RANGE_SECTORS_MAX	(1u << 22)
/* How long a ring that takes no requests is left alone, in ms */
#define RETRY_MS		10

/**
 * struct blk_request - a request in flight
 * @chain: its buffers; the header and the status byte are taken off
 * @data: what of them is still to be transferred; @nr_data
 * @status: where the status byte goes
 * @used: bytes the guest is told were written, if all goes well
 * @offset: where in the file @data begins
 * @left: bytes of @data
 */
struct blk_request {
	bool busy;
	u32 type;
	struct virtq_chain chain;
	struct iovec *data;
	unsigned int nr_data;
	u8 *status;
	u32 used;
	u64 offset;
	u64 left;
};

static void finish(struct virtio_blk *blk, struct blk_request *rq, u8 status)
{
	bool good = status == VIRTIO_BLK_S_OK;

	*rq->status = status;
	rq->busy = false;
	virtio_push(&blk->vd, 0, rq->chain.head, good ? rq->used : 0);
}

/* One for each request in flight: there is always room. */
static struct io_uring_sqe *get_sqe(struct virtio_blk *blk)
{
	blk->in_flight++;
	return io_uring_get_sqe(&blk->ring);
}

static void queue_transfer(struct virtio_blk *blk, struct blk_request *rq)
{
	struct io_uring_sqe *sqe = get_sqe(blk);
	/* Who does not flush wants its writes to last (5.2.6.2). */
	bool sync = !(blk->vd.accepted >> VIRTIO_BLK_F_FLUSH & 1);

	if (rq->type == VIRTIO_BLK_T_IN)
		io_uring_prep_readv(sqe, blk->fd, rq->data, rq->nr_data, rq->offset);
	else
		io_uring_prep_writev2(sqe, blk->fd, rq->data, rq->nr_data, rq->offset,
				      sync ? RWF_DSYNC : 0);
	io_uring_sqe_set_data(sqe, rq);
}

static bool in_range(const struct virtio_blk *blk, u64 sector, u64 count)
{
	return sector <= blk->sectors && count <= blk->sectors - sector;
}

static int start_transfer(struct virtio_blk *blk, struct blk_request *rq, u64 sector)
{
	rq->left = iov_size(rq->data, rq->nr_data);
	if (rq->left % SECTOR_BYTES || !in_range(blk, sector, rq->left >> SECTOR_SHIFT))
		return VIRTIO_BLK_S_IOERR;
	if (!rq->left)
		return VIRTIO_BLK_S_OK;
	rq->offset = sector << SECTOR_SHIFT;
	queue_transfer(blk, rq);
	return -1;
}

static int start_read(struct virtio_blk *blk, struct blk_request *rq, u64 sector)
{
	rq->data = rq->chain.iov + rq->chain.nr_out;
	rq->nr_data = rq->chain.nr_in;
	return start_transfer(blk, rq, sector);
}

static int start_write(struct virtio_blk *blk, struct blk_request *rq, u64 sector)
{
	return start_transfer(blk, rq, sector);
}

static int start_flush(struct virtio_blk *blk, struct blk_request *rq, u64 sector)
{
	struct io_uring_sqe *sqe = get_sqe(blk);

	(void)sector;
	io_uring_prep_fsync(sqe, blk->fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, rq);
	return -1;
}

/* Discard and write zeroes (5.2.6.1): one range of sectors as the data. */
static int start_range(struct virtio_blk *blk, struct blk_request *rq, u64 sector)
{
	bool discard = rq->type == VIRTIO_BLK_T_DISCARD;
	struct virtio_blk_discard_write_zeroes range;
	int mode = FALLOC_FL_KEEP_SIZE;
	struct io_uring_sqe *sqe;

	(void)sector;
	if (iov_size(rq->data, rq->nr_data) != sizeof(range))
		return VIRTIO_BLK_S_IOERR;
	iov_read(rq->data, rq->nr_data, &range, sizeof(range));
	if (range.flags & ~(discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
		return VIRTIO_BLK_S_UNSUPP;
	if (range.num_sectors > RANGE_SECTORS_MAX ||
	    !in_range(blk, range.sector, range.num_sectors))
		return VIRTIO_BLK_S_IOERR;
	if (!range.num_sectors)
		return VIRTIO_BLK_S_OK;

	/* A hole reads as zeros, so it serves both. */
	mode |= discard || range.flags ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
	sqe = get_sqe(blk);
	io_uring_prep_fallocate(sqe, blk->fd, mode, range.sector << SECTOR_SHIFT,
				(u64)range.num_sectors << SECTOR_SHIFT);
	io_uring_sqe_set_data(sqe, rq);
	return -1;
}

static int start_get_id(struct virtio_blk *blk, struct blk_request *rq, u64 sector)
{
	char id[VIRTIO_BLK_ID_BYTES + VIRTIO_NAME_LEN] = "";

	(void)sector;
	snprintf(id, sizeof(id), "vmxl-%s", blk->vd.name);
	iov_write(rq->chain.iov + rq->chain.nr_out, rq->chain.nr_in, id,
		  VIRTIO_BLK_ID_BYTES);
	return VIRTIO_BLK_S_OK;
}

/* What to do: returns a status, or -1 while it is in flight. */
static const struct {
	int (*start)(struct virtio_blk *blk, struct blk_request *rq, u64 sector);
	bool writes;
} kinds[] = {
	[VIRTIO_BLK_T_IN] = { start_read, false },
	[VIRTIO_BLK_T_OUT] = { start_write, true },
	[VIRTIO_BLK_T_FLUSH] = { start_flush, false },
	[VIRTIO_BLK_T_GET_ID] = { start_get_id, false },
	[VIRTIO_BLK_T_DISCARD] = { start_range, true },
	[VIRTIO_BLK_T_WRITE_ZEROES] = { start_range, true },
};

static int start(struct virtio_blk *blk, struct blk_request *rq, u64 sector)
{
	if (rq->type >= ARRAY_SIZE(kinds) || !kinds[rq->type].start)
		return VIRTIO_BLK_S_UNSUPP;
	if (kinds[rq->type].writes && blk->read_only)
		return VIRTIO_BLK_S_IOERR;
	return kinds[rq->type].start(blk, rq, sector);
}

/* The header is at the beginning of what is read, the status ends what is written. */
static const char *parse(struct blk_request *rq, struct virtio_blk_outhdr *header)
{
	struct virtq_chain *chain = &rq->chain;
	struct iovec *last;

	if (iov_read(chain->iov, chain->nr_out, header, sizeof(*header)) < sizeof(*header))
		return "a request has no header";
	if (!chain->nr_in)
		return "a request has no room for its status";
	last = &chain->iov[chain->nr_out + chain->nr_in - 1];
	rq->used = iov_size(chain->iov + chain->nr_out, chain->nr_in);
	rq->status = (u8 *)last->iov_base + last->iov_len - 1;
	rq->type = header->type;
	iov_cut(chain->iov + chain->nr_out, &chain->nr_in, 1);

	rq->data = chain->iov;
	rq->nr_data = chain->nr_out;
	iov_skip(&rq->data, &rq->nr_data, sizeof(*header));
	return NULL;
}

static void submit(struct virtio_blk *blk)
{
	/* What the kernel does not take now stays in the ring: see blk_poll(). */
	if (io_uring_sq_ready(&blk->ring))
		io_uring_submit(&blk->ring);
}

/* Begin the next request; false if there is none, or a broken one. */
static bool take(struct virtio_blk *blk)
{
	struct virtio_blk_outhdr header;
	struct blk_request *rq;
	struct virtq_chain chain;
	const char *fault;
	int status;

	if (!virtio_pop(&blk->vd, 0, &chain))
		return false;
	rq = &blk->requests[chain.head];
	if (rq->busy) {
		virtio_break(&blk->vd, 0, "a chain in use was made available again");
		return false;
	}
	rq->chain = chain;
	fault = parse(rq, &header);
	if (fault) {
		virtio_break(&blk->vd, 0, fault);
		return false;
	}
	rq->busy = true;
	status = start(blk, rq, header.sector);
	if (status >= 0)
		finish(blk, rq, status);
	return true;
}

static void blk_run(struct virtio_device *vd)
{
	struct virtio_blk *blk = container_of(vd, struct virtio_blk, vd);
	unsigned int taken = 0;

	/* Each head once at a time: no more than the queue's size are in flight. */
	while (blk->in_flight < VIRTQ_SIZE_MAX && taken < VIRTQ_SIZE_MAX && take(blk))
		taken++;
	/* The registers must be served, too: go on after a look at them. */
	if (taken == VIRTQ_SIZE_MAX)
		eventfd_write(vd->kick_fd, 1);
	submit(blk);
	virtio_interrupt(vd, 0);
}

static u8 status_of(int result)
{
	if (result >= 0)
		return VIRTIO_BLK_S_OK;
	return result == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
}

static void complete(struct virtio_blk *blk, struct blk_request *rq, int result)
{
	bool transfer = rq->type == VIRTIO_BLK_T_IN || rq->type == VIRTIO_BLK_T_OUT;

	blk->in_flight--;
	if (!transfer || result < 0) {
		finish(blk, rq, status_of(result));
		return;
	}
	if ((u64)result >= rq->left) {
		finish(blk, rq, VIRTIO_BLK_S_OK);
		return;
	}
	/* The file ends here: it was made shorter while the guest runs. */
	if (!result) {
		finish(blk, rq, VIRTIO_BLK_S_IOERR);
		return;
	}
	iov_skip(&rq->data, &rq->nr_data, result);
	rq->offset += result;
	rq->left -= result;
	queue_transfer(blk, rq);
}

static void reap(struct virtio_blk *blk)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&blk->ring, &cqe)) {
		struct blk_request *rq = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&blk->ring, cqe);
		complete(blk, rq, result);
	}
	submit(blk);
}

static unsigned int blk_poll(struct virtio_device *vd, struct pollfd *fds, int *timeout)
{
	struct virtio_blk *blk = container_of(vd, struct virtio_blk, vd);

	if (io_uring_sq_ready(&blk->ring))
		*timeout = RETRY_MS;
	fds[0] = (struct pollfd) { .fd = blk->done_fd, .events = POLLIN };
	return 1;
}

static void blk_polled(struct virtio_device *vd, struct pollfd *fds, unsigned int nr)
{
	struct virtio_blk *blk = container_of(vd, struct virtio_blk, vd);
	eventfd_t count;

	(void)nr;
	if (fds[0].revents)
		eventfd_read(blk->done_fd, &count);
	reap(blk);
	virtio_interrupt(vd, 0);
}

/* The kernel may still use the guest's buffers: wait until it has done with all. */
static void blk_reset(struct virtio_device *vd)
{
	struct virtio_blk *blk = container_of(vd, struct virtio_blk, vd);

	while (blk->in_flight) {
		io_uring_submit_and_wait(&blk->ring, 1);
		reap(blk);
	}
}

static const struct virtio_ops blk_ops = {
	.type = VIRTIO_ID_BLOCK,
	.class = CLASS_STORAGE_OTHER,
	.nr_queues = 1,
	.run = blk_run,
	.reset = blk_reset,
	.poll = blk_poll,
	.polled = blk_polled,
};

static int measure(struct virtio_blk *blk, const char *path)
{
	struct stat st;
	u64 bytes;

	if (fstat(blk->fd, &st))
		return fail(-errno, "cannot look at disk %s: %s", path, strerror(errno));
	bytes = st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(blk->fd, BLKGETSIZE64, &bytes))
		return fail(-errno, "cannot tell the size of disk %s: %s", path,
			    strerror(errno));
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return fail(-EINVAL, "disk %s is neither a file nor a block device", path);
	blk->sectors = bytes >> SECTOR_SHIFT;
	if (!blk->sectors)
		return fail(-EINVAL, "disk %s is empty: give it a size by truncate -s", path);
	return 0;
}

static int open_disk(struct virtio_blk *blk, const struct disk_config *config)
{
	int flags = (config->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;

	blk->fd = open(config->path, flags);
	if (blk->fd < 0)
		return fail(-errno, "cannot open disk %s: %s%s", config->path, strerror(errno),
			    config->read_only ? "" : " (append ,ro to open it read-only)");
	if (flock(blk->fd, (config->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return fail(-EBUSY, "disk %s is in use by another guest", config->path);
	return measure(blk, config->path);
}

static void fill_config(struct virtio_blk *blk)
{
	struct virtio_blk_config config = {
		.capacity = blk->sectors,
		.seg_max = VIRTQ_SEGS_MAX - 2,	/* header and status */
		.blk_size = DISK_BLOCK_SIZE,
		.max_discard_sectors = RANGE_SECTORS_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 1,
		.max_write_zeroes_sectors = RANGE_SECTORS_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};

	_Static_assert(sizeof(config) <= VIRTIO_CONFIG_MAX, "the configuration fits");
	memcpy(blk->vd.config, &config, sizeof(config));
	blk->vd.offered |= 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
			   1ULL << VIRTIO_BLK_F_FLUSH;
	if (blk->read_only)
		blk->vd.offered |= 1ULL << VIRTIO_BLK_F_RO;
	else
		blk->vd.offered |= 1ULL << VIRTIO_BLK_F_DISCARD |
				   1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
}

/**
 * virtio_blk_init() - make a disk
 * @blk: the disk
 * @config: what the user wants
 * @index: its number, for its name
 * @ram: guest memory
 * @irqchip: interrupts and doorbells
 *
 * Return: 0, or a negative errno after a message; virtio_blk_destroy() is due in
 * any case.
 */
int virtio_blk_init(struct virtio_blk *blk, const struct disk_config *config,
		    unsigned int index, const struct guest_ram *ram,
		    struct irqchip *irqchip)
{
	char name[VIRTIO_NAME_LEN];
	int ret;

	*blk = (struct virtio_blk) { .read_only = config->read_only, .fd = -1 };
	snprintf(name, sizeof(name), "disk%u", index);
	blk->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	blk->requests = calloc(VIRTQ_SIZE_MAX, sizeof(*blk->requests));
	ret = virtio_init(&blk->vd, &blk_ops, name, ram, irqchip);
	if (ret || blk->done_fd < 0 || !blk->requests)
		return fail(-ENOMEM, "cannot make %s: %s", name, strerror(ENOMEM));
	ret = open_disk(blk, config);
	if (ret)
		return ret;
	fill_config(blk);

	ret = io_uring_queue_init(VIRTQ_SIZE_MAX, &blk->ring, 0);
	if (ret)
		return fail(ret, "cannot make an io_uring for disk %s: %s", config->path,
			    strerror(-ret));
	blk->has_ring = true;
	ret = io_uring_register_eventfd(&blk->ring, blk->done_fd);
	if (ret)
		return fail(ret, "cannot use io_uring for disk %s: %s", config->path,
			    strerror(-ret));
	return 0;
}

/**
 * virtio_blk_destroy() - undo virtio_blk_init(), whether it succeeded or not
 * @blk: the disk, unplugged
 */
void virtio_blk_destroy(struct virtio_blk *blk)
{
	if (blk->has_ring)
		io_uring_queue_exit(&blk->ring);
	if (blk->fd >= 0)
		close(blk->fd);
	if (blk->done_fd >= 0)
		close(blk->done_fd);
	free(blk->requests);
	virtio_destroy(&blk->vd);
}
