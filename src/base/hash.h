/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_HASH_H
#define CLEARTAP_HASH_H

#include <stdint.h>

/* Two words into one whose low bits are good for a table of a power of two. Not keyed. */
static inline uint64_t hash_words(uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15 ^ b;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93;
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93;
	return h ^ h >> 32;
}

#endif
