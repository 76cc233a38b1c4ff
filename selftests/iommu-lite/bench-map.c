// SPDX-License-Identifier: GPL-2.0-only
/*
 * The price of maps: bench-map iommu-lite|vfio prints lines "NAME|UNIT|VALUE".
 *
 * Both take the first edu device. With VFIO the container is of type1v2, on
 * whatever IOMMU driver the kernel has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "edu.h"
#include "sys.h"

#define MIB		(1ul << 20)
#define GIB		(1ul << 30)
#define HUGE_2M		(2 * MIB)
#define SINGLE		100000u
#define BATCH		500u
#define BASE		0x100000000ull
#define RW		(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE)

/**
 * struct mapper - one of the two
 * @map: map memory; 0 or -errno
 * @unmap: take it back
 */
struct mapper {
	int (*map)(void *memory, uint64_t iova, uint64_t size);
	int (*unmap)(uint64_t iova, uint64_t size);
};

static int domain, container;

static void die(const char *what, int error)
{
	fprintf(stderr, "bench-map: %s: %s\n", what, strerror(-error));
	exit(1);
}

static int lite_map(void *memory, uint64_t iova, uint64_t size)
{
	return iommu_map(domain, iova, memory, size, RW);
}

static int lite_unmap(uint64_t iova, uint64_t size)
{
	return iommu_unmap(domain, iova, size, NULL);
}

static int vfio_map(void *memory, uint64_t iova, uint64_t size)
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

static int vfio_unmap(uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
}

static const struct mapper lite = { lite_map, lite_unmap };
static const struct mapper vfio = { vfio_map, vfio_unmap };

static void open_lite(struct iommu_bdf *bdf)
{
	int node = iommu_open(), device, ret;

	if (node < 0)
		die("/dev/iommu-lite", node);
	domain = iommu_create_domain(node);
	device = iommu_open_device(node, bdf, NULL);
	ret = domain < 0 ? domain : device < 0 ? device :
		iommu_attach(device, domain);
	if (ret)
		die("attaching", ret);
}

static void open_vfio(struct iommu_bdf *bdf)
{
	char path[256], target[256] = "", name[32];
	int group;

	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", bdf->segment,
		 bdf->bus, bdf->devfn >> 3, bdf->devfn & 7);
	sys_pci_path(bdf, "driver_override", path, sizeof(path));
	sys_write(path, "vfio-pci");
	sys_write("/sys/bus/pci/drivers/vfio-pci/bind", name);
	sys_pci_path(bdf, "iommu_group", path, sizeof(path));
	if (readlink(path, target, sizeof(target) - 1) < 0)
		die("IOMMU group", -errno);
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (container < 0 || group < 0 ||
	    ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO", -errno);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static long table_kib(void)
{
	char text[8192], *line;

	if (sys_read("/proc/meminfo", text, sizeof(text)))
		return -1;
	line = strstr(text, "SecPageTables:");
	return line ? strtol(line + 14, NULL, 10) : -1;
}

static void whole(const struct mapper *m, const char *name, char *memory,
		  uint64_t size)
{
	long before = table_kib(), tables;
	double start, mapped, unmapped;
	int ret;

	memset(memory, 1, size);
	start = now();
	ret = m->map(memory, BASE, size);
	mapped = now();
	if (ret)
		die(name, ret);
	tables = table_kib() - before;
	start = mapped - start;
	mapped = now();
	ret = m->unmap(BASE, size);
	unmapped = now();
	if (ret)
		die(name, ret);
	printf("map 1 GiB of %s|ms|%.3f\n", name, start);
	printf("unmap 1 GiB of %s|ms|%.3f\n", name, unmapped - mapped);
	printf("page tables for 1 GiB of %s|KiB|%ld\n", name, tables);
}

static void *aligned(uint64_t size, int advice)
{
	char *area = mmap(NULL, size + HUGE_2M, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		die("memory", -errno);
	area = (char *)(((uintptr_t)area + HUGE_2M - 1) & -HUGE_2M);
	madvise(area, size, advice);
	return area;
}

static void single(const struct mapper *m)
{
	char *page = aligned(HUGE_2M, MADV_NOHUGEPAGE);
	double start, mapped = 0, unmapped = 0;
	unsigned int i;
	uint64_t j;

	memset(page, 1, 4096);
	for (i = 0; i < SINGLE; i += BATCH) {
		start = now();
		for (j = 0; j < BATCH; j++)
			if (m->map(page, BASE + j * 4096, 4096))
				die("mapping a page", -errno);
		mapped += now() - start;
		start = now();
		for (j = 0; j < BATCH; j++)
			if (m->unmap(BASE + j * 4096, 4096))
				die("unmapping a page", -errno);
		unmapped += now() - start;
	}
	printf("map one 4K page|us|%.3f\n", mapped * 1e3 / i);
	printf("unmap one 4K page|us|%.3f\n", unmapped * 1e3 / i);
}

int main(int argc, char **argv)
{
	const struct mapper *m;
	struct iommu_bdf bdf;
	char *memory;

	if (argc != 2 || !sys_find_pci(EDU_VENDOR, EDU_DEVICE, 0, &bdf)) {
		fprintf(stderr, "usage: bench-map iommu-lite|vfio\n");
		return 1;
	}
	if (strcmp(argv[1], "vfio")) {
		m = &lite;
		open_lite(&bdf);
	} else {
		m = &vfio;
		open_vfio(&bdf);
	}
	memory = aligned(GIB, MADV_NOHUGEPAGE);
	whole(m, "4K pages", memory, GIB);
	munmap(memory, GIB);
	memory = aligned(GIB, MADV_HUGEPAGE);
	whole(m, "THP", memory, GIB);
	munmap(memory, GIB);
	sys_write("/proc/sys/vm/nr_hugepages", "512");
	memory = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		die("hugetlb", -errno);
	whole(m, "hugetlb", memory, GIB);
	munmap(memory, GIB);
	sys_write("/proc/sys/vm/nr_hugepages", "0");
	single(m);
	return 0;
}
