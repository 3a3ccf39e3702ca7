// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/options.h"

#define PARSE(o, ...)                                                                              \
	parse((o), (const char *[]){ "cleartap", "--config", "/dev/null", __VA_ARGS__, NULL })

static char error[512];

static int parse(struct options *o, const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	*error = '\0';
	return options_parse(argc, argv, o, error, sizeof(error));
}

static void test_defaults(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--no-wire"), 0);
	assert_string_equal(o.listen, "127.0.0.1:8899");
	assert_string_equal(o.store, "/var/lib/cleartap/cleartap.db");
	assert_null(o.unix_socket);
	assert_null(o.pids);
	assert_int_equal(o.budget, 1 << 20);
	assert_int_equal(o.max_age, 7 * 86400);
	assert_true(o.no_wire);
	assert_false(o.verbose);
	options_free(&o);
}

static void test_forms(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--store=a.db", "--max-size", "3G", "--max-age=90s", "--pid",
			       "12", "--pid=13", "-v"),
			 0);
	assert_string_equal(o.store, "a.db");
	assert_int_equal(o.max_size, 3ULL << 30);
	assert_int_equal(o.max_age, 90);
	assert_string_equal(o.pids[0], "12");
	assert_string_equal(o.pids[1], "13");
	assert_null(o.pids[2]);
	assert_true(o.verbose);
	options_free(&o);
}

static void refuse(const char *argument, const char *value, const char *says)
{
	struct options o;

	assert_int_equal(PARSE(&o, argument, value), -EINVAL);
	assert_non_null(strstr(error, says));
	options_free(&o);
}

static void test_refusals(void **state)
{
	(void)state;
	refuse("--max-size", "3X", "option max-size: '3X' is not a size");
	refuse("--max-size", "-1", "is not a size");
	refuse("--max-size", "99999999999999999999", "is not a size");
	refuse("--max-size", "18446744073709551615G", "is not a size");
	refuse("--max-age", "", "is not a time");
	refuse("--nonsense", "1", "unknown option '--nonsense'");
	refuse("--verbose=perhaps", "-v", "is not yes or no");
	refuse("--probes", "best", "is not one of auto, multi, perf");
	refuse("--ring-size", "100000", "a power of two");
	refuse("--ring-size", "4K", "a power of two");
	refuse("--pid", "12a", "is not a process id");
	refuse("--pid", "0", "is not a process id");
	refuse("--container", "abc", "12 hexadecimal digits");
	refuse("--listen", "8899", "ADDR:PORT");
	refuse("--listen", "127.0.0.1:99999", "ADDR:PORT");
	refuse("--wire", "cable", "is not one of auto, packet");
	refuse("--keep-packets=1M", "--wire=packet", "looks elsewhere");
	refuse("--keep-packets", "1000K", "at least 1M");
	refuse("--keep-packets=1M", "--no-wire", "does not look at it");
	refuse("--keylog", "keys", "--read and --keep-packets");
	refuse("-v", "--store", "option --store wants URI");
}

static void test_file(void **state)
{
	char path[] = "/tmp/cleartap-options-XXXXXX";
	int fd = mkstemp(path);
	struct options o;
	static const char text[] = "# comment\n\n  store = /tmp/x y.db \nverbose\npid=1\n"
				   "pid = 2\nmax-size= 64K\n";

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(parse(&o, (const char *[]){ "cleartap", "--config", path, "--max-size",
						     "1M", NULL }),
			 0);
	assert_string_equal(o.store, "/tmp/x y.db");
	assert_true(o.verbose);
	assert_string_equal(o.pids[1], "2");
	assert_int_equal(o.max_size, 1 << 20);
	options_free(&o);

	assert_int_equal(write(fd, "stor = x\n", 9), 9);
	assert_int_equal(parse(&o, (const char *[]){ "cleartap", "--config", path, NULL }),
			 -EINVAL);
	assert_non_null(strstr(error, "line 8: unknown option 'stor'"));
	options_free(&o);
	close(fd);
	unlink(path);
	assert_int_equal(parse(&o, (const char *[]){ "cleartap", "--config", path, NULL }),
			 -ENOENT);
	options_free(&o);
}

static void test_patterns(void **state)
{
	static const char *const good[] = {
		"curl", "*/python3*", "[abc]*", "a\\[b", "[]x]", "[!]]"
	};
	static const char *const bad[] = { "[", "curl[", "[]", "[!]", "a\\", "x[a-" };
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(PARSE(&o, "--exe", good[i]), 0);
		options_free(&o);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(PARSE(&o, "--exe", bad[i]), -EINVAL);
		assert_non_null(strstr(error, "option exe"));
		options_free(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_patterns), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
