// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory of the host's, shared with the guest: 9P2000.L over a virtio device
 * (virtio 1.2, chapter 5, device 9: the "9P transport", whose configuration is
 * Linux's linux/virtio_9p.h).
 */
#include <errno.h>
#include <linux/virtio_9p.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "iov.h"
#include "p9.h"
#include "peripheral.h"
#include "virtio.h"

#define CLASS_OTHER	0xff0000
/* Linux names mounts by tags; what it has room for is not told. */
#define TAG_MAX		(VIRTIO_CONFIG_MAX - sizeof(u16))
/* Requests answered before the registers are looked after */
#define BATCH		16
#define SHARES_MAX	8

/**
 * struct share - a shared directory
 * @path: where; @tag: what the guest mounts it by
 * @request, @reply: of P9_MSIZE_MAX bytes: the guest's memory may change meanwhile
 */
struct share {
	struct peripheral p;
	const char *path, *tag;
	bool read_only;
	struct virtio_device vd;
	struct p9_server server;
	u8 *request, *reply;
};

static const char *serve(struct share *share, struct virtq_chain *chain, u32 *len)
{
	const struct iovec *in = chain->iov + chain->nr_out;
	u64 room = iov_size(in, chain->nr_in), size = iov_size(chain->iov, chain->nr_out);

	if (size < P9_HEADER_SIZE || size > share->server.msize)
		return "a message is too short, or longer than agreed";
	if (room < P9_ERROR_SIZE)
		return "a message has no room for its answer";
	iov_read(chain->iov, chain->nr_out, share->request, size);
	*len = p9_serve(&share->server, share->request, size, share->reply,
			MIN(room, share->server.msize));
	iov_write(in, chain->nr_in, share->reply, *len);
	return NULL;
}

static void share_run(struct virtio_device *vd)
{
	struct share *share = container_of(vd, struct share, vd);
	struct virtq_chain chain;
	u32 len;

	for (unsigned int i = 0; virtio_pop(vd, 0, &chain); i++) {
		const char *fault = serve(share, &chain, &len);

		if (fault) {
			virtio_break(vd, 0, fault);
			return;
		}
		virtio_push(vd, 0, chain.head, len);
		virtio_interrupt(vd, 0);
		if (i == BATCH) {
			eventfd_write(vd->kick_fd, 1);
			break;
		}
	}
}

static void share_reset(struct virtio_device *vd)
{
	p9_reset(&container_of(vd, struct share, vd)->server);
}

static const struct virtio_ops share_ops = {
	.type = VIRTIO_ID_9P,
	.class = CLASS_OTHER,
	.nr_queues = 1,
	.run = share_run,
	.reset = share_reset,
};

/* PATH,tag=NAME[,ro]; a path may have commas. */
static int share_parse(struct peripheral *p, char *text)
{
	struct share *share = container_of(p, struct share, p);
	size_t len = strlen(text);
	char *tag;

	share->read_only = len > 3 && !strcmp(text + len - 3, ",ro");
	if (share->read_only)
		text[len - 3] = '\0';
	tag = strrchr(text, ',');
	if (!tag || tag == text || strncmp(tag, ",tag=", 5))
		return fail(-EINVAL, "--share %s is not PATH,tag=NAME", text);
	*tag = '\0';
	share->path = text;
	share->tag = tag + 5;
	if (!*share->tag || strlen(share->tag) > TAG_MAX)
		return fail(-EINVAL, "tag=%s is no name of 1 to %zu bytes", share->tag, TAG_MAX);
	return 0;
}

static int share_create(struct peripheral *p, const struct board *board)
{
	struct share *share = container_of(p, struct share, p);
	const u16 tag_len = strlen(share->tag);
	char name[VIRTIO_NAME_LEN];
	int ret;

	share->server.root_fd = -1;
	snprintf(name, sizeof(name), "share%u", p->index);
	ret = virtio_init(&share->vd, &share_ops, name, board->ram, board->irqchip);
	share->request = malloc(P9_MSIZE_MAX);
	share->reply = malloc(P9_MSIZE_MAX);
	if (ret || !share->request || !share->reply)
		return fail(-ENOMEM, "cannot make %s: %s", name, strerror(ENOMEM));
	memcpy(share->vd.config, &tag_len, sizeof(tag_len));
	memcpy(share->vd.config + sizeof(tag_len), share->tag, tag_len);
	share->vd.offered |= 1ULL << VIRTIO_9P_MOUNT_TAG;
	ret = p9_init(&share->server, share->path, share->read_only);
	return ret ? ret : virtio_join(&share->vd, board);
}

static void share_destroy(struct peripheral *p)
{
	struct share *share = container_of(p, struct share, p);

	virtio_unplug(&share->vd);
	virtio_destroy(&share->vd);
	p9_destroy(&share->server);
	free(share->request);
	free(share->reply);
}

const struct peripheral_kind share_kind = {
	.option = "share",
	.argument = "PATH,tag=NAME[,ro]",
	.help = "a directory of this host's, which the guest mounts by\n"
		"mount -t 9p -o trans=virtio,version=9p2000.L NAME ...;\n"
		"may be given again",
	.plural = "shared directories",
	.max = SHARES_MAX,
	.size = sizeof(struct share),
	.parse = share_parse,
	.create = share_create,
	.destroy = share_destroy,
};
