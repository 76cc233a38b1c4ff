// SPDX-License-Identifier: GPL-2.0-only
/* Kernels with a Multiboot header (Multiboot Specification 0.6.96). */
#include <errno.h>
#include <string.h>

#include "boot.h"
#include "multiboot.h"

#define SEARCH_SIZE		8192
#define HEADER_MAGIC		0x1badb002u
#define BOOTLOADER_MAGIC	0x2badb002u

#define HEADER_VIDEO		(1u << 2)
#define HEADER_ADDRESSES	(1u << 16)
#define HEADER_REQUIRED		0xffffu	/* what must be understood */
#define HEADER_UNDERSTOOD	0x0007u	/* page alignment, memory, video mode */

#define INFO_MEMORY		(1u << 0)
#define INFO_CMDLINE		(1u << 2)
#define INFO_MODS		(1u << 3)
#define INFO_MMAP		(1u << 6)
#define INFO_LOADER_NAME	(1u << 9)

#define MODULES_MAX		32

struct mb_header {
	u32 magic, flags, checksum;
	struct multiboot_addresses addresses;
	u32 entry_addr;
};

struct mb_info {
	u32 flags;
	u32 mem_lower, mem_upper;
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 vbe[4];
};

struct mb_module {
	u32 start, end, cmdline, reserved;
};

struct mb_mmap {
	u32 size;	/* of what follows */
	u64 addr;
	u64 len;
	u32 type;
} __attribute__((packed));

struct mb_page {
	struct mb_info info;
	struct mb_module modules[MODULES_MAX];
	struct mb_mmap mmap[MEMMAP_MAX];
	char loader[8];
};

/* The header: 4-aligned, whole within the first 8192 bytes. */
static int find_header(const struct image *image, struct mb_header *header, u64 *offset)
{
	u8 buf[SEARCH_SIZE];
	u64 size = MIN(image->size, sizeof(buf));

	if (image_read(image, 0, buf, size))
		return -ENOEXEC;
	for (u64 at = 0; at + 12 <= size; at += 4) {
		memset(header, 0, sizeof(*header));
		memcpy(header, buf + at, MIN(size - at, sizeof(*header)));
		if (header->magic == HEADER_MAGIC &&
		    header->magic + header->flags + header->checksum == 0) {
			*offset = at;
			return 0;
		}
	}
	return -ENOEXEC;
}

/**
 * multiboot_probe() - whether a file has a Multiboot header
 * @image: the file
 */
bool multiboot_probe(const struct image *image)
{
	struct mb_header header;
	u64 offset;

	return !find_header(image, &header, &offset);
}

/**
 * multiboot_load_addresses() - load by the addresses in a header (3.1.3, the "a.out
 * kludge")
 * @image: the file
 * @h: the addresses
 * @offset: where the header is in the file
 * @ram: the RAM
 * @info: out: what is in use; the entry is the caller's
 *
 * Return: 0, or a negative errno after a message.
 */
int multiboot_load_addresses(const struct image *image, const struct multiboot_addresses *h,
			     u64 offset, const struct guest_ram *ram, struct elf_info *info)
{
	u64 skip = (u64)h->header_addr - h->load_addr;
	u64 start, len, end;

	if (h->load_addr < BOOT_HIGH || h->header_addr < h->load_addr || skip > offset)
		return fail(-ENOEXEC, "%s has a multiboot header with impossible addresses",
			    image->path);
	start = offset - skip;
	len = h->load_end_addr ? (u64)h->load_end_addr - h->load_addr : image->size - start;
	if (h->load_end_addr && h->load_end_addr <= h->load_addr)
		return fail(-ENOEXEC, "%s has a multiboot header with impossible addresses",
			    image->path);
	end = MAX(h->load_addr + len, (u64)h->bss_end_addr);
	if (!ram_at(ram, h->load_addr, end - h->load_addr))
		return fail(-E2BIG, "%s needs guest memory to %#llx: give it more with --memory",
			    image->path, end);

	info->low = h->load_addr;
	info->high = end;
	return image_load(image, start, len, ram, h->load_addr);
}

static int load_module(const struct boot_module *module, const struct guest_ram *ram,
		       u64 floor, u64 *ceiling, u64 *cmdline, struct mb_module *out)
{
	struct image image;
	u64 gpa;
	int ret;

	ret = image_open(&image, module->path, "module");
	if (ret)
		return ret;
	ret = image_place(&image, ram, floor, *ceiling, &gpa);
	if (!ret)
		ret = boot_put_string(ram, *cmdline, module->cmdline,
				      BOOT_LOW_END - *cmdline, module->path);
	if (!ret) {
		*out = (struct mb_module) {
			.start = gpa,
			.end = gpa + image.size,
			.cmdline = *cmdline,
		};
		*ceiling = gpa;
		*cmdline += strlen(module->cmdline) + 1;
	}
	image_close(&image);
	return ret;
}

static int load_modules(struct mb_page *page, const struct boot_config *config,
			const struct guest_ram *ram, u64 floor)
{
	const struct boot_module initrd = { config->initrd, config->initrd };
	u64 ceiling = ram->lowmem, cmdline = BOOT_MODULE_CMDLINES;
	unsigned int n = 0;
	int ret;

	if (config->nr_modules + !!config->initrd > MODULES_MAX)
		return fail(-E2BIG, "too many modules: %u are allowed", MODULES_MAX);
	if (config->initrd) {
		ret = load_module(&initrd, ram, floor, &ceiling, &cmdline, &page->modules[n++]);
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < config->nr_modules; i++) {
		ret = load_module(&config->modules[i], ram, floor, &ceiling, &cmdline,
				  &page->modules[n++]);
		if (ret)
			return ret;
	}
	page->info.mods_count = n;
	return 0;
}

static void fill_info(struct mb_page *page, const struct guest_ram *ram)
{
	struct memmap_entry map[MEMMAP_MAX];
	unsigned int n = boot_memmap(ram, map);

	*page = (struct mb_page) {
		.info = {
			.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MMAP |
				 INFO_LOADER_NAME,
			.mem_lower = BOOT_EBDA >> 10,
			.mem_upper = (ram->lowmem - BOOT_HIGH) >> 10,
			.cmdline = BOOT_CMDLINE,
			.mods_addr = BOOT_START_INFO + offsetof(struct mb_page, modules),
			.mmap_length = n * sizeof(struct mb_mmap),
			.mmap_addr = BOOT_START_INFO + offsetof(struct mb_page, mmap),
			.boot_loader_name = BOOT_START_INFO + offsetof(struct mb_page, loader),
		},
		.loader = "vmxl",
	};
	for (unsigned int i = 0; i < n; i++)
		page->mmap[i] = (struct mb_mmap) {
			.size = sizeof(struct mb_mmap) - sizeof(u32),
			.addr = map[i].start,
			.len = map[i].size,
			.type = map[i].type,
		};
}

/**
 * multiboot_load() - load a Multiboot kernel and its modules
 * @image: the file, probed
 * @config: modules (the initrd is the first) and command line
 * @ram: the RAM
 * @state: reset state in; out: 32-bit protected mode at the entry
 *
 * Return: 0, or a negative errno after a message.
 */
int multiboot_load(const struct image *image, const struct boot_config *config,
		   const struct guest_ram *ram, struct vcpu_state *state)
{
	struct mb_page *page = ram_at(ram, BOOT_START_INFO, sizeof(*page));
	struct elf_info info = { 0 };
	struct mb_header header;
	u64 offset;
	int ret;

	ret = find_header(image, &header, &offset);
	if (ret)
		return fail(ret, "%s has no multiboot header", image->path);
	if (header.flags & HEADER_REQUIRED & ~HEADER_UNDERSTOOD)
		return fail(-ENOEXEC,
			    "%s demands multiboot features that vmxl does not have: flags %#x",
			    image->path, header.flags & HEADER_REQUIRED & ~HEADER_UNDERSTOOD);
	if (header.flags & HEADER_VIDEO)
		note("%s asks for a video mode; there is no display", image->path);

	if (header.flags & HEADER_ADDRESSES) {
		ret = multiboot_load_addresses(image, &header.addresses, offset, ram, &info);
		info.entry = header.entry_addr;
	} else if (elf_probe(image)) {
		ret = elf_load(image, ram, &info);
	} else {
		ret = fail(-ENOEXEC,
			   "%s has a multiboot header without addresses, and is no ELF file",
			   image->path);
	}
	if (!ret)
		ret = elf_check_entry(&info, info.entry, image->path, "an entry");
	if (ret)
		return ret;

	fill_info(page, ram);
	ret = boot_put_string(ram, BOOT_CMDLINE, config->cmdline, BOOT_CMDLINE_MAX,
			      "the kernel");
	if (!ret)
		ret = load_modules(page, config, ram, info.high);
	if (ret)
		return ret;

	boot_protected_mode(ram, state);
	state->regs.rip = info.entry;
	state->regs.rax = BOOTLOADER_MAGIC;
	state->regs.rbx = BOOT_START_INFO;
	return 0;
}
