// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-lite as the Linux IOMMU core knows it: iommu_ops, and the module's own
 * life, which the core's one reference a device does not fit.
 *
 * The core takes a module reference for each device, from which rmmod could
 * never recover, unless the ops name no owner. So they name none, and the
 * module holds itself only where leaving would do harm: for each bound driver
 * whose DMA is translated, for each domain of VFIO and for each open file.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/completion.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "iommu-lite.h"
#include "uapi.h"

/* Guards the units' lists of devices, for writers and those who sleep */
DEFINE_MUTEX(il_device_lock);

/* Guards what is known of bound drivers, and @leaving */
static DEFINE_MUTEX(il_bind_lock);
static DECLARE_COMPLETION(il_left);
static bool leaving;

static struct iommu_ops *ops;

/**
 * il_device_of() - the device as this driver knows it
 * @pdev: any function
 *
 * Context: il_device_lock is held, and so long the result is valid.
 *
 * Return: the device or NULL.
 */
struct il_device *il_device_of(struct pci_dev *pdev)
{
	struct dmar_drhd_unit *unit;
	struct il_device *device;

	list_for_each_entry(unit, &il_units, list)
		list_for_each_entry(device, &unit->devices, link)
			if (device->pdev == pdev)
				return device;
	return NULL;
}

static struct iommu_domain *domain_alloc(unsigned int type)
{
	struct dmar_domain *domain;

	/* VFIO may keep its domain when all devices are gone */
	if (type == IOMMU_DOMAIN_UNMANAGED && !try_module_get(THIS_MODULE))
		return NULL;
	domain = il_domain_alloc(type, false);
	if (!domain && type == IOMMU_DOMAIN_UNMANAGED)
		module_put(THIS_MODULE);
	return domain ? &domain->domain : NULL;
}

static void domain_free(struct iommu_domain *domain)
{
	bool held = domain->type == IOMMU_DOMAIN_UNMANAGED;

	il_domain_free(to_dmar_domain(domain));
	if (held)
		module_put(THIS_MODULE);
}

static int attach_dev(struct iommu_domain *domain, struct device *dev)
{
	return il_domain_attach(to_dmar_domain(domain),
				dev_iommu_priv_get(dev));
}

#ifdef HAVE_IOMMU_DETACH_DEV
static void detach_dev(struct iommu_domain *domain, struct device *dev)
{
	mutex_lock(&il_device_lock);
	il_domain_detach(dev_iommu_priv_get(dev), false);
	mutex_unlock(&il_device_lock);
}
#endif

static int map_pages(struct iommu_domain *domain, unsigned long iova,
		     phys_addr_t phys, size_t page_size, size_t count, int prot,
		     gfp_t gfp, size_t *mapped)
{
	u64 done;
	int ret;

	ret = il_domain_map(to_dmar_domain(domain), iova, phys,
			    page_size * count, prot, gfp, &done);
	*mapped += done;
	return ret;
}

static size_t unmap_pages(struct iommu_domain *domain, unsigned long iova,
			  size_t page_size, size_t count,
			  struct iommu_iotlb_gather *gather)
{
	size_t size = page_size * count, done;

	done = il_domain_unmap(to_dmar_domain(domain), iova, size,
			       &gather->freelist);
	/* One flush for all of an unmap, however scattered */
	if (!iommu_iotlb_gather_queued(gather))
		iommu_iotlb_gather_add_range(gather, iova, size);
	return done;
}

static void flush_iotlb_all(struct iommu_domain *domain)
{
	il_domain_flush_all(to_dmar_domain(domain));
}

static void iotlb_sync(struct iommu_domain *domain,
		       struct iommu_iotlb_gather *gather)
{
	int ret = 0;

	if (gather->end)
		ret = il_domain_flush(to_dmar_domain(domain), gather->start,
				      gather->end,
				      !list_empty(&gather->freelist));
	if (!ret)
		il_pt_free_list(&gather->freelist);
	else
		INIT_LIST_HEAD(&gather->freelist);	/* lost, not reused */
}

#ifdef HAVE_IOTLB_SYNC_MAP_INT
static int iotlb_sync_map(struct iommu_domain *domain, unsigned long iova,
			  size_t size)
{
	return il_domain_sync_map(to_dmar_domain(domain), iova, size);
}
#else
static void iotlb_sync_map(struct iommu_domain *domain, unsigned long iova,
			   size_t size)
{
	il_domain_sync_map(to_dmar_domain(domain), iova, size);
}
#endif

static phys_addr_t iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	struct dmar_domain *own = to_dmar_domain(domain);
	u64 size, pte;

	if (!own->pt.root || iova > domain->geometry.aperture_end)
		return 0;
	pte = il_pt_lookup(&own->pt, iova, &size);
	if (!pte)
		return 0;
	return (pte & IL_PTE_ADDRESS & ~(size - 1)) | (iova & (size - 1));
}

static bool enforce_cache_coherency(struct iommu_domain *domain)
{
	if (!il_limits.snoop)
		return false;
	to_dmar_domain(domain)->snoop = true;
	return true;
}

static const struct iommu_domain_ops domain_ops = {
	.attach_dev		= attach_dev,
#ifdef HAVE_IOMMU_DETACH_DEV
	.detach_dev		= detach_dev,
#endif
	.map_pages		= map_pages,
	.unmap_pages		= unmap_pages,
	.flush_iotlb_all	= flush_iotlb_all,
	.iotlb_sync_map		= iotlb_sync_map,
	.iotlb_sync		= iotlb_sync,
	.iova_to_phys		= iova_to_phys,
	.enforce_cache_coherency = enforce_cache_coherency,
	.free			= domain_free,
};

static bool capable_of(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
#ifdef HAVE_IOMMU_CAP_DEFERRED_FLUSH
	case IOMMU_CAP_DEFERRED_FLUSH:
		return true;
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return il_limits.snoop;
#endif
	default:
		return false;
	}
}

static bool manages_dma(struct device *dev)
{
	return dev->driver && to_pci_driver(dev->driver)->driver_managed_dma;
}

/* A port's service driver does no DMA, and ours leaves with the module */
static bool keeps_module(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	if (manages_dma(dev))
		return !pci_is_bridge(to_pci_dev(dev)) &&
		       !il_ppt_bound(to_pci_dev(dev));
	return domain && iommu_is_dma_domain(domain);
}

/*
 * Without ACS a port lets its devices reach each other past the unit, and
 * the core puts them all in one group. The kernel switches it on only for a
 * built-in driver.
 */
static void enable_acs(struct il_device *device)
{
	struct pci_dev *pdev = device->pdev;
	u16 cap, control;

	device->acs = -1;
	if (!pdev->acs_cap)
		return;
	pci_read_config_word(pdev, pdev->acs_cap + PCI_ACS_CAP, &cap);
	pci_read_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, &control);
	device->acs = control;
	control |= cap & (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF);
	pci_write_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, control);
}

static void restore_acs(struct il_device *device)
{
	struct pci_dev *pdev = device->pdev;

	if (device->acs >= 0 && pci_device_is_present(pdev))
		pci_write_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL,
				      device->acs);
}

static void find_ats(struct il_device *device)
{
	struct pci_dev *pdev = device->pdev;
	struct dmar_drhd_unit *unit = device->unit;
	u16 cap;

	if (!ECAP_DT(unit->ecap) || !unit->qi || device->nr_sids != 1 ||
	    !pci_ats_supported(pdev) || !il_ats_allowed(pdev))
		return;
	pci_read_config_word(pdev, pdev->ats_cap + PCI_ATS_CAP, &cap);
	device->ats_depth = PCI_ATS_CAP_QDEP(cap);
	device->ats_able = true;
}

static struct iommu_device *probe_device(struct device *dev)
{
	struct dmar_drhd_unit *unit;
	struct il_device *device;
	struct pci_dev *pdev;
	unsigned int count;
	u16 *sids;

	if (!dev_is_pci(dev))
		return ERR_PTR(-ENODEV);
	pdev = to_pci_dev(dev);
	unit = il_unit_of(pdev);
	if (!unit || !unit->iommu.ops)
		return ERR_PTR(-ENODEV);
	sids = kmalloc_array(256, sizeof(*sids), GFP_KERNEL);
	if (!sids)
		return ERR_PTR(-ENOMEM);
	count = il_collect_sids(pdev, sids, 256);
	device = kzalloc(struct_size(device, sids, count), GFP_KERNEL);
	if (!device) {
		kfree(sids);
		return ERR_PTR(-ENOMEM);
	}
	memcpy(device->sids, sids, count * sizeof(*sids));
	kfree(sids);
	device->nr_sids = count;
	device->pdev = pdev;
	device->unit = unit;
	device->bound_early = dev->driver;
	find_ats(device);
	enable_acs(device);
	mutex_lock(&il_device_lock);
	list_add_tail_rcu(&device->link, &unit->devices);
	mutex_unlock(&il_device_lock);
	dev_iommu_priv_set(dev, device);
#ifdef HAVE_IOMMU_SHADOW_ON_FLUSH
	if (CAP_CM(unit->cap))
		dev->iommu->shadow_on_flush = 1;
#endif
	return &unit->iommu;
}

static void release_device(struct device *dev)
{
	struct il_device *device = dev_iommu_priv_get(dev);

	mutex_lock(&il_device_lock);
	list_del_rcu(&device->link);
	il_domain_detach(device, leaving);
	mutex_unlock(&il_device_lock);
	restore_acs(device);
	il_reset_dma_ops(dev);
	if (device->holds_module)
		module_put(THIS_MODULE);
	kfree_rcu(device, rcu);
}

static void probe_finalize(struct device *dev)
{
	il_setup_dma_ops(dev);
}

/**
 * il_rmrr_relaxable() - may a device live without its reserved memory?
 * @pdev: a function that an RMRR covers
 *
 * USB controllers and graphics need theirs only for firmware's own drivers.
 *
 * Return: true where it may.
 */
bool il_rmrr_relaxable(struct pci_dev *pdev)
{
	return pdev->class >> 8 == PCI_CLASS_SERIAL_USB ||
	       pdev->class >> 16 == PCI_BASE_CLASS_DISPLAY;
}

static void add_region(struct list_head *head, u64 start, u64 length,
		       enum iommu_resv_type type)
{
	struct iommu_resv_region *region;
	int prot = type == IOMMU_RESV_MSI ? 0 : IOMMU_READ | IOMMU_WRITE;

	region = iommu_alloc_resv_region(start, length, prot, type, GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, head);
}

static void get_resv_regions(struct device *dev, struct list_head *head)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	struct il_region *rmrr;
	u64 first;

	list_for_each_entry(rmrr, &il_rmrrs, list) {
		if (!il_entry_covers(&rmrr->entry, pdev))
			continue;
		first = rmrr->entry.base & PAGE_MASK;
		add_region(head, first,
			   PAGE_ALIGN(rmrr->entry.limit + 1) - first,
			   il_rmrr_relaxable(pdev) ?
			   IOMMU_RESV_DIRECT_RELAXABLE : IOMMU_RESV_DIRECT);
	}
	/* Floppy and other ISA DMA comes from the bridge, with 24 bits */
	if (pdev->class >> 8 == PCI_CLASS_BRIDGE_ISA)
		add_region(head, 0, SZ_16M, IOMMU_RESV_DIRECT_RELAXABLE);
	add_region(head, IL_MSI_FIRST, IL_MSI_LAST + 1 - IL_MSI_FIRST,
		   IOMMU_RESV_MSI);
}

static int def_domain_type(struct device *dev)
{
	struct il_device *device = dev_iommu_priv_get(dev);

	/* What does DMA already knows physical addresses only */
	if (dev->driver && !manages_dma(dev))
		return IOMMU_DOMAIN_IDENTITY;
	/* It may still do DMA for a predecessor, by addresses of its tables */
	if (device->unit->was_on)
		return il_strict ? IOMMU_DOMAIN_DMA : IOMMU_DOMAIN_DMA_FQ;
	if (il_default_identity)
		return IOMMU_DOMAIN_IDENTITY;
	if (il_strict)
		return IOMMU_DOMAIN_DMA;
	if (il_default_dma && iommu_default_passthrough())
		return IOMMU_DOMAIN_DMA_FQ;
	return 0;
}

static const struct iommu_ops ops_template = {
	.capable		= capable_of,
	.domain_alloc		= domain_alloc,
	.probe_device		= probe_device,
	.release_device		= release_device,
	.probe_finalize		= probe_finalize,
	.device_group		= pci_device_group,
	.get_resv_regions	= get_resv_regions,
	.def_domain_type	= def_domain_type,
	.default_domain_ops	= &domain_ops,
};

static void driver_binds(struct pci_dev *pdev)
{
	struct il_device *device;
	bool wait;

	mutex_lock(&il_bind_lock);
	wait = leaving;
	mutex_lock(&il_device_lock);
	device = wait ? NULL : il_device_of(pdev);
	mutex_unlock(&il_device_lock);
	if (device && !device->bound_early) {
		device->used = !manages_dma(&pdev->dev);
		if (!device->holds_module && keeps_module(&pdev->dev)) {
			device->holds_module = try_module_get(THIS_MODULE);
			wait = !device->holds_module;
		}
	}
	mutex_unlock(&il_bind_lock);
	/*
	 * Too late to keep the module: the driver begins when it has left,
	 * with the addresses that are right then.
	 */
	if (wait)
		wait_for_completion(&il_left);
}

static void driver_unbinds(struct pci_dev *pdev, bool done)
{
	struct il_device *device;
	bool put = false;

	mutex_lock(&il_bind_lock);
	mutex_lock(&il_device_lock);
	device = leaving ? NULL : il_device_of(pdev);
	mutex_unlock(&il_device_lock);
	if (device) {
		device->used = false;
		device->bound_early = false;
		if (done) {
			put = device->holds_module;
			device->holds_module = false;
		}
	}
	mutex_unlock(&il_bind_lock);
	if (put)
		module_put(THIS_MODULE);
}

static int bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	switch (event) {
	case BUS_NOTIFY_BIND_DRIVER:
		driver_binds(pdev);
		break;
	case BUS_NOTIFY_UNBIND_DRIVER:
		driver_unbinds(pdev, false);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
		driver_unbinds(pdev, true);
		break;
	case BUS_NOTIFY_DEL_DEVICE:
		il_uapi_device_gone(pdev);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block bus_notifier = {
	.notifier_call = bus_event,
};

/*
 * Drivers that came before us are no users in the core's books, though it
 * counts them off when they go. What the driver core does before a probe
 * books them.
 */
static void book_early_drivers(void)
{
	struct pci_dev *pdev = NULL;
	struct il_device *device;

	for_each_pci_dev(pdev) {
		device_lock(&pdev->dev);
		mutex_lock(&il_bind_lock);
		mutex_lock(&il_device_lock);
		device = il_device_of(pdev);
		mutex_unlock(&il_device_lock);
		if (device && device->bound_early && pdev->dev.driver &&
		    !device->used && !manages_dma(&pdev->dev))
			device->used = !pci_bus_type.dma_configure(&pdev->dev);
		mutex_unlock(&il_bind_lock);
		device_unlock(&pdev->dev);
	}
}

static void unregister_units(void)
{
	struct dmar_drhd_unit *unit;

	list_for_each_entry(unit, &il_units, list) {
		if (unit->iommu.ops)
			iommu_device_unregister(&unit->iommu);
		unit->iommu.ops = NULL;
		if (unit->iommu.dev)
			iommu_device_sysfs_remove(&unit->iommu);
	}
	il_clear_bus_ops();
}

/**
 * il_core_register() - become the IOMMU driver for the PCI devices
 *
 * All units are started. May sleep.
 *
 * Return: 0; -EBUSY where another IOMMU driver is registered; -ENOMEM.
 */
int il_core_register(void)
{
	struct dmar_drhd_unit *unit;
	int ret;

	ops = kmemdup(&ops_template, sizeof(ops_template), GFP_KERNEL);
	if (!ops)
		return -ENOMEM;
	ops->pgsize_bitmap = SZ_4K |
		(il_limits.leaf_levels > 1 ? SZ_2M : 0) |
		(il_limits.leaf_levels > 2 ? SZ_1G : 0);
	ret = bus_register_notifier(&pci_bus_type, &bus_notifier);
	if (ret)
		goto err_free;
	list_for_each_entry(unit, &il_units, list) {
		ret = iommu_device_sysfs_add(&unit->iommu, NULL, NULL,
					     "iommu-lite%u", unit->id);
		if (ret)
			goto err_unregister;
	}
	list_for_each_entry(unit, &il_units, list) {
		ret = iommu_device_register(&unit->iommu, ops, NULL);
		if (ret) {
			unit->iommu.ops = NULL;
			pr_err("another IOMMU driver is registered (%d): boot with intel_iommu=off\n",
			       ret);
			goto err_unregister;
		}
	}
	book_early_drivers();
	return 0;

err_unregister:
	il_core_unregister();
	return ret;
err_free:
	kfree(ops);
	return ret;
}

/**
 * il_core_unregister() - leave the IOMMU core
 *
 * No driver's DMA is translated, no domain of VFIO is left, no file is open:
 * each would hold the module. May sleep.
 */
void il_core_unregister(void)
{
	struct dmar_drhd_unit *unit;
	struct il_device *device;

	mutex_lock(&il_bind_lock);
	leaving = true;
	list_for_each_entry(unit, &il_units, list)
		list_for_each_entry(device, &unit->devices, link)
			if (device->used)
				pci_bus_type.dma_cleanup(&device->pdev->dev);
	mutex_unlock(&il_bind_lock);
	unregister_units();
	complete_all(&il_left);
	bus_unregister_notifier(&pci_bus_type, &bus_notifier);
	synchronize_rcu();
	kfree(ops);
}
