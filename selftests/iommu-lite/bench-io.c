// SPDX-License-Identifier: GPL-2.0-only
/*
 * Throughput of drivers under the DMA API: bench-io MODE prints lines
 * "NAME|UNIT|VALUE". The machine has an nvme and an e1000e, both with drivers.
 *
 * What an emulated device takes says nothing, so the time counted is what the
 * CPU was busy: throughput is what a device would get that is never waited for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DISK		"/dev/nvme0n1"
#define LARGE		(128 << 10)
#define LARGE_COUNT	4000
#define SMALL		4096
#define SMALL_COUNT	20000
#define PACKET		1400
#define PACKETS		20000

static void die(const char *what)
{
	fprintf(stderr, "bench-io: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Seconds that the only CPU was busy */
static double busy(void)
{
	unsigned long long idle, iowait;
	struct timespec t;
	FILE *stat = fopen("/proc/stat", "r");

	if (!stat || fscanf(stat, "cpu %*u %*u %*u %llu %llu", &idle,
			    &iowait) != 2)
		die("/proc/stat");
	fclose(stat);
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9 -
	       (double)(idle + iowait) / sysconf(_SC_CLK_TCK);
}

/* Reads of @size bytes, @step bytes apart */
static double read_disk(char *buffer, size_t size, size_t step, int count)
{
	int disk = open(DISK, O_RDONLY | O_DIRECT), i;
	double start;

	if (disk < 0)
		die(DISK);
	start = busy();
	for (i = 0; i < count; i++)
		if (pread(disk, buffer, size, i * step % (512ull << 20)) !=
		    (ssize_t)size)
			die("reading");
	start = busy() - start;
	close(disk);
	return start;
}

static double send_packets(const char *buffer)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(0x0a000202),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), i;
	double start;

	if (fd < 0)
		die("socket");
	start = busy();
	for (i = 0; i < PACKETS; i++)
		while (sendto(fd, buffer, PACKET, 0, (struct sockaddr *)&to,
			      sizeof(to)) < 0)
			if (errno != ENOBUFS && errno != EAGAIN)
				die("sending");
	start = busy() - start;
	close(fd);
	return start;
}

int main(int argc, char **argv)
{
	char *buffer = aligned_alloc(LARGE, LARGE);
	double seconds;

	if (argc != 2 || !buffer) {
		fprintf(stderr, "usage: bench-io MODE\n");
		return 1;
	}
	memset(buffer, 1, LARGE);
	/* The first reads fill the driver's caches */
	read_disk(buffer, LARGE, LARGE, 16);
	seconds = read_disk(buffer, LARGE, LARGE, LARGE_COUNT);
	printf("nvme 128K sequential reads of a busy CPU, %s|MB/s|%.1f\n", argv[1],
	       LARGE / 1e6 * LARGE_COUNT / seconds);
	seconds = read_disk(buffer, SMALL, 7 * SMALL * 1013, SMALL_COUNT);
	printf("nvme 4K random reads of a busy CPU, %s|reads/s|%.0f\n", argv[1],
	       SMALL_COUNT / seconds);
	seconds = send_packets(buffer);
	printf("e1000e sending UDP from a busy CPU, %s|MB/s|%.2f\n", argv[1],
	       PACKET / 1e6 * PACKETS / seconds);
	return 0;
}
