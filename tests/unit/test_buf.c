// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "entry.h"

static void json_of(const char *text, size_t len, const char *want)
{
	struct buf b = { 0 };

	assert_int_equal(buf_put_json(&b, text, len), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void test_json(void **state)
{
	(void)state;
	json_of("", 0, "\"\"");
	json_of("a\"\\/b", 5, "\"a\\\"\\\\/b\"");
	json_of("\n\t\r\b\f\v\0\x7f", 8, "\"\\n\\t\\r\\b\\f\\u000b\\u0000\\u007f\"");
	json_of("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x93", 9,
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x93\"");
	/* overlong, surrogate, cut off, past the last code point */
	json_of("\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	json_of("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	json_of("x\xe2\x82", 3, "\"x\xef\xbf\xbd\xef\xbf\xbd\"");
	json_of("\xf5\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_grow_and_drop(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&b, "%03d", i), 0);
	assert_int_equal(b.len, 3000);
	buf_drop(&b, 2997);
	assert_string_equal(buf_cstr(&b), "999");
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -12);
	assert_string_equal(buf_cstr(&b), "999");
	buf_free(&b);
	assert_string_equal(buf_cstr(&b), "");
}

static void test_entry_json(void **state)
{
	struct entry *e = entry_new();
	struct buf b = { 0 };

	(void)state;
	e->id = 17;
	e->timestamp_us = 1795288218123456;
	e->summary = entry_text(e, "/a\0\xff", 4);
	assert_int_equal(entry_put_json(e, &b), 0);
	const char *json = buf_cstr(&b);
	assert_non_null(strstr(json, "\"timestamp\":\"2026-11-21T19:10:18.123456Z\""));
	assert_non_null(strstr(json, "\"summary\":\"/a\xef\xbf\xbd\xef\xbf\xbd\""));
	assert_non_null(strstr(json, "\"elapsed_us\":null"));
	buf_free(&b);
	entry_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_grow_and_drop),
		cmocka_unit_test(test_entry_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
