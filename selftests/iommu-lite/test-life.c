// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership and the ends of things: drivers, unplug, killed owners, unloading.
 *
 * Needs two edu devices; the second may be behind a bridge.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "edu.h"
#include "sys.h"

#define RW	(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE)

static int remove_module(void)
{
	return syscall(SYS_delete_module, "iommu_lite", O_NONBLOCK) ? -errno :
								      0;
}

static int load_module(void)
{
	int file = open("/lab/iommu-lite.ko", O_RDONLY | O_CLOEXEC), ret;

	if (file < 0)
		file = open("/modules/iommu-lite.ko", O_RDONLY | O_CLOEXEC);
	ret = syscall(SYS_finit_module, file, "", 0) ? -errno : 0;
	close(file);
	return ret;
}

static void find_devices(void)
{
	sys_write("/sys/bus/pci/rescan", "1");
}

FIXTURE(life) {
	struct edu edu[2];
	int node;
	int domain;
	char *memory;
};

FIXTURE_SETUP(life)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		ASSERT_TRUE(edu_open(&self->edu[i], i));
	self->node = iommu_open();
	ASSERT_GE(self->node, 0);
	self->domain = iommu_create_domain(self->node);
	ASSERT_GE(self->domain, 0);
	self->memory = sys_memory(0x10000);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, iommu_map(self->domain, 0, self->memory, 0x10000, RW));
}

FIXTURE_TEARDOWN(life)
{
	unsigned int i;

	close(self->domain);
	close(self->node);
	for (i = 0; i < 2; i++)
		edu_close(&self->edu[i]);
}

TEST_F(life, one_domain_two_devices)
{
	struct iommu_lite_domain_info info;
	int devices[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		devices[i] = iommu_open_device(self->node, &self->edu[i].bdf,
					       NULL);
		ASSERT_GE(devices[i], 0);
		ASSERT_EQ(0, iommu_attach(devices[i], self->domain));
		ASSERT_TRUE(edu_bus_master(&self->edu[i], true));
	}
	ASSERT_EQ(0, iommu_domain_info(self->domain, &info));
	EXPECT_GE(info.nr_devices, 2);
	memset(self->memory, 0x3c, 4096);
	ASSERT_TRUE(edu_from_memory(&self->edu[0], 0, 512));
	ASSERT_TRUE(edu_from_memory(&self->edu[1], 0, 512));
	memset(self->memory, 0, 4096);
	ASSERT_TRUE(edu_to_memory(&self->edu[0], 0, 512));
	ASSERT_TRUE(edu_to_memory(&self->edu[1], 1024, 512));
	EXPECT_EQ(0x3c, self->memory[511]);
	EXPECT_EQ(0, self->memory[512]);
	EXPECT_EQ(0x3c, self->memory[1024]);
	/* One leaves, the other stays */
	close(devices[0]);
	memset(self->memory, 0, 4096);
	ASSERT_TRUE(edu_to_memory(&self->edu[1], 0, 512));
	EXPECT_EQ(0x3c, self->memory[0]);
	close(devices[1]);
}

TEST_F(life, a_driver_and_an_owner_exclude_each_other)
{
	char path[256], name[32];
	uint32_t reason;
	int device;

	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x",
		 self->edu[0].bdf.segment, self->edu[0].bdf.bus,
		 self->edu[0].bdf.devfn >> 3, self->edu[0].bdf.devfn & 7);
	sys_pci_path(&self->edu[0].bdf, "driver_override", path, sizeof(path));
	device = iommu_open_device(self->node, &self->edu[0].bdf, NULL);
	ASSERT_GE(device, 0);
	/* A driver that does DMA by the kernel's rules: refused meanwhile */
	ASSERT_EQ(0, sys_write(path, "nvme"));
	EXPECT_EQ(-EBUSY, sys_write("/sys/bus/pci/drivers/nvme/bind", name));
	close(device);
	ASSERT_EQ(0, sys_write(path, "\n"));

	/* And the other way round: the machine's nvme has its driver */
	struct iommu_bdf nvme;

	ASSERT_TRUE(sys_find_pci(0x1b36, 0x0010, 0, &nvme));
	EXPECT_EQ(-EBUSY, iommu_open_device(self->node, &nvme, &reason));
	EXPECT_EQ(IOMMU_LITE_DRIVER_BOUND, reason);
}

TEST_F(life, bridges_are_not_lent)
{
	struct iommu_bdf bdf;
	uint32_t reason;

	ASSERT_TRUE(sys_find_pci(0x1b36, 0x000c, 0, &bdf));
	EXPECT_EQ(-EINVAL, iommu_open_device(self->node, &bdf, &reason));
	EXPECT_EQ(IOMMU_LITE_BRIDGE, reason);
}

TEST_F(life, the_last_fd_decides)
{
	struct iommu_lite_domain_info info;
	int device = iommu_open_device(self->node, &self->edu[0].bdf, NULL);
	int copy;

	ASSERT_GE(device, 0);
	ASSERT_EQ(0, iommu_attach(device, self->domain));
	ASSERT_TRUE(edu_bus_master(&self->edu[0], true));
	memset(self->memory, 0x4d, 4096);
	/* The node's file is not needed, nor is the domain's fd number */
	copy = dup(self->domain);
	close(self->node);
	close(self->domain);
	self->domain = copy;
	ASSERT_TRUE(edu_from_memory(&self->edu[0], 0, 512));
	memset(self->memory, 0, 4096);
	close(self->domain);
	/* The attached device keeps it alive */
	ASSERT_TRUE(edu_to_memory(&self->edu[0], 0, 512));
	EXPECT_EQ(0x4d, self->memory[0]);
	EXPECT_EQ(-1, iommu_domain_info(copy, &info) ? -1 : 0);
	close(device);
	memset(self->memory, 0, 4096);
	ASSERT_TRUE(edu_bus_master(&self->edu[0], true));
	ASSERT_TRUE(edu_to_memory(&self->edu[0], 0, 512));
	EXPECT_EQ(0, self->memory[0]);
	self->node = -1;
	self->domain = -1;
}

TEST_F(life, owner_killed_in_mid_dma)
{
	long locked = sys_locked_kib();
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int round;

	ASSERT_NE(MAP_FAILED, shared);
	for (round = 0; round < 5; round++) {
		int status;
		pid_t child;

		shared[0] = 0;
		child = fork();
		ASSERT_GE(child, 0);
		if (!child) {
			int node = iommu_open();
			int domain = iommu_create_domain(node);
			int device = iommu_open_device(node,
						       &self->edu[0].bdf,
						       NULL);
			char *mine = sys_memory(4096);

			if (iommu_map(domain, 0x1000, mine, 4096, RW) ||
			    iommu_attach(device, domain) ||
			    !edu_bus_master(&self->edu[0], true) ||
			    !edu_start(&self->edu[0], 0x1000, 2048, true))
				_exit(1);
			shared[0] = 1;
			for (;;)
				pause();
		}
		while (!*(volatile char *)shared)
			usleep(1000);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		/* It comes back at once, quiet, and DMA ends nowhere */
		EXPECT_FALSE(edu_is_bus_master(&self->edu[0]));
		ASSERT_TRUE(edu_wait(&self->edu[0]));
	}
	EXPECT_EQ(locked, sys_locked_kib());
	munmap(shared, 4096);
}

TEST_F(life, unplug_of_an_attached_device)
{
	struct iommu_lite_device_info info;
	struct iommu_lite_fault fault;
	struct pollfd poll_fd;
	char path[256];
	uint32_t reason;
	int device;

	device = iommu_open_device(self->node, &self->edu[1].bdf, NULL);
	ASSERT_GE(device, 0);
	ASSERT_EQ(0, iommu_attach(device, self->domain));
	edu_close(&self->edu[1]);
	sys_pci_path(&self->edu[1].bdf, "remove", path, sizeof(path));
	ASSERT_EQ(0, sys_write(path, "1"));

	poll_fd = (struct pollfd){ .fd = device };
	EXPECT_EQ(1, poll(&poll_fd, 1, 5000));
	EXPECT_EQ(POLLHUP, poll_fd.revents);
	EXPECT_EQ(0, iommu_read_faults(device, &fault, 1));
	ASSERT_EQ(0, iommu_device_info(device, &info));
	EXPECT_EQ(IOMMU_LITE_DEVICE_GONE, info.flags);
	EXPECT_EQ(-ENODEV, iommu_detach(device));
	EXPECT_EQ(-ENODEV, iommu_attach(device, self->domain));
	EXPECT_EQ(-ENODEV, iommu_open_device(self->node, &self->edu[1].bdf,
					     &reason));
	EXPECT_EQ(IOMMU_LITE_NO_DEVICE, reason);
	close(device);

	find_devices();
	ASSERT_TRUE(edu_open(&self->edu[1], 1));
	device = iommu_open_device(self->node, &self->edu[1].bdf, NULL);
	ASSERT_GE(device, 0);
	ASSERT_EQ(0, iommu_attach(device, self->domain));
	ASSERT_TRUE(edu_bus_master(&self->edu[1], true));
	memset(self->memory, 0x19, 4096);
	ASSERT_TRUE(edu_from_memory(&self->edu[1], 0, 512));
	memset(self->memory, 0, 4096);
	ASSERT_TRUE(edu_to_memory(&self->edu[1], 0, 512));
	EXPECT_EQ(0x19, self->memory[0]);
	close(device);
}

TEST_F(life, in_use_it_does_not_unload)
{
	int device;

	EXPECT_EQ(-EAGAIN, remove_module());
	device = iommu_open_device(self->node, &self->edu[0].bdf, NULL);
	ASSERT_GE(device, 0);
	close(self->node);
	EXPECT_EQ(-EAGAIN, remove_module());
	close(self->domain);
	EXPECT_EQ(-EAGAIN, remove_module());
	close(device);
	ASSERT_EQ(0, remove_module());
	ASSERT_EQ(0, load_module());
	self->node = -1;
	self->domain = -1;
}

TEST_F(life, loads_and_unloads_ten_times)
{
	unsigned int round;
	int device;

	close(self->domain);
	close(self->node);
	for (round = 0; round < 10; round++) {
		ASSERT_EQ(0, remove_module());
		EXPECT_NE(0, access("/dev/iommu-lite", F_OK));
		EXPECT_NE(0, access("/sys/kernel/debug/iommu-lite", F_OK));
		/* As before loading: no group, and DMA goes where it says */
		EXPECT_NE(0, access("/sys/kernel/iommu_groups/0", F_OK));
		ASSERT_EQ(0, load_module());
		self->node = iommu_open();
		ASSERT_GE(self->node, 0);
		device = iommu_open_device(self->node, &self->edu[0].bdf,
					   NULL);
		ASSERT_GE(device, 0);
		close(device);
		close(self->node);
	}
	self->node = -1;
	self->domain = -1;
}

TEST_HARNESS_MAIN
