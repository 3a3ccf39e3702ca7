// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "session/table.h"

#define BUCKETS_MIN 1024
/* Evidence about the socket comes within this of the write that it is about, if at all. */
#define HOLD_US	  500000
#define SECOND_US 1000000

struct sessions *sessions_new(const struct entry_sink *sink, const struct session_options *options)
{
	struct sessions *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->sink = *sink;
	all->size = BUCKETS_MIN;
	TAILQ_INIT(&all->busy);
	LIST_INIT(&all->alive);
	TAILQ_INIT(&all->waiting[0]);
	TAILQ_INIT(&all->waiting[1]);
	all->split_ends = options->split_ends;
	all->node = strdup(options->node);
	all->buckets = calloc(all->size, sizeof(*all->buckets));
	if (!all->node || !all->buckets || processes_init(&all->processes) ||
	    peer_table_init(&all->peers)) {
		sessions_free(all);
		return NULL;
	}
	return all;
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

static void leave_busy(struct session *s)
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
	leave_busy(s);
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
	leave_busy(s);
	set_alive(s, false);
}

void session_end(struct session *s, int64_t now_us)
{
	struct sessions *all = s->all;

	dissect_close(s->dissection, now_us);
	session_release(s);
	pair_end_session(s);
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
	struct process *p = NULL;
	struct session *s = NULL;

	if (all->stats.active < LIMIT_SESSIONS)
		p = processes_get(&all->processes, f->tgid);
	if (p)
		s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	if (all->stats.active >= all->size)
		grow(all);
	*s = (struct session){ .all = all,
			       .process = p,
			       .id = f->id,
			       .gen = f->gen,
			       .library = "",
			       .how = "unknown",
			       .tls = true,
			       .lock = LOCK_OPEN };
	process_ref(&all->processes, p);
	s->number = process_number(p, f->id);
	LIST_INSERT_HEAD(&p->sessions, s, of_process);
	struct session **at = slot(all, f->tgid, f->id);
	s->next = *at;
	*at = s;
	all->stats.active++;
	all->stats.opened++;
	return s;
}

void sessions_set_container(struct sessions *s, uint32_t tgid, const char *container)
{
	struct process *p = processes_get(&s->processes, tgid);

	if (!p)
		return;
	free(p->container);
	p->container = container && *container ? strdup(container) : NULL;
}

static void tick_alive(struct sessions *all, int64_t now_us)
{
	for (struct session *s = LIST_FIRST(&all->alive), *next; s; s = next) {
		next = LIST_NEXT(s, of_alive);
		dissect_tick(s->dissection, now_us);
		session_mark_alive(s);
	}
}

static void tick_busy(struct sessions *all, int64_t now_us)
{
	struct session *s;

	TAILQ_FOREACH(s, &all->busy, of_busy)
	{
		if (s->last_us + HOLD_US >= now_us)
			break;
		session_release(s);
	}
	while ((s = TAILQ_FIRST(&all->busy)) &&
	       s->last_us + LIMIT_SESSION_IDLE_SECONDS * SECOND_US < now_us) {
		leave_busy(s);
		dissect_idle(s->dissection, now_us);
		session_mark_alive(s);
		session_release(s);
	}
}

void sessions_tick(struct sessions *all, int64_t now_us)
{
	all->now_us = now_us;
	tick_alive(all, now_us);
	pair_tick(all);
	if (all->ticked_us && now_us - all->ticked_us < SECOND_US)
		return;
	all->ticked_us = now_us;
	tick_busy(all, now_us);
	peer_table_expire(&all->peers, &all->processes, now_us);
}

static void end_all(struct sessions *all)
{
	all->ending = true;
	for (size_t i = 0; i < all->size; i++)
		while (all->buckets[i])
			session_end(all->buckets[i], all->buckets[i]->last_us);
}

void sessions_free(struct sessions *all)
{
	if (!all)
		return;
	if (all->buckets)
		end_all(all);
	free(all->buckets);
	if (all->peers.buckets)
		peer_table_free(&all->peers, &all->processes);
	processes_free(&all->processes);
	free(all->node);
	free(all);
}

struct session_stats sessions_stats(const struct sessions *s)
{
	struct session_stats stats = s->stats;

	stats.live = s->live_use;
	return stats;
}
