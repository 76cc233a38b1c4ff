/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Help from the system for the tests: sysfs, memory, privileges.
 */
#ifndef SYS_H
#define SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommuapi.h"

int sys_write(const char *path, const char *text);
int sys_read(const char *path, char *text, size_t size);
bool sys_find_pci(unsigned int vendor, unsigned int device, unsigned int nth,
		  struct iommu_bdf *bdf);
void sys_pci_path(const struct iommu_bdf *bdf, const char *file, char *path,
		  size_t size);
void *sys_memory(size_t size);
long sys_locked_kib(void);
bool sys_debugfs_has(const char *file, const char *text);

#endif
