// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI's fixed hardware (ACPI 6.4, section 4.8.3): the PM1 event and control
 * registers, with the power button and the way into S5, and the PM timer.
 * There is no SMI command port: the machine is in ACPI mode from the start.
 */
#include <linux/vmx_lite.h>

#include "acpipm.h"

#define PM1_PWRBTN	(1u << 8)
/* And GBL_EN and RTC_EN, which can be set, but which nothing here sets off. */
#define PM1_ENABLES	(PM1_PWRBTN | 1u << 5 | 1u << 10)
#define PM1_SCI_EN	(1u << 0)
#define PM1_SLP_TYP(v)	((v) >> 10 & 7)
#define PM1_SLP_EN	(1u << 13)
#define PM1_CONTROL_RW	(7u << 10 | 1u << 1)	/* SLP_TYP, BM_RLD */

#define PM_TIMER_HZ	3579545u

/* Called with the lock held, so that the line ends as the last update says. */
static void update_sci(struct acpipm *pm)
{
	pm->irqchip->set_line(pm->irqchip, ACPIPM_SCI_IRQ, !!(pm->status & pm->enable));
}

/* A register of the event block is 2 bytes; wider accesses take both. */
static u64 event_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct acpipm *pm = container_of(region, struct acpipm, event);
	u32 both;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	both = pm->status | (u32)pm->enable << 16;
	pthread_mutex_unlock(&pm->lock);
	return both >> (8 * offset);
}

static void event_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct acpipm *pm = container_of(region, struct acpipm, event);
	u32 mask = (size == 4 ? ~0u : (1u << (8 * size)) - 1) << (8 * offset);
	u32 bits = (u32)value << (8 * offset);

	pthread_mutex_lock(&pm->lock);
	pm->status &= ~(bits & mask);		/* write 1 to clear */
	pm->enable = ((pm->enable & ~(mask >> 16)) | ((bits & mask) >> 16)) & PM1_ENABLES;
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

static u64 control_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct acpipm *pm = container_of(region, struct acpipm, control);
	u16 value;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	value = pm->pm1_control | PM1_SCI_EN;
	pthread_mutex_unlock(&pm->lock);
	return value >> (8 * offset);
}

static void control_write(struct io_region *region, u64 offset, unsigned int size,
			  u64 value)
{
	struct acpipm *pm = container_of(region, struct acpipm, control);
	u32 mask = ((1u << (8 * size)) - 1) << (8 * offset);
	u32 bits;
	bool off;

	pthread_mutex_lock(&pm->lock);
	bits = (pm->pm1_control & ~mask) | ((u32)value << (8 * offset) & mask);
	pm->pm1_control = bits & PM1_CONTROL_RW;
	/* SLP_EN is write-only: it acts, and reads as 0. */
	off = (bits & PM1_SLP_EN) && PM1_SLP_TYP(bits) == ACPIPM_SLP_TYP_S5;
	pthread_mutex_unlock(&pm->lock);
	if (off)
		pm->power->suspend(pm->power, VM_SUSPEND_POWEROFF);
}

/* The product has 64 bits and more, so divide by parts. */
static u64 mul_div(u64 a, u32 mul, u64 div)
{
	return a / div * mul + a % div * mul / div;
}

/*
 * The guest checks its TSC against this timer, and its TSC is the host's, of
 * the frequency that CPUID tells. So this timer counts the same: a clock of
 * the host, calibrated otherwise, would make the guest doubt a good TSC.
 */
static u64 timer_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct acpipm *pm = container_of(region, struct acpipm, timer);
	u64 ticks;

	(void)size;
	ticks = mul_div(__builtin_ia32_rdtsc(), PM_TIMER_HZ, pm->tsc_hz);
	return (u32)ticks >> (8 * offset);
}

/**
 * acpipm_press_power_button() - ask the guest to shut down
 * @pm: the device
 *
 * Context: any thread.
 *
 * Return: whether the guest has enabled the button's event, so that it may hear it.
 */
bool acpipm_press_power_button(struct acpipm *pm)
{
	bool heard;

	pthread_mutex_lock(&pm->lock);
	heard = pm->enable & PM1_PWRBTN;
	pm->status |= PM1_PWRBTN;
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
	return heard;
}

/**
 * acpipm_init() - put ACPI's fixed hardware on a bus
 * @pm: the device
 * @ports: port bus
 * @irqchip: where the SCI goes
 * @power: what ends the guest
 * @tsc_khz: frequency of the guest's TSC, not 0
 *
 * Return: 0 or the errno of bus_add().
 */
int acpipm_init(struct acpipm *pm, struct bus *ports, struct irqchip *irqchip,
		struct power *power, u32 tsc_khz)
{
	int ret;

	*pm = (struct acpipm) {
		.event = {
			.start = ACPIPM_EVENT_PORT,
			.size = 4,
			.name = "pm1-event",
			.read = event_read,
			.write = event_write,
		},
		.control = {
			.start = ACPIPM_CONTROL_PORT,
			.size = 2,
			.name = "pm1-control",
			.read = control_read,
			.write = control_write,
		},
		.timer = {
			.start = ACPIPM_TIMER_PORT,
			.size = 4,
			.name = "pm-timer",
			.read = timer_read,
		},
		.irqchip = irqchip,
		.power = power,
		.tsc_hz = tsc_khz * 1000ULL,
	};
	pthread_mutex_init(&pm->lock, NULL);
	ret = bus_add(ports, &pm->event);
	if (!ret)
		ret = bus_add(ports, &pm->control);
	if (!ret)
		ret = bus_add(ports, &pm->timer);
	return ret;
}

/**
 * acpipm_destroy() - undo acpipm_init()
 * @pm: the device
 * @ports: the bus it is on
 */
void acpipm_destroy(struct acpipm *pm, struct bus *ports)
{
	bus_remove(ports, &pm->event);
	bus_remove(ports, &pm->control);
	bus_remove(ports, &pm->timer);
	pthread_mutex_destroy(&pm->lock);
}
