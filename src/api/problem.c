// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/problem.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"
#include "kfl/kfl.h"
#include "base/log.h"

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
	int e = buf_printf(
		b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":", title,
		status);
	e = e ? e : buf_put_json(b, detail, strlen(detail));
	if (!e && parameter) {
		e = buf_puts(b, ",\"parameter\":");
		e = e ? e : buf_put_json(b, parameter, strlen(parameter));
	}
	if (!e && where)
		e = buf_printf(b, ",\"column\":%zu,\"length\":%zu", where->column, where->length);
	e = e ? e : buf_puts(b, "}\n");
	if (e)
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
