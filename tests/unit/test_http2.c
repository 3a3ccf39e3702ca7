// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HTTP/2 with random conversations of many streams, whose header blocks nghttp2 makes: with and
 * without losses, joined late, cut anywhere, as both ends see them. Seeds are fixed.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2_frames.h"

#include "base/buf.h"
#include "base/limits.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"

#define STREAMS 60
#define RECORDS 4000

/* Conversations */

struct exchange {
	bool told;
	struct buf body[2];
	unsigned sent[2]; /* 0 nothing, 1 head, 2 all */
	bool reset;
};

struct record {
	enum dir dir;
	size_t offset, len, kept;
	bool lost;
};

struct talk {
	uint64_t seed;
	unsigned loss; /* of 1000 records */
	struct exchange x[STREAMS];
	size_t count, most;
	nghttp2_hd_deflater *deflater[2];
	struct buf stream[2]; /* of the client, of the server */
	size_t cut[2];
	struct record records[RECORDS];
	size_t record_count;
	enum dir client;
	size_t skip;   /* records that nobody saw, since it is joined late */
	bool imitates; /* bodies are made of frames of other streams */
	size_t complete, wrong, told;
};

static unsigned draw(struct talk *t, unsigned n)
{
	t->seed = t->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(t->seed >> 33) % n;
}

/* Each other byte tells of which stream and direction it is. */
static uint8_t symbol(size_t id, int side)
{
	return (uint8_t)(0x80 | id << 1 | (unsigned)side);
}

static void cut_records(struct talk *t, int side)
{
	struct buf *b = &t->stream[side];

	while (t->cut[side] < b->len && t->record_count < RECORDS) {
		struct record *r = &t->records[t->record_count++];
		size_t left = b->len - t->cut[side], n = draw(t, 2) ? left : 1 + draw(t, 400);
		*r = (struct record){ .dir = side ? !t->client : t->client,
				      .offset = t->cut[side],
				      .len = n < left ? n : left };
		r->kept = draw(t, 1000) < t->loss / 3 ? draw(t, (unsigned)r->len) : r->len;
		r->lost = draw(t, 1000) < t->loss;
		t->cut[side] += r->len;
	}
}

/* A frame with or without padding and priority. */
static void put_padded(struct talk *t, struct buf *out, int type, int flags, uint32_t stream,
		       const void *data, size_t len)
{
	struct buf b = { 0 };
	unsigned pad = draw(t, 4) ? 0 : 1 + draw(t, 20);
	bool priority = type == HEADERS && !draw(t, 3);

	if (pad)
		buf_putc(&b, (char)(pad - 1));
	if (priority)
		buf_put(&b, "\0\0\0\3\x10", 5);
	buf_put(&b, data, len);
	for (unsigned i = 1; i < pad; i++)
		buf_putc(&b, 0);
	h2_put_frame(out, type, flags | (pad ? PADDED : 0) | (priority ? WITH_PRIORITY : 0), stream,
		     b.data, b.len);
	buf_free(&b);
}

/* Fields of a head, all of which say what stream it is of, or are such as repeat. */
static void put_head(struct talk *t, int side, size_t id, const char *first, int flags)
{
	char lines[12][80], *p[12];
	const char *all[12];
	size_t n = 0;
	struct buf block = { 0 };

	for (size_t i = 0; i < 12; i++)
		p[i] = lines[i];
	if (!strcmp(first, "request")) {
		snprintf(p[n++], 80, ":method: %s", id % 3 ? "POST" : "PUT");
		snprintf(p[n++], 80, ":scheme: https");
		snprintf(p[n++], 80, ":authority: host%u", draw(t, 2));
		snprintf(p[n++], 80, ":path: /%zu", id);
	} else if (*first) {
		snprintf(p[n++], 80, ":status: %s", first);
	}
	snprintf(p[n++], 80, "x-id: %zu", id);
	for (unsigned more = draw(t, 4); more; more--)
		snprintf(p[n++], 80, "x-%u: value %u", draw(t, 6), draw(t, 3));
	for (size_t i = 0; i < n; i++)
		all[i] = p[i];
	h2_put_block(t->deflater[side], &block, all, n);
	struct buf *out = &t->stream[side];
	size_t part = draw(t, 3) ? block.len : 1 + draw(t, (unsigned)block.len);
	put_padded(t, out, HEADERS, flags | (part == block.len ? END_HEADERS : 0),
		   (uint32_t)(2 * id + 1), block.data, part);
	while (part < block.len) {
		size_t len = 1 + draw(t, (unsigned)(block.len - part));
		h2_put_frame(out, CONTINUATION, part + len == block.len ? END_HEADERS : 0,
			     (uint32_t)(2 * id + 1), block.data + part, len);
		part += len;
	}
	buf_free(&block);
}

static void put_content(struct talk *t, struct buf *out, int side, size_t id, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_putc(out, i % 2 ? (char)(32 + draw(t, 90)) : (char)symbol(id, side));
}

/* What looks like a frame of any stream; what is in it tells whose body it is in. */
static void put_imitation(struct talk *t, struct buf *out, int side, size_t id)
{
	uint32_t stream = 2 * draw(t, (unsigned)t->count) + 1;
	int end = draw(t, 4) ? 0 : END_STREAM;
	struct buf b = { 0 };

	if (draw(t, 3)) {
		put_content(t, &b, side, id, draw(t, 90));
		h2_put_frame(out, DATA, end, stream, b.data, b.len);
	} else {
		/* :status: 200, x-id: its own */
		buf_printf(&b, "%c%c200%c%cx-id%c%02zu", 8, 3, 0x10, 4, 2, id);
		h2_put_frame(out, HEADERS, end | END_HEADERS, stream, b.data, b.len);
	}
	buf_free(&b);
}

static void put_data(struct talk *t, int side, size_t id, int flags)
{
	struct buf b = { 0 };
	bool frames = t->imitates && draw(t, 4);
	size_t most = !frames ? draw(t, 300) : draw(t, 10) ? draw(t, 3000) : 16000;
	/* One behind the other, or with something between them. */
	unsigned between = draw(t, 2) ? 0 : 1 + draw(t, 200);

	while (frames && b.len + 200 + between < most) {
		put_imitation(t, &b, side, id);
		put_content(t, &b, side, id, between ? draw(t, between) : 0);
	}
	if (!frames)
		put_content(t, &b, side, id, most);
	buf_put(&t->x[id].body[side], b.data, b.len);
	put_padded(t, &t->stream[side], DATA, flags, (uint32_t)(2 * id + 1), b.data, b.len);
	buf_free(&b);
}

/* One side of a stream goes on. */
static void go_on(struct talk *t, int side, size_t id)
{
	struct exchange *x = &t->x[id];
	bool end = !draw(t, 3);

	if (!x->sent[side]) {
		if (side && !draw(t, 5))
			put_head(t, side, id, "103", 0);
		end &= draw(t, 2);
		put_head(t, side, id, side ? "200" : "request", end ? END_STREAM : 0);
		x->sent[side] = 1;
	} else if (end && !draw(t, 3)) {
		put_head(t, side, id, "", END_STREAM);
	} else {
		put_data(t, side, id, end ? END_STREAM : 0);
	}
	if (end)
		x->sent[side] = 2;
}

static void put_control(struct talk *t, int side)
{
	static const uint8_t update[4] = { 0, 0, 1, 0 }, ping[8] = { 1, 2, 3 };

	if (draw(t, 2))
		h2_put_frame(&t->stream[side], WINDOW_UPDATE, 0, 0, update, 4);
	else
		h2_put_frame(&t->stream[side], PING, draw(t, 2), 0, ping, 8);
}

static void converse(struct talk *t)
{
	size_t begun = 0, done = 0;

	h2_put_frame(&t->stream[1], SETTINGS, 0, 0, NULL, 0);
	buf_puts(&t->stream[0], PREFACE);
	h2_put_frame(&t->stream[0], SETTINGS, 0, 0, "\0\3\0\0\0\x64", 6);
	while (done < t->count) {
		size_t id = done + draw(t, (unsigned)t->most);
		if (id >= begun)
			id = begun < t->count && begun - done < t->most ? begun : done;
		struct exchange *x = &t->x[id];
		begun += id == begun;
		int side = x->sent[0] && (x->sent[0] == 2 || draw(t, 2));
		if (side) /* it has read what it answers */
			cut_records(t, 0);
		if (x->sent[side] < 2)
			go_on(t, side, id);
		if (!draw(t, 10))
			put_control(t, (int)draw(t, 2));
		if (!draw(t, 3))
			cut_records(t, side);
		while (done < begun && t->x[done].sent[0] == 2 && t->x[done].sent[1] == 2)
			done++;
	}
	cut_records(t, 0);
	cut_records(t, 1);
}

static long field(const struct message *m, const char *name)
{
	for (size_t i = 0; m && i < m->headers.count; i++) {
		struct text n = m->headers.list[i].name, v = m->headers.list[i].value;
		char text[16] = "";
		if (n.len != strlen(name) || memcmp(n.data, name, n.len))
			continue;
		memcpy(text, v.data, v.len < 15 ? v.len : 15);
		return strtol(text, NULL, 10);
	}
	return -1;
}

static bool is_of(const struct buf *body, long id, int side)
{
	for (size_t i = 0; i < body->len; i++)
		if ((uint8_t)body->data[i] >= 0x80 &&
		    (uint8_t)body->data[i] != symbol((size_t)id, side))
			return false;
	return true;
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static unsigned shown;

static void blame(struct talk *t, const struct entry *e, const char *what)
{
	if (!t->wrong++ && shown++ < 10)
		print_error("seed %llu: %s: %s %s (%s)\n", (unsigned long long)t->seed, what,
			    e->method, e->path, e->reason);
}

static void judge(void *ctx, struct entry *e)
{
	struct talk *t = ctx;
	long path = *e->path == '/' ? strtol(e->path + 1, NULL, 10) : -1;
	long ids[3] = { path, field(e->message[0], "x-id"), field(e->message[1], "x-id") };
	long id = -1;

	for (int i = 0; i < 3; i++) {
		if (ids[i] >= 0 && id >= 0 && ids[i] != id)
			blame(t, e, "fields of two streams");
		id = ids[i] >= 0 ? ids[i] : id;
	}
	if (strcmp(e->protocol, "http2") != 0) {
		t->wrong += !t->loss && !t->skip;
	} else if (id >= 0 && !strstr(e->reason, "which side asks is not known")) {
		if (!is_of(&e->request_body, id, 0) || !is_of(&e->response_body, id, 1))
			blame(t, e, "bytes of another stream");
		struct exchange *x = &t->x[id];
		if (e->complete && !e->open && (x->told || path < 0 || ids[1] < 0 || ids[2] < 0))
			blame(t, e, "complete, but for its fields, or once more");
		if (e->complete && !e->open &&
		    (!same(&e->request_body, &x->body[0]) || !same(&e->response_body, &x->body[1])))
			blame(t, e, "complete, and not as sent");
		t->complete += e->complete && !e->open;
		x->told |= e->complete && !e->open;
	} else if (e->complete && !e->open) {
		blame(t, e, "complete without a name");
	}
	if (getenv("SHOW") && !e->complete)
		print_error("%s %s: %s\n", e->method, e->path, e->reason);
	t->told++;
	entry_free(e);
}

/* By the dissector alone, or by what finds out first which one it is. */
struct player {
	struct dissection *d;
	void *state;
};

static void player_open(struct player *p, bool direct, const struct entry_sink *sink,
			const struct conn_hint *hint)
{
	*p = (struct player){ 0 };
	if (direct)
		p->state = dissect_http2.open(sink, hint);
	else
		p->d = dissect_open(sink, hint);
}

static void player_feed(struct player *p, enum dir dir, const void *data, size_t len, size_t offset,
			int64_t now)
{
	uint8_t *copy = malloc(len);

	memcpy(copy, data, len);
	if (p->d)
		dissect_feed(p->d, dir, copy, len, offset, now);
	else
		assert_int_equal(dissect_http2.feed(p->state, dir, copy, len, offset, now), 0);
	free(copy);
}

static void player_gap(struct player *p, enum dir dir, size_t len, size_t offset, enum gap_why why,
		       int64_t now)
{
	if (p->d)
		dissect_gap(p->d, dir, len, why, now);
	else
		assert_int_equal(dissect_http2.gap(p->state, dir, len, offset, why, now), 0);
}

static void player_close(struct player *p, int64_t now)
{
	if (p->d)
		dissect_close(p->d, now);
	else
		dissect_http2.close(p->state, now);
}

static void play(struct talk *t, const struct entry_sink *sink, bool direct, size_t every,
		 bool other_end)
{
	const struct conn_hint hint = { .mid_stream = t->skip > 0,
					.opener_known = t->skip > 0,
					.opener = t->client ^ other_end };
	struct player p;
	size_t at[2] = { 0 };
	int64_t now = 1000000;

	player_open(&p, direct, sink, &hint);
	for (size_t i = t->skip; i < t->record_count; i++) {
		const struct record *r = &t->records[i];
		const struct buf *b = &t->stream[r->dir != t->client];
		enum dir dir = r->dir ^ other_end;
		now += 1000;
		if (r->lost)
			continue;
		if (r->offset > at[r->dir] && (at[r->dir] || !t->skip))
			player_gap(&p, dir, r->offset - at[r->dir], at[r->dir], GAP_LOST, now);
		for (size_t n, j = 0; j < r->kept; j += n) {
			n = every && every < r->kept - j ? every : r->kept - j;
			player_feed(&p, dir, b->data + r->offset + j, n, r->offset + j, now);
		}
		if (r->kept < r->len)
			player_gap(&p, dir, r->len - r->kept, r->offset + r->kept, GAP_TRUNCATED,
				   now);
		at[r->dir] = r->offset + r->len;
	}
	player_close(&p, now);
}

static void talk_begin(struct talk *t, uint64_t seed, unsigned loss, bool imitates)
{
	memset(t, 0, sizeof(*t));
	t->imitates = imitates;
	t->seed = seed * 2654435761U;
	t->loss = loss;
	t->client = draw(t, 2) ? DIR_WRITE : DIR_READ;
	t->count = 1 + draw(t, draw(t, 2) ? STREAMS : 5);
	t->most = 1 + draw(t, 20);
	for (int i = 0; i < 2; i++)
		assert_int_equal(nghttp2_hd_deflate_new(&t->deflater[i], draw(t, 2) ? 4096 : 200),
				 0);
	converse(t);
}

static void talk_end(struct talk *t)
{
	for (int i = 0; i < 2; i++) {
		nghttp2_hd_deflate_del(t->deflater[i]);
		buf_free(&t->stream[i]);
		for (size_t id = 0; id < t->count; id++)
			buf_free(&t->x[id].body[i]);
	}
}

static struct talk t;

struct sum {
	size_t exchanges, complete, wrong;
};

static struct sum run(uint64_t seeds, unsigned loss, bool late, bool imitates)
{
	struct sum sum = { 0 };

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		talk_begin(&t, seed * 1000 + loss, loss, imitates);
		uint64_t live = 0;
		struct live_use use = { 0 };
		const struct entry_sink sink = { judge, &t, &live, &use };
		t.skip = late ? 1 + draw(&t, (unsigned)t.record_count) : 0;
		play(&t, &sink, false, 0, false);
		sum.exchanges += t.count;
		sum.complete += t.complete;
		sum.wrong += t.wrong;
		talk_end(&t);
	}
	print_message("# %u of 1000 records lost%s%s: %zu exchanges, %zu complete, %zu wrong\n",
		      loss, late ? ", joined late" : "", imitates ? ", bodies of frames" : "",
		      sum.exchanges, sum.complete, sum.wrong);
	return sum;
}

/* Nothing is lost: every stream is an entry with all that was sent. */
static void test_whole(void **state)
{
	(void)state;
	struct sum s = run(1000, 0, false, false);
	assert_int_equal(s.complete, s.exchanges);
	assert_int_equal(s.wrong, 0);
}

/* What is complete is as it was sent, and nothing is shown with another stream. */
static void test_lost(void **state)
{
	static const unsigned losses[] = { 5, 20, 60, 200, 500, 800 };
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		struct sum s = run(500, losses[i], false, false);
		wrong += s.wrong;
		/* Frames are found again, and what begins then is whole. */
		assert_true(i || 10 * s.complete > 7 * s.exchanges);
	}
	assert_int_equal(wrong, 0);
}

/* Bodies that are made of what looks like frames of other streams, wherever a loss may end in them.
 */
static void test_imitations(void **state)
{
	static const unsigned losses[] = { 5, 20, 60, 200 };
	size_t wrong = 0;

	(void)state;
	struct sum whole = run(200, 0, false, true);
	assert_int_equal(whole.complete, whole.exchanges);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		wrong += run(500, losses[i], false, true).wrong;
	assert_int_equal(wrong, 0);
}

static void test_late(void **state)
{
	(void)state;
	size_t wrong = run(1000, 0, true, false).wrong + run(500, 60, true, false).wrong;
	assert_int_equal(wrong, 0);
}

static void dump(void *ctx, struct entry *e)
{
	struct buf *out = ctx;

	for (int i = 0; i < 2; i++) {
		const struct entry_part *p = &e->part[i];
		buf_printf(out, "%d%d %zu+%zu %zx ", p->seen, p->whole, (size_t)p->offset,
			   (size_t)p->length, (size_t)p->digest);
	}
	assert_int_equal(entry_write_detail(e), 0);
	buf_printf(out, "%s %d %d\n", e->reason, e->from_start, e->complete);
	buf_put(out, e->detail.data, e->detail.len);
	buf_put(out, e->request_body.data, e->request_body.len);
	buf_put(out, e->response_body.data, e->response_body.len);
	entry_free(e);
}

static void fail_at_difference(uint64_t seed, int way, const struct buf *a, const struct buf *b)
{
	size_t i = 0;

	while (i < a->len && i < b->len && a->data[i] == b->data[i])
		i++;
	size_t from = i < 300 ? 0 : i - 300;
	print_error("%.*s\n", (int)(a->len - from < 500 ? a->len - from : 500), a->data + from);
	print_error("%.*s\n", (int)(b->len - from < 500 ? b->len - from : 500), b->data + from);
	fail_msg("seed %zu, way %d: the second is as it is in one piece", (size_t)seed, way);
}

/* Whatever was lost: how the bytes are cut makes no difference, and both ends say the same. */
static void test_cuts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 300; seed++) {
		struct buf out[4] = { 0 };
		talk_begin(&t, seed, seed % 3 ? (unsigned)seed : 0, seed % 2);
		for (int i = 0; i < 4; i++) {
			const struct entry_sink sink = { dump, &out[i] };
			play(&t, &sink, true, i == 1 ? 1 : i == 2 ? 7 : 0, i == 3);
		}
		for (int i = 1; i < 4; i++)
			if (!same(&out[0], &out[i]))
				fail_at_difference(seed, i, &out[i], &out[0]);
		for (int i = 0; i < 4; i++)
			buf_free(&out[i]);
		talk_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	   cmocka_unit_test(test_lost),
		cmocka_unit_test(test_imitations), cmocka_unit_test(test_late),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
