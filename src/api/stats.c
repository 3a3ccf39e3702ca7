// SPDX-License-Identifier: GPL-2.0-or-later
/* What the program knows of itself: /api/stats, /metrics, /healthz, /readyz. */
#include <microhttpd.h>
#include <stdio.h>

#include "api/answer.h"
#include "api/file_json.h"
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

static void put_who(struct jw *j, uint64_t id)
{
	if (id & EV_OWNER_CGROUP) {
		jw_uint(j, "uid", 0);
		jw_uint(j, "cgroup", id & ~EV_OWNER_CGROUP);
		return;
	}
	jw_uint(j, "uid", EV_OWNER_UID(id));
	if (EV_OWNER_PIDS(id)) /* the kernel's number has a bit more, which is always set */
		jw_uint(j, "pid_namespace", EV_OWNER_PIDS(id) | 0x80000000U);
}

static void put_places(struct jw *j, const char *name, const uint64_t places[EV_OWN__COUNT])
{
	static const char *const names[EV_OWN__COUNT] = {
		[EV_OWN_CONNS] = "connections", [EV_OWN_PROCS] = "processes",
		[EV_OWN_THREADS] = "threads",	[EV_OWN_ALLOWED] = "children",
		[EV_OWN_WIRE] = "wire",
	};

	jw_object(j, name);
	for (int i = 0; i < EV_OWN__COUNT; i++)
		jw_uint(j, names[i], places[i]);
	jw_end_object(j);
}

static void owners_put_json(struct jw *j, const struct owner_use *owners, size_t count)
{
	jw_array(j, "owners");
	for (size_t i = 0; i < count; i++) {
		const struct ev_owner *o = &owners[i].is;
		uint64_t held[EV_OWN__COUNT], no[EV_OWN__COUNT];

		for (int k = 0; k < EV_OWN__COUNT; k++) {
			held[k] = o->held[k];
			no[k] = o->refused[k];
		}
		jw_object(j, NULL);
		put_who(j, o->id);
		put_places(j, "held", held);
		put_places(j, "refused", no);
		jw_uint(j, "gave_way", o->idle);
		jw_uint(j, "waiting_bytes", owners[i].waiting);
		jw_uint(j, "lost_records", o->lost_records);
		jw_uint(j, "lost_bytes", o->lost_bytes);
		jw_uint(j, "lost_packets", o->lost_packets);
		jw_end_object(j);
	}
	jw_end_array(j);
}

/* What the tracer did not look at, or too late, by cause, with the last owner. */
static void left_out_put_json(struct jw *j, const struct left_out *all, size_t count)
{
	jw_array(j, "left_out");
	for (size_t i = 0; i < count; i++) {
		bool space = all[i].owner >> 32;

		jw_object(j, NULL);
		jw_string(j, "cause", all[i].cause);
		jw_uint(j, "count", all[i].count);
		jw_uint(j, space ? "mount_namespace" : "uid",
			space ? all[i].owner >> 32 : all[i].owner);
		jw_end_object(j);
	}
	jw_end_array(j);
}

void stats_get(struct request *r)
{
	struct jw j = jw_begin(&r->answer.body);
	struct numbers n;

	numbers_take(r->api, &n);
	jw_object(&j, NULL);
	numbers_put_json(&n, &j);
	jw_string(&j, "scope", r->api->options.scope ? r->api->options.scope : "");
	jw_bool(&j, "wire_watched", r->api->source.wire != NULL);
	owners_put_json(&j, n.server.owner, n.server.owners);
	left_out_put_json(&j, n.server.left_out, n.server.causes);
	file_put_json(&j, &n.server.file);
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

static void put_left_out(struct writer *p, const struct server_stats *s)
{
	prometheus_family(p, "left_out_total", "counter",
			  "What was not looked at, or too late, by cause.");
	for (size_t i = 0; i < s->causes; i++) {
		const char *const labels[] = { "cause", s->left_out[i].cause, NULL };
		prometheus_value(p, "left_out_total", labels, s->left_out[i].count);
	}
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
	put_left_out(p, &n.server);
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
