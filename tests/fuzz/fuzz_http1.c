// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both directions of a connection: bytes are data but for F5 (the other direction), F6 and F7 (a
 * gap, lost or truncated, of the length that follows), F8 (silence), F9 (a cut) and FA (time passes
 * and what goes on is told). What comes out must be JSON, must not account for more bytes than
 * there were, and must be the same for bytes one by one; in the end also without having been told
 * before.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "fuzz.h"
#include "message.h"

struct outcome {
	struct buf dump;
	struct buf last; /* what is told last of each exchange, without bodies */
	int64_t sizes, lost, truncated;
};

/* `written`: by the dissector, as text. */
static void check_side(json_t *detail, const char *side, const struct buf *body, int64_t size,
		       bool kept, bool written)
{
	json_t *object = json_object_get(detail, side);
	json_int_t stored = json_integer_value(json_object_get(object, "body_stored"));
	json_int_t body_size = json_integer_value(json_object_get(object, "body_size"));

	require(kept ? !body->len : (size_t)stored == body->len);
	require(body_size >= stored && (written || size >= body_size));
}

static void look_at(void *ctx, struct entry *e)
{
	struct outcome *o = ctx;
	bool written[2] = { e->message[0] && e->message[0]->rendered,
			    e->message[1] && e->message[1]->rendered };
	require(entry_write_detail(e) == 0);
	json_t *detail = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);

	require(detail != NULL);
	check_side(detail, "request", &e->request_body, e->request_size, e->body_kept[0],
		   written[0]);
	check_side(detail, "response", &e->response_body, e->response_size, e->body_kept[1],
		   written[1]);
	json_decref(detail);
	require(e->complete == !*e->reason);
	require(e->elapsed_us >= -1 && e->lost_bytes >= 0 && e->truncated_bytes >= 0);
	require(!e->open || e->live);
	if (!e->open) {
		o->sizes += e->request_size + e->response_size;
		o->lost += e->lost_bytes;
		o->truncated += e->truncated_bytes;
		entry_put_json(e, &o->last);
		buf_put(&o->last, e->detail.data, e->detail.len);
	}
	entry_put_json(e, &o->dump);
	buf_put(&o->dump, e->detail.data, e->detail.len);
	buf_put(&o->dump, e->request_body.data, e->request_body.len);
	buf_put(&o->dump, e->response_body.data, e->response_body.len);
	entry_free(e);
}

struct stream {
	struct dissection *d;
	enum dir dir;
	int64_t now;
	uint64_t offset[2];
	int64_t total, lost, truncated;
	bool one_by_one;
	bool ticks;
};

static void feed(struct stream *s, const uint8_t *data, size_t len)
{
	size_t step = s->one_by_one ? 1 : len;

	for (size_t i = 0; i < len; i += step) {
		uint8_t *copy = malloc(step);
		memcpy(copy, data + i, step);
		dissect_feed(s->d, s->dir, copy, step, s->offset[s->dir], s->now);
		free(copy);
		s->offset[s->dir] += step;
	}
	s->total += (int64_t)len;
}

static void control(struct stream *s, uint8_t op, uint8_t value)
{
	uint64_t len = value < 128 ? value : (uint64_t)(value - 127) * 1000;

	s->now += op == 0xf9 ? 0 : 1000;
	if (op == 0xf5)
		s->dir = !s->dir;
	s->now += op == 0xfa ? 600000 : 0;
	if (op == 0xfa && s->ticks)
		dissect_tick(s->d, s->now);
	if (op == 0xf8)
		dissect_idle(s->d, s->now);
	if (op != 0xf6 && op != 0xf7)
		return;
	dissect_gap(s->d, s->dir, len, op == 0xf6 ? GAP_LOST : GAP_TRUNCATED, s->now);
	s->offset[s->dir] += len;
	s->total += (int64_t)len;
	*(op == 0xf6 ? &s->lost : &s->truncated) += (int64_t)len;
}

static void run(const uint8_t *data, size_t size, bool one_by_one, bool ticks, struct outcome *o)
{
	uint64_t live = 0;
	struct live_use use = { 0 };
	const struct entry_sink sink = { look_at, o, &live, &use };
	const struct conn_hint hint = { .opener_known = size & 1, .opener = DIR_WRITE };
	struct stream s = {
		.dir = DIR_WRITE, .now = 1000, .one_by_one = one_by_one, .ticks = ticks
	};

	s.d = dissect_open(&sink, &hint);
	for (size_t i = 0, n; i < size; i += n) {
		for (n = 0; i + n < size && (data[i + n] < 0xf5 || data[i + n] > 0xfa); n++)
			;
		feed(&s, data + i, n);
		if (i + n == size)
			break;
		uint8_t op = data[i + n++];
		uint8_t value = (op == 0xf6 || op == 0xf7) && i + n < size ? data[i + n++] : 0;
		control(&s, op, value);
	}
	dissect_close(s.d, s.now);
	require(use.open == 0);
	require(o->sizes <= s.total);
	require(o->lost <= s.lost);
	require(o->truncated <= s.truncated);
}

static void drop(void *ctx, struct entry *e)
{
	(void)ctx;
	entry_free(e);
}

/* As the connection goes, without what run() does to look at it. */
static void pass(void *ctx, const uint8_t *data, size_t size)
{
	const struct conn_hint hint = { 0 };
	uint64_t offset[2] = { 0 };
	enum dir dir = DIR_WRITE;

	(void)ctx;
	struct dissection *d = dissect_open(&(struct entry_sink){ .emit = drop }, &hint);
	for (size_t i = 0, n; i < size; i += n + 1) {
		for (n = 0; i + n < size && data[i + n] != 0xf5; n++)
			;
		dissect_feed(d, dir, data + i, n, offset[dir], 1000);
		offset[dir] += n;
		dir = !dir;
	}
	dissect_close(d, 2000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = { 0 }, bytes = { 0 }, once = { 0 };

	if (size > 16384)
		return 0;
	fuzz_weigh(pass, NULL, data, size);
	run(data, size, false, true, &whole);
	run(data, size, true, true, &bytes);
	run(data, size, false, false, &once);
	require(whole.dump.len == bytes.dump.len);
	require(!whole.dump.len || !memcmp(whole.dump.data, bytes.dump.data, whole.dump.len));
	require(whole.last.len == once.last.len);
	require(!once.last.len || !memcmp(whole.last.data, once.last.data, once.last.len));
	struct outcome *const all[] = { &whole, &bytes, &once };
	for (size_t i = 0; i < 3; i++) {
		buf_free(&all[i]->dump);
		buf_free(&all[i]->last);
	}
	return 0;
}
