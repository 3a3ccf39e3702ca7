// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

int buf_grow(struct buf *b, size_t more)
{
	if (more > SIZE_MAX / 2 - b->len)
		return -ENOMEM;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < b->len + more)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	int r = buf_reserve(b, (size_t)n + 1);
	if (r)
		return r;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

static int put_escape(struct buf *b, unsigned char c)
{
	static const char named[] = "btnvfr";

	if (c == '"' || c == '\\')
		return buf_printf(b, "\\%c", c);
	if (c >= '\b' && c <= '\r' && c != '\v')
		return buf_printf(b, "\\%c", named[c - '\b']);
	return buf_printf(b, "\\u%04x", c);
}

/* Bytes of v that are zero have their top bit set in the result; others may only above such a one.
 */
static uint64_t zero_bytes(uint64_t v)
{
	return (v - 0x0101010101010101) & ~v & 0x8080808080808080;
}

/* Do all eight bytes stand for themselves in JSON text? */
static inline bool is_plain_word(const unsigned char *p)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t v;

	memcpy(&v, p, 8);
	return !((v & 0x80 * ones) | ((v - 0x20 * ones) & ~v & 0x80 * ones) |
		 zero_bytes(v ^ '"' * ones) | zero_bytes(v ^ '\\' * ones) |
		 zero_bytes(v ^ 0x7f * ones));
}

/* Past such bytes, eight at a time; the last of them by eight that overlap others. */
static const unsigned char *skip_plain(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p;

	while (end - p >= 8 && is_plain_word(p))
		p += 8;
	if (end - p < 8 && end - start >= 8 && is_plain_word(end - 8))
		return end;
	while (p < end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	return p;
}

int buf_put_json(struct buf *b, const void *text, size_t len)
{
	const unsigned char *p = len ? text : (const void *)"", *end = p + len, *run = p;
	int r = buf_reserve(b, len + 2);

	if (r)
		return r;
	b->data[b->len++] = '"';
	while (!r) {
		p = skip_plain(p, end);
		if (p == end)
			break;
		size_t n = *p < 0x80 ? 0 : utf8_length(p, (size_t)(end - p));
		if (n) {
			p += n;
			continue;
		}
		r = buf_put(b, run, (size_t)(p - run));
		if (!r)
			r = *p < 0x80 ? put_escape(b, *p) : buf_puts(b, "\xef\xbf\xbd");
		run = ++p;
	}
	if (!r)
		r = buf_put(b, run, (size_t)(p - run));
	return r ? r : buf_putc(b, '"');
}

void buf_drop(struct buf *b, size_t n)
{
	b->len -= n;
	memmove(b->data, b->data + n, b->len);
}

const char *buf_cstr(struct buf *b)
{
	if (!b->cap)
		return "";
	if (buf_reserve(b, 1))
		return NULL;
	b->data[b->len] = '\0';
	return b->data;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
