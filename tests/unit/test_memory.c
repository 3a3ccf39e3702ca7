// SPDX-License-Identifier: GPL-2.0-or-later
/* What connections may hold together, and that nobody's share is taken: src/session/memory.c. */
#include "unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/share.h"
#include "entry.h"
#include "records.h"

#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define MIB   (1UL << 20)
#define PIECE 16384
/* One growing body: its old and its new memory for a moment. */
#define GROWTH (48 * MIB)

enum { EVIL = 1, GOOD = 2, OTHER = 3 };

struct told {
	struct sessions *sessions;
	uint64_t clock; /* ns */
	size_t before;	/* bytes allocated */
	size_t whole, short_of_memory, untimely, open, both, most_held;
	size_t good_whole, good_bytes; /* of pid GOOD */
};

static size_t allocated(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void look_at(void *ctx, struct entry *e)
{
	struct told *t = ctx;
	bool good = e->src.pid == GOOD && e->complete && !e->open;

	t->open += e->open;
	t->both += !strcmp(e->ends, "both");
	t->whole += e->complete && !e->open;
	t->short_of_memory += strstr(e->reason, "not kept: memory was short") != NULL;
	t->untimely += strstr(e->reason, "not followed to its end: memory was short") != NULL;
	t->good_whole += good;
	t->good_bytes += good ? e->request_body.len : 0;
	entry_free(e);
}

static int setup(void **state)
{
	struct told *t = calloc(1, sizeof(*t));
	const struct entry_sink sink = { .emit = look_at, .ctx = t };

	t->clock = 1000000000;
	t->sessions = sessions_new(&sink, &(struct session_options){ .node = "host1" });
	t->before = allocated();
	*state = t;
	return t->sessions ? 0 : -1;
}

static int teardown(void **state)
{
	struct told *t = *state;

	sessions_free(t->sessions);
	free(t);
	return 0;
}

static struct session_stats stats(const struct told *t)
{
	return sessions_stats(t->sessions);
}

static struct wire wire(struct told *t, uint16_t owner, uint64_t conn)
{
	struct wire w = { .sessions = t->sessions, .tgid = owner, .conn = conn, .gen = t->clock };

	w.owner = owner;
	w.ktime = t->clock += 1000000;
	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	return w;
}

/* What is counted is what malloc() gave, and under the bound. */
static void check(struct told *t)
{
	struct session_stats s = stats(t);

	assert_true(s.held_bytes <= s.held_limit);
	if (s.held_bytes > t->most_held)
		t->most_held = s.held_bytes;
#ifndef __SANITIZE_ADDRESS__
	assert_true(allocated() - t->before < s.held_limit + GROWTH + s.active * 1024);
#endif
}

static void pass(struct told *t, uint64_t ms)
{
	t->clock += ms * 1000000;
	sessions_tick(t->sessions, (int64_t)(t->clock / 1000) + RECORDS_CLOCK_US);
}

static void post(struct wire *w, size_t size)
{
	char head[100];

	snprintf(head, sizeof(head), "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
		 size);
	wire_write(w, head);
}

static void put(struct wire *w, size_t len)
{
	static char zeros[PIECE];

	wire_data(w, EV_WRITE, zeros, len, (uint32_t)len, 0);
}

/* One after the other by pieces, `len` bytes each. */
static void put_all(struct told *t, struct wire *w, size_t count, size_t len)
{
	for (size_t done = 0; done < len; done += PIECE)
		for (size_t i = 0; i < count; i++) {
			put(&w[i], PIECE);
			if (!(i & 15))
				check(t);
		}
}

/* A whole exchange with a body of 1 MiB. */
static void do_good(struct told *t, uint64_t conn)
{
	struct wire w = wire(t, GOOD, conn);
	size_t before = t->good_whole;

	post(&w, MIB);
	put_all(t, &w, 1, MIB);
	wire_read(&w, OK);
	wire_close(&w);
	assert_int_equal(t->good_whole, before + 1);
	assert_int_equal(t->good_bytes, t->good_whole * MIB);
}

/* 100 of 32 MiB each that do not end. */
static void test_posts(void **state)
{
	enum { COUNT = 100 };
	struct told *t = *state;
	static struct wire w[COUNT];
	struct wire slow = wire(t, GOOD, 1000);

	post(&slow, MIB);
	put(&slow, PIECE);
	for (size_t i = 0; i < COUNT; i++) {
		w[i] = wire(t, EVIL, i);
		post(&w[i], 32 * MIB);
	}
	for (uint64_t i = 0; i < 8; i++) {
		put_all(t, w, COUNT, 4 * MIB - (i ? 0 : PIECE));
		do_good(t, i);
	}
	assert_true(t->most_held > LIMIT_SESSIONS_MEMORY / 2);
	assert_true(stats(t).gave_way > COUNT / 2);
	assert_int_equal(stats(t).cut_short, 0);
	assert_int_equal(t->whole, t->good_whole);
	/* What was held all the time by somebody else is whole still. */
	put_all(t, &slow, 1, MIB - PIECE);
	wire_read(&slow, OK);
	assert_int_equal(t->good_bytes, t->good_whole * MIB);
	for (size_t i = 0; i < COUNT; i++) {
		put(&w[i], PIECE);
		wire_read(&w[i], OK);
	}
	assert_true(t->short_of_memory >= 90);
	assert_int_equal(t->whole + t->short_of_memory, COUNT + 9);
	assert_int_equal(stats(t).held_bytes, stats(t).active * 392);
}

/* A request with as much of a head as is kept. */
static const char *large_request(void)
{
	static char head[LIMIT_HEAD_BYTES];

	memset(head, 'a', sizeof(head) - 1);
	memcpy(head, "GET / HTTP/1.1\r\n", 16);
	for (size_t i = 1000; i < sizeof(head) - 1000; i += 300)
		memcpy(&head[i], "\r\nName: ", 8);
	memcpy(head + sizeof(head) - 5, "\r\n\r\n", 5);
	return head;
}

/* Hundreds of them on each connection, and none answered. */
static void test_heads(void **state)
{
	enum { COUNT = 8, REQUESTS = 200 };
	struct told *t = *state;
	struct wire w[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		w[i] = wire(t, EVIL, i);
	for (int r = 0; r < REQUESTS; r++) {
		for (size_t i = 0; i < COUNT; i++)
			wire_write(&w[i], large_request());
		check(t);
	}
	assert_true(stats(t).cut_short > 0);
	/* Those are told, and all that came later at once. */
	assert_true(t->untimely > REQUESTS);
	do_good(t, 1);
}

/* A connection that was cut short is understood again once it has been quiet. */
static void test_goes_on(void **state)
{
	struct told *t = *state;
	struct wire w = wire(t, EVIL, 1);
	size_t sent = 0;

	for (; !t->untimely && sent < LIMIT_PIPELINE; sent++)
		wire_write(&w, large_request());
	assert_int_equal(t->untimely, sent);
	assert_int_equal(stats(t).cut_short, 1);
	wire_read(&w, OK);
	t->clock = w.ktime;
	pass(t, (LIMIT_SESSION_IDLE_SECONDS + 2) * 1000);
	assert_int_equal(t->whole, 0);
	w.ktime = t->clock;
	wire_write(&w, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
	wire_read(&w, OK);
	assert_int_equal(t->whole, 1);
}

/* Many that say nothing that could be understood, or not enough of it. */
static void flood(struct told *t, uint64_t from, const char *begin)
{
	enum { COUNT = 12000 };

	for (uint64_t i = 0; i < COUNT; i++) {
		struct wire w = wire(t, EVIL, from + i);
		wire_write(&w, begin);
		put(&w, 3000);
		put(&w, 9000);
		if (!(i & 31))
			check(t);
		if (!(i & 2047))
			do_good(t, i);
	}
}

static void test_undecided(void **state)
{
	struct told *t = *state;
	static char begin[2000];

	memset(begin, 'a', sizeof(begin) - 1);
	memcpy(begin, "GET /", 5);
	flood(t, 0, begin);
	assert_true(stats(t).gave_way > 0);
}

static void test_opaque(void **state)
{
	struct told *t = *state;

	flood(t, 0, "\1\2\3");
	assert_true(stats(t).gave_way > 0);
}

/* As many connections as there may be, with a little each: many steps, but none of them long. */
static void test_small(void **state)
{
	enum { PARTS = 4 };
	struct told *t = *state;

	clock_t begin = clock();
	for (uint64_t i = 0; i < LIMIT_SESSIONS; i++) {
		struct wire w = wire(t, (uint16_t)(10 + i % PARTS), i);
		wire_write(&w, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
		if (!(i & 1023))
			check(t);
	}
	assert_int_equal(stats(t).active, LIMIT_SESSIONS);
	assert_true(stats(t).cut_short > 0);
	assert_true((clock() - begin) / (CLOCKS_PER_SEC / 1000000) < 20 * LIMIT_SESSIONS);
}

/* Whoever has most gives way: those with less than a quarter lose nothing. */
static void test_shares(void **state)
{
	enum { COUNT = 64, EACH = 4 };
	struct told *t = *state;
	struct wire w[COUNT], good[EACH], other[EACH], first = wire(t, EVIL, 1000);

	post(&first, MIB);
	for (size_t i = 0; i < EACH; i++) {
		good[i] = wire(t, GOOD, i);
		other[i] = wire(t, OTHER, i);
		post(&good[i], 8 * MIB);
		post(&other[i], 8 * MIB);
	}
	put_all(t, good, EACH, 4 * MIB);
	for (size_t i = 0; i < COUNT; i++) {
		w[i] = wire(t, EVIL, i);
		post(&w[i], 32 * MIB);
	}
	put_all(t, w, COUNT, 8 * MIB);
	put_all(t, other, EACH, 8 * MIB);
	put_all(t, good, EACH, 4 * MIB);
	put_all(t, w, COUNT, 2 * MIB);
	for (size_t i = 0; i < EACH; i++) {
		wire_read(&good[i], OK);
		wire_read(&other[i], OK);
	}
	assert_int_equal(t->good_bytes, EACH * 8 * MIB);
	assert_int_equal(t->whole, 2 * EACH);
	assert_int_equal(t->short_of_memory, 0);
}

static void ask(struct told *t, uint16_t owner, uint64_t from, size_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct wire w = wire(t, owner, from + i);
		wire_write(&w, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	pass(t, LIMIT_LIVE_MS + 10);
}

/* Exchanges that go on: nobody has more than half of the places, others have theirs. */
static void test_living(void **state)
{
	enum { QUARTER = LIMIT_LIVE_AT_ONCE / LIMIT_SHARE };
	struct told *t = *state;

	ask(t, EVIL, 0, LIMIT_LIVE_AT_ONCE + 100);
	assert_int_equal(stats(t).live_open, LIMIT_LIVE_AT_ONCE / 2);
	assert_int_equal(stats(t).live_refused, LIMIT_LIVE_AT_ONCE / 2 + 100);
	assert_int_equal(t->open, LIMIT_LIVE_AT_ONCE / 2);
	for (uint16_t owner = GOOD; owner < GOOD + 2; owner++) {
		ask(t, owner, 0, QUARTER + 10);
		assert_int_equal(stats(t).live_refused,
				 LIMIT_LIVE_AT_ONCE / 2 + 100 + (owner - 1) * 10);
	}
	assert_int_equal(stats(t).live_open, LIMIT_LIVE_AT_ONCE);
	/* All are taken: who has most gives way. */
	t->open = 0;
	ask(t, GOOD + 2, 0, 100);
	assert_int_equal(t->open, 100);
	assert_int_equal(stats(t).live_open, LIMIT_LIVE_AT_ONCE);
	assert_int_equal(stats(t).live_gave_way, 100);
	/* Of an owner that has his share the longest idle gives way, once it has been for long. */
	t->open = 0;
	pass(t, LIMIT_LIVE_INTERVAL_MAX_MS);
	ask(t, EVIL, LIMIT_LIVE_AT_ONCE + 100, 5);
	assert_int_equal(t->open, 5);
	assert_int_equal(stats(t).live_gave_way, 105);
	/* What gave way is told at its end, as all others are. */
	struct wire end = { .sessions = t->sessions, .tgid = EVIL, .ktime = t->clock };
	size_t before = stats(t).entries;
	wire_exit(&end);
	assert_int_equal(stats(t).entries, before + LIMIT_LIVE_AT_ONCE + 105);
}

static struct wire end_of(struct told *t, uint16_t owner, uint64_t conn, bool client)
{
	struct wire w = wire(t, owner, conn);
	const char *here = client ? "10.0.0.4" : "10.0.0.5";
	uint16_t port = (uint16_t)(1000 + conn);

	wire_bind(&w, here, client ? port : 443, client ? "10.0.0.5" : "10.0.0.4",
		  client ? 443 : port, EV_HOW_NESTED, client ? EV_OPENED_LOCAL : EV_OPENED_REMOTE,
		  true);
	t->clock = w.ktime;
	return w;
}

static const char get[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

/* The server has answered; its client says nothing. */
static struct wire wait_for_client(struct told *t, uint16_t owner, uint64_t conn, size_t size)
{
	struct wire c = end_of(t, owner, conn, true), s = end_of(t, OTHER, conn, false);
	char head[100];

	wire_read(&s, get);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
	wire_write(&s, head);
	put_all(t, &s, 1, size);
	assert_true(stats(t).pair_bytes <= LIMIT_PAIR_BYTES);
	return c;
}

/* What waits for its other end: who has most waiting there makes room, not who waits longest. */
static void test_waiting(void **state)
{
	struct told *t = *state;
	struct wire c = wait_for_client(t, GOOD, 1, PIECE);

	for (uint64_t i = 2; i < 40; i++)
		wait_for_client(t, EVIL, i, MIB);
	assert_true(stats(t).unpaired_bound > 10);
	c.ktime = t->clock;
	wire_write(&c, get);
	char answer[100];
	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", PIECE);
	wire_read(&c, answer);
	static const char zeros[PIECE];
	wire_data(&c, EV_READ, zeros, PIECE, PIECE, 0);
	assert_int_equal(t->both, 1);
	assert_int_equal(stats(t).paired, 1);
}

/* Half for the first, a quarter for each of two others. */
static void test_common(void **state)
{
	enum { LIMIT = 400 };
	struct common c = { 0 };
	struct share a = { .of = &c }, b = { .of = &c }, d = { .of = &c };

	(void)state;
	assert_null(share_largest(&c));
	while (share_allows(&a, LIMIT))
		share_change(&a, 0, 1);
	assert_int_equal(a.taken, LIMIT / 2);
	while (share_allows(&b, LIMIT))
		share_change(&b, 0, 1);
	while (share_allows(&d, LIMIT))
		share_change(&d, 0, 1);
	assert_int_equal(b.taken, LIMIT / LIMIT_SHARE);
	assert_int_equal(c.taken, LIMIT);
	assert_ptr_equal(share_largest(&c), &a);
	share_change(&a, LIMIT / 2, 0);
	assert_int_equal(c.taken, LIMIT / 2);
	assert_ptr_not_equal(share_largest(&c), &a);
	share_change(&b, LIMIT / 4, 0);
	share_change(&d, LIMIT / 4, 0);
	assert_null(share_largest(&c));
}

#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, setup, teardown, NULL                                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_posts),   CASE(test_heads),  CASE(test_goes_on), CASE(test_undecided),
		CASE(test_opaque),  CASE(test_small),  CASE(test_shares),  CASE(test_living),
		CASE(test_waiting), CASE(test_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
