// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: injection (SDM volume 3, 27.6), exits by exceptions, interrupts, NMIs
 * and windows (26.2), IDT vectoring (28.2.4), blocking, timer, monitor trap flag.
 */
#include "guest.h"
#include "vmx.h"

#define INFO		VMCS_ENTRY_INTR_INFO
#define VALID		0x80000000u
#define IF		0x200
#define TF		0x100
#define RF		0x10000
#define APIC		0xfee00000ul
#define ICR_SELF	0x40000
#define ICR_NMI		0x4400		/* to the APIC that the high half names */
#define VECTOR		0x40
#define ICR_INIT	0x4500
#define NOWHERE		0x123456789000ul	/* canonical, not mapped */

static uint32_t *apic(uint32_t reg)
{
	return (uint32_t *)(APIC + reg);
}

static volatile uint32_t *apic_register(uint32_t reg)
{
	return (volatile uint32_t *)apic(reg);
}

static void apic_enable(void)
{
	*apic_register(0xf0) = 0x1ff;
	*apic_register(0x80) = 0;
}

/* An interrupt for this CPU, which has interrupts off: it stays pending */
static void send_interrupt(void)
{
	*apic_register(0x310) = 0;
	*apic_register(0x300) = ICR_SELF | 0x4000 | VECTOR;
}

/* Let the host take what is pending */
static void take_interrupts(void)
{
	asm volatile("sti; nop; nop; cli");
}

static bool exit_is(const struct vm_exit *e, uint32_t reason)
{
	return !e->entered && e->reason == reason;
}

static const uint64_t *guest_frame(void)
{
	return (const uint64_t *)get(VMCS_GUEST_RSP);
}

/*
 * Injection: what the guest's handler finds on its stack
 */
static void test_injection(void)
{
	static const struct {
		const char *name;
		uint32_t info, error, length;
		uint64_t rflags;
		int vector;
		bool has_error;
		int rip_offset;
	} cases[] = {
		{ "injected #UD", VALID | 0x306, 0, 0, 2, 6, false, 0 },
		{ "injected #GP with its error code", VALID | 0xb0d, 0x1234, 0,
		  2, 13, true, 0 },
		{ "injected #PF", VALID | 0xb0e, 5, 0, 2, 14, true, 0 },
		{ "injected external interrupt", VALID | 0x51, 0, 0, 2 | IF,
		  0x51, false, 0 },
		{ "injected NMI", VALID | 0x202, 0, 0, 2, 2, false, 0 },
		{ "injected INT n comes after its instruction", VALID | 0x480,
		  0, 2, 2, 0x80, false, 2 },
		{ "injected INT3 comes after its instruction", VALID | 0x603, 0,
		  1, 2, 3, false, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t *frame;
		struct vm_exit e;
		bool passed;

		baseline(g_done);
		set(INFO, cases[i].info);
		set(VMCS_ENTRY_EXCEPTION_ERROR, cases[i].error);
		set(VMCS_ENTRY_INST_LENGTH, cases[i].length);
		set(VMCS_GUEST_RFLAGS, cases[i].rflags);
		e = run();
		frame = guest_frame();
		passed = guest_fault(&e) == cases[i].vector &&
			 !(get(INFO) & VALID) && !(e.vectoring & VALID);
		if (passed && cases[i].has_error)
			passed = *frame++ == cases[i].error;
		report_exit(passed && frame[0] ==
			    (uint64_t)g_done + cases[i].rip_offset &&
			    frame[1] == 8 &&
			    (frame[2] & ~(uint64_t)RF) == cases[i].rflags,
			    cases[i].name, &e);
	}
}

/* An event whose delivery exits is reported, to be injected again */
static void test_vectoring(void)
{
	static const struct {
		const char *name;
		void (*code)(void);
		uint32_t info, error, length;	/* injected; else by the guest */
		uint32_t vectoring, vectoring_error, vectoring_length;
	} cases[] = {
		{ "vectoring: injected external interrupt", g_done, VALID | 0x51,
		  0, 0, VALID | 0x51 },
		{ "vectoring: injected #GP", g_done, VALID | 0xb0d, 0x40, 0,
		  VALID | 0xb0d, 0x40 },
		{ "vectoring: injected NMI", g_done, VALID | 0x202, 0, 0,
		  VALID | 0x202 },
		{ "vectoring: injected INT n", g_done, VALID | 0x480, 0, 2,
		  VALID | 0x480, 0, 2 },
		{ "vectoring: #UD of the guest", g_ud2, 0, 0, 0, VALID | 0x306 },
		{ "vectoring: INT n of the guest", g_int_80, 0, 0, 0,
		  VALID | 0x480, 0, 2 },
		{ "vectoring: INT3 of the guest", g_int3, 0, 0, 0,
		  VALID | 0x603, 0, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vm_exit e;

		/* no IDT there: a page fault, which exits */
		baseline(cases[i].code);
		set(VMCS_GUEST_IDTR_BASE, NOWHERE);
		set(VMCS_EXCEPTION_BITMAP, 1 << 14);
		set(INFO, cases[i].info);
		set(VMCS_ENTRY_EXCEPTION_ERROR, cases[i].error);
		set(VMCS_ENTRY_INST_LENGTH, cases[i].length);
		set(VMCS_GUEST_RFLAGS, 2 | IF);
		e = run();
		report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
			    e.info == (VALID | 0xb0e) &&
			    e.qualification >= NOWHERE &&
			    e.qualification < NOWHERE + 4096 &&
			    e.vectoring == cases[i].vectoring &&
			    (!(e.vectoring & 0x800) || e.vectoring_error ==
			     cases[i].vectoring_error) &&
			    (!cases[i].vectoring_length || e.length ==
			     cases[i].vectoring_length) &&
			    e.rip == (uint64_t)cases[i].code,
			    cases[i].name, &e);
	}
}

/*
 * Exceptions
 */
static void test_exceptions(void)
{
	uint64_t cr2 = 0x5555;
	struct vm_exit e;

	baseline(g_ud2);
	set(VMCS_EXCEPTION_BITMAP, 1 << 6);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x306) && !(e.vectoring & VALID) &&
		    e.rip == (uint64_t)g_ud2, "#UD exits", &e);
	report(get(VMCS_GUEST_RFLAGS) & RF, "an exit by a fault saves RF 1");

	baseline(g_int3);
	set(VMCS_EXCEPTION_BITMAP, 1 << 3);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x603) && e.length == 1 &&
		    e.rip == (uint64_t)g_int3, "INT3 exits", &e);

	asm volatile("mov %0, %%cr2" : : "r"(cr2));
	baseline(g_store);
	regs.rdi = NOWHERE + 0x123;
	set(VMCS_EXCEPTION_BITMAP, 1 << 14);
	e = run();
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0xb0e) && e.info_error == 2 &&
		    e.qualification == NOWHERE + 0x123 && cr2 == 0x5555,
		    "#PF exits, CR2 stays", &e);
	/* error code 2 (write): mask and match */
	baseline(g_store);
	regs.rdi = NOWHERE;
	set(VMCS_EXCEPTION_BITMAP, 1 << 14);
	set(VMCS_PF_ERROR_MASK, 2);
	set(VMCS_PF_ERROR_MATCH, 0);
	e = run();
	report_exit(guest_fault(&e) == 14,
		    "#PF: bitmap 1, error code does not match", &e);
	baseline(g_store);
	regs.rdi = NOWHERE;
	set(VMCS_PF_ERROR_MASK, 2);
	set(VMCS_PF_ERROR_MATCH, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION),
		    "#PF: bitmap 0, error code does not match", &e);
	baseline(g_store);
	regs.rdi = NOWHERE;
	e = run();
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	report_exit(guest_fault(&e) == 14 && cr2 == NOWHERE &&
		    guest_frame()[0] == 2, "#PF goes to the guest", &e);

	/* #UD, whose handler's gate is missing: #DF, if #GP does not exit */
	baseline(g_divide);
	set(VMCS_GUEST_IDTR_LIMIT, 16 * 9 - 1);
	set(VMCS_GUEST_IDTR_BASE, NOWHERE);
	set(VMCS_EXCEPTION_BITMAP, 1 << 8);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    (e.info & ~0x1000u) == (VALID | 0xb08) && !e.info_error &&
		    !(e.vectoring & VALID), "#DF exits", &e);
}

static void test_debug(void)
{
	struct vm_exit e;
	uint64_t dr6 = 0xffff0ff0, seen;

	asm volatile("mov %0, %%dr6" : : "r"(dr6));
	baseline(g_step);
	set(VMCS_EXCEPTION_BITMAP, 1 << 1);
	e = run();
	asm volatile("mov %%dr6, %0" : "=r"(seen));
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x301) && e.qualification == 0x4000 &&
		    e.rip == (uint64_t)g_step_1 && seen == dr6,
		    "single step exits, DR6 stays", &e);
	baseline(g_step);
	e = run();
	asm volatile("mov %%dr6, %0" : "=r"(seen));
	report_exit(guest_fault(&e) == 1 && seen == (dr6 | 0x4000) &&
		    guest_frame()[0] == (uint64_t)g_step_1,
		    "single step goes to the guest", &e);
	asm volatile("mov %0, %%dr6" : : "r"(dr6));

	baseline(g_nops);
	set(VMCS_EXCEPTION_BITMAP, 1 << 1);
	set(VMCS_GUEST_PENDING_DBG_EXCEPTIONS, 0x4000);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x301) && e.qualification == 0x4000 &&
		    e.rip == (uint64_t)g_nops,
		    "a pending single step exits before an instruction", &e);
	baseline(g_nops);
	set(VMCS_GUEST_PENDING_DBG_EXCEPTIONS, 0x4000);
	e = run();
	report_exit(guest_fault(&e) == 1 &&
		    guest_frame()[0] == (uint64_t)g_nops,
		    "a pending single step goes to the guest", &e);
	asm volatile("mov %0, %%dr6" : : "r"(dr6));

	baseline(g_mov_ss);
	set(VMCS_GUEST_RFLAGS, 2 | TF);
	set(VMCS_GUEST_RIP, (uint64_t)g_mov_ss_1);
	set(VMCS_GUEST_INTERRUPTIBILITY, 2);
	set(VMCS_GUEST_PENDING_DBG_EXCEPTIONS, 0x4000);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_CPUID) &&
		    get(VMCS_GUEST_PENDING_DBG_EXCEPTIONS) == 0x4000 &&
		    get(VMCS_GUEST_INTERRUPTIBILITY) == 2,
		    "blocking by MOV SS and the pending step are saved", &e);
}

/* Breakpoints are in DR0, which guests share with the host */
static void test_breakpoints(void)
{
	uint64_t dr6 = 0xffff0ff0, seen, zero = 0;
	static uint64_t word;
	struct vm_exit e;

	asm volatile("mov %0, %%dr6" : : "r"(dr6));
	asm volatile("mov %0, %%dr0" : : "r"(g_nops_1));
	baseline(g_nops);
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) | ENTRY_LOAD_DEBUG);
	set(VMCS_GUEST_DR7, 0x402);
	set(VMCS_EXCEPTION_BITMAP, 1 << 1);
	e = run();
	asm volatile("mov %%dr6, %0" : "=r"(seen));
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x301) && e.qualification == 1 &&
		    e.rip == (uint64_t)g_nops_1 && seen == dr6,
		    "instruction breakpoint exits, DR6 stays", &e);
	baseline(g_nops);
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) | ENTRY_LOAD_DEBUG);
	set(VMCS_GUEST_DR7, 0x402);
	set(VMCS_GUEST_RIP, (uint64_t)g_nops_1);
	set(VMCS_GUEST_RFLAGS, 2 | RF);
	set(VMCS_EXCEPTION_BITMAP, 1 << 1);
	e = run();
	report_exit(guest_done(&e), "RF passes an instruction breakpoint", &e);

	asm volatile("mov %0, %%dr0" : : "r"(&word));
	baseline(g_store);
	regs.rdi = (uint64_t)&word;
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) | ENTRY_LOAD_DEBUG);
	set(VMCS_GUEST_DR7, 0xd0402);	/* 4 bytes, writes */
	set(VMCS_EXCEPTION_BITMAP, 1 << 1);
	e = run();
	asm volatile("mov %%dr6, %0" : "=r"(seen));
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x301) && e.qualification == 1 &&
		    e.rip == (uint64_t)g_store + 3 && seen == dr6,
		    "data breakpoint exits behind the instruction", &e);
	asm volatile("mov %0, %%dr0" : : "r"(zero));
}

/*
 * Interrupts
 */
static void test_external(void)
{
	struct vm_exit e;

	take_interrupts();
	interrupts = 0;
	send_interrupt();
	baseline(g_done);
	e = run();
	report_exit(guest_done(&e) && !interrupts,
		    "an interrupt waits for IF without exiting", &e);

	baseline(g_done);
	enable(PIN_EXT_INTR, 0, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXT_INTR) &&
		    !(e.info & VALID) && e.rip == (uint64_t)g_done,
		    "an interrupt exits with IF 0", &e);
	take_interrupts();
	report_values(interrupts == 1, "the host takes it then", 1, interrupts);

	if (control_allowed(MSR_VMX_EXIT, EXIT_ACK)) {
		send_interrupt();
		baseline(g_done);
		enable(PIN_EXT_INTR, 0, 0);
		set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_ACK);
		e = run();
		report_exit(exit_is(&e, EXIT_REASON_EXT_INTR) &&
			    e.info == (VALID | VECTOR),
			    "an interrupt exits, acknowledged", &e);
		*apic_register(0xb0) = 0;
		take_interrupts();
		report_values(interrupts == 1, "nothing is left for the host", 1,
			      interrupts);
	} else {
		skip("an interrupt exits, acknowledged", "control not there");
	}

	send_interrupt();
	baseline(g_done);
	set(VMCS_GUEST_RFLAGS, 2 | IF);
	e = run();
	report_exit(guest_fault(&e) == VECTOR &&
		    guest_frame()[0] == (uint64_t)g_done,
		    "an interrupt goes to the guest", &e);
	*apic_register(0xb0) = 0;

	send_interrupt();
	baseline(g_sti);
	e = run();
	report_exit(guest_fault(&e) == VECTOR &&
		    guest_frame()[0] == (uint64_t)g_sti_2,
		    "STI holds an interrupt back for one instruction", &e);
	*apic_register(0xb0) = 0;
	send_interrupt();
	baseline(g_nops);
	set(VMCS_GUEST_RFLAGS, 2 | IF);
	set(VMCS_GUEST_INTERRUPTIBILITY, 1);
	e = run();
	report_exit(guest_fault(&e) == VECTOR &&
		    guest_frame()[0] == (uint64_t)g_nops_1,
		    "blocking by STI holds an interrupt back", &e);
	*apic_register(0xb0) = 0;
	take_interrupts();
}

static void test_windows(void)
{
	struct vm_exit e;

	baseline(g_nops);
	enable(0, PROC_INTR_WINDOW, 0);
	set(VMCS_GUEST_RFLAGS, 2 | IF);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_INTR_WINDOW) &&
		    e.rip == (uint64_t)g_nops, "interrupt window, open", &e);
	baseline(g_sti);
	enable(0, PROC_INTR_WINDOW, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_INTR_WINDOW) &&
		    e.rip == (uint64_t)g_sti_2,
		    "interrupt window, after STI and an instruction", &e);
	baseline(g_nops);
	enable(0, PROC_INTR_WINDOW, 0);
	set(VMCS_GUEST_RFLAGS, 2 | IF);
	set(VMCS_GUEST_INTERRUPTIBILITY, 2);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_INTR_WINDOW) &&
		    e.rip == (uint64_t)g_nops_1,
		    "interrupt window, after blocking by MOV SS", &e);
	baseline(g_done);
	enable(0, PROC_INTR_WINDOW, 0);
	e = run();
	report_exit(guest_done(&e), "interrupt window, closed", &e);
	baseline(g_sti_hlt);
	enable(0, PROC_HLT, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_HLT) &&
		    e.rip == (uint64_t)g_sti_hlt + 1 &&
		    get(VMCS_GUEST_INTERRUPTIBILITY) == 1,
		    "HLT behind STI exits with blocking by STI", &e);

	if (!control_allowed(MSR_VMX_PIN, PIN_NMI | PIN_VIRTUAL_NMI)) {
		skip("NMI windows", "no virtual NMIs");
		return;
	}
	baseline(g_nops);
	enable(PIN_NMI | PIN_VIRTUAL_NMI, PROC_NMI_WINDOW, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_NMI_WINDOW) &&
		    e.rip == (uint64_t)g_nops, "NMI window, open", &e);
	baseline(g_iret);
	enable(PIN_NMI | PIN_VIRTUAL_NMI, PROC_NMI_WINDOW, 0);
	set(VMCS_GUEST_INTERRUPTIBILITY, 8);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_NMI_WINDOW) &&
		    e.rip + 1 == (uint64_t)g_iret_1 &&
		    !(get(VMCS_GUEST_INTERRUPTIBILITY) & 8),
		    "NMI window, after IRET", &e);
}

static void test_nmi(void)
{
	struct vm_exit e;

	if (!control_allowed(MSR_VMX_PIN, PIN_NMI | PIN_VIRTUAL_NMI)) {
		skip("NMIs", "no virtual NMIs");
		return;
	}
	baseline(g_icr);
	enable(PIN_NMI, 0, 0);
	regs.rdi = (uint64_t)apic(0x300);
	regs.rax = ICR_NMI;
	regs.rbx = *apic_register(0x20);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x202), "an NMI exits", &e);
	/* NMIs are blocked now: IRET ends that */
	asm volatile("mov %%rsp, %%rcx\n\tmov %%ss, %%eax\n\tpush %%rax\n\t"
		     "push %%rcx\n\tpushf\n\tmov %%cs, %%eax\n\tpush %%rax\n\t"
		     "lea 1f(%%rip), %%rax\n\tpush %%rax\n\tiretq\n1:"
		     : : : "rax", "rcx", "memory", "cc");
	baseline(g_icr);
	regs.rdi = (uint64_t)apic(0x300);
	regs.rax = ICR_NMI;
	regs.rbx = *apic_register(0x20);
	e = run();
	report_exit(guest_fault(&e) == 2 &&
		    (get(VMCS_GUEST_INTERRUPTIBILITY) & 8),
		    "an NMI goes to the guest, and blocks NMIs", &e);

	baseline(g_done);
	enable(PIN_NMI | PIN_VIRTUAL_NMI, 0, 0);
	set(INFO, VALID | 0x202);
	e = run();
	report_exit(guest_fault(&e) == 2 &&
		    get(VMCS_GUEST_INTERRUPTIBILITY) == 8,
		    "an injected NMI blocks virtual NMIs", &e);

	baseline(g_iret_fault);
	enable(PIN_NMI | PIN_VIRTUAL_NMI, 0, 0);
	set(VMCS_GUEST_INTERRUPTIBILITY, 8);
	set(VMCS_GUEST_RSP, NOWHERE);
	set(VMCS_EXCEPTION_BITMAP, 1 << 14);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXCEPTION) &&
		    e.info == (VALID | 0x1b0e) &&
		    !(get(VMCS_GUEST_INTERRUPTIBILITY) & 8),
		    "IRET that faults has unblocked NMIs, and the exit says so",
		    &e);
}

static void test_init(void)
{
	struct vm_exit e;

	if (in_bochs()) {
		skip("INIT exits", "in Bochs 2.7 it exits again and again");
		return;
	}
	baseline(g_icr);
	regs.rdi = (uint64_t)apic(0x300);
	regs.rax = ICR_INIT;
	regs.rbx = *apic_register(0x20);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_INIT) &&
		    e.rip > (uint64_t)g_icr && get(VMCS_GUEST_ACTIVITY) == 0,
		    "INIT exits", &e);
	baseline(g_done);
	e = run();
	report_exit(guest_done(&e), "INIT is gone with its exit", &e);
}

/* Firmware's handler runs outside VMX operation, and comes back */
static void test_smi(void)
{
	struct vm_exit e;
	uint64_t before;

	if (in_bochs()) {
		skip("SMI in a guest", "Bochs's firmware has no handler");
		return;
	}
	before = rdmsr(MSR_SMI_COUNT);
	baseline(g_smi);
	regs.rax = 0;
	regs.rbx = 0x1234;
	e = run();
	report_exit(guest_done(&e) && regs.rbx == 0x1234 &&
		    rdmsr(MSR_SMI_COUNT) == before + 1, "SMI in a guest", &e);
}

static void test_hlt(void)
{
	struct vm_exit e;

	if (!(rdmsr(MSR_VMX_MISC) >> 6 & 1)) {
		skip("activity state HLT", "not there");
		return;
	}
	if (in_bochs()) {
		skip("activity state HLT", "Bochs 2.7 wakes for no interrupt with IF 0");
		return;
	}
	take_interrupts();
	send_interrupt();
	baseline(g_done);
	enable(PIN_EXT_INTR, 0, 0);
	set(VMCS_GUEST_ACTIVITY, 1);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_EXT_INTR) &&
		    get(VMCS_GUEST_ACTIVITY) == 1,
		    "in HLT an interrupt exits, HLT is saved", &e);
	baseline(g_done);
	set(VMCS_GUEST_ACTIVITY, 1);
	set(VMCS_GUEST_RFLAGS, 2 | IF);
	e = run();
	report_exit(guest_fault(&e) == VECTOR && get(VMCS_GUEST_ACTIVITY) == 0,
		    "in HLT an interrupt wakes the guest", &e);
	*apic_register(0xb0) = 0;
	baseline(g_done);
	set(VMCS_GUEST_ACTIVITY, 1);
	set(VMCS_GUEST_RFLAGS, 2 | IF);
	set(INFO, VALID | 0x51);
	e = run();
	report_exit(guest_fault(&e) == 0x51 && get(VMCS_GUEST_ACTIVITY) == 0,
		    "in HLT an injected interrupt wakes the guest", &e);
	baseline(g_done);
	enable(0, PROC_INTR_WINDOW, 0);
	set(VMCS_GUEST_ACTIVITY, 1);
	set(VMCS_GUEST_RFLAGS, 2 | IF);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_INTR_WINDOW) &&
		    get(VMCS_GUEST_ACTIVITY) == 1,
		    "in HLT the interrupt window exits", &e);
	send_interrupt();
	baseline(g_sti_hlt);
	enable(PIN_EXT_INTR, 0, 0);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_ACK);
	run();
	*apic_register(0xb0) = 0;
	take_interrupts();
}

static void test_timer(void)
{
	struct vm_exit e;

	if (!control_allowed(MSR_VMX_PIN, PIN_TIMER)) {
		skip("preemption timer", "not there");
		return;
	}
	baseline(g_nops);
	enable(PIN_TIMER, 0, 0);
	set(VMCS_PREEMPTION_TIMER_VALUE, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_VMX_PREEMPT) &&
		    e.rip == (uint64_t)g_nops,
		    "preemption timer 0 exits before an instruction", &e);
	baseline(g_spin);
	enable(PIN_TIMER, 0, 0);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_SAVE_TIMER);
	set(VMCS_PREEMPTION_TIMER_VALUE, 20000);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_VMX_PREEMPT) &&
		    e.rip == (uint64_t)g_spin &&
		    get(VMCS_PREEMPTION_TIMER_VALUE) == 0,
		    "preemption timer ends a loop, and is saved as 0", &e);
	baseline(g_done);
	enable(PIN_TIMER, 0, 0);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_SAVE_TIMER);
	set(VMCS_PREEMPTION_TIMER_VALUE, 0xffffffff);
	e = run();
	report_exit(guest_done(&e) &&
		    get(VMCS_PREEMPTION_TIMER_VALUE) > 0x80000000 &&
		    get(VMCS_PREEMPTION_TIMER_VALUE) <= 0xffffffff,
		    "preemption timer is saved at another exit", &e);
	if (rdmsr(MSR_VMX_MISC) >> 6 & 1) {
		baseline(g_done);
		enable(PIN_TIMER, 0, 0);
		set(VMCS_GUEST_ACTIVITY, 1);
		set(VMCS_PREEMPTION_TIMER_VALUE, 1000);
		e = run();
		report_exit(exit_is(&e, EXIT_REASON_VMX_PREEMPT) &&
			    get(VMCS_GUEST_ACTIVITY) == 1,
			    "preemption timer ends HLT", &e);
	}
}

static void test_mtf(void)
{
	struct vm_exit e;

	if (!control_allowed(MSR_VMX_PROC, PROC_MTF)) {
		skip("monitor trap flag", "not there");
		return;
	}
	baseline(g_nops);
	enable(0, PROC_MTF, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_MTF) &&
		    e.rip == (uint64_t)g_nops_1,
		    "monitor trap flag: after one instruction", &e);
	e = resume();
	report_exit(exit_is(&e, EXIT_REASON_MTF) &&
		    e.rip == (uint64_t)g_nops_1 + 1,
		    "monitor trap flag: again", &e);
	baseline(g_cpuid);
	enable(0, PROC_MTF, 0);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_CPUID),
		    "monitor trap flag: an instruction's own exit comes first",
		    &e);
	baseline(g_done);
	enable(0, PROC_MTF, 0);
	set(INFO, VALID | 0x306);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_MTF) && e.rip ==
		    guest_idt_handler(6),
		    "monitor trap flag: after the delivery of an injected event",
		    &e);
	baseline(g_nops);
	set(INFO, VALID | 0x700);
	e = run();
	report_exit(exit_is(&e, EXIT_REASON_MTF) && e.rip == (uint64_t)g_nops,
		    "an injected monitor trap", &e);
}

void test_events(void)
{
	apic_enable();
	test_injection();
	test_vectoring();
	test_exceptions();
	test_debug();
	test_breakpoints();
	test_external();
	test_windows();
	test_nmi();
	test_init();
	test_smi();
	test_hlt();
	test_timer();
	test_mtf();
}
