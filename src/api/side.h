/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One side of an exchange as exports need it: the stored detail and body, redacted and read. */
#ifndef CLEARTAP_API_SIDE_H
#define CLEARTAP_API_SIDE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct entry;

struct side {
	const json_t *detail;	/* "request" or "response" of it, NULL when it was not seen */
	const struct buf *body; /* as stored */
	bool is_request;
	int64_t begin_us, end_us; /* of its bytes, 0 unknown */
};

/* Both sides of an entry; everything is borrowed from it and its detail. */
void sides_of(const struct entry *e, const json_t *detail, struct side *ret_request,
	      struct side *ret_response);
/* A member as text or number, "" and `preset` without it. */
const char *side_text(const struct side *m, const char *name);
int64_t side_number(const struct side *m, const char *name, int64_t preset);
/* The first header field of this name, NULL without one. */
const char *side_header(const struct side *m, const char *name);
/* Of the i-th pair of headers, trailers, cookies or query: false past the last. */
bool side_pair(const struct side *m, const char *list, size_t i, const char **ret_name,
	       const char **ret_value);
/* Was the message an HTTP one, with a head? */
bool side_is_http(const struct side *m);
/* Bytes of the body that are missing, and where the first of them are (0, 0: none). */
int64_t side_missing(const struct side *m, int64_t *ret_offset);
/* "https://host/path" of a request. */
int side_put_url(const struct side *m, const struct entry *e, struct buf *out);
/*
 * Start line and header fields as HTTP/1.x text, with framing that fits a body of body_size bytes
 * as side_put_body() writes it: a masked body is of another length than the header field says.
 */
int side_put_head(const struct side *m, uint64_t body_size, struct buf *out);
/*
 * The first `len` bytes of the stored body, in the transfer coding that the head names, which
 * `missing` bytes follow that are not here.
 */
int side_put_body(const struct side *m, size_t len, uint64_t missing, struct buf *out);
/* Does the end of the connection alone end this message (RFC 9112 section 6.3)? */
bool side_ends_by_close(const struct side *m);

#endif
