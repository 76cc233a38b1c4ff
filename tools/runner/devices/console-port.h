/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user's terminal is connected with: a serial port or a virtio console. */
#ifndef VMXL_CONSOLE_PORT_H
#define VMXL_CONSOLE_PORT_H

#include "util.h"

/**
 * struct console_port - the guest's end of the terminal; part of a device
 * @receive: bytes from the terminal; returns how many are taken; if fewer than
 *	@len, @room_fd tells when to come again
 * @resize: the terminal has this size; may be NULL
 * @room_fd: eventfd: bytes can be taken again
 *
 * The main thread calls.
 */
struct console_port {
	size_t (*receive)(struct console_port *port, const u8 *data, size_t len);
	void (*resize)(struct console_port *port, u16 columns, u16 rows);
	int room_fd;
};

#endif /* VMXL_CONSOLE_PORT_H */
