// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the IOAPIC; expected values are those of the 82093AA datasheet.
 */
#include "apic_kunit.h"

#define LEVEL		BIT(15)
#define MASKED		BIT(16)
#define LOGICAL		BIT(11)
#define REMOTE_IRR	BIT(14)

static u32 window_read(struct vl_vm *vm, u8 index)
{
	u32 select = index, value = ~0U;

	KUNIT_EXPECT_TRUE(kunit_get_current_test(),
			  vl_ioapic_mmio(vm, VL_IOAPIC_BASE, 4, &select, true));
	KUNIT_EXPECT_TRUE(kunit_get_current_test(),
			  vl_ioapic_mmio(vm, VL_IOAPIC_BASE + 0x10, 4, &value, false));
	return value;
}

static void window_write(struct vl_vm *vm, u8 index, u32 value)
{
	u32 select = index;

	KUNIT_EXPECT_TRUE(kunit_get_current_test(),
			  vl_ioapic_mmio(vm, VL_IOAPIC_BASE, 4, &select, true));
	KUNIT_EXPECT_TRUE(kunit_get_current_test(),
			  vl_ioapic_mmio(vm, VL_IOAPIC_BASE + 0x10, 4, &value, true));
}

/* As a driver does: destination first, the half with the mask last */
static void redirect(struct vl_vm *vm, unsigned int pin, u8 dest, u32 low)
{
	window_write(vm, 0x11 + 2 * pin, (u32)dest << 24);
	window_write(vm, 0x10 + 2 * pin, low);
}

static void line(struct vl_vm *vm, u32 gsi, int level)
{
	KUNIT_EXPECT_EQ(kunit_get_current_test(), 0,
			vl_ioapic_set_line(vm, gsi, VL_IOAPIC_USER, level));
}

/* The vCPU takes an interrupt and ends it. */
static void handle(struct vl_vcpu *vcpu, int vector)
{
	KUNIT_EXPECT_EQ(kunit_get_current_test(), vl_lapic_pending(vcpu), vector);
	vl_lapic_ack(vcpu, vector);
	apic_test_write(vcpu, APIC_EOI, 0);
}

static void ioapic_registers(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	unsigned int pin;
	u64 data = 0;

	KUNIT_EXPECT_EQ(test, window_read(vm, 0), 0U);
	KUNIT_EXPECT_EQ(test, window_read(vm, 1), 0x00170020U);
	for (pin = 0; pin < 24; pin++) {
		KUNIT_EXPECT_EQ(test, window_read(vm, 0x10 + 2 * pin), 0x10000U);
		KUNIT_EXPECT_EQ(test, window_read(vm, 0x11 + 2 * pin), 0U);
	}
	window_write(vm, 0, 0xffffffff);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0), 0x0f000000U);
	KUNIT_EXPECT_EQ(test, window_read(vm, 2), 0x0f000000U);
	window_write(vm, 1, 0);
	KUNIT_EXPECT_EQ(test, window_read(vm, 1), 0x00170020U);
	/* Delivery status and remote IRR are read-only, the rest reserved. */
	window_write(vm, 0x3e, 0xffffffff);
	window_write(vm, 0x3f, 0xffffffff);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x3e), 0x1afffU);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x3f), 0xff000000U);
	window_write(vm, 0x40, 0xffffffff);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x40), 0U);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x0f), 0U);

	/* Shapes of accesses */
	data = 0x3e;
	KUNIT_EXPECT_TRUE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE, 1, &data, true));
	data = 0;
	KUNIT_EXPECT_TRUE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE, 1, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0x3eULL);
	data = 0;
	KUNIT_EXPECT_TRUE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE + 0x10, 1, &data, true));
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x3e), 0x1afffU);
	data = ~0ULL;
	KUNIT_EXPECT_TRUE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE + 0x10, 8, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0x1afffULL);
	data = ~0ULL;
	KUNIT_EXPECT_TRUE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE + 0x20, 4, &data, false));
	KUNIT_EXPECT_EQ(test, data, 0xffffffff00000000ULL);
	KUNIT_EXPECT_FALSE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE - 1, 1, &data, false));
	KUNIT_EXPECT_FALSE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE + 0x1000, 4, &data, false));

	KUNIT_EXPECT_EQ(test, -EINVAL, vl_ioapic_set_line(vm, 24, VL_IOAPIC_USER, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, vl_ioapic_set_line(vm, U32_MAX, VL_IOAPIC_USER, 1));
}

static void ioapic_edge(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	/* An edge on a masked pin is lost. */
	line(vm, 4, 1);
	redirect(vm, 4, 5, 0x44);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x44), 0U);
	line(vm, 4, 0);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x44), 0U);
	line(vm, 4, 1);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vm->vcpus[5], APIC_TMR, 0x44));
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x44), 0x08U);
	/* Still asserted: no further edge */
	line(vm, 4, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x44), 0U);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x18) & REMOTE_IRR, 0U);
	line(vm, 4, 0);
	line(vm, 4, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x44), 0x08U);
}

static void ioapic_level(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = vm->vcpus[2];

	/* A level is kept while masked. */
	line(vm, 9, 1);
	redirect(vm, 9, 2, LEVEL | 0x59);
	KUNIT_EXPECT_TRUE(test, apic_test_bit(vcpu, APIC_TMR, 0x59));
	KUNIT_EXPECT_NE(test, window_read(vm, 0x22) & REMOTE_IRR, 0U);
	/* Sent once, however often the line is asserted, until EOI */
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x59);
	vl_lapic_ack(vcpu, 0x59);
	line(vm, 9, 0);
	line(vm, 9, 1);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, 0x59));
	/* Still asserted at EOI: again */
	apic_test_write(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x59);
	KUNIT_EXPECT_NE(test, window_read(vm, 0x22) & REMOTE_IRR, 0U);
	/* Released: no more */
	line(vm, 9, 0);
	handle(vcpu, 0x59);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x22) & REMOTE_IRR, 0U);
	/* The EOI of another vector is not this pin's. */
	line(vm, 9, 1);
	vl_lapic_ack(vcpu, 0x59);
	vl_ioapic_eoi(vm, 0x58);
	KUNIT_EXPECT_NE(test, window_read(vm, 0x22) & REMOTE_IRR, 0U);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vcpu, APIC_IRR, 0x59));
}

/* SDM vol. 3, 11.8.5.1, and the IOAPIC's EOI register */
static void ioapic_directed_eoi(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = vm->vcpus[2];
	u32 vector = 0x59;

	apic_test_write(vcpu, APIC_SPIV, 0x11ff);
	redirect(vm, 9, 2, LEVEL | vector);
	line(vm, 9, 1);
	line(vm, 9, 0);
	handle(vcpu, vector);
	KUNIT_EXPECT_NE(test, window_read(vm, 0x22) & REMOTE_IRR, 0U);
	KUNIT_EXPECT_TRUE(test, vl_ioapic_mmio(vm, VL_IOAPIC_BASE + 0x40, 4, &vector, true));
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x22) & REMOTE_IRR, 0U);
}

static void ioapic_level_to_edge(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	redirect(vm, 3, 0, LEVEL | 0x63);
	line(vm, 3, 1);
	KUNIT_EXPECT_NE(test, window_read(vm, 0x16) & REMOTE_IRR, 0U);
	window_write(vm, 0x16, MASKED | 0x63);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x16), (u32)MASKED | 0x63);
	apic_test_took(vm, 0x63);
	window_write(vm, 0x16, LEVEL | 0x63);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x63), 0x01U);
}

/* Nobody takes it: it does not wait for an EOI that cannot come. */
static void ioapic_not_accepted(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	redirect(vm, 7, 3, LEVEL | 0x67);
	line(vm, 7, 1);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x1e) & REMOTE_IRR, 0U);
	redirect(vm, 7, 1, LEVEL | 0x67);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x67), 0x02U);
}

static void ioapic_sources(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *vcpu = vm->vcpus[0];

	redirect(vm, 11, 0, LEVEL | 0x6b);
	vl_ioapic_set_line(vm, 11, VL_IOAPIC_RESAMPLE, 1);
	line(vm, 11, 1);
	line(vm, 11, 0);
	handle(vcpu, 0x6b);
	/* One of the two still holds the line. */
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), 0x6b);
	vl_ioapic_set_line(vm, 11, VL_IOAPIC_RESAMPLE, 0);
	handle(vcpu, 0x6b);
	KUNIT_EXPECT_EQ(test, vl_lapic_pending(vcpu), -1);

	/* For an edge, too: only the first to assert it makes one. */
	redirect(vm, 12, 0, 0x6c);
	line(vm, 12, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x6c), 0x01U);
	vl_ioapic_set_line(vm, 12, VL_IOAPIC_IRQFD, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x6c), 0U);
}

static void ioapic_destinations(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	unsigned int i;

	redirect(vm, 1, 0xff, 0x71);
	line(vm, 1, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x71), 0x3fU);
	for (i = 0; i < APIC_TEST_VCPUS; i++)
		apic_test_write(vm->vcpus[apic_test_ids[i]], APIC_LDR, 1U << (24 + i));
	redirect(vm, 2, 0x0a, LOGICAL | 0x72);
	line(vm, 2, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x72), 0x0aU);
	/* Lowest priority: one of them */
	apic_test_write(vm->vcpus[1], APIC_TASKPRI, 0x10);
	redirect(vm, 3, 0x0a, LOGICAL | 0x100 | 0x73);
	line(vm, 3, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x73), 0x08U);
	/* x2APIC: 8 bits are enough for the first cluster */
	apic_test_x2apic(vm->vcpus[5]);
	redirect(vm, 5, 0x20, LOGICAL | 0x75);
	line(vm, 5, 1);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x75), 0x28U);
}

/* An NMI is an edge even if the entry says level. */
static void ioapic_nmi(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	redirect(vm, 6, 1, LEVEL | 0x400);
	line(vm, 6, 1);
	KUNIT_EXPECT_TRUE(test, test_and_clear_bit(VL_REQ_NMI, vm->vcpus[1]->requests));
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x1c) & REMOTE_IRR, 0U);
	line(vm, 6, 1);
	KUNIT_EXPECT_FALSE(test, test_bit(VL_REQ_NMI, vm->vcpus[1]->requests));
	line(vm, 6, 0);
	line(vm, 6, 1);
	KUNIT_EXPECT_TRUE(test, test_bit(VL_REQ_NMI, vm->vcpus[1]->requests));
}

static void ioapic_state(struct kunit *test)
{
	static const struct {
		u32 id;
		u32 select;
		u32 irr;
		u32 pad;
		u64 redirect;
	} bad[] = {
		{ .id = 1 }, { .id = 0x10000000 }, { .select = 0x100 }, { .irr = 1U << 24 },
		{ .pad = 1 }, { .redirect = BIT_ULL(12) }, { .redirect = BIT_ULL(17) },
		{ .redirect = BIT_ULL(55) }, { .redirect = REMOTE_IRR | 0x40 },
	};
	struct vl_vm *vm = test->priv;
	struct vmx_lite_ioapic state, again;
	unsigned int i;

	redirect(vm, 10, 1, LEVEL | 0x7a);
	redirect(vm, 20, 17, 0x8a);
	window_write(vm, 0, 0x03000000);
	line(vm, 10, 1);
	line(vm, 20, 1);
	vl_ioapic_get_state(vm, &state);
	KUNIT_EXPECT_EQ(test, state.id, 0x03000000U);
	KUNIT_EXPECT_EQ(test, state.irr, (u32)(BIT(10) | BIT(20)));
	KUNIT_EXPECT_EQ(test, state.redirect[10],
			0x0100000000000000ULL | LEVEL | REMOTE_IRR | 0x7a);
	KUNIT_EXPECT_EQ(test, state.redirect[20], 0x110000000000008aULL);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x7a), 0x02U);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x8a), 0x10U);

	vl_ioapic_reset(vm);
	KUNIT_EXPECT_EQ(test, window_read(vm, 0x24), 0x10000U);
	KUNIT_EXPECT_EQ(test, vl_ioapic_set_state(vm, &state), 0);
	vl_ioapic_get_state(vm, &again);
	KUNIT_EXPECT_EQ(test, memcmp(&state, &again, sizeof(state)), 0);
	/* It waits for its EOI; the edge has been. */
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x7a), 0U);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x8a), 0U);
	/* Saved before it could be sent: now */
	again.redirect[10] &= ~(u64)REMOTE_IRR;
	KUNIT_EXPECT_EQ(test, vl_ioapic_set_state(vm, &again), 0);
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x7a), 0x02U);

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&again, 0, sizeof(again));
		again.id = bad[i].id;
		again.select = bad[i].select;
		again.irr = bad[i].irr;
		again.pad = bad[i].pad;
		again.redirect[23] = bad[i].redirect;
		KUNIT_EXPECT_EQ_MSG(test, vl_ioapic_set_state(vm, &again), -EINVAL, "row %u", i);
	}
}

static struct kunit_case ioapic_cases[] = {
	KUNIT_CASE(ioapic_registers),
	KUNIT_CASE(ioapic_edge),
	KUNIT_CASE(ioapic_level),
	KUNIT_CASE(ioapic_directed_eoi),
	KUNIT_CASE(ioapic_level_to_edge),
	KUNIT_CASE(ioapic_not_accepted),
	KUNIT_CASE(ioapic_sources),
	KUNIT_CASE(ioapic_destinations),
	KUNIT_CASE(ioapic_nmi),
	KUNIT_CASE(ioapic_state),
	{}
};

static struct kunit_suite ioapic_suite = {
	.name = "vmx-lite-ioapic",
	.init = apic_test_init,
	.exit = apic_test_exit,
	.test_cases = ioapic_cases,
};

kunit_test_suite(ioapic_suite);
