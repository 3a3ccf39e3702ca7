// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/looker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "trace/beneath.h"
#include "trace/fair.h"
#include "trace/inspect.h"

enum { THREADS = 3, OF_ONE_OWNER = 1 };

/* What a thread works on: its own copy, since who submitted it may give it up. */
struct look_task {
	struct look look;
	struct look *back; /* where the answer goes, NULL: given up */
	uint64_t owner;
	int64_t since; /* ms, 0: done */
	struct look_task *next;
};

struct worker {
	struct looker *looker;
	struct look_task *task;
	pid_t tid;
	bool hangs; /* another thread works in its place */
};

struct looker {
	looker_fn *fn;
	void *ctx;
	int event;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct fair *queue;
	struct look_task *done, **done_end;
	size_t pending, workers, hanging;
	bool stop;
	struct worker worker[THREADS + LIMIT_LOOKERS_HANGING];
};

static void look_at(struct look *l)
{
	int file = beneath_open(l->fd);

	l->error = file < 0 ? file : 0;
	close(l->fd);
	l->fd = file < 0 ? -1 : file;
	l->wanted = file >= 0 && (l->certain || inspect_may_find(file));
	if (file >= 0 && !l->wanted) {
		close(file);
		l->fd = -1;
	}
}

/* With the lock held. */
static void put_done(struct looker *k, struct look_task *t)
{
	t->next = NULL;
	*k->done_end = t;
	k->done_end = &t->next;
	eventfd_write(k->event, 1);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct looker *k = w->looker;

	pthread_mutex_lock(&k->lock);
	w->tid = gettid();
	while (!k->stop && !w->hangs) {
		uint64_t owner;
		struct look_task *t = fair_pop(k->queue, &owner);
		if (!t) {
			pthread_cond_wait(&k->work, &k->lock);
			continue;
		}
		t->since = clock_ms(CLOCK_MONOTONIC);
		w->task = t;
		pthread_mutex_unlock(&k->lock);
		look_at(&t->look);
		pthread_mutex_lock(&k->lock);
		w->task = NULL;
		fair_done(k->queue, owner);
		if (t->back) {
			put_done(k, t);
		} else { /* given up meanwhile */
			if (t->look.fd >= 0)
				close(t->look.fd);
			free(t);
		}
	}
	if (w->hangs) { /* no more: its place is free again */
		k->hanging--;
		w->hangs = false;
		w->tid = 0;
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* With the lock held. */
static bool start_worker(struct looker *k)
{
	pthread_t thread;

	for (size_t i = 0; i < sizeof(k->worker) / sizeof(k->worker[0]); i++) {
		struct worker *w = &k->worker[i];
		if (w->looker && (w->tid || w->hangs))
			continue;
		*w = (struct worker){ .looker = k, .tid = -1 };
		if (pthread_create(&thread, NULL, work, w)) {
			w->tid = 0;
			return false;
		}
		pthread_detach(thread);
		return true;
	}
	return false;
}

struct looker *looker_new(looker_fn *fn, void *ctx)
{
	struct looker *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->fn = fn;
	k->ctx = ctx;
	k->done_end = &k->done;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->work, NULL);
	k->queue = fair_new(LIMIT_LOOK_QUEUE, OF_ONE_OWNER, THREADS);
	k->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_lock(&k->lock);
	for (int i = 0; k->queue && k->event >= 0 && i < THREADS; i++)
		k->workers += start_worker(k);
	pthread_mutex_unlock(&k->lock);
	if (k->workers)
		return k;
	fair_free(k->queue);
	if (k->event >= 0)
		close(k->event);
	free(k);
	return NULL;
}

/* The threads may be in the middle of something: all that they use stays. */
void looker_free(struct looker *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_broadcast(&k->work);
	pthread_mutex_unlock(&k->lock);
}

static void come_back(struct looker *k, struct look *l, int error)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->error = error;
	l->wanted = false;
	k->fn(k->ctx, l);
}

static bool device_hangs(const struct looker *k, dev_t dev)
{
	for (size_t i = 0; i < sizeof(k->worker) / sizeof(k->worker[0]); i++) {
		const struct worker *w = &k->worker[i];
		if (w->hangs && w->task && w->task->look.dev == dev)
			return true;
	}
	return false;
}

void looker_submit(struct looker *k, uint64_t owner, struct look *l)
{
	struct look_task *t = calloc(1, sizeof(*t)), *out = NULL;

	if (!t) {
		come_back(k, l, -ENOMEM);
		return;
	}
	*t = (struct look_task){ .look = *l, .back = l, .owner = owner };
	pthread_mutex_lock(&k->lock);
	bool hangs = device_hangs(k, l->dev);
	if (!hangs) {
		k->pending++;
		out = fair_push_take(k->queue, owner, t);
		k->pending -= out != NULL;
		pthread_cond_signal(&k->work);
	}
	pthread_mutex_unlock(&k->lock);
	if (hangs)
		out = t;
	if (out)
		come_back(k, out->back, hangs ? -ETIMEDOUT : -EBUSY);
	free(out);
}

/* A thread that has not come back for long: what it was at is given up. With the lock held. */
static struct look *find_hanging(struct looker *k, int64_t now)
{
	for (size_t i = 0; i < sizeof(k->worker) / sizeof(k->worker[0]); i++) {
		struct worker *w = &k->worker[i];
		if (w->hangs || !w->task || now - w->task->since < LIMIT_LOOK_MS)
			continue;
		if (k->hanging == LIMIT_LOOKERS_HANGING)
			return NULL;
		struct look *l = w->task->back;
		w->task->back = NULL;
		w->hangs = true;
		k->hanging++;
		k->pending--;
		l->fd = -1; /* the thread has it */
		return l;
	}
	return NULL;
}

void looker_run(struct looker *k)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	struct look *given_up;
	eventfd_t count;

	eventfd_read(k->event, &count);
	pthread_mutex_lock(&k->lock);
	struct look_task *done = k->done;
	k->done = NULL;
	k->done_end = &k->done;
	for (struct look_task *t = done; t; t = t->next)
		k->pending--;
	given_up = find_hanging(k, now);
	if (given_up)
		start_worker(k);
	pthread_mutex_unlock(&k->lock);
	if (given_up)
		come_back(k, given_up, -ETIMEDOUT);
	while (done) {
		struct look_task *t = done;
		struct look *l = t->back;
		done = t->next;
		*l = t->look;
		free(t);
		k->fn(k->ctx, l);
	}
}

int looker_fd(const struct looker *k)
{
	return k->event;
}

size_t looker_pending(const struct looker *k)
{
	return k->pending;
}

size_t looker_threads(struct looker *k, pid_t *ret, size_t room)
{
	size_t n = 0;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < sizeof(k->worker) / sizeof(k->worker[0]) && n < room; i++) {
		if (k->worker[i].tid > 0 && !k->worker[i].hangs)
			ret[n++] = k->worker[i].tid;
	}
	pthread_mutex_unlock(&k->lock);
	return n;
}
