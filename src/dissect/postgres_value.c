// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of PostgreSQL as JSON has them; of types in binary the common ones, else in hexadecimal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dissect/postgres_internal.h"

/* Numbers of types (pg_type.dat). */
enum {
	PG_BOOL = 16,
	PG_BYTEA = 17,
	PG_INT8 = 20,
	PG_INT2 = 21,
	PG_INT4 = 23,
	PG_TEXT = 25,
	PG_OID = 26,
	PG_JSON = 114,
	PG_FLOAT4 = 700,
	PG_FLOAT8 = 701,
	PG_VARCHAR = 1043,
	PG_DATE = 1082,
	PG_TIMESTAMP = 1114,
	PG_TIMESTAMPTZ = 1184,
	PG_NUMERIC = 1700,
	PG_UUID = 2950,
	PG_JSONB = 3802,
};

#define EPOCH_2000 946684800 /* seconds since 1970 */

static void put_text_value(struct buf *out, uint32_t type, const uint8_t *data, size_t len)
{
	bool number = type == PG_INT2 || type == PG_INT4 || type == PG_INT8 || type == PG_OID ||
		      type == PG_FLOAT4 || type == PG_FLOAT8;

	if (type == PG_BOOL && len == 1)
		buf_puts(out, *data == 't' ? "true" : "false");
	else if (number && sql_is_number(data, len))
		buf_put(out, data, len);
	else
		buf_put_json(out, data, len);
}

static void put_time(struct buf *out, int64_t us)
{
	time_t s = (time_t)(us / 1000000 - (us % 1000000 < 0)) + EPOCH_2000;
	struct tm tm;
	char text[64];

	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm)) {
		buf_printf(out, "%" PRId64, us);
		return;
	}
	buf_printf(out, "\"%s.%06d\"", text, (int)((us % 1000000 + 1000000) % 1000000));
}

static uint64_t be64(const uint8_t *data, size_t len)
{
	uint64_t v = len && data[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | data[i];
	return v;
}

static void put_uuid(struct buf *out, const uint8_t *d)
{
	buf_putc(out, '"');
	for (int i = 0; i < 16; i++)
		buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", d[i]);
	buf_putc(out, '"');
}

/* False: the type has other bytes than these. */
static bool put_binary(struct buf *out, uint32_t type, const uint8_t *data, size_t len)
{
	int64_t n = (int64_t)be64(data, len < 8 ? len : 8);
	union {
		uint32_t n;
		float f;
	} f4 = { .n = (uint32_t)n };
	union {
		int64_t n;
		double f;
	} f8 = { .n = n };

	if ((type == PG_INT2 && len == 2) || (type == PG_INT4 && len == 4) ||
	    (type == PG_INT8 && len == 8))
		buf_printf(out, "%" PRId64, n);
	else if (type == PG_OID && len == 4)
		buf_printf(out, "%" PRIu32, (uint32_t)n);
	else if (type == PG_BOOL && len == 1)
		buf_puts(out, *data ? "true" : "false");
	else if (type == PG_FLOAT4 && len == 4)
		sql_put_float(out, f4.f);
	else if (type == PG_FLOAT8 && len == 8)
		sql_put_float(out, f8.f);
	else if (type == PG_UUID && len == 16)
		put_uuid(out, data);
	else if ((type == PG_TIMESTAMP || type == PG_TIMESTAMPTZ) && len == 8)
		put_time(out, n);
	else if (type == PG_TEXT || type == PG_VARCHAR || type == PG_JSON)
		buf_put_json(out, data, len);
	else if (type == PG_JSONB && len && *data == 1)
		buf_put_json(out, data + 1, len - 1);
	else
		return false;
	return true;
}

void pg_put_value(struct buf *out, uint32_t type, bool binary, const uint8_t *data, size_t len)
{
	if (!binary)
		put_text_value(out, type, data, len);
	else if (!put_binary(out, type, data, len))
		sql_put_hex(out, "\\\\x", data, len);
}
