// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages of a filter: the right entries, in order, each once, wherever the time limit falls. */
#include "store_fixture.h"

#include <sqlite3.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "entry.h"
#include "kfl/kfl.h"
#include "synthetic.h"

#define MIB   (1ULL << 20)
#define COUNT 4000

typedef bool predicate(const struct entry *e);

static bool is_503(const struct entry *e)
{
	return e->status_code == 503;
}

static bool is_failed(const struct entry *e)
{
	return e->status_code >= 400;
}

static bool is_ok(const struct entry *e)
{
	return e->status_code == 200;
}

static bool is_node_404(const struct entry *e)
{
	return e->status_code == 404 && !strcmp(e->src.process, "node");
}

static bool is_either(const struct entry *e)
{
	return e->status_code == 503 || !strcmp(e->host, "api7.example.com");
}

static bool is_path(const struct entry *e)
{
	return strstr(e->path, "77") != NULL;
}

static bool is_opaque(const struct entry *e)
{
	return !strcmp(e->protocol, "tls");
}

static bool has_body(const struct entry *e)
{
	struct buf body = e->response_body;

	return memmem(body.data, body.len, "a11", 3) != NULL;
}

static bool is_nothing(const struct entry *e)
{
	return e->status_code == 599;
}

static const struct {
	const char *query;
	predicate *holds;
} cases[] = {
	{ "status_code == 503", is_503 },
	{ "status_code >= 400", is_failed },
	{ "status_code == 200", is_ok },
	{ "status_code == 599", is_nothing },
	{ "status_code in [503, 599]", is_503 },
	{ "src.process == \"node\" and status_code == 404", is_node_404 },
	{ "status_code == 503 or host == \"api7.example.com\"", is_either },
	{ "path.contains(\"77\")", is_path },
	{ "path == r\"77\"", is_path },
	{ "protocol == \"tls\"", is_opaque },
	{ "response.body.contains(\"a11\")", has_body },
	{ "response.body.contains(\"a11\") and protocol == \"http\" or "
	  "response.body.contains(\"a11\") and protocol == \"tls\"",
	  has_body },
};

static struct kfl *compile(const char *query)
{
	struct kfl_error error;
	struct kfl *k;

	if (kfl_compile(query, strlen(query), &k, &error) < 0)
		fail_msg("%s: %s", query, error.message);
	return k;
}

/* Ids 1..COUNT in several segments; entry number i has id i + 1. */
static void fill(struct fixture *f)
{
	fixture_open(f, 32 * MIB, 0);
	for (uint64_t i = 0; i < COUNT; i += 100)
		assert_int_equal(put_entries(f->s, i, 100, 300, (int64_t)time(NULL) * 1000000), 0);
	assert_true(store_stats(f->s).segments > 4);
}

static size_t expect(predicate *holds, int64_t *ids)
{
	size_t n = 0;

	for (uint64_t i = 0; i < COUNT; i++) {
		struct entry *e = synthetic_entry(i, 0, 300);
		if (holds(e))
			ids[n++] = (int64_t)i + 1;
		entry_free(e);
	}
	return n;
}

static void assert_same(const struct collected *c, const int64_t *want, size_t n, bool up)
{
	assert_int_equal(c->count, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(c->ids[i], want[up ? i : n - 1 - i]);
}

static void test_filters(void **state)
{
	static const size_t limits[] = { 1, 30, 1000 };
	struct fixture *f = *state;

	fill(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t want[COUNT];
		struct kfl *k = compile(cases[i].query);
		size_t n = expect(cases[i].holds, want);
		assert_true(n > 0 || cases[i].holds == is_nothing);
		for (size_t j = 0; j < 6; j++) {
			struct collected c = { 0 };
			struct store_query q = { .filter = k,
						 .limit = limits[j / 2],
						 .oldest_first = j & 1 };
			collect_pages(f->s, q, &c);
			assert_same(&c, want, n, q.oldest_first);
		}
		kfl_free(k);
	}
}

/* The least of time: pages end anywhere, together they are the whole answer. */
static void partial_pages(struct fixture *f, const char *query, predicate *holds, bool up)
{
	struct store_query q = {
		.filter = compile(query), .limit = 1000, .time_limit_ms = 1, .oldest_first = up
	};
	struct collected c = { 0 };
	struct store_page page;
	int64_t want[COUNT];
	size_t partial = 0;
	char error[256];

	do {
		assert_int_equal(store_select(f->s, &q, collect, &c, &page, error, 256), 0);
		int64_t *from = up ? &q.after : &q.before;
		assert_true(!page.next || !*from || (up ? page.next > *from : page.next < *from));
		assert_true(page.next || !page.partial);
		partial += page.partial;
		*from = page.next;
	} while (page.next);
	assert_same(&c, want, expect(holds, want), up);
	assert_true(partial > 1);
	kfl_free((struct kfl *)q.filter);
}

static void test_partial(void **state)
{
	struct fixture *f = *state;

	fill(f);
	for (int up = 0; up < 2; up++) {
		partial_pages(f, cases[10].query, has_body, up);
		partial_pages(f, cases[11].query, has_body, up);
	}
}

/* A pattern that never ends on one entry is an error that says so, not an empty answer. */
static void test_regex_error(void **state)
{
	struct fixture *f = *state;
	struct entry *e = synthetic_entry(1, 1, 10);
	struct kfl *k = compile("path == r\"^(a+)+$\"");
	struct store_query q = { .filter = k, .limit = 10 };
	struct collected c = { 0 };
	struct store_page page = { .count = 77 };
	char error[256] = "";

	fixture_open(f, 0, 0);
	e->path = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
	assert_int_equal(store_append(f->s, &e, 1), 0);
	assert_true(store_select(f->s, &q, collect, &c, &page, error, sizeof(error)) < 0);
	assert_true(strlen(error) > 10);
	assert_int_equal(page.count, 77);
	kfl_free(k);
	q.filter = NULL;
	assert_int_equal(store_select(f->s, &q, collect, &c, &page, error, sizeof(error)), 0);
	assert_int_equal(c.count, 1);
	entry_free(e);
}

/* Take away the entries of all segments but those that have a timestamp in the range. */
static void leave_only(const char *path, int64_t from_us, int64_t to_us)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	char sql[128];
	int dropped = 0, left = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT n,first_us,last_us FROM segment", -1, &stmt, NULL),
		SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		bool inside = sqlite3_column_int64(stmt, 2) >= from_us &&
			      sqlite3_column_int64(stmt, 1) < to_us;
		snprintf(sql, sizeof(sql), "ALTER TABLE entry_%d RENAME TO gone_%d",
			 sqlite3_column_int(stmt, 0), sqlite3_column_int(stmt, 0));
		if (!inside)
			assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
		dropped += !inside;
		left += inside;
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	assert_true(dropped > 4 && left > 0 && left < 4);
}

static size_t matches(struct store *s, const char *query, bool up)
{
	struct store_query q = { .filter = compile(query), .limit = 1000, .oldest_first = up };
	struct collected c = { 0 };

	collect_pages(s, q, &c);
	kfl_free((struct kfl *)q.filter);
	return c.count;
}

/* Entries begin a second apart, from 2026-11-21T00:00:00Z on. */
#define SPAN_START 1795219200000000LL
#define SPAN_COUNT 4000

static uint64_t total(struct store *s, const char *query, int64_t start_us)
{
	struct store_histogram q = {
		.filter = compile(query), .start_us = start_us, .bucket_us = 10000000, .buckets = 6
	};
	uint64_t counts[6][OUTCOMES] = { 0 };
	struct store_counted c;
	char error[256];

	if (store_count(s, &q, counts, &c, error, sizeof(error)))
		fail_msg("%s: %s", query, error);
	kfl_free((struct kfl *)q.filter);
	return c.total;
}

/*
 * A segment that lies outside of the time that a filter demands is not looked at, not even when it
 * cannot be: its table is not there.
 */
static void test_time(void **state)
{
	static const struct {
		const char *query;
		size_t count;
	} inside[] = {
		{ "timestamp >= timestamp(\"2026-11-21T00:30:00Z\") and "
		  "timestamp < timestamp(\"2026-11-21T00:31:00Z\")",
		  60 },
		{ "timestamp > timestamp(\"2026-11-21T00:30:00Z\") and "
		  "timestamp <= timestamp(\"2026-11-21T01:31:00+01:00\")",
		  60 },
		{ "http and (timestamp(\"2026-11-21T00:30:00Z\") + duration(\"10s\") <= timestamp) "
		  "and status_code >= 0 and startTime < 1795221020000",
		  8 },
		{ "not (timestamp < timestamp(\"2026-11-21T00:30:05Z\") or "
		  "timestamp > timestamp(\"2026-11-21T00:30:09Z\"))",
		  5 },
		{ "timestamp == timestamp(\"2026-11-21T00:30:07Z\") or "
		  "timestamp == timestamp(\"2026-11-21T00:30:40Z\") and id > 0",
		  2 },
		{ "timestamp == datetime(\"11/21/2026, 12:30:07.000 AM\")", 1 },
		{ "timestamp < timestamp(\"2020-01-01T00:00:00Z\")", 0 },
		{ "timestamp > now()", 0 },
		{ "timestamp > timestamp(\"2026-11-21T00:30:10Z\") and "
		  "timestamp < timestamp(\"2026-11-21T00:30:10Z\")",
		  0 },
	};
	static const char *const outside[] = {
		"timestamp >= timestamp(\"2026-11-21T00:30:00Z\")",
		"timestamp >= timestamp(\"2026-11-21T00:30:00Z\") or status_code == 599",
		"not (timestamp >= timestamp(\"2026-11-21T00:30:00Z\") and "
		"timestamp < timestamp(\"2026-11-21T00:31:00Z\"))",
		"timestamp != timestamp(\"2026-11-21T00:30:00Z\")",
	};
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	fixture_close(f);
	fixture_open(f, 32 * MIB, 0);
	for (uint64_t i = 0; i < SPAN_COUNT; i++)
		assert_int_equal(put_entries(f->s, i, 1, 2000, SPAN_START + (int64_t)i * 1000000),
				 0);
	leave_only(f->path, SPAN_START + 1800 * 1000000LL, SPAN_START + 1860 * 1000000LL);
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++)
		for (int up = 0; up < 2; up++)
			if (i != 2) /* how many of them are http is the generator's choice */
				assert_int_equal(matches(f->s, inside[i].query, up),
						 inside[i].count);
			else
				assert_true(matches(f->s, inside[i].query, up) <= 10);
	/* Only a segment's own reader knows what is missing: the rest fails, and says why. */
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		struct store_query q = { .filter = compile(outside[i]), .limit = 4000 };
		struct collected c = { 0 };
		struct store_page page;
		char error[256] = "";
		assert_true(store_select(f->s, &q, collect, &c, &page, error, 256) < 0);
		assert_non_null(strstr(error, "no such table: entry_"));
		kfl_free((struct kfl *)q.filter);
	}
	/* A histogram looks where it is and where its filter is. */
	assert_int_equal(total(f->s, "id > 0", SPAN_START + 1800 * 1000000LL), 60);
	assert_int_equal(total(f->s, inside[3].query, SPAN_START), 0);
}

#define MANY 40000

static size_t expect_many(predicate *holds, int64_t *ids)
{
	size_t n = 0;

	for (uint64_t i = 0; i < MANY; i++) {
		struct entry *e = synthetic_entry(i, 0, 0);
		if (holds(e))
			ids[n++] = (int64_t)i + 1;
		entry_free(e);
	}
	return n;
}

static bool is_node_503(const struct entry *e)
{
	return is_503(e) && !strcmp(e->src.process, "node");
}

static bool is_node_503_http(const struct entry *e)
{
	return is_node_503(e) && !strcmp(e->protocol, "http") &&
	       strcmp(e->host, "api7.example.com");
}

static bool is_node_or_opaque_404(const struct entry *e)
{
	return e->status_code == 404 && (is_opaque(e) || !strcmp(e->src.process, "node"));
}

static const struct {
	const char *query;
	predicate *holds;
} several[] = {
	{ "src.process == \"node\" and status_code == 503", is_node_503 },
	{ "status_code >= 503 and status_code < 504 and src.process in [\"node\", \"none\"]",
	  is_node_503 },
	{ "http and src.process == \"node\" and status_code == 503 and protocol == \"http\" and "
	  "host != \"api7.example.com\"",
	  is_node_503_http },
	{ "status_code == 404 and (src.process == \"node\" or protocol == \"tls\")",
	  is_node_or_opaque_404 },
	{ "src.process == \"node\" and status_code == 599", is_nothing },
};

static void check_several(struct store *s)
{
	static int64_t want[MANY];
	static struct collected c;

	for (size_t i = 0; i < sizeof(several) / sizeof(*several); i++) {
		size_t n = expect_many(several[i].holds, want);
		assert_true(n > 3 || several[i].holds == is_nothing);
		for (int j = 0; j < 4; j++) {
			struct store_query q = { .filter = compile(several[i].query),
						 .limit = j & 1 ? 7 : 1000,
						 .oldest_first = j & 2 };
			c.count = 0;
			collect_pages(s, q, &c);
			assert_same(&c, want, n, q.oldest_first);
			kfl_free((struct kfl *)q.filter);
		}
	}
}

/* Whichever index is tried, the answer is the same; also where one of them is missing. */
static void test_plans(void **state)
{
	struct fixture *f = *state;
	char sql[64];
	sqlite3 *db;

	fixture_open(f, 128 * MIB, 0);
	for (uint64_t i = 0; i < MANY; i += 1000)
		assert_int_equal(put_entries(f->s, i, 1000, 0, 1), 0);
	assert_true(store_stats(f->s).segments > 8);
	check_several(f->s);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	for (int n = 1; n < 6; n++) {
		snprintf(sql, sizeof(sql), "DROP INDEX entry_%d_status_code", n);
		assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	}
	sqlite3_close(db);
	check_several(f->s);
}

/* The tally of seconds and a look at the entries agree on how an exchange ended. */
static void test_outcomes(void **state)
{
	static const struct {
		int status_code;
		bool failed, complete;
		enum outcome want;
		bool open;
	} ends[] = {
		{ 0, false, false, OUTCOME_OK, true },
		{ 200, false, false, OUTCOME_OK, true },
		{ 404, false, false, OUTCOME_CLIENT_ERROR, true },
		{ 200, true, false, OUTCOME_SERVER_ERROR, true },
		{ 200, false, true, OUTCOME_OK },
		{ 0, false, true, OUTCOME_OK },
		{ 399, false, true, OUTCOME_OK },
		{ 400, false, true, OUTCOME_CLIENT_ERROR },
		{ 499, false, true, OUTCOME_CLIENT_ERROR },
		{ 500, false, true, OUTCOME_SERVER_ERROR },
		{ 999, false, true, OUTCOME_SERVER_ERROR },
		{ 500, false, false, OUTCOME_INCOMPLETE },
		{ 200, true, false, OUTCOME_INCOMPLETE },
		{ 200, true, true, OUTCOME_SERVER_ERROR },
		{ 404, true, true, OUTCOME_CLIENT_ERROR },
	};
	size_t n = sizeof(ends) / sizeof(*ends);
	uint64_t want[OUTCOMES] = { 0 }, failed = 0;
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	for (size_t i = 0; i < n; i++) {
		struct entry *e = synthetic_entry(i, SPAN_START, 0);
		e->status_code = ends[i].status_code;
		e->failed = ends[i].failed;
		e->complete = ends[i].complete;
		e->open = ends[i].open;
		assert_int_equal(entry_outcome(e), ends[i].want);
		assert_int_equal(store_append(f->s, &e, 1), 0);
		want[ends[i].want]++;
		failed += ends[i].want != OUTCOME_OK;
		entry_free(e);
	}
	for (int look = 0; look < 2; look++) {
		struct store_histogram q = { .filter = look ? compile("id > 0") : NULL,
					     .start_us = SPAN_START,
					     .bucket_us = 1000000,
					     .buckets = 1 };
		uint64_t counts[1][OUTCOMES] = { 0 };
		struct store_counted c;
		char error[256];
		assert_int_equal(store_count(f->s, &q, counts, &c, error, sizeof(error)), 0);
		assert_memory_equal(counts[0], want, sizeof(want));
		kfl_free((struct kfl *)q.filter);
	}
	/* And so does the flag of the language. */
	assert_int_equal(matches(f->s, "error", false), failed);
}

static double seconds_of(struct store *s, const char *query)
{
	struct kfl *k = compile(query);
	struct store_query q = { .filter = k, .limit = 10 };
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 5; i++) {
		struct collected c = { 0 };
		struct store_page page;
		char error[256];
		assert_int_equal(store_select(s, &q, collect, &c, &page, error, 256), 0);
		assert_int_equal(c.count, 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	kfl_free(k);
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

/* What an index answers takes a small part of what a look at every entry takes. */
static void test_index(void **state)
{
	struct fixture *f = *state;
	static const char *const indexed[] = {
		"status_code == 599",
		"status_code >= 599",
		"host == \"nowhere\"",
		"connection == \"none\"",
		"src.process == \"nothing\" and path.contains(\"x\")",
		"protocol == \"redis\"",
		"protocol == \"http\" and connection == \"none\"",
		"status_code == 599 or host == \"nowhere\"",
	};

	fixture_open(f, 0, 0);
	for (uint64_t i = 0; i < 60000; i += 1000)
		assert_int_equal(put_entries(f->s, i, 1000, 0, 1), 0);
	double slow = seconds_of(f->s, "path.contains(\"nowhere\")");
	for (size_t i = 0; i < sizeof(indexed) / sizeof(indexed[0]); i++) {
		double fast = seconds_of(f->s, indexed[i]);
		if (fast > slow / 3)
			fail_msg("%s takes %.2f of a scan", indexed[i], fast / slow);
	}
}

/* What is right but more than the store can run is refused, with its place; if it is run, it fails.
 */
static void test_too_deep(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	struct kfl_error e = { 0 };
	struct kfl *k = NULL;
	struct collected c = { 0 };
	struct store_page page;
	char error[256] = "";

	fixture_open(f, 0, 0);
	for (int i = 0; i < 30; i++)
		buf_puts(&b, "path.exists(s, http and ");
	buf_puts(&b, "tls");
	for (int i = 0; i < 30; i++)
		buf_puts(&b, ")");
	assert_int_equal(store_compile(f->s, b.data, b.len, &k, &e), -EINVAL);
	assert_null(k);
	assert_string_equal(e.message, "nested too deeply to run");
	assert_true(e.column > 100 && e.length);
	assert_int_equal(store_compile(f->s, "http", 4, &k, &e), 0);
	kfl_free(k);
	assert_int_equal(store_compile(f->s, "http and", 8, &k, &e), -EINVAL);
	assert_int_equal(kfl_compile(b.data, b.len, &k, &e), 0);
	struct store_query q = { .filter = k, .limit = 10 };
	assert_int_equal(store_select(f->s, &q, collect, &c, &page, error, sizeof(error)), -EDOM);
	assert_string_equal(error, "nested too deeply to run");
	kfl_free(k);
	buf_free(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_filters), TEST(test_partial),	 TEST(test_regex_error), TEST(test_time),
		TEST(test_plans),   TEST(test_outcomes), TEST(test_too_deep),	 TEST(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
