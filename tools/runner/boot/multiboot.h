/* SPDX-License-Identifier: GPL-2.0-only */
/* What both versions of Multiboot share: loading by addresses instead of ELF. */
#ifndef VMXL_MULTIBOOT_H
#define VMXL_MULTIBOOT_H

#include "boot.h"

/* All physical; as they follow each other in both headers */
struct multiboot_addresses {
	u32 header_addr, load_addr, load_end_addr, bss_end_addr;
};

int multiboot_load_addresses(const struct image *image, const struct multiboot_addresses *a,
			     u64 offset, const struct guest_ram *ram, struct elf_info *info);

#endif /* VMXL_MULTIBOOT_H */
