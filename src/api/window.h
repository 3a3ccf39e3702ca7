/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The newest entries, taken together: what connections, map and coverage are computed from. */
#ifndef CLEARTAP_API_WINDOW_H
#define CLEARTAP_API_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;
struct jw;
struct kfl;
struct request;

struct window {
	uint64_t entries;
	int64_t first_us, last_us; /* of the entries seen; 0, 0 without any */
	bool partial;		   /* there are more, or there was no time for more */
	int (*add)(void *ctx, const struct entry *e);
	void *ctx;
	int error;
};

/*
 * Hand the newest entries that the filter (NULL: all) lets through to w->add, newest first, at most
 * LIMIT_WINDOW of them and LIMIT_WINDOW_MS long. False: it failed and the answer is made.
 */
bool window_scan(struct request *r, const struct kfl *filter, struct window *w);
/* The members that say what was looked at. */
void window_put(const struct window *w, struct jw *j);

#endif
