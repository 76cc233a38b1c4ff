// SPDX-License-Identifier: GPL-2.0-only
/* Why this host cannot run guests, and what to do about it. */
#include <errno.h>
#include <string.h>
#include <linux/vmx_lite.h>

#include "reasons.h"
#include "vmmapi.h"

static const struct reason reasons[] = {
	[VMX_LITE_OK] = {
		"this machine can run guests",
		"nothing needs to be done",
	},
	[VMX_LITE_NOT_INTEL] = {
		"this CPU has no VT-x",
		"use a machine with an Intel CPU that has VT-x; in a virtual machine, turn on nested virtualization",
	},
	[VMX_LITE_FIRMWARE_OFF] = {
		"VT-x is disabled by firmware",
		"turn on \"Intel Virtualization Technology\" in the firmware's setup, and power the machine off and on",
	},
	[VMX_LITE_BUSY] = {
		"another hypervisor holds VT-x",
		"remove it: rmmod kvm_intel, or stop the other hypervisor; then load vmx-lite again",
	},
	[VMX_LITE_NO_EPT] = {
		"this CPU has VT-x without EPT",
		"use an Intel CPU of 2010 (Westmere) or later",
	},
	[VMX_LITE_NO_UNRESTRICTED_GUEST] = {
		"this CPU has VT-x without unrestricted guests",
		"use an Intel CPU of 2010 (Westmere) or later",
	},
	[VMX_LITE_NO_CONTROLS] = {
		"this CPU's VT-x lacks a control that vmx-lite needs",
		"the kernel log names it: dmesg | grep vmx-lite",
	},
	[VMX_LITE_CPUS_DIFFER] = {
		"the CPUs of this machine have different VT-x capabilities",
		"update the firmware and the microcode, or take the odd CPUs offline",
	},
	[VMX_LITE_VMXON_FAILED] = {
		"a CPU refused to turn VT-x on",
		"the kernel log names it: dmesg | grep vmx-lite; a reboot may help",
	},
};

/**
 * reason_of() - a reason code in words
 * @reason: enum vmx_lite_reason
 *
 * Return: never NULL.
 */
const struct reason *reason_of(u32 reason)
{
	static const struct reason unknown = {
		"the module gives a reason that this vmxl does not know",
		"use the vmxl that belongs to the module",
	};

	return reason < ARRAY_SIZE(reasons) ? &reasons[reason] : &unknown;
}

/**
 * explain_refusal() - say why vm_open() failed, and what to do
 * @err: what it returned
 */
void explain_refusal(int err)
{
	struct vmx_lite_info info;

	switch (err) {
	case -ENOENT:
	case -ENXIO:
		note("%s is not there: load the module (insmod vmx-lite.ko), see vmxl check",
		     VMX_LITE_DEV);
		break;
	case -EACCES:
	case -EPERM:
		note("you may not open %s: be root, or give yourself the right to it",
		     VMX_LITE_DEV);
		break;
	case -EPROTO:
		note("the module is of another version: use vmxl and vmx-lite.ko of one build");
		break;
	case -ENODEV:
		if (vm_device_info(&info) || info.reason == VMX_LITE_OK)
			note("the module refuses to create a VM");
		else
			note("%s: %s", reason_of(info.reason)->sentence,
			     reason_of(info.reason)->remedy);
		break;
	default:
		note("the module refuses to create a VM: %s", strerror(-err));
	}
}
