// SPDX-License-Identifier: GPL-2.0-only
/*
 * A multiboot 2 guest in 64-bit C: says what it was given, modules too, and
 * leaves by the debug exit port.
 */
#include "guest.h"

#define LOADER_MAGIC	0x36d76289

enum { TAG_END = 0, TAG_CMDLINE = 1, TAG_MODULE = 3, TAG_MMAP = 6, TAG_RSDP = 15 };

struct tag {
	uint32_t type;
	uint32_t size;
};

struct module {
	struct tag tag;
	uint32_t start;
	uint32_t end;
	char string[];
};

struct mmap {
	struct tag tag;
	uint32_t entry_size;
	uint32_t entry_version;
	struct {
		uint64_t base;
		uint64_t len;
		uint32_t type;
		uint32_t reserved;
	} entries[];
};

#define RAM	1

static void show_module(const struct module *m)
{
	if (m->start & 0xfff)
		leave("multiboot 2: module not page-aligned\n", 0x11);
	put("multiboot 2: module: ");
	put(m->string);
	put_number(", bytes: ", m->end - m->start);
}

static uint64_t ram_of(const struct mmap *map)
{
	uint32_t count = (map->tag.size - sizeof(*map)) / sizeof(*map->entries);
	uint64_t ram = 0;
	uint32_t i;

	if (map->entry_size != sizeof(*map->entries))
		leave("multiboot 2: memory map of another form\n", 0x11);
	for (i = 0; i < count; i++)
		ram += map->entries[i].type == RAM ? map->entries[i].len : 0;
	return ram;
}

void guest_main(const char *info, uint32_t magic)
{
	const struct tag *tag = (const void *)(info + 8);

	if (magic != LOADER_MAGIC)
		leave("multiboot 2: bad magic\n", 0x11);
	put("multiboot 2: started\n");
	while (tag->type != TAG_END) {
		const char *body = (const char *)(tag + 1);

		if (tag->type == TAG_CMDLINE) {
			put("multiboot 2: command line: ");
			put(body);
			put("\n");
		}
		if (tag->type == TAG_MODULE)
			show_module((const void *)tag);
		if (tag->type == TAG_MMAP)
			put_number("multiboot 2: MiB of RAM: ", ram_of((const void *)tag) >> 20);
		if (tag->type == TAG_RSDP && body[0] == 'R' && body[15] == 2)
			put("multiboot 2: ACPI\n");
		tag = (const void *)((const char *)tag + ((tag->size + 7) & ~7u));
	}
	if ((const char *)(tag + 1) != info + *(const uint32_t *)info)
		leave("multiboot 2: the size is wrong\n", 0x11);
	leave("multiboot 2: done\n", 0x10);
}
