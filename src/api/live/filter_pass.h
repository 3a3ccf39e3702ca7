/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holds entries against each filter of a list that has readers: leaves the events in its chunk, and
 * in `missed` how many there was no time for.
 */
#ifndef CLEARTAP_API_FILTER_PASS_H
#define CLEARTAP_API_FILTER_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct live_query;

/* New entries: all those after..last. */
void filter_pass_range(struct store *s, struct live_query *queries, int64_t after, int64_t last);
/*
 * Entries that changed, by ascending ids. What a filter does not let through is told as gone, since
 * nobody remembers whether it did before.
 */
void filter_pass_ids(struct store *s, struct live_query *queries, const int64_t *ids, size_t count);

/*
 * Read the entries of these ids that a filter (NULL: none) lets through, without what lies between,
 * until the deadline (CLOCK_MONOTONIC; 0 none), but the first in any case. *ret_next is the first
 * place in ids that there was no time for, count at the end. 0, or -errno with a sentence in error.
 */
int filter_pass_select(struct store *s, const struct kfl *filter, const int64_t *ids, size_t count,
		       int64_t deadline_ms, store_row_fn *row, void *ctx, size_t *ret_next,
		       char *error, size_t error_size);

#endif
