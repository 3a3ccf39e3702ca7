// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A byte of which protocol, then both directions of a connection of it as records: a byte of
 * what (write, read, a gap, silence, time that passes), a byte of length, so many bytes. What comes
 * out must be JSON, must not account for more bytes than there were, and, where none is missing,
 * must be the same for bytes one by one.
 */
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
	struct buf dump; /* all that is told */
	int64_t sizes, lost, truncated;
	bool missed; /* bytes were missing in what was sent */
};

struct stream {
	const struct dissector *d;
	void *state;
	bool over, gone; /* it handed over, or gave up */
	int64_t now;
	uint64_t offset[2];
	int64_t total, lost, truncated;
	bool one_by_one, ticks;
};

static void look_at(void *ctx, struct entry *e)
{
	struct outcome *o = ctx;

	require(entry_write_detail(e) == 0);
	json_t *detail = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);
	require(detail != NULL);
	json_decref(detail);
	require(e->complete == !*e->reason);
	require(e->elapsed_us >= -1 && e->lost_bytes >= 0 && e->truncated_bytes >= 0);
	require(!e->open || e->live);
	if (!e->open) {
		o->sizes += e->request_size + e->response_size;
		o->lost += e->lost_bytes;
		o->truncated += e->truncated_bytes;
	}
	entry_put_json(e, &o->dump);
	buf_put(&o->dump, e->detail.data, e->detail.len);
	buf_put(&o->dump, e->request_body.data, e->request_body.len);
	buf_put(&o->dump, e->response_body.data, e->response_body.len);
	entry_free(e);
}

/* What it held back is its heir's. */
static void hand_over(struct stream *s)
{
	struct become b = { 0 };

	s->d->become(s->state, &b);
	buf_free(&b.early);
	buf_free(&b.held);
	s->gone = true;
}

static void feed(struct stream *s, enum dir dir, const uint8_t *data, size_t len)
{
	size_t step = s->one_by_one ? 1 : len;

	for (size_t i = 0; i < len; i += step) {
		uint8_t *copy = malloc(step);
		memcpy(copy, data + i, step);
		if (!s->over)
			s->over =
				s->d->feed(s->state, dir, copy, step, s->offset[dir], s->now) != 0;
		if (s->over && s->d->become && !s->gone)
			hand_over(s);
		free(copy);
		s->offset[dir] += step;
	}
	s->total += (int64_t)len;
}

static void skip(struct stream *s, enum dir dir, uint64_t len, enum gap_why why)
{
	if (!s->over)
		s->over = s->d->gap(s->state, dir, len, s->offset[dir], why, s->now) != 0;
	s->offset[dir] += len;
	s->total += (int64_t)len;
	*(why == GAP_LOST ? &s->lost : &s->truncated) += (int64_t)len;
}

static void record(struct stream *s, uint8_t op, const uint8_t *data, size_t len)
{
	s->now += 1000;
	if (op < 0x60)
		feed(s, op < 0x30 ? DIR_WRITE : DIR_READ, data, len);
	else if (op < 0x80)
		skip(s, op & 1, len ? len * (len < 128 ? 1 : 1000) : 1,
		     op & 2 ? GAP_LOST : GAP_TRUNCATED);
	else if (op < 0x90)
		s->d->idle(s->state, s->now);
	else
		s->now += 600000;
	if (s->ticks && op >= 0x90)
		s->d->tick(s->state, s->now);
}

static void records(struct stream *s, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 2 <= size;) {
		uint8_t op = data[i];
		size_t len = data[i + 1], left = size - i - 2;
		bool bytes = op < 0x60;
		record(s, op, data + i + 2, bytes && len > left ? left : len);
		i += 2 + (bytes ? len < left ? len : left : 0);
	}
}

static const struct dissector *const all[] = { &dissect_mqtt,	  &dissect_mongo, &dissect_kafka,
					       &dissect_dns,	  &dissect_ldap,  &dissect_redis,
					       &dissect_postgres, &dissect_smtp,  &dissect_imap,
					       &dissect_mysql,	  &dissect_amqp };
#define PROTOCOLS (sizeof(all) / sizeof(*all))

static void drop(void *ctx, struct entry *e)
{
	(void)ctx;
	entry_free(e);
}

/* What it costs, without what run() does to look at it. */
static void pass(void *ctx, const uint8_t *data, size_t size)
{
	const struct entry_sink sink = { .emit = drop };
	const struct conn_hint hint = { .opener_known = true, .opener = DIR_WRITE };
	struct stream s = { .d = ctx, .now = 1000 };

	s.state = s.d->open(&sink, &hint);
	require(s.state);
	records(&s, data, size);
	s.d->close(s.state, s.now);
}

static void run(const uint8_t *data, size_t size, bool one_by_one, bool ticks, struct outcome *o)
{
	uint64_t live = 0;
	struct live_use use = { 0 };
	const struct entry_sink sink = { look_at, o, &live, &use };
	const struct conn_hint hint = { .opener_known = size & 1,
					.opener = DIR_WRITE,
					.in_order = size & 2 };
	struct stream s = { .now = 1000, .one_by_one = one_by_one, .ticks = ticks };

	s.d = all[data[0] % PROTOCOLS];
	s.state = s.d->open(&sink, &hint);
	require(s.state);
	records(&s, data + 1, size - 1);
	s.d->close(s.state, s.now);
	require(use.open == 0);
	require(o->sizes <= s.total);
	require(o->lost <= s.lost);
	require(o->truncated <= s.truncated);
	o->missed = s.lost || s.truncated;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = { 0 }, bytes = { 0 }, told = { 0 };

	if (!size || size > 16384)
		return 0;
	const struct dissector *d = all[data[0] % PROTOCOLS];
	/* Entries of two bytes each, as of MQTT, are dear under sanitizers. */
	if (d == &dissect_mysql || d == &dissect_amqp)
		fuzz_weigh(pass, (void *)d, data + 1, size - 1);
	run(data, size, false, false, &whole);
	run(data, size, true, false, &bytes);
	/* Where the footing is found again after a loss, how the bytes are cut may decide. */
	if (!whole.missed)
		require(whole.dump.len == bytes.dump.len &&
			(!whole.dump.len ||
			 !memcmp(whole.dump.data, bytes.dump.data, whole.dump.len)));
	run(data, size, false, true, &told);
	buf_free(&whole.dump);
	buf_free(&bytes.dump);
	buf_free(&told.dump);
	return 0;
}
