/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading clocks (clock_gettime): CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_THREAD_CPUTIME_ID, ... */
#ifndef CLEARTAP_CLOCK_H
#define CLEARTAP_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* µs since 1970 with CLOCK_REALTIME. */
static inline int64_t clock_us(clockid_t clock)
{
	return clock_ns(clock) / 1000;
}

static inline int64_t clock_ms(clockid_t clock)
{
	return clock_ns(clock) / 1000000;
}

#endif
