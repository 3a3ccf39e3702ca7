// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "kfl/kfl.h"

#define WINDOW_MIN	16 /* looked at whatever it takes, so that each page gets on */
#define WINDOW_MAX	(1 << 22)
#define WINDOW_WHOLE	4096 /* from here on a segment is read as a whole */
#define WINDOW_QUICK_MS 5
#define WINDOW_SLOW_MS	20
#define CHUNK_MS	20
#define CHUNK_CUT_MS	200  /* a window that takes longer is tried again as a small one */
#define PROGRESS_STEPS	1000 /* instructions of SQLite between looks at the clock */

bool scan_late(const struct scan *c)
{
	return c->deadline_ms && (uint64_t)clock_ms(CLOCK_MONOTONIC) >= c->deadline_ms;
}

/* SQLite asks every few instructions whether to stop. */
static int check_progress(void *ctx)
{
	struct scan *c = ctx;

	if (!plan_spend(&c->plans, PROGRESS_STEPS))
		return 1;
	if (c->progress && scan_late(c))
		return 1;
	return c->window > WINDOW_MIN && (uint64_t)clock_ms(CLOCK_MONOTONIC) >= c->cut_ms;
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
static int prepare_rows(struct scan *c, int64_t n, bool whole)
{
	const char *id = whole ? "+e.id" : "e.id";
	const struct kfl *k = c->filter;
	struct buf sql = { 0 };
	int first = (int)c->sql.count;

	sqlite3_finalize(c->stmt);
	c->stmt = NULL;
	const char *index = whole ? c->plans.v[c->plans.now].index : NULL;
	int r = buf_printf(&sql, "SELECT %s FROM entry_%" PRId64 " e", c->ops->columns, n);
	if (!r && index)
		r = buf_printf(&sql, " INDEXED BY entry_%" PRId64 "_%s", n, index);
	/* CROSS: entries first, their payload only when the rest of the filter holds. */
	if (!r && k && kfl_needs_detail(k))
		r = buf_printf(&sql, " CROSS JOIN " PAYLOAD " p ON p.id=e.id", n);
	if (!r)
		r = buf_printf(&sql, " WHERE (%s) AND %s>=?%d AND %s<=?%d ORDER BY %s %s LIMIT ?%d",
			       c->sql.sql.data, id, first + 1, id, first + 2, id,
			       c->oldest_first ? "ASC" : "DESC", first + 3);
	const char *text = r ? NULL : buf_cstr(&sql);
	r = text ? db_errno(c->reader->db,
			    sqlite3_prepare_v2(c->reader->db, text, -1, &c->stmt, NULL))
		 : -ENOMEM;
	buf_free(&sql);
	if (!r)
		r = sql_filter_bind(&c->sql, c->stmt);
	c->stmt_n = n;
	c->stmt_whole = whole;
	return r;
}

static bool in_time(const struct scan *c, const struct segment *g)
{
	return g->last_us >= c->from_us && g->first_us < c->to_us;
}

/* The segment that holds the next ids to look at; NULL when none are left. */
static const struct segment *next_segment(const struct scan *c)
{
	const struct segments *g = &c->segments;

	for (size_t i = 0; c->low <= c->high && i < g->count; i++) {
		const struct segment *t = &g->v[c->oldest_first ? i : g->count - 1 - i];
		if (t->first_id <= c->high && t->last_id >= c->low && in_time(c, t))
			return t;
	}
	return NULL;
}

static bool chunk_full(const struct scan *c)
{
	return !c->left || (c->ops->full && c->ops->full(c));
}

void scan_move_past(struct scan *c, int64_t id)
{
	if (c->oldest_first)
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
static int read_rows(struct scan *c, int64_t n, bool *ret_done)
{
	int rc = SQLITE_OK, r = 0;

	while (!r && !chunk_full(c) && (rc = sqlite3_step(c->stmt)) == SQLITE_ROW) {
		r = c->ops->row(c, n);
		if (r)
			break;
		c->left--;
		scan_move_past(c, sqlite3_column_int64(c->stmt, 0));
	}
	if (r < 0 || chunk_full(c))
		return r;
	*ret_done = rc == SQLITE_DONE;
	return db_errno(c->reader->db, rc);
}

/* Look at the ids low..high of segment n; whole: no others are left in it. */
static int read_window(struct scan *c, int64_t n, int64_t low, int64_t high, bool whole)
{
	int first = (int)c->sql.count;
	uint64_t began = (uint64_t)clock_ms(CLOCK_MONOTONIC);
	bool done = false;
	bool ready = c->stmt && c->stmt_n == n && !c->stmt_whole && !whole;

	if (whole)
		plan_choose(&c->plans);
	int r = ready ? 0 : prepare_rows(c, n, whole);

	if (!r) {
		sqlite3_bind_int64(c->stmt, first + 1, low);
		sqlite3_bind_int64(c->stmt, first + 2, high);
		sqlite3_bind_int64(c->stmt, first + 3, c->left > INT64_MAX ? -1 : (int64_t)c->left);
		r = read_rows(c, n, &done);
	}
	if (done) {
		scan_move_past(c, c->oldest_first ? high : low);
		resize_window(c, (uint64_t)clock_ms(CLOCK_MONOTONIC) - began);
	}
	if (r && whole && plan_drop(&c->plans, r)) {
		r = 0;
	} else if (r == -EINTR) {
		c->window = WINDOW_MIN;
		r = 0;
	} else if (whole && !r) {
		plan_note(&c->plans,
			  (uint64_t)sqlite3_stmt_status(c->stmt, SQLITE_STMTSTATUS_VM_STEP, 1));
	}
	if (r < 0)
		scan_fail(c, r);
	sqlite3_reset(c->stmt);
	return r;
}

static int read_part(struct scan *c, const struct segment *g)
{
	int64_t low = g->first_id > c->low ? g->first_id : c->low;
	int64_t high = g->last_id < c->high ? g->last_id : c->high;
	bool fits = high - low < c->window;

	if (!fits && c->oldest_first)
		high = low + c->window - 1;
	else if (!fits)
		low = high - c->window + 1;
	return read_window(c, g->n, low, high, fits && c->window > WINDOW_WHOLE);
}

static int read_segment(struct scan *c, const struct segment *g)
{
	int r = c->ops->segment ? c->ops->segment(c, g) : 0;

	if (!r)
		return read_part(c, g);
	if (r < 0)
		return scan_fail(c, r);
	scan_move_past(c, c->oldest_first ? g->last_id : g->first_id);
	return 0;
}

static int read_windows(struct scan *c)
{
	uint64_t until = (uint64_t)clock_ms(CLOCK_MONOTONIC) + CHUNK_MS;
	int r = segment_list_read(c->reader->segments, &c->segments);

	if (r < 0)
		return scan_fail(c, r);
	sqlite3_progress_handler(c->reader->db, PROGRESS_STEPS, check_progress, c);
	do {
		const struct segment *g = next_segment(c);
		if (!g) {
			c->ended = true;
			break;
		}
		r = read_segment(c, g);
	} while (!r && !chunk_full(c) && (uint64_t)clock_ms(CLOCK_MONOTONIC) < until &&
		 !scan_late(c));
	if (!r && !c->ended)
		c->ended = !next_segment(c);
	return r;
}

int scan_begin(struct scan *c)
{
	struct kfl_error error;
	int64_t from_us, to_us;

	c->window = WINDOW_MIN;
	plan_begin(&c->plans, c->filter);
	int r = sql_filter_make(c->filter, &c->sql, &error);
	if (r) {
		snprintf(c->error, c->error_size, "%s",
			 r == -EINVAL ? error.message : strerror(-r));
		return r == -EINVAL ? -EDOM : r;
	}
	if (!c->filter)
		return 0;
	kfl_time_range(c->filter, &from_us, &to_us);
	c->from_us = from_us > c->from_us ? from_us : c->from_us;
	c->to_us = to_us < c->to_us ? to_us : c->to_us;
	return 0;
}

void scan_end(struct scan *c)
{
	sql_filter_free(&c->sql);
}

int scan_chunk(struct scan *c)
{
	c->reader = reader_take(c->s);
	c->cut_ms = (uint64_t)clock_ms(CLOCK_MONOTONIC) + CHUNK_CUT_MS;
	int r = db_begin(c->reader->db, "BEGIN");
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
