// SPDX-License-Identifier: GPL-2.0-or-later
/* The case files of all protocols (tests/data/http1/README tells their format). */
#include "unit.h"

#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "entry.h"
#include "redact/redact.h"

/* Folders of tests/data. */
static const char *const folders[] = {
	"amqp", "dns",	 "grpc", "http1", "http2",    "imap",  "kafka", "known",
	"ldap", "mongo", "mqtt", "mysql", "postgres", "redis", "smtp",	"websocket",
};

static void for_each_case(void (*check)(const struct test_case *c))
{
	const char *srcdir = getenv("srcdir");
	size_t skip = strlen(srcdir ? srcdir : ".") + 1;

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		struct buf pattern = { 0 };
		glob_t found;
		buf_printf(&pattern, "%s/tests/data/%s/*.txt", srcdir ? srcdir : ".", folders[i]);
		assert_int_equal(glob(buf_cstr(&pattern), 0, NULL, &found), 0);
		for (size_t j = 0; j < found.gl_pathc; j++)
			cases_run(found.gl_pathv[j] + skip, check);
		globfree(&found);
		buf_free(&pattern);
	}
}

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
	for_each_case(check_whole);
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
	for_each_case(check_cuts);
	assert_int_equal(cases_failed, 0);
}

static void dump_parts(const struct test_case *c, struct cut cut, struct buf *out)
{
	struct outcome o = { 0 };

	case_feed(c, cut, &o);
	for (size_t i = 0; i < o.count; i++)
		for (int part = 0; part < 2; part++) {
			const struct entry_part *p = &o.entries[i]->part[part];
			buf_printf(out, "%d%d %zu+%zu %zx\n", p->seen, p->whole, (size_t)p->offset,
				   (size_t)p->length, (size_t)p->digest);
		}
	outcome_free(&o);
}

static void check_parts(const struct test_case *c, struct cut cut)
{
	struct buf here = { 0 }, there = { 0 };

	dump_parts(c, (struct cut){ 0 }, &here);
	dump_parts(c, cut, &there);
	if (here.len != there.len || (here.len && memcmp(here.data, there.data, here.len)))
		cases_report("%s: as it is:\n%.*s\ninstead:\n%.*s", c->name, (int)here.len,
			     here.data, (int)there.len, there.data);
	buf_free(&here);
	buf_free(&there);
}

/* Both ends of a connection say the same of where messages lie and of what is in them. */
static void check_ends(const struct test_case *c)
{
	check_parts(c, (struct cut){ .other_end = true });
}

/* The same exchanges are told when nothing can be kept of bodies. */
static void check_short_memory(const struct test_case *c)
{
	struct outcome o = { 0 };

	/* Of one that was joined the first bytes are not decided on yet; they become opaque. */
	if (strncmp(c->name, "joined", 6))
		check_parts(c, (struct cut){ .short_memory = true });
	case_feed(c, (struct cut){ .short_memory = true, .every = 7, .ticks = true }, &o);
	outcome_free(&o);
}

static void test_short_memory(void **state)
{
	(void)state;
	cases_failed = 0;
	for_each_case(check_short_memory);
	assert_int_equal(cases_failed, 0);
}

static void test_ends(void **state)
{
	(void)state;
	cases_failed = 0;
	for_each_case(check_ends);
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
	for_each_case(check_all_ticks);
	redact_free(rules);
	assert_int_equal(cases_failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_ends),  cmocka_unit_test(test_short_memory),
		cmocka_unit_test(test_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
