// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each virtio device and a guest that breaks the rules of its queues, one by one and
 * then at random: the device stops, says so once, and works again after a reset. The
 * sanitizers watch, and there is nothing around the guest's memory.
 */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_vsock.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fakeguest.h"

#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define INDIR	VRING_DESC_F_INDIRECT
#define SECRET	"nobody's business\n"

static struct fake g;

/* ---- what each device does when it works ---- */

static u8 answer(u32 offset, u32 len)
{
	return *(u8 *)fake_at(&g, FAKE_DATA + ALIGN_UP(len, 64) + offset);
}

static bool disk_works(void)
{
	const struct virtio_blk_outhdr header = { .type = VIRTIO_BLK_T_GET_ID };

	return fake_ask(&g, 0, &header, sizeof(header), VIRTIO_BLK_ID_BYTES + 1) ==
	       VIRTIO_BLK_ID_BYTES + 1 &&
	       !memcmp(fake_at(&g, FAKE_DATA + 64), "vmxl-disk0", 10) &&
	       answer(VIRTIO_BLK_ID_BYTES, sizeof(header)) == VIRTIO_BLK_S_OK;
}

static bool net_works(void)
{
	u8 frame[12 + 60] = { };

	fake_ask(&g, 1, frame, sizeof(frame), 0);
	return true;
}

static bool rng_works(void)
{
	return fake_ask(&g, 0, NULL, 0, 32) == 32;
}

static bool console_works(void)
{
	char *path = fake_path("console");
	struct stat before = { }, after = { };

	stat(path, &before);
	fake_ask(&g, 1, "hello", 5, 0);
	stat(path, &after);
	free(path);
	return after.st_size == before.st_size + 5;
}

static bool balloon_works(void)
{
	const u32 pfn = (FAKE_DATA >> 12) + 16;
	u8 *page = fake_at(&g, FAKE_DATA + 0x10000);

	memset(page, 1, 4096);
	fake_ask(&g, 0, &pfn, sizeof(pfn), 0);
	return !page[0] && !page[4095];
}

static bool vsock_works(void)
{
	const struct virtio_vsock_hdr packet = {
		.src_cid = 3, .dst_cid = 2, .src_port = 7, .dst_port = 8,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = VIRTIO_VSOCK_OP_RW,
	};
	const struct virtio_vsock_hdr *reply = fake_at(&g, FAKE_DATA + 0x1000);

	fake_describe(&g, FAKE_DESC(0), 0, FAKE_DATA + 0x1000, 256, WRITE, 0);
	fake_offer(&g, 0, 0);
	fake_ask(&g, 1, &packet, sizeof(packet), 0);
	return fake_used(&g, 0)->idx == 1 && reply->op == VIRTIO_VSOCK_OP_RST &&
	       reply->dst_port == 7 && reply->src_port == 8;
}

static bool share_works(void)
{
	static const u8 version[] = {
		21, 0, 0, 0, 100, 0xff, 0xff, 0, 0x20, 0, 0,
		8, 0, '9', 'P', '2', '0', '0', '0', '.', 'L',
	};

	return fake_ask(&g, 0, version, sizeof(version), 64) == sizeof(version) &&
	       answer(4, sizeof(version)) == 101;
}

/* ---- random but plausible contents ---- */

static u32 seed;

/* Numerical Recipes' generator: the same everywhere. */
static u32 chance(u32 limit)
{
	seed = seed * 1664525 + 1013904223;
	return (u32)((u64)(seed >> 8) * limit >> 24);
}

static void put(u8 **at, u64 value, unsigned int len)
{
	memcpy(*at, &value, len);
	*at += len;
}

static u32 some_number(void)
{
	static const u32 numbers[] = {
		0, 1, 2, 7, 511, 512, 4096, 65536, 0x7fffffff, 0x80000000, 0xffffffff,
	};

	return chance(4) ? numbers[chance(ARRAY_SIZE(numbers))] : chance(0x1000000);
}

static void fill_disk(u8 *at)
{
	put(&at, chance(16), 4);
	put(&at, 0, 4);
	put(&at, chance(3) ? chance(2100) : (u64)some_number() << 32, 8);
	/* a range to discard, perhaps */
	put(&at, chance(3) ? chance(2100) : some_number(), 8);
	put(&at, some_number(), 4);
	put(&at, chance(3), 4);
}

static void fill_vsock(u8 *at)
{
	static const u32 ports[] = { 1000, 1001, 0x40000000, 0x40000001, 0xffffffff };

	put(&at, chance(32) ? 3 : some_number(), 8);
	put(&at, chance(32) ? 2 : some_number(), 8);
	put(&at, 5000 + chance(3), 4);
	put(&at, ports[chance(ARRAY_SIZE(ports))], 4);
	put(&at, chance(3) ? chance(3) * 100 : some_number(), 4);
	put(&at, chance(32) ? VIRTIO_VSOCK_TYPE_STREAM : chance(65536), 2);
	put(&at, chance(32) ? 1 + chance(7) : chance(65536), 2);
	put(&at, chance(8), 4);
	put(&at, some_number(), 4);
	put(&at, chance(2) ? 0 : some_number(), 4);
}

/* Of each request: f a fid, s a name, n names, d data; 1, 2, 4, 8 numbers */
static const struct {
	u8 type;
	const char *layout;
} messages[] = {
	{ 8, "f" }, { 12, "f4" }, { 14, "fs444" }, { 16, "fss4" }, { 18, "fs4444" },
	{ 20, "ffs" }, { 22, "f" }, { 24, "f8" }, { 26, "f444488888" }, { 30, "ffs" },
	{ 32, "fs84" }, { 40, "f84" }, { 50, "f4" }, { 52, "f14884s" }, { 54, "f1884s" },
	{ 70, "ffs" }, { 72, "fs44" }, { 74, "fsfs" }, { 76, "fs4" }, { 100, "4s" },
	{ 102, "fss4" }, { 104, "f4ss4" }, { 108, "2" }, { 110, "ffn" }, { 116, "f84" },
	{ 118, "f8d" }, { 120, "f" }, { 122, "f" }, { 200, "" },
};

static const char *const names[] = {
	"", ".", "..", "file", "dir", "link", "absolute", "new", "new2", "dir/file", "/",
	"../secret", "9P2000.L", "fifo",
};

static void put_name(u8 **at)
{
	const char *name = names[chance(ARRAY_SIZE(names))];
	u16 len = strlen(name);

	put(at, chance(64) ? len : some_number(), 2);
	memcpy(*at, name, len);
	*at += len;
}

static void put_field(u8 **at, char field)
{
	u32 nr;

	switch (field) {
	case 'f':
		put(at, chance(4), 4);
		break;
	case 's':
		put_name(at);
		break;
	case 'n':
		nr = chance(4);
		put(at, chance(64) ? nr : some_number(), 2);
		while (nr--)
			put_name(at);
		break;
	case 'd':
		nr = chance(64);
		put(at, chance(64) ? nr : some_number(), 4);
		*at += nr;
		break;
	default:
		put(at, chance(2) ? chance(0x1000) : some_number(), field - '0');
	}
}

static void fill_share(u8 *start)
{
	unsigned int i = chance(ARRAY_SIZE(messages));
	u8 *at = start + 7;

	for (const char *field = messages[i].layout; *field; field++)
		put_field(&at, *field);
	/* Attach often, else there are no fids. */
	if (!chance(8)) {
		static const u8 attach[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0 };

		at = start + 7;
		put(&at, chance(4), 4);
		memcpy(at, attach, sizeof(attach));
		at += sizeof(attach);
		start[4] = 104;
	} else {
		start[4] = messages[i].type;
	}
	put(&start, chance(64) ? (u64)(at - start) : some_number(), 4);
}

static void fill_balloon(u8 *at)
{
	for (unsigned int i = 0; i < 32; i++)
		put(&at, chance(8) ? (FAKE_DATA >> 12) + chance(0x180) : some_number(), 4);
}

static void fill_any(u8 *at)
{
	for (unsigned int i = 0; i < 16; i++)
		put(&at, some_number(), 4);
}

/* ---- the devices ---- */

static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", fake_folder(), name);
	unlink(address.sun_path);
	EXPECT_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	EXPECT_EQ(listen(fd, 16), 0);
	return fd;
}

static int listener = -1;

static void vsock_before(void)
{
	listener = listen_at("vsock_1000");
}

/* Programs of the host come and go. */
static void vsock_host(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char data[512];
	int fd;

	if (!chance(4)) {
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd >= 0) {
			if (recv(fd, data, chance(sizeof(data)), MSG_DONTWAIT) > 0)
				send(fd, data, chance(sizeof(data)), MSG_DONTWAIT | MSG_NOSIGNAL);
			close(fd);
		}
	}
	if (!chance(16)) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/vsock", fake_folder());
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			send(fd, "CONNECT 5000\nand more", chance(22), MSG_NOSIGNAL);
		close(fd);
	}
}

static void vsock_after(void)
{
	close(listener);
}

static void make_file(const char *name, const char *text)
{
	char *path = fake_path(name);
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	free(path);
}

static void share_before(void)
{
	char *path;

	make_file("secret", SECRET);
	for (unsigned int i = 0; i < 2; i++) {
		path = fake_path(i ? "share/dir" : "share");
		mkdir(path, 0755);
		free(path);
	}
	make_file("share/file", "public\n");
	path = fake_path("share/link");
	unlink(path);
	EXPECT(!symlink("../secret", path));
	free(path);
	path = fake_path("share/absolute");
	unlink(path);
	EXPECT(!symlink("/", path));
	free(path);
	path = fake_path("share/fifo");
	unlink(path);
	EXPECT_EQ(mkfifo(path, 0666), 0);
	free(path);
}

/* Nobody got out. */
static void share_after(void)
{
	char *path = fake_path("secret"), text[64] = "";
	FILE *file = fopen(path, "r");
	struct stat st;

	EXPECT(file && fgets(text, sizeof(text), file) && !strcmp(text, SECRET));
	EXPECT(!stat(path, &st) && (st.st_mode & 0777) == 0644 && st.st_nlink == 1);
	fclose(file);
	free(path);
	path = fake_path("new");
	EXPECT(access(path, F_OK));
	free(path);
}

static void disk_before(void)
{
	char *path = fake_path("disk");
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	EXPECT_EQ(ftruncate(fd, MIB), 0);
	close(fd);
	free(path);
}

static const struct victim {
	const char *name;
	const struct peripheral_kind *kind;
	const char *text;	/* "@" is the test's folder */
	u32 queues;		/* bits: which it takes chains from by itself */
	bool (*works)(void);
	void (*fill)(u8 *at);
	void (*before)(void);
	void (*host)(void);
	void (*after)(void);
} victims[] = {
	{ "disk", &disk_kind, "@/disk", 1 << 0, disk_works, fill_disk, disk_before, NULL, NULL },
	{ "net", &net_kind, "user", 1 << 1, net_works, fill_any, NULL, NULL, NULL },
	{ "rng", &rng_kind, NULL, 1 << 0, rng_works, fill_any, NULL, NULL, NULL },
	{ "console", &console_kind, "file=@/console", 3, console_works, fill_any, NULL, NULL,
	  NULL },
	{ "balloon", &balloon_kind, "1M", 0x1f, balloon_works, fill_balloon, NULL, NULL, NULL },
	{ "vsock", &vsock_kind, "@/vsock", 1 << 1, vsock_works, fill_vsock, vsock_before,
	  vsock_host, vsock_after },
	{ "share", &share_kind, "@/share,tag=x", 1 << 0, share_works, fill_share, share_before,
	  NULL, share_after },
};

/* Without io_uring there are no disks to break. */
static unsigned int first_victim(void)
{
	return !fake_has_io_uring();
}

static bool open_victim(const struct victim *v)
{
	char text[128];

	if (v->before)
		v->before();
	if (v->text && strchr(v->text, '@')) {
		const char *at = strchr(v->text, '@');

		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - v->text), v->text,
			 fake_folder(), at + 1);
		return fake_open(&g, v->kind, text);
	}
	return fake_open(&g, v->kind, v->text);
}

static void close_victim(const struct victim *v)
{
	fake_close(&g);
	if (v->after)
		v->after();
}

/* ---- one rule after the other ---- */

static const struct rule {
	const char *name;
	struct vring_desc desc[3];	/* 0 to 2 of the queue's table */
	struct vring_desc indirect[2];
} rules[] = {
	{ "a loop", { { FAKE_DATA, 1, NEXT, 0 } }, { } },
	{ "a longer loop", { { FAKE_DATA, 1, NEXT, 1 }, { FAKE_DATA, 1, NEXT, 2 },
			     { FAKE_DATA, 1, NEXT, 0 } }, { } },
	{ "a loop of empty buffers", { { FAKE_DATA, 0, NEXT, 1 }, { FAKE_DATA, 0, NEXT, 0 } },
	  { } },
	{ "next beyond the table", { { FAKE_DATA, 1, NEXT, FAKE_QUEUE_SIZE } }, { } },
	{ "next far beyond", { { FAKE_DATA, 1, NEXT, 65535 } }, { } },
	{ "an address outside RAM", { { FAKE_RAM_SIZE, 1, 0, 0 } }, { } },
	{ "an address of devices", { { 0xfee00000, 16, WRITE, 0 } }, { } },
	{ "the end outside RAM", { { FAKE_RAM_SIZE - 1, 2, WRITE, 0 } }, { } },
	{ "an address that wraps", { { UINT64_MAX, 2, WRITE, 0 } }, { } },
	{ "a length that wraps", { { UINT64_MAX - 0xfffffffe, 0xffffffff, 0, 0 } }, { } },
	{ "the longest length", { { FAKE_DATA, 0xffffffff, 0, 0 } }, { } },
	{ "readable after writable", { { FAKE_DATA, 1, NEXT | WRITE, 1 }, { FAKE_DATA, 1, 0, 0 } },
	  { } },
	{ "indirect in indirect", { { FAKE_DATA, 16, INDIR, 0 } },
	  { { FAKE_DATA, 16, INDIR, 0 } } },
	{ "an indirect loop", { { FAKE_DATA, 32, INDIR, 0 } },
	  { { FAKE_DATA, 1, NEXT, 1 }, { FAKE_DATA, 1, NEXT, 0 } } },
	{ "indirect beyond its table", { { FAKE_DATA, 16, INDIR, 0 } },
	  { { FAKE_DATA, 1, NEXT, 1 } } },
	{ "an indirect table of no length", { { FAKE_DATA, 0, INDIR, 0 } }, { } },
	{ "an indirect table with half an entry", { { FAKE_DATA, 24, INDIR, 0 } }, { } },
	{ "an indirect table outside RAM", { { FAKE_RAM_SIZE - 16, 32, INDIR, 0 } }, { } },
	{ "indirect and next", { { FAKE_DATA, 16, INDIR | NEXT, 1 } }, { } },
};

static unsigned int lines;	/* on standard error */
static int real_stderr;

static void catch_stderr(void)
{
	int fd = open(fake_folder(), O_TMPFILE | O_RDWR, 0600);

	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	__sanitizer_set_report_fd((void *)(intptr_t)real_stderr);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void count_stderr(void)
{
	char text[65536];
	ssize_t n;

	fflush(stderr);
	n = pread(STDERR_FILENO, text, sizeof(text), 0);
	lines = 0;
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	dup2(real_stderr, STDERR_FILENO);
	__sanitizer_set_report_fd((void *)(intptr_t)STDERR_FILENO);
	close(real_stderr);
}

static void expect_broken(const struct victim *v, unsigned int q, const char *what)
{
	fake_get(&g, FAKE_ISR, 1);
	fake_turn(&g);
	if (!fake_broken(&g))
		printf("# %s: queue %u: %s: it goes on\n", v->name, q, what);
	EXPECT(fake_broken(&g));
	EXPECT_EQ(fake_get(&g, FAKE_ISR, 1) & VIRTIO_ISR_CONFIG, VIRTIO_ISR_CONFIG);
	EXPECT_EQ(fake_used(&g, q)->idx, 0);
	/* It stands still, whatever comes. */
	fake_describe(&g, FAKE_DESC(q), 0, FAKE_DATA, 64, WRITE, 0);
	fake_offer(&g, q, 0);
	fake_turn(&g);
	EXPECT_EQ(fake_used(&g, q)->idx, 0);
}

static void expect_works(const struct victim *v)
{
	bool works;

	fake_start(&g);
	works = v->works();
	if (!works)
		printf("# %s does not work\n", v->name);
	EXPECT(works);
	EXPECT(!fake_broken(&g));
}

static void break_rings(const struct victim *v, unsigned int q)
{
	fake_start(&g);
	((struct vring_avail *)fake_at(&g, FAKE_AVAIL(q)))->idx = FAKE_QUEUE_SIZE + 1;
	expect_broken(v, q, "more than the ring holds");

	fake_start(&g);
	fake_offer(&g, q, FAKE_QUEUE_SIZE);
	expect_broken(v, q, "a head beyond the table");

	fake_start(&g);
	for (unsigned int i = 0; i <= VIRTQ_SEGS_MAX; i++)
		fake_describe(&g, FAKE_DATA, i, FAKE_DATA + 0x10000, 1,
			      i < VIRTQ_SEGS_MAX ? NEXT : 0, i + 1);
	fake_describe(&g, FAKE_DESC(q), 0, FAKE_DATA, (VIRTQ_SEGS_MAX + 1) * 16, INDIR, 0);
	fake_offer(&g, q, 0);
	expect_broken(v, q, "a chain that is too long");
}

static void breaks_rules(void)
{
	for (unsigned int i = first_victim(); i < ARRAY_SIZE(victims); i++) {
		const struct victim *v = &victims[i];

		catch_stderr();
		EXPECT(open_victim(v));
		expect_works(v);
		for (unsigned int q = 0; q < g.vd->ops->nr_queues; q++) {
			if (!(v->queues >> q & 1))
				continue;
			for (unsigned int r = 0; r < ARRAY_SIZE(rules); r++) {
				fake_start(&g);
				memcpy(fake_at(&g, FAKE_DESC(q)), rules[r].desc,
				       sizeof(rules[r].desc));
				memcpy(fake_at(&g, FAKE_DATA), rules[r].indirect,
				       sizeof(rules[r].indirect));
				fake_offer(&g, q, 0);
				expect_broken(v, q, rules[r].name);
			}
			break_rings(v, q);
			expect_works(v);
		}
		count_stderr();
		EXPECT_EQ(lines, 1);
		close_victim(v);
	}
}

/* Queues that cannot be: they break the device at once, and only until a reset. */
static void refuses_queues(void)
{
	static const struct {
		u16 size;
		u64 desc, avail, used;
	} bad[] = {
		{ 0, FAKE_DESC(0), FAKE_AVAIL(0), FAKE_USED(0) },
		{ 3, FAKE_DESC(0), FAKE_AVAIL(0), FAKE_USED(0) },
		{ 512, FAKE_DESC(0), FAKE_AVAIL(0), FAKE_USED(0) },
		{ 8, FAKE_RAM_SIZE, FAKE_AVAIL(0), FAKE_USED(0) },
		{ 8, FAKE_DESC(0), UINT64_MAX - 1, FAKE_USED(0) },
		{ 8, FAKE_DESC(0), FAKE_AVAIL(0), 0xfee00000 },
		{ 8, FAKE_DESC(0), FAKE_AVAIL(0), FAKE_RAM_SIZE - 4 },
		{ 8, FAKE_DESC(0) + 1, FAKE_AVAIL(0), FAKE_USED(0) },
	};

	for (unsigned int i = first_victim(); i < ARRAY_SIZE(victims); i++) {
		catch_stderr();
		EXPECT(open_victim(&victims[i]));
		for (unsigned int b = 0; b < ARRAY_SIZE(bad); b++)
			for (unsigned int q = 0; q < g.vd->ops->nr_queues; q++) {
				fake_negotiate(&g);
				fake_set_queue(&g, q, bad[b].size, bad[b].desc, bad[b].avail,
					       bad[b].used);
				EXPECT(fake_broken(&g));
				fake_put(&g, VIRTIO_PCI_COMMON_STATUS, 1, 15);
				fake_turn(&g);
			}
		expect_works(&victims[i]);
		count_stderr();
		EXPECT_EQ(lines, 1);
		close_victim(&victims[i]);
	}
}

/* Kicks and configuration at any time and place */
static void odd_times(void)
{
	for (unsigned int i = first_victim(); i < ARRAY_SIZE(victims); i++) {
		u8 config[VIRTIO_CONFIG_MAX];

		EXPECT(open_victim(&victims[i]));
		memcpy(config, g.vd->config, sizeof(config));
		fake_put(&g, FAKE_NOTIFY, 2, 0);	/* before there are queues */
		fake_turn(&g);
		fake_put(&g, FAKE_NOTIFY + 4 * 1000, 2, 0);
		fake_negotiate(&g);
		fake_put(&g, FAKE_NOTIFY, 2, 0);	/* before DRIVER_OK */
		fake_turn(&g);
		for (u64 offset = 0; offset < 0x1000; offset++)
			for (unsigned int size = 1; size <= 8; size *= 2) {
				/* What the guest may write: a balloon's size, a byte */
				if (victims[i].kind == &balloon_kind && offset == 4)
					continue;
				fake_put(&g, FAKE_DEVICE + offset, size, UINT64_MAX);
				fake_get(&g, FAKE_DEVICE + offset, size);
			}
		EXPECT(!memcmp(config, g.vd->config, sizeof(config)));
		fake_start(&g);
		fake_bus_master(&g, false);		/* it may not reach memory */
		fake_describe(&g, FAKE_DESC(1), 0, FAKE_DATA, 64, 0, 0);
		for (unsigned int q = 0; q < g.vd->ops->nr_queues; q++)
			fake_offer(&g, q, 0);
		fake_turn(&g);
		for (unsigned int q = 0; q < g.vd->ops->nr_queues; q++)
			EXPECT_EQ(fake_used(&g, q)->idx, 0);
		fake_bus_master(&g, true);
		expect_works(&victims[i]);
		close_victim(&victims[i]);
	}
}

/* A reset while requests are on their way: afterwards the memory is the guest's. */
static void resets_in_the_middle(void)
{
	for (unsigned int i = first_victim(); i < ARRAY_SIZE(victims); i++) {
		const struct virtio_blk_outhdr header = { .type = VIRTIO_BLK_T_IN };
		u8 *memory;

		EXPECT(open_victim(&victims[i]));
		for (unsigned int round = 0; round < 50; round++) {
			fake_start(&g);
			memcpy(fake_at(&g, FAKE_DATA), &header, sizeof(header));
			for (unsigned int q = 0; q < g.vd->ops->nr_queues; q++) {
				fake_describe(&g, FAKE_DESC(q), 0, FAKE_DATA, 16, NEXT, 1);
				fake_describe(&g, FAKE_DESC(q), 1, FAKE_DATA + 0x10000, 65537,
					      WRITE, 0);
				fake_offer(&g, q, 0);
			}
			fake_turn(&g);
			fake_put(&g, VIRTIO_PCI_COMMON_STATUS, 1, 0);
			memory = fake_at(&g, 0);
			memset(memory, 0x5a, FAKE_RAM_SIZE);
			fake_turn(&g);
			fake_turn(&g);
			for (u64 at = 0; at < FAKE_RAM_SIZE; at += 64)
				if (memory[at] != 0x5a) {
					EXPECT_EQ(memory[at], 0x5a);
					break;
				}
		}
		close_victim(&victims[i]);
	}
}

/* ---- at random ---- */

static u64 some_address(void)
{
	static const u64 odd[] = {
		0, FAKE_RAM_SIZE - 1, FAKE_RAM_SIZE, FAKE_RAM_SIZE - 64, UINT64_MAX,
		UINT64_MAX - 15, 0xfee00000, VM_HIGHMEM_BASE,
	};

	switch (chance(16)) {
	case 0:
		return odd[chance(ARRAY_SIZE(odd))];
	case 1:
		return FAKE_DESC(0) + chance(0x14000);	/* the queues themselves */
	default:
		return FAKE_DATA + chance(64) * 64;
	}
}

static u32 some_length(void)
{
	static const u32 lengths[] = {
		0, 1, 7, 10, 11, 12, 16, 17, 21, 32, 44, 45, 64, 144, 512, 513, 1024, 4096,
		65536, 0xfffff000, 0xffffffff,
	};

	return chance(32) ? lengths[chance(ARRAY_SIZE(lengths) - 2)]
			  : lengths[chance(ARRAY_SIZE(lengths))];
}

static void random_chains(const struct victim *v, unsigned int q)
{
	unsigned int nr = 1 + chance(4);
	bool in = false;

	for (unsigned int i = 0; i < 8; i++)
		v->fill(fake_at(&g, FAKE_DATA + i * 512));
	for (unsigned int i = 0; i < nr; i++) {
		u16 flags = i + 1 < nr ? NEXT : 0;

		in |= !chance(3);
		flags |= in ? WRITE : 0;
		if (!chance(32))
			flags = chance(65536);
		/* The first is where a message may begin, as long as it is. */
		fake_describe(&g, FAKE_DESC(q), i,
			      i ? some_address() : FAKE_DATA + chance(8) * 512,
			      !i && chance(2) ? *(u32 *)fake_at(&g, FAKE_DATA) % 512
					      : some_length(),
			      flags, chance(32) ? i + 1 : chance(65536));
	}
	fake_offer(&g, q, chance(64) ? 0 : chance(65536));
	if (!chance(256))
		((struct vring_avail *)fake_at(&g, FAKE_AVAIL(q)))->idx += chance(65536);
}

static void random_register(void)
{
	u64 offset = chance(4) * 0x1000 + chance(80);

	fake_put(&g, offset, 1 << chance(4), (u64)some_number() << chance(33));
	fake_get(&g, offset, 1 << chance(4));
}

static void fuzz(const struct victim *v)
{
	unsigned int nr = g.vd->ops->nr_queues, used = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int q = chance(nr);
		u16 before;

		if (fake_broken(&g) || !(g.vd->status & VIRTIO_CONFIG_S_DRIVER_OK) ||
		    !chance(200))
			fake_start(&g);
		if (!chance(100))
			random_register();
		before = fake_used(&g, q)->idx;
		random_chains(v, q);
		if (v->host)
			v->host();
		fake_turn(&g);
		used += fake_used(&g, q)->idx != before;
	}
	/* It was no waste of time. */
	if (used < 1000)
		printf("# %s: only %u chains were used\n", v->name, used);
	EXPECT(used >= 1000);
}

static void survives_anything(void)
{
	for (unsigned int i = first_victim(); i < ARRAY_SIZE(victims); i++) {
		catch_stderr();
		EXPECT(open_victim(&victims[i]));
		seed = i;
		fuzz(&victims[i]);
		fake_bus_master(&g, true);
		fake_start(&g);
		expect_works(&victims[i]);
		count_stderr();
		EXPECT(lines <= 1);
		close_victim(&victims[i]);
	}
}

static const struct tap_test tests[] = {
	{ "hostile: broken rules stop a device until a reset, with one line", breaks_rules },
	{ "hostile: queues that cannot be", refuses_queues },
	{ "hostile: kicks and configuration at odd times", odd_times },
	{ "hostile: resets in the middle", resets_in_the_middle },
	{ "hostile: random chains and contents", survives_anything },
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return tap_main(tests, ARRAY_SIZE(tests));
}
