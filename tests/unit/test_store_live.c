// SPDX-License-Identifier: GPL-2.0-or-later
/* Exchanges that are told more than once: one row each, rewritten until they end. */
#include "store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "synthetic.h"

#define MIB	(1ULL << 20)
#define SECOND	1000000LL
#define BEGAN	1795288218123456LL
#define BEGAN_S ((BEGAN / SECOND) * SECOND)

/* A version of exchange `live`; its body says which. */
static struct entry *version(uint64_t live, bool open, int32_t status, size_t body)
{
	struct entry *e = synthetic_entry(live, BEGAN, body);

	e->live = live;
	e->open = open;
	e->complete = !open;
	e->status_code = status;
	e->status = entry_printf(e, "%d", status);
	return e;
}

static void append(struct store *s, struct entry *e, int64_t id, bool again)
{
	assert_int_equal(store_append(s, &e, 1), 0);
	assert_int_equal(e->id, id);
	assert_int_equal(e->again, again);
	entry_free(e);
}

static struct entry *get(struct store *s, int64_t id)
{
	struct entry *e;

	assert_int_equal(store_get(s, id, &e), 0);
	return e;
}

/* What the tally says of the hour, in buckets of `width` seconds, and what the entries say. */
static void assert_counts(struct store *s, uint64_t ok, uint64_t client, uint64_t server,
			  uint64_t incomplete)
{
	static const int64_t widths[] = { 1, 60, 3600 };
	const uint64_t want[OUTCOMES] = { ok, client, server, incomplete };
	struct kfl_error e;
	struct kfl *all;
	char error[256];

	assert_int_equal(kfl_compile("id > 0", 6, &all, &e), 0);
	for (size_t i = 0; i < 6; i++) {
		int64_t width = widths[i / 2] * SECOND;
		struct store_histogram q = { .filter = i % 2 ? all : NULL,
					     .bucket_us = width,
					     .buckets = 7200 / (size_t)widths[i / 2],
					     .start_us = BEGAN / (3600 * SECOND) * 3600 * SECOND };
		uint64_t(*counts)[OUTCOMES] = calloc(q.buckets, sizeof(*counts));
		uint64_t sum[OUTCOMES] = { 0 };
		struct store_counted counted;
		if (store_count(s, &q, counts, &counted, error, sizeof(error)))
			fail_msg("%s", error);
		for (size_t k = 0; k < q.buckets * OUTCOMES; k++)
			sum[k % OUTCOMES] += counts[k / OUTCOMES][k % OUTCOMES];
		assert_memory_equal(sum, want, sizeof(want));
		free(counts);
	}
	kfl_free(all);
}

static uint64_t matches(struct store *s, const char *query)
{
	struct collected c = { 0 };
	struct kfl_error e;
	struct kfl *k;

	assert_int_equal(kfl_compile(query, strlen(query), &k, &e), 0);
	collect_pages(s, (struct store_query){ .filter = k, .limit = 1000 }, &c);
	kfl_free(k);
	return c.count;
}

static void test_versions(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	append(f->s, version(7, true, 0, 0), 1, false);
	assert_int_equal(matches(f->s, "open"), 1);
	assert_int_equal(matches(f->s, "error"), 0);
	assert_int_equal(store_stats(f->s).open_exchanges, 1);
	assert_counts(f->s, 1, 0, 0, 0);
	append(f->s, version(7, true, 200, 100), 1, true);
	struct entry *e = version(7, false, 503, 5000);
	e->host = "other.example";
	append(f->s, e, 1, true);
	e = get(f->s, 1);
	assert_int_equal(e->response_body.len, 5000);
	assert_string_equal(e->status, "503");
	assert_string_equal(e->host, "other.example");
	assert_false(e->open);
	entry_free(e);
	/* By an index, that of the new value. */
	assert_int_equal(matches(f->s, "host == \"other.example\" and status_code == 503"), 1);
	assert_int_equal(matches(f->s, "open"), 0);
	assert_counts(f->s, 0, 0, 1, 0);
	struct store_stats stats = store_stats(f->s);
	assert_int_equal(stats.entries, 1);
	assert_int_equal(stats.last_id, 1);
	assert_int_equal(stats.open_exchanges, 0);
	/* The number is free: what comes now is another. */
	append(f->s, version(7, true, 0, 0), 2, false);
	append(f->s, version(0, false, 200, 0), 3, false);
	assert_counts(f->s, 2, 0, 1, 0);
	fixture_close(f);
	assert_intact(f->path);
}

/* All versions of a batch are one write, and a body that only an earlier one has is kept. */
static void test_one_batch(void **state)
{
	struct fixture *f = *state;
	struct entry *batch[6] = { version(1, true, 0, 0),   version(2, true, 0, 3000),
				   version(1, true, 200, 0), version(3, true, 0, 0),
				   version(2, true, 404, 0), version(1, false, 500, 9) };
	static const int64_t ids[] = { 1, 2, 1, 3, 2, 1 };

	batch[4]->body_kept[1] = true;
	fixture_open(f, 0, 0);
	assert_int_equal(store_append(f->s, batch, 6), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(batch[i]->id, ids[i]);
		assert_int_equal(batch[i]->again, i == 2 || i > 3);
		entry_free(batch[i]);
	}
	struct entry *e = get(f->s, 2);
	assert_int_equal(e->status_code, 404);
	assert_int_equal(e->response_body.len, 3000);
	entry_free(e);
	assert_counts(f->s, 1, 1, 1, 0);
	assert_int_equal(store_stats(f->s).open_exchanges, 2);
	assert_int_equal(store_stats(f->s).entries, 3);
}

static void keep_body(struct fixture *f, uint64_t live, size_t body)
{
	int64_t id = (int64_t)live;
	struct entry *first = version(live, true, 0, body), *e = version(live, true, 200, 0);
	struct buf want = { 0 };

	buf_put(&want, first->response_body.data, body);
	append(f->s, first, id, false);
	e->body_kept[1] = true;
	buf_puts(&e->request_body, "a request");
	append(f->s, e, id, true);
	e = version(live, false, 201, 0);
	e->body_kept[0] = e->body_kept[1] = true;
	append(f->s, e, id, true);
	e = get(f->s, id);
	assert_int_equal(e->status_code, 201);
	assert_int_equal(e->request_body.len, 9);
	assert_int_equal(e->response_body.len, body);
	assert_memory_equal(e->response_body.data, want.data, body);
	assert_true(e->complete);
	entry_free(e);
	buf_free(&want);
}

/* In the row, and in the file beside. */
static void test_body_kept(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	keep_body(f, 1, 100);
	keep_body(f, 2, 100000);
}

/* Its segment was closed, with its minutes and hours, or dropped. */
static void test_old_segments(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 4 * MIB, 0);
	append(f->s, version(1, true, 0, 2000), 1, false);
	uint64_t n = 1;
	for (; store_stats(f->s).segments < 3; n += 100)
		assert_int_equal(put_entries(f->s, 0, 100, 500, BEGAN - 3600 * SECOND), 0);
	struct entry *e = version(1, true, 500, 0);
	e->body_kept[1] = true;
	append(f->s, e, 1, true);
	assert_counts(f->s, 0, 0, 1, 0);
	/* The other end of it began earlier. */
	e = version(1, true, 404, 0);
	e->timestamp_us -= 3 * SECOND;
	e->body_kept[1] = true;
	append(f->s, e, 1, true);
	assert_counts(f->s, 0, 1, 0, 0);
	while (store_stats(f->s).first_id == 1) {
		assert_int_equal(put_entries(f->s, 0, 100, 500, BEGAN - 3600 * SECOND), 0);
		n += 100;
	}
	assert_int_equal(store_stats(f->s).open_exchanges, 0);
	e = version(1, false, 200, 0);
	e->body_kept[1] = true;
	append(f->s, e, (int64_t)n + 1, false);
	e = get(f->s, (int64_t)n + 1);
	assert_false(e->complete);
	assert_non_null(strstr(e->reason, "dropped"));
	entry_free(e);
	assert_counts(f->s, 0, 0, 0, 1);
	fixture_close(f);
	assert_intact(f->path);
}

/* 1..n are open; then the process is gone. */
static void assert_closed(struct fixture *f, uint64_t n, uint64_t ended)
{
	fixture_open(f, 0, 0);
	assert_int_equal(store_stats(f->s).entries, n + ended);
	assert_int_equal(matches(f->s, "open"), 0);
	assert_int_equal(matches(f->s, "error and reason.contains(\"cleartap ended\")"), n);
	assert_counts(f->s, ended, 0, 0, n);
	append(f->s, version(1, true, 0, 0), (int64_t)(n + ended) + 1, false);
	append(f->s, version(1, false, 200, 0), (int64_t)(n + ended) + 1, true);
	fixture_close(f);
	/* The next start finds nothing to do. */
	fixture_open(f, 0, 0);
	assert_counts(f->s, ended + 1, 0, 0, n);
	fixture_close(f);
	assert_intact(f->path);
}

static void test_restart(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	for (uint64_t i = 1; i <= 100; i++)
		append(f->s, version(i, true, i % 2 ? 500 : 0, 50), (int64_t)i, false);
	append(f->s, version(100, false, 200, 50), 100, true);
	fixture_close(f);
	assert_closed(f, 99, 1);
}

static void test_kill(void **state)
{
	struct fixture *f = *state;
	int ready[2], status;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (!pid) {
		struct store_options options = { .uri = f->path, .readers = 1 };
		struct store *s;
		char error[256];
		if (store_open(&options, geteuid(), getegid(), &s, error, sizeof(error)))
			_exit(1);
		for (uint64_t i = 1; i <= 200; i++) {
			struct entry *batch[2] = { version(i, true, 0, 4000),
						   version(i, i % 4, 200, 4000) };
			if (store_append(s, batch, 1) || store_append(s, batch + 1, 1))
				_exit(1);
		}
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_closed(f, 150, 50);
}

static void open_many(struct store *s, uint64_t first, size_t count)
{
	struct entry *batch[LIMIT_BATCH];

	while (count) {
		size_t n = count < LIMIT_BATCH ? count : LIMIT_BATCH;
		for (size_t i = 0; i < n; i++) {
			batch[i] = version(first + i, true, 0, 0);
			buf_free(&batch[i]->detail);
		}
		assert_int_equal(store_append(s, batch, n), 0);
		for (size_t i = 0; i < n; i++)
			entry_free(batch[i]);
		first += n;
		count -= n;
	}
}

/* The oldest are closed, with a reason, when more are open than are followed. */
static void test_too_many(void **state)
{
	struct fixture *f = *state;
	const int64_t all = LIMIT_LIVE_EXCHANGES + 5;
	struct entry *e = version(3, true, 200, 0);

	fixture_open(f, 0, 0);
	open_many(f->s, 1, (size_t)all);
	assert_int_equal(store_stats(f->s).open_exchanges, LIMIT_LIVE_EXCHANGES);
	assert_int_equal(matches(f->s, "not open and reason.contains(\"more exchanges\")"), 5);
	assert_counts(f->s, LIMIT_LIVE_EXCHANGES, 0, 0, 5);
	/* What comes of those is not shown until they end. */
	assert_int_equal(store_append(f->s, &e, 1), 0);
	assert_int_equal(e->id, 0);
	entry_free(e);
	assert_int_equal(store_stats(f->s).passed_over, 1);
	append(f->s, version(3, false, 200, 0), all + 1, false);
	append(f->s, version(6, false, 404, 0), 6, true);
	assert_counts(f->s, LIMIT_LIVE_EXCHANGES, 1, 0, 5);
}

/* What the tally says of each second, and what is counted of the entries. */
static void assert_agreed(struct store *s, int64_t start_us, size_t seconds)
{
	static const int64_t widths[] = { 1, 60, 3600 };
	struct kfl_error e;
	struct kfl *all;
	char error[256];

	assert_int_equal(kfl_compile("id > 0", 6, &all, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		size_t n = seconds / (size_t)widths[i];
		struct store_histogram q = { .start_us = start_us,
					     .bucket_us = widths[i] * SECOND,
					     .buckets = n };
		uint64_t(*tally)[OUTCOMES] = calloc(n, sizeof(*tally));
		uint64_t(*rows)[OUTCOMES] = calloc(n, sizeof(*rows));
		struct store_counted counted;
		assert_int_equal(store_count(s, &q, tally, &counted, error, sizeof(error)), 0);
		q.filter = all;
		assert_int_equal(store_count(s, &q, rows, &counted, error, sizeof(error)), 0);
		assert_memory_equal(tally, rows, n * sizeof(*rows));
		assert_int_equal(counted.total, store_stats(s).entries);
		free(tally);
		free(rows);
	}
	kfl_free(all);
}

#define EXCHANGES 300

static struct entry *any_version(uint64_t *number, int64_t start_us)
{
	static const int32_t statuses[] = { 0, 200, 404, 503 };
	struct entry *e = version(*number, random() % 3, statuses[random() % 4], 0);

	e->timestamp_us = start_us + random() % 7200 * SECOND;
	e->complete = random() % 2;
	if (random() % 4)
		e->body_kept[1] = true;
	else
		buf_printf(&e->response_body, "%0*d", (int)(random() % 3000), 1);
	if (!e->open)
		*number += EXCHANGES;
	return e;
}

/* Whatever comes, wherever its row is and however often the store is opened, they agree. */
static void test_any_order(void **state)
{
	struct fixture *f = *state;
	const int64_t start_us = BEGAN / (3600 * SECOND) * 3600 * SECOND;
	uint64_t numbers[EXCHANGES];

	for (uint64_t i = 0; i < EXCHANGES; i++)
		numbers[i] = i + 1;
	srandom(7);
	fixture_open(f, 2 * MIB, 0);
	for (int round = 0; round < 400; round++) {
		struct entry *batch[64];
		size_t n = (size_t)random() % 64 + 1;
		uint64_t dropped = store_stats(f->s).dropped_entries;
		for (size_t i = 0; i < n; i++)
			batch[i] = any_version(&numbers[random() % EXCHANGES], start_us);
		assert_int_equal(store_append(f->s, batch, n), 0);
		for (size_t i = 0; i < n; i++) {
			/* 0: its row went with its segment, in the course of the batch. */
			assert_true(batch[i]->id || store_stats(f->s).dropped_entries > dropped);
			entry_free(batch[i]);
		}
		if (round % 100 == 50) {
			fixture_close(f);
			fixture_open(f, 2 * MIB, 0);
			assert_int_equal(matches(f->s, "open"), 0);
		}
		if (round % 20 == 0)
			assert_agreed(f->s, start_us, 7200);
		assert_int_equal(matches(f->s, "open"), store_stats(f->s).open_exchanges);
	}
	assert_true(store_stats(f->s).dropped_entries > 0);
	fixture_close(f);
	assert_intact(f->path);
}

/* Versions until it is killed; tells that it is at it. */
static void write_versions(const char *path, unsigned seed, int ready)
{
	struct store_options options = { .uri = path, .max_size = 3 * MIB, .readers = 1 };
	uint64_t numbers[EXCHANGES];
	struct store *s;
	char error[256];

	if (store_open(&options, geteuid(), getegid(), &s, error, sizeof(error)))
		_exit(1);
	srandom(seed);
	for (uint64_t i = 0; i < EXCHANGES; i++)
		numbers[i] = i + 1;
	for (int round = 0;; round++) {
		struct entry *batch[32];
		for (size_t i = 0; i < 32; i++)
			batch[i] = any_version(&numbers[random() % EXCHANGES],
					       BEGAN / (3600 * SECOND) * 3600 * SECOND);
		if (store_append(s, batch, 32))
			_exit(1);
		for (size_t i = 0; i < 32; i++)
			entry_free(batch[i]);
		if (round == 10 && write(ready, "x", 1) != 1)
			_exit(1);
	}
}

/* At any moment: what is left is whole, counted and closed. */
static void test_kill_anywhere(void **state)
{
	struct fixture *f = *state;
	int ready[2], status;
	char c;

	for (unsigned round = 0; round < 8; round++) {
		assert_int_equal(pipe(ready), 0);
		pid_t pid = fork();
		if (!pid)
			write_versions(f->path, round, ready[1]);
		close(ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		close(ready[0]);
		usleep(round * 1700);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		fixture_open(f, 3 * MIB, 0);
		assert_int_equal(matches(f->s, "open"), 0);
		assert_agreed(f->s, BEGAN / (3600 * SECOND) * 3600 * SECOND, 7200);
		fixture_close(f);
		assert_intact(f->path);
	}
}

static uint64_t log_size(const struct fixture *f)
{
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", f->path);
	return stat(name, &st) ? 0 : (uint64_t)st.st_size;
}

/* Each of 1..2000, far apart, once; what the log grows by. */
static uint64_t update_all(struct fixture *f, const char *host)
{
	struct entry *batch[1000];
	uint64_t log;

	store_maintain(f->s, BEGAN);
	log = log_size(f);
	for (uint64_t half = 0; half < 2; half++) {
		for (uint64_t i = 0; i < 1000; i++) {
			batch[i] = version((i * 2 + half) * 7 % 2000 + 1, true, 0, 0);
			batch[i]->body_kept[0] = batch[i]->body_kept[1] = true;
			if (host)
				batch[i]->host = host;
		}
		assert_int_equal(store_append(f->s, batch, 1000), 0);
		for (size_t i = 0; i < 1000; i++)
			entry_free(batch[i]);
	}
	return log_size(f) - log;
}

/* An update that changes nothing that is indexed writes no index. */
static void test_cheap_updates(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	open_many(f->s, 1, 2000);
	uint64_t first = update_all(f, NULL), again = update_all(f, NULL);
	uint64_t other = update_all(f, "another.example");
	(void)first;
	assert_int_equal(matches(f->s, "host == \"another.example\""), 2000);
	assert_true(again < 4 * MIB);
	assert_true(again * 10 < other * 9);
	assert_int_equal(store_stats(f->s).entries, 2000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_versions),	  TEST(test_one_batch), TEST(test_body_kept),
		TEST(test_old_segments),  TEST(test_restart),	TEST(test_kill),
		TEST(test_cheap_updates), TEST(test_any_order), TEST(test_kill_anywhere),
		TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
