// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio memory balloon (virtio 1.2, section 5.5).
 *
 * Pages that the guest gives up are dropped from this process; the module's page
 * table follows, as for any mapping. When the guest touches one again it is zero.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "iov.h"
#include "lent.h"
#include "virtio-balloon.h"

#define CLASS_OTHER	0xff0000
#define PAGE_BYTES	(1ULL << VIRTIO_BALLOON_PFN_SHIFT)
/* Pages that one chain may name: 256 MiB. Linux names 256 of them. */
#define PFNS_MAX	65536
/* Page numbers looked at in one go */
#define PFNS_BATCH	256
/* Chains taken before the registers are looked after */
#define BATCH		64

/*
 * Without FREE_PAGE_HINT the specification and Linux before 6.11 differ in where
 * the queue of reports is; with it, all five are where they should be.
 */
enum { INFLATE, DEFLATE, STATS, HINT, REPORT, NR_QUEUES };

static const struct {
	const char *name;
	bool is_bytes;
} stat_names[VIRTIO_BALLOON_S_NR] = {
	[VIRTIO_BALLOON_S_SWAP_IN] = { "swapped in", true },
	[VIRTIO_BALLOON_S_SWAP_OUT] = { "swapped out", true },
	[VIRTIO_BALLOON_S_MAJFLT] = { "major faults", false },
	[VIRTIO_BALLOON_S_MINFLT] = { "minor faults", false },
	[VIRTIO_BALLOON_S_MEMFREE] = { "free", true },
	[VIRTIO_BALLOON_S_MEMTOT] = { "total", true },
	[VIRTIO_BALLOON_S_AVAIL] = { "available", true },
	[VIRTIO_BALLOON_S_CACHES] = { "caches", true },
	[VIRTIO_BALLOON_S_HTLB_PGALLOC] = { "huge pages", false },
	[VIRTIO_BALLOON_S_HTLB_PGFAIL] = { "huge pages refused", false },
};

static struct virtio_balloon *balloon_of(struct virtio_device *vd)
{
	return container_of(vd, struct virtio_balloon, vd);
}

/* Drop memory of the guest's that it says it does not need. */
static void discard(char *start, u64 len)
{
	if (len)
		madvise(start, len, MADV_DONTNEED);
}

/* Neighbours are dropped together: a call costs more than a page. */
static const char *discard_pages(struct virtio_device *vd, const u32 *pfns, unsigned int nr)
{
	char *start = NULL;
	u64 len = 0;

	for (unsigned int i = 0; i < nr; i++) {
		char *page = ram_at(vd->ram, pfns[i] * PAGE_BYTES, PAGE_BYTES);

		if (!page)
			return "a page to be given up is not in memory";
		if (page != start + len) {
			discard(start, len);
			start = page;
			len = 0;
		}
		len += PAGE_BYTES;
	}
	discard(start, len);
	return NULL;
}

/* An array of page numbers (5.5.6.1). */
static const char *inflate(struct virtio_device *vd, struct virtq_chain *chain)
{
	struct iovec *iov = chain->iov;
	unsigned int nr = chain->nr_out;
	u64 left = iov_size(iov, nr);
	const char *fault = NULL;
	u32 pfns[PFNS_BATCH];

	if (left % sizeof(pfns[0]) || left > PFNS_MAX * sizeof(pfns[0]))
		return "a list of pages is too long or ends in the middle of one";
	while (left && !fault) {
		size_t len = iov_read(iov, nr, pfns, MIN(left, sizeof(pfns)));

		fault = discard_pages(vd, pfns, len / sizeof(pfns[0]));
		iov_skip(&iov, &nr, len);
		left -= len;
	}
	return fault;
}

/* The guest takes pages back: it just uses them. */
static const char *deflate(struct virtio_device *vd, struct virtq_chain *chain)
{
	(void)vd;
	(void)chain;
	return NULL;
}

/* Nothing is ever asked for, so hints are nobody's (5.5.6.5). */
static const char *take_hint(struct virtio_device *vd, struct virtq_chain *chain)
{
	(void)vd;
	(void)chain;
	return NULL;
}

/* The buffers are the free pages (5.5.6.6); their edges may be another's. */
static const char *take_report(struct virtio_device *vd, struct virtq_chain *chain)
{
	(void)vd;
	for (unsigned int i = 0; i < chain->nr_in; i++) {
		const struct iovec *iov = &chain->iov[chain->nr_out + i];
		u64 start = ALIGN_UP((uintptr_t)iov->iov_base, PAGE_BYTES);
		u64 end = ALIGN_DOWN((uintptr_t)iov->iov_base + iov->iov_len, PAGE_BYTES);

		if (start < end)
			discard((char *)(uintptr_t)start, end - start);
	}
	return NULL;
}

/* One buffer is the device's, until it wants statistics (5.5.6.3). */
static const char *take_stats(struct virtio_device *vd, struct virtq_chain *chain)
{
	struct virtio_balloon *balloon = balloon_of(vd);
	struct virtio_balloon_stat stats[2 * VIRTIO_BALLOON_S_NR];
	size_t len = iov_read(chain->iov, chain->nr_out, stats, sizeof(stats));

	balloon->stats.known = 0;
	for (unsigned int i = 0; i < len / sizeof(stats[0]); i++) {
		u16 tag = stats[i].tag;

		/* Unknown tags are to be ignored (5.5.6.3.1). */
		if (tag >= VIRTIO_BALLOON_S_NR)
			continue;
		balloon->stats.known |= 1u << tag;
		balloon->stats.values[tag] = stats[i].val;
	}
	if (balloon->held)
		virtio_push(vd, STATS, balloon->head, 0);
	balloon->head = chain->head;
	balloon->held = true;
	return NULL;
}

static const struct {
	const char *(*take)(struct virtio_device *vd, struct virtq_chain *chain);
	bool keeps;
} queues[NR_QUEUES] = {
	[INFLATE] = { inflate, false },
	[DEFLATE] = { deflate, false },
	[STATS] = { take_stats, true },
	[HINT] = { take_hint, false },
	[REPORT] = { take_report, false },
};

static void serve(struct virtio_device *vd, unsigned int queue)
{
	struct virtq_chain chain;

	for (unsigned int i = 0; virtio_pop(vd, queue, &chain); i++) {
		const char *fault = queues[queue].take(vd, &chain);

		if (fault) {
			virtio_break(vd, queue, fault);
			return;
		}
		if (!queues[queue].keeps)
			virtio_push(vd, queue, chain.head, 0);
		if (i == BATCH) {
			eventfd_write(vd->kick_fd, 1);
			break;
		}
	}
	virtio_interrupt(vd, queue);
}

static void balloon_run(struct virtio_device *vd)
{
	for (unsigned int i = 0; i < NR_QUEUES; i++)
		serve(vd, i);
}

static void balloon_reset(struct virtio_device *vd)
{
	struct virtio_balloon *balloon = balloon_of(vd);

	balloon->held = false;
	balloon->stats.known = 0;
	/* A guest that starts anew has everything again. */
	memset(vd->config + offsetof(struct virtio_balloon_config, actual), 0, sizeof(u32));
}

/* The guest says how large the balloon is (5.5.6.2). */
static void balloon_written(struct virtio_device *vd, unsigned int offset,
			    unsigned int size, u64 value)
{
	u32 actual = value;

	if (offset == offsetof(struct virtio_balloon_config, actual) && size == sizeof(actual))
		memcpy(vd->config + offset, &actual, size);
}

static const struct virtio_ops balloon_ops = {
	.type = VIRTIO_ID_BALLOON,
	.class = CLASS_OTHER,
	.nr_queues = NR_QUEUES,
	.run = balloon_run,
	.reset = balloon_reset,
	.config_written = balloon_written,
};

static u32 get_config(const struct virtio_balloon *balloon, unsigned int offset)
{
	u32 value;

	memcpy(&value, balloon->vd.config + offset, sizeof(value));
	return value;
}

/**
 * virtio_balloon_resize() - ask the guest to give memory up, or take it back
 * @balloon: the balloon
 * @bytes: what it should be in all, rounded down to pages
 *
 * Context: any thread; takes the device's lock.
 *
 * Return: 0; -ERANGE if the guest has less memory.
 */
int virtio_balloon_resize(struct virtio_balloon *balloon, u64 bytes)
{
	const struct guest_ram *ram = balloon->vd.ram;
	u32 pages = bytes / PAGE_BYTES;

	if (bytes > ram->lowmem + ram->highmem || bytes / PAGE_BYTES > UINT32_MAX)
		return -ERANGE;
	pthread_mutex_lock(&balloon->vd.lock);
	memcpy(balloon->vd.config + offsetof(struct virtio_balloon_config, num_pages), &pages,
	       sizeof(pages));
	virtio_config_changed(&balloon->vd);
	pthread_mutex_unlock(&balloon->vd.lock);
	return 0;
}

/**
 * virtio_balloon_look() - tell how large the balloon is
 * @balloon: the balloon
 * @size: out
 * @stats: out: what the guest said last; it is asked to say it anew
 *
 * Context: any thread; takes the device's lock.
 */
void virtio_balloon_look(struct virtio_balloon *balloon, struct balloon_size *size,
			 struct balloon_stats *stats)
{
	pthread_mutex_lock(&balloon->vd.lock);
	*size = (struct balloon_size) {
		.wanted = get_config(balloon, offsetof(struct virtio_balloon_config,
						       num_pages)) * PAGE_BYTES,
		.actual = get_config(balloon, offsetof(struct virtio_balloon_config,
						       actual)) * PAGE_BYTES,
	};
	*stats = balloon->stats;
	if (balloon->held && virtio_running(&balloon->vd)) {
		balloon->held = false;
		virtio_push(&balloon->vd, STATS, balloon->head, 0);
		virtio_interrupt(&balloon->vd, STATS);
	}
	pthread_mutex_unlock(&balloon->vd.lock);
}

static int balloon_parse(struct peripheral *p, char *text)
{
	if (parse_size(text, &container_of(p, struct virtio_balloon, p)->first))
		return fail(-EINVAL, "--balloon %s is no size such as 0 or 128M", text);
	return 0;
}

static int balloon_create(struct peripheral *p, const struct board *board)
{
	struct virtio_balloon *balloon = container_of(p, struct virtio_balloon, p);
	int ret;

	/* Lent devices come before balloons: see peripherals.c. */
	if (lending_pins(board->lending))
		return fail(-EINVAL,
			    "a lent device pins the guest's memory, so none can be taken back: leave --balloon or --device out");
	ret = virtio_init(&balloon->vd, &balloon_ops, "balloon", board->ram, board->irqchip);
	if (ret)
		return fail(ret, "cannot make the balloon: %s", strerror(-ret));
	balloon->vd.offered |= 1ULL << VIRTIO_BALLOON_F_STATS_VQ |
			       1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
			       1ULL << VIRTIO_BALLOON_F_FREE_PAGE_HINT |
			       1ULL << VIRTIO_BALLOON_F_REPORTING;
	ret = virtio_balloon_resize(balloon, balloon->first);
	if (ret)
		return fail(ret, "a balloon of %llu MiB is larger than the guest's memory",
			    balloon->first >> 20);
	return virtio_join(&balloon->vd, board);
}

static void balloon_destroy(struct peripheral *p)
{
	struct virtio_balloon *balloon = container_of(p, struct virtio_balloon, p);

	virtio_unplug(&balloon->vd);
	virtio_destroy(&balloon->vd);
}

static void print_stats(FILE *out, const struct balloon_stats *stats)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(stat_names); i++)
		if (stats->known >> i & 1)
			fprintf(out, "%s %llu%s\n", stat_names[i].name,
				stats->values[i] >> (stat_names[i].is_bytes ? 20 : 0),
				stat_names[i].is_bytes ? "M" : "");
}

/* Of vmxl balloon: a new size, or none */
static int balloon_control(struct peripheral *p, const char *words, FILE *out)
{
	struct virtio_balloon *balloon = container_of(p, struct virtio_balloon, p);
	struct balloon_stats stats;
	struct balloon_size size;
	u64 bytes;

	if (words && (parse_size(words, &bytes) || virtio_balloon_resize(balloon, bytes))) {
		fprintf(out, "'%s' is no size that the guest's memory has", words);
		return -EINVAL;
	}
	virtio_balloon_look(balloon, &size, &stats);
	fprintf(out, "wanted %lluM, given %lluM\n", size.wanted >> 20, size.actual >> 20);
	print_stats(out, &stats);
	return 0;
}

const struct peripheral_kind balloon_kind = {
	.option = "balloon",
	.argument = "SIZE",
	.help = "take SIZE of the guest's memory back (0 for none at\n"
		"first), and what the guest says is free",
	.plural = "balloons",
	.max = 1,
	.size = sizeof(struct virtio_balloon),
	.parse = balloon_parse,
	.create = balloon_create,
	.destroy = balloon_destroy,
	.control = balloon_control,
};
