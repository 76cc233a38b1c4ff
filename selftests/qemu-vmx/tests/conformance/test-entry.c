// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks on controls, host state and guest state (SDM volume 3, 27.2 and
 * 27.3): a VMCS that enters, and one thing wrong with it.
 */
#include "guest.h"
#include "vmx.h"

#define NOT_CANONICAL	0x0000800000000000ull
#define TOO_FAR		0x8000000000000000ull

/*
 * How a field of the good VMCS is changed.  FORBIDDEN sets a bit that the
 * capability MSR in the value does not allow.
 */
enum change { NONE, SET, OR, CLEAR, XOR, FORBIDDEN };

struct check {
	const char *name;
	struct {
		enum change how;
		uint32_t field;
		uint64_t value;
	} changes[4];
	uint64_t qualification;		/* of a guest-state failure */
	/* controls that the check is about: skipped where they are not there */
	uint32_t pin, proc, proc2, exit, entry;
};

static void apply(const struct check *c)
{
	size_t i;

	enable(c->pin, c->proc, c->proc2);
	set(VMCS_EXIT_CTLS, get(VMCS_EXIT_CTLS) | c->exit);
	set(VMCS_ENTRY_CTLS, get(VMCS_ENTRY_CTLS) | c->entry);
	for (i = 0; i < ARRAY_SIZE(c->changes); i++) {
		uint32_t field = c->changes[i].field;
		uint64_t value = c->changes[i].value;

		switch (c->changes[i].how) {
		case NONE:
			break;
		case SET:
			set(field, value);
			break;
		case OR:
			set(field, get(field) | value);
			break;
		case CLEAR:
			set(field, get(field) & ~value);
			break;
		case XOR:
			set(field, get(field) ^ value);
			break;
		case FORBIDDEN:
			for (value = 1; control_allowed(c->changes[i].value,
							value); value <<= 1)
				;
			set(field, get(field) | value);
			break;
		}
	}
}

static bool supported(const struct check *c)
{
	return control_allowed(MSR_VMX_PIN, c->pin) &&
	       control_allowed(MSR_VMX_PROC, c->proc) &&
	       control_allowed(MSR_VMX_PROC2, c->proc2) &&
	       control_allowed(MSR_VMX_EXIT, c->exit) &&
	       control_allowed(MSR_VMX_ENTRY, c->entry);
}

/* What the checks with EPT, bitmaps and so on start from */
static void good(void)
{
	baseline(g_done);
	set(VMCS_IO_BITMAP_A, (uint64_t)io_bitmap_a);
	set(VMCS_IO_BITMAP_B, (uint64_t)io_bitmap_b);
	if (control_allowed(MSR_VMX_PROC, PROC_MSR_BITMAPS))
		set(VMCS_MSR_BITMAP, (uint64_t)msr_bitmap);
	if (control_allowed(MSR_VMX_PROC, PROC_TPR_SHADOW)) {
		set(VMCS_VIRTUAL_APIC_ADDR, (uint64_t)virtual_apic);
		set(VMCS_TPR_THRESHOLD, 0);
	}
	if (control_allowed(MSR_VMX_PROC2, PROC2_EPT))
		set(VMCS_EPTP, ept_build(false));
	if (control_allowed(MSR_VMX_PROC2, PROC2_VPID))
		set(VMCS_VPID, 1);
	if (control_allowed(MSR_VMX_EXIT, EXIT_LOAD_EFER))
		set(VMCS_HOST_IA32_EFER, rdmsr(MSR_EFER));
	if (control_allowed(MSR_VMX_ENTRY, ENTRY_LOAD_EFER))
		set(VMCS_GUEST_IA32_EFER, rdmsr(MSR_EFER));
	if (control_allowed(MSR_VMX_EXIT, EXIT_LOAD_PAT))
		set(VMCS_HOST_IA32_PAT, 0x0007040600070406);
	if (control_allowed(MSR_VMX_ENTRY, ENTRY_LOAD_PAT))
		set(VMCS_GUEST_IA32_PAT, 0x0007040600070406);
	set(VMCS_ENTRY_MSR_LOAD_ADDR, (uint64_t)msr_area);
	set(VMCS_EXIT_MSR_LOAD_ADDR, (uint64_t)msr_area);
	set(VMCS_EXIT_MSR_STORE_ADDR, (uint64_t)msr_area);
}

static void expect_fail(const struct check *checks, size_t count,
			uint32_t error)
{
	const struct check *c;

	for (c = checks; c < checks + count; c++) {
		struct vm_exit e;

		if (!supported(c)) {
			skip(c->name, "control not there");
			continue;
		}
		good();
		apply(c);
		e = run();
		report_exit(e.entered == 2 && e.error == error, c->name, &e);
	}
}

static void expect_entry(const struct check *checks, size_t count)
{
	const struct check *c;

	for (c = checks; c < checks + count; c++) {
		struct vm_exit e;

		if (!supported(c)) {
			skip(c->name, "control not there");
			continue;
		}
		good();
		apply(c);
		e = run();
		report_exit(guest_done(&e), c->name, &e);
	}
}

#define INFO VMCS_ENTRY_INTR_INFO
#define VALID 0x80000000

static const struct check control_checks[] = {
	{ "pin-based controls: bit that must be 1",
	  { { CLEAR, VMCS_PIN_BASED_CTLS, 2 } } },
	{ "pin-based controls: bit that must be 0",
	  { { FORBIDDEN, VMCS_PIN_BASED_CTLS, MSR_VMX_PIN } } },
	{ "primary controls: bit that must be 1",
	  { { CLEAR, VMCS_PRI_PROC_BASED_CTLS, 0x100 } } },
	{ "primary controls: bit that must be 0",
	  { { FORBIDDEN, VMCS_PRI_PROC_BASED_CTLS, MSR_VMX_PROC } } },
	{ "secondary controls: bit that must be 0",
	  { { FORBIDDEN, VMCS_SEC_PROC_BASED_CTLS, MSR_VMX_PROC2 } },
	  .proc = PROC_SECONDARY },
	{ "exit controls: bit that must be 1",
	  { { CLEAR, VMCS_EXIT_CTLS, 1 } } },
	{ "exit controls: bit that must be 0",
	  { { FORBIDDEN, VMCS_EXIT_CTLS, MSR_VMX_EXIT } } },
	{ "entry controls: bit that must be 1",
	  { { CLEAR, VMCS_ENTRY_CTLS, 1 } } },
	{ "entry controls: bit that must be 0",
	  { { FORBIDDEN, VMCS_ENTRY_CTLS, MSR_VMX_ENTRY } } },
	{ "entry to SMM from outside", { { OR, VMCS_ENTRY_CTLS, 0x400 } } },
	{ "CR3-target count above 4",
	  { { SET, VMCS_CR3_TARGET_COUNT, 5 } } },
	{ "I/O bitmap A: unaligned", { { OR, VMCS_IO_BITMAP_A, 8 } },
	  .proc = PROC_IO_BITMAPS },
	{ "I/O bitmap B: unaligned", { { OR, VMCS_IO_BITMAP_B, 0x800 } },
	  .proc = PROC_IO_BITMAPS },
	{ "I/O bitmap B: beyond physical addresses",
	  { { OR, VMCS_IO_BITMAP_B, TOO_FAR } }, .proc = PROC_IO_BITMAPS },
	{ "MSR bitmap: unaligned", { { OR, VMCS_MSR_BITMAP, 1 } },
	  .proc = PROC_MSR_BITMAPS },
	{ "MSR bitmap: beyond physical addresses",
	  { { OR, VMCS_MSR_BITMAP, TOO_FAR } }, .proc = PROC_MSR_BITMAPS },
	{ "virtual-APIC page: unaligned",
	  { { OR, VMCS_VIRTUAL_APIC_ADDR, 0x80 } }, .proc = PROC_TPR_SHADOW },
	{ "virtual-APIC page: beyond physical addresses",
	  { { OR, VMCS_VIRTUAL_APIC_ADDR, TOO_FAR } },
	  .proc = PROC_TPR_SHADOW },
	{ "TPR threshold: bits 31:4", { { SET, VMCS_TPR_THRESHOLD, 0x10 } },
	  .proc = PROC_TPR_SHADOW },
	{ "TPR threshold above the virtual TPR",
	  { { SET, VMCS_TPR_THRESHOLD, 1 } }, .proc = PROC_TPR_SHADOW },
	{ "virtual NMIs without NMI exiting", { },
	  .pin = PIN_VIRTUAL_NMI },
	{ "NMI-window exiting without virtual NMIs", { },
	  .proc = PROC_NMI_WINDOW },
	{ "VPID 0", { { SET, VMCS_VPID, 0 } }, .proc2 = PROC2_VPID },
	{ "EPT pointer: memory type", { { XOR, VMCS_EPTP, 1 } },
	  .proc2 = PROC2_EPT },
	{ "EPT pointer: walk length", { { XOR, VMCS_EPTP, 0x38 } },
	  .proc2 = PROC2_EPT },
	{ "EPT pointer: reserved bits", { { OR, VMCS_EPTP, 0x800 } },
	  .proc2 = PROC2_EPT },
	{ "EPT pointer: beyond physical addresses",
	  { { OR, VMCS_EPTP, TOO_FAR } }, .proc2 = PROC2_EPT },
	{ "unrestricted guest without EPT", { },
	  .proc2 = PROC2_UNRESTRICTED },
	{ "save preemption timer without the timer", { },
	  .exit = EXIT_SAVE_TIMER },
	{ "VM-exit MSR-store area: unaligned",
	  { { OR, VMCS_EXIT_MSR_STORE_ADDR, 8 },
	    { SET, VMCS_EXIT_MSR_STORE_COUNT, 1 } } },
	{ "VM-exit MSR-store area: beyond physical addresses",
	  { { OR, VMCS_EXIT_MSR_STORE_ADDR, TOO_FAR },
	    { SET, VMCS_EXIT_MSR_STORE_COUNT, 1 } } },
	{ "VM-exit MSR-load area: unaligned",
	  { { OR, VMCS_EXIT_MSR_LOAD_ADDR, 1 },
	    { SET, VMCS_EXIT_MSR_LOAD_COUNT, 1 } } },
	{ "VM-entry MSR-load area: unaligned",
	  { { OR, VMCS_ENTRY_MSR_LOAD_ADDR, 4 },
	    { SET, VMCS_ENTRY_MSR_LOAD_COUNT, 1 } } },
	{ "injection: reserved type 1", { { SET, INFO, VALID | 0x130 } } },
	{ "injection: NMI with another vector",
	  { { SET, INFO, VALID | 0x203 } } },
	{ "injection: exception with vector 32",
	  { { SET, INFO, VALID | 0x320 } } },
	{ "injection: #GP without error code",
	  { { SET, INFO, VALID | 0x30d } } },
	{ "injection: #UD with error code",
	  { { SET, INFO, VALID | 0xb06 } } },
	{ "injection: external interrupt with error code",
	  { { SET, INFO, VALID | 0x820 }, { OR, VMCS_GUEST_RFLAGS, 0x200 } } },
	{ "injection: reserved bits", { { SET, INFO, VALID | 0x10000306 } } },
	{ "injection: error code, bits 31:16",
	  { { SET, INFO, VALID | 0xb0d },
	    { SET, VMCS_ENTRY_EXCEPTION_ERROR, 0x10000 } } },
	{ "injection: instruction length 16",
	  { { SET, INFO, VALID | 0x480 },
	    { SET, VMCS_ENTRY_INST_LENGTH, 16 } } },
};

static const struct check control_good[] = {
	{ "the VMCS that checks start from enters", { } },
	{ "four CR3 targets", { { SET, VMCS_CR3_TARGET_COUNT, 4 } } },
	{ "bad bitmap addresses without bitmaps",
	  { { SET, VMCS_IO_BITMAP_A, 1 }, { SET, VMCS_IO_BITMAP_B, 1 } } },
	{ "I/O and MSR bitmaps", { },
	  .proc = PROC_IO_BITMAPS | PROC_MSR_BITMAPS },
	{ "bad MSR areas with no entries",
	  { { SET, VMCS_EXIT_MSR_STORE_ADDR, 1 },
	    { SET, VMCS_EXIT_MSR_LOAD_ADDR, 1 },
	    { SET, VMCS_ENTRY_MSR_LOAD_ADDR, 1 } } },
	{ "injection that is not valid may be anything",
	  { { SET, INFO, 0x7fffffff } } },
	{ "VPID 0 without VPIDs", { { SET, VMCS_VPID, 0 } } },
	{ "EPT and VPID", { }, .proc2 = PROC2_EPT | PROC2_VPID },
	{ "TPR shadow", { }, .proc = PROC_TPR_SHADOW },
};

static const struct check host_checks[] = {
	{ "host CR0: PE", { { CLEAR, VMCS_HOST_CR0, 1 } } },
	{ "host CR0: NE", { { CLEAR, VMCS_HOST_CR0, 0x20 } } },
	{ "host CR0: PG", { { CLEAR, VMCS_HOST_CR0, 0x80000000 } } },
	{ "host CR0: bits 63:32", { { OR, VMCS_HOST_CR0, 0x100000000 } } },
	{ "host CR4: VMXE", { { CLEAR, VMCS_HOST_CR4, 0x2000 } } },
	{ "host CR4: PAE of a 64-bit host", { { CLEAR, VMCS_HOST_CR4, 0x20 } } },
	{ "host CR4: reserved bit", { { OR, VMCS_HOST_CR4, 0x80000000 } } },
	{ "host CR3: beyond physical addresses",
	  { { OR, VMCS_HOST_CR3, TOO_FAR } } },
	{ "host IA32_SYSENTER_ESP not canonical",
	  { { SET, VMCS_HOST_IA32_SYSENTER_ESP, NOT_CANONICAL } } },
	{ "host IA32_SYSENTER_EIP not canonical",
	  { { SET, VMCS_HOST_IA32_SYSENTER_EIP, NOT_CANONICAL } } },
	{ "host IA32_PAT: type 2",
	  { { SET, VMCS_HOST_IA32_PAT, 0x0007040600070402 } },
	  .exit = EXIT_LOAD_PAT },
	{ "host IA32_PAT: type 8",
	  { { SET, VMCS_HOST_IA32_PAT, 0x0807040600070406 } },
	  .exit = EXIT_LOAD_PAT },
	{ "host IA32_EFER: reserved bit",
	  { { OR, VMCS_HOST_IA32_EFER, 0x40000 } }, .exit = EXIT_LOAD_EFER },
	{ "host IA32_EFER: LMA 0",
	  { { CLEAR, VMCS_HOST_IA32_EFER, 0x400 } }, .exit = EXIT_LOAD_EFER },
	{ "host IA32_EFER: LME 0",
	  { { CLEAR, VMCS_HOST_IA32_EFER, 0x100 } }, .exit = EXIT_LOAD_EFER },
	{ "host CS selector: RPL", { { OR, VMCS_HOST_CS_SELECTOR, 3 } } },
	{ "host DS selector: TI", { { OR, VMCS_HOST_DS_SELECTOR, 4 } } },
	{ "host GS selector: RPL", { { OR, VMCS_HOST_GS_SELECTOR, 1 } } },
	{ "host TR selector: TI", { { OR, VMCS_HOST_TR_SELECTOR, 4 } } },
	{ "host CS selector 0", { { SET, VMCS_HOST_CS_SELECTOR, 0 } } },
	{ "host TR selector 0", { { SET, VMCS_HOST_TR_SELECTOR, 0 } } },
	{ "host FS base not canonical",
	  { { SET, VMCS_HOST_FS_BASE, NOT_CANONICAL } } },
	{ "host GS base not canonical",
	  { { SET, VMCS_HOST_GS_BASE, NOT_CANONICAL } } },
	{ "host TR base not canonical",
	  { { SET, VMCS_HOST_TR_BASE, NOT_CANONICAL } } },
	{ "host GDTR base not canonical",
	  { { SET, VMCS_HOST_GDTR_BASE, NOT_CANONICAL } } },
	{ "host IDTR base not canonical",
	  { { SET, VMCS_HOST_IDTR_BASE, NOT_CANONICAL } } },
	{ "host RIP not canonical",
	  { { SET, VMCS_HOST_RIP, NOT_CANONICAL } } },
	{ "32-bit host of a 64-bit processor state",
	  { { CLEAR, VMCS_EXIT_CTLS, EXIT_HOST64 },
	    { CLEAR, VMCS_ENTRY_CTLS, ENTRY_IA32E } } },
};

static const struct check host_good[] = {
	{ "host SS, DS, ES, FS, GS selectors 0",
	  { { SET, VMCS_HOST_DS_SELECTOR, 0 }, { SET, VMCS_HOST_ES_SELECTOR, 0 },
	    { SET, VMCS_HOST_FS_SELECTOR, 0 },
	    { SET, VMCS_HOST_GS_SELECTOR, 0 } } },
	{ "host IA32_EFER and IA32_PAT", { },
	  .exit = EXIT_LOAD_EFER | EXIT_LOAD_PAT },
};

static const struct check guest_checks[] = {
	{ "guest CR0: NE", { { CLEAR, VMCS_GUEST_CR0, 0x20 } } },
	{ "guest CR0: PE without unrestricted guest",
	  { { CLEAR, VMCS_GUEST_CR0, 0x80000001 },
	    { CLEAR, VMCS_ENTRY_CTLS, ENTRY_IA32E },
	    { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b } } },
	{ "guest CR0: PG without PE",
	  { { CLEAR, VMCS_GUEST_CR0, 1 },
	    { CLEAR, VMCS_ENTRY_CTLS, ENTRY_IA32E },
	    { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b } },
	  .proc2 = PROC2_EPT | PROC2_UNRESTRICTED },
	{ "guest CR4: VMXE", { { CLEAR, VMCS_GUEST_CR4, 0x2000 } } },
	{ "guest CR4: reserved bit", { { OR, VMCS_GUEST_CR4, 0x80000000 } } },
	{ "IA-32e mode guest without CR4.PAE",
	  { { CLEAR, VMCS_GUEST_CR4, 0x20 } } },
	{ "IA-32e mode guest without CR0.PG",
	  { { CLEAR, VMCS_GUEST_CR0, 0x80000000 } },
	  .proc2 = PROC2_EPT | PROC2_UNRESTRICTED },
	{ "guest CR3: beyond physical addresses",
	  { { OR, VMCS_GUEST_CR3, TOO_FAR } } },
	{ "guest IA32_DEBUGCTL: reserved bit",
	  { { SET, VMCS_GUEST_IA32_DEBUGCTL, 0x80000000 } },
	  .entry = ENTRY_LOAD_DEBUG },
	{ "guest DR7: bits 63:32", { { OR, VMCS_GUEST_DR7, 0x100000000 } },
	  .entry = ENTRY_LOAD_DEBUG },
	{ "guest IA32_SYSENTER_ESP not canonical",
	  { { SET, VMCS_GUEST_IA32_SYSENTER_ESP, NOT_CANONICAL } } },
	{ "guest IA32_SYSENTER_EIP not canonical",
	  { { SET, VMCS_GUEST_IA32_SYSENTER_EIP, NOT_CANONICAL } } },
	{ "guest IA32_PAT: type 3",
	  { { SET, VMCS_GUEST_IA32_PAT, 0x0307040600070406 } },
	  .entry = ENTRY_LOAD_PAT },
	{ "guest IA32_EFER: reserved bit",
	  { { OR, VMCS_GUEST_IA32_EFER, 0x2 } }, .entry = ENTRY_LOAD_EFER },
	{ "guest IA32_EFER: LMA against IA-32e mode",
	  { { CLEAR, VMCS_GUEST_IA32_EFER, 0x500 } },
	  .entry = ENTRY_LOAD_EFER },
	{ "guest IA32_EFER: LME against LMA",
	  { { CLEAR, VMCS_GUEST_IA32_EFER, 0x100 } },
	  .entry = ENTRY_LOAD_EFER },

	{ "guest TR selector: TI", { { OR, VMCS_GUEST_TR_SELECTOR, 4 } } },
	{ "guest LDTR selector: TI",
	  { { SET, VMCS_GUEST_LDTR_SELECTOR, 4 },
	    { SET, VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82 } } },
	{ "guest SS selector: RPL against CS",
	  { { OR, VMCS_GUEST_SS_SELECTOR, 3 },
	    { SET, VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3 } } },
	{ "guest TR base not canonical",
	  { { SET, VMCS_GUEST_TR_BASE, NOT_CANONICAL } } },
	{ "guest FS base not canonical",
	  { { SET, VMCS_GUEST_FS_BASE, NOT_CANONICAL } } },
	{ "guest GS base not canonical",
	  { { SET, VMCS_GUEST_GS_BASE, NOT_CANONICAL } } },
	{ "guest LDTR base not canonical",
	  { { SET, VMCS_GUEST_LDTR_BASE, NOT_CANONICAL },
	    { SET, VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82 } } },
	{ "guest CS base: bits 63:32",
	  { { SET, VMCS_GUEST_CS_BASE, 0x100000000 } } },
	{ "guest SS base: bits 63:32",
	  { { SET, VMCS_GUEST_SS_BASE, 0x100000000 } } },
	{ "guest DS base: bits 63:32",
	  { { SET, VMCS_GUEST_DS_BASE, 0x100000000 } } },
	{ "guest ES base: bits 63:32",
	  { { SET, VMCS_GUEST_ES_BASE, 0x100000000 } } },

	{ "guest CS: not accessed",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09a } } },
	{ "guest CS: data segment",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa093 } } },
	{ "guest CS: system segment",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa08b } } },
	{ "guest CS: not present",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa01b } } },
	{ "guest CS: DPL against SS",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa0fb } } },
	{ "guest CS: conforming, DPL above SS",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa0ff } } },
	{ "guest CS: reserved bits",
	  { { OR, VMCS_GUEST_CS_ACCESS_RIGHTS, 0x800 } } },
	{ "guest CS: L and D",
	  { { OR, VMCS_GUEST_CS_ACCESS_RIGHTS, 0x4000 } } },
	{ "guest CS: granularity of a large limit",
	  { { CLEAR, VMCS_GUEST_CS_ACCESS_RIGHTS, 0x8000 } } },
	{ "guest CS: granularity of a small limit",
	  { { SET, VMCS_GUEST_CS_LIMIT, 0xfffe } } },
	{ "guest CS: unusable, with CS.S 0",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0x10000 } } },
	{ "guest SS: read-only",
	  { { SET, VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc091 } } },
	{ "guest SS: code segment",
	  { { SET, VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc09b } } },
	{ "guest SS: not present",
	  { { SET, VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc013 } } },
	{ "guest SS: DPL against RPL",
	  { { SET, VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3 } } },
	{ "guest DS: not accessed",
	  { { SET, VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc092 } } },
	{ "guest ES: code that cannot be read",
	  { { SET, VMCS_GUEST_ES_ACCESS_RIGHTS, 0xc099 } } },
	{ "guest FS: system segment",
	  { { SET, VMCS_GUEST_FS_ACCESS_RIGHTS, 0xc083 } } },
	{ "guest GS: not present",
	  { { SET, VMCS_GUEST_GS_ACCESS_RIGHTS, 0xc013 } } },
	{ "guest DS: DPL below RPL",
	  { { OR, VMCS_GUEST_DS_SELECTOR, 3 } } },
	{ "guest DS: granularity",
	  { { SET, VMCS_GUEST_DS_LIMIT, 0xfff0 } } },
	{ "guest ES: reserved bits",
	  { { OR, VMCS_GUEST_ES_ACCESS_RIGHTS, 0x100 } } },
	{ "guest TR: not busy",
	  { { SET, VMCS_GUEST_TR_ACCESS_RIGHTS, 0x89 } } },
	{ "guest TR: 16 bits in IA-32e mode",
	  { { SET, VMCS_GUEST_TR_ACCESS_RIGHTS, 0x83 } } },
	{ "guest TR: unusable", { { OR, VMCS_GUEST_TR_ACCESS_RIGHTS, 0x10000 } } },
	{ "guest TR: not present",
	  { { SET, VMCS_GUEST_TR_ACCESS_RIGHTS, 0x0b } } },
	{ "guest TR: S", { { SET, VMCS_GUEST_TR_ACCESS_RIGHTS, 0x9b } } },
	{ "guest LDTR: type", { { SET, VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x83 } } },
	{ "guest LDTR: not present",
	  { { SET, VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x02 } } },

	{ "guest GDTR base not canonical",
	  { { SET, VMCS_GUEST_GDTR_BASE, NOT_CANONICAL } } },
	{ "guest IDTR base not canonical",
	  { { SET, VMCS_GUEST_IDTR_BASE, NOT_CANONICAL } } },
	{ "guest GDTR limit: bits 31:16",
	  { { SET, VMCS_GUEST_GDTR_LIMIT, 0x10000 } } },
	{ "guest IDTR limit: bits 31:16",
	  { { SET, VMCS_GUEST_IDTR_LIMIT, 0x10000 } } },
	{ "guest RIP: bits 63:48 differ",
	  { { SET, VMCS_GUEST_RIP, 0x0001000000000000 } } },
	{ "guest RIP: bits 63:32 outside 64-bit mode",
	  { { OR, VMCS_GUEST_RIP, 0x100000000 },
	    { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b } } },
	{ "guest RFLAGS: bit 1", { { CLEAR, VMCS_GUEST_RFLAGS, 2 } } },
	{ "guest RFLAGS: bit 3", { { OR, VMCS_GUEST_RFLAGS, 8 } } },
	{ "guest RFLAGS: bit 15", { { OR, VMCS_GUEST_RFLAGS, 0x8000 } } },
	{ "guest RFLAGS: bit 22", { { OR, VMCS_GUEST_RFLAGS, 0x400000 } } },
	{ "guest RFLAGS: VM in IA-32e mode",
	  { { OR, VMCS_GUEST_RFLAGS, 0x20000 } } },
	{ "external interrupt injected with IF 0",
	  { { SET, INFO, VALID | 0x20 } } },

	{ "guest activity state 4", { { SET, VMCS_GUEST_ACTIVITY, 4 } } },
	{ "guest in HLT with blocking by STI",
	  { { SET, VMCS_GUEST_ACTIVITY, 1 },
	    { SET, VMCS_GUEST_INTERRUPTIBILITY, 1 },
	    { OR, VMCS_GUEST_RFLAGS, 0x200 } } },
	{ "guest in HLT: injected #UD does not wake it",
	  { { SET, VMCS_GUEST_ACTIVITY, 1 }, { SET, INFO, VALID | 0x306 } } },
	{ "guest interruptibility: reserved bits",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 0x20 } } },
	{ "guest blocking by STI and MOV SS",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 3 },
	    { OR, VMCS_GUEST_RFLAGS, 0x200 } } },
	{ "guest blocking by STI with IF 0",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 1 } } },
	{ "guest blocking by SMI outside SMM",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 4 } } },
	{ "external interrupt injected with blocking by STI",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 1 },
	    { OR, VMCS_GUEST_RFLAGS, 0x200 }, { SET, INFO, VALID | 0x20 } } },
	{ "external interrupt injected with blocking by MOV SS",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 2 },
	    { OR, VMCS_GUEST_RFLAGS, 0x200 }, { SET, INFO, VALID | 0x20 } } },
	{ "NMI injected with blocking by MOV SS",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 2 },
	    { SET, INFO, VALID | 0x202 } } },
	{ "NMI injected with virtual-NMI blocking",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 8 },
	    { SET, INFO, VALID | 0x202 } }, .pin = PIN_NMI | PIN_VIRTUAL_NMI },
	{ "pending debug exceptions: reserved bits",
	  { { SET, VMCS_GUEST_PENDING_DBG_EXCEPTIONS, 0x20 } } },
	{ "pending debug exceptions: BS without TF in the STI shadow",
	  { { SET, VMCS_GUEST_PENDING_DBG_EXCEPTIONS, 0x4000 },
	    { SET, VMCS_GUEST_INTERRUPTIBILITY, 1 },
	    { OR, VMCS_GUEST_RFLAGS, 0x200 } } },
	{ "pending debug exceptions: TF without BS in the MOV SS shadow",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 2 },
	    { OR, VMCS_GUEST_RFLAGS, 0x100 } } },
	{ "VMCS link pointer: unaligned",
	  { { SET, VMCS_LINK_POINTER, 8 } }, .qualification = 4 },
	{ "VMCS link pointer: beyond physical addresses",
	  { { SET, VMCS_LINK_POINTER, TOO_FAR } }, .qualification = 4 },
	{ "VMCS link pointer: revision",
	  { { SET, VMCS_LINK_POINTER, (uint64_t)0 } }, .qualification = 4 },
};

static const struct check guest_good[] = {
	{ "guest SS, DS, ES, FS, GS unusable",
	  { { SET, VMCS_GUEST_DS_ACCESS_RIGHTS, 0x10000 },
	    { SET, VMCS_GUEST_SS_ACCESS_RIGHTS, 0x10000 },
	    { SET, VMCS_GUEST_FS_ACCESS_RIGHTS, 0x1ffff },
	    { SET, VMCS_GUEST_SS_SELECTOR, 0 } } },
	{ "guest LDTR usable", { { SET, VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82 } } },
	{ "guest CS: conforming",
	  { { SET, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09f } } },
	{ "bad IA32_DEBUGCTL that is not loaded",
	  { { SET, VMCS_GUEST_IA32_DEBUGCTL, 0x80000000 },
	    { CLEAR, VMCS_ENTRY_CTLS, ENTRY_LOAD_DEBUG } } },
	{ "guest IA32_EFER and IA32_PAT", { },
	  .entry = ENTRY_LOAD_EFER | ENTRY_LOAD_PAT },
	{ "guest blocking by STI",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 1 },
	    { OR, VMCS_GUEST_RFLAGS, 0x200 } } },
	{ "guest blocking by MOV SS and by NMI",
	  { { SET, VMCS_GUEST_INTERRUPTIBILITY, 0xa } } },
};

static void test_launch_state(void)
{
	struct vm_exit e;

	good();
	e = run();
	report_exit(guest_done(&e), "VMLAUNCH", &e);
	e = run();
	report_exit(e.entered == 2 && e.error == VMX_ERR_VMLAUNCH_NOT_CLEAR,
		    "VMLAUNCH with a launched VMCS", &e);
	set(VMCS_GUEST_RIP, (uint64_t)g_done);
	e = resume();
	report_exit(guest_done(&e), "VMRESUME", &e);
	/* a failed entry launches nothing */
	good();
	set(VMCS_GUEST_RFLAGS, 0);
	run();
	set(VMCS_GUEST_RFLAGS, 2);
	e = run();
	report_exit(guest_done(&e), "VMLAUNCH after one with a bad guest", &e);
	good();
	e = (struct vm_exit){ .entered = vm_enter_mov_ss() };
	e.error = get(VMCS_INSTRUCTION_ERROR);
	report_exit(e.entered == 2 && e.error == VMX_ERR_ENTRY_MOV_SS,
		    "VMLAUNCH in the shadow of MOV SS", &e);
}

void test_controls(void)
{
	test_launch_state();
	expect_entry(control_good, ARRAY_SIZE(control_good));
	expect_fail(control_checks, ARRAY_SIZE(control_checks),
		    VMX_ERR_ENTRY_CONTROLS);
}

void test_host_state(void)
{
	expect_entry(host_good, ARRAY_SIZE(host_good));
	expect_fail(host_checks, ARRAY_SIZE(host_checks),
		    VMX_ERR_ENTRY_HOST_STATE);
}

void test_guest_state(void)
{
	const struct check *c;

	expect_entry(guest_good, ARRAY_SIZE(guest_good));
	for (c = guest_checks; c < guest_checks + ARRAY_SIZE(guest_checks); c++) {
		struct vm_exit e;

		if (!supported(c)) {
			skip(c->name, "control not there");
			continue;
		}
		good();
		apply(c);
		e = run();
		report_exit(!e.entered && e.reason == FAILED_ENTRY &&
			    e.qualification == c->qualification, c->name, &e);
	}
}
