// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "session/table.h"

#define BUCKETS_MIN 1024
/* An EV_BIND comes within this of the write that it is about, if at all. */
#define HOLD_NS 500000000ULL
/* No connection carries so much: larger offsets are nonsense. */
#define OFFSET_MAX (1ULL << 60)

struct sessions *sessions_new(const struct entry_sink *sink, int64_t clock_offset_us,
			      const char *node)
{
	struct sessions *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->sink = *sink;
	all->clock_offset_us = clock_offset_us;
	all->size = BUCKETS_MIN;
	all->node = strdup(node);
	all->buckets = calloc(all->size, sizeof(*all->buckets));
	if (!all->node || !all->buckets || processes_init(&all->processes) ||
	    peer_table_init(&all->peers)) {
		sessions_free(all);
		return NULL;
	}
	return all;
}

static struct session **slot(const struct sessions *all, uint32_t tgid, uint64_t conn)
{
	return &all->buckets[hash_words(conn, tgid) & (all->size - 1)];
}

static struct session *find(const struct sessions *all, uint32_t tgid, uint64_t conn)
{
	struct session *s = *slot(all, tgid, conn);

	while (s && (s->conn != conn || s->process->tgid != tgid))
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
			struct session **at = slot(all, s->process->tgid, s->conn);
			s->next = *at;
			*at = s;
		}
	}
	free(old);
}

static void busy_remove(struct session *s)
{
	struct sessions *all = s->all;

	if (!s->busy)
		return;
	*(s->busy_prev ? &s->busy_prev->busy_next : &all->busy_first) = s->busy_next;
	*(s->busy_next ? &s->busy_next->busy_prev : &all->busy_last) = s->busy_prev;
	s->busy_prev = s->busy_next = NULL;
	s->busy = false;
}

/* The busy ones are in the order of their last record. */
static void busy_touch(struct session *s, uint64_t ktime)
{
	struct sessions *all = s->all;

	s->last_ktime = ktime;
	if (all->busy_last == s)
		return;
	busy_remove(s);
	s->busy_prev = all->busy_last;
	*(all->busy_last ? &all->busy_last->busy_next : &all->busy_first) = s;
	all->busy_last = s;
	s->busy = true;
}

static int64_t time_us(const struct sessions *all, uint64_t ktime)
{
	return (int64_t)(ktime / 1000) + all->clock_offset_us;
}

static void unlink_session(struct session *s)
{
	struct session **at = slot(s->all, s->process->tgid, s->conn);

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	*(s->process_prev ? &s->process_prev->process_next : &s->process->sessions) =
		s->process_next;
	if (s->process_next)
		s->process_next->process_prev = s->process_prev;
	busy_remove(s);
}

static void end_session(struct session *s, uint64_t ktime)
{
	struct sessions *all = s->all;

	dissect_close(s->dissection, time_us(all, ktime));
	session_release(s);
	unlink_session(s);
	if (s->peer)
		peer_table_end(&all->peers, &all->processes, s->peer, ktime);
	process_unref(&all->processes, s->process);
	free(s);
	all->stats.active--;
	all->stats.closed++;
}

static struct session *new_session(struct sessions *all, const struct ev_hdr *h)
{
	struct process *p = NULL;
	struct session *s = NULL;

	if (all->stats.active < LIMIT_SESSIONS)
		p = processes_get(&all->processes, h->tgid);
	if (p)
		s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	if (all->stats.active >= all->size)
		grow(all);
	*s = (struct session){ .all = all, .process = p, .conn = h->conn, .gen = h->gen };
	process_ref(&all->processes, p);
	s->number = process_number(p, h->conn);
	s->process_next = p->sessions;
	if (p->sessions)
		p->sessions->process_prev = s;
	p->sessions = s;
	struct session **at = slot(all, h->tgid, h->conn);
	s->next = *at;
	*at = s;
	all->stats.active++;
	all->stats.opened++;
	return s;
}

/*
 * The connection that a record is about; a newer generation of its address ends the older one.
 * NULL: there is none and none can be made, or the record is about one that has ended.
 */
static struct session *session_of(struct sessions *all, const struct ev_hdr *h)
{
	struct session *s = find(all, h->tgid, h->conn);

	if (s && s->gen == h->gen)
		return s;
	if (s && s->gen > h->gen) {
		all->stats.bad_records++;
		return NULL;
	}
	if (s)
		end_session(s, h->ktime);
	return new_session(all, h);
}

static void feed_open(struct sessions *all, const struct ev_open *o)
{
	uint64_t bad = all->stats.bad_records;
	struct session *s = session_of(all, &o->hdr);

	if (!s) {
		all->stats.refused += bad == all->stats.bad_records;
		return;
	}
	s->opened_seen = true;
	s->library = o->library;
	s->netns = o->netns;
	memcpy(s->comm, o->comm, EV_COMM_LEN);
	memcpy(s->process->comm, o->comm, EV_COMM_LEN);
	if (s->peer)
		memcpy(s->peer->comm, s->comm, sizeof(s->comm));
}

static bool begin_dissection(struct session *s, uint64_t offset)
{
	const struct conn_hint hint = {
		.mid_stream = offset > 0 || !s->opened_seen,
		.opener_known = s->opened != EV_OPENED_UNKNOWN,
		.opener = s->opened == EV_OPENED_REMOTE ? DIR_READ : DIR_WRITE,
	};
	const struct entry_sink sink = { session_emit, s, s->all->sink.live,
					 s->all->sink.live_use };

	if (!s->dissection)
		s->dissection = dissect_open(&sink, &hint);
	return s->dissection != NULL;
}

/* The stream goes on at `offset`: what is between is missing. */
static void skip_to(struct session *s, enum dir dir, uint64_t offset, enum gap_why why, int64_t now)
{
	uint64_t len = offset - s->expected[dir];

	if (!len)
		return;
	*(why == GAP_LOST ? &s->all->stats.lost_bytes : &s->all->stats.truncated_bytes) += len;
	dissect_gap(s->dissection, dir, len, why, now);
	s->expected[dir] = offset;
}

static bool is_sane(const struct ev_data *d)
{
	return d->dir <= EV_WRITE && d->len <= d->span && d->offset < OFFSET_MAX;
}

static void feed_data(struct sessions *all, const struct ev_data *d)
{
	struct session *s = is_sane(d) ? session_of(all, &d->hdr) : NULL;
	int64_t now = time_us(all, d->hdr.ktime);

	if (!is_sane(d))
		all->stats.bad_records++;
	if (!s || !begin_dissection(s, d->offset))
		return;
	enum dir dir = (enum dir)d->dir;
	/* Without its EV_OPEN nobody knows how much of the stream was there to be seen. */
	if (!s->started[dir] && !s->opened_seen)
		s->expected[dir] = d->offset;
	s->started[dir] = true;
	if (d->offset < s->expected[dir]) {
		all->stats.bad_records++;
		return;
	}
	session_release(s);
	busy_touch(s, d->hdr.ktime);
	if (d->goid)
		s->goid = d->goid;
	skip_to(s, dir, d->offset, GAP_LOST, now);
	dissect_feed(s->dissection, dir, d->payload, d->len, d->offset, now);
	s->expected[dir] += d->len;
	skip_to(s, dir, d->offset + d->span,
		d->hdr.flags & (EV_F_BUDGET | EV_F_PAUSED) ? GAP_TRUNCATED : GAP_LOST, now);
}

static void feed_bind(struct sessions *all, const struct ev_bind *b)
{
	struct session *s = session_of(all, &b->hdr);

	if (b->family != 4 && b->family != 6) {
		all->stats.bad_records++;
	} else if (s) {
		session_bind(s, b);
		session_release(s);
	}
}

static void feed_close(struct sessions *all, const struct ev_close *c)
{
	struct session *s = find(all, c->hdr.tgid, c->hdr.conn);
	int64_t now = time_us(all, c->hdr.ktime);

	if (!s || s->gen != c->hdr.gen)
		return;
	for (int dir = 0; dir < 2; dir++) {
		uint64_t end = c->offset[dir];
		if (end < s->expected[dir] || end >= OFFSET_MAX)
			all->stats.bad_records++;
		else if (end > s->expected[dir] && (s->started[dir] || s->opened_seen) &&
			 begin_dissection(s, 0))
			skip_to(s, dir, end, GAP_LOST, now);
	}
	end_session(s, c->hdr.ktime);
}

static void feed_exit(struct sessions *all, const struct ev_hdr *h)
{
	struct process *p = processes_find(&all->processes, h->tgid);

	if (!p)
		return;
	process_ref(&all->processes, p);
	while (p->sessions)
		end_session(p->sessions, h->ktime);
	process_end(&all->processes, p);
	process_unref(&all->processes, p);
}

void sessions_feed(struct sessions *s, const struct ev_hdr *record)
{
	switch (record->type) {
	case EV_OPEN:
		feed_open(s, (const struct ev_open *)record);
		break;
	case EV_DATA:
		feed_data(s, (const struct ev_data *)record);
		break;
	case EV_BIND:
		feed_bind(s, (const struct ev_bind *)record);
		break;
	case EV_CLOSE:
		feed_close(s, (const struct ev_close *)record);
		break;
	case EV_EXIT:
		feed_exit(s, record);
		break;
	default:
		s->stats.bad_records++;
	}
}

void sessions_set_container(struct sessions *s, uint32_t tgid, const char *container)
{
	struct process *p = processes_get(&s->processes, tgid);

	if (!p)
		return;
	free(p->container);
	p->container = container && *container ? strdup(container) : NULL;
}

void sessions_tick(struct sessions *all, uint64_t now_ktime)
{
	for (struct session *s = all->busy_first; s && s->last_ktime + HOLD_NS < now_ktime;
	     s = s->busy_next)
		session_release(s);
	while (all->busy_first &&
	       all->busy_first->last_ktime + LIMIT_SESSION_IDLE_SECONDS * 1000000000ULL <
		       now_ktime) {
		struct session *s = all->busy_first;
		busy_remove(s);
		dissect_idle(s->dissection, time_us(all, now_ktime));
		session_release(s);
	}
	peer_table_expire(&all->peers, &all->processes, now_ktime);
}

static void end_all(struct sessions *all)
{
	for (size_t i = 0; i < all->size; i++)
		while (all->buckets[i])
			end_session(all->buckets[i], all->buckets[i]->last_ktime);
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
	return s->stats;
}
