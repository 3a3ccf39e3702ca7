// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/range.h"

#include <string.h>

#include "api/events.h"
#include "api/hub-impl.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "limits.h"
#include "store/store.h"

/* The events of all entries of a range, in order of id. */
struct range {
	struct chunk *all;
	int64_t ids[LIMIT_BATCH];
};

/* Going through the matches of one filter, next to the range. */
struct walk {
	const struct range *range;
	struct live_query *query;
	struct chunk *chunk;
	size_t at; /* in range->ids */
	int64_t seen;
	int error;
};

static int end_event(struct chunk *c)
{
	size_t end = c->text.len;

	c->entries++;
	return buf_put(&c->ends, &end, sizeof(end));
}

static bool add_to_range(void *ctx, const struct entry *e)
{
	struct walk *w = ctx;
	struct range *r = (struct range *)w->range;

	if (r->all->entries == LIMIT_BATCH)
		return false;
	r->ids[r->all->entries] = e->id;
	w->error = events_put_entry(&r->all->text, e, NULL);
	w->error = w->error ? w->error : end_event(r->all);
	return !w->error;
}

/* Matches come in order of id as the range does, so its events are found by walking along. */
static bool add_match(void *ctx, const struct entry *e)
{
	struct walk *w = ctx;
	const struct chunk *all = w->range->all;
	const size_t *ends = (const size_t *)all->ends.data;

	w->seen = e->id;
	if (kfl_redacted(w->query->filter, 0)) {
		w->error = events_put_entry(&w->chunk->text, e, w->query->filter);
	} else {
		while (w->at < all->entries && w->range->ids[w->at] < e->id)
			w->at++;
		if (w->at == all->entries || w->range->ids[w->at] != e->id)
			return true;
		size_t begin = w->at ? ends[w->at - 1] : 0;
		w->error = buf_put(&w->chunk->text, all->text.data + begin, ends[w->at] - begin);
	}
	w->error = w->error ? w->error : end_event(w->chunk);
	return !w->error;
}

static int select_range(struct store *s, const struct kfl *filter, int64_t after, int64_t last,
			store_row_fn *row, struct walk *w, struct store_page *page, char *error,
			size_t error_size)
{
	const struct store_query q = {
		.filter = filter,
		.after = after,
		.before = last + 1,
		.limit = LIMIT_BATCH,
		.oldest_first = true,
		.time_limit_ms = filter ? LIMIT_STREAM_MS : 0,
	};

	return store_select(s, &q, row, w, page, error, error_size);
}

static void evaluate(struct store *s, const struct range *range, struct live_query *q,
		     int64_t after, int64_t last)
{
	struct walk w = { .range = range, .query = q, .chunk = chunk_new(after), .seen = after };
	struct store_page page = { 0 };
	char error[256] = "";

	if (!w.chunk) {
		q->missed = (uint64_t)(last - after);
		return;
	}
	int e = select_range(s, q->filter, after, last, add_match, &w, &page, error, sizeof(error));
	if (e)
		events_put_failed(&w.chunk->text, error[0] ? error : strerror(-e));
	if (e || w.error || page.partial)
		q->missed = (uint64_t)(last - (page.next > w.seen ? page.next : w.seen));
	q->chunk = w.chunk;
}

void range_evaluate(struct store *s, struct live_query *queries, int64_t after, int64_t last)
{
	struct range range = { .all = chunk_new(after) };
	struct walk w = { .range = &range };
	struct store_page page = { 0 };
	char error[256];

	if (!range.all)
		return;
	select_range(s, NULL, after, last, add_to_range, &w, &page, error, sizeof(error));
	for (struct live_query *q = queries; q; q = q->next) {
		if (q->filter) {
			evaluate(s, &range, q, after, last);
		} else {
			range.all->refs++;
			q->chunk = range.all;
		}
	}
	chunk_put(range.all);
}
