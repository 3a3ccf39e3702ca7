/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which entries were told again, newest last: what a pass has to look at, and what a reader that
 * comes back may have missed. The last LIMIT_STREAM_UPDATES are remembered.
 */
#ifndef CLEARTAP_API_UPDATE_LOG_H
#define CLEARTAP_API_UPDATE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct update_log {
	uint64_t begun, end; /* positions: up to where passes went, and behind the newest */
	struct update {
		int64_t id, last; /* and the last entry that there was at that time */
	} ring[LIMIT_STREAM_UPDATES];
};

/* Ids in ascending order, each once. */
struct update_set {
	int64_t *ids; /* the caller frees it */
	size_t count;
	uint64_t forgotten; /* updates that the log does not hold any more */
};

void update_log_add(struct update_log *u, int64_t id, int64_t last);
/* What came since the last call, at most LIMIT_BATCH of it. -ENOMEM: `forgotten` is all of it. */
int update_log_take(struct update_log *u, struct update_set *ret);
/* What a reader may have missed that was told of entries up to this id: of these alone. */
int update_log_since(const struct update_log *u, int64_t id, struct update_set *ret);

#endif
