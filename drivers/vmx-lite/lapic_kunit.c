// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the local APIC's registers, modes and priorities; expected
 * values are those of the SDM, vol. 3, chapter 11.
 */
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "apic_kunit.h"
#include "kunit-stubs.h"

#define BASE	VL_LAPIC_DEFAULT_BASE
#define BSP	MSR_IA32_APICBASE_BSP
#define EN	MSR_IA32_APICBASE_ENABLE
#define EXTD	X2APIC_ENABLE

static void lapic_power_up(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = vm->vcpus[5];
	unsigned int reg;

	vl_lapic_reset(vcpu, false);
	KUNIT_EXPECT_EQ(test, vl_lapic_base(vcpu), BASE | EN);
	KUNIT_EXPECT_EQ(test, vl_lapic_base(apic_test_first(test)), BASE | EN | BSP);
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
	struct vl_vcpu *vcpu = apic_test_first(test);
	u64 value;

	apic_test_x2apic(vcpu);
	vl_lapic_set_tpr(vcpu, 7);
	apic_test_send(vcpu, 0x40);
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
		{ 1, BASE | EN | BIT_ULL(63), -EINVAL }, { 1, BASE | EN | BIT_ULL(40), -EINVAL },
		{ 1, BASE | EN | BIT_ULL(39), 0 },
		{ 1, 0xfed00000 | EN, 0 },	{ 1, BASE | EN | BSP, 0 },
	};
	struct vl_vcpu *vcpu = apic_test_first(test);
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
	struct vl_vcpu *vcpu = apic_test_first(test);
	u32 data;

	apic_test_write(vcpu, APIC_TASKPRI, 0x50);
	apic_test_send(vcpu, 0x80);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_set_base(vcpu, BASE | BSP));
	KUNIT_EXPECT_FALSE(test, vl_lapic_mmio(vcpu, BASE + APIC_ID, 4, &data, false));
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
	apic_test_send(vcpu, 0x81);
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
	struct vl_vcpu *vcpu = apic_test_first(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		apic_test_write(vcpu, table[i].reg, table[i].value);
		KUNIT_EXPECT_EQ_MSG(test, apic_test_read(vcpu, table[i].reg), table[i].then,
				    "row %u", i);
	}
}

static void lapic_mmio_shapes(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);
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
	struct vl_vcpu *vcpu = apic_test_first(test);
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
	struct vl_vcpu *vcpu = apic_test_first(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vl_lapic_reset(vcpu, true);
		apic_test_write(vcpu, APIC_SPIV, 0x1ff);
		if (table[i].isr) {
			apic_test_send(vcpu, table[i].isr);
			vl_lapic_ack(vcpu, table[i].isr);
		}
		if (table[i].irr)
			apic_test_send(vcpu, table[i].irr);
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
	struct vl_vcpu *vcpu = apic_test_first(test);

	vl_lapic_set_tpr(vcpu, 9);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_TASKPRI), 0x90U);
	apic_test_write(vcpu, APIC_TASKPRI, 0x5c);
	KUNIT_EXPECT_EQ(test, vl_lapic_tpr(vcpu), 5);
	apic_test_send(vcpu, 0x51);
	bitmap_zero(vcpu->requests, VL_NR_REQS);
	vl_lapic_set_tpr(vcpu, 4);
	KUNIT_EXPECT_TRUE(test, test_bit(VL_REQ_EVENT, vcpu->requests));
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x51);
}

static void lapic_nested_eoi(struct kunit *test)
{
	static const u8 vectors[] = { 0x31, 0x52, 0xa3 };
	struct vl_vcpu *vcpu = apic_test_first(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		apic_test_send(vcpu, vectors[i]);
		KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), vectors[i]);
		vl_lapic_ack(vcpu, vectors[i]);
		KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, vectors[i]));
		KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_ISR, vectors[i]));
	}
	/* The same vector may pend once while it is in service. */
	apic_test_send(vcpu, 0x52);
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
	struct vl_vcpu *vcpu = apic_test_first(test);
	int before;

	bitmap_zero(vcpu->requests, VL_NR_REQS);
	before = atomic_read(&vl_kunit_kicks);
	apic_test_send(vcpu, 0x77);
	KUNIT_EXPECT_EQ(test, atomic_read(&vl_kunit_kicks), before + 1);
	KUNIT_EXPECT_TRUE(test, test_bit(VL_REQ_EVENT, vcpu->requests));
	apic_test_send(vcpu, 0x77);
	KUNIT_EXPECT_EQ(test, atomic_read(&vl_kunit_kicks), before + 1);
	vl_lapic_ack(vcpu, 0x77);
	apic_test_send(vcpu, 0x77);
	KUNIT_EXPECT_EQ(test, atomic_read(&vl_kunit_kicks), before + 2);
}

/* SDM vol. 3, 11.4.7.2 */
static void lapic_software_disabled(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = apic_test_first(test);
	struct vl_irq irq = { .vector = 0x61 };

	apic_test_write(vcpu, APIC_LVT1, 0x400);
	apic_test_send(vcpu, 0x60);
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
	struct vl_vcpu *vcpu = apic_test_first(test);

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
	apic_test_send(vcpu, 3);
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
	apic_test_send(vcpu, 1);
	apic_test_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ESR), 0x40U);
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
	apic_test_send(vcpu, 0x41);
	vl_lapic_ack(vcpu, 0x41);
	apic_test_send(vcpu, 0xc2);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_get_state(vcpu, state));
	KUNIT_EXPECT_EQ(test, state->regs[APIC_PROCPRI / 4], 0x40U);
	KUNIT_EXPECT_EQ(test, state->regs[(APIC_IRR + 0x60) / 4], 4U);
	/* As if it had been saved while counting */
	state->regs[APIC_TMICT / 4] = APIC_TEST_COUNT;
	state->regs[APIC_TMCCT / 4] = APIC_TEST_COUNT / 2;

	vl_lapic_reset(vcpu, false);
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_set_state(vcpu, state));
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0xc2);
	KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_ISR, 0x41));
	KUNIT_EXPECT_EQ(test, vcpu->lapic->period, (u64)APIC_TEST_COUNT * 128);
	KUNIT_EXPECT_LE(test, apic_test_read(vcpu, APIC_TMCCT), APIC_TEST_COUNT / 2);
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

/* With APICv senders leave IRR to the vCPU's thread, and the CPU. */
static void lapic_posted(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);
	int kicks;

	vcpu->lapic->apicv = true;
	kicks = atomic_read(&vl_kunit_kicks);
	bitmap_zero(vcpu->requests, VL_NR_REQS);
	apic_test_send(vcpu, 0x31);
	apic_test_send(vcpu, 0xe2);
	apic_test_send(vcpu, 0x31);
	KUNIT_EXPECT_EQ(test, atomic_read(&vl_kunit_kicks), kicks + 2);
	KUNIT_EXPECT_TRUE(test, test_bit(VL_REQ_EVENT, vcpu->requests));
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, 0x31));
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, 0xe2));

	KUNIT_EXPECT_EQ(test, vl_lapic_guest_status(vcpu), 0xe2);
	KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_IRR, 0x31));
	KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_IRR, 0xe2));
	vl_lapic_ack(vcpu, 0xe2);
	KUNIT_EXPECT_EQ(test, vl_lapic_guest_status(vcpu), 0xe231);

	/* Sent again while it pends: once more is still once, and seen by who asks. */
	apic_test_send(vcpu, 0x31);
	apic_test_send(vcpu, 0xf0);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0xf0);
	apic_test_send(vcpu, 0x5f);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_IRR + 0x20), 1U << 31);

	/* An INIT forgets what was sent before. */
	apic_test_send(vcpu, 0x40);
	vl_lapic_reset(vcpu, true);
	KUNIT_EXPECT_EQ(test, vl_lapic_guest_status(vcpu), 0);
}

static void lapic_eoi_exits(struct kunit *test)
{
	const struct vl_irq level = { .vector = 0x83, .level = true, .assert = true };
	struct vl_vcpu *vcpu = apic_test_first(test);
	u64 bitmap[4];

	vcpu->lapic->apicv = true;
	apic_test_send(vcpu, 0x44);
	vl_lapic_accept(vcpu, &level);
	vl_lapic_eoi_exits(vcpu->lapic, bitmap);
	KUNIT_EXPECT_EQ(test, bitmap[0], 0ULL);
	KUNIT_EXPECT_EQ(test, bitmap[1], 0ULL);
	KUNIT_EXPECT_EQ(test, bitmap[2], BIT_ULL(3));
	KUNIT_EXPECT_EQ(test, bitmap[3], 0ULL);
	/* As an edge it ends where it began. */
	apic_test_send(vcpu, 0x83);
	vl_lapic_eoi_exits(vcpu->lapic, bitmap);
	KUNIT_EXPECT_EQ(test, bitmap[2], 0ULL);
}

/* An EOI that the CPU has done reaches the IOAPIC, if the trigger mode asks for it. */
static void lapic_eoi_done(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);
	struct vmx_lite_ioapic io;

	vcpu->lapic->apicv = true;
	KUNIT_ASSERT_EQ(test, 0, vl_ioapic_get_state(vcpu->vm, &io));
	io.redirect[7] = 0x83 | BIT_ULL(15);
	io.irr = BIT(7);
	KUNIT_ASSERT_EQ(test, 0, vl_ioapic_set_state(vcpu->vm, &io));
	KUNIT_ASSERT_EQ(test, 0, vl_ioapic_set_line(vcpu->vm, 7, VL_IOAPIC_USER, 0));
	KUNIT_EXPECT_EQ(test, vl_lapic_guest_status(vcpu), 0x83);
	KUNIT_ASSERT_EQ(test, 0, vl_ioapic_get_state(vcpu->vm, &io));
	KUNIT_EXPECT_TRUE(test, io.redirect[7] & BIT_ULL(14));
	vl_lapic_eoi_done(vcpu, 0x84);
	KUNIT_ASSERT_EQ(test, 0, vl_ioapic_get_state(vcpu->vm, &io));
	KUNIT_EXPECT_TRUE(test, io.redirect[7] & BIT_ULL(14));
	vl_lapic_eoi_done(vcpu, 0x83);
	KUNIT_ASSERT_EQ(test, 0, vl_ioapic_get_state(vcpu->vm, &io));
	KUNIT_EXPECT_FALSE(test, io.redirect[7] & BIT_ULL(14));
}

/* What the CPU has stored in the page takes effect: an IPI, and an illegal one. */
static void lapic_written(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);

	vl_lapic_set_reg(vcpu->lapic, APIC_ICR, APIC_DEST_SELF | 0x66);
	vl_lapic_written(vcpu, APIC_ICR);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x66);
	vl_lapic_set_reg(vcpu->lapic, APIC_SELF_IPI, 0x0f);
	vl_lapic_written(vcpu, APIC_SELF_IPI);
	apic_test_write(vcpu, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, apic_test_read(vcpu, APIC_ESR), (u32)APIC_ESR_SENDILL);
}

/* SDM vol. 3, table 11-6: what an RDMSR may take from the page as it stands there */
static void lapic_msr_plain(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);
	unsigned int i, n = 0;

	for (i = 0; i < 0x100; i++)
		KUNIT_EXPECT_FALSE(test, vl_lapic_msr_plain(vcpu, 0x800 + i));
	apic_test_x2apic(vcpu);
	for (i = 0; i < 0x100; i++)
		n += vl_lapic_msr_plain(vcpu, 0x800 + i);
	/* ID, version, TPR, PPR, LDR, SVR, 3 x 8 bitmaps, ESR, 6 LVTs, initial count, divisor */
	KUNIT_EXPECT_EQ(test, n, 6 + 24 + 1 + 6 + 2);
	KUNIT_EXPECT_FALSE(test, vl_lapic_msr_plain(vcpu, 0x80b));
	KUNIT_EXPECT_FALSE(test, vl_lapic_msr_plain(vcpu, 0x830));
	KUNIT_EXPECT_FALSE(test, vl_lapic_msr_plain(vcpu, 0x839));
	KUNIT_EXPECT_FALSE(test, vl_lapic_msr_plain(vcpu, 0x83f));
	KUNIT_EXPECT_TRUE(test, vl_lapic_msr_plain(vcpu, 0x80a));
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
	KUNIT_CASE(lapic_state),
	KUNIT_CASE(lapic_posted),
	KUNIT_CASE(lapic_eoi_exits),
	KUNIT_CASE(lapic_eoi_done),
	KUNIT_CASE(lapic_written),
	KUNIT_CASE(lapic_msr_plain),
	{}
};

static struct kunit_suite lapic_suite = {
	.name = "vmx-lite-lapic",
	.init = apic_test_init,
	.exit = apic_test_exit,
	.test_cases = lapic_cases,
};

kunit_test_suite(lapic_suite);
