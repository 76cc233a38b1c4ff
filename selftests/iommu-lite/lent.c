// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are bound to the driver iommu-lite, see lent.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lent.h"
#include "sys.h"

#define PCI_COMMAND		4
#define PCI_COMMAND_MASTER	4
#define PCI_CAPABILITY_LIST	0x34

static int call(int fd, unsigned long number, void *arg)
{
	return ioctl(fd, number, arg) < 0 ? -errno : 0;
}

static void bdf_name(const struct iommu_bdf *bdf, char *name, size_t size)
{
	snprintf(name, size, "%04x:%02x:%02x.%x", bdf->segment, bdf->bus,
		 bdf->devfn >> 3, bdf->devfn & 7);
}

static int set_override(const struct iommu_bdf *bdf, const char *driver)
{
	char path[256];

	sys_pci_path(bdf, "driver_override", path, sizeof(path));
	return sys_write(path, driver);
}

int lent_unbind(const struct iommu_bdf *bdf)
{
	char path[256], name[32];
	int ret;

	bdf_name(bdf, name, sizeof(name));
	sys_pci_path(bdf, "driver/unbind", path, sizeof(path));
	ret = sys_write(path, name);
	set_override(bdf, "\n");
	return ret;
}

/* From whatever driver it has, or none, to this one */
int lent_bind(const struct iommu_bdf *bdf, const char *driver)
{
	char name[32];

	lent_unbind(bdf);
	set_override(bdf, driver);
	bdf_name(bdf, name, sizeof(name));
	return sys_write("/sys/bus/pci/drivers_probe", name);
}

bool lent_driver_is(const struct iommu_bdf *bdf, const char *driver)
{
	char path[256], target[256];
	ssize_t size;

	sys_pci_path(bdf, "driver", path, sizeof(path));
	size = readlink(path, target, sizeof(target) - 1);
	if (size < 0)
		return !*driver;
	target[size] = 0;
	return !strcmp(strrchr(target, '/') + 1, driver);
}

int lent_open(int node, const struct iommu_bdf *bdf, uint32_t flags,
	      uint32_t *reason)
{
	struct iommu_lite_open_device arg = {
		.segment = bdf->segment,
		.bus = bdf->bus,
		.devfn = bdf->devfn,
		.flags = flags,
	};
	int fd = ioctl(node, IOMMU_LITE_OPEN_DEVICE, &arg);

	if (fd < 0)
		fd = -errno;
	if (reason)
		*reason = arg.reason;
	return fd;
}

int lent_bar(int device, unsigned int index, struct iommu_lite_bar *bar)
{
	*bar = (struct iommu_lite_bar){ .index = index };
	return call(device, IOMMU_LITE_GET_BAR, bar);
}

/* All of a BAR, uncached, or NULL */
void *lent_map(int device, unsigned int index)
{
	struct iommu_lite_bar bar;
	void *memory;

	if (lent_bar(device, index, &bar))
		return NULL;
	memory = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      device, bar.offset);
	return memory == MAP_FAILED ? NULL : memory;
}

static sigjmp_buf bus_error;

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(bus_error, 1);
}

/* Whether a register that is mapped at @at can be read at all */
bool lent_answers(const volatile uint32_t *at)
{
	struct sigaction action = { .sa_handler = on_bus_error }, old;
	bool fine = false;

	sigaction(SIGBUS, &action, &old);
	if (!sigsetjmp(bus_error, 1)) {
		(void)*at;
		fine = true;
	}
	sigaction(SIGBUS, &old, NULL);
	return fine;
}

int lent_access(int device, unsigned long ioctl_number, unsigned int index,
		uint64_t offset, unsigned int size, uint64_t *value, bool write)
{
	struct iommu_lite_access access = {
		.index = index,
		.size = size,
		.offset = offset,
		.value = *value,
		.flags = write ? IOMMU_LITE_ACCESS_WRITE : 0,
	};
	int ret = call(device, ioctl_number, &access);

	*value = access.value;
	return ret;
}

int lent_config_read(int device, unsigned int offset, unsigned int size,
		     uint32_t *value)
{
	uint64_t wide = 0;
	int ret = lent_access(device, IOMMU_LITE_ACCESS_CONFIG, 0, offset, size,
			      &wide, false);

	*value = wide;
	return ret;
}

int lent_config_write(int device, unsigned int offset, unsigned int size,
		      uint32_t value)
{
	uint64_t wide = value;

	return lent_access(device, IOMMU_LITE_ACCESS_CONFIG, 0, offset, size,
			   &wide, true);
}

int lent_master(int device, bool on)
{
	uint32_t command;
	int ret = lent_config_read(device, PCI_COMMAND, 2, &command);

	if (ret)
		return ret;
	command = on ? command | PCI_COMMAND_MASTER :
		       command & ~PCI_COMMAND_MASTER;
	return lent_config_write(device, PCI_COMMAND, 2, command);
}

int lent_irq_info(int device, struct iommu_lite_irq_info *info)
{
	return call(device, IOMMU_LITE_GET_IRQ_INFO, info);
}

int lent_set_irqs(int device, unsigned int type, const int *fds,
		  unsigned int count, int resample)
{
	struct iommu_lite_irqs irqs = {
		.type = type,
		.count = count,
		.fds = (uintptr_t)fds,
		.resample_fd = resample,
	};

	return call(device, IOMMU_LITE_SET_IRQS, &irqs);
}

int lent_reset(int device)
{
	return call(device, IOMMU_LITE_RESET, NULL);
}

/* Offset of a capability in what is shown, or 0 */
uint32_t lent_capability(int device, unsigned int id)
{
	uint32_t at, header;
	unsigned int left = 48;

	if (lent_config_read(device, PCI_CAPABILITY_LIST, 1, &at))
		return 0;
	for (; at && left--; at = header >> 8) {
		if (lent_config_read(device, at, 2, &header))
			return 0;
		if ((header & 0xff) == id)
			return at;
	}
	return 0;
}

static int config_access(const struct iommu_bdf *bdf, unsigned int offset,
			 unsigned int size, uint32_t *value, bool write)
{
	char path[256];
	ssize_t done;
	int fd;

	sys_pci_path(bdf, "config", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write) {
		done = pwrite(fd, value, size, offset);
	} else {
		*value = 0;
		done = pread(fd, value, size, offset);
	}
	close(fd);
	return done == (ssize_t)size ? 0 : -EIO;
}

int sysfs_config(const struct iommu_bdf *bdf, unsigned int offset,
		 unsigned int size, uint32_t *value)
{
	return config_access(bdf, offset, size, value, false);
}

int sysfs_config_write(const struct iommu_bdf *bdf, unsigned int offset,
		       unsigned int size, uint32_t value)
{
	return config_access(bdf, offset, size, &value, true);
}

int event_open(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* How often it was signalled; waits until it is, or for so long */
uint64_t event_take(int fd, int milliseconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&poll_fd, 1, milliseconds) == 1 &&
	    read(fd, &count, sizeof(count)) != sizeof(count))
		count = 0;
	return count;
}

void event_signal(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		perror("eventfd");
}
