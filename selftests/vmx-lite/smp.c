// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several vCPUs at work: IPIs of every kind, TLB shootdowns, timers, guest memory
 * that is taken away under them, and their end. SDM vol. 3, 11.4.7, 11.6.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "smp-vm.h"

FIXTURE(smp) {
	struct smp smp;
};

FIXTURE_VARIANT(smp) {
	unsigned int cpus;
};

FIXTURE_VARIANT_ADD(smp, 1) { .cpus = 1 };
FIXTURE_VARIANT_ADD(smp, 2) { .cpus = 2 };
FIXTURE_VARIANT_ADD(smp, 4) { .cpus = 4 };
FIXTURE_VARIANT_ADD(smp, 8) { .cpus = 8 };

FIXTURE_SETUP(smp)
{
	smp_init(&self->smp, variant->cpus, SMP_NONE, 0);
}

FIXTURE_TEARDOWN(smp)
{
	smp_exit(&self->smp);
}

/* ------------------------------------------------------------ IPIs */

/* Each to each, and itself, by APIC id. */
TEST_F(smp, ipi_physical)
{
	struct smp *smp = &self->smp;
	unsigned int i, j;

	smp_set_program(smp, SMP_STORM, ROUNDS);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count && j < IPIS - 1; j++)
			smp_set_ipi(smp, i, j, (uint64_t)((i + j) % smp->count) << 32,
				    1ULL << (i + j) % smp->count, i);
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count && j < IPIS - 1; j++)
			EXPECT_EQ(ROUNDS, smp_counted(smp, (i + j) % smp->count, i));
}

/* To the cluster of the first sixteen: one, two neighbours, all of them. */
TEST_F(smp, ipi_x2apic_logical)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	smp_set_program(smp, SMP_STORM, ROUNDS);
	for (i = 0; i < smp->count; i++) {
		uint64_t pair = 1ULL << i | 1ULL << (i + 1) % smp->count;

		smp_set_ipi(smp, i, 0, 1ULL << (32 + i) | ICR_LOGICAL, 1ULL << i, i);
		smp_set_ipi(smp, i, 1, pair << 32 | ICR_LOGICAL, pair, i);
		smp_set_ipi(smp, i, 2, smp_all(smp) << 32 | ICR_LOGICAL, smp_all(smp), i);
	}
	RUN_TO_END(smp);
}

/* The shorthands, and the broadcast address. */
TEST_F(smp, ipi_broadcast)
{
	struct smp *smp = &self->smp;
	unsigned int i, j;

	smp_set_program(smp, SMP_STORM, ROUNDS);
	for (i = 0; i < smp->count; i++) {
		smp_set_ipi(smp, i, 0, ICR_OTHERS, smp_all(smp) & ~(1ULL << i), i);
		smp_set_ipi(smp, i, 1, ICR_ALL, smp_all(smp), i);
		smp_set_ipi(smp, i, 2, ICR_SELF, 1ULL << i, i);
		smp_set_ipi(smp, i, 3, 0xffffffffULL << 32, smp_all(smp), i);
		smp_set_ipi(smp, i, 4, 0xffffffffULL << 32 | ICR_LOGICAL, smp_all(smp), i);
	}
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count; j++)
			EXPECT_EQ(4 * ROUNDS, smp_counted(smp, i, j));
}

static void *use_fpu(void *arg)
{
	bool *stop = arg;
	uint8_t env[28];

	asm volatile("fninit; fnstenv %0" : "=m" (env));
	while (!__atomic_load_n(stop, __ATOMIC_RELAXED))
		asm volatile("fldenv %0" : : "m" (env));
	return NULL;
}

/* What other threads do with their CPU's FPU is nothing to a guest beside them. */
TEST_F(smp, ipi_beside_fpu)
{
	struct smp *smp = &self->smp;
	pthread_t threads[2];
	bool stop = false;
	unsigned int i;

	smp_set_program(smp, SMP_STORM, 5 * ROUNDS);
	for (i = 0; i < smp->count; i++)
		smp_set_ipi(smp, i, 0, ICR_ALL, smp_all(smp), i);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, use_fpu, &stop));
	RUN_TO_END(smp);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

/* In xAPIC mode, by MMIO: the flat model, then the cluster model. */
static void xapic_storm(struct smp *smp, bool cluster)
{
	struct shared *s = smp_shared(smp);
	unsigned int i;

	smp_set_program(smp, SMP_STORM, ROUNDS);
	s->xapic = 1;
	s->dfr = cluster ? 0x0fffffff : 0xffffffff;
	for (i = 0; i < smp->count; i++)
		s->ldr[i] = (cluster ? (i / 4) << 4 | 1U << i % 4 : 1U << i) << 24;
	for (i = 0; i < smp->count; i++) {
		uint64_t four = 0xfULL << i / 4 * 4 & smp_all(smp);

		smp_set_ipi(smp, i, 0, (uint64_t)(s->ldr[i] >> 24) << 32 | ICR_LOGICAL,
			    1ULL << i, i);
		smp_set_ipi(smp, i, 1, 0xffULL << 32 | ICR_LOGICAL, smp_all(smp), i);
		smp_set_ipi(smp, i, 2, (cluster ? (uint64_t)(i / 4) << 4 | 0xf : four) << 32 |
			    ICR_LOGICAL, four, i);
		smp_set_ipi(smp, i, 3, (uint64_t)(smp->count - 1) << 32,
			    1ULL << (smp->count - 1), i);
	}
}

TEST_F(smp, ipi_xapic_flat)
{
	xapic_storm(&self->smp, false);
	RUN_TO_END(&self->smp);
}

TEST_F(smp, ipi_xapic_cluster)
{
	xapic_storm(&self->smp, true);
	RUN_TO_END(&self->smp);
}

/* NMIs from the first to all others, among their own interrupts. */
TEST_F(smp, ipi_nmi)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	/* The others go on where one had NMIs blocked: inject.nmi_blocked_in_another. */
	if (vl_under_bochs()) {
		if (smp->count > sysconf(_SC_NPROCESSORS_ONLN))
			SKIP(return, "in Bochs VM entry blocks NMIs but never unblocks them");
		smp->pinned = true;
	}
	smp_set_program(smp, SMP_STORM, ROUNDS);
	smp_set_ipi(smp, 0, 0, ICR_OTHERS | ICR_NMI | ICR_ASSERT, smp_all(smp) & ~1ULL, COLUMN_NMI);
	for (i = 1; i < smp->count; i++) {
		if (i < 4)
			smp_set_ipi(smp, 0, i, (uint64_t)i << 32 | ICR_NMI, 1ULL << i, COLUMN_NMI);
		smp_set_ipi(smp, i, 0, (uint64_t)(i % (smp->count - 1) + 1) << 32,
			    1ULL << (i % (smp->count - 1) + 1), i);
	}
	RUN_TO_END(smp);
	for (i = 1; i < smp->count; i++)
		EXPECT_EQ((i < 4 ? 2 : 1) * ROUNDS, smp_counted(smp, i, COLUMN_NMI));
}

/* Through HLT: a wakeup that is lost ends it. */
TEST_F(smp, ipi_ring)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	smp_set_program(smp, SMP_RING, 200);
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		EXPECT_EQ(200, smp_counted(smp, i, (i + smp->count - 1) % smp->count));
}

/* ------------------------------------------------------------ memory, timers, time */

#define SHOOTS	50

TEST_F(smp, tlb_shootdown)
{
	struct smp *smp = &self->smp;
	unsigned int i, j;

	smp_set_program(smp, SMP_SHOOT, SHOOTS);
	for (i = 0; i < SHOOT_COUNT; i++) {
		uint64_t hash = 0;

		for (j = 0; j < 512; j++) {
			uint64_t value = (i * 512 + j + 1) * 0x9e3779b97f4a7c15;

			vl_write64(&smp->vm, SHOOT_PAGES + i * 4096 + j * 8, value);
			hash = (hash << 1 | hash >> 63) ^ value;
		}
		smp_shared(smp)->hashes[i] = hash;
	}
	vl_write64(&smp->vm, SHOOT_PT, SHOOT_PAGES | 3);
	vl_write64(&smp->vm, VL_PD + 4096, SHOOT_PT | 3);
	RUN_TO_END(smp);
	EXPECT_EQ(smp->count * SHOOTS * 2, smp_shared(smp)->sequence);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count; j++)
			EXPECT_EQ(i == j ? 0 : SHOOTS, smp_counted(smp, i, j));
}

TEST_F(smp, timers)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	smp_set_program(smp, SMP_TIMER, 50);
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		EXPECT_EQ(50, smp_counted(smp, i, COLUMN_TIMER));
}

TEST_F(smp, tsc)
{
	struct smp *smp = &self->smp;
	struct vmx_lite_tsc first, other;
	unsigned int i;

	ASSERT_EQ(0, vl_ioctl(smp->cpus[0].vcpu.fd, VM_GET_TSC, &first));
	for (i = 1; i < smp->count; i++) {
		ASSERT_EQ(0, vl_ioctl(smp->cpus[i].vcpu.fd, VM_GET_TSC, &other));
		EXPECT_EQ(first.offset, other.offset);
	}
	smp_set_program(smp, SMP_CLOCK, 1000);
	RUN_TO_END(smp);
	/* Nor has INIT changed it. */
	for (i = 1; i < smp->count; i++) {
		ASSERT_EQ(0, vl_ioctl(smp->cpus[i].vcpu.fd, VM_GET_TSC, &other));
		EXPECT_EQ(first.offset, other.offset);
	}
}

#define WATCHED	0x400000

static void wait_for_reads(struct smp *smp, unsigned int more)
{
	volatile uint32_t *counts;
	unsigned int i;

	for (i = 0; i < smp->count; i++) {
		uint32_t begin;

		counts = (uint32_t *)(smp->vm.ram + COUNTS + i * 512);
		begin = *counts;
		while (*counts - begin < more)
			sched_yield();
	}
}

/*
 * The process puts another page in place of one that all vCPUs read: from the end of
 * the system call on, none of them may see the old one.
 */
TEST_F(smp, remap_under_readers)
{
	const unsigned int changes = 30;
	struct smp *smp = &self->smp;
	uint8_t *page = smp->vm.ram + WATCHED;
	int fd = memfd_create("pages", 0);
	uint32_t *pages;
	unsigned int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, (changes + 1) * 4096));
	pages = mmap(NULL, (changes + 1) * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, pages);
	for (i = 0; i <= changes; i++)
		pages[i * 1024] = i;

	smp_set_program(smp, SMP_WATCH, 0);
	smp_start(&smp->cpus[0]);
	for (i = 1; i <= changes; i++) {
		ASSERT_EQ(page, mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				     fd, i * 4096));
		__atomic_store_n(&smp_shared(smp)->epoch, i, __ATOMIC_SEQ_CST);
		wait_for_reads(smp, 2);
	}
	ASSERT_EQ(0, smp_suspend(smp));
	for (i = 0; i < smp->count; i++) {
		smp_join(&smp->cpus[i]);
		EXPECT_EQ(VM_EXITCODE_SUSPENDED, smp->cpus[i].exit);
	}
	EXPECT_EQ(0, smp_shared(smp)->errors);
	munmap(pages, (changes + 1) * 4096);
	close(fd);
}

/* A region that is taken away is gone for all of them when the ioctl returns. */
TEST_F(smp, unset_under_readers)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	ASSERT_EQ(0, vl_unset_memory(&smp->vm, 0, smp->vm.ram_size));
	ASSERT_EQ(0, vl_set_memory(&smp->vm, 0, WATCHED, smp->vm.ram, 0));
	ASSERT_EQ(0, vl_set_memory(&smp->vm, WATCHED, 4096, smp->vm.ram + WATCHED, 0));
	smp_set_program(smp, SMP_WATCH, 0);
	smp_start(&smp->cpus[0]);
	while (__atomic_load_n(&smp_shared(smp)->online, __ATOMIC_SEQ_CST) < smp->count)
		sched_yield();
	wait_for_reads(smp, 10);
	ASSERT_EQ(0, vl_unset_memory(&smp->vm, WATCHED, 4096));
	/* Whoever still reads the page after this finds it too small. */
	__atomic_store_n(&smp_shared(smp)->epoch, ~0U, __ATOMIC_SEQ_CST);
	for (i = 0; i < smp->count; i++) {
		smp_join(&smp->cpus[i]);
		ASSERT_EQ(VM_EXITCODE_MMIO, smp->cpus[i].exit)
			vl_describe(&smp->cpus[i].vcpu, smp->cpus[i].exit);
		EXPECT_EQ(WATCHED, smp->cpus[i].vcpu.run->mmio.gpa);
	}
	EXPECT_EQ(0, smp_shared(smp)->errors);
}

/* ------------------------------------------------------------ start and end */

TEST_F(smp, init_sipi_cycles)
{
	struct smp *smp = &self->smp;

	smp_set_program(smp, SMP_CYCLES, 100);
	RUN_TO_END(smp);
	EXPECT_EQ((smp->count - 1) * 100, smp_shared(smp)->online);
}

/* An endless storm, and something that happens in its middle. */
static void endless_storm(struct smp *smp)
{
	unsigned int i;

	smp_set_program(smp, SMP_STORM, ~0U);
	for (i = 0; i < smp->count; i++) {
		smp_set_ipi(smp, i, 0, ICR_ALL, smp_all(smp), i);
		smp_set_ipi(smp, i, 1, (uint64_t)((i + 1) % smp->count) << 32,
			    1ULL << (i + 1) % smp->count, i);
	}
	smp_start(&smp->cpus[0]);
	for (i = 0; i < smp->count; i++)
		while (smp_counted(smp, i, i) < 5)
			sched_yield();
}

TEST_F(smp, suspend_in_storm)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	endless_storm(smp);
	ASSERT_EQ(0, smp_suspend(smp));
	for (i = 0; i < smp->count; i++) {
		smp_join(&smp->cpus[i]);
		EXPECT_EQ(VM_EXITCODE_SUSPENDED, smp->cpus[i].exit);
	}
	EXPECT_EQ(-EBUSY, smp_suspend(smp));
}

static void nothing(int sig)
{
	(void)sig;
}

/* A thread that leaves for good: the others wait for its vCPU, but can be ended. */
TEST_F(smp, thread_gone_in_storm)
{
	struct sigaction action = { .sa_handler = nothing };
	struct smp *smp = &self->smp;
	struct cpu *last = &smp->cpus[smp->count - 1];
	unsigned int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	endless_storm(smp);
	smp->killed[smp->count - 1] = true;
	last->vcpu.run->immediate_exit = 1;
	pthread_kill(last->thread, SIGUSR1);
	smp_join(last);
	EXPECT_EQ(VM_EXITCODE_INTR, last->exit);
	ASSERT_EQ(0, smp_suspend(smp));
	for (i = 0; i < smp->count - 1; i++) {
		smp_join(&smp->cpus[i]);
		EXPECT_EQ(VM_EXITCODE_SUSPENDED, smp->cpus[i].exit);
	}
}

/* The process dies with all its vCPUs in the guest. */
TEST_F(smp, process_killed_in_storm)
{
	int status, fds[2];
	char byte;
	pid_t child;

	ASSERT_EQ(0, pipe(fds));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		struct smp smp;

		smp_init(&smp, variant->cpus, SMP_NONE, 0);
		endless_storm(&smp);
		if (write(fds[1], "s", 1) == 1)
			pause();
		_exit(1);
	}
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &byte, 1));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(fds[0]);
	/* This process's own VM has not noticed. */
	smp_set_program(&self->smp, SMP_RING, 10);
	RUN_TO_END(&self->smp);
}

TEST_HARNESS_MAIN
