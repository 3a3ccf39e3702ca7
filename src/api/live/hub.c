// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/hub_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/live/event.h"
#include "api/clients.h"
#include "api/live/filter_pass.h"
#include "api/server.h"
#include "base/clock.h"
#include "kfl/kfl.h"
#include "base/limits.h"
#include "store/store.h"

/* New entries are gathered this long, so that busy streams work in batches. */
#define GATHER_MS    100
#define KEEPALIVE_MS 15000

static void query_free(struct live_query *q)
{
	kfl_free(q->filter);
	free(q->text);
	free(q);
}

void hub_sweep(struct hub *h)
{
	if (h->working)
		return;
	for (struct live_query **p = &h->queries, *q = *p; q; q = *p) {
		if (q->refs) {
			p = &q->next;
			continue;
		}
		*p = q->next;
		query_free(q);
		h->count.queries--;
	}
}

struct live_query *hub_find_query(struct hub *h, struct kfl *filter, const char *text)
{
	struct live_query *q;

	for (q = h->queries; q; q = q->next)
		if (!strcmp(q->text, text)) {
			kfl_free(filter);
			q->refs++;
			return q;
		}
	q = h->count.queries < LIMIT_STREAM_QUERIES ? calloc(1, sizeof(*q)) : NULL;
	if (q)
		q->text = strdup(text);
	if (!q || !q->text) {
		free(q);
		kfl_free(filter);
		return NULL;
	}
	q->filter = filter;
	q->refs = 1;
	q->next = h->queries;
	h->queries = q;
	h->count.queries++;
	return q;
}

/* Hand the outcome of a range, ids after..last, to its readers. With the lock held. */
static void distribute(struct hub *h, int64_t last)
{
	for (struct subscriber *r = h->readers; r; r = subscriber_next(r)) {
		const struct live_query *q = subscriber_query(r);
		/* One that joined after the range was begun has these replayed, if it wants them.
		 */
		if (subscriber_joined(r) >= last || !q->chunk)
			continue;
		if (q->missed)
			subscriber_skip(
				r, &(struct skip){ q->missed, q->chunk->after, last + 1, true });
		subscriber_queue(r, q->chunk);
		subscriber_wake(r);
	}
	for (struct live_query *q = h->queries; q; q = q->next) {
		chunk_put(q->chunk);
		q->chunk = NULL;
		q->missed = 0;
	}
}

/* With the lock held: too far behind, so that everybody skips a part. */
static void catch_up(struct hub *h)
{
	int64_t from = h->begun, to = h->published - LIMIT_BATCH;

	if (h->published - from <= LIMIT_STREAM_LAG)
		return;
	h->begun = to;
	for (struct subscriber *r = h->readers; r; r = subscriber_next(r)) {
		int64_t after = subscriber_joined(r) > from ? subscriber_joined(r) : from;
		if (after < to)
			subscriber_skip(
				r, &(struct skip){ (uint64_t)(to - after), after, to + 1, true });
	}
}

/* With the lock held, which is let go while the store works. */
static void do_range(struct hub *h)
{
	int64_t after, last;

	catch_up(h);
	after = h->begun;
	last = h->published - after > LIMIT_BATCH ? after + LIMIT_BATCH : h->published;
	h->begun = last;
	if (!h->readers)
		return;
	/* New filters are put at the head of the list and are not part of this range. */
	struct live_query *queries = h->queries;
	h->working = true;
	pthread_mutex_unlock(&h->lock);
	filter_pass_run(h->api->store, queries, after, last);
	pthread_mutex_lock(&h->lock);
	h->working = false;
	distribute(h, last);
	hub_sweep(h);
}

/* With the lock held: what each reader gets each second. */
static void tick(struct hub *h, double entries_per_second, bool keepalive)
{
	struct chunk *c;

	if (!h->readers)
		return;
	pthread_mutex_unlock(&h->lock);
	c = chunk_new(0);
	int e = c ? event_put_stats(&c->text, h, entries_per_second) : -ENOMEM;
	if (!e && keepalive)
		e = buf_puts(&c->text, ": keepalive\n\n");
	pthread_mutex_lock(&h->lock);
	if (e) {
		chunk_put(c);
		return;
	}
	chunk_put(h->stats);
	h->stats = c;
	for (struct subscriber *r = h->readers; r; r = subscriber_next(r)) {
		subscriber_tell(r, c);
		subscriber_wake(r);
	}
}

static void wait_until(struct hub *h, int64_t ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (!h->stop && clock_ms(CLOCK_MONOTONIC) < ms)
		if (pthread_cond_timedwait(&h->wake, &h->lock, &t))
			return;
}

/* Until the time, or until there is something new. */
static void wait_for_entries(struct hub *h, int64_t ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (!h->stop && h->begun == h->published)
		if (pthread_cond_timedwait(&h->wake, &h->lock, &t))
			return;
}

static void *run(void *ctx)
{
	struct hub *h = ctx;
	int64_t last_tick = clock_ms(CLOCK_MONOTONIC), last_keepalive = last_tick, ticked_id,
		worked = 0;

	pthread_mutex_lock(&h->lock);
	ticked_id = h->published;
	while (!h->stop) {
		wait_for_entries(h, last_tick + 1000);
		if (h->begun < h->published) {
			if (h->published - h->begun < LIMIT_BATCH &&
			    worked + GATHER_MS < last_tick + 1000)
				wait_until(h, worked + GATHER_MS);
			worked = clock_ms(CLOCK_MONOTONIC);
			do_range(h);
		}
		int64_t now = clock_ms(CLOCK_MONOTONIC);
		if (now < last_tick + 1000)
			continue;
		bool keepalive = now - last_keepalive >= KEEPALIVE_MS;
		tick(h, (double)(h->published - ticked_id) * 1000 / (double)(now - last_tick),
		     keepalive);
		ticked_id = h->published;
		last_tick = now;
		last_keepalive = keepalive ? now : last_keepalive;
		clients_expire(h->api->clients);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

int hub_start(struct api *a, struct hub **ret)
{
	struct hub *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	if (!h)
		return -ENOMEM;
	h->api = a;
	h->published = h->begun = store_stats(a->store).last_id;
	pthread_mutex_init(&h->lock, NULL);
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
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_broadcast(&h->wake);
	pthread_mutex_unlock(&h->lock);
	if (h->started)
		pthread_join(h->thread, NULL);
	h->started = false;
	pthread_mutex_lock(&h->lock);
	for (struct subscriber *r = h->readers; r; r = subscriber_next(r))
		subscriber_wake(r);
	pthread_mutex_unlock(&h->lock);
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	hub_sweep(h);
	chunk_put(h->stats);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void hub_publish(struct hub *h, int64_t id)
{
	pthread_mutex_lock(&h->lock);
	h->published = id;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

struct hub_stats hub_stats(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	struct hub_stats s = h->count;
	pthread_mutex_unlock(&h->lock);
	return s;
}
