// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory is the process's memory: what happens to the one happens to the
 * other while the guest runs.  DONTNEED, swap, fork, mremap, huge pages, the
 * dirty log, read-only regions, and memory above 4 GiB.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/swap.h>
#include <sys/syscall.h>

#include <kselftest_harness.h>

#include "vl.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define PAGE		4096ULL
#define MIB		(1ULL << 20)
#define GIB		(1ULL << 30)
#define AREA		(2 * MIB)	/* the test's part of RAM, behind the helper's */
#define AREA_SIZE	(4 * MIB)
#define REASON_EPT	48

/*
 * Sum RSI 64-bit words, a page apart, from RDI, adding RDX to each: out to port
 * 0xf0 after each round, with the sum in RAX.
 */
VL_GUEST(walker, 64,
	 "1: mov %rdi, %rbx; mov %rsi, %rcx; xor %eax, %eax;"
	 "2: add %rdx, (%rbx); add (%rbx), %rax; add $4096, %rbx; dec %rcx; jnz 2b;"
	 "out %al, $0xf0; jmp 1b");
/* The same, reading only. */
VL_GUEST(reader, 64,
	 "1: mov %rdi, %rbx; mov %rsi, %rcx; xor %eax, %eax;"
	 "2: add (%rbx), %rax; add $4096, %rbx; dec %rcx; jnz 2b;"
	 "out %al, $0xf0; jmp 1b");

FIXTURE(memory) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	uint8_t *area;
};

FIXTURE_SETUP(memory)
{
	vl_vm_init(&self->vm, AREA + AREA_SIZE);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	self->area = self->vm.ram + AREA;
	/* Small pages, unless a test says otherwise. */
	ASSERT_EQ(0, madvise(self->vm.ram, self->vm.ram_size, MADV_NOHUGEPAGE));
}

FIXTURE_TEARDOWN(memory)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static void start_walk(struct vl_vcpu *vcpu, uint64_t from, uint64_t pages, uint64_t add)
{
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS,
		.rdi = from, .rsi = pages, .rdx = add,
	};

	if (add)
		vl_load(vcpu->vm, VL_CODE, walker);
	else
		vl_load(vcpu->vm, VL_CODE, reader);
	vl_set_regs(vcpu, &regs);
}

#define ASSERT_SUM(want, vcpu) do {					\
	struct vmx_lite_regs regs_;					\
									\
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);				\
	ASSERT_EQ(0xf0, (vcpu)->run->inout.port);			\
	vl_get_regs(vcpu, &regs_);					\
	EXPECT_EQ(want, regs_.rax);					\
} while (0)

static void put_word(uint8_t *p, uint64_t value)
{
	memcpy(p, &value, 8);
}

static uint64_t get_word(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, 8);
	return value;
}

static void fill(uint8_t *area, unsigned int pages)
{
	unsigned int i;

	for (i = 0; i < pages; i++)
		put_word(area + i * PAGE, i + 1);
}

#define PAGES	256
#define SUM	(PAGES * (PAGES + 1) / 2)

/* ------------------------------------------------------------ the process's doings */

TEST_F(memory, dontneed)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	fill(self->area, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_SUM(SUM + PAGES, vcpu);
	ASSERT_EQ(0, madvise(self->area, PAGES * PAGE / 2, MADV_DONTNEED));
	/* The first half is zero pages now, to which 1 is added. */
	ASSERT_SUM(PAGES / 2 + (SUM - PAGES / 2 * (PAGES / 2 + 1) / 2) + PAGES, vcpu);
	EXPECT_EQ(1, get_word(self->area));
	ASSERT_EQ(0, madvise(self->area, PAGES * PAGE, MADV_DONTNEED));
	ASSERT_SUM(PAGES, vcpu);
	ASSERT_EQ(0, munmap(self->area, PAGES * PAGE));
	ASSERT_EQ(self->area, mmap(self->area, PAGES * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	fill(self->area, PAGES);
	ASSERT_SUM(SUM + PAGES, vcpu);
}

/* Without any memory there: said, with -EFAULT; mapped again, it goes on. */
TEST_F(memory, unmapped)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	fill(self->area, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_SUM(SUM + PAGES, vcpu);
	ASSERT_EQ(0, munmap(self->area + PAGE, PAGE));
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_MEMORY, vcpu->run->internal.why);
	EXPECT_EQ(-EFAULT, vcpu->run->internal.error);
	EXPECT_EQ(AREA + PAGE, vcpu->run->internal.gpa & ~0xfffULL);
	ASSERT_EQ(self->area + PAGE, mmap(self->area + PAGE, PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	ASSERT_SUM(SUM + 2 * PAGES - 3, vcpu);
}

TEST_F(memory, protection)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	fill(self->area, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_SUM(SUM + PAGES, vcpu);
	/* The process may not write there, so neither may its guest. */
	ASSERT_EQ(0, mprotect(self->area + 2 * PAGE, PAGE, PROT_READ));
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_MEMORY, vcpu->run->internal.why);
	EXPECT_EQ(AREA + 2 * PAGE, vcpu->run->internal.gpa & ~0xfffULL);
	EXPECT_EQ(4, get_word(self->area + 2 * PAGE));
	/* It may read. */
	start_walk(vcpu, AREA + 2 * PAGE, 1, 0);
	ASSERT_SUM(4, vcpu);
	ASSERT_EQ(0, mprotect(self->area + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	start_walk(vcpu, AREA + 2 * PAGE, 1, 1);
	ASSERT_SUM(5, vcpu);
}

/* Copy on write: parent and child each see their own. */
TEST_F(memory, fork)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	int status, go[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(go));
	fill(self->area, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_SUM(SUM + PAGES, vcpu);
	pid = syscall(SYS_fork);
	ASSERT_LE(0, pid);
	if (!pid) {
		/* After the parent's guest has written. */
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(get_word(self->area) == 2 && get_word(self->area + PAGE) == 3 ? 42 : 2);
	}
	ASSERT_SUM(SUM + 2 * PAGES, vcpu);
	ASSERT_EQ(1, write(go[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(42 << 8, status);
	EXPECT_EQ(3, get_word(self->area));
}

/* Moved away, and other memory in its place. */
TEST_F(memory, mremap)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	uint8_t *elsewhere;

	fill(self->area, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_SUM(SUM + PAGES, vcpu);
	elsewhere = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, elsewhere);
	ASSERT_EQ(elsewhere, mremap(self->area, PAGES * PAGE, PAGES * PAGE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere));
	ASSERT_EQ(self->area, mmap(self->area, PAGES * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	ASSERT_SUM(PAGES, vcpu);
	EXPECT_EQ(2, get_word(elsewhere));
	EXPECT_EQ(1, get_word(self->area));
	/* And back. */
	ASSERT_EQ(self->area, mremap(elsewhere, PAGES * PAGE, PAGES * PAGE,
				     MREMAP_MAYMOVE | MREMAP_FIXED, self->area));
	ASSERT_SUM(SUM + 2 * PAGES, vcpu);
}

struct disturber {
	uint8_t *area;
	volatile bool stop;
	unsigned int rounds;
};

static void *disturb(void *arg)
{
	struct disturber *d = arg;

	while (!d->stop) {
		madvise(d->area + PAGES / 2 * PAGE, PAGES / 2 * PAGE, MADV_DONTNEED);
		madvise(d->area, PAGES / 2 * PAGE, MADV_PAGEOUT);
		d->rounds++;
		usleep(1000);
	}
	return NULL;
}

/*
 * All the time from another thread: the first half is paged out and must keep
 * its values, the second vanishes and may have any that the guest gave it.
 */
TEST_F(memory, disturbed)
{
	struct disturber d = { .area = self->area };
	struct vmx_lite_regs regs;
	struct vl_vcpu *vcpu = &self->vcpu;
	unsigned int round, i;
	pthread_t thread;

	fill(self->area, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, disturb, &d));
	for (round = 1; round <= 100; round++) {
		ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
		for (i = 0; i < PAGES / 2; i++)
			ASSERT_EQ(i + 1 + round, get_word(self->area + i * PAGE));
	}
	while (d.rounds < 3)
		usleep(1000);
	d.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	vl_get_regs(vcpu, &regs);
	EXPECT_LT(0, regs.rax);
}

/* Out to a real swap device and back, with the values. */
TEST_F(memory, swap)
{
	const char *disk = getenv("LAB_DISK");
	struct vl_vcpu *vcpu = &self->vcpu;
	uint64_t pagemap[PAGES];
	off_t at = (uintptr_t)self->area / PAGE * sizeof(pagemap[0]);
	unsigned int i, out = 0;
	int fd, tries;

	if (!disk)
		SKIP(return, "no disk to swap to");
	vl_swap_on(disk);

	fill(self->area, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_SUM(SUM + PAGES, vcpu);
	/* Not mincore(), for which a page in the swap cache is still there. */
	fd = open("/proc/self/pagemap", O_RDONLY);
	ASSERT_LE(0, fd);
	for (tries = 0; tries < 50 && out < PAGES / 2; tries++) {
		ASSERT_EQ(0, madvise(self->area, PAGES * PAGE, MADV_PAGEOUT));
		ASSERT_EQ((ssize_t)sizeof(pagemap), pread(fd, pagemap, sizeof(pagemap), at));
		for (i = out = 0; i < PAGES; i++)
			out += pagemap[i] >> 62 & 1;
		usleep(10000);
	}
	close(fd);
	EXPECT_LE(PAGES / 2, out) TH_LOG("only %u pages went out", out);
	ASSERT_SUM(SUM + 2 * PAGES, vcpu);
	EXPECT_EQ(0, swapoff(disk));
	ASSERT_SUM(SUM + 3 * PAGES, vcpu);
}

/* ------------------------------------------------------------ file memory */

/* A shared file: what one writes the other reads. */
TEST_F(memory, shared_file)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	uint8_t *other;
	int fd;

	fd = syscall(SYS_memfd_create, "ram", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, PAGES * PAGE));
	ASSERT_EQ(self->area, mmap(self->area, PAGES * PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, fd, 0));
	other = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, other);
	fill(other, PAGES);
	start_walk(vcpu, AREA, PAGES, 1);
	ASSERT_SUM(SUM + PAGES, vcpu);
	EXPECT_EQ(2, get_word(other));
	/* A hole punched into it. */
	ASSERT_EQ(0, madvise(other, PAGE, MADV_REMOVE));
	ASSERT_SUM(SUM + 2 * PAGES - 2, vcpu);
	/* Truncated: a bus error's place; the guest's run ends, not the host. */
	ASSERT_EQ(0, ftruncate(fd, 0));
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_MEMORY, vcpu->run->internal.why);
	close(fd);
}

/* ------------------------------------------------------------ huge pages */

static uint64_t huge_kib(void)
{
	char line[256];
	uint64_t kib = 0, n;
	FILE *f = fopen("/proc/self/smaps_rollup", "r");

	if (!f)
		vl_die("smaps_rollup");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "AnonHugePages: %lu", &n) == 1)
			kib = n;
	}
	fclose(f);
	return kib;
}

TEST_F(memory, huge_pages)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_stats before, after;
	uint8_t *huge, *raw;
	uint64_t kib;

	if (!(self->vm.info.features & VMX_LITE_FEAT_EPT_2M))
		SKIP(return, "the CPU has no 2 MiB pages in EPT");
	raw = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, raw);
	huge = (uint8_t *)(((uintptr_t)raw + 2 * MIB - 1) & -(2 * MIB));
	ASSERT_EQ(0, madvise(huge, 4 * MIB, MADV_HUGEPAGE));
	kib = huge_kib();
	memset(huge, 0, 4 * MIB);
	if (huge_kib() - kib < 4096)
		SKIP(return, "the host gave no huge pages");
	ASSERT_EQ(0, vl_set_memory(&self->vm, VL_MMIO, 4 * MIB, huge, 0));
	start_walk(vcpu, AREA, 1, 1);
	ASSERT_SUM(1, vcpu);
	vl_stats(vcpu, &before);
	start_walk(vcpu, VL_MMIO, 1024, 1);
	ASSERT_SUM(1024, vcpu);
	vl_stats(vcpu, &after);
	/* One fault a huge page; a page more for the code. */
	EXPECT_GE(3, after.ept_faults - before.ept_faults);

	/* A part goes: the rest must stay, and stay right. */
	ASSERT_EQ(0, madvise(huge + 5 * PAGE, PAGE, MADV_DONTNEED));
	ASSERT_SUM(2 * 1024 - 1, vcpu);
	EXPECT_EQ(1, get_word(huge + 5 * PAGE));
	EXPECT_EQ(2, get_word(huge + 6 * PAGE));
	/* At an address that is not aligned to 2 MiB as the memory is: small pages. */
	ASSERT_EQ(0, vl_unset_memory(&self->vm, VL_MMIO, 4 * MIB));
	ASSERT_EQ(0, vl_set_memory(&self->vm, VL_MMIO + PAGE, 2 * MIB, huge + 2 * MIB, 0));
	start_walk(vcpu, VL_MMIO + PAGE, 512, 1);
	ASSERT_SUM(3 * 512, vcpu);
}

/* ------------------------------------------------------------ the dirty log */

static int dirty_log(struct vl_vm *vm, uint64_t *bitmap, uint32_t flags)
{
	struct vmx_lite_dirty_log log = {
		.gpa = VL_MMIO, .size = PAGES * PAGE, .bitmap = (uintptr_t)bitmap, .flags = flags,
	};

	return vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log);
}

TEST_F(memory, dirty_log)
{
	static const uint64_t none[PAGES / 64];
	uint64_t map[PAGES / 64], all[PAGES / 64];
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_vm *vm = &self->vm;
	uint8_t *mem;

	memset(all, 0xff, sizeof(all));
	mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	fill(mem, PAGES);
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGES * PAGE, mem, VMX_LITE_MEM_LOG_DIRTY));
	memset(map, 0xff, sizeof(map));
	ASSERT_EQ(0, dirty_log(vm, map, 0));
	EXPECT_EQ(0, memcmp(map, none, sizeof(map)));

	/* Reading is not dirt. */
	start_walk(vcpu, VL_MMIO, PAGES, 0);
	ASSERT_SUM(SUM, vcpu);
	ASSERT_EQ(0, dirty_log(vm, map, 0));
	EXPECT_EQ(0, memcmp(map, none, sizeof(map)));
	/* Writing is: pages 70 to 79. */
	start_walk(vcpu, VL_MMIO + 70 * PAGE, 10, 1);
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	ASSERT_EQ(0, dirty_log(vm, map, 0));
	EXPECT_EQ(0, map[0]);
	EXPECT_EQ(0x3ffULL << 6, map[1]);
	EXPECT_EQ(0, map[2]);
	/* Kept until cleared. */
	ASSERT_EQ(0, dirty_log(vm, map, VMX_LITE_DIRTY_CLEAR));
	EXPECT_EQ(0x3ffULL << 6, map[1]);
	ASSERT_EQ(0, dirty_log(vm, map, 0));
	EXPECT_EQ(0, memcmp(map, none, sizeof(map)));
	/* The guest goes on with the same writes: seen again after the clear. */
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	ASSERT_EQ(0, dirty_log(vm, map, VMX_LITE_DIRTY_CLEAR));
	EXPECT_EQ(0x3ffULL << 6, map[1]);
	start_walk(vcpu, VL_MMIO, PAGES, 1);
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	ASSERT_EQ(0, dirty_log(vm, map, VMX_LITE_DIRTY_CLEAR));
	EXPECT_EQ(0, memcmp(map, all, sizeof(map)));

	/* Off and on: a fresh log; memory that was writable is protected again. */
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGES * PAGE, mem, 0));
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGES * PAGE, mem, VMX_LITE_MEM_LOG_DIRTY));
	ASSERT_EQ(0, dirty_log(vm, map, 0));
	EXPECT_EQ(0, memcmp(map, none, sizeof(map)));
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	ASSERT_EQ(0, dirty_log(vm, map, 0));
	EXPECT_EQ(0, memcmp(map, all, sizeof(map)));
}

/* The log has pages of 4 KiB, though the host's page, and the mapping, be of 2 MiB. */
TEST_F(memory, dirty_log_huge)
{
	static const uint64_t none[PAGES / 64];
	uint64_t map[PAGES / 64], kib;
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_vm *vm = &self->vm;
	uint8_t *huge, *raw;

	raw = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, raw);
	huge = (uint8_t *)(((uintptr_t)raw + 2 * MIB - 1) & -(2 * MIB));
	ASSERT_EQ(0, madvise(huge, 2 * MIB, MADV_HUGEPAGE));
	kib = huge_kib();
	memset(huge, 0, 2 * MIB);
	if (huge_kib() - kib < 2048)
		SKIP(return, "the host gave no huge page");
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, 2 * MIB, huge, 0));
	start_walk(vcpu, VL_MMIO, 512, 1);
	ASSERT_SUM(512, vcpu);
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, 2 * MIB, huge, VMX_LITE_MEM_LOG_DIRTY));
	start_walk(vcpu, VL_MMIO + 65 * PAGE, 1, 1);
	ASSERT_SUM(2, vcpu);
	ASSERT_EQ(0, dirty_log(vm, map, VMX_LITE_DIRTY_CLEAR));
	EXPECT_EQ(0, map[0]);
	EXPECT_EQ(2, map[1]);
	ASSERT_EQ(0, dirty_log(vm, map, 0));
	EXPECT_EQ(0, memcmp(map, none, sizeof(map)));
	/* Off: all of it as before, and right. */
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, 2 * MIB, huge, 0));
	start_walk(vcpu, VL_MMIO, 512, 1);
	ASSERT_SUM(2 * 512 + 1, vcpu);
}

/* ------------------------------------------------------------ read-only regions */

TEST_F(memory, read_only)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_vm *vm = &self->vm;
	uint8_t *rom;

	rom = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, rom);
	put_word(rom, 0x1234);
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGE, rom, VMX_LITE_MEM_READONLY));
	start_walk(vcpu, VL_MMIO, 1, 0);
	ASSERT_SUM(0x1234, vcpu);
	/* A write is user space's, who may drop it: then ADD reads what was there. */
	start_walk(vcpu, VL_MMIO, 1, 1);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(1, vcpu->run->mmio.is_write);
	EXPECT_EQ(VL_MMIO, vcpu->run->mmio.gpa);
	EXPECT_EQ(8, vcpu->run->mmio.size);
	EXPECT_EQ(0x1235, vcpu->run->mmio.data);
	ASSERT_SUM(0x1234, vcpu);
	EXPECT_EQ(0x1234, get_word(rom));
	/* Writable from now on. */
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGE, rom, 0));
	ASSERT_SUM(0x1235, vcpu);
	EXPECT_EQ(0x1235, get_word(rom));
	/* And no more. */
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGE, rom, VMX_LITE_MEM_READONLY));
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	/* Memory that the process itself may only read. */
	ASSERT_EQ(0, mprotect(rom, PAGE, PROT_READ));
	start_walk(vcpu, VL_MMIO, 1, 0);
	ASSERT_SUM(0x1235, vcpu);
}

/* ------------------------------------------------------------ regions come and go */

TEST_F(memory, unset_under_guest)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_vm *vm = &self->vm;
	uint8_t *mem;

	mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	put_word(mem, 5);
	put_word(mem + PAGE, 7);
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGE, mem, 0));
	start_walk(vcpu, VL_MMIO, 1, 0);
	ASSERT_SUM(5, vcpu);
	ASSERT_EQ(0, vl_unset_memory(vm, VL_MMIO, PAGE));
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(0, vcpu->run->mmio.is_write);
	vcpu->run->mmio.data = 0x99;
	ASSERT_SUM(0x99, vcpu);
	/* Other memory at the same place. */
	ASSERT_EQ(0, vl_set_memory(vm, VL_MMIO, PAGE, mem + PAGE, 0));
	ASSERT_SUM(7, vcpu);
}

/* More than the host has, below and above 4 GiB: nothing is pinned. */
TEST_F(memory, six_gib)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_vm *vm = &self->vm;
	uint8_t *big;
	unsigned int i;

	/* Linear 4 GiB and up: PML4 entry 0, PDPT entries 4 to 9, one page table each 2 MiB. */
	big = mmap(NULL, 6 * GIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, big);
	ASSERT_EQ(0, madvise(big, 6 * GIB, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, vl_set_memory(vm, 1 * GIB, 2 * GIB, big, 0));
	ASSERT_EQ(0, vl_set_memory(vm, 4 * GIB, 4 * GIB, big + 2 * GIB, 0));
	for (i = 0; i < 512; i++)
		vl_write64(vm, 0x30000 + i * 8, (7 * GIB + i * 2 * MIB) | 0x83);
	vl_write64(vm, VL_PDPT + 7 * 8, 0x30003);
	put_word(big, 11);
	put_word(big + 6 * GIB - PAGE, 13);
	put_word(big + 5 * GIB, 17);
	start_walk(vcpu, 1 * GIB, 2, 1);
	ASSERT_SUM(11 + 2, vcpu);
	start_walk(vcpu, 8 * GIB - 2 * PAGE, 2, 1);
	ASSERT_SUM(13 + 2, vcpu);
	start_walk(vcpu, 7 * GIB, 1, 1);
	ASSERT_SUM(18, vcpu);
	EXPECT_EQ(14, get_word(big + 6 * GIB - PAGE));
	/* Between the two there is nothing: 3 GiB is MMIO. */
	start_walk(vcpu, 3 * GIB, 1, 0);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(3 * GIB, vcpu->run->mmio.gpa);
}

TEST_HARNESS_MAIN
