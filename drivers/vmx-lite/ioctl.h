/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioctls as a table: number, what to lock, handler.
 */
#ifndef VL_IOCTL_H
#define VL_IOCTL_H

#include <linux/types.h>

/* How a vCPU's ioctl wants it */
#define VL_IOCTL_ANY	0	/* no lock: from any thread, also while it runs */
#define VL_IOCTL_LOCKED	1	/* vcpu->lock; EBUSY while it runs */
#define VL_IOCTL_LOADED	2	/* and its VMCS current on this CPU */

/**
 * struct vl_ioctl - one ioctl
 * @cmd: as in the uAPI header, with the size of today's structure
 * @mode: VL_IOCTL_*
 * @fn: gets the object and a kernel copy of the structure, zero-extended; what
 *	_IOR and _IOWR ioctls leave there is copied back, also with E2BIG and
 *	EINVAL, so that counts in it tell how far it went
 */
struct vl_ioctl {
	unsigned int cmd;
	unsigned int mode;
	long (*fn)(void *object, void *arg);
};

const struct vl_ioctl *vl_ioctl_find(const struct vl_ioctl *table, unsigned int count,
				     unsigned int cmd);
long vl_ioctl_call(const struct vl_ioctl *ioctl, unsigned int cmd, unsigned long arg,
		   void *object);

#endif /* VL_IOCTL_H */
