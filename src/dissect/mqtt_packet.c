// SPDX-License-Identifier: GPL-2.0-or-later
/* What the packets of MQTT say. Passwords and the data of logins are never copied. */
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/unpack.h"
#include "dissect/mqtt.h"
#include "entry.h"

static const char masked[] = "•••";
static const char unknown_topic[] = "its topic was told by a number that is not known";
static const char unknown_level[] = "joined late: the version is not known, and so not where the "
				    "payload begins";

/* One packet being read. */
struct reading {
	struct mqtt *m;
	struct mqtt_exchange *x;
	struct message *msg;
	struct unpack c; /* what follows the fixed header, as far as it is there */
	enum dir dir;
	uint16_t alias; /* of its properties */
	bool typed;	/* these say of what type the payload is */
};

enum kind { NONE, BYTE, U16, U32, VARINT, UTF8, BINARY, PAIR };

struct property {
	enum kind kind;
	bool publish; /* a PUBLISH may have it */
	const char *name;
};

/* 2.2.2.2 */
static const struct property properties[0x2b] = {
	[0x01] = { BYTE, true, NULL },
	[0x02] = { U32, true, "message_expiry" },
	[0x03] = { UTF8, true, NULL },
	[0x08] = { UTF8, true, "response_topic" },
	[0x09] = { BINARY, true, "correlation_data" },
	[0x0b] = { VARINT, true, "subscription_id" },
	[0x11] = { U32, false, "session_expiry" },
	[0x12] = { UTF8, false, "assigned_client_id" },
	[0x13] = { U16, false, "server_keep_alive" },
	[0x15] = { UTF8, false, "auth_method" },
	[0x16] = { BINARY, false, "auth_data" },
	[0x17] = { BYTE, false, NULL },
	[0x18] = { U32, false, "will_delay" },
	[0x19] = { BYTE, false, NULL },
	[0x1a] = { UTF8, false, NULL },
	[0x1c] = { UTF8, false, "server_reference" },
	[0x1f] = { UTF8, false, "reason_string" },
	[0x21] = { U16, false, "receive_maximum" },
	[0x22] = { U16, false, NULL },
	[0x23] = { U16, true, NULL },
	[0x24] = { BYTE, false, NULL },
	[0x25] = { BYTE, false, NULL },
	[0x26] = { PAIR, true, NULL },
	[0x27] = { U32, false, NULL },
	[0x28] = { BYTE, false, NULL },
	[0x29] = { BYTE, false, NULL },
	[0x2a] = { BYTE, false, NULL },
};

static struct text take_string(struct unpack *c)
{
	return unpack_text(c, unpack_be(c, 2));
}

static uint64_t take_number(struct unpack *c, enum kind kind)
{
	return kind == VARINT ? unpack_varint(c, 4)
			      : unpack_be(c, kind == BYTE  ? 1
					     : kind == U16 ? 2
							   : 4);
}

static void add_user_property(struct message *m, struct text name, struct text value)
{
	if (m->headers.count >= LIMIT_HEADERS)
		return;
	struct text n = message_text(m, name.data, name.len);
	struct text v = message_text(m, value.data, value.len);
	if (n.data && v.data)
		message_add_pair(m, &m->headers, n, v);
}

static void keep_property(struct reading *r, unsigned id, struct text t, uint64_t number)
{
	const struct property *p = &properties[id];

	if (id == 0x23)
		r->alias = (uint16_t)number;
	if (id == 0x03 && t.len) {
		r->msg->content_type = message_text(r->msg, t.data, t.len);
		r->typed = true;
	}
	if (!p->name)
		return;
	if (id == 0x16)
		framed_text(r->msg, p->name, (struct text){ masked, sizeof(masked) - 1 });
	else if (p->kind >= UTF8)
		framed_text(r->msg, p->name, t);
	else
		message_add_number(r->msg, p->name, (int64_t)number);
}

/*
 * Properties, to the end of `c`. Without `r` they are only looked at. False: they are none, or are
 * cut off.
 */
static bool read_properties(struct unpack c, struct reading *r, bool publish)
{
	while (c.left) {
		uint64_t id = unpack_varint(&c, 4), number = 0;
		const struct property *p = &properties[id < 0x2b ? id : 0];
		struct text t = { 0 }, value = { 0 };
		if (c.failed || p->kind == NONE || (publish && !p->publish))
			return false;
		if (p->kind >= UTF8)
			t = take_string(&c);
		else
			number = take_number(&c, p->kind);
		if (p->kind == PAIR)
			value = take_string(&c);
		if (c.failed)
			return false;
		if (r && p->kind == PAIR)
			add_user_property(r->msg, t, value);
		else if (r)
			keep_property(r, (unsigned)id, t, number);
	}
	return true;
}

static void take_properties(struct reading *r)
{
	uint64_t len = unpack_varint(&r->c, 4);

	if (r->c.left || len)
		read_properties(unpack_part(&r->c, len), r, false);
}

/* The reason codes that are told by name (2.4, and 3.2 of MQTT 3.1.1). */
static const char *reason_name(uint8_t level, uint8_t code)
{
	static const char *const old[6] = { "OK",
					    "Unsupported protocol version",
					    "Client identifier not valid",
					    "Server unavailable",
					    "Bad user name or password",
					    "Not authorized" };
	static const char *const good[] = { [0x00] = "OK",
					    [0x01] = "OK",
					    [0x02] = "OK",
					    [0x04] = "Disconnect with will message",
					    [0x10] = "No matching subscribers",
					    [0x11] = "No subscription existed",
					    [0x18] = "Continue authentication",
					    [0x19] = "Re-authenticate" };
	static const char *const bad[] = { "Unspecified error",
					   "Malformed packet",
					   "Protocol error",
					   "Implementation specific error",
					   "Unsupported protocol version",
					   "Client identifier not valid",
					   "Bad user name or password",
					   "Not authorized",
					   "Server unavailable",
					   "Server busy",
					   "Banned",
					   "Server shutting down",
					   "Bad authentication method",
					   "Keep alive timeout",
					   "Session taken over",
					   "Topic filter invalid",
					   "Topic name invalid",
					   "Packet identifier in use",
					   "Packet identifier not found",
					   "Receive maximum exceeded",
					   "Topic alias invalid",
					   "Packet too large",
					   "Message rate too high",
					   "Quota exceeded",
					   "Administrative action",
					   "Payload format invalid",
					   "Retain not supported",
					   "QoS not supported",
					   "Use another server",
					   "Server moved",
					   "Shared subscriptions not supported",
					   "Connection rate exceeded",
					   "Maximum connect time",
					   "Subscription identifiers not supported",
					   "Wildcard subscriptions not supported" };
	const char *name = NULL;

	if (level && level < 5 && code < 6)
		return old[code];
	if (code < sizeof(good) / sizeof(*good))
		name = good[code];
	else if (code >= 0x80 && code - 0x80u < sizeof(bad) / sizeof(*bad))
		name = bad[code - 0x80];
	return name ? name : "Unknown reason";
}

static void take_reason(struct reading *r, uint8_t code)
{
	bool old = r->m->level && r->m->level < 5;

	r->x->status = reason_name(r->m->level, code);
	r->x->failed = old ? code != 0 : code >= 0x80;
	message_add_number(r->msg, "reason_code", code);
}

static void read_will(struct reading *r, unsigned flags)
{
	if (!(flags & 4))
		return;
	if (r->m->level == 5)
		take_properties(r);
	framed_text(r->msg, "will_topic", take_string(&r->c));
	message_add_number(r->msg, "will_qos", flags >> 3 & 3);
	struct text payload = take_string(&r->c);
	if (r->c.failed)
		return;
	payload_put(&r->msg->body, payload.data, payload.len, LIMIT_RENDERED_BYTES);
	const char *type = framed_guess_type(payload.data, payload.len);
	r->msg->content_type = message_text(r->msg, type, strlen(type));
}

/* A user name without a password is often a token. */
static void read_login(struct reading *r, unsigned flags)
{
	struct text name = flags & 0x80 ? take_string(&r->c) : (struct text){ 0 };
	const struct text mask = { masked, sizeof(masked) - 1 };

	if (name.len)
		framed_text(r->msg, "username", flags & 0x40 ? name : mask);
	if (flags & 0x40)
		framed_text(r->msg, "password", mask);
}

static void read_connect(struct reading *r)
{
	take_string(&r->c);
	unsigned level = (unsigned)unpack_be(&r->c, 1), flags = (unsigned)unpack_be(&r->c, 1);
	unsigned keep_alive = (unsigned)unpack_be(&r->c, 2);

	if (r->c.failed)
		return;
	r->m->level = (uint8_t)level;
	if (level == 5)
		take_properties(r);
	struct text id = take_string(&r->c);
	if (!r->c.failed && !id.len)
		id = (struct text){ "(none)", 6 };
	framed_text(r->msg, "client_id", id);
	message_add_number(r->msg, "keep_alive", keep_alive);
	message_add_number(r->msg, "clean_start", flags >> 1 & 1);
	read_will(r, flags);
	read_login(r, flags);
}

static void read_connack(struct reading *r)
{
	if (!r->m->level)
		r->m->level = r->c.left == 2 ? 4 : 5;
	unsigned flags = (unsigned)unpack_be(&r->c, 1), code = (unsigned)unpack_be(&r->c, 1);
	if (r->c.failed)
		return;
	take_reason(r, (uint8_t)code);
	message_add_number(r->msg, "session_present", flags & 1);
	if (r->c.left)
		take_properties(r);
}

void mqtt_forget_aliases(struct mqtt *m, enum dir dir)
{
	for (size_t i = 0; i < LIMIT_MQTT_ALIASES; i++) {
		account_change(m->f.l.sink.account, m->alias[dir][i].len, 0);
		free(m->alias[dir][i].topic);
		m->alias[dir][i] = (struct mqtt_alias){ 0 };
	}
}

/* The topic that stands for a number, or the number for this topic from now on. */
static struct text alias_topic(struct reading *r, struct text topic)
{
	struct mqtt_alias *a = &r->m->alias[r->dir][r->alias % LIMIT_MQTT_ALIASES];

	if (!topic.len && a->number == r->alias)
		return (struct text){ a->topic, a->len };
	if (!topic.len)
		exchange_fault(&r->x->f.x, unknown_topic);
	if (!topic.len || topic.len > LIMIT_MQTT_ALIAS_TOPIC)
		return topic;
	account_change(r->m->f.l.sink.account, a->len, 0);
	free(a->topic);
	*a = (struct mqtt_alias){ .topic = malloc(topic.len) };
	if (!a->topic)
		return topic;
	memcpy(a->topic, topic.data, topic.len);
	a->len = (uint16_t)topic.len;
	account_change(r->m->f.l.sink.account, 0, a->len);
	a->number = r->alias;
	return topic;
}

/* Joined late: are there properties, which MQTT 5 alone has? */
static bool has_properties(struct reading *r)
{
	struct unpack c = r->c;
	uint64_t len = unpack_varint(&c, 4);
	struct unpack part = unpack_part(&c, len);

	if (r->m->level)
		return r->m->level == 5;
	if (part.failed || !read_properties(part, NULL, true))
		return false;
	if (len)
		r->m->level = 5;
	else
		exchange_fault(&r->x->f.x, unknown_level);
	return true;
}

static void read_publish(struct reading *r, const struct pdu *p)
{
	struct text topic = take_string(&r->c);

	if (mqtt_qos(p->data[0]))
		message_add_number(r->msg, "packet_id", (int64_t)unpack_be(&r->c, 2));
	if (r->c.failed)
		return;
	if (has_properties(r))
		take_properties(r);
	if (r->alias)
		topic = alias_topic(r, topic);
	framed_text(r->msg, "topic", topic);
	message_add_number(r->msg, "qos", mqtt_qos(p->data[0]));
	message_add_number(r->msg, "retain", p->data[0] & 1);
	if (p->data[0] & 8)
		message_add_number(r->msg, "dup", 1);
	if (r->c.failed)
		return;
	struct text type = r->msg->content_type;
	framed_body(p, r->msg, r->c.at);
	if (r->typed)
		r->msg->content_type = type;
}

/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
static void read_ack(struct reading *r, const struct pdu *p)
{
	bool old = r->m->level && r->m->level < 5;
	bool last = p->data[0] >> 4 != MQTT_PUBREL;

	unpack_be(&r->c, 2);
	if (r->c.left && !r->m->level)
		r->m->level = 5;
	uint8_t code = r->c.left && !old ? (uint8_t)unpack_be(&r->c, 1) : 0;
	/* A PUBCOMP says nothing that the PUBREC has not said, unless it fails. */
	if (last && (!r->x->status || code))
		take_reason(r, code);
	if (r->c.left && !old)
		take_properties(r);
}

/* Topic filters to the end; they are valid when none is empty and nothing is left over. */
static bool each_filter(struct unpack c, bool options, struct reading *r, struct buf *topics)
{
	while (c.left) {
		struct text t = take_string(&c);
		unsigned qos = options ? (unsigned)unpack_be(&c, 1) : 0;
		if (c.failed || !t.len || (qos & 3) == 3)
			return false;
		if (!r)
			continue;
		if (topics->len)
			buf_puts(topics, ", ");
		buf_put(topics, t.data, t.len);
		payload_put(&r->msg->body, t.data, t.len, LIMIT_RENDERED_BYTES);
		char line[16] = "\n";
		if (options)
			memcpy(line,
			       (char[]){ ' ', 'Q', 'o', 'S', ' ', (char)('0' + (qos & 3)), '\n',
					 0 },
			       8);
		payload_put(&r->msg->body, line, strlen(line), LIMIT_RENDERED_BYTES);
	}
	return true;
}

/* SUBSCRIBE and UNSUBSCRIBE. */
static void read_filters(struct reading *r, bool options)
{
	struct buf topics = { 0 };

	message_add_number(r->msg, "packet_id", (int64_t)unpack_be(&r->c, 2));
	if (!r->m->level)
		r->m->level = each_filter(r->c, options, NULL, NULL) ? 4 : 5;
	if (r->m->level == 5)
		take_properties(r);
	if (!r->c.failed)
		each_filter(r->c, options, r, &topics);
	framed_text(r->msg, "topic", (struct text){ topics.data, topics.len });
	r->msg->content_type = message_text(r->msg, "text/plain", 10);
	buf_free(&topics);
}

/* SUBACK and UNSUBACK: one reason for each topic; the first that failed is that of the whole. */
static void read_filters_ack(struct reading *r, bool granted)
{
	uint8_t first_bad = 0;

	unpack_be(&r->c, 2);
	if (r->m->level == 5)
		take_properties(r);
	while (r->c.left && !r->c.failed && r->m->level) {
		uint8_t code = (uint8_t)unpack_be(&r->c, 1);
		char qos[] = "granted QoS 0";
		const char *what = reason_name(5, code);
		if (granted && code < 3) {
			qos[sizeof(qos) - 2] = (char)('0' + code);
			what = qos;
		}
		payload_put(&r->msg->body, what, strlen(what), LIMIT_RENDERED_BYTES);
		payload_put(&r->msg->body, "\n", 1, LIMIT_RENDERED_BYTES);
		first_bad = code >= 0x80 && !first_bad ? code : first_bad;
	}
	r->msg->content_type = message_text(r->msg, "text/plain", 10);
	r->x->status = reason_name(5, first_bad);
	r->x->failed = first_bad != 0;
}

/* DISCONNECT and AUTH: without a code all is well. What goes on (0x18, 0x19) is no status. */
static void read_reason(struct reading *r)
{
	uint8_t code = r->c.left ? (uint8_t)unpack_be(&r->c, 1) : 0;

	if (code != 0x18 && code != 0x19)
		take_reason(r, code);
	if (r->c.left)
		take_properties(r);
}

/* Behind the fixed header. */
static struct unpack content_of(const struct pdu *p)
{
	struct unpack c = unpack_at(p->data, p->len);

	unpack_take(&c, 1);
	unpack_varint(&c, 4);
	return c;
}

void mqtt_read(struct mqtt *m, enum dir dir, const struct pdu *p, struct mqtt_exchange *x,
	       struct message *msg)
{
	struct reading r = { .m = m, .x = x, .msg = msg, .c = content_of(p), .dir = dir };
	enum mqtt_type type = p->data[0] >> 4;

	switch (type) {
	case MQTT_CONNECT:
		read_connect(&r);
		break;
	case MQTT_CONNACK:
		read_connack(&r);
		break;
	case MQTT_PUBLISH:
		read_publish(&r, p);
		break;
	case MQTT_PUBACK:
	case MQTT_PUBREC:
	case MQTT_PUBREL:
	case MQTT_PUBCOMP:
		read_ack(&r, p);
		break;
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE:
		read_filters(&r, type == MQTT_SUBSCRIBE);
		break;
	case MQTT_SUBACK:
	case MQTT_UNSUBACK:
		read_filters_ack(&r, type == MQTT_SUBACK);
		break;
	case MQTT_PINGRESP:
		x->status = "OK";
		break;
	case MQTT_DISCONNECT:
	case MQTT_AUTH:
		read_reason(&r);
		break;
	case MQTT_PINGREQ:
		break;
	}
}
