// SPDX-License-Identifier: GPL-2.0-or-later
/* Bodies beside the database: all sizes, changing mixes under a bound, damage. */
#include "store_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"
#include "kfl/kfl.h"
#include "synthetic.h"

#define MIB    (1ULL << 20)
#define NOW_US ((int64_t)time(NULL) * 1000000)

static const size_t sizes[] = { 0, 1, 1023, 1024, 1025, 4096, 70000, 1 << 20, 5 << 20 };

#define SIZES (sizeof(sizes) / sizeof(*sizes))

static void fill(struct buf *b, size_t len, unsigned seed)
{
	buf_reset(b);
	assert_int_equal(buf_reserve(b, len + 1), 0);
	for (size_t i = 0; i < len; i++)
		b->data[i] = (char)((i * 2654435761U + seed) >> 7);
	b->len = len;
}

static void assert_body(const struct buf *have, size_t len, unsigned seed)
{
	struct buf want = { 0 };

	fill(&want, len, seed);
	assert_int_equal(have->len, len);
	if (len)
		assert_memory_equal(have->data, want.data, len);
	buf_free(&want);
}

/* Requests of one size and answers of the next, in one batch: seeds tell them apart. */
static void put_sizes(struct store *s)
{
	struct entry *batch[SIZES];

	for (size_t i = 0; i < SIZES; i++) {
		batch[i] = synthetic_entry(i, NOW_US, 0);
		fill(&batch[i]->request_body, sizes[i], (unsigned)i);
		fill(&batch[i]->response_body, sizes[(i + 1) % SIZES], (unsigned)i + 100);
	}
	assert_int_equal(store_append(s, batch, SIZES), 0);
	for (size_t i = 0; i < SIZES; i++)
		entry_free(batch[i]);
}

static void check_sizes(struct store *s, int64_t first)
{
	for (size_t i = 0; i < SIZES; i++) {
		struct entry *e;
		assert_int_equal(store_get(s, first + (int64_t)i, &e), 0);
		assert_body(&e->request_body, sizes[i], (unsigned)i);
		assert_body(&e->response_body, sizes[(i + 1) % SIZES], (unsigned)i + 100);
		assert_string_equal(e->reason, "");
		entry_free(e);
	}
}

static void test_sizes(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	put_sizes(f->s);
	check_sizes(f->s, 1);
	fixture_close(f);
	fixture_open(f, 0, 0);
	put_sizes(f->s);
	check_sizes(f->s, 1);
	check_sizes(f->s, 1 + SIZES);
	fixture_close(f);
	assert_intact(f->path);
}

static bool count_row(void *ctx, const struct entry *e)
{
	(void)e;
	++*(size_t *)ctx;
	return true;
}

/* A filter looks into a body wherever it is. */
static void test_filter(void **state)
{
	struct fixture *f = *state;
	struct entry *e = synthetic_entry(1, NOW_US, 0);
	struct kfl_error why;
	struct kfl *filter;
	struct store_page page;
	char error[256];
	size_t rows = 0;

	fixture_open(f, 0, 0);
	for (int i = 0; i < 4000; i++)
		buf_puts(&e->response_body, "hay ");
	buf_puts(&e->response_body, "needle");
	buf_reset(&e->detail);
	buf_puts(&e->detail, "{\"response\":{\"content_type\":\"text/plain\"}}");
	assert_int_equal(store_append(f->s, &e, 1), 0);
	put_sizes(f->s);
	const char *query = "response.body.contains(\"needle\")";
	assert_int_equal(kfl_compile(query, strlen(query), &filter, &why), 0);
	struct store_query q = { .filter = filter, .limit = 100 };
	assert_int_equal(store_select(f->s, &q, count_row, &rows, &page, error, sizeof(error)), 0);
	assert_int_equal(rows, 1);
	kfl_free(filter);
	entry_free(e);
}

/* Whatever the mix becomes, the bound holds, and much of it is used. */
static void test_mixes(void **state)
{
	static const size_t mix[] = { 100, 40000, 100, 2000, 300000, 100 };
	const uint64_t max = 16 * MIB;
	struct fixture *f = *state;

	fixture_open(f, max, 0);
	for (size_t m = 0; m < sizeof(mix) / sizeof(*mix); m++) {
		size_t count = mix[m] > 100000 ? 3 : 100;
		for (size_t sent = 0; sent < 3 * max; sent += count * (mix[m] + 1500)) {
			assert_int_equal(put_entries(f->s, 0, count, mix[m], NOW_US), 0);
			assert_in_range(size_on_disk(f->path), 1, max);
		}
		struct store_stats stats = store_stats(f->s);
		assert_int_equal(stats.lost_entries, 0);
		assert_true(stats.entries * (mix[m] + 1500) > max / 4);
		struct entry *e;
		assert_int_equal(store_get(f->s, stats.last_id, &e), 0);
		assert_int_equal(e->response_body.len, mix[m]);
		entry_free(e);
	}
	uint64_t full = size_on_disk(f->path);
	fixture_close(f);
	assert_intact(f->path);
	fixture_open(f, 4 * MIB, 0);
	assert_in_range(size_on_disk(f->path), 1, 4 * MIB);
	assert_true(full > 4 * MIB);
}

static void overwrite(const struct fixture *f, off_t at, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s-bodies", f->path);
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

/* A damaged body is not shown as if it were the one that was stored. */
static void test_damage(void **state)
{
	struct fixture *f = *state;
	struct entry *e;

	fixture_open(f, 0, 0);
	put_entries(f->s, 0, 2, 5000, NOW_US);
	overwrite(f, 3000, "damage");
	assert_int_equal(store_get(f->s, 1, &e), 0);
	assert_int_equal(e->response_body.len, 0);
	assert_false(e->complete);
	assert_non_null(strstr(e->reason, "cannot be read"));
	entry_free(e);
	assert_int_equal(store_get(f->s, 2, &e), 0);
	assert_int_equal(e->response_body.len, 5000);
	entry_free(e);
}

/* The file is gone: the store opens, and tells of each body that it had. */
static void test_missing(void **state)
{
	struct fixture *f = *state;
	struct entry *e;
	char path[128];

	fixture_open(f, 0, 0);
	put_entries(f->s, 0, 2, 5000, NOW_US);
	fixture_close(f);
	snprintf(path, sizeof(path), "%s-bodies", f->path);
	assert_int_equal(unlink(path), 0);
	fixture_open(f, 0, 0);
	assert_int_equal(store_get(f->s, 1, &e), 0);
	assert_int_equal(e->response_body.len, 0);
	assert_non_null(strstr(e->reason, "cannot be read"));
	entry_free(e);
	put_sizes(f->s);
	check_sizes(f->s, 3);
}

#define MARK "what-expired-is-gone"

static bool file_holds(const char *path, const char *suffix)
{
	static char data[64 << 20];
	char name[128];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, data, sizeof(data));
	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(data, (size_t)n, MARK, strlen(MARK));
}

static void put_marked(struct store *s, size_t count, int64_t at_us)
{
	for (size_t i = 0; i < count; i++) {
		struct entry *e = synthetic_entry(i, at_us, 0);
		fill(&e->response_body, 9000, 1);
		memcpy(e->response_body.data + 5000, MARK, strlen(MARK));
		assert_int_equal(store_append(s, &e, 1), 0);
		entry_free(e);
	}
}

/* Nobody finds in their file the bodies that have expired, though it is not shorter for it. */
static void test_expired(void **state)
{
	struct fixture *f = *state;
	int64_t now = NOW_US;

	fixture_open(f, 32 * MIB, 1600);
	put_marked(f->s, 300, now);
	assert_true(file_holds(f->path, "-bodies"));
	for (int i = 0; i < 10; i++)
		put_entries(f->s, 0, 100, 5000, now + 3000 * 1000000LL);
	for (int i = 0; i < 20; i++)
		store_maintain(f->s, now + 3100 * 1000000LL);
	assert_in_range(store_stats(f->s).first_id, 1, 1000);
	assert_in_range(store_stats(f->s).dropped_entries, 250, 1000);
	fixture_close(f);
	assert_false(file_holds(f->path, "-bodies"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_sizes),  TEST(test_filter),  TEST(test_mixes),
		TEST(test_damage), TEST(test_missing), TEST(test_expired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
