/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is freed all at once. Zero-initialise it, or let it begin with memory of yours. */
#ifndef CLEARTAP_ARENA_H
#define CLEARTAP_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	char *next; /* what is left of the newest block, or of the memory it began with */
	size_t left;
	size_t used;	 /* bytes that were asked for */
	size_t held;	 /* bytes of all blocks, */
	size_t *account; /* which count here; NULL nowhere */
};

/* For any type; not zeroed. NULL when out of memory. */
void *arena_alloc(struct arena *a, size_t size);
void arena_free(struct arena *a);

#endif
