/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One side of an exchange as exports need it: the stored detail and body, redacted and read. */
#ifndef CLEARTAP_API_STORED_H
#define CLEARTAP_API_STORED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct entry;
struct writer;

struct stored {
	const json_t *detail;	/* "request" or "response" of it, NULL when it was not seen */
	const struct buf *body; /* as stored */
	bool is_request;
	int64_t begin_us, end_us; /* of its bytes, 0 unknown */
};

/* Both sides of an entry; everything is borrowed from it and its detail. */
void stored_both(const struct entry *e, const json_t *detail, struct stored *ret_request,
		 struct stored *ret_response);
/* A member as text or number, "" and `preset` without it. */
const char *stored_text(const struct stored *m, const char *name);
int64_t stored_number(const struct stored *m, const char *name, int64_t preset);
/* The first header field of this name, NULL without one. */
const char *stored_header(const struct stored *m, const char *name);
/* Of the i-th pair of headers, trailers, cookies or query: false past the last. */
bool stored_pair(const struct stored *m, const char *list, size_t i, const char **ret_name,
		 const char **ret_value);
/* Was the message an HTTP one, with a head? */
bool stored_is_http(const struct stored *m);
/* Bytes of the body that are missing. */
int64_t stored_missing(const struct stored *m);
/* The i-th place in the body where bytes are missing; false past the last. */
bool stored_gap(const struct stored *m, size_t i, uint64_t *ret_offset, uint64_t *ret_length);
/* "https://host/path" of a request. */
int stored_put_url(const struct stored *m, const struct entry *e, struct buf *out);
/*
 * Start line and header fields as HTTP/1.x text, with framing that fits a body of body_size bytes
 * as it is written here: a masked body is of another length than the header field says. What the
 * transfer coding that the head names has before the body is part of it.
 */
void stored_put_head(const struct stored *m, uint64_t body_size, struct writer *w);
/* What that coding has behind a body of so many bytes. */
void stored_put_end(const struct stored *m, uint64_t body_size, struct writer *w);
/* Does the end of the connection alone end this message (RFC 9112 section 6.3)? */
bool stored_ends_by_close(const struct stored *m);

/* One of the messages below an exchange; its bytes, as far as they are kept, are the caller's. */
struct stored_item {
	const char *kind, *name;
	bool by_client, is_text, cut;
	int opcode; /* of a WebSocket */
	int64_t time_us, lost;
	struct buf bytes;
	int error; /* 0 or -ENOMEM */
};
/* The i-th; false past the last. */
bool stored_item(const json_t *detail, size_t i, struct stored_item *ret);

#endif
