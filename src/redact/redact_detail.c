// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Masks values inside the detail of an entry (HACKING, "Detail"). The detail is JSON that a
 * dissector wrote, without blanks between tokens; values are replaced in place, in one pass.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "redact/redact_internal.h"
#include "entry.h"
#include "base/limits.h"

/* Past the string that opens at i. */
static size_t skip_string(const char *p, size_t len, size_t i)
{
	while (++i < len) {
		const char *quote = memchr(p + i, '"', len - i);
		if (!quote)
			return len;
		size_t end = (size_t)(quote - p), slashes = end;
		while (slashes > i && p[slashes - 1] == '\\')
			slashes--;
		i = end;
		if ((end - slashes) % 2 == 0)
			return end + 1;
	}
	return len;
}

/* Past the object or array that opens at i. */
static size_t skip_nested(const char *p, size_t len, size_t i)
{
	size_t level = 0;

	while (i < len) {
		char c = p[i];
		if (c == '"') {
			i = skip_string(p, len, i);
			continue;
		}
		i++;
		if (c == '{' || c == '[')
			level++;
		else if ((c == '}' || c == ']') && !--level)
			return i;
	}
	return len;
}

/* Past the value that begins at i. */
static size_t skip_value(const char *p, size_t len, size_t i)
{
	if (i >= len)
		return len;
	if (p[i] == '"')
		return skip_string(p, len, i);
	if (p[i] == '{' || p[i] == '[')
		return skip_nested(p, len, i);
	while (i < len && p[i] != ',' && p[i] != '}' && p[i] != ']')
		i++;
	return i;
}

struct side {
	const struct redact *r;
	struct masker *m;
	struct buf *body;
	struct body_result result;
	struct buf hits;
	bool response;
};

/*
 * A member of an object: its name without quotes, and where its value begins and at the latest
 * ends. Returns where it ends, 0 when that is not known.
 */
typedef size_t member_fn(void *ctx, const char *name, size_t name_len, struct span value);

/* The end of the object that opens at `start`: the place of its brace. */
static size_t for_members(const char *p, size_t len, size_t start, member_fn *fn, void *ctx)
{
	size_t i = start + 1;

	while (i < len && p[i] == '"') {
		size_t colon = skip_string(p, len, i);
		if (colon >= len)
			break;
		size_t end = fn(ctx, p + i + 1, colon - i - 2, (struct span){ colon + 1, len });
		if (!end)
			end = skip_value(p, len, colon + 1);
		i = end < len && p[end] == ',' ? end + 1 : end;
	}
	return i < len ? i : len;
}

typedef void pair_fn(struct side *s, struct span name, struct span value);

/* [["name","value"],...]: the spans are without the quotes. Returns the end of the list. */
static size_t for_pairs(struct side *s, struct span list, pair_fn *fn)
{
	const char *p = s->m->text;
	size_t i = list.start + 1;

	while (i + 1 < list.end && p[i] == '[' && p[i + 1] == '"') {
		size_t name = skip_string(p, list.end, i + 1);
		if (name + 1 >= list.end || p[name + 1] != '"')
			return 0;
		size_t value = skip_string(p, list.end, name + 1);
		fn(s, (struct span){ i + 2, name - 1 }, (struct span){ name + 2, value - 1 });
		i = value + 1;
		i += i < list.end && p[i] == ',';
	}
	return i < list.end && p[i] == ']' ? i + 1 : 0;
}

/* What precedes the credentials of Authorization (the IANA registry, and what is widely used). */
static size_t scheme_length(const char *p, size_t len)
{
	static const char *const schemes[] = {
		"basic",  "bearer",	  "digest",	      "dpop",
		"hoba",	  "mutual",	  "negotiate",	      "ntlm",
		"oauth",  "privatetoken", "scram-sha-1",      "scram-sha-256",
		"vapid",  "token",	  "apikey",	      "key",
		"hawk",	  "signature",	  "aws4-hmac-sha256", "sharedkey",
		"splunk",
	};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t n = strlen(schemes[i]);
		if (len > n + 1 && p[n] == ' ' && !strncasecmp(p, schemes[i], n))
			return n + 1;
	}
	return 0;
}

/* a=1; b=2 keeps its names; of Set-Cookie only the first pair is a cookie. */
static void mask_cookies(struct side *s, struct span value, const struct names *only,
			 const char *kind, const char *header)
{
	const char *p = s->m->text;

	for (size_t i = value.start, end; i < value.end; i = end + 1) {
		const char *semicolon = memchr(p + i, ';', value.end - i);
		end = semicolon ? (size_t)(semicolon - p) : value.end;
		i += p[i] == ' ';
		const char *equals = i < end ? memchr(p + i, '=', end - i) : NULL;
		size_t start = equals ? (size_t)(equals - p) + 1 : i;
		const char *name = header;
		if (only)
			name = names_find(only, p + i, equals ? start - 1 - i : 0);
		if (name && start < end)
			mask_value(s->m, start, end, kind, name);
		if (s->response)
			return;
	}
}

static bool may_be_url(const char *p, size_t len)
{
	return memchr(p, '?', len) || memchr(p, '#', len) || memchr(p, '@', len);
}

static void mask_part(struct side *s, struct span value,
		      void mask(struct masker *, const struct names *))
{
	struct buf out = { 0 };
	struct masker m =
		mask_begin(s->m->text + value.start, value.end - value.start, &out, s->m->hits);

	mask(&m, &s->r->query);
	if (mask_end(&m))
		s->m->error = m.error;
	else if (m.changed)
		mask_replace(s->m, value.start, value.end, out.data, out.len);
	buf_free(&out);
}

static void mask_header(struct side *s, struct span name, struct span value)
{
	const char *p = s->m->text;
	size_t len = name.end - name.start;
	const char *found = names_find(&s->r->headers, p + name.start, len);
	bool cookie = len == (s->response ? 10 : 6) &&
		      !strncasecmp(p + name.start, s->response ? "set-cookie" : "cookie", len);

	if (value.start >= value.end)
		return;
	if (cookie && found)
		mask_cookies(s, value, NULL, "header", found);
	else if (cookie && s->r->cookies.count)
		mask_cookies(s, value, &s->r->cookies, "cookie", NULL);
	else if (found)
		mask_value(s->m,
			   value.start + scheme_length(p + value.start, value.end - value.start),
			   value.end, "header", found);
	else if (may_be_url(p + value.start, value.end - value.start))
		mask_part(s, value, mask_url);
}

static void mask_cookie_pair(struct side *s, struct span name, struct span value)
{
	const char *header = s->response ? "set-cookie" : "cookie";
	const char *p = s->m->text + name.start;
	size_t len = name.end - name.start;

	if (value.start >= value.end) {
		/* A cookie without a name stands in the place of one. */
		if (names_find(&s->r->headers, header, strlen(header)) && len)
			mask_value(s->m, name.start, name.end, "header",
				   s->response ? "setcookie" : header);
		return;
	}
	const char *found = names_find(&s->r->headers, header, strlen(header));
	if (found)
		mask_value(s->m, value.start, value.end, "header", found);
	else if ((found = names_find(&s->r->cookies, p, len)))
		mask_value(s->m, value.start, value.end, "cookie", found);
}

static void mask_query_pair(struct side *s, struct span name, struct span value)
{
	const char *found =
		names_find(&s->r->query, s->m->text + name.start, name.end - name.start);

	if (found && value.start < value.end)
		mask_value(s->m, value.start, value.end, "query", found);
}

static bool is_name(const char *name, size_t len, const char *want)
{
	return len == strlen(want) && !memcmp(name, want, len);
}

static size_t mask_interim_member(void *ctx, const char *name, size_t len, struct span value)
{
	return is_name(name, len, "headers") ? for_pairs(ctx, value, mask_header) : 0;
}

static void mask_interim(struct side *s, struct span list)
{
	const char *p = s->m->text;
	size_t i = list.start + 1;

	while (i < list.end && p[i] == '{') {
		i = for_members(p, list.end, i, mask_interim_member, s) + 1;
		i += i < list.end && p[i] == ',';
	}
}

/* The members that tell of the body tell of the one that is stored now. */
static void correct_body_member(struct side *s, const char *name, size_t len, struct span value)
{
	size_t start = (size_t)(name - s->m->text);
	char number[24];

	if (is_name(name, len, "body_stored")) {
		int n = snprintf(number, sizeof(number), "%zu", s->result.text.len);
		mask_replace(s->m, value.start, value.end, number, (size_t)n);
	} else if (s->result.decoded && is_name(name, len, "content_encoding")) {
		mask_replace(s->m, start, start + len, "decoded", 7);
	} else if (is_name(name, len, "gaps")) {
		/* Their offsets are those of the bytes as sent. */
		mask_replace(s->m, start, start + len, "gaps_as_sent", 12);
	}
}

static size_t mask_member(void *ctx, const char *name, size_t len, struct span value)
{
	struct side *s = ctx;

	if (is_name(name, len, "headers") || is_name(name, len, "trailers"))
		return for_pairs(s, value, mask_header);
	if (is_name(name, len, "cookies"))
		return for_pairs(s, value, mask_cookie_pair);
	if (is_name(name, len, "query"))
		return for_pairs(s, value, mask_query_pair);
	value.end = skip_value(s->m->text, value.end, value.start);
	if (is_name(name, len, "target"))
		mask_part(s, (struct span){ value.start + 1, value.end - 1 }, mask_url);
	else if (is_name(name, len, "interim"))
		mask_interim(s, value);
	else if (s->result.changed)
		correct_body_member(s, name, len, value);
	return value.end;
}

/*
 * The text of a member of this name, as a string of the caller's; "" when there is none. A quote
 * inside a string has a backslash before it, so the search finds no other thing.
 */
static const char *find_member(const char *object, size_t len, const char *member, struct buf *ret)
{
	const char *at = memmem(object, len, member, strlen(member));

	if (!at)
		return "";
	size_t start = (size_t)(at - object) + strlen(member);
	size_t end = skip_string(object, len, start - 1);
	return end <= start || buf_put(ret, object + start, end - 1 - start) ? NULL : buf_cstr(ret);
}

static int look_at_body(struct side *s, struct span object)
{
	const char *p = s->m->text + object.start;
	size_t len = object.end - object.start;
	struct buf type_text = { 0 }, encoding_text = { 0 };

	const char *type = find_member(p, len, "\"content_type\":\"", &type_text);
	const char *encoding = find_member(p, len, "\"content_encoding\":\"", &encoding_text);
	int result = !type || !encoding ? -ENOMEM
					: redact_body(s->r, type, encoding, s->body, &s->result);
	buf_free(&type_text);
	buf_free(&encoding_text);
	return result;
}

/* "redacted" goes to the end of the object, after what was masked on the way there. */
static int put_redacted(struct side *s, size_t end)
{
	struct buf text = { 0 };

	if (s->result.hits.len) {
		if (s->hits.len)
			buf_putc(&s->hits, ',');
		buf_put(&s->hits, s->result.hits.data, s->result.hits.len);
	}
	if (!s->hits.len)
		return 0;
	int result = buf_puts(&text, ",\"redacted\":[");
	result = result ? result : buf_put(&text, s->hits.data, s->hits.len);
	result = result ? result : buf_putc(&text, ']');
	if (!result)
		mask_replace(s->m, end, end, text.data, text.len);
	buf_free(&text);
	return result;
}

struct detail {
	const struct redact *r;
	struct masker m;
	struct entry *e;
	int error;
};

static size_t redact_side(void *ctx, const char *name, size_t len, struct span value)
{
	struct detail *d = ctx;
	bool response = is_name(name, len, "response");

	if (d->error || d->m.text[value.start] != '{' ||
	    !(response || is_name(name, len, "request")))
		return 0;
	struct side s = { .r = d->r,
			  .m = &d->m,
			  .response = response,
			  .body = response ? &d->e->response_body : &d->e->request_body };
	size_t end = 0;
	d->m.hits = &s.hits;
	if (s.body->len) {
		value.end = skip_value(d->m.text, value.end, value.start);
		d->error = look_at_body(&s, value);
	}
	if (!d->error) {
		end = for_members(d->m.text, value.end, value.start, mask_member, &s);
		d->error = put_redacted(&s, end);
	}
	if (!d->error && s.result.changed) {
		buf_free(s.body);
		*s.body = s.result.text;
		s.result.text = (struct buf){ 0 };
	}
	buf_free(&s.result.text);
	buf_free(&s.result.hits);
	buf_free(&s.hits);
	d->m.hits = NULL;
	return end ? end + 1 : 0;
}

int redact_detail(const struct redact *r, struct entry *e)
{
	struct buf out = { 0 };
	struct detail d = { .r = r, .e = e };

	if (!e->detail.len)
		return 0;
	d.m = mask_begin(e->detail.data, e->detail.len, &out, NULL);
	for_members(d.m.text, d.m.len, 0, redact_side, &d);
	int result = mask_end(&d.m);
	result = result ? result : d.error;
	if (!result && d.m.changed) {
		buf_free(&e->detail);
		e->detail = out;
		return 0;
	}
	buf_free(&out);
	return result;
}
