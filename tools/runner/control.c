// SPDX-License-Identifier: GPL-2.0-only
/*
 * A running guest's socket. A thread of its own serves one line after the other,
 * so that nobody who asks slowly holds up the guest or its console.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

/* Who asks has this long for a line, and to take the answer. */
#define PATIENCE_MS	5000
#define BACKLOG		8

static int do_info(struct machine *m, char *words, FILE *out)
{
	(void)words;
	fprintf(out, "%d %u %llu %s\n", getpid(), m->nr_cpus,
		(m->ram.lowmem + m->ram.highmem) >> 20, cpus_paused(m) ? "paused" : "running");
	return 0;
}

static int do_stat(struct machine *m, char *words, FILE *out)
{
	(void)words;
	show_stats(m, out);
	return 0;
}

static int do_stop(struct machine *m, char *words, FILE *out)
{
	(void)words;
	if (acpipm_press_power_button(&m->pm))
		return 0;
	fputs("the guest does not listen to its power button: --force ends it", out);
	return -ENODEV;
}

static int do_end(struct machine *m, char *words, FILE *out)
{
	(void)words;
	(void)out;
	m->power.suspend(&m->power, VM_SUSPEND_POWEROFF);
	cpus_resume(m);
	return 0;
}

static int do_reset(struct machine *m, char *words, FILE *out)
{
	(void)words;
	(void)out;
	m->power.suspend(&m->power, VM_SUSPEND_RESET);
	cpus_resume(m);
	return 0;
}

static int do_pause(struct machine *m, char *words, FILE *out)
{
	(void)words;
	(void)out;
	cpus_pause(m);
	return 0;
}

static int do_resume(struct machine *m, char *words, FILE *out)
{
	(void)words;
	(void)out;
	cpus_resume(m);
	return 0;
}

/* What may be said; 0 is "ok" with @out behind it, else @out says what is wrong. */
static const struct request {
	const char *word;
	int (*run)(struct machine *m, char *words, FILE *out);
} requests[] = {
	{ "info", do_info },
	{ "stat", do_stat },
	{ "stop", do_stop },
	{ "end", do_end },
	{ "reset", do_reset },
	{ "pause", do_pause },
	{ "resume", do_resume },
};

/* The rest is for the devices, by the name of their option. */
static int ask_peripherals(struct machine *m, const char *word, char *words, FILE *out)
{
	for (struct peripheral *p = m->peripherals; p; p = p->next)
		if (p->kind->control && !strcmp(p->kind->option, word))
			return p->kind->control(p, words, out);
	fprintf(out, "the guest has no %s", word);
	return -EINVAL;
}

static int run_request(struct machine *m, char *line, FILE *out)
{
	char *words = line, *word = strsep(&words, " ");

	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++)
		if (!strcmp(requests[i].word, word))
			return requests[i].run(m, words, out);
	return ask_peripherals(m, word, words, out);
}

static u64 milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* One line, without its end. Returns whether it came whole, in time, before the end. */
static bool read_line(struct control *control, int fd, char *line, size_t size)
{
	u64 deadline = milliseconds() + PATIENCE_MS;
	size_t at = 0;

	while (at < size) {
		struct pollfd fds[] = {
			{ .fd = control->stop_fd, .events = POLLIN },
			{ .fd = fd, .events = POLLIN },
		};
		u64 now = milliseconds();
		ssize_t got;
		char *end;

		if (now >= deadline || poll(fds, ARRAY_SIZE(fds), deadline - now) <= 0 ||
		    fds[0].revents)
			return false;
		got = recv(fd, line + at, size - at, MSG_DONTWAIT);
		if (got <= 0)
			return false;
		end = memchr(line + at, '\n', got);
		if (end) {
			*end = '\0';
			return true;
		}
		at += got;
	}
	return false;
}

static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		data += sent;
		len -= sent;
	}
}

static void serve(struct control *control, int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	char line[CONTROL_LINE_MAX], *answer = NULL;
	size_t size = 0;
	FILE *out;
	int ret;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!read_line(control, fd, line, sizeof(line)))
		return;
	out = open_memstream(&answer, &size);
	if (!out)
		return;
	ret = run_request(control->machine, line, out);
	if (!fclose(out)) {
		if (ret)
			send_all(fd, "error ", 6);
		else
			send_all(fd, "ok\n", 3);
		send_all(fd, answer, size);
		if (ret)
			send_all(fd, "\n", 1);
	}
	free(answer);
}

static void *control_thread(void *arg)
{
	struct control *control = arg;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = control->stop_fd, .events = POLLIN },
			{ .fd = control->listen_fd, .events = POLLIN },
		};
		int fd;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		serve(control, fd);
		close(fd);
	}
}

static int make_socket(struct control *control)
{
	char directory[PATH_MAX], entry[VMX_LITE_NAME_LEN + 16];
	struct sockaddr_un address;
	int ret;

	ret = control_directory(directory, true);
	if (ret)
		return ret;
	snprintf(entry, sizeof(entry), "%s.%d", control->machine->name, getpid());
	ret = control_address(directory, entry, &address);
	if (ret)
		return ret;
	control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listen_fd < 0)
		return -errno;
	/* Another process had our number before. */
	unlink(address.sun_path);
	/* The file gets the socket's mode when it is made: no moment of another. */
	if (fchmod(control->listen_fd, 0600) ||
	    bind(control->listen_fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	control->address = address;
	return listen(control->listen_fd, BACKLOG) ? -errno : 0;
}

/**
 * control_start() - let other vmxl commands reach a guest
 * @control: out
 * @m: the guest, about to run
 *
 * Without a socket the guest runs all the same; there is a message then.
 */
void control_start(struct control *control, struct machine *m)
{
	char name[16];
	int ret;

	*control = (struct control) { .machine = m, .listen_fd = -1 };
	control->stop_fd = eventfd(0, EFD_CLOEXEC);
	ret = control->stop_fd < 0 ? -errno : make_socket(control);
	snprintf(name, sizeof(name), "%.7s control", m->name);
	if (!ret)
		ret = thread_start(&control->thread, name, control_thread, control, NULL);
	control->has_thread = !ret;
	if (ret)
		note("vmxl ps and the like will not see this guest: no socket for it: %s",
		     strerror(-ret));
}

/**
 * control_stop() - undo control_start()
 * @control: started, with or without a socket
 */
void control_stop(struct control *control)
{
	if (control->has_thread) {
		eventfd_write(control->stop_fd, 1);
		pthread_join(control->thread, NULL);
	}
	if (control->address.sun_path[0])
		unlink(control->address.sun_path);
	if (control->listen_fd >= 0)
		close(control->listen_fd);
	if (control->stop_fd >= 0)
		close(control->stop_fd);
}
