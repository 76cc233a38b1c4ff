/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPUID table: pure, so that it can be tested. */
#ifndef VMXL_CPUID_H
#define VMXL_CPUID_H

#include "topology.h"
#include "util.h"
#include "vmmapi.h"

/* The rate of the local APIC timers of vmx-lite, with divide by 1. */
#define LAPIC_TIMER_HZ	1000000000u

struct cpuid_table {
	unsigned int count;
	struct vmx_lite_cpuid_entry entries[VMX_LITE_MAX_CPUID];
};

struct vmx_lite_cpuid_entry *cpuid_find(struct cpuid_table *table, u32 function,
					u32 index);
int cpuid_build(struct cpuid_table *table, const struct topology *t, u32 tsc_khz, u32 features);
void cpuid_set_apic_id(struct cpuid_table *table, u32 apic_id);
void cpuid_ratio(u32 tsc_khz, u32 *numerator, u32 *denominator);

#endif /* VMXL_CPUID_H */
