// SPDX-License-Identifier: GPL-2.0-only
/* Run one KUnit suite in user space, as TAP. */
#include <kunit/test.h>

static bool shim_run(const struct kunit_case *c, const void *param)
{
	static struct kunit test;

	test = (struct kunit){ .param_value = param };
	if (!setjmp(test.abort))
		c->run_case(&test);
	while (test.nr_allocations)
		free(test.allocations[--test.nr_allocations]);
	return !test.failed;
}

int main(void)
{
	const struct kunit_suite *suite = shim_suite;
	unsigned int number = 0, cases = 0, failed = 0;
	const struct kunit_case *c;

	for (c = suite->test_cases; c->run_case; c++)
		cases++;
	printf("TAP version 13\n1..%u\n", cases);

	for (c = suite->test_cases; c->run_case; c++) {
		char desc[KUNIT_PARAM_DESC_SIZE] = "";
		const void *param = NULL;
		bool ok = true;

		if (!c->generate_params)
			ok = shim_run(c, NULL);
		else
			while ((param = c->generate_params(param, desc))) {
				if (!shim_run(c, param)) {
					printf("# failed: %s\n", desc);
					ok = false;
				}
			}
		failed += !ok;
		printf("%sok %u %s.%s\n", ok ? "" : "not ", ++number, suite->name, c->name);
	}
	return failed ? 1 : 0;
}
