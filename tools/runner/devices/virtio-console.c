// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio console with one port (virtio 1.2, section 5.3): Linux's hvc0.
 *
 * What the host does not take waits in the guest's queue, and what the guest has
 * no buffers for waits on the host.
 */
#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "chardev.h"
#include "console-port.h"
#include "iov.h"
#include "peripheral.h"
#include "virtio.h"

#define CLASS_COMMUNICATION	0x078000
/* Chains taken before the registers are looked after */
#define BATCH			64

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, NR_QUEUES };

/**
 * struct virtio_console - a console; guarded by the device's lock
 * @port: of the terminal, if it is at standard input and output
 * @starved: @port had more bytes than the guest took
 * @has_buffer: the next bytes for the guest go to @buffer
 * @has_output: the rest of @output, @nr_rest pieces from @rest on, is to be written
 */
struct virtio_console {
	struct peripheral p;
	struct virtio_device vd;
	struct chardev chardev;
	struct console_port port;
	bool starved;
	bool has_buffer, has_output;
	struct virtq_chain buffer, output;
	struct iovec *rest;
	unsigned int nr_rest;
};

static struct virtio_console *console_of(struct virtio_device *vd)
{
	return container_of(vd, struct virtio_console, vd);
}

/* ---- from the guest ---- */

/* Write what the guest has written; false if the host does not take it all now. */
static bool write_output(struct virtio_console *con)
{
	while (con->nr_rest) {
		size_t n = chardev_write(&con->chardev, con->rest, con->nr_rest);

		if (!n)
			return false;
		iov_skip(&con->rest, &con->nr_rest, n);
	}
	con->has_output = false;
	virtio_push(&con->vd, QUEUE_TRANSMIT, con->output.head, 0);
	return true;
}

static void transmit(struct virtio_console *con)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		if (!con->has_output &&
		    !virtio_pop(&con->vd, QUEUE_TRANSMIT, &con->output))
			return;
		if (!con->has_output) {
			con->has_output = true;
			con->rest = con->output.iov;
			con->nr_rest = con->output.nr_out;
		}
		if (!write_output(con))
			return;
	}
	eventfd_write(con->vd.kick_fd, 1);
}

/* ---- to the guest ---- */

static bool has_buffer(struct virtio_console *con)
{
	if (con->has_buffer)
		return true;
	if (!virtio_running(&con->vd) ||
	    !virtio_pop(&con->vd, QUEUE_RECEIVE, &con->buffer))
		return false;
	if (!con->buffer.nr_in) {
		virtio_break(&con->vd, QUEUE_RECEIVE, "a buffer has no room");
		return false;
	}
	con->has_buffer = true;
	return true;
}

static void give_buffer(struct virtio_console *con, size_t len)
{
	con->has_buffer = false;
	virtio_push(&con->vd, QUEUE_RECEIVE, con->buffer.head, len);
}

static void receive(struct virtio_console *con)
{
	for (unsigned int i = 0; i < BATCH && has_buffer(con); i++) {
		size_t n = chardev_read(&con->chardev, con->buffer.iov + con->buffer.nr_out,
					con->buffer.nr_in);

		if (!n)
			return;
		give_buffer(con, n);
	}
}

static size_t port_receive(struct console_port *port, const u8 *data, size_t len)
{
	struct virtio_console *con = container_of(port, struct virtio_console, port);
	size_t done = 0;

	pthread_mutex_lock(&con->vd.lock);
	while (done < len && has_buffer(con)) {
		size_t n = iov_write(con->buffer.iov + con->buffer.nr_out, con->buffer.nr_in,
				     data + done, len - done);

		give_buffer(con, n);
		done += n;
	}
	con->starved = done < len;
	if (done)
		virtio_interrupt(&con->vd, QUEUE_RECEIVE);
	pthread_mutex_unlock(&con->vd.lock);
	return done;
}

/* Section 5.3.4: the driver is told of a new size by a configuration change. */
static void port_resize(struct console_port *port, u16 columns, u16 rows)
{
	struct virtio_console *con = container_of(port, struct virtio_console, port);
	const struct virtio_console_config config = { .cols = columns, .rows = rows };

	pthread_mutex_lock(&con->vd.lock);
	memcpy(con->vd.config, &config, sizeof(config));
	virtio_config_changed(&con->vd);
	pthread_mutex_unlock(&con->vd.lock);
}

/* ---- the device ---- */

static void console_run(struct virtio_device *vd)
{
	struct virtio_console *con = console_of(vd);

	transmit(con);
	virtio_interrupt(vd, QUEUE_TRANSMIT);
	receive(con);
	virtio_interrupt(vd, QUEUE_RECEIVE);
	if (con->starved && has_buffer(con)) {
		con->starved = false;
		eventfd_write(con->port.room_fd, 1);
	}
}

static void console_reset(struct virtio_device *vd)
{
	struct virtio_console *con = console_of(vd);

	con->has_buffer = false;
	con->has_output = false;
}

static unsigned int console_poll(struct virtio_device *vd, struct pollfd *fds, int *timeout)
{
	struct virtio_console *con = console_of(vd);

	return chardev_poll(&con->chardev, fds, con->has_buffer,
			    con->has_output && virtio_running(vd), timeout);
}

/* console_run() follows, and reads and writes. */
static void console_polled(struct virtio_device *vd, struct pollfd *fds, unsigned int nr)
{
	chardev_polled(&console_of(vd)->chardev, fds, nr);
}

/* Emergency write (5.3.4): a byte before there are queues; lost if there is no room. */
static void console_written(struct virtio_device *vd, unsigned int offset,
			    unsigned int size, u64 value)
{
	u8 byte = value;
	struct iovec iov = { &byte, 1 };

	(void)size;
	if (offset == offsetof(struct virtio_console_config, emerg_wr))
		chardev_write(&console_of(vd)->chardev, &iov, 1);
}

static const struct virtio_ops console_ops = {
	.type = VIRTIO_ID_CONSOLE,
	.class = CLASS_COMMUNICATION,
	.nr_queues = NR_QUEUES,
	.run = console_run,
	.reset = console_reset,
	.poll = console_poll,
	.polled = console_polled,
	.config_written = console_written,
};

static int console_parse(struct peripheral *p, char *text)
{
	return chardev_parse(&container_of(p, struct virtio_console, p)->chardev, text);
}

/* The terminal is this console's, and the serial port's no more. */
static void take_terminal(struct virtio_console *con, const struct board *board)
{
	con->port.receive = port_receive;
	con->port.resize = port_resize;
	if (isatty(STDOUT_FILENO))
		con->vd.offered |= 1ULL << VIRTIO_CONSOLE_F_SIZE;
	*board->terminal = &con->port;
}

static int console_create(struct peripheral *p, const struct board *board)
{
	struct virtio_console *con = container_of(p, struct virtio_console, p);
	int ret;

	con->port.room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = virtio_init(&con->vd, &console_ops, "console", board->ram, board->irqchip);
	if (ret || con->port.room_fd < 0)
		return fail(-ENOMEM, "cannot make the console: %s", strerror(ENOMEM));
	con->vd.offered |= 1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE;
	ret = chardev_open(&con->chardev, "the guest's console");
	if (ret)
		return ret;
	if (con->chardev.kind == CHARDEV_STDIO)
		take_terminal(con, board);
	return virtio_join(&con->vd, board);
}

static void console_destroy(struct peripheral *p)
{
	struct virtio_console *con = container_of(p, struct virtio_console, p);

	virtio_unplug(&con->vd);
	virtio_destroy(&con->vd);
	chardev_close(&con->chardev);
	if (con->port.room_fd >= 0)
		close(con->port.room_fd);
}

const struct peripheral_kind console_kind = {
	.option = "console",
	.argument = "WHERE",
	.help = "a virtio console, hvc0: at stdio, where the serial port is\n"
		"otherwise, at a new pty, file=PATH, or socket=PATH",
	.plural = "consoles",
	.max = 1,
	.size = sizeof(struct virtio_console),
	.parse = console_parse,
	.create = console_create,
	.destroy = console_destroy,
};
