// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "kfl_fixture.h"
#include "store/sqlite/sql_filter.h"
#include "store/store.h"
#include "synthetic.h"

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

/* As entries are described, given the ids of their order. */
static void append(struct store *store, const json_t *entries)
{
	const char *name;
	json_t *described;
	size_t i;

	json_array_foreach((json_t *)entries, i, described)
	{
		struct entry *e = entry_new();
		assert_int_equal(json_integer_value(json_object_get(described, "id")), i + 1);
		json_object_del(described, "id");
		if (synthetic_set(e, described, &name))
			fail_msg("entries.json: no field is called %s", name);
		assert_int_equal(store_append(store, &e, 1), 0);
		entry_free(e);
	}
}

/* A store is left as it would be found: one segment, number 1. */
static void make_store(const char *path)
{
	const struct store_options options = { .uri = path, .readers = 1 };
	json_error_t error;
	json_t *entries = json_load_file(fixture_path("tests/data/kfl", "entries.json"), 0, &error);
	struct store *store;
	char why[256];

	if (!entries)
		fail_msg("entries.json:%d: %s", error.line, error.text);
	if (store_open(&options, geteuid(), getegid(), &store, why, sizeof(why)))
		fail_msg("%s", why);
	append(store, entries);
	store_close(store);
	json_decref(entries);
}

static void remove_folder(const char *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

static void copy_store(const char *path, sqlite3 *db)
{
	sqlite3 *file;
	sqlite3_backup *copy;

	assert_int_equal(sqlite3_open(path, &file), 0);
	copy = sqlite3_backup_init(db, "main", file, "main");
	assert_non_null(copy);
	assert_int_equal(sqlite3_backup_step(copy, -1), SQLITE_DONE);
	assert_int_equal(sqlite3_backup_finish(copy), 0);
	assert_int_equal(sqlite3_close(file), 0);
}

int fixture_open(void **state)
{
	char folder[] = "/tmp/cleartap-kfl-XXXXXX", path[64];
	sqlite3 *db;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/db", folder);
	make_store(path);
	assert_int_equal(sqlite3_open(":memory:", &db), 0);
	copy_store(path, db);
	remove_folder(folder);
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
