/* SPDX-License-Identifier: GPL-2.0-only */
/* A network card. */
#ifndef VMXL_VIRTIO_NET_H
#define VMXL_VIRTIO_NET_H

#include "net.h"
#include "virtio.h"

/**
 * struct net_card - a virtio network device; guarded by the device's lock
 * @vd: the device
 * @net: where it is
 * @buffer: the next frame goes here, if @has_buffer
 * @received: frames were given to the guest since it was last interrupted
 */
struct net_card {
	struct virtio_device vd;
	struct net *net;
	bool has_buffer;
	bool received;
	struct virtq_chain buffer;
};

int virtio_net_init(struct net_card *card, const struct net_config *config,
		    unsigned int index, const struct guest_ram *ram,
		    struct irqchip *irqchip);
void virtio_net_destroy(struct net_card *card);

#endif /* VMXL_VIRTIO_NET_H */
