// SPDX-License-Identifier: GPL-2.0-only
/* A test program: tests are functions in a table, results are TAP. */
#include "tap.h"

bool tap_failed;
const char *tap_skipped;

/**
 * tap_main() - run tests, print TAP
 * @tests: the tests
 * @count: how many
 *
 * Return: 0 if all passed, else 1.
 */
int tap_main(const struct tap_test *tests, unsigned int count)
{
	int status = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", count);
	for (unsigned int i = 0; i < count; i++) {
		tap_failed = false;
		tap_skipped = NULL;
		tests[i].run();
		printf("%sok %u %s%s%s\n", tap_failed ? "not " : "", i + 1, tests[i].name,
		       tap_skipped ? " # SKIP " : "", tap_skipped ? tap_skipped : "");
		status |= tap_failed;
	}
	return status;
}
