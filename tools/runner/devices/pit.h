/* SPDX-License-Identifier: GPL-2.0-only */
/* The 8254 timer of a PC, and port 0x61 with its speaker's gate. */
#ifndef VMXL_PIT_H
#define VMXL_PIT_H

#include "bus.h"
#include "irqchip.h"

#define PIT_HZ		1193182u
#define PIT_COUNTERS	3
#define PIT_NEVER	UINT64_MAX

/**
 * struct pit_counter - one of three; guarded by pit.lock
 * @mode: 0 to 5
 * @access: 1 low byte, 2 high byte, 3 both in turn
 * @period: the count, 1 to 65536 (10000 with @bcd)
 * @start: when counting began, in ticks; the future while @next_period waits
 * @counting: a count was written, and the gate or a trigger lets it run
 * @loaded: a count was written since the control word
 * @held: ticks that had passed when the gate went low
 * @next_period: that follows at @next_start; 0 if there is none
 */
struct pit_counter {
	u8 mode, access;
	bool bcd, gate, counting, loaded;
	bool write_high, read_high;	/* the high byte is next */
	u8 write_low;
	bool count_latched, status_latched;
	u16 latch;
	u8 status;
	u32 period, next_period;
	u64 start, next_start, held;
};

/**
 * struct pit - the timer
 * @now: ticks of PIT_HZ since whenever; host's TSC, but for tests
 * @edge: when counter 0's output rises next
 */
struct pit {
	struct io_region counters;	/* 0x40 to 0x43 */
	struct io_region port61;
	struct irqchip *irqchip;
	u64 tsc_hz;
	u64 (*now)(struct pit *pit);
	pthread_t thread;
	pthread_cond_t changed;
	bool has_thread;
	pthread_mutex_t lock;

	bool stopping;
	struct pit_counter counter[PIT_COUNTERS];
	u64 edge;
	u8 speaker;		/* bits 0 and 1 of port 0x61 */
	bool refresh;
};

int pit_init(struct pit *pit, struct bus *ports, struct irqchip *irqchip, u32 tsc_khz);
int pit_start(struct pit *pit);
void pit_destroy(struct pit *pit, struct bus *ports);
u64 pit_update(struct pit *pit);

#endif /* VMXL_PIT_H */
