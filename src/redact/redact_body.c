// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/coding.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "body/body_json.h"
#include "redact/redact_internal.h"
#include "redact/secret_scan.h"

#define SNIFFED 512 /* first bytes that tell text from other things */

/* Types that hold no names and values, so that large files are not looked through. */
static bool is_binary_type(const char *type)
{
	static const char *const prefixes[] = {
		"image/",	    "video/",
		"audio/",	    "font/",
		"application/zip",  "application/gzip",
		"application/wasm", "application/vnd.ms-fontobject",
	};

	/* SVG is XML. */
	if (strcasestr(type, "xml"))
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncasecmp(type, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* UTF-8 without control characters, at its beginning. */
static bool is_text(const char *data, size_t len)
{
	size_t looked = len < SNIFFED ? len : SNIFFED;

	for (size_t i = 0; i < looked;) {
		unsigned char c = (unsigned char)data[i];
		size_t n = utf8_length((const unsigned char *)data + i, looked - i);
		if (c < ' ' && !(c >= '\t' && c <= '\r') && c != 0x1b)
			return false;
		if (!n && (looked == len || looked - i > 3))
			return false;
		i += n ? n : 1;
	}
	return true;
}

static bool is_code_type(const char *type)
{
	return strcasestr(type, "html") || strcasestr(type, "javascript") ||
	       strcasestr(type, "ecmascript") || strcasestr(type, "css");
}

static char first_sign(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && i < SNIFFED && (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')))
		i++;
	return i < len ? text[i] : '\0';
}

static struct scan_options options_for(const struct redact *r, const char *type, const char *text,
				       size_t len)
{
	struct scan_options o = { .names = &r->body, .kind = "body" };
	char first = first_sign(text, len);

	if (r->body.broad)
		o.context = scan_context_of(text, len);
	if (!strncasecmp(type, "application/json", 16) && first != '<' && strchr("{[\"", first))
		return o;
	o.code = is_code_type(type) || (len > 8 && !strncasecmp(text, "<!doctype", 9));
	o.markup = first == '<' || strcasestr(type, "xml");
	o.multipart = !strncasecmp(type, "multipart/", 10);
	/* What a type says, curl and others say of anything: the text itself decides. */
	if (o.code || o.multipart || (first && strchr("{[<'-#", first)))
		return o;
	if (r->body.broad)
		o.columns = scan_table_columns(&r->body, text, len, &o.sign);
	o.mode = !strncasecmp(type, "application/x-www-form-urlencoded", 33)
			 ? SCAN_FORM
			 : scan_mode_of(text, len);
	return o;
}

/* Where in the bytes that are there others are missing. */
static size_t find_gaps(const struct payload *p, size_t ret[static LIMIT_GAPS])
{
	uint64_t missing = 0;
	size_t n = 0;

	for (unsigned i = 0; p && i < p->gap_count && n < LIMIT_GAPS; i++) {
		ret[n++] = (size_t)(p->gaps[i].offset - missing);
		missing += p->gaps[i].length;
	}
	return n;
}

/* A binary format that is understood; a text with the type of one, as JSON, is not. */
static const struct body_format *binary_format(const struct body_text *body, const struct buf *text)
{
	const struct body_format *f = body_format_of(body->type);
	char first = first_sign(text->data, text->len);

	if (!f || !f->put_head || (first && strchr("{[<", first) && is_text(text->data, text->len)))
		return NULL;
	return f;
}

/* Behind missing bytes nobody knows what is a name and what a value: that is not kept. */
static int look_through_binary(const struct redact *r, const struct body_text *body,
			       const struct body_format *format, const struct buf *text,
			       bool decoded, struct body_result *ret)
{
	size_t gaps[LIMIT_GAPS], len = text->len;

	if (!decoded && find_gaps(body->payload, gaps) && gaps[0] < len)
		len = gaps[0];
	int result = redact_binary(r, format, body, text->data, len, ret);
	if (result == -E2BIG) {
		atomic_fetch_add(&r->counters->over_budget, 1);
		return 0;
	}
	if (!result && !ret->changed && len < text->len) {
		result = buf_put(&ret->text, text->data, len);
		ret->changed = true;
	}
	ret->decoded = ret->changed && decoded;
	return result;
}

/* UTF-16 by its mark, or by its type: what reads it as bytes finds no names in it. */
static bool is_utf16(const char *type, const struct buf *text, bool *ret_big)
{
	const uint8_t *p = (const uint8_t *)text->data;
	bool mark =
		text->len > 1 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff));

	*ret_big = mark ? p[0] == 0xfe : strcasestr(type, "charset=utf-16be") != NULL;
	return strcasestr(type, "charset=utf-16") || strcasestr(type, "charset=\"utf-16") ||
	       (mark && (!*type || !strncasecmp(type, "text/", 5) || strcasestr(type, "json") ||
			 strcasestr(type, "xml")));
}

static int put_rune(struct buf *out, uint32_t c)
{
	const char bytes[4] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
				(char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)) };

	if (c < 0x80)
		return buf_putc(out, (char)c);
	if (c < 0x800)
		return buf_put(out, (char[]){ (char)(0xc0 | c >> 6), bytes[3] }, 2);
	if (c < 0x10000)
		return buf_put(out, (char[]){ (char)(0xe0 | c >> 12), bytes[2], bytes[3] }, 3);
	return buf_put(out, bytes, 4);
}

/* Half a pair of surrogates is U+FFFD. */
static int utf16_to_utf8(const struct buf *text, bool big, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)text->data;
	uint32_t high = 0;
	int r = 0;

	for (size_t i = 0; i + 1 < text->len && !r; i += 2) {
		uint32_t c =
			big ? (uint32_t)(p[i] << 8 | p[i + 1]) : (uint32_t)(p[i + 1] << 8 | p[i]);
		bool low = c >= 0xdc00 && c <= 0xdfff;
		if (high && !low)
			r = put_rune(out, 0xfffd);
		if (!r && low)
			r = put_rune(out, high ? 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00)
					       : 0xfffd);
		high = c >= 0xd800 && c <= 0xdbff ? c : 0;
		if (!r && !high && !low && (i || c != 0xfeff))
			r = put_rune(out, c);
	}
	return r;
}

static int look_through_text(const struct redact *r, const struct body_text *body,
			     const struct buf *text, bool decoded, struct body_result *ret)
{
	size_t gaps[LIMIT_GAPS];
	struct scan_options o = options_for(r, body->type, text->data, text->len);
	struct masker m = mask_begin(text->data, text->len, &r->key, &ret->text, &ret->masks);

	m.work = ret->work;
	m.work_max = body->work_max ? body->work_max : redact_work_max(text->len);
	if (r->body.broad && !decoded) {
		o.gap_count = find_gaps(body->payload, gaps);
		o.gaps = gaps;
	}
	int result = scan_text(&m, &o);
	ret->work = m.work;
	if (result == -E2BIG) {
		ret->why = REDACT_TOO_LONG;
		atomic_fetch_add(&r->counters->over_budget, 1);
		return 0;
	}
	result = result ? result : mask_end(&m);
	ret->changed = m.changed;
	ret->decoded = m.changed && decoded;
	return result;
}

/* Where something is masked in it, it is stored as UTF-8; behind missing bytes nothing is kept. */
static int look_through_utf16(const struct redact *r, const struct body_text *body,
			      const struct buf *text, bool big, bool decoded,
			      struct body_result *ret)
{
	size_t gaps[LIMIT_GAPS];
	struct buf seen = *text, utf8 = { 0 };

	if (!decoded && find_gaps(body->payload, gaps) && gaps[0] < seen.len)
		seen.len = gaps[0];
	ret->work += WORK_RUNE * (seen.len / 2);
	int result = utf16_to_utf8(&seen, big, &utf8);
	if (!result)
		result = look_through_text(r, body, &utf8, true, ret);
	if (!result && !ret->changed && seen.len < text->len) {
		result = buf_put(&ret->text, seen.data, seen.len);
		ret->changed = true;
	}
	ret->decoded = ret->changed && decoded;
	buf_free(&utf8);
	return result;
}

/* What is behind missing bytes is not kept: where a message begins there is not known. */
static int look_through_call(const struct redact *r, const struct body_text *body,
			     const struct buf *text, bool decoded, struct body_result *ret)
{
	size_t gaps[LIMIT_GAPS], len = text->len;

	if (!decoded && find_gaps(body->payload, gaps) && gaps[0] < len)
		len = gaps[0];
	if (!body->frames || strcasestr(body->type, "grpc-web-text")) {
		ret->why = "not kept: its messages are listed, it could not be looked through";
		return 0;
	}
	int result = redact_frames(r, body, text->data, len, ret);
	ret->changed |= len < text->len;
	ret->decoded = ret->changed && decoded;
	if (!ret->changed)
		buf_free(&ret->text);
	return result;
}

static int look_through(const struct redact *r, const struct body_text *body,
			const struct buf *text, bool decoded, struct body_result *ret)
{
	bool big;

	if (!strncasecmp(body->type, "application/grpc", 16))
		return look_through_call(r, body, text, decoded, ret);
	if (is_binary_type(body->type) && !is_text(text->data, text->len))
		return 0;
	const struct body_format *format = binary_format(body, text);
	if (format)
		return look_through_binary(r, body, format, text, decoded, ret);
	if (is_utf16(body->type, text, &big))
		return look_through_utf16(r, body, text, big, decoded, ret);
	return look_through_text(r, body, text, decoded, ret);
}

static size_t decoded_limit(size_t encoded)
{
	size_t limit = LIMIT_MASK_EXPANSION * encoded;

	limit = limit > LIMIT_MASK_DECODED ? limit : LIMIT_MASK_DECODED;
	return limit < LIMIT_BODY_DECODED ? limit : LIMIT_BODY_DECODED;
}

/*
 * Of a body that cannot be decoded to its end, what can be is kept: what is left may hold parts of
 * the text as it is.
 */
static int look_through_encoded(const struct redact *r, const struct body_text *body,
				struct body_result *ret)
{
	struct buf plain = { 0 };
	size_t gaps[LIMIT_GAPS], len = body->bytes->len;

	/* What comes out behind missing bytes is not what was sent. */
	if (find_gaps(body->payload, gaps) && gaps[0] < len)
		len = gaps[0];
	int result =
		coding_decode(body->encoding, body->bytes->data, len, decoded_limit(len), &plain);
	bool whole = !result && len == body->bytes->len;

	if (result == -E2BIG) {
		ret->why = "not kept: decoded it is larger than what is looked through for secrets";
		atomic_fetch_add(&r->counters->over_budget, 1);
		result = 0;
	} else if (result == -ENOTSUP || (result != -ENOMEM && !plain.len)) {
		bool text = is_text(body->bytes->data, body->bytes->len);
		result = text ? look_through(r, body, body->bytes, false, ret) : 0;
		if (!text) {
			ret->why = "not kept: its content coding could not be undone";
			atomic_fetch_add(&r->counters->not_decoded, 1);
		}
	} else if (result != -ENOMEM) {
		result = look_through(r, body, &plain, true, ret);
		if (!result && !whole && !ret->changed && !ret->why) {
			ret->text = plain;
			plain = (struct buf){ 0 };
			ret->changed = ret->decoded = true;
		}
	}
	buf_free(&plain);
	return result;
}

int redact_body(const struct redact *r, const struct body_text *body, struct body_result *ret)
{
	const struct buf *bytes = body->bytes;

	*ret = (struct body_result){ .work = body->work };
	if (!bytes->len || (!r->body.count && !r->body.broad))
		return 0;
	if (coding_is_encoded(body->encoding))
		return look_through_encoded(r, body, ret);
	return look_through(r, body, bytes, false, ret);
}
