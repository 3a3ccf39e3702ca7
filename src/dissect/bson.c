// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/bson.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"

enum {
	UNDEFINED = 6,
	OBJECT_ID = 7,
	DATE = 9,
	NIL = 10,
	REGEX = 11,
	DB_POINTER = 12,
	CODE = 13,
	SYMBOL = 14,
	CODE_SCOPE = 15,
	TIMESTAMP = 17,
	DECIMAL = 19,
	MAX_KEY = 0x7f,
	MIN_KEY = 0xff
};

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8 | p[2] << 16) | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static struct text take_cstring(struct unpack *u)
{
	const uint8_t *nul = u->left ? memchr(u->at, 0, u->left) : NULL;
	struct text t = unpack_text(u, nul ? (uint64_t)(nul - u->at) : u->left + 1);

	unpack_take(u, 1);
	return t;
}

struct bson bson_begin(const void *data, size_t len)
{
	struct bson b = { .rest = unpack_at(data, len) };
	uint64_t size = unpack_le(&b.rest, 4);

	b.broken = b.rest.failed || size < 5;
	if (!b.broken && size - 4 < b.rest.left)
		b.rest.left = (size_t)size - 4;
	return b;
}

/* Bytes of a value of that type, as far as its first bytes tell; UINT64_MAX: no such type. */
static uint64_t value_size(uint8_t type, const struct unpack *u)
{
	struct unpack c = *u;

	switch (type) {
	case BSON_DOUBLE:
	case DATE:
	case TIMESTAMP:
	case BSON_INT64:
		return 8;
	case BSON_STRING:
	case CODE:
	case SYMBOL:
		return 4 + unpack_le(&c, 4);
	case BSON_DOCUMENT:
	case BSON_ARRAY:
	case CODE_SCOPE:
		return unpack_le(&c, 4);
	case BSON_BINARY:
		return 5 + unpack_le(&c, 4);
	case OBJECT_ID:
		return 12;
	case BSON_BOOL:
		return 1;
	case REGEX:
		take_cstring(&c);
		take_cstring(&c);
		return c.failed ? UINT64_MAX : u->left - c.left;
	case DB_POINTER:
		return 4 + unpack_le(&c, 4) + 12;
	case BSON_INT32:
		return 4;
	case DECIMAL:
		return 16;
	case UNDEFINED:
	case NIL:
	case MAX_KEY:
	case MIN_KEY:
		return 0;
	default:
		return UINT64_MAX;
	}
}

/* The least that values of variable length have. */
static bool size_valid(uint8_t type, uint64_t size)
{
	if (type == BSON_STRING || type == CODE || type == SYMBOL || type == BSON_DOCUMENT ||
	    type == BSON_ARRAY || type == CODE_SCOPE)
		return size >= 5;
	return true;
}

bool bson_next(struct bson *b)
{
	b->type = (uint8_t)unpack_le(&b->rest, 1);
	if (b->broken || b->rest.failed || !b->type) {
		b->broken |= b->rest.failed;
		return false;
	}
	b->key = take_cstring(&b->rest);
	uint64_t size = value_size(b->type, &b->rest);
	b->value = size_valid(b->type, size) ? unpack_take(&b->rest, size) : NULL;
	b->len = (size_t)size;
	b->broken = b->rest.failed || !b->value;
	return !b->broken;
}

struct text bson_text(const struct bson *b)
{
	if (b->type != BSON_STRING && b->type != SYMBOL && b->type != CODE)
		return (struct text){ "", 0 };
	return (struct text){ (const char *)b->value + 4, b->len - 5 };
}

static double as_double(const uint8_t *p)
{
	uint64_t bits = le64(p);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

int64_t bson_number(const struct bson *b)
{
	if (b->type == BSON_DOUBLE) {
		double d = as_double(b->value);
		return d > -9e15 && d < 9e15 ? (int64_t)d : 0;
	}
	return b->type == BSON_INT32   ? (int32_t)le32(b->value)
	       : b->type == BSON_INT64 ? (int64_t)le64(b->value)
	       : b->type == BSON_BOOL  ? b->value[0] != 0
				       : 0;
}

static void write_double(struct buf *out, double value)
{
	char text[40];

	if (!isfinite(value)) {
		buf_printf(out, "{\"$numberDouble\":\"%s\"}",
			   isnan(value) ? "NaN"
			   : value > 0	? "Infinity"
					: "-Infinity");
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	buf_puts(out, text);
	if (!strpbrk(text, ".e"))
		buf_puts(out, ".0");
}

static void write_base64(struct buf *out, const uint8_t *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v =
			(uint32_t)p[i] << 16 | (n > 1 ? p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
		char four[4] = { digits[v >> 18], digits[v >> 12 & 63],
				 n > 1 ? digits[v >> 6 & 63] : '=', n > 2 ? digits[v & 63] : '=' };
		buf_put(out, four, 4);
	}
}

static void write_hex(struct buf *out, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_printf(out, "%02x", p[i]);
}

static void write_date(struct buf *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (ms < 0 || ms > 253402300799999 || !gmtime_r(&seconds, &tm)) {
		buf_printf(out, "{\"$date\":{\"$numberLong\":\"%" PRId64 "\"}}", ms);
		return;
	}
	char text[32];
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(out, "{\"$date\":\"%s", text);
	if (ms % 1000)
		buf_printf(out, ".%03d", (int)(ms % 1000));
	buf_puts(out, "Z\"}");
}

/* The digits of a coefficient of 113 bits. */
static const char *decimal_digits(uint64_t high, uint64_t low, char text[static 48])
{
	unsigned __int128 n = (unsigned __int128)high << 64 | low;
	char *p = text + 47;

	*p = '\0';
	do {
		*--p = (char)('0' + (int)(n % 10));
		n /= 10;
	} while (n);
	return p;
}

static void write_decimal(struct buf *out, const uint8_t *p)
{
	uint64_t low = le64(p), high = le64(p + 8);
	const char *sign = high >> 63 ? "-" : "";
	char text[48];

	if ((high >> 58 & 31) >= 30) {
		buf_printf(out, "{\"$numberDecimal\":\"%s\"}",
			   (high >> 58 & 31) == 31 ? "NaN"
			   : *sign		   ? "-Infinity"
						   : "Infinity");
		return;
	}
	bool large = (high >> 61 & 3) == 3; /* such a coefficient is not valid, and counts as 0 */
	int exponent = (int)(large ? high >> 47 & 0x3fff : high >> 49 & 0x3fff) - 6176;
	const char *digits = large ? "0" : decimal_digits(high & 0x1ffffffffffff, low, text);
	int count = (int)strlen(digits), adjusted = exponent + count - 1;

	buf_printf(out, "{\"$numberDecimal\":\"%s", sign);
	if (exponent > 0 || adjusted < -6)
		buf_printf(out, "%c%s%sE%+d", digits[0], count > 1 ? "." : "", digits + 1,
			   adjusted);
	else if (!exponent)
		buf_puts(out, digits);
	else if (count > -exponent)
		buf_printf(out, "%.*s.%s", count + exponent, digits, digits + count + exponent);
	else
		buf_printf(out, "0.%0*d%s", -exponent - count, 0, digits);
	buf_puts(out, "\"}");
}

static void write_regex(struct buf *out, const struct bson *b)
{
	struct unpack u = unpack_at(b->value, b->len);
	struct text pattern = take_cstring(&u), options = take_cstring(&u);

	buf_puts(out, "{\"$regularExpression\":{\"pattern\":");
	buf_put_json(out, pattern.data, pattern.len);
	buf_puts(out, ",\"options\":");
	buf_put_json(out, options.data, options.len);
	buf_puts(out, "}}");
}

static void write_scalar(struct buf *out, const struct bson *b)
{
	struct text t = bson_text(b);

	switch (b->type) {
	case BSON_DOUBLE:
		write_double(out, as_double(b->value));
		break;
	case BSON_BINARY:
		buf_puts(out, "{\"$binary\":{\"base64\":\"");
		write_base64(out, b->value + 5, b->len - 5);
		buf_printf(out, "\",\"subType\":\"%02x\"}}", b->value[4]);
		break;
	case OBJECT_ID:
		buf_puts(out, "{\"$oid\":\"");
		write_hex(out, b->value, 12);
		buf_puts(out, "\"}");
		break;
	case BSON_BOOL:
		buf_puts(out, b->value[0] ? "true" : "false");
		break;
	case DATE:
		write_date(out, (int64_t)le64(b->value));
		break;
	case REGEX:
		write_regex(out, b);
		break;
	case BSON_INT32:
	case BSON_INT64:
		buf_printf(out, "%" PRId64, bson_number(b));
		break;
	case TIMESTAMP:
		buf_printf(out, "{\"$timestamp\":{\"t\":%" PRIu32 ",\"i\":%" PRIu32 "}}",
			   le32(b->value + 4), le32(b->value));
		break;
	case DECIMAL:
		write_decimal(out, b->value);
		break;
	case BSON_STRING:
		buf_put_json(out, t.data, t.len);
		break;
	case SYMBOL:
	case CODE:
		buf_puts(out, b->type == CODE ? "{\"$code\":" : "{\"$symbol\":");
		buf_put_json(out, t.data, t.len);
		buf_putc(out, '}');
		break;
	case MIN_KEY:
	case MAX_KEY:
		buf_puts(out, b->type == MIN_KEY ? "{\"$minKey\":1}" : "{\"$maxKey\":1}");
		break;
	default: /* undefined, null, and what nobody writes any more */
		buf_puts(out, "null");
	}
}

static void write_elements(struct bson_writer *w, const void *data, size_t len, bool array,
			   unsigned depth);

static void write_value(struct bson_writer *w, const struct bson *b, unsigned depth)
{
	bool array = b->type == BSON_ARRAY;

	if (b->type != BSON_DOCUMENT && !array) {
		write_scalar(w->out, b);
		return;
	}
	buf_putc(w->out, array ? '[' : '{');
	if (depth < LIMIT_BSON_DEPTH)
		write_elements(w, b->value, b->len, array, depth + 1);
	else
		w->omitted += b->len;
	buf_putc(w->out, array ? ']' : '}');
}

static void write_elements(struct bson_writer *w, const void *data, size_t len, bool array,
			   unsigned depth)
{
	struct bson b = bson_begin(data, len);
	const char *comma = "";

	while (bson_next(&b)) {
		/* A value may need four times its size as text; what does not fit is left out. */
		if (w->out->len + (b.type == BSON_DOCUMENT || b.type == BSON_ARRAY ? 0 : b.len) >
		    w->limit) {
			w->omitted += b.len + (size_t)b.rest.left;
			return;
		}
		buf_puts(w->out, comma);
		comma = ",";
		if (!array) {
			buf_put_json(w->out, b.key.data, b.key.len);
			buf_putc(w->out, ':');
		}
		if (!array && w->secret && w->secret(b.key))
			buf_puts(w->out, "\"•••\"");
		else
			write_value(w, &b, depth);
	}
}

void bson_write_members(struct bson_writer *w, const void *data, size_t len)
{
	write_elements(w, data, len, false, 0);
}

void bson_write(struct bson_writer *w, const void *data, size_t len)
{
	buf_putc(w->out, '{');
	write_elements(w, data, len, false, 0);
	buf_putc(w->out, '}');
}
