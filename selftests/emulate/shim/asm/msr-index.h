/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_MSR_INDEX_H
#define SHIM_ASM_MSR_INDEX_H

#include <linux/bits.h>

#define EFER_LMA	BIT(10)
#define EFER_NX		BIT(11)

#endif
