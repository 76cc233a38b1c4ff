// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lent nvme: reset by function, MSI-X, pages that are not mapped, and its own
 * driver before and after. An admin queue is driven from here.
 *
 * Needs an nvme whose driver is at hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "lent.h"
#include "sys.h"

#define RW	(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE)
#define UNSAFE	IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS

#define VENDOR	0x1b36
#define DEVICE	0x0010

#define CAP_EXPRESS	0x10
#define RELAXED		0x10

/* NVM Express 1.4, section 3.1: registers as 32-bit words */
#define NVME_VS		(0x08 / 4)
#define NVME_CC		(0x14 / 4)
#define NVME_CSTS	(0x1c / 4)
#define NVME_AQA	(0x24 / 4)
#define NVME_ASQ	(0x28 / 4)
#define NVME_ACQ	(0x30 / 4)
#define NVME_SQ_TAIL	(0x1000 / 4)
#define NVME_CQ_HEAD	(0x1004 / 4)

#define CC_ENABLE	(1 | 6 << 16 | 4 << 20)
#define READY		1
#define IDENTIFY	6
#define QUEUE_SIZE	4

/* Where things lie in the domain */
#define SUBMISSION	0x100000
#define COMPLETION	0x101000
#define DATA		0x102000
#define MEMORY_SIZE	0x3000

#define SOON	20000
#define NEVER	300

struct command {
	uint32_t opcode;
	uint32_t nsid;
	uint64_t reserved[2];
	uint64_t prp[2];
	uint32_t cdw10[6];
};

struct completion {
	uint32_t result[2];
	uint16_t sq_head, sq_id;
	uint16_t id, status;
};

FIXTURE(nvme) {
	struct iommu_bdf bdf;
	int node;
	int domain;
	int device;
	struct iommu_lite_bar bar;
	volatile uint32_t *registers;
	char *memory;
	unsigned int commands;
};

FIXTURE_SETUP(nvme)
{
	ASSERT_TRUE(sys_find_pci(VENDOR, DEVICE, 0, &self->bdf));
	ASSERT_EQ(0, lent_bind(&self->bdf, "iommu-lite"));
	ASSERT_TRUE(lent_driver_is(&self->bdf, "iommu-lite"));
	self->node = iommu_open();
	ASSERT_GE(self->node, 0);
	self->domain = iommu_create_domain(self->node);
	ASSERT_GE(self->domain, 0);
	self->device = lent_open(self->node, &self->bdf, UNSAFE, NULL);
	ASSERT_GE(self->device, 0);
	self->memory = sys_memory(MEMORY_SIZE);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, iommu_map(self->domain, SUBMISSION, self->memory,
			       MEMORY_SIZE, RW));
	ASSERT_EQ(0, lent_bar(self->device, 0, &self->bar));
	self->registers = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED,
			       self->device, self->bar.offset);
	ASSERT_NE(MAP_FAILED, self->registers);
	self->commands = 0;
}

FIXTURE_TEARDOWN(nvme)
{
	munmap((void *)self->registers, 0x2000);
	close(self->device);
	close(self->domain);
	close(self->node);
	lent_unbind(&self->bdf);
}

static bool wait_ready(volatile uint32_t *registers, uint32_t ready)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	time_t end = time(NULL) + SOON / 1000;

	while ((registers[NVME_CSTS] & READY) != ready) {
		if (time(NULL) > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void set_address(volatile uint32_t *at, uint64_t address)
{
	at[0] = address;
	at[1] = address >> 32;
}

static bool start(volatile uint32_t *registers, char *memory)
{
	memset(memory, 0, MEMORY_SIZE);
	registers[NVME_AQA] = (QUEUE_SIZE - 1) << 16 | (QUEUE_SIZE - 1);
	set_address(registers + NVME_ASQ, SUBMISSION);
	set_address(registers + NVME_ACQ, COMPLETION);
	registers[NVME_CC] = CC_ENABLE;
	return wait_ready(registers, READY);
}

/* Identify controller: what it is called goes to DATA */
static void submit(volatile uint32_t *registers, char *memory,
		   unsigned int number)
{
	struct command *command = (struct command *)memory +
				  number % QUEUE_SIZE;

	*command = (struct command){
		.opcode = IDENTIFY | number << 16,
		.prp[0] = DATA,
		.cdw10[0] = 1,
	};
	__sync_synchronize();
	registers[NVME_SQ_TAIL] = (number + 1) % QUEUE_SIZE;
}

static const struct completion *completed(volatile uint32_t *registers,
					  char *memory, unsigned int number)
{
	const struct completion *completion = (void *)(memory + COMPLETION -
						       SUBMISSION);

	__sync_synchronize();
	registers[NVME_CQ_HEAD] = (number + 1) % QUEUE_SIZE;
	return completion + number % QUEUE_SIZE;
}

TEST_F(nvme, pages_of_the_msix_table_are_not_mapped)
{
	struct iommu_lite_irq_info info;
	uint64_t table, value;
	void *map;

	ASSERT_EQ(0, lent_irq_info(self->device, &info));
	ASSERT_GT(info.msix, 0);
	ASSERT_EQ(0, info.msix_table_bar);
	table = info.msix_table_offset;
	ASSERT_EQ(0, table % 4096);
	ASSERT_EQ(IOMMU_LITE_BAR_MMAP, self->bar.flags & IOMMU_LITE_BAR_MMAP);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->device,
		   self->bar.offset + table);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(EACCES, errno);
	map = mmap(NULL, table + 4096, PROT_READ, MAP_SHARED, self->device,
		   self->bar.offset);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(EACCES, errno);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->device,
		   self->bar.offset + (info.msix_pba_offset & ~0xfffu));
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(EACCES, errno);
	/* The entries themselves: nothing to be seen, nothing to be changed */
	value = ~0ull;
	ASSERT_EQ(0, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0, table,
				 4, &value, true));
	value = ~0ull;
	ASSERT_EQ(0, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0,
				 table + 12, 4, &value, false));
	EXPECT_EQ(0, value);
	value = ~0ull;
	ASSERT_EQ(0, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0,
				 info.msix_pba_offset, 8, &value, false));
	EXPECT_EQ(0, value);
	/* What lies before it is reached by both ways */
	value = 0;
	ASSERT_EQ(0, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0, 8, 4,
				 &value, false));
	EXPECT_EQ(self->registers[NVME_VS], value);
}

TEST_F(nvme, function_level_reset)
{
	uint32_t value, after, at;

	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	ASSERT_TRUE(start(self->registers, self->memory));
	/* The bit for it is not the holder's, nor the size of its requests */
	at = lent_capability(self->device, CAP_EXPRESS);
	ASSERT_NE(0, at);
	ASSERT_EQ(0, lent_config_read(self->device, at + 8, 2, &value));
	ASSERT_EQ(0, lent_config_write(self->device, at + 8, 2,
				       ~value & ~RELAXED));
	ASSERT_EQ(0, lent_config_read(self->device, at + 8, 2, &after));
	EXPECT_EQ(value, after);
	EXPECT_EQ(READY, self->registers[NVME_CSTS] & READY);
	ASSERT_EQ(0, lent_reset(self->device));
	EXPECT_EQ(0, self->registers[NVME_CSTS] & READY);
}

TEST_F(nvme, open_finds_it_as_new)
{
	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	ASSERT_TRUE(start(self->registers, self->memory));
	munmap((void *)self->registers, 0x2000);
	close(self->device);
	self->device = lent_open(self->node, &self->bdf, UNSAFE, NULL);
	ASSERT_GE(self->device, 0);
	self->registers = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED,
			       self->device, self->bar.offset);
	ASSERT_NE(MAP_FAILED, self->registers);
	EXPECT_EQ(0, self->registers[NVME_CSTS] & READY);
}

TEST_F(nvme, a_queue_from_user_space)
{
	const struct completion *completion;
	struct iommu_lite_irq_info info;
	int *events, other = event_open();
	unsigned int i;

	ASSERT_EQ(0, lent_irq_info(self->device, &info));
	events = malloc((info.msix + 1) * sizeof(*events));
	for (i = 0; i <= info.msix; i++)
		events[i] = -1;
	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSIX,
					 events, info.msix + 1, -1));
	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI,
					 events, 1, -1));
	events[0] = event_open();
	events[1] = event_open();
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSIX, events, 2,
				   -1));
	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	ASSERT_TRUE(start(self->registers, self->memory));
	for (i = 0; i < 10; i++) {
		memset(self->memory + DATA - SUBMISSION, 0, 4096);
		submit(self->registers, self->memory, i);
		EXPECT_EQ(1, event_take(events[0], SOON));
		completion = completed(self->registers, self->memory, i);
		EXPECT_EQ(i, completion->id);
		EXPECT_EQ(0, completion->status >> 1);
		/* Its PCI vendor is the first it tells */
		EXPECT_EQ(VENDOR, *(uint16_t *)(self->memory + DATA -
						SUBMISSION));
		/* Other listeners, without a gap */
		if (i == 4) {
			int swap[2] = { other, events[1] };

			ASSERT_EQ(0, lent_set_irqs(self->device,
						   IOMMU_LITE_IRQ_MSIX, swap, 2,
						   -1));
			other = events[0];
			events[0] = swap[0];
		}
	}
	EXPECT_EQ(0, event_take(other, 0));
	EXPECT_EQ(0, event_take(events[1], 0));
	/* A reset silences it, and takes its mastery */
	ASSERT_EQ(0, lent_reset(self->device));
	EXPECT_EQ(0, self->registers[NVME_CSTS] & READY);
	submit(self->registers, self->memory, 0);
	EXPECT_EQ(0, event_take(events[0], NEVER));
	/* The vectors are still there */
	ASSERT_EQ(0, lent_master(self->device, true));
	ASSERT_TRUE(start(self->registers, self->memory));
	submit(self->registers, self->memory, 0);
	EXPECT_EQ(1, event_take(events[0], SOON));
	close(other);
	close(events[0]);
	close(events[1]);
	free(events);
}

TEST(its_own_driver_before_and_after)
{
	static char before[4096], after[4096];
	struct iommu_bdf bdf;
	int node, device, disk;
	unsigned int round;

	ASSERT_TRUE(sys_find_pci(VENDOR, DEVICE, 0, &bdf));
	for (round = 0; round < 3; round++) {
		time_t end = time(NULL) + SOON / 1000;

		ASSERT_EQ(0, lent_bind(&bdf, "\n"));
		ASSERT_TRUE(lent_driver_is(&bdf, "nvme"));
		do {
			disk = open("/dev/nvme0n1", O_RDWR | O_CLOEXEC |
						    O_DIRECT | O_SYNC);
		} while (disk < 0 && time(NULL) <= end);
		ASSERT_GE(disk, 0);
		void *page = sys_memory(4096);

		memset(page, 0x31 + round, 4096);
		ASSERT_EQ(4096, pwrite(disk, page, 4096, 4096));
		memcpy(before, page, 4096);
		memset(page, 0, 4096);
		ASSERT_EQ(4096, pread(disk, page, 4096, 4096));
		memcpy(after, page, 4096);
		EXPECT_EQ(0, memcmp(before, after, 4096));
		munmap(page, 4096);
		close(disk);
		ASSERT_EQ(0, lent_bind(&bdf, "iommu-lite"));
		node = iommu_open();
		device = lent_open(node, &bdf, UNSAFE, NULL);
		ASSERT_GE(device, 0);
		close(device);
		close(node);
	}
	ASSERT_EQ(0, lent_bind(&bdf, "\n"));
	ASSERT_TRUE(lent_driver_is(&bdf, "nvme"));
}

TEST_HARNESS_MAIN
