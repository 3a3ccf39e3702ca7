/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events made once for all readers of a filter, and what stands for those that a reader missed. */
#ifndef CLEARTAP_API_CHUNK_H
#define CLEARTAP_API_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Counted under the lock of the room (room.h). */
struct chunk {
	unsigned refs;
	int64_t after, before; /* exclusive: the ids that it is about */
	bool updates;	       /* of entries that were told before: whoever joined, and no limit */
	size_t events;
	struct buf text;
	struct buf marks; /* a struct mark for each event */
};

struct mark {
	int64_t id;
	size_t end; /* of the event in text */
};

/* What a reader missed. */
struct skip {
	uint64_t count;
	int64_t after, before; /* exclusive: the ids to page for what was missed */
	bool inexact;	       /* count is of entries that were not held against the filter */
};

/* NULL when out of memory. */
struct chunk *chunk_new(int64_t after, int64_t before, bool updates);
const struct mark *chunk_marks(const struct chunk *c);
/* The event that was just written to the text is of this entry. 0 or -ENOMEM. */
int chunk_end_event(struct chunk *c, int64_t id);
void chunk_put(struct chunk *c);

#endif
