// SPDX-License-Identifier: GPL-2.0-or-later
/* An entry as rows: a new one, or the newest version of one whose rows are there. */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "entry.h"

static int bind_detail(sqlite3_stmt *p, const struct entry *e)
{
	sqlite3_bind_int64(p, 1, e->id);
	return db_errno(sqlite3_db_handle(p),
			sqlite3_bind_text64(p, 2, e->detail.len ? e->detail.data : "",
					    e->detail.len, SQLITE_STATIC, SQLITE_UTF8));
}

/* Into its row, or beside with the row telling where. */
static int bind_body(struct sqlite *s, sqlite3_stmt *p, int side, int64_t id,
		     const struct buf *body)
{
	int64_t at;

	if (!bodies_aside(body)) {
		sqlite3_bind_blob64(p, 3 + side, body->len ? body->data : "", body->len,
				    SQLITE_STATIC);
		return 0;
	}
	int r = bodies_put(s, (uint64_t)id * 2 + (uint64_t)side, body, &at);
	if (!r)
		sqlite3_bind_int64(p, 3 + side, at);
	return r;
}

int write_new(struct sqlite *s, const struct write *w)
{
	static const struct buf none;
	const struct entry *e = w->e;
	int r = column_bind(s->put_entry, &s->put_empty, e);

	if (!r)
		r = db_run(s->put_entry);
	for (int side = 0; !r && side < 2; side++)
		r = bind_body(s, s->put_payload, side, e->id,
			      w->body[side] ? w->body[side] : &none);
	if (!r)
		r = bind_detail(s->put_payload, e);
	return r ? r : db_run(s->put_payload);
}

/*
 * Most updates change nothing that an index holds. SQLite does not look whether a value is another,
 * so there is a statement for those that leaves these columns, and with them five indexes, alone.
 */
static int prepare_entry(struct sqlite *s, int64_t n, bool indexed, sqlite3_stmt **ret)
{
	struct buf sql = { 0 };
	int r = buf_printf(&sql, "UPDATE entry_%" PRId64 " SET ", n);

	if (!r)
		r = column_put_sets(&sql, indexed);
	if (!r)
		r = buf_puts(&sql, " WHERE id=?1");
	if (!r)
		r = buf_cstr(&sql) ? db_prepare(s->db, buf_cstr(&sql), ret) : -ENOMEM;
	buf_free(&sql);
	return r;
}

static int prepare_payload(struct sqlite *s, int64_t n, sqlite3_stmt **ret)
{
	char sql[160];

	/* NULL: as it is. */
	snprintf(sql, sizeof(sql),
		 "UPDATE payload_%" PRId64 " SET detail=?2,request_body=coalesce(?3,request_body),"
		 "response_body=coalesce(?4,response_body) WHERE id=?1",
		 n);
	return db_prepare(s->db, sql, ret);
}

/* Those of a segment, kept for as long as the store: emptied segments are used again. */
static int get_updates(struct sqlite *s, size_t segment, struct updates **ret)
{
	int64_t n = s->segments.v[segment].n;
	int r = 0;

	if (segment >= s->update_count) {
		size_t count = s->segments.count;
		struct updates *v = reallocarray(s->updates, count, sizeof(*v));
		if (!v)
			return -ENOMEM;
		for (size_t i = s->update_count; i < count; i++)
			v[i] = (struct updates){ 0 };
		s->updates = v;
		s->update_count = count;
	}
	struct updates *u = &s->updates[segment];
	/* Those that are there stay when one fails. */
	for (int i = 0; !r && i < 2; i++)
		if (!u->entry[i])
			r = prepare_entry(s, n, i, &u->entry[i]);
	if (!r && !u->payload)
		r = prepare_payload(s, n, &u->payload);
	*ret = u;
	return r;
}

int write_again(struct sqlite *s, const struct write *w)
{
	const struct entry *e = w->e;
	bool indexed = column_indexed(e) != w->row->indexed;
	struct updates *u;
	int r = get_updates(s, w->row->segment, &u);

	if (!r)
		r = column_bind(u->entry[indexed], &u->empty[indexed], e);
	if (!r)
		r = db_run(u->entry[indexed]);
	if (r)
		return r;
	sqlite3_clear_bindings(u->payload);
	for (int side = 0; !r && side < 2; side++)
		if (w->body[side])
			r = bind_body(s, u->payload, side, e->id, w->body[side]);
	if (!r)
		r = bind_detail(u->payload, e);
	return r ? r : db_run(u->payload);
}

void write_free(struct sqlite *s)
{
	for (size_t i = 0; i < s->update_count; i++) {
		sqlite3_finalize(s->updates[i].entry[0]);
		sqlite3_finalize(s->updates[i].entry[1]);
		sqlite3_finalize(s->updates[i].payload);
	}
	free(s->updates);
}
