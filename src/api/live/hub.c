// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "api/live/chunk.h"
#include "api/live/stream_event.h"
#include "api/live/filter_pass.h"
#include "api/live/room.h"
#include "api/live/subscriber.h"
#include "base/clock.h"
#include "base/limits.h"
#include "entry.h"
#include "store/store.h"

/* New entries are gathered this long, so that busy streams work in batches. */
#define GATHER_MS    100
#define KEEPALIVE_MS 15000

struct hub {
	struct room room;
	struct hub_options options;
	pthread_cond_t wake;
	pthread_t thread;
	bool started;
	/* When the thread last did what, and the last id of that time. */
	int64_t worked_ms, ticked_ms, kept_alive_ms, ticked_id;
};

/* Hand the outcome of a pass to the readers of its filters. With the lock held. */
static void distribute(struct hub *h, int64_t after, int64_t before, bool updates)
{
	for (struct subscriber *r = h->room.readers; r; r = subscriber_next(r)) {
		const struct live_query *q = subscriber_query(r);
		/* One that joined after the range was begun has these replayed, if it wants them.
		 */
		if (!updates && subscriber_joined(r) >= before - 1)
			continue;
		if (q->missed)
			subscriber_skip(r, &(struct skip){ q->missed, after, before, true });
		if (q->chunk)
			subscriber_queue(r, q->chunk);
		if (q->missed || q->chunk)
			subscriber_wake(r);
	}
	for (struct live_query *q = h->room.queries.first; q; q = q->next) {
		chunk_put(q->chunk);
		q->chunk = NULL;
		q->missed = 0;
	}
}

/* With the lock held: too far behind, so that everybody skips a part. */
static void catch_up(struct hub *h, int64_t published)
{
	int64_t from = h->room.begun, to = published - LIMIT_BATCH;

	if (published - from <= LIMIT_STREAM_LAG)
		return;
	h->room.begun = to;
	for (struct subscriber *r = h->room.readers; r; r = subscriber_next(r)) {
		int64_t after = subscriber_joined(r) > from ? subscriber_joined(r) : from;
		if (after < to)
			subscriber_skip(
				r, &(struct skip){ (uint64_t)(to - after), after, to + 1, true });
	}
}

/*
 * With the lock held, which is let go while the store works. New filters are put at the head of the
 * list and are not part of this pass.
 */
static struct live_query *begin_pass(struct hub *h)
{
	struct live_query *first = h->room.queries.first;

	h->room.queries.working = true;
	pthread_mutex_unlock(&h->room.lock);
	return first;
}

static void end_pass(struct hub *h, int64_t after, int64_t before, bool updates)
{
	pthread_mutex_lock(&h->room.lock);
	h->room.queries.working = false;
	distribute(h, after, before, updates);
	live_query_sweep(&h->room.queries);
}

static void do_range(struct hub *h, int64_t published)
{
	int64_t after, last;

	catch_up(h, published);
	after = h->room.begun;
	last = published - after > LIMIT_BATCH ? after + LIMIT_BATCH : published;
	h->room.begun = last;
	if (!h->room.readers || after == last)
		return;
	struct live_query *queries = begin_pass(h);
	filter_pass_range(h->room.store, queries, after, last);
	end_pass(h, after, last + 1, false);
}

static void do_updates(struct hub *h)
{
	struct update_set changed;
	if (h->room.updates.begun == h->room.updates.end)
		return;
	update_log_take(&h->room.updates, &changed);
	if (changed.forgotten) {
		const struct skip all = { changed.forgotten, 0, h->room.begun + 1, true };
		for (struct subscriber *r = h->room.readers; r; r = subscriber_next(r))
			subscriber_skip(r, &all);
	}
	if (h->room.readers && changed.count) {
		struct live_query *queries = begin_pass(h);
		filter_pass_ids(h->room.store, queries, changed.ids, changed.count);
		end_pass(h, changed.ids[0] - 1, changed.ids[changed.count - 1] + 1, true);
	}
	free(changed.ids);
}

static bool has_work(const struct hub *h)
{
	return h->room.begun < h->room.published || h->room.updates.begun < h->room.updates.end;
}

static int make_stats(struct hub *h, double entries_per_second, bool keepalive, struct buf *out)
{
	struct live_numbers n = { .entries_per_second = entries_per_second };
	int e;

	h->options.numbers(h->options.ctx, &n);
	n.entries = store_stats(h->room.store).entries;
	n.readers = hub_stats(h).readers;
	e = stream_event_put_stats(out, &n);
	if (!e && keepalive)
		e = buf_puts(out, ": keepalive\n\n");
	return e;
}

/* With the lock held: what each reader gets each second. */
static void tell_stats(struct hub *h, double entries_per_second, bool keepalive)
{
	struct chunk *c;

	pthread_mutex_unlock(&h->room.lock);
	c = chunk_new(0, 0, false);
	int e = c ? make_stats(h, entries_per_second, keepalive, &c->text) : -ENOMEM;
	pthread_mutex_lock(&h->room.lock);
	if (e) {
		chunk_put(c);
		return;
	}
	chunk_put(h->room.stats);
	h->room.stats = c;
	for (struct subscriber *r = h->room.readers; r; r = subscriber_next(r)) {
		subscriber_tell(r, c);
		subscriber_wake(r);
	}
}

static void tick(struct hub *h)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), new = h->room.published - h->ticked_id;
	bool keepalive = now - h->kept_alive_ms >= KEEPALIVE_MS;

	if (now < h->ticked_ms + 1000)
		return;
	h->ticked_id = h->room.published;
	if (h->room.readers)
		tell_stats(h, (double)new * 1000 / (double)(now - h->ticked_ms), keepalive);
	h->options.each_second(h->options.ctx);
	h->ticked_ms = now;
	h->kept_alive_ms = keepalive ? now : h->kept_alive_ms;
}

/* Until the time; `eager`: or until there is something to do. */
static void wait_until(struct hub *h, int64_t ms, bool eager)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (!h->room.stop && !(eager && has_work(h)) && clock_ms(CLOCK_MONOTONIC) < ms)
		if (pthread_cond_timedwait(&h->wake, &h->room.lock, &t))
			return;
}

static void work(struct hub *h)
{
	if (h->room.published - h->room.begun < LIMIT_BATCH &&
	    h->worked_ms + GATHER_MS < h->ticked_ms + 1000)
		wait_until(h, h->worked_ms + GATHER_MS, false);
	h->worked_ms = clock_ms(CLOCK_MONOTONIC);
	/*
	 * Who has the entry behind which it goes on has what changed before that came: changes come
	 * first, and an entry that comes while they are told waits for the next turn.
	 */
	int64_t published = h->room.published;
	do_updates(h);
	do_range(h, published);
}

static void *run(void *ctx)
{
	struct hub *h = ctx;

	pthread_mutex_lock(&h->room.lock);
	h->ticked_id = h->room.published;
	h->ticked_ms = h->kept_alive_ms = clock_ms(CLOCK_MONOTONIC);
	while (!h->room.stop) {
		wait_until(h, h->ticked_ms + 1000, true);
		if (has_work(h))
			work(h);
		tick(h);
	}
	pthread_mutex_unlock(&h->room.lock);
	return NULL;
}

int hub_start(const struct hub_options *options, struct hub **ret)
{
	struct hub *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	if (!h)
		return -ENOMEM;
	h->options = *options;
	h->room.store = options->store;
	h->room.workers = options->workers;
	h->room.published = h->room.begun = store_stats(options->store).last_id;
	pthread_mutex_init(&h->room.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	*ret = h;
	int r = -pthread_create(&h->thread, NULL, run, h);
	h->started = !r;
	return r;
}

void hub_stop(struct hub *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->room.lock);
	h->room.stop = true;
	pthread_cond_broadcast(&h->wake);
	pthread_mutex_unlock(&h->room.lock);
	if (h->started)
		pthread_join(h->thread, NULL);
	h->started = false;
	pthread_mutex_lock(&h->room.lock);
	for (struct subscriber *r = h->room.readers; r; r = subscriber_next(r))
		subscriber_wake(r);
	pthread_mutex_unlock(&h->room.lock);
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	live_query_sweep(&h->room.queries);
	chunk_put(h->room.stats);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->room.lock);
	free(h);
}

void hub_publish(struct hub *h, struct entry *const *batch, size_t count)
{
	pthread_mutex_lock(&h->room.lock);
	for (size_t i = 0; i < count; i++) {
		if (!batch[i]->id) /* was not stored */
			continue;
		if (batch[i]->again)
			update_log_add(&h->room.updates, batch[i]->id, h->room.published);
		else if (batch[i]->id > h->room.published)
			h->room.published = batch[i]->id;
	}
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->room.lock);
}

struct live_stats hub_stats(struct hub *h)
{
	pthread_mutex_lock(&h->room.lock);
	const struct live_stats s = {
		.readers = h->room.reader_count,
		.queries = h->room.queries.count,
		.updates = h->room.updates.end,
		.sent = h->room.sent,
		.skipped = h->room.skipped,
	};
	pthread_mutex_unlock(&h->room.lock);
	return s;
}

struct room *hub_room(struct hub *h)
{
	return &h->room;
}
