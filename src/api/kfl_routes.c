// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/kfl: is a filter right, and what may it say? */
#include <errno.h>
#include <string.h>

#include "api/problem.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "base/json_write.h"
#include "kfl/kfl.h"
#include "store/store.h"

void kfl_validate(struct request *r)
{
	const char *text = request_param(r, "q");
	struct kfl_error error = { .column = 1, .length = 1 };
	struct jw j = jw_begin(&r->answer.body);
	struct kfl *filter = NULL;
	int e = text ? store_compile(r->api->store, text, strlen(text), &filter, &error) : 0;

	kfl_free(filter);
	if (e && e != -EINVAL) {
		problem_errno(r, e);
		return;
	}
	jw_object(&j, NULL);
	jw_bool(&j, "valid", !e);
	if (e) {
		jw_string(&j, "message", error.message);
		jw_uint(&j, "column", error.column);
		jw_uint(&j, "length", error.length);
	}
	jw_end_object(&j);
	reply_json(r, jw_done(&j));
}

void kfl_fields(struct request *r)
{
	int e = kfl_put_fields_json(&r->answer.body);

	reply_tagged(r, "application/json", e);
}
