/* SPDX-License-Identifier: GPL-2.0-only */
/* What this host's sysfs tells of a PCI device, and whether it could be lent. */
#ifndef VMXL_HOSTDEV_H
#define VMXL_HOSTDEV_H

#include "iommuapi.h"
#include "util.h"

#define HOSTDEV_DRIVER		"iommu-lite"
#define HOSTDEV_NAME_LEN	16	/* of 0000:00:03.0 with the NUL */
#define HOSTDEV_WORD_LEN	64	/* a driver's or an interface's name */
#define HOSTDEV_USES_LEN	256

/**
 * struct hostdev - a PCI function of this host
 * @bdf, @name: which
 * @vendor, @device, @class, @header_type: of its configuration space
 * @driver: that has it, or ""
 * @override: its driver_override, or ""
 * @group: its IOMMU group, or -1
 * @rmrr: firmware goes on using it
 * @no_reset: there is no way to reset it
 * @uses: names of its network interfaces and disks, or ""
 * @busy: the first of them that is in use, or ""
 * @mate, @mate_driver: a device of its group that has another driver, or ""
 */
struct hostdev {
	struct iommu_bdf bdf;
	char name[HOSTDEV_NAME_LEN];
	u32 vendor, device, class;
	u8 header_type;
	char driver[HOSTDEV_WORD_LEN];
	char override[HOSTDEV_WORD_LEN];
	int group;
	bool rmrr;
	bool no_reset;
	char uses[HOSTDEV_USES_LEN];
	char busy[HOSTDEV_WORD_LEN];
	bool busy_is_net;
	char mate[HOSTDEV_NAME_LEN];
	char mate_driver[HOSTDEV_WORD_LEN];
};

int hostdev_read(struct hostdev *dev, const char *text, char **friends, unsigned int nr);
bool hostdev_is_lent(const struct hostdev *dev);
int hostdev_explain(const struct hostdev *dev);
int hostdev_write(const struct hostdev *dev, const char *attribute, const char *text);
void hostdev_driver(const struct hostdev *dev, char *driver);
int hostdev_bus_write(const char *attribute, const char *text);

/* hostdev-use.c */
void hostdev_find_uses(struct hostdev *dev);

#endif /* VMXL_HOSTDEV_H */
