// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the local APIC's timer (SDM vol. 3, 11.5.4).  None waits for a
 * clock: timers are armed for minutes ahead, and expire by a call.
 */
#include <linux/hrtimer.h>
#include <asm/apicdef.h>

#include "apic_kunit.h"
#include "kunit-stubs.h"

/* SDM vol. 3, figure 11-10 */
static void lapic_timer_arithmetic(struct kunit *test)
{
	static const struct {
		u32 dcr;
		unsigned int divisor;
	} table[] = {
		{ 0x0, 2 }, { 0x1, 4 }, { 0x2, 8 }, { 0x3, 16 },
		{ 0x8, 32 }, { 0x9, 64 }, { 0xa, 128 }, { 0xb, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ(test, vl_lapic_timer_divisor(table[i].dcr), table[i].divisor);
	KUNIT_EXPECT_EQ(test, vl_lapic_timer_ns(1000, 0xb), 1000ULL);
	KUNIT_EXPECT_EQ(test, vl_lapic_timer_ns(1000, 0x3), 16000ULL);
	KUNIT_EXPECT_EQ(test, vl_lapic_timer_ns(0xffffffff, 0xa), 0xffffffffULL * 128);
}

/* As the clock would; the tests arm it for hours ahead, so that the clock does not. */
static enum hrtimer_restart expire(struct vl_vcpu *vcpu)
{
	struct hrtimer *timer = &vcpu->lapic->timer;

	hrtimer_cancel(timer);
	return timer->function(timer);
}

static void lapic_timer_one_shot(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);

	apic_test_write(vcpu, APIC_TDCR, 0xa);
	apic_test_write(vcpu, APIC_LVTT, 0x30);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMCCT), 0U);
	apic_test_write(vcpu, APIC_TMICT, APIC_TEST_COUNT);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMICT), APIC_TEST_COUNT);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
	KUNIT_EXPECT_NE(test, apic_test_read(vcpu, APIC_TMCCT), 0U);
	KUNIT_EXPECT_LE(test, apic_test_read(vcpu, APIC_TMCCT), APIC_TEST_COUNT);

	/* At another rate it goes on from where it was. */
	apic_test_write(vcpu, APIC_TDCR, 0x9);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
	KUNIT_EXPECT_LE(test, ktime_to_ns(hrtimer_get_remaining(&vcpu->lapic->timer)),
			(s64)APIC_TEST_COUNT * 64);

	KUNIT_EXPECT_EQ(test, expire(vcpu), HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x30);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMCCT), 0U);

	/* 0 stops it. */
	apic_test_write(vcpu, APIC_TMICT, APIC_TEST_COUNT);
	apic_test_write(vcpu, APIC_TMICT, 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));

	/* Masked, it runs but does not interrupt. */
	vl_lapic_ack(vcpu, 0x30);
	apic_test_write(vcpu, APIC_EOI, 0);
	apic_test_write(vcpu, APIC_LVTT, 0x10030);
	apic_test_write(vcpu, APIC_TMICT, APIC_TEST_COUNT);
	KUNIT_EXPECT_EQ(test, expire(vcpu), HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
}

static void lapic_timer_periodic(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);

	apic_test_write(vcpu, APIC_TDCR, 0xa);
	apic_test_write(vcpu, APIC_LVTT, 0x20031);
	apic_test_write(vcpu, APIC_TMICT, APIC_TEST_COUNT);
	KUNIT_EXPECT_EQ(test, vcpu->lapic->period, (u64)APIC_TEST_COUNT * 128);
	KUNIT_EXPECT_EQ(test, expire(vcpu), HRTIMER_RESTART);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x31);

	/* Software cannot ask for a storm. */
	apic_test_write(vcpu, APIC_LVTT, 0x30031);
	apic_test_write(vcpu, APIC_TDCR, 0xb);
	apic_test_write(vcpu, APIC_TMICT, 1);
	KUNIT_EXPECT_EQ(test, vcpu->lapic->period, (u64)VL_LAPIC_MIN_PERIOD_NS);
	apic_test_write(vcpu, APIC_TMICT, 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
}

#define FAR_TICKS	BIT_ULL(42)	/* above a quarter of an hour at any frequency */

static void lapic_timer_deadline(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);

	vl_kunit_tsc = 5000;
	/* In another mode: ignored */
	apic_test_write(vcpu, APIC_LVTT, 0x32);
	vl_lapic_set_tsc_deadline(vcpu, 1);
	KUNIT_EXPECT_EQ(test, vl_lapic_tsc_deadline(vcpu), 0ULL);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);

	apic_test_write(vcpu, APIC_LVTT, 0x40032);
	vl_lapic_set_tsc_deadline(vcpu, 5000 + FAR_TICKS);
	KUNIT_EXPECT_EQ(test, vl_lapic_tsc_deadline(vcpu), 5000 + FAR_TICKS);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMCCT), 0U);
	/* Initial count: ignored */
	apic_test_write(vcpu, APIC_TMICT, 7);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMICT), 0U);

	/* The clock came first: it waits for the rest. */
	vl_kunit_tsc = 4999 + FAR_TICKS;
	KUNIT_EXPECT_EQ(test, expire(vcpu), HRTIMER_RESTART);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
	vl_kunit_tsc = 5000 + FAR_TICKS;
	KUNIT_EXPECT_EQ(test, expire(vcpu), HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x32);
	KUNIT_EXPECT_EQ(test, vl_lapic_tsc_deadline(vcpu), 0ULL);
	vl_lapic_ack(vcpu, 0x32);
	apic_test_write(vcpu, APIC_EOI, 0);

	/* Passed already: at once */
	vl_lapic_set_tsc_deadline(vcpu, 1);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x32);
	KUNIT_EXPECT_EQ(test, vl_lapic_tsc_deadline(vcpu), 0ULL);
	vl_lapic_ack(vcpu, 0x32);
	apic_test_write(vcpu, APIC_EOI, 0);

	/* 0, and a change of mode, disarm. */
	vl_lapic_set_tsc_deadline(vcpu, U64_MAX);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
	vl_lapic_set_tsc_deadline(vcpu, 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
	vl_lapic_set_tsc_deadline(vcpu, U64_MAX);
	apic_test_write(vcpu, APIC_LVTT, 0x32);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
	KUNIT_EXPECT_EQ(test, vl_lapic_tsc_deadline(vcpu), 0ULL);

	/* A guest's TSC set past the deadline meets it. */
	apic_test_write(vcpu, APIC_LVTT, 0x40032);
	vl_kunit_tsc = 0;
	vl_lapic_set_tsc_deadline(vcpu, FAR_TICKS);
	vl_kunit_tsc = FAR_TICKS;
	vl_lapic_tsc_changed(vcpu);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x32);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
}

static void lapic_timer_mode_disarms(struct kunit *test)
{
	static const u32 modes[] = { 0, APIC_LVT_TIMER_PERIODIC };
	struct vl_vcpu *vcpu = apic_test_first(test);
	unsigned int i;

	apic_test_write(vcpu, APIC_TDCR, 0xa);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		apic_test_write(vcpu, APIC_LVTT, modes[i] | 0x33);
		apic_test_write(vcpu, APIC_TMICT, APIC_TEST_COUNT);
		apic_test_write(vcpu, APIC_LVTT, modes[i] | APIC_LVT_MASKED | 0x34);
		KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
		apic_test_write(vcpu, APIC_LVTT, modes[!i] | 0x33);
		KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
	}
	apic_test_write(vcpu, APIC_TMICT, APIC_TEST_COUNT);
	vl_lapic_reset(vcpu, true);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
}

static struct kunit_case lapic_timer_cases[] = {
	KUNIT_CASE(lapic_timer_arithmetic),
	KUNIT_CASE(lapic_timer_one_shot),
	KUNIT_CASE(lapic_timer_periodic),
	KUNIT_CASE(lapic_timer_deadline),
	KUNIT_CASE(lapic_timer_mode_disarms),
	{}
};

static struct kunit_suite lapic_timer_suite = {
	.name = "vmx-lite-lapic-timer",
	.init = apic_test_init,
	.exit = apic_test_exit,
	.test_cases = lapic_timer_cases,
};

kunit_test_suite(lapic_timer_suite);
