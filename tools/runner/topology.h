/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets, cores and threads: pure, so that it can be tested. */
#ifndef VMXL_TOPOLOGY_H
#define VMXL_TOPOLOGY_H

#include "util.h"

/* At least 1 of each */
struct topology {
	unsigned int sockets;
	unsigned int cores;	/* of a socket */
	unsigned int threads;	/* of a core */
};

int topology_parse(struct topology *t, char *text);
unsigned int topology_cpus(const struct topology *t);
unsigned int topology_thread_bits(const struct topology *t);
unsigned int topology_core_bits(const struct topology *t);
u32 topology_apic_id(const struct topology *t, unsigned int cpu);

#endif /* VMXL_TOPOLOGY_H */
