// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/coding.h"
#include "redact/redact_internal.h"
#include "base/limits.h"

/* Types that hold no names and values, so that large files are not looked through. */
static bool is_binary(const char *type)
{
	static const char *const prefixes[] = {
		"image/",
		"video/",
		"audio/",
		"font/",
		"application/octet-stream",
		"application/zip",
		"application/gzip",
		"application/pdf",
		"application/wasm",
		"application/vnd.ms-fontobject",
		"application/grpc",
		"text/css",
	};

	/* SVG is XML. */
	if (strcasestr(type, "xml"))
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncasecmp(type, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* Without a type: one word, then "=", before any blank. */
static bool looks_like_form(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len < 256 ? len : 256);

	for (const char *p = text; equals && p < equals; p++)
		if (*p <= ' ' || strchr("{}[]()<>\"'", *p))
			return false;
	return equals && equals > text;
}

static void mask_text(const struct redact *r, const char *type, struct masker *m)
{
	if (!strncasecmp(type, "application/x-www-form-urlencoded", 33) ||
	    (!*type && looks_like_form(m->text, m->len)))
		mask_form(m, &r->body, "body");
	else if (!strncasecmp(type, "multipart/", 10))
		mask_multipart(m, &r->body);
	else if (strcasestr(type, "xml") || (!*type && m->text[0] == '<'))
		mask_xml(m, &r->body);
	else
		mask_json(m, &r->body);
}

/* A small body must not become a huge one: what is stored decoded is bounded by its own size. */
static size_t bound_of(size_t encoded)
{
	size_t bound = encoded < LIMIT_BODY_DECODED / 20 ? 20 * encoded : LIMIT_BODY_DECODED;

	return bound > LIMIT_BODY_MASKED ? bound : LIMIT_BODY_MASKED;
}

/* What could be decoded is what a reader could see: it is looked through, whole or not. */
static int decode(const char *encoding, const struct buf *body, struct buf *out)
{
	int result = coding_decode(encoding, body->data, body->len, LIMIT_BODY_DECODED, out);

	return result == -ENOMEM ? result : 0;
}

int redact_body(const struct redact *r, const char *type, const char *encoding,
		const struct buf *body, struct body_result *ret)
{
	bool encoded = coding_is_encoded(encoding);
	struct buf plain = { 0 };
	const struct buf *text = encoded ? &plain : body;

	*ret = (struct body_result){ 0 };
	if (!body->len || !r->body.count || is_binary(type))
		return 0;
	int result = encoded ? decode(encoding, body, &plain) : 0;
	if (!result && text->len) {
		struct masker m = mask_begin(text->data, text->len, &ret->text, &ret->masks);
		mask_text(r, type, &m);
		result = mask_end(&m);
		ret->changed = m.changed;
		ret->decoded = m.changed && encoded;
	}
	if (ret->decoded && ret->text.len > bound_of(body->len))
		ret->text.len = bound_of(body->len);
	buf_free(&plain);
	return result;
}
