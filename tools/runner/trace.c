// SPDX-License-Identifier: GPL-2.0-only
/* Exits, failures and registers in words, on stderr. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define CODE_BEFORE	16
#define CODE_BYTES	48

static const char *const exit_names[VM_EXITCODE_MAX] = {
	[VM_EXITCODE_NONE] = "none",
	[VM_EXITCODE_INOUT] = "inout",
	[VM_EXITCODE_MMIO] = "mmio",
	[VM_EXITCODE_RDMSR] = "rdmsr",
	[VM_EXITCODE_WRMSR] = "wrmsr",
	[VM_EXITCODE_HLT] = "hlt",
	[VM_EXITCODE_PAUSE] = "pause",
	[VM_EXITCODE_MTRAP] = "mtrap",
	[VM_EXITCODE_DEBUG] = "debug",
	[VM_EXITCODE_SPINUP_AP] = "spinup_ap",
	[VM_EXITCODE_IOAPIC_EOI] = "ioapic_eoi",
	[VM_EXITCODE_SUSPENDED] = "suspended",
	[VM_EXITCODE_INTR] = "intr",
	[VM_EXITCODE_FAIL_ENTRY] = "fail_entry",
	[VM_EXITCODE_INTERNAL] = "internal",
	[VM_EXITCODE_EXTINT] = "extint",
};

static const char *const suspend_names[] = {
	[VM_SUSPEND_NONE] = "none",
	[VM_SUSPEND_RESET] = "reset",
	[VM_SUSPEND_POWEROFF] = "poweroff",
	[VM_SUSPEND_HALT] = "halt",
	[VM_SUSPEND_TRIPLEFAULT] = "triple fault",
};

static const char *const fail_names[] = {
	[VMX_LITE_FAIL_INSTRUCTION] = "VMLAUNCH or VMRESUME failed",
	[VMX_LITE_FAIL_GUEST_STATE] = "the guest state is invalid",
	[VMX_LITE_FAIL_MSR_LOAD] = "an MSR could not be loaded",
	[VMX_LITE_FAIL_MACHINE_CHECK] = "a machine check came during entry",
};

static const char *const internal_names[] = {
	[VMX_LITE_INTERNAL_EMULATION] = "an instruction could not be emulated",
	[VMX_LITE_INTERNAL_UNEXPECTED_EXIT] = "an exit that nobody asked for",
	[VMX_LITE_INTERNAL_EPT_MISCONFIG] = "an EPT misconfiguration",
	[VMX_LITE_INTERNAL_DELIVERY] = "an exit while an event was being delivered",
	[VMX_LITE_INTERNAL_MEMORY] = "guest memory could not be made present",
};

#define NAME(names, i) \
	((i) < ARRAY_SIZE(names) && (names)[i] ? (names)[i] : "unknown")

/**
 * exit_name() - an exit reason's name
 * @exit_reason: enum vmx_lite_exit_reason
 *
 * Return: the name, never NULL.
 */
const char *exit_name(u32 exit_reason)
{
	return NAME(exit_names, exit_reason);
}

static const char *eol(void)
{
	return isatty(STDERR_FILENO) ? "\r\n" : "\n";
}

static void trace_inout(struct cpu *cpu, const struct vmx_lite_run *run, char *out,
			size_t len)
{
	size_t room;
	const u8 *data = vcpu_io_data(cpu->vcpu, &room);
	u32 value = 0;

	memcpy(&value, data, MIN(run->inout.size, sizeof(value)));
	snprintf(out, len, "%s%s port %#x (%s) size %u count %u %s %#x",
		 run->inout.flags & VMX_LITE_INOUT_REP ? "rep " : "",
		 run->inout.flags & VMX_LITE_INOUT_IN ? "in" : "out",
		 run->inout.port, bus_name(&cpu->machine->ports, run->inout.port),
		 run->inout.size, run->inout.count,
		 run->inout.flags & VMX_LITE_INOUT_IN ? "->" : "<-", value);
}

/**
 * trace_exit() - one line for an exit that has been handled
 * @cpu: the vCPU
 * @run: its run page
 */
void trace_exit(struct cpu *cpu, const struct vmx_lite_run *run)
{
	char what[160] = "";

	switch (run->exit_reason) {
	case VM_EXITCODE_INOUT:
		trace_inout(cpu, run, what, sizeof(what));
		break;
	case VM_EXITCODE_MMIO:
		snprintf(what, sizeof(what), "%s %#llx (%s) size %u %s %#llx",
			 run->mmio.is_write ? "write" : "read", run->mmio.gpa,
			 bus_name(&cpu->machine->mmio, run->mmio.gpa), run->mmio.size,
			 run->mmio.is_write ? "<-" : "->", run->mmio.data);
		break;
	case VM_EXITCODE_RDMSR:
	case VM_EXITCODE_WRMSR:
		snprintf(what, sizeof(what), "%#x value %#llx%s", run->msr.index,
			 run->msr.value, run->msr.error ? " #GP" : "");
		break;
	case VM_EXITCODE_SPINUP_AP:
		snprintf(what, sizeof(what), "vcpu %u at %#llx", run->spinup_ap.vcpu,
			 run->spinup_ap.rip);
		break;
	case VM_EXITCODE_IOAPIC_EOI:
		snprintf(what, sizeof(what), "vector %#x", run->ioapic_eoi.vector);
		break;
	case VM_EXITCODE_SUSPENDED:
		snprintf(what, sizeof(what), "%s", NAME(suspend_names, run->suspended.how));
		break;
	}
	fprintf(stderr, "vcpu %u rip %#llx %s %s%s", cpu->index, run->rip,
		exit_name(run->exit_reason), what, eol());
}

static void show_segment(const char *name, const struct vmx_lite_segment *s)
{
	fprintf(stderr, "%-4s %04x base %016llx limit %08x attr %05x%s", name, s->selector,
		s->base, s->limit, s->attr, eol());
}

static void show_code(struct cpu *cpu, const struct vcpu_state *state)
{
	u64 rip = state->segs.cs.base + state->regs.rip;
	u64 from = rip > CODE_BEFORE ? rip - CODE_BEFORE : 0;
	unsigned int bytes = 0;

	fprintf(stderr, "code");
	for (u64 at = from; bytes < CODE_BYTES; at++, bytes++) {
		u8 byte;

		if (vm_copyin(cpu->vcpu, at, &byte, 1))
			fprintf(stderr, at == rip ? " <-->" : " --");
		else
			fprintf(stderr, at == rip ? " <%02x>" : " %02x", byte);
	}
	fprintf(stderr, "%s", eol());
}

/**
 * show_registers() - a vCPU's registers and the code around RIP
 * @cpu: the vCPU, not running
 *
 * Context: the vCPU's thread.
 */
void show_registers(struct cpu *cpu)
{
	struct vcpu_state s;
	const char *nl = eol();
	int ret = vm_get_state(cpu->vcpu, &s);

	if (ret) {
		fail(ret, "the registers of vCPU %u cannot be read: %s",
		     cpu->index, strerror(-ret));
		return;
	}
	fprintf(stderr, "vcpu %u%s", cpu->index, nl);
	fprintf(stderr, "rip %016llx rflags %08llx%s", s.regs.rip, s.regs.rflags, nl);
	fprintf(stderr, "rax %016llx rbx %016llx rcx %016llx rdx %016llx%s",
		s.regs.rax, s.regs.rbx, s.regs.rcx, s.regs.rdx, nl);
	fprintf(stderr, "rsi %016llx rdi %016llx rbp %016llx rsp %016llx%s",
		s.regs.rsi, s.regs.rdi, s.regs.rbp, s.regs.rsp, nl);
	fprintf(stderr, "r8  %016llx r9  %016llx r10 %016llx r11 %016llx%s",
		s.regs.r8, s.regs.r9, s.regs.r10, s.regs.r11, nl);
	fprintf(stderr, "r12 %016llx r13 %016llx r14 %016llx r15 %016llx%s",
		s.regs.r12, s.regs.r13, s.regs.r14, s.regs.r15, nl);
	fprintf(stderr, "cr0 %016llx cr2 %016llx cr3 %016llx cr4 %016llx%s",
		s.control.cr0, s.control.cr2, s.control.cr3, s.control.cr4, nl);
	fprintf(stderr, "cr8 %016llx efer %015llx xcr0 %015llx apic %015llx%s",
		s.control.cr8, s.control.efer, s.control.xcr0, s.control.apic_base, nl);
	show_segment("cs", &s.segs.cs);
	show_segment("ss", &s.segs.ss);
	show_segment("ds", &s.segs.ds);
	show_segment("es", &s.segs.es);
	show_segment("fs", &s.segs.fs);
	show_segment("gs", &s.segs.gs);
	show_segment("ldtr", &s.segs.ldtr);
	show_segment("tr", &s.segs.tr);
	fprintf(stderr, "gdtr base %016llx limit %04x%s", s.segs.gdtr.base,
		s.segs.gdtr.limit, nl);
	fprintf(stderr, "idtr base %016llx limit %04x%s", s.segs.idtr.base,
		s.segs.idtr.limit, nl);
	show_code(cpu, &s);
}

static void show_internal(struct cpu *cpu, const struct vmx_lite_run *run)
{
	unsigned int n = MIN(run->internal.insn_len, sizeof(run->internal.insn));

	fail(-EIO, "vCPU %u cannot go on: %s; exit reason %u (%s)",
	     cpu->index, NAME(internal_names, run->internal.why),
	     run->internal.vmx_reason & 0xffff,
	     vm_exit_reason_name(run->internal.vmx_reason & 0xffff));
	fprintf(stderr, "qualification %#llx gpa %#llx gva %#llx idt-vectoring %#x error %d%s",
		run->internal.qualification, run->internal.gpa, run->internal.gva,
		run->internal.idt_vectoring, run->internal.error, eol());
	if (!n)
		return;
	fprintf(stderr, "insn");
	for (unsigned int i = 0; i < n; i++)
		fprintf(stderr, " %02x", run->internal.insn[i]);
	fprintf(stderr, "%s", eol());
}

/**
 * show_failure() - say why a vCPU ended otherwise than by power-off
 * @cpu: the vCPU
 * @run: its run page
 *
 * Context: the vCPU's thread.
 */
void show_failure(struct cpu *cpu, const struct vmx_lite_run *run)
{
	switch (run->exit_reason) {
	case VM_EXITCODE_FAIL_ENTRY:
		fail(-EIO, "VM entry of vCPU %u failed: %s: %.*s",
		     cpu->index, NAME(fail_names, run->fail_entry.why),
		     (int)sizeof(run->fail_entry.what), run->fail_entry.what);
		fprintf(stderr, "exit reason %#x qualification %#llx instruction error %u%s",
			run->fail_entry.vmx_reason, run->fail_entry.qualification,
			run->fail_entry.insn_error, eol());
		break;
	case VM_EXITCODE_INTERNAL:
		show_internal(cpu, run);
		break;
	case VM_EXITCODE_SUSPENDED:
		note(run->suspended.how == VM_SUSPEND_TRIPLEFAULT ?
		     "the guest had a triple fault" : "the guest reset itself");
		break;
	default:
		fail(-EIO, "vCPU %u had an exit that vmxl did not ask for: %s (%u)",
		     cpu->index, exit_name(run->exit_reason), run->exit_reason);
	}
	show_registers(cpu);
}
