// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/export/har: HTTP Archive 1.2, as browsers import it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/detail.h"
#include "api/export/export.h"
#include "api/export/stored.h"
#include "api/hide.h"
#include "api/request.h"
#include "api/handlers.h"
#include "base/coding.h"
#include "entry.h"
#include "base/limits.h"

struct har {
	const char *version;
	uint64_t written, left_out;
};

static void *har_open(const char *version)
{
	struct har *h = calloc(1, sizeof(*h));

	if (h)
		h->version = version ? version : "";
	return h;
}

static int har_begin(void *state, struct buf *out)
{
	const struct har *h = state;

	return buf_printf(out,
			  "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"cleartap\","
			  "\"version\":\"%s\"},\"entries\":[",
			  h->version);
}

static json_t *pairs_of(const struct stored *m, const char *list)
{
	json_t *all = json_array();
	const char *name, *value;

	for (size_t i = 0; stored_pair(m, list, i, &name, &value); i++)
		json_array_append_new(all, json_pack("{s:s,s:s}", "name", name, "value", value));
	return all;
}

static char *base64(const struct buf *b)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	char *out = malloc((b->len + 2) / 3 * 4 + 1), *p = out;

	for (size_t i = 0; out && i < b->len; i += 3) {
		const unsigned char *s = (const unsigned char *)b->data + i;
		size_t n = b->len - i;
		uint32_t v = (uint32_t)s[0] << 16 | (n > 1 ? s[1] << 8 : 0) | (n > 2 ? s[2] : 0);
		*p++ = digits[v >> 18];
		*p++ = digits[v >> 12 & 63];
		*p++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*p++ = n > 2 ? digits[v & 63] : '=';
	}
	if (out)
		*p = '\0';
	return out;
}

/* The decoded body as "text", with "encoding" when it is none. */
static void add_text(json_t *o, const struct buf *body, const char *encoding)
{
	char *text;

	if (detail_is_text(body->data, body->len)) {
		json_object_set_new(o, "text",
				    json_stringn(body->len ? body->data : "", body->len));
		return;
	}
	text = base64(body);
	json_object_set_new(o, "text", text ? json_string(text) : NULL);
	json_object_set_new(o, encoding, json_string("base64"));
	free(text);
}

/* The body as a browser would show it; as it was sent where nothing of it could be decoded. */
static int decode(const struct stored *m, struct buf *ret)
{
	int r = coding_decode(stored_text(m, "content_encoding"), m->body->data, m->body->len,
			      LIMIT_BODY_DECODED, ret);

	if (r && !ret->len)
		buf_put(ret, m->body->data, m->body->len);
	return r;
}

static void add_comment(json_t *o, const struct stored *m, int decoded)
{
	int64_t offset, missing = stored_missing(m, &offset);
	char text[96];

	if (missing) {
		snprintf(text, sizeof(text), "%" PRId64 " bytes of the body were not seen",
			 missing);
		json_object_set_new(o, "comment", json_string(text));
	} else if (decoded) {
		json_object_set_new(o, "comment",
				    json_string("the body could not be decoded to its end"));
	}
}

static const char *type_of(const struct stored *m)
{
	const char *type = stored_header(m, "Content-Type");

	return type ? type : stored_text(m, "content_type");
}

static json_t *content_of(const struct stored *m)
{
	json_t *o = json_object();
	struct buf body = { 0 };
	int r = decode(m, &body);
	int64_t size = stored_number(m, "body_size", 0);

	/* Bytes that were not seen belong to the size all the same. */
	if (!coding_is_encoded(stored_text(m, "content_encoding")) && size > (int64_t)body.len)
		json_object_set_new(o, "size", json_integer(size));
	else
		json_object_set_new(o, "size", json_integer((json_int_t)body.len));
	const char *type = type_of(m);
	json_object_set_new(o, "mimeType", json_string(*type ? type : "x-unknown"));
	if (body.len)
		add_text(o, &body, "encoding");
	add_comment(o, m, r);
	buf_free(&body);
	return o;
}

static json_t *post_of(const struct stored *m)
{
	json_t *o = json_object();
	struct buf body = { 0 };
	int r = decode(m, &body);

	json_object_set_new(o, "mimeType", json_string(type_of(m)));
	/* HAR knows no coding of a request's body; the name of this member is ours. */
	add_text(o, &body, "_encoding");
	add_comment(o, m, r);
	buf_free(&body);
	return o;
}

static void add_sides(json_t *o, const struct stored *m)
{
	char version[32];

	/* A message that was not seen has none. */
	const char *known = stored_text(m, "http_version");
	snprintf(version, sizeof(version), "%s%.20s", *known ? "HTTP/" : "", known);
	json_object_set_new(o, "httpVersion", json_string(version));
	json_object_set_new(o, "cookies", pairs_of(m, "cookies"));
	json_object_set_new(o, "headers", pairs_of(m, "headers"));
	json_object_set_new(o, "headersSize", json_integer(stored_number(m, "head_size", -1)));
	json_object_set_new(o, "bodySize", json_integer(stored_number(m, "body_size", -1)));
}

static json_t *request_of(const struct stored *m, const struct entry *e)
{
	json_t *o = json_object();
	struct buf url = { 0 };

	json_object_set_new(o, "method", json_string(stored_text(m, "method")));
	if (!stored_put_url(m, e, &url))
		json_object_set_new(o, "url", json_stringn(url.data, url.len));
	buf_free(&url);
	add_sides(o, m);
	json_object_set_new(o, "queryString", pairs_of(m, "query"));
	if (m->body->len)
		json_object_set_new(o, "postData", post_of(m));
	return o;
}

static json_t *response_of(const struct stored *m)
{
	json_t *o = json_object();
	const char *location = stored_header(m, "Location");

	json_object_set_new(o, "status", json_integer(stored_number(m, "status", 0)));
	json_object_set_new(o, "statusText", json_string(stored_text(m, "reason")));
	add_sides(o, m);
	json_object_set_new(o, "content", content_of(m));
	json_object_set_new(o, "redirectURL", json_string(location ? location : ""));
	return o;
}

static double span_ms(int64_t from, int64_t to)
{
	return from && to > from ? (double)(to - from) / 1000 : 0;
}

static void add_times(json_t *o, const struct entry *e, const struct stored *request,
		      const struct stored *response)
{
	double send = span_ms(request->begin_us, request->end_us);
	double receive = span_ms(response->begin_us, response->end_us);
	double wait = span_ms(request->end_us, response->begin_us);

	/* Without the points between, all of it was waiting. */
	if (send + wait + receive == 0 && e->elapsed_us > 0)
		wait = (double)e->elapsed_us / 1000;
	json_object_set_new(o, "time", json_real(send + wait + receive));
	json_object_set_new(
		o, "timings",
		json_pack("{s:f,s:f,s:f}", "send", send, "wait", wait, "receive", receive));
}

static json_t *entry_of(const struct entry *e, const json_t *detail)
{
	json_t *o = json_object();
	struct stored request, response;
	char time[28], connection[8];

	stored_both(e, detail, &request, &response);
	entry_format_time(e->timestamp_us, time);
	json_object_set_new(o, "startedDateTime", json_string(time));
	add_times(o, e, &request, &response);
	json_object_set_new(o, "request", request_of(&request, e));
	json_object_set_new(o, "response", response_of(&response));
	json_object_set_new(o, "cache", json_object());
	if (*e->dst.ip)
		json_object_set_new(o, "serverIPAddress", json_string(e->dst.ip));
	snprintf(connection, sizeof(connection), "%u", e->src.port);
	if (e->src.port)
		json_object_set_new(o, "connection", json_string(connection));
	if (*e->reason)
		json_object_set_new(o, "comment", json_string(e->reason));
	json_object_set_new(o, "_id", json_integer(e->id));
	return o;
}

static int har_add(void *state, const struct entry *e, const struct kfl *filter, struct buf *out)
{
	struct har *h = state;
	struct hidden m;
	char *text = NULL;
	json_t *o;
	int r = hide_whole(e, filter, &m);

	if (r) {
		hide_free(&m);
		return r;
	}
	/* A request without an answer belongs to the list, an answer alone has no place in it. */
	if (!json_object_get(json_object_get(m.detail, "request"), "method")) {
		h->left_out++;
		hide_free(&m);
		return 0;
	}
	o = entry_of(&m.e, m.detail);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	hide_free(&m);
	r = text ? buf_puts(out, h->written++ ? ",\n" : "\n") : -ENOMEM;
	r = r ? r : buf_puts(out, text);
	free(text);
	return r;
}

static int har_end(void *state, struct buf *out)
{
	const struct har *h = state;

	return buf_printf(out,
			  "\n],\"comment\":\"%" PRIu64
			  " entries without an HTTP request are left out\"}}\n",
			  h->left_out);
}

static const struct export_format har = {
	.type = "application/json",
	.extension = "har",
	.open = har_open,
	.begin = har_begin,
	.add = har_add,
	.end = har_end,
	.close = free,
};

void har_export(struct request *r)
{
	export_start(r, &har);
}
