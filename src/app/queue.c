// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "entry.h"
#include "items.h"
#include "base/limits.h"

#define NS_PER_S 1000000000L
#define WAITING                                                                                    \
	8192 /* exchanges that go on whose versions are found again; others take their turn */

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled, drained;
	struct entry *first, **last;
	struct entry *waiting[WAITING]; /* by entry.live, the version that waits */
	size_t bytes, max_bytes;
	uint64_t cut;
	bool closed, patient;
};

struct queue *queue_new(size_t max_bytes)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
	pthread_cond_init(&q->drained, NULL);
	q->last = &q->first;
	q->max_bytes = max_bytes;
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	for (struct entry *e = q->first, *next; e; e = next) {
		next = e->next;
		entry_free(e);
	}
	pthread_cond_destroy(&q->drained);
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

void queue_be_patient(struct queue *q)
{
	q->patient = true;
}

static struct entry **waiting(struct queue *q, const struct entry *e)
{
	return &q->waiting[e->live % WAITING];
}

static void take_body(struct buf *to, bool *kept, struct buf *from, bool from_kept)
{
	if (!*kept || from_kept)
		return;
	buf_free(to);
	*to = *from;
	*from = (struct buf){ 0 };
	*kept = false;
}

/* A version that waits gives its place, and the bodies that only it has, to the next one. */
static bool replace(struct queue *q, struct entry *e)
{
	struct entry *old = e->live ? *waiting(q, e) : NULL;

	if (!old || old->live != e->live)
		return false;
	q->bytes -= entry_bytes(old);
	take_body(&e->request_body, &e->body_kept[0], &old->request_body, old->body_kept[0]);
	take_body(&e->response_body, &e->body_kept[1], &old->response_body, old->body_kept[1]);
	struct entry newest = *e;
	newest.next = old->next;
	*e = *old;
	*old = newest;
	q->bytes += entry_bytes(old);
	return true;
}

void queue_push_take(struct queue *q, struct entry *e)
{
	e->next = NULL;
	pthread_mutex_lock(&q->lock);
	while (q->bytes > (q->patient ? q->max_bytes / 2 : q->max_bytes) && !q->closed)
		pthread_cond_wait(&q->drained, &q->lock);
	size_t large = e->request_body.len + e->response_body.len + items_bytes(e->items);
	if (q->bytes > q->max_bytes / 2 && large > LIMIT_QUEUE_BODIES) {
		entry_drop_bodies(e, "the store could not keep up: bodies not kept");
		q->cut++;
	}
	if (replace(q, e)) {
		pthread_mutex_unlock(&q->lock);
		entry_free(e);
		return;
	}
	/* The store sleeps through single entries and wakes for the first of a batch. */
	if (!q->first)
		pthread_cond_signal(&q->filled);
	*q->last = e;
	q->last = &e->next;
	if (e->live)
		*waiting(q, e) = e;
	q->bytes += entry_bytes(e);
	pthread_mutex_unlock(&q->lock);
}

static void wait_filled(struct queue *q, int timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)timeout_ms * (NS_PER_S / 1000);
	until.tv_sec += until.tv_nsec / NS_PER_S;
	until.tv_nsec %= NS_PER_S;
	while (!q->first && !q->closed)
		if (pthread_cond_timedwait(&q->filled, &q->lock, &until))
			break;
}

int queue_pop(struct queue *q, struct entry **ret, size_t max, int timeout_ms)
{
	size_t bytes = 0;
	int n = 0;

	pthread_mutex_lock(&q->lock);
	wait_filled(q, timeout_ms);
	while (q->first && (size_t)n < max && bytes < LIMIT_BATCH_BYTES) {
		struct entry *e = q->first;
		q->first = e->next;
		bytes += entry_bytes(e);
		if (e->live && *waiting(q, e) == e)
			*waiting(q, e) = NULL;
		ret[n++] = e;
	}
	q->bytes -= bytes;
	if (!q->first)
		q->last = &q->first;
	if (!n && q->closed)
		n = -1;
	pthread_cond_signal(&q->drained);
	pthread_mutex_unlock(&q->lock);
	return n;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_cond_broadcast(&q->drained);
	pthread_mutex_unlock(&q->lock);
}

size_t queue_bytes(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	size_t n = q->bytes;
	pthread_mutex_unlock(&q->lock);
	return n;
}

uint64_t queue_cut(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	uint64_t n = q->cut;
	pthread_mutex_unlock(&q->lock);
	return n;
}
