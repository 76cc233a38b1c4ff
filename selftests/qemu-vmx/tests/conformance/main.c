// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does this machine's VT-x do what the SDM says?  A bare 64-bit program that runs
 * tables of instructions, VM entries and guests, and prints TAP on COM1.
 */
#include <stdarg.h>

#include "vmx.h"

#define COM1		0x3f8
#define DEBUG_EXIT	0xf4	/* QEMU's isa-debug-exit */
#define BOCHS_SHUTDOWN	0x8900
#define BOCHS_CONSOLE	0xe9	/* with port_e9_hack: reads as its own number */

uint64_t fixup;
uint32_t exception_vector, exception_error;
volatile uint32_t interrupts;

static unsigned int tests, failures;

static void port_out(uint16_t port, uint8_t val)
{
	asm volatile("outb %0, %1" : : "a"(val), "Nd"(port));
}

static uint8_t port_in(uint16_t port)
{
	uint8_t val;

	asm volatile("inb %1, %0" : "=a"(val) : "Nd"(port));
	return val;
}

bool in_bochs(void)
{
	return port_in(BOCHS_CONSOLE) == BOCHS_CONSOLE;
}

static void put(char c)
{
	int i;

	for (i = 0; i < 100000 && !(port_in(COM1 + 5) & 0x20); i++)
		;
	port_out(COM1, c);
}

static void put_number(uint64_t val, unsigned int base)
{
	char digits[24];
	int i = 0;

	do {
		digits[i++] = "0123456789abcdef"[val % base];
		val /= base;
	} while (val);
	while (i)
		put(digits[--i]);
}

/* %s, %u (unsigned int), %lx (unsigned long) */
void print(const char *fmt, ...)
{
	const char *s;
	va_list args;

	va_start(args, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			for (s = va_arg(args, const char *); *s; s++)
				put(*s);
			break;
		case 'u':
			put_number(va_arg(args, unsigned int), 10);
			break;
		case 'l':
			fmt++;
			put_number(va_arg(args, unsigned long), 16);
			break;
		}
	}
	va_end(args);
}

/* What Bochs 2.7 is known to do otherwise than the SDM says */
static const char *const bochs_differences[] = {
	"INVEPT: type, bits 63:32",
	"entry to SMM from outside",
	"IA-32e mode guest without CR0.PG",
	"guest IA32_DEBUGCTL: reserved bit",
	"guest in HLT: injected #UD does not wake it",
	"NMI injected with virtual-NMI blocking",
	"pending debug exceptions: BS without TF in the STI shadow",
	"pending debug exceptions: TF without BS in the MOV SS shadow",
	"an exit by a fault saves RF 1",
	"blocking by MOV SS and the pending step are saved",
	/* a loop goes on through VM entries */
	"PAUSE-loop exiting: the first PAUSE",
	/* it looks for them only after some instructions */
	"an interrupt exits with IF 0",
	"an interrupt exits, acknowledged",
	"nothing is left for the host",
	"NMI window, open",
	"guest RIP: bits 63:48 differ",
	"an NMI goes to the guest, and blocks NMIs",
	/* it writes flags into page tables without asking EPT */
	"EPT: accessed flag in a read-only page table",
	"EPT: dirty flag in a read-only page table",
	"EPT: walks are writes with accessed and dirty flags",
};

static bool is_bochs_difference(const char *name)
{
	size_t i;

	for (i = 0; in_bochs() && i < ARRAY_SIZE(bochs_differences); i++) {
		const char *a = bochs_differences[i], *b = name;

		while (*a && *a == *b) {
			a++;
			b++;
		}
		if (*a == *b)
			return true;
	}
	return false;
}

void report(bool passed, const char *name)
{
	if (!passed && is_bochs_difference(name)) {
		skip(name, "Bochs 2.7 differs from the SDM");
		return;
	}
	failures += !passed;
	print("%sok %u - %s\n", passed ? "" : "not ", ++tests, name);
}

void report_values(bool passed, const char *name, uint64_t want, uint64_t got)
{
	report(passed, name);
	if (!passed)
		print("# wanted %lx, got %lx\n", want, got);
}

void report_exit(bool passed, const char *name, const struct vm_exit *e)
{
	report(passed, name);
	if (passed)
		return;
	if (e->entered) {
		print("# VM entry failed: %u, error %u\n", e->entered, e->error);
		return;
	}
	print("# reason %lx qualification %lx event %lx/%lx vectoring %lx/%lx\n",
	      (unsigned long)e->reason, e->qualification,
	      (unsigned long)e->info, (unsigned long)e->info_error,
	      (unsigned long)e->vectoring, (unsigned long)e->vectoring_error);
	print("# length %u information %lx rip %lx linear %lx physical %lx\n",
	      e->length, (unsigned long)e->insn_info, e->rip, e->linear,
	      e->physical);
}

void skip(const char *name, const char *why)
{
	print("ok %u - %s # SKIP %s\n", ++tests, name, why);
}

static __attribute__((noreturn)) void finish(void)
{
	const char *word = "Shutdown";

	print("1..%u\n", tests);
	print("# conformance: done, %u failed\n", failures);
	while (!(port_in(COM1 + 5) & 0x40))
		;
	port_out(DEBUG_EXIT, !!failures);
	while (*word)
		port_out(BOCHS_SHUTDOWN, *word++);
	for (;;)
		asm volatile("cli; hlt");
}

/* From boot.S: an exception that no test asked for */
void unexpected_exception(uint32_t vector, uint64_t rip, uint64_t error);
void unexpected_exception(uint32_t vector, uint64_t rip, uint64_t error)
{
	print("Bail out! exception %u at %lx, error %lx\n", vector, rip, error);
	failures++;
	finish();
}

struct gate {
	uint16_t low;
	uint16_t selector;
	uint16_t type;
	uint16_t middle;
	uint32_t high;
	uint32_t reserved;
};

static struct gate idt[256];

static void set_gate(int vector, const char *handler)
{
	uint64_t addr = (uint64_t)handler;

	idt[vector] = (struct gate){
		.low = addr, .selector = 8, .type = 0x8e00,
		.middle = addr >> 16, .high = addr >> 32,
	};
}

static void init_idt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, (uint64_t)idt };
	int i;

	for (i = 0; i < 32; i++)
		set_gate(i, host_vectors + 16 * i);
	for (; i < 256; i++)
		set_gate(i, host_interrupt);
	asm volatile("lidt %0" : : "m"(pointer));
}

static void init_serial(void)
{
	port_out(COM1 + 1, 0);
	port_out(COM1 + 3, 0x80);
	port_out(COM1 + 0, 1);
	port_out(COM1 + 1, 0);
	port_out(COM1 + 3, 3);
	port_out(COM1 + 2, 7);
	/* both PICs quiet */
	port_out(0x21, 0xff);
	port_out(0xa1, 0xff);
}

int main(void);
int main(void)
{
	init_serial();
	init_idt();
	print("TAP version 13\n");
	if (!vmx_available()) {
		print("Bail out! this machine has no VT-x, or firmware has locked it off\n");
		failures++;
		finish();
	}
	test_before_vmxon();
	test_instructions();
	test_controls();
	test_host_state();
	test_guest_state();
	test_exits();
	test_events();
	test_ept();
	finish();
}
