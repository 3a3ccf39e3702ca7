// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries by second and outcome, in the table `tally`: written here, read by count.c. */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "entry.h"

static int put_sum(struct sqlite *s, int64_t n, int64_t width, int64_t start,
		   const int64_t count[OUTCOMES])
{
	sqlite3_bind_int64(s->put_tally, 1, n);
	sqlite3_bind_int64(s->put_tally, 2, width);
	sqlite3_bind_int64(s->put_tally, 3, start);
	for (int i = 0; i < OUTCOMES; i++)
		sqlite3_bind_int64(s->put_tally, 4 + i, count[i]);
	return db_run(s->put_tally);
}

static int put_slot(const struct tally *t, struct tally_slot *slot)
{
	if (!slot->used)
		return 0;
	slot->used = false;
	return put_sum(t->s, t->n, 1, slot->second, slot->count);
}

int tally_add(struct tally *t, int64_t timestamp_us, enum outcome outcome)
{
	int64_t second = store_bucket(timestamp_us, 1000000);
	struct tally_slot *slot = &t->v[(uint64_t)second % TALLY_SLOTS];
	int r = slot->used && slot->second != second ? put_slot(t, slot) : 0;

	if (!slot->used)
		*slot = (struct tally_slot){ .second = second, .used = true };
	slot->count[outcome]++;
	return r;
}

int tally_flush(struct tally *t)
{
	int r = 0;

	for (size_t i = 0; !r && i < TALLY_SLOTS; i++)
		r = put_slot(t, &t->v[i]);
	return r;
}

static int change(struct sqlite *s, size_t segment, int64_t us, enum outcome outcome, int64_t by)
{
	static const int64_t widths[] = { 1, 60, 3600 };
	const struct segment *g = &s->segments.v[segment];
	int64_t second = store_bucket(us, 1000000), count[OUTCOMES] = { 0 };
	int r = 0;

	count[outcome] = by;
	/* Only what is closed has its minutes and hours. */
	for (size_t i = 0; !r && i < (g == s->active ? 1 : 3); i++)
		r = put_sum(s, g->n, widths[i], second - second % widths[i], count);
	return r;
}

int tally_move(struct sqlite *s, size_t segment, int64_t from_us, enum outcome from, int64_t to_us,
	       enum outcome to)
{
	if (from == to && store_bucket(from_us, 1000000) == store_bucket(to_us, 1000000))
		return 0;
	int r = change(s, segment, from_us, from, -1);
	return r ? r : change(s, segment, to_us, to, 1);
}

void tally_read_entry(sqlite3_stmt *stmt, struct entry *e)
{
	e->timestamp_us = sqlite3_column_int64(stmt, 1);
	e->complete = sqlite3_column_int(stmt, 2);
	e->status_code = sqlite3_column_int(stmt, 3);
	e->failed = sqlite3_column_int(stmt, 4);
	e->open = sqlite3_column_int(stmt, 5);
}

static int fill_segment(struct sqlite *s, int64_t n)
{
	struct tally t = { .s = s, .n = n };
	sqlite3_stmt *rows = NULL;
	struct entry e;
	char sql[160];
	int rc = SQLITE_OK;

	snprintf(sql, sizeof(sql), "SELECT " TALLY_COLUMNS " FROM entry_%" PRId64 " e", n);
	int r = db_prepare(s->db, sql, &rows);
	while (!r && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
		tally_read_entry(rows, &e);
		r = tally_add(&t, e.timestamp_us, entry_outcome(&e));
	}
	r = r ? r : db_errno(s->db, rc);
	sqlite3_finalize(rows);
	return r ? r : tally_flush(&t);
}

int tally_close(struct sqlite *s, int64_t n)
{
	static const char sum[] =
		"INSERT INTO tally SELECT n,%d,start-start%%%d,sum(ok),sum(client_error),"
		"sum(server_error),sum(incomplete) FROM tally WHERE n=%lld AND width=%d GROUP BY 3";
	int r = db_exec_format(s->db, sum, 60, 60, (long long)n, 1);

	return r ? r : db_exec_format(s->db, sum, 3600, 3600, (long long)n, 60);
}

int tally_fill(struct sqlite *s)
{
	int64_t n;
	int r = db_int_sql(s->db, "SELECT n FROM tally LIMIT 1", &n);

	/* Stores of schema 1 have none. */
	if (r != -ENODATA)
		return r;
	r = 0;
	for (size_t i = 0; !r && i < s->segments.count; i++) {
		const struct segment *g = &s->segments.v[i];
		if (segment_empty(g))
			continue;
		r = db_begin(s->db, "BEGIN IMMEDIATE");
		r = r ? r : fill_segment(s, g->n);
		if (!r && g != s->active)
			r = tally_close(s, g->n);
		r = r ? r : db_exec(s->db, "COMMIT");
		if (r && !sqlite3_get_autocommit(s->db))
			db_exec(s->db, "ROLLBACK");
	}
	return r;
}
