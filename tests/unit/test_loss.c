// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that were lost: what cannot be told for certain any more does not say that it is whole.
 */
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "ends.h"
#include "entry.h"
#include "h2_frames.h"

/* With the record of the opening others may be lost, so nobody knows whose answer comes. */
static void test_opening_lost(void **state)
{
	struct told *t = *state;
	struct wire w = { .sessions = t->sessions, .tgid = 5, .conn = 1, .gen = 1 };

	wire_write(&w, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
	w.offset[EV_READ] = sizeof(OK) - 1;
	wire_read(&w, OK);
	wire_close(&w);
	assert_int_equal(t->count, 3);
	for (size_t i = 0; i < t->count; i++) {
		assert_false(t->entries[i]->complete);
		assert_true(!*t->entries[i]->method || !*t->entries[i]->status);
	}
}

static void send(struct wire *w, uint8_t dir, struct buf *b)
{
	wire_data(w, dir, b->data, b->len, (uint32_t)b->len, 0);
	buf_free(b);
}

/* HPACK's table is used by nobody, so that its loss is none. */
static void ask(struct wire *w, uint32_t stream)
{
	struct buf b = { 0 };

	h2_put_frame(&b, HEADERS, END_STREAM | END_HEADERS, stream, "\x82\x84\x87", 3);
	send(w, EV_WRITE, &b);
}

static void put_answer(struct buf *b, uint32_t stream, const char *body)
{
	h2_put_frame(b, HEADERS, END_HEADERS, stream, "\x88", 1);
	h2_put_frame(b, DATA, END_STREAM, stream, body, strlen(body));
}

static struct wire begin_http2(struct told *t)
{
	struct buf b = { 0 };
	struct wire w;

	ends_open_one(t, &w, 100, 1, true, 1000);
	buf_puts(&b, PREFACE);
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	send(&w, EV_WRITE, &b);
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	send(&w, EV_READ, &b);
	return w;
}

/*
 * The end of a stream is lost, and its connection goes on: that it may be over is told all the
 * same. Frames are found again where the client takes its turn.
 */
static void test_end_lost(void **state)
{
	struct told *t = *state;
	struct wire w = begin_http2(t);
	struct buf b = { 0 };

	ask(&w, 1);
	w.offset[EV_READ] += 50;
	for (uint32_t i = 3; i < 23; i += 2) {
		ask(&w, i);
		put_answer(&b, i, "more");
		send(&w, EV_READ, &b);
		t->clock = w.ktime += 1000000000;
		told_pass(t, 0);
	}
	size_t over = 0, complete = 0;
	for (size_t i = 0; i < t->count; i++) {
		over += !t->entries[i]->open &&
			!strcmp(t->entries[i]->reason, "its end was lost, or is still to come");
		complete += !t->entries[i]->open && t->entries[i]->complete;
	}
	/* Of those that followed two proved where frames begin. */
	assert_int_equal(complete, 8);
	assert_int_equal(over, 3);
	wire_close(&w);
}

/*
 * A body made of frames, of which only the end is seen: they seem to be another stream's, and so
 * nothing is whole until something tells where frames begin.
 */
static void test_imitation(void **state)
{
	struct told *t = *state;
	struct wire w = begin_http2(t);
	struct buf b = { 0 };

	ask(&w, 1);
	w.offset[EV_READ] += 1000;
	ask(&w, 3);
	put_answer(&b, 3, "forged");
	put_answer(&b, 3, "true");
	send(&w, EV_READ, &b);
	ask(&w, 5);
	put_answer(&b, 5, "later");
	send(&w, EV_READ, &b);
	t->clock = w.ktime;
	/* Quiet, and no stream is open. */
	told_pass(t, 10000);
	size_t before = t->count;
	assert_true(before >= 3);
	for (size_t i = 0; i < before; i++)
		assert_true(t->entries[i]->open || !t->entries[i]->complete);
	w.ktime = t->clock;
	ask(&w, 7);
	put_answer(&b, 7, "healed");
	send(&w, EV_READ, &b);
	wire_close(&w);
	assert_int_equal(t->count, before + 1);
	assert_true(t->entries[before]->complete);
}

#define SPLIT(fn) cmocka_unit_test_setup_teardown(fn, told_setup_split, told_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { SPLIT(test_opening_lost), SPLIT(test_end_lost),
					    SPLIT(test_imitation) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
