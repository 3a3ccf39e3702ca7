// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/flow.h"

#include <string.h>

#include "session/bind.h"
#include "session/complete.h"
#include "session/memory.h"
#include "session/table.h"
#include "session/told_wire.h"

/* No connection carries so much: larger offsets are nonsense. */
#define OFFSET_MAX (1ULL << 60)

/*
 * The connection that is spoken of; a newer generation of its id ends the older one. NULL: there is
 * none and none can be made, or it has ended.
 */
static struct session *session_of(struct sessions *all, const struct flow *f, int64_t now_us)
{
	struct session *s = session_find(all, f);

	all->now_us = now_us;
	if (s && s->gen == f->gen)
		return s;
	if (s && s->gen > f->gen) {
		all->stats.bad_records++;
		return NULL;
	}
	if (s)
		session_end(s, now_us);
	return session_new(all, f);
}

void flow_open(struct sessions *all, const struct flow *f, int64_t now_us,
	       const struct flow_open *o)
{
	uint64_t bad = all->stats.bad_records;
	struct session *s = session_of(all, f, now_us);

	if (!s) {
		all->stats.refused += bad == all->stats.bad_records;
		return;
	}
	s->opened_seen = true;
	s->midway = o->midway;
	s->library = o->library;
	s->tls = o->tls;
	s->lock = (uint8_t)o->lock;
	s->writes_early = o->writes_early;
	s->netns = o->netns;
	s->sight.begun_us = o->begun_us;
	strncpy(s->comm, o->comm, FLOW_COMM_LEN);
	memcpy(s->process->comm, s->comm, sizeof(s->comm));
	if (s->peer)
		memcpy(s->peer->comm, s->comm, sizeof(s->comm));
}

static bool begin_dissection(struct session *s, uint64_t offset, bool in_order)
{
	if (s->dissection)
		return true;
	const struct conn_hint hint = {
		.mid_stream = offset > 0 || !s->opened_seen || s->midway,
		/* With the record of its opening more may be lost, of either direction. */
		.lossy = !s->opened_seen,
		.in_order = in_order,
		.opener_known = s->opener != OPENER_UNKNOWN,
		.opener = s->opener == OPENER_REMOTE ? DIR_READ : DIR_WRITE,
	};
	const struct entry_sink sink = { .emit = session_emit,
					 .ctx = s,
					 .live = &s->all->live,
					 .live_use = &session_sharer(s)->lives,
					 .account = &s->memory };

	s->dissection = dissect_open(&sink, &hint);
	return s->dissection != NULL;
}

/* The stream goes on at `offset`: what is between is missing. */
static void skip_to(struct session *s, enum dir dir, uint64_t offset, enum gap_why why, int64_t now)
{
	uint64_t len = offset - s->sight.expected[dir];

	if (!len)
		return;
	told_wire_missing(s, dir, len, why);
	*(why == GAP_LOST ? &s->all->stats.lost_bytes : &s->all->stats.truncated_bytes) += len;
	sight_miss(&s->sight, dir, s->sight.expected[dir], offset);
	dissect_gap(s->dissection, dir, len, why, now);
	s->sight.expected[dir] = offset;
}

/* What is missing of the other direction was there before these bytes. */
static void skip_reached(struct session *s, const struct flow_data *d, int64_t now)
{
	enum dir other = !d->dir;
	bool known = d->in_order && (s->started[other] || s->opened_seen);

	if (known && d->reached > s->sight.expected[other] && d->reached < OFFSET_MAX)
		skip_to(s, other, d->reached, GAP_LOST, now);
}

static bool is_sane(const struct flow_data *d)
{
	return d->dir <= DIR_WRITE && d->len <= d->span && d->span < OFFSET_MAX &&
	       d->offset < OFFSET_MAX;
}

/* A call that took longer than this waited for the other side. */
#define BLOCKED_US 1000

/*
 * What a program writes it writes when it calls, and what it reads it has when the call returns: so
 * the other side's exchange lies within the opener's. Only of a write by which the opener waited,
 * the last byte is told to be sent at its end.
 */
static void feed(struct session *s, const struct flow_data *d, int64_t end_us)
{
	bool write = d->dir == DIR_WRITE && d->begun_us && d->begun_us < end_us;
	bool waited = write && s->opener == OPENER_LOCAL && end_us - d->begun_us > BLOCKED_US;
	size_t last = waited && !d->more && d->len > 1 && d->len == d->span;

	dissect_feed(s->dissection, d->dir, d->bytes, d->len - last, d->offset,
		     write ? d->begun_us : end_us);
	if (last)
		dissect_feed(s->dissection, d->dir, d->bytes + d->len - 1, 1,
			     d->offset + d->len - 1, end_us);
}

void flow_data(struct sessions *all, const struct flow *f, int64_t now_us,
	       const struct flow_data *d)
{
	struct session *s = is_sane(d) ? session_of(all, f, now_us) : NULL;
	enum dir dir = d->dir;

	if (!is_sane(d))
		all->stats.bad_records++;
	if (!s || !begin_dissection(s, d->offset, d->in_order)) {
		all->live_use.no_memory += s != NULL;
		return;
	}
	/* Without its flow_open() nobody knows how much of the stream was there to be seen. */
	if (!s->started[dir] && !s->opened_seen)
		s->sight.expected[dir] = d->offset;
	s->started[dir] = true;
	if (d->offset < s->sight.expected[dir]) {
		all->stats.bad_records++;
		return;
	}
	session_release(s);
	session_touch(s, now_us);
	if (d->goroutine)
		s->goroutine = d->goroutine;
	if (dir == DIR_READ && !s->sight.read_us)
		s->sight.read_us = now_us;
	skip_reached(s, d, now_us);
	skip_to(s, dir, d->offset, GAP_LOST, now_us);
	feed(s, d, now_us);
	s->sight.expected[dir] += d->len;
	s->paused = d->paused;
	skip_to(s, dir, d->offset + d->span, d->why, now_us);
	s->untold = true;
	session_mark_alive(s);
	memory_weigh(s);
	memory_keep_bound(all);
}

void flow_socket(struct sessions *all, const struct flow *f, int64_t now_us,
		 const struct flow_socket *b)
{
	struct session *s = session_of(all, f, now_us);

	if (b->family != 4 && b->family != 6) {
		all->stats.bad_records++;
	} else if (s) {
		session_bind(s, b);
		session_release(s);
		memory_weigh(s);
	}
}

void flow_close(struct sessions *all, const struct flow *f, int64_t now_us, const uint64_t end[2])
{
	struct session *s = session_find(all, f);

	if (!s || s->gen != f->gen)
		return;
	all->now_us = now_us;
	for (int dir = 0; dir < 2; dir++) {
		if (end[dir] < s->sight.expected[dir] || end[dir] >= OFFSET_MAX)
			all->stats.bad_records++;
		else if (end[dir] > s->sight.expected[dir] && (s->started[dir] || s->opened_seen) &&
			 begin_dissection(s, 0, false))
			skip_to(s, (enum dir)dir, end[dir], GAP_LOST, now_us);
	}
	session_end(s, now_us);
}

void flow_exit(struct sessions *all, uint32_t tgid, int64_t now_us)
{
	struct process *p = processes_find(&all->processes, tgid);

	if (!p)
		return;
	process_ref(&all->processes, p);
	while (!LIST_EMPTY(&p->sessions))
		session_end(LIST_FIRST(&p->sessions), now_us);
	process_end(&all->processes, p);
	process_unref(&all->processes, p);
}
