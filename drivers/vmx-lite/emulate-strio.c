// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory side of INS and OUTS: the port side belongs to user space, and one trip there
 * serves as many iterations as lie in one page of guest RAM.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include <asm/processor-flags.h>

#include "emulate-insn.h"

#define STRIO_PAGE_SIZE	4096

static u64 *strio_pointer(struct vl_emul *e, const struct vl_emul_strio *io)
{
	return &e->gpr[io->in ? VL_RDI : VL_RSI];
}

static u64 strio_left(struct vl_emul *e, const struct vl_emul_strio *io)
{
	return io->rep ? e->gpr[VL_RCX] & vl_size_mask(io->addr_size) : 1;
}

static u64 strio_offset(struct vl_emul *e, const struct vl_emul_strio *io)
{
	return *strio_pointer(e, io) & vl_size_mask(io->addr_size);
}

/* How many elements, in the direction of DF, lie in the page of the one at @gla: at least 1. */
static u64 strio_in_page(const struct vl_emul *e, const struct vl_emul_strio *io, u64 gla)
{
	unsigned int in_page = gla & (STRIO_PAGE_SIZE - 1);
	unsigned int n;

	if (in_page + io->size > STRIO_PAGE_SIZE)
		return 1;
	if (e->rflags & X86_EFLAGS_DF)
		n = in_page / io->size + 1;
	else
		n = (STRIO_PAGE_SIZE - in_page) / io->size;
	return n;
}

/*
 * A batch may not wrap round its address size nor leave its segment; what is between two
 * elements that are right is right too. On success *@lowest is the batch's first byte.
 */
static bool strio_batch_fits(struct vl_emul *e, const struct vl_emul_strio *io, u64 first,
			     u64 n, u64 *lowest)
{
	s64 distance = (n - 1) * io->size;
	u64 offset = strio_offset(e, io);
	u64 last;

	if (e->rflags & X86_EFLAGS_DF)
		distance = -distance;
	if ((offset + distance) & ~vl_size_mask(io->addr_size))
		return false;
	if (vl_emul_address(e, io->seg, offset + distance, io->size, io->in, &last))
		return false;
	*lowest = min(first, last);
	return last == first + distance;
}

static void strio_reverse(u8 *data, unsigned int size, u32 n)
{
	u32 low, high;
	u8 element[8];

	for (low = 0, high = n - 1; low < high; low++, high--) {
		memcpy(element, data + low * size, size);
		memcpy(data + low * size, data + high * size, size);
		memcpy(data + high * size, element, size);
	}
}

static void strio_step(struct vl_emul *e, struct vl_emul_strio *io, u32 n)
{
	vl_string_step(strio_pointer(e, io), e->rflags, io->size * n, io->addr_size);
	if (io->rep)
		vl_gpr_write(&e->gpr[VL_RCX], strio_left(e, io) - n, io->addr_size);
	io->done += n;
	if (io->done == io->count && (!io->rep || !strio_left(e, io)))
		vl_emul_retire(e, io->insn_len);
}

/* Many elements at once, from plain RAM only. */
static bool strio_start_batch(struct vl_emul *e, const struct vl_emul_strio *io, void *data,
			      u64 first, u32 n)
{
	bool backwards = e->rflags & X86_EFLAGS_DF;
	u64 lowest;

	if (n < 2 || !e->ops->ram || !strio_batch_fits(e, io, first, n, &lowest))
		return false;
	if (e->ops->ram(e, lowest, io->in ? NULL : data, n * io->size, io->in))
		return false;
	if (!io->in && backwards)
		strio_reverse(data, io->size, n);
	return true;
}

/* Backwards is rare enough to go one by one. */
static bool strio_finish_batch(struct vl_emul *e, const struct vl_emul_strio *io,
			       const void *data, u64 first, u32 n)
{
	u64 lowest;

	if (n < 2 || (e->rflags & X86_EFLAGS_DF) || n > strio_in_page(e, io, first) ||
	    !strio_batch_fits(e, io, first, n, &lowest))
		return false;
	return !e->ops->ram(e, first, (void *)data, n * io->size, true);
}

static int strio_start_one(struct vl_emul *e, const struct vl_emul_strio *io, void *data,
			   u64 gla)
{
	u64 value;
	int ret;

	if (io->in)
		return vl_emul_mem_probe(e, gla, io->size);
	ret = vl_emul_mem_read(e, gla, &value, io->size);
	if (!ret)
		memcpy(data, &value, io->size);
	return ret;
}

/**
 * vl_emul_strio_start() - begin a batch of iterations of INS or OUTS
 * @e: the guest's state
 * @io: the instruction; count and done are set
 * @data: OUTS: out: the elements, first iteration first; INS: not used, may be NULL
 * @max: room in @data, in elements, at least 1; for INS the most to ask the device for
 *
 * With a count register of 0 the instruction retires at once and io->count is 0: nothing
 * is left to do. Else the caller carries io->count elements to or from the port and
 * calls vl_emul_strio_finish(). Registers change only there. A batch of more than one
 * element is in one page of plain RAM.
 *
 * Context: that of the callbacks.
 * Return: VL_EMUL_DONE; VL_EMUL_AGAIN, VL_EMUL_FAULT or VL_EMUL_UNHANDLED as the callbacks said or
 * the segment demands, with nothing changed.
 */
int vl_emul_strio_start(struct vl_emul *e, struct vl_emul_strio *io, void *data, u32 max)
{
	u64 left = strio_left(e, io);
	u64 gla, n;
	int ret;

	io->count = 0;
	io->done = 0;
	if (!left) {
		vl_emul_retire(e, io->insn_len);
		return VL_EMUL_DONE;
	}

	ret = vl_emul_address(e, io->seg, strio_offset(e, io), io->size, io->in, &gla);
	if (ret)
		return ret;

	n = min3(left, strio_in_page(e, io, gla), (u64)max);
	if (strio_start_batch(e, io, data, gla, n)) {
		io->count = n;
		return VL_EMUL_DONE;
	}

	ret = strio_start_one(e, io, data, gla);
	if (!ret)
		io->count = 1;
	return ret;
}

/**
 * vl_emul_strio_finish() - end a batch: INS writes memory, and the registers step
 * @e: the guest's state
 * @io: as vl_emul_strio_start() left it, or an earlier call of this
 * @data: INS: io->count elements, first iteration first; OUTS: not used, may be NULL
 *
 * Call it until io->done is io->count. Each VL_EMUL_DONE has retired at least one element,
 * and answers that were kept for a replay belong to those before. RIP moves on with the
 * last iteration. Where the page was RAM at the start but is no more, elements go one by one;
 * a fault in between is the guest's, and the rest of @data is lost with it.
 *
 * Context: that of the callbacks.
 * Return: VL_EMUL_DONE, or what the callbacks or the segment checks returned; elements up to
 * io->done then have retired.
 */
int vl_emul_strio_finish(struct vl_emul *e, struct vl_emul_strio *io, const void *data)
{
	u32 n = io->count - io->done;
	u64 gla, value = 0;
	int ret;

	/* User space may have set the registers in between. */
	if (!n || strio_left(e, io) < n) {
		io->done = io->count;
		return VL_EMUL_DONE;
	}
	if (!io->in) {
		strio_step(e, io, n);
		return VL_EMUL_DONE;
	}

	ret = vl_emul_address(e, io->seg, strio_offset(e, io), io->size, true, &gla);
	if (ret)
		return ret;

	data += io->done * io->size;
	if (strio_finish_batch(e, io, data, gla, n)) {
		strio_step(e, io, n);
		return VL_EMUL_DONE;
	}

	memcpy(&value, data, io->size);
	ret = vl_emul_mem_write(e, gla, value, io->size);
	if (!ret)
		strio_step(e, io, 1);
	return ret;
}
