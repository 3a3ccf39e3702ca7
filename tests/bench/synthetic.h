/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Made-up entries, the same ones at each run: for tests of the store, benchmarks, the dashboard. */
#ifndef CLEARTAP_SYNTHETIC_H
#define CLEARTAP_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

struct entry;

/*
 * Entry number i, at timestamp_us, with a response body of so many bytes; NULL when out of memory.
 * Of 100: 85 status 200, 5 each 201, 304 and 404, one in 1,000 is 503; 20 hosts, 8 processes, a
 * connection for every 10.
 */
struct entry *synthetic_entry(uint64_t i, int64_t timestamp_us, size_t body);

#endif
