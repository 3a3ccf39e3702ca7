// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/workers.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/limits.h"

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct task *head, **tail;
	unsigned waiting, threads;
	bool stop;
	pthread_t thread[];
};

static struct task *next_task(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->head && !w->stop)
		pthread_cond_wait(&w->wake, &w->lock);
	struct task *t = w->head;
	if (t) {
		w->head = t->next;
		w->waiting--;
		if (!w->head)
			w->tail = &w->head;
	}
	pthread_mutex_unlock(&w->lock);
	return t;
}

static void *work(void *ctx)
{
	struct workers *w = ctx;

	for (struct task *t = next_task(w); t; t = next_task(w))
		t->run(t);
	return NULL;
}

int workers_start(unsigned threads, struct workers **ret)
{
	struct workers *w = calloc(1, sizeof(*w) + threads * sizeof(w->thread[0]));
	int r = 0;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->tail = &w->head;
	while (!r && w->threads < threads) {
		r = -pthread_create(&w->thread[w->threads], NULL, work, w);
		w->threads += !r;
	}
	if (r) {
		workers_stop(w);
		workers_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

static int workers_submit(struct workers *w, struct task *t)
{
	int r = -EAGAIN;

	pthread_mutex_lock(&w->lock);
	if (!w->stop && w->waiting < LIMIT_API_JOBS) {
		t->next = NULL;
		*w->tail = t;
		w->tail = &t->next;
		w->waiting++;
		r = 0;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return r;
}

int workers_suspend(struct workers *w, struct MHD_Connection *conn, struct task *t)
{
	MHD_suspend_connection(conn);
	int r = workers_submit(w, t);
	if (r)
		MHD_resume_connection(conn);
	return r;
}

void workers_stop(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->threads; i++)
		pthread_join(w->thread[i], NULL);
	w->threads = 0;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
