/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guests in C need: the first serial port, and the debug exit port.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdint.h>

#define COM1		0x3f8
#define DEBUG_EXIT	0xf4

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("out %0, %1" : : "a" (value), "Nd" (port));
}

static inline void put(const char *s)
{
	while (*s)
		outb(COM1, *s++);
}

static inline void put_number(const char *what, uint64_t n)
{
	char digits[21];
	char *p = digits + sizeof(digits) - 1;

	*p = 0;
	do {
		*--p = '0' + n % 10;
		n /= 10;
	} while (n);
	put(what);
	put(p);
	put("\n");
}

/* Ends the machine with status (code << 1) | 1. */
static inline void __attribute__((noreturn)) leave(const char *why, uint8_t code)
{
	put(why);
	outb(DEBUG_EXIT, code);
	for (;;)
		__asm__ volatile("hlt");
}

#endif /* GUEST_H */
