// SPDX-License-Identifier: GPL-2.0-or-later
/* What the program knows of itself: /api/stats, /healthz, /readyz. */
#include <microhttpd.h>

#include "api/answer.h"
#include "api/handlers.h"
#include "api/numbers.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/state.h"
#include "base/json_write.h"

void stats_get(struct request *r)
{
	struct jw j = jw_begin(&r->answer.body);
	struct numbers n;

	numbers_take(r->api, &n);
	jw_object(&j, NULL);
	numbers_put_json(&n, &j);
	jw_end_object(&j);
	reply_json(r, jw_done(&j));
}

static void put_status(struct request *r, const char *status)
{
	struct jw j = jw_begin(&r->answer.body);

	jw_object(&j, NULL);
	jw_string(&j, "status", status);
	jw_end_object(&j);
	reply_json(r, jw_done(&j));
}

void health_get(struct request *r)
{
	put_status(r, "ok");
}

void health_ready(struct request *r)
{
	struct server_stats s = { 0 };

	r->api->source.stats(r->api->source.ctx, &s);
	if (s.ready) {
		put_status(r, "ready");
		return;
	}
	answer_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "no probe is in place yet");
}
