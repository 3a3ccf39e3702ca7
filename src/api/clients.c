// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"

struct client {
	struct client *next, **link;
	int fd;
	time_t deadline; /* 0: none */
};

struct clients {
	pthread_mutex_t lock;
	struct client *first;
	unsigned count;
};

struct clients *clients_new(void)
{
	struct clients *p = calloc(1, sizeof(*p));

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

void clients_free(struct clients *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct client *clients_add(struct clients *p, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->fd = fd;
	client->deadline = (time_t)(clock_ms(CLOCK_MONOTONIC) / 1000) + LIMIT_REQUEST_SECONDS;
	pthread_mutex_lock(&p->lock);
	client->next = p->first;
	client->link = &p->first;
	if (p->first)
		p->first->link = &client->next;
	p->first = client;
	p->count++;
	pthread_mutex_unlock(&p->lock);
	return client;
}

void clients_remove(struct clients *p, struct client *client)
{
	if (!client)
		return;
	pthread_mutex_lock(&p->lock);
	*client->link = client->next;
	if (client->next)
		client->next->link = client->link;
	p->count--;
	pthread_mutex_unlock(&p->lock);
	free(client);
}

static void set_deadline(struct clients *p, struct client *client, time_t deadline)
{
	if (!client)
		return;
	pthread_mutex_lock(&p->lock);
	client->deadline = deadline;
	pthread_mutex_unlock(&p->lock);
}

void clients_begin(struct clients *p, struct client *client)
{
	set_deadline(p, client, (time_t)(clock_ms(CLOCK_MONOTONIC) / 1000) + LIMIT_REQUEST_SECONDS);
}

void clients_complete(struct clients *p, struct client *client)
{
	set_deadline(p, client, 0);
}

void clients_idle(struct clients *p, struct client *client)
{
	set_deadline(p, client,
		     (time_t)(clock_ms(CLOCK_MONOTONIC) / 1000) + LIMIT_HTTP_IDLE_SECONDS);
}

void clients_expire(struct clients *p)
{
	time_t now = (time_t)(clock_ms(CLOCK_MONOTONIC) / 1000);

	/* The descriptor cannot be another connection's: it is closed after clients_remove(). */
	pthread_mutex_lock(&p->lock);
	for (struct client *client = p->first; client; client = client->next) {
		if (!client->deadline || client->deadline > now)
			continue;
		shutdown(client->fd, SHUT_RDWR);
		client->deadline = 0;
	}
	pthread_mutex_unlock(&p->lock);
}

unsigned clients_count(struct clients *p)
{
	pthread_mutex_lock(&p->lock);
	unsigned n = p->count;
	pthread_mutex_unlock(&p->lock);
	return n;
}
