/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One client of a live stream: what waits for it, what it missed, what it wants replayed. */
#ifndef CLEARTAP_API_SUBSCRIBER_H
#define CLEARTAP_API_SUBSCRIBER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hub;
struct kfl;
struct subscriber;
struct MHD_Connection;

/*
 * Join the stream with a filter (taken, NULL everything; `text` tells it from others). With after
 * >= 0 what is stored behind that id comes first, then what is new, each once. -EAGAIN: there are
 * LIMIT_STREAMS readers or LIMIT_STREAM_QUERIES filters.
 */
int subscriber_join(struct hub *h, struct MHD_Connection *conn, struct kfl *filter,
		    const char *text, int64_t after, struct subscriber **ret);
/* As answer_stream.read and .free. */
ssize_t subscriber_read(void *reader, char *out, size_t max);
void subscriber_leave(void *reader);

#endif
