/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading a guest into its RAM, and the tables firmware would have left there. */
#ifndef VMXL_BOOT_H
#define VMXL_BOOT_H

#include "topology.h"
#include "util.h"
#include "vmmapi.h"

/* The first MiB. What a loader leaves there lies below BOOT_LOW_END. */
#define BOOT_GDT		0x00500
#define BOOT_START_INFO		0x01000	/* of PVH or multiboot, a page */
#define BOOT_PARAMS		0x07000	/* Linux' zero page */
#define BOOT_PAGE_TABLES	0x09000	/* 6 pages */
#define BOOT_CMDLINE		0x20000
#define BOOT_CMDLINE_MAX	0x10000	/* bytes with the NUL */
#define BOOT_MODULE_CMDLINES	0x30000
#define BOOT_LOW_END		0x40000
#define BOOT_EBDA		0x9fc00
#define BOOT_VGA_HOLE		0xa0000
#define BOOT_ACPI_TABLES	0xe0000
#define BOOT_MP_TABLE		0xf0000
#define BOOT_HIGH		0x100000

#define BOOT_MIN_MEMORY		MIB

/* RAM as vm_setup_memory() lays it out, seen from here. */
struct guest_ram {
	char *base;
	u64 lowmem;		/* bytes from 0, at least BOOT_MIN_MEMORY */
	u64 highmem;		/* bytes from VM_HIGHMEM_BASE */
};

/* A file to be loaded, read piece by piece. */
struct image {
	const char *path;
	int fd;
	u64 size;
};

struct boot_module {
	const char *path;
	const char *cmdline;
};

/**
 * struct boot_config - what to load
 * @kernel: bzImage, ELF with a PVH note, or multiboot; NULL with @flat, and with firmware
 * @initrd: or NULL
 * @cmdline: never NULL
 * @modules: for multiboot and PVH
 * @flat: real-mode image instead of @kernel, or NULL
 * @load: where @flat goes
 * @entry: SEG << 16 | OFFSET where @flat starts
 * @topology: of the CPUs, for the tables
 */
struct boot_config {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	const struct boot_module *modules;
	unsigned int nr_modules;
	const char *flat;
	u64 load;
	u32 entry;
	struct topology topology;
};

#define MEMMAP_RAM		1
#define MEMMAP_RESERVED		2
#define MEMMAP_MAX		8

struct memmap_entry {
	u64 start;
	u64 size;
	u32 type;
};

/* Where an ELF file was loaded and may be started. */
struct elf_info {
	u64 entry;		/* physical */
	u64 pvh_entry;		/* 0 without a PVH note */
	u64 low, high;		/* physical addresses in use */
	bool is_64;
};

int boot_load(const struct boot_config *config, struct guest_ram *ram,
	      struct vcpu_state *state);

/* image.c */
int image_open(struct image *image, const char *path, const char *what);
void image_close(struct image *image);
int image_read(const struct image *image, u64 offset, void *buf, u64 len);
void *ram_at(const struct guest_ram *ram, u64 gpa, u64 len);
int image_load(const struct image *image, u64 offset, u64 len,
	       const struct guest_ram *ram, u64 gpa);
int image_place(const struct image *image, const struct guest_ram *ram, u64 floor,
		u64 ceiling, u64 *gpa);

/* layout.c */
unsigned int boot_memmap(const struct guest_ram *ram, struct memmap_entry *map);
int boot_put_string(const struct guest_ram *ram, u64 gpa, const char *text, u64 room,
		    const char *what);
void boot_protected_mode(const struct guest_ram *ram, struct vcpu_state *state);
void boot_long_mode(const struct guest_ram *ram, struct vcpu_state *state);

/* one for each format */
bool bzimage_probe(const struct image *image);
int bzimage_load(const struct image *image, const struct boot_config *config,
		 const struct guest_ram *ram, u64 rsdp, struct vcpu_state *state);
bool elf_probe(const struct image *image);
int elf_load(const struct image *image, const struct guest_ram *ram,
	     struct elf_info *info);
int elf_check_entry(const struct elf_info *info, u64 entry, const char *path,
		    const char *what);
int pvh_start(const struct elf_info *elf, const struct boot_config *config,
	      const struct guest_ram *ram, u64 rsdp, struct vcpu_state *state);
bool multiboot_probe(const struct image *image);
int multiboot_load(const struct image *image, const struct boot_config *config,
		   const struct guest_ram *ram, struct vcpu_state *state);
bool multiboot2_probe(const struct image *image);
int multiboot2_load(const struct image *image, const struct boot_config *config,
		    const struct guest_ram *ram, u64 rsdp, struct vcpu_state *state);
int flat_load(const struct boot_config *config, const struct guest_ram *ram,
	      struct vcpu_state *state);

/* firmware tables */
int acpi_build(const struct guest_ram *ram, const struct topology *t, u32 window, u64 *rsdp);
int mptable_build(const struct guest_ram *ram, const struct topology *t);

#endif /* VMXL_BOOT_H */
