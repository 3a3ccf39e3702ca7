/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_API_FILTER_PASS_H
#define CLEARTAP_API_FILTER_PASS_H

#include <stdint.h>

struct live_query;
struct store;

/*
 * Hold the entries after..last against each filter of the list that has readers: leaves the events
 * in its chunk, and in `missed` how many there was no time for.
 */
void filter_pass_run(struct store *s, struct live_query *queries, int64_t after, int64_t last);

#endif
