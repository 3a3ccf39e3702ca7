// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/embed.h"
#include "fields.h"

/* The number of a migration "schema/0001-name.sql", 0 for other files. */
static int migration_number(const struct embedded_file *f)
{
	return atoi(f->name + strlen("schema/"));
}

/* A store is as new as the newest migration, and as the newest field. */
static int newest_number(void)
{
	int newest = (int)field_newest();

	for (const struct embedded_file *f = schema_files; f->name; f++)
		if (migration_number(f) > newest)
			newest = migration_number(f);
	return newest;
}

static int migrate(sqlite3 *db, const struct embedded_file *f)
{
	int r = db_begin(db, "BEGIN IMMEDIATE");

	if (!r)
		r = db_exec(db, f->data);
	if (!r)
		r = db_exec_format(db, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
				   STORE_APPLICATION_ID, migration_number(f));
	if (r < 0 && !sqlite3_get_autocommit(db))
		db_exec(db, "ROLLBACK");
	return r;
}

int schema_check(sqlite3 *db, char *error, size_t error_size)
{
	const char *path = sqlite3_db_filename(db, "main");
	int64_t tables, version, application;
	int r = db_int_sql(db, "SELECT count(*) FROM sqlite_schema", &tables);

	if (!r)
		r = db_int_sql(db, "PRAGMA user_version", &version);
	if (!r)
		r = db_int_sql(db, "PRAGMA application_id", &application);
	if (r) {
		snprintf(error, error_size, "read store %s: %s", path, sqlite3_errmsg(db));
		return r;
	}
	if (tables && application != STORE_APPLICATION_ID) {
		snprintf(error, error_size, "store %s is the database of another program", path);
		r = -EINVAL;
	} else if (version > newest_number()) {
		snprintf(error, error_size,
			 "store %s was written by a newer cleartap (schema %" PRId64
			 ", this one knows %d); it is left as it is",
			 path, version, newest_number());
		r = -ENOTSUP;
	}
	/* What is not for us stays as it is, its log too. */
	if (r)
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return r;
}

static int run_migrations(sqlite3 *db, char *error, size_t error_size)
{
	int64_t version;
	int r = db_int_sql(db, "PRAGMA user_version", &version);

	for (const struct embedded_file *f = schema_files; !r && f->name; f++) {
		if (migration_number(f) <= version)
			continue;
		r = migrate(db, f);
		if (r < 0)
			snprintf(error, error_size, "bring store %s up to date (%s): %s",
				 sqlite3_db_filename(db, "main"), f->name, sqlite3_errmsg(db));
	}
	return r;
}

/* Which of our columns entry_N has, a bit for each; *ret_others: it has others too. */
static int read_columns(sqlite3 *db, int64_t n, uint64_t *ret, bool *ret_others)
{
	sqlite3_stmt *stmt = NULL;
	char table[40];
	int rc;

	*ret = 0;
	*ret_others = false;
	int r = db_prepare(db, "SELECT name FROM pragma_table_info(?1) WHERE name<>'id'", &stmt);
	if (r < 0)
		return r;
	snprintf(table, sizeof(table), "entry_%" PRId64, n);
	sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int i = column_find((const char *)sqlite3_column_text(stmt, 0));
		if (i < 0)
			*ret_others = true;
		else
			*ret |= 1ULL << i;
	}
	sqlite3_finalize(stmt);
	return db_errno(db, rc);
}

/* A column with a default costs no look at the rows that lack it. */
static int add_column(sqlite3 *db, int64_t n, int column)
{
	struct buf sql = { 0 };
	int r = buf_printf(&sql, "ALTER TABLE entry_%" PRId64 " ADD COLUMN ", n);

	if (!r)
		r = column_put_definition(&sql, column);
	if (!r)
		r = buf_cstr(&sql) ? db_exec(db, sql.data) : -ENOMEM;
	buf_free(&sql);
	return r;
}

static int add_columns(sqlite3 *db, int64_t n)
{
	uint64_t have;
	bool others;
	int r = read_columns(db, n, &have, &others);

	for (int i = 0; !r && i < column_count(); i++)
		if (!(have & 1ULL << i))
			r = add_column(db, n, i);
	return r;
}

/* All segments get the columns that were new since they were made, or none does. */
static int update_segments(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	struct segments g = { 0 };
	int r = db_prepare(db, "SELECT n,first_id,last_id,first_us,last_us,bytes FROM segment",
			   &stmt);

	if (!r)
		r = segment_list_read(stmt, &g);
	sqlite3_finalize(stmt);
	if (!r)
		r = db_begin(db, "BEGIN IMMEDIATE");
	for (size_t i = 0; !r && i < g.count; i++)
		r = add_columns(db, g.v[i].n);
	free(g.v);
	if (!r)
		r = db_exec_format(db, "PRAGMA user_version=%d; COMMIT", newest_number());
	if (r < 0 && !sqlite3_get_autocommit(db))
		db_exec(db, "ROLLBACK");
	return r;
}

int schema_update(sqlite3 *db, char *error, size_t error_size)
{
	int r = run_migrations(db, error, error_size);

	if (r < 0)
		return r;
	r = update_segments(db);
	if (r < 0)
		snprintf(error, error_size, "bring the segments of store %s up to date: %s",
			 sqlite3_db_filename(db, "main"), sqlite3_errmsg(db));
	return r;
}

/* Does the segment have our indexes and no others? */
static int same_indexes(sqlite3 *db, int64_t n, bool *ret)
{
	sqlite3_stmt *stmt = NULL;
	int64_t ours = 0;
	char table[40], name[80];

	int r = db_prepare(db,
			   "SELECT sum(name=?2),count(*) FROM sqlite_schema WHERE type='index' "
			   "AND tbl_name=?1",
			   &stmt);
	if (r < 0)
		return r;
	snprintf(table, sizeof(table), "entry_%" PRId64, n);
	sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
	for (const struct field *const *f = column_indexes(); *f; f++) {
		snprintf(name, sizeof(name), "%s_%s", table, (*f)->column);
		sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
		ours += db_int(stmt);
	}
	int rc = sqlite3_step(stmt);
	size_t want = 0;
	while (column_indexes()[want])
		want++;
	*ret = ours == (int64_t)want && sqlite3_column_int64(stmt, 1) == ours;
	r = db_errno(db, rc);
	sqlite3_finalize(stmt);
	return r;
}

int schema_segment_old(sqlite3 *db, int64_t n, bool *ret)
{
	uint64_t have;
	bool others, same = false;
	int r = read_columns(db, n, &have, &others);

	if (!r && !others)
		r = same_indexes(db, n, &same);
	if (!r)
		*ret = others || !same;
	return r;
}

int schema_drop_segment(sqlite3 *db, int64_t n)
{
	return db_exec_format(db, "DROP TABLE payload_%lld; DROP TABLE entry_%lld", (long long)n,
			      (long long)n);
}

static int put_tables(struct buf *sql, long long n)
{
	int r = buf_printf(sql, "CREATE TABLE entry_%lld (id INTEGER PRIMARY KEY", n);

	for (int i = 0; !r && i < column_count(); i++) {
		r = buf_puts(sql, ",");
		if (!r)
			r = column_put_definition(sql, i);
	}
	/* detail: HACKING, "Detail"; a body may be an integer, see bodies.c. */
	return r ? r
		 : buf_printf(sql,
			      ");CREATE TABLE payload_%lld (id INTEGER PRIMARY KEY,detail TEXT NOT "
			      "NULL,request_body BLOB NOT NULL,response_body BLOB NOT NULL);",
			      n);
}

/*
 * How many rows an equal value finds is told to the planner: the order of preference when a filter
 * has several. It is not measured: a frequent value fills a page at once, a rare one needs the
 * index.
 */
static int put_indexes(struct buf *sql, long long n)
{
	int r = 0;

	for (const struct field *const *f = column_indexes(); !r && *f; f++)
		r = buf_printf(sql,
			       "CREATE INDEX entry_%lld_%s ON entry_%lld (%s);"
			       "INSERT INTO sqlite_stat1 VALUES ('entry_%lld','entry_%lld_%s',"
			       "'1000000 %u');",
			       n, (*f)->column, n, (*f)->column, n, n, (*f)->column, (*f)->rows);
	return r;
}

int schema_make_segment(sqlite3 *db, int64_t n)
{
	struct buf sql = { 0 };
	int r = put_tables(&sql, n);

	if (!r)
		r = put_indexes(&sql, n);
	if (!r)
		r = buf_cstr(&sql) ? db_exec(db, sql.data) : -ENOMEM;
	buf_free(&sql);
	return r;
}
