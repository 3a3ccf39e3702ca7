// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/metrics.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <string.h>

#include "api/live/hub.h"
#include "api/clients.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/route.h"
#include "api/server.h"
#include "store/store.h"

#define ROUTE_ASSETS  (METRICS_ROUTES - 2)
#define ROUTE_UNKNOWN (METRICS_ROUTES - 1)

static const uint32_t bucket_us[METRICS_BUCKETS] = { 500,   1000,   2500,   5000,   10000,
						     25000, 100000, 250000, 500000, 1000000 };

static size_t row_of(const struct route *route)
{
	for (size_t i = 0; route && i < ROUTE_ASSETS && api_routes[i].path; i++)
		if (route == &api_routes[i])
			return i;
	return route ? ROUTE_ASSETS : ROUTE_UNKNOWN;
}

void metrics_count(struct metrics *m, const struct route *route, unsigned status)
{
	m->requests[row_of(route)][status / 100 < 6 ? status / 100 : 0]++;
	if (status == MHD_HTTP_UNAUTHORIZED || status == MHD_HTTP_FORBIDDEN ||
	    status == MHD_HTTP_MISDIRECTED_REQUEST)
		m->refused++;
}

void metrics_observe(struct metrics *m, uint64_t us)
{
	size_t i = 0;

	while (i < METRICS_BUCKETS && us > bucket_us[i])
		i++;
	m->bucket[i]++;
	m->query_us += us;
}

static int put_head(struct buf *b, const char *name, const char *type, const char *help)
{
	return buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int put_value(struct buf *b, const char *name, const char *type, const char *help,
		     uint64_t value)
{
	int e = put_head(b, name, type, help);

	return e ? e : buf_printf(b, "%s %" PRIu64 "\n", name, value);
}

static const char *row_name(size_t row)
{
	return row == ROUTE_ASSETS ? "/" : row == ROUTE_UNKNOWN ? "" : api_routes[row].path;
}

static int put_requests(struct metrics *m, struct buf *b)
{
	int e = put_head(b, "cleartap_http_requests_total", "counter",
			 "Requests answered, by route and class of the status.");

	for (size_t i = 0; !e && i < METRICS_ROUTES; i++)
		for (unsigned c = 1; !e && c < 6; c++)
			if (m->requests[i][c])
				e = buf_printf(b,
					       "cleartap_http_requests_total{route=\"%s\","
					       "code=\"%uxx\"} %" PRIu64 "\n",
					       row_name(i), c, (uint64_t)m->requests[i][c]);
	return e;
}

static int put_queries(struct metrics *m, struct buf *b)
{
	uint64_t sum = 0;
	int e = put_head(b, "cleartap_query_duration_seconds", "histogram",
			 "Time that requests took that read the store.");

	for (size_t i = 0; !e && i < METRICS_BUCKETS; i++) {
		sum += m->bucket[i];
		e = buf_printf(b, "cleartap_query_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
			       bucket_us[i] / 1e6, sum);
	}
	sum += m->bucket[METRICS_BUCKETS];
	return e ? e
		 : buf_printf(b,
			      "cleartap_query_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64
			      "\ncleartap_query_duration_seconds_sum %.6f\n"
			      "cleartap_query_duration_seconds_count %" PRIu64 "\n",
			      sum, (double)m->query_us / 1e6, sum);
}

static int put_store(struct store *store, struct buf *b)
{
	struct store_stats s = store_stats(store);
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{ "cleartap_store_entries", "gauge", "Entries in the store.", s.entries },
		{ "cleartap_store_size_bytes", "gauge", "Size of the store's files.", s.size },
		{ "cleartap_store_segments", "gauge", "Segments of the store.", s.segments },
		{ "cleartap_store_expired_entries_total", "counter",
		  "Entries dropped by the bounds of size and age.", s.dropped_entries },
		{ "cleartap_store_failed_batches_total", "counter",
		  "Batches that could not be written.", s.failed_batches },
		{ "cleartap_store_lost_entries_total", "counter",
		  "Entries that could not be written.", s.lost_entries },
	};
	int e = 0;

	for (size_t i = 0; !e && i < sizeof(rows) / sizeof(*rows); i++)
		e = put_value(b, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
	return e;
}

static int put_api(struct api *a, struct buf *b)
{
	struct hub_stats h = hub_stats(a->hub);
	int e = put_value(b, "cleartap_http_connections", "gauge", "Open connections to the API.",
			  clients_count(a->clients));

	e = e ? e
	      : put_value(b, "cleartap_stream_readers", "gauge", "Live stream readers.", h.readers);
	e = e ? e
	      : put_value(b, "cleartap_stream_queries", "gauge",
			  "Distinct filters of live stream readers.", h.queries);
	e = e ? e
	      : put_value(b, "cleartap_stream_events_total", "counter",
			  "Entries queued for live stream readers.", h.sent);
	return e ? e
		 : put_value(b, "cleartap_stream_skipped_total", "counter",
			     "Entries that live stream readers were too slow for.", h.skipped);
}

void metrics_get(struct request *r)
{
	struct api *a = r->api;
	struct buf *b = &r->answer.body;
	int e = put_head(b, "cleartap_build_info", "gauge", "Always 1; the version is a label.");

	e = e ? e
	      : buf_printf(b, "cleartap_build_info{version=\"%s\"} 1\n",
			   a->options.version ? a->options.version : "");
	e = e ? e : put_requests(&a->metrics, b);
	e = e ? e : put_queries(&a->metrics, b);
	e = e ? e : put_store(a->store, b);
	e = e ? e : put_api(a, b);
	e = e ? e : a->source.put_metrics(a->source.ctx, b);
	if (e) {
		problem_errno(r, e);
		return;
	}
	r->answer.status = MHD_HTTP_OK;
	r->answer.type = "text/plain; version=0.0.4; charset=utf-8";
}
