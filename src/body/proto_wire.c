// SPDX-License-Identifier: GPL-2.0-or-later
#include "body/proto_wire.h"

#include "base/limits.h"

#define FIELD_MAX ((1U << 29) - 1)

bool wire_varint(const uint8_t *data, size_t len, size_t *at, uint64_t *ret)
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

static uint64_t little(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static bool fixed(const uint8_t *data, size_t len, unsigned width, struct wire_field *f)
{
	if (len - f->data < width)
		return false;
	f->value = little(data + f->data, width);
	f->end = f->data + width;
	return true;
}

bool wire_field(const uint8_t *data, size_t len, size_t at, struct wire_field *ret)
{
	struct wire_field f = { .start = at };
	uint64_t tag;

	if (!wire_varint(data, len, &at, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
		return false;
	f.number = (uint32_t)(tag >> 3);
	f.type = (enum wire_type)(tag & 7);
	f.data = f.end = at;
	switch (f.type) {
	case WIRE_VARINT:
		if (!wire_varint(data, len, &f.end, &f.value))
			return false;
		break;
	case WIRE_FIXED64:
		if (!fixed(data, len, 8, &f))
			return false;
		break;
	case WIRE_FIXED32:
		if (!fixed(data, len, 4, &f))
			return false;
		break;
	case WIRE_LENGTH:
		if (!wire_varint(data, len, &f.data, &f.value))
			return false;
		f.cut = f.value > len - f.data;
		f.end = f.cut ? len : f.data + (size_t)f.value;
		break;
	case WIRE_GROUP:
	case WIRE_END_GROUP:
		break;
	default:
		return false;
	}
	*ret = f;
	return true;
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
