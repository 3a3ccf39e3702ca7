// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/stream_event.h"

#include <inttypes.h>

#include "api/file_json.h"
#include "api/hide.h"
#include "api/live/chunk.h"
#include "base/json_write.h"
#include "base/writer.h"
#include "entry.h"

static void put_data(struct writer *w, const struct entry *e, const struct kfl *filter)
{
	if (!w->error)
		w->error = hide_put_entry(e, filter, w->out);
	writer_puts(w, "\n\n");
}

int stream_event_put_entry(struct buf *out, const struct entry *e, const struct kfl *filter)
{
	struct writer w = { .out = out };

	writer_printf(&w, "event: entry\nid: %" PRId64 "\ndata: ", e->id);
	put_data(&w, e, filter);
	return w.error;
}

int stream_event_put_update(struct buf *out, const struct entry *e, const struct kfl *filter)
{
	struct writer w = { .out = out };

	writer_puts(&w, "event: update\ndata: ");
	put_data(&w, e, filter);
	return w.error;
}

/* The data of an event is one object. */
static struct jw begin_event(struct buf *out, const char *name)
{
	int r = buf_printf(out, "event: %s\ndata: ", name);
	struct jw j = jw_begin(out);

	jw_fail(&j, r);
	jw_object(&j, NULL);
	return j;
}

static int end_event(struct jw *j)
{
	jw_end_object(j);
	return jw_done(j) ? jw_done(j) : buf_puts(j->out, "\n\n");
}

int stream_event_put_gone(struct buf *out, int64_t id)
{
	struct jw j = begin_event(out, "update");

	jw_int(&j, "id", id);
	jw_bool(&j, "gone", true);
	return end_event(&j);
}

int stream_event_put_skipped(struct buf *out, const struct skip *s)
{
	struct jw j = begin_event(out, "skipped");

	jw_uint(&j, "count", s->count);
	jw_int(&j, "after", s->after);
	jw_int(&j, "before", s->before);
	jw_bool(&j, "exact", !s->inexact);
	return end_event(&j);
}

int stream_event_put_failed(struct buf *out, const char *sentence)
{
	struct jw j = begin_event(out, "failed");

	jw_string(&j, "detail", sentence);
	return end_event(&j);
}

int stream_event_put_end(struct buf *out)
{
	struct jw j = begin_event(out, "end");

	jw_string(&j, "reason", "limit");
	return end_event(&j);
}

int stream_event_put_stats(struct buf *out, const struct live_numbers *n)
{
	struct jw j = begin_event(out, "stats");

	jw_real(&j, "entries_per_second", n->entries_per_second, 1);
	jw_uint(&j, "entries", n->entries);
	jw_string(&j, "state", n->paused ? "paused" : "running");
	jw_uint(&j, "dropped", n->dropped);
	jw_uint(&j, "lost_bytes", n->lost_bytes);
	jw_uint(&j, "readers", n->readers);
	file_put_place(&j, &n->file);
	return end_event(&j);
}
