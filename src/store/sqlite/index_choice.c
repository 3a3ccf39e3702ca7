// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which index a filter with several goes by. How many rows a value finds is not counted anywhere,
 * so it is tried: of the segments that are read as a whole each of the first takes another index,
 * for as long as the best one so far took, and the rest take the best. The unit is the
 * instructions that SQLite runs, so that a busy machine makes no difference.
 */
#include "store/sqlite/scan.h"

#include <errno.h>
#include <string.h>

#include "fields.h"
#include "kfl/vocabulary.h"
#include "kfl/kfl.h"

/* Has the filter a condition that could use the index? */
static bool is_of_use(const struct field *index, const struct kfl *filter)
{
	const struct kfl_field *f;

	for (size_t i = 0; (f = kfl_compared(filter, i)); i++) {
		const char *finds = field_rows[f - field_table].finds;
		if (!strcmp(f->name, index->kfl) || (finds && !strcmp(finds, index->column)))
			return true;
	}
	return false;
}

void plan_begin(struct plans *p, const struct kfl *filter)
{
	*p = (struct plans){ .count = 1 };
	for (const struct field *const *f = column_indexes(); filter && *f; f++)
		if (p->count < PLANS_MAX && is_of_use(*f, filter))
			p->v[p->count++].index = (*f)->column;
	/* With one there is no choice. */
	if (p->count == 2)
		p->count = 1;
}

static const struct plan *best(const struct plans *p)
{
	const struct plan *b = &p->v[0];

	for (size_t i = 1; i < p->count; i++)
		if (p->v[i].steps && p->v[i].steps < b->steps)
			b = &p->v[i];
	return b;
}

void plan_choose(struct plans *p)
{
	size_t i = 0;

	while (i < p->count && p->v[i].steps)
		i++;
	p->now = i < p->count ? i : (size_t)(best(p) - p->v);
	/* The first one, SQLite's own choice, may take what it takes. */
	p->budget = i < p->count && i ? best(p)->steps : 0;
	p->used = 0;
}

bool plan_spend(struct plans *p, uint64_t steps)
{
	p->used += steps;
	return !p->budget || p->used <= p->budget;
}

void plan_note(struct plans *p, uint64_t steps)
{
	p->v[p->now].steps = steps ? steps : 1;
	p->budget = 0;
}

bool plan_drop(struct plans *p, int error)
{
	bool over = p->budget && p->used > p->budget;
	bool other = error == -EINTR ? over : p->v[p->now].index != NULL;

	if (other)
		plan_note(p, UINT64_MAX);
	return other;
}
