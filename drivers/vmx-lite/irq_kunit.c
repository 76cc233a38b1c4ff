// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of message delivery: IPIs and MSIs to several vCPUs; expected
 * values are those of the SDM, vol. 3, 11.6 and 11.11.
 */
#include <linux/bitops.h>
#include <asm/apicdef.h>

#include "apic_kunit.h"

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

static void irq_ipi_physical(struct kunit *test)
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

/* SDM vol. 3, table 11-3: a level-triggered IPI is sent as an edge. */
static void irq_ipi_trigger_mode(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	apic_test_write(vm->vcpus[1], APIC_ICR2, 2 << 24);
	apic_test_write(vm->vcpus[1], APIC_ICR, APIC_INT_LEVELTRIG | APIC_INT_ASSERT | 0x55);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(vm->vcpus[2], APIC_TMR, 0x55));
	KUNIT_EXPECT_EQ(test, apic_test_took(vm, 0x55), 0x04U);
}

static void irq_ipi_flat(struct kunit *test)
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

static void irq_ipi_cluster(struct kunit *test)
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

static void irq_ipi_x2apic(struct kunit *test)
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
static void irq_ipi_mixed(struct kunit *test)
{
	static const struct ipi_row rows[] = {
		{ 0, 0, 0x01 }, { 0, 33, 0x20 }, { 0, 0xffffffff, 0x3f }, { 0, 0xff, 0x00 },
	};
	struct vl_vm *vm = test->priv;

	apic_test_x2apic(vm->vcpus[1]);
	check_ipis(test, rows, ARRAY_SIZE(rows), true);
}

static void irq_lowest_priority(struct kunit *test)
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
	apic_test_send(vm->vcpus[5], 0x90);
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

static void irq_ipi_special(struct kunit *test)
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
	KUNIT_EXPECT_EQ(test, vm->vcpus[17]->sipi, VL_SIPI_VALID | 0x9aU);
	KUNIT_EXPECT_EQ(test, vm->vcpus[33]->sipi, VL_SIPI_VALID + 0U);
}

static void irq_msi(struct kunit *test)
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
	KUNIT_EXPECT_TRUE(test, apic_test_bit(apic_test_first(test), APIC_TMR, 0x55));
	msi.data = 0x4055;
	vl_irq_msi(vm, &msi);
	KUNIT_EXPECT_FALSE(test, apic_test_bit(apic_test_first(test), APIC_TMR, 0x55));
}

/* SDM vol. 3, 11.4.7.3: a start-up IPI counts if it follows an INIT. */
static void irq_init_and_sipi(struct kunit *test)
{
	static const struct vl_irq init = { .dest = 5, .mode = VL_IRQ_INIT, .assert = true };
	static const struct vl_irq sipi = { .dest = 5, .mode = VL_IRQ_SIPI, .vector = 0x9b };
	struct vl_vm *vm = test->priv;

	vl_irq_deliver(vm, NULL, &sipi);
	vl_irq_deliver(vm, NULL, &init);
	KUNIT_EXPECT_EQ(test, requested(vm, VL_REQ_SIPI), 0U);
	vl_irq_deliver(vm, NULL, &sipi);
	KUNIT_EXPECT_EQ(test, requested(vm, VL_REQ_INIT), 0x08U);
	KUNIT_EXPECT_EQ(test, requested(vm, VL_REQ_SIPI), 0x08U);
	KUNIT_EXPECT_EQ(test, vm->vcpus[5]->sipi, VL_SIPI_VALID | 0x9bU);
}

/* Of several before the vCPU looks, the first start-up IPI counts. */
static void irq_first_sipi(struct kunit *test)
{
	static const struct vl_irq init = { .dest = 5, .mode = VL_IRQ_INIT, .assert = true };
	struct vl_irq sipi = { .dest = 5, .mode = VL_IRQ_SIPI, .vector = 0x9b };
	struct vl_vm *vm = test->priv;

	vl_irq_deliver(vm, NULL, &sipi);
	sipi.vector = 0x9c;
	vl_irq_deliver(vm, NULL, &sipi);
	KUNIT_EXPECT_EQ(test, vm->vcpus[5]->sipi, VL_SIPI_VALID | 0x9bU);
	vl_irq_deliver(vm, NULL, &init);
	KUNIT_EXPECT_EQ(test, vm->vcpus[5]->sipi, 0U);
	vl_irq_deliver(vm, NULL, &sipi);
	KUNIT_EXPECT_EQ(test, vm->vcpus[5]->sipi, VL_SIPI_VALID | 0x9cU);
}

/* A thread is asked for where there is none, the vCPU waits, and nobody has asked yet. */
static void irq_spinup(struct kunit *test)
{
	static const struct vl_irq sipi = { .mode = VL_IRQ_SIPI, .shorthand = VL_IRQ_OTHERS };
	DECLARE_BITMAP(want, VMX_LITE_MAX_VCPUS);
	struct vl_vm *vm = test->priv;
	struct vl_vcpu *src = vm->vcpus[1];

	vm->vcpus[0]->activity = VMX_LITE_WAIT_SIPI;
	vm->vcpus[0]->thread = VL_THREAD_RUNS;
	vm->vcpus[2]->activity = VMX_LITE_WAIT_SIPI;
	vm->vcpus[5]->activity = VMX_LITE_HALTED;
	vm->vcpus[17]->activity = VMX_LITE_RUNNING;
	set_bit(VL_REQ_INIT, vm->vcpus[17]->requests);
	vm->vcpus[33]->activity = VMX_LITE_WAIT_SIPI;

	bitmap_zero(want, VMX_LITE_MAX_VCPUS);
	__set_bit(2, want);
	__set_bit(17, want);
	__set_bit(33, want);
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, src, &sipi), 5);
	KUNIT_EXPECT_TRUE(test, bitmap_equal(src->spinup, want, VMX_LITE_MAX_VCPUS));
	KUNIT_EXPECT_TRUE(test, test_bit(VL_REQ_SPINUP, src->requests));
	KUNIT_EXPECT_EQ(test, vm->vcpus[2]->thread, (u32)VL_THREAD_WANTED);
	KUNIT_EXPECT_EQ(test, vm->vcpus[0]->thread, (u32)VL_THREAD_RUNS);

	bitmap_zero(src->spinup, VMX_LITE_MAX_VCPUS);
	vl_irq_deliver(vm, src, &sipi);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(src->spinup, VMX_LITE_MAX_VCPUS));
	/* A device has nobody to tell. */
	vm->vcpus[2]->thread = VL_THREAD_NONE;
	vl_irq_deliver(vm, NULL, &sipi);
	KUNIT_EXPECT_EQ(test, vm->vcpus[2]->thread, (u32)VL_THREAD_NONE);
}

/* Which of 64 have a vector in IRR; then it is taken away. */
static u64 all_took(struct vl_vm *vm, u8 vector)
{
	u64 mask = 0;
	unsigned int i;

	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++) {
		if (!apic_test_bit(vm->vcpus[i], APIC_IRR, vector))
			continue;
		mask |= BIT_ULL(i);
		clear_bit(vector & 31, vm->vcpus[i]->lapic->page + APIC_IRR + (vector >> 5) * 16);
	}
	return mask;
}

static void irq_sixty_four(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	struct vl_irq irq = { .vector = 0x55 };
	unsigned int i;

	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++)
		if (!vm->vcpus[i])
			apic_test_add(test, vm, i);
	/* xAPIC: by id; the cluster model reaches 15 clusters of four */
	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++) {
		irq.dest = i;
		KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
		KUNIT_EXPECT_EQ(test, all_took(vm, 0x55), BIT_ULL(i));
		apic_test_write(vm->vcpus[i], APIC_DFR, APIC_DFR_CLUSTER);
		apic_test_write(vm->vcpus[i], APIC_LDR,
				i < 60 ? (i / 4) << 28 | BIT(i % 4) << 24 : 0);
	}
	irq.logical = true;
	for (i = 0; i < 60; i++) {
		irq.dest = (i / 4) << 4 | BIT(i % 4);
		KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 1);
		KUNIT_EXPECT_EQ(test, all_took(vm, 0x55), BIT_ULL(i));
	}
	irq.dest = 0xff;
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 64);
	KUNIT_EXPECT_EQ(test, all_took(vm, 0x55), ~0ULL);

	/* x2APIC: four clusters of sixteen, of which any part can be addressed */
	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++)
		apic_test_x2apic(vm->vcpus[i]);
	irq.x2apic = true;
	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++) {
		irq.dest = (i / 16) << 16 | BIT(i % 16) | 1;
		KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), i % 16 ? 2 : 1);
		KUNIT_EXPECT_EQ(test, all_took(vm, 0x55),
				BIT_ULL(i) | BIT_ULL(round_down(i, 16)));
	}
	irq.dest = 4 << 16 | 0xffff;
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 0);
	irq.dest = 0xffffffff;
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, NULL, &irq), 64);
	KUNIT_EXPECT_EQ(test, all_took(vm, 0x55), ~0ULL);
	irq.shorthand = VL_IRQ_OTHERS;
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, vm->vcpus[63], &irq), 63);
	KUNIT_EXPECT_EQ(test, all_took(vm, 0x55), ~BIT_ULL(63));
	irq.shorthand = VL_IRQ_SELF;
	KUNIT_EXPECT_EQ(test, vl_irq_deliver(vm, vm->vcpus[63], &irq), 1);
	KUNIT_EXPECT_EQ(test, all_took(vm, 0x55), BIT_ULL(63));
}

static struct kunit_case irq_cases[] = {
	KUNIT_CASE(irq_ipi_physical),
	KUNIT_CASE(irq_ipi_trigger_mode),
	KUNIT_CASE(irq_ipi_flat),
	KUNIT_CASE(irq_ipi_cluster),
	KUNIT_CASE(irq_ipi_x2apic),
	KUNIT_CASE(irq_ipi_mixed),
	KUNIT_CASE(irq_lowest_priority),
	KUNIT_CASE(irq_ipi_special),
	KUNIT_CASE(irq_msi),
	KUNIT_CASE(irq_init_and_sipi),
	KUNIT_CASE(irq_first_sipi),
	KUNIT_CASE(irq_spinup),
	KUNIT_CASE(irq_sixty_four),
	{}
};

static struct kunit_suite irq_suite = {
	.name = "vmx-lite-irq",
	.init = apic_test_init,
	.exit = apic_test_exit,
	.test_cases = irq_cases,
};

kunit_test_suite(irq_suite);
