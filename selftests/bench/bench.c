// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench vmx-lite|kvm: what an exit costs.  One line a measurement:
 *	NAME UNIT AMOUNT
 * bench time NAME COMMAND...: how long a command takes, in the same way.
 * Time is counted in instructions: the TSC of the machines this is for (Bochs;
 * QEMU with -icount) runs by them, which a loop of a known length confirms.
 * Each cost is the difference between a short and a long run, a piece; the least of
 * a few, since the host's own interrupts fall into some.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"

#define ROUNDS		5

GUEST(code_cpuid, "1: xor %eax, %eax; xor %ecx, %ecx; cpuid; dec %esi; jnz 1b");
GUEST(code_port, "1: out %al, $0x80; dec %esi; jnz 1b");
GUEST(code_mmio, "1: mov %eax, (%rbx); dec %esi; jnz 1b");
GUEST(code_touch, "1: mov %eax, (%rbx); add %rdi, %rbx; dec %esi; jnz 1b");
GUEST(code_timer, "mov $0xfee00000, %ebx; movl $0x1ff, 0xf0(%rbx); movl $0x40, 0x320(%rbx);\n"
		  "movl $0xb, 0x3e0(%rbx); sti;\n"
		  "1: xor %r8d, %r8d; movl $1000, 0x380(%rbx);\n"
		  "2: test %r8d, %r8d; jz 2b; dec %esi; jnz 1b; cli\n");
/* Send an interrupt to the other vCPU, once it can take any, and halt until its own comes. */
GUEST(code_ping, "mov $0xfee00000, %ebx; movl $0x1ff, 0xf0(%rbx); movl $0x01000000, 0x310(%rbx);\n"
		 "0: cmpq $0, 0x9000; je 0b;\n"
		 "1: xor %r8d, %r8d; movl $0x40, 0x300(%rbx);\n"
		 "2: sti; hlt; cli; test %r8d, %r8d; jz 2b; dec %esi; jnz 1b");
/* The other one: when the end is said, the next answer is the last. */
GUEST(code_pong, "mov $0xfee00000, %ebx; movl $0x1ff, 0xf0(%rbx); movl $0, 0x310(%rbx);\n"
		 "xor %r8d, %r8d; incq 0x9000;\n"
		 "1: sti; hlt; cli; test %r8d, %r8d; jz 1b; xor %r8d, %r8d;\n"
		 "movl $0x40, 0x300(%rbx); cmpq $0, 0x9008; je 1b\n");
GUEST(code_interrupt, "mov $1, %r8d; movl $0, 0xb0(%rbx); iretq");

static const struct hypervisor *hv;
static uint8_t *ram;
static double ticks_per_insn;

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void put64(unsigned long at, uint64_t value)
{
	memcpy(ram + at, &value, sizeof(value));
}

static void build_ram(const uint8_t *code, const uint8_t *end)
{
	unsigned int i;

	memset(ram, 0, RAM_SIZE);
	memcpy(ram + CODE(0), code, end - code);
	memcpy(ram + HANDLER, code_interrupt, code_interrupt_end - code_interrupt);
	put64(PML4, PDPT | 3);
	for (i = 0; i < 4; i++)
		put64(PDPT + i * 8, (PD + i * 4096) | 3);
	for (i = 0; i < 2048; i++)
		put64(PD + i * 8, ((uint64_t)i << 21) | 0x83);
	put64(GDT + CS64, 0x00af9b000000ffff);
	put64(GDT + DS, 0x00cf93000000ffff);
	put64(IDT + TIMER_VECTOR * 16, HANDLER | CS64 << 16 | 0x8eULL << 40);
}

/* Run a vCPU to its end; how many exits to user space came before it. */
static unsigned long run(unsigned int cpu)
{
	unsigned long exits = 0;
	uint16_t port;
	enum exit exit;

	for (;; exits++) {
		exit = hv->run(cpu, &port);
		if (exit == EXIT_OTHER)
			die("%s: an exit that nobody expects", hv->name);
		if (exit == EXIT_PORT && port == PORT_DONE)
			return exits;
	}
}

/* TSC ticks for @n rounds of the code that is in RAM. */
static uint64_t measure(unsigned long n, uint64_t rdi, uint64_t rbx, unsigned long exits)
{
	uint64_t begin, ticks;
	unsigned long got;

	hv->start(0, n, rdi, rbx);
	begin = __rdtsc();
	got = run(0);
	ticks = __rdtsc() - begin;
	if (got != exits)
		die("%s: %lu exits, not %lu", hv->name, got, exits);
	return ticks;
}

static void report(const char *name, double ticks, double pieces)
{
	printf("%s instructions %.1f\n", name, ticks / ticks_per_insn / pieces);
	fflush(stdout);
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A loop whose every round exits, or not. */
static void bench_loop(const char *name, const uint8_t *code, const uint8_t *end,
		       unsigned long n, bool exits)
{
	uint64_t few = ~0ULL, many = ~0ULL;
	unsigned long some = n / 10;
	unsigned int i;

	build_ram(code, end);
	hv->create(ram, 1);
	for (i = 0; i < ROUNDS; i++) {
		few = min(few, measure(some, 0, MMIO, exits ? some : 0));
		many = min(many, measure(n + some, 0, MMIO, exits ? n + some : 0));
	}
	hv->destroy();
	report(name, many - few, n);
}

static void *run_second(void *unused)
{
	run(1);
	return unused;
}

/* An interrupt to a halted vCPU and one back, the two taking turns on one CPU. */
static void bench_ipi(const char *name, unsigned long n)
{
	uint64_t few = ~0ULL, many = ~0ULL;
	unsigned long some = n / 10;
	pthread_t second;
	unsigned int i;

	build_ram(code_ping, code_ping_end);
	memcpy(ram + CODE(1), code_pong, code_pong_end - code_pong);
	hv->create(ram, 2);
	hv->start(1, 0, 0, 0);
	if (pthread_create(&second, NULL, run_second, NULL))
		die("there is no second thread");
	for (i = 0; i < ROUNDS; i++) {
		few = min(few, measure(some, 0, 0, 0));
		many = min(many, measure(n + some, 0, 0, 0));
	}
	put64(SHARED + 8, 1);
	measure(1, 0, 0, 0);
	pthread_join(second, NULL);
	hv->destroy();
	report(name, many - few, n);
}

/* A number of KiB that a file of /proc tells. */
static unsigned long proc_kib(const char *path, const char *what)
{
	size_t len = strlen(what);
	char line[256];
	unsigned long kib = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, what, len))
			kib = strtoul(line + len, NULL, 10);
	fclose(f);
	return kib;
}

static unsigned long huge_kib(void)
{
	return proc_kib("/proc/self/smaps_rollup", "AnonHugePages:");
}

/* New pages to the guest that the host has already. */
static void bench_pages(const char *name, unsigned long page, unsigned long n, int advice)
{
	size_t size = page * n;
	uint8_t *raw, *mem;
	uint64_t first = ~0ULL, again = ~0ULL;
	unsigned long huge = huge_kib();
	unsigned int i;

	build_ram(code_touch, code_touch_end);
	raw = mmap(NULL, size + (2UL << 20), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (raw == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	mem = (uint8_t *)(((uintptr_t)raw + (2UL << 20) - 1) & -(2UL << 20));
	if (madvise(mem, size, advice))
		die("madvise: %s", strerror(errno));
	memset(mem, 1, size);
	if (advice == MADV_HUGEPAGE && huge_kib() - huge < size >> 10)
		die("the host gave no huge pages");
	for (i = 0; i < ROUNDS; i++) {
		hv->create(ram, 1);
		hv->map(BIG, mem, size);
		first = min(first, measure(n, page, BIG, 0));
		again = min(again, measure(n, page, BIG, 0));
		hv->destroy();
	}
	munmap(raw, size + (2UL << 20));
	report(name, first - again, n);
}

static unsigned long mem_free_kib(void)
{
	return proc_kib("/proc/meminfo", "MemFree:");
}

/* What a VM with one vCPU that has run takes of the kernel's memory. */
static void bench_memory(unsigned long n)
{
	unsigned long before, after, i;

	build_ram(code_cpuid, code_cpuid_end);
	/* The first may fill caches. */
	for (i = 0; i < 8; i++) {
		hv->create(ram, 1);
		measure(1, 0, 0, 0);
	}
	before = mem_free_kib();
	for (i = 0; i < n; i++) {
		hv->create(ram, 1);
		measure(1, 0, 0, 0);
	}
	after = mem_free_kib();
	printf("memory-vm-and-vcpu KiB %.1f\n", (double)(before - after) / n);
}

/* How the TSC counts: @n rounds of two instructions. */
static void calibrate(unsigned long n)
{
	uint64_t begin, ticks = ~0ULL;
	unsigned long i;
	unsigned int round;

	for (round = 0; round < 20; round++) {
		begin = __rdtsc();
		i = n;
		asm volatile("1: dec %0; jnz 1b" : "+r" (i));
		ticks = min(ticks, __rdtsc() - begin);
	}
	ticks_per_insn = ticks / (2.0 * n);
	printf("calibration ticks-per-instruction %.3f\n", ticks_per_insn);
}

static int time_command(const char *name, char **command)
{
	uint64_t begin = __rdtsc();
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		execvp(command[0], command);
		die("%s: %s", command[0], strerror(errno));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		die("%s did not end with status 0", command[0]);
	report(name, __rdtsc() - begin, 1);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "time")) {
		calibrate(20000);
		return time_command(argv[2], argv + 3);
	}
	if (argc != 2 || (strcmp(argv[1], "vmx-lite") && strcmp(argv[1], "kvm"))) {
		fprintf(stderr, "usage: bench vmx-lite|kvm\n"
			"       bench time NAME COMMAND...\n");
		return 2;
	}
	hv = strcmp(argv[1], "kvm") ? &vmx_lite : &kvm;
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		die("no memory");
	calibrate(20000);
	bench_loop("cpuid", code_cpuid, code_cpuid_end, 1000, false);
	bench_loop("port", code_port, code_port_end, 1000, true);
	bench_loop("mmio", code_mmio, code_mmio_end, 1000, true);
	bench_pages("page-4k", 4096, 1000, MADV_NOHUGEPAGE);
	bench_pages("page-2m", 2UL << 20, 16, MADV_HUGEPAGE);
	bench_loop("timer", code_timer, code_timer_end, 200, false);
	bench_memory(64);
	bench_ipi("ipi", 200);
	return 0;
}
