/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A serial port. */
#ifndef VMXL_UART_H
#define VMXL_UART_H

#include "bus.h"
#include "irqchip.h"

struct console;

#define UART_COM1_PORT	0x3f8
#define UART_COM1_IRQ	4
#define UART_FIFO_SIZE	16

/**
 * struct uart - a 16550A; everything but the first group is guarded by @lock
 * @console: who sends and receives; may be NULL
 * @send: the guest transmits a byte; called with @lock held
 * @room: the receiver can take more; called with @lock held
 */
struct uart {
	struct io_region region;
	struct console *console;
	struct irqchip *irqchip;
	unsigned int irq;
	void (*send)(struct uart *uart, u8 byte);
	void (*room)(struct uart *uart);
	pthread_mutex_t lock;

	u8 ier, fcr, lcr, mcr, msr, scr;
	u8 lsr_errors;		/* overrun and break, until LSR is read */
	u8 dll, dlm;
	u8 rx[UART_FIFO_SIZE];
	unsigned int rx_head, rx_count;
	unsigned int rx_trigger;
	bool thre_pending;	/* the transmitter became empty: IIR not yet read */
	bool line;
	bool starved;		/* room() is wanted */
};

int uart_init(struct uart *uart, struct bus *ports, struct irqchip *irqchip,
	      u16 port, unsigned int irq);
void uart_destroy(struct uart *uart, struct bus *ports);
size_t uart_receive(struct uart *uart, const u8 *data, size_t len);

#endif /* VMXL_UART_H */
