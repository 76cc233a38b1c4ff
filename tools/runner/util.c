// SPDX-License-Identifier: GPL-2.0-only
/* Errors in words, and numbers on the command line. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util.h"

#define STACK_SIZE	(256 * KIB)

static void say(const char *fmt, va_list args)
{
	/* One write for a line: vCPU threads and the main thread share stderr. */
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, args);
	/* In a raw terminal a newline alone does not return to column 1. */
	fprintf(stderr, isatty(STDERR_FILENO) ? "vmxl: %s\r\n" : "vmxl: %s\n", line);
}

/**
 * fail() - say in one sentence why something is not done
 * @err: negative errno for the caller to pass on
 * @fmt: the sentence, without "vmxl:" and newline
 *
 * Return: @err.
 */
int fail(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	return err;
}

/**
 * note() - tell the user something that is no error
 * @fmt: the sentence, without "vmxl:" and newline
 */
void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

/**
 * print_row() - a line of a table of counters
 * @out: where to
 * @what: what is counted
 * @count: how many; there is no line if it is 0
 */
void print_row(FILE *out, const char *what, u64 count)
{
	if (count)
		fprintf(out, "  %-32s %14llu\n", what, count);
}

/**
 * thread_start() - start a thread with all signals blocked and a small stack
 * @thread: out
 * @name: up to 15 bytes
 * @run: its function
 * @arg: the function's argument
 * @cpus: where it may run, or NULL
 *
 * Return: 0 or a negative errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg,
		 const cpu_set_t *cpus)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int ret;

	ret = pthread_attr_init(&attr);
	if (ret)
		return -ret;
	/* Below the size of a huge page, so that none is spent on it. */
	ret = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (!ret && cpus)
		ret = pthread_attr_setaffinity_np(&attr, sizeof(*cpus), cpus);
	if (ret)
		goto out;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!ret)
		pthread_setname_np(*thread, name);
out:
	pthread_attr_destroy(&attr);
	return -ret;
}

/**
 * parse_u64() - read a whole number, decimal or 0x hexadecimal
 * @text: nothing but the number
 * @max: largest value allowed
 * @value: out
 *
 * Return: 0, or -EINVAL.
 */
int parse_u64(const char *text, u64 max, u64 *value)
{
	unsigned long long v;
	char *end;

	/* strtoull() takes blanks and a minus sign. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || *end || v > max)
		return -EINVAL;
	*value = v;
	return 0;
}

/**
 * parse_size() - read a size such as 512M
 * @text: a number and K, M, G or T; without a letter it means MiB
 * @bytes: out
 *
 * Return: 0, or -EINVAL.
 */
int parse_size(const char *text, u64 *bytes)
{
	unsigned long long v;
	unsigned int shift;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno)
		return -EINVAL;

	switch (*end) {
	case 'k': case 'K':
		shift = 10;
		break;
	case 'm': case 'M': case '\0':
		shift = 20;
		break;
	case 'g': case 'G':
		shift = 30;
		break;
	case 't': case 'T':
		shift = 40;
		break;
	default:
		return -EINVAL;
	}
	if ((*end && end[1]) || v > (UINT64_MAX >> shift))
		return -EINVAL;
	*bytes = v << shift;
	return 0;
}
