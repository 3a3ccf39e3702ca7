/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Header blocks of one direction (RFC 7541), as somebody reads them who may not have seen them all.
 * nghttp2's inflater, which gives up at the first index that it does not know, is given one
 * representation at a time, and none that refers to what was not seen. Indices count from the
 * newest entry, so what was inserted since resolves.
 */
#ifndef CLEARTAP_HTTP2_HPACK_H
#define CLEARTAP_HTTP2_HPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

struct nghttp2_hd_inflater;

/* Zero-initialise it. Where it was joined late, call hpack_forget() first. */
struct hpack {
	struct nghttp2_hd_inflater *inflater; /* NULL: nothing was inserted yet */
	struct buf rest;		      /* a representation that is not whole yet */
	bool partial;			      /* entries are missing */
};

/* A field; name.data is NULL when it was sent before, value.data too when that was. */
struct hpack_field {
	struct text name, value;
};

struct hpack_sink {
	/* The texts are borrowed for the call. 0 or -errno, which hpack_feed() returns. */
	int (*field)(void *ctx, const struct hpack_field *f);
	void *ctx;
};

/*
 * The next bytes of a header block, in any portions. 0; -ENOMEM; -EPROTO when it is none, -E2BIG
 * when a field is longer than LIMIT_HEAD_LINE: the rest of the block is then lost, hpack_forget().
 */
int hpack_feed(struct hpack *h, const uint8_t *data, size_t len, const struct hpack_sink *sink);
/* The block ends: -EPROTO inside a representation. */
int hpack_end(struct hpack *h);
/* Bytes of a block were not seen: nobody knows what they inserted. */
void hpack_forget(struct hpack *h);
void hpack_free(struct hpack *h);
/* Memory that it holds, about. */
size_t hpack_bytes(const struct hpack *h);
/* Are these bytes a whole header block, as far as its structure goes? */
bool hpack_is_block(const uint8_t *data, size_t len);

#endif
