// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "session/complete.h"
#include "session/memory.h"
#include "session/pair.h"
#include "session/told_wire.h"

#define BUCKETS_MIN 1024

int table_init(struct sessions *all)
{
	all->size = BUCKETS_MIN;
	all->buckets = calloc(all->size, sizeof(*all->buckets));
	TAILQ_INIT(&all->busy);
	LIST_INIT(&all->alive);
	return all->buckets ? 0 : -ENOMEM;
}

static struct session **slot(const struct sessions *all, uint32_t tgid, uint64_t id)
{
	return &all->buckets[hash_words(id, tgid) & (all->size - 1)];
}

struct session *session_find(const struct sessions *all, const struct flow *f)
{
	struct session *s = *slot(all, f->tgid, f->id);

	while (s && (s->id != f->id || s->process->tgid != f->tgid))
		s = s->next;
	return s;
}

static void grow(struct sessions *all)
{
	size_t old_size = all->size;
	struct session **old = all->buckets, **buckets = calloc(2 * old_size, sizeof(*buckets));

	if (!buckets)
		return;
	all->buckets = buckets;
	all->size = 2 * old_size;
	for (size_t i = 0; i < old_size; i++) {
		for (struct session *s = old[i], *next; s; s = next) {
			next = s->next;
			struct session **at = slot(all, s->process->tgid, s->id);
			s->next = *at;
			*at = s;
		}
	}
	free(old);
}

void session_leave_busy(struct session *s)
{
	if (s->busy)
		TAILQ_REMOVE(&s->all->busy, s, of_busy);
	s->busy = false;
}

void session_touch(struct session *s, int64_t now_us)
{
	struct sessions *all = s->all;

	s->last_us = now_us;
	if (TAILQ_LAST(&all->busy, busy) == s)
		return;
	session_leave_busy(s);
	TAILQ_INSERT_TAIL(&all->busy, s, of_busy);
	s->busy = true;
}

static void set_alive(struct session *s, bool alive)
{
	if (s->alive == alive)
		return;
	if (alive)
		LIST_INSERT_HEAD(&s->all->alive, s, of_alive);
	else
		LIST_REMOVE(s, of_alive);
	s->alive = alive;
}

void session_mark_alive(struct session *s)
{
	set_alive(s, s->dissection && dissect_alive(s->dissection));
}

static void unlink_session(struct session *s)
{
	struct session **at = slot(s->all, s->process->tgid, s->id);

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	LIST_REMOVE(s, of_process);
	session_leave_busy(s);
	set_alive(s, false);
}

void session_end(struct session *s, int64_t now_us)
{
	struct sessions *all = s->all;

	dissect_close(s->dissection, now_us);
	session_release(s);
	pair_end_session(s);
	told_wire(s);
	memory_forget(s);
	unlink_session(s);
	if (s->peer)
		peer_table_end(&all->peers, &all->processes, s->peer, now_us);
	process_unref(&all->processes, s->process);
	free(s);
	all->stats.active--;
	all->stats.closed++;
}

struct session *session_new(struct sessions *all, const struct flow *f)
{
	bool known = sharer_get(all, f->owner) != NULL;
	struct process *p = NULL;
	struct session *s = NULL;

	if (known && all->stats.active < LIMIT_SESSIONS)
		p = processes_get(&all->processes, f->tgid);
	if (p)
		s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	if (all->stats.active >= all->size)
		grow(all);
	*s = (struct session){ .all = all,
			       .owner = f->owner < FLOW_OWNERS ? (uint16_t)f->owner : 0,
			       .process = p,
			       .id = f->id,
			       .gen = f->gen,
			       .library = "",
			       .how = "unknown",
			       .tls = true,
			       .lock = LOCK_OPEN };
	process_ref(&all->processes, p);
	s->number = process_number(&all->processes, p, f->id);
	LIST_INSERT_HEAD(&p->sessions, s, of_process);
	struct session **at = slot(all, f->tgid, f->id);
	s->next = *at;
	*at = s;
	all->stats.active++;
	all->stats.opened++;
	return s;
}

void table_free(struct sessions *all)
{
	for (size_t i = 0; all->buckets && i < all->size; i++)
		while (all->buckets[i])
			session_end(all->buckets[i], all->buckets[i]->last_us);
	free(all->buckets);
}
