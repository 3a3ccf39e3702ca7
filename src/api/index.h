/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers texts 0, 1, 2, ... in the order in which they first appear. */
#ifndef CLEARTAP_API_INDEX_H
#define CLEARTAP_API_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct index_slot;

/* Zero-initialise it; index_free() leaves it ready for use again. */
struct index {
	struct index_slot *slots;
	size_t count, size; /* size is 0 or a power of two */
	struct buf keys;
};

/* The number of a text, which is index->count - 1 when it was new. -ENOMEM. */
int64_t index_of(struct index *x, const char *text, size_t len);
/* The number of a text that it has; -ENOENT. */
int64_t index_find(const struct index *x, const char *text, size_t len);
void index_free(struct index *x);

#endif
