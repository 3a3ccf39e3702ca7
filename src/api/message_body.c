// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /api/entries/ID/request/body and /response/body: captured bytes, or what a format has in them as
 * a tree. They come from anywhere, so nothing about the answer may let a browser run them as a page
 * of this server.
 */
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <string.h>

#include "api/detail.h"
#include "api/hide.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/answer.h"
#include "api/param.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "base/coding.h"
#include "base/json_write.h"
#include "body/body_json.h"
#include "entry.h"

#define NOTE "X-Cleartap-Note"

static int send_decoded(struct request *r, const char *coding, const struct buf *body)
{
	int e = coding_decode(coding, body->data, body->len, LIMIT_BODY_DECODED, &r->answer.body);

	if (e == -E2BIG)
		answer_header(r, NOTE, "cut: decoded bytes past %d are left out",
			      LIMIT_BODY_DECODED);
	else if (e == -EILSEQ)
		answer_header(r, NOTE,
			      "broken: the content coding is damaged or cut off; this is "
			      "what could be decoded");
	else if (e == -ENOTSUP)
		answer_header(r, NOTE,
			      "undecoded: the content coding is unknown; these are the "
			      "bytes as stored");
	if (e == -ENOTSUP)
		return buf_put(&r->answer.body, body->data, body->len);
	return e == -ENOMEM ? e : 0;
}

/* What the body is to be shown as: "tree" for what its type says. NULL: the answer is made. */
static const struct body_format *wanted_format(struct request *r, const char *as, const char *type)
{
	const struct body_format *f =
		strcmp(as, "tree") ? body_format_named(as) : body_format_of(type);

	if (!f && strcmp(as, "tree"))
		problem(r, MHD_HTTP_BAD_REQUEST, "as",
			"as is tree, protobuf, msgpack, cbor, multipart or form");
	else if (!f)
		problem(r, MHD_HTTP_NOT_ACCEPTABLE, "as",
			"a body of type \"%s\" is not taken apart; as=protobuf, msgpack, cbor, "
			"multipart or form does so whatever its type is",
			type);
	return f;
}

static void send_tree(struct request *r, const struct hidden *m, const char *side, const char *as,
		      const struct buf *body)
{
	const json_t *message = json_object_get(m->detail, side);
	const char *named = json_string_value(json_object_get(message, "content_type"));
	const struct body_about about = { .content_type = named ? named : "",
					  .set = r->api->options.proto_set };
	const struct body_format *f = wanted_format(r, as, about.content_type);
	const char *coding = detail_encoding(m->detail, side);
	struct buf bytes = { 0 };

	if (!f)
		return;
	int e = coding_decode(coding, body->data, body->len, LIMIT_BODY_DECODED, &bytes);
	if (e != -ENOMEM) {
		struct jw j = jw_begin(&r->answer.body);
		e = body_put_tree(f, &about, bytes.data, bytes.len, &j);
	}
	buf_free(&bytes);
	reply_tagged(r, "application/json", e);
}

static void send_body(struct request *r, struct hidden *m, const char *side, struct buf *body)
{
	const char *as = request_param(r, "as");
	bool raw;
	int error;

	if (!param_flag(r, "raw", &raw))
		return;
	if (!body->len) {
		bool hidden = json_object_get(json_object_get(m->detail, side), "body_redacted");
		problem(r, MHD_HTTP_NOT_FOUND, NULL,
			hidden ? "redact() in q hides the body of the %s of entry %" PRId64
			       : "the %s of entry %" PRId64 " has no body",
			side, m->e.id);
		return;
	}
	if (as) {
		send_tree(r, m, side, as, body);
		return;
	}
	error = raw ? buf_put(&r->answer.body, body->data, body->len)
		    : send_decoded(r, detail_encoding(m->detail, side), body);
	answer_header(r, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
		      "attachment; filename=\"%s-%" PRId64 ".bin\"", side, m->e.id);
	r->answer.csp = "sandbox; default-src 'none'; frame-ancestors 'none'";
	reply_tagged(r, "application/octet-stream", error);
}

void bodies_request(struct request *r)
{
	struct hidden m;
	struct entry *e;

	if (page_masked(r, &e, &m))
		send_body(r, &m, "request", &m.e.request_body);
	hide_free(&m);
	entry_free(e);
}

void bodies_response(struct request *r)
{
	struct hidden m;
	struct entry *e;

	if (page_masked(r, &e, &m))
		send_body(r, &m, "response", &m.e.response_body);
	hide_free(&m);
	entry_free(e);
}
