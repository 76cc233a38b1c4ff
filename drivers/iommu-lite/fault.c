// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault records (VT-d specification 7.2, 11.4.7): the interrupt, the words for
 * the reasons, and who is told.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "iommu-lite.h"
#include "trace.h"

static struct irq_domain *fault_domain;
static struct fwnode_handle *fault_node;

#define FIRST_INTERRUPT_REASON	0x20

/* 7.2.3, table 26: legacy mode; interrupt requests from 0x20 on */
static const char * const reasons[] = {
	[0x01] = "root entry is not present",
	[0x02] = "context entry is not present: the device is blocked",
	[0x03] = "context entry is invalid",
	[0x04] = "address is beyond the domain's width",
	[0x05] = "address is not mapped for writing",
	[0x06] = "address is not mapped for reading",
	[0x07] = "next page table cannot be read",
	[0x08] = "root table cannot be read",
	[0x09] = "context table cannot be read",
	[0x0a] = "reserved bits are set in the root entry",
	[0x0b] = "reserved bits are set in the context entry",
	[0x0c] = "reserved bits are set in a page-table entry",
	[0x0d] = "translation request or translated request is blocked",
	[0x0e] = "request to the interrupt range is not allowed",
	[0x20] = "reserved bits are set in an interrupt request",
	[0x21] = "interrupt index is beyond the remapping table",
	[0x22] = "interrupt remapping entry is not present",
	[0x23] = "interrupt remapping table cannot be read",
	[0x24] = "reserved bits are set in an interrupt remapping entry",
	[0x25] = "interrupt in compatibility format is blocked",
	[0x26] = "interrupt from a source that may not send it",
};

/**
 * il_fault_reason() - a fault reason in words
 * @reason: as hardware gives it
 *
 * Return: a sentence without its end.
 */
const char *il_fault_reason(unsigned int reason)
{
	if (reason < ARRAY_SIZE(reasons) && reasons[reason])
		return reasons[reason];
	return "reason unknown";
}

static void deliver(struct dmar_drhd_unit *unit, u16 sid, u64 address,
		    bool read, unsigned int reason)
{
	struct il_device *device;
	struct il_devfd *listener;
	unsigned int i;

	rcu_read_lock();
	list_for_each_entry_rcu(device, &unit->devices, link) {
		for (i = 0; i < device->nr_sids; i++)
			if (device->sids[i] == sid)
				break;
		if (i == device->nr_sids)
			continue;
		atomic64_inc(&device->faults);
		listener = rcu_dereference(device->listener);
		if (listener)
			il_uapi_fault(listener, sid, address, read, reason);
	}
	rcu_read_unlock();
}

static void take_record(struct dmar_drhd_unit *unit, u64 lo, u64 hi)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);
	unsigned int reason = FRCD_REASON(hi);
	u64 address = lo & PAGE_MASK;
	bool read = hi & FRCD_READ;
	u16 sid = FRCD_SID(hi);

	atomic64_inc(&unit->stats.faults);
	trace_iommu_lite_fault(unit->id, sid, address, read, reason);
	if (reason >= FIRST_INTERRUPT_REASON && __ratelimit(&limit))
		pr_warn("unit %u: device %04x:%02x:%02x.%x, interrupt %llu blocked: %s (0x%x)\n",
			unit->id, unit->segment, sid >> 8, PCI_SLOT(sid & 0xff),
			PCI_FUNC(sid & 0xff), lo >> 48, il_fault_reason(reason),
			reason);
	else if (__ratelimit(&limit))
		pr_warn("unit %u: device %04x:%02x:%02x.%x, DMA %s at 0x%llx blocked: %s (0x%x)\n",
			unit->id, unit->segment, sid >> 8, PCI_SLOT(sid & 0xff),
			PCI_FUNC(sid & 0xff), read ? "read" : "write", address,
			il_fault_reason(reason), reason);
	deliver(unit, sid, address, read, reason);
}

/**
 * il_fault_drain() - take all fault records a unit has
 * @unit: the unit
 *
 * Begins at the oldest record and looks at each once: a device that faults
 * faster than records are taken cannot hold the CPU here. Any context but NMI.
 */
void il_fault_drain(struct dmar_drhd_unit *unit)
{
	unsigned int records = CAP_NFR(unit->cap), index, i;
	void __iomem *at;
	unsigned long flags;
	u64 lo, hi;
	u32 status;

	spin_lock_irqsave(&unit->fault_lock, flags);
	status = readl(unit->reg + DMAR_FSTS);
	index = FSTS_FRI(status) % records;
	for (i = 0; i < records; i++, index = (index + 1) % records) {
		at = unit->reg + CAP_FRO(unit->cap) + index * 16;
		hi = readq(at + 8);
		if (!(hi & FRCD_F))
			continue;
		lo = readq(at);
		writel(BIT(31), at + 12);
		take_record(unit, lo, hi);
	}
	if (status & FSTS_PFO) {
		atomic64_inc(&unit->stats.overflows);
		writel(FSTS_PFO, unit->reg + DMAR_FSTS);
	}
	spin_unlock_irqrestore(&unit->fault_lock, flags);
}

static irqreturn_t fault_interrupt(int irq, void *data)
{
	il_fault_drain(data);
	return IRQ_HANDLED;
}

static struct dmar_drhd_unit *unit_of(struct irq_data *data)
{
	return irq_data_get_irq_chip_data(data);
}

static void mask_fault(struct irq_data *data)
{
	writel(FECTL_IM, unit_of(data)->reg + DMAR_FECTL);
	readl(unit_of(data)->reg + DMAR_FECTL);
}

static void unmask_fault(struct irq_data *data)
{
	writel(0, unit_of(data)->reg + DMAR_FECTL);
	readl(unit_of(data)->reg + DMAR_FECTL);
}

/* The message of an MSI goes into the unit's own registers (11.4.7.3) */
static void write_message(struct irq_data *data)
{
	void __iomem *reg = unit_of(data)->reg;
	struct irq_data *parent = data->parent_data;
	struct msi_msg message = {};

	parent->chip->irq_compose_msi_msg(parent, &message);
	writel(message.data, reg + DMAR_FEDATA);
	writel(message.address_lo, reg + DMAR_FEADDR);
	writel(message.address_hi, reg + DMAR_FEUADDR);
}

static int set_fault_affinity(struct irq_data *data, const struct cpumask *mask,
			      bool force)
{
	struct irq_data *parent = data->parent_data;
	int ret = parent->chip->irq_set_affinity(parent, mask, force);

	if (ret >= 0 && ret != IRQ_SET_MASK_OK_DONE)
		write_message(data);
	return ret;
}

static struct irq_chip fault_chip = {
	.name			= "iommu-lite",
	.irq_mask		= mask_fault,
	.irq_unmask		= unmask_fault,
	.irq_ack		= irq_chip_ack_parent,
	.irq_retrigger		= irq_chip_retrigger_hierarchy,
	.irq_set_affinity	= set_fault_affinity,
	.flags			= IRQCHIP_SKIP_SET_WAKE |
				  IRQCHIP_AFFINITY_PRE_STARTUP,
};

static int alloc_fault(struct irq_domain *domain, unsigned int virq,
		       unsigned int count, void *arg)
{
	struct irq_alloc_info *info = arg;
	int ret;

	ret = irq_domain_alloc_irqs_parent(domain, virq, count, arg);
	if (!ret)
		irq_domain_set_info(domain, virq, info->hwirq, &fault_chip,
				    info->data, handle_edge_irq, NULL, "edge");
	return ret;
}

static int activate_fault(struct irq_domain *domain, struct irq_data *data,
			  bool early)
{
	write_message(data);
	return 0;
}

static const struct irq_domain_ops fault_domain_ops = {
	.alloc		= alloc_fault,
	.free		= irq_domain_free_irqs_common,
	.activate	= activate_fault,
};

/**
 * il_fault_init() - prepare for the units' fault interrupts
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int il_fault_init(void)
{
	fault_node = irq_domain_alloc_named_fwnode("iommu-lite");
	if (!fault_node)
		return -ENOMEM;
	fault_domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0,
						   fault_node,
						   &fault_domain_ops, NULL);
	if (!fault_domain) {
		irq_domain_free_fwnode(fault_node);
		return -ENOMEM;
	}
	return 0;
}

/**
 * il_fault_exit() - undo il_fault_init()
 */
void il_fault_exit(void)
{
	irq_domain_remove(fault_domain);
	irq_domain_free_fwnode(fault_node);
}

/* What has piled up before us is not ours to report */
static void drop_records(struct dmar_drhd_unit *unit)
{
	unsigned int i;

	for (i = 0; i < CAP_NFR(unit->cap); i++)
		writel(BIT(31),
		       unit->reg + CAP_FRO(unit->cap) + i * 16 + 12);
	writel(FSTS_PFO, unit->reg + DMAR_FSTS);
}

/**
 * il_fault_start() - take a unit's fault interrupt
 * @unit: with registers
 *
 * May sleep.
 *
 * Return: 0 or -errno, told in the log.
 */
int il_fault_start(struct dmar_drhd_unit *unit)
{
	struct irq_alloc_info info = {
		.type = X86_IRQ_ALLOC_TYPE_DMAR,
		.hwirq = unit->id,
		.data = unit,
	};
	int virq, ret;

	drop_records(unit);
	virq = irq_domain_alloc_irqs(fault_domain, 1, unit->node, &info);
	if (virq <= 0) {
		pr_err("unit %u: no vector for the fault interrupt\n",
		       unit->id);
		return virq ?: -ENOSPC;
	}
	ret = request_irq(virq, fault_interrupt, IRQF_NO_THREAD,
			  "iommu-lite-fault", unit);
	if (ret) {
		pr_err("unit %u: no fault interrupt (%d)\n", unit->id, ret);
		irq_dispose_mapping(virq);
		return ret;
	}
	unit->virq = virq;
	return 0;
}

/**
 * il_fault_resume() - program a unit's fault interrupt again after sleep
 * @unit: started
 *
 * Context: one CPU, interrupts off.
 */
void il_fault_resume(struct dmar_drhd_unit *unit)
{
	drop_records(unit);
	write_message(irq_get_irq_data(unit->virq));
	writel(0, unit->reg + DMAR_FECTL);
}

/**
 * il_fault_stop() - give a unit's fault interrupt back
 * @unit: started
 */
void il_fault_stop(struct dmar_drhd_unit *unit)
{
	if (!unit->virq)
		return;
	free_irq(unit->virq, unit);
	irq_dispose_mapping(unit->virq);
	unit->virq = 0;
}
