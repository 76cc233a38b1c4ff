// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPUs' threads.
 *
 * The first vCPU has a thread from the start; another gets its own when a vCPU
 * sends it a start-up IPI for the first time (SPINUP_AP) and keeps it from then
 * on: the module wakes it and lets it wait. A thread leaves VM_RUN by SIGUSR1
 * together with immediate_exit, so that no kick is lost between a test and the
 * entry.
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

/* Waits while the machine is paused; false if it stops. */
static bool may_run(struct machine *m)
{
	bool stopping;

	pthread_mutex_lock(&m->lock);
	if (m->paused && !m->stopping) {
		m->running--;
		pthread_cond_broadcast(&m->changed);
		while (m->paused && !m->stopping)
			pthread_cond_wait(&m->changed, &m->lock);
		m->running++;
	}
	stopping = m->stopping;
	pthread_mutex_unlock(&m->lock);
	return !stopping;
}

static bool run_once(struct cpu *cpu)
{
	struct vmx_lite_run *run = vcpu_run_page(cpu->vcpu);
	int ret = vm_run(cpu->vcpu);

	if (ret == -EINTR || (!ret && run->exit_reason == VM_EXITCODE_INTR)) {
		cpu->exits[VM_EXITCODE_INTR]++;
		/* Cleared before the reasons for the kick are looked at. */
		__atomic_store_n(&run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		return true;
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
	struct machine *m = cpu->machine;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL_KICK);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (may_run(m) && run_once(cpu))
		;
	pthread_mutex_lock(&m->lock);
	m->running--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static struct cpu *cpu_by_id(struct machine *m, unsigned int id)
{
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		if (vcpu_id(m->cpus[i].vcpu) == (int)id)
			return &m->cpus[i];
	return NULL;
}

static int start_thread(struct cpu *cpu)
{
	char name[THREAD_NAME_LEN];
	int suffix = snprintf(NULL, 0, " vcpu %u", cpu->index);
	int ret;

	snprintf(name, sizeof(name), "%.*s vcpu %u", THREAD_NAME_LEN - 1 - suffix,
		 cpu->machine->name, cpu->index);
	ret = thread_start(&cpu->thread, name, vm_loop, cpu,
			   pinning_of(cpu->machine->pinning, cpu->index));
	if (ret)
		return fail(ret, "cannot start the thread of vCPU %u: %s", cpu->index,
			    strerror(-ret));
	cpu->has_thread = true;
	cpu->machine->running++;
	return 0;
}

/**
 * cpu_start() - a vCPU needs its thread: it got a start-up IPI
 * @m: the machine
 * @id: the vCPU's APIC id; nothing happens if there is no such
 *
 * Context: any vCPU's thread.
 *
 * Return: 0, or a negative errno after a message.
 */
int cpu_start(struct machine *m, unsigned int id)
{
	struct cpu *cpu = cpu_by_id(m, id);
	int ret = 0;

	if (!cpu)
		return 0;
	pthread_mutex_lock(&m->lock);
	if (!cpu->has_thread && !m->stopping)
		ret = start_thread(cpu);
	pthread_mutex_unlock(&m->lock);
	return ret;
}

/**
 * cpu_set_intr() - change the level of a vCPU's INTR pin
 * @cpu: the vCPU
 * @level: high
 *
 * Context: any thread, after cpus_start().
 */
void cpu_set_intr(struct cpu *cpu, bool level)
{
	struct machine *m = cpu->machine;

	__atomic_store_n(&vcpu_run_page(cpu->vcpu)->intr_pin, level, __ATOMIC_SEQ_CST);
	/* VM_RUN looks at the pin when it is called. */
	if (!level)
		return;
	pthread_mutex_lock(&m->lock);
	if (!m->stopping && cpu->has_thread && !pthread_equal(cpu->thread, pthread_self()))
		kick(cpu);
	pthread_mutex_unlock(&m->lock);
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

/**
 * cpus_start() - start the first vCPU
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

	return cpu_start(m, vcpu_id(m->cpus[0].vcpu));
}

/**
 * cpus_pause() - let no vCPU run until cpus_resume()
 * @m: the machine
 *
 * On return none is in the guest. Its TSC and its timers go on: all vCPUs see
 * the same time afterwards.
 *
 * Context: any thread but a vCPU's.
 */
void cpus_pause(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->paused = true;
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		if (m->cpus[i].has_thread)
			kick(&m->cpus[i]);
	while (m->paused && m->running && !m->stopping)
		pthread_cond_wait(&m->changed, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

/**
 * cpus_resume() - undo cpus_pause()
 * @m: the machine
 *
 * Context: any thread.
 */
void cpus_resume(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->paused = false;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

/**
 * cpus_paused() - is the machine between cpus_pause() and cpus_resume()?
 * @m: the machine
 *
 * Return: whether it is.
 */
bool cpus_paused(struct machine *m)
{
	bool paused;

	pthread_mutex_lock(&m->lock);
	paused = m->paused;
	pthread_mutex_unlock(&m->lock);
	return paused;
}

/**
 * cpus_stop() - end the vCPUs' threads and wait for them
 * @m: the machine
 */
void cpus_stop(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->changed);
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
