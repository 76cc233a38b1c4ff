/* SPDX-License-Identifier: GPL-2.0-only */
/* A PC's real-time clock and its CMOS RAM. */
#ifndef VMXL_RTC_H
#define VMXL_RTC_H

#include <time.h>

#include "bus.h"

#define RTC_SIZE	128

/**
 * struct rtc - an MC146818A; all but the first group is guarded by @lock
 * @now: seconds since 1970 UTC; the host's clock, but for tests
 */
struct rtc {
	struct io_region region;
	time_t (*now)(void);
	pthread_mutex_t lock;

	u8 index;
	u8 cmos[RTC_SIZE];	/* RAM, and the registers while they hold still */
	time_t offset;		/* guest's clock minus the host's */
	time_t last_update;	/* when register C's UF was last looked at */
};

int rtc_init(struct rtc *rtc, struct bus *ports, u64 lowmem, u64 highmem);
void rtc_destroy(struct rtc *rtc, struct bus *ports);

#endif /* VMXL_RTC_H */
