// SPDX-License-Identifier: GPL-2.0-or-later
/* What the program knows of itself: /api/stats, /api/targets, /healthz, /readyz. */
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

static int put_store(struct store *store, struct buf *b)
{
	struct store_stats s = store_stats(store);
	char error[256] = "";

	store_error(store, error, sizeof(error));
	int e = buf_printf(b,
			   "\"store\":{\"first_id\":%" PRId64 ",\"last_id\":%" PRId64
			   ",\"entries\":%" PRIu64 ",\"size\":%" PRIu64 ",\"segments\":%" PRIu64
			   ",\"dropped_entries\":%" PRIu64 ",\"failed_batches\":%" PRIu64
			   ",\"lost_entries\":%" PRIu64 ",\"error\":",
			   s.first_id, s.last_id, s.entries, s.size, s.segments, s.dropped_entries,
			   s.failed_batches, s.lost_entries);
	e = e ? e : buf_put_json(b, error, strlen(error));
	return e ? e : buf_putc(b, '}');
}

static int put_api(struct api *a, struct buf *b)
{
	struct hub_stats h = hub_stats(a->hub);

	return buf_printf(b,
			  "\"api\":{\"connections\":%u,\"readers\":%u,\"live_queries\":%u,"
			  "\"events_sent\":%" PRIu64 ",\"events_skipped\":%" PRIu64
			  ",\"refused\":%" PRIu64 "}",
			  clients_count(a->clients), h.readers, h.queries, h.sent, h.skipped,
			  (uint64_t)a->metrics.refused);
}

void stats_get(struct request *r)
{
	const struct api_source *source = &r->api->source;
	const char *version = r->api->options.version ? r->api->options.version : "";
	struct buf *b = &r->answer.body;

	int e = buf_printf(b, "{\"version\":\"%s\",\"state\":\"%s\",\"ready\":%s", version,
			   source->paused(source->ctx) ? "paused" : "running",
			   source->ready(source->ctx) ? "true" : "false");
	size_t before = b->len;
	e = e ? e : buf_putc(b, ',');
	e = e ? e : source->put_stats(source->ctx, b);
	if (!e && b->len == before + 1)
		b->len = before;
	e = e ? e : buf_putc(b, ',');
	e = e ? e : put_store(r->api->store, b);
	e = e ? e : buf_putc(b, ',');
	e = e ? e : put_api(r->api, b);
	e = e ? e : buf_puts(b, "}\n");
	answer_json(r, e);
}

void targets_get(struct request *r)
{
	const struct api_source *source = &r->api->source;
	int e = source->put_targets(source->ctx, &r->answer.body);

	answer_json(r, e ? e : buf_putc(&r->answer.body, '\n'));
}

void health_get(struct request *r)
{
	answer_json(r, buf_puts(&r->answer.body, "{\"status\":\"ok\"}\n"));
}

void health_ready(struct request *r)
{
	const struct api_source *source = &r->api->source;

	if (source->ready(source->ctx)) {
		answer_json(r, buf_puts(&r->answer.body, "{\"status\":\"ready\"}\n"));
		return;
	}
	answer_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "no probe is in place yet");
}
