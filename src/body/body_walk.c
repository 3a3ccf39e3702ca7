// SPDX-License-Identifier: GPL-2.0-or-later
#include "body/body_walk.h"

#include <stdio.h>

bool body_cut(struct body_walk *w, const char *why, size_t at)
{
	if (!w->cut) {
		w->cut = why;
		w->cut_at = at < w->len ? at : w->len;
	}
	return false;
}

static bool is_wanted(struct body_walk *w, const struct body_node *n)
{
	if (w->sink->full)
		return body_cut(w, w->sink->full, n->start);
	if (w->nodes >= w->nodes_max)
		return body_cut(w, "more values than are shown", n->start);
	w->nodes++;
	return !w->cut;
}

bool body_open(struct body_walk *w, const struct body_node *n)
{
	if (!is_wanted(w, n))
		return false;
	w->sink->open(w->sink, n);
	return true;
}

void body_close(struct body_walk *w, size_t end)
{
	w->sink->close(w->sink, end);
}

bool body_leaf(struct body_walk *w, const struct body_node *n)
{
	if (!is_wanted(w, n))
		return false;
	w->sink->leaf(w->sink, n);
	return true;
}

/* -1 - u when it is negative, which fits no type of C. */
struct text body_digits(struct body_walk *w, uint64_t u, bool negative)
{
	if (u < 10 && !negative) {
		w->digits[0] = (char)('0' + u);
		return (struct text){ w->digits, 1 };
	}
	unsigned __int128 v = (unsigned __int128)u + negative;
	char *p = w->digits + sizeof(w->digits);

	do
		*--p = (char)('0' + (int)(v % 10));
	while (v /= 10);
	if (negative)
		*--p = '-';
	return (struct text){ p, (size_t)(w->digits + sizeof(w->digits) - p) };
}
