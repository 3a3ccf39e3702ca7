// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/kfl: is a filter right, and what may it say? */
#include <errno.h>
#include <string.h>

#include "api/problem.h"
#include "api/request.h"
#include "api/route.h"
#include "api/server.h"
#include "kfl/kfl.h"
#include "store/store.h"

void kfl_validate(struct request *r)
{
	const char *text = request_param(r, "q");
	struct kfl_error error = { .column = 1, .length = 1 };
	struct buf *b = &r->answer.body;
	struct kfl *filter = NULL;
	int e = text ? store_compile(r->api->store, text, strlen(text), &filter, &error) : 0;

	kfl_free(filter);
	if (!e) {
		answer_json(r, buf_puts(b, "{\"valid\":true}\n"));
		return;
	}
	if (e != -EINVAL) {
		problem_errno(r, e);
		return;
	}
	e = buf_puts(b, "{\"valid\":false,\"message\":");
	e = e ? e : buf_put_json(b, error.message, strlen(error.message));
	e = e ? e : buf_printf(b, ",\"column\":%zu,\"length\":%zu}\n", error.column, error.length);
	answer_json(r, e);
}

void kfl_fields(struct request *r)
{
	int e = kfl_put_fields_json(&r->answer.body);

	answer_tagged(r, "application/json", e);
}
