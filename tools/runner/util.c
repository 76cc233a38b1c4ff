// SPDX-License-Identifier: GPL-2.0-only
/* Errors in words, and numbers on the command line. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util.h"

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
