/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undoes content codings (RFC 9110 section 8.4): gzip, deflate, br, zstd and lists of them. */
#ifndef CLEARTAP_CODING_H
#define CLEARTAP_CODING_H

#include <stdbool.h>
#include <stddef.h>

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
/* Does the value name a coding that changes the bytes? */
bool coding_is_encoded(const char *content_encoding);

#endif
