// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/fair.h"

#include <stdbool.h>
#include <stdlib.h>

struct place {
	uint64_t owner;
	void *item; /* NULL: free */
	uint64_t order;
};

struct owner {
	uint64_t id;
	size_t waiting, running;
	uint64_t turn; /* the last one */
};

struct fair {
	size_t room, running, machine, count, owners;
	uint64_t order, turn;
	struct owner *owner; /* those with something waiting or running: 2 * room at most */
	struct place place[];
};

struct fair *fair_new(size_t room, size_t running, size_t machine)
{
	struct fair *f = calloc(1, sizeof(*f) + room * sizeof(f->place[0]));

	if (!f)
		return NULL;
	f->room = room;
	f->running = running;
	f->machine = machine;
	f->owner = calloc(2 * room, sizeof(*f->owner));
	if (!f->owner) {
		free(f);
		return NULL;
	}
	return f;
}

void fair_free(struct fair *f)
{
	if (!f)
		return;
	free(f->owner);
	free(f);
}

static struct owner *find(const struct fair *f, uint64_t id)
{
	for (size_t i = 0; i < f->owners; i++) {
		if (f->owner[i].id == id)
			return &f->owner[i];
	}
	return NULL;
}

static struct owner *find_or_add(struct fair *f, uint64_t id)
{
	struct owner *o = find(f, id);

	if (o || f->owners == 2 * f->room)
		return o;
	o = &f->owner[f->owners++];
	*o = (struct owner){ .id = id };
	return o;
}

static void forget_idle(struct fair *f, struct owner *o)
{
	if (!o->waiting && !o->running)
		*o = f->owner[--f->owners];
}

/* The oldest or the newest item of an owner. */
static struct place *place_of(struct fair *f, uint64_t owner, bool newest)
{
	struct place *best = NULL;

	for (size_t i = 0; i < f->room; i++) {
		struct place *p = &f->place[i];
		if (p->item && p->owner == owner && (!best || (p->order > best->order) == newest))
			best = p;
	}
	return best;
}

static void *take_out(struct fair *f, struct place *p)
{
	void *item = p->item;

	p->item = NULL;
	f->count--;
	find(f, p->owner)->waiting--;
	return item;
}

/* Room for an item of this owner, which has fewer than who loses one for it. */
static void *make_room(struct fair *f, const struct owner *of)
{
	struct owner *most = NULL;

	for (size_t i = 0; i < f->owners; i++) {
		if (!most || f->owner[i].waiting > most->waiting)
			most = &f->owner[i];
	}
	if (!most || most->waiting <= of->waiting + 1)
		return NULL;
	return take_out(f, place_of(f, most->id, true));
}

void *fair_push_take(struct fair *f, uint64_t id, void *item)
{
	struct owner *o = find_or_add(f, id);
	void *out = NULL;

	if (!o || (id && o->waiting >= (f->room + 3) / 4))
		return item;
	if (f->count == f->room && !(out = make_room(f, o))) {
		forget_idle(f, o);
		return item;
	}
	for (size_t i = 0; i < f->room; i++) {
		if (f->place[i].item)
			continue;
		f->place[i] = (struct place){ id, item, ++f->order };
		break;
	}
	o->waiting++;
	f->count++;
	return out;
}

void *fair_pop(struct fair *f, uint64_t *ret_owner)
{
	struct owner *next = NULL;

	for (size_t i = 0; i < f->owners; i++) {
		struct owner *o = &f->owner[i];
		size_t most = o->id ? f->running : f->machine;
		if (o->waiting && o->running < most && (!next || o->turn < next->turn))
			next = o;
	}
	if (!next)
		return NULL;
	next->turn = ++f->turn;
	next->running++;
	*ret_owner = next->id;
	return take_out(f, place_of(f, next->id, false));
}

void fair_done(struct fair *f, uint64_t id)
{
	struct owner *o = find(f, id);

	if (!o || !o->running)
		return;
	o->running--;
	forget_idle(f, o);
}

size_t fair_count(const struct fair *f)
{
	return f->count;
}

size_t fair_waiting(const struct fair *f, uint64_t owner)
{
	const struct owner *o = find(f, owner);

	return o ? o->waiting : 0;
}

size_t fair_running(const struct fair *f, uint64_t owner)
{
	const struct owner *o = find(f, owner);

	return o ? o->running : 0;
}
