// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lent device: binding, registers, configuration space, reset, the pin and
 * MSI, with QEMU's edu.
 *
 * Needs two edu devices, the second alone behind a bridge: it can be reset by
 * its bus, the first not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "edu.h"
#include "lent.h"
#include "sys.h"

#define RW	(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE)
#define UNSAFE	IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS

#define EDU_BAR_SIZE	0x100000

/* Registers, as 32-bit words */
#define EDU_LIVENESS	(0x04 / 4)
#define EDU_IRQ_STATUS	(0x24 / 4)
#define EDU_IRQ_RAISE	(0x60 / 4)
#define EDU_IRQ_ACK	(0x64 / 4)

#define COMMAND		4
#define IO		1
#define MEMORY		2
#define MASTER		4
#define INTX_DISABLE	0x400
#define STATUS		6
#define STATUS_INTX	8
#define CAP_MSI		5

/* Long enough for anything that will happen; nothing waits it out that does */
#define SOON	20000
/* For what must not happen: it would have by then, or not at all */
#define NEVER	300

FIXTURE(lend) {
	struct iommu_bdf bdf;
	int node;
	int domain;
	int device;
	volatile uint32_t *registers;
	char *memory;
};

FIXTURE_VARIANT(lend) {
	unsigned int nth;
};

FIXTURE_VARIANT_ADD(lend, root) {
	.nth = 0,
};

FIXTURE_VARIANT_ADD(lend, bridge) {
	.nth = 1,
};

FIXTURE_SETUP(lend)
{
	ASSERT_TRUE(sys_find_pci(EDU_VENDOR, EDU_DEVICE, variant->nth,
				 &self->bdf));
	ASSERT_EQ(0, lent_bind(&self->bdf, "iommu-lite"));
	ASSERT_TRUE(lent_driver_is(&self->bdf, "iommu-lite"));
	self->node = iommu_open();
	ASSERT_GE(self->node, 0);
	self->domain = iommu_create_domain(self->node);
	ASSERT_GE(self->domain, 0);
	self->device = lent_open(self->node, &self->bdf, UNSAFE, NULL);
	ASSERT_GE(self->device, 0);
	self->registers = lent_map(self->device, 0);
	ASSERT_NE(NULL, self->registers);
	self->memory = sys_memory(0x10000);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, iommu_map(self->domain, 0, self->memory, 0x10000, RW));
}

FIXTURE_TEARDOWN(lend)
{
	munmap((void *)self->registers, EDU_BAR_SIZE);
	close(self->device);
	close(self->domain);
	close(self->node);
	lent_unbind(&self->bdf);
}

TEST_F(lend, registers_are_the_devices)
{
	uint64_t value = 0x12345678;

	EXPECT_EQ(0xed, self->registers[0] & 0xff);
	self->registers[EDU_LIVENESS] = 0x00ff55aa;
	EXPECT_EQ(0xff00aa55, self->registers[EDU_LIVENESS]);
	/* The same by ioctl */
	ASSERT_EQ(0, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0, 4, 4,
				 &value, true));
	EXPECT_EQ(~0x12345678u, self->registers[EDU_LIVENESS]);
	value = 0;
	ASSERT_EQ(0, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0, 4, 4,
				 &value, false));
	EXPECT_EQ(~0x12345678u, value);
}

TEST_F(lend, bars_are_told)
{
	struct iommu_lite_bar bar;
	unsigned int index;

	ASSERT_EQ(0, lent_bar(self->device, 0, &bar));
	EXPECT_EQ(EDU_BAR_SIZE, bar.size);
	EXPECT_EQ(IOMMU_LITE_BAR_MMAP, bar.flags);
	for (index = 1; index <= IOMMU_LITE_ROM; index++) {
		ASSERT_EQ(0, lent_bar(self->device, index, &bar));
		EXPECT_EQ(0, bar.size);
		EXPECT_EQ(0, bar.flags);
	}
	EXPECT_EQ(-EINVAL, lent_bar(self->device, IOMMU_LITE_ROM + 1, &bar));
	bar = (struct iommu_lite_bar){ .flags = 1 };
	EXPECT_EQ(-1, ioctl(self->device, IOMMU_LITE_GET_BAR, &bar));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(lend, only_a_bar_can_be_mapped)
{
	const struct {
		uint64_t offset;
		size_t size;
		int flags;
		int error;
	} cases[] = {
		{ 0, EDU_BAR_SIZE + 4096, MAP_SHARED, EINVAL },
		{ EDU_BAR_SIZE - 4096, 8192, MAP_SHARED, EINVAL },
		{ EDU_BAR_SIZE, 4096, MAP_SHARED, EINVAL },
		{ 0, 4096, MAP_PRIVATE, EINVAL },
		{ 1ull << 44, 4096, MAP_SHARED, EINVAL },
		{ 6ull << 44, 4096, MAP_SHARED, EINVAL },
		{ 8ull << 44, 4096, MAP_SHARED, EACCES },
		{ 0x7fffffffff000ull << 11, 4096, MAP_SHARED, EINVAL },
	};
	struct iommu_lite_bar bar;
	unsigned int i;
	void *map;

	ASSERT_EQ(0, lent_bar(self->device, 0, &bar));
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		map = mmap(NULL, cases[i].size, PROT_READ, cases[i].flags,
			   self->device, bar.offset + cases[i].offset);
		EXPECT_EQ(MAP_FAILED, map);
		EXPECT_EQ(cases[i].error, errno)
			TH_LOG("case %u", i);
	}
}

TEST_F(lend, accesses_stay_in_the_bar)
{
	const struct {
		uint32_t index, size;
		uint64_t offset;
	} cases[] = {
		{ 0, 4, EDU_BAR_SIZE },
		{ 0, 8, EDU_BAR_SIZE - 4 },
		{ 0, 3, 0 },
		{ 0, 0, 0 },
		{ 0, 16, 0 },
		{ 0, 4, 2 },
		{ 0, 8, ~7ull },
		{ 1, 4, 0 },
		{ IOMMU_LITE_ROM, 4, 0 },
		{ 7, 4, 0 },
	};
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		EXPECT_EQ(-EINVAL, lent_access(self->device,
					       IOMMU_LITE_ACCESS_BAR,
					       cases[i].index, cases[i].offset,
					       cases[i].size, &value, false))
			TH_LOG("case %u", i);
	EXPECT_EQ(-EINVAL, lent_access(self->device, IOMMU_LITE_ACCESS_CONFIG,
				       0, 4096, 4, &value, false));
	EXPECT_EQ(-EINVAL, lent_access(self->device, IOMMU_LITE_ACCESS_CONFIG,
				       0, 0, 8, &value, false));
	EXPECT_EQ(-EINVAL, lent_access(self->device, IOMMU_LITE_ACCESS_CONFIG,
				       1, 0, 4, &value, false));
	EXPECT_EQ(-EINVAL, lent_access(self->device, IOMMU_LITE_ACCESS_CONFIG,
				       0, 2, 4, &value, false));
}

TEST_F(lend, what_its_holder_does_not_decode_he_does_not_reach)
{
	uint32_t command;
	uint64_t value;

	ASSERT_EQ(0, lent_config_read(self->device, COMMAND, 2, &command));
	EXPECT_EQ(MEMORY, command & (IO | MEMORY | MASTER));
	ASSERT_TRUE(lent_answers(self->registers));
	ASSERT_EQ(0, lent_config_write(self->device, COMMAND, 2,
				       command & ~MEMORY));
	EXPECT_FALSE(lent_answers(self->registers));
	EXPECT_EQ(-EIO, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0, 0,
				    4, &value, false));
	ASSERT_EQ(0, lent_config_read(self->device, COMMAND, 2, &command));
	EXPECT_EQ(0, command & MEMORY);
	/* The device itself goes on: the kernel needs it */
	ASSERT_EQ(0, sysfs_config(&self->bdf, COMMAND, 2, &command));
	EXPECT_EQ(MEMORY, command & MEMORY);
	ASSERT_EQ(0, lent_config_write(self->device, COMMAND, 1, MEMORY));
	EXPECT_TRUE(lent_answers(self->registers));
	EXPECT_EQ(0xed, self->registers[0] & 0xff);
}

TEST_F(lend, it_is_a_bus_master_while_attached)
{
	uint32_t command;

	EXPECT_EQ(-EPERM, lent_master(self->device, true));
	ASSERT_EQ(0, sysfs_config(&self->bdf, COMMAND, 2, &command));
	EXPECT_EQ(0, command & MASTER);
	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	ASSERT_EQ(0, sysfs_config(&self->bdf, COMMAND, 2, &command));
	EXPECT_EQ(MASTER, command & MASTER);
	ASSERT_EQ(0, iommu_detach(self->device));
	ASSERT_EQ(0, lent_config_read(self->device, COMMAND, 2, &command));
	EXPECT_EQ(0, command & MASTER);
	ASSERT_EQ(0, sysfs_config(&self->bdf, COMMAND, 2, &command));
	EXPECT_EQ(0, command & MASTER);
	EXPECT_EQ(-EPERM, lent_master(self->device, true));
}

TEST_F(lend, its_dma_goes_to_the_domain)
{
	struct edu edu = { .bdf = self->bdf, .registers = self->registers };

	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	memset(self->memory, 0x77, 4096);
	ASSERT_TRUE(edu_from_memory(&edu, 0, 512));
	memset(self->memory, 0, 4096);
	ASSERT_TRUE(edu_to_memory(&edu, 0, 512));
	EXPECT_EQ(0x77, self->memory[0]);
	EXPECT_EQ(0x77, self->memory[511]);
	EXPECT_EQ(0, self->memory[512]);
}

TEST_F(lend, what_is_not_harmless_is_not_written)
{
	uint32_t before[64], after, offset;

	for (offset = 0; offset < 256; offset += 4) {
		ASSERT_EQ(0, lent_config_read(self->device, offset, 4,
					      &before[offset / 4]));
		if (offset == COMMAND)
			continue;
		ASSERT_EQ(0, lent_config_write(self->device, offset, 4,
					       ~before[offset / 4]));
	}
	for (offset = 0; offset < 256; offset += 4) {
		ASSERT_EQ(0, lent_config_read(self->device, offset, 4, &after));
		/* The interrupt line is a place to write a number on */
		EXPECT_EQ(before[offset / 4] ^ (offset == 0x3c ? 0xff : 0),
			  after)
			TH_LOG("offset 0x%x", offset);
	}
	for (offset = 256; offset < 4096; offset += 4) {
		ASSERT_EQ(0, lent_config_write(self->device, offset, 4, ~0u));
		ASSERT_EQ(0, lent_config_read(self->device, offset, 4, &after));
		EXPECT_EQ(0, after);
	}
}

TEST_F(lend, reset_forgets_what_was_written)
{
	uint32_t command;
	int expected = variant->nth ? 0 : -ENOTTY;

	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	self->registers[EDU_LIVENESS] = 0x1234;
	ASSERT_EQ(0, lent_config_write(self->device, 0x3c, 1, 0x5a));
	EXPECT_EQ(expected, lent_reset(self->device));
	/* Mapped as before, but quiet */
	EXPECT_TRUE(lent_answers(self->registers));
	ASSERT_EQ(0, lent_config_read(self->device, COMMAND, 2, &command));
	EXPECT_EQ(MEMORY, command & (MEMORY | MASTER));
}

TEST_F(lend, a_message_to_an_eventfd)
{
	struct iommu_lite_irq_info info;
	int event = event_open(), other = event_open(), bad = 0;
	uint32_t control, at, count;

	ASSERT_EQ(0, lent_irq_info(self->device, &info));
	EXPECT_EQ(1, info.intx);
	EXPECT_EQ(1, info.msi);
	EXPECT_EQ(0, info.msix);
	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSIX,
					 &event, 1, -1));
	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &bad,
					 1, -1));
	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI,
					 &event, 1, event));
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &event, 1,
				   -1));
	EXPECT_EQ(-EBUSY, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX,
					&event, 1, other));
	at = lent_capability(self->device, CAP_MSI);
	ASSERT_NE(0, at);
	ASSERT_EQ(0, lent_config_read(self->device, at + 2, 2, &control));
	EXPECT_EQ(1, control & 1);

	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	for (count = 1; count <= 10; count++) {
		self->registers[EDU_IRQ_RAISE] = count;
		EXPECT_EQ(1, event_take(event, SOON));
		EXPECT_EQ(count, self->registers[EDU_IRQ_STATUS]);
		self->registers[EDU_IRQ_ACK] = count;
	}
	/* Another listener, none, and the first again */
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &other, 1,
				   -1));
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(1, event_take(other, SOON));
	EXPECT_EQ(0, event_take(event, 0));
	self->registers[EDU_IRQ_ACK] = 1;
	bad = -1;
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &bad, 1,
				   -1));
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(0, event_take(other, NEVER));
	self->registers[EDU_IRQ_ACK] = 1;
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &event, 1,
				   -1));
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(1, event_take(event, SOON));
	self->registers[EDU_IRQ_ACK] = 1;
	/* Off */
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, NULL, 0,
				   -1));
	ASSERT_EQ(0, lent_config_read(self->device, at + 2, 2, &control));
	EXPECT_EQ(0, control & 1);
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(0, event_take(event, NEVER));
	self->registers[EDU_IRQ_ACK] = 1;
	close(event);
	close(other);
}

TEST_F(lend, the_pin_to_an_eventfd_and_back)
{
	int event = event_open(), resample = event_open(), none = -1;
	uint32_t command, status, round;

	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX,
					 &event, 1, -1));
	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX,
					 &event, 1, self->node));
	EXPECT_EQ(-EINVAL, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX,
					 (int[]){ event, event }, 2, resample));
	/* Nobody listens: the device must not interrupt */
	ASSERT_EQ(0, sysfs_config(&self->bdf, COMMAND, 2, &command));
	EXPECT_EQ(INTX_DISABLE, command & INTX_DISABLE);
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX, &event, 1,
				   resample));
	for (round = 0; round < 10; round++) {
		self->registers[EDU_IRQ_RAISE] = 1;
		EXPECT_EQ(1, event_take(event, SOON));
		/* It is still active, and masked */
		ASSERT_EQ(0, lent_config_read(self->device, STATUS, 2, &status));
		EXPECT_EQ(STATUS_INTX, status & STATUS_INTX);
		EXPECT_EQ(0, event_take(event, 0));
		/* Not dealt with: it interrupts again */
		event_signal(resample);
		EXPECT_EQ(1, event_take(event, SOON));
		self->registers[EDU_IRQ_ACK] = 1;
		event_signal(resample);
		EXPECT_EQ(0, event_take(event, round ? 0 : NEVER));
	}
	/* The guest's own bit */
	ASSERT_EQ(0, lent_config_read(self->device, COMMAND, 2, &command));
	EXPECT_EQ(0, command & INTX_DISABLE);
	ASSERT_EQ(0, lent_config_write(self->device, COMMAND, 2,
				       command | INTX_DISABLE));
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(0, event_take(event, NEVER));
	ASSERT_EQ(0, lent_config_write(self->device, COMMAND, 2, command));
	EXPECT_EQ(1, event_take(event, SOON));
	self->registers[EDU_IRQ_ACK] = 1;
	event_signal(resample);
	/* Others in their place: what was signalled before counts */
	close(resample);
	resample = event_open();
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(1, event_take(event, SOON));
	self->registers[EDU_IRQ_ACK] = 1;
	event_signal(resample);
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX, &event, 1,
				   resample));
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(1, event_take(event, SOON));
	self->registers[EDU_IRQ_ACK] = 1;
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX, &none, 1,
				   resample));
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX, NULL, 0,
				   -1));
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(0, event_take(event, NEVER));
	self->registers[EDU_IRQ_ACK] = 1;
	close(event);
	close(resample);
}

/* Remappable format: VT-d specification 5.1.2.2 */
#define REMAPPABLE	0x10

/* Interrupt of the message: its number for /proc/irq, or -1 */
static int irq_of(const struct iommu_bdf *bdf)
{
	char path[256], *name = path;
	struct dirent *entry;
	int irq = -1;
	DIR *dir;

	sys_pci_path(bdf, "msi_irqs", name, sizeof(path));
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			irq = atoi(entry->d_name);
	closedir(dir);
	return irq;
}

TEST_F(lend, a_remapped_message_stays_when_its_vector_moves)
{
	struct iommu_lite_device_info info;
	uint32_t at, address[2], round;
	int event = event_open();
	char path[64];

	ASSERT_EQ(0, iommu_device_info(self->device, &info));
	if (!(info.flags & IOMMU_LITE_DEVICE_INTR_REMAP))
		SKIP(return, "the unit does not remap interrupts");
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &event, 1,
				   -1));
	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	at = lent_capability(self->device, CAP_MSI);
	ASSERT_EQ(0, lent_config_read(self->device, at + 4, 4, &address[0]));
	EXPECT_EQ(REMAPPABLE, address[0] & REMAPPABLE);
	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity",
		 irq_of(&self->bdf));
	for (round = 0; round < 10; round++) {
		ASSERT_EQ(0, sys_write(path, round & 1 ? "1" : "2"));
		/* The first after the change still moves the vector */
		self->registers[EDU_IRQ_RAISE] = 1;
		EXPECT_EQ(1, event_take(event, SOON));
		self->registers[EDU_IRQ_ACK] = 1;
		self->registers[EDU_IRQ_RAISE] = 1;
		EXPECT_EQ(1, event_take(event, SOON));
		self->registers[EDU_IRQ_ACK] = 1;
		EXPECT_TRUE(sys_debugfs_has("interrupts", "vector"));
	}
	ASSERT_EQ(0, lent_config_read(self->device, at + 4, 4, &address[1]));
	EXPECT_EQ(address[0], address[1]);
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, NULL, 0,
				   -1));
	EXPECT_FALSE(sys_debugfs_has("interrupts", "vector"));
	close(event);
}

/* Its neighbour sends its message: the unit sees who that is */
TEST_F(lend, nobody_else_sends_its_message)
{
	struct iommu_lite_device_info info;
	uint32_t at, address, high, data, other_at, control;
	struct edu other = {};
	int event = event_open();

	ASSERT_EQ(0, iommu_device_info(self->device, &info));
	if (!(info.flags & IOMMU_LITE_DEVICE_INTR_REMAP))
		SKIP(return, "the unit does not remap interrupts");
	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &event, 1,
				   -1));
	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	at = lent_capability(self->device, CAP_MSI);
	ASSERT_EQ(0, lent_config_read(self->device, at + 4, 4, &address));
	ASSERT_EQ(0, lent_config_read(self->device, at + 8, 4, &high));
	ASSERT_EQ(0, lent_config_read(self->device, at + 12, 2, &data));

	ASSERT_TRUE(edu_open(&other, !variant->nth));
	other_at = at;		/* a device of the same make */
	ASSERT_EQ(0, sysfs_config_write(&other.bdf, other_at + 4, 4, address));
	ASSERT_EQ(0, sysfs_config_write(&other.bdf, other_at + 8, 4, high));
	ASSERT_EQ(0, sysfs_config_write(&other.bdf, other_at + 12, 2, data));
	ASSERT_EQ(0, sysfs_config(&other.bdf, other_at + 2, 2, &control));
	ASSERT_EQ(0, sysfs_config_write(&other.bdf, other_at + 2, 2,
					control | 1));
	ASSERT_TRUE(edu_bus_master(&other, true));
	other.registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(0, event_take(event, NEVER));
	/* The right one may */
	self->registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(1, event_take(event, SOON));
	self->registers[EDU_IRQ_ACK] = 1;

	other.registers[EDU_IRQ_ACK] = 1;
	sysfs_config_write(&other.bdf, other_at + 2, 2, control & ~1u);
	edu_bus_master(&other, false);
	edu_close(&other);
	close(event);
}

TEST_F(lend, the_risk_must_be_accepted)
{
	uint32_t reason;

	munmap((void *)self->registers, EDU_BAR_SIZE);
	close(self->device);
	self->device = lent_open(self->node, &self->bdf, 0, &reason);
	EXPECT_EQ(-EPERM, self->device);
	EXPECT_EQ(IOMMU_LITE_UNSAFE_INTERRUPTS, reason);
	EXPECT_EQ(-EINVAL, lent_open(self->node, &self->bdf, UNSAFE << 1,
				     &reason));
	self->device = lent_open(self->node, &self->bdf, UNSAFE, &reason);
	ASSERT_GE(self->device, 0);
	EXPECT_EQ(-EBUSY, lent_open(self->node, &self->bdf, UNSAFE, &reason));
	EXPECT_EQ(IOMMU_LITE_ALREADY_OPEN, reason);
	self->registers = lent_map(self->device, 0);
}

TEST_F(lend, without_the_driver_it_is_not_lent)
{
	struct iommu_lite_device_info device_info;
	struct iommu_lite_irq_info info;
	struct iommu_lite_bar bar;
	uint64_t value = 0;
	int fd = -1;

	ASSERT_EQ(0, iommu_device_info(self->device, &device_info));
	EXPECT_EQ(IOMMU_LITE_DEVICE_LENT,
		  device_info.flags & IOMMU_LITE_DEVICE_LENT);
	munmap((void *)self->registers, EDU_BAR_SIZE);
	close(self->device);
	ASSERT_EQ(0, lent_unbind(&self->bdf));
	self->device = lent_open(self->node, &self->bdf, 0, NULL);
	ASSERT_GE(self->device, 0);
	ASSERT_EQ(0, iommu_device_info(self->device, &device_info));
	EXPECT_EQ(0, device_info.flags & IOMMU_LITE_DEVICE_LENT);
	EXPECT_EQ(-EPERM, lent_bar(self->device, 0, &bar));
	EXPECT_EQ(-EPERM, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0, 0,
				      4, &value, false));
	EXPECT_EQ(-EPERM, lent_access(self->device, IOMMU_LITE_ACCESS_CONFIG, 0,
				      0, 4, &value, false));
	EXPECT_EQ(-EPERM, lent_irq_info(self->device, &info));
	EXPECT_EQ(-EPERM, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI, &fd,
					1, -1));
	EXPECT_EQ(-EPERM, lent_reset(self->device));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED,
				   self->device, 0));
	EXPECT_EQ(EPERM, errno);
}

TEST_HARNESS_MAIN
