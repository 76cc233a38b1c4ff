// SPDX-License-Identifier: GPL-2.0-only
/* The virtio disk, console and balloon, and a guest that asks for all that they do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "console-port.h"
#include "fakeguest.h"
#include "virtio-balloon.h"

static struct fake g;

/* ---- disk ---- */

#define DISK_BYTES	MIB
#define SECTORS		(DISK_BYTES / 512)
#define STATUS		(FAKE_DATA + 0x40000)
#define PAYLOAD		(FAKE_DATA + 0x1000)

static bool open_disk(const char *suffix)
{
	char *path = fake_path("disk"), *text;
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (!fake_has_io_uring()) {
		tap_skipped = "no io_uring here";
		return false;
	}
	EXPECT_EQ(ftruncate(fd, DISK_BYTES), 0);
	close(fd);
	EXPECT(asprintf(&text, "%s%s", path, suffix) > 0);
	EXPECT(fake_open(&g, &disk_kind, text));
	fake_start(&g);
	free(text);
	free(path);
	return true;
}

/* A request with @len bytes at PAYLOAD; returns its status. */
static u8 request(u32 type, u64 sector, u32 len)
{
	struct virtio_blk_outhdr header = { .type = type, .sector = sector };
	u16 in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID ? VRING_DESC_F_WRITE : 0;
	u16 before = fake_used(&g, 0)->idx;
	u8 *status = fake_at(&g, STATUS);

	memcpy(fake_at(&g, FAKE_DATA), &header, sizeof(header));
	*status = 0xee;
	fake_describe(&g, FAKE_DESC(0), 0, FAKE_DATA, sizeof(header), VRING_DESC_F_NEXT, 1);
	fake_describe(&g, FAKE_DESC(0), 1, PAYLOAD, len, VRING_DESC_F_NEXT | in, 2);
	fake_describe(&g, FAKE_DESC(0), 2, STATUS, 1, VRING_DESC_F_WRITE, 0);
	fake_offer(&g, 0, 0);
	fake_settle(&g, 0, before + 1);
	return *status;
}

static u8 range(u32 type, u64 sector, u32 count, u32 flags)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = sector, .num_sectors = count, .flags = flags,
	};

	memcpy(fake_at(&g, PAYLOAD), &range, sizeof(range));
	return request(type, 0, sizeof(range));
}

static void disk_requests(void)
{
	static const u8 zero[4096];
	u8 *data;
	u8 status;

	if (!open_disk(""))
		return;
	data = fake_at(&g, PAYLOAD);
	memset(data, 0x77, 8192);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, SECTORS - 16, 8192), VIRTIO_BLK_S_OK);
	memset(data, 0, 8192);
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 16, 8192), VIRTIO_BLK_S_OK);
	EXPECT(data[0] == 0x77 && data[8191] == 0x77);
	EXPECT_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	status = range(VIRTIO_BLK_T_DISCARD, SECTORS - 16, 8, 0);
	EXPECT_EQ(status, VIRTIO_BLK_S_OK);
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 16, 8192), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(data, zero, 4096));
	EXPECT_EQ(data[4096], 0x77);
	/* A file system need not know how to; then the guest writes zeros itself. */
	status = range(VIRTIO_BLK_T_WRITE_ZEROES, SECTORS - 8, 8, 0);
	EXPECT(status == VIRTIO_BLK_S_OK || status == VIRTIO_BLK_S_UNSUPP);
	EXPECT_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, SECTORS - 8, 8,
			VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP), VIRTIO_BLK_S_OK);
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 8, 4096), VIRTIO_BLK_S_OK);
	EXPECT(!memcmp(data, zero, 4096));
	fake_close(&g);
}

static void disk_errors(void)
{
	if (!open_disk(""))
		return;
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, SECTORS, 512), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 1, 1024), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, UINT64_MAX, 512), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 1ULL << 55, 512), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 0, 511), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(3, 0, 512), VIRTIO_BLK_S_UNSUPP);
	EXPECT_EQ(request(0x80000000, 0, 512), VIRTIO_BLK_S_UNSUPP);
	EXPECT_EQ(request(VIRTIO_BLK_T_DISCARD, 0, 8), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(range(VIRTIO_BLK_T_DISCARD, SECTORS, 1, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(range(VIRTIO_BLK_T_DISCARD, 1, SECTORS, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(range(VIRTIO_BLK_T_DISCARD, 0, 8, 1), VIRTIO_BLK_S_UNSUPP);
	EXPECT_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 0xffffffff, 0), VIRTIO_BLK_S_IOERR);
	EXPECT(!fake_broken(&g));
	fake_close(&g);
}

/* What the host refuses is the guest's error, and no end of this program's. */
static void disk_without_room(void)
{
	struct rlimit old, limit;
	sigset_t all;

	/* As the device's thread has it. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (!open_disk(""))
		return;
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = DISK_BYTES / 2;
	setrlimit(RLIMIT_FSIZE, &limit);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, SECTORS / 2, 4096), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 0, 4096), VIRTIO_BLK_S_OK);
	/* One that fits in part is none. */
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, SECTORS / 2 - 1, 4096), VIRTIO_BLK_S_IOERR);
	setrlimit(RLIMIT_FSIZE, &old);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, SECTORS / 2, 4096), VIRTIO_BLK_S_OK);
	fake_close(&g);
}

static void disk_made_shorter(void)
{
	char *path = fake_path("disk");

	if (!open_disk(""))
		return;
	EXPECT_EQ(truncate(path, DISK_BYTES / 2 + 512), 0);
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, SECTORS / 2, 4096), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, 0, 4096), VIRTIO_BLK_S_OK);
	fake_close(&g);
	free(path);
}

static void disk_read_only(void)
{
	if (!open_disk(",ro"))
		return;
	EXPECT_EQ(request(VIRTIO_BLK_T_IN, 0, 512), VIRTIO_BLK_S_OK);
	EXPECT_EQ(request(VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(range(VIRTIO_BLK_T_DISCARD, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	fake_close(&g);
}

/* ---- console ---- */

#define CONSOLE_BYTES	(1024 * 1024)

static u8 pattern(u32 i)
{
	return i * 7 + i / 253;
}

static int open_console(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *path = fake_path("socket"), *text;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	EXPECT(asprintf(&text, "socket=%s", path) > 0);
	EXPECT(fake_open(&g, &console_kind, text));
	fake_start(&g);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fake_turn(&g);
	free(text);
	free(path);
	return fd;
}

/* A host that reads slowly: the guest's buffers wait, and nothing is lost. */
static void console_output(void)
{
	int fd = open_console();
	u8 *data = fake_at(&g, FAKE_DATA), buf[3000];
	u32 sent = 0, got = 0, waited = 0;

	for (u32 i = 0; i < 65536; i++)
		data[i] = pattern(i);
	fake_describe(&g, FAKE_DESC(1), 0, FAKE_DATA, 65536, 0, 0);
	while (got < CONSOLE_BYTES) {
		ssize_t n;

		if (sent < CONSOLE_BYTES && fake_used(&g, 1)->idx == sent / 65536) {
			fake_offer(&g, 1, 0);
			sent += 65536;
		}
		fake_turn(&g);
		waited += fake_used(&g, 1)->idx != sent / 65536;
		n = read(fd, buf, sizeof(buf));
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != pattern((got + i) % 65536)) {
				EXPECT_EQ(buf[i], pattern((got + i) % 65536));
				got = CONSOLE_BYTES;
				break;
			}
		if (!n)
			break;
		got += n > 0 ? n : 0;
	}
	EXPECT_EQ(got, CONSOLE_BYTES);
	EXPECT(waited > 0);
	EXPECT_EQ(fake_used(&g, 1)->idx, CONSOLE_BYTES / 65536);
	/* Nobody is there: it is thrown away, and the guest goes on. */
	close(fd);
	for (unsigned int i = 0; i < 8; i++) {
		u16 before = fake_used(&g, 1)->idx;

		fake_offer(&g, 1, 0);
		fake_settle(&g, 1, before + 1);
		EXPECT_EQ(fake_used(&g, 1)->idx, (u16)(before + 1));
	}
	fake_close(&g);
}

/* A guest that reads slowly. */
static void console_input(void)
{
	int fd = open_console();
	static u8 data[65536];
	u32 written = 0, got = 0;
	u16 seen = 0;

	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = pattern(i);
	for (unsigned int rounds = 0; got < sizeof(data) && rounds < 100000; rounds++) {
		const struct vring_used *used = fake_used(&g, 0);
		ssize_t n = 0;

		if (written < sizeof(data))
			n = write(fd, data + written, MIN(5000u, sizeof(data) - written));
		written += n > 0 ? n : 0;
		if (rounds % 3 == 2) {
			fake_describe(&g, FAKE_DESC(0), 0, FAKE_DATA, 1000, VRING_DESC_F_WRITE, 0);
			fake_offer(&g, 0, 0);
		}
		fake_turn(&g);
		fake_turn(&g);
		if (used->idx == seen)
			continue;
		EXPECT_EQ((u16)(used->idx - seen), 1);
		n = used->ring[seen++ % FAKE_QUEUE_SIZE].len;
		EXPECT(!memcmp(fake_at(&g, FAKE_DATA), data + got, n));
		got += n;
	}
	EXPECT_EQ(got, sizeof(data));
	close(fd);
	fake_close(&g);
}

/* Who has said all may still listen, and then another comes. */
static void console_half_closed(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = open_console(), other;
	char *path = fake_path("socket"), text[16];

	fake_describe(&g, FAKE_DESC(0), 0, FAKE_DATA + 0x1000, 1000, VRING_DESC_F_WRITE, 0);
	fake_offer(&g, 0, 0);
	EXPECT_EQ(shutdown(fd, SHUT_WR), 0);
	fake_turn(&g);
	fake_turn(&g);
	fake_ask(&g, 1, "still there", 11, 0);
	EXPECT_EQ(read(fd, text, sizeof(text)), 11);
	close(fd);
	fake_turn(&g);
	other = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	EXPECT_EQ(connect(other, (struct sockaddr *)&address, sizeof(address)), 0);
	fake_turn(&g);
	fake_ask(&g, 1, "and here", 8, 0);
	EXPECT_EQ(read(other, text, sizeof(text)), 8);
	close(other);
	free(path);
	fake_close(&g);
}

/* What a guest that was killed left is no obstacle; what another listens at is. */
static void console_sockets(void)
{
	char *path = fake_path("socket"), *text;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	EXPECT(asprintf(&text, "socket=%s", path) > 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	EXPECT_EQ(listen(fd, 1), 0);
	EXPECT(!fake_open(&g, &console_kind, text));
	fake_close(&g);
	EXPECT(!access(path, F_OK));
	close(fd);
	EXPECT(fake_open(&g, &console_kind, text));
	fake_close(&g);
	EXPECT(access(path, F_OK));
	free(path);
	free(text);
}

/* At the terminal: the main thread hands bytes over, and is told when there is room. */
static void console_terminal(void)
{
	eventfd_t count;
	u32 generation;

	EXPECT(fake_open(&g, &console_kind, "stdio"));
	EXPECT(g.terminal);
	fake_start(&g);
	EXPECT_EQ(g.terminal->receive(g.terminal, (const u8 *)"hello", 5), 0);
	EXPECT(eventfd_read(g.terminal->room_fd, &count));
	fake_describe(&g, FAKE_DESC(0), 0, FAKE_DATA, 3, VRING_DESC_F_WRITE, 0);
	fake_offer(&g, 0, 0);
	fake_turn(&g);
	EXPECT_EQ(eventfd_read(g.terminal->room_fd, &count), 0);
	EXPECT_EQ(g.terminal->receive(g.terminal, (const u8 *)"hello", 5), 3);
	EXPECT_EQ(fake_used(&g, 0)->idx, 1);
	EXPECT(!memcmp(fake_at(&g, FAKE_DATA), "hel", 3));
	generation = fake_get(&g, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	fake_get(&g, FAKE_ISR, 1);
	g.terminal->resize(g.terminal, 132, 43);
	EXPECT(fake_get(&g, VIRTIO_PCI_COMMON_CFGGENERATION, 1) != generation);
	EXPECT_EQ(fake_get(&g, FAKE_ISR, 1), VIRTIO_ISR_CONFIG);
	EXPECT_EQ(fake_get(&g, FAKE_DEVICE + offsetof(struct virtio_console_config, cols), 2), 132);
	EXPECT_EQ(fake_get(&g, FAKE_DEVICE + offsetof(struct virtio_console_config, rows), 2), 43);
	fake_close(&g);
}

/* ---- balloon ---- */

static struct virtio_balloon *balloon(void)
{
	return container_of(g.list, struct virtio_balloon, p);
}

static void balloon_size(void)
{
	struct balloon_stats stats;
	struct balloon_size size;

	EXPECT(fake_open(&g, &balloon_kind, "1M"));
	fake_start(&g);
	EXPECT_EQ(fake_get(&g, FAKE_DEVICE, 4), 256);
	fake_get(&g, FAKE_ISR, 1);
	EXPECT_EQ(virtio_balloon_resize(balloon(), FAKE_RAM_SIZE + 1), -ERANGE);
	EXPECT_EQ(fake_get(&g, FAKE_ISR, 1), 0);
	EXPECT_EQ(virtio_balloon_resize(balloon(), 40960), 0);
	EXPECT_EQ(fake_get(&g, FAKE_ISR, 1), VIRTIO_ISR_CONFIG);
	EXPECT_EQ(fake_get(&g, FAKE_DEVICE, 4), 10);
	fake_put(&g, FAKE_DEVICE + 4, 4, 7);
	virtio_balloon_look(balloon(), &size, &stats);
	EXPECT_EQ(size.wanted, 40960);
	EXPECT_EQ(size.actual, 7 * 4096);
	EXPECT_EQ(stats.known, 0);
	fake_negotiate(&g);			/* a reset: the wish stays */
	EXPECT_EQ(fake_get(&g, FAKE_DEVICE, 8), 10);
	fake_close(&g);
	EXPECT(!fake_open(&g, &balloon_kind, "3M"));	/* more than there is */
	fake_close(&g);
}

static void balloon_statistics(void)
{
	struct virtio_balloon_stat told[] = {
		{ VIRTIO_BALLOON_S_MEMFREE, 123456789 }, { 999, 1 },
		{ VIRTIO_BALLOON_S_MAJFLT, 42 },
	};
	struct balloon_stats stats;
	struct balloon_size size;

	EXPECT(fake_open(&g, &balloon_kind, "0"));
	fake_start(&g);
	fake_send(&g, 2, told, sizeof(told), 0);
	fake_turn(&g);
	EXPECT_EQ(fake_used(&g, 2)->idx, 0);		/* it is kept until it is wanted */
	virtio_balloon_look(balloon(), &size, &stats);
	EXPECT_EQ(fake_used(&g, 2)->idx, 1);
	EXPECT_EQ(stats.known, 1 << VIRTIO_BALLOON_S_MEMFREE | 1 << VIRTIO_BALLOON_S_MAJFLT);
	EXPECT_EQ(stats.values[VIRTIO_BALLOON_S_MEMFREE], 123456789);
	EXPECT_EQ(stats.values[VIRTIO_BALLOON_S_MAJFLT], 42);
	virtio_balloon_look(balloon(), &size, &stats);	/* there is no buffer now */
	EXPECT_EQ(fake_used(&g, 2)->idx, 1);
	fake_close(&g);
}

/* What is reported is gone but for the edges, and nothing beside it. */
static void balloon_reports(void)
{
	u8 *memory;

	EXPECT(fake_open(&g, &balloon_kind, "0"));
	fake_start(&g);
	memory = fake_at(&g, FAKE_DATA);
	memset(memory, 1, 0x10000);
	fake_describe(&g, FAKE_DESC(4), 0, FAKE_DATA + 0x1800, 0x3000, VRING_DESC_F_WRITE, 0);
	fake_offer(&g, 4, 0);
	fake_settle(&g, 4, 1);
	for (u32 i = 0; i < 0x10000; i += 0x800)
		EXPECT_EQ(memory[i], i < 0x2000 || i >= 0x4000);
	fake_close(&g);
}

/* With a lent device all memory is pinned. */
static void balloon_refused(void)
{
	struct peripheral *list = NULL;
	char text[] = "0";
	struct lending lending = { .users = 1 };
	const struct board board = { .lending = &lending };

	EXPECT_EQ(peripherals_add(&list, &balloon_kind, text), 0);
	EXPECT_EQ(balloon_kind.create(list, &board), -EINVAL);
	balloon_kind.destroy(list);
	peripherals_free(list);
}

static const struct tap_test tests[] = {
	{ "disk: each request", disk_requests },
	{ "disk: requests that cannot be", disk_errors },
	{ "disk: a host without room", disk_without_room },
	{ "disk: a file that was made shorter", disk_made_shorter },
	{ "disk: read-only", disk_read_only },
	{ "console: a host that reads slowly, and one that is gone", console_output },
	{ "console: a guest that reads slowly", console_input },
	{ "console: half closed, and the next", console_half_closed },
	{ "console: sockets that are there already", console_sockets },
	{ "console: at the terminal", console_terminal },
	{ "balloon: its size", balloon_size },
	{ "balloon: statistics", balloon_statistics },
	{ "balloon: free pages that are reported", balloon_reports },
	{ "balloon: refused beside a lent device", balloon_refused },
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return tap_main(tests, ARRAY_SIZE(tests));
}
