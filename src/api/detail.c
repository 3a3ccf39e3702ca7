// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/detail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/coding.h"
#include "entry.h"
#include "base/limits.h"
#include "base/utf8.h"

json_t *detail_load(const struct entry *e)
{
	json_t *o = NULL;

	if (e->detail.len)
		o = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return json_object();
}

const char *detail_encoding(const json_t *detail, const char *side)
{
	const json_t *message = json_object_get(detail, side);
	const char *coding = json_string_value(json_object_get(message, "content_encoding"));

	return coding ? coding : "";
}

bool detail_is_text(const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		if (!n || (*p < ' ' && !strchr("\t\n\r\f", *p)) || !*p)
			return false;
		p += n;
	}
	return true;
}

static void set_text(json_t *message, const char *name, const char *text)
{
	json_object_set_new(message, name, json_string(text));
}

/* "body" when it is text and short, and why it is not all there. */
static void add_text(json_t *message, const char *coding, const struct buf *body)
{
	struct buf text = { 0 };
	int r = coding_decode(coding, body->data, body->len, LIMIT_BODY_INLINE, &text);

	if (r == -EILSEQ)
		set_text(message, "body_note", "the body's content coding is broken or cut off");
	else if (r == -ENOTSUP)
		set_text(message, "body_note", "the body's content coding is unknown");
	if ((!r || r == -EILSEQ) && text.len && detail_is_text(text.data, text.len))
		json_object_set_new(message, "body", json_stringn(text.data, text.len));
	buf_free(&text);
}

static int add_body(json_t *detail, const char *side, const struct entry *e, const struct buf *body,
		    const char *query)
{
	json_t *message = json_object_get(detail, side);
	struct buf url = { 0 };

	if (!body->len)
		return 0;
	if (!json_is_object(message)) {
		message = json_object();
		if (json_object_set_new(detail, side, message))
			return -ENOMEM;
	}
	add_text(message, detail_encoding(detail, side), body);
	int r = buf_printf(&url, "/api/entries/%" PRId64 "/%s/body%s", e->id, side, query);
	if (!r)
		r = json_object_set_new(message, "body_url", json_stringn(url.data, url.len))
			    ? -ENOMEM
			    : 0;
	buf_free(&url);
	return r;
}

/* Put the members of one object behind those of another that was just written. */
static int append_members(struct buf *out, const char *object)
{
	size_t n = strlen(object);

	if (n <= 2)
		return 0;
	out->len--;
	int r = buf_putc(out, ',');
	return r ? r : buf_put(out, object + 1, n - 1);
}

int detail_put(const struct entry *e, json_t *detail, const char *query, struct buf *out)
{
	int r = add_body(detail, "request", e, &e->request_body, query);
	char *text;

	r = r ? r : add_body(detail, "response", e, &e->response_body, query);
	if (r)
		return r;
	text = json_dumps(detail, JSON_COMPACT);
	r = text ? entry_put_json(e, out) : -ENOMEM;
	r = r ? r : append_members(out, text);
	free(text);
	return r ? r : buf_putc(out, '\n');
}
