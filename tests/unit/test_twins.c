// SPDX-License-Identifier: GPL-2.0-or-later
/* Which exchanges of both ends are one, when an end is late, or has lost some, or other bytes. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "ends.h"
#include "entry.h"
#include "h2_frames.h"

enum { STREAMS = 1000 };

/* An end that is seen late: which exchange is which only the bytes and times tell. */
static void late(struct told *t, bool client)
{
	struct ends e = { .t = t };

	ends_open_one(t, client ? &e.s : &e.c, client ? 200 : 100, 1, !client, 1000);
	for (int i = 0; i < 3; i++) { /* all alike */
		if (client) {
			ends_read(t, &e.s, ends_get(1));
			ends_write(t, &e.s, ends_answer(1));
		} else {
			ends_write(t, &e.c, ends_get(1));
			ends_read(t, &e.c, ends_answer(1));
		}
	}
	assert_int_equal(t->count, 3);
	ends_open_one(t, client ? &e.c : &e.s, client ? 100 : 200, 1, client, 1000);
	for (int i = 0; i < 3; i++)
		ends_exchange(&e, 1);
	for (int i = 0; i < 3; i++)
		ends_exchange(&e, i);
	told_pass(t, 2000);
	assert_int_equal(t->count, 9);
	assert_int_equal(told_stats(t).paired, 6);
	for (size_t i = 3; i < 9; i++)
		assert_string_equal(t->entries[i]->ends, "both");
	told_expect(t, 6, "/0", "both");
	told_expect(t, 8, "/2", "both");
}

static void test_late_client(void **state)
{
	late(*state, true);
}

static void test_late_server(void **state)
{
	late(*state, false);
}

/* It waited in a read that nobody saw begin: its first request is missed, its answer is not. */
static void test_late_reader(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_write(t, &e.c, ends_get(1));
	ends_write(t, &e.s, ends_answer(1));
	ends_read(t, &e.c, ends_answer(1));
	for (int i = 0; i < 5; i++)
		ends_exchange(&e, 1);
	told_pass(t, 7000);
	for (size_t i = 0; i < t->count; i++)
		if (t->entries[i]->server_elapsed_us >= 0)
			assert_true(t->entries[i]->elapsed_us == 3000 &&
				    t->entries[i]->server_elapsed_us == 1000);
	assert_int_equal(t->count, 6);
	assert_int_equal(told_stats(t).paired, 6);
}

/* Requests sent ahead, all alike, at a late end: when in doubt none. */
static void test_late_pipelining(void **state)
{
	struct told *t = *state;
	struct ends e = { .t = t };

	ends_open_one(t, &e.c, 100, 1, true, 1000);
	ends_write(t, &e.c, ends_get(1));
	ends_write(t, &e.c, ends_get(1));
	ends_read(t, &e.c, ends_answer(1));
	ends_open_one(t, &e.s, 200, 1, false, 1000);
	ends_read(t, &e.s, ends_get(1));
	ends_write(t, &e.c, ends_get(1));
	ends_read(t, &e.c, ends_answer(1));
	ends_write(t, &e.s, ends_answer(1));
	told_pass(t, 1500);
	assert_int_equal(told_stats(t).paired, 0);
	assert_true(told_stats(t).unpaired_late > 0);
	ends_read(t, &e.s, ends_get(1));
	ends_write(t, &e.s, ends_answer(1));
	ends_read(t, &e.c, ends_answer(1));
	told_pass(t, 1500);
	assert_int_equal(told_stats(t).paired, 0);
	/* once it is quiet, it is known */
	ends_exchange(&e, 1);
	ends_exchange(&e, 2);
	assert_int_equal(told_stats(t).paired, 2);
}

/* An end loses a record inside an answer: the other end's bytes are shown, and it is said. */
static void test_lost_bytes(void **state)
{
	struct told *t = *state;

	for (int lossy = 0; lossy < 2; lossy++) {
		struct ends e = ends_open(t, 1 + (uint64_t)lossy, (uint16_t)(1000 + lossy));
		size_t first = t->count, at = strlen(ends_answer(2)) - 4;
		ends_exchange(&e, 1);
		ends_request(&e, 2);
		for (int end = 1; end >= 0; end--) {
			struct wire *w = end ? &e.s : &e.c;
			const char *text = ends_answer(2);
			uint32_t len = (uint32_t)strlen(text);
			ends_now(t, w);
			wire_data(w, end ? EV_WRITE : EV_READ, text, end == lossy ? at : len, len,
				  EV_F_FAULT);
		}
		ends_exchange(&e, 3);
		assert_int_equal(t->count, first + 3);
		const struct entry *x = t->entries[first + 1];
		told_expect(t, first + 1, "/2", "both");
		told_expect(t, first + 2, "/3", "both");
		assert_true(x->complete);
		assert_string_equal(x->reason, "");
		assert_int_equal(x->lost_bytes, 0);
		assert_int_equal(x->response_body.len, 8);
		assert_string_equal(x->role, "client");
		assert_int_equal(x->elapsed_us, 3000);
		assert_int_equal(x->server_elapsed_us, 1000);
		assert_true(
			told_remarks(x, lossy ? "missing at the server" : "missing at the client"));
	}
}

/* Each end has lost another part of it: the better of each. */
static void test_lost_at_both(void **state)
{
	static const char post[] = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabcdef";
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);
	uint32_t len = (uint32_t)strlen(post), ok = (uint32_t)strlen(OK);

	ends_exchange(&e, 1);
	ends_now(t, &e.c);
	wire_data(&e.c, EV_WRITE, post, len - 3, len, EV_F_FAULT);
	ends_read(t, &e.s, post);
	ends_now(t, &e.s);
	wire_data(&e.s, EV_WRITE, OK, ok - 1, ok, EV_F_FAULT);
	ends_read(t, &e.c, OK);
	assert_int_equal(t->count, 2);
	const struct entry *x = t->entries[1];
	assert_string_equal(x->ends, "both");
	assert_true(x->complete);
	assert_int_equal(x->request_body.len, 6);
	assert_int_equal(x->response_body.len, 2);
	assert_int_equal(x->lost_bytes, 0);
	assert_string_equal(x->method, "POST");
	assert_int_equal(x->status_code, 200);
}

/* Whole exchanges lost at one end: those of the other say why they are alone. */
static void test_lost_exchange(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_exchange(&e, 1);
	ends_read(t, &e.s, ends_get(2));
	ends_write(t, &e.s, ends_answer(2));
	e.c.offset[EV_WRITE] += strlen(ends_get(2));
	e.c.offset[EV_READ] += strlen(ends_answer(2));
	ends_exchange(&e, 3);
	told_pass(t, 2000);
	told_pass(t, 8000);
	told_pass(t, 12000);
	ends_exchange(&e, 4);
	assert_int_equal(told_stats(t).paired, 3);
	size_t alone = 0;
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->entries[i]->ends, "server"))
			continue;
		assert_string_equal(t->entries[i]->path, "/2");
		assert_true(
			told_remarks(t->entries[i], "not seen at the client's end, where records"));
		alone++;
	}
	assert_int_equal(alone, 1);
	assert_int_equal(t->count, 4);
	assert_int_equal(told_stats(t).unpaired_lost, 1);
}

/* Other bytes at the same place: in doubt they are not the same connection. */
static void test_other_bytes(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_write(t, &e.c, ends_get(1));
	ends_read(t, &e.s, ends_get(2));
	ends_respond(&e, 1);
	assert_int_equal(t->count, 2);
	assert_string_not_equal(t->entries[0]->ends, "both");
	assert_string_not_equal(t->entries[1]->ends, "both");
	ends_exchange(&e, 3);
	assert_int_equal(t->count, 4);
	assert_int_equal(told_stats(t).paired, 0);
	assert_int_equal(told_stats(t).unpaired_differ, 2);
	/* where it was certain before, they are one, and it is said */
	e = ends_open(t, 2, 1001);
	ends_exchange(&e, 1);
	ends_request(&e, 4);
	ends_write(t, &e.s, ends_answer(5));
	ends_read(t, &e.c, ends_answer(6));
	assert_int_equal(t->count, 6);
	told_expect(t, 5, "/4", "both");
	assert_true(told_remarks(t->entries[5], "different bytes"));
}

/* Opaque bytes that time cuts at other places: the client's are shown, unless they lack some. */
static void test_opaque(void **state)
{
	struct told *t = *state;

	for (int lossy = 0; lossy < 2; lossy++) {
		struct ends e = ends_open(t, 1 + (uint64_t)lossy, (uint16_t)(1000 + lossy));
		size_t first = t->count;
		ends_write(t, &e.c, "\x01hello");
		ends_read(t, &e.s, "\x01hello");
		ends_write(t, &e.s, "\x02world");
		ends_read(t, &e.c, "\x02world");
		/* what the client reads as one answer, the server wrote around the next request */
		ends_write(t, &e.c, "\x03one");
		ends_read(t, &e.s, "\x03one");
		ends_write(t, &e.s, "\x04half");
		ends_write(t, &e.c, "\x03two");
		ends_read(t, &e.s, "\x03two");
		ends_write(t, &e.s, "\x04half");
		ends_now(t, &e.c);
		wire_data(&e.c, EV_READ, "\x04half\x04half", lossy ? 7 : 10, 10, EV_F_FAULT);
		wire_close(&e.s);
		wire_close(&e.c);
		told_pass(t, 2000);
		size_t client = 0, server = 0;
		for (size_t i = first + 1; i < t->count; i++) {
			client += !strcmp(t->entries[i]->ends, "client");
			server += !strcmp(t->entries[i]->ends, "server");
		}
		assert_string_equal(t->entries[first]->ends, "both");
		assert_int_equal(client, 1);
		assert_int_equal(server, lossy ? 1 : 0);
	}
	assert_true(told_stats(t).absorbed > 0);
}

/* Bytes that one end writes; the other reads them at once, or later. */
static void pass_on(struct told *t, struct wire *from, struct wire *to, struct buf *b)
{
	for (int i = 0; i < 2; i++) {
		struct wire *w = i ? to : from;
		if (!w)
			continue;
		ends_now(t, w);
		wire_data(w, i ? EV_READ : EV_WRITE, b->data, b->len, (uint32_t)b->len, 0);
	}
}

/* All are open before the first is answered; HPACK's table is used by nobody. */
static void put_streams(struct buf *asked, struct buf *answered)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		char head[16];
		int n = snprintf(head + 4, 12, "/%u", i);
		memcpy(head, "\x82\x87\x04", 3);
		head[3] = (char)n;
		h2_put_frame(asked, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head,
			     4 + (size_t)n);
	}
	for (unsigned j = 0; j < STREAMS; j++) {
		unsigned i = j * 7 % STREAMS;
		char body[16];
		int n = snprintf(body, sizeof(body), "answer %u", i);
		h2_put_frame(answered, HEADERS, END_HEADERS, 2 * i + 1, "\x88", 1);
		h2_put_frame(answered, DATA, END_STREAM, 2 * i + 1, body, (size_t)n);
	}
}

/*
 * A thousand streams at once on one connection. The server has answered all before the client reads
 * the first of these, or they take turns; it has spoken first, or the client has.
 */
static void test_streams(void **state)
{
	struct told *t = *state;

	for (int round = 0; round < 4; round++) {
		struct ends e = ends_open(t, 1 + (uint64_t)round, (uint16_t)(1000 + round));
		bool turns = round & 1, late = round & 2;
		struct buf b = { 0 }, asked = { 0 }, answered = { 0 };
		size_t before = t->count;
		h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
		if (late)
			pass_on(t, &e.s, &e.c, &b);
		buf_puts(&asked, PREFACE);
		h2_put_frame(&asked, SETTINGS, 0, 0, NULL, 0);
		pass_on(t, &e.c, &e.s, &asked);
		buf_reset(&asked);
		if (!late)
			pass_on(t, &e.s, &e.c, &b);
		put_streams(&asked, &answered);
		pass_on(t, &e.c, &e.s, &asked);
		for (size_t i = 0, n; i < answered.len; i += n) {
			n = answered.len - i < 999 ? answered.len - i : 999;
			struct buf part = { .data = answered.data + i, .len = n };
			pass_on(t, &e.s, turns ? &e.c : NULL, &part);
		}
		ends_now(t, &e.c);
		if (!turns)
			wire_data(&e.c, EV_READ, answered.data, answered.len,
				  (uint32_t)answered.len, 0);
		assert_int_equal(t->count, before + STREAMS);
		for (size_t i = before; i < t->count; i++) {
			const struct entry *x = t->entries[i];
			assert_string_equal(x->ends, "both");
			assert_true(x->complete);
			assert_int_equal(x->response_body.len, 6 + strlen(x->path));
			assert_memory_equal(x->response_body.data + 7, x->path + 1,
					    strlen(x->path) - 1);
		}
		buf_free(&b);
		buf_free(&asked);
		buf_free(&answered);
	}
	assert_int_equal(told_stats(t).paired, 4 * STREAMS);
	assert_int_equal(told_stats(t).pair_waiting, 0);
	assert_int_equal(told_stats(t).unpaired_bound, 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, told_setup, told_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_late_client),	    CASE(test_late_server), CASE(test_late_reader),
		CASE(test_late_pipelining), CASE(test_lost_bytes),  CASE(test_lost_at_both),
		CASE(test_lost_exchange),   CASE(test_other_bytes), CASE(test_opaque),
		CASE(test_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
