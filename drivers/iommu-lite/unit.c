// SPDX-License-Identifier: GPL-2.0-only
/*
 * Remapping units: registers, root and context tables.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <asm/cacheflush.h>

#include "iommu-lite.h"

/* What identity domains use where a unit cannot pass requests through */
static struct il_pagetable identity_pt;

/**
 * il_unit_switch() - set or clear one bit of GCMD, all others as GSTS has them
 * @unit: probed
 * @bit: GCMD_*
 * @on: set it
 * @name: of the bit in GSTS
 *
 * VT-d specification 11.4.4. Any context but NMI.
 *
 * Return: 0 or -ETIMEDOUT, told in the log.
 */
int il_unit_switch(struct dmar_drhd_unit *unit, u32 bit, bool on,
		   const char *name)
{
	unsigned long flags;
	u32 status;
	int ret;

	raw_spin_lock_irqsave(&unit->register_lock, flags);
	status = readl(unit->reg + DMAR_GSTS) & GSTS_PERSISTENT;
	writel((on ? status | bit : status & ~bit) | unit->keep,
	       unit->reg + DMAR_GCMD);
	ret = readl_poll_timeout_atomic(unit->reg + DMAR_GSTS, status,
					!!(status & bit) == on, 1,
					IL_HW_TIMEOUT_NS / NSEC_PER_USEC);
	raw_spin_unlock_irqrestore(&unit->register_lock, flags);
	if (ret)
		pr_err("unit %u at 0x%llx does not answer: GSTS.%s stays %u\n",
		       unit->id, unit->reg_base_addr, name, !on);
	return ret;
}

/**
 * il_unit_flush_write_buffer() - push the chipset's write buffers out
 * @unit: the unit; a no-op unless CAP.RWBF
 *
 * VT-d specification 6.8. Any context but NMI.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int il_unit_flush_write_buffer(struct dmar_drhd_unit *unit)
{
	unsigned long flags;
	u32 status;
	int ret;

	if (!CAP_RWBF(unit->cap))
		return 0;
	atomic64_inc(&unit->stats.write_buffer);
	raw_spin_lock_irqsave(&unit->register_lock, flags);
	status = readl(unit->reg + DMAR_GSTS) & GSTS_PERSISTENT;
	writel(status | GCMD_WBF | unit->keep, unit->reg + DMAR_GCMD);
	ret = readl_poll_timeout_atomic(unit->reg + DMAR_GSTS, status,
					!(status & GCMD_WBF), 1,
					IL_HW_TIMEOUT_NS / NSEC_PER_USEC);
	raw_spin_unlock_irqrestore(&unit->register_lock, flags);
	if (ret)
		pr_err_ratelimited("unit %u does not flush its write buffer (GSTS.WBFS)\n",
				   unit->id);
	return ret;
}

/* SAGAW bit n: tables of n + 2 levels (11.4.2) */
static int choose_levels(struct dmar_drhd_unit *unit)
{
	unsigned int sagaw = CAP_SAGAW(unit->cap) & 0xe, levels;

	if (!sagaw) {
		pr_err("unit %u at 0x%llx has no usable page-table depth (CAP %llx)\n",
		       unit->id, unit->reg_base_addr, unit->cap);
		return -ENODEV;
	}
	unit->max_levels = fls(sagaw) - 1 + 2;
	/* The fewest that cover all addresses it can see: shorter walks */
	for (levels = 3; levels < unit->max_levels; levels++)
		if (sagaw & BIT(levels - 2) &&
		    CAP_MGAW(unit->cap) <= 12 + 9 * levels)
			break;
	unit->levels = levels;
	return 0;
}

static u64 needed_size(const struct dmar_drhd_unit *unit)
{
	u64 faults = CAP_FRO(unit->cap) + 16 * CAP_NFR(unit->cap);
	u64 iotlb = ECAP_IRO(unit->ecap) + 16;

	return PAGE_ALIGN(max(faults, iotlb));
}

static int map_registers(struct dmar_drhd_unit *unit, u64 size)
{
	if (!request_mem_region(unit->reg_base_addr, size, "iommu-lite")) {
		pr_err("registers of unit %u at 0x%llx are taken: boot with intel_iommu=off intremap=off\n",
		       unit->id, unit->reg_base_addr);
		return -EBUSY;
	}
	unit->reg = ioremap(unit->reg_base_addr, size);
	if (!unit->reg) {
		release_mem_region(unit->reg_base_addr, size);
		return -ENOMEM;
	}
	unit->reg_size = size;
	return 0;
}

static void unmap_registers(struct dmar_drhd_unit *unit)
{
	iounmap(unit->reg);
	unit->reg = NULL;
	release_mem_region(unit->reg_base_addr, unit->reg_size);
}

/**
 * il_unit_probe() - map a unit's registers and learn what it can do
 * @unit: with @reg_base_addr, @segment and @id set
 * @use_qi: false: invalidate by registers even where there is a queue
 *
 * Changes nothing in the hardware. May sleep.
 *
 * Return: 0; -EBUSY where another driver has it; -ENODEV where the registers
 * are not a unit's or cannot be used; -ENOMEM.
 */
int il_unit_probe(struct dmar_drhd_unit *unit, bool use_qi)
{
	u32 version, status;
	int ret;

	ret = map_registers(unit, PAGE_SIZE);
	if (ret)
		return ret;
	version = readl(unit->reg + DMAR_VER);
	unit->cap = readq(unit->reg + DMAR_CAP);
	unit->ecap = readq(unit->reg + DMAR_ECAP);
	ret = -ENODEV;
	if (!(version & 0xff) || version == U32_MAX || unit->cap == U64_MAX) {
		pr_err("no remapping unit at 0x%llx: update the firmware, or give its address by regmap=\n",
		       unit->reg_base_addr);
		goto err_unmap;
	}
	if (needed_size(unit) > unit->reg_size) {
		u64 size = needed_size(unit);

		unmap_registers(unit);
		ret = map_registers(unit, size);
		if (ret)
			return ret;
	}
	status = readl(unit->reg + DMAR_GSTS);
	ret = choose_levels(unit);
	if (ret)
		goto err_unmap;
	unit->was_on = status & GCMD_TE;
	if (!use_qi)
		unit->ecap &= ~BIT_ULL(1);
	pr_info("unit %u: segment %04x registers 0x%llx version %u.%u cap %llx ecap %llx%s%s\n",
		unit->id, unit->segment, unit->reg_base_addr,
		version >> 4 & 15, version & 15, unit->cap, unit->ecap,
		unit->include_all ? " include-all" : "",
		unit->was_on ? " already translating" : "");
	return 0;

err_unmap:
	unmap_registers(unit);
	return ret;
}

/**
 * il_unit_release() - undo il_unit_probe()
 * @unit: stopped
 */
void il_unit_release(struct dmar_drhd_unit *unit)
{
	if (unit->reg)
		unmap_registers(unit);
}

static u64 *alloc_table_page(struct dmar_drhd_unit *unit, gfp_t gfp)
{
	struct page *page = alloc_pages_node(unit->node, gfp | __GFP_ZERO, 0);

	if (!page)
		return NULL;
	if (!ECAP_C(unit->ecap))
		clflush_cache_range(page_address(page), PAGE_SIZE);
	return page_address(page);
}

static void write_entry(struct dmar_drhd_unit *unit, u64 *entry, u64 value)
{
	WRITE_ONCE(*entry, value);
	if (!ECAP_C(unit->ecap))
		clflush_cache_range(entry, sizeof(*entry));
	else
		wmb();	/* each half visible before the next is written */
}

/* After a change to a present entry (6.5.3.3) */
static int flush_old_context(struct dmar_drhd_unit *unit, u16 sid, u16 did)
{
	const struct il_inv inv[] = {
		{ .kind = IL_INV_CONTEXT_DEVICE, .sid = sid, .did = did },
		{ .kind = IL_INV_IOTLB_DOMAIN, .did = did },
	};

	return il_invalidate(unit, inv, ARRAY_SIZE(inv));
}

/* After an entry has become present (6.1, 6.8) */
static int flush_new_context(struct dmar_drhd_unit *unit, u16 sid, u16 did)
{
	const struct il_inv inv[] = {
		{ .kind = IL_INV_CONTEXT_DEVICE, .sid = sid, .did = 0 },
		{ .kind = IL_INV_IOTLB_DOMAIN, .did = did },
	};

	if (CAP_CM(unit->cap))
		return il_invalidate(unit, inv, ARRAY_SIZE(inv));
	return il_unit_flush_write_buffer(unit);
}

static u64 *context_entry(struct dmar_drhd_unit *unit, u16 sid)
{
	u64 *table = unit->context[sid >> 8];

	return table ? table + (sid & 0xff) * 2 : NULL;
}

static int ensure_context_table(struct dmar_drhd_unit *unit, u8 bus)
{
	unsigned long flags;
	u64 *table;

	if (READ_ONCE(unit->context[bus]))
		return 0;
	table = alloc_table_page(unit, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	raw_spin_lock_irqsave(&unit->context_lock, flags);
	if (!unit->context[bus]) {
		WRITE_ONCE(unit->context[bus], table);
		write_entry(unit, unit->root + bus * 2,
			    virt_to_phys(table) | ENTRY_PRESENT);
		table = NULL;
	}
	raw_spin_unlock_irqrestore(&unit->context_lock, flags);
	if (table)
		free_page((unsigned long)table);
	return 0;
}

/**
 * il_unit_set_context() - say what the DMA of one requester does
 * @unit: the unit
 * @sid: requester id: bus << 8 | devfn
 * @lo: lower half of the context entry (9.3); 0 blocks
 * @hi: upper half
 *
 * An entry that is so already is left alone, so that DMA in flight is not
 * disturbed. Otherwise the requester is blocked for the moment of the change.
 * May sleep. The core's group mutex serialises calls for one requester.
 *
 * Return: 0, -ENOMEM or -ETIMEDOUT.
 */
int il_unit_set_context(struct dmar_drhd_unit *unit, u16 sid, u64 lo, u64 hi)
{
	unsigned long flags;
	u64 *entry, old_lo, old_hi;
	int ret;

	if (!lo && !READ_ONCE(unit->context[sid >> 8]))
		return 0;
	ret = ensure_context_table(unit, sid >> 8);
	if (ret)
		return ret;
	raw_spin_lock_irqsave(&unit->context_lock, flags);
	entry = context_entry(unit, sid);
	old_lo = entry[0];
	old_hi = entry[1];
	if (old_lo == lo && (!lo || old_hi == hi)) {
		raw_spin_unlock_irqrestore(&unit->context_lock, flags);
		return 0;
	}
	write_entry(unit, entry, 0);
	raw_spin_unlock_irqrestore(&unit->context_lock, flags);

	if (old_lo & ENTRY_PRESENT)
		ret = flush_old_context(unit, sid, CONTEXT_ENTRY_DID(old_hi));
	if (ret || !lo)
		return ret;
	raw_spin_lock_irqsave(&unit->context_lock, flags);
	write_entry(unit, entry + 1, hi);
	write_entry(unit, entry, lo);
	raw_spin_unlock_irqrestore(&unit->context_lock, flags);
	return flush_new_context(unit, sid, CONTEXT_ENTRY_DID(hi));
}

/**
 * il_unit_get_context() - read a requester's context entry, for people
 * @unit: the unit
 * @sid: requester id
 * @lo: lower half
 * @hi: upper half
 *
 * Return: true where the entry is present.
 */
bool il_unit_get_context(struct dmar_drhd_unit *unit, u16 sid, u64 *lo, u64 *hi)
{
	unsigned long flags;
	u64 *entry;

	*lo = 0;
	*hi = 0;
	raw_spin_lock_irqsave(&unit->context_lock, flags);
	entry = unit->root ? context_entry(unit, sid) : NULL;
	if (entry) {
		*lo = entry[0];
		*hi = entry[1];
	}
	raw_spin_unlock_irqrestore(&unit->context_lock, flags);
	return *lo & ENTRY_PRESENT;
}

/**
 * il_unit_identity_context() - the entry that leaves addresses as they are
 * @unit: the unit
 * @lo: lower half
 * @hi: upper half
 *
 * Pass-through (3.9), which wants the widest address width of the hardware;
 * else a table that maps every address to itself.
 */
void il_unit_identity_context(struct dmar_drhd_unit *unit, u64 *lo, u64 *hi)
{
	*hi = CONTEXT_DID(IL_DID_IDENTITY);
	if (ECAP_PT(unit->ecap)) {
		*lo = ENTRY_PRESENT | CONTEXT_TT_PASS;
		*hi |= CONTEXT_AW(unit->max_levels);
	} else {
		*lo = ENTRY_PRESENT | CONTEXT_TT_UNTRANSLATED |
		      il_pt_root(&identity_pt, unit->levels);
		*hi |= CONTEXT_AW(unit->levels);
	}
}

/**
 * il_identity_init() - make the table of identity domains if a unit needs it
 *
 * Maps what can be memory: up to the end of RAM, 4 GiB at least. May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int il_identity_init(void)
{
	u64 last = il_limits.address_bits < 64 ?
		(1ull << il_limits.address_bits) - 1 : U64_MAX;
	struct resource *res;
	u64 end = SZ_4G - 1, mapped;
	int ret;

	if (il_limits.pass_through)
		return 0;
	for (res = iomem_resource.child; res; res = res->sibling)
		if (res->flags & IORESOURCE_SYSRAM)
			end = max_t(u64, end, res->end);
	end = min(end | (SZ_1G - 1), last);
	identity_pt = (struct il_pagetable){
		.levels = il_limits.levels,
		.top = il_limits.top,
		.leaf_levels = il_limits.leaf_levels,
		.coherent = il_limits.coherent,
		.exclusive = true,
		.node = NUMA_NO_NODE,
	};
	ret = il_pt_init(&identity_pt);
	if (!ret)
		ret = il_pt_map(&identity_pt, 0, 0, end + 1,
				IL_PTE_READ | IL_PTE_WRITE, GFP_KERNEL,
				&mapped);
	if (ret)
		il_identity_exit();
	return ret;
}

/**
 * il_identity_exit() - undo il_identity_init()
 */
void il_identity_exit(void)
{
	if (identity_pt.root)
		il_pt_destroy(&identity_pt);
}

/**
 * il_units_limits() - work out what all units have in common
 *
 * A domain may be attached to devices of any unit, so it is made for all.
 *
 * Return: 0; -ENODEV where there is no unit.
 */
int il_units_limits(void)
{
	struct il_limits *l = &il_limits;
	struct dmar_drhd_unit *unit;
	unsigned int common = 0xe, sllps = 3, bits = 64, need = 3;

	if (list_empty(&il_units))
		return -ENODEV;
	*l = (struct il_limits){
		.levels = 3,
		.top = IL_PT_MAX_LEVELS,
		.coherent = true,
		.snoop = true,
		.pass_through = true,
	};
	list_for_each_entry(unit, &il_units, list) {
		common &= CAP_SAGAW(unit->cap);
		sllps &= CAP_SLLPS(unit->cap);
		bits = min_t(unsigned int, bits, CAP_MGAW(unit->cap));
		need = max_t(unsigned int, need, unit->levels);
		l->coherent &= ECAP_C(unit->ecap);
		l->snoop &= ECAP_SC(unit->ecap);
		l->caching |= CAP_CM(unit->cap);
		l->sync_map |= CAP_CM(unit->cap) || CAP_RWBF(unit->cap);
		l->pass_through &= ECAP_PT(unit->ecap);
	}
	/* One depth for all where they share one, the least that covers all */
	if (common) {
		unsigned int levels = fls(common) + 1, n;

		for (n = need; n < levels; n++)
			if (common & BIT(n - 2))
				levels = n;
		list_for_each_entry(unit, &il_units, list)
			unit->levels = levels;
	}
	list_for_each_entry(unit, &il_units, list) {
		l->levels = max(l->levels, unit->levels);
		l->top = min(l->top, unit->levels);
	}
	l->address_bits = min(bits, 12u + 9 * l->top);
	/* SLLPS bit 0: 2 MiB, bit 1: 1 GiB (11.4.2) */
	l->leaf_levels = sllps & 1 ? sllps & 2 ? 3 : 2 : 1;
	return 0;
}

/* Every function that is there now keeps its DMA as it was */
static int pass_present_functions(struct dmar_drhd_unit *unit)
{
	struct pci_dev *pdev = NULL;
	unsigned int count, i;
	u16 *sids;
	u64 lo, hi;
	int ret = 0;

	sids = kmalloc_array(256, sizeof(*sids), GFP_KERNEL);
	if (!sids)
		return -ENOMEM;
	il_unit_identity_context(unit, &lo, &hi);
	for_each_pci_dev(pdev) {
		if (il_unit_of(pdev) != unit)
			continue;
		/*
		 * On a unit that translates already, what has no driver
		 * may still write to a predecessor's addresses.
		 */
		if (unit->was_on && !pdev->dev.driver)
			continue;
		count = il_collect_sids(pdev, sids, 256);
		for (i = 0; i < count && !ret; i++)
			ret = il_unit_set_context(unit, sids[i], lo, hi);
		if (ret) {
			pci_dev_put(pdev);
			break;
		}
	}
	kfree(sids);
	return ret;
}

static int set_root(struct dmar_drhd_unit *unit)
{
	const struct il_inv all[] = {
		{ .kind = IL_INV_CONTEXT_GLOBAL },
		{ .kind = IL_INV_IOTLB_GLOBAL },
	};
	int ret;

	writeq(virt_to_phys(unit->root), unit->reg + DMAR_RTADDR);
	ret = il_unit_switch(unit, GCMD_SRTP, true, "RTPS");
	if (!ret)
		ret = il_invalidate(unit, all, ARRAY_SIZE(all));
	return ret;
}

/* Firmware's protected ranges (11.4.16) would block DMA on top of ours */
static void disable_protected_memory(struct dmar_drhd_unit *unit)
{
	u32 value;

	if (!CAP_PLMR(unit->cap) && !CAP_PHMR(unit->cap))
		return;
	value = readl(unit->reg + DMAR_PMEN);
	if (!(value & PMEN_EPM))
		return;
	writel(value & ~PMEN_EPM, unit->reg + DMAR_PMEN);
	if (readl_poll_timeout(unit->reg + DMAR_PMEN, value,
			       !(value & PMEN_PRS), 10,
			       IL_HW_TIMEOUT_NS / NSEC_PER_USEC))
		pr_warn("unit %u keeps its protected memory ranges (PMEN.PRS)\n",
			unit->id);
}

/*
 * Interrupt remapping that is on belongs to a kernel before this one: a kernel
 * that uses it keeps the unit's registers. Its table names vectors of its own.
 */
static int drop_old_interrupts(struct dmar_drhd_unit *unit)
{
	if (!(readl(unit->reg + DMAR_GSTS) & GCMD_IRE))
		return 0;
	return il_unit_switch(unit, GCMD_IRE, false, "IRES");
}

static void free_tables(struct dmar_drhd_unit *unit)
{
	unsigned int bus;

	for (bus = 0; bus < ARRAY_SIZE(unit->context); bus++) {
		free_page((unsigned long)unit->context[bus]);
		unit->context[bus] = NULL;
	}
	free_page((unsigned long)unit->root);
	unit->root = NULL;
}

/**
 * il_unit_start() - put a unit in charge of its devices' DMA
 * @unit: probed
 *
 * On return each function present passes through as if there were no unit.
 * Where translation was on already it stays on throughout: only the root
 * changes (11.4.4.1). May sleep.
 *
 * Return: 0, -ENOMEM or -ETIMEDOUT.
 */
int il_unit_start(struct dmar_drhd_unit *unit)
{
	int ret;

	unit->root = alloc_table_page(unit, GFP_KERNEL);
	if (!unit->root)
		return -ENOMEM;
	ret = drop_old_interrupts(unit);
	if (ret)
		goto err_free;
	if (ECAP_QI(unit->ecap)) {
		ret = il_qi_start(unit);
		if (ret)
			goto err_free;
	}
	ret = pass_present_functions(unit);
	if (ret)
		goto err_stop;
	ret = il_unit_flush_write_buffer(unit);
	if (!ret)
		ret = set_root(unit);
	if (ret)
		goto err_stop;
	ret = il_fault_start(unit);
	if (ret)
		goto err_stop;
	if (!unit->was_on)
		ret = il_unit_switch(unit, GCMD_TE, true, "TES");
	if (ret)
		goto err_fault;
	disable_protected_memory(unit);
	il_irq_start(unit);
	return 0;

err_fault:
	il_fault_stop(unit);
err_stop:
	il_qi_stop(unit);
	il_qi_free(unit);
err_free:
	/* Hardware that already walks these tables keeps them */
	if (!unit->was_on)
		free_tables(unit);
	return ret;
}

/**
 * il_unit_quiesce() - switch translation off, keep the rest
 * @unit: started
 *
 * For reboot and kexec: the next kernel finds the unit as it was. Any context.
 */
void il_unit_quiesce(struct dmar_drhd_unit *unit)
{
	writel(FECTL_IM, unit->reg + DMAR_FECTL);
	il_irq_quiesce(unit);
	il_unit_switch(unit, GCMD_TE, false, "TES");
	il_qi_stop(unit);
}

/**
 * il_unit_resume() - set a unit up again that has lost its registers
 * @unit: started before the machine slept; its tables are as they were
 *
 * Context: one CPU, interrupts off.
 */
void il_unit_resume(struct dmar_drhd_unit *unit)
{
	int ret = 0;

	if (unit->qi)
		ret = il_qi_restart(unit);
	if (!ret)
		ret = set_root(unit);
	if (!ret)
		ret = il_unit_switch(unit, GCMD_TE, true, "TES");
	if (ret)
		pr_err("unit %u does not translate after sleep (%d): devices that need it will fail\n",
		       unit->id, ret);
	il_irq_resume(unit);
	il_fault_resume(unit);
}

/**
 * il_unit_stop() - switch a unit off and free its tables
 * @unit: started; no device is in a domain
 */
void il_unit_stop(struct dmar_drhd_unit *unit)
{
	int ret;

	il_irq_stop(unit);
	il_fault_stop(unit);
	ret = il_unit_switch(unit, GCMD_TE, false, "TES");
	il_qi_stop(unit);
	il_qi_free(unit);
	if (ret)
		return;		/* better lost than walked when reused */
	free_tables(unit);
}
