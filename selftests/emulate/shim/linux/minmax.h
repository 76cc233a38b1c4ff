/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#define min(a, b)		\
({				\
	__typeof__(a) a_ = (a);	\
	__typeof__(b) b_ = (b);	\
	a_ < b_ ? a_ : b_;	\
})

#define min3(a, b, c)	min(min(a, b), c)

#endif
