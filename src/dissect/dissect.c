// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which protocol a connection speaks. Bytes wait until one of the dissectors knows its own or none
 * can; what nobody knows is opaque. An opaque connection is looked at again at each change of
 * direction, so that one joined mid-stream is understood from its next message on.
 */
#include "dissect/undecided.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "entry.h"

/* clang-format off */
static const struct dissector *const dissectors[] = {
	&dissect_http1,
	&dissect_http2,
	&dissect_amqp,
	&dissect_dns,
	&dissect_imap,
	&dissect_kafka,
	&dissect_ldap,
	&dissect_mongo,
	&dissect_mqtt,
	&dissect_mysql,
	&dissect_postgres,
	&dissect_redis,
	&dissect_smtp,
};
/* clang-format on */

#define DISSECTORS (sizeof(dissectors) / sizeof(*dissectors))
_Static_assert(DISSECTORS <= DISSECTORS_MAX, "undecided.h has no room for their scores");

struct dissection {
	struct entry_sink sink;
	struct conn_hint hint;
	const struct dissector *d; /* NULL: not decided yet */
	void *state;
	struct undecided *waiting;   /* NULL: every byte goes straight on */
	bool spoke : 1, settled : 1; /* settled: opaque after a protocol that was understood */
	bool lossy : 1;		     /* bytes were lost, or not copied */
	uint8_t changes;	     /* how often a protocol handed over to another */
	/* Of these, those that it did knowingly, and those since the last change of direction
	 * because it did not understand any more. */
	uint8_t upgrades, lapses;
	enum dir last_dir;
	uint64_t at[2]; /* offset of the next byte of each direction */
};

void (*dissect_refill(const struct entry *e))(struct entry *)
{
	/* What is carried by HTTP is derived by it. */
	const char *by = strcmp(e->protocol, "grpc") ? e->protocol : dissect_http2.name;

	for (size_t i = 0; i < DISSECTORS; i++)
		if (!strcmp(dissectors[i]->name, by))
			return dissectors[i]->refill;
	return NULL;
}

struct dissection *dissect_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct dissection *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->sink = *sink;
	d->hint = *hint;
	d->lossy = hint->lossy;
	return d;
}

void dissect_go_on(struct dissection *d, const struct dissector *next, struct upgraded *u)
{
	d->d = next;
	d->state = next->go_on(&d->sink, u);
	if (!d->state)
		entry_sink_lose(&d->sink);
}

/* `w`: by whose bytes it is chosen; NULL where it is not by them. */
static bool choose(struct dissection *d, const struct dissector *choice, const struct undecided *w,
		   int64_t now)
{
	if (d->state) {
		if (choice != &dissect_opaque && !d->settled)
			opaque_note_joined(d->state);
		d->d->close(d->state, now);
		d->hint.mid_stream = !d->settled;
		d->hint.lossy = d->lossy;
	}
	const struct first_bytes first[2] = {
		{ w ? (const uint8_t *)w->probe[0].data : NULL, w ? w->probe[0].len : 0 },
		{ w ? (const uint8_t *)w->probe[1].data : NULL, w ? w->probe[1].len : 0 },
	};
	struct conn_hint hint = d->hint;
	if (choice != &dissect_opaque)
		hint.first = first;
	d->d = choice;
	d->state = choice->open(&d->sink, &hint);
	if (!d->state)
		entry_sink_lose(&d->sink);
	return d->state != NULL;
}

static void take(struct dissection *d, enum dir dir, const uint8_t *data, size_t len,
		 uint64_t offset, int64_t now);

static bool may_change(const struct dissection *d)
{
	return d->upgrades <= LIMIT_BECOME && d->lapses <= LIMIT_BECOME;
}

/* One protocol takes the place of another, from a byte on; a chain of them ends as opaque. */
static void replace(struct dissection *d, enum dir dir, const uint8_t *data, size_t len,
		    uint64_t offset, int64_t now)
{
	struct become next = { 0 };

	d->d->become(d->state, &next);
	d->d->close(d->state, now);
	d->d = next.next;
	d->state = next.upgraded ? next.next->go_on(&d->sink, next.upgraded) : NULL;
	next.hint.in_order = d->hint.in_order;
	d->hint = next.hint;
	d->spoke = d->settled = false;
	d->changes++;
	*(next.hint.gave_up ? &d->lapses : &d->upgrades) += 1;
	if (!may_change(d) && !d->d)
		choose(d, &dissect_opaque, NULL, now);
	take(d, !dir, (const uint8_t *)next.early.data, next.early.len, next.early_at, now);
	take(d, dir, (const uint8_t *)next.held.data, next.held.len, next.held_at, now);
	buf_free(&next.early);
	buf_free(&next.held);
	take(d, dir, data + next.taken, len - next.taken, offset + next.taken, now);
}

/* The protocol is not what it was taken for, or no longer. */
static void give_up(struct dissection *d)
{
	d->settled = true;
	d->hint.gave_up = d->d->name;
}

/* Hand on to the dissector; what it cannot be after all goes on as opaque. */
static void pass(struct dissection *d, enum dir dir, const uint8_t *data, size_t len,
		 uint64_t offset, int64_t now)
{
	int r = d->state && len ? d->d->feed(d->state, dir, data, len, offset, now) : 0;

	if (r == DISSECT_BECOME)
		replace(d, dir, data, len, offset, now);
	if (r >= 0)
		return;
	if (r == -ENOMEM)
		entry_sink_lose(&d->sink);
	give_up(d);
	if (choose(d, &dissect_opaque, NULL, now))
		d->d->feed(d->state, dir, data, len, offset, now);
}

static void pass_gap(struct dissection *d, enum dir dir, uint64_t len, uint64_t offset,
		     enum gap_why why, int64_t now)
{
	int r = d->state ? d->d->gap(d->state, dir, len, offset, why, now) : 0;

	if (!r)
		return;
	if (r == -ENOMEM)
		entry_sink_lose(&d->sink);
	give_up(d);
	if (choose(d, &dissect_opaque, NULL, now))
		d->d->gap(d->state, dir, len, offset, why, now);
}

static void take_gap(struct dissection *d, enum dir dir, uint64_t len, uint64_t offset,
		     enum gap_why why, int64_t now);

/* Bytes that waited go on, unless the protocol that they were to go to has been replaced. */
static void let_go(struct dissection *d, unsigned changes, const struct stretch *s, size_t from,
		   size_t to, const uint8_t *data, int64_t now)
{
	(d->changes == changes ? pass : take)(d, s->dir, data + from, to - from, s->offset + from,
					      now);
}

/* One of those that wait goes on, its first byte at its time, the others at the last. Returns the
 * bytes of the next one. */
static const uint8_t *let_go_stretch(struct dissection *d, unsigned changes,
				     const struct stretch *s, const uint8_t *p)
{
	if (s->missing) {
		(d->changes == changes ? pass_gap : take_gap)(d, s->dir, s->len, s->offset, s->why,
							      s->first_us);
		return p;
	}
	let_go(d, changes, s, 0, 1, p, s->first_us);
	let_go(d, changes, s, 1, s->len, p, s->last_us);
	return p + s->len;
}

/* How many came first, from a side whose bytes are none of the protocol that is chosen. */
static unsigned count_foreign(const struct undecided *w, const struct dissector *choice)
{
	unsigned n = 0;

	for (size_t i = 0; i < DISSECTORS; i++) {
		if (dissectors[i] != choice)
			continue;
		while (n < w->count && w->probed[w->stretches[n].dir] &&
		       w->score[i][w->stretches[n].dir] == PROBE_NO)
			n++;
	}
	return n;
}

/* Everything that waits goes on: to `choice`, but for what came before and is none of it. */
static void decide(struct dissection *d, const struct dissector *choice, int64_t now)
{
	struct undecided *w = d->waiting;
	const uint8_t *p = (const uint8_t *)w->bytes.data;
	unsigned foreign = count_foreign(w, choice), changes = d->changes;
	bool ok = true;

	d->waiting = NULL;
	for (unsigned i = 0; ok && i < w->count; i++) {
		const struct dissector *next = i < foreign ? &dissect_opaque : choice;
		if (i == 0 || i == foreign)
			ok = d->d == next || choose(d, next, w, now);
		if (ok)
			p = let_go_stretch(d, changes, &w->stretches[i], p);
	}
	undecided_free(w);
}

/* What both directions say of a dissector: PROBE_NO of either is no. */
static int total_score(const struct undecided *w, size_t i)
{
	int sum = 0;

	for (int dir = 0; dir < 2; dir++) {
		if (!w->probed[dir])
			continue;
		if (w->score[i][dir] == PROBE_NO)
			return 0;
		sum += w->score[i][dir] > 0 ? w->score[i][dir] : 0;
	}
	return sum;
}

/* The likeliest one, of those that are more likely than that; opaque when none is. */
static const struct dissector *likeliest(const struct undecided *w, int best)
{
	const struct dissector *choice = &dissect_opaque;

	for (size_t i = 0; w && i < DISSECTORS; i++) {
		int score = total_score(w, i);
		if (score <= best)
			continue;
		best = score;
		choice = dissectors[i];
	}
	return choice;
}

/* The likeliest one with what there is: little of one direction alone is not enough. */
static const struct dissector *guess(const struct undecided *w)
{
	bool both = w && w->probed[0] && w->probed[1];

	return likeliest(w, both ? 0 : PROBE_ALONE - 1);
}

/*
 * Ask the dissectors about a direction; NULL as long as one of them wants more, or the other
 * direction. They see the first LIMIT_PROBE_BYTES at most: what then still may be one's own, is.
 */
static const struct dissector *ask(struct undecided *w, enum dir dir, bool turned)
{
	const struct dissector *maybe = NULL, *likely;
	size_t len = w->probe[dir].len;

	w->probed[dir] = len;
	w->few[dir] = false;
	if (len > LIMIT_PROBE_BYTES)
		len = LIMIT_PROBE_BYTES;
	for (size_t i = 0; i < DISSECTORS; i++) {
		int v = dissectors[i]->probe
				? dissectors[i]->probe(dir, (const uint8_t *)w->probe[dir].data,
						       len)
				: PROBE_NO;
		w->score[i][dir] = (int8_t)v;
		if (v >= PROBE_YES)
			return dissectors[i];
		/* Whose first bytes were too few when the other side spoke, had no more to say. */
		if (v == PROBE_SHORT && turned)
			v = w->score[i][dir] = PROBE_NO;
		w->few[dir] |= v == PROBE_SHORT;
		if (v < 0 && (!maybe || v == PROBE_MAYBE))
			maybe = dissectors[i];
	}
	if (len == LIMIT_PROBE_BYTES) {
		likely = guess(w);
		return likely == &dissect_opaque && maybe ? maybe : likely;
	}
	likely = likeliest(w, 0);
	if (maybe)
		return NULL;
	return likely != &dissect_opaque && !w->probed[!dir] ? NULL : likely;
}

/* Should the protocol be found out with these bytes? At the start and at flips of opaque bytes. */
static bool begin_waiting(struct dissection *d, enum dir dir)
{
	bool flip = d->spoke && dir != d->last_dir;

	d->spoke = true;
	d->last_dir = dir;
	if (flip && d->d == &dissect_opaque)
		d->lapses = 0;
	bool open = may_change(d);
	if (!d->waiting && open && (!d->d || (d->d == &dissect_opaque && flip)))
		d->waiting = undecided_new(d->sink.account);
	if (!d->waiting && open && !d->d)
		entry_sink_lose(&d->sink); /* bytes that nobody looks at */
	return d->waiting != NULL;
}

/*
 * Ask about all bytes of a direction, at every change of direction and at every tick, so that how
 * they were cut makes no difference.
 */
static void judge(struct dissection *d, enum dir dir, bool turned)
{
	struct undecided *w = d->waiting;
	bool worth = w && (w->probe[dir].len > w->probed[dir] || (turned && w->few[dir]));
	const struct dissector *choice = worth ? ask(w, dir, turned) : NULL;

	if (choice)
		decide(d, choice, w->stretches[w->count - 1].last_us);
}

static void take(struct dissection *d, enum dir dir, const uint8_t *data, size_t len,
		 uint64_t offset, int64_t now)
{
	const struct stretch next = {
		.dir = dir, .offset = offset, .len = len, .first_us = now, .last_us = now
	};

	if (!len)
		return;
	judge(d, !dir, true);
	if (!begin_waiting(d, dir)) {
		pass(d, dir, data, len, offset, now);
		return;
	}
	struct undecided *w = d->waiting;
	int r = undecided_add(w, &next, data);
	if (r) {
		if (r == -ENOMEM)
			entry_sink_lose(&d->sink);
		decide(d, guess(w), now);
		pass(d, dir, data, len, offset, now);
		return;
	}
	const struct dissector *choice =
		undecided_worth_asking(w, dir, data, len) ? ask(w, dir, false) : NULL;
	if (choice)
		decide(d, choice, now);
}

static void take_gap(struct dissection *d, enum dir dir, uint64_t len, uint64_t offset,
		     enum gap_why why, int64_t now)
{
	const struct stretch next = { .dir = dir,
				      .missing = true,
				      .why = why,
				      .offset = offset,
				      .len = len,
				      .first_us = now,
				      .last_us = now };

	if (!len)
		return;
	judge(d, DIR_READ, true);
	judge(d, DIR_WRITE, true);
	/* A gap at the front does not hide what follows; one inside what is looked at does. */
	bool wait = begin_waiting(d, dir) && !d->waiting->probe[dir].len &&
		    !undecided_add(d->waiting, &next, NULL);
	if (wait)
		return;
	if (d->waiting)
		decide(d, guess(d->waiting), now);
	pass_gap(d, dir, len, offset, why, now);
}

void dissect_feed(struct dissection *d, enum dir dir, const uint8_t *data, size_t len,
		  uint64_t offset, int64_t now)
{
	d->at[dir] = offset + len;
	take(d, dir, data, len, offset, now);
}

void dissect_gap(struct dissection *d, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	uint64_t offset = d->at[dir];

	d->lossy = true;
	d->at[dir] += len;
	take_gap(d, dir, len, offset, why, now);
}

/* No more bytes are waited for. */
static void stop_waiting(struct dissection *d, int64_t now)
{
	judge(d, DIR_READ, true);
	judge(d, DIR_WRITE, true);
	/* What is handed on may hand over once more. */
	while (d->waiting)
		decide(d, guess(d->waiting), now);
}

void dissect_idle(struct dissection *d, int64_t now)
{
	stop_waiting(d, now);
	if (d->state)
		d->d->idle(d->state, now);
}

/* What is told early is what would be told later: time alone decides nothing here. */
void dissect_tick(struct dissection *d, int64_t now)
{
	judge(d, DIR_READ, false);
	judge(d, DIR_WRITE, false);
	if (d->state)
		d->d->tick(d->state, now);
}

bool dissect_alive(const struct dissection *d)
{
	return d->waiting || (d->state && d->d->alive(d->state));
}

static void end_protocol(struct dissection *d, int64_t now)
{
	stop_waiting(d, now);
	if (d->state)
		d->d->close(d->state, now);
	d->d = NULL;
	d->state = NULL;
}

void dissect_close(struct dissection *d, int64_t now)
{
	if (!d)
		return;
	end_protocol(d, now);
	free(d);
}

void dissect_give_way(struct dissection *d, int64_t now)
{
	stop_waiting(d, now);
	if (d->state && d->d->give_way)
		d->d->give_way(d->state);
}

void dissect_cut(struct dissection *d, int64_t now)
{
	end_protocol(d, now);
	d->hint.mid_stream = d->hint.lossy = d->lossy = true;
	d->spoke = d->settled = false;
	if (!may_change(d))
		choose(d, &dissect_opaque, NULL, now);
}
