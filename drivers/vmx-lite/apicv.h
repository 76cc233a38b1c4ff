/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the CPU does of the local APIC by itself (SDM vol. 3, chapter 30).
 */
#ifndef VL_APICV_H
#define VL_APICV_H

#include <linux/types.h>

struct vl_vcpu;
struct vl_vm;

int vl_apicv_prepare(struct vl_vm *vm);
void vl_apicv_cleanup(struct vl_vm *vm);
void vl_apicv_inhibit(struct vl_vm *vm);
void vl_apicv_setup(struct vl_vcpu *vcpu);
void vl_apicv_set_mode(struct vl_vcpu *vcpu);
void vl_apicv_sync(struct vl_vcpu *vcpu);
bool vl_apicv_fault(struct vl_vcpu *vcpu, u64 gpa);
int vl_exit_apic_access(struct vl_vcpu *vcpu);
int vl_exit_apic_write(struct vl_vcpu *vcpu);
int vl_exit_eoi(struct vl_vcpu *vcpu);

#endif /* VL_APICV_H */
