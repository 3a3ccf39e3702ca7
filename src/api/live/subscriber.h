/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One client of a live stream: what waits for it, what it missed, what it wants replayed. */
#ifndef CLEARTAP_API_SUBSCRIBER_H
#define CLEARTAP_API_SUBSCRIBER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct chunk;
struct kfl;
struct live_query;
struct room;
struct skip;
struct subscriber;
struct MHD_Connection;

/*
 * Join the stream with a filter (taken, NULL everything; `text` tells it from others). With after
 * >= 0 what is stored behind that id comes first, then what is new, each once; and what is known to
 * have changed since. -EAGAIN: there are LIMIT_STREAMS readers or LIMIT_STREAM_QUERIES filters.
 */
int subscriber_join(struct room *room, struct MHD_Connection *conn, struct kfl *filter,
		    const char *text, int64_t after, struct subscriber **ret);
/* As answer_stream.read and .free. */
ssize_t subscriber_read(void *reader, char *out, size_t max);
void subscriber_leave(void *reader);

/* For the hub, with the lock of the room held: events for one reader. */
void subscriber_queue(struct subscriber *r, struct chunk *c);
void subscriber_skip(struct subscriber *r, const struct skip *s);
void subscriber_tell(struct subscriber *r, struct chunk *note);
const struct live_query *subscriber_query(const struct subscriber *r);
/* Entries behind this id are new to it. */
int64_t subscriber_joined(const struct subscriber *r);
struct subscriber *subscriber_next(const struct subscriber *r);
/* Wake a reader that waits, when there is something for it or the hub stops. */
void subscriber_wake(struct subscriber *r);

#endif
