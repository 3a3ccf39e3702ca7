// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of MySQL as JSON has them: all of them as text, in prepared statements as they are. */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "dissect/mysql_internal.h"

/* Types of columns and parameters. */
enum {
	MY_DECIMAL = 0,
	MY_TINY = 1,
	MY_SHORT = 2,
	MY_LONG = 3,
	MY_FLOAT = 4,
	MY_DOUBLE = 5,
	MY_NULL = 6,
	MY_TIMESTAMP = 7,
	MY_LONGLONG = 8,
	MY_INT24 = 9,
	MY_DATE = 10,
	MY_TIME = 11,
	MY_DATETIME = 12,
	MY_YEAR = 13,
	MY_BIT = 16,
	MY_NEWDECIMAL = 246,
	MY_TINY_BLOB = 249,
	MY_GEOMETRY = 255,
};

#define FIXED	      13 /* bytes behind the names in a description */
#define UNSIGNED_FLAG 0x20
#define BINARY	      63 /* the charset of what is no text */

/*
 * Kept as a type, two bits and a length of one byte each, and the name. What stands behind the
 * names is read from the end: some servers have more before it.
 */
void my_add_column(struct buf *columns, struct unpack u)
{
	struct unpack fixed = u, name;
	size_t front = u.left < FIXED ? 0 : u.left - FIXED;

	unpack_take(&fixed, front + 1);
	uint16_t charset = (uint16_t)unpack_le(&fixed, 2);
	unpack_le(&fixed, 4);
	uint8_t type = (uint8_t)unpack_le(&fixed, 1), flags = (uint8_t)unpack_le(&fixed, 1);
	name = u;
	for (int i = 0; i < 4; i++)
		my_string(&name);
	struct text t = my_string(&name);
	bool bytes = charset == BINARY && (type == MY_BIT || type >= MY_TINY_BLOB);
	if (t.len > 255)
		t.len = 255;
	buf_putc(columns, (char)type);
	buf_putc(columns, (char)((flags & UNSIGNED_FLAG ? 1 : 0) | (bytes ? 2 : 0)));
	buf_putc(columns, (char)t.len);
	buf_put(columns, t.data, t.len);
}

bool my_next_column(struct unpack *columns, struct my_column *ret)
{
	if (!columns->left)
		return false;
	ret->type = (uint8_t)unpack_le(columns, 1);
	unsigned bits = (unsigned)unpack_le(columns, 1);
	ret->is_unsigned = bits & 1;
	ret->is_bytes = bits & 2;
	ret->name = unpack_text(columns, unpack_le(columns, 1));
	return true;
}

/* The first bytes of what is long, whole characters of it. */
static void put_long(struct buf *out, struct text value)
{
	size_t n = MY_VALUE;

	while (n > MY_VALUE - 3 && ((uint8_t)value.data[n] & 0xc0) == 0x80)
		n--;
	buf_put_json(out, value.data, n);
	out->len -= out->len > 0;
	buf_puts(out, "...\"");
}

void my_put_text(struct buf *out, const struct my_column *c, struct text value)
{
	const uint8_t *data = (const uint8_t *)value.data;
	bool number = c->type <= MY_DOUBLE || c->type == MY_LONGLONG || c->type == MY_INT24 ||
		      c->type == MY_YEAR || c->type == MY_NEWDECIMAL;

	if (number && !c->is_bytes && sql_is_number(data, value.len))
		buf_put(out, data, value.len);
	else if (value.len > MY_VALUE)
		put_long(out, value);
	else if (c->type == MY_BIT || (c->is_bytes && !utf8_is_text(data, value.len)))
		sql_put_hex(out, "0x", data, value.len);
	else
		buf_put_json(out, data, value.len);
}

static void put_integer(struct buf *out, bool is_unsigned, struct unpack *u, unsigned size)
{
	uint64_t v = unpack_le(u, size);
	unsigned unused = 64 - 8 * size;

	if (is_unsigned)
		buf_printf(out, "%" PRIu64, v);
	else
		buf_printf(out, "%" PRId64, (int64_t)(v << unused) >> unused);
}

static void put_float(struct buf *out, struct unpack *u, bool is_double)
{
	uint64_t bits = unpack_le(u, is_double ? 8 : 4);
	uint32_t low = (uint32_t)bits;
	double d;
	float f;

	memcpy(&d, &bits, sizeof(d));
	memcpy(&f, &low, sizeof(f));
	if (is_double)
		sql_put_float(out, d);
	else
		buf_printf(out, "%.6g", (double)f);
}

/* 0, 4, 7 or 11 bytes: what is left out is 0. */
static void put_date(struct buf *out, const struct my_column *c, struct unpack *u)
{
	uint64_t n = unpack_le(u, 1);
	struct unpack d = unpack_part(u, n);
	unsigned v[6] = { 0 };

	for (int i = 0; n && i < (n >= 7 ? 6 : 3); i++)
		v[i] = (unsigned)unpack_le(&d, i ? 1 : 2);
	buf_printf(out, "\"%04u-%02u-%02u", v[0], v[1], v[2]);
	if (c->type != MY_DATE)
		buf_printf(out, " %02u:%02u:%02u", v[3], v[4], v[5]);
	if (n >= 11)
		buf_printf(out, ".%06" PRIu64, unpack_le(&d, 4));
	buf_putc(out, '"');
}

/* A sign, days, then hours to seconds: 0, 8 or 12 bytes. */
static void put_time(struct buf *out, struct unpack *u)
{
	uint64_t n = unpack_le(u, 1);
	struct unpack d = unpack_part(u, n);
	bool minus = n && unpack_le(&d, 1);
	uint64_t days = n ? unpack_le(&d, 4) : 0, v[3] = { 0 };

	for (int i = 0; n && i < 3; i++)
		v[i] = unpack_le(&d, 1);
	buf_printf(out, "\"%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, minus ? "-" : "",
		   24 * days + v[0], v[1], v[2]);
	if (n >= 12)
		buf_printf(out, ".%06" PRIu64, unpack_le(&d, 4));
	buf_putc(out, '"');
}

/* Has it been written without all of its bytes? Then it is not what it seems. */
static void check_whole(struct buf *out, size_t at, const struct unpack *u)
{
	if (!u->failed)
		return;
	out->len = at;
	buf_puts(out, "\"...\"");
}

void my_put_binary(struct buf *out, const struct my_column *c, struct unpack *u)
{
	size_t at = out->len;

	switch (c->type) {
	case MY_NULL:
		buf_puts(out, "null");
		break;
	case MY_TINY:
		put_integer(out, c->is_unsigned, u, 1);
		break;
	case MY_SHORT:
	case MY_YEAR:
		put_integer(out, c->is_unsigned, u, 2);
		break;
	case MY_LONG:
	case MY_INT24:
		put_integer(out, c->is_unsigned, u, 4);
		break;
	case MY_LONGLONG:
		put_integer(out, c->is_unsigned, u, 8);
		break;
	case MY_FLOAT:
	case MY_DOUBLE:
		put_float(out, u, c->type == MY_DOUBLE);
		break;
	case MY_DATE:
	case MY_DATETIME:
	case MY_TIMESTAMP:
		put_date(out, c, u);
		break;
	case MY_TIME:
		put_time(out, u);
		break;
	default: {
		/* Of a parameter nobody says whether it is text. */
		struct my_column text = *c;
		text.is_bytes |= c->type >= MY_TINY_BLOB;
		my_put_text(out, &text, my_string(u));
		return;
	}
	}
	check_whole(out, at, u);
}
