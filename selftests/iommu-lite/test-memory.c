// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be mapped: kinds of memory, page sizes, accounting, table pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "sys.h"

#define RW	(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE)
#define MIB	(1ul << 20)
#define HUGE_2M	(2 * MIB)

FIXTURE(memory) {
	int node;
	int domain;
	struct iommu_lite_info info;
};

FIXTURE_SETUP(memory)
{
	self->node = iommu_open();
	ASSERT_GE(self->node, 0);
	ASSERT_EQ(0, iommu_get_info(self->node, &self->info));
	self->domain = iommu_create_domain(self->node);
	ASSERT_GE(self->domain, 0);
}

FIXTURE_TEARDOWN(memory)
{
	close(self->domain);
	close(self->node);
}

static uint64_t page_size_at(int domain, uint64_t iova)
{
	struct iommu_lite_query query;

	return iommu_query(domain, iova, &query) ? 0 : query.page_size;
}

static uint64_t table_pages(int domain)
{
	struct iommu_lite_domain_info info;

	return iommu_domain_info(domain, &info) ? 0 : info.table_pages;
}

TEST_F(memory, hugetlb)
{
	char *page;

	ASSERT_EQ(0, sys_write("/proc/sys/vm/nr_hugepages", "4"));
	page = mmap(NULL, 2 * HUGE_2M, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, iommu_map(self->domain, HUGE_2M, page, 2 * HUGE_2M, RW));
	EXPECT_EQ(self->info.features & IOMMU_LITE_FEAT_2M ? HUGE_2M : 4096,
		  page_size_at(self->domain, HUGE_2M + 0x5000));
	ASSERT_EQ(0, iommu_unmap(self->domain, HUGE_2M, 2 * HUGE_2M, NULL));
	/* Not aligned to its size: small pages */
	ASSERT_EQ(0, iommu_map(self->domain, 0x1000, page, 2 * HUGE_2M, RW));
	EXPECT_EQ(4096, page_size_at(self->domain, 0x201000));
	ASSERT_EQ(0, iommu_unmap_all(self->domain, NULL));
	ASSERT_EQ(0, munmap(page, 2 * HUGE_2M));
	ASSERT_EQ(0, sys_write("/proc/sys/vm/nr_hugepages", "0"));
	/* All given back */
	char text[4096];

	ASSERT_EQ(0, sys_read("/proc/meminfo", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "HugePages_Total:       0"));
}

TEST_F(memory, transparent_huge_page)
{
	char *area = mmap(NULL, 2 * HUGE_2M, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *page = (char *)(((uintptr_t)area + HUGE_2M - 1) & -HUGE_2M);
	char text[65536], *line;

	ASSERT_NE(MAP_FAILED, area);
	if (madvise(page, HUGE_2M, MADV_HUGEPAGE))
		SKIP(return, "this kernel has no transparent huge pages");
	memset(page, 1, HUGE_2M);
	if (sys_read("/proc/self/smaps_rollup", text, sizeof(text)))
		SKIP(return, "this kernel does not tell of huge pages");
	line = strstr(text, "AnonHugePages:");
	ASSERT_NE(NULL, line);
	if (strtoul(line + 14, NULL, 10) < 2048)
		SKIP(return, "the kernel had no huge page to give");
	ASSERT_EQ(0, iommu_map(self->domain, 0, page, HUGE_2M, RW));
	EXPECT_EQ(self->info.features & IOMMU_LITE_FEAT_2M ? HUGE_2M : 4096,
		  page_size_at(self->domain, 0x1ff000));
}

TEST_F(memory, file_in_memory)
{
	int file = memfd_create("iommu-lite", MFD_CLOEXEC);
	char *page;

	ASSERT_GE(file, 0);
	ASSERT_EQ(0, ftruncate(file, 16 * 4096));
	page = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file,
		    0);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(0, iommu_map(self->domain, 0x1000, page, 16 * 4096, RW));
	/* Beyond the file's end there is no page */
	ASSERT_EQ(0, ftruncate(file, 8 * 4096));
	EXPECT_EQ(-EFAULT, iommu_map(self->domain, 0x100000, page, 16 * 4096,
				     RW));
	EXPECT_EQ(-ENOENT, iommu_unmap(self->domain, 0x100000, 16 * 4096,
				       NULL));
	EXPECT_EQ(0, iommu_map(self->domain, 0x100000, page, 8 * 4096, RW));
	close(file);
}

TEST_F(memory, read_only_file)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);

	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-EFAULT, iommu_map(self->domain, 0x1000, page, 4096, RW));
	EXPECT_EQ(0, iommu_map(self->domain, 0x1000, page, 4096,
			       IOMMU_LITE_MAP_READ));
	close(file);
}

TEST_F(memory, no_access_and_holes)
{
	char *page = sys_memory(4 * 4096);

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, munmap(page + 2 * 4096, 4096));
	EXPECT_EQ(-EFAULT, iommu_map(self->domain, 0, page, 4 * 4096, RW));
	EXPECT_EQ(0, iommu_map(self->domain, 0, page, 2 * 4096, RW));
	ASSERT_EQ(0, mprotect(page + 3 * 4096, 4096, PROT_NONE));
	EXPECT_EQ(-EFAULT, iommu_map(self->domain, 0x100000, page + 3 * 4096,
				     4096, RW));
	EXPECT_EQ(-EFAULT, iommu_map(self->domain, 0x100000, page + 3 * 4096,
				     4096, IOMMU_LITE_MAP_READ));
}

TEST_F(memory, a_failed_map_leaves_nothing)
{
	struct iommu_lite_domain_info info;
	long locked = sys_locked_kib();
	char *page = sys_memory(8 * MIB);

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, munmap(page + 7 * MIB, 4096));
	EXPECT_EQ(-EFAULT, iommu_map(self->domain, 0, page, 8 * MIB, RW));
	ASSERT_EQ(0, iommu_domain_info(self->domain, &info));
	EXPECT_EQ(0, info.mapped);
	EXPECT_EQ(0, info.nr_maps);
	EXPECT_EQ(locked, sys_locked_kib());
	EXPECT_EQ(0, iommu_map(self->domain, 0, page, 7 * MIB, RW));
}

TEST_F(memory, is_accounted)
{
	long locked = sys_locked_kib();
	char *page = sys_memory(MIB);

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, iommu_map(self->domain, 0, page, MIB, RW));
	EXPECT_EQ(locked + 1024, sys_locked_kib());
	ASSERT_EQ(0, iommu_unmap(self->domain, 0, MIB, NULL));
	EXPECT_EQ(locked, sys_locked_kib());
	ASSERT_EQ(0, iommu_map(self->domain, 0, page, MIB, RW));
	close(self->domain);
	EXPECT_EQ(locked, sys_locked_kib());
	self->domain = -1;
}

TEST_F(memory, memlock_limit_holds)
{
	const struct rlimit limit = { 64 << 10, 64 << 10 };
	char *page = sys_memory(MIB);
	pid_t child;
	int status;

	ASSERT_NE(NULL, page);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		/* The node needs root, a limit needs an unprivileged caller */
		int node = iommu_open(), domain = iommu_create_domain(node);

		if (domain < 0 || setrlimit(RLIMIT_MEMLOCK, &limit) ||
		    setuid(1000))
			_exit(1);
		if (iommu_map(domain, 0, page, MIB, RW) != -ENOMEM)
			_exit(2);
		if (iommu_map(domain, 0, page, 64 << 10, RW))
			_exit(3);
		if (iommu_map(domain, 1 << 20, page, 4096, RW) != -ENOMEM)
			_exit(4);
		if (iommu_unmap_all(domain, NULL) ||
		    iommu_map(domain, 1 << 20, page, 4096, RW))
			_exit(5);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_TRUE(WIFEXITED(status));
}

TEST_F(memory, tables_go_with_what_they_map)
{
	uint64_t empty = table_pages(self->domain);
	char *page = sys_memory(8 * MIB);

	ASSERT_NE(NULL, page);
	/* Odd, so that there are small pages */
	ASSERT_EQ(0, iommu_map(self->domain, 0x40001000, page, 8 * MIB, RW));
	EXPECT_GE(table_pages(self->domain), empty + 5);
	ASSERT_EQ(0, iommu_unmap(self->domain, 0x40001000, 8 * MIB, NULL));
	/* The two that the range did not fill may stay, empty */
	EXPECT_LE(table_pages(self->domain), empty + 4);
}

TEST_F(memory, empty_tables_are_bounded)
{
	char *page = sys_memory(4096);
	unsigned int i;

	ASSERT_NE(NULL, page);
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, iommu_map(self->domain, i * HUGE_2M, page, 4096,
				       RW));
		ASSERT_EQ(0, iommu_unmap(self->domain, i * HUGE_2M, 4096,
					 NULL));
	}
	EXPECT_LE(table_pages(self->domain), 80);
	/* What was pruned works again */
	ASSERT_EQ(0, iommu_map(self->domain, 0, page, 4096, RW));
	EXPECT_EQ(4096, page_size_at(self->domain, 0));
}

TEST_F(memory, many_domains)
{
	int domains[256];
	unsigned int i;

	for (i = 0; i < 256; i++) {
		domains[i] = iommu_create_domain(self->node);
		ASSERT_GE(domains[i], 0);
	}
	for (i = 0; i < 256; i++)
		close(domains[i]);
}

TEST_F(memory, random_maps_against_a_model)
{
	enum { SLOTS = 512, ROUNDS = 6000 };
	static unsigned short size_of[SLOTS];
	char *page = sys_memory(64 * 4096);
	struct iommu_lite_query query;
	uint64_t mapped = 0, done;
	unsigned int i, j, slot, size;
	struct iommu_lite_domain_info info;

	ASSERT_NE(NULL, page);
	memset(size_of, 0, sizeof(size_of));
	srandom(1);
	for (i = 0; i < ROUNDS; i++) {
		bool is_free = true, starts;

		slot = random() % SLOTS;
		size = 1 + random() % 64;
		for (j = 0; j < SLOTS; j++)
			if (size_of[j] && j < slot + size &&
			    slot < j + size_of[j])
				is_free = false;
		starts = size_of[slot];
		if (starts) {
			size = size_of[slot];
			ASSERT_EQ(0, iommu_unmap(self->domain, slot * 4096ull,
						 size * 4096ull, &done));
			ASSERT_EQ(size * 4096ull, done);
			mapped -= done;
			size_of[slot] = 0;
			continue;
		}
		ASSERT_EQ(is_free ? 0 : -EEXIST,
			  iommu_map(self->domain, slot * 4096ull, page,
				    size * 4096ull, RW));
		if (is_free) {
			size_of[slot] = size;
			mapped += size * 4096ull;
		}
	}
	ASSERT_EQ(0, iommu_domain_info(self->domain, &info));
	EXPECT_EQ(mapped, info.mapped);
	for (slot = 0; slot < SLOTS; slot++) {
		if (!size_of[slot])
			continue;
		ASSERT_EQ(0, iommu_query(self->domain, slot * 4096ull,
					 &query));
		EXPECT_EQ(slot * 4096ull, query.iova);
		EXPECT_EQ(size_of[slot] * 4096ull, query.size);
	}
	ASSERT_EQ(0, iommu_unmap_all(self->domain, &done));
	EXPECT_EQ(mapped, done);
}

TEST_HARNESS_MAIN
