// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "entry.h"
#include "store/sqlite/sql_filter.h"

#define READER_WAIT_MS	 5000 /* for a writer that recovers the log */
#define READER_CACHE_KIB 2048

static int open_one(struct sqlite *s, struct reader *r)
{
	int rc =
		sqlite3_open_v2(s->path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	int on = 1;

	if (rc != SQLITE_OK)
		return db_errno(r->db, rc);
	sqlite3_file_control(r->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_busy_timeout(r->db, READER_WAIT_MS);
	int ret = db_exec_format(r->db,
				 "PRAGMA query_only=1; PRAGMA temp_store=MEMORY;"
				 "PRAGMA trusted_schema=0; PRAGMA cache_size=-%d",
				 READER_CACHE_KIB);
	if (!ret)
		ret = sql_filter_register(r->db);
	if (!ret)
		ret = bodies_register(s, r->db);
	if (!ret)
		ret = db_prepare(r->db,
				 "SELECT n,first_id,last_id,first_us,last_us,bytes FROM segment"
				 " WHERE last_id>=first_id ORDER BY first_id",
				 &r->segments);
	if (!ret)
		ret = db_prepare(r->db,
				 "SELECT start,ok,client_error,server_error,incomplete FROM tally"
				 " WHERE n=?1 AND width=?2 AND start>=?3 AND start<=?4",
				 &r->tally);
	/* The first read opens the log and its index, which cannot be opened later. */
	if (!ret)
		ret = db_run(r->segments);
	return ret;
}

int reader_open(struct sqlite *s, unsigned count, char *error, size_t error_size)
{
	s->reader_count = count ? count : 1;
	s->readers = calloc(s->reader_count, sizeof(*s->readers));
	if (!s->readers)
		return -ENOMEM;
	for (unsigned i = 0; i < s->reader_count; i++) {
		int r = open_one(s, &s->readers[i]);
		if (r < 0) {
			snprintf(error, error_size, "read store %s: %s", s->path,
				 sqlite3_errmsg(s->readers[i].db));
			return r;
		}
	}
	return 0;
}

void reader_close(struct sqlite *s)
{
	for (unsigned i = 0; s->readers && i < s->reader_count; i++) {
		struct reader *r = &s->readers[i];
		sqlite3_finalize(r->segments);
		sqlite3_finalize(r->tally);
		for (size_t k = 0; k < r->gets; k++)
			sqlite3_finalize(r->get[k]);
		free(r->get);
		sqlite3_close(r->db);
	}
	free(s->readers);
}

struct reader *reader_take(struct sqlite *s)
{
	struct reader *found = NULL;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		for (unsigned i = 0; !found && i < s->reader_count; i++)
			if (!s->readers[i].busy)
				found = &s->readers[i];
		if (found)
			break;
		pthread_cond_wait(&s->reader_free, &s->lock);
	}
	found->busy = true;
	pthread_mutex_unlock(&s->lock);
	return found;
}

void reader_give(struct sqlite *s, struct reader *r)
{
	pthread_mutex_lock(&s->lock);
	r->busy = false;
	pthread_cond_signal(&s->reader_free);
	pthread_mutex_unlock(&s->lock);
}

static int prepare_get(struct reader *r, int64_t n, bool payload, sqlite3_stmt **ret)
{
	struct buf sql = { 0 };
	int err = buf_puts(&sql, "SELECT ");

	if (!err)
		err = column_put_names(&sql, "e.");
	if (!err && payload)
		err = buf_puts(&sql, ",p.detail,p.request_body,p.response_body");
	if (!err)
		err = buf_printf(&sql, " FROM entry_%" PRId64 " e", n);
	if (!err && payload)
		err = buf_printf(&sql, " LEFT JOIN " PAYLOAD " p ON p.id=e.id", n);
	if (!err)
		err = buf_puts(&sql, " WHERE e.id=?1");
	if (!err)
		err = buf_cstr(&sql) ? db_prepare(r->db, buf_cstr(&sql), ret) : -ENOMEM;
	buf_free(&sql);
	return err;
}

/* Kept for as long as the connection: emptied segments are used again under the same name. */
static int cached_get(struct reader *r, int64_t n, bool payload, sqlite3_stmt **ret)
{
	size_t i = 2 * (size_t)n + payload;

	if (i >= r->gets) {
		size_t gets = 2 * (size_t)n + 2;
		sqlite3_stmt **get = reallocarray(r->get, gets, sizeof(*get));
		if (!get)
			return -ENOMEM;
		for (size_t k = r->gets; k < gets; k++)
			get[k] = NULL;
		r->get = get;
		r->gets = gets;
	}
	if (!r->get[i]) {
		int err = prepare_get(r, n, payload, &r->get[i]);
		if (err < 0)
			return err;
	}
	*ret = r->get[i];
	return 0;
}

static int read_blob(sqlite3_stmt *stmt, int i, struct buf *out)
{
	const void *data = sqlite3_column_blob(stmt, i);
	int len = sqlite3_column_bytes(stmt, i);

	if (!data)
		return sqlite3_errcode(sqlite3_db_handle(stmt)) == SQLITE_NOMEM ? -ENOMEM : 0;
	return buf_put(out, data, (size_t)len);
}

/* NULL: it was beside the database, and what is there is another or damaged. */
static int read_body(sqlite3_stmt *stmt, int i, struct entry *e, struct buf *out)
{
	if (sqlite3_column_type(stmt, i) != SQLITE_NULL)
		return read_blob(stmt, i, out);
	e->complete = false;
	if (!*e->reason)
		e->reason = "a body that was stored cannot be read any more";
	return 0;
}

static int read_entry(sqlite3_stmt *stmt, bool payload, struct entry **ret)
{
	struct entry *e = entry_new();
	int i = column_count() + 1;

	if (!e)
		return -ENOMEM;
	int r = column_read(stmt, e);
	if (!r && payload)
		r = read_blob(stmt, i, &e->detail);
	if (!r && payload)
		r = read_body(stmt, i + 1, e, &e->request_body);
	if (!r && payload)
		r = read_body(stmt, i + 2, e, &e->response_body);
	if (r < 0) {
		entry_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

int reader_get(struct reader *r, int64_t n, int64_t id, bool payload, struct entry **ret)
{
	sqlite3_stmt *stmt;
	int err = cached_get(r, n, payload, &stmt);

	if (err < 0)
		return err;
	sqlite3_bind_int64(stmt, 1, id);
	int rc = sqlite3_step(stmt);
	err = rc == SQLITE_ROW	  ? read_entry(stmt, payload, ret)
	      : rc == SQLITE_DONE ? -ENOENT
				  : db_errno(r->db, rc);
	sqlite3_reset(stmt);
	return err;
}
