// SPDX-License-Identifier: GPL-2.0-or-later
/* json_tree() reads what jansson itself reads, and refuses what it refuses. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_tree.h"
#include "base/limits.h"

static void test_same(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" [1, -2, 3.5e3, true, false, null, \"\"] ",
		"{\"a\": {\"b\": [[], {}, [\"\\u20ac\\ud83d\\udd13\\n\"]]}, \"\": \"\"}",
		"{\"a\": 1, \"a\": 2}",
		"9223372036854775807",
		"\"text\"",
		"0.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		json_t *ours = json_tree((struct text){ texts[i], strlen(texts[i]) });
		json_t *theirs = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		assert_non_null(ours);
		assert_true(json_equal(ours, theirs));
		json_decref(ours);
		json_decref(theirs);
	}
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"",	 " ",	"{",   "[1,]", "{\"a\"}", "{\"a\":}",
		"[] []", "nul", "\"a", "01",   "[1 2]",	  "{1:2}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		errno = 0;
		assert_null(json_tree((struct text){ texts[i], strlen(texts[i]) }));
		assert_int_equal(errno, EINVAL);
	}
	assert_null(json_tree((struct text){ NULL, 0 }));
}

static json_t *nested(size_t levels)
{
	char *text = malloc(2 * levels);

	memset(text, '[', levels);
	memset(text + levels, ']', levels);
	json_t *v = json_tree((struct text){ text, 2 * levels });
	free(text);
	return v;
}

static void test_deep(void **state)
{
	(void)state;
	json_t *v = nested(LIMIT_JSON_TREE_DEPTH);
	assert_non_null(v);
	json_decref(v);
	assert_null(nested(LIMIT_JSON_TREE_DEPTH + 1));
	assert_null(nested(1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
