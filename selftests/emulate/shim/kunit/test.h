/* SPDX-License-Identifier: GPL-2.0-only */
/* As much of KUnit as our suites use, for a user-space program of one suite. */
#ifndef SHIM_KUNIT_TEST_H
#define SHIM_KUNIT_TEST_H

#include <linux/kernel.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KUNIT_PARAM_DESC_SIZE	128

#define container_of(ptr, type, member)	((type *)((char *)(ptr) - offsetof(type, member)))
#define strscpy(to, from, size)		snprintf(to, size, "%s", from)

#define GFP_KERNEL	0
#define SHIM_MAX_ALLOCATIONS	8

struct kunit {
	const void *param_value;
	void *allocations[SHIM_MAX_ALLOCATIONS];
	unsigned int nr_allocations;
	bool failed;
	jmp_buf abort;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

struct kunit_suite {
	const char name[256];
	struct kunit_case *test_cases;
};

/* Freed at the end of the case, as in the kernel. */
static inline void *kunit_kzalloc(struct kunit *test, size_t size, int gfp)
{
	void *p = test->nr_allocations < SHIM_MAX_ALLOCATIONS ? calloc(1, size) : NULL;

	(void)gfp;
	if (p)
		test->allocations[test->nr_allocations++] = p;
	return p;
}

#define KUNIT_CASE(function)			{ .run_case = function, .name = #function }
#define KUNIT_CASE_PARAM(function, params)						\
	{ .run_case = function, .name = #function, .generate_params = params }

#define KUNIT_ARRAY_PARAM(id, array, get_desc)						\
static const void *id##_gen_params(const void *prev, char *desc)			\
{											\
	__typeof__(&(array)[0]) next = prev ? (__typeof__(next))prev + 1 : (array);	\
											\
	if (next == (array) + ARRAY_SIZE(array))					\
		return NULL;								\
	get_desc(next, desc);								\
	return next;									\
}

#define shim_check(test, a, op, b, ...)							\
({											\
	__typeof__(a) a_ = (a);								\
	__typeof__(b) b_ = (b);								\
	bool ok_ = a_ op b_;								\
											\
	if (!ok_) {									\
		(test)->failed = true;							\
		printf("# %s:%d: %s (%llx) " #op " %s (%llx) does not hold", __FILE__,	\
		       __LINE__, #a, (unsigned long long)a_, #b, (unsigned long long)b_);	\
		printf("\n# " __VA_ARGS__);						\
		printf("\n");								\
	}										\
	ok_;										\
})

#define KUNIT_EXPECT_EQ(test, a, b)		shim_check(test, a, ==, b, "")
#define KUNIT_EXPECT_NE(test, a, b)		shim_check(test, a, !=, b, "")
#define KUNIT_EXPECT_LE(test, a, b)		shim_check(test, a, <=, b, "")
#define KUNIT_EXPECT_LT(test, a, b)		shim_check(test, a, <, b, "")
#define KUNIT_EXPECT_TRUE(test, a)		shim_check(test, !!(a), ==, true, "")
#define KUNIT_EXPECT_FALSE(test, a)		shim_check(test, !!(a), ==, false, "")
#define KUNIT_EXPECT_EQ_MSG(test, a, b, ...)	shim_check(test, a, ==, b, __VA_ARGS__)
#define KUNIT_ASSERT_EQ(test, a, b)		KUNIT_ASSERT_EQ_MSG(test, a, b, "")
#define KUNIT_ASSERT_NOT_NULL(test, p)		KUNIT_ASSERT_EQ(test, (p) != NULL, true)
#define KUNIT_ASSERT_NE(test, a, b)		shim_assert(test, KUNIT_EXPECT_NE(test, a, b))
#define KUNIT_ASSERT_LE(test, a, b)		shim_assert(test, KUNIT_EXPECT_LE(test, a, b))
#define KUNIT_ASSERT_EQ_MSG(test, a, b, ...)						\
	shim_assert(test, KUNIT_EXPECT_EQ_MSG(test, a, b, __VA_ARGS__))

#define shim_assert(test, ok)		\
do {					\
	if (!(ok))			\
		longjmp((test)->abort, 1);	\
} while (0)

/* main() is in kunit.c and runs this one. */
extern const struct kunit_suite *const shim_suite;

#define kunit_test_suite(suite)	const struct kunit_suite *const shim_suite = &(suite)

#endif
