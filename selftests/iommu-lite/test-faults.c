// SPDX-License-Identifier: GPL-2.0-only
/*
 * More faults than a device fd keeps.
 */
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "edu.h"

#define FAULTS	70u
#define ROOM	64u

TEST(fault_ring_overflows_in_order)
{
	struct iommu_lite_fault faults[FAULTS + 1];
	struct iommu_lite_device_info info;
	int node, domain, device;
	unsigned int i;
	struct edu edu;

	ASSERT_TRUE(edu_open(&edu, 0));
	node = iommu_open();
	ASSERT_GE(node, 0);
	domain = iommu_create_domain(node);
	ASSERT_GE(domain, 0);
	device = iommu_open_device(node, &edu.bdf, NULL);
	ASSERT_GE(device, 0);
	ASSERT_EQ(0, fcntl(device, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, iommu_attach(device, domain));
	ASSERT_TRUE(edu_bus_master(&edu, true));
	for (i = 0; i < FAULTS; i++)
		ASSERT_TRUE(edu_to_memory(&edu, 0x100000 + i * 0x1000, 4));
	/* The last interrupt may be on its way on another CPU */
	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, iommu_device_info(device, &info));
		if (info.faults == FAULTS)
			break;
		usleep(10000);
	}
	EXPECT_EQ(FAULTS, info.faults);
	EXPECT_EQ(FAULTS - ROOM, info.lost);
	ASSERT_EQ(ROOM, iommu_read_faults(device, faults, FAULTS + 1));
	for (i = 0; i < ROOM; i++) {
		EXPECT_EQ(0x100000 + i * 0x1000, faults[i].address);
		if (i)
			EXPECT_GE(faults[i].time_ns, faults[i - 1].time_ns);
	}
	close(device);
	close(domain);
	close(node);
	edu_close(&edu);
}

TEST_HARNESS_MAIN
