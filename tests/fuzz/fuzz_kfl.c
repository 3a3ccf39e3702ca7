// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a query: what compiles, SQLite takes, and it runs over an entry that has everything.
 * Up to the first NUL it is the query; what follows is the answer's body.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/embed.h"
#include "kfl/kfl.h"
#include "store/sqlite/sql_filter.h"
#include "store/sqlite/sqlite.h"
#include "base/limits.h"
#include "fuzz.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void run(sqlite3 *db, const char *sql)
{
	must(!sqlite3_exec(db, sql, NULL, NULL, NULL), sqlite3_errmsg(db));
}

static void make_tables(sqlite3 *db)
{
	run(db, embed_find(schema_files, "schema/0001-segments.sql")->data);
	must(!schema_make_segment(db, 1), "segment");
}

/* A row in which each column has its own name, or a small number. */
static void insert_row(sqlite3 *db, const char *table)
{
	struct buf sql = { 0 };
	sqlite3_stmt *stmt;

	buf_printf(&sql,
		   "SELECT 'INSERT INTO %s VALUES ('||group_concat(CASE type WHEN 'INTEGER' "
		   "THEN 1 ELSE ''''||name||'''' END)||')' FROM pragma_table_info('%s')",
		   table, table);
	must(!sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &stmt, NULL), sqlite3_errmsg(db));
	sqlite3_step(stmt);
	run(db, (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	buf_free(&sql);
}

static sqlite3 *open_database(void)
{
	sqlite3 *db;

	must(!sqlite3_open(":memory:", &db), "open");
	make_tables(db);
	insert_row(db, "entry_1");
	insert_row(db, "payload_1");
	run(db, "UPDATE entry_1 SET protocol='http', path='/a/b/7', query_string='a=1&b=%41+c', "
		"src_ip='10.0.0.1', dst_ip='fe80::1', status_code=404, timestamp=1795298400000000");
	run(db, "UPDATE payload_1 SET detail='{\"request\":{\"headers\":[[\"Host\",\"a\"],"
		"[\"a\",\"1\"],[\"A\",\"x\"]],\"cookies\":[[\"a\",\"b\"]],\"body_size\":3},"
		"\"response\":{\"headers\":[]},\"tls_info\":{\"cipher_suites\":[\"A\",\"B\"]}}', "
		"request_body=x'7b2261223a5b312c7b2262223a2278227d5d7d'");
	must(!sql_filter_register(db), "register");
	return db;
}

static void set_body(sqlite3 *db, const void *data, size_t len)
{
	sqlite3_stmt *stmt;

	sqlite3_prepare_v2(db, "UPDATE payload_1 SET response_body=?", -1, &stmt, NULL);
	sqlite3_bind_blob(stmt, 1, data, (int)len, SQLITE_STATIC);
	sqlite3_step(stmt);
	sqlite3_finalize(stmt);
}

static void evaluate(sqlite3 *db, const struct sql_filter *f)
{
	struct buf sql = { 0 };
	sqlite3_stmt *stmt;

	buf_printf(&sql,
		   "SELECT e.id FROM entry_1 e CROSS JOIN payload_1 p ON p.id=e.id WHERE (%s) "
		   "AND e.id>=?%zu ORDER BY e.id DESC LIMIT 10",
		   f->sql.data, f->count + 1);
	must(!sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &stmt, NULL), sqlite3_errmsg(db));
	must(!sql_filter_bind(f, stmt), "bind");
	int r = sqlite3_step(stmt);
	must(r == SQLITE_ROW || r == SQLITE_DONE ||
		     strstr(sqlite3_errmsg(db), "a regular expression takes more than"),
	     sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	buf_free(&sql);
}

/* Beside its length: for an unknown name, its likeness to each field. */
#define MOST_NS (500000ULL * (FUZZ_BYTE_NS / 50))

static void compile(void *ctx, const uint8_t *data, size_t size)
{
	struct kfl_error error;
	struct kfl *k = NULL;

	(void)ctx;
	if (!kfl_compile((const char *)data, size, &k, &error))
		kfl_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static sqlite3 *db;
	struct kfl_error error = { 0 };
	struct kfl *k = NULL;
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;

	if (!db)
		db = open_database();
	if (nul)
		set_body(db, nul + 1, size - len - 1);
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(compile, NULL, data, len, MOST_NS);
	int r = kfl_compile((const char *)data, len, &k, &error);
	if (!r) {
		struct sql_filter f;
		r = sql_filter_make(k, &f, &error);
		if (!r)
			evaluate(db, &f);
		sql_filter_free(&f);
		kfl_free(k);
	}
	if (!r)
		return 0;
	must(r == -22 && error.message[0] && error.column && error.length &&
		     error.column <= len + 1 && error.column + error.length <= len + 2,
	     "an error without a place in the query");
	return 0;
}
