// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module, and /dev/vmx-lite.
 */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <asm/tsc.h>

#include "ioctl.h"
#include "vcpu.h"
#include "vm.h"
#include "vmx.h"
#include "vmx-lite.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static long get_info(void *object, void *arg)
{
	struct vmx_lite_info *info = arg;

	info->api_version = VMX_LITE_API_VERSION;
	info->reason = VMX_LITE_OK;
	info->features = vl_vmx.features;
	info->max_vcpus = VMX_LITE_MAX_VCPUS;
	info->max_regions = VMX_LITE_MAX_REGIONS;
	info->guest_phys_bits = vl_guest_phys_bits();
	info->run_size = VL_RUN_SIZE;
	info->data_offset = VL_DATA_OFFSET;
	info->data_size = VL_DATA_SIZE;
	info->xsave_size = vl_fpu_xsave_size();
	info->tsc_khz = tsc_khz;
	return 0;
}

static long create_vm(void *object, void *arg)
{
	return vl_vm_create_fd(arg);
}

static long get_supported_cpuid(void *object, void *arg)
{
	return vl_cpuid_get(vl_cpuid_supported(), arg);
}

static const struct vl_ioctl device_ioctls[] = {
	{ VMX_LITE_GET_INFO, VL_IOCTL_ANY, get_info },
	{ VMX_LITE_CREATE_VM, VL_IOCTL_ANY, create_vm },
	{ VMX_LITE_GET_CPUID, VL_IOCTL_ANY, get_supported_cpuid },
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct vl_ioctl *ioctl;

	ioctl = vl_ioctl_find(device_ioctls, ARRAY_SIZE(device_ioctls), cmd);
	return ioctl ? vl_ioctl_call(ioctl, cmd, arg, NULL) : -ENOTTY;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmx-lite",
	.fops = &device_fops,
	.mode = 0600,
};

static int __init vl_init(void)
{
	int err;

	err = vl_mitigations_init();
	if (err)
		return err;
	err = vl_vmx_init();
	if (err)
		goto mitigations;
	err = vl_fpu_setup();
	if (err)
		goto vmx;
	err = vl_cpuid_setup();
	if (err)
		goto vmx;
	preempt_notifier_inc();
	vl_debugfs_init();
	err = misc_register(&device);
	if (err)
		goto debugfs;
	pr_info("vmx-lite: ready on %u CPUs, guests have %u physical address bits\n",
		num_online_cpus(), vl_guest_phys_bits());
	return 0;

debugfs:
	vl_debugfs_exit();
	preempt_notifier_dec();
	vl_cpuid_cleanup();
vmx:
	vl_vmx_exit();
mitigations:
	vl_mitigations_exit();
	return err;
}

static void __exit vl_exit(void)
{
	misc_deregister(&device);
	vl_debugfs_exit();
	preempt_notifier_dec();
	vl_cpuid_cleanup();
	vl_vmx_exit();
	vl_mitigations_exit();
}

module_init(vl_init);
module_exit(vl_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vmx-lite developers");
MODULE_DESCRIPTION("Virtual CPUs with Intel VT-x");
