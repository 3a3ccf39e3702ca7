// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random conversations of MQTT, MongoDB and Kafka, with and without drops: each message carries the
 * number of its exchange, so that an entry which is complete can be held against what was sent.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/coding.h"
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

static char zeros[1 << 20];

static void drop(void *ctx, struct entry *e)
{
	*(size_t *)ctx += entry_bytes(e);
	entry_free(e);
}

/* A compressed message, as its protocol frames it; `n` is its number. */
static void put_mongo_bomb(struct buf *b, unsigned n, const uint8_t *packed, size_t len,
			   size_t plain)
{
	put_le(b, 16 + 9 + len, 4);
	put_le(b, n, 4);
	put_le(b, 0, 4);
	put_le(b, 2012, 4);
	put_le(b, 2013, 4);
	put_le(b, plain, 4);
	put_le(b, 2, 1);
	buf_put(b, packed, len);
}

/* Produce of many batches, each of them compressed. */
static void put_kafka_bomb(struct buf *b, unsigned n, const uint8_t *packed, size_t len,
			   size_t plain)
{
	struct buf batches = { 0 };

	(void)plain;
	for (int i = 0; i < 100; i++) {
		put_be(&batches, 0, 8);
		put_be(&batches, 49 + len, 4);
		put_be(&batches, 0, 4);
		put_be(&batches, 2, 1);
		put_be(&batches, 0, 4);
		put_be(&batches, 1, 2); /* gzip */
		buf_put(&batches, zeros, 34);
		put_be(&batches, 1, 4);
		buf_put(&batches, packed, len);
	}
	put_be(b, 39 + batches.len, 4);
	put_be(b, 0, 2); /* Produce, 3 */
	put_be(b, 3, 2);
	put_be(b, n, 4);
	put_be(b, 2, 2);
	buf_puts(b, "me");
	put_be(b, 0xffff, 2);
	put_be(b, 1, 2);
	put_be(b, 1000, 4);
	put_be(b, 1, 4);
	put_be(b, 1, 2);
	buf_puts(b, "t");
	put_be(b, 1, 4);
	put_be(b, 0, 4);
	put_be(b, batches.len, 4);
	buf_put(b, batches.data, batches.len);
	buf_free(&batches);
}

static size_t pack(int window, void *out, size_t room, const void *data, size_t len)
{
	z_stream z = { .next_in = (Bytef *)data,
		       .avail_in = (uInt)len,
		       .next_out = out,
		       .avail_out = (uInt)room };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

/* Nanoseconds for each of these bytes, when they are undone to their end. */
static double cost_of_all(const uint8_t *packed, size_t len, const char *coding)
{
	clock_t from = clock();

	for (int i = 0; i < 50; i++) {
		struct buf plain = { 0 };
		assert_int_equal(coding_decode(coding, packed, len, sizeof(zeros), &plain), 0);
		assert_int_equal(plain.len, sizeof(zeros));
		buf_free(&plain);
	}
	return 1e9 * (double)(clock() - from) / CLOCKS_PER_SEC / (50.0 * (double)len);
}

/* Little that becomes much, again and again: what is undone is bounded by what was sent. */
static void test_bombs(void **state)
{
	static const struct {
		const struct dissector *d;
		void (*put)(struct buf *b, unsigned n, const uint8_t *packed, size_t len,
			    size_t plain);
		int window;
	} all[] = { { &dissect_mongo, put_mongo_bomb, 15 },
		    { &dissect_kafka, put_kafka_bomb, 15 + 16 } };
	static uint8_t packed[1 << 16];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		size_t told = 0, held = 0, most = 0;
		const struct entry_sink sink = { drop, &told, NULL, NULL, &held };
		const struct conn_hint hint = { .opener_known = true, .opener = DIR_WRITE };
		size_t len = pack(all[i].window, packed, sizeof(packed), zeros, sizeof(zeros));
		void *d = all[i].d->open(&sink, &hint);
		struct buf b = { 0 };
		for (unsigned n = 0; n < 500; n++)
			all[i].put(&b, n + 1, packed, len, sizeof(zeros));
		clock_t from = clock();
		for (size_t at = 0, part; at < b.len; at += part) {
			part = b.len - at < 16384 ? b.len - at : 16384;
			assert_int_equal(all[i].d->feed(d, DIR_WRITE, (uint8_t *)b.data + at, part,
							at, 1000),
					 0);
			most = held > most ? held : most;
		}
		double ns = 1e9 * (double)(clock() - from) / CLOCKS_PER_SEC;
		double whole = cost_of_all(packed, len, all[i].window > 15 ? "gzip" : "deflate");
		print_message("# %s: %.0f ns for a byte, %.0f undone to the end, %zu held\n",
			      all[i].d->name, ns / (double)b.len, whole, most);
		assert_true(ns / (double)b.len < whole / 10);
		assert_true(most < 2 << 20);
		all[i].d->close(d, 2000);
		assert_int_equal(held, 0);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_conversations),
					    cmocka_unit_test(test_bombs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
