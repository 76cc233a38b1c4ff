/* SPDX-License-Identifier: GPL-2.0-only */
/* Networks that a guest's card can be in: the host's by libslirp, or a tap. */
#ifndef VMXL_NET_H
#define VMXL_NET_H

#include <poll.h>

#include "util.h"

#define NET_FORWARDS_MAX	16
#define NET_FRAME_MAX		1518	/* Ethernet with a VLAN tag, without its checksum */
#define NET_FRAME_MIN		14	/* the header */

/* A port of the host's 127.0.0.1 that is one of the guest's. */
struct net_forward {
	bool udp;
	u16 host_port, guest_port;
};

/**
 * struct net_config - a network, as the command line gives it
 * @tap: a tap interface's name, or NULL for libslirp
 * @forwards: for libslirp
 */
struct net_config {
	const char *tap;
	struct net_forward forwards[NET_FORWARDS_MAX];
	unsigned int nr_forwards;
};

struct net_card;

/**
 * struct net - a network; its functions are called with the card's lock held
 * @send: the guest sends a frame; it is lost if the network cannot take it
 * @poll, @polled: as those of struct virtio_ops
 * @destroy: free it
 * @can_receive: the card's: is there a buffer for a frame?
 * @receive: the card's: a frame for the guest; lost without a buffer
 */
struct net {
	void (*send)(struct net *net, const void *frame, size_t len);
	unsigned int (*poll)(struct net *net, struct pollfd *fds, int *timeout);
	void (*polled)(struct net *net, struct pollfd *fds, unsigned int nr);
	void (*destroy)(struct net *net);
	bool (*can_receive)(struct net_card *card);
	void (*receive)(struct net_card *card, const void *frame, size_t len);
	struct net_card *card;
};

int net_parse(struct net_config *config, char *text);
int net_user_create(const struct net_config *config, struct net **net);
int net_tap_create(const struct net_config *config, struct net **net);

#endif /* VMXL_NET_H */
