// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exchanges that are told more than once: which row each has, and what is to be undone of it when
 * it is written again. A number stays until the last version has come. The table `open_entry` says
 * the same on disk, so that a start finds what was left open without a look at the entries.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "entry.h"

#define BUCKETS	   16384
#define REASON_END "cleartap ended while it went on"
#define REASON_FULL                                                                                \
	"more exchanges were open at once than are followed; its end has an entry of its own"

static struct open_row_bucket *bucket_of(struct open_rows *t, uint64_t number)
{
	return &t->buckets[number % BUCKETS];
}

struct open_row *open_row_find(struct sqlite *s, uint64_t number)
{
	struct open_row *l;

	LIST_FOREACH(l, bucket_of(&s->open_rows, number), bucket)
	if (l->number == number)
		return l;
	return NULL;
}

/* It is no longer found, but its memory and place in `order` stay. */
static void take_out(struct sqlite *s, struct open_row *l)
{
	LIST_REMOVE(l, bucket);
	TAILQ_REMOVE(&s->open_rows.order, l, order);
	s->open_rows.count--;
}

void open_row_drop(struct sqlite *s, struct open_row *l)
{
	take_out(s, l);
	free(l);
}

void open_row_close(struct sqlite *s, struct open_row *l, const char *reason)
{
	take_out(s, l);
	l->reason = reason;
	TAILQ_INSERT_TAIL(&s->open_rows.closing, l, order);
}

/* The oldest makes room: its row is closed by the next transaction. */
static void push_out(struct sqlite *s)
{
	struct open_rows *t = &s->open_rows;
	struct open_row *l;

	TAILQ_FOREACH(l, &t->order, order)
	if (!l->write)
		break;
	if (!l)
		return;
	if (t->forgotten < l->number)
		t->forgotten = l->number;
	open_row_close(s, l, REASON_FULL);
}

bool open_row_is_forgotten(const struct sqlite *s, uint64_t number)
{
	return number <= s->open_rows.forgotten;
}

struct open_row *open_row_add(struct sqlite *s, uint64_t number)
{
	struct open_rows *t = &s->open_rows;
	struct open_row *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (t->count >= LIMIT_LIVE_EXCHANGES)
		push_out(s);
	l->number = number;
	LIST_INSERT_HEAD(bucket_of(t, number), l, bucket);
	TAILQ_INSERT_TAIL(&t->order, l, order);
	t->count++;
	return l;
}

static void forget_in(struct sqlite *s, struct open_row_list *list, size_t segment, bool found)
{
	struct open_row *l, *next;

	for (l = TAILQ_FIRST(list); l; l = next) {
		next = TAILQ_NEXT(l, order);
		if (!l->id || l->segment != segment)
			continue;
		if (found && l->write) {
			/* It is being written: as new, since its row is gone. */
			l->id = 0;
		} else if (found) {
			open_row_drop(s, l);
		} else {
			TAILQ_REMOVE(list, l, order);
			free(l);
		}
	}
}

void open_row_forget_segment(struct sqlite *s, size_t segment)
{
	forget_in(s, &s->open_rows.order, segment, true);
	forget_in(s, &s->open_rows.closing, segment, false);
}

/* Which rows are closed: all of segment ?2 that were left open, or the one with that id. */
#define LEFT_OPEN "SELECT id FROM open_entry WHERE n=?2"
#define ONE	  "?2"

static int close_rows(struct sqlite *s, int64_t n, const char *which, int64_t key,
		      const char *reason)
{
	sqlite3_stmt *stmt = NULL;
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "UPDATE entry_%" PRId64 " SET open=0,complete=0,reason=?1 WHERE id IN (%s)", n,
		 which);
	int r = db_prepare(s->db, sql, &stmt);
	if (!r) {
		sqlite3_bind_text(stmt, 1, reason, -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, key);
		r = db_run(stmt);
	}
	sqlite3_finalize(stmt);
	return r;
}

static int close_one(struct sqlite *s, const struct open_row *l)
{
	int64_t n = s->segments.v[l->segment].n;
	int r = close_rows(s, n, ONE, l->id, l->reason);

	if (!r)
		r = tally_move(s, l->segment, l->timestamp_us, l->outcome, l->timestamp_us,
			       OUTCOME_INCOMPLETE);
	return r ? r : open_row_mark(s, l->id, n, false);
}

int open_row_close_forgotten(struct sqlite *s)
{
	struct open_row *l;
	int r = 0;

	TAILQ_FOREACH(l, &s->open_rows.closing, order)
	if (!r && l->id)
		r = close_one(s, l);
	return r;
}

void open_row_closed(struct sqlite *s)
{
	struct open_row *l;

	while ((l = TAILQ_FIRST(&s->open_rows.closing))) {
		TAILQ_REMOVE(&s->open_rows.closing, l, order);
		free(l);
	}
}

int open_row_mark(struct sqlite *s, int64_t id, int64_t n, bool open)
{
	sqlite3_stmt *stmt = open ? s->open_rows.mark : s->open_rows.unmark;

	sqlite3_bind_int64(stmt, 1, id);
	if (open)
		sqlite3_bind_int64(stmt, 2, n);
	return db_run(stmt);
}

/* The tally of a segment whose open entries are about to be closed. */
static int move_left(struct sqlite *s, size_t segment)
{
	int64_t n = s->segments.v[segment].n;
	sqlite3_stmt *rows = NULL;
	char sql[320];
	struct entry e;
	int rc = SQLITE_OK;

	snprintf(sql, sizeof(sql),
		 "SELECT " TALLY_COLUMNS " FROM open_entry o JOIN entry_%" PRId64
		 " e ON e.id=o.id WHERE o.n=%" PRId64,
		 n, n);
	int r = db_prepare(s->db, sql, &rows);
	while (!r && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
		tally_read_entry(rows, &e);
		r = tally_move(s, segment, e.timestamp_us, entry_outcome(&e), e.timestamp_us,
			       OUTCOME_INCOMPLETE);
	}
	r = r ? r : db_errno(s->db, rc);
	sqlite3_finalize(rows);
	return r;
}

static int close_left(struct sqlite *s, size_t segment)
{
	const struct segment *g = &s->segments.v[segment];
	int r = wal_make_room(s, 2 * (uint64_t)g->bytes / s->page_size + 64);

	if (!r)
		r = db_begin(s->db, "BEGIN IMMEDIATE");
	if (!r)
		r = move_left(s, segment);
	if (!r)
		r = close_rows(s, g->n, LEFT_OPEN, g->n, REASON_END);
	if (!r)
		r = db_exec_format(s->db, "DELETE FROM open_entry WHERE n=%lld; COMMIT",
				   (long long)g->n);
	if (r && !sqlite3_get_autocommit(s->db))
		db_exec(s->db, "ROLLBACK");
	return r;
}

/* Of a segment that has some. */
static int close_any_left(struct sqlite *s, size_t segment)
{
	char sql[80];
	int64_t one;

	snprintf(sql, sizeof(sql), "SELECT 1 FROM open_entry WHERE n=%" PRId64 " LIMIT 1",
		 s->segments.v[segment].n);
	int r = db_int_sql(s->db, sql, &one);
	return r == -ENODATA ? 0 : r ? r : close_left(s, segment);
}

int open_row_start(struct sqlite *s)
{
	struct open_rows *t = &s->open_rows;

	t->buckets = calloc(BUCKETS, sizeof(*t->buckets));
	if (!t->buckets)
		return -ENOMEM;
	int r = db_prepare(s->db, "INSERT OR REPLACE INTO open_entry VALUES (?1,?2)", &t->mark);
	if (!r)
		r = db_prepare(s->db, "DELETE FROM open_entry WHERE id=?1", &t->unmark);
	for (size_t i = 0; !r && i < s->segments.count; i++)
		r = close_any_left(s, i);
	return r;
}

void open_row_free(struct sqlite *s)
{
	struct open_rows *t = &s->open_rows;

	while (!TAILQ_EMPTY(&t->order))
		open_row_drop(s, TAILQ_FIRST(&t->order));
	open_row_closed(s);
	sqlite3_finalize(t->mark);
	sqlite3_finalize(t->unmark);
	free(t->buckets);
}
