// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory as the emulated instruction sees it: segmentation, canonical and alignment
 * checks, and accesses cut at page boundaries.
 */
#include <linux/string.h>

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emulate-insn.h"

/* Access rights as the VMCS has them, SDM vol. 3, table 25-2. */
#define AR_TYPE_READ_WRITE	BIT(1)	/* data: writable; code: readable */
#define AR_TYPE_EXPAND_DOWN	BIT(2)	/* data only */
#define AR_TYPE_CODE		BIT(3)
#define AR_DEFAULT_BIG		BIT(14)
#define AR_UNUSABLE		BIT(16)

#define EMUL_PAGE_SIZE		4096

/**
 * vl_emul_exception() - record an exception for the guest
 * @e: the emulation
 * @vector: X86_TRAP_UD, or one whose error code is 0: X86_TRAP_GP, X86_TRAP_SS, X86_TRAP_AC
 *
 * Real-address mode has no error codes (SDM vol. 3, 21.1.4), virtual-8086 mode has.
 *
 * Context: any.
 * Return: VL_EMUL_FAULT.
 */
int vl_emul_exception(struct vl_emul *e, u8 vector)
{
	e->fault.vector = vector;
	e->fault.has_error = vector != X86_TRAP_UD &&
			     (!e->real || (e->rflags & X86_EFLAGS_VM));
	e->fault.error = 0;
	e->fault.cr2 = 0;
	return VL_EMUL_FAULT;
}

static bool emul_canonical(const struct vl_emul *e, u64 gla)
{
	s64 top = (s64)gla >> ((e->la57 ? 57 : 48) - 1);

	return top == 0 || top == -1;
}

/* SDM vol. 3, 5.3: @offset to @last must lie within the segment. */
static bool emul_within_limit(const struct vl_emul *e, const struct vl_emul_seg *s, u64 offset,
			      u64 last)
{
	bool expand_down = (s->ar & (AR_TYPE_CODE | AR_TYPE_EXPAND_DOWN)) == AR_TYPE_EXPAND_DOWN;

	if (!expand_down || e->real)
		return last <= s->limit;
	return offset > s->limit && last <= (s->ar & AR_DEFAULT_BIG ? U32_MAX : U16_MAX);
}

/* SDM vol. 3, 5.5. */
static bool emul_type_allows(const struct vl_emul *e, const struct vl_emul_seg *s, bool write)
{
	if (e->real)
		return true;
	if (s->ar & AR_UNUSABLE)
		return false;
	if (s->ar & AR_TYPE_CODE)
		return !write && (s->ar & AR_TYPE_READ_WRITE);
	return !write || (s->ar & AR_TYPE_READ_WRITE);
}

/**
 * vl_emul_address() - linear address of a data access, with all checks before paging
 * @e: the emulation
 * @seg: enum vl_emul_segreg
 * @offset: offset in the segment, already cut to the address size
 * @size: bytes of the access: 1, 2, 4 or 8
 * @write: the access writes
 * @gla: out: linear address of the first byte
 *
 * SDM vol. 3, 3.4 and 5.3 to 5.5 (segments), vol. 1, 3.3.7.1 (canonical addresses).
 *
 * Context: any.
 * Return: VL_EMUL_DONE or VL_EMUL_FAULT (#GP(0), #SS(0) or #AC(0)).
 */
int vl_emul_address(struct vl_emul *e, u8 seg, u64 offset, unsigned int size, bool write,
		    u64 *gla)
{
	const struct vl_emul_seg *s = &e->seg[seg];
	u8 vector = seg == VL_EMUL_SS ? X86_TRAP_SS : X86_TRAP_GP;

	if (e->mode == 8) {
		*gla = offset;
		if (seg == VL_EMUL_FS || seg == VL_EMUL_GS)
			*gla += s->base;
		if (!emul_canonical(e, *gla) || !emul_canonical(e, *gla + size - 1))
			return vl_emul_exception(e, vector);
	} else {
		*gla = (u32)(s->base + offset);
		if (!emul_type_allows(e, s, write) ||
		    !emul_within_limit(e, s, offset, offset + size - 1))
			return vl_emul_exception(e, vector);
	}

	if (e->align_check && (*gla & (size - 1)))
		return vl_emul_exception(e, X86_TRAP_AC);
	return VL_EMUL_DONE;
}

/* The next piece of an access: a power of two, all on one page. */
static unsigned int emul_piece(u64 gla, unsigned int left)
{
	unsigned int in_page = EMUL_PAGE_SIZE - (gla & (EMUL_PAGE_SIZE - 1));
	unsigned int piece = 8;

	if (left <= in_page && !(left & (left - 1)))
		return left;
	while (piece > left || piece > in_page || (gla & (piece - 1)))
		piece /= 2;
	return piece;
}

static u64 emul_linear(const struct vl_emul *e, u64 gla)
{
	return e->mode == 8 ? gla : (u32)gla;
}

/**
 * vl_emul_mem_read() - read an operand
 * @e: the emulation
 * @gla: linear address from vl_emul_address()
 * @value: out: the operand, zero-extended; changed only with VL_EMUL_DONE
 * @size: 1, 2, 4 or 8 bytes
 *
 * Context: that of e->ops->read.
 * Return: VL_EMUL_DONE, or what e->ops->read returned.
 */
int vl_emul_mem_read(struct vl_emul *e, u64 gla, u64 *value, unsigned int size)
{
	u8 data[8] = { 0 };
	unsigned int done, piece;
	int ret;

	for (done = 0; done < size; done += piece) {
		u64 at = emul_linear(e, gla + done);

		piece = emul_piece(at, size - done);
		ret = e->ops->read(e, at, data + done, piece);
		if (ret != VL_EMUL_DONE)
			return ret;
	}

	memcpy(value, data, sizeof(data));
	return VL_EMUL_DONE;
}

/**
 * vl_emul_mem_write() - write an operand
 * @e: the emulation
 * @gla: linear address from vl_emul_address()
 * @value: the operand; bits beyond @size do not matter
 * @size: 1, 2, 4 or 8 bytes
 *
 * Context: that of e->ops->write.
 * Return: VL_EMUL_DONE, or what e->ops->write returned.
 */
int vl_emul_mem_write(struct vl_emul *e, u64 gla, u64 value, unsigned int size)
{
	u8 data[8];
	unsigned int done, piece;
	int ret;

	memcpy(data, &value, sizeof(data));

	for (done = 0; done < size; done += piece) {
		u64 at = emul_linear(e, gla + done);

		piece = emul_piece(at, size - done);
		ret = e->ops->write(e, at, data + done, piece);
		if (ret != VL_EMUL_DONE)
			return ret;
	}
	return VL_EMUL_DONE;
}

/**
 * vl_emul_mem_probe() - check that an operand can be written
 * @e: the emulation
 * @gla: linear address from vl_emul_address()
 * @size: 1, 2, 4 or 8 bytes
 *
 * Context: that of e->ops->probe.
 * Return: VL_EMUL_DONE, or what e->ops->probe returned.
 */
int vl_emul_mem_probe(struct vl_emul *e, u64 gla, unsigned int size)
{
	unsigned int in_page = EMUL_PAGE_SIZE - (gla & (EMUL_PAGE_SIZE - 1));
	int ret;

	if (!e->ops->probe)
		return VL_EMUL_DONE;
	if (size <= in_page)
		return e->ops->probe(e, gla, size);

	ret = e->ops->probe(e, gla, in_page);
	if (ret != VL_EMUL_DONE)
		return ret;
	return e->ops->probe(e, emul_linear(e, gla + in_page), size - in_page);
}
