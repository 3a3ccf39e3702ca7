// SPDX-License-Identifier: GPL-2.0-or-later
#include "store_fixture.h"

#include <fcntl.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"
#include "synthetic.h"

#define MIB    (1ULL << 20)
#define NOW_US ((int64_t)time(NULL) * 1000000)

/* Every field comes back as it went in. */
static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct entry *e = synthetic_entry(7, 1795288218123456, 3000), *got;
	struct buf want = { 0 }, have = { 0 };

	fixture_open(f, 0, 0);
	e->src.ip = "fe80::1";
	e->dst.container = "box \xe2\x82\xac";
	e->lock = LOCK_CLOSED;
	e->complete = false;
	e->reason = "lost \"bytes\"";
	e->elapsed_us = -1;
	e->lost_bytes = 1LL << 40;
	e->goroutine = INT64_MAX;
	e->src.port = 65535;
	e->dst.pid = -1;
	e->query_string = "x";
	buf_put(&e->request_body, "\0\xff\0", 3);
	assert_int_equal(store_append(f->s, &e, 1), 0);
	assert_int_equal(e->id, 1);
	assert_int_equal(store_get(f->s, 1, &got), 0);
	entry_put_json(e, &want);
	entry_put_json(got, &have);
	assert_string_equal(buf_cstr(&have), buf_cstr(&want));
	assert_string_equal(got->query_string, "x");
	assert_string_equal(got->path, e->path);
	assert_string_equal(got->connection, e->connection);
	assert_int_equal(got->goroutine, INT64_MAX);
	assert_int_equal(got->detail.len, e->detail.len);
	assert_memory_equal(got->detail.data, e->detail.data, e->detail.len);
	assert_int_equal(got->request_body.len, 3);
	assert_memory_equal(got->request_body.data, "\0\xff\0", 3);
	assert_int_equal(got->response_body.len, 3000);
	assert_memory_equal(got->response_body.data, e->response_body.data, 3000);
	assert_int_equal(store_get(f->s, 2, &got), -ENOENT);
	entry_free(got);
	entry_free(e);
	buf_free(&want);
	buf_free(&have);
}

/* A small store, so that pages cross segments; ids 1..3000. */
static void fill_segments(struct fixture *f)
{
	fixture_open(f, 32 * MIB, 0);
	for (uint64_t i = 0; i < 3000; i += 100)
		assert_int_equal(put_entries(f->s, i, 100, 500, NOW_US), 0);
	struct store_stats stats = store_stats(f->s);
	assert_int_equal(stats.entries, 3000);
	assert_int_equal(stats.first_id, 1);
	assert_int_equal(stats.last_id, 3000);
	assert_true(stats.segments > 4);
}

static void test_pages(void **state)
{
	static const size_t limits[] = { 1, 7, 256, 257, 1000, 4096 };
	struct fixture *f = *state;

	fill_segments(f);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct collected down = { 0 }, up = { 0 };
		struct store_query q = { .limit = limits[i], .with_payload = i & 1 };
		collect_pages(f->s, q, &down);
		q.oldest_first = true;
		collect_pages(f->s, q, &up);
		assert_int_equal(down.count, 3000);
		assert_int_equal(up.count, 3000);
	}
}

static void test_page_bounds(void **state)
{
	struct fixture *f = *state;
	struct collected c = { 0 };

	fill_segments(f);
	collect_pages(f->s, (struct store_query){ .limit = 10, .before = 2001, .after = 1899 }, &c);
	assert_int_equal(c.count, 101);
	assert_int_equal(c.ids[0], 2000);
	assert_int_equal(c.ids[100], 1900);
	c.count = 0;
	collect_pages(f->s, (struct store_query){ .limit = 10, .before = 1 }, &c);
	collect_pages(f->s, (struct store_query){ .limit = 10, .after = 3000 }, &c);
	collect_pages(f->s, (struct store_query){ .limit = 10, .after = 9, .before = 10 }, &c);
	assert_int_equal(c.count, 0);
}

/* The consumer stops where it likes, and goes on behind that row. */
static void test_stop(void **state)
{
	struct fixture *f = *state;
	struct collected c = { .stop_after = 5 };
	struct store_query q = { .limit = 100 };
	struct store_page page;
	char error[256];

	fill_segments(f);
	assert_int_equal(store_select(f->s, &q, collect, &c, &page, error, sizeof(error)), 0);
	assert_int_equal(page.count, 5);
	assert_int_equal(page.next, c.ids[4]);
	assert_false(page.partial);
}

static void test_reopen(void **state)
{
	struct fixture *f = *state;
	struct collected c = { 0 };

	fill_segments(f);
	uint64_t segments = store_stats(f->s).segments;
	for (int i = 0; i < 5; i++) {
		fixture_close(f);
		fixture_open(f, 32 * MIB, 0);
		assert_int_equal(put_entries(f->s, 0, 1, 10, NOW_US), 0);
	}
	assert_int_equal(store_stats(f->s).last_id, 3005);
	assert_true(store_stats(f->s).segments <= segments + 1);
	collect_pages(f->s, (struct store_query){ .limit = 1000 }, &c);
	assert_int_equal(c.count, 3005);
}

/* At every batch, with main file, WAL and shm counted together, and the newest are kept. */
static void keep_size(struct fixture *f, uint64_t max_size, size_t batches, size_t count,
		      size_t body)
{
	struct collected c = { 0 };

	fixture_open(f, max_size, 0);
	for (size_t i = 0; i < batches; i++) {
		assert_int_equal(put_entries(f->s, i * count, count, body, NOW_US), 0);
		assert_in_range(size_on_disk(f->path), 1, max_size);
		assert_in_range(store_stats(f->s).size, 1, max_size);
	}
	struct store_stats stats = store_stats(f->s);
	assert_int_equal(stats.size, size_on_disk(f->path));
	assert_int_equal(stats.last_id, batches * count);
	assert_true(stats.dropped_entries > 0);
	assert_int_equal(stats.dropped_entries + stats.entries, batches * count);
	assert_int_equal(stats.lost_entries, 0);
	collect_pages(f->s, (struct store_query){ .limit = 1000 }, &c);
	assert_int_equal(c.count, stats.entries);
	assert_int_equal(c.ids[0], stats.last_id);
	assert_int_equal(c.ids[c.count - 1], stats.first_id);
	fixture_close(f);
	assert_intact(f->path);
}

static void test_max_size(void **state)
{
	keep_size(*state, 8 * MIB, 100, 200, 1024);
}

static void test_max_size_smallest(void **state)
{
	keep_size(*state, MIB, 100, 100, 100);
}

static void test_max_size_bodies(void **state)
{
	keep_size(*state, 24 * MIB, 100, 5, 300000);
}

/* What can never fit is kept without its bodies, and says so. */
static void test_huge_entry(void **state)
{
	struct fixture *f = *state;
	struct entry *e = synthetic_entry(1, NOW_US, 20 << 20), *got;

	fixture_open(f, 8 * MIB, 0);
	assert_int_equal(put_entries(f->s, 0, 200, 1024, NOW_US), 0);
	assert_int_equal(store_append(f->s, &e, 1), 0);
	assert_in_range(size_on_disk(f->path), 1, 8 * MIB);
	assert_int_equal(store_get(f->s, e->id, &got), 0);
	assert_int_equal(got->response_body.len, 0);
	assert_int_equal(got->truncated_bytes, 20 << 20);
	assert_false(got->complete);
	assert_true(strlen(got->reason) > 0);
	assert_true(got->detail.len > 0);
	entry_free(got);
	entry_free(e);
}

/* A text that is too large by itself: that entry is lost and counted, the others are not. */
static void test_huge_text(void **state)
{
	struct fixture *f = *state;
	struct entry *batch[3];
	char *path = calloc(1, 4 << 20);

	memset(path, 'x', (4 << 20) - 1);
	fixture_open(f, 2 * MIB, 0);
	for (uint64_t i = 0; i < 3; i++)
		batch[i] = synthetic_entry(i, NOW_US, 100);
	batch[1]->path = path;
	assert_int_equal(store_append(f->s, batch, 3), 0);
	assert_int_equal(batch[0]->id, 1);
	assert_int_equal(batch[1]->id, 0);
	assert_int_equal(batch[2]->id, 2);
	assert_int_equal(store_stats(f->s).lost_entries, 1);
	assert_in_range(size_on_disk(f->path), 1, 2 * MIB);
	for (int i = 0; i < 3; i++)
		entry_free(batch[i]);
	free(path);
}

/* A smaller bound at the next start shrinks the file, from its oldest entries on. */
static void test_lower_size(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(put_entries(f->s, i * 1000, 1000, 2000, NOW_US), 0);
	assert_true(size_on_disk(f->path) > 40 * MIB);
	fixture_close(f);
	fixture_open(f, 20 * MIB, 0);
	assert_in_range(size_on_disk(f->path), 1, 20 * MIB);
	assert_int_equal(put_entries(f->s, 0, 100, 2000, NOW_US), 0);
	assert_int_equal(store_stats(f->s).last_id, 20100);
	assert_in_range(size_on_disk(f->path), 1, 20 * MIB);
	fixture_close(f);
	assert_intact(f->path);
}

static void test_max_age(void **state)
{
	struct fixture *f = *state;
	int64_t now = NOW_US;

	fixture_open(f, 0, 3600);
	assert_int_equal(put_entries(f->s, 0, 1000, 5000, now - 3000 * 1000000LL), 0);
	assert_int_equal(put_entries(f->s, 0, 1000, 5000, now - 2000 * 1000000LL), 0);
	uint64_t full = size_on_disk(f->path);
	store_maintain(f->s, now);
	assert_int_equal(store_stats(f->s).entries, 2000);
	store_maintain(f->s, now + 1601 * 1000000LL);
	assert_int_equal(store_stats(f->s).entries, 0);
	assert_int_equal(store_stats(f->s).first_id, 0);
	assert_int_equal(store_stats(f->s).last_id, 0);
	for (int i = 0; i < 3; i++)
		store_maintain(f->s, now);
	assert_true(size_on_disk(f->path) < full / 5);
	assert_int_equal(put_entries(f->s, 0, 1, 10, now), 0);
	assert_int_equal(store_stats(f->s).last_id, 2001);
}

/* Entries of which every second has a body that is beside the database, all of them known by a
 * text. */
static void put_marked(struct store *s, size_t first, size_t count, int64_t now)
{
	for (size_t i = first; i < first + count; i++) {
		struct entry *e = synthetic_entry(i, now, 0);
		buf_reset(&e->response_body);
		assert_int_equal(buf_printf(&e->response_body, "marker-%06zu-%*s", i,
					    i % 2 ? 3000 : 500, "."),
				 0);
		e->path = entry_printf(e, "/marker-%06zu-path", i);
		assert_int_equal(store_append(s, &e, 1), 0);
		entry_free(e);
	}
}

/* How many markers up to number `last` are in the file. */
static unsigned count_marked(const char *path, const char *suffix, unsigned last)
{
	char name[128];
	unsigned found = 0;
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !st.st_size)
		return close(fd), 0;
	const char *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	const char *end = p + st.st_size;
	for (const char *at = p; (at = memmem(at, (size_t)(end - at), "marker-", 7)); at += 7)
		found += end - at > 13 && strtoul(at + 7, NULL, 10) <= last;
	munmap((void *)p, (size_t)st.st_size);
	close(fd);
	return found;
}

static void assert_erased(const struct fixture *f, unsigned last)
{
	assert_int_equal(count_marked(f->path, "", last), 0);
	assert_int_equal(count_marked(f->path, "-wal", last), 0);
	assert_int_equal(count_marked(f->path, "-bodies", last), 0);
}

/* What has a bound of time is done in steps. */
static void maintain_down_to(struct store *s, int64_t now, uint64_t entries)
{
	for (int i = 0; i < 1000 && store_stats(s).entries > entries; i++)
		store_maintain(s, now);
	store_maintain(s, now);
	assert_int_equal(store_stats(s).entries, entries);
}

/* What expired cannot be read in the files any more, whatever the bound, and after kill -9. */
static void test_erased(void **state)
{
	struct fixture *f = *state;
	int64_t now = NOW_US;

	fixture_open(f, 0, 3600);
	put_marked(f->s, 1, 600, now - 3500 * 1000000LL);
	store_maintain(f->s, now);
	assert_true(count_marked(f->path, "", 600) > 0);
	assert_true(count_marked(f->path, "-bodies", 600) > 0);
	maintain_down_to(f->s, now + 200 * 1000000LL, 0);
	put_marked(f->s, 1001, 10, now);
	maintain_down_to(f->s, now + 200 * 1000000LL, 10);
	assert_erased(f, 600);
	assert_true(count_marked(f->path, "", 2000) >= 10);
	fixture_close(f);
	assert_intact(f->path);
}

static void test_erased_by_size(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 2 * MIB, 0);
	put_marked(f->s, 1, 3000, NOW_US);
	store_maintain(f->s, NOW_US);
	struct store_stats stats = store_stats(f->s);
	assert_true(stats.first_id > 1000);
	/* Ids begin at 1, as the numbers do. */
	assert_erased(f, (unsigned)stats.first_id - 1);
	struct entry *e;
	assert_int_equal(store_get(f->s, stats.first_id, &e), 0);
	assert_non_null(strstr(buf_cstr(&e->response_body), "marker-"));
	entry_free(e);
	/* Dropped by the next start: what a kill left. */
	fixture_close(f);
	assert_intact(f->path);
	fixture_open(f, 1 * MIB, 0);
	assert_erased(f, (unsigned)store_stats(f->s).first_id - 1);
	fixture_close(f);
	assert_intact(f->path);
}

/* Entries older than --max-age go while newer ones stay. */
static void test_max_age_order(void **state)
{
	struct fixture *f = *state;
	int64_t now = NOW_US;
	struct collected c = { 0 };

	fixture_open(f, 32 * MIB, 7200);
	for (int i = 0; i < 20; i++)
		assert_int_equal(put_entries(f->s, 0, 100, 3000, now + i * 60 * 1000000LL), 0);
	store_maintain(f->s, now + (7200 + 10 * 60) * 1000000LL);
	struct store_stats stats = store_stats(f->s);
	assert_in_range(stats.first_id, 800, 1100);
	collect_pages(f->s, (struct store_query){ .limit = 1000 }, &c);
	assert_int_equal(c.count, 2000 - stats.first_id + 1);
}

struct slow {
	struct store *s;
	size_t rows;
	int64_t last;
};

/* While a page is handed on, everything it was made of is dropped. */
static bool drop_meanwhile(void *ctx, const struct entry *e)
{
	struct slow *c = ctx;

	assert_true(!c->last || e->id < c->last);
	assert_true(strlen(e->host) > 0);
	c->last = e->id;
	if (++c->rows == 1)
		for (uint64_t i = 0; i < 60; i++)
			assert_int_equal(put_entries(c->s, i, 100, 1024, NOW_US), 0);
	return true;
}

static void test_drop_while_reading(void **state)
{
	struct fixture *f = *state;
	struct store_query q = { .limit = 1000 };
	struct store_page page;
	char error[256];

	fixture_open(f, 4 * MIB, 0);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(put_entries(f->s, i, 100, 1024, NOW_US), 0);
	struct slow c = { .s = f->s };
	assert_int_equal(store_select(f->s, &q, drop_meanwhile, &c, &page, error, sizeof(error)),
			 0);
	assert_true(c.rows >= 1);
	assert_in_range(size_on_disk(f->path), 1, 4 * MIB);
}

struct readers {
	struct store *s;
	bool stop;
	size_t pages;
};

static void *read_always(void *arg)
{
	struct readers *r = arg;
	struct store_query q = { .limit = 300, .with_payload = true };

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		struct collected c = { 0 };
		struct store_page page;
		char error[256];
		if (store_select(r->s, &q, collect, &c, &page, error, sizeof(error)) < 0)
			fail_msg("%s", error);
		for (size_t i = 1; i < c.count; i++)
			assert_true(c.ids[i] < c.ids[i - 1]);
		q.before = page.next;
		__atomic_add_fetch(&r->pages, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* More readers than connections, always at it: the size holds, nothing is refused. */
static void test_bounds_under_readers(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];

	fixture_open(f, 6 * MIB, 0);
	struct readers r = { .s = f->s };
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_always, &r), 0);
	for (uint64_t i = 0; i < 300; i++) {
		assert_int_equal(put_entries(f->s, i, 50, 1024, NOW_US), 0);
		assert_in_range(size_on_disk(f->path), 1, 6 * MIB);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(r.pages > 4);
	assert_int_equal(store_stats(f->s).lost_entries, 0);
}

/* Another program that reads and never ends: what finds no room is lost and counted. */
static void test_foreign_reader(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;
	char error[256];
	int r = 0;

	fixture_open(f, 4 * MIB, 0);
	assert_int_equal(put_entries(f->s, 0, 100, 1024, NOW_US), 0);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT * FROM segment", NULL, NULL, NULL), 0);
	for (uint64_t i = 0; !r && i < 100; i++) {
		r = put_entries(f->s, i, 100, 1024, NOW_US);
		assert_in_range(size_on_disk(f->path), 1, 4 * MIB);
	}
	assert_int_equal(r, -EBUSY);
	store_error(f->s, error, sizeof(error));
	assert_non_null(strstr(error, f->path));
	assert_int_equal(store_stats(f->s).lost_entries, 100);
	sqlite3_close(db);
	assert_int_equal(put_entries(f->s, 0, 100, 1024, NOW_US), 0);
	store_error(f->s, error, sizeof(error));
	assert_string_equal(error, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_pages),
		TEST(test_page_bounds),
		TEST(test_stop),
		TEST(test_reopen),
		TEST(test_max_size),
		TEST(test_max_size_smallest),
		TEST(test_max_size_bodies),
		TEST(test_huge_entry),
		TEST(test_huge_text),
		TEST(test_lower_size),
		TEST(test_max_age),
		TEST(test_max_age_order),
		TEST(test_erased),
		TEST(test_erased_by_size),
		TEST(test_drop_while_reading),
		TEST(test_bounds_under_readers),
		TEST(test_foreign_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
