// SPDX-License-Identifier: GPL-2.0-or-later
/* What the program knows of itself: /api/stats, /metrics, /healthz, /readyz. */
#include <microhttpd.h>
#include <stdio.h>

#include "api/answer.h"
#include "api/handlers.h"
#include "api/numbers.h"
#include "api/problem.h"
#include "api/prometheus.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/state.h"
#include "base/json_write.h"
#include "base/writer.h"
#include "context/registry.h"

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

static int put_hits(void *ctx, const struct probed_file *f)
{
	struct writer *p = ctx;
	char id[16];
	const char *const labels[] = { "target", id, "path", f->path, "library", f->library, NULL };

	snprintf(id, sizeof(id), "%u", f->id);
	if (f->attached)
		prometheus_value(p, "probe_hits_total", labels, f->hits);
	return p->error;
}

static int put_metrics(struct api *a, struct writer *p)
{
	const char *version = a->options.version ? a->options.version : "";
	const char *const label[] = { "version", version, NULL };
	struct numbers n;

	prometheus_family(p, "build_info", "gauge", "Always 1; the version is a label.");
	prometheus_value(p, "build_info", label, 1);
	metrics_put(&a->metrics, a->routes, p);
	numbers_take(a, &n);
	numbers_put_metrics(&n, p);
	prometheus_family(p, "probe_hits_total", "counter", "Calls seen through a probed file.");
	if (!p->error)
		p->error = a->source.targets(a->source.ctx, put_hits, p);
	return p->error;
}

void metrics_get(struct request *r)
{
	struct writer p = { .out = &r->answer.body };

	reply_text(r, "text/plain; version=0.0.4; charset=utf-8", put_metrics(r->api, &p));
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
