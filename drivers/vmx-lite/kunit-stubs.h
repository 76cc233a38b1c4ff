/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vcpu.c is to the KUnit module, which has no VT-x: a clock that tests set,
 * and a count of kicks.
 */
#ifndef VL_KUNIT_STUBS_H
#define VL_KUNIT_STUBS_H

#include <linux/atomic.h>
#include <linux/types.h>

extern u64 vl_kunit_tsc;		/* what vl_vcpu_guest_tsc() returns */
extern atomic_t vl_kunit_kicks;		/* calls of vl_vcpu_kick() */
extern atomic_t vl_kunit_flushes;	/* calls of vl_vm_flush_ept() */

#endif /* VL_KUNIT_STUBS_H */
