// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of the log: what others name cannot forge one or steer the terminal that shows it. */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

static void expect(const char *text, const char *want)
{
	char have[128];

	assert_int_equal(log_escape(text, have, sizeof(have)), strlen(want));
	assert_string_equal(have, want);
}

static void test_escape(void **state)
{
	(void)state;
	expect("", "");
	expect("plain text, /a/b c", "plain text, /a/b c");
	expect("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x93", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x93");
	expect("a\ncleartap: error: b", "a\\ncleartap: error: b");
	expect("\x1b[31mred\x1b]0;title\a\r\t\x7f",
	       "\\x1b[31mred\\x1b]0;title\\x07\\x0d\\x09\\x7f");
	/* the same as one character of C1; marks of direction; a line separator */
	expect("\xc2\x9b"
	       "31m",
	       "\\xc2\\x9b31m");
	expect("\xe2\x80\xae"
	       "x\xe2\x81\xa6",
	       "\\xe2\\x80\\xaex\\xe2\\x81\\xa6");
	expect("\xe2\x80\xa8", "\\xe2\\x80\\xa8");
	expect("\xff\xc3", "\\xff\\xc3");
}

static void test_room(void **state)
{
	char room[8];

	(void)state;
	assert_int_equal(log_escape("123456789", room, sizeof(room)), 7);
	assert_string_equal(room, "1234567");
	assert_int_equal(log_escape("12345\n", room, sizeof(room)), 7);
	assert_string_equal(room, "12345\\n");
	/* not half of an escape or of a character */
	assert_int_equal(log_escape("12345\x1b", room, sizeof(room)), 5);
	assert_int_equal(log_escape("12345\xe2\x82\xac", room, sizeof(room)), 5);
}

/* What log_at() writes, in ret. */
static void written(const char *text, char *ret, size_t room)
{
	int ends[2], was = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_warn("open %s: refused", text);
	dup2(was, STDERR_FILENO);
	close(was);
	close(ends[1]);
	ssize_t n = read(ends[0], ret, room - 1);
	close(ends[0]);
	ret[n > 0 ? n : 0] = '\0';
}

static void test_one_line(void **state)
{
	char line[4096], name[4000];

	(void)state;
	written("/tmp/x\ncleartap: error: forged\x1b[2J", line, sizeof(line));
	assert_string_equal(line,
			    "cleartap: warning: open /tmp/x\\ncleartap: error: forged\\x1b[2J: "
			    "refused\n");
	memset(name, '\n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	written(name, line, sizeof(line));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void test_errors(void **state)
{
	(void)state;
	assert_null(strstr(error_text(524), "Unknown"));
	assert_string_equal(error_text(2), strerror(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
