// SPDX-License-Identifier: GPL-2.0-or-later
/* pdu.c and exchange.c with a protocol of tests: a byte of length, then text; answers in order. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/exchange.h"
#include "dissect/pdu.h"
#include "entry.h"

struct toy {
	struct exchanges l;
	struct pdu_stream in[2];
	struct exchange *now[2]; /* by enum dir: what its bytes belong to */
	struct buf told;
	uint64_t stray;
};

static int64_t toy_length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	(void)ctx;
	(void)dir;
	(void)len;
	(void)seen;
	return data[0] ? 1 + data[0] : -EPROTO;
}

static int toy_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct toy *t = ctx;
	enum part part = dir == DIR_WRITE ? PART_REQUEST : PART_RESPONSE;

	t->now[dir] = part == PART_REQUEST ? NULL : exchange_waiting(&t->l);
	if (!t->now[dir])
		t->now[dir] = exchange_new(&t->l);
	return exchange_begin_part(t->now[dir], part, p->offset, p->first_us);
}

static void toy_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now)
{
	struct toy *t = ctx;

	exchange_bytes(t->now[dir], dir != DIR_WRITE, data, len, offset, now);
}

static void toy_gap(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	exchange_gap(((struct toy *)ctx)->now[dir], dir != DIR_WRITE, len, why, now);
}

static int toy_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct toy *t = ctx;
	enum part part = dir == DIR_WRITE ? PART_REQUEST : PART_RESPONSE;
	struct exchange *x = t->now[dir];

	exchange_text(x, part, (const char *)p->data + 1, p->len - 1);
	t->now[dir] = NULL;
	if (!exchange_end_part(&t->l, x, part, p->last_us) && part == PART_RESPONSE &&
	    !x->message[PART_REQUEST])
		exchange_leave_alone(&t->l, x, "the request was not seen");
	return 0;
}

static void toy_stray(void *ctx, enum dir dir, uint64_t len, int64_t now)
{
	(void)dir;
	(void)now;
	((struct toy *)ctx)->stray += len;
}

static const struct pdu_ops toy_ops = {
	.keep = 64,
	.length = toy_length,
	.begin = toy_begin,
	.bytes = toy_bytes,
	.gap = toy_gap,
	.whole = toy_whole,
	.stray = toy_stray,
};

static void toy_fill(const struct exchange *x, struct entry *e)
{
	(void)x;
	e->method = "TOY";
}

static const struct exchange_ops ops = { "toy", sizeof(struct exchange), toy_fill, NULL };

static void told(void *ctx, struct entry *e)
{
	struct toy *t = ctx;

	buf_printf(&t->told, "[%.*s|%.*s|%s|%zu+%zu|%d%d|%s]", (int)e->request_body.len,
		   e->request_body.data, (int)e->response_body.len, e->response_body.data, e->role,
		   (size_t)e->request_size, (size_t)e->response_size, e->part[0].whole,
		   e->part[1].whole, e->reason);
	if (e->open)
		buf_puts(&t->told, "+");
	entry_free(e);
}

struct piece {
	enum dir dir;
	const char *bytes;
	unsigned missing;
};

static void play(const struct piece *pieces, size_t n, size_t cut, const char *expected)
{
	struct toy t = { 0 };
	uint64_t at[2] = { 0, 0 };
	const struct entry_sink sink = { told, &t };

	exchanges_begin(&t.l, &sink, &ops);
	t.l.client = true;
	for (size_t i = 0; i < n; i++) {
		const struct piece *p = &pieces[i];
		size_t len = p->bytes ? strlen(p->bytes) : 0;
		for (size_t done = 0, m; done < len; done += m) {
			m = cut && len - done > cut ? cut : len - done;
			assert_int_equal(pdu_feed(&t.in[p->dir], &toy_ops, &t, p->dir,
						  (const uint8_t *)p->bytes + done, m, at[p->dir],
						  1000, NULL),
					 0);
			at[p->dir] += m;
		}
		if (p->missing)
			pdu_gap(&t.in[p->dir], &toy_ops, &t, p->dir, p->missing, at[p->dir],
				GAP_LOST, 1000);
		at[p->dir] += p->missing;
	}
	exchanges_end(&t.l, "the connection ended");
	assert_string_equal(buf_cstr(&t.told), expected);
	assert_int_equal(t.l.count, 0);
	pdu_free(&t.in[0]);
	pdu_free(&t.in[1]);
	buf_free(&t.told);
}

#define Q DIR_WRITE
#define A DIR_READ
#define PLAY(cut, expected, ...)                                                                   \
	do {                                                                                       \
		static const struct piece p[] = { __VA_ARGS__ };                                   \
		play(p, sizeof(p) / sizeof(*p), cut, expected);                                    \
	} while (0)

static void test_order(void **state)
{
	(void)state;
	for (size_t cut = 0; cut < 8; cut++) {
		PLAY(cut, "[one|eins|client|4+5|11|][two|zwei|client|4+5|11|]", { Q, "\3one" },
		     { A, "\4eins" }, { Q, "\3two" }, { A, "\4zwei" });
		PLAY(cut, "[one|eins|client|4+5|11|][two|zwei|client|4+5|11|]", { Q, "\3one\3two" },
		     { A, "\4eins\4zwei" });
		PLAY(cut, "[one|eins|client|4+5|11|][two||client|4+0|10|the connection ended]",
		     { Q, "\3one\3two" }, { A, "\4eins" });
		PLAY(cut, "[|eins|client|0+5|01|the request was not seen]", { A, "\4eins" });
		PLAY(cut, "[one||client|4+3|10|the answer did not end]", { Q, "\3one" },
		     { A, "\4ei" });
	}
}

/* A known length carries across what is missing; else the next call is looked at. */
static void test_gaps(void **state)
{
	(void)state;
	for (size_t cut = 0; cut < 8; cut++)
		PLAY(cut, "[o|eins|client|4+5|01|2 bytes lost][two|zwei|client|4+5|11|]",
		     { Q, "\3o", 2 }, { A, "\4eins" }, { Q, "\3two" }, { A, "\4zwei" });
	PLAY(0, "[one|eins|client|4+5|11|][two|zwei|client|4+5|11|]", { Q, "\3one", 100 },
	     { A, "\4eins", 7 }, { Q, "\3two" }, { A, "\4zwei" });
}

/* What is long is kept as far as the bound; lengths that tell of more than comes cost nothing. */
static void test_long(void **state)
{
	char q[202];

	(void)state;
	memset(q, 'a', sizeof(q));
	q[0] = (char)200;
	q[201] = 0;
	for (size_t cut = 0; cut < 9; cut++) {
		const struct piece p[] = { { Q, q }, { A, "\2ok" } };
		char expected[200];
		snprintf(expected, sizeof(expected), "[%.63s|ok|client|201+3|11|]", q + 1);
		play(p, 2, cut, expected);
	}
}

/* One that waits too long gives way, and says so. */
static void test_bound(void **state)
{
	struct toy t = { 0 };
	const struct entry_sink sink = { told, &t };

	(void)state;
	exchanges_begin(&t.l, &sink, &ops);
	for (size_t i = 0; i < LIMIT_PIPELINE + 1; i++)
		pdu_feed(&t.in[Q], &toy_ops, &t, Q, (const uint8_t *)"\1q", 2, 2 * i, 1000, NULL);
	assert_string_equal(buf_cstr(&t.told),
			    "[q||server|2+0|10|too many others waited for an answer]");
	assert_int_equal(t.l.count, LIMIT_PIPELINE);
	exchanges_end(&t.l, NULL);
	buf_free(&t.told);
}

/* Told while it goes on, under one number, and once more at its end. */
static void test_live(void **state)
{
	struct toy t = { 0 };
	uint64_t live = 0;
	const struct entry_sink sink = { told, &t, &live, NULL };

	(void)state;
	exchanges_begin(&t.l, &sink, &ops);
	pdu_feed(&t.in[Q], &toy_ops, &t, Q, (const uint8_t *)"\1q", 2, 0, 1000, NULL);
	exchanges_tick(&t.l, 1000);
	assert_int_equal(t.told.len, 0);
	exchanges_tick(&t.l, 1000 + LIMIT_LIVE_MS * 1000);
	assert_string_equal(buf_cstr(&t.told), "[q||server|2+0|10|]+");
	pdu_feed(&t.in[A], &toy_ops, &t, A, (const uint8_t *)"\1a", 2, 0, 9000000, NULL);
	assert_string_equal(buf_cstr(&t.told), "[q||server|2+0|10|]+[|a|server|2+2|11|]");
	assert_int_equal(live, 1);
	buf_free(&t.told);
}

/* Many that wait are found by their key, the oldest of one key first, whichever ended before. */
static void test_keys(void **state)
{
	struct toy t = { 0 };
	const struct entry_sink sink = { told, &t };
	struct exchange *x[600];

	(void)state;
	exchanges_begin(&t.l, &sink, &ops);
	for (size_t i = 0; i < 600; i++) {
		x[i] = exchange_new(&t.l);
		exchange_set_key(&t.l, x[i], i / 2 * 256);
		exchange_begin_part(x[i], PART_REQUEST, i, 1000);
	}
	for (size_t i = 0; i < 600; i += 3)
		exchange_set_key(&t.l, x[i], 1000000 + i);
	for (size_t n = 0, i = 0; n < 600; n++, i = (i + 7) % 600) {
		bool moved = i % 3 == 0;
		uint64_t key = moved ? 1000000 + i : i / 2 * 256;
		/* The other of the pair, where it is older, waits still, and has not moved. */
		struct exchange *older = i % 2 && (i - 1) % 3 && x[i - 1] ? x[i - 1] : NULL;
		assert_ptr_equal(exchange_find(&t.l, key), older && !moved ? older : x[i]);
		exchange_tell(&t.l, x[i]);
		x[i] = NULL;
		if (moved)
			assert_null(exchange_find(&t.l, key));
	}
	assert_int_equal(t.l.count, 0);
	assert_null(t.l.index);
	exchanges_end(&t.l, NULL);
	buf_free(&t.told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_long),  cmocka_unit_test(test_bound),
		cmocka_unit_test(test_live),  cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
