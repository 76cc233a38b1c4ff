/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine: the VM, its vCPUs' threads and its devices. */
#ifndef VMXL_MACHINE_H
#define VMXL_MACHINE_H

#include <pthread.h>

#include "acpipm.h"
#include "boot.h"
#include "bus.h"
#include "console.h"
#include "control.h"
#include "debugexit.h"
#include "firmware.h"
#include "irqchip.h"
#include "lent.h"
#include "pci.h"
#include "peripheral.h"
#include "pin.h"
#include "reset.h"
#include "rtc.h"
#include "uart.h"
#include "vmmapi.h"

struct machine;

/**
 * struct cpu - a vCPU and its thread
 * @index: its number for the user; the module knows it by its APIC id
 * @exits: exits to user space by enum vmx_lite_exit_reason; the thread's own
 * @has_thread: guarded by machine.lock until the machine stops
 */
struct cpu {
	struct machine *machine;
	unsigned int index;
	struct vcpu *vcpu;
	pthread_t thread;
	bool has_thread;
	u64 exits[VM_EXITCODE_MAX];
};

struct machine {
	const char *name;
	bool trace;
	struct vmctx *ctx;
	struct vmx_lite_info info;
	struct guest_ram ram;

	struct irqchip irqchip;
	struct power power;
	struct bus ports;
	struct bus mmio;
	struct uart uart;
	struct rtc rtc;
	struct reset reset;
	struct pci_bus pci;
	struct acpipm pm;
	struct debugexit debugexit;
	struct console console;
	struct control control;
	struct lending lending;
	struct console_port *terminal;	/* instead of the serial port, or NULL */
	struct board board;
	struct peripheral *peripherals;
	struct firmware firmware;
	bool has_firmware;

	struct topology topology;
	const struct pinning *pinning;
	unsigned int nr_cpus;
	struct cpu *cpus;

	pthread_mutex_t lock;
	bool stopping;		/* guarded by @lock */
	bool paused;		/* the same */
	unsigned int running;	/* vCPUs' threads that are not in a pause; the same */
	pthread_cond_t changed;	/* of the three above */
	int status;		/* enum vmxl_status of the first that ended; @lock */
	int end_fd;		/* eventfd: a vCPU's thread ended the machine */
};

struct machine_config {
	const char *name;
	u64 memory;
	bool trace;
	bool stats;
	struct pinning pinning;
	struct peripheral *peripherals;
	struct firmware_config firmware;
	struct boot_config boot;
};

int machine_run(const struct machine_config *config);

/* irqchip.c */
void irqchip_init(struct irqchip *chip);

/* vcpu.c */
int cpus_create(struct machine *m);
void cpus_destroy(struct machine *m);
int cpus_start(struct machine *m, const struct vcpu_state *boot);
void cpus_stop(struct machine *m);
void machine_end(struct cpu *cpu, int status);
void cpus_pause(struct machine *m);
void cpus_resume(struct machine *m);
bool cpus_paused(struct machine *m);
int cpu_start(struct machine *m, unsigned int id);
void cpu_set_intr(struct cpu *cpu, bool level);

/* exits.c */
enum { VMEXIT_CONTINUE, VMEXIT_STOP };
int cpu_handle_exit(struct cpu *cpu);

/* trace.c */
void trace_exit(struct cpu *cpu, const struct vmx_lite_run *run);
void show_registers(struct cpu *cpu);
void show_failure(struct cpu *cpu, const struct vmx_lite_run *run);
const char *exit_name(u32 exit_reason);

/* stats.c */
void show_stats(struct machine *m, FILE *out);

#endif /* VMXL_MACHINE_H */
