// SPDX-License-Identifier: GPL-2.0-or-later
/* Channels of an AMQP connection: what waits on one, its consumers, the content that goes on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/hash.h"
#include "dissect/amqp.h"
#include "entry.h"
#include "items.h"

static const char crowded[] = "more channels were in use than are followed at once";
static const char not_whole[] = "its content did not come whole";
static const char untold_answer[] = "which answer belongs to it cannot be told: bytes were lost";

static uint64_t key_of_consumer(const struct amqp_channel *ch, struct text tag)
{
	return amqp_key(AMQP_KEY_CONSUMER, ch->number, hash_bytes(tag.data, tag.len));
}

void amqp_unlist(struct amqp_exchange *q)
{
	if (q->list)
		TAILQ_REMOVE(q->list, q, next);
	q->list = NULL;
}

void amqp_list(struct amqp_exchange *q, enum amqp_wait which)
{
	amqp_unlist(q);
	if (!q->channel)
		return;
	q->list = &q->channel->waiting[which];
	TAILQ_INSERT_TAIL(q->list, q, next);
}

bool amqp_missed_both(const struct amqp_exchange *q)
{
	return q->f.missed[0] && q->f.missed[1];
}

void amqp_free_exchange(struct exchange *x)
{
	struct amqp_exchange *q = (struct amqp_exchange *)x;

	amqp_unlist(q);
	for (int i = 0; q->channel && i < 2; i++)
		if (q->channel->content[i].x == q)
			q->channel->content[i].x = NULL;
	items_free(q->items);
}

void amqp_answer_elsewhere(struct amqp *m, struct amqp_exchange *q, const char *status, bool failed,
			   const struct pdu *p)
{
	amqp_unlist(q);
	q->status = status;
	q->failed = failed;
	if (!exchange_begin_part(&q->f.x, PART_RESPONSE, p->offset, p->first_us))
		exchange_end_part(&m->f.l, &q->f.x, PART_RESPONSE, p->first_us);
}

/* The consumer is one no more: both its messages have ended long ago. */
void amqp_end_consumer(struct amqp *m, struct amqp_exchange *q)
{
	struct exchange *x = &q->f.x;

	amqp_unlist(q);
	m->consumers--;
	x->lasting = false;
	if (!x->message[PART_REQUEST])
		x->alone = q->f.alone ? q->f.alone : "";
	for (int i = 0; i < 2; i++)
		x->done[i] = true;
	exchange_tell(&m->f.l, x);
}

struct amqp_exchange *amqp_find_consumer(struct amqp *m, const struct amqp_channel *ch,
					 struct text tag)
{
	struct exchange *x = exchange_find(&m->f.l, key_of_consumer(ch, tag));
	struct amqp_exchange *q = (struct amqp_exchange *)x;

	return q && tag.len && q->consumer.len == tag.len &&
			       !memcmp(q->consumer.data, tag.data, tag.len)
		       ? q
		       : NULL;
}

/* A delivery that has come: the consumer's list has it too. */
static void list_delivery(struct amqp *m, struct amqp_channel *ch, struct amqp_exchange *q)
{
	struct message *msg = q->f.x.message[PART_REQUEST];
	struct amqp_exchange *c = amqp_find_consumer(m, ch, amqp_member(msg, "consumer_tag"));
	struct text key = amqp_member(msg, "routing_key");
	struct item *i;

	if (!c || !c->items || !(i = items_begin(c->items, ITEM_SERVER, "delivery", msg->start_us)))
		return;
	char id[24];
	items_name(c->items, i, key.data, key.len);
	items_id(c->items, i, id, (size_t)snprintf(id, sizeof(id), "%" PRIu64, q->tag));
	items_put(c->items, i, msg->body.bytes.data, msg->body.bytes.len);
	i->size = q->f.x.size[PART_REQUEST];
	if (msg->body.present > msg->body.bytes.len || q->f.x.faults[0])
		i->note = "not whole: see the delivery's own entry";
	items_end(c->items, i);
	exchange_holds(&c->f.x, items_bytes(c->items));
	c->f.x.live.changed = true;
}

void amqp_end_content(struct amqp *m, struct amqp_channel *ch, enum dir dir, const char *why)
{
	struct amqp_content c = ch->content[dir];
	struct exchange *x = c.x ? &c.x->f.x : NULL;

	ch->content[dir] = (struct amqp_content){ 0 };
	if (!x)
		return;
	if (m->f.now[dir] == x)
		m->f.now[dir] = NULL;
	if (why)
		exchange_fault(x, why);
	struct message *msg = x->message[c.part];
	if (!msg->content_type.data && msg->body.bytes.len) {
		const char *type = framed_guess_type(msg->body.bytes.data, msg->body.bytes.len);
		msg->content_type = message_text(msg, type, strlen(type));
	}
	if (c.x->method && c.x->method->id == 60)
		list_delivery(m, ch, c.x);
	if (!c.x->due && c.part == PART_REQUEST)
		exchange_leave_alone(&m->f.l, x, NULL);
	if (!exchange_end_part(&m->f.l, x, c.part, msg->end_us) && c.part == PART_RESPONSE &&
	    !x->message[PART_REQUEST])
		exchange_leave_alone(&m->f.l, x, c.x->f.alone);
}

void amqp_leave_alone(struct amqp *m, struct amqp_exchange *q, const char *why)
{
	amqp_unlist(q);
	exchange_leave_alone(&m->f.l, &q->f.x, amqp_missed_both(q) ? untold_answer : why);
}

void amqp_end_channel(struct amqp *m, struct amqp_channel *ch, const char *why)
{
	struct amqp_exchange *q;

	for (int dir = 0; dir < 2; dir++)
		amqp_end_content(m, ch, dir, not_whole);
	while ((q = TAILQ_FIRST(&ch->waiting[AMQP_CONSUMERS])))
		amqp_end_consumer(m, q);
	while ((q = TAILQ_FIRST(&ch->waiting[AMQP_DELIVERED]))) {
		q->status = "not acknowledged";
		amqp_leave_alone(m, q, NULL);
	}
	for (int i = 0; i < AMQP_DELIVERED; i++)
		while ((q = TAILQ_FIRST(&ch->waiting[i])))
			amqp_leave_alone(m, q, why);
}

static struct amqp_channel **chain_of(struct amqp *m, unsigned number)
{
	struct amqp_channel **c = &m->chain[number % AMQP_CHAINS];

	while (*c && (*c)->number != number)
		c = &(*c)->chain;
	return c;
}

void amqp_free_channel(struct amqp *m, struct amqp_channel *ch, const char *why)
{
	amqp_end_channel(m, ch, why);
	*chain_of(m, ch->number) = ch->chain;
	TAILQ_REMOVE(&m->channels, ch, by_use);
	m->channel_count--;
	account_change(m->f.l.sink.account, sizeof(*ch), 0);
	/* What has ended but for its answer may still name it. */
	for (struct exchange *x = m->f.l.head; x; x = x->next)
		if (((struct amqp_exchange *)x)->channel == ch)
			((struct amqp_exchange *)x)->channel = NULL;
	free(ch);
}

struct amqp_channel *amqp_channel_of(struct amqp *m, unsigned number)
{
	struct amqp_channel *ch = *chain_of(m, number);

	if (ch) {
		TAILQ_REMOVE(&m->channels, ch, by_use);
		TAILQ_INSERT_TAIL(&m->channels, ch, by_use);
		return ch;
	}
	if (m->channel_count == LIMIT_AMQP_CHANNELS)
		amqp_free_channel(m, TAILQ_FIRST(&m->channels), crowded);
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return NULL;
	account_change(m->f.l.sink.account, 0, sizeof(*ch));
	ch->number = (uint16_t)number;
	for (int i = 0; i < AMQP_WAITS; i++)
		TAILQ_INIT(&ch->waiting[i]);
	*chain_of(m, number) = ch;
	TAILQ_INSERT_TAIL(&m->channels, ch, by_use);
	m->channel_count++;
	return ch;
}

void amqp_begin_consumer(struct amqp *m, struct amqp_channel *ch, struct amqp_exchange *q)
{
	struct exchange *x = &q->f.x;
	struct text tag = amqp_member(x->message[PART_RESPONSE], "consumer_tag");

	q->consumer = tag.len ? tag : amqp_member(x->message[PART_REQUEST], "consumer_tag");
	q->channel = ch;
	q->items = items_new();
	x->lasting = true;
	m->consumers++;
	exchange_set_key(&m->f.l, x, key_of_consumer(ch, q->consumer));
	amqp_list(q, AMQP_CONSUMERS);
}
