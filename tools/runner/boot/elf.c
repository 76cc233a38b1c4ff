// SPDX-License-Identifier: GPL-2.0-only
/* ELF files, 32-bit and 64-bit, and starting those with a PVH note. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

#define MAX_SEGMENTS		64
#define MAX_NOTES_SIZE		(64 * KIB)
#define NOTE_PHYS32_ENTRY	18	/* XEN_ELFNOTE_PHYS32_ENTRY */

#define START_MAGIC		0x336ec578	/* "xEn3" with bit 7 of 'E' set */
#define START_MEMMAP_MAX	MEMMAP_MAX
#define START_MODULES_MAX	16

/* PVH boot protocol: xen/include/public/arch-x86/hvm/start_info.h */
struct hvm_start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
	u64 memmap_paddr;
	u32 memmap_entries;
	u32 reserved;
};

struct hvm_modlist_entry {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u64 reserved;
};

struct hvm_memmap_entry {
	u64 addr;
	u64 size;
	u32 type;
	u32 reserved;
};

struct start_page {
	struct hvm_start_info info;
	struct hvm_memmap_entry memmap[START_MEMMAP_MAX];
	struct hvm_modlist_entry modules[START_MODULES_MAX];
};

/* The fields of both classes that matter here. */
struct segment {
	u32 type;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

struct header {
	u64 entry, phoff;
	u16 machine, phentsize, phnum;
	bool is_64;
};

static int damaged(const struct image *image, const char *what)
{
	return fail(-ENOEXEC, "%s is a broken ELF file: %s", image->path, what);
}

static int read_header(const struct image *image, struct header *h)
{
	union {
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} u = { 0 };
	int ret = image_read(image, 0, &u, MIN(image->size, sizeof(u)));

	if (ret)
		return ret;
	h->is_64 = u.e64.e_ident[EI_CLASS] == ELFCLASS64;
	h->entry = h->is_64 ? u.e64.e_entry : u.e32.e_entry;
	h->phoff = h->is_64 ? u.e64.e_phoff : u.e32.e_phoff;
	h->machine = h->is_64 ? u.e64.e_machine : u.e32.e_machine;
	h->phentsize = h->is_64 ? u.e64.e_phentsize : u.e32.e_phentsize;
	h->phnum = h->is_64 ? u.e64.e_phnum : u.e32.e_phnum;
	return 0;
}

static int read_segment(const struct image *image, const struct header *h,
			unsigned int i, struct segment *s)
{
	union {
		Elf32_Phdr p32;
		Elf64_Phdr p64;
	} u;
	u64 offset;
	int ret;

	if (__builtin_add_overflow(h->phoff, (u64)i * h->phentsize, &offset))
		return -ENODATA;
	ret = image_read(image, offset, &u, h->is_64 ? sizeof(u.p64) : sizeof(u.p32));
	if (ret)
		return ret;
	if (h->is_64)
		*s = (struct segment) {
			u.p64.p_type, u.p64.p_offset, u.p64.p_vaddr, u.p64.p_paddr,
			u.p64.p_filesz, u.p64.p_memsz, u.p64.p_align,
		};
	else
		*s = (struct segment) {
			u.p32.p_type, u.p32.p_offset, u.p32.p_vaddr, u.p32.p_paddr,
			u.p32.p_filesz, u.p32.p_memsz, u.p32.p_align,
		};
	return 0;
}

/**
 * elf_probe() - whether a file is ELF
 * @image: the file
 */
bool elf_probe(const struct image *image)
{
	char magic[SELFMAG];

	return !image_read(image, 0, magic, SELFMAG) && !memcmp(magic, ELFMAG, SELFMAG);
}

static int load_segment(const struct image *image, const struct guest_ram *ram,
			const struct segment *s, u64 entry, struct elf_info *info)
{
	if (!s->memsz)
		return 0;
	if (s->filesz > s->memsz)
		return damaged(image, "a segment is longer in the file than in memory");
	if (s->paddr < BOOT_HIGH)
		return fail(-EINVAL,
			    "%s has a segment at %#llx, and below 1 MiB lie the boot tables",
			    image->path, s->paddr);
	if (!ram_at(ram, s->paddr, s->memsz))
		return fail(-E2BIG,
			    "%s needs %llu bytes at %#llx, where no memory is: try more --memory",
			    image->path, s->memsz, s->paddr);
	/* The header has it as the segment is linked; here no paging is on. */
	if (entry >= s->vaddr && entry - s->vaddr < s->memsz)
		info->entry = entry - s->vaddr + s->paddr;
	info->low = MIN(info->low, s->paddr);
	info->high = MAX(info->high, s->paddr + s->memsz);
	return image_load(image, s->offset, s->filesz, ram, s->paddr);
}

/* Find the PVH entry among the notes: name "Xen", one address. */
static void scan_notes(const u8 *notes, u64 size, u64 align, struct elf_info *info)
{
	u64 at = 0;

	while (size - at >= sizeof(Elf32_Nhdr)) {
		u64 name = at + sizeof(Elf32_Nhdr), desc, next;
		Elf32_Nhdr nhdr;

		memcpy(&nhdr, notes + at, sizeof(nhdr));
		desc = name + ALIGN_UP((u64)nhdr.n_namesz, align);
		next = desc + ALIGN_UP((u64)nhdr.n_descsz, align);
		if (desc + nhdr.n_descsz > size)
			return;
		if (nhdr.n_type == NOTE_PHYS32_ENTRY && nhdr.n_namesz == 4 &&
		    !memcmp(notes + name, "Xen", 4) && nhdr.n_descsz >= 4) {
			memcpy(&info->pvh_entry, notes + desc, MIN(nhdr.n_descsz, 8));
			return;
		}
		if (next > size)
			return;
		at = next;
	}
}

static int load_notes(const struct image *image, const struct segment *s,
		      struct elf_info *info)
{
	u8 *notes;
	int ret;

	if (!s->filesz || s->filesz > MAX_NOTES_SIZE || info->pvh_entry)
		return 0;
	notes = malloc(s->filesz);
	if (!notes)
		return fail(-ENOMEM, "no memory");
	ret = image_read(image, s->offset, notes, s->filesz);
	if (ret)
		ret = damaged(image, "its notes lie beyond its end");
	else
		scan_notes(notes, s->filesz, s->align == 8 ? 8 : 4, info);
	free(notes);
	return ret;
}

/**
 * elf_load() - load an ELF file's segments at their physical addresses
 * @image: the file, probed
 * @ram: the RAM
 * @info: out
 *
 * Return: 0, or a negative errno after a message.
 */
int elf_load(const struct image *image, const struct guest_ram *ram,
	     struct elf_info *info)
{
	struct header h;
	int ret;

	*info = (struct elf_info) { .low = UINT64_MAX };
	if (read_header(image, &h))
		return damaged(image, "it cannot be read");
	if (h.machine != EM_386 && h.machine != EM_X86_64)
		return fail(-ENOEXEC, "%s is an ELF file for another processor", image->path);
	if (h.phnum > MAX_SEGMENTS ||
	    h.phentsize < (h.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return damaged(image, "its program headers make no sense");

	info->entry = h.entry;
	info->is_64 = h.is_64;
	for (unsigned int i = 0; i < h.phnum; i++) {
		struct segment s;

		if (read_segment(image, &h, i, &s))
			return damaged(image, "its program headers lie beyond its end");
		if (s.type == PT_LOAD)
			ret = load_segment(image, ram, &s, h.entry, info);
		else if (s.type == PT_NOTE)
			ret = load_notes(image, &s, info);
		else
			ret = 0;
		if (ret)
			return ret;
	}
	if (!info->high)
		return fail(-ENOEXEC, "%s is an ELF file with nothing to load", image->path);
	return 0;
}

static int add_module(struct start_page *page, const struct guest_ram *ram,
		      const char *path, u64 floor, u64 *ceiling)
{
	struct hvm_modlist_entry *entry;
	struct image image;
	u64 gpa;
	int ret;

	if (page->info.nr_modules == START_MODULES_MAX)
		return fail(-E2BIG, "too many modules: %u are allowed", START_MODULES_MAX);
	ret = image_open(&image, path, "module");
	if (ret)
		return ret;
	ret = image_place(&image, ram, floor, *ceiling, &gpa);
	if (!ret) {
		entry = &page->modules[page->info.nr_modules++];
		entry->paddr = gpa;
		entry->size = image.size;
		*ceiling = gpa;
	}
	image_close(&image);
	return ret;
}

static int add_modules(struct start_page *page, const struct boot_config *config,
		       const struct guest_ram *ram, u64 floor)
{
	u64 ceiling = ram->lowmem, cmdline = BOOT_MODULE_CMDLINES;
	int ret;

	if (config->initrd) {
		ret = add_module(page, ram, config->initrd, floor, &ceiling);
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < config->nr_modules; i++) {
		const struct boot_module *m = &config->modules[i];

		ret = add_module(page, ram, m->path, floor, &ceiling);
		if (!ret)
			ret = boot_put_string(ram, cmdline, m->cmdline,
					      BOOT_LOW_END - cmdline, m->path);
		if (ret)
			return ret;
		page->modules[page->info.nr_modules - 1].cmdline_paddr = cmdline;
		cmdline += strlen(m->cmdline) + 1;
	}
	return 0;
}

/**
 * elf_check_entry() - whether a kernel starts where it was loaded
 * @info: what was loaded
 * @entry: where it is to start, in 32-bit protected mode
 * @path: the file, for the message
 * @what: the entry, with its article, for the message
 *
 * Return: 0, or -ENOEXEC after a message.
 */
int elf_check_entry(const struct elf_info *info, u64 entry, const char *path,
		    const char *what)
{
	if (entry < info->low || entry >= info->high || entry > UINT32_MAX)
		return fail(-ENOEXEC, "%s has %s outside of what it loads", path, what);
	return 0;
}

/**
 * pvh_start() - make a loaded ELF file start by its PVH note
 * @elf: from elf_load(), with pvh_entry
 * @config: initrd, modules and command line; the initrd is the first module
 * @ram: the RAM
 * @rsdp: address of the ACPI root pointer
 * @state: reset state in; out: 32-bit protected mode at the entry
 *
 * Return: 0, or a negative errno after a message.
 */
int pvh_start(const struct elf_info *elf, const struct boot_config *config,
	      const struct guest_ram *ram, u64 rsdp, struct vcpu_state *state)
{
	struct start_page *page = ram_at(ram, BOOT_START_INFO, sizeof(*page));
	struct memmap_entry map[MEMMAP_MAX];
	int ret;

	ret = elf_check_entry(elf, elf->pvh_entry, config->kernel, "a PVH entry");
	if (ret)
		return ret;

	*page = (struct start_page) {
		.info = {
			.magic = START_MAGIC,
			.version = 1,
			.modlist_paddr = BOOT_START_INFO + offsetof(struct start_page, modules),
			.cmdline_paddr = BOOT_CMDLINE,
			.rsdp_paddr = rsdp,
			.memmap_paddr = BOOT_START_INFO + offsetof(struct start_page, memmap),
			.memmap_entries = boot_memmap(ram, map),
		},
	};
	for (unsigned int i = 0; i < page->info.memmap_entries; i++) {
		page->memmap[i].addr = map[i].start;
		page->memmap[i].size = map[i].size;
		page->memmap[i].type = map[i].type;
	}
	ret = boot_put_string(ram, BOOT_CMDLINE, config->cmdline, BOOT_CMDLINE_MAX,
			      "the kernel");
	if (!ret)
		ret = add_modules(page, config, ram, elf->high);
	if (ret)
		return ret;

	boot_protected_mode(ram, state);
	state->regs.rip = elf->pvh_entry;
	state->regs.rbx = BOOT_START_INFO;
	return 0;
}
