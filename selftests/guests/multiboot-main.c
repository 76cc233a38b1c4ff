// SPDX-License-Identifier: GPL-2.0-only
/*
 * A multiboot guest in 32-bit C: says what it was given, modules too, and
 * leaves by the debug exit port.
 */
#include "guest.h"

#define LOADER_MAGIC	0x2badb002
#define INFO_MEMORY	0x01
#define INFO_CMDLINE	0x04
#define INFO_MODULES	0x08

struct info {
	uint32_t flags;
	uint32_t mem_lower;
	uint32_t mem_upper;
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count;
	uint32_t mods_addr;
};

struct module {
	uint32_t start;
	uint32_t end;
	uint32_t string;
	uint32_t reserved;
};

void guest_main(uint32_t magic, const struct info *info)
{
	const struct module *m;
	uint32_t i;

	if (magic != LOADER_MAGIC)
		leave("multiboot: bad magic\n", 0x11);
	if (!(info->flags & INFO_MEMORY))
		leave("multiboot: no memory sizes\n", 0x11);
	put("multiboot: started");
	if (info->flags & INFO_CMDLINE) {
		put(", command line: ");
		put((const char *)info->cmdline);
	}
	put("\n");
	if (info->flags & INFO_MODULES) {
		m = (const struct module *)info->mods_addr;
		for (i = 0; i < info->mods_count; i++) {
			if (m[i].start & 0xfff)
				leave("multiboot: module not page-aligned\n", 0x11);
			put("multiboot: module: ");
			put((const char *)m[i].string);
			put("\n");
		}
	}
	leave("multiboot: done\n", 0x10);
}
