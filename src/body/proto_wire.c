// SPDX-License-Identifier: GPL-2.0-or-later
#include "body/proto_wire.h"

#include <endian.h>
#include <string.h>

#include "base/limits.h"

#define FIELD_MAX ((1U << 29) - 1)

bool wire_long_varint(const uint8_t *data, size_t len, size_t *at, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 10 && *at + i < len; i++) {
		uint8_t byte = data[*at + i];
		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		if (i == 9 && byte > 1)
			return false;
		*at += i + 1;
		*ret = v;
		return true;
	}
	return false;
}

static bool fixed(const uint8_t *data, size_t len, unsigned width, struct wire_field *f)
{
	if (len - f->data < width)
		return false;
	uint32_t low;

	if (width == 8) {
		memcpy(&f->value, data + f->data, 8);
		f->value = le64toh(f->value);
	} else {
		memcpy(&low, data + f->data, 4);
		f->value = le32toh(low);
	}
	f->end = f->data + width;
	return true;
}

bool wire_field(const uint8_t *data, size_t len, size_t at, struct wire_field *ret)
{
	uint64_t tag;

	ret->start = at;
	ret->cut = false;
	if (!wire_varint(data, len, &at, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
		return false;
	ret->number = (uint32_t)(tag >> 3);
	ret->type = (enum wire_type)(tag & 7);
	ret->data = ret->end = at;
	switch (ret->type) {
	case WIRE_VARINT:
		return wire_varint(data, len, &ret->end, &ret->value);
	case WIRE_FIXED64:
		return fixed(data, len, 8, ret);
	case WIRE_FIXED32:
		return fixed(data, len, 4, ret);
	case WIRE_LENGTH:
		if (!wire_varint(data, len, &ret->data, &ret->value))
			return false;
		ret->cut = ret->value > len - ret->data;
		ret->end = ret->cut ? len : ret->data + (size_t)ret->value;
		return true;
	case WIRE_GROUP:
	case WIRE_END_GROUP:
		ret->value = 0;
		return true;
	default:
		return false;
	}
}

bool wire_is_message(const uint8_t *data, size_t len, bool cut, size_t *work)
{
	uint32_t groups[LIMIT_BODY_DEPTH];
	unsigned depth = 0;
	size_t at = 0;
	struct wire_field f;

	while (at < len) {
		*work += 16;
		if (!wire_field(data, len, at, &f))
			return cut && at && len - at <= 20;
		if (f.cut)
			return cut;
		if (f.type == WIRE_GROUP) {
			if (depth == LIMIT_BODY_DEPTH)
				return false;
			groups[depth++] = f.number;
		} else if (f.type == WIRE_END_GROUP) {
			if (!depth || groups[--depth] != f.number)
				return false;
		}
		at = f.end;
	}
	return len && (!depth || cut);
}
