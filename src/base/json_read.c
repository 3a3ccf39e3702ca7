// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json_read.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/limits.h"

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *skip_escape(const char *p, const char *end)
{
	if (end - p < 2 || !p[1] || !strchr("\"\\/bfnrtu", p[1]))
		return NULL;
	if (p[1] != 'u')
		return p + 2;
	if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
		return NULL;
	return p + 6;
}

/* p is at the opening quote; the result is after the closing one. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p && p < end && *p != '"';) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		p = *p == '\\' ? skip_escape(p, end) : p + 1;
	}
	return p && p < end ? p + 1 : NULL;
}

static const char *skip_digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p > start ? p : NULL;
}

static const char *skip_number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else
		p = skip_digits(p, end);
	if (p && p < end && *p == '.')
		p = skip_digits(p + 1, end);
	if (p && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(p, end);
	}
	return p;
}

static const char *skip_word(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && !memcmp(p, word, n) ? p + n : NULL;
}

static const char *skip_scalar(const char *p, const char *end)
{
	switch (*p) {
	case '"':
		return skip_string(p, end);
	case 't':
		return skip_word(p, end, "true");
	case 'f':
		return skip_word(p, end, "false");
	case 'n':
		return skip_word(p, end, "null");
	default:
		p = *p == '-' || (*p >= '0' && *p <= '9') ? skip_number(p, end) : NULL;
		return p && p < end && *p >= '0' && *p <= '9' ? NULL : p;
	}
}

/* "," before, and the key of an object. NULL: malformed; *ret_done: the closing bracket was it. */
static const char *skip_to_value(const char *p, const char *end, bool object, bool first,
				 bool *ret_done)
{
	*ret_done = false;
	p = skip_blanks(p, end);
	if (p < end && *p == (object ? '}' : ']')) {
		*ret_done = true;
		return p + 1;
	}
	if (!first) {
		if (p >= end || *p != ',')
			return NULL;
		p = skip_blanks(p + 1, end);
	}
	if (p >= end || (object && *p != '"'))
		return NULL;
	return p;
}

/* Who is told what is passed; NULL: nobody. */
struct visit {
	json_visit_fn *fn;
	void *ctx;
};

static bool tell(const struct visit *v, enum json_event event, const char *from, const char *to)
{
	return !v || !v->fn(v->ctx, event, (struct text){ from, (size_t)(to - from) });
}

/* The key at p, and its colon. */
static const char *skip_key(const char *p, const char *end, const struct visit *v)
{
	const char *after = skip_string(p, end);

	if (!after || !tell(v, JSON_KEY, p, after))
		return NULL;
	p = skip_blanks(after, end);
	return p < end && *p == ':' ? p + 1 : NULL;
}

static const char *skip_value(const char *p, const char *end, unsigned levels,
			      const struct visit *v)
{
	bool done, object;

	p = skip_blanks(p, end);
	if (p >= end || !levels)
		return NULL;
	if (*p != '{' && *p != '[') {
		const char *after = skip_scalar(p, end);
		return after && tell(v, JSON_SCALAR, p, after) ? after : NULL;
	}
	if (!tell(v, JSON_BEGIN, p, p + 1))
		return NULL;
	object = *p++ == '{';
	for (bool first = true;; first = false) {
		p = skip_to_value(p, end, object, first, &done);
		if (!p)
			return NULL;
		if (done)
			return tell(v, JSON_END, p - 1, p) ? p : NULL;
		if (object)
			p = skip_key(p, end, v);
		p = p ? skip_value(p, end, levels - 1, v) : NULL;
		if (!p)
			return NULL;
	}
}

int json_visit(struct text in, unsigned levels, json_visit_fn *fn, void *ctx)
{
	struct visit v = { fn, ctx };
	const char *end = in.data ? in.data + in.len : NULL;
	const char *after = in.data ? skip_value(in.data, end, levels, &v) : NULL;

	return after && skip_blanks(after, end) == end ? 0 : -EINVAL;
}

struct text json_value(struct text in)
{
	if (!in.data)
		return in;
	const char *end = in.data + in.len;
	const char *p = skip_blanks(in.data, end);
	const char *after = skip_value(p, end, LIMIT_JSON_DEPTH + 1, NULL);
	return after ? (struct text){ p, (size_t)(after - p) } : (struct text){ NULL, 0 };
}

enum json_kind json_kind(struct text v)
{
	if (!v.len)
		return JSON_IS_NONE;
	switch (*v.data) {
	case '{':
		return JSON_IS_OBJECT;
	case '[':
		return JSON_IS_ARRAY;
	case '"':
		return JSON_IS_STRING;
	case 't':
	case 'f':
		return JSON_IS_BOOL;
	case 'n':
		return JSON_IS_NULL;
	default:
		return JSON_IS_NUMBER;
	}
}

struct json_iterator json_iterate(struct text v)
{
	struct json_iterator it = { .p = v.data ? v.data : "" };

	it.end = it.p + v.len;
	while (it.p < it.end && (*it.p == ' ' || *it.p == '\t' || *it.p == '\n' || *it.p == '\r'))
		it.p++;
	it.object = it.p < it.end && *it.p == '{';
	if (it.p < it.end && (it.object || *it.p == '['))
		it.p++;
	else
		it.p = it.end;
	return it;
}

bool json_next(struct json_iterator *it, struct text *ret_key, struct text *ret_value)
{
	bool done;
	const char *p = skip_to_value(it->p, it->end, it->object, !it->started, &done), *after = p;

	it->started = true;
	it->p = it->end;
	if (!p || done)
		return false;
	*ret_key = (struct text){ NULL, 0 };
	if (it->object) {
		after = skip_string(p, it->end);
		if (!after)
			return false;
		*ret_key = (struct text){ p, (size_t)(after - p) };
		after = skip_blanks(after, it->end);
		if (after >= it->end || *after++ != ':')
			return false;
	}
	*ret_value = json_value((struct text){ after, (size_t)(it->end - after) });
	if (!ret_value->data)
		return false;
	it->p = ret_value->data + ret_value->len;
	return true;
}

size_t json_count(struct text v)
{
	struct json_iterator it = json_iterate(v);
	struct text key, value;
	size_t n = 0;

	while (json_next(&it, &key, &value))
		n++;
	return n;
}

static unsigned hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return v;
}

static size_t put_utf8(char *out, unsigned c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

/* The character of the escape at p, whose form is right; *used bytes. */
static size_t unescape(const char *p, const char *end, char out[4], size_t *used)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned c;

	*used = 2;
	if (p[1] != 'u') {
		out[0] = to[strchr(from, p[1]) - from];
		return 1;
	}
	*used = 6;
	c = hex4(p + 2);
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
		unsigned low = hex4(p + 8);
		if (low >= 0xdc00 && low < 0xe000) {
			*used = 12;
			return put_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
		}
	}
	return put_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
}

int json_put_string(struct text s, struct buf *out)
{
	const char *p = s.data + 1, *end = s.data + s.len - 1;
	char piece[4];
	size_t used;
	int r = 0;

	while (p < end && !r) {
		const char *back = memchr(p, '\\', (size_t)(end - p));
		const char *stop = back ? back : end;
		r = buf_put(out, p, (size_t)(stop - p));
		p = stop;
		if (back && !r) {
			size_t n = unescape(p, end, piece, &used);
			r = buf_put(out, piece, n);
			p += used;
		}
	}
	return r;
}

bool json_says(struct text s, struct text what, bool any_case)
{
	const char *p = s.data + 1, *end = s.data + s.len - 1;
	size_t at = 0, used, n;
	char piece[4];

	while (p < end) {
		if (*p == '\\') {
			n = unescape(p, end, piece, &used);
		} else {
			piece[0] = *p;
			n = used = 1;
		}
		if (what.len - at < n || (any_case ? strncasecmp(piece, what.data + at, n)
						   : memcmp(piece, what.data + at, n)))
			return false;
		at += n;
		p += used;
	}
	return at == what.len;
}

struct text json_object_member(struct text object, struct text name)
{
	struct json_iterator it = json_iterate(object);
	struct text key, value;

	while (it.object && json_next(&it, &key, &value))
		if (json_says(key, name, false))
			return value;
	return (struct text){ NULL, 0 };
}
