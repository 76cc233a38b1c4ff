// SPDX-License-Identifier: GPL-2.0-only
/* vmxl check: can this machine run guests, and if not, why and what to do. */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "reasons.h"
#include "util.h"
#include "vmmapi.h"

#define CPUID_1_ECX_VMX			(1u << 5)
#define MSR_FEATURE_CONTROL		0x3a
#define FEATURE_CONTROL_LOCKED		(1ull << 0)
#define FEATURE_CONTROL_VMX		(1ull << 2)
#define MSR_VMX_PROCBASED		0x482
#define PROCBASED_SECONDARY		(1ull << 63)
#define MSR_VMX_PROCBASED2		0x48b
#define PROCBASED2_EPT			(1ull << 33)
#define PROCBASED2_UNRESTRICTED		(1ull << 39)

static const char usage[] =
	"usage: vmxl check [BDF]\n"
	"\n"
	"Say whether this machine can run guests, or whether a PCI device, such as\n"
	"0000:00:03.0, can be lent to one, and if not, why and what to do.\n"
	"Exit status: 0 if it can, else 2.\n";

static const struct {
	u32 bit;
	const char *name;
} features[] = {
	{ VMX_LITE_FEAT_VPID, "VPID" },
	{ VMX_LITE_FEAT_EPT_2M, "2 MiB EPT pages" },
	{ VMX_LITE_FEAT_EPT_1G, "1 GiB EPT pages" },
	{ VMX_LITE_FEAT_EPT_AD, "EPT accessed and dirty flags" },
	{ VMX_LITE_FEAT_MTRAP, "monitor trap flag" },
	{ VMX_LITE_FEAT_PAUSE_EXIT, "PAUSE exiting" },
	{ VMX_LITE_FEAT_TPR_SHADOW, "TPR shadow" },
	{ VMX_LITE_FEAT_APICV, "virtual-interrupt delivery" },
	{ VMX_LITE_FEAT_XSAVE, "XSAVE" },
	{ VMX_LITE_FEAT_VIRTUAL_NMI, "virtual NMIs" },
	{ VMX_LITE_FEAT_TSC_DEADLINE, "TSC deadline" },
	{ VMX_LITE_FEAT_PAUSE_LOOP, "PAUSE-loop exiting" },
	{ VMX_LITE_FEAT_PV_EOI, "paravirtual EOI" },
};

static int answer(u32 reason)
{
	const struct reason *r = reason_of(reason);

	if (reason == VMX_LITE_OK) {
		printf("This machine can run guests.\n");
		return 0;
	}
	printf("This machine cannot run guests: %s.\nWhat to do: %s.\n", r->sentence,
	       r->remedy);
	return VMXL_HOST;
}

static int answer_of_module(const struct vmx_lite_info *info)
{
	printf("The module vmx-lite is loaded, interface version %u.\n",
	       info->api_version);
	if (info->api_version != VMX_LITE_API_VERSION) {
		printf("This vmxl speaks version %u.\n"
		       "What to do: use vmxl and vmx-lite.ko of one build.\n",
		       VMX_LITE_API_VERSION);
		return VMXL_HOST;
	}
	if (info->reason == VMX_LITE_OK) {
		printf("A guest may have %u CPUs and %u address bits. The CPU offers:",
		       info->max_vcpus, info->guest_phys_bits);
		for (unsigned int i = 0; i < ARRAY_SIZE(features); i++)
			if (info->features & features[i].bit)
				printf(" %s;", features[i].name);
		printf("\n");
	}
	return answer(info->reason);
}

static bool read_msr(u32 index, u64 *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = pread(fd, value, sizeof(*value), index) == sizeof(*value);
	close(fd);
	return ok;
}

/* What can be told of this CPU from user space, without the module. */
static u32 guess_reason(bool *sure)
{
	u32 eax, ebx, ecx, edx;
	u64 msr;

	*sure = true;
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & CPUID_1_ECX_VMX))
		return VMX_LITE_NOT_INTEL;
	if (!read_msr(MSR_FEATURE_CONTROL, &msr)) {
		*sure = false;
		return VMX_LITE_OK;
	}
	if ((msr & FEATURE_CONTROL_LOCKED) && !(msr & FEATURE_CONTROL_VMX))
		return VMX_LITE_FIRMWARE_OFF;
	if (!read_msr(MSR_VMX_PROCBASED, &msr) || !(msr & PROCBASED_SECONDARY) ||
	    !read_msr(MSR_VMX_PROCBASED2, &msr) || !(msr & PROCBASED2_EPT))
		return VMX_LITE_NO_EPT;
	if (!(msr & PROCBASED2_UNRESTRICTED))
		return VMX_LITE_NO_UNRESTRICTED_GUEST;
	if (!access("/sys/module/kvm_intel", F_OK))
		return VMX_LITE_BUSY;
	return VMX_LITE_OK;
}

static int answer_without_module(void)
{
	bool sure;
	u32 reason = guess_reason(&sure);

	printf("The module vmx-lite is not loaded.\n");
	if (reason != VMX_LITE_OK)
		return answer(reason);
	if (!access("/sys/module/kvm_intel", F_OK))
		printf("kvm_intel is loaded, and may hold VT-x.\n");
	printf("%s\nWhat to do: load the module (insmod vmx-lite.ko), and ask again.\n",
	       sure ? "The CPU has what is needed." :
	       "The CPU has VT-x; /dev/cpu/0/msr (root, modprobe msr) would tell more.");
	return VMXL_HOST;
}

/**
 * cmd_check() - vmxl check
 * @argc: number of arguments
 * @argv: the command's name and its arguments
 *
 * Return: 0 if this machine can run guests now, else VMXL_HOST.
 */
int cmd_check(int argc, char **argv)
{
	struct vmx_lite_info info;
	int ret;

	if (argc > 1) {
		if (!strcmp(argv[1], "--help")) {
			fputs(usage, stdout);
			return 0;
		}
		if (argc == 2)
			return check_device(argv[1]);
		fail(0, "vmxl check takes one device at a time, no '%s'", argv[2]);
		return VMXL_USAGE;
	}

	ret = vm_device_info(&info);
	switch (ret) {
	case 0:
		return answer_of_module(&info);
	case -ENOENT:
	case -ENXIO:
		return answer_without_module();
	case -EACCES:
	case -EPERM:
		printf("The module vmx-lite is loaded, and you may not use it.\n"
		       "What to do: run vmxl as root, or give yourself the right to %s.\n",
		       VMX_LITE_DEV);
		return VMXL_HOST;
	default:
		printf("%s does not answer: %s.\n"
		       "What to do: use vmxl and vmx-lite.ko of one build.\n",
		       VMX_LITE_DEV, strerror(-ret));
		return VMXL_HOST;
	}
}
