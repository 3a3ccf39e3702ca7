/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the API counts of itself. Counters are atomic: any thread may add. */
#ifndef CLEARTAP_API_METRICS_H
#define CLEARTAP_API_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#define METRICS_ROUTES	32 /* rows of api_routes, then assets and unknown paths */
#define METRICS_BUCKETS 10

struct route;

struct metrics {
	atomic_uint_fast64_t requests[METRICS_ROUTES][6]; /* by route and class of the status */
	atomic_uint_fast64_t
		bucket[METRICS_BUCKETS + 1]; /* queries by time taken, not cumulative */
	atomic_uint_fast64_t query_us;
	atomic_uint_fast64_t refused; /* by Host, Origin or token */
};

/* An answer was made. route NULL: unknown path. */
void metrics_count(struct metrics *m, const struct route *route, unsigned status);
/* A query of the store took so long. */
void metrics_observe(struct metrics *m, uint64_t us);

#endif
