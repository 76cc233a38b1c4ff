// SPDX-License-Identifier: GPL-2.0-only
/* vmxl ps, stat, stop, pause, resume, balloon: what is said to running guests. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd.h"
#include "control.h"

/* The guest's name in NAME.PID, as long as this. */
static size_t name_length(const char *entry)
{
	const char *dot = strrchr(entry, '.');

	return dot ? (size_t)(dot - entry) : strlen(entry);
}

static bool is_guest(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* Does an entry go by this name? With the number it is no other's. */
static bool matches(const char *entry, const char *name)
{
	size_t len = name_length(entry);

	return !strcmp(entry, name) || (strlen(name) == len && !strncmp(entry, name, len));
}

/*
 * Connect to the guest of a name. Returns the socket, or a negative errno after
 * a message.
 */
static int find_guest(const char *name)
{
	char directory[PATH_MAX];
	struct dirent *entry;
	int found = -1, fd;
	DIR *dir;

	if (control_directory(directory, false))
		return fail(-ENAMETOOLONG, "XDG_RUNTIME_DIR is too long");
	dir = opendir(directory);
	while (dir && (entry = readdir(dir))) {
		if (!is_guest(entry) || !matches(entry->d_name, name))
			continue;
		fd = control_connect(directory, entry->d_name);
		if (fd < 0)
			continue;
		if (found >= 0) {
			close(fd);
			close(found);
			closedir(dir);
			return fail(-EEXIST,
				    "several guests are called %s: add a dot and the PID that vmxl ps shows",
				    name);
		}
		found = fd;
	}
	if (dir)
		closedir(dir);
	if (found < 0)
		return fail(-ENOENT, "no guest called %s runs: vmxl ps lists them", name);
	return found;
}

/*
 * Say a line and copy what follows "ok" to @out, or what is wrong to @why. Returns
 * 0 or a negative errno.
 */
static int ask(int fd, const char *line, FILE *out, char why[CONTROL_LINE_MAX])
{
	char text[CONTROL_LINE_MAX];
	int copy = -1, ret = -EPIPE;
	FILE *in = NULL;

	snprintf(why, CONTROL_LINE_MAX, "the guest ended before it answered");
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		return -errno;
	copy = dup(fd);
	if (copy >= 0)
		in = fdopen(copy, "r");
	if (!in) {
		close(copy);
		return -ENOMEM;
	}
	if (!fgets(text, sizeof(text), in))
		goto out_close;
	if (!strcmp(text, "ok\n")) {
		ret = 0;
		while (fgets(text, sizeof(text), in))
			fputs(text, out);
	} else {
		ret = -EINVAL;
		text[strcspn(text, "\n")] = '\0';
		snprintf(why, CONTROL_LINE_MAX, "%s",
			 strncmp(text, "error ", 6) ? text : text + 6);
	}
out_close:
	fclose(in);
	return ret;
}

/* A guest that ends meanwhile is left out. */
static void print_guest(const char *directory, const char *entry)
{
	char why[CONTROL_LINE_MAX], state[16], *answer = NULL;
	int fd = control_connect(directory, entry);
	unsigned int pid, cpus;
	unsigned long long mib;
	size_t size = 0;
	FILE *out;
	int ret;

	if (fd < 0)
		return;
	out = open_memstream(&answer, &size);
	if (!out)
		goto out_close;
	ret = ask(fd, "info\n", out, why);
	fclose(out);
	if (!ret && sscanf(answer, "%u %u %llu %15s", &pid, &cpus, &mib, state) == 4)
		printf("%-32.*s %7u %4u %7lluM %s\n", (int)name_length(entry), entry, pid,
		       cpus, mib, state);
	free(answer);
out_close:
	close(fd);
}

/**
 * cmd_ps() - vmxl ps
 * @argc: number of arguments
 * @argv: the command's name and its arguments
 *
 * Return: vmxl's exit status.
 */
int cmd_ps(int argc, char **argv)
{
	char directory[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		puts("usage: vmxl ps\n\nLists the guests that this user runs.");
		return 0;
	}
	if (argc > 1) {
		fail(-EINVAL, "vmxl ps takes no '%s'", argv[1]);
		return VMXL_USAGE;
	}
	printf("%-32s %7s %4s %8s %s\n", "NAME", "PID", "CPUS", "MEMORY", "STATE");
	dir = control_directory(directory, false) ? NULL : opendir(directory);
	while (dir && (entry = readdir(dir)))
		if (is_guest(entry))
			print_guest(directory, entry->d_name);
	if (dir)
		closedir(dir);
	return 0;
}

/* Wait until the process at the other end of a socket has ended. */
static int wait_for_end(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct pollfd end = { .events = POLLIN };

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	end.fd = syscall(SYS_pidfd_open, peer.pid, 0);
	if (end.fd < 0)
		return errno == ESRCH ? 0 : -errno;
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	close(end.fd);
	return 0;
}

/* Say a line to a guest; returns vmxl's exit status. */
static int tell(const char *name, const char *line, bool wait)
{
	char why[CONTROL_LINE_MAX];
	int fd = find_guest(name);
	int ret;

	if (fd < 0)
		return VMXL_USAGE;
	ret = ask(fd, line, stdout, why);
	if (ret) {
		fail(ret, "%s", why);
	} else if (wait) {
		ret = wait_for_end(fd);
		if (ret)
			fail(ret, "cannot wait for the guest: %s", strerror(-ret));
	}
	close(fd);
	return ret ? VMXL_FAILED : 0;
}

/**
 * cmd_stop() - vmxl stop
 * @argc: number of arguments
 * @argv: the command's name and its arguments
 *
 * Return: vmxl's exit status.
 */
int cmd_stop(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "force", no_argument, NULL, 'f' },
		{ "reset", no_argument, NULL, 'r' },
		{ "wait", no_argument, NULL, 'w' },
		{ }
	};
	const char *line = "stop\n";
	bool wait = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			puts("usage: vmxl stop [--force | --reset] [--wait] NAME\n\n"
			     "Presses the power button of a guest.\n\n"
			     "  --force   end it at once\n"
			     "  --reset   end it as its own reset would\n"
			     "  --wait    return when it has ended");
			return 0;
		case 'f':
			line = "end\n";
			break;
		case 'r':
			line = "reset\n";
			break;
		case 'w':
			wait = true;
			break;
		default:
			fail(-EINVAL, "vmxl stop knows no '%s'", argv[optind - 1]);
			return VMXL_USAGE;
		}
	}
	if (argc - optind != 1) {
		fail(-EINVAL, "vmxl stop takes the name of one guest: vmxl ps lists them");
		return VMXL_USAGE;
	}
	return tell(argv[optind], line, wait);
}

/* Commands that are one word and perhaps one argument to a guest. */
static const struct {
	const char *name, *argument, *help;
} simple[] = {
	{ "stat", NULL, "Prints a guest's counters." },
	{ "pause", NULL, "Stops a guest's CPUs; its clocks go on." },
	{ "resume", NULL, "Lets a guest's CPUs go on." },
	{ "balloon", " [SIZE]", "Takes SIZE of a guest's memory back, or says how much that is." },
};

/**
 * cmd_tell() - vmxl stat, pause, resume and balloon
 * @argc: number of arguments
 * @argv: the command's name and its arguments
 *
 * Return: vmxl's exit status.
 */
int cmd_tell(int argc, char **argv)
{
	char line[CONTROL_LINE_MAX];
	unsigned int i = 0;
	int len;

	while (strcmp(simple[i].name, argv[0]))
		i++;
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		printf("usage: vmxl %s NAME%s\n\n%s\n", argv[0],
		       simple[i].argument ? simple[i].argument : "", simple[i].help);
		return 0;
	}
	if (argc < 2 || argc > (simple[i].argument ? 3 : 2) || *argv[1] == '-') {
		fail(-EINVAL, "vmxl %s takes the name of one guest%s: vmxl ps lists them",
		     argv[0], simple[i].argument ? " and a size" : "");
		return VMXL_USAGE;
	}
	len = snprintf(line, sizeof(line), "%s%s%s\n", argv[0], argc > 2 ? " " : "",
		       argc > 2 ? argv[2] : "");
	if (len >= (int)sizeof(line) || strchr(line, '\n') != line + len - 1) {
		fail(-EINVAL, "'%s' is no size", argv[2]);
		return VMXL_USAGE;
	}
	return tell(argv[1], line, false);
}
