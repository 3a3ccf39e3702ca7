// SPDX-License-Identifier: GPL-2.0-or-later
/* Stores of other versions: what 0.1.0 wrote is opened and goes on, what is newer is left alone. */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "synthetic.h"

#define MIB	    (1ULL << 20)
#define NOW_US	    ((int64_t)time(NULL) * 1000000)
#define OLD_ENTRIES 18 /* of tests/data/store-0.1.0.sql, in six segments */
#define OLD_LARGE   18 /* the one with a body beside the database */

static void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	if (!f)
		fail_msg("cannot open %s", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		assert_int_equal(buf_put(out, piece, n), 0);
	fclose(f);
}

static void read_data(const char *name, struct buf *out)
{
	const char *srcdir = getenv("srcdir");
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/data/%s", srcdir ? srcdir : ".", name);
	read_file(path, out);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;
	char *error = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error))
		fail_msg("%s", error);
	sqlite3_close(db);
}

static int64_t ask(const char *path, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t v = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return v;
}

static void make_old(struct fixture *f, bool bodies)
{
	struct buf sql = { 0 }, data = { 0 };
	char path[128];

	read_data("store-0.1.0.sql", &sql);
	assert_non_null(buf_cstr(&sql));
	run_sql(f->path, sql.data);
	buf_free(&sql);
	if (!bodies)
		return;
	read_data("store-0.1.0.bodies", &data);
	snprintf(path, sizeof(path), "%s-bodies", f->path);
	FILE *out = fopen(path, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(data.data, 1, data.len, out), data.len);
	fclose(out);
	buf_free(&data);
}

static size_t count(struct fixture *f, const char *query)
{
	struct collected c = { 0 };
	struct kfl_error error;
	struct kfl *k = NULL;

	if (kfl_compile(query, strlen(query), &k, &error))
		fail_msg("%s: %s", query, error.message);
	collect_pages(f->s, (struct store_query){ .filter = k, .limit = 1000 }, &c);
	kfl_free(k);
	return c.count;
}

static void assert_old_filters(struct fixture *f)
{
	static const struct {
		const char *query;
		size_t want;
	} cases[] = {
		{ "", OLD_ENTRIES },
		{ "http and decrypted", OLD_ENTRIES },
		{ "status_code == 404", 1 },
		{ "error", 2 },
		{ "method == \"POST\"", 5 },
		{ "path.startsWith(\"/item/\")", 5 },
		{ "query_string[\"a\"] == \"3\"", 1 },
		{ "src.process == \"curl\"", OLD_ENTRIES },
		{ "host == nil", 0 },
		{ "request.body.json().n == 4", 1 },
		{ "response.body.contains(\"0123456789abcdef\")", 1 },
		{ "request.headers[\"cookie\"] != nil", 10 },
		/* what these entries lack */
		{ "open", 0 },
		{ "not open", OLD_ENTRIES },
		{ "ends == nil", OLD_ENTRIES },
		{ "ends == \"client\"", 0 },
		{ "server_elapsed_time == nil and elapsed_time > 0", OLD_ENTRIES },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (count(f, cases[i].query) != cases[i].want)
			fail_msg("%s: %zu entries", cases[i].query, count(f, cases[i].query));
}

static void test_reads(void **state)
{
	struct fixture *f = *state;
	struct entry *e = NULL;

	make_old(f, true);
	fixture_open(f, 0, 0);
	assert_int_equal(store_stats(f->s).entries, OLD_ENTRIES);
	assert_old_filters(f);
	assert_int_equal(store_get(f->s, OLD_LARGE, &e), 0);
	assert_string_equal(e->path, "/large/1");
	assert_string_equal(e->ends, "");
	assert_int_equal(e->server_elapsed_us, -1);
	assert_false(e->open);
	assert_true(e->complete && e->elapsed_us > 0);
	assert_int_equal(e->response_body.len, 2048);
	assert_memory_equal(e->response_body.data, "0123456789abcdef0123", 20);
	entry_free(e);
	fixture_close(f);
	fixture_open(f, 0, 0);
	assert_old_filters(f);
	fixture_close(f);
	assert_intact(f->path);
}

static void test_lost_bodies(void **state)
{
	struct fixture *f = *state;
	struct entry *e = NULL;

	make_old(f, false);
	fixture_open(f, 0, 0);
	assert_int_equal(store_get(f->s, OLD_LARGE, &e), 0);
	assert_false(e->complete);
	assert_non_null(strstr(e->reason, "cannot be read"));
	assert_int_equal(e->response_body.len, 0);
	entry_free(e);
	assert_int_equal(store_get(f->s, 1, &e), 0);
	assert_true(e->complete && e->response_body.len);
	entry_free(e);
}

static struct entry *new_entry(void)
{
	struct entry *e = synthetic_entry(1, NOW_US, 2000);

	assert_non_null(e);
	e->open = true;
	e->ends = "both";
	e->server_elapsed_us = 17;
	return e;
}

static void test_goes_on(void **state)
{
	struct fixture *f = *state;
	struct entry *e = new_entry(), *got = NULL;

	make_old(f, true);
	fixture_open(f, 0, 0);
	assert_int_equal(store_append(f->s, &e, 1), 0);
	assert_int_equal(e->id, OLD_ENTRIES + 1);
	entry_free(e);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count(f, ""), OLD_ENTRIES + 1);
		assert_int_equal(count(f, "open and ends == \"both\""), 1);
		assert_int_equal(count(f, "server_elapsed_time == 17"), 1);
		assert_int_equal(store_get(f->s, OLD_ENTRIES + 1, &got), 0);
		assert_true(got->open && got->server_elapsed_us == 17);
		assert_int_equal(got->response_body.len, 2000);
		entry_free(got);
		fixture_close(f);
		fixture_open(f, 0, 0);
	}
	/* It had columns that went since, so it is not filled any further. */
	fixture_close(f);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM entry_6"), 3);
	assert_int_equal(ask(f->path, "SELECT max(last_id) FROM segment WHERE n<=6"), OLD_ENTRIES);
	assert_intact(f->path);
}

/* How many of the tables of segments are not as the newest one is. */
static int64_t other_tables(const char *path)
{
	return ask(path, "SELECT count(*) FROM segment WHERE (SELECT group_concat(name) FROM "
			 "(SELECT name FROM pragma_table_info('entry_'||n))) <> (SELECT "
			 "group_concat(name) FROM (SELECT name FROM pragma_table_info((SELECT "
			 "'entry_'||n FROM segment ORDER BY first_id DESC LIMIT 1))))");
}

/* Emptied segments are filled again; statements that were made before hold. */
static void test_retention(void **state)
{
	struct fixture *f = *state;
	struct entry *e = NULL;

	make_old(f, true);
	fixture_open(f, 2 * MIB, 0);
	for (int64_t id = 1; id <= OLD_ENTRIES; id++) {
		assert_int_equal(store_get(f->s, id, &e), 0);
		entry_free(e);
	}
	for (uint64_t i = 0; i < 200; i++) {
		assert_int_equal(put_entries(f->s, i * 50, 50, i % 3 * 700, NOW_US), 0);
		struct store_stats stats = store_stats(f->s);
		assert_int_equal(store_get(f->s, stats.last_id, &e), 0);
		entry_free(e);
		assert_int_equal(store_get(f->s, stats.first_id, &e), 0);
		entry_free(e);
		assert_true(size_on_disk(f->path) <= 2 * MIB);
	}
	assert_true(store_stats(f->s).first_id > OLD_ENTRIES);
	assert_int_equal(count(f, ""), store_stats(f->s).entries);
	assert_int_equal(count(f, "not open"), store_stats(f->s).entries);
	fixture_close(f);
	assert_int_equal(other_tables(f->path), 0);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM segment WHERE n<=6 AND "
				      "last_id>=first_id") > 0,
			 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM sqlite_stat1") % 5, 0);
	fixture_open(f, 2 * MIB, 0);
	assert_int_equal(put_entries(f->s, 0, 50, 100, NOW_US), 0);
	fixture_close(f);
	assert_intact(f->path);
}

/* An old store whose traffic is too old is emptied while it is opened. */
static void test_aged(void **state)
{
	struct fixture *f = *state;

	make_old(f, true);
	run_sql(f->path, "UPDATE segment SET first_us=1000000,last_us=2000000");
	fixture_open(f, MIB, 60);
	/* A call works for a while only: on a busy machine the first is not the last. */
	for (int i = 0; store_stats(f->s).entries && i < 1000; i++)
		store_maintain(f->s, NOW_US);
	assert_int_equal(store_stats(f->s).entries, 0);
	assert_int_equal(put_entries(f->s, 0, 50, 100, NOW_US), 0);
	assert_int_equal(store_stats(f->s).first_id, OLD_ENTRIES + 1);
	fixture_close(f);
	assert_int_equal(other_tables(f->path), 0);
	fixture_open(f, MIB, 60);
	assert_int_equal(count(f, ""), 50);
}

/* Only what it lacks: it is filled further. */
static void test_added(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	assert_int_equal(put_entries(f->s, 0, 50, 100, NOW_US), 0);
	fixture_close(f);
	run_sql(f->path, "ALTER TABLE entry_1 DROP COLUMN ends; ALTER TABLE entry_1 DROP COLUMN "
			 "server_elapsed_us");
	fixture_open(f, 0, 0);
	assert_int_equal(count(f, "ends == nil and server_elapsed_time == nil"), 50);
	assert_int_equal(put_entries(f->s, 0, 50, 100, NOW_US), 0);
	fixture_close(f);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM entry_1"), 100);
	assert_intact(f->path);
}

/* Columns or indexes that we do not know, or no index where we have one: it is only read. */
static void test_strange(void **state)
{
	static const char *const changes[] = {
		"ALTER TABLE entry_1 ADD COLUMN strange TEXT NOT NULL DEFAULT 'x'",
		"CREATE INDEX entry_1_path ON entry_1 (path)",
		"DROP INDEX entry_1_host",
	};
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	for (int64_t i = 0; i < 3; i++) {
		char sql[128];
		assert_int_equal(put_entries(f->s, 0, 50, 100, NOW_US), 0);
		fixture_close(f);
		run_sql(f->path, changes[i]);
		fixture_open(f, 0, 0);
		assert_int_equal(put_entries(f->s, 0, 50, 100, NOW_US), 0);
		assert_int_equal(count(f, "host == nil"), 0);
		assert_int_equal(count(f, ""), 100);
		fixture_close(f);
		assert_int_equal(ask(f->path, "SELECT count(*) FROM entry_1"), 50);
		assert_int_equal(ask(f->path, "SELECT count(*) FROM entry_2"), 50);
		assert_intact(f->path);
		snprintf(sql, sizeof(sql), "rm -f %s*", f->path);
		assert_int_equal(system(sql), 0);
		fixture_open(f, 0, 0);
	}
}

/* Emptied by the older program: made anew at once. */
static void test_empty_segments(void **state)
{
	struct fixture *f = *state;

	make_old(f, false);
	run_sql(f->path, "DELETE FROM entry_6; DELETE FROM payload_6; DELETE FROM entry_1;"
			 "DELETE FROM payload_1; UPDATE segment SET last_id=first_id-1 WHERE n=6;"
			 "UPDATE segment SET last_id=first_id-1 WHERE n=1");
	fixture_open(f, 0, 0);
	assert_int_equal(put_entries(f->s, 0, 10, 100, NOW_US), 0);
	assert_int_equal(store_stats(f->s).entries, 12 + 10);
	assert_int_equal(store_stats(f->s).last_id, 15 + 10);
	fixture_close(f);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM entry_6"), 10);
}

static void assert_unchanged(const char *path, const struct buf *before)
{
	struct buf now = { 0 };

	read_file(path, &now);
	assert_int_equal(now.len, before->len);
	assert_memory_equal(now.data, before->data, now.len);
	buf_free(&now);
}

static void refuse(const char *path, int want, const char *text)
{
	char error[512];

	assert_int_equal(fixture_refused(path, error, sizeof(error)), want);
	if (!strstr(error, text))
		fail_msg("\"%s\" does not say \"%s\"", error, text);
}

/* The next version, which did not end cleanly: some of it is in the log alone. */
static void test_newer(void **state)
{
	struct fixture *f = *state;
	struct buf main = { 0 }, wal = { 0 };
	char log[128], sql[128];
	sqlite3 *db;
	int on = 1;

	fixture_open(f, 0, 0);
	assert_int_equal(put_entries(f->s, 0, 50, 2000, NOW_US), 0);
	fixture_close(f);
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d",
		 (int)ask(f->path, "PRAGMA user_version") + 1);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	snprintf(log, sizeof(log), "%s-wal", f->path);
	read_file(f->path, &main);
	read_file(log, &wal);
	assert_true(wal.len > 0);
	refuse(f->path, -ENOTSUP, "newer cleartap");
	refuse(f->path, -ENOTSUP, f->path);
	assert_unchanged(f->path, &main);
	assert_unchanged(log, &wal);
	buf_free(&main);
	buf_free(&wal);
}

static void test_other_program(void **state)
{
	struct fixture *f = *state;
	struct buf before = { 0 };

	run_sql(f->path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	read_file(f->path, &before);
	refuse(f->path, -EINVAL, "another program");
	assert_unchanged(f->path, &before);
	buf_free(&before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_reads),	  TEST(test_lost_bodies), TEST(test_goes_on),
		TEST(test_retention),	  TEST(test_aged),	  TEST(test_empty_segments),
		TEST(test_added),	  TEST(test_strange),	  TEST(test_newer),
		TEST(test_other_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
