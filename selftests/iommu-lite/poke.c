// SPDX-License-Identifier: GPL-2.0-only
/*
 * A remapping unit's registers, past any driver: poke UNIT-ADDRESS on|show.
 *
 * "on" leaves the unit as a predecessor would: translation and interrupt
 * remapping on, with tables in which nothing is present. It keeps those until
 * it is killed.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GCMD		(0x18 / 4)
#define GSTS		(0x1c / 4)
#define RTADDR		(0x20 / 4)
#define IRTA		(0xb8 / 4)
#define SIRTP		(1u << 24)
#define IRE		(1u << 25)
#define SRTP		(1u << 30)
#define TE		(1u << 31)

/* Physical address of a page that stays where it is, or 0 */
static uint64_t empty_page(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	int map = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (page == MAP_FAILED || map < 0)
		return 0;
	memset(page, 0, 4096);
	if (pread(map, &entry, 8, (uintptr_t)page / 4096 * 8) != 8)
		return 0;
	return (entry & ((1ull << 55) - 1)) * 4096;
}

static int set(volatile uint32_t *reg, uint32_t bit)
{
	unsigned int tries;

	reg[GCMD] = (reg[GSTS] & 0x96ffffff) | bit;
	for (tries = 0; tries < 1000; tries++)
		if (reg[GSTS] & bit)
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	volatile uint32_t *reg;
	uint64_t root;
	int mem;

	if (argc != 3)
		return 2;
	mem = open("/dev/mem", O_RDWR | O_SYNC);
	reg = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, mem,
		   strtoull(argv[1], NULL, 0));
	if (reg == MAP_FAILED) {
		perror("poke: /dev/mem");
		return 2;
	}
	if (strcmp(argv[2], "on")) {
		printf("0x%08x\n", reg[GSTS]);
		return 0;
	}
	root = empty_page();
	if (!root)
		return 2;
	*(volatile uint64_t *)(reg + RTADDR) = root;
	*(volatile uint64_t *)(reg + IRTA) = root | 7;	/* 256 entries */
	if (set(reg, SRTP) || set(reg, TE) || set(reg, SIRTP) || set(reg, IRE))
		return 1;
	printf("on\n");
	fflush(stdout);
	for (;;)
		pause();
}
