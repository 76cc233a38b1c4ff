/* SPDX-License-Identifier: GPL-2.0-only */
/* --pin: which vCPU's thread runs on which of the host's CPUs. */
#ifndef VMXL_PIN_H
#define VMXL_PIN_H

#include <sched.h>

#include "util.h"
#include "vmmapi.h"

/**
 * struct pinning - by a vCPU's number
 * @cpus: where it may run, if @pinned
 */
struct pinning {
	bool pinned[VMX_LITE_MAX_VCPUS];
	cpu_set_t cpus[VMX_LITE_MAX_VCPUS];
};

int pinning_parse(struct pinning *p, char *text);
int pinning_check(const struct pinning *p, unsigned int nr_vcpus);
const cpu_set_t *pinning_of(const struct pinning *p, unsigned int vcpu);

#endif /* VMXL_PIN_H */
