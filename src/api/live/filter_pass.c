// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/filter_pass.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "api/live/chunk.h"
#include "api/live/stream_event.h"
#include "api/live/live_query.h"
#include "base/clock.h"
#include "base/limits.h"
#include "entry.h"
#include "kfl/kfl.h"

/* Ids that are this near are read at once: an entry more costs less than another statement. */
#define NEAR 4

/* The matches of one filter, next to the events of all that it was held against. */
struct pass {
	const struct chunk *all; /* NULL: this makes them */
	const struct kfl *filter;
	struct chunk *chunk;
	size_t at; /* in all's marks */
	int64_t seen;
	int error;
};

/*
 * A filter may take what is left until the deadline of the whole pass, and LIMIT_STREAM_MS in any
 * case: slow ones cannot starve the others, and a busy machine does not make quick ones slow.
 */
static unsigned time_for(int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_ms(CLOCK_MONOTONIC);

	return left > LIMIT_STREAM_MS ? (unsigned)left : LIMIT_STREAM_MS;
}

static int put_event(struct pass *p, const struct entry *e)
{
	struct chunk *c = p->chunk;
	int r = c->updates ? stream_event_put_update(&c->text, e, p->filter)
			   : stream_event_put_entry(&c->text, e, p->filter);

	if (r)
		return r;
	return chunk_end_event(c, e->id);
}

static int put_gone(struct pass *p, int64_t id)
{
	int r = stream_event_put_gone(&p->chunk->text, id);

	if (r)
		return r;
	return chunk_end_event(p->chunk, id);
}

/* Go to the event of an id among all; what is passed over was not let through. */
static int go_to(struct pass *p, int64_t id)
{
	const struct mark *marks = chunk_marks(p->all);
	int r = 0;

	for (; !r && p->at < p->all->events && marks[p->at].id < id; p->at++)
		if (p->chunk->updates)
			r = put_gone(p, marks[p->at].id);
	return r;
}

/* Matches come in order of id as all do, so their events are found by walking along. */
static int copy_event(struct pass *p, int64_t id)
{
	const struct mark *marks = chunk_marks(p->all);

	if (p->at == p->all->events || marks[p->at].id != id)
		return -ENOENT;
	size_t begin = p->at ? marks[p->at - 1].end : 0;
	int r = buf_put(&p->chunk->text, p->all->text.data + begin, marks[p->at].end - begin);
	if (r)
		return r;
	return chunk_end_event(p->chunk, id);
}

static bool add_match(void *ctx, const struct entry *e)
{
	struct pass *p = ctx;

	p->seen = e->id;
	p->error = p->all ? go_to(p, e->id) : 0;
	if (p->error)
		return false;
	p->error = p->all && !kfl_redacted(p->filter, 0) ? copy_event(p, e->id) : put_event(p, e);
	/* It is told in either case: it is not gone. */
	p->at += p->all && p->at < p->all->events && chunk_marks(p->all)[p->at].id == e->id;
	return !p->error;
}

static int select_range(struct store *s, const struct kfl *filter, int64_t after, int64_t last,
			unsigned time_limit_ms, struct pass *p, struct store_page *page,
			char *error, size_t error_size)
{
	const struct store_query q = {
		.filter = filter,
		.after = after,
		.before = last + 1,
		.limit = LIMIT_BATCH,
		.oldest_first = true,
		.time_limit_ms = time_limit_ms,
	};

	return store_select(s, &q, add_match, p, page, error, error_size);
}

/* What a pass over a filter gives it. */
static void finish(struct live_query *q, struct pass *p, int e, const char *error, uint64_t missed)
{
	if (e)
		stream_event_put_failed(&p->chunk->text, *error ? error : strerror(-e));
	q->missed = missed;
	q->chunk = p->chunk;
}

static void evaluate_range(struct store *s, struct live_query *q, const struct chunk *all,
			   int64_t after, int64_t last, int64_t deadline_ms)
{
	struct pass p = { .all = all, .filter = q->filter, .seen = after };
	struct store_page page = { 0 };
	char error[256] = "";

	p.chunk = chunk_new(after, last + 1, false);
	if (!p.chunk) {
		q->missed = (uint64_t)(last - after);
		return;
	}
	int e = select_range(s, q->filter, after, last, time_for(deadline_ms), &p, &page, error,
			     sizeof(error));
	int64_t next = page.next > p.seen ? page.next : p.seen;
	finish(q, &p, e, error, e || p.error || page.partial ? (uint64_t)(last - next) : 0);
}

void filter_pass_range(struct store *s, struct live_query *queries, int64_t after, int64_t last)
{
	struct pass p = { .chunk = chunk_new(after, last + 1, false) };
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + LIMIT_STREAM_RANGE_MS;
	struct store_page page = { 0 };
	char error[256];

	if (!p.chunk)
		return;
	select_range(s, NULL, after, last, 0, &p, &page, error, sizeof(error));
	for (struct live_query *q = queries; q; q = q->next) {
		if (q->filter) {
			evaluate_range(s, q, p.chunk, after, last, deadline_ms);
		} else {
			p.chunk->refs++;
			q->chunk = p.chunk;
		}
	}
	chunk_put(p.chunk);
}

/* A run of ids that lie near each other: its rows that are none of them are passed over. */
struct id_run {
	const int64_t *ids;
	size_t count, at;
	store_row_fn *row;
	void *ctx;
	bool stopped;
};

static bool pick_row(void *ctx, const struct entry *e)
{
	struct id_run *t = ctx;

	while (t->at < t->count && t->ids[t->at] < e->id)
		t->at++;
	if (t->at == t->count || t->ids[t->at] != e->id)
		return t->at < t->count;
	t->stopped = !t->row(t->ctx, e);
	return !t->stopped;
}

static size_t run_from(const int64_t *ids, size_t count)
{
	size_t n = 1;

	while (n < count && n < LIMIT_BATCH / NEAR && ids[n] - ids[n - 1] <= NEAR)
		n++;
	return n;
}

int filter_pass_select(struct store *s, const struct kfl *filter, const int64_t *ids, size_t count,
		       int64_t deadline_ms, store_row_fn *row, void *ctx, size_t *ret_next,
		       char *error, size_t error_size)
{
	size_t at = 0, n;
	int e = 0;

	for (; at < count; at += n) {
		int64_t left = deadline_ms ? deadline_ms - clock_ms(CLOCK_MONOTONIC) : 0;
		n = run_from(ids + at, count - at);
		struct id_run t = { .ids = ids + at, .count = n, .row = row, .ctx = ctx };
		const struct store_query q = {
			.filter = filter,
			.after = ids[at] - 1,
			.before = ids[at + n - 1] + 1,
			.limit = LIMIT_BATCH,
			.oldest_first = true,
			.time_limit_ms = left > 0 || !deadline_ms ? (unsigned)left : 1,
		};
		struct store_page page = { 0 };
		if (at && deadline_ms && left <= 0)
			break;
		e = store_select(s, &q, pick_row, &t, &page, error, error_size);
		if (e || t.stopped || page.partial)
			break;
	}
	*ret_next = at;
	return e;
}

/* The rest of what the filter was held against was not let through, up to the id that follows. */
static void evaluate_ids(struct store *s, struct live_query *q, const struct chunk *all,
			 const int64_t *ids, size_t count, int64_t deadline_ms)
{
	struct pass p = { .all = all, .filter = q->filter };
	char error[256] = "";
	size_t next;

	p.chunk = chunk_new(ids[0] - 1, ids[count - 1] + 1, true);
	if (!p.chunk) {
		q->missed = count;
		return;
	}
	int64_t until = clock_ms(CLOCK_MONOTONIC) + time_for(deadline_ms);
	int e = filter_pass_select(s, q->filter, ids, count, until, add_match, &p, &next, error,
				   sizeof(error));
	if (!e && !p.error)
		p.error = go_to(&p, next < count ? ids[next] : INT64_MAX);
	finish(q, &p, e, error, count - next);
}

void filter_pass_ids(struct store *s, struct live_query *queries, const int64_t *ids, size_t count)
{
	struct pass p = { .chunk = chunk_new(ids[0] - 1, ids[count - 1] + 1, true) };
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + LIMIT_STREAM_RANGE_MS;
	char error[256];
	size_t next;

	if (!p.chunk)
		return;
	filter_pass_select(s, NULL, ids, count, 0, add_match, &p, &next, error, sizeof(error));
	for (struct live_query *q = queries; q; q = q->next) {
		if (q->filter) {
			evaluate_ids(s, q, p.chunk, ids, count, deadline_ms);
		} else {
			p.chunk->refs++;
			q->chunk = p.chunk;
		}
	}
	chunk_put(p.chunk);
}
