// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work for all CPUs of a guest at once: a program of its initramfs, static.
 *
 *   smp storm   everything below, and says what it did
 *   smp tsc     only the clock
 *
 * It says nothing of time: a test here fails if a CPU sees what it must not, or
 * never ends.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define CPUS_MAX	64
#define PAGE		4096
#define MAPPINGS	60
#define PROTECTIONS	30
#define BARRIERS	50
#define LAPS		20
#define TICKS		10
#define CLOCK_READS	8000
#define SHARED_WORDS	(32 * 1024)

static unsigned int cpus;
static unsigned int cpu_numbers[CPUS_MAX];
static bool failed;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	printf("smp: FAILED: %s\n", what);
	failed = true;
}

/* Run a function on all CPUs at once, each pinned to its own. */
static void on_all(void *(*run)(void *))
{
	pthread_t threads[CPUS_MAX];

	for (unsigned long i = 0; i < cpus; i++) {
		pthread_attr_t attr;
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu_numbers[i], &set);
		pthread_attr_init(&attr);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
		if (pthread_create(&threads[i], &attr, run, (void *)i)) {
			printf("smp: FAILED: no thread on CPU %u\n", cpu_numbers[i]);
			exit(1);
		}
		pthread_attr_destroy(&attr);
	}
	for (unsigned int i = 0; i < cpus; i++)
		pthread_join(threads[i], NULL);
}

/* Wait for all CPUs. */
static void meet(void)
{
	static unsigned int here, turn;
	unsigned int mine = __atomic_load_n(&turn, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&here, 1, __ATOMIC_ACQ_REL) == cpus) {
		__atomic_store_n(&here, 0, __ATOMIC_RELAXED);
		__atomic_add_fetch(&turn, 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == mine)
		sched_yield();
}

/*
 * One CPU maps page after page at the same address, page N holds N. Whoever knows
 * that page N is there may not read less: that would be a stale translation.
 */
static uint32_t *window;
static uint32_t mapped;
static int pages_fd;

static void *map_and_read(void *arg)
{
	if (arg) {
		uint32_t known;

		do {
			known = __atomic_load_n(&mapped, __ATOMIC_ACQUIRE);
			check(__atomic_load_n(window, __ATOMIC_RELAXED) >= known,
			      "a page that was unmapped is still seen");
		} while (known < MAPPINGS - 1);
		return NULL;
	}
	for (uint32_t i = 1; i < MAPPINGS; i++) {
		if (mmap(window, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, pages_fd,
			 (off_t)i * PAGE) != window)
			check(false, "mmap");
		__atomic_store_n(&mapped, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void shoot_down(void)
{
	pages_fd = memfd_create("pages", 0);
	for (uint32_t i = 0; i < MAPPINGS; i++)
		check(pwrite(pages_fd, &i, sizeof(i), (off_t)i * PAGE) == sizeof(i), "pwrite");
	window = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, pages_fd, 0);
	on_all(map_and_read);
	munmap(window, PAGE);
	close(pages_fd);
}

/*
 * One CPU takes the right to write away and gives it back; the others write. What
 * is written while nobody may would be a stale translation.
 */
static volatile uint64_t *guarded;
static bool guarding;
static __thread sigjmp_buf *landing;

static void denied(int sig)
{
	(void)sig;
	siglongjmp(*landing, 1);
}

static void *write_and_protect(void *arg)
{
	uintptr_t cpu = (uintptr_t)arg;
	sigjmp_buf here;

	if (cpu) {
		landing = &here;
		while (__atomic_load_n(&guarding, __ATOMIC_ACQUIRE)) {
			if (!sigsetjmp(here, 1))
				guarded[cpu]++;
		}
		return NULL;
	}
	for (unsigned int i = 0; i < PROTECTIONS; i++) {
		uint64_t before[CPUS_MAX], after[CPUS_MAX];

		mprotect((void *)guarded, PAGE, PROT_READ);
		for (unsigned int c = 1; c < cpus; c++)
			before[c] = guarded[c];
		sched_yield();
		for (unsigned int c = 1; c < cpus; c++)
			after[c] = guarded[c];
		check(!memcmp(before + 1, after + 1, (cpus - 1) * sizeof(*before)),
		      "a page is written that nobody may write");
		mprotect((void *)guarded, PAGE, PROT_READ | PROT_WRITE);
	}
	__atomic_store_n(&guarding, false, __ATOMIC_RELEASE);
	return NULL;
}

static void protect(void)
{
	struct sigaction action = { .sa_handler = denied };

	sigaction(SIGSEGV, &action, NULL);
	guarded = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guarding = true;
	on_all(write_and_protect);
	munmap((void *)guarded, PAGE);
	signal(SIGSEGV, SIG_DFL);
}

/* Each membarrier is an IPI to all other CPUs that run a thread of ours. */
static void *barriers(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < BARRIERS; i++)
		check(!syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0),
		      "membarrier");
	return NULL;
}

/* A token goes round all CPUs, which sleep until it comes. */
static pthread_mutex_t token_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t token_moved = PTHREAD_COND_INITIALIZER;
static unsigned int token;

static void *pass_token(void *arg)
{
	unsigned int cpu = (uintptr_t)arg;

	for (unsigned int lap = 0; lap < LAPS; lap++) {
		pthread_mutex_lock(&token_lock);
		while (token % cpus != cpu)
			pthread_cond_wait(&token_moved, &token_lock);
		check(token == lap * cpus + cpu, "the token jumps");
		token++;
		pthread_cond_broadcast(&token_moved);
		pthread_mutex_unlock(&token_lock);
	}
	return NULL;
}

/* Timers of each CPU: none is early, each comes. */
static void *sleep_often(void *arg)
{
	const struct timespec tick = { .tv_nsec = 1000000 };

	(void)arg;
	for (unsigned int i = 0; i < TICKS; i++) {
		struct timespec before, after;

		clock_gettime(CLOCK_MONOTONIC, &before);
		while (clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL))
			;
		clock_gettime(CLOCK_MONOTONIC, &after);
		check((after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec -
		      before.tv_nsec >= tick.tv_nsec, "a timer is early");
	}
	return NULL;
}

/* Each CPU fills its part of shared memory, then all of them hash all of it. */
static uint64_t shared[SHARED_WORDS];
static uint64_t hashes[CPUS_MAX];

static void *fill_and_hash(void *arg)
{
	unsigned int cpu = (uintptr_t)arg;
	uint64_t hash = 0xcbf29ce484222325;

	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = cpu; i < SHARED_WORDS; i += cpus)
			shared[i] = (uint64_t)i * (round + 3);
		meet();
		for (unsigned int i = 0; i < SHARED_WORDS; i++)
			hash = (hash ^ shared[i]) * 0x100000001b3;
		meet();
	}
	hashes[cpu] = hash;
	return NULL;
}

static uint64_t expected_hash(void)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int i = 0; i < SHARED_WORDS; i++)
			hash = (hash ^ ((uint64_t)i * (round + 3))) * 0x100000001b3;
	return hash;
}

/* The TSC of no CPU is behind what another has read before. */
static uint64_t last_tsc;
static pthread_spinlock_t tsc_lock;

static void *read_tsc(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < CLOCK_READS / cpus; i++) {
		uint64_t now;

		pthread_spin_lock(&tsc_lock);
		_mm_lfence();
		now = __rdtsc();
		check(now > last_tsc, "the TSC goes back");
		last_tsc = now;
		pthread_spin_unlock(&tsc_lock);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && cpus < CPUS_MAX; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpu_numbers[cpus++] = cpu;
	pthread_spin_init(&tsc_lock, PTHREAD_PROCESS_PRIVATE);
	on_all(read_tsc);
	if (argc > 1 && !strcmp(argv[1], "storm")) {
		shoot_down();
		protect();
		check(!syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0),
		      "no membarrier");
		on_all(barriers);
		on_all(pass_token);
		check(token == LAPS * cpus, "the token is lost");
		on_all(sleep_often);
		on_all(fill_and_hash);
		for (unsigned int i = 0; i < cpus; i++)
			check(hashes[i] == expected_hash(), "a CPU sees other memory");
	}
	if (!failed)
		printf("smp: %s on %u CPUs\n", argc > 1 ? argv[1] : "nothing", cpus);
	return failed;
}
