// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs what reads from an nvme (bench-init, in a guest or not), has it read, and tells
 * what that took: bench-guest NAME COMMAND...  Lines "bench: NAME WHAT VALUE".
 *
 * What an emulated device takes says nothing, so the time counted is what the
 * machine's CPU was busy.  A round without any reads is taken off.
 */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define VMX_LITE_VCPUS	"/sys/kernel/debug/vmx-lite/*/vcpu*"
#define KVM_EXITS	"/sys/kernel/debug/kvm/exits"
#define LINE		512

struct sample {
	double elapsed, busy;
	double exits;
	double interrupts;
};

static FILE *to, *from;
static const char *name;

static void die(const char *what)
{
	fprintf(stderr, "bench-guest: %s: %s\n", what,
		errno ? strerror(errno) : "it ended");
	exit(1);
}

/* Exits of the guest that runs, 0 where there is none */
static double exits(void)
{
	unsigned long long total = 0, n;
	char line[LINE];
	glob_t found;
	FILE *file;
	size_t i;

	file = fopen(KVM_EXITS, "r");
	if (file) {
		if (fscanf(file, "%llu", &total) != 1)
			die(KVM_EXITS);
		fclose(file);
	}
	if (glob(VMX_LITE_VCPUS, 0, NULL, &found))
		return total;
	for (i = 0; i < found.gl_pathc; i++) {
		file = fopen(found.gl_pathv[i], "r");
		if (!file)
			die(found.gl_pathv[i]);
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "entries %llu", &n) == 1)
				total += n;
		fclose(file);
	}
	globfree(&found);
	return total;
}

/* Counters of this machine; it has one CPU */
static struct sample now(void)
{
	unsigned long long idle, iowait;
	struct sample sample = { 0 };
	struct timespec t;
	FILE *stat;

	sample.exits = exits();
	stat = fopen("/proc/stat", "r");
	if (!stat || fscanf(stat, "cpu %*u %*u %*u %llu %llu", &idle,
			    &iowait) != 2)
		die("/proc/stat");
	fclose(stat);
	clock_gettime(CLOCK_MONOTONIC, &t);
	sample.elapsed = t.tv_sec + t.tv_nsec / 1e9;
	sample.busy = sample.elapsed -
		      (double)(idle + iowait) / sysconf(_SC_CLK_TCK);
	return sample;
}

/* Until a line begins with "bench: " and @words; what follows in it */
static double until(const char *words)
{
	static char line[LINE];
	const char *at;

	for (;;) {
		errno = 0;
		if (!fgets(line, sizeof(line), from))
			die(words);
		at = strstr(line, "bench: ");
		if (at && !strncmp(at + 7, words, strlen(words)))
			return strtod(at + 7 + strlen(words), NULL);
		fprintf(stderr, "%s: %s", name, line);
	}
}

static struct sample work(const char *what, unsigned int count)
{
	struct sample before = now(), after;
	double interrupts;

	fprintf(to, "%s %u\n", what, count);
	fflush(to);
	interrupts = until("done");
	after = now();
	return (struct sample) {
		.elapsed = after.elapsed - before.elapsed,
		.busy = after.busy - before.busy,
		.exits = after.exits - before.exits,
		.interrupts = interrupts,
	};
}

static void measure(const char *what, unsigned int count)
{
	struct sample none, sample;

	/* Once for the caches */
	work(what, 100);
	none = work("none", 0);
	sample = work(what, count);
	printf("bench: %s %s-busy %.3f\n", name, what,
	       (sample.busy - none.busy) / count * 1e6);
	printf("bench: %s %s-elapsed %.3f\n", name, what,
	       (sample.elapsed - none.elapsed) / count * 1e6);
	printf("bench: %s %s-exits %.3f\n", name, what,
	       (sample.exits - none.exits) / count);
	printf("bench: %s %s-interrupts %.3f\n", name, what,
	       sample.interrupts / count);
}

static pid_t start(char **command)
{
	int down[2], up[2];
	pid_t pid;

	if (pipe(down) || pipe(up))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(down[0], STDIN_FILENO);
		dup2(up[1], STDOUT_FILENO);
		close(down[1]);
		close(up[0]);
		execvp(command[0], command);
		die(command[0]);
	}
	close(down[0]);
	close(up[1]);
	to = fdopen(down[1], "w");
	from = fdopen(up[0], "r");
	return pid;
}

int main(int argc, char **argv)
{
	struct sample begin, first;
	int status;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: bench-guest NAME COMMAND...\n");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	name = argv[1];
	begin = now();
	pid = start(argv + 2);
	until("first");
	first = now();
	printf("bench: %s first-busy %.3f\n", name,
	       (first.busy - begin.busy) * 1e3);
	printf("bench: %s first-elapsed %.3f\n", name,
	       (first.elapsed - begin.elapsed) * 1e3);
	printf("bench: %s first-exits %.0f\n", name, first.exits - begin.exits);
	measure("random", 20000);
	measure("sequential", 4000);
	fprintf(to, "end\n");
	fflush(to);
	if (waitpid(pid, &status, 0) != pid || status)
		die("its end");
	return 0;
}
