// SPDX-License-Identifier: GPL-2.0-only
/* A machine from its making to its end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "cpuid.h"
#include "machine.h"
#include "peripherals.h"
#include "reasons.h"

#define PORT_LIMIT	0xffffULL

/* A device ends the guest: each vCPU's next VM_RUN reports it. */
static void suspend(struct power *power, int how)
{
	struct machine *m = container_of(power, struct machine, power);

	vm_suspend(m->ctx, how);
}

/**
 * machine_end() - a vCPU cannot or shall not go on: the machine ends
 * @cpu: the vCPU; its run page says why
 * @status: enum vmxl_status; what the first vCPU says counts
 *
 * Context: the vCPU's thread.
 */
void machine_end(struct cpu *cpu, int status)
{
	struct machine *m = cpu->machine;
	bool first;

	pthread_mutex_lock(&m->lock);
	first = m->status < 0;
	if (first)
		m->status = status;
	pthread_mutex_unlock(&m->lock);

	if (first && status != VMXL_POWEROFF)
		show_failure(cpu, vcpu_run_page(cpu->vcpu));
	eventfd_write(m->end_fd, 1);
}

static int create_devices(struct machine *m)
{
	int ret;

	ret = bus_init(&m->ports, PORT_LIMIT);
	if (!ret)
		ret = bus_init(&m->mmio, UINT64_MAX);
	if (!ret)
		ret = uart_init(&m->uart, &m->ports, &m->irqchip, UART_COM1_PORT,
				UART_COM1_IRQ);
	if (!ret)
		ret = rtc_init(&m->rtc, &m->ports, m->ram.lowmem, m->ram.highmem);
	if (!ret)
		ret = reset_init(&m->reset, &m->ports, &m->power);
	if (!ret)
		ret = pci_init(&m->pci, &m->ports, &m->mmio, &m->irqchip, &m->reset);
	pci_open_window64(&m->pci, m->ram.highmem ? VM_HIGHMEM_BASE + m->ram.highmem : 0,
			  m->info.guest_phys_bits);
	if (!ret)
		ret = acpipm_init(&m->pm, &m->ports, &m->irqchip, &m->power,
				  m->info.tsc_khz);
	if (!ret)
		ret = debugexit_init(&m->debugexit, &m->ports, &m->power, console_print);
	if (ret)
		return fail(ret, "cannot make the devices: %s", strerror(-ret));
	m->board = (struct board) {
		.name = m->name,
		.ctx = m->ctx,
		.ram = &m->ram,
		.irqchip = &m->irqchip,
		.power = &m->power,
		.ports = &m->ports,
		.mmio = &m->mmio,
		.pci = &m->pci,
		.lending = &m->lending,
		.terminal = &m->terminal,
	};
	return 0;
}

static void destroy_devices(struct machine *m)
{
	debugexit_destroy(&m->debugexit, &m->ports);
	acpipm_destroy(&m->pm, &m->ports);
	pci_destroy(&m->pci, &m->ports);
	reset_destroy(&m->reset, &m->ports);
	rtc_destroy(&m->rtc, &m->ports);
	uart_destroy(&m->uart, &m->ports);
	bus_destroy(&m->mmio);
	bus_destroy(&m->ports);
}

static int create_firmware(struct machine *m, const struct firmware_config *config)
{
	if (!config->name)
		return 0;
	m->has_firmware = true;
	return firmware_create(&m->firmware, config, &m->board, &m->reset, &m->topology,
			       m->trace);
}

static int setup_memory(struct machine *m, u64 size)
{
	int ret = vm_setup_memory(m->ctx, size);

	switch (ret) {
	case 0:
		break;
	case -E2BIG:
		return fail(ret,
			    "%llu MiB are too much memory: guests here have %u address bits",
			    size >> 20, m->info.guest_phys_bits);
	case -ENOMEM:
		return fail(ret, "%llu MiB are too much memory for this host", size >> 20);
	default:
		return fail(ret, "the module refuses %llu MiB of memory: %s", size >> 20,
			    strerror(-ret));
	}
	m->ram = (struct guest_ram) {
		.base = vm_map_gpa(m->ctx, 0, 1),
		.lowmem = vm_get_lowmem_size(m->ctx),
		.highmem = vm_get_highmem_size(m->ctx),
	};
	return 0;
}

static int setup_cpuid(struct machine *m)
{
	struct cpuid_table table = { .count = VMX_LITE_MAX_CPUID };
	int ret;

	ret = vm_get_cpuid(m->ctx, table.entries, &table.count);
	if (!ret)
		ret = cpuid_build(&table, &m->topology, m->info.tsc_khz,
				  m->info.features);
	for (unsigned int i = 0; !ret && i < m->nr_cpus; i++) {
		cpuid_set_apic_id(&table, vcpu_id(m->cpus[i].vcpu));
		ret = vm_set_cpuid(m->cpus[i].vcpu, table.entries, table.count);
	}
	if (ret)
		return fail(ret, "the module refuses the CPUID table: %s", strerror(-ret));
	return 0;
}

/* Wait until the machine ends or the user ends it; returns vmxl's exit status. */
static int wait_for_end(struct machine *m, int signal_fd)
{
	bool terminated = false;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = m->end_fd, .events = POLLIN },
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = m->console.port->room_fd, .events = POLLIN },
			{ .fd = console_wants_input(&m->console) ? STDIN_FILENO : -1,
			  .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			return VMXL_FAILED;
		}
		if (fds[0].revents)
			return -1;
		if (fds[1].revents) {
			struct signalfd_siginfo info;

			if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
				continue;
			if (info.ssi_signo == SIGWINCH) {
				console_resize(&m->console);
				continue;
			}
			/* A second one ends it in any case. */
			if (info.ssi_signo != SIGTERM || terminated ||
			    !acpipm_press_power_button(&m->pm))
				return 128 + info.ssi_signo;
			terminated = true;
		}
		if (fds[2].revents)
			console_feed(&m->console);
		if (fds[3].revents && console_input(&m->console) == CONSOLE_LEAVE)
			return VMXL_POWEROFF;
	}
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A reader of our output that goes away is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* From here on the guest runs: returns vmxl's exit status. */
static int run(struct machine *m, const struct machine_config *config,
	       const struct vcpu_state *boot)
{
	int signal_fd = block_signals();
	int status = VMXL_FAILED, asked;

	if (signal_fd < 0) {
		fail(-errno, "cannot make a signalfd: %s", strerror(errno));
		return status;
	}
	if (console_init(&m->console, &m->uart, m->terminal))
		goto out_close;
	control_start(&m->control, m);
	if (!cpus_start(m, boot))
		status = wait_for_end(m, signal_fd);
	control_stop(&m->control);
	cpus_stop(m);
	console_destroy(&m->console);

	if (status < 0)
		status = m->status;
	asked = debugexit_status(&m->debugexit);
	if (status == VMXL_POWEROFF && asked >= 0)
		status = asked;
	if (config->stats)
		show_stats(m, stderr);
out_close:
	close(signal_fd);
	return status;
}

/**
 * machine_run() - make a machine, run it, and take it down
 * @config: what it is to be
 *
 * Return: vmxl's exit status.
 */
int machine_run(const struct machine_config *config)
{
	struct machine m = {
		.name = config->name,
		.trace = config->trace,
		.pinning = &config->pinning,
		.topology = config->boot.topology,
		.nr_cpus = topology_cpus(&config->boot.topology),
		.power.suspend = suspend,
		.peripherals = config->peripherals,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.status = -1,
	};
	struct vcpu_state boot;
	int status, ret;

	irqchip_init(&m.irqchip);
	ret = vm_open(config->name, &m.ctx);
	if (ret) {
		explain_refusal(ret);
		return VMXL_HOST;
	}
	vm_get_info(m.ctx, &m.info);
	if (!m.info.tsc_khz) {
		fail(-ENODEV, "the frequency of this host's TSC is unknown: guests need it");
		vm_destroy(m.ctx);
		return VMXL_HOST;
	}

	status = VMXL_USAGE;
	if (topology_apic_id(&m.topology, m.nr_cpus - 1) >= m.info.max_vcpus) {
		fail(-EINVAL, "%u CPUs are too many: the module gives a guest %u APIC ids",
		     m.nr_cpus, m.info.max_vcpus);
		goto out_vm;
	}
	if (setup_memory(&m, config->memory) || boot_load(&config->boot, &m.ram, &boot))
		goto out_vm;

	status = VMXL_FAILED;
	m.end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m.end_fd < 0) {
		fail(-errno, "cannot make an eventfd: %s", strerror(errno));
		goto out_vm;
	}
	if (create_devices(&m))
		goto out_fd;
	if (create_firmware(&m, &config->firmware) || peripherals_create(m.peripherals, &m.board))
		status = VMXL_USAGE;
	else if (!cpus_create(&m) && !setup_cpuid(&m))
		status = run(&m, config, &boot);
	cpus_destroy(&m);
	peripherals_destroy(m.peripherals);
	if (m.has_firmware)
		firmware_destroy(&m.firmware);
	destroy_devices(&m);
out_fd:
	close(m.end_fd);
out_vm:
	vm_destroy(m.ctx);
	return status;
}
