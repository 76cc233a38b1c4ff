// SPDX-License-Identifier: GPL-2.0-only
/* --net */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "peripheral.h"
#include "virtio-net.h"

/* tcp:PORT:PORT or udp:PORT:PORT */
static int parse_forward(struct net_config *config, const char *text)
{
	struct net_forward *forward = &config->forwards[config->nr_forwards];
	char host[8], guest[8], protocol[4];
	u64 host_port, guest_port;
	int end = -1;

	if (config->nr_forwards == NET_FORWARDS_MAX)
		return fail(-E2BIG, "too many port forwards: %u are allowed",
			    NET_FORWARDS_MAX);
	if (sscanf(text, "%3[a-z]:%7[0-9]:%7[0-9]%n", protocol, host, guest, &end) != 3 ||
	    end < 0 || text[end] || (strcmp(protocol, "tcp") && strcmp(protocol, "udp")) ||
	    parse_u64(host, 65535, &host_port) || parse_u64(guest, 65535, &guest_port) ||
	    !host_port || !guest_port)
		return fail(-EINVAL, "hostfwd=%s is not tcp:PORT:PORT or udp:PORT:PORT", text);
	*forward = (struct net_forward) {
		.udp = !strcmp(protocol, "udp"),
		.host_port = host_port,
		.guest_port = guest_port,
	};
	config->nr_forwards++;
	return 0;
}

static int parse_user(struct net_config *config, char *text)
{
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		int ret;

		if (strncmp(word, "hostfwd=", 8))
			return fail(-EINVAL, "--net user knows no '%s', only hostfwd=", word);
		ret = parse_forward(config, word + 8);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * net_parse() - read the value of --net
 * @config: out
 * @text: user[,hostfwd=...] or tap=NAME; changed, and kept
 *
 * Return: 0, or -EINVAL or -E2BIG after a message.
 */
int net_parse(struct net_config *config, char *text)
{
	*config = (struct net_config) { };
	if (!strcmp(text, "user"))
		return 0;
	if (!strncmp(text, "user,", 5))
		return parse_user(config, text + 5);
	if (strncmp(text, "tap=", 4))
		return fail(-EINVAL, "--net %s is neither user nor tap=NAME", text);
	config->tap = text + 4;
	if (!*config->tap || strlen(config->tap) >= IFNAMSIZ)
		return fail(-EINVAL, "'%s' is no name of a network interface", config->tap);
	return 0;
}

struct nic {
	struct peripheral p;
	struct net_config config;
	struct net_card card;
};

static int nic_parse(struct peripheral *p, char *text)
{
	return net_parse(&container_of(p, struct nic, p)->config, text);
}

static int nic_create(struct peripheral *p, const struct board *board)
{
	struct nic *nic = container_of(p, struct nic, p);
	int ret = virtio_net_init(&nic->card, &nic->config, p->index, board->ram,
				  board->irqchip);

	return ret ? ret : virtio_join(&nic->card.vd, board);
}

static void nic_destroy(struct peripheral *p)
{
	struct nic *nic = container_of(p, struct nic, p);

	virtio_unplug(&nic->card.vd);
	virtio_net_destroy(&nic->card);
}

const struct peripheral_kind net_kind = {
	.option = "net",
	.argument = "NETWORK",
	.help = "a network card; may be given again. NETWORK is tap=NAME, a tap\n"
		"interface, or user[,hostfwd=tcp:PORT:PORT], this host's network, with\n"
		"ports of this host that are the guest's",
	.plural = "network cards",
	.max = 8,
	.size = sizeof(struct nic),
	.parse = nic_parse,
	.create = nic_create,
	.destroy = nic_destroy,
};
