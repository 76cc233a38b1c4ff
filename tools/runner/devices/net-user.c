// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's network by libslirp, without privileges: the guest is 10.0.2.15 (by
 * DHCP), the host 10.0.2.2, DNS 10.0.2.3. IPv4 only.
 *
 * libslirp is used by one thread at a time, under the card's lock, so its wish
 * to be polled anew needs no answer: poll() follows each call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net.h"
#include "virtio.h"

struct net_user {
	struct net net;
	Slirp *slirp;
	struct pollfd *fds;	/* while they are filled in or looked at */
	unsigned int nr_fds;
};

static ssize_t deliver(const void *frame, size_t len, void *opaque)
{
	struct net_user *user = opaque;

	user->net.receive(user->net.card, frame, len);
	return len;
}

static void guest_error(const char *text, void *opaque)
{
	(void)text;	/* what the guest sends is its own affair */
	(void)opaque;
}

static int64_t clock_ns(void *opaque)
{
	struct timespec now;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void ignore_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void ignore_notice(void *opaque)
{
	(void)opaque;
}

/* Only router advertisements of IPv6 have timers, and there is no IPv6. */
static const SlirpCb callbacks = {
	.send_packet = deliver,
	.guest_error = guest_error,
	.clock_get_ns = clock_ns,
	.register_poll_fd = ignore_fd,
	.unregister_poll_fd = ignore_fd,
	.notify = ignore_notice,
};

static void user_send(struct net *net, const void *frame, size_t len)
{
	struct net_user *user = container_of(net, struct net_user, net);

	slirp_input(user->slirp, frame, len);
}

/* libslirp's bits are its own. */
static const struct {
	int slirp;
	short poll;
} events[] = {
	{ SLIRP_POLL_IN, POLLIN },
	{ SLIRP_POLL_OUT, POLLOUT },
	{ SLIRP_POLL_PRI, POLLPRI },
	{ SLIRP_POLL_ERR, POLLERR },
	{ SLIRP_POLL_HUP, POLLHUP },
};

static int add_poll(int fd, int wanted, void *opaque)
{
	struct net_user *user = opaque;
	struct pollfd *pollfd = &user->fds[user->nr_fds];

	if (user->nr_fds == VIRTIO_POLL_MAX)
		return -1;
	*pollfd = (struct pollfd) { .fd = fd };
	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++)
		if (wanted & events[i].slirp)
			pollfd->events |= events[i].poll;
	return user->nr_fds++;
}

static int get_revents(int index, void *opaque)
{
	struct net_user *user = opaque;
	int revents = 0;

	if (index < 0 || (unsigned int)index >= user->nr_fds)
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++)
		if (user->fds[index].revents & events[i].poll)
			revents |= events[i].slirp;
	return revents;
}

static unsigned int user_poll(struct net *net, struct pollfd *fds, int *timeout)
{
	struct net_user *user = container_of(net, struct net_user, net);
	uint32_t limit = *timeout < 0 ? UINT32_MAX : (uint32_t)*timeout;

	user->fds = fds;
	user->nr_fds = 0;
	slirp_pollfds_fill(user->slirp, &limit, add_poll, user);
	*timeout = limit > INT32_MAX ? -1 : (int)limit;
	return user->nr_fds;
}

static void user_polled(struct net *net, struct pollfd *fds, unsigned int nr)
{
	struct net_user *user = container_of(net, struct net_user, net);

	user->fds = fds;
	user->nr_fds = nr;
	slirp_pollfds_poll(user->slirp, 0, get_revents, user);
}

static void user_destroy(struct net *net)
{
	struct net_user *user = container_of(net, struct net_user, net);

	slirp_cleanup(user->slirp);
	free(user);
}

static struct in_addr address(const char *text)
{
	struct in_addr in;

	inet_aton(text, &in);
	return in;
}

static int add_forwards(struct net_user *user, const struct net_config *config)
{
	for (unsigned int i = 0; i < config->nr_forwards; i++) {
		const struct net_forward *f = &config->forwards[i];

		if (slirp_add_hostfwd(user->slirp, f->udp, address("127.0.0.1"),
				      f->host_port, address("10.0.2.15"), f->guest_port))
			return fail(-EADDRINUSE, "cannot forward %s port %u: is it in use?",
				    f->udp ? "UDP" : "TCP", f->host_port);
	}
	return 0;
}

/**
 * net_user_create() - make a network by libslirp
 * @config: has the port forwards
 * @net: out
 *
 * Return: 0, or a negative errno after a message.
 */
int net_user_create(const struct net_config *config, struct net **net)
{
	const SlirpConfig slirp_config = {
		.version = SLIRP_CONFIG_VERSION_MIN,
		.in_enabled = true,
		.vnetwork = address("10.0.2.0"),
		.vnetmask = address("255.255.255.0"),
		.vhost = address("10.0.2.2"),
		.vdhcp_start = address("10.0.2.15"),
		.vnameserver = address("10.0.2.3"),
	};
	struct net_user *user;
	int ret;

	user = calloc(1, sizeof(*user));
	if (!user)
		return fail(-ENOMEM, "cannot make the network: %s", strerror(ENOMEM));
	user->net = (struct net) {
		.send = user_send,
		.poll = user_poll,
		.polled = user_polled,
		.destroy = user_destroy,
	};
	user->slirp = slirp_new(&slirp_config, &callbacks, user);
	if (!user->slirp) {
		free(user);
		return fail(-EINVAL, "libslirp refuses to make a network");
	}
	ret = add_forwards(user, config);
	if (ret) {
		user_destroy(&user->net);
		return ret;
	}
	*net = &user->net;
	return 0;
}
