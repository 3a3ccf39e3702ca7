// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"
#include "base/limits.h"

static void count(void *ctx, struct entry *e)
{
	++*(size_t *)ctx;
	entry_free(e);
}

/* A chain of upgrades neither nests nor is followed for ever. */
static void test_become_chain(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n";
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
	size_t n = 0, q = strlen(request), a = strlen(answer);
	const struct entry_sink sink = { count, &n };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);

	(void)state;
	for (size_t i = 0; i < 28000; i++) {
		dissect_feed(d, DIR_WRITE, (const uint8_t *)request, q, i * q, 1000);
		dissect_feed(d, DIR_READ, (const uint8_t *)answer, a, i * a, 2000);
	}
	dissect_close(d, 3000);
	assert_int_equal(n, 28000);

	/* All of one direction before the other. */
	struct buf all = { 0 };
	for (size_t i = 0; i < 28000; i++)
		buf_put(&all, answer, a);
	n = 0;
	d = dissect_open(&sink, &hint);
	dissect_feed(d, DIR_READ, (const uint8_t *)all.data, all.len, 0, 1000);
	dissect_close(d, 3000);
	assert_int_equal(n, LIMIT_BECOME + 2);
	buf_free(&all);
}

/* Past LIMIT_LIVE_AT_ONCE an exchange is told at its end, and counted. */
static void test_live_bound(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\n\r\n";
	size_t n = 0;
	uint64_t live = 0;
	struct live_use use = { 0 };
	const struct entry_sink sink = { count, &n, &live, &use };
	const struct conn_hint hint = { 0 };
	static struct dissection *all[LIMIT_LIVE_AT_ONCE + 10];

	(void)state;
	for (size_t i = 0; i < LIMIT_LIVE_AT_ONCE + 10; i++) {
		all[i] = dissect_open(&sink, &hint);
		dissect_feed(all[i], DIR_WRITE, (const uint8_t *)request, strlen(request), 0, 1000);
		dissect_tick(all[i], 1000 + LIMIT_LIVE_MS * 1000);
		assert_true(dissect_alive(all[i]));
	}
	assert_int_equal(n, LIMIT_LIVE_AT_ONCE);
	assert_int_equal(use.open, LIMIT_LIVE_AT_ONCE);
	assert_int_equal(use.refused, 10);
	for (size_t i = 0; i < LIMIT_LIVE_AT_ONCE + 10; i++)
		dissect_close(all[i], 2000000);
	assert_int_equal(n, 2 * LIMIT_LIVE_AT_ONCE + 10);
	assert_int_equal(use.open, 0);
	assert_int_equal(live, LIMIT_LIVE_AT_ONCE);
}

/* A whole request that was told is not kept while its answer is awaited. */
static void test_live_memory(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n";
	size_t n = 0;
	uint64_t live = 0;
	const struct entry_sink sink = { count, &n, &live };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);
	uint8_t *body = calloc(1, 1000000);

	(void)state;
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	dissect_feed(d, DIR_WRITE, (const uint8_t *)head, strlen(head), 0, 1000);
	dissect_feed(d, DIR_WRITE, body, 1000000, strlen(head), 1000);
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd - before > 1000000);
	dissect_tick(d, 2000000);
	assert_int_equal(n, 1);
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd - before < 8192);
	dissect_close(d, 3000000);
	assert_int_equal(n, 2);
	free(body);
}

static void add_bytes(void *ctx, struct entry *e)
{
	*(size_t *)ctx += e->request_body.len + e->response_body.len;
	assert_int_equal(entry_write_detail(e), 0);
	*(size_t *)ctx += e->detail.len;
	entry_free(e);
}

/* A byte now and then does not bring the head and what there is of the body again each time. */
static void test_live_effort(void **state)
{
	static const char end[] = "\r\n\r\n", answer[] = "HTTP/1.1 200 OK\r\n\r\n";
	size_t n = 0, seconds = 300;
	uint64_t live = 0;
	const struct entry_sink sink = { add_bytes, &n, &live };
	const struct conn_hint hint = { 0 };
	struct buf head = { 0 }, body = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);

	(void)state;
	buf_puts(&head, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 900; i++)
		buf_printf(&head, "X-%d: %0100d\r\n", i, i);
	buf_puts(&head, end);
	buf_puts(&body, answer);
	while (body.len < 50000)
		buf_puts(&body, "data: x\n\n");
	dissect_feed(d, DIR_WRITE, (const uint8_t *)head.data, head.len, 0, 1000000);
	dissect_feed(d, DIR_READ, (const uint8_t *)body.data, body.len, 0, 1000000);
	for (size_t i = 0; i < seconds; i++) {
		int64_t now = 2000000 + (int64_t)i * 1000000;
		dissect_feed(d, DIR_READ, (const uint8_t *)"x", 1, body.len + i, now);
		dissect_tick(d, now);
	}
	assert_true(n < seconds * LIMIT_LIVE_RATE);
	assert_true(n > seconds * LIMIT_LIVE_RATE / 4);
	dissect_close(d, 400000000);
	buf_free(&head);
	buf_free(&body);
}

/* A window of 8 MiB is held for what is coded so, counts, and goes first when memory is short. */
static void test_decoder_memory(void **state)
{
	static const char ask[] = "GET / HTTP/1.1\r\n\r\n",
			  head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				   "Content-Encoding: zstd\r\n\r\n";
	static const uint8_t frame[] = "\x28\xb5\x2f\xfd\0\x68\x08\0\0x";
	size_t n = 0, held = 0;
	uint64_t live = 0;
	const struct entry_sink sink = { count, &n, &live, .account = &held };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);

	(void)state;
	dissect_feed(d, DIR_WRITE, (const uint8_t *)ask, strlen(ask), 0, 1000);
	dissect_feed(d, DIR_READ, (const uint8_t *)head, strlen(head), 0, 1000);
	dissect_feed(d, DIR_READ, frame, 10, strlen(head), 1000);
	assert_in_range(held, 8 << 20, 9 << 20);
	dissect_give_way(d, 2000);
	assert_true(held < 8192);
	dissect_feed(d, DIR_READ, frame, 10, strlen(head) + 10, 3000);
	assert_true(held < 8192);
	dissect_close(d, 4000);
	assert_int_equal(held, 0);
	assert_int_equal(n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_become_chain),   cmocka_unit_test(test_live_bound),
		cmocka_unit_test(test_live_memory),    cmocka_unit_test(test_live_effort),
		cmocka_unit_test(test_decoder_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
