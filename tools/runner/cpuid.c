// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CPUID tells the guest: the leaves the module offers, and on top of
 * them the topology, the frequencies and the hypervisor's own leaves.
 */
#include <errno.h>
#include <string.h>

#include "cpuid.h"

#define LEAF_FEATURES	0x01
#define LEAF_CACHES	0x04
#define LEAF_POWER	0x06
#define LEAF_TOPOLOGY	0x0b
#define LEAF_TSC	0x15
#define LEAF_FREQUENCY	0x16
#define LEAF_TOPOLOGY_2	0x1f
#define LEAF_HYPERVISOR	0x40000000
#define LEAF_HV_TIMING	0x40000010
#define LEAF_KVM	0x40000100
#define LEAF_KVM_FEATURES	0x40000101
#define KVM_FEATURES_EAX_PV_EOI	(1U << 6)

#define FEATURES_ECX_HYPERVISOR	(1u << 31)
#define FEATURES_EDX_HTT	(1u << 28)
#define POWER_EAX_ARAT		(1u << 2)

#define LEVEL_THREAD	1u
#define LEVEL_CORE	2u

static const u32 topology_leaves[] = { LEAF_TOPOLOGY, LEAF_TOPOLOGY_2 };

#define CRYSTAL_KHZ		(LAPIC_TIMER_HZ / 1000)

/**
 * cpuid_find() - an entry of the table
 * @table: the table
 * @function: leaf
 * @index: subleaf, where the leaf has some
 *
 * Return: the entry, or NULL.
 */
struct vmx_lite_cpuid_entry *cpuid_find(struct cpuid_table *table, u32 function,
					u32 index)
{
	for (unsigned int i = 0; i < table->count; i++) {
		struct vmx_lite_cpuid_entry *e = &table->entries[i];

		if (e->function == function &&
		    (!(e->flags & VMX_LITE_CPUID_INDEXED) || e->index == index))
			return e;
	}
	return NULL;
}

static void drop(struct cpuid_table *table, u32 function)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < table->count; i++)
		if (table->entries[i].function != function)
			table->entries[n++] = table->entries[i];
	table->count = n;
}

static int put(struct cpuid_table *table, struct vmx_lite_cpuid_entry entry)
{
	struct vmx_lite_cpuid_entry *e = cpuid_find(table, entry.function, entry.index);

	if (!e) {
		if (table->count == VMX_LITE_MAX_CPUID)
			return -E2BIG;
		e = &table->entries[table->count++];
	}
	*e = entry;
	return 0;
}

/**
 * cpuid_ratio() - the TSC's frequency as a multiple of the crystal's
 * @tsc_khz: TSC frequency, not 0
 * @numerator: out: CPUID.15H:EBX
 * @denominator: out: CPUID.15H:EAX
 *
 * The crystal clocks the local APIC's timer (SDM vol. 3, 11.5.4), so its
 * frequency is given. Guests multiply its kHz and the numerator in 32 bits:
 * the best fraction with a numerator that small comes from the continued
 * fraction, and is good to less than one part in a million.
 */
void cpuid_ratio(u32 tsc_khz, u32 *numerator, u32 *denominator)
{
	u64 a = tsc_khz, b = CRYSTAL_KHZ;
	u64 n0 = 0, n1 = 1, d0 = 1, d1 = 0;

	while (b) {
		u64 q = a / b, r = a % b;
		u64 n2 = q * n1 + n0, d2 = q * d1 + d0;

		if (n2 > UINT32_MAX / CRYSTAL_KHZ)
			break;
		n0 = n1;
		n1 = n2;
		d0 = d1;
		d1 = d2;
		a = b;
		b = r;
	}
	*numerator = n1;
	*denominator = d1;
}

/*
 * SDM vol. 2, CPUID, leaf 4: how many ids share a cache, how many cores' ids there
 * are. Levels 1 and 2 are a core's, the others all of a socket's.
 */
static void set_caches(struct cpuid_table *table, const struct topology *t)
{
	u32 core = (1u << topology_thread_bits(t)) - 1;
	u32 cores = (1u << topology_core_bits(t)) - 1;
	u32 socket = (1u << (topology_core_bits(t) + topology_thread_bits(t))) - 1;

	for (unsigned int i = 0; i < table->count; i++) {
		struct vmx_lite_cpuid_entry *e = &table->entries[i];
		u32 level = e->eax >> 5 & 7;

		if (e->function != LEAF_CACHES || !(e->eax & 0x1f))
			continue;
		e->eax = (e->eax & 0x3fff) | cores << 26 | (level >= 3 ? socket : core) << 14;
	}
}

/*
 * SDM vol. 2, CPUID, leaves 0xB and 0x1F, which are the same without modules,
 * tiles and dies: where the next level's field begins in an id, how many CPUs a
 * level has. The socket's level is the one that is not told.
 */
static int set_topology(struct cpuid_table *table, const struct topology *t)
{
	const struct vmx_lite_cpuid_entry levels[] = {
		{
			.index = 0,
			.eax = topology_thread_bits(t),
			.ebx = t->threads,
			.ecx = LEVEL_THREAD << 8,
		}, {
			.index = 1,
			.eax = topology_thread_bits(t) + topology_core_bits(t),
			.ebx = t->threads * t->cores,
			.ecx = LEVEL_CORE << 8 | 1,
		}, {
			.index = 2,
			.ecx = 2,
		},
	};

	for (unsigned int leaf = 0; leaf < ARRAY_SIZE(topology_leaves); leaf++) {
		drop(table, topology_leaves[leaf]);
		for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
			struct vmx_lite_cpuid_entry e = levels[i];
			int ret;

			e.function = topology_leaves[leaf];
			e.flags = VMX_LITE_CPUID_INDEXED;
			ret = put(table, e);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int set_frequencies(struct cpuid_table *table, u32 tsc_khz)
{
	u32 mhz = (tsc_khz + 500) / 1000;
	u32 numerator, denominator;
	int ret;

	cpuid_ratio(tsc_khz, &numerator, &denominator);
	ret = put(table, (struct vmx_lite_cpuid_entry) {
		.function = LEAF_TSC,
		.eax = denominator,
		.ebx = numerator,
		.ecx = LAPIC_TIMER_HZ,
	});
	if (ret)
		return ret;
	return put(table, (struct vmx_lite_cpuid_entry) {
		.function = LEAF_FREQUENCY,
		.eax = mhz,
		.ebx = mhz,
		.ecx = 100,
	});
}

static int put_signature(struct cpuid_table *table, u32 leaf, u32 last,
			 const char signature[12])
{
	struct vmx_lite_cpuid_entry e = { .function = leaf, .eax = last };

	memcpy(&e.ebx, signature, 4);
	memcpy(&e.ecx, signature + 4, 4);
	memcpy(&e.edx, signature + 8, 4);
	return put(table, e);
}

/*
 * Linux uses an x2APIC without interrupt remapping only where it knows the
 * hypervisor, and looks for those it knows at each multiple of 0x100. So there
 * is KVM's interface, as other hypervisors have it, with one of its features.
 */
static int set_hypervisor(struct cpuid_table *table, u32 tsc_khz, u32 features)
{
	int ret;

	ret = put_signature(table, LEAF_HYPERVISOR, LEAF_HV_TIMING, "vmx-lite\0\0\0");
	if (ret)
		return ret;
	/* As VMware defined it and others took it over: kHz of TSC and APIC timer. */
	ret = put(table, (struct vmx_lite_cpuid_entry) {
		.function = LEAF_HV_TIMING,
		.eax = tsc_khz,
		.ebx = CRYSTAL_KHZ,
	});
	if (ret)
		return ret;
	ret = put_signature(table, LEAF_KVM, LEAF_KVM_FEATURES, "KVMKVMKVM\0\0");
	if (ret)
		return ret;
	return put(table, (struct vmx_lite_cpuid_entry) {
		.function = LEAF_KVM_FEATURES,
		.eax = features & VMX_LITE_FEAT_PV_EOI ? KVM_FEATURES_EAX_PV_EOI : 0,
	});
}

/**
 * cpuid_build() - complete what the module offers
 * @table: in: the module's leaves, out: the guest's, for APIC id 0
 * @t: sockets, cores, threads
 * @tsc_khz: frequency of the TSC, not 0
 * @features: VMX_LITE_FEAT_* of the module
 *
 * Return: 0; -E2BIG; -EINVAL if leaf 0 or 1 is missing.
 */
int cpuid_build(struct cpuid_table *table, const struct topology *t, u32 tsc_khz, u32 features)
{
	struct vmx_lite_cpuid_entry *e;
	struct vmx_lite_cpuid_entry power = { .function = LEAF_POWER };
	unsigned int socket_cpus = t->cores * t->threads;
	int ret;

	e = cpuid_find(table, LEAF_FEATURES, 0);
	if (!e || !cpuid_find(table, 0, 0))
		return -EINVAL;
	e->ecx |= FEATURES_ECX_HYPERVISOR;
	e->edx &= ~FEATURES_EDX_HTT;
	if (socket_cpus > 1)
		e->edx |= FEATURES_EDX_HTT;
	e->ebx = (e->ebx & 0x0000ffff) | socket_cpus << 16;

	/* The APIC timer here never stops; without ARAT Linux looks for a PIT. */
	e = cpuid_find(table, LEAF_POWER, 0);
	if (e)
		power = *e;
	power.eax |= POWER_EAX_ARAT;
	ret = put(table, power);
	if (ret)
		return ret;

	set_caches(table, t);
	ret = set_topology(table, t);
	if (!ret)
		ret = set_frequencies(table, tsc_khz);
	if (!ret)
		ret = set_hypervisor(table, tsc_khz, features);
	if (ret)
		return ret;
	e = cpuid_find(table, 0, 0);
	e->eax = MAX(e->eax, LEAF_TOPOLOGY_2);
	return 0;
}

/**
 * cpuid_set_apic_id() - make a built table another vCPU's
 * @table: from cpuid_build()
 * @apic_id: its local APIC id
 */
void cpuid_set_apic_id(struct cpuid_table *table, u32 apic_id)
{
	struct vmx_lite_cpuid_entry *e = cpuid_find(table, LEAF_FEATURES, 0);

	e->ebx = (e->ebx & 0x00ffffff) | apic_id << 24;
	for (unsigned int i = 0; i < table->count; i++) {
		e = &table->entries[i];
		if (e->function == LEAF_TOPOLOGY || e->function == LEAF_TOPOLOGY_2)
			e->edx = apic_id;
	}
}
