/* SPDX-License-Identifier: GPL-2.0-only */
/* What every file of the runner may use: types, errors in words, parsing. */
#ifndef VMXL_UTIL_H
#define VMXL_UTIL_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define KIB	(1ULL << 10)
#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)		(((x) + (a) - 1) & ~((u64)(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((u64)(a) - 1))
#define MIN(a, b)		((a) < (b) ? (a) : (b))
#define MAX(a, b)		((a) > (b) ? (a) : (b))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* vmxl's exit status, but for what the guest writes to the debug exit port. */
enum vmxl_status {
	VMXL_POWEROFF = 0,	/* the guest powered off */
	VMXL_USAGE = 1,		/* bad options or files */
	VMXL_HOST = 2,		/* this host cannot run guests */
	VMXL_RESET = 3,		/* the guest reset or had a triple fault */
	VMXL_FAILED = 4,	/* entry failure or internal error */
};

int fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void print_row(FILE *out, const char *what, u64 count);

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg,
		 const cpu_set_t *cpus);

int parse_u64(const char *text, u64 max, u64 *value);
int parse_size(const char *text, u64 *bytes);

#endif /* VMXL_UTIL_H */
