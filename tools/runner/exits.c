// SPDX-License-Identifier: GPL-2.0-only
/* What is done about each exit of VM_RUN: a handler for each reason. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "machine.h"
#include "pic.h"

typedef int (*vmexit_handler_t)(struct cpu *cpu, struct vmx_lite_run *run);

static int vmexit_inout(struct cpu *cpu, struct vmx_lite_run *run)
{
	struct bus *ports = &cpu->machine->ports;
	unsigned int size = run->inout.size;
	size_t room;
	u8 *data = vcpu_io_data(cpu->vcpu, &room);

	if ((size != 1 && size != 2 && size != 4) || run->inout.count > room / size) {
		fail(-EPROTO, "the module reports port I/O of %u items of %u bytes",
		     run->inout.count, size);
		machine_end(cpu, VMXL_FAILED);
		return VMEXIT_STOP;
	}
	for (u32 i = 0; i < run->inout.count; i++, data += size) {
		u64 value = 0;

		if (run->inout.flags & VMX_LITE_INOUT_IN) {
			value = bus_read(ports, run->inout.port, size);
			memcpy(data, &value, size);
		} else {
			memcpy(&value, data, size);
			bus_write(ports, run->inout.port, size, value);
		}
	}
	return VMEXIT_CONTINUE;
}

static int vmexit_mmio(struct cpu *cpu, struct vmx_lite_run *run)
{
	struct bus *mmio = &cpu->machine->mmio;

	if (run->mmio.is_write)
		bus_write(mmio, run->mmio.gpa, run->mmio.size, run->mmio.data);
	else
		run->mmio.data = bus_read(mmio, run->mmio.gpa, run->mmio.size);
	return VMEXIT_CONTINUE;
}

/* The module knows the MSRs a guest may use; all others do not exist. */
static int vmexit_msr(struct cpu *cpu, struct vmx_lite_run *run)
{
	(void)cpu;
	run->msr.error = 1;
	return VMEXIT_CONTINUE;
}

static int vmexit_yield(struct cpu *cpu, struct vmx_lite_run *run)
{
	(void)cpu;
	(void)run;
	sched_yield();
	return VMEXIT_CONTINUE;
}

static int vmexit_spinup_ap(struct cpu *cpu, struct vmx_lite_run *run)
{
	if (!cpu_start(cpu->machine, run->spinup_ap.vcpu))
		return VMEXIT_CONTINUE;
	machine_end(cpu, VMXL_FAILED);
	return VMEXIT_STOP;
}

/* No device here has a level interrupt that must be told of an EOI. */
static int vmexit_nothing(struct cpu *cpu, struct vmx_lite_run *run)
{
	(void)cpu;
	(void)run;
	return VMEXIT_CONTINUE;
}

/* The 8259A's acknowledge cycle: only now it decides which interrupt it is. */
static int vmexit_extint(struct cpu *cpu, struct vmx_lite_run *run)
{
	struct pic *pic = cpu->machine->irqchip.pic;
	int ret;

	if (!pic) {
		run->intr_pin = 0;
		return VMEXIT_CONTINUE;
	}
	ret = vm_inject_intr(cpu->vcpu, pic_acknowledge(pic));
	if (!ret)
		return VMEXIT_CONTINUE;
	fail(ret, "the module refuses an interrupt: %s", strerror(-ret));
	machine_end(cpu, VMXL_FAILED);
	return VMEXIT_STOP;
}

static int vmexit_suspended(struct cpu *cpu, struct vmx_lite_run *run)
{
	switch (run->suspended.how) {
	case VM_SUSPEND_RESET:
	case VM_SUSPEND_TRIPLEFAULT:
		machine_end(cpu, VMXL_RESET);
		break;
	default:
		machine_end(cpu, VMXL_POWEROFF);
	}
	return VMEXIT_STOP;
}

static int vmexit_failed(struct cpu *cpu, struct vmx_lite_run *run)
{
	(void)run;
	machine_end(cpu, VMXL_FAILED);
	return VMEXIT_STOP;
}

static const vmexit_handler_t handlers[VM_EXITCODE_MAX] = {
	[VM_EXITCODE_NONE] = vmexit_failed,
	[VM_EXITCODE_INOUT] = vmexit_inout,
	[VM_EXITCODE_MMIO] = vmexit_mmio,
	[VM_EXITCODE_RDMSR] = vmexit_msr,
	[VM_EXITCODE_WRMSR] = vmexit_msr,
	[VM_EXITCODE_HLT] = vmexit_yield,
	[VM_EXITCODE_PAUSE] = vmexit_yield,
	[VM_EXITCODE_MTRAP] = vmexit_failed,
	[VM_EXITCODE_DEBUG] = vmexit_failed,
	[VM_EXITCODE_SPINUP_AP] = vmexit_spinup_ap,
	[VM_EXITCODE_IOAPIC_EOI] = vmexit_nothing,
	[VM_EXITCODE_SUSPENDED] = vmexit_suspended,
	[VM_EXITCODE_INTR] = vmexit_nothing,
	[VM_EXITCODE_FAIL_ENTRY] = vmexit_failed,
	[VM_EXITCODE_INTERNAL] = vmexit_failed,
	[VM_EXITCODE_EXTINT] = vmexit_extint,
};

/**
 * cpu_handle_exit() - do what an exit asks for
 * @cpu: the vCPU; the exit is in its run page
 *
 * Context: the vCPU's thread.
 *
 * Return: VMEXIT_CONTINUE to run on, or VMEXIT_STOP after machine_end().
 */
int cpu_handle_exit(struct cpu *cpu)
{
	struct vmx_lite_run *run = vcpu_run_page(cpu->vcpu);
	u32 reason = run->exit_reason;
	int ret;

	if (reason >= VM_EXITCODE_MAX)
		return vmexit_failed(cpu, run);
	cpu->exits[reason]++;
	ret = handlers[reason](cpu, run);
	/* After the handler: a read's trace shows what the guest gets. */
	if (cpu->machine->trace)
		trace_exit(cpu, run);
	return ret;
}
