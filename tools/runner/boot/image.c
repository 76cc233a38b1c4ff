// SPDX-License-Identifier: GPL-2.0-only
/* Files, guest RAM, and moving the one into the other. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "boot.h"

/**
 * image_open() - open a file that is to be loaded
 * @image: out
 * @path: the file
 * @what: what it is, for the message: "kernel", "initrd"
 *
 * Return: 0, or a negative errno after a message.
 */
int image_open(struct image *image, const char *path, const char *what)
{
	struct stat st;
	int err;

	image->path = path;
	image->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (image->fd < 0) {
		err = errno;
		return fail(-err, "cannot open %s %s: %s", what, path, strerror(err));
	}
	if (fstat(image->fd, &st) || !S_ISREG(st.st_mode)) {
		close(image->fd);
		return fail(-EINVAL, "%s %s is not a regular file", what, path);
	}
	if (!st.st_size) {
		close(image->fd);
		return fail(-EINVAL, "%s %s is empty", what, path);
	}
	image->size = st.st_size;
	return 0;
}

/**
 * image_close() - close a file opened by image_open()
 * @image: the file
 */
void image_close(struct image *image)
{
	close(image->fd);
}

static int read_all(int fd, u64 offset, char *buf, u64 len)
{
	while (len) {
		ssize_t n = pread(fd, buf, MIN(len, GIB), offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		offset += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/**
 * image_read() - read a piece of a file, silently
 * @image: the file
 * @offset: in bytes
 * @buf: out
 * @len: in bytes
 *
 * Return: 0; -ENODATA if the file is shorter; another negative errno.
 */
int image_read(const struct image *image, u64 offset, void *buf, u64 len)
{
	if (offset > image->size || len > image->size - offset)
		return -ENODATA;
	return read_all(image->fd, offset, buf, len);
}

/**
 * ram_at() - where guest RAM lies in this process
 * @ram: the RAM
 * @gpa: guest-physical address
 * @len: bytes that are to be used there
 *
 * Return: the address, or NULL if any of it is not RAM.
 */
void *ram_at(const struct guest_ram *ram, u64 gpa, u64 len)
{
	if (gpa < ram->lowmem && len <= ram->lowmem - gpa)
		return ram->base + gpa;
	if (gpa >= VM_HIGHMEM_BASE) {
		gpa -= VM_HIGHMEM_BASE;
		if (gpa < ram->highmem && len <= ram->highmem - gpa)
			return ram->base + ram->lowmem + gpa;
	}
	return NULL;
}

/**
 * image_load() - read a piece of a file into guest RAM
 * @image: the file
 * @offset: in bytes
 * @len: in bytes
 * @ram: the RAM
 * @gpa: where to
 *
 * Return: 0, or a negative errno after a message.
 */
int image_load(const struct image *image, u64 offset, u64 len,
	       const struct guest_ram *ram, u64 gpa)
{
	void *to = ram_at(ram, gpa, len);
	int ret;

	if (!to)
		return fail(-EINVAL,
			    "%s needs guest memory from %#llx to %#llx, and there is none: give it more with --memory",
			    image->path, gpa, gpa + len);
	ret = image_read(image, offset, to, len);
	if (ret == -ENODATA)
		return fail(ret, "%s is truncated: it has %llu bytes and should have at least %llu",
			    image->path, image->size, offset + len);
	if (ret)
		return fail(ret, "cannot read %s: %s", image->path, strerror(-ret));
	return 0;
}

/**
 * image_place() - load a whole file as high as it goes
 * @image: the file
 * @ram: the RAM
 * @floor: lowest address
 * @ceiling: first address that is too high
 * @gpa: out: where it is, a multiple of 4096
 *
 * Return: 0, or a negative errno after a message.
 */
int image_place(const struct image *image, const struct guest_ram *ram, u64 floor,
		u64 ceiling, u64 *gpa)
{
	ceiling = MIN(ceiling, ram->lowmem);
	floor = ALIGN_UP(floor, 4096);
	if (ceiling < floor || image->size > ceiling - floor ||
	    ALIGN_DOWN(ceiling - image->size, 4096) < floor)
		return fail(-E2BIG,
			    "%s does not fit: it has %llu KiB and guest memory has %llu KiB left for it; give more with --memory",
			    image->path, (image->size + 1023) >> 10,
			    ceiling > floor ? (ceiling - floor) >> 10 : 0);
	*gpa = ALIGN_DOWN(ceiling - image->size, 4096);
	return image_load(image, 0, image->size, ram, *gpa);
}
