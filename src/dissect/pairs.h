/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and values as JSON arrays [[name,value],...]: header fields, queries, forms, cookies. */
#ifndef CLEARTAP_PAIRS_H
#define CLEARTAP_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Append ["name","value"], after a comma unless it is the first of an array. */
int detail_pair(struct buf *out, const char *name, size_t name_len, const char *value,
		size_t value_len);
/* A member with the pairs of a=b&c=d, percent-decoded, at most LIMIT_HEADERS of them. */
int detail_query(struct buf *out, const char *member, const char *query, size_t len);
/* The pairs of a Cookie value; of a Set-Cookie value (attributes follow) the first alone. */
int detail_cookies(struct buf *out, const char *value, size_t len, bool attributes);
/* Percent-decode a part of a query, "+" being a blank (URL Standard, 5.1). */
int query_decode(struct buf *out, const char *text, size_t len);

#endif
