// SPDX-License-Identifier: GPL-2.0-or-later
/* Histograms: from the tally of seconds where it serves, else from the entries. */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "store/sqlite/scan.h"

#define SECOND_US 1000000

struct counter {
	struct scan scan;
	const struct store_histogram *q;
	uint64_t (*counts)[OUTCOMES];
	uint64_t total;
	int64_t width; /* of the sums in the tally that will do; 0: none will */
};

static void add(struct counter *c, int64_t us, enum outcome outcome, uint64_t n)
{
	int64_t i = store_bucket(us, c->q->bucket_us) - c->q->start_us / c->q->bucket_us;

	if (i < 0 || i >= (int64_t)c->q->buckets)
		return;
	c->counts[i][outcome] += n;
	c->total += n;
}

static int count_row(struct scan *scan, int64_t n)
{
	struct counter *c = (struct counter *)scan;
	struct entry e;

	(void)n;
	tally_read_entry(scan->stmt, &e);
	add(c, e.timestamp_us, entry_outcome(&e), 1);
	return 0;
}

/* The widest sums, in seconds, that the buckets are made of; 0: none. */
static int64_t tally_width(const struct store_histogram *q)
{
	static const int64_t widths[] = { 3600, 60, 1 };

	for (size_t i = 0; !q->filter && !q->after && i < sizeof(widths) / sizeof(*widths); i++)
		if (q->bucket_us % (widths[i] * SECOND_US) == 0)
			return widths[i];
	return 0;
}

static int count_tally(struct scan *scan, const struct segment *g)
{
	struct counter *c = (struct counter *)scan;
	sqlite3_stmt *stmt = scan->reader->tally;
	/* Only what is closed has its minutes and hours. */
	bool newest = g == &scan->segments.v[scan->segments.count - 1];
	int64_t width = newest && c->width ? 1 : c->width;
	int rc;

	if (!width)
		return 0;
	sqlite3_bind_int64(stmt, 1, g->n);
	sqlite3_bind_int64(stmt, 2, width);
	sqlite3_bind_int64(stmt, 3, c->q->start_us / SECOND_US);
	sqlite3_bind_int64(stmt, 4, scan->to_us / SECOND_US);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t us = sqlite3_column_int64(stmt, 0) * SECOND_US;
		for (int i = 0; i < OUTCOMES; i++)
			add(c, us, (enum outcome)i, (uint64_t)sqlite3_column_int64(stmt, 1 + i));
	}
	int r = db_errno(scan->reader->db, rc);
	sqlite3_reset(stmt);
	return r < 0 ? r : 1;
}

/* The largest timestamp of a segment's entries that were not looked at: ids up to high. */
static int newest_left(struct reader *r, const struct segment *g, int64_t high, int64_t *ret)
{
	char sql[96];

	*ret = g->last_us;
	if (g->last_id <= high)
		return 0;
	snprintf(sql, sizeof(sql),
		 "SELECT max(timestamp) FROM entry_%" PRId64 " WHERE id<=%" PRId64, g->n, high);
	return db_int_sql(r->db, sql, ret);
}

/* From when on nothing is missing: behind all that is left. */
static int find_whole(struct scan *c, int64_t *ret_us)
{
	struct segments g = { 0 };

	c->reader = reader_take(c->s);
	int r = db_begin(c->reader->db, "BEGIN");
	r = r ? r : segment_list_read(c->reader->segments, &g);
	for (size_t i = 0; !r && i < g.count; i++) {
		if (g.v[i].first_id > c->high || g.v[i].last_us < *ret_us)
			continue;
		int64_t newest;
		r = newest_left(c->reader, &g.v[i], c->high, &newest);
		if (!r && newest >= *ret_us)
			*ret_us = newest + 1;
	}
	if (r)
		snprintf(c->error, c->error_size, "%s", sqlite3_errmsg(c->reader->db));
	db_exec(c->reader->db, "ROLLBACK");
	reader_give(c->s, c->reader);
	free(g.v);
	return r;
}

static const struct scan_ops ops = {
	.columns = TALLY_COLUMNS,
	.row = count_row,
	.segment = count_tally,
};

int sqlite_count(struct store *store, const struct store_histogram *q, uint64_t (*counts)[OUTCOMES],
		 struct store_counted *ret, char *error, size_t error_size)
{
	int64_t limit = q->filter ? kfl_limit(q->filter) : -1;
	int64_t end_us = q->start_us + (int64_t)q->buckets * q->bucket_us;
	struct counter c = {
		.scan = {
			.s = sqlite_of(store),
			.ops = &ops,
			.filter = q->filter,
			.left = limit >= 0 ? (size_t)limit : SIZE_MAX,
			.low = q->after < INT64_MAX ? q->after + 1 : INT64_MAX,
			.high = INT64_MAX - 1,
			/* The newest so many are wherever they are. */
			.from_us = limit < 0 ? q->start_us : INT64_MIN,
			.to_us = limit < 0 ? end_us : INT64_MAX,
			.deadline_ms = q->time_limit_ms ? (uint64_t)clock_ms(CLOCK_MONOTONIC) + q->time_limit_ms : 0,
			.error = error,
			.error_size = error_size,
		},
		.q = q,
		.counts = counts,
		.width = tally_width(q),
	};
	struct store_counted counted = { .whole_from_us = q->start_us };
	int r = scan_begin(&c.scan);

	while (!r && c.scan.left && !c.scan.ended && !counted.partial) {
		r = scan_chunk(&c.scan);
		counted.partial = !c.scan.ended && c.scan.left && scan_late(&c.scan);
	}
	if (!r && counted.partial)
		r = find_whole(&c.scan, &counted.whole_from_us);
	scan_end(&c.scan);
	if (counted.whole_from_us > end_us)
		counted.whole_from_us = end_us;
	counted.total = c.total;
	if (!r)
		*ret = counted;
	return r;
}
