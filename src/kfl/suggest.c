// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/suggest.h"

#include <string.h>

#include "kfl/vocabulary.h"

#define SUGGEST_LENGTH_MAX 40

struct nearest {
	struct text name;
	const char *best;
	unsigned distance; /* in halves: another case costs 1, an edit 2 */
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b, in halves. */
static unsigned edit_distance(struct text a, struct text b)
{
	unsigned rows[3][SUGGEST_LENGTH_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		above[j] = 2 * (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = 2 * (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = a.data[i - 1], y = b.data[j - 1];
			unsigned change = x == y ? 0 : lower(x) == lower(y) ? 1 : 2;
			row[j] = least(above[j - 1] + change, least(above[j], row[j - 1]) + 2);
			if (i > 1 && j > 1 && x == b.data[j - 2] && a.data[i - 2] == y && x != y)
				row[j] = least(row[j], before[j - 2] + 2);
		}
		unsigned *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[b.len];
}

/* Two letters may be wrong, in a short name one, and all may be of the other case. */
static void consider(struct nearest *n, const char *candidate)
{
	struct text c = { candidate, strlen(candidate) };

	if (n->name.len > SUGGEST_LENGTH_MAX || c.len > SUGGEST_LENGTH_MAX)
		return;
	unsigned d = edit_distance(n->name, c);
	unsigned allowed = n->name.len < 2 ? 1 : n->name.len < 8 ? 2 : 4;
	if (c.len == n->name.len && !strncasecmp(candidate, n->name.data, c.len))
		d = 1;
	if (d <= allowed && (!n->best || d < n->distance)) {
		n->best = candidate;
		n->distance = d;
	}
}

const char *suggest_keyword(struct text name)
{
	static const char *const words[] = { "and", "or", "not", "in" };
	struct nearest n = { .name = name };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		consider(&n, words[i]);
	return n.best;
}

const char *suggest_field(struct text name)
{
	static const char *const words[] = { "not", "true", "false", "nil" };
	struct nearest n = { .name = name };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		consider(&n, words[i]);
	for (const struct kfl_field *f = field_table; f->name; f++) {
		consider(&n, f->name);
		for (size_t i = 0; i < KFL_ALIASES && f->aliases[i]; i++)
			consider(&n, f->aliases[i]);
	}
	return n.best;
}

const char *suggest_function(struct text name, bool method)
{
	struct nearest n = { .name = name };

	for (const struct kfl_function *f = function_table; f->name; f++)
		if (method ? f->method : f->plain)
			consider(&n, f->name);
	return n.best;
}
