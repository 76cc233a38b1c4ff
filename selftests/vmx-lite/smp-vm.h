/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine of several vCPUs, for the tests of them: its guest, and its threads.
 *
 * The vCPUs but the first start as on any PC, by INIT and SIPI; their threads
 * start by SPINUP_AP.  There are more of them than CPUs.  Nothing here looks at a
 * clock: whatever is lost makes a test wait until it is ended from outside.
 */
#ifndef SMP_VM_H
#define SMP_VM_H

#include <pthread.h>

#include "vl.h"

#define MAX_CPUS	VMX_LITE_MAX_VCPUS
#define ROUNDS		20		/* of most programs */

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

/* What all vCPUs do once they are there: see the code in smp-vm.c. */
enum smp_program {
	SMP_NONE,
	SMP_STORM,	/* send IPIs as smp_set_ipi() says, and wait for their targets */
	SMP_RING,	/* each wakes the next from HLT */
	SMP_TIMER,	/* HLT until the own timer's interrupt */
	SMP_CLOCK,	/* compare the TSCs */
	SMP_SHOOT,	/* change a mapping, and tell the others by IPI */
	SMP_WATCH,	/* read a page that the host changes, for ever */
	SMP_CYCLES,	/* the first sends the others INIT and SIPI */
};

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

void smp_init(struct smp *smp, unsigned int count, enum smp_program program, uint32_t rounds);
void smp_exit(struct smp *smp);
void smp_set_program(struct smp *smp, enum smp_program program, uint32_t rounds);
/* @cpu's Nth IPI of each round of SMP_STORM, to those of @mask, who count it in @column */
void smp_set_ipi(struct smp *smp, unsigned int cpu, unsigned int n, uint64_t icr,
		 uint64_t mask, unsigned int column);

/* A vCPU's thread, and the end of the whole */
void smp_start(struct cpu *cpu);
void smp_join(struct cpu *cpu);
int smp_suspend(struct smp *smp);
void smp_describe(struct smp *smp);

struct shared *smp_shared(struct smp *smp);
uint64_t smp_counted(struct smp *smp, unsigned int cpu, unsigned int column);
uint64_t smp_all(struct smp *smp);	/* the mask of all */

/* In a TEST(): the first vCPU comes to its end by itself; the others are ended. */
#define RUN_TO_END(smp) do {						\
	struct cpu *first_ = &(smp)->cpus[0];				\
	unsigned int i_;						\
									\
	smp_start(first_);						\
	smp_join(first_);						\
	ASSERT_EQ(VM_EXITCODE_INOUT, first_->exit)			\
		smp_describe(smp);					\
	ASSERT_EQ(PORT_END, first_->vcpu.run->inout.port)		\
		smp_describe(smp);					\
	ASSERT_EQ(0, smp_suspend(smp));					\
	for (i_ = 1; i_ < (smp)->count; i_++) {				\
		smp_join(&(smp)->cpus[i_]);				\
		ASSERT_EQ(VM_EXITCODE_SUSPENDED, (smp)->cpus[i_].exit)	\
			vl_describe(&(smp)->cpus[i_].vcpu, (smp)->cpus[i_].exit); \
		EXPECT_EQ(1, (smp)->cpus[i_].spinups);			\
	}								\
	EXPECT_EQ(0, smp_shared(smp)->errors);				\
} while (0)

#endif /* SMP_VM_H */
