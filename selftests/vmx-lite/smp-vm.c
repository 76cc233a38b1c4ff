// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine of several vCPUs: what its guest does, and the threads that run it.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "smp-vm.h"

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

static const uint8_t *const programs[] = {
	[SMP_STORM] = g_storm,
	[SMP_RING] = g_ring,
	[SMP_TIMER] = g_timer,
	[SMP_CLOCK] = g_clock,
	[SMP_SHOOT] = g_shoot,
	[SMP_WATCH] = g_watch,
	[SMP_CYCLES] = g_cycles,
};

/* Where the guest finds it */
static uint64_t address(const uint8_t *label)
{
	return VL_CODE + (label - code);
}

/* ------------------------------------------------------------ vCPUs and their threads */

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
			smp_start(ap);
		} else if (cpu->exit != VM_EXITCODE_INTR || smp->killed[id]) {
			return NULL;
		}
	}
}

void smp_start(struct cpu *cpu)
{
	if (pthread_create(&cpu->thread, NULL, run_thread, cpu))
		vl_die("pthread_create");
	cpu->has_thread = true;
}

void smp_join(struct cpu *cpu)
{
	if (!cpu->has_thread)
		return;
	pthread_join(cpu->thread, NULL);
	cpu->has_thread = false;
}

int smp_suspend(struct smp *smp)
{
	struct vmx_lite_suspend s = { .how = VM_SUSPEND_POWEROFF };

	return vl_ioctl(smp->vm.fd, VM_SUSPEND, &s);
}

struct shared *smp_shared(struct smp *smp)
{
	return (struct shared *)(smp->vm.ram + SHARED);
}

uint64_t smp_counted(struct smp *smp, unsigned int cpu, unsigned int column)
{
	return vl_read64(&smp->vm, COUNTS + cpu * 512 + column * 8);
}

void smp_set_program(struct smp *smp, enum smp_program program, uint32_t rounds)
{
	smp_shared(smp)->program = program == SMP_NONE ? 0 : address(programs[program]);
	smp_shared(smp)->rounds = rounds;
}

/* A gate to a stub that pushes the column and goes to count. */
static void set_column(struct vl_vm *vm, unsigned int column, uint8_t vector)
{
	uint64_t at = STUBS + column * 16;
	int32_t to = address(g_count) - (at + 7);

	vl_load_bytes(vm, at, 0x6a, column, 0xe9);
	memcpy(vm->ram + at + 3, &to, sizeof(to));
	vl_write64(vm, VL_IDT + vector * 16, (at & 0xffff) | VL_CS64 << 16 | 0x8eULL << 40 |
		   at >> 16 << 48);
	vl_write64(vm, VL_IDT + vector * 16 + 8, 0);
}

void smp_init(struct smp *smp, unsigned int count, enum smp_program program, uint32_t rounds)
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

	s = smp_shared(smp);
	s->cpus = count;
	s->idt_base = VL_IDT;
	s->idt_limit = 256 * 16 - 1;
	smp_set_program(smp, program, rounds);
}

void smp_exit(struct smp *smp)
{
	unsigned int i;

	for (i = 0; i < smp->count; i++)
		smp_join(&smp->cpus[i]);
	for (i = 0; i < smp->count; i++)
		vl_vcpu_exit(&smp->cpus[i].vcpu);
	vl_vm_exit(&smp->vm);
	free(smp->cpus);
}

/* Where they all are: one that faults three times ends the others, too. */
void smp_describe(struct smp *smp)
{
	unsigned int i;

	smp_suspend(smp);
	for (i = 0; i < smp->count; i++) {
		struct cpu *cpu = &smp->cpus[i];

		fprintf(stderr, "# vCPU %u: started %d times\n", i, cpu->spinups);
		smp_join(cpu);
		vl_describe(&cpu->vcpu, cpu->exit);
		vl_describe_system(&cpu->vcpu);
	}
}

uint64_t smp_all(struct smp *smp)
{
	return smp->count == 64 ? ~0ULL : (1ULL << smp->count) - 1;
}

void smp_set_ipi(struct smp *smp, unsigned int cpu, unsigned int n, uint64_t icr,
		 uint64_t mask, unsigned int column)
{
	struct ipi ipi = { .icr = icr, .mask = mask, .column = column };

	if (n >= IPIS - 1)
		vl_die("a list of IPIs is full");
	if (!(icr & ICR_NMI))
		ipi.icr |= COLUMN_VECTOR + column;
	memcpy(smp->vm.ram + SENDS + (cpu * IPIS + n) * sizeof(ipi), &ipi, sizeof(ipi));
}
