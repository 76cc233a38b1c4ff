// SPDX-License-Identifier: GPL-2.0-only
/*
 * work: what a Linux guest does to be measured, and what the host answers.
 *
 *	work NAME...	in the guest: one line a measurement, NAME UNIT AMOUNT, with lines
 *			"mark NAME begin|end COUNT" around it for who counts exits outside
 *	work serve	in the host: port 8000 of 127.0.0.1, which is 10.0.2.2 in the guest
 *
 * Time is in instructions, as in bench.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define DISK		"/dev/vda"
#define DISK_SIZE	(64UL << 20)
#define PORT		8000
#define TRANSFER	(2UL << 20)
#define CHUNK		65536

enum { DOWN = 'd', UP = 'u' };

static double ticks_per_insn;

static void must(int ok, const char *what)
{
	if (ok)
		return;
	printf("work: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* How the TSC counts: rounds of two instructions, the least of a few times. */
static void calibrate(void)
{
	uint64_t best = ~0ULL;

	for (int round = 0; round < 20; round++) {
		uint64_t begin = __rdtsc(), ticks;
		unsigned long i = 20000;

		asm volatile("1: dec %0; jnz 1b" : "+r" (i));
		ticks = __rdtsc() - begin;
		if (ticks < best)
			best = ticks;
	}
	ticks_per_insn = best / 40000.0;
}

/* Time for who looks at counters; the counters hold still meanwhile. */
static void tell(const char *name, const char *what, unsigned long count)
{
	usleep(100000);
	printf("mark %s %s %lu\n", name, what, count);
	fflush(stdout);
	usleep(400000);
}

static void report(const char *name, const char *unit, double ticks, double pieces)
{
	printf("%s %s %.1f\n", name, unit, ticks / ticks_per_insn / pieces);
}

/* ------------------------------------------------------------ the timer */

/* How late a sleeper wakes. */
static void work_timer(const char *name)
{
	const unsigned long rounds = 200, ns = 1000000;
	struct timespec now;
	double late = 0;
	uint64_t tsc;
	double begin, ticks_per_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	begin = now.tv_sec * 1e9 + now.tv_nsec;
	tsc = __rdtsc();
	tell(name, "begin", rounds);
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (unsigned long i = 0; i < rounds; i++) {
		struct timespec then = now;

		then.tv_nsec += ns;
		if (then.tv_nsec >= 1000000000) {
			then.tv_nsec -= 1000000000;
			then.tv_sec++;
		}
		must(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL), "sleep");
		clock_gettime(CLOCK_MONOTONIC, &now);
		late += (now.tv_sec - then.tv_sec) * 1e9 + now.tv_nsec - then.tv_nsec;
	}
	ticks_per_ns = (__rdtsc() - tsc) / (now.tv_sec * 1e9 + now.tv_nsec - begin);
	report(name, "instructions", late * ticks_per_ns, rounds);
	tell(name, "end", rounds);
}

/* ------------------------------------------------------------ the disk */

static void read_disk(const char *name, size_t size, unsigned long count, int is_random)
{
	unsigned long sectors = DISK_SIZE / size;
	uint64_t begin, seed = 1;
	void *buffer;
	int fd;

	fd = open(DISK, O_RDONLY | O_DIRECT);
	must(fd >= 0, DISK);
	must(!posix_memalign(&buffer, 4096, size), "memory");
	tell(name, "begin", count);
	begin = __rdtsc();
	for (unsigned long i = 0; i < count; i++) {
		unsigned long at = i;

		if (is_random) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			at = seed >> 33;
		}
		must(pread(fd, buffer, size, at % sectors * size) == (ssize_t)size, DISK);
	}
	report(name, "instructions", __rdtsc() - begin, count);
	tell(name, "end", count);
	free(buffer);
	close(fd);
}

static void work_random(const char *name)
{
	read_disk(name, 4096, 400, 1);
}

static void work_sequential(const char *name)
{
	read_disk(name, 131072, 64, 0);
}

/* ------------------------------------------------------------ the network */

static int dial(char what)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
	must(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	must(write(fd, &what, 1) == 1, "write");
	return fd;
}

static size_t drain(int fd)
{
	static char buffer[CHUNK];
	size_t total = 0;
	ssize_t len;

	while ((len = read(fd, buffer, sizeof(buffer))) > 0)
		total += len;
	return total;
}

static void send_all(int fd)
{
	static char buffer[CHUNK];

	for (size_t sent = 0; sent < TRANSFER;) {
		ssize_t len = write(fd, buffer, sizeof(buffer));

		must(len > 0, "send");
		sent += len;
	}
}

static void work_down(const char *name)
{
	const unsigned long kib = TRANSFER >> 10;
	uint64_t begin;
	int fd;

	tell(name, "begin", kib);
	begin = __rdtsc();
	fd = dial(DOWN);
	must(drain(fd) == TRANSFER, "receive");
	report(name, "instructions", __rdtsc() - begin, kib);
	tell(name, "end", kib);
	close(fd);
}

static void work_up(const char *name)
{
	const unsigned long kib = TRANSFER >> 10;
	uint64_t begin;
	char done;
	int fd;

	tell(name, "begin", kib);
	begin = __rdtsc();
	fd = dial(UP);
	send_all(fd);
	shutdown(fd, SHUT_WR);
	must(read(fd, &done, 1) == 1, "answer");
	report(name, "instructions", __rdtsc() - begin, kib);
	tell(name, "end", kib);
	close(fd);
}

static void answer(int fd)
{
	char what, done = 0;

	if (read(fd, &what, 1) != 1)
		return;
	if (what == DOWN)
		send_all(fd);
	else if (drain(fd) == TRANSFER)
		must(write(fd, &done, 1) == 1, "answer");
}

static void __attribute__((noreturn)) serve(void)
{
	struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(!bind(fd, (struct sockaddr *)&here, sizeof(here)) && !listen(fd, 4), "port 8000");
	for (;;) {
		int caller = accept(fd, NULL, NULL);

		must(caller >= 0, "accept");
		answer(caller);
		close(caller);
	}
}

static const struct {
	const char *name;
	void (*work)(const char *name);
} works[] = {
	{ "sleeper", work_timer },
	{ "blk-4k", work_random },
	{ "blk-128k", work_sequential },
	{ "net-down", work_down },
	{ "net-up", work_up },
	{ }
};

static void do_work(const char *name)
{
	for (unsigned int i = 0; works[i].name; i++) {
		if (strcmp(works[i].name, name))
			continue;
		works[i].work(name);
		return;
	}
	printf("work: what is %s?\n", name);
	exit(1);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "serve"))
		serve();
	calibrate();
	for (int i = 1; i < argc; i++)
		do_work(argv[i]);
	/* The last mark is for memory. */
	tell("idle", "end", 1);
	return 0;
}
