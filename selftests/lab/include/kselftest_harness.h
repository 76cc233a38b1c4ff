/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's kselftest_harness.h with a time limit for each test, in seconds, that an
 * emulated machine on a busy host keeps: it is there to end a test that hangs.
 */
#ifndef LAB_KSELFTEST_HARNESS_H
#define LAB_KSELFTEST_HARNESS_H

#include_next <kselftest_harness.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	900

#endif /* LAB_KSELFTEST_HARNESS_H */
