/*
 * VM-entry checks: one line a check, the first that fails is returned.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#ifndef I386_VMX_CHECK_H
#define I386_VMX_CHECK_H

#define REQUIRE(condition, what)        \
    do {                                \
        if (!(condition)) {             \
            return what;                \
        }                               \
    } while (0)

/* All of a sequence of checks, in one function of the same type */
#define REQUIRE_ALL(check)              \
    do {                                \
        const char *what_ = (check);    \
        if (what_) {                    \
            return what_;               \
        }                               \
    } while (0)

#endif
