// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cases as data: tests/data/kfl/NAME.txt are run over the entries of entries.json.
 *
 *   > query            further "> " lines are further lines of the query
 *   = 1 2 3            the entries that match
 *   ! 3:5 message      the error: column:length, text
 *   x message          running it fails with an error that has this text
 */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <sqlite3.h>

#include "buf.h"
#include "kfl/kfl.h"
#include "limits.h"

static const char *data_path(const char *folder, const char *name)
{
	static char path[512];
	const char *srcdir = getenv("srcdir");

	snprintf(path, sizeof(path), "%s/%s/%s", srcdir ? srcdir : ".", folder, name);
	return path;
}

static char *read_file(const char *path)
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

/* schema/segment.sql with 1 for %N */
static void make_tables(sqlite3 *db)
{
	char *schema = read_file(data_path("schema", "segment.sql"));

	for (char *p = schema; (p = strstr(p, "%N"));) {
		*p = '1';
		memmove(p + 1, p + 2, strlen(p + 2) + 1);
	}
	char *error = NULL;
	if (sqlite3_exec(db, schema, NULL, NULL, &error))
		fail_msg("schema: %s", error);
	free(schema);
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

static int open_fixture(void **state)
{
	sqlite3 *db;
	json_error_t error;
	json_t *entries = json_load_file(data_path("tests/data/kfl", "entries.json"), 0, &error);
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
	assert_int_equal(kfl_register(db), 0);
	*state = db;
	return 0;
}

static int close_fixture(void **state)
{
	return sqlite3_close(*state);
}

static sqlite3_stmt *prepare(sqlite3 *db, const struct kfl *k, const char *prefix)
{
	struct buf sql = { 0 };
	sqlite3_stmt *stmt;

	/* As the store does: its own parameters come after those of the query. */
	buf_printf(&sql, "%sSELECT e.id FROM entry_1 e %s WHERE (%s) AND e.id < ?%d ORDER BY e.id",
		   prefix, kfl_needs_payload(k) ? "JOIN payload_1 p USING(id)" : "", kfl_sql(k),
		   kfl_params(k) + 1);
	if (sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &stmt, NULL))
		fail_msg("%s: %s", kfl_sql(k), sqlite3_errmsg(db));
	buf_free(&sql);
	assert_int_equal(kfl_bind(k, stmt), 0);
	sqlite3_bind_int64(stmt, kfl_params(k) + 1, INT64_MAX);
	return stmt;
}

/* " 1 2 3", or the error of running it after "x ". */
static void run_query(sqlite3 *db, const struct kfl *k, struct buf *out)
{
	sqlite3_stmt *stmt = prepare(db, k, "");
	int r;

	buf_putc(out, '=');
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW)
		buf_printf(out, " %lld", sqlite3_column_int64(stmt, 0));
	if (r != SQLITE_DONE) {
		buf_reset(out);
		buf_printf(out, "x %s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
}

/* What the case file has in the line of the result. */
static void evaluate(sqlite3 *db, const char *query, size_t len, struct buf *out)
{
	struct kfl_error error = { 0 };
	struct kfl *k = NULL;
	int r = kfl_compile(query, len, &k, &error);

	if (!r)
		run_query(db, k, out);
	else
		buf_printf(out, "! %zu:%zu %s", error.column, error.length, error.message);
	assert_non_null(buf_cstr(out));
	kfl_free(k);
}

struct tally {
	unsigned cases, failures;
};

static void check_case(sqlite3 *db, const char *file, int line, const struct buf *query,
		       const char *want, struct tally *t)
{
	struct buf got = { 0 };

	evaluate(db, query->data ? query->data : "", query->len, &got);
	t->cases++;
	/* Errors of running it may say more. */
	if (*want == 'x' ? strncmp(got.data, "x ", 2) || !strstr(got.data, want + 2)
			 : strcmp(got.data, want)) {
		print_error("%s:%d: %.*s\n  wanted %s\n  got    %s\n", file, line, (int)query->len,
			    query->data ? query->data : "", want, got.data);
		t->failures++;
	}
	buf_free(&got);
}

static void run_file(sqlite3 *db, const char *name, struct tally *t)
{
	char *text = read_file(data_path("tests/data/kfl", name)), *rest = text, *line;
	struct buf query = { 0 };
	bool open = false;

	for (int n = 1; (line = strsep(&rest, "\n")); n++) {
		if (*line == '>') {
			if (open)
				buf_putc(&query, '\n');
			buf_puts(&query, line[1] ? line + 2 : "");
			open = true;
		} else if (strchr("=!x", *line) && *line) {
			if (!open)
				fail_msg("%s:%d: a result without a query", name, n);
			check_case(db, name, n, &query, line, t);
			buf_reset(&query);
			open = false;
		} else if (*line && *line != '#') {
			fail_msg("%s:%d: what is this?", name, n);
		}
	}
	assert_false(open);
	buf_free(&query);
	free(text);
}

static int is_cases(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && !strcmp(d->d_name + n - 4, ".txt");
}

static void test_cases(void **state)
{
	struct dirent **files;
	struct tally t = { 0 };
	int n = scandir(data_path("tests/data/kfl", ""), &files, is_cases, alphasort);

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		run_file(*state, files[i]->d_name, &t);
		free(files[i]);
	}
	free(files);
	print_message("# %u cases\n", t.cases);
	assert_true(t.cases > 20);
	assert_int_equal(t.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
