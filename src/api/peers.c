// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/peers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "limits.h"

struct peer {
	struct peer *next, **link;
	int fd;
	time_t deadline; /* 0: none */
};

struct peers {
	pthread_mutex_t lock;
	struct peer *first;
	unsigned count;
};

static time_t seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

struct peers *peers_new(void)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct peer *peers_add(struct peers *p, int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->fd = fd;
	peer->deadline = seconds_now() + LIMIT_REQUEST_SECONDS;
	pthread_mutex_lock(&p->lock);
	peer->next = p->first;
	peer->link = &p->first;
	if (p->first)
		p->first->link = &peer->next;
	p->first = peer;
	p->count++;
	pthread_mutex_unlock(&p->lock);
	return peer;
}

void peers_remove(struct peers *p, struct peer *peer)
{
	if (!peer)
		return;
	pthread_mutex_lock(&p->lock);
	*peer->link = peer->next;
	if (peer->next)
		peer->next->link = peer->link;
	p->count--;
	pthread_mutex_unlock(&p->lock);
	free(peer);
}

static void set_deadline(struct peers *p, struct peer *peer, time_t deadline)
{
	if (!peer)
		return;
	pthread_mutex_lock(&p->lock);
	peer->deadline = deadline;
	pthread_mutex_unlock(&p->lock);
}

void peers_begin(struct peers *p, struct peer *peer)
{
	set_deadline(p, peer, seconds_now() + LIMIT_REQUEST_SECONDS);
}

void peers_complete(struct peers *p, struct peer *peer)
{
	set_deadline(p, peer, 0);
}

void peers_idle(struct peers *p, struct peer *peer)
{
	set_deadline(p, peer, seconds_now() + LIMIT_HTTP_IDLE_SECONDS);
}

void peers_expire(struct peers *p)
{
	time_t now = seconds_now();

	/* The descriptor cannot be another connection's: it is closed after peers_remove(). */
	pthread_mutex_lock(&p->lock);
	for (struct peer *peer = p->first; peer; peer = peer->next) {
		if (!peer->deadline || peer->deadline > now)
			continue;
		shutdown(peer->fd, SHUT_RDWR);
		peer->deadline = 0;
	}
	pthread_mutex_unlock(&p->lock);
}

unsigned peers_count(struct peers *p)
{
	pthread_mutex_lock(&p->lock);
	unsigned n = p->count;
	pthread_mutex_unlock(&p->lock);
	return n;
}
