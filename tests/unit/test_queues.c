// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random conversations of MQTT, MongoDB and Kafka, with and without drops: each message carries the
 * number of its exchange, so that an entry which is complete can be held against what was sent.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"

#define ROUNDS	  400
#define EXCHANGES 24

/* One message: of exchange `n`, in a direction. */
struct sent {
	struct buf bytes;
	unsigned n;
	enum dir dir;
};

struct talk {
	struct sent sent[4 * EXCHANGES + 4];
	size_t count;
	unsigned seed;
	/* What came out. */
	unsigned complete, told;
	int64_t sizes, lost;
};

static unsigned pick(struct talk *t, unsigned n)
{
	return (unsigned)rand_r(&t->seed) % n;
}

static struct buf *say(struct talk *t, enum dir dir, unsigned n)
{
	struct sent *s = &t->sent[t->count++];

	*s = (struct sent){ .dir = dir, .n = n };
	return &s->bytes;
}

static void put_be(struct buf *b, uint64_t v, unsigned n)
{
	while (n--)
		buf_putc(b, (char)(v >> (8 * n)));
}

static void put_le(struct buf *b, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_putc(b, (char)(v >> (8 * i)));
}

/* The body that exchange n has: "n:" and letters, so many that no two look alike. */
static void payload(unsigned n, char text[static 64])
{
	snprintf(text, 64, "<%u:%.*s>", n, (int)(n * 7 % 40),
		 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop");
}

static void mqtt_hello(struct talk *t)
{
	buf_put(say(t, DIR_WRITE, 0), "\x10\x0e\0\4MQTT\4\2\0\x3c\0\2c1", 16);
	buf_put(say(t, DIR_READ, 0), "\x20\2\0\0", 4);
}

static void mqtt_ask(struct talk *t, unsigned n)
{
	struct buf *b = say(t, DIR_WRITE, n);
	char text[64];

	payload(n, text);
	buf_put(b, "\x32", 1);
	put_be(b, 5 + strlen(text), 1);
	buf_put(b, "\0\1t", 3);
	put_be(b, n, 2);
	buf_puts(b, text);
}

static void mqtt_answer(struct talk *t, unsigned n)
{
	struct buf *b = say(t, DIR_READ, n);

	buf_put(b, "\x40\2", 2);
	put_be(b, n, 2);
}

static void mongo_message(struct buf *b, unsigned id, unsigned answers, const char *key,
			  const char *text)
{
	size_t value = strlen(text) + 1, doc = 4 + 1 + strlen(key) + 1 + 4 + value + 1;

	put_le(b, 16 + 5 + doc, 4);
	put_le(b, id, 4);
	put_le(b, answers, 4);
	put_le(b, 2013, 4);
	put_le(b, 0, 5);
	put_le(b, doc, 4);
	buf_putc(b, 2);
	buf_put(b, key, strlen(key) + 1);
	put_le(b, value, 4);
	buf_put(b, text, value);
	buf_putc(b, 0);
}

static void mongo_hello(struct talk *t)
{
	mongo_message(say(t, DIR_WRITE, 0), 1, 0, "find", "c");
	mongo_message(say(t, DIR_READ, 0), 1, 1, "ok", "yes");
}

static void mongo_ask(struct talk *t, unsigned n)
{
	char text[64];

	payload(n, text);
	mongo_message(say(t, DIR_WRITE, n), 100 + n, 0, "find", text);
}

static void mongo_answer(struct talk *t, unsigned n)
{
	char text[64];

	payload(n, text);
	mongo_message(say(t, DIR_READ, n), 5000 + n, 100 + n, "reply", text);
}

static void kafka_ask(struct talk *t, unsigned n)
{
	struct buf *b = say(t, DIR_WRITE, n);
	char text[64];

	payload(n, text);
	put_be(b, 14 + strlen(text), 4);
	put_be(b, 12, 2); /* Heartbeat of a group */
	put_be(b, 0, 2);
	put_be(b, 100 + n, 4);
	put_be(b, 2, 2);
	buf_puts(b, "me");
	put_be(b, strlen(text), 2);
	buf_puts(b, text);
}

static void kafka_answer(struct talk *t, unsigned n)
{
	struct buf *b = say(t, DIR_READ, n);

	put_be(b, 6, 4);
	put_be(b, 100 + n, 4);
	put_be(b, n, 2); /* its error tells which it is */
}

static void kafka_hello(struct talk *t)
{
	kafka_ask(t, 0);
	kafka_answer(t, 0);
}

/* The server asks: deliveries to a consumer, which it acknowledges. */
static void amqp_method(struct buf *b, unsigned class_id, unsigned id, const void *arguments,
			size_t len)
{
	put_be(b, 1, 1);
	put_be(b, 1, 2);
	put_be(b, 4 + len, 4);
	put_be(b, class_id, 2);
	put_be(b, id, 2);
	buf_put(b, arguments, len);
	put_be(b, 0xce, 1);
}

static void amqp_hello(struct talk *t)
{
	amqp_method(say(t, DIR_WRITE, 0), 60, 20, "\0\0\1q\1c\0\0\0\0\0", 11);
	amqp_method(say(t, DIR_READ, 0), 60, 21, "\1c", 2);
}

static void amqp_ask(struct talk *t, unsigned n)
{
	struct buf *b = say(t, DIR_READ, n), method = { 0 };
	char text[64];

	payload(n, text);
	buf_put(&method, "\1c", 2);
	put_be(&method, n, 8);
	buf_put(&method, "\0\0\1q", 4);
	amqp_method(b, 60, 60, method.data, method.len);
	buf_free(&method);
	buf_put(b, "\2\0\1\0\0\0\x0e\0\x3c\0", 11);
	put_be(b, strlen(text), 8);
	buf_put(b, "\0\0\xce\3\0\1", 6);
	put_be(b, strlen(text), 4);
	buf_puts(b, text);
	put_be(b, 0xce, 1);
}

static void amqp_answer(struct talk *t, unsigned n)
{
	struct buf *b = say(t, DIR_WRITE, n), method = { 0 };

	put_be(&method, n, 8);
	put_be(&method, 0, 1);
	amqp_method(b, 60, 80, method.data, method.len);
	buf_free(&method);
}

static const struct protocol {
	const char *name;
	void (*hello)(struct talk *t);
	void (*ask)(struct talk *t, unsigned n);
	void (*answer)(struct talk *t, unsigned n);
	enum dir answers;
} protocols[] = {
	{ "amqp", amqp_hello, amqp_ask, amqp_answer, DIR_WRITE },
	{ "mqtt", mqtt_hello, mqtt_ask, mqtt_answer },
	{ "mongodb", mongo_hello, mongo_ask, mongo_answer },
	{ "kafka", kafka_hello, kafka_ask, kafka_answer },
};

/* Answers come in any order, some never; no id is used twice. */
static void compose(const struct protocol *p, struct talk *t)
{
	unsigned waiting[EXCHANGES], count = 0, next = 1;

	p->hello(t);
	while (next <= EXCHANGES || count) {
		if (next <= EXCHANGES && (!count || pick(t, 2))) {
			p->ask(t, next);
			waiting[count++] = next++;
			continue;
		}
		unsigned i = pick(t, count), n = waiting[i];
		waiting[i] = waiting[--count];
		if (pick(t, 10))
			p->answer(t, n);
	}
}

/* Which exchange a text is of, 0 for none; it must then be that one's to the letter. */
static unsigned number_in(const char *text, size_t len)
{
	const char *at = len ? memchr(text, '<', len) : NULL;
	unsigned n = at ? (unsigned)strtoul(at + 1, NULL, 10) : 0;
	char want[64];

	if (!n)
		return 0;
	payload(n, want);
	assert_true((size_t)(at - text) + strlen(want) <= len);
	assert_memory_equal(at, want, strlen(want));
	return n;
}

static void told(void *ctx, struct entry *e)
{
	struct talk *t = ctx;
	bool whole = e->complete && strcmp(e->protocol, "tls") != 0;
	unsigned asked = 0, answered = 0;

	t->told++;
	t->sizes += e->request_size + e->response_size;
	t->lost += e->lost_bytes;
	buf_cstr(&e->request_body);
	buf_cstr(&e->response_body);
	if (whole && (!strcmp(e->protocol, "mqtt") || !strcmp(e->protocol, "amqp")))
		asked = number_in(e->request_body.data, e->request_body.len);
	if (whole && !strcmp(e->protocol, "mongodb")) {
		asked = number_in(e->request_body.data, e->request_body.len);
		answered = number_in(e->response_body.data, e->response_body.len);
		assert_int_equal(asked, answered);
	}
	if (whole && !strcmp(e->protocol, "kafka")) {
		asked = number_in(e->summary, strlen(e->summary));
		assert_int_equal(asked, strtoul(e->status, NULL, 10));
	}
	t->complete += asked != 0;
	entry_free(e);
}

/* Play it; of 1,000 messages so many lose bytes. Returns how many bytes there were. */
static int64_t play(struct talk *t, unsigned drops, int64_t *ret_lost)
{
	const struct entry_sink sink = { .emit = told, .ctx = t };
	const struct conn_hint hint = { .opener_known = true, .opener = DIR_WRITE };
	struct dissection *d = dissect_open(&sink, &hint);
	uint64_t at[2] = { 0 };
	int64_t now = 1000, total = 0;

	*ret_lost = 0;
	for (size_t i = 0; i < t->count; i++, now += 10) {
		struct sent *s = &t->sent[i];
		const uint8_t *p = (const uint8_t *)s->bytes.data;
		size_t len = s->bytes.len, from = len, to = len;
		if (i > 1 && pick(t, 1000) < drops) {
			from = pick(t, (unsigned)len);
			to = from + 1 + pick(t, (unsigned)(len - from));
		}
		dissect_feed(d, s->dir, p, from, at[s->dir], now);
		if (to > from)
			dissect_gap(d, s->dir, to - from, GAP_LOST, now);
		dissect_feed(d, s->dir, p + to, len - to, at[s->dir] + to, now);
		at[s->dir] += len;
		total += (int64_t)len;
		*ret_lost += (int64_t)(to - from);
		buf_free(&s->bytes);
	}
	dissect_close(d, now);
	return total;
}

static void test_conversations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		unsigned complete = 0, most = 0;
		for (unsigned round = 0; round < ROUNDS; round++) {
			struct talk t = { .seed = round + 1 };
			int64_t lost;
			compose(&protocols[i], &t);
			size_t answers = 0;
			for (size_t j = 2; j < t.count; j++)
				answers += t.sent[j].dir == protocols[i].answers;
			int64_t total = play(&t, round % 2 ? 100 : 0, &lost);
			/* Each byte is of one entry, and each that is missing. */
			assert_int_equal(t.sizes, total);
			assert_int_equal(t.lost, lost);
			if (!lost)
				assert_int_equal(t.complete, answers);
			complete += lost ? t.complete : 0;
			most += lost ? (unsigned)answers : 0;
		}
		/* A tenth of the messages is damaged: most exchanges are not. */
		print_message("%s: %u of %u with drops\n", protocols[i].name, complete, most);
		assert_true(complete * 10 > most * 4 && complete < most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_conversations) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
