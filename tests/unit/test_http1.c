// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "entry.h"
#include "message.h"
#include "base/limits.h"
#include "redact/redact.h"

static const char *const files[] = {
	"tests/data/http1/plain.txt",  "tests/data/http1/framing.txt",
	"tests/data/http1/gaps.txt",   "tests/data/http1/hostile.txt",
	"tests/data/http1/opaque.txt", "tests/data/http1/parts.txt",
	"tests/data/http1/live.txt",
};
#define FILES (sizeof(files) / sizeof(*files))

static void check_whole(const struct test_case *c)
{
	struct outcome o = { 0 };

	case_feed(c, (struct cut){ 0 }, &o);
	case_check(c, &o);
	for (size_t i = 0; i < o.count; i++) {
		struct buf *d = &o.entries[i]->detail;
		json_error_t error;
		json_t *json = json_loadb(d->data, d->len, JSON_ALLOW_NUL, &error);
		if (!json)
			cases_report("%s: detail: %s: %.*s", c->name, error.text, (int)d->len,
				     d->data);
		json_decref(json);
	}
	outcome_free(&o);
}

static void test_cases(void **state)
{
	(void)state;
	cases_failed = 0;
	for (size_t i = 0; i < FILES; i++)
		cases_run(files[i], check_whole);
	assert_int_equal(cases_failed, 0);
}

static void check_cut(const struct test_case *c, struct cut cut, const struct buf *whole)
{
	struct outcome o = { 0 };
	struct buf dump = { 0 };

	case_feed(c, cut, &o);
	outcome_dump(&o, &dump);
	if (dump.len != whole->len || memcmp(dump.data, whole->data, dump.len))
		cases_report("%s: cut every %zu at %zu:\n%.*s\ninstead of\n%.*s", c->name,
			     cut.every, cut.at, (int)dump.len, dump.data, (int)whole->len,
			     whole->data);
	outcome_free(&o);
	buf_free(&dump);
}

/* How the bytes are cut makes no difference: 1 to 3 at a time, or in two at each place. */
static void check_cuts(const struct test_case *c)
{
	struct outcome o = { 0 };
	struct buf whole = { 0 };
	size_t longest = 0;

	case_feed(c, (struct cut){ 0 }, &o);
	outcome_dump(&o, &whole);
	outcome_free(&o);
	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].data.len > longest)
			longest = c->steps[i].data.len;
	for (size_t every = 1; every <= 3; every++)
		check_cut(c, (struct cut){ .every = every }, &whole);
	for (size_t at = 1; at < longest; at += longest < 5000 ? 1 : longest / 7)
		check_cut(c, (struct cut){ .at = at }, &whole);
	buf_free(&whole);
}

static void test_cuts(void **state)
{
	(void)state;
	cases_failed = 0;
	for (size_t i = 0; i < FILES; i++)
		cases_run(files[i], check_cuts);
	assert_int_equal(cases_failed, 0);
}

static void dump_parts(const struct test_case *c, bool other_end, struct buf *out)
{
	struct outcome o = { 0 };

	case_feed(c, (struct cut){ .other_end = other_end }, &o);
	for (size_t i = 0; i < o.count; i++)
		for (int part = 0; part < 2; part++) {
			const struct entry_part *p = &o.entries[i]->part[part];
			buf_printf(out, "%d%d %zu+%zu %zx\n", p->seen, p->whole, (size_t)p->offset,
				   (size_t)p->length, (size_t)p->digest);
		}
	outcome_free(&o);
}

/* Both ends of a connection say the same of where messages lie and of what is in them. */
static void check_ends(const struct test_case *c)
{
	struct buf here = { 0 }, there = { 0 };

	dump_parts(c, false, &here);
	dump_parts(c, true, &there);
	if (here.len != there.len || (here.len && memcmp(here.data, there.data, here.len)))
		cases_report("%s: one end:\n%.*s\nthe other:\n%.*s", c->name, (int)here.len,
			     here.data, (int)there.len, there.data);
	buf_free(&here);
	buf_free(&there);
}

static void test_ends(void **state)
{
	(void)state;
	cases_failed = 0;
	for (size_t i = 0; i < FILES; i++)
		cases_run(files[i], check_ends);
	assert_int_equal(cases_failed, 0);
}

/* Versions come in order under one number, at most one a second, the last one alone not open. */
static void check_versions(const struct test_case *c, const struct outcome *o)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct entry *e = o->entries[i];
		bool followed = false;
		for (size_t j = i + 1; e->live && j < o->count && !followed; j++) {
			const struct entry *next = o->entries[j];
			followed = next->live == e->live;
			if (!followed)
				continue;
			if (next->open && o->told_us[j] - o->told_us[i] < 1000000)
				cases_report("%s: two versions in a second", c->name);
			/* But for bytes that turn out to be before the message. */
			if (!e->complete)
				continue;
			if (next->request_size < e->request_size ||
			    next->response_size < e->response_size)
				cases_report("%s: a version is smaller than the last", c->name);
		}
		if (e->open != followed || (e->open && !e->live))
			cases_report("%s: version %zu of %zu is%s open", c->name, i, o->count,
				     e->open ? "" : " not");
		if (e->open && (e->part[0].whole || e->part[1].whole) && !e->request_size)
			cases_report("%s: a part that goes on is whole", c->name);
	}
}

/* Whatever was told on the way, in the end the store has what it has without. */
static void check_ticks(const struct test_case *c, struct cut cut, const struct redact *redact)
{
	struct outcome with = { .redact = redact }, without = { .redact = redact };
	struct buf told = { 0 }, once = { 0 };

	case_feed(c, (struct cut){ .pace_us = cut.pace_us }, &without);
	outcome_settle(&without);
	outcome_dump(&without, &once);
	cut.ticks = true;
	case_feed(c, cut, &with);
	check_versions(c, &with);
	outcome_settle(&with);
	outcome_dump(&with, &told);
	if (told.len != once.len || memcmp(told.data, once.data, once.len))
		cases_report("%s: ticks, cut every %zu at %zu:\n%.*s\ninstead of\n%.*s", c->name,
			     cut.every, cut.at, (int)told.len, told.data, (int)once.len, once.data);
	outcome_free(&with);
	outcome_free(&without);
	buf_free(&told);
	buf_free(&once);
}

static struct redact *rules;

static void check_all_ticks(const struct test_case *c)
{
	static const struct cut cuts[] = { { 0 }, { .every = 1 }, { .every = 7 }, { .at = 30 } };

	/* Time stands still for those that tick by themselves. */
	for (size_t i = 0; i < c->step_count; i++)
		if (c->steps[i].kind == STEP_TICK)
			return;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		struct cut cut = cuts[i];
		for (cut.pace_us = 100000; cut.pace_us <= 1600000; cut.pace_us *= 4) {
			check_ticks(c, cut, NULL);
			check_ticks(c, cut, rules);
		}
	}
}

static void test_ticks(void **state)
{
	char error[256];

	(void)state;
	cases_failed = 0;
	assert_int_equal(redact_new(NULL, 0, true, &rules, error, sizeof(error)), 0);
	for (size_t i = 0; i < FILES; i++)
		cases_run(files[i], check_all_ticks);
	redact_free(rules);
	assert_int_equal(cases_failed, 0);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	     cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_ends),	     cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_become_chain), cmocka_unit_test(test_live_bound),
		cmocka_unit_test(test_live_memory),  cmocka_unit_test(test_live_effort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
