// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's edu device, see edu.h.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "edu.h"
#include "sys.h"

#define EDU_BAR_SIZE	0x100000

/* Registers, as 32-bit words */
#define EDU_ID		(0x00 / 4)
#define EDU_DMA_SOURCE	(0x80 / 4)
#define EDU_DMA_TARGET	(0x88 / 4)
#define EDU_DMA_COUNT	(0x90 / 4)
#define EDU_DMA_COMMAND	(0x98 / 4)

#define EDU_BUFFER	0x40000
#define EDU_START	1
#define EDU_TO_MEMORY	2

#define PCI_COMMAND	4
#define PCI_MASTER	4

/* A transfer takes 100 ms of the machine's time */
#define EDU_SECONDS	20

bool edu_open(struct edu *edu, unsigned int nth)
{
	char path[256];
	void *bar;
	int fd;

	edu->registers = NULL;
	if (!sys_find_pci(EDU_VENDOR, EDU_DEVICE, nth, &edu->bdf))
		return false;
	sys_pci_path(&edu->bdf, "enable", path, sizeof(path));
	sys_write(path, "1");
	sys_pci_path(&edu->bdf, "resource0", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	bar = mmap(NULL, EDU_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	close(fd);
	if (bar == MAP_FAILED)
		return false;
	edu->registers = bar;
	return (edu->registers[EDU_ID] & 0xff) == 0xed;
}

void edu_close(struct edu *edu)
{
	char path[256];

	if (!edu->registers)
		return;
	munmap((void *)edu->registers, EDU_BAR_SIZE);
	edu->registers = NULL;
	sys_pci_path(&edu->bdf, "enable", path, sizeof(path));
	sys_write(path, "0");
}

static int open_config(struct edu *edu)
{
	char path[256];

	sys_pci_path(&edu->bdf, "config", path, sizeof(path));
	return open(path, O_RDWR | O_CLOEXEC);
}

bool edu_bus_master(struct edu *edu, bool on)
{
	uint16_t command;
	int fd = open_config(edu);
	bool done;

	if (fd < 0)
		return false;
	done = pread(fd, &command, 2, PCI_COMMAND) == 2;
	command = on ? command | PCI_MASTER : command & ~PCI_MASTER;
	done = done && pwrite(fd, &command, 2, PCI_COMMAND) == 2;
	close(fd);
	return done;
}

bool edu_is_bus_master(struct edu *edu)
{
	uint16_t command = 0;
	int fd = open_config(edu);

	if (fd < 0)
		return false;
	if (pread(fd, &command, 2, PCI_COMMAND) != 2)
		command = 0;
	close(fd);
	return command & PCI_MASTER;
}

static void write64(struct edu *edu, unsigned int index, uint64_t value)
{
	*(volatile uint64_t *)(edu->registers + index) = value;
}

bool edu_start(struct edu *edu, uint64_t address, unsigned int size,
	       bool to_memory)
{
	if (size > EDU_MAX_SIZE || !edu_wait(edu))
		return false;
	write64(edu, EDU_DMA_SOURCE, to_memory ? EDU_BUFFER : address);
	write64(edu, EDU_DMA_TARGET, to_memory ? address : EDU_BUFFER);
	write64(edu, EDU_DMA_COUNT, size);
	write64(edu, EDU_DMA_COMMAND,
		EDU_START | (to_memory ? EDU_TO_MEMORY : 0));
	return true;
}

/* Until the engine rests; whether its DMA reached memory it does not say */
bool edu_wait(struct edu *edu)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	time_t end = time(NULL) + EDU_SECONDS;

	while (edu->registers[EDU_DMA_COMMAND] & EDU_START) {
		if (time(NULL) > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

bool edu_from_memory(struct edu *edu, uint64_t address, unsigned int size)
{
	return edu_start(edu, address, size, false) && edu_wait(edu);
}

bool edu_to_memory(struct edu *edu, uint64_t address, unsigned int size)
{
	return edu_start(edu, address, size, true) && edu_wait(edu);
}
