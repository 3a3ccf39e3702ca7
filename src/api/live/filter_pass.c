// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/filter_pass.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "api/live/event.h"
#include "api/live/hub_impl.h"
#include "base/clock.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "base/limits.h"
#include "store/store.h"

/* Going through the matches of one filter, next to the events of the whole range. */
struct walk {
	const struct chunk *all;
	struct live_query *query;
	struct chunk *chunk;
	size_t at; /* in all's marks */
	int64_t seen;
	int error;
};

static int end_event(struct chunk *c, int64_t id)
{
	const struct mark m = { id, c->text.len };

	c->entries++;
	return buf_put(&c->marks, &m, sizeof(m));
}

static bool add_any(void *ctx, const struct entry *e)
{
	struct walk *w = ctx;

	w->error = event_put_entry(&w->chunk->text, e, NULL);
	w->error = w->error ? w->error : end_event(w->chunk, e->id);
	return !w->error;
}

/* Matches come in order of id as the range does, so its events are found by walking along. */
static int copy_event(struct walk *w, int64_t id)
{
	const struct mark *marks = chunk_marks(w->all);

	while (w->at < w->all->entries && marks[w->at].id < id)
		w->at++;
	if (w->at == w->all->entries || marks[w->at].id != id)
		return -ENOENT;
	size_t begin = w->at ? marks[w->at - 1].end : 0;
	return buf_put(&w->chunk->text, w->all->text.data + begin, marks[w->at].end - begin);
}

static bool add_match(void *ctx, const struct entry *e)
{
	struct walk *w = ctx;

	w->seen = e->id;
	if (kfl_redacted(w->query->filter, 0))
		w->error = event_put_entry(&w->chunk->text, e, w->query->filter);
	else
		w->error = copy_event(w, e->id);
	w->error = w->error ? w->error : end_event(w->chunk, e->id);
	return !w->error;
}

/*
 * A filter may take what is left until the deadline of the whole range, and LIMIT_STREAM_MS in any
 * case: slow ones cannot starve the others, and a busy machine does not make quick ones slow.
 */
static unsigned time_for(int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_ms(CLOCK_MONOTONIC);

	return left > LIMIT_STREAM_MS ? (unsigned)left : LIMIT_STREAM_MS;
}

static int select_range(struct store *s, const struct kfl *filter, int64_t after, int64_t last,
			unsigned time_limit_ms, store_row_fn *row, struct walk *w,
			struct store_page *page, char *error, size_t error_size)
{
	const struct store_query q = {
		.filter = filter,
		.after = after,
		.before = last + 1,
		.limit = LIMIT_BATCH,
		.oldest_first = true,
		.time_limit_ms = time_limit_ms,
	};

	return store_select(s, &q, row, w, page, error, error_size);
}

static void evaluate(struct store *s, const struct chunk *all, struct live_query *q, int64_t after,
		     int64_t last, int64_t deadline_ms)
{
	struct walk w = { .all = all, .query = q, .chunk = chunk_new(after), .seen = after };
	struct store_page page = { 0 };
	char error[256] = "";

	if (!w.chunk) {
		q->missed = (uint64_t)(last - after);
		return;
	}
	int e = select_range(s, q->filter, after, last, time_for(deadline_ms), add_match, &w, &page,
			     error, sizeof(error));
	if (e)
		event_put_failed(&w.chunk->text, error[0] ? error : strerror(-e));
	if (e || w.error || page.partial)
		q->missed = (uint64_t)(last - (page.next > w.seen ? page.next : w.seen));
	q->chunk = w.chunk;
}

void filter_pass_run(struct store *s, struct live_query *queries, int64_t after, int64_t last)
{
	struct walk w = { .chunk = chunk_new(after) };
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + LIMIT_STREAM_RANGE_MS;
	struct store_page page = { 0 };
	char error[256];

	if (!w.chunk)
		return;
	select_range(s, NULL, after, last, 0, add_any, &w, &page, error, sizeof(error));
	for (struct live_query *q = queries; q; q = q->next) {
		if (q->filter) {
			evaluate(s, w.chunk, q, after, last, deadline_ms);
		} else {
			w.chunk->refs++;
			q->chunk = w.chunk;
		}
	}
	chunk_put(w.chunk);
}
