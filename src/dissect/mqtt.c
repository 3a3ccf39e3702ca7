// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MQTT: packets of both directions and what belongs together. A packet that is acknowledged is one
 * exchange with its acknowledgements, which name it by its packet id.
 */
#include "dissect/mqtt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/unpack.h"
#include "base/utf8.h"
#include "entry.h"

#define HEAD_MOST 5 /* bytes of a fixed header */

static enum mqtt_type type_of(const uint8_t *data)
{
	return data[0] >> 4;
}

/* Flags that a packet of this type has always (2.1.3). */
static bool first_byte_valid(uint8_t first)
{
	enum mqtt_type type = first >> 4;

	if (type == MQTT_PUBLISH)
		return mqtt_qos(first) < 3;
	if (type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE)
		return (first & 15) == 2;
	return type && !(first & 15);
}

/* The packet id stands first in what follows the fixed header. */
static bool begins_with_id(enum mqtt_type type)
{
	return type >= MQTT_PUBACK && type <= MQTT_UNSUBACK;
}

/* Least and most bytes after the fixed header. */
static bool size_valid(uint8_t first, uint64_t rest)
{
	static const uint8_t least[16] = {
		[MQTT_CONNECT] = 10,	[MQTT_CONNACK] = 2,   [MQTT_PUBLISH] = 2,
		[MQTT_PUBACK] = 2,	[MQTT_PUBREC] = 2,    [MQTT_PUBREL] = 2,
		[MQTT_PUBCOMP] = 2,	[MQTT_SUBSCRIBE] = 6, [MQTT_SUBACK] = 3,
		[MQTT_UNSUBSCRIBE] = 5, [MQTT_UNSUBACK] = 2
	};
	enum mqtt_type type = first >> 4;
	bool empty = type == MQTT_PINGREQ || type == MQTT_PINGRESP;

	return rest >= least[type] + (type == MQTT_PUBLISH && mqtt_qos(first) ? 2u : 0u) &&
	       (!empty || !rest);
}

/*
 * The fixed header: its length, 0 when more is needed, -EPROTO when it is none. *ret_rest: bytes
 * that follow it.
 */
static int head_length(const uint8_t *data, size_t len, uint64_t *ret_rest)
{
	uint64_t rest = 0;

	if (!first_byte_valid(data[0]))
		return -EPROTO;
	for (int i = 1; i < HEAD_MOST; i++) {
		if ((size_t)i >= len)
			return 0;
		rest |= (uint64_t)(data[i] & 0x7f) << (7 * (i - 1));
		if (data[i] & 0x80)
			continue;
		*ret_rest = rest;
		return size_valid(data[0], rest) ? i + 1 : -EPROTO;
	}
	return -EPROTO;
}

/* Bytes up to the end of the packet id, which tells what the packet belongs to. 0: more needed. */
static size_t id_end(const uint8_t *data, size_t len, size_t head)
{
	if (begins_with_id(type_of(data)))
		return head + 2;
	if (type_of(data) != MQTT_PUBLISH || !mqtt_qos(data[0]))
		return head;
	return len < head + 2 ? 0 : head + 2 + (data[head] << 8 | data[head + 1]) + 2u;
}

static int64_t mqtt_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	uint64_t rest = 0;
	int head = head_length(data, len, &rest);

	(void)f;
	(void)dir;
	if (head <= 0)
		return head;
	size_t id = id_end(data, len, (size_t)head);
	if (id > (uint64_t)head + rest)
		return -EPROTO;
	return !id || id > len ? 0 : head + (int64_t)rest;
}

/* A topic name: not empty but for an alias, UTF-8 without control characters and wildcards. */
static int topic_valid(const uint8_t *topic, size_t len, size_t there)
{
	size_t end = there < len ? there : len;

	for (size_t i = 0; i < end;) {
		size_t n = utf8_length(topic + i, end - i);
		if (topic[i] < ' ' || topic[i] == '#' || topic[i] == '+' || topic[i] == 0x7f)
			return PROBE_NO;
		if (!n)
			return there < len && end - i < 4 ? PROBE_MAYBE : PROBE_NO;
		i += n;
	}
	return there < len ? PROBE_MAYBE : 1;
}

static int connect_valid(const uint8_t *data, size_t len)
{
	static const char names[2][10] = { "\0\4MQTT", "\0\6MQIsdp" };

	for (int i = 0; i < 2; i++) {
		size_t n = i ? 8 : 6;
		if (memcmp(data, names[i], len < n ? len : n) != 0)
			continue;
		if (len <= n + 1)
			return PROBE_MAYBE;
		bool level = i ? data[n] == 3 : data[n] == 4 || data[n] == 5;
		return level && !(data[n + 1] & 1) ? PROBE_YES : PROBE_NO;
	}
	return PROBE_NO;
}

/* Acknowledgements of MQTT 5 tell a reason, which is one of a few. */
static bool ack_valid(const uint8_t *data, uint64_t rest)
{
	return rest == 2 || data[2] == 0 || data[2] == 0x10 || (data[2] >= 0x80 && data[2] < 0xa3);
}

/* What the first packet alone makes likely. */
static int score(const uint8_t *data, size_t len)
{
	uint64_t rest = 0;
	int head = head_length(data, len, &rest);

	if (head <= 0)
		return head ? PROBE_NO : PROBE_MAYBE;
	enum mqtt_type type = type_of(data);
	data += head;
	len -= (size_t)head;
	if (type == MQTT_CONNECT)
		return connect_valid(data, len);
	size_t needed = type == MQTT_CONNACK ? 2 : rest < 3 ? (size_t)rest : 3;
	if (len < needed)
		return PROBE_MAYBE;
	if (type == MQTT_CONNACK)
		return data[0] <= 1 && (data[1] <= 5 || data[1] >= 0x80) ? 40 : PROBE_NO;
	if (type == MQTT_PUBLISH) {
		size_t topic = (size_t)(data[0] << 8 | data[1]);
		if (topic + 2 > rest)
			return PROBE_NO;
		int v = topic_valid(data + 2, topic, len - 2);
		return v > 0 ? topic ? 60 : 10 : v;
	}
	if (begins_with_id(type) && !(data[0] | data[1]))
		return PROBE_NO;
	if (type >= MQTT_PUBACK && type <= MQTT_PUBCOMP)
		return ack_valid(data, rest) ? 30 : PROBE_NO;
	/* MQTT 3 has nothing in a DISCONNECT, and no AUTH. */
	return type < MQTT_DISCONNECT ? 30 : rest < 2 ? 5 : PROBE_NO;
}

static int mqtt_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	return len ? score(data, len) : PROBE_MAYBE;
}

static int mqtt_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	(void)f;
	(void)dir;
	return score(data, len);
}

/* What a key tells: which request, and of an id who sent it. */
static uint64_t key_of(enum mqtt_type request, enum dir asks, unsigned id)
{
	return (uint64_t)request << 32 | (uint64_t)asks << 16 | id;
}

static unsigned id_of(const uint8_t *data, size_t len)
{
	uint64_t rest;
	size_t head = (size_t)head_length(data, len, &rest);
	size_t end = id_end(data, len, head);

	return end > head ? (unsigned)(data[end - 2] << 8 | data[end - 1]) : 0;
}

/* The request that a packet belongs to, or that it is. */
static enum mqtt_type request_of(enum mqtt_type type)
{
	if (type >= MQTT_PUBACK && type <= MQTT_PUBCOMP)
		return MQTT_PUBLISH;
	bool answer = type == MQTT_CONNACK || type == MQTT_SUBACK || type == MQTT_UNSUBACK ||
		      type == MQTT_PINGRESP;
	return answer ? type - 1 : type;
}

/* Types that tell who is the client. */
static void note_client(struct framed *f, enum dir dir, enum mqtt_type type)
{
	if (f->client_known)
		return;
	if (type == MQTT_CONNECT || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ||
	    type == MQTT_PINGREQ)
		framed_know_client(f, dir);
	else if (type == MQTT_CONNACK || type == MQTT_SUBACK || type == MQTT_UNSUBACK ||
		 type == MQTT_PINGRESP)
		framed_know_client(f, !dir);
}

/* AUTH goes on with the CONNECT that waits, or with an exchange of its own. */
static struct exchange *auth_exchange(struct framed *f, enum dir dir, enum part *ret_part)
{
	struct exchange *x = exchange_find(&f->l, key_of(MQTT_CONNECT, f->client, 0));
	uint64_t key = key_of(MQTT_AUTH, f->client, 0);

	*ret_part = dir == f->client ? PART_REQUEST : PART_RESPONSE;
	x = x ? x : exchange_find(&f->l, key);
	if (x)
		return x;
	return *ret_part == PART_REQUEST ? framed_new(f, key) : framed_answered(f, dir, key);
}

static struct exchange *exchange_of(struct framed *f, enum dir dir, const struct pdu *p,
				    enum part *ret_part)
{
	enum mqtt_type type = type_of(p->data), request = request_of(type);
	unsigned id = id_of(p->data, p->len);

	if (type == MQTT_AUTH)
		return auth_exchange(f, dir, ret_part);
	if (type == MQTT_PUBREL) {
		*ret_part = PART_REQUEST;
		return exchange_find(&f->l, key_of(request, dir, id));
	}
	*ret_part = type == request ? PART_REQUEST : PART_RESPONSE;
	if (type != request)
		return framed_answered(f, dir, key_of(request, !dir, id));
	if (type == MQTT_DISCONNECT || (type == MQTT_PUBLISH && !mqtt_qos(p->data[0])))
		return framed_new(f, 0);
	return framed_asked(f, key_of(request, dir, id));
}

static int mqtt_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	enum part part;

	note_client(f, dir, type_of(p->data));
	struct exchange *x = exchange_of(f, dir, p, &part);
	if (!x && type_of(p->data) == MQTT_PUBREL) {
		x = framed_new(f, key_of(MQTT_PUBLISH, dir, id_of(p->data, p->len)));
		if (x)
			exchange_fault(x, "its first packet was not seen");
	}
	int r = framed_place(f, dir, x, part, p);
	if (!r && !((struct mqtt_exchange *)x)->type)
		((struct mqtt_exchange *)x)->type = request_of(type_of(p->data));
	return r;
}

static int mqtt_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct mqtt *m = ctx;
	struct framed *f = &m->f;
	struct exchange *x = f->now[dir];
	enum mqtt_type type = type_of(p->data);

	if (!x)
		return 0;
	struct mqtt_exchange *q = (struct mqtt_exchange *)x;
	mqtt_read(m, dir, p, q, x->message[f->part[dir]]);
	q->level = m->level;
	if (type == MQTT_DISCONNECT || (type == MQTT_PUBLISH && !mqtt_qos(p->data[0])))
		framed_one_way(f, dir);
	/* These do not end it, unless they say that it failed. */
	bool goes_on = (type == MQTT_PUBREC && !q->failed && x->message[PART_REQUEST]) ||
		       (type == MQTT_AUTH && f->part[dir] == PART_RESPONSE && q->status == NULL);
	if (goes_on)
		framed_rest(f, dir);
	else
		framed_done(f, dir, p);
	return 0;
}

static void mqtt_lost(struct framed *f, enum dir dir)
{
	mqtt_forget_aliases((struct mqtt *)f, dir);
}

static const char *name_of(enum mqtt_type request)
{
	static const char *const names[16] = {
		[MQTT_CONNECT] = "CONNECT",	[MQTT_PUBLISH] = "PUBLISH",
		[MQTT_SUBSCRIBE] = "SUBSCRIBE", [MQTT_UNSUBSCRIBE] = "UNSUBSCRIBE",
		[MQTT_PINGREQ] = "PINGREQ",	[MQTT_DISCONNECT] = "DISCONNECT",
		[MQTT_AUTH] = "AUTH",
	};

	return names[request & 15] ? names[request & 15] : "";
}

static void mqtt_fill(const struct exchange *x, struct entry *e)
{
	static const char *const versions[6] = { "", "", "", "3.1", "3.1.1", "5" };
	const struct mqtt_exchange *q = (const struct mqtt_exchange *)x;

	if (framed_fill(x, e))
		return;
	e->method = name_of(q->type);
	e->version = versions[q->level < 6 ? q->level : 0];
	e->summary = framed_summary(e, q->type == MQTT_CONNECT ? "client_id" : "topic");
	if (q->status) {
		e->status = q->status;
		e->failed = q->failed;
	}
}

static const struct framed_ops mqtt_ops = {
	.name = "mqtt",
	.pdu = { FRAMED_PDU_OPS, .keep = LIMIT_MQTT_PACKET, .begin = mqtt_begin,
		 .whole = mqtt_whole },
	.exchange = { "mqtt", sizeof(struct mqtt_exchange), mqtt_fill, NULL },
	.length = mqtt_length,
	.begins = mqtt_begins,
	.lost = mqtt_lost,
};

static void *mqtt_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct mqtt *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	account_change(sink->account, 0, sizeof(*m));
	framed_begin(&m->f, sink, hint, &mqtt_ops);
	return m;
}

static void mqtt_close(void *state, int64_t now)
{
	struct mqtt *m = state;

	(void)now;
	framed_end(&m->f);
	mqtt_forget_aliases(m, DIR_READ);
	mqtt_forget_aliases(m, DIR_WRITE);
	account_change(m->f.l.sink.account, sizeof(*m), 0);
	free(m);
}

const struct dissector dissect_mqtt = {
	.name = "mqtt",
	.probe = mqtt_probe,
	.open = mqtt_open,
	.close = mqtt_close,
	FRAMED_DISSECTOR_OPS,
};
