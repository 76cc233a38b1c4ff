// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains: what a device sees as memory, on as many units as its devices need.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/pci-ats.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "iommu-lite.h"
#include "trace.h"

/* All domains, for debugfs */
LIST_HEAD(il_domains);
/* Guards il_domains */
DEFINE_MUTEX(il_domains_lock);
atomic_t il_nr_domains = ATOMIC_INIT(0);

static bool is_paging(const struct dmar_domain *domain)
{
	return domain->pt.root;
}

/**
 * il_domain_alloc() - make a domain
 * @type: IOMMU_DOMAIN_*, as the core names them
 * @exclusive: the owner serialises map and unmap
 *
 * May sleep.
 *
 * Return: the domain; NULL for a type there is not and where memory is short.
 */
struct dmar_domain *il_domain_alloc(unsigned int type, bool exclusive)
{
	static atomic_t last_id = ATOMIC_INIT(0);
	struct dmar_domain *domain;

	if (type != IOMMU_DOMAIN_BLOCKED && type != IOMMU_DOMAIN_IDENTITY &&
	    type != IOMMU_DOMAIN_UNMANAGED && type != IOMMU_DOMAIN_DMA &&
	    type != IOMMU_DOMAIN_DMA_FQ)
		return NULL;
	domain = kzalloc(sizeof(*domain), GFP_KERNEL);
	if (!domain)
		return NULL;
	domain->domain.type = type;
	spin_lock_init(&domain->lock);
	INIT_LIST_HEAD(&domain->units);
	INIT_LIST_HEAD(&domain->devices);
	domain->id = atomic_inc_return(&last_id);
	if (type != IOMMU_DOMAIN_BLOCKED && type != IOMMU_DOMAIN_IDENTITY) {
		domain->pt = (struct il_pagetable){
			.levels = il_limits.levels,
			.top = il_limits.top,
			.leaf_levels = il_limits.leaf_levels,
			.coherent = il_limits.coherent,
			.exclusive = exclusive,
			.node = NUMA_NO_NODE,
		};
		if (il_pt_init(&domain->pt)) {
			kfree(domain);
			return NULL;
		}
		domain->domain.geometry.aperture_end =
			GENMASK_ULL(il_limits.address_bits - 1, 0);
		domain->domain.geometry.force_aperture = true;
	}
	mutex_lock(&il_domains_lock);
	list_add_tail(&domain->link, &il_domains);
	mutex_unlock(&il_domains_lock);
	atomic_inc(&il_nr_domains);
	return domain;
}

/**
 * il_domain_free() - free a domain and what it maps
 * @domain: no device is attached
 *
 * May sleep.
 */
void il_domain_free(struct dmar_domain *domain)
{
	mutex_lock(&il_domains_lock);
	list_del(&domain->link);
	mutex_unlock(&il_domains_lock);
	if (is_paging(domain))
		il_pt_destroy(&domain->pt);
	kfree(domain);
	atomic_dec(&il_nr_domains);
}

static struct il_attachment *find_attachment(struct dmar_domain *domain,
					     struct dmar_drhd_unit *unit)
{
	struct il_attachment *a;

	list_for_each_entry(a, &domain->units, link)
		if (a->unit == unit)
			return a;
	return NULL;
}

/* The domain's id on the unit, a new one for its first device there */
static int join_unit(struct dmar_domain *domain, struct dmar_drhd_unit *unit)
{
	struct il_attachment *a, *old;
	int did;

	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	did = ida_alloc_range(&unit->domain_ids, IL_DID_FIRST,
			      (1u << CAP_ND(unit->cap)) - 1, GFP_KERNEL);
	spin_lock(&domain->lock);
	old = find_attachment(domain, unit);
	if (old) {
		old->users++;
	} else if (did >= 0) {
		a->unit = unit;
		a->did = did;
		a->users = 1;
		list_add_tail_rcu(&a->link, &domain->units);
	}
	spin_unlock(&domain->lock);
	if (old) {
		if (did >= 0)
			ida_free(&unit->domain_ids, did);
		kfree(a);
		return old->did;
	}
	if (did < 0)
		kfree(a);
	return did;
}

static void leave_unit(struct dmar_domain *domain, struct dmar_drhd_unit *unit)
{
	struct il_inv last = { .kind = IL_INV_IOTLB_DOMAIN };
	struct il_attachment *a;

	spin_lock(&domain->lock);
	a = find_attachment(domain, unit);
	if (!a || --a->users) {
		spin_unlock(&domain->lock);
		return;
	}
	list_del_rcu(&a->link);
	spin_unlock(&domain->lock);
	/* Nothing of the id may be cached when it names another domain */
	last.did = a->did;
	if (!il_invalidate(unit, &last, 1))
		ida_free(&unit->domain_ids, a->did);
	kfree_rcu(a, rcu);
}

static void start_ats(struct dmar_domain *domain, struct il_device *device)
{
	spin_lock(&domain->lock);
	list_add_tail_rcu(&device->domain_link, &domain->devices);
	spin_unlock(&domain->lock);
	device->ats_enabled = true;
	/* Unmaps tell the device from here on, so it may begin to cache */
	if (pci_enable_ats(device->pdev, PAGE_SHIFT)) {
		device->ats_enabled = false;
		spin_lock(&domain->lock);
		list_del_rcu(&device->domain_link);
		spin_unlock(&domain->lock);
		synchronize_rcu();
	}
}

static void stop_ats(struct il_device *device)
{
	if (!device->ats_enabled)
		return;
	/* Disabling empties the device's cache (PCI Express 10.5.1) */
	pci_disable_ats(device->pdev);
	spin_lock(&device->domain->lock);
	list_del_rcu(&device->domain_link);
	spin_unlock(&device->domain->lock);
	device->ats_enabled = false;
	synchronize_rcu();
}

static int set_contexts(struct il_device *device, u64 lo, u64 hi)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < device->nr_sids && !ret; i++)
		ret = il_unit_set_context(device->unit, device->sids[i], lo,
					  hi);
	return ret;
}

/* The device's context entry does not name the old domain any more */
static void leave_domain(struct il_device *device)
{
	struct dmar_domain *old = device->domain;

	if (!old)
		return;
	trace_iommu_lite_detach(old->id, device->unit->id, 0,
				device->unit->segment, device->sids[0]);
	if (is_paging(old))
		leave_unit(old, device->unit);
	spin_lock(&old->lock);
	old->nr_devices--;
	spin_unlock(&old->lock);
	device->domain = NULL;
}

/**
 * il_domain_attach() - put a device into a domain, out of the one it is in
 * @domain: any
 * @device: any
 *
 * The core's group mutex is held, or the device is being probed. May sleep.
 *
 * Return: 0; -ENOSPC where the unit has no domain id left; -ENOMEM;
 * -ETIMEDOUT. On an error the device is blocked and in no domain.
 */
int il_domain_attach(struct dmar_domain *domain, struct il_device *device)
{
	struct dmar_drhd_unit *unit = device->unit;
	u64 lo = 0, hi = 0;
	int did = 0, ret;

	if (device->domain == domain)
		return 0;
	if (is_paging(domain)) {
		did = join_unit(domain, unit);
		if (did < 0)
			return did;
		lo = ENTRY_PRESENT | il_pt_root(&domain->pt, unit->levels) |
		     (device->ats_able ? CONTEXT_TT_DEVICE_TLB :
					 CONTEXT_TT_UNTRANSLATED);
		hi = CONTEXT_AW(unit->levels) | CONTEXT_DID(did);
	} else if (domain->domain.type == IOMMU_DOMAIN_IDENTITY) {
		il_unit_identity_context(unit, &lo, &hi);
		did = IL_DID_IDENTITY;
	}
	stop_ats(device);
	ret = set_contexts(device, lo, hi);
	if (ret) {
		set_contexts(device, 0, 0);
		if (is_paging(domain))
			leave_unit(domain, unit);
		leave_domain(device);
		return ret;
	}
	leave_domain(device);
	device->domain = domain;
	spin_lock(&domain->lock);
	domain->nr_devices++;
	spin_unlock(&domain->lock);
	if (is_paging(domain) && device->ats_able)
		start_ats(domain, device);
	trace_iommu_lite_attach(domain->id, unit->id, did, unit->segment,
				device->sids[0]);
	return 0;
}

/* Another function may speak with the same id: then it is not ours to change */
static bool sid_is_shared(struct il_device *device, u16 sid)
{
	struct il_device *other;
	unsigned int i;

	list_for_each_entry(other, &device->unit->devices, link)
		for (i = 0; other != device && i < other->nr_sids; i++)
			if (other->sids[i] == sid)
				return true;
	return false;
}

/**
 * il_domain_detach() - take a device out of its domain for good
 * @device: il_device_lock is held
 * @keep_identity: leave its DMA as it would be without units; else block it
 *
 * May sleep.
 */
void il_domain_detach(struct il_device *device, bool keep_identity)
{
	u64 lo = 0, hi = 0;
	unsigned int i;

	if (keep_identity)
		il_unit_identity_context(device->unit, &lo, &hi);
	if (pci_device_is_present(device->pdev))
		stop_ats(device);
	for (i = 0; i < device->nr_sids; i++)
		if (!sid_is_shared(device, device->sids[i]))
			il_unit_set_context(device->unit, device->sids[i], lo,
					    hi);
	leave_domain(device);
}

/**
 * il_domain_map() - map a run of physical memory
 * @domain: a paging domain
 * @iova: multiple of 4096
 * @phys: multiple of 4096
 * @size: bytes, a multiple of 4096
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @gfp: for tables; decides whether it may sleep
 * @mapped: bytes mapped, on an error too
 *
 * il_domain_sync_map() has to follow before a device uses the mapping.
 *
 * Return: 0; -EINVAL for a domain or a protection that cannot be; -ERANGE
 * beyond the address width; -EEXIST where something is mapped; -ENOMEM.
 */
int il_domain_map(struct dmar_domain *domain, u64 iova, phys_addr_t phys,
		  u64 size, int prot, gfp_t gfp, u64 *mapped)
{
	u64 last = domain->domain.geometry.aperture_end, bits = 0;
	int ret;

	*mapped = 0;
	if (prot & IOMMU_READ)
		bits |= IL_PTE_READ;
	if (prot & IOMMU_WRITE)
		bits |= IL_PTE_WRITE;
	if (!bits || !is_paging(domain))
		return -EINVAL;
	if (iova > last || size - 1 > last - iova)
		return -ERANGE;
	if (il_limits.snoop && (prot & IOMMU_CACHE || domain->snoop))
		bits |= IL_PTE_SNOOP;
	ret = il_pt_map(&domain->pt, iova, phys, size, bits, gfp, mapped);
	atomic64_add(*mapped, &domain->mapped);
	trace_iommu_lite_map(domain->id, iova, phys, *mapped, prot);
	return ret;
}

/**
 * il_domain_unmap() - unmap a range; the flush is left to the caller
 * @domain: a paging domain
 * @iova: multiple of 4096
 * @size: bytes, a multiple of 4096
 * @freelist: receives table pages, to be freed after the flush
 *
 * Does not sleep.
 *
 * Return: bytes that were mapped.
 */
u64 il_domain_unmap(struct dmar_domain *domain, u64 iova, u64 size,
		    struct list_head *freelist)
{
	struct il_reaper reaper;
	u64 bytes;

	if (!is_paging(domain))
		return 0;
	if (il_pt_take(&domain->pt, iova, size, &bytes) == ~0ull) {
		il_reaper_init(&reaper);
		il_pt_detach(&domain->pt, iova, size);
		il_pt_reap(&domain->pt, iova, size, &reaper);
		list_splice_tail(&reaper.freelist, freelist);
		bytes = reaper.bytes;
	}
	atomic64_sub(bytes, &domain->mapped);
	trace_iommu_lite_unmap(domain->id, iova, bytes);
	return bytes;
}

/**
 * il_domain_sync_map() - make new mappings visible to hardware
 * @domain: a paging domain
 * @iova: first address
 * @size: bytes
 *
 * Units that cache what is not present forget it (VT-d specification 6.1);
 * others flush their write buffer if they have one (6.8). Does not sleep.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int il_domain_sync_map(struct dmar_domain *domain, u64 iova, u64 size)
{
	struct il_attachment *a;
	int ret = 0, err;

	if (!il_limits.sync_map)
		return 0;
	rcu_read_lock();
	list_for_each_entry_rcu(a, &domain->units, link) {
		if (CAP_CM(a->unit->cap)) {
			struct il_inv inv = { .did = a->did };

			inv.kind = IL_INV_IOTLB_PAGES;
			il_inv_range(&inv, iova, iova + size - 1);
			if (!CAP_PSI(a->unit->cap) ||
			    inv.order > CAP_MAMV(a->unit->cap))
				inv.kind = IL_INV_IOTLB_DOMAIN;
			err = il_invalidate(a->unit, &inv, 1);
		} else {
			err = il_unit_flush_write_buffer(a->unit);
		}
		ret = ret ?: err;
	}
	rcu_read_unlock();
	return ret;
}

/* The IOTLB and then, as 6.5.2.5 wants it, what devices cache on top of it */
static int flush_unit(struct dmar_domain *domain, struct il_attachment *a,
		      struct il_inv *iotlb, u64 first, u64 last)
{
	struct il_device *device;
	struct il_inv inv[8];
	unsigned int count = 1;
	int ret = 0;

	iotlb->did = a->did;
	inv[0] = *iotlb;
	list_for_each_entry_rcu(device, &domain->devices, domain_link) {
		struct il_inv *next;

		if (device->unit != a->unit)
			continue;
		if (count == ARRAY_SIZE(inv)) {
			ret = il_invalidate(a->unit, inv, count);
			if (ret)
				return ret;
			count = 0;
		}
		next = inv + count++;
		*next = (struct il_inv){
			.kind = IL_INV_DEVICE_TLB,
			.sid = device->sids[0],
			.pfsid = ECAP_DIT(a->unit->ecap) ?
				 pci_dev_id(pci_physfn(device->pdev)) : 0,
			.depth = device->ats_depth,
		};
		il_inv_range(next, first, last);
	}
	return il_invalidate(a->unit, inv, count);
}

/**
 * il_domain_flush() - have hardware forget a range of a domain
 * @domain: a paging domain
 * @first: first address
 * @last: last address
 * @tables: tables have gone, not leaves only
 *
 * One invalidation a unit, whatever the range. Does not sleep.
 *
 * Return: 0; -ETIMEDOUT: memory that was mapped may still be reached.
 */
int il_domain_flush(struct dmar_domain *domain, u64 first, u64 last,
		    bool tables)
{
	struct il_attachment *a;
	int ret = 0, err;

	rcu_read_lock();
	list_for_each_entry_rcu(a, &domain->units, link) {
		struct il_inv inv = {
			.kind = IL_INV_IOTLB_PAGES,
			.hint = !tables,
		};

		il_inv_range(&inv, first, last);
		if (!CAP_PSI(a->unit->cap) ||
		    inv.order > CAP_MAMV(a->unit->cap))
			inv.kind = IL_INV_IOTLB_DOMAIN;
		err = flush_unit(domain, a, &inv, first, last);
		ret = ret ?: err;
	}
	rcu_read_unlock();
	return ret;
}

/**
 * il_domain_flush_all() - have hardware forget all of a domain
 * @domain: a paging domain
 *
 * Does not sleep.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int il_domain_flush_all(struct dmar_domain *domain)
{
	return il_domain_flush(domain, 0, U64_MAX, true);
}
