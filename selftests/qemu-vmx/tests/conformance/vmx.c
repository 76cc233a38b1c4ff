// SPDX-License-Identifier: GPL-2.0-only
/* VMX instructions with what they do, and a VMCS that enters a 64-bit guest. */
#include "guest.h"
#include "vmx.h"

#define PAGE __attribute__((aligned(PAGE_SIZE)))

uint8_t vmxon_region[PAGE_SIZE] PAGE;
uint8_t vmcs_region[PAGE_SIZE] PAGE;
uint8_t other_region[PAGE_SIZE] PAGE;
uint8_t msr_area[PAGE_SIZE] PAGE;
uint8_t io_bitmap_a[PAGE_SIZE] PAGE;
uint8_t io_bitmap_b[PAGE_SIZE] PAGE;
uint8_t msr_bitmap[PAGE_SIZE] PAGE;
uint8_t virtual_apic[PAGE_SIZE] PAGE;
static uint8_t guest_stack[PAGE_SIZE] PAGE;
struct regs regs;

/*
 * Run an instruction: its exception, or what the flags say.  An asm operand
 * cannot be named before the instruction, so each has its own line.
 */
#define RUN(insn, ...)							\
	({								\
		uint8_t cf_, zf_;					\
		exception_vector = ~0u;					\
		asm volatile("leaq 1f(%%rip), %%r11\n\t"		\
			     "movq %%r11, fixup(%%rip)\n\t"		\
			     "testq %%rsp, %%rsp\n\t"			\
			     insn "\n\t"				\
			     "1: setc %[cf]\n\t"			\
			     "setz %[zf]\n\t"				\
			     "movq $0, fixup(%%rip)"			\
			     : [cf] "=&qm"(cf_), [zf] "=&qm"(zf_)	\
			     : __VA_ARGS__ : "cc", "memory", "r11");	\
		outcome(cf_, zf_);					\
	})

static uint32_t outcome(bool cf, bool zf)
{
	if (exception_vector != ~0u)
		return EXCEPTION(exception_vector);
	if (cf)
		return FAIL_INVALID;
	return zf ? FAIL(get(VMCS_INSTRUCTION_ERROR)) : OK;
}

uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

void wrmsr(uint32_t msr, uint64_t val)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)val),
		     "d"((uint32_t)(val >> 32)));
}

/* The flags stay as the TEST in RUN leaves them: both 0 */
uint32_t try_wrmsr(uint32_t msr, uint64_t val)
{
	RUN("wrmsr", "c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32)));
	return exception_vector == ~0u ? OK : EXCEPTION(exception_vector);
}

uint32_t try_rdmsr(uint32_t msr)
{
	uint32_t low = 0, high = 0;

	exception_vector = ~0u;
	asm volatile("leaq 1f(%%rip), %%r11\n\t"
		     "movq %%r11, fixup(%%rip)\n\t"
		     "rdmsr\n\t"
		     "1: movq $0, fixup(%%rip)"
		     : "+a"(low), "+d"(high) : "c"(msr) : "memory", "r11");
	return exception_vector == ~0u ? OK : EXCEPTION(exception_vector);
}

uint32_t try_write_cr(int cr, uint64_t val)
{
	switch (cr) {
	case 0:
		RUN("mov %[val], %%cr0", [val] "r"(val));
		break;
	case 3:
		RUN("mov %[val], %%cr3", [val] "r"(val));
		break;
	case 4:
		RUN("mov %[val], %%cr4", [val] "r"(val));
		break;
	}
	return exception_vector == ~0u ? OK : EXCEPTION(exception_vector);
}

uint64_t read_cr(int cr)
{
	uint64_t val = 0;

	switch (cr) {
	case 0:
		asm volatile("mov %%cr0, %0" : "=r"(val));
		break;
	case 3:
		asm volatile("mov %%cr3, %0" : "=r"(val));
		break;
	case 4:
		asm volatile("mov %%cr4, %0" : "=r"(val));
		break;
	}
	return val;
}

uint32_t try_vmxon(uint64_t ptr)
{
	return RUN("vmxon %[ptr]", [ptr] "m"(ptr));
}

uint32_t try_vmxoff(void)
{
	return RUN("vmxoff", "X"(0));
}

uint32_t try_vmclear(uint64_t ptr)
{
	return RUN("vmclear %[ptr]", [ptr] "m"(ptr));
}

uint32_t try_vmptrld(uint64_t ptr)
{
	return RUN("vmptrld %[ptr]", [ptr] "m"(ptr));
}

uint32_t try_vmptrst(uint64_t *ptr)
{
	return RUN("vmptrst (%[ptr])", [ptr] "r"(ptr));
}

uint32_t try_vmread(uint64_t field, uint64_t *val)
{
	return RUN("vmread %[field], (%[val])", [field] "r"(field),
		   [val] "r"(val));
}

uint32_t try_vmwrite(uint64_t field, uint64_t val)
{
	return RUN("vmwrite %[val], %[field]", [field] "r"(field),
		   [val] "r"(val));
}

uint32_t try_vmcall(void)
{
	return RUN("vmcall", "X"(0));
}

uint32_t try_vmlaunch(void)
{
	return RUN("vmlaunch", "X"(0));
}

uint32_t try_vmresume(void)
{
	return RUN("vmresume", "X"(0));
}

uint32_t try_invept(uint64_t type, uint64_t eptp, uint64_t reserved)
{
	uint64_t descriptor[2] = { eptp, reserved };

	return RUN("invept %[d], %[type]", [d] "m"(descriptor),
		   [type] "r"(type));
}

uint32_t try_invvpid(uint64_t type, uint64_t vpid, uint64_t addr)
{
	uint64_t descriptor[2] = { vpid, addr };

	return RUN("invvpid %[d], %[type]", [d] "m"(descriptor),
		   [type] "r"(type));
}

uint64_t get(uint32_t field)
{
	uint64_t val = 0;

	asm volatile("vmread %1, %0" : "=r"(val) : "r"((uint64_t)field) : "cc");
	return val;
}

void set(uint32_t field, uint64_t val)
{
	asm volatile("vmwrite %0, %1" : : "r"(val), "r"((uint64_t)field) : "cc");
}

void set_all(const struct field_value *values, size_t count)
{
	while (count--) {
		if (values->field || values->value)
			set(values->field, values->value);
		values++;
	}
}

/* CPUID, and IA32_FEATURE_CONTROL as firmware leaves it or may be set here */
bool vmx_available(void)
{
	uint32_t a = 1, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c & 1 << 5))
		return false;
	if (!(rdmsr(MSR_FEATURE_CONTROL) & 1))
		wrmsr(MSR_FEATURE_CONTROL, 5);
	return (rdmsr(MSR_FEATURE_CONTROL) & 5) == 5;
}

/* The capability MSR without the default1 bits that need not be set */
static uint64_t control_capability(uint32_t msr)
{
	if (msr >= MSR_VMX_PIN && msr <= MSR_VMX_ENTRY &&
	    (rdmsr(MSR_VMX_BASIC) >> 55 & 1))
		msr += 0x48d - MSR_VMX_PIN;
	return rdmsr(msr);
}

bool control_allowed(uint32_t msr, uint32_t bits)
{
	if (msr == MSR_VMX_PROC2 && !control_allowed(MSR_VMX_PROC, PROC_SECONDARY))
		return !bits;
	return !(bits & ~(control_capability(msr) >> 32));
}

/* The MSR is there only with EPT or VPIDs */
uint64_t ept_vpid_capability(void)
{
	if (!control_allowed(MSR_VMX_PROC2, PROC2_EPT) &&
	    !control_allowed(MSR_VMX_PROC2, PROC2_VPID))
		return 0;
	return rdmsr(MSR_VMX_EPT_VPID);
}

uint64_t control_default(uint32_t msr)
{
	return (uint32_t)control_capability(msr);
}

static void set_segments(void)
{
	static const struct field_value values[] = {
		{ VMCS_GUEST_CS_SELECTOR, 0x08 },
		{ VMCS_GUEST_SS_SELECTOR, 0x10 },
		{ VMCS_GUEST_DS_SELECTOR, 0x10 },
		{ VMCS_GUEST_ES_SELECTOR, 0x10 },
		{ VMCS_GUEST_FS_SELECTOR, 0x10 },
		{ VMCS_GUEST_GS_SELECTOR, 0x10 },
		{ VMCS_GUEST_TR_SELECTOR, 0x28 },
		{ VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b },
		{ VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 },
		{ VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc093 },
		{ VMCS_GUEST_ES_ACCESS_RIGHTS, 0xc093 },
		{ VMCS_GUEST_FS_ACCESS_RIGHTS, 0xc093 },
		{ VMCS_GUEST_GS_ACCESS_RIGHTS, 0xc093 },
		{ VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b },
		{ VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x10000 },
		{ VMCS_GUEST_CS_LIMIT, 0xffffffff },
		{ VMCS_GUEST_SS_LIMIT, 0xffffffff },
		{ VMCS_GUEST_DS_LIMIT, 0xffffffff },
		{ VMCS_GUEST_ES_LIMIT, 0xffffffff },
		{ VMCS_GUEST_FS_LIMIT, 0xffffffff },
		{ VMCS_GUEST_GS_LIMIT, 0xffffffff },
		{ VMCS_GUEST_TR_LIMIT, 0x67 },
		{ VMCS_HOST_CS_SELECTOR, 0x08 },
		{ VMCS_HOST_SS_SELECTOR, 0x10 },
		{ VMCS_HOST_DS_SELECTOR, 0x10 },
		{ VMCS_HOST_ES_SELECTOR, 0x10 },
		{ VMCS_HOST_FS_SELECTOR, 0x10 },
		{ VMCS_HOST_GS_SELECTOR, 0x10 },
		{ VMCS_HOST_TR_SELECTOR, 0x28 },
	};

	set_all(values, ARRAY_SIZE(values));
	set(VMCS_GUEST_TR_BASE, (uint64_t)tss);
	set(VMCS_HOST_TR_BASE, (uint64_t)tss);
}

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static void set_tables(void)
{
	struct table_pointer idt;

	asm volatile("sidt %0" : "=m"(idt));
	set(VMCS_GUEST_GDTR_BASE, (uint64_t)gdt);
	set(VMCS_GUEST_GDTR_LIMIT, gdt_pointer - gdt - 1);
	set(VMCS_GUEST_IDTR_BASE, (uint64_t)guest_idt);
	set(VMCS_GUEST_IDTR_LIMIT, sizeof(guest_idt) - 1);
	set(VMCS_HOST_GDTR_BASE, (uint64_t)gdt);
	set(VMCS_HOST_IDTR_BASE, idt.base);
}

/* All vectors of the guest lead to a VMCALL each, 16 bytes apart */
static void build_guest_idt(void)
{
	int i;

	for (i = 0; i < 256; i++) {
		uint64_t handler = (uint64_t)guest_vectors + 16 * i;

		guest_idt[2 * i] = (handler & 0xffff) | 8 << 16 |
				   0x8e00ull << 32 | (handler >> 16) << 48;
		guest_idt[2 * i + 1] = 0;
	}
}

/* A clear VMCS whose guest, in 64-bit mode at CPL 0, runs @code */
void baseline(void (*code)(void))
{
	build_guest_idt();
	/* nothing of the test before may stay: all fields are 0 first */
	try_vmclear((uint64_t)vmcs_region);
	for (size_t i = 0; i < sizeof(vmcs_region); i++)
		vmcs_region[i] = 0;
	*(uint32_t *)vmcs_region = rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	try_vmclear((uint64_t)vmcs_region);
	try_vmptrld((uint64_t)vmcs_region);

	set(VMCS_PIN_BASED_CTLS, control_default(MSR_VMX_PIN));
	set(VMCS_PRI_PROC_BASED_CTLS, control_default(MSR_VMX_PROC));
	if (control_allowed(MSR_VMX_PROC, PROC_SECONDARY))
		set(VMCS_SEC_PROC_BASED_CTLS, 0);
	set(VMCS_EXIT_CTLS, control_default(MSR_VMX_EXIT) | EXIT_HOST64);
	set(VMCS_ENTRY_CTLS, control_default(MSR_VMX_ENTRY) | ENTRY_IA32E);
	set(VMCS_EXCEPTION_BITMAP, 0);
	set(VMCS_PF_ERROR_MASK, 0);
	set(VMCS_PF_ERROR_MATCH, 0);
	set(VMCS_CR3_TARGET_COUNT, 0);
	set(VMCS_EXIT_MSR_STORE_COUNT, 0);
	set(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	set(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	set(VMCS_ENTRY_INTR_INFO, 0);
	set(VMCS_CR0_MASK, 0);
	set(VMCS_CR4_MASK, 0);
	set(VMCS_CR0_SHADOW, 0);
	set(VMCS_CR4_SHADOW, 0);

	set(VMCS_GUEST_CR0, read_cr(0));
	set(VMCS_GUEST_CR3, read_cr(3));
	set(VMCS_GUEST_CR4, read_cr(4));
	set(VMCS_HOST_CR0, read_cr(0));
	set(VMCS_HOST_CR3, read_cr(3));
	set(VMCS_HOST_CR4, read_cr(4));
	set_segments();
	set_tables();
	set(VMCS_GUEST_DR7, 0x400);
	set(VMCS_GUEST_RSP, (uint64_t)guest_stack + sizeof(guest_stack));
	set(VMCS_GUEST_RIP, (uint64_t)code);
	set(VMCS_GUEST_RFLAGS, 2);
	set(VMCS_GUEST_INTERRUPTIBILITY, 0);
	set(VMCS_GUEST_ACTIVITY, 0);
	set(VMCS_GUEST_PENDING_DBG_EXCEPTIONS, 0);
	set(VMCS_GUEST_IA32_DEBUGCTL, 0);
	set(VMCS_LINK_POINTER, ~0ull);
	set(VMCS_HOST_RIP, (uint64_t)vm_exit);
	regs = (struct regs){ };
}

/* Set controls on top; those of the second word activate it */
void enable(uint32_t pin, uint32_t proc, uint32_t proc2)
{
	if (proc2)
		proc |= PROC_SECONDARY;
	set(VMCS_PIN_BASED_CTLS, get(VMCS_PIN_BASED_CTLS) | pin);
	set(VMCS_PRI_PROC_BASED_CTLS, get(VMCS_PRI_PROC_BASED_CTLS) | proc);
	if (proc2)
		set(VMCS_SEC_PROC_BASED_CTLS,
		    get(VMCS_SEC_PROC_BASED_CTLS) | proc2);
}

static struct vm_exit enter(bool again)
{
	struct vm_exit e = { .entered = vm_enter(&regs, again) };

	if (e.entered) {
		e.error = e.entered == 2 ? get(VMCS_INSTRUCTION_ERROR) : 0;
		return e;
	}
	e.reason = get(VMCS_EXIT_REASON);
	e.qualification = get(VMCS_EXIT_QUALIFICATION);
	e.info = get(VMCS_EXIT_INTR_INFO);
	e.info_error = get(VMCS_EXIT_INTR_ERRCODE);
	e.vectoring = get(VMCS_IDT_VECTORING_INFO);
	e.vectoring_error = get(VMCS_IDT_VECTORING_ERROR);
	e.length = get(VMCS_EXIT_INSTRUCTION_LENGTH);
	e.insn_info = get(VMCS_EXIT_INSTRUCTION_INFO);
	e.rip = get(VMCS_GUEST_RIP);
	e.linear = get(VMCS_GUEST_LINEAR_ADDRESS);
	e.physical = get(VMCS_GUEST_PHYSICAL_ADDRESS);
	return e;
}

struct vm_exit run(void)
{
	return enter(false);
}

struct vm_exit resume(void)
{
	return enter(true);
}

uint64_t guest_idt_handler(int vector)
{
	return (uint64_t)guest_vectors + 16 * vector;
}

/* The vector whose handler the guest is in, or -1 */
int guest_fault(const struct vm_exit *e)
{
	uint64_t offset = e->rip - (uint64_t)guest_vectors;

	return !e->entered && e->reason == EXIT_REASON_VMCALL &&
	       offset < 256 * 16 ? (int)(offset / 16) : -1;
}

/* Did the guest come to the VMCALL that ends its code? */
bool guest_done(const struct vm_exit *e)
{
	return !e->entered && e->reason == EXIT_REASON_VMCALL &&
	       guest_fault(e) < 0;
}
