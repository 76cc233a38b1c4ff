/* SPDX-License-Identifier: GPL-2.0-only */
/* A test program: tests are functions in a table, results are TAP. */
#ifndef RUNNER_TAP_H
#define RUNNER_TAP_H

#include <stdio.h>
#include <stdbool.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

extern bool tap_failed;
extern const char *tap_skipped;	/* why the test could not be run, or NULL */

/* Both are expressions of one type; the first that differs ends the test's success. */
#define EXPECT_EQ(got, wanted) do {						\
	unsigned long long got_ = (unsigned long long)(got);			\
	unsigned long long wanted_ = (unsigned long long)(wanted);		\
	if (got_ != wanted_) {							\
		printf("# %s:%d: %s is %#llx, wanted %#llx\n", __FILE__,	\
		       __LINE__, #got, got_, wanted_);				\
		tap_failed = true;						\
	}									\
} while (0)

#define EXPECT(condition) EXPECT_EQ(!!(condition), 1)

int tap_main(const struct tap_test *tests, unsigned int count);

#endif /* RUNNER_TAP_H */
