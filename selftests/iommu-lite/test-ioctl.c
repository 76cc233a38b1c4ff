// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every ioctl of iommu-lite with good and bad arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "edu.h"
#include "sys.h"

#define RW	(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE)
#define BAD	((void *)0x10)

/* The same ioctl with an argument of another size */
#define RESIZED(cmd, size) \
	_IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size)

static int call(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

FIXTURE(uapi) {
	int node;
	int domain;
	int device;
	struct iommu_bdf bdf;
	char *memory;
};

FIXTURE_SETUP(uapi)
{
	ASSERT_TRUE(sys_find_pci(EDU_VENDOR, EDU_DEVICE, 0, &self->bdf));
	self->node = iommu_open();
	ASSERT_GE(self->node, 0);
	self->domain = iommu_create_domain(self->node);
	ASSERT_GE(self->domain, 0);
	self->device = iommu_open_device(self->node, &self->bdf, NULL);
	ASSERT_GE(self->device, 0);
	self->memory = sys_memory(0x10000);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(uapi)
{
	close(self->device);
	close(self->domain);
	close(self->node);
}

TEST_F(uapi, unknown_ioctls)
{
	const int fds[] = { self->node, self->domain, self->device };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-ENOTTY, call(fds[i], _IO(IOMMU_LITE_IOC, 0x7f), NULL));
		EXPECT_EQ(-ENOTTY, call(fds[i], _IO('x', 0), NULL));
		EXPECT_EQ(-ENOTTY, call(fds[i], TCGETS, NULL));
	}
	/* One file's ioctl on another file, and a wrong direction */
	EXPECT_EQ(-ENOTTY, call(self->node, IOMMU_LITE_MAP, NULL));
	EXPECT_EQ(-ENOTTY, call(self->domain, IOMMU_LITE_ATTACH, NULL));
	EXPECT_EQ(-ENOTTY, call(self->device, IOMMU_LITE_GET_INFO, NULL));
	EXPECT_EQ(-ENOTTY, call(self->node, _IO(IOMMU_LITE_IOC, 0), NULL));
}

TEST_F(uapi, versions)
{
	struct {
		struct iommu_lite_map map;
		uint64_t tail;
	} longer = {
		.map = {
			.iova = 0x1000, .size = 0x1000, .flags = RW,
			.user_addr = (uintptr_t)self->memory,
		},
	};
	const unsigned long request = RESIZED(IOMMU_LITE_MAP, sizeof(longer));

	EXPECT_EQ(-EINVAL, call(self->domain, RESIZED(IOMMU_LITE_MAP, 8),
				&longer));
	longer.tail = 1;
	EXPECT_EQ(-E2BIG, call(self->domain, request, &longer));
	longer.tail = 0;
	EXPECT_EQ(0, call(self->domain, request, &longer));
}

TEST_F(uapi, unreadable_arguments)
{
	EXPECT_EQ(-EFAULT, call(self->node, IOMMU_LITE_GET_INFO, BAD));
	EXPECT_EQ(-EFAULT, call(self->node, IOMMU_LITE_GET_UNIT, BAD));
	EXPECT_EQ(-EFAULT, call(self->node, IOMMU_LITE_CREATE_DOMAIN, BAD));
	EXPECT_EQ(-EFAULT, call(self->node, IOMMU_LITE_OPEN_DEVICE, BAD));
	EXPECT_EQ(-EFAULT, call(self->domain, IOMMU_LITE_MAP, BAD));
	EXPECT_EQ(-EFAULT, call(self->domain, IOMMU_LITE_UNMAP, BAD));
	EXPECT_EQ(-EFAULT, call(self->domain, IOMMU_LITE_QUERY, BAD));
	EXPECT_EQ(-EFAULT, call(self->domain, IOMMU_LITE_DOMAIN_INFO, BAD));
	EXPECT_EQ(-EFAULT, call(self->device, IOMMU_LITE_ATTACH, BAD));
	EXPECT_EQ(-EFAULT, call(self->device, IOMMU_LITE_GET_REGIONS, BAD));
	EXPECT_EQ(-EFAULT,
		  call(self->device, IOMMU_LITE_SET_FAULT_EVENTFD, BAD));
	EXPECT_EQ(-EFAULT, call(self->device, IOMMU_LITE_DEVICE_INFO, BAD));
}

TEST_F(uapi, info_and_units)
{
	struct iommu_lite_info info;
	struct iommu_lite_unit unit;
	unsigned int i, devices = 0;

	ASSERT_EQ(0, iommu_get_info(self->node, &info));
	EXPECT_EQ(IOMMU_LITE_API_VERSION, info.api_version);
	EXPECT_TRUE(info.address_bits == 39 || info.address_bits == 48);
	EXPECT_TRUE(info.page_sizes & 4096);
	EXPECT_EQ(!!(info.features & IOMMU_LITE_FEAT_2M),
		  !!(info.page_sizes & (1 << 21)));
	ASSERT_GE(info.nr_units, 1);
	for (i = 0; i < info.nr_units; i++) {
		ASSERT_EQ(0, iommu_get_unit(self->node, i, &unit));
		EXPECT_EQ(i, unit.index);
		EXPECT_NE(0, unit.cap);
		EXPECT_EQ(0, unit.register_base & 4095);
		devices += unit.nr_devices;
	}
	EXPECT_GE(devices, 1);
	EXPECT_EQ(-EINVAL, iommu_get_unit(self->node, i, &unit));
	EXPECT_EQ(-EINVAL, iommu_get_unit(self->node, ~0u, &unit));
	memset(&unit, 0, sizeof(unit));
	unit.pad[1] = 1;
	EXPECT_EQ(-EINVAL, call(self->node, IOMMU_LITE_GET_UNIT, &unit));
}

TEST_F(uapi, create_domain_arguments)
{
	struct iommu_lite_create_domain create = { .flags = 1 };

	EXPECT_EQ(-EINVAL, call(self->node, IOMMU_LITE_CREATE_DOMAIN,
				&create));
	create.flags = 0;
	create.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->node, IOMMU_LITE_CREATE_DOMAIN,
				&create));
}

static int try_open(int node, struct iommu_bdf bdf, uint32_t *reason)
{
	int fd = iommu_open_device(node, &bdf, reason);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

TEST_F(uapi, open_device_arguments)
{
	struct iommu_lite_open_device open = {
		.bus = self->bdf.bus, .devfn = self->bdf.devfn,
	};
	struct iommu_bdf bdf = { .bus = 0xfe, .devfn = 0xf8 };
	uint32_t reason;
	int other;

	EXPECT_EQ(-ENODEV, try_open(self->node, bdf, &reason));
	EXPECT_EQ(IOMMU_LITE_NO_DEVICE, reason);
	EXPECT_EQ(-EBUSY, try_open(self->node, self->bdf, &reason));
	EXPECT_EQ(IOMMU_LITE_ALREADY_OPEN, reason);
	other = iommu_open();
	ASSERT_GE(other, 0);
	EXPECT_EQ(-EBUSY, try_open(other, self->bdf, &reason));
	EXPECT_EQ(IOMMU_LITE_ALREADY_OPEN, reason);
	close(self->device);
	EXPECT_EQ(0, try_open(other, self->bdf, &reason));
	EXPECT_EQ(IOMMU_LITE_OK, reason);
	close(other);

	open.flags = IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS << 1;
	EXPECT_EQ(-EINVAL, call(self->node, IOMMU_LITE_OPEN_DEVICE, &open));
	open.flags = 0;
	open.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->node, IOMMU_LITE_OPEN_DEVICE, &open));
	open.pad = 0;
	open.reason = 1;
	EXPECT_EQ(-EINVAL, call(self->node, IOMMU_LITE_OPEN_DEVICE, &open));
	self->device = -1;
}

TEST_F(uapi, map_arguments)
{
	const uint64_t at = (uintptr_t)self->memory;
	struct iommu_lite_info info;
	uint64_t top;

	ASSERT_EQ(0, iommu_get_info(self->node, &info));
	top = 1ull << info.address_bits;
	const struct {
		struct iommu_lite_map map;
		int wanted;
	} cases[] = {
		{ { 0x1001, at, 0x1000, RW, 0 }, -EINVAL },
		{ { 0x1000, at + 1, 0x1000, RW, 0 }, -EINVAL },
		{ { 0x1000, at, 0x1001, RW, 0 }, -EINVAL },
		{ { 0x1000, at, 0, RW, 0 }, -EINVAL },
		{ { 0x1000, at, 0x1000, 0, 0 }, -EINVAL },
		{ { 0x1000, at, 0x1000, RW | 4, 0 }, -EINVAL },
		{ { 0x1000, at, 0x1000, RW | 1u << 31, 0 }, -EINVAL },
		{ { 0x1000, at, 0x1000, RW, 1 }, -EINVAL },
		{ { -0x1000ull, at, 0x2000, RW, 0 }, -EINVAL },
		{ { 0x1000, at, -0x1000ull, RW, 0 }, -ERANGE },
		{ { 0x2000, at, -0x1000ull, RW, 0 }, -EINVAL },
		{ { top, at, 0x1000, RW, 0 }, -ERANGE },
		{ { top - 0x1000, at, 0x2000, RW, 0 }, -ERANGE },
		{ { -0x1000ull, at, 0x1000, RW, 0 }, -ERANGE },
		{ { 0x1000, -0x1000ull, 0x1000, RW, 0 }, -EFAULT },
		{ { 0x1000, 0xffff800000000000ull, 0x1000, RW, 0 }, -EFAULT },
		{ { 0x1000, 0x10000, 0x1000, RW, 0 }, -EFAULT },
		{ { 0xfee00000, at, 0x1000, RW, 0 }, -EBUSY },
		{ { 0xfeeff000, at, 0x1000, RW, 0 }, -EBUSY },
		{ { 0xfedff000, at, 0x2000, RW, 0 }, -EBUSY },
		{ { 0xfeeff000, at, 0x2000, RW, 0 }, -EBUSY },
		{ { 0xfedff000, at, 0x1000, RW, 0 }, 0 },
		{ { 0xfef00000, at, 0x1000, RW, 0 }, 0 },
		{ { top - 0x1000, at, 0x1000, RW, 0 }, 0 },
		{ { 0, at, 0x1000, IOMMU_LITE_MAP_READ, 0 }, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct iommu_lite_map map = cases[i].map;

		EXPECT_EQ(cases[i].wanted,
			  call(self->domain, IOMMU_LITE_MAP, &map)) {
			TH_LOG("case %u", i);
		}
	}
}

TEST_F(uapi, overlapping_maps)
{
	static const struct {
		uint64_t iova, size;
		int wanted;
	} cases[] = {
		{ 0x10000, 0x4000, 0 },
		{ 0x10000, 0x4000, -EEXIST },
		{ 0x10000, 0x1000, -EEXIST },
		{ 0x13000, 0x1000, -EEXIST },
		{ 0x11000, 0x1000, -EEXIST },
		{ 0xf000, 0x2000, -EEXIST },
		{ 0xf000, 0x8000, -EEXIST },
		{ 0x13000, 0x8000, -EEXIST },
		{ 0xf000, 0x1000, 0 },
		{ 0x14000, 0x1000, 0 },
	};
	struct iommu_lite_domain_info info;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_EQ(cases[i].wanted,
			  iommu_map(self->domain, cases[i].iova, self->memory,
				    cases[i].size, RW)) {
			TH_LOG("case %u", i);
		}
	ASSERT_EQ(0, iommu_domain_info(self->domain, &info));
	EXPECT_EQ(3, info.nr_maps);
	EXPECT_EQ(0x6000, info.mapped);
}

TEST_F(uapi, unmap_arguments)
{
	struct iommu_lite_unmap unmap = { .iova = 0x1000, .size = 0x1000 };
	uint64_t done;

	ASSERT_EQ(0, iommu_map(self->domain, 0x10000, self->memory, 0x4000,
			       RW));
	ASSERT_EQ(0, iommu_map(self->domain, 0x20000, self->memory, 0x4000,
			       RW));
	EXPECT_EQ(-ENOENT, iommu_unmap(self->domain, 0x1000, 0x1000, NULL));
	EXPECT_EQ(-ENOENT, iommu_unmap(self->domain, 0x14000, 0xc000, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, 0x10000, 0x3000, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, 0x11000, 0x3000, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, 0x11000, 0x1000, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, 0x8000, 0x1a000, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, 0x10001, 0x4000, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, 0x10000, 0x4001, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, 0x10000, 0, NULL));
	EXPECT_EQ(-EINVAL, iommu_unmap(self->domain, -0x1000ull, 0x2000,
				       NULL));
	EXPECT_EQ(-ERANGE, iommu_unmap(self->domain, -0x1000ull, 0x1000,
				       NULL));
	unmap.flags = 2;
	EXPECT_EQ(-EINVAL, call(self->domain, IOMMU_LITE_UNMAP, &unmap));
	unmap.flags = IOMMU_LITE_UNMAP_ALL;
	EXPECT_EQ(-EINVAL, call(self->domain, IOMMU_LITE_UNMAP, &unmap));
	unmap.flags = 0;
	unmap.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->domain, IOMMU_LITE_UNMAP, &unmap));
	unmap.pad = 0;
	unmap.unmapped = 1;
	EXPECT_EQ(-EINVAL, call(self->domain, IOMMU_LITE_UNMAP, &unmap));

	/* Both, with the holes around them */
	EXPECT_EQ(0, iommu_unmap(self->domain, 0x8000, 0x20000, &done));
	EXPECT_EQ(0x8000, done);
	EXPECT_EQ(0, iommu_unmap_all(self->domain, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0, iommu_map(self->domain, 0x10000, self->memory, 0x4000,
			       RW));
	EXPECT_EQ(0, iommu_map(self->domain, 0x4000000000, self->memory,
			       0x1000, RW));
	EXPECT_EQ(0, iommu_unmap_all(self->domain, &done));
	EXPECT_EQ(0x5000, done);
}

TEST_F(uapi, query)
{
	struct iommu_lite_query query;

	ASSERT_EQ(0, iommu_map(self->domain, 0x10000, self->memory, 0x4000,
			       IOMMU_LITE_MAP_READ));
	ASSERT_EQ(0, iommu_query(self->domain, 0x12345, &query));
	EXPECT_EQ(0x10000, query.iova);
	EXPECT_EQ(0x4000, query.size);
	EXPECT_EQ((uintptr_t)self->memory, query.user_addr);
	EXPECT_EQ(IOMMU_LITE_MAP_READ, query.flags);
	EXPECT_EQ(4096, query.page_size);
	EXPECT_EQ(-ENOENT, iommu_query(self->domain, 0xffff, &query));
	EXPECT_EQ(-ENOENT, iommu_query(self->domain, 0x14000, &query));
	EXPECT_EQ(-ENOENT, iommu_query(self->domain, ~0ull, &query));
	memset(&query, 0, sizeof(query));
	query.iova = 0x10000;
	query.size = 1;
	EXPECT_EQ(-EINVAL, call(self->domain, IOMMU_LITE_QUERY, &query));
	query.size = 0;
	query.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->domain, IOMMU_LITE_QUERY, &query));
}

TEST_F(uapi, attach_arguments)
{
	struct iommu_lite_attach attach = {
		.domain_fd = self->domain, .flags = 1,
	};
	int node = iommu_open(), foreign, second;

	ASSERT_GE(node, 0);
	foreign = iommu_create_domain(node);
	second = iommu_create_domain(self->node);
	ASSERT_GE(foreign, 0);
	ASSERT_GE(second, 0);
	EXPECT_EQ(-EINVAL, call(self->device, IOMMU_LITE_ATTACH, &attach));
	EXPECT_EQ(-EBADF, iommu_attach(self->device, -1));
	EXPECT_EQ(-EBADF, iommu_attach(self->device, 1000));
	EXPECT_EQ(-EINVAL, iommu_attach(self->device, self->node));
	EXPECT_EQ(-EINVAL, iommu_attach(self->device, self->device));
	EXPECT_EQ(-EINVAL, iommu_attach(self->device, foreign));
	EXPECT_EQ(-EINVAL, iommu_detach(self->device));
	EXPECT_EQ(0, iommu_attach(self->device, self->domain));
	EXPECT_EQ(-EBUSY, iommu_attach(self->device, self->domain));
	EXPECT_EQ(-EBUSY, iommu_attach(self->device, second));
	EXPECT_EQ(0, iommu_detach(self->device));
	EXPECT_EQ(-EINVAL, iommu_detach(self->device));
	EXPECT_EQ(0, iommu_attach(self->device, second));
	close(foreign);
	close(second);
	close(node);
}

TEST_F(uapi, device_info)
{
	struct iommu_lite_domain_info domain;
	struct iommu_lite_device_info info;

	ASSERT_EQ(0, iommu_device_info(self->device, &info));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(1, info.group_devices);
	EXPECT_EQ(0, info.faults);
	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, iommu_device_info(self->device, &info));
	EXPECT_EQ(IOMMU_LITE_DEVICE_ATTACHED, info.flags);
	ASSERT_EQ(0, iommu_domain_info(self->domain, &domain));
	EXPECT_EQ(1, domain.nr_devices);
	EXPECT_EQ(0, domain.nr_maps);
	EXPECT_EQ(1, domain.table_pages);
}

TEST_F(uapi, regions)
{
	struct iommu_lite_region regions[IOMMU_LITE_MAX_REGIONS];
	struct iommu_lite_regions get = { .count = 0 };
	uint32_t count = IOMMU_LITE_MAX_REGIONS, i;
	bool msi = false;

	ASSERT_EQ(0, iommu_get_regions(self->device, regions, &count));
	for (i = 0; i < count; i++)
		if (regions[i].type == IOMMU_LITE_REGION_MSI &&
		    regions[i].first == 0xfee00000 &&
		    regions[i].last == 0xfeefffff)
			msi = true;
	EXPECT_TRUE(msi);
	/* Without room it says how much there should be */
	EXPECT_EQ(-E2BIG, call(self->device, IOMMU_LITE_GET_REGIONS, &get));
	EXPECT_EQ(count, get.count);
	get.regions = (uintptr_t)BAD;
	EXPECT_EQ(-EFAULT, call(self->device, IOMMU_LITE_GET_REGIONS, &get));
	get.count = IOMMU_LITE_MAX_REGIONS + 1;
	EXPECT_EQ(-EINVAL, call(self->device, IOMMU_LITE_GET_REGIONS, &get));
	get.count = 0;
	get.pad = 1;
	EXPECT_EQ(-EINVAL, call(self->device, IOMMU_LITE_GET_REGIONS, &get));
}

TEST_F(uapi, fault_eventfd_arguments)
{
	struct iommu_lite_fault_eventfd set = { .fd = -1, .flags = 1 };
	struct iommu_lite_fault fault;

	EXPECT_EQ(-EINVAL,
		  call(self->device, IOMMU_LITE_SET_FAULT_EVENTFD, &set));
	EXPECT_EQ(-EINVAL, iommu_set_fault_eventfd(self->device, -2));
	EXPECT_EQ(-EBADF, iommu_set_fault_eventfd(self->device, 1000));
	EXPECT_EQ(-EINVAL, iommu_set_fault_eventfd(self->device, self->node));
	EXPECT_EQ(0, iommu_set_fault_eventfd(self->device, -1));
	EXPECT_EQ(-1, read(self->device, &fault, sizeof(fault) - 1));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, fcntl(self->device, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, iommu_read_faults(self->device, &fault, 1));
}

TEST_F(uapi, map_by_another_process)
{
	pid_t child = fork();
	int status;

	ASSERT_GE(child, 0);
	if (!child)
		_exit(iommu_map(self->domain, 0x1000, self->memory, 0x1000,
				RW) != -EPERM);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST(node_is_for_root)
{
	pid_t child = fork();
	int status;

	ASSERT_GE(child, 0);
	if (!child)
		_exit(setuid(1000) || iommu_open() != -EACCES);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
