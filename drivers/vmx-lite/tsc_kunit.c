// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of guests' TSCs where the host's goes back.
 */
#include "apic_kunit.h"

static u64 guest_tsc(struct vl_vcpu *vcpu, u64 now)
{
	return now + vcpu->hw.tsc_offset;
}

static void new_vm(struct kunit *test, struct vl_vm *vm, u64 now)
{
	unsigned int i;

	vl_tsc_add_vm(vm, now);
	for (i = 0; i < APIC_TEST_VCPUS; i++)
		vm->vcpus[apic_test_ids[i]]->hw.tsc_offset = vm->tsc_offset;
}

/* A sleep that begins the host's TSC at 0 again */
static void tsc_sleep(struct kunit *test)
{
	struct vl_vm *vm = test->priv;
	unsigned int i;

	new_vm(test, vm, 1000);
	KUNIT_EXPECT_EQ(test, guest_tsc(vm->vcpus[0], 1000), 0ULL);
	/* The guest has set one of them. */
	vm->vcpus[2]->hw.tsc_offset += 7;
	vl_tsc_suspend(51000);
	vl_tsc_resume(300);
	for (i = 0; i < APIC_TEST_VCPUS; i++)
		KUNIT_EXPECT_EQ(test, guest_tsc(vm->vcpus[apic_test_ids[i]], 300),
				apic_test_ids[i] == 2 ? 50007ULL : 50000ULL);
	/* One that is created now is like the others. */
	KUNIT_EXPECT_EQ(test, vm->tsc_offset, vm->vcpus[0]->hw.tsc_offset);
	/* And the next one */
	vl_tsc_suspend(2300);
	vl_tsc_resume(0);
	KUNIT_EXPECT_EQ(test, guest_tsc(vm->vcpus[0], 0), 52000ULL);
	vl_tsc_remove_vm(vm);
	vl_tsc_suspend(1000);
	vl_tsc_resume(0);
	KUNIT_EXPECT_EQ(test, guest_tsc(vm->vcpus[0], 0), 52000ULL);
}

/* A sleep through which it counts on */
static void tsc_nonstop(struct kunit *test)
{
	struct vl_vm *vm = test->priv;

	new_vm(test, vm, 1000);
	vl_tsc_suspend(51000);
	vl_tsc_resume(61000);
	KUNIT_EXPECT_EQ(test, guest_tsc(vm->vcpus[0], 61000), 60000ULL);
	KUNIT_EXPECT_EQ(test, guest_tsc(vm->vcpus[33], 61000), 60000ULL);
	vl_tsc_remove_vm(vm);
}

/* From a CPU whose TSC is ahead to one that is behind, and back */
static void tsc_unstable(struct kunit *test)
{
	struct vl_vcpu *vcpu = apic_test_first(test);

	vcpu->hw.tsc_offset = -1000ULL;
	vl_tsc_leave(vcpu, 9000);
	vl_tsc_arrive(vcpu, 5000);
	KUNIT_EXPECT_EQ(test, guest_tsc(vcpu, 5000), 8000ULL);
	vl_tsc_leave(vcpu, 6000);
	vl_tsc_arrive(vcpu, 10000);
	KUNIT_EXPECT_EQ(test, guest_tsc(vcpu, 10000), 13000ULL);
	/* About to wrap */
	vcpu->hw.tsc_offset = -1000ULL;
	vl_tsc_leave(vcpu, 990);
	vl_tsc_arrive(vcpu, 1010);
	KUNIT_EXPECT_EQ(test, guest_tsc(vcpu, 1010), 10ULL);
}

static struct kunit_case tsc_cases[] = {
	KUNIT_CASE(tsc_sleep),
	KUNIT_CASE(tsc_nonstop),
	KUNIT_CASE(tsc_unstable),
	{}
};

static struct kunit_suite tsc_suite = {
	.name = "vmx-lite-tsc",
	.init = apic_test_init,
	.exit = apic_test_exit,
	.test_cases = tsc_cases,
};

kunit_test_suite(tsc_suite);
