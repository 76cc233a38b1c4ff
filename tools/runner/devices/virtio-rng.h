/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's random numbers as a virtio entropy device. */
#ifndef VMXL_VIRTIO_RNG_H
#define VMXL_VIRTIO_RNG_H

#include "virtio.h"

int virtio_rng_init(struct virtio_device *vd, const struct guest_ram *ram,
		    struct irqchip *irqchip);

#endif /* VMXL_VIRTIO_RNG_H */
