// SPDX-License-Identifier: GPL-2.0-only
/* The devices that a guest has only on demand, and what joins them to the module. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "virtio-rng.h"

static struct vmctx *ctx_of(struct irqchip *chip)
{
	return container_of(chip, struct machine, irqchip)->ctx;
}

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	if (level)
		vm_ioapic_assert_irq(ctx_of(chip), gsi);
	else
		vm_ioapic_deassert_irq(ctx_of(chip), gsi);
}

static int route_msi(struct irqchip *chip, int fd, u64 address, u32 data)
{
	return vm_irqfd(ctx_of(chip), &(struct vmx_lite_irqfd) {
		.fd = fd,
		.flags = VMX_LITE_IRQFD_MSI,
		.msi = { .address = address, .data = data },
	});
}

static void unroute_msi(struct irqchip *chip, int fd)
{
	vm_irqfd(ctx_of(chip), &(struct vmx_lite_irqfd) {
		.fd = fd,
		.flags = VMX_LITE_IRQFD_DEASSIGN,
	});
}

static int route_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	return vm_ioeventfd(ctx_of(chip), &(struct vmx_lite_ioeventfd) {
		.addr = gpa,
		.fd = fd,
	});
}

static void unroute_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	vm_ioeventfd(ctx_of(chip), &(struct vmx_lite_ioeventfd) {
		.addr = gpa,
		.fd = fd,
		.flags = VMX_LITE_IOEVENTFD_DEASSIGN,
	});
}

/**
 * irqchip_init() - join devices to the module
 * @chip: a machine's
 */
void irqchip_init(struct irqchip *chip)
{
	*chip = (struct irqchip) {
		.set_line = set_line,
		.route_msi = route_msi,
		.unroute_msi = unroute_msi,
		.route_doorbell = route_doorbell,
		.unroute_doorbell = unroute_doorbell,
	};
}

static int plug(struct machine *m, struct virtio_device *vd)
{
	int ret = virtio_plug(vd, &m->pci, ++m->next_slot);

	if (ret)
		return fail(ret, "cannot make %s: %s", vd->name, strerror(-ret));
	return 0;
}

static int create_disks(struct machine *m, const struct machine_config *config)
{
	int ret = 0;

	if (!config->nr_disks)
		return 0;
	m->disks = calloc(config->nr_disks, sizeof(*m->disks));
	if (!m->disks)
		return fail(-ENOMEM, "cannot make the disks: %s", strerror(ENOMEM));
	while (!ret && m->nr_disks < config->nr_disks) {
		struct virtio_blk *disk = &m->disks[m->nr_disks];

		ret = virtio_blk_init(disk, &config->disks[m->nr_disks], m->nr_disks,
				      &m->ram, &m->irqchip);
		m->nr_disks++;
		if (!ret)
			ret = plug(m, &disk->vd);
	}
	return ret;
}

static int create_cards(struct machine *m, const struct machine_config *config)
{
	int ret = 0;

	if (!config->nr_nets)
		return 0;
	m->cards = calloc(config->nr_nets, sizeof(*m->cards));
	if (!m->cards)
		return fail(-ENOMEM, "cannot make the network cards: %s", strerror(ENOMEM));
	while (!ret && m->nr_cards < config->nr_nets) {
		struct net_card *card = &m->cards[m->nr_cards];

		ret = virtio_net_init(card, &config->nets[m->nr_cards], m->nr_cards, &m->ram,
				      &m->irqchip);
		m->nr_cards++;
		if (!ret)
			ret = plug(m, &card->vd);
	}
	return ret;
}

static int create_rng(struct machine *m)
{
	int ret = virtio_rng_init(&m->rng, &m->ram, &m->irqchip);

	m->has_rng = true;
	if (ret)
		return fail(ret, "cannot make rng: %s", strerror(-ret));
	return plug(m, &m->rng);
}

/**
 * peripherals_create() - make the devices that the user asks for
 * @m: the machine, with its buses
 * @config: what the user asks for
 *
 * Return: 0, or a negative errno after a message; peripherals_destroy() is due in
 * any case.
 */
int peripherals_create(struct machine *m, const struct machine_config *config)
{
	int ret = create_disks(m, config);

	if (!ret)
		ret = create_cards(m, config);
	if (!ret && config->rng)
		ret = create_rng(m);
	return ret;
}

/**
 * peripherals_destroy() - undo peripherals_create()
 * @m: the machine; no vCPU runs
 */
void peripherals_destroy(struct machine *m)
{
	if (m->has_rng) {
		virtio_unplug(&m->rng, &m->pci);
		virtio_destroy(&m->rng);
	}
	for (unsigned int i = 0; i < m->nr_cards; i++) {
		virtio_unplug(&m->cards[i].vd, &m->pci);
		virtio_net_destroy(&m->cards[i]);
	}
	free(m->cards);
	for (unsigned int i = 0; i < m->nr_disks; i++) {
		virtio_unplug(&m->disks[i].vd, &m->pci);
		virtio_blk_destroy(&m->disks[i]);
	}
	free(m->disks);
}
