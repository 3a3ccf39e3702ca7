// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A page is read in windows: ranges of ids inside one segment, in the order of the answer. A window
 * bounds whatever plan SQLite chooses, and what is above it has been looked at completely, so the
 * cursor is exact wherever the time limit falls. Windows grow while they are quick. The rows of a
 * few windows make a chunk, read in one short transaction, and are handed on after it: neither a
 * slow filter nor a slow consumer keeps the log from being emptied.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "entry.h"
#include "kfl/kfl.h"

#define WINDOW_MIN	16 /* looked at whatever it takes, so that each page gets on */
#define WINDOW_MAX	(1 << 22)
#define WINDOW_WHOLE	4096 /* from here on a segment is read as a whole */
#define WINDOW_QUICK_MS 5
#define WINDOW_SLOW_MS	20
#define CHUNK_ROWS	256
#define CHUNK_BYTES	(1 << 20)
#define CHUNK_MS	20
#define CHUNK_CUT_MS	200  /* a window that takes longer is tried again as a small one */
#define PROGRESS_STEPS	1000 /* instructions of SQLite between looks at the clock */

struct scan {
	struct store *s;
	const struct store_query *q;
	int64_t low, high; /* ids that are left to look at, inclusive */
	int64_t window;
	size_t left; /* rows until the limit */
	uint64_t deadline_ms, cut_ms;
	bool progress; /* something has been looked at completely */
	bool ended;    /* nothing is left */

	struct entry *rows[CHUNK_ROWS];
	size_t count, bytes;

	/* Of the chunk that is being read. */
	struct reader *reader;
	struct segments segments;
	sqlite3_stmt *stmt;
	int64_t stmt_n;
	bool stmt_whole;
	char *error;
	size_t error_size;
};

static bool late(const struct scan *c)
{
	return c->deadline_ms && store_clock_ms() >= c->deadline_ms;
}

/* SQLite asks every few instructions whether to stop. */
static int check_progress(void *ctx)
{
	struct scan *c = ctx;

	if (c->progress && late(c))
		return 1;
	return c->window > WINDOW_MIN && store_clock_ms() >= c->cut_ms;
}

static int scan_fail(struct scan *c, int r)
{
	snprintf(c->error, c->error_size, "%s",
		 r == -ENOMEM ? "out of memory" : sqlite3_errmsg(c->reader->db));
	return r;
}

/*
 * In a part of a segment the order of ids leads: a page of a frequent value ends early. In a whole
 * one, reached when matches are rare, "+" hides the ids, so that whatever index finds fewest does.
 */
static int prepare_ids(struct scan *c, int64_t n, bool whole)
{
	const char *id = whole ? "+e.id" : "e.id";
	const struct kfl *k = c->q->filter;
	struct buf sql = { 0 };
	int first = k ? kfl_params(k) : 0;

	sqlite3_finalize(c->stmt);
	c->stmt = NULL;
	int r = buf_printf(&sql, "SELECT e.id FROM entry_%" PRId64 " e", n);
	/* CROSS: entries first, their payload only when the rest of the filter holds. */
	if (!r && k && kfl_needs_payload(k))
		r = buf_printf(&sql, " CROSS JOIN payload_%" PRId64 " p ON p.id=e.id", n);
	if (!r)
		r = buf_printf(&sql, " WHERE (%s) AND %s>=?%d AND %s<=?%d ORDER BY %s %s LIMIT ?%d",
			       k ? kfl_sql(k) : "1", id, first + 1, id, first + 2, id,
			       c->q->oldest_first ? "ASC" : "DESC", first + 3);
	const char *text = r ? NULL : buf_cstr(&sql);
	r = text ? db_errno(c->reader->db,
			    sqlite3_prepare_v2(c->reader->db, text, -1, &c->stmt, NULL))
		 : -ENOMEM;
	buf_free(&sql);
	if (!r && k)
		r = kfl_bind(k, c->stmt);
	c->stmt_n = n;
	c->stmt_whole = whole;
	return r;
}

/* The segment that holds the next ids to look at; NULL when none are left. */
static const struct segment *next_segment(const struct scan *c)
{
	const struct segments *g = &c->segments;

	for (size_t i = 0; c->low <= c->high && i < g->count; i++) {
		const struct segment *t = &g->v[c->q->oldest_first ? i : g->count - 1 - i];
		if (t->first_id <= c->high && t->last_id >= c->low)
			return t;
	}
	return NULL;
}

static int take_row(struct scan *c, int64_t n, int64_t id)
{
	struct entry *e;
	int r = reader_get(c->reader, n, id, c->q->with_payload, &e);

	if (r < 0)
		return r;
	c->rows[c->count++] = e;
	c->bytes += column_size(e);
	c->left--;
	return 0;
}

static bool chunk_full(const struct scan *c)
{
	return c->count == CHUNK_ROWS || c->bytes >= CHUNK_BYTES || !c->left;
}

/* Everything up to and with the id (in the order of the answer) has been looked at. */
static void move_past(struct scan *c, int64_t id)
{
	if (c->q->oldest_first)
		c->low = id + 1;
	else
		c->high = id - 1;
	c->progress = true;
}

static void resize_window(struct scan *c, uint64_t took_ms)
{
	if (took_ms <= WINDOW_QUICK_MS && c->window < WINDOW_MAX)
		c->window *= 4;
	else if (took_ms > WINDOW_SLOW_MS && c->window > WINDOW_MIN)
		c->window /= 4;
}

/* The rows of a window until it ends (*ret_done) or the chunk is full. */
static int read_ids(struct scan *c, int64_t n, bool *ret_done)
{
	int rc, r = 0;

	while (!r && !chunk_full(c) && (rc = sqlite3_step(c->stmt)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(c->stmt, 0);
		r = take_row(c, n, id);
		if (!r)
			move_past(c, id);
	}
	if (r < 0 || chunk_full(c))
		return r;
	*ret_done = rc == SQLITE_DONE;
	return db_errno(c->reader->db, rc);
}

/* Look at the ids low..high of segment n; whole: no others are left in it. */
static int read_window(struct scan *c, int64_t n, int64_t low, int64_t high, bool whole)
{
	int first = c->q->filter ? kfl_params(c->q->filter) : 0;
	uint64_t began = store_clock_ms();
	bool done = false;
	bool ready = c->stmt && c->stmt_n == n && c->stmt_whole == whole;
	int r = ready ? 0 : prepare_ids(c, n, whole);

	if (!r) {
		sqlite3_bind_int64(c->stmt, first + 1, low);
		sqlite3_bind_int64(c->stmt, first + 2, high);
		sqlite3_bind_int64(c->stmt, first + 3, (int64_t)c->left);
		r = read_ids(c, n, &done);
	}
	if (done) {
		move_past(c, c->q->oldest_first ? high : low);
		resize_window(c, store_clock_ms() - began);
	}
	if (r == -EINTR) {
		c->window = WINDOW_MIN;
		r = 0;
	}
	if (r < 0)
		scan_fail(c, r);
	sqlite3_reset(c->stmt);
	return r;
}

static int read_windows(struct scan *c)
{
	uint64_t until = store_clock_ms() + CHUNK_MS;
	int r = segment_read(c->reader->segments, &c->segments);

	if (r < 0)
		return scan_fail(c, r);
	sqlite3_progress_handler(c->reader->db, PROGRESS_STEPS, check_progress, c);
	do {
		const struct segment *g = next_segment(c);
		if (!g) {
			c->ended = true;
			break;
		}
		int64_t low = g->first_id > c->low ? g->first_id : c->low;
		int64_t high = g->last_id < c->high ? g->last_id : c->high;
		bool fits = high - low < c->window;
		if (!fits && c->q->oldest_first)
			high = low + c->window - 1;
		else if (!fits)
			low = high - c->window + 1;
		r = read_window(c, g->n, low, high, fits && c->window > WINDOW_WHOLE);
	} while (!r && !chunk_full(c) && store_clock_ms() < until && !late(c));
	if (!r && !c->ended)
		c->ended = !next_segment(c);
	return r;
}

static int read_chunk(struct scan *c)
{
	c->reader = reader_take(c->s);
	c->cut_ms = store_clock_ms() + CHUNK_CUT_MS;
	int r = db_exec(c->reader->db, "BEGIN");
	r = r ? scan_fail(c, r) : read_windows(c);
	sqlite3_progress_handler(c->reader->db, 0, NULL, NULL);
	sqlite3_finalize(c->stmt);
	c->stmt = NULL;
	free(c->segments.v);
	c->segments = (struct segments){ 0 };
	db_exec(c->reader->db, "ROLLBACK");
	reader_give(c->s, c->reader);
	return r;
}

/* Hand the rows on; false when the consumer has had enough, which then ends behind that row. */
static bool deliver(struct scan *c, store_row_fn *row, void *ctx, struct store_page *page)
{
	bool more = true;

	for (size_t i = 0; i < c->count; i++) {
		if (more) {
			page->count++;
			more = row(ctx, c->rows[i]);
			if (!more) {
				c->ended &= i + 1 == c->count;
				move_past(c, c->rows[i]->id);
			}
		}
		entry_free(c->rows[i]);
	}
	c->count = c->bytes = 0;
	return more;
}

int store_select(struct store *s, const struct store_query *q, store_row_fn *row, void *ctx,
		 struct store_page *ret, char *error, size_t error_size)
{
	struct scan c = {
		.s = s,
		.q = q,
		.window = WINDOW_MIN,
		.left = q->limit,
		.low = q->after + 1,
		.high = q->before ? q->before - 1 : INT64_MAX - 1,
		.deadline_ms = q->time_limit_ms ? store_clock_ms() + q->time_limit_ms : 0,
		.error = error,
		.error_size = error_size,
	};
	struct store_page page = { 0 };
	int r = 0;

	while (c.left && !c.ended) {
		r = read_chunk(&c);
		if (!deliver(&c, row, ctx, &page) || r < 0)
			break;
		if (c.left && !c.ended && late(&c)) {
			page.partial = true;
			break;
		}
	}
	if (r < 0)
		return r;
	if (!c.ended)
		page.next = q->oldest_first ? c.low - 1 : c.high + 1;
	*ret = page;
	return 0;
}

int store_get(struct store *s, int64_t id, struct entry **ret)
{
	struct reader *reader = reader_take(s);
	struct segments g = { 0 };
	int r = db_exec(reader->db, "BEGIN");

	if (!r)
		r = segment_read(reader->segments, &g);
	int64_t n = -1;
	for (size_t i = 0; !r && i < g.count; i++)
		if (g.v[i].first_id <= id && id <= g.v[i].last_id)
			n = g.v[i].n;
	if (!r)
		r = n < 0 ? -ENOENT : reader_get(reader, n, id, true, ret);
	free(g.v);
	db_exec(reader->db, "ROLLBACK");
	reader_give(s, reader);
	return r;
}
