// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/detail.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "api/jansson_write.h"
#include "base/buf.h"
#include "base/coding.h"
#include "base/json_tree.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "entry.h"
#include "outcome.h"

json_t *detail_load(const struct entry *e)
{
	json_t *o = NULL;

	errno = 0;
	if (e->detail.len)
		o = json_tree((struct text){ e->detail.data, e->detail.len });
	if (json_is_object(o) || (!o && errno == ENOMEM))
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

/* "body" when it is text and short, and why it is not all there. */
static void put_text(struct jw *j, const char *coding, const struct buf *body)
{
	struct buf text = { 0 };
	int r = coding_decode(coding, body->data, body->len, LIMIT_BODY_INLINE, &text);

	if (r == -EILSEQ)
		jw_string(j, "body_note", "the body's content coding is broken or cut off");
	else if (r == -ENOTSUP)
		jw_string(j, "body_note", "the body's content coding is unknown");
	if ((!r || r == -EILSEQ) && text.len && utf8_is_text(text.data, text.len))
		jw_text(j, "body", text.data, text.len);
	buf_free(&text);
}

static void put_url(struct jw *j, const char *side, int64_t id, const char *query)
{
	struct buf url = { 0 };
	int r = buf_printf(&url, "/api/entries/%" PRId64 "/%s/body%s", id, side, query);

	jw_fail(j, r);
	jw_text(j, "body_url", url.data, url.len);
	buf_free(&url);
}

/* One side, which may have been seen without a head or, when it has no body, not at all. */
static void put_message(struct jw *j, const char *side, const json_t *detail, const struct entry *e,
			const struct buf *body, const char *query)
{
	const json_t *message = json_object_get(detail, side);

	if (!message && !body->len)
		return;
	if (message && !json_is_object(message)) {
		jansson_put(j, side, message);
		return;
	}
	jw_object(j, side);
	jansson_put_members(j, message);
	if (body->len) {
		put_text(j, detail_encoding(detail, side), body);
		put_url(j, side, e->id, query);
	}
	jw_end_object(j);
}

void detail_put_members(struct jw *j, const struct entry *e)
{
	entry_put_members(j, e);
	jw_string(j, "outcome", e->open ? "open" : outcome_name(entry_outcome(e)));
}

int detail_put(const struct entry *e, const json_t *detail, const char *query, struct buf *out)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	detail_put_members(&j, e);
	put_message(&j, "request", detail, e, &e->request_body, query);
	put_message(&j, "response", detail, e, &e->response_body, query);
	for (void *at = json_object_iter((json_t *)detail); at;
	     at = json_object_iter_next((json_t *)detail, at)) {
		const char *name = json_object_iter_key(at);
		if (strcmp(name, "request") && strcmp(name, "response"))
			jansson_put_member(&j, name, json_object_iter_value(at));
	}
	jw_end_object(&j);
	return jw_done(&j);
}
