// SPDX-License-Identifier: GPL-2.0-only
/* What this host does with a PCI device: its network interfaces and disks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostdev.h"

static bool net_is_busy(const char *name)
{
	char path[PATH_MAX];
	unsigned int flags = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/flags", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%x", &flags) != 1)
		flags = 0;
	fclose(file);
	return flags & IFF_UP;
}

/* Mounts, swap, RAID and the device mapper claim what they use, and so does this. */
static bool disk_is_busy(const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == EBUSY;
	close(fd);
	return false;
}

/* nvme1c2n3 is a path of the disk nvme1n3, which has no place below the device. */
static void name_of_disk(const char *entry, char *name)
{
	unsigned int subsystem, controller, namespace;

	if (sscanf(entry, "nvme%uc%un%u", &subsystem, &controller, &namespace) == 3)
		snprintf(name, HOSTDEV_WORD_LEN, "nvme%un%u", subsystem, namespace);
	else
		snprintf(name, HOSTDEV_WORD_LEN, "%.63s", entry);
}

static void add_use(struct hostdev *dev, const char *name, bool is_net)
{
	size_t len = strlen(dev->uses);

	snprintf(dev->uses + len, sizeof(dev->uses) - len, "%s%s", len ? ", " : "", name);
	if (*dev->busy || !(is_net ? net_is_busy(name) : disk_is_busy(name)))
		return;
	snprintf(dev->busy, sizeof(dev->busy), "%s", name);
	dev->busy_is_net = is_net;
}

static void find_in_class(struct hostdev *dev, const char *class, bool is_net)
{
	char link[PATH_MAX], own[PATH_MAX], real[PATH_MAX], name[HOSTDEV_WORD_LEN];
	const struct dirent *entry;
	size_t len;
	DIR *dir;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s", dev->name);
	if (!realpath(link, own))
		return;
	len = strlen(own);
	dir = opendir(class);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		snprintf(link, sizeof(link), "%s/%s", class, entry->d_name);
		if (*entry->d_name == '.' || !realpath(link, real) ||
		    strncmp(real, own, len) || real[len] != '/')
			continue;
		name_of_disk(entry->d_name, name);
		add_use(dev, name, is_net);
	}
	closedir(dir);
}

/**
 * hostdev_find_uses() - find what the host has on a device, and whether it uses that
 * @dev: the device; @uses and @busy are filled
 */
void hostdev_find_uses(struct hostdev *dev)
{
	find_in_class(dev, "/sys/class/net", true);
	find_in_class(dev, "/sys/class/block", false);
}
