// SPDX-License-Identifier: GPL-2.0-or-later
/* What a source tells of its flows, without a ring: the wire and files will have no process. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "entry.h"
#include "session/flow.h"
#include "session/session.h"
#include "source/source.h"

#define GET "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* 2001-09-09, as a file may have it. */
#define THEN 1000000000000000

struct got {
	struct sessions *sessions;
	struct entry *entries[16];
	size_t count;
};

static void collect(void *ctx, struct entry *e)
{
	struct got *t = ctx;

	assert_true(t->count < 16);
	t->entries[t->count++] = e;
}

static int setup(void **state)
{
	struct got *t = calloc(1, sizeof(*t));
	const struct entry_sink sink = { .emit = collect, .ctx = t };

	t->sessions = sessions_new(&sink, &(struct session_options){ .node = "host1" });
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct got *t = *state;

	sessions_free(t->sessions);
	for (size_t i = 0; i < t->count; i++)
		entry_free(t->entries[i]);
	free(t);
	return 0;
}

static void tell(struct got *t, const struct flow *f, int64_t now_us, enum dir dir,
		 const char *text)
{
	flow_data(t->sessions, f, now_us,
		  &(struct flow_data){ .dir = dir,
				       .span = strlen(text),
				       .bytes = (const uint8_t *)text,
				       .len = strlen(text) });
}

/* A flow of no process, read from a file: its times are kept, and silence is by them. */
static void test_file(void **state)
{
	struct got *t = *state;
	const struct flow f = { .id = 7, .gen = 1 }, g = { .id = 8, .gen = 1 };
	const struct flow_open open = {
		.comm = "", .library = "", .lock = LOCK_NONE, .begun_us = THEN
	};

	flow_open(t->sessions, &f, THEN, &open);
	flow_open(t->sessions, &g, THEN, &open);
	tell(t, &f, THEN + 10, DIR_WRITE, GET);
	tell(t, &g, THEN + 20, DIR_WRITE, "\x01opaque, for nobody knows it");
	sessions_tick(t->sessions, THEN + 1000000);
	tell(t, &f, THEN + 1000000, DIR_READ, OK);
	assert_int_equal(t->count, 3); /* what goes on was told */
	const struct entry *e = t->entries[2];
	assert_int_equal(e->timestamp_us, THEN + 10);
	assert_int_equal(e->elapsed_us, 999990);
	assert_int_equal(e->src.pid, 0);
	assert_string_equal(e->src.process, "");
	assert_string_equal(e->library, "");
	assert_string_equal(e->bind, "unknown");
	assert_string_equal(e->connection, "0-7-1");
	assert_false(e->tls);
	assert_int_equal(e->lock, LOCK_NONE);
	sessions_tick(t->sessions, THEN + 1000000 * (LIMIT_SESSION_IDLE_SECONDS + 2));
	assert_int_equal(t->count, 4);
	assert_string_equal(t->entries[3]->protocol, "tls");
	assert_false(t->entries[3]->open);
}

/* What is missing of the other direction is told before what came after it. */
static void test_in_order(void **state)
{
	struct got *t = *state;
	const struct flow f = { .id = 7, .gen = 1 };
	struct flow_data d = { .dir = DIR_WRITE,
			       .in_order = true,
			       .span = strlen(GET),
			       .bytes = (const uint8_t *)GET,
			       .len = strlen(GET) };

	flow_open(t->sessions, &f, THEN,
		  &(struct flow_open){ .comm = "", .library = "", .lock = LOCK_OPEN });
	flow_data(t->sessions, &f, THEN, &d);
	d.offset = d.span;
	d.reached = 30;
	flow_data(t->sessions, &f, THEN + 1, &d);
	assert_int_equal(sessions_stats(t->sessions).lost_bytes, 30);
	d.offset += d.span;
	d.reached = 20; /* it never goes back, and nothing is made of what is nonsense */
	flow_data(t->sessions, &f, THEN + 2, &d);
	d.offset += d.span;
	d.reached = UINT64_MAX;
	flow_data(t->sessions, &f, THEN + 3, &d);
	assert_int_equal(sessions_stats(t->sessions).lost_bytes, 30);
}

/* What stays encrypted is closed; what contradicts itself is counted. */
static void test_closed(void **state)
{
	struct got *t = *state;
	const struct flow f = { .tgid = 5, .id = 7, .gen = 1 };

	flow_open(t->sessions, &f, THEN,
		  &(struct flow_open){
			  .comm = "p", .library = "", .lock = LOCK_CLOSED, .tls = true });
	flow_data(t->sessions, &f, THEN,
		  &(struct flow_data){ .dir = DIR_WRITE, .why = GAP_TRUNCATED, .span = 100 });
	flow_data(t->sessions, &f, THEN,
		  &(struct flow_data){ .dir = DIR_WRITE, .offset = 50, .span = 100 });
	flow_data(t->sessions, &f, THEN,
		  &(struct flow_data){ .dir = DIR_WRITE, .offset = 100, .span = UINT64_MAX });
	flow_data(t->sessions, &f, THEN, &(struct flow_data){ .dir = DIR_WRITE, .len = 1 });
	flow_socket(t->sessions, &f, THEN, &(struct flow_socket){ .family = 5, .how = "wire" });
	assert_int_equal(sessions_stats(t->sessions).bad_records, 4);
	flow_exit(t->sessions, 5, THEN + 5);
	assert_int_equal(t->count, 1);
	assert_int_equal(t->entries[0]->lock, LOCK_CLOSED);
	assert_true(t->entries[0]->tls);
	assert_int_equal(t->entries[0]->truncated_bytes, 100);
	assert_int_equal(sessions_stats(t->sessions).active, 0);
}

/* Without anything to read there is no source, and no time is told. */
static void test_none(void **state)
{
	struct got *t = *state;
	const struct source_options options = { .sessions = t->sessions };
	struct sources *s = NULL;
	char error[100] = "";
	int64_t now = 42;

	assert_int_equal(sources_open(&options, &s, error, sizeof(error)), 0);
	assert_int_equal(sources_poll(s, 0, &now), 0);
	assert_int_equal(now, 42);
	assert_null(sources_ring(s));
	sources_close(s);
	sources_close(NULL);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(test_file), CASE(test_in_order), CASE(test_closed),
					    CASE(test_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
