// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several vCPUs: their start, IPIs of every kind, TLB shootdowns, timers, and
 * guest memory that is taken away under them. SDM vol. 3, 9.4, 11.4.7, 11.6.
 *
 * The vCPUs but the first start as on any PC, by INIT and SIPI; their threads
 * start by SPINUP_AP. There are more of them than CPUs. Nothing here looks at a
 * clock: whatever is lost makes a test wait until it is ended from outside.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "vl.h"

/* In seconds: not a matter of the tests, whose emulated machine may be slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	300

#define MAX_CPUS	VMX_LITE_MAX_VCPUS

#define PORT_END	0xf0
#define PORT_ALIVE	0xf1

/* The guest's memory beyond vl.h's */
#define TRAMPOLINE	0x5000		/* a SIPI's page: 16 bits, to the code at VL_CODE */
#define REAL_AP		0x6000		/* another one, whose AP stays in real mode */
#define SHARED		0x1f000		/* struct shared */
#define COUNTS		0x30000		/* of each vCPU, 64 numbers: interrupts by their column */
#define EXPECTED	0x40000		/* of each vCPU, as a sender: the same of its targets */
#define SENDS		0x50000		/* of each vCPU, 16 entries: struct ipi */
#define STUBS		0x60000		/* of the interrupts' columns */
#define SHOOT_PT	0x70000		/* maps SHOOT_VA */
#define SHOOT_PAGES	0x80000		/* SHOOT_COUNT pages to map there */
#define SHOOT_COUNT	16
#define SHOOT_VA	0x40000000
#define STACKS		0x100000	/* a page each */

#define COLUMN_VECTOR	0x40		/* of column 0 */
#define COLUMN_TIMER	62
#define COLUMN_NMI	63

#define ICR_NMI		(4 << 8)
#define ICR_LOGICAL	(1 << 11)
#define ICR_ASSERT	(1 << 14)
#define ICR_SELF	(1 << 18)
#define ICR_ALL		(2 << 18)
#define ICR_OTHERS	(3 << 18)

/* In the guest's code by number */
struct shared {
	uint32_t cpus;		/* 0x00 how many */
	uint32_t online;	/* 0x04 those that have started */
	uint64_t program;	/* 0x08 where each goes then */
	uint32_t done;		/* 0x10 those that are through with it */
	uint32_t rounds;	/* 0x14 of it */
	uint32_t lock;		/* 0x18 */
	uint32_t xapic;		/* 0x1c in xAPIC mode, not x2APIC */
	uint64_t errors;	/* 0x20 found by the guest */
	uint64_t last;		/* 0x28 TSC, or what was read last */
	uint32_t sequence;	/* 0x30 odd: the mapping changes */
	uint32_t page;		/* 0x34 which is mapped */
	uint16_t idt_limit;	/* 0x38 */
	uint64_t idt_base;	/* 0x3a */
	uint16_t pad[3];
	uint64_t dfr;		/* 0x48 in xAPIC mode */
	uint32_t epoch;		/* 0x50 what a page that the host changes holds, at least */
	uint32_t reads;		/* 0x54 of it */
	uint32_t ldr[8];	/* 0x58 in xAPIC mode */
	uint64_t hashes[SHOOT_COUNT];	/* 0x78 of the pages */
} __attribute__((packed));

/* What a vCPU sends in a round. The mask is of vCPUs that get it. */
struct ipi {
	uint64_t icr;		/* as in x2APIC mode */
	uint64_t mask;
	uint32_t column;	/* where the targets count it; an ICR of 0 ends the list */
	uint32_t pad[3];
};

#define IPIS		8

_Static_assert(offsetof(struct shared, epoch) == 0x50, "known to the code");
_Static_assert(offsetof(struct shared, hashes) == 0x78, "known to the code");
_Static_assert(sizeof(struct ipi) == 32, "known to the code");

/* From real mode to the code at VL_CODE, with the tables of vl.c. */
VL_GUEST(trampoline, 16,
	 "cli; mov %cs, %ax; mov %ax, %ds;"
	 "lgdtl 2f - trampoline;"
	 "mov $0x20, %eax; mov %eax, %cr4; mov $0x10000, %eax; mov %eax, %cr3;"
	 "mov $0xc0000080, %ecx; rdmsr; or $0x900, %eax; wrmsr;"
	 "mov %cr0, %eax; and $0x9fffffff, %eax; or $0x80010021, %eax; mov %eax, %cr0;"
	 "ljmpl $0x18, $0x1000;"
	 ".balign 4; 2: .word 0x4f; .long 0x18000");

/* One that only says that it is there; then every other one halts, the others spin. */
VL_GUEST(real_ap, 16,
	 "mov $0x1f00, %ax; mov %ax, %ds; mov $1, %eax; lock xadd %eax, 4;"
	 "test $1, %al; jz 2f;"
	 "1: pause; jmp 1b;"
	 "2: cli; hlt; jmp 2b");

/*
 * All at VL_CODE. ESI: the local APIC's id; EBP: how many vCPUs; R12: SHARED;
 * R13: own row of COUNTS; RBX: the xAPIC. Interrupt handlers keep all registers.
 */
VL_GUEST(code, 64,
	 "mov $0x10, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %ss;"
	 "mov $0x1f000, %r12d; mov $0xfee00000, %ebx; mov (%r12), %ebp;"
	 "lidt 0x38(%r12);"
	 "cmpl $0, 0x1c(%r12); jne 1f;"
	 "mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr;"
	 "mov $0x80f, %ecx; mov $0x1ff, %eax; xor %edx, %edx; wrmsr;"
	 "mov $0x802, %ecx; rdmsr; mov %eax, %esi; jmp 2f;"
	 "1: movl $0x1ff, 0xf0(%rbx); mov 0x20(%rbx), %esi; shr $24, %esi;"
	 "mov 0x48(%r12), %eax; mov %eax, 0xe0(%rbx);"
	 "mov 0x58(%r12, %rsi, 4), %eax; mov %eax, 0xd0(%rbx);"
	 "2: mov %esi, %eax; shl $12, %eax; lea 0x101000(%rax), %rsp;"
	 "mov %esi, %r13d; shl $9, %r13d; add $0x30000, %r13d;"
	 "lock incl 4(%r12);"
	 "test %esi, %esi; jnz 3f;"
	 "mov $0xc4500, %eax; xor %edx, %edx; call g_send;"
	 "mov $0xc4605, %eax; call g_send; mov $0xc4605, %eax; call g_send;"
	 "3: pause; cmp %ebp, 4(%r12); jb 3b;"
	 "jmp *8(%r12);"

	 /* The ICR is EDX:EAX as in x2APIC mode. */
	 "g_send: cmpl $0, 0x1c(%r12); jne 1f; mov $0x830, %ecx; wrmsr; ret;"
	 "1: shl $24, %edx; mov %edx, 0x310(%rbx); mov %eax, 0x300(%rbx); ret;"

	 /* Counts in column (%rsp), and ends the interrupt; an NMI has no end. */
	 "g_count: push %rax; push %rcx; push %rdx; mov 24(%rsp), %eax;"
	 "invlpg 0x40000000; lock incq (%r13, %rax, 8);"
	 "cmp $63, %eax; je 2f;"
	 "cmpl $0, 0x1c(%r12); jne 1f;"
	 "mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; jmp 2f;"
	 "1: movl $0, 0xb0(%rbx);"
	 "2: pop %rdx; pop %rcx; pop %rax; add $8, %rsp; iretq;"

	 /* The end of each: the first waits for the others, which halt for ever. */
	 "g_finish: lock incl 0x10(%r12); sti;"
	 "test %esi, %esi; jz 2f; 1: hlt; jmp 1b;"
	 "2: pause; cmp %ebp, 0x10(%r12); jb 2b; cli; out %al, $0xf0; hlt;"

	 /* Send what the list says, and wait until each target has counted it. */
	 "g_storm: sti; mov 0x14(%r12), %r14d;"
	 "mov %esi, %r15d; shl $9, %r15d; lea 0x40000(%r15), %r15;"
	 "1: mov %esi, %edi; shl $8, %edi; add $0x50000, %edi;"
	 "2: mov (%rdi), %rax; test %rax, %rax; jz 6f;"
	 "mov %rax, %rdx; shr $32, %rdx; call g_send;"
	 "mov 8(%rdi), %r8; mov 16(%rdi), %r9d;"
	 "3: bsf %r8, %r10; jz 5f; btr %r10, %r8; incq (%r15, %r10, 8);"
	 "mov %r10, %r11; shl $9, %r11; lea 0x30000(%r11, %r9, 8), %r11;"
	 "mov (%r15, %r10, 8), %rax;"
	 "4: pause; cmp %rax, (%r11); jb 4b; jmp 3b;"
	 "5: add $32, %rdi; jmp 2b;"
	 "6: dec %r14d; jnz 1b; jmp g_finish;"

	 /* Each waits in HLT for the one before it, and wakes the next; the first begins. */
	 "g_ring: mov 0x14(%r12), %r14d; xor %r8d, %r8d;"
	 "lea 1(%rsi), %r9d; cmp %ebp, %r9d; jb 1f; xor %r9d, %r9d;"
	 "1: lea -1(%rsi), %r10d; test %esi, %esi; jnz 4f; lea -1(%rbp), %r10d;"
	 "2: mov %r9d, %edx; lea 0x40(%rsi), %eax; call g_send;"
	 "4: cli; cmp %r8, (%r13, %r10, 8); jne 5f; sti; hlt; jmp 4b;"
	 "5: sti; inc %r8; dec %r14d; jz 6f; jmp 2b;"
	 "6: test %esi, %esi; jz g_finish; mov %r9d, %edx; lea 0x40(%rsi), %eax; call g_send;"
	 "jmp g_finish;"

	 /* Its own timer, one-shot: each interrupt ends a HLT. */
	 "g_timer: mov 0x14(%r12), %r14d; xor %r8d, %r8d; xor %edx, %edx;"
	 "mov $0x83e, %ecx; mov $0xb, %eax; wrmsr; mov $0x832, %ecx; mov $0x7e, %eax; wrmsr;"
	 "1: mov $0x838, %ecx; mov $2000000, %eax; xor %edx, %edx; wrmsr;"
	 "2: cli; cmp %r8, 62*8(%r13); jne 3f; sti; hlt; jmp 2b;"
	 "3: sti; inc %r8; dec %r14d; jnz 1b; jmp g_finish;"

	 /* The time may not go back from one vCPU to another. */
	 "g_clock: mov 0x14(%r12), %r14d;"
	 "1: mov $1, %eax; xchg %eax, 0x18(%r12); test %eax, %eax; jz 2f; pause; jmp 1b;"
	 "2: lfence; rdtsc; shl $32, %rdx; or %rdx, %rax;"
	 "cmp 0x28(%r12), %rax; jae 3f; incq 0x20(%r12);"
	 "3: mov %rax, 0x28(%r12); movl $0, 0x18(%r12);"
	 "dec %r14d; jnz 1b; jmp g_finish;"

	 /*
	  * By turns each maps another page, tells the others and waits for them. In
	  * between, what is read there must be of the page that is mapped.
	  */
	 "g_shoot: sti; mov 0x14(%r12), %r14d; mov %esi, %r15d; shl $9, %r15d;"
	 "lea 0x40000(%r15), %r15;"
	 "1: mov 0x30(%r12), %r8d; test $1, %r8d; jnz 3f; mov 0x34(%r12), %r9d;"
	 "xor %eax, %eax; xor %ecx, %ecx;"
	 "2: rol $1, %rax; xor 0x40000000(%rcx), %rax; add $8, %ecx; cmp $4096, %ecx; jne 2b;"
	 "cmp 0x30(%r12), %r8d; jne 3f; cmp 0x78(%r12, %r9, 8), %rax; je 3f;"
	 "lock incq 0x20(%r12);"
	 "3: mov $1, %eax; xchg %eax, 0x18(%r12); test %eax, %eax; jz 4f; pause; jmp 3b;"
	 "4: lock incl 0x30(%r12); mov 0x34(%r12), %r9d; inc %r9d; and $15, %r9d;"
	 "mov %r9d, %eax; shl $12, %eax; add $0x80003, %eax; mov %rax, 0x70000;"
	 "invlpg 0x40000000;"
	 "cmp $1, %ebp; je 7f;"
	 "mov $0xc4040, %eax; add %esi, %eax; xor %edx, %edx; call g_send;"
	 "incq (%r15); mov (%r15), %rax; xor %edi, %edi;"
	 "5: cmp %esi, %edi; je 6f; mov %edi, %r11d; shl $9, %r11d;"
	 "lea 0x30000(%r11, %rsi, 8), %r11;"
	 "8: pause; cmp %rax, (%r11); jb 8b;"
	 "6: inc %edi; cmp %ebp, %edi; jb 5b;"
	 "7: mov %r9d, 0x34(%r12); lock incl 0x30(%r12); movl $0, 0x18(%r12);"
	 "dec %r14d; jnz 1b; jmp g_finish;"

	 /* The host changes the page at 4 MiB, then says what it holds at least. */
	 "g_watch: mov 0x50(%r12), %eax; mov 0x400000, %ecx; cmp %eax, %ecx; jae 1f;"
	 "lock incq 0x20(%r12);"
	 "1: incl (%r13); lock incl 0x54(%r12); pause; jmp g_watch;"

	 /* INIT and SIPI, twice, for all others; each must start, and start once. */
	 "g_cycles: test %esi, %esi; jz 1f; cli; hlt;"
	 "1: mov 0x14(%r12), %r14d; mov %ebp, %r8d; dec %r8d; xor %r9d, %r9d;"
	 "mov %r9d, 4(%r12);"
	 "1: mov $0xc4500, %eax; xor %edx, %edx; call g_send;"
	 "mov $0xc4606, %eax; call g_send; mov $0xc4606, %eax; call g_send;"
	 "add %r8d, %r9d;"
	 "2: pause; cmp %r9d, 4(%r12); jb 2b; je 3f; incq 0x20(%r12); mov 4(%r12), %r9d;"
	 "3: dec %r14d; jnz 1b; out %al, $0xf0; hlt;");

VL_LABEL(g_count);
VL_LABEL(g_storm);
VL_LABEL(g_ring);
VL_LABEL(g_timer);
VL_LABEL(g_clock);
VL_LABEL(g_shoot);
VL_LABEL(g_watch);
VL_LABEL(g_cycles);

#define PROGRAM(name)	(VL_CODE + (g_##name - code))

/* ------------------------------------------------------------ vCPUs and their threads */

struct smp;

struct cpu {
	struct smp *smp;
	struct vl_vcpu vcpu;
	pthread_t thread;
	bool has_thread;
	int exit;
	int spinups;		/* times SPINUP_AP named it */
	uint64_t rip;		/* as SPINUP_AP said */
};

struct smp {
	struct vl_vm vm;
	struct cpu *cpus;
	unsigned int count;
	bool pinned;		/* each vCPU to a CPU of its own */
	volatile bool killed[MAX_CPUS];
};

static void start_thread(struct cpu *cpu);

static void *run_thread(void *arg)
{
	struct cpu *cpu = arg;
	struct smp *smp = cpu->smp;
	unsigned int id = cpu - smp->cpus;
	cpu_set_t set;

	if (smp->pinned) {
		CPU_ZERO(&set);
		CPU_SET(id, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			vl_die("sched_setaffinity");
	}
	for (;;) {
		struct vmx_lite_run *run = cpu->vcpu.run;

		cpu->exit = vl_run(&cpu->vcpu);
		if (cpu->exit == VM_EXITCODE_SPINUP_AP && run->spinup_ap.vcpu < smp->count) {
			struct cpu *ap = &smp->cpus[run->spinup_ap.vcpu];

			ap->spinups++;
			ap->rip = run->spinup_ap.rip;
			start_thread(ap);
		} else if (cpu->exit != VM_EXITCODE_INTR || smp->killed[id]) {
			return NULL;
		}
	}
}

static void start_thread(struct cpu *cpu)
{
	if (pthread_create(&cpu->thread, NULL, run_thread, cpu))
		vl_die("pthread_create");
	cpu->has_thread = true;
}

static void join(struct cpu *cpu)
{
	if (!cpu->has_thread)
		return;
	pthread_join(cpu->thread, NULL);
	cpu->has_thread = false;
}

static int suspend(struct smp *smp)
{
	struct vmx_lite_suspend s = { .how = VM_SUSPEND_POWEROFF };

	return vl_ioctl(smp->vm.fd, VM_SUSPEND, &s);
}

static struct shared *shared(struct smp *smp)
{
	return (struct shared *)(smp->vm.ram + SHARED);
}

static uint64_t counted(struct smp *smp, unsigned int cpu, unsigned int column)
{
	return vl_read64(&smp->vm, COUNTS + cpu * 512 + column * 8);
}

/* A gate to a stub that pushes the column and goes to count. */
static void set_column(struct vl_vm *vm, unsigned int column, uint8_t vector)
{
	uint64_t at = STUBS + column * 16;
	int32_t to = PROGRAM(count) - (at + 7);

	vl_load_bytes(vm, at, 0x6a, column, 0xe9);
	memcpy(vm->ram + at + 3, &to, sizeof(to));
	vl_write64(vm, VL_IDT + vector * 16, (at & 0xffff) | VL_CS64 << 16 | 0x8eULL << 40 |
		   at >> 16 << 48);
	vl_write64(vm, VL_IDT + vector * 16 + 8, 0);
}

static void smp_init(struct smp *smp, unsigned int count, uint64_t program, uint32_t rounds)
{
	struct vl_vcpu *first;
	struct shared *s;
	unsigned int i, column;

	memset(smp, 0, sizeof(*smp));
	smp->count = count;
	smp->cpus = calloc(count, sizeof(*smp->cpus));
	vl_vm_init(&smp->vm, 0x600000);
	for (i = 0; i < count; i++) {
		struct cpu *cpu = &smp->cpus[i];
		struct vmx_lite_events e = { .activity = VMX_LITE_WAIT_SIPI };

		cpu->smp = smp;
		vl_vcpu_init(&cpu->vcpu, &smp->vm, i, i ? VL_REAL : VL_LONG);
		if (i && vl_ioctl(cpu->vcpu.fd, VM_SET_EVENTS, &e))
			vl_die("VM_SET_EVENTS");
		vl_host_cpuid(&cpu->vcpu);
		vl_set_cap(&cpu->vcpu, VM_CAP_HALT_EXIT, 0);
	}
	/* The last mode set is what the IDT is of. */
	first = &smp->cpus[0].vcpu;
	vl_set_mode(first, VL_LONG);
	vl_load(&smp->vm, VL_CODE, code);
	vl_load(&smp->vm, TRAMPOLINE, trampoline);
	vl_load(&smp->vm, REAL_AP, real_ap);
	for (column = 0; column < COLUMN_NMI; column++)
		set_column(&smp->vm, column, COLUMN_VECTOR + column);
	set_column(&smp->vm, COLUMN_NMI, 2);

	s = shared(smp);
	s->cpus = count;
	s->program = program;
	s->rounds = rounds;
	s->idt_base = VL_IDT;
	s->idt_limit = 256 * 16 - 1;
}

static void smp_exit(struct smp *smp)
{
	unsigned int i;

	for (i = 0; i < smp->count; i++)
		join(&smp->cpus[i]);
	for (i = 0; i < smp->count; i++)
		vl_vcpu_exit(&smp->cpus[i].vcpu);
	vl_vm_exit(&smp->vm);
	free(smp->cpus);
}

/* Where they all are: one that faults three times ends the others, too. */
static void describe_all(struct smp *smp)
{
	unsigned int i;

	suspend(smp);
	for (i = 0; i < smp->count; i++) {
		struct cpu *cpu = &smp->cpus[i];

		fprintf(stderr, "# vCPU %u: started %d times\n", i, cpu->spinups);
		join(cpu);
		vl_describe(&cpu->vcpu, cpu->exit);
		vl_describe_system(&cpu->vcpu);
	}
}

/* The first vCPU comes to its end by itself; the others are ended. */
#define RUN_TO_END(smp) do {						\
	struct cpu *first_ = &(smp)->cpus[0];				\
	unsigned int i_;						\
									\
	start_thread(first_);						\
	join(first_);							\
	ASSERT_EQ(VM_EXITCODE_INOUT, first_->exit)			\
		describe_all(smp);					\
	ASSERT_EQ(PORT_END, first_->vcpu.run->inout.port)		\
		describe_all(smp);					\
	ASSERT_EQ(0, suspend(smp));					\
	for (i_ = 1; i_ < (smp)->count; i_++) {				\
		join(&(smp)->cpus[i_]);					\
		ASSERT_EQ(VM_EXITCODE_SUSPENDED, (smp)->cpus[i_].exit)	\
			vl_describe(&(smp)->cpus[i_].vcpu, (smp)->cpus[i_].exit); \
		EXPECT_EQ(1, (smp)->cpus[i_].spinups);			\
	}								\
	EXPECT_EQ(0, shared(smp)->errors);				\
} while (0)

static void set_ipi(struct smp *smp, unsigned int cpu, unsigned int n, uint64_t icr,
		    uint64_t mask, unsigned int column)
{
	struct ipi ipi = { .icr = icr, .mask = mask, .column = column };

	if (n >= IPIS - 1)
		vl_die("a list of IPIs is full");
	if (!(icr & ICR_NMI))
		ipi.icr |= COLUMN_VECTOR + column;
	memcpy(smp->vm.ram + SENDS + (cpu * IPIS + n) * sizeof(ipi), &ipi, sizeof(ipi));
}

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
	smp_init(&self->smp, variant->cpus, 0, 0);
}

FIXTURE_TEARDOWN(smp)
{
	smp_exit(&self->smp);
}

static void set_program(struct smp *smp, uint64_t program, uint32_t rounds)
{
	shared(smp)->program = program;
	shared(smp)->rounds = rounds;
}

static uint64_t all(struct smp *smp)
{
	return smp->count == 64 ? ~0ULL : (1ULL << smp->count) - 1;
}

/* ------------------------------------------------------------ IPIs */

#define ROUNDS	20

/* Each to each, and itself, by APIC id. */
TEST_F(smp, ipi_physical)
{
	struct smp *smp = &self->smp;
	unsigned int i, j;

	set_program(smp, PROGRAM(storm), ROUNDS);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count && j < IPIS - 1; j++)
			set_ipi(smp, i, j, (uint64_t)((i + j) % smp->count) << 32,
				1ULL << (i + j) % smp->count, i);
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count && j < IPIS - 1; j++)
			EXPECT_EQ(ROUNDS, counted(smp, (i + j) % smp->count, i));
}

/* To the cluster of the first sixteen: one, two neighbours, all of them. */
TEST_F(smp, ipi_x2apic_logical)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	set_program(smp, PROGRAM(storm), ROUNDS);
	for (i = 0; i < smp->count; i++) {
		uint64_t pair = 1ULL << i | 1ULL << (i + 1) % smp->count;

		set_ipi(smp, i, 0, 1ULL << (32 + i) | ICR_LOGICAL, 1ULL << i, i);
		set_ipi(smp, i, 1, pair << 32 | ICR_LOGICAL, pair, i);
		set_ipi(smp, i, 2, all(smp) << 32 | ICR_LOGICAL, all(smp), i);
	}
	RUN_TO_END(smp);
}

/* The shorthands, and the broadcast address. */
TEST_F(smp, ipi_broadcast)
{
	struct smp *smp = &self->smp;
	unsigned int i, j;

	set_program(smp, PROGRAM(storm), ROUNDS);
	for (i = 0; i < smp->count; i++) {
		set_ipi(smp, i, 0, ICR_OTHERS, all(smp) & ~(1ULL << i), i);
		set_ipi(smp, i, 1, ICR_ALL, all(smp), i);
		set_ipi(smp, i, 2, ICR_SELF, 1ULL << i, i);
		set_ipi(smp, i, 3, 0xffffffffULL << 32, all(smp), i);
		set_ipi(smp, i, 4, 0xffffffffULL << 32 | ICR_LOGICAL, all(smp), i);
	}
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count; j++)
			EXPECT_EQ(4 * ROUNDS, counted(smp, i, j));
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

	set_program(smp, PROGRAM(storm), 5 * ROUNDS);
	for (i = 0; i < smp->count; i++)
		set_ipi(smp, i, 0, ICR_ALL, all(smp), i);
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
	struct shared *s = shared(smp);
	unsigned int i;

	set_program(smp, PROGRAM(storm), ROUNDS);
	s->xapic = 1;
	s->dfr = cluster ? 0x0fffffff : 0xffffffff;
	for (i = 0; i < smp->count; i++)
		s->ldr[i] = (cluster ? (i / 4) << 4 | 1U << i % 4 : 1U << i) << 24;
	for (i = 0; i < smp->count; i++) {
		uint64_t four = 0xfULL << i / 4 * 4 & all(smp);

		set_ipi(smp, i, 0, (uint64_t)(s->ldr[i] >> 24) << 32 | ICR_LOGICAL, 1ULL << i, i);
		set_ipi(smp, i, 1, 0xffULL << 32 | ICR_LOGICAL, all(smp), i);
		set_ipi(smp, i, 2, (cluster ? (uint64_t)(i / 4) << 4 | 0xf : four) << 32 |
			ICR_LOGICAL, four, i);
		set_ipi(smp, i, 3, (uint64_t)(smp->count - 1) << 32, 1ULL << (smp->count - 1), i);
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
	set_program(smp, PROGRAM(storm), ROUNDS);
	set_ipi(smp, 0, 0, ICR_OTHERS | ICR_NMI | ICR_ASSERT, all(smp) & ~1ULL, COLUMN_NMI);
	for (i = 1; i < smp->count; i++) {
		if (i < 4)
			set_ipi(smp, 0, i, (uint64_t)i << 32 | ICR_NMI, 1ULL << i, COLUMN_NMI);
		set_ipi(smp, i, 0, (uint64_t)(i % (smp->count - 1) + 1) << 32,
			1ULL << (i % (smp->count - 1) + 1), i);
	}
	RUN_TO_END(smp);
	for (i = 1; i < smp->count; i++)
		EXPECT_EQ((i < 4 ? 2 : 1) * ROUNDS, counted(smp, i, COLUMN_NMI));
}

/* Through HLT: a wakeup that is lost ends it. */
TEST_F(smp, ipi_ring)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	set_program(smp, PROGRAM(ring), 200);
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		EXPECT_EQ(200, counted(smp, i, (i + smp->count - 1) % smp->count));
}

/* ------------------------------------------------------------ memory, timers, time */

#define SHOOTS	50

TEST_F(smp, tlb_shootdown)
{
	struct smp *smp = &self->smp;
	unsigned int i, j;

	set_program(smp, PROGRAM(shoot), SHOOTS);
	for (i = 0; i < SHOOT_COUNT; i++) {
		uint64_t hash = 0;

		for (j = 0; j < 512; j++) {
			uint64_t value = (i * 512 + j + 1) * 0x9e3779b97f4a7c15;

			vl_write64(&smp->vm, SHOOT_PAGES + i * 4096 + j * 8, value);
			hash = (hash << 1 | hash >> 63) ^ value;
		}
		shared(smp)->hashes[i] = hash;
	}
	vl_write64(&smp->vm, SHOOT_PT, SHOOT_PAGES | 3);
	vl_write64(&smp->vm, VL_PD + 4096, SHOOT_PT | 3);
	RUN_TO_END(smp);
	EXPECT_EQ(smp->count * SHOOTS * 2, shared(smp)->sequence);
	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count; j++)
			EXPECT_EQ(i == j ? 0 : SHOOTS, counted(smp, i, j));
}

TEST_F(smp, timers)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	set_program(smp, PROGRAM(timer), 50);
	RUN_TO_END(smp);
	for (i = 0; i < smp->count; i++)
		EXPECT_EQ(50, counted(smp, i, COLUMN_TIMER));
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
	set_program(smp, PROGRAM(clock), 1000);
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

	set_program(smp, PROGRAM(watch), 0);
	start_thread(&smp->cpus[0]);
	for (i = 1; i <= changes; i++) {
		ASSERT_EQ(page, mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				     fd, i * 4096));
		__atomic_store_n(&shared(smp)->epoch, i, __ATOMIC_SEQ_CST);
		wait_for_reads(smp, 2);
	}
	ASSERT_EQ(0, suspend(smp));
	for (i = 0; i < smp->count; i++) {
		join(&smp->cpus[i]);
		EXPECT_EQ(VM_EXITCODE_SUSPENDED, smp->cpus[i].exit);
	}
	EXPECT_EQ(0, shared(smp)->errors);
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
	set_program(smp, PROGRAM(watch), 0);
	start_thread(&smp->cpus[0]);
	while (__atomic_load_n(&shared(smp)->online, __ATOMIC_SEQ_CST) < smp->count)
		sched_yield();
	wait_for_reads(smp, 10);
	ASSERT_EQ(0, vl_unset_memory(&smp->vm, WATCHED, 4096));
	/* Whoever still reads the page after this finds it too small. */
	__atomic_store_n(&shared(smp)->epoch, ~0U, __ATOMIC_SEQ_CST);
	for (i = 0; i < smp->count; i++) {
		join(&smp->cpus[i]);
		ASSERT_EQ(VM_EXITCODE_MMIO, smp->cpus[i].exit)
			vl_describe(&smp->cpus[i].vcpu, smp->cpus[i].exit);
		EXPECT_EQ(WATCHED, smp->cpus[i].vcpu.run->mmio.gpa);
	}
	EXPECT_EQ(0, shared(smp)->errors);
}

/* ------------------------------------------------------------ start and end */

TEST_F(smp, init_sipi_cycles)
{
	struct smp *smp = &self->smp;

	set_program(smp, PROGRAM(cycles), 100);
	RUN_TO_END(smp);
	EXPECT_EQ((smp->count - 1) * 100, shared(smp)->online);
}

/* An endless storm, and something that happens in its middle. */
static void endless_storm(struct smp *smp)
{
	unsigned int i;

	set_program(smp, PROGRAM(storm), ~0U);
	for (i = 0; i < smp->count; i++) {
		set_ipi(smp, i, 0, ICR_ALL, all(smp), i);
		set_ipi(smp, i, 1, (uint64_t)((i + 1) % smp->count) << 32,
			1ULL << (i + 1) % smp->count, i);
	}
	start_thread(&smp->cpus[0]);
	for (i = 0; i < smp->count; i++)
		while (counted(smp, i, i) < 5)
			sched_yield();
}

TEST_F(smp, suspend_in_storm)
{
	struct smp *smp = &self->smp;
	unsigned int i;

	endless_storm(smp);
	ASSERT_EQ(0, suspend(smp));
	for (i = 0; i < smp->count; i++) {
		join(&smp->cpus[i]);
		EXPECT_EQ(VM_EXITCODE_SUSPENDED, smp->cpus[i].exit);
	}
	EXPECT_EQ(-EBUSY, suspend(smp));
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
	join(last);
	EXPECT_EQ(VM_EXITCODE_INTR, last->exit);
	ASSERT_EQ(0, suspend(smp));
	for (i = 0; i < smp->count - 1; i++) {
		join(&smp->cpus[i]);
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

		smp_init(&smp, variant->cpus, 0, 0);
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
	set_program(&self->smp, PROGRAM(ring), 10);
	RUN_TO_END(&self->smp);
}

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

	smp_init(&smp, 4, 0, 0);
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

	smp_init(&smp, 3, 0, 0);
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

	smp_init(&smp, 3, 0, 0);
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

	smp_init(&smp, 2, 0, 0);
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

	smp_init(&smp, MAX_CPUS, PROGRAM(storm), 1);
	ASSERT_EQ(MAX_CPUS, smp.vm.info.max_vcpus);
	EXPECT_EQ(-EINVAL, vl_ioctl(smp.vm.fd, VM_CREATE_VCPU, &create));
	create.id = MAX_CPUS - 1;
	EXPECT_EQ(-EEXIST, vl_ioctl(smp.vm.fd, VM_CREATE_VCPU, &create));
	/* From two places to all; from the first to each cluster, one after another. */
	set_ipi(&smp, 5, 0, ICR_OTHERS, ~(1ULL << 5), 5);
	set_ipi(&smp, MAX_CPUS - 1, 0, 0xffffffffULL << 32, ~0ULL, 61);
	for (i = 0; i < 4; i++)
		set_ipi(&smp, 0, i, (uint64_t)(i << 16 | 0xffff) << 32 | ICR_LOGICAL,
			0xffffULL << 16 * i, 0);
	RUN_TO_END(&smp);
	for (i = 0; i < MAX_CPUS; i++) {
		EXPECT_EQ(i != 5, counted(&smp, i, 5));
		EXPECT_EQ(1, counted(&smp, i, 61));
		EXPECT_EQ(1, counted(&smp, i, 0));
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

	smp_init(&smp, 8, PROGRAM(storm), ROUNDS);
	for (i = 0; i < smp.count; i++)
		set_ipi(&smp, i, 0, ICR_OTHERS, all(&smp) & ~(1ULL << i), i);
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
	shared(smp)->done = 0;
	vl_start(&cpu->vcpu, VL_CODE, VL_FLAGS);
	start_thread(cpu);
	join(cpu);
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
	smp_init(&smp, 1, PROGRAM(timer), 60);
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
	smp_init(&smp, 2, PROGRAM(clock), ~0U);
	start_thread(&smp.cpus[0]);
	while (!__atomic_load_n(&shared(&smp)->last, __ATOMIC_SEQ_CST))
		sched_yield();
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(write_line("/sys/power/pm_test", "core"));
		ASSERT_TRUE(write_line("/sys/power/state", "mem"));
		last = __atomic_load_n(&shared(&smp)->last, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&shared(&smp)->last, __ATOMIC_SEQ_CST) == last)
			sched_yield();
	}
	ASSERT_TRUE(write_line("/sys/power/pm_test", "none"));
	ASSERT_EQ(0, suspend(&smp));
	for (i = 0; i < 2; i++) {
		join(&smp.cpus[i]);
		EXPECT_EQ(VM_EXITCODE_SUSPENDED, smp.cpus[i].exit);
	}
	EXPECT_EQ(0, shared(&smp)->errors);
	ASSERT_EQ(0, vl_ioctl(smp.cpus[0].vcpu.fd, VM_GET_TSC, &first));
	ASSERT_EQ(0, vl_ioctl(smp.cpus[1].vcpu.fd, VM_GET_TSC, &other));
	EXPECT_EQ(first.offset, other.offset);
	smp_exit(&smp);
}

TEST_HARNESS_MAIN
