// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/iommu-lite: the driver's state, for people.
 */
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "iommu-lite.h"

static struct dentry *directory;

static const char *domain_type(const struct dmar_domain *domain)
{
	switch (domain->domain.type) {
	case IOMMU_DOMAIN_BLOCKED:
		return "blocked";
	case IOMMU_DOMAIN_IDENTITY:
		return "identity";
	case IOMMU_DOMAIN_UNMANAGED:
		return "unmanaged";
	case IOMMU_DOMAIN_DMA:
		return "dma";
	case IOMMU_DOMAIN_DMA_FQ:
		return "dma-fq";
	default:
		return "?";
	}
}

static void show_words(struct seq_file *m, u64 value, const char * const *words,
		       unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (words[i] && value >> i & 1)
			seq_printf(m, " %s", words[i]);
}

static void show_capabilities(struct seq_file *m, struct dmar_drhd_unit *unit)
{
	static const char * const cap_words[] = {
		[3] = "AFL", [4] = "RWBF", [5] = "PLMR", [6] = "PHMR",
		[7] = "CM", [22] = "ZLR", [34] = "2M", [35] = "1G",
		[39] = "PSI", [54] = "DWD", [55] = "DRD", [56] = "FL1GP",
		[59] = "PI", [60] = "FL5LP",
	};
	static const char * const ecap_words[] = {
		[0] = "C", [1] = "QI", [2] = "DT", [3] = "IR", [4] = "EIM",
		[6] = "PT", [7] = "SC", [25] = "MHMV", [26] = "MTS",
		[27] = "NEST", [29] = "PRS", [30] = "ERS", [31] = "SRS",
		[33] = "NWFS", [34] = "EAFS", [40] = "PASID", [41] = "DIT",
		[42] = "PDS", [43] = "SMTS", [46] = "SLTS", [47] = "FLTS",
	};

	seq_printf(m, "  cap 0x%016llx: %u-bit addresses, domain ids %u, fault records %llu, MAMV %llu,",
		   unit->cap, (unsigned int)CAP_MGAW(unit->cap),
		   1u << CAP_ND(unit->cap), CAP_NFR(unit->cap),
		   CAP_MAMV(unit->cap));
	show_words(m, unit->cap, cap_words, ARRAY_SIZE(cap_words));
	seq_printf(m, "\n  ecap 0x%016llx:", unit->ecap);
	show_words(m, unit->ecap, ecap_words, ARRAY_SIZE(ecap_words));
	seq_puts(m, "\n");
}

/* The ACPI name behind a namespace scope's number (8.6) */
static const char *namespace_name(const struct dmar_scope *scope)
{
	struct il_region *andd;

	if (scope->type == DMAR_SCOPE_NAMESPACE)
		list_for_each_entry(andd, &il_andds, list)
			if (andd->entry.acpi_device == scope->enumeration_id)
				return andd->entry.name;
	return NULL;
}

static void show_scopes(struct seq_file *m, struct dmar_drhd_unit *unit)
{
	struct dmar_scope scope;
	const char *name;
	u32 position = 0;
	u8 bus, devfn;

	while (dmar_next_scope(&unit->hdr, &position, &scope)) {
		name = dmar_scope_name(scope.type);
		seq_printf(m, "  scope %s id %u: ", name ?: "unknown",
			   scope.enumeration_id);
		name = namespace_name(&scope);
		if (name)
			seq_printf(m, "%s at ", name);
		if (il_scope_target(unit->segment, &scope, &bus, &devfn))
			seq_printf(m, "%04x:%02x:%02x.%x\n", unit->segment,
				   bus, PCI_SLOT(devfn), PCI_FUNC(devfn));
		else
			seq_puts(m, "not reachable\n");
	}
}

static int units_show(struct seq_file *m, void *unused)
{
	struct dmar_drhd_unit *unit;
	struct il_device *device;
	unsigned int count;

	list_for_each_entry(unit, &il_units, list) {
		seq_printf(m, "unit %u segment %04x registers 0x%llx-0x%llx node %d levels %u%s%s\n",
			   unit->id, unit->segment, unit->reg_base_addr,
			   unit->reg_base_addr + unit->reg_size - 1, unit->node,
			   unit->levels,
			   unit->include_all ? " include-all" : "",
			   unit->was_on ? " taken over while translating" : "");
		show_capabilities(m, unit);
		seq_printf(m, "  gsts 0x%08x fsts 0x%08x invalidation by %s\n",
			   readl(unit->reg + DMAR_GSTS),
			   readl(unit->reg + DMAR_FSTS),
			   unit->qi ? "queue" : "registers");
		seq_printf(m, "  invalidations: context %lld iotlb %lld device-tlb %lld interrupt %lld write-buffer %lld errors %lld\n",
			   atomic64_read(&unit->stats.context),
			   atomic64_read(&unit->stats.iotlb),
			   atomic64_read(&unit->stats.device_tlb),
			   atomic64_read(&unit->stats.interrupt),
			   atomic64_read(&unit->stats.write_buffer),
			   atomic64_read(&unit->stats.errors));
		seq_printf(m, "  faults: %lld overflows %lld\n",
			   atomic64_read(&unit->stats.faults),
			   atomic64_read(&unit->stats.overflows));
		show_scopes(m, unit);
		count = 0;
		mutex_lock(&il_device_lock);
		list_for_each_entry(device, &unit->devices, link)
			count++;
		mutex_unlock(&il_device_lock);
		if (count)
			seq_printf(m, "  governs %u devices\n", count);
		else
			seq_puts(m, "  governs no present device\n");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(units);

static int devices_show(struct seq_file *m, void *unused)
{
	struct dmar_drhd_unit *unit;
	struct il_device *device;
	struct dmar_domain *domain;
	unsigned int i;
	u64 lo, hi;

	mutex_lock(&il_device_lock);
	list_for_each_entry(unit, &il_units, list) {
		list_for_each_entry(device, &unit->devices, link) {
			domain = READ_ONCE(device->domain);
			il_unit_get_context(unit, device->sids[0], &lo, &hi);
			seq_printf(m, "%s unit %u domain %u %s did %llu faults %lld",
				   pci_name(device->pdev), unit->id,
				   domain ? domain->id : 0,
				   domain ? domain_type(domain) : "none",
				   lo ? CONTEXT_ENTRY_DID(hi) : 0,
				   atomic64_read(&device->faults));
			for (i = 1; i < device->nr_sids; i++)
				seq_printf(m, " alias %02x:%02x.%x",
					   device->sids[i] >> 8,
					   PCI_SLOT(device->sids[i] & 0xff),
					   PCI_FUNC(device->sids[i] & 0xff));
			if (device->ats_enabled)
				seq_printf(m, " ats depth %u",
					   device->ats_depth);
			if (device->holds_module)
				seq_puts(m, " holds the module");
			seq_puts(m, "\n");
		}
	}
	mutex_unlock(&il_device_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

static int contexts_show(struct seq_file *m, void *unused)
{
	static const char * const types[] = {
		"untranslated", "device-tlb", "pass-through", "reserved",
	};
	struct dmar_drhd_unit *unit;
	unsigned int sid;
	u64 lo, hi;

	list_for_each_entry(unit, &il_units, list) {
		seq_printf(m, "unit %u root 0x%llx\n", unit->id,
			   (u64)virt_to_phys(unit->root));
		for (sid = 0; sid <= U16_MAX; sid++) {
			if (!READ_ONCE(unit->context[sid >> 8])) {
				sid |= 0xff;
				continue;
			}
			if (!il_unit_get_context(unit, sid, &lo, &hi))
				continue;
			seq_printf(m, "  %02x:%02x.%x %s did %llu levels %llu table 0x%llx\n",
				   sid >> 8, PCI_SLOT(sid & 0xff),
				   PCI_FUNC(sid & 0xff), types[lo >> 2 & 3],
				   CONTEXT_ENTRY_DID(hi), (hi & 7) + 2,
				   lo & IL_PTE_ADDRESS);
		}
		cond_resched();
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(contexts);

static int interrupts_show(struct seq_file *m, void *unused)
{
	struct dmar_drhd_unit *unit;

	list_for_each_entry(unit, &il_units, list)
		il_irq_show(m, unit);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(interrupts);

static int domains_show(struct seq_file *m, void *unused)
{
	struct dmar_domain *domain;
	struct il_attachment *a;

	mutex_lock(&il_domains_lock);
	list_for_each_entry(domain, &il_domains, link) {
		seq_printf(m, "domain %u %s devices %u", domain->id,
			   domain_type(domain), domain->nr_devices);
		if (domain->pt.root)
			seq_printf(m, " mapped %lld KiB tables %ld levels %u",
				   atomic64_read(&domain->mapped) >> 10,
				   atomic_long_read(&domain->pt.nr_tables),
				   domain->pt.levels);
		rcu_read_lock();
		list_for_each_entry_rcu(a, &domain->units, link)
			seq_printf(m, " unit %u did %u", a->unit->id, a->did);
		rcu_read_unlock();
		seq_puts(m, "\n");
	}
	mutex_unlock(&il_domains_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(domains);

static int queues_show(struct seq_file *m, void *unused)
{
	struct dmar_drhd_unit *unit;
	struct il_qi_desc desc;
	u64 head, tail, index;
	u32 completed;

	list_for_each_entry(unit, &il_units, list) {
		if (!unit->qi) {
			seq_printf(m, "unit %u has no queue\n", unit->id);
			continue;
		}
		il_qi_state(unit, &head, &tail, &completed);
		seq_printf(m, "unit %u head %llu tail %llu completed %u, the last 16:\n",
			   unit->id, head, tail, completed);
		for (index = tail + 256 - 16; index < tail + 256; index++) {
			desc = il_qi_desc_at(unit, index);
			seq_printf(m, "  %3llu 0x%016llx 0x%016llx\n",
				   index % 256, desc.hi, desc.lo);
		}
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queues);

static int table_show(struct seq_file *m, void *unused)
{
	struct il_region *region;

	list_for_each_entry(region, &il_rmrrs, list)
		seq_printf(m, "RMRR segment %04x memory 0x%llx-0x%llx\n",
			   region->entry.segment, region->entry.base,
			   region->entry.limit);
	list_for_each_entry(region, &il_atsrs, list)
		seq_printf(m, "ATSR segment %04x%s\n", region->entry.segment,
			   region->entry.flags & DMAR_ATSR_ALL_PORTS ?
			   " all ports" : "");
	list_for_each_entry(region, &il_satcs, list)
		seq_printf(m, "SATC segment %04x\n", region->entry.segment);
	list_for_each_entry(region, &il_andds, list)
		seq_printf(m, "ANDD device %u name %s\n",
			   region->entry.acpi_device, region->entry.name);
	seq_printf(m, "of unknown type: %u\n", il_nr_unknown);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(table);

/* What rmmod means by "in use" */
static int users_show(struct seq_file *m, void *unused)
{
	struct dmar_drhd_unit *unit;
	struct dmar_domain *domain;
	struct il_device *device;

	mutex_lock(&il_device_lock);
	list_for_each_entry(unit, &il_units, list)
		list_for_each_entry(device, &unit->devices, link)
			if (device->holds_module)
				seq_printf(m, "driver of %s: unbind it\n",
					   pci_name(device->pdev));
	mutex_unlock(&il_device_lock);
	mutex_lock(&il_domains_lock);
	list_for_each_entry(domain, &il_domains, link)
		if (domain->domain.type == IOMMU_DOMAIN_UNMANAGED)
			seq_printf(m, "domain %u: end the process that made it\n",
				   domain->id);
	mutex_unlock(&il_domains_lock);
	seq_printf(m, "references: %d\n", module_refcount(THIS_MODULE));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(users);

/**
 * il_debugfs_init() - make the files; the driver works without them, too
 */
void il_debugfs_init(void)
{
	static const struct {
		const char *name;
		const struct file_operations *fops;
	} files[] = {
		{ "units", &units_fops },
		{ "devices", &devices_fops },
		{ "contexts", &contexts_fops },
		{ "domains", &domains_fops },
		{ "queues", &queues_fops },
		{ "interrupts", &interrupts_fops },
		{ "table", &table_fops },
		{ "users", &users_fops },
	};
	unsigned int i;

	directory = debugfs_create_dir("iommu-lite", NULL);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		debugfs_create_file(files[i].name, 0400, directory, NULL,
				    files[i].fops);
}

/**
 * il_debugfs_exit() - remove the files
 */
void il_debugfs_exit(void)
{
	debugfs_remove_recursive(directory);
}
