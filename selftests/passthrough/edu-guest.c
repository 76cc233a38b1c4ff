// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PVH guest that drives a lent edu (QEMU's docs/specs/edu.rst) with nothing below it:
 * registers, DMA, interrupts by MSI and by its pin. With "hostile" on the command line it
 * programs the device with addresses that it does not have, with "unplug" it waits for that.
 */
#include <stddef.h>

#include "guest.h"

/* Xen's public/arch-x86/hvm/start_info.h, version 1 */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist;
	uint64_t cmdline;
};

#define DONE		0x20
#define BROKEN		0x21

#define PCI_ADDRESS	0xcf8
#define PCI_DATA	0xcfc
#define PCI_SLOTS	32
#define PCI_COMMAND	0x04
#define PCI_BAR0	0x10
#define PCI_CAPS	0x34
#define PCI_LINE	0x3c
#define COMMAND_MEMORY	2
#define COMMAND_MASTER	4
#define CAP_MSI		5
#define MSI_ENABLE	0x10000

#define EDU_ID		0x11e81234

/* Registers of edu */
#define IDENTITY	0x00
#define INVERSE		0x04
#define FACTORIAL	0x08
#define STATUS		0x20
#define IRQ_STATUS	0x24
#define IRQ_RAISE	0x60
#define IRQ_ACK		0x64
#define DMA_SOURCE	0x80
#define DMA_TARGET	0x88
#define DMA_COUNT	0x90
#define DMA_COMMAND	0x98

#define STATUS_BUSY	0x01
#define STATUS_IRQ	0x80
#define DMA_START	1
#define DMA_TO_MEMORY	2
#define DMA_IRQ		4
#define DMA_RAISES	0x100
#define BUFFER		0x40000
#define BUFFER_SIZE	2048

#define LAPIC		0xfee00000ul
#define LAPIC_EOI	0xb0
#define LAPIC_SVR	0xf0
#define IOAPIC		0xfec00000ul
#define LEVEL_LOW	0xa000

#define VECTOR		0x41
#define SPURIOUS	0xff

#define PRESENT_LARGE	0x9b	/* present, writable, uncached, 2 MiB */
#define GIB		0x40000000ul

static uint64_t devices_pd[512] __attribute__((aligned(4096)));
static uint8_t out_buffer[BUFFER_SIZE] __attribute__((aligned(4096)));
static uint8_t in_buffer[4096] __attribute__((aligned(4096)));

static struct {
	uint16_t offset0, selector, type, offset1;
	uint32_t offset2, reserved;
} idt[256];

static uint64_t edu;
static unsigned int slot;
static volatile unsigned int interrupts;
static volatile uint32_t causes;

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a" (value), "Nd" (port));
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a" (value) : "Nd" (port));
	return value;
}

static uint32_t config_read(unsigned int offset)
{
	out32(PCI_ADDRESS, 0x80000000u | slot << 11 | offset);
	return in32(PCI_DATA);
}

static void config_write(unsigned int offset, uint32_t value)
{
	out32(PCI_ADDRESS, 0x80000000u | slot << 11 | offset);
	out32(PCI_DATA, value);
}

static uint32_t get(uint64_t address)
{
	return *(volatile uint32_t *)address;
}

static void set(uint64_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

static void set64(uint64_t address, uint64_t value)
{
	*(volatile uint64_t *)address = value;
}

struct frame;

__attribute__((interrupt)) static void on_interrupt(struct frame *frame)
{
	uint32_t cause = get(edu + IRQ_STATUS);

	(void)frame;
	set(edu + IRQ_ACK, cause);
	causes |= cause;
	interrupts++;
	set(LAPIC + LAPIC_EOI, 0);
}

__attribute__((interrupt)) static void on_spurious(struct frame *frame)
{
	(void)frame;
}

static void set_gate(unsigned int vector, void (*handler)(struct frame *))
{
	uint64_t at = (uint64_t)handler;

	idt[vector].offset0 = at;
	idt[vector].selector = 8;
	idt[vector].type = 0x8e00;
	idt[vector].offset1 = at >> 16;
	idt[vector].offset2 = at >> 32;
}

/* pvh.S maps the first GiB; devices are in the fourth. */
static void map_devices(void)
{
	uint64_t cr3, *pml4, *pdpt;

	for (unsigned int i = 0; i < 512; i++)
		devices_pd[i] = (3 * GIB + ((uint64_t)i << 21)) | PRESENT_LARGE;
	__asm__ volatile("mov %%cr3, %0" : "=r" (cr3));
	pml4 = (uint64_t *)cr3;
	pdpt = (uint64_t *)(pml4[0] & ~0xffful);
	pdpt[3] = (uint64_t)devices_pd | 3;
}

static void start_interrupts(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, (uint64_t)idt };

	set_gate(VECTOR, on_interrupt);
	set_gate(SPURIOUS, on_spurious);
	__asm__ volatile("lidt %0" : : "m" (pointer));
	set(LAPIC + LAPIC_SVR, 0x100 | SPURIOUS);
}

/* Sleep until there were so many. One that never comes is the test's time limit. */
static void wait_for(unsigned int count)
{
	for (;;) {
		__asm__ volatile("cli" : : : "memory");
		if (interrupts >= count)
			break;
		__asm__ volatile("sti; hlt" : : : "memory");
	}
}

static void put_hex(const char *what, uint64_t n)
{
	put(what);
	put("0x");
	for (int shift = 60; shift >= 0; shift -= 4)
		if (n >> shift || !shift)
			outb(COM1, "0123456789abcdef"[n >> shift & 15]);
	put("\n");
}

static void find_edu(void)
{
	for (slot = 0; slot < PCI_SLOTS; slot++)
		if (config_read(0) == EDU_ID)
			break;
	if (slot == PCI_SLOTS)
		leave("edu: not there\n", BROKEN);
	config_write(PCI_COMMAND, COMMAND_MEMORY | COMMAND_MASTER);
	edu = config_read(PCI_BAR0) & ~0xful;
	put_number("edu: slot ", slot);
	put_hex("edu: BAR 0 at ", edu);
}

static void registers(void)
{
	uint64_t moved = 0xd8000000ul;

	put_hex("edu: identity ", get(edu + IDENTITY));
	set(edu + INVERSE, 0x12345678);
	put_hex("edu: inverse ", get(edu + INVERSE));
	/* The registers go where the guest puts them. */
	config_write(PCI_COMMAND, COMMAND_MASTER);
	config_write(PCI_BAR0, moved);
	config_write(PCI_COMMAND, COMMAND_MEMORY | COMMAND_MASTER);
	put_hex("edu: moved, inverse ", get(moved + INVERSE));
	put_hex("edu: where it was ", get(edu + INVERSE));
	config_write(PCI_COMMAND, COMMAND_MASTER);
	config_write(PCI_BAR0, edu);
	config_write(PCI_COMMAND, COMMAND_MEMORY | COMMAND_MASTER);
	set(edu + INVERSE, 0xffffffff);
	put_hex("edu: back, inverse ", get(edu + INVERSE));
}

static void transfer(uint64_t source, uint64_t target, uint32_t command)
{
	set64(edu + DMA_SOURCE, source);
	set64(edu + DMA_TARGET, target);
	set64(edu + DMA_COUNT, BUFFER_SIZE);
	set64(edu + DMA_COMMAND, DMA_START | command);
	while (get(edu + DMA_COMMAND) & DMA_START)
		__asm__ volatile("pause");
}

static void fill(uint8_t seed)
{
	for (unsigned int i = 0; i < BUFFER_SIZE; i++)
		out_buffer[i] = seed + 7 * i + (i >> 8);
	for (unsigned int i = 0; i < sizeof(in_buffer); i++)
		in_buffer[i] = 0xee;
}

static void compare(const char *what)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < BUFFER_SIZE; i++)
		wrong += ((volatile uint8_t *)in_buffer)[i] != out_buffer[i];
	for (unsigned int i = BUFFER_SIZE; i < sizeof(in_buffer); i++)
		wrong += ((volatile uint8_t *)in_buffer)[i] != 0xee;
	put_number(what, wrong);
}

static void dma(void)
{
	fill(1);
	transfer((uint64_t)out_buffer, BUFFER, 0);
	transfer(BUFFER, (uint64_t)in_buffer, DMA_TO_MEMORY);
	compare("edu: DMA, wrong bytes ");
}

static unsigned int find_msi(void)
{
	unsigned int at = config_read(PCI_CAPS) & 0xfc;

	while (at && (config_read(at) & 0xff) != CAP_MSI)
		at = config_read(at) >> 8 & 0xfc;
	if (!at)
		leave("edu: has no MSI\n", BROKEN);
	return at;
}

static void msi(void)
{
	unsigned int at = find_msi();
	uint32_t control = config_read(at) & ~MSI_ENABLE;

	config_write(at + 4, LAPIC);
	config_write(at + 8, 0);
	config_write(at + 12, VECTOR);
	config_write(at, control | MSI_ENABLE);
	interrupts = 0;
	causes = 0;
	set(edu + IRQ_RAISE, 0x40);
	wait_for(1);
	set(edu + IRQ_RAISE, 0x02);
	wait_for(2);
	put_number("edu: MSI, interrupts ", interrupts);
	put_hex("edu: MSI, causes ", causes);
	causes = 0;
	fill(2);
	transfer((uint64_t)out_buffer, BUFFER, 0);
	transfer(BUFFER, (uint64_t)in_buffer, DMA_TO_MEMORY | DMA_IRQ);
	wait_for(3);
	put_hex("edu: DMA's MSI, causes ", causes);
	compare("edu: DMA's MSI, wrong bytes ");
	config_write(at, control);
}

/* Three times: the pin is masked on the host from each interrupt to the guest's EOI. */
static void intx(void)
{
	unsigned int pin = config_read(PCI_LINE) & 0xff;

	set(IOAPIC, 0x10 + 2 * pin + 1);
	set(IOAPIC + 0x10, 0);
	set(IOAPIC, 0x10 + 2 * pin);
	set(IOAPIC + 0x10, LEVEL_LOW | VECTOR);
	interrupts = 0;
	causes = 0;
	set(edu + STATUS, STATUS_IRQ);
	for (unsigned int i = 0; i < 3; i++) {
		set(edu + FACTORIAL, 10 + i);
		wait_for(i + 1);
		put_number("edu: INTx, factorial ", get(edu + FACTORIAL));
	}
	put_number("edu: INTx, interrupts ", interrupts);
	put_hex("edu: INTx, causes ", causes);
	set(edu + STATUS, 0);
}

/* Above its memory, far above, the device's own registers, and nowhere. */
static void hostile(void)
{
	static const uint64_t targets[] = { 0x10000000, 0x100000000, 0xc0000000, 0x7ffffff000, 0 };

	fill(3);
	transfer((uint64_t)out_buffer, BUFFER, 0);
	for (const uint64_t *target = targets; *target; target++)
		transfer(BUFFER, *target, DMA_TO_MEMORY);
	transfer(0x10000000, BUFFER, 0);
	put("edu: lives\n");
	fill(4);
	transfer((uint64_t)out_buffer, BUFFER, 0);
	transfer(BUFFER, (uint64_t)in_buffer, DMA_TO_MEMORY);
	compare("edu: its own memory, wrong bytes ");
}

/* Until nothing answers any more, in the registers and in configuration space. */
static void wait_for_unplug(void)
{
	put("edu: waits\n");
	while (get(edu + IDENTITY) != 0xffffffff)
		__asm__ volatile("pause");
	while (config_read(0) != 0xffffffff)
		__asm__ volatile("pause");
	put("edu: is gone\n");
	set(edu + INVERSE, 1);
	config_write(PCI_COMMAND, COMMAND_MEMORY | COMMAND_MASTER);
	put_hex("edu: inverse ", get(edu + INVERSE));
}

void guest_main(const struct start_info *info)
{
	const char *words = (const char *)info->cmdline;

	map_devices();
	start_interrupts();
	find_edu();
	if (words && *words == 'h') {
		hostile();
	} else if (words && *words == 'u') {
		wait_for_unplug();
	} else {
		registers();
		dma();
		msi();
		intx();
	}
	leave("edu: done\n", DONE);
}
