// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/closer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"

struct closing {
	struct attachment attachment;
	int fd;
	struct closing *next;
};

struct closer {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct closing *first;
	size_t threads;
};

struct closer *closer_new(void)
{
	struct closer *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->idle, NULL);
	return c;
}

static void close_one(struct closing *g)
{
	attach_close(&g->attachment);
	close(g->fd);
	free(g);
}

static void *work(void *arg)
{
	struct closer *c = arg;
	struct closing *g;

	pthread_mutex_lock(&c->lock);
	while ((g = c->first)) {
		c->first = g->next;
		pthread_mutex_unlock(&c->lock);
		close_one(g);
		pthread_mutex_lock(&c->lock);
	}
	if (!--c->threads)
		pthread_cond_signal(&c->idle);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

void closer_add_take(struct closer *c, const struct attachment *a, int fd)
{
	struct closing *g = malloc(sizeof(*g));
	pthread_attr_t detached;
	pthread_t thread;

	if (!g) { /* then it is waited for */
		struct attachment copy = *a;
		attach_close(&copy);
		close(fd);
		return;
	}
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&c->lock);
	*g = (struct closing){ .attachment = *a, .fd = fd, .next = c->first };
	c->first = g;
	if (c->threads < LIMIT_CLOSERS && !pthread_create(&thread, &detached, work, c))
		c->threads++;
	bool alone = !c->threads;
	if (alone)
		c->first = g->next;
	pthread_mutex_unlock(&c->lock);
	pthread_attr_destroy(&detached);
	if (alone)
		close_one(g);
}

void closer_free(struct closer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	while (c->threads)
		pthread_cond_wait(&c->idle, &c->lock);
	pthread_mutex_unlock(&c->lock);
	free(c);
}
