// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a store as somebody else left them. The first byte: 0 patches (a file, an offset of
 * three bytes, a length, that many bytes; length 0 cuts the file off), 1 the SQL that follows was
 * run on it. Such a store is refused with a sentence, or serves: it answers, takes an entry, and
 * closes.
 */
#include <sqlite3.h>

#include "base/buf.h"
#include "base/log.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "kinds.h"
#include "scratch.h"
#include "store/store.h"
#include "synthetic.h"

#define MOST_NS (200000000ULL * (FUZZ_BYTE_NS / 50))

enum { ENTRIES = 40, FILES = 3 };
static const char *const suffix[FILES] = { "", "-bodies", "-wal" };
static struct buf good[FILES];

static void path_of(int file, char path[100])
{
	snprintf(path, 100, "%s/store%s", scratch, suffix[file]);
}

static struct store *open_store(char *error, size_t size)
{
	char path[100];
	struct store_options options = { .uri = path, .max_size = 4 << 20, .readers = 2 };
	struct store *s = NULL;

	path_of(0, path);
	*error = '\0';
	int r = store_open(&options, getuid(), getgid(), &s, error, size);
	/* a sentence, not a code: it names the file and says why */
	require(r ? strlen(error) > 20 && strchr(error, ' ') : s != NULL);
	return s;
}

static void append(struct store *s, uint64_t first, size_t count)
{
	struct entry *batch[ENTRIES];

	for (size_t i = 0; i < count; i++) {
		batch[i] = kind_entry(first + i, 1795298400000000 + (int64_t)(first + i) * 1000000,
				      true, 0);
		if (i % 7 == 0)
			for (int k = 0; k < 300; k++)
				buf_puts(&batch[i]->response_body, "a body beside");
	}
	int r = store_append(s, batch, count);
	char why[256];
	store_error(s, why, sizeof(why));
	require(!r == !*why);
	for (size_t i = 0; i < count; i++)
		entry_free(batch[i]);
}

static void read_file(int file, struct buf *ret)
{
	char path[100], block[4096];
	size_t n;

	path_of(file, path);
	FILE *in = fopen(path, "rb");
	while (in && (n = fread(block, 1, sizeof(block), in)))
		buf_put(ret, block, n);
	if (in)
		fclose(in);
}

static void make_good(void)
{
	char error[512];

	log_set_level(LOG_LEVEL_ERROR);
	scratch_make();
	struct store *s = open_store(error, sizeof(error));
	require(s != NULL);
	append(s, 1, ENTRIES);
	for (int i = 0; i < FILES; i++)
		read_file(i, &good[i]); /* as after a kill: the log is not empty */
	store_close(s);
	good[0].len = 0;
	read_file(0, &good[0]);
	good[1].len = 0;
	read_file(1, &good[1]);
}

static void write_file(int file, const struct buf *b)
{
	char path[100];

	path_of(file, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, b->data, b->len) == (ssize_t)b->len);
	close(fd);
}

static void patch(struct buf copy[FILES], const uint8_t *data, size_t size)
{
	for (size_t at = 0, len; at + 5 <= size; at += len) {
		struct buf *b = &copy[data[at] % FILES];
		size_t to = data[at + 1] | (size_t)data[at + 2] << 8 | (size_t)data[at + 3] << 16;
		len = data[at + 4];
		at += 5;
		if (len > size - at)
			len = size - at;
		to = b->len ? to % b->len : 0;
		if (!len)
			b->len = to;
		memcpy(b->data + to, data + at, len < b->len - to ? len : b->len - to);
	}
}

static int stop_late(void *ctx)
{
	return ++*(int *)ctx > 1000;
}

static void run_sql(const uint8_t *data, size_t size)
{
	char path[100], *sql = strndup((const char *)data, size);
	sqlite3 *db;
	int steps = 0;

	path_of(0, path);
	require(sql && !sqlite3_open(path, &db));
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_progress_handler(db, 1000, stop_late, &steps);
	sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	free(sql);
}

static bool look_at(void *ctx, const struct entry *e)
{
	struct buf out = { 0 };

	++*(int *)ctx;
	/* every text ends */
	require(!entry_put_json(e, &out));
	buf_free(&out);
	return true;
}

static void use(struct store *s)
{
	static const char query[] = "status_code >= 400 and request.headers[\"host\"] != \"a\"";
	static struct kfl *filter;
	struct kfl_error wrong;
	struct store_query q = { .limit = 100, .with_payload = true, .time_limit_ms = 200 };
	struct store_page page = { 0 };
	uint64_t counts[4][OUTCOMES] = { 0 };
	struct store_histogram h = { .start_us = 1795298400000000 - 1795298400000000 % 60000000,
				     .bucket_us = 60000000,
				     .buckets = 4,
				     .time_limit_ms = 200 };
	struct store_counted counted;
	struct entry *e = NULL;
	char error[256];
	int rows = 0;

	if (!filter)
		require(!kfl_compile(query, strlen(query), &filter, &wrong));
	for (int i = 0; i < 2; i++) {
		q.filter = h.filter = i ? filter : NULL;
		q.oldest_first = i;
		*error = '\0';
		int r = store_select(s, &q, look_at, &rows, &page, error, sizeof(error));
		require(!r || *error);
		*error = '\0';
		r = store_count(s, &h, counts, &counted, error, sizeof(error));
		require(!r || *error);
	}
	if (!store_get(s, 7, &e))
		look_at(&rows, e);
	entry_free(e);
	append(s, 1000, 3);
	store_maintain(s, 1795298500000000);
	store_stats(s);
}

static void serve(void *ctx, const uint8_t *data, size_t size)
{
	struct buf copy[FILES] = { 0 };
	char error[512];

	(void)ctx;
	scratch_clear();
	for (int i = 0; i < FILES; i++)
		buf_put(&copy[i], good[i].data, good[i].len);
	if (*data == 0)
		patch(copy, data + 1, size - 1);
	for (int i = 0; i < FILES; i++) {
		if (i < 2 || *data == 0)
			write_file(i, &copy[i]);
		buf_free(&copy[i]);
	}
	if (*data)
		run_sql(data + 1, size - 1);
	struct store *s = open_store(error, sizeof(error));
	if (s)
		use(s);
	store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!good[0].len)
		make_good();
	if (!size || *data > 1)
		return 0;
	serve(NULL, data, size);
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(serve, NULL, data, size, MOST_NS);
	return 0;
}
