/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The uAPI of iommu-lite as C functions. All return -errno where they fail;
 * descriptors are closed by close().
 */
#ifndef IOMMUAPI_H
#define IOMMUAPI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/iommu_lite.h>

/**
 * struct iommu_bdf - a PCI function
 * @segment: PCI segment
 * @bus: bus
 * @devfn: device << 3 | function
 */
struct iommu_bdf {
	uint16_t segment;
	uint8_t bus;
	uint8_t devfn;
};

int iommu_parse_bdf(const char *text, struct iommu_bdf *bdf);

int iommu_open(void);
int iommu_get_info(int fd, struct iommu_lite_info *info);
int iommu_get_unit(int fd, unsigned int index, struct iommu_lite_unit *unit);
int iommu_create_domain(int fd);
int iommu_open_device(int fd, const struct iommu_bdf *bdf, uint32_t *reason);
int iommu_open_lent(int fd, const struct iommu_bdf *bdf, uint32_t flags, uint32_t *reason);
const char *iommu_reason_text(uint32_t reason);

int iommu_map(int domain, uint64_t iova, void *memory, uint64_t size,
	      uint32_t flags);
int iommu_unmap(int domain, uint64_t iova, uint64_t size, uint64_t *unmapped);
int iommu_unmap_all(int domain, uint64_t *unmapped);
int iommu_query(int domain, uint64_t iova, struct iommu_lite_query *query);
int iommu_domain_info(int domain, struct iommu_lite_domain_info *info);

int iommu_attach(int device, int domain);
int iommu_detach(int device);
int iommu_get_regions(int device, struct iommu_lite_region *regions,
		      uint32_t *count);
int iommu_set_fault_eventfd(int device, int eventfd);
int iommu_device_info(int device, struct iommu_lite_device_info *info);
int iommu_read_faults(int device, struct iommu_lite_fault *faults,
		      unsigned int max);
const char *iommu_fault_text(uint32_t reason);

int iommu_get_bar(int device, unsigned int index, struct iommu_lite_bar *bar);
int iommu_read_bar(int device, unsigned int index, uint64_t offset, unsigned int size,
		   uint64_t *value);
int iommu_write_bar(int device, unsigned int index, uint64_t offset, unsigned int size,
		    uint64_t value);
int iommu_read_config(int device, unsigned int offset, unsigned int size, uint32_t *value);
int iommu_write_config(int device, unsigned int offset, unsigned int size, uint32_t value);
int iommu_get_irq_info(int device, struct iommu_lite_irq_info *info);
int iommu_set_irqs(int device, enum iommu_lite_irq_type type, const int *fds,
		   unsigned int count, int resample_fd);
int iommu_reset(int device);

#endif
