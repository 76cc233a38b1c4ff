// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch of ioctls, and the versioning of their structures by size.
 */
#include <linux/ioctl.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ioctl.h"

#define WITHOUT_SIZE(cmd)	((cmd) & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT))

/**
 * vl_ioctl_find() - look an ioctl up, whatever the caller's structure size
 * @table: ioctls
 * @count: how many
 * @cmd: as user space gave it
 * Context: any.
 * Return: the entry or NULL (ENOTTY).
 */
const struct vl_ioctl *vl_ioctl_find(const struct vl_ioctl *table, unsigned int count,
				     unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (WITHOUT_SIZE(table[i].cmd) == WITHOUT_SIZE(cmd))
			return &table[i];
	return NULL;
}

static int copy_back(void __user *to, const void *from, size_t ksize, size_t usize)
{
	size_t size = min(ksize, usize);

	if (copy_to_user(to, from, size))
		return -EFAULT;
	/* A newer caller's tail: we know nothing of it. */
	return usize > ksize && clear_user(to + ksize, usize - ksize) ? -EFAULT : 0;
}

/**
 * vl_ioctl_call() - copy the structure in, call the handler, copy it out
 * @ioctl: from vl_ioctl_find()
 * @cmd: as user space gave it, with its size
 * @arg: user address of the structure
 * @object: for the handler
 *
 * Context: process; may sleep.
 * Return: what the handler returns; -EINVAL for a structure of no size, -E2BIG for
 * an unknown tail that is not 0, -EFAULT, -ENOMEM.
 */
long vl_ioctl_call(const struct vl_ioctl *ioctl, unsigned int cmd, unsigned long arg,
		   void *object)
{
	size_t ksize = _IOC_SIZE(ioctl->cmd), usize = _IOC_SIZE(cmd);
	void __user *user = (void __user *)arg;
	void *copy;
	long ret;

	if (!usize)
		return -EINVAL;
	copy = kzalloc(ksize, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	if (_IOC_DIR(cmd) & _IOC_WRITE) {
		ret = copy_struct_from_user(copy, ksize, user, usize);
		if (ret)
			goto free;
	}
	ret = ioctl->fn(object, copy);
	if ((_IOC_DIR(cmd) & _IOC_READ) && (ret >= 0 || ret == -E2BIG || ret == -EINVAL)) {
		int err = copy_back(user, copy, ksize, usize);

		if (err)
			ret = err;
	}
free:
	kfree(copy);
	return ret;
}
