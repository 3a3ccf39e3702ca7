// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection of HTTP/1 that became a WebSocket: one entry, with the method, the target and the
 * fields of its handshake and its messages below, that goes on as long as the connection does.
 */
#include "dissect/websocket.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/account.h"
#include "dissect/http.h"
#include "dissect/upgraded.h"

struct ws_conn {
	struct entry_sink sink;
	struct upgraded *from;
	struct websocket ws;
	uint64_t framing[2]; /* of the handshake */
	int64_t start_us;
	size_t taken; /* of the last feed */
	size_t bytes; /* that count for it, beside the exchange */
};

static struct text field(const struct message *m, const char *name)
{
	for (size_t i = 0; m && i < m->headers.count; i++)
		if (m->headers.list[i].name.len == strlen(name) &&
		    !strncasecmp(m->headers.list[i].name.data, name, strlen(name)))
			return m->headers.list[i].value;
	return (struct text){ 0 };
}

static void count_bytes(struct ws_conn *c)
{
	size_t was = c->bytes;

	c->bytes = sizeof(*c) + ws_bytes(&c->ws);
	account_change(c->sink.account, was, c->bytes);
}

static void *websocket_go_on(const struct entry_sink *sink, struct upgraded *from)
{
	struct ws_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		live_end(&from->live, sink, NULL);
		account_change(sink->account, sizeof(*from), 0);
		message_free(from->message[0]);
		message_free(from->message[1]);
		free(from);
		return NULL;
	}
	c->sink = *sink;
	c->from = from;
	struct message *const *m = c->from->message;
	c->start_us = (m[0] ? m[0] : m[1])->start_us;
	for (int i = 0; i < 2; i++)
		c->framing[i] = m[i] ? m[i]->framing_size : 0;
	ws_begin(&c->ws, field(m[1], "sec-websocket-extensions"), sink->live_use);
	count_bytes(c);
	return c;
}

static void websocket_give_way(void *state)
{
	struct ws_conn *c = state;

	for (int i = 0; i < 2; i++)
		if (c->from->message[i])
			payload_give_way(&c->from->message[i]->body);
	items_give_way(c->ws.items);
	count_bytes(c);
}

static void note_bytes(struct ws_conn *c, enum item_from from, int64_t now)
{
	struct message *m = c->from->message[from];

	c->from->live.changed = true;
	count_bytes(c);
	if (!m)
		return;
	m->framing_size = c->framing[from] + c->ws.side[from].bytes;
	if (from == ITEM_SERVER)
		m->end_us = now;
}

static int websocket_feed(void *state, enum dir dir, const uint8_t *data, size_t len,
			  uint64_t offset, int64_t now)
{
	struct ws_conn *c = state;
	enum item_from from = dir == c->from->request_dir ? ITEM_CLIENT : ITEM_SERVER;

	(void)offset;
	c->taken = ws_feed(&c->ws, from, data, len, now);
	note_bytes(c, from, now);
	return ws_is_over(&c->ws) ? DISSECT_BECOME : 0;
}

/* Both sides have ended it: what follows is something else. */
static void websocket_become(void *state, struct become *ret)
{
	const struct ws_conn *c = state;

	*ret = (struct become){ .hint = { .opener_known = true, .opener = c->from->request_dir },
				.taken = c->taken };
}

static int websocket_gap(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
			 int64_t now)
{
	struct ws_conn *c = state;
	enum item_from from = dir == c->from->request_dir ? ITEM_CLIENT : ITEM_SERVER;

	(void)offset;
	ws_gap(&c->ws, from, len, why, now);
	note_bytes(c, from, now);
	return 0;
}

static void websocket_idle(void *state, int64_t now)
{
	(void)state;
	(void)now;
}

static void put_reason(struct buf *out, const char *who, const char *what, uint64_t n)
{
	buf_printf(out, "%s%s: ", out->len ? "; " : "", who);
	if (n)
		buf_printf(out, "%" PRIu64 " ", n);
	buf_puts(out, what);
}

/* What is missing or wrong on one side. */
static void put_faults(struct buf *out, const char *who, const struct message_after *s)
{
	if (s->fault)
		put_reason(out, who, s->fault, 0);
	if (s->unplaced)
		put_reason(out, who, "bytes that are of no known frame", s->unplaced);
	if (s->missing[GAP_LOST])
		put_reason(out, who, "bytes lost", s->missing[GAP_LOST]);
	if (s->missing[GAP_TRUNCATED])
		put_reason(out, who, "bytes of messages not copied", s->missing[GAP_TRUNCATED]);
}

/* What is not of its handshake. */
static void fill(struct entry *e, const struct message_after after[2])
{
	static const char *const who[] = { "client", "server" };
	const struct message *q = e->message[0];
	struct text version = field(q, "sec-websocket-version");
	struct buf reason = { 0 };

	e->version = entry_text(e, version.data, version.len);
	buf_puts(&reason, e->reason);
	for (int i = 0; i < 2; i++) {
		e->lost_bytes += (int64_t)after[i].missing[GAP_LOST];
		e->truncated_bytes += (int64_t)after[i].missing[GAP_TRUNCATED];
		put_faults(&reason, who[i], &after[i]);
	}
	e->complete = !reason.len;
	e->reason = entry_text(e, reason.data, reason.len);
	buf_free(&reason);
}

/* Of both ends: each message brings what there is of its side. */
static void websocket_refill(struct entry *e)
{
	struct message_after after[2] = { { 0 }, { 0 } };

	for (int i = 0; i < 2; i++)
		if (e->message[i])
			after[i] = e->message[i]->after;
	http_entry_refill(e);
	fill(e, after);
}

/* The entry so far; takes the messages and the items. */
static struct entry *make_entry(const struct ws_conn *c, struct message *q, struct message *a,
				struct items *items)
{
	struct entry *e = http_entry_new_take(q, a, c->from->missing);
	struct message_after after[2];

	if (!e) {
		items_free(items);
		return NULL;
	}
	e->protocol = "websocket";
	e->role = c->from->request_dir == DIR_WRITE ? "client" : "server";
	e->items = items;
	for (int i = 0; i < 2; i++) {
		const struct ws_side *s = &c->ws.side[i];
		after[i] = (struct message_after){ s->fault,
						   s->unplaced,
						   { s->missing[0], s->missing[1] } };
		if (e->message[i])
			e->message[i]->after = after[i];
		e->part[i] = c->from->part[i];
		e->part[i].whole &= !s->fault && !s->unplaced && !s->missing[0] && !s->missing[1];
	}
	fill(e, after);
	return e;
}

static void websocket_tick(void *state, int64_t now)
{
	struct ws_conn *c = state;
	struct live *l = &c->from->live;
	struct message *copy[2] = { NULL, NULL };
	bool kept[2] = { false, false }, failed = false;

	if (!live_due(l, &c->sink, c->start_us, now))
		return;
	for (int i = 0; i < 2; i++) {
		struct message *m = c->from->message[i];
		copy[i] = m ? live_copy(l, i, m, true, &kept[i]) : NULL;
		failed |= m && !copy[i];
	}
	struct items *items = failed ? NULL : items_copy(c->ws.items);
	if (failed || (c->ws.items && !items)) {
		message_free(copy[0]);
		message_free(copy[1]);
		return;
	}
	struct entry *e = make_entry(c, copy[0], copy[1], items);
	if (!e)
		return;
	for (int i = 0; i < 2; i++)
		e->body_kept[i] = kept[i];
	e->part[1].whole = false; /* it goes on */
	live_tell(l, &c->sink, e, now);
}

static bool websocket_alive(const void *state)
{
	(void)state;
	return true;
}

static void websocket_close(void *state, int64_t now)
{
	struct ws_conn *c = state;

	(void)now;
	ws_end(&c->ws);
	struct entry *e = make_entry(c, c->from->message[0], c->from->message[1], c->ws.items);
	c->ws.items = NULL;
	if (e && !c->ws.side[0].closed && !c->ws.side[1].closed)
		e->remark = "the connection ended without a close message";
	live_end(&c->from->live, &c->sink, e);
	if (e)
		c->sink.emit(c->sink.ctx, e);
	ws_free(&c->ws);
	account_change(c->sink.account, c->bytes + sizeof(*c->from), 0);
	free(c->from);
	free(c);
}

const struct dissector dissect_websocket = {
	.name = "websocket",
	.go_on = websocket_go_on,
	.feed = websocket_feed,
	.gap = websocket_gap,
	.idle = websocket_idle,
	.tick = websocket_tick,
	.alive = websocket_alive,
	.give_way = websocket_give_way,
	.become = websocket_become,
	.refill = websocket_refill,
	.close = websocket_close,
};
