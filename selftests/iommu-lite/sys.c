// SPDX-License-Identifier: GPL-2.0-only
/*
 * Help from the system for the tests, see sys.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys.h"

#define PCI_DEVICES	"/sys/bus/pci/devices"

int sys_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text));
	ret = ret < 0 ? -errno : 0;
	close(fd);
	return ret;
}

int sys_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t ret;

	if (fd < 0)
		return -errno;
	while (done < size - 1) {
		ret = read(fd, text + done, size - 1 - done);
		if (ret <= 0)
			break;
		done += ret;
	}
	text[done] = 0;
	close(fd);
	return 0;
}

static unsigned int read_id(const char *device, const char *file)
{
	char path[512], text[32];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", device, file);
	if (sys_read(path, text, sizeof(text)))
		return 0;
	return strtoul(text, NULL, 16);
}

/* The nth function with these ids, in the order of their names */
bool sys_find_pci(unsigned int vendor, unsigned int device, unsigned int nth,
		  struct iommu_bdf *bdf)
{
	struct dirent **names;
	bool found = false;
	int count, i;

	count = scandir(PCI_DEVICES, &names, NULL, alphasort);
	for (i = 0; i < count; i++) {
		if (!found && read_id(names[i]->d_name, "vendor") == vendor &&
		    read_id(names[i]->d_name, "device") == device && !nth--)
			found = !iommu_parse_bdf(names[i]->d_name, bdf);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return found;
}

void sys_pci_path(const struct iommu_bdf *bdf, const char *file, char *path,
		  size_t size)
{
	snprintf(path, size, PCI_DEVICES "/%04x:%02x:%02x.%x%s%s",
		 bdf->segment, bdf->bus, bdf->devfn >> 3, bdf->devfn & 7,
		 *file ? "/" : "", file);
}

/* Anonymous memory, every page different, or NULL */
void *sys_memory(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at;

	if (memory == MAP_FAILED)
		return NULL;
	for (at = 0; at < size; at += 4096)
		memset(memory + at, 1 + at / 4096 % 255, 4096);
	return memory;
}

/* VmLck of this process */
long sys_locked_kib(void)
{
	char text[8192], *line;

	if (sys_read("/proc/self/status", text, sizeof(text)))
		return -1;
	line = strstr(text, "VmLck:");
	return line ? strtol(line + 6, NULL, 10) : -1;
}

bool sys_debugfs_has(const char *file, const char *wanted)
{
	char path[256];
	static char text[1 << 20];

	snprintf(path, sizeof(path), "/sys/kernel/debug/iommu-lite/%s", file);
	return !sys_read(path, text, sizeof(text)) && strstr(text, wanted);
}
