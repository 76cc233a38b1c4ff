// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's terminal, or pipe, at the guest's serial port or virtio console.
 *
 * A terminal is made raw, and given back as it was however vmxl ends, short
 * of SIGKILL. Ctrl-A x leaves, Ctrl-A Ctrl-A types Ctrl-A. Pipes have no
 * such escape.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "console.h"

#define CTRL_A	0x01

static struct termios saved;
static volatile sig_atomic_t is_raw;

/**
 * console_restore() - give the terminal back as it was
 *
 * Context: any, signal handlers included.
 */
void console_restore(void)
{
	if (!is_raw)
		return;
	is_raw = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static void fatal_signal(int sig)
{
	console_restore();
	/* The handler was for once: now the signal does what it always did. */
	raise(sig);
}

static int make_raw(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT };
	struct sigaction action = { .sa_handler = fatal_signal, .sa_flags = SA_RESETHAND };
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved))
		return -errno;
	raw = saved;
	cfmakeraw(&raw);
	atexit(console_restore);
	for (unsigned int i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &action, NULL);
	is_raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw)) {
		is_raw = 0;
		return -errno;
	}
	return 0;
}

static void write_all(const u8 *data, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno == EAGAIN) {
			/* Whoever gave us this file made it non-blocking. */
			struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		data += n;
		len -= n;
	}
}

/**
 * console_print() - a byte from the guest, to standard output
 * @byte: the byte
 *
 * Context: any thread. If nobody reads it any more it is lost.
 */
void console_print(u8 byte)
{
	write_all(&byte, 1);
}

static void uart_sends(struct uart *uart, u8 byte)
{
	(void)uart;
	console_print(byte);
}

static void uart_has_room(struct uart *uart)
{
	struct console *console = uart->console;

	eventfd_write(console->serial.room_fd, 1);
}

static size_t serial_receive(struct console_port *port, const u8 *data, size_t len)
{
	return uart_receive(container_of(port, struct console, serial)->uart, data, len);
}

/**
 * console_init() - connect standard input and output with the guest
 * @console: the console
 * @uart: the serial port
 * @port: another device that the terminal is for; or NULL for the serial port
 *
 * Return: 0, or a negative errno after a message.
 */
int console_init(struct console *console, struct uart *uart, struct console_port *port)
{
	int ret;

	*console = (struct console) { .uart = uart, .serial.receive = serial_receive };
	console->port = port ? port : &console->serial;
	console->serial.room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->serial.room_fd < 0)
		return fail(-errno, "cannot make an eventfd: %s", strerror(errno));
	uart->console = console;
	if (!port) {
		uart->send = uart_sends;
		uart->room = uart_has_room;
	}

	console->tty = isatty(STDIN_FILENO);
	if (console->tty) {
		ret = make_raw();
		if (ret)
			return fail(ret, "cannot set the terminal: %s", strerror(-ret));
	}
	console_resize(console);
	return 0;
}

/**
 * console_resize() - tell the guest how large the terminal is
 * @console: the console
 */
void console_resize(struct console *console)
{
	struct winsize size;

	if (console->port->resize && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		console->port->resize(console->port, size.ws_col, size.ws_row);
}

/**
 * console_destroy() - give the terminal back
 * @console: the console; the guest does not run any more
 */
void console_destroy(struct console *console)
{
	console_restore();
	close(console->serial.room_fd);
}

/**
 * console_wants_input() - whether standard input should be polled
 * @console: the console
 *
 * A terminal always, so that Ctrl-A x works with a guest that does not read.
 */
bool console_wants_input(const struct console *console)
{
	return !console->eof &&
	       (console->tty || console->nr_in < sizeof(console->in));
}

static void keep(struct console *console, u8 byte)
{
	if (console->nr_in < sizeof(console->in))
		console->in[console->nr_in++] = byte;
}

/* Take Ctrl-A and what follows out of what was typed. */
static int typed(struct console *console, u8 byte)
{
	if (!console->escape) {
		if (byte == CTRL_A)
			console->escape = true;
		else
			keep(console, byte);
		return CONSOLE_GO_ON;
	}
	console->escape = false;
	if (byte == 'x' || byte == 'X')
		return CONSOLE_LEAVE;
	if (byte == CTRL_A)
		keep(console, byte);
	return CONSOLE_GO_ON;
}

/**
 * console_feed() - hand the guest what it has room for
 * @console: the console
 */
void console_feed(struct console *console)
{
	size_t n;
	eventfd_t count;

	eventfd_read(console->port->room_fd, &count);
	if (!console->nr_in)
		return;
	n = console->port->receive(console->port, console->in, console->nr_in);
	console->nr_in -= n;
	memmove(console->in, console->in + n, console->nr_in);
}

/**
 * console_input() - read standard input, which poll() says is ready
 * @console: the console
 *
 * Return: CONSOLE_GO_ON, or CONSOLE_LEAVE if the user typed Ctrl-A x.
 */
int console_input(struct console *console)
{
	size_t room = sizeof(console->in) - console->nr_in;
	u8 buf[256];
	ssize_t n;

	n = read(STDIN_FILENO, buf, console->tty ? sizeof(buf) : MIN(sizeof(buf), room));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return CONSOLE_GO_ON;
	if (n <= 0) {
		console->eof = true;
		return CONSOLE_GO_ON;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (!console->tty)
			keep(console, buf[i]);
		else if (typed(console, buf[i]) == CONSOLE_LEAVE)
			return CONSOLE_LEAVE;
	}
	console_feed(console);
	return CONSOLE_GO_ON;
}
