// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommu-lite: Intel VT-d as a module. Order of start and stop.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/acpi.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/slab.h>

#include "iommu-lite.h"

LIST_HEAD(il_units);
LIST_HEAD(il_rmrrs);
LIST_HEAD(il_atsrs);
LIST_HEAD(il_satcs);
LIST_HEAD(il_andds);
struct il_limits il_limits;
unsigned int il_nr_unknown;
bool il_default_identity, il_default_dma, il_strict;

static char *default_type = "";
module_param_named(default, default_type, charp, 0444);
MODULE_PARM_DESC(default, "DMA of drivers bound from now on: identity or dma (the kernel's own default)");

module_param_named(strict, il_strict, bool, 0444);
MODULE_PARM_DESC(strict, "invalidate at each unmap of the DMA API, not later in batches");

static bool nosuperpages;
module_param(nosuperpages, bool, 0444);
MODULE_PARM_DESC(nosuperpages, "map with 4 KiB pages only");

static bool noqi;
module_param(noqi, bool, 0444);
MODULE_PARM_DESC(noqi, "invalidate by registers, not by the queue");

#define MAX_REGMAP	16
static unsigned long regmap[MAX_REGMAP];
static int nr_regmap;
module_param_array(regmap, ulong, &nr_regmap, 0444);
MODULE_PARM_DESC(regmap, "register addresses of units 0, 1, ... in place of the table's (0: the table's)");

static int copy_entry(struct dmar_entry *to, const struct dmar_entry *from)
{
	*to = *from;
	if (from->name) {
		to->name = kstrdup(from->name, GFP_KERNEL);
		return to->name ? 0 : -ENOMEM;
	}
	if (from->scopes_length) {
		to->scopes = kmemdup(from->scopes, from->scopes_length,
				     GFP_KERNEL);
		return to->scopes ? 0 : -ENOMEM;
	}
	to->scopes = NULL;
	return 0;
}

static struct dmar_drhd_unit *alloc_unit(const struct dmar_entry *entry)
{
	struct dmar_drhd_unit *unit = kzalloc(sizeof(*unit), GFP_KERNEL);

	if (!unit)
		return NULL;
	if (copy_entry(&unit->hdr, entry)) {
		kfree(unit);
		return NULL;
	}
	unit->segment = entry->segment;
	unit->include_all = entry->flags & DMAR_DRHD_INCLUDE_PCI_ALL;
	unit->reg_base_addr = entry->base;
	unit->node = NUMA_NO_NODE;
	raw_spin_lock_init(&unit->context_lock);
	raw_spin_lock_init(&unit->register_lock);
	spin_lock_init(&unit->fault_lock);
	ida_init(&unit->domain_ids);
	INIT_LIST_HEAD(&unit->devices);
	return unit;
}

static void free_units(void)
{
	struct dmar_drhd_unit *unit, *next;

	list_for_each_entry_safe(unit, next, &il_units, list) {
		il_unit_release(unit);
		ida_destroy(&unit->domain_ids);
		kfree(unit->hdr.scopes);
		kfree(unit);
	}
	INIT_LIST_HEAD(&il_units);
}

static void free_regions(struct list_head *head)
{
	struct il_region *region, *next;

	list_for_each_entry_safe(region, next, head, list) {
		kfree(region->entry.scopes);
		kfree(region->entry.name);
		kfree(region);
	}
	INIT_LIST_HEAD(head);
}

static void free_table(void)
{
	free_units();
	free_regions(&il_rmrrs);
	free_regions(&il_atsrs);
	free_regions(&il_satcs);
	free_regions(&il_andds);
}

static int add_drhd(struct dmar_walk *walk, const struct dmar_entry *entry)
{
	struct dmar_drhd_unit *unit = alloc_unit(entry);

	if (!unit)
		return -ENOMEM;
	if (!list_empty(&il_units))
		unit->id = list_last_entry(&il_units, struct dmar_drhd_unit,
					   list)->id + 1;
	if (unit->id < nr_regmap && regmap[unit->id])
		unit->reg_base_addr = regmap[unit->id];
	list_add_tail(&unit->list, &il_units);
	return 0;
}

static int add_region(struct list_head *head, const struct dmar_entry *entry)
{
	struct il_region *region = kzalloc(sizeof(*region), GFP_KERNEL);

	if (!region)
		return -ENOMEM;
	if (copy_entry(&region->entry, entry)) {
		kfree(region);
		return -ENOMEM;
	}
	list_add_tail(&region->list, head);
	return 0;
}

static int add_rmrr(struct dmar_walk *walk, const struct dmar_entry *entry)
{
	return add_region(&il_rmrrs, entry);
}

static int add_atsr(struct dmar_walk *walk, const struct dmar_entry *entry)
{
	return add_region(&il_atsrs, entry);
}

static int add_satc(struct dmar_walk *walk, const struct dmar_entry *entry)
{
	return add_region(&il_satcs, entry);
}

static int add_rhsa(struct dmar_walk *walk, const struct dmar_entry *entry)
{
	struct dmar_drhd_unit *unit;
	int node = pxm_to_node(entry->proximity);

	list_for_each_entry(unit, &il_units, list)
		if (unit->hdr.base == entry->base && node_online(node))
			unit->node = node;
	return 0;
}

static int add_andd(struct dmar_walk *walk, const struct dmar_entry *entry)
{
	return add_region(&il_andds, entry);
}

/* A table that is wrong somewhere is not trusted anywhere: check it first */
static int read_table(void)
{
	struct dmar_walk check = {};
	struct dmar_walk walk = {
		.handler = {
			[DMAR_DRHD] = add_drhd,
			[DMAR_RMRR] = add_rmrr,
			[DMAR_ATSR] = add_atsr,
			[DMAR_RHSA] = add_rhsa,
			[DMAR_ANDD] = add_andd,
			[DMAR_SATC] = add_satc,
		},
	};
	struct acpi_table_header *table;
	int ret;

	if (ACPI_FAILURE(acpi_get_table("DMAR", 0, &table))) {
		pr_err("no DMAR table: enable VT-d in the firmware's set-up\n");
		return -ENODEV;
	}
	ret = dmar_walk_table(&check, table, table->length);
	if (ret)
		pr_err("DMAR table is wrong at offset 0x%x: %s: update the firmware\n",
		       check.error_offset, check.error);
	else
		ret = dmar_walk_table(&walk, table, table->length);
	acpi_put_table(table);
	il_nr_unknown = walk.nr_unknown;
	if (!ret && list_empty(&il_units)) {
		pr_err("DMAR table has no remapping unit: update the firmware\n");
		ret = -ENODEV;
	}
	if (ret)
		free_table();
	return ret;
}

static int check_parameters(void)
{
	il_default_identity = !strcmp(default_type, "identity");
	il_default_dma = !strcmp(default_type, "dma");
	if (*default_type && !il_default_identity && !il_default_dma) {
		pr_err("default=%s is neither identity nor dma\n",
		       default_type);
		return -EINVAL;
	}
	return 0;
}

static void stop_units(void)
{
	struct dmar_drhd_unit *unit;

	list_for_each_entry(unit, &il_units, list)
		if (unit->root)
			il_unit_stop(unit);
}

static int start_units(void)
{
	struct dmar_drhd_unit *unit;
	int ret;

	list_for_each_entry(unit, &il_units, list) {
		ret = il_unit_start(unit);
		if (ret) {
			stop_units();
			return ret;
		}
	}
	return 0;
}

/* After the devices, on the last CPU: for reboot, kexec and sleep */
static void quiesce_units(void)
{
	struct dmar_drhd_unit *unit;

	list_for_each_entry(unit, &il_units, list)
		il_unit_quiesce(unit);
}

static int sleep_units(void)
{
	quiesce_units();
	return 0;
}

/* Before the devices */
static void wake_units(void)
{
	struct dmar_drhd_unit *unit;

	list_for_each_entry(unit, &il_units, list)
		il_unit_resume(unit);
}

#ifdef HAVE_STRUCT_SYSCORE
static void shutdown_units(void *data)
{
	quiesce_units();
}

static int suspend_units(void *data)
{
	return sleep_units();
}

static void resume_units(void *data)
{
	wake_units();
}

static const struct syscore_ops syscore_ops = {
	.shutdown = shutdown_units,
	.suspend = suspend_units,
	.resume = resume_units,
};

static struct syscore syscore = {
	.ops = &syscore_ops,
};

static void watch_shutdown(bool on)
{
	if (on)
		register_syscore(&syscore);
	else
		unregister_syscore(&syscore);
}
#else
static struct syscore_ops syscore_ops = {
	.shutdown = quiesce_units,
	.suspend = sleep_units,
	.resume = wake_units,
};

static void watch_shutdown(bool on)
{
	if (on)
		register_syscore_ops(&syscore_ops);
	else
		unregister_syscore_ops(&syscore_ops);
}
#endif

static int __init iommu_lite_init(void)
{
	struct dmar_drhd_unit *unit;
	int ret;

	ret = check_parameters();
	if (ret)
		return ret;
	ret = read_table();
	if (ret)
		return ret;
	list_for_each_entry(unit, &il_units, list) {
		ret = il_unit_probe(unit, !noqi);
		if (ret)
			goto err_table;
	}
	ret = il_units_limits();
	if (ret)
		goto err_table;
	if (nosuperpages)
		il_limits.leaf_levels = 1;
	ret = il_identity_init();
	if (ret)
		goto err_table;
	ret = il_fault_init();
	if (ret)
		goto err_identity;
	ret = start_units();
	if (ret)
		goto err_fault;
	ret = il_core_register();
	if (ret)
		goto err_stop;
	ret = il_uapi_init();
	if (ret)
		goto err_core;
	ret = il_ppt_init();
	if (ret)
		goto err_uapi;
	watch_shutdown(true);
	il_debugfs_init();
	pr_info("%u-bit addresses, %u levels, pages up to %s%s%s%s\n",
		il_limits.address_bits, il_limits.levels,
		il_limits.leaf_levels == 3 ? "1G" :
		il_limits.leaf_levels == 2 ? "2M" : "4K",
		il_limits.caching ? ", caching mode" : "",
		il_limits.snoop ? ", snoop control" : "",
		list_first_entry(&il_units, struct dmar_drhd_unit, list)->irt ?
		", interrupt remapping for lent devices" : "");
	return 0;

err_uapi:
	il_uapi_exit();
err_core:
	il_core_unregister();
err_stop:
	stop_units();
err_fault:
	il_fault_exit();
err_identity:
	il_identity_exit();
err_table:
	free_table();
	return ret;
}

static void __exit iommu_lite_exit(void)
{
	il_debugfs_exit();
	watch_shutdown(false);
	il_ppt_exit();
	il_uapi_exit();
	il_core_unregister();
	stop_units();
	il_fault_exit();
	il_identity_exit();
	free_table();
	rcu_barrier();
}

module_init(iommu_lite_init);
module_exit(iommu_lite_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Intel VT-d: DMA remapping, with /dev/iommu-lite for user space");
