/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM_IRQFD: an eventfd that is an interrupt, an MSI or an IOAPIC pin.
 */
#ifndef VL_IRQFD_H
#define VL_IRQFD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct vl_vm;
struct vmx_lite_irqfd;

/**
 * struct vl_irqfds - the irqfds of a VM
 * @lock: writers of @list; outside of any eventfd's lock
 * @list: struct vl_irqfd; RCU readers look for those to resample
 * @hup: removes those whose eventfd was closed
 */
struct vl_irqfds {
	struct mutex lock;		/* writers of list */
	struct list_head list;
	struct work_struct hup;
};

void vl_irqfd_init(struct vl_vm *vm);
void vl_irqfd_destroy(struct vl_vm *vm);
int vl_irqfd_ioctl(struct vl_vm *vm, const struct vmx_lite_irqfd *args);
void vl_irqfd_resample(struct vl_vm *vm, u32 gsi);

#endif /* VL_IRQFD_H */
