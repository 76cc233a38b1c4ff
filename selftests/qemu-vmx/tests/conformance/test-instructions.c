// SPDX-License-Identifier: GPL-2.0-only
/* VMX instructions in VMX root operation, and outside it (SDM volume 3, 31.3). */
#include "vmx.h"

#define CR0_PE	(1ul << 0)
#define CR0_NE	(1ul << 5)
#define CR0_PG	(1ul << 31)
#define CR4_PAE	(1ul << 5)
#define CR4_VMXE	(1ul << 13)

static uint64_t addr(const void *p)
{
	return (uint64_t)p;
}

static void expect(const char *name, uint32_t want, uint32_t got)
{
	report_values(want == got, name, want, got);
}

static uint64_t beyond_physical(void)
{
	uint32_t a = 0x80000008, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return 1ull << (a & 0xff);
}

static void write_revision(void *region, uint32_t revision)
{
	*(uint32_t *)region = revision;
}

void test_before_vmxon(void)
{
	uint32_t revision = rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	uint64_t val;

	expect("VMXON without CR4.VMXE", UD, try_vmxon(addr(vmxon_region)));
	expect("MOV to CR4 sets VMXE", OK,
	       try_write_cr(4, read_cr(4) | CR4_VMXE));
	expect("VMXOFF outside VMX operation", UD, try_vmxoff());
	expect("VMREAD outside VMX operation", UD, try_vmread(VMCS_GUEST_RIP, &val));
	expect("VMWRITE outside VMX operation", UD, try_vmwrite(VMCS_GUEST_RIP, 0));
	expect("VMPTRLD outside VMX operation", UD,
	       try_vmptrld(addr(vmcs_region)));
	expect("VMPTRST outside VMX operation", UD, try_vmptrst(&val));
	expect("VMCLEAR outside VMX operation", UD, try_vmclear(addr(vmcs_region)));
	expect("VMCALL outside VMX operation", UD, try_vmcall());
	expect("VMLAUNCH outside VMX operation", UD, try_vmlaunch());
	expect("INVEPT outside VMX operation", UD, try_invept(2, 0, 0));
	expect("INVVPID outside VMX operation", UD, try_invvpid(2, 0, 0));

	expect("IA32_FEATURE_CONTROL is locked", GP,
	       try_wrmsr(MSR_FEATURE_CONTROL, 5));
	expect("IA32_VMX_BASIC is read-only", GP, try_wrmsr(MSR_VMX_BASIC, 0));
	expect("IA32_VMX_EPT_VPID_CAP is read-only", GP,
	       try_wrmsr(MSR_VMX_EPT_VPID, 0));
	report((rdmsr(MSR_VMX_BASIC) >> 32 & 0x1fff) <= PAGE_SIZE,
	       "a VMCS region is at most 4 KiB");
	report((rdmsr(MSR_VMX_BASIC) >> 50 & 0xf) == 6,
	       "VMCS regions are write-back");

	write_revision(vmxon_region, revision);
	expect("MOV to CR0 clears NE outside VMX operation", OK,
	       try_write_cr(0, read_cr(0) & ~CR0_NE));
	expect("VMXON with CR0.NE 0", GP, try_vmxon(addr(vmxon_region)));
	try_write_cr(0, read_cr(0) | CR0_NE);
	expect("VMXON: unaligned pointer", FAIL_INVALID,
	       try_vmxon(addr(vmxon_region) + 8));
	expect("VMXON: pointer beyond physical addresses", FAIL_INVALID,
	       try_vmxon(beyond_physical()));
	write_revision(vmxon_region, revision + 1);
	expect("VMXON: wrong revision", FAIL_INVALID, try_vmxon(addr(vmxon_region)));
	write_revision(vmxon_region, revision | 0x80000000);
	expect("VMXON: shadow-VMCS indicator", FAIL_INVALID,
	       try_vmxon(addr(vmxon_region)));
	write_revision(vmxon_region, revision);
	expect("VMXON", OK, try_vmxon(addr(vmxon_region)));
}

static void test_pointers(uint32_t revision)
{
	uint64_t ptr = 0;

	expect("VMXON in root, no current VMCS", FAIL_INVALID,
	       try_vmxon(addr(vmxon_region)));
	expect("VMREAD, no current VMCS", FAIL_INVALID,
	       try_vmread(VMCS_GUEST_RIP, &ptr));
	expect("VMWRITE, no current VMCS", FAIL_INVALID,
	       try_vmwrite(VMCS_GUEST_RIP, 0));
	expect("VMLAUNCH, no current VMCS", FAIL_INVALID, try_vmlaunch());
	expect("VMCALL in root, no current VMCS", FAIL_INVALID, try_vmcall());
	try_vmptrst(&ptr);
	report_values(ptr == ~0ull, "VMPTRST, no current VMCS", ~0ull, ptr);
	expect("VMPTRLD: unaligned address, no current VMCS", FAIL_INVALID,
	       try_vmptrld(addr(vmcs_region) + 1));

	write_revision(vmcs_region, revision);
	write_revision(other_region, revision);
	expect("VMCLEAR", OK, try_vmclear(addr(vmcs_region)));
	expect("VMPTRLD", OK, try_vmptrld(addr(vmcs_region)));
	expect("VMPTRST", OK, try_vmptrst(&ptr));
	report_values(ptr == addr(vmcs_region), "VMPTRST stores the pointer",
		      addr(vmcs_region), ptr);

	expect("VMCLEAR: unaligned address", FAIL(VMX_ERR_VMCLEAR_ADDRESS),
	       try_vmclear(addr(vmcs_region) + 16));
	expect("VMCLEAR: address beyond physical addresses",
	       FAIL(VMX_ERR_VMCLEAR_ADDRESS), try_vmclear(beyond_physical()));
	expect("VMCLEAR: VMXON pointer", FAIL(VMX_ERR_VMCLEAR_VMXON_POINTER),
	       try_vmclear(addr(vmxon_region)));
	expect("VMPTRLD: unaligned address", FAIL(VMX_ERR_VMPTRLD_ADDRESS),
	       try_vmptrld(addr(vmcs_region) + 4));
	expect("VMPTRLD: address beyond physical addresses",
	       FAIL(VMX_ERR_VMPTRLD_ADDRESS), try_vmptrld(beyond_physical()));
	expect("VMPTRLD: VMXON pointer", FAIL(VMX_ERR_VMPTRLD_VMXON_POINTER),
	       try_vmptrld(addr(vmxon_region)));
	write_revision(other_region, revision + 1);
	expect("VMPTRLD: wrong revision", FAIL(VMX_ERR_VMPTRLD_REVISION),
	       try_vmptrld(addr(other_region)));
	write_revision(other_region, revision);
	try_vmptrst(&ptr);
	report_values(ptr == addr(vmcs_region),
		      "a failed VMPTRLD leaves the current VMCS",
		      addr(vmcs_region), ptr);
	expect("VMXON in root", FAIL(VMX_ERR_VMXON_IN_ROOT),
	       try_vmxon(addr(vmxon_region)));
	if (in_bochs())
		skip("VMCALL in root", "Bochs ends there: not implemented");
	else
		expect("VMCALL in root", FAIL(VMX_ERR_VMCALL_IN_ROOT), try_vmcall());
	expect("VMRESUME with a clear VMCS",
	       FAIL(VMX_ERR_VMRESUME_NOT_LAUNCHED), try_vmresume());
}

static void test_fields(void)
{
	/* each field: what is written, and what must be read back */
	static const struct {
		const char *name;
		uint32_t field;
		uint64_t write, read;
	} fields[] = {
		{ "16-bit field", VMCS_GUEST_ES_SELECTOR, 0x12345678, 0x5678 },
		{ "32-bit field", VMCS_EXCEPTION_BITMAP, 0x1122334455667788,
		  0x55667788 },
		{ "64-bit field", VMCS_LINK_POINTER, 0x1122334455667788,
		  0x1122334455667788 },
		{ "natural-width field", VMCS_GUEST_RIP, 0xfedcba9876543210,
		  0xfedcba9876543210 },
	};
	uint64_t val;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		set(fields[i].field, fields[i].write);
		val = get(fields[i].field);
		report_values(val == fields[i].read, fields[i].name,
			      fields[i].read, val);
	}
	set(VMCS_LINK_POINTER | VMCS_ENC_HIGH, 0xaabbccdd);
	val = get(VMCS_LINK_POINTER);
	report_values(val == 0xaabbccdd55667788, "VMWRITE of a high half",
		      0xaabbccdd55667788, val);
	val = get(VMCS_LINK_POINTER | VMCS_ENC_HIGH);
	report_values(val == 0xaabbccdd, "VMREAD of a high half", 0xaabbccdd,
		      val);

	expect("VMREAD: field that does not exist",
	       FAIL(VMX_ERR_UNSUPPORTED_FIELD), try_vmread(0x3ffe, &val));
	expect("VMREAD: bits 63:32 of the encoding",
	       FAIL(VMX_ERR_UNSUPPORTED_FIELD),
	       try_vmread(0x100000000 | VMCS_GUEST_RIP, &val));
	expect("VMWRITE: field that does not exist",
	       FAIL(VMX_ERR_UNSUPPORTED_FIELD), try_vmwrite(0x0c7e, 0));
	expect("VMREAD: high half of a 32-bit field",
	       FAIL(VMX_ERR_UNSUPPORTED_FIELD),
	       try_vmread(VMCS_EXCEPTION_BITMAP | VMCS_ENC_HIGH, &val));
	expect("VMWRITE: read-only field",
	       rdmsr(MSR_VMX_MISC) >> 29 & 1 ? OK : FAIL(VMX_ERR_READ_ONLY_FIELD),
	       try_vmwrite(VMCS_EXIT_REASON, 0));
	expect("VMREAD: memory that faults, after the checks",
	       FAIL(VMX_ERR_UNSUPPORTED_FIELD),
	       try_vmread(0x3ffe, (uint64_t *)0x800000000000));
}

static void test_vmcs_in_memory(uint32_t revision)
{
	uint64_t val;

	set(VMCS_GUEST_RIP, 0x1111);
	write_revision(other_region, revision);
	try_vmclear(addr(other_region));
	try_vmptrld(addr(other_region));
	set(VMCS_GUEST_RIP, 0x2222);
	try_vmptrld(addr(vmcs_region));
	val = get(VMCS_GUEST_RIP);
	report_values(val == 0x1111, "fields stay with their VMCS", 0x1111, val);
	try_vmclear(addr(vmcs_region));
	try_vmptrst(&val);
	report_values(val == ~0ull, "VMCLEAR of the current VMCS leaves none",
		      ~0ull, val);
	try_vmptrld(addr(vmcs_region));
	val = get(VMCS_GUEST_RIP);
	report_values(val == 0x1111, "VMCLEAR writes the fields to memory",
		      0x1111, val);
}

static void test_invalidate(void)
{
	uint64_t caps = ept_vpid_capability();
	uint64_t eptp = 0x1e, canonical_hole = 0x800000000000;

	if (caps >> 20 & 1) {
		const uint32_t bad = FAIL(VMX_ERR_INVALIDATE_OPERAND);

		expect("INVEPT all contexts", OK, try_invept(2, 0, 0));
		expect("INVEPT one context", OK, try_invept(1, eptp, 0));
		expect("INVEPT: type 0", bad, try_invept(0, eptp, 0));
		expect("INVEPT: type 3", bad, try_invept(3, eptp, 0));
		expect("INVEPT: type, bits 63:32", bad,
		       try_invept(0x100000001, eptp, 0));
		expect("INVEPT: memory type of the EPT pointer", bad,
		       try_invept(1, 0x1b, 0));
		expect("INVEPT: walk length of the EPT pointer", bad,
		       try_invept(1, 0x0e, 0));
	} else {
		skip("INVEPT", "not there");
	}
	if (caps >> 32 & 1) {
		const uint32_t bad = FAIL(VMX_ERR_INVALIDATE_OPERAND);

		expect("INVVPID one address", OK, try_invvpid(0, 1, 0x1000));
		expect("INVVPID one context", OK, try_invvpid(1, 1, 0));
		expect("INVVPID all contexts", OK, try_invvpid(2, 0, 0));
		expect("INVVPID one context but globals", OK, try_invvpid(3, 1, 0));
		expect("INVVPID: type 4", bad, try_invvpid(4, 1, 0));
		expect("INVVPID one address: VPID 0", bad, try_invvpid(0, 0, 0));
		expect("INVVPID one context: VPID 0", bad, try_invvpid(1, 0, 0));
		expect("INVVPID: reserved bits", bad, try_invvpid(1, 0x10001, 0));
		expect("INVVPID one address: not canonical", bad,
		       try_invvpid(0, 1, canonical_hole));
	} else {
		skip("INVVPID", "not there");
	}
}

static void test_fixed_bits(void)
{
	uint64_t cr0 = read_cr(0), cr4 = read_cr(4);

	expect("MOV to CR0 clears PE and PG in root", GP,
	       try_write_cr(0, cr0 & ~(CR0_PE | CR0_PG)));
	expect("MOV to CR0 clears PG in root", GP,
	       try_write_cr(0, cr0 & ~CR0_PG));
	expect("MOV to CR0 clears NE in root", GP,
	       try_write_cr(0, cr0 & ~CR0_NE));
	expect("MOV to CR4 clears VMXE in root", GP,
	       try_write_cr(4, cr4 & ~CR4_VMXE));
	expect("MOV to CR4 clears PAE in 64-bit mode", GP,
	       try_write_cr(4, cr4 & ~CR4_PAE));
	expect("MOV to CR0 changes nothing", OK, try_write_cr(0, cr0));
	expect("MOV to CR4 changes nothing", OK, try_write_cr(4, cr4));
}

void test_instructions(void)
{
	uint32_t revision = rdmsr(MSR_VMX_BASIC) & 0x7fffffff;

	test_pointers(revision);
	test_fields();
	test_vmcs_in_memory(revision);
	test_invalidate();
	test_fixed_bits();
	expect("VMXOFF", OK, try_vmxoff());
	expect("VMXOFF again", UD, try_vmxoff());
	expect("MOV to CR4 clears VMXE after VMXOFF", OK,
	       try_write_cr(4, read_cr(4) & ~CR4_VMXE));
	try_write_cr(4, read_cr(4) | CR4_VMXE);
	expect("VMXON again", OK, try_vmxon(addr(vmxon_region)));
}
