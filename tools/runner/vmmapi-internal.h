/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of libvmmapi share. */
#ifndef VMMAPI_INTERNAL_H
#define VMMAPI_INTERNAL_H

#include <errno.h>
#include <sys/ioctl.h>

#include "vmmapi.h"

/* All fields are read-only after vm_setup_memory(). */
struct vmctx {
	int dev_fd;
	int fd;
	struct vmx_lite_info info;
	char *base;		/* RAM: lowmem bytes, then highmem bytes */
	size_t lowmem;
	size_t highmem;
};

struct vcpu {
	struct vmctx *ctx;
	int id;
	int fd;
	struct vmx_lite_run *run;
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static inline int vmm_ioctl(int fd, unsigned long request, const void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

#endif /* VMMAPI_INTERNAL_H */
