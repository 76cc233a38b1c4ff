/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that are bound to the driver iommu-lite, by bare ioctls: all return
 * -errno where they fail.
 */
#ifndef LENT_H
#define LENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommuapi.h"

int lent_bind(const struct iommu_bdf *bdf, const char *driver);
int lent_unbind(const struct iommu_bdf *bdf);
bool lent_driver_is(const struct iommu_bdf *bdf, const char *driver);
int lent_open(int node, const struct iommu_bdf *bdf, uint32_t flags,
	      uint32_t *reason);
int lent_bar(int device, unsigned int index, struct iommu_lite_bar *bar);
void *lent_map(int device, unsigned int index);
bool lent_answers(const volatile uint32_t *at);
int lent_access(int device, unsigned long ioctl_number, unsigned int index,
		uint64_t offset, unsigned int size, uint64_t *value, bool write);
int lent_config_read(int device, unsigned int offset, unsigned int size,
		     uint32_t *value);
int lent_config_write(int device, unsigned int offset, unsigned int size,
		      uint32_t value);
int lent_master(int device, bool on);
int lent_irq_info(int device, struct iommu_lite_irq_info *info);
int lent_set_irqs(int device, unsigned int type, const int *fds,
		  unsigned int count, int resample);
int lent_reset(int device);
uint32_t lent_capability(int device, unsigned int id);

int sysfs_config(const struct iommu_bdf *bdf, unsigned int offset,
		 unsigned int size, uint32_t *value);
int sysfs_config_write(const struct iommu_bdf *bdf, unsigned int offset,
		       unsigned int size, uint32_t value);

int event_open(void);
uint64_t event_take(int fd, int milliseconds);
void event_signal(int fd);

#endif
