// SPDX-License-Identifier: GPL-2.0-only
/* Which loader for which file. */
#include <errno.h>

#include "boot.h"

static int load_kernel(const struct image *image, const struct boot_config *config,
		       const struct guest_ram *ram, u64 rsdp, struct vcpu_state *state)
{
	struct elf_info elf;
	int ret;

	if (bzimage_probe(image))
		return bzimage_load(image, config, ram, rsdp, state);
	if (elf_probe(image)) {
		ret = elf_load(image, ram, &elf);
		if (ret)
			return ret;
		if (elf.pvh_entry)
			return pvh_start(&elf, config, ram, rsdp, state);
	}
	if (multiboot2_probe(image))
		return multiboot2_load(image, config, ram, rsdp, state);
	if (multiboot_probe(image))
		return multiboot_load(image, config, ram, state);
	if (elf_probe(image))
		return fail(-ENOEXEC,
			    "%s is ELF, but has neither a PVH note nor a multiboot header",
			    image->path);
	return fail(-ENOEXEC,
		    "%s is no kernel: not a bzImage, no ELF with a PVH note, not multiboot",
		    image->path);
}

/**
 * boot_load() - fill guest RAM, and say how its first CPU starts
 * @config: what to load
 * @ram: the RAM, all zero, at least BOOT_MIN_MEMORY
 * @state: out: registers of the first CPU
 *
 * Return: 0, or a negative errno after a message.
 */
int boot_load(const struct boot_config *config, struct guest_ram *ram,
	      struct vcpu_state *state)
{
	struct image image;
	u64 rsdp;
	int ret;

	vcpu_reset_state(state);
	/* Firmware starts where the CPU does, and has its tables from fw_cfg. */
	if (!config->kernel && !config->flat)
		return 0;

	ret = acpi_build(ram, &config->topology, 0, &rsdp);
	if (!ret)
		ret = mptable_build(ram, &config->topology);
	if (ret)
		return ret;

	if (config->flat)
		return flat_load(config, ram, state);

	ret = image_open(&image, config->kernel, "kernel");
	if (ret)
		return ret;
	ret = load_kernel(&image, config, ram, rsdp, state);
	image_close(&image);
	return ret;
}
