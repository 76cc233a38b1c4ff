/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One machine for two hypervisors: flat RAM at 0, vCPUs in 64-bit mode.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_SIZE	(2UL << 20)	/* code, tables, stack */
#define CPUS_MAX	2
#define CODE(cpu)	(0x1000 + (cpu) * 0x2000)
#define HANDLER		0x2000		/* of TIMER_VECTOR */
#define STACK(cpu)	(0x8000 - (cpu) * 0x1000)
#define SHARED		0x9000		/* what two vCPUs tell each other */
#define PML4		0x10000
#define PDPT		0x11000
#define PD		0x12000		/* four pages: 4 GiB in pages of 2 MiB */
#define GDT		0x18000
#define IDT		0x19000
#define CS64		0x08
#define DS		0x10
#define TIMER_VECTOR	0x40
#define BIG		0x40000000UL	/* where a test's own memory goes */
#define MMIO		0xc0000000UL	/* nothing there */

#define PORT_DONE	0xf0

/* Code for the guest, which ends with OUT to PORT_DONE. */
#define GUEST(name, text)						\
	asm(".pushsection .rodata\n" #name ":\n" text			\
	    "\nout %al, $0xf0\n" #name "_end:\n.popsection\n");		\
	extern const uint8_t name[], name##_end[]

enum exit { EXIT_PORT, EXIT_MMIO, EXIT_OTHER };

/**
 * struct hypervisor - what a benchmark needs of vmx-lite or KVM
 * @create: a VM with @ram at 0 and @cpus vCPUs
 * @map: @size bytes at @addr become guest-physical @gpa
 * @start: vCPU @cpu begins at CODE(cpu), with @rsi, @rdi and @rbx
 * @run: vCPU @cpu until an exit to user space; @port is set for EXIT_PORT
 * @destroy: all of it
 */
struct hypervisor {
	const char *name;
	void (*create)(void *ram, unsigned int cpus);
	void (*map)(uint64_t gpa, void *addr, size_t size);
	void (*start)(unsigned int cpu, uint64_t rsi, uint64_t rdi, uint64_t rbx);
	enum exit (*run)(unsigned int cpu, uint16_t *port);
	void (*destroy)(void);
};

extern const struct hypervisor vmx_lite, kvm;

__attribute__((format(printf, 1, 2), noreturn)) void die(const char *fmt, ...);

#endif /* BENCH_H */
