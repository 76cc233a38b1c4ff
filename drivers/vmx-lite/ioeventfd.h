/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM_IOEVENTFD: a guest write to a port or address that is an eventfd.
 */
#ifndef VL_IOEVENTFD_H
#define VL_IOEVENTFD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct vl_vm;
struct vmx_lite_ioeventfd;

#define VL_IOEVENTFD_HASH_BITS	6
#define VL_IOEVENTFD_MAX	4096

/**
 * struct vl_ioeventfds - the ioeventfds of a VM
 * @lock: writers
 * @count: entries, at most VL_IOEVENTFD_MAX
 * @hash: struct vl_ioeventfd by address; read under RCU
 */
struct vl_ioeventfds {
	struct mutex lock;		/* writers of hash */
	unsigned int count;
	struct hlist_head hash[1 << VL_IOEVENTFD_HASH_BITS];
};

void vl_ioeventfd_init(struct vl_vm *vm);
void vl_ioeventfd_destroy(struct vl_vm *vm);
int vl_ioeventfd_ioctl(struct vl_vm *vm, const struct vmx_lite_ioeventfd *args);
bool vl_ioeventfd_signal(struct vl_vm *vm, bool pio, u64 addr, unsigned int len, u64 data);

#endif /* VL_IOEVENTFD_H */
