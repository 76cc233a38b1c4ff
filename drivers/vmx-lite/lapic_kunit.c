// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the local APIC and of message delivery; expected values are
 * those of the SDM, vol. 3, chapter 11.
 */
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "apic_kunit.h"
#include "kunit-stubs.h"

#define BASE	VL_LAPIC_DEFAULT_BASE
#define BSP	MSR_IA32_APICBASE_BSP
#define EN	MSR_IA32_APICBASE_ENABLE
#define EXTD	X2APIC_ENABLE

static struct vl_vcpu *first(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	return vm->vcpus[0];
}

static void send_fixed(struct vl_vcpu *vcpu, u8 vector)
{
	const struct vl_irq irq = { .vector = vector };

	vl_lapic_accept(vcpu, &irq);
}

static void lapic_power_up(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = vm->vcpus[5];
	unsigned int reg;

	vl_lapic_reset(vcpu, false);
	KUNIT_EXPECT_EQ(test, vl_lapic_base(vcpu), BASE | EN);
	KUNIT_EXPECT_EQ(test, vl_lapic_base(first(test)), BASE | EN | BSP);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ID), 5U << 24);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_LVR) & 0xff, 0x14U);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_LVR) >> 16 & 0xff, 5U);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_SPIV), 0xffU);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_DFR), 0xffffffffU);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_LDR), 0U);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TASKPRI), 0U);
	for (reg = APIC_LVTT; reg <= APIC_LVTERR; reg += 16)
		KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, reg), 0x10000U);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
}

static void lapic_init_keeps_mode(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);
	u64 value;

	apic_test_x2apic(vcpu);
	vl_lapic_set_tpr(vcpu, 7);
	send_fixed(vcpu, 0x40);
	vl_lapic_reset(vcpu, true);
	KUNIT_EXPECT_EQ(test, vl_lapic_base(vcpu), BASE | EN | EXTD | BSP);
	KUNIT_EXPECT_EQ(test, vl_lapic_tpr(vcpu), 0);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_read(vcpu, 0x80d, &value));
	KUNIT_EXPECT_EQ(test, value, 1ULL);
}

/* SDM vol. 3, figure 11-27 */
static void lapic_base_modes(struct kunit *test)
{
	static const u64 mode[] = { 0, EN, EN | EXTD };
	static const struct {
		u8 from;
		u64 to;
		int ret;
	} table[] = {
		{ 0, BASE, 0 },			{ 0, BASE | EN, 0 },
		{ 0, BASE | EN | EXTD, -EINVAL }, { 0, BASE | EXTD, -EINVAL },
		{ 1, BASE, 0 },			{ 1, BASE | EN, 0 },
		{ 1, BASE | EN | EXTD, 0 },	{ 1, BASE | EXTD, -EINVAL },
		{ 2, BASE, 0 },			{ 2, BASE | EN, -EINVAL },
		{ 2, BASE | EN | EXTD, 0 },	{ 2, BASE | EXTD, -EINVAL },
		{ 1, BASE | EN | BIT(9), -EINVAL }, { 1, BASE | EN | 1, -EINVAL },
		{ 1, BASE | EN | BIT_ULL(63), -EINVAL },
		{ 1, 0xfed00000 | EN, 0 },	{ 1, BASE | EN | BSP, 0 },
	};
	struct vl_vcpu *vcpu = first(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		u64 from = BASE | mode[table[i].from];

		KUNIT_ASSERT_EQ(test, 0, vl_lapic_restore_base(vcpu, from));
		KUNIT_EXPECT_EQ_MSG(test, vl_lapic_set_base(vcpu, table[i].to), table[i].ret,
				    "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, vl_lapic_base(vcpu), table[i].ret ? from : table[i].to,
				    "row %u", i);
	}
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_restore_base(vcpu, BASE | EN));
	vl_lapic_set_features(vcpu, false, true);
	KUNIT_EXPECT_EQ(test, vl_lapic_set_base(vcpu, BASE | EN | EXTD), -EINVAL);
}

static void lapic_disable_loses_state(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);
	u32 data;

	apic_test_write(vcpu, APIC_TASKPRI, 0x50);
	send_fixed(vcpu, 0x80);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_set_base(vcpu, BASE | BSP));
	KUNIT_EXPECT_FALSE(test, vl_lapic_mmio(vcpu, BASE + APIC_ID, 4, &data, false));
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
	send_fixed(vcpu, 0x81);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_set_base(vcpu, BASE | BSP | EN));
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TASKPRI), 0U);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_SPIV), 0xffU);
}

static void lapic_xapic_to_x2apic(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = vm->vcpus[33];
	u64 value;

	apic_test_write(vcpu, APIC_LDR, 0x02000000);
	apic_test_write(vcpu, APIC_TASKPRI, 0x20);
	apic_test_write(vcpu, APIC_LVT0, 0x10700);
	apic_test_x2apic(vcpu);
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_read(vcpu, 0x802, &value));
	KUNIT_EXPECT_EQ(test, value, 33ULL);
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_read(vcpu, 0x80d, &value));
	KUNIT_EXPECT_EQ(test, value, 0x20002ULL);
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_read(vcpu, 0x808, &value));
	KUNIT_EXPECT_EQ(test, value, 0x20ULL);
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_read(vcpu, 0x835, &value));
	KUNIT_EXPECT_EQ(test, value, 0x10700ULL);
}

/* What a write to an xAPIC register leaves there */
static void lapic_mmio_writes(struct kunit *test)
{
	static const struct {
		u16 reg;
		u32 value;
		u32 then;
	} table[] = {
		{ APIC_ID, 0xffffffff, 0 },
		{ APIC_LVR, 0, 0x14 | 5 << 16 | BIT(24) },
		{ APIC_TASKPRI, 0xffffffff, 0xff },
		{ APIC_TASKPRI, 0, 0 },
		{ APIC_PROCPRI, 0xff, 0 },
		{ APIC_LDR, 0xffffffff, 0xff000000 },
		{ APIC_DFR, 0, 0x0fffffff },
		{ APIC_ISR, 0xffffffff, 0 },
		{ APIC_IRR + 0x30, 0xffffffff, 0 },
		{ APIC_ICR2, 0xffffffff, 0xff000000 },
		{ APIC_LVTTHMR, 0xffffffff, 0x107ff },
		{ APIC_LVTPC, 0xffffffff, 0x107ff },
		{ APIC_LVT0, 0xffffffff, 0x1a7ff },
		{ APIC_LVT1, 0x400, 0x400 },
		{ APIC_LVTERR, 0xffffffff, 0x100ff },
		{ APIC_LVTT, 0x300ff, 0x300ff },
		{ APIC_LVTT, 0xffffffff, 0x100ff },
		{ APIC_TDCR, 0xffffffff, 0xb },
		{ APIC_TMCCT, 0xffffffff, 0 },
		{ APIC_SPIV, 0xffffffff, 0x13ff },
	};
	struct vl_vcpu *vcpu = first(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		apic_test_write(vcpu, table[i].reg, table[i].value);
		KUNIT_EXPECT_EQ_MSG(test, apic_test_read(vcpu, table[i].reg), table[i].then,
				    "row %u", i);
	}
}

static void lapic_mmio_shapes(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);
	u64 data;

	apic_test_write(vcpu, APIC_LVT0, 0x1a5c3);
	data = 0;
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, BASE + APIC_LVT0, 1, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0xc3ULL);
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, BASE + APIC_LVT0 + 1, 2, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0x1a5ULL);
	data = ~0ULL;
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, BASE + APIC_LVT0, 8, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0x1a5c3ULL);
	data = ~0ULL;
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, BASE + APIC_LVT0 + 4, 8, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0ULL);
	data = 0x10000;
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, BASE + APIC_LVT0, 2, &data, true));
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, BASE + APIC_LVT0 + 4, 4, &data, true));
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_LVT0), 0x1a5c3U);
	KUNIT_EXPECT_FALSE(test, vl_lapic_mmio(vcpu, BASE - 4, 4, &data, false));
	KUNIT_EXPECT_FALSE(test, vl_lapic_mmio(vcpu, BASE + 0x1000, 4, &data, false));
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, BASE + 0xff8, 8, &data, false));

	KUNIT_ASSERT_EQ(test, 0, vl_lapic_set_base(vcpu, 0xfed00000 | EN));
	KUNIT_EXPECT_FALSE(test, vl_lapic_mmio(vcpu, BASE + APIC_LVT0, 4, &data, false));
	data = 0;
	KUNIT_EXPECT_TRUE(test, vl_lapic_mmio(vcpu, 0xfed00000 + APIC_LVT0, 4, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0x1a5c3ULL);
	apic_test_x2apic(vcpu);
	KUNIT_EXPECT_FALSE(test, vl_lapic_mmio(vcpu, 0xfed00000 + APIC_LVT0, 4, &data, false));
}

/* SDM vol. 3, table 11-6 and 11.12.1.3 */
static void lapic_x2apic_msrs(struct kunit *test)
{
	static const struct {
		u16 msr;
		bool read;
		bool write;		/* of value */
		u64 value;
	} table[] = {
		{ 0x800, false, false, 0 },	{ 0x801, false, false, 0 },
		{ 0x802, true, false, 0 },	{ 0x803, true, false, 0 },
		{ 0x808, true, true, 0xf0 },	{ 0x808, true, false, 0x100 },
		{ 0x809, false, false, 0 },	{ 0x80a, true, false, 0 },
		{ 0x80b, false, true, 0 },	{ 0x80b, false, false, 1 },
		{ 0x80c, false, false, 0 },	{ 0x80d, true, false, 0 },
		{ 0x80e, false, false, 0 },	{ 0x80f, true, true, 0x1ff },
		{ 0x80f, true, false, 0x4ff },	{ 0x80f, true, true, 0x11ff },
		{ 0x810, true, false, 0 },	{ 0x817, true, false, 0 },
		{ 0x818, true, false, 0 },	{ 0x820, true, false, 0 },
		{ 0x827, true, false, 0 },	{ 0x828, true, true, 0 },
		{ 0x828, true, false, 1 },	{ 0x82f, false, false, 0x10000 },
		{ 0x830, true, false, 0x100000 }, { 0x830, true, false, 0x22000 },
		{ 0x831, false, false, 0 },	{ 0x832, true, true, 0x400ff },
		{ 0x832, true, false, 0x80000 }, { 0x833, true, true, 0x10000 },
		{ 0x834, true, true, 0x400 },	{ 0x835, true, true, 0x1700 },
		{ 0x836, true, true, 0xa4ff },	{ 0x837, true, true, 0xfe },
		{ 0x837, true, false, 0x4fe },	{ 0x838, true, true, 0 },
		{ 0x838, true, false, 1ULL << 32 }, { 0x839, true, false, 0 },
		{ 0x83a, false, false, 0 },	{ 0x83e, true, true, 0xb },
		{ 0x83e, true, false, 4 },	{ 0x83f, false, true, 0xf1 },
		{ 0x83f, false, false, 0x100 },	{ 0x840, false, false, 0 },
		{ 0x8ff, false, false, 0 },
	};
	struct vl_vcpu *vcpu = first(test);
	unsigned int i;
	u64 value;

	KUNIT_EXPECT_EQ(test, -EINVAL, vl_lapic_msr_read(vcpu, 0x802, &value));
	KUNIT_EXPECT_EQ(test, -EINVAL, vl_lapic_msr_write(vcpu, 0x80b, 0));
	apic_test_x2apic(vcpu);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		KUNIT_EXPECT_EQ_MSG(test, !vl_lapic_msr_read(vcpu, table[i].msr, &value),
				    table[i].read, "read of row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, !vl_lapic_msr_write(vcpu, table[i].msr, table[i].value),
				    table[i].write, "write of row %u", i);
	}
	vl_lapic_set_features(vcpu, true, false);
	KUNIT_EXPECT_EQ(test, -EINVAL, vl_lapic_msr_write(vcpu, 0x832, 0x400ff));
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_write(vcpu, 0x832, 0x200ff));
}

/* SDM vol. 3, 11.8.3.1 */
static void lapic_priorities(struct kunit *test)
{
	static const struct {
		u8 tpr;
		u8 isr;			/* 0: none */
		u8 irr;
		u8 ppr;
		int pending;
		int threshold;
	} table[] = {
		{ 0x00, 0, 0, 0x00, -1, 0 },
		{ 0x00, 0, 0x10, 0x00, 0x10, 0 },
		{ 0x00, 0, 0xff, 0x00, 0xff, 0 },
		{ 0x10, 0, 0x1f, 0x10, -1, 1 },
		{ 0x1f, 0, 0x20, 0x1f, 0x20, 0 },
		{ 0xf0, 0, 0xff, 0xf0, -1, 15 },
		{ 0x00, 0x35, 0x3f, 0x30, -1, 0 },
		{ 0x00, 0x35, 0x40, 0x30, 0x40, 0 },
		{ 0x24, 0x35, 0x36, 0x30, -1, 0 },
		{ 0x38, 0x35, 0x36, 0x38, -1, 3 },
		{ 0x42, 0x35, 0x45, 0x42, -1, 4 },
		{ 0x42, 0x35, 0x50, 0x42, 0x50, 0 },
		{ 0x42, 0x61, 0x55, 0x60, -1, 0 },
	};
	struct vl_vcpu *vcpu = first(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vl_lapic_reset(vcpu, true);
		apic_test_write(vcpu, APIC_SPIV, 0x1ff);
		if (table[i].isr) {
			send_fixed(vcpu, table[i].isr);
			vl_lapic_ack(vcpu, table[i].isr);
		}
		if (table[i].irr)
			send_fixed(vcpu, table[i].irr);
		apic_test_write(vcpu, APIC_TASKPRI, table[i].tpr);
		KUNIT_EXPECT_EQ_MSG(test, apic_test_read(vcpu, APIC_PROCPRI), (u32)table[i].ppr,
				    "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, vl_lapic_pending(vcpu), table[i].pending, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, vl_lapic_has_event(vcpu), table[i].pending >= 0,
				    "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, vl_lapic_tpr_threshold(vcpu), table[i].threshold,
				    "row %u", i);
	}
}

static void lapic_cr8(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);

	vl_lapic_set_tpr(vcpu, 9);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TASKPRI), 0x90U);
	apic_test_write(vcpu, APIC_TASKPRI, 0x5c);
	KUNIT_EXPECT_EQ(test, vl_lapic_tpr(vcpu), 5);
	send_fixed(vcpu, 0x51);
	bitmap_zero(vcpu->requests, VL_NR_REQS);
	vl_lapic_set_tpr(vcpu, 4);
	KUNIT_EXPECT_TRUE(test, test_bit(VL_REQ_EVENT, vcpu->requests));
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x51);
}

static void lapic_nested_eoi(struct kunit *test)
{
	static const u8 vectors[] = { 0x31, 0x52, 0xa3 };
	struct vl_vcpu *vcpu = first(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		send_fixed(vcpu, vectors[i]);
		KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), vectors[i]);
		vl_lapic_ack(vcpu, vectors[i]);
		KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, vectors[i]));
		KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_ISR, vectors[i]));
	}
	/* The same vector may pend once while it is in service. */
	send_fixed(vcpu, 0x52);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
	for (i = ARRAY_SIZE(vectors) - 1; i >= 0; i--) {
		apic_test_write(vcpu, APIC_EOI, 0);
		KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_ISR, vectors[i]));
		KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), i < 2 ? 0x52 : -1);
	}
	/* One EOI too many does nothing. */
	apic_test_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x52);
}

static void lapic_kick_once(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);
	int before;

	bitmap_zero(vcpu->requests, VL_NR_REQS);
	before = atomic_read(&vl_kunit_kicks);
	send_fixed(vcpu, 0x77);
	KUNIT_EXPECT_EQ(test, atomic_read(&vl_kunit_kicks), before + 1);
	KUNIT_EXPECT_TRUE(test, test_bit(VL_REQ_EVENT, vcpu->requests));
	send_fixed(vcpu, 0x77);
	KUNIT_EXPECT_EQ(test, atomic_read(&vl_kunit_kicks), before + 1);
	vl_lapic_ack(vcpu, 0x77);
	send_fixed(vcpu, 0x77);
	KUNIT_EXPECT_EQ(test, atomic_read(&vl_kunit_kicks), before + 2);
}

/* SDM vol. 3, 11.4.7.2 */
static void lapic_software_disabled(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = first(test);
	struct vl_irq irq = { .vector = 0x61 };

	apic_test_write(vcpu, APIC_LVT1, 0x400);
	send_fixed(vcpu, 0x60);
	apic_test_write(vcpu, APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_LVT1), 0x10400U);
	apic_test_write(vcpu, APIC_LVT1, 0x400);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_LVT1), 0x10400U);
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 0);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x60);
	irq.mode = VL_IRQ_NMI;
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
	apic_test_write(vcpu, APIC_SPIV, 0x1ff);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_LVT1), 0x10400U);
}

static void lapic_errors(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);

	apic_test_write(vcpu, APIC_LVTERR, 0xe1);
	/* Sending a vector below 16 */
	apic_test_write(vcpu, APIC_ICR, APIC_DEST_SELF | 0x0f);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0xe1);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ESR), 0U);
	apic_test_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ESR), 0x20U);
	apic_test_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ESR), 0U);
	vl_lapic_ack(vcpu, 0xe1);
	apic_test_write(vcpu, APIC_EOI, 0);

	/* Receiving one, and a reserved register; one interrupt for both */
	send_fixed(vcpu, 3);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, 3));
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0xe1);
	vl_lapic_ack(vcpu, 0xe1);
	apic_test_read(vcpu, 0x40);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, 0xe1));
	apic_test_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ESR), 0xc0U);
	apic_test_write(vcpu, 0x3f0, 0x40);
	KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_IRR, 0xe1));

	/* An error interrupt that is itself illegal ends there. */
	apic_test_write(vcpu, APIC_ESR, 0);
	apic_test_write(vcpu, APIC_LVTERR, 0x02);
	send_fixed(vcpu, 1);
	apic_test_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ESR), 0x40U);
}

/*
 * Who gets an IPI that the vCPU with id 1 sends.  Masks are of places in
 * apic_test_ids: { 0, 1, 2, 5, 17, 33 }.
 */
struct ipi_row {
	u32 icr;
	u32 dest;
	u32 mask;
};

static void check_ipis(struct kunit *test, const struct ipi_row *rows, unsigned int n, bool x2apic)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *src = vm->vcpus[1];
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (x2apic) {
			KUNIT_EXPECT_EQ(test, 0,
					vl_lapic_msr_write(src, 0x830, (u64)rows[i].dest << 32 |
							   rows[i].icr | 0x55));
		} else {
			apic_test_write(src, APIC_ICR2, rows[i].dest << 24);
			apic_test_write(src, APIC_ICR, rows[i].icr | 0x55);
		}
		KUNIT_EXPECT_EQ_MSG(test, apic_test_took(vm, 0x55), rows[i].mask, "row %u", i);
	}
}

static void lapic_ipi_physical(struct kunit *test)
{
	static const struct ipi_row rows[] = {
		{ 0, 0, 0x01 },			{ 0, 1, 0x02 },
		{ 0, 5, 0x08 },			{ 0, 3, 0x00 },
		{ 0, 33, 0x20 },		{ 0, 64, 0x00 },
		{ 0, 0xfe, 0x00 },		{ 0, 0xff, 0x3f },
		{ APIC_DEST_SELF, 5, 0x02 },	{ APIC_DEST_ALLINC, 5, 0x3f },
		{ APIC_DEST_ALLBUT, 5, 0x3d },	{ APIC_INT_ASSERT, 17, 0x10 },
		{ APIC_INT_LEVELTRIG, 17, 0x10 },
	};

	check_ipis(test, rows, ARRAY_SIZE(rows), false);
}

static void lapic_ipi_flat(struct kunit *test)
{
	static const struct ipi_row rows[] = {
		{ APIC_DEST_LOGICAL, 0x01, 0x01 },	{ APIC_DEST_LOGICAL, 0x0c, 0x0c },
		{ APIC_DEST_LOGICAL, 0x3f, 0x3f },	{ APIC_DEST_LOGICAL, 0xc0, 0x00 },
		{ APIC_DEST_LOGICAL, 0x00, 0x00 },	{ APIC_DEST_LOGICAL, 0xff, 0x3f },
		{ APIC_DEST_LOGICAL | APIC_DEST_ALLBUT, 0x01, 0x3d },
	};
	struct vl_vm *vm = test->priv;
	unsigned int i;

	for (i = 0; i < APIC_TEST_VCPUS; i++)
		apic_test_write(vm->vcpus[apic_test_ids[i]], APIC_LDR, 1U << (24 + i));
	check_ipis(test, rows, ARRAY_SIZE(rows), false);
}

static void lapic_ipi_cluster(struct kunit *test)
{
	/* Two clusters: places 0 to 2 are 0x01 0x02 0x04, places 3 to 5 0x11 0x12 0x14 */
	static const struct ipi_row rows[] = {
		{ APIC_DEST_LOGICAL, 0x01, 0x01 },	{ APIC_DEST_LOGICAL, 0x07, 0x07 },
		{ APIC_DEST_LOGICAL, 0x16, 0x30 },	{ APIC_DEST_LOGICAL, 0x18, 0x00 },
		{ APIC_DEST_LOGICAL, 0x27, 0x00 },	{ APIC_DEST_LOGICAL, 0xff, 0x3f },
	};
	struct vl_vm *vm = test->priv;
	unsigned int i;

	for (i = 0; i < APIC_TEST_VCPUS; i++) {
		struct vl_vcpu *vcpu = vm->vcpus[apic_test_ids[i]];

		apic_test_write(vcpu, APIC_DFR, APIC_DFR_CLUSTER);
		apic_test_write(vcpu, APIC_LDR, (i / 3) << 28 | 1U << (24 + i % 3));
	}
	check_ipis(test, rows, ARRAY_SIZE(rows), false);
}

static void lapic_ipi_x2apic(struct kunit *test)
{
	static const struct ipi_row rows[] = {
		{ 0, 0, 0x01 },				{ 0, 33, 0x20 },
		{ 0, 0xff, 0x00 },			{ 0, 0xffffffff, 0x3f },
		{ 0, 64, 0x00 },			{ 0, 0x80000000, 0x00 },
		{ APIC_DEST_LOGICAL, 0x00000001, 0x01 }, { APIC_DEST_LOGICAL, 0x00000026, 0x0e },
		{ APIC_DEST_LOGICAL, 0x00010002, 0x10 }, { APIC_DEST_LOGICAL, 0x00020002, 0x20 },
		{ APIC_DEST_LOGICAL, 0x00010001, 0x00 }, { APIC_DEST_LOGICAL, 0x00030001, 0x00 },
		{ APIC_DEST_LOGICAL, 0xffffffff, 0x3f },
		{ APIC_DEST_SELF, 0, 0x02 },		{ APIC_DEST_ALLINC, 0, 0x3f },
		{ APIC_DEST_ALLBUT, 0, 0x3d },
	};
	struct vl_vm *vm = test->priv;
	unsigned int i;
	u64 value;

	for (i = 0; i < APIC_TEST_VCPUS; i++)
		apic_test_x2apic(vm->vcpus[apic_test_ids[i]]);
	check_ipis(test, rows, ARRAY_SIZE(rows), true);

	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_write(vm->vcpus[1], 0x830, 0x12345678000c4099ULL));
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_read(vm->vcpus[1], 0x830, &value));
	KUNIT_EXPECT_EQ(test, value, 0x12345678000c4099ULL);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x99), 0x3dU);
	KUNIT_EXPECT_EQ(test, 0, vl_lapic_msr_write(vm->vcpus[17], 0x83f, 0x66));
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x66), 0x10U);
}

/* One APIC in x2APIC mode, the others not yet: how Linux brings up its CPUs */
static void lapic_ipi_mixed(struct kunit *test)
{
	static const struct ipi_row rows[] = {
		{ 0, 0, 0x01 }, { 0, 33, 0x20 }, { 0, 0xffffffff, 0x3f }, { 0, 0xff, 0x00 },
	};
	struct vl_vm *vm = test->priv;

	apic_test_x2apic(vm->vcpus[1]);
	check_ipis(test, rows, ARRAY_SIZE(rows), true);
}

static void lapic_lowest_priority(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_irq irq = {
		.dest = 0xff, .vector = 0x55, .mode = VL_IRQ_LOWEST, .logical = true,
	};
	unsigned int i;
	u32 mask;

	/* Any one of equals, always the same */
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
	mask = apic_test_took(vm, 0x55);
	KUNIT_EXPECT_EQ(test, hweight32(mask), 1U);
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x55), mask);

	/* The one with the lowest class, by TPR or by ISR */
	for (i = 0; i < APIC_TEST_VCPUS; i++)
		apic_test_write(vm->vcpus[apic_test_ids[i]], APIC_TASKPRI, i == 3 ? 0x10 : 0x20);
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x55), 0x08U);
	send_fixed(vm->vcpus[5], 0x90);
	vl_lapic_ack(vm->vcpus[5], 0x90);
	apic_test_write(vm->vcpus[33], APIC_TASKPRI, 0x1f);
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x55), 0x20U);

	/* Not one that is software-disabled */
	apic_test_write(vm->vcpus[33], APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x55) & 0x28, 0U);
	for (i = 0; i < APIC_TEST_VCPUS; i++)
		apic_test_write(vm->vcpus[apic_test_ids[i]], APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 0);
}

static u32 requested(struct vl_vm *vm, enum vl_request req)
{
	u32 mask = 0;
	unsigned int i;

	for (i = 0; i < APIC_TEST_VCPUS; i++)
		if (test_and_clear_bit(req, vm->vcpus[apic_test_ids[i]]->requests))
			mask |= 1U << i;
	return mask;
}

static void lapic_ipi_special(struct kunit *test)
{
	static const struct {
		u32 icr;
		u8 dest;
		enum vl_request req;
		u32 mask;
	} table[] = {
		{ APIC_DM_NMI, 2, VL_REQ_NMI, 0x04 },
		{ APIC_DM_NMI | APIC_DEST_ALLBUT, 0, VL_REQ_NMI, 0x3d },
		{ APIC_DM_INIT | APIC_INT_ASSERT, 5, VL_REQ_INIT, 0x08 },
		{ APIC_DM_INIT | APIC_INT_ASSERT | APIC_INT_LEVELTRIG, 5, VL_REQ_INIT, 0x08 },
		{ APIC_DM_INIT | APIC_INT_LEVELTRIG, 5, VL_REQ_INIT, 0 },
		{ APIC_DM_INIT | APIC_INT_ASSERT | APIC_DEST_ALLBUT, 0, VL_REQ_INIT, 0x3d },
		{ APIC_DM_INIT | APIC_INT_ASSERT | APIC_DEST_SELF, 0, VL_REQ_INIT, 0 },
		{ APIC_DM_INIT | APIC_INT_ASSERT | APIC_DEST_ALLINC, 0, VL_REQ_INIT, 0 },
		{ APIC_DM_STARTUP | 0x9a, 17, VL_REQ_SIPI, 0x10 },
		{ APIC_DM_STARTUP | 0x00, 33, VL_REQ_SIPI, 0x20 },
		{ APIC_DM_SMI, 2, VL_REQ_NMI, 0 },
		{ APIC_DM_EXTINT | 0x40, 2, VL_REQ_EVENT, 0 },
	};
	struct vl_vm *vm = test->priv;
	unsigned int i, req;

	for (req = 0; req < VL_NR_REQS; req++)
		requested(vm, req);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		apic_test_write(vm->vcpus[1], APIC_ICR2, (u32)table[i].dest << 24);
		apic_test_write(vm->vcpus[1], APIC_ICR, table[i].icr);
		KUNIT_EXPECT_EQ_MSG(test, requested(vm, table[i].req), table[i].mask, "row %u", i);
		for (req = 0; req < VL_NR_REQS; req++)
			KUNIT_EXPECT_EQ_MSG(test, requested(vm, req), 0U, "row %u", i);
	}
	KUNIT_EXPECT_EQ(test, vm->vcpus[17]->sipi_vector, 0x9a);
	KUNIT_EXPECT_EQ(test, vm->vcpus[33]->sipi_vector, 0);
}

static void lapic_msi(struct kunit *test)
{
	static const struct {
		u64 address;
		u32 data;
		int ret;
		u32 mask;
	} table[] = {
		{ 0xfee00000, 0x0055, 1, 0x01 },	{ 0xfee05000, 0x0055, 1, 0x08 },
		{ 0xfee21000, 0x0055, 1, 0x20 },	{ 0xfee03000, 0x0055, 0, 0 },
		{ 0xfeeff000, 0x0055, 6, 0x3f },	{ 0xfee11000, 0x4055, 1, 0x10 },
		{ 0xfee02000, 0xc055, 1, 0x04 },	{ 0xfee02000, 0x8055, 0, 0 },
		{ 0xfee02008, 0x0055, 1, 0x04 },	{ 0xfee02003, 0x0055, 1, 0x04 },
		{ 0xfee02000, 0x0255, 0, 0 },		{ 0xfee02000, 0x0755, 0, 0 },
		{ 0xfee02000, 0x0155, 1, 0x04 },	{ 0xfee02000, 0xffff0055, 1, 0x04 },
		{ 0xfee02000, 0x000f, 0, 0 },
		{ 0xfed00000, 0x0055, -EINVAL, 0 },	{ 0, 0x0055, -EINVAL, 0 },
		{ 0x1fee00000, 0x0055, -EINVAL, 0 },	{ 0xfef00000, 0x0055, -EINVAL, 0 },
		{ 0xfee02010, 0x0055, -EINVAL, 0 },	{ 0xfee02020, 0x0055, -EINVAL, 0 },
		{ 0xfee02000, 0x0355, -EINVAL, 0 },	{ 0xfee02000, 0x0655, -EINVAL, 0 },
	};
	struct vl_vm *vm = test->priv;
	struct vmx_lite_msi msi = { .address = 0xfee0600c, .data = 0x55 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const struct vmx_lite_msi row = {
			.address = table[i].address, .data = table[i].data,
		};

		KUNIT_EXPECT_EQ_MSG(test, vl_irq_msi(vm, &row), table[i].ret, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, apic_test_took(vm, 0x55), table[i].mask, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, vl_irq_msi_valid(&row), table[i].ret != -EINVAL,
				    "row %u", i);
	}
	/* Redirection hint and logical destination: one of two */
	apic_test_write(vm->vcpus[1], APIC_LDR, 0x02000000);
	apic_test_write(vm->vcpus[2], APIC_LDR, 0x04000000);
	apic_test_write(vm->vcpus[1], APIC_TASKPRI, 0x10);
	KUNIT_EXPECT_EQ(test, vl_irq_msi(vm, &msi), 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x55), 0x04U);
	/* Without the hint: both */
	msi.address = 0xfee06004;
	KUNIT_EXPECT_EQ(test, vl_irq_msi(vm, &msi), 2);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x55), 0x06U);
	/* A level-triggered message marks the vector so. */
	msi.address = 0xfee00000;
	msi.data = 0xc055;
	vl_irq_msi(vm, &msi);
	KUNIT_EXPECT_TRUE(test, apic_test_bit(first(test), APIC_TMR, 0x55));
	msi.data = 0x4055;
	vl_irq_msi(vm, &msi);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(first(test), APIC_TMR, 0x55));
}

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

#define LONG_COUNT	0xf0000000U	/* with division by 128: nine minutes */

static void lapic_timer_one_shot(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);

	apic_test_write(vcpu, APIC_TDCR, 0xa);
	apic_test_write(vcpu, APIC_LVTT, 0x30);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMCCT), 0U);
	apic_test_write(vcpu, APIC_TMICT, LONG_COUNT);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMICT), LONG_COUNT);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
	KUNIT_EXPECT_NE(test, apic_test_read(vcpu, APIC_TMCCT), 0U);
	KUNIT_EXPECT_LE(test, apic_test_read(vcpu, APIC_TMCCT), LONG_COUNT);

	/* At another rate it goes on from where it was. */
	apic_test_write(vcpu, APIC_TDCR, 0x9);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
	KUNIT_EXPECT_LE(test, ktime_to_ns(hrtimer_get_remaining(&vcpu->lapic->timer)),
			(s64)LONG_COUNT * 64);

	KUNIT_EXPECT_EQ(test, expire(vcpu), HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x30);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TMCCT), 0U);

	/* 0 stops it. */
	apic_test_write(vcpu, APIC_TMICT, LONG_COUNT);
	apic_test_write(vcpu, APIC_TMICT, 0);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));

	/* Masked, it runs but does not interrupt. */
	vl_lapic_ack(vcpu, 0x30);
	apic_test_write(vcpu, APIC_EOI, 0);
	apic_test_write(vcpu, APIC_LVTT, 0x10030);
	apic_test_write(vcpu, APIC_TMICT, LONG_COUNT);
	KUNIT_EXPECT_EQ(test, expire(vcpu), HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
}

static void lapic_timer_periodic(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);

	apic_test_write(vcpu, APIC_TDCR, 0xa);
	apic_test_write(vcpu, APIC_LVTT, 0x20031);
	apic_test_write(vcpu, APIC_TMICT, LONG_COUNT);
	KUNIT_EXPECT_EQ(test, vcpu->lapic->period, (u64)LONG_COUNT * 128);
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

#define FAR_TICKS	(1ULL << 42)	/* above half an hour at any frequency */

static void lapic_timer_deadline(struct kunit *test)
{
	struct vl_vcpu *vcpu = first(test);

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
	struct vl_vcpu *vcpu = first(test);
	unsigned int i;

	apic_test_write(vcpu, APIC_TDCR, 0xa);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		apic_test_write(vcpu, APIC_LVTT, modes[i] | 0x33);
		apic_test_write(vcpu, APIC_TMICT, LONG_COUNT);
		apic_test_write(vcpu, APIC_LVTT, modes[i] | APIC_LVT_MASKED | 0x34);
		KUNIT_EXPECT_TRUE(test, hrtimer_active(&vcpu->lapic->timer));
		apic_test_write(vcpu, APIC_LVTT, modes[!i] | 0x33);
		KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
	}
	apic_test_write(vcpu, APIC_TMICT, LONG_COUNT);
	vl_lapic_reset(vcpu, true);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&vcpu->lapic->timer));
}

static void lapic_state(struct kunit *test)
{
	static const struct {
		u16 reg;
		u32 value;
	} bad[] = {
		{ APIC_ID, 7U << 24 },		{ APIC_LVR, 0x14 },
		{ APIC_ID + 4, 1 },		{ APIC_LDR, 1 },
		{ APIC_DFR, 0xf0000000 },	{ APIC_ISR, 0x8000 },
		{ APIC_IRR, 1 },		{ APIC_TMR, 4 },
		{ APIC_LVTT, 0x60000 },		{ APIC_LVTT, 0x80000 },
		{ APIC_LVT0, 0x40000 },		{ APIC_TDCR, 4 },
		{ APIC_LVTCMCI, 0x10000 },	{ APIC_SPIV, 0x2000 },
		{ APIC_TASKPRI, 0x100 },	{ APIC_ICR, 0x100000 },
		{ 0x40, 1 },			{ APIC_ESR, 0x100 },
	};
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = vm->vcpus[2];
	struct vmx_lite_lapic *state, *again;
	unsigned int i;

	state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	again = kunit_kzalloc(test, sizeof(*again), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, state);
	KUNIT_ASSERT_NOT_NULL(test, again);

	apic_test_write(vcpu, APIC_LDR, 0x04000000);
	apic_test_write(vcpu, APIC_TASKPRI, 0x25);
	apic_test_write(vcpu, APIC_LVT1, 0x400);
	apic_test_write(vcpu, APIC_LVTT, 0x200ec);
	apic_test_write(vcpu, APIC_TDCR, 0xa);
	send_fixed(vcpu, 0x41);
	vl_lapic_ack(vcpu, 0x41);
	send_fixed(vcpu, 0xc2);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_get_state(vcpu, state));
	KUNIT_EXPECT_EQ(test, state->regs[APIC_PROCPRI / 4], 0x40U);
	KUNIT_EXPECT_EQ(test, state->regs[(APIC_IRR + 0x60) / 4], 4U);
	/* As if it had been saved while counting */
	state->regs[APIC_TMICT / 4] = LONG_COUNT;
	state->regs[APIC_TMCCT / 4] = LONG_COUNT / 2;

	vl_lapic_reset(vcpu, false);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_set_state(vcpu, state));
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0xc2);
	KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_ISR, 0x41));
	KUNIT_EXPECT_EQ(test, vcpu->lapic->period, (u64)LONG_COUNT * 128);
	KUNIT_EXPECT_LE(test, apic_test_read(vcpu, APIC_TMCCT), LONG_COUNT / 2);
	vl_lapic_timer_stop(vcpu->lapic);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_get_state(vcpu, again));
	state->regs[APIC_TMCCT / 4] = 0;
	KUNIT_EXPECT_EQ(test, 0, memcmp(state, again, sizeof(*state)));

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		u32 *reg = &again->regs[bad[i].reg / 4];
		u32 saved = *reg;

		*reg = bad[i].value;
		KUNIT_EXPECT_EQ_MSG(test, vl_lapic_set_state(vcpu, again), -EINVAL, "row %u", i);
		*reg = saved;
	}
	/* Registers that are 32 bits wide or derived differ in x2APIC mode. */
	apic_test_x2apic(vcpu);
	KUNIT_EXPECT_EQ(test, vl_lapic_set_state(vcpu, again), -EINVAL);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_msr_write(vcpu, 0x830, 0x0001000200000800ULL | 0x44));
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_get_state(vcpu, again));
	KUNIT_EXPECT_EQ(test, vl_lapic_set_state(vcpu, again), 0);
}

static struct kunit_case lapic_cases[] = {
	KUNIT_CASE(lapic_power_up),
	KUNIT_CASE(lapic_init_keeps_mode),
	KUNIT_CASE(lapic_base_modes),
	KUNIT_CASE(lapic_disable_loses_state),
	KUNIT_CASE(lapic_xapic_to_x2apic),
	KUNIT_CASE(lapic_mmio_writes),
	KUNIT_CASE(lapic_mmio_shapes),
	KUNIT_CASE(lapic_x2apic_msrs),
	KUNIT_CASE(lapic_priorities),
	KUNIT_CASE(lapic_cr8),
	KUNIT_CASE(lapic_nested_eoi),
	KUNIT_CASE(lapic_kick_once),
	KUNIT_CASE(lapic_software_disabled),
	KUNIT_CASE(lapic_errors),
	KUNIT_CASE(lapic_ipi_physical),
	KUNIT_CASE(lapic_ipi_flat),
	KUNIT_CASE(lapic_ipi_cluster),
	KUNIT_CASE(lapic_ipi_x2apic),
	KUNIT_CASE(lapic_ipi_mixed),
	KUNIT_CASE(lapic_lowest_priority),
	KUNIT_CASE(lapic_ipi_special),
	KUNIT_CASE(lapic_msi),
	KUNIT_CASE(lapic_timer_arithmetic),
	KUNIT_CASE(lapic_timer_one_shot),
	KUNIT_CASE(lapic_timer_periodic),
	KUNIT_CASE(lapic_timer_deadline),
	KUNIT_CASE(lapic_timer_mode_disarms),
	KUNIT_CASE(lapic_state),
	{}
};

static struct kunit_suite lapic_suite = {
	.name = "vmx-lite-lapic",
	.init = apic_test_init,
	.exit = apic_test_exit,
	.test_cases = lapic_cases,
};
kunit_test_suite(lapic_suite);
