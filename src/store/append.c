// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "entry.h"

/* What one transaction takes, at the most. */
struct cost {
	uint64_t bytes;	 /* of rows */
	uint64_t bodies; /* in their own file */
	uint64_t pages;	 /* new in the main file */
	uint64_t frames; /* in the log */
};

static uint64_t bodies_size(const struct entry *e)
{
	return bodies_cost(&e->request_body) + bodies_cost(&e->response_body);
}

/* What is in the rows, about. */
static uint64_t rows_size(const struct entry *e)
{
	uint64_t size = column_size(e), bodies = bodies_size(e);

	return size > bodies ? size - bodies : 0;
}

static void add_cost(const struct store *s, struct cost *c, uint64_t n, uint64_t bodies)
{
	c->bytes += n;
	c->bodies += bodies;
	/* A row ends in a page that it does not fill, its keys in pages half full. */
	c->pages += n / s->page_size + (n > s->page_size / 4);
	c->frames += 8;
}

static void finish_cost(struct store *s, struct cost *c)
{
	uint64_t segment = 2 * segment_target(s) / s->page_size;

	c->pages += c->bytes / s->page_size / 2 + 32;
	c->frames = (c->frames < segment ? c->frames : segment) + c->pages;
}

static bool too_large(const struct store *s, uint64_t rows, uint64_t bodies)
{
	return rows > s->bounds.entry_bytes || bodies > s->bounds.bodies_bytes;
}

/* An entry too large for the bounds is kept without its bodies, and says so. */
static void cut_entry(const struct store *s, struct entry *e)
{
	if (!too_large(s, rows_size(e), bodies_size(e)))
		return;
	entry_drop_bodies(e, "bodies larger than --max-size allows");
	if (too_large(s, rows_size(e), bodies_size(e)))
		buf_free(&e->detail);
}

/* Into its row, or beside with the row telling where. */
static int put_body(struct store *s, int i, uint64_t key, const struct buf *body)
{
	int64_t at;

	if (!bodies_aside(body)) {
		sqlite3_bind_blob64(s->put_payload, i, body->len ? body->data : "", body->len,
				    SQLITE_STATIC);
		return 0;
	}
	int r = bodies_put(s, key, body, &at);
	if (!r)
		sqlite3_bind_int64(s->put_payload, i, at);
	return r;
}

static int put(struct store *s, struct entry *e)
{
	sqlite3_stmt *p = s->put_payload;
	int r = column_bind(s->put_entry, &s->put_empty, e);

	if (!r)
		r = db_run(s->put_entry);
	if (!r)
		r = put_body(s, 3, (uint64_t)e->id * 2, &e->request_body);
	if (!r)
		r = put_body(s, 4, (uint64_t)e->id * 2 + 1, &e->response_body);
	if (r < 0)
		return r;
	sqlite3_bind_int64(p, 1, e->id);
	sqlite3_bind_text64(p, 2, e->detail.len ? e->detail.data : "", e->detail.len, SQLITE_STATIC,
			    SQLITE_UTF8);
	return db_run(p);
}

static void extend(struct segment *g, const struct entry *e)
{
	if (segment_empty(g) || e->timestamp_us < g->first_us)
		g->first_us = e->timestamp_us;
	if (segment_empty(g) || e->timestamp_us > g->last_us)
		g->last_us = e->timestamp_us;
	g->bytes += (int64_t)column_size(e);
	g->last_id = e->id;
}

static int put_segment(struct store *s, const struct segment *g)
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
static const char *cause(struct store *s, int r)
{
	int code = sqlite3_errcode(s->db);

	if (r == -ENOSPC)
		return "the disk is full";
	return code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE
		       ? strerror(-r)
		       : sqlite3_errmsg(s->db);
}

static int transact(struct store *s, struct entry *const *batch, size_t count)
{
	struct segment g = *s->active;
	int r = db_run(s->begin);

	for (size_t i = 0; !r && i < count; i++) {
		batch[i]->id = g.last_id + 1;
		r = put(s, batch[i]);
		if (!r)
			extend(&g, batch[i]);
	}
	if (!r)
		r = tally_put(s, g.n, batch, count);
	if (!r)
		r = put_segment(s, &g);
	if (!r)
		r = bodies_flush(s);
	if (!r)
		r = db_run(s->commit);
	bodies_ended(s, !r);
	if (!r) {
		if (segment_empty(s->active))
			s->active_since_us = clock_us(CLOCK_REALTIME);
		*s->active = g;
		return 0;
	}
	store_set_error(s, "write %s: %s", s->path, cause(s, r));
	if (!sqlite3_get_autocommit(s->db))
		db_exec(s->db, "ROLLBACK");
	for (size_t i = 0; i < count; i++)
		batch[i]->id = 0;
	return r;
}

/* The active segment is full by its size, or by its span where the age is bounded. */
static bool segment_full(struct store *s, int64_t now_us, uint64_t more)
{
	const struct segment *g = s->active;

	if (segment_empty(g))
		return false;
	if ((uint64_t)g->bytes + more > segment_target(s))
		return true;
	return s->bounds.max_age_us &&
	       now_us - s->active_since_us > s->bounds.max_age_us / SEGMENT_AGE_PARTS;
}

static int prepare(struct store *s, const struct cost *c)
{
	int r = retain_make_room(s, c->pages, c->bodies);

	if (!r)
		r = wal_make_room(s, c->frames);
	if (!r && segment_full(s, clock_us(CLOCK_REALTIME), c->bytes + c->bodies))
		r = segment_roll(s);
	return r;
}

static int append_some(struct store *s, struct entry *const *batch, size_t count,
		       const struct cost *c)
{
	struct cost more = { c->bytes, 2 * c->bodies, 4 * c->pages, c->frames };
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
static size_t take(struct store *s, struct entry *const *batch, size_t count, struct cost *ret)
{
	struct cost c = { 0 };
	size_t n = 0;

	for (; n < count; n++) {
		uint64_t rows = rows_size(batch[n]), bodies = bodies_size(batch[n]);
		if (too_large(s, rows, bodies) ||
		    (n && (c.bytes + rows > s->bounds.batch_bytes ||
			   c.bodies + bodies > s->bounds.bodies_bytes)))
			break;
		add_cost(s, &c, rows, bodies);
	}
	finish_cost(s, &c);
	*ret = c;
	return n;
}

static void count_loss(struct store *s, size_t entries)
{
	pthread_mutex_lock(&s->lock);
	s->stats.lost_entries += entries;
	pthread_mutex_unlock(&s->lock);
}

static void count_failure(struct store *s, size_t entries, int r)
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

int store_append(struct store *s, struct entry *const *batch, size_t count)
{
	size_t done = 0;
	int r = 0;

	store_set_error(s, "%s", "");
	for (size_t i = 0; i < count; i++) {
		batch[i]->id = 0;
		cut_entry(s, batch[i]);
	}
	while (done < count) {
		struct cost c;
		size_t n = take(s, batch + done, count - done, &c);
		if (!n) {
			count_loss(s, 1);
			done++;
			continue;
		}
		r = append_some(s, batch + done, n, &c);
		if (r < 0)
			break;
		done += n;
	}
	if (r < 0)
		count_failure(s, count - done, r);
	retain_keep(s, clock_us(CLOCK_REALTIME), false);
	retain_count(s);
	return r;
}
