/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undoes content codings (RFC 9110 section 8.4): gzip, deflate, br, zstd and lists of them. */
#ifndef CLEARTAP_CODING_H
#define CLEARTAP_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct buf;

/*
 * Replace what `out` holds by `data` decoded; `content_encoding` is the header field's value, ""
 * or NULL for none. Time and memory are bounded by len and limit.
 * 0; -E2BIG: out holds the first `limit` bytes; -EILSEQ: broken or cut off, out holds what could
 * be decoded; -ENOTSUP: unknown coding or more than LIMIT_CODINGS, out is empty; -ENOMEM.
 * Of a list, the limit holds for each coding, so the result may then be shorter than the limit.
 * No bytes at all (a HEAD or 304 answer) decode to none. Bytes after the end are ignored.
 */
int coding_decode(const char *content_encoding, const void *data, size_t len, size_t limit,
		  struct buf *out);
/* What so many bytes of one message of a protocol may be undone to, and `most` at most. */
static inline size_t coding_limit(size_t len, size_t most)
{
	size_t limit = LIMIT_ZIP_FREE + LIMIT_ZIP_EXPANSION * len;

	return limit < most ? limit : most;
}
/* Does the value name a coding that changes the bytes? */
bool coding_is_encoded(const char *content_encoding);

/*
 * The same for a stream whose parts are wanted as they come. What it hands on of some bytes does
 * not depend on how these were cut (but for the last bytes before where br or zstd is broken). It
 * may grow to LIMIT_INFLATE_EXPANSION times its size, and LIMIT_INFLATE_FREE more.
 */
struct coding_stream;
struct coding_sink {
	void (*put)(void *ctx, const uint8_t *data, size_t len);
	void *ctx;
};
/* NULL for none, for an unknown coding, for several of them, and when out of memory. */
struct coding_stream *coding_stream_new(const char *content_encoding);
/* 0, or for all time: -E2BIG: it grows to more; -EILSEQ: broken; -ENOMEM. */
int coding_stream_feed(struct coding_stream *d, const void *data, size_t len,
		       const struct coding_sink *to);
/* Memory that it holds, about. Takes NULL, as coding_stream_free() does. */
size_t coding_stream_bytes(const struct coding_stream *d);
void coding_stream_free(struct coding_stream *d);

#endif
