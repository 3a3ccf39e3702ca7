// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/memory.h"

#include <stdlib.h>

#include "base/limits.h"
#include "entry.h"
#include "session/complete.h"
#include "session/table.h"

/* What is let go at once: each time costs a look at all that the connection has. */
#define PART 16
/* Connections that hold less are not told apart by size. */
#define SMALL 16384

static struct sharer *sharer_new(struct sessions *all)
{
	struct sharer *of = calloc(1, sizeof(*of));

	if (!of)
		return NULL;
	of->memory = (struct share){ .of = &all->memory, .holder = of };
	of->twins = (struct share){ .of = &all->twins, .holder = of };
	of->twin_bytes = (struct share){ .of = &all->twin_bytes, .holder = of };
	live_use_init(&of->lives, &all->live_use, &all->lives);
	TAILQ_INIT(&of->waiting[0]);
	TAILQ_INIT(&of->waiting[1]);
	return of;
}

struct sharer *sharer_get(struct sessions *all, uint32_t number)
{
	struct sharer **of = &all->sharers[number < FLOW_OWNERS ? number : 0];

	if (!*of)
		*of = sharer_new(all);
	return *of;
}

/* By powers of two; what is small, as nearly all is, does not move about with each record. */
static unsigned class_of(size_t weight)
{
	return weight < SMALL ? 0 : 31 - (unsigned)__builtin_clz((uint32_t)weight);
}

static void set_weight(struct session *s, size_t weight)
{
	size_t was = s->weight;
	bool moves = !was || !weight || class_of(was) != class_of(weight);

	s->weight = (uint32_t)weight;
	share_change(&session_sharer(s)->memory, was, weight);
	if (was && moves)
		LIST_REMOVE(s, of_weight);
	if (weight && moves)
		LIST_INSERT_HEAD(&session_sharer(s)->weights[class_of(weight)], s, of_weight);
}

void memory_weigh(struct session *s)
{
	size_t weight = s->memory;

	for (const struct entry *e = s->held; e; e = e->next)
		weight += entry_bytes(e);
	if (weight != s->weight)
		set_weight(s, weight);
}

void memory_forget(struct session *s)
{
	set_weight(s, 0);
}

size_t memory_held(const struct sessions *all)
{
	return all->memory.taken + all->twin_bytes.taken;
}

/* Up to a factor of two. */
static struct session *largest(const struct sessions *all)
{
	const struct share *share = share_largest(&all->memory);
	const struct sharer *of = share ? share->holder : NULL;

	for (unsigned class = MEMORY_CLASSES; of && class -- > 0;)
		if (!LIST_EMPTY(&of->weights[class]))
			return LIST_FIRST(&of->weights[class]);
	return NULL;
}

/* Its other end may have what this one tells no more. */
static void cut(struct session *s)
{
	s->cutting = true;
	dissect_cut(s->dissection, s->all->now_us);
	session_release(s);
	s->cutting = false;
	for (int dir = 0; dir < 2; dir++)
		sight_miss(&s->sight, (enum dir)dir, 0, s->sight.expected[dir]);
	s->all->stats.cut_short++;
}

static void give_way(struct session *s)
{
	size_t before = s->weight;

	session_release(s);
	dissect_give_way(s->dissection, s->all->now_us);
	memory_weigh(s);
	if (s->weight <= before / 2) {
		s->all->stats.gave_way++;
		return;
	}
	cut(s);
	session_mark_alive(s);
	memory_weigh(s);
}

void memory_keep_bound(struct sessions *all)
{
	struct session *s;

	if (memory_held(all) <= LIMIT_SESSIONS_MEMORY)
		return;
	while (memory_held(all) > LIMIT_SESSIONS_MEMORY - LIMIT_SESSIONS_MEMORY / PART &&
	       (s = largest(all)))
		give_way(s);
}
