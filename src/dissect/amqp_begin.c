// SPDX-License-Identifier: GPL-2.0-or-later
/* Which exchange a frame of AMQP belongs to, by its channel and method or by the number it names.
 */
#include "dissect/amqp.h"
#include "entry.h"

static const char no_method[] = "its method was not seen";
static const char not_whole[] = "its content did not come whole";
static const char unknown_method[] = "the method is not known";
static const char lost_answer[] = "its answer was lost";
static const char untold_request[] = "which request it answers cannot be told: bytes were lost";
static const char untold_ack[] = "which acknowledgement is of it cannot be told: bytes were lost";
static const char acked_unseen[] = "what it acknowledges was not seen";

static enum dir asker_of(const struct amqp_exchange *q)
{
	return (enum dir)(q->f.x.key >> 32 & 1);
}

static struct amqp_exchange *new_exchange(struct amqp *m, struct amqp_channel *ch,
					  const struct amqp_method *method, uint64_t key)
{
	struct amqp_exchange *q = (struct amqp_exchange *)framed_new(&m->f, key);

	if (!q)
		return NULL;
	q->method = method;
	q->channel = ch;
	return q;
}

static struct amqp_exchange *begin_login(struct amqp *m)
{
	uint64_t key = amqp_key(AMQP_KEY_LOGIN, 0, 0);
	struct amqp_exchange *q = (struct amqp_exchange *)exchange_find(&m->f.l, key);

	if (q)
		return q;
	q = new_exchange(m, NULL, NULL, key);
	if (q)
		q->name = "connect";
	return q;
}

/*
 * A client that waits for each answer goes on to do so: its next request says that an answer which
 * is not there was lost.
 */
static struct amqp_exchange *begin_ask(struct amqp *m, struct amqp_channel *ch, enum dir dir,
				       const struct amqp_method *method)
{
	struct amqp_exchange *q = TAILQ_FIRST(&ch->waiting[AMQP_ASKED]), *next;

	for (; q && !ch->ahead; q = next) {
		next = TAILQ_NEXT(q, next);
		if (asker_of(q) != dir)
			continue;
		if (q->f.missed[!dir])
			amqp_leave_alone(m, q, lost_answer);
		else
			ch->ahead = true;
	}
	q = new_exchange(m, ch, method, amqp_key_of_ask(ch, method, dir));
	if (!q)
		return NULL;
	q->due = true;
	amqp_list(q, AMQP_ASKED);
	return q;
}

static struct amqp_exchange *begin_answer(struct amqp *m, struct amqp_channel *ch, enum dir dir,
					  const struct amqp_method *method)
{
	const struct amqp_method *asked = amqp_method(method->class_id, method->answers);
	struct amqp_exchange *q = (struct amqp_exchange *)framed_answered(
		&m->f, dir, amqp_key_of_ask(ch, asked, !dir));

	if (!q)
		return NULL;
	if (!q->method && ch->ahead && !ch->counted[amqp_part_of(&m->f, dir)])
		q->f.alone = untold_request;
	q->method = asked;
	q->channel = ch;
	/* The answer to a close says nothing that the close has not said. */
	if (!q->status)
		q->status = method->class_id == 60 && method->id == 72 ? "empty" : "OK";
	amqp_unlist(q);
	return q;
}

/* A publication: acknowledged by its number where the channel confirms. */
static struct amqp_exchange *begin_publish(struct amqp *m, struct amqp_channel *ch,
					   const struct amqp_method *method)
{
	struct amqp_exchange *q = new_exchange(m, ch, method, 0);

	if (!q || !ch->confirms)
		return q;
	if (!ch->counted[PART_REQUEST]) {
		exchange_fault(&q->f.x, untold_ack);
		return q;
	}
	q->tag = ++ch->published;
	q->due = true;
	exchange_set_key(&m->f.l, &q->f.x, amqp_key_of_tag(ch, AMQP_PUBLISHED, q->tag));
	amqp_list(q, AMQP_PUBLISHED);
	return q;
}

struct ack {
	uint64_t tag;
	bool multiple, failed;
	const char *status;
};

static struct ack read_ack(const uint8_t *frame, const struct amqp_method *method)
{
	uint8_t bits = frame[AMQP_ARGUMENTS + 8];
	bool nack = method->id == 120, reject = method->id == 90;
	bool requeued = (nack && bits & 2) || (reject && bits & 1);

	return (struct ack){ .tag = amqp_number(frame + AMQP_ARGUMENTS, 8),
			     .multiple = !reject && bits & 1,
			     .failed = nack || reject,
			     .status = requeued ? (nack ? "nack, requeue" : "reject, requeue")
				       : nack	? "nack"
				       : reject ? "reject"
						: "ack" };
}

/* All that wait up to the number; the last of them has the acknowledgement as its answer. */
static uint64_t settle(struct amqp *m, struct amqp_waiting *l, const struct ack *a,
		       const struct pdu *p)
{
	struct amqp_exchange *q, *next;

	for (q = TAILQ_FIRST(l); q && (!a->tag || q->tag <= a->tag); q = next) {
		next = TAILQ_NEXT(q, next);
		if (!next || (a->tag && next->tag > a->tag))
			return q->tag;
		if (amqp_missed_both(q))
			amqp_leave_alone(m, q, NULL);
		else
			amqp_answer_elsewhere(m, q, a->status, a->failed, p);
	}
	return a->tag;
}

static struct amqp_exchange *begin_ack(struct amqp *m, struct amqp_channel *ch, enum dir dir,
				       const struct amqp_method *method, const struct pdu *p,
				       enum part *ret_part)
{
	struct ack a = read_ack(p->data, method);
	bool client = dir == m->f.client;
	enum amqp_wait which = client ? AMQP_DELIVERED : AMQP_PUBLISHED;
	uint64_t tag = a.multiple ? settle(m, &ch->waiting[which], &a, p) : a.tag;
	uint64_t key = amqp_key_of_tag(ch, which, tag);

	ch->acks |= client;
	/* What was got by basic.get has been told with its answer. */
	if (client && ch->counted[PART_RESPONSE] && tag <= ch->delivered &&
	    !exchange_find(&m->f.l, key)) {
		*ret_part = PART_REQUEST;
		return new_exchange(m, ch, method, 0);
	}
	bool known = exchange_find(&m->f.l, key) != NULL;
	struct amqp_exchange *q = (struct amqp_exchange *)framed_answered(&m->f, dir, key);
	if (!q)
		return NULL;
	if (!known)
		q->f.alone = acked_unseen;
	q->method = q->method ? q->method : method;
	q->channel = ch;
	q->status = a.status;
	q->failed = a.failed;
	amqp_unlist(q);
	*ret_part = PART_RESPONSE;
	return q;
}

/* It is opened: what is left of one with its number is of before. */
static void begin_channel(struct amqp *m, struct amqp_channel *ch)
{
	amqp_end_channel(m, ch, lost_answer);
	ch->counted[0] = ch->counted[1] = true;
	ch->confirms = ch->acks = ch->ahead = false;
	ch->published = ch->delivered = 0;
}

static void note_client(struct framed *f, enum dir dir, const struct amqp_method *method)
{
	if (!f->client_known && method->side != AMQP_SIDE_EITHER)
		framed_know_client(f, method->side == AMQP_SIDE_CLIENT ? dir : !dir);
}

static struct amqp_exchange *begin_method(struct amqp *m, struct amqp_channel *ch, enum dir dir,
					  const struct pdu *p, enum part *ret_part)
{
	const struct amqp_method *method = amqp_method_of(p->data);
	struct amqp_exchange *q;

	amqp_end_content(m, ch, dir, not_whole);
	if (method && method->class_id == 20 && method->id == 10)
		begin_channel(m, ch);
	if (!method) {
		q = new_exchange(m, ch, NULL, 0);
		if (q)
			exchange_fault(&q->f.x, unknown_method);
		return q;
	}
	note_client(&m->f, dir, method);
	switch (method->kind) {
	case AMQP_KIND_LOGIN:
		*ret_part = method->side == AMQP_SIDE_CLIENT ? PART_REQUEST : PART_RESPONSE;
		return begin_login(m);
	case AMQP_KIND_ASK:
		return begin_ask(m, ch, dir, method);
	case AMQP_KIND_ANSWER:
		*ret_part = PART_RESPONSE;
		return begin_answer(m, ch, dir, method);
	case AMQP_KIND_ACK:
		return begin_ack(m, ch, dir, method, p, ret_part);
	case AMQP_KIND_MESSAGE:
		return method->id == 40 ? begin_publish(m, ch, method)
					: new_exchange(m, ch, method, 0);
	case AMQP_KIND_TELL:
		break;
	}
	return new_exchange(m, ch, method, 0);
}

/* A content header or a part of a body. */
static struct amqp_exchange *begin_content(struct amqp *m, struct amqp_channel *ch, enum dir dir,
					   const struct pdu *p, enum part *ret_part)
{
	struct amqp_content *c = &ch->content[dir];

	if (c->x && c->sized && p->data[0] == AMQP_HEADER)
		amqp_end_content(m, ch, dir, not_whole);
	if (!c->x) {
		struct amqp_exchange *q = new_exchange(m, ch, NULL, 0);
		if (!q)
			return NULL;
		exchange_fault(&q->f.x, no_method);
		*c = (struct amqp_content){ .x = q };
	}
	*ret_part = c->part;
	return c->x;
}

struct amqp_exchange *amqp_begin_frame(struct amqp *m, enum dir dir, const struct pdu *p,
				       enum part *ret_part)
{
	if (p->data[0] == 'A') {
		if (!m->f.client_known)
			framed_know_client(&m->f, dir);
		*ret_part = amqp_part_of(&m->f, dir);
		return begin_login(m);
	}
	if (p->data[0] == AMQP_HEARTBEAT) {
		struct amqp_exchange *q = new_exchange(m, NULL, NULL, 0);
		if (q)
			q->name = "heartbeat";
		return q;
	}
	struct amqp_channel *ch = amqp_channel_of(m, amqp_channel_number(p->data));
	if (!ch)
		return NULL;
	return p->data[0] == AMQP_METHOD ? begin_method(m, ch, dir, p, ret_part)
					 : begin_content(m, ch, dir, p, ret_part);
}
