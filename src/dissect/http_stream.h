/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies that are streams of their own: answers of server-sent events (WHATWG HTML, 9.2), lines of
 * JSON (NDJSON, JSON Lines, RFC 7464) and multipart/x-mixed-replace, and what both sides of a call
 * of gRPC send. What they are made of is listed as messages, as it comes. The bytes are those of
 * the body without transfer coding, cut anyhow; every version of HTTP feeds them. A content coding
 * is undone as they come: sizes of messages are then those of what is decoded.
 */
#ifndef CLEARTAP_HTTP_STREAM_H
#define CLEARTAP_HTTP_STREAM_H

#include "payload.h"

struct http_stream;
struct items;
struct message;

/* The message must outlive it. NULL for one that is none, for one with a content coding that is not
 * known or several of them (a note says so), and when out of memory. All that follow take NULL. */
struct http_stream *http_stream_new(struct message *m);
void http_stream_free(struct http_stream *s);
void http_stream_feed(struct http_stream *s, const uint8_t *data, size_t len, int64_t time_us);
/* `len` 0: nobody knows how many bytes. */
void http_stream_gap(struct http_stream *s, uint64_t len, enum gap_why why, int64_t time_us);
/* The body has ended. */
void http_stream_end(struct http_stream *s);
/* Let go of what can be: a content coding is not undone any more, and messages are left out. */
void http_stream_give_way(struct http_stream *s);
/* Memory that it holds, about. */
size_t http_stream_bytes(const struct http_stream *s);
/* The messages so far, the stream's own; NULL for none. */
struct items *http_stream_items(struct http_stream *s);
/* They are the caller's, and the stream has none. */
struct items *http_stream_take_items(struct http_stream *s);

#endif
