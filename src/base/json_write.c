// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json_write.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"

struct jw jw_begin(struct buf *out)
{
	return (struct jw){ .out = out };
}

struct jw jw_continue(struct buf *out, bool comma)
{
	return (struct jw){ .out = out, .comma = comma };
}

int jw_done(const struct jw *j)
{
	return j->error;
}

void jw_fail(struct jw *j, int error)
{
	if (!j->error)
		j->error = error;
}

/* The comma, the name and the colon. */
static void begin_value(struct jw *j, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (!j->error)
		j->error = buf_reserve(j->out, n + 4);
	if (j->error)
		return;
	char *p = j->out->data + j->out->len;
	if (j->comma)
		*p++ = ',';
	if (name) {
		*p++ = '"';
		memcpy(p, name, n);
		p += n;
		*p++ = '"';
		*p++ = ':';
	}
	j->out->len = (size_t)(p - j->out->data);
	j->comma = true;
}

static void put(struct jw *j, const void *data, size_t len)
{
	if (!j->error)
		j->error = buf_put(j->out, data, len);
}

static void open_with(struct jw *j, const char *name, char bracket)
{
	begin_value(j, name);
	put(j, &bracket, 1);
	j->comma = false;
}

static void close_with(struct jw *j, char bracket)
{
	put(j, &bracket, 1);
	j->comma = true;
}

void jw_object(struct jw *j, const char *name)
{
	open_with(j, name, '{');
}

void jw_end_object(struct jw *j)
{
	close_with(j, '}');
}

void jw_array(struct jw *j, const char *name)
{
	open_with(j, name, '[');
}

void jw_end_array(struct jw *j)
{
	close_with(j, ']');
}

void jw_text(struct jw *j, const char *name, const void *text, size_t len)
{
	begin_value(j, name);
	if (!j->error)
		j->error = buf_put_json(j->out, text, len);
}

void jw_string(struct jw *j, const char *name, const char *text)
{
	jw_text(j, name, text, strlen(text));
}

void jw_hex(struct jw *j, const char *name, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	begin_value(j, name);
	put(j, "\"", 1);
	for (size_t i = 0; i < len; i++)
		put(j, (char[]){ digits[p[i] >> 4], digits[p[i] & 15] }, 2);
	put(j, "\"", 1);
}

void jw_uint(struct jw *j, const char *name, uint64_t value)
{
	char digits[24], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	jw_raw(j, name, p, (size_t)(digits + sizeof(digits) - p));
}

void jw_int(struct jw *j, const char *name, int64_t value)
{
	if (value >= 0) {
		jw_uint(j, name, (uint64_t)value);
		return;
	}
	begin_value(j, name);
	put(j, "-", 1);
	j->comma = false;
	jw_uint(j, NULL, -(uint64_t)value);
}

void jw_real(struct jw *j, const char *name, double value, unsigned decimals)
{
	if (!isfinite(value)) {
		jw_null(j, name);
		return;
	}
	begin_value(j, name);
	if (!j->error)
		j->error = buf_printf(j->out, "%.*f", (int)decimals, value);
}

void jw_bool(struct jw *j, const char *name, bool value)
{
	jw_raw(j, name, value ? "true" : "false", value ? 4 : 5);
}

void jw_null(struct jw *j, const char *name)
{
	jw_raw(j, name, "null", 4);
}

void jw_raw(struct jw *j, const char *name, const void *json, size_t len)
{
	begin_value(j, name);
	put(j, json, len);
}

void jw_pair(struct jw *j, const void *name, size_t name_len, const void *value, size_t value_len)
{
	/* Entries are full of these: room for most of them at once. */
	if (!j->error)
		j->error = buf_reserve(j->out, name_len + value_len + 8);
	if (j->error)
		return;
	if (j->comma)
		j->out->data[j->out->len++] = ',';
	j->out->data[j->out->len++] = '[';
	j->error = buf_put_json(j->out, name, name_len);
	if (!j->error)
		j->error = buf_putc(j->out, ',');
	if (!j->error)
		j->error = buf_put_json(j->out, value, value_len);
	if (!j->error)
		j->error = buf_putc(j->out, ']');
	j->comma = true;
}
