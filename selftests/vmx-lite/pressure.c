// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two vCPUs count in memory that is pulled away under them all the time: paged
 * out, shared by fork, made of huge pages and small ones again, logged, unmapped
 * and mapped.  Each looks at a word before it adds to it, so that a lost write or
 * a stale translation is seen at once, by the guest itself.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/swap.h>

#include <kselftest_harness.h>

#include "vl.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define PAGE		4096ULL
#define HUGE		(2ULL << 20)
#define SIZE		(2 * HUGE)
#define PAGES		(SIZE / PAGE)
#define VCPUS		2
#define ROUNDS		40		/* of each vCPU, at least */
#define CHANGES		20		/* to the memory, at least */

/* RSI words, RBP bytes apart, from RDI: each must be RDX and becomes RDX + 1. */
VL_GUEST(counter, 64,
	 "1: mov %rdi, %rbx; mov %rsi, %rcx; lea 1(%rdx), %r8;"
	 "2: mov (%rbx), %rax; cmp %rdx, %rax; jne 3f;"
	 "mov %r8, (%rbx); add %rbp, %rbx; dec %rcx; jnz 2b;"
	 "mov %r8, %rdx; out %al, $0xf0; jmp 1b;"
	 "3: out %al, $0xf1; jmp 3b");

FIXTURE(pressure) {
	struct vl_vm vm;
	struct vl_vcpu vcpu[VCPUS];
	pthread_t thread[VCPUS];
	uint8_t *mem;
	const char *disk;
	atomic_bool stop;
	atomic_uint failed;
};

struct counter_arg {
	struct vl_vcpu *vcpu;
	atomic_bool *stop;
	atomic_uint *failed;
};

/* One vCPU's thread: until told to stop, but no less than ROUNDS. */
static void *count(void *arg)
{
	struct counter_arg *c = arg;
	struct vmx_lite_regs regs;
	unsigned int round;
	int exit;

	for (round = 0; round < ROUNDS || !atomic_load(c->stop); round++) {
		exit = vl_run(c->vcpu);
		if (exit == VM_EXITCODE_INOUT && c->vcpu->run->inout.port == 0xf0)
			continue;
		vl_get_regs(c->vcpu, &regs);
		printf("# round %u: word at %#llx is %llu, not %llu\n", round,
		       (unsigned long long)regs.rbx, (unsigned long long)regs.rax,
		       (unsigned long long)regs.rdx);
		vl_describe(c->vcpu, exit);
		atomic_fetch_add(c->failed, 1);
		break;
	}
	return NULL;
}

FIXTURE_SETUP(pressure)
{
	uint8_t *raw;
	int i;

	vl_vm_init(&self->vm, VL_RAM_MIN);
	for (i = 0; i < VCPUS; i++)
		vl_vcpu_init(&self->vcpu[i], &self->vm, i, VL_LONG);
	raw = mmap(NULL, SIZE + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, raw);
	self->mem = (uint8_t *)(((uintptr_t)raw + HUGE - 1) & -HUGE);
	ASSERT_EQ(0, vl_set_memory(&self->vm, VL_MMIO, SIZE, self->mem, 0));
	self->disk = getenv("LAB_DISK");
	if (self->disk)
		vl_swap_on(self->disk);
}

FIXTURE_TEARDOWN(pressure)
{
	int i;

	for (i = 0; i < VCPUS; i++)
		vl_vcpu_exit(&self->vcpu[i]);
	vl_vm_exit(&self->vm);
	if (self->disk)
		swapoff(self->disk);
}

static uint64_t word(const uint8_t *mem, unsigned int page)
{
	uint64_t value;

	memcpy(&value, mem + page * PAGE, sizeof(value));
	return value;
}

typedef bool change_fn(struct _test_data_pressure *self, unsigned int n);

/*
 * Run all vCPUs while @change is called CHANGES times, or until it is not content.
 * It must not leave by ASSERT: the vCPUs' threads use what is here.
 */
static void press(struct __test_metadata *_metadata, struct _test_data_pressure *self,
		  change_fn *change)
{
	struct counter_arg args[VCPUS];
	bool content = true;
	uint64_t first;
	unsigned int n;
	int i;

	vl_load(&self->vm, VL_CODE, counter);
	for (i = 0; i < VCPUS; i++) {
		struct vmx_lite_regs regs = {
			.rip = VL_CODE, .rflags = VL_FLAGS, .rdi = VL_MMIO + i * PAGE,
			.rsi = PAGES / VCPUS, .rbp = VCPUS * PAGE,
		};

		vl_set_regs(&self->vcpu[i], &regs);
		args[i] = (struct counter_arg){ &self->vcpu[i], &self->stop, &self->failed };
		if (pthread_create(&self->thread[i], NULL, count, &args[i]))
			vl_die("pthread_create");
	}
	for (n = 0; n < CHANGES && content && !atomic_load(&self->failed); n++)
		content = change(self, n);
	atomic_store(&self->stop, true);
	for (i = 0; i < VCPUS; i++)
		pthread_join(self->thread[i], NULL);
	ASSERT_TRUE(content) TH_LOG("change %u", n);
	ASSERT_EQ(0, self->failed);

	/* What the process sees is what the guest has counted to. */
	for (i = 0; i < VCPUS; i++) {
		first = word(self->mem, i);
		EXPECT_LE(ROUNDS, first);
		for (n = i; n < PAGES; n += VCPUS)
			ASSERT_EQ(first, word(self->mem, n)) TH_LOG("page %u", n);
	}
}

static bool page_out(struct _test_data_pressure *self, unsigned int n)
{
	unsigned int start = n * 37 % PAGES;

	return !madvise(self->mem + start * PAGE, (PAGES - start) * PAGE, MADV_PAGEOUT);
}

TEST_F(pressure, pageout)
{
	if (!self->disk)
		SKIP(return, "no disk to swap to");
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_NOHUGEPAGE));
	press(_metadata, self, page_out);
}

/* The child's copy must not change, however the guest writes. */
static bool share(struct _test_data_pressure *self, unsigned int n)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		uint64_t before = word(self->mem, n);

		usleep(1000);
		_exit(before != word(self->mem, n));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

TEST_F(pressure, fork)
{
	press(_metadata, self, share);
}

/* To a huge page, and to small ones again by a page with other rights for a moment. */
static bool resize(struct _test_data_pressure *self, unsigned int n)
{
	uint8_t *half = self->mem + n % 2 * HUGE;

	if (n % 4 < 2) {
		/* Refused where the host has no 2 MiB to spare, which is no failure. */
		madvise(half, HUGE, MADV_COLLAPSE);
		return true;
	}
	return !mprotect(half + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) &&
	       !mprotect(half + PAGE, PAGE, PROT_READ | PROT_WRITE);
}

TEST_F(pressure, huge_pages)
{
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_HUGEPAGE));
	press(_metadata, self, resize);
}

static void copy_words(struct _test_data_pressure *self, uint64_t *words)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		words[i] = word(self->mem, i);
}

/*
 * A word that changed between a clear and a look at it is in the log that is read
 * after.
 */
static bool log_dirty(struct _test_data_pressure *self, unsigned int n)
{
	static uint64_t before[PAGES], after[PAGES], bitmap[PAGES / 64];
	struct vmx_lite_dirty_log log = {
		.gpa = VL_MMIO, .size = SIZE, .bitmap = (uintptr_t)bitmap,
		.flags = VMX_LITE_DIRTY_CLEAR,
	};
	unsigned int i;

	/* A new log at times, or one that goes on. */
	if (n % 10 == 0 &&
	    (vl_set_memory(&self->vm, VL_MMIO, SIZE, self->mem, 0) ||
	     vl_set_memory(&self->vm, VL_MMIO, SIZE, self->mem, VMX_LITE_MEM_LOG_DIRTY)))
		return false;
	if (n % 10 != 0 && vl_ioctl(self->vm.fd, VM_GET_DIRTY_LOG, &log))
		return false;
	copy_words(self, before);
	if (n % 3 == 0 && self->disk && madvise(self->mem, SIZE, MADV_PAGEOUT))
		return false;
	do {
		copy_words(self, after);
	} while (!memcmp(before, after, sizeof(after)) && !atomic_load(&self->failed));
	if (vl_ioctl(self->vm.fd, VM_GET_DIRTY_LOG, &log))
		return false;
	for (i = 0; i < PAGES; i++) {
		if (after[i] != before[i] && !(bitmap[i / 64] >> i % 64 & 1)) {
			printf("# page %u is not in the log\n", i);
			return false;
		}
	}
	return true;
}

TEST_F(pressure, dirty_log)
{
	press(_metadata, self, log_dirty);
}

TEST_F(pressure, dirty_log_huge)
{
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_HUGEPAGE));
	press(_metadata, self, log_dirty);
}

static bool all(struct _test_data_pressure *self, unsigned int n)
{
	return share(self, n) && resize(self, n) && page_out(self, n) && log_dirty(self, n);
}

TEST_F(pressure, all)
{
	if (!self->disk)
		SKIP(return, "no disk to swap to");
	press(_metadata, self, all);
}

TEST_HARNESS_MAIN
