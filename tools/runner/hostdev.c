// SPDX-License-Identifier: GPL-2.0-only
/* What this host's sysfs tells of a PCI device, and whether it could be lent. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/pci_regs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostdev.h"

#define BUS		"/sys/bus/pci"
#define CLASS_BRIDGE	0x06

static void device_path(char path[PATH_MAX], const char *name, const char *attribute)
{
	snprintf(path, PATH_MAX, BUS "/devices/%s/%s", name, attribute);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t ret;
	int err;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text));
	err = ret < 0 ? -errno : 0;
	close(fd);
	return err;
}

/**
 * hostdev_write() - write an attribute of a device
 * @dev: the device
 * @attribute: its file
 * @text: what
 *
 * Return: 0 or a negative errno.
 */
int hostdev_write(const struct hostdev *dev, const char *attribute, const char *text)
{
	char path[PATH_MAX];

	device_path(path, dev->name, attribute);
	return write_text(path, text);
}

/**
 * hostdev_bus_write() - write an attribute of the PCI bus
 * @attribute: its file
 * @text: what
 *
 * Return: 0 or a negative errno.
 */
int hostdev_bus_write(const char *attribute, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), BUS "/%s", attribute);
	return write_text(path, text);
}

/* The first line of an attribute; "" where there is none. */
static void read_line(const char *name, const char *attribute, char *line, size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	device_path(path, name, attribute);
	*line = '\0';
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	else
		*line = '\0';
	fclose(file);
}

static u32 read_number(const char *name, const char *attribute)
{
	char line[32];

	read_line(name, attribute, line, sizeof(line));
	return strtoul(line, NULL, 0);
}

/* Where a link points to, its last part; "" without the link. */
static void read_link(const char *name, const char *attribute, char *word)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;

	device_path(path, name, attribute);
	len = readlink(path, target, sizeof(target) - 1);
	*word = '\0';
	if (len < 0)
		return;
	target[len] = '\0';
	snprintf(word, HOSTDEV_WORD_LEN, "%s", basename(target));
}

/**
 * hostdev_driver() - which driver has a device now
 * @dev: the device
 * @driver: HOSTDEV_WORD_LEN bytes; "" without one
 */
void hostdev_driver(const struct hostdev *dev, char *driver)
{
	read_link(dev->name, "driver", driver);
}

static bool is_friend(const char *name, char **friends, unsigned int nr)
{
	struct iommu_bdf bdf, friend;

	if (iommu_parse_bdf(name, &bdf))
		return false;
	for (unsigned int i = 0; i < nr; i++)
		if (!iommu_parse_bdf(friends[i], &friend) && friend.segment == bdf.segment &&
		    friend.bus == bdf.bus && friend.devfn == bdf.devfn)
			return true;
	return false;
}

/* Drivers of bridges do no DMA that a guest could disturb. */
static bool is_bridge(const char *name)
{
	return read_number(name, "class") >> 16 == CLASS_BRIDGE;
}

static void find_mate(struct hostdev *dev, char **friends, unsigned int nr)
{
	char path[PATH_MAX], driver[HOSTDEV_WORD_LEN];
	const struct dirent *entry;
	DIR *dir;

	device_path(path, dev->name, "iommu_group/devices");
	dir = opendir(path);
	if (!dir)
		return;
	while (!*dev->mate && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || !strcmp(entry->d_name, dev->name) ||
		    is_friend(entry->d_name, friends, nr) || is_bridge(entry->d_name))
			continue;
		read_link(entry->d_name, "driver", driver);
		if (!*driver || !strcmp(driver, HOSTDEV_DRIVER))
			continue;
		snprintf(dev->mate, sizeof(dev->mate), "%.15s", entry->d_name);
		memcpy(dev->mate_driver, driver, sizeof(driver));
	}
	closedir(dir);
}

/* Lines of first address, last address, type: RMRRs are direct. */
static bool has_rmrr(const struct hostdev *dev)
{
	char path[PATH_MAX], type[32];
	bool found = false;
	FILE *file;

	device_path(path, dev->name, "iommu_group/reserved_regions");
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fscanf(file, "%*s %*s %31s", type) == 1)
		found = !strcmp(type, "direct");
	fclose(file);
	return found;
}

static u8 header_type(const struct hostdev *dev)
{
	char path[PATH_MAX];
	u8 type = 0;
	int fd;

	device_path(path, dev->name, "config");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &type, 1, PCI_HEADER_TYPE) != 1)
		type = 0;
	close(fd);
	return type & 0x7f;
}

static void read_override(struct hostdev *dev)
{
	read_line(dev->name, "driver_override", dev->override, sizeof(dev->override));
	if (!strcmp(dev->override, "(null)"))
		*dev->override = '\0';
}

/**
 * hostdev_read() - learn all of a device
 * @dev: filled
 * @text: its address, such as 0000:00:03.0
 * @friends: addresses of devices that are to be lent with it
 * @nr: how many
 *
 * Return: 0, or a negative errno after a message.
 */
int hostdev_read(struct hostdev *dev, const char *text, char **friends, unsigned int nr)
{
	char path[PATH_MAX], word[HOSTDEV_WORD_LEN];

	*dev = (struct hostdev) { .group = -1 };
	if (iommu_parse_bdf(text, &dev->bdf))
		return fail(-EINVAL, "'%s' is no PCI device such as 0000:00:03.0", text);
	snprintf(dev->name, sizeof(dev->name), "%04x:%02x:%02x.%x", dev->bdf.segment,
		 dev->bdf.bus, dev->bdf.devfn >> 3, dev->bdf.devfn & 7);
	device_path(path, dev->name, "");
	if (access(path, F_OK))
		return fail(-ENODEV, "there is no PCI device %s: lspci -D lists them", dev->name);

	dev->vendor = read_number(dev->name, "vendor");
	dev->device = read_number(dev->name, "device");
	dev->class = read_number(dev->name, "class");
	dev->header_type = header_type(dev);
	hostdev_driver(dev, dev->driver);
	read_override(dev);
	read_link(dev->name, "iommu_group", word);
	if (*word)
		dev->group = atoi(word);
	dev->rmrr = has_rmrr(dev);
	read_line(dev->name, "reset_method", word, sizeof(word));
	dev->no_reset = !*word;
	find_mate(dev, friends, nr);
	hostdev_find_uses(dev);
	return 0;
}

/**
 * hostdev_is_lent() - has iommu-lite this device?
 * @dev: the device
 *
 * Return: whether it has.
 */
bool hostdev_is_lent(const struct hostdev *dev)
{
	return !strcmp(dev->driver, HOSTDEV_DRIVER);
}

/* Why there is no driver to lend devices. */
static int explain_module(void)
{
	if (!access("/sys/class/iommu/dmar0", F_OK))
		return fail(-EBUSY, "Linux drives VT-d itself: boot with %s",
			    "intel_iommu=off intremap=off");
	if (access("/sys/firmware/acpi/tables/DMAR", F_OK))
		return fail(-ENODEV, "there is no DMAR table: enable VT-d in firmware's set-up");
	return fail(-ENODEV, "iommu-lite is not loaded: insmod iommu-lite.ko");
}

/**
 * hostdev_explain() - say what stands in the way of lending a device
 * @dev: the device
 *
 * A message for each reason, with what to do.
 *
 * Return: 0 if nothing does; else a negative errno.
 */
int hostdev_explain(const struct hostdev *dev)
{
	int ret = 0;

	if (dev->header_type != PCI_HEADER_TYPE_NORMAL || dev->class >> 16 == CLASS_BRIDGE)
		return fail(-EINVAL, "%s is a bridge: lend what is behind it", dev->name);
	if (access(BUS "/drivers/" HOSTDEV_DRIVER, F_OK))
		return explain_module();
	if (dev->group < 0)
		ret = fail(-ENODEV, "no remapping unit governs %s: vmxl dmar shows the table",
			   dev->name);
	if (dev->rmrr)
		ret = fail(-EPERM, "firmware goes on using %s by reserved memory (RMRR): %s",
			   dev->name, "it cannot be lent");
	if (*dev->mate)
		ret = fail(-EBUSY, "%s, of the same group as %s, has the driver %s: bind both",
			   dev->mate, dev->name, dev->mate_driver);
	if (*dev->busy && dev->busy_is_net)
		ret = fail(-EBUSY, "%s is %s, which is up: ip link set %s down", dev->name,
			   dev->busy, dev->busy);
	else if (*dev->busy)
		ret = fail(-EBUSY, "%s has %s, which is in use: unmount it, or end what holds it",
			   dev->name, dev->busy);
	return ret;
}
