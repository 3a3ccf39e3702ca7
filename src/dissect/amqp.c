// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AMQP 0-9-1: frames of both directions, the channels that they are of, and what belongs together.
 * Methods of a channel are answered in order; messages are acknowledged by their number (tag),
 * which counts anew on each channel. The handshake is one exchange, `connect`; a consumer is one
 * that goes on until it is cancelled, and lists what it got, beside the exchange of each delivery.
 */
#include "dissect/amqp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "entry.h"
#include "items.h"

static const char bad_method[] = "its arguments are not what they should be";
static const char bad_header[] = "its properties are not what they should be";
static const char bad_end[] = "its frame does not end as it should";
static const char too_much[] = "more came of its body than was told";
static const char more_consumers[] = "there are more consumers than are followed";
static const char closed[] = "the channel was closed before an answer came";
static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";

static const char protocol_header[] = "AMQP\0\0\x09\x01";
#define PROTOCOL_HEADER 8

/* Bytes of the frame that must be there before it begins; -EPROTO when it is too short. */
static int64_t needed(const uint8_t *data, size_t len, uint64_t payload)
{
	if (data[0] == AMQP_HEADER)
		return payload < 14 ? -EPROTO : AMQP_HEAD;
	if (data[0] != AMQP_METHOD)
		return data[0] == AMQP_HEARTBEAT && payload ? -EPROTO : AMQP_HEAD;
	if (payload < 4)
		return -EPROTO;
	if (len < AMQP_ARGUMENTS)
		return AMQP_ARGUMENTS;
	const struct amqp_method *m = amqp_method_of(data);
	if (!m || m->kind != AMQP_KIND_ACK)
		return AMQP_ARGUMENTS;
	return payload < 13 ? -EPROTO : AMQP_ARGUMENTS + 9;
}

static int64_t amqp_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	(void)f;
	(void)dir;
	if (data[0] == 'A') {
		size_t n = len < PROTOCOL_HEADER ? len : PROTOCOL_HEADER;
		if (memcmp(data, protocol_header, n) != 0)
			return -EPROTO;
		return n < PROTOCOL_HEADER ? 0 : PROTOCOL_HEADER;
	}
	if (data[0] != AMQP_HEARTBEAT && (data[0] < AMQP_METHOD || data[0] > AMQP_BODY))
		return -EPROTO;
	if (len < AMQP_HEAD)
		return 0;
	uint64_t payload = amqp_number(data + 3, 4);
	int64_t n = needed(data, len, payload);
	return n < 0 ? n : (int64_t)len < n ? 0 : AMQP_HEAD + (int64_t)payload + 1;
}

/* What the payload of a frame that is there whole makes likely. */
static int score_payload(const uint8_t *data, uint64_t payload)
{
	switch (data[0]) {
	case AMQP_METHOD:
		return amqp_method_of(data) ? 90 : PROBE_NO;
	case AMQP_HEADER:
		return amqp_number(data + 7, 2) == 60 && !amqp_number(data + 9, 2) ? 70 : PROBE_NO;
	case AMQP_BODY:
		return payload && amqp_channel_number(data) ? 40 : PROBE_NO;
	default:
		return amqp_channel_number(data) ? PROBE_NO : 60;
	}
}

/* A frame is believed when it is there whole and ends as one does. */
static int score(const uint8_t *data, size_t len, size_t most)
{
	if (!len)
		return PROBE_MAYBE;
	int64_t size = amqp_length(NULL, DIR_READ, data, len);
	if (size < 0)
		return PROBE_NO;
	if (data[0] == 'A')
		return size ? PROBE_YES : PROBE_MAYBE;
	if (!size && len < AMQP_HEAD)
		return PROBE_SHORT;
	if (!size)
		return amqp_number(data + 3, 4) < most ? PROBE_MAYBE : PROBE_NO;
	if (data[0] == AMQP_METHOD && !amqp_method_of(data))
		return PROBE_NO;
	if ((uint64_t)size > most)
		return PROBE_NO;
	if (len < (size_t)size)
		return PROBE_MAYBE;
	return data[size - 1] == AMQP_END ? score_payload(data, amqp_number(data + 3, 4))
					  : PROBE_NO;
}

static int amqp_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	return score(data, len, LIMIT_PROBE_BYTES);
}

static int amqp_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	(void)f;
	(void)dir;
	return score(data, len, LIMIT_AMQP_FRAME);
}

static void amqp_lost(struct framed *f, enum dir dir)
{
	struct amqp *m = (struct amqp *)f;
	struct amqp_channel *ch;
	struct amqp_exchange *q;

	TAILQ_FOREACH(ch, &m->channels, by_use)
	{
		ch->counted[amqp_part_of(f, dir)] = false;
		amqp_end_content(m, ch, dir, "its content may go on in what was lost");
		/* Answers come in order, so one that is missing moves all that follow. */
		while (ch->ahead && dir != f->client && (q = TAILQ_FIRST(&ch->waiting[AMQP_ASKED])))
			amqp_leave_alone(m, q, untold_answer);
	}
}

static int amqp_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct amqp *m = ctx;
	enum part part = PART_REQUEST;

	m->at[dir] = p->offset;
	m->end[dir] = p->data[0] == 'A' ? UINT64_MAX : p->offset + p->size - 1;
	m->payload_end[dir] = p->data[0] == AMQP_BODY ? m->end[dir] : 0;
	m->bad[dir] = false;
	struct amqp_exchange *q = amqp_begin_frame(m, dir, p, &part);
	return framed_place(&m->f, dir, q ? &q->f.x : NULL, part, p);
}

/* The bytes of the frame from m->at on: which of them are of a body? */
static uint64_t body_part(const struct amqp *m, enum dir dir, uint64_t from, uint64_t len,
			  uint64_t *ret_skip)
{
	uint64_t end = m->payload_end[dir];
	uint64_t begin = end ? m->f.in[dir].now.offset + AMQP_HEAD : 0;
	uint64_t to = from + len < end ? from + len : end;

	*ret_skip = begin > from ? begin - from : 0;
	return from + *ret_skip < to ? to - from - *ret_skip : 0;
}

static struct payload *body_of(struct amqp *m, enum dir dir)
{
	struct exchange *x = m->f.now[dir];

	return x && x->message[m->f.part[dir]] ? &x->message[m->f.part[dir]]->body : NULL;
}

static void amqp_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		       int64_t now)
{
	struct amqp *m = ctx;
	uint64_t skip, n = body_part(m, dir, offset, len, &skip);
	struct payload *body = body_of(m, dir);

	framed_bytes(ctx, dir, data, len, offset, now);
	if (body && n)
		payload_put(body, data + skip, (size_t)n, LIMIT_RENDERED_BYTES);
	m->at[dir] = offset + len;
	if (m->end[dir] >= offset && m->end[dir] < offset + len)
		m->bad[dir] = data[m->end[dir] - offset] != AMQP_END;
}

static void amqp_gap(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct amqp *m = ctx;
	uint64_t skip, n = body_part(m, dir, m->at[dir], len, &skip);
	struct payload *body = body_of(m, dir);

	framed_missing(ctx, dir, len, why, now);
	if (body && n)
		payload_skip(body, n, why);
	m->at[dir] += len;
}

/* The request that waits for an answer, and will have none, for it was refused. */
static void refuse(struct amqp *m, struct amqp_channel *ch, enum dir dir, const struct amqp_read *r,
		   const struct pdu *p)
{
	const struct amqp_method *method = amqp_method((unsigned)r->value[AMQP_ROLE_CLASS],
						       (unsigned)r->value[AMQP_ROLE_METHOD]);
	const char *status = amqp_code((unsigned)r->value[AMQP_ROLE_CODE]);
	struct exchange *x = NULL;

	if (method && method->kind == AMQP_KIND_ASK)
		x = exchange_find(&m->f.l, amqp_key_of_ask(ch, method, !dir));
	if (x && !amqp_missed_both((struct amqp_exchange *)x) && x != m->f.now[dir])
		amqp_answer_elsewhere(m, (struct amqp_exchange *)x, status, true, p);
}

/* The connection is closed before it was open. */
static void refuse_login(struct amqp *m, const struct amqp_read *r, const struct pdu *p)
{
	struct exchange *x = exchange_find(&m->f.l, amqp_key(AMQP_KEY_LOGIN, 0, 0));

	if (!x)
		return;
	if (x->message[PART_REQUEST])
		exchange_end_part(&m->f.l, x, PART_REQUEST, x->message[PART_REQUEST]->end_us);
	amqp_answer_elsewhere(m, (struct amqp_exchange *)x,
			      amqp_code((unsigned)r->value[AMQP_ROLE_CODE]), true, p);
}

/* The frame ends its message, and an exchange that asks for no answer. */
static int finish(struct amqp *m, enum dir dir, const struct amqp_exchange *q, const struct pdu *p)
{
	if (m->f.part[dir] == PART_REQUEST && !q->due)
		framed_one_way(&m->f, dir);
	framed_done(&m->f, dir, p);
	return 0;
}

/* A consumer goes on: its messages have not ended until it has. */
static int whole_consume(struct amqp *m, struct amqp_channel *ch, enum dir dir,
			 struct amqp_exchange *q, const struct amqp_read *r, const struct pdu *p)
{
	bool asks = m->f.part[dir] == PART_REQUEST;

	if (asks)
		q->no_ack = r->value[AMQP_ROLE_NO_ACK];
	bool begins =
		asks ? r->value[AMQP_ROLE_NO_WAIT] != 0 : q->f.x.message[PART_REQUEST] != NULL;
	if (!begins)
		return finish(m, dir, q, p);
	if (m->consumers < LIMIT_AMQP_CONSUMERS) {
		amqp_begin_consumer(m, ch, q);
		if (asks)
			framed_done(&m->f, dir, p);
		framed_rest(&m->f, dir);
		return 0;
	}
	exchange_fault(&q->f.x, more_consumers);
	q->due = !asks;
	amqp_unlist(q);
	return finish(m, dir, q, p);
}

static void whole_deliver(struct amqp *m, struct amqp_channel *ch, struct amqp_exchange *q,
			  uint64_t tag)
{
	struct text name = amqp_member(q->f.x.message[PART_REQUEST], "consumer_tag");
	const struct amqp_exchange *c = amqp_find_consumer(m, ch, name);

	q->tag = tag;
	q->due = c ? !c->no_ack : ch->acks;
	if (!q->due)
		return;
	exchange_set_key(&m->f.l, &q->f.x, amqp_key_of_tag(ch, AMQP_DELIVERED, tag));
	amqp_list(q, AMQP_DELIVERED);
}

/* Content follows, in frames of its own. */
static int whole_message(struct amqp *m, struct amqp_channel *ch, enum dir dir,
			 struct amqp_exchange *q, const struct amqp_read *r,
			 const struct amqp_method *method)
{
	uint64_t tag = r->value[AMQP_ROLE_TAG];

	if (tag > ch->delivered)
		ch->delivered = tag;
	if (method->id == 60)
		whole_deliver(m, ch, q, tag);
	if (method->id == 50) {
		q->status = amqp_code((unsigned)r->value[AMQP_ROLE_CODE]);
		q->failed = true;
	}
	ch->content[dir] = (struct amqp_content){ .x = q, .part = m->f.part[dir] };
	framed_rest(&m->f, dir);
	return 0;
}

/* What it does to its channel, or to the connection. */
static void note_method(struct amqp *m, struct amqp_channel *ch, enum dir dir,
			struct amqp_exchange *q, const struct amqp_method *method,
			const struct amqp_read *r, const struct pdu *p)
{
	unsigned what = method->class_id << 8 | method->id;
	struct amqp_exchange *c;

	switch (what) {
	case 85 << 8 | 10: /* confirm.select */
		ch->confirms = true;
		ch->published = 0;
		ch->counted[PART_REQUEST] = true;
		break;
	case 10 << 8 | 50: /* connection.close, channel.close */
	case 20 << 8 | 40:
		q->status = amqp_code((unsigned)r->value[AMQP_ROLE_CODE]);
		q->failed = r->value[AMQP_ROLE_CODE] && r->value[AMQP_ROLE_CODE] != 200;
		if (method->class_id == 10)
			refuse_login(m, r, p);
		refuse(m, ch, dir, r, p);
		break;
	case 60 << 8 | 31: /* basic.cancel-ok */
		c = amqp_find_consumer(m, ch, amqp_member(q->f.x.message[1], "consumer_tag"));
		if (c)
			amqp_end_consumer(m, c);
		break;
	}
}

static int whole_method(struct amqp *m, enum dir dir, const struct pdu *p)
{
	struct amqp_exchange *q = (struct amqp_exchange *)m->f.now[dir];
	const struct amqp_method *method = amqp_method_of(p->data);
	struct amqp_channel *ch = amqp_channel_of(m, amqp_channel_number(p->data));
	struct amqp_read r;

	if (!method || !ch)
		return finish(m, dir, q, p);
	amqp_read_method(method, p, q->f.x.message[m->f.part[dir]], &r);
	if (r.failed)
		exchange_fault(&q->f.x, bad_method);
	if (method->kind == AMQP_KIND_LOGIN) {
		bool ends = method->id == 40 || method->id == 41;
		if (method->id == 41)
			q->status = "OK";
		q->due = true;
		if (!ends)
			framed_rest(&m->f, dir);
		return ends ? finish(m, dir, q, p) : 0;
	}
	if (method->kind == AMQP_KIND_MESSAGE || (method->class_id == 60 && method->id == 71))
		return whole_message(m, ch, dir, q, &r, method);
	if (method->class_id == 60 && (method->id == 20 || method->id == 21))
		return whole_consume(m, ch, dir, q, &r, p);
	note_method(m, ch, dir, q, method, &r, p);
	if (m->f.part[dir] == PART_REQUEST && r.value[AMQP_ROLE_NO_WAIT]) {
		amqp_unlist(q);
		q->due = false;
	}
	finish(m, dir, q, p);
	if (method->class_id == 20 && method->id == 41)
		amqp_free_channel(m, ch, closed);
	return 0;
}

static int whole_content(struct amqp *m, enum dir dir, const struct pdu *p)
{
	struct amqp_channel *ch = amqp_channel_of(m, amqp_channel_number(p->data));
	struct amqp_content *c = ch ? &ch->content[dir] : NULL;
	uint64_t got = p->size - AMQP_HEAD - 1;

	if (!c || !c->x || &c->x->f.x != m->f.now[dir]) {
		framed_rest(&m->f, dir);
		return 0;
	}
	if (p->data[0] == AMQP_HEADER) {
		c->sized = amqp_read_header(p, c->x->f.x.message[c->part], &c->left);
		if (!c->sized)
			exchange_fault(&c->x->f.x, bad_header);
	} else if (c->sized) {
		if (got > c->left)
			exchange_fault(&c->x->f.x, too_much);
		c->left -= got < c->left ? got : c->left;
	}
	if (c->sized && !c->left)
		amqp_end_content(m, ch, dir, NULL);
	framed_rest(&m->f, dir);
	return 0;
}

static int amqp_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct amqp *m = ctx;
	struct exchange *x = m->f.now[dir];

	if (m->bad[dir]) {
		if (x)
			exchange_fault(x, bad_end);
		return -EPROTO;
	}
	if (!x)
		return 0;
	switch (p->data[0]) {
	case AMQP_METHOD:
		return whole_method(m, dir, p);
	case AMQP_HEADER:
	case AMQP_BODY:
		return whole_content(m, dir, p);
	case AMQP_HEARTBEAT:
		return finish(m, dir, (struct amqp_exchange *)x, p);
	default:
		framed_rest(&m->f, dir);
		return 0;
	}
}

static void amqp_fill(const struct exchange *x, struct entry *e)
{
	const struct amqp_exchange *q = (const struct amqp_exchange *)x;

	if (framed_fill(x, e))
		return;
	e->method = q->method ? q->method->name : q->name ? q->name : "";
	e->version = "0-9-1";
	e->summary = amqp_summary(e);
	e->items = items_copy(q->items);
	if (q->status) {
		e->status = q->status;
		e->failed = q->failed;
	}
}

static const struct framed_ops amqp_ops = {
	.name = "amqp",
	.pdu = { .length = framed_length,
		 .bytes = amqp_bytes,
		 .gap = amqp_gap,
		 .lost = framed_lost,
		 .resumes = framed_resumes,
		 .stray = framed_stray,
		 .keep = LIMIT_AMQP_FRAME,
		 .begin = amqp_begin,
		 .whole = amqp_whole },
	.exchange = { "amqp", sizeof(struct amqp_exchange), amqp_fill, amqp_free_exchange },
	.length = amqp_length,
	.begins = amqp_begins,
	.lost = amqp_lost,
};

static void *amqp_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct amqp *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	account_change(sink->account, 0, sizeof(*m));
	TAILQ_INIT(&m->channels);
	framed_begin(&m->f, sink, hint, &amqp_ops);
	return m;
}

static void amqp_give_way(void *state)
{
	struct amqp *m = state;
	struct amqp_channel *ch;
	struct amqp_exchange *q;

	TAILQ_FOREACH(ch, &m->channels, by_use)
	TAILQ_FOREACH(q, &ch->waiting[AMQP_CONSUMERS], next)
	{
		items_give_way(q->items);
		exchange_holds(&q->f.x, items_bytes(q->items));
	}
	framed_give_way(state);
}

static void amqp_close(void *state, int64_t now)
{
	struct amqp *m = state;
	struct amqp_channel *ch;
	struct amqp_exchange *q;

	(void)now;
	TAILQ_FOREACH(ch, &m->channels, by_use)
	while ((q = TAILQ_FIRST(&ch->waiting[AMQP_CONSUMERS])))
		amqp_end_consumer(m, q);
	framed_end(&m->f);
	while ((ch = TAILQ_FIRST(&m->channels)))
		amqp_free_channel(m, ch, NULL);
	account_change(m->f.l.sink.account, sizeof(*m), 0);
	free(m);
}

const struct dissector dissect_amqp = {
	.name = "amqp",
	.probe = amqp_probe,
	.open = amqp_open,
	.feed = framed_feed,
	.gap = framed_gap,
	.idle = framed_idle,
	.tick = framed_tick,
	.alive = framed_alive,
	.become = framed_become,
	.give_way = amqp_give_way,
	.close = amqp_close,
};
