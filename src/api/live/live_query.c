// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/live_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "kfl/kfl.h"

struct live_query *live_query_find(struct live_queries *all, struct kfl *filter, const char *text)
{
	struct live_query *q;

	for (q = all->first; q; q = q->next)
		if (!strcmp(q->text, text)) {
			kfl_free(filter);
			q->refs++;
			return q;
		}
	q = all->count < LIMIT_STREAM_QUERIES ? calloc(1, sizeof(*q)) : NULL;
	if (q)
		q->text = strdup(text);
	if (!q || !q->text) {
		free(q);
		kfl_free(filter);
		return NULL;
	}
	q->filter = filter;
	q->refs = 1;
	q->next = all->first;
	all->first = q;
	all->count++;
	return q;
}

void live_query_sweep(struct live_queries *all)
{
	if (all->working)
		return;
	for (struct live_query **p = &all->first, *q = *p; q; q = *p) {
		if (q->refs) {
			p = &q->next;
			continue;
		}
		*p = q->next;
		kfl_free(q->filter);
		free(q->text);
		free(q);
		all->count--;
	}
}
