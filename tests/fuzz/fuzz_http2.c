// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both directions of a connection over HTTP/2: a byte of what is known before, then steps of a
 * kind, a length and, for data, so many bytes (step() has the kinds). What comes out must be JSON,
 * must not account for more bytes than there were, and must be the same for bytes one by one; in
 * the end also without having been told before.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "fuzz.h"
#include "message.h"
#include "redact/redact.h"

struct outcome {
	struct buf dump;
	struct buf last; /* what is told last of each exchange, without bodies */
	int64_t sizes, lost, truncated;
	bool tunnels;
	int64_t ended; /* when it did */
};

static void check_side(json_t *detail, const char *side, const struct buf *body, int64_t size,
		       bool kept)
{
	json_t *object = json_object_get(detail, side);
	json_int_t stored = json_integer_value(json_object_get(object, "body_stored"));
	json_int_t body_size = json_integer_value(json_object_get(object, "body_size"));

	require(kept ? !body->len : (size_t)stored == body->len);
	require(body_size >= stored && size >= body_size);
}

static void look_at(void *ctx, struct entry *e)
{
	struct outcome *o = ctx;
	require(entry_write_detail(e) == 0);
	json_t *detail = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);

	require(detail != NULL);
	check_side(detail, "request", &e->request_body, e->request_size, e->body_kept[0]);
	check_side(detail, "response", &e->response_body, e->response_size, e->body_kept[1]);
	json_decref(detail);
	require(e->complete == !*e->reason);
	require(e->elapsed_us >= -1 && e->lost_bytes >= 0 && e->truncated_bytes >= 0);
	require(!e->open || e->live);
	o->tunnels |= strcmp(e->protocol, "http2") && strcmp(e->protocol, "grpc");
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
	void *state;
	int64_t now;
	uint64_t offset[2];
	int64_t total, missing[2];
	bool one_by_one, ticks, failed;
	bool bytes_only; /* gaps and silence look at all streams, and are no bytes */
};

static void feed(struct stream *s, enum dir dir, const uint8_t *data, size_t len)
{
	size_t step = s->one_by_one ? 1 : len;

	for (size_t i = 0; i < len && !s->failed; i += step) {
		uint8_t *copy = malloc(step);
		memcpy(copy, data + i, step);
		s->failed = dissect_http2.feed(s->state, dir, copy, step, s->offset[dir], s->now);
		free(copy);
		s->offset[dir] += step;
	}
	s->total += (int64_t)len;
}

enum { WRITE, READ, GAP_WRITE, GAP_READ, CUT_WRITE, CUT_READ, IDLE, TICK };

/* Number of bytes that were used. */
static size_t step(struct stream *s, const uint8_t *data, size_t size)
{
	uint8_t kind = data[0] % 8;
	size_t len = data[1];
	enum dir dir = kind & 1 ? DIR_READ : DIR_WRITE;

	s->now += kind == TICK ? 600000 : 1000;
	if (kind == WRITE || kind == READ) {
		len = len < size - 2 ? len : size - 2;
		feed(s, dir, data + 2, len);
		return 2 + len;
	}
	if (s->bytes_only)
		return 2;
	if (kind == IDLE) {
		dissect_http2.idle(s->state, s->now);
	} else if (kind == TICK && s->ticks) {
		dissect_http2.tick(s->state, s->now);
	} else if (kind < IDLE && len) {
		enum gap_why why = kind < CUT_WRITE ? GAP_LOST : GAP_TRUNCATED;
		len = len < 128 ? len : (len - 127) * 200;
		s->failed = dissect_http2.gap(s->state, dir, len, s->offset[dir], why, s->now);
		s->offset[dir] += len;
		s->total += (int64_t)len;
		s->missing[why] += (int64_t)len;
	}
	return 2;
}

static void go(struct stream *s, const struct entry_sink *sink, const uint8_t *data, size_t size)
{
	const struct conn_hint hint = { .mid_stream = data[0] & 1,
					.lossy = data[0] & 2,
					.opener_known = data[0] & 4,
					.opener = data[0] & 8 ? DIR_READ : DIR_WRITE,
					.depth = data[0] & 16 ? LIMIT_BECOME : 0 };

	s->state = dissect_http2.open(sink, &hint);
	for (size_t i = 1; i + 1 < size && !s->failed;)
		i += step(s, data + i, size - i);
	dissect_http2.close(s->state, s->now);
}

static void run(const uint8_t *data, size_t size, bool one_by_one, bool ticks, struct outcome *o)
{
	uint64_t live = 0;
	struct live_use use = { 0 };
	const struct entry_sink sink = { look_at, o, &live, &use };
	struct stream s = { .now = 1000, .one_by_one = one_by_one, .ticks = ticks };

	go(&s, &sink, data, size);
	o->ended = s.now;
	require(use.open == 0);
	require(o->sizes <= s.total);
	require(o->lost <= s.missing[GAP_LOST]);
	/* Of a tunnel nothing is kept that was found by its looks. */
	require(o->truncated <= s.missing[GAP_TRUNCATED] + (o->tunnels ? s.total : 0));
}

/* Messages of calls are decoded, masked and rendered: what is stored of them is JSON, too. */
static void store(void *ctx, struct entry *e)
{
	require(redact_entry(ctx, e) == 0);
	json_t *detail = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);

	require(detail != NULL);
	json_decref(detail);
	entry_free(e);
}

static void redact_all(const uint8_t *data, size_t size)
{
	static struct redact *r;
	char error[100];
	uint64_t live = 0;
	struct live_use use = { 0 };

	if (!r)
		require(redact_new(NULL, 0, true, &r, error, sizeof(error)) == 0);
	const struct entry_sink sink = { store, r, &live, &use };
	struct stream s = { .now = 1000, .ticks = true };
	go(&s, &sink, data, size);
}

static void drop(void *ctx, struct entry *e)
{
	(void)ctx;
	entry_free(e);
}

/* As the connection goes, without what run() does to look at it. */
static void pass(void *ctx, const uint8_t *data, size_t size)
{
	struct stream s = { .now = 1000, .bytes_only = true };

	(void)ctx;
	go(&s, &(struct entry_sink){ .emit = drop }, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = { 0 }, bytes = { 0 }, once = { 0 };

	if (!size || size > 16384)
		return 0;
	fuzz_weigh(pass, NULL, data, size);
	run(data, size, false, true, &whole);
	run(data, size, true, true, &bytes);
	run(data, size, false, false, &once);
	redact_all(data, size);
	require(whole.dump.len == bytes.dump.len);
	require(!whole.dump.len || !memcmp(whole.dump.data, bytes.dump.data, whole.dump.len));
	/* What is in a tunnel may be found out by a tick, and that the end of a stream was lost. */
	if (data[0] & 16 && whole.ended < LIMIT_SESSION_IDLE_SECONDS * 1000000LL) {
		require(whole.last.len == once.last.len);
		require(!once.last.len || !memcmp(whole.last.data, once.last.data, once.last.len));
	}
	struct outcome *const all[] = { &whole, &bytes, &once };
	for (size_t i = 0; i < 3; i++) {
		buf_free(&all[i]->dump);
		buf_free(&all[i]->last);
	}
	return 0;
}
