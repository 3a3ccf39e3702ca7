// SPDX-License-Identifier: GPL-2.0-or-later
/* POST /api/capture: pause and resume. */
#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#include "api/problem.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "base/json_read.h"
#include "base/json_tree.h"
#include "base/json_write.h"

/* 1 paused, 0 running, -1 neither. */
static int wanted_state(const struct request *r)
{
	struct text body = { r->body.data, r->body.len };
	json_t *o = json_tree(body);
	const char *state = json_string_value(json_object_get(o, "state"));
	int wanted = -1;

	if (state && json_count(body) == 1)
		wanted = !strcmp(state, "paused") ? 1 : !strcmp(state, "running") ? 0 : -1;
	json_decref(o);
	return wanted;
}

void capture_post(struct request *r)
{
	const struct api_source *source = &r->api->source;
	struct jw j = jw_begin(&r->answer.body);
	int wanted = wanted_state(r);

	if (wanted < 0) {
		problem(r, MHD_HTTP_BAD_REQUEST, "state",
			"the body is {\"state\":\"running\"} or {\"state\":\"paused\"}");
		return;
	}
	int e = source->set_paused(source->ctx, wanted);
	if (e == -ENOTSUP) {
		problem(r, MHD_HTTP_CONFLICT, NULL, "a file is read, nothing is captured");
		return;
	}
	if (e) {
		problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "the tracer cannot be asked: %s",
			strerror(-e));
		return;
	}
	jw_object(&j, NULL);
	jw_string(&j, "state", wanted ? "paused" : "running");
	jw_end_object(&j);
	reply_json(r, jw_done(&j));
}
