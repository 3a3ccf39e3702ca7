// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/export/har: HTTP Archive 1.2, as browsers import it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/detail.h"
#include "api/export/export.h"
#include "api/export/stored.h"
#include "api/export/told.h"
#include "api/handlers.h"
#include "api/hide.h"
#include "api/request.h"
#include "api/state.h"
#include "base/coding.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "entry.h"

struct har {
	const char *version;
	struct told_exchanges told;
	bool written; /* some */
	uint64_t left_out;
};

static void *har_open(struct request *r)
{
	const char *version = r->api->options.version;
	struct har *h = calloc(1, sizeof(*h));

	if (h)
		h->version = version ? version : "";
	return h;
}

static int har_begin(void *state, struct buf *out)
{
	const struct har *h = state;
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	jw_object(&j, "log");
	jw_string(&j, "version", "1.2");
	jw_object(&j, "creator");
	jw_string(&j, "name", "cleartap");
	jw_string(&j, "version", h->version);
	jw_end_object(&j);
	jw_array(&j, "entries"); /* which har_add() and har_end() go on with */
	return jw_done(&j);
}

static void put_pairs(struct jw *j, const char *member, const struct stored *m, const char *list)
{
	const char *name, *value;

	jw_array(j, member);
	for (size_t i = 0; stored_pair(m, list, i, &name, &value); i++) {
		jw_object(j, NULL);
		jw_string(j, "name", name);
		jw_string(j, "value", value);
		jw_end_object(j);
	}
	jw_end_array(j);
}

/* Append as base64 (RFC 4648 section 4). */
static int put_base64(const struct buf *b, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	int r = buf_reserve(out, (b->len + 2) / 3 * 4);

	for (size_t i = 0; !r && i < b->len; i += 3) {
		const unsigned char *s = (const unsigned char *)b->data + i;
		size_t n = b->len - i;
		uint32_t v = (uint32_t)s[0] << 16 | (n > 1 ? s[1] << 8 : 0) | (n > 2 ? s[2] : 0);
		const char four[] = { digits[v >> 18], digits[v >> 12 & 63],
				      n > 1 ? digits[v >> 6 & 63] : '=',
				      n > 2 ? digits[v & 63] : '=' };
		r = buf_put(out, four, sizeof(four));
	}
	return r;
}

static void put_binary(struct jw *j, const char *name, const struct buf *b)
{
	struct buf text = { 0 };

	jw_fail(j, put_base64(b, &text));
	jw_text(j, name, text.data, text.len);
	buf_free(&text);
}

/* The decoded body as "text", with `encoding` when it is none. */
static void put_text(struct jw *j, const struct buf *body, const char *encoding)
{
	if (utf8_is_text(body->data, body->len)) {
		jw_text(j, "text", body->data, body->len);
		return;
	}
	put_binary(j, "text", body);
	jw_string(j, encoding, "base64");
}

/*
 * The body as a browser would show it; as it was sent where nothing of it could be decoded. 0, or
 * why it is not whole; *j has the error when it is for want of memory.
 */
static int decode(struct jw *j, const struct stored *m, struct buf *ret)
{
	int r = coding_decode(stored_text(m, "content_encoding"), m->body->data, m->body->len,
			      LIMIT_BODY_DECODED, ret);

	if (r && r != -ENOMEM && !ret->len && buf_put(ret, m->body->data, m->body->len))
		r = -ENOMEM;
	if (r == -ENOMEM)
		jw_fail(j, r);
	return r;
}

static void put_comment(struct jw *j, const struct stored *m, int decoded)
{
	int64_t missing = stored_missing(m);
	char text[96];

	snprintf(text, sizeof(text), "%" PRId64 " bytes of the body were not seen", missing);
	if (missing)
		jw_string(j, "comment", text);
	else if (decoded)
		jw_string(j, "comment", "the body could not be decoded to its end");
}

static const char *type_of(const struct stored *m)
{
	const char *type = stored_header(m, "Content-Type");

	return type ? type : stored_text(m, "content_type");
}

static void put_content(struct jw *j, const struct stored *m)
{
	const char *type = type_of(m);
	struct buf body = { 0 };
	int r = decode(j, m, &body);
	int64_t size = stored_number(m, "body_size", 0);

	/* Bytes that were not seen belong to the size all the same. */
	if (coding_is_encoded(stored_text(m, "content_encoding")) || size < (int64_t)body.len)
		size = (int64_t)body.len;
	jw_object(j, "content");
	jw_int(j, "size", size);
	jw_string(j, "mimeType", *type ? type : "x-unknown");
	if (body.len)
		put_text(j, &body, "encoding");
	put_comment(j, m, r);
	jw_end_object(j);
	buf_free(&body);
}

static void put_post(struct jw *j, const struct stored *m)
{
	struct buf body = { 0 };
	int r = decode(j, m, &body);

	jw_object(j, "postData");
	jw_string(j, "mimeType", type_of(m));
	/* HAR knows no coding of a request's body; the name of this member is ours. */
	put_text(j, &body, "_encoding");
	put_comment(j, m, r);
	jw_end_object(j);
	buf_free(&body);
}

/* What request and response have in common. */
static void put_message(struct jw *j, const struct stored *m)
{
	char version[32];

	/* A message that was not seen has none. */
	const char *known = stored_text(m, "http_version");
	snprintf(version, sizeof(version), "%s%.20s", *known ? "HTTP/" : "", known);
	jw_string(j, "httpVersion", version);
	put_pairs(j, "cookies", m, "cookies");
	put_pairs(j, "headers", m, "headers");
	jw_int(j, "headersSize", stored_number(m, "head_size", -1));
	jw_int(j, "bodySize", stored_number(m, "body_size", -1));
}

static void put_request(struct jw *j, const struct stored *m, const struct entry *e)
{
	struct buf url = { 0 };
	int r = stored_put_url(m, e, &url);

	jw_fail(j, r);
	jw_object(j, "request");
	jw_string(j, "method", stored_text(m, "method"));
	jw_text(j, "url", url.data, url.len);
	put_message(j, m);
	put_pairs(j, "queryString", m, "query");
	if (m->body->len)
		put_post(j, m);
	jw_end_object(j);
	buf_free(&url);
}

static void put_response(struct jw *j, const struct stored *m)
{
	const char *location = stored_header(m, "Location");

	jw_object(j, "response");
	jw_int(j, "status", stored_number(m, "status", 0));
	jw_string(j, "statusText", stored_text(m, "reason"));
	put_message(j, m);
	put_content(j, m);
	jw_string(j, "redirectURL", location ? location : "");
	jw_end_object(j);
}

static double span_ms(int64_t from, int64_t to)
{
	return from && to > from ? (double)(to - from) / 1000 : 0;
}

static void put_times(struct jw *j, const struct entry *e, const struct stored *request,
		      const struct stored *response)
{
	double send = span_ms(request->begin_us, request->end_us);
	double receive = span_ms(response->begin_us, response->end_us);
	double wait = span_ms(request->end_us, response->begin_us);

	/* Without the points between, all of it was waiting. */
	if (send + wait + receive == 0 && e->elapsed_us > 0)
		wait = (double)e->elapsed_us / 1000;
	jw_real(j, "time", send + wait + receive, 3);
	jw_object(j, "timings");
	jw_real(j, "send", send, 3);
	jw_real(j, "wait", wait, 3);
	jw_real(j, "receive", receive, 3);
	jw_end_object(j);
}

/* As Chromium writes them; a message of which bytes are missing says so. */
static void put_frame(struct jw *j, const struct stored_item *i)
{
	jw_object(j, NULL);
	jw_string(j, "type", i->by_client ? "send" : "receive");
	jw_real(j, "time", (double)i->time_us / 1e6, 6);
	jw_int(j, "opcode", i->opcode);
	if (i->is_text || !i->bytes.len)
		jw_text(j, "data", i->bytes.data, i->bytes.len);
	else
		put_binary(j, "data", &i->bytes);
	if (i->cut || i->lost)
		jw_string(j, "comment", "bytes of it are missing");
	jw_end_object(j);
}

/* Of other exchanges, for which there is no custom: as they are, in a member of ours. */
static void put_message_item(struct jw *j, const struct stored_item *i)
{
	jw_object(j, NULL);
	jw_string(j, "type", i->by_client ? "send" : "receive");
	jw_real(j, "time", (double)i->time_us / 1e6, 6);
	jw_string(j, "kind", i->kind);
	if (*i->name)
		jw_string(j, "name", i->name);
	put_text(j, &i->bytes, "encoding");
	if (i->cut || i->lost)
		jw_string(j, "comment", "bytes of it are missing");
	jw_end_object(j);
}

static void put_messages(struct jw *j, const struct entry *e, const json_t *detail)
{
	bool websocket = !strcmp(e->protocol, "websocket");
	struct stored_item item;

	if (!json_object_get(detail, "messages"))
		return;
	if (websocket)
		jw_string(j, "_resourceType", "websocket");
	jw_array(j, websocket ? "_webSocketMessages" : "_messages");
	for (size_t i = 0; stored_item(detail, i, &item); i++) {
		jw_fail(j, item.error);
		(websocket ? put_frame : put_message_item)(j, &item);
		buf_free(&item.bytes);
	}
	jw_end_array(j);
	json_int_t omitted = json_integer_value(json_object_get(detail, "messages_omitted"));
	if (omitted)
		jw_int(j, "_messagesOmitted", omitted);
}

static void put_entry(struct jw *j, const struct entry *e, const json_t *detail)
{
	struct stored request, response;
	char time[28], connection[8];

	stored_both(e, detail, &request, &response);
	entry_format_time(e->timestamp_us, time);
	jw_object(j, NULL);
	jw_string(j, "startedDateTime", time);
	put_times(j, e, &request, &response);
	put_request(j, &request, e);
	put_response(j, &response);
	jw_object(j, "cache");
	jw_end_object(j);
	if (*e->dst.ip)
		jw_string(j, "serverIPAddress", e->dst.ip);
	snprintf(connection, sizeof(connection), "%u", e->src.port);
	if (e->src.port)
		jw_string(j, "connection", connection);
	if (*e->reason)
		jw_string(j, "comment", e->reason);
	jw_int(j, "_id", e->id);
	put_messages(j, e, detail);
	jw_end_object(j);
}

static int har_add(void *state, const struct entry *e, const struct kfl *filter, struct buf *out)
{
	struct har *h = state;
	struct jw j = jw_continue(out, h->written);
	struct hidden m;
	int told = told_before(&h->told, e), r = told < 0 ? told : 0;

	if (told)
		return r;
	r = hide_whole(e, filter, &m);
	/* A request without an answer belongs to the list, an answer alone has no place in it. */
	if (r) {
		jw_fail(&j, r);
	} else if (json_object_get(json_object_get(m.detail, "request"), "method")) {
		put_entry(&j, &m.e, m.detail);
		h->written = true;
	} else {
		h->left_out++;
	}
	hide_free(&m);
	return jw_done(&j);
}

static int har_end(void *state, struct buf *out)
{
	const struct har *h = state;
	struct jw j = jw_continue(out, true);
	char comment[64];

	snprintf(comment, sizeof(comment),
		 "%" PRIu64 " entries without an HTTP request are left out", h->left_out);
	jw_end_array(&j);
	jw_string(&j, "comment", comment);
	jw_end_object(&j);
	jw_end_object(&j);
	return jw_done(&j);
}

static void har_close(void *state)
{
	struct har *h = state;

	told_free(&h->told);
	free(h);
}

static const struct export_format har = {
	.type = "application/json",
	.extension = "har",
	.open = har_open,
	.begin = har_begin,
	.add = har_add,
	.end = har_end,
	.close = har_close,
};

void har_export(struct request *r)
{
	export_start(r, &har);
}
