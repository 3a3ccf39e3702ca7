// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Twins by where they lie and by their dissector's number: a connection may have thousands at once.
 * One table for all pairs, so that one that is idle costs nothing.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "session/twin.h"

#define BUCKETS_MIN 256

/* What a mark says: the place of a part as an end has it, or an end's number. */
static uint8_t place_of(enum pair_end end, int part)
{
	return (uint8_t)(2 * end + part);
}

static uint8_t live_of(enum pair_end end)
{
	return (uint8_t)(4 + end);
}

/* The pair's address, which nobody outside knows, keeps peers from choosing a bucket. */
static struct twin_mark **slot(const struct twin_table *table, const struct pair *p, uint8_t what,
			       uint64_t value)
{
	uint64_t of = hash_words((uintptr_t)p, what);

	return &table->buckets[hash_words(of, value) & (table->size - 1)];
}

static struct twin_table *table_of(const struct twin *t)
{
	return &t->pair->all->twin_table;
}

int twin_table_init(struct twin_table *table)
{
	table->size = BUCKETS_MIN;
	table->buckets = calloc(table->size, sizeof(*table->buckets));
	return table->buckets ? 0 : -1;
}

void twin_table_free(struct twin_table *table)
{
	free(table->buckets);
}

/* Those that came first stand first. */
static void append(struct twin_table *table, struct twin_mark *m)
{
	struct twin_mark **at = slot(table, m->twin->pair, m->what, m->value);

	while (*at)
		at = &(*at)->next;
	*at = m;
	m->next = NULL;
}

static void resize(struct twin_table *table, size_t size)
{
	struct twin_table was = *table;
	struct twin_mark **buckets = calloc(size, sizeof(*buckets));

	if (!buckets)
		return;
	table->buckets = buckets;
	table->size = size;
	for (size_t i = 0; i < was.size; i++)
		for (struct twin_mark *m = was.buckets[i], *next; m; m = next) {
			next = m->next;
			append(table, m);
		}
	free(was.buckets);
}

static void mark(struct twin *t, struct twin_mark *m, uint8_t what, uint64_t value)
{
	struct twin_table *table = table_of(t);

	if (table->count >= table->size)
		resize(table, 2 * table->size);
	m->twin = t;
	m->what = what;
	m->value = value;
	append(table, m);
	table->count++;
}

static void unmark(struct twin_table *table, struct twin_mark *m)
{
	if (!m->twin)
		return;
	struct twin_mark **at = slot(table, m->twin->pair, m->what, m->value);
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	m->twin = NULL;
	table->count--;
	if (table->size > BUCKETS_MIN && table->count < table->size / 4)
		resize(table, table->size / 2);
}

void twin_unindex(struct twin *t)
{
	for (int i = 0; i < 2; i++) {
		unmark(table_of(t), &t->place[i]);
		unmark(table_of(t), &t->number[i]);
	}
}

void twin_index(struct twin *t)
{
	twin_unindex(t);
	for (int i = 0; i < 2; i++)
		if (t->begun[i] && t->live[i])
			mark(t, &t->number[i], live_of((enum pair_end)i), t->live[i]);
	if (t->begun[END_CLIENT] == t->begun[END_SERVER])
		return;
	enum pair_end end = t->begun[END_CLIENT] ? END_CLIENT : END_SERVER;
	for (int i = 0; i < 2; i++)
		if (t->part[end][i].seen)
			mark(t, &t->place[i], place_of(end, i), t->part[end][i].offset);
}

static struct twin *first_from(const struct twin_mark *m, const struct pair *p, uint8_t what,
			       uint64_t value)
{
	while (m && (m->value != value || m->what != what || m->twin->pair != p))
		m = m->next;
	return m ? m->twin : NULL;
}

struct twin *twin_of_number(const struct pair *p, enum pair_end end, uint64_t live)
{
	uint8_t what = live_of(end);

	return live ? first_from(*slot(&p->all->twin_table, p, what, live), p, what, live) : NULL;
}

struct twin *twin_at_place(const struct pair *p, enum pair_end end, int part, uint64_t offset)
{
	enum pair_end other = end == END_CLIENT ? END_SERVER : END_CLIENT;
	uint64_t by = (uint64_t)p->shift[part];
	uint64_t value = end == END_CLIENT ? offset - by : offset + by; /* as the other counts */
	uint8_t what = place_of(other, part);

	if (!p->aligned)
		return NULL;
	return first_from(*slot(&p->all->twin_table, p, what, value), p, what, value);
}

struct twin *twin_next_there(const struct twin *t, int part)
{
	const struct twin_mark *m = &t->place[part];

	return first_from(m->next, t->pair, m->what, m->value);
}
