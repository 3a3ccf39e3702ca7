// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "session/complete.h"
#include "session/memory.h"
#include "session/pair.h"
#include "session/table.h"
#include "session/told_wire.h"
#include "session/twin.h"

/* Evidence about the socket comes within this of the write that it is about, if at all. */
#define HOLD_US	  500000
#define SECOND_US 1000000

struct sessions *sessions_new(const struct entry_sink *sink, const struct session_options *options)
{
	struct sessions *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->sink = *sink;
	TAILQ_INIT(&all->waiting[0]);
	TAILQ_INIT(&all->waiting[1]);
	all->split_ends = options->split_ends;
	all->wire = options->wire;
	all->node = strdup(options->node);
	if (!all->node || table_init(all) || twin_table_init(&all->twin_table) ||
	    processes_init(&all->processes) || peer_table_init(&all->peers)) {
		sessions_free(all);
		return NULL;
	}
	return all;
}

void sessions_set_container(struct sessions *s, uint32_t tgid, const char *container)
{
	struct process *p = processes_get(&s->processes, tgid);

	if (!p)
		return;
	free(p->container);
	p->container = container && *container ? strdup(container) : NULL;
}

bool sessions_unbound(const struct sessions *s, uint32_t tgid)
{
	return tgid && s->unbound[tgid % UNBOUND] == tgid;
}

const char *sessions_container(const struct sessions *s, uint32_t tgid)
{
	const struct process *p = processes_find(&s->processes, tgid);

	return p ? p->container : NULL;
}

static void tick_alive(struct sessions *all, int64_t now_us)
{
	for (struct session *s = LIST_FIRST(&all->alive), *next; s; s = next) {
		next = LIST_NEXT(s, of_alive);
		dissect_tick(s->dissection, now_us);
		memory_weigh(s);
		session_mark_alive(s);
	}
}

static void tick_busy(struct sessions *all, int64_t now_us)
{
	struct session *s;

	TAILQ_FOREACH(s, &all->busy, of_busy)
	told_wire(s);
	TAILQ_FOREACH(s, &all->busy, of_busy)
	{
		if (s->last_us + HOLD_US >= now_us)
			break;
		session_release(s);
		memory_weigh(s);
	}
	while ((s = TAILQ_FIRST(&all->busy)) &&
	       s->last_us + LIMIT_SESSION_IDLE_SECONDS * SECOND_US < now_us) {
		session_leave_busy(s);
		dissect_idle(s->dissection, now_us);
		session_mark_alive(s);
		session_release(s);
		memory_weigh(s);
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

void sessions_free(struct sessions *all)
{
	if (!all)
		return;
	all->ending = true;
	table_free(all);
	for (size_t i = 0; i < FLOW_OWNERS; i++)
		free(all->sharers[i]);
	if (all->peers.buckets)
		peer_table_free(&all->peers, &all->processes);
	processes_free(&all->processes);
	twin_table_free(&all->twin_table);
	free(all->node);
	free(all);
}

struct session_stats sessions_stats(const struct sessions *s)
{
	struct session_stats stats = s->stats;

	stats.live_open = s->live_use.open;
	stats.live_refused = s->live_use.refused;
	stats.live_gave_way = s->live_use.gave_way;
	stats.no_memory = s->live_use.no_memory;
	stats.live_inflaters = s->live_use.inflaters;
	stats.live_inflaters_refused = s->live_use.inflaters_refused;
	stats.pair_waiting = s->twins.taken;
	stats.pair_bytes = s->twin_bytes.taken;
	stats.held_bytes = memory_held(s);
	stats.held_limit = LIMIT_SESSIONS_MEMORY;
	return stats;
}
