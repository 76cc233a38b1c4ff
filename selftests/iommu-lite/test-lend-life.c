// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ends of a lent device: its driver or itself taken away, its holder
 * killed, the module unloaded. After each it is quiet, and can be lent again.
 *
 * Needs two edu devices; with the second an e1000 of its own driver behind one
 * bridge, or one test is left out.
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
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "edu.h"
#include "lent.h"
#include "sys.h"

#define RW	(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE)
#define UNSAFE	IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS

#define EDU_IRQ_RAISE	(0x60 / 4)
#define EDU_IRQ_ACK	(0x64 / 4)
#define EDU_BAR_SIZE	0x100000

#define COMMAND		4
#define MASTER		4
#define INTX_DISABLE	0x400

#define SOON		20000
#define ROUNDS		100

static int remove_module(void)
{
	return syscall(SYS_delete_module, "iommu_lite", O_NONBLOCK) ? -errno :
								      0;
}

static int load_module(void)
{
	int file = open("/modules/iommu-lite.ko", O_RDONLY | O_CLOEXEC), ret;

	ret = syscall(SYS_finit_module, file, "", 0) ? -errno : 0;
	close(file);
	return ret;
}

FIXTURE(ends) {
	struct edu edu;
	int node;
	int domain;
	int device;
	int event;
	int resample;
	char *memory;
};

FIXTURE_SETUP(ends)
{
	ASSERT_TRUE(sys_find_pci(EDU_VENDOR, EDU_DEVICE, 0, &self->edu.bdf));
	ASSERT_EQ(0, lent_bind(&self->edu.bdf, "iommu-lite"));
	self->node = iommu_open();
	ASSERT_GE(self->node, 0);
	self->domain = iommu_create_domain(self->node);
	ASSERT_GE(self->domain, 0);
	self->device = lent_open(self->node, &self->edu.bdf, UNSAFE, NULL);
	ASSERT_GE(self->device, 0);
	self->edu.registers = lent_map(self->device, 0);
	ASSERT_NE(NULL, self->edu.registers);
	self->memory = sys_memory(0x10000);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, iommu_map(self->domain, 0, self->memory, 0x10000, RW));
	ASSERT_EQ(0, iommu_attach(self->device, self->domain));
	ASSERT_EQ(0, lent_master(self->device, true));
	self->event = event_open();
	self->resample = event_open();
}

FIXTURE_TEARDOWN(ends)
{
	if (self->edu.registers)
		munmap((void *)self->edu.registers, EDU_BAR_SIZE);
	close(self->device);
	close(self->domain);
	close(self->node);
	close(self->event);
	close(self->resample);
	lent_unbind(&self->edu.bdf);
}

static bool is_quiet(const struct iommu_bdf *bdf)
{
	uint32_t command = MASTER;

	return !sysfs_config(bdf, COMMAND, 2, &command) && !(command & MASTER);
}

#define expect_gone(self)						\
do {									\
	struct pollfd expect_poll = { .fd = (self)->device };		\
	struct iommu_lite_device_info expect_info;			\
	struct iommu_lite_irq_info expect_irqs;				\
	struct iommu_lite_bar expect_bar;				\
	uint64_t expect_value = 0;					\
									\
	EXPECT_EQ(1, poll(&expect_poll, 1, SOON));			\
	EXPECT_EQ(POLLHUP, expect_poll.revents);			\
	ASSERT_EQ(0, iommu_device_info((self)->device, &expect_info));	\
	EXPECT_EQ(IOMMU_LITE_DEVICE_GONE, expect_info.flags &		\
		  (IOMMU_LITE_DEVICE_GONE | IOMMU_LITE_DEVICE_ATTACHED)); \
	EXPECT_FALSE(lent_answers((self)->edu.registers));			\
	EXPECT_EQ(-ENODEV, lent_bar((self)->device, 0, &expect_bar));	\
	EXPECT_EQ(-ENODEV, lent_access((self)->device,			\
				       IOMMU_LITE_ACCESS_BAR, 0, 0, 4,	\
				       &expect_value, false));		\
	EXPECT_EQ(-ENODEV, lent_access((self)->device,			\
				       IOMMU_LITE_ACCESS_CONFIG, 0, 0, 4, \
				       &expect_value, false));		\
	EXPECT_EQ(-ENODEV, lent_irq_info((self)->device, &expect_irqs)); \
	EXPECT_EQ(-ENODEV, lent_set_irqs((self)->device,		\
					 IOMMU_LITE_IRQ_MSI, NULL, 0, -1)); \
	EXPECT_EQ(-ENODEV, lent_reset((self)->device));			\
	EXPECT_EQ(-ENODEV, iommu_attach((self)->device, (self)->domain)); \
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED,	\
				   (self)->device, 0));			\
	EXPECT_EQ(ENODEV, errno);					\
} while (0)

TEST_F(ends, the_driver_is_unbound_while_messages_come)
{
	struct iommu_lite_domain_info info;

	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI,
				   &self->event, 1, -1));
	self->edu.registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(1, event_take(self->event, SOON));
	ASSERT_EQ(0, lent_unbind(&self->edu.bdf));
	EXPECT_TRUE(lent_driver_is(&self->edu.bdf, ""));
	EXPECT_TRUE(is_quiet(&self->edu.bdf));
	expect_gone(self);
	ASSERT_EQ(0, iommu_domain_info(self->domain, &info));
	EXPECT_EQ(0, info.nr_devices);
	/* It can be had again while the old descriptor is still open */
	ASSERT_EQ(0, lent_bind(&self->edu.bdf, "iommu-lite"));
	int again = lent_open(self->node, &self->edu.bdf, UNSAFE, NULL);

	ASSERT_GE(again, 0);
	EXPECT_FALSE(lent_answers(self->edu.registers));
	close(again);
}

TEST_F(ends, the_driver_is_unbound_while_the_pin_is_masked)
{
	uint32_t command;

	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_INTX,
				   &self->event, 1, self->resample));
	self->edu.registers[EDU_IRQ_RAISE] = 1;
	EXPECT_EQ(1, event_take(self->event, SOON));
	ASSERT_EQ(0, lent_unbind(&self->edu.bdf));
	expect_gone(self);
	/* An eventfd that nobody waits for any more */
	event_signal(self->resample);
	ASSERT_EQ(0, sysfs_config(&self->edu.bdf, COMMAND, 2, &command));
	EXPECT_EQ(0, command & MASTER);
	/* Quieten it: the command register is as it was before */
	ASSERT_EQ(0, lent_bind(&self->edu.bdf, "iommu-lite"));
	int again = lent_open(self->node, &self->edu.bdf, UNSAFE, NULL);

	ASSERT_GE(again, 0);
	uint64_t one = 1;

	ASSERT_EQ(0, lent_access(again, IOMMU_LITE_ACCESS_BAR, 0, 0x64, 4, &one,
				 true));
	close(again);
}

TEST_F(ends, it_is_unplugged)
{
	char path[256];
	uint32_t reason;

	ASSERT_EQ(0, lent_set_irqs(self->device, IOMMU_LITE_IRQ_MSI,
				   &self->event, 1, -1));
	sys_pci_path(&self->edu.bdf, "remove", path, sizeof(path));
	ASSERT_EQ(0, sys_write(path, "1"));
	expect_gone(self);
	EXPECT_EQ(-ENODEV, lent_open(self->node, &self->edu.bdf, UNSAFE,
				     &reason));
	EXPECT_EQ(IOMMU_LITE_NO_DEVICE, reason);
	close(self->device);
	munmap((void *)self->edu.registers, EDU_BAR_SIZE);
	self->edu.registers = NULL;
	ASSERT_EQ(0, sys_write("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, lent_bind(&self->edu.bdf, "iommu-lite"));
	self->device = lent_open(self->node, &self->edu.bdf, UNSAFE, NULL);
	ASSERT_GE(self->device, 0);
	EXPECT_EQ(0, iommu_attach(self->device, self->domain));
}

/* What a holder does until he is killed; tells by @shared that he has begun */
static void hold(const struct iommu_bdf *bdf, bool pin, volatile char *shared)
{
	int node = iommu_open(), domain = iommu_create_domain(node);
	int device = lent_open(node, bdf, UNSAFE, NULL);
	int event = event_open(), resample = event_open();
	struct edu edu = { .bdf = *bdf, .registers = lent_map(device, 0) };
	char *memory = sys_memory(4096);

	if (!edu.registers || iommu_map(domain, 0x1000, memory, 4096, RW) ||
	    iommu_attach(device, domain) || lent_master(device, true) ||
	    lent_set_irqs(device, pin ? IOMMU_LITE_IRQ_INTX : IOMMU_LITE_IRQ_MSI,
			  &event, 1, pin ? resample : -1) ||
	    !edu_start(&edu, 0x1000, 2048, true))
		_exit(1);
	edu.registers[EDU_IRQ_RAISE] = 1;
	if (event_take(event, SOON) != 1)
		_exit(1);
	*shared = 1;
	for (;;)
		pause();
}

TEST_F(ends, its_holder_is_killed)
{
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int round;
	int status;

	ASSERT_NE(MAP_FAILED, shared);
	munmap((void *)self->edu.registers, EDU_BAR_SIZE);
	self->edu.registers = NULL;
	close(self->device);
	for (round = 0; round < 6; round++) {
		pid_t child;

		*shared = 0;
		child = fork();
		ASSERT_GE(child, 0);
		if (!child)
			hold(&self->edu.bdf, round & 1, shared);
		while (!*(volatile char *)shared &&
		       !waitpid(child, &status, WNOHANG))
			usleep(1000);
		ASSERT_EQ(1, *shared);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		EXPECT_TRUE(is_quiet(&self->edu.bdf));
		EXPECT_FALSE(sys_debugfs_has("interrupts", "vector"));
		/* The next holder has it as usual */
		self->device = lent_open(self->node, &self->edu.bdf, UNSAFE,
					 NULL);
		ASSERT_GE(self->device, 0);
		uint64_t one = 1;

		ASSERT_EQ(0, lent_access(self->device, IOMMU_LITE_ACCESS_BAR, 0,
					 0x64, 4, &one, true));
		close(self->device);
	}
	munmap(shared, 4096);
}

TEST_F(ends, the_module_stays_while_it_is_open)
{
	close(self->domain);
	close(self->node);
	EXPECT_EQ(-EAGAIN, remove_module());
	munmap((void *)self->edu.registers, EDU_BAR_SIZE);
	self->edu.registers = NULL;
	close(self->device);
	/* Bound alone does not hold it */
	EXPECT_TRUE(lent_driver_is(&self->edu.bdf, "iommu-lite"));
	ASSERT_EQ(0, remove_module());
	EXPECT_TRUE(lent_driver_is(&self->edu.bdf, ""));
	ASSERT_EQ(0, load_module());
	/* What was meant for us comes back to us */
	EXPECT_TRUE(lent_driver_is(&self->edu.bdf, "iommu-lite"));
	self->node = iommu_open();
	self->domain = iommu_create_domain(self->node);
	self->device = lent_open(self->node, &self->edu.bdf, UNSAFE, NULL);
	EXPECT_GE(self->device, 0);
}

TEST_F(ends, a_mapping_alone_holds_it)
{
	close(self->device);
	self->device = -1;
	EXPECT_TRUE(lent_answers(self->edu.registers));
	EXPECT_EQ(-EAGAIN, remove_module());
	/* The last reference is the mapping's */
	munmap((void *)self->edu.registers, EDU_BAR_SIZE);
	self->edu.registers = NULL;
	EXPECT_TRUE(is_quiet(&self->edu.bdf));
}

/* The debug kernel takes its time: this only ends what hangs */
TEST_F(ends, a_hundred_rounds)
{
	unsigned int round;

	munmap((void *)self->edu.registers, EDU_BAR_SIZE);
	self->edu.registers = NULL;
	close(self->device);
	for (round = 0; round < ROUNDS; round++) {
		volatile uint32_t *registers;
		bool pin = round & 1;

		self->device = lent_open(self->node, &self->edu.bdf, UNSAFE,
					 NULL);
		ASSERT_GE(self->device, 0);
		registers = lent_map(self->device, 0);
		ASSERT_NE(NULL, registers);
		ASSERT_EQ(0, iommu_attach(self->device, self->domain));
		ASSERT_EQ(0, lent_master(self->device, true));
		ASSERT_EQ(0, lent_set_irqs(self->device, pin ?
					   IOMMU_LITE_IRQ_INTX :
					   IOMMU_LITE_IRQ_MSI, &self->event, 1,
					   pin ? self->resample : -1));
		registers[EDU_IRQ_RAISE] = 1;
		ASSERT_EQ(1, event_take(self->event, SOON));
		registers[EDU_IRQ_ACK] = 1;
		munmap((void *)registers, EDU_BAR_SIZE);
		close(self->device);
	}
}

TEST_F(ends, a_group_with_another_driver_is_not_lent)
{
	struct iommu_bdf edu, neighbour;
	uint32_t reason;
	int device;

	ASSERT_TRUE(sys_find_pci(EDU_VENDOR, EDU_DEVICE, 1, &edu));
	if (!sys_find_pci(0x8086, 0x100e, 0, &neighbour))
		SKIP(return, "no e1000 in this machine");
	ASSERT_TRUE(lent_driver_is(&neighbour, "e1000"));
	ASSERT_EQ(0, lent_bind(&edu, "iommu-lite"));
	EXPECT_EQ(-EBUSY, lent_open(self->node, &edu, UNSAFE, &reason));
	EXPECT_EQ(IOMMU_LITE_DRIVER_BOUND, reason);
	/* All of it lent: its bus is not ours to reset, with a second on it */
	ASSERT_EQ(0, lent_bind(&neighbour, "iommu-lite"));
	device = lent_open(self->node, &edu, UNSAFE, &reason);
	ASSERT_GE(device, 0);
	EXPECT_EQ(-ENOTTY, lent_reset(device));
	int other = lent_open(self->node, &neighbour, UNSAFE, &reason);

	ASSERT_GE(other, 0);
	ASSERT_EQ(0, iommu_attach(device, self->domain));
	ASSERT_EQ(0, iommu_attach(other, self->domain));
	/* One goes, the other stays */
	ASSERT_EQ(0, lent_unbind(&neighbour));
	ASSERT_EQ(0, lent_master(device, true));
	close(other);
	close(device);
	ASSERT_EQ(0, lent_unbind(&edu));
	ASSERT_EQ(0, lent_bind(&neighbour, "\n"));
	EXPECT_TRUE(lent_driver_is(&neighbour, "e1000"));
}

TEST_HARNESS_MAIN
