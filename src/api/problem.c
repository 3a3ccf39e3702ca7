// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/problem.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/answer.h"
#include "api/request.h"
#include "base/json_write.h"
#include "base/log.h"
#include "kfl/kfl.h"

#define DETAIL_MAX 512

static void put_problem(struct request *r, unsigned status, const char *parameter,
			const char *detail, const struct kfl_error *where)
{
	struct buf *b = &r->answer.body;
	const char *title = MHD_get_reason_phrase_for(status);

	/* A status alone still tells enough when there is no memory for the rest. */
	r->answer.status = status;
	r->answer.type = "application/problem+json";
	r->answer.fixed = NULL;
	buf_reset(b);
	struct jw j = jw_begin(b);
	jw_object(&j, NULL);
	jw_string(&j, "type", "about:blank");
	jw_string(&j, "title", title);
	jw_uint(&j, "status", status);
	jw_string(&j, "detail", detail);
	if (parameter)
		jw_string(&j, "parameter", parameter);
	if (where) {
		jw_uint(&j, "column", where->column);
		jw_uint(&j, "length", where->length);
	}
	jw_end_object(&j);
	if (jw_done(&j))
		buf_reset(b);
}

void problem(struct request *r, unsigned status, const char *parameter, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	put_problem(r, status, parameter, detail, NULL);
}

void problem_filter(struct request *r, const struct kfl_error *error)
{
	put_problem(r, MHD_HTTP_BAD_REQUEST, "q", error->message, error);
}

void problem_errno(struct request *r, int error)
{
	if (error == -EAGAIN) {
		answer_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
		problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL,
			"too many queries are waiting; try again in a second");
		return;
	}
	log_warn("answer to %s: %s; the client is told", r->path, strerror(-error));
	problem(r, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL, "%s", strerror(-error));
}

void problem_store(struct request *r, int error, const char *sentence)
{
	if (error == -EDOM)
		problem(r, MHD_HTTP_BAD_REQUEST, "q", "%s", sentence);
	else if (!*sentence)
		problem_errno(r, error);
	else
		problem(r, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL, "the store could not answer: %s",
			sentence);
}
