// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "entry.h"

static const char *const files[] = {
	"tests/data/http1/plain.txt",  "tests/data/http1/framing.txt",
	"tests/data/http1/gaps.txt",   "tests/data/http1/hostile.txt",
	"tests/data/http1/opaque.txt", "tests/data/http1/parts.txt",
};
#define FILES (sizeof(files) / sizeof(*files))

static void check_whole(const struct test_case *c)
{
	struct outcome o;

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
	struct outcome o;
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
	struct outcome o;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
