/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VL_VM_H
#define VL_VM_H

struct vmx_lite_create_vm;

int vl_vm_create_fd(const struct vmx_lite_create_vm *args);

#endif /* VL_VM_H */
