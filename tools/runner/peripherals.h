/* SPDX-License-Identifier: GPL-2.0-only */
/* All kinds of devices that a guest has only on demand. */
#ifndef VMXL_PERIPHERALS_H
#define VMXL_PERIPHERALS_H

#include "peripheral.h"

/* Ends with NULL */
extern const struct peripheral_kind *const peripheral_kinds[];

int peripherals_add(struct peripheral **list, const struct peripheral_kind *kind, char *text);
void peripherals_free(struct peripheral *list);
int peripherals_create(struct peripheral *list, const struct board *board);
void peripherals_destroy(struct peripheral *list);

#endif /* VMXL_PERIPHERALS_H */
