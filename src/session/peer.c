// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "session/connection.h"

#define BUCKETS 16384

int peer_table_init(struct peers *t)
{
	*t = (struct peers){ .size = BUCKETS };
	if (getrandom(&t->key, sizeof(t->key), 0) != sizeof(t->key))
		return -EIO;
	t->buckets = calloc(t->size, sizeof(*t->buckets));
	return t->buckets ? 0 : -ENOMEM;
}

struct address address_make(uint8_t family, const uint8_t ip[16], uint16_t port)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address a = { .port = port, .family = family };

	if (family == 6 && !memcmp(ip, mapped, 12)) {
		a.family = 4;
		memcpy(a.ip, ip + 12, 4);
	} else {
		memcpy(a.ip, ip, family == 4 ? 4 : 16);
	}
	return a;
}

static bool address_equal(const struct address *a, const struct address *b)
{
	return a->port == b->port && a->family == b->family && !memcmp(a->ip, b->ip, 16);
}

static bool is_loopback(const struct address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == 4 ? a->ip[0] == 127 : !memcmp(a->ip, one, 16);
}

/* Keyed: a peer chooses its addresses and ports. */
static struct peer **slot(const struct peers *t, const struct address *local,
			  const struct address *remote)
{
	uint8_t ends[2 * (sizeof(local->ip) + sizeof(local->port))], *at = ends;

	at = mempcpy(at, local->ip, sizeof(local->ip));
	at = mempcpy(at, &local->port, sizeof(local->port));
	at = mempcpy(at, remote->ip, sizeof(remote->ip));
	memcpy(at, &remote->port, sizeof(remote->port));
	return &t->buckets[siphash(&t->key, ends, sizeof(ends)) & (t->size - 1)];
}

struct peer *peer_table_add(struct peers *t, struct processes *processes, struct process *process,
			    const struct address *local, const struct address *remote,
			    uint32_t netns)
{
	char here[INET6_ADDRSTRLEN], there[INET6_ADDRSTRLEN];

	inet_ntop(local->family == 4 ? AF_INET : AF_INET6, local->ip, here, sizeof(here));
	inet_ntop(remote->family == 4 ? AF_INET : AF_INET6, remote->ip, there, sizeof(there));
	size_t here_size = strlen(here) + 1, there_size = strlen(there) + 1;
	struct peer *p = calloc(1, sizeof(*p) + here_size + there_size);
	if (!p)
		return NULL;
	p->remote_at = (uint8_t)here_size;
	memcpy(p->texts, here, here_size);
	memcpy(p->texts + here_size, there, there_size);
	p->process = process;
	p->local = *local;
	p->remote = *remote;
	p->netns = netns;
	process_ref(processes, process);
	struct peer **at = slot(t, local, remote);
	p->next = *at;
	*at = p;
	t->count++;
	return p;
}

static void leave_ended(struct peers *t, struct peer *p)
{
	*(p->older ? &p->older->newer : &t->oldest) = p->newer;
	*(p->newer ? &p->newer->older : &t->newest) = p->older;
	t->ended--;
}

static void set_apart(struct peers *t, struct peer *p)
{
	struct peer **at = slot(t, &p->local, &p->remote);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	p->apart = true;
}

void peer_table_remove(struct peers *t, struct processes *processes, struct peer *p)
{
	if (!p->apart)
		set_apart(t, p);
	if (p->ended)
		leave_ended(t, p);
	process_unref(processes, p->process);
	free(p);
	t->count--;
}

static void limit(struct peer *p, int64_t until_us)
{
	if (!p->until_us || until_us < p->until_us)
		p->until_us = until_us;
}

void peer_table_part(struct peers *t, struct peer *p)
{
	if (p->session && p->session->last_us > p->ended_us)
		p->ended_us = p->session->last_us;
	for (struct peer *q = *slot(t, &p->remote, &p->local); q; q = q->next)
		if (address_equal(&q->local, &p->remote) && address_equal(&q->remote, &p->local) &&
		    q->begun_us <= p->ended_us)
			limit(q, p->ended_us);
}

void peer_table_end(struct peers *t, struct processes *processes, struct peer *p, int64_t now_us)
{
	peer_table_part(t, p);
	limit(p, now_us);
	p->ended = true;
	p->session = NULL;
	p->ended_us = now_us;
	p->older = t->newest;
	p->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = p;
	t->newest = p;
	if (++t->ended > LIMIT_PEERS)
		peer_table_remove(t, processes, t->oldest);
}

void peer_table_expire(struct peers *t, struct processes *processes, int64_t now_us)
{
	while (t->oldest && t->oldest->ended_us + LIMIT_PEER_SECONDS * 1000000LL < now_us)
		peer_table_remove(t, processes, t->oldest);
}

void peer_table_free(struct peers *t, struct processes *processes)
{
	while (t->oldest)
		peer_table_remove(t, processes, t->oldest);
	free(t->buckets);
}

void peer_table_replace(struct peers *t, struct peer *p, void (*over)(struct session *s))
{
	struct peer *next;
	unsigned same = 0;

	for (struct peer *q = *slot(t, &p->local, &p->remote); q; q = next) {
		next = q->next;
		if (q == p || q->netns != p->netns || !address_equal(&q->local, &p->local) ||
		    !address_equal(&q->remote, &p->remote))
			continue;
		/* Newer ones come first; a program may put any number on one socket. */
		if (++same == LIMIT_PEER_SAME)
			set_apart(t, q);
		if (q->ended)
			continue;
		q->replaced = true;
		peer_table_part(t, q);
		limit(q, q->ended_us);
		if (q->session)
			over(q->session);
	}
}

/* May both be ends of one connection, as far as times tell? */
static bool overlap(const struct peer *p, const struct peer *q)
{
	return (!q->until_us || p->begun_us <= q->until_us) &&
	       (!p->until_us || q->begun_us <= p->until_us);
}

/*
 * A live socket counts before an ended one, the latest before an earlier one. In another network
 * namespace the same addresses mean the same connection unless they are loopback addresses, or
 * occur in several.
 */
struct peer *peer_table_other_end(const struct peers *t, const struct peer *p)
{
	struct peer *same = NULL, *elsewhere = NULL;
	bool several = false;

	for (struct peer *q = *slot(t, &p->remote, &p->local); q; q = q->next) {
		if (q == p || !address_equal(&q->local, &p->remote) ||
		    !address_equal(&q->remote, &p->local) || !overlap(p, q))
			continue;
		struct peer **best = q->netns == p->netns ? &same : &elsewhere;
		several |= best == &elsewhere && elsewhere && elsewhere->netns != q->netns;
		if (!*best || (((*best)->ended || (*best)->replaced) && !q->ended && !q->replaced))
			*best = q;
	}
	if (same)
		return same;
	return several || is_loopback(&p->local) || is_loopback(&p->remote) ? NULL : elsewhere;
}
