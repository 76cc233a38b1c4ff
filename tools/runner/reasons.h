/* SPDX-License-Identifier: GPL-2.0-only */
/* Why this host cannot run guests, and what to do about it. */
#ifndef VMXL_REASONS_H
#define VMXL_REASONS_H

#include "util.h"

struct reason {
	const char *sentence;
	const char *remedy;
};

const struct reason *reason_of(u32 reason);
void explain_refusal(int err);

#endif /* VMXL_REASONS_H */
