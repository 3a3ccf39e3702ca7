/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times of the language, in µs since 1970. Each parser takes the whole text or returns false. */
#ifndef CLEARTAP_KFL_TIME_H
#define CLEARTAP_KFL_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 3339: 2026-03-14T22:00:00Z, with fraction, with an offset. */
bool time_parse_rfc3339(const char *text, size_t len, int64_t *ret_us);
/* 10/19/2026, 6:29:02.000 PM, UTC; the fraction may be absent. */
bool time_parse_us(const char *text, size_t len, int64_t *ret_us);
/* Go's durations, 1h30m or -1.5s, units ns us ms s m h, and d. */
bool time_parse_duration(const char *text, size_t len, int64_t *ret_us);
/* The same clock time n months away; a day that the month lacks runs on into the next. */
bool time_add_months(int64_t us, int64_t n, int64_t *ret_us);

#endif
