// SPDX-License-Identifier: GPL-2.0-only
/* --pin: what it says, and whether this host has it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pin.h"
#include "tap.h"

static int parse(struct pinning *p, const char *words)
{
	char text[40];

	snprintf(text, sizeof(text), "%s", words);
	return pinning_parse(p, text);
}

/* The first 64 CPUs of a set */
static u64 bits(const cpu_set_t *set)
{
	u64 bits = 0;

	if (!set)
		return 0;
	for (unsigned int cpu = 0; cpu < 64; cpu++)
		bits |= (u64)!!CPU_ISSET(cpu, set) << cpu;
	return bits;
}

static void lists(void)
{
	struct pinning p = { };

	EXPECT_EQ(parse(&p, "3,5-7,0"), 0);
	EXPECT_EQ(bits(pinning_of(&p, 0)), 1 << 3);
	EXPECT_EQ(bits(pinning_of(&p, 1)), 1 << 5);
	EXPECT_EQ(bits(pinning_of(&p, 3)), 1 << 7);
	EXPECT_EQ(bits(pinning_of(&p, 4)), 1 << 0);
	EXPECT(!pinning_of(&p, 5));
}

static void pairs(void)
{
	struct pinning p = { };

	EXPECT_EQ(parse(&p, "1:2-3,8"), 0);
	EXPECT_EQ(parse(&p, "62-63:0"), 0);
	EXPECT(!pinning_of(&p, 0));
	EXPECT_EQ(bits(pinning_of(&p, 1)), 0x10c);
	EXPECT(!pinning_of(&p, 2));
	EXPECT_EQ(bits(pinning_of(&p, 62)), 1);
	EXPECT_EQ(bits(pinning_of(&p, 63)), 1);
}

static void refuses(void)
{
	static const char *const bad[] = {
		"", ",", "x", "1,", "2-1", "0-64", "1024", ":", "0:", ":0", "64:0", "0:0:0",
		"0-0-0", "0,0:1", "0:1024", "1-0:0", "-1",
	};
	struct pinning p;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		p = (struct pinning) { };
		EXPECT_EQ(parse(&p, bad[i]), -EINVAL);
	}
	p = (struct pinning) { };
	EXPECT_EQ(parse(&p, "0,0"), 0);		/* two vCPUs may share a CPU */
	EXPECT_EQ(parse(&p, "1:0"), -EINVAL);	/* but each is named once */
}

static void checks(void)
{
	struct pinning p = { };
	unsigned int cpu = 0;
	cpu_set_t mine;
	char text[16];

	EXPECT_EQ(pinning_check(&p, 1), 0);
	EXPECT_EQ(sched_getaffinity(0, sizeof(mine), &mine), 0);
	while (!CPU_ISSET(cpu, &mine))
		cpu++;
	snprintf(text, sizeof(text), "0:%u", cpu);
	EXPECT_EQ(parse(&p, text), 0);
	EXPECT_EQ(pinning_check(&p, 1), 0);
	snprintf(text, sizeof(text), "2:%u", cpu);
	EXPECT_EQ(parse(&p, text), 0);
	EXPECT_EQ(pinning_check(&p, 2), -EINVAL);
	EXPECT_EQ(pinning_check(&p, 3), 0);
	while (CPU_ISSET(cpu, &mine))
		cpu++;
	snprintf(text, sizeof(text), "1:%u", cpu);
	EXPECT_EQ(parse(&p, text), 0);
	EXPECT_EQ(pinning_check(&p, 3), -EINVAL);
}

static const struct tap_test tests[] = {
	{ "pin: CPUs, one a vCPU", lists },
	{ "pin: vCPUs that share CPUs", pairs },
	{ "pin: refuses what makes no sense", refuses },
	{ "pin: checks the guest and the host", checks },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
