// SPDX-License-Identifier: GPL-2.0-or-later
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "base/limits.h"
#include "synthetic.h"

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/cleartap-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/c.db", f->dir);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(f->s);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	int r = system(command);
	free(f);
	return r;
}

void fixture_open(struct fixture *f, uint64_t max_size, uint64_t max_age_s)
{
	struct store_options options = {
		.uri = f->path,
		.max_size = max_size,
		.max_age_s = max_age_s,
		.readers = 2,
	};
	char error[512];

	if (store_open(&options, geteuid(), getegid(), &f->s, error, sizeof(error)) < 0)
		fail_msg("%s", error);
}

void fixture_close(struct fixture *f)
{
	store_close(f->s);
	f->s = NULL;
}

int fixture_refused(const char *uri, char *error, size_t size)
{
	struct store_options options = { .uri = uri, .readers = 1 };
	struct store *s;
	int r = store_open(&options, geteuid(), getegid(), &s, error, size);

	if (!r)
		store_close(s);
	return r;
}

int put_entries(struct store *s, uint64_t first, size_t count, size_t body, int64_t timestamp_us)
{
	struct entry *batch[LIMIT_BATCH];

	assert_true(count <= LIMIT_BATCH);
	for (size_t i = 0; i < count; i++)
		assert_non_null(batch[i] = synthetic_entry(first + i, timestamp_us, body));
	int r = store_append(s, batch, count);
	while (count)
		entry_free(batch[--count]);
	return r;
}

uint64_t size_on_disk(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-bodies" };
	uint64_t size = 0;

	for (size_t i = 0; i < 4; i++) {
		char name[256];
		struct stat st;
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		if (!stat(name, &st))
			size += (uint64_t)st.st_size;
	}
	return size;
}

void assert_intact(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), 0);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

bool collect(void *ctx, const struct entry *e)
{
	struct collected *c = ctx;

	assert_true(c->count < sizeof(c->ids) / sizeof(c->ids[0]));
	c->ids[c->count++] = e->id;
	return c->count != c->stop_after;
}

void collect_pages(struct store *s, struct store_query q, struct collected *ret)
{
	struct store_page page;
	char error[256];

	do {
		size_t before = ret->count;
		if (store_select(s, &q, collect, ret, &page, error, sizeof(error)) < 0)
			fail_msg("%s", error);
		assert_int_equal(ret->count - before, page.count);
		assert_true(page.count <= q.limit);
		*(q.oldest_first ? &q.after : &q.before) = page.next;
	} while (page.next);
	for (size_t i = 1; i < ret->count; i++)
		assert_true(q.oldest_first ? ret->ids[i - 1] < ret->ids[i]
					   : ret->ids[i - 1] > ret->ids[i]);
}
