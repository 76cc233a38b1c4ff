// SPDX-License-Identifier: GPL-2.0-only
/* The console: a terminal is given back however vmxl ends; Ctrl-A; pipes. */
#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "console.h"
#include "tap.h"

static struct bus ports;
static struct uart uart;
static struct console console;
static int master, slave;

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	(void)chip;
	(void)gsi;
	(void)level;
}

static struct irqchip irqchip = { .set_line = set_line };

static void make_uart(void)
{
	bus_init(&ports, 0xffff);
	uart_init(&uart, &ports, &irqchip, UART_COM1_PORT, UART_COM1_IRQ);
}

static bool slave_is_raw(void)
{
	struct termios t;

	return !tcgetattr(slave, &t) && !(t.c_lflag & (ICANON | ECHO | ISIG));
}

static void ends_by_exit(void)
{
	exit(0);
}

static void ends_by_destroy(void)
{
	console_destroy(&console);
	_exit(0);
}

static void ends_by_segv(void)
{
	raise(SIGSEGV);
	_exit(0);
}

static void ends_by_abort(void)
{
	abort();
}

/* In a child whose standard input is the terminal: be raw, then end. */
static int end_in_child(void (*end)(void))
{
	int status, raw_pipe[2];
	char raw = 0;
	pid_t pid;

	EXPECT_EQ(pipe(raw_pipe), 0);
	pid = fork();
	if (!pid) {
		/* The sanitizers would handle these themselves. */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		dup2(slave, STDIN_FILENO);
		make_uart();
		if (console_init(&console, &uart, NULL))
			_exit(99);
		raw = slave_is_raw();
		if (write(raw_pipe[1], &raw, 1) != 1)
			_exit(98);
		end();
		_exit(97);
	}
	EXPECT_EQ(read(raw_pipe[0], &raw, 1), 1);
	EXPECT(raw);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	close(raw_pipe[0]);
	close(raw_pipe[1]);
	return status;
}

static void gives_the_terminal_back(void)
{
	static const struct {
		void (*end)(void);
		int signal;
	} cases[] = {
		{ ends_by_exit, 0 },
		{ ends_by_destroy, 0 },
		{ ends_by_segv, SIGSEGV },
		{ ends_by_abort, SIGABRT },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct termios before, after;
		int status;

		EXPECT_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
		EXPECT_EQ(tcgetattr(slave, &before), 0);
		status = end_in_child(cases[i].end);
		EXPECT_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			  cases[i].signal);
		EXPECT_EQ(tcgetattr(slave, &after), 0);
		EXPECT_EQ(after.c_lflag, before.c_lflag);
		EXPECT_EQ(after.c_iflag, before.c_iflag);
		EXPECT_EQ(after.c_oflag, before.c_oflag);
		close(master);
		close(slave);
	}
}

/* Standard input is @fd until restore_stdin(). */
static int replace_stdin(int fd)
{
	int old = dup(STDIN_FILENO);

	dup2(fd, STDIN_FILENO);
	make_uart();
	EXPECT_EQ(console_init(&console, &uart, NULL), 0);
	return old;
}

static void restore_stdin(int old)
{
	console_destroy(&console);
	uart_destroy(&uart, &ports);
	bus_destroy(&ports);
	dup2(old, STDIN_FILENO);
	close(old);
}

static void type(const char *keys)
{
	EXPECT_EQ(write(master, keys, strlen(keys)), strlen(keys));
}

static void ctrl_a(void)
{
	int old;

	EXPECT_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	old = replace_stdin(slave);
	EXPECT(console.tty);
	type("ab\001\001c\001qd\003\r");
	EXPECT_EQ(console_input(&console), CONSOLE_GO_ON);
	/* Ctrl-A q is swallowed; Ctrl-C and Return go to the guest. */
	EXPECT_EQ(console.nr_in, 7);
	EXPECT(!memcmp(console.in, "ab\001cd\003\r", 7));
	type("\001");
	EXPECT_EQ(console_input(&console), CONSOLE_GO_ON);
	type("x");
	EXPECT_EQ(console_input(&console), CONSOLE_LEAVE);
	restore_stdin(old);
	close(master);
	close(slave);
}

/* A guest that does not read must not keep the user from leaving. */
static void leaves_a_deaf_guest(void)
{
	int old;

	EXPECT_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	old = replace_stdin(slave);
	console.nr_in = sizeof(console.in);
	EXPECT(console_wants_input(&console));
	type("lost\001x");
	EXPECT_EQ(console_input(&console), CONSOLE_LEAVE);
	EXPECT_EQ(console.nr_in, sizeof(console.in));
	restore_stdin(old);
	close(master);
	close(slave);
}

static void pipes(void)
{
	static u8 data[10000];
	size_t written = 0, got = 0;
	int fds[2], old;
	u8 byte;

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;	/* Ctrl-A x is in there too */
	memcpy(data + 100, "\001x\001\001", 4);
	EXPECT_EQ(pipe(fds), 0);
	old = replace_stdin(fds[0]);
	EXPECT(!console.tty);
	written = write(fds[1], data, sizeof(data));
	EXPECT_EQ(written, sizeof(data));
	close(fds[1]);

	/* Nothing is lost before the guest takes it, and nothing more is read. */
	while (console_wants_input(&console))
		EXPECT_EQ(console_input(&console), CONSOLE_GO_ON);
	EXPECT_EQ(console.nr_in, sizeof(console.in));

	bus_write(&ports, UART_COM1_PORT + 2, 1, 1);	/* FIFO */
	bus_write(&ports, UART_COM1_PORT + 4, 1, 2);	/* RTS */
	for (unsigned int i = 0; i < 100000 && got < sizeof(data); i++) {
		console_feed(&console);
		while (bus_read(&ports, UART_COM1_PORT + 5, 1) & 1) {
			byte = bus_read(&ports, UART_COM1_PORT, 1);
			if (byte != data[got])
				EXPECT_EQ(byte, data[got]);
			got++;
		}
		if (console_wants_input(&console))
			EXPECT_EQ(console_input(&console), CONSOLE_GO_ON);
	}
	EXPECT_EQ(got, sizeof(data));
	EXPECT_EQ(console_input(&console), CONSOLE_GO_ON);
	EXPECT(console.eof);
	EXPECT(!console_wants_input(&console));
	restore_stdin(old);
	close(fds[0]);
}

static const struct tap_test tests[] = {
	{ "console: gives the terminal back", gives_the_terminal_back },
	{ "console: Ctrl-A", ctrl_a },
	{ "console: Ctrl-A x leaves a guest that does not read", leaves_a_deaf_guest },
	{ "console: a pipe arrives whole", pipes },
};

int main(void)
{
	return tap_main(tests, ARRAY_SIZE(tests));
}
