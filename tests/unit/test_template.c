// SPDX-License-Identifier: GPL-2.0-or-later
/* What is the same in calls of one endpoint. */
#include "unit.h"

#include <string.h>

#include "api/template.h"
#include "base/buf.h"
#include "kfl/regex.h"

static void check(int (*make)(const char *, struct buf *), const char *text, const char *want)
{
	struct buf b = { 0 };

	assert_int_equal(make(text, &b), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void test_paths(void **state)
{
	static const char *const same[] = { "",	   "/",		 "/api/v1/orders", "/api/v2beta3/x",
					    "*",   "/a//b",	 "/login.html",	   "/oauth2/token",
					    "/a/", "/s3/bucket", "/deadbeef/cafe", "/utf8" };

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		check(template_path, same[i], same[i]);
	check(template_path, "/api/orders/17", "/api/orders/{id}");
	check(template_path, "/api/orders/17/items/4?x=1", "/api/orders/{id}/items/{id}");
	check(template_path, "/users/123e4567-e89b-12d3-a456-426614174000/x", "/users/{id}/x");
	check(template_path, "/blobs/9f86d081884c7d65", "/blobs/{id}");
	check(template_path, "/2026-11-28/17.json", "/{id}/{id}.json");
	check(template_path, "/s/eyJhbGciOiJIUzI1NiJ9_abc", "/s/{id}");
	check(template_path, "/17/", "/{id}/");
	check(template_path, "/a.b/1.2.3", "/a.b/{id}");
}

static void test_statements(void **state)
{
	check(template_sql, "SELECT * FROM t WHERE id = 17", "SELECT * FROM t WHERE id = ?");
	check(template_sql, "SELECT * FROM t1 WHERE a='it''s' AND b=$2",
	      "SELECT * FROM t1 WHERE a=? AND b=?");
	check(template_sql, "INSERT INTO t VALUES (1, 'x\\'y', 2.5e3)", "INSERT INTO t VALUES (?)");
	check(template_sql, "SELECT x IN (?,?,?)", "SELECT x IN (?)");
	check(template_sql, "SELECT 'cut", "SELECT ?");
	check(template_sql, "BEGIN", "BEGIN");
	check(template_sql, "SELECT \"a 1\" FROM x2", "SELECT \"a ?\" FROM x2");
}

static bool fits(const char *pattern, const char *text)
{
	struct regex *re;
	char message[128];
	size_t offset;

	assert_int_equal(
		regex_new(pattern, strlen(pattern), &re, &offset, message, sizeof(message)), 0);
	regex_arm(re, strlen(text));
	int r = regex_match(re, text, strlen(text));
	regex_free(re);
	assert_true(r >= 0);
	return r;
}

/* What a template was made of fits its pattern, and what was not does not. */
static void test_patterns(void **state)
{
	static const struct {
		const char *text, *template;
		bool is_path, fits;
	} cases[] = {
		{ "/api/orders/17", "/api/orders/{id}", true, true },
		{ "/api/orders/new", "/api/orders/{id}", true, false },
		{ "/api/orders/17/x", "/api/orders/{id}", true, false },
		{ "/u/ann/x", "/u/{*}/x", true, true },
		{ "/a.b", "/a.b", true, true },
		{ "/axb", "/a.b", true, false },
		{ "/(x)+[1]|", "/(x)+[1]|", true, true },
		{ "SELECT * FROM t WHERE id = 17", "SELECT * FROM t WHERE id = ?", false, true },
		{ "SELECT * FROM u WHERE id = 17", "SELECT * FROM t WHERE id = ?", false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf pattern = { 0 };
		assert_int_equal(template_pattern(cases[i].template, cases[i].is_path, &pattern),
				 0);
		assert_int_equal(fits(buf_cstr(&pattern), cases[i].text), cases[i].fits);
		buf_free(&pattern);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
