// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio network device (virtio 1.2, section 5.1) without offloads: one frame
 * a chain.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "iov.h"
#include "virtio-net.h"

#define CLASS_ETHERNET	0x020000
#define HEADER_SIZE	sizeof(struct virtio_net_hdr_v1)

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, NR_QUEUES };

static bool can_receive(struct net_card *card)
{
	if (!virtio_running(&card->vd))
		return false;
	if (!card->has_buffer)
		card->has_buffer = virtio_pop(&card->vd, QUEUE_RECEIVE, &card->buffer);
	return card->has_buffer;
}

static void receive(struct net_card *card, const void *frame, size_t len)
{
	const struct virtio_net_hdr_v1 header = { .num_buffers = 1 };
	struct iovec *in, parts[2] = {
		{ (void *)&header, sizeof(header) }, { (void *)frame, len },
	};
	u8 whole[HEADER_SIZE + NET_FRAME_MAX];
	unsigned int nr;

	if (len > NET_FRAME_MAX || !can_receive(card))
		return;
	card->has_buffer = false;
	in = card->buffer.iov + card->buffer.nr_out;
	nr = card->buffer.nr_in;
	len = iov_read(parts, ARRAY_SIZE(parts), whole, sizeof(whole));
	/* Buffers must take the longest frame (5.1.6.3.1). */
	if (iov_write(in, nr, whole, len) < len) {
		virtio_break(&card->vd, QUEUE_RECEIVE, "a buffer is too small for a frame");
		return;
	}
	virtio_push(&card->vd, QUEUE_RECEIVE, card->buffer.head, len);
	card->received = true;
}

static void transmit(struct net_card *card, struct virtq_chain *chain)
{
	u8 whole[HEADER_SIZE + NET_FRAME_MAX];
	u64 size = iov_size(chain->iov, chain->nr_out);

	/* What is no frame is lost, as on a wire. */
	if (size >= HEADER_SIZE + NET_FRAME_MIN && size <= sizeof(whole)) {
		iov_read(chain->iov, chain->nr_out, whole, size);
		card->net->send(card->net, whole + HEADER_SIZE, size - HEADER_SIZE);
	}
	virtio_push(&card->vd, QUEUE_TRANSMIT, chain->head, 0);
}

static void net_run(struct virtio_device *vd)
{
	struct net_card *card = container_of(vd, struct net_card, vd);
	struct virtq_chain chain;

	for (unsigned int i = 0; virtio_pop(vd, QUEUE_TRANSMIT, &chain); i++) {
		transmit(card, &chain);
		/* The network and the registers have their turn, too. */
		if (i == VIRTQ_SIZE_MAX) {
			eventfd_write(vd->kick_fd, 1);
			break;
		}
	}
	virtio_interrupt(vd, QUEUE_TRANSMIT);
	/* libslirp answers some frames at once. */
	if (card->received)
		virtio_interrupt(vd, QUEUE_RECEIVE);
	card->received = false;
}

static void net_reset(struct virtio_device *vd)
{
	struct net_card *card = container_of(vd, struct net_card, vd);

	card->has_buffer = false;
	card->received = false;
}

static unsigned int net_poll(struct virtio_device *vd, struct pollfd *fds, int *timeout)
{
	struct net_card *card = container_of(vd, struct net_card, vd);

	return card->net->poll(card->net, fds, timeout);
}

/* net_run() follows, and interrupts. */
static void net_polled(struct virtio_device *vd, struct pollfd *fds, unsigned int nr)
{
	struct net_card *card = container_of(vd, struct net_card, vd);

	card->net->polled(card->net, fds, nr);
}

static const struct virtio_ops net_ops = {
	.type = VIRTIO_ID_NET,
	.class = CLASS_ETHERNET,
	.nr_queues = NR_QUEUES,
	.run = net_run,
	.reset = net_reset,
	.poll = net_poll,
	.polled = net_polled,
};

/**
 * virtio_net_init() - make a network card
 * @card: the card
 * @config: the network it is in
 * @index: its number, for its name and MAC address
 * @ram: guest memory
 * @irqchip: interrupts and doorbells
 *
 * Return: 0, or a negative errno after a message; virtio_net_destroy() is due in
 * any case.
 */
int virtio_net_init(struct net_card *card, const struct net_config *config,
		    unsigned int index, const struct guest_ram *ram,
		    struct irqchip *irqchip)
{
	/* 52:54:00 is what emulators use of the locally administered addresses. */
	const u8 mac[6] = { 0x52, 0x54, 0x00, 0x76, 0x6d, index };
	char name[VIRTIO_NAME_LEN];
	int ret;

	*card = (struct net_card) { };
	snprintf(name, sizeof(name), "net%u", index);
	ret = virtio_init(&card->vd, &net_ops, name, ram, irqchip);
	if (ret)
		return fail(ret, "cannot make %s: %s", name, strerror(-ret));
	memcpy(card->vd.config, mac, sizeof(mac));
	card->vd.offered |= 1ULL << VIRTIO_NET_F_MAC;

	ret = config->tap ? net_tap_create(config, &card->net)
			  : net_user_create(config, &card->net);
	if (ret)
		return ret;
	card->net->card = card;
	card->net->can_receive = can_receive;
	card->net->receive = receive;
	return 0;
}

/**
 * virtio_net_destroy() - undo virtio_net_init(), whether it succeeded or not
 * @card: the card, unplugged
 */
void virtio_net_destroy(struct net_card *card)
{
	if (card->net)
		card->net->destroy(card->net);
	virtio_destroy(&card->vd);
}
