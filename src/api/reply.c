// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/reply.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>

#include "api/answer.h"
#include "api/problem.h"
#include "api/request.h"
#include "base/buf.h"
#include "base/hash.h"

void reply_text(struct request *r, const char *type, int error)
{
	if (error) {
		problem_errno(r, error);
		return;
	}
	r->answer.status = MHD_HTTP_OK;
	r->answer.type = type;
}

void reply_json(struct request *r, int error)
{
	reply_text(r, "application/json", error);
	if (!error)
		buf_putc(&r->answer.body, '\n'); /* for terminals; it may be missing */
}

void reply_tagged(struct request *r, const char *type, int error)
{
	struct buf *b = &r->answer.body;
	char tag[24];

	if (error) {
		problem_errno(r, error);
		return;
	}
	snprintf(tag, sizeof(tag), "\"%016" PRIx64 "\"", hash_bytes(b->data, b->len));
	answer_header(r, MHD_HTTP_HEADER_ETAG, "%s", tag);
	r->answer.type = type;
	r->answer.status = MHD_HTTP_OK;
	if (answer_unchanged(r, tag)) {
		r->answer.status = MHD_HTTP_NOT_MODIFIED;
		r->answer.type = NULL;
		buf_free(b);
	}
}
