/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fuzz targets share: a check that says where it failed, and the cost oracle. A parser takes
 * at most 50 ns for each byte, and for twice as much at most 2.2 times as long.
 */
#ifndef CLEARTAP_FUZZ_H
#define CLEARTAP_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A macro, so that the trace of an abort() says which one it was. */
#define require(truth) ((truth) ? (void)0 : abort())

/*
 * replay.c is linked without sanitizers, with counters for the coverage that double the time of
 * small loops; it defines FUZZ_PLAIN, weighs every input, and prints the dearest. What sanitizers
 * and a machine with other work make of a byte nobody knows: a factor of 40.
 */
#ifdef FUZZ_PLAIN
#define FUZZ_BYTE_NS 50
#else
#define FUZZ_BYTE_NS (50 * 40)
#endif
#define FUZZ_WEIGHT 8192  /* bytes that are weighed first */
#define FUZZ_SAMPLE 64	  /* one input of so many is weighed while libFuzzer runs */
#define FUZZ_TRIES  12	  /* other programs only ever add to the time */
#define FUZZ_NOISE  50000 /* ns that nobody minds */

typedef void fuzz_work(void *ctx, const uint8_t *data, size_t size);

static inline uint64_t fuzz_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The same inputs at each run. FUZZ_WEIGH=1 in the environment: all of them. */
static inline bool fuzz_weighed(const uint8_t *data, size_t size)
{
	static int all = -1;
	uint32_t hash = 2166136261;

	if (all < 0)
		all = getenv("FUZZ_WEIGH") != NULL;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 16777619;
	return all || (hash >> 8) % FUZZ_SAMPLE == 0;
}

static inline void fuzz_time(fuzz_work *work, void *ctx, const uint8_t *data, size_t size,
			     uint64_t *least)
{
	uint64_t from = fuzz_clock();

	work(ctx, data, size);
	uint64_t took = fuzz_clock() - from;
	if (took < *least)
		*least = took;
}

/* The dearest byte so far in ns; replay.c prints it. */
extern uint64_t fuzz_dearest __attribute__((weak));

/* One input as it is: `base` ns and at most so many for each byte. */
static inline void fuzz_weigh_once(fuzz_work *work, void *ctx, const uint8_t *data, size_t size,
				   uint64_t base)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < FUZZ_TRIES && least > base + FUZZ_BYTE_NS * size; i++)
		fuzz_time(work, ctx, data, size, &least);
	require(least <= base + FUZZ_BYTE_NS * size);
}

/*
 * The input, repeated: for four times as much at most 2.2 * 2.2 times as long. A bound that half of
 * it is below and all of it above makes one step steeper, but not both.
 */
static inline void fuzz_weigh(fuzz_work *work, void *ctx, const uint8_t *data, size_t size)
{
	uint64_t one = UINT64_MAX, four = UINT64_MAX;
	uint8_t *text;

	if (!size || size > FUZZ_WEIGHT / 8 || !fuzz_weighed(data, size))
		return;
	text = malloc(4 * FUZZ_WEIGHT);
	require(text != NULL);
	for (size_t i = 0; i < 4 * FUZZ_WEIGHT; i++)
		text[i] = data[i % size];
	bool good = false;
	for (int i = 0; i < FUZZ_TRIES && !good; i++) {
		fuzz_time(work, ctx, text, FUZZ_WEIGHT, &one);
		fuzz_time(work, ctx, text, 4 * FUZZ_WEIGHT, &four);
		good = four <= one * 484 / 100 + FUZZ_NOISE &&
		       four <= FUZZ_BYTE_NS * 4 * FUZZ_WEIGHT;
	}
	free(text);
	if (&fuzz_dearest && four / (4 * FUZZ_WEIGHT) > fuzz_dearest)
		fuzz_dearest = four / (4 * FUZZ_WEIGHT);
	if (!good)
		fprintf(stderr, "%d bytes cost %llu ns, %d cost %llu\n", FUZZ_WEIGHT,
			(unsigned long long)one, 4 * FUZZ_WEIGHT, (unsigned long long)four);
	require(good);
}

#endif
