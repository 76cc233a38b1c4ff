// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/vmx-lite itself: GET_INFO, CREATE_VM, GET_CPUID, and what is no ioctl.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "vl.h"

/* The same ioctl with another size of its structure. */
#define RESIZE(cmd, size)	(((cmd) & ~IOCSIZE_MASK) | ((unsigned long)(size) << IOCSIZE_SHIFT))
#define BAD_POINTER		((void *)8)

FIXTURE(system) {
	int dev;
};

FIXTURE_SETUP(system)
{
	self->dev = vl_open();
}

FIXTURE_TEARDOWN(system)
{
	close(self->dev);
}

static int create_vm(int dev, const char *name)
{
	struct vmx_lite_create_vm create = { 0 };

	memcpy(create.name, name, strnlen(name, sizeof(create.name)));
	return vl_ioctl(dev, VMX_LITE_CREATE_VM, &create);
}

TEST_F(system, info)
{
	struct vmx_lite_info info;
	unsigned int a, b, c, d;

	memset(&info, 0xff, sizeof(info));
	ASSERT_EQ(0, vl_ioctl(self->dev, VMX_LITE_GET_INFO, &info));
	EXPECT_EQ(VMX_LITE_API_VERSION, info.api_version);
	EXPECT_EQ(VMX_LITE_OK, info.reason);
	EXPECT_EQ(VMX_LITE_MAX_VCPUS, info.max_vcpus);
	EXPECT_EQ(VMX_LITE_MAX_REGIONS, info.max_regions);
	EXPECT_LE(32, info.guest_phys_bits);
	/* 4-level EPT translates 48 bits; more than the host's own makes no sense. */
	__cpuid(0x80000008, a, b, c, d);
	EXPECT_GE(a & 0xff, info.guest_phys_bits);
	EXPECT_GE(48, info.guest_phys_bits);
	EXPECT_EQ(0, info.run_size % 4096);
	EXPECT_LE(sizeof(struct vmx_lite_run), info.data_offset);
	EXPECT_LE(info.data_offset + info.data_size, info.run_size);
	EXPECT_LE(4, info.data_size);
	/* The legacy area and the XSAVE header: SDM vol. 1, 13.4. */
	EXPECT_LE(512, info.xsave_size);
	__cpuid(1, a, b, c, d);
	EXPECT_EQ(!!(c & bit_OSXSAVE), !!(info.features & VMX_LITE_FEAT_XSAVE));
	if (c & bit_OSXSAVE)
		EXPECT_LE(576, info.xsave_size);
	EXPECT_NE(0, info.tsc_khz);
	for (a = 0; a < ARRAY_SIZE(info.pad); a++)
		EXPECT_EQ(0, info.pad[a]);
}

TEST_F(system, info_sizes)
{
	unsigned char buf[256];
	unsigned int version = 0;
	size_t i;

	/* A newer program's longer structure: what we do not know is 0. */
	memset(buf, 0xff, sizeof(buf));
	ASSERT_EQ(0, vl_ioctl(self->dev, RESIZE(VMX_LITE_GET_INFO, sizeof(buf)), buf));
	for (i = sizeof(struct vmx_lite_info); i < sizeof(buf); i++)
		EXPECT_EQ(0, buf[i]);
	/* An older program's shorter one: not a byte more is written. */
	memset(buf, 0xff, sizeof(buf));
	ASSERT_EQ(0, vl_ioctl(self->dev, RESIZE(VMX_LITE_GET_INFO, 8), buf));
	memcpy(&version, buf, 4);
	EXPECT_EQ(VMX_LITE_API_VERSION, version);
	for (i = 8; i < sizeof(buf); i++)
		EXPECT_EQ(0xff, buf[i]);
}

TEST_F(system, bad_pointers)
{
	EXPECT_EQ(-EFAULT, vl_ioctl(self->dev, VMX_LITE_GET_INFO, BAD_POINTER));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->dev, VMX_LITE_CREATE_VM, BAD_POINTER));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->dev, VMX_LITE_GET_CPUID, BAD_POINTER));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->dev, VMX_LITE_GET_INFO, NULL));
}

TEST_F(system, unknown_ioctls)
{
	unsigned long args[64] = { 0 };
	unsigned int nr;

	/* Every number that is not the device's, with every direction. */
	for (nr = 3; nr < 256; nr++) {
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->dev, _IO(VMX_LITE_IOC, nr), args));
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->dev, _IOWR(VMX_LITE_IOC, nr, args), args));
	}
	EXPECT_EQ(-ENOTTY, vl_ioctl(self->dev, _IOR(VMX_LITE_IOC ^ 1, 0, struct vmx_lite_info),
				    args));
	EXPECT_EQ(-ENOTTY, vl_ioctl(self->dev, _IOW(VMX_LITE_IOC, 0, struct vmx_lite_info), args));
	EXPECT_EQ(-ENOTTY, vl_ioctl(self->dev, 0x5401 /* TCGETS */, args));
}

TEST_F(system, read_write_mmap)
{
	char c = 0;

	EXPECT_EQ(-1, read(self->dev, &c, 1));
	EXPECT_EQ(-1, write(self->dev, &c, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->dev, 0));
}

TEST_F(system, create_vm)
{
	int vm = create_vm(self->dev, "a name");
	int flags;

	ASSERT_LE(0, vm);
	flags = fcntl(vm, F_GETFD);
	EXPECT_EQ(FD_CLOEXEC, flags & FD_CLOEXEC);
	EXPECT_EQ(0, close(vm));
	vm = create_vm(self->dev, "");
	ASSERT_LE(0, vm);
	/* The VM outlives the descriptor it came from. */
	close(self->dev);
	EXPECT_EQ(-ENOTTY, vl_ioctl(vm, VMX_LITE_GET_INFO, NULL));
	EXPECT_EQ(0, close(vm));
}

TEST_F(system, create_vm_bad)
{
	struct vmx_lite_create_vm create = { 0 };
	unsigned char longer[sizeof(create) + 8] = { 0 };
	unsigned int bit;
	int vm;

	for (bit = 0; bit < 32; bit++) {
		create.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, vl_ioctl(self->dev, VMX_LITE_CREATE_VM, &create));
	}
	create.flags = 0;
	create.pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->dev, VMX_LITE_CREATE_VM, &create));
	create.pad = 0;
	/* A name without an end. */
	memset(create.name, 'x', sizeof(create.name));
	EXPECT_EQ(-EINVAL, vl_ioctl(self->dev, VMX_LITE_CREATE_VM, &create));

	/* A longer structure is good as long as its end is 0. */
	longer[sizeof(longer) - 1] = 1;
	EXPECT_EQ(-E2BIG, vl_ioctl(self->dev, RESIZE(VMX_LITE_CREATE_VM, sizeof(longer)), longer));
	longer[sizeof(longer) - 1] = 0;
	vm = vl_ioctl(self->dev, RESIZE(VMX_LITE_CREATE_VM, sizeof(longer)), longer);
	EXPECT_LE(0, vm);
	close(vm);
	/* A shorter one has 0 in what is missing: here the name. */
	vm = vl_ioctl(self->dev, RESIZE(VMX_LITE_CREATE_VM, 8), longer);
	EXPECT_LE(0, vm);
	close(vm);
}

TEST_F(system, get_cpuid)
{
	struct vmx_lite_cpuid_entry e[VMX_LITE_MAX_CPUID];
	struct vmx_lite_cpuid cpuid = { .count = 0, .entries = (uintptr_t)e };
	unsigned int i, found = 0, needed, a, b, c, d;

	/* No room: how much is needed. */
	ASSERT_EQ(-E2BIG, vl_ioctl(self->dev, VMX_LITE_GET_CPUID, &cpuid));
	needed = cpuid.count;
	ASSERT_LT(2, needed);
	ASSERT_GE(VMX_LITE_MAX_CPUID, needed);
	cpuid.count = needed - 1;
	EXPECT_EQ(-E2BIG, vl_ioctl(self->dev, VMX_LITE_GET_CPUID, &cpuid));
	EXPECT_EQ(needed, cpuid.count);
	ASSERT_EQ(0, vl_ioctl(self->dev, VMX_LITE_GET_CPUID, &cpuid));
	EXPECT_EQ(needed, cpuid.count);

	for (i = 0; i < needed; i++) {
		EXPECT_EQ(0, e[i].pad);
		EXPECT_EQ(0, e[i].flags & ~VMX_LITE_CPUID_INDEXED);
		if (e[i].function == 0) {
			__cpuid(0, a, b, c, d);
			EXPECT_EQ(b, e[i].ebx);
			EXPECT_EQ(c, e[i].ecx);
			EXPECT_EQ(d, e[i].edx);
			found |= 1;
		}
		if (e[i].function == 1) {
			__cpuid(1, a, b, c, d);
			EXPECT_EQ(a, e[i].eax);
			/*
			 * No VMX within a guest; nothing the host's CPU lacks but x2APIC,
			 * TSC-deadline and the hypervisor bit.
			 */
			EXPECT_EQ(0, e[i].ecx & (1U << 5));
			EXPECT_EQ(0, e[i].ecx & ~c & ~(1U << 21 | 1U << 24 | 1U << 31));
			EXPECT_EQ(0, e[i].edx & ~d);
			found |= 2;
		}
	}
	EXPECT_EQ(3, found);

	cpuid.pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->dev, VMX_LITE_GET_CPUID, &cpuid));
	cpuid.pad = 0;
	cpuid.entries = 8;
	EXPECT_EQ(-EFAULT, vl_ioctl(self->dev, VMX_LITE_GET_CPUID, &cpuid));
}

TEST_F(system, many_vms)
{
	int fds[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = create_vm(self->dev, "many");
		ASSERT_LE(0, fds[i]);
	}
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		EXPECT_EQ(0, close(fds[i]));
}

/* Regions are the creator's memory: nobody else may add to them. */
TEST_F(system, other_process)
{
	struct vmx_lite_memory_region region = { .size = 4096 };
	int vm = create_vm(self->dev, "ours"), status;
	pid_t pid;

	ASSERT_LE(0, vm);
	/* Not vfork: it would be the same mm. */
	pid = syscall(SYS_fork);
	ASSERT_LE(0, pid);
	if (!pid) {
		region.user_addr = (uintptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
						   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		_exit(vl_ioctl(vm, VM_SET_MEMORY, &region) == -EIO ? 42 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(42 << 8, status);
	close(vm);
}

TEST_HARNESS_MAIN
