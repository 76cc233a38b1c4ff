// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A serial port, after National Semiconductor's PC16550D data sheet.
 *
 * The transmitter is always empty: a byte is gone when the write returns. The
 * character timeout of the receive FIFO comes at once, since no time passes
 * between the bytes that the host has.
 */
#include <errno.h>
#include <string.h>
#include <linux/serial_reg.h>

#include "uart.h"

#define MSR_CONNECTED	(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)
#define IER_MASK	0x0f
#define MCR_MASK	0x1f
#define IIR_FIFO_ON	0xc0

static bool fifo_on(const struct uart *uart)
{
	return uart->fcr & UART_FCR_ENABLE_FIFO;
}

static unsigned int rx_room(const struct uart *uart)
{
	return (fifo_on(uart) ? UART_FIFO_SIZE : 1) - uart->rx_count;
}

/* The identification of the highest cause (data sheet, table 4), without FIFO bits. */
static u8 pending_cause(const struct uart *uart)
{
	if ((uart->ier & UART_IER_RLSI) && uart->lsr_errors)
		return UART_IIR_RLSI;
	if ((uart->ier & UART_IER_RDI) && uart->rx_count) {
		if (!fifo_on(uart) || uart->rx_count >= uart->rx_trigger)
			return UART_IIR_RDI;
		return UART_IIR_RX_TIMEOUT;
	}
	if ((uart->ier & UART_IER_THRI) && uart->thre_pending)
		return UART_IIR_THRI;
	if ((uart->ier & UART_IER_MSI) && (uart->msr & UART_MSR_ANY_DELTA))
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

static void update_line(struct uart *uart)
{
	/* On a PC, OUT2 connects the interrupt; loopback disconnects it. */
	bool connected = (uart->mcr & (UART_MCR_OUT2 | UART_MCR_LOOP)) == UART_MCR_OUT2;
	bool line = connected && pending_cause(uart) != UART_IIR_NO_INT;

	if (line == uart->line)
		return;
	uart->line = line;
	uart->irqchip->set_line(uart->irqchip, uart->irq, line);
}

/* New modem lines; delta bits remember changes, RI only its trailing edge. */
static void set_msr(struct uart *uart, u8 lines)
{
	u8 changed = (uart->msr ^ lines) & 0xf0;
	u8 delta = (changed >> 4) & (UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);

	if ((changed & UART_MSR_RI) && !(lines & UART_MSR_RI))
		delta |= UART_MSR_TERI;
	uart->msr = lines | (uart->msr & UART_MSR_ANY_DELTA) | delta;
}

/* In loopback the modem outputs are the modem inputs (data sheet, 8.6.7). */
static u8 looped_msr(u8 mcr)
{
	return (mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
	       (mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
	       (mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static void rx_put(struct uart *uart, u8 byte)
{
	if (!rx_room(uart)) {
		uart->lsr_errors |= UART_LSR_OE;
		/* Without FIFO the new byte replaces the old one. */
		if (!fifo_on(uart))
			uart->rx[uart->rx_head] = byte;
		return;
	}
	uart->rx[(uart->rx_head + uart->rx_count) % UART_FIFO_SIZE] = byte;
	uart->rx_count++;
}

/* The receiver can take bytes again: tell who was turned away. */
static void feed(struct uart *uart)
{
	if (!uart->starved)
		return;
	uart->starved = false;
	uart->room(uart);
}

static u8 rx_get(struct uart *uart)
{
	u8 byte = uart->rx[uart->rx_head];

	if (!uart->rx_count)
		return 0;
	uart->rx_head = (uart->rx_head + 1) % UART_FIFO_SIZE;
	uart->rx_count--;
	feed(uart);
	return byte;
}

static void rx_clear(struct uart *uart)
{
	uart->rx_head = 0;
	uart->rx_count = 0;
	feed(uart);
}

static bool clear_to_send(const struct uart *uart)
{
	return (uart->mcr & (UART_MCR_RTS | UART_MCR_LOOP)) == UART_MCR_RTS;
}

static u8 read_iir(struct uart *uart)
{
	u8 cause = pending_cause(uart);

	/* Reading it as the reason acknowledges an empty transmitter. */
	if (cause == UART_IIR_THRI)
		uart->thre_pending = false;
	return cause | (fifo_on(uart) ? IIR_FIFO_ON : 0);
}

static u8 read_lsr(struct uart *uart)
{
	u8 lsr = UART_LSR_THRE | UART_LSR_TEMT | uart->lsr_errors;

	if (uart->rx_count)
		lsr |= UART_LSR_DR;
	uart->lsr_errors = 0;
	return lsr;
}

static u8 read_msr(struct uart *uart)
{
	u8 msr = uart->msr;

	uart->msr &= ~UART_MSR_ANY_DELTA;
	return msr;
}

static u8 read_register(struct uart *uart, unsigned int reg)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		return dlab ? uart->dll : rx_get(uart);
	case UART_IER:
		return dlab ? uart->dlm : uart->ier;
	case UART_IIR:
		return read_iir(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return read_lsr(uart);
	case UART_MSR:
		return read_msr(uart);
	default:
		return uart->scr;
	}
}

static void write_thr(struct uart *uart, u8 byte)
{
	if (uart->mcr & UART_MCR_LOOP)
		rx_put(uart, byte);
	else
		uart->send(uart, byte);
	uart->thre_pending = true;
}

static void write_ier(struct uart *uart, u8 value)
{
	/* Enabling it while the transmitter is empty interrupts at once. */
	if (!(uart->ier & UART_IER_THRI) && (value & UART_IER_THRI))
		uart->thre_pending = true;
	uart->ier = value & IER_MASK;
}

static void write_fcr(struct uart *uart, u8 value)
{
	static const u8 triggers[] = { 1, 4, 8, 14 };

	if ((uart->fcr ^ value) & UART_FCR_ENABLE_FIFO)
		value |= UART_FCR_CLEAR_RCVR;
	uart->fcr = value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK);
	uart->rx_trigger = triggers[value >> 6];
	if (value & UART_FCR_CLEAR_RCVR)
		rx_clear(uart);
}

static void write_mcr(struct uart *uart, u8 value)
{
	uart->mcr = value & MCR_MASK;
	set_msr(uart, uart->mcr & UART_MCR_LOOP ? looped_msr(uart->mcr) : MSR_CONNECTED);
	if (clear_to_send(uart))
		feed(uart);
}

static void write_register(struct uart *uart, unsigned int reg, u8 value)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (dlab)
			uart->dll = value;
		else
			write_thr(uart, value);
		break;
	case UART_IER:
		if (dlab)
			uart->dlm = value;
		else
			write_ier(uart, value);
		break;
	case UART_FCR:
		write_fcr(uart, value);
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		write_mcr(uart, value);
		break;
	case UART_SCR:
		uart->scr = value;
		break;
	default:	/* LSR and MSR are read-only */
		break;
	}
}

static u64 uart_read(struct io_region *region, u64 offset, unsigned int size)
{
	struct uart *uart = container_of(region, struct uart, region);
	u64 value = 0;

	pthread_mutex_lock(&uart->lock);
	for (unsigned int i = 0; i < size; i++)
		value |= (u64)read_register(uart, offset + i) << (8 * i);
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
	return value;
}

static void uart_write(struct io_region *region, u64 offset, unsigned int size, u64 value)
{
	struct uart *uart = container_of(region, struct uart, region);

	pthread_mutex_lock(&uart->lock);
	for (unsigned int i = 0; i < size; i++)
		write_register(uart, offset + i, value >> (8 * i));
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
}

/**
 * uart_receive() - bytes arrive from outside
 * @uart: the port
 * @data: the bytes
 * @len: how many
 *
 * The sender minds RTS: a guest clears the FIFO when it opens the port, and
 * what came before would be lost. In loopback RTS is off.
 *
 * Return: how many were taken; if fewer than @len, uart->room() tells when to
 * come again.
 */
size_t uart_receive(struct uart *uart, const u8 *data, size_t len)
{
	size_t n = 0;

	pthread_mutex_lock(&uart->lock);
	while (n < len && rx_room(uart) && clear_to_send(uart))
		rx_put(uart, data[n++]);
	uart->starved = n < len;
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
	return n;
}

static void send_nowhere(struct uart *uart, u8 byte)
{
	(void)uart;
	(void)byte;
}

static void room_for_nobody(struct uart *uart)
{
	(void)uart;
}

/**
 * uart_init() - put a serial port on a bus
 * @uart: the port; set its send() and room() afterwards
 * @ports: port bus
 * @irqchip: where its interrupt goes
 * @port: first of 8 ports
 * @irq: IOAPIC pin
 *
 * Return: 0 or the errno of bus_add().
 */
int uart_init(struct uart *uart, struct bus *ports, struct irqchip *irqchip,
	      u16 port, unsigned int irq)
{
	*uart = (struct uart) {
		.region = {
			.start = port,
			.size = 8,
			.name = "uart",
			.read = uart_read,
			.write = uart_write,
		},
		.irqchip = irqchip,
		.irq = irq,
		.send = send_nowhere,
		.room = room_for_nobody,
		.msr = MSR_CONNECTED,
		.dll = 1,		/* 115200 baud */
		.rx_trigger = 1,
	};
	pthread_mutex_init(&uart->lock, NULL);
	return bus_add(ports, &uart->region);
}

/**
 * uart_destroy() - take a serial port off its bus
 * @uart: the port
 * @ports: the bus it is on
 */
void uart_destroy(struct uart *uart, struct bus *ports)
{
	bus_remove(ports, &uart->region);
	pthread_mutex_destroy(&uart->lock);
}
