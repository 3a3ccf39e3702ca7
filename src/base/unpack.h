/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads binary data from front to back. What is read past the end is 0 or NULL, and it
 * remembers that it failed, so only `failed` is to be looked at.
 */
#ifndef CLEARTAP_UNPACK_H
#define CLEARTAP_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct unpack {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static inline struct unpack unpack_at(const void *data, size_t len)
{
	return (struct unpack){ .at = data, .left = len };
}

/* `n` bytes; NULL when there are fewer. */
static inline const uint8_t *unpack_take(struct unpack *c, uint64_t n)
{
	const uint8_t *p = c->at;

	if (c->failed || n > c->left) {
		c->failed = true;
		c->left = 0;
		return NULL;
	}
	c->at += n;
	c->left -= (size_t)n;
	return p;
}

/* An unsigned number of `n` bytes, the most significant one first. */
static inline uint64_t unpack_be(struct unpack *c, unsigned n)
{
	const uint8_t *p = unpack_take(c, n);
	uint64_t value = 0;

	for (unsigned i = 0; p && i < n; i++)
		value = value << 8 | p[i];
	return value;
}

/* The same, the least significant one first. */
static inline uint64_t unpack_le(struct unpack *c, unsigned n)
{
	const uint8_t *p = unpack_take(c, n);
	uint64_t value = 0;

	for (unsigned i = n; p && i; i--)
		value = value << 8 | p[i - 1];
	return value;
}

/* Seven bits a byte, the lowest first, in at most `most` bytes: MQTT, Kafka. */
static inline uint64_t unpack_varint(struct unpack *c, unsigned most)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < most; i++) {
		const uint8_t *p = unpack_take(c, 1);
		if (!p)
			return 0;
		value |= (uint64_t)(*p & 0x7f) << (7 * i);
		if (!(*p & 0x80))
			return value;
	}
	c->failed = true;
	c->left = 0;
	return 0;
}

static inline struct text unpack_text(struct unpack *c, uint64_t len)
{
	const uint8_t *p = unpack_take(c, len);

	return (struct text){ (const char *)p, p ? (size_t)len : 0 };
}

/* What is left, by itself of `len` bytes. */
static inline struct unpack unpack_part(struct unpack *c, uint64_t len)
{
	const uint8_t *p = unpack_take(c, len);

	return (struct unpack){ .at = p, .left = p ? (size_t)len : 0, .failed = !p };
}

#endif
