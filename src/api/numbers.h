/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All numbers of the server in one table, which /api/stats and /metrics print. */
#ifndef CLEARTAP_API_NUMBERS_H
#define CLEARTAP_API_NUMBERS_H

#include <stdint.h>

#include "api/live/hub.h"
#include "api/server_stats.h"
#include "store/store.h"

struct api;
struct jw;
struct writer;

struct numbers {
	const char *version;
	struct server_stats server;
	uint64_t dropped;
	struct store_stats store;
	char store_error[256]; /* "" for none */
	struct live_stats live;
	unsigned connections;
	uint64_t refused, displaced, late;
};

void numbers_take(struct api *a, struct numbers *ret);
/* The members of /api/stats, in an object that was begun. */
void numbers_put_json(const struct numbers *n, struct jw *j);
void numbers_put_metrics(const struct numbers *n, struct writer *p);

#endif
