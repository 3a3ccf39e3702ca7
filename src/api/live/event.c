// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/event.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "api/live/hub_impl.h"
#include "api/hide.h"
#include "api/server.h"
#include "entry.h"
#include "store/store.h"

int event_put_entry(struct buf *out, const struct entry *e, const struct kfl *filter)
{
	int r = buf_printf(out, "event: entry\nid: %" PRId64 "\ndata: ", e->id);

	r = r ? r : hide_put_entry(e, filter, out);
	return r ? r : buf_puts(out, "\n\n");
}

int event_put_skipped(struct buf *out, const struct skip *s)
{
	return buf_printf(out,
			  "event: skipped\ndata: {\"count\":%" PRIu64 ",\"after\":%" PRId64
			  ",\"before\":%" PRId64 ",\"exact\":%s}\n\n",
			  s->count, s->after, s->before, s->inexact ? "false" : "true");
}

int event_put_failed(struct buf *out, const char *sentence)
{
	int r = buf_puts(out, "event: failed\ndata: {\"detail\":");

	r = r ? r : buf_put_json(out, sentence, strlen(sentence));
	return r ? r : buf_puts(out, "}\n\n");
}

int event_put_end(struct buf *out)
{
	return buf_puts(out, "event: end\ndata: {\"reason\":\"limit\"}\n\n");
}

/* Two numbers of what the rest of the server tells; 0 where it does not. */
static void read_losses(const struct api_source *source, json_int_t *dropped, json_int_t *lost)
{
	struct buf b = { 0 };
	json_t *o = NULL;

	if (!buf_putc(&b, '{') && !source->put_stats(source->ctx, &b) && !buf_putc(&b, '}'))
		o = json_loadb(b.data, b.len, 0, NULL);
	*dropped = json_integer_value(json_object_get(o, "dropped"));
	*lost = json_integer_value(json_object_get(o, "lost_bytes"));
	json_decref(o);
	buf_free(&b);
}

int event_put_stats(struct buf *out, struct hub *h, double entries_per_second)
{
	const struct api_source *source = &h->api->source;
	struct store_stats s = store_stats(h->api->store);
	json_int_t dropped, lost;

	read_losses(source, &dropped, &lost);
	return buf_printf(out,
			  "event: stats\ndata: {\"entries_per_second\":%.1f,\"entries\":%" PRIu64
			  ",\"state\":\"%s\",\"dropped\":%lld,\"lost_bytes\":%lld,"
			  "\"readers\":%u}\n\n",
			  entries_per_second, s.entries,
			  source->paused(source->ctx) ? "paused" : "running", (long long)dropped,
			  (long long)lost, hub_stats(h).readers);
}
