/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wire format of protobuf, field by field, without memory. */
#ifndef CLEARTAP_PROTO_WIRE_H
#define CLEARTAP_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_type {
	WIRE_VARINT,
	WIRE_FIXED64,
	WIRE_LENGTH,
	WIRE_GROUP,
	WIRE_END_GROUP,
	WIRE_FIXED32,
};

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;	    /* of a varint or fixed number; the length that was told */
	size_t start, data; /* its tag; its content, of a group the first field in it */
	size_t end;	    /* of a group: of its tag */
	bool cut;	    /* the data ends inside the content */
};

/* A number of at most 10 bytes at *at, which moves on; false: there is none, *at stays. */
bool wire_long_varint(const uint8_t *data, size_t len, size_t *at, uint64_t *ret);
static inline bool wire_varint(const uint8_t *data, size_t len, size_t *at, uint64_t *ret)
{
	/* Most are of one byte. */
	if (*at < len && data[*at] < 0x80) {
		*ret = data[(*at)++];
		return true;
	}
	return wire_long_varint(data, len, at, ret);
}
/* The field at `at`; false: there is none, and *ret may be anything. */
bool wire_field(const uint8_t *data, size_t len, size_t at, struct wire_field *ret);
/*
 * Do the bytes look like a message: fields and nothing else, at least one? May end early when
 * `cut`. Looks at tags and numbers alone, not into what has a length; adds what it looked at to
 * *work.
 */
bool wire_is_message(const uint8_t *data, size_t len, bool cut, size_t *work);

#endif
