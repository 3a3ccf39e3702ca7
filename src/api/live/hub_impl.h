/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by hub.c, which makes events, and reader.c, which takes them to one client. */
#ifndef CLEARTAP_API_HUB_IMPL_H
#define CLEARTAP_API_HUB_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/live/hub.h"
#include "base/buf.h"

struct subscriber;

/* Events made once for all readers of a filter. Counted under the hub's lock. */
struct chunk {
	unsigned refs;
	int64_t after; /* the range of ids that it stands for begins behind this one */
	size_t entries;
	struct buf text;
	struct buf marks; /* a struct mark for each event */
};

struct mark {
	int64_t id;
	size_t end; /* of the event in text */
};

/* What a reader missed. */
struct skip {
	uint64_t count;
	int64_t after, before; /* exclusive: the ids to page for what was missed */
	bool inexact;	       /* count is of entries that were not held against the filter */
};

/* A filter of one or more readers. */
struct live_query {
	struct live_query *next;
	struct kfl *filter; /* NULL: everything */
	char *text;	    /* that tells it from others */
	unsigned refs;
	/* The outcome of the range in work; the hub's thread only. */
	struct chunk *chunk;
	uint64_t missed;
	const char *failure;
};

struct hub {
	struct api *api;
	pthread_mutex_t lock; /* all below, but not while a filter runs */
	pthread_cond_t wake;
	pthread_t thread;
	bool started, stop, working; /* working: a range is being evaluated */
	int64_t published;	     /* last id stored */
	int64_t begun;		     /* end of the last range that was begun */
	struct live_query *queries;
	struct subscriber *readers;
	struct chunk *stats;
	struct hub_stats count;
};

/* With the lock held. The filter is taken in any case; NULL: no memory, or too many of them. */
struct live_query *hub_find_query(struct hub *h, struct kfl *filter, const char *text);
/* With the lock held: forget filters without readers, unless they are in use just now. */
void hub_sweep(struct hub *h);

struct chunk *chunk_new(int64_t after);
const struct mark *chunk_marks(const struct chunk *c);
void chunk_put(struct chunk *c);

/* With the lock held: events for one reader. */
void subscriber_queue(struct subscriber *r, struct chunk *c);
void subscriber_skip(struct subscriber *r, const struct skip *s);
void subscriber_tell(struct subscriber *r, struct chunk *note);
struct live_query *subscriber_query(const struct subscriber *r);
/* Entries behind this id are new to it. */
int64_t subscriber_joined(const struct subscriber *r);
struct subscriber *subscriber_next(const struct subscriber *r);
/* Wake a reader that waits, when there is something for it or the hub stops. */
void subscriber_wake(struct subscriber *r);

#endif
