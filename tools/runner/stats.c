// SPDX-License-Identifier: GPL-2.0-only
/* --stats and vmxl stat: what the vCPUs did, as a table. */
#include <stdio.h>

#include "machine.h"

/**
 * show_stats() - print each vCPU's counters
 * @m: the machine, running or not
 * @out: where to
 */
void show_stats(struct machine *m, FILE *out)
{
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		struct cpu *cpu = &m->cpus[i];
		struct vmx_lite_stats s;

		fprintf(out, "vcpu %u\n", i);
		if (vm_get_stats(cpu->vcpu, &s)) {
			fprintf(out, "  the module gives no counters\n");
			continue;
		}
		print_row(out, "VM entries", s.entries);
		for (unsigned int r = 0; r < VMX_LITE_STAT_REASONS; r++) {
			char what[64];

			snprintf(what, sizeof(what), "exit %u %s", r, vm_exit_reason_name(r));
			print_row(out, what, s.exits[r]);
		}
		print_row(out, "interrupts injected", s.injected[0]);
		print_row(out, "  and ended without an exit", s.eoi_skips);
		print_row(out, "NMIs injected", s.injected[1]);
		print_row(out, "exceptions injected", s.injected[2]);
		print_row(out, "pages mapped", s.ept_faults);
		print_row(out, "waits for an interrupt", s.halts);
		print_row(out, "  polled first", s.halt_polls);
		print_row(out, "  and did not sleep", s.halt_poll_hits);
		print_row(out, "PAUSE loops that yielded", s.yields);
		print_row(out, "kicks", s.kicks);
		print_row(out, "exits to user space", s.user_exits);
		for (unsigned int r = 0; r < VM_EXITCODE_MAX; r++) {
			char what[64];

			snprintf(what, sizeof(what), "  %s", exit_name(r));
			print_row(out, what, __atomic_load_n(&cpu->exits[r], __ATOMIC_RELAXED));
		}
	}
	for (struct peripheral *p = m->peripherals; p; p = p->next)
		if (p->created && p->kind->stats)
			p->kind->stats(p, out);
}
