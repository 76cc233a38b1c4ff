// SPDX-License-Identifier: GPL-2.0-only
/* vmxl bind, vmxl unbind: take PCI devices from their drivers, and give them back. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "hostdev.h"

/* What was before: a line with the driver, a line with driver_override. */
#define STATE_DIR	"/run/vmxl"

static const char bind_usage[] =
	"usage: vmxl bind BDF...\n"
	"\n"
	"Take PCI devices, such as 0000:00:03.0, from their drivers, so that vmxl run\n"
	"--device can lend them to a guest. Devices of one IOMMU group go together.\n"
	"Exit status: 0 if iommu-lite has them, else 2.\n";

static const char unbind_usage[] =
	"usage: vmxl unbind BDF...\n"
	"\n"
	"Give PCI devices back to the drivers that vmxl bind took them from.\n"
	"Exit status: 0 if iommu-lite has them no more, else 2.\n";

struct state {
	char driver[HOSTDEV_WORD_LEN];
	char override[HOSTDEV_WORD_LEN];
};

static void state_path(char path[PATH_MAX], const struct hostdev *dev)
{
	snprintf(path, PATH_MAX, STATE_DIR "/%s", dev->name);
}

static int save_state(const struct hostdev *dev)
{
	char path[PATH_MAX];
	FILE *file;

	state_path(path, dev);
	if (mkdir(STATE_DIR, 0755) && errno != EEXIST)
		return fail(-errno, "cannot make %s: %s", STATE_DIR, strerror(errno));
	file = fopen(path, "we");
	if (!file)
		return fail(-errno, "cannot write %s: %s", path, strerror(errno));
	fprintf(file, "%s\n%s\n", dev->driver, dev->override);
	if (fclose(file))
		return fail(-errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

static bool read_word(FILE *file, char *word)
{
	if (!fgets(word, HOSTDEV_WORD_LEN, file))
		return false;
	word[strcspn(word, "\n")] = '\0';
	return true;
}

static bool load_state(const struct hostdev *dev, struct state *state)
{
	char path[PATH_MAX];
	bool ok;
	FILE *file;

	state_path(path, dev);
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = read_word(file, state->driver) && read_word(file, state->override);
	fclose(file);
	return ok;
}

static void forget_state(const struct hostdev *dev)
{
	char path[PATH_MAX];

	state_path(path, dev);
	unlink(path);
}

/* An empty line takes the override away. */
static int set_override(const struct hostdev *dev, const char *driver)
{
	return hostdev_write(dev, "driver_override", *driver ? driver : "\n");
}

/* Let a driver have the device; returns whether it has it now. */
static bool give_to(const struct hostdev *dev, const char *driver)
{
	char attribute[PATH_MAX], now[HOSTDEV_WORD_LEN];

	snprintf(attribute, sizeof(attribute), "drivers/%s/bind", driver);
	hostdev_bus_write(attribute, dev->name);
	hostdev_driver(dev, now);
	return !strcmp(now, driver);
}

static int take_from_driver(const struct hostdev *dev)
{
	char driver[HOSTDEV_WORD_LEN];

	hostdev_driver(dev, driver);
	return *driver ? hostdev_write(dev, "driver/unbind", dev->name) : 0;
}

static void tell_bound(const struct hostdev *dev)
{
	if (!*dev->driver)
		printf("%s had no driver; iommu-lite has it now\n", dev->name);
	else if (*dev->uses)
		printf("%s was %s's, as %s; iommu-lite has it now\n", dev->name, dev->driver,
		       dev->uses);
	else
		printf("%s was %s's; iommu-lite has it now\n", dev->name, dev->driver);
}

static int bind_device(const struct hostdev *dev)
{
	int ret;

	if (hostdev_is_lent(dev)) {
		printf("%s: iommu-lite has it already\n", dev->name);
		return 0;
	}
	ret = hostdev_explain(dev);
	/* Taken from iommu-lite by hand: what was before that bind is on record. */
	if (!ret && strcmp(dev->override, HOSTDEV_DRIVER))
		ret = save_state(dev);
	if (ret)
		return ret;
	ret = set_override(dev, HOSTDEV_DRIVER);
	if (ret) {
		forget_state(dev);
		return fail(ret, "cannot take %s from its driver: %s", dev->name,
			    strerror(-ret));
	}
	ret = take_from_driver(dev);
	if (!ret && give_to(dev, HOSTDEV_DRIVER)) {
		tell_bound(dev);
		return 0;
	}
	/* As it was. */
	set_override(dev, dev->override);
	if (*dev->driver)
		give_to(dev, dev->driver);
	forget_state(dev);
	return fail(-EIO, "iommu-lite does not take %s: the kernel's log says why", dev->name);
}

/* A guest that runs would lose it. */
static bool is_in_use(const struct hostdev *dev)
{
	u32 reason = IOMMU_LITE_OK;
	int fd = iommu_open(), device;

	if (fd < 0)
		return false;
	device = iommu_open_lent(fd, &dev->bdf, IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS, &reason);
	if (device >= 0)
		close(device);
	close(fd);
	return device < 0 && reason == IOMMU_LITE_ALREADY_OPEN;
}

static int unbind_device(const struct hostdev *dev)
{
	struct state state = { "", "" };
	bool known = load_state(dev, &state);
	char now[HOSTDEV_WORD_LEN];
	int ret;

	/* It also has no driver after rmmod iommu-lite. */
	if (!hostdev_is_lent(dev) && strcmp(dev->override, HOSTDEV_DRIVER)) {
		printf("%s: iommu-lite does not have it\n", dev->name);
		forget_state(dev);
		return 0;
	}
	if (is_in_use(dev))
		return fail(-EBUSY, "%s is in use by a guest: end that first", dev->name);
	ret = set_override(dev, state.override);
	if (!ret)
		ret = take_from_driver(dev);
	if (ret)
		return fail(ret, "cannot take %s from iommu-lite: %s", dev->name, strerror(-ret));
	forget_state(dev);

	/* Who bound it by hand gets what the kernel would choose. */
	if (!known)
		hostdev_bus_write("drivers_probe", dev->name);
	else if (*state.driver && !give_to(dev, state.driver))
		return fail(-ENODEV, "%s's driver was %s, which does not take it: %s",
			    dev->name, state.driver, "is its module loaded?");
	hostdev_driver(dev, now);
	if (*now)
		printf("%s is %s's again\n", dev->name, now);
	else
		printf("%s has no driver again\n", dev->name);
	return 0;
}

static int for_all(int argc, char **argv, const char *usage,
		   int (*function)(const struct hostdev *dev))
{
	struct hostdev dev;
	int status = 0;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 2) {
		fail(-EINVAL, "vmxl %s which device? lspci -D lists them", argv[0]);
		return VMXL_USAGE;
	}
	for (int i = 1; i < argc; i++)
		if (hostdev_read(&dev, argv[i], argv + 1, argc - 1))
			return VMXL_USAGE;
	for (int i = 1; i < argc; i++)
		if (hostdev_read(&dev, argv[i], argv + 1, argc - 1) || function(&dev))
			status = VMXL_HOST;
	return status;
}

/**
 * cmd_bind() - vmxl bind
 * @argc: number of arguments
 * @argv: the command's name and its arguments
 *
 * Return: vmxl's exit status.
 */
int cmd_bind(int argc, char **argv)
{
	return for_all(argc, argv, bind_usage, bind_device);
}

/**
 * cmd_unbind() - vmxl unbind
 * @argc: number of arguments
 * @argv: the command's name and its arguments
 *
 * Return: vmxl's exit status.
 */
int cmd_unbind(int argc, char **argv)
{
	return for_all(argc, argv, unbind_usage, unbind_device);
}
