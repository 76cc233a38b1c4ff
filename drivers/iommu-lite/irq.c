// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt remapping (VT-d specification 5.1) for devices that are lent.
 *
 * The kernel has set up its own interrupts before a module can come, so they
 * stay in compatibility format, which the unit has to let pass (GCMD.CFI).
 * A lent device's MSI name an entry of the unit's table instead, which only
 * that device may use: a vector can move without the device, and what another
 * device writes does not become its interrupt.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/bitmap.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <asm/apic.h>
#include <asm/cacheflush.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/msi.h>

#include "iommu-lite.h"
#include "irte.h"

#define TABLE_BITS	12
#define ENTRIES		BIT(TABLE_BITS)
#define TABLE_ORDER	get_order(ENTRIES * sizeof(struct il_irte))

/**
 * struct il_irt - interrupt remapping table of a unit
 * @unit: the unit (r)
 * @table: read by hardware; an entry is written by the interrupt it belongs to
 * @lock: guards @used
 * @used: entries given away
 * @node: names @domain
 * @domain: between the vectors and the devices' messages
 * @msi_node: names @msi_domain, where the kernel wants one
 * @msi_domain: what devices are given
 */
struct il_irt {
	struct dmar_drhd_unit *unit;
	struct il_irte *table;
	spinlock_t lock;	/* guards @used */
	DECLARE_BITMAP(used, ENTRIES);
	struct fwnode_handle *node;
	struct irq_domain *domain;
	struct fwnode_handle *msi_node;
	struct irq_domain *msi_domain;
};

static struct il_irt *irt_of(struct irq_data *data)
{
	return irq_data_get_irq_chip_data(data);
}

/* The lower half says whether the upper one counts: they are written apart */
static void write_half(struct il_irt *irt, u64 *half, u64 value)
{
	WRITE_ONCE(*half, value);
	if (!ECAP_C(irt->unit->ecap))
		clflush_cache_range(half, sizeof(*half));
	else
		wmb();	/* before the invalidation, and the other half */
}

/* 6.5.2.7; in caching mode after entries have become present, too */
static int flush_entry(struct il_irt *irt, unsigned int index)
{
	const struct il_inv inv = {
		.kind = IL_INV_IEC_INDEX,
		.index = index,
	};

	return il_invalidate(irt->unit, &inv, 1);
}

static void write_target(struct irq_data *data)
{
	struct il_irt *irt = irt_of(data);
	struct irq_cfg *cfg = irqd_cfg(data);

	write_half(irt, &irt->table[data->hwirq].lo,
		   il_irte_target(cfg->vector, cfg->dest_apicid,
				  apic->dest_mode_logical));
	flush_entry(irt, data->hwirq);
}

static int set_affinity(struct irq_data *data, const struct cpumask *mask,
			bool force)
{
	struct irq_data *parent = data->parent_data;
	int ret = parent->chip->irq_set_affinity(parent, mask, force);

	if (ret < 0 || ret == IRQ_SET_MASK_OK_DONE)
		return ret;
	write_target(data);
	/* The device's message names the entry, which stays the same */
	return IRQ_SET_MASK_OK_DONE;
}

static void compose_message(struct irq_data *data, struct msi_msg *message)
{
	*message = (struct msi_msg){
		.address_lo = il_irte_message(data->hwirq),
	};
}

static struct irq_chip chip = {
	.name			= "iommu-lite-ir",
	.irq_ack		= irq_chip_ack_parent,
	.irq_set_affinity	= set_affinity,
	.irq_compose_msi_msg	= compose_message,
};

/* Several messages of one device follow each other, from a multiple on */
static int take_entries(struct il_irt *irt, unsigned int count)
{
	unsigned long mask = roundup_pow_of_two(count) - 1, index;

	spin_lock(&irt->lock);
	index = bitmap_find_next_zero_area(irt->used, ENTRIES, 0, count, mask);
	if (index < ENTRIES)
		bitmap_set(irt->used, index, count);
	spin_unlock(&irt->lock);
	return index < ENTRIES ? index : -ENOSPC;
}

static int source_of(struct pci_dev *pdev, u64 *source)
{
	struct il_device *device;

	mutex_lock(&il_device_lock);
	device = il_device_of(pdev);
	if (device)
		*source = il_irte_source(device->sids, device->nr_sids);
	mutex_unlock(&il_device_lock);
	return device ? 0 : -ENODEV;
}

static int alloc_interrupts(struct irq_domain *domain, unsigned int virq,
			    unsigned int count, void *arg)
{
	struct il_irt *irt = domain->host_data;
	struct irq_alloc_info *info = arg;
	unsigned int i;
	u64 source;
	int index, ret;

	ret = source_of(msi_desc_to_pci_dev(info->desc), &source);
	if (ret)
		return ret;
	/* Each has an entry, so that vectors need not be neighbours */
	il_scatter_vectors(info);
	ret = irq_domain_alloc_irqs_parent(domain, virq, count, arg);
	if (ret)
		return ret;
	index = take_entries(irt, count);
	if (index < 0) {
		irq_domain_free_irqs_common(domain, virq, count);
		return index;
	}
	for (i = 0; i < count; i++) {
		write_half(irt, &irt->table[index + i].hi, source);
		irq_domain_set_hwirq_and_chip(domain, virq + i, index + i,
					      &chip, irt);
	}
	return 0;
}

static int clear_entry(struct il_irt *irt, unsigned int index)
{
	write_half(irt, &irt->table[index].lo, 0);
	return flush_entry(irt, index);
}

static void free_interrupts(struct irq_domain *domain, unsigned int virq,
			    unsigned int count)
{
	struct il_irt *irt = domain->host_data;
	struct irq_data *data;
	unsigned int i;

	for (i = 0; i < count; i++) {
		data = irq_domain_get_irq_data(domain, virq + i);
		if (clear_entry(irt, data->hwirq))
			continue;	/* better lost than somebody else's */
		spin_lock(&irt->lock);
		__clear_bit(data->hwirq, irt->used);
		spin_unlock(&irt->lock);
	}
	irq_domain_free_irqs_common(domain, virq, count);
}

static int activate(struct irq_domain *domain, struct irq_data *data,
		    bool early)
{
	write_target(data);
	return 0;
}

static void deactivate(struct irq_domain *domain, struct irq_data *data)
{
	clear_entry(irt_of(data), data->hwirq);
}

static const struct irq_domain_ops domain_ops = {
	.alloc		= alloc_interrupts,
	.free		= free_interrupts,
	.activate	= activate,
	.deactivate	= deactivate,
};

#ifdef HAVE_MSI_PARENT_OPS
static struct msi_parent_ops parent_ops;

static bool init_dev_msi_info(struct device *dev, struct irq_domain *domain,
			      struct irq_domain *parent,
			      struct msi_domain_info *info)
{
	return domain->parent->msi_parent_ops->init_dev_msi_info(dev,
								 domain->parent,
								 parent, info);
}

/* Each device gets a domain of its own, with this one as its parent */
static int make_msi_domain(struct il_irt *irt)
{
	parent_ops = *x86_vector_domain->msi_parent_ops;
	parent_ops.supported_flags |= MSI_FLAG_MULTI_PCI_MSI;
	parent_ops.prefix = "iommu-lite-";
	parent_ops.init_dev_msi_info = init_dev_msi_info;
	irq_domain_update_bus_token(irt->domain, DOMAIN_BUS_DMAR);
	irt->domain->flags |= IRQ_DOMAIN_FLAG_MSI_PARENT;
	irt->domain->msi_parent_ops = &parent_ops;
	irt->msi_domain = irt->domain;
	return 0;
}

static void drop_msi_domain(struct il_irt *irt)
{
}
#else
static struct msi_domain_ops msi_ops = {
	.msi_prepare	= pci_msi_prepare,
};

static struct irq_chip msi_chip = {
	.name		= "iommu-lite-msi",
	.irq_unmask	= pci_msi_unmask_irq,
	.irq_mask	= pci_msi_mask_irq,
	.irq_ack	= irq_chip_ack_parent,
	.irq_retrigger	= irq_chip_retrigger_hierarchy,
	.flags		= IRQCHIP_SKIP_SET_WAKE |
			  IRQCHIP_AFFINITY_PRE_STARTUP,
};

static struct msi_domain_info msi_info = {
	.flags		= MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS |
			  MSI_FLAG_MULTI_PCI_MSI | MSI_FLAG_PCI_MSIX,
	.ops		= &msi_ops,
	.chip		= &msi_chip,
	.handler	= handle_edge_irq,
	.handler_name	= "edge",
};

static int make_msi_domain(struct il_irt *irt)
{
	irt->msi_node = irq_domain_alloc_named_id_fwnode("iommu-lite-msi",
							 irt->unit->id);
	if (!irt->msi_node)
		return -ENOMEM;
	irt->msi_domain = pci_msi_create_irq_domain(irt->msi_node, &msi_info,
						    irt->domain);
	return irt->msi_domain ? 0 : -ENOMEM;
}

static void drop_msi_domain(struct il_irt *irt)
{
	if (irt->msi_domain)
		irq_domain_remove(irt->msi_domain);
	if (irt->msi_node)
		irq_domain_free_fwnode(irt->msi_node);
}
#endif

static void free_irt(struct il_irt *irt)
{
	drop_msi_domain(irt);
	if (irt->domain)
		irq_domain_remove(irt->domain);
	if (irt->node)
		irq_domain_free_fwnode(irt->node);
	if (irt->table)
		free_pages((unsigned long)irt->table, TABLE_ORDER);
	kfree(irt);
}

static struct il_irt *alloc_irt(struct dmar_drhd_unit *unit)
{
	struct il_irt *irt = kzalloc(sizeof(*irt), GFP_KERNEL);
	struct page *pages;

	if (!irt)
		return NULL;
	irt->unit = unit;
	spin_lock_init(&irt->lock);
	pages = alloc_pages_node(unit->node, GFP_KERNEL | __GFP_ZERO,
				 TABLE_ORDER);
	irt->node = irq_domain_alloc_named_id_fwnode("iommu-lite-ir", unit->id);
	if (!pages || !irt->node)
		goto err_free;
	irt->table = page_address(pages);
	if (!ECAP_C(unit->ecap))
		clflush_cache_range(irt->table, ENTRIES * sizeof(*irt->table));
	irt->domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0,
						  irt->node, &domain_ops, irt);
	if (!irt->domain || make_msi_domain(irt))
		goto err_free;
	return irt;

err_free:
	if (pages && !irt->table)
		__free_pages(pages, TABLE_ORDER);
	free_irt(irt);
	return NULL;
}

/*
 * 5.1.4, 11.4.4.1: the table, then what may be cached of another one, then the
 * switch. The host's interrupts pass from the first moment: CFI comes before,
 * and stays in every later command. Not all units show it in GSTS.
 */
static int enable(struct dmar_drhd_unit *unit)
{
	const struct il_inv all = { .kind = IL_INV_IEC_GLOBAL };
	int ret;

	writeq(virt_to_phys(unit->irt->table) | (TABLE_BITS - 1),
	       unit->reg + DMAR_IRTA);
	ret = il_unit_switch(unit, GCMD_SIRTP, true, "IRTPS");
	if (!ret)
		ret = il_invalidate(unit, &all, 1);
	if (ret)
		return ret;
	unit->keep = GCMD_CFI;
	return il_unit_switch(unit, GCMD_IRE, true, "IRES");
}

static void disable(struct dmar_drhd_unit *unit)
{
	il_unit_switch(unit, GCMD_IRE, false, "IRES");
	unit->keep = 0;
}

/**
 * il_irq_start() - remap interrupts, where a unit can
 * @unit: translating
 *
 * It takes the invalidation queue, and CPUs in xAPIC mode: with x2APIC ids in
 * its entries a unit blocks the compatibility format (5.1.2.1). Without, lent
 * devices' interrupts are in that format, too. May sleep.
 */
void il_irq_start(struct dmar_drhd_unit *unit)
{
	if (!ECAP_IR(unit->ecap) || !unit->qi || x2apic_enabled())
		return;
	unit->irt = alloc_irt(unit);
	if (unit->irt && !enable(unit))
		return;
	pr_warn("unit %u: interrupts are not remapped\n", unit->id);
	il_irq_stop(unit);
}

/**
 * il_irq_stop() - switch interrupt remapping off
 * @unit: no device of it has an interrupt that is remapped
 *
 * May sleep.
 */
void il_irq_stop(struct dmar_drhd_unit *unit)
{
	if (!unit->irt)
		return;
	disable(unit);
	free_irt(unit->irt);
	unit->irt = NULL;
}

/**
 * il_irq_quiesce() - switch interrupt remapping off for sleep or another kernel
 * @unit: started; its devices are quiet
 *
 * Any context.
 */
void il_irq_quiesce(struct dmar_drhd_unit *unit)
{
	if (unit->irt)
		disable(unit);
}

/**
 * il_irq_resume() - switch it on again after sleep
 * @unit: its queue works
 *
 * Context: one CPU, interrupts off.
 */
void il_irq_resume(struct dmar_drhd_unit *unit)
{
	if (unit->irt && enable(unit))
		pr_err("unit %u: interrupts of lent devices are lost after sleep\n",
		       unit->id);
}

/**
 * il_irq_domain_of() - what makes a lent device's messages
 * @pdev: the device
 *
 * May sleep.
 *
 * Return: for dev_set_msi_domain(); NULL where its interrupts are not remapped.
 */
struct irq_domain *il_irq_domain_of(struct pci_dev *pdev)
{
	struct irq_domain *domain = NULL;
	struct il_device *device;

	mutex_lock(&il_device_lock);
	device = il_device_of(pdev);
	if (device && device->unit->irt)
		domain = device->unit->irt->msi_domain;
	mutex_unlock(&il_device_lock);
	return domain;
}

/**
 * il_irq_show() - a unit's entries that are in use, for people
 * @m: where to
 * @unit: the unit
 */
void il_irq_show(struct seq_file *m, struct dmar_drhd_unit *unit)
{
	struct il_irt *irt = unit->irt;
	unsigned int index;
	u64 lo, hi;

	seq_printf(m, "unit %u: %s\n", unit->id,
		   irt ? "remaps lent devices' interrupts" : "does not remap");
	for (index = 0; irt && index < ENTRIES; index++) {
		lo = READ_ONCE(irt->table[index].lo);
		hi = READ_ONCE(irt->table[index].hi);
		if (lo & IRTE_PRESENT)
			seq_printf(m, "  %u: vector 0x%llx %s apic %llu source 0x%04llx compared by %llu\n",
				   index, IRTE_VECTOR(lo),
				   lo & IRTE_LOGICAL ? "logical" : "physical",
				   IRTE_APIC_ID(lo), IRTE_SID(hi),
				   IRTE_SVT(hi));
	}
}
