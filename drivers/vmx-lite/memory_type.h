/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VL_MEMORY_TYPE_H
#define VL_MEMORY_TYPE_H

#include <linux/types.h>
#include <asm/pgtable_types.h>

#define VL_MEMORY_REFUSED	(~0ULL)

u64 vl_memory_type(pgprot_t vma, pgprot_t entry, bool ram);

#endif /* VL_MEMORY_TYPE_H */
