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
 * replay.c is linked without sanitizers, with counters for the coverage, which double the time of
 * small loops; it defines FUZZ_PLAIN, weighs every input, and prints the dearest byte. What
 * sanitizers and a machine with other work make of a byte nobody knows: a factor of 40. What is
 * remembered of many small messages grows out of one cache after the other, where each byte becomes
 * dearer by half: so 2.83 are allowed for a doubling in time; where a parser counts its work
 * (fuzz_redact) it is 2.2.
 */
#ifdef FUZZ_PLAIN
#define FUZZ_BYTE_NS (50 * 2)
#else
#define FUZZ_BYTE_NS (50 * 40)
#endif
#define FUZZ_WEIGHT (32 << 10) /* bytes that are weighed first, before four times as many */
#define FUZZ_RATIO  8	       /* of their times; 16 would be quadratic */
#define FUZZ_INPUT  1024       /* a longer one is not repeated */
#define FUZZ_SAMPLE 64	       /* one of so many is weighed while libFuzzer runs */
#define FUZZ_TRIES  12	       /* other programs only ever add to the time */
#define FUZZ_NOISE  (4000 * FUZZ_BYTE_NS) /* ns that nobody minds */

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

/* The dearest byte so far in ns, and inputs that cost too much; replay.c prints them. */
extern uint64_t fuzz_dearest __attribute__((weak)), fuzz_too_many __attribute__((weak));

static inline void fuzz_too_dear(size_t one, uint64_t one_ns, size_t more, uint64_t more_ns)
{
	fprintf(stderr, "%zu bytes may cost or did cost %llu ns, %zu cost %llu\n", one,
		(unsigned long long)one_ns, more, (unsigned long long)more_ns);
	require(&fuzz_too_many != NULL);
	fuzz_too_many++;
}

/* One input as it is: `base` ns and at most so many for each byte. */
static inline void fuzz_weigh_once(fuzz_work *work, void *ctx, const uint8_t *data, size_t size,
				   uint64_t base)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < FUZZ_TRIES && least > base + FUZZ_BYTE_NS * size; i++)
		fuzz_time(work, ctx, data, size, &least);
	if (least > base + FUZZ_BYTE_NS * size)
		fuzz_too_dear(size, base, size, least);
}

/* The input, repeated: FUZZ_RATIO for four times as much, and FUZZ_BYTE_NS a byte. */
static inline void fuzz_weigh(fuzz_work *work, void *ctx, const uint8_t *data, size_t size)
{
	uint64_t one = UINT64_MAX, four = UINT64_MAX;
	uint8_t *text;

	if (!size || size > FUZZ_INPUT || !fuzz_weighed(data, size))
		return;
	text = malloc(4 * FUZZ_WEIGHT);
	require(text != NULL);
	for (size_t i = 0; i < 4 * FUZZ_WEIGHT; i++)
		text[i] = data[i % size];
	bool good = false;
	for (int i = 0; i < FUZZ_TRIES && !good; i++) {
		fuzz_time(work, ctx, text, FUZZ_WEIGHT, &one);
		fuzz_time(work, ctx, text, 4 * FUZZ_WEIGHT, &four);
		good = four <= one * FUZZ_RATIO + FUZZ_NOISE &&
		       four <= FUZZ_BYTE_NS * 4 * FUZZ_WEIGHT;
	}
	free(text);
	if (&fuzz_dearest && four / (4 * FUZZ_WEIGHT) > fuzz_dearest)
		fuzz_dearest = four / (4 * FUZZ_WEIGHT);
	if (!good)
		fuzz_too_dear(FUZZ_WEIGHT, one, 4 * FUZZ_WEIGHT, four);
}

#endif
