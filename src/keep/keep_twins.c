// SPDX-License-Identifier: GPL-2.0-or-later
#include "keep/keep_twins.h"

#include <string.h>

#include "base/hash.h"
#include "event.h"

#define HASHED 64 /* bytes of the segment */

/*
 * What is the same at both ends: addresses and segment. Not what is changed on the way (the hops
 * that are left) or is not made yet when it leaves (checksums).
 */
static uint64_t hash_of(const struct ev_packet *p)
{
	const uint8_t *d = p->payload;
	bool v6 = p->have && d[0] >> 4 == 6;
	size_t head = v6 ? 40 : p->have ? (d[0] & 15) * 4u : 0;
	uint8_t part[32 + HASHED] = { 0 };

	if (head < 20 || p->have < head + 20)
		return 0;
	size_t n = p->have - head < HASHED ? p->have - head : HASHED;
	memcpy(part, d + (v6 ? 8 : 12), v6 ? 32 : 8);
	memcpy(part + 32, d + head, n);
	memset(part + 32 + 16, 0, 2); /* TCP's checksum */
	return hash_words(hash_bytes(part, sizeof(part)), p->len) | 1;
}

bool keep_twins_know(struct keep_twins *t, const struct ev_packet *p)
{
	uint64_t hash = hash_of(p), at = hash >> 1 & (LIMIT_KEEP_TWINS - 1);

	if (!hash)
		return false;
	if (t->seen[at].hash == hash && t->seen[at].dir != p->dir && t->seen[at].slot != p->slot) {
		t->seen[at].hash = 0;
		return true;
	}
	t->seen[at].hash = hash;
	t->seen[at].slot = p->slot;
	t->seen[at].dir = p->dir;
	return false;
}
