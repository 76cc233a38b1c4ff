// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loaders: good images, and images broken in each way that is checked.
 * Messages go to stderr, and are turned off: what counts is the refusal, and
 * that the sanitizers see no access outside of guest RAM.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asm/bootparam.h>
#include <sys/mman.h>

#include "boot.h"
#include "tap.h"

#define KERNEL_SIZE	0x4000		/* of the made bzImage */
#define SETUP_SIZE	0x400
#define LOAD		0x1000000

static struct guest_ram ram;
static struct vcpu_state state;
static u8 file[0x8000];
static int initrd_fd = -1;

static void ram_setup(u64 lowmem, u64 highmem)
{
	ram = (struct guest_ram) { .lowmem = lowmem, .highmem = highmem };
	ram.base = mmap(NULL, lowmem + highmem, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT(ram.base != MAP_FAILED);
}

static void ram_teardown(void)
{
	munmap(ram.base, ram.lowmem + ram.highmem);
}

static const char *path_of(int fd)
{
	static char paths[4][64];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "/proc/self/fd/%d", fd);
	return path;
}

static int make_file(const void *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, data, size), size);
	return fd;
}

static int load(size_t size, struct boot_config config)
{
	int fd = make_file(file, size);
	int ret;

	config.kernel = path_of(fd);
	if (!config.cmdline)
		config.cmdline = "";
	if (!config.topology.cores)
		config.topology = (struct topology) { 1, 1, 1 };
	ret = boot_load(&config, &ram, &state);
	close(fd);
	return ret;
}

#define NOTHING_MORE	((struct boot_config) { 0 })

/* ---- bzImage ---- */

static struct setup_header *header(void)
{
	return (void *)(file + 0x1f1);
}

static size_t make_bzimage(void)
{
	struct setup_header *h = header();

	memset(file, 0x90, sizeof(file));
	memset(file, 0, SETUP_SIZE);
	*h = (struct setup_header) {
		.setup_sects = SETUP_SIZE / 512 - 1,
		.syssize = (KERNEL_SIZE - SETUP_SIZE) / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,		/* the header ends at 0x26c */
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = LOAD,
		.init_size = 0x800000,
	};
	return KERNEL_SIZE;
}

static struct boot_params *params(void)
{
	return ram_at(&ram, state.regs.rsi, sizeof(struct boot_params));
}

static void bzimage_good(void)
{
	ram_setup(64 * MIB, 0);
	EXPECT_EQ(load(make_bzimage(), (struct boot_config) { .cmdline = "console=ttyS0" }), 0);
	EXPECT_EQ(state.regs.rip, LOAD + 0x200);
	EXPECT_EQ(state.regs.rflags, 2);
	EXPECT_EQ(state.control.cr0 & 0x80000001, 0x80000001);
	EXPECT_EQ(state.control.efer, 0x500);
	EXPECT_EQ(state.control.cr4 & 0x20, 0x20);
	EXPECT_EQ(state.segs.cs.selector, 0x10);
	EXPECT_EQ(state.segs.cs.attr, 0xa09b);
	EXPECT_EQ(state.segs.ds.selector, 0x18);
	EXPECT(!memcmp(ram_at(&ram, LOAD, 16), file + SETUP_SIZE, 16));
	EXPECT_EQ(params()->hdr.type_of_loader, 0xff);
	EXPECT_EQ(params()->hdr.header, 0x53726448);
	EXPECT_EQ(params()->hdr.ramdisk_size, 0);
	EXPECT(!strcmp(ram_at(&ram, params()->hdr.cmd_line_ptr, 16), "console=ttyS0"));
	EXPECT(!memcmp(ram_at(&ram, params()->acpi_rsdp_addr, 8), "RSD PTR ", 8));
	ram_teardown();
}

/* Follow the tables from CR3 for an address, as the CPU does. */
static u64 translate(u64 linear)
{
	u64 table = state.control.cr3;

	for (unsigned int level = 4; level > 0; level--) {
		const u64 *entries = ram_at(&ram, table, 4096);
		u64 e = entries[linear >> (12 + 9 * (level - 1)) & 511];

		if (!(e & 1))
			return ~0ULL;
		if (level > 1 && (e & 0x80)) {
			u64 mask = (1ULL << (12 + 9 * (level - 1))) - 1;

			return (e & ~mask & 0xffffffffff000) | (linear & mask);
		}
		table = e & 0xffffffffff000;
	}
	return table | (linear & 4095);
}

static void bzimage_mapping(void)
{
	static const u64 same[] = { 0, 0x7000, 0x12345678, 0xc0000000, 0xfee00000, 0xffffffff };

	ram_setup(64 * MIB, 0);
	EXPECT_EQ(load(make_bzimage(), NOTHING_MORE), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(same); i++)
		EXPECT_EQ(translate(same[i]), same[i]);
	EXPECT_EQ(translate(4 * GIB), ~0ULL);
	ram_teardown();
}

static void bzimage_e820(void)
{
	ram_setup(3 * GIB, 3 * GIB);
	EXPECT_EQ(load(make_bzimage(), NOTHING_MORE), 0);
	EXPECT_EQ(params()->e820_entries, 6);
	for (unsigned int i = 0; i < 6; i++) {
		const struct boot_e820_entry *e = &params()->e820_table[i];

		if (i)
			EXPECT(e->addr >= e[-1].addr + e[-1].size);
		if (e->type == 1)
			EXPECT(ram_at(&ram, e->addr, e->size));
	}
	EXPECT_EQ(params()->e820_table[3].addr, 0x100000);
	EXPECT_EQ(params()->e820_table[3].size, 3 * GIB - 0x100000);
	EXPECT_EQ(params()->e820_table[4].addr, 0xfeb00000);	/* ECAM */
	EXPECT_EQ(params()->e820_table[4].size, 0x100000);
	EXPECT_EQ(params()->e820_table[4].type, 2);
	EXPECT_EQ(params()->e820_table[5].addr, 4 * GIB);
	EXPECT_EQ(params()->e820_table[5].size, 3 * GIB);
	ram_teardown();
}

static void bzimage_moves_down(void)
{
	ram_setup(16 * MIB, 0);		/* not enough for the preferred address */
	EXPECT_EQ(load(make_bzimage(), NOTHING_MORE), 0);
	EXPECT_EQ(state.regs.rip, 0x200000 + 0x200);
	make_bzimage();
	header()->relocatable_kernel = 0;
	EXPECT(load(KERNEL_SIZE, NOTHING_MORE) < 0);
	ram_teardown();
}

static void bzimage_initrd(void)
{
	static u8 initrd[12345];
	struct boot_config config = { 0 };
	u64 at;

	memset(initrd, 0x77, sizeof(initrd));
	initrd_fd = make_file(initrd, sizeof(initrd));
	config.initrd = path_of(initrd_fd);
	ram_setup(64 * MIB, 0);
	EXPECT_EQ(load(make_bzimage(), config), 0);
	at = params()->hdr.ramdisk_image;
	EXPECT_EQ(params()->hdr.ramdisk_size, sizeof(initrd));
	EXPECT_EQ(at % 4096, 0);
	EXPECT(at >= LOAD + 0x800000);
	EXPECT(at + sizeof(initrd) > 64 * MIB - 8192);
	EXPECT(!memcmp(ram_at(&ram, at, sizeof(initrd)), initrd, sizeof(initrd)));

	make_bzimage();
	header()->initrd_addr_max = 0x1ffffff;	/* below 32 MiB */
	EXPECT_EQ(load(KERNEL_SIZE, config), 0);
	EXPECT(params()->hdr.ramdisk_image + sizeof(initrd) <= 0x2000000);

	make_bzimage();
	header()->initrd_addr_max = LOAD + 0x800000 + 8192;
	EXPECT_EQ(load(KERNEL_SIZE, config), -E2BIG);
	ram_teardown();
	ram_setup(24 * MIB, 0);		/* the kernel takes all */
	EXPECT_EQ(load(make_bzimage(), config), -E2BIG);
	config.initrd = "/nonexistent/initrd";
	EXPECT_EQ(load(make_bzimage(), config), -ENOENT);
	config.initrd = "/dev/null";
	EXPECT_EQ(load(make_bzimage(), config), -EINVAL);
	config.initrd = "/";
	EXPECT_EQ(load(make_bzimage(), config), -EINVAL);
	ram_teardown();
	close(initrd_fd);
}

static void bzimage_cmdline(void)
{
	char text[70000];

	memset(text, 'x', sizeof(text));
	ram_setup(64 * MIB, 0);
	text[2047] = '\0';
	EXPECT_EQ(load(make_bzimage(), (struct boot_config) { .cmdline = text }), 0);
	text[2047] = 'x';
	text[2048] = '\0';
	EXPECT_EQ(load(make_bzimage(), (struct boot_config) { .cmdline = text }), -E2BIG);
	text[2048] = 'x';
	text[sizeof(text) - 1] = '\0';
	make_bzimage();
	header()->cmdline_size = 0xffffffff;
	EXPECT_EQ(load(KERNEL_SIZE, (struct boot_config) { .cmdline = text }), -E2BIG);
	ram_teardown();
}

static void break_version(void)
{
	header()->version = 0x020b;
}

static void break_32bit(void)
{
	header()->xloadflags = 0;
}

static void break_no_size(void)
{
	header()->init_size = 0;
}

static void break_huge_size(void)
{
	header()->init_size = 0xffffffff;
}

static void break_no_alignment(void)
{
	header()->kernel_alignment = 0;
}

static void break_odd_alignment(void)
{
	header()->kernel_alignment = 0x200001;
}

static void break_huge_alignment(void)
{
	header()->kernel_alignment = 0x80000000;
}

static void break_syssize(void)
{
	header()->syssize++;
}

static void break_sects(void)
{
	header()->setup_sects = 0xff;
}

static void break_flag(void)
{
	header()->boot_flag = 0;
}

static void break_magic(void)
{
	header()->header++;
}

static void break_address(void)
{
	header()->relocatable_kernel = 0;
	header()->pref_address = ~0ULL;
}

static void break_low_address(void)
{
	header()->relocatable_kernel = 0;
	header()->pref_address = 0x1000;
}

static void bzimage_broken(void)
{
	static void (*const breaks[])(void) = {
		break_version, break_32bit, break_no_size, break_huge_size, break_no_alignment,
		break_odd_alignment, break_syssize, break_sects, break_flag, break_magic,
		break_address, break_low_address,
	};

	ram_setup(64 * MIB, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(breaks); i++) {
		make_bzimage();
		breaks[i]();
		if (load(KERNEL_SIZE, NOTHING_MORE) >= 0) {
			printf("# break %u was taken\n", i);
			tap_failed = true;
		}
	}
	/* This one is odd, and the preferred address saves it. */
	make_bzimage();
	break_huge_alignment();
	EXPECT_EQ(load(KERNEL_SIZE, NOTHING_MORE), 0);
	for (size_t size = 1; size < KERNEL_SIZE; size += size < 0x600 ? 1 : 97) {
		make_bzimage();
		EXPECT(load(size, NOTHING_MORE) < 0);
	}
	ram_teardown();
}

/* ---- ELF and PVH ---- */

struct elf64_image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr load;
	Elf64_Phdr note;
	struct {
		Elf64_Nhdr other;
		char other_name[8];
		char other_desc[8];
		Elf64_Nhdr nhdr;
		char name[4];
		u32 entry;
	} notes;
	u8 code[256];
};

static struct elf64_image *make_elf64(void)
{
	struct elf64_image *e = (void *)file;

	memset(file, 0, sizeof(file));
	*e = (struct elf64_image) {
		.ehdr = {
			.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1,
			.e_entry = 0x100040, .e_phoff = offsetof(struct elf64_image, load),
			.e_ehsize = sizeof(e->ehdr), .e_phentsize = sizeof(e->load), .e_phnum = 2,
		},
		.load = {
			.p_type = PT_LOAD, .p_offset = offsetof(struct elf64_image, code),
			.p_paddr = 0x100000, .p_vaddr = 0xffffffff80100000,
			.p_filesz = 256, .p_memsz = 0x1000,
		},
		.note = {
			.p_type = PT_NOTE, .p_offset = offsetof(struct elf64_image, notes),
			.p_filesz = sizeof(e->notes), .p_memsz = sizeof(e->notes), .p_align = 4,
		},
		.notes = {
			.other = { 6, 5, 1 }, .other_name = "Linux",
			.nhdr = { 4, 4, 18 }, .name = "Xen", .entry = 0x100010,
		},
	};
	memcpy(e->ehdr.e_ident, ELFMAG, SELFMAG);
	e->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	memset(e->code, 0xf4, sizeof(e->code));
	return e;
}

static void pvh_good(void)
{
	struct boot_module module = { NULL, "first words" };
	struct boot_config config = { .cmdline = "hello", .modules = &module, .nr_modules = 1 };
	const u32 *info;
	const u64 *list;

	initrd_fd = make_file("0123456789", 10);
	module.path = path_of(initrd_fd);
	config.initrd = module.path;
	ram_setup(8 * MIB, 0);
	make_elf64();
	EXPECT_EQ(load(sizeof(struct elf64_image), config), 0);
	EXPECT_EQ(state.regs.rip, 0x100010);
	EXPECT_EQ(state.control.cr0 & 0x80000001, 1);	/* protected, not paged */
	EXPECT_EQ(state.control.efer, 0);
	EXPECT_EQ(state.segs.cs.attr, 0xc09b);
	EXPECT_EQ(*(u8 *)ram_at(&ram, 0x1000ff, 1), 0xf4);
	EXPECT_EQ(*(u8 *)ram_at(&ram, 0x100100, 1), 0);

	info = ram_at(&ram, state.regs.rbx, 56);
	EXPECT_EQ(info[0], 0x336ec578);
	EXPECT_EQ(info[1], 1);
	EXPECT_EQ(info[3], 2);		/* modules */
	EXPECT_EQ(info[12], 5);		/* memory map */
	list = ram_at(&ram, info[4], 64);
	EXPECT(!memcmp(ram_at(&ram, list[0], 10), "0123456789", 10));
	EXPECT_EQ(list[1], 10);
	EXPECT(list[4] + 10 <= list[0]);
	EXPECT(!strcmp(ram_at(&ram, list[6], 16), "first words"));
	EXPECT(!strcmp(ram_at(&ram, info[6], 16), "hello"));
	EXPECT(!memcmp(ram_at(&ram, info[8], 8), "RSD PTR ", 8));
	ram_teardown();
	close(initrd_fd);
}

static void elf_broken(void)
{
	static const struct {
		size_t offset;
		unsigned int size;
		u64 value;
	} cases[] = {
#define E(field, value) { offsetof(struct elf64_image, field), \
			  sizeof(((struct elf64_image *)0)->field), value }
		E(ehdr.e_machine, EM_AARCH64),
		E(ehdr.e_phoff, 0x7fffffff),
		E(ehdr.e_phoff, ~0ULL),
		E(ehdr.e_phoff, ~0ULL - 55),
		E(ehdr.e_phnum, 0xffff),
		E(ehdr.e_phnum, 0),
		E(ehdr.e_phentsize, 8),
		E(ehdr.e_phentsize, 0xffff),
		E(load.p_type, PT_NULL),
		E(load.p_offset, 0x7fffffff),
		E(load.p_offset, ~0ULL),
		E(load.p_filesz, 0x2000),
		E(load.p_filesz, ~0ULL),
		E(load.p_memsz, 0xff),
		E(load.p_memsz, ~0ULL),
		E(load.p_memsz, 8 * MIB),
		E(load.p_paddr, 0),
		E(load.p_paddr, 0xff000),
		E(load.p_paddr, 8 * MIB),
		E(load.p_paddr, 8 * MIB - 1),
		E(load.p_paddr, ~0ULL),
		E(note.p_offset, ~0ULL),
		E(note.p_offset, 0x7fffffff),
		E(note.p_filesz, 12),
		E(note.p_filesz, 27),
		E(note.p_filesz, 47),
		E(notes.other.n_namesz, 0xffffffff),
		E(notes.other.n_descsz, 0xffffffff),
		E(notes.nhdr.n_descsz, 0xfffffff0),
		E(notes.nhdr.n_descsz, 0),
		E(notes.nhdr.n_namesz, 5),
		E(notes.nhdr.n_type, 17),
		E(notes.entry, 0),
		E(notes.entry, 0xfffff),
		E(notes.entry, 0x101000),
#undef E
	};

	ram_setup(8 * MIB, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 *e = (void *)make_elf64();

		memcpy(e + cases[i].offset, &cases[i].value, cases[i].size);
		if (load(sizeof(struct elf64_image), NOTHING_MORE) >= 0) {
			printf("# break %u was taken\n", i);
			tap_failed = true;
		}
	}
	for (size_t size = 1; size < sizeof(struct elf64_image); size++) {
		make_elf64();
		EXPECT(load(size, NOTHING_MORE) < 0);
	}
	ram_teardown();
}

/* ---- multiboot ---- */

struct mb_image {
	u32 magic, flags, checksum;
	u32 header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
	u8 code[96];
};

#define MB_OFFSET	64

static struct mb_image *make_multiboot(void)
{
	struct mb_image *m = (void *)(file + MB_OFFSET);

	memset(file, 0, sizeof(file));
	*m = (struct mb_image) {
		.magic = 0x1badb002, .flags = 0x10003, .checksum = -(0x1badb002 + 0x10003),
		.header_addr = 0x100000 + MB_OFFSET, .load_addr = 0x100000,
		.load_end_addr = 0x100000 + MB_OFFSET + sizeof(*m),
		.bss_end_addr = 0x102000, .entry_addr = 0x100000 + MB_OFFSET + 32,
	};
	memset(m->code, 0xf4, sizeof(m->code));
	return m;
}

static void multiboot_good(void)
{
	struct boot_module modules[2] = { { NULL, "one" }, { NULL, "two" } };
	struct boot_config config = { .cmdline = "hi", .modules = modules, .nr_modules = 2 };
	const u32 *info, *list;

	initrd_fd = make_file("abc", 3);
	modules[0].path = path_of(initrd_fd);
	modules[1].path = modules[0].path;
	ram_setup(8 * MIB, 0);
	make_multiboot();
	EXPECT_EQ(load(MB_OFFSET + sizeof(struct mb_image), config), 0);
	EXPECT_EQ(state.regs.rax, 0x2badb002);
	EXPECT_EQ(state.regs.rip, 0x100000 + MB_OFFSET + 32);
	EXPECT_EQ(*(u8 *)ram_at(&ram, state.regs.rip, 1), 0xf4);
	info = ram_at(&ram, state.regs.rbx, 116);
	EXPECT_EQ(info[0] & 0x4d, 0x4d);	/* memory, cmdline, modules, map */
	EXPECT_EQ(info[2], 7 * 1024);		/* KiB above 1 MiB */
	EXPECT(!strcmp(ram_at(&ram, info[4], 16), "hi"));
	EXPECT_EQ(info[5], 2);
	list = ram_at(&ram, info[6], 32);
	for (unsigned int i = 0; i < 2; i++) {
		EXPECT_EQ(list[4 * i] % 4096, 0);
		EXPECT_EQ(list[4 * i + 1] - list[4 * i], 3);
		EXPECT(!memcmp(ram_at(&ram, list[4 * i], 3), "abc", 3));
		EXPECT(!strcmp(ram_at(&ram, list[4 * i + 2], 16), modules[i].cmdline));
	}
	EXPECT_EQ(info[11], 5 * 24);
	ram_teardown();
	close(initrd_fd);
}

static void multiboot_broken(void)
{
	static const struct {
		size_t offset;
		u32 value;
	} cases[] = {
#define M(field, value) { offsetof(struct mb_image, field), value }
		M(magic, 0x1badb003),
		M(header_addr, 0),
		M(header_addr, 0x0fffff),
		M(header_addr, 0x100000 + MB_OFFSET + 4),
		M(header_addr, 0xffffffff),
		M(load_addr, 0),
		M(load_addr, 0xffffffff),
		M(load_end_addr, 0x100000),
		M(load_end_addr, 1),
		M(load_end_addr, 0x100000 + MB_OFFSET + sizeof(struct mb_image) + 1),
		M(load_end_addr, 0xffffffff),
		M(bss_end_addr, 8 * MIB + 1),
		M(bss_end_addr, 0xffffffff),
		M(entry_addr, 0),
		M(entry_addr, 0xfffff),
		M(entry_addr, 0x102000),
		M(entry_addr, 0xffffffff),
#undef M
	};

	ram_setup(8 * MIB, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 *m = (void *)make_multiboot();

		memcpy(m + cases[i].offset, &cases[i].value, 4);
		if (load(MB_OFFSET + sizeof(struct mb_image), NOTHING_MORE) >= 0) {
			printf("# break %u was taken\n", i);
			tap_failed = true;
		}
	}
	for (size_t size = 1; size < MB_OFFSET + sizeof(struct mb_image); size++) {
		make_multiboot();
		EXPECT(load(size, NOTHING_MORE) < 0);
	}
	/* A feature that nobody here has: bit 3 must be understood. */
	make_multiboot()->flags |= 8;
	((struct mb_image *)(file + MB_OFFSET))->checksum -= 8;
	EXPECT_EQ(load(MB_OFFSET + sizeof(struct mb_image), NOTHING_MORE), -ENOEXEC);
	ram_teardown();
}

/* ---- multiboot 2 ---- */

/* A header of version 2 with an address tag, an entry tag, one to vary, and the end. */
struct mb2_image {
	u32 magic, architecture, length, checksum;
	u16 address_type, address_flags;
	u32 address_size;
	u32 header_addr, load_addr, load_end_addr, bss_end_addr;
	u16 entry_type, entry_flags;
	u32 entry_size;
	u32 entry_addr, entry_pad;
	u16 more_type, more_flags;
	u32 more_size;
	u32 more[2];
	u16 end_type, end_flags;
	u32 end_size;
	u8 code[64];
};

static struct mb2_image *make_multiboot2(void)
{
	struct mb2_image *m = (void *)(file + MB_OFFSET);
	u32 length = offsetof(struct mb2_image, code);

	memset(file, 0, sizeof(file));
	*m = (struct mb2_image) {
		.magic = 0xe85250d6, .length = length, .checksum = -(0xe85250d6 + length),
		.address_type = 2, .address_size = 24,
		.header_addr = 0x100000 + MB_OFFSET, .load_addr = 0x100000,
		.load_end_addr = 0x100000 + MB_OFFSET + sizeof(*m),
		.bss_end_addr = 0x102000,
		.entry_type = 3, .entry_size = 12, .entry_addr = 0x100000 + MB_OFFSET + length,
		.more_type = 1, .more_size = 16, .more = { 1, 6 },
		.end_size = 8,
	};
	memset(m->code, 0xf4, sizeof(m->code));
	return m;
}

#define MB2_SIZE	(MB_OFFSET + sizeof(struct mb2_image))

/* A tag of the information, or NULL; the next of its type after @after. */
static const u32 *mb2_tag(u32 type, const u32 *after)
{
	const u32 *info = ram_at(&ram, state.regs.rbx, 8);
	const u32 *tag = info + 2;

	for (; tag[0]; tag += ALIGN_UP(tag[1], 8) / 4)
		if (tag[0] == type && tag > after)
			return tag;
	EXPECT_EQ(tag[1], 8);
	EXPECT_EQ((char *)(tag + 2) - (char *)info, info[0]);
	return NULL;
}

static void multiboot2_good(void)
{
	struct boot_module modules[2] = { { NULL, "one" }, { NULL, "two words" } };
	struct boot_config config = { .cmdline = "hi", .modules = modules, .nr_modules = 2 };
	const u32 *tag = NULL;

	initrd_fd = make_file("abc", 3);
	modules[0].path = path_of(initrd_fd);
	modules[1].path = modules[0].path;
	ram_setup(8 * MIB, 0);
	make_multiboot2();
	EXPECT_EQ(load(MB2_SIZE, config), 0);
	EXPECT_EQ(state.regs.rax, 0x36d76289);
	EXPECT_EQ(state.control.cr0 & 0x80000001, 1);	/* PE without PG */
	EXPECT_EQ(*(u8 *)ram_at(&ram, state.regs.rip, 1), 0xf4);
	EXPECT_EQ(state.regs.rbx % 8, 0);

	tag = mb2_tag(1, NULL);
	EXPECT(tag && !strcmp((char *)(tag + 2), "hi"));
	tag = mb2_tag(4, NULL);
	EXPECT(tag && tag[3] == 7 * 1024);	/* KiB above 1 MiB */
	tag = mb2_tag(6, NULL);
	EXPECT(tag && tag[2] == 24 && tag[3] == 0 && tag[1] == 16 + 5 * 24);
	tag = mb2_tag(15, NULL);
	EXPECT(tag && tag[1] == 8 + 36 && !memcmp(tag + 2, "RSD PTR ", 8));
	tag = mb2_tag(21, NULL);
	EXPECT(tag && tag[2] == 0x100000);
	tag = NULL;
	for (unsigned int i = 0; i < 2; i++) {
		tag = mb2_tag(3, tag);
		EXPECT(tag);
		if (!tag)
			break;
		EXPECT_EQ(tag[2] % 4096, 0);
		EXPECT_EQ(tag[3] - tag[2], 3);
		EXPECT(!memcmp(ram_at(&ram, tag[2], 3), "abc", 3));
		EXPECT(!strcmp((char *)(tag + 4), modules[i].cmdline));
	}
	EXPECT(!mb2_tag(3, tag));
	ram_teardown();
	close(initrd_fd);
}

/* Tags that the loader must understand, may ignore, and cannot satisfy. */
static void multiboot2_tags(void)
{
	static const struct {
		u16 type, flags;
		u32 more[2];
		bool taken;
	} cases[] = {
		{ 1, 0, { 3, 4 }, true },
		{ 1, 0, { 1, 8 }, false },	/* information on a framebuffer */
		{ 1, 1, { 1, 8 }, true },	/* which need not be */
		{ 1, 0, { 9, 1 }, false },	/* sections of the ELF file */
		{ 4, 0, { 1, 0 }, false },	/* a console */
		{ 4, 1, { 1, 0 }, true },
		{ 5, 0, { 640, 480 }, false },	/* a framebuffer */
		{ 5, 1, { 640, 480 }, true },
		{ 6, 0, { 0, 0 }, true },	/* modules on pages */
		{ 99, 0, { 0, 0 }, false },
		{ 99, 1, { 0, 0 }, true },
	};

	ram_setup(8 * MIB, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mb2_image *m = make_multiboot2();

		m->more_type = cases[i].type;
		m->more_flags = cases[i].flags;
		memcpy(m->more, cases[i].more, sizeof(m->more));
		EXPECT_EQ(!load(MB2_SIZE, NOTHING_MORE), cases[i].taken);
	}
	ram_teardown();
}

static void multiboot2_broken(void)
{
	static const struct {
		size_t offset;
		u32 value;
	} cases[] = {
#define M(field, value) { offsetof(struct mb2_image, field), value }
		M(magic, 0xe85250d7),
		M(architecture, 4),
		M(checksum, 0),
		M(address_size, 7),
		M(address_size, 20),
		M(address_size, 0xffffffff),
		M(entry_size, 8),
		M(entry_type, 99),
		M(end_size, 0),
		M(more_size, 0),
		M(more_size, 0x1000),
		M(header_addr, 0),
		M(load_addr, 0),
		M(load_end_addr, 1),
		M(bss_end_addr, 0xffffffff),
		M(entry_addr, 0),
		M(entry_addr, 0x102000),
#undef M
	};

	ram_setup(8 * MIB, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 *m = (void *)make_multiboot2();

		memcpy(m + cases[i].offset, &cases[i].value, 4);
		if (load(MB2_SIZE, NOTHING_MORE) >= 0) {
			printf("# break %u was taken\n", i);
			tap_failed = true;
		}
	}
	for (size_t size = 1; size < MB2_SIZE; size++) {
		make_multiboot2();
		EXPECT(load(size, NOTHING_MORE) < 0);
	}
	ram_teardown();
}

/* ---- flat ---- */

static void flat_images(void)
{
	struct boot_config config = { .cmdline = "", .topology = { 1, 1, 1 } };
	int fd;

	memset(file, 0xf4, 512);
	fd = make_file(file, 512);
	config.flat = path_of(fd);
	config.load = 0x7c00;
	config.entry = 0x07c00000;
	ram_setup(MIB, 0);
	EXPECT_EQ(boot_load(&config, &ram, &state), 0);
	EXPECT_EQ(state.segs.cs.selector, 0x7c0);
	EXPECT_EQ(state.segs.cs.base, 0x7c00);
	EXPECT_EQ(state.segs.ds.base, 0x7c00);
	EXPECT_EQ(state.regs.rip, 0);
	EXPECT_EQ(state.control.cr0 & 1, 0);
	EXPECT_EQ(*(u8 *)ram_at(&ram, 0x7dff, 1), 0xf4);
	config.load = MIB - 511;
	EXPECT(boot_load(&config, &ram, &state) < 0);
	close(fd);
	ram_teardown();
}

/* ---- firmware tables ---- */

static u8 sum(const u8 *p, u64 len)
{
	u8 s = 0;

	while (len--)
		s += *p++;
	return s;
}

static u64 field(const u8 *table, unsigned int offset, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, table + offset, size);
	return value;
}

static const u8 *checked_table(u64 gpa, const char *signature)
{
	const u8 *table = ram_at(&ram, gpa, 36);
	u32 len = field(table, 4, 4);

	EXPECT(gpa >= 0xe0000 && gpa + len <= 0xf0000);
	EXPECT(!memcmp(table, signature, 4));
	EXPECT_EQ(sum(table, len), 0);
	return table;
}

/* And the APIC ids that they have. */
static const struct {
	struct topology topology;
	unsigned int cpus;
	u64 ids;
} topologies[] = {
	{ { 1, 1, 1 }, 1, 0x1 },
	{ { 1, 64, 1 }, 64, ~0ULL },
	{ { 64, 1, 1 }, 64, ~0ULL },
	{ { 2, 3, 1 }, 6, 0x77 },
	{ { 3, 5, 2 }, 30, 0x3ff03ff03ffULL },
};

/* Follow all tables from the root. */
static void acpi_tables(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(topologies); i++) {
		const u8 *rsdp, *xsdt, *fadt, *madt, *mcfg;
		unsigned int lapics = 0;
		u64 root, ids = 0;

		ram_setup(MIB, 0);
		EXPECT_EQ(acpi_build(&ram, &topologies[i].topology, 0, &root), 0);
		rsdp = ram_at(&ram, root, 36);
		EXPECT_EQ(root % 16, 0);
		EXPECT_EQ(sum(rsdp, 20), 0);
		EXPECT_EQ(sum(rsdp, 36), 0);
		checked_table(field(rsdp, 16, 4), "RSDT");
		xsdt = checked_table(field(rsdp, 24, 8), "XSDT");
		fadt = checked_table(field(xsdt, 36, 8), "FACP");
		madt = checked_table(field(xsdt, 44, 8), "APIC");
		mcfg = checked_table(field(xsdt, 52, 8), "MCFG");
		EXPECT_EQ(field(mcfg, 4, 4), 60);
		EXPECT_EQ(field(mcfg, 44, 8), 0xfeb00000);
		EXPECT_EQ(field(mcfg, 52, 4), 0);	/* segment 0, bus 0 to 0 */
		checked_table(field(xsdt, 60, 8), "SPCR");
		checked_table(field(fadt, 140, 8), "DSDT");
		EXPECT_EQ(field(fadt, 4, 4), 276);
		EXPECT_EQ(field(fadt, 64, 4), 0x604);	/* PM1a control */
		EXPECT_EQ(field(fadt, 120, 8), 0xcf9);	/* reset register */
		EXPECT_EQ(field(fadt, 128, 1), 6);
		EXPECT_EQ(field(fadt, 36, 4) % 64, 0);	/* FACS */
		for (u32 at = 44; at < field(madt, 4, 4); at += madt[at + 1]) {
			if (madt[at] == 0) {
				EXPECT_EQ(madt[at + 2], lapics++);
				ids |= 1ULL << madt[at + 3];
			}
			/* The IOAPIC's id is no CPU's. */
			if (madt[at] == 1)
				EXPECT(madt[at + 2] > 63 || !(ids >> madt[at + 2] & 1));
		}
		EXPECT_EQ(lapics, topologies[i].cpus);
		EXPECT_EQ(ids, topologies[i].ids);
		ram_teardown();
	}
}

static void mp_table(void)
{
	for (unsigned int t = 0; t < ARRAY_SIZE(topologies); t++) {
		const u8 *fp, *table, *entry;
		unsigned int processors = 0, pins = 0;
		u64 ids = 0;

		ram_setup(MIB, 0);
		EXPECT_EQ(mptable_build(&ram, &topologies[t].topology), 0);
		fp = ram_at(&ram, 0xf0000, 16);
		EXPECT(!memcmp(fp, "_MP_", 4));
		EXPECT_EQ(sum(fp, 16), 0);
		table = ram_at(&ram, field(fp, 4, 4), 44);
		EXPECT(!memcmp(table, "PCMP", 4));
		EXPECT_EQ(sum(table, field(table, 4, 2)), 0);
		entry = table + 44;
		for (unsigned int i = 0; i < field(table, 34, 2); i++) {
			EXPECT(entry[0] <= 4);
			if (entry[0] == 0) {
				EXPECT_EQ(entry[3] >> 1 & 1, !processors);	/* boots */
				processors++;
				ids |= 1ULL << entry[1];
			}
			/* Interrupts of PCI bus 0: four of each slot from 1, on pins 16 to 23. */
			if (entry[0] == 3 && entry[4] == 0) {
				unsigned int slot = 1 + pins / 4, pin = pins % 4;

				pins++;
				EXPECT_EQ(entry[5], slot << 2 | pin);
				EXPECT_EQ(entry[7], 16 + (slot + pin) % 8);
			}
			entry += entry[0] ? 8 : 20;
		}
		EXPECT_EQ(entry - table, field(table, 4, 2));
		EXPECT_EQ(processors, topologies[t].cpus);
		EXPECT_EQ(ids, topologies[t].ids);
		EXPECT_EQ(pins, 31 * 4);
		ram_teardown();
	}
}

static void nonsense_files(void)
{
	struct boot_config config = { .cmdline = "", .topology = { 1, 1, 1 } };
	static const char *const paths[] = { "/nonexistent", "/", "/dev/zero", "/dev/null" };

	ram_setup(8 * MIB, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(paths); i++) {
		config.kernel = paths[i];
		EXPECT(boot_load(&config, &ram, &state) < 0);
	}
	memset(file, 0xff, sizeof(file));
	EXPECT_EQ(load(sizeof(file), NOTHING_MORE), -ENOEXEC);
	memset(file, 0, sizeof(file));
	EXPECT_EQ(load(sizeof(file), NOTHING_MORE), -ENOEXEC);
	EXPECT_EQ(load(1, NOTHING_MORE), -ENOEXEC);
	ram_teardown();
}

static const struct tap_test tests[] = {
	{ "loaders: files that are no kernels", nonsense_files },
	{ "loaders: bzImage", bzimage_good },
	{ "loaders: bzImage: 4 GiB are mapped, no more", bzimage_mapping },
	{ "loaders: bzImage: e820 with RAM above 4 GiB", bzimage_e820 },
	{ "loaders: bzImage: moves down in a small guest", bzimage_moves_down },
	{ "loaders: bzImage: initrd", bzimage_initrd },
	{ "loaders: bzImage: command line", bzimage_cmdline },
	{ "loaders: bzImage: broken", bzimage_broken },
	{ "loaders: PVH", pvh_good },
	{ "loaders: ELF: broken", elf_broken },
	{ "loaders: multiboot", multiboot_good },
	{ "loaders: multiboot: broken", multiboot_broken },
	{ "loaders: multiboot 2", multiboot2_good },
	{ "loaders: multiboot 2: tags", multiboot2_tags },
	{ "loaders: multiboot 2: broken", multiboot2_broken },
	{ "loaders: flat", flat_images },
	{ "loaders: ACPI tables", acpi_tables },
	{ "loaders: MP table", mp_table },
};

int main(void)
{
	/* The messages are for users: hundreds of them say nothing here. */
	if (!freopen("/dev/null", "w", stderr))
		return 2;
	return tap_main(tests, ARRAY_SIZE(tests));
}
