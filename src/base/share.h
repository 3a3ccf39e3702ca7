/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all have in common, places or bytes, and what each holds of it. Nobody gets more than one
 * part in LIMIT_SHARE unless less than half is taken; where it is short, whoever holds most gives
 * way. bpf/owner.bpf.h does the same on the kernel side.
 */
#ifndef CLEARTAP_SHARE_H
#define CLEARTAP_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/queue.h>

#include "base/limits.h"

struct share;

/* Zero-initialise it. */
struct common {
	size_t taken;
	LIST_HEAD(, share) shares; /* that are not 0 */
};

/* Set `of` and `holder`, the rest is 0. */
struct share {
	struct common *of;
	void *holder; /* whose it is */
	size_t taken;
	LIST_ENTRY(share) link;
};

static inline void share_change(struct share *s, size_t was, size_t is)
{
	size_t before = s->taken;

	s->of->taken += is - was;
	s->taken += is - was;
	if (!before && s->taken)
		LIST_INSERT_HEAD(&s->of->shares, s, link);
	else if (before && !s->taken)
		LIST_REMOVE(s, link);
}

/* Is there room for more? */
static inline bool share_allows(const struct share *s, size_t limit)
{
	return s->of->taken < limit && (s->taken < limit / LIMIT_SHARE || s->of->taken < limit / 2);
}

/* The largest; NULL when nothing is taken. */
static inline struct share *share_largest(const struct common *c)
{
	struct share *largest = LIST_FIRST(&c->shares), *s;

	LIST_FOREACH(s, &c->shares, link)
	if (s->taken > largest->taken)
		largest = s;
	return largest;
}

#endif
