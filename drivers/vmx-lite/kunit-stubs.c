// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for vcpu.c and apicv.c in the KUnit module.
 */
#include <linux/module.h>

#include "apicv.h"
#include "kunit-stubs.h"
#include "vmx-lite.h"

u64 vl_kunit_tsc;
atomic_t vl_kunit_kicks;
atomic_t vl_kunit_flushes;

void vl_vcpu_kick(struct vl_vcpu *vcpu)
{
	atomic_inc(&vl_kunit_kicks);
}

u64 vl_vcpu_guest_tsc(struct vl_vcpu *vcpu)
{
	return READ_ONCE(vl_kunit_tsc);
}

void vl_vm_flush_ept(struct vl_vm *vm)
{
	atomic_inc(&vl_kunit_flushes);
}

void vl_apicv_set_mode(struct vl_vcpu *vcpu)
{
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the parts of vmx-lite that need no VT-x");
