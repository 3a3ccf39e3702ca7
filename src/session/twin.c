// SPDX-License-Identifier: GPL-2.0-or-later
/* When and how what one or both ends tell of an exchange goes on. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "session/session_name.h"
#include "session/twin.h"

static void send_on(struct sessions *all, struct entry *e)
{
	all->stats.entries += !e->open;
	all->sink.emit(all->sink.ctx, e);
}

void entry_send_alone(struct sessions *all, struct entry *e)
{
	e->ends = !strcmp(e->role, "client")   ? "client"
		  : !strcmp(e->role, "server") ? "server"
					       : "";
	send_on(all, e);
}

void pair_send_alone(struct pair *p, struct entry *e)
{
	if (p->name.number && !strcmp(e->role, "server"))
		e->connection = session_name_text(e, &p->name);
	entry_send_alone(p->all, e);
}

void twin_stop_waiting(struct twin *t)
{
	struct sessions *all = t->pair->all;

	if (!t->waits)
		return;
	TAILQ_REMOVE(&all->waiting[t->waits - 1], t, of_waiting);
	TAILQ_REMOVE(&t->pair->sharer->waiting[t->waits - 1], t, of_sharer);
	share_change(&t->pair->sharer->twin_bytes, t->bytes, 0);
	t->waits = 0;
}

void twin_free(struct twin *t)
{
	twin_stop_waiting(t);
	twin_unindex(t);
	TAILQ_REMOVE(&t->pair->twins, t, of_pair);
	share_change(&t->pair->sharer->twins, 1, 0);
	t->pair->count--;
	entry_free(t->entry[0]);
	entry_free(t->entry[1]);
	free(t);
}

void pair_count_cause(struct session_stats *stats, enum pair_cause cause)
{
	uint64_t *const by[] = {
		[BY_TIME] = &stats->unpaired_time,    [BY_END] = &stats->unpaired_ended,
		[BY_LOSS] = &stats->unpaired_lost,    [BY_LATE] = &stats->unpaired_late,
		[BY_BYTES] = &stats->unpaired_differ, [BY_BOUND] = &stats->unpaired_bound
	};

	++*by[cause];
}

/* An end that lost records, or came late, cannot tell of what it did not see. */
static enum pair_cause refine(const struct pair *p, enum pair_end silent, enum pair_cause cause)
{
	if (cause != BY_TIME && cause != BY_END)
		return cause;
	if (sight_has_hole(pair_sight(p, silent)))
		return BY_LOSS;
	return p->aligned ? cause : BY_LATE;
}

/* The bodies went with versions that nobody has. */
static void forget_kept(struct entry *e)
{
	for (int i = 0; i < 2; i++) {
		if (!e->body_kept[i])
			continue;
		e->body_kept[i] = false;
		e->complete = false;
		e->reason = "the client did not tell the end of it; bodies not kept";
	}
}

/*
 * An end that was told while it went on, before this twin was there, was told under its own number:
 * that is kept, unless the other end's is told under it.
 */
static void own_number(struct twin *t, struct entry *e)
{
	if (t->shown) {
		e->live = t->used = t->shown;
		t->shown = 0;
	} else if (e->live == t->used) {
		e->live = 0;
	}
}

/*
 * The finished version of one end goes on alone; t stays to know what the other has yet to tell of
 * it. Opaque bytes that the client's end has as well, cut at other places, are not shown twice.
 */
static void tell_one(struct twin *t, enum pair_end end, enum pair_cause cause)
{
	static const char *const remark[] = {
		"not seen at the server's end, where records were lost",
		"not seen at the client's end, where records were lost",
	};
	struct pair *p = t->pair;
	struct entry *e = t->entry[end];
	bool absorbed =
		t->opaque && end == END_SERVER && !t->shown && pair_covers(p, END_CLIENT, t);

	twin_stop_waiting(t);
	t->entry[end] = NULL;
	if (absorbed) {
		p->all->stats.absorbed++;
		entry_free(e);
	} else {
		cause = refine(p, !end, cause);
		pair_count_cause(&p->all->stats, cause);
		if (cause == BY_LOSS)
			e->remark = remark[end];
		if (end == END_SERVER && t->dropped)
			forget_kept(e);
		own_number(t, e);
		t->told = true;
		t->whole = e->complete;
		pair_send_alone(p, e);
	}
	if (!t->begun[!end])
		twin_free(t);
}

/* Whatever of it is finished goes on; t may be gone then. */
void twin_tell_apart(struct twin *t, enum pair_cause cause)
{
	bool both = t->begun[0] && t->begun[1], all = t->entry[0] && t->entry[1];

	for (int end = 0; end < 2; end++) {
		if (!t->entry[end])
			continue;
		tell_one(t, (enum pair_end)end, cause);
		if (!both)
			return;
	}
	if (all)
		twin_free(t);
}

void pair_tell_all(struct pair *p, enum pair_cause cause)
{
	for (struct twin *t = TAILQ_FIRST(&p->twins), *next; t; t = next) {
		next = TAILQ_NEXT(t, of_pair);
		twin_tell_apart(t, cause);
	}
}

/* What the other end told as the end of it was all there is, or it told less than this. */
void twin_tell_late(struct twin *t, struct entry *e)
{
	struct sessions *all = t->pair->all;

	if (t->whole || !e->complete || e->body_kept[0] || e->body_kept[1]) {
		all->stats.absorbed++;
		entry_free(e);
	} else {
		own_number(t, e);
		pair_send_alone(t->pair, e);
	}
	twin_free(t);
}

/* Opaque bytes may be cut at other places: the client's count, unless the server's tell more. */
static bool cut_apart(const struct twin *t)
{
	const struct entry_part *c = t->part[END_CLIENT], *s = t->part[END_SERVER];

	return t->opaque && (c[0].length != s[0].length || c[1].length != s[1].length);
}

/*
 * What an end told has only one of the messages, since it could not tell which other one belongs to
 * it: that comes by itself, and has been told by then.
 */
static bool awaits_rest(struct twin *t)
{
	for (int end = 0; end < 2; end++)
		for (int i = 0; i < 2; i++) {
			if (t->part[end][i].seen || !t->part[!end][i].seen ||
			    !sight_has_hole(pair_sight(t->pair, end)))
				continue;
			t->begun[end] = false;
			twin_index(t);
			t->told = t->whole = true;
			return true;
		}
	return false;
}

/* Both were told while they went on, each by itself, before it was known that they are one. */
static bool were_alone(const struct twin *t)
{
	return !t->shown && t->entry[0]->live && t->entry[1]->live;
}

static void tell_both(struct twin *t)
{
	struct pair *p = t->pair;
	bool differs = twin_differs(t);
	uint64_t shown = t->shown ? t->shown : t->entry[0]->live | t->entry[1]->live;

	if (differs && !p->verified && !cut_apart(t)) {
		p->broken = true;
		pair_tell_all(p, BY_BYTES);
		return;
	}
	if (cut_apart(t) || were_alone(t)) {
		twin_tell_apart(t, cut_apart(t) ? BY_BYTES : BY_TIME);
		return;
	}
	p->verified |= twin_verifies(t);
	twin_stop_waiting(t);
	struct entry *e = twin_merge(t, differs);
	e->live = t->used = shown;
	p->all->stats.paired++;
	if (!awaits_rest(t))
		twin_free(t);
	send_on(p->all, e);
}

void pair_keep_bound(struct sessions *all)
{
	while (all->twin_bytes.taken > LIMIT_PAIR_BYTES) {
		struct sharer *of = share_largest(&all->twin_bytes)->holder;
		struct twin *t = TAILQ_FIRST(&of->waiting[0]);
		twin_tell_apart(t ? t : TAILQ_FIRST(&of->waiting[1]), BY_BOUND);
	}
}

bool twin_make_place(struct sessions *all, struct sharer *of)
{
	if (share_allows(&of->twins, LIMIT_TWINS))
		return true;
	if (of->twins.taken < LIMIT_TWINS / LIMIT_SHARE)
		of = share_largest(&all->twins)->holder;
	/* One that the other end has begun would stay, to know what is told late. */
	struct twin *t = TAILQ_FIRST(&of->waiting[0]);
	if (t)
		twin_tell_apart(t, BY_BOUND);
	return t != NULL;
}

void twin_wait(struct twin *t, enum pair_end end, int list)
{
	struct sessions *all = t->pair->all;

	twin_stop_waiting(t);
	t->since_us = all->now_us;
	t->bytes = entry_bytes(t->entry[end]);
	t->waits = (uint8_t)(list + 1);
	share_change(&t->pair->sharer->twin_bytes, 0, t->bytes);
	TAILQ_INSERT_TAIL(&all->waiting[list], t, of_waiting);
	TAILQ_INSERT_TAIL(&t->pair->sharer->waiting[list], t, of_sharer);
}

/* An end has finished it, or its twin was found. */
void twin_settle(struct twin *t)
{
	struct pair *p = t->pair;

	if (t->entry[0] && t->entry[1]) {
		tell_both(t);
		return;
	}
	enum pair_end end = t->entry[END_CLIENT] ? END_CLIENT : END_SERVER;
	if (!t->entry[end])
		return;
	if (!p->session[!end])
		twin_tell_apart(t, BY_END);
	else
		twin_wait(t, end, t->begun[!end]);
}

/* A version of what goes on. Those of one end are told, the client's once it has some. */
void twin_tell_open(struct twin *t, enum pair_end end, struct entry *e)
{
	struct pair *p = t->pair;
	const struct session *client = p->session[END_CLIENT];
	bool doubt = !p->aligned || (!t->begun[END_CLIENT] && !pair_is_certain(p));
	bool client_tells = t->shown ? t->teller == END_CLIENT : doubt && client && client->alive;

	if (t->told || (end == END_SERVER && client_tells)) {
		t->dropped = true;
		entry_free(e);
		return;
	}
	if (t->waits == 1)
		twin_wait(t, !end, 1);
	if (!t->shown)
		t->shown = e->live;
	t->teller = (uint8_t)end;
	e->live = t->shown;
	if (t->begun[!end]) {
		e->ends = "both";
		e->role = "client";
		if (p->name.number)
			e->connection = session_name_text(e, &p->name);
		send_on(p->all, e);
	} else {
		pair_send_alone(p, e);
	}
}
