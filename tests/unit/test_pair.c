// SPDX-License-Identifier: GPL-2.0-or-later
/* Both ends of one connection are one entry: src/session/pair.c, twin.c. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "ends.h"
#include "entry.h"
#include "session/pair.h"
#include "session/table.h"

static void test_one_entry(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	sessions_set_container(t->sessions, 200, "c0ffee");
	ends_exchange(&e, 1);
	assert_int_equal(t->count, 1);
	told_expect(t, 0, "/1", "both");
	const struct entry *x = t->entries[0];
	assert_string_equal(x->role, "client");
	assert_string_equal(x->connection, "100-1-1");
	assert_string_equal(x->src.process, "curl");
	assert_int_equal(x->src.pid, 100);
	assert_string_equal(x->dst.process, "nginx");
	assert_int_equal(x->dst.pid, 200);
	assert_string_equal(x->dst.container, "c0ffee");
	assert_int_equal(x->elapsed_us, 3000);
	assert_int_equal(x->server_elapsed_us, 1000);
	assert_int_equal(x->response_body.len, 8);
	assert_true(x->complete);
	assert_int_equal(x->live, 0);
	assert_false(told_remarks(x, "notes"));
	for (int i = 2; i < 100; i++)
		ends_exchange(&e, i);
	assert_int_equal(t->count, 99);
	assert_int_equal(told_stats(t).paired, 99);
	assert_int_equal(told_stats(t).pair_waiting, 0);
	assert_int_equal(told_stats(t).pair_bytes, 0);
	assert_int_equal(told_stats(t).entries, 99);
}

/* A program puts any number of TLS connections on one socket: none costs more than the first. */
static void test_one_socket(void **state)
{
	enum { MANY = 40000 };
	struct told *t = *state;
	struct wire w;

	clock_t begin = clock();
	for (int i = 1; i <= MANY; i++)
		ends_open_one(t, &w, 100, (uint64_t)i, true, 1000);
	assert_true(clock() - begin < 3 * CLOCKS_PER_SEC);
	/* The newest is the one that the other end has. */
	struct ends e = { .t = t, .c = w };
	ends_open_one(t, &e.s, 200, MANY + 1, false, 1000);
	ends_exchange(&e, 1);
	assert_int_equal(t->count, 1);
	told_expect(t, 0, "/1", "both");
}

static void test_split_ends(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_exchange(&e, 1);
	assert_int_equal(t->count, 2);
	told_expect(t, 0, "/1", "server");
	told_expect(t, 1, "/1", "client");
	assert_int_equal(t->entries[1]->server_elapsed_us, -1);
	assert_int_equal(told_stats(t).paired, 0);
}

/* One end is not on this machine: nothing waits. */
static void test_one_end(void **state)
{
	struct told *t = *state;
	struct wire c;

	ends_open_one(t, &c, 100, 1, true, 1000);
	ends_write(t, &c, ends_get(1));
	ends_read(t, &c, OK);
	assert_int_equal(t->count, 1);
	told_expect(t, 0, "/1", "client");
	assert_int_equal(told_stats(t).unpaired_time + told_stats(t).unpaired_late, 0);
}

/* The server may be done before the client's write has returned. */
static void test_overtaken(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	for (int i = 0; i < 3; i++) {
		ends_read(t, &e.s, ends_get(i));
		ends_write(t, &e.s, ends_answer(i));
		assert_int_equal(t->count, (size_t)i);
		ends_write(t, &e.c, ends_get(i));
		ends_read(t, &e.c, ends_answer(i));
		assert_int_equal(t->count, (size_t)i + 1);
	}
	assert_int_equal(told_stats(t).paired, 3);
}

static void test_pipelining(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	for (int i = 0; i < 5; i++)
		ends_write(t, &e.c, ends_get(i));
	for (int i = 0; i < 5; i++)
		ends_read(t, &e.s, ends_get(i));
	for (int i = 0; i < 5; i++)
		ends_write(t, &e.s, ends_answer(i));
	for (int i = 0; i < 5; i++)
		ends_read(t, &e.c, ends_answer(i));
	assert_int_equal(t->count, 5);
	for (size_t i = 0; i < 5; i++) {
		char path[8];
		snprintf(path, sizeof(path), "/%zu", i);
		told_expect(t, i, path, "both");
	}
}

/* The same ports again, with the old connection not known to be over at one end or both. */
static void test_reused_port(void **state)
{
	struct told *t = *state;

	for (int round = 0; round < 20; round++) {
		struct ends e = ends_open(t, 10 + (uint64_t)round, 1000);
		ends_exchange(&e, 1); /* always the same bytes */
		ends_exchange(&e, 1);
		assert_int_equal(t->count, 2 * (size_t)round + 2);
		assert_string_equal(t->entries[t->count - 1]->ends, "both");
		if (round % 4 & 1)
			wire_close(&e.c);
		if (round % 4 & 2)
			wire_close(&e.s);
	}
	assert_int_equal(told_stats(t).paired, 40);
	told_pass(t, 3000);
	assert_int_equal(t->count, 40);
}

/* A server that has not seen the end of the last connection is not the end of the next. */
static void test_stale_end(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000), next = e;

	ends_exchange(&e, 1);
	wire_close(&e.c);
	ends_open_one(t, &next.c, 101, 7, true, 1000);
	ends_write(t, &next.c, ends_get(1));
	ends_read(t, &next.c, ends_answer(1));
	told_pass(t, 2000);
	assert_int_equal(t->count, 2);
	told_expect(t, 1, "/1", "client");
	assert_int_equal(told_stats(t).paired, 1);
}

/* The other end closed, or its process ended: nothing waits for it. */
static void test_other_end_gone(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_exchange(&e, 1);
	ends_read(t, &e.s, ends_get(2));
	ends_write(t, &e.s, ends_answer(2));
	wire_close(&e.s);
	assert_int_equal(t->count, 1); /* the client will tell */
	ends_write(t, &e.c, ends_get(2));
	ends_read(t, &e.c, ends_answer(2));
	assert_int_equal(t->count, 2);
	told_expect(t, 1, "/2", "both");
	ends_write(t, &e.c, ends_get(3));
	ends_read(t, &e.c, ends_answer(3));
	told_expect(t, 2, "/3", "client");
	e = ends_open(t, 2, 1001);
	ends_exchange(&e, 1);
	ends_read(t, &e.s, ends_get(2));
	ends_write(t, &e.s, ends_answer(2));
	wire_exit(&e.c);
	assert_int_equal(t->count, 5);
	told_expect(t, 4, "/2", "server");
	/* It is of the same connection as what came before. */
	assert_string_equal(t->entries[4]->connection, t->entries[3]->connection);
	assert_int_equal(atoi(t->entries[4]->connection), 100);
	assert_int_equal(told_stats(t).pair_waiting, 0);
}

/* What is finished waits about a second for an end that tells nothing. */
static void test_waits(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_exchange(&e, 1);
	ends_read(t, &e.s, ends_get(2));
	ends_write(t, &e.s, ends_answer(2));
	told_pass(t, 500);
	assert_int_equal(t->count, 1);
	assert_int_equal(told_stats(t).pair_waiting, 1);
	told_pass(t, 600);
	assert_int_equal(t->count, 2);
	told_expect(t, 1, "/2", "server");
	assert_int_equal(told_stats(t).unpaired_time, 1);
}

static void test_bound(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_exchange(&e, 1);
	for (int i = 2; i < LIMIT_PAIR_TWINS + 12; i++) {
		ends_read(t, &e.s, ends_get(i));
		ends_write(t, &e.s, ends_answer(i));
	}
	assert_int_equal(told_stats(t).pair_waiting, LIMIT_PAIR_TWINS);
	assert_int_equal(told_stats(t).unpaired_bound, 10);
	told_expect(t, 1, "/2", "server");
	char *big = calloc(1, LIMIT_PAIR_BYTES / 4 + 1);
	memset(big, 'x', LIMIT_PAIR_BYTES / 4);
	for (int i = 0; i < 5; i++) {
		char head[100];
		struct ends f = ends_open(t, 2 + (uint64_t)i, (uint16_t)(1001 + i));
		ends_read(t, &f.s, ends_get(i));
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
			 strlen(big));
		ends_write(t, &f.s, head);
		ends_write(t, &f.s, big);
	}
	assert_true(told_stats(t).pair_bytes <= LIMIT_PAIR_BYTES);
	assert_true(told_stats(t).unpaired_bound > 10);
	free(big);
}

/* Versions of what goes on, as a dissector would tell them. */
static struct entry *version(const char *role, uint64_t live, bool open, uint64_t offset)
{
	struct entry *e = entry_new();

	e->protocol = "http";
	e->path = e->summary = "/live";
	e->role = role;
	e->live = live;
	e->open = open;
	e->complete = !open;
	e->elapsed_us = open ? -1 : 1000;
	for (int i = 0; i < (open ? 1 : 2); i++)
		e->part[i] = (struct entry_part){ .seen = true,
						  .whole = true,
						  .offset = offset,
						  .length = 10,
						  .first_us = 1,
						  .last_us = 2 };
	return e;
}

static struct session *session_of(struct told *t, const struct wire *w)
{
	return session_find(t->sessions,
			    &(struct flow){ .tgid = w->tgid, .id = w->conn, .gen = w->gen });
}

static void test_living(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);
	struct session *c = session_of(t, &e.c), *s = session_of(t, &e.s);

	for (int first = 0; first < 2; first++) { /* 0: the client's end tells first */
		uint64_t at = 100 + 100 * (uint64_t)first, cn = at + 1, sn = at + 2;
		size_t n = t->count;
		if (!first) {
			ends_exchange(&e, 1);
			n++;
			pair_take(c, version("client", cn, true, at));
		}
		pair_take(s, version("server", sn, true, at));
		if (first)
			pair_take(c, version("client", cn, true, at));
		pair_take(s, version("server", sn, true, at));
		pair_take(c, version("client", cn, true, at));
		pair_take(s, version("server", sn, false, at));
		told_pass(t, 1500); /* the server is done, the client is not: it goes on */
		pair_take(c, version("client", cn, true, at));
		size_t open = t->count;
		pair_take(c, version("client", cn, false, at));
		assert_int_equal(t->count, open + 1);
		for (size_t i = n; i < t->count; i++) {
			assert_int_equal(t->entries[i]->live, first ? sn : cn);
			assert_int_equal(t->entries[i]->open, i + 1 < t->count);
		}
		assert_string_equal(t->entries[open]->ends, "both");
		assert_int_equal(t->entries[open]->server_elapsed_us, 1000);
	}
	assert_int_equal(told_stats(t).paired, 3);
	assert_int_equal(told_stats(t).pair_waiting, 0);
}

/*
 * The server's socket is not certain before it has answered. It has read less than was written, or
 * as much: what goes on is told once, and is one entry of both in the end.
 */
static void test_living_doubt(void **state)
{
	static const char head[] = "POST /u HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";
	struct told *t = *state;

	for (int lag = 0; lag < 2; lag++) {
		struct ends e = { .t = t };
		size_t n = t->count;
		uint16_t port = (uint16_t)(1000 + lag);
		ends_open_one(t, &e.c, 100, 1 + (uint64_t)lag, true, port);
		e.s = (struct wire){ .sessions = t->sessions, .tgid = 200, .conn = 1, .gen = port };
		ends_now(t, &e.s);
		wire_open(&e.s, "nginx", EV_LIB_OPENSSL, 1);
		wire_bind(&e.s, "10.0.0.5", 443, "10.0.0.4", port, EV_HOW_NESTED, EV_OPENED_REMOTE,
			  false);
		ends_write(t, &e.c, head);
		ends_read(t, &e.s, head);
		ends_write(t, &e.c, "ab");
		ends_read(t, &e.s, lag ? "a" : "ab");
		for (int i = 0; i < 8; i++)
			told_pass(t, 250);
		assert_true(t->count > n);
		if (lag)
			ends_read(t, &e.s, "b");
		ends_write(t, &e.c, "cd");
		ends_read(t, &e.s, "cd");
		ends_respond(&e, 1);
		for (size_t i = n; i < t->count; i++) {
			assert_int_equal(t->entries[i]->live, t->entries[n]->live);
			assert_int_equal(t->entries[i]->open, i + 1 < t->count);
			assert_string_equal(t->entries[i]->role, "client");
		}
		assert_string_equal(t->entries[t->count - 1]->ends, "both");
		assert_string_equal(t->entries[t->count - 1]->path, "/u");
	}
	assert_int_equal(told_stats(t).paired, 2);
	assert_int_equal(told_stats(t).pair_waiting, 0);
}

/* One end never ends it: what the other has is told after a while, and once. */
static void test_living_bound(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);
	struct session *c = session_of(t, &e.c), *s = session_of(t, &e.s);

	ends_exchange(&e, 1);
	pair_take(c, version("client", 7, true, 100));
	pair_take(s, version("server", 8, true, 100));
	pair_take(c, version("client", 7, false, 100));
	assert_int_equal(t->count, 2);
	told_pass(t, LIMIT_PAIR_OPEN_SECONDS * 1000 + 100);
	assert_int_equal(t->count, 3);
	assert_false(t->entries[2]->open);
	assert_int_equal(t->entries[2]->live, 7);
	pair_take(s, version("server", 8, true, 100));
	pair_take(s, version("server", 8, false, 100));
	assert_int_equal(t->count, 3);
	assert_int_equal(told_stats(t).absorbed, 1);
	assert_int_equal(told_stats(t).pair_waiting, 0);
}

/* cleartap ends: what goes on is cut off, and says that it was not its connection that ended. */
static void test_cut_off(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000), f = ends_open(t, 2, 1001);

	ends_request(&e, 1);
	ends_write(t, &f.c, "\x01 opaque");
	ends_read(t, &f.s, "\x01 opaque");
	ends_write(t, &f.s, "\x02 answer");
	ends_read(t, &f.c, "\x02 answer");
	sessions_free(t->sessions);
	t->sessions = NULL;
	assert_int_equal(t->count, 2);
	for (size_t i = 0; i < 2; i++) {
		bool opaque = !strcmp(t->entries[i]->protocol, "tls");
		assert_string_equal(t->entries[i]->ends, "both");
		assert_int_equal(t->entries[i]->complete, opaque);
		assert_string_equal(t->entries[i]->reason,
				    opaque ? "" : "cleartap ended while it went on");
	}
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, told_setup, told_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_one_entry),
		CASE(test_one_socket),
		cmocka_unit_test_setup_teardown(test_split_ends, told_setup_split, told_teardown),
		CASE(test_one_end),
		CASE(test_overtaken),
		CASE(test_pipelining),
		CASE(test_reused_port),
		CASE(test_stale_end),
		CASE(test_other_end_gone),
		CASE(test_waits),
		CASE(test_bound),
		CASE(test_living),
		CASE(test_living_doubt),
		CASE(test_living_bound),
		CASE(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
