// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/pairs.h"

#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "dissect/payload.h"
#include "base/limits.h"

int detail_pair(struct buf *out, const char *name, size_t name_len, const char *value,
		size_t value_len)
{
	int r = out->len && out->data[out->len - 1] == '[' ? 0 : buf_putc(out, ',');

	r = r ? r : buf_putc(out, '[');
	r = r ? r : buf_put_json(out, name, name_len);
	r = r ? r : buf_putc(out, ',');
	r = r ? r : buf_put_json(out, value, value_len);
	return r ? r : buf_putc(out, ']');
}

int query_decode(struct buf *out, const char *text, size_t len)
{
	int r = buf_reserve(out, len);

	if (r)
		return r;
	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];
		if (c == '%' && len - i > 2 && hex_digit((unsigned char)text[i + 1]) >= 0 &&
		    hex_digit((unsigned char)text[i + 2]) >= 0) {
			c = (char)(hex_digit((unsigned char)text[i + 1]) << 4 |
				   hex_digit((unsigned char)text[i + 2]));
			i += 2;
		}
		out->data[out->len++] = c;
	}
	return 0;
}

static size_t length_until(const char *text, size_t len, char c)
{
	const char *at = len ? memchr(text, c, len) : NULL;

	return at ? (size_t)(at - text) : len;
}

static int put_query_pair(struct buf *out, struct buf *scratch, const char *pair, size_t len)
{
	size_t name = length_until(pair, len, '=');

	buf_reset(scratch);
	int r = query_decode(scratch, pair, name);
	size_t split = scratch->len;
	if (!r && name < len)
		r = query_decode(scratch, pair + name + 1, len - name - 1);
	return r ? r
		 : detail_pair(out, scratch->data, split, scratch->data + split,
			       scratch->len - split);
}

int detail_query(struct buf *out, const char *member, const char *query, size_t len)
{
	struct buf scratch = { 0 };
	int r = buf_reserve(&scratch, len + 1);

	r = r ? r : detail_member(out, member);
	r = r ? r : buf_putc(out, '[');
	for (size_t i = 0, count = 0; !r && i < len && count < LIMIT_HEADERS; count++) {
		size_t n = length_until(query + i, len - i, '&');
		if (n)
			r = put_query_pair(out, &scratch, query + i, n);
		i += n + 1;
	}
	buf_free(&scratch);
	return r ? r : buf_putc(out, ']');
}

static int put_cookie(struct buf *out, const char *p, size_t len)
{
	while (len && (*p == ' ' || *p == '\t'))
		p++, len--;
	if (!len)
		return 0;
	size_t name = length_until(p, len, '=');
	size_t value = name < len ? name + 1 : len;
	return detail_pair(out, p, name, p + value, len - value);
}

int detail_cookies(struct buf *out, const char *value, size_t len, bool attributes)
{
	int r = 0;

	for (size_t i = 0, count = 0; !r && i < len && count < LIMIT_HEADERS; count++) {
		size_t n = length_until(value + i, len - i, ';');
		r = put_cookie(out, value + i, n);
		i += n + 1;
		if (attributes)
			break;
	}
	return r;
}
