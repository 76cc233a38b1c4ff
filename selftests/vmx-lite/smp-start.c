// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs that start, wait and spin: SPINUP_AP, as many as there may be, polling HLTs,
 * loops of PAUSE, and a host that sleeps. SDM vol. 3, 9.4, 11.4.7, 26.1.3.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#include "smp-vm.h"

/* ------------------------------------------------------------ SPINUP_AP */

/* A first vCPU with code of the test's own, and others that nobody runs. */
VL_GUEST(wake_others, 64,
	 "mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr;"
	 "mov $0x830, %ecx; xor %edx, %edx;"
	 "mov $0xc4500, %eax; wrmsr; mov $0xc4606, %eax; wrmsr; mov $0xc4607, %eax; wrmsr;"
	 "wake_sent: out %al, $0xf0; hlt");

/* out %al, $0xf1; hlt */
#define ALIVE(vm, gpa)	vl_load_bytes(vm, gpa, 0xe6, PORT_ALIVE, 0xf4)

TEST(spinup_once_for_each)
{
	struct vmx_lite_segs segs;
	struct smp smp;
	unsigned int i;

	smp_init(&smp, 4, SMP_NONE, 0);
	vl_load(&smp.vm, VL_CODE, wake_others);
	ALIVE(&smp.vm, 0x6000);
	ALIVE(&smp.vm, 0x7000);
	/* One exit for each, in order, with the first SIPI's page; the second gives none. */
	for (i = 1; i < 4; i++) {
		struct vmx_lite_run *run = smp.cpus[0].vcpu.run;

		ASSERT_EXIT(VM_EXITCODE_SPINUP_AP, &smp.cpus[0].vcpu);
		EXPECT_EQ(i, run->spinup_ap.vcpu);
		EXPECT_EQ(0x6000, run->spinup_ap.rip);
		EXPECT_EQ(0, run->insn_len);
	}
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[0].vcpu);
	EXPECT_EQ(PORT_END, smp.cpus[0].vcpu.run->inout.port);
	EXPECT_EQ(VL_CODE + (wake_others_end - wake_others) - 3, smp.cpus[0].vcpu.run->rip);

	for (i = 1; i < 4; i++) {
		ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[i].vcpu);
		EXPECT_EQ(PORT_ALIVE, smp.cpus[i].vcpu.run->inout.port);
		ASSERT_EQ(0, vl_ioctl(smp.cpus[i].vcpu.fd, VM_GET_SEGS, &segs));
		EXPECT_EQ(0x600, segs.cs.selector);
		EXPECT_EQ(0x6000, segs.cs.base);
	}
	smp_exit(&smp);
}

/* One whose VM_RUN was called is the kernel's to wake, also if nobody is in there now. */
TEST(no_spinup_of_one_that_ran)
{
	struct smp smp;

	smp_init(&smp, 3, SMP_NONE, 0);
	vl_load(&smp.vm, VL_CODE, wake_others);
	ALIVE(&smp.vm, 0x6000);
	smp.cpus[1].vcpu.run->immediate_exit = 1;
	ASSERT_EXIT(VM_EXITCODE_INTR, &smp.cpus[1].vcpu);
	smp.cpus[1].vcpu.run->immediate_exit = 0;

	ASSERT_EXIT(VM_EXITCODE_SPINUP_AP, &smp.cpus[0].vcpu);
	EXPECT_EQ(2, smp.cpus[0].vcpu.run->spinup_ap.vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[0].vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[1].vcpu);
	EXPECT_EQ(PORT_ALIVE, smp.cpus[1].vcpu.run->inout.port);
	smp_exit(&smp);
}

VL_GUEST(wake_without_init, 64,
	 "mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr;"
	 "mov $0x830, %ecx; xor %edx, %edx; mov $0xc4606, %eax; wrmsr; out %al, $0xf0; hlt");

/* After reset a vCPU waits for the SIPI alone; one that runs already ignores it. */
TEST(sipi_without_init)
{
	struct vmx_lite_events e = { .activity = VMX_LITE_RUNNING };
	struct smp smp;

	smp_init(&smp, 3, SMP_NONE, 0);
	vl_load(&smp.vm, VL_CODE, wake_without_init);
	ALIVE(&smp.vm, 0x6000);
	/* The last one: user space has set it going at 0x7000. */
	vl_load_bytes(&smp.vm, 0x7000, 0xe6, PORT_END, 0xf4);
	ASSERT_EQ(0, vl_ioctl(smp.cpus[2].vcpu.fd, VM_SET_EVENTS, &e));
	vl_start(&smp.cpus[2].vcpu, 0x7000, VL_FLAGS);

	ASSERT_EXIT(VM_EXITCODE_SPINUP_AP, &smp.cpus[0].vcpu);
	EXPECT_EQ(1, smp.cpus[0].vcpu.run->spinup_ap.vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[0].vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[1].vcpu);
	EXPECT_EQ(PORT_ALIVE, smp.cpus[1].vcpu.run->inout.port);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[2].vcpu);
	EXPECT_EQ(PORT_END, smp.cpus[2].vcpu.run->inout.port);
	smp_exit(&smp);
}

VL_GUEST(wake_init_last, 64,
	 "mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr;"
	 "mov $0x830, %ecx; xor %edx, %edx; mov $0xc4606, %eax; wrmsr;"
	 "mov $0xc4500, %eax; wrmsr; out %al, $0xf0;"
	 "mov $0xc4607, %eax; wrmsr; out %al, $0xf0; hlt");

/* An INIT forgets the SIPI before it; the next SIPI counts, without another exit. */
TEST(init_drops_sipi)
{
	struct smp smp;

	smp_init(&smp, 2, SMP_NONE, 0);
	vl_load(&smp.vm, VL_CODE, wake_init_last);
	vl_load_bytes(&smp.vm, 0x6000, 0xe6, PORT_END, 0xf4);
	ALIVE(&smp.vm, 0x7000);
	ASSERT_EXIT(VM_EXITCODE_SPINUP_AP, &smp.cpus[0].vcpu);
	EXPECT_EQ(0x6000, smp.cpus[0].vcpu.run->spinup_ap.rip);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[0].vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[0].vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &smp.cpus[1].vcpu);
	EXPECT_EQ(PORT_ALIVE, smp.cpus[1].vcpu.run->inout.port);
	smp_exit(&smp);
}

/* ------------------------------------------------------------ as many as there may be */

TEST(sixty_four)
{
	struct vmx_lite_create_vcpu create = { .id = MAX_CPUS };
	struct smp smp;
	unsigned int i;

	smp_init(&smp, MAX_CPUS, SMP_STORM, 1);
	ASSERT_EQ(MAX_CPUS, smp.vm.info.max_vcpus);
	EXPECT_EQ(-EINVAL, vl_ioctl(smp.vm.fd, VM_CREATE_VCPU, &create));
	create.id = MAX_CPUS - 1;
	EXPECT_EQ(-EEXIST, vl_ioctl(smp.vm.fd, VM_CREATE_VCPU, &create));
	/* From two places to all; from the first to each cluster, one after another. */
	smp_set_ipi(&smp, 5, 0, ICR_OTHERS, ~(1ULL << 5), 5);
	smp_set_ipi(&smp, MAX_CPUS - 1, 0, 0xffffffffULL << 32, ~0ULL, 61);
	for (i = 0; i < 4; i++)
		smp_set_ipi(&smp, 0, i, (uint64_t)(i << 16 | 0xffff) << 32 | ICR_LOGICAL,
			    0xffffULL << 16 * i, 0);
	RUN_TO_END(&smp);
	for (i = 0; i < MAX_CPUS; i++) {
		EXPECT_EQ(i != 5, smp_counted(&smp, i, 5));
		EXPECT_EQ(1, smp_counted(&smp, i, 61));
		EXPECT_EQ(1, smp_counted(&smp, i, 0));
	}
	smp_exit(&smp);
}

/* ------------------------------------------------------------ waiting and spinning */

#define PARAMETER	"/sys/module/vmx_lite/parameters/"

static unsigned int get_parameter(const char *name)
{
	char path[128], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), PARAMETER "%s", name);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f))
		vl_die("%s cannot be read", path);
	fclose(f);
	return strtoul(text, NULL, 0);
}

static void set_parameter(const char *name, unsigned int value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), PARAMETER "%s", name);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%u", value) < 0 || fclose(f))
		vl_die("%s cannot be written", path);
}

/* Many spin for what others, who have no CPU, are to do. */
TEST(pause_loops)
{
	struct vmx_lite_stats stats;
	uint64_t loops = 0, yields = 0;
	struct smp smp;
	unsigned int i;

	smp_init(&smp, 8, SMP_STORM, ROUNDS);
	for (i = 0; i < smp.count; i++)
		smp_set_ipi(&smp, i, 0, ICR_OTHERS, smp_all(&smp) & ~(1ULL << i), i);
	RUN_TO_END(&smp);
	for (i = 0; i < smp.count; i++) {
		vl_stats(&smp.cpus[i].vcpu, &stats);
		loops += stats.exits[40];
		yields += stats.yields;
	}
	if (smp.vm.info.features & VMX_LITE_FEAT_PAUSE_LOOP) {
		EXPECT_LT(0, loops);
		EXPECT_LT(0, yields);
	} else {
		EXPECT_EQ(0, loops);
	}
	EXPECT_LE(yields, loops);
	smp_exit(&smp);
}

static struct vmx_lite_stats timers_again(struct smp *smp)
{
	struct vmx_lite_stats stats;
	struct cpu *cpu = &smp->cpus[0];

	memset(smp->vm.ram + COUNTS, 0, 512);
	smp_shared(smp)->done = 0;
	vl_start(&cpu->vcpu, VL_CODE, VL_FLAGS);
	smp_start(cpu);
	smp_join(cpu);
	vl_stats(&cpu->vcpu, &stats);
	return stats;
}

/*
 * As long as halts are shorter than the limit the time of polling grows; it is given
 * up after the first that is longer, or with a limit of 0.
 */
TEST(halt_polling)
{
	unsigned int before = get_parameter("halt_poll_ns");
	struct vmx_lite_stats s, last;
	struct smp smp;

	set_parameter("halt_poll_ns", 0);
	smp_init(&smp, 1, SMP_TIMER, 60);
	last = timers_again(&smp);
	EXPECT_LT(0, last.halts);
	EXPECT_EQ(0, last.halt_polls);
	EXPECT_EQ(0, last.halt_poll_hits);

	set_parameter("halt_poll_ns", 1U << 31);
	s = timers_again(&smp);
	EXPECT_LT(0, s.halt_polls);
	EXPECT_LT(0, s.halt_poll_hits);
	EXPECT_LE(s.halt_poll_hits, s.halt_polls);
	last = s;

	/* No halt is as short as that. */
	set_parameter("halt_poll_ns", 1);
	s = timers_again(&smp);
	EXPECT_LT(last.halts, s.halts);
	EXPECT_GE(1, s.halt_polls - last.halt_polls);
	last = s;

	set_parameter("halt_poll_ns", 0);
	s = timers_again(&smp);
	EXPECT_EQ(0, s.halt_polls - last.halt_polls);
	smp_exit(&smp);
	set_parameter("halt_poll_ns", before);
}

/* ------------------------------------------------------------ the host sleeps */

static bool write_line(const char *path, const char *line)
{
	FILE *f = fopen(path, "w");
	bool done = f && fputs(line, f) >= 0;

	return f && !fclose(f) && done;
}

static bool can_test_sleep(void)
{
	char line[128] = "";
	FILE *f = fopen("/sys/power/pm_test", "r");
	bool can = f && fgets(line, sizeof(line), f) && strstr(line, "core");

	if (f)
		fclose(f);
	return can;
}

/*
 * All but the last step of a sleep: threads frozen, CPUs off but the first, VT-x off.
 * Guests go on after it, and no TSC has gone back.
 */
TEST(host_sleep)
{
	struct vmx_lite_tsc first, other;
	struct smp smp;
	uint64_t last;
	int i;

	if (!can_test_sleep())
		SKIP(return, "this kernel has no test of sleep");
	if (vl_under_bochs())
		SKIP(return, "in Bochs the kernel's test of sleep does not end");
	smp_init(&smp, 2, SMP_CLOCK, ~0U);
	smp_start(&smp.cpus[0]);
	while (!__atomic_load_n(&smp_shared(&smp)->last, __ATOMIC_SEQ_CST))
		sched_yield();
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(write_line("/sys/power/pm_test", "core"));
		ASSERT_TRUE(write_line("/sys/power/state", "mem"));
		last = __atomic_load_n(&smp_shared(&smp)->last, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&smp_shared(&smp)->last, __ATOMIC_SEQ_CST) == last)
			sched_yield();
	}
	ASSERT_TRUE(write_line("/sys/power/pm_test", "none"));
	ASSERT_EQ(0, smp_suspend(&smp));
	for (i = 0; i < 2; i++) {
		smp_join(&smp.cpus[i]);
		EXPECT_EQ(VM_EXITCODE_SUSPENDED, smp.cpus[i].exit);
	}
	EXPECT_EQ(0, smp_shared(&smp)->errors);
	ASSERT_EQ(0, vl_ioctl(smp.cpus[0].vcpu.fd, VM_GET_TSC, &first));
	ASSERT_EQ(0, vl_ioctl(smp.cpus[1].vcpu.fd, VM_GET_TSC, &other));
	EXPECT_EQ(first.offset, other.offset);
	smp_exit(&smp);
}

TEST_HARNESS_MAIN
