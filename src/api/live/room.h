/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hub, which makes events, and its readers share. */
#ifndef CLEARTAP_API_ROOM_H
#define CLEARTAP_API_ROOM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/live/live_query.h"
#include "api/live/update_log.h"

struct chunk;
struct store;
struct subscriber;
struct workers;

struct room {
	pthread_mutex_t lock; /* all below but store and workers; not held while a filter runs */
	struct store *store;
	struct workers *workers;
	bool stop;
	int64_t published; /* last id stored */
	int64_t begun;	   /* end of the last range that was begun */
	struct live_queries queries;
	struct subscriber *readers;
	struct chunk *stats; /* the newest event of its kind */
	struct update_log updates;
	uint64_t sent, skipped;
	unsigned reader_count;
};

#endif
