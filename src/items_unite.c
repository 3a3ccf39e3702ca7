// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One list of what both ends of a connection saw. Messages of a side do not overlap, so those of
 * both ends that do are one message, or parts of one that an end could not put together.
 */
#include "items.h"

#include "base/limits.h"

static struct item *next_of(struct item *i, const struct item *like)
{
	while (i && (!i->end || i->from != like->from || i->inside != like->inside))
		i = i->next;
	return i;
}

static bool overlap(const struct item *a, const struct item *b)
{
	return a->at < b->end && b->at < a->end;
}

static bool is_whole(const struct item *i)
{
	return !i->note && !i->content.missing[GAP_LOST] && !i->content.missing[GAP_TRUNCATED];
}

static bool is_better(const struct item *i, const struct item *than)
{
	if (is_whole(i) != is_whole(than))
		return is_whole(i);
	return i->content.present > than->content.present;
}

/* What is present of a payload from an offset on, or is missing there. */
struct filling {
	const struct payload *p;
	unsigned gap;
	size_t byte;
};

static uint64_t piece(struct filling *r, uint64_t at, bool *ret_missing)
{
	const struct payload *p = r->p;

	while (r->gap < p->gap_count && p->gaps[r->gap].offset + p->gaps[r->gap].length <= at)
		r->gap++;
	bool more = r->gap < p->gap_count;
	*ret_missing = at >= p->size || (more && p->gaps[r->gap].offset <= at);
	if (at >= p->size)
		return UINT64_MAX;
	if (*ret_missing)
		return p->gaps[r->gap].offset + p->gaps[r->gap].length - at;
	return (more ? p->gaps[r->gap].offset : p->size) - at;
}

/* All that is not missing is kept, at a place that is known. */
static bool is_plain(const struct payload *p)
{
	return !p->gaps_omitted && p->bytes.len == p->present;
}

/* What is missing in one is taken from the other: their contents begin at the same byte. */
static struct payload fill(const struct payload *a, const struct payload *b)
{
	struct filling r[2] = { { .p = a }, { .p = b } };
	uint64_t size = a->size > b->size ? a->size : b->size;
	struct payload all = { 0 };

	for (uint64_t at = 0, n; at < size; at += n) {
		bool missing[2];
		uint64_t len[2] = { piece(&r[0], at, &missing[0]), piece(&r[1], at, &missing[1]) };
		n = len[0] < len[1] ? len[0] : len[1];
		n = n < size - at ? n : size - at;
		struct filling *from = !missing[0] ? &r[0] : &r[1];
		if (missing[0] && missing[1])
			payload_skip(&all, n, GAP_LOST);
		else
			payload_put(&all, from->p->bytes.data + from->byte, n, LIMIT_ITEM_BYTES);
		for (int i = 0; i < 2; i++)
			r[i].byte += missing[i] ? 0 : n;
	}
	return all;
}

static void swap_content(struct item *a, struct item *b)
{
	struct item was = *a;

	*a = *b;
	a->next = was.next;
	a->time_us = was.at == b->at ? was.time_us : b->time_us;
	was.next = b->next;
	*b = was;
}

/* Both are the same message, or parts of it: `a` becomes what is known of it. */
static void join(struct item *a, struct item *b)
{
	bool same = a->at == b->at && !a->coding && !b->coding && a->note == b->note;

	if (is_better(b, a))
		swap_content(a, b);
	if (!same || is_whole(a) || !is_plain(&a->content) || !is_plain(&b->content))
		return;
	struct payload all = fill(&a->content, &b->content);
	payload_free(&a->content);
	a->content = all;
}

/* By its time, which seldom is not that of the last one. */
static void insert(struct items *l, struct item *i, int64_t newest)
{
	struct item **at = i->time_us >= newest ? l->last : &l->first;

	while (*at && (*at)->time_us <= i->time_us)
		at = &(*at)->next;
	i->next = *at;
	*at = i;
	if (l->last == at)
		l->last = &i->next;
	l->count++;
	l->total++;
	l->bytes += i->name.len + i->id.len + i->content.bytes.len;
}

/* The list without what has no kind any more, which goes to `gone`. */
static void recount(struct items *l, struct items *gone)
{
	struct item *i = l->first, *next;
	int64_t newest = INT64_MIN;

	*l = (struct items){ .last = &l->first };
	for (; i; i = next) {
		next = i->next;
		insert(i->kind ? l : gone, i, i->kind ? newest : INT64_MIN);
		if (i->kind && i->time_us > newest)
			newest = i->time_us;
	}
}

/* Where a side's messages are looked for next; both lists are in order. */
struct places {
	struct item *of[2][2]; /* by side, and whether they are inside of others */
};

/* What `l` has of a message of the other end is joined with it; false: it has nothing of it. */
static bool join_into(struct places *places, struct item *b)
{
	struct item **place = &places->of[b->from][b->inside];

	*place = next_of(*place, b);
	while (*place && (*place)->end <= b->at)
		*place = next_of((*place)->next, b);
	struct item *a = *place;
	if (!a || !overlap(a, b))
		return false;
	join(a, b);
	for (struct item *i = next_of(a->next, a); i && overlap(a, i); i = next_of(i->next, a)) {
		if (is_better(i, a))
			swap_content(a, i);
		i->kind = NULL;
	}
	return true;
}

static unsigned count_unplaced(const struct items *l)
{
	unsigned n = 0;

	for (const struct item *i = l->first; i; i = i->next)
		n += !i->end;
	return n;
}

struct items *items_unite_take(struct items *l, struct items *from)
{
	if (!l || !from)
		return l ? l : from;
	if (count_unplaced(l) > count_unplaced(from)) {
		struct items *other = l;
		l = from;
		from = other;
	}
	struct places places = { { { l->first, l->first }, { l->first, l->first } } };
	uint64_t omitted = l->omitted < from->omitted ? l->omitted : from->omitted;
	uint64_t total = l->total > from->total ? l->total : from->total;
	struct items gone = { .last = &gone.first };

	for (struct item *b = from->first; b; b = b->next)
		if (!b->end || join_into(&places, b))
			b->kind = NULL;
	recount(l, &gone);
	recount(from, &gone);
	if (l->count + from->count + omitted < total)
		omitted = total - l->count - from->count;
	l = items_merge_take(l, from);
	l->total += omitted;
	l->omitted += omitted;
	items_clear(&gone);
	return l;
}
