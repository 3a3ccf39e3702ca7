// SPDX-License-Identifier: GPL-2.0-or-later
/* A port that is used again is not the other end that it was: src/session/peer.c. */
#include "unit.h"

#include <string.h>

#include "ends.h"
#include "entry.h"

static void open_client(struct told *t, struct wire *c)
{
	ends_open_one(t, c, 100, 1, true, 1000);
}

static void serve(struct told *t, struct wire *s)
{
	ends_read(t, s, ends_get(1));
	ends_write(t, s, OK);
}

static void close_end(struct told *t, struct wire *w)
{
	ends_now(t, w);
	wire_close(w);
}

/* Somebody who is not traced uses the port again: it is not the program that had it before. */
static void reuse_port(struct told *t, bool client_ends, bool server_ends)
{
	struct wire c, s, next;

	open_client(t, &c);
	ends_open_one(t, &s, 200, 2, false, 1000);
	serve(t, &s);
	assert_string_equal(t->entries[0]->src.process, "curl");
	if (client_ends)
		close_end(t, &c);
	if (server_ends)
		close_end(t, &s);
	ends_open_one(t, &next, 200, 3, false, 1000);
	serve(t, &next);
	assert_int_equal(t->count, 2);
	assert_string_equal(t->entries[1]->src.ip, "10.0.0.4");
	assert_string_equal(t->entries[1]->src.process, "");
	assert_int_equal(t->entries[1]->src.pid, 0);
}

static void test_both_ended(void **state)
{
	reuse_port(*state, true, true);
}

static void test_client_ended(void **state)
{
	reuse_port(*state, true, false);
}

static void test_server_ended(void **state)
{
	reuse_port(*state, false, true);
}

/* The client closed its socket, and its program goes on without a word of it. */
static void test_none_ended(void **state)
{
	reuse_port(*state, false, false);
}

/* Both ends anew at the same port: they are each other's. */
static void test_both_anew(void **state)
{
	struct told *t = *state;
	struct wire c, s;

	reuse_port(t, true, false);
	ends_open_one(t, &c, 300, 4, true, 1000);
	ends_open_one(t, &s, 200, 5, false, 1000);
	serve(t, &s);
	assert_int_equal(t->entries[2]->src.pid, 300);
}

/* The server tells its last exchange when the client is gone. */
static void test_late_server(void **state)
{
	struct told *t = *state;
	struct wire c, s;

	open_client(t, &c);
	ends_open_one(t, &s, 200, 2, false, 1000);
	close_end(t, &c);
	ends_now(t, &c);
	wire_exit(&c);
	told_pass(t, 5000);
	serve(t, &s);
	assert_string_equal(t->entries[0]->src.process, "curl");
	assert_int_equal(t->entries[0]->src.pid, 100);
}

#define SPLIT(fn) cmocka_unit_test_setup_teardown(fn, told_setup_split, told_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT(test_both_ended), SPLIT(test_client_ended), SPLIT(test_server_ended),
		SPLIT(test_none_ended), SPLIT(test_both_anew),	  SPLIT(test_late_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
