// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernels with a Multiboot 2 header (Multiboot2 Specification 2.0), started in
 * 32-bit protected mode as it says in 3.3.
 */
#include <errno.h>
#include <string.h>

#include "boot.h"
#include "multiboot.h"

#define SEARCH_SIZE		32768
#define HEADER_MAGIC		0xe85250d6u
#define BOOTLOADER_MAGIC	0x36d76289u
#define ARCHITECTURE_I386	0
#define TAG_ALIGN		8

/* Where the information goes: nothing else of this boot lies there. */
#define INFO_AT			BOOT_CMDLINE
#define INFO_END		BOOT_LOW_END

/* 3.1.1 */
struct header {
	u32 magic, architecture, length, checksum;
};

/* 3.1.3; the low bit of @flags: the loader may ignore it */
struct header_tag {
	u16 type, flags;
	u32 size;
};

enum {
	HEADER_END, HEADER_REQUEST, HEADER_ADDRESS, HEADER_ENTRY, HEADER_CONSOLE,
	HEADER_FRAMEBUFFER, HEADER_MODULE_ALIGN, HEADER_EFI_SERVICES, HEADER_EFI32_ENTRY,
	HEADER_EFI64_ENTRY, HEADER_RELOCATABLE,
};

#define HEADER_OPTIONAL		1

/* 3.6 */
enum {
	INFO_END_TAG = 0, INFO_CMDLINE = 1, INFO_LOADER_NAME = 2, INFO_MODULE = 3,
	INFO_MEMORY = 4, INFO_MMAP = 6, INFO_RSDP_1 = 14, INFO_RSDP_2 = 15,
	INFO_LOAD_BASE = 21,
};

struct info_tag {
	u32 type, size;
};

struct info_mmap_entry {
	u64 base, len;
	u32 type, reserved;
};

#define RSDP_1_SIZE	20
#define RSDP_2_SIZE	36

/**
 * struct kernel - what a header says
 * @header: the file's first SEARCH_SIZE bytes, with the header at @offset
 * @end: where the header ends
 * @addresses: of the tag, if @has_addresses
 * @entry: of the tag, if @has_entry
 */
struct kernel {
	u8 header[SEARCH_SIZE];
	u64 offset, end;
	struct multiboot_addresses addresses;
	u32 entry;
	bool has_addresses, has_entry;
};

/* The header: 8-aligned, whole within the first 32768 bytes. */
static int find_header(const struct image *image, struct kernel *kernel)
{
	u64 size = MIN(image->size, SEARCH_SIZE);

	if (image_read(image, 0, kernel->header, size))
		return -ENOEXEC;
	for (u64 at = 0; at + sizeof(struct header) <= size; at += TAG_ALIGN) {
		struct header h;

		memcpy(&h, kernel->header + at, sizeof(h));
		if (h.magic != HEADER_MAGIC ||
		    h.magic + h.architecture + h.length + h.checksum != 0 ||
		    h.length < sizeof(h) || h.length > size - at)
			continue;
		kernel->offset = at;
		kernel->end = at + h.length;
		return h.architecture == ARCHITECTURE_I386 ? 0 : -EINVAL;
	}
	return -ENOEXEC;
}

/**
 * multiboot2_probe() - whether a file has a Multiboot 2 header
 * @image: the file
 */
bool multiboot2_probe(const struct image *image)
{
	struct kernel kernel;

	return find_header(image, &kernel) != -ENOEXEC;
}

static int refuse_tag(const struct image *image, const char *what, u32 number)
{
	return fail(-ENOEXEC, "%s demands what vmxl does not have: multiboot 2 %s %u",
		    image->path, what, number);
}

/* 3.1.4: every kind of information that is asked for must be known. */
static int check_request(const struct image *image, const u8 *body, u32 size)
{
	static const u32 known[] = {
		INFO_CMDLINE, INFO_LOADER_NAME, INFO_MODULE, INFO_MEMORY, INFO_MMAP,
		INFO_RSDP_1, INFO_RSDP_2, INFO_LOAD_BASE,
	};

	for (u32 at = 0; at + 4 <= size; at += 4) {
		unsigned int i = 0;
		u32 wanted;

		memcpy(&wanted, body + at, 4);
		while (i < ARRAY_SIZE(known) && known[i] != wanted)
			i++;
		if (i == ARRAY_SIZE(known))
			return refuse_tag(image, "information", wanted);
	}
	return 0;
}

/* One tag that the loader may not ignore, or that tells where things go. */
static int take_tag(const struct image *image, struct kernel *kernel,
		    const struct header_tag *tag, const u8 *body)
{
	u32 size = tag->size - sizeof(*tag);

	switch (tag->type) {
	case HEADER_REQUEST:
		return tag->flags & HEADER_OPTIONAL ? 0 : check_request(image, body, size);
	case HEADER_ADDRESS:
		if (size < sizeof(kernel->addresses))
			break;
		memcpy(&kernel->addresses, body, sizeof(kernel->addresses));
		kernel->has_addresses = true;
		return 0;
	case HEADER_ENTRY:
		if (size < sizeof(kernel->entry))
			break;
		memcpy(&kernel->entry, body, sizeof(kernel->entry));
		kernel->has_entry = true;
		return 0;
	case HEADER_MODULE_ALIGN:	/* they always are */
	case HEADER_RELOCATABLE:	/* it is loaded where it is linked to be */
	case HEADER_EFI_SERVICES:	/* for loaders that EFI started */
	case HEADER_EFI32_ENTRY:
	case HEADER_EFI64_ENTRY:
		return 0;
	default:
		break;
	}
	return tag->flags & HEADER_OPTIONAL ? 0 : refuse_tag(image, "tag", tag->type);
}

static int read_tags(const struct image *image, struct kernel *kernel)
{
	u64 at = kernel->offset + sizeof(struct header);

	while (at + sizeof(struct header_tag) <= kernel->end) {
		struct header_tag tag;
		int ret;

		memcpy(&tag, kernel->header + at, sizeof(tag));
		if (tag.size < sizeof(tag) || tag.size > kernel->end - at)
			break;
		if (tag.type == HEADER_END)
			return 0;
		ret = take_tag(image, kernel, &tag, kernel->header + at + sizeof(tag));
		if (ret)
			return ret;
		at += ALIGN_UP((u64)tag.size, TAG_ALIGN);
	}
	return fail(-ENOEXEC, "%s has a broken multiboot 2 header", image->path);
}

/* A tag of @size bytes behind its head; NULL if there is no room. */
static void *add_tag(const struct guest_ram *ram, u64 *at, u32 type, u64 size)
{
	u64 room = INFO_END - *at, need = sizeof(struct info_tag) + size;
	struct info_tag *tag;

	if (need > room || ALIGN_UP(need, TAG_ALIGN) > room)
		return NULL;
	tag = ram_at(ram, *at, need);
	*tag = (struct info_tag) { .type = type, .size = need };
	*at += ALIGN_UP(need, TAG_ALIGN);
	return tag + 1;
}

static int add_data(const struct guest_ram *ram, u64 *at, u32 type, const void *data,
		    u64 size)
{
	void *body = add_tag(ram, at, type, size);

	if (!body)
		return fail(-E2BIG, "the command lines of the kernel and its modules are too long");
	memcpy(body, data, size);
	return 0;
}

static int add_module(const struct guest_ram *ram, u64 *at, const struct boot_module *module,
		      u64 floor, u64 *ceiling)
{
	u64 len = strlen(module->cmdline) + 1;
	struct image image;
	u32 *body;
	u64 gpa;
	int ret;

	ret = image_open(&image, module->path, "module");
	if (ret)
		return ret;
	ret = image_place(&image, ram, floor, *ceiling, &gpa);
	image_close(&image);
	if (ret)
		return ret;
	body = add_tag(ram, at, INFO_MODULE, 8 + len);
	if (!body)
		return fail(-E2BIG, "the command line of %s is too long", module->path);
	body[0] = gpa;
	body[1] = gpa + image.size;
	memcpy(body + 2, module->cmdline, len);
	*ceiling = gpa;
	return 0;
}

static int add_modules(const struct guest_ram *ram, u64 *at, const struct boot_config *config,
		       u64 floor)
{
	const struct boot_module initrd = { config->initrd, config->initrd };
	u64 ceiling = ram->lowmem;
	int ret = 0;

	if (config->initrd)
		ret = add_module(ram, at, &initrd, floor, &ceiling);
	for (unsigned int i = 0; !ret && i < config->nr_modules; i++)
		ret = add_module(ram, at, &config->modules[i], floor, &ceiling);
	return ret;
}

static int add_memory(const struct guest_ram *ram, u64 *at)
{
	const u32 sizes[2] = { BOOT_EBDA >> 10, (ram->lowmem - BOOT_HIGH) >> 10 };
	struct {
		u32 entry_size, entry_version;
		struct info_mmap_entry entries[MEMMAP_MAX];
	} mmap = { .entry_size = sizeof(struct info_mmap_entry) };
	struct memmap_entry map[MEMMAP_MAX];
	unsigned int n = boot_memmap(ram, map);
	int ret;

	for (unsigned int i = 0; i < n; i++)
		mmap.entries[i] = (struct info_mmap_entry) {
			.base = map[i].start, .len = map[i].size, .type = map[i].type,
		};
	ret = add_data(ram, at, INFO_MEMORY, sizes, sizeof(sizes));
	if (ret)
		return ret;
	return add_data(ram, at, INFO_MMAP, &mmap,
			offsetof(typeof(mmap), entries) + n * sizeof(*mmap.entries));
}

/* 3.4: the fixed part, and the tags. */
static int write_info(const struct guest_ram *ram, const struct boot_config *config,
		      const struct elf_info *info, u64 rsdp)
{
	static const char loader[] = "vmxl";
	u32 base = info->low, *head = ram_at(ram, INFO_AT, 8);
	u64 at = INFO_AT + 8;
	int ret;

	ret = add_data(ram, &at, INFO_CMDLINE, config->cmdline, strlen(config->cmdline) + 1);
	if (!ret)
		ret = add_data(ram, &at, INFO_LOADER_NAME, loader, sizeof(loader));
	if (!ret)
		ret = add_memory(ram, &at);
	if (!ret)
		ret = add_data(ram, &at, INFO_RSDP_1, ram_at(ram, rsdp, RSDP_1_SIZE),
			       RSDP_1_SIZE);
	if (!ret)
		ret = add_data(ram, &at, INFO_RSDP_2, ram_at(ram, rsdp, RSDP_2_SIZE),
			       RSDP_2_SIZE);
	if (!ret)
		ret = add_data(ram, &at, INFO_LOAD_BASE, &base, sizeof(base));
	if (!ret)
		ret = add_modules(ram, &at, config, info->high);
	if (!ret)
		ret = add_data(ram, &at, INFO_END_TAG, "", 0);
	head[0] = at - INFO_AT;
	head[1] = 0;
	return ret;
}

static int load_kernel(const struct image *image, struct kernel *kernel,
		       const struct guest_ram *ram, struct elf_info *info)
{
	struct multiboot_addresses *a = &kernel->addresses;
	int ret;

	if (kernel->has_addresses) {
		if (!kernel->has_entry)
			return fail(-ENOEXEC, "%s has load addresses but no entry", image->path);
		/* 3.1.5: the file is loaded from its beginning. */
		if (a->load_addr == UINT32_MAX)
			a->load_addr = a->header_addr - kernel->offset;
		ret = multiboot_load_addresses(image, a, kernel->offset, ram, info);
	} else if (elf_probe(image)) {
		ret = elf_load(image, ram, info);
	} else {
		ret = fail(-ENOEXEC,
			   "%s has a multiboot 2 header without addresses, and is no ELF file",
			   image->path);
	}
	if (ret)
		return ret;
	if (kernel->has_entry)
		info->entry = kernel->entry;
	return elf_check_entry(info, info->entry, image->path, "an entry");
}

/**
 * multiboot2_load() - load a Multiboot 2 kernel and its modules
 * @image: the file, probed
 * @config: modules (the initrd is the first) and command line
 * @ram: the RAM
 * @rsdp: address of the ACPI root pointer
 * @state: reset state in; out: 32-bit protected mode at the entry
 *
 * Return: 0, or a negative errno after a message.
 */
int multiboot2_load(const struct image *image, const struct boot_config *config,
		    const struct guest_ram *ram, u64 rsdp, struct vcpu_state *state)
{
	struct kernel kernel = { };
	struct elf_info info = { };
	int ret;

	ret = find_header(image, &kernel);
	if (ret)
		return fail(ret, "%s has no multiboot 2 header for this processor", image->path);
	ret = read_tags(image, &kernel);
	if (!ret)
		ret = load_kernel(image, &kernel, ram, &info);
	if (!ret)
		ret = write_info(ram, config, &info, rsdp);
	if (ret)
		return ret;

	boot_protected_mode(ram, state);
	state->regs.rip = info.entry;
	state->regs.rax = BOOTLOADER_MAGIC;
	state->regs.rbx = INFO_AT;
	return 0;
}
