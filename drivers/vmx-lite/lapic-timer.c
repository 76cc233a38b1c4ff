// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer (SDM vol. 3, 11.5.4): one-shot, periodic, TSC-deadline.
 *
 * One hrtimer a vCPU.  The vCPU's thread cancels it, which waits for a running
 * callback, before it touches the timer's fields: so there is no lock.
 */
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <asm/apicdef.h>
#include <asm/tsc.h>

#include "vmx-lite.h"

/* Far deadlines are slept towards in steps, which keeps the products in 64 bits. */
#define TIMER_MAX_SLEEP_SEC	(24 * 60 * 60)

static u32 timer_mode(const struct vl_lapic *lapic)
{
	return vl_lapic_reg(lapic, APIC_LVTT) & VL_LAPIC_TIMER_MODE;
}

/**
 * vl_lapic_timer_divisor() - what the divide configuration register divides by
 * @dcr: its value; bits 3, 1 and 0 count
 * Return: 1 to 128 (SDM vol. 3, figure 11-10).
 */
unsigned int vl_lapic_timer_divisor(u32 dcr)
{
	unsigned int value = (dcr & 3) | (dcr & 8) >> 1;

	return 1U << ((value + 1) & 7);
}

/**
 * vl_lapic_timer_ns() - how long the timer takes to count down
 * @count: from here to 0
 * @dcr: divide configuration register
 * Return: ns, below 2^39.
 */
u64 vl_lapic_timer_ns(u32 count, u32 dcr)
{
	BUILD_BUG_ON(VL_LAPIC_TIMER_HZ != NSEC_PER_SEC);
	return (u64)count * vl_lapic_timer_divisor(dcr);
}

/* From now to a deadline that lies ahead, rounded up: an interrupt is never early. */
static u64 deadline_ns(u64 deadline, u64 now)
{
	u64 khz = max(tsc_khz, 1U);
	u64 ticks = min(deadline - now, khz * 1000 * TIMER_MAX_SLEEP_SEC);

	return mul_u64_u32_div(ticks, NSEC_PER_MSEC, khz) + 1;
}

static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct vl_lapic *lapic = container_of(timer, struct vl_lapic, timer);

	if (lapic->deadline) {
		u64 now = vl_vcpu_guest_tsc(lapic->vcpu);

		/* The host's clock is corrected, its TSC is not: they drift apart. */
		if (now < lapic->deadline) {
			hrtimer_forward_now(timer, ns_to_ktime(deadline_ns(lapic->deadline, now)));
			return HRTIMER_RESTART;
		}
		WRITE_ONCE(lapic->deadline, 0);
	}
	vl_lapic_lvt(lapic->vcpu, APIC_LVTT);
	if (!lapic->period)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(lapic->period));
	return HRTIMER_RESTART;
}

/**
 * vl_lapic_timer_init() - prepare the timer of a new local APIC
 * @lapic: local APIC
 */
void vl_lapic_timer_init(struct vl_lapic *lapic)
{
	hrtimer_init(&lapic->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	lapic->timer.function = timer_expired;
}

/**
 * vl_lapic_timer_stop() - disarm the timer in any mode
 * @lapic: local APIC
 * Context: (v); waits for a running callback.
 */
void vl_lapic_timer_stop(struct vl_lapic *lapic)
{
	hrtimer_cancel(&lapic->timer);
	lapic->period = 0;
	WRITE_ONCE(lapic->deadline, 0);
}

/**
 * vl_lapic_timer_start() - count down, in one-shot or periodic mode
 * @lapic: local APIC
 * @count: what to begin with; 0 stops the timer.  The periods after that
 *	begin with the initial-count register.
 * Context: (v).  SDM vol. 3, 11.5.4.  In TSC-deadline mode nothing is started.
 */
void vl_lapic_timer_start(struct vl_lapic *lapic, u32 count)
{
	u32 dcr = vl_lapic_reg(lapic, APIC_TDCR);
	u32 mode = timer_mode(lapic);
	u64 ns = vl_lapic_timer_ns(count, dcr);

	vl_lapic_timer_stop(lapic);
	if (!count || mode == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	if (mode == APIC_LVT_TIMER_PERIODIC)
		lapic->period = max_t(u64, VL_LAPIC_MIN_PERIOD_NS,
				      vl_lapic_timer_ns(vl_lapic_reg(lapic, APIC_TMICT), dcr));
	hrtimer_start(&lapic->timer, ktime_add_ns(ktime_get(), ns), HRTIMER_MODE_ABS_HARD);
}

/**
 * vl_lapic_timer_count() - the current-count register
 * @lapic: local APIC
 * Context: (v).
 * Return: 0 to the initial count; 0 in TSC-deadline mode and where the timer
 *	does not run.
 */
u32 vl_lapic_timer_count(struct vl_lapic *lapic)
{
	unsigned int divisor = vl_lapic_timer_divisor(vl_lapic_reg(lapic, APIC_TDCR));
	s64 left;

	if (timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE || !hrtimer_active(&lapic->timer))
		return 0;
	left = ktime_to_ns(hrtimer_get_remaining(&lapic->timer));
	if (left < 0 && lapic->period) {
		u64 late;

		/* Expired, but its interrupt has not come yet: further periods have begun. */
		div64_u64_rem(-left, lapic->period, &late);
		left = lapic->period - late;
	}
	left = DIV_ROUND_UP_ULL(max_t(s64, left, 0), divisor);
	return min_t(u64, left, vl_lapic_reg(lapic, APIC_TMICT));
}

/**
 * vl_lapic_timer_divide() - write the divide configuration register
 * @lapic: local APIC
 * @dcr: new value, without reserved bits
 *
 * A running timer goes on from its current count at the new rate.
 * Context: (v).
 */
void vl_lapic_timer_divide(struct vl_lapic *lapic, u32 dcr)
{
	u32 count = vl_lapic_timer_count(lapic);

	if (dcr == vl_lapic_reg(lapic, APIC_TDCR))
		return;
	vl_lapic_set_reg(lapic, APIC_TDCR, dcr);
	if (count)
		vl_lapic_timer_start(lapic, count);
}

/**
 * vl_lapic_tsc_deadline() - read IA32_TSC_DEADLINE
 * @vcpu: vCPU
 * Context: (v).
 * Return: guest TSC, 0 where the timer is not armed or in another mode
 *	(SDM vol. 3, 11.5.4.1).
 */
u64 vl_lapic_tsc_deadline(struct vl_vcpu *vcpu)
{
	return READ_ONCE(vcpu->lapic->deadline);
}

/**
 * vl_lapic_set_tsc_deadline() - write IA32_TSC_DEADLINE
 * @vcpu: vCPU
 * @deadline: guest TSC; 0 disarms; one that has passed interrupts at once
 *
 * Ignored unless the timer is in TSC-deadline mode (SDM vol. 3, 11.5.4.1).
 * Context: (v).
 */
void vl_lapic_set_tsc_deadline(struct vl_vcpu *vcpu, u64 deadline)
{
	struct vl_lapic *lapic = vcpu->lapic;
	u64 now;

	if (timer_mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE || !vl_lapic_enabled(lapic))
		return;
	vl_lapic_timer_stop(lapic);
	if (!deadline)
		return;
	now = vl_vcpu_guest_tsc(vcpu);
	if (deadline <= now) {
		vl_lapic_lvt(vcpu, APIC_LVTT);
		return;
	}
	lapic->deadline = deadline;
	hrtimer_start(&lapic->timer, ktime_add_ns(ktime_get(), deadline_ns(deadline, now)),
		      HRTIMER_MODE_ABS_HARD);
}

/**
 * vl_lapic_tsc_changed() - the guest's TSC was set: look at the deadline again
 * @vcpu: vCPU
 * Context: (v).
 */
void vl_lapic_tsc_changed(struct vl_vcpu *vcpu)
{
	struct vl_lapic *lapic = vcpu->lapic;

	if (!vl_lapic_tsc_deadline(vcpu))
		return;
	/* Read again once no callback can meet the deadline meanwhile. */
	hrtimer_cancel(&lapic->timer);
	vl_lapic_set_tsc_deadline(vcpu, lapic->deadline);
}
