/* SPDX-License-Identifier: GPL-2.0-only */
/* The user's terminal, or pipe, at the guest's serial port. */
#ifndef VMXL_CONSOLE_H
#define VMXL_CONSOLE_H

#include "uart.h"
#include "util.h"

/**
 * struct console - standard input and output; the main thread's
 * @uart: the serial port
 * @room_fd: eventfd: the serial port takes bytes again
 * @in: bytes not yet taken, @nr_in of them
 */
struct console {
	struct uart *uart;
	int room_fd;
	bool tty;
	bool eof;
	bool escape;		/* Ctrl-A was typed */
	unsigned int nr_in;
	u8 in[4096];
};

/* What console_input() found */
enum { CONSOLE_GO_ON, CONSOLE_LEAVE };

int console_init(struct console *console, struct uart *uart);
void console_destroy(struct console *console);
void console_restore(void);
bool console_wants_input(const struct console *console);
int console_input(struct console *console);
void console_feed(struct console *console);
void console_print(u8 byte);

#endif /* VMXL_CONSOLE_H */
