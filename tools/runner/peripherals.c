// SPDX-License-Identifier: GPL-2.0-only
/* The devices that a guest has only on demand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "peripherals.h"

/* In this order they get their slots on the PCI bus. */
const struct peripheral_kind *const peripheral_kinds[] = {
	&disk_kind,
	&net_kind,
	&rng_kind,
	&lent_kind,
	&console_kind,
	&balloon_kind,
	&vsock_kind,
	&share_kind,
	NULL
};

static unsigned int rank(const struct peripheral_kind *kind)
{
	unsigned int i = 0;

	while (peripheral_kinds[i] != kind)
		i++;
	return i;
}

/**
 * peripherals_add() - take note of a device that the user wants
 * @list: the devices so far
 * @kind: one of peripheral_kinds
 * @text: the option's value, kept; NULL if it takes none
 *
 * Return: 0, or a negative errno after a message; peripherals_free() is due in
 * any case.
 */
int peripherals_add(struct peripheral **list, const struct peripheral_kind *kind, char *text)
{
	struct peripheral **at = list, *p;
	unsigned int count = 0;

	for (; *at && rank((*at)->kind) <= rank(kind); at = &(*at)->next)
		count += (*at)->kind == kind;
	if (count == kind->max)
		return fail(-E2BIG, "too many %s: %u %s allowed", kind->plural, kind->max,
			    kind->max == 1 ? "is" : "are");
	p = calloc(1, kind->size);
	if (!p)
		return fail(-ENOMEM, "no memory");
	p->kind = kind;
	p->index = count;
	p->next = *at;
	*at = p;
	return kind->parse ? kind->parse(p, text) : 0;
}

/**
 * peripherals_free() - undo peripherals_add()
 * @list: the devices, destroyed
 */
void peripherals_free(struct peripheral *list)
{
	while (list) {
		struct peripheral *p = list;

		list = p->next;
		free(p);
	}
}

/**
 * peripherals_create() - make the devices that the user wants
 * @list: the devices
 * @board: the machine, which does not run yet
 *
 * Return: 0, or a negative errno after a message; peripherals_destroy() is due in
 * any case.
 */
int peripherals_create(struct peripheral *list, const struct board *board)
{
	int ret = 0;

	for (struct peripheral *p = list; p && !ret; p = p->next) {
		p->created = true;
		ret = p->kind->create(p, board);
	}
	return ret;
}

/**
 * peripherals_destroy() - undo peripherals_create(), whole or in part
 * @list: the devices; no vCPU runs
 */
void peripherals_destroy(struct peripheral *list)
{
	for (struct peripheral *p = list; p; p = p->next) {
		if (p->created)
			p->kind->destroy(p);
		p->created = false;
	}
}
