// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/subscriber.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/live/chunk.h"
#include "api/live/stream_event.h"
#include "api/live/filter_pass.h"
#include "api/live/room.h"
#include "api/workers.h"
#include "base/clock.h"
#include "base/limits.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "store/store.h"

#define REPLAY_PAGE 200

/* A chunk, or the part from begin to end of its text, in a reader's queue. */
struct link {
	struct link *next;
	struct chunk *chunk;
	size_t begin, end, events;
};

struct subscriber {
	struct subscriber *next, **link;
	struct room *room;
	struct MHD_Connection *conn;
	struct live_query *query;
	int64_t joined; /* entries behind this id come live */
	int64_t left;	/* of limit(n), -1 without one */
	bool waiting;	/* suspended, with nothing to send */
	bool ended;	/* and was told so */
	bool failed;	/* no memory: ends */

	struct link *head, **tail;
	size_t sent; /* bytes of the head */
	size_t backlog, backlog_bytes;
	struct skip skip; /* stands behind a head that is begun, else before it */
	struct chunk *note;
	struct buf own; /* of this reader alone, goes first */
	size_t own_sent;

	bool replaying;
	struct update_set changed; /* what may have changed while it was away, goes first */
	size_t changed_at;
	int64_t replay_after;
	struct task replay;
};

static void drop_link(struct subscriber *r, struct link *l)
{
	r->backlog -= l->events;
	r->backlog_bytes -= l->end - l->begin;
	chunk_put(l->chunk);
	free(l);
}

static void pop(struct subscriber *r)
{
	struct link *l = r->head;

	r->head = l->next;
	if (!r->head)
		r->tail = &r->head;
	r->sent = 0;
	drop_link(r, l);
}

void subscriber_skip(struct subscriber *r, const struct skip *s)
{
	struct skip *all = &r->skip;

	*all = (struct skip){
		.count = all->count + s->count,
		.after = all->count && all->after < s->after ? all->after : s->after,
		.before = all->before > s->before ? all->before : s->before,
		.inexact = all->inexact || s->inexact,
	};
	r->room->skipped += s->count;
}

/* Drop what is queued, but for a chunk that is begun. */
static void fall_behind(struct subscriber *r)
{
	struct link **from = r->head && r->sent ? &r->head->next : &r->head;

	for (struct link *l = *from, *next; l; l = next) {
		const struct chunk *c = l->chunk;
		bool late = !c->updates && c->after < r->joined;
		next = l->next;
		subscriber_skip(r, &(struct skip){ l->events, late ? r->joined : c->after,
						   c->before, c->updates });
		drop_link(r, l);
	}
	*from = NULL;
	r->tail = from;
}

/* Up to which event a chunk of changes is for it: not yet of entries that it is still to get. */
static size_t known_to(const struct subscriber *r, const struct chunk *c)
{
	int64_t known = r->joined > r->room->begun ? r->joined : r->room->begun;
	size_t last = c->events;

	while (last && chunk_marks(c)[last - 1].id > known)
		last--;
	return last;
}

/* Which part of a chunk is for this reader: behind where it joined, up to its limit(n). */
static struct link part_for(const struct subscriber *r, struct chunk *c)
{
	const struct mark *marks = chunk_marks(c);
	size_t first = 0, last = c->updates ? known_to(r, c) : c->events;

	while (!c->updates && first < last && marks[first].id <= r->joined)
		first++;
	if (!c->updates && r->left >= 0 && last - first > (uint64_t)r->left)
		last = first + (size_t)r->left;
	return (struct link){
		.chunk = c,
		.begin = first ? marks[first - 1].end : 0,
		/* Behind the last event there may be one that is of no entry. */
		.end = last == c->events ? c->text.len
		       : last		 ? marks[last - 1].end
					 : 0,
		.events = last - first,
	};
}

void subscriber_queue(struct subscriber *r, struct chunk *c)
{
	struct link part = part_for(r, c), *l;
	size_t size = part.end - part.begin;

	if (!size || (c->updates && !r->left))
		return;
	if (r->backlog + part.events > LIMIT_STREAM_BACKLOG ||
	    (r->backlog && r->backlog_bytes + size > LIMIT_STREAM_BYTES))
		fall_behind(r);
	l = malloc(sizeof(*l));
	if (!l) {
		r->failed = true;
		return;
	}
	*l = part;
	c->refs++;
	*r->tail = l;
	r->tail = &l->next;
	r->backlog += l->events;
	r->backlog_bytes += size;
	r->room->sent += l->events;
	if (r->left >= 0 && !c->updates)
		r->left -= (int64_t)l->events;
}

void subscriber_tell(struct subscriber *r, struct chunk *note)
{
	/* The newest takes the place of one that the reader was too slow for. */
	chunk_put(r->note);
	note->refs++;
	r->note = note;
}

const struct live_query *subscriber_query(const struct subscriber *r)
{
	return r->query;
}

int64_t subscriber_joined(const struct subscriber *r)
{
	return r->joined;
}

struct subscriber *subscriber_next(const struct subscriber *r)
{
	return r->next;
}

void subscriber_wake(struct subscriber *r)
{
	if (!r->waiting)
		return;
	r->waiting = false;
	MHD_resume_connection(r->conn);
}

/* A page of what the reader missed while it was away. */
struct replay_page {
	const struct kfl *filter;
	struct buf text;
	int error;
	int64_t left;
	const int64_t *ids; /* that are looked at, when they are what changed */
	size_t count, at;
};

/* What changed and comes before this id was not let through. */
static void replay_gone(struct replay_page *p, int64_t id)
{
	for (; !p->error && p->at < p->count && p->ids[p->at] < id; p->at++)
		p->error = stream_event_put_gone(&p->text, p->ids[p->at]);
}

static bool replay_change(void *ctx, const struct entry *e)
{
	struct replay_page *p = ctx;

	replay_gone(p, e->id);
	if (!p->error)
		p->error = stream_event_put_update(&p->text, e, p->filter);
	p->at++;
	return !p->error && p->text.len < LIMIT_STREAM_BYTES;
}

static bool replay_row(void *ctx, const struct entry *e)
{
	struct replay_page *p = ctx;

	if (p->left == 0)
		return false;
	p->error = stream_event_put_entry(&p->text, e, p->filter);
	if (p->left > 0)
		p->left--;
	return !p->error && p->text.len < LIMIT_STREAM_BYTES;
}

/* Some of what changed; *ret_at: where to go on. */
static int replay_changes(const struct subscriber *r, struct replay_page *p, size_t *ret_at,
			  char *error, size_t size)
{
	size_t rest = r->changed.count - r->changed_at, next;

	p->ids = r->changed.ids + r->changed_at;
	p->count = rest < REPLAY_PAGE ? rest : REPLAY_PAGE;
	int e = filter_pass_select(r->room->store, p->filter, p->ids, p->count,
				   clock_ms(CLOCK_MONOTONIC) + LIMIT_QUERY_MS, replay_change, p,
				   &next, error, size);
	if (!e && next == p->count)
		replay_gone(p, INT64_MAX);
	/* What there was no time for comes with the next page, the first of a page always does. */
	*ret_at = r->changed_at + (next > p->at ? next : p->at);
	return e;
}

static int replay_entries(const struct subscriber *r, struct replay_page *p, int64_t *ret_next,
			  char *error, size_t size)
{
	struct store_page page = { 0 };
	const struct store_query q = {
		.filter = p->filter,
		.after = r->replay_after,
		.before = r->joined + 1,
		.limit = REPLAY_PAGE,
		.oldest_first = true,
		.time_limit_ms = LIMIT_QUERY_MS,
	};
	int e = store_select(r->room->store, &q, replay_row, p, &page, error, size);

	*ret_next = page.next;
	return e;
}

/* One page. Only this task touches the cursors now. */
static void run_replay(struct task *t)
{
	struct subscriber *r =
		(struct subscriber *)((char *)t - offsetof(struct subscriber, replay));
	struct replay_page p = { .filter = r->query->filter, .left = r->left };
	bool changes = r->changed_at < r->changed.count;
	int64_t next = r->replay_after;
	size_t at = r->changed_at;
	char error[256] = "";
	int e = changes ? replay_changes(r, &p, &at, error, sizeof(error))
			: replay_entries(r, &p, &next, error, sizeof(error));
	bool more = changes ? at < r->changed.count || next < r->joined : next && p.left;

	if (e)
		e = stream_event_put_failed(&p.text, error[0] ? error : strerror(-e));
	pthread_mutex_lock(&r->room->lock);
	r->failed |= e || p.error;
	r->left = p.left;
	r->changed_at = at;
	r->replay_after = next;
	r->replaying = more;
	buf_free(&r->own);
	r->own = p.text;
	r->own_sent = 0;
	pthread_mutex_unlock(&r->room->lock);
	MHD_resume_connection(r->conn);
}

static size_t take(const char *data, size_t size, size_t *sent, char *out, size_t max)
{
	size_t n = size - *sent < max ? size - *sent : max;

	memcpy(out, data + *sent, n);
	*sent += n;
	return n;
}

/* The event that stands before the rest, made when the reader gets to it. */
static void make_own(struct subscriber *r)
{
	buf_reset(&r->own);
	r->own_sent = 0;
	if (r->skip.count && !r->replaying && !r->sent) {
		r->failed |= stream_event_put_skipped(&r->own, &r->skip) != 0;
		r->skip = (struct skip){ 0 };
	} else if (r->left == 0 && !r->head && !r->ended) {
		r->failed |= stream_event_put_end(&r->own) != 0;
		r->ended = true;
	} else if (r->note && !r->head && !r->replaying) {
		r->failed |= buf_put(&r->own, r->note->text.data, r->note->text.len) != 0;
		chunk_put(r->note);
		r->note = NULL;
	}
}

static size_t fill(struct subscriber *r, char *out, size_t max)
{
	size_t n = 0;

	while (n < max && !r->failed) {
		if (r->own_sent == r->own.len)
			make_own(r);
		if (r->own_sent < r->own.len) {
			n += take(r->own.data, r->own.len, &r->own_sent, out + n, max - n);
		} else if (r->replaying) {
			break;
		} else if (r->head) {
			const struct link *l = r->head;
			n += take(l->chunk->text.data + l->begin, l->end - l->begin, &r->sent,
				  out + n, max - n);
			if (r->sent == l->end - l->begin)
				pop(r);
		} else {
			break;
		}
	}
	return n;
}

ssize_t subscriber_read(void *reader, char *out, size_t max)
{
	struct subscriber *r = reader;
	struct room *room = r->room;
	ssize_t n = -1;

	pthread_mutex_lock(&room->lock);
	if (!room->stop && !r->failed)
		n = (ssize_t)fill(r, out, max);
	if (n == 0 && r->failed)
		n = -1;
	if (n == 0 && r->replaying) {
		r->failed |= workers_suspend(room->workers, r->conn, &r->replay) != 0;
	} else if (n == 0) {
		r->waiting = true;
		MHD_suspend_connection(r->conn);
	}
	pthread_mutex_unlock(&room->lock);
	return n;
}

void subscriber_leave(void *reader)
{
	struct subscriber *r = reader;
	struct room *room = r->room;

	pthread_mutex_lock(&room->lock);
	while (r->head)
		pop(r);
	chunk_put(r->note);
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	room->reader_count--;
	r->query->refs--;
	live_query_sweep(&room->queries);
	pthread_mutex_unlock(&room->lock);
	buf_free(&r->own);
	free(r->changed.ids);
	free(r);
}

/* Say at the head of the stream what is not replayed. */
static void say_skipped(struct subscriber *r, const struct skip *s)
{
	r->failed |= stream_event_put_skipped(&r->own, s) != 0;
	r->room->skipped += s->count;
}

/* Where a reader that comes back goes on, and what is too long ago for it. */
static void plan_replay(struct subscriber *r, int64_t after)
{
	if (after < 0)
		return;
	update_log_since(&r->room->updates, after, &r->changed);
	if (r->changed.forgotten)
		say_skipped(r, &(struct skip){ r->changed.forgotten, 0, after + 1, true });
	r->replay_after = after < r->joined ? after : r->joined;
	r->replaying = after < r->joined || r->changed.count;
	if (r->joined - r->replay_after <= LIMIT_STREAM_REPLAY)
		return;
	r->replay_after = r->joined - LIMIT_STREAM_REPLAY;
	say_skipped(r, &(struct skip){
			       .count = (uint64_t)(r->replay_after - after),
			       .after = after,
			       .before = r->replay_after + 1,
			       .inexact = r->query->filter != NULL,
		       });
}

static int join(struct room *room, struct subscriber *r, struct kfl *filter, const char *text)
{
	if (room->stop || room->reader_count == LIMIT_STREAMS)
		return -EAGAIN;
	r->query = live_query_find(&room->queries, filter, text);
	if (!r->query)
		return -EAGAIN;
	r->joined = room->published;
	r->next = room->readers;
	r->link = &room->readers;
	if (r->next)
		r->next->link = &r->next;
	room->readers = r;
	room->reader_count++;
	return 0;
}

int subscriber_join(struct room *room, struct MHD_Connection *conn, struct kfl *filter,
		    const char *text, int64_t after, struct subscriber **ret)
{
	struct subscriber *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (!r) {
		kfl_free(filter);
		return e;
	}
	*r = (struct subscriber){ .room = room,
				  .conn = conn,
				  .left = filter ? kfl_limit(filter) : -1 };
	r->tail = &r->head;
	r->replay.run = run_replay;
	pthread_mutex_lock(&room->lock);
	e = join(room, r, filter, text);
	if (!e) {
		r->failed |= buf_puts(&r->own, ": cleartap\nretry: 2000\n\n") != 0;
		plan_replay(r, after);
		if (room->stats)
			subscriber_tell(r, room->stats);
	}
	pthread_mutex_unlock(&room->lock);
	if (e) {
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}
