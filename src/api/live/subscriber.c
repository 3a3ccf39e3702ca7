// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/subscriber.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/live/event.h"
#include "api/live/hub_impl.h"
#include "api/server.h"
#include "api/workers.h"
#include "kfl/kfl.h"
#include "base/limits.h"
#include "store/store.h"

#define REPLAY_PAGE 200

/* A chunk, or the part from begin to end of its text, in a reader's queue. */
struct link {
	struct link *next;
	struct chunk *chunk;
	size_t begin, end, entries;
};

struct subscriber {
	struct subscriber *next, **link;
	struct hub *hub;
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
	int64_t replay_after;
	struct job replay;
};

struct chunk *chunk_new(int64_t after)
{
	struct chunk *c = calloc(1, sizeof(*c));

	if (c) {
		c->refs = 1;
		c->after = after;
	}
	return c;
}

const struct mark *chunk_marks(const struct chunk *c)
{
	return (const struct mark *)c->marks.data;
}

void chunk_put(struct chunk *c)
{
	if (!c || --c->refs)
		return;
	buf_free(&c->text);
	buf_free(&c->marks);
	free(c);
}

static void drop_link(struct subscriber *r, struct link *l)
{
	r->backlog -= l->entries;
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
	if (!r->skip.count)
		r->skip = *s;
	else
		r->skip.count += s->count;
	r->skip.before = s->before;
	r->skip.inexact |= s->inexact;
	r->hub->count.skipped += s->count;
}

/* Drop what is queued, but for a chunk that is begun, and go on before the id `before`. */
static void fall_behind(struct subscriber *r, int64_t before)
{
	struct link **from = r->head && r->sent ? &r->head->next : &r->head;

	for (struct link *l = *from, *next; l; l = next) {
		next = l->next;
		const struct skip s = { l->entries,
					l->chunk->after > r->joined ? l->chunk->after : r->joined,
					before, false };
		subscriber_skip(r, &s);
		drop_link(r, l);
	}
	*from = NULL;
	r->tail = from;
}

/* Which part of a chunk is for this reader: behind where it joined, up to its limit(n). */
static struct link part_for(const struct subscriber *r, struct chunk *c)
{
	const struct mark *marks = chunk_marks(c);
	struct link l = { .chunk = c, .end = c->text.len };
	size_t first = 0, last = c->entries;

	while (first < last && marks[first].id <= r->joined)
		first++;
	if (r->left >= 0 && last - first > (uint64_t)r->left) {
		last = first + (size_t)r->left;
		l.end = last ? marks[last - 1].end : 0;
	}
	l.begin = first ? marks[first - 1].end : 0;
	l.entries = last - first;
	return l;
}

void subscriber_queue(struct subscriber *r, struct chunk *c)
{
	struct link part = part_for(r, c), *l;
	size_t size = part.end - part.begin;

	if (!size)
		return;
	if (r->backlog + part.entries > LIMIT_STREAM_BACKLOG ||
	    (r->backlog && r->backlog_bytes + size > LIMIT_STREAM_BYTES))
		fall_behind(r, c->after + 1);
	l = malloc(sizeof(*l));
	if (!l) {
		r->failed = true;
		return;
	}
	*l = part;
	c->refs++;
	*r->tail = l;
	r->tail = &l->next;
	r->backlog += l->entries;
	r->backlog_bytes += size;
	r->hub->count.sent += l->entries;
	if (r->left >= 0)
		r->left -= (int64_t)l->entries;
}

void subscriber_tell(struct subscriber *r, struct chunk *note)
{
	/* The newest takes the place of one that the reader was too slow for. */
	chunk_put(r->note);
	note->refs++;
	r->note = note;
}

struct live_query *subscriber_query(const struct subscriber *r)
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
	server_resume(r->conn);
}

struct replay_page {
	struct subscriber *reader;
	struct buf text;
	int error;
	int64_t left;
};

static bool replay_row(void *ctx, const struct entry *e)
{
	struct replay_page *p = ctx;

	if (p->left == 0)
		return false;
	p->error = event_put_entry(&p->text, e, p->reader->query->filter);
	if (p->left > 0)
		p->left--;
	return !p->error && p->text.len < LIMIT_STREAM_BYTES;
}

/* One page of what the reader missed while it was away. Only this job touches the cursor now. */
static void run_replay(struct job *j)
{
	struct subscriber *r =
		(struct subscriber *)((char *)j - offsetof(struct subscriber, replay));
	struct replay_page p = { .reader = r, .left = r->left };
	struct store_page page = { 0 };
	char error[256] = "";
	const struct store_query q = {
		.filter = r->query->filter,
		.after = r->replay_after,
		.before = r->joined + 1,
		.limit = REPLAY_PAGE,
		.oldest_first = true,
		.time_limit_ms = LIMIT_QUERY_MS,
	};
	int e = store_select(r->hub->api->store, &q, replay_row, &p, &page, error, sizeof(error));

	if (e)
		e = event_put_failed(&p.text, error[0] ? error : strerror(-e));
	pthread_mutex_lock(&r->hub->lock);
	r->failed |= e || p.error;
	r->left = p.left;
	r->replay_after = page.next;
	r->replaying = page.next && p.left;
	buf_free(&r->own);
	r->own = p.text;
	r->own_sent = 0;
	pthread_mutex_unlock(&r->hub->lock);
	server_resume(r->conn);
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
		r->failed |= event_put_skipped(&r->own, &r->skip) != 0;
		r->skip = (struct skip){ 0 };
	} else if (r->left == 0 && !r->head && !r->ended) {
		r->failed |= event_put_end(&r->own) != 0;
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
	struct hub *h = r->hub;
	ssize_t n = -1;

	pthread_mutex_lock(&h->lock);
	if (!h->stop && !r->failed)
		n = (ssize_t)fill(r, out, max);
	if (n == 0 && r->failed)
		n = -1;
	if (n == 0 && r->replaying) {
		r->failed |= server_work(h->api, r->conn, &r->replay) != 0;
	} else if (n == 0) {
		r->waiting = true;
		MHD_suspend_connection(r->conn);
	}
	pthread_mutex_unlock(&h->lock);
	return n;
}

void subscriber_leave(void *reader)
{
	struct subscriber *r = reader;
	struct hub *h = r->hub;

	pthread_mutex_lock(&h->lock);
	while (r->head)
		pop(r);
	chunk_put(r->note);
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	h->count.readers--;
	r->query->refs--;
	hub_sweep(h);
	pthread_mutex_unlock(&h->lock);
	buf_free(&r->own);
	free(r);
}

/* Where a reader that comes back goes on, and what is too long ago for it. */
static void plan_replay(struct subscriber *r, int64_t after)
{
	if (after < 0 || after >= r->joined)
		return;
	r->replaying = true;
	r->replay_after = after;
	if (r->joined - after <= LIMIT_STREAM_REPLAY)
		return;
	r->replay_after = r->joined - LIMIT_STREAM_REPLAY;
	const struct skip s = {
		.count = (uint64_t)(r->replay_after - after),
		.after = after,
		.before = r->replay_after + 1,
		.inexact = r->query->filter != NULL,
	};
	r->failed |= event_put_skipped(&r->own, &s) != 0;
	r->hub->count.skipped += s.count;
}

static int join(struct hub *h, struct subscriber *r, struct kfl *filter, const char *text)
{
	if (h->stop || h->count.readers == LIMIT_STREAMS)
		return -EAGAIN;
	r->query = hub_find_query(h, filter, text);
	if (!r->query)
		return -EAGAIN;
	r->joined = h->published;
	r->next = h->readers;
	r->link = &h->readers;
	if (r->next)
		r->next->link = &r->next;
	h->readers = r;
	h->count.readers++;
	return 0;
}

int subscriber_join(struct hub *h, struct MHD_Connection *conn, struct kfl *filter,
		    const char *text, int64_t after, struct subscriber **ret)
{
	struct subscriber *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (!r) {
		kfl_free(filter);
		return e;
	}
	*r = (struct subscriber){ .hub = h, .conn = conn, .left = filter ? kfl_limit(filter) : -1 };
	r->tail = &r->head;
	r->replay.run = run_replay;
	pthread_mutex_lock(&h->lock);
	e = join(h, r, filter, text);
	if (!e) {
		r->failed |= buf_puts(&r->own, ": cleartap\nretry: 2000\n\n") != 0;
		plan_replay(r, after);
		if (h->stats)
			subscriber_tell(r, h->stats);
	}
	pthread_mutex_unlock(&h->lock);
	if (e) {
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}
