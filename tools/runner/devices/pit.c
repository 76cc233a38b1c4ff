// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 timer of a PC (Intel 8254 data sheet, order number 231164), and port
 * 0x61: gate of counter 2, speaker, refresh and counter 2's output.
 *
 * Nothing counts: what a counter shows is computed from the time. Only counter 0
 * has an interrupt, which a thread sends.
 */
#include <errno.h>
#include <time.h>

#include "pit.h"

#define PIT_PORT		0x40
#define CONTROL			3
#define SPEAKER_PORT		0x61
#define SPEAKER_GATE		0x01
#define SPEAKER_BITS		0x03
#define SPEAKER_REFRESH		0x10
#define SPEAKER_OUT		0x20

#define READ_BACK		3	/* in place of a counter's number */
#define READ_BACK_NO_COUNT	0x20
#define READ_BACK_NO_STATUS	0x10
#define ACCESS_LOW		1
#define ACCESS_HIGH		2
#define ACCESS_BOTH		3
#define STATUS_OUT		0x80
#define STATUS_NULL		0x40
#define PIT_IRQ			0

static bool is_periodic(const struct pit_counter *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* Modes that a rising gate starts, and a count alone does not. */
static bool is_triggered(const struct pit_counter *c)
{
	return c->mode == 1 || c->mode == 5;
}

static u32 modulus(const struct pit_counter *c)
{
	return c->bcd ? 10000 : 65536;
}

/* Ticks since the count was loaded; a count that waits for its turn takes it. */
static u64 elapsed(struct pit_counter *c, u64 now)
{
	if (!c->counting)
		return c->held;
	if (c->next_period && now >= c->next_start) {
		c->start = c->next_start;
		c->period = c->next_period;
		c->next_period = 0;
	}
	return now - c->start;
}

static u32 value_of(struct pit_counter *c, u64 now)
{
	u64 d = elapsed(c, now);

	if (!c->loaded)
		return 0;
	switch (c->mode) {
	case 2:
		return c->period - d % c->period;
	case 3:	/* counts down by twos, twice a period */
		return c->period - (2 * (d % c->period)) % c->period;
	default:
		return (c->period + modulus(c) - d % modulus(c)) % modulus(c);
	}
}

static bool output_of(struct pit_counter *c, u64 now)
{
	u64 d = elapsed(c, now);

	if (!c->loaded || (!c->counting && is_periodic(c)))
		return c->mode != 0;
	switch (c->mode) {
	case 0:
		return d >= c->period;
	case 1:
		return !c->counting || d >= c->period;
	case 2:
		return d % c->period != c->period - 1;
	case 3:
		return d % c->period < (c->period + 1) / 2;
	default:
		return d != c->period;
	}
}

/* When the output rises next, after @now. */
static u64 next_edge(struct pit_counter *c, u64 now)
{
	u64 d = elapsed(c, now), at;

	if (!c->loaded || !c->counting)
		return PIT_NEVER;
	if (is_periodic(c)) {
		at = c->start + (d / c->period + 1) * c->period;
		return at;
	}
	/* Mode 4's strobe is low for a tick. */
	at = c->period + (c->mode >= 4);
	return d < at ? c->start + at : PIT_NEVER;
}

static u32 from_bcd(u32 value)
{
	u32 n = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		n = n * 10 + (value >> shift & 0xf);
	return n;
}

static u16 to_bcd(u32 n)
{
	return n / 1000 % 10 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10;
}

static u16 shown(struct pit_counter *c, u64 now)
{
	u32 value = value_of(c, now) % modulus(c);

	return c->bcd ? to_bcd(value) : value;
}

static u8 status_of(struct pit_counter *c, u64 now)
{
	return (output_of(c, now) ? STATUS_OUT : 0) |
	       (!c->loaded || c->next_period ? STATUS_NULL : 0) |
	       c->access << 4 | c->mode << 1 | c->bcd;
}

static void start_counting(struct pit_counter *c, u64 now)
{
	c->start = now;
	c->held = 0;
	c->next_period = 0;
	c->counting = true;
}

static void load(struct pit_counter *c, u16 count, u64 now)
{
	u32 period = c->bcd ? from_bcd(count) : count;

	if (!period)
		period = modulus(c);
	/* A count written to a running cycle waits for its end. */
	if (is_periodic(c) && c->loaded && c->counting) {
		u64 d = elapsed(c, now);

		c->next_period = period;
		c->next_start = c->start + (d / c->period + 1) * c->period;
		return;
	}
	c->period = period;
	c->loaded = true;
	c->held = 0;
	if (is_triggered(c))
		return;
	start_counting(c, now);
	c->counting = c->gate;
}

static void write_count(struct pit_counter *c, u8 value, u64 now)
{
	if (c->access == ACCESS_BOTH && !c->write_high) {
		c->write_low = value;
		c->write_high = true;
		/* The first byte stops mode 0 and lowers its output. */
		if (c->mode == 0) {
			c->loaded = false;
			c->counting = false;
		}
		return;
	}
	if (c->access == ACCESS_BOTH)
		load(c, c->write_low | value << 8, now);
	else
		load(c, c->access == ACCESS_HIGH ? value << 8 : value, now);
	c->write_high = false;
}

static void latch_count(struct pit_counter *c, u64 now)
{
	/* The first latch stays until it has been read. */
	if (c->count_latched)
		return;
	c->latch = shown(c, now);
	c->count_latched = true;
}

static void read_back(struct pit *pit, u8 command, u64 now)
{
	for (unsigned int i = 0; i < PIT_COUNTERS; i++) {
		struct pit_counter *c = &pit->counter[i];

		if (!(command & (2u << i)))
			continue;
		if (!(command & READ_BACK_NO_COUNT))
			latch_count(c, now);
		if (!(command & READ_BACK_NO_STATUS) && !c->status_latched) {
			c->status = status_of(c, now);
			c->status_latched = true;
		}
	}
}

static void write_control(struct pit *pit, u8 value, u64 now)
{
	unsigned int index = value >> 6, access = value >> 4 & 3, mode = value >> 1 & 7;
	struct pit_counter *c;

	if (index == READ_BACK) {
		read_back(pit, value, now);
		return;
	}
	c = &pit->counter[index];
	if (!access) {
		latch_count(c, now);
		return;
	}
	/* Bit 2 of modes 2 and 3 does not count. */
	*c = (struct pit_counter) {
		.mode = mode > 5 ? mode - 4 : mode,
		.access = access,
		.bcd = value & 1,
		.gate = c->gate,
	};
}

static u8 read_count(struct pit_counter *c, u64 now)
{
	u16 value = c->count_latched ? c->latch : shown(c, now);
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	high = c->access == ACCESS_HIGH || (c->access == ACCESS_BOTH && c->read_high);
	if (c->access == ACCESS_BOTH)
		c->read_high = !c->read_high;
	if (high || c->access != ACCESS_BOTH)
		c->count_latched = false;
	return high ? value >> 8 : value;
}

static void set_gate(struct pit_counter *c, bool gate, u64 now)
{
	bool rises = gate && !c->gate;

	c->gate = gate;
	if (!c->loaded)
		return;
	if (rises && (is_triggered(c) || is_periodic(c))) {
		start_counting(c, now);
	} else if (rises) {
		c->start = now - c->held;
		c->counting = true;
	} else if (!gate && !is_triggered(c)) {
		c->held = elapsed(c, now);
		c->counting = false;
	}
}

/* Counter 0 may have been changed: whoever waits for its edge waits anew. */
static void follow(struct pit *pit, u64 now)
{
	pit->edge = next_edge(&pit->counter[0], now);
	pthread_cond_signal(&pit->changed);
}

static u64 counters_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pit *pit = container_of(region, struct pit, counters);
	u8 value;

	if (offset == CONTROL || size != 1)
		return ~0ULL;
	pthread_mutex_lock(&pit->lock);
	value = read_count(&pit->counter[offset], pit->now(pit));
	pthread_mutex_unlock(&pit->lock);
	return value;
}

static void counters_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct pit *pit = container_of(region, struct pit, counters);
	u64 now;

	if (size != 1)
		return;
	pthread_mutex_lock(&pit->lock);
	now = pit->now(pit);
	if (offset == CONTROL)
		write_control(pit, value, now);
	else
		write_count(&pit->counter[offset], value, now);
	follow(pit, now);
	pthread_mutex_unlock(&pit->lock);
}

static u64 speaker_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct pit *pit = container_of(region, struct pit, port61);
	u8 value;

	(void)offset;
	(void)size;
	pthread_mutex_lock(&pit->lock);
	value = pit->speaker;
	if (output_of(&pit->counter[2], pit->now(pit)))
		value |= SPEAKER_OUT;
	/* Delay loops count its changes. */
	pit->refresh = !pit->refresh;
	if (pit->refresh)
		value |= SPEAKER_REFRESH;
	pthread_mutex_unlock(&pit->lock);
	return value;
}

static void speaker_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct pit *pit = container_of(region, struct pit, port61);

	(void)offset;
	(void)size;
	pthread_mutex_lock(&pit->lock);
	pit->speaker = value & SPEAKER_BITS;
	set_gate(&pit->counter[2], value & SPEAKER_GATE, pit->now(pit));
	pthread_mutex_unlock(&pit->lock);
}

static u64 pit_now(struct pit *pit)
{
	u64 tsc = __builtin_ia32_rdtsc();

	return tsc / pit->tsc_hz * PIT_HZ + tsc % pit->tsc_hz * PIT_HZ / pit->tsc_hz;
}

/* Called with the lock held. Edges that were missed are one. */
static u64 update(struct pit *pit)
{
	u64 now = pit->now(pit);

	if (pit->edge <= now) {
		pit->irqchip->set_line(pit->irqchip, PIT_IRQ, 0);
		pit->irqchip->set_line(pit->irqchip, PIT_IRQ, 1);
		pit->edge = next_edge(&pit->counter[0], now);
	}
	return pit->edge == PIT_NEVER ? PIT_NEVER : pit->edge - now;
}

/**
 * pit_update() - send counter 0's interrupt if it is due
 * @pit: the timer
 *
 * Context: any thread.
 *
 * Return: ticks until the next is due, or PIT_NEVER.
 */
u64 pit_update(struct pit *pit)
{
	u64 wait;

	pthread_mutex_lock(&pit->lock);
	wait = update(pit);
	pthread_mutex_unlock(&pit->lock);
	return wait;
}

static void add_ticks(struct timespec *t, u64 ticks)
{
	u64 ns = t->tv_nsec + ticks % PIT_HZ * 1000000000 / PIT_HZ;

	t->tv_sec += ticks / PIT_HZ + ns / 1000000000;
	t->tv_nsec = ns % 1000000000;
}

static void *timer_loop(void *arg)
{
	struct pit *pit = arg;

	pthread_mutex_lock(&pit->lock);
	while (!pit->stopping) {
		u64 ticks = update(pit);
		struct timespec until;

		if (ticks == PIT_NEVER) {
			pthread_cond_wait(&pit->changed, &pit->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		add_ticks(&until, ticks);
		pthread_cond_timedwait(&pit->changed, &pit->lock, &until);
	}
	pthread_mutex_unlock(&pit->lock);
	return NULL;
}

/**
 * pit_start() - let counter 0 have interrupts
 * @pit: the timer
 *
 * Return: 0 or a negative errno.
 */
int pit_start(struct pit *pit)
{
	int ret = pthread_create(&pit->thread, NULL, timer_loop, pit);

	pit->has_thread = !ret;
	if (!ret)
		pthread_setname_np(pit->thread, "pit");
	return -ret;
}

/**
 * pit_init() - put a timer on a bus
 * @pit: the timer
 * @ports: port bus
 * @irqchip: gets line 0
 * @tsc_khz: frequency of the host's TSC, which the timer keeps in step with
 *
 * Return: 0 or the errno of bus_add(); pit_destroy() is due in any case.
 */
int pit_init(struct pit *pit, struct bus *ports, struct irqchip *irqchip, u32 tsc_khz)
{
	pthread_condattr_t attr;
	int ret;

	*pit = (struct pit) {
		.counters = {
			.start = PIT_PORT,
			.size = 4,
			.name = "pit",
			.read = counters_read,
			.write = counters_write,
		},
		.port61 = {
			.start = SPEAKER_PORT,
			.size = 1,
			.name = "speaker",
			.read = speaker_read,
			.write = speaker_write,
		},
		.irqchip = irqchip,
		.tsc_hz = tsc_khz * 1000ULL,
		.now = pit_now,
		.edge = PIT_NEVER,
		.counter = { { .gate = true }, { .gate = true }, { .gate = false } },
	};
	pthread_mutex_init(&pit->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pit->changed, &attr);
	pthread_condattr_destroy(&attr);
	ret = bus_add(ports, &pit->counters);
	return ret ? ret : bus_add(ports, &pit->port61);
}

/**
 * pit_destroy() - undo pit_init() and pit_start()
 * @pit: the timer
 * @ports: the bus it is on
 */
void pit_destroy(struct pit *pit, struct bus *ports)
{
	pthread_mutex_lock(&pit->lock);
	pit->stopping = true;
	pthread_cond_signal(&pit->changed);
	pthread_mutex_unlock(&pit->lock);
	if (pit->has_thread)
		pthread_join(pit->thread, NULL);
	bus_remove(ports, &pit->counters);
	bus_remove(ports, &pit->port61);
	pthread_cond_destroy(&pit->changed);
	pthread_mutex_destroy(&pit->lock);
}
