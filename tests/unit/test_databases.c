// SPDX-License-Identifier: GPL-2.0-or-later
/* Random conversations with databases, with and without drops: what is complete is what was sent.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/dissect.h"
#include "entry.h"

struct talk {
	struct buf bytes[2]; /* of each direction */
	struct {
		enum dir dir;
		size_t end; /* in the bytes of its direction */
	} turns[4096];
	size_t turn_count;
	uint64_t lost; /* bytes dropped */
	unsigned long entries, complete, lost_told;
	uint64_t seed;
	const struct protocol *protocol;
};

/* The request asks for the id, the answer names it with a blank behind it. */
struct protocol {
	const char *asks; /* the summary, up to the id */
	void (*put_request)(struct talk *t, unsigned id);
	void (*put_answer)(struct talk *t, unsigned id);
};

static unsigned roll(struct talk *t, unsigned n)
{
	t->seed = t->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(t->seed >> 33) % n;
}

static void put_request(struct talk *t, unsigned id)
{
	char key[32];
	int n = snprintf(key, sizeof(key), "id%u", id);

	if (roll(t, 8))
		buf_printf(&t->bytes[DIR_WRITE], "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", n, key);
	else
		buf_printf(&t->bytes[DIR_WRITE], "GET %s\r\n", key);
}

/* Text, an array, a map in which another has its place: all of it names the id. */
static void put_answer(struct talk *t, unsigned id)
{
	struct buf *b = &t->bytes[DIR_READ];
	char text[64];
	int n = snprintf(text, sizeof(text), "value of id%u %.*s", id, (int)roll(t, 30),
			 "..............................");

	switch (roll(t, 4)) {
	case 0:
		buf_printf(b, "-ERR id%u is wrong\r\n", id);
		return;
	case 1:
		buf_printf(b, "*3\r\n$%d\r\n%s\r\n:17\r\n*1\r\n$%d\r\n%s\r\n", n, text, n, text);
		return;
	case 2:
		buf_printf(b, "%%1\r\n+name\r\n$%d\r\n%s\r\n", n, text);
		return;
	default:
		buf_printf(b, "$%d\r\n%s\r\n", n, text);
	}
}

static void put_pg(struct buf *b, char type, const void *data, size_t len)
{
	uint32_t n = (uint32_t)len + 4;
	const char head[] = { type, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };

	buf_put(b, head, sizeof(head));
	buf_put(b, data, len);
}

/* A simple query, or the messages of an extended one. */
static void put_pg_request(struct talk *t, unsigned id)
{
	struct buf *b = &t->bytes[DIR_WRITE];
	char text[64];
	int n = snprintf(text, sizeof(text), "SELECT id%u", id);

	if (roll(t, 2)) {
		put_pg(b, 'Q', text, (size_t)n + 1);
		return;
	}
	char parse[80] = { 0 };
	memcpy(parse + 1, text, (size_t)n);
	put_pg(b, 'P', parse, (size_t)n + 4);
	put_pg(b, 'B', "\0\0\0\0\0\0\0", 8);
	put_pg(b, 'D', "P", 2);
	put_pg(b, 'E', "\0\0\0\0", 5);
	put_pg(b, 'S', NULL, 0);
}

/* Is the last request an extended one? Its answer confirms each message. */
static bool is_extended(const struct talk *t, unsigned id)
{
	char query[64];
	int n = snprintf(query, sizeof(query), "SELECT id%u", id);
	const struct buf *b = &t->bytes[DIR_WRITE];
	const char *at = memmem(b->data, b->len, query, (size_t)n + 1);

	return at[-1] == '\0' && at[-6] == 'P';
}

static void put_pg_answer(struct talk *t, unsigned id)
{
	struct buf *b = &t->bytes[DIR_READ];
	char row[80] = { 0, 1, 0, 0, 0 };
	int n = snprintf(row + 6, sizeof(row) - 6, "value of id%u %.*s", id, (int)roll(t, 30),
			 "..............................");

	row[5] = (char)n;
	if (is_extended(t, id)) {
		put_pg(b, '1', NULL, 0);
		put_pg(b, '2', NULL, 0);
		put_pg(b, 'n', NULL, 0);
	}
	for (unsigned i = 1 + roll(t, 3); i; i--)
		put_pg(b, 'D', row, 6 + (size_t)n);
	put_pg(b, 'C', "SELECT 1", 9);
	put_pg(b, 'Z', "I", 1);
}

static void put_my(struct buf *b, unsigned number, const void *data, size_t len)
{
	const char head[] = { (char)len, (char)(len >> 8), 0, (char)number };

	buf_put(b, head, sizeof(head));
	buf_put(b, data, len);
}

static void put_my_request(struct talk *t, unsigned id)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%cSELECT id%u", roll(t, 4) ? 3 : 0x16, id);

	put_my(&t->bytes[DIR_WRITE], 0, text, (size_t)n);
}

/* An error, or rows. */
static void put_my_answer(struct talk *t, unsigned id)
{
	struct buf *b = &t->bytes[DIR_READ];
	char query[64] = { 0 }, text[80], column[128];
	int n = snprintf(query + 4, sizeof(query) - 4, "%cSELECT id%u", 0x16, id);
	const struct buf *asked = &t->bytes[DIR_WRITE];

	/* What is prepared is refused. */
	query[0] = (char)n;
	bool error = memmem(asked->data, asked->len, query, (size_t)n + 4) || !roll(t, 4);
	n = snprintf(text, sizeof(text), "%cvalue of id%u %.*s", 0, id, (int)roll(t, 30),
		     "..............................");
	if (error) {
		n = snprintf(text, sizeof(text), "\xff\x7a\x04#42S02Table id%u is not there", id);
		put_my(b, 1, text, (size_t)n);
		return;
	}
	unsigned number = 1;
	put_my(b, number++, "\1", 1);
	int size = snprintf(column, sizeof(column), "\3def\1s\1t\1t\1a\1a\x0c!");
	memset(column + size, 0, 12);
	put_my(b, number++, column, (size_t)size + 12);
	put_my(b, number++, "\xfe\0\0\2", 5);
	text[0] = (char)(n - 1);
	for (unsigned i = 1 + roll(t, 3); i; i--)
		put_my(b, number++, text, (size_t)n);
	put_my(b, number, "\xfe\0\0\2", 5);
}

/* A question, or the last chunk of a mail; the first says what is spoken. */
static void put_smtp_request(struct talk *t, unsigned id)
{
	struct buf *b = &t->bytes[DIR_WRITE];
	char mail[64];
	int n = snprintf(mail, sizeof(mail), "Subject: id%u\r\n\r\n.\r\nQUIT\r\n", id);

	if (id && !roll(t, 3))
		buf_printf(b, "BDAT %d LAST\r\n%s", n, mail);
	else
		buf_printf(b, "%s id%u\r\n", id ? "VRFY" : "EHLO", id);
}

static void put_smtp_answer(struct talk *t, unsigned id)
{
	for (unsigned i = roll(t, 3); i; i--)
		buf_printf(&t->bytes[DIR_READ], "250-id%u goes on\r\n", id);
	buf_printf(&t->bytes[DIR_READ], "250 id%u is known\r\n", id);
}

static void put_imap_request(struct talk *t, unsigned id)
{
	buf_printf(&t->bytes[DIR_WRITE],
		   roll(t, 3) ? "t%u SELECT id%u\r\n" : "t%u SELECT \"id%u\"\r\n", id, id);
}

static void put_imap_answer(struct talk *t, unsigned id)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "value of id%u ...\r\n* 1 EXISTS\r\n", id);

	if (roll(t, 2))
		buf_printf(&t->bytes[DIR_READ], "* OK id%u is there\r\n", id);
	else
		buf_printf(&t->bytes[DIR_READ], "* 1 FETCH (BODY[] {%d}\r\n%s)\r\n", n, text);
	buf_printf(&t->bytes[DIR_READ], "t%u OK done\r\n", id);
}

static const struct protocol smtp = { "id", put_smtp_request, put_smtp_answer };
static const struct protocol imap = { "id", put_imap_request, put_imap_answer };
static const struct protocol redis = { "GET id", put_request, put_answer };
static const struct protocol mysql = { "SELECT id", put_my_request, put_my_answer };
static const struct protocol postgres = { "SELECT id", put_pg_request, put_pg_answer };

static void turn(struct talk *t, enum dir dir)
{
	t->turns[t->turn_count].dir = dir;
	t->turns[t->turn_count++].end = t->bytes[dir].len;
}

/* Some wait for each answer, some send ahead from the start. */
static void make(struct talk *t, unsigned exchanges)
{
	unsigned ahead = roll(t, 2) ? 1 + roll(t, 5) : 1;

	for (unsigned id = 0; id < exchanges;) {
		unsigned n = id ? 1 + roll(t, ahead) : ahead;
		for (unsigned i = 0; i < n; i++)
			t->protocol->put_request(t, id + i);
		turn(t, DIR_WRITE);
		for (unsigned i = 0; i < n; i++)
			t->protocol->put_answer(t, id + i);
		turn(t, DIR_READ);
		id += n;
	}
}

static void told(void *ctx, struct entry *e)
{
	struct talk *t = ctx;
	const char *answer = buf_cstr(&e->response_body), *asks = t->protocol->asks;
	char id[32];

	t->entries++;
	t->lost_told += (unsigned long)e->lost_bytes;
	if (e->complete && e->request_size && e->response_size &&
	    !strncmp(e->summary, asks, strlen(asks))) {
		snprintf(id, sizeof(id), "id%s ", e->summary + strlen(asks));
		if (!strstr(answer, id))
			fail_msg("%s has the answer %s", e->summary, answer);
		assert_int_equal(e->lost_bytes, 0);
		/* Nor that of another. */
		for (const char *p = answer; (p = strstr(p, "id")); p += 2)
			if (p[2] >= '0' && p[2] <= '9' && strncmp(p, id, strlen(id)) != 0)
				fail_msg("%s has an answer of another: %s", e->summary, answer);
		t->complete++;
	}
	entry_free(e);
}

/* `one_in` 0: nothing is dropped. */
static void play(struct talk *t, unsigned one_in)
{
	const struct entry_sink sink = { told, t, NULL, NULL };
	const struct conn_hint hint = { .opener_known = true,
					.opener = DIR_WRITE,
					.in_order = roll(t, 2) };
	struct dissection *d = dissect_open(&sink, &hint);
	size_t at[2] = { 0, 0 };
	int64_t now = 1000;

	for (size_t i = 0; i < t->turn_count; i++) {
		enum dir dir = t->turns[i].dir;
		while (at[dir] < t->turns[i].end) {
			size_t left = t->turns[i].end - at[dir], n = 1 + roll(t, 80);
			n = n < left ? n : left;
			bool drop = one_in && i > 1 && !roll(t, one_in);
			if (drop)
				dissect_gap(d, dir, n, GAP_LOST, now);
			else
				dissect_feed(d, dir, (uint8_t *)t->bytes[dir].data + at[dir], n,
					     at[dir], now);
			t->lost += drop ? n : 0;
			at[dir] += n;
		}
		now += 1000;
		if (one_in && !roll(t, 20))
			dissect_idle(d, now += 6000000);
	}
	dissect_close(d, now);
	assert_true(t->lost_told <= t->lost);
	buf_free(&t->bytes[0]);
	buf_free(&t->bytes[1]);
}

static void converse(const struct protocol *protocol)
{
	static struct talk t;
	unsigned long complete = 0;

	for (unsigned n = 0; n < 2000; n++) {
		unsigned exchanges = 1 + n % 60;
		memset(&t, 0, sizeof(t));
		t.seed = n;
		t.protocol = protocol;
		make(&t, exchanges);
		play(&t, n % 2 ? 5 + n % 40 : 0);
		if (!(n % 2))
			assert_true(t.complete >= exchanges && t.entries == t.complete);
		else
			complete += t.complete;
	}
	/* Not by telling nothing. */
	assert_true(complete > 5000);
}

static void test_redis(void **state)
{
	(void)state;
	converse(&redis);
}

static void test_postgres(void **state)
{
	(void)state;
	converse(&postgres);
}

static void test_mysql(void **state)
{
	(void)state;
	converse(&mysql);
}

static void test_smtp(void **state)
{
	(void)state;
	converse(&smtp);
}

static void test_imap(void **state)
{
	(void)state;
	converse(&imap);
}

/* A client that waits: each answer has its gaps, and all other bytes that came of it. */
struct holes {
	uint64_t size[64], lost[64]; /* of the answers */
	unsigned n, told;
};

static void holed(void *ctx, struct entry *e)
{
	struct holes *h = ctx;
	unsigned n = h->told++;

	assert_true(n < h->n);
	assert_int_equal(e->response_size, h->size[n]);
	assert_int_equal(e->lost_bytes, h->lost[n]);
	assert_int_equal(e->complete, !h->lost[n]);
	assert_true(e->request_size > 0);
	entry_free(e);
}

/* Pieces of answers are dropped, whole ones, too. */
static void play_holes(struct talk *t, struct holes *h)
{
	const struct entry_sink sink = { holed, h, NULL, NULL };
	const struct conn_hint hint = { .opener_known = true,
					.opener = DIR_WRITE,
					.in_order = true };
	struct dissection *d = dissect_open(&sink, &hint);
	size_t at[2] = { 0, 0 };
	int64_t now = 1000;

	for (size_t i = 0; i < t->turn_count; i++) {
		enum dir dir = t->turns[i].dir;
		/* Two in a row could be answers to requests that nobody saw. */
		bool may = i > 10 && dir == DIR_READ && !h->lost[i / 2 - 1] && !roll(t, 3);
		h->size[i / 2] = dir == DIR_READ ? t->turns[i].end - at[dir] : 0;
		while (at[dir] < t->turns[i].end) {
			size_t left = t->turns[i].end - at[dir], n = 1 + roll(t, 40);
			n = n < left ? n : left;
			bool drop = may && !roll(t, 2);
			h->lost[i / 2] += drop ? n : 0;
			if (drop)
				dissect_gap(d, dir, n, GAP_LOST, now);
			else
				dissect_feed(d, dir, (uint8_t *)t->bytes[dir].data + at[dir], n,
					     at[dir], now);
			at[dir] += n;
		}
		now += 1000;
	}
	dissect_close(d, now);
}

static void test_holes(void **state)
{
	static const struct protocol *const protocols[] = { &redis, &postgres, &mysql };

	(void)state;
	for (unsigned n = 0; n < 3000; n++) {
		static struct talk t;
		struct holes h = { .n = 30 };
		memset(&t, 0, sizeof(t));
		t.seed = n;
		t.protocol = protocols[n % 3];
		for (unsigned id = 0; id < h.n; id++) {
			t.protocol->put_request(&t, id);
			turn(&t, DIR_WRITE);
			t.protocol->put_answer(&t, id);
			turn(&t, DIR_READ);
		}
		play_holes(&t, &h);
		assert_int_equal(h.told, h.n);
		buf_free(&t.bytes[0]);
		buf_free(&t.bytes[1]);
	}
}

/* More wait than are remembered: the first are told without their answers, the others have theirs.
 */
static void test_long_pipeline(void **state)
{
	static struct talk t;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.protocol = &redis;
	for (unsigned i = 0; i < 3 * LIMIT_PIPELINE; i++)
		put_request(&t, i);
	turn(&t, DIR_WRITE);
	for (unsigned i = 0; i < 3 * LIMIT_PIPELINE; i++)
		put_answer(&t, i);
	turn(&t, DIR_READ);
	play(&t, 0);
	assert_int_equal(t.complete, LIMIT_PIPELINE - 1);
	assert_int_equal(t.entries, 5 * LIMIT_PIPELINE + 1);
}

static void too_deep(void *ctx, struct entry *e)
{
	*(unsigned *)ctx += strstr(e->reason, "nested too deeply") != NULL;
	entry_free(e);
}

/* Arrays of Redis, 100,000 deep. */
static void test_nested(void **state)
{
	unsigned told = 0;
	size_t held = 0, most = 0;
	const struct entry_sink sink = { too_deep, &told, NULL, NULL, &held };
	const struct conn_hint hint = { .opener_known = true, .opener = DIR_WRITE };
	struct dissection *d = dissect_open(&sink, &hint);
	static const char ask[] = "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n", level[] = "*1\r\n";

	(void)state;
	dissect_feed(d, DIR_WRITE, (const uint8_t *)ask, strlen(ask), 0, 1000);
	for (uint64_t i = 0; i < 100000; i++) {
		dissect_feed(d, DIR_READ, (const uint8_t *)level, 4, 4 * i, 2000);
		most = held > most ? held : most;
	}
	dissect_close(d, 3000);
	assert_int_equal(told, 1);
	assert_int_equal(held, 0);
	/* What is opaque is kept as it came. */
	assert_true(most < 3 * 400000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redis),	      cmocka_unit_test(test_postgres),
		cmocka_unit_test(test_mysql),	      cmocka_unit_test(test_smtp),
		cmocka_unit_test(test_imap),	      cmocka_unit_test(test_holes),
		cmocka_unit_test(test_long_pipeline), cmocka_unit_test(test_nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
