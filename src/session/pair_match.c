// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which exchanges of both ends are the same: those at the same place of the stream. Offsets count
 * from where an end was first seen, so it must be known first how those places relate.
 *
 * Both ends were seen from their beginning when the server read its first bytes after the client
 * was first called, and the client its first ones after that and after the server was first called:
 * an end that is seen late has missed bytes that the other read before. Where the server may speak
 * first, the protocol tells (entry.from_start), or else one exchange does:
 * between two answers that the client reads, a server can read the request to the second alone,
 * unless requests are sent ahead, so where it read one there whose bytes are the same, and whose
 * answer is, these two are one. Only reads are compared: a write is seen when it returns, which the
 * other end may have outrun.
 */
#include "session/twin.h"

const struct sight *pair_sight(const struct pair *p, enum pair_end end)
{
	return p->session[end] ? &p->session[end]->sight : &p->sight[end];
}

static bool same_place(const struct pair *p, const struct entry_part *client,
		       const struct entry_part *server, int i)
{
	return p->aligned && (int64_t)(client[i].offset - server[i].offset) == p->shift[i];
}

/*
 * Where bytes of one were lost it may seem to begin, or end, with what was seen: an answer with the
 * one that followed a lost interim answer. Are they of one message?
 */
static bool is_within(const struct pair *p, const struct entry_part *client,
		      const struct entry_part *server, int i)
{
	int64_t from = (int64_t)(client[i].offset - server[i].offset) - p->shift[i];

	return p->aligned && (!client[i].whole || !server[i].whole) &&
	       from < (int64_t)server[i].length && -from < (int64_t)client[i].length;
}

static bool same_bytes(const struct entry_part *a, const struct entry_part *b)
{
	return a->seen && b->seen && a->whole && b->whole && a->length == b->length &&
	       a->digest == b->digest;
}

/* The same of what goes on: as many bytes so far, and equal. A gap would make them differ. */
static bool same_so_far(const struct entry_part *a, const struct entry_part *b)
{
	return a->seen && b->seen && a->digest && a->length == b->length && a->digest == b->digest;
}

bool pair_is_certain(const struct pair *p)
{
	return p->verified ||
	       (pair_sight(p, END_CLIENT)->strong && pair_sight(p, END_SERVER)->strong);
}

/* `done`: both parts are final, so that what is cut differently shows. */
static bool parts_match(const struct pair *p, const struct entry_part *client,
			const struct entry_part *server, bool opaque, bool done)
{
	bool both[2] = { client[0].seen && server[0].seen, client[1].seen && server[1].seen };

	if (!both[0] && !both[1])
		return false;
	if (!same_place(p, client, server, both[0] ? 0 : 1))
		return false;
	if (both[0] && both[1] && !same_place(p, client, server, 1) &&
	    !is_within(p, client, server, 1))
		return false;
	if (opaque && done)
		for (int i = 0; i < 2; i++)
			if (client[i].seen != server[i].seen ||
			    client[i].length != server[i].length)
				return false;
	return pair_is_certain(p) || same_so_far(&client[0], &server[0]);
}

static bool is_opaque(const struct entry *e)
{
	return e->protocol[0] == 't' && e->protocol[1] == 'l' && e->protocol[2] == 's' &&
	       !e->protocol[3];
}

bool twin_matches(const struct twin *t, enum pair_end end, const struct entry *e)
{
	const struct entry_part *client = end == END_CLIENT ? e->part : t->part[END_CLIENT];
	const struct entry_part *server = end == END_SERVER ? e->part : t->part[END_SERVER];

	return !t->begun[end] && t->opaque == is_opaque(e) &&
	       parts_match(t->pair, client, server, t->opaque, !e->open && t->entry[!end]);
}

bool twins_match(const struct twin *a, const struct twin *b)
{
	return a->begun[END_CLIENT] && !a->begun[END_SERVER] && b->begun[END_SERVER] &&
	       !b->begun[END_CLIENT] && a->opaque == b->opaque && !a->told && !b->told &&
	       !(a->shown && b->shown) &&
	       parts_match(a->pair, a->part[END_CLIENT], b->part[END_SERVER], a->opaque,
			   a->entry[END_CLIENT] && b->entry[END_SERVER]);
}

enum verdict { NOT_YET, YES, NO };

/* Were both ends seen from their beginning? */
static enum verdict seen_from_start(const struct pair *p)
{
	const struct sight *c = pair_sight(p, END_CLIENT), *s = pair_sight(p, END_SERVER);

	if (!c->begun_us || !s->begun_us)
		return NO;
	if (!s->read_us)
		return c->read_us ? NO : NOT_YET;
	if (s->read_us < c->begun_us)
		return NO;
	if (c->read_us && (c->read_us < s->begun_us || c->read_us < s->read_us))
		return NO;
	return YES;
}

/* Can it only be the same exchange? */
static bool proves(const struct twin *client, const struct twin *server)
{
	const struct entry_part *c = client->part[END_CLIENT], *s = server->part[END_SERVER];

	return client->entry[END_CLIENT] && server->entry[END_SERVER] && client->alone &&
	       client->before_us && same_bytes(&c[0], &s[0]) && same_bytes(&c[1], &s[1]) &&
	       s[0].first_us >= client->before_us && s[0].first_us <= c[1].first_us;
}

static void align_late(struct pair *p, const struct twin *t, enum pair_end end)
{
	const struct twin *u, *c = NULL, *s = NULL;
	int found = 0;

	if (end == END_CLIENT && !t->alone)
		return;
	TAILQ_FOREACH(u, &p->twins, of_pair)
	{
		if (u == t || u->begun[end] || !u->entry[!end])
			continue;
		const struct twin *client = end == END_CLIENT ? t : u;
		const struct twin *server = end == END_CLIENT ? u : t;
		if (!proves(client, server))
			continue;
		c = client;
		s = server;
		found++;
	}
	if (found != 1)
		return;
	for (int i = 0; i < 2; i++)
		p->shift[i] =
			(int64_t)(c->part[END_CLIENT][i].offset - s->part[END_SERVER][i].offset);
	p->aligned = true;
}

void pair_align(struct pair *p, const struct twin *t, enum pair_end end)
{
	p->aligned |= p->from_start[END_CLIENT] && p->from_start[END_SERVER];
	if (!p->aligned && !p->late) {
		enum verdict v = seen_from_start(p);
		p->aligned = v == YES;
		p->late = v == NO;
	}
	if (!p->aligned && p->late && t && t->entry[end])
		align_late(p, t, end);
}

bool twin_differs(const struct twin *t)
{
	for (int i = 0; i < 2; i++) {
		const struct entry_part *c = &t->part[END_CLIENT][i], *s = &t->part[END_SERVER][i];
		if (c->seen && s->seen && c->whole && s->whole && !same_bytes(c, s))
			return true;
	}
	return false;
}

bool twin_verifies(const struct twin *t)
{
	return same_bytes(&t->part[END_CLIENT][0], &t->part[END_SERVER][0]);
}

/* What is missing is remembered as one range, so that more may seem to be. */
bool pair_covers(const struct pair *p, enum pair_end end, const struct twin *t)
{
	const struct sight *sight = pair_sight(p, end);

	for (int i = 0; i < 2; i++) {
		const struct entry_part *part = &t->part[!end][i];
		/* The client writes requests and reads answers. */
		enum dir dir = (i == 0) == (end == END_CLIENT) ? DIR_WRITE : DIR_READ;
		uint64_t from =
			part->offset + (uint64_t)(end == END_CLIENT ? p->shift[i] : -p->shift[i]);
		if (!part->seen)
			continue;
		if (!p->aligned || from + part->length > sight->expected[dir] ||
		    (from < sight->hole_end[dir] && from + part->length > sight->hole[dir]))
			return false;
	}
	return true;
}
