// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions in VMX non-root operation (SDM volume 3, 26.1 and 26.3) and what
 * their exits report (28.2).
 */
#include "guest.h"
#include "vmx.h"

#define CR0_TS	0x8ull
#define CR0_MP	0x2ull
#define CR4_TSD	0x4ull
#define CR4_DE	0x8ull

#define CPUID_MONITOR	(1u << 3)
#define CPUID_XSAVE	(1u << 26)

/* Instead of an exit reason */
#define NO_EXIT		0x10000
#define FAULT(vector)	(0x20000 | (vector))

struct test {
	const char *name;
	void (*code)(void);
	uint32_t reason;
	int length;			/* 0: not looked at */
	uint64_t qualification;
	uint32_t pin, proc, proc2;
	uint32_t cpuid;			/* CPUID.1:ECX */
	uint64_t ept_vpid;		/* IA32_VMX_EPT_VPID_CAP */
	uint32_t clear;			/* controls that must not be fixed to 1 */
	struct field_value set[3];
	struct regs regs;
	uint32_t insn_info, insn_info_mask;
	uint64_t rax, rax_mask;		/* wanted after NO_EXIT */
};

static const struct test tests[] = {
	{ "CPUID exits", g_cpuid, EXIT_REASON_CPUID, 2 },
	{ "INVD exits", g_invd, EXIT_REASON_INVD, 2 },
	{ "VMXOFF exits", g_vmxoff, EXIT_REASON_VMXOFF, 3 },
	{ "VMLAUNCH exits", g_vmlaunch, EXIT_REASON_VMLAUNCH, 3 },
	{ "VMRESUME exits", g_vmresume, EXIT_REASON_VMRESUME, 3 },
	/* 16(%rax,%rcx,4): scale 2, 64-bit addresses, DS, index RCX, base RAX */
	{ "VMPTRLD exits, with its operand", g_vmptrld, EXIT_REASON_VMPTRLD, 5, 16,
	  .insn_info = 2 | 2 << 7 | 3 << 15 | 1 << 18 | 0 << 23,
	  .insn_info_mask = 0x0fff8783 },
	{ "VMCLEAR exits", g_vmclear, EXIT_REASON_VMCLEAR, 4, 0,
	  .insn_info = 2 << 7 | 3 << 15 | 1 << 22 | 3 << 23,
	  .insn_info_mask = 0x0fc38780 },
	{ "VMPTRST exits", g_vmptrst, EXIT_REASON_VMPTRST, 4, -8ull,
	  .insn_info = 2 << 7 | 3 << 15 | 1 << 22 | 7 << 23,
	  .insn_info_mask = 0x0fc38780 },
	{ "VMXON exits", g_vmxon, EXIT_REASON_VMXON, 4 },
	{ "VMREAD exits, with its registers", g_vmread, EXIT_REASON_VMREAD, 3, 0,
	  .insn_info = 1 << 3 | 1 << 10 | 3u << 28,
	  .insn_info_mask = 0xf0000478 },
	{ "VMWRITE exits, with its registers", g_vmwrite, EXIT_REASON_VMWRITE, 3,
	  0, .insn_info = 1 << 3 | 1 << 10 | 3u << 28,
	  .insn_info_mask = 0xf0000478 },
	{ "INVEPT exits", g_invept, EXIT_REASON_INVEPT, 5, 0,
	  .ept_vpid = 1ull << 20,
	  .insn_info = 2 << 7 | 3 << 15 | 1 << 22 | 0 << 23 | 3u << 28,
	  .insn_info_mask = 0xffc38780 },
	{ "INVVPID exits", g_invvpid, EXIT_REASON_INVVPID, 5,
	  .ept_vpid = 1ull << 32 },

	{ "HLT exiting", g_hlt, EXIT_REASON_HLT, 1, .proc = PROC_HLT },
	{ "WBINVD without its control", g_wbinvd, NO_EXIT },
	{ "WBINVD exiting", g_wbinvd, EXIT_REASON_WBINVD, 2,
	  .proc2 = PROC2_WBINVD },
	{ "INVLPG without its control", g_invlpg, NO_EXIT },
	{ "RDPMC exiting", g_rdpmc, EXIT_REASON_RDPMC, 2, .proc = PROC_RDPMC },
	{ "RDTSC without its control", g_rdtsc, NO_EXIT },
	{ "RDTSC exiting", g_rdtsc, EXIT_REASON_RDTSC, 2, .proc = PROC_RDTSC },
	{ "RDTSCP without its control is #UD", g_rdtscp, FAULT(6) },
	{ "RDTSCP enabled", g_rdtscp, NO_EXIT, .proc2 = PROC2_RDTSCP },
	{ "RDTSCP with RDTSC exiting", g_rdtscp, EXIT_REASON_RDTSCP, 3,
	  .proc = PROC_RDTSC, .proc2 = PROC2_RDTSCP },
	{ "PAUSE without its control", g_pause, NO_EXIT },
	{ "PAUSE exiting", g_pause, EXIT_REASON_PAUSE, 2, .proc = PROC_PAUSE },
	{ "PAUSE-loop exiting: the first PAUSE", g_pause, NO_EXIT,
	  .proc2 = PROC2_PAUSE_LOOP, .set = { { VMCS_PLE_GAP, ~0u } } },
	{ "PAUSE-loop exiting: the window is over", g_pause_loop,
	  EXIT_REASON_PAUSE, 2, .proc2 = PROC2_PAUSE_LOOP,
	  .set = { { VMCS_PLE_GAP, ~0u } }, .regs = { .rcx = 1000 } },
	{ "PAUSE-loop exiting: within the window", g_pause_loop, NO_EXIT,
	  .proc2 = PROC2_PAUSE_LOOP,
	  .set = { { VMCS_PLE_GAP, ~0u }, { VMCS_PLE_WINDOW, ~0u } },
	  .regs = { .rcx = 2 } },
	{ "PAUSE-loop exiting: further apart than the gap", g_pause_loop, NO_EXIT,
	  .proc2 = PROC2_PAUSE_LOOP, .regs = { .rcx = 1000 } },
	{ "PAUSE exiting wins over PAUSE-loop exiting", g_pause, EXIT_REASON_PAUSE,
	  2, .proc = PROC_PAUSE, .proc2 = PROC2_PAUSE_LOOP,
	  .set = { { VMCS_PLE_GAP, ~0u }, { VMCS_PLE_WINDOW, ~0u } } },
	{ "MONITOR exiting", g_monitor, EXIT_REASON_MONITOR, 3,
	  .proc = PROC_MONITOR, .cpuid = CPUID_MONITOR },
	{ "MWAIT exiting", g_mwait, EXIT_REASON_MWAIT, 3, .proc = PROC_MWAIT,
	  .cpuid = CPUID_MONITOR },

	{ "IN without controls", g_in8, NO_EXIT },
	{ "IN: unconditional I/O exiting", g_in8, EXIT_REASON_INOUT, 2,
	  0x00700048, .proc = PROC_UNCOND_IO },
	{ "OUT: unconditional I/O exiting", g_out8, EXIT_REASON_INOUT, 2,
	  0x00700040, .proc = PROC_UNCOND_IO },
	{ "IN of 16 bits from DX", g_in16, EXIT_REASON_INOUT, 2, 0x12340009,
	  .proc = PROC_UNCOND_IO, .regs = { .rdx = 0x1234 } },
	{ "OUT of 32 bits to DX", g_out32, EXIT_REASON_INOUT, 1, 0xfedc0003,
	  .proc = PROC_UNCOND_IO, .regs = { .rdx = 0xfedc } },
	{ "I/O bitmaps: port that is clear", g_in8, NO_EXIT,
	  .proc = PROC_IO_BITMAPS },
	{ "I/O bitmaps win over unconditional exiting", g_in8, NO_EXIT,
	  .proc = PROC_IO_BITMAPS | PROC_UNCOND_IO },
	{ "I/O bitmap A", g_in16, EXIT_REASON_INOUT, 2, 0x00800009,
	  .proc = PROC_IO_BITMAPS, .regs = { .rdx = 0x80 } },
	{ "I/O bitmap A: second byte of the access", g_in16, EXIT_REASON_INOUT,
	  2, 0x007f0009, .proc = PROC_IO_BITMAPS, .regs = { .rdx = 0x7f } },
	{ "I/O bitmap B", g_in16, EXIT_REASON_INOUT, 2, 0x90000009,
	  .proc = PROC_IO_BITMAPS, .regs = { .rdx = 0x9000 } },
	{ "I/O that wraps exits", g_in16, EXIT_REASON_INOUT, 2, 0xffff0009,
	  .proc = PROC_IO_BITMAPS, .regs = { .rdx = 0xffff } },
	{ "INSB", g_insb, EXIT_REASON_INOUT, 1, 0x00700018,
	  .proc = PROC_UNCOND_IO, .regs = { .rdx = 0x70 },
	  .insn_info = 2 << 7, .insn_info_mask = 7 << 7 },
	{ "REP INSW", g_rep_insw, EXIT_REASON_INOUT, 3, 0x00700039,
	  .proc = PROC_UNCOND_IO, .regs = { .rdx = 0x70, .rcx = 2 } },
	{ "OUTSL", g_outsl, EXIT_REASON_INOUT, 1, 0x00700013,
	  .proc = PROC_UNCOND_IO, .regs = { .rdx = 0x70 },
	  .insn_info = 2 << 7 | 3 << 15, .insn_info_mask = 7 << 7 | 7 << 15 },
	{ "REP OUTSB with FS and 32-bit addresses", g_rep_outsb,
	  EXIT_REASON_INOUT, 4, 0x00700030, .proc = PROC_UNCOND_IO,
	  .regs = { .rdx = 0x70, .rcx = 1 },
	  .insn_info = 1 << 7 | 4 << 15, .insn_info_mask = 7 << 7 | 7 << 15 },

	{ "RDMSR without bitmaps", g_rdmsr, EXIT_REASON_RDMSR, 2,
	  .regs = { .rcx = MSR_EFER } },
	{ "WRMSR without bitmaps", g_wrmsr, EXIT_REASON_WRMSR, 2,
	  .regs = { .rcx = MSR_EFER } },
	{ "MSR bitmap: RDMSR that is clear", g_rdmsr, NO_EXIT,
	  .proc = PROC_MSR_BITMAPS, .regs = { .rcx = 0x174 } },
	{ "MSR bitmap: RDMSR, low", g_rdmsr, EXIT_REASON_RDMSR, 2,
	  .proc = PROC_MSR_BITMAPS, .regs = { .rcx = 0x1b } },
	{ "MSR bitmap: WRMSR, low, only reads are set", g_wrmsr, NO_EXIT,
	  .proc = PROC_MSR_BITMAPS, .regs = { .rcx = 0x176 } },
	{ "MSR bitmap: WRMSR, high", g_wrmsr, EXIT_REASON_WRMSR, 2,
	  .proc = PROC_MSR_BITMAPS, .regs = { .rcx = MSR_STAR } },
	{ "MSR bitmap: RDMSR, high, only writes are set", g_rdmsr, NO_EXIT,
	  .proc = PROC_MSR_BITMAPS, .regs = { .rcx = MSR_STAR } },
	{ "MSR outside the bitmap", g_rdmsr, EXIT_REASON_RDMSR, 2,
	  .proc = PROC_MSR_BITMAPS, .regs = { .rcx = 0x40000000 } },

	{ "MOV from CR0 gives the shadow of owned bits", g_get_cr0, NO_EXIT,
	  .set = { { VMCS_CR0_MASK, CR0_TS | CR0_MP },
		   { VMCS_CR0_SHADOW, CR0_TS } },
	  .rax = CR0_TS | 1, .rax_mask = CR0_TS | CR0_MP | 1 },
	{ "MOV from CR4 gives the shadow of owned bits", g_get_cr4, NO_EXIT,
	  .set = { { VMCS_CR4_MASK, 0x2000 | CR4_DE },
		   { VMCS_CR4_SHADOW, CR4_DE } },
	  .rax = CR4_DE | 0x20, .rax_mask = 0x2000 | CR4_DE | 0x20 },
	{ "SMSW gives the shadow of owned bits", g_smsw, NO_EXIT,
	  .set = { { VMCS_CR0_MASK, CR0_TS }, { VMCS_CR0_SHADOW, CR0_TS } },
	  .rax = CR0_TS | 1, .rax_mask = 0xf },
	{ "MOV to CR0: owned bit differs from the shadow", g_set_cr0,
	  EXIT_REASON_CR_ACCESS, 3, 0x000,
	  .set = { { VMCS_CR0_MASK, CR0_TS } },
	  .regs = { .rax = 0x80000031 | CR0_TS } },
	{ "MOV to CR0: owned bit equals the shadow", g_set_cr0, NO_EXIT,
	  .set = { { VMCS_CR0_MASK, CR0_TS }, { VMCS_CR0_SHADOW, CR0_TS } },
	  .regs = { .rax = 0x80000031 | CR0_TS } },
	{ "MOV to CR0: NE, not owned, is fixed", g_set_cr0, FAULT(13),
	  .regs = { .rax = 0x80000011 } },
	{ "MOV to CR0: PG in 64-bit mode", g_set_cr0, FAULT(13),
	  .regs = { .rax = 0x31 } },
	{ "MOV to CR4: owned bit differs from the shadow", g_set_cr4,
	  EXIT_REASON_CR_ACCESS, 3, 0x004,
	  .set = { { VMCS_CR4_MASK, 0x2000 } }, .regs = { .rax = 0x2030 } },
	{ "MOV to CR4: VMXE, not owned, is fixed", g_set_cr4, FAULT(13),
	  .regs = { .rax = 0x30 } },
	{ "MOV to CR4: VMXE owned, shadow 0", g_set_cr4, NO_EXIT,
	  .set = { { VMCS_CR4_MASK, 0x2000 } }, .regs = { .rax = 0x30 } },
	{ "MOV to CR4: reserved bit", g_set_cr4, FAULT(13),
	  .regs = { .rax = 0x80002030 } },
	{ "MOV from CR3 without its control", g_get_cr3, NO_EXIT,
	  .clear = PROC_CR3_STORE },
	{ "CR3-store exiting", g_get_cr3, EXIT_REASON_CR_ACCESS, 3, 0x313,
	  .proc = PROC_CR3_STORE },
	{ "CR3-load exiting", g_set_cr3, EXIT_REASON_CR_ACCESS, 3, 0x303,
	  .proc = PROC_CR3_LOAD, .regs = { .rbx = 0x7000 } },
	{ "CR3-load exiting: not among the counted targets", g_set_cr3,
	  EXIT_REASON_CR_ACCESS, 3, 0x303, .proc = PROC_CR3_LOAD,
	  .set = { { VMCS_CR3_TARGET_COUNT, 1 },
		   { VMCS_CR3_TARGET1, (uint64_t)0x7000 } },
	  .regs = { .rbx = 0x7000 } },
	{ "CR8-store exiting", g_get_cr8, EXIT_REASON_CR_ACCESS, 4, 0x118,
	  .proc = PROC_CR8_STORE },
	{ "CR8-load exiting", g_set_cr8, EXIT_REASON_CR_ACCESS, 4, 0x108,
	  .proc = PROC_CR8_LOAD },
	{ "CLTS, TS not owned", g_clts, NO_EXIT,
	  .set = { { VMCS_GUEST_CR0, 0x80000031 | CR0_TS } } },
	{ "CLTS, TS owned, shadow 1", g_clts, EXIT_REASON_CR_ACCESS, 2, 0x20,
	  .set = { { VMCS_CR0_MASK, CR0_TS }, { VMCS_CR0_SHADOW, CR0_TS } } },
	{ "CLTS, TS owned, shadow 0", g_clts, NO_EXIT,
	  .set = { { VMCS_CR0_MASK, CR0_TS } } },
	{ "LMSW, no bit owned", g_lmsw, NO_EXIT, .regs = { .rax = 0x1 } },
	{ "LMSW sets an owned bit", g_lmsw, EXIT_REASON_CR_ACCESS, 3,
	  0x00090030, .set = { { VMCS_CR0_MASK, CR0_TS } },
	  .regs = { .rax = 0x9 } },
	{ "LMSW does not clear PE", g_lmsw, NO_EXIT,
	  .set = { { VMCS_CR0_MASK, 1 }, { VMCS_CR0_SHADOW, 1 } },
	  .regs = { .rax = 0 } },
	{ "LMSW sets PE", g_lmsw, EXIT_REASON_CR_ACCESS, 3, 0x00010030,
	  .set = { { VMCS_CR0_MASK, 1 } }, .regs = { .rax = 1 } },
	{ "MOV from DR7 exits", g_get_dr7, EXIT_REASON_DR_ACCESS, 3, 0x217,
	  .proc = PROC_MOV_DR },
	{ "MOV to DR3 exits", g_set_dr3, EXIT_REASON_DR_ACCESS, 3, 0x203,
	  .proc = PROC_MOV_DR },
	{ "MOV to DR3 without its control", g_set_dr3, NO_EXIT },

	{ "#UD goes to the guest", g_ud2, FAULT(6) },
	{ "INT 80 goes to the guest", g_int_80, FAULT(0x80) },
	{ "INT3 goes to the guest", g_int3, FAULT(3) },
	{ "INT 3 of two bytes does not exit", g_int_3, FAULT(3),
	  .set = { { VMCS_EXCEPTION_BITMAP, 1 << 3 } } },
	{ "divide error goes to the guest", g_divide, FAULT(0),
	  .set = { { VMCS_EXCEPTION_BITMAP, ~1u } } },
	{ "guest RIP not canonical: #GP", (void (*)(void))0x800000000000,
	  FAULT(13) },
	{ "triple fault", g_ud2, EXIT_REASON_TRIPLE_FAULT,
	  .set = { { VMCS_GUEST_IDTR_LIMIT, 0 } } },
};

static uint32_t cpuid_1_ecx(void)
{
	uint32_t a = 1, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c;
}

static bool supported(const struct test *t)
{
	return !(t->cpuid & ~cpuid_1_ecx()) &&
	       !(t->ept_vpid & ~ept_vpid_capability()) &&
	       !(t->clear & control_default(MSR_VMX_PROC)) &&
	       control_allowed(MSR_VMX_PIN, t->pin) &&
	       control_allowed(MSR_VMX_PROC, t->proc) &&
	       control_allowed(MSR_VMX_PROC2, t->proc2);
}

/* Bits set: ports 80 and 9000, reads of MSR 1b and 176, writes of STAR */
static void build_bitmaps(void)
{
	io_bitmap_a[0x80 / 8] = 1;
	io_bitmap_b[0x1000 / 8] = 1;
	msr_bitmap[0x1b / 8] = 1 << (0x1b & 7);
	msr_bitmap[0x176 / 8] = 1 << (0x176 & 7);
	msr_bitmap[3072 + 0x81 / 8] = 1 << 1;
	set(VMCS_IO_BITMAP_A, (uint64_t)io_bitmap_a);
	set(VMCS_IO_BITMAP_B, (uint64_t)io_bitmap_b);
	if (control_allowed(MSR_VMX_PROC, PROC_MSR_BITMAPS))
		set(VMCS_MSR_BITMAP, (uint64_t)msr_bitmap);
}

static bool as_wanted(const struct test *t, const struct vm_exit *e)
{
	if (t->reason == NO_EXIT)
		return guest_done(e) && (regs.rax & t->rax_mask) == t->rax;
	if (t->reason >= FAULT(0))
		return guest_fault(e) == (int)(t->reason & 0xff);
	return !e->entered && e->reason == t->reason &&
	       e->qualification == t->qualification &&
	       (!t->length || (e->length == (uint32_t)t->length &&
			       e->rip == (uint64_t)t->code)) &&
	       (e->insn_info & t->insn_info_mask) == t->insn_info &&
	       !(e->vectoring >> 31) && !(e->info >> 31);
}

static void run_table(void)
{
	const struct test *t;

	for (t = tests; t < tests + ARRAY_SIZE(tests); t++) {
		struct vm_exit e;

		if (!supported(t)) {
			skip(t->name, "control or instruction not there");
			continue;
		}
		baseline(t->code);
		build_bitmaps();
		enable(t->pin, t->proc, t->proc2);
		set_all(t->set, ARRAY_SIZE(t->set));
		regs = t->regs;
		e = run();
		report_exit(as_wanted(t, &e), t->name, &e);
	}
}

/* What does not fit in a row */

static void test_invlpg(void)
{
	struct vm_exit e;

	baseline(g_invlpg);
	enable(0, PROC_INVLPG, 0);
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_INVLPG &&
		    e.qualification == (uint64_t)g_invlpg + 7 + 0x1234,
		    "INVLPG exiting, with its address", &e);
}

static void test_xsetbv(void)
{
	struct vm_exit e;

	if (!(cpuid_1_ecx() & CPUID_XSAVE)) {
		skip("XSETBV exits", "no XSAVE");
		return;
	}
	baseline(g_xsetbv);
	set(VMCS_GUEST_CR4, read_cr(4) | 1 << 18);
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_XSETBV &&
		    e.length == 3, "XSETBV exits", &e);
}

static void test_cr3_target(void)
{
	struct vm_exit e;

	baseline(g_set_cr3);
	enable(0, PROC_CR3_LOAD, 0);
	set(VMCS_CR3_TARGET_COUNT, 3);
	set(VMCS_CR3_TARGET2, read_cr(3));
	regs.rbx = read_cr(3);
	e = run();
	report_exit(guest_done(&e), "CR3-load exiting: a CR3 target", &e);
}

static void test_strings(void)
{
	struct vm_exit e;

	baseline(g_rep_insw);
	enable(0, PROC_UNCOND_IO, 0);
	regs.rdi = 0x123456;
	regs.rcx = 5;
	e = run();
	report_exit(e.reason == EXIT_REASON_INOUT && e.linear == 0x123456 &&
		    regs.rcx == 5, "REP INSW: linear address", &e);
	baseline(g_rep_outsb);
	enable(0, PROC_UNCOND_IO, 0);
	set(VMCS_GUEST_FS_BASE, 0x10000000);
	regs.rsi = 0x700000345;
	regs.rcx = 5;
	e = run();
	report_exit(e.reason == EXIT_REASON_INOUT && e.linear == 0x10000345,
		    "REP OUTSB with FS and 32-bit addresses: linear address", &e);
}

static void test_lmsw_memory(void)
{
	static uint16_t source = CR0_TS | 1;
	struct vm_exit e;

	baseline(g_lmsw_memory);
	set(VMCS_CR0_MASK, CR0_TS);
	regs.rsi = (uint64_t)&source;
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_CR_ACCESS &&
		    e.qualification == 0x00090070 &&
		    e.linear == (uint64_t)&source, "LMSW from memory", &e);
}

static void test_clts_effect(void)
{
	struct vm_exit e;

	baseline(g_clts);
	set(VMCS_GUEST_CR0, read_cr(0) | CR0_TS);
	e = run();
	report_exit(guest_done(&e) && !(get(VMCS_GUEST_CR0) & CR0_TS),
		    "CLTS clears TS that is not owned", &e);
	baseline(g_clts);
	set(VMCS_GUEST_CR0, read_cr(0) | CR0_TS);
	set(VMCS_CR0_MASK, CR0_TS);
	e = run();
	report_exit(guest_done(&e) && (get(VMCS_GUEST_CR0) & CR0_TS),
		    "CLTS leaves TS that is owned, with shadow 0", &e);
	baseline(g_set_cr0);
	set(VMCS_CR0_MASK, CR0_TS);
	regs.rax = read_cr(0) | CR0_MP;
	e = run();
	report_exit(guest_done(&e) && (get(VMCS_GUEST_CR0) & CR0_MP),
		    "MOV to CR0 changes bits that are not owned", &e);
	try_write_cr(0, read_cr(0) & ~(CR0_TS | CR0_MP));
}

static void setup_tpr(void (*start)(void), int threshold, uint8_t tpr)
{
	baseline(start);
	enable(0, PROC_TPR_SHADOW, 0);
	set(VMCS_VIRTUAL_APIC_ADDR, (uint64_t)virtual_apic);
	set(VMCS_TPR_THRESHOLD, threshold);
	virtual_apic[0x80] = tpr;
}

static void test_tpr_shadow(void)
{
	struct vm_exit e;

	if (!control_allowed(MSR_VMX_PROC, PROC_TPR_SHADOW)) {
		skip("TPR shadow", "not there");
		return;
	}
	setup_tpr(g_set_cr8, 5, 0x70);
	regs.rcx = 6;
	e = run();
	report_exit(guest_done(&e) && virtual_apic[0x80] == 0x60,
		    "TPR shadow: MOV to CR8", &e);
	setup_tpr(g_set_cr8, 5, 0x70);
	regs.rcx = 4;
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_TPR_BELOW_THRESHOLD &&
		    e.rip == (uint64_t)g_set_cr8 + 4 &&
		    virtual_apic[0x80] == 0x40,
		    "TPR shadow: below the threshold, after the instruction", &e);
	setup_tpr(g_get_cr8, 0, 0xa5);
	e = run();
	report_exit(guest_done(&e) && regs.rcx == 0xa,
		    "TPR shadow: MOV from CR8", &e);
}

static void test_tsc_offset(void)
{
	uint64_t before, seen;
	struct vm_exit e;

	baseline(g_rdtsc);
	enable(0, PROC_TSC_OFFSET, 0);
	set(VMCS_TSC_OFFSET, 1ull << 60);
	asm volatile("rdtsc\n\tshl $32, %%rdx\n\tor %%rdx, %%rax"
		     : "=a"(before) : : "rdx");
	e = run();
	seen = (regs.rdx << 32 | (uint32_t)regs.rax) - (1ull << 60);
	report_exit(guest_done(&e) && seen >= before &&
		    seen - before < 1ull << 40, "TSC offset", &e);
}

/* What a guest leaves must be what the VMCS says, and the host's come back */
static void test_state(void)
{
	uint64_t val = 0x8000000000400000;
	struct vm_exit e;
	bool kept;

	wrmsr(MSR_FS_BASE, 0x1111000);
	baseline(g_done);
	set(VMCS_HOST_FS_BASE, 0x2222000);
	set(VMCS_GUEST_FS_BASE, 0x3333000);
	regs.rbx = val;
	e = run();
	kept = regs.rbx == val && rdmsr(MSR_FS_BASE) == 0x2222000 &&
	       get(VMCS_GUEST_FS_BASE) == 0x3333000;
	report_exit(guest_done(&e) && kept, "host and guest FS base", &e);
	report(get(VMCS_GUEST_ES_ACCESS_RIGHTS) == 0xc093 &&
	       get(VMCS_GUEST_CS_ACCESS_RIGHTS) == 0xa09b &&
	       get(VMCS_GUEST_TR_ACCESS_RIGHTS) == 0x8b &&
	       get(VMCS_GUEST_LDTR_ACCESS_RIGHTS) & 0x10000,
	       "segments are saved as they were loaded");
	baseline(g_done);
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) | ENTRY_LOAD_DEBUG);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_SAVE_DEBUG);
	set(VMCS_GUEST_DR7, 0x455);
	e = run();
	asm volatile("mov %%dr7, %0" : "=r"(val));
	report_values(guest_done(&e) && val == 0x400, "host DR7", 0x400, val);
	val = get(VMCS_GUEST_DR7);
	report_values(val == 0x455, "guest DR7 is saved", 0x455, val);
}

static void test_efer(void)
{
	uint64_t efer = rdmsr(MSR_EFER), guest = efer ^ 1;	/* SCE */
	struct vm_exit e;

	if (!control_allowed(MSR_VMX_EXIT, EXIT_SAVE_EFER | EXIT_LOAD_EFER) ||
	    !control_allowed(MSR_VMX_ENTRY, ENTRY_LOAD_EFER)) {
		skip("IA32_EFER", "controls not there");
		return;
	}
	baseline(g_done);
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) | ENTRY_LOAD_EFER);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_LOAD_EFER);
	set(VMCS_GUEST_IA32_EFER, guest);
	set(VMCS_HOST_IA32_EFER, efer);
	e = run();
	report_exit(guest_done(&e) && rdmsr(MSR_EFER) == efer &&
		    get(VMCS_GUEST_IA32_EFER) == guest,
		    "IA32_EFER is loaded at exit", &e);
	baseline(g_done);
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) | ENTRY_LOAD_EFER);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_SAVE_EFER);
	set(VMCS_GUEST_IA32_EFER, guest);
	e = run();
	report_exit(guest_done(&e) && rdmsr(MSR_EFER) == guest,
		    "IA32_EFER stays the guest's but for LMA and LME", &e);
	wrmsr(MSR_EFER, efer);
	baseline(g_done);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | EXIT_SAVE_EFER);
	e = run();
	report_exit(guest_done(&e) && get(VMCS_GUEST_IA32_EFER) == efer,
		    "IA32_EFER is saved at exit", &e);
}

struct msr_entry {
	uint32_t msr, reserved;
	uint64_t value;
};

static void test_msr_areas(void)
{
	struct msr_entry *area = (struct msr_entry *)msr_area;
	uint64_t val;
	struct vm_exit e;

	area[0] = (struct msr_entry){ MSR_KERNEL_GS_BASE, 0, 0x1000 };
	area[8] = (struct msr_entry){ MSR_KERNEL_GS_BASE, 0, 0x2000 };
	area[16] = (struct msr_entry){ MSR_KERNEL_GS_BASE, 0, 0 };
	baseline(g_done);
	set(VMCS_ENTRY_MSR_LOAD_ADDR, (uint64_t)&area[0]);
	set(VMCS_ENTRY_MSR_LOAD_COUNT, 1);
	set(VMCS_EXIT_MSR_STORE_ADDR, (uint64_t)&area[16]);
	set(VMCS_EXIT_MSR_STORE_COUNT, 1);
	set(VMCS_EXIT_MSR_LOAD_ADDR, (uint64_t)&area[8]);
	set(VMCS_EXIT_MSR_LOAD_COUNT, 1);
	e = run();
	report_exit(guest_done(&e) && area[16].value == 0x1000,
		    "MSR areas: loaded at entry, stored at exit", &e);
	val = rdmsr(MSR_KERNEL_GS_BASE);
	report_values(val == 0x2000, "MSR areas: loaded at exit", 0x2000, val);

	area[1] = (struct msr_entry){ MSR_FS_BASE, 0, 0 };
	baseline(g_done);
	set(VMCS_ENTRY_MSR_LOAD_ADDR, (uint64_t)&area[0]);
	set(VMCS_ENTRY_MSR_LOAD_COUNT, 2);
	set(VMCS_EXIT_MSR_LOAD_ADDR, (uint64_t)&area[8]);
	set(VMCS_EXIT_MSR_LOAD_COUNT, 1);
	e = run();
	report_exit(!e.entered && e.qualification == 2 && e.reason ==
		    (EXIT_REASON_ENTRY_FAILURE | EXIT_REASON_ENTRY_MSR_LOAD),
		    "MSR areas: FS base may not be loaded at entry", &e);
	val = rdmsr(MSR_KERNEL_GS_BASE);
	report_values(val == 0x2000, "MSR areas: loaded at exit from a failed entry",
		      0x2000, val);
	area[0].reserved = 1;
	baseline(g_done);
	set(VMCS_ENTRY_MSR_LOAD_ADDR, (uint64_t)&area[0]);
	set(VMCS_ENTRY_MSR_LOAD_COUNT, 1);
	e = run();
	report_exit(!e.entered && e.qualification == 1 && e.reason ==
		    (EXIT_REASON_ENTRY_FAILURE | EXIT_REASON_ENTRY_MSR_LOAD),
		    "MSR areas: reserved bits of an entry", &e);
}

/* Protected mode without paging, at 32 bits */
static void setup_32(void (*start)(void))
{
	baseline(start);
	enable(0, 0, PROC2_EPT | PROC2_UNRESTRICTED);
	set(VMCS_EPTP, ept_build(false));
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) & ~ENTRY_IA32E);
	set(VMCS_GUEST_CR0, 0x31);
	set(VMCS_GUEST_CR4, 0x2000);
	set(VMCS_GUEST_CS_SELECTOR, 0x18);
	set(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
}

static void test_task_gate(void)
{
	static uint64_t idt32[0x21];
	struct vm_exit e;

	idt32[0x20] = 0x0000850000380000;	/* to selector 38h */
	setup_32(g_int_20);
	set(VMCS_GUEST_IDTR_BASE, (uint64_t)idt32);
	set(VMCS_GUEST_IDTR_LIMIT, sizeof(idt32) - 1);
	e = run();
	report_exit(!e.entered && e.reason == EXIT_REASON_TASK_SWITCH &&
		    e.qualification == 0xc0000038 && e.length == 2 &&
		    e.vectoring == (0x80000400 | 0x20) &&
		    e.rip == (uint64_t)g_int_20, "task switch by a gate in the IDT",
		    &e);
}

static void test_task_switches(void)
{
	static const struct {
		const char *name;
		void (*code)(void);
		uint64_t qualification;
	} cases[] = {
		{ "task switch by JMP", g_task_jump, 0x80000038 },
		{ "task switch by CALL", g_task_call, 0x00000038 },
	};
	size_t i;

	if (!control_allowed(MSR_VMX_PROC2, PROC2_EPT | PROC2_UNRESTRICTED)) {
		skip("task switches", "no unrestricted guest");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vm_exit e;

		setup_32(cases[i].code);
		e = run();
		report_exit(!e.entered && e.reason == EXIT_REASON_TASK_SWITCH &&
			    e.qualification == cases[i].qualification &&
			    e.length == 7 && e.rip == (uint64_t)cases[i].code,
			    cases[i].name, &e);
	}
	test_task_gate();
}

void test_exits(void)
{
	run_table();
	test_invlpg();
	test_xsetbv();
	test_cr3_target();
	test_strings();
	test_lmsw_memory();
	test_clts_effect();
	test_tpr_shadow();
	test_tsc_offset();
	test_state();
	test_efer();
	test_msr_areas();
	test_task_switches();
}
