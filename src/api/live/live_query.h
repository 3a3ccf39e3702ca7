/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters of live readers: each is evaluated once for all readers that have it. */
#ifndef CLEARTAP_API_LIVE_QUERY_H
#define CLEARTAP_API_LIVE_QUERY_H

#include <stdbool.h>
#include <stdint.h>

struct chunk;
struct kfl;

struct live_query {
	struct live_query *next;
	struct kfl *filter; /* NULL: everything */
	char *text;	    /* that tells it from others */
	unsigned refs;
	/* The outcome of the pass in work; the hub's thread only. */
	struct chunk *chunk;
	uint64_t missed; /* entries that there was no time for */
};

/* Zero-initialised; under the lock of the room. New filters are put at the head. */
struct live_queries {
	struct live_query *first;
	unsigned count;
	bool working; /* a pass goes through them: none may be forgotten */
};

/* The filter is taken in any case. NULL: no memory, or LIMIT_STREAM_QUERIES of them. */
struct live_query *live_query_find(struct live_queries *all, struct kfl *filter, const char *text);
/* Forget filters without readers, unless they are in use just now. */
void live_query_sweep(struct live_queries *all);

#endif
