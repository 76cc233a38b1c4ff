// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux' bzImage by the 64-bit boot protocol
 * (Documentation/arch/x86/boot.rst in the kernel's source).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <asm/bootparam.h>

#include "boot.h"

#define HEADER_OFFSET		0x1f1	/* struct setup_header within the file */
#define HEADER_MAGIC		0x53726448	/* "HdrS" */
#define BOOT_FLAG		0xaa55
#define MIN_PROTOCOL		0x020c	/* 2.12: xloadflags */
#define ENTRY_64		0x200
#define LOADER_UNKNOWN		0xff
#define SECTOR			512

static int read_header(const struct image *image, struct setup_header *hdr)
{
	u8 jump[2];
	u64 len;
	int ret;

	/* The header's own jump says where it ends. */
	ret = image_read(image, 0x200, jump, sizeof(jump));
	if (ret)
		return ret;
	len = MIN(0x202u + jump[1] - HEADER_OFFSET, sizeof(*hdr));
	memset(hdr, 0, sizeof(*hdr));
	return image_read(image, HEADER_OFFSET, hdr, len);
}

/**
 * bzimage_probe() - whether a file looks like a bzImage
 * @image: the file
 */
bool bzimage_probe(const struct image *image)
{
	struct setup_header hdr;

	return !read_header(image, &hdr) && hdr.header == HEADER_MAGIC &&
	       hdr.boot_flag == BOOT_FLAG;
}

static int check_header(const struct image *image, const struct setup_header *hdr)
{
	if (hdr->version < MIN_PROTOCOL)
		return fail(-ENOEXEC,
			    "%s is too old: it has boot protocol %u.%02u, 2.12 (Linux 3.8) is needed",
			    image->path, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return fail(-ENOEXEC, "%s is a 32-bit kernel, and a 64-bit one is needed",
			    image->path);
	if (!hdr->init_size || !hdr->kernel_alignment ||
	    (hdr->kernel_alignment & (hdr->kernel_alignment - 1)))
		return fail(-ENOEXEC, "%s is damaged: its header has no valid size or alignment",
			    image->path);
	return 0;
}

/* The boot page tables map 4 GiB: RAM above is no place for the kernel. */
static bool below_hole(const struct guest_ram *ram, u64 at, u64 size)
{
	return at < VM_LOWMEM_LIMIT && ram_at(ram, at, size);
}

/* Where the kernel goes: its preferred address, or lower if RAM ends before. */
static int choose_address(const struct image *image, const struct setup_header *hdr,
			  const struct guest_ram *ram, u64 *load)
{
	u64 lowest = ALIGN_UP(BOOT_HIGH, hdr->kernel_alignment);
	u64 at = hdr->pref_address;

	if (at >= BOOT_HIGH && below_hole(ram, at, hdr->init_size)) {
		*load = at;
		return 0;
	}
	if (hdr->relocatable_kernel)
		at = lowest;
	if (at < BOOT_HIGH || !below_hole(ram, at, hdr->init_size))
		return fail(-E2BIG, "%s needs %llu MiB of guest memory: give more with --memory",
			    image->path, (MIN(at, 4 * GIB) + hdr->init_size + MIB - 1) >> 20);
	*load = at;
	return 0;
}

static int load_initrd(const struct boot_config *config, const struct setup_header *hdr,
		       const struct guest_ram *ram, u64 floor, struct boot_params *params)
{
	struct image image;
	u64 gpa;
	int ret;

	if (!config->initrd)
		return 0;
	ret = image_open(&image, config->initrd, "initrd");
	if (ret)
		return ret;
	ret = image_place(&image, ram, floor, (u64)hdr->initrd_addr_max + 1, &gpa);
	if (!ret) {
		params->hdr.ramdisk_image = gpa;
		params->hdr.ramdisk_size = image.size;
	}
	image_close(&image);
	return ret;
}

static void fill_e820(const struct guest_ram *ram, struct boot_params *params)
{
	struct memmap_entry map[MEMMAP_MAX];
	unsigned int n = boot_memmap(ram, map);

	for (unsigned int i = 0; i < n; i++) {
		params->e820_table[i].addr = map[i].start;
		params->e820_table[i].size = map[i].size;
		params->e820_table[i].type = map[i].type;
	}
	params->e820_entries = n;
}

/**
 * bzimage_load() - load a bzImage
 * @image: the file, probed
 * @config: initrd and command line
 * @ram: the RAM
 * @rsdp: address of the ACPI root pointer
 * @state: reset state in; out: at the kernel's 64-bit entry
 *
 * Return: 0, or a negative errno after a message.
 */
int bzimage_load(const struct image *image, const struct boot_config *config,
		 const struct guest_ram *ram, u64 rsdp, struct vcpu_state *state)
{
	struct boot_params *params = ram_at(ram, BOOT_PARAMS, sizeof(*params));
	struct setup_header hdr;
	u64 setup_size, load = 0;
	int ret;

	if (config->nr_modules)
		return fail(-EINVAL, "%s is a bzImage, which takes --initrd and no --module",
			    image->path);
	ret = read_header(image, &hdr);
	if (ret)
		return fail(ret, "cannot read %s: %s", image->path, strerror(-ret));
	ret = check_header(image, &hdr);
	if (ret)
		return ret;

	/* 0 means 4, for the sake of very old kernels. */
	setup_size = ((hdr.setup_sects ? hdr.setup_sects : 4) + 1) * SECTOR;
	if (setup_size + ENTRY_64 >= image->size ||
	    (u64)hdr.syssize * 16 > image->size - setup_size)
		return fail(-ENODATA, "%s is truncated: it has %llu bytes and should have %llu",
			    image->path, image->size, setup_size + (u64)hdr.syssize * 16);
	ret = choose_address(image, &hdr, ram, &load);
	if (ret)
		return ret;
	ret = image_load(image, setup_size, image->size - setup_size, ram, load);
	if (ret)
		return ret;

	memset(params, 0, sizeof(*params));
	params->hdr = hdr;
	params->hdr.type_of_loader = LOADER_UNKNOWN;
	params->hdr.loadflags |= LOADED_HIGH;
	params->hdr.code32_start = load;
	params->hdr.cmd_line_ptr = BOOT_CMDLINE;
	params->acpi_rsdp_addr = rsdp;
	fill_e820(ram, params);

	ret = boot_put_string(ram, BOOT_CMDLINE, config->cmdline,
			      MIN((u64)hdr.cmdline_size + 1, BOOT_CMDLINE_MAX), "the kernel");
	if (ret)
		return ret;
	ret = load_initrd(config, &hdr, ram,
			  load + MAX(hdr.init_size, image->size - setup_size), params);
	if (ret)
		return ret;

	boot_long_mode(ram, state);
	state->regs.rip = load + ENTRY_64;
	state->regs.rsi = BOOT_PARAMS;
	return 0;
}
