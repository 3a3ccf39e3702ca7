// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A page. Its rows are handed on after each chunk, so that a slow consumer does not keep the log
 * from being emptied.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "entry.h"
#include "store/sqlite/scan.h"

#define CHUNK_ROWS  256
#define CHUNK_BYTES (1 << 20)

struct select {
	struct scan scan;
	bool with_payload;
	struct entry *rows[CHUNK_ROWS];
	size_t count, bytes;
};

static int take_row(struct scan *scan, int64_t n)
{
	struct select *c = (struct select *)scan;
	struct entry *e;
	int r = reader_get(scan->reader, n, sqlite3_column_int64(scan->stmt, 0), c->with_payload,
			   &e);

	if (r < 0)
		return r;
	c->rows[c->count++] = e;
	c->bytes += column_size(e);
	return 0;
}

static bool is_full(const struct scan *scan)
{
	const struct select *c = (const struct select *)scan;

	return c->count == CHUNK_ROWS || c->bytes >= CHUNK_BYTES;
}

static const struct scan_ops ops = { .columns = "e.id", .row = take_row, .full = is_full };

/* Hand the rows on; false when the consumer has had enough, which then ends behind that row. */
static bool deliver(struct select *c, store_row_fn *row, void *ctx, struct store_page *page)
{
	bool more = true;

	for (size_t i = 0; i < c->count; i++) {
		if (more) {
			page->count++;
			more = row(ctx, c->rows[i]);
			if (!more) {
				c->scan.ended &= i + 1 == c->count;
				scan_move_past(&c->scan, c->rows[i]->id);
			}
		}
		entry_free(c->rows[i]);
	}
	c->count = c->bytes = 0;
	return more;
}

int sqlite_select(struct store *store, const struct store_query *q, store_row_fn *row, void *ctx,
		  struct store_page *ret, char *error, size_t error_size)
{
	struct select c = {
		.scan = {
			.s = sqlite_of(store),
			.ops = &ops,
			.filter = q->filter,
			.oldest_first = q->oldest_first,
			.left = q->limit,
			/* Nothing is behind the last id that there can be. */
			.low = q->after < INT64_MAX ? q->after + 1 : INT64_MAX,
			.high = q->before ? q->before - 1 : INT64_MAX - 1,
			.from_us = INT64_MIN,
			.to_us = INT64_MAX,
			.deadline_ms = q->time_limit_ms ? (uint64_t)clock_ms(CLOCK_MONOTONIC) + q->time_limit_ms : 0,
			.error = error,
			.error_size = error_size,
		},
		.with_payload = q->with_payload,
	};
	struct scan *scan = &c.scan;
	struct store_page page = { 0 };
	int r = scan_begin(scan);

	while (!r && scan->left && !scan->ended) {
		r = scan_chunk(scan);
		if (!deliver(&c, row, ctx, &page) || r < 0)
			break;
		if (scan->left && !scan->ended && scan_late(scan)) {
			page.partial = true;
			break;
		}
	}
	scan_end(scan);
	if (r < 0)
		return r;
	if (!scan->ended)
		page.next = q->oldest_first ? scan->low - 1 : scan->high + 1;
	*ret = page;
	return 0;
}

int sqlite_get(struct store *store, int64_t id, struct entry **ret)
{
	struct sqlite *s = sqlite_of(store);
	struct reader *reader = reader_take(s);
	struct segments g = { 0 };
	int r = db_begin(reader->db, "BEGIN");

	if (!r)
		r = segment_list_read(reader->segments, &g);
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
