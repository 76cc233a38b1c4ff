// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flash memory with the command set of Intel's (JEP137, command set 0001h; Intel
 * StrataFlash J3 data sheet): what OVMF keeps its variables in. While it is read as
 * an array the guest sees its contents without exits; each command is an MMIO write.
 *
 * As OVMF expects of the flash it knows, the status after CLEAR STATUS is 0: also
 * the ready bit, until the next command has been done.
 */
#include <string.h>

#include "flash.h"

enum {
	CMD_WRITE = 0x10,
	CMD_ERASE = 0x20,
	CMD_WRITE_2 = 0x40,
	CMD_CLEAR_STATUS = 0x50,
	CMD_READ_STATUS = 0x70,
	CMD_ERASE_CONFIRM = 0xd0,
	CMD_READ_ARRAY = 0xff,
};

#define STATUS_READY		0x80
#define STATUS_ERASE_ERROR	0x20
#define STATUS_WRITE_ERROR	0x10

static void show_array(struct flash *flash)
{
	flash->array = true;
	/* If it cannot be, each read is an exit. */
	if (!flash->mapped)
		flash->mapped = !flash->irqchip->map_rom(flash->irqchip, flash->region.start,
							 flash->base, flash->region.size);
}

static void show_status(struct flash *flash)
{
	if (flash->mapped)
		flash->irqchip->unmap(flash->irqchip, flash->region.start, flash->region.size);
	flash->mapped = false;
	flash->array = false;
}

static void first_cycle(struct flash *flash, u8 command)
{
	switch (command) {
	case CMD_WRITE:
	case CMD_WRITE_2:
	case CMD_ERASE:
		flash->command = command;
		show_status(flash);
		break;
	case CMD_READ_STATUS:
		show_status(flash);
		break;
	case CMD_CLEAR_STATUS:
		flash->status = 0;
		show_array(flash);
		break;
	default:	/* CMD_READ_ARRAY, and what it does not know */
		show_array(flash);
	}
}

/* Programming makes zeroes of ones, only erasing makes ones. */
static void second_cycle(struct flash *flash, u64 offset, unsigned int size, u64 value)
{
	bool erase = flash->command == CMD_ERASE;

	flash->command = 0;
	if (!erase) {
		for (unsigned int i = 0; i < size; i++)
			flash->base[offset + i] &= value >> (8 * i);
	} else if ((u8)value == CMD_ERASE_CONFIRM) {
		memset(flash->base + ALIGN_DOWN(offset, FLASH_BLOCK), 0xff, FLASH_BLOCK);
	} else {
		flash->status |= STATUS_ERASE_ERROR | STATUS_WRITE_ERROR;
	}
	flash->status |= STATUS_READY;
}

static void flash_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct flash *flash = container_of(region, struct flash, region);

	pthread_mutex_lock(&flash->lock);
	if (flash->command)
		second_cycle(flash, offset, size, value);
	else
		first_cycle(flash, value);
	pthread_mutex_unlock(&flash->lock);
}

static u64 flash_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct flash *flash = container_of(region, struct flash, region);
	u64 value = 0;

	pthread_mutex_lock(&flash->lock);
	if (flash->array)
		memcpy(&value, flash->base + offset, size);
	else
		value = flash->status * 0x0101010101010101ULL;
	pthread_mutex_unlock(&flash->lock);
	return value;
}

/**
 * flash_init() - put flash memory into guest memory
 * @flash: the device
 * @mmio: gets its commands
 * @irqchip: shows its contents to the guest
 * @gpa: where, a multiple of FLASH_BLOCK
 * @base: the contents, which change with the guest's writes
 * @size: bytes, a multiple of FLASH_BLOCK, not 0
 *
 * Return: 0 or the errno of bus_add(); flash_destroy() is due in any case.
 */
int flash_init(struct flash *flash, struct bus *mmio, struct irqchip *irqchip, u64 gpa,
	       void *base, u64 size)
{
	*flash = (struct flash) {
		.region = {
			.start = gpa,
			.size = size,
			.name = "flash",
			.read = flash_read,
			.write = flash_write,
		},
		.irqchip = irqchip,
		.base = base,
		.status = STATUS_READY,
	};
	pthread_mutex_init(&flash->lock, NULL);
	show_array(flash);
	return bus_add(mmio, &flash->region);
}

/**
 * flash_destroy() - undo flash_init()
 * @flash: the device; no vCPU runs
 * @mmio: the bus it is on
 */
void flash_destroy(struct flash *flash, struct bus *mmio)
{
	bus_remove(mmio, &flash->region);
	show_status(flash);
	pthread_mutex_destroy(&flash->lock);
}
