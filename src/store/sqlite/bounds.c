// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What --max-size comes down to: a part of it is set aside for the log and its index, the rest is
 * for the main file and the bodies beside it.
 */
#include "store/sqlite/sqlite.h"

#define KIB		 (1ULL << 10)
#define MIB		 (1ULL << 20)
#define WAL_MOST	 (256 * MIB)
#define WAL_SOFT	 (16 * MIB)
#define BATCH_MOST	 (16 * MIB)
#define SEGMENT_MOST	 (256 * MIB)
#define BODIES_MOST	 (128 * MIB)
#define SHM_BLOCK	 (32 * KIB) /* of the log's index, for each ... */
#define SHM_BLOCK_FRAMES 4096	    /* ... so many frames */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void bounds_set(struct sqlite *s, const struct store_options *options)
{
	struct bounds *b = &s->bounds;
	uint64_t max = options->max_size;

	b->max_size = max;
	b->max_age_us = (int64_t)smaller(options->max_age_s, INT64_MAX / 1000000) * 1000000;
	b->wal_max = max ? smaller(smaller(max / 4 + 256 * KIB, max / 16 + 16 * MIB), WAL_MOST)
			 : WAL_MOST;
	b->wal_soft = smaller(b->wal_max / 4, WAL_SOFT);
	b->batch_bytes = smaller(b->wal_max / 8, BATCH_MOST);
	b->entry_bytes = b->wal_max / 8;
	b->bodies_bytes = max ? smaller(max / 16, BODIES_MOST) : BODIES_MOST;
	b->segment_bytes =
		smaller(max < 32 * MIB ? smaller(max / 8, 512 * KIB) : max / 64, SEGMENT_MOST);
	if (!max)
		return;
	uint64_t shm = (b->wal_max / s->page_size / SHM_BLOCK_FRAMES + 1) * SHM_BLOCK;
	b->max_pages = (max - b->wal_max - shm) / s->page_size;
}

int64_t bounds_pages(const struct sqlite *s)
{
	uint64_t bodies = (s->bodies.end + s->page_size - 1) / s->page_size;

	return (int64_t)s->bounds.max_pages - (int64_t)bodies;
}

uint64_t bounds_bodies(struct sqlite *s)
{
	int64_t pages = (int64_t)s->bounds.max_pages - db_int(s->page_count);

	if (!s->bounds.max_size)
		return INT64_MAX;
	return pages > 0 ? (uint64_t)pages * s->page_size : 0;
}
