// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /api/entries/ID/request/body and /response/body: captured bytes. They come from anywhere, so
 * nothing about the answer may let a browser run them as a page of this server.
 */
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>

#include "api/detail.h"
#include "api/hide.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/answer.h"
#include "api/param.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "base/coding.h"
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

static void send_body(struct request *r, struct hidden *m, const char *side, struct buf *body)
{
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
