// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random calls of gRPC on one connection, several at once, with messages in both directions whose
 * frames are cut anywhere, with and without drops: what is complete is what was said, message by
 * message, and no message is shown with another call. Seeds are fixed.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2_frames.h"

#include "base/buf.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "items.h"
#include "message.h"

#define CALLS	 24
#define MESSAGES 10

/* What one side says in a call. */
struct side {
	struct buf body;	 /* messages, each behind its length */
	size_t at[MESSAGES + 1]; /* where they begin */
	unsigned count;
	size_t sent; /* of the body, in frames */
	enum { NOTHING, HEAD, ALL } state;
};

struct talk {
	uint64_t seed;
	struct side calls[CALLS][2];
	unsigned count, most; /* calls; of them at once */
	nghttp2_hd_deflater *deflater[2];
	struct buf stream[2]; /* of the client, of the server */
	struct record {
		int side;
		size_t at, len;
	} records[4000];
	size_t record_count, cut[2];
	unsigned told, complete, wrong;
};

static unsigned draw(struct talk *t, unsigned n)
{
	t->seed = t->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(t->seed >> 33) % n;
}

/* Each other byte tells of which call and side it is; no length has a byte that looks so. */
static char symbol(unsigned id, int side)
{
	return (char)(0x80 | id << 1 | (unsigned)side);
}

static void make_messages(struct talk *t, unsigned id, int side)
{
	struct side *s = &t->calls[id][side];

	s->count = draw(t, 3) ? draw(t, 3) : draw(t, MESSAGES + 1);
	for (unsigned n = 0; n < s->count; n++) {
		size_t len = draw(t, draw(t, 5) ? 60 : 3000) & ~(size_t)0x80;
		s->at[n] = s->body.len;
		buf_putc(&s->body, 0);
		h2_put_number(&s->body, (uint32_t)len);
		for (size_t i = 0; i < len; i++)
			buf_putc(&s->body, i % 2 ? (char)(32 + draw(t, 90)) : symbol(id, side));
	}
	s->at[s->count] = s->body.len;
}

static void put_head(struct talk *t, unsigned id, int side, int flags, bool trailers)
{
	char path[32], number[32];
	const char *const asks[] = { ":method: POST",
				     ":scheme: https",
				     path,
				     ":authority: h",
				     "content-type: application/grpc",
				     number };
	const char *const answers[] = { ":status: 200", "content-type: application/grpc", number };
	const char *const ends[] = { "grpc-status: 0", number };
	struct buf block = { 0 };

	snprintf(path, sizeof(path), ":path: /talk.Talk/%u", id);
	snprintf(number, sizeof(number), "x-id: %u", id);
	h2_put_block(t->deflater[side], &block,
		     trailers ? ends
		     : side   ? answers
			      : asks,
		     trailers ? 2
		     : side   ? 3
			      : 6);
	h2_put_frame(&t->stream[side], HEADERS, flags | END_HEADERS, 2 * id + 1, block.data,
		     block.len);
	buf_free(&block);
}

/* The next of what a side says: a head, a frame that ends anywhere, the end. */
static void go_on(struct talk *t, unsigned id, int side)
{
	struct side *s = &t->calls[id][side];
	size_t left = s->body.len - s->sent;

	if (s->state == NOTHING) {
		make_messages(t, id, side);
		put_head(t, id, side, 0, false);
		s->state = HEAD;
		return;
	}
	if (left) {
		size_t n = draw(t, 2) ? left : 1 + draw(t, (unsigned)left);
		h2_put_frame(&t->stream[side], DATA, 0, 2 * id + 1, s->body.data + s->sent, n);
		s->sent += n;
		return;
	}
	if (side)
		put_head(t, id, side, END_STREAM, true);
	else
		h2_put_frame(&t->stream[side], DATA, END_STREAM, 2 * id + 1, NULL, 0);
	s->state = ALL;
}

static void cut(struct talk *t, int side)
{
	while (t->cut[side] < t->stream[side].len && t->record_count < 4000) {
		size_t left = t->stream[side].len - t->cut[side];
		size_t n = draw(t, 3) ? left : 1 + draw(t, 300);
		n = n < left ? n : left;
		t->records[t->record_count++] = (struct record){ side, t->cut[side], n };
		t->cut[side] += n;
	}
}

static void converse(struct talk *t)
{
	unsigned done = 0;

	buf_puts(&t->stream[0], PREFACE);
	for (int i = 0; i < 2; i++)
		h2_put_frame(&t->stream[i], SETTINGS, 0, 0, NULL, 0);
	while (done < t->count) {
		unsigned id = done + draw(t, t->most);
		struct side *s = t->calls[id < t->count ? id : done];
		id = id < t->count ? id : done;
		/* Calls begin one after the other, and are answered while they go on. */
		while (id > done && t->calls[id - 1][0].state == NOTHING)
			s = t->calls[--id];
		int side = s[0].state != NOTHING && (s[0].state == ALL || draw(t, 2));
		if (side)
			cut(t, 0);
		if (s[side].state != ALL)
			go_on(t, id, side);
		if (!draw(t, 3))
			cut(t, side);
		while (done < t->count && t->calls[done][0].state == ALL &&
		       t->calls[done][1].state == ALL)
			done++;
	}
	cut(t, 0);
	cut(t, 1);
}

static void blame(struct talk *t, const struct entry *e, const char *what)
{
	if (!t->wrong++)
		print_error("%s: %s (%s)\n", what, e->path, e->reason);
}

static bool is_of(const struct buf *b, unsigned id, int side)
{
	for (size_t i = 0; i < b->len; i++)
		if ((uint8_t)b->data[i] >= 0x80 && b->data[i] != symbol(id, side))
			return false;
	return true;
}

/* Is it the n-th that this side said, whole? */
static bool is_message(const struct side *s, unsigned n, const struct item *i)
{
	size_t from = n < s->count ? s->at[n] + 5 : 0;

	return n < s->count && i->content.bytes.len == s->at[n + 1] - from &&
	       (!i->content.bytes.len ||
		!memcmp(i->content.bytes.data, s->body.data + from, i->content.bytes.len));
}

static void judge_messages(struct talk *t, const struct entry *e, unsigned id)
{
	unsigned n[2] = { 0 };
	int64_t last[2] = { 0 };

	for (const struct item *i = e->items ? e->items->first : NULL; i; i = i->next) {
		int side = i->from == ITEM_SERVER;
		if (!is_of(&i->content.bytes, id, side))
			blame(t, e, "a message of another call");
		if (i->time_us < last[side])
			blame(t, e, "messages out of order");
		last[side] = i->time_us;
		if (e->complete && !is_message(&t->calls[id][side], n[side], i))
			blame(t, e, "complete, and a message is not as it was said");
		n[side]++;
	}
	for (int side = 0; side < 2; side++)
		if (e->complete && n[side] != t->calls[id][side].count)
			blame(t, e, "complete, and messages are missing");
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static void judge(void *ctx, struct entry *e)
{
	struct talk *t = ctx;
	static const char before[] = "/talk.Talk/";
	bool named = !strncmp(e->path, before, strlen(before));
	unsigned id = named ? (unsigned)atoi(e->path + strlen(before)) : 0;
	struct side *s = t->calls[id];

	t->told += !e->open;
	if (!named && e->complete && !e->open)
		blame(t, e, "complete without a name");
	if (named && !e->open) {
		if (!is_of(&e->request_body, id, 0) || !is_of(&e->response_body, id, 1))
			blame(t, e, "bytes of another call");
		judge_messages(t, e, id);
		bool as_said = !strcmp(e->protocol, "grpc") && !strcmp(e->status, "0 OK") &&
			       same(&e->request_body, &s[0].body) &&
			       same(&e->response_body, &s[1].body);
		if (e->complete && !as_said)
			blame(t, e, "complete, and not as it was said");
		t->complete += e->complete;
	}
	entry_free(e);
}

/* `loss` of 1000 records are dropped. */
static void play(struct talk *t, unsigned loss)
{
	struct live_use use = { 0 };
	uint64_t live = 0;
	const struct entry_sink sink = { judge, t, &live, &use };
	const struct conn_hint hint = { .opener_known = true, .opener = DIR_WRITE };
	struct dissection *d = dissect_open(&sink, &hint);
	int64_t now = 1000000;

	for (size_t i = 0; i < t->record_count; i++) {
		const struct record *r = &t->records[i];
		enum dir dir = r->side ? DIR_READ : DIR_WRITE;
		now += 1000;
		if (i > 3 && draw(t, 1000) < loss)
			dissect_gap(d, dir, r->len, GAP_LOST, now);
		else
			dissect_feed(d, dir, (uint8_t *)t->stream[r->side].data + r->at, r->len,
				     r->at, now);
	}
	dissect_close(d, now);
	assert_int_equal(use.open, 0);
}

struct sum {
	unsigned long calls, complete, wrong;
};

static struct sum run(unsigned seeds, unsigned loss)
{
	static struct talk t;
	struct sum sum = { 0 };

	for (unsigned seed = 1; seed <= seeds; seed++) {
		memset(&t, 0, sizeof(t));
		t.seed = seed * 2654435761U + loss;
		t.count = 1 + draw(&t, CALLS);
		t.most = 1 + draw(&t, 8);
		for (int i = 0; i < 2; i++)
			assert_int_equal(nghttp2_hd_deflate_new(&t.deflater[i], 4096), 0);
		converse(&t);
		play(&t, loss);
		sum.calls += t.count;
		sum.complete += t.complete;
		sum.wrong += t.wrong;
		for (int i = 0; i < 2; i++) {
			nghttp2_hd_deflate_del(t.deflater[i]);
			buf_free(&t.stream[i]);
			for (unsigned id = 0; id < t.count; id++)
				buf_free(&t.calls[id][i].body);
		}
	}
	print_message("# %u of 1000 records lost: %lu calls, %lu complete\n", loss, sum.calls,
		      sum.complete);
	return sum;
}

static void test_whole(void **state)
{
	(void)state;
	struct sum s = run(1000, 0);
	assert_int_equal(s.wrong, 0);
	assert_int_equal(s.complete, s.calls);
}

static void test_lost(void **state)
{
	static const unsigned losses[] = { 5, 20, 60, 200 };

	(void)state;
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		struct sum s = run(600, losses[i]);
		assert_int_equal(s.wrong, 0);
		/* Not by telling nothing. */
		assert_true(i || 2 * s.complete > s.calls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_whole),
					    cmocka_unit_test(test_lost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
