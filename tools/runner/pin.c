// SPDX-License-Identifier: GPL-2.0-only
/* --pin: which vCPU's thread runs on which of the host's CPUs. */
#include <errno.h>
#include <string.h>

#include "pin.h"

/* N or N-M. Returns 0 or -EINVAL. */
static int parse_range(char *text, u64 max, u64 *first, u64 *last)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash = '\0';
	if (parse_u64(text, max, first))
		return -EINVAL;
	*last = *first;
	if (dash && parse_u64(dash + 1, max, last))
		return -EINVAL;
	return *last < *first ? -EINVAL : 0;
}

/* The vCPUs from 0 in turn get a CPU each. */
static int parse_list(struct pinning *p, char *text)
{
	unsigned int vcpu = 0;
	char *word;

	while ((word = strsep(&text, ","))) {
		u64 first, last;

		if (parse_range(word, CPU_SETSIZE - 1, &first, &last) ||
		    last - first >= VMX_LITE_MAX_VCPUS - vcpu)
			return -EINVAL;
		for (u64 cpu = first; cpu <= last; cpu++, vcpu++) {
			if (p->pinned[vcpu])
				return -EINVAL;
			p->pinned[vcpu] = true;
			CPU_SET(cpu, &p->cpus[vcpu]);
		}
	}
	return 0;
}

/* The vCPUs of a range get all of a list of CPUs. */
static int parse_pair(struct pinning *p, char *vcpus, char *text)
{
	cpu_set_t cpus;
	u64 first, last;
	char *word;

	CPU_ZERO(&cpus);
	while ((word = strsep(&text, ","))) {
		if (parse_range(word, CPU_SETSIZE - 1, &first, &last))
			return -EINVAL;
		for (u64 cpu = first; cpu <= last; cpu++)
			CPU_SET(cpu, &cpus);
	}
	if (parse_range(vcpus, VMX_LITE_MAX_VCPUS - 1, &first, &last))
		return -EINVAL;
	for (u64 vcpu = first; vcpu <= last; vcpu++) {
		if (p->pinned[vcpu])
			return -EINVAL;
		p->pinned[vcpu] = true;
		p->cpus[vcpu] = cpus;
	}
	return 0;
}

/**
 * pinning_parse() - read a value of --pin
 * @p: all zero, or what earlier values said; out
 * @text: a list of CPUs, one a vCPU, such as 2,4-6; or VCPUS:CPUS, such as
 *	0-3:8-15, for vCPUs that share a list; changed
 *
 * Return: 0, or -EINVAL after a message.
 */
int pinning_parse(struct pinning *p, char *text)
{
	char *colon = strchr(text, ':');
	int ret;

	if (colon) {
		*colon = '\0';
		ret = parse_pair(p, text, colon + 1);
	} else {
		ret = parse_list(p, text);
	}
	if (ret)
		return fail(ret,
			    "--pin takes CPUs, one a vCPU, such as 2,4-6, or VCPUS:CPUS, such as 0-3:8-15, and each vCPU once");
	return 0;
}

/**
 * pinning_check() - whether this guest and this host have what --pin names
 * @p: what it says
 * @nr_vcpus: how many the guest has
 *
 * Return: 0, or -EINVAL after a message.
 */
int pinning_check(const struct pinning *p, unsigned int nr_vcpus)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return fail(-errno, "cannot tell the CPUs of this host: %s", strerror(errno));
	for (unsigned int vcpu = 0; vcpu < VMX_LITE_MAX_VCPUS; vcpu++) {
		if (!p->pinned[vcpu])
			continue;
		if (vcpu >= nr_vcpus)
			return fail(-EINVAL, "--pin names vCPU %u: the guest has %u, from 0",
				    vcpu, nr_vcpus);
		for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &p->cpus[vcpu]) && !CPU_ISSET(cpu, &allowed))
				return fail(-EINVAL,
					    "--pin names CPU %u: it is not there, or not vmxl's",
					    cpu);
	}
	return 0;
}

/**
 * pinning_of() - where a vCPU's thread may run
 * @p: what --pin says
 * @vcpu: its number
 *
 * Return: the CPUs, or NULL for all.
 */
const cpu_set_t *pinning_of(const struct pinning *p, unsigned int vcpu)
{
	return p->pinned[vcpu] ? &p->cpus[vcpu] : NULL;
}
