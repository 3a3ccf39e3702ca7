// SPDX-License-Identifier: GPL-2.0-or-later
/* The streams of a connection, each of which is an exchange (RFC 9113 sections 5 and 8). */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "dissect/http2.h"
#include "dissect/upgraded.h"
#include "items.h"

#define BUCKETS_MIN 16

static struct h2_stream **slot(const struct h2 *h, uint32_t id)
{
	return &h->buckets[hash_words(id, 0) & (h->size - 1)];
}

struct h2_stream *h2_stream_find(const struct h2 *h, uint32_t id)
{
	struct h2_stream *s = h->size ? *slot(h, id) : NULL;

	while (s && s->id != id)
		s = s->next;
	return s;
}

/* The table is as large as what is in it needs. 0, or -1 when there is none. */
static int resize(struct h2 *h, size_t size)
{
	struct h2_stream **buckets = calloc(size, sizeof(*buckets)), *s;

	if (!buckets)
		return h->size ? 0 : -1;
	free(h->buckets);
	h->buckets = buckets;
	h->size = size;
	TAILQ_FOREACH(s, &h->streams, of_conn)
	{
		struct h2_stream **at = slot(h, s->id);
		s->next = *at;
		*at = s;
	}
	return 0;
}

struct h2_stream *h2_stream_new(struct h2 *h, uint32_t id)
{
	if (h->count >= LIMIT_H2_STREAMS)
		h2_stream_finish(h, TAILQ_FIRST(&h->streams),
				 "more streams at once than are followed");
	if (h->count >= h->size && resize(h, h->size ? 2 * h->size : BUCKETS_MIN))
		return NULL;
	struct h2_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	account_change(h->sink.account, 0, sizeof(*s));
	s->id = id;
	for (int dir = 0; dir < 2; dir++)
		s->side[dir].hole = h->flow[dir].state == H2_SEEK && h->flow[dir].strict;
	struct h2_stream **at = slot(h, id);
	s->next = *at;
	*at = s;
	TAILQ_INSERT_TAIL(&h->streams, s, of_conn);
	h->count++;
	return s;
}

void h2_account(struct h2 *h, struct h2_stream *s)
{
	size_t held = 0, listed = 0;

	for (int dir = 0; dir < 2; dir++) {
		const struct message *m = s->side[dir].msg;
		held += m ? m->arena.used + m->body.bytes.len : 0;
		listed += http_stream_bytes(s->side[dir].items);
	}
	account_change(h->sink.account, s->listed, listed);
	h->held += held + listed - s->held;
	s->held = held + listed;
	s->listed = listed;
}

/* Nobody speaks of it any more; a header block goes on to be read for what it inserts. */
static void free_stream(struct h2 *h, struct h2_stream *s, int64_t now)
{
	struct h2_stream **at = slot(h, s->id);

	for (int dir = 0; dir < 2; dir++) {
		struct h2_flow *f = &h->flow[dir];
		if (f->stream == s)
			f->stream = NULL;
		if (f->block && f->block->stream == s) {
			f->block->stream = NULL;
			f->block->msg = NULL;
		}
	}
	dissect_close(s->tunnel, now);
	for (int dir = 0; dir < 2; dir++) {
		http_stream_free(s->side[dir].items);
		message_free(s->side[dir].msg);
	}
	account_change(h->sink.account, s->listed, 0);
	h->held -= s->held;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	TAILQ_REMOVE(&h->streams, s, of_conn);
	h->count--;
	account_change(h->sink.account, sizeof(*s), 0);
	free(s);
	if (h->size > BUCKETS_MIN && h->count < h->size / 4)
		resize(h, h->size / 2);
}

void h2_stream_note_reset(struct h2 *h, uint32_t id)
{
	h->reset[h->resets++ % H2_RESET_IDS] = id;
}

bool h2_stream_was_reset(const struct h2 *h, uint32_t id)
{
	for (size_t i = 0; i < H2_RESET_IDS; i++)
		if (h->reset[i] == id)
			return true;
	return false;
}

struct message *h2_message(struct h2 *h, struct h2_stream *s, enum dir dir, int64_t now)
{
	struct h2_side *side = &s->side[dir];

	if (side->msg)
		return side->msg;
	side->msg = message_new(h->roles_known && dir == h->client, h->sink.account);
	if (!side->msg)
		return NULL;
	side->msg->note_texts = http_notes;
	side->msg->start_us = side->msg->end_us = now;
	if (side->hole)
		http_note(side->msg, HTTP_NOTE_HOLE);
	return side->msg;
}

void h2_set_client(struct h2 *h, enum dir client)
{
	struct h2_stream *s;

	h->roles_known = true;
	h->client = client;
	TAILQ_FOREACH(s, &h->streams, of_conn)
	if (s->side[client].msg)
		s->side[client].msg->request = true;
}

/* Takes the messages, NULL where there is none. */
static struct entry *new_entry(const struct h2 *h, const struct h2_stream *s, struct message *q,
			       struct message *a, const char *missing)
{
	struct message *first = q ? q : a;

	if (first)
		message_add_number(first, "stream", s->id);
	if (q && s->promised_on)
		message_add_number(q, "promised_on", s->promised_on);
	if (q && q->unplaced)
		message_add_number(q, "unplaced", (int64_t)q->unplaced);
	if (a && a->unplaced)
		message_add_number(a, "unplaced", (int64_t)a->unplaced);
	struct entry *e = http_entry_new_take(q, a, missing);
	if (!e)
		return NULL;
	if (strcmp(e->protocol, "grpc") != 0)
		e->protocol = "http2";
	e->from_start = h->at_start[0] && h->at_start[1];
	if (!*e->version)
		e->version = "2";
	e->role = h->client == DIR_WRITE ? "client" : "server";
	return e;
}

static void end_part(const struct h2_side *side, struct entry_part *ret)
{
	*ret = side->part;
	ret->digest = ret->seen ? XXH64_digest(&side->digest) : 0;
	ret->whole = ret->seen && side->done && !side->lost;
}

static bool has_answer(const struct message *a)
{
	return a && (a->has_head || a->body.size || a->unplaced);
}

/* Why a message is not there, NULL when both are. */
static const char *find_missing(const struct h2 *h, const struct h2_stream *s, const char *why)
{
	if (!s->side[h->client].msg)
		return s->id == 1 && h->upgraded
			       ? "its request came over HTTP/1.1, before the upgrade"
			       : "the request was not seen";
	if (has_answer(s->side[!h->client].msg))
		return NULL;
	return why ? why : "no answer before the connection ended";
}

/* What the bodies of both sides are made of; NULL: nothing. */
static struct items *take_items(struct h2 *h, struct h2_stream *s)
{
	struct items *all = NULL;

	for (int i = 0; i < 2; i++) {
		struct h2_side *side = &s->side[i ? !h->client : h->client];
		http_stream_end(side->items);
		all = items_merge_take(all, http_stream_take_items(side->items));
		http_stream_free(side->items);
		side->items = NULL;
	}
	return all;
}

static struct items *copy_items(const struct h2 *h, const struct h2_stream *s)
{
	struct items *q = items_copy(http_stream_items(s->side[h->client].items));

	return items_merge_take(q, items_copy(http_stream_items(s->side[!h->client].items)));
}

static void tell(struct h2 *h, struct h2_stream *s, const char *missing)
{
	struct h2_side *q = &s->side[h->client], *a = &s->side[!h->client];

	if (!q->msg && !a->msg)
		return;
	for (int dir = 0; dir < 2; dir++) {
		struct message *m = s->side[dir].msg;
		if (m && !m->has_head && (m->request || has_answer(m)))
			http_note(m, HTTP_NOTE_HEAD_MISSING);
		if (m && !h->roles_known) {
			m->request = (enum dir)dir == h->client;
			http_note(m, HTTP_NOTE_ROLES);
		}
	}
	struct items *items = take_items(h, s);
	struct entry *e = new_entry(h, s, q->msg, a->msg, missing);
	if (e) {
		end_part(q, &e->part[0]);
		end_part(a, &e->part[1]);
		e->items = items;
	} else {
		items_free(items);
	}
	q->msg = a->msg = NULL;
	h2_account(h, s);
	live_end(&s->live, &h->sink, e);
	if (e)
		h->sink.emit(h->sink.ctx, e);
}

void h2_stream_finish(struct h2 *h, struct h2_stream *s, const char *why)
{
	const char *missing = find_missing(h, s, why);
	int64_t last = 0;

	for (int dir = 0; dir < 2; dir++) {
		struct message *m = s->side[dir].msg;
		if (m && m->end_us > last)
			last = m->end_us;
		if (!m || s->side[dir].done || (why && missing == why))
			continue;
		if (why)
			m->fault = why;
		else
			http_note(m, HTTP_NOTE_ENDED_EARLY);
	}
	tell(h, s, missing);
	free_stream(h, s, last);
}

void h2_stream_end_side(struct h2 *h, struct h2_stream *s, enum dir dir)
{
	struct h2_side *side = &s->side[dir], *other = &s->side[!dir];

	side->done = true;
	s->live.changed = true;
	/* Of a request that was not seen nobody knows when it ended. */
	bool alone = h->roles_known && dir != h->client && !other->msg && !s->tunnel;
	if (other->done || alone)
		h2_stream_finish(h, s, NULL);
}

/* What the client sent into the tunnel before it was there. */
static struct buf take_early(struct message *q)
{
	struct buf bytes = q->body.bytes;

	if (bytes.len != q->body.size)
		return (struct buf){ 0 };
	q->body.bytes = (struct buf){ 0 };
	payload_free(&q->body);
	return bytes;
}

/* The protocol that RFC 8441 names, where its messages are those of the exchange; NULL. */
static const struct dissector *named_protocol(const struct message *q)
{
	static const char websocket[] = "websocket";
	size_t n = strlen(websocket);

	for (size_t i = 0; i < q->headers.count; i++) {
		const struct message_pair *p = &q->headers.list[i];
		if (http_is(p->name, ":protocol"))
			return p->value.len == n && !memcmp(p->value.data, websocket, n)
				       ? &dissect_websocket
				       : NULL;
	}
	return NULL;
}

/* The exchange goes on in the tunnel, as one entry. */
static bool hand_over(struct h2 *h, struct h2_stream *s, const struct dissector *next)
{
	struct h2_side *q = &s->side[h->client], *a = &s->side[!h->client];
	struct upgraded *u = malloc(sizeof(*u));

	if (!u)
		return false;
	account_change(h->sink.account, 0, sizeof(*u));
	*u = (struct upgraded){ .message = { q->msg, a->msg }, .request_dir = h->client };
	end_part(q, &u->part[0]);
	end_part(a, &u->part[1]);
	message_add_number(q->msg, "stream", s->id);
	q->msg = a->msg = NULL;
	items_free(take_items(h, s));
	live_move(&s->live, &u->live, &h->sink);
	h2_account(h, s);
	dissect_go_on(s->tunnel, next, u);
	return true;
}

void h2_stream_open_tunnel(struct h2 *h, struct h2_stream *s, bool end)
{
	const struct conn_hint hint = { .opener_known = true,
					.opener = h->client,
					.depth = (uint8_t)(h->depth + 1) };
	struct h2_side *q = &s->side[h->client];
	bool asked = q->done;

	s->side[!h->client].done = end;
	/* A tunnel in tunnels is shown as the bodies of its exchange. */
	s->tunnel = h->depth < LIMIT_BECOME ? dissect_open(&h->sink, &hint) : NULL;
	if (s->tunnel) {
		uint64_t at = q->part.offset;
		int64_t now = q->msg->end_us;
		struct buf early = take_early(q->msg);
		const struct dissector *next = named_protocol(q->msg);
		s->side[0].done = s->side[1].done = true;
		if (!next || !hand_over(h, s, next))
			tell(h, s, find_missing(h, s, NULL));
		memset(s->side, 0, sizeof(s->side));
		s->side[h->client].done = asked;
		s->side[!h->client].done = end;
		dissect_feed(s->tunnel, h->client, (uint8_t *)early.data, early.len, at, now);
		buf_free(&early);
	}
	if (end)
		h2_stream_end_side(h, s, !h->client);
}

static struct message *copy_side(struct h2 *h, struct h2_stream *s, enum dir dir, struct entry *e)
{
	struct h2_side *side = &s->side[dir];
	int part = dir != h->client;
	bool kept = false;
	struct message *m =
		side->msg ? live_copy(&s->live, part, side->msg, side->done, &kept) : NULL;

	end_part(side, &e->part[part]);
	e->body_kept[part] = kept;
	return m;
}

/* A version of what goes on. */
static void tell_open(struct h2 *h, struct h2_stream *s, int64_t now)
{
	struct h2_side *q = &s->side[h->client], *a = &s->side[!h->client];
	struct message *first = q->msg ? q->msg : a->msg;
	struct entry parts = { 0 };

	if (!first || !live_due(&s->live, &h->sink, first->start_us, now))
		return;
	struct message *request = copy_side(h, s, h->client, &parts);
	struct message *response = copy_side(h, s, !h->client, &parts);
	struct entry *e = NULL;
	if ((q->msg && !request) || (a->msg && !response)) {
		message_free(request);
		message_free(response);
	} else {
		e = new_entry(h, s, request, response, request ? NULL : find_missing(h, s, NULL));
	}
	h2_account(h, s);
	if (!e)
		return;
	e->items = copy_items(h, s);
	memcpy(e->part, parts.part, sizeof(e->part));
	memcpy(e->body_kept, parts.body_kept, sizeof(e->body_kept));
	live_tell(&s->live, &h->sink, e, now);
}

void h2_streams_give_way(struct h2 *h)
{
	struct h2_stream *s;

	TAILQ_FOREACH(s, &h->streams, of_conn)
	{
		for (int dir = 0; dir < 2; dir++) {
			http_stream_give_way(s->side[dir].items);
			if (s->side[dir].msg)
				payload_give_way(&s->side[dir].msg->body);
		}
		if (s->tunnel)
			dissect_give_way(s->tunnel, h->flow[h->client].last_us);
		h2_account(h, s);
	}
}

static const char end_lost[] = "its end was lost, or is still to come";

/* Its end may be among lost bytes, and it has been quiet. */
static bool may_be_over(const struct h2_stream *s, int64_t now)
{
	int64_t last = 0;

	for (int dir = 0; dir < 2; dir++)
		if (s->side[dir].msg && s->side[dir].msg->end_us > last)
			last = s->side[dir].msg->end_us;
	return (s->side[0].hole || s->side[1].hole) &&
	       now - last > LIMIT_SESSION_IDLE_SECONDS * 1000000LL;
}

void h2_streams_tick(struct h2 *h, int64_t now)
{
	/* A second has several ticks: not each of them looks at a thousand streams. */
	if (!h->roles_known || now - h->ticked_us < LIMIT_H2_TICK_MS * 1000)
		return;
	h->ticked_us = now;
	for (struct h2_stream *s = TAILQ_FIRST(&h->streams), *next; s; s = next) {
		next = TAILQ_NEXT(s, of_conn);
		if (s->tunnel)
			dissect_tick(s->tunnel, now);
		else if (may_be_over(s, now))
			h2_stream_finish(h, s, end_lost);
		else
			tell_open(h, s, now);
	}
}

void h2_streams_idle(struct h2 *h, int64_t now)
{
	for (struct h2_stream *s = TAILQ_FIRST(&h->streams), *next; s; s = next) {
		next = TAILQ_NEXT(s, of_conn);
		if (s->tunnel)
			dissect_idle(s->tunnel, now);
		else if (s->side[0].hole || s->side[1].hole)
			h2_stream_finish(h, s, end_lost);
	}
}

/* An answer that has begun just ends. */
static void finish_last(struct h2 *h, struct h2_stream *s, const char *why)
{
	h2_stream_finish(h, s, has_answer(s->side[!h->client].msg) ? NULL : why);
}

void h2_streams_free(struct h2 *h, const char *why)
{
	while (!TAILQ_EMPTY(&h->streams))
		finish_last(h, TAILQ_FIRST(&h->streams), why);
	free(h->buckets);
}
