// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPUs' threads.
 *
 * Each vCPU has a thread from the start, which calls VM_RUN at once: all but
 * the first vCPU wait there for a start-up IPI. One that the module leaves to
 * us arrives as the exit SPINUP_AP of the vCPU that sent it. A thread leaves
 * VM_RUN by SIGUSR1 together with immediate_exit, so that no kick is lost
 * between a test and the entry.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define THREAD_NAME_LEN	16	/* with the NUL: a limit of Linux */
#define SIGNAL_KICK	SIGUSR1

static void kicked(int sig)
{
	/* Its arrival is all that counts: VM_RUN returns. */
	(void)sig;
}

static void kick(struct cpu *cpu)
{
	vcpu_kick(cpu->vcpu);
	if (cpu->has_thread)
		pthread_kill(cpu->thread, SIGNAL_KICK);
}

/* Real mode at the page a start-up IPI names (SDM vol. 3, 9.4.3). */
static int apply_sipi(struct cpu *cpu, u64 rip)
{
	struct vcpu_state state;
	int ret;

	vcpu_reset_state(&state);
	state.segs.cs.selector = rip >> 4;
	state.segs.cs.base = rip & ~0xfULL;
	state.regs.rip = rip & 0xf;
	ret = vm_set_state(cpu->vcpu, &state);
	return ret ? ret : vm_set_activity(cpu->vcpu, VMX_LITE_RUNNING);
}

static bool is_stopping(struct machine *m)
{
	bool stopping;

	pthread_mutex_lock(&m->lock);
	stopping = m->stopping;
	pthread_mutex_unlock(&m->lock);
	return stopping;
}

/* Take a start-up IPI if one came. False if the machine stops. */
static bool take_sipi(struct cpu *cpu)
{
	struct machine *m = cpu->machine;
	bool wanted, stopping;
	u64 rip;
	int ret;

	pthread_mutex_lock(&m->lock);
	stopping = m->stopping;
	wanted = cpu->start_wanted;
	cpu->start_wanted = false;
	rip = cpu->start_rip;
	pthread_mutex_unlock(&m->lock);

	if (stopping)
		return false;
	if (!wanted)
		return true;
	ret = apply_sipi(cpu, rip);
	if (ret) {
		fail(ret, "cannot start vCPU %u at %#llx: %s", cpu->index, rip,
		     strerror(-ret));
		machine_end(cpu, VMXL_FAILED);
		return false;
	}
	return true;
}

static bool run_once(struct cpu *cpu)
{
	struct vmx_lite_run *run = vcpu_run_page(cpu->vcpu);
	int ret = vm_run(cpu->vcpu);

	if (ret == -EINTR || (!ret && run->exit_reason == VM_EXITCODE_INTR)) {
		cpu->exits[VM_EXITCODE_INTR]++;
		/* Cleared before the reasons for the kick are looked at. */
		__atomic_store_n(&run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		return take_sipi(cpu);
	}
	if (ret) {
		fail(ret, "vCPU %u cannot run: %s", cpu->index, strerror(-ret));
		machine_end(cpu, VMXL_FAILED);
		return false;
	}
	return cpu_handle_exit(cpu) == VMEXIT_CONTINUE;
}

static void *vm_loop(void *arg)
{
	struct cpu *cpu = arg;

	while (!is_stopping(cpu->machine) && run_once(cpu))
		;
	return NULL;
}

static struct cpu *cpu_by_id(struct machine *m, unsigned int id)
{
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		if (vcpu_id(m->cpus[i].vcpu) == (int)id)
			return &m->cpus[i];
	return NULL;
}

/**
 * cpu_start() - a start-up IPI for a vCPU
 * @m: the machine
 * @id: the vCPU's APIC id; nothing happens if there is no such
 * @rip: where it starts: the page that the IPI names
 *
 * Context: any vCPU's thread.
 */
void cpu_start(struct machine *m, unsigned int id, u64 rip)
{
	struct cpu *cpu = cpu_by_id(m, id);

	if (!cpu)
		return;
	pthread_mutex_lock(&m->lock);
	cpu->start_wanted = true;
	cpu->start_rip = rip;
	pthread_mutex_unlock(&m->lock);
	kick(cpu);
}

/**
 * cpus_create() - create the vCPUs
 * @m: the machine, with nr_cpus set
 *
 * Return: 0, or a negative errno after a message.
 */
int cpus_create(struct machine *m)
{
	int ret;

	m->cpus = calloc(m->nr_cpus, sizeof(*m->cpus));
	if (!m->cpus)
		return fail(-ENOMEM, "no memory");
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		struct cpu *cpu = &m->cpus[i];

		cpu->machine = m;
		cpu->index = i;
		ret = vm_vcpu_open(m->ctx, topology_apic_id(&m->topology, i), &cpu->vcpu);
		if (ret)
			return fail(ret, "cannot create vCPU %u: %s", i, strerror(-ret));
	}
	return 0;
}

/**
 * cpus_destroy() - undo cpus_create(), whole or in part
 * @m: the machine; no thread is left
 */
void cpus_destroy(struct machine *m)
{
	for (unsigned int i = 0; m->cpus && i < m->nr_cpus; i++)
		vm_vcpu_close(m->cpus[i].vcpu);
	free(m->cpus);
}

static int start_thread(struct cpu *cpu, unsigned int id)
{
	char name[2 * THREAD_NAME_LEN];
	int suffix = snprintf(NULL, 0, " vcpu %u", id);
	int ret;

	ret = pthread_create(&cpu->thread, NULL, vm_loop, cpu);
	if (ret)
		return fail(-ret, "cannot start a thread: %s", strerror(ret));
	cpu->has_thread = true;
	snprintf(name, sizeof(name), "%.*s vcpu %u", THREAD_NAME_LEN - 1 - suffix,
		 cpu->machine->name, id);
	pthread_setname_np(cpu->thread, name);
	return 0;
}

/**
 * cpus_start() - start the vCPUs' threads
 * @m: the machine
 * @boot: how the first vCPU starts
 *
 * Return: 0, or a negative errno after a message.
 */
int cpus_start(struct machine *m, const struct vcpu_state *boot)
{
	/* Without SA_RESTART: the signal must end VM_RUN. */
	struct sigaction action = { .sa_handler = kicked };
	int ret;

	sigaction(SIGNAL_KICK, &action, NULL);
	ret = vm_set_state(m->cpus[0].vcpu, boot);
	if (!ret)
		ret = vm_set_activity(m->cpus[0].vcpu, VMX_LITE_RUNNING);
	if (ret)
		return fail(ret, "the module refuses the first CPU's state: %s",
			    strerror(-ret));

	/* The first vCPU last: a kick needs the other's thread. */
	for (unsigned int i = m->nr_cpus; i-- > 0;) {
		ret = start_thread(&m->cpus[i], i);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * cpus_stop() - end the vCPUs' threads and wait for them
 * @m: the machine
 */
void cpus_stop(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_mutex_unlock(&m->lock);

	for (unsigned int i = 0; i < m->nr_cpus; i++)
		kick(&m->cpus[i]);
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		struct cpu *cpu = &m->cpus[i];

		if (cpu->has_thread)
			pthread_join(cpu->thread, NULL);
		cpu->has_thread = false;
	}
}
