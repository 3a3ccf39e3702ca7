/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing byte string. Zero-initialise it; buf_free() leaves it ready for use again. */
#ifndef CLEARTAP_BUF_H
#define CLEARTAP_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data; /* NULL while cap is 0; no NUL after the end unless buf_cstr() was called */
	size_t len;
	size_t cap;
};

/* The slow part of buf_reserve(): there is not enough room. */
int buf_grow(struct buf *b, size_t more);

/* Make room for `more` bytes past len. 0 or -ENOMEM, which leaves the buffer as it was. */
static inline int buf_reserve(struct buf *b, size_t more)
{
	return more <= b->cap - b->len ? 0 : buf_grow(b, more);
}

static inline int buf_put(struct buf *b, const void *data, size_t len)
{
	int r = buf_reserve(b, len);

	if (!r && len) {
		memcpy(b->data + b->len, data, len);
		b->len += len;
	}
	return r;
}

static inline int buf_puts(struct buf *b, const char *text)
{
	return buf_put(b, text, strlen(text));
}

static inline int buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Append `len` bytes as a quoted JSON string (RFC 8259 section 7). Bytes that are not UTF-8 become
 * U+FFFD, so the result is valid JSON whatever the bytes are.
 */
int buf_put_json(struct buf *b, const void *text, size_t len);
/* Remove the first n bytes (n <= len). */
void buf_drop(struct buf *b, size_t n);
/* NUL-terminated view, "" for an empty buffer, NULL when out of memory; valid until next change. */
const char *buf_cstr(struct buf *b);
void buf_reset(struct buf *b);
void buf_free(struct buf *b);

#endif
