/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_HASH_H
#define CLEARTAP_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Two words into one whose low bits are good for a table of a power of two. Not keyed. */
static inline uint64_t hash_words(uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15 ^ b;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93;
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93;
	return h ^ h >> 32;
}

/* FNV-1a: tells texts apart and protects nothing. */
static inline uint64_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

#endif
