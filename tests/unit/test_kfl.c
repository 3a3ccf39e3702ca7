// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cases as data: tests/data/kfl/NAME.txt are run over the entries of entries.json.
 *
 *   > query            further "> " lines are further lines of the query
 *   = 1 2 3            the entries that match
 *   ! 3:5 message      the error: column:length, text
 *   x message          running it fails with an error that has this text
 */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "kfl/kfl.h"
#include "kfl_fixture.h"

/* " 1 2 3", or the error of running it after "x ". */
static void run_query(sqlite3 *db, const struct kfl *k, struct buf *out)
{
	sqlite3_stmt *stmt = fixture_prepare(db, k, "");
	int r;

	buf_putc(out, '=');
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW)
		buf_printf(out, " %lld", sqlite3_column_int64(stmt, 0));
	if (r != SQLITE_DONE) {
		buf_reset(out);
		buf_printf(out, "x %s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
}

/* What the case file has in the line of the result. */
static void evaluate(sqlite3 *db, const char *query, size_t len, struct buf *out)
{
	struct kfl_error error = { 0 };
	struct kfl *k = NULL;
	int r = fixture_try(query, len, &k, &error);

	if (!r)
		run_query(db, k, out);
	else
		buf_printf(out, "! %zu:%zu %s", error.column, error.length, error.message);
	assert_non_null(buf_cstr(out));
	kfl_free(k);
}

struct tally {
	unsigned cases, failures;
};

static void check_case(sqlite3 *db, const char *file, int line, const struct buf *query,
		       const char *want, struct tally *t)
{
	struct buf got = { 0 };

	evaluate(db, query->data ? query->data : "", query->len, &got);
	t->cases++;
	/* Errors of running it may say more. */
	if (*want == 'x' ? strncmp(got.data, "x ", 2) || !strstr(got.data, want + 2)
			 : strcmp(got.data, want)) {
		print_error("%s:%d: %.*s\n  wanted %s\n  got    %s\n", file, line, (int)query->len,
			    query->data ? query->data : "", want, got.data);
		t->failures++;
	}
	buf_free(&got);
}

static void run_file(sqlite3 *db, const char *name, struct tally *t)
{
	char *text = fixture_read(fixture_path("tests/data/kfl", name)), *rest = text, *line;
	struct buf query = { 0 };
	bool open = false;

	for (int n = 1; (line = strsep(&rest, "\n")); n++) {
		if (*line == '>') {
			if (open)
				buf_putc(&query, '\n');
			buf_puts(&query, line[1] ? line + 2 : "");
			open = true;
		} else if (strchr("=!x", *line) && *line) {
			if (!open)
				fail_msg("%s:%d: a result without a query", name, n);
			check_case(db, name, n, &query, line, t);
			buf_reset(&query);
			open = false;
		} else if (*line && *line != '#') {
			fail_msg("%s:%d: what is this?", name, n);
		}
	}
	assert_false(open);
	buf_free(&query);
	free(text);
}

static int is_cases(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && !strcmp(d->d_name + n - 4, ".txt");
}

static void test_cases(void **state)
{
	struct dirent **files;
	struct tally t = { 0 };
	int n = scandir(fixture_path("tests/data/kfl", ""), &files, is_cases, alphasort);

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		run_file(*state, files[i]->d_name, &t);
		free(files[i]);
	}
	free(files);
	print_message("# %u cases\n", t.cases);
	assert_true(t.cases > 20);
	assert_int_equal(t.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
