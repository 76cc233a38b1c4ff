// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map from the command line: map BDF SIZE takes a device, gives it SIZE MiB
 * of memory from IOVA 0 up to the interrupt window, and says what that took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "iommuapi.h"

static int fail(const char *what, int error)
{
	fprintf(stderr, "map: %s: %s\n", what, strerror(-error));
	return 1;
}

int main(int argc, char **argv)
{
	struct iommu_lite_domain_info domain_info;
	struct iommu_lite_device_info device_info;
	struct iommu_bdf bdf;
	int node, domain, device, ret;
	unsigned long size;
	uint32_t reason;
	void *memory;

	if (argc != 3 || iommu_parse_bdf(argv[1], &bdf)) {
		fprintf(stderr, "usage: map SEGMENT:BUS:DEVICE.FUNCTION MIB\n");
		return 1;
	}
	size = strtoul(argv[2], NULL, 10) << 20;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("map: memory");
		return 1;
	}
	madvise(memory, size, MADV_HUGEPAGE);
	node = iommu_open();
	if (node < 0)
		return fail("/dev/iommu-lite (is iommu-lite loaded?)", node);
	device = iommu_open_device(node, &bdf, &reason);
	if (device < 0 && reason) {
		fprintf(stderr, "map: %s: %s\n", argv[1],
			iommu_reason_text(reason));
		return 1;
	}
	if (device < 0)
		return fail(argv[1], device);
	domain = iommu_create_domain(node);
	if (domain < 0)
		return fail("domain", domain);
	ret = iommu_map(domain, 0, memory, size,
			IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE);
	if (ret)
		return fail("mapping", ret);
	ret = iommu_attach(device, domain);
	if (ret)
		return fail("attaching", ret);
	ret = iommu_domain_info(domain, &domain_info);
	if (!ret)
		ret = iommu_device_info(device, &device_info);
	if (ret)
		return fail("info", ret);
	printf("%s (group %u, unit %u) reaches %llu MiB from 0x0 on, and nothing else\n",
	       argv[1], device_info.group, device_info.unit,
	       (unsigned long long)domain_info.mapped >> 20);
	printf("page tables: %llu KiB\n",
	       (unsigned long long)domain_info.table_pages * 4);
	return 0;
}
