// SPDX-License-Identifier: GPL-2.0-or-later
/* TCP bytes in order (wire/reassemble.h). */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/share.h"
#include "wire/reassemble.h"

#define STREAM	 60000
#define ROUNDS	 400
#define SEGMENTS 3000

/* What came out; missing bytes are 0xee. */
struct got {
	uint8_t bytes[4 * STREAM];
	uint64_t len, missing;
	struct reassemble_counts counts;
	struct common all;
	struct share share;
	struct reassemble r;
	struct reassemble_to to;
};

static void on_bytes(void *ctx, uint64_t offset, const uint8_t *bytes, size_t len)
{
	struct got *g = ctx;

	assert_true(len > 0);
	assert_int_equal(offset, g->len);
	if (g->len + len <= sizeof(g->bytes))
		memcpy(g->bytes + g->len, bytes, len);
	g->len += len;
}

static void on_gap(void *ctx, uint64_t offset, uint64_t len)
{
	struct got *g = ctx;

	assert_true(len > 0);
	assert_int_equal(offset, g->len);
	if (g->len + len <= sizeof(g->bytes))
		memset(g->bytes + g->len, 0xee, len);
	g->len += len;
	g->missing += len;
}

static struct got *begin(void)
{
	struct got *g = calloc(1, sizeof(*g));

	g->share = (struct share){ .of = &g->all, .holder = g };
	g->to = (struct reassemble_to){
		.bytes = on_bytes, .gap = on_gap, .ctx = g, .share = &g->share, .counts = &g->counts
	};
	return g;
}

/* Nothing may be left on anybody's account. */
static void end(struct got *g)
{
	reassemble_free(&g->r, &g->share);
	assert_int_equal(g->all.taken, 0);
	free(g);
}

static void give(struct got *g, uint32_t seq, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	reassemble_segment(&g->r, &g->to, seq, copy, len);
	free(copy);
}

static uint64_t seed = 88172645463325252ULL;

static uint32_t below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % n;
}

struct cut {
	uint32_t at, len;
};

/* All of the stream in pieces that may overlap, some of them twice. */
static size_t cut_up(struct cut *cuts)
{
	size_t n = 0;

	for (uint32_t at = 0; at < STREAM && n < SEGMENTS;) {
		uint32_t len = 1 + below(below(4) ? 1460 : 20),
			 back = below(3) ? 0 : below(len + 1);
		uint32_t from = back < at ? at - back : 0;
		len = from + len > STREAM ? STREAM - from : len;
		cuts[n++] = (struct cut){ from, len };
		if (!below(5) && n < SEGMENTS) {
			const struct cut again = cuts[below((uint32_t)n)];
			cuts[n++] = again;
		}
		if (from + len > at)
			at = from + len;
	}
	return n;
}

/* Each changes places with one up to `reach` behind it. */
static void shuffle(struct cut *cuts, size_t n, uint32_t reach)
{
	for (size_t i = 0; i < n; i++) {
		size_t j = i + below(reach);
		if (j >= n)
			continue;
		struct cut c = cuts[i];
		cuts[i] = cuts[j];
		cuts[j] = c;
	}
}

/* However they are cut, sent again and reordered, the bytes are the same. */
static void test_same_bytes(void **state)
{
	static uint8_t stream[STREAM];
	static struct cut cuts[SEGMENTS];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t first = round % 3 ? below(UINT32_MAX) : UINT32_MAX - below(STREAM);
		struct got *g = begin();
		size_t n = cut_up(cuts);

		for (size_t i = 0; i < STREAM; i++)
			stream[i] = (uint8_t)below(256);
		shuffle(cuts, n, 1 + below(60));
		reassemble_begin(&g->r, first);
		for (size_t i = 0; i < n; i++)
			give(g, first + cuts[i].at, stream + cuts[i].at, cuts[i].len);
		reassemble_end(&g->r, &g->to);
		uint64_t had = n == SEGMENTS ? g->len : STREAM;
		assert_int_equal(g->len, had);
		assert_int_equal(g->missing, 0);
		assert_memory_equal(g->bytes, stream, g->len);
		assert_int_equal(g->counts.differ, 0);
		assert_int_equal(g->counts.out_of_window, 0);
		end(g);
	}
}

/* The first copy wins, whether it waits, was told, or is cut otherwise; the other is counted. */
static void test_other_content(void **state)
{
	struct got *g = begin();

	(void)state;
	reassemble_begin(&g->r, 1000);
	give(g, 1000, "abcd", 4);
	give(g, 1000, "abcd", 4);
	assert_int_equal(g->counts.differ, 0);
	give(g, 1002, "XXef", 4); /* told before */
	assert_int_equal(g->counts.differ, 1);
	give(g, 1010, "klmn", 4);
	give(g, 1008, "ijYYYYop", 8); /* waits */
	assert_int_equal(g->counts.differ, 2);
	give(g, 1006, "ghZZ", 4); /* in order, over one that waits */
	assert_int_equal(g->counts.differ, 3);
	reassemble_end(&g->r, &g->to);
	assert_int_equal(g->len, 16);
	assert_memory_equal(g->bytes, "abcdefghijklmnop", 16);
	assert_int_equal(g->counts.again, 4 + 2 + 4 + 2);
	end(g);
}

/* Random lies about bytes that came change nothing, and each is found. */
static void test_lies(void **state)
{
	static uint8_t stream[STREAM];

	(void)state;
	for (size_t i = 0; i < STREAM; i++)
		stream[i] = (uint8_t)below(256);
	for (int round = 0; round < ROUNDS / 4; round++) {
		struct got *g = begin();
		uint64_t lies = 0;

		reassemble_begin(&g->r, 7);
		for (uint32_t at = 0; at < STREAM;) {
			uint32_t len = 1 + below(1000);
			len = at + len > STREAM ? STREAM - at : len;
			give(g, 7 + at, stream + at, len);
			at += len;
			uint32_t back =
				1 + below(at < LIMIT_REASSEMBLE_PAST ? at : LIMIT_REASSEMBLE_PAST);
			uint8_t lie[1];
			lie[0] = (uint8_t)(stream[at - back] ^ (1 + below(255)));
			give(g, 7 + at - back, lie, 1);
			lies++;
		}
		assert_int_equal(g->counts.differ, lies);
		assert_memory_equal(g->bytes, stream, STREAM);
		end(g);
	}
}

/* What will not come any more is told as missing, up to where that is known. */
static void test_lost(void **state)
{
	struct got *g = begin();

	(void)state;
	assert_true(reassemble_has(&g->r, 77)); /* nothing is known of it */
	reassemble_begin(&g->r, 0);
	give(g, 0, "ab", 2);
	give(g, 5, "fg", 2);
	assert_true(reassemble_has(&g->r, 2));
	assert_false(reassemble_has(&g->r, 3));
	give(g, 2, "cde", 3); /* it was only late */
	assert_int_equal(g->len, 7);
	give(g, 10, "kl", 2);
	give(g, 15, "pq", 2);
	reassemble_lose(&g->r, &g->to, 12);
	assert_int_equal(g->len, 12);
	assert_int_equal(g->missing, 3);
	reassemble_lose(&g->r, &g->to, 14); /* not all of the hole */
	assert_int_equal(g->len, 14);
	give(g, 14, "o", 1);
	assert_int_equal(g->len, 17);
	reassemble_lose(&g->r, &g->to, 20); /* nothing waits, and yet there was more */
	reassemble_lose(&g->r, &g->to, 18); /* an older word */
	assert_int_equal(g->len, 20);
	assert_int_equal(g->missing, 3 + 2 + 3);
	assert_int_equal(g->counts.gaps, 3);
	assert_int_equal(g->counts.lost, 8);
	end(g);
}

/* What waits is bounded in bytes and in pieces, whatever comes. */
static void test_bounds(void **state)
{
	static uint8_t bytes[1024];
	struct got *g = begin();

	(void)state;
	reassemble_begin(&g->r, 0);
	for (uint32_t i = 0; i < 3 * LIMIT_REASSEMBLE_PIECES; i++) {
		give(g, 1 + 3 * i, "x", 1);
		assert_true(g->r.count <= LIMIT_REASSEMBLE_PIECES);
	}
	assert_true(g->counts.gave_up > 0);
	end(g);
	g = begin();
	reassemble_begin(&g->r, 0);
	size_t most = 0;
	for (uint32_t i = 0; i < 900; i++) {
		for (uint32_t k = 0; k < 4; k++)
			give(g, 1 + (4 * i + k) * 1024 + i, bytes, 1024);
		most = g->r.held > most ? g->r.held : most;
		assert_true(g->r.held <= LIMIT_REASSEMBLE_HELD);
	}
	assert_true(most > LIMIT_REASSEMBLE_HELD / 4);
	end(g);
}

/* Who has his share of what all have waits for nothing more, and the others go on. */
static void test_share(void **state)
{
	static uint8_t bytes[1024];
	struct got *g = begin(), *other = begin();

	(void)state;
	other->share.of = &g->all;
	g->share.of = &g->all;
	share_change(&g->share, 0, LIMIT_REASSEMBLE_ALL / 2); /* by his other connections */
	reassemble_begin(&g->r, 0);
	reassemble_begin(&other->r, 0);
	give(g, 10, bytes, 1024);
	give(other, 10, bytes, 1024);
	assert_int_equal(g->r.count, 0);
	assert_int_equal(g->counts.gave_up, 1);
	assert_int_equal(g->missing, 10);
	assert_int_equal(other->r.count, 1);
	share_change(&g->share, LIMIT_REASSEMBLE_ALL / 2, 0);
	reassemble_free(&other->r, &other->share);
	free(other);
	end(g);
}

/* A segment from elsewhere is counted, and harms nothing. */
static void test_window(void **state)
{
	struct got *g = begin();

	(void)state;
	give(g, 5000, "abc", 3); /* joined: this is the first */
	give(g, 4000, "zzz", 3); /* before it */
	give(g, 5003 + LIMIT_REASSEMBLE_WINDOW + 1, "zzz", 3);
	assert_int_equal(g->counts.out_of_window, 2);
	give(g, 5003, "def", 3);
	reassemble_end(&g->r, &g->to);
	assert_int_equal(g->len, 6);
	assert_memory_equal(g->bytes, "abcdef", 6);
	end(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_other_content),
		cmocka_unit_test(test_lies),	   cmocka_unit_test(test_lost),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_share),
		cmocka_unit_test(test_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
