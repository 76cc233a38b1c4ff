// SPDX-License-Identifier: GPL-2.0-only
/* The CPUID table: topology, frequencies, the hypervisor's leaves. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpuid.h"
#include "tap.h"

static struct cpuid_table table;
static const struct topology one = { 1, 1, 1 };

static void add(u32 function, u32 index, bool indexed, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	table.entries[table.count++] = (struct vmx_lite_cpuid_entry) {
		.function = function, .index = index,
		.flags = indexed ? VMX_LITE_CPUID_INDEXED : 0,
		.eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx,
	};
}

/* What a host of 8 CPUs might offer. */
static void setup(void)
{
	table.count = 0;
	add(0, 0, false, 0xb, 0x756e6547, 0x6c65746e, 0x49656e69);
	add(1, 0, false, 0x106a5, 0x07080800, 0x00982201, 0x178bfbff);
	add(4, 0, true, 0x1c004121, 0x01c0003f, 0x3f, 0);
	add(4, 1, true, 0x1c03c163, 0x03c0003f, 0xfff, 0);
	add(4, 2, true, 0, 0, 0, 0);
	add(0xb, 0, true, 1, 2, 0x100, 7);
	add(0xb, 1, true, 4, 8, 0x201, 7);
	add(0x80000000, 0, false, 0x80000008, 0, 0, 0);
}

static struct vmx_lite_cpuid_entry leaf(u32 function, u32 index)
{
	const struct vmx_lite_cpuid_entry *e = cpuid_find(&table, function, index);

	EXPECT(e);
	return e ? *e : (struct vmx_lite_cpuid_entry) { 0 };
}

static void one_cpu(void)
{
	setup();
	EXPECT_EQ(cpuid_build(&table, &one, 2000000, 0), 0);
	cpuid_set_apic_id(&table, 0);
	EXPECT_EQ(leaf(0, 0).eax, 0x1f);
	EXPECT_EQ(leaf(1, 0).eax, 0x106a5);
	EXPECT_EQ(leaf(1, 0).ebx, 0x00010800);
	EXPECT_EQ(leaf(1, 0).ecx, 0x80982201);	/* a hypervisor is present */
	EXPECT_EQ(leaf(1, 0).edx, 0x078bfbff);	/* no HTT */
	EXPECT_EQ(leaf(4, 0).eax, 0x121);
	EXPECT_EQ(leaf(4, 1).eax, 0x163);
	EXPECT_EQ(leaf(4, 2).eax, 0);
	EXPECT_EQ(leaf(6, 0).eax, 4);		/* ARAT */
	EXPECT_EQ(leaf(0xb, 0).ebx, 1);
	EXPECT_EQ(leaf(0xb, 1).ebx, 1);
	EXPECT_EQ(leaf(0xb, 1).eax, 0);
	EXPECT_EQ(leaf(0xb, 2).ebx, 0);
}

static void many_cpus(void)
{
	static const struct topology six = { 1, 6, 1 };

	setup();
	EXPECT_EQ(cpuid_build(&table, &six, 2000000, 0), 0);
	cpuid_set_apic_id(&table, 5);
	EXPECT_EQ(leaf(1, 0).ebx, 0x05060800);
	EXPECT_EQ(leaf(1, 0).edx >> 28 & 1, 1);
	EXPECT_EQ(leaf(4, 0).eax >> 26, 7);	/* ids are counted in powers of 2 */
	EXPECT_EQ(leaf(4, 0).eax >> 14 & 0xfff, 0);	/* L1: one core's own */
	EXPECT_EQ(leaf(4, 1).eax >> 14 & 0xfff, 7);	/* L3: all cores share it */
	EXPECT_EQ(leaf(0xb, 0).eax, 0);
	EXPECT_EQ(leaf(0xb, 1).eax, 3);
	EXPECT_EQ(leaf(0xb, 1).ebx, 6);
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT_EQ(leaf(0xb, i).edx, 5);
		EXPECT_EQ(leaf(0xb, i).ecx & 0xff, i);
	}
}

/* 2 sockets of 3 cores of 2 threads: 1 bit, 2 bits and the rest. */
static void threads_and_sockets(void)
{
	static const struct topology t = { 2, 3, 2 };
	static const u32 leaves[] = { 0xb, 0x1f };

	setup();
	EXPECT_EQ(cpuid_build(&table, &t, 2000000, 0), 0);
	cpuid_set_apic_id(&table, 13);
	EXPECT_EQ(leaf(1, 0).ebx, 0x0d060800);	/* CPUs of a socket */
	EXPECT_EQ(leaf(1, 0).edx >> 28 & 1, 1);
	EXPECT_EQ(leaf(4, 0).eax >> 26, 3);
	EXPECT_EQ(leaf(4, 0).eax >> 14 & 0xfff, 1);	/* L1: two threads share it */
	EXPECT_EQ(leaf(4, 1).eax >> 14 & 0xfff, 7);	/* L3: a socket's ids */
	for (unsigned int i = 0; i < ARRAY_SIZE(leaves); i++) {
		EXPECT_EQ(leaf(leaves[i], 0).eax, 1);
		EXPECT_EQ(leaf(leaves[i], 0).ebx, 2);
		EXPECT_EQ(leaf(leaves[i], 0).ecx, 0x100);
		EXPECT_EQ(leaf(leaves[i], 1).eax, 3);
		EXPECT_EQ(leaf(leaves[i], 1).ebx, 6);
		EXPECT_EQ(leaf(leaves[i], 1).ecx, 0x201);
		EXPECT_EQ(leaf(leaves[i], 2).eax, 0);
		EXPECT_EQ(leaf(leaves[i], 2).ebx, 0);
		EXPECT_EQ(leaf(leaves[i], 2).ecx, 2);
		for (unsigned int j = 0; j < 3; j++)
			EXPECT_EQ(leaf(leaves[i], j).edx, 13);
	}
}

static void one_thread_a_socket(void)
{
	static const struct topology t = { 4, 1, 1 };

	setup();
	EXPECT_EQ(cpuid_build(&table, &t, 2000000, 0), 0);
	EXPECT_EQ(leaf(1, 0).ebx >> 16 & 0xff, 1);
	EXPECT_EQ(leaf(1, 0).edx >> 28 & 1, 0);
	EXPECT_EQ(leaf(0xb, 1).eax, 0);
	EXPECT_EQ(leaf(0xb, 1).ebx, 1);
}

static int parse(struct topology *t, const char *words)
{
	char text[40];

	snprintf(text, sizeof(text), "%s", words);
	return topology_parse(t, text);
}

/* What --cpus says, as sockets, cores and threads */
static void words(void)
{
	static const struct {
		const char *words;
		struct topology wanted;
	} good[] = {
		{ "1", { 1, 1, 1 } },
		{ "64", { 1, 64, 1 } },
		{ "sockets=2", { 2, 1, 1 } },
		{ "cores=4", { 1, 4, 1 } },
		{ "threads=2", { 1, 1, 2 } },
		{ "threads=2,sockets=2,cores=3", { 2, 3, 2 } },
		{ "8,sockets=2", { 2, 4, 1 } },
		{ "8,cores=2", { 4, 2, 1 } },
		{ "8,threads=2", { 1, 4, 2 } },
		{ "cores=2,threads=2,8", { 2, 2, 2 } },
		{ "12,sockets=2,cores=3,threads=2", { 2, 3, 2 } },
	};
	static const char *const bad[] = {
		"", "0", "65", "x", "2,2", "2,", "sockets=", "sockets=0", "cores=65",
		"cores=2,cores=2", "dies=2", "7,sockets=2", "1,cores=2", "4,sockets=8",
		"sockets=8,cores=8,threads=2", "sockets=64,cores=64,threads=64",
		"sockets=5,cores=9",	/* 45 CPUs, but ids to 4 * 16 + 8 */
	};
	struct topology t;

	for (unsigned int i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(parse(&t, good[i].words), 0);
		EXPECT(!memcmp(&t, &good[i].wanted, sizeof(t)));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(parse(&t, bad[i]), -EINVAL);
}

static void frequencies(void)
{
	static const u32 khz[] = {
		1, 999, 24000, 100000, 1000000, 1999999, 2099998, 2100000, 2593906,
		2899886, 3312345, 3999999, 4294000,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(khz); i++) {
		u32 numerator, denominator, told;
		double error;

		cpuid_ratio(khz[i], &numerator, &denominator);
		EXPECT(denominator);
		/* As Linux calculates: 32 bits. */
		EXPECT((u64)numerator * 1000000 <= UINT32_MAX);
		told = numerator * 1000000u / denominator;
		error = ((double)told - khz[i]) / khz[i];
		if (khz[i] >= 24000)
			EXPECT(error < 0.000001 && error > -0.000001 - 1.0 / khz[i]);
	}
}

static void hypervisor_leaves(void)
{
	struct vmx_lite_cpuid_entry e;

	setup();
	EXPECT_EQ(cpuid_build(&table, &one, 2593906, 0), 0);
	e = leaf(0x40000000, 0);
	EXPECT_EQ(e.eax, 0x40000010);
	EXPECT(!memcmp(&e.ebx, "vmx-", 4) && !memcmp(&e.ecx, "lite", 4) && !e.edx);
	e = leaf(0x40000010, 0);
	EXPECT_EQ(e.eax, 2593906);
	EXPECT_EQ(e.ebx, 1000000);
	e = leaf(0x40000100, 0);
	EXPECT_EQ(e.eax, 0x40000101);
	EXPECT(!memcmp(&e.ebx, "KVMK", 4) && !memcmp(&e.ecx, "VMKV", 4) &&
	       !memcmp(&e.edx, "M\0\0\0", 4));
	EXPECT_EQ(leaf(0x40000101, 0).eax, 0);	/* no features */
	EXPECT_EQ(leaf(0x15, 0).ecx, 1000000000);
	EXPECT_EQ(leaf(0x16, 0).eax, 2594);

	setup();
	EXPECT_EQ(cpuid_build(&table, &one, 2593906, VMX_LITE_FEAT_PV_EOI), 0);
	EXPECT_EQ(leaf(0x40000101, 0).eax, 1 << 6);
}

static void refuses(void)
{
	table.count = 0;
	EXPECT_EQ(cpuid_build(&table, &one, 2000000, 0), -EINVAL);
	setup();
	while (table.count < VMX_LITE_MAX_CPUID)
		add(0x80000001 + table.count, 0, false, 0, 0, 0, 0);
	EXPECT_EQ(cpuid_build(&table, &one, 2000000, 0), -E2BIG);
}

static const struct tap_test tests[] = {
	{ "cpuid: one CPU", one_cpu },
	{ "cpuid: six CPUs", many_cpus },
	{ "cpuid: threads and sockets", threads_and_sockets },
	{ "cpuid: a thread a socket", one_thread_a_socket },
	{ "cpuid: --cpus", words },
	{ "cpuid: the TSC's frequency is exact and fits 32 bits", frequencies },
	{ "cpuid: the hypervisor's leaves", hypervisor_leaves },
	{ "cpuid: refuses a table without leaf 1, or that is full", refuses },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
