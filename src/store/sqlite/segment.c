// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"

/* Without a bound a segment is this part of the store, so that their number stays small. */
#define SEGMENT_PART	  48
#define SEGMENT_BYTES_MIN (16ULL << 20)

/* The segment that goes on: the one with the highest ids. */
static struct segment *find_active(struct segments *g)
{
	struct segment *active = NULL;

	for (size_t i = 0; i < g->count; i++)
		if (!active || g->v[i].first_id > active->first_id ||
		    (g->v[i].first_id == active->first_id && !segment_empty(&g->v[i])))
			active = &g->v[i];
	return active;
}

static void drop_inserts(struct sqlite *s)
{
	sqlite3_finalize(s->put_entry);
	sqlite3_finalize(s->put_payload);
	s->put_entry = s->put_payload = NULL;
	s->put_empty = 0;
}

int segment_ready(struct sqlite *s)
{
	struct buf sql = { 0 };
	int64_t n = s->active->n;

	if (s->put_entry && s->put_payload)
		return 0;
	drop_inserts(s);
	int r = buf_printf(&sql, "INSERT INTO entry_%" PRId64 " (", n);
	if (!r)
		r = column_put_names(&sql, "");
	if (!r)
		r = buf_puts(&sql, ") VALUES (");
	if (!r)
		r = column_put_marks(&sql);
	if (!r)
		r = buf_puts(&sql, ")");
	if (!r)
		r = buf_cstr(&sql) ? db_prepare(s->db, buf_cstr(&sql), &s->put_entry) : -ENOMEM;
	buf_reset(&sql);
	if (!r)
		r = buf_printf(&sql, "INSERT INTO payload_%" PRId64 " VALUES (?1,?2,?3,?4)", n);
	if (!r)
		r = buf_cstr(&sql) ? db_prepare(s->db, buf_cstr(&sql), &s->put_payload) : -ENOMEM;
	buf_free(&sql);
	return r;
}

int segment_load(struct sqlite *s)
{
	sqlite3_stmt *stmt = NULL;
	int r = db_prepare(s->db, "SELECT n,first_id,last_id,first_us,last_us,bytes FROM segment",
			   &stmt);

	if (!r)
		r = segment_list_read(stmt, &s->segments);
	sqlite3_finalize(stmt);
	if (r < 0)
		return r;
	for (size_t i = 0; !r && i < s->segments.count; i++) {
		struct segment *g = &s->segments.v[i];
		r = schema_segment_old(s->db, g->n, &g->old);
		if (!r && g->old && segment_empty(g))
			r = segment_clear(s, g);
	}
	if (r < 0)
		return r;
	s->active = find_active(&s->segments);
	s->active_since_us = s->active ? s->active->last_us : 0;
	r = tally_fill(s);
	if (r < 0)
		return r;
	return s->active && !s->active->old ? segment_ready(s) : segment_roll(s);
}

uint64_t segment_target(const struct sqlite *s)
{
	if (s->bounds.segment_bytes)
		return s->bounds.segment_bytes;
	uint64_t rows = (uint64_t)db_int(s->page_count) * s->page_size;
	uint64_t part = (rows + s->bodies.end) / SEGMENT_PART;
	return part > SEGMENT_BYTES_MIN ? part : SEGMENT_BYTES_MIN;
}

/* A segment without entries, or a place in the list for a new one. */
static struct segment *find_empty(struct segments *g, const struct segment *active)
{
	for (size_t i = 0; i < g->count; i++)
		if (&g->v[i] != active && segment_empty(&g->v[i]))
			return &g->v[i];
	return NULL;
}

static struct segment *add_place(struct sqlite *s)
{
	struct segments *g = &s->segments;
	size_t active = s->active ? (size_t)(s->active - g->v) : 0;
	struct segment *v = reallocarray(g->v, g->count + 1, sizeof(*v));
	int64_t n = 0;

	if (!v)
		return NULL;
	g->v = v;
	s->active = s->active ? v + active : NULL;
	for (size_t i = 0; i < g->count; i++)
		n = v[i].n > n ? v[i].n : n;
	v[g->count] = (struct segment){ .n = n + 1, .last_id = -1 };
	return &v[g->count];
}

int segment_roll(struct sqlite *s)
{
	struct segment *g = find_empty(&s->segments, s->active);
	bool fresh = !g;
	int r;

	if (fresh && !(g = add_place(s)))
		return -ENOMEM;
	int64_t next = s->active ? s->active->last_id + 1 : 1;
	r = db_begin(s->db, "BEGIN IMMEDIATE");
	if (!r && fresh)
		r = schema_make_segment(s->db, g->n);
	if (!r && s->active)
		r = tally_close(s, s->active->n);
	if (!r)
		r = db_exec_format(s->db,
				   "INSERT OR REPLACE INTO segment VALUES (%lld,%lld,%lld,0,0,0);"
				   "COMMIT",
				   (long long)g->n, (long long)next, (long long)next - 1);
	if (r < 0) {
		if (!sqlite3_get_autocommit(s->db))
			db_exec(s->db, "ROLLBACK");
		return r;
	}
	*g = (struct segment){ .n = g->n, .first_id = next, .last_id = next - 1 };
	s->segments.count += fresh;
	s->active = g;
	bodies_roll(s);
	drop_inserts(s);
	return segment_ready(s);
}

/* Tables as a new segment has them: what an older program made is replaced. */
static int empty_tables(struct sqlite *s, const struct segment *g)
{
	long long n = g->n;

	if (g->old) {
		int r = schema_drop_segment(s->db, g->n);
		return r ? r : schema_make_segment(s->db, g->n);
	}
	/* Without WHERE a table and its indexes are emptied as a whole. */
	return db_exec_format(s->db, "DELETE FROM payload_%lld; DELETE FROM entry_%lld", n, n);
}

int segment_clear(struct sqlite *s, struct segment *g)
{
	long long n = g->n, next = g->last_id + 1;
	int r = db_begin(s->db, "BEGIN IMMEDIATE");

	if (!r)
		r = empty_tables(s, g);
	if (!r)
		r = db_exec_format(
			s->db,
			"DELETE FROM tally WHERE n=%lld; DELETE FROM extent WHERE n=%lld;"
			"DELETE FROM open_entry WHERE n=%lld;"
			"UPDATE segment SET first_id=%lld,last_id=%lld,bytes=0 WHERE n=%lld;"
			"COMMIT",
			n, n, n, next, next - 1, n);
	if (r < 0) {
		if (!sqlite3_get_autocommit(s->db))
			db_exec(s->db, "ROLLBACK");
		return r;
	}
	g->first_id = next;
	g->last_id = next - 1;
	g->bytes = 0;
	g->old = false;
	bodies_forget(s, g->n);
	open_row_forget_segment(s, (size_t)(g - s->segments.v));
	return 0;
}

struct segment *segment_oldest(struct sqlite *s)
{
	struct segment *oldest = NULL;

	for (size_t i = 0; i < s->segments.count; i++) {
		struct segment *g = &s->segments.v[i];
		if (!segment_empty(g) && (!oldest || g->first_id < oldest->first_id))
			oldest = g;
	}
	return oldest;
}
