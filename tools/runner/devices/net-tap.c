// SPDX-License-Identifier: GPL-2.0-only
/* A network by a tap interface of the host's. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net.h"

/* Frames taken before the registers are looked after */
#define BATCH	64

struct net_tap {
	struct net net;
	int fd;
};

static void tap_send(struct net *net, const void *frame, size_t len)
{
	struct net_tap *tap = container_of(net, struct net_tap, net);

	/* An interface that is down takes nothing: as if no cable were there. */
	if (write(tap->fd, frame, len) < 0)
		return;
}

static unsigned int tap_poll(struct net *net, struct pollfd *fds, int *timeout)
{
	struct net_tap *tap = container_of(net, struct net_tap, net);

	(void)timeout;
	/* What the guest has no buffer for waits in the interface's queue. */
	if (!net->can_receive(net->card))
		return 0;
	fds[0] = (struct pollfd) { .fd = tap->fd, .events = POLLIN };
	return 1;
}

static void tap_polled(struct net *net, struct pollfd *fds, unsigned int nr)
{
	struct net_tap *tap = container_of(net, struct net_tap, net);
	u8 frame[NET_FRAME_MAX];

	if (!nr || !fds[0].revents)
		return;
	for (unsigned int i = 0; i < BATCH && net->can_receive(net->card); i++) {
		ssize_t len = read(tap->fd, frame, sizeof(frame));

		if (len <= 0)
			break;
		net->receive(net->card, frame, len);
	}
}

static void tap_destroy(struct net *net)
{
	struct net_tap *tap = container_of(net, struct net_tap, net);

	close(tap->fd);
	free(tap);
}

/**
 * net_tap_create() - join a tap interface, or make it
 * @config: has its name
 * @net: out
 *
 * Return: 0, or a negative errno after a message.
 */
int net_tap_create(const struct net_config *config, struct net **net)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct net_tap *tap;
	int ret;

	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return fail(-ENOMEM, "cannot make the network: %s", strerror(ENOMEM));
	tap->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->fd < 0) {
		ret = fail(-errno, "cannot open /dev/net/tun: %s", strerror(errno));
		goto out_free;
	}
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", config->tap);
	if (ioctl(tap->fd, TUNSETIFF, &request)) {
		ret = fail(-errno, "cannot use tap interface %s: %s", config->tap,
			   strerror(errno));
		goto out_close;
	}
	tap->net = (struct net) {
		.send = tap_send,
		.poll = tap_poll,
		.polled = tap_polled,
		.destroy = tap_destroy,
	};
	*net = &tap->net;
	return 0;

out_close:
	close(tap->fd);
out_free:
	free(tap);
	return ret;
}
