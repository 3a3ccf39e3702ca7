// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another store is one folder and one row of store_table: here one that keeps its newest entries in
 * memory, with a table of its own in place of stores.c.
 */
#include "store_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "store/sqlite/ops.h"
#include "store/store_ops.h"
#include "synthetic.h"

#define KEPT 64

struct memory {
	struct store base;
	int64_t last_id;
	struct {
		int64_t id;
		int64_t timestamp_us;
		enum outcome outcome;
	} v[KEPT];
	char place[32];
};

static struct memory *memory_of(struct store *s)
{
	return (struct memory *)s;
}

static int memory_open(const struct store_options *options, const char *place, uid_t uid, gid_t gid,
		       struct store **ret, char *error, size_t error_size)
{
	struct memory *m = calloc(1, sizeof(*m));

	(void)uid;
	(void)gid;
	if (!m)
		return -ENOMEM;
	if (options->max_size) {
		snprintf(error, error_size, "a store in memory has no --max-size");
		free(m);
		return -EINVAL;
	}
	snprintf(m->place, sizeof(m->place), "%s", place);
	*ret = &m->base;
	return 0;
}

static void memory_close(struct store *s)
{
	free(memory_of(s));
}

static int memory_append(struct store *s, struct entry *const *batch, size_t count)
{
	struct memory *m = memory_of(s);

	for (size_t i = 0; i < count; i++) {
		size_t at = (size_t)m->last_id++ % KEPT;
		batch[i]->id = m->v[at].id = m->last_id;
		m->v[at].timestamp_us = batch[i]->timestamp_us;
		m->v[at].outcome = entry_outcome(batch[i]);
	}
	return 0;
}

static void memory_maintain(struct store *s, int64_t now_us)
{
	memory_of(s)->v[0].timestamp_us = now_us;
}

static void memory_error(struct store *s, char *out, size_t size)
{
	snprintf(out, size, "%s", memory_of(s)->place);
}

static int memory_check(struct store *s, const struct kfl *filter, struct kfl_error *ret_error)
{
	(void)s;
	(void)ret_error;
	return filter ? -EINVAL : 0;
}

static int memory_get(struct store *s, int64_t id, struct entry **ret)
{
	struct memory *m = memory_of(s);
	size_t at = (size_t)(id - 1) % KEPT;

	if (id < 1 || m->v[at].id != id)
		return -ENOENT;
	*ret = entry_new();
	(*ret)->id = id;
	(*ret)->timestamp_us = m->v[at].timestamp_us;
	return 0;
}

static int memory_select(struct store *s, const struct store_query *q, store_row_fn *row, void *ctx,
			 struct store_page *ret, char *error, size_t error_size)
{
	struct memory *m = memory_of(s);
	int64_t id = q->before ? q->before - 1 : m->last_id;
	struct entry *e;

	(void)error;
	(void)error_size;
	*ret = (struct store_page){ 0 };
	for (bool more = true; more && ret->count < q->limit && !memory_get(s, id, &e); id--) {
		more = row(ctx, e);
		ret->next = id;
		ret->count++;
		entry_free(e);
	}
	if (memory_get(s, id, &e))
		ret->next = 0;
	else
		entry_free(e);
	return 0;
}

static int memory_count(struct store *s, const struct store_histogram *q,
			uint64_t (*counts)[OUTCOMES], struct store_counted *ret, char *error,
			size_t error_size)
{
	struct memory *m = memory_of(s);

	(void)error;
	(void)error_size;
	*ret = (struct store_counted){ .whole_from_us = q->start_us };
	for (size_t i = 0; i < KEPT; i++) {
		int64_t at = store_bucket(m->v[i].timestamp_us - q->start_us, q->bucket_us);
		if (!m->v[i].id || at < 0 || at >= (int64_t)q->buckets)
			continue;
		counts[at][m->v[i].outcome]++;
		ret->total++;
	}
	return 0;
}

static struct store_stats memory_stats(struct store *s)
{
	return (struct store_stats){ .last_id = memory_of(s)->last_id };
}

static const struct store_ops memory_ops = {
	.scheme = "memory",
	.usage = "memory:NAME",
	.open = memory_open,
	.close = memory_close,
	.append = memory_append,
	.maintain = memory_maintain,
	.error = memory_error,
	.check = memory_check,
	.select = memory_select,
	.get = memory_get,
	.count = memory_count,
	.stats = memory_stats,
};

const struct store_ops *const store_table[] = { &sqlite_ops, &memory_ops, NULL };

static void test_second(void **state)
{
	struct store_options options = { .uri = "memory:one" };
	struct collected c = { 0 };
	struct entry *e;
	char error[256];

	(void)state;
	struct store *s;
	assert_int_equal(store_open(&options, 0, 0, &s, error, sizeof(error)), 0);
	store_error(s, error, sizeof(error));
	assert_string_equal(error, "one");
	assert_int_equal(put_entries(s, 0, 100, 0, 5000000), 0);
	assert_int_equal(store_stats(s).last_id, 100);
	collect_pages(s, (struct store_query){ .limit = 10 }, &c);
	assert_int_equal(c.count, KEPT);
	assert_int_equal(store_get(s, 100, &e), 0);
	entry_free(e);
	assert_int_equal(store_get(s, 1, &e), -ENOENT);
	struct store_histogram q = { .start_us = 4000000, .bucket_us = 1000000, .buckets = 2 };
	uint64_t counts[2][OUTCOMES] = { 0 };
	struct store_counted counted;
	assert_int_equal(store_count(s, &q, counts, &counted, error, sizeof(error)), 0);
	assert_int_equal(counted.total, KEPT);
	assert_int_equal(counts[0][OUTCOME_OK], 0);
	assert_int_equal(store_check(s, NULL, NULL), 0);
	store_close(s);
}

/* By its scheme; a path is the first's. */
static void test_which(void **state)
{
	struct store_options options = { .uri = "memory:one", .max_size = 1 << 20 };
	struct fixture *f = *state;
	char error[256];

	assert_int_equal(store_open(&options, 0, 0, &f->s, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "a store in memory has no --max-size");
	f->s = NULL;
	assert_int_equal(fixture_refused("nowhere:x", error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "store nowhere:x: no store is called \"nowhere\"; use a path or "
				   "sqlite:PATH or memory:NAME");
	fixture_open(f, 0, 0);
	assert_int_equal(put_entries(f->s, 0, 10, 0, 5000000), 0);
	assert_int_equal(store_stats(f->s).entries, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = { TEST(test_second), TEST(test_which) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
