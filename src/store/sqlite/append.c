// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "entry.h"

/* What one transaction takes, at the most. */
struct cost {
	uint64_t bytes;	 /* of rows */
	uint64_t bodies; /* in their own file */
	uint64_t pages;	 /* new in the main file */
	uint64_t frames; /* in the log */
	uint64_t others; /* of them, pages of rows that are written again, wherever they are */
};

#define ROW_FRAMES    8
#define REASON_LOST   "its end could not be written"
#define REASON_NO_ROW "the part of the store that held its body was dropped while it went on"

static const struct buf empty_body;

static void weigh(struct write *w)
{
	const struct entry *e = w->e;

	w->rows = column_size(e) - e->request_body.len - e->response_body.len;
	w->bodies = 0;
	for (int i = 0; i < 2; i++) {
		const struct buf *body = w->body[i] ? w->body[i] : &empty_body;
		w->bodies += bodies_cost(body);
		w->rows += bodies_aside(body) ? 0 : body->len;
	}
}

/* What a new row takes; one that is written again may be in any page of the file. */
static void add_cost(const struct sqlite *s, struct cost *c, const struct write *w)
{
	uint64_t n = w->rows;

	c->bytes += n;
	c->bodies += w->bodies;
	/* A row ends in a page that it does not fill, its keys in pages half full. */
	c->pages += n / s->page_size + (n > s->page_size / 4);
	if (w->row && w->row->id)
		c->others += ROW_FRAMES + n / s->page_size;
	else
		c->frames += ROW_FRAMES;
}

static void finish_cost(struct sqlite *s, struct cost *c)
{
	uint64_t segment = 2 * segment_target(s) / s->page_size;
	uint64_t all = (uint64_t)db_int(s->page_count);

	c->pages += c->bytes / s->page_size / 2 + 32;
	c->frames = (c->frames < segment ? c->frames : segment) + c->pages;
	c->frames += c->others < all ? c->others : all;
}

static bool too_large(const struct sqlite *s, const struct write *w)
{
	return w->rows > s->bounds.entry_bytes || w->bodies > s->bounds.bodies_bytes;
}

/* An entry too large for the bounds is kept without its bodies, and says so. */
static void cut(const struct sqlite *s, struct write *w)
{
	weigh(w);
	if (!too_large(s, w))
		return;
	/* Those of earlier versions in the batch, too. */
	for (int i = 0; i < 2; i++) {
		const struct buf *own = i ? &w->e->response_body : &w->e->request_body;
		if (w->body[i] && w->body[i] != own)
			w->e->truncated_bytes += (int64_t)w->body[i]->len;
		w->body[i] = w->body[i] ? &empty_body : NULL;
	}
	entry_drop_bodies(w->e, "bodies larger than --max-size allows");
	weigh(w);
	if (!too_large(s, w))
		return;
	buf_free(&w->e->detail);
	weigh(w);
}

static void widen(struct segment *g, int64_t us)
{
	if (segment_empty(g) || us < g->first_us)
		g->first_us = us;
	if (segment_empty(g) || us > g->last_us)
		g->last_us = us;
}

static uint64_t size_of(const struct write *w)
{
	return w->rows + w->bodies;
}

static void extend(struct segment *g, const struct write *w)
{
	widen(g, w->e->timestamp_us);
	g->bytes += (int64_t)size_of(w);
	g->last_id = w->e->id;
}

static int put_segment(struct sqlite *s, const struct segment *g)
{
	sqlite3_bind_int64(s->put_segment, 1, g->n);
	sqlite3_bind_int64(s->put_segment, 2, g->first_id);
	sqlite3_bind_int64(s->put_segment, 3, g->last_id);
	sqlite3_bind_int64(s->put_segment, 4, g->first_us);
	sqlite3_bind_int64(s->put_segment, 5, g->last_us);
	sqlite3_bind_int64(s->put_segment, 6, g->bytes);
	return db_run(s->put_segment);
}

/* SQLite's own words where it was SQLite that failed. */
static const char *cause(struct sqlite *s, int r)
{
	int code = sqlite3_errcode(s->db);

	if (r == -ENOSPC)
		return "the disk is full";
	return code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE
		       ? strerror(-r)
		       : sqlite3_errmsg(s->db);
}

/* The body is as it was stored, and that is gone. */
static void note_lost_bodies(struct write *w)
{
	for (int i = 0; i < 2; i++) {
		if (!w->e->body_kept[i] || w->body[i])
			continue;
		w->e->complete = false;
		if (!*w->e->reason)
			w->e->reason = REASON_NO_ROW;
	}
}

static int put_new(struct sqlite *s, struct segment *g, struct tally *t, struct write *w)
{
	struct entry *e = w->e;

	e->id = g->last_id + 1;
	note_lost_bodies(w);
	int r = write_new(s, w);
	if (!r && w->row)
		r = open_row_mark(s, e->id, g->n, true);
	if (!r)
		r = tally_add(t, e->timestamp_us, entry_outcome(e));
	if (!r)
		extend(g, w);
	return r;
}

/* The times of a segment that is not the active one. */
static int widen_other(struct sqlite *s, size_t segment, int64_t us)
{
	struct segment g = s->segments.v[segment];

	widen(&g, us);
	return put_segment(s, &g);
}

/* The row of an earlier version. What it grows by counts where new bodies go. */
static int put_again(struct sqlite *s, struct segment *active, struct write *w)
{
	const struct open_row *l = w->row;
	const struct segment *g = &s->segments.v[l->segment];
	struct entry *e = w->e;
	bool moved = e->timestamp_us < g->first_us || e->timestamp_us > g->last_us;
	int r;

	e->id = l->id;
	w->again = true;
	r = write_again(s, w);
	if (!r)
		r = tally_move(s, l->segment, l->timestamp_us, l->outcome, e->timestamp_us,
			       entry_outcome(e));
	if (!r && !e->open)
		r = open_row_mark(s, e->id, g->n, false);
	if (!r && moved && g != s->active)
		r = widen_other(s, l->segment, e->timestamp_us);
	if (r)
		return r;
	if (g == s->active)
		widen(active, e->timestamp_us);
	if (size_of(w) > l->size)
		active->bytes += (int64_t)(size_of(w) - l->size);
	return 0;
}

/* The transaction is committed: what the table of open exchanges knows of the row. */
static void note_written(struct sqlite *s, struct write *w)
{
	struct open_row *l = w->row;

	w->done = true;
	if (!l)
		return;
	if (l->id)
		widen(&s->segments.v[l->segment], w->e->timestamp_us);
	else
		l->segment = (size_t)(s->active - s->segments.v);
	l->id = w->e->id;
	l->timestamp_us = w->e->timestamp_us;
	l->outcome = entry_outcome(w->e);
	l->size = size_of(w);
	l->indexed = column_indexed(w->e);
}

static int put_batch(struct sqlite *s, struct segment *g, struct write *w, size_t count)
{
	struct tally t = { .s = s, .n = g->n };
	int r = open_row_close_forgotten(s);

	for (size_t i = 0; !r && i < count; i++)
		r = w[i].row && w[i].row->id ? put_again(s, g, &w[i]) : put_new(s, g, &t, &w[i]);
	if (!r)
		r = tally_flush(&t);
	if (!r)
		r = put_segment(s, g);
	if (!r)
		r = bodies_flush(s);
	return r ? r : db_run(s->commit);
}

static int transact(struct sqlite *s, struct write *w, size_t count)
{
	struct segment g = *s->active;
	int r = db_leave(s->db);

	if (!r)
		r = db_run(s->begin);
	if (!r)
		r = put_batch(s, &g, w, count);
	bodies_ended(s, !r);
	if (!r) {
		if (segment_empty(s->active) && !segment_empty(&g))
			s->active_since_us = clock_us(CLOCK_REALTIME);
		*s->active = g;
		open_row_closed(s);
		for (size_t i = 0; i < count; i++)
			note_written(s, &w[i]);
		return 0;
	}
	sqlite_set_error(s, "write %s: %s", s->path, cause(s, r));
	if (!sqlite3_get_autocommit(s->db))
		db_exec(s->db, "ROLLBACK");
	for (size_t i = 0; i < count; i++) {
		w[i].e->id = 0;
		w[i].again = false;
	}
	return r;
}

/* The active segment is full by its size, or by its span where the age is bounded. */
static bool segment_full(struct sqlite *s, int64_t now_us, uint64_t more)
{
	const struct segment *g = s->active;

	if (segment_empty(g))
		return false;
	if ((uint64_t)g->bytes + more > segment_target(s))
		return true;
	return s->bounds.max_age_us &&
	       now_us - s->active_since_us > s->bounds.max_age_us / SEGMENT_AGE_PARTS;
}

static int prepare(struct sqlite *s, const struct cost *c)
{
	int r = retain_make_room(s, c->pages, c->bodies);

	if (!r)
		r = wal_make_room(s, c->frames);
	if (!r && segment_full(s, clock_us(CLOCK_REALTIME), c->bytes + c->bodies))
		r = segment_roll(s);
	return r ? r : segment_ready(s);
}

static int append_some(struct sqlite *s, struct write *batch, size_t count, const struct cost *c)
{
	struct cost more = { c->bytes, 2 * c->bodies, 4 * c->pages, c->frames, c->others };
	int r = prepare(s, c);

	if (!r)
		r = transact(s, batch, count);
	if (r != -ENOSPC)
		return r;
	/* Either our own bound, by an estimate that was wrong, or the disk: the log may give room.
	 */
	if (retain_at_bound(s, more.pages, more.bodies))
		r = prepare(s, &more);
	else
		r = wal_truncate(s, 0);
	return r ? r : transact(s, batch, count);
}

/*
 * How many entries go in the next transaction, and their cost. An entry whose texts alone are too
 * large goes in none.
 */
static size_t take(struct sqlite *s, const struct write *w, size_t count, struct cost *ret)
{
	uint64_t others = s->bounds.wal_max / s->page_size / 2;
	struct cost c = { 0 };
	size_t n = 0;

	for (; n < count; n++) {
		if (too_large(s, &w[n]) || (n && (c.bytes + w[n].rows > s->bounds.batch_bytes ||
						  c.bodies + w[n].bodies > s->bounds.bodies_bytes ||
						  c.others + ROW_FRAMES > others)))
			break;
		add_cost(s, &c, &w[n]);
	}
	finish_cost(s, &c);
	*ret = c;
	return n;
}

static void count_loss(struct sqlite *s, size_t entries)
{
	pthread_mutex_lock(&s->lock);
	s->stats.lost_entries += entries;
	pthread_mutex_unlock(&s->lock);
}

static void count_failure(struct sqlite *s, size_t entries, int r)
{
	count_loss(s, entries);
	pthread_mutex_lock(&s->lock);
	s->stats.failed_batches++;
	if (!s->error[0])
		snprintf(s->error, sizeof(s->error), "write %s: %s", s->path,
			 r == -EBUSY
				 ? "another program reads it and keeps its log from being emptied"
				 : strerror(-r));
	pthread_mutex_unlock(&s->lock);
}

static const struct buf *own_body(const struct entry *e, int side)
{
	return e->body_kept[side] ? NULL : side ? &e->response_body : &e->request_body;
}

/* A later version in one batch: one write for both, at the place of the first. */
static void merge(const struct sqlite *s, struct write *w, struct entry *e)
{
	w->e = e;
	for (int i = 0; i < 2; i++)
		if (own_body(e, i))
			w->body[i] = own_body(e, i);
	cut(s, w);
}

/* The place of an exchange that is told more than once; NULL with 0: none is needed. */
static int find_row(struct sqlite *s, const struct entry *e, struct open_row **ret)
{
	*ret = e->live ? open_row_find(s, e->live) : NULL;
	if (!e->live || *ret || !e->open)
		return 0;
	if (open_row_is_forgotten(s, e->live))
		return -ESTALE;
	*ret = open_row_add(s, e->live);
	return *ret ? 0 : -ENOMEM;
}

/* What is to be written of the batch: of several versions of one exchange the last. */
static size_t plan_writes(struct sqlite *s, struct entry *const *batch, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct entry *e = batch[i];
		struct write *w = &s->writes[n];
		struct open_row *l;
		int r = find_row(s, e, &l);

		e->id = 0;
		e->again = false;
		if (r) {
			s->passed_over++;
			continue;
		}
		if (l && l->write) {
			merge(s, l->write, e);
			continue;
		}
		*w = (struct write){ .e = e, .row = l };
		w->body[0] = own_body(e, 0);
		w->body[1] = own_body(e, 1);
		cut(s, w);
		if (l)
			l->write = w;
		n++;
	}
	return n;
}

/* Ids for all versions in the batch; what has ended or was not stored is forgotten. */
static void settle(struct sqlite *s, struct entry *const *batch, size_t count, size_t writes)
{
	for (size_t i = 0; i < count; i++) {
		struct open_row *l = batch[i]->live ? open_row_find(s, batch[i]->live) : NULL;
		if (!l || !l->write)
			continue;
		batch[i]->id = l->write->done ? l->id : 0;
		batch[i]->again = l->write->again;
		l->write->again = true;
	}
	for (size_t i = 0; i < writes; i++) {
		struct open_row *l = s->writes[i].row;
		if (!l)
			continue;
		l->write = NULL;
		if (!l->id || (s->writes[i].done && !s->writes[i].e->open))
			open_row_drop(s, l);
		else if (!s->writes[i].e->open)
			open_row_close(s, l, REASON_LOST);
	}
}

static int make_places(struct sqlite *s, size_t count)
{
	struct write *w = count > s->write_room ? reallocarray(s->writes, count, sizeof(*w)) : NULL;

	if (count <= s->write_room)
		return 0;
	if (!w)
		return -ENOMEM;
	s->writes = w;
	s->write_room = count;
	return 0;
}

static int append_all(struct sqlite *s, struct write *w, size_t count)
{
	size_t done = 0;
	int r = 0;

	while (done < count && !r) {
		struct cost c;
		size_t n = take(s, w + done, count - done, &c);
		if (!n)
			count_loss(s, 1);
		else
			r = append_some(s, w + done, n, &c);
		if (!r)
			done += n ? n : 1;
	}
	if (r)
		count_failure(s, count - done, r);
	return r;
}

int sqlite_append(struct store *store, struct entry *const *batch, size_t count)
{
	struct sqlite *s = sqlite_of(store);
	int r = make_places(s, count);

	sqlite_set_error(s, "%s", "");
	if (r) {
		count_failure(s, count, r);
		return r;
	}
	size_t n = plan_writes(s, batch, count);
	r = append_all(s, s->writes, n);
	settle(s, batch, count, n);
	retain_keep(s, clock_us(CLOCK_REALTIME), false);
	retain_count(s);
	return r;
}
