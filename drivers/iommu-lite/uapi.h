/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of /dev/iommu-lite share: uapi.c (the node), uapi-domain.c
 * (domain fds), uapi-device.c (device fds), ppt*.c (device fds of devices that
 * are bound to our driver).
 */
#ifndef IOMMU_LITE_UAPI_H
#define IOMMU_LITE_UAPI_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/iommu_lite.h>

struct dmar_domain;
struct il_lent;
struct pci_dev;
struct vm_area_struct;

/* The kernel's copy of an ioctl's argument */
union il_arg {
	struct iommu_lite_info info;
	struct iommu_lite_unit unit;
	struct iommu_lite_create_domain create_domain;
	struct iommu_lite_open_device open_device;
	struct iommu_lite_map map;
	struct iommu_lite_unmap unmap;
	struct iommu_lite_query query;
	struct iommu_lite_domain_info domain_info;
	struct iommu_lite_attach attach;
	struct iommu_lite_regions regions;
	struct iommu_lite_fault_eventfd fault_eventfd;
	struct iommu_lite_device_info device_info;
	struct iommu_lite_bar bar;
	struct iommu_lite_access access;
	struct iommu_lite_irq_info irq_info;
	struct iommu_lite_irqs irqs;
};

/**
 * struct il_object - what is behind a file of ours; first member of each
 * @lock: held around the ioctls that say so in their table
 */
struct il_object {
	struct mutex lock;	/* around ioctls that say so */
};

/* How an ioctl is called */
#define IL_IOCTL_LOCKED		BIT(0)		/* under object->lock */
#define IL_IOCTL_OUT_ON_ERROR	BIT(1)		/* copies out if it fails, too */

/**
 * struct il_ioctl - one row of a file's ioctl table
 * @cmd: the number, with the size this kernel knows
 * @min_size: bytes of the first version of the argument
 * @flags: IL_IOCTL_*
 * @handler: does it; returns 0, a new fd, or -errno
 */
struct il_ioctl {
	unsigned int cmd;
	unsigned int min_size;
	unsigned int flags;
	int (*handler)(struct il_object *object, union il_arg *arg);
};

/**
 * struct il_context - an open /dev/iommu-lite; owner of groups in the core
 * @object: ioctl lock
 * @ref: of the file, its domains and its devices
 */
struct il_context {
	struct il_object object;
	struct kref ref;
};

long il_ioctl(struct file *file, const struct il_ioctl *table,
	      unsigned int rows, unsigned int cmd, unsigned long arg);
void il_context_put(struct il_context *context);

int il_create_domain_fd(struct il_context *context);
struct dmar_domain *il_domain_of_file(struct file *file,
				      struct il_context *context);

int il_open_device_fd(struct il_context *context,
		      struct iommu_lite_open_device *arg);
struct il_lent *il_lent_of(struct il_object *object);

/* ppt.c */
bool il_ppt_bound(struct pci_dev *pdev);
struct il_lent *il_lent_alloc(struct pci_dev *pdev);
bool il_lent_remapped(struct il_lent *lent);
void il_lent_free(struct il_lent *lent);
int il_lent_open(struct il_lent *lent);
void il_lent_close(struct il_lent *lent);
void il_lent_set_attached(struct il_lent *lent, bool attached);

/* ppt-bar.c, ppt-config.c, ppt-irq.c, ppt-reset.c: ioctls and mmap */
int il_lent_get_bar(struct il_object *object, union il_arg *arg);
int il_lent_access_bar(struct il_object *object, union il_arg *arg);
int il_lent_mmap(struct il_lent *lent, struct vm_area_struct *vma);
int il_lent_access_config(struct il_object *object, union il_arg *arg);
int il_lent_get_irq_info(struct il_object *object, union il_arg *arg);
int il_lent_set_irqs(struct il_object *object, union il_arg *arg);
int il_lent_reset(struct il_object *object, union il_arg *arg);

#endif
