// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both ends of one connection are one exchange. An end's finished version waits for that of the
 * other; what goes on is told at once, under one number for both ends (twin.c).
 */
#include "session/pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "session/session_name.h"
#include "session/twin.h"

static struct twin *find_twin(struct pair *p, enum pair_end end, const struct entry *e)
{
	struct twin *t = twin_of_number(p, end, e->live);

	for (int i = 0; i < 2 && !t; i++) {
		t = e->part[i].seen ? twin_at_place(p, end, i, e->part[i].offset) : NULL;
		while (t && !twin_matches(t, end, e))
			t = twin_next_there(t, i);
	}
	return t;
}

/*
 * Where both ends lie to each other is found by looking at all: then few are kept, unless the other
 * end's first exchange may tell.
 */
static size_t most(const struct pair *p)
{
	bool soon = p->from_start[END_CLIENT] || p->from_start[END_SERVER];

	return p->aligned || soon ? LIMIT_PAIR_TWINS : LIMIT_PAIR_UNALIGNED;
}

/* The first of the pair that can goes on as it is, if it is among the oldest. */
static void make_room(struct pair *p)
{
	struct twin *t = TAILQ_FIRST(&p->twins);

	for (int i = 0; t && i < LIMIT_PAIR_UNALIGNED; i++, t = TAILQ_NEXT(t, of_pair)) {
		if (t->told && !(t->begun[0] && t->begun[1])) {
			twin_free(t);
			return;
		}
		if (!t->waits)
			continue;
		twin_tell_apart(t, p->aligned ? BY_BOUND : BY_TIME);
		return;
	}
}

static struct twin *new_twin(struct pair *p, const struct entry *e)
{
	if (p->count >= most(p))
		make_room(p);
	struct twin *t = p->count < most(p) && twin_make_place(p->all, p->sharer)
				 ? calloc(1, sizeof(*t))
				 : NULL;

	if (!t)
		return NULL;
	t->pair = p;
	t->opaque = !strcmp(e->protocol, "tls");
	TAILQ_INSERT_TAIL(&p->twins, t, of_pair);
	share_change(&p->sharer->twins, 0, 1);
	p->count++;
	return t;
}

/* Of an answer that the client has read to its end. */
static void note_answer(struct pair *p, struct twin *t, const struct session *s)
{
	const struct entry_part *part = t->part[END_CLIENT];

	t->before_us = p->answer_us					     ? p->answer_us
		       : s->sight.read_us && s->sight.read_us < p->linked_us ? 0
									     : s->sight.begun_us;
	t->alone = part[0].seen && part[0].first_us >= t->before_us &&
		   s->sight.expected[DIR_WRITE] == part[0].offset + part[0].length;
	if (part[1].seen && part[1].last_us > p->answer_us)
		p->answer_us = part[1].last_us;
}

/* What the client does not keep of opaque bytes, the server may have to tell. */
static void note(struct twin *t, enum pair_end end, struct session *s, const struct entry *e)
{
	memcpy(t->part[end], e->part, sizeof(e->part));
	t->live[end] = e->live;
	t->begun[end] = true;
	twin_index(t);
	if (e->open || end != END_CLIENT)
		return;
	note_answer(t->pair, t, s);
	for (int i = 0; i < 2 && t->opaque; i++)
		if (e->part[i].length > LIMIT_OPAQUE_BYTES)
			sight_miss(&s->sight, i ? DIR_READ : DIR_WRITE, e->part[i].offset,
				   e->part[i].offset + e->part[i].length);
}

/* `b` is what the server told of `a`. */
static void join(struct twin *a, struct twin *b)
{
	memcpy(a->part[END_SERVER], b->part[END_SERVER], sizeof(b->part[END_SERVER]));
	a->live[END_SERVER] = b->live[END_SERVER];
	a->begun[END_SERVER] = true;
	a->entry[END_SERVER] = b->entry[END_SERVER];
	b->entry[END_SERVER] = NULL;
	if (!a->shown) {
		a->shown = b->shown;
		a->teller = b->teller;
	}
	twin_stop_waiting(a);
	twin_free(b);
	twin_index(a);
}

/* What one end told of by itself so far may prove to be what the other tells. */
static struct twin *join_other(struct twin *t, enum pair_end end)
{
	const struct entry_part *part = t->part[end];

	if (t->begun[!end])
		return t;
	for (int i = 0; i < 2; i++) {
		struct twin *u =
			part[i].seen ? twin_at_place(t->pair, end, i, part[i].offset) : NULL;
		for (; u; u = twin_next_there(u, i)) {
			struct twin *a = end == END_CLIENT ? t : u, *b = end == END_CLIENT ? u : t;
			if (!twins_match(a, b))
				continue;
			join(a, b);
			return a;
		}
	}
	return t;
}

static void join_all(struct pair *p)
{
	for (struct twin *a = TAILQ_FIRST(&p->twins); a; a = TAILQ_NEXT(a, of_pair))
		if (a->begun[END_CLIENT])
			join_other(a, END_CLIENT);
	for (struct twin *t = TAILQ_FIRST(&p->twins), *next; t && !p->broken; t = next) {
		next = TAILQ_NEXT(t, of_pair);
		if (!t->waits || (t->entry[0] && t->entry[1]))
			twin_settle(t);
	}
}

/* The client is where the socket was opened, or else as the protocol has it. */
static bool put_in_order(struct pair *p, const struct session *s, const struct entry *e)
{
	int client = -1;

	for (int i = 0; i < 2 && !p->ordered; i++) {
		if (p->session[i] && p->session[i]->opener != OPENER_UNKNOWN)
			client = p->session[i]->opener == OPENER_LOCAL ? i : !i;
	}
	if (client < 0 && !strcmp(e->role, "client"))
		client = s->pair_end;
	else if (client < 0 && !strcmp(e->role, "server"))
		client = !s->pair_end;
	if (p->ordered || client < 0)
		return p->ordered;
	if (client == 1) {
		struct session *first = p->session[0];
		struct sight sight = p->sight[0];
		p->session[0] = p->session[1];
		p->session[1] = first;
		p->sight[0] = p->sight[1];
		p->sight[1] = sight;
		for (int i = 0; i < 2; i++)
			if (p->session[i])
				p->session[i]->pair_end = (uint8_t)i;
	}
	p->ordered = true;
	if (p->session[END_CLIENT]) {
		p->name = session_name(p->session[END_CLIENT]);
		p->sharer = session_sharer(p->session[END_CLIENT]);
	}
	return true;
}

void pair_take(struct session *s, struct entry *e)
{
	struct pair *p = s->pair;

	if (!p || p->broken || !put_in_order(p, s, e)) {
		entry_send_alone(s->all, e);
		return;
	}
	enum pair_end end = s->pair_end;
	bool known = p->aligned;
	p->from_start[end] |= e->from_start;
	pair_align(p, NULL, end);
	struct twin *t = find_twin(p, end, e);
	if (!t)
		t = new_twin(p, e);
	if (!t) {
		pair_count_cause(&s->all->stats, BY_BOUND);
		pair_send_alone(p, e);
		return;
	}
	note(t, end, s, e);
	if (e->live)
		t = join_other(t, end);
	if (e->open) {
		twin_tell_open(t, end, e);
	} else if (t->told) {
		twin_tell_late(t, e);
	} else {
		t->entry[end] = e;
		pair_align(p, t, end);
		if (known == p->aligned)
			twin_settle(t);
	}
	if (known != p->aligned)
		join_all(p);
	pair_keep_bound(s->all);
}

void pair_link(struct session *s)
{
	struct sessions *all = s->all;
	struct peer *other =
		all->split_ends || !s->peer ? NULL : peer_table_other_end(&all->peers, s->peer);
	struct session *o = other ? other->session : NULL;

	if (!o || other->replaced || (o->pair && o->pair == s->pair))
		return;
	for (int i = 0; i < 2; i++) {
		const struct session *t = i ? o : s;
		if (t->pair && t->pair->session[0] && t->pair->session[1])
			return;
	}
	struct pair *p = calloc(1, sizeof(*p));
	if (!p)
		return;
	pair_unlink(s);
	pair_unlink(o);
	*p = (struct pair){ .all = all,
			    .sharer = session_sharer(s),
			    .session = { s, o },
			    .linked_us = all->now_us };
	TAILQ_INIT(&p->twins);
	s->pair = o->pair = p;
	s->pair_end = 0;
	o->pair_end = 1;
}

static void pair_free(struct pair *p)
{
	while (!TAILQ_EMPTY(&p->twins))
		twin_free(TAILQ_FIRST(&p->twins));
	free(p);
}

void pair_unlink(struct session *s)
{
	struct pair *p = s->pair;

	if (!p)
		return;
	pair_tell_all(p, BY_END);
	for (int i = 0; i < 2; i++)
		if (p->session[i])
			p->session[i]->pair = NULL;
	pair_free(p);
}

/* What the other end waits for will not come. */
void pair_end_session(struct session *s)
{
	struct pair *p = s->pair;
	enum pair_end end = s->pair_end;

	if (!p)
		return;
	p->sight[end] = s->sight;
	p->session[end] = NULL;
	s->pair = NULL;
	for (struct twin *t = TAILQ_FIRST(&p->twins), *next; t; t = next) {
		next = TAILQ_NEXT(t, of_pair);
		if (t->entry[!end] && !t->entry[end])
			twin_tell_apart(t, BY_END);
	}
	if (p->session[!end])
		return;
	pair_tell_all(p, BY_END);
	pair_free(p);
}

/* An end that lost records may have the exchange, and not know yet that it is over. */
static bool may_come(const struct twin *t)
{
	enum pair_end silent = t->entry[END_CLIENT] ? END_SERVER : END_CLIENT;
	const struct session *s = t->pair->session[silent];

	return s && s->alive && sight_has_hole(&s->sight);
}

void pair_tick(struct sessions *all)
{
	struct twin *t;

	while ((t = TAILQ_FIRST(&all->waiting[0])) &&
	       t->since_us + LIMIT_PAIR_MS * 1000LL < all->now_us) {
		if (may_come(t))
			twin_wait(t, t->entry[END_CLIENT] ? END_CLIENT : END_SERVER, 1);
		else
			twin_tell_apart(t, BY_TIME);
	}
	while ((t = TAILQ_FIRST(&all->waiting[1])) &&
	       t->since_us + LIMIT_PAIR_OPEN_SECONDS * 1000000LL < all->now_us)
		twin_tell_apart(t, BY_TIME);
}
