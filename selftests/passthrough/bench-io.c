// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fixed amounts of reading from an nvme, past the page cache, one request at a
 * time: bench-io random|sequential|none COUNT.  In a guest or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DISK		"/dev/nvme0n1"
#define DISK_SIZE	(1ULL << 30)
#define LARGE		(128 << 10)
#define SMALL		4096
/* A prime: all of the disk before any of it again */
#define STRIDE		(7103ULL * SMALL)

static const struct {
	const char *name;
	size_t size, step;
} works[] = {
	{ "none", 0, 0 },
	{ "random", SMALL, STRIDE },
	{ "sequential", LARGE, LARGE },
};

static int fail(const char *what)
{
	fprintf(stderr, "bench-io: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long i, count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	char *buffer = aligned_alloc(LARGE, LARGE);
	unsigned int work;
	int disk;

	for (work = 0; argc == 3 && work < 3; work++)
		if (!strcmp(argv[1], works[work].name))
			break;
	if (argc != 3 || work == 3 || !buffer) {
		fprintf(stderr, "usage: bench-io random|sequential|none COUNT\n");
		return 1;
	}
	memset(buffer, 1, LARGE);
	disk = open(DISK, O_RDONLY | O_DIRECT);
	if (disk < 0)
		return fail(DISK);
	for (i = 0; works[work].size && i < count; i++)
		if (pread(disk, buffer, works[work].size,
			  i * works[work].step % DISK_SIZE) !=
		    (ssize_t)works[work].size)
			return fail("reading");
	return 0;
}
