// SPDX-License-Identifier: GPL-2.0-only
/*
 * --cpus, and the local APIC ids that follow from it: a field of bits each for
 * the thread, the core and the socket, as wide as its largest value needs
 * (SDM vol. 3, 9.9.1).
 */
#include <errno.h>
#include <string.h>

#include "topology.h"
#include "vmmapi.h"

static unsigned int order(unsigned int n)
{
	unsigned int bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

/**
 * topology_thread_bits() - width of the thread's field in an APIC id
 * @t: the topology
 *
 * Return: bits, 0 or more.
 */
unsigned int topology_thread_bits(const struct topology *t)
{
	return order(t->threads);
}

/**
 * topology_core_bits() - width of the core's field in an APIC id
 * @t: the topology
 *
 * Return: bits, 0 or more.
 */
unsigned int topology_core_bits(const struct topology *t)
{
	return order(t->cores);
}

/**
 * topology_cpus() - how many CPUs there are
 * @t: the topology
 *
 * Return: 1 to VMX_LITE_MAX_VCPUS.
 */
unsigned int topology_cpus(const struct topology *t)
{
	return t->sockets * t->cores * t->threads;
}

/**
 * topology_apic_id() - the local APIC id of a CPU
 * @t: the topology
 * @cpu: 0 to topology_cpus() - 1: threads of a core, then cores, then sockets
 *
 * Return: the id, from 0 to VMX_LITE_MAX_VCPUS - 1; it grows with @cpu.
 */
u32 topology_apic_id(const struct topology *t, unsigned int cpu)
{
	unsigned int thread = cpu % t->threads;
	unsigned int core = cpu / t->threads % t->cores;
	unsigned int socket = cpu / t->threads / t->cores;

	return (socket << topology_core_bits(t) | core) << topology_thread_bits(t) | thread;
}

/* Reads one word of --cpus into its field; a field that is not 0 was given before. */
static int parse_word(struct topology *t, u64 *cpus, const char *word)
{
	const struct {
		const char *name;
		unsigned int *field;
	} fields[] = {
		{ "sockets=", &t->sockets }, { "cores=", &t->cores }, { "threads=", &t->threads },
	};
	u64 number;

	if (!*cpus && !parse_u64(word, VMX_LITE_MAX_VCPUS, cpus))
		return *cpus ? 0 : -EINVAL;
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t len = strlen(fields[i].name);

		if (strncmp(word, fields[i].name, len) || *fields[i].field)
			continue;
		if (parse_u64(word + len, VMX_LITE_MAX_VCPUS, &number) || !number)
			return -EINVAL;
		*fields[i].field = number;
		return 0;
	}
	return -EINVAL;
}

/* What was not given: with the number of CPUs the rest are cores, else sockets. */
static void fill_in(struct topology *t, unsigned int cpus)
{
	if (!t->threads)
		t->threads = 1;
	if (!t->cores)
		t->cores = cpus ? MAX(cpus / (MAX(t->sockets, 1) * t->threads), 1) : 1;
	if (!t->sockets)
		t->sockets = cpus ? MAX(cpus / (t->cores * t->threads), 1) : 1;
}

/**
 * topology_parse() - read the value of --cpus
 * @t: out
 * @text: N, or words sockets=, cores= and threads= with or without N; changed
 *
 * Return: 0, or -EINVAL after a message.
 */
int topology_parse(struct topology *t, char *text)
{
	u64 cpus = 0;
	char *rest = text, *word;

	*t = (struct topology) { };
	while ((word = strsep(&rest, ",")))
		if (parse_word(t, &cpus, word))
			return fail(-EINVAL,
				    "--cpus: '%s' is no number from 1 to %u, nor one sockets=, cores= or threads= of them",
				    word, VMX_LITE_MAX_VCPUS);
	fill_in(t, cpus);
	/* Each is at most 64: the product fits. */
	if (cpus && topology_cpus(t) != cpus)
		return fail(-EINVAL,
			    "--cpus: %u sockets of %u cores of %u threads are not %llu CPUs",
			    t->sockets, t->cores, t->threads, cpus);
	if (topology_cpus(t) > VMX_LITE_MAX_VCPUS)
		return fail(-EINVAL, "--cpus: %u CPUs are too many: %u are allowed",
			    topology_cpus(t), VMX_LITE_MAX_VCPUS);
	if (topology_apic_id(t, topology_cpus(t) - 1) >= VMX_LITE_MAX_VCPUS)
		return fail(-EINVAL,
			    "--cpus: with %u sockets of %u cores of %u threads an APIC id is %u: %u is the last; take powers of 2",
			    t->sockets, t->cores, t->threads,
			    topology_apic_id(t, topology_cpus(t) - 1), VMX_LITE_MAX_VCPUS - 1);
	return 0;
}
