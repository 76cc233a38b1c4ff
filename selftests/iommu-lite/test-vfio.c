// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO type1 and vfio-pci on top of iommu-lite: map, unmap, device I/O.
 *
 * The modules vfio_iommu_type1 (with allow_unsafe_interrupts) and vfio-pci are
 * loaded, and no driver has the edu device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "kselftest_harness.h"

#include "edu.h"
#include "sys.h"

#define IOVA	0x23456000ull
#define SIZE	0x4000u

FIXTURE(vfio) {
	struct edu edu;
	char name[32];
	int container;
	int group;
	int device;
	char *memory;
};

static int bind_vfio(struct iommu_bdf *bdf, const char *name)
{
	char path[256];
	int ret;

	sys_pci_path(bdf, "driver_override", path, sizeof(path));
	ret = sys_write(path, "vfio-pci");
	return ret ?: sys_write("/sys/bus/pci/drivers/vfio-pci/bind", name);
}

static int group_of(struct iommu_bdf *bdf)
{
	char path[256], target[256];
	ssize_t length;

	sys_pci_path(bdf, "iommu_group", path, sizeof(path));
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = 0;
	return atoi(strrchr(target, '/') + 1);
}

FIXTURE_SETUP(vfio)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];

	ASSERT_TRUE(edu_open(&self->edu, 0));
	snprintf(self->name, sizeof(self->name), "%04x:%02x:%02x.%x",
		 self->edu.bdf.segment, self->edu.bdf.bus,
		 self->edu.bdf.devfn >> 3, self->edu.bdf.devfn & 7);
	ASSERT_EQ(0, bind_vfio(&self->edu.bdf, self->name));
	self->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->container, 0);
	snprintf(path, sizeof(path), "/dev/vfio/%d",
		 group_of(&self->edu.bdf));
	self->group = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->group, 0);
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_GET_STATUS, &status));
	ASSERT_TRUE(status.flags & VFIO_GROUP_FLAGS_VIABLE);
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_SET_CONTAINER,
			   &self->container));
	ASSERT_EQ(0, ioctl(self->container, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU));
	self->device = ioctl(self->group, VFIO_GROUP_GET_DEVICE_FD,
			     self->name);
	ASSERT_GE(self->device, 0);
	self->memory = sys_memory(SIZE);
	ASSERT_NE(NULL, self->memory);
	ASSERT_TRUE(edu_bus_master(&self->edu, true));
}

FIXTURE_TEARDOWN(vfio)
{
	char path[256];

	close(self->device);
	close(self->group);
	close(self->container);
	EXPECT_EQ(0, sys_write("/sys/bus/pci/drivers/vfio-pci/unbind",
			       self->name));
	sys_pci_path(&self->edu.bdf, "driver_override", path, sizeof(path));
	sys_write(path, "\n");
	edu_close(&self->edu);
}

static int map(int container, void *memory, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static int unmap(int container, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	return unmap.size == size ? 0 : -EIO;
}

TEST_F(vfio, moves_data_both_ways)
{
	char wanted[1024];

	ASSERT_EQ(0, map(self->container, self->memory, IOVA, SIZE));
	memset(self->memory, 0x5b, 1024);
	memset(wanted, 0x5b, sizeof(wanted));
	ASSERT_TRUE(edu_from_memory(&self->edu, IOVA, 1024));
	ASSERT_TRUE(edu_to_memory(&self->edu, IOVA + 0x2000 - 512, 1024));
	EXPECT_EQ(0, memcmp(self->memory + 0x2000 - 512, wanted, 1024));
	EXPECT_EQ(2, self->memory[0x2000 - 513]);
	ASSERT_EQ(0, unmap(self->container, IOVA, SIZE));
	memset(self->memory, 0x2e, SIZE);
	ASSERT_TRUE(edu_to_memory(&self->edu, IOVA, 512));
	EXPECT_EQ(0x2e, self->memory[0]);
	EXPECT_EQ(0x2e, self->memory[511]);
}

TEST_F(vfio, unmapped_is_blocked)
{
	ASSERT_EQ(0, map(self->container, self->memory, IOVA, 4096));
	memset(self->memory + 4096, 0x3f, 4096);
	ASSERT_TRUE(edu_to_memory(&self->edu, IOVA + 4096, 512));
	EXPECT_EQ(0x3f, self->memory[4096]);
	ASSERT_EQ(0, unmap(self->container, IOVA, 4096));
}

TEST_F(vfio, the_interrupt_window_is_refused)
{
	EXPECT_EQ(-EINVAL, map(self->container, self->memory, 0xfee00000,
			       4096));
}

TEST_F(vfio, many_sizes)
{
	const size_t size = 8 << 20;
	char *memory = sys_memory(size);
	unsigned int i;

	ASSERT_NE(NULL, memory);
	for (i = 0; i < 20; i++) {
		size_t part = (i * 37 % 64 + 1) * 4096;

		ASSERT_EQ(0, map(self->container, memory, IOVA, part));
		ASSERT_EQ(0, map(self->container, memory + part, 0x80000000,
				 size - part));
		ASSERT_EQ(0, unmap(self->container, IOVA, part));
		ASSERT_EQ(0, unmap(self->container, 0x80000000, size - part));
	}
	munmap(memory, size);
}

TEST_F(vfio, and_iommu_lite_exclude_each_other)
{
	int node = iommu_open();
	uint32_t reason;

	ASSERT_GE(node, 0);
	EXPECT_EQ(-EBUSY, iommu_open_device(node, &self->edu.bdf, &reason));
	EXPECT_EQ(IOMMU_LITE_GROUP_BUSY, reason);
	close(node);
}

TEST_HARNESS_MAIN
