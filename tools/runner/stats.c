// SPDX-License-Identifier: GPL-2.0-only
/* --stats: what the vCPUs did, as a table at the end. */
#include <stdio.h>

#include "machine.h"

static void row(const char *what, u64 count)
{
	if (count)
		fprintf(stderr, "  %-32s %14llu\n", what, count);
}

/**
 * show_stats() - print each vCPU's counters on stderr
 * @m: the machine; its threads have ended
 */
void show_stats(struct machine *m)
{
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		struct cpu *cpu = &m->cpus[i];
		struct vmx_lite_stats s;

		fprintf(stderr, "vcpu %u\n", i);
		if (vm_get_stats(cpu->vcpu, &s)) {
			fail(0, "the module gives no counters of vCPU %u", i);
			continue;
		}
		row("VM entries", s.entries);
		for (unsigned int r = 0; r < VMX_LITE_STAT_REASONS; r++) {
			char what[64];

			snprintf(what, sizeof(what), "exit %u %s", r, vm_exit_reason_name(r));
			row(what, s.exits[r]);
		}
		row("interrupts injected", s.injected[0]);
		row("NMIs injected", s.injected[1]);
		row("exceptions injected", s.injected[2]);
		row("pages mapped", s.ept_faults);
		row("waits for an interrupt", s.halts);
		row("kicks", s.kicks);
		row("exits to user space", s.user_exits);
		for (unsigned int r = 0; r < VM_EXITCODE_MAX; r++) {
			char what[64];

			snprintf(what, sizeof(what), "  %s", exit_name(r));
			row(what, cpu->exits[r]);
		}
	}
	for (struct peripheral *p = m->peripherals; p; p = p->next)
		if (p->created && p->kind->stats)
			p->kind->stats(p, row);
}
