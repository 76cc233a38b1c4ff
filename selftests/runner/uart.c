// SPDX-License-Identifier: GPL-2.0-only
/* The 16550A, register by register: expected values from the PC16550D data sheet. */
#include <linux/serial_reg.h>
#include <string.h>

#include "tap.h"
#include "uart.h"

#define COM1	UART_COM1_PORT

static struct bus ports;
static struct uart uart;
static int line, edges;
static char sent[64];
static unsigned int nr_sent, rooms;

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	EXPECT_EQ(gsi, UART_COM1_IRQ);
	EXPECT(level != line);	/* only changes are told */
	edges += level;
	line = level;
}

static struct irqchip irqchip = { .set_line = set_line };

static void send(struct uart *u, u8 byte)
{
	(void)u;
	if (nr_sent < sizeof(sent))
		sent[nr_sent++] = byte;
}

static void room(struct uart *u)
{
	(void)u;
	rooms++;
}

static u8 in(unsigned int reg)
{
	return bus_read(&ports, COM1 + reg, 1);
}

static void out(unsigned int reg, u8 value)
{
	bus_write(&ports, COM1 + reg, 1, value);
}

static void setup(void)
{
	line = 0;
	edges = 0;
	nr_sent = 0;
	rooms = 0;
	bus_init(&ports, 0xffff);
	EXPECT_EQ(uart_init(&uart, &ports, &irqchip, COM1, UART_COM1_IRQ), 0);
	uart.send = send;
	uart.room = room;
}

static void teardown(void)
{
	uart_destroy(&uart, &ports);
	EXPECT_EQ(ports.nr, 0);
	bus_destroy(&ports);
}

/* Interrupts connected, FIFO on, the sender told to send. */
static void setup_open(void)
{
	setup();
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	out(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
}

static void after_reset(void)
{
	setup();
	EXPECT_EQ(in(UART_IER), 0);
	EXPECT_EQ(in(UART_IIR), UART_IIR_NO_INT);
	EXPECT_EQ(in(UART_LCR), 0);
	EXPECT_EQ(in(UART_MCR), 0);
	EXPECT_EQ(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	EXPECT_EQ(in(UART_MSR), UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	EXPECT_EQ(in(UART_RX), 0);
	teardown();
}

static void scratch_and_divisor(void)
{
	setup();
	out(UART_SCR, 0xa5);
	EXPECT_EQ(in(UART_SCR), 0xa5);
	out(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(UART_DLL, 0x0c);
	out(UART_DLM, 0x01);
	EXPECT_EQ(in(UART_DLL), 0x0c);
	EXPECT_EQ(in(UART_DLM), 0x01);
	EXPECT_EQ(nr_sent, 0);
	out(UART_LCR, UART_LCR_WLEN8);
	EXPECT_EQ(in(UART_IER), 0);
	teardown();
}

static void reserved_bits_read_zero(void)
{
	setup();
	out(UART_IER, 0xff);
	EXPECT_EQ(in(UART_IER), 0x0f);
	out(UART_MCR, 0xff);
	EXPECT_EQ(in(UART_MCR), 0x1f);
	out(UART_LSR, 0xff);	/* read-only here */
	EXPECT_EQ(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	teardown();
}

static void transmits(void)
{
	setup_open();
	out(UART_TX, 'h');
	out(UART_TX, 'i');
	EXPECT_EQ(nr_sent, 2);
	EXPECT(!memcmp(sent, "hi", 2));
	EXPECT_EQ(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	EXPECT_EQ(line, 0);
	teardown();
}

static void thre_interrupt(void)
{
	setup_open();
	out(UART_IER, UART_IER_THRI);		/* empty already: interrupts at once */
	EXPECT_EQ(line, 1);
	EXPECT_EQ(in(UART_IIR), UART_IIR_THRI | 0xc0);
	EXPECT_EQ(line, 0);			/* reading IIR acknowledged it */
	EXPECT_EQ(in(UART_IIR), UART_IIR_NO_INT | 0xc0);
	out(UART_TX, 'x');
	EXPECT_EQ(line, 1);
	EXPECT_EQ(edges, 2);
	out(UART_IER, 0);
	EXPECT_EQ(line, 0);
	out(UART_IER, UART_IER_THRI);
	EXPECT_EQ(in(UART_IIR), UART_IIR_THRI | 0xc0);
	teardown();
}

static void out2_gates_the_interrupt(void)
{
	setup();
	out(UART_IER, UART_IER_THRI);
	EXPECT_EQ(line, 0);
	out(UART_MCR, UART_MCR_OUT2);
	EXPECT_EQ(line, 1);
	out(UART_MCR, UART_MCR_OUT2 | UART_MCR_LOOP);
	EXPECT_EQ(line, 0);
	teardown();
}

static void receives_without_fifo(void)
{
	setup();
	out(UART_MCR, UART_MCR_RTS | UART_MCR_OUT2);
	out(UART_IER, UART_IER_RDI);
	EXPECT_EQ(uart_receive(&uart, (const u8 *)"abc", 3), 1);
	EXPECT_EQ(line, 1);
	EXPECT_EQ(in(UART_IIR), UART_IIR_RDI);
	EXPECT_EQ(in(UART_LSR) & UART_LSR_DR, UART_LSR_DR);
	EXPECT_EQ(rooms, 0);
	EXPECT_EQ(in(UART_RX), 'a');
	EXPECT_EQ(rooms, 1);
	EXPECT_EQ(line, 0);
	EXPECT_EQ(in(UART_LSR) & UART_LSR_DR, 0);
	teardown();
}

static void receives_with_fifo(void)
{
	setup_open();
	out(UART_IER, UART_IER_RDI);
	EXPECT_EQ(uart_receive(&uart, (const u8 *)"0123456789abcdefXYZ", 19), UART_FIFO_SIZE);
	EXPECT_EQ(in(UART_IIR), UART_IIR_RDI | 0xc0);
	for (unsigned int i = 0; i < 8; i++)
		EXPECT_EQ(in(UART_RX), "0123456789abcdef"[i]);
	EXPECT_EQ(rooms, 1);			/* told once */
	EXPECT_EQ(in(UART_IIR), UART_IIR_RDI | 0xc0);	/* 8 left: the trigger level */
	EXPECT_EQ(in(UART_RX), '8');
	EXPECT_EQ(in(UART_IIR), UART_IIR_RX_TIMEOUT | 0xc0);
	EXPECT_EQ(line, 1);
	for (unsigned int i = 9; i < 16; i++)
		EXPECT_EQ(in(UART_RX), "0123456789abcdef"[i]);
	EXPECT_EQ(line, 0);
	EXPECT_EQ(in(UART_RX), 0);
	teardown();
}

static void fifo_reset_drops_bytes(void)
{
	setup_open();
	EXPECT_EQ(uart_receive(&uart, (const u8 *)"abc", 3), 3);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	EXPECT_EQ(in(UART_LSR) & UART_LSR_DR, 0);
	EXPECT_EQ(uart_receive(&uart, (const u8 *)"abc", 3), 3);
	out(UART_FCR, 0);	/* a change of mode does the same */
	EXPECT_EQ(in(UART_LSR) & UART_LSR_DR, 0);
	EXPECT_EQ(in(UART_IIR) & 0xc0, 0);
	teardown();
}

static void sender_minds_rts(void)
{
	setup();
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	EXPECT_EQ(uart_receive(&uart, (const u8 *)"abc", 3), 0);
	EXPECT_EQ(rooms, 0);
	out(UART_MCR, UART_MCR_RTS);
	EXPECT_EQ(rooms, 1);
	EXPECT_EQ(uart_receive(&uart, (const u8 *)"abc", 3), 3);
	out(UART_MCR, UART_MCR_RTS | UART_MCR_LOOP);
	EXPECT_EQ(uart_receive(&uart, (const u8 *)"d", 1), 0);
	teardown();
}

/* What Linux does to see whether a port is there, and how deep its FIFO. */
static void loopback(void)
{
	unsigned int n = 0;

	setup();
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	EXPECT_EQ(in(UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_DTR);
	EXPECT_EQ(in(UART_MSR) & 0xf0, UART_MSR_RI | UART_MSR_DSR);
	for (unsigned int i = 0; i < 256; i++)
		out(UART_TX, i);
	EXPECT_EQ(in(UART_LSR) & UART_LSR_OE, UART_LSR_OE);
	EXPECT_EQ(in(UART_LSR) & UART_LSR_OE, 0);
	while (n < 256 && (in(UART_LSR) & UART_LSR_DR))
		EXPECT_EQ(in(UART_RX), n++);
	EXPECT_EQ(n, UART_FIFO_SIZE);
	EXPECT_EQ(nr_sent, 0);
	teardown();
}

static void modem_status(void)
{
	setup_open();
	out(UART_IER, UART_IER_MSI);
	EXPECT_EQ(line, 0);
	out(UART_MCR, UART_MCR_LOOP);		/* all inputs drop */
	out(UART_MCR, UART_MCR_OUT2);		/* and come back */
	EXPECT_EQ(line, 1);
	EXPECT_EQ(in(UART_IIR) & 0x0f, UART_IIR_MSI);
	EXPECT_EQ(in(UART_MSR) & 0x0f, UART_MSR_DDCD | UART_MSR_DDSR | UART_MSR_DCTS);
	EXPECT_EQ(line, 0);
	EXPECT_EQ(in(UART_MSR) & 0x0f, 0);
	/* RI counts when it ends, not when it begins. */
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1);
	EXPECT_EQ(in(UART_MSR) & UART_MSR_TERI, 0);
	out(UART_MCR, UART_MCR_LOOP);
	EXPECT_EQ(in(UART_MSR) & UART_MSR_TERI, UART_MSR_TERI);
	teardown();
}

static void causes_have_an_order(void)
{
	setup();
	out(UART_MCR, UART_MCR_LOOP);
	out(UART_TX, 'a');
	out(UART_TX, 'b');	/* overrun: the new byte replaces the old */
	out(UART_IER, UART_IER_RLSI | UART_IER_RDI | UART_IER_THRI | UART_IER_MSI);
	EXPECT_EQ(in(UART_IIR), UART_IIR_RLSI);
	EXPECT_EQ(in(UART_LSR), UART_LSR_OE | UART_LSR_DR | UART_LSR_THRE | UART_LSR_TEMT);
	EXPECT_EQ(in(UART_IIR), UART_IIR_RDI);
	EXPECT_EQ(in(UART_RX), 'b');
	EXPECT_EQ(in(UART_IIR), UART_IIR_THRI);
	EXPECT_EQ(in(UART_IIR), UART_IIR_MSI);
	in(UART_MSR);
	EXPECT_EQ(in(UART_IIR), UART_IIR_NO_INT);
	teardown();
}

static const struct tap_test tests[] = {
	{ "uart: registers after reset", after_reset },
	{ "uart: scratch and divisor", scratch_and_divisor },
	{ "uart: reserved bits read 0", reserved_bits_read_zero },
	{ "uart: transmits", transmits },
	{ "uart: transmitter-empty interrupt", thre_interrupt },
	{ "uart: OUT2 and loopback gate the interrupt", out2_gates_the_interrupt },
	{ "uart: receives without FIFO", receives_without_fifo },
	{ "uart: receives with FIFO, trigger and time-out", receives_with_fifo },
	{ "uart: clearing the FIFO drops bytes", fifo_reset_drops_bytes },
	{ "uart: the sender minds RTS", sender_minds_rts },
	{ "uart: loopback, overrun, depth of the FIFO", loopback },
	{ "uart: modem status", modem_status },
	{ "uart: causes have an order", causes_have_an_order },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
