/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the API counts of itself. Counters are atomic: any thread may add. */
#ifndef CLEARTAP_API_METRICS_H
#define CLEARTAP_API_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct route;
struct writer;

#define METRICS_ROUTES	32 /* rows of api_routes, and the last two: */
#define METRICS_ASSETS	30 /* the dashboard's own files */
#define METRICS_UNKNOWN 31 /* paths that are not there */
#define METRICS_BUCKETS 10

struct metrics {
	atomic_uint_fast64_t requests[METRICS_ROUTES][6]; /* by route and class of the status */
	atomic_uint_fast64_t
		bucket[METRICS_BUCKETS + 1]; /* queries by time taken, not cumulative */
	atomic_uint_fast64_t query_us;
	atomic_uint_fast64_t refused; /* by Host, Origin or token */
};

/* An answer was made. row: of api_routes, or METRICS_ASSETS, METRICS_UNKNOWN. */
void metrics_count(struct metrics *m, size_t row, unsigned status);
/* A query of the store took so long. */
void metrics_observe(struct metrics *m, uint64_t us);
/* Append the Prometheus text; routes ends with a NULL path. */
void metrics_put(const struct metrics *m, const struct route *routes, struct writer *w);

#endif
