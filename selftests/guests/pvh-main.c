// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PVH guest in C: says what its start info holds, checks its memory, and
 * leaves by the debug exit port.
 */
#include "guest.h"

/* Xen's public/arch-x86/hvm/start_info.h, version 1 */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct memmap_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

#define MAGIC	0x336ec578
#define RAM	1

void guest_main(const struct start_info *info)
{
	const struct memmap_entry *map = (void *)(uintptr_t)info->memmap;
	uint64_t ram = 0;
	uint32_t i;

	if (info->magic != MAGIC)
		leave("pvh: bad magic\n", 0x11);
	if (info->version >= 1) {
		for (i = 0; i < info->memmap_entries; i++)
			ram += map[i].type == RAM ? map[i].size : 0;
		if (!ram)
			leave("pvh: no RAM in the memory map\n", 0x11);
	}
	put("pvh: started");
	if (info->cmdline) {
		put(", command line: ");
		put((const char *)(uintptr_t)info->cmdline);
	}
	put("\n");
	put_number("pvh: MiB of RAM: ", ram >> 20);
	leave("pvh: done\n", 0x10);
}
