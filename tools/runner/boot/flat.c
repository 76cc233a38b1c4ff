// SPDX-License-Identifier: GPL-2.0-only
/* A flat image that starts in real mode. */
#include <errno.h>

#include "boot.h"

static void real_segment(struct vmx_lite_segment *seg, u16 selector)
{
	seg->selector = selector;
	seg->base = (u64)selector << 4;
}

/**
 * flat_load() - load a flat image; the CPU starts in it in real mode
 * @config: flat, load and entry
 * @ram: the RAM
 * @state: reset state in; out: all segments equal, stack at the segment's end
 *
 * Return: 0, or a negative errno after a message.
 */
int flat_load(const struct boot_config *config, const struct guest_ram *ram,
	      struct vcpu_state *state)
{
	u16 segment = config->entry >> 16;
	struct image image;
	int ret;

	ret = image_open(&image, config->flat, "flat image");
	if (ret)
		return ret;
	ret = image_load(&image, 0, image.size, ram, config->load);
	image_close(&image);
	if (ret)
		return ret;

	real_segment(&state->segs.cs, segment);
	real_segment(&state->segs.ds, segment);
	real_segment(&state->segs.es, segment);
	real_segment(&state->segs.ss, segment);
	real_segment(&state->segs.fs, segment);
	real_segment(&state->segs.gs, segment);
	state->regs.rip = config->entry & 0xffff;
	state->regs.rsp = 0xfffe;
	return 0;
}
