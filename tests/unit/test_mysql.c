// SPDX-License-Identifier: GPL-2.0-or-later
/* What a hostile server or client of MySQL can make it cost; packets that are too long for one. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/limits.h"
#include "dissect/dissect.h"
#include "entry.h"

struct peer {
	struct dissection *d;
	struct buf out[2]; /* by enum dir */
	uint64_t at[2];
	size_t memory, most; /* on the account: now, at most */
	unsigned entries, complete;
	uint64_t size; /* of the answers that were told */
	char status[32], reason[128];
};

static void told(void *ctx, struct entry *e)
{
	struct peer *p = ctx;

	p->entries++;
	p->complete += e->complete;
	p->size += (uint64_t)e->response_size;
	snprintf(p->status, sizeof(p->status), "%s", e->status);
	snprintf(p->reason, sizeof(p->reason), "%s", e->reason);
	assert_true(e->request_body.len + e->response_body.len <= 2 * LIMIT_RENDERED_BYTES);
	entry_free(e);
}

static void begin(struct peer *p)
{
	static uint64_t live;
	const struct conn_hint hint = { .opener_known = true, .opener = DIR_WRITE };

	memset(p, 0, sizeof(*p));
	p->d = dissect_open(&(struct entry_sink){ told, p, &live, NULL, &p->memory }, &hint);
	assert_non_null(p->d);
}

static void pass(struct peer *p, enum dir dir)
{
	for (size_t i = 0; i < p->out[dir].len; i += 16384) {
		size_t left = p->out[dir].len - i, n = left < 16384 ? left : 16384;
		dissect_feed(p->d, dir, (uint8_t *)p->out[dir].data + i, n, p->at[dir], 1000);
		p->at[dir] += n;
		p->most = p->memory > p->most ? p->memory : p->most;
	}
	buf_reset(&p->out[dir]);
}

static void end(struct peer *p)
{
	dissect_close(p->d, 2000);
	buf_free(&p->out[0]);
	buf_free(&p->out[1]);
	assert_int_equal(p->memory, 0);
}

static void put(struct peer *p, enum dir dir, unsigned number, const void *data, size_t len)
{
	const char head[] = { (char)len, (char)(len >> 8), (char)(len >> 16), (char)number };

	buf_put(&p->out[dir], head, sizeof(head));
	buf_put(&p->out[dir], data, len);
}

static const char ok[7] = { 0, 0, 0, 2 }, eof[5] = { '\xfe', 0, 0, 2 };
static const char column[] = "\3def\0\0\0\1a\0\x0c!\0\0\0\0\0\xfd\0\0\0\0\0";

static void ask(struct peer *p, const char *sql)
{
	put(p, DIR_WRITE, 0, sql, strlen(sql));
	pass(p, DIR_WRITE);
}

/* A statement and a row of more than 16 MiB: the packets that go on with them are of one exchange.
 */
static void test_split(void **state)
{
	struct peer p;
	size_t most = 0xffffff;
	char *big = calloc(1, most);

	(void)state;
	begin(&p);
	memset(big, 'x', most);
	memcpy(big, "\3SELECT '", 9);
	put(&p, DIR_WRITE, 0, big, most);
	put(&p, DIR_WRITE, 1, big, most);
	put(&p, DIR_WRITE, 2, "x'", 2);
	pass(&p, DIR_WRITE);
	put(&p, DIR_READ, 3, "\1", 1);
	put(&p, DIR_READ, 4, column, sizeof(column) - 1);
	put(&p, DIR_READ, 5, eof, sizeof(eof));
	big[0] = '\xfd';
	memset(big + 1, 0xff, 3);
	put(&p, DIR_READ, 6, big, most);
	/* Its rest begins as the end of rows does. */
	put(&p, DIR_READ, 7, eof, sizeof(eof));
	put(&p, DIR_READ, 8, eof, sizeof(eof));
	pass(&p, DIR_READ);
	ask(&p, "\x0e");
	put(&p, DIR_READ, 1, ok, sizeof(ok));
	pass(&p, DIR_READ);
	assert_int_equal(p.entries, 2);
	assert_int_equal(p.complete, 2);
	assert_true(p.size > most && p.most < 1 << 20);
	end(&p);
	free(big);
}

/* 65,535 parameters that are nothing, for a byte in eight. */
static void test_parameters(void **state)
{
	struct peer p;
	char prepared[] = "\0\1\0\0\0\0\0\xff\xff\0\0\0";
	char *execute = calloc(1, 10 + 8192 + 1);

	(void)state;
	begin(&p);
	ask(&p, "\x16INSERT INTO t VALUES (?)");
	put(&p, DIR_READ, 1, prepared, 12);
	for (unsigned i = 0; i < 65535; i++)
		put(&p, DIR_READ, 2 + i, column, sizeof(column) - 1);
	put(&p, DIR_READ, 1, eof, sizeof(eof));
	pass(&p, DIR_READ);
	memcpy(execute, "\x17\1\0\0\0\0\1\0\0\0", 10);
	memset(execute + 10, 0xff, 8192);
	put(&p, DIR_WRITE, 0, execute, 10 + 8192 + 1);
	pass(&p, DIR_WRITE);
	put(&p, DIR_READ, 1, ok, sizeof(ok));
	pass(&p, DIR_READ);
	assert_int_equal(p.complete, 2);
	assert_true(p.most < 1 << 20);
	end(&p);
	free(execute);
}

/* Columns without end, rows without end, and lists of them. */
static void test_endless(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	ask(&p, "\3SELECT 1");
	for (unsigned list = 0; list < 2; list++) {
		put(&p, DIR_READ, 1 + list, "\xfd\xff\xff\0", 4);
		for (unsigned i = 0; i < 65535; i++)
			put(&p, DIR_READ, 2, column, sizeof(column) - 1);
		put(&p, DIR_READ, 2, eof, sizeof(eof));
		for (unsigned i = 0; i < 100000; i++)
			put(&p, DIR_READ, 2, "\1x", 2);
		put(&p, DIR_READ, 2, "\xfe\0\0\x0a", 5);
	}
	pass(&p, DIR_READ);
	assert_true(p.most < 1 << 20);
	assert_int_equal(p.entries, 0);
	put(&p, DIR_READ, 2, ok, sizeof(ok));
	pass(&p, DIR_READ);
	assert_int_equal(p.complete, 1);
	end(&p);
}

static void log_in(struct peer *p)
{
	char login[64] = "\x20\x8a\x08\0\0\0\0\1-";

	memcpy(login + 32, "ann\0\1x\0", 7);
	put(p, DIR_WRITE, 2, login, 40);
	pass(p, DIR_WRITE);
	put(p, DIR_READ, 3, ok, sizeof(ok));
	pass(p, DIR_READ);
}

/* The same compressed packet, so many times. */
static void put_bombs(struct peer *p, unsigned times, const void *data, size_t len)
{
	uLongf size = compressBound(len);
	uint8_t *packed = malloc(size);

	assert_int_equal(compress(packed, &size, data, len), Z_OK);
	const char head[] = { (char)size, (char)(size >> 8), (char)(size >> 16), 1,
			      (char)len,  (char)(len >> 8),  (char)(len >> 16) };
	while (times--) {
		buf_put(&p->out[DIR_READ], head, sizeof(head));
		buf_put(&p->out[DIR_READ], packed, size);
	}
	free(packed);
}

/* 16 MiB in 16 KiB, again and again. */
static void test_bomb(void **state)
{
	static const char query[] = "\x0d\0\0\0\0\0\0\x09\0\0\0\3SELECT 1";
	struct peer p;
	size_t most = 0xfffffe;
	char *zeros = calloc(1, most);
	struct timespec from, to;

	(void)state;
	begin(&p);
	log_in(&p);
	assert_int_equal(p.complete, 1);
	dissect_feed(p.d, DIR_WRITE, (const uint8_t *)query, sizeof(query) - 1, p.at[DIR_WRITE], 1);
	put_bombs(&p, 64, zeros, most);
	size_t bytes = p.out[DIR_READ].len;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	pass(&p, DIR_READ);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
	assert_true(p.most < 4 << 20);
	/* Undone to their ends it would be 1 GiB. */
	assert_true(ns < 2000.0 * (double)bytes);
	end(&p);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
