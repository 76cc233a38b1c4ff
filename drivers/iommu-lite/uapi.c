// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/iommu-lite: the node itself, and how ioctls reach their handlers.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "iommu-lite.h"
#include "uapi.h"

/**
 * il_ioctl() - find an ioctl in a table, move its argument, call it
 * @file: @private_data begins with a struct il_object
 * @table: the file's ioctls
 * @rows: rows of @table
 * @cmd: as user space gave it; its size may be another version's
 * @arg: user address
 *
 * May sleep.
 *
 * Return: the handler's; -ENOTTY for an ioctl that is not in the table;
 * -EINVAL for an argument shorter than its first version; -E2BIG for a longer
 * one that asks for what this kernel does not know; -EFAULT.
 */
long il_ioctl(struct file *file, const struct il_ioctl *table,
	      unsigned int rows, unsigned int cmd, unsigned long arg)
{
	struct il_object *object = file->private_data;
	void __user *user = (void __user *)arg;
	size_t user_size = _IOC_SIZE(cmd), size;
	const struct il_ioctl *row;
	union il_arg copy;
	long ret = 0;

	for (row = table; row < table + rows; row++)
		if (_IOC_TYPE(row->cmd) == _IOC_TYPE(cmd) &&
		    _IOC_NR(row->cmd) == _IOC_NR(cmd) &&
		    _IOC_DIR(row->cmd) == _IOC_DIR(cmd))
			break;
	if (row == table + rows)
		return -ENOTTY;
	size = _IOC_SIZE(row->cmd);
	if (user_size < row->min_size)
		return -EINVAL;
	memset(&copy, 0, size);
	if (_IOC_DIR(cmd) & _IOC_WRITE)
		ret = copy_struct_from_user(&copy, size, user, user_size);
	if (ret)
		return ret;

	if (row->flags & IL_IOCTL_LOCKED)
		mutex_lock(&object->lock);
	ret = row->handler(object, &copy);
	if (row->flags & IL_IOCTL_LOCKED)
		mutex_unlock(&object->lock);

	if (_IOC_DIR(cmd) & _IOC_READ &&
	    (ret >= 0 || row->flags & IL_IOCTL_OUT_ON_ERROR) &&
	    copy_to_user(user, &copy, min(size, user_size)))
		return -EFAULT;
	return ret;
}

static int get_info(struct il_object *object, union il_arg *arg)
{
	static const struct {
		bool *have;
		u32 feature;
	} features[] = {
		{ &il_limits.snoop, IOMMU_LITE_FEAT_SNOOP },
		{ &il_limits.caching, IOMMU_LITE_FEAT_CACHING },
		{ &il_limits.pass_through, IOMMU_LITE_FEAT_PASS_THROUGH },
		{ &il_limits.coherent, IOMMU_LITE_FEAT_COHERENT },
	};
	struct iommu_lite_info *info = &arg->info;
	struct dmar_drhd_unit *unit;
	unsigned int i;

	info->api_version = IOMMU_LITE_API_VERSION;
	info->address_bits = il_limits.address_bits;
	info->page_sizes = SZ_4K;
	if (il_limits.leaf_levels > 1) {
		info->page_sizes |= SZ_2M;
		info->features |= IOMMU_LITE_FEAT_2M;
	}
	if (il_limits.leaf_levels > 2) {
		info->page_sizes |= SZ_1G;
		info->features |= IOMMU_LITE_FEAT_1G;
	}
	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (*features[i].have)
			info->features |= features[i].feature;
	info->features |= IOMMU_LITE_FEAT_INTR_REMAP;
	list_for_each_entry(unit, &il_units, list) {
		info->nr_units++;
		if (!unit->irt)
			info->features &= ~IOMMU_LITE_FEAT_INTR_REMAP;
	}
	return 0;
}

static int get_unit(struct il_object *object, union il_arg *arg)
{
	struct dmar_drhd_unit *unit;
	struct il_device *device;
	u32 index = arg->unit.index;

	if (memchr_inv((u8 *)&arg->unit + sizeof(index), 0,
		       sizeof(arg->unit) - sizeof(index)))
		return -EINVAL;
	list_for_each_entry(unit, &il_units, list)
		if (unit->id == index)
			break;
	if (list_entry_is_head(unit, &il_units, list))
		return -EINVAL;
	arg->unit = (struct iommu_lite_unit){
		.index = index,
		.flags = (unit->include_all ?
			  IOMMU_LITE_UNIT_INCLUDE_ALL : 0) |
			 (unit->qi ? IOMMU_LITE_UNIT_QUEUE : 0) |
			 (ECAP_DT(unit->ecap) ?
			  IOMMU_LITE_UNIT_DEVICE_TLB : 0),
		.register_base = unit->reg_base_addr,
		.cap = unit->cap,
		.ecap = unit->ecap,
		.segment = unit->segment,
		.node = unit->node,
		.levels = unit->levels,
		.inv_context = atomic64_read(&unit->stats.context),
		.inv_iotlb = atomic64_read(&unit->stats.iotlb),
		.inv_device_tlb = atomic64_read(&unit->stats.device_tlb),
		.faults = atomic64_read(&unit->stats.faults),
	};
	mutex_lock(&il_device_lock);
	list_for_each_entry(device, &unit->devices, link)
		arg->unit.nr_devices++;
	mutex_unlock(&il_device_lock);
	return 0;
}

static int create_domain(struct il_object *object, union il_arg *arg)
{
	if (arg->create_domain.flags || arg->create_domain.pad)
		return -EINVAL;
	return il_create_domain_fd(container_of(object, struct il_context,
						object));
}

static int open_device(struct il_object *object, union il_arg *arg)
{
	if (arg->open_device.flags & ~IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS ||
	    arg->open_device.reason ||
	    arg->open_device.pad)
		return -EINVAL;
	return il_open_device_fd(container_of(object, struct il_context,
					      object), &arg->open_device);
}

static const struct il_ioctl node_ioctls[] = {
	{ IOMMU_LITE_GET_INFO, sizeof(struct iommu_lite_info), 0, get_info },
	{ IOMMU_LITE_GET_UNIT, sizeof(struct iommu_lite_unit), 0, get_unit },
	{ IOMMU_LITE_CREATE_DOMAIN, sizeof(struct iommu_lite_create_domain),
	  0, create_domain },
	{ IOMMU_LITE_OPEN_DEVICE, sizeof(struct iommu_lite_open_device),
	  IL_IOCTL_OUT_ON_ERROR, open_device },
};

static long node_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return il_ioctl(file, node_ioctls, ARRAY_SIZE(node_ioctls), cmd, arg);
}

static void free_context(struct kref *ref)
{
	kfree(container_of(ref, struct il_context, ref));
}

/**
 * il_context_put() - drop a reference to an open /dev/iommu-lite
 * @context: may be freed by it
 */
void il_context_put(struct il_context *context)
{
	kref_put(&context->ref, free_context);
}

static int node_open(struct inode *inode, struct file *file)
{
	struct il_context *context = kzalloc(sizeof(*context),
					     GFP_KERNEL_ACCOUNT);

	if (!context)
		return -ENOMEM;
	mutex_init(&context->object.lock);
	kref_init(&context->ref);
	file->private_data = context;
	return 0;
}

static int node_release(struct inode *inode, struct file *file)
{
	il_context_put(file->private_data);
	return 0;
}

static const struct file_operations node_fops = {
	.owner		= THIS_MODULE,
	.open		= node_open,
	.release	= node_release,
	.unlocked_ioctl	= node_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice node = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "iommu-lite",
	.fops	= &node_fops,
	.mode	= 0600,
};

/**
 * il_uapi_init() - make /dev/iommu-lite
 *
 * Return: 0 or -errno.
 */
int il_uapi_init(void)
{
	return misc_register(&node);
}

/**
 * il_uapi_exit() - remove /dev/iommu-lite; no file of it is open
 */
void il_uapi_exit(void)
{
	misc_deregister(&node);
}
