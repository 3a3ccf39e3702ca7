// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/library.h"

#include <fnmatch.h>
#include <string.h>

#include "event.h"

#define FILES(...)                                                                                 \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define INSTALLED(...)                                                                             \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define MARKS(...)                                                                                 \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define MARK(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
#define FUNCTIONS(...)                                                                             \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define FUNCTION(name, shape_)                                                                     \
	{                                                                                          \
		name, SHAPE_##shape_                                                               \
	}

static const struct library rows[] = {
#define LIBRARY(id, number, name, what, inspect, files, installed, marks, functions)               \
	{ EV_LIB_##id, name, what, inspect, files, installed, marks, functions },
#include "trace/libraries.def"
#undef LIBRARY
};

#define ROWS (sizeof(rows) / sizeof(*rows))

const struct library *library_rows(size_t *ret_count)
{
	*ret_count = ROWS;
	return rows;
}

const struct library *library_find(uint32_t number)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].number == number)
			return &rows[i];
	}
	return NULL;
}

bool library_wants(const char *basename)
{
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t k = 0; k < LIBRARY_PATTERNS && rows[i].file[k]; k++) {
			if (!fnmatch(rows[i].file[k], basename, 0))
				return true;
		}
	}
	return false;
}

/* Rows may share a mark: it is looked for once. */
static bool asked_before(size_t row, size_t mark)
{
	const struct library_mark *m = &rows[row].mark[mark];

	for (size_t i = 0; i < row; i++) {
		for (size_t k = 0; k < LIBRARY_MARKS && rows[i].mark[k].size; k++) {
			const struct library_mark *o = &rows[i].mark[k];
			if (o->size == m->size && !memcmp(o->bytes, m->bytes, m->size))
				return true;
		}
	}
	return false;
}

bool library_marked(const void *data, size_t size)
{
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t k = 0; k < LIBRARY_MARKS && rows[i].mark[k].size; k++) {
			const struct library_mark *m = &rows[i].mark[k];
			if (!asked_before(i, k) && memmem(data, size, m->bytes, m->size))
				return true;
		}
	}
	return false;
}
