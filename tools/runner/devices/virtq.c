// SPDX-License-Identifier: GPL-2.0-only
/*
 * A split virtqueue, as the device sees it (virtio 1.2, section 2.7).
 *
 * The guest may change all of it at any time: each value is read once and then
 * checked. What breaks a rule ends up in virtq.fault, and the queue stands still.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "virtq.h"

/* The rings (2.7.6, 2.7.8): flags, index, entries, and the other side's event. */
#define RING_FLAGS	0
#define RING_INDEX	2
#define RING_ENTRIES	4
#define AVAIL_ENTRY	2
#define USED_ENTRY	8

static u16 get16(const u8 *p)
{
	return __atomic_load_n((const u16 *)p, __ATOMIC_ACQUIRE);
}

static void put16(u8 *p, u16 value)
{
	__atomic_store_n((u16 *)p, value, __ATOMIC_RELEASE);
}

static bool broken(struct virtq *vq, const char *fault)
{
	vq->fault = fault;
	return false;
}

/**
 * virtq_reset() - as it is before a guest sets it up
 * @vq: the queue
 */
void virtq_reset(struct virtq *vq)
{
	*vq = (struct virtq) { .size = VIRTQ_SIZE_MAX, .vector = VIRTIO_MSI_NO_VECTOR };
}

/**
 * virtq_start() - begin to use a queue
 * @vq: an enabled queue
 * @ram: guest memory
 * @features: as negotiated
 *
 * Return: 0; -EINVAL with virtq.fault set if it cannot be used.
 */
int virtq_start(struct virtq *vq, const struct guest_ram *ram, u64 features)
{
	u64 size = vq->size;

	if (!size || size > VIRTQ_SIZE_MAX || (size & (size - 1))) {
		broken(vq, "its size is no power of 2, or too large");
		return -EINVAL;
	}
	if (vq->desc_gpa % 16 || vq->avail_gpa % 2 || vq->used_gpa % 4) {
		broken(vq, "it is not aligned");
		return -EINVAL;
	}
	vq->desc = ram_at(ram, vq->desc_gpa, size * sizeof(struct vring_desc));
	vq->avail = ram_at(ram, vq->avail_gpa, RING_ENTRIES + size * AVAIL_ENTRY + 2);
	vq->used = ram_at(ram, vq->used_gpa, RING_ENTRIES + size * USED_ENTRY + 2);
	if (!vq->desc || !vq->avail || !vq->used) {
		broken(vq, "it is not in memory");
		return -EINVAL;
	}
	vq->ram = ram;
	vq->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	vq->indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
	return 0;
}

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	const u8 *at;
	u32 nr;
};

static bool enter_indirect(struct virtq *vq, const struct vring_desc *desc,
			   struct table *table)
{
	if (!vq->indirect)
		return broken(vq, "an indirect descriptor was not negotiated");
	if (desc->flags & VRING_DESC_F_NEXT)
		return broken(vq, "an indirect descriptor has a next one");
	if (!desc->len || desc->len % sizeof(*desc))
		return broken(vq, "an indirect table has a bad length");
	table->nr = desc->len / sizeof(*desc);
	table->at = ram_at(vq->ram, desc->addr, desc->len);
	if (!table->at)
		return broken(vq, "an indirect table is not in memory");
	return true;
}

static bool add_buffer(struct virtq *vq, struct virtq_chain *chain,
		       const struct vring_desc *desc)
{
	unsigned int nr = chain->nr_out + chain->nr_in;
	bool in = desc->flags & VRING_DESC_F_WRITE;

	if (!in && chain->nr_in)
		return broken(vq, "a buffer to read follows one to write");
	if (nr == VIRTQ_SEGS_MAX)
		return broken(vq, "a chain has too many buffers");
	if (!desc->len)
		return true;
	chain->iov[nr].iov_base = ram_at(vq->ram, desc->addr, desc->len);
	chain->iov[nr].iov_len = desc->len;
	if (!chain->iov[nr].iov_base)
		return broken(vq, "a buffer is not in memory");
	if (in)
		chain->nr_in++;
	else
		chain->nr_out++;
	return true;
}

static bool walk(struct virtq *vq, struct virtq_chain *chain)
{
	struct table table = { vq->desc, vq->size };
	struct vring_desc desc;
	bool indirect = false;
	u32 index = chain->head, steps = 0;

	for (;;) {
		if (index >= table.nr)
			return broken(vq, "a descriptor's index is beyond its table");
		/* Each descriptor can be part of a chain once: more is a loop. */
		if (steps++ >= table.nr)
			return broken(vq, "a chain has a loop");
		memcpy(&desc, table.at + (u64)index * sizeof(desc), sizeof(desc));
		__asm__ volatile("" : : : "memory");	/* read once */

		if (desc.flags & VRING_DESC_F_INDIRECT) {
			if (indirect)
				return broken(vq, "an indirect table is in an indirect table");
			if (!enter_indirect(vq, &desc, &table))
				return false;
			indirect = true;
			index = 0;
			steps = 0;
			continue;
		}
		if (!add_buffer(vq, chain, &desc))
			return false;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return true;
		index = desc.next;
	}
}

/**
 * virtq_pop() - take the next chain that the guest has made available
 * @vq: the queue
 * @chain: out
 *
 * Return: true with a chain; false if there is none, the queue does not run,
 * or the guest broke it: then virtq.fault is set.
 */
bool virtq_pop(struct virtq *vq, struct virtq_chain *chain)
{
	u16 waiting;

	if (!vq->used || vq->fault)
		return false;
	waiting = get16(vq->avail + RING_INDEX) - vq->next_avail;
	if (!waiting)
		return false;
	if (waiting > vq->size)
		return broken(vq, "more is available than the ring holds");

	chain->head = get16(vq->avail + RING_ENTRIES +
			    vq->next_avail % vq->size * AVAIL_ENTRY);
	chain->nr_out = 0;
	chain->nr_in = 0;
	if (!walk(vq, chain))
		return false;
	vq->next_avail++;
	return true;
}

/**
 * virtq_rearm() - after virtq_pop() found nothing: ask for the next kick
 * @vq: the queue
 *
 * Without EVENT_IDX the guest always kicks.
 *
 * Return: true if something came meanwhile, without a kick perhaps.
 */
bool virtq_rearm(struct virtq *vq)
{
	if (!vq->used || vq->fault)
		return false;
	if (vq->event_idx)
		put16(vq->used + RING_ENTRIES + vq->size * USED_ENTRY, vq->next_avail);
	/* The guest writes its index, then reads the event: here the other way. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return get16(vq->avail + RING_INDEX) != vq->next_avail;
}

/**
 * virtq_push() - give a chain back
 * @vq: the queue; one that was reset since the chain was taken takes nothing
 * @head: the chain's
 * @len: bytes written at the beginning of its buffers to write
 */
void virtq_push(struct virtq *vq, u16 head, u32 len)
{
	struct vring_used_elem elem = { .id = head, .len = len };

	if (!vq->used)
		return;
	memcpy(vq->used + RING_ENTRIES + vq->next_used % vq->size * USED_ENTRY, &elem,
	       sizeof(elem));
	put16(vq->used + RING_INDEX, ++vq->next_used);
}

/**
 * virtq_wants_interrupt() - is an interrupt due for what was pushed?
 * @vq: the queue
 *
 * Section 2.7.7: with EVENT_IDX, if the guest's event lies in what was pushed
 * since the last call; else unless the guest's flag says no.
 *
 * Return: whether one is due.
 */
bool virtq_wants_interrupt(struct virtq *vq)
{
	u16 old = vq->signalled, event;

	if (!vq->used || old == vq->next_used)
		return false;
	vq->signalled = vq->next_used;
	/* The index must be visible before the guest's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vq->event_idx)
		return !(get16(vq->avail + RING_FLAGS) & VRING_AVAIL_F_NO_INTERRUPT);
	event = get16(vq->avail + RING_ENTRIES + vq->size * AVAIL_ENTRY);
	return (u16)(vq->next_used - event - 1) < (u16)(vq->next_used - old);
}
