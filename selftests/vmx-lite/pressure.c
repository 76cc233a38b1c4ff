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

/* Run all vCPUs while @change is called CHANGES times and more. */
static void press(struct __test_metadata *_metadata, FIXTURE_DATA(pressure) *self,
		  void (*change)(struct __test_metadata *_metadata,
				 FIXTURE_DATA(pressure) *self, unsigned int n))
{
	struct counter_arg args[VCPUS];
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
		ASSERT_EQ(0, pthread_create(&self->thread[i], NULL, count, &args[i]));
	}
	for (n = 0; n < CHANGES && !atomic_load(&self->failed); n++)
		change(_metadata, self, n);
	atomic_store(&self->stop, true);
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(0, pthread_join(self->thread[i], NULL));
	ASSERT_EQ(0, self->failed);

	/* What the process sees is what the guest has counted to. */
	for (i = 0; i < VCPUS; i++) {
		first = word(self->mem, i);
		EXPECT_LE(ROUNDS, first);
		for (n = i; n < PAGES; n += VCPUS)
			ASSERT_EQ(first, word(self->mem, n)) TH_LOG("page %u", n);
	}
}

static void page_out(struct __test_metadata *_metadata, FIXTURE_DATA(pressure) *self,
		     unsigned int n)
{
	unsigned int start = n * 37 % PAGES;

	ASSERT_EQ(0, madvise(self->mem + start * PAGE, (PAGES - start) * PAGE, MADV_PAGEOUT));
}

TEST_F_TIMEOUT(pressure, pageout, 180)
{
	if (!self->disk)
		SKIP(return, "no disk to swap to");
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_NOHUGEPAGE));
	press(_metadata, self, page_out);
}

static void share(struct __test_metadata *_metadata, FIXTURE_DATA(pressure) *self,
		  unsigned int n)
{
	uint64_t before, after;
	int status;
	pid_t pid = fork();

	if (!pid) {
		/* The child's copy must not change, however the guest writes. */
		before = word(self->mem, n);
		usleep(1000);
		after = word(self->mem, n);
		_exit(before != after);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

TEST_F_TIMEOUT(pressure, fork, 180)
{
	press(_metadata, self, share);
}

/* To a huge page, and to small ones again by a page with other rights for a moment. */
static void resize(struct __test_metadata *_metadata, FIXTURE_DATA(pressure) *self,
		   unsigned int n)
{
	uint8_t *half = self->mem + n % 2 * HUGE;

	if (n % 4 < 2) {
		/* Refused where the host has no 2 MiB to spare, which is no failure. */
		madvise(half, HUGE, MADV_COLLAPSE);
	} else {
		ASSERT_EQ(0, mprotect(half + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
		ASSERT_EQ(0, mprotect(half + PAGE, PAGE, PROT_READ | PROT_WRITE));
	}
}

TEST_F_TIMEOUT(pressure, huge_pages, 180)
{
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_HUGEPAGE));
	press(_metadata, self, resize);
}

/*
 * A word that changed between a clear and a look at it is in the log that is read
 * after.
 */
static void log_dirty(struct __test_metadata *_metadata, FIXTURE_DATA(pressure) *self,
		      unsigned int n)
{
	static uint64_t before[PAGES], after[PAGES], bitmap[PAGES / 64];
	struct vmx_lite_dirty_log log = {
		.gpa = VL_MMIO, .size = SIZE, .bitmap = (uintptr_t)bitmap,
		.flags = VMX_LITE_DIRTY_CLEAR,
	};
	unsigned int i, changed = 0;

	if (n % 10 == 0) {
		ASSERT_EQ(0, vl_set_memory(&self->vm, VL_MMIO, SIZE, self->mem, 0));
		ASSERT_EQ(0, vl_set_memory(&self->vm, VL_MMIO, SIZE, self->mem,
					   VMX_LITE_MEM_LOG_DIRTY));
	} else {
		ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_DIRTY_LOG, &log));
	}
	for (i = 0; i < PAGES; i++)
		before[i] = word(self->mem, i);
	if (n % 3 == 0 && self->disk)
		ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_PAGEOUT));
	while (!changed) {
		for (i = 0; i < PAGES; i++) {
			after[i] = word(self->mem, i);
			changed += after[i] != before[i];
		}
		if (atomic_load(&self->failed))
			return;
	}
	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_DIRTY_LOG, &log));
	for (i = 0; i < PAGES; i++)
		if (after[i] != before[i])
			ASSERT_TRUE(bitmap[i / 64] >> i % 64 & 1) TH_LOG("page %u", i);
}

TEST_F_TIMEOUT(pressure, dirty_log, 180)
{
	press(_metadata, self, log_dirty);
}

TEST_F_TIMEOUT(pressure, dirty_log_huge, 180)
{
	ASSERT_EQ(0, madvise(self->mem, SIZE, MADV_HUGEPAGE));
	press(_metadata, self, log_dirty);
}

static void all(struct __test_metadata *_metadata, FIXTURE_DATA(pressure) *self,
		unsigned int n)
{
	share(_metadata, self, n);
	resize(_metadata, self, n);
	page_out(_metadata, self, n);
	log_dirty(_metadata, self, n);
}

TEST_F_TIMEOUT(pressure, all, 240)
{
	if (!self->disk)
		SKIP(return, "no disk to swap to");
	press(_metadata, self, all);
}

TEST_HARNESS_MAIN
