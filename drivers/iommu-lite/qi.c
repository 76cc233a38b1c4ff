// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidation: by the queue (VT-d specification 6.5.2), or by registers where
 * a unit has none (6.5.1).
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <asm/cacheflush.h>

#include "iommu-lite.h"
#include "trace.h"

#define QI_ENTRIES	256u		/* one page, IQA.QS = 0 */

/**
 * struct il_qi - invalidation queue of a unit
 * @desc: the ring (l)
 * @lock: (l)
 * @tail: descriptors queued since the start (l)
 * @completed: hardware writes the @tail that each wait descriptor carried
 * @restarts: times hardware aborted the waits in the queue (l)
 *
 * Hardware completes wait descriptors in order, so one word serves all of
 * them: what it holds has passed all that was queued before.
 */
struct il_qi {
	struct il_qi_desc *desc;
	raw_spinlock_t lock;
	u32 tail;
	u32 *completed;
	u32 restarts;
};

/**
 * il_inv_range() - the smallest aligned block of pages that holds a range
 * @inv: @address and @order are set
 * @first: first address
 * @last: last address
 */
void il_inv_range(struct il_inv *inv, u64 first, u64 last)
{
	u64 differ = (first ^ last) >> PAGE_SHIFT;

	inv->order = fls64(differ);
	inv->address = inv->order < IL_INV_WHOLE_ORDER ?
		first & ~((1ull << (PAGE_SHIFT + inv->order)) - 1) : 0;
}

static u64 device_tlb_address(const struct il_inv *inv)
{
	u64 size;

	if (!inv->order)
		return inv->address;
	/* 6.5.2.5: the lowest 0 from bit 12 up gives the size */
	size = 1ull << (PAGE_SHIFT + min_t(u8, inv->order, 52) - 1);
	return (inv->address & ~(size * 2 - 1)) |
	       ((size - 1) & PAGE_MASK) | QI_DEVICE_TLB_SIZE;
}

/**
 * il_qi_encode() - make the queue's descriptor of an invalidation
 * @inv: what to invalidate
 * @desc: filled
 *
 * VT-d specification 6.5.2.1, 6.5.2.3, 6.5.2.5 and 6.5.2.7. Reads and writes are always
 * drained: to free a page while a read of it is under way leaks what comes
 * next into it, too.
 */
void il_qi_encode(const struct il_inv *inv, struct il_qi_desc *desc)
{
	const u64 iotlb = QI_IOTLB | QI_IOTLB_DW | QI_IOTLB_DR |
			  QI_DID(inv->did);

	desc->hi = 0;
	switch (inv->kind) {
	case IL_INV_CONTEXT_GLOBAL:
		desc->lo = QI_CONTEXT | QI_GRANULARITY(GRANULARITY_GLOBAL);
		break;
	case IL_INV_CONTEXT_DEVICE:
		desc->lo = QI_CONTEXT | QI_GRANULARITY(GRANULARITY_FINE) |
			   QI_DID(inv->did) | QI_CONTEXT_SID(inv->sid);
		break;
	case IL_INV_IOTLB_GLOBAL:
		desc->lo = iotlb | QI_GRANULARITY(GRANULARITY_GLOBAL);
		break;
	case IL_INV_IOTLB_DOMAIN:
		desc->lo = iotlb | QI_GRANULARITY(GRANULARITY_DOMAIN);
		break;
	case IL_INV_IOTLB_PAGES:
		desc->lo = iotlb | QI_GRANULARITY(GRANULARITY_FINE);
		desc->hi = inv->address | (inv->hint ? QI_IOTLB_IH : 0) |
			   inv->order;
		break;
	case IL_INV_DEVICE_TLB:
		desc->lo = QI_DEVICE_TLB | QI_DEVICE_TLB_DEPTH(inv->depth) |
			   QI_DEVICE_TLB_SID(inv->sid) |
			   QI_DEVICE_TLB_PFSID_LO(inv->pfsid) |
			   QI_DEVICE_TLB_PFSID_HI(inv->pfsid);
		desc->hi = device_tlb_address(inv);
		break;
	case IL_INV_IEC_GLOBAL:
		desc->lo = QI_IEC;
		break;
	case IL_INV_IEC_INDEX:
		desc->lo = QI_IEC | QI_IEC_INDEX | QI_IEC_MASK(inv->order) |
			   QI_IEC_IIDX(inv->index);
		break;
	}
}

static void count_invalidation(struct dmar_drhd_unit *unit,
			       const struct il_inv *inv)
{
	switch (inv->kind) {
	case IL_INV_CONTEXT_GLOBAL:
	case IL_INV_CONTEXT_DEVICE:
		atomic64_inc(&unit->stats.context);
		break;
	case IL_INV_DEVICE_TLB:
		atomic64_inc(&unit->stats.device_tlb);
		break;
	case IL_INV_IEC_GLOBAL:
	case IL_INV_IEC_INDEX:
		atomic64_inc(&unit->stats.interrupt);
		break;
	default:
		atomic64_inc(&unit->stats.iotlb);
		break;
	}
	trace_iommu_lite_invalidate(unit->id, inv);
}

static struct il_qi_desc *ring_slot(struct il_qi *qi, u32 index)
{
	return qi->desc + index % QI_ENTRIES;
}

/* Hardware reads the ring through the walk's path: flush it where that is
 * not coherent (6.8)
 */
static void put_desc(struct dmar_drhd_unit *unit, u64 lo, u64 hi)
{
	struct il_qi_desc *slot = ring_slot(unit->qi, unit->qi->tail);

	slot->lo = lo;
	slot->hi = hi;
	if (!ECAP_C(unit->ecap))
		clflush_cache_range(slot, sizeof(*slot));
	unit->qi->tail++;
}

static void put_wait(struct dmar_drhd_unit *unit)
{
	struct il_qi *qi = unit->qi;

	put_desc(unit, QI_WAIT | QI_WAIT_STATUS_WRITE |
		 QI_WAIT_DATA(qi->tail + 1), virt_to_phys(qi->completed));
	wmb();	/* descriptors before the tail that shows them */
	writel(qi->tail % QI_ENTRIES * sizeof(struct il_qi_desc),
	       unit->reg + DMAR_IQT);
}

/**
 * il_qi_recover() - clear what has stopped the queue
 * @unit: its queue's lock is held by the caller
 *
 * VT-d specification 6.5.2.11. An invalid descriptor (IQE) is replaced by a
 * global invalidation of its kind, so that nothing stays cached for it. After
 * a device-TLB timeout (ITE) hardware has dropped the waits in the queue; the
 * waiters see @restarts change and queue theirs again.
 *
 * Return: true where there was something to clear.
 */
bool il_qi_recover(struct dmar_drhd_unit *unit)
{
	u32 status = readl(unit->reg + DMAR_FSTS);
	struct il_inv all = { .kind = IL_INV_IOTLB_GLOBAL };
	struct il_qi_desc *bad;
	u32 head;

	status &= FSTS_IQE | FSTS_ICE | FSTS_ITE;
	if (!status)
		return false;
	atomic64_inc(&unit->stats.errors);
	if (status & FSTS_IQE) {
		head = readl(unit->reg + DMAR_IQH) / sizeof(*bad);
		bad = ring_slot(unit->qi, head);
		pr_err_ratelimited("unit %u refuses invalidation descriptor %016llx %016llx (FSTS.IQE)\n",
				   unit->id, bad->hi, bad->lo);
		if (QI_TYPE(bad->lo) == QI_CONTEXT)
			all.kind = IL_INV_CONTEXT_GLOBAL;
		if (QI_TYPE(bad->lo) == QI_IEC)
			all.kind = IL_INV_IEC_GLOBAL;
		if (QI_TYPE(bad->lo) != QI_WAIT)
			il_qi_encode(&all, bad);
		if (!ECAP_C(unit->ecap))
			clflush_cache_range(bad, sizeof(*bad));
	}
	if (status & FSTS_ITE) {
		pr_err_ratelimited("unit %u: device %02llx:%02llx.%llx does not answer a device-TLB invalidation (FSTS.ITE)\n",
				   unit->id,
				   readq(unit->reg + DMAR_IQERCD) >> 40 & 0xff,
				   readq(unit->reg + DMAR_IQERCD) >> 35 & 0x1f,
				   readq(unit->reg + DMAR_IQERCD) >> 32 & 7);
		unit->qi->restarts++;
	}
	if (status & FSTS_ICE)
		pr_err_ratelimited("unit %u: unexpected device-TLB completion (FSTS.ICE)\n",
				   unit->id);
	writel(status, unit->reg + DMAR_FSTS);
	/* Hardware goes on by itself; some emulated units want to be told */
	writel(unit->qi->tail % QI_ENTRIES * sizeof(*bad),
	       unit->reg + DMAR_IQT);
	return true;
}

static bool ring_passed(struct il_qi *qi, u32 mark)
{
	return (s32)(READ_ONCE(*qi->completed) - mark) >= 0;
}

/* Until all up to @mark is done; called without the lock */
static int wait_passed(struct dmar_drhd_unit *unit, u32 mark, u32 restarts)
{
	u64 limit = ktime_get_mono_fast_ns() + IL_HW_TIMEOUT_NS;
	struct il_qi *qi = unit->qi;
	unsigned int spins = 0;
	unsigned long flags;

	while (!ring_passed(qi, mark)) {
		cpu_relax();
		if (++spins % 64)
			continue;
		raw_spin_lock_irqsave(&qi->lock, flags);
		il_qi_recover(unit);
		if (qi->restarts != restarts &&
		    qi->tail - READ_ONCE(*qi->completed) < QI_ENTRIES - 1) {
			restarts = qi->restarts;
			put_wait(unit);
			mark = qi->tail;
		}
		raw_spin_unlock_irqrestore(&qi->lock, flags);
		if (ktime_get_mono_fast_ns() > limit) {
			atomic64_inc(&unit->stats.errors);
			pr_err_ratelimited("unit %u does not finish an invalidation: IQH %llx IQT %llx FSTS %x\n",
					   unit->id,
					   readq(unit->reg + DMAR_IQH),
					   readq(unit->reg + DMAR_IQT),
					   readl(unit->reg + DMAR_FSTS));
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/* Room for a batch and its wait; the ring never fills up wholly */
#define QI_BATCH	16u

static int queue_invalidate(struct dmar_drhd_unit *unit,
			    const struct il_inv *inv, unsigned int count)
{
	u64 limit = ktime_get_mono_fast_ns() + IL_HW_TIMEOUT_NS;
	struct il_qi *qi = unit->qi;
	u32 mark, restarts, pending;
	struct il_qi_desc desc;
	unsigned long flags;
	unsigned int i;

	for (;;) {
		raw_spin_lock_irqsave(&qi->lock, flags);
		pending = qi->tail - READ_ONCE(*qi->completed);
		if (pending + count + 2 <= QI_ENTRIES)
			break;
		il_qi_recover(unit);
		raw_spin_unlock_irqrestore(&qi->lock, flags);
		if (ktime_get_mono_fast_ns() > limit)
			return -ETIMEDOUT;
		cpu_relax();
	}
	for (i = 0; i < count; i++) {
		il_qi_encode(inv + i, &desc);
		put_desc(unit, desc.lo, desc.hi);
	}
	put_wait(unit);
	mark = qi->tail;
	restarts = qi->restarts;
	raw_spin_unlock_irqrestore(&qi->lock, flags);
	return wait_passed(unit, mark, restarts);
}

static int wait_clear(struct dmar_drhd_unit *unit, unsigned int offset,
		      const char *name)
{
	u64 value;
	int ret;

	ret = readq_poll_timeout_atomic(unit->reg + offset, value,
					!(value & BIT_ULL(63)), 1,
					IL_HW_TIMEOUT_NS / NSEC_PER_USEC);
	if (ret) {
		atomic64_inc(&unit->stats.errors);
		pr_err_ratelimited("unit %u does not finish an invalidation: %s %llx\n",
				   unit->id, name, value);
	}
	return ret;
}

static int register_context(struct dmar_drhd_unit *unit,
			    const struct il_inv *inv)
{
	u64 command = CCMD_ICC;

	if (inv->kind == IL_INV_CONTEXT_GLOBAL)
		command |= CCMD_GRANULARITY(GRANULARITY_GLOBAL);
	else
		command |= CCMD_GRANULARITY(GRANULARITY_FINE) |
			   CCMD_SID(inv->sid) | CCMD_DID(inv->did);
	writeq(command, unit->reg + DMAR_CCMD);
	return wait_clear(unit, DMAR_CCMD, "CCMD");
}

static int register_iotlb(struct dmar_drhd_unit *unit,
			  const struct il_inv *inv)
{
	unsigned int iva = ECAP_IRO(unit->ecap);
	u64 command = IOTLB_IVT | IOTLB_DID(inv->did);

	if (CAP_DRD(unit->cap))
		command |= IOTLB_DR;
	if (CAP_DWD(unit->cap))
		command |= IOTLB_DW;
	if (inv->kind == IL_INV_IOTLB_PAGES) {
		writeq(inv->address | (inv->hint ? QI_IOTLB_IH : 0) |
		       inv->order, unit->reg + iva);
		command |= IOTLB_GRANULARITY(GRANULARITY_FINE);
	} else {
		command |= IOTLB_GRANULARITY(inv->kind == IL_INV_IOTLB_DOMAIN ?
					     GRANULARITY_DOMAIN :
					     GRANULARITY_GLOBAL);
	}
	writeq(command, unit->reg + iva + 8);
	return wait_clear(unit, iva + 8, "IOTLB_REG");
}

/* Device-TLBs and interrupt entries are out of reach: they need the queue */
static int register_invalidate(struct dmar_drhd_unit *unit,
			       const struct il_inv *inv, unsigned int count)
{
	unsigned long flags;
	unsigned int i;
	int ret = 0;

	raw_spin_lock_irqsave(&unit->register_lock, flags);
	for (i = 0; i < count && !ret; i++) {
		if (inv[i].kind <= IL_INV_CONTEXT_DEVICE)
			ret = register_context(unit, inv + i);
		else if (inv[i].kind < IL_INV_DEVICE_TLB)
			ret = register_iotlb(unit, inv + i);
	}
	raw_spin_unlock_irqrestore(&unit->register_lock, flags);
	return ret;
}

/**
 * il_invalidate() - have a unit drop what it caches, and wait until it has
 * @unit: the unit
 * @inv: invalidations, done in order
 * @count: 1 or more
 *
 * Any context but NMI.
 *
 * Return: 0, or -ETIMEDOUT after a second, told in the log: what was to be
 * invalidated may still be in use then.
 */
int il_invalidate(struct dmar_drhd_unit *unit, const struct il_inv *inv,
		  unsigned int count)
{
	unsigned int batch, i;
	int ret = 0;

	for (; count && !ret; inv += batch, count -= batch) {
		batch = min(count, QI_BATCH);
		for (i = 0; i < batch; i++)
			count_invalidation(unit, inv + i);
		ret = unit->qi ? queue_invalidate(unit, inv, batch) :
				 register_invalidate(unit, inv, batch);
	}
	return ret;
}

static int switch_queue(struct dmar_drhd_unit *unit, bool on)
{
	unsigned long flags;
	u32 status;
	int ret;

	raw_spin_lock_irqsave(&unit->register_lock, flags);
	status = readl(unit->reg + DMAR_GSTS) & GSTS_PERSISTENT;
	status = on ? status | GCMD_QIE : status & ~GCMD_QIE;
	writel(status | unit->keep, unit->reg + DMAR_GCMD);
	ret = readl_poll_timeout_atomic(unit->reg + DMAR_GSTS, status,
					!!(status & GCMD_QIE) == on, 1,
					IL_HW_TIMEOUT_NS / NSEC_PER_USEC);
	raw_spin_unlock_irqrestore(&unit->register_lock, flags);
	if (ret)
		pr_err("unit %u: invalidation queue cannot be switched %s (GSTS.QIES)\n",
		       unit->id, on ? "on" : "off");
	return ret;
}

/* A predecessor's queue has to run dry before it may be switched off (6.5.2) */
static int stop_queue(struct dmar_drhd_unit *unit)
{
	u64 head, tail = readq(unit->reg + DMAR_IQT);

	if (!(readl(unit->reg + DMAR_GSTS) & GCMD_QIE))
		return 0;
	if (readq_poll_timeout_atomic(unit->reg + DMAR_IQH, head, head == tail,
				      1, IL_HW_TIMEOUT_NS / NSEC_PER_USEC))
		pr_warn("unit %u: invalidation queue does not run dry: IQH %llx IQT %llx\n",
			unit->id, head, tail);
	return switch_queue(unit, false);
}

/**
 * il_qi_start() - set up the invalidation queue and switch it on
 * @unit: with ECAP.QI set; a queue that is on belongs to a predecessor
 *
 * VT-d specification 6.5.2. May sleep.
 *
 * Return: 0, -ENOMEM or -ETIMEDOUT.
 */
int il_qi_start(struct dmar_drhd_unit *unit)
{
	struct il_qi *qi;
	struct page *ring;
	int ret;

	qi = kzalloc(sizeof(*qi), GFP_KERNEL);
	ring = alloc_pages_node(unit->node, GFP_KERNEL | __GFP_ZERO, 0);
	if (qi)
		qi->completed = kzalloc(L1_CACHE_BYTES, GFP_KERNEL);
	if (!qi || !ring || !qi->completed) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = stop_queue(unit);
	if (ret)
		goto err_free;
	qi->desc = page_address(ring);
	raw_spin_lock_init(&qi->lock);
	writel(0, unit->reg + DMAR_IQT);
	writeq(virt_to_phys(qi->desc), unit->reg + DMAR_IQA);
	ret = switch_queue(unit, true);
	if (ret)
		goto err_free;
	unit->qi = qi;
	return 0;

err_free:
	if (qi)
		kfree(qi->completed);
	if (ring)
		__free_page(ring);
	kfree(qi);
	return ret;
}

/**
 * il_qi_restart() - give a unit that has lost its registers its queue back
 * @unit: with a queue; nothing is queued
 *
 * Any context.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int il_qi_restart(struct dmar_drhd_unit *unit)
{
	struct il_qi *qi = unit->qi;
	int ret;

	ret = stop_queue(unit);
	if (ret)
		return ret;
	/* Head and tail begin at 0 again, so the count does, too */
	qi->tail = 0;
	*qi->completed = 0;
	writel(0, unit->reg + DMAR_IQT);
	writeq(virt_to_phys(qi->desc), unit->reg + DMAR_IQA);
	return switch_queue(unit, true);
}

/**
 * il_qi_stop() - switch the queue off; registers serve from here on
 * @unit: nothing else uses it
 */
void il_qi_stop(struct dmar_drhd_unit *unit)
{
	if (unit->qi)
		stop_queue(unit);
}

/**
 * il_qi_free() - free a queue that has been switched off
 * @unit: the unit, with or without a queue
 */
void il_qi_free(struct dmar_drhd_unit *unit)
{
	if (!unit->qi)
		return;
	free_page((unsigned long)unit->qi->desc);
	kfree(unit->qi->completed);
	kfree(unit->qi);
	unit->qi = NULL;
}

/**
 * il_qi_state() - the queue's pointers, for people
 * @unit: with a queue
 * @head: next descriptor hardware reads (index)
 * @tail: next descriptor software writes (index)
 * @completed: count of descriptors that are known to be done
 */
void il_qi_state(struct dmar_drhd_unit *unit, u64 *head, u64 *tail,
		 u32 *completed)
{
	*head = readq(unit->reg + DMAR_IQH) / sizeof(struct il_qi_desc);
	*tail = readq(unit->reg + DMAR_IQT) / sizeof(struct il_qi_desc);
	*completed = READ_ONCE(*unit->qi->completed);
}

/**
 * il_qi_desc_at() - a descriptor of the ring, for people
 * @unit: with a queue
 * @index: any number, taken modulo the ring's size
 *
 * Return: a copy.
 */
struct il_qi_desc il_qi_desc_at(struct dmar_drhd_unit *unit,
				unsigned int index)
{
	return *ring_slot(unit->qi, index);
}
