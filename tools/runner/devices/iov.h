/* SPDX-License-Identifier: GPL-2.0-only */
/* Buffers in pieces. */
#ifndef VMXL_IOV_H
#define VMXL_IOV_H

#include <sys/uio.h>

#include "util.h"

u64 iov_size(const struct iovec *iov, unsigned int nr);
size_t iov_read(const struct iovec *iov, unsigned int nr, void *to, size_t len);
size_t iov_write(const struct iovec *iov, unsigned int nr, const void *from, size_t len);
void iov_skip(struct iovec **iov, unsigned int *nr, u64 bytes);
void iov_cut(struct iovec *iov, unsigned int *nr, u64 bytes);

#endif /* VMXL_IOV_H */
