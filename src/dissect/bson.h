/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BSON (bsonspec.org 1.1): its elements one by one, and a document as relaxed extended JSON. */
#ifndef CLEARTAP_BSON_H
#define CLEARTAP_BSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/unpack.h"

enum bson_type {
	BSON_DOUBLE = 1,
	BSON_STRING = 2,
	BSON_DOCUMENT = 3,
	BSON_ARRAY = 4,
	BSON_BINARY = 5,
	BSON_BOOL = 8,
	BSON_INT32 = 16,
	BSON_INT64 = 18,
};

/* The element that bson_next() came to; `value` is what follows its name, whole. */
struct bson {
	struct unpack rest;
	uint8_t type;
	struct text key;
	const uint8_t *value;
	size_t len;
	bool broken; /* it is cut off, or no BSON */
};

/* The document that begins there; of one that is cut off, what is there. */
struct bson bson_begin(const void *data, size_t len);
bool bson_next(struct bson *b);
/* Of the element: its text, "" when it is none; its number, 0 when it is none. */
struct text bson_text(const struct bson *b);
int64_t bson_number(const struct bson *b);

/* Writing JSON, up to `limit` bytes of it: what is left out is counted in `omitted`. */
struct bson_writer {
	struct buf *out;
	size_t limit;
	uint64_t omitted;
	bool (*secret)(struct text key); /* whose values are masked; NULL: none */
};

/* Elements of the document as members, without the braces. */
void bson_write_members(struct bson_writer *w, const void *data, size_t len);
void bson_write(struct bson_writer *w, const void *data, size_t len);

#endif
