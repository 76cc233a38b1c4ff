// SPDX-License-Identifier: GPL-2.0-only
/* The files of firmware: where Debian has them, and the variables of OVMF. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "boot.h"
#include "firmware.h"

#define PAGE		4096
#define SIZE_MAX_ALL	(16 * MIB)	/* the local APICs end there, seen from 4 GiB */

static const struct known {
	const char *name, *package, *code, *vars;
} known[] = {
	{ "seabios", "seabios", "/usr/share/seabios/bios-256k.bin", NULL },
	{ "ovmf", "ovmf", "/usr/share/OVMF/OVMF_CODE_4M.fd",
	  "/usr/share/OVMF/OVMF_VARS_4M.fd" },
};

static const struct known *find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return &known[i];
	return NULL;
}

/**
 * firmware_parse() - the value of --firmware
 * @config: out
 * @text: NAME[,vars=FILE], kept and changed
 *
 * Return: 0, or a negative errno after a message.
 */
int firmware_parse(struct firmware_config *config, char *text)
{
	static const char key[] = "vars=";
	char *comma = strchr(text, ',');
	const struct known *k;

	*config = (struct firmware_config) { .name = text };
	if (comma) {
		*comma++ = '\0';
		if (strncmp(comma, key, strlen(key)) || !comma[strlen(key)])
			return fail(-EINVAL, "--firmware knows no '%s': it is vars=FILE", comma);
		config->vars = comma + strlen(key);
	}
	if (!*text)
		return fail(-EINVAL, "--firmware needs seabios, ovmf or a file");
	k = find(text);
	if (k && config->vars && !k->vars)
		return fail(-EINVAL, "%s keeps no variables: leave vars= away", text);
	return 0;
}

static int check_size(const char *path, u64 size, u64 min)
{
	if (size < min || size % PAGE || size > SIZE_MAX_ALL)
		return fail(-EINVAL,
			    "%s is no firmware: its %llu bytes are not %llu KiB to 16 MiB in pages",
			    path, size, min >> 10);
	return 0;
}

/* @flags: MAP_SHARED if changes go to the file, else MAP_PRIVATE */
static int map_fd(struct firmware_file *file, int fd, const char *path, u64 min, int flags)
{
	struct stat st;
	void *base;
	int ret;

	if (fstat(fd, &st))
		return fail(-errno, "cannot read %s: %s", path, strerror(errno));
	ret = check_size(path, st.st_size, min);
	if (ret)
		return ret;
	base = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (base == MAP_FAILED)
		return fail(-errno, "cannot map %s: %s", path, strerror(errno));
	*file = (struct firmware_file) { base, st.st_size };
	return 0;
}

static int map_private(struct firmware_file *file, const char *path, const char *package,
		       u64 min)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0 && package)
		return fail(-errno, "cannot open %s (%s): it is in Debian's package %s", path,
			    strerror(errno), package);
	if (fd < 0)
		return fail(-errno, "cannot open firmware %s: %s", path, strerror(errno));
	ret = map_fd(file, fd, path, min, MAP_PRIVATE);
	close(fd);
	return ret;
}

static int write_all(int fd, const u8 *data, u64 size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0)
			return -errno;
		data += n;
		size -= n;
	}
	return 0;
}

/* A new file of variables is a copy of the template. */
static int create_vars(const char *path, const struct known *k)
{
	struct firmware_file template;
	int fd, ret;

	if (!k || !k->vars)
		return fail(-ENOENT,
			    "there is no %s: for a new one copy the variables that came with the firmware",
			    path);
	ret = map_private(&template, k->vars, k->package, PAGE);
	if (ret)
		return ret;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	ret = fd < 0 ? -errno : write_all(fd, template.base, template.size);
	munmap(template.base, template.size);
	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	if (ret && fd >= 0)
		unlink(path);
	if (ret)
		return fail(ret, "cannot make %s: %s", path, strerror(-ret));
	return 0;
}

/* The lock lasts as long as the mapping's fd, which is kept open by nobody else. */
static int map_vars(struct firmware *fw, const char *path, const struct known *k)
{
	int ret;

	if (access(path, F_OK) && errno == ENOENT) {
		ret = create_vars(path, k);
		if (ret)
			return ret;
	}
	fw->vars_fd = open(path, O_RDWR | O_CLOEXEC);
	if (fw->vars_fd < 0)
		return fail(-errno, "cannot open %s: %s", path, strerror(errno));
	if (flock(fw->vars_fd, LOCK_EX | LOCK_NB))
		return fail(-errno, "another guest uses the variables in %s", path);
	return map_fd(&fw->vars, fw->vars_fd, path, PAGE, MAP_SHARED);
}

/**
 * firmware_open() - map the firmware's files
 * @fw: gets code, vars and vars_fd; firmware_close() is due in any case
 * @config: which
 *
 * Return: 0, or a negative errno after a message.
 */
int firmware_open(struct firmware *fw, const struct firmware_config *config)
{
	const struct known *k = find(config->name);
	int ret;

	fw->vars_fd = -1;
	ret = map_private(&fw->code, k ? k->code : config->name, k ? k->package : NULL,
			  I440FX_ROM_SIZE);
	if (ret)
		return ret;
	if (config->vars)
		ret = map_vars(fw, config->vars, k);
	else if (k && k->vars)
		ret = map_private(&fw->vars, k->vars, k->package, PAGE);
	if (!ret && fw->code.size + fw->vars.size > SIZE_MAX_ALL)
		ret = fail(-E2BIG, "the firmware is larger than 16 MiB");
	return ret;
}

/**
 * firmware_close() - undo firmware_open(), whole or in part
 * @fw: the firmware; no guest sees it any more
 */
void firmware_close(struct firmware *fw)
{
	if (fw->code.base)
		munmap(fw->code.base, fw->code.size);
	if (fw->vars.base)
		munmap(fw->vars.base, fw->vars.size);
	if (fw->vars_fd >= 0)
		close(fw->vars_fd);
}
