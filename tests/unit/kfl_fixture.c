// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "kfl/kfl.h"
#include "kfl_fixture.h"
#include "store/sqlite/sql_filter.h"
#include "store/sqlite/sqlite.h"

const char *fixture_path(const char *folder, const char *name)
{
	static char path[512];
	const char *srcdir = getenv("srcdir");

	snprintf(path, sizeof(path), "%s/%s/%s", srcdir ? srcdir : ".", folder, name);
	return path;
}

char *fixture_read(const char *path)
{
	FILE *f = fopen(path, "r");
	struct buf b = { 0 };
	char piece[4096];
	size_t n;

	if (!f)
		fail_msg("cannot open %s", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		assert_int_equal(buf_put(&b, piece, n), 0);
	fclose(f);
	assert_non_null(buf_cstr(&b));
	return b.data;
}

static void run_schema(sqlite3 *db, const char *name)
{
	char *schema = fixture_read(fixture_path("schema", name)), *error = NULL;

	if (sqlite3_exec(db, schema, NULL, NULL, &error))
		fail_msg("%s: %s", name, error);
	free(schema);
}

/* The tables of a store with one segment, number 1. */
static void make_tables(sqlite3 *db)
{
	run_schema(db, "0001-segments.sql");
	assert_int_equal(schema_make_segment(db, 1), 0);
}

static void bind_bytes(sqlite3_stmt *stmt, int i, const json_t *v)
{
	const char *hex = json_string_value(json_object_get(v, "hex"));
	struct buf b = { 0 };
	unsigned byte;

	if (!hex) {
		sqlite3_bind_blob(stmt, i, json_string_value(v) ? json_string_value(v) : "",
				  (int)json_string_length(v), SQLITE_TRANSIENT);
		return;
	}
	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		assert_int_equal(buf_putc(&b, (char)byte), 0);
	sqlite3_bind_blob(stmt, i, b.data, (int)b.len, SQLITE_TRANSIENT);
	buf_free(&b);
}

static void bind_column(sqlite3_stmt *stmt, int i, const char *type, const json_t *v)
{
	if (!strcmp(type, "BLOB")) {
		bind_bytes(stmt, i, v);
	} else if (!strcmp(type, "INTEGER")) {
		sqlite3_bind_int64(stmt, i, json_integer_value(v));
	} else if (json_is_object(v)) {
		char *text = json_dumps(v, JSON_COMPACT);
		sqlite3_bind_text(stmt, i, text, -1, SQLITE_TRANSIENT);
		free(text);
	} else {
		sqlite3_bind_text(stmt, i, v ? json_string_value(v) : "", -1, SQLITE_TRANSIENT);
	}
}

/* Columns that the entry does not name are empty. */
static void insert(sqlite3 *db, const char *table, const json_t *entry)
{
	struct buf sql = { 0 };
	sqlite3_stmt *columns, *stmt;
	const char *types[128], *names[128];
	int n = 0;

	buf_printf(&sql, "PRAGMA table_info(%s)", table);
	assert_int_equal(sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &columns, NULL), 0);
	buf_reset(&sql);
	buf_printf(&sql, "INSERT INTO %s VALUES (", table);
	for (; sqlite3_step(columns) == SQLITE_ROW; n++) {
		names[n] = strdup((const char *)sqlite3_column_text(columns, 1));
		types[n] = strdup((const char *)sqlite3_column_text(columns, 2));
		buf_puts(&sql, n ? ",?" : "?");
	}
	sqlite3_finalize(columns);
	buf_putc(&sql, ')');
	assert_int_equal(sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &stmt, NULL), 0);
	for (int i = 0; i < n; i++) {
		bind_column(stmt, i + 1, types[i], json_object_get(entry, names[i]));
		free((void *)names[i]);
		free((void *)types[i]);
	}
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	buf_free(&sql);
}

int fixture_open(void **state)
{
	sqlite3 *db;
	json_error_t error;
	json_t *entries = json_load_file(fixture_path("tests/data/kfl", "entries.json"), 0, &error);
	json_t *e;
	size_t i;

	if (!entries)
		fail_msg("entries.json:%d: %s", error.line, error.text);
	assert_int_equal(sqlite3_open(":memory:", &db), 0);
	make_tables(db);
	json_array_foreach(entries, i, e)
	{
		insert(db, "entry_1", e);
		insert(db, "payload_1", e);
	}
	json_decref(entries);
	assert_int_equal(sql_filter_register(db), 0);
	*state = db;
	return 0;
}

int fixture_close(void **state)
{
	return sqlite3_close(*state);
}

sqlite3_stmt *fixture_prepare(sqlite3 *db, const struct kfl *k, const char *outer)
{
	struct sql_filter f;
	struct buf sql = { 0 };
	struct kfl_error error;
	sqlite3_stmt *stmt;

	assert_int_equal(sql_filter_make(k, &f, &error), 0);
	/* As the store does: its own parameters come after those of the query. */
	buf_printf(&sql, "%sSELECT e.id FROM entry_1 e", outer);
	if (kfl_needs_detail(k))
		buf_puts(&sql, " CROSS JOIN payload_1 p ON p.id=e.id");
	buf_printf(&sql, " WHERE (%s) AND e.id<=?%zu ORDER BY e.id%s", f.sql.data, f.count + 1,
		   *outer ? ")" : "");
	if (sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &stmt, NULL))
		fail_msg("%s: %s", f.sql.data, sqlite3_errmsg(db));
	buf_free(&sql);
	assert_int_equal(sql_filter_bind(&f, stmt), 0);
	sqlite3_bind_int64(stmt, (int)f.count + 1, INT64_MAX);
	sql_filter_free(&f);
	return stmt;
}

int fixture_try(const char *text, size_t len, struct kfl **ret, struct kfl_error *error)
{
	struct sql_filter f;
	int r = kfl_compile(text, len, ret, error);

	if (r)
		return r;
	r = sql_filter_make(*ret, &f, error);
	sql_filter_free(&f);
	if (r) {
		kfl_free(*ret);
		*ret = NULL;
	}
	return r;
}

struct kfl *fixture_compile(const char *text)
{
	struct kfl_error error = { 0 };
	struct kfl *k = NULL;

	if (fixture_try(text, strlen(text), &k, &error))
		fail_msg("%s: %zu:%zu %s", text, error.column, error.length, error.message);
	return k;
}

void fixture_repeat(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_puts(out, text), 0);
}
