// SPDX-License-Identifier: GPL-2.0-or-later
/* WebSocket by itself: what it may cost. Its cases are in tests/data/websocket (test_cases.c). */
#include "unit.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/limits.h"
#include "dissect/dissect.h"
#include "dissect/websocket.h"

static const struct text deflated = { "permessage-deflate", 18 };

static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* A message of a server; `first` is the first byte of its head. */
static void put_frame(struct buf *b, uint8_t first, const void *data, size_t len)
{
	uint8_t head[10] = { first, len < 126 ? (uint8_t)len : 127 };

	for (size_t i = 0; i < 8; i++)
		head[9 - i] = (uint8_t)((uint64_t)len >> 8 * i);
	buf_put(b, head, len < 126 ? 2 : 10);
	buf_put(b, data, len);
}

static void put_deflated(struct buf *b, const void *data, size_t len)
{
	z_stream z = { 0 };
	size_t room = deflateBound(&z, len) + 64;
	uint8_t *out = malloc(room);

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	put_frame(b, 0xc1, out, room - z.avail_out - 4);
	deflateEnd(&z);
	free(out);
}

static void feed(struct websocket *w, const struct buf *b)
{
	ws_feed(w, ITEM_SERVER, (const uint8_t *)b->data, b->len, 1000);
}

/* 64 MiB of nothing in 64 KiB are not inflated to their end, and nothing that builds on them is. */
static void test_bomb(void **state)
{
	struct live_use use = { 0 };
	struct websocket w;
	struct buf b = { 0 };
	size_t size = 64 << 20;
	char *zeros = calloc(1, size);

	(void)state;
	ws_begin(&w, deflated, &use);
	put_deflated(&b, zeros, size);
	put_deflated(&b, "after", 5);
	put_frame(&b, 0x81, "plain", 5);
	feed(&w, &b);
	assert_int_equal(w.items->total, 3);
	const struct item *first = w.items->first, *second = first->next;
	assert_string_equal(first->note, "compressed to so little that it is not inflated");
	assert_true(first->length <
		    LIMIT_INFLATE_FREE + LIMIT_INFLATE_EXPANSION * first->size + 8192);
	assert_true(first->cut);
	assert_non_null(second->note);
	assert_int_equal(second->content.bytes.len, 0);
	assert_memory_equal(second->next->content.bytes.data, "plain", 5);
	assert_int_equal(use.inflaters, 0);
	ws_free(&w);
	buf_free(&b);
	free(zeros);
}

/* Small messages that repeat themselves are no bomb. */
static void test_repeated(void **state)
{
	struct websocket w;
	z_stream z = { 0 };
	uint8_t out[1024];
	const char tick[] = "{\"type\":\"tick\",\"symbol\":\"ABC\",\"price\":101.25,\"volume\":7}";

	(void)state;
	ws_begin(&w, deflated, NULL);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	for (int i = 0; i < 100000; i++) {
		struct buf b = { 0 };
		z.next_in = (Bytef *)tick;
		z.avail_in = sizeof(tick) - 1;
		z.next_out = out;
		z.avail_out = sizeof(out);
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
		put_frame(&b, 0xc1, out, sizeof(out) - z.avail_out - 4);
		feed(&w, &b);
		buf_free(&b);
	}
	deflateEnd(&z);
	assert_int_equal(w.items->total, 100000);
	assert_int_equal(w.items->count, LIMIT_ITEMS);
	for (const struct item *i = w.items->first; i; i = i->next) {
		assert_null(i->note);
		assert_int_equal(i->content.bytes.len, sizeof(tick) - 1);
		assert_memory_equal(i->content.bytes.data, tick, sizeof(tick) - 1);
	}
	ws_free(&w);
}

/* Of all connections only so many sides inflate; the others say so. */
static void test_crowd(void **state)
{
	static struct websocket all[LIMIT_INFLATERS + 3];
	struct live_use use = { 0 };
	struct buf b = { 0 };

	(void)state;
	put_deflated(&b, "hello", 5);
	for (size_t i = 0; i < LIMIT_INFLATERS + 3; i++) {
		ws_begin(&all[i], deflated, &use);
		feed(&all[i], &b);
		const struct item *item = all[i].items->first;
		if (i < LIMIT_INFLATERS)
			assert_memory_equal(item->content.bytes.data, "hello", 5);
		else
			assert_string_equal(item->note, "compressed, not inflated: too many "
							"connections are");
	}
	assert_int_equal(use.inflaters, LIMIT_INFLATERS);
	assert_int_equal(use.inflaters_refused, 3);
	for (size_t i = 0; i < LIMIT_INFLATERS + 3; i++)
		ws_free(&all[i]);
	assert_int_equal(use.inflaters, 0);
	buf_free(&b);
}

/* Fragments without an end, and messages without a number, take no more than the bounds say. */
static void test_memory(void **state)
{
	struct websocket w;
	struct buf b = { 0 };
	char text[8192];

	(void)state;
	memset(text, 'x', sizeof(text));
	size_t before = memory();
	ws_begin(&w, (struct text){ 0 }, NULL);
	put_frame(&b, 0x01, text, sizeof(text));
	feed(&w, &b);
	buf_reset(&b);
	put_frame(&b, 0x00, text, sizeof(text));
	for (int i = 0; i < 2000; i++)
		feed(&w, &b);
	assert_true(memory() - before < 128 << 10);
	assert_int_equal(w.items->total, 1);
	assert_int_equal(w.items->first->length, 2001 * sizeof(text));
	assert_true(w.items->first->cut);
	buf_reset(&b);
	put_frame(&b, 0x82, text, sizeof(text));
	put_frame(&b, 0x89, "ping", 4);
	for (int i = 0; i < 2000; i++)
		feed(&w, &b);
	assert_true(memory() - before < LIMIT_ITEMS_BYTES * 2 + (256 << 10));
	ws_end(&w);
	ws_free(&w);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
