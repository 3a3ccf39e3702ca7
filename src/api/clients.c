// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/clients.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"

struct client {
	TAILQ_ENTRY(client) order;
	struct clients *of;
	int fd;
	unsigned char source[16];
	bool known, cut;
	int64_t deadline_ms; /* INT64_MAX: none */
};

TAILQ_HEAD(client_list, client);

struct clients {
	pthread_mutex_t lock;
	struct client_list strangers, known;  /* oldest first */
	unsigned stranger_count, known_count; /* without those that are cut */
	struct clients_numbers numbers;
};

struct clients *clients_new(void)
{
	struct clients *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	TAILQ_INIT(&p->strangers);
	TAILQ_INIT(&p->known);
	return p;
}

void clients_free(struct clients *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* An address, of IPv6 the part that its owner cannot choose; the same for all that have none. */
static void put_source(const struct sockaddr *from, unsigned char out[16])
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

	if (from && from->sa_family == AF_INET)
		memcpy(out, &in4->sin_addr, 4);
	else if (from && from->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		memcpy(out, in6->sin6_addr.s6_addr + 12, 4);
	else if (from && from->sa_family == AF_INET6)
		memcpy(out + 8, in6->sin6_addr.s6_addr, 8);
}

/* The descriptor cannot be another connection's: it is closed after clients_remove(). */
static void cut(struct client *client)
{
	struct clients *p = client->of;

	client->cut = true;
	client->deadline_ms = INT64_MAX;
	--*(client->known ? &p->known_count : &p->stranger_count);
	shutdown(client->fd, SHUT_RDWR);
}

/* The oldest stranger from there (NULL: from anywhere) gives way when they are too many. */
static void make_room(struct clients *p, const unsigned char *source, unsigned limit)
{
	struct client *oldest = NULL, *c;
	unsigned n = 0;

	TAILQ_FOREACH(c, &p->strangers, order)
	{
		if (c->cut || (source && memcmp(c->source, source, sizeof(c->source))))
			continue;
		oldest = oldest ? oldest : c;
		n++;
	}
	if (n <= limit)
		return;
	cut(oldest);
	p->numbers.displaced++;
}

struct client *clients_add(struct clients *p, int fd, const struct sockaddr *from)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->of = p;
	client->fd = fd;
	put_source(from, client->source);
	client->deadline_ms = clock_ms(CLOCK_MONOTONIC) + LIMIT_HEAD_SECONDS * 1000;
	pthread_mutex_lock(&p->lock);
	TAILQ_INSERT_TAIL(&p->strangers, client, order);
	p->stranger_count++;
	p->numbers.open++;
	make_room(p, client->source, LIMIT_SOURCE_STRANGERS);
	if (p->stranger_count > LIMIT_HTTP_STRANGERS)
		make_room(p, NULL, LIMIT_HTTP_STRANGERS);
	pthread_mutex_unlock(&p->lock);
	return client;
}

void clients_remove(struct client *client)
{
	if (!client)
		return;
	struct clients *p = client->of;
	pthread_mutex_lock(&p->lock);
	TAILQ_REMOVE(client->known ? &p->known : &p->strangers, client, order);
	if (!client->cut)
		--*(client->known ? &p->known_count : &p->stranger_count);
	p->numbers.open--;
	pthread_mutex_unlock(&p->lock);
	free(client);
}

/* later: also when there is an earlier one. */
static void set_deadline(struct client *client, int64_t at_ms, bool later)
{
	if (!client)
		return;
	pthread_mutex_lock(&client->of->lock);
	if (!client->cut && (later || at_ms < client->deadline_ms))
		client->deadline_ms = at_ms;
	pthread_mutex_unlock(&client->of->lock);
}

void clients_begin(struct client *client)
{
	set_deadline(client, clock_ms(CLOCK_MONOTONIC) + LIMIT_HEAD_SECONDS * 1000, false);
}

void clients_head(struct client *client)
{
	set_deadline(client, clock_ms(CLOCK_MONOTONIC) + LIMIT_REQUEST_SECONDS * 1000, true);
}

void clients_complete(struct client *client)
{
	set_deadline(client, INT64_MAX, true);
}

void clients_idle(struct client *client)
{
	set_deadline(client, clock_ms(CLOCK_MONOTONIC) + LIMIT_HTTP_IDLE_SECONDS * 1000, true);
}

void clients_know(struct client *client)
{
	if (!client)
		return;
	struct clients *p = client->of;
	pthread_mutex_lock(&p->lock);
	if (!client->known && !client->cut) {
		client->known = true;
		TAILQ_REMOVE(&p->strangers, client, order);
		TAILQ_INSERT_TAIL(&p->known, client, order);
		p->stranger_count--;
		p->known_count++;
	}
	pthread_mutex_unlock(&p->lock);
}

bool clients_full(struct client *client)
{
	if (!client)
		return true;
	pthread_mutex_lock(&client->of->lock);
	bool full = !client->known && client->of->known_count >= LIMIT_HTTP_CONNS;
	pthread_mutex_unlock(&client->of->lock);
	return full;
}

static void expire(struct clients *p, struct client_list *list, int64_t now_ms)
{
	struct client *c;

	TAILQ_FOREACH(c, list, order)
	{
		if (c->deadline_ms > now_ms)
			continue;
		cut(c);
		p->numbers.late++;
	}
}

void clients_expire(struct clients *p)
{
	int64_t now_ms = clock_ms(CLOCK_MONOTONIC);

	pthread_mutex_lock(&p->lock);
	expire(p, &p->strangers, now_ms);
	expire(p, &p->known, now_ms);
	pthread_mutex_unlock(&p->lock);
}

struct clients_numbers clients_numbers(struct clients *p)
{
	pthread_mutex_lock(&p->lock);
	struct clients_numbers n = p->numbers;
	pthread_mutex_unlock(&p->lock);
	return n;
}
