// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine that starts in firmware: the image below 4 GiB, and the devices
 * that SeaBIOS and OVMF want beside those that every guest has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot.h"
#include "firmware.h"
#include "loader.h"
#include "peripheral.h"
#include "reset.h"
#include "uart.h"
#include "vmmapi.h"

#define FOUR_GIB	0x100000000ULL

#define FILE_E820	"etc/e820"
#define FILE_SERCON	"etc/sercon-port"
#define FILE_MMIO64	"opt/ovmf/X-PciMmio64Mb"

struct e820_entry {
	u64 start;
	u64 size;
	u32 type;
} __attribute__((packed));

/* To standard error, like the trace it is part of: whole lines */
static void print_debug(u8 byte)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char line[256];
	static unsigned int n;

	pthread_mutex_lock(&lock);
	if (byte != '\n' && byte != '\r')
		line[n++] = byte;
	if (n && (byte == '\n' || n == sizeof(line))) {
		fprintf(stderr, "firmware: %.*s\n", (int)n, line);
		n = 0;
	}
	pthread_mutex_unlock(&lock);
}

/* What was one piece of RAM gets its hole: 640 KiB to 1 MiB is the chipset's. */
static int map_ram(struct firmware *fw)
{
	const struct guest_ram *ram = fw->board->ram;
	int ret = vm_unmap_memory(fw->ctx, 0, ram->lowmem);

	if (!ret)
		ret = vm_map_memory(fw->ctx, 0, ram->base, BOOT_VGA_HOLE, 0);
	if (!ret && ram->lowmem > BOOT_HIGH)
		ret = vm_map_memory(fw->ctx, BOOT_HIGH, ram->base + BOOT_HIGH,
				    ram->lowmem - BOOT_HIGH, 0);
	return ret;
}

/* The code ends at 4 GiB, where the first instruction is (SDM vol. 3, 10.1.4). */
static int map_code(struct firmware *fw)
{
	struct irqchip *chip = fw->board->irqchip;

	return chip->map_rom(chip, FOUR_GIB - fw->code.size, fw->code.base, fw->code.size);
}

static int add_e820(struct fwcfg *fwcfg, const struct guest_ram *ram)
{
	struct e820_entry entries[] = {
		{ 0, ram->lowmem, MEMMAP_RAM },
		{ VM_HIGHMEM_BASE, ram->highmem, MEMMAP_RAM },
	};

	return fwcfg_add_file(fwcfg, FILE_E820, entries,
			      (ram->highmem ? 2 : 1) * sizeof(*entries));
}

static int add_acpi(struct fwcfg *fwcfg, const struct topology *topology, u64 lowmem)
{
	struct acpi_files files;
	int ret = acpi_files_make(&files, topology, lowmem);

	if (!ret)
		ret = fwcfg_add_file(fwcfg, ACPI_FILE_RSDP, files.rsdp, sizeof(files.rsdp));
	if (!ret)
		ret = fwcfg_add_file(fwcfg, ACPI_FILE_TABLES, files.tables, files.tables_size);
	if (!ret)
		ret = fwcfg_add_file(fwcfg, ACPI_FILE_SCRIPT, files.script, files.script_size);
	acpi_files_free(&files);
	return ret;
}

static int fill_fwcfg(struct firmware *fw, const struct topology *topology)
{
	struct fwcfg *fwcfg = &fw->fwcfg;
	u16 cpus = topology_cpus(topology), sercon = UART_COM1_PORT;
	int ret;

	ret = fwcfg_add(fwcfg, FWCFG_NB_CPUS, &cpus, sizeof(cpus));
	if (!ret)
		ret = fwcfg_add(fwcfg, FWCFG_MAX_CPUS, &cpus, sizeof(cpus));
	if (!ret)
		ret = add_e820(fwcfg, fw->board->ram);
	if (!ret)
		ret = add_acpi(fwcfg, topology, fw->board->ram->lowmem);
	/* There is no screen: SeaBIOS shows and reads what int 10h and 16h are for here. */
	if (!ret)
		ret = fwcfg_add_file(fwcfg, FILE_SERCON, &sercon, sizeof(sercon));
	/* OVMF's window above 4 GiB is not the one of the ACPI tables: do without. */
	if (!ret)
		ret = fwcfg_add_file(fwcfg, FILE_MMIO64, "0", 2);
	return ret ? ret : fwcfg_finish(fwcfg);
}

static int make_pic(struct firmware *fw)
{
	struct irqchip *chip = fw->board->irqchip;
	int ret = pic_init(&fw->pic, fw->board->ports, chip);

	chip->pic = &fw->pic;
	return ret;
}

static void unmake_pic(struct firmware *fw)
{
	fw->board->irqchip->pic = NULL;
	pic_destroy(&fw->pic, fw->board->ports);
}

static int make_pit(struct firmware *fw)
{
	struct vmx_lite_info info;
	int ret;

	vm_get_info(fw->ctx, &info);
	ret = pit_init(&fw->pit, fw->board->ports, fw->board->irqchip, info.tsc_khz);
	return ret ? ret : pit_start(&fw->pit);
}

static void unmake_pit(struct firmware *fw)
{
	pit_destroy(&fw->pit, fw->board->ports);
}

static int make_i8042(struct firmware *fw)
{
	reset_yield_keyboard(fw->reset, fw->board->ports);
	return i8042_init(&fw->i8042, fw->board->ports, fw->board->irqchip, fw->board->power);
}

static void unmake_i8042(struct firmware *fw)
{
	i8042_destroy(&fw->i8042, fw->board->ports);
}

static int make_fwports(struct firmware *fw)
{
	return fwports_init(&fw->fwports, fw->board->ports, fw->board->power,
			    fw->trace ? print_debug : NULL);
}

static void unmake_fwports(struct firmware *fw)
{
	fwports_destroy(&fw->fwports, fw->board->ports);
}

static int make_fwcfg(struct firmware *fw)
{
	return fwcfg_init(&fw->fwcfg, fw->board->ports, fw->board->ram);
}

static void unmake_fwcfg(struct firmware *fw)
{
	fwcfg_destroy(&fw->fwcfg, fw->board->ports);
}

static int make_chipset(struct firmware *fw)
{
	return i440fx_init(&fw->chipset, fw->board->pci, fw->board->irqchip, fw->board->ram,
			   fw->code.base + fw->code.size - I440FX_ROM_SIZE);
}

static void unmake_chipset(struct firmware *fw)
{
	i440fx_destroy(&fw->chipset);
}

static int make_flash(struct firmware *fw)
{
	if (!fw->vars.base)
		return 0;
	return flash_init(&fw->flash, fw->board->mmio, fw->board->irqchip,
			  FOUR_GIB - fw->code.size - fw->vars.size, fw->vars.base,
			  fw->vars.size);
}

static void unmake_flash(struct firmware *fw)
{
	if (fw->vars.base)
		flash_destroy(&fw->flash, fw->board->mmio);
}

static const struct part {
	int (*make)(struct firmware *fw);
	void (*unmake)(struct firmware *fw);	/* due also if make() failed */
} parts[] = {
	{ make_pic, unmake_pic },
	{ make_pit, unmake_pit },
	{ make_i8042, unmake_i8042 },
	{ make_fwports, unmake_fwports },
	{ make_fwcfg, unmake_fwcfg },
	{ make_chipset, unmake_chipset },
	{ make_flash, unmake_flash },
};

/**
 * firmware_create() - make what a machine with firmware has beside the rest
 * @fw: out; firmware_destroy() is due in any case
 * @config: which firmware
 * @board: the machine, with RAM, without devices on demand
 * @reset: gives port 0x64 to the keyboard controller
 * @topology: of the CPUs
 * @trace: show the firmware's debug output
 *
 * Return: 0, or a negative errno after a message.
 */
int firmware_create(struct firmware *fw, const struct firmware_config *config,
		    const struct board *board, struct reset *reset,
		    const struct topology *topology, bool trace)
{
	int ret;

	*fw = (struct firmware) {
		.ctx = board->ctx,
		.board = board,
		.reset = reset,
		.trace = trace,
	};
	ret = firmware_open(fw, config);
	if (ret)
		return ret;
	ret = map_ram(fw);
	if (!ret)
		ret = map_code(fw);
	while (!ret && fw->made < ARRAY_SIZE(parts))
		ret = parts[fw->made++].make(fw);
	if (!ret)
		ret = fill_fwcfg(fw, topology);
	if (ret)
		return fail(ret, "cannot make the devices of firmware: %s", strerror(-ret));
	return 0;
}

/**
 * firmware_destroy() - undo firmware_create(), whole or in part
 * @fw: the firmware; no vCPU runs
 */
void firmware_destroy(struct firmware *fw)
{
	while (fw->made)
		parts[--fw->made].unmake(fw);
	fw->board->irqchip->unmap(fw->board->irqchip, FOUR_GIB - fw->code.size, fw->code.size);
	firmware_close(fw);
}
