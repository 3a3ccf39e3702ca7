// SPDX-License-Identifier: GPL-2.0-or-later
/* The SQL that KFL makes: its indexes and bounds, and that SQLite takes all of it. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "fields.h"
#include "kfl/vocabulary.h"
#include "kfl/kfl.h"
#include "base/limits.h"
#include "kfl_fixture.h"
#include "store/sqlite/sql_filter.h"

struct pair {
	const char *text, *want;
};

/* What SQLite says it will do, lines joined. */
static void explain(sqlite3 *db, const char *text, struct buf *out)
{
	struct kfl *k = fixture_compile(text);
	struct sql_filter f;
	struct kfl_error error;
	struct buf sql = { 0 };
	sqlite3_stmt *stmt;

	assert_int_equal(sql_filter_make(k, &f, &error), 0);
	buf_printf(&sql, "EXPLAIN QUERY PLAN SELECT e.id FROM entry_1 e %s WHERE (%s)",
		   kfl_needs_detail(k) ? "CROSS JOIN payload_1 p ON p.id=e.id" : "", f.sql.data);
	assert_int_equal(sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &stmt, NULL), 0);
	buf_free(&sql);
	sql_filter_free(&f);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		buf_printf(out, "%s; ", sqlite3_column_text(stmt, 3));
	assert_non_null(buf_cstr(out));
	sqlite3_finalize(stmt);
	kfl_free(k);
}

static void test_indexes(void **state)
{
	static const struct pair cases[] = {
		{ "http", "entry_1_protocol" },
		{ "http == true", "entry_1_protocol" },
		{ "true == http", "entry_1_protocol" },
		{ "http == \"true\"", "entry_1_protocol" },
		{ "http != false", "entry_1_protocol" },
		{ "not (not http)", "entry_1_protocol" },
		{ "not (not http or tls)", "entry_1_protocol" },
		{ "(((http)))", "entry_1_protocol" },
		{ "grpc", "entry_1_protocol" },
		{ "redis and tls", "entry_1_protocol" },
		{ "tlsx", "entry_1_protocol" },
		{ "http and path.contains(\"x\")", "entry_1_protocol" },
		{ "http and response.body.contains(\"x\")", "entry_1_protocol" },
		{ "protocol == \"http\"", "entry_1_protocol" },
		{ "protocol in [\"http\", \"redis\"]", "entry_1_protocol" },
		{ "protocol.startsWith(\"http\")", "entry_1_protocol" },
		{ "status_code == 404", "entry_1_status_code" },
		{ "status_code == \"404\"", "entry_1_status_code" },
		{ "404 == status_code", "entry_1_status_code" },
		{ "response.status == 404", "entry_1_status_code" },
		{ "status_code >= 400 and status_code < 500", "entry_1_status_code" },
		{ "not (status_code < 500)", "entry_1_status_code" },
		{ "not (status_code != 404)", "entry_1_status_code" },
		{ "status_code in [404, 500]", "entry_1_status_code" },
		{ "status_code == 404 or status_code == 500", "entry_1_status_code" },
		{ "src.process == \"curl\"", "entry_1_src_process" },
		{ "src.process in [\"curl\", \"wget\"]", "entry_1_src_process" },
		{ "src.process.startsWith(\"python\")", "entry_1_src_process" },
		{ "tls and src.process == \"curl\"", "entry_1_src_process" },
		{ "host == \"example.com\"", "entry_1_host" },
		{ "request.host.startsWith(\"api.\")", "entry_1_host" },
		{ "connection == \"4242-7f3a10-1\"", "entry_1_connection" },
		{ "connection == \"a\" and limit(10)", "entry_1_connection" },
		{ "id == 5", "PRIMARY KEY" },
		{ "src.process == \"curl\" or status_code >= 500 or host == \"x\"",
		  "MULTI-INDEX OR" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf plan = { 0 };
		explain(*state, cases[i].text, &plan);
		if (!strstr(plan.data, cases[i].want))
			fail_msg("%s: %s", cases[i].text, plan.data);
		buf_free(&plan);
	}
}

static void test_payload(void **state)
{
	static const char *const with[] = { "request.headers.a == 1", "size(request.body) > 0",
					    "response..x", "request_body_size > 0" };
	static const char *const without[] = { "",
					       "http",
					       "path.* == 'x'",
					       "query_string.a == 1",
					       "request.query.a == 1",
					       "src.* == 1",
					       "path == \"p.detail\"",
					       "redact('request.body')" };

	(void)state;
	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++) {
		struct kfl *k = fixture_compile(with[i]);
		assert_true(kfl_needs_detail(k));
		kfl_free(k);
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		struct kfl *k = fixture_compile(without[i]);
		assert_false(kfl_needs_detail(k));
		kfl_free(k);
	}
}

/* What the tree says a query uses is what its SQL uses, for every field in each of its uses. */
static void test_uses(void **state)
{
	for (const struct kfl_field *f = field_table; f->name; f++) {
		struct kfl *k = fixture_compile(f->example);
		sqlite3_stmt *stmt = fixture_prepare(*state, k, "");
		const char *sql = sqlite3_sql(stmt), *where = strstr(sql, " WHERE ");
		bool used = strstr(where, "p.detail") || strstr(where, "p.request_body") ||
			    strstr(where, "p.response_body");
		if (used != kfl_needs_detail(k))
			fail_msg("%s: %s", f->example, sql);
		sqlite3_finalize(stmt);
		kfl_free(k);
	}
	for (const struct kfl_field *f = field_table; f->name; f++) {
		const struct field *row = &field_rows[f - field_table];
		bool finds =
			f->traits & FIELD_FLAG && row->sql && !strncmp(row->sql, "e.protocol ", 11);
		if (finds && (!row->finds || strcmp(row->finds, "protocol")))
			fail_msg("%s lacks .finds", f->name);
	}
}

static void test_compared(void **state)
{
	static const struct pair cases[] = {
		{ "", "" },
		{ "http", "http " },
		{ "not http and host == 'a'", "http host " },
		{ "host == 'a' or 'b' == host or host != 'c'", "host " },
		{ "status_code >= 400 and src.process in ['a', 'b']", "status_code src.process " },
		{ "host.startsWith('a') and connection.endsWith('b')", "host " },
		{ "host == path and method in [path]", "" },
		{ "path[0] == 'a' and request.headers.a == 1", "" },
		{ "path.exists(host, host == 'a')", "" },
		{ "(status_code == 404) == true", "status_code " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kfl *k = fixture_compile(cases[i].text);
		struct buf got = { 0 };
		for (size_t n = 0; kfl_compared(k, n); n++)
			buf_printf(&got, "%s ", kfl_compared(k, n)->name);
		assert_string_equal(buf_cstr(&got), cases[i].want);
		buf_free(&got);
		kfl_free(k);
	}
}

/* Nothing of what a user writes is in the SQL. */
static void test_no_injection(void **state)
{
	static const char *const queries[] = {
		"method == \"zq1'; DROP TABLE entry_1; --\"",
		"request.headers[\"zq1') OR 1=1 --\"] == \"zq1\"",
		"request.body.json()[\"zq1\"].zq1.*..zq1 == 1",
		"src.ip in ip(\"::99\") or method in [\"zq1\", \"zq1\"]",
		"request.path.exists(zq1, zq1 == \"zq1\")",
		"map_get(query_string, \"zq1\", \"zq1\") == \"zq1\" or path == r\"zq1\"",
		"path.startsWith(\"zq1\") or redact(\"request.headers.zq1\")",
		"[\"zq1\"] == path.* or status_code == 314159265 or id == -314159265.5",
	};

	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		struct kfl *k = fixture_compile(queries[i]);
		sqlite3_stmt *stmt = fixture_prepare(*state, k, "");
		assert_null(strstr(sqlite3_sql(stmt), "zq1"));
		assert_null(strstr(sqlite3_sql(stmt), "::99"));
		assert_null(strstr(sqlite3_sql(stmt), "314159265"));
		while (sqlite3_step(stmt) == SQLITE_ROW)
			;
		assert_int_equal(sqlite3_finalize(stmt), 0);
		kfl_free(k);
	}
}

static void expect_error(const char *query, size_t len, const char *want)
{
	struct kfl_error e;
	struct kfl *k = NULL;
	char got[320];

	assert_int_equal(fixture_try(query, len, &k, &e), -22);
	snprintf(got, sizeof(got), "%zu:%zu %s", e.column, e.length, e.message);
	assert_string_equal(got, want);
}

static void test_length(void **state)
{
	struct buf b = { 0 };

	(void)state;
	fixture_repeat(&b, "http and ", 100 * 1024 / 9);
	expect_error(b.data, b.len, "8193:94201 the query has 102393 bytes; the limit is 8192");
	buf_reset(&b);
	fixture_repeat(&b, "(", 10000);
	buf_puts(&b, "http");
	fixture_repeat(&b, ")", 10000);
	expect_error(b.data, b.len, "8193:11812 the query has 20004 bytes; the limit is 8192");
	buf_reset(&b);
	fixture_repeat(&b, " ", LIMIT_QUERY_BYTES);
	kfl_free(fixture_compile(buf_cstr(&b)));
	/* The column counts characters. */
	buf_reset(&b);
	fixture_repeat(&b, "\xc3\xa9", LIMIT_QUERY_BYTES / 2 + 1);
	expect_error(b.data, b.len, "4097:1 the query has 8194 bytes; the limit is 8192");
	buf_free(&b);
}

static void test_bytes(void **state)
{
	(void)state;
	expect_error("a\0b", 3, "2:1 unexpected \"\\x00\"");
	expect_error("\xff", 1, "1:1 unexpected \"\\xff\"");
	expect_error("path == \xc3", 9, "9:1 unexpected \"\\xc3\"");
	expect_error("path == \"\xff\x01\" x", 14,
		     "14:1 unexpected \"x\" where \"and\", \"or\" or the end is wanted");
	expect_error("status_code == \"\xff\x01\n\"", 20,
		     "16:5 status_code is a number, and \"\\xff\\x01\\x0a\" is not one");
	/* What is shown of a long text is short. */
	struct buf b = { 0 };
	fixture_repeat(&b, "x", 3000);
	expect_error(b.data, b.len,
		     "1:3000 unknown field "
		     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"");
	buf_free(&b);
}

static void test_lists(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "status_code in [");
	fixture_repeat(&b, "1,", LIMIT_QUERY_LIST);
	buf_puts(&b, "]");
	struct kfl *k = fixture_compile(buf_cstr(&b));
	sqlite3_finalize(fixture_prepare(*state, k, ""));
	kfl_free(k);
	b.len--;
	buf_puts(&b, "1]");
	expect_error(b.data, b.len, "2017:1 more than 1000 values in a list");
	buf_reset(&b);
	buf_puts(&b, "status_code in [");
	fixture_repeat(&b, "nil,", 101);
	buf_puts(&b, "]");
	expect_error(b.data, b.len, "16:406 a list of more than 100 takes values of one kind only");
	buf_reset(&b);
	buf_puts(&b, "redact(");
	fixture_repeat(&b, "'id',", 1001);
	buf_puts(&b, "'id')");
	expect_error(b.data, b.len, "5008:4 more than 1000 values in a list");
	buf_free(&b);
}

/* Whatever is accepted, SQLite accepts as well. True if it was. */
static bool accepted_by_both(sqlite3 *db, const struct buf *query)
{
	struct kfl_error e;
	struct kfl *k;

	if (fixture_try(query->data, query->len, &k, &e)) {
		if (!strstr(e.message, "nested too deeply") && !strstr(e.message, "in a row") &&
		    !strstr(e.message, "more than"))
			fail_msg("%s", e.message);
		return false;
	}
	sqlite3_stmt *stmt = fixture_prepare(db, k, "SELECT count(*) FROM entry_1 WHERE id IN (");
	int r = sqlite3_step(stmt);
	assert_true(r == SQLITE_ROW);
	sqlite3_finalize(stmt);
	kfl_free(k);
	return true;
}

static void test_depth(void **state)
{
	/* opening, middle, closing, how many must work */
	static const struct {
		const char *open, *middle, *close;
		size_t at_least;
	} shapes[] = {
		{ "(", "http", ")", 64 },
		{ "http and (tls or (", "redis", "))", 32 },
		{ "(", "redis", " and http or tls)", 64 },
		{ "not (http and ", "tls", ")", 64 },
		{ "!", "tls", "", 2000 },
		{ "!(", "tls", ")", 64 },
		{ "(http and tls and ", "redis", " and ws)", 64 },
		{ "-(", "status_code", "+1)", 7 },
		{ "(1+", "status_code", ")", 10 },
		{ "(id*", "status_code", "+id)", 10 },
		{ "http ? tls : (", "redis", ")", 8 },
		{ "http ? (", "redis", ") : tls", 8 },
		{ "path.exists(s, http and ", "tls", ")", 5 },
		{ "size([", "", "])", 0 },
		{ "tls == (", "http", ")", 10 },
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		size_t n = 1;
		for (bool good = true; good && n <= 3000; n++) {
			struct buf b = { 0 };
			fixture_repeat(&b, shapes[i].open, n);
			buf_puts(&b, shapes[i].middle);
			fixture_repeat(&b, shapes[i].close, n);
			if (strchr("-(1i", *shapes[i].open) && strstr(shapes[i].middle, "code"))
				buf_puts(&b, " > 0");
			good = *shapes[i].middle && accepted_by_both(*state, &b);
			buf_free(&b);
		}
		if (n - 2 < shapes[i].at_least)
			fail_msg("%s: %zu levels", shapes[i].open, n - 2);
	}
	struct buf b = { 0 };
	fixture_repeat(&b, "(", 65);
	buf_puts(&b, "http");
	expect_error(b.data, b.len, "65:1 nested too deeply; the limit is 64 levels");
	buf_free(&b);
}

static void test_chains(void **state)
{
	static const struct {
		const char *first, *more, *last;
		bool fits; /* at the full length of a query */
	} chains[] = {
		{ "tls", " or tls", "", true },
		{ "tls", "&&tls", "", true },
		{ "tls", " or http and tls", "", true },
		{ "path=='a'", "||path!='a'", "", true },
		{ "not tls", " and not tls", "", true },
		{ "tls or status_code in [1", ",2", "]", false },
		{ "tls", "?tls:tls", "", false },
		{ "path.json()", ".a", " == nil", false },
		{ "path.json()", "..a", " == nil", false },
		{ "path.json()", "[0]", " == nil", false },
		{ "path", ".json()", " == nil", false },
		{ "1", "+1", " > 0", false },
		{ "1", "*id", " > 0", false },
		{ "'a'", "+path", " != ''", false },
	};

	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
		struct buf b = { 0 };
		size_t n = 0;
		for (; b.len < LIMIT_QUERY_BYTES - 30; n += 1 + n / 4) {
			buf_reset(&b);
			buf_puts(&b, chains[i].first);
			fixture_repeat(&b, chains[i].more, n);
			buf_puts(&b, chains[i].last);
			if (b.len > LIMIT_QUERY_BYTES)
				break;
			if (!accepted_by_both(*state, &b) && (chains[i].fits || n < 6))
				fail_msg("%s: not %zu", chains[i].more, n);
		}
		assert_true(n > 100);
		buf_free(&b);
	}
}

/* An expression of the field's type, compared so that it is a condition. */
static void put_use(struct buf *out, const char *name, enum kfl_type type)
{
	static const char *const forms[] = {
		[TYPE_BOOL] = "%s",
		[TYPE_NUMBER] = "%s >= 0",
		[TYPE_TEXT] = "%s != 'zz'",
		[TYPE_TIME] = "%s < now()",
		[TYPE_LIST] = "size(%s) >= 0",
		[TYPE_MAP] = "size(%s) >= 0",
		[TYPE_GROUP] = "%s.* == 1",
	};
	const char *form = forms[type], *mark = strstr(form, "%s");

	buf_reset(out);
	buf_put(out, form, (size_t)(mark - form));
	buf_puts(out, name);
	buf_puts(out, mark + 2);
	assert_non_null(buf_cstr(out));
}

static void run(sqlite3 *db, const char *text)
{
	struct kfl *k = fixture_compile(text);
	sqlite3_stmt *stmt = fixture_prepare(db, k, "");
	int r;

	while ((r = sqlite3_step(stmt)) == SQLITE_ROW)
		;
	if (r != SQLITE_DONE)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	kfl_free(k);
}

static void test_every_field(void **state)
{
	struct buf b = { 0 };

	for (const struct kfl_field *f = field_table; f->name; f++) {
		assert_non_null(f->help);
		assert_non_null(f->example);
		put_use(&b, f->name, f->type);
		if (!(f->traits & FIELD_LOCK))
			run(*state, b.data);
		run(*state, f->example);
		for (size_t i = 0; i < KFL_ALIASES && f->aliases[i]; i++) {
			put_use(&b, f->aliases[i], f->type);
			run(*state, b.data);
		}
		for (const struct kfl_field *g = field_table; g < f; g++)
			assert_string_not_equal(f->name, g->name);
	}
	for (const struct kfl_function *f = function_table; f->name; f++)
		run(*state, f->example);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indexes),	     cmocka_unit_test(test_payload),
		cmocka_unit_test(test_uses),	     cmocka_unit_test(test_compared),
		cmocka_unit_test(test_no_injection), cmocka_unit_test(test_length),
		cmocka_unit_test(test_bytes),	     cmocka_unit_test(test_lists),
		cmocka_unit_test(test_depth),	     cmocka_unit_test(test_chains),
		cmocka_unit_test(test_every_field),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
