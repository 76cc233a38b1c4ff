/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM of a few vCPUs with local APICs and an IOAPIC, for the tests of them.
 */
#ifndef VL_APIC_KUNIT_H
#define VL_APIC_KUNIT_H

#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <asm/apicdef.h>

#include "vmx-lite.h"

/* Ids with holes, in three clusters of the x2APIC */
#define APIC_TEST_VCPUS		6
static const u32 apic_test_ids[APIC_TEST_VCPUS] = { 0, 1, 2, 5, 17, 33 };

/* A timer's count that, divided by 128, lasts nine minutes */
#define APIC_TEST_COUNT		0xf0000000U

static inline struct vl_vcpu *apic_test_first(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	return vm->vcpus[apic_test_ids[0]];
}

/* A fixed, edge-triggered interrupt for one vCPU */
static inline void apic_test_send(struct vl_vcpu *vcpu, u8 vector)
{
	const struct vl_irq irq = { .vector = vector };

	vl_lapic_accept(vcpu, &irq);
}

static inline u32 apic_test_read(struct vl_vcpu *vcpu, unsigned int reg)
{
	u32 value = ~0U;

	KUNIT_EXPECT_TRUE(kunit_get_current_test(),
			  vl_lapic_mmio(vcpu, VL_LAPIC_DEFAULT_BASE + reg, 4, &value, false));
	return value;
}

static inline void apic_test_write(struct vl_vcpu *vcpu, unsigned int reg, u32 value)
{
	KUNIT_EXPECT_TRUE(kunit_get_current_test(),
			  vl_lapic_mmio(vcpu, VL_LAPIC_DEFAULT_BASE + reg, 4, &value, true));
}

static inline void apic_test_x2apic(struct vl_vcpu *vcpu)
{
	KUNIT_ASSERT_EQ(kunit_get_current_test(), 0,
			vl_lapic_set_base(vcpu, vl_lapic_base(vcpu) | X2APIC_ENABLE));
}

/* Is a vector in IRR, ISR or TMR? */
static inline bool apic_test_bit(struct vl_vcpu *vcpu, unsigned int base, u8 vector)
{
	return vl_lapic_reg(vcpu->lapic, base + (vector >> 5) * 16) >> (vector & 31) & 1;
}

/* Which vCPUs have a vector in IRR: bit N is apic_test_ids[N]; then it is taken away. */
static inline u32 apic_test_took(struct vl_vm *vm, u8 vector)
{
	u32 mask = 0;
	unsigned int i;

	for (i = 0; i < APIC_TEST_VCPUS; i++) {
		struct vl_vcpu *vcpu = vm->vcpus[apic_test_ids[i]];

		if (!apic_test_bit(vcpu, APIC_IRR, vector))
			continue;
		mask |= 1U << i;
		clear_bit(vector & 31, vcpu->lapic->page + APIC_IRR + (vector >> 5) * 16);
	}
	return mask;
}

static inline void apic_test_add(struct kunit *test, struct vl_vm *vm, unsigned int id)
{
	struct vl_vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vcpu);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->hw.maxphyaddr = 40;
	KUNIT_ASSERT_EQ(test, 0, vl_lapic_create(vcpu));
	vm->vcpus[id] = vcpu;
	vm->nr_vcpus = max(vm->nr_vcpus, id + 1);
	apic_test_write(vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
}

static inline int apic_test_init(struct kunit *test)
{
	struct vl_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	test->priv = vm;
	vl_ioapic_init(vm);
	vl_irqfd_init(vm);
	for (i = 0; i < APIC_TEST_VCPUS; i++)
		apic_test_add(test, vm, apic_test_ids[i]);
	return 0;
}

static inline void apic_test_exit(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	unsigned int i;

	if (!vm)
		return;
	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			vl_lapic_destroy(vm->vcpus[i]);
	}
	vl_irqfd_destroy(vm);
}

#endif /* VL_APIC_KUNIT_H */
