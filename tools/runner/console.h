/* SPDX-License-Identifier: GPL-2.0-only */
/* The user's terminal, or pipe, at the guest's serial port or console. */
#ifndef VMXL_CONSOLE_H
#define VMXL_CONSOLE_H

#include "console-port.h"
#include "uart.h"
#include "util.h"

/**
 * struct console - standard input and output; the main thread's
 * @port: what it is connected with
 * @serial: that, unless another device has taken the terminal: @uart
 * @in: bytes not yet taken, @nr_in of them
 */
struct console {
	struct console_port *port;
	struct console_port serial;
	struct uart *uart;
	bool tty;
	bool eof;
	bool escape;		/* Ctrl-A was typed */
	unsigned int nr_in;
	u8 in[4096];
};

/* What console_input() found */
enum { CONSOLE_GO_ON, CONSOLE_LEAVE };

int console_init(struct console *console, struct uart *uart, struct console_port *port);
void console_destroy(struct console *console);
void console_restore(void);
bool console_wants_input(const struct console *console);
int console_input(struct console *console);
void console_resize(struct console *console);
void console_feed(struct console *console);
void console_print(u8 byte);

#endif /* VMXL_CONSOLE_H */
