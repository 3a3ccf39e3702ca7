// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"

/* The table holds the bytes of the file, and a NUL after them. */
static void test_schema(void **state)
{
	const struct embedded_file *f = embed_find(schema_files, "schema/0001-segments.sql");
	const char *srcdir = getenv("srcdir");
	char path[4096], text[65536];

	(void)state;
	assert_non_null(f);
	snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", f->name);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	size_t n = fread(text, 1, sizeof(text), in);
	fclose(in);
	assert_int_equal(f->size, n);
	assert_memory_equal(f->data, text, n);
	assert_int_equal(((const char *)f->data)[n], 0);
	assert_int_equal(strlen(f->hash), 16);
	assert_null(embed_find(schema_files, "0001-segments.sql"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
