// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kafka: messages with a length, requests with the number and version of what they ask, answers
 * with the correlation id of the request alone. What logins exchange is never read.
 */
#include "dissect/kafka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"
#include "entry.h"

#define LARGEST	    (100 << 20) /* socket.request.max.bytes, by default; fetches may have more */
#define REQUEST	    14		/* bytes up to the client id */
#define ANSWER	    8
#define KEY_SASL    (1ULL << 40)
#define VERSION_MAX 20

struct kafka {
	struct framed f; /* first */
	bool sasl;	 /* steps of a login may come, without headers (SaslHandshake 0) */
};

const struct kafka_api *kafka_api(unsigned key)
{
#define ELSEWHERE KAFKA_ERROR_ELSEWHERE
#define FIRST	  KAFKA_ERROR_FIRST
#define AFTER(n)  n
	static const struct kafka_api table[] = {
#define API(number, name, flexible, error, group) [number] = { name, flexible, error, group },
#include "dissect/kafka_api.def"
#undef API
	};

	return key < sizeof(table) / sizeof(*table) && table[key].name ? &table[key] : NULL;
}

/* Does a request begin there? What follows the client id plays no part. */
static int request_score(const uint8_t *p, size_t len)
{
	struct unpack u = unpack_at(p, len);
	uint64_t size = unpack_be(&u, 4);
	unsigned key = (unsigned)unpack_be(&u, 2), version = (unsigned)unpack_be(&u, 2);

	if (len >= 4 && (size < REQUEST - 4 || size > LARGEST))
		return PROBE_NO;
	if (len >= 6 && !kafka_api(key))
		return PROBE_NO;
	if (len >= 8 && version > VERSION_MAX)
		return PROBE_NO;
	unpack_be(&u, 4);
	uint64_t client = unpack_be(&u, 2);
	if (u.failed)
		return len < 4 && p[0] > LARGEST >> 24 ? PROBE_NO : PROBE_SHORT;
	if (client == 0xffff)
		client = 0;
	if (client > size - (REQUEST - 4) || client > 255)
		return PROBE_NO;
	for (size_t i = 0; i < client && i < u.left; i++)
		if (u.at[i] < ' ' || u.at[i] > '~')
			return PROBE_NO;
	if (u.left < client)
		return PROBE_MAYBE;
	return key == KAFKA_API_VERSIONS && client ? 90 : client ? 80 : 30;
}

static bool size_valid(const uint8_t *p)
{
	uint32_t size = (uint32_t)p[0] << 24 | (uint32_t)(p[1] << 16 | p[2] << 8 | p[3]);

	return size >= 4 && size <= 2u * LARGEST;
}

static int kafka_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	int score = request_score(data, len);
	if (score != PROBE_NO)
		return score;
	/* An answer shows little of itself: what the other side says decides. */
	if (len < ANSWER)
		return data[0] <= 2 * LARGEST >> 24 ? PROBE_SHORT : PROBE_NO;
	return size_valid(data) && data[0] == 0 ? 2 : PROBE_NO;
}

static bool is_client(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	return f->client_known ? dir == f->client : request_score(data, len) > 0;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)(p[1] << 16 | p[2] << 8 | p[3]);
}

static int kafka_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	if (f->client_known && dir != f->client) {
		if (len < ANSWER)
			return PROBE_SHORT;
		return size_valid(data) && exchange_find(&f->l, be32(data + 4)) ? 90 : PROBE_NO;
	}
	return request_score(data, len);
}

static int64_t kafka_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	if (len < ANSWER)
		return 0;
	if (!size_valid(data))
		return -EPROTO;
	int64_t size = 4 + (int64_t)be32(data);
	if (f->client_known && dir != f->client)
		return size;
	/* Of a request the client id as well: it may prove that it is none. */
	if (size < REQUEST)
		return size;
	size_t client = len < REQUEST ? 0 : (size_t)(data[12] << 8 | data[13]);
	size_t needed = REQUEST + (client <= 255 ? client : 0);
	return len < needed && (int64_t)len < size ? 0 : size;
}

static struct exchange *ask(struct kafka *k, const struct pdu *p)
{
	struct unpack u = unpack_at(p->data, p->len);

	unpack_be(&u, 4);
	unsigned key = (unsigned)unpack_be(&u, 2), version = (unsigned)unpack_be(&u, 2);
	uint32_t id = (uint32_t)unpack_be(&u, 4);
	bool sasl = request_score(p->data, p->len) <= 0;
	if (sasl && !k->sasl)
		return NULL;
	struct exchange *x = framed_asked(&k->f, sasl ? KEY_SASL : id);
	if (!x)
		return NULL;
	struct kafka_exchange *q = (struct kafka_exchange *)x;
	q->sasl = sasl;
	q->api = sasl ? NULL : kafka_api(key);
	q->key = key;
	q->version = version;
	k->sasl = sasl || (key == KAFKA_SASL_HANDSHAKE && !version);
	return x;
}

static int kafka_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct kafka *k = ctx;
	struct framed *f = &k->f;

	if (!f->client_known)
		framed_know_client(f, is_client(f, dir, p->data, p->len) ? dir : !dir);
	if (dir != f->client) {
		uint64_t key = be32(p->data + 4);
		if (!exchange_find(&f->l, key) && exchange_find(&f->l, KEY_SASL))
			key = KEY_SASL;
		return framed_place(f, dir, framed_answered(f, dir, key), PART_RESPONSE, p);
	}
	struct exchange *x = ask(k, p);
	return x ? framed_place(f, dir, x, PART_REQUEST, p) : -EPROTO;
}

static void read_body(struct kafka_body *b, bool request)
{
	struct kafka_exchange *x = b->x;

	b->flexible = (int)x->version >= x->api->flexible;
	unpack_take(&b->u, request ? REQUEST - 2 : ANSWER);
	if (request) {
		uint64_t client = unpack_be(&b->u, 2);
		framed_text(b->msg, "client_id", unpack_text(&b->u, client == 0xffff ? 0 : client));
	}
	/* So that old clients can read it, the header of this answer is never flexible. */
	if (b->flexible && (request || x->key != KAFKA_API_VERSIONS))
		kafka_skip_tags(&b->u);
	(request ? kafka_read_request : kafka_read_answer)(b);
	x->answered |= !request;
	framed_text(b->msg, "topic", (struct text){ b->topics.data, b->topics.len });
	if (b->records)
		message_add_number(b->msg, "records", (int64_t)b->records);
	payload_put(&b->msg->body, b->text.data, b->text.len, LIMIT_RENDERED_BYTES);
	if (b->text.len)
		b->msg->content_type = message_text(b->msg, "text/plain", 10);
}

static int kafka_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	struct exchange *x = f->now[dir];

	if (!x)
		return 0;
	struct kafka_body b = { .x = (struct kafka_exchange *)x,
				.msg = x->message[f->part[dir]],
				.u = unpack_at(p->data, p->len) };
	if (b.x->api)
		read_body(&b, f->part[dir] == PART_REQUEST);
	/* What was looked at is shown; the rest of a large message is not. */
	payload_skip(&b.msg->body, p->missing, GAP_LOST);
	payload_skip(&b.msg->body, p->size - p->missing - p->len, GAP_TRUNCATED);
	if (b.one_way)
		framed_one_way(f, dir);
	buf_free(&b.topics);
	buf_free(&b.text);
	framed_done(f, dir, p);
	return 0;
}

static const char *answer_topic(struct entry *e)
{
	struct message *request = e->message[0];

	e->message[0] = e->message[1];
	const char *topic = framed_summary(e, "topic");
	e->message[0] = request;
	return topic;
}

static void kafka_fill(const struct exchange *x, struct entry *e)
{
	const struct kafka_exchange *q = (const struct kafka_exchange *)x;

	if (framed_fill(x, e))
		return;
	e->method = q->sasl ? "SASL" : q->api ? q->api->name : "";
	e->version = q->api ? entry_printf(e, "%u", q->version) : "";
	e->summary = framed_summary(e, "topic");
	if (!*e->summary)
		e->summary = framed_summary(e, "group");
	if (!*e->summary)
		e->summary = answer_topic(e);
	if (!q->answered)
		return;
	e->failed = q->error != 0;
	e->status =
		q->error ? entry_printf(e, "%d %s", q->error, kafka_error_name(q->error)) : "OK";
}

static const struct framed_ops kafka_ops = {
	.name = "kafka",
	.pdu = { FRAMED_PDU_OPS, .keep = LIMIT_KAFKA_MESSAGE, .begin = kafka_begin,
		 .whole = kafka_whole },
	.exchange = { "kafka", sizeof(struct kafka_exchange), kafka_fill, NULL },
	.length = kafka_length,
	.begins = kafka_begins,
};

static void *kafka_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct kafka *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	account_change(sink->account, 0, sizeof(*k));
	framed_begin(&k->f, sink, hint, &kafka_ops);
	return k;
}

static void kafka_close(void *state, int64_t now)
{
	struct kafka *k = state;

	(void)now;
	framed_end(&k->f);
	account_change(k->f.l.sink.account, sizeof(*k), 0);
	free(k);
}

const struct dissector dissect_kafka = {
	.name = "kafka",
	.probe = kafka_probe,
	.open = kafka_open,
	.close = kafka_close,
	FRAMED_DISSECTOR_OPS,
};
