/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of iommu-lite share.
 *
 * Guards of shared fields, by letter:
 *	(r) read-only once the module is loaded or the object made
 *	(c) unit->context_lock
 *	(h) unit->register_lock
 *	(d) domain->lock, readers under RCU
 *	(g) the IOMMU core's group mutex, held around attach and release
 *	(i) RCU for readers; writers: the lock named beside it
 */
#ifndef IOMMU_LITE_H
#define IOMMU_LITE_H

#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "compat.h"
#include "dmar.h"
#include "pagetable.h"
#include "qi.h"
#include "regs.h"

/* Every wait on a unit ends after this long */
#define IL_HW_TIMEOUT_NS	NSEC_PER_SEC

/* Domain ids: 0 is the hardware's where it caches (6.1), 1 is pass-through */
#define IL_DID_IDENTITY		1
#define IL_DID_FIRST		2

/* 3.14: requests to this range are interrupts, never translated */
#define IL_MSI_FIRST		0xfee00000ull
#define IL_MSI_LAST		0xfeefffffull

struct dentry;
struct il_devfd;
struct il_irt;
struct irq_domain;
struct seq_file;

/**
 * struct il_stats - what a unit has been asked for
 * @context: context-cache invalidations
 * @iotlb: IOTLB invalidations
 * @device_tlb: device-TLB invalidations
 * @interrupt: invalidations of interrupt entries
 * @write_buffer: write-buffer flushes
 * @faults: fault records taken
 * @overflows: times the hardware had no room for a record
 * @errors: invalidation errors and timeouts
 */
struct il_stats {
	atomic64_t context;
	atomic64_t iotlb;
	atomic64_t device_tlb;
	atomic64_t interrupt;
	atomic64_t write_buffer;
	atomic64_t faults;
	atomic64_t overflows;
	atomic64_t errors;
};

/**
 * struct dmar_drhd_unit - a remapping unit
 * @list: in il_units (r)
 * @hdr: the table's structure; its scopes are a copy of the unit's own (r)
 * @segment: PCI segment (r)
 * @include_all: governs what no other unit of the segment does (r)
 * @reg_base_addr: physical address of the registers (r)
 * @reg_size: bytes of registers (r)
 * @reg: the registers
 * @cap: Capability Register (r)
 * @ecap: Extended Capability Register (r)
 * @id: 0, 1, ... in the table's order (r)
 * @node: NUMA node or NUMA_NO_NODE (r)
 * @levels: page-table levels domains use here (r)
 * @max_levels: most levels the hardware walks (r)
 * @was_on: translation was on when the unit was found (r)
 * @root: root table (c)
 * @context: context table of each bus, or NULL (c)
 * @context_lock: guards @root and @context
 * @register_lock: guards GCMD and invalidation by registers
 * @keep: bits of GCMD that are set in every command
 * @qi: invalidation queue, NULL where registers are used
 * @irt: interrupt remapping table, NULL where interrupts are not remapped
 * @domain_ids: allocated domain ids
 * @devices: struct il_device that the unit governs (i: il_device_lock)
 * @iommu: what the IOMMU core knows
 * @virq: fault interrupt or 0
 * @fault_lock: one reader of the fault records at a time
 * @stats: counters
 */
struct dmar_drhd_unit {
	struct list_head list;
	struct dmar_entry hdr;
	u16 segment;
	bool include_all;
	u64 reg_base_addr;
	u64 reg_size;
	void __iomem *reg;
	u64 cap;
	u64 ecap;
	unsigned int id;
	int node;
	u8 levels;
	u8 max_levels;
	bool was_on;
	u64 *root;
	u64 *context[256];
	raw_spinlock_t context_lock;
	raw_spinlock_t register_lock;
	u32 keep;
	struct il_qi *qi;
	struct il_irt *irt;
	struct ida domain_ids;
	struct list_head devices;
	struct iommu_device iommu;
	unsigned int virq;
	spinlock_t fault_lock;	/* one reader of the records */
	struct il_stats stats;
};

/**
 * struct il_region - an RMRR, ATSR, SATC or ANDD kept from the table
 * @list: in il_rmrrs, il_atsrs, il_satcs or il_andds (r)
 * @entry: the structure; its scopes and name are copies (r)
 */
struct il_region {
	struct list_head list;
	struct dmar_entry entry;
};

/**
 * struct il_device - a PCI function that a unit governs
 * @link: in unit->devices (i: il_device_lock)
 * @rcu: frees it
 * @pdev: the function (r)
 * @unit: the unit (r)
 * @domain: attached domain (g)
 * @domain_link: in domain->devices, where @ats_enabled (d)
 * @nr_sids: entries of @sids (r)
 * @ats_able: device and unit both can cache translations (r)
 * @ats_enabled: device-TLB in use (g)
 * @ats_depth: invalidations the device can queue, 0 for 32 (r)
 * @bound_early: a driver was bound before the core knew the device
 *	(il_bind_lock)
 * @used: the core counts its driver as a user (il_bind_lock)
 * @holds_module: so long as it is bound the module has to stay
 *	(il_bind_lock)
 * @going: it is being removed from the machine (il_device_lock)
 * @acs: what the ACS control register held before, or -1
 * @faults: fault records that name it
 * @listener: who opened it through /dev/iommu-lite (i: il_device_lock)
 * @sids: requester ids its DMA can carry, its own first (r)
 */
struct il_device {
	struct list_head link;
	struct rcu_head rcu;
	struct pci_dev *pdev;
	struct dmar_drhd_unit *unit;
	struct dmar_domain *domain;
	struct list_head domain_link;
	unsigned int nr_sids;
	bool ats_able;
	bool ats_enabled;
	u8 ats_depth;
	bool bound_early;
	bool used;
	bool holds_module;
	bool going;
	int acs;
	atomic64_t faults;
	struct il_devfd __rcu *listener;
	u16 sids[];
};

/**
 * struct il_attachment - a domain's id on one unit
 * @link: in domain->units (d)
 * @rcu: frees it
 * @unit: the unit (r)
 * @did: domain id there (r)
 * @users: devices of the unit in the domain (d)
 */
struct il_attachment {
	struct list_head link;
	struct rcu_head rcu;
	struct dmar_drhd_unit *unit;
	u16 did;
	unsigned int users;
};

/**
 * struct dmar_domain - what devices see as memory
 * @domain: what the IOMMU core knows
 * @link: in il_domains
 * @id: for people, in debugfs and traces (r)
 * @pt: translation; no root in identity and blocked domains
 * @snoop: new leaves force snooping
 * @lock: guards the lists
 * @units: struct il_attachment (d)
 * @devices: struct il_device with a device-TLB in use (d)
 * @nr_devices: devices attached (d)
 * @mapped: bytes mapped
 */
struct dmar_domain {
	struct iommu_domain domain;
	struct list_head link;
	unsigned int id;
	struct il_pagetable pt;
	bool snoop;
	spinlock_t lock;	/* guards the lists below */
	struct list_head units;
	struct list_head devices;
	unsigned int nr_devices;
	atomic64_t mapped;
};

/**
 * struct il_limits - what all units have in common
 * @levels: page-table levels of a domain
 * @top: fewest levels a unit walks
 * @leaf_levels: largest leaf: 1 (4 KiB), 2 (2 MiB) or 3 (1 GiB)
 * @address_bits: of an IOVA
 * @coherent: all walks snoop
 * @snoop: all can force snooping by DMA
 * @caching: one at least caches non-present entries
 * @sync_map: one at least has to be told of new mappings
 * @pass_through: all can pass requests untranslated
 */
struct il_limits {
	u8 levels;
	u8 top;
	u8 leaf_levels;
	u8 address_bits;
	bool coherent;
	bool snoop;
	bool caching;
	bool sync_map;
	bool pass_through;
};

/* main.c */
extern struct list_head il_units;
extern struct list_head il_rmrrs;
extern struct list_head il_atsrs;
extern struct list_head il_satcs;
extern struct list_head il_andds;
extern struct il_limits il_limits;
extern unsigned int il_nr_unknown;
extern bool il_default_identity, il_default_dma, il_strict;

/* scope.c */
bool il_scope_target(u16 segment, const struct dmar_scope *scope, u8 *bus,
		     u8 *devfn);
bool il_entry_covers(const struct dmar_entry *entry, struct pci_dev *pdev);
struct dmar_drhd_unit *il_unit_of(struct pci_dev *pdev);
unsigned int il_collect_sids(struct pci_dev *pdev, u16 *sids, unsigned int max);
bool il_ats_allowed(struct pci_dev *pdev);

/* unit.c */
int il_unit_probe(struct dmar_drhd_unit *unit, bool use_qi);
int il_unit_start(struct dmar_drhd_unit *unit);
void il_unit_stop(struct dmar_drhd_unit *unit);
void il_unit_resume(struct dmar_drhd_unit *unit);
void il_unit_quiesce(struct dmar_drhd_unit *unit);
void il_unit_release(struct dmar_drhd_unit *unit);
int il_unit_set_context(struct dmar_drhd_unit *unit, u16 sid, u64 lo, u64 hi);
bool il_unit_get_context(struct dmar_drhd_unit *unit, u16 sid, u64 *lo,
			 u64 *hi);
void il_unit_identity_context(struct dmar_drhd_unit *unit, u64 *lo, u64 *hi);
int il_unit_switch(struct dmar_drhd_unit *unit, u32 bit, bool on,
		   const char *name);
int il_unit_flush_write_buffer(struct dmar_drhd_unit *unit);
int il_units_limits(void);
int il_identity_init(void);
void il_identity_exit(void);

/* domain.c */
extern struct list_head il_domains;
extern struct mutex il_domains_lock;
extern atomic_t il_nr_domains;
struct dmar_domain *il_domain_alloc(unsigned int type, bool exclusive);
void il_domain_free(struct dmar_domain *domain);
int il_domain_attach(struct dmar_domain *domain, struct il_device *device);
void il_domain_detach(struct il_device *device, bool keep_identity);
int il_domain_map(struct dmar_domain *domain, u64 iova, phys_addr_t phys,
		  u64 size, int prot, gfp_t gfp, u64 *mapped);
u64 il_domain_unmap(struct dmar_domain *domain, u64 iova, u64 size,
		    struct list_head *freelist);
int il_domain_sync_map(struct dmar_domain *domain, u64 iova, u64 size);
int il_domain_flush(struct dmar_domain *domain, u64 first, u64 last,
		    bool tables);
int il_domain_flush_all(struct dmar_domain *domain);

static inline struct dmar_domain *to_dmar_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct dmar_domain, domain);
}

/* fault.c */
int il_fault_init(void);
void il_fault_exit(void);
int il_fault_start(struct dmar_drhd_unit *unit);
void il_fault_resume(struct dmar_drhd_unit *unit);
void il_fault_stop(struct dmar_drhd_unit *unit);
void il_fault_drain(struct dmar_drhd_unit *unit);
const char *il_fault_reason(unsigned int reason);

/* irq.c */
void il_irq_start(struct dmar_drhd_unit *unit);
void il_irq_stop(struct dmar_drhd_unit *unit);
void il_irq_quiesce(struct dmar_drhd_unit *unit);
void il_irq_resume(struct dmar_drhd_unit *unit);
struct irq_domain *il_irq_domain_of(struct pci_dev *pdev);
void il_irq_show(struct seq_file *m, struct dmar_drhd_unit *unit);

/* core.c */
extern struct mutex il_device_lock;
int il_core_register(void);
void il_core_unregister(void);
struct il_device *il_device_of(struct pci_dev *pdev);
bool il_rmrr_relaxable(struct pci_dev *pdev);

/* uapi.c */
struct il_fault_record;
int il_uapi_init(void);
void il_uapi_exit(void);
void il_uapi_fault(struct il_devfd *fd, u16 sid, u64 address, bool read,
		   unsigned int reason);
void il_uapi_device_gone(struct pci_dev *pdev);
void il_uapi_driver_gone(struct pci_dev *pdev);

/* ppt.c */
int il_ppt_init(void);
void il_ppt_exit(void);

/* debugfs.c */
void il_debugfs_init(void);
void il_debugfs_exit(void);

#endif
