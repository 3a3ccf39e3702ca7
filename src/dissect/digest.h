/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a message begins in the bytes of its direction, and a digest of them (XXH64) as they come:
 * the same however they are cut, and at both ends of a connection.
 */
#ifndef CLEARTAP_DIGEST_H
#define CLEARTAP_DIGEST_H

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <xxhash.h>

#include "entry.h"

/* One for each direction, since its messages follow each other. Zero-initialise it. */
struct digest {
	uint64_t at; /* offset of the next byte of the direction */
	uint64_t begin;
	XXH64_state_t *state; /* of the bytes from `begin` to `at`; NULL: between messages */
};

/* What follows belongs to another message. */
static inline void digest_begin(struct digest *d)
{
	d->begin = d->at;
	if (!d->state)
		d->state = malloc(sizeof(*d->state));
	if (d->state)
		XXH64_reset(d->state, 0);
}

static inline void digest_bytes(struct digest *d, const void *data, size_t len)
{
	if (d->state)
		XXH64_update(d->state, data, len);
	d->at += len;
}

/* Bytes that are not there: a part that holds them is not whole. */
static inline void digest_skip(struct digest *d, uint64_t len)
{
	d->at += len;
}

static inline void digest_part_begin(const struct digest *d, struct entry_part *p, int64_t now)
{
	*p = (struct entry_part){
		.seen = true, .whole = true, .offset = d->begin, .first_us = now, .last_us = now
	};
}

/* The part so far: up to `end`, which is d->at unless other bytes were taken after it. Without
 * memory for the digest nobody can say that the part is whole. */
static inline void digest_part_end(const struct digest *d, struct entry_part *p, uint64_t end)
{
	p->length = end - p->offset;
	p->whole &= d->state != NULL;
	p->digest = d->state ? XXH64_digest(d->state) : 0;
}

/* An idle connection holds no state. */
static inline void digest_release(struct digest *d)
{
	free(d->state);
	d->state = NULL;
}

#endif
