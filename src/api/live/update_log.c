// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/live/update_log.h"

#include <errno.h>
#include <stdlib.h>

void update_log_add(struct update_log *u, int64_t id, int64_t last)
{
	u->ring[u->end++ % LIMIT_STREAM_UPDATES] = (struct update){ id, last };
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void sort_ids(struct update_set *s)
{
	size_t n = 0;

	if (s->count)
		qsort(s->ids, s->count, sizeof(*s->ids), compare_ids);
	for (size_t i = 0; i < s->count; i++)
		if (!n || s->ids[n - 1] != s->ids[i])
			s->ids[n++] = s->ids[i];
	s->count = n;
}

/* The first position that the log still holds. */
static uint64_t oldest_of(const struct update_log *u)
{
	return u->end > LIMIT_STREAM_UPDATES ? u->end - LIMIT_STREAM_UPDATES : 0;
}

/* Add those of the positions from..to that are of entries up to an id. */
static int collect(const struct update_log *u, uint64_t from, uint64_t to, int64_t up_to,
		   struct update_set *ret)
{
	if (from == to)
		return 0;
	ret->ids = malloc((size_t)(to - from) * sizeof(*ret->ids));
	if (!ret->ids) {
		ret->forgotten += to - from;
		return -ENOMEM;
	}
	for (uint64_t at = from; at < to; at++) {
		int64_t id = u->ring[at % LIMIT_STREAM_UPDATES].id;
		if (id <= up_to)
			ret->ids[ret->count++] = id;
	}
	sort_ids(ret);
	return 0;
}

int update_log_take(struct update_log *u, struct update_set *ret)
{
	uint64_t from = u->begun > oldest_of(u) ? u->begun : oldest_of(u);
	uint64_t to = u->end - from > LIMIT_BATCH ? from + LIMIT_BATCH : u->end;

	*ret = (struct update_set){ .forgotten = from - u->begun };
	u->begun = to;
	return collect(u, from, to, INT64_MAX, ret);
}

int update_log_since(const struct update_log *u, int64_t id, struct update_set *ret)
{
	uint64_t oldest = oldest_of(u), from = u->end;

	*ret = (struct update_set){ 0 };
	/* At that time it was the last entry, or a later one was. */
	while (from > oldest && u->ring[(from - 1) % LIMIT_STREAM_UPDATES].last >= id)
		from--;
	/* Whether what is forgotten came before the reader left, nobody knows. */
	if (from == oldest && id > 0)
		ret->forgotten = oldest;
	return collect(u, from, u->end, id, ret);
}
